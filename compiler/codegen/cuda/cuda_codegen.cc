#include "compiler/codegen/cuda/cuda_codegen.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "compiler/codegen/cuda/assembly.h"
#include "compiler/codegen/cuda/names.h"
#include "compiler/codegen/cuda/renderer.h"
#include "compiler/codegen/cuda/types.h"
#include "ir/base/status.h"

namespace ingot::codegen {
namespace {

absl::Status CheckKernel(const kernel::Kernel& kernel, const Target& target) {
  if (kernel.IsHost()) {
    return InvalidArgument("kernel ", kernel.name(), " is for the host, not for ", target.name);
  }
  const std::string& name = kernel.name();
  const auto is_of_word = [](char c) { return absl::ascii_isalnum(c) || c == '_'; };
  if (name.empty() || absl::ascii_isdigit(name[0]) ||
      !std::all_of(name.begin(), name.end(), is_of_word)) {
    return InvalidArgument("kernel ", name, ": this is no name of C++");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<CudaSource> RenderCuda(const kernel::KernelModule& kernels, const Target& target) {
  if (target.platform != Platform::kCuda) return InvalidArgument(target.name, " is not a GPU");
  CudaTypes types;
  CudaAssembly assembly(target.capability, &types);
  CudaSource source;
  std::string functions;
  for (const auto& kernel : kernels.kernels) {
    INGOT_RETURN_IF_ERROR(CheckKernel(*kernel, target));
    CudaRenderer renderer(*kernel, &types, &assembly);
    absl::StrAppend(&functions, "\n", renderer.Render());
    source.entries.push_back(CudaEntryName(kernel->name()));
    source.dynamic_shared_bytes.push_back(renderer.dynamic_shared_bytes());
  }
  source.text = absl::StrCat(CudaHead(), "\nnamespace kernel_ir {\n\n", types.Declarations(), "\n",
                             assembly.text(), functions, "\n}  // namespace kernel_ir\n");
  return source;
}

}  // namespace ingot::codegen
