// Writes every row × type as CUDA C++ that the host's compiler takes, for cuda_host_test:
// cuda_rows_write PART PARTS > FILE.cc
#include <cstdio>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "compiler/codegen/cuda/cuda_codegen.h"
#include "ir/base/status.h"
#include "tests/compiler/codegen/row_kernels.h"

namespace ingot::test {
namespace {

absl::Status Write(int part, int parts) {
  kernel::KernelModule module;
  int number = 0;
  for (const RowGroup& group : AllRowGroups(kCardWidths)) {
    if (number++ % parts != part) continue;
    for (const RowCase& row : group.rows) {
      const auto count = static_cast<int64_t>(Operands(row)[0].size());
      module.kernels.push_back(MakeKernel(row, kernel::Machine::kGpu, count));
    }
  }
  INGOT_ASSIGN_OR_RETURN(const Target* target, FindTarget("sm_90a"));
  INGOT_ASSIGN_OR_RETURN(const codegen::CudaSource source, codegen::RenderCuda(module, *target));
  std::string text = absl::StrCat("#include \"tests/compiler/codegen/cuda_host.h\"\n", source.text,
                                  "extern const CudaKernel kCudaKernels", part, "[] = {\n");
  for (size_t i = 0; i < module.kernels.size(); ++i) {
    absl::StrAppend(&text, "    {\"", module.kernels[i]->name(),
                    "\", reinterpret_cast<void*>(kernel_ir::", source.entries[i], ")},\n");
  }
  absl::StrAppend(&text, "    {nullptr, nullptr}};\n");
  std::fwrite(text.data(), 1, text.size(), stdout);
  return absl::OkStatus();
}

}  // namespace
}  // namespace ingot::test

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: cuda_rows_write PART PARTS\n");
    return 2;
  }
  const absl::Status status = ingot::test::Write(std::atoi(argv[1]), std::atoi(argv[2]));
  if (!status.ok()) std::fprintf(stderr, "error: %s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
