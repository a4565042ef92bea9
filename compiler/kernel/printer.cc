#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "compiler/kernel/arithmetic.h"
#include "compiler/kernel/inliner.h"
#include "compiler/kernel/kernel.h"
#include "compiler/kernel/rules.h"
#include "compiler/kernel/text.h"

namespace ingot::kernel {
namespace {

constexpr size_t kColumns = 100;

// Infix notation is for index arithmetic and conditions on it.
bool IsInfix(const Operation& op) {
  return !InfixOf(op.opcode).empty() &&
         (op.operands[0]->type == kS32 || op.operands[0]->type == kS64);
}

// The bits as a decimal, "nan", "-inf", "true" or, for a NaN with a payload, "#7fc00001".
std::string ConstantText(ElementType element, uint64_t bits) {
  if (element == ElementType::kPred) return bits ? "true" : "false";
  if (IsUnsigned(element)) return absl::StrCat(bits);
  if (!IsFloat(element)) return absl::StrCat(IntegerValue(element, bits));
  const double value = FloatValue(element, bits);
  if (std::isnan(value)) {
    const bool canonical = bits == FloatBits(element, std::numeric_limits<double>::quiet_NaN());
    return canonical ? "nan" : absl::StrCat("#", absl::Hex(bits));
  }
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  char buffer[32];
  const std::to_chars_result end =
      element == ElementType::kF64
          ? std::to_chars(buffer, buffer + sizeof(buffer), value)
          : std::to_chars(buffer, buffer + sizeof(buffer), static_cast<float>(value));
  return std::string(buffer, end.ptr);
}

std::string DimensionsText(absl::Span<const int64_t> dimensions) {
  return dimensions.empty() ? "1" : absl::StrJoin(dimensions, "x");
}

// "4x2" of {4, 2, 1}: trailing ones are left out.
template <typename T>
std::string ExtentText(const std::array<T, 3>& extent) {
  const int count = extent[2] != 1 ? 3 : extent[1] != 1 ? 2 : 1;
  return absl::StrJoin(extent.begin(), extent.begin() + count, "x");
}

// `name` with what the text form cannot hold replaced.
std::string Identifier(absl::string_view name) {
  std::string identifier(name);
  for (char& c : identifier) {
    if (!absl::ascii_isalnum(c) && c != '_' && c != '.') c = '_';
  }
  return identifier;
}

class Printer {
 public:
  explicit Printer(const Kernel& kernel)
      : kernel_(kernel), inliner_(kernel), names_(kernel.operation_count()) {}

  std::string Print() {
    PrintHeader();
    PrintStatements(*kernel_.body(), 1);
    absl::StrAppend(&out_, "}\n");
    return std::move(out_);
  }

  // Names depend on what is printed before: print all, and keep one statement.
  std::string PrintOne(const Operation& op) {
    wanted_ = inliner_.StatementOf(op);
    Print();
    return std::move(found_);
  }

 private:
  // ----- Names

  // `wanted` as the text form can hold it, made unique; a number where nothing is wanted.
  std::string Unique(absl::string_view wanted) {
    const std::string base = Identifier(wanted);
    std::string name = base;
    while (name.empty() || !used_.insert(name).second) {
      name =
          base.empty() ? absl::StrCat(next_number_++) : absl::StrCat(base, ".", ++suffixes_[base]);
    }
    return name;
  }
  std::string NameOfBuffer(const Buffer* buffer) {
    auto [it, is_new] = buffer_names_.try_emplace(buffer);
    if (is_new) it->second = Unique(buffer->name);
    return absl::StrCat("%", it->second);
  }
  std::string NameOfVar(const Var* var) {
    auto [it, is_new] = var_names_.try_emplace(var);
    if (is_new) it->second = Unique(var->name);
    return absl::StrCat("%", it->second);
  }
  std::string NameOfMap(const MapParameter* map) {
    auto [it, is_new] = map_names_.try_emplace(map);
    if (is_new) it->second = Unique(map->name);
    return absl::StrCat("%", it->second);
  }
  std::string NameOfValue(const Operation& op) {
    if (names_[op.id].empty()) names_[op.id] = Unique(op.name);
    return absl::StrCat("%", names_[op.id]);
  }

  // ----- Header

  std::string ParameterText(const Parameter& parameter) {
    if (parameter.kind == Parameter::Kind::kScalar) {
      return absl::StrCat(NameOfValue(*parameter.value), ": ", parameter.value->type.ToString());
    }
    if (parameter.kind == Parameter::Kind::kTensorMap) {
      const MapParameter& map = *parameter.map;
      return absl::StrCat(NameOfMap(&map), ": tensormap<", NameOfBuffer(map.buffer), ", ",
                          map.recipe.ToString(), ">");
    }
    const Buffer& buffer = *parameter.buffer;
    return absl::StrCat(NameOfBuffer(&buffer), ": buffer<", ElementTypeName(buffer.element), ", ",
                        DimensionsText(buffer.dimensions), buffer.readonly ? ", readonly" : "",
                        buffer.noalias ? ", noalias" : "",
                        buffer.alignment == 16 ? "" : absl::StrCat(", align ", buffer.alignment),
                        ">");
  }

  std::string SharedText(const Buffer& buffer) {
    std::string text =
        absl::StrCat("shared ", NameOfBuffer(&buffer), ": ", ElementTypeName(buffer.element), "[",
                     DimensionsText(buffer.dimensions), "]");
    if (buffer.alignment != 16) absl::StrAppend(&text, " align ", buffer.alignment);
    if (buffer.overlaps) absl::StrAppend(&text, " overlaps ", NameOfBuffer(buffer.overlaps));
    return text;
  }

  std::string LaunchText() const {
    const Launch& launch = kernel_.launch();
    if (kernel_.IsHost()) return absl::StrCat("tasks ", launch.tasks);
    std::string text =
        absl::StrCat("grid ", ExtentText(launch.grid), " block ", ExtentText(launch.block));
    if (launch.cluster_blocks() != 1) {
      absl::StrAppend(&text, " cluster ", ExtentText(launch.cluster));
    }
    if (launch.dynamic_shared_bytes != 0) {
      absl::StrAppend(&text, " dynamic_shared ", launch.dynamic_shared_bytes);
    }
    if (launch.max_registers != 0) absl::StrAppend(&text, " max_registers ", launch.max_registers);
    if (launch.min_blocks != 0) absl::StrAppend(&text, " min_blocks ", launch.min_blocks);
    if (launch.resident) absl::StrAppend(&text, " resident");
    if (launch.cooperative) absl::StrAppend(&text, " cooperative");
    if (launch.programmatic) absl::StrAppend(&text, " programmatic");
    return text;
  }

  // `parts` after `before` on one line if they fit, else each on a line of its own.
  void AppendFitted(std::string before, const std::vector<std::string>& parts,
                    absl::string_view separator, absl::string_view after) {
    const std::string line = absl::StrCat(before, absl::StrJoin(parts, separator), after);
    if (line.size() <= kColumns) {
      absl::StrAppend(&out_, line);
      return;
    }
    const std::string next = absl::StrCat(absl::StripTrailingAsciiWhitespace(separator), "\n    ");
    absl::StrAppend(&out_, before, absl::StrJoin(parts, next), after);
  }

  void PrintHeader() {
    std::vector<std::string> parts;
    for (const Parameter& parameter : kernel_.parameters()) {
      parts.push_back(ParameterText(parameter));
    }
    AppendFitted(absl::StrCat("kernel @", Identifier(kernel_.name()), "("), parts, ", ", ")\n");
    parts = {LaunchText()};
    for (const Buffer* buffer : kernel_.shared()) parts.push_back(SharedText(*buffer));
    AppendFitted("    ", parts, " ", " {\n");
  }

  // ----- Expressions

  std::string Operand(const Operation& op, size_t i) {
    const Operation& value = *op.operands[i];
    if (!inliner_.IsInlined(value)) return NameOfValue(value);
    if (!value.IsConstant()) return Expression(value);
    bool is_constant[kMaxLanes];
    for (size_t k = 0; k < op.operands.size(); ++k) {
      is_constant[k] = op.operands[k]->IsConstant() && inliner_.IsInlined(*op.operands[k]);
    }
    const Type bare = BareConstantType(op, i, absl::MakeConstSpan(is_constant, op.operands.size()));
    return ConstantOperand(value, bare);
  }

  std::string ConstantOperand(const Operation& value, Type bare) {
    const std::string text = ConstantText(value.type.element, value.Get<ConstantAttributes>().bits);
    if (value.type == bare || value.type == kPred) return text;
    return absl::StrCat(text, ":", value.type.ToString());
  }

  // Operand `i` where an infix expression needs parentheses.
  std::string Primary(const Operation& op, size_t i) {
    const Operation& value = *op.operands[i];
    const bool infix = inliner_.IsInlined(value) && IsInfix(value);
    return infix ? absl::StrCat("(", Operand(op, i), ")") : Operand(op, i);
  }

  std::string Infix(const Operation& op) {
    const int precedence = InfixPrecedence(op.opcode);
    std::string sides[2];
    for (size_t i = 0; i < 2; ++i) {
      const Operation& side = *op.operands[i];
      const bool infix = inliner_.IsInlined(side) && IsInfix(side);
      // Left to right; comparisons do not chain.
      const int least = precedence == 1 || i == 1 ? precedence + 1 : precedence;
      sides[i] = infix && InfixPrecedence(side.opcode) < least ? Primary(op, i) : Operand(op, i);
    }
    const absl::string_view space = precedence == 3 ? "" : " ";
    return absl::StrCat(sides[0], space, InfixOf(op.opcode), space, sides[1]);
  }

  std::string Place(const Buffer* buffer, const Operation& op, size_t index) {
    return absl::StrCat(NameOfBuffer(buffer), "[", Operand(op, index), "]");
  }

  std::string AccessText(const Operation& op, Type type, size_t mask) {
    const auto& access = op.Get<MemoryAttributes>();
    std::string text;
    if (access.alignment != NaturalAlignment(type)) {
      absl::StrAppend(&text, " align ", access.alignment);
    }
    if (access.cache != Cache::kDefault) absl::StrAppend(&text, " ", NameOf(access.cache));
    if (access.order != Order::kPlain) {
      absl::StrAppend(&text, " ", NameOf(access.order), " ", NameOf(access.scope));
    }
    if (mask < op.operands.size()) absl::StrAppend(&text, " mask ", Primary(op, mask));
    return text;
  }

  std::string Intrinsic(const Operation& op) {
    const auto& call = op.Get<IntrinsicAttributes>();
    const IntrinsicInfo& info = InfoOf(call.intrinsic);
    size_t operand = 0, immediate = 0, place = 0, map = 0, var = 0;
    std::vector<std::string> parts;
    using Kind = IntrinsicArgument::Kind;
    for (size_t i = 0; i < info.arguments.size(); ++i) {
      switch (info.arguments[i].kind) {
        case Kind::kImmediate:
          parts.push_back(absl::StrCat(call.immediates[immediate++]));
          break;
        case Kind::kPlace:
          parts.push_back(Place(call.buffers[place++], op, operand++));
          break;
        case Kind::kMap:
          parts.push_back(NameOfMap(call.maps[map++]));
          break;
        case Kind::kFragment:
          parts.push_back(NameOfVar(call.vars[var++]));
          break;
        case Kind::kValue:
        case Kind::kTyped:
          for (int k = info.OperandCount(i, op.operands.size()); k > 0; --k) {
            parts.push_back(Operand(op, operand++));
          }
      }
    }
    if (parts.empty()) return std::string(info.name);
    return absl::StrCat(info.name, "(", absl::StrJoin(parts, ", "), ")");
  }

  std::string Atomic(const Operation& op) {
    const auto& atomic = op.Get<AtomicAttributes>();
    std::string text = absl::StrCat("atomic ", NameOf(atomic.kind), " ", NameOf(atomic.order), " ",
                                    NameOf(atomic.scope), " ", Place(atomic.buffer, op, 0));
    for (size_t i = 1; i < op.operands.size(); ++i) absl::StrAppend(&text, ", ", Operand(op, i));
    return text;
  }

  // name(operand, …, lanes) : type, but for a conversion: type(operand)
  std::string Call(const Operation& op) {
    if (op.opcode == Opcode::kConvert) {
      return absl::StrCat(op.type.ToString(), "(", Operand(op, 0), ")");
    }
    std::vector<std::string> parts;
    for (size_t i = 0; i < op.operands.size(); ++i) parts.push_back(Operand(op, i));
    if (const auto* lanes = std::get_if<LaneAttributes>(&op.attributes)) {
      const std::string list = absl::StrJoin(lanes->lanes, ", ");
      const bool many = op.opcode == Opcode::kVectorShuffle;
      parts.push_back(many ? absl::StrCat("[", list, "]") : list);
    }
    std::string text(NameOf(op.opcode));
    if (!parts.empty()) absl::StrAppend(&text, "(", absl::StrJoin(parts, ", "), ")");
    if (StatesType(op.opcode)) absl::StrAppend(&text, " : ", op.type.ToString());
    return text;
  }

  std::string Expression(const Operation& op) {
    if (op.IsConstant()) return ConstantOperand(op, kS32);
    if (InfoOf(op.opcode).op_class == OpClass::kId) {
      const int axis = op.Get<IdAttributes>().axis;
      return absl::StrCat(NameOf(op.opcode), axis == 0 ? "" : axis == 1 ? ".y" : ".z");
    }
    if (op.opcode == Opcode::kVarRead) {
      const std::string name = NameOfVar(op.Get<VarAttributes>().var);
      return op.operands.empty() ? name : absl::StrCat(name, "[", Operand(op, 0), "]");
    }
    if (op.opcode == Opcode::kLoad) {
      return absl::StrCat("load ", Place(op.Get<MemoryAttributes>().buffer, op, 0), " : ",
                          op.type.ToString(), AccessText(op, op.type, 1));
    }
    if (op.opcode == Opcode::kAtomic) return Atomic(op);
    if (op.opcode == Opcode::kIntrinsic) return Intrinsic(op);
    return IsInfix(op) ? Infix(op) : Call(op);
  }

  // ----- Statements

  std::string ForHeader(const Operation& op) {
    const auto& loop = op.Get<ForAttributes>();
    std::string text =
        absl::StrCat("for ", NameOfValue(op),
                     op.type == kS32 ? "" : absl::StrCat(": ", op.type.ToString()), " = ");
    if (loop.is_list) return absl::StrCat(text, absl::StrJoin(loop.list, ", "));
    absl::StrAppend(&text, Operand(op, 0), " to ", Operand(op, 1));
    const Operation& step = *op.operands[2];
    const bool one = step.IsConstant() && step.name.empty() && step.ConstantInteger() == 1;
    if (!one) absl::StrAppend(&text, " step ", Operand(op, 2));
    if (loop.unroll != 1) absl::StrAppend(&text, " unroll ", loop.unroll);
    return text;
  }

  std::string VarText(const Operation& op) {
    const Var* var = op.Get<VarAttributes>().var;
    return absl::StrCat("var ", NameOfVar(var), ": ", var->type.ToString(),
                        var->array_size > 0 ? absl::StrCat("[", var->array_size, "]") : "", " = ",
                        Operand(op, 0));
  }

  std::string StoreText(const Operation& op) {
    const std::string place = Place(op.Get<MemoryAttributes>().buffer, op, 1);
    return absl::StrCat("store ", place, AccessText(op, op.operands[0]->type, 2), " = ",
                        Operand(op, 0));
  }

  std::string VarWriteText(const Operation& op) {
    const std::string name = NameOfVar(op.Get<VarAttributes>().var);
    const std::string index = op.operands.size() > 1 ? absl::StrCat("[", Operand(op, 1), "]") : "";
    return absl::StrCat(name, index, " = ", Operand(op, 0));
  }

  // A statement without its blocks, its HLO id and its comment.
  std::string Statement(const Operation& op) {
    if (op.opcode == Opcode::kVar) return VarText(op);
    if (op.opcode == Opcode::kVarWrite) return VarWriteText(op);
    if (op.opcode == Opcode::kStore) return StoreText(op);
    if (op.opcode == Opcode::kFor) return ForHeader(op);
    if (op.opcode == Opcode::kIf) return absl::StrCat("if ", Operand(op, 0));
    if (op.opcode == Opcode::kYield) return absl::StrCat("yield ", Operand(op, 0));
    if (op.opcode == Opcode::kIntrinsic && op.type.IsNone()) return Intrinsic(op);
    if (op.type.IsNone()) return std::string(NameOf(op.opcode));  // while, roles
    if (op.opcode == Opcode::kAtomic && op.name.empty() && inliner_.Uses(op) == 0) {
      return Atomic(op);
    }
    const std::string name = NameOfValue(op);
    return absl::StrCat(name, " = ", Expression(op));
  }

  // The id, and where it is first seen the name.
  std::string HloText(const Operation& op) {
    if (op.hlo < 0) return "";
    const absl::string_view name = kernel_.HloName(op.hlo);
    const bool is_named = !name.empty() && named_hlos_.insert(op.hlo).second;
    return absl::StrCat(" !", op.hlo, is_named ? ":" : "", is_named ? Identifier(name) : "");
  }
  static std::string CommentText(const Operation& op) {
    if (op.comment.empty()) return "";
    std::string text = absl::StrCat("     // ", op.comment);
    std::replace_if(
        text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
    return text;
  }

  void PrintStatements(const Block& block, int depth) {
    for (const Operation* op : block.operations) {
      if (!inliner_.IsInlined(*op)) PrintStatement(*op, depth);
    }
  }

  void PrintStatement(const Operation& op, int depth) {
    const std::string indent(2 * depth, ' ');
    const std::string statement = Statement(op);
    if (&op == wanted_) found_ = statement;
    const std::string line = absl::StrCat(indent, statement, HloText(op));
    if (op.blocks.empty() && op.opcode != Opcode::kRoles) {
      absl::StrAppend(&out_, line, CommentText(op), "\n");
      return;
    }
    absl::StrAppend(&out_, line, " {");
    if (op.opcode == Opcode::kRoles) {
      PrintRoles(op, depth);
      return;
    }
    PrintBlock(op, *op.blocks[0], depth, line.size() + 2, CommentText(op));
    const bool has_second =
        op.blocks.size() > 1 && (op.opcode == Opcode::kWhile || !op.blocks[1]->operations.empty());
    if (has_second) {
      absl::StrAppend(&out_, op.opcode == Opcode::kWhile ? " do {" : " else {");
      PrintBlock(op, *op.blocks[1], depth, kColumns, "");
    }
    absl::StrAppend(&out_, "\n");
  }

  // What follows "{" up to and with "}".  A body of one simple statement stays on the line when it
  // fits.
  void PrintBlock(const Operation& owner, const Block& block, int depth, size_t column,
                  const std::string& comment) {
    if (block.operations.empty() && comment.empty()) {
      absl::StrAppend(&out_, "}");
      return;
    }
    absl::StrAppend(&out_, comment);
    const size_t start = out_.size();
    absl::StrAppend(&out_, "\n");
    PrintStatements(block, depth + 1);
    const bool alone = owner.opcode != Opcode::kIf || owner.blocks[1]->operations.empty();
    const absl::string_view body(out_.data() + start + 1, out_.size() - start - 1);
    const std::string text(absl::StripAsciiWhitespace(body));
    const bool one_line = text.find('\n') == std::string::npos && !absl::StrContains(text, "//") &&
                          !absl::StrContains(text, "{");
    if (alone && one_line && comment.empty() && column + text.size() + 3 <= kColumns) {
      out_.resize(start);
      absl::StrAppend(&out_, " ", text, " }");
      return;
    }
    absl::StrAppend(&out_, std::string(2 * depth, ' '), "}");
  }

  void PrintRoles(const Operation& op, int depth) {
    absl::StrAppend(&out_, CommentText(op), "\n");
    const std::vector<WarpRange>& warps = op.Get<RolesAttributes>().warps;
    for (size_t i = 0; i < op.blocks.size(); ++i) {
      const std::string line = absl::StrCat(std::string(2 * depth + 2, ' '), "warps ",
                                            warps[i].first, "..", warps[i].last, ": {");
      absl::StrAppend(&out_, line);
      PrintBlock(op, *op.blocks[i], depth + 1, line.size(), "");
      absl::StrAppend(&out_, "\n");
    }
    absl::StrAppend(&out_, std::string(2 * depth, ' '), "}\n");
  }

  const Kernel& kernel_;
  Inliner inliner_;
  std::vector<std::string> names_;  // of values, by operation id
  absl::flat_hash_map<const Buffer*, std::string> buffer_names_;
  absl::flat_hash_map<const Var*, std::string> var_names_;
  absl::flat_hash_map<const MapParameter*, std::string> map_names_;
  absl::flat_hash_set<std::string> used_;
  absl::flat_hash_map<std::string, int> suffixes_;
  absl::flat_hash_set<int32_t> named_hlos_;
  int next_number_ = 0;
  std::string out_;
  const Operation* wanted_ = nullptr;
  std::string found_;  // the statement of wanted_
};

}  // namespace

std::string Kernel::ToString() const { return Printer(*this).Print(); }

std::string StatementText(const Kernel& kernel, const Operation& op) {
  return Printer(kernel).PrintOne(op);
}

std::string KernelModule::ToString() const {
  return absl::StrJoin(kernels, "\n", [](std::string* out, const std::unique_ptr<Kernel>& kernel) {
    absl::StrAppend(out, kernel->ToString());
  });
}

}  // namespace ingot::kernel
