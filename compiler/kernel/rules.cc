#include "compiler/kernel/rules.h"

#include <algorithm>

#include "compiler/kernel/arithmetic.h"
#include "ir/base/status.h"

namespace ingot::kernel {
namespace {

bool IsPowerOfTwo(int64_t x) { return x > 0 && (x & (x - 1)) == 0; }
bool IsIndexType(Type type) { return type == kS32 || type == kS64; }

absl::Status CheckElement(const Operation& op, ElementType element) {
  if ((InfoOf(op.opcode).types & TypeSetOf(element)) != 0) return absl::OkStatus();
  return InvalidArgument(ElementTypeName(element), " is not allowed here");
}

absl::Status Expect(absl::string_view what, Type have, Type want) {
  if (have == want) return absl::OkStatus();
  return InvalidArgument(what, " has type ", have.ToString(), ", expected ", want.ToString());
}

// A value of `buffer`'s elements.
absl::Status ExpectElementsOf(const Buffer& buffer, Type have) {
  if (have.element == buffer.element) return absl::OkStatus();
  return InvalidArgument("%", buffer.name, ": value has type ", have.ToString(), ", expected ",
                         have.WithElement(buffer.element).ToString());
}

absl::Status ExpectIndex(absl::string_view what, const Operation* index) {
  if (IsIndexType(index->type)) return absl::OkStatus();
  return InvalidArgument(what, " has type ", index->type.ToString(), ", expected s32 or s64");
}

// Operands `first` … are of one type.
absl::Status CheckSame(const Operation& op, size_t first) {
  for (size_t i = first + 1; i < op.operands.size(); ++i) {
    if (op.operands[i]->type == op.operands[first]->type) continue;
    return InvalidArgument("operands have types ", op.operands[first]->type.ToString(), " and ",
                           op.operands[i]->type.ToString(), ", expected one type");
  }
  return absl::OkStatus();
}

// unary, binary, compare, ternary: lane-wise on operands of one type.
absl::Status CheckLanewise(const Operation& op) {
  INGOT_RETURN_IF_ERROR(CheckSame(op, 0));
  const Type type = op.operands[0]->type;
  INGOT_RETURN_IF_ERROR(CheckElement(op, type.element));
  if (op.opcode == Opcode::kPermute && type.element != ElementType::kU32) {
    return InvalidArgument(ElementTypeName(type.element), " is not allowed here");
  }
  const bool compares = InfoOf(op.opcode).op_class == OpClass::kCompare;
  return Expect("result", op.type, compares ? type.Mask() : type);
}

absl::Status CheckSelect(const Operation& op) {
  INGOT_RETURN_IF_ERROR(CheckSame(op, 1));
  INGOT_RETURN_IF_ERROR(Expect("mask", op.operands[0]->type, op.operands[1]->type.Mask()));
  return Expect("result", op.type, op.operands[1]->type);
}

absl::Status CheckConvert(const Operation& op) {
  const Type from = op.operands[0]->type;
  INGOT_RETURN_IF_ERROR(CheckElement(op, op.type.element));
  if (op.opcode == Opcode::kConvert)
    return Expect("result", op.type, from.WithElement(op.type.element));
  INGOT_RETURN_IF_ERROR(CheckElement(op, from.element));
  const int from_bits = BitWidth(from.element) * from.lanes;
  const int to_bits = BitWidth(op.type.element) * op.type.lanes;
  if (from_bits == to_bits) return absl::OkStatus();
  return InvalidArgument(from.ToString(), " has ", from_bits, " bits and ", op.type.ToString(),
                         " has ", to_bits);
}

absl::Status CheckLaneNumbers(const Operation& op, int count, int limit) {
  const std::vector<int>& lanes = op.Get<LaneAttributes>().lanes;
  if (static_cast<int>(lanes.size()) != count) {
    return InvalidArgument(lanes.size(), " lane numbers, expected ", count);
  }
  for (int lane : lanes) {
    if (lane < 0 || lane >= limit) {
      return InvalidArgument("lane ", lane, " is outside 0 … ", limit - 1);
    }
  }
  return absl::OkStatus();
}

absl::Status CheckVector(const Operation& op) {
  INGOT_RETURN_IF_ERROR(CheckElement(op, op.type.element));
  const Type scalar = op.type.WithLanes(1);
  if (op.opcode == Opcode::kIota) return absl::OkStatus();
  const Type first = op.operands[0]->type;
  if (op.opcode == Opcode::kBuild) {
    if (static_cast<int>(op.operands.size()) != op.type.lanes) {
      return InvalidArgument(op.operands.size(), " operands for ", op.type.lanes, " lanes");
    }
    INGOT_RETURN_IF_ERROR(CheckSame(op, 0));
    return Expect("operand", first, scalar);
  }
  if (op.opcode == Opcode::kBroadcast) return Expect("operand", first, scalar);
  if (op.opcode == Opcode::kExtract) {
    INGOT_RETURN_IF_ERROR(Expect("result", op.type, first.WithLanes(1)));
    return CheckLaneNumbers(op, 1, first.lanes);
  }
  if (op.opcode == Opcode::kInsert) {
    INGOT_RETURN_IF_ERROR(Expect("result", op.type, first));
    INGOT_RETURN_IF_ERROR(Expect("scalar", op.operands[1]->type, scalar));
    return CheckLaneNumbers(op, 1, first.lanes);
  }
  const Type second = op.operands[1]->type;
  INGOT_RETURN_IF_ERROR(Expect("second operand", second, second.WithElement(first.element)));
  INGOT_RETURN_IF_ERROR(Expect("result", op.type, op.type.WithElement(first.element)));
  return CheckLaneNumbers(op, op.type.lanes, first.lanes + second.lanes);
}

absl::Status CheckHorizontal(const Operation& op) {
  INGOT_RETURN_IF_ERROR(CheckElement(op, op.operands[0]->type.element));
  return Expect("result", op.type, op.operands[0]->type.WithLanes(1));
}

absl::Status CheckOrigin(const Operation& op) {
  INGOT_RETURN_IF_ERROR(CheckElement(op, op.type.element));
  if (op.opcode == Opcode::kParameter) return Expect("parameter", op.type, op.type.WithLanes(1));
  const uint64_t bits = op.Get<ConstantAttributes>().bits;
  if (TruncateBits(op.type.element, bits) == bits) return absl::OkStatus();
  return InvalidArgument("bits ", bits, " do not fit ", op.type.ToString());
}

absl::Status CheckId(const Operation& op) {
  const int axis = op.Get<IdAttributes>().axis;
  const bool has_axes =
      op.opcode == Opcode::kBlock || op.opcode == Opcode::kThread || op.opcode == Opcode::kBlocks;
  if (axis < 0 || axis > (has_axes ? 2 : 0)) return InvalidArgument("no axis ", axis);
  return Expect("result", op.type, op.opcode == Opcode::kTask ? kS64 : kS32);
}

absl::Status CheckVar(const Operation& op) {
  const Var* var = op.Get<VarAttributes>().var;
  if (var == nullptr) return InvalidArgument("no var");
  if (op.opcode == Opcode::kVar && (var->array_size < 0 || var->array_size > kMaxArraySize)) {
    return InvalidArgument("%", var->name, " has ", var->array_size, " elements, at most ",
                           kMaxArraySize, " are allowed");
  }
  if (op.opcode == Opcode::kVarRead) {
    INGOT_RETURN_IF_ERROR(Expect("result", op.type, var->type));
  } else {
    INGOT_RETURN_IF_ERROR(Expect("value", op.operands[0]->type, var->type));
  }
  if (op.opcode == Opcode::kVar) return absl::OkStatus();
  const Operation* index = op.index();
  if ((index != nullptr) != (var->array_size > 0)) {
    return InvalidArgument("%", var->name, index ? " is not an array" : " is an array: no index");
  }
  return index == nullptr ? absl::OkStatus() : ExpectIndex("index", index);
}

absl::Status CheckAccess(const Operation& op, Type type) {
  const auto& access = op.Get<MemoryAttributes>();
  if (access.buffer == nullptr) return InvalidArgument("no buffer");
  INGOT_RETURN_IF_ERROR(ExpectElementsOf(*access.buffer, type));
  INGOT_RETURN_IF_ERROR(ExpectIndex("index", op.index()));
  if (op.mask() != nullptr) {
    INGOT_RETURN_IF_ERROR(Expect("mask", op.mask()->type, type.Mask()));
  }
  if (!IsPowerOfTwo(access.alignment) || access.alignment > kMaxAlignment ||
      access.alignment < ByteWidth(type.element)) {
    return InvalidArgument("alignment is ", access.alignment, ", expected a power of two from ",
                           ByteWidth(type.element), " to ", kMaxAlignment);
  }
  if (access.order == Order::kPlain) return absl::OkStatus();
  const Order wrong = op.opcode == Opcode::kLoad ? Order::kRelease : Order::kAcquire;
  if (access.order == wrong || access.order == Order::kAcquireRelease) {
    return InvalidArgument("order ", NameOf(access.order), " is not for a ", NameOf(op.opcode));
  }
  if (type.lanes != 1 || op.mask() != nullptr) {
    return InvalidArgument("order ", NameOf(access.order), " needs one lane and no mask");
  }
  return absl::OkStatus();
}

absl::Status CheckAtomic(const Operation& op) {
  const auto& atomic = op.Get<AtomicAttributes>();
  if (atomic.buffer == nullptr) return InvalidArgument("no buffer");
  const bool compares = atomic.kind == AtomicKind::kCompareExchange;
  if ((op.operands.size() == 3) != compares) {
    return InvalidArgument(NameOf(atomic.kind), " has ", op.operands.size() - 1, " values");
  }
  INGOT_RETURN_IF_ERROR(ExpectIndex("index", op.operands[0]));
  const Type type = op.operands[1]->type;
  INGOT_RETURN_IF_ERROR(CheckSame(op, 1));
  INGOT_RETURN_IF_ERROR(Expect("result", op.type, type));
  INGOT_RETURN_IF_ERROR(ExpectElementsOf(*atomic.buffer, type));
  if (atomic.order == Order::kPlain) return InvalidArgument("order plain is not atomic");
  const int bits = BitWidth(type.element);
  const bool wide_integer = IsInteger(type.element) && bits >= 32;
  const bool wide_float = IsFloat(type.element) && bits >= 32;
  const bool half = TypeSetOf(type.element) == kSetHalf;
  const bool moves = compares || atomic.kind == AtomicKind::kExchange;
  const bool adds = atomic.kind == AtomicKind::kAdd;
  const bool legal = wide_integer || (wide_float && (moves || adds)) || (half && adds);
  const bool pair = half && adds && type.lanes == 2;
  if (legal && (type.lanes == 1 || pair)) return absl::OkStatus();
  return InvalidArgument(NameOf(atomic.kind), " of ", type.ToString(), " is not allowed");
}

absl::Status CheckFor(const Operation& op) {
  const auto& loop = op.Get<ForAttributes>();
  if (!IsIndexType(op.type)) {
    return InvalidArgument("variable has type ", op.type.ToString(), ", expected s32 or s64");
  }
  if (loop.is_list) {
    if (loop.list.empty() || loop.list.size() > kMaxListSize) {
      return InvalidArgument("list has ", loop.list.size(), " values, expected 1 to ",
                             kMaxListSize);
    }
    for (int64_t value : loop.list) {
      if (IntegerValue(op.type.element, IntegerBits(op.type.element, value)) != value) {
        return InvalidArgument("value ", value, " does not fit ", op.type.ToString());
      }
    }
    return op.operands.empty() ? absl::OkStatus() : InvalidArgument("a list and bounds");
  }
  if (op.operands.size() != 3) return InvalidArgument(op.operands.size(), " bounds, expected 3");
  for (const Operation* bound : op.operands) {
    INGOT_RETURN_IF_ERROR(Expect("bound", bound->type, op.type));
  }
  if (op.operands[2]->IsConstant() && op.operands[2]->ConstantInteger() == 0) {
    return InvalidArgument("step is 0");
  }
  if (loop.unroll >= 1 && loop.unroll <= kMaxUnroll) return absl::OkStatus();
  return InvalidArgument("unroll is ", loop.unroll, ", expected 1 to ", kMaxUnroll);
}

absl::Status CheckRoles(const Operation& op) {
  int next = 0;
  for (const WarpRange& range : op.Get<RolesAttributes>().warps) {
    if (range.first < next || range.last < range.first || range.last > 31) {
      return InvalidArgument("warps ", range.first, "..", range.last,
                             " are not ascending, disjoint and at most 31");
    }
    next = range.last + 1;
  }
  return absl::OkStatus();
}

absl::Status CheckBlockCount(const Operation& op) {
  size_t want = 0;
  if (op.opcode == Opcode::kFor) want = 1;
  if (op.opcode == Opcode::kWhile || op.opcode == Opcode::kIf) want = 2;
  if (op.opcode == Opcode::kRoles) want = op.Get<RolesAttributes>().warps.size();
  if (op.blocks.size() == want) return absl::OkStatus();
  return InvalidArgument(op.blocks.size(), " blocks, expected ", want);
}

absl::Status CheckControl(const Operation& op) {
  INGOT_RETURN_IF_ERROR(CheckBlockCount(op));
  if (op.opcode == Opcode::kFor) return CheckFor(op);
  if (op.opcode == Opcode::kRoles) return CheckRoles(op);
  if (op.operands.empty()) return absl::OkStatus();
  return Expect("condition", op.operands[0]->type, kPred);  // if, yield
}

// The arguments of an intrinsic, one after the other.
class ArgumentChecker {
 public:
  ArgumentChecker(const Operation& op, const IntrinsicAttributes& call)
      : op_(op), call_(call), info_(InfoOf(call.intrinsic)) {}

  absl::Status Run() {
    for (size_t i = 0; i < info_.arguments.size(); ++i) INGOT_RETURN_IF_ERROR(Check(i));
    if (operand_ == op_.operands.size() && immediate_ == call_.immediates.size() &&
        place_ == call_.buffers.size() && map_ == call_.maps.size() && var_ == call_.vars.size()) {
      return absl::OkStatus();
    }
    return InvalidArgument(op_.operands.size(), " operands, ", call_.immediates.size(),
                           " constants and ", call_.buffers.size(), " places, expected ", operand_,
                           ", ", immediate_, " and ", place_);
  }

 private:
  absl::Status Check(size_t i) {
    const IntrinsicArgument& argument = info_.arguments[i];
    using Kind = IntrinsicArgument::Kind;
    if (argument.kind == Kind::kImmediate) return CheckConstant(argument);
    if (argument.kind == Kind::kFragment) return CheckFragment(argument);
    if (argument.kind == Kind::kMap) {
      if (map_ >= call_.maps.size()) return InvalidArgument("too few tensor maps");
      const MapParameter* map = call_.maps[map_++];
      return map != nullptr ? absl::OkStatus() : InvalidArgument("no tensor map");
    }
    const int count = info_.OperandCount(i, op_.operands.size());
    if (count < argument.least_count || count > argument.most_count) {
      return InvalidArgument("a list of ", count, " operands, expected ", argument.least_count,
                             " to ", argument.most_count);
    }
    for (int k = 0; k < count; ++k) {
      if (operand_ >= op_.operands.size()) return InvalidArgument("too few operands");
      INGOT_RETURN_IF_ERROR(CheckOperand(argument, *op_.operands[operand_++]));
    }
    return absl::OkStatus();
  }

  absl::Status CheckConstant(const IntrinsicArgument& argument) {
    if (immediate_ >= call_.immediates.size()) return InvalidArgument("too few constants");
    const int64_t constant = call_.immediates[immediate_++];
    if (argument.Allows(constant)) return absl::OkStatus();
    const absl::string_view name = argument.slot.empty() ? "a constant" : argument.slot;
    return InvalidArgument(name, " is ", constant, ", expected ", argument.RangesText());
  }

  absl::Status CheckFragment(const IntrinsicArgument& argument) {
    if (var_ >= call_.vars.size()) return InvalidArgument("too few vars");
    const Var* var = call_.vars[var_++];
    if (var == nullptr) return InvalidArgument("no var");
    if (argument.size_constant >= static_cast<int>(call_.immediates.size())) {
      return InvalidArgument("too few constants");
    }
    const int64_t want = call_.immediates[argument.size_constant] / argument.size_divisor;
    const int64_t have = int64_t{1} * var->type.lanes * std::max(1, var->array_size);
    if (var->type.element == argument.type.element && have == want) return absl::OkStatus();
    return InvalidArgument("%", var->name, " has ", have, " elements of ",
                           ElementTypeName(var->type.element), ", expected ", want, " of ",
                           ElementTypeName(argument.type.element));
  }

  absl::Status CheckOperand(const IntrinsicArgument& argument, const Operation& value) {
    if (argument.kind == IntrinsicArgument::Kind::kValue) {
      return Expect("operand", value.type, argument.type);
    }
    if (argument.kind == IntrinsicArgument::Kind::kPlace) return CheckPlace(argument, value);
    if (free_type_.IsNone()) free_type_ = value.type;
    INGOT_RETURN_IF_ERROR(Expect("operand", value.type, free_type_));
    if (free_type_.lanes == 1 && (info_.types & TypeSetOf(free_type_.element)) != 0) {
      return absl::OkStatus();
    }
    return InvalidArgument(free_type_.ToString(), " is not allowed here");
  }

  absl::Status CheckPlace(const IntrinsicArgument& argument, const Operation& index) {
    if (place_ >= call_.buffers.size()) return InvalidArgument("too few places");
    const Buffer* buffer = call_.buffers[place_++];
    if (buffer == nullptr) return InvalidArgument("no buffer");
    if (buffer->space != argument.space) {
      return InvalidArgument("%", buffer->name, " is ", NameOf(buffer->space), ", expected ",
                             NameOf(argument.space));
    }
    return ExpectIndex("index", &index);
  }

  const Operation& op_;
  const IntrinsicAttributes& call_;
  const IntrinsicInfo& info_;
  size_t operand_ = 0, immediate_ = 0, place_ = 0, map_ = 0, var_ = 0;
  Type free_type_ = Type::None();
};

absl::Status CheckIntrinsic(const Operation& op) {
  INGOT_RETURN_IF_ERROR(ArgumentChecker(op, op.Get<IntrinsicAttributes>()).Run());
  return Expect("result", op.type, InferType(op.opcode, op.operands, op.attributes));
}

absl::Status CheckRow(const Operation& op) {
  const OpInfo& info = InfoOf(op.opcode);
  const int count = static_cast<int>(op.operands.size());
  if (count < info.least_operands || count > info.most_operands) {
    return InvalidArgument(
        count, " operands, expected ", info.least_operands,
        info.least_operands == info.most_operands ? "" : absl::StrCat(" to ", info.most_operands));
  }
  for (const Operation* operand : op.operands) {
    if (operand->type.IsNone()) return InvalidArgument("an operand has no value");
  }
  if (op.type.lanes < 0 || op.type.lanes > kMaxLanes || IsComplex(op.type.element)) {
    return InvalidArgument(op.type.ToString(), " is no type of a value");
  }
  switch (info.op_class) {
    case OpClass::kUnary:
    case OpClass::kBinary:
    case OpClass::kCompare:
    case OpClass::kTernary:
      return CheckLanewise(op);
    case OpClass::kSelect:
      return CheckSelect(op);
    case OpClass::kConvert:
      return CheckConvert(op);
    case OpClass::kVector:
      return CheckVector(op);
    case OpClass::kHorizontal:
      return CheckHorizontal(op);
    case OpClass::kOrigin:
      return CheckOrigin(op);
    case OpClass::kId:
      return CheckId(op);
    case OpClass::kVar:
      return CheckVar(op);
    case OpClass::kMemory:
      if (op.opcode == Opcode::kAtomic) return CheckAtomic(op);
      return CheckAccess(op, op.opcode == Opcode::kLoad ? op.type : op.operands[0]->type);
    case OpClass::kControl:
      return CheckControl(op);
    case OpClass::kIntrinsic:
      return CheckIntrinsic(op);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckOperation(const Operation& op) {
  const absl::string_view name = op.opcode == Opcode::kIntrinsic
                                     ? InfoOf(op.Get<IntrinsicAttributes>().intrinsic).name
                                     : NameOf(op.opcode);
  return Annotate(CheckRow(op), name);
}

bool StatesType(Opcode opcode) {
  return opcode == Opcode::kConvert || opcode == Opcode::kBitcast || opcode == Opcode::kBroadcast ||
         opcode == Opcode::kIota || opcode == Opcode::kLoad;
}

namespace {
Type InferIntrinsic(const IntrinsicAttributes& call, absl::Span<Operation* const> operands) {
  const IntrinsicInfo& info = InfoOf(call.intrinsic);
  if (!info.result.has_value()) return Type::None();
  if (info.result->kind == IntrinsicArgument::Kind::kValue) return info.result->type;
  size_t operand = 0;
  for (size_t i = 0; i < info.arguments.size() && operand < operands.size(); ++i) {
    if (info.arguments[i].kind == IntrinsicArgument::Kind::kTyped) return operands[operand]->type;
    operand += info.OperandCount(i, operands.size());
  }
  return Type::None();
}
}  // namespace

Type InferType(Opcode opcode, absl::Span<Operation* const> operands, const Attributes& attributes) {
  const OpInfo& info = InfoOf(opcode);
  if (StatesType(opcode) || static_cast<int>(operands.size()) < info.least_operands) {
    return Type::None();
  }
  switch (info.op_class) {
    case OpClass::kUnary:
    case OpClass::kBinary:
    case OpClass::kTernary:
      return operands[0]->type;
    case OpClass::kCompare:
      return operands[0]->type.Mask();
    case OpClass::kSelect:
      return operands[1]->type;
    case OpClass::kHorizontal:
      return operands[0]->type.WithLanes(1);
    case OpClass::kVector:
      if (opcode == Opcode::kExtract) return operands[0]->type.WithLanes(1);
      if (opcode == Opcode::kInsert) return operands[0]->type;
      if (opcode == Opcode::kBuild) return operands[0]->type.WithLanes(operands.size());
      return operands[0]->type.WithLanes(std::get_if<LaneAttributes>(&attributes)->lanes.size());
    case OpClass::kId:
      return opcode == Opcode::kTask ? kS64 : kS32;
    case OpClass::kVar:
      return opcode == Opcode::kVarRead ? std::get_if<VarAttributes>(&attributes)->var->type
                                        : Type::None();
    case OpClass::kMemory:
      return opcode == Opcode::kAtomic ? operands[1]->type : Type::None();
    case OpClass::kIntrinsic:
      return InferIntrinsic(*std::get_if<IntrinsicAttributes>(&attributes), operands);
    case OpClass::kConvert:
    case OpClass::kOrigin:
    case OpClass::kControl:
      break;
  }
  return Type::None();
}

}  // namespace ingot::kernel
