// What was decided of products' layouts and of each pair of groups, and why: for people.
#ifndef INGOT_PASSES_FUSION_LOG_H_
#define INGOT_PASSES_FUSION_LOG_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ingot {

// A pair of groups.  A group has the name of its last result, which its fusion gets.
struct FusionDecision {
  enum class Verdict : uint8_t {
    kFused,       // the two are one group from here on
    kMovedUp,     // values of the consumer are computed in the producer from here on
    kRecomputed,  // the consumer computes a value of the producer itself from here on
    kApart,       // both are left as they are
  };
  std::string producer, consumer;  // of siblings: the first and the second in the order of commands
  bool siblings = false;           // they share an input, and neither reads the other
  Verdict verdict = Verdict::kApart;
  std::optional<double> saved;  // microseconds; of kApart what fusing would save; not always known
  std::string reason;           // a kind, then, where there is more to say, ": " and details
};

// A product that has another order of its dimensions to choose from (assign_layouts.h), rows to be
// padded (pad_rows.h) or holes to be left out (split_dilated_convolutions.h).
struct LayoutDecision {
  std::string product;
  std::string sides;  // what had best be in the other order: "left, result"; empty: nothing
  bool taken = false;
  // Microseconds: of the product as it was, and with these sides in the other order; of transposes.
  double before = 0, after = 0, moves = 0;
};

struct FusionLog {
  std::vector<LayoutDecision> layouts;
  // Of one computation.
  struct Part {
    std::string computation;
    int64_t instructions = 0;  // that groups hold or kernels of their own compute
    int64_t chains = 0;        // groups and single instructions before merging
    int64_t kernels = 0;       // after it
    // Of the groups that can be merged, as plans see it; 0: not known.
    double chain_microseconds = 0;  // before merging
    double microseconds = 0;        // after it
    // In the order of taking, then those apart in the order of commands; then those recomputed,
    // which numbers above do not count.
    std::vector<FusionDecision> decisions;
  };
  std::vector<Part> parts;
};

// A summary of one screen, which counts the decisions by the kinds of their reasons; then a line
// for each decision, in columns.
std::string ToString(const FusionLog& log);

}  // namespace ingot

#endif  // INGOT_PASSES_FUSION_LOG_H_
