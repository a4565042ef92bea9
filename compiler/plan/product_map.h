// Tensor maps of a product's matrices: what the copy engine is told, so that it brings their tiles
// to shared memory as wgmma reads them.
#ifndef INGOT_COMPILER_PLAN_PRODUCT_MAP_H_
#define INGOT_COMPILER_PLAN_PRODUCT_MAP_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "compiler/plan/product.h"
#include "ir/base/tensor_map.h"

namespace ingot::plan {

// The width of the swizzle of all tiles: of a line of elements side by side.
inline constexpr int kTileLineBytes = 128;

// A dimension of a matrix's memory: digit (c / divisor) mod extent of coordinate number
// `coordinate` of its map, plus `offset`; its values are `stride` elements apart.
struct OperandDigit {
  int coordinate = 0;
  int64_t divisor = 1;
  int64_t extent = 1;
  int64_t stride = 1;
  int64_t offset = 0;
  bool operator==(const OperandDigit&) const = default;
};

// A matrix as digits of its coordinates.
struct OperandDigits {
  ElementType type = ElementType::kF32;
  std::vector<int64_t> sizes;  // of the coordinates: batch, rows, depth
  std::vector<OperandDigit> digits;
};
// Of an array that has the element of each (batch, row, depth) where `map` says.  InvalidArgument
// where addresses are no sum of digits.
absl::StatusOr<OperandDigits> DigitsOf(const Shape& shape, const IndexMap& map);
inline absl::StatusOr<OperandDigits> DigitsOf(const ProductOperand& operand) {
  return DigitsOf(operand.parameter->shape(), operand.map);
}

// What the maps of all tiles share: type, swizzle and rounding; without sizes.
TensorMap TileMapOf(ElementType type);

// How a tile of `outer` rows (of the right matrix: columns) by `depth` elements of one batch is
// copied: boxes of `map`, one behind the other, each kTileLineBytes of rows further where lines lie
// along rows.  Each of `shares` blocks brings so many lines of each box (rows, or depth where lines
// lie along rows).
struct OperandCopy {
  std::vector<OperandDigit> digits;  // of the map's dimensions, the innermost first
  TensorMap map;
  bool depth_major = true;
  int boxes = 1;
};
// InvalidArgument says why no tensor map reads the matrix so: a tile that crosses a digit, strides
// that are not whole 16 bytes.
absl::StatusOr<OperandCopy> CopyOf(const OperandDigits& operand, int outer, int depth,
                                   int shares = 1);

// Rows of the boxes in which the copy engine stores results, each of one line of columns.
inline constexpr int kStoredRows = 16;
// Columns of a row that a thread makes of sums where they are.
inline constexpr int kStoredLanes = 2;
// How the results of a product's fusion are stored in such boxes, in order; the coordinates are
// batch, row, column.  InvalidArgument: some result is not, or elements have several widths.
struct ResultCopy {
  std::vector<int64_t> sizes;  // of the coordinates
  std::vector<OperandDigit> digits;
  TensorMap map;
};
absl::StatusOr<std::vector<ResultCopy>> ResultCopiesOf(const Computation& fusion);
// Another matrix of which results are made element by element: `consumer` has it read at its own
// place.
struct MatrixRead {
  const Instruction* parameter = nullptr;
  const Instruction* consumer = nullptr;
  ResultCopy copy;
  bool others = false;  // results are made of other memory, too
};
// The first that comes in boxes as the results are stored, of their width.  InvalidArgument: there
// is none.
absl::StatusOr<MatrixRead> MatrixReadOf(const Computation& fusion);
// The same of sums of parts of depth: [split, batch, row, column] in scratch, the first two of
// which are one coordinate.
absl::StatusOr<std::vector<ResultCopy>> PartialCopyOf(const Product& product, int splits);

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_PRODUCT_MAP_H_
