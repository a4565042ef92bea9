#include "passes/scans_for_windows.h"

#include <optional>
#include <utility>
#include <vector>

#include "passes/fusion_util.h"
#include "passes/inline_body.h"

namespace ingot {
namespace {

struct Cumulative {
  int64_t dimension = 0;
  bool is_reverse = false;
};

// Whether the reducer is one operation on its parameters that may change places.
bool IsCommutative(const Computation& reducer) {
  const Instruction& root = *reducer.root();
  return reducer.instructions().size() == 3 && root.operand_count() == 2 &&
         root.operand(0) != root.operand(1) && HasFact(root.opcode(), kCommutative);
}

// The dimension along which the window reaches from each element to an end; nullopt where it is
// another window.
std::optional<Cumulative> CumulativeOf(const Instruction& instruction) {
  if (instruction.opcode() != Opcode::kReduceWindow || instruction.operand_count() != 2) {
    return std::nullopt;
  }
  const Shape& operand = instruction.operand(0)->shape();
  if (operand.HasDynamicDimension() || !IsElementwiseBody(*instruction.to_apply())) {
    return std::nullopt;
  }
  std::optional<Cumulative> found;
  const Window& window = instruction.attributes<WindowAttributes>().window;
  for (int64_t d = 0; d < operand.rank(); ++d) {
    const WindowDimension& along = window.dimensions[d];
    if (along.stride != 1 || along.window_dilation != 1 || along.base_dilation != 1 ||
        along.reversal) {
      return std::nullopt;
    }
    const int64_t reach = along.size - 1;
    if (reach == 0 && along.padding_low == 0 && along.padding_high == 0) continue;
    const bool forward = along.padding_low == reach && along.padding_high == 0;
    const bool reverse = along.padding_low == 0 && along.padding_high == reach;
    // A reverse scan begins with the last element, which a window takes last.
    if (found.has_value() || along.size < operand.dimension(d) || forward == reverse ||
        (reverse && !IsCommutative(*instruction.to_apply()))) {
      return std::nullopt;
    }
    found = Cumulative{d, reverse};
  }
  return found;
}

Instruction* Converted(Computation& computation, Instruction* x, ElementType type) {
  if (x->shape().element_type() == type) return x;
  return computation.Add(Opcode::kConvert,
                         Shape::ArrayWithDefaultLayout(type, x->shape().dimensions()), {x});
}

// Whether each step of the accumulation rounds a float of fewer than 32 bits.
bool RoundsNarrow(const Instruction& window) {
  const ElementType type = window.shape().element_type();
  const Opcode op = window.to_apply()->root()->opcode();
  return IsFloat(type) && BitWidth(type) < 32 && IsCommutative(*window.to_apply()) &&
         (op == Opcode::kAdd || op == Opcode::kMultiply);
}

// (value, carry) -> (sum, sum) on arrays of one place of the scanned dimension; as the window's
// reducer does, with `type` for its own.
Computation* Step(Module& module, const Computation& reducer, const Shape& carry) {
  Computation* step = module.AddComputation("scanned");
  Instruction* value = step->AddParameter(0, carry, "value");
  Instruction* before = step->AddParameter(1, carry, "before");
  Instruction* sum = carry.element_type() == reducer.root()->shape().element_type()
                         ? InlineBody(*step, reducer, {before, value}, &carry.dimensions())
                         : step->Add(reducer.root()->opcode(), carry, {before, value});
  step->set_root(step->Add(Opcode::kTuple, Shape::Tuple({carry, carry}), {sum, sum}));
  return step;
}

Instruction* Expand(Module& module, Computation& computation, const Instruction& window,
                    const Cumulative& cumulative) {
  const ElementType type = RoundsNarrow(window) ? ElementType::kF32 : window.shape().element_type();
  Instruction* x = Converted(computation, window.operand(0), type);
  std::vector<int64_t> sizes = x->shape().dimensions();
  sizes.erase(sizes.begin() + cumulative.dimension);
  const Shape carry = Shape::ArrayWithDefaultLayout(type, std::move(sizes));
  Instruction* first = Converted(computation, window.operand(1), type);
  first = computation.Add(Opcode::kBroadcast, carry, {first}, DimensionsAttributes{});
  ScanAttributes attributes;
  attributes.dimensions = {cumulative.dimension};
  attributes.is_reverse = cumulative.is_reverse;
  attributes.num_carries = 1;
  attributes.is_associative = true;  // as every reducer is
  const Shape shape = Shape::Tuple({x->shape(), carry});
  Instruction* scan =
      computation.Add(Opcode::kScan, shape, {x, first}, std::move(attributes), window.name());
  scan->set_called_computations({Step(module, *window.to_apply(), carry)});
  scan->mutable_annotations().metadata = window.annotations().metadata;
  Instruction* sums =
      computation.Add(Opcode::kGetTupleElement, x->shape(), {scan}, TupleIndexAttributes{0});
  return Converted(computation, sums, window.shape().element_type());
}

}  // namespace

absl::StatusOr<bool> ScansForWindows(Module& module, const PassContext&) {
  return ReplaceEach(
      module, [&](Computation& computation, const Instruction& instruction) -> Instruction* {
        const std::optional<Cumulative> cumulative = CumulativeOf(instruction);
        return cumulative ? Expand(module, computation, instruction, *cumulative) : nullptr;
      });
}

}  // namespace ingot
