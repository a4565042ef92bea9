// Where card_instructions_write leaves what card_instructions_run reads: FOLDER/instructions.cubin
// (LLVM's), FOLDER/instructions.nvrtc.cubin (of CUDA C++), and of each case the bytes of all
// buffers behind one another, as the simulator leaves them.
#ifndef INGOT_TESTS_COMPILER_CODEGEN_CARD_INSTRUCTIONS_H_
#define INGOT_TESTS_COMPILER_CODEGEN_CARD_INSTRUCTIONS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "compiler/kernel/kernel.h"
#include "tests/compiler/kernel/asynchronous_kernels.h"

namespace ingot::test {

// The kernel of the case, under the case's name.
absl::StatusOr<std::unique_ptr<kernel::Kernel>> KernelOf(const InstructionCase& one);

// What its buffers hold before, in the order of parameters.
std::vector<std::vector<uint8_t>> BuffersOf(const InstructionCase& one,
                                            const kernel::Kernel& kernel);

std::string ExpectedPath(const std::string& folder, const InstructionCase& one);

}  // namespace ingot::test

#endif  // INGOT_TESTS_COMPILER_CODEGEN_CARD_INSTRUCTIONS_H_
