#include "compiler/plan/tile.h"

#include <algorithm>
#include <bit>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "compiler/plan/analysis.h"
#include "compiler/plan/cost.h"
#include "compiler/plan/fits.h"
#include "compiler/plan/pass_levels.h"
#include "compiler/plan/tile_across.h"
#include "compiler/plan/tile_box.h"
#include "compiler/plan/tile_cost.h"
#include "compiler/plan/tile_deal.h"
#include "compiler/plan/tile_parts.h"
#include "compiler/plan/tile_tasks.h"
#include "compiler/plan/tile_turned.h"
#include "compiler/plan/tile_turns.h"
#include "compiler/plan/tile_vectors.h"
#include "ir/base/status.h"

namespace ingot::plan {
namespace {

// Scalar operations of a thread's code: assemblers take seconds for more, and registers spill.
constexpr int64_t kMostOperationsOfThread = 20000;
// A kernel more is written and compiled for no less than a tenth of the time.
constexpr double kLeastGainOfKernel = 0.9;
// Trips of a thread that puts partial results together, each of which waits for its load.
constexpr int64_t kFewTripsOfParts = 4;

class TilePlanner {
 public:
  TilePlanner(const FusionInfo& info, const Target& target, Numerics numerics,
              const TileKnobs& knobs)
      : target_(target), info_(info), numerics_(numerics), knobs_(knobs), levels_(info, {}) {}

  absl::StatusOr<FusionPlan> Make() {
    INGOT_RETURN_IF_ERROR(CheckWalk());
    INGOT_RETURN_IF_ERROR(ChooseOrder());
    if (levels_.across > 0) {
      if (IsHost()) return No("reductions end different dimensions", "a host has a walk for each");
      std::optional<TileDeal> deal = DealAcross(info_, levels_, target_, order_, knobs_);
      if (!deal.has_value())
        return No("reductions end different dimensions", "no block holds rows");
      deal_ = *std::move(deal);
    } else if (IsHost()) {
      // Elements one after the other are the loop's.
      if (levels_.last == 0 && turned_.empty()) {
        return No("without reductions, nothing lies across", "a loop computes it on a host");
      }
      INGOT_ASSIGN_OR_RETURN(deal_, DealTasks(info_, target_, order_, turned_));
    } else if (!boxed_.empty()) {
      std::optional<TileDeal> deal = DealBox(info_, target_, order_, boxed_);
      if (!deal.has_value()) return No("no box fits shared memory", NameOf(boxed_[0]));
      deal_ = *std::move(deal);
    } else if (turned_.empty()) {
      deal_ = DealTile(info_, levels_, target_, order_, knobs_);
      if (deal_.packed >= 0 && OperationsOfThread() > kMostOperationsOfThread) {
        TileKnobs others = knobs_;
        others.packs = false;
        deal_ = DealTile(info_, levels_, target_, order_, others);
      }
    } else {
      std::optional<TileDeal> deal = DealTurned(info_, levels_, target_, order_, turned_);
      if (!deal.has_value()) return No("boxes of what lies across are short", NameOf(turned_[0]));
      deal_ = *std::move(deal);
    }
    if (const int64_t operations = OperationsOfThread(); operations > kMostOperationsOfThread) {
      return No("too much code", operations, " operations a thread, at most ",
                kMostOperationsOfThread);
    }
    if (levels_.across > 0) {
      FusionPlan plan = Costed(KernelsAcross());
      INGOT_RETURN_IF_ERROR(CheckShared(plan));
      return plan;
    }
    if (numerics_ == Numerics::kDefault && !IsHost() && IsWalkedInTrips()) {
      joins_ = FindJoins(info_);
      levels_ = PassLevels(info_, joins_);
    }
    if (deal_.splits == 1) {
      FusionPlan plan = Costed(OneKernel());
      if (!deal_.turned.empty()) INGOT_RETURN_IF_ERROR(CheckShared(plan));
      return plan;
    }
    FusionPlan plan = Costed(SplitKernels(/*combines=*/false));
    if (!deal_.turned.empty()) INGOT_RETURN_IF_ERROR(CheckShared(plan));
    if (IsHost()) return plan;
    // Nobody but the last kernel reads the parts, and it has few blocks.
    if (levels_.last == 1 && !HasWideRoot(info_, levels_)) return plan;
    FusionPlan combined = Costed(SplitKernels(/*combines=*/true));
    return combined.cost < kLeastGainOfKernel * plan.cost ? combined : plan;
  }

 private:
  const IterationSpace& space() const { return info_.space(); }
  const FusionGraph& graph() const { return info_.graph(); }
  int class_count() const { return static_cast<int>(space().classes().size()); }
  bool IsHost() const { return target_.platform == Platform::kHost; }
  bool IsReduced(int c) const { return levels_.ended[c]; }
  int64_t SizeOf(int c) const { return space().classes()[c].size; }

  // What warps exchange for many sums across a walk may be more than a block has.
  absl::Status CheckShared(const FusionPlan& plan) const {
    for (size_t i = 0; i < plan.kernels.size(); ++i) {
      const int64_t bytes = SharedBytesOfTile(plan, static_cast<int>(i), info_, target_);
      if (bytes > target_.shared_bytes) {
        return No("too much shared memory", bytes, " bytes, at most ", target_.shared_bytes);
      }
    }
    return absl::OkStatus();
  }

  // Whether a block does not hold what is reduced.
  bool IsWalkedInTrips() const {
    if (deal_.packed >= 0 || deal_.rests) return false;
    for (int c = 0; c < class_count(); ++c) {
      if (IsReduced(c) && deal_.classes[c].loop * deal_.classes[c].blocks > 1) return true;
    }
    return false;
  }

  FusionPlan Costed(FusionPlan plan) const {
    for (const Join& join : joins_) plan.joined.push_back({join.rule, join.reduction});
    plan.cost = CostOfTiles(plan, info_, levels_, target_);
    return plan;
  }

  // GPUs compute with one element after the other, hosts with registers of them.
  int64_t OperationsOfVector(int64_t elements) const {
    return IsHost() ? CeilDiv(elements * kRegisterBytes, target_.vector_bytes) : elements;
  }

  // About how many operations a thread's code has, the trips of a loop counted once.
  int64_t OperationsOfThread() const {
    const auto held = [&](absl::Span<const int> classes) {
      int64_t elements = 1;
      for (int c : classes) {
        elements *= OperationsOfVector(deal_.classes[c].vector) * deal_.classes[c].registers;
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
      for (int c : reduction.classes) {
        times += std::bit_width(static_cast<unsigned>(deal_.classes[c].lanes)) - 1;
        times += deal_.classes[c].warps - 1;
      }
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
      if (levels_.last == 0 && ElementsOf(graph().value(edge.operand).shape()) > 1) {
        return No("without reductions, an array is read at other indices", NameOf(edge.operand),
                  " by ", NameOf(edge.consumer));
      }
    }
    return absl::OkStatus();
  }

  absl::Status CheckReductions() {
    INGOT_RETURN_IF_ERROR(CheckAcross(info_, levels_));
    const Reduction* first = nullptr;
    std::vector<int> ended;
    for (const Reduction& reduction : info_.reductions()) {
      const std::string& name = NameOf(reduction.value);
      if (reduction.opaque) return No("an op accumulates, but not as reduce does", name);
      if (!reduction.in_space) return No("a reduction's operand is read at other indices", name);
      if (!CombinesInShared(graph().value(reduction.value))) {
        return No("threads cannot exchange values of a reduction's type", name);
      }
      if (IsHost() && !IsSimple(graph().value(reduction.value))) {
        return No("a host takes elements in order where the reducer is no simple op", name);
      }
      if (levels_.IsAcross(reduction.value)) continue;
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

  static bool IsSimple(const Instruction& reduce) {
    return reduce.operand_count() == 2 && SimpleCombiner(*reduce.to_apply()).has_value();
  }

  // What is not one simple op is combined in the results' types, which must shuffle.
  static bool CombinesInShared(const Instruction& reduce) {
    if (IsSimple(reduce)) return true;
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

  // The order of the largest array; or of the largest result, where inputs can be turned.
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
    OrderAlong(largest);
    int result = -1;
    for (const Instruction* root : graph().view().roots) {
      const int v = graph().NumberOf(*root);
      if (result < 0 || BytesOfValue(v) > BytesOfValue(result)) result = v;
    }
    if (levels_.last == 0 && !IsHost()) boxed_ = BoxedInputs(info_);
    if (!boxed_.empty()) {
      OrderAlong(result);
      return absl::OkStatus();
    }
    if (LyingAcross(largest).empty()) return absl::OkStatus();
    // Results are stored along memory, and inputs that lie across them are turned.
    const bool turns =
        levels_.last == 0 ? !space().ClassesOf(result).empty() : !IsHost() && levels_.across == 0;
    const int along = levels_.last == 0 || HasWideRoot(info_, levels_) ? result : largest;
    if (turns) OrderAlong(along);
    std::vector<int> across = LyingAcross(turns ? along : largest);
    for (int v : across) {
      if (!turns || !CanBeTurned(info_, order_[0], v) ||
          space().ClassesOf(v).back() != space().ClassesOf(across[0]).back()) {
        return No("a large array lies across another", NameOf(v), " across ",
                  NameOf(turns ? along : largest));
      }
    }
    turned_ = std::move(across);
    return absl::OkStatus();
  }

  // The classes in the order of an array, innermost first, then the others.
  void OrderAlong(int array) {
    const absl::Span<const int> classes = space().ClassesOf(array);
    order_.assign(classes.rbegin(), classes.rend());
    for (int c = class_count() - 1; c >= 0; --c) {
      if (!Contains(order_, c)) order_.push_back(c);
    }
  }

  // The large arrays that have the innermost class, but not innermost.
  std::vector<int> LyingAcross(int array) const {
    std::vector<int> across;
    for (int v : ArraysInSpace(info_)) {
      const absl::Span<const int> own = space().ClassesOf(v);
      if (Contains(own, order_[0]) && own.back() != order_[0] &&
          BytesOfValue(v) > BytesOfValue(array) / 8) {
        across.push_back(v);
      }
    }
    return across;
  }

  KernelPlan Kernel(const TilePlan& tile) const {
    KernelPlan kernel;
    kernel.skeleton = Skeleton::kTile;
    kernel.index_type = index_type_;
    SetTile(kernel, tile);
    const auto add = [&](BufferRole::Kind kind, int count) {
      for (int i = 0; i < count; ++i) kernel.buffers.push_back({kind, i});
    };
    add(BufferRole::Kind::kOperand, graph().input_count());
    add(BufferRole::Kind::kResult, ResultCount(graph().view()));
    if (IsHost()) {
      std::swap(kernel.tasks, kernel.blocks);
    } else if (tile.box_threads == 0) {
      kernel.resident_blocks =
          ResidentBlocks(info_, levels_, target_, tile, kernel.blocks, kernel.block_threads);
    }
    return kernel;
  }

  // What the whole fusion must do is the last kernel's.
  void CountWork(KernelPlan& kernel) const {
    kernel.bytes = SaturatingAdd(info_.cost().bytes_read(), info_.cost().bytes_written());
    for (const Instruction* member : graph().view().members) {
      kernel.flops = SaturatingAdd(kernel.flops, FlopsOf(*member));
    }
  }

  TilePlan DealtTile() const {
    TilePlan tile;
    tile.classes = deal_.classes;
    tile.order = order_;
    tile.aligned = deal_.aligned;
    tile.spread = deal_.spread;
    tile.shifted = deal_.shifted;
    tile.staged = deal_.staged;
    tile.turned = deal_.turned;
    tile.box_threads = deal_.box_threads;
    tile.gathered = deal_.gathered;
    tile.packed = deal_.packed;
    tile.kept = deal_.kept;
    tile.ahead = deal_.ahead;
    tile.trips_ahead = deal_.trips_ahead;
    tile.rests = deal_.rests;
    tile.held = deal_.held;
    tile.buffered = deal_.buffered;
    return tile;
  }

  FusionPlan OneKernel() const {
    FusionPlan plan;
    KernelPlan kernel = Kernel(DealtTile());
    CountWork(kernel);
    plan.kernels.push_back(std::move(kernel));
    return plan;
  }

  // The walk, which leaves parts of the reductions across it, and what puts those together.
  FusionPlan KernelsAcross() const {
    FusionPlan plan;
    plan.scratch = PartsScratch(info_, joins_, DealtTile(), deal_.splits);
    TilePlan walk = DealtTile();
    walk.partial_level = levels_.across;
    plan.kernels.push_back(Kernel(walk));
    plan.kernels[0].resident_blocks = deal_.resident_blocks;
    TilePlan late = Finishing(/*combined_level=*/0);
    late.known_level = levels_.across;
    KernelPlan last = Kernel(late);
    CountWork(last);
    plan.kernels.push_back(std::move(last));
    GiveScratch(plan);
    return plan;
  }

  static void GiveScratch(FusionPlan& plan) {
    for (KernelPlan& kernel : plan.kernels) {
      for (size_t i = 0; i < plan.scratch.size(); ++i) {
        kernel.buffers.push_back({BufferRole::Kind::kScratch, static_cast<int>(i)});
      }
    }
  }

  // A kernel for the partial results of each level, and one that stores the results.  `combines`:
  // where blocks would put the same partial results together, a kernel between does it once.
  FusionPlan SplitKernels(bool combines) const {
    FusionPlan plan;
    plan.scratch = PartsScratch(info_, joins_, DealtTile(), deal_.splits + (combines ? 1 : 0));
    const bool wide = HasWideRoot(info_, levels_);
    TilePlan tile;
    tile.classes = deal_.classes;
    tile.order = order_;
    tile.aligned = deal_.aligned;
    tile.turned = deal_.turned;
    // The parts are put together by each thread.
    TileClass parts;
    parts.size = deal_.splits;
    parts.loop = deal_.splits;
    const int parts_class = static_cast<int>(tile.classes.size());
    tile.classes.push_back(parts);
    tile.order.push_back(parts_class);
    for (int level = 1; level <= levels_.last; ++level) {
      tile.known_level = level - 1;
      tile.partial_level = level;
      plan.kernels.push_back(Kernel(tile));
      if (combines && (wide || level < levels_.last)) {
        plan.kernels.push_back(Kernel(Combining(level)));
        tile.combined_level = level;
      }
    }
    if (!wide) tile = Finishing(tile.combined_level);
    tile.known_level = levels_.last;
    tile.partial_level = 0;
    KernelPlan last = Kernel(tile);
    CountWork(last);
    plan.kernels.push_back(std::move(last));
    GiveScratch(plan);
    return plan;
  }

  // The last kernel where only kept classes are left: the parts are shared out over threads.
  TilePlan Finishing(int combined_level) const {
    if (IsHost()) return PartsOfTasks();
    TilePlan tile = PartsTile(kWarp);
    if (tile.classes.back().loop > kFewTripsOfParts) tile = ManyPartsTile(BytesOfNarrowest());
    tile.combined_level = combined_level;
    return tile;
  }

  // A task has what the tasks of a split have of kept classes.
  TilePlan PartsOfTasks() const {
    TilePlan tile;
    tile.order = order_;
    tile.order.push_back(class_count());
    for (int c = 0; c < class_count(); ++c) {
      tile.classes.push_back(deal_.classes[c]);
      if (!IsReduced(c)) continue;
      tile.classes.back() = TileClass();
      tile.classes.back().size = SizeOf(c);
    }
    tile.classes.emplace_back();
    tile.classes.back().size = tile.classes.back().loop = deal_.splits;
    return tile;
  }

  // Puts the parts of a level together.
  TilePlan Combining(int level) const {
    TilePlan tile = ManyPartsTile(kRegisterBytes);
    tile.known_level = level;
    tile.combined_level = level - 1;
    tile.partial_level = level;
    return tile;
  }

  // As many blocks as there are sectors of elements of so many bytes, with all loads of a thread
  // under way at once.
  TilePlan ManyPartsTile(int64_t bytes) const {
    const int vector = VectorOfParts(order_[0]);
    const int64_t sector = kSectorBytes / (bytes * vector);
    const int64_t part_lanes =
        std::min(kWarp / std::max<int64_t>(1, sector), PowerOfTwoCeil(deal_.splits));
    TilePlan tile = PartsTile(kWarp / part_lanes);
    TileClass& parts = tile.classes.back();
    parts.registers = static_cast<int>(std::min(parts.loop, knobs_.loads_of_trip));
    parts.loop = CeilDiv(parts.loop, parts.registers);
    return tile;
  }

  int VectorOfParts(int c) const {
    const int vector = deal_.spread >= 0 ? MostVector(info_, c) : deal_.classes[c].vector;
    return std::min(vector, kPartsVector);
  }

  bool IsPutTogether(int c) const {
    return levels_.across > 0 ? Contains(levels_.late, c) : !IsReduced(c);
  }

  // Of an element of the last results, or of parts.
  int64_t BytesOfNarrowest() const {
    int64_t bytes = kRegisterBytes;
    for (const Instruction* root : graph().view().roots) {
      if (levels_.of[graph().NumberOf(*root)] < levels_.last) continue;
      for (const Shape& leaf : Leaves(root->shape())) {
        bytes = std::min<int64_t>(bytes, ByteWidth(leaf.element_type()));
      }
    }
    return bytes;
  }

  // What is kept has so many lanes at the most, the parts have the rest and the warps.
  TilePlan PartsTile(int64_t lanes) const {
    TilePlan tile;
    int64_t part_lanes = kWarp;
    for (int c : order_) {
      TileClass own;
      own.size = SizeOf(c);
      if (IsPutTogether(c)) own.vector = VectorOfParts(c);
      tile.order.push_back(c);
      tile.classes.resize(class_count());
      tile.classes[c] = own;
    }
    for (int c : order_) {
      TileClass& own = tile.classes[c];
      if (!IsPutTogether(c)) continue;
      own.lanes =
          static_cast<int>(std::min(lanes, PowerOfTwoCeil(CeilDiv(own.size, int64_t{own.vector}))));
      lanes /= own.lanes;
      part_lanes /= own.lanes;
      own.blocks = CeilDiv(own.size, own.block_extent());
    }
    TileClass parts;
    parts.size = deal_.splits;
    parts.lanes = static_cast<int>(part_lanes);
    parts.warps = static_cast<int>(std::min<int64_t>(
        kBlockThreads / kWarp, PowerOfTwoFloor(std::max<int64_t>(1, deal_.splits / part_lanes))));
    parts.loop = CeilDiv(deal_.splits, int64_t{1} * parts.lanes * parts.warps);
    tile.order.push_back(static_cast<int>(tile.classes.size()));
    tile.classes.push_back(parts);
    return tile;
  }

  const Target& target_;
  const FusionInfo& info_;
  const Numerics numerics_;
  const TileKnobs& knobs_;
  ElementType index_type_ = ElementType::kS32;
  std::vector<Join> joins_;
  PassLevels levels_;
  std::vector<int> order_;   // of the classes, innermost first
  std::vector<int> turned_;  // TilePlan's
  std::vector<int> boxed_;   // likewise, where boxes have several classes
  TileDeal deal_;
};

}  // namespace

absl::StatusOr<FusionPlan> MakeTilePlan(const FusionInfo& info, const Target& target,
                                        Numerics numerics, const TileKnobs& knobs) {
  return TilePlanner(info, target, numerics, knobs).Make();
}

void SetTile(KernelPlan& kernel, TilePlan tile) {
  kernel.block_threads = std::max(1, tile.box_threads);
  kernel.blocks = 1;
  for (const TileClass& c : tile.classes) {
    kernel.block_threads *= c.lanes * c.warps;
    kernel.blocks *= c.blocks;
  }
  kernel.work = std::move(tile);
}

void ProposeTile(Skeleton, const Computation&, const FusionInfo& info, const Target& target,
                 Numerics numerics, std::vector<FusionPlan>& candidates) {
  absl::StatusOr<FusionPlan> plan = MakeTilePlan(info, target, numerics);
  if (plan.ok()) candidates.push_back(*std::move(plan));
}

}  // namespace ingot::plan
