// The kernels of a program become code: each distinct one once, in modules of about equal work.
#ifndef INGOT_COMPILER_CODE_UNITS_H_
#define INGOT_COMPILER_CODE_UNITS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "compiler/codegen/cubin/report.h"
#include "compiler/kernel/code_key.h"
#include "compiler/kernel/kernel.h"
#include "compiler/program/fusion_table.h"
#include "ir/base/target.h"

namespace ingot {

// A kernel until it is code.
struct CodeUnit {
  std::unique_ptr<kernel::Kernel> kernel;
  std::vector<program::KernelEntry*> entries;  // whose launches run it
  std::vector<std::string> names;              // that those had by themselves
  std::optional<codegen::KernelReport> report;
};

// Collects kernels, and finds those that are one code.
class CodeUnits {
 public:
  explicit CodeUnits(const Target& target) : target_(target) {}

  // `entry` says of a launch what it has to say once Finish has returned.
  void Add(std::unique_ptr<kernel::Kernel> kernel, program::KernelEntry& entry);

  // Kernels that differ in nothing but names, grid and some constants are one unit, with a grid
  // that holds each one's; the constants are parameters, which entries give.  A simulated GPU's
  // code is the text, and every kernel has its own.
  std::vector<CodeUnit> Finish();

 private:
  struct Member {
    std::unique_ptr<kernel::Kernel> kernel;
    kernel::Code code;
    program::KernelEntry* entry;
  };
  using Family = std::vector<Member>;

  static CodeUnit UnitOf(Family members);
  std::vector<CodeUnit> UnitsOf(Family members) const;

  const Target& target_;
  std::vector<Family> families_;  // of one key
  absl::flat_hash_map<std::string, size_t> family_of_key_;
};

// The units whose kernels are generated together, as starting an assembler takes some milliseconds.
// A function of the kernels alone, so that a program does not depend on how many threads compiled
// it.
std::vector<std::vector<int64_t>> ShareOut(const std::vector<CodeUnit>& units);

}  // namespace ingot

#endif  // INGOT_COMPILER_CODE_UNITS_H_
