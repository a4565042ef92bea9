// Complex values of which only the parts are asked for.
#include <algorithm>
#include <utility>
#include <vector>

#include "ir/analysis/op_facts.h"
#include "passes/simplify/simplify.h"

namespace ingot {
namespace {

bool AsksForPart(const Instruction* user) {
  return user->opcode() == Opcode::kReal || user->opcode() == Opcode::kImag;
}

// Parts of a value's operands, and what is made of them, of the type of `part`'s result.
class Parts {
 public:
  explicit Parts(Instruction* part)
      : computation_(*part->parent()),
        value_(part->operands()[0]),
        type_(part->shape().element_type()) {}

  Instruction* Real(int64_t k) { return PartOf(Opcode::kReal, k); }
  Instruction* Imag(int64_t k) { return PartOf(Opcode::kImag, k); }
  Instruction* PartOf(Opcode opcode, int64_t k) {
    Instruction* operand = value_->operands()[k];
    const ElementType type = ComponentType(operand->shape().element_type());
    return computation_.Add(
        opcode, Shape::ArrayWithDefaultLayout(type, operand->shape().dimensions()), {operand});
  }
  Instruction* Make(Opcode opcode, std::vector<Instruction*> operands) {
    return computation_.Add(opcode, shape(), std::move(operands));
  }
  Instruction* Zero() {
    Instruction* zero = computation_.AddConstant(Literal::Scalar(type_, 0));
    if (shape().IsScalar()) return zero;
    return computation_.Add(Opcode::kBroadcast, shape(), {zero}, DimensionsAttributes{});
  }
  // The value's op with these operands.
  Instruction* Same(std::vector<Instruction*> operands) {
    Instruction* same = computation_.AddClone(*value_, std::move(operands));
    same->set_shape(shape());
    return same;
  }
  Shape shape() const { return Shape::ArrayWithDefaultLayout(type_, value_->shape().dimensions()); }

 private:
  Computation& computation_;
  Instruction* value_;
  ElementType type_;
};

// real(complex(a, b))  →  a;  imag(complex(a, b))  →  b
//
// Where nobody asks for the complex value itself, with the formulas of compiler/lower/complex.cc:
// real(x * y)  →  real(x) * real(y) - imag(x) * imag(y), imag(x * y) likewise;
// real(move(x))  →  move(real(x)), also of add, subtract, negate, select and convert
Instruction* PartOfValue(Instruction* part) {
  Instruction* value = part->operands()[0];
  const bool real = part->opcode() == Opcode::kReal;
  if (value->opcode() == Opcode::kComplex) return value->operands()[real ? 0 : 1];
  if (!IsComplex(value->shape().element_type()) || !value->control_predecessors().empty() ||
      value == part->parent()->root() ||
      !std::all_of(value->users().begin(), value->users().end(), AsksForPart)) {
    return nullptr;
  }
  Parts parts(part);
  const Opcode opcode = value->opcode();
  if (opcode == Opcode::kConvert) {
    const bool is_complex = IsComplex(value->operand(0)->shape().element_type());
    if (is_complex) return parts.Same({parts.PartOf(part->opcode(), 0)});
    return real ? parts.Same({value->operands()[0]}) : parts.Zero();
  }
  if (opcode == Opcode::kMultiply) {
    Instruction* const first =
        parts.Make(Opcode::kMultiply, {parts.Real(0), real ? parts.Real(1) : parts.Imag(1)});
    Instruction* const second =
        parts.Make(Opcode::kMultiply, {parts.Imag(0), real ? parts.Imag(1) : parts.Real(1)});
    return parts.Make(real ? Opcode::kSubtract : Opcode::kAdd, {first, second});
  }
  if (IsOneOf(opcode, {Opcode::kAdd, Opcode::kSubtract})) {
    return parts.Make(opcode, {parts.PartOf(part->opcode(), 0), parts.PartOf(part->opcode(), 1)});
  }
  if (opcode == Opcode::kSelect) {
    return parts.Make(opcode, {value->operands()[0], parts.PartOf(part->opcode(), 1),
                               parts.PartOf(part->opcode(), 2)});
  }
  if (HasFact(opcode, kMoves) || opcode == Opcode::kNegate) {
    return parts.Same({parts.PartOf(part->opcode(), 0)});
  }
  return nullptr;
}

constexpr SimplifyRule kRules[] = {
    {Opcode::kImag, "part-of-value", PartOfValue},
    {Opcode::kReal, "part-of-value", PartOfValue},
};

}  // namespace

absl::Span<const SimplifyRule> ComplexPartRules() { return kRules; }

}  // namespace ingot
