#include "compiler/plan/tile_deal.h"

#include <algorithm>
#include <utility>

#include "compiler/plan/analysis.h"
#include "compiler/plan/tile_held.h"
#include "compiler/plan/tile_packed.h"
#include "compiler/plan/tile_shared.h"
#include "compiler/plan/tile_turns.h"
#include "ir/base/integers.h"

namespace ingot::plan {
namespace {

constexpr int kAccessBytes = 16;
// Operations of a thread's code (CodeSize) from which on it holds less of a row, and loads less in
// a trip: assemblers take time over long code, and what computes much needs fewer loads at once.
constexpr int64_t kMostCodeOfRow = 2048;
constexpr int64_t kMostCodeOfTrip = 256;
// More operations than this of the elements that a thread holds take seconds to assemble.
constexpr int64_t kMostCodeHeld = 16384;
// And from which on a vector of columns is shorter: a trip has some of them.
constexpr int64_t kMostCodeOfColumns = 128;
// What moves so many bytes runs long, and is worth so many times the code.
constexpr int64_t kBytesOfLongRuns = 256 << 20;
constexpr int64_t kCodeOfLongRuns = 4;
constexpr int64_t kLeastHeld = 16;
// Rows for which a thread uses a vector that they share.
constexpr int64_t kRowsOfVector = 2;
// Accumulators of a thread for columns of several rows.
constexpr int64_t kMostAccumulators = 64;
// Of the iterations that a lane or a warp is given, at most this share may be beyond the space.
constexpr double kMostWaste = 1.25;
// Bytes that a thread loads in a trip at least, of which a thousand threads have enough under way;
// where there are few in all, more blocks are better.
constexpr int64_t kLeastBytesOfTrip = 64;
constexpr int64_t kFewBytes = 32 << 20;
// Fewer lanes have a short row where so much of the places is left.  On an H200 8 lanes with 5
// elements each take 54 to 89 % of the time of 32 with 2, for rows of 37; 4 with 7 vectors each
// take 110 % of that of 32 with one.
constexpr double kMuchLess = 0.85;
constexpr int64_t kFewVectors = 6;
// Bytes of memory side by side that a warp should read, a line of cache; and what it reads at least
// where longer runs would leave multiprocessors idle.  On an H200 memory gives runs of 32 bytes at
// half its speed: a group norm takes 154 us with these, 122 with 64 and 110 with 128.
constexpr int64_t kShortRun = 128;
constexpr int64_t kShortestRun = 64;

int64_t BytesMoved(const FusionInfo& info) {
  return SaturatingAdd(info.cost().bytes_read(), info.cost().bytes_written());
}
int64_t WorthOfCode(const FusionInfo& info) {
  return BytesMoved(info) >= kBytesOfLongRuns ? kCodeOfLongRuns : 1;
}

class Dealer {
 public:
  Dealer(const FusionInfo& info, const PassLevels& levels, const Target& target,
         const std::vector<int>& order, const TileKnobs& knobs)
      : info_(info), levels_(levels), target_(target), order_(order), knobs_(knobs) {
    for (const IterationClass& c : space().classes()) {
      deal_.classes.emplace_back();
      deal_.classes.back().size = c.size;
    }
  }

  TileDeal Run() {
    ChooseVector();
    if (info_.reductions().empty()) {
      DealElements();
    } else if (IsReduced(order_[0])) {
      DealRows();
    } else {
      DealColumns();
    }
    return std::move(deal_);
  }

 private:
  const IterationSpace& space() const { return info_.space(); }
  const FusionGraph& graph() const { return info_.graph(); }
  bool IsReduced(int c) const { return levels_.ended[c]; }
  int64_t SizeOf(int c) const { return space().classes()[c].size; }

  // Elements of the innermost class that one access of each array moves.
  void ChooseVector() {
    deal_.classes[order_[0]].vector = std::min(knobs_.most_vector, MostVector(info_, order_[0]));
  }

  // Vectors of the class that are not dealt out to lanes and warps yet.
  int64_t UnitsLeft(int c) const { return plan::UnitsLeft(deal_.classes[c]); }

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
      deal_.classes[c].lanes *= static_cast<int>(share);
      lanes_dealt_ *= share;
      left /= share;
    }
    return left;
  }
  int64_t DealWarps(const std::vector<int>& classes, int64_t warps) {
    for (int c : classes) {
      const int64_t share = Share(c, warps);
      deal_.classes[c].warps *= static_cast<int>(share);
      warps /= share;
    }
    return warps;
  }

  // Lanes that nobody took are beyond the space.
  void FillWarp() {
    deal_.classes[order_[0]].lanes *= static_cast<int>(kWarp / lanes_dealt_);
    lanes_dealt_ = kWarp;
  }

  void DealBlocks(const std::vector<int>& classes) {
    for (int c : classes)
      deal_.classes[c].blocks = CeilDiv(deal_.classes[c].size, deal_.classes[c].block_extent());
  }

  std::vector<int> ClassesThatAre(bool reduced) const {
    std::vector<int> found;
    for (int c : order_) {
      if (IsReduced(c) == reduced) found.push_back(c);
    }
    return found;
  }

  // Bytes that the vectors of one place take from memory; of_rows: of inputs that rows do not
  // share.
  int64_t BytesOfPlace(bool of_rows = false) const {
    int64_t bytes = 0;
    for (int v = 0; v < graph().input_count(); ++v) {
      const absl::Span<const int> own = space().ClassesOf(v);
      if (of_rows && std::all_of(own.begin(), own.end(), [&](int c) { return IsReduced(c); })) {
        continue;
      }
      if (info_.uses().Of(v).in_space() && Contains(space().ClassesOf(v), order_[0])) {
        bytes += ingot::BytesOf(graph().value(v).shape(), deal_.classes[order_[0]].vector);
      }
    }
    return std::max<int64_t>(1, bytes);
  }

  // The same of what each step along what is reduced reads anew.
  int64_t BytesOfStep() const {
    int64_t bytes = 0;
    for (int v = 0; v < graph().input_count(); ++v) {
      const absl::Span<const int> own = space().ClassesOf(v);
      const bool steps = std::all_of(order_.begin(), order_.end(),
                                     [&](int c) { return !IsReduced(c) || Contains(own, c); });
      if (steps && info_.uses().Of(v).in_space() && Contains(own, order_[0])) {
        bytes += ingot::BytesOf(graph().value(v).shape(), deal_.classes[order_[0]].vector);
      }
    }
    return std::max<int64_t>(1, bytes);
  }

  // Registers for enough loads in flight: along a class that some array does not have, so that its
  // vectors serve several places, else along the innermost.
  void DealElements() {
    ShortenCode(kMostCodeOfTrip);
    DealLanes(order_);
    FillWarp();
    DealWarps(order_, knobs_.element_threads / kWarp);
    // More loads, where they are of less than a register.
    const int64_t bytes = BytesOfPlace();
    const int64_t most = knobs_.loads * std::max<int64_t>(1, kRegisterBytes / bytes);
    int64_t registers = std::clamp<int64_t>(knobs_.loads * kAccessBytes / bytes, 1, most);
    int along = order_[0];
    for (int c : order_) {
      for (int v : ArraysInSpace(info_)) {
        if (c != order_[0] && !Contains(space().ClassesOf(v), c) &&
            Contains(space().ClassesOf(v), order_[0])) {
          along = c;
          registers = deal_.classes[order_[0]].vector > 1 ? kRowsOfVector : most * kRowsOfVector;
        }
      }
    }
    // Few elements are better spread over the multiprocessors.
    int64_t blocks = 1;
    for (int c : order_) blocks *= UnitsLeft(c);
    registers = std::min(registers, blocks / (int64_t{4} * target_.multiprocessors));
    deal_.classes[along].registers =
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

  int64_t LoadsOfTrip() const {
    const int64_t code =
        SaturatingMultiply(CodeOfElement(info_, order_[0]), deal_.classes[order_[0]].vector);
    // Each place has a load of each input.
    int64_t inputs = 0;
    for (int v = 0; v < graph().input_count(); ++v) {
      if (info_.uses().Of(v).in_space() && Contains(space().ClassesOf(v), order_[0])) ++inputs;
    }
    int64_t least =
        CeilDiv(std::min(knobs_.loads, knobs_.loads_of_trip), std::max<int64_t>(1, inputs));
    // Narrow loads are more of them.
    if (BytesMoved(info_) >= kFewBytes) {
      least = std::clamp(kLeastBytesOfTrip / BytesOfStep(), least, knobs_.loads_of_trip);
    }
    return std::clamp(WorthOfCode(info_) * kMostCodeOfTrip / code, least, knobs_.loads_of_trip);
  }

  bool HasDependentReductions() const {
    return std::any_of(info_.reductions().begin(), info_.reductions().end(),
                       [](const Reduction& reduction) { return reduction.level > 1; });
  }

  // Vectors of half as many elements while one of them makes more code, and the class has enough of
  // them for the lanes of a warp.
  void ShortenCode(int64_t most_code) {
    const int64_t most = WorthOfCode(info_) * most_code / CodeOfElement(info_, order_[0]);
    int& vector = deal_.classes[order_[0]].vector;
    while (vector > std::max<int64_t>(kLeastVector, most) &&
           SizeOf(order_[0]) >= int64_t{kWarp} * vector) {
      vector /= 2;
    }
  }

  // Vectors of a row that each of so many threads holds, which have the rows beside it too.
  int64_t VectorsHeld(int64_t threads) const {
    return CeilDiv(CeilDiv(ReducedElements(), deal_.classes[order_[0]].vector),
                   std::max<int64_t>(1, threads / beside_));
  }

  // Operations of the elements that each of so many threads holds.
  int64_t CodeHeld(int64_t threads) const {
    return SaturatingMultiply(VectorsHeld(threads) * deal_.classes[order_[0]].vector,
                              CodeOfElement(info_, order_[0]));
  }

  // Whether the registers of a block of so many threads hold a row of what it reads.
  bool IsHeldBy(int64_t threads) const {
    const int64_t words = CeilDiv(VectorsHeld(threads) * BytesOfPlace(), kRegisterBytes);
    const int64_t between = CeilDiv(VectorsHeld(threads) * deal_.classes[order_[0]].vector *
                                        BytesHeldBetweenPasses(info_, order_[0]),
                                    kRegisterBytes);
    return std::max(words + kOtherRegisters, between + kLeastOtherRegisters) <=
           target_.card->registers / threads;
  }

  // Long rows that are not copied ahead: a vector of half as many elements where threads then hold
  // fewer, as long as a warp's access is 256 bytes.
  void NarrowVector() {
    TileClass& inner = deal_.classes[order_[0]];
    if (BytesOfPlace() < kAccessBytes || (deal_.aligned && inner.vector == 2)) return;
    const int64_t held = VectorsHeld(knobs_.long_row_threads) * inner.vector;
    inner.vector /= 2;
    if (VectorsHeld(knobs_.long_row_threads) * inner.vector >= held) inner.vector *= 2;
  }

  // So many that each holds a part of the row in its registers, if there are as many.
  int64_t ThreadsOfRow(bool is_long) const {
    const int64_t vector = deal_.classes[order_[0]].vector;
    const int64_t vectors = CeilDiv(ReducedElements(), vector);
    const int64_t words = CeilDiv(BytesOfPlace(/*of_rows=*/true), kRegisterBytes * vector);
    const int64_t elements = std::clamp<int64_t>(
        PowerOfTwoFloor(std::max<int64_t>(
            1, WorthOfCode(info_) * kMostCodeOfRow / CodeOfElement(info_, order_[0]))),
        std::min<int64_t>(kLeastHeld, knobs_.held_registers / words),
        knobs_.held_registers / words);
    const int64_t held = std::max<int64_t>(1, elements / vector);
    int64_t threads = PowerOfTwoCeil(CeilDiv(vectors, held));
    if (threads < kWarp) threads = std::min<int64_t>(kWarp, PowerOfTwoCeil(vectors));
    return std::min<int64_t>(threads, is_long ? knobs_.long_row_threads : kMostBlockThreads);
  }

  // Where what is reduced lies in short runs of memory with results of other places between them (a
  // group's channels): lanes for these places, so that a warp reads longer runs.
  int64_t LanesBeside() const {
    if (order_.size() < 2 || IsReduced(order_[1])) return 1;
    int64_t widest = 0;
    for (int v = 0; v < graph().input_count(); ++v) {
      const absl::Span<const int> own = space().ClassesOf(v);
      if (!Contains(own, order_[0]) || !Contains(own, order_[1])) continue;
      // What all places of what else is reduced share is read once.
      if (std::none_of(own.begin(), own.end(),
                       [&](int c) { return c != order_[0] && IsReduced(c); })) {
        continue;
      }
      widest = std::max<int64_t>(widest, ByteWidth(graph().value(v).shape().element_type()));
    }
    const int64_t run = SizeOf(order_[0]) * widest;
    if (widest == 0 || run >= kShortRun || ReducedElements() == SizeOf(order_[0])) return 1;
    int64_t rows = 1;
    for (int c : ClassesThatAre(false)) rows *= SizeOf(c);
    int64_t lanes = std::min(PowerOfTwoFloor(kShortRun / run), PowerOfTwoFloor(SizeOf(order_[1])));
    while (lanes * run > kShortestRun && rows < lanes * target_.multiprocessors) lanes /= 2;
    return lanes;
  }

  // At most `lanes`; fewer where that leaves much less beyond the row.
  int64_t LanesOfShortRow(int c, int64_t lanes) const {
    const int64_t units = UnitsLeft(c);
    int64_t best = std::min(lanes, PowerOfTwoCeil(units));
    const auto places = [&](int64_t of) { return static_cast<double>(CeilDiv(units, of) * of); };
    for (int64_t fewer = best / 2; fewer > 1 && CeilDiv(units, fewer) <= kFewVectors; fewer /= 2) {
      if (places(fewer) < kMuchLess * places(best)) best = fewer;
    }
    return best;
  }

  // Long rows that begin anywhere have longer vectors behind their first elements.
  void AlignRows() {
    TileClass& inner = deal_.classes[order_[0]];
    if (!SharedInputs(info_, order_[0]).empty()) return;
    const int vector = std::min(knobs_.most_vector, AlignedVector(info_, order_[0]));
    if (vector <= inner.vector || inner.size < kVectorsOfAlignedRow * vector) return;
    inner.vector = vector;
    deal_.aligned = true;
  }

  // Rows along memory: the threads of a row hold it, if it fits.
  void DealRows() {
    if (DealPacked(info_, levels_, target_, order_, knobs_, deal_)) return;
    if (DealShared(info_, levels_, target_, order_, knobs_, deal_)) return;
    const std::vector<int> reduced = ClassesThatAre(true);
    const std::vector<int> kept = ClassesThatAre(false);
    if (reduced.size() == 1) AlignRows();
    const bool is_long =
        VectorsHeld(kMostBlockThreads) * deal_.classes[order_[0]].vector > kHeldOfMostThreads;
    const bool loops = knobs_.copies_ahead && !kept.empty() &&
                       SizeOf(kept[0]) >= kRowsOfLoop * target_.multiprocessors;
    if (is_long && !loops && IsHeldBy(knobs_.long_row_threads)) NarrowVector();
    int64_t threads = ThreadsOfRow(is_long);
    beside_ = threads >= kWarp && !deal_.aligned ? LanesBeside() : 1;
    if (beside_ > 1) {
      const int64_t most = is_long ? knobs_.long_row_threads : kMostBlockThreads;
      threads = std::min(threads * beside_, std::max(threads, most));
    }
    // The ends of a row have a thread for each element.
    if (deal_.aligned) {
      const int vector = deal_.classes[order_[0]].vector;
      threads = std::max(threads, PowerOfTwoCeil(MostEnds(info_, order_[0], vector)));
    }
    const bool in_trips = threads >= knobs_.long_row_threads &&
                          (!IsHeldBy(threads) || CodeHeld(threads) > kMostCodeHeld);
    if (in_trips && RestRows(info_, levels_, target_, order_, knobs_, deal_)) {
      DealBlocks(kept);
      return TakeRowsByTurns(info_, levels_, target_, order_, knobs_, deal_);
    }
    // Where trips compute much, more blocks that are at different points of theirs.
    if (in_trips && HasDependentReductions()) {
      threads = std::min(threads, knobs_.block_threads * std::min<int64_t>(beside_, 2));
    }
    // The lanes and warps of a row.
    int64_t lanes = std::min<int64_t>(threads, kWarp);
    int64_t warps = threads / lanes;
    if (beside_ > 1) {
      deal_.classes[order_[1]].lanes = static_cast<int>(beside_);
      lanes /= beside_;
      lanes_dealt_ *= beside_;
    }
    for (int c : reduced) {
      const int64_t share = threads <= kWarp && !deal_.aligned
                                ? LanesOfShortRow(c, lanes)
                                : std::min(lanes, PowerOfTwoCeil(UnitsLeft(c)));
      deal_.classes[c].lanes = static_cast<int>(share);
      lanes /= share;
      lanes_dealt_ *= share;
    }
    for (int c : reduced) {
      const int64_t share = std::min(warps, PowerOfTwoFloor(UnitsLeft(c)));
      deal_.classes[c].warps = static_cast<int>(share);
      warps /= share;
    }
    DealLanes(kept);
    FillWarp();
    int64_t row_warps = 1;
    for (int c : reduced) row_warps *= deal_.classes[c].warps;
    DealWarps(kept, std::max<int64_t>(1, knobs_.block_threads / 2 / kWarp / row_warps));
    int64_t per_thread = 1;
    for (int c : reduced) per_thread *= UnitsLeft(c);
    if (!in_trips) {
      for (int c : reduced) deal_.classes[c].registers = static_cast<int>(UnitsLeft(c));
      // Short rows: several at once, for enough loads in flight.
      int64_t several = knobs_.loads * kAccessBytes / (BytesOfPlace() * per_thread);
      int64_t places = 1;
      for (int c : kept) places *= UnitsLeft(c);
      several = std::min(several, places / (int64_t{4} * target_.multiprocessors));
      if (!kept.empty() && several > 1) {
        deal_.classes[kept[0]].registers = static_cast<int>(std::min(several, UnitsLeft(kept[0])));
      }
    } else {
      int64_t registers = LoadsOfTrip();
      for (int c : reduced) {
        deal_.classes[c].registers = static_cast<int>(std::min(registers, UnitsLeft(c)));
        registers /= deal_.classes[c].registers;
        deal_.classes[c].loop = CeilDiv(UnitsLeft(c), deal_.classes[c].registers);
      }
    }
    DealBlocks(kept);
    SplitReduction(reduced, kept);
    TakeRowsByTurns(info_, levels_, target_, order_, knobs_, deal_);
  }

  // A short class that the array of most bytes does not have: its vectors serve all places along
  // it, as the weights of a product serve a few rows.
  void HoldPlacesOfVector(const std::vector<int>& kept) {
    int64_t most = 0;
    int largest = -1;
    for (int v = 0; v < graph().input_count(); ++v) {
      const Shape& shape = graph().value(v).shape();
      if (!shape.IsArray() || ingot::BytesOf(shape, shape.ElementCount()) <= most) continue;
      most = ingot::BytesOf(shape, shape.ElementCount());
      largest = v;
    }
    if (largest < 0 || !Contains(space().ClassesOf(largest), order_[0])) return;
    for (int c : kept) {
      const bool is_short = SizeOf(c) * deal_.classes[order_[0]].vector <= kMostAccumulators;
      if (c == order_[0] || Contains(space().ClassesOf(largest), c) || !is_short) continue;
      if (deal_.classes[c].lanes > 1 || PlacesOfVector() > 1) continue;
      deal_.classes[c].registers = static_cast<int>(SizeOf(c));
    }
  }
  // Places of a thread besides those of what is reduced.
  int64_t PlacesOfVector() const {
    int64_t places = 1;
    for (int c : order_) {
      if (!IsReduced(c)) places *= deal_.classes[c].registers;
    }
    return places;
  }

  // Columns across memory: lanes along it, warps and loops along what is reduced.
  void DealColumns() {
    ShortenCode(kMostCodeOfColumns);
    const std::vector<int> reduced = ClassesThatAre(true);
    std::vector<int> kept = ClassesThatAre(false);
    // Columns may be several classes, as a group's channels and the groups are.
    const auto past =
        std::find_if(order_.begin(), order_.end(), [&](int c) { return IsReduced(c); });
    DealLanes({order_.begin(), past});
    DealLanes(reduced);
    DealLanes(kept);
    FillWarp();
    HoldPlacesOfVector(kept);
    int64_t warps = DealWarps(reduced, knobs_.block_threads / kWarp);
    std::erase_if(kept, [&](int c) { return deal_.classes[c].registers > 1; });
    DealWarps(kept, warps);
    const int64_t vector = deal_.classes[order_[0]].vector;
    int64_t per_thread = PlacesOfVector();
    for (int c : reduced) per_thread *= UnitsLeft(c);
    if (per_thread * vector <= kHeldOfMostThreads) {
      for (int c : reduced) deal_.classes[c].registers = static_cast<int>(UnitsLeft(c));
    } else {
      int64_t registers = LoadsOfTrip();
      for (int c : reduced) {
        deal_.classes[c].registers = static_cast<int>(std::min(registers, UnitsLeft(c)));
        registers /= deal_.classes[c].registers;
        deal_.classes[c].loop = CeilDiv(UnitsLeft(c), deal_.classes[c].registers);
      }
    }
    kept = ClassesThatAre(false);
    DealBlocks(kept);
    SplitReduction(reduced, kept);
  }

  // Too few blocks: a reduced class is shared out over blocks as well, the outermost one that makes
  // enough of them, or else the one of most trips.
  void SplitReduction(const std::vector<int>& reduced, const std::vector<int>& kept) {
    int64_t blocks = 1;
    for (int c : kept) blocks *= deal_.classes[c].blocks;
    if (beside_ > 1) blocks *= std::min<int64_t>(beside_, 2);  // which have as many threads more
    const int64_t wanted = knobs_.split_blocks * target_.multiprocessors;
    if (blocks * 2 > wanted) return;
    int split = -1;
    int64_t all_trips = 1;
    for (auto it = reduced.rbegin(); it != reduced.rend(); ++it) {
      const int64_t trips = deal_.classes[*it].loop;
      all_trips *= trips;
      if (trips < 4) continue;
      const bool is_enough = split >= 0 && deal_.classes[split].loop / 2 >= wanted / blocks;
      if (split < 0 || (!is_enough && trips > deal_.classes[split].loop)) split = *it;
    }
    if (split < 0) return;
    TileClass& tile = deal_.classes[split];
    // A block has two trips at least, of this class or of others.
    const int64_t most = all_trips > tile.loop ? tile.loop : tile.loop / 2;
    tile.loop = CeilDiv(tile.loop, std::min(most, wanted / blocks));
    tile.blocks = CeilDiv(tile.size, tile.block_extent());
    deal_.splits = tile.blocks;
  }

  const FusionInfo& info_;
  const PassLevels& levels_;
  const Target& target_;
  const std::vector<int>& order_;
  const TileKnobs& knobs_;
  TileDeal deal_;
  int64_t lanes_dealt_ = 1;
  int64_t beside_ = 1;  // rows that lanes of a warp share
};

}  // namespace

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

int64_t UnitsLeft(const TileClass& tile) {
  return CeilDiv(tile.size, int64_t{1} * tile.vector * tile.lanes * tile.warps);
}

int64_t CodeOfElement(const FusionInfo& info, int inner) {
  const FusionGraph& graph = info.graph();
  int64_t code = 1;
  for (int v = graph.input_count(); v < graph.value_count(); ++v) {
    const Instruction& member = graph.value(v);
    const bool walked =
        Contains(info.space().ClassesOf(v), inner) || member.opcode() == Opcode::kReduce;
    if (walked) code = SaturatingAdd(code, CodeSize(member));
  }
  return code;
}

int64_t ElementsOfTrip(const FusionInfo& info, int inner) {
  return WorthOfCode(info) * kMostCodeOfTrip / CodeOfElement(info, inner);
}

bool HasWideRoot(const FusionInfo& info, const PassLevels& levels) {
  for (const Instruction* root : info.graph().view().roots) {
    const int value = info.graph().NumberOf(*root);
    const int last = levels.across > 0 ? levels.last - 1 : levels.last;
    if (levels.of[value] != last) continue;
    for (int c : info.space().ClassesOf(value)) {
      if (levels.ended[c]) return true;
    }
  }
  return false;
}

TileDeal DealTile(const FusionInfo& info, const PassLevels& levels, const Target& target,
                  const std::vector<int>& order, const TileKnobs& knobs) {
  return Dealer(info, levels, target, order, knobs).Run();
}

}  // namespace ingot::plan
