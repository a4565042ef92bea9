// Passes: module → module, each a free function with a row in registry.cc.
#ifndef INGOT_PASSES_PASS_H_
#define INGOT_PASSES_PASS_H_

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "ir/analysis/fusion_view.h"
#include "ir/base/target.h"
#include "ir/module.h"

namespace ingot {

struct FusionLog;

// What plans say of instructions that might become a fusion.
struct FusionCostEstimate {
  double microseconds = 0;
  bool one_walk = false;  // one walk over its elements computes all of it
  std::string reason;     // why none does: a kind, then ": " and details; empty if one does
};
using FusionCostFunction = std::function<FusionCostEstimate(const FusionView& view)>;
// Microseconds of the kernels of a computation that is one dot or convolution of its parameters.
using ProductCostFunction = std::function<double(const Computation& product)>;

// What a pass may ask of the world.
struct PassContext {
  // What is compiled for; null when passes run for their text alone (`ingot opt`).
  const Target* target = nullptr;
  // What a fusion would cost on the target, in microseconds, as plans see it; null: not known.
  FusionCostFunction fusion_cost;
  // The same of products, where the order of dimensions is the compiler's choice; null: it is not.
  ProductCostFunction product_cost;
  // Whether holes of a convolution's input may be left out as zeros: an infinite weight over one
  // makes no NaN then.  False under strict numerics.
  bool holes_are_zeros = false;
  // What costs are made of, to guess what a fusion saves before it is planned.  Microseconds of a
  // launch, and bytes that a microsecond moves.
  double launch_microseconds = 0;
  double bytes_per_microsecond = 1;
  // Where fuse and the layouts' passes write what they decided and why; null: nobody asks.
  FusionLog* fusion_log = nullptr;
};

// Changes `module` and says whether it did.  The pass manager normalizes, verifies, times and dumps
// around it.
using PassFunction = absl::StatusOr<bool> (*)(Module& module, const PassContext& context);

struct Pass {
  absl::string_view name;  // as --passes= takes it: "fuse"
  PassFunction run;
  absl::string_view summary;  // one line for people
};

// Every pass, by name.
absl::Span<const Pass> AllPasses();

// InvalidArgument names all there are when there is none of that name.
absl::StatusOr<const Pass*> FindPass(absl::string_view name);

// A run of passes that is repeated together until nothing changes (at most kMaxRounds), or runs
// once.
struct Phase {
  absl::string_view name;
  absl::string_view reason;  // why it stands where it stands
  absl::Span<const absl::string_view> passes;
  bool until_stable;
};

// What Compile runs, top to bottom.
absl::Span<const Phase> DefaultPipeline();

inline constexpr int kMaxRounds = 8;

}  // namespace ingot

#endif  // INGOT_PASSES_PASS_H_
