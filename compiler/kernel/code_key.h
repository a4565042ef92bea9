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
  // What an integer is divided by: a multiplication by parameters does it.
  bool IsDivisor() const;
};

struct Code {
  // Bytes that two kernels share only if one's code may run in the other's place, given a grid at
  // least as large in its text and the other's constants and tensor maps.  Names, comments, HLO
  // ids, the dimensions of buffers and what tensor maps say have no part in it; of grid and tasks
  // only which extents are 1 does.
  std::string key;
  // In the order of the text: as many, of the same types and roles, in all kernels of the key.
  // Not among them: divisors of integers, but where the code takes long to make and the dividend is
  // never negative; steps and bounds of loops that are unrolled, and what indices of fragments
  // depend on.
  std::vector<ConstantUse> constants;

  std::vector<uint64_t> ConstantBits() const;
};

// Requires: no dead code (RemoveDeadCode), which would tell kernels apart.
Code CodeOf(Kernel& kernel);

// Constants of one kernel that are equal in each kernel, but not in all.
struct DifferingConstant {
  std::vector<size_t> places;  // in Code::constants, of one element type
  bool is_value = false;       // one of them is not only divided by
  bool is_divisor = false;     // one of them is
};
// Given each kernel's ConstantBits; all have the key of `code`.
std::vector<DifferingConstant> DifferingConstants(const Code& code,
                                                  absl::Span<const std::vector<uint64_t>> kernels);

// How many scalar parameters MakeParameters makes of these.
size_t CountParameters(absl::Span<const DifferingConstant> differing);

// Makes these constants of a kernel scalar parameters.
void MakeParameters(Kernel& kernel, const Code& code,
                    absl::Span<const DifferingConstant> differing);

// What they are for the kernel with these ConstantBits, in order.
struct ParameterValue {
  ElementType type;
  uint64_t bits;
};
std::vector<ParameterValue> ParameterValues(const Code& code,
                                            absl::Span<const DifferingConstant> differing,
                                            const std::vector<uint64_t>& bits);

// n / d = mulhi(2 n, multiplier) >> shift for 0 <= n < 2^31, of u32.  (Granlund and Montgomery,
// Division by Invariant Integers using Multiplication, PLDI 1994, section 4.)
struct Reciprocal {
  uint32_t multiplier;
  uint32_t shift;
};
// Of 0 < d < 2^31.
Reciprocal ReciprocalOf(uint32_t d);

}  // namespace ingot::kernel

#endif  // INGOT_COMPILER_KERNEL_CODE_KEY_H_
