#include "compiler/program/fusion_table.h"

#include <algorithm>
#include <iterator>
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

// Of ascending numbers.
std::vector<int> Union(absl::Span<const int> a, absl::Span<const int> b) {
  std::vector<int> both;
  std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  return both;
}

}  // namespace

FusionTable::FusionTable(const Module& module, const ResultMemories& memories) {
  Collect(*module.entry(), memories);
}

void FusionTable::Collect(const Computation& computation, const ResultMemories& memories) {
  if (!collected_.insert(&computation).second) return;
  const ArrayUses uses(computation, memories);
  for (const Instruction* instruction : computation.instructions()) {
    if (instruction->opcode() == Opcode::kFusion) {
      FusionEntry& entry = entries_[Add(*instruction->to_apply(), instruction->name())];
      entry.last_reads = Union(entry.last_reads, uses.LastReadsOf(*instruction));
      for (const plan::InPlacePair& pair : uses.PairsOf(*instruction)) {
        std::vector<plan::InPlacePair>& wanted = entry.wanted_pairs;
        if (std::find(wanted.begin(), wanted.end(), pair) == wanted.end()) wanted.push_back(pair);
      }
    } else if (instruction->opcode() == Opcode::kWhile) {
      Collect(*instruction->while_condition(), {});
      Collect(*instruction->while_body(), MemoriesOfState(*instruction->while_body()));
    } else if (instruction->opcode() == Opcode::kConditional) {
      for (const Computation* branch : instruction->called_computations()) Collect(*branch, {});
    }
  }
}

int64_t FusionTable::Add(const Computation& fusion, absl::string_view name_hint) {
  std::vector<int64_t>& same_hash = by_hash_[HashComputation(fusion)];
  for (int64_t number : same_hash) {
    if (!SameComputation(*entries_[number].fusion, fusion)) continue;
    if (number_.insert({&fusion, number}).second) equal_[number].push_back(&fusion);
    return number;
  }
  const int64_t number = static_cast<int64_t>(entries_.size());
  entries_.push_back({UniqueName(Identifier(name_hint), names_), &fusion, {}, {}, {}, {}});
  equal_.push_back({&fusion});
  number_[&fusion] = number;
  same_hash.push_back(number);
  return number;
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
