// The tuning table: plans that go before those that the skeletons guess, as text.
//
//   fusion 9c1fae6b3320d871 sm_90a
//   plan cost=7.25 { ... }
//
// An entry is a fusion's key, a target, and a plan.  `ingot emit --stage=plan` prints entries, with
// --candidates all that there are to choose from; --plans=FILE reads a table.  Several entries may
// be for one fusion: the first that fits is taken.
#ifndef INGOT_COMPILER_PLAN_PLAN_TABLE_H_
#define INGOT_COMPILER_PLAN_PLAN_TABLE_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "compiler/plan/plan.h"
#include "ir/base/target.h"
#include "ir/module.h"

namespace ingot::plan {

// Sixteen hexadecimal digits, the same for computations that SameComputation calls equal, on every
// machine and in every run: FNV-1a of a text that has opcodes, shapes, operands by position,
// attributes, literals and the keys of called computations.  Computations that differ may have one
// key, which is why plans are looked at by Fits before they are used.
std::string FusionKey(const Computation& fusion);

// Sixteen hexadecimal digits of a text, by the same hash.
std::string DigestOf(absl::string_view text);

// The target's name in a table.  Plans see the same facts of a GPU and of its simulation.
absl::string_view TableTarget(const Target& target);

struct PlanEntry {
  std::string place;  // "FILE:LINE:COLUMN"
  std::string key;    // FusionKey
  std::string target;
  FusionPlan plan;
};

class PlanTable {
 public:
  // InvalidArgument "FILE:LINE:COLUMN: ..." for a text that is no table.
  static absl::StatusOr<PlanTable> Parse(absl::string_view text, absl::string_view file);

  // Those for this fusion on this target, in the table's order.
  std::vector<const PlanEntry*> EntriesFor(const Computation& fusion, const Target& target) const;

  // Whether there is an entry for this target, whatever its fusion.
  bool HasTarget(const Target& target) const;

  const std::vector<PlanEntry>& entries() const { return entries_; }
  int64_t size() const { return static_cast<int64_t>(entries_.size()); }
  // Sixteen hexadecimal digits of the text, for keys of what is compiled with this table.
  const std::string& digest() const { return digest_; }

 private:
  std::vector<PlanEntry> entries_;
  absl::flat_hash_map<std::pair<std::string, std::string>, std::vector<int64_t>> by_key_;
  std::string digest_;
};

// The entry that a table takes: the line of the key, with `name` as a comment, and the plan.
std::string EntryText(const FusionPlan& plan, const Computation& fusion, const Target& target,
                      absl::string_view name);

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_PLAN_TABLE_H_
