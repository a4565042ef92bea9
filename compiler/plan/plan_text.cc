#include "compiler/plan/plan_text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <type_traits>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ir/base/status.h"
#include "ir/text/nearest.h"
#include "ir/text/numbers.h"
#include "ir/text/shape_parser.h"

namespace ingot::plan {
namespace {

// ---- names of enumerators

constexpr absl::string_view kSkeletonNames[] = {
#define INGOT_PLAN_SKELETON(Name, text, Family) text,
#include "compiler/plan/skeletons.def"
};
#define INGOT_NAME(enumerator, name) name,
constexpr absl::string_view kPlacementNames[] = {INGOT_PLAN_PLACEMENTS(INGOT_NAME)};
constexpr absl::string_view kProductUnitNames[] = {INGOT_PLAN_PRODUCT_UNITS(INGOT_NAME)};
constexpr absl::string_view kScatterStages[] = {INGOT_PLAN_SCATTER_STAGES(INGOT_NAME)};
constexpr absl::string_view kRadixStages[] = {INGOT_PLAN_RADIX_STAGES(INGOT_NAME)};
constexpr absl::string_view kNumericsNames[] = {INGOT_NUMERICS(INGOT_NAME)};
constexpr absl::string_view kJoinRuleNames[] = {INGOT_PLAN_JOIN_RULES(INGOT_NAME)};
#undef INGOT_NAME
constexpr absl::string_view kOperationNames[] = {"dot", "convolution"};
constexpr char kBufferLetters[] = {'p', 'r', 's'};  // by BufferRole::Kind

// ---- fields of the structs that are not the planner's own

template <typename Self, typename Visitor>
void VisitOperation(Self& self, Visitor& visit) {
  if constexpr (std::is_same_v<std::remove_const_t<Self>, runtime::DotCall>) {
    visit("lhs_type", self.lhs_type);
    visit("rhs_type", self.rhs_type);
    visit("output_type", self.output_type);
    visit("batch", self.batch);
    visit("m", self.m);
    visit("n", self.n);
    visit("k", self.k);
    visit("lhs_strides", self.lhs_strides);
    visit("rhs_strides", self.rhs_strides);
    visit("output_strides", self.output_strides);
  } else {
    visit("input_type", self.input_type);
    visit("filter_type", self.filter_type);
    visit("output_type", self.output_type);
    visit("batch", self.batch);
    visit("groups", self.groups);
    visit("input_channels", self.input_channels);
    visit("output_channels", self.output_channels);
    visit("input_spatial", self.input_spatial);
    visit("filter_spatial", self.filter_spatial);
    visit("output_spatial", self.output_spatial);
    visit("input_strides", self.input_strides);
    visit("filter_strides", self.filter_strides);
    visit("output_strides", self.output_strides);
    visit("window_strides", self.window_strides);
    visit("window_dilation", self.window_dilation);
    visit("padding_low", self.padding_low);
    visit("padding_high", self.padding_high);
  }
}

template <typename Self, typename Visitor>
void VisitFields(Self& self, Visitor& visit) {
  if constexpr (std::is_same_v<std::remove_const_t<Self>, LibraryMatch>) {
    visit("", self.operation);
    visit("parameters", self.parameters);
  } else {
    Self::VisitFields(self, visit);
  }
}

// ---- what a field is

template <typename T, typename... Others>
inline constexpr bool kIsAnyOf = (std::is_same_v<T, Others> || ...);
template <typename T>
struct IsStruct
    : std::bool_constant<kIsAnyOf<T, InstructionPlan, TileClass, Joined, Scratch, KernelPlan>> {};

// Structs, of which each is a line of the body.
template <typename T>
struct IsPart : std::false_type {};
template <typename T>
struct IsPart<std::vector<T>> : IsStruct<T> {};
template <>
struct IsPart<std::optional<LibraryMatch>> : std::true_type {};

// The fields of the alternative (Work) stand among those of the struct.

// ---- printing

std::string TextOf(int64_t value) { return absl::StrCat(value); }
std::string TextOf(int value) { return absl::StrCat(value); }
std::string TextOf(bool value) { return value ? "true" : "false"; }
std::string TextOf(double value) {
  std::string text;
  text::AppendDouble(value, text);
  return text;
}
std::string TextOf(const std::string& value) {
  return absl::StrCat("\"", absl::CEscape(value), "\"");
}
std::string TextOf(Skeleton value) { return std::string(NameOf(value)); }
std::string TextOf(Placement value) { return std::string(NameOf(value)); }
std::string TextOf(ProductUnit value) { return std::string(NameOf(value)); }
std::string TextOf(ScatterStage value) { return std::string(NameOf(value)); }
std::string TextOf(RadixStage value) { return std::string(NameOf(value)); }
std::string TextOf(Numerics value) { return std::string(kNumericsNames[static_cast<int>(value)]); }
std::string TextOf(JoinRule value) { return std::string(kJoinRuleNames[static_cast<int>(value)]); }
std::string TextOf(ElementType value) { return std::string(ElementTypeName(value)); }
std::string TextOf(const Shape& value) { return value.ToString(/*with_layout=*/false); }
std::string TextOf(const BufferRole& value) {
  return absl::StrCat(absl::string_view(&kBufferLetters[static_cast<int>(value.kind)], 1),
                      value.number);
}
std::string TextOf(const InPlacePair& value) {
  return absl::StrCat("r", value.result, "=p", value.operand);
}
template <typename List>
std::string TextOf(const List& list) {
  return absl::StrCat(
      "{",
      absl::StrJoin(list, ", ",
                    [](std::string* out, const auto& item) { absl::StrAppend(out, TextOf(item)); }),
      "}");
}

// The values of a struct, in order.
class HeadWriter {
 public:
  template <typename T>
  void operator()(absl::string_view name, const T& member) {
    if constexpr (IsPart<T>::value) {
      return;
    } else if constexpr (std::is_same_v<T, Work>) {
      std::visit([&](const auto& work) { VisitFields(work, *this); }, member);
    } else if constexpr (std::is_same_v<T, runtime::LibraryOperation>) {
      fields.emplace_back("", kOperationNames[member.index()]);
      std::visit([&](const auto& call) { VisitOperation(call, *this); }, member);
    } else {
      fields.emplace_back(name, TextOf(member));
    }
  }

  std::vector<std::pair<absl::string_view, std::string>> fields;
};

// A struct of the same fields as `value`, each with its default.
template <typename T>
T DefaultsOf(const T&) {
  return T{};
}
KernelPlan DefaultsOf(const KernelPlan& value) {
  KernelPlan defaults;
  defaults.work = WorkOf(value.skeleton);
  return defaults;
}
LibraryMatch DefaultsOf(const LibraryMatch& value) {
  LibraryMatch defaults;
  if (value.operation.index() == 1) defaults.operation = runtime::ConvolutionCall{};
  return defaults;
}

// " tile index=s64 blocks=3": what differs from the defaults, and what has no name.
template <typename T>
std::string HeadOf(const T& value) {
  HeadWriter own, defaults;
  VisitFields(value, own);
  const T plain = DefaultsOf(value);
  VisitFields(plain, defaults);
  std::string text;
  for (size_t i = 0; i < own.fields.size(); ++i) {
    const auto& [name, field] = own.fields[i];
    if (name.empty()) {
      absl::StrAppend(&text, " ", field);
    } else if (field != defaults.fields[i].second) {
      absl::StrAppend(&text, " ", name, "=", field);
    }
  }
  return text;
}

// Names are words, but whoever builds a module may have called things otherwise.
std::string CommentText(absl::string_view text) { return absl::CEscape(text); }

// Writes the body of a struct: its parts, each on lines of its own.
class BodyWriter {
 public:
  explicit BodyWriter(const Computation& fusion) : fusion_(fusion) {}

  template <typename T>
  void Struct(absl::string_view word, const T& value, absl::string_view comment) {
    // A kernel's word is its skeleton, which its head begins with.
    std::string line(indent_, ' ');
    const std::string head = HeadOf(value);
    absl::StrAppend(&line, word, word.empty() ? head.substr(1) : head);
    const size_t begin = text_.size();
    absl::StrAppend(&text_, line);
    indent_ += 2;
    const size_t body = text_.size();
    VisitFields(value, *this);
    indent_ -= 2;
    const bool has_body = text_.size() > body;
    if (has_body) {
      text_.insert(body, std::string(" {") + CommentAt(line.size() + 2, comment) + "\n");
      absl::StrAppend(&text_, std::string(indent_, ' '), "}\n");
    } else {
      absl::StrAppend(&text_, CommentAt(text_.size() - begin, comment), "\n");
    }
  }

  template <typename T>
  void operator()(absl::string_view name, const T& member) {
    if constexpr (std::is_same_v<T, Work>) {
      std::visit([&](const auto& work) { VisitFields(work, *this); }, member);
    } else if constexpr (std::is_same_v<T, std::optional<LibraryMatch>>) {
      if (member.has_value()) Struct(name, *member, "");
    } else if constexpr (IsPart<T>::value) {
      for (size_t i = 0; i < member.size(); ++i) {
        const bool kernel = std::is_same_v<T, std::vector<KernelPlan>>;
        Struct(kernel ? "" : name, member[i], CommentOn(member[i], i));
      }
    }
  }

  const std::string& text() const { return text_; }

 private:
  static constexpr size_t kCommentColumn = 56;

  template <typename T>
  std::string CommentOn(const T&, size_t number) const {
    if constexpr (std::is_same_v<T, InstructionPlan>) {
      if (number >= fusion_.instructions().size()) return "";
      return CommentText(fusion_.instructions()[number]->name());
    } else if constexpr (std::is_same_v<T, TileClass>) {
      return absl::StrCat("d", number);
    } else {
      return "";
    }
  }

  static std::string CommentAt(size_t column, absl::string_view comment) {
    if (comment.empty()) return "";
    const size_t blanks = column + 2 > kCommentColumn ? 2 : kCommentColumn - column;
    return absl::StrCat(std::string(blanks, ' '), "// ", comment);
  }

  const Computation& fusion_;
  std::string text_;
  size_t indent_ = 0;
};

// ---- reading

class Reader {
 public:
  explicit Reader(text::Lexer& lexer) : lexer_(lexer) {}

  // What stands behind the word of a struct.
  template <typename T>
  absl::Status Struct(absl::string_view what, T& value) {
    INGOT_RETURN_IF_ERROR(Unnamed(value));
    std::vector<absl::string_view> seen;
    while (true) {
      if (lexer_.Consume("{")) return Body(what, value);
      const size_t position = lexer_.Position();
      const absl::string_view name = lexer_.PeekWord();
      if (name.empty()) return absl::OkStatus();
      lexer_.ConsumeWord(name);
      if (!lexer_.Consume("=")) {
        lexer_.Rewind(position);  // the next struct's word
        return absl::OkStatus();
      }
      if (std::find(seen.begin(), seen.end(), name) != seen.end()) {
        return lexer_.ErrorAt(position, what, " says ", name, " twice; leave one out");
      }
      seen.push_back(name);
      FieldReader reader{*this, name};
      VisitFields(value, reader);
      if (!reader.found) return Unknown(position, "value", name, what, reader.names);
      INGOT_RETURN_IF_ERROR(reader.status);
    }
  }

 private:
  // Reads the value of the field `name`.
  struct FieldReader {
    template <typename T>
    void operator()(absl::string_view own, T& member) {
      if constexpr (IsPart<T>::value) {
        return;
      } else if constexpr (std::is_same_v<T, Work>) {
        std::visit([&](auto& work) { VisitFields(work, *this); }, member);
      } else {
        if constexpr (std::is_same_v<T, runtime::LibraryOperation>) {
          std::visit([&](auto& call) { VisitOperation(call, *this); }, member);
        }
        if (!own.empty()) names.push_back(own);
        if (own != name || found) return;
        found = true;
        status = reader.Value(member);
      }
    }

    Reader& reader;
    absl::string_view name;
    bool found = false;
    absl::Status status = absl::OkStatus();
    std::vector<absl::string_view> names = {};
  };

  // Reads a part whose word is `name`.
  struct PartReader {
    template <typename T>
    void operator()(absl::string_view own, T& member) {
      if constexpr (std::is_same_v<T, Work>) {
        std::visit([&](auto& work) { VisitFields(work, *this); }, member);
      } else if constexpr (std::is_same_v<T, std::vector<KernelPlan>>) {
        names.insert(names.end(), std::begin(kSkeletonNames), std::end(kSkeletonNames));
        const auto skeleton = std::find(std::begin(kSkeletonNames), std::end(kSkeletonNames), name);
        if (skeleton == std::end(kSkeletonNames)) return;
        found = true;
        reader.lexer_.Rewind(position);  // the word is the skeleton's as well
        status = reader.Struct(name, member.emplace_back());
      } else if constexpr (IsPart<T>::value) {
        names.push_back(own);
        if (own != name) return;
        found = true;
        if constexpr (std::is_same_v<T, std::optional<LibraryMatch>>) {
          status = reader.Struct(name, member.emplace());
        } else {
          status = reader.Struct(name, member.emplace_back());
        }
      }
    }

    Reader& reader;
    absl::string_view name;
    size_t position;
    bool found = false;
    absl::Status status = absl::OkStatus();
    std::vector<absl::string_view> names = {};
  };

  template <typename T>
  absl::Status Body(absl::string_view what, T& value) {
    while (!lexer_.Consume("}")) {
      const size_t position = lexer_.Position();
      const absl::string_view name = lexer_.PeekWord();
      if (name.empty()) return lexer_.Expected(absl::StrCat("a part of ", what, ", or '}'"));
      lexer_.ConsumeWord(name);
      PartReader reader{*this, name, position};
      VisitFields(value, reader);
      if (!reader.found) return Unknown(position, "part", name, what, reader.names);
      INGOT_RETURN_IF_ERROR(reader.status);
    }
    return absl::OkStatus();
  }

  // The value that stands first.
  template <typename T>
  absl::Status Unnamed(T& value) {
    FieldReader reader{*this, ""};
    VisitFields(value, reader);
    INGOT_RETURN_IF_ERROR(reader.status);
    if constexpr (std::is_same_v<T, KernelPlan>) {
      value.work = WorkOf(value.skeleton);
    }
    return absl::OkStatus();
  }

  absl::Status Unknown(size_t position, absl::string_view kind, absl::string_view name,
                       absl::string_view what, const std::vector<absl::string_view>& names) {
    const std::string there_is = names.empty()
                                     ? absl::StrCat("it has no ", kind, "s")
                                     : absl::StrCat("there is ", absl::StrJoin(names, ", "));
    return lexer_.ErrorAt(position, what, " has no ", kind, " '", name, "'",
                          text::DidYouMean(text::Nearest(name, names)), "; ", there_is);
  }

  absl::Status Value(int64_t& value) {
    INGOT_ASSIGN_OR_RETURN(value, lexer_.Integer("a value"));
    return absl::OkStatus();
  }
  absl::Status Value(int& value) {
    constexpr int kMost = std::numeric_limits<int>::max();
    const size_t position = lexer_.Position();
    INGOT_ASSIGN_OR_RETURN(const int64_t wide, lexer_.Integer("a value"));
    if (wide < -kMost || wide > kMost) {
      return lexer_.ErrorAt(position, wide, " is out of range; at most ", kMost, " can stand here");
    }
    value = static_cast<int>(wide);
    return absl::OkStatus();
  }
  absl::Status Value(bool& value) {
    INGOT_ASSIGN_OR_RETURN(value, lexer_.Bool("a value"));
    return absl::OkStatus();
  }
  absl::Status Value(double& value) {
    const size_t position = lexer_.Position();
    const absl::string_view number = lexer_.Number();
    if (!absl::SimpleAtod(number, &value) || !std::isfinite(value)) {
      lexer_.Rewind(position);
      return lexer_.Expected("a finite number");
    }
    return absl::OkStatus();
  }
  absl::Status Value(std::string& value) {
    INGOT_ASSIGN_OR_RETURN(value, lexer_.String("a value"));
    return absl::OkStatus();
  }
  absl::Status Value(ProductUnit& value) { return Enumerator("a unit", kProductUnitNames, value); }
  absl::Status Value(ScatterStage& value) { return Enumerator("a stage", kScatterStages, value); }
  absl::Status Value(RadixStage& value) { return Enumerator("a stage", kRadixStages, value); }
  absl::Status Value(Skeleton& value) { return Enumerator("a skeleton", kSkeletonNames, value); }
  absl::Status Value(Placement& value) { return Enumerator("a placement", kPlacementNames, value); }
  absl::Status Value(JoinRule& value) { return Enumerator("a rule", kJoinRuleNames, value); }
  absl::Status Value(Numerics& value) { return Enumerator("numerics", kNumericsNames, value); }
  absl::Status Value(runtime::LibraryOperation& value) {
    size_t alternative = 0;
    INGOT_RETURN_IF_ERROR(Enumerator("an operation", kOperationNames, alternative));
    if (alternative == 1) value = runtime::ConvolutionCall{};
    return absl::OkStatus();
  }
  absl::Status Value(ElementType& value) {
    const size_t position = lexer_.Position();
    const absl::string_view name = lexer_.PeekWord();
    if (name.empty()) return lexer_.Expected("an element type");
    const std::optional<ElementType> type = ElementTypeFromName(name);
    if (!type.has_value()) {
      return lexer_.ErrorAt(position, "'", name, "' is no element type",
                            text::DidYouMean(text::NearestElementType(name)));
    }
    lexer_.ConsumeWord(name);
    value = *type;
    return absl::OkStatus();
  }
  absl::Status Value(Shape& value) {
    const size_t position = lexer_.Position();
    if (!text::NextIsShape(lexer_)) return lexer_.Expected("a shape, as f32[8,64]");
    INGOT_ASSIGN_OR_RETURN(const Shape shape, text::ReadShape(lexer_));
    if (!shape.IsArray() || shape.HasDynamicDimension()) {
      return lexer_.ErrorAt(position, shape.ToString(), " is no array of a fixed size");
    }
    value = Shape::ArrayWithDefaultLayout(shape.element_type(), shape.dimensions());
    return absl::OkStatus();
  }
  absl::Status Value(BufferRole& value) {
    const size_t position = lexer_.Position();
    const absl::string_view word = lexer_.PeekWord();
    if (word.empty()) return lexer_.Expected("a buffer");
    const auto letter = std::find(std::begin(kBufferLetters), std::end(kBufferLetters), word[0]);
    int number;
    if (letter == std::end(kBufferLetters) || !absl::SimpleAtoi(word.substr(1), &number)) {
      return lexer_.ErrorAt(position, "'", word,
                            "' is no buffer; there are operands p0, p1, ..., results r0, ... and "
                            "scratch s0, ...");
    }
    lexer_.ConsumeWord(word);
    value.kind = static_cast<BufferRole::Kind>(letter - std::begin(kBufferLetters));
    value.number = number;
    return absl::OkStatus();
  }
  absl::Status Value(InPlacePair& value) {
    const size_t position = lexer_.Position();
    BufferRole result, operand;
    INGOT_RETURN_IF_ERROR(Value(result));
    INGOT_RETURN_IF_ERROR(lexer_.Expect("=", "behind the result of a pair"));
    INGOT_RETURN_IF_ERROR(Value(operand));
    if (result.kind != BufferRole::Kind::kResult || operand.kind != BufferRole::Kind::kOperand) {
      return lexer_.ErrorAt(position, TextOf(result), "=", TextOf(operand),
                            " is no result and operand, as r0=p1");
    }
    value = {result.number, operand.number};
    return absl::OkStatus();
  }
  template <typename T>
  absl::Status Value(std::vector<T>& list) {
    INGOT_RETURN_IF_ERROR(lexer_.Expect("{", "before the items of a list"));
    while (!lexer_.Consume("}")) {
      if (!list.empty()) INGOT_RETURN_IF_ERROR(lexer_.Expect(",", "or '}' behind an item"));
      INGOT_RETURN_IF_ERROR(Value(list.emplace_back()));
    }
    return absl::OkStatus();
  }
  template <typename T, size_t count>
  absl::Status Value(std::array<T, count>& array) {
    const size_t position = lexer_.Position();
    std::vector<T> list;
    INGOT_RETURN_IF_ERROR(Value(list));
    if (list.size() != count) {
      return lexer_.ErrorAt(position, list.size(), " items; there must be ", count);
    }
    std::copy(list.begin(), list.end(), array.begin());
    return absl::OkStatus();
  }

  // Reads one of `names`: an enumerator of that number.
  template <typename Enum, size_t count>
  absl::Status Enumerator(absl::string_view what, const absl::string_view (&names)[count],
                          Enum& value) {
    const size_t position = lexer_.Position();
    const absl::string_view word = lexer_.PeekWord();
    if (word.empty()) return lexer_.Expected(what);
    const auto found = std::find(std::begin(names), std::end(names), word);
    if (found == std::end(names)) {
      return lexer_.ErrorAt(position, "expected ", what, ", found '", word, "'; there is ",
                            absl::StrJoin(names, ", "));
    }
    lexer_.ConsumeWord(word);
    value = static_cast<Enum>(found - std::begin(names));
    return absl::OkStatus();
  }

  text::Lexer& lexer_;
};

}  // namespace

absl::string_view NameOf(ProductUnit unit) { return kProductUnitNames[static_cast<int>(unit)]; }

absl::string_view NameOf(RadixStage stage) { return kRadixStages[static_cast<int>(stage)]; }
absl::string_view NameOf(ScatterStage stage) { return kScatterStages[static_cast<int>(stage)]; }

absl::string_view NameOf(Skeleton skeleton) { return kSkeletonNames[static_cast<int>(skeleton)]; }

absl::string_view NameOf(Placement placement) {
  return kPlacementNames[static_cast<int>(placement)];
}

std::string ToString(const FusionPlan& plan, const Computation& fusion) {
  std::vector<std::string> comments;
  const auto name = [&](absl::string_view what, const std::vector<int64_t>& ids) {
    std::vector<std::string> names;
    for (const Instruction* instruction : fusion.instructions()) {
      const bool listed = std::binary_search(ids.begin(), ids.end(), instruction->id());
      if (listed) names.push_back(CommentText(instruction->name()));
    }
    if (!names.empty()) comments.push_back(absl::StrCat(what, ": ", absl::StrJoin(names, ", ")));
  };
  name("in f32", plan.unrounded);
  name("a few units off", plan.loose);
  name("as good as 16 bits", plan.narrow);
  name("seen as a sum with 1", plan.plus_one);
  name("seen as a difference from 1", plan.minus_one);
  name("of a product that is not rounded", plan.contracted);
  BodyWriter writer(fusion);
  writer.Struct("plan", plan, absl::StrJoin(comments, "; "));
  return writer.text();
}

absl::StatusOr<FusionPlan> ReadPlan(text::Lexer& lexer) {
  if (!lexer.ConsumeWord("plan")) return lexer.Expected("'plan' before a plan");
  FusionPlan plan;
  INGOT_RETURN_IF_ERROR(Reader(lexer).Struct("plan", plan));
  return plan;
}

absl::StatusOr<FusionPlan> ParsePlan(absl::string_view text, absl::string_view file) {
  text::Lexer lexer(text, file);
  INGOT_ASSIGN_OR_RETURN(FusionPlan plan, ReadPlan(lexer));
  if (!lexer.AtEnd()) return lexer.Expected("nothing behind the plan");
  return plan;
}

std::string FirstDifference(const KernelPlan& actual, const KernelPlan& expected) {
  if (actual.work.index() != expected.work.index()) {
    return absl::StrCat(NameOf(actual.skeleton), ", not ", NameOf(expected.skeleton));
  }
  HeadWriter own, other;
  VisitFields(actual, own);
  VisitFields(expected, other);
  for (size_t i = 0; i < own.fields.size(); ++i) {
    const auto& [name, text] = own.fields[i];
    if (text == other.fields[i].second) continue;
    const std::string equals = name.empty() ? "" : absl::StrCat(name, "=");
    return absl::StrCat(equals, text, ", not ", equals, other.fields[i].second);
  }
  return actual == expected ? "" : "the parts in braces differ";
}

}  // namespace ingot::plan
