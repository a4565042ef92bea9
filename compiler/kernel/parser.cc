#include "compiler/kernel/parser.h"

#include <algorithm>
#include <limits>

#include "absl/strings/numbers.h"
#include "compiler/kernel/rules.h"
#include "compiler/kernel/text.h"
#include "ir/base/status.h"

namespace ingot::kernel {
// ----- Tokens

bool Parser::TakeSymbol(absl::string_view symbol) {
  if (!AtSymbol(symbol)) return false;
  ++position_;
  return true;
}

bool Parser::TakeWord(absl::string_view word) {
  if (!AtWord(word)) return false;
  ++position_;
  return true;
}

absl::Status Parser::ExpectSymbol(absl::string_view symbol) {
  if (TakeSymbol(symbol)) return absl::OkStatus();
  return Error(absl::StrCat("expected '", symbol, "'"));
}

absl::StatusOr<absl::string_view> Parser::ExpectWord(absl::string_view what) {
  if (Peek().kind != Token::Kind::kWord) return Error(absl::StrCat("expected ", what));
  return tokens_[position_++].text;
}

absl::StatusOr<absl::string_view> Parser::ExpectName() {
  if (Peek().kind != Token::Kind::kName) return Error("expected a %name");
  return tokens_[position_++].text;
}

absl::StatusOr<int64_t> Parser::ExpectInteger(absl::string_view what, int64_t least, int64_t most) {
  const Token token = Peek();
  const bool negative = least < 0 && TakeSymbol("-");
  uint64_t magnitude = 0;
  if (Peek().kind != Token::Kind::kNumber || !absl::SimpleAtoi(Peek().text, &magnitude)) {
    return Error(absl::StrCat("expected an integer: ", what));
  }
  ++position_;
  const __int128 value = negative ? -static_cast<__int128>(magnitude) : magnitude;
  if (value >= least && value <= most) return static_cast<int64_t>(value);
  return ErrorFrom(token, absl::StrCat(what, " is ", negative ? "-" : "", magnitude, ", expected ",
                                       least, " to ", most));
}

absl::StatusOr<Type> Parser::ExpectType() {
  const Token token = Peek();
  INGOT_ASSIGN_OR_RETURN(const absl::string_view name, ExpectWord("a type"));
  const std::optional<Type> type = TypeFromName(name);
  if (!type.has_value()) return ErrorFrom(token, absl::StrCat(name, " is no type of a value"));
  return *type;
}

// ----- Names

absl::Status Parser::Define(const Token& token, Entity entity) {
  std::string name(token.text);
  if (!symbols_.try_emplace(name, Symbol{entity}).second) {
    return ErrorFrom(token, absl::StrCat("%", name, " is defined twice"));
  }
  scope_.push_back(std::move(name));
  return absl::OkStatus();
}

absl::StatusOr<Parser::Entity> Parser::Find(const Token& token) const {
  const auto found = symbols_.find(token.text);
  if (found == symbols_.end()) {
    return ErrorFrom(token, absl::StrCat("%", token.text, " is not defined"));
  }
  if (!found->second.visible) {
    return ErrorFrom(token, absl::StrCat("%", token.text, " is not visible here"));
  }
  return found->second.entity;
}

// ----- Statements

absl::Status Parser::ParseBlock(Block* block) {
  if (++depth_ > kMaxTextDepth) return Error(absl::StrCat("nested deeper than ", kMaxTextDepth));
  Block* const outer = std::exchange(block_, block);
  const size_t outer_names = scope_.size();
  while (!AtSymbol("}")) {
    if (Peek().kind == Token::Kind::kEnd) return Error("expected '}'");
    INGOT_RETURN_IF_ERROR(ParseStatement());
  }
  for (; scope_.size() > outer_names; scope_.pop_back()) symbols_[scope_.back()].visible = false;
  block_ = outer;
  --depth_;
  return absl::OkStatus();
}

absl::Status Parser::ParseHlo(size_t first_operation) {
  if (!TakeSymbol("!")) return absl::OkStatus();
  INGOT_ASSIGN_OR_RETURN(const int64_t hlo,
                         ExpectInteger("HLO id", 0, std::numeric_limits<int32_t>::max()));
  for (size_t i = first_operation; i < made_.size(); ++i) {
    made_[i]->hlo = static_cast<int32_t>(hlo);
  }
  if (TakeSymbol(":")) {
    INGOT_ASSIGN_OR_RETURN(const absl::string_view name, ExpectWord("the name of an instruction"));
    kernel_->NameHlo(static_cast<int32_t>(hlo), std::string(name));
  }
  return absl::OkStatus();
}

void Parser::TakeComment(Operation* op) { op->comment = std::string(Previous().comment); }

absl::Status Parser::ParseStatement() {
  if (AtWord("for")) return ParseFor();
  if (AtWord("if")) return ParseIf();
  if (AtWord("while")) return ParseWhile();
  if (AtWord("roles")) return ParseRoles();
  const size_t first = made_.size();
  const Token start = Peek();
  if (AtWord("var")) {
    INGOT_RETURN_IF_ERROR(ParseVar());
  } else if (AtWord("store")) {
    INGOT_RETURN_IF_ERROR(ParseStore());
  } else if (AtWord("yield")) {
    INGOT_RETURN_IF_ERROR(ParseYield());
  } else if (AtWord("atomic")) {
    INGOT_RETURN_IF_ERROR(ParseAtomic().status());
  } else if (Peek().kind == Token::Kind::kName) {
    INGOT_RETURN_IF_ERROR(ParseAssignment());
  } else {
    INGOT_ASSIGN_OR_RETURN(const absl::string_view word, ExpectWord("a statement"));
    const std::optional<Intrinsic> intrinsic = IntrinsicFromName(word);
    if (!intrinsic.has_value() || InfoOf(*intrinsic).result.has_value()) {
      return ErrorFrom(start, absl::StrCat("unknown statement ", word));
    }
    INGOT_RETURN_IF_ERROR(ParseIntrinsic(start, *intrinsic).status());
  }
  INGOT_RETURN_IF_ERROR(ParseHlo(first));
  TakeComment(made_.back());
  return absl::OkStatus();
}

absl::Status Parser::ParseAssignment() {
  const Token name = Peek();
  ++position_;
  Var* var = nullptr;
  if (symbols_.contains(name.text)) {
    INGOT_ASSIGN_OR_RETURN(const Entity entity, Find(name));
    if (auto* cell = std::get_if<Var*>(&entity)) var = *cell;
  }
  if (var == nullptr) {
    INGOT_RETURN_IF_ERROR(ExpectSymbol("="));
    const size_t first = made_.size();
    INGOT_ASSIGN_OR_RETURN(Operation * value, ParseValue(kS32));
    if (made_.size() == first) return ErrorFrom(name, "expected an operation, not another name");
    if (value->type.IsNone()) return ErrorFrom(name, "the operation has no value");
    value->name = std::string(name.text);
    return Define(name, value);
  }
  std::vector<Pending> operands(1);
  if (TakeSymbol("[")) {
    INGOT_ASSIGN_OR_RETURN(Pending index, ParseExpression());
    operands.push_back(std::move(index));
    INGOT_RETURN_IF_ERROR(ExpectSymbol("]"));
  }
  INGOT_RETURN_IF_ERROR(ExpectSymbol("="));
  INGOT_ASSIGN_OR_RETURN(operands[0], ParseExpression());
  return Make(name, Opcode::kVarWrite, std::move(operands), VarAttributes{var}).status();
}

absl::Status Parser::ParseVar() {
  const Token token = Peek();
  ++position_;
  const Token name = Peek();
  INGOT_RETURN_IF_ERROR(ExpectName().status());
  INGOT_RETURN_IF_ERROR(ExpectSymbol(":"));
  INGOT_ASSIGN_OR_RETURN(const Type type, ExpectType());
  int64_t size = 0;
  if (TakeSymbol("[")) {
    INGOT_ASSIGN_OR_RETURN(size, ExpectInteger("array size", 1, kMaxArraySize));
    INGOT_RETURN_IF_ERROR(ExpectSymbol("]"));
  }
  INGOT_RETURN_IF_ERROR(ExpectSymbol("="));
  INGOT_ASSIGN_OR_RETURN(Pending initial, ParseExpression());
  Var* var = kernel_->NewVar(std::string(name.text), type, static_cast<int>(size));
  INGOT_RETURN_IF_ERROR(
      Make(token, Opcode::kVar, {std::move(initial)}, VarAttributes{var}).status());
  return Define(name, var);
}

absl::Status Parser::ParseStore() {
  const Token token = Peek();
  ++position_;
  MemoryAttributes access;
  INGOT_ASSIGN_OR_RETURN(Pending index, ParsePlace(&access.buffer));
  std::optional<Pending> mask;
  INGOT_RETURN_IF_ERROR(ParseAccess(access, mask));
  INGOT_RETURN_IF_ERROR(ExpectSymbol("="));
  INGOT_ASSIGN_OR_RETURN(Pending value, ParseExpression());
  const bool is_aligned = access.alignment != 0;
  if (!is_aligned) access.alignment = ByteWidth(access.buffer->element);
  std::vector<Pending> operands{std::move(value), std::move(index)};
  if (mask.has_value()) operands.push_back(*std::move(mask));
  INGOT_ASSIGN_OR_RETURN(Operation * store,
                         Make(token, Opcode::kStore, std::move(operands), access));
  // Only now the type of the value is known.
  if (!is_aligned) {
    store->Get<MemoryAttributes>().alignment = NaturalAlignment(store->operands[0]->type);
  }
  return absl::OkStatus();
}

absl::Status Parser::ParseYield() {
  const Token token = Peek();
  ++position_;
  INGOT_ASSIGN_OR_RETURN(Pending value, ParseExpression());
  return Make(token, Opcode::kYield, {std::move(value)}).status();
}

namespace {
// A control operation before its blocks are read: it has them, empty.
Operation Control(Kernel* kernel, Opcode opcode, size_t blocks) {
  Operation op;
  op.opcode = opcode;
  for (size_t i = 0; i < blocks; ++i) op.blocks.push_back(kernel->NewBlock(nullptr));
  return op;
}
}  // namespace

absl::Status Parser::ParseFor() {
  const size_t first_operation = made_.size();
  const Token token = Peek();
  ++position_;
  const Token name = Peek();
  INGOT_RETURN_IF_ERROR(ExpectName().status());
  Operation op = Control(kernel_, Opcode::kFor, 1);
  op.type = kS32;
  if (TakeSymbol(":")) {
    INGOT_ASSIGN_OR_RETURN(op.type, ExpectType());
  }
  INGOT_RETURN_IF_ERROR(ExpectSymbol("="));
  ForAttributes loop;
  INGOT_ASSIGN_OR_RETURN(Pending first, ParseExpression());
  if (TakeWord("to")) {
    std::vector<Pending> bounds{std::move(first)};
    INGOT_ASSIGN_OR_RETURN(Pending end, ParseExpression());
    bounds.push_back(std::move(end));
    Literal step;
    step.token.kind = Token::Kind::kNumber;
    step.token.text = "1";
    bounds.push_back(step);
    if (TakeWord("step")) {
      INGOT_ASSIGN_OR_RETURN(bounds[2], ParseExpression());
    }
    if (TakeWord("unroll")) {
      INGOT_ASSIGN_OR_RETURN(loop.unroll, ExpectInteger("unroll", 1, kMaxUnroll));
    }
    for (const Pending& bound : bounds) {
      const auto* literal = std::get_if<Literal>(&bound);
      absl::StatusOr<Operation*> value =
          literal ? Resolve(*literal, op.type) : *std::get_if<Operation*>(&bound);
      if (!value.ok()) return value.status();
      op.operands.push_back(*value);
    }
  } else {
    const auto* literal = std::get_if<Literal>(&first);
    if (literal == nullptr) return Error("expected 'to'");
    INGOT_RETURN_IF_ERROR(ParseForList(*literal, loop));
  }
  op.attributes = std::move(loop);
  if (absl::Status status = CheckOperation(op); !status.ok()) {
    return ErrorFrom(token, status.message());
  }
  Operation* made = Append(op);
  INGOT_RETURN_IF_ERROR(ParseHlo(first_operation));
  INGOT_RETURN_IF_ERROR(ExpectSymbol("{"));
  made->name = std::string(name.text);
  made->blocks = op.blocks;
  made->blocks[0]->owner = made;
  INGOT_RETURN_IF_ERROR(Define(name, made));
  TakeComment(made);
  INGOT_RETURN_IF_ERROR(ParseBlock(made->blocks[0]));
  symbols_[made->name].visible = false;
  return ExpectSymbol("}");
}

absl::Status Parser::ParseForList(Literal first, ForAttributes& loop) {
  loop.is_list = true;
  int64_t value = 0;
  const bool is_integer = !first.type.has_value() && first.token.kind == Token::Kind::kNumber &&
                          absl::SimpleAtoi(first.token.text, &value);
  if (!is_integer) return ErrorFrom(first.token, "expected an integer");
  loop.list.push_back(first.negative ? -value : value);
  while (TakeSymbol(",")) {
    if (loop.list.size() >= kMaxListSize) return Error("the list is too long");
    constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
    INGOT_ASSIGN_OR_RETURN(value, ExpectInteger("value", -kMost, kMost));
    loop.list.push_back(value);
  }
  return absl::OkStatus();
}

absl::Status Parser::ParseIf() {
  const size_t first_operation = made_.size();
  const Token token = Peek();
  ++position_;
  Operation op = Control(kernel_, Opcode::kIf, 2);
  INGOT_ASSIGN_OR_RETURN(Operation * condition, ParseValue(kPred));
  op.operands.push_back(condition);
  if (absl::Status status = CheckOperation(op); !status.ok()) {
    return ErrorFrom(token, status.message());
  }
  Operation* made = Append(op);
  INGOT_RETURN_IF_ERROR(ParseHlo(first_operation));
  INGOT_RETURN_IF_ERROR(ExpectSymbol("{"));
  made->blocks = op.blocks;
  for (Block* block : made->blocks) block->owner = made;
  TakeComment(made);
  INGOT_RETURN_IF_ERROR(ParseBlock(made->blocks[0]));
  INGOT_RETURN_IF_ERROR(ExpectSymbol("}"));
  if (!TakeWord("else")) return absl::OkStatus();
  INGOT_RETURN_IF_ERROR(ExpectSymbol("{"));
  INGOT_RETURN_IF_ERROR(ParseBlock(made->blocks[1]));
  return ExpectSymbol("}");
}

absl::Status Parser::ParseWhile() {
  const size_t first_operation = made_.size();
  ++position_;
  Operation* made = Append(Control(kernel_, Opcode::kWhile, 0));
  INGOT_RETURN_IF_ERROR(ParseHlo(first_operation));
  INGOT_RETURN_IF_ERROR(ExpectSymbol("{"));
  made->blocks = {kernel_->NewBlock(made), kernel_->NewBlock(made)};
  TakeComment(made);
  INGOT_RETURN_IF_ERROR(ParseBlock(made->blocks[0]));
  INGOT_RETURN_IF_ERROR(ExpectSymbol("}"));
  if (!TakeWord("do")) return Error("expected 'do'");
  INGOT_RETURN_IF_ERROR(ExpectSymbol("{"));
  INGOT_RETURN_IF_ERROR(ParseBlock(made->blocks[1]));
  return ExpectSymbol("}");
}

absl::Status Parser::ParseRoles() {
  const size_t first_operation = made_.size();
  const Token token = Peek();
  ++position_;
  Operation* made = Append(Control(kernel_, Opcode::kRoles, 0));
  made->attributes = RolesAttributes{};
  INGOT_RETURN_IF_ERROR(ParseHlo(first_operation));
  INGOT_RETURN_IF_ERROR(ExpectSymbol("{"));
  TakeComment(made);
  while (TakeWord("warps")) {
    WarpRange range;
    INGOT_ASSIGN_OR_RETURN(range.first, ExpectInteger("warp", 0, 31));
    INGOT_RETURN_IF_ERROR(ExpectSymbol(".."));
    INGOT_ASSIGN_OR_RETURN(range.last, ExpectInteger("warp", 0, 31));
    INGOT_RETURN_IF_ERROR(ExpectSymbol(":"));
    INGOT_RETURN_IF_ERROR(ExpectSymbol("{"));
    made->Get<RolesAttributes>().warps.push_back(range);
    made->blocks.push_back(kernel_->NewBlock(made));
    INGOT_RETURN_IF_ERROR(ParseBlock(made->blocks.back()));
    INGOT_RETURN_IF_ERROR(ExpectSymbol("}"));
  }
  if (absl::Status status = CheckOperation(*made); !status.ok()) {
    return ErrorFrom(token, status.message());
  }
  return ExpectSymbol("}");
}

// ----- Entry points

absl::StatusOr<KernelModule> ParseKernels(absl::string_view text, absl::string_view file) {
  INGOT_ASSIGN_OR_RETURN(std::vector<Token> tokens, Tokenize(text, file));
  return Parser(std::move(tokens), file).Run();
}

absl::StatusOr<std::unique_ptr<Kernel>> ParseKernel(absl::string_view text,
                                                    absl::string_view file) {
  INGOT_ASSIGN_OR_RETURN(KernelModule module, ParseKernels(text, file));
  if (module.kernels.size() != 1) {
    return InvalidArgument(file, ": error: ", module.kernels.size(), " kernels, expected 1");
  }
  return std::move(module.kernels[0]);
}

}  // namespace ingot::kernel
