#include "compiler/plan/tile_across.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <utility>

#include "compiler/plan/analysis.h"
#include "compiler/plan/tile_parts.h"
#include "compiler/plan/tile_turns.h"
#include "compiler/plan/tile_vectors.h"
#include "ir/base/status.h"

namespace ingot::plan {
namespace {

// An element of a row that a thread has takes so many of TileKnobs::held_registers: what is
// accumulated of it, and what is computed with it.
constexpr int64_t kRegistersOfElement = 4;
// Elements of a row that a thread has, at least, where a warp does not hold it.
constexpr int64_t kLeastElements = 8;
// Threads that a multiprocessor has, at least: rows whose elements take more registers are walked
// alone.
constexpr int64_t kLeastResidentThreads = 512;
// Registers of a thread of aligned rows, for where planes and ends are.
constexpr int64_t kAlignedRegisters = 24;
// What threads do once a row, exchanging sums, is as much as they do for so many elements, and
// takes time where elements are narrow: threads of such rows have more of them, and are fewer.
constexpr double kMoreElements = 1.5;
constexpr int64_t kFewResidentThreads = 384;
// Registers of a thread besides accumulators, where rows rest.
constexpr int64_t kRegistersOfResting = 64;
// Elements of a vector then: few are computed at once.
constexpr int kVectorOfResting = 2;
// Threads of a block, where rows do not need more.
constexpr int64_t kLeastThreads = 128;
constexpr int64_t kMostBlocks = 8;  // of a multiprocessor
// What parts, written and read again, may be of the fusion's bytes for the sake of another block.
constexpr double kMostParts = 0.045;
// Trips of a block, at least: its parts are as large as a row or two.
constexpr int64_t kLeastTrips = 2;
// Bytes of copies that a multiprocessor should have under way, where some have a block less than
// others; and trips that they are ahead, at the most.
constexpr int64_t kBytesAhead = 72 << 10;
constexpr int64_t kMostTripsAhead = 4;

// Rows that lie so many apart begin at the same place of their sectors.
int64_t RowsAlike(const FusionInfo& info, int inner) {
  const int64_t alignment = RowAlignment(info, inner);
  return alignment / std::gcd(alignment, info.space().classes()[inner].size);
}

class AcrossDealer {
 public:
  AcrossDealer(const FusionInfo& info, const PassLevels& levels, const Target& target,
               const std::vector<int>& order, const TileKnobs& knobs)
      : info_(info), levels_(levels), target_(target), order_(order), knobs_(knobs) {}

  std::optional<TileDeal> Run() {
    if (!levels_.ended[order_[0]] || !HasWideOperand()) return std::nullopt;
    rows_ = *std::max_element(levels_.shared.begin(), levels_.shared.end(),
                              [&](int a, int b) { return SizeOf(a) < SizeOf(b); });
    for (int v = 0; v < graph().input_count(); ++v) {
      if (IsWalked(v)) inputs_.push_back(v);
    }
    if (CanBeAligned()) {
      deal_.aligned = true;
      deal_.spread = rows_;
      if (Deal(/*stages=*/true)) return std::move(deal_);
      deal_ = TileDeal();
    }
    if (!Deal(/*stages=*/false)) {
      // Registers hold the accumulators of longer rows, where shared memory holds the rows.
      deal_ = TileDeal();
      deal_.rests = true;
      return Deal(/*stages=*/true) ? std::optional<TileDeal>(std::move(deal_)) : std::nullopt;
    }
    const int64_t resident = resident_ * Threads();
    if (resident >= kFewResidentThreads || deal_.kept.empty()) return std::move(deal_);
    // More threads, if they need no registers for the scale.
    TileDeal kept = std::exchange(deal_, TileDeal());
    const bool has_more = Deal(/*stages=*/true) && resident_ * Threads() > resident;
    return has_more ? std::move(deal_) : std::move(kept);
  }

 private:
  // `stages`: what every row reads whole is in shared memory, not in registers.
  bool Deal(bool stages) {
    std::vector<int>& kept = stages ? deal_.staged : deal_.kept;
    std::copy_if(inputs_.begin(), inputs_.end(), std::back_inserter(kept),
                 [&](int v) { return IsKept(v); });
    return DealRow() && DealBlocks() && CopyAhead();
  }

  // Long rows that begin anywhere have longer vectors behind their first elements.
  bool CanBeAligned() const {
    const int vector = AlignedVector(info_, order_[0]);
    return knobs_.stages_aligned && order_.size() == 2 && vector > MostVector(info_, order_[0]) &&
           SizeOf(order_[0]) % RowAlignment(info_, order_[0]) != 0 &&
           SizeOf(order_[0]) >= kVectorsOfAlignedRow * vector;
  }

  // The longest vector with which a thread holds fewest elements.
  int VectorFor(int64_t threads) const {
    const int most = MostVector(info_, order_[0]);
    if (deal_.rests) return std::min({knobs_.most_vector, most, kVectorOfResting});
    if (!deal_.aligned) return std::min(knobs_.most_vector, most);
    const auto held = [&](int64_t vector) {
      return CeilDiv(CeilDiv(SizeOf(order_[0]), vector), threads) * vector;
    };
    // Parts are stored by accesses of a vector, too.
    int best = std::min({knobs_.most_vector, AlignedVector(info_, order_[0]), kPartsVector});
    for (int vector = best / 2; vector > most; vector /= 2) {
      if (held(vector) < held(best)) best = vector;
    }
    return best;
  }

  const FusionGraph& graph() const { return info_.graph(); }
  int64_t SizeOf(int c) const { return info_.space().classes()[c].size; }
  absl::Span<const int> ClassesOf(int v) const { return info_.space().ClassesOf(v); }
  bool HasInner(int v) const { return Contains(ClassesOf(v), order_[0]); }

  bool HasWideOperand() const {
    return std::any_of(info_.reductions().begin(), info_.reductions().end(), [&](const auto& r) {
      return levels_.IsAcross(r.value) && HasInner(graph().EdgesOf(r.value)[0].operand);
    });
  }

  // Whether the walk asks for an input at its places; what only late values ask for it does not.
  bool IsWalked(int input) const {
    if (!info_.uses().Of(input).in_space()) return false;
    return std::any_of(graph().edges().begin(), graph().edges().end(), [&](const FusionEdge& edge) {
      return edge.operand == input &&
             (levels_.of[edge.consumer] < levels_.across || IsReduction(info_, edge.consumer));
    });
  }

  // What every row reads whole.
  bool IsKept(int v) const {
    const absl::Span<const int> own = ClassesOf(v);
    return !own.empty() && !IsComplex(graph().value(v).shape().element_type()) &&
           std::all_of(own.begin(), own.end(), [&](int c) { return levels_.ended[c]; });
  }

  int64_t UnitsLeft(int c) const { return plan::UnitsLeft(deal_.classes[c]); }

  // Words of registers for each element of a row that a thread has: accumulators, and inputs that
  // do not rest.
  int64_t WordsOfElement() const {
    int64_t words = AccumulatorBytes() / kRegisterBytes;
    if (deal_.rests) return words;
    for (int v : inputs_) {
      if (!HasInner(v) || Contains(deal_.staged, v)) continue;
      words += CeilDiv(ingot::BytesOf(graph().value(v).shape(), 1), kRegisterBytes);
    }
    return words;
  }

  // Of accumulators of one element of a row.
  int64_t AccumulatorBytes() const {
    int64_t bytes = 0;
    for (const Reduction& reduction : info_.reductions()) {
      if (!levels_.IsAcross(reduction.value) || !HasInner(reduction.value)) continue;
      for (const Shape& leaf : Leaves(graph().value(reduction.value).shape())) {
        bytes += std::max<int64_t>(kRegisterBytes, ByteWidth(leaf.element_type()));
      }
    }
    return bytes;
  }

  // Whether all that is read of rows is narrower than a register.
  bool HasNarrowRows() const {
    return std::all_of(inputs_.begin(), inputs_.end(), [&](int v) {
      return !HasInner(v) || IsKept(v) ||
             BitWidth(graph().value(v).shape().element_type()) < 8 * kRegisterBytes;
    });
  }

  int64_t MostHeld() const {
    const double more = HasNarrowRows() ? kMoreElements : 1;
    return static_cast<int64_t>(more * static_cast<double>(knobs_.held_registers)) /
           kRegistersOfElement;
  }

  int64_t ElementsHeld() const {
    int64_t elements = 1;
    for (const TileClass& own : deal_.classes) elements *= int64_t{own.vector} * own.registers;
    return elements;
  }

  // The fewest threads of a row that hold it, and leave room for as many as a multiprocessor needs.
  bool DealRow() {
    for (int64_t threads = kWarp; threads <= kMostBlockThreads; threads *= 2) {
      DealThreads(threads);
      const int64_t held = ElementsHeld();
      if (deal_.aligned && threads < MostEnds(info_, order_[0], deal_.classes[order_[0]].vector)) {
        continue;
      }
      if (!deal_.rests && held > MostHeld()) continue;
      if (held < kLeastElements && threads > kWarp) return false;
      const int64_t other = deal_.rests ? kRegistersOfResting : kOtherRegisters;
      const int64_t registers =
          held * WordsOfElement() + other + (deal_.aligned ? kAlignedRegisters : 0);
      const int64_t least = HasNarrowRows() ? kFewResidentThreads : kLeastResidentThreads;
      resident_threads_ = std::min<int64_t>(target_.threads, target_.card->registers / registers);
      if (resident_threads_ >= std::max(threads, least)) return true;
    }
    return false;
  }

  void DealThreads(int64_t threads) {
    deal_.classes.clear();
    for (const IterationClass& c : info_.space().classes()) {
      deal_.classes.emplace_back();
      deal_.classes.back().size = c.size;
    }
    deal_.classes[order_[0]].vector = VectorFor(threads);
    int64_t lanes = kWarp, warps = threads / kWarp;
    for (int c : order_) {
      if (!levels_.ended[c]) continue;
      TileClass& own = deal_.classes[c];
      own.lanes = static_cast<int>(std::min(lanes, PowerOfTwoCeil(UnitsLeft(c))));
      lanes /= own.lanes;
    }
    for (int c : order_) {
      if (!levels_.ended[c]) continue;
      TileClass& own = deal_.classes[c];
      own.warps = static_cast<int>(std::min(warps, PowerOfTwoFloor(UnitsLeft(c))));
      warps /= own.warps;
      own.registers = static_cast<int>(UnitsLeft(c));
    }
    deal_.classes[rows_].lanes = static_cast<int>(lanes);
  }

  int64_t Threads() const {
    int64_t threads = 1;
    for (const TileClass& own : deal_.classes) threads *= int64_t{1} * own.lanes * own.warps;
    return threads;
  }

  // Blocks of several rows where those are short, or where more blocks would leave more parts.
  bool DealBlocks() {
    TileClass& rows = deal_.classes[rows_];
    while (Threads() < kLeastThreads && Threads() * 2 <= resident_threads_) rows.warps *= 2;
    const double bytes =
        static_cast<double>(info_.cost().bytes_read()) + info_.cost().bytes_written();
    int64_t columns = 1;  // of a row
    for (int c : order_) columns *= levels_.ended[c] ? SizeOf(c) : 1;
    const auto parts = static_cast<double>(2 * AccumulatorBytes() * columns);
    const auto most = static_cast<int64_t>(kMostParts * bytes / parts / target_.multiprocessors);
    resident_ = std::clamp<int64_t>(resident_threads_ / Threads(), 1,
                                    std::clamp<int64_t>(most, 1, kMostBlocks));
    while (resident_ * Threads() * 2 <= resident_threads_ && Threads() * 2 <= kMostBlockThreads &&
           ExchangeBytes(2) <= target_.shared_bytes / 2) {
      rows.warps *= 2;
    }
    int64_t others = 1;
    for (int c : order_) {
      if (levels_.ended[c] || c == rows_) continue;
      deal_.classes[c].blocks = SizeOf(c);
      others *= SizeOf(c);
    }
    const int64_t all = CeilDiv(rows.size, rows.block_extent());
    const int64_t wanted = std::clamp<int64_t>(resident_ * target_.multiprocessors / others, 1,
                                               CeilDiv(all, kLeastTrips));
    rows.loop = CeilDiv(all, wanted);
    rows.blocks = CeilDiv(rows.size, rows.block_extent());
    if (deal_.aligned) {
      const int64_t alike = RowsAlike(info_, order_[0]);
      rows.blocks = wanted / alike * alike;
      if (rows.blocks == 0) return false;
      rows.loop = CeilDiv(all, rows.blocks);
    }
    const int64_t blocks = CeilDiv(rows.blocks * others, target_.multiprocessors);
    deal_.resident_blocks = static_cast<int>(std::min(blocks, resident_threads_ / Threads()));
    if (deal_.resident_blocks == 1) deal_.resident_blocks = 0;
    for (int c : levels_.shared) deal_.splits *= deal_.classes[c].blocks;
    return true;
  }

  // What warps exchange at the end, if a block has so many times the rows.
  int64_t ExchangeBytes(int64_t times) const {
    if (deal_.classes[rows_].warps * times == 1) return 0;
    return times * Threads() * ElementsHeld() * AccumulatorBytes();
  }

  int64_t BytesOfStaged() const {
    TilePlan tile;
    tile.classes = deal_.classes;
    tile.order = order_;
    tile.aligned = deal_.aligned;
    tile.staged = deal_.staged;
    return StagedBytes(info_, tile);
  }

  // As many trips of rows as it takes, and as shared memory has room for.  False where rows that
  // rest find none.
  bool CopyAhead() {
    if (!knobs_.copies_ahead || deal_.classes[rows_].loop == 1) return !deal_.rests;
    std::vector<int> ahead;
    int64_t bytes = 0;  // of a block's trip
    for (int v : inputs_) {
      if (!Contains(ClassesOf(v), rows_)) continue;
      if (!CopiesAhead(info_, deal_.classes, v)) {
        // Of a row, not one of its elements.
        if (deal_.rests && HasInner(v)) return false;
        continue;
      }
      if (deal_.rests && ClassesOf(v).back() != order_[0]) continue;
      ahead.push_back(v);
      bytes += Threads() * BytesAhead(info_, deal_.classes, deal_.rests, v);
    }
    if (ahead.empty()) return !deal_.rests;
    const int64_t shared =
        std::min<int64_t>(target_.shared_bytes, target_.card->shared_bytes / resident_ -
                                                    target_.card->reserved_shared_bytes) -
        kOtherSharedBytes - ExchangeBytes(1) - BytesOfStaged();
    const int64_t most = std::min({kMostTripsAhead, deal_.classes[rows_].loop, shared / bytes});
    if (most < 1) return !deal_.rests;
    const int64_t trips = PowerOfTwoCeil(CeilDiv(kBytesAhead, bytes * resident_));
    deal_.trips_ahead = static_cast<int>(std::min(trips, PowerOfTwoFloor(most)));
    deal_.ahead = std::move(ahead);
    return true;
  }

  const FusionInfo& info_;
  const PassLevels& levels_;
  const Target& target_;
  const std::vector<int>& order_;
  const TileKnobs& knobs_;
  TileDeal deal_;
  std::vector<int> inputs_;  // that are walked
  int rows_ = 0;             // the class that blocks walk by turns
  int64_t resident_threads_ = 0, resident_ = 1;
};

}  // namespace

absl::Status SpreadFits(const FusionInfo& info, const PassLevels& levels, const TilePlan& tile) {
  if (tile.spread < 0) return absl::OkStatus();
  INGOT_REQUIRE(tile.aligned && levels.across > 0 && tile.partial_level > 0 &&
                    tile.classes.size() == 2 && tile.spread == 1 - tile.order[0],
                "spread: d", tile.spread,
                " is not the class of aligned rows that reductions lie across");
  const TileClass& rows = tile.classes[tile.spread];
  INGOT_REQUIRE(rows.vector == 1 && rows.lanes == 1 && rows.registers == 1,
                "spread: vectors, lanes or registers of d", tile.spread);
  const int64_t alike = RowsAlike(info, tile.order[0]);
  INGOT_REQUIRE(rows.blocks % alike == 0, "spread: blocks=", rows.blocks, " of d", tile.spread,
                "; rows begin alike that are a multiple of ", alike, " apart");
  return absl::OkStatus();
}

std::optional<TileDeal> DealAcross(const FusionInfo& info, const PassLevels& levels,
                                   const Target& target, const std::vector<int>& order,
                                   const TileKnobs& knobs) {
  return AcrossDealer(info, levels, target, order, knobs).Run();
}

}  // namespace ingot::plan
