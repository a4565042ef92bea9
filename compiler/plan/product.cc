#include "compiler/plan/product.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "compiler/plan/analysis.h"
#include "compiler/plan/contraction_shapes.h"
#include "ir/analysis/op_facts.h"
#include "ir/base/integers.h"
#include "ir/base/status.h"

namespace ingot::plan {
namespace {

// An address of more operations than this is dearer than what it saves.
constexpr int64_t kMostAddressNodes = 120;
constexpr int kAccessBytes = 16;

// The coordinates of a product's maps.
enum Coordinate : int { kBatch = 0, kOuter = 1, kDepth = 2 };

// Dimension `i` of a coordinate that is dimensions of these sizes, the last one fastest.
IndexExpr Part(Coordinate coordinate, const std::vector<int64_t>& sizes, size_t i) {
  const int64_t stride = ingot::Product(absl::MakeConstSpan(sizes).subspan(i + 1));
  IndexExpr part = IndexExpr::Dimension(coordinate);
  if (stride > 1) part = IndexExpr::FloorDivide(part, stride);
  return i == 0 ? part : IndexExpr::Modulo(part, sizes[i]);
}

// Follows reshapes, transposes and the like to the parameter that the elements are of.
absl::Status ReadThrough(const Instruction* value, ProductOperand& operand) {
  while (value->opcode() != Opcode::kParameter) {
    const std::optional<IndexMap> map =
        value->operand_count() == 1 ? IndexMapOf(*value, 0) : std::nullopt;
    INGOT_REQUIRE(map.has_value() && map->IsTotal(), value->name(), ", ",
                  OpcodeName(value->opcode()), ", stands between the product and its operand");
    operand.map = Compose(operand.map, *map);
    INGOT_REQUIRE(operand.map.NodeCount() <= kMostAddressNodes, value->name(),
                  ": its addresses are long");
    value = value->operand(0);
  }
  operand.map = Simplify(operand.map);
  operand.parameter = value;
  return absl::OkStatus();
}

// ----- dot

// The map of one operand; adds the sizes of its free dimensions to `outer`.
IndexMap DotOperandMap(const Shape& shape, const std::vector<int64_t>& batch,
                       const std::vector<int64_t>& contracting, std::vector<int64_t>& outer) {
  const std::vector<int64_t> free = FreeDimensions(shape, batch, contracting);
  IndexMap map;
  map.results.assign(shape.rank(), IndexExpr::Constant(0));
  const auto set = [&](Coordinate coordinate, const std::vector<int64_t>& dimensions) {
    const std::vector<int64_t> sizes = SizesOf(shape, dimensions);
    for (size_t i = 0; i < dimensions.size(); ++i) {
      map.results[dimensions[i]] = Part(coordinate, sizes, i);
    }
    map.sizes.push_back(ingot::Product(sizes));
    return sizes;
  };
  set(kBatch, batch);
  outer = set(kOuter, free);
  set(kDepth, contracting);
  return Simplify(map);
}

Product DotProduct(const Instruction& dot) {
  const DotAttributes& attributes = dot.attributes<DotAttributes>();
  Product product;
  product.instruction = &dot;
  std::vector<int64_t> rows, columns;
  product.lhs.map = DotOperandMap(dot.operand(0)->shape(), attributes.lhs_batch_dims,
                                  attributes.lhs_contracting_dims, rows);
  product.rhs.map = DotOperandMap(dot.operand(1)->shape(), attributes.rhs_batch_dims,
                                  attributes.rhs_contracting_dims, columns);
  const std::vector<int64_t> batch = SizesOf(dot.operand(0)->shape(), attributes.lhs_batch_dims);
  product.batch = ingot::Product(batch);
  product.rows = ingot::Product(rows);
  product.columns = ingot::Product(columns);
  product.depth = product.lhs.map.sizes[kDepth];
  product.output.sizes = {product.batch, product.rows, product.columns};
  // The third coordinate is the columns.
  const std::pair<Coordinate, const std::vector<int64_t>*> parts[] = {
      {kBatch, &batch}, {kOuter, &rows}, {kDepth, &columns}};
  for (const auto& [coordinate, sizes] : parts) {
    for (size_t i = 0; i < sizes->size(); ++i) {
      product.output.results.push_back(Part(coordinate, *sizes, i));
    }
  }
  product.output = Simplify(product.output);
  const auto rank = static_cast<int>(dot.shape().rank());
  if (!columns.empty()) product.column_dimension = rank - 1;
  if (!rows.empty()) product.row_dimension = rank - static_cast<int>(columns.size()) - 1;
  return product;
}

// ----- convolution

IndexExpr Sum(const IndexExpr& a, int64_t factor, const IndexExpr& b) {
  return IndexExpr::Add(IndexExpr::Multiply(a, factor), b);
}

bool IsBefore(int64_t dimension, const std::vector<int64_t>& others) {
  return std::all_of(others.begin(), others.end(),
                     [&](int64_t other) { return dimension < other; });
}

// Rows are the result's batch and positions, in the order of its dimensions.
Product ConvolutionProduct(const Instruction& convolution) {
  const auto& attributes = convolution.attributes<ConvolutionAttributes>();
  const ConvolutionDimensions& labels = attributes.dim_labels;
  const Shape& input = convolution.operand(0)->shape();
  const Shape& kernel = convolution.operand(1)->shape();
  const Shape& output = convolution.shape();
  const int64_t groups = std::max(attributes.feature_group_count, attributes.batch_group_count);
  const bool batch_groups = attributes.batch_group_count > 1;
  std::vector<int64_t> row_dimensions;
  for (int64_t d = 0; d < output.rank(); ++d) {
    if (d != labels.output_feature) row_dimensions.push_back(d);
  }
  const std::vector<int64_t> rows = SizesOf(output, row_dimensions);
  const int64_t inputs = kernel.dimension(labels.kernel_input_feature);
  // Depth is in the order in which both matrices lie, as far as there is one.
  const bool features_first = IsBefore(labels.input_feature, labels.input_spatial) &&
                              IsBefore(labels.kernel_input_feature, labels.kernel_spatial);
  std::vector<int64_t> depth = SizesOf(kernel, labels.kernel_spatial);
  const size_t at_feature = features_first ? 0 : depth.size(), at_window = features_first ? 1 : 0;
  depth.insert(depth.begin() + static_cast<ptrdiff_t>(at_feature), inputs);

  Product product;
  product.instruction = &convolution;
  product.batch = groups;
  product.rows = ingot::Product(rows);
  product.columns = output.dimension(labels.output_feature) / groups;
  product.depth = ingot::Product(depth);
  product.column_dimension = static_cast<int>(labels.output_feature);
  product.row_dimension = static_cast<int>(row_dimensions.back());

  const IndexExpr group = IndexExpr::Dimension(kBatch);
  product.output.sizes = {groups, product.rows, product.columns};
  product.output.results.assign(output.rank(), IndexExpr::Constant(0));
  for (size_t i = 0; i < rows.size(); ++i) {
    product.output.results[row_dimensions[i]] = Part(kOuter, rows, i);
  }
  const auto row = [&](int64_t dimension) { return product.output.results[dimension]; };

  IndexMap& in = product.lhs.map;
  in.sizes = {groups, product.rows, product.depth};
  in.results.assign(input.rank(), IndexExpr::Constant(0));
  IndexMap& weights = product.rhs.map;
  weights.sizes = {groups, product.columns, product.depth};
  weights.results.assign(kernel.rank(), IndexExpr::Constant(0));
  for (size_t s = 0; s < labels.kernel_spatial.size(); ++s) {
    const WindowDimension& window = attributes.window.dimensions[s];
    // A window is reversed by where it reads the input: weights are read as they lie.
    const IndexExpr of_weights = Part(kDepth, depth, at_window + s);
    const IndexExpr at =
        window.reversal ? Sum(of_weights, -1, IndexExpr::Constant(window.size - 1)) : of_weights;
    const IndexExpr position = IndexExpr::Add(Sum(row(labels.output_spatial[s]), window.stride,
                                                  IndexExpr::Multiply(at, window.window_dilation)),
                                              IndexExpr::Constant(-window.padding_low));
    const int64_t size = input.dimension(labels.input_spatial[s]);
    in.conditions.push_back({position, 0, (size - 1) * window.base_dilation + 1});
    if (window.base_dilation > 1) {
      in.conditions.push_back({IndexExpr::Modulo(position, window.base_dilation), 0, 1});
    }
    in.results[labels.input_spatial[s]] = IndexExpr::FloorDivide(position, window.base_dilation);
    weights.results[labels.kernel_spatial[s]] = of_weights;
  }
  const IndexExpr feature = Part(kDepth, depth, at_feature);
  const IndexExpr batch = row(labels.output_batch);
  const int64_t batches = output.dimension(labels.output_batch);
  in.results[labels.input_batch] = batch_groups ? Sum(group, batches, batch) : batch;
  in.results[labels.input_feature] = batch_groups ? feature : Sum(group, inputs, feature);
  weights.results[labels.kernel_input_feature] = feature;
  weights.results[labels.kernel_output_feature] =
      Sum(group, product.columns, IndexExpr::Dimension(kOuter));
  product.output.results[labels.output_feature] =
      Sum(group, product.columns, IndexExpr::Dimension(kDepth));
  in = Simplify(in);
  weights = Simplify(weights);
  product.output = Simplify(product.output);
  return product;
}

absl::StatusOr<Product> MakeProduct(const Instruction& instruction) {
  INGOT_REQUIRE(instruction.operand_count() == 2, "sparse operands");
  for (const Shape& shape :
       {instruction.shape(), instruction.operand(0)->shape(), instruction.operand(1)->shape()}) {
    INGOT_REQUIRE(shape.ElementCount() > 0, "the product is empty");
  }
  if (instruction.opcode() == Opcode::kDot) return DotProduct(instruction);
  const auto& attributes = instruction.attributes<ConvolutionAttributes>();
  INGOT_REQUIRE(attributes.feature_group_count == 1 || attributes.batch_group_count == 1,
                "groups of features and of batches");
  return ConvolutionProduct(instruction);
}

// The coordinates (batch, row, column) in another order: the last is `along`, outer or depth.
IndexMap TurnOf(const std::vector<int64_t>& sizes, int along) {
  const int other = kOuter + kDepth - along;
  IndexMap turn;
  turn.sizes = {sizes[kBatch], sizes[other], sizes[along]};
  turn.results.assign(3, IndexExpr::Dimension(kBatch));
  turn.results[other] = IndexExpr::Dimension(1);
  turn.results[along] = IndexExpr::Dimension(2);
  return turn;
}

// The elements along a coordinate that lie side by side in an array of the shape.
int64_t RunAlong(const IndexMap& map, const Shape& shape, int along) {
  const IndexMap turned = Compose(TurnOf(map.sizes, along), map);
  return std::gcd(ContiguousRun(turned, RowMajorStrides(shape.dimensions())), map.sizes[along]);
}

// rhs * lhs, transposed.
void Exchange(Product& product) {
  product.output = Simplify(Compose(TurnOf(product.output.sizes, kOuter), product.output));
  std::swap(product.lhs, product.rhs);
  std::swap(product.rows, product.columns);
  std::swap(product.row_dimension, product.column_dimension);
  product.exchanged = !product.exchanged;
}

bool IsProduct(const Instruction& instruction) {
  return instruction.opcode() == Opcode::kDot || instruction.opcode() == Opcode::kConvolution;
}

// ----- what stands behind it

// `count` lanes of a value's reshape, which lie along a dimension whose elements are side by side
// as they were.
std::optional<Lanes> ReshapedLanes(const Lanes& lanes, const Shape& from, const Shape& to) {
  if (lanes.count == 1) return Lanes{};
  const int64_t stride = RowMajorStrides(from.dimensions())[lanes.dim];
  const std::vector<int64_t> strides = RowMajorStrides(to.dimensions());
  for (int64_t d = 0; d < to.rank(); ++d) {
    if (strides[d] == stride && to.dimension(d) % lanes.count == 0) {
      return Lanes{lanes.count, static_cast<int>(d), 1, lanes.count};
    }
  }
  return std::nullopt;
}

class Behind {
 public:
  Behind(const Computation& fusion, ProductFusion& result) : fusion_(fusion), result_(result) {
    for (size_t i = 0; i < fusion.instructions().size(); ++i) {
      number_[fusion.instructions()[i]] = i;
    }
  }

  absl::Status Run(int most_lanes) {
    for (int lanes = std::min(WidestStore(), most_lanes); lanes >= 1; lanes /= 2) {
      result_.lanes = lanes;
      if (lanes > 1 && !HasLanes(lanes)) continue;
      INGOT_ASSIGN_OR_RETURN(const bool fits, Follow());
      if (fits) return absl::OkStatus();
    }
    return InvalidArgument("no lanes");
  }

 private:
  // Elements of the widest result in one access.
  int WidestStore() const {
    int widest = 2;
    for (const Shape& result : Leaves(fusion_.root()->shape())) {
      widest = std::max(widest, ByteWidth(result.element_type()));
    }
    return kAccessBytes / widest;
  }

  // Whether so many columns at a time lie along one dimension of the product's result.
  bool HasLanes(int lanes) const {
    const Product& product = result_.product;
    if (product.column_dimension < 0 || product.columns % lanes != 0) return false;
    return product.instruction->shape().dimension(product.column_dimension) % lanes == 0;
  }

  const std::optional<ProductValue>& Of(const Instruction& instruction) const {
    return result_.values[number_.at(&instruction)];
  }

  // From the product to the results; false where a value has no such lanes.
  absl::StatusOr<bool> Follow() {
    result_.values.assign(fusion_.instructions().size(), std::nullopt);
    for (const Instruction* next : fusion_.instructions()) {
      std::optional<ProductValue>& value = result_.values[number_.at(next)];
      if (next == result_.product.instruction) {
        value.emplace();
        value->place = IndexMap::Identity(next->shape().dimensions());
        const int lanes = result_.lanes;
        if (lanes > 1) value->lanes = {lanes, result_.product.column_dimension, 1, lanes};
        continue;
      }
      const bool reads =
          std::any_of(next->operands().begin(), next->operands().end(),
                      [&](const Instruction* operand) { return Of(*operand).has_value(); });
      if (!reads) continue;
      if (next->opcode() == Opcode::kTuple && next == fusion_.root()) continue;
      INGOT_ASSIGN_OR_RETURN(value, ValueOf(*next));
      if (!value.has_value()) return false;
    }
    const Instruction& root = *fusion_.root();
    if (root.opcode() != Opcode::kTuple) {
      INGOT_REQUIRE(Of(root).has_value(), "its result is not made of the product");
      return true;
    }
    for (const Instruction* leaf : root.operands()) {
      INGOT_REQUIRE(Of(*leaf).has_value(), leaf->name(), ", a result, is not made of the product");
    }
    return true;
  }

  // nullopt: not with so many lanes.
  absl::StatusOr<std::optional<ProductValue>> ValueOf(const Instruction& next) const {
    if (next.kind() == OpKind::kElementwise && next.opcode() != Opcode::kMap)
      return Elementwise(next);
    const bool reshape = next.opcode() == Opcode::kReshape;
    INGOT_REQUIRE(reshape || next.opcode() == Opcode::kTranspose, next.name(), ", ",
                  OpcodeName(next.opcode()), ", is made of the product");
    const ProductValue& operand = *Of(*next.operand(0));
    const Shape& from = next.operand(0)->shape();
    ProductValue value;
    if (reshape) {
      value.place =
          Compose(operand.place, ReshapeMap(from.dimensions(), next.shape().dimensions()));
      const std::optional<Lanes> lanes = ReshapedLanes(operand.lanes, from, next.shape());
      if (!lanes.has_value()) return std::optional<ProductValue>();
      value.lanes = *lanes;
      INGOT_REQUIRE(value.place.NodeCount() <= kMostAddressNodes, next.name(),
                    ": its addresses are long");
      return std::optional<ProductValue>(std::move(value));
    }
    const auto& permutation = next.attributes<DimensionsAttributes>().dimensions;
    IndexMap turn;
    turn.sizes = from.dimensions();
    value.lanes = operand.lanes;
    for (size_t i = 0; i < permutation.size(); ++i) {
      turn.results.push_back(IndexExpr::Dimension(permutation[i]));
      if (permutation[i] == operand.lanes.dim) value.lanes.dim = static_cast<int>(i);
    }
    value.place = Compose(operand.place, turn);
    return std::optional<ProductValue>(std::move(value));
  }

  // All operands that are made of the product are made of the same element.
  absl::StatusOr<std::optional<ProductValue>> Elementwise(const Instruction& next) const {
    std::optional<ProductValue> value;
    for (const Instruction* operand : next.operands()) {
      const std::optional<ProductValue>& own = Of(*operand);
      if (!own.has_value()) continue;
      INGOT_REQUIRE(operand->shape().dimensions() == next.shape().dimensions(), operand->name(),
                    " is spread");
      INGOT_REQUIRE(!value.has_value() || value->place == own->place, next.name(),
                    " is made of several elements of the product");
      value = own;
    }
    return value;
  }

  const Computation& fusion_;
  ProductFusion& result_;
  absl::flat_hash_map<const Instruction*, size_t> number_;
};

// What a value is a multiple of, if coordinate `along` is one of `multiple` and the others are any
// number; 0: it is zero.
int64_t Alignment(const IndexExpr& expr, int along, int64_t multiple) {
  switch (expr.kind()) {
    case IndexExpr::Kind::kConstant:
      return std::abs(expr.value());
    case IndexExpr::Kind::kDimension:
      return expr.value() == along ? multiple : 1;
    case IndexExpr::Kind::kAdd:
      return std::gcd(Alignment(expr.lhs(), along, multiple),
                      Alignment(expr.rhs(), along, multiple));
    case IndexExpr::Kind::kMultiply:
      return SaturatingMultiply(Alignment(expr.lhs(), along, multiple), std::abs(expr.value()));
    case IndexExpr::Kind::kFloorDivide: {
      const int64_t inner = Alignment(expr.lhs(), along, multiple);
      return inner % expr.value() == 0 ? inner / expr.value() : 1;
    }
    case IndexExpr::Kind::kModulo:
      return std::gcd(Alignment(expr.lhs(), along, multiple), expr.value());
  }
  return 1;
}

// Whether results may be those of operands of 10 bits, which is what XLA makes of them too.
bool AllowsTf32(const Instruction& product, Numerics numerics) {
  const bool dot = product.opcode() == Opcode::kDot;
  const Precisions& precisions =
      dot ? product.attributes<DotAttributes>().operand_precision
          : product.attributes<ConvolutionAttributes>().operand_precision;
  const bool named = dot && !product.attributes<DotAttributes>().algorithm.text.empty();
  return numerics == Numerics::kDefault && !named &&
         std::all_of(precisions.begin(), precisions.end(),
                     [](Precision precision) { return precision == Precision::kDefault; });
}

// Whether in memory rows of all results are side by side, and columns are not.
bool LiesAlongRows(const Computation& fusion, const ProductFusion& product) {
  for (const Instruction* result : ResultsOf(fusion)) {
    const auto number = static_cast<size_t>(absl::c_find(fusion.instructions(), result) -
                                            fusion.instructions().begin());
    const IndexMap map = Compose(product.product.output, product.values[number]->place);
    if (RunAlong(map, result->shape(), kDepth) > 1 || RunAlong(map, result->shape(), kOuter) == 1) {
      return false;
    }
  }
  return true;
}

}  // namespace

ElementType Product::sum_type() const { return SumType(instruction->shape().element_type()); }

absl::StatusOr<ProductFusion> MakeProductFusion(const Computation& fusion, int most_lanes) {
  const Instruction* product = nullptr;
  for (const Instruction* instruction : fusion.instructions()) {
    if (!IsProduct(*instruction)) continue;
    INGOT_REQUIRE(product == nullptr, "it has several products");
    product = instruction;
  }
  INGOT_REQUIRE(product != nullptr, "it has no product");
  ProductFusion result;
  INGOT_ASSIGN_OR_RETURN(result.product, MakeProduct(*product));
  Product& made = result.product;
  INGOT_RETURN_IF_ERROR(ReadThrough(product->operand(0), made.lhs));
  INGOT_RETURN_IF_ERROR(ReadThrough(product->operand(1), made.rhs));
  INGOT_RETURN_IF_ERROR(Behind(fusion, result).Run(most_lanes));
  if (LiesAlongRows(fusion, result)) {
    Exchange(made);
    INGOT_RETURN_IF_ERROR(Behind(fusion, result).Run(most_lanes));
  }
  return result;
}

std::vector<const Instruction*> ResultsOf(const Computation& fusion) {
  const Instruction* root = fusion.root();
  if (root->opcode() != Opcode::kTuple) return {root};
  return {root->operands().begin(), root->operands().end()};
}

Epilogue EpilogueOf(const Computation& fusion, const ProductFusion& product) {
  Epilogue epilogue;
  const Product& made = product.product;
  const int64_t elements = made.batch * made.rows * made.columns;
  absl::flat_hash_set<const Instruction*> made_of_it;
  for (size_t i = 0; i < product.values.size(); ++i) {
    const Instruction& instruction = *fusion.instructions()[i];
    if (product.values[i].has_value()) made_of_it.insert(&instruction);
    if (product.values[i].has_value() && instruction.kind() == OpKind::kElementwise) {
      ++epilogue.operations;
      for (const Instruction* operand : instruction.operands()) {
        epilogue.reads = epilogue.reads || !(made_of_it.contains(operand) || IsFree(*operand));
      }
    }
    if (instruction.opcode() == Opcode::kParameter && &instruction != made.lhs.parameter &&
        &instruction != made.rhs.parameter && instruction.shape().IsArray() &&
        instruction.shape().ElementCount() >= elements) {
      epilogue.reads_matrix = true;
    }
  }
  return epilogue;
}

int ProductRun(const ProductOperand& operand, int along, int most) {
  const int64_t run = RunAlong(operand.map, operand.parameter->shape(), along);
  const std::vector<int64_t> strides = RowMajorStrides(operand.parameter->shape().dimensions());
  const IndexExpr address = AddressOf(operand.map, strides);
  for (int64_t width = most; width > 1; width /= 2) {
    if (run % width == 0 && Alignment(address, along, width) % width == 0) {
      return static_cast<int>(width);
    }
  }
  return 1;
}

absl::StatusOr<ProductUnit> UnitFor(const Instruction& product, const Target& target,
                                    Numerics numerics) {
  const ElementType lhs = product.operand(0)->shape().element_type();
  const ElementType rhs = product.operand(1)->shape().element_type();
  const ElementType type = product.shape().element_type();
  INGOT_REQUIRE(lhs == rhs, "operands of two types");
  for (ElementType each : {lhs, type}) {
    INGOT_REQUIRE((IsFloat(each) || IsInteger(each)) && BitWidth(each) >= 8, "no unit multiplies ",
                  ElementTypeName(each));
  }
  if (lhs == ElementType::kS8 && type == ElementType::kS32) return ProductUnit::kS8;
  if (lhs == ElementType::kU8 && type == ElementType::kU32) return ProductUnit::kU8;
  if (type != lhs && type != ElementType::kF32) return ProductUnit::kFma;
  if (lhs == ElementType::kF64 && type == lhs && target.capability >= kDoublesCapability) {
    return ProductUnit::kF64;
  }
  if (lhs == ElementType::kBF16) return ProductUnit::kBf16;
  if (lhs == ElementType::kF16) return ProductUnit::kF16;
  if (lhs == ElementType::kF32 && AllowsTf32(product, numerics)) return ProductUnit::kTf32;
  return ProductUnit::kFma;
}

}  // namespace ingot::plan
