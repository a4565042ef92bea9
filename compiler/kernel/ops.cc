#include "compiler/kernel/ops.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
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

constexpr int64_t kMostConstant = int64_t{1} << 30;

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

// The text before `separator`, which is taken off `text` with it; all of it where there is none.
absl::string_view TakeUntil(absl::string_view& text, absl::string_view separator) {
  const size_t at = text.find(separator);
  const absl::string_view head = text.substr(0, at);
  text.remove_prefix(at == absl::string_view::npos ? text.size() : at + separator.size());
  return head;
}

int64_t ParseNumber(absl::string_view text) {
  int64_t number = 0;
  INGOT_CHECK(absl::SimpleAtoi(text, &number)) << "intrinsics.def: " << std::string(text);
  return number;
}

// "8..32/8|48..256/16"
std::vector<ConstantRange> ParseRanges(absl::string_view text) {
  if (text.empty()) return {{0, kMostConstant, 1}};
  std::vector<ConstantRange> ranges;
  for (absl::string_view part : absl::StrSplit(text, '|')) {
    absl::string_view bounds = TakeUntil(part, "/");
    ConstantRange range;
    if (!part.empty()) range.step = ParseNumber(part);
    range.first = ParseNumber(TakeUntil(bounds, ".."));
    range.last = bounds.empty() ? range.first : ParseNumber(bounds);
    ranges.push_back(range);
  }
  return ranges;
}

// "f32[n/2]": the registers of a fragment, by the constant of that name among `earlier`.
IntrinsicArgument ParseFragment(absl::string_view text,
                                const std::vector<IntrinsicArgument>& earlier) {
  IntrinsicArgument fragment{IntrinsicArgument::Kind::kFragment};
  const std::optional<Type> type = TypeFromName(TakeUntil(text, "["));
  INGOT_CHECK(type.has_value() && absl::ConsumeSuffix(&text, "]")) << "intrinsics.def: a fragment";
  fragment.type = *type;
  const absl::string_view constant = TakeUntil(text, "/");
  if (!text.empty()) fragment.size_divisor = static_cast<int>(ParseNumber(text));
  int number = 0;
  for (const IntrinsicArgument& argument : earlier) {
    if (argument.kind != IntrinsicArgument::Kind::kImmediate) continue;
    if (argument.slot == constant) fragment.size_constant = number;
    ++number;
  }
  return fragment;
}

// "u64", "s32[1..5]"
IntrinsicArgument ParseValue(absl::string_view text) {
  IntrinsicArgument value{IntrinsicArgument::Kind::kValue};
  const absl::string_view name = TakeUntil(text, "[");
  const std::optional<Type> type = TypeFromName(name);
  INGOT_CHECK(type.has_value()) << "intrinsics.def: " << std::string(name) << " is no argument";
  value.type = *type;
  if (text.empty()) return value;
  INGOT_CHECK(absl::ConsumeSuffix(&text, "]")) << "intrinsics.def: a list";
  value.is_list = true;
  value.least_count = static_cast<int>(ParseNumber(TakeUntil(text, "..")));
  value.most_count = static_cast<int>(ParseNumber(text));
  return value;
}

IntrinsicArgument ParseArgument(absl::string_view text,
                                const std::vector<IntrinsicArgument>& earlier) {
  using Kind = IntrinsicArgument::Kind;
  absl::string_view slot;
  if (text.find(':') != absl::string_view::npos) slot = TakeUntil(text, ":");
  const bool is_uniform = absl::ConsumePrefix(&text, "uniform ");
  IntrinsicArgument argument{Kind::kTyped};
  if (text == "@shared" || text == "@global") {
    argument.kind = Kind::kPlace;
    argument.space = text == "@shared" ? Space::kShared : Space::kGlobal;
  } else if (text == "map") {
    argument.kind = Kind::kMap;
  } else if (absl::ConsumePrefix(&text, "#")) {
    argument.kind = Kind::kImmediate;
    argument.ranges = ParseRanges(text);
  } else if (absl::ConsumePrefix(&text, "+")) {
    argument = ParseFragment(text, earlier);
  } else if (text != "T") {
    argument = ParseValue(text);
  }
  argument.slot = slot;
  argument.is_uniform = is_uniform;
  return argument;
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
  if (open != 0) info.result = ParseArgument(row.signature.substr(0, open), {});
  const absl::string_view inner = row.signature.substr(open + 1, row.signature.size() - open - 2);
  for (absl::string_view argument : absl::StrSplit(inner, ", ", absl::SkipEmpty())) {
    info.arguments.push_back(ParseArgument(argument, info.arguments));
    if (info.arguments.back().kind == IntrinsicArgument::Kind::kFragment) {
      info.effects |= kReadsVar | kWritesVar;
    }
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

bool IntrinsicArgument::Allows(int64_t constant) const {
  return std::any_of(ranges.begin(), ranges.end(), [&](const ConstantRange& range) {
    return constant >= range.first && constant <= range.last &&
           (constant - range.first) % range.step == 0;
  });
}

std::string IntrinsicArgument::RangesText() const {
  std::string text;
  for (const ConstantRange& range : ranges) {
    absl::StrAppend(&text, text.empty() ? "" : " or ", range.first);
    if (range.last != range.first) absl::StrAppend(&text, " to ", range.last);
    if (range.step != 1) absl::StrAppend(&text, " in steps of ", range.step);
  }
  return text;
}

int IntrinsicInfo::OperandCount(size_t i, size_t operands) const {
  if (!arguments[i].HasOperands()) return 0;
  if (!arguments[i].IsList()) return 1;
  int others = 0;
  for (const IntrinsicArgument& argument : arguments) {
    others += argument.HasOperands() && !argument.IsList();
  }
  return std::max(0, static_cast<int>(operands) - others);
}

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
