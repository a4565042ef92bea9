// Renderer: one kernel's body as LLVM IR, for the host and for NVPTX.
//
// What differs between the two is asked of `is_gpu()`, and is little: a vector is one LLVM vector
// on the host, and as many scalars on the GPU, where registers are scalar; ids, atomics and ordered
// accesses; and the instructions of intrinsics.def.
#ifndef INGOT_COMPILER_CODEGEN_LLVM_RENDERER_H_
#define INGOT_COMPILER_CODEGEN_LLVM_RENDERER_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "compiler/codegen/llvm/elements.h"
#include "compiler/kernel/kernel.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"

namespace ingot::codegen {

// The value of an operation: one LLVM value (scalar or vector) on the host, one a lane on the GPU.
struct Lanes {
  llvm::SmallVector<llvm::Value*, 1> parts;
};

class Renderer {
 public:
  // Appends to `function`, whose last block is where the body starts.
  Renderer(const kernel::Kernel& kernel, llvm::Function* function, MachineFeatures features);

  // Where a buffer begins; for every buffer and shared allocation, before Render.
  void SetBase(const kernel::Buffer* buffer, llvm::Value* pointer) { bases_[buffer] = pointer; }
  // The generic address of a tensor map, for every parameter that is one.
  void SetMap(const kernel::MapParameter* map, llvm::Value* pointer) { maps_[map] = pointer; }
  // The value of a scalar parameter, in its representation.
  void SetValue(const kernel::Operation* op, llvm::Value* value);
  // Host: the id of the task (i64).
  void SetTask(llvm::Value* task) { task_ = task; }

  // The kernel's body.
  absl::Status Render();

  llvm::IRBuilder<>& builder() { return b_; }
  Elements& elements() { return elements_; }

 private:
  bool is_gpu() const { return elements_.features().nvptx; }
  // Remembers the first failure; rendering goes on with poison.
  void Fail(absl::Status status) { status_.Update(std::move(status)); }

  // --- renderer.cc
  void RenderBlock(const kernel::Block& block);
  void RenderOperation(const kernel::Operation& op);
  Lanes RenderLaneWise(const kernel::Operation& op);
  Lanes RenderVector(const kernel::Operation& op);
  Lanes RenderHorizontal(const kernel::Operation& op);
  Lanes RenderBitcast(const kernel::Operation& op);
  Lanes RenderConvert(const kernel::Operation& op);
  void RenderVar(const kernel::Operation& op);
  llvm::Value* VarElement(const kernel::Operation& op, int part);
  Lanes RenderId(const kernel::Operation& op);
  llvm::Value* ThreadId(int axis);
  llvm::Value* LinearThreadId();

  // --- values
  const Lanes& ValueOf(const kernel::Operation* op) const { return values_[op->id]; }
  llvm::Value* ScalarOf(const kernel::Operation* op) const { return values_[op->id].parts[0]; }
  llvm::Type* PartType(kernel::Type type) const;
  Lanes Undefined(kernel::Type type) const;
  // Each lane as a scalar, and back.
  std::vector<llvm::Value*> Split(const Lanes& value, int lanes);
  Lanes Join(kernel::Type type, absl::Span<llvm::Value* const> lanes);

  // --- memory.cc
  llvm::Type* MemoryType(ElementType element) const;
  // Between the representation in registers and in memory; scalars or vectors.
  llvm::Value* FromMemory(llvm::Value* value, ElementType element);
  llvm::Value* ToMemory(llvm::Value* value, ElementType element);
  std::pair<llvm::Value*, int64_t> SplitConstant(llvm::Value* value, int operations);
  llvm::Value* Address(const kernel::Buffer* buffer, llvm::Value* index);
  Lanes RenderLoad(const kernel::Operation& op);
  void RenderStore(const kernel::Operation& op);
  Lanes LoadAll(const kernel::Operation& op, llvm::Value* address);
  void StoreAll(const kernel::Operation& op, llvm::Value* address, const Lanes& value);
  std::vector<llvm::Value*> CutWord(llvm::Value* word, int bits);
  llvm::Value* MakeWord(absl::Span<llvm::Value* const> parts);
  Lanes LoadChunks(const kernel::Operation& op, llvm::Value* address);
  void StoreChunks(const kernel::Operation& op, llvm::Value* address, const Lanes& value);
  Lanes LoadLanes(const kernel::Operation& op, llvm::Value* address, const Lanes& mask);
  void StoreLanes(const kernel::Operation& op, llvm::Value* address, const Lanes& value,
                  const Lanes& mask);
  // True where every lane of the mask is; nullptr: known to be.
  llvm::Value* AllOf(const Lanes& mask);
  llvm::LoadInst* PlainLoad(const kernel::Operation& op, llvm::Type* type, llvm::Value* address,
                            int64_t alignment);
  // `then` where the condition holds, else `otherwise`; each gives a value of `type`.
  Lanes Either(llvm::Value* condition, absl::FunctionRef<Lanes()> then,
               absl::FunctionRef<Lanes()> otherwise);
  void OnlyIf(llvm::Value* condition, absl::FunctionRef<void()> then);

  // --- atomics.cc
  Lanes RenderAtomic(const kernel::Operation& op);
  llvm::Value* OrderedLoad(const kernel::Operation& op, llvm::Value* address);
  void OrderedStore(const kernel::Operation& op, llvm::Value* address, llvm::Value* value);
  llvm::Value* AtomicLane(const kernel::Operation& op, llvm::Value* address, llvm::Value* value);
  // nullptr: the target has no such instruction.
  llvm::Value* NativeAtomic(const kernel::Operation& op, llvm::Value* address, llvm::Value* value);
  llvm::Value* CompareExchange(const kernel::Operation& op, llvm::Value* address,
                               llvm::Value* expected, llvm::Value* desired);
  // old = *address; do *address = combine(old), until nobody came between.
  llvm::Value* ExchangeLoop(const kernel::Operation& op, llvm::Value* address,
                            absl::FunctionRef<llvm::Value*(llvm::Value*)> combine);

  // --- control.cc
  void RenderFor(const kernel::Operation& op);
  void RenderUnrolled(const kernel::Operation& op, absl::Span<const int64_t> iterations);
  void RenderWhile(const kernel::Operation& op);
  void RenderIf(const kernel::Operation& op);
  void RenderRoles(const kernel::Operation& op);
  llvm::BasicBlock* NewBlock(const char* name);

  // --- intrinsics.cc
  struct Row;
  Row MakeRow(const kernel::Operation& op, const kernel::IntrinsicInfo& info);
  void AddFragment(const kernel::Var* var, Row& row);
  Lanes RenderIntrinsic(const kernel::Operation& op);
  // Inline assembly: registers for the results, $0 on, then for the operands.  `tied`: what the
  // last results are before, in the same registers.
  Lanes Assembly(const std::string& text, llvm::ArrayRef<llvm::Type*> results,
                 llvm::ArrayRef<llvm::Value*> operands, bool synchronizes, bool convergent,
                 llvm::ArrayRef<llvm::Value*> tied = {});

  const kernel::Kernel& kernel_;
  llvm::Function* function_;
  llvm::IRBuilder<> b_;
  Elements elements_;
  std::vector<Lanes> values_;  // by operation id
  absl::flat_hash_map<const kernel::Buffer*, llvm::Value*> bases_;
  absl::flat_hash_map<const kernel::MapParameter*, llvm::Value*> maps_;
  absl::flat_hash_map<const kernel::Var*, llvm::AllocaInst*> vars_;
  llvm::Value* task_ = nullptr;
  absl::Status status_;
};

}  // namespace ingot::codegen

#endif  // INGOT_COMPILER_CODEGEN_LLVM_RENDERER_H_
