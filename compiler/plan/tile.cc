#include "compiler/plan/tile.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "compiler/plan/analysis.h"
#include "compiler/plan/cost.h"
#include "compiler/plan/tile_deal.h"
#include "ir/base/status.h"

namespace ingot::plan {
namespace {

// Scalar operations of a thread's code: assemblers take seconds for more, and registers spill.
constexpr int64_t kMostOperationsOfThread = 20000;
constexpr int64_t kLog2OfWarp = 5;

bool Contains(absl::Span<const int> list, int value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

class TilePlanner {
 public:
  TilePlanner(const FusionInfo& info, const Target& target, const TileKnobs& knobs)
      : target_(target), info_(info), knobs_(knobs) {}

  absl::StatusOr<FusionPlan> Make() {
    INGOT_RETURN_IF_ERROR(CheckWalk());
    INGOT_RETURN_IF_ERROR(ChooseOrder());
    deal_ = DealTile(info_, target_, order_, knobs_);
    if (const int64_t operations = OperationsOfThread(); operations > kMostOperationsOfThread) {
      return No("too much code", operations, " operations a thread, at most ",
                kMostOperationsOfThread);
    }
    FusionPlan plan = deal_.splits == 1 ? OneKernel() : SplitKernels();
    plan.cost = Cost(plan);
    return plan;
  }

 private:
  const IterationSpace& space() const { return info_.space(); }
  const FusionGraph& graph() const { return info_.graph(); }
  int class_count() const { return static_cast<int>(space().classes().size()); }
  bool IsReduced(int c) const { return space().classes()[c].reduced; }
  int64_t SizeOf(int c) const { return space().classes()[c].size; }

  // About how many scalar operations a thread's code has, the trips of a loop counted once.
  int64_t OperationsOfThread() const {
    const auto held = [&](absl::Span<const int> classes) {
      int64_t elements = 1;
      for (int c : classes) {
        elements *= int64_t{1} * deal_.classes[c].vector * deal_.classes[c].registers;
      }
      return elements;
    };
    int64_t operations = 0;
    for (int v = graph().input_count(); v < graph().value_count(); ++v) {
      operations = SaturatingAdd(
          operations, SaturatingMultiply(CodeSize(graph().value(v)), held(space().ClassesOf(v))));
    }
    for (const Reduction& reduction : info_.reductions()) {
      // The reducer is applied to all elements that a thread holds, then across lanes and warps.
      const Instruction& reduce = graph().value(reduction.value);
      int64_t times = held(reduction.classes);
      for (int c : reduction.classes) times += kLog2OfWarp + deal_.classes[c].warps;
      operations =
          SaturatingAdd(operations, SaturatingMultiply(SaturatingMultiply(CodeSize(reduce), times),
                                                       held(space().ClassesOf(reduction.value))));
    }
    return operations;
  }

  // Says why no tile plan exists.
  template <typename... Details>
  static absl::Status No(absl::string_view kind, const Details&... details) {
    return absl::FailedPreconditionError(absl::StrCat(kind, ": ", details...));
  }
  const std::string& NameOf(int value) const { return graph().value(value).name(); }

  // That one walk over the space computes the fusion.
  absl::Status CheckWalk() {
    if (class_count() == 0) return absl::FailedPreconditionError("all values are scalars");
    int64_t code = 0;
    for (int v = graph().input_count(); v < graph().value_count(); ++v) {
      code = SaturatingAdd(code, CodeSize(graph().value(v)));
    }
    if (code > kMostCodeOfFusion) {
      return No("too much code", code, " operations an element, at most ", kMostCodeOfFusion);
    }
    for (int v = 0; v < graph().value_count(); ++v) {
      if (IndexTypeOf(graph().value(v)) == ElementType::kS64) index_type_ = ElementType::kS64;
    }
    for (const IterationClass& c : space().classes()) {
      if (c.size == 0) return absl::FailedPreconditionError("an array has no elements");
    }
    INGOT_RETURN_IF_ERROR(CheckReductions());
    for (size_t i = 0; i < graph().edges().size(); ++i) {
      const FusionEdge& edge = graph().edges()[i];
      if (space().AccessOf(static_cast<int>(i)).access == Access::kInSpace) continue;
      if (info_.LevelOf(edge.operand) > 0) {
        return No("a value that depends on a reduction is read at other indices",
                  NameOf(edge.operand), " by ", NameOf(edge.consumer));
      }
      // Without reductions the loop plan follows maps as well, a vector at a time.
      if (levels_ == 0 && ElementsOf(graph().value(edge.operand).shape()) > 1) {
        return No("without reductions, an array is read at other indices", NameOf(edge.operand),
                  " by ", NameOf(edge.consumer));
      }
    }
    return absl::OkStatus();
  }

  absl::Status CheckReductions() {
    const Reduction* first = nullptr;
    std::vector<int> ended;
    for (const Reduction& reduction : info_.reductions()) {
      const std::string& name = NameOf(reduction.value);
      if (reduction.opaque) return No("an op accumulates, but not as reduce does", name);
      if (!reduction.in_space) return No("a reduction's operand is read at other indices", name);
      if (!CombinesInShared(graph().value(reduction.value))) {
        return No("threads cannot exchange values of a reduction's type", name);
      }
      levels_ = std::max(levels_, reduction.level);
      std::vector<int> classes = reduction.classes;
      std::sort(classes.begin(), classes.end());
      if (first == nullptr) {
        first = &reduction;
        ended = std::move(classes);
      } else if (ended != classes) {
        return No("reductions end different dimensions", NameOf(first->value), " and ", name);
      }
    }
    return absl::OkStatus();
  }

  // What is not one simple op is combined in the results' types, which must shuffle.
  static bool CombinesInShared(const Instruction& reduce) {
    if (reduce.operand_count() == 2 && SimpleCombiner(*reduce.to_apply()).has_value()) return true;
    for (const Shape& leaf : Leaves(reduce.shape())) {
      const ElementType type = ComponentType(leaf.element_type());
      if (type != ElementType::kPred &&
          (BitWidth(type) < 8 || (IsFloat(type) && BitWidth(type) < 16))) {
        return false;
      }
    }
    return true;
  }

  int64_t BytesOfValue(int value) const {
    const Shape& shape = graph().value(value).shape();
    return ingot::BytesOf(shape, ElementsOf(shape));
  }

  // The classes in the order of the largest array, innermost first, then the others.  Every large
  // array must have the innermost class innermost.
  absl::Status ChooseOrder() {
    int largest = -1;
    for (int v : ArraysInSpace(info_)) {
      if (largest < 0 ||
          ElementsOf(graph().value(v).shape()) > ElementsOf(graph().value(largest).shape()) ||
          (ElementsOf(graph().value(v).shape()) == ElementsOf(graph().value(largest).shape()) &&
           BytesOfValue(v) > BytesOfValue(largest))) {
        largest = v;
      }
    }
    if (largest < 0) {
      return absl::FailedPreconditionError("no array lies along the space");
    }
    // Every place of the space is an element of some value: nothing is walked twice.
    int64_t places = 1, most = 0;
    for (const IterationClass& c : space().classes()) places = SaturatingMultiply(places, c.size);
    for (int v = 0; v < graph().value_count(); ++v) {
      // An input that is asked for elsewhere is not walked.
      if (graph().IsInput(v) && !info_.uses().Of(v).in_space()) continue;
      most = std::max(most, ElementsOf(graph().value(v).shape()));
    }
    if (places > most) {
      return No("the space is larger than every array", places, " points, ", most, " elements");
    }
    const absl::Span<const int> classes = space().ClassesOf(largest);
    order_.assign(classes.rbegin(), classes.rend());
    for (int c = class_count() - 1; c >= 0; --c) {
      if (!Contains(order_, c)) order_.push_back(c);
    }
    for (int v : ArraysInSpace(info_)) {
      const absl::Span<const int> own = space().ClassesOf(v);
      if (Contains(own, order_[0]) && own.back() != order_[0] &&
          BytesOfValue(v) > BytesOfValue(largest) / 8) {
        return No("a large array lies across another", NameOf(v), " across ", NameOf(largest));
      }
    }
    return absl::OkStatus();
  }

  KernelPlan Kernel(const TilePlan& tile) const {
    KernelPlan kernel;
    kernel.skeleton = Skeleton::kTile;
    kernel.index_type = index_type_;
    kernel.block_threads = 1;
    kernel.blocks = 1;
    for (const TileClass& c : tile.classes) {
      kernel.block_threads *= c.lanes * c.warps;
      kernel.blocks *= c.blocks;
    }
    const auto add = [&](BufferRole::Kind kind, int count) {
      for (int i = 0; i < count; ++i) kernel.buffers.push_back({kind, i});
    };
    add(BufferRole::Kind::kOperand, graph().input_count());
    int results = 0;
    for (const Instruction* root : graph().view().roots) {
      results += static_cast<int>(Leaves(root->shape()).size());
    }
    add(BufferRole::Kind::kResult, results);
    kernel.resident_blocks =
        ResidentBlocks(info_, target_, tile, kernel.blocks, kernel.block_threads);
    kernel.work = tile;
    return kernel;
  }

  // What the whole fusion must do is the last kernel's.
  void CountWork(KernelPlan& kernel) const {
    kernel.bytes = SaturatingAdd(info_.cost().bytes_read(), info_.cost().bytes_written());
    for (const Instruction* member : graph().view().members) {
      kernel.flops = SaturatingAdd(kernel.flops, FlopsOf(*member));
    }
  }

  // Microseconds: what is read and written, at the rate of copies, a part of the multiprocessors
  // standing idle where there are few blocks; and the launches.
  double Cost(const FusionPlan& plan) const {
    double time = 0;
    const double read = static_cast<double>(info_.cost().bytes_read());
    double written = static_cast<double>(info_.cost().bytes_written());
    for (const KernelPlan& kernel : plan.kernels) {
      const TilePlan& tile = kernel.tile();
      const bool narrow = tile.known_level > 0 && tile.partial_level == 0 && !HasWideRoot(info_);
      int walks = narrow ? 0 : 1;
      if (plan.kernels.size() == 1) {
        bool loops = false;
        for (int c = 0; c < class_count(); ++c)
          loops = loops || (IsReduced(c) && tile.classes[c].loop > 1);
        if (loops) walks = HasWideRoot(info_) ? levels_ + 1 : levels_;
      }
      const double busy = std::min<double>(
          1, static_cast<double>(kernel.blocks) * std::min(kernel.block_threads, kBlockThreads) /
                 (kBlockThreads * static_cast<double>(target_.multiprocessors)));
      time += kLaunchMicroseconds + walks * read / (kBytesPerMicrosecond * busy);
      time += written / (kBytesPerMicrosecond * busy);
      written = 0;
    }
    return time;
  }

  FusionPlan OneKernel() const {
    FusionPlan plan;
    TilePlan tile;
    tile.classes = deal_.classes;
    tile.order = order_;
    tile.staged = deal_.staged;
    tile.ahead = deal_.ahead;
    KernelPlan kernel = Kernel(tile);
    CountWork(kernel);
    plan.kernels.push_back(std::move(kernel));
    return plan;
  }

  // A kernel for the partial results of each level, and one that stores the results.
  FusionPlan SplitKernels() const {
    FusionPlan plan;
    plan.scratch = PartsScratch(info_, deal_.splits);
    TilePlan tile;
    tile.classes = deal_.classes;
    tile.order = order_;
    // The parts are put together by each thread.
    TileClass parts;
    parts.size = deal_.splits;
    parts.loop = deal_.splits;
    const int parts_class = static_cast<int>(tile.classes.size());
    tile.classes.push_back(parts);
    tile.order.push_back(parts_class);
    for (int level = 1; level <= levels_; ++level) {
      tile.known_level = level - 1;
      tile.partial_level = level;
      plan.kernels.push_back(Kernel(tile));
    }
    tile.known_level = levels_;
    tile.partial_level = 0;
    if (!HasWideRoot(info_)) tile = Finishing();
    KernelPlan last = Kernel(tile);
    CountWork(last);
    plan.kernels.push_back(std::move(last));
    for (KernelPlan& kernel : plan.kernels) {
      for (size_t i = 0; i < plan.scratch.size(); ++i) {
        kernel.buffers.push_back({BufferRole::Kind::kScratch, static_cast<int>(i)});
      }
    }
    return plan;
  }

  // The last kernel where only kept classes are left: the parts are shared out over threads.
  TilePlan Finishing() const {
    TilePlan tile;
    tile.known_level = levels_;
    int64_t lanes = kWarp;
    for (int c : order_) {
      TileClass own;
      own.size = SizeOf(c);
      if (!IsReduced(c)) own.vector = deal_.classes[c].vector;
      tile.order.push_back(c);
      tile.classes.resize(class_count());
      tile.classes[c] = own;
    }
    for (int c : order_) {
      TileClass& own = tile.classes[c];
      if (IsReduced(c)) continue;
      own.lanes =
          static_cast<int>(std::min(lanes, PowerOfTwoCeil(CeilDiv(own.size, int64_t{own.vector}))));
      lanes /= own.lanes;
      own.blocks = CeilDiv(own.size, own.block_extent());
    }
    TileClass parts;
    parts.size = deal_.splits;
    parts.lanes = static_cast<int>(lanes);
    parts.warps = static_cast<int>(std::min<int64_t>(
        kBlockThreads / kWarp, PowerOfTwoFloor(std::max<int64_t>(1, deal_.splits / lanes))));
    parts.loop = CeilDiv(deal_.splits, int64_t{1} * parts.lanes * parts.warps);
    tile.order.push_back(static_cast<int>(tile.classes.size()));
    tile.classes.push_back(parts);
    return tile;
  }

  const Target& target_;
  const FusionInfo& info_;
  const TileKnobs& knobs_;
  ElementType index_type_ = ElementType::kS32;
  int levels_ = 0;
  std::vector<int> order_;  // of the classes, innermost first
  TileDeal deal_;
};

}  // namespace

absl::StatusOr<FusionPlan> MakeTilePlan(const FusionInfo& info, const Target& target,
                                        const TileKnobs& knobs) {
  if (target.platform != Platform::kCuda) {
    return absl::FailedPreconditionError("the target is no GPU");
  }
  return TilePlanner(info, target, knobs).Make();
}

std::vector<Scratch> PartsScratch(const FusionInfo& info, int64_t splits) {
  std::vector<Scratch> scratch;
  for (const Reduction& reduction : info.reductions()) {
    const Instruction& reduce = info.graph().value(reduction.value);
    const bool simple =
        reduce.operand_count() == 2 && SimpleCombiner(*reduce.to_apply()).has_value();
    for (const Shape& leaf : Leaves(reduce.shape())) {
      const ElementType type = simple ? ComputeType(leaf.element_type()) : leaf.element_type();
      scratch.push_back({Shape::ArrayWithDefaultLayout(type, {splits, leaf.ElementCount()})});
    }
  }
  return scratch;
}

void ProposeTile(Skeleton, const Computation&, const FusionInfo& info, const Target& target,
                 std::vector<FusionPlan>& candidates) {
  absl::StatusOr<FusionPlan> plan = MakeTilePlan(info, target);
  if (plan.ok()) candidates.push_back(*std::move(plan));
}

}  // namespace ingot::plan
