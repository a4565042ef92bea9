// Compiles every row × type × width for a GPU, for card_rows_run: card_rows_write FOLDER TARGET
// GROUP.cubin is LLVM's; GROUP.nvrtc.cubin is of CUDA C++, where NVRTC is here.
#include <cstdio>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "compiler/codegen/cubin/cubin.h"
#include "compiler/codegen/cuda/cuda_codegen.h"
#include "compiler/codegen/cuda/nvrtc.h"
#include "compiler/codegen/llvm/llvm_codegen.h"
#include "ir/base/status.h"
#include "tests/compiler/codegen/row_kernels.h"

namespace ingot::test {
namespace {

absl::Status WriteFile(const std::string& path, const codegen::Cubin& cubin) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(cubin.bytes.data()), cubin.bytes.size());
  return file.flush() ? absl::OkStatus() : absl::InternalError("cannot write");
}

absl::Status Write(const std::string& folder, const RowGroup& group, const Target& target) {
  kernel::KernelModule module;
  for (const RowCase& row : group.rows) {
    const auto count = static_cast<int64_t>(Operands(row)[0].size());
    module.kernels.push_back(MakeKernel(row, kernel::Machine::kGpu, count));
  }
  INGOT_ASSIGN_OR_RETURN(const codegen::PtxCode code, codegen::CompileToPtx(module, target));
  INGOT_ASSIGN_OR_RETURN(const codegen::Cubin cubin, codegen::PtxToCubin(code.ptx, target.name));
  INGOT_RETURN_IF_ERROR(WriteFile(absl::StrCat(folder, "/", group.name, ".cubin"), cubin));
  const codegen::Nvrtc* nvrtc = codegen::Nvrtc::Get();
  if (nvrtc == nullptr) return absl::OkStatus();
  INGOT_ASSIGN_OR_RETURN(const codegen::CudaSource source, codegen::RenderCuda(module, target));
  INGOT_ASSIGN_OR_RETURN(const codegen::Cubin second, nvrtc->Compile(source.text, target.name));
  return WriteFile(absl::StrCat(folder, "/", group.name, ".nvrtc.cubin"), second);
}

absl::Status Run(const std::string& folder, const std::string& target_name) {
  INGOT_ASSIGN_OR_RETURN(const Target* target, FindTarget(target_name));
  for (const RowGroup& group : AllRowGroups(kCardWidths)) {
    INGOT_RETURN_IF_ERROR(Annotate(Write(folder, group, *target), group.name));
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace ingot::test

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: card_rows_write FOLDER TARGET\n");
    return 2;
  }
  const absl::Status status = ingot::test::Run(argv[1], argv[2]);
  if (!status.ok()) std::fprintf(stderr, "error: %s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
