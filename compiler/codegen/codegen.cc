#include "compiler/codegen/codegen.h"

#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "compiler/codegen/cubin/cubin.h"
#include "compiler/codegen/llvm/llvm_codegen.h"
#include "ir/base/status.h"

namespace ingot::codegen {
namespace {

runtime::SharedBytes BytesOf(absl::string_view text) {
  return runtime::SharedBytes::Own(std::vector<uint8_t>(text.begin(), text.end()));
}

// Assemblers report in an order of their own.  A kernel that they are silent about has an empty
// report of its name.
std::vector<KernelReport> InOrder(const kernel::KernelModule& kernels,
                                  std::vector<KernelReport> reports) {
  absl::flat_hash_map<std::string, KernelReport> by_name;
  for (KernelReport& report : reports) by_name[report.kernel] = std::move(report);
  std::vector<KernelReport> ordered;
  for (const auto& kernel : kernels.kernels) {
    ordered.push_back(std::move(by_name[kernel->name()]));
    ordered.back().kernel = kernel->name();
  }
  return ordered;
}

absl::StatusOr<GeneratedModule> GenerateForHost(const kernel::KernelModule& kernels,
                                                const Target& target,
                                                const CodegenOptions& options) {
  INGOT_ASSIGN_OR_RETURN(HostCode code, CompileForHost(kernels, target, options));
  GeneratedModule module;
  module.code.format = runtime::CodeFormat::kElfObject;
  module.code.bytes = BytesOf(code.object);
  module.dynamic_shared_bytes.assign(kernels.kernels.size(), 0);
  module.llvm = std::move(code.texts.llvm);
  module.assembly = std::move(code.texts.assembly);
  return module;
}

GeneratedModule GenerateForSimulator(const kernel::KernelModule& kernels) {
  GeneratedModule module;
  module.code.format = runtime::CodeFormat::kKernelText;
  module.code.bytes = BytesOf(kernels.ToString());
  for (const auto& kernel : kernels.kernels) {
    module.dynamic_shared_bytes.push_back(kernel->launch().dynamic_shared_bytes);
  }
  return module;
}

absl::StatusOr<GeneratedModule> GenerateForCuda(const kernel::KernelModule& kernels,
                                                const Target& target, const CodegenOptions& options,
                                                bool keep_ptx) {
  INGOT_ASSIGN_OR_RETURN(PtxCode code, CompileToPtx(kernels, target, options));
  GeneratedModule module;
  absl::StatusOr<Cubin> cubin = PtxToCubin(code.ptx, target.name);
  if (cubin.ok()) {
    module.code.format = runtime::CodeFormat::kCubin;
    module.code.bytes = runtime::SharedBytes::Own(std::move(cubin->bytes));
    module.reports = InOrder(kernels, std::move(cubin->reports));
    if (keep_ptx) module.code.ptx = BytesOf(code.ptx);
  } else if (absl::IsUnimplemented(cubin.status())) {
    module.code.format = runtime::CodeFormat::kPtx;
    module.code.bytes = BytesOf(code.ptx);
  } else {
    return cubin.status();
  }
  module.dynamic_shared_bytes = std::move(code.dynamic_shared_bytes);
  module.llvm = std::move(code.texts.llvm);
  module.assembly = std::move(code.ptx);
  return module;
}

}  // namespace

absl::StatusOr<GeneratedModule> Generate(const kernel::KernelModule& kernels, const Target& target,
                                         bool keep_texts, bool keep_ptx) {
  CodegenOptions options;
  options.keep_texts = keep_texts;
  GeneratedModule module;
  if (target.simulated) {
    module = GenerateForSimulator(kernels);
  } else if (target.platform == Platform::kHost) {
    INGOT_ASSIGN_OR_RETURN(module, GenerateForHost(kernels, target, options));
  } else {
    INGOT_ASSIGN_OR_RETURN(module, GenerateForCuda(kernels, target, options, keep_ptx));
  }
  module.code.architecture = std::string(target.name);
  return module;
}

}  // namespace ingot::codegen
