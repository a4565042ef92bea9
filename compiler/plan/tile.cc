#include "compiler/plan/tile.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "compiler/plan/analysis.h"
#include "compiler/plan/cost.h"

namespace ingot::plan {
namespace {

constexpr int kWarp = 32;
constexpr int kBlockThreads = 256;
constexpr int kMostThreads = 1024;
constexpr int kAccessBytes = 16;
constexpr int kMostVector = 8;
// Elements of a reduced row that a thread holds, of one value, and the most where nothing less will
// do.
constexpr int64_t kHeldElements = 32;
constexpr int64_t kMostHeldElements = 64;
// Loads of a thread before the first is used, where rows are not held.
constexpr int kLoadsInFlight = 4;
// Blocks that keep a multiprocessor busy where a reduction is split.
constexpr int64_t kBlocksOfSplit = 4;
// Bytes of loads that a multiprocessor should have under way, and where barriers stand between
// loads and stores.
constexpr int64_t kBytesAhead = 32 << 10;
constexpr int64_t kBytesAheadOfBarriers = 64 << 10;
// Threads of a multiprocessor that keep its arithmetic busy.
constexpr int64_t kBusyThreads = 1024;
// Registers of a thread besides those of the elements that it holds.
constexpr int64_t kOtherRegisters = 32;
// Of the iterations that a lane or a warp is given, at most this share may be beyond the space.
constexpr double kMostWaste = 1.25;

int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

int64_t PowerOfTwoFloor(int64_t n) {
  int64_t power = 1;
  while (power * 2 <= n) power *= 2;
  return power;
}
int64_t PowerOfTwoCeil(int64_t n) {
  int64_t power = 1;
  while (power < n) power *= 2;
  return power;
}

bool Contains(absl::Span<const int> list, int value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

class TilePlanner {
 public:
  TilePlanner(const FusionInfo& info, const Target& target) : target_(target), info_(info) {}

  std::optional<FusionPlan> Make() {
    if (!IsWalkable() || !ChooseOrder()) return std::nullopt;
    ChooseVector();
    if (info_.reductions().empty()) {
      DealElements();
    } else if (IsReduced(order_[0])) {
      DealRows();
    } else {
      DealColumns();
    }
    FusionPlan plan = splits_ == 1 ? OneKernel() : SplitKernels();
    plan.cost = Cost(plan);
    return plan;
  }

 private:
  const IterationSpace& space() const { return info_.space(); }
  const FusionGraph& graph() const { return info_.graph(); }
  int class_count() const { return static_cast<int>(space().classes().size()); }
  bool IsReduced(int c) const { return space().classes()[c].reduced; }
  int64_t SizeOf(int c) const { return space().classes()[c].size; }

  // Whether one walk over the space computes the fusion.
  bool IsWalkable() {
    if (class_count() == 0) return false;
    for (int v = 0; v < graph().value_count(); ++v) {
      if (IndexTypeOf(graph().value(v)) == ElementType::kS64) index_type_ = ElementType::kS64;
    }
    for (const IterationClass& c : space().classes()) {
      if (c.size == 0) return false;
    }
    std::vector<int> ended;
    for (const Reduction& reduction : info_.reductions()) {
      if (reduction.opaque || !reduction.in_space) return false;
      if (!CombinesInShared(graph().value(reduction.value))) return false;
      levels_ = std::max(levels_, reduction.level);
      std::vector<int> classes = reduction.classes;
      std::sort(classes.begin(), classes.end());
      if (classes.empty()) continue;
      if (!ended.empty() && ended != classes) return false;
      ended = classes;
    }
    if (ended.empty() && levels_ > 0) return false;
    for (size_t i = 0; i < graph().edges().size(); ++i) {
      const FusionEdge& edge = graph().edges()[i];
      if (space().AccessOf(static_cast<int>(i)).access == Access::kInSpace) continue;
      if (info_.LevelOf(edge.operand) > 0) return false;
      // Without reductions the loop plan follows maps as well, a vector at a time.
      if (levels_ == 0 && ElementsOf(graph().value(edge.operand).shape()) > 1) return false;
    }
    return true;
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

  // Arrays in memory that are read or written at the points of the space.
  std::vector<int> ArraysInSpace() const {
    std::vector<int> arrays;
    for (int v = 0; v < graph().input_count(); ++v) {
      if (info_.uses().Of(v).in_space()) arrays.push_back(v);
    }
    for (const Instruction* root : graph().view().roots) arrays.push_back(graph().NumberOf(*root));
    return arrays;
  }

  // The classes in the order of the largest array, innermost first, then the others.  Every large
  // array must have the innermost class innermost.
  bool ChooseOrder() {
    int largest = -1;
    for (int v : ArraysInSpace()) {
      if (largest < 0 ||
          ElementsOf(graph().value(v).shape()) > ElementsOf(graph().value(largest).shape()) ||
          (ElementsOf(graph().value(v).shape()) == ElementsOf(graph().value(largest).shape()) &&
           BytesOfValue(v) > BytesOfValue(largest))) {
        largest = v;
      }
    }
    if (largest < 0) return false;
    // Every place of the space is an element of some value: nothing is walked twice.
    int64_t places = 1, most = 0;
    for (const IterationClass& c : space().classes()) places = SaturatingMultiply(places, c.size);
    for (int v = 0; v < graph().value_count(); ++v) {
      most = std::max(most, ElementsOf(graph().value(v).shape()));
    }
    if (places > most) return false;
    const absl::Span<const int> classes = space().ClassesOf(largest);
    order_.assign(classes.rbegin(), classes.rend());
    for (int c = class_count() - 1; c >= 0; --c) {
      if (!Contains(order_, c)) order_.push_back(c);
    }
    for (int v : ArraysInSpace()) {
      const absl::Span<const int> own = space().ClassesOf(v);
      if (Contains(own, order_[0]) && own.back() != order_[0] &&
          BytesOfValue(v) > BytesOfValue(largest) / 8) {
        return false;
      }
    }
    classes_.resize(class_count());
    for (int c = 0; c < class_count(); ++c) classes_[c].size = SizeOf(c);
    return true;
  }

  // Elements of the innermost class that one access of each array moves.
  void ChooseVector() {
    const int inner = order_[0];
    int64_t vector = kMostVector;
    for (int v = 0; v < graph().value_count(); ++v) {
      for (const Shape& leaf : Leaves(graph().value(v).shape())) {
        if (IsComplex(leaf.element_type())) vector = 1;
      }
      const int64_t rank = CommonDimensions(graph().value(v).shape()).size();
      for (int64_t d = 0; d < rank; ++d) {
        for (const ClassPart& part : space().PartsOf(v, d)) {
          if (part.class_number != inner || part.stride != 1) continue;
          while (part.size % vector != 0) vector /= 2;
        }
      }
    }
    for (int v : ArraysInSpace()) {
      if (!Contains(space().ClassesOf(v), inner)) continue;
      for (const Shape& leaf : Leaves(graph().value(v).shape())) {
        vector =
            std::min<int64_t>(vector, std::max(1, kAccessBytes / ByteWidth(leaf.element_type())));
      }
    }
    while (SizeOf(inner) % vector != 0) vector /= 2;
    classes_[inner].vector = static_cast<int>(vector);
  }

  // Vectors of the class that are not dealt out to lanes and warps yet.
  int64_t UnitsLeft(int c) const {
    const TileClass& tile = classes_[c];
    return CeilDiv(tile.size, int64_t{1} * tile.vector * tile.lanes * tile.warps);
  }

  // The most of `wanted` that the class takes without much waste; a power of two.
  int64_t Share(int c, int64_t wanted) const {
    const int64_t units = UnitsLeft(c);
    int64_t share = std::min(wanted, PowerOfTwoCeil(units));
    while (share > 1 && static_cast<double>(CeilDiv(units, share) * share) >
                            kMostWaste * static_cast<double>(units)) {
      share /= 2;
    }
    return share;
  }

  // Deals out `threads` lanes, then warps, to the classes in turn; what no class takes goes to the
  // first of them as masked lanes.  Returns the warps that are left.
  int64_t DealLanes(const std::vector<int>& classes) {
    int64_t left = kWarp / lanes_dealt_;
    for (int c : classes) {
      const int64_t share = Share(c, left);
      classes_[c].lanes *= static_cast<int>(share);
      lanes_dealt_ *= share;
      left /= share;
    }
    return left;
  }
  int64_t DealWarps(const std::vector<int>& classes, int64_t warps) {
    for (int c : classes) {
      const int64_t share = Share(c, warps);
      classes_[c].warps *= static_cast<int>(share);
      warps /= share;
    }
    return warps;
  }

  // Lanes that nobody took are beyond the space.
  void FillWarp() {
    classes_[order_[0]].lanes *= static_cast<int>(kWarp / lanes_dealt_);
    lanes_dealt_ = kWarp;
  }

  void DealBlocks(const std::vector<int>& classes) {
    for (int c : classes)
      classes_[c].blocks = CeilDiv(classes_[c].size, classes_[c].block_extent());
  }

  std::vector<int> ClassesThatAre(bool reduced) const {
    std::vector<int> found;
    for (int c : order_) {
      if (IsReduced(c) == reduced) found.push_back(c);
    }
    return found;
  }

  // Bytes that the vectors of one place take from memory.
  int64_t BytesOfPlace() const {
    int64_t bytes = 0;
    for (int v = 0; v < graph().input_count(); ++v) {
      if (info_.uses().Of(v).in_space() && Contains(space().ClassesOf(v), order_[0])) {
        bytes += ingot::BytesOf(graph().value(v).shape(), classes_[order_[0]].vector);
      }
    }
    return std::max<int64_t>(1, bytes);
  }

  // Registers for enough loads in flight: along a class that some array does not have, so that its
  // vectors serve several places, else along the innermost.
  void DealElements() {
    DealLanes(order_);
    FillWarp();
    DealWarps(order_, kBlockThreads / kWarp);
    int64_t registers =
        std::clamp<int64_t>(kLoadsInFlight * kAccessBytes / BytesOfPlace(), 1, kLoadsInFlight);
    int along = order_[0];
    for (int c : order_) {
      for (int v : ArraysInSpace()) {
        if (c != order_[0] && !Contains(space().ClassesOf(v), c) &&
            Contains(space().ClassesOf(v), order_[0])) {
          along = c;
          registers = kLoadsInFlight;
        }
      }
    }
    // Few elements are better spread over the multiprocessors.
    int64_t blocks = 1;
    for (int c : order_) blocks *= UnitsLeft(c);
    registers = std::min(registers, blocks / (int64_t{4} * target_.multiprocessors));
    classes_[along].registers =
        static_cast<int>(std::max<int64_t>(1, std::min(registers, UnitsLeft(along))));
    DealBlocks(order_);
  }

  int64_t ReducedElements() const {
    int64_t elements = 1;
    for (int c : order_) {
      if (IsReduced(c)) elements *= SizeOf(c);
    }
    return elements;
  }

  // Rows along memory: the threads of a row hold it, if it fits.
  void DealRows() {
    const std::vector<int> reduced = ClassesThatAre(true);
    const std::vector<int> kept = ClassesThatAre(false);
    const int64_t vector = classes_[order_[0]].vector;
    const int64_t vectors = CeilDiv(ReducedElements(), vector);
    const int64_t held = std::max<int64_t>(1, kHeldElements / vector);
    int64_t threads = PowerOfTwoCeil(CeilDiv(vectors, held));
    if (threads < kWarp) threads = std::min<int64_t>(kWarp, PowerOfTwoCeil(vectors));
    threads = std::min<int64_t>(threads, kMostThreads);
    // The lanes and warps of a row.
    int64_t lanes = std::min<int64_t>(threads, kWarp);
    int64_t warps = threads / lanes;
    for (int c : reduced) {
      const int64_t share = std::min(lanes, PowerOfTwoCeil(UnitsLeft(c)));
      classes_[c].lanes = static_cast<int>(share);
      lanes /= share;
      lanes_dealt_ *= share;
    }
    for (int c : reduced) {
      const int64_t share = std::min(warps, PowerOfTwoFloor(UnitsLeft(c)));
      classes_[c].warps = static_cast<int>(share);
      warps /= share;
    }
    DealLanes(kept);
    FillWarp();
    int64_t row_warps = 1;
    for (int c : reduced) row_warps *= classes_[c].warps;
    DealWarps(kept, std::max<int64_t>(1, kBlockThreads / 2 / kWarp / row_warps));
    int64_t per_thread = 1;
    for (int c : reduced) per_thread *= UnitsLeft(c);
    if (per_thread * vector <= kMostHeldElements) {
      for (int c : reduced) classes_[c].registers = static_cast<int>(UnitsLeft(c));
      // Short rows: several at once, for enough loads in flight.
      int64_t several = kLoadsInFlight * kAccessBytes / (BytesOfPlace() * per_thread);
      int64_t places = 1;
      for (int c : kept) places *= UnitsLeft(c);
      several = std::min(several, places / (int64_t{4} * target_.multiprocessors));
      if (!kept.empty() && several > 1) {
        classes_[kept[0]].registers = static_cast<int>(std::min(several, UnitsLeft(kept[0])));
      }
    } else {
      int64_t registers = kLoadsInFlight;
      for (int c : reduced) {
        classes_[c].registers = static_cast<int>(std::min(registers, UnitsLeft(c)));
        registers /= classes_[c].registers;
        classes_[c].loop = CeilDiv(UnitsLeft(c), classes_[c].registers);
      }
    }
    DealBlocks(kept);
    SplitReduction(reduced, kept);
  }

  // Columns across memory: lanes along it, warps and loops along what is reduced.
  void DealColumns() {
    const std::vector<int> reduced = ClassesThatAre(true);
    std::vector<int> kept = ClassesThatAre(false);
    const std::vector<int> inner = {order_[0]};
    DealLanes(inner);
    DealLanes(reduced);
    DealLanes(kept);
    FillWarp();
    int64_t warps = DealWarps(reduced, kBlockThreads / kWarp);
    DealWarps(kept, warps);
    const int64_t vector = classes_[order_[0]].vector;
    int64_t per_thread = 1;
    for (int c : reduced) per_thread *= UnitsLeft(c);
    if (per_thread * vector <= kHeldElements) {
      for (int c : reduced) classes_[c].registers = static_cast<int>(UnitsLeft(c));
    } else {
      int64_t registers = kLoadsInFlight;
      for (int c : reduced) {
        classes_[c].registers = static_cast<int>(std::min(registers, UnitsLeft(c)));
        registers /= classes_[c].registers;
        classes_[c].loop = CeilDiv(UnitsLeft(c), classes_[c].registers);
      }
    }
    DealBlocks(kept);
    SplitReduction(reduced, kept);
  }

  // Too few blocks: the outermost reduced class is shared out over blocks as well.
  void SplitReduction(const std::vector<int>& reduced, const std::vector<int>& kept) {
    int64_t blocks = 1;
    for (int c : kept) blocks *= classes_[c].blocks;
    const int64_t wanted = kBlocksOfSplit * target_.multiprocessors;
    if (blocks * 2 > wanted) return;
    for (auto it = reduced.rbegin(); it != reduced.rend(); ++it) {
      TileClass& tile = classes_[*it];
      if (tile.loop < 4) continue;
      const int64_t trips = CeilDiv(tile.loop, std::min(tile.loop / 2, wanted / blocks));
      tile.loop = trips;
      tile.blocks = CeilDiv(tile.size, tile.block_extent());
      splits_ = tile.blocks;
      return;
    }
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
    kernel.resident_blocks = ResidentBlocks(kernel, tile);
    kernel.work = tile;
    return kernel;
  }

  // So many that enough loads are under way and arithmetic finds enough warps, as far as registers
  // go.
  int ResidentBlocks(const KernelPlan& kernel, const TilePlan& tile) const {
    if (tile.known_level > 0 && tile.partial_level == 0 && !HasWideRoot()) return 0;
    const auto elements_of_thread = [&](absl::Span<const int> classes) {
      int64_t elements = 1;
      for (int c : classes) {
        elements *= int64_t{1} * tile.classes[c].vector * tile.classes[c].registers;
      }
      return elements;
    };
    int64_t bytes = 0, held = 1;
    for (int v = 0; v < graph().input_count(); ++v) {
      if (!info_.uses().Of(v).in_space()) continue;
      const int64_t elements = elements_of_thread(space().ClassesOf(v));
      bytes += ingot::BytesOf(graph().value(v).shape(), elements);
      held = std::max(held, elements);
    }
    // No more than there are.
    const int64_t all = CeilDiv(kernel.blocks, target_.multiprocessors);
    const int64_t registers = kOtherRegisters + held;
    const int64_t most = std::min<int64_t>(target_.threads, target_.card->registers / registers) /
                         kernel.block_threads;
    const int64_t ahead = levels_ > 0 && HasWideRoot() ? kBytesAheadOfBarriers : kBytesAhead;
    const int64_t wanted =
        std::max(CeilDiv(ahead, std::max<int64_t>(1, bytes * kernel.block_threads)),
                 kBusyThreads / kernel.block_threads);
    const int64_t blocks = std::min({wanted, most, all, int64_t{target_.card->blocks}});
    return blocks == 1 ? 0 : static_cast<int>(blocks);
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
      const bool narrow = tile.known_level > 0 && tile.partial_level == 0 && !HasWideRoot();
      int walks = narrow ? 0 : 1;
      if (plan.kernels.size() == 1) {
        bool loops = false;
        for (int c = 0; c < class_count(); ++c)
          loops = loops || (IsReduced(c) && tile.classes[c].loop > 1);
        if (loops) walks = HasWideRoot() ? levels_ + 1 : levels_;
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
    tile.classes = classes_;
    tile.order = order_;
    KernelPlan kernel = Kernel(tile);
    CountWork(kernel);
    plan.kernels.push_back(std::move(kernel));
    return plan;
  }

  // A root that the last kernel stores has classes that reductions end.
  bool HasWideRoot() const {
    for (const Instruction* root : graph().view().roots) {
      if (info_.LevelOf(graph().NumberOf(*root)) < levels_) continue;
      for (int c : space().ClassesOf(graph().NumberOf(*root))) {
        if (IsReduced(c)) return true;
      }
    }
    return false;
  }

  // A kernel for the partial results of each level, and one that stores the results.
  FusionPlan SplitKernels() const {
    FusionPlan plan;
    for (const Reduction& reduction : info_.reductions()) {
      const Instruction& reduce = graph().value(reduction.value);
      for (const Shape& leaf : Leaves(reduce.shape())) {
        const bool simple =
            reduce.operand_count() == 2 && SimpleCombiner(*reduce.to_apply()).has_value();
        const ElementType type = simple ? ComputeType(leaf.element_type()) : leaf.element_type();
        plan.scratch.push_back(
            {Shape::ArrayWithDefaultLayout(type, {splits_, leaf.ElementCount()})});
      }
    }
    TilePlan tile;
    tile.classes = classes_;
    tile.order = order_;
    // The parts are put together by each thread.
    TileClass parts;
    parts.size = splits_;
    parts.loop = splits_;
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
    if (!HasWideRoot()) tile = Finishing();
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
      if (!IsReduced(c)) own.vector = classes_[c].vector;
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
    parts.size = splits_;
    parts.lanes = static_cast<int>(lanes);
    parts.warps = static_cast<int>(std::min<int64_t>(
        kBlockThreads / kWarp, PowerOfTwoFloor(std::max<int64_t>(1, splits_ / lanes))));
    parts.loop = CeilDiv(splits_, int64_t{1} * parts.lanes * parts.warps);
    tile.order.push_back(static_cast<int>(tile.classes.size()));
    tile.classes.push_back(parts);
    return tile;
  }

  const Target& target_;
  const FusionInfo& info_;
  ElementType index_type_ = ElementType::kS32;
  int levels_ = 0;
  std::vector<int> order_;  // of the classes, innermost first
  std::vector<TileClass> classes_;
  int64_t lanes_dealt_ = 1;
  int64_t splits_ = 1;
};

}  // namespace

std::optional<FusionPlan> MakeTilePlan(const FusionInfo& info, const Target& target) {
  if (target.platform != Platform::kCuda) return std::nullopt;
  return TilePlanner(info, target).Make();
}

void ProposeTile(Skeleton, const Computation&, const FusionInfo& info, const Target& target,
                 std::vector<FusionPlan>& candidates) {
  if (std::optional<FusionPlan> plan = MakeTilePlan(info, target)) {
    candidates.push_back(*std::move(plan));
  }
}

}  // namespace ingot::plan
