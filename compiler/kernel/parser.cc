#include "compiler/kernel/parser.h"

#include <algorithm>
#include <limits>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "compiler/kernel/rules.h"
#include "compiler/kernel/text.h"
#include "ir/base/shape.h"
#include "ir/base/status.h"

namespace ingot::kernel {
namespace {
constexpr int64_t kMaxElements = int64_t{1} << 56;  // times 16 bytes it still is an int64
}  // namespace

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

// ----- The kernel

absl::StatusOr<KernelModule> Parser::Run() {
  while (Peek().kind != Token::Kind::kEnd) INGOT_RETURN_IF_ERROR(ParseKernel());
  return std::move(module_);
}

absl::Status Parser::ParseKernel() {
  if (!TakeWord("kernel")) return Error("expected 'kernel'");
  if (Peek().kind != Token::Kind::kKernelName) return Error("expected a @name");
  const Token name = Peek();
  for (const std::unique_ptr<Kernel>& other : module_.kernels) {
    if (other->name() == name.text) {
      return Error(absl::StrCat("@", name.text, " is defined twice"));
    }
  }
  ++position_;
  module_.kernels.push_back(std::make_unique<Kernel>(std::string(name.text)));
  kernel_ = module_.kernels.back().get();
  symbols_.clear();
  scope_.clear();
  made_.clear();
  INGOT_RETURN_IF_ERROR(ExpectSymbol("("));
  if (!AtSymbol(")")) {
    do {
      INGOT_RETURN_IF_ERROR(ParseParameter());
    } while (TakeSymbol(","));
  }
  INGOT_RETURN_IF_ERROR(ExpectSymbol(")"));
  INGOT_RETURN_IF_ERROR(ParseLaunch());
  INGOT_RETURN_IF_ERROR(ExpectSymbol("{"));
  INGOT_RETURN_IF_ERROR(ParseBlock(kernel_->body()));
  return ExpectSymbol("}");
}

absl::StatusOr<std::vector<int64_t>> Parser::ParseProduct(absl::string_view what) {
  const Token token = Peek();
  if (token.kind != Token::Kind::kExtent && token.kind != Token::Kind::kNumber) {
    return Error(absl::StrCat("expected ", what, ", as in 4x8"));
  }
  ++position_;
  std::vector<int64_t> extent;
  for (absl::string_view digits : absl::StrSplit(token.text, 'x')) {
    int64_t size = 0;
    if (!absl::SimpleAtoi(digits, &size)) {
      return ErrorFrom(token, absl::StrCat(what, ": ", digits, " is no size"));
    }
    extent.push_back(size);
  }
  return extent;
}

absl::StatusOr<std::vector<int64_t>> Parser::ParseExtent(absl::string_view what) {
  const Token token = Peek();
  INGOT_ASSIGN_OR_RETURN(std::vector<int64_t> extent, ParseProduct(what));
  const std::optional<int64_t> count = CheckedProduct(extent);
  if (extent.size() > 64 || !count.has_value() || *count > kMaxElements) {
    return ErrorFrom(token, absl::StrCat(what, " is too large: ", token.text));
  }
  return extent;
}

absl::Status Parser::ParseParameter() {
  const Token token = Peek();
  INGOT_ASSIGN_OR_RETURN(const absl::string_view name, ExpectName());
  INGOT_RETURN_IF_ERROR(ExpectSymbol(":"));
  if (TakeWord("tensormap")) return ParseMap(token);
  if (!TakeWord("buffer")) {
    INGOT_ASSIGN_OR_RETURN(const Type type, ExpectType());
    Operation* value = kernel_->AddScalar(std::string(name), type);
    if (!type.IsScalar()) return ErrorFrom(token, "a parameter is a buffer or a scalar");
    return Define(token, value);
  }
  INGOT_RETURN_IF_ERROR(ExpectSymbol("<"));
  const Token type_token = Peek();
  INGOT_ASSIGN_OR_RETURN(const Type type, ExpectType());
  if (!type.IsScalar()) return ErrorFrom(type_token, "a buffer has elements of a scalar type");
  INGOT_RETURN_IF_ERROR(ExpectSymbol(","));
  INGOT_ASSIGN_OR_RETURN(std::vector<int64_t> extent, ParseExtent("the size of a buffer"));
  Buffer* buffer = kernel_->AddBuffer(std::string(name), type.element, std::move(extent));
  INGOT_RETURN_IF_ERROR(ParseBufferFlags(buffer));
  INGOT_RETURN_IF_ERROR(ExpectSymbol(">"));
  return Define(token, buffer);
}

absl::Status Parser::ParseBufferFlags(Buffer* buffer) {
  while (TakeSymbol(",")) {
    if (TakeWord("readonly")) {
      buffer->readonly = true;
    } else if (TakeWord("noalias")) {
      buffer->noalias = true;
    } else if (TakeWord("align")) {
      INGOT_ASSIGN_OR_RETURN(const int64_t bytes, ExpectInteger("alignment", 1, kMaxAlignment));
      buffer->alignment = static_cast<int>(bytes);
    } else {
      return Error("expected readonly, noalias or align");
    }
  }
  return absl::OkStatus();
}

template <typename T>
absl::Status Parser::ParseSizes(absl::string_view what, int64_t most, std::vector<T>& sizes) {
  const Token token = Peek();
  INGOT_ASSIGN_OR_RETURN(const std::vector<int64_t> parsed, ParseProduct(what));
  for (int64_t size : parsed) {
    if (size > most || parsed.size() > 5) {
      return ErrorFrom(token, absl::StrCat(what, ": ", token.text, " is not five sizes up to ",
                                           most, " at most"));
    }
    sizes.push_back(static_cast<T>(size));
  }
  return absl::OkStatus();
}

absl::Status Parser::ParseMapFlag(TensorMap& map) {
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  if (TakeWord("strides")) {
    return ParseSizes("strides", std::numeric_limits<int64_t>::max(), map.byte_strides);
  }
  if (TakeWord("box")) return ParseSizes("box", kMost, map.box);
  if (TakeWord("element_strides")) {
    return ParseSizes("element_strides", kMost, map.element_strides);
  }
  if (TakeWord("swizzle")) {
    INGOT_ASSIGN_OR_RETURN(map.swizzle_bytes, ExpectInteger("swizzle", 0, kMost));
  } else if (TakeWord("promotion")) {
    INGOT_ASSIGN_OR_RETURN(map.l2_promotion_bytes, ExpectInteger("promotion", 0, kMost));
  } else if (TakeWord("tf32")) {
    map.rounds_to_tf32 = true;
  } else if (TakeWord("nan")) {
    map.fills_nan = true;
  } else {
    return Error("expected strides, box, element_strides, swizzle, promotion, tf32 or nan");
  }
  return absl::OkStatus();
}

// <%buffer, type, sizes, flags>: ir/base/tensor_map.h
absl::Status Parser::ParseMap(const Token& name) {
  INGOT_RETURN_IF_ERROR(ExpectSymbol("<"));
  const Token place = Peek();
  INGOT_ASSIGN_OR_RETURN(Buffer * buffer, ExpectEntity<Buffer>("buffer"));
  INGOT_RETURN_IF_ERROR(ExpectSymbol(","));
  const Token type_token = Peek();
  INGOT_ASSIGN_OR_RETURN(const Type type, ExpectType());
  if (!type.IsScalar()) return ErrorFrom(type_token, "a tensor map has elements of a scalar type");
  INGOT_RETURN_IF_ERROR(ExpectSymbol(","));
  TensorMap recipe;
  recipe.element_type = type.element;
  INGOT_RETURN_IF_ERROR(
      ParseSizes("sizes", std::numeric_limits<int64_t>::max(), recipe.dimensions));
  while (TakeSymbol(",")) INGOT_RETURN_IF_ERROR(ParseMapFlag(recipe));
  INGOT_RETURN_IF_ERROR(ExpectSymbol(">"));
  if (absl::Status status = CheckTensorMap(recipe); !status.ok()) {
    return ErrorFrom(place, status.message());
  }
  return Define(name, kernel_->AddMap(std::string(name.text), buffer, std::move(recipe)));
}

absl::Status Parser::ParseShared() {
  const Token token = Peek();
  INGOT_ASSIGN_OR_RETURN(const absl::string_view name, ExpectName());
  INGOT_RETURN_IF_ERROR(ExpectSymbol(":"));
  const Token type_token = Peek();
  INGOT_ASSIGN_OR_RETURN(const Type type, ExpectType());
  if (!type.IsScalar()) return ErrorFrom(type_token, "a buffer has elements of a scalar type");
  INGOT_RETURN_IF_ERROR(ExpectSymbol("["));
  INGOT_ASSIGN_OR_RETURN(std::vector<int64_t> extent, ParseExtent("the size of an allocation"));
  INGOT_RETURN_IF_ERROR(ExpectSymbol("]"));
  Buffer* buffer = kernel_->AddShared(std::string(name), type.element, std::move(extent));
  if (TakeWord("align")) {
    INGOT_ASSIGN_OR_RETURN(const int64_t bytes, ExpectInteger("alignment", 1, kMaxAlignment));
    buffer->alignment = static_cast<int>(bytes);
  }
  if (TakeWord("overlaps")) {
    const Token other = Peek();
    INGOT_ASSIGN_OR_RETURN(buffer->overlaps, ExpectEntity<Buffer>("buffer"));
    if (buffer->overlaps->space != Space::kShared) {
      return ErrorFrom(other, absl::StrCat("%", other.text, " is not shared"));
    }
  }
  return Define(token, buffer);
}

template <typename T>
absl::Status Parser::ParseLaunchExtent(absl::string_view what, int64_t most,
                                       std::array<T, 3>& extent) {
  const Token token = Peek();
  INGOT_ASSIGN_OR_RETURN(const std::vector<int64_t> sizes, ParseExtent(what));
  if (sizes.size() > 3) return ErrorFrom(token, absl::StrCat(what, " has at most 3 sizes"));
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] < 1 || sizes[i] > most) {
      return ErrorFrom(token, absl::StrCat(what, ": ", sizes[i], " is not in 1 … ", most));
    }
    extent[i] = static_cast<T>(sizes[i]);
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> Parser::ParseLaunchWord() {
  Launch& launch = kernel_->launch();
  constexpr int64_t kMost = std::numeric_limits<int>::max();
  if (TakeWord("tasks")) {
    launch.machine = Machine::kHost;
    INGOT_ASSIGN_OR_RETURN(launch.tasks, ExpectInteger("tasks", 1, int64_t{1} << 40));
  } else if (TakeWord("grid")) {
    INGOT_RETURN_IF_ERROR(ParseLaunchExtent("grid", kMost, launch.grid));
  } else if (TakeWord("block")) {
    INGOT_RETURN_IF_ERROR(ParseLaunchExtent("block", 1024, launch.block));
  } else if (TakeWord("cluster")) {
    INGOT_RETURN_IF_ERROR(ParseLaunchExtent("cluster", 64, launch.cluster));
  } else if (TakeWord("dynamic_shared")) {
    INGOT_ASSIGN_OR_RETURN(launch.dynamic_shared_bytes, ExpectInteger("dynamic_shared", 0, kMost));
  } else if (TakeWord("max_registers")) {
    INGOT_ASSIGN_OR_RETURN(launch.max_registers, ExpectInteger("max_registers", 1, 255));
  } else if (TakeWord("min_blocks")) {
    INGOT_ASSIGN_OR_RETURN(launch.min_blocks, ExpectInteger("min_blocks", 1, 64));
  } else if (TakeWord("cooperative")) {
    launch.cooperative = true;
  } else if (TakeWord("programmatic")) {
    launch.programmatic = true;
  } else if (TakeWord("shared")) {
    INGOT_RETURN_IF_ERROR(ParseShared());
  } else {
    return false;
  }
  return true;
}

absl::Status Parser::ParseLaunch() {
  while (true) {
    INGOT_ASSIGN_OR_RETURN(const bool taken, ParseLaunchWord());
    if (!taken) return absl::OkStatus();
  }
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
