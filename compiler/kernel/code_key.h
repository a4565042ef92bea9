// Which kernels are one and the same code, but for constants that may be parameters instead.
#ifndef INGOT_COMPILER_KERNEL_CODE_KEY_H_
#define INGOT_COMPILER_KERNEL_CODE_KEY_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "compiler/kernel/kernel.h"

namespace ingot::kernel {

// An operand that is a constant of the kernel's, and could be a scalar parameter.
struct ConstantUse {
  Operation* user;
  size_t operand;

  Operation* constant() const { return user->operands[operand]; }
  uint64_t bits() const { return constant()->Get<ConstantAttributes>().bits; }
};

struct Code {
  // Bytes that two kernels share only if one's code may run in the other's place, given a grid at
  // least as large in its text and the other's constants.  Names, comments, HLO ids and the
  // dimensions of buffers have no part in it; of grid and tasks only which extents are 1 does.
  std::string key;
  // In the order of the text: as many, of the same types and roles, in all kernels of the key.
  // Not among them: divisors of integers, which are cheap as constants only, steps and bounds of
  // loops that are unrolled, and what indices of fragments depend on.
  std::vector<ConstantUse> constants;

  std::vector<uint64_t> ConstantBits() const;
};

// Requires: no dead code (RemoveDeadCode), which would tell kernels apart.
Code CodeOf(Kernel& kernel);

// The constants in which kernels of one key differ, given each one's ConstantBits: lists of places
// in Code::constants, each with equal values in every kernel, and of one element type.
std::vector<std::vector<size_t>> DifferingConstants(
    const Code& code, absl::Span<const std::vector<uint64_t>> kernels);

// Makes these constants of a kernel scalar parameters, one for each list.
void MakeParameters(Kernel& kernel, const Code& code, absl::Span<const std::vector<size_t>> places);

}  // namespace ingot::kernel

#endif  // INGOT_COMPILER_KERNEL_CODE_KEY_H_
