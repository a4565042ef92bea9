#include "tests/compiler/codegen/card_instructions.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "compiler/kernel/text.h"
#include "compiler/kernel/verifier.h"
#include "ir/base/status.h"

namespace ingot::test {

absl::StatusOr<std::unique_ptr<kernel::Kernel>> KernelOf(const InstructionCase& one) {
  INGOT_ASSIGN_OR_RETURN(auto kernel, kernel::ParseKernel(one.text, one.name));
  kernel->set_name(one.name);
  INGOT_RETURN_IF_ERROR(kernel::VerifyKernel(*kernel, nullptr));
  return kernel;
}

std::vector<std::vector<uint8_t>> BuffersOf(const InstructionCase& one,
                                            const kernel::Kernel& kernel) {
  std::vector<std::vector<uint8_t>> buffers;
  for (const kernel::Parameter& parameter : kernel.parameters()) {
    if (parameter.kind != kernel::Parameter::Kind::kBuffer) continue;
    std::vector<uint8_t>& bytes = buffers.emplace_back(parameter.buffer->ByteSize());
    const auto input = one.inputs.find(parameter.name());
    if (input == one.inputs.end()) continue;
    std::copy_n(input->second.begin(), std::min(input->second.size(), bytes.size()), bytes.begin());
  }
  return buffers;
}

std::string ExpectedPath(const std::string& folder, const InstructionCase& one) {
  return absl::StrCat(folder, "/", one.name, ".expected");
}

}  // namespace ingot::test
