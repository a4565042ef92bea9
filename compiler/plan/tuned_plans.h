// The plans that ship with the compiler: tables that `ingot tune` wrote, one a target (tuned/).
#ifndef INGOT_COMPILER_PLAN_TUNED_PLANS_H_
#define INGOT_COMPILER_PLAN_TUNED_PLANS_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "compiler/plan/plan_table.h"
#include "ir/base/target.h"
#include "ir/module.h"

namespace ingot::plan {

// The text of a tuning table for one target.
struct TunedText {
  absl::string_view file;    // for messages
  absl::string_view target;  // TableTarget; entries for other targets are not found
  absl::string_view text;    // lives as long as the TunedPlans
};

// MakePlan takes them without a word if they fit.  Which pairs are in place is not theirs to say,
// as in a table of the user's: the program decides.  This finds entries by key and parses only
// those that are asked for.  The first look-up for a target reads its lines once.  Thread-safe.
class TunedPlans {
 public:
  explicit TunedPlans(std::vector<TunedText> texts);
  ~TunedPlans();

  // Those of compiler/plan/tuned.
  static const TunedPlans& Shipped();

  // Those for this fusion on this target, in the text's order.  An entry that does not parse is
  // left out: it is not the user's.
  std::vector<PlanEntry> EntriesFor(const Computation& fusion, const Target& target) const;

  // Every entry of every text.  InvalidArgument "FILE:LINE:COLUMN: ..." for the first that is none.
  absl::StatusOr<std::vector<PlanEntry>> AllEntries() const;

  // Sixteen hexadecimal digits of the texts, for keys of what is compiled with these plans.
  std::string Digest() const;

 private:
  class Index;
  std::vector<std::unique_ptr<Index>> indices_;  // one a text
};

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_TUNED_PLANS_H_
