// Which instructions of a program have one value, across fusions.
#ifndef INGOT_COMPILER_PLAN_VALUE_NUMBERS_H_
#define INGOT_COMPILER_PLAN_VALUE_NUMBERS_H_

#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"
#include "ir/module.h"

namespace ingot::plan {

// Computations that become kernels together: equal (SameComputation), compiled once.
using EqualFusions = std::vector<const Computation*>;

// A number for each value of the program.  Values are taken for one where their ops, shapes and
// operands are the same (attributes are not looked at, but small literals are); a parameter of a
// fusion is its caller's operand.  Each fusion has one caller.
class ValueNumbers {
 public:
  explicit ValueNumbers(const Module& module);

  int64_t NumberOf(const Instruction& instruction) const { return numbers_.at(&instruction); }
  int64_t count() const { return count_; }

 private:
  // `caller`: the fusion instruction, or null.
  void Number(const Computation& computation, const Instruction* caller);
  int64_t NumberFor(const Instruction& instruction, const Instruction* caller);

  absl::flat_hash_map<const Computation*, const Instruction*> fused_;  // and their callers
  absl::flat_hash_map<const Instruction*, int64_t> numbers_;
  absl::flat_hash_map<std::vector<int64_t>, int64_t> by_key_;
  int64_t count_ = 0;
};

// The instructions of a program's fusions by value, and by their place in equal fusions.
class FusionMembers {
 public:
  // `groups` has each fusion once.
  FusionMembers(const Module& module, std::vector<EqualFusions> groups);
  FusionMembers(const FusionMembers&) = delete;  // it points into itself

  const std::vector<EqualFusions>& groups() const { return groups_; }
  const ValueNumbers& numbers() const { return numbers_; }

  // Those that have this value, parameters included.
  absl::Span<const Instruction* const> WithNumber(int64_t number) const;
  // The instructions at this one's place in the fusions that are equal to its own, and itself.
  std::vector<const Instruction*> AtSamePlace(const Instruction& instruction) const;

 private:
  const std::vector<EqualFusions> groups_;
  const ValueNumbers numbers_;
  absl::flat_hash_map<int64_t, std::vector<const Instruction*>> members_;
  absl::flat_hash_map<const Computation*, const EqualFusions*> group_of_;
  absl::flat_hash_map<const Instruction*, int64_t> places_;
};

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_VALUE_NUMBERS_H_
