// Instructions as functions of CUDA C++: each that a module uses is written once, around the PTX
// that codegen/ptx and kernel/intrinsics.def give.
#ifndef INGOT_COMPILER_CODEGEN_CUDA_ASSEMBLY_H_
#define INGOT_COMPILER_CODEGEN_CUDA_ASSEMBLY_H_

#include <set>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "compiler/codegen/cuda/types.h"
#include "compiler/kernel/kernel.h"

namespace ingot::codegen {

class CudaAssembly {
 public:
  // `capability`: of the target, times 10.  `types` has to outlive this.
  CudaAssembly(int capability, CudaTypes* types) : capability_(capability), types_(*types) {}

  // What to call: the arguments are the row's in order, a place being a pointer; constants are part
  // of the name.
  std::string Intrinsic(const kernel::IntrinsicAttributes& call);
  // pattern f(place), f(place, pattern): a pattern is an unsigned integer of the element's bits, of
  // 16 for a byte.
  std::string OrderedLoad(const kernel::MemoryAttributes& access);
  std::string OrderedStore(const kernel::MemoryAttributes& access);
  // old value f(place, value)
  std::string Atomic(const kernel::AtomicAttributes& atomic, kernel::Type type);
  // old value f(place, expected, desired)
  std::string CompareExchange(const kernel::AtomicAttributes& atomic, ElementType element);

  // The functions, in the order in which they were first asked for.
  const std::string& text() const { return text_; }

 private:
  // A parameter or a result: a value, or a place in memory.
  struct Operand {
    kernel::Type type = kernel::Type::None();
    bool is_place = false;
    kernel::Space space = kernel::Space::kGlobal;

    static Operand Value(kernel::Type type) { return {type}; }
    static Operand Place(kernel::Space space) { return {kernel::Type::None(), true, space}; }
  };

  // Writes `name` around one instruction, unless it is there.  `slots` are the arguments of the
  // template in order: an operand, or a constant's text.
  struct Slot {
    Operand operand;
    std::string constant;
  };
  void Define(const std::string& name, kernel::Type result, const std::vector<Slot>& slots,
              absl::string_view ptx, bool synchronizes);
  void DefineByWords(const std::string& name, const std::string& words,
                     const kernel::IntrinsicInfo& info);
  // False where it has been written before.
  bool IsNew(const std::string& declaration) { return written_.insert(declaration).second; }

  int capability_;
  CudaTypes& types_;
  std::set<std::string> written_;  // declarations
  std::string text_;
};

}  // namespace ingot::codegen

#endif  // INGOT_COMPILER_CODEGEN_CUDA_ASSEMBLY_H_
