#include "compiler/plan/tile_packed.h"

#include <algorithm>
#include <array>
#include <bit>
#include <vector>

#include "compiler/plan/analysis.h"
#include "compiler/plan/tile_turns.h"
#include "compiler/plan/tile_vectors.h"
#include "ir/base/status.h"

namespace ingot::plan {
namespace {

constexpr int64_t kAccessBytes = 16;
constexpr int64_t kWideWordBytes = 8;
// The longest rows that are packed: of more a multiprocessor has too few threads.
constexpr int64_t kMostElements = 512;
// Elements of all inputs that a thread has, and those of one row; bytes of inputs that it loads, at
// least.
constexpr int64_t kMostHeld = 64;
constexpr int64_t kMostOfRow = 32;
constexpr int64_t kLeastLoaded = 64;
// Operations of a thread's code.
constexpr int64_t kMostCode = 4096;
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
    const int64_t elements = info_.space().classes()[inner_].size;
    if (tile_.packed < 0 || elements > kMostElements || HasWholeSectors()) return false;
    tile_.classes = deal_.classes;
    CountArrays();
    if (!DealThreads()) return false;
    inner().registers = static_cast<int>(UnitsLeft(inner()));
    rows().blocks = CeilDiv(rows().size, rows().block_extent());
    deal_.classes = tile_.classes;
    deal_.packed = tile_.packed;
    for (int v = 0; v < graph().input_count(); ++v) {
      const absl::Span<const int> own = info_.space().ClassesOf(v);
      if (info_.uses().Of(v).in_space() && Contains(own, inner_) && !IsPacked(info_, tile_, v)) {
        deal_.staged.push_back(v);
      }
    }
    if (inner().lanes > 1 && GathersAll()) deal_.gathered = tile_.packed;
    return true;
  }

 private:
  const FusionGraph& graph() const { return info_.graph(); }
  TileClass& inner() { return tile_.classes[inner_]; }
  TileClass& rows() { return tile_.classes[tile_.packed]; }

  // Of each row of each array.
  bool HasWholeSectors() const {
    for (int v : ArraysInSpace(info_)) {
      const Shape& shape = graph().value(v).shape();
      if (!IsPacked(info_, tile_, v)) continue;
      if (BytesOf(shape, info_.space().classes()[inner_].size) % kSectorBytes != 0) return false;
    }
    return true;
  }

  void CountArrays() {
    int64_t vector = inner().vector;
    for (int v : ArraysInSpace(info_)) {
      const Shape& shape = graph().value(v).shape();
      if (!IsPacked(info_, tile_, v)) continue;
      vector = std::min(vector, PackedChunk(shape.element_type()));
      if (!graph().IsInput(v)) continue;
      ++inputs_;
      input_bytes_ += ByteWidth(shape.element_type());
    }
    inner().vector = static_cast<int>(vector);
  }

  // The fewest lanes that hold a row, and as many rows of a thread as make it load enough.  Few
  // rows, or little shared memory: fewer of a thread, then fewer warps.
  bool DealThreads() {
    const int64_t code = CodeOfElement(info_, inner_);
    const int64_t held = std::max<int64_t>(1, inputs_);
    const int64_t most = std::min(kMostOfRow, std::max<int64_t>(4, kMostCode / code)) / held;
    const int64_t units = inner().size / inner().vector;
    const int64_t lanes =
        std::max(PowerOfTwoCeil(CeilDiv(inner().size, std::max<int64_t>(inner().vector, most))),
                 std::min<int64_t>(LowestBit(units), kWarp));
    if (lanes > kWarp / 2) return false;
    inner().lanes = static_cast<int>(lanes);
    rows().lanes = static_cast<int>(kWarp / lanes);
    const int64_t of_row = CeilDiv(units, lanes) * inner().vector;
    int64_t several = 1;
    while (several * of_row * input_bytes_ < kLeastLoaded &&
           2 * several * of_row * held <= kMostHeld) {
      several *= 2;
    }
    for (int64_t warps = std::max(kWarps, PackedStride(tile_)); warps >= 1;
         several > 1 ? several /= 2 : warps /= 2) {
      rows().warps = static_cast<int>(warps);
      rows().registers = static_cast<int>(several);
      if (warps * several % PackedStride(tile_) != 0) return false;
      if (rows().size >= rows().block_extent() * target_.multiprocessors && IsHeld()) return true;
    }
    return false;
  }

  bool IsHeld() const {
    int64_t bytes = PackedBytes(info_, tile_) + kOtherSharedBytes;
    for (int v = 0; v < graph().input_count(); ++v) {
      const Shape& shape = graph().value(v).shape();
      if (info_.space().ClassesOf(v) == absl::Span<const int>({inner_})) {
        bytes += BytesOf(shape, shape.ElementCount());
      }
    }
    const int64_t resident = target_.card->shared_bytes / kLeastResident;
    return bytes <= target_.shared_bytes && bytes <= resident - target_.card->reserved_shared_bytes;
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
  TilePlan tile_;                         // what is dealt so far
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

int64_t PackedWordBytes(ElementType type) {
  return std::max<int64_t>(kRegisterBytes, ByteWidth(type));
}

int64_t PackedChunk(ElementType type) { return kAccessBytes / PackedWordBytes(type); }

// Accesses of a row stand side by side in a warp, l of them; the next row's are an odd number of
// times l further on, of 32 banks.
int64_t PackedStride(const TilePlan& tile) {
  const TileClass& inner = tile.classes[tile.order[0]];
  if (tile.classes[tile.packed].lanes == 1) return 1;
  return std::max<int64_t>(1, inner.lanes / LowestBit(inner.size / inner.vector));
}

int64_t PackedBytes(const FusionInfo& info, const TilePlan& tile) {
  // By words of 4 and of 8 bytes.
  std::array<int64_t, 2> inputs{}, results{};
  const auto count = [&](std::array<int64_t, 2>& counts, int value) {
    if (!IsPacked(info, tile, value)) return;
    const ElementType type = info.graph().value(value).shape().element_type();
    ++counts[PackedWordBytes(type) == kWideWordBytes ? 1 : 0];
  };
  for (int v = 0; v < info.graph().input_count(); ++v) count(inputs, v);
  for (const Instruction* root : info.graph().view().roots) {
    count(results, info.graph().NumberOf(*root));
  }
  const int64_t elements = SaturatingMultiply(tile.classes[tile.packed].block_extent(),
                                              tile.classes[tile.order[0]].size);
  const int64_t words = std::max(inputs[0], results[0]) + 2 * std::max(inputs[1], results[1]);
  return SaturatingMultiply(elements, words * kRegisterBytes);
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
  INGOT_REQUIRE(rows.loop == 1 && inner.loop == 1, "packed: a class loops");
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
