#include "compiler/plan/window.h"

#include <algorithm>
#include <bit>

#include "compiler/plan/analysis.h"
#include "compiler/plan/cost.h"
#include "compiler/plan/kernels.h"
#include "compiler/plan/lane_walk.h"
#include "compiler/plan/tile.h"
#include "compiler/plan/tile_deal.h"
#include "ir/analysis/op_facts.h"
#include "ir/analysis/windows.h"
#include "ir/base/integers.h"
#include "ir/base/status.h"

namespace ingot::plan {
namespace {

constexpr int kAccessBytes = 16;
constexpr int kThreads = 256;
constexpr int kMostRun = 8;
// Accumulators of a thread; elements of a strip, which its code holds one after the other.
constexpr int kMostSums = 32;
constexpr int64_t kMostStrip = 64;
constexpr int64_t kMostCode = 16384;
// Threads that a multiprocessor should have; and, of sums of products, for the sake of which
// vectors are shorter than they might be, down to so many elements.
constexpr int64_t kThreadsThatFill = 1024, kThreadsOfTaps = 512;
constexpr int kLeastLanes = 2;

class Planner {
 public:
  Planner(const Computation& fusion, const Target& target)
      : fusion_(fusion), target_(target), window_(FindWindow(fusion)), bytes_(BytesOf(fusion)) {
    if (window_ != nullptr) view_ = *WindowOf(*window_);
  }

  absl::Status Can() const {
    INGOT_REQUIRE(target_.platform == Platform::kCuda, "it is a GPU's");
    INGOT_REQUIRE(window_ != nullptr, "the fusion has not one window");
    INGOT_REQUIRE(WindowShape(*window_).ElementCount() > 0, "it is empty");
    // An element stands in for those that are not there.
    INGOT_REQUIRE(window_->operand(0)->shape().ElementCount() > 0, "its operand is empty");
    INGOT_REQUIRE(view_.has_weights() ||
                      std::none_of(view_.dimensions.begin(), view_.dimensions.end(),
                                   [](const WindowDimension& window) { return window.reversal; }),
                  "the window is taken backwards");
    return absl::OkStatus();
  }

  // The run along one dimension for which fewest elements are loaded.  Sums of products have
  // shorter vectors where a card would be idle: each thread goes through all taps.
  std::optional<WindowPlan> Best() const {
    std::optional<WindowPlan> best;
    for (int lanes = Lanes(); lanes >= 1; lanes /= 2) {
      best = Best(lanes);
      if (!best.has_value() || !view_.has_weights() || lanes <= kLeastLanes) break;
      if (ThreadsOf(*best) >= target_.multiprocessors * kThreadsOfTaps) break;
    }
    return best;
  }

  FusionPlan Make(const WindowPlan& window) const {
    FusionPlan plan;
    KernelPlan& kernel = plan.kernels.emplace_back();
    kernel.skeleton = Skeleton::kWindow;
    kernel.work = window;
    kernel.block_threads = kThreads;
    kernel.blocks = CeilDiv(ThreadsOf(window), int64_t{kThreads});
    kernel.bytes = bytes_;
    kernel.flops = FlopsOf(fusion_);
    kernel.index_type = IndexTypeOf(fusion_);
    kernel.buffers = AllBuffers(fusion_, 0);
    plan.cost =
        kLaunchMicroseconds + std::max(static_cast<double>(bytes_) / kBytesPerMicrosecond,
                                       view_.has_weights() ? WeightedMicroseconds(window) : 0);
    return plan;
  }

  absl::Status Fits(const WindowPlan& plan) const {
    const int64_t rank = WindowShape(*window_).rank();
    INGOT_REQUIRE(plan.lanes >= 1 && Lanes() % plan.lanes == 0, "lanes=", plan.lanes,
                  "; they must divide ", Lanes());
    INGOT_REQUIRE(plan.dimension >= 0 && plan.dimension < rank, "dimension=", plan.dimension);
    const WindowDimension& along = Along(plan);
    INGOT_REQUIRE(along.size > 1, "dimension=", plan.dimension, "; the window must lie along it");
    INGOT_REQUIRE(view_.has_weights() || IsFree() || plan.dimension == LastOfWindow(),
                  "dimension=", plan.dimension,
                  "; the reducer takes elements in order, of which this dimension's are not last");
    // Neighbouring threads have what lies side by side.
    INGOT_REQUIRE(plan.dimension < rank - 1 || plan.run == 1, "dimension=", plan.dimension,
                  "; runs are not along memory");
    INGOT_REQUIRE(
        plan.run >= 1 && plan.run <= kMostRun && plan.run * plan.lanes * view_.inputs <= kMostSums,
        "run=", plan.run, "; a thread has at most ", kMostSums, " sums");
    const int64_t code = SaturatingMultiply(CodeOfElement(plan.dimension), plan.run * plan.lanes);
    INGOT_REQUIRE(code <= kMostCode, "run=", plan.run, "; a thread has ", code,
                  " operations, more than ", kMostCode);
    INGOT_REQUIRE(StripOf(plan, along) <= kMostStrip, "run=", plan.run, "; it has more than ",
                  kMostStrip, " elements along the window");
    return absl::OkStatus();
  }

 private:
  std::optional<WindowPlan> Best(int lanes) const {
    std::optional<WindowPlan> best;
    double least = 0;
    WindowPlan plan;
    plan.lanes = lanes;
    for (plan.dimension = 0; plan.dimension < WindowShape(*window_).rank(); ++plan.dimension) {
      for (plan.run = 1; plan.run <= kMostRun; ++plan.run) {
        if (!Fits(plan).ok() || (plan.run > 1 && IsIdle(plan))) continue;
        const double loads =
            static_cast<double>(RunsOf(plan)) * static_cast<double>(StripOf(plan, Along(plan))) /
            static_cast<double>(WindowShape(*window_).dimension(plan.dimension) * Along(plan).size);
        if (best.has_value() && loads >= least) continue;
        best = plan;
        least = loads;
      }
    }
    return best;
  }

  // Of sums of products, by instructions and by what the first cache gives.  Weights of
  // neighbouring features may lie apart: each is a line of its own then.
  double WeightedMicroseconds(const WindowPlan& plan) const {
    constexpr double kLineBytes = 128;  // that the cache gives in a cycle
    const Card& card = *target_.card;
    double others = 1;  // taps, but for those of the strip
    for (int d = 0; d < static_cast<int>(view_.dimensions.size()); ++d) {
      if (d != plan.dimension) others *= static_cast<double>(view_.dimensions[d].size);
    }
    const auto taps = static_cast<double>(Along(plan).size);
    const auto strip = static_cast<double>(StripOf(plan, Along(plan)));
    const double lanes = plan.lanes;
    const Shape& weights = window_->operand(1)->shape();
    const plan::Lanes pair = {2, static_cast<int>(view_.weight_output_feature), 1, 2};
    const bool apart = !LaneWalk(fusion_).Vectorizes(*window_->operand(1), pair);
    const auto lines = [&](const Shape& shape) {
      return std::max(1.0, kWarp * lanes * ByteWidth(shape.element_type()) / kLineBytes);
    };
    const double loads = strip * lines(window_->operand(0)->shape()) +
                         taps * (apart ? kWarp * lanes / 4 : lines(weights));
    // A load and its address; a conversion of each element, and the products.
    const double instructions = strip * (2 + lanes) + taps * (2 + lanes) + plan.run * taps * lanes;
    const double warps = static_cast<double>(ThreadsOf(plan)) / kWarp;
    const double cycles = warps / static_cast<double>(target_.multiprocessors) * others *
                          std::max(loads, instructions * kWarp / card.float_lanes);
    return cycles / (card.clock_ghz * 1e3);
  }

  // Operations for one element, as far as loops are written out.
  int64_t CodeOfElement(int dimension) const {
    int64_t code = view_.has_weights() || IsFree() ? 1 : CodeSize(*window_);
    for (int d = 0; d < static_cast<int>(view_.dimensions.size()); ++d) {
      const int64_t size = view_.dimensions[d].size;
      code = SaturatingMultiply(code, d == dimension ? size : std::min(size, kMostUnrolled));
    }
    return code;
  }

  // The order in which a window's elements are taken does not matter but for rounding.
  bool IsFree() const {
    return view_.inputs == 1 && SimpleCombiner(*window_->to_apply()).has_value();
  }
  int LastOfWindow() const {
    int last = static_cast<int>(view_.dimensions.size()) - 1;
    while (last > 0 && view_.dimensions[last].size == 1) --last;
    return last;
  }

  const WindowDimension& Along(const WindowPlan& plan) const {
    return view_.dimensions[plan.dimension];
  }
  int64_t RunsOf(const WindowPlan& plan) const {
    return CeilDiv(WindowShape(*window_).dimension(plan.dimension), int64_t{plan.run});
  }
  int64_t ThreadsOf(const WindowPlan& plan) const {
    return WindowShape(*window_).ElementCount() / WindowShape(*window_).dimension(plan.dimension) *
           RunsOf(plan) / plan.lanes;
  }
  bool IsIdle(const WindowPlan& plan) const {
    return ThreadsOf(plan) < target_.multiprocessors * kThreadsThatFill;
  }

  // Elements of the last dimension that an access has.
  int Lanes() const {
    int widest = 2;
    for (const Instruction* instruction : fusion_.instructions()) {
      if (!instruction->shape().IsArray()) continue;
      if (IsComplex(instruction->shape().element_type())) return 1;
      if (instruction->opcode() == Opcode::kParameter) {
        widest = std::max(widest, ByteWidth(instruction->shape().element_type()));
      }
    }
    const auto last = static_cast<int>(WindowShape(*window_).rank() - 1);
    // A window that moves along memory has no whole vectors.
    const WindowDimension& along = view_.dimensions[last];
    const bool is_still = along.size == 1 && along.stride == 1 && along.base_dilation == 1 &&
                          along.padding_low == 0 && along.padding_high == 0;
    if (!is_still) return 1;
    const auto vectorizes = [&](int lanes) {
      if (WindowShape(*window_).dimension(last) % lanes != 0) return false;
      LaneWalk walk(fusion_);
      const Instruction& root = *fusion_.root();
      if (root.opcode() != Opcode::kTuple) return walk.Vectorizes(root, {lanes, last, 1, lanes});
      return std::all_of(root.operands().begin(), root.operands().end(), [&](const auto* result) {
        return walk.Vectorizes(*result, {lanes, last, 1, lanes});
      });
    };
    int lanes = kAccessBytes / widest;
    while (lanes > 1 && !vectorizes(lanes)) lanes /= 2;
    return std::max(lanes, 1);
  }

  const Computation& fusion_;
  const Target& target_;
  const Instruction* window_;
  WindowView view_;
  const int64_t bytes_;
};

}  // namespace

const Instruction* FindWindow(const Computation& fusion) {
  const Instruction* window = nullptr;
  for (const Instruction* instruction : fusion.instructions()) {
    if (!WindowOf(*instruction).has_value()) continue;
    if (window != nullptr) return nullptr;
    window = instruction;
  }
  if (window == nullptr) return nullptr;
  for (const Shape& result : Leaves(fusion.root()->shape())) {
    if (!Shape::SameDimensions(result, WindowShape(*window))) return nullptr;
  }
  return window;
}

int64_t StripOf(const WindowPlan& plan, const WindowDimension& window) {
  return (plan.run - 1) * window.stride + (window.size - 1) * window.window_dilation + 1;
}

void ProposeWindow(Skeleton, const Computation& fusion, const FusionInfo&, const Target& target,
                   Numerics, std::vector<FusionPlan>& candidates) {
  const Planner planner(fusion, target);
  if (!planner.Can().ok()) return;
  const std::optional<WindowPlan> plan = planner.Best();
  if (plan.has_value()) candidates.push_back(planner.Make(*plan));
}

absl::StatusOr<FusionPlan> MakeWindow(const WindowPlan& window, const Computation& fusion,
                                      const Target& target) {
  const Planner planner(fusion, target);
  INGOT_RETURN_IF_ERROR(planner.Can());
  INGOT_RETURN_IF_ERROR(planner.Fits(window));
  return planner.Make(window);
}

absl::Status WindowFits(const FusionPlan& plan, const Computation& fusion, const Target& target) {
  INGOT_ASSIGN_OR_RETURN(const FusionPlan own,
                         MakeWindow(plan.kernels[0].window(), fusion, target));
  return KernelsAgree(plan, own);
}

}  // namespace ingot::plan
