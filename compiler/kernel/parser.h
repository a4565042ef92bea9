// The parser's class, shared by the three files that implement it; users include text.h.
#ifndef INGOT_COMPILER_KERNEL_PARSER_H_
#define INGOT_COMPILER_KERNEL_PARSER_H_

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "compiler/kernel/builder.h"
#include "compiler/kernel/kernel.h"
#include "compiler/kernel/lexer.h"

namespace ingot::kernel {

class Parser {
 public:
  Parser(std::vector<Token> tokens, absl::string_view file)
      : tokens_(std::move(tokens)), file_(file) {}

  absl::StatusOr<KernelModule> Run();

 private:
  // A constant as written; what it is worth depends on the type that its place gives it.
  struct Literal {
    Token token;
    bool negative = false;
    std::optional<Type> type;  // its suffix
  };
  using Pending = std::variant<Operation*, Literal>;
  using Entity = std::variant<Buffer*, Var*, Operation*, MapParameter*>;
  struct Symbol {
    Entity entity;
    bool visible = true;
  };

  // ----- Tokens
  const Token& Peek(size_t ahead = 0) const {
    return tokens_[std::min(position_ + ahead, tokens_.size() - 1)];
  }
  const Token& Previous() const { return tokens_[position_ - 1]; }
  bool AtSymbol(absl::string_view symbol) const {
    return Peek().kind == Token::Kind::kSymbol && Peek().text == symbol;
  }
  bool AtWord(absl::string_view word) const {
    return Peek().kind == Token::Kind::kWord && Peek().text == word;
  }
  bool TakeSymbol(absl::string_view symbol);
  bool TakeWord(absl::string_view word);
  absl::Status ExpectSymbol(absl::string_view symbol);
  absl::StatusOr<absl::string_view> ExpectWord(absl::string_view what);
  absl::StatusOr<absl::string_view> ExpectName();
  // An integer from least to most, a sign allowed.
  absl::StatusOr<int64_t> ExpectInteger(absl::string_view what, int64_t least, int64_t most);
  absl::StatusOr<Type> ExpectType();
  absl::Status Error(absl::string_view message) const { return ErrorAt(file_, Peek(), message); }
  absl::Status ErrorFrom(const Token& token, absl::string_view message) const {
    return ErrorAt(file_, token, message);
  }

  // ----- The kernel (header_parser.cc)
  absl::Status ParseKernel();
  absl::Status ParseParameter();
  absl::Status ParseBufferFlags(Buffer* buffer);
  // What follows "tensormap".
  absl::Status ParseMap(const Token& name);
  absl::Status ParseMapFlag(TensorMap& map);
  // "4x8": one to five sizes of up to `most`.
  template <typename T>
  absl::Status ParseSizes(absl::string_view what, int64_t most, std::vector<T>& sizes);
  absl::Status ParseShared();
  absl::Status ParseLaunch();
  absl::StatusOr<bool> ParseLaunchWord();
  // "4x8" or "4".
  absl::StatusOr<std::vector<int64_t>> ParseProduct(absl::string_view what);
  // The same: every size from 0 to 2^62 with a product that is no larger.
  absl::StatusOr<std::vector<int64_t>> ParseExtent(absl::string_view what);
  // One to three sizes from 1 to `most`.
  template <typename T>
  absl::Status ParseLaunchExtent(absl::string_view what, int64_t most, std::array<T, 3>& extent);

  // ----- Names
  absl::Status Define(const Token& token, Entity entity);
  absl::StatusOr<Entity> Find(const Token& token) const;
  // The name of a `T` that is visible here.
  template <typename T>
  absl::StatusOr<T*> ExpectEntity(absl::string_view what) {
    const Token token = Peek();
    absl::Status status = ExpectName().status();
    if (!status.ok()) return status;
    absl::StatusOr<Entity> entity = Find(token);
    if (!entity.ok()) return entity.status();
    if (auto* found = std::get_if<T*>(&*entity)) return *found;
    return ErrorFrom(token, absl::StrCat("%", token.text, " is no ", what));
  }

  // ----- Statements (parser.cc)
  absl::Status ParseBlock(Block* block);
  absl::Status ParseStatement();
  absl::Status ParseAssignment();
  absl::Status ParseVar();
  absl::Status ParseStore();
  absl::Status ParseFor();
  absl::Status ParseForList(Literal first, ForAttributes& loop);
  absl::Status ParseIf();
  absl::Status ParseWhile();
  absl::Status ParseRoles();
  absl::Status ParseYield();
  // [!hlo[:name]], before the `{` of a statement with blocks; then the comment that follows.
  absl::Status ParseHlo(size_t first_operation);
  void TakeComment(Operation* op);

  // ----- Expressions (expression_parser.cc)
  absl::StatusOr<Pending> ParseExpression() { return ParseInfix(1); }
  // As ParseExpression, an operation in any case: a constant without suffix has type `bare`.
  absl::StatusOr<Operation*> ParseValue(Type bare);
  absl::StatusOr<Pending> ParseInfix(int precedence);
  absl::StatusOr<Pending> ParsePrimary();
  absl::StatusOr<Pending> ParseLiteral();
  absl::StatusOr<Operation*> ParseReference();
  absl::StatusOr<Operation*> ParseLoad();
  absl::StatusOr<Operation*> ParseAtomic();
  absl::StatusOr<Operation*> ParseCall();
  // type(operand)
  absl::StatusOr<Operation*> ParseConvert(const Token& token, Type type);
  absl::StatusOr<Operation*> ParseIntrinsic(const Token& token, Intrinsic intrinsic);
  absl::Status ParseArgument(const IntrinsicArgument& argument, IntrinsicAttributes& call,
                             std::vector<Pending>& operands);
  absl::Status ParseLanes(Opcode opcode, LaneAttributes& lanes);
  // [align n] [cache] [order scope] [mask m]
  absl::Status ParseAccess(MemoryAttributes& access, std::optional<Pending>& mask);
  // %buffer[index]
  absl::StatusOr<Pending> ParsePlace(Buffer** buffer);
  absl::StatusOr<Operation*> Resolve(const Literal& literal, Type bare);
  absl::StatusOr<uint64_t> LiteralBits(const Literal& literal, ElementType element) const;
  // Makes the operation; constants get their type from the others (BareConstantType).
  absl::StatusOr<Operation*> Make(const Token& token, Opcode opcode, std::vector<Pending> operands,
                                  Attributes attributes = {}, Type type = Type::None());
  Operation* Append(const Operation& op);

  std::vector<Token> tokens_;
  absl::string_view file_;
  size_t position_ = 0;
  int depth_ = 0;
  KernelModule module_;
  // Of the kernel being read.
  Kernel* kernel_ = nullptr;
  Block* block_ = nullptr;
  std::vector<Operation*> made_;
  absl::flat_hash_map<std::string, Symbol> symbols_;
  std::vector<std::string> scope_;  // names defined, innermost block last
};

}  // namespace ingot::kernel

#endif  // INGOT_COMPILER_KERNEL_PARSER_H_
