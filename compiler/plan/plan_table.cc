#include "compiler/plan/plan_table.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "compiler/plan/plan_text.h"
#include "ir/base/status.h"
#include "ir/text/attribute_printer.h"
#include "ir/text/called_roles.h"
#include "ir/text/lexer.h"
#include "ir/text/nearest.h"
#include "ir/text/printer.h"

namespace ingot::plan {
namespace {

constexpr size_t kKeyDigits = 16;

// FNV-1a, 64 bits (Fowler, Noll, Vo).
class Fingerprint {
 public:
  void Add(absl::string_view bytes) {
    for (const char byte : bytes) {
      hash_ = (hash_ ^ static_cast<unsigned char>(byte)) * uint64_t{0x100000001b3};
    }
  }
  std::string Digits() const { return absl::StrCat(absl::Hex(hash_, absl::kZeroPad16)); }

 private:
  uint64_t hash_ = uint64_t{0xcbf29ce484222325};
};

bool NamesComputations(absl::string_view attribute) {
  return std::any_of(std::begin(text::kCalledAttributes), std::end(text::kCalledAttributes),
                     [&](const text::CalledAttribute& called) { return called.name == attribute; });
}

bool IsTableTarget(absl::string_view name) {
  const absl::Span<const Target> all = AllTargets();
  return std::any_of(all.begin(), all.end(),
                     [&](const Target& target) { return TableTarget(target) == name; });
}

absl::Status UnknownTarget(const text::Lexer& lexer, size_t position, absl::string_view name) {
  std::vector<absl::string_view> names;
  for (const Target& target : AllTargets()) {
    const absl::string_view own = TableTarget(target);
    if (std::find(names.begin(), names.end(), own) == names.end()) names.push_back(own);
  }
  return lexer.ErrorAt(position, "no target is called '", name, "' in a table; there is ",
                       absl::StrJoin(names, ", "));
}

}  // namespace

std::string FusionKey(const Computation& fusion) {
  Fingerprint fingerprint;
  absl::flat_hash_map<const Instruction*, size_t> position;
  for (const Instruction* instruction : fusion.instructions()) {
    fingerprint.Add(absl::StrCat(OpcodeName(instruction->opcode()), " ",
                                 instruction->shape().ToString(/*with_layout=*/false), "("));
    for (const Instruction* operand : instruction->operands()) {
      fingerprint.Add(absl::StrCat(position.at(operand), ","));
    }
    if (instruction->opcode() == Opcode::kParameter) {
      fingerprint.Add(absl::StrCat(instruction->parameter_number()));
    } else if (instruction->opcode() == Opcode::kConstant) {
      fingerprint.Add(ToString(instruction->literal()));
    }
    fingerprint.Add(")");
    for (const auto& [name, value] :
         text::AttributesOf(*instruction, LongForm(), /*annotations=*/false)) {
      if (!NamesComputations(name)) fingerprint.Add(absl::StrCat(name, "=", value, ","));
    }
    for (const Computation* called : instruction->called_computations()) {
      fingerprint.Add(FusionKey(*called));
    }
    fingerprint.Add("\n");
    position.insert({instruction, position.size()});
  }
  fingerprint.Add(absl::StrCat(position.at(fusion.root())));
  return fingerprint.Digits();
}

std::string DigestOf(absl::string_view text) {
  Fingerprint fingerprint;
  fingerprint.Add(text);
  return fingerprint.Digits();
}

absl::string_view TableTarget(const Target& target) {
  return absl::StripPrefix(target.name, "sim:");
}

absl::StatusOr<PlanTable> PlanTable::Parse(absl::string_view text, absl::string_view file) {
  PlanTable table;
  text::Lexer lexer(text, file);
  while (!lexer.AtEnd()) {
    PlanEntry entry;
    const text::Lexer::Place place = lexer.PlaceOf(lexer.Position());
    entry.place = absl::StrCat(file, ":", place.line, ":", place.column);
    if (!lexer.ConsumeWord("fusion")) {
      return lexer.Expected("'fusion KEY TARGET' and a plan, as `ingot emit --stage=plan` prints");
    }
    const size_t key_position = lexer.Position();
    INGOT_ASSIGN_OR_RETURN(const absl::string_view key, lexer.Label("a fusion's key"));
    const bool is_key = key.size() == kKeyDigits && std::all_of(key.begin(), key.end(), [](char c) {
                          return absl::ascii_isxdigit(c) && !absl::ascii_isupper(c);
                        });
    if (!is_key) {
      return lexer.ErrorAt(key_position, "'", key.substr(0, 4 * kKeyDigits),
                           "' is no key of a fusion: ", kKeyDigits,
                           " digits of 0-9a-f, as `ingot emit --stage=plan` prints");
    }
    const size_t target_position = lexer.Position();
    INGOT_ASSIGN_OR_RETURN(const absl::string_view target, lexer.Label("a target's name"));
    if (!IsTableTarget(target)) return UnknownTarget(lexer, target_position, target);
    entry.key = std::string(key);
    entry.target = std::string(target);
    INGOT_ASSIGN_OR_RETURN(entry.plan, ReadPlan(lexer));
    table.by_key_[{entry.key, entry.target}].push_back(table.size());
    table.entries_.push_back(std::move(entry));
  }
  table.digest_ = DigestOf(text);
  return table;
}

std::vector<const PlanEntry*> PlanTable::EntriesFor(const Computation& fusion,
                                                    const Target& target) const {
  std::vector<const PlanEntry*> found;
  if (entries_.empty()) return found;
  const auto it = by_key_.find({FusionKey(fusion), std::string(TableTarget(target))});
  if (it == by_key_.end()) return found;
  for (int64_t number : it->second) found.push_back(&entries_[number]);
  return found;
}

bool PlanTable::HasTarget(const Target& target) const {
  return std::any_of(entries_.begin(), entries_.end(),
                     [&](const PlanEntry& entry) { return entry.target == TableTarget(target); });
}

std::string EntryText(const FusionPlan& plan, const Computation& fusion, const Target& target,
                      absl::string_view name) {
  return absl::StrCat("fusion ", FusionKey(fusion), " ", TableTarget(target), "  // ",
                      absl::CEscape(name), "\n", ToString(plan, fusion));
}

}  // namespace ingot::plan
