#include "ir/analysis/trip_count.h"

#include <utility>

#include "ir/module.h"

namespace ingot {
namespace {

// A value, and the fusion that computes it there; null: it is of the computation itself.
struct Place {
  const Instruction* value;
  const Instruction* fusion;
};

const Instruction& RootOf(const Instruction& fusion) {
  return *fusion.called_computations()[0]->root();
}

Place Behind(Place place);

// An element of a tuple that is put together there; nullopt where it is not.
std::optional<Place> ElementOfTuple(Place tuple, int64_t index) {
  const Place behind = Behind(tuple);
  if (behind.value->opcode() == Opcode::kTuple) {
    return Place{behind.value->operand(index), behind.fusion};
  }
  if (behind.value->opcode() == Opcode::kFusion && behind.fusion == nullptr &&
      RootOf(*behind.value).opcode() == Opcode::kTuple) {
    return Place{RootOf(*behind.value).operand(index), behind.value};
  }
  return std::nullopt;
}

// The value behind fusions and what changes neither a scalar nor its type.
Place Behind(Place place) {
  while (true) {
    const Instruction& value = *place.value;
    if (value.opcode() == Opcode::kFusion && value.shape().IsArray() && place.fusion == nullptr) {
      place = {&RootOf(value), &value};
    } else if (value.opcode() == Opcode::kParameter && place.fusion != nullptr) {
      place = {place.fusion->operand(value.parameter_number()), nullptr};
    } else if (value.opcode() == Opcode::kGetTupleElement) {
      const std::optional<Place> element = ElementOfTuple(
          {value.operand(0), place.fusion}, value.attributes<TupleIndexAttributes>().index);
      if (!element.has_value()) return place;
      place = *element;
    } else if (value.opcode() == Opcode::kReshape || value.opcode() == Opcode::kCopy) {
      place.value = value.operand(0);
    } else {
      return place;
    }
  }
}

std::optional<int64_t> ConstantOf(Place place) {
  const Instruction& value = *Behind(place).value;
  if (value.opcode() != Opcode::kConstant || !value.shape().IsArray() ||
      value.shape().ElementCount() != 1 || !IsInteger(value.shape().element_type())) {
    return std::nullopt;
  }
  return value.literal().AsInteger(0);
}

// The number of an element of the state that a condition or body takes.
std::optional<int64_t> ElementOf(Place place, const Computation& computation) {
  const Place behind = Behind(place);
  if (behind.fusion != nullptr || behind.value->opcode() != Opcode::kGetTupleElement ||
      behind.value->operand(0) != computation.parameters()[0]) {
    return std::nullopt;
  }
  return behind.value->attributes<TupleIndexAttributes>().index;
}

// Whether a value is element `element` of the state plus a constant, which is given.
std::optional<int64_t> StepOf(Place place, const Computation& body, int64_t element) {
  const Place behind = Behind(place);
  const Opcode opcode = behind.value->opcode();
  if (opcode != Opcode::kAdd && opcode != Opcode::kSubtract) return std::nullopt;
  for (int side = 0; side < 2; ++side) {
    const std::optional<int64_t> step =
        ConstantOf({behind.value->operand(1 - side), behind.fusion});
    const bool is_state = ElementOf({behind.value->operand(side), behind.fusion}, body) == element;
    if (!step.has_value() || !is_state) continue;
    if (opcode == Opcode::kAdd) return step;
    if (side == 0) return -*step;
  }
  return std::nullopt;
}

// What `x direction y` is as `y direction x`.
ComparisonDirection Turned(ComparisonDirection direction) {
  switch (direction) {
    case ComparisonDirection::kLt:
      return ComparisonDirection::kGt;
    case ComparisonDirection::kLe:
      return ComparisonDirection::kGe;
    case ComparisonDirection::kGt:
      return ComparisonDirection::kLt;
    case ComparisonDirection::kGe:
      return ComparisonDirection::kLe;
    case ComparisonDirection::kEq:
    case ComparisonDirection::kNe:
      break;
  }
  return direction;
}

// How often `at direction limit` holds for at = first, first + step, …  All are of at most 32 bits,
// so that nothing here wraps.
std::optional<int64_t> Count(ComparisonDirection direction, int64_t first, int64_t limit,
                             int64_t step) {
  int64_t distance = limit - first, by = step;
  switch (direction) {
    case ComparisonDirection::kGt:
    case ComparisonDirection::kGe:
      distance = -distance, by = -by;
      break;
    case ComparisonDirection::kNe:
      if (distance < 0) distance = -distance, by = -by;
      if (by <= 0 || distance % by != 0) {
        return distance == 0 ? std::optional<int64_t>(0) : std::nullopt;
      }
      return distance / by;
    case ComparisonDirection::kLt:
    case ComparisonDirection::kLe:
      break;
    case ComparisonDirection::kEq:
      return std::nullopt;
  }
  const bool with_limit =
      direction == ComparisonDirection::kLe || direction == ComparisonDirection::kGe;
  if (with_limit) ++distance;
  if (distance <= 0) return 0;
  if (by <= 0) return std::nullopt;
  return (distance + by - 1) / by;
}

}  // namespace

std::optional<int64_t> TripCountOf(const Instruction& loop) {
  const Computation& condition = *loop.while_condition();
  const Computation& body = *loop.while_body();
  const Place compare = Behind({condition.root(), nullptr});
  if (compare.value->opcode() != Opcode::kCompare) return std::nullopt;
  Place state = {compare.value->operand(0), compare.fusion};
  Place other = {compare.value->operand(1), compare.fusion};
  ComparisonDirection direction = compare.value->attributes<CompareAttributes>().direction;
  if (!ElementOf(state, condition).has_value()) {
    std::swap(state, other);
    direction = Turned(direction);
  }
  const std::optional<int64_t> element = ElementOf(state, condition);
  const std::optional<int64_t> limit = ConstantOf(other);
  if (!element.has_value() || !limit.has_value()) return std::nullopt;
  const std::optional<Place> next = ElementOfTuple({body.root(), nullptr}, *element);
  const std::optional<Place> start = ElementOfTuple({loop.operand(0), nullptr}, *element);
  if (!next.has_value() || !start.has_value()) return std::nullopt;
  const ElementType type = loop.shape().tuple_shapes()[*element].element_type();
  const std::optional<int64_t> first = ConstantOf(*start);
  const std::optional<int64_t> step = StepOf(*next, body, *element);
  if (!first.has_value() || !step.has_value() || !IsInteger(type) || BitWidth(type) > 32) {
    return std::nullopt;
  }
  const std::optional<int64_t> count = Count(direction, *first, *limit, *step);
  if (!count.has_value()) return std::nullopt;
  // The body's last sum is compared, too.
  const int bits = BitWidth(type);
  const int64_t least = IsSigned(type) ? -(int64_t{1} << (bits - 1)) : 0;
  const int64_t most = least + (int64_t{1} << bits) - 1;
  const int64_t last = *first + *count * *step;
  if (last < least || last > most) return std::nullopt;
  return count;
}

}  // namespace ingot
