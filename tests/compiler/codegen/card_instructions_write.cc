// Compiles kernels of asynchronous instructions for a GPU and simulates them, for
// card_instructions_run: card_instructions_write FOLDER TARGET
#include <cstdio>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "compiler/codegen/cubin/cubin.h"
#include "compiler/codegen/cuda/cuda_codegen.h"
#include "compiler/codegen/cuda/nvrtc.h"
#include "compiler/codegen/llvm/llvm_codegen.h"
#include "compiler/kernel/simulator/simulator.h"
#include "ir/base/status.h"
#include "tests/compiler/codegen/card_instructions.h"

namespace ingot::test {
namespace {

absl::Status WriteFile(const std::string& path, absl::Span<const uint8_t> bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  return file.flush() ? absl::OkStatus() : absl::InternalError("cannot write");
}

absl::StatusOr<std::vector<uint8_t>> Simulated(const InstructionCase& one,
                                               const kernel::Kernel& kernel) {
  constexpr size_t kAlignment = 1024;
  std::vector<std::vector<uint8_t>> buffers = BuffersOf(one, kernel);
  std::vector<std::vector<uint8_t>> memory;
  std::vector<kernel::simulator::Argument> arguments;
  size_t next = 0;
  for (const kernel::Parameter& parameter : kernel.parameters()) {
    kernel::simulator::Argument& argument = arguments.emplace_back();
    if (parameter.kind != kernel::Parameter::Kind::kBuffer) continue;
    const std::vector<uint8_t>& bytes = buffers[next++];
    std::vector<uint8_t>& aligned = memory.emplace_back(bytes.size() + kAlignment);
    const size_t skip =
        (kAlignment - reinterpret_cast<uintptr_t>(aligned.data()) % kAlignment) % kAlignment;
    std::copy(bytes.begin(), bytes.end(), aligned.begin() + static_cast<int64_t>(skip));
    argument = kernel::simulator::Argument::Initialised(aligned.data() + skip);
  }
  INGOT_ASSIGN_OR_RETURN(const kernel::simulator::Report report,
                         kernel::simulator::Simulate(kernel, arguments, {}));
  INGOT_RETURN_IF_ERROR(report.status());
  std::vector<uint8_t> all;
  next = 0;
  for (const kernel::simulator::Argument& argument : arguments) {
    if (argument.data == nullptr) continue;
    const auto* const bytes = static_cast<const uint8_t*>(argument.data);
    all.insert(all.end(), bytes, bytes + buffers[next++].size());
  }
  return all;
}

absl::Status Run(const std::string& folder, const std::string& target_name) {
  INGOT_ASSIGN_OR_RETURN(const Target* target, FindTarget(target_name));
  kernel::KernelModule module;
  for (const InstructionCase& one : InstructionCases()) {
    INGOT_ASSIGN_OR_RETURN(auto kernel, KernelOf(one));
    INGOT_ASSIGN_OR_RETURN(const std::vector<uint8_t> expected, Simulated(one, *kernel));
    INGOT_RETURN_IF_ERROR(WriteFile(ExpectedPath(folder, one), expected));
    module.kernels.push_back(std::move(kernel));
  }
  INGOT_ASSIGN_OR_RETURN(const codegen::PtxCode code, codegen::CompileToPtx(module, *target));
  INGOT_ASSIGN_OR_RETURN(const codegen::Cubin cubin, codegen::PtxToCubin(code.ptx, target->name));
  INGOT_RETURN_IF_ERROR(WriteFile(absl::StrCat(folder, "/instructions.cubin"), cubin.bytes));
  const codegen::Nvrtc* nvrtc = codegen::Nvrtc::Get();
  if (nvrtc == nullptr) return absl::OkStatus();
  INGOT_ASSIGN_OR_RETURN(const codegen::CudaSource source, codegen::RenderCuda(module, *target));
  INGOT_ASSIGN_OR_RETURN(const codegen::Cubin second, nvrtc->Compile(source.text, target->name));
  return WriteFile(absl::StrCat(folder, "/instructions.nvrtc.cubin"), second.bytes);
}

}  // namespace
}  // namespace ingot::test

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: card_instructions_write FOLDER TARGET\n");
    return 2;
  }
  const absl::Status status = ingot::test::Run(argv[1], argv[2]);
  if (!status.ok()) std::fprintf(stderr, "error: %s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
