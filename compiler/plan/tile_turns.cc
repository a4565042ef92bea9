#include "compiler/plan/tile_turns.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "compiler/plan/analysis.h"
#include "compiler/plan/tile_held.h"
#include "compiler/plan/tile_packed.h"

namespace ingot::plan {
namespace {

// Bytes of loads that a multiprocessor should have under way, and where barriers stand between
// loads and stores.
constexpr int64_t kBytesAhead = 32 << 10;
constexpr int64_t kBytesAheadOfBarriers = 64 << 10;
// Rows that rest are copied so many ahead, at the most.
constexpr int64_t kRowsAhead = 2;
// Threads of a multiprocessor that keep its arithmetic busy.
constexpr int64_t kBusyThreads = 1024;
// Staged inputs have at least this share of the bytes of a row.
constexpr double kLeastStaged = 0.125;
// Bytes that a row asks for, over its own, from which on several rows share the rest; and what
// they then ask for at the most.  On an H200 two rows at once lose nothing; rows by turns 0 to 3 %.
constexpr double kMuchAsked = 1.35;
constexpr double kMostAsked = 1.5;

// At most `blocks` blocks loop over what the class's blocks have.
void TakeByTurns(TileClass& tile, int64_t blocks) {
  tile.loop = CeilDiv(tile.blocks, blocks);
  tile.blocks = CeilDiv(tile.size, tile.block_extent());
}

class RowTurns {
 public:
  RowTurns(const FusionInfo& info, const PassLevels& levels, const Target& target,
           const std::vector<int>& order, const TileKnobs& knobs, TileDeal& deal)
      : info_(info), levels_(levels), target_(target), order_(order), knobs_(knobs), deal_(deal) {
    for (int c : order) {
      (IsReduced(c) ? reduced_ : kept_).push_back(c);
    }
  }

  void Run() {
    if (kept_.empty()) return;
    if (deal_.rests) return TakeRestingRows();
    if (!IsWalkedInTrips()) TakeTurns();
    if (knobs_.gathers && rows().loop == 1) GatherRows();
  }

 private:
  const FusionGraph& graph() const { return info_.graph(); }
  absl::Span<const int> ClassesOf(int v) const { return info_.space().ClassesOf(v); }
  bool IsReduced(int c) const { return levels_.ended[c]; }
  TileClass& rows() { return deal_.classes[kept_[0]]; }

  void TakeTurns() {
    FindShared();
    if (knobs_.stages && StageRows()) return;
    if (knobs_.copies_ahead && CopyRowsAhead()) return;
    if (knobs_.shares_rows && !deal_.aligned) ShareRows();
  }

  bool IsWalkedInTrips() const {
    return std::any_of(reduced_.begin(), reduced_.end(),
                       [&](int c) { return deal_.classes[c].loop * deal_.classes[c].blocks > 1; });
  }

  // What rows read and write of their own, and the inputs that every row reads whole.
  void FindShared() {
    int64_t elements = 1;  // of a row
    for (int c : reduced_) elements *= info_.space().classes()[c].size;
    for (int v : ArraysInSpace(info_)) {
      const absl::Span<const int> own = ClassesOf(v);
      if (!Contains(own, order_[0])) continue;
      const Shape& shape = graph().value(v).shape();
      const auto bytes = static_cast<double>(BytesOf(shape, elements));
      const bool shared = std::all_of(own.begin(), own.end(), [&](int c) { return IsReduced(c); });
      if (!shared || !graph().IsInput(v) || IsComplex(shape.element_type())) {
        row_bytes_ += bytes;
      } else {
        shared_.push_back(v);
        shared_bytes_ += bytes;
      }
    }
  }

  // The threads of a block, and the elements of the space that one of them holds in a trip.
  std::pair<int64_t, int64_t> Block() const {
    int64_t threads = 1, held = 1;
    for (const TileClass& tile : deal_.classes) {
      threads *= int64_t{1} * tile.lanes * tile.warps;
      held *= int64_t{1} * tile.vector * tile.registers;
    }
    return {threads, held};
  }

  // The inputs that threads can copy to shared memory one of the rows ahead.
  std::vector<int> CopiedRows() const {
    std::vector<int> ahead;
    int64_t bytes = kOtherSharedBytes;
    const int64_t threads = Block().first;
    for (int v = 0; v < graph().input_count(); ++v) {
      const absl::Span<const int> own = ClassesOf(v);
      if (!info_.uses().Of(v).in_space() || !Contains(own, order_[0])) continue;
      if (!Contains(own, kept_[0]) || !CopiesAhead(info_, deal_.classes, v)) continue;
      ahead.push_back(v);
      bytes += BytesOf(graph().value(v).shape(), threads * HeldElements(info_, deal_.classes, v));
    }
    return bytes > target_.shared_bytes ? std::vector<int>{} : ahead;
  }

  bool HasOneRowClass() const {
    return std::all_of(kept_.begin() + 1, kept_.end(),
                       [&](int c) { return deal_.classes[c].blocks == 1; });
  }

  // Rows of which a multiprocessor holds one block, that would wait for its loads: blocks take
  // several rows by turns, and their threads copy the next one while they compute.
  bool CopyRowsAhead() {
    if (!HasOneRowClass() || rows().blocks < kRowsOfLoop * target_.multiprocessors) return false;
    const auto [threads, held] = Block();
    if (2 * threads * (held + kLeastOtherRegisters) <= target_.card->registers) return false;
    std::vector<int> ahead = CopiedRows();
    if (ahead.empty()) return false;
    TakeByTurns(rows(), target_.multiprocessors);
    deal_.ahead = std::move(ahead);
    return true;
  }

  // As many blocks as a multiprocessor holds, whose threads copy one row ahead, or two.
  void TakeRestingRows() {
    int64_t bytes = 0;
    const int64_t threads = Block().first;
    for (int v : deal_.ahead) bytes += threads * BytesAhead(info_, deal_.classes, true, v);
    const int64_t all = target_.card->shared_bytes;
    const int64_t other = kOtherSharedBytes + target_.card->reserved_shared_bytes;
    const int64_t resident =
        std::clamp<int64_t>(all / (bytes + other), 1, std::max<int64_t>(1, kBusyThreads / threads));
    if (HasOneRowClass() && rows().blocks > resident * target_.multiprocessors) {
      TakeByTurns(rows(), resident * target_.multiprocessors);
    }
    const int64_t most = std::min({kRowsAhead, rows().loop, (all / resident - other) / bytes});
    deal_.trips_ahead = static_cast<int>(std::max<int64_t>(1, most));
  }

  // Inputs that every row reads whole are kept in shared memory by blocks that take several rows,
  // if there are enough of them.
  bool StageRows() {
    if (shared_bytes_ <= kLeastStaged * row_bytes_) return false;
    const auto [threads, held] = Block();
    const auto bytes = static_cast<int64_t>(shared_bytes_);
    const int64_t resident = MostResident(target_, bytes, held, static_cast<int>(threads));
    if (resident * threads < kBusyThreads / 2) return false;
    if (bytes + kOtherSharedBytes > target_.shared_bytes) return false;
    if (!LoopOverRows(kept_, resident * target_.multiprocessors, deal_.classes)) return false;
    deal_.staged = std::move(shared_);
    return true;
  }

  // Bytes of an element of the narrowest result that has no class of the rows' elements, if there
  // is one and all of them can be gathered along the rows.
  std::optional<int64_t> GatheredWidth() const {
    std::optional<int64_t> width;
    for (const Instruction* root : graph().view().roots) {
      const int value = graph().NumberOf(*root);
      if (levels_.HasEnded(info_, value)) continue;
      if (!CanBeGathered(info_, levels_, kept_[0], value)) return std::nullopt;
      for (const Shape& leaf : Leaves(root->shape())) {
        width = std::min<int64_t>(width.value_or(kSectorBytes), ByteWidth(leaf.element_type()));
      }
    }
    return width;
  }

  // Blocks of a few elements of a result have more, whole sectors, and store them together.
  void GatherRows() {
    const std::optional<int64_t> width = GatheredWidth();
    if (!width.has_value() || rows().lanes * *width >= kSectorBytes) return;
    for (int c : reduced_) {
      if (deal_.classes[c].blocks > 1) return;
    }
    for (size_t i = 1; i < kept_.size(); ++i) {
      if (deal_.classes[kept_[i]].block_extent() > 1) return;
    }
    const int64_t trips = kSectorBytes / std::gcd(kSectorBytes, rows().block_extent() * *width);
    if (rows().blocks < trips * kRowsOfLoop * target_.multiprocessors) return;
    rows().loop = trips;
    rows().blocks = CeilDiv(rows().size, rows().block_extent());
    deal_.gathered = kept_[0];
  }

  // Bytes that so many rows ask for, over their own, if they load once what they share.
  double AskedBy(int64_t rows) const {
    return 1 + shared_bytes_ / (row_bytes_ * static_cast<double>(rows));
  }

  // Where rows ask for much that they share, threads load it once for several rows: for two of
  // which they hold half as much each, or for rows that a block takes by turns and copies ahead.
  void ShareRows() {
    if (!HasOneRowClass() || AskedBy(rows().registers) <= kMuchAsked) return;
    int64_t count = 2;
    while (AskedBy(count) > kMostAsked) count *= 2;
    if (count <= rows().registers) return;
    if (rows().blocks < count * kRowsOfLoop * target_.multiprocessors) return;
    const std::vector<TileClass> alone = deal_.classes;
    if (count == 2 && ShareOut()) {
      rows().registers *= 2;
      rows().blocks = CeilDiv(rows().size, rows().block_extent());
      if (AreHeld()) return;
      deal_.classes = alone;
    }
    rows().registers = 1;
    if (Block().second > kHeldOfMostThreads) ShareOut();
    rows().blocks = CeilDiv(rows().size, rows().block_extent());
    std::vector<int> ahead = CopiedRows();
    if (ahead.empty()) {
      deal_.classes = alone;
      return;
    }
    TakeByTurns(rows(), CeilDiv(rows().blocks, count));
    deal_.ahead = std::move(ahead);
    deal_.kept = std::move(shared_);
  }

  // Whether registers hold what a thread loads of a trip.
  bool AreHeld() const {
    int64_t bytes = 0;
    for (int v = 0; v < graph().input_count(); ++v) {
      if (!info_.uses().Of(v).in_space()) continue;
      bytes += BytesOf(graph().value(v).shape(), HeldElements(info_, deal_.classes, v));
    }
    const int64_t words = CeilDiv(bytes, kRegisterBytes) + kLeastOtherRegisters;
    return words * Block().first <= target_.card->registers;
  }

  // Twice the threads have a row, if so many may: those of another row, or more of them.
  bool ShareOut() {
    for (int c : reduced_) {
      TileClass& tile = deal_.classes[c];
      if (tile.registers % 2 != 0) continue;
      const bool has_rows = rows().warps > 1;
      if (!has_rows && Block().first * 2 > kMostBlockThreads) return false;
      if (has_rows) rows().warps /= 2;
      tile.registers /= 2;
      tile.warps *= 2;
      return true;
    }
    return false;
  }

  const FusionInfo& info_;
  const PassLevels& levels_;
  const Target& target_;
  const std::vector<int>& order_;
  const TileKnobs& knobs_;
  TileDeal& deal_;
  std::vector<int> kept_, reduced_;  // classes, innermost first
  std::vector<int> shared_;
  double row_bytes_ = 0, shared_bytes_ = 0;
};

}  // namespace

bool CanBeGathered(const FusionInfo& info, const PassLevels& levels, int gathered, int value) {
  const absl::Span<const int> own = info.space().ClassesOf(value);
  if (levels.across > 0 || own.empty() || own.back() != gathered) return false;
  // It has an element of its own at each place that blocks have.
  for (int c = 0; c < static_cast<int>(info.space().classes().size()); ++c) {
    if (levels.ended[c] == Contains(own, c)) return false;
  }
  const std::vector<Shape> leaves = Leaves(info.graph().value(value).shape());
  return std::all_of(leaves.begin(), leaves.end(), [](const Shape& leaf) {
    return !IsComplex(leaf.element_type()) && BitWidth(leaf.element_type()) >= 8;
  });
}

bool LoopOverRows(absl::Span<const int> kept, int64_t resident, std::vector<TileClass>& classes) {
  int64_t blocks = 1;
  int outer = kept[0];
  for (int c : kept) {
    blocks *= classes[c].blocks;
    if (classes[c].blocks > classes[outer].blocks) outer = c;
  }
  if (blocks < kRowsOfLoop * resident) return false;
  TakeByTurns(classes[outer], std::max<int64_t>(1, resident / (blocks / classes[outer].blocks)));
  return true;
}

int64_t MostResident(const Target& target, int64_t shared_bytes, int64_t held, int block_threads) {
  const Card& card = *target.card;
  const int64_t threads =
      std::min<int64_t>(target.threads, card.registers / (kOtherRegisters + held));
  int64_t most = std::min<int64_t>(card.blocks, threads / block_threads);
  if (shared_bytes > 0) {
    const int64_t bytes = shared_bytes + kOtherSharedBytes + card.reserved_shared_bytes;
    most = std::min(most, card.shared_bytes / bytes);
  }
  return most;
}

void TakeRowsByTurns(const FusionInfo& info, const PassLevels& levels, const Target& target,
                     const std::vector<int>& order, const TileKnobs& knobs, TileDeal& deal) {
  RowTurns(info, levels, target, order, knobs, deal).Run();
}

int ResidentBlocks(const FusionInfo& info, const PassLevels& levels, const Target& target,
                   const TilePlan& tile, int64_t blocks, int block_threads) {
  const bool wide = HasWideRoot(info, levels);
  if (tile.combines() || (tile.known_level > 0 && tile.partial_level == 0 && !wide)) return 0;
  int64_t bytes = 0, held = 1, kept = 0;  // of a thread
  for (int v = 0; v < info.graph().input_count(); ++v) {
    if (!info.uses().Of(v).in_space() || Contains(tile.staged, v)) continue;
    const int64_t elements = HeldElements(info, tile.classes, v);
    if (Contains(tile.kept, v)) {
      kept += elements;
      continue;
    }
    bytes += ingot::BytesOf(info.graph().value(v).shape(), elements);
    held = std::max(held, elements);
  }
  const int inner = tile.order[0];
  if (levels.ended[inner] && tile.classes[inner].loop == 1 && !tile.rests) {
    const int64_t elements = int64_t{tile.classes[inner].vector} * tile.classes[inner].registers;
    const int64_t between = elements * BytesHeldBetweenPasses(info, inner);
    held = std::max(held, CeilDiv(between, kRegisterBytes));
  }
  const bool waits = wide && !info.reductions().empty();
  const int64_t wanted = std::max(CeilDiv(waits ? kBytesAheadOfBarriers : kBytesAhead,
                                          std::max<int64_t>(1, bytes * block_threads)),
                                  kBusyThreads / block_threads);
  int64_t shared = StagedBytes(info, tile);
  if (tile.packed >= 0) shared += PackedBytes(info, tile);
  for (int v : tile.ahead) {
    shared += tile.trips_ahead * block_threads * BytesAhead(info, tile.classes, tile.rests, v);
  }
  const int64_t resident =
      std::min({wanted, MostResident(target, shared, held + kept, block_threads),
                CeilDiv(blocks, target.multiprocessors)});  // no more than there are
  return resident == 1 ? 0 : static_cast<int>(resident);
}

}  // namespace ingot::plan
