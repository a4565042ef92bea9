#include "compiler/options.h"

#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "compiler/plan/plan.h"
#include "compiler/plan/tile.h"
#include "compiler/plan/tile_tasks.h"
#include "ir/analysis/fusion_view.h"
#include "ir/base/status.h"

namespace ingot {
namespace {

#define INGOT_NAME(enumerator, name) name,
constexpr absl::string_view kFusionModeNames[] = {INGOT_FUSION_MODES(INGOT_NAME)};
constexpr absl::string_view kNumericsNames[] = {INGOT_NUMERICS(INGOT_NAME)};
constexpr absl::string_view kCodegenNames[] = {INGOT_CODEGENS(INGOT_NAME)};
#undef INGOT_NAME

template <typename Enum>
absl::StatusOr<Enum> Find(absl::string_view what, absl::Span<const absl::string_view> names,
                          absl::string_view name) {
  std::string all;
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return static_cast<Enum>(i);
    absl::StrAppend(&all, all.empty() ? "" : ", ", names[i]);
  }
  return InvalidArgument("unknown ", what, " '", name, "'; there is ", all);
}

}  // namespace

absl::StatusOr<FusionMode> FindFusionMode(absl::string_view name) {
  return Find<FusionMode>("fusion", kFusionModeNames, name);
}

absl::StatusOr<Numerics> FindNumerics(absl::string_view name) {
  return Find<Numerics>("numerics", kNumericsNames, name);
}

absl::StatusOr<Codegen> FindCodegen(absl::string_view name) {
  return Find<Codegen>("codegen", kCodegenNames, name);
}

std::string OptionsText(FusionMode fusion, Numerics numerics, Codegen codegen,
                        const plan::PlanTable* plans, const plan::TunedPlans* tuned) {
  std::string tuned_text;
  if (tuned == nullptr) {
    tuned_text = " tuned=off";
  } else if (tuned != &plan::TunedPlans::Shipped()) {
    tuned_text = absl::StrCat(" tuned=", tuned->Digest());
  }
  return absl::StrCat("fusion=", kFusionModeNames[static_cast<int>(fusion)],
                      " numerics=", kNumericsNames[static_cast<int>(numerics)],
                      codegen == Codegen::kLlvm
                          ? ""
                          : absl::StrCat(" codegen=", kCodegenNames[static_cast<int>(codegen)]),
                      plans == nullptr ? "" : absl::StrCat(" plans=", plans->digest()), tuned_text);
}

PassContext MakePassContext(const Target& target, FusionMode fusion, Numerics numerics) {
  PassContext context;
  context.target = &target;
  if (fusion == FusionMode::kCost) {
    // The layers of a model ask the same again.  What is refused is told by names, each anew.
    absl::flat_hash_map<size_t, double> known;
    context.fusion_cost = [&target, known](const FusionView& view) mutable {
      const size_t hash = HashView(view);
      if (const auto it = known.find(hash); it != known.end()) {
        return FusionCostEstimate{it->second, /*one_walk=*/true, ""};
      }
      plan::FusionCostEstimate estimate = plan::EstimateFusion(view, target);
      if (estimate.one_walk) known[hash] = estimate.microseconds;
      return FusionCostEstimate{estimate.microseconds, estimate.one_walk,
                                std::move(estimate.reason)};
    };
    const bool host = target.platform == Platform::kHost;
    context.holes_are_zeros = numerics != Numerics::kStrict;
    // The library that hosts have for products knows all orders.
    if (!host) {
      context.product_cost = [&target, numerics, known](const Computation& product) mutable {
        const auto [it, inserted] = known.try_emplace(HashView(ViewOf(product)));
        if (inserted) {
          plan::PlanOptions options;
          options.numerics = numerics;
          it->second = plan::MakePlan(product, target, options).cost;
        }
        return it->second;
      };
    }
    context.launch_microseconds = host ? plan::kHostLaunchMicroseconds : plan::kLaunchMicroseconds;
    context.bytes_per_microsecond =
        host ? plan::kHostBytesPerMicrosecond : plan::kBytesPerMicrosecond;
  }
  return context;
}

}  // namespace ingot
