#include "compiler/kernel/ops.h"

#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "ir/base/check.h"

namespace ingot::kernel {
namespace {

constexpr OpInfo kOps[] = {
#define INGOT_KERNEL_UNARY(Name, text, types) {text, OpClass::kUnary, 1, 1, types, false, kPure},
#define INGOT_KERNEL_BINARY(Name, text, types, commutative) \
  {text, OpClass::kBinary, 2, 2, types, commutative, kPure},
#define INGOT_KERNEL_COMPARE(Name, text, types, commutative) \
  {text, OpClass::kCompare, 2, 2, types, commutative, kPure},
#define INGOT_KERNEL_HORIZONTAL(Name, text, types, binary) \
  {text, OpClass::kHorizontal, 1, 1, types, false, kPure},
#define INGOT_KERNEL_OP(Name, text, op_class, least, most, types, effects) \
  {text, OpClass::op_class, least, most, types, false, effects},
#include "compiler/kernel/ops.def"
};

struct IntrinsicRow {
  absl::string_view name;
  absl::string_view signature;
  uint8_t types;
  Scope scope;
  Scope result_scope;
  uint8_t effects;
  int least_target;
  absl::string_view ptx;
};

constexpr IntrinsicRow kIntrinsicRows[] = {
#define INGOT_KERNEL_INTRINSIC(Name, text, signature, types, scope, result, effects, target, ptx) \
  {text, signature, types, Scope::scope, Scope::result, effects, target, ptx},
#include "compiler/kernel/intrinsics.def"
};

IntrinsicArgument ParseArgument(absl::string_view text) {
  using Kind = IntrinsicArgument::Kind;
  if (text == "T") return {Kind::kTyped};
  if (text == "#") return {Kind::kImmediate};
  if (text == "@shared") return {Kind::kPlace, Type::None(), Space::kShared};
  if (text == "@global") return {Kind::kPlace, Type::None(), Space::kGlobal};
  std::optional<Type> type = TypeFromName(text);
  INGOT_CHECK(type.has_value()) << "intrinsics.def: " << std::string(text) << " is no argument";
  return {Kind::kValue, *type};
}

// "result(argument, …)", as intrinsics.def describes it.
IntrinsicInfo ParseRow(const IntrinsicRow& row) {
  IntrinsicInfo info;
  info.name = row.name;
  info.types = row.types;
  info.scope = row.scope;
  info.result_scope = row.result_scope;
  info.effects = row.effects;
  info.least_target = row.least_target;
  info.ptx = row.ptx;
  const size_t open = row.signature.find('(');
  INGOT_CHECK(open != absl::string_view::npos && row.signature.back() == ')')
      << "intrinsics.def: " << std::string(row.signature);
  if (open != 0) info.result = ParseArgument(row.signature.substr(0, open));
  const absl::string_view inner = row.signature.substr(open + 1, row.signature.size() - open - 2);
  for (absl::string_view argument : absl::StrSplit(inner, ", ", absl::SkipEmpty())) {
    info.arguments.push_back(ParseArgument(argument));
  }
  return info;
}

const std::vector<IntrinsicInfo>& Intrinsics() {
  static const auto* const kInfos = [] {
    auto* infos = new std::vector<IntrinsicInfo>;
    for (const IntrinsicRow& row : kIntrinsicRows) infos->push_back(ParseRow(row));
    return infos;
  }();
  return *kInfos;
}

}  // namespace

const OpInfo& InfoOf(Opcode opcode) { return kOps[static_cast<int>(opcode)]; }

absl::string_view NameOf(Opcode opcode) { return InfoOf(opcode).name; }

std::optional<Opcode> OpcodeFromName(absl::string_view name) {
  for (size_t i = 0; i < std::size(kOps); ++i) {
    if (kOps[i].name == name) return static_cast<Opcode>(i);
  }
  return std::nullopt;
}

Opcode HorizontalStep(Opcode opcode) {
#define INGOT_KERNEL_HORIZONTAL(Name, text, types, binary) \
  if (opcode == Opcode::k##Name) return Opcode::k##binary;
#include "compiler/kernel/ops.def"
  INGOT_UNREACHABLE() << std::string(NameOf(opcode)) << " is not horizontal";
  return opcode;
}

const IntrinsicInfo& InfoOf(Intrinsic intrinsic) {
  return Intrinsics()[static_cast<int>(intrinsic)];
}

std::optional<Intrinsic> IntrinsicFromName(absl::string_view name) {
  for (size_t i = 0; i < std::size(kIntrinsicRows); ++i) {
    if (kIntrinsicRows[i].name == name) return static_cast<Intrinsic>(i);
  }
  return std::nullopt;
}

}  // namespace ingot::kernel
