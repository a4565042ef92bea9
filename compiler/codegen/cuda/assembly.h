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

  // What to call: the arguments are the row's in order, a place being a pointer, a tensor map too,
  // a fragment a reference; constants are part of the name.  `operands`: the operation's.
  std::string Intrinsic(const kernel::IntrinsicAttributes& call, size_t operands);
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
  // An argument of a template, in order.
  struct Slot {
    enum class Kind { kConstant, kValue, kPlace, kMap, kFragment };
    Kind kind = Kind::kValue;
    kernel::Type type = kernel::Type::None();      // kValue, kFragment: of one of them
    kernel::Space space = kernel::Space::kGlobal;  // kPlace
    std::string constant = {};                     // kConstant
    absl::string_view name = {};                   // in the template
    bool is_list = false;                          // kValue: `count` parameters
    int count = 1;                                 // kFragment: elements of an array; 0: none

    static Slot Value(kernel::Type type) { return {Kind::kValue, type}; }
    static Slot Place(kernel::Space space) { return {Kind::kPlace, kernel::Type::None(), space}; }
  };
  class Definition;
  // Writes `name` around one instruction, unless it is there.
  void Define(const std::string& name, kernel::Type result, const std::vector<Slot>& slots,
              absl::string_view ptx, bool synchronizes);
  std::vector<Slot> SlotsOf(const kernel::IntrinsicAttributes& call, size_t operands,
                            std::string& name) const;
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
