#include "compiler/program/fusion_table.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "ir/equality.h"

namespace ingot::program {
namespace {

// "add.12-x" → "add_12_x": what every assembler takes for a name.
std::string Identifier(absl::string_view name) {
  std::string identifier;
  for (char c : name) identifier += absl::ascii_isalnum(c) ? c : '_';
  if (identifier.empty() || absl::ascii_isdigit(identifier[0])) identifier.insert(0, "k_");
  return identifier;
}

// `stem`, or with a number behind it where that name is taken.
std::string UniqueName(const std::string& stem, absl::flat_hash_set<std::string>& names) {
  std::string name = stem;
  for (int suffix = 1; !names.insert(name).second; ++suffix) name = absl::StrCat(stem, "_", suffix);
  return name;
}

}  // namespace

FusionTable::FusionTable(const Module& module) { Collect(*module.entry()); }

void FusionTable::Collect(const Computation& computation) {
  if (!collected_.insert(&computation).second) return;
  for (const Instruction* instruction : computation.instructions()) {
    switch (instruction->opcode()) {
      case Opcode::kFusion:
        Add(*instruction->called_computations()[0], instruction->name());
        break;
      case Opcode::kWhile:
        Collect(*instruction->while_condition());
        Collect(*instruction->while_body());
        break;
      case Opcode::kConditional:
        for (const Computation* branch : instruction->called_computations()) Collect(*branch);
        break;
      default:
        break;
    }
  }
}

void FusionTable::Add(const Computation& fusion, absl::string_view name_hint) {
  std::vector<int64_t>& same_hash = by_hash_[HashComputation(fusion)];
  for (int64_t number : same_hash) {
    if (!SameComputation(*entries_[number].fusion, fusion)) continue;
    number_[&fusion] = number;
    return;
  }
  const int64_t number = static_cast<int64_t>(entries_.size());
  entries_.push_back({UniqueName(Identifier(name_hint), names_), &fusion, {}, {}});
  number_[&fusion] = number;
  same_hash.push_back(number);
}

void FusionTable::NameKernels(FusionEntry& entry) {
  entry.kernels.assign(entry.plan.kernels.size(), {});
  if (entry.kernels.size() == 1) {
    entry.kernels[0].name = entry.name;
    return;
  }
  for (size_t i = 0; i < entry.kernels.size(); ++i) {
    entry.kernels[i].name = UniqueName(absl::StrCat(entry.name, "_part", i + 1), names_);
  }
}

}  // namespace ingot::program
