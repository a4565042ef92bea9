#include "compiler/kernel/text.h"

namespace ingot::kernel {
namespace {

// The type of the first operand from `first` on that is not a constant; s32 if all are.
Type FirstKnown(const Operation& op, size_t first, absl::Span<const bool> is_constant) {
  for (size_t k = first; k < op.operands.size(); ++k) {
    if (!is_constant[k]) return op.operands[k]->type;
  }
  return kS32;
}

Type IntrinsicOperandType(const Operation& op, size_t i) {
  const IntrinsicInfo& info = InfoOf(op.Get<IntrinsicAttributes>().intrinsic);
  size_t end = 0;
  for (size_t k = 0; k < info.arguments.size(); ++k) {
    end += info.OperandCount(k, op.operands.size());
    if (i >= end) continue;
    const IntrinsicArgument& argument = info.arguments[k];
    return argument.kind == IntrinsicArgument::Kind::kValue ? argument.type : kS32;
  }
  return kS32;
}

}  // namespace

Type BareConstantType(const Operation& op, size_t i, absl::Span<const bool> is_constant) {
  switch (InfoOf(op.opcode).op_class) {
    case OpClass::kUnary:
    case OpClass::kBinary:
    case OpClass::kCompare:
    case OpClass::kTernary:
      return FirstKnown(op, 0, is_constant);
    case OpClass::kSelect:
      return i == 0 ? kPred : FirstKnown(op, 1, is_constant);
    case OpClass::kVector:
      if (op.opcode == Opcode::kBuild) return FirstKnown(op, 0, is_constant);
      if (op.opcode == Opcode::kBroadcast) return op.type.WithLanes(1);
      if (op.opcode == Opcode::kInsert && i == 1 && !is_constant[0]) {
        return op.operands[0]->type.WithLanes(1);
      }
      return kS32;
    case OpClass::kVar:
      return i == 0 && op.opcode != Opcode::kVarRead ? op.Get<VarAttributes>().var->type : kS32;
    case OpClass::kMemory:
      if (op.opcode == Opcode::kStore && i == 0) {
        return Type::Scalar(op.Get<MemoryAttributes>().buffer->element);
      }
      if (op.opcode == Opcode::kAtomic && i > 0) {
        return Type::Scalar(op.Get<AtomicAttributes>().buffer->element);
      }
      return kS32;
    case OpClass::kControl:
      return op.opcode == Opcode::kFor ? op.type : kPred;
    case OpClass::kIntrinsic:
      return IntrinsicOperandType(op, i);
    case OpClass::kConvert:
    case OpClass::kHorizontal:
    case OpClass::kOrigin:
    case OpClass::kId:
      break;
  }
  return kS32;
}

absl::string_view InfixOf(Opcode opcode) {
  if (opcode == Opcode::kAdd) return "+";
  if (opcode == Opcode::kSub) return "-";
  if (opcode == Opcode::kMul) return "*";
  if (opcode == Opcode::kEq) return "==";
  if (opcode == Opcode::kNe) return "!=";
  if (opcode == Opcode::kLt) return "<";
  if (opcode == Opcode::kLe) return "<=";
  if (opcode == Opcode::kGt) return ">";
  if (opcode == Opcode::kGe) return ">=";
  return "";
}

int InfixPrecedence(Opcode opcode) {
  if (opcode == Opcode::kMul) return 3;
  return opcode == Opcode::kAdd || opcode == Opcode::kSub ? 2 : 1;
}

}  // namespace ingot::kernel
