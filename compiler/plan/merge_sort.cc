#include "compiler/plan/merge_sort.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "absl/strings/str_join.h"
#include "compiler/plan/analysis.h"
#include "compiler/plan/cost.h"
#include "compiler/plan/kernels.h"
#include "compiler/plan/tile.h"
#include "compiler/plan/tile_deal.h"
#include "compiler/plan/top_k.h"
#include "ir/analysis/op_facts.h"
#include "ir/analysis/sort_order.h"
#include "ir/base/integers.h"
#include "ir/base/status.h"

namespace ingot::plan {
namespace {

// Odd numbers of items: the threads of a warp then meet each bank once.  Keys alone are merged by
// networks of a power of two.
constexpr int kItems[] = {3, 5, 7, 9, 11, 13, 15, 17};
constexpr int kItemsOfKeys[] = {4, 8, 16, 32};
// Where comparators are code, each comparison of a thread's own items is there once.
constexpr int64_t kMostOperations = 6000;
constexpr int kThreadsOfShortRows = 256;
constexpr int kMostRows = 32;
constexpr int kMostSortThreads = 1024;
// Of blocks that have tiles of rows.
constexpr int kTileThreads[] = {1024, 512, 256, 128, 64, 32};
constexpr int kMostPasses = 32;
constexpr size_t kMostCandidates = 12;

int64_t Comparisons(int items) { return int64_t{items} * (items - 1) / 2 + items + 1; }

// Registers that a thread has at least.
int RegistersOf(int items, int64_t words) { return static_cast<int>(30 + (items + 4) * words); }

// Of places in rows of `size` elements, and of the pads behind them.
ElementType PlaceTypeOf(const MergeSortPlan& plan, int64_t size) {
  constexpr int64_t kMostNarrow = 1 << 16;
  return size + plan.tile() <= kMostNarrow ? ElementType::kU16 : ElementType::kU32;
}

class Planner {
 public:
  Planner(const Computation& fusion, const Target& target)
      : target_(target),
        fusion_(fusion),
        sort_(*fusion.root()),
        dimension_(sort_.attributes<SortAttributes>().dimensions[0]),
        size_(sort_.operand(0)->shape().dimension(dimension_)),
        bytes_(BytesOf(fusion)) {
    const Shape& shape = sort_.operand(0)->shape();
    for (int64_t d = 0; d < shape.rank(); ++d) {
      if (d != dimension_) rows_ = SaturatingMultiply(rows_, shape.dimension(d));
      if (d > dimension_) inner_ = SaturatingMultiply(inner_, shape.dimension(d));
    }
    const std::optional<std::vector<SortKey>> keys = FindSortKeys(sort_);
    base_.by_key = keys.has_value();
    is_key_alone_ = base_.by_key && sort_.operand_count() == 1 && keys->size() == 1;
    has_ties_ = is_key_alone_ && !(*keys)[0].IsInjective(sort_.operand(0)->shape().element_type());
    if (base_.by_key || CanCompare()) {
      for (const SortField& field : FieldsOf(base_, sort_)) {
        if (field.kind != SortField::Kind::kPlace) compared_bytes_.push_back(ByteWidth(field.type));
      }
    }
    operations_ = base_.by_key ? static_cast<int64_t>(keys->size()) : CodeSize(sort_);
  }

  void Propose(std::vector<FusionPlan>& plans) const {
    if (!CanSort()) return;
    std::vector<std::pair<double, MergeSortPlan>> found;
    for (const bool places : {true, false}) {
      for (int items : ItemsOf(places)) {
        MergeSortPlan plan = base_;
        plan.places = places;
        plan.items = items;
        plan.row_threads = RowThreads(items);
        for (plan.rows = 1; plan.rows <= kMostRows; plan.rows *= 2) {
          if (PlanFits(plan).ok() && IsReasonable(plan)) {
            found.emplace_back(Microseconds(plan), plan);
          }
        }
        plan.rows = 1;
        for (int threads : kTileThreads) {
          plan.row_threads = threads;
          plan.passes = PassesOf(plan);
          if (plan.passes > 1 && PlanFits(plan).ok()) found.emplace_back(Microseconds(plan), plan);
        }
      }
    }
    KeepCheapest(kMostCandidates, found);
    for (const auto& [cost, plan] : found) plans.push_back(Make(plan));
  }

  FusionPlan Make(const MergeSortPlan& plan) const {
    FusionPlan made;
    const std::vector<SortField> fields = FieldsOf(plan, sort_);
    for (int set = 0; set < std::min(plan.passes - 1, 2); ++set) {
      for (const SortField& field : fields) {
        made.scratch.push_back({Shape::ArrayWithDefaultLayout(field.type, {rows_, size_})});
      }
    }
    for (int pass = 0; pass < plan.passes; ++pass) {
      made.kernels.push_back(Kernel(plan, pass, made.scratch.size()));
    }
    made.cost = Microseconds(plan);
    return made;
  }

  absl::Status PlanFits(const MergeSortPlan& plan) const {
    INGOT_REQUIRE(CanSort(), "merge_sort cannot sort these operands");
    INGOT_REQUIRE(plan.places || is_key_alone_, "places=false; there is more than one key");
    const absl::Span<const int> items = ItemsOf(plan.places);
    INGOT_REQUIRE(std::find(items.begin(), items.end(), plan.items) != items.end(),
                  "items=", plan.items, "; one of ", absl::StrJoin(items, ", "));
    INGOT_REQUIRE(plan.places || !has_ties_ ||
                      (plan.passes == 1 && plan.threads() == RowThreads(plan.items) &&
                       plan.threads() % kWarp == 0),
                  "places=false; elements that tie have other bits, which only a block that sorts "
                  "one row restores");
    INGOT_REQUIRE(plan.rows >= 1 && plan.row_threads >= 1 &&
                      int64_t{plan.rows} * plan.row_threads <= kMostSortThreads &&
                      plan.threads() % kWarp == 0,
                  "rows=", plan.rows, " of ", plan.row_threads,
                  " threads; together they are whole warps, at most ", kMostSortThreads,
                  " threads");
    INGOT_REQUIRE(plan.passes >= 1 && plan.passes <= kMostPasses && plan.passes == PassesOf(plan),
                  "passes=", plan.passes, "; rows of ", size_, " elements in tiles of ",
                  plan.tile(), " take ", PassesOf(plan));
    INGOT_REQUIRE(plan.passes == 1 || plan.rows == 1, "rows=", plan.rows, " of several tiles");
    INGOT_REQUIRE(Comparisons(plan.items) * operations_ <= kMostOperations, "items=", plan.items,
                  "; its comparisons are too much code");
    INGOT_REQUIRE(RegistersOf(plan.items, Words(plan)) * plan.threads() <= target_.card->registers,
                  "items=", plan.items, " of ", plan.threads(),
                  " threads; they have not the registers");
    INGOT_REQUIRE(SharedBytes(plan) <= target_.shared_bytes, "items=", plan.items,
                  " rows=", plan.rows, "; a block would have ", SharedBytes(plan),
                  " bytes of shared memory");
    return absl::OkStatus();
  }

  const MergeSortPlan& base() const { return base_; }

 private:
  static absl::Span<const int> ItemsOf(bool places) {
    return places ? absl::Span<const int>(kItems) : absl::Span<const int>(kItemsOfKeys);
  }
  int64_t TilesOf(const MergeSortPlan& plan) const { return CeilDiv(size_, plan.tile()); }
  int PassesOf(const MergeSortPlan& plan) const {
    int passes = 1;
    for (int64_t tiles = TilesOf(plan); tiles > 1; tiles = CeilDiv(tiles, int64_t{2})) ++passes;
    return passes;
  }

  KernelPlan Kernel(MergeSortPlan plan, int pass, size_t scratch) const {
    KernelPlan kernel;
    kernel.skeleton = Skeleton::kMergeSort;
    plan.pass = pass;
    kernel.work = plan;
    kernel.block_threads = plan.threads();
    kernel.blocks = CeilDiv(rows_, plan.rows) * TilesOf(plan);
    if (pass + 1 == plan.passes) kernel.bytes = bytes_;
    if (pass == 0) kernel.flops = FlopsOf(fusion_);
    kernel.index_type = IndexTypeOf(fusion_);
    kernel.buffers = AllBuffers(fusion_, scratch);
    return kernel;
  }

  bool CanSort() const {
    return size_ >= 2 && rows_ >= 1 && size_ <= kMostNarrowOffset && (base_.by_key || CanCompare());
  }
  // What stands in registers are arithmetic types.
  bool CanCompare() const {
    const std::vector<int64_t> compared = ComparedOperands(sort_);
    return std::all_of(compared.begin(), compared.end(), [&](int64_t k) {
      const ElementType type = sort_.operand(k)->shape().element_type();
      return type == ElementType::kPred || ((IsInteger(type) || IsFloat(type)) &&
                                            BitWidth(type) >= 8 && ComputeTypeIsWhole(type));
    });
  }
  // Narrower floats are there to be stored only.
  static bool ComputeTypeIsWhole(ElementType type) { return !IsFloat(type) || BitWidth(type) > 8; }

  // Of a row: a divisor of a warp, or whole warps.
  int RowThreads(int items) const {
    const int64_t wanted = CeilDiv(size_, items);
    if (wanted > kWarp) return static_cast<int>(std::min<int64_t>(RoundUp(wanted, kWarp), 1 << 20));
    int threads = 1;
    while (threads < wanted) threads *= 2;
    return threads;
  }

  // Rows together fill a block, and no more.
  bool IsReasonable(const MergeSortPlan& plan) const {
    if (plan.rows == 1) return true;
    if (plan.rows / 2 >= rows_) return false;
    return inner_ > 1 || plan.threads() <= kThreadsOfShortRows;
  }

  // Bytes of the fields, in order.
  std::vector<int64_t> BytesOfFields(const MergeSortPlan& plan) const {
    std::vector<int64_t> bytes = compared_bytes_;
    if (plan.places) bytes.push_back(ByteWidth(PlaceTypeOf(plan, size_)));
    return bytes;
  }

  int64_t SharedBytes(const MergeSortPlan& plan) const {
    int64_t bytes = 0;
    for (int64_t width : BytesOfFields(plan)) {
      bytes += RoundUp(plan.rows * PitchOf(plan.tile(), !plan.places) * width, 8);
    }
    constexpr int64_t kEnds = 8;
    if (plan.passes > 1) bytes += kEnds;
    if (!plan.places) bytes += 4 * (plan.threads() + 1);
    if (has_ties_ && !plan.places) bytes += 4 + 2 * 4 * (plan.threads() / kWarp);
    return bytes;
  }

  // Words of what a comparison reads; of a record.
  int64_t ComparedWords() const {
    int64_t words = 0;
    for (int64_t bytes : compared_bytes_) words += CeilDiv(bytes, int64_t{4});
    return words;
  }
  int64_t Words(const MergeSortPlan& plan) const { return ComparedWords() + (plan.places ? 1 : 0); }

  double Microseconds(const MergeSortPlan& plan) const {
    // Instructions of an element: to load, exchange and store it; of a step of a merge and of a
    // search beside comparisons.
    constexpr double kMoves = 30, kStep = 10, kKeyStep = 6, kSearch = 8;
    constexpr double kIssued = 2;         // of a multiprocessor in a cycle: most are integers'
    constexpr double kWarpsThatHide = 8;  // as much time again is lost where so many warps are
    const Card& card = *target_.card;
    const double compare = static_cast<double>(operations_ + ComparedWords());
    const double words = static_cast<double>(Words(plan));
    const double levels = std::log2(static_cast<double>(plan.items));
    const double exchanges =
        plan.places ? plan.items / 2.0 * (compare + 2 * words) : levels * (levels + 1) / 2 * words;
    const double step = plan.places ? kStep + compare + 2 * words : kKeyStep + levels * words;
    double instructions = kMoves + exchanges;
    const auto merge = [&](int64_t run) {
      const double search = (std::log2(static_cast<double>(run)) + 1) * (kSearch + 2 * compare);
      return step + search / plan.items;
    };
    for (int64_t run = plan.items; run < plan.tile(); run *= 2) instructions += merge(run);
    instructions += (plan.passes - 1) * (kMoves + merge(plan.tile()));
    const int64_t registers =
        std::min<int64_t>(card.thread_registers, RegistersOf(plan.items, Words(plan)));
    const int64_t resident = std::max<int64_t>(
        1, std::min({card.shared_bytes / (SharedBytes(plan) + card.reserved_shared_bytes),
                     card.registers / (registers * plan.threads()),
                     int64_t{target_.threads / plan.threads()}, int64_t{card.blocks}}));
    const double blocks = std::ceil(static_cast<double>(CeilDiv(rows_, plan.rows) * TilesOf(plan)) /
                                    target_.multiprocessors);
    const double warps = static_cast<double>(plan.threads()) / kWarp;
    const double resident_warps = std::min(blocks, static_cast<double>(resident)) * warps;
    const double cycles = blocks * warps * plan.items * instructions / kIssued *
                          (1 + kWarpsThatHide / resident_warps);
    // Sectors of memory that are only used in part.
    double bytes = static_cast<double>(bytes_);
    if (inner_ > 1) {
      const double run = std::min<double>(plan.rows, static_cast<double>(inner_)) *
                         ByteWidth(sort_.operand(0)->shape().element_type());
      bytes *= std::max(1.0, kSectorBytes / run);
    }
    const double elements = static_cast<double>(rows_) * static_cast<double>(size_);
    bytes += 2 * (plan.passes - 1) * 4 * words * elements;
    return std::max(bytes / kBytesPerMicrosecond, cycles / (card.clock_ghz * 1e3)) +
           kLaunchMicroseconds * plan.passes;
  }

  const Target& target_;
  const Computation& fusion_;
  const Instruction& sort_;
  const int64_t dimension_;
  const int64_t size_;  // of a row
  int64_t rows_ = 1;    // that are sorted
  int64_t inner_ = 1;   // elements from one of a row to the next
  const int64_t bytes_;
  int64_t operations_ = 1;               // of a comparison
  std::vector<int64_t> compared_bytes_;  // of the fields but places
  bool is_key_alone_ = false;            // nothing but one key of one operand
  bool has_ties_ = false;                // among elements of several bits
  MergeSortPlan base_;
};

bool IsSort(const Computation& fusion, const Target& target) {
  return target.platform == Platform::kCuda && fusion.root()->opcode() == Opcode::kSort;
}

}  // namespace

int64_t PitchOf(int64_t tile, bool keys_alone) {
  return tile + (keys_alone ? tile / kElementsOfPad : 0) + 1;
}

std::vector<SortField> FieldsOf(const MergeSortPlan& plan, const Instruction& sort) {
  std::vector<SortField> fields;
  const auto type_of = [&](int64_t operand) {
    return sort.operand(operand)->shape().element_type();
  };
  if (plan.by_key) {
    int64_t number = 0;
    const std::vector<SortKey> keys = *FindSortKeys(sort);
    for (const SortKey& key : keys) {
      fields.push_back({SortField::Kind::kKey, number++, KeyTypeOf(type_of(key.operand))});
    }
  } else {
    for (int64_t operand : ComparedOperands(sort)) {
      fields.push_back({SortField::Kind::kElement, operand, type_of(operand)});
    }
  }
  if (plan.places) {
    const int64_t size =
        sort.operand(0)->shape().dimension(sort.attributes<SortAttributes>().dimensions[0]);
    fields.push_back({SortField::Kind::kPlace, 0, PlaceTypeOf(plan, size)});
  }
  return fields;
}

void ProposeMergeSort(Skeleton, const Computation& fusion, const FusionInfo&, const Target& target,
                      Numerics, std::vector<FusionPlan>& candidates) {
  if (IsSort(fusion, target)) Planner(fusion, target).Propose(candidates);
  if (fusion.root()->opcode() == Opcode::kTopK) ProposeTopK(fusion, target, candidates);
}

absl::Status MergeSortFits(const FusionPlan& plan, const Computation& fusion,
                           const Target& target) {
  if (fusion.root()->opcode() == Opcode::kTopK) return TopKFits(plan, fusion, target);
  INGOT_REQUIRE(IsSort(fusion, target), "the merge_sort skeleton cannot compute this fusion");
  const Planner planner(fusion, target);
  const MergeSortPlan& own = plan.kernels[0].merge_sort();
  MergeSortPlan wanted = planner.base();
  wanted.places = own.places;
  wanted.items = own.items;
  wanted.rows = own.rows;
  wanted.row_threads = own.row_threads;
  wanted.passes = own.passes;
  INGOT_RETURN_IF_ERROR(planner.PlanFits(wanted));
  return KernelsAgree(plan, planner.Make(wanted));
}

}  // namespace ingot::plan
