// Reductions, windows, scans, batch normalisation.
#include <algorithm>

#include "ir/infer/op.h"

namespace ingot::infer {
namespace {

// The operands of reduce and reduce-window, N inputs then N initial values, and their reducer:
//   (I1) there is an even number of operands, at least 2;
//   (I2) the inputs are arrays of the same sizes;
//   (I3) the initial values are scalars of the accumulators' types;
//   (R1) to (R3) hold.
// Returns the accumulators' types: the results'.
absl::StatusOr<std::vector<ElementType>> InputsAndInitialValues(const Op& op) {
  const int64_t count = op.operand_count() / 2;
  INGOT_REQUIRE(count > 0 && op.operand_count() % 2 == 0, "has ", op.operand_count(),
                " operands when it takes as many initial values as inputs");  // (I1)
  INGOT_RETURN_IF_ERROR(RequireArrays(op));
  std::vector<ElementType> inputs;
  for (int64_t i = 0; i < count; ++i) {
    INGOT_REQUIRE(SameSizes(op.operand(i), op.operand(0)), "operand ", i, " is ",
                  Text(op.operand(i)), " when operand 0 is ", Text(op.operand(0)));  // (I2)
    inputs.push_back(op.operand(i).element_type());
  }
  INGOT_ASSIGN_OR_RETURN(std::vector<ElementType> types, ReducerTypes(op, inputs));
  for (int64_t i = 0; i < count; ++i) {
    const Shape& initial = op.operand(count + i);
    INGOT_REQUIRE(initial.IsScalar() && initial.element_type() == types[i], "operand ", count + i,
                  ", an initial value, is ", Text(initial), " when it must be ", Text(types[i]),
                  "[]");  // (I3)
  }
  return types;
}

// reduce: the inputs without the dimensions.
//   (C1) (I1) to (I3);
//   (C2) the dimensions are distinct ones of the inputs.
absl::StatusOr<Shape> Reduce(const Op& op) {
  INGOT_ASSIGN_OR_RETURN(const std::vector<ElementType> types,
                         InputsAndInitialValues(op));  // (C1)
  const Shape& input = op.operand(0);
  const std::vector<int64_t>& dimensions = op.attributes<DimensionsAttributes>().dimensions;
  INGOT_RETURN_IF_ERROR(RequireDistinctDimensions("dimensions", dimensions, input.rank()));  // (C2)
  std::vector<bool> reduced(input.rank(), false);
  for (int64_t d : dimensions) reduced[d] = true;
  std::vector<int64_t> kept;
  for (int64_t d = 0; d < input.rank(); ++d) {
    if (!reduced[d]) kept.push_back(d);
  }
  Shape result = Shape::Array(types[0], std::vector<int64_t>(kept.size()));
  for (size_t i = 0; i < kept.size(); ++i) {
    result.set_dimension(i, input.dimension(kept[i]));
    result.set_dynamic(i, input.is_dynamic(kept[i]));
  }
  std::vector<Shape> results(types.size(), result);
  for (size_t i = 0; i < types.size(); ++i) results[i].set_element_type(types[i]);
  return OneOrTuple(std::move(results));
}

// reduce-window: the positions of the window over the inputs.
//   (C1) (I1) to (I3);
//   (C2) the window has the inputs' dimensions: (W1), (W2).
absl::StatusOr<Shape> ReduceWindow(const Op& op) {
  INGOT_ASSIGN_OR_RETURN(const std::vector<ElementType> types,
                         InputsAndInitialValues(op));  // (C1)
  INGOT_ASSIGN_OR_RETURN(const std::vector<int64_t> positions,
                         WindowPositions(op.attributes<WindowAttributes>().window,
                                         op.operand(0).dimensions()));  // (C2)
  std::vector<Shape> results;
  for (ElementType type : types) results.push_back(Shape::Array(type, positions));
  return OneOrTuple(std::move(results));
}

// A computation of two scalars of `type`.
absl::StatusOr<const Computation*> TwoScalars(const Op& op, int64_t i, absl::string_view role,
                                              ElementType type) {
  INGOT_ASSIGN_OR_RETURN(const Computation* computation, CalledWith(op, i, role, 2));
  INGOT_RETURN_IF_ERROR(RequireScalarParameter(*computation, 0, type));
  INGOT_RETURN_IF_ERROR(RequireScalarParameter(*computation, 1, type));
  return computation;
}

// select-and-scatter(operand, source, initial):
//   (C1) all are arrays of one type; the initial value is a scalar;
//   (C2) the source's sizes are the window's positions over the operand;
//   (C3) select takes two scalars of the operand's type and returns pred[];
//   (C4) scatter takes two scalars of that type and returns one.
absl::StatusOr<Shape> SelectAndScatter(const Op& op) {
  INGOT_RETURN_IF_ERROR(RequireArrays(op));
  const Shape& operand = op.operand(0);
  const Shape& source = op.operand(1);
  const Shape& initial = op.operand(2);
  INGOT_REQUIRE(source.element_type() == operand.element_type(), "operand 1 is ", Text(source),
                " when operand 0 is ", Text(operand));
  INGOT_REQUIRE(initial.IsScalar() && initial.element_type() == operand.element_type(),
                "operand 2, the initial value, is ", Text(initial), " when it must be ",
                Text(operand.element_type()), "[]");  // (C1)
  INGOT_ASSIGN_OR_RETURN(
      const std::vector<int64_t> positions,
      WindowPositions(op.attributes<WindowAttributes>().window, operand.dimensions()));
  INGOT_REQUIRE(source.dimensions() == positions, "operand 1 is ", Text(source),
                " when the window has ", Text(positions), " positions");  // (C2)
  INGOT_ASSIGN_OR_RETURN(const Computation* select,
                         TwoScalars(op, 0, "select", operand.element_type()));
  const Shape& selected = select->root()->shape();
  INGOT_REQUIRE(selected.IsScalar() && selected.element_type() == ElementType::kPred, "select ",
                select->name(), " returns ", Text(selected), ", not pred[]");  // (C3)
  INGOT_ASSIGN_OR_RETURN(const Computation* scatter,
                         TwoScalars(op, 1, "scatter", source.element_type()));
  const Shape& combined = scatter->root()->shape();
  INGOT_REQUIRE(combined.IsScalar() && combined.element_type() == source.element_type(), "scatter ",
                scatter->name(), " returns ", Text(combined), ", not ", Text(source.element_type()),
                "[]");  // (C4)
  return ArrayLike(operand, combined.element_type());
}

// `shape` without dimension `d`.
Shape Without(const Shape& shape, int64_t d) {
  std::vector<int64_t> sizes = shape.dimensions();
  sizes.erase(sizes.begin() + d);
  return Shape::Array(shape.element_type(), std::move(sizes));
}

// scan(inputs..., initial carries...): walks one dimension of the inputs, from its end if
// is_reverse; to_apply takes (slices of the inputs..., carries...), slices having lost that
// dimension, and returns (slices of the outputs..., carries...).  The result is (outputs..., last
// carries...).  (From openxla/xla's scan expander and JAX's text; num_carries counts the carries.)
//   (C1) num_carries leaves at least one input;
//   (C2) there is one dimension, which all inputs have, with one size;
//   (C3) to_apply takes the slices and carries;
//   (C4) it returns a tuple whose last num_carries elements are the carries' shapes;
//   (C5) the other elements are arrays into which the dimension can be put back.
absl::StatusOr<Shape> Scan(const Op& op) {
  const auto& attributes = op.attributes<ScanAttributes>();
  const int64_t carries = attributes.num_carries;
  INGOT_REQUIRE(carries >= 0 && carries < op.operand_count(), "num_carries is ", carries,
                " when there are ", op.operand_count(), " operands");  // (C1)
  INGOT_REQUIRE(attributes.dimensions.size() == 1, "dimensions ", Text(attributes.dimensions),
                " is not one dimension");
  const int64_t along = attributes.dimensions[0];
  const int64_t inputs = op.operand_count() - carries;
  INGOT_ASSIGN_OR_RETURN(const Computation* step,
                         CalledWith(op, 0, "to_apply", op.operand_count()));
  int64_t length = 0;
  for (int64_t i = 0; i < op.operand_count(); ++i) {
    Shape given = op.operand(i);
    if (i < inputs) {
      INGOT_RETURN_IF_ERROR(RequireArray(op, i));
      INGOT_RETURN_IF_ERROR(RequireDimension("dimension", along, given.rank()));
      if (i == 0) length = given.dimension(along);
      INGOT_REQUIRE(given.dimension(along) == length, "operand ", i, " is ", Text(given),
                    " when operand 0 has size ", length, " in dimension ", along);  // (C2)
      given = Without(given, along);
    }
    const Shape& taken = step->parameters()[i]->shape();
    INGOT_REQUIRE(ShapesAgree(given, taken), "parameter ", i, " of to_apply ", step->name(), " is ",
                  Text(taken), " when it is given ", Text(given));  // (C3)
  }
  const Shape& returned = step->root()->shape();
  const int64_t results = static_cast<int64_t>(returned.tuple_shapes().size());
  INGOT_REQUIRE(returned.IsTuple() && results >= carries, "to_apply ", step->name(), " returns ",
                Text(returned), ", not a tuple of outputs and ", carries, " carries");
  std::vector<Shape> shapes;
  for (int64_t i = 0; i < results; ++i) {
    const Shape& element = returned.tuple_shapes()[i];
    const int64_t carry = i - (results - carries);
    if (carry >= 0) {
      INGOT_REQUIRE(ShapesAgree(element, op.operand(inputs + carry)), "to_apply ", step->name(),
                    " returns carry ", carry, " as ", Text(element), " when it starts as ",
                    Text(op.operand(inputs + carry)));  // (C4)
      shapes.push_back(element);
      continue;
    }
    INGOT_REQUIRE(element.IsArray() && along <= element.rank(), "to_apply ", step->name(),
                  " returns output ", i, " as ", Text(element),
                  ", which cannot be stacked in dimension ", along);  // (C5)
    std::vector<int64_t> sizes = element.dimensions();
    sizes.insert(sizes.begin() + along, length);
    shapes.push_back(Shape::Array(element.element_type(), std::move(sizes)));
  }
  return Shape::Tuple(std::move(shapes));
}

// batch-norm-*: operand 0 and, in grad, operand 4 are the values; the others belong to features.
//   (C1) all are arrays of one float type;
//   (C2) feature_index is a dimension of the values;
//   (C3) the others have one dimension, the feature dimension's size;
//   (C4) the gradient has the values' sizes.
absl::Status CheckBatchNorm(const Op& op) {
  INGOT_RETURN_IF_ERROR(RequireArrays(op));
  const Shape& values = op.operand(0);
  const int64_t feature = op.attributes<BatchNormAttributes>().feature_index;
  INGOT_REQUIRE(IsFloat(values.element_type()), "takes floats, not ", Text(values.element_type()));
  INGOT_RETURN_IF_ERROR(RequireDimension("feature_index", feature, values.rank()));  // (C2)
  const Shape of_features = Shape::Array(values.element_type(), {values.dimension(feature)});
  for (int64_t i = 1; i < op.operand_count(); ++i) {
    const bool gradient = op.opcode == Opcode::kBatchNormGrad && i == 4;
    const Shape& expected = gradient ? values : of_features;
    INGOT_REQUIRE(ShapesAgree(op.operand(i), expected), "operand ", i, " is ", Text(op.operand(i)),
                  " when it must be ",
                  Text(expected));  // (C1), (C3), (C4)
  }
  return absl::OkStatus();
}

// batch-norm-inference(values, scale, offset, mean, variance)
absl::StatusOr<Shape> BatchNormInference(const Op& op) {
  INGOT_RETURN_IF_ERROR(CheckBatchNorm(op));
  return ArrayLike(op.operand(0), op.operand(0).element_type());
}

// batch-norm-training(values, scale, offset): (normalised values, mean, variance).
// batch-norm-grad(values, scale, mean, variance, gradient): gradients of (values, scale, offset).
absl::StatusOr<Shape> BatchNormOfThree(const Op& op) {
  INGOT_RETURN_IF_ERROR(CheckBatchNorm(op));
  const Shape& scale = op.operand(1);
  const Shape of_features = ArrayLike(scale, scale.element_type());
  return Shape::Tuple(
      {ArrayLike(op.operand(0), op.operand(0).element_type()), of_features, of_features});
}

constexpr Rule kRules[] = {
    {Opcode::kBatchNormGrad, BatchNormOfThree},
    {Opcode::kBatchNormInference, BatchNormInference},
    {Opcode::kBatchNormTraining, BatchNormOfThree},
    {Opcode::kReduce, Reduce},
    {Opcode::kReduceWindow, ReduceWindow},
    {Opcode::kScan, Scan},
    {Opcode::kSelectAndScatter, SelectAndScatter},
};
static_assert(IsTableOf(OpKind::kReduction, kRules));

}  // namespace

absl::StatusOr<Shape> InferReduction(const Op& op) { return FunctionOf(kRules, op.opcode)(op); }

}  // namespace ingot::infer
