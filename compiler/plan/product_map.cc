#include "compiler/plan/product_map.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "ir/analysis/op_facts.h"
#include "ir/base/integers.h"
#include "ir/base/status.h"

namespace ingot::plan {
namespace {

constexpr int kOuter = 1, kDepth = 2;
constexpr int kMapAlignment = 16;

// The digit that an atom of an address is: d, d / a, d mod b, (d / a) mod b.
std::optional<OperandDigit> DigitOf(const IndexExpr& atom, absl::Span<const int64_t> sizes) {
  OperandDigit digit;
  const IndexExpr* expr = &atom;
  int64_t extent = 0;
  if (expr->kind() == IndexExpr::Kind::kModulo) {
    extent = expr->value();
    expr = &expr->lhs();
  }
  if (expr->kind() == IndexExpr::Kind::kFloorDivide) {
    digit.divisor = expr->value();
    expr = &expr->lhs();
  }
  if (expr->kind() != IndexExpr::Kind::kDimension) return std::nullopt;
  digit.coordinate = static_cast<int>(expr->value());
  const int64_t size = sizes[digit.coordinate];
  digit.extent = extent > 0 ? extent : CeilDiv(size, digit.divisor);
  return digit;
}

// The digit of a coordinate that a tile lies along, which it does not cross.
absl::StatusOr<OperandDigit> SideOf(const std::vector<OperandDigit>& digits, int coordinate,
                                    int tile) {
  int count = 0;
  OperandDigit side;
  side.coordinate = coordinate;
  for (const OperandDigit& digit : digits) {
    if (digit.coordinate == coordinate && count++ == 0) side = digit;
  }
  INGOT_REQUIRE(count <= 1 || side.extent % tile == 0, "a tile of ", tile, " crosses runs of ",
                side.extent);
  return side;
}

}  // namespace

// The lowest digit of a coordinate comes first; digits that go on from one to the next are one.
absl::StatusOr<OperandDigits> DigitsOf(const Shape& shape, const IndexMap& map) {
  const std::vector<int64_t> strides = RowMajorStrides(shape.dimensions());
  INGOT_REQUIRE(map.IsTotal(), "parts of it are padding");
  const IndexSum sum = SumOf(AddressOf(map, strides));
  std::vector<OperandDigit> all;
  for (const IndexSum::Term& term : sum.terms) {
    std::optional<OperandDigit> digit = DigitOf(term.atom, map.sizes);
    INGOT_REQUIRE(digit.has_value(), "its addresses are no sum of digits");
    INGOT_REQUIRE(term.coefficient > 0, "it is read backwards");
    digit->stride = term.coefficient;
    all.push_back(*digit);
  }
  std::sort(all.begin(), all.end(), [](const OperandDigit& a, const OperandDigit& b) {
    return std::pair(a.coordinate, a.divisor) < std::pair(b.coordinate, b.divisor);
  });
  OperandDigits result{shape.element_type(), map.sizes, {}};
  std::vector<OperandDigit>& digits = result.digits;
  int64_t next[3] = {1, 1, 1};
  for (const OperandDigit& digit : all) {
    int64_t& divisor = next[digit.coordinate];
    INGOT_REQUIRE(digit.divisor == divisor, "elements of it are read again");
    divisor = SaturatingMultiply(divisor, digit.extent);
    OperandDigit* last = digits.empty() ? nullptr : &digits.back();
    if (last != nullptr && last->coordinate == digit.coordinate &&
        last->stride * last->extent == digit.stride) {
      last->extent *= digit.extent;
    } else {
      digits.push_back(digit);
    }
  }
  for (int c = 0; c < 3; ++c) {
    INGOT_REQUIRE(next[c] >= map.sizes[c], "elements of it are read again");
  }
  // A slice begins somewhere: the constant is so many of the longest strides first.
  std::vector<OperandDigit*> by_stride;
  for (OperandDigit& digit : digits) by_stride.push_back(&digit);
  std::sort(by_stride.begin(), by_stride.end(),
            [](const OperandDigit* a, const OperandDigit* b) { return a->stride > b->stride; });
  int64_t rest = sum.constant;
  for (OperandDigit* digit : by_stride) {
    digit->offset = rest / digit->stride;
    rest %= digit->stride;
  }
  INGOT_REQUIRE(rest == 0 && sum.constant >= 0, "it begins between its elements");
  return result;
}

TensorMap TileMapOf(ElementType type) {
  TensorMap map;
  map.element_type = type;
  map.swizzle_bytes = kTileLineBytes;
  map.l2_promotion_bytes = kTileLineBytes;
  map.rounds_to_tf32 = type == ElementType::kF32;
  return map;
}

absl::StatusOr<OperandCopy> CopyOf(const OperandDigits& operand, int outer, int depth, int shares) {
  INGOT_ASSIGN_OR_RETURN(const OperandDigit rows, SideOf(operand.digits, kOuter, outer));
  INGOT_ASSIGN_OR_RETURN(const OperandDigit along, SideOf(operand.digits, kDepth, depth));
  const int width = ByteWidth(operand.type);
  const int line = kTileLineBytes / width;
  INGOT_REQUIRE(rows.stride == 1 || along.stride == 1, "neither rows nor depth lie side by side");
  OperandCopy copy;
  // A matrix of one row has no stride along rows.
  copy.depth_major = along.stride == 1 && (along.extent > 1 || rows.stride > 1 || rows.extent == 1);
  copy.digits = copy.depth_major ? std::vector<OperandDigit>{along, rows}
                                 : std::vector<OperandDigit>{rows, along};
  copy.boxes = copy.depth_major ? 1 : outer / line;
  INGOT_REQUIRE(copy.depth_major ? depth == line : outer % line == 0, "tiles of ", outer, " by ",
                depth, " are no lines of ", kTileLineBytes, " bytes");
  for (const OperandDigit& digit : operand.digits) {
    const bool is_side = (digit.coordinate == kOuter && digit.divisor == 1) ||
                         (digit.coordinate == kDepth && digit.divisor == 1);
    if (!is_side) copy.digits.push_back(digit);
  }
  TensorMap& map = copy.map;
  map = TileMapOf(operand.type);
  for (size_t i = 0; i < copy.digits.size(); ++i) {
    const OperandDigit& digit = copy.digits[i];
    map.dimensions.push_back(digit.offset + digit.extent);
    INGOT_REQUIRE(map.dimensions.back() <= std::numeric_limits<int32_t>::max(),
                  "a dimension of it is longer than 2^31");
    map.box.push_back(1);
    if (i == 0) continue;
    // Of one element, the stride is never walked.
    const int64_t stride = map.dimensions[i] == 1 ? kMapAlignment : digit.stride * width;
    map.byte_strides.push_back(stride);
  }
  INGOT_REQUIRE(copy.digits[0].offset * width % kMapAlignment == 0,
                "its rows begin within 16 bytes");
  map.box[0] = line;
  map.box[1] = (copy.depth_major ? outer : depth) / shares;
  INGOT_RETURN_IF_ERROR(CheckTensorMap(map));
  return copy;
}

namespace {

absl::StatusOr<ResultCopy> StoreOf(const Shape& shape, const IndexMap& map) {
  INGOT_ASSIGN_OR_RETURN(OperandDigits digits, DigitsOf(shape, map));
  const int width = ByteWidth(digits.type);
  INGOT_ASSIGN_OR_RETURN(OperandCopy copy, CopyOf(digits, kStoredRows, kTileLineBytes / width));
  INGOT_REQUIRE(copy.depth_major, "columns of the result do not lie side by side");
  // A store writes whole pieces of 16 bytes.
  INGOT_REQUIRE(copy.digits[0].extent * width % kMapAlignment == 0,
                "rows of the result end within 16 bytes");
  copy.map.rounds_to_tf32 = false;
  return ResultCopy{std::move(digits.sizes), std::move(copy.digits), std::move(copy.map)};
}

}  // namespace

absl::StatusOr<std::vector<ResultCopy>> ResultCopiesOf(const Computation& fusion) {
  INGOT_ASSIGN_OR_RETURN(const ProductFusion product, MakeProductFusion(fusion, kStoredLanes));
  INGOT_REQUIRE(product.lanes == kStoredLanes, "columns are no pairs");
  const std::vector<const Instruction*> results = ResultsOf(fusion);
  std::vector<ResultCopy> copies;
  for (const Instruction* result : results) {
    const ElementType type = result->shape().element_type();
    INGOT_REQUIRE((IsFloat(type) || IsInteger(type)) && BitWidth(type) >= 8 &&
                      ByteWidth(type) == ByteWidth(results[0]->shape().element_type()),
                  result->name(), ": results of several widths");
    const std::vector<Instruction*>& all = fusion.instructions();
    const auto number = std::find(all.begin(), all.end(), result) - all.begin();
    INGOT_ASSIGN_OR_RETURN(
        ResultCopy copy,
        StoreOf(result->shape(), Compose(product.product.output, product.values[number]->place)));
    copies.push_back(std::move(copy));
  }
  INGOT_RETURN_IF_ERROR(PartialCopyOf(product.product, 1).status());
  return copies;
}

namespace {

// What stands before a product's results besides the product.
class Reads {
 public:
  using Places = absl::flat_hash_map<const Instruction*, const IndexMap*>;
  explicit Reads(const Places& places) : places_(places) {}

  // What `consumer` has made of at its place.
  void Visit(const Instruction& value, const Instruction& consumer) {
    absl::flat_hash_set<const Instruction*> seen;
    std::vector<const Instruction*> open = {&value};
    while (!open.empty()) {
      const Instruction& next = *open.back();
      open.pop_back();
      if (IsFree(next) || !seen.insert(&next).second) continue;
      const bool same =
          next.shape().IsArray() && next.shape().dimensions() == consumer.shape().dimensions();
      if (same && next.opcode() == Opcode::kParameter) {
        AddMatrix(next, consumer);
      } else if (same && next.kind() == OpKind::kElementwise && next.opcode() != Opcode::kMap) {
        open.insert(open.end(), next.operands().begin(), next.operands().end());
      } else {
        others_ = true;
      }
    }
  }

  const std::vector<MatrixRead>& matrices() const { return matrices_; }
  bool HasOthers() const { return others_ || matrices_.size() > 1; }

 private:
  void AddMatrix(const Instruction& parameter, const Instruction& consumer) {
    const bool known = absl::c_any_of(matrices_, [&](const MatrixRead& read) {
      return read.parameter == &parameter && *places_.at(read.consumer) == *places_.at(&consumer);
    });
    if (!known) matrices_.push_back({&parameter, &consumer, {}});
  }

  const Places& places_;
  std::vector<MatrixRead> matrices_;
  bool others_ = false;
};

}  // namespace

absl::StatusOr<MatrixRead> MatrixReadOf(const Computation& fusion) {
  INGOT_ASSIGN_OR_RETURN(const ProductFusion product, MakeProductFusion(fusion, kStoredLanes));
  Reads::Places places;
  for (size_t i = 0; i < product.values.size(); ++i) {
    if (!product.values[i].has_value()) continue;
    places[fusion.instructions()[i]] = &product.values[i]->place;
  }
  Reads reads(places);
  for (const Instruction* consumer : fusion.instructions()) {
    if (!places.contains(consumer) || consumer->kind() != OpKind::kElementwise) continue;
    for (const Instruction* operand : consumer->operands()) {
      if (!places.contains(operand)) reads.Visit(*operand, *consumer);
    }
  }
  INGOT_REQUIRE(!reads.matrices().empty(), "results are made of no other matrix");
  INGOT_ASSIGN_OR_RETURN(const std::vector<ResultCopy> results, ResultCopiesOf(fusion));
  const int width = ByteWidth(results[0].map.element_type);
  for (MatrixRead read : reads.matrices()) {
    const Shape& shape = read.parameter->shape();
    if (ByteWidth(shape.element_type()) != width || BitWidth(shape.element_type()) < 8) continue;
    absl::StatusOr<ResultCopy> copy =
        StoreOf(shape, Compose(product.product.output, *places.at(read.consumer)));
    if (!copy.ok()) continue;
    read.copy = *std::move(copy);
    read.others = reads.HasOthers();
    return read;
  }
  return InvalidArgument("results are made of no other matrix that comes in boxes");
}

absl::StatusOr<std::vector<ResultCopy>> PartialCopyOf(const Product& product, int splits) {
  const int64_t parts = splits * product.batch;
  const Shape shape =
      Shape::ArrayWithDefaultLayout(product.sum_type(), {parts, product.rows, product.columns});
  const IndexMap identity = IndexMap::Identity(shape.dimensions());
  INGOT_ASSIGN_OR_RETURN(ResultCopy copy, StoreOf(shape, identity));
  return std::vector<ResultCopy>{std::move(copy)};
}

}  // namespace ingot::plan
