// Integers that count: iotas, constants, and sums and products of them, whose range is known.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "ir/analysis/op_facts.h"
#include "ir/base/integers.h"
#include "passes/simplify/simplify.h"

namespace ingot {
namespace {

// Instructions of a counter that are looked at; one that is asked for twice counts twice.
constexpr int kMostInstructions = 32;

bool MovesCounter(const Instruction& x) {
  return x.opcode() == Opcode::kBroadcast || x.opcode() == Opcode::kReshape;
}
bool CombinesCounters(const Instruction& x) {
  return x.opcode() == Opcode::kAdd || x.opcode() == Opcode::kMultiply;
}

// The largest element of a counter, none of which is negative; nullopt: not known, or not of its
// type.
std::optional<int64_t> MostOf(const Instruction& x, int& budget) {
  const ElementType type = x.shape().element_type();
  if (--budget < 0 || !IsInteger(type) || !x.shape().IsArray()) return std::nullopt;
  std::optional<int64_t> most;
  if (x.opcode() == Opcode::kIota) {
    const int64_t size = x.shape().dimension(x.attributes<IotaAttributes>().iota_dimension);
    if (size > 0) most = size - 1;
  } else if (x.opcode() == Opcode::kConstant) {
    if (IsConstantOfOneValue(x) && !x.literal().is_elided()) most = x.literal().AsInteger(0);
  } else if (MovesCounter(x)) {
    most = MostOf(*x.operand(0), budget);
  } else if (CombinesCounters(x)) {
    const std::optional<int64_t> a = MostOf(*x.operand(0), budget);
    const std::optional<int64_t> b = a.has_value() ? MostOf(*x.operand(1), budget) : std::nullopt;
    if (!b.has_value()) return std::nullopt;
    most = x.opcode() == Opcode::kAdd ? SaturatingAdd(*a, *b) : SaturatingMultiply(*a, *b);
  }
  const int bits = std::min(BitWidth(type) - (IsSigned(type) ? 1 : 0), 62);
  if (!most.has_value() || *most < 0 || *most >= int64_t{1} << bits) return std::nullopt;
  return most;
}
std::optional<int64_t> MostOf(const Instruction& x) {
  int budget = kMostInstructions;
  return MostOf(x, budget);
}

// The counter computed in another type that has all its elements.
Instruction* InType(Instruction* x, ElementType type) {
  Computation& computation = *x->parent();
  const Shape shape = Shape::ArrayWithDefaultLayout(type, x->shape().dimensions());
  if (x->opcode() == Opcode::kConstant) {
    Instruction* scalar = computation.AddConstant(
        Literal::Scalar(type, static_cast<double>(x->literal().AsInteger(0))));
    if (shape.IsScalar()) return scalar;
    return computation.Add(Opcode::kBroadcast, shape, {scalar}, DimensionsAttributes{});
  }
  std::vector<Instruction*> operands;
  for (Instruction* operand : x->operands()) operands.push_back(InType(operand, type));
  Instruction* same = computation.AddClone(*x, std::move(operands));
  same->set_shape(shape);
  return same;
}

// convert(x)  →  x computed in the narrower type, where x is a counter that the type has room for
Instruction* ConvertOfCounter(Instruction* convert) {
  Instruction* x = convert->operands()[0];
  const ElementType type = convert->shape().element_type();
  if (!IsInteger(type) || BitWidth(type) < 8 ||
      BitWidth(type) >= BitWidth(x->shape().element_type())) {
    return nullptr;
  }
  const std::optional<int64_t> most = MostOf(*x);
  const int bits = BitWidth(type) - (IsSigned(type) ? 1 : 0);
  // A double has all such constants.
  if (!most.has_value() || bits > 52 || *most >= int64_t{1} << bits) return nullptr;
  return InType(x, type);
}

// shift-right(x, n)  →  0, where x is a counter below 2^n
Instruction* ShiftOfCounter(Instruction* shift) {
  const Instruction* bits = ScalarOf(*shift->operand(1));
  if (bits == nullptr || bits->opcode() != Opcode::kConstant || bits->literal().is_elided()) {
    return nullptr;
  }
  const int64_t n = bits->literal().AsInteger(0);
  const std::optional<int64_t> most = MostOf(*shift->operand(0));
  if (!most.has_value() || n < 0 || n >= BitWidth(shift->shape().element_type()) ||
      (n < 63 && *most >> n != 0)) {
    return nullptr;
  }
  Computation& computation = *shift->parent();
  Instruction* zero = computation.AddConstant(Literal::Scalar(shift->shape().element_type(), 0));
  if (shift->shape().IsScalar()) return zero;
  return computation.Add(Opcode::kBroadcast, shift->shape(), {zero}, DimensionsAttributes{});
}

constexpr SimplifyRule kRules[] = {
    {Opcode::kConvert, "convert-of-counter", ConvertOfCounter},
    {Opcode::kShiftRightLogical, "shift-of-counter", ShiftOfCounter},
    {Opcode::kShiftRightArithmetic, "shift-of-counter", ShiftOfCounter},
};

}  // namespace

absl::Span<const SimplifyRule> CounterRules() { return kRules; }

}  // namespace ingot
