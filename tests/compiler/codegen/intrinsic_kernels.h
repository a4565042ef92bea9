// Kernels of one instruction each, for every row of intrinsics.def: that a renderer takes it, and
// an assembler.
#ifndef INGOT_TESTS_COMPILER_CODEGEN_INTRINSIC_KERNELS_H_
#define INGOT_TESTS_COMPILER_CODEGEN_INTRINSIC_KERNELS_H_

#include <memory>
#include <string>
#include <vector>

#include "compiler/kernel/kernel.h"

namespace ingot::test {

// A row with its constants, its type T, and the length of its list.
struct IntrinsicCase {
  kernel::Intrinsic intrinsic;
  ElementType type = ElementType::kS32;
  std::vector<int64_t> constants;
  int list = 0;  // 0: it has none

  std::string Name() const;  // "wgmma_bf16_64_0_1", "shuffle_xor_f32", "tensor_load_3d"
};

// Every row.
std::vector<kernel::Intrinsic> AllIntrinsics();
// For each type that the row takes, each length of its list, and the ends and the middle of the
// ranges of its constants.
std::vector<IntrinsicCase> CasesOf(kernel::Intrinsic intrinsic);
// A block of 128 threads that executes it.
std::unique_ptr<kernel::Kernel> MakeKernel(const IntrinsicCase& row);

}  // namespace ingot::test

#endif  // INGOT_TESTS_COMPILER_CODEGEN_INTRINSIC_KERNELS_H_
