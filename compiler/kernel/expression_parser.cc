#include <charconv>
#include <limits>

#include "absl/strings/numbers.h"
#include "compiler/kernel/arithmetic.h"
#include "compiler/kernel/parser.h"
#include "compiler/kernel/rules.h"
#include "compiler/kernel/text.h"
#include "ir/base/status.h"

namespace ingot::kernel {

Operation* Parser::Append(const Operation& op) {
  Operation* made = kernel_->NewOperation(op.opcode, op.type);
  made->operands = op.operands;
  made->attributes = op.attributes;
  block_->operations.push_back(made);
  made_.push_back(made);
  return made;
}

absl::StatusOr<Operation*> Parser::Make(const Token& token, Opcode opcode,
                                        std::vector<Pending> operands, Attributes attributes,
                                        Type type) {
  Operation op;
  op.opcode = opcode;
  op.type = type;
  op.attributes = std::move(attributes);
  if (static_cast<int>(operands.size()) > InfoOf(opcode).most_operands) {
    return ErrorFrom(token, absl::StrCat(NameOf(opcode), ": ", operands.size(),
                                         " operands, at most ", InfoOf(opcode).most_operands));
  }
  bool is_constant[kMaxLanes] = {};
  for (size_t i = 0; i < operands.size(); ++i) {
    is_constant[i] = std::holds_alternative<Literal>(operands[i]);
    op.operands.push_back(is_constant[i] ? nullptr : *std::get_if<Operation*>(&operands[i]));
  }
  for (size_t i = 0; i < operands.size(); ++i) {
    if (!is_constant[i]) continue;
    const Type bare = BareConstantType(op, i, absl::MakeConstSpan(is_constant, operands.size()));
    INGOT_ASSIGN_OR_RETURN(op.operands[i], Resolve(*std::get_if<Literal>(&operands[i]), bare));
  }
  if (type.IsNone()) op.type = InferType(opcode, op.operands, op.attributes);
  if (absl::Status status = CheckOperation(op); !status.ok()) {
    return ErrorFrom(token, status.message());
  }
  return Append(op);
}

absl::StatusOr<uint64_t> Parser::LiteralBits(const Literal& literal, ElementType element) const {
  const absl::string_view text = literal.token.text;
  const auto wrong = [&] {
    return ErrorFrom(literal.token, absl::StrCat(literal.negative ? "-" : "", text, " is no ",
                                                 ElementTypeName(element)));
  };
  if (literal.token.kind == Token::Kind::kBits) {
    uint64_t bits = 0;
    if (!absl::SimpleHexAtoi(text, &bits) || TruncateBits(element, bits) != bits) return wrong();
    return bits;
  }
  if (text == "true" || text == "false") {
    if (element != ElementType::kPred) return wrong();
    return text == "true" ? 1 : 0;
  }
  if (element == ElementType::kPred) return wrong();
  if (IsFloat(element)) {
    double value = 0;
    if (text == "inf" || text == "nan") {
      value = text == "inf" ? std::numeric_limits<double>::infinity()
                            : std::numeric_limits<double>::quiet_NaN();
    } else if (element == ElementType::kF32) {
      float single = 0;  // directly, so that there is one rounding
      if (!absl::SimpleAtof(text, &single)) return wrong();
      value = single;
    } else if (!absl::SimpleAtod(text, &value)) {
      return wrong();
    }
    return FloatBits(element, literal.negative ? -value : value);
  }
  uint64_t magnitude = 0;
  if (!absl::SimpleAtoi(text, &magnitude)) return wrong();
  const uint64_t bits = TruncateBits(element, literal.negative ? -magnitude : magnitude);
  const __int128 exact = literal.negative ? -static_cast<__int128>(magnitude) : magnitude;
  const __int128 held = IsSigned(element) ? __int128{IntegerValue(element, bits)} : __int128{bits};
  if (held != exact) return wrong();
  return bits;
}

absl::StatusOr<Operation*> Parser::Resolve(const Literal& literal, Type bare) {
  Type type = literal.type.value_or(bare);
  const bool truth = literal.token.text == "true" || literal.token.text == "false";
  if (truth && !literal.type.has_value() && type.element != ElementType::kPred) type = kPred;
  Operation op;
  op.opcode = Opcode::kConstant;
  op.type = type;
  INGOT_ASSIGN_OR_RETURN(const uint64_t bits, LiteralBits(literal, type.element));
  op.attributes = ConstantAttributes{bits};
  return Append(op);
}

absl::StatusOr<Operation*> Parser::ParseValue(Type bare) {
  INGOT_ASSIGN_OR_RETURN(Pending pending, ParseExpression());
  if (auto* op = std::get_if<Operation*>(&pending)) return *op;
  return Resolve(*std::get_if<Literal>(&pending), bare);
}

absl::StatusOr<Parser::Pending> Parser::ParseInfix(int precedence) {
  if (precedence > 3) return ParsePrimary();
  INGOT_ASSIGN_OR_RETURN(Pending left, ParseInfix(precedence + 1));
  static constexpr Opcode kInfix[] = {Opcode::kAdd, Opcode::kSub, Opcode::kMul,
                                      Opcode::kEq,  Opcode::kNe,  Opcode::kLt,
                                      Opcode::kLe,  Opcode::kGt,  Opcode::kGe};
  while (Peek().kind == Token::Kind::kSymbol) {
    std::optional<Opcode> opcode;
    for (Opcode candidate : kInfix) {
      const bool fits = InfixPrecedence(candidate) == precedence;
      if (fits && InfixOf(candidate) == Peek().text) opcode = candidate;
    }
    if (!opcode.has_value()) break;
    const Token token = Peek();
    ++position_;
    INGOT_ASSIGN_OR_RETURN(Pending right, ParseInfix(precedence + 1));
    INGOT_ASSIGN_OR_RETURN(left, Make(token, *opcode, {std::move(left), std::move(right)}));
    if (precedence == 1) break;  // comparisons do not chain
  }
  return left;
}

absl::StatusOr<Parser::Pending> Parser::ParseLiteral() {
  Literal literal;
  literal.negative = TakeSymbol("-");
  literal.token = Peek();
  const bool is_word = AtWord("inf") || AtWord("nan");
  const bool is_truth = !literal.negative && (AtWord("true") || AtWord("false"));
  const bool is_number = Peek().kind == Token::Kind::kNumber;
  const bool is_bits = !literal.negative && Peek().kind == Token::Kind::kBits;
  if (!is_word && !is_truth && !is_number && !is_bits) return Error("expected a value");
  ++position_;
  if (TakeSymbol(":")) {
    INGOT_ASSIGN_OR_RETURN(literal.type, ExpectType());
  }
  return Pending(literal);
}

absl::StatusOr<Parser::Pending> Parser::ParsePrimary() {
  if (++depth_ > kMaxTextDepth) {
    return Error(absl::StrCat("nested deeper than ", kMaxTextDepth));
  }
  absl::StatusOr<Pending> result = [&]() -> absl::StatusOr<Pending> {
    if (TakeSymbol("(")) {
      INGOT_ASSIGN_OR_RETURN(Pending inner, ParseExpression());
      INGOT_RETURN_IF_ERROR(ExpectSymbol(")"));
      return inner;
    }
    absl::StatusOr<Operation*> op = nullptr;
    if (Peek().kind == Token::Kind::kName) {
      op = ParseReference();
    } else if (AtWord("load")) {
      op = ParseLoad();
    } else if (AtWord("atomic")) {
      op = ParseAtomic();
    } else if (Peek().kind == Token::Kind::kWord && !AtWord("true") && !AtWord("false") &&
               !AtWord("inf") && !AtWord("nan")) {
      op = ParseCall();
    } else {
      return ParseLiteral();
    }
    if (!op.ok()) return op.status();
    return Pending(*op);
  }();
  --depth_;
  return result;
}

absl::StatusOr<Operation*> Parser::ParseReference() {
  const Token token = Peek();
  INGOT_ASSIGN_OR_RETURN(const Entity entity, Find(token));
  ++position_;
  if (auto* op = std::get_if<Operation*>(&entity)) return *op;
  if (std::holds_alternative<Buffer*>(entity)) {
    return ErrorFrom(token, absl::StrCat("%", token.text, " is a buffer: expected load"));
  }
  if (std::holds_alternative<MapParameter*>(entity)) {
    return ErrorFrom(token, absl::StrCat("%", token.text, " is a tensor map, which has no value"));
  }
  std::vector<Pending> operands;
  if (TakeSymbol("[")) {
    INGOT_ASSIGN_OR_RETURN(Pending index, ParseExpression());
    INGOT_RETURN_IF_ERROR(ExpectSymbol("]"));
    operands.push_back(std::move(index));
  }
  return Make(token, Opcode::kVarRead, std::move(operands),
              VarAttributes{*std::get_if<Var*>(&entity)});
}

absl::StatusOr<Parser::Pending> Parser::ParsePlace(Buffer** buffer) {
  INGOT_ASSIGN_OR_RETURN(*buffer, ExpectEntity<Buffer>("buffer"));
  INGOT_RETURN_IF_ERROR(ExpectSymbol("["));
  INGOT_ASSIGN_OR_RETURN(Pending index, ParseExpression());
  INGOT_RETURN_IF_ERROR(ExpectSymbol("]"));
  return index;
}

absl::Status Parser::ParseAccess(MemoryAttributes& access, std::optional<Pending>& mask) {
  while (Peek().kind == Token::Kind::kWord) {
    if (TakeWord("align")) {
      INGOT_ASSIGN_OR_RETURN(const int64_t alignment, ExpectInteger("alignment", 1, kMaxAlignment));
      access.alignment = static_cast<int>(alignment);
    } else if (TakeWord("mask")) {
      INGOT_ASSIGN_OR_RETURN(mask, ParsePrimary());
      return absl::OkStatus();
    } else if (auto cache = CacheFromName(Peek().text)) {
      ++position_;
      access.cache = *cache;
    } else if (auto order = OrderFromName(Peek().text)) {
      ++position_;
      access.order = *order;
      auto scope = MemoryScopeFromName(Peek().text);
      if (!scope.has_value()) return Error("expected a memory scope");
      ++position_;
      access.scope = *scope;
    } else {
      break;
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Operation*> Parser::ParseLoad() {
  const Token token = Peek();
  ++position_;
  MemoryAttributes access;
  INGOT_ASSIGN_OR_RETURN(Pending index, ParsePlace(&access.buffer));
  INGOT_RETURN_IF_ERROR(ExpectSymbol(":"));
  INGOT_ASSIGN_OR_RETURN(const Type type, ExpectType());
  access.alignment = NaturalAlignment(type);
  std::optional<Pending> mask;
  INGOT_RETURN_IF_ERROR(ParseAccess(access, mask));
  std::vector<Pending> operands{std::move(index)};
  if (mask.has_value()) operands.push_back(*std::move(mask));
  return Make(token, Opcode::kLoad, std::move(operands), access, type);
}

absl::StatusOr<Operation*> Parser::ParseAtomic() {
  const Token token = Peek();
  ++position_;
  AtomicAttributes atomic;
  const auto kind = AtomicKindFromName(Peek().text);
  if (!kind.has_value()) return Error("expected the kind of an atomic");
  atomic.kind = *kind;
  ++position_;
  const auto order = OrderFromName(Peek().text);
  if (!order.has_value()) return Error("expected a memory order");
  atomic.order = *order;
  ++position_;
  const auto scope = MemoryScopeFromName(Peek().text);
  if (!scope.has_value()) return Error("expected a memory scope");
  atomic.scope = *scope;
  ++position_;
  std::vector<Pending> operands;
  INGOT_ASSIGN_OR_RETURN(Pending index, ParsePlace(&atomic.buffer));
  operands.push_back(std::move(index));
  while (TakeSymbol(",")) {
    INGOT_ASSIGN_OR_RETURN(Pending value, ParseExpression());
    operands.push_back(std::move(value));
  }
  if (operands.size() < 2) return Error("expected ',' and a value");
  return Make(token, Opcode::kAtomic, std::move(operands), atomic);
}

absl::Status Parser::ParseLanes(Opcode opcode, LaneAttributes& lanes) {
  const bool many = opcode == Opcode::kVectorShuffle;
  if (many) INGOT_RETURN_IF_ERROR(ExpectSymbol("["));
  do {
    INGOT_ASSIGN_OR_RETURN(const int64_t lane, ExpectInteger("lane", 0, 2 * kMaxLanes - 1));
    lanes.lanes.push_back(static_cast<int>(lane));
    if (lanes.lanes.size() > kMaxLanes) return Error("too many lanes");
  } while (many && TakeSymbol(","));
  return many ? ExpectSymbol("]") : absl::OkStatus();
}

absl::Status Parser::ParseArgument(const IntrinsicArgument& argument, IntrinsicAttributes& call,
                                   std::vector<Pending>& operands) {
  using Kind = IntrinsicArgument::Kind;
  switch (argument.kind) {
    case Kind::kImmediate: {
      INGOT_ASSIGN_OR_RETURN(const int64_t value, ExpectInteger("constant", 0, 1 << 30));
      call.immediates.push_back(value);
      return absl::OkStatus();
    }
    case Kind::kPlace: {
      INGOT_ASSIGN_OR_RETURN(Pending index, ParsePlace(&call.buffers.emplace_back()));
      operands.push_back(std::move(index));
      return absl::OkStatus();
    }
    case Kind::kMap: {
      INGOT_ASSIGN_OR_RETURN(MapParameter * map, ExpectEntity<MapParameter>("tensor map"));
      call.maps.push_back(map);
      return absl::OkStatus();
    }
    case Kind::kFragment: {
      INGOT_ASSIGN_OR_RETURN(Var * var, ExpectEntity<Var>("var"));
      call.vars.push_back(var);
      return absl::OkStatus();
    }
    case Kind::kValue:
    case Kind::kTyped:
      break;
  }
  // A list goes on to the end of the arguments: it stands last.
  do {
    INGOT_ASSIGN_OR_RETURN(Pending value, ParseExpression());
    operands.push_back(std::move(value));
  } while (argument.IsList() && TakeSymbol(","));
  return absl::OkStatus();
}

absl::StatusOr<Operation*> Parser::ParseIntrinsic(const Token& token, Intrinsic intrinsic) {
  IntrinsicAttributes call;
  call.intrinsic = intrinsic;
  std::vector<Pending> operands;
  const std::vector<IntrinsicArgument>& arguments = InfoOf(intrinsic).arguments;
  for (size_t i = 0; i < arguments.size(); ++i) {
    INGOT_RETURN_IF_ERROR(ExpectSymbol(i == 0 ? "(" : ","));
    INGOT_RETURN_IF_ERROR(ParseArgument(arguments[i], call, operands));
  }
  if (!arguments.empty()) INGOT_RETURN_IF_ERROR(ExpectSymbol(")"));
  return Make(token, Opcode::kIntrinsic, std::move(operands), std::move(call));
}

namespace {
// The ids have their axis in the word: "block", "thread.y".
std::optional<std::pair<Opcode, int>> IdFromName(absl::string_view name) {
  int axis = 0;
  if (name.size() > 2 && name[name.size() - 2] == '.') {
    axis = name.back() - 'x';
    if (axis < 1 || axis > 2) return std::nullopt;
    name.remove_suffix(2);
  }
  const std::optional<Opcode> opcode = OpcodeFromName(name);
  if (!opcode || InfoOf(*opcode).op_class != OpClass::kId) return std::nullopt;
  return std::make_pair(*opcode, axis);
}
}  // namespace

absl::StatusOr<Operation*> Parser::ParseConvert(const Token& token, Type type) {
  INGOT_RETURN_IF_ERROR(ExpectSymbol("("));
  INGOT_ASSIGN_OR_RETURN(Pending value, ParseExpression());
  INGOT_RETURN_IF_ERROR(ExpectSymbol(")"));
  return Make(token, Opcode::kConvert, {std::move(value)}, {}, type);
}

absl::StatusOr<Operation*> Parser::ParseCall() {
  const Token token = Peek();
  ++position_;
  if (const std::optional<Type> type = TypeFromName(token.text)) return ParseConvert(token, *type);
  if (auto id = IdFromName(token.text)) {
    return Make(token, id->first, {}, IdAttributes{id->second});
  }
  if (auto intrinsic = IntrinsicFromName(token.text)) return ParseIntrinsic(token, *intrinsic);
  const std::optional<Opcode> opcode = OpcodeFromName(token.text);
  const OpClass op_class = opcode ? InfoOf(*opcode).op_class : OpClass::kControl;
  const bool callable = op_class != OpClass::kControl && op_class != OpClass::kOrigin &&
                        op_class != OpClass::kVar && op_class != OpClass::kMemory &&
                        op_class != OpClass::kIntrinsic && *opcode != Opcode::kConvert;
  if (!callable) return ErrorFrom(token, absl::StrCat("unknown operation ", token.text));
  std::vector<Pending> operands;
  Attributes attributes;
  if (*opcode != Opcode::kIota) {
    const bool has_lanes = *opcode == Opcode::kExtract || *opcode == Opcode::kInsert ||
                           *opcode == Opcode::kVectorShuffle;
    const size_t values = InfoOf(*opcode).most_operands;
    INGOT_RETURN_IF_ERROR(ExpectSymbol("("));
    do {
      if (has_lanes && operands.size() == values) {
        LaneAttributes lanes;
        INGOT_RETURN_IF_ERROR(ParseLanes(*opcode, lanes));
        attributes = std::move(lanes);
        break;
      }
      INGOT_ASSIGN_OR_RETURN(Pending value, ParseExpression());
      operands.push_back(std::move(value));
    } while (TakeSymbol(","));
    INGOT_RETURN_IF_ERROR(ExpectSymbol(")"));
    if (has_lanes && !std::holds_alternative<LaneAttributes>(attributes)) {
      return ErrorFrom(token, absl::StrCat(token.text, ": expected lane numbers"));
    }
  }
  Type type = Type::None();
  if (StatesType(*opcode)) {
    INGOT_RETURN_IF_ERROR(ExpectSymbol(":"));
    INGOT_ASSIGN_OR_RETURN(type, ExpectType());
  }
  return Make(token, *opcode, std::move(operands), std::move(attributes), type);
}

}  // namespace ingot::kernel
