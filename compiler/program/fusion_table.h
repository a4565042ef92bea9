// The fusions of a program: each distinct one once, with what becomes of it phase by phase.
#ifndef INGOT_COMPILER_PROGRAM_FUSION_TABLE_H_
#define INGOT_COMPILER_PROGRAM_FUSION_TABLE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "compiler/kernel/kernel.h"
#include "compiler/plan/excess_precision.h"
#include "compiler/plan/plan.h"
#include "compiler/program/array_uses.h"
#include "ir/base/tensor_map.h"
#include "ir/module.h"
#include "runtime/program.h"

namespace ingot::program {

// A tensor map that a launch has the runtime encode.
struct MapArgument {
  size_t buffer = 0;  // whose address it has: a place in KernelPlan::buffers
  TensorMap map;
};

// One of a plan's kernels: what a launch has to say of it.
struct KernelEntry {
  std::string name;  // an identifier; kernels that are one code have one name
  kernel::Launch launch;
  int32_t module = 0;                            // Program::modules
  std::vector<MapArgument> maps;                 // after the plan's buffers
  std::vector<runtime::ScalarArgument> scalars;  // after those
};

struct FusionEntry {
  std::string name;           // an identifier, unique among the fusions
  const Computation* fusion;  // the first of its kind
  // Operands that some fusion of this kind reads last, by number and ascending.
  std::vector<int> last_reads;
  // Results that are to be where such an operand is, in some fusion of this kind.
  std::vector<plan::InPlacePair> wanted_pairs;
  plan::FusionPlan plan;
  std::vector<KernelEntry> kernels;  // as plan.kernels
};

class FusionTable {
 public:
  // The fusions that run as commands, in the order in which they run first; those that
  // SameComputation calls equal share an entry.  Entries have names, last reads and wanted pairs
  // only.  `memories`: of the entry's results.
  explicit FusionTable(const Module& module, const ResultMemories& memories = {});

  std::vector<FusionEntry>& entries() { return entries_; }
  const std::vector<FusionEntry>& entries() const { return entries_; }

  // Of a fusion instruction's computation.
  const FusionEntry& EntryOf(const Computation& fusion) const {
    return entries_[number_.at(&fusion)];
  }

  // For each entry all of its computations, the entry's first.
  const std::vector<plan::EqualFusions>& equal_fusions() const { return equal_; }

  // Makes room for the kernels of the entry's plan and names them after the fusion.
  void NameKernels(FusionEntry& entry);

 private:
  void Collect(const Computation& computation, const ResultMemories& memories);
  // The number of its entry.
  int64_t Add(const Computation& fusion, absl::string_view name_hint);

  std::vector<FusionEntry> entries_;
  absl::flat_hash_map<const Computation*, int64_t> number_;
  std::vector<plan::EqualFusions> equal_;  // by entry
  absl::flat_hash_map<size_t, std::vector<int64_t>> by_hash_;
  absl::flat_hash_set<const Computation*> collected_;
  absl::flat_hash_set<std::string> names_;
};

}  // namespace ingot::program

#endif  // INGOT_COMPILER_PROGRAM_FUSION_TABLE_H_
