#include "compiler/plan/window_sums.h"

#include <algorithm>
#include <bit>

#include "compiler/plan/analysis.h"
#include "compiler/plan/cost.h"
#include "compiler/plan/kernels.h"
#include "compiler/plan/tile.h"
#include "compiler/plan/tile_deal.h"
#include "ir/analysis/windows.h"
#include "ir/base/integers.h"
#include "ir/base/status.h"

namespace ingot::plan {
namespace {

constexpr int kAccessBytes = 16;
constexpr int kThreads = 256;
constexpr int kMostGroups = 64;
constexpr int kMostRun = 8;
constexpr int kRun = 4;
// Taps of the last dimension are code, each with a sum of `lanes` elements.
constexpr int64_t kMostTaps = 16;
constexpr int64_t kMostSums = 32;
// A multiprocessor has so many threads, which wait for what they load most of the time.
constexpr int64_t kThreadsOfMultiprocessor = 1024;
constexpr int64_t kMostParts = 4096;
constexpr int64_t kMostShared = 48 << 10;  // what every block may have

class Planner {
 public:
  Planner(const Computation& fusion, const Target& target)
      : fusion_(fusion),
        root_(*fusion.root()),
        target_(target),
        size_(WindowSumsOf(root_)),
        bytes_(BytesOf(fusion)) {}

  absl::Status Can() const {
    INGOT_REQUIRE(target_.platform == Platform::kCuda, "it is a GPU's");
    INGOT_REQUIRE(IsDepthwiseGradient(root_), "its root is no gradient of depthwise weights");
    const auto& attributes = root_.attributes<ConvolutionAttributes>();
    INGOT_REQUIRE(!attributes.dim_labels.output_spatial.empty(), "it has no positions");
    for (const WindowDimension& window : attributes.window.dimensions) {
      INGOT_REQUIRE(window.base_dilation == 1, "its input has holes");
    }
    INGOT_REQUIRE(root_.shape().ElementCount() > 0 && size_.rows > 0 && size_.positions > 0,
                  "it is empty");
    // An element stands in for those that are not there.
    INGOT_REQUIRE(root_.operand(0)->shape().ElementCount() > 0, "its input is empty");
    INGOT_REQUIRE(!IsComplex(root_.shape().element_type()), "its elements are complex");
    INGOT_REQUIRE(size_.taps <= kMostTaps, "it has ", size_.taps, " taps in a row, more than ",
                  kMostTaps);
    return absl::OkStatus();
  }

  WindowSumsPlan Best() const {
    WindowSumsPlan plan;
    plan.lanes = Lanes();
    while (plan.lanes > 1 && plan.lanes * size_.taps > kMostSums) plan.lanes /= 2;
    const auto vectors = static_cast<uint64_t>(size_.features / plan.lanes);
    plan.across = static_cast<int>(std::min<uint64_t>(kWarp, std::bit_ceil(vectors)));
    plan.groups = std::min(kThreads / plan.across, kMostGroups);
    while (plan.groups > 1 && SharedBytes(plan) > MostShared()) plan.groups /= 2;
    while (plan.groups * plan.across < kWarp) plan.groups *= 2;
    while (plan.lanes > 1 && SharedBytes(plan) > MostShared()) plan.lanes /= 2;
    plan.run = kRun;
    const int64_t blocks = BlocksOfPart(plan);
    // Few rows are more blocks' sooner than more groups'.
    while (plan.groups > 1 && plan.threads() > kWarp &&
           CeilDiv(size_.rows, int64_t{plan.groups}) * blocks < target_.multiprocessors) {
      plan.groups /= 2;
    }
    const int64_t wanted = target_.multiprocessors * kThreadsOfMultiprocessor / plan.threads();
    const int64_t rows = CeilDiv(size_.rows, int64_t{plan.groups});
    plan.parts = std::clamp<int64_t>(CeilDiv(wanted, blocks), 1, std::min(rows, kMostParts));
    return plan;
  }

  FusionPlan Make(const WindowSumsPlan& sums) const {
    FusionPlan plan;
    const int64_t taps = size_.outer_taps * size_.taps;
    plan.scratch.push_back({Shape::ArrayWithDefaultLayout(SumType(root_.shape().element_type()),
                                                          {sums.parts, taps, size_.features})});
    for (const bool combines : {false, true}) {
      KernelPlan& kernel = plan.kernels.emplace_back();
      WindowSumsPlan own = sums;
      own.combines = combines;
      kernel.skeleton = Skeleton::kWindowSums;
      kernel.work = own;
      kernel.block_threads = combines ? kThreads : sums.threads();
      kernel.blocks = combines
                          ? CeilDiv(taps * size_.features, int64_t{kThreads / kThreadsOfResult})
                          : sums.parts * BlocksOfPart(sums);
      kernel.bytes = combines ? plan.scratch[0].shape.ByteSize() : bytes_;
      kernel.flops = combines ? 0 : FlopsOf(fusion_);
      kernel.index_type = IndexTypeOf(fusion_);
      kernel.buffers = AllBuffers(fusion_, 1);
    }
    plan.cost = 2 * kLaunchMicroseconds + static_cast<double>(bytes_) / kBytesPerMicrosecond;
    return plan;
  }

  absl::Status Fits(const WindowSumsPlan& plan) const {
    INGOT_REQUIRE(!plan.combines, "its first kernel has nothing to combine");
    INGOT_REQUIRE(plan.lanes >= 1 && Lanes() % plan.lanes == 0, "lanes=", plan.lanes,
                  "; they must divide ", Lanes());
    INGOT_REQUIRE(
        plan.across >= 1 && plan.across <= kWarp && std::has_single_bit(unsigned(plan.across)),
        "across=", plan.across);
    INGOT_REQUIRE(plan.groups >= 1 && std::has_single_bit(unsigned(plan.groups)) &&
                      plan.threads() >= kWarp && plan.threads() <= kMostBlockThreads,
                  "groups=", plan.groups, "; they must make whole warps");
    INGOT_REQUIRE(plan.run >= 1 && plan.run <= kMostRun, "run=", plan.run);
    INGOT_REQUIRE(plan.parts >= 1 && plan.parts <= kMostParts, "parts=", plan.parts);
    INGOT_REQUIRE(SharedBytes(plan) <= MostShared(), "it needs ", SharedBytes(plan),
                  " bytes of shared memory");
    return absl::OkStatus();
  }

 private:
  int64_t MostShared() const { return std::min<int64_t>(kMostShared, target_.shared_bytes); }
  int64_t BlocksOfPart(const WindowSumsPlan& plan) const {
    return size_.outer_taps * CeilDiv(size_.features, int64_t{plan.across} * plan.lanes);
  }
  int64_t SharedBytes(const WindowSumsPlan& plan) const {
    return plan.groups * size_.taps * plan.across * plan.lanes *
           ByteWidth(SumType(root_.shape().element_type()));
  }

  // Features of an access, where they lie side by side in both operands.
  int Lanes() const {
    const ConvolutionDimensions& labels = root_.attributes<ConvolutionAttributes>().dim_labels;
    const int64_t last = root_.shape().rank() - 1;
    if (labels.input_batch != last || labels.kernel_output_feature != last) return 1;
    int widest = 2;
    for (const Instruction* operand : root_.operands()) {
      widest = std::max(widest, ByteWidth(operand->shape().element_type()));
    }
    int lanes = kAccessBytes / widest;
    while (lanes > 1 && size_.features % lanes != 0) lanes /= 2;
    return std::max(lanes, 1);
  }

  const Computation& fusion_;
  const Instruction& root_;
  const Target& target_;
  const WindowSums size_;
  const int64_t bytes_;
};

}  // namespace

WindowSums WindowSumsOf(const Instruction& convolution) {
  WindowSums size;
  if (!IsDepthwiseGradient(convolution)) return size;
  const ConvolutionDimensions& labels = convolution.attributes<ConvolutionAttributes>().dim_labels;
  const Shape& kernel = convolution.operand(1)->shape();
  size.features = convolution.shape().dimension(labels.output_feature);
  size.rows = kernel.dimension(labels.kernel_input_feature);
  const size_t spatial = labels.output_spatial.size();
  for (size_t s = 0; s < spatial; ++s) {
    const bool last = s + 1 == spatial;
    const int64_t taps = convolution.shape().dimension(labels.output_spatial[s]);
    const int64_t positions = kernel.dimension(labels.kernel_spatial[s]);
    int64_t& of_taps = last ? size.taps : size.outer_taps;
    int64_t& of_positions = last ? size.positions : size.rows;
    of_taps = SaturatingMultiply(of_taps, taps);
    of_positions = SaturatingMultiply(of_positions, positions);
  }
  return size;
}

void ProposeWindowSums(Skeleton, const Computation& fusion, const FusionInfo&, const Target& target,
                       Numerics, std::vector<FusionPlan>& candidates) {
  const Planner planner(fusion, target);
  if (!planner.Can().ok()) return;
  const WindowSumsPlan plan = planner.Best();
  if (planner.Fits(plan).ok()) candidates.push_back(planner.Make(plan));
}

absl::StatusOr<FusionPlan> MakeWindowSums(const WindowSumsPlan& sums, const Computation& fusion,
                                          const Target& target) {
  const Planner planner(fusion, target);
  INGOT_RETURN_IF_ERROR(planner.Can());
  INGOT_RETURN_IF_ERROR(planner.Fits(sums));
  return planner.Make(sums);
}

absl::Status WindowSumsFit(const FusionPlan& plan, const Computation& fusion,
                           const Target& target) {
  INGOT_ASSIGN_OR_RETURN(const FusionPlan own,
                         MakeWindowSums(plan.kernels[0].window_sums(), fusion, target));
  return KernelsAgree(plan, own);
}

}  // namespace ingot::plan
