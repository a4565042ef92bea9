// Values of kernel IR as expressions of CUDA C++.  A row is a function of its name in the head;
// floats, and comparisons of scalars, have C++'s operators.
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "compiler/codegen/cuda/renderer.h"
#include "compiler/kernel/arithmetic.h"
#include "compiler/kernel/text.h"
#include "ir/base/check.h"

namespace ingot::codegen {

using kernel::OpClass;
using kernel::Opcode;
using kernel::Operation;
using kernel::Type;

namespace {

// Types that C++ has, so that its operators are the rows': others, and narrow integers, which C++
// widens, have functions only.
bool HasOperators(Type type, OpClass op_class) {
  if (type.lanes != 1) return false;
  if (IsFloat(type.element)) return BitWidth(type.element) >= 32;
  return op_class == OpClass::kCompare;
}

absl::string_view OperatorOf(Opcode opcode) {
  return opcode == Opcode::kDiv ? "/" : kernel::InfixOf(opcode);
}

// The shortest decimal that is the number, if C++ reads it as such; else in hexadecimal.
std::string FloatText(ElementType element, uint64_t bits) {
  const bool is_single = element == ElementType::kF32;
  const double value = kernel::FloatValue(element, bits);
  char buffer[48];
  const std::to_chars_result end =
      is_single ? std::to_chars(buffer, buffer + sizeof(buffer), static_cast<float>(value))
                : std::to_chars(buffer, buffer + sizeof(buffer), value);
  std::string text(buffer, end.ptr);
  // A reader that rounds to f64 first must not end at a neighbour.
  if (is_single &&
      static_cast<double>(static_cast<float>(std::strtod(text.c_str(), nullptr))) != value) {
    std::snprintf(buffer, sizeof(buffer), "%a", value);
    text = buffer;
  } else if (text.find_first_of(".e") == std::string::npos) {
    text += ".0";
  }
  return is_single ? text + "f" : text;
}

// A value's, for the reader, beside its pattern.
std::string ValueComment(ElementType element, uint64_t bits) {
  if (!IsFloat(element)) return absl::StrCat(kernel::IntegerValue(element, bits));
  return absl::StrCat(kernel::FloatValue(element, bits));
}

}  // namespace

bool CudaRenderer::IsInlined(const Operation& op) const {
  // The operands of a function are evaluated in any order, which those of an order may not be.
  if (op.opcode == Opcode::kLoad &&
      op.Get<kernel::MemoryAttributes>().order != kernel::Order::kPlain) {
    return false;
  }
  return inliner_.IsInlined(op);
}

std::string CudaRenderer::Operand(const Operation* value) {
  return IsInlined(*value) ? ExpressionOf(*value).text : NameOf(*value);
}

std::string CudaRenderer::Primary(const Operation* value) {
  if (!IsInlined(*value)) return NameOf(*value);
  Expression expression = ExpressionOf(*value);
  return expression.is_infix ? absl::StrCat("(", expression.text, ")") : expression.text;
}

std::string CudaRenderer::Operands(const Operation& op, size_t first) {
  std::vector<std::string> parts;
  for (size_t i = first; i < op.operands.size(); ++i) parts.push_back(Operand(op.operands[i]));
  return absl::StrJoin(parts, ", ");
}

std::string CudaRenderer::ConstantText(Type type, uint64_t bits) {
  const ElementType element = type.element;
  const std::string name = types_.Name(element);
  const int width = BitWidth(element);
  std::string text;
  if (element == ElementType::kPred) {
    text = bits ? "true" : "false";
  } else if (IsFloat(element) && width >= 32) {
    text = std::isfinite(kernel::FloatValue(element, bits))
               ? FloatText(element, bits)
               : absl::StrCat("from_bits<", name, ">(0x", absl::Hex(bits), ")");
  } else if (IsFloat(element) || width < 8) {
    text = absl::StrCat(name, "{0x", absl::Hex(bits), " /* ", ValueComment(element, bits), " */}");
  } else {
    const int64_t value = kernel::IntegerValue(element, bits);
    const std::string digits =
        IsSigned(element) ? absl::StrCat(value) : absl::StrCat(static_cast<uint64_t>(value));
    const bool is_least = IsSigned(element) && width >= 32 && bits == uint64_t{1} << (width - 1);
    if (is_least) {
      text = absl::StrCat(name, "(0x", absl::Hex(bits), "u", width == 64 ? "ll" : "", ")");
    } else if (width >= 32) {
      text = absl::StrCat(digits, IsSigned(element) ? "" : "u", width == 64 ? "ll" : "");
    } else {
      text = absl::StrCat(name, "(", digits, ")");
    }
  }
  return type.lanes == 1 ? text : absl::StrCat("broadcast<", type.lanes, ">(", text, ")");
}

CudaRenderer::Expression CudaRenderer::RowText(const Operation& op) {
  const OpClass op_class = kernel::InfoOf(op.opcode).op_class;
  const absl::string_view sign = OperatorOf(op.opcode);
  if (!sign.empty() && HasOperators(op.operands[0]->type, op_class)) {
    return {absl::StrCat(Primary(op.operands[0]), " ", sign, " ", Primary(op.operands[1])), true};
  }
  return {absl::StrCat(CudaRow(kernel::NameOf(op.opcode)), "(", Operands(op), ")")};
}

std::string CudaRenderer::VectorText(const Operation& op) {
  const std::string type = types_.Name(op.type);
  if (op.opcode == Opcode::kIota) return absl::StrCat("iota<", type, ">()");
  if (op.opcode == Opcode::kBuild) return absl::StrCat(type, "{", Operands(op), "}");
  if (op.opcode == Opcode::kBroadcast) {
    if (op.type.lanes == 1) return Operand(op.operands[0]);
    return absl::StrCat("broadcast<", op.type.lanes, ">(", Operands(op), ")");
  }
  const std::vector<int>& lanes = op.Get<kernel::LaneAttributes>().lanes;
  if (op.opcode == Opcode::kVectorShuffle) {
    return absl::StrCat("vector_shuffle<", type, ", ", absl::StrJoin(lanes, ", "), ">(",
                        Operands(op), ")");
  }
  return absl::StrCat(kernel::NameOf(op.opcode), "<", lanes[0], ">(", Operands(op), ")");
}

std::string CudaRenderer::Place(const kernel::Buffer* buffer, const Operation* index) {
  return absl::StrCat(NameOf(buffer), " + ", Primary(index));
}

std::string CudaRenderer::LoadText(const Operation& op) {
  const auto& access = op.Get<kernel::MemoryAttributes>();
  const std::string type = types_.Name(op.type);
  if (access.order != kernel::Order::kPlain) {
    return absl::StrCat("from_bits<", type, ">(", assembly_.OrderedLoad(access), "(",
                        Place(access.buffer, op.index()), "))");
  }
  std::string text = absl::StrCat("load<", type, ", ", access.alignment, ">(",
                                  NameOf(access.buffer), ", ", Operand(op.index()));
  if (op.mask() != nullptr) absl::StrAppend(&text, ", ", Operand(op.mask()));
  return text + ")";
}

std::string CudaRenderer::StoreText(const Operation& op) {
  const auto& access = op.Get<kernel::MemoryAttributes>();
  if (access.order != kernel::Order::kPlain) {
    return absl::StrCat(assembly_.OrderedStore(access), "(", Place(access.buffer, op.index()),
                        ", bits_of(to_memory(", Operand(op.value()), ")))");
  }
  std::string text =
      absl::StrCat("store<", types_.Name(op.value()->type), ", ", access.alignment, ">(",
                   NameOf(access.buffer), ", ", Operand(op.index()), ", ", Operand(op.value()));
  if (op.mask() != nullptr) absl::StrAppend(&text, ", ", Operand(op.mask()));
  return text + ")";
}

std::string CudaRenderer::AtomicOperation(const Operation& op) {
  const auto& atomic = op.Get<kernel::AtomicAttributes>();
  const std::string function = atomic.kind == kernel::AtomicKind::kCompareExchange
                                   ? assembly_.CompareExchange(atomic, op.type.element)
                                   : assembly_.Atomic(atomic, op.type);
  return absl::StrCat(function, "(", Place(atomic.buffer, op.operands[0]), ", ", Operands(op, 1),
                      ")");
}

std::string CudaRenderer::IntrinsicCall(const Operation& op) {
  const auto& call = op.Get<kernel::IntrinsicAttributes>();
  const kernel::IntrinsicInfo& info = kernel::InfoOf(call.intrinsic);
  using Kind = kernel::IntrinsicArgument::Kind;
  size_t operand = 0, place = 0, map = 0, var = 0;
  std::vector<std::string> parts;
  for (size_t i = 0; i < info.arguments.size(); ++i) {
    switch (info.arguments[i].kind) {
      case Kind::kImmediate:
        break;
      case Kind::kPlace:
        parts.push_back(Place(call.buffers[place++], op.operands[operand++]));
        break;
      case Kind::kMap:
        parts.push_back(absl::StrCat("&", NameOf(call.maps[map++])));
        break;
      case Kind::kFragment:
        parts.push_back(NameOf(call.vars[var++]));
        break;
      case Kind::kValue:
      case Kind::kTyped:
        for (int k = info.OperandCount(i, op.operands.size()); k > 0; --k) {
          parts.push_back(Operand(op.operands[operand++]));
        }
    }
  }
  return absl::StrCat(assembly_.Intrinsic(call, op.operands.size()), "(",
                      absl::StrJoin(parts, ", "), ")");
}

std::string CudaRenderer::VarText(const Operation& op) {
  const std::string& name = NameOf(op.Get<kernel::VarAttributes>().var);
  return op.index() == nullptr ? name : absl::StrCat(name, "[", Operand(op.index()), "]");
}

CudaRenderer::Expression CudaRenderer::ExpressionOf(const Operation& op) {
  switch (kernel::InfoOf(op.opcode).op_class) {
    case OpClass::kUnary:
    case OpClass::kBinary:
    case OpClass::kCompare:
    case OpClass::kTernary:
    case OpClass::kSelect:
    case OpClass::kHorizontal:
      return RowText(op);
    case OpClass::kConvert: {
      const bool is_bitcast = op.opcode == Opcode::kBitcast;
      return {absl::StrCat(is_bitcast ? "bitcast<" : "convert<",
                           is_bitcast ? types_.Name(op.type) : types_.Name(op.type.element), ">(",
                           Operands(op), ")")};
    }
    case OpClass::kVector:
      return {VectorText(op)};
    case OpClass::kOrigin:
      if (!op.IsConstant()) return {NameOf(op)};
      return {ConstantText(op.type, op.Get<kernel::ConstantAttributes>().bits)};
    case OpClass::kId:
      return {ids_.at(IdKey(op))};
    case OpClass::kVar:
      return {VarText(op)};
    case OpClass::kMemory:
      return {op.opcode == Opcode::kLoad ? LoadText(op) : AtomicOperation(op)};
    case OpClass::kIntrinsic:
      return {IntrinsicCall(op)};
    case OpClass::kControl:
      break;
  }
  INGOT_UNREACHABLE() << kernel::NameOf(op.opcode) << " is no expression";
  return {};
}

}  // namespace ingot::codegen
