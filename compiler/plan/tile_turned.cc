#include "compiler/plan/tile_turned.h"

#include <algorithm>
#include <utility>

#include "compiler/plan/analysis.h"
#include "compiler/plan/tile_vectors.h"
#include "ir/base/integers.h"
#include "ir/base/status.h"

namespace ingot::plan {
namespace {

// Rows and columns of a box of vectors that a warp has.
constexpr int kRowLanes = 8;
constexpr int kColumnLanes = kWarp / kRowLanes;
constexpr int64_t kBytesOfBox = 16 << 10;
constexpr int64_t kMostRowRegisters = 4;
// Bytes of a row of a box where rows begin anywhere: at the ends of a row a sector is read for a
// part of it.
constexpr int64_t kBytesOfLongRow = 640;
// Rows of a box for each that is there because results begin earlier.  On an H200 more, in larger
// boxes of which a multiprocessor holds fewer, are slower.
constexpr int64_t kRowsOfRowBefore = 8;
// Boxes of more bytes have more threads.
constexpr int64_t kBytesOfLargeBox = 64 << 10;
// Sides shorter than this many bytes leave most of a box empty.
constexpr int64_t kLeastSide = 64;
// Columns that warps are given, over those that there are.
constexpr double kMostSpareColumns = 1.1;
// Blocks of a multiprocessor that boxes are made smaller for.
constexpr int64_t kFewBlocks = 4;
// Where something is reduced: the side of a box along it that blocks share, over the shortest;
// elements of a thread, and the most of them; and bytes of parts over those that are read.
constexpr int64_t kTimesAlongReduced = 4;
constexpr int64_t kElementsOfThread = 32;
constexpr int64_t kMostElementsOfThread = 96;
constexpr double kMostParts = 1.0 / 64;

int64_t WidthOf(const FusionInfo& info, int value) {
  return ByteWidth(Leaves(info.graph().value(value).shape())[0].element_type());
}

int ColumnClass(const FusionInfo& info, int input) { return info.space().ClassesOf(input).back(); }

// In elements: rows whose threads meet in no bank, for a warp reads one of each of 32 rows.
int64_t PitchOf(int64_t elements, int64_t width) {
  if (width >= kRegisterBytes) return elements | 1;
  const int64_t of_word = kRegisterBytes / width;
  return (CeilDiv(elements, of_word) | 1) * of_word;
}

class TurnedDealer {
 public:
  TurnedDealer(const FusionInfo& info, const PassLevels& levels, const Target& target,
               const std::vector<int>& order, const std::vector<int>& turned)
      : info_(info),
        levels_(levels),
        target_(target),
        row_(order[0]),
        column_(ColumnClass(info, turned[0])) {
    tile_.order = order;
    tile_.turned = turned;
    for (const IterationClass& c : info.space().classes()) {
      tile_.classes.emplace_back();
      tile_.classes.back().size = tile_.classes.back().blocks = c.size;
    }
    for (int v : turned) {
      least_width_ = std::min(least_width_, WidthOf(info, v));
      all_width_ += WidthOf(info, v);
    }
  }

  std::optional<TileDeal> Run() {
    const int64_t shortest =
        std::min(rows().size * NarrowestOfRows(), columns().size * least_width_);
    if (shortest < kLeastSide) return std::nullopt;
    tile_.shifted = !HasVectors();
    const bool reduces = levels_.last > 0;
    if (reduces && tile_.shifted) return std::nullopt;
    if (!(reduces ? DealReduced() : tile_.shifted ? DealElements() : DealVectors())) {
      return std::nullopt;
    }
    const int64_t before = tile_.shifted ? ShiftOf(info_, row_) - 1 : 0;
    rows().blocks = CeilDiv(rows().size + before, rows().block_extent());
    columns().blocks = CeilDiv(columns().size, columns().block_extent());
    TileDeal deal;
    deal.classes = tile_.classes;
    deal.turned = tile_.turned;
    deal.shifted = tile_.shifted;
    for (size_t c = 0; c < levels_.ended.size(); ++c) {
      if (levels_.ended[c]) deal.splits = SaturatingMultiply(deal.splits, deal.classes[c].blocks);
    }
    if (deal.splits > 1 && HasManyParts(deal.splits)) return std::nullopt;
    return deal;
  }

 private:
  TileClass& rows() { return tile_.classes[row_]; }
  TileClass& columns() { return tile_.classes[column_]; }

  int64_t NarrowestOfRows() const { return kSectorBytes / ShiftOf(info_, row_); }

  // Whether all rows of results and of boxes begin at a sector, and are made of whole vectors.
  bool HasVectors() {
    for (int v : tile_.turned) {
      if (columns().size * WidthOf(info_, v) % kSectorBytes != 0) return false;
    }
    return rows().size % ShiftOf(info_, row_) == 0 && MostVector(info_, row_) > 1;
  }

  bool Fits() const {
    int64_t bytes = 0;
    for (int v : tile_.turned) bytes += BoxOf(info_, tile_, v).bytes;
    return bytes <= target_.shared_bytes;
  }

  int64_t BlocksOfOthers() const {
    int64_t blocks = 1;
    for (int c : tile_.order) {
      if (c != row_ && c != column_) blocks = SaturatingMultiply(blocks, tile_.classes[c].size);
    }
    return blocks;
  }

  // A row of the box is kChunks accesses; a warp stores vectors of some rows and columns.
  bool DealVectors() {
    TileClass& r = rows();
    TileClass& c = columns();
    const int64_t elements = ElementsOfTrip(info_, row_);
    r.vector = MostVector(info_, row_);
    while (r.vector > std::max<int64_t>(kLeastVector, elements)) r.vector /= 2;
    r.lanes = kRowLanes;
    c.lanes = kColumnLanes;
    const int64_t extent = kChunks * kChunkBytes / least_width_;
    c.warps = static_cast<int>(std::min<int64_t>(kBlockThreads / kWarp, extent / kColumnLanes));
    while (extent > c.block_extent() && r.vector * extent / c.block_extent() > elements &&
           c.warps < kMostBlockThreads / kWarp) {
      c.warps *= 2;
    }
    c.registers = static_cast<int>(extent / c.block_extent());
    r.warps = std::max(1, kBlockThreads / kWarp / c.warps);
    int64_t registers = std::min(kBytesOfBox / (r.block_extent() * extent * all_width_),
                                 elements / (r.vector * c.registers));
    const int64_t blocks = SaturatingMultiply(
        BlocksOfOthers(), CeilDiv(r.size, r.block_extent()) * CeilDiv(c.size, extent));
    registers = std::min(registers, blocks / (kFewBlocks * target_.multiprocessors));
    r.registers = static_cast<int>(std::clamp<int64_t>(registers, 1, kMostRowRegisters));
    while (!Fits() && r.registers > 1) --r.registers;
    return Fits();
  }

  // Whether the parts of reductions are much beside what is read.
  bool HasManyParts(int64_t splits) const {
    double bytes = 0;
    for (const Reduction& reduction : info_.reductions()) {
      const Shape& shape = info_.graph().value(reduction.value).shape();
      bytes += static_cast<double>(ingot::BytesOf(shape, Leaves(shape)[0].ElementCount()));
    }
    return bytes * static_cast<double>(splits) >
           kMostParts * static_cast<double>(info_.cost().bytes_read());
  }

  // Boxes of vectors with the whole of what is reduced, if a block holds it; else with long sides
  // along it, for few parts.
  bool DealReduced() {
    const bool whole = levels_.last > 1 || HasWideRoot(info_, levels_);
    return (whole && DealSides(SideAlong(row_, /*whole=*/true), SideAlong(column_, true))) ||
           DealSides(SideAlong(row_, /*whole=*/false), SideAlong(column_, false));
  }

  int64_t SideAlong(int c, bool whole) const {
    const int64_t shortest = kChunks * kChunkBytes / least_width_;
    if (!levels_.ended[c]) return shortest;
    return whole ? RoundUp(tile_.classes[c].size, shortest) : kTimesAlongReduced * shortest;
  }

  // Deals a box of so many rows and columns, multiples of what kChunks accesses have, out to the
  // warps that leave the fewest places beyond it.
  bool DealSides(int64_t box_rows, int64_t box_columns) {
    const int64_t bytes = SaturatingMultiply(SaturatingMultiply(box_rows, box_columns), all_width_);
    if (bytes > target_.shared_bytes) return false;
    const int64_t threads =
        std::clamp<int64_t>(PowerOfTwoCeil(CeilDiv(box_rows * box_columns, kElementsOfThread)),
                            kBlockThreads, kMostBlockThreads);
    TileClass& r = rows();
    TileClass& c = columns();
    r.vector = std::min<int>(MostVector(info_, row_), kChunkBytes / kRegisterBytes);
    r.lanes = kRowLanes;
    c.lanes = kColumnLanes;
    const int64_t row_units = CeilDiv(box_rows, int64_t{1} * r.vector * r.lanes);
    const int64_t column_units = box_columns / c.lanes;
    int64_t fewest = 0;
    for (int64_t column_warps = threads / kWarp; column_warps >= 1; column_warps /= 2) {
      if (column_units % column_warps != 0) continue;
      const int64_t row_warps = threads / kWarp / column_warps;
      const int64_t places = CeilDiv(row_units, row_warps) * column_units / column_warps;
      if (fewest > 0 && places >= fewest) continue;
      fewest = places;
      r.warps = static_cast<int>(row_warps);
      c.warps = static_cast<int>(column_warps);
      r.registers = static_cast<int>(CeilDiv(row_units, row_warps));
      c.registers = static_cast<int>(column_units / column_warps);
    }
    return fewest > 0 && fewest * r.vector <= kMostElementsOfThread && Fits();
  }

  // Elements one by one: a warp reads and writes along memory, from a sector's first element on.
  bool DealElements() {
    TileClass& r = rows();
    TileClass& c = columns();
    const int64_t before = kSectorBytes / least_width_;
    r.lanes = kWarp;
    const int64_t most_rows = CeilDiv(kRowsOfRowBefore * ShiftOf(info_, row_), kWarp);
    const int64_t most_passes = CeilDiv(kBytesOfLongRow, kWarp * least_width_);
    int64_t row_registers = std::min(most_rows, CeilDiv(r.size, kWarp));
    const int64_t least_passes = before / kWarp + 1;
    int64_t passes = std::min(most_passes, CeilDiv(c.size + before, kWarp));
    for (;;) {
      r.registers = static_cast<int>(row_registers);
      SetColumns(passes * kWarp - before);
      if (Fits()) return true;
      if (passes == least_passes && row_registers == 1) return false;
      passes = std::max(least_passes, CeilDiv(passes, 2));
      row_registers = CeilDiv(row_registers, 2);
    }
  }

  // As few blocks as columns of `most` make, evenly; more warps where a box is large.
  void SetColumns(int64_t most) {
    TileClass& c = columns();
    const int64_t even = CeilDiv(c.size, CeilDiv(c.size, most));
    c.warps = kBlockThreads / kWarp;
    // Few columns may leave fewer warps less to do.
    if (static_cast<double>(RoundUp(even, c.warps)) >
        kMostSpareColumns * static_cast<double>(even)) {
      c.warps /= 2;
    }
    const int64_t box = even * rows().block_extent() * all_width_;
    const int64_t most_warps = std::min<int64_t>(most, kMostBlockThreads / kWarp);
    for (int64_t bytes = kBytesOfLargeBox; bytes < box && c.warps * 2 <= most_warps; bytes *= 2) {
      c.warps *= 2;
    }
    c.registers = static_cast<int>(std::min(CeilDiv(even, c.warps), most / c.warps));
  }

  const FusionInfo& info_;
  const PassLevels& levels_;
  const Target& target_;
  const int row_, column_;  // classes
  TilePlan tile_;
  int64_t least_width_ = kChunkBytes;  // bytes of the turned inputs' elements
  int64_t all_width_ = 0;
};

}  // namespace

int64_t ShiftOf(const FusionInfo& info, int inner) {
  int64_t width = kSectorBytes;
  for (int v : ArraysInSpace(info)) {
    const absl::Span<const int> own = info.space().ClassesOf(v);
    if (own.empty() || own.back() != inner) continue;
    for (const Shape& leaf : Leaves(info.graph().value(v).shape())) {
      width = std::min<int64_t>(width, std::max(1, ByteWidth(leaf.element_type())));
    }
  }
  return kSectorBytes / PowerOfTwoCeil(width);
}

absl::Span<const int> ShiftedRows(const FusionInfo& info, int inner) {
  absl::Span<const int> rows;
  for (const Instruction* root : info.graph().view().roots) {
    const absl::Span<const int> own = info.space().ClassesOf(info.graph().NumberOf(*root));
    if (!own.empty() && own.back() == inner && own.size() > rows.size()) rows = own;
  }
  return rows;
}

bool CanBeCopied(const FusionInfo& info, int input) {
  const FusionGraph& graph = info.graph();
  if (!graph.IsInput(input) || !info.uses().Of(input).in_space()) return false;
  const Shape& shape = graph.value(input).shape();
  const ElementType type = shape.element_type();
  const bool narrow = BitWidth(type) < 8 && type != ElementType::kPred;
  if (!shape.IsArray() || narrow) return false;
  // What a box has is provided at places: who asks by indices would read memory.
  std::vector<bool> depends(graph.value_count(), false);
  depends[input] = true;
  for (int v = graph.input_count(); v < graph.value_count(); ++v) {
    if (IsReduction(info, v)) continue;
    for (const FusionEdge& edge : graph.EdgesOf(v)) {
      depends[v] = depends[v] || depends[edge.operand];
    }
    if (depends[v] && !KeepsPlaces(graph.value(v))) return false;
  }
  return true;
}

bool CanBeTurned(const FusionInfo& info, int inner, int input) {
  const absl::Span<const int> own = info.space().ClassesOf(input);
  return Contains(own, inner) && own.back() != inner && CanBeCopied(info, input) &&
         !IsComplex(info.graph().value(input).shape().element_type());
}

TurnedBox BoxOf(const FusionInfo& info, const TilePlan& tile, int input) {
  TurnedBox box;
  const int64_t width = WidthOf(info, input);
  box.row_class = tile.order[0];
  box.column_class = ColumnClass(info, input);
  box.rows = tile.classes[box.row_class].block_extent();
  box.columns = tile.classes[box.column_class].block_extent();
  if (tile.shifted) {
    box.rows_before = ShiftOf(info, box.row_class);
    box.columns_before = kSectorBytes / width;
    box.rows = SaturatingAdd(box.rows, box.rows_before);
    const int64_t copied = RoundUp(SaturatingAdd(box.columns, box.columns_before), kWarp);
    box.pitch = PitchOf(copied + box.columns_before, width);
  } else {
    box.chunk = static_cast<int>(kChunkBytes / width);
    box.pitch = box.columns;
  }
  box.bytes = SaturatingMultiply(SaturatingMultiply(box.rows, box.pitch), width);
  return box;
}

namespace {

constexpr int kSwizzleBytes = 128;   // kChunks accesses of kChunkBytes
constexpr int kSwizzleRows = 8;      // after which the order of chunks repeats
constexpr int kBulkCapability = 90;  // the first cards with a copy engine for boxes
constexpr int64_t kMostCoordinate = (int64_t{1} << 31) - 1;

}  // namespace

TensorMap BulkMapOf(const FusionInfo& info, const TilePlan& tile, int input) {
  const TurnedBox box = BoxOf(info, tile, input);
  const int64_t width = WidthOf(info, input);
  const ElementType type = Leaves(info.graph().value(input).shape())[0].element_type();
  const int vector = tile.classes[box.row_class].vector;
  TensorMap map;
  // Bytes are only moved: a pred is a byte.
  map.element_type = type == ElementType::kPred ? ElementType::kU8 : type;
  map.swizzle_bytes = kSwizzleBytes;
  map.dimensions = {tile.classes[box.column_class].size};
  map.box = {static_cast<int32_t>(box.columns)};
  std::vector<std::pair<int64_t, int64_t>> others;  // sizes and strides, minor to major
  int64_t stride = width;
  const absl::Span<const int> classes = info.space().ClassesOf(input);
  for (size_t i = classes.size(); i-- > 0;) {
    const int64_t size = tile.classes[classes[i]].size;
    if (classes[i] == box.row_class) {
      map.dimensions.insert(map.dimensions.end(), {size / vector, int64_t{vector}});
      map.byte_strides.insert(map.byte_strides.end(), {stride * vector, stride});
      map.box.insert(map.box.end(), {static_cast<int32_t>(box.rows / vector), vector});
    } else if (classes[i] != box.column_class) {
      others.emplace_back(size, stride);
    }
    stride = SaturatingMultiply(stride, size);
  }
  for (const auto& [size, other_stride] : others) {
    map.dimensions.push_back(size);
    map.byte_strides.push_back(other_stride);
    map.box.push_back(1);
  }
  return map;
}

absl::Status BulkFits(const FusionInfo& info, const TilePlan& tile, int input,
                      const Target& target) {
  const TurnedBox box = BoxOf(info, tile, input);
  const ElementType type = Leaves(info.graph().value(input).shape())[0].element_type();
  const int64_t vector = tile.classes[box.row_class].vector;
  INGOT_REQUIRE(!tile.shifted && tile.box_threads == 0, "bulk: shifted, box_threads");
  INGOT_REQUIRE(target.capability >= kBulkCapability, "bulk: ", target.name,
                " has no copies of boxes");
  INGOT_REQUIRE(type == ElementType::kPred || (!IsComplex(type) && BitWidth(type) >= 8),
                "bulk: elements of ", ElementTypeName(type));
  INGOT_REQUIRE(box.columns * WidthOf(info, input) == kSwizzleBytes, "bulk: a row of the box is ",
                box.columns * WidthOf(info, input), " bytes, expected ", kSwizzleBytes);
  INGOT_REQUIRE(box.rows % (vector * kSwizzleRows) == 0, "bulk: the box has ", box.rows,
                " rows, expected a multiple of ", vector * kSwizzleRows);
  INGOT_REQUIRE(tile.classes[box.row_class].size % vector == 0, "bulk: rows are not whole vectors");
  for (int c : info.space().ClassesOf(input)) {
    INGOT_REQUIRE(tile.classes[c].size <= kMostCoordinate, "bulk: d", c, " is too long");
  }
  return Annotate(CheckTensorMap(BulkMapOf(info, tile, input)), "bulk");
}

std::optional<TileDeal> DealTurned(const FusionInfo& info, const PassLevels& levels,
                                   const Target& target, const std::vector<int>& order,
                                   const std::vector<int>& turned) {
  return TurnedDealer(info, levels, target, order, turned).Run();
}

}  // namespace ingot::plan
