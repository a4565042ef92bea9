// The kernels of a program: each distinct fusion once.
#ifndef INGOT_COMPILER_PROGRAM_KERNEL_TABLE_H_
#define INGOT_COMPILER_PROGRAM_KERNEL_TABLE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "compiler/plan/plan.h"
#include "ir/base/target.h"
#include "ir/module.h"

namespace ingot::program {

struct KernelEntry {
  std::string name;           // an identifier, unique in the program
  const Computation* fusion;  // the first of its kind
  plan::KernelPlan plan;
};

// Kernels are numbered in the order in which they are first asked for.
class KernelTable {
 public:
  explicit KernelTable(const Target& target) : target_(&target) {}

  // The number of the kernel that computes `fusion`; fusions that SameComputation calls equal share
  // one. `name_hint`: the fusion instruction's name.
  int64_t Add(const Computation& fusion, absl::string_view name_hint);

  const std::vector<KernelEntry>& entries() const { return entries_; }

 private:
  const Target* target_;
  std::vector<KernelEntry> entries_;
  absl::flat_hash_map<size_t, std::vector<int64_t>> by_hash_;
  absl::flat_hash_set<std::string> names_;
};

}  // namespace ingot::program

#endif  // INGOT_COMPILER_PROGRAM_KERNEL_TABLE_H_
