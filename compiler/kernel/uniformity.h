// Which threads agree on a value, and which reach an operation together, on
// grid ⊃ cluster ⊃ block ⊃ warpgroup ⊃ warp ⊃ thread.
//
//   %r = div(thread, 32)              // %r: warp
//   if %r == 0 { %s = load %x[thread] : f32 }   // reached together by a warp; %s: thread
//
// What is derived is what holds for every race-free kernel: a plain load is uniform where its index
// is, at most over a block (another block may write between two blocks' loads).
#ifndef INGOT_COMPILER_KERNEL_UNIFORMITY_H_
#define INGOT_COMPILER_KERNEL_UNIFORMITY_H_

#include <vector>

#include "absl/container/flat_hash_map.h"
#include "compiler/kernel/kernel.h"

namespace ingot::kernel {

class Uniformity {
 public:
  explicit Uniformity(const Kernel& kernel);

  // The largest scope in which every thread that has the value has the same one.
  Scope OfValue(const Operation& op) const { return values_[op.id]; }
  // The largest scope whose threads all reach the operation, together, when one does.
  Scope OfControl(const Operation& op) const { return controls_[op.id]; }

 private:
  void Visit(const Block& block, Scope control);
  void VisitBlocks(const Operation& op, Scope control);
  Scope Derive(const Operation& op) const;
  Scope OfOperands(const Operation& op) const;
  Scope OfThreadId(int axis) const;
  Scope OfDivision(const Operation& op) const;
  void Narrow(Scope& scope, Scope to);

  const Kernel& kernel_;
  std::vector<Scope> values_;    // by operation id
  std::vector<Scope> controls_;  // by operation id
  std::vector<Scope> loops_;     // of a while, by operation id: who stays in it together
  absl::flat_hash_map<const Var*, Scope> vars_;
  bool changed_ = false;
};

}  // namespace ingot::kernel

#endif  // INGOT_COMPILER_KERNEL_UNIFORMITY_H_
