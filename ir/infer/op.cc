#include "ir/infer/op.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace ingot::infer {
namespace {

constexpr int64_t kMaxTupleParts = int64_t{1} << 16;

absl::Status RequireKnownSizes(const Shape& shape, int depth, int64_t& parts) {
  INGOT_REQUIRE(++parts <= kMaxTupleParts, "a tuple has more than ", kMaxTupleParts, " parts");
  INGOT_REQUIRE(depth <= kMaxTupleDepth, "tuples nest deeper than ", kMaxTupleDepth);
  for (const Shape& element : shape.tuple_shapes()) {
    INGOT_RETURN_IF_ERROR(RequireKnownSizes(element, depth + 1, parts));
  }
  for (int64_t i = 0; i < shape.rank(); ++i) {
    if (shape.dimension(i) >= 0) continue;
    if (shape.dimension(i) == kUnboundedSize && shape.is_dynamic(i)) {
      return Unimplemented("the size of dimension ", i, " of ", Text(shape),
                           " has no bound, which is not supported");
    }
    return InvalidArgument("dimension ", i, " has the negative size ", shape.dimension(i));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Shape> NotInferable(const Op& op) {
  return Unimplemented("there is no rule for the result shape of ", op.name());
}

absl::StatusOr<Shape> Stated(const Op& op) {
  INGOT_REQUIRE(op.stated != nullptr,
                "the result shape does not follow from the operands and has to be stated");
  return *op.stated;
}

absl::StatusOr<Shape> StatedArray(const Op& op) {
  INGOT_ASSIGN_OR_RETURN(Shape shape, Stated(op));
  INGOT_REQUIRE(shape.IsArray(), "the result ", Text(shape), " is not an array");
  return shape;
}

std::string Text(const Shape& shape) { return shape.ToString(/*with_layout=*/false); }

std::string Text(absl::Span<const int64_t> values) {
  return absl::StrCat("{", absl::StrJoin(values, ","), "}");
}

absl::Status RequireKnownSizes(absl::Span<const Shape* const> shapes) {
  int64_t parts = 0;
  for (const Shape* shape : shapes) INGOT_RETURN_IF_ERROR(RequireKnownSizes(*shape, 0, parts));
  return absl::OkStatus();
}

absl::Status RequireArrays(const Op& op) {
  for (int64_t i = 0; i < op.operand_count(); ++i) INGOT_RETURN_IF_ERROR(RequireArray(op, i));
  return absl::OkStatus();
}

absl::Status RequireArray(const Op& op, int64_t i) {
  INGOT_REQUIRE(op.operand(i).IsArray(), "operand ", i, " is ", Text(op.operand(i)),
                ", not an array");
  return absl::OkStatus();
}

absl::Status RequireDimension(absl::string_view what, int64_t dimension, int64_t rank) {
  INGOT_REQUIRE(dimension >= 0 && dimension < rank, what, " ", dimension, " is not in [0, ", rank,
                ")");
  return absl::OkStatus();
}

absl::Status RequireDistinctDimensions(absl::string_view what, absl::Span<const int64_t> dimensions,
                                       int64_t rank) {
  std::vector<bool> seen(rank, false);
  for (int64_t dimension : dimensions) {
    INGOT_REQUIRE(dimension >= 0 && dimension < rank, what, " ", Text(dimensions), " has ",
                  dimension, ", which is not in [0, ", rank, ")");
    INGOT_REQUIRE(!seen[dimension], what, " ", Text(dimensions), " has ", dimension, " twice");
    seen[dimension] = true;
  }
  return absl::OkStatus();
}

absl::Status RequireAscending(absl::string_view what, absl::Span<const int64_t> dimensions) {
  for (size_t i = 1; i < dimensions.size(); ++i) {
    INGOT_REQUIRE(dimensions[i - 1] < dimensions[i], what, " ", Text(dimensions),
                  " is not strictly ascending");
  }
  return absl::OkStatus();
}

absl::Status RequireScalarInteger(const Op& op, int64_t i) {
  const Shape& shape = op.operand(i);
  INGOT_REQUIRE(shape.IsScalar() && IsInteger(shape.element_type()), "operand ", i, " is ",
                Text(shape), ", not a scalar integer");
  return absl::OkStatus();
}

bool SameSizes(const Shape& a, const Shape& b) {
  return a.IsArray() && b.IsArray() && a.dimensions() == b.dimensions();
}

bool TypesMix(ElementType from, ElementType to) {
  if (from == to) return true;
  const bool widens = Category(from) == Category(to) && BitWidth(from) < BitWidth(to);
  return widens && (IsFloat(from) || IsInteger(from));
}

Shape ArrayLike(const Shape& shape, ElementType type) {
  Shape result = Shape::Array(type, shape.dimensions());
  if (shape.HasDynamicDimension()) {
    for (int64_t i = 0; i < shape.rank(); ++i) result.set_dynamic(i, shape.is_dynamic(i));
  }
  return result;
}

absl::StatusOr<int64_t> ToSize(absl::string_view what, Wide size) {
  constexpr Wide kLimit = Wide{1} << 62;
  INGOT_REQUIRE(size >= 0, what, " is negative: ",
                size < -kLimit ? std::string("below -2^62") : absl::StrCat(int64_t(size)));
  INGOT_REQUIRE(size <= kLimit, what, " is past 2^62");
  return static_cast<int64_t>(size);
}

absl::StatusOr<std::vector<int64_t>> WindowPositions(const Window& window,
                                                     absl::Span<const int64_t> base) {
  INGOT_REQUIRE(window.dimensions.size() == base.size(), "the window has ",
                window.dimensions.size(), " dimensions when it slides over ", base.size());  // (W1)
  std::vector<int64_t> positions;
  positions.reserve(base.size());
  for (size_t i = 0; i < base.size(); ++i) {
    const WindowDimension& w = window.dimensions[i];
    INGOT_REQUIRE(w.size > 0, "window dimension ", i, " has size ", w.size);  // (W2)
    INGOT_REQUIRE(w.stride > 0, "window dimension ", i, " has stride ", w.stride);
    INGOT_REQUIRE(w.base_dilation > 0, "window dimension ", i, " has base dilation ",
                  w.base_dilation);
    INGOT_REQUIRE(w.window_dilation > 0, "window dimension ", i, " has window dilation ",
                  w.window_dilation);
    const Wide dilated_base = base[i] == 0 ? Wide{0} : Wide{base[i] - 1} * w.base_dilation + 1;
    const Wide dilated_window = Wide{w.size - 1} * w.window_dilation + 1;
    const Wide room = dilated_base + w.padding_low + w.padding_high - dilated_window;
    INGOT_ASSIGN_OR_RETURN(const int64_t count,
                           ToSize(absl::StrCat("window dimension ", i, "'s number of positions"),
                                  room < 0 ? Wide{0} : room / w.stride + 1));
    positions.push_back(count);
  }
  return positions;
}

absl::StatusOr<const Computation*> CalledWith(const Op& op, int64_t i, absl::string_view role,
                                              int64_t parameters) {
  const Computation* computation = op.called[i];
  INGOT_REQUIRE(computation != nullptr && computation->root() != nullptr, role,
                " is a computation without a root");
  const int64_t count = static_cast<int64_t>(computation->parameters().size());
  INGOT_REQUIRE(count == parameters, role, " ", computation->name(), " takes ", count,
                " parameters when it is given ", parameters);
  return computation;
}

absl::Status RequireScalarParameter(const Computation& computation, int64_t i, ElementType type) {
  const Shape& shape = computation.parameters()[i]->shape();
  INGOT_REQUIRE(shape.IsScalar() && shape.element_type() == type, "parameter ", i, " of ",
                computation.name(), " is ", Text(shape), " when it is given ", Text(type), "[]");
  return absl::OkStatus();
}

absl::StatusOr<std::vector<ElementType>> ReducerTypes(const Op& op,
                                                      absl::Span<const ElementType> inputs) {
  const int64_t count = static_cast<int64_t>(inputs.size());
  INGOT_ASSIGN_OR_RETURN(const Computation* reducer,
                         CalledWith(op, 0, "to_apply", 2 * count));  // (R1)
  const Shape& result = reducer->root()->shape();
  std::vector<const Shape*> results;
  if (result.IsTuple()) {
    for (const Shape& element : result.tuple_shapes()) results.push_back(&element);
  } else {
    results.push_back(&result);
  }
  const bool scalars = std::all_of(results.begin(), results.end(),
                                   [](const Shape* shape) { return shape->IsScalar(); });
  INGOT_REQUIRE(scalars && static_cast<int64_t>(results.size()) == count, "to_apply ",
                reducer->name(), " returns ", Text(result), ", not ",
                count == 1 ? "a scalar" : absl::StrCat("a tuple of ", count, " scalars"));  // (R2)
  std::vector<ElementType> types;
  for (int64_t i = 0; i < count; ++i) {
    types.push_back(results[i]->element_type());
    INGOT_RETURN_IF_ERROR(RequireScalarParameter(*reducer, i, types[i]));  // (R3)
    const Shape& element = reducer->parameters()[count + i]->shape();
    INGOT_REQUIRE(element.IsScalar() && TypesMix(inputs[i], element.element_type()), "parameter ",
                  count + i, " of ", reducer->name(), " is ", Text(element), " when it is given ",
                  Text(inputs[i]), "[]");
  }
  return types;
}

Shape OneOrTuple(std::vector<Shape> shapes) {
  if (shapes.size() == 1) return std::move(shapes[0]);
  return Shape::Tuple(std::move(shapes));
}

}  // namespace ingot::infer
