// What is the same in every trip of a loop.
#ifndef INGOT_PASSES_LOOP_INVARIANTS_H_
#define INGOT_PASSES_LOOP_INVARIANTS_H_

#include "absl/container/flat_hash_map.h"
#include "ir/module.h"

namespace ingot {

// Of one while, whose state is a tuple that its body takes apart and puts together.
class LoopInvariants {
 public:
  // Requires: loop is a while.
  explicit LoopInvariants(const Instruction& loop);

  // Whether the loop has such a state; where it has not, nothing is invariant.
  bool HasState() const { return has_state_; }
  // Whether an instruction of the body has the same value in every trip.
  bool Contains(const Instruction& instruction) const {
    const auto it = invariant_.find(&instruction);
    return it != invariant_.end() && it->second;
  }
  // Whether it is an element of the state that no trip changes.
  bool IsElement(const Instruction& instruction) const;

 private:
  bool has_state_ = false;
  const Instruction* parameter_ = nullptr;
  absl::flat_hash_map<const Instruction*, bool> invariant_;
};

}  // namespace ingot

#endif  // INGOT_PASSES_LOOP_INVARIANTS_H_
