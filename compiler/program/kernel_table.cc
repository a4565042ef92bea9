#include "compiler/program/kernel_table.h"

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

}  // namespace

int64_t KernelTable::Add(const Computation& fusion, absl::string_view name_hint) {
  std::vector<int64_t>& same_hash = by_hash_[HashComputation(fusion)];
  for (int64_t number : same_hash) {
    if (SameComputation(*entries_[number].fusion, fusion)) return number;
  }
  const int64_t number = static_cast<int64_t>(entries_.size());
  const std::string stem = Identifier(name_hint);
  std::string name = stem;
  for (int suffix = 1; !names_.insert(name).second; ++suffix)
    name = absl::StrCat(stem, "_", suffix);
  entries_.push_back({std::move(name), &fusion, plan::MakePlan(fusion, *target_)});
  same_hash.push_back(number);
  return number;
}

}  // namespace ingot::program
