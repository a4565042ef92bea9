#include "compiler/plan/tile_packed.h"

#include <algorithm>
#include <vector>

#include "compiler/plan/analysis.h"
#include "compiler/plan/tile_turns.h"
#include "compiler/plan/tile_vectors.h"
#include "ir/base/status.h"

namespace ingot::plan {
namespace {

constexpr int64_t kAccessBytes = 16;
constexpr int64_t kBankBytes = 4;
// The longest rows that are packed.  Longer ones are faster from their first aligned element on,
// even where each thread loads what rows share element by element: packed, layer norms of rows of
// 511 and 1,001 floats take 14 and 22 % longer on an H200; of 100 it is 6 to 11 % less.
constexpr int64_t kLongestRow = 256;
// Elements of all inputs that a thread has, and those of one row; bytes of inputs that it loads, at
// least.
constexpr int64_t kMostHeld = 64;
constexpr int64_t kMostOfRow = 32;
constexpr int64_t kLeastLoaded = 64;
// Operations of a thread's code for one row.
constexpr int64_t kMostCodeOfRow = 4096;
constexpr int64_t kWarps = 4;
// Blocks that a multiprocessor holds, at least, and shared memory of one besides ranges.
constexpr int64_t kLeastResident = 2;
constexpr int64_t kOtherSharedBytes = 512;

bool IsPackable(const Shape& shape) {
  if (!shape.IsArray() || IsComplex(shape.element_type())) return false;
  return shape.element_type() == ElementType::kPred || BitWidth(shape.element_type()) >= 8;
}

int64_t LowestBit(int64_t n) { return n & -n; }

class PackedDealer {
 public:
  PackedDealer(const FusionInfo& info, const PassLevels& levels, const Target& target,
               const std::vector<int>& order, TileDeal& deal)
      : info_(info), levels_(levels), target_(target), inner_(order[0]), deal_(deal) {
    tile_.order = order;
    tile_.packed = PackedRows(info, levels, inner_);
  }

  bool Run() {
    if (tile_.packed < 0) return false;
    tile_.classes = deal_.classes;
    CountArrays();
    const int64_t elements = inner().size;
    if (has_sectors_ || elements > kLongestRow || !DealLanes()) return false;
    rows().blocks = CeilDiv(rows().size, rows().block_extent());
    deal_.classes = tile_.classes;
    deal_.packed = tile_.packed;
    deal_.staged = tile_.staged;
    if (inner().lanes > 1 && GathersAll()) deal_.gathered = tile_.packed;
    return true;
  }

 private:
  const FusionGraph& graph() const { return info_.graph(); }
  TileClass& inner() { return tile_.classes[inner_]; }
  TileClass& rows() { return tile_.classes[tile_.packed]; }

  // Sets what is asked of the arrays below.
  void CountArrays() {
    for (int v : ArraysInSpace(info_)) {
      if (!Contains(info_.space().ClassesOf(v), inner_)) continue;
      const Shape& shape = graph().value(v).shape();
      const int64_t bytes = BytesOf(shape, inner().size);
      if (!IsPacked(info_, tile_, v)) {
        if (!graph().IsInput(v) || !IsPackable(shape)) continue;
        shared_.push_back(v);
        shared_bytes_ += bytes;
        continue;
      }
      has_sectors_ = has_sectors_ && bytes % kSectorBytes == 0;
      vector_ = std::min<int64_t>(vector_, kAccessBytes / ByteWidth(shape.element_type()));
      if (!graph().IsInput(v)) continue;
      ++inputs_;
      input_bytes_ += ByteWidth(shape.element_type());
    }
    inputs_ = std::max<int64_t>(1, inputs_);
  }

  // The fewest lanes that hold a row, and as many rows of a thread as make it load enough.  Few
  // rows, or little shared memory: fewer of a thread, then fewer warps.
  bool DealLanes() {
    constexpr int64_t kMostOfAccess = kAccessBytes / kBankBytes;
    inner().vector = static_cast<int>(std::min({int64_t{inner().vector}, vector_, kMostOfAccess}));
    tile_.staged = shared_;
    const int64_t code = CodeOfElement(info_, inner_);
    const int64_t most =
        std::min(kMostOfRow, std::max<int64_t>(4, kMostCodeOfRow / code)) / inputs_;
    const int64_t units = inner().size / inner().vector;
    const int64_t lanes =
        std::max(PowerOfTwoCeil(CeilDiv(inner().size, std::max<int64_t>(inner().vector, most))),
                 std::min<int64_t>(LowestBit(units), kWarp));
    if (lanes > kWarp / 2) return false;
    inner().lanes = static_cast<int>(lanes);
    inner().loop = 1;
    inner().registers = static_cast<int>(CeilDiv(units, lanes));
    rows().lanes = static_cast<int>(kWarp / lanes);
    const int64_t of_row = CeilDiv(units, lanes) * inner().vector;
    int64_t several = 1;
    while (several * of_row * input_bytes_ < kLeastLoaded &&
           2 * several * of_row * inputs_ <= kMostHeld) {
      several *= 2;
    }
    for (int64_t warps = std::max(kWarps, PackedStride(tile_)); warps >= 1;
         several > 1 ? several /= 2 : warps /= 2) {
      rows().warps = static_cast<int>(warps);
      rows().registers = static_cast<int>(several);
      if (warps * several % PackedStride(tile_) != 0) return false;
      if (HasBlocks()) return true;
    }
    return false;
  }

  // Whether there are blocks for all multiprocessors, and shared memory for their ranges.
  bool HasBlocks() {
    if (rows().size < rows().block_extent() * target_.multiprocessors) return false;
    const int64_t resident = target_.card->shared_bytes / kLeastResident;
    const int64_t most = resident - target_.card->reserved_shared_bytes;
    return SharedBytes() <= std::min<int64_t>(target_.shared_bytes, most);
  }

  int64_t SharedBytes() const {
    const int64_t staged = tile_.staged.empty() ? 0 : shared_bytes_;
    return PackedBytes(info_, tile_) + staged + kOtherSharedBytes;
  }

  // Whether there are results of an element a row, and all of them can be gathered.
  bool GathersAll() const {
    bool any = false;
    for (const Instruction* root : graph().view().roots) {
      const int value = graph().NumberOf(*root);
      if (levels_.HasEnded(info_, value)) continue;
      if (!CanBeGathered(info_, levels_, tile_.packed, value)) return false;
      any = true;
    }
    return any;
  }

  const FusionInfo& info_;
  const PassLevels& levels_;
  const Target& target_;
  const int inner_;
  TileDeal& deal_;
  TilePlan tile_;            // what is dealt so far
  std::vector<int> shared_;  // inputs that all rows read
  int64_t shared_bytes_ = 0;
  bool has_sectors_ = true;               // rows are made of whole sectors
  int64_t vector_ = kAccessBytes;         // elements of an access to the widest range
  int64_t inputs_ = 0, input_bytes_ = 0;  // that are ranges; of an element of all of them
};

}  // namespace

int PackedRows(const FusionInfo& info, const PassLevels& levels, int inner) {
  if (levels.across > 0 || !levels.ended[inner]) return -1;
  int rows = -1;
  for (size_t c = 0; c < levels.ended.size(); ++c) {
    if (static_cast<int>(c) == inner) continue;
    if (levels.ended[c] || rows >= 0) return -1;
    rows = static_cast<int>(c);
  }
  if (rows < 0) return -1;
  bool any = false;
  for (int v : ArraysInSpace(info)) {
    const absl::Span<const int> own = info.space().ClassesOf(v);
    if (own.size() < 2) continue;
    if (own[0] != rows || own[1] != inner || !IsPackable(info.graph().value(v).shape())) return -1;
    any = true;
  }
  return any ? rows : -1;
}

bool IsPacked(const FusionInfo& info, const TilePlan& tile, int value) {
  const bool lies = !info.graph().IsInput(value) || info.uses().Of(value).in_space();
  return tile.packed >= 0 && lies && info.space().ClassesOf(value).size() == 2;
}

int64_t PackedWordBytes(ElementType type) { return std::max<int64_t>(kBankBytes, ByteWidth(type)); }

int64_t PackedChunk(ElementType type) { return kAccessBytes / PackedWordBytes(type); }

// Accesses of a row stand side by side in a warp, l of them; the next row's are an odd number of
// times l further on, of 32 banks.
int64_t PackedStride(const TilePlan& tile) {
  const TileClass& inner = tile.classes[tile.order[0]];
  return std::max<int64_t>(1, inner.lanes / LowestBit(inner.size / inner.vector));
}

PackedRanges PackedRangesOf(const FusionInfo& info, const TilePlan& tile) {
  PackedRanges ranges;
  const auto word_of = [&](int value) {
    return PackedWordBytes(info.graph().value(value).shape().element_type());
  };
  const auto memory_of = [&](int value) {
    ranges.word_bytes.push_back(word_of(value));
    return static_cast<int>(ranges.word_bytes.size()) - 1;
  };
  for (int v = 0; v < info.graph().input_count(); ++v) {
    if (IsPacked(info, tile, v)) ranges.inputs.push_back({v, memory_of(v)});
  }
  std::vector<bool> taken(ranges.inputs.size(), false);
  for (const Instruction* root : info.graph().view().roots) {
    const int value = info.graph().NumberOf(*root);
    if (!IsPacked(info, tile, value)) continue;
    size_t i = 0;
    while (i < taken.size() && (taken[i] || ranges.word_bytes[i] != word_of(value))) ++i;
    if (i < taken.size()) taken[i] = true;
    ranges.results.push_back({value, i < taken.size() ? static_cast<int>(i) : memory_of(value)});
  }
  return ranges;
}

int64_t PackedBytes(const FusionInfo& info, const TilePlan& tile) {
  const int64_t elements = SaturatingMultiply(tile.classes[tile.packed].block_extent(),
                                              tile.classes[tile.order[0]].size);
  int64_t bytes = 0;
  for (const int64_t word : PackedRangesOf(info, tile).word_bytes) {
    bytes = SaturatingAdd(bytes, SaturatingMultiply(elements, word));
  }
  return bytes;
}

absl::Status PackedFits(const FusionInfo& info, const PassLevels& levels, const TilePlan& tile) {
  if (tile.packed < 0) return absl::OkStatus();
  INGOT_REQUIRE(tile.packed == PackedRows(info, levels, tile.order[0]), "packed: d", tile.packed,
                " is no class of rows along d", tile.order[0]);
  INGOT_REQUIRE(
      tile.known_level == 0 && tile.partial_level == 0 && !tile.aligned && tile.ahead.empty(),
      "packed: the kernel is one of several, or copies ahead, or rows are aligned");
  for (int v : tile.staged) {
    INGOT_REQUIRE(!IsPacked(info, tile, v), "packed: input ", v, " is staged");
  }
  const TileClass& rows = tile.classes[tile.packed];
  const TileClass& inner = tile.classes[tile.order[0]];
  INGOT_REQUIRE(rows.loop == 1 && inner.loop == 1, "packed: d",
                rows.loop > 1 ? tile.packed : tile.order[0], " loops");
  const int64_t stride = PackedStride(tile);
  INGOT_REQUIRE(int64_t{rows.warps} * rows.registers % stride == 0, "packed: warps=", rows.warps,
                " registers=", rows.registers, " of d", tile.packed,
                "; they must make a multiple of ", stride);
  for (int v : ArraysInSpace(info)) {
    if (!IsPacked(info, tile, v)) continue;
    const int64_t chunk = PackedChunk(info.graph().value(v).shape().element_type());
    INGOT_REQUIRE(chunk % inner.vector == 0 && rows.block_extent() * inner.size % chunk == 0,
                  "packed: ", rows.block_extent(), " rows in vectors of ", inner.vector,
                  " are not made of accesses of ", chunk, " elements");
  }
  return absl::OkStatus();
}

bool DealPacked(const FusionInfo& info, const PassLevels& levels, const Target& target,
                const std::vector<int>& order, const TileKnobs& knobs, TileDeal& deal) {
  return knobs.packs && PackedDealer(info, levels, target, order, deal).Run();
}

}  // namespace ingot::plan
