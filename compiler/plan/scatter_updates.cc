#include "compiler/plan/scatter_updates.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <optional>
#include <utility>

#include "compiler/plan/cost.h"
#include "compiler/plan/kernels.h"
#include "compiler/plan/scatter_sums.h"
#include "compiler/plan/tile.h"
#include "compiler/plan/tile_deal.h"
#include "ir/analysis/op_facts.h"
#include "ir/base/integers.h"
#include "ir/base/status.h"

namespace ingot::plan {
namespace {

constexpr int kAccessBytes = 16;
constexpr int kKeyBytes = 4;
constexpr int kLeastDigitBits = 4;
// Tiles that a warp adds up, of a part.
constexpr int64_t kTilesOfWarp = 8;
constexpr int64_t kMostSharedRows = 1 << 16;
// Updates that a group walks, and threads that a multiprocessor should have for them.
constexpr int64_t kSpan = 32;
constexpr int64_t kLeastSpan = 8;
constexpr int64_t kMostSpan = 1024;
constexpr int64_t kWalkThreads = 1024;
constexpr int kMostLevels = 32;
// Updates that a thread loads before it applies one, where there are many.
constexpr int kAppliedTogether = 4;
constexpr int kMostAppliedTogether = 8;

// Threads of a block, updates of each.
struct Deal {
  int threads, items;
};
constexpr Deal kSortDeals[] = {{256, 16}, {512, 16}, {512, 8}, {256, 8}, {128, 8},
                               {64, 8},   {64, 4},   {32, 4},  {32, 2}};
// Odd, so that the threads of a warp meet each bank once.
constexpr Deal kStagedDeals[] = {{256, 15}, {128, 15}, {64, 7}, {32, 7}, {32, 3}};

class Planner {
 public:
  Planner(const Computation& fusion, const Target& target)
      : fusion_(fusion), scatter_(*fusion.root()), target_(target), bytes_(BytesOf(fusion)) {
    if (scatter_.opcode() != Opcode::kScatter) return;
    space_ = ScatterSpaceOf(scatter_);
    combiner_ = ScatterCombinerOf(scatter_);
    for (int64_t i = 0; i < count(); ++i) {
      const ElementType type = scatter_.operand(i)->shape().element_type();
      row_bytes_ += space_.columns * ByteWidth(type);
      widest_ = std::max(widest_, ByteWidth(type));
    }
  }

  absl::Status Can() const {
    INGOT_REQUIRE(target_.platform == Platform::kCuda, "it is a GPU's");
    INGOT_REQUIRE(scatter_.opcode() == Opcode::kScatter, "its root is no scatter");
    INGOT_REQUIRE(space_.rows > 0 && space_.columns > 0 && space_.updates > 0, "it is empty");
    INGOT_REQUIRE(space_.rows < kMostNarrowOffset && space_.updates < kMostNarrowOffset,
                  "its rows or updates have no numbers of 32 bits");
    return absl::OkStatus();
  }

  // Every way there is, the cheapest first.
  std::vector<ScatterUpdatesPlan> All() const {
    std::vector<std::pair<double, ScatterUpdatesPlan>> found;
    const auto add = [&](const ScatterUpdatesPlan& plan) {
      if (Fits(plan).ok()) found.emplace_back(Microseconds(plan), plan);
    };
    if (!combiner_.NeedsOrder()) {
      add(Applying(0));
      add(Applying(space_.rows));
    }
    for (const bool staged : {true, false}) {
      std::optional<ScatterUpdatesPlan> plan = Sorting(staged);
      if (plan.has_value()) add(*plan);
    }
    for (int bits = kLeastTileBits; bits <= kMostTileBits; ++bits) {
      for (const Deal& deal : kStagedDeals) {
        const std::optional<ScatterUpdatesPlan> plan = Summing(bits, deal);
        if (!plan.has_value()) continue;
        add(*plan);
        break;
      }
    }
    KeepCheapest(found.size(), found);
    std::vector<ScatterUpdatesPlan> plans;
    for (const auto& [cost, plan] : found) plans.push_back(plan);
    return plans;
  }

  FusionPlan Make(const ScatterUpdatesPlan& work) const {
    FusionPlan plan;
    ScatterScratchOf(work, scatter_, &plan.scratch);
    if (UpdatesOperands()) {
      for (int64_t i = 0; i < count(); ++i) {
        const int operand = static_cast<int>(scatter_.operand(i)->parameter_number());
        plan.updates.push_back({static_cast<int>(i), operand});
      }
    } else {
      plan.kernels.push_back(Kernel(work, ScatterStage::kCopy, 0, plan.scratch.size()));
    }
    const auto add = [&](ScatterStage stage, int number) {
      plan.kernels.push_back(Kernel(work, stage, number, plan.scratch.size()));
    };
    if (work.levels == 0) add(ScatterStage::kApply, 0);
    if (work.radix.passes > 0 && !WordsOf(work).IsAlone()) {
      add(ScatterStage::kClear, 0);
      add(ScatterStage::kCount, 0);
    }
    for (int pass = 0; pass < work.radix.passes; ++pass) add(ScatterStage::kPartition, pass);
    if (work.tile_bits > 0) {
      add(ScatterStage::kSums, 0);
      add(ScatterStage::kRows, 0);
    }
    for (int level = 0; work.tile_bits == 0 && level < work.levels; ++level) {
      add(ScatterStage::kCombine, level);
    }
    plan.kernels.back().bytes = bytes_;
    plan.kernels.back().flops = FlopsOf(fusion_);
    plan.cost = Microseconds(work);
    return plan;
  }

  // What the universal loop would take: each of its threads looks at all indices.
  double UniversalMicroseconds() const {
    constexpr double kIndexMicroseconds = 0.05;
    const double threads = static_cast<double>(scatter_.operand(0)->shape().ElementCount());
    const double waves =
        std::ceil(threads / (double{1} * target_.multiprocessors * target_.threads));
    const double indices = static_cast<double>(Product(space_.dims.batch));
    return kLaunchMicroseconds + static_cast<double>(bytes_) / kBytesPerMicrosecond +
           indices * waves * kIndexMicroseconds;
  }

  absl::Status Fits(const ScatterUpdatesPlan& plan) const {
    INGOT_REQUIRE(plan.lanes >= 1 && Lanes() % plan.lanes == 0, "lanes=", plan.lanes,
                  "; they must divide ", Lanes());
    INGOT_REQUIRE(plan.row_threads >= 1 && plan.row_threads <= kScatterThreads &&
                      std::has_single_bit(static_cast<unsigned>(plan.row_threads)),
                  "row_threads=", plan.row_threads, "; a power of two, at most ", kScatterThreads);
    INGOT_REQUIRE(plan.levels >= 0 && plan.levels <= kMostLevels, "levels=", plan.levels);
    if (plan.tile_bits > 0) return SumsFit(plan);
    return plan.levels == 0 ? ApplyFits(plan) : SortFits(plan);
  }

 private:
  int64_t count() const { return scatter_.operand_count() / 2; }

  // Every operand is a parameter that nothing else reads.
  bool UpdatesOperands() const {
    for (int64_t i = 0; i < count(); ++i) {
      const Instruction& operand = *scatter_.operand(i);
      if (operand.opcode() != Opcode::kParameter) return false;
      int64_t reads = 0;
      for (const Instruction* instruction : fusion_.instructions()) {
        const absl::Span<Instruction* const> read = instruction->operands();
        reads += std::count(read.begin(), read.end(), &operand);
      }
      if (reads != 1) return false;
    }
    return true;
  }

  // ----- choices

  // Elements of an access along a window's last dimension.
  int Lanes() const {
    const Shape& operand = scatter_.operand(0)->shape();
    if (space_.column_dims.empty() || space_.column_dims.back() + 1 != operand.rank()) return 1;
    for (int64_t i = 0; i < count(); ++i) {
      const ElementType type = scatter_.operand(i)->shape().element_type();
      if (IsComplex(type) || BitWidth(type) < 8) return 1;
    }
    const int64_t along =
        std::gcd(space_.column_sizes.back(), operand.dimension(space_.column_dims.back()));
    int lanes = std::max(kAccessBytes / std::max(widest_, 2), 1);
    while (lanes > 1 && along % lanes != 0) lanes /= 2;
    return lanes;
  }

  ScatterUpdatesPlan Applying(int64_t shared_rows) const {
    ScatterUpdatesPlan plan;
    plan.shared_rows = shared_rows;
    plan.lanes = combiner_.is_atomic ? 1 : Lanes();
    const int64_t threads = int64_t{target_.multiprocessors} * target_.threads;
    if (ApplySteps(plan) >= threads * kAppliedTogether) plan.span = kAppliedTogether;
    return plan;
  }

  std::optional<ScatterUpdatesPlan> Sorting(bool staged) const {
    ScatterUpdatesPlan plan;
    plan.staged = staged;
    if (staged && !CanStage()) return std::nullopt;
    if (!IsSorted()) ChooseSort(plan);
    if (staged) {
      for (const Deal& deal : kStagedDeals) {
        plan.row_threads = 1;
        plan.span = deal.items;
        plan.walk_threads = deal.threads;
        plan.levels = LevelsOf(plan);
        if (Fits(plan).ok()) return plan;
      }
      return std::nullopt;
    }
    plan.lanes = Lanes();
    while (plan.row_threads * plan.lanes < space_.columns && plan.row_threads < kScatterThreads) {
      plan.row_threads *= 2;
    }
    const int64_t wanted = kWalkThreads * target_.multiprocessors;
    const int64_t tiles = ScatterColumnTiles(plan, space_.columns);
    plan.span = kSpan;
    while (plan.span > kLeastSpan &&
           CeilDiv(space_.updates, plan.span) * plan.row_threads * tiles < wanted) {
      plan.span /= 2;
    }
    plan.levels = LevelsOf(plan);
    return plan;
  }

  // Sums of tiles by so many bits, if they fit.
  std::optional<ScatterUpdatesPlan> Summing(int bits, const Deal& deal) const {
    if (!CanSum()) return std::nullopt;
    ScatterUpdatesPlan plan;
    plan.staged = true;
    plan.levels = 1;
    plan.tile_bits = bits;
    plan.walk_threads = deal.threads;
    plan.span = deal.items;
    if (KeyBits() > bits) ChooseSort(plan);
    if (KeyBits() > bits && plan.radix.passes != 1) return std::nullopt;
    const int64_t tiles_of_part = CeilDiv(ScatterSumTiles(plan, space_.updates), Parts(plan));
    while (plan.row_threads < kMostScatterWarps &&
           plan.row_threads * kTilesOfWarp < tiles_of_part) {
      plan.row_threads *= 2;
    }
    if (!SumsFit(plan).ok()) return std::nullopt;
    return plan;
  }

  // The passes that take the least time.
  void ChooseSort(ScatterUpdatesPlan& plan) const {
    const int key_bits = KeyBits() - plan.tile_bits;
    if (key_bits <= 0) return;
    double least = 0;
    for (const Deal& deal : kSortDeals) {
      int passes_before = 0;
      for (int bits = kMostDigitBits; bits >= std::min(kLeastDigitBits, key_bits); --bits) {
        ScatterUpdatesPlan drawn = plan;
        drawn.radix.threads = deal.threads;
        drawn.radix.items = deal.items;
        drawn.radix.passes = static_cast<int>(CeilDiv(key_bits, bits));
        drawn.radix.digit_bits = static_cast<int>(CeilDiv(key_bits, drawn.radix.passes));
        if (drawn.radix.passes == passes_before) continue;
        passes_before = drawn.radix.passes;
        drawn.radix.copies = RadixCopies(drawn.radix, target_);
        if (!RadixFits(drawn).ok()) continue;
        const double microseconds = SortMicroseconds(drawn);
        if (plan.radix.passes > 0 && microseconds >= least) continue;
        least = microseconds;
        plan.radix = drawn.radix;
      }
    }
  }

  // Places, and one more for updates outside where these have to lie apart.
  int KeyBits() const {
    const int64_t keys = space_.rows + (combiner_.regroups ? 0 : 1);
    return std::bit_width(static_cast<uint64_t>(keys - 1));
  }

  // The indices' numbers are in the order of the rows that they name.
  bool IsSorted() const {
    const ScatterAttributes& attributes = scatter_.attributes<ScatterAttributes>();
    const std::vector<int64_t>& named = attributes.scatter_dims_to_operand_dims;
    return attributes.indices_are_sorted && combiner_.regroups && WindowsAreRows() &&
           attributes.input_batching_dims.empty() && std::is_sorted(named.begin(), named.end());
  }
  bool WindowsAreRows() const {
    return std::all_of(space_.dims.scattered.begin(), space_.dims.scattered.end(),
                       [&](int64_t d) { return space_.dims.window[d] == 1; });
  }

  bool CanStage() const {
    const ElementType type = scatter_.operand(0)->shape().element_type();
    const bool is_plain = (IsInteger(type) && BitWidth(type) >= 8) ||
                          (IsFloat(type) && BitWidth(type) >= 16 && !IsComplex(type));
    return space_.columns == 1 && count() == 1 && combiner_.regroups && is_plain;
  }

  // There is an update that changes nothing, which stands for none.
  bool CanSum() const { return CanStage() && combiner_.ops[0] != Opcode::kParameter; }
  static int64_t Parts(const ScatterUpdatesPlan& plan) {
    return plan.radix.passes > 0 ? plan.radix.digits() : 1;
  }

  int LevelsOf(const ScatterUpdatesPlan& plan) const {
    if (!combiner_.regroups) return 1;
    int levels = 1;
    while (levels < kMostLevels && ScatterGroups(plan, space_.updates, levels - 1) > 1) ++levels;
    return levels;
  }

  // ----- what they need

  int64_t PayloadBytes(const ScatterUpdatesPlan& plan) const { return plan.staged ? widest_ : 4; }

  RadixWords WordsOf(const ScatterUpdatesPlan& plan) const {
    return RadixWords(plan.radix, 1, space_.updates);
  }
  absl::Status RadixFits(const ScatterUpdatesPlan& plan) const {
    const int widest = static_cast<int>(std::max<int64_t>(kKeyBytes, PayloadBytes(plan)));
    return RadixPassesFit(plan.radix, 1, space_.updates, widest, target_);
  }
  ScatterSums SumsOf(const ScatterUpdatesPlan& plan) const {
    const double indices = static_cast<double>(scatter_.operand(count())->shape().ByteSize());
    return {space_.updates, space_.rows, KeyBits(), widest_,
            plan.radix.passes > 0 ? kKeyBytes : indices / static_cast<double>(space_.updates)};
  }
  absl::Status SumsFit(const ScatterUpdatesPlan& plan) const {
    INGOT_REQUIRE(CanSum(), "tile_bits=", plan.tile_bits, "; its updates have no sums");
    INGOT_RETURN_IF_ERROR(ScatterSumsFit(plan, SumsOf(plan), target_));
    if (plan.radix.passes == 0) return absl::OkStatus();
    INGOT_RETURN_IF_ERROR(RadixFits(plan));
    INGOT_REQUIRE(!WordsOf(plan).IsAlone(), "one block has all updates");
    return absl::OkStatus();
  }

  absl::Status ApplyFits(const ScatterUpdatesPlan& plan) const {
    INGOT_REQUIRE(!combiner_.NeedsOrder(), "its updates need an order");
    ScatterUpdatesPlan alone;
    alone.lanes = plan.lanes;
    alone.shared_rows = plan.shared_rows;
    alone.span = plan.span;
    INGOT_REQUIRE(plan == alone, "what is applied in any order is not sorted, too");
    INGOT_REQUIRE(!combiner_.is_atomic || plan.lanes == 1, "lanes=", plan.lanes, " of atomics");
    INGOT_REQUIRE(plan.shared_rows == 0 || plan.shared_rows == space_.rows,
                  "shared_rows=", plan.shared_rows, "; there are ", space_.rows, " rows");
    INGOT_REQUIRE(plan.span >= 1 && plan.span <= kMostAppliedTogether, "span=", plan.span,
                  "; 1 to ", kMostAppliedTogether, " where updates are applied");
    if (plan.shared_rows == 0) return absl::OkStatus();
    INGOT_REQUIRE(combiner_.is_atomic && count() == 1 && space_.columns == 1 &&
                      plan.shared_rows <= kMostSharedRows &&
                      plan.shared_rows * widest_ <= target_.shared_bytes,
                  "shared_rows=", plan.shared_rows, "; shared memory has no copy of the result");
    return absl::OkStatus();
  }

  absl::Status SortFits(const ScatterUpdatesPlan& plan) const {
    INGOT_REQUIRE(!plan.staged || CanStage(), "staged=true; its updates are no single elements");
    INGOT_REQUIRE(plan.shared_rows == 0, "shared_rows=", plan.shared_rows, " beside levels");
    const int passes = plan.radix.passes;
    if (passes == 0) {
      INGOT_REQUIRE(plan.radix == RadixPasses{} && (IsSorted() || KeyBits() == 0),
                    "passes=0; its updates are in no order");
    } else {
      const int bits = plan.radix.digit_bits;
      INGOT_REQUIRE(passes >= 1 && passes <= 32 && bits >= 1 && bits <= kMostDigitBits &&
                        passes * bits >= KeyBits() && (passes - 1) * bits < KeyBits(),
                    "passes=", passes, " of ", bits, " bits; rows have ", KeyBits());
      INGOT_RETURN_IF_ERROR(RadixFits(plan));
    }
    INGOT_REQUIRE(plan.span >= (combiner_.regroups ? 3 : 1) && plan.span <= kMostSpan,
                  "span=", plan.span);
    INGOT_REQUIRE(plan.walk_threads % plan.row_threads == 0 &&
                      plan.walk_threads <= kMostBlockThreads && plan.walk_threads % kWarp == 0,
                  "walk_threads=", plan.walk_threads, "; whole warps, and those of a row");
    if (plan.staged) {
      INGOT_REQUIRE(plan.lanes == 1 && plan.row_threads == 1, "staged elements are single");
      INGOT_REQUIRE(ScatterStagedBytes(plan, widest_) <= target_.shared_bytes, "combining needs ",
                    ScatterStagedBytes(plan, widest_), " bytes of shared memory");
    }
    INGOT_REQUIRE(plan.levels == LevelsOf(plan), "levels=", plan.levels, "; there are ",
                  LevelsOf(plan));
    return absl::OkStatus();
  }

  // ----- kernels

  KernelPlan Kernel(ScatterUpdatesPlan work, ScatterStage stage, int number, size_t scratch) const {
    KernelPlan kernel;
    kernel.skeleton = Skeleton::kScatterUpdates;
    work.stage = stage;
    kernel.block_threads = kScatterThreads;
    switch (stage) {
      case ScatterStage::kCopy:
        kernel.blocks = CeilDiv(scatter_.operand(0)->shape().ElementCount(),
                                int64_t{kScatterThreads} * ScatterCopyLanes(scatter_));
        break;
      case ScatterStage::kApply:
        kernel.blocks = ApplyBlocks(work);
        break;
      case ScatterStage::kClear:
        kernel.block_threads = kClearThreads;
        kernel.blocks = ClearBlocks(WordsOf(work));
        break;
      case ScatterStage::kCount:
        kernel.block_threads = work.radix.threads;
        kernel.blocks = CountBlocks(work.radix, 1, space_.updates, target_);
        break;
      case ScatterStage::kPartition:
        kernel.block_threads = work.radix.threads;
        kernel.blocks = WordsOf(work).tiles();
        work.radix.pass = number;
        break;
      case ScatterStage::kSums:
        kernel.blocks = ScatterSumTiles(work, space_.updates);
        kernel.block_threads = work.walk_threads;
        break;
      case ScatterStage::kRows:
        kernel.blocks = CeilDiv(space_.rows, int64_t{kWarp});
        kernel.block_threads = kWarp * work.row_threads;
        break;
      case ScatterStage::kCombine:
        kernel.blocks = CombineBlocks(work, number);
        kernel.block_threads = work.walk_threads;
        work.level = number;
        break;
    }
    kernel.work = work;
    kernel.index_type = IndexTypeOf(fusion_);
    kernel.buffers = AllBuffers(fusion_, scratch);
    return kernel;
  }

  int64_t ApplyBlocks(const ScatterUpdatesPlan& work) const {
    if (work.shared_rows == 0) return CeilDiv(ApplySteps(work), kScatterThreads * work.span);
    // As many as are resident, for each adds its copy to the result.
    const int64_t bytes = work.shared_rows * widest_ + target_.card->reserved_shared_bytes;
    const int64_t resident = std::clamp<int64_t>(target_.card->shared_bytes / bytes, 1,
                                                 target_.threads / kScatterThreads);
    return std::min<int64_t>(CeilDiv(space_.updates, int64_t{kScatterThreads}),
                             std::max<int64_t>(resident, 1) * target_.multiprocessors);
  }

  int64_t ApplySteps(const ScatterUpdatesPlan& work) const {
    return SaturatingMultiply(space_.updates, CeilDiv(space_.columns, int64_t{work.lanes}));
  }

  int64_t CombineBlocks(const ScatterUpdatesPlan& work, int level) const {
    const int64_t groups = ScatterGroups(work, space_.updates, level);
    if (work.staged) return groups;
    return CeilDiv(groups, int64_t{work.walk_threads / work.row_threads}) *
           ScatterColumnTiles(work, space_.columns);
  }

  // ----- what they take

  double Microseconds(const ScatterUpdatesPlan& plan) const {
    const double updates = static_cast<double>(space_.updates);
    const double result = static_cast<double>(scatter_.shape().ByteSize());
    double bytes = 0, launches = 0, more = 0;
    if (!UpdatesOperands()) {
      bytes += result;
      ++launches;
    }
    const double touched = std::min(updates, static_cast<double>(space_.rows)) *
                           static_cast<double>(std::max<int64_t>(row_bytes_, kSectorBytes));
    if (plan.levels == 0) {
      ++launches;
      const double inputs = static_cast<double>(bytes_) - result;
      return (bytes + inputs + 2 * touched) / kBytesPerMicrosecond + ApplyMicroseconds(plan) +
             launches * kLaunchMicroseconds;
    }
    const double payload = static_cast<double>(PayloadBytes(plan));
    more += SortMicroseconds(plan);
    if (plan.tile_bits > 0)
      return bytes / kBytesPerMicrosecond + more +
             ScatterSumsMicroseconds(plan, SumsOf(plan), target_);
    const double row = static_cast<double>(std::max<int64_t>(row_bytes_, kSectorBytes));
    bytes += updates * (plan.staged ? kKeyBytes + payload : 2 * kKeyBytes + row) + 2 * touched;
    launches += plan.levels;
    return bytes / kBytesPerMicrosecond + more + launches * kLaunchMicroseconds;
  }

  double SortMicroseconds(const ScatterUpdatesPlan& plan) const {
    if (plan.radix.passes == 0) return 0;
    constexpr double kRowInstructions = 8;  // to make a row's number of indices
    const double updates = static_cast<double>(space_.updates);
    const double indices =
        static_cast<double>(scatter_.operand(count())->shape().ByteSize()) / updates;
    const double payload = static_cast<double>(PayloadBytes(plan));
    const RadixWords words = WordsOf(plan);
    double sum = words.IsAlone() ? 0
                                 : RadixCountMicroseconds(plan.radix, updates, indices,
                                                          kRowInstructions, words, target_);
    for (int pass = 0; pass < plan.radix.passes; ++pass) {
      RadixEntry entry;
      entry.fields = 2;
      entry.read_bytes = pass > 0 ? kKeyBytes + payload : indices + (plan.staged ? payload : 0);
      entry.written_bytes = kKeyBytes + payload;
      entry.key_instructions = pass > 0 ? 1 : kRowInstructions;
      sum += RadixPassMicroseconds(plan.radix, updates, entry, target_);
    }
    return sum;
  }

  // Atomics of L2, and of shared memory.
  double ApplyMicroseconds(const ScatterUpdatesPlan& plan) const {
    if (!combiner_.is_atomic) return 0;
    constexpr double kGlobalPerMicrosecond = 1.6e5;
    constexpr double kSharedOfMultiprocessor = 8e3;
    const double updates =
        static_cast<double>(space_.updates) * static_cast<double>(space_.columns);
    if (plan.shared_rows == 0) return updates / kGlobalPerMicrosecond;
    const double copies =
        static_cast<double>(ApplyBlocks(plan)) * static_cast<double>(plan.shared_rows);
    return updates / (kSharedOfMultiprocessor * target_.multiprocessors) +
           copies / kGlobalPerMicrosecond;
  }

  const Computation& fusion_;
  const Instruction& scatter_;
  const Target& target_;
  const int64_t bytes_;
  ScatterSpace space_;
  ScatterCombiner combiner_;
  int64_t row_bytes_ = 0;  // of all operands
  int widest_ = 1;         // bytes of an element
};

}  // namespace

int64_t ScatterEntries(const ScatterUpdatesPlan& plan, int64_t updates, int level) {
  return level == 0 ? updates : 2 * ScatterGroups(plan, updates, level - 1);
}

int64_t ScatterGroups(const ScatterUpdatesPlan& plan, int64_t updates, int level) {
  const int64_t entries = plan.span * (plan.staged ? plan.walk_threads : 1);
  return CeilDiv(ScatterEntries(plan, updates, level), entries);
}

int64_t ScatterColumnTiles(const ScatterUpdatesPlan& plan, int64_t columns) {
  return CeilDiv(columns, int64_t{plan.row_threads} * plan.lanes);
}

int ScatterCopyLanes(const Instruction& scatter) {
  int lanes = kAccessBytes;
  for (int64_t i = 0; i < scatter.operand_count() / 2; ++i) {
    const Shape& shape = scatter.operand(i)->shape();
    if (IsComplex(shape.element_type()) || BitWidth(shape.element_type()) < 8) return 1;
    lanes = std::min(lanes, kAccessBytes / std::max(ByteWidth(shape.element_type()), 2));
    while (lanes > 1 && shape.ElementCount() % lanes != 0) lanes /= 2;
  }
  return lanes;
}

void ProposeScatterUpdates(Skeleton, const Computation& fusion, const FusionInfo&,
                           const Target& target, Numerics, std::vector<FusionPlan>& candidates) {
  const Planner planner(fusion, target);
  if (!planner.Can().ok()) return;
  for (const ScatterUpdatesPlan& work : planner.All()) {
    FusionPlan plan = planner.Make(work);
    if (plan.cost < planner.UniversalMicroseconds()) candidates.push_back(std::move(plan));
  }
}

std::vector<ScatterUpdatesPlan> ScatterUpdatesWorks(const Computation& fusion,
                                                    const Target& target) {
  const Planner planner(fusion, target);
  if (!planner.Can().ok()) return {};
  return planner.All();
}

FusionPlan MakeScatterUpdates(const ScatterUpdatesPlan& work, const Computation& fusion,
                              const Target& target) {
  return Planner(fusion, target).Make(work);
}

absl::Status ScatterUpdatesFit(const FusionPlan& plan, const Computation& fusion,
                               const Target& target) {
  const Planner planner(fusion, target);
  INGOT_RETURN_IF_ERROR(planner.Can());
  ScatterUpdatesPlan work = plan.kernels[0].scatter_updates();
  work.stage = ScatterStage::kCopy;
  work.radix.pass = work.level = 0;
  INGOT_RETURN_IF_ERROR(planner.Fits(work));
  const FusionPlan expected = planner.Make(work);
  INGOT_REQUIRE(plan.updates == expected.updates, "its updates are not those of this fusion");
  return KernelsAgree(plan, expected);
}

}  // namespace ingot::plan
