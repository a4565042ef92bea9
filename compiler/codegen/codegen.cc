#include "compiler/codegen/codegen.h"

#include <memory>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "compiler/codegen/cubin/ptxas.h"
#include "compiler/codegen/cuda/cuda_codegen.h"
#include "compiler/codegen/cuda/nvrtc.h"
#include "compiler/codegen/llvm/llvm_codegen.h"
#include "ir/base/status.h"

namespace ingot::codegen {
namespace {

runtime::SharedBytes BytesOf(absl::string_view text) {
  return runtime::SharedBytes::Own(std::vector<uint8_t>(text.begin(), text.end()));
}

// Assemblers report of entries, in an order of their own.  A kernel that they are silent about has
// an empty report of its name.
std::vector<KernelReport> InOrder(const kernel::KernelModule& kernels,
                                  const std::vector<std::string>& entries,
                                  std::vector<KernelReport> reports) {
  absl::flat_hash_map<std::string, KernelReport> by_name;
  for (KernelReport& report : reports) by_name[report.kernel] = std::move(report);
  std::vector<KernelReport> ordered;
  for (size_t i = 0; i < entries.size(); ++i) {
    ordered.push_back(std::move(by_name[entries[i]]));
    ordered.back().kernel = kernels.kernels[i]->name();
  }
  return ordered;
}

std::vector<std::string> NamesOf(const kernel::KernelModule& kernels) {
  std::vector<std::string> names;
  for (const auto& kernel : kernels.kernels) names.push_back(kernel->name());
  return names;
}

absl::StatusOr<GeneratedModule> GenerateForHost(const kernel::KernelModule& kernels,
                                                const Target& target,
                                                const CodegenOptions& options) {
  INGOT_ASSIGN_OR_RETURN(HostCode code, CompileForHost(kernels, target, options));
  GeneratedModule module;
  module.code.format = runtime::CodeFormat::kElfObject;
  module.code.bytes = BytesOf(code.object);
  module.entries = NamesOf(kernels);
  module.dynamic_shared_bytes.assign(kernels.kernels.size(), 0);
  module.llvm = std::move(code.texts.llvm);
  module.assembly = std::move(code.texts.assembly);
  return module;
}

GeneratedModule GenerateForSimulator(const kernel::KernelModule& kernels) {
  GeneratedModule module;
  module.code.format = runtime::CodeFormat::kKernelText;
  module.code.bytes = BytesOf(kernels.ToString());
  module.entries = NamesOf(kernels);
  for (const auto& kernel : kernels.kernels) {
    module.dynamic_shared_bytes.push_back(kernel->launch().dynamic_shared_bytes);
  }
  return module;
}

// One module for a GPU, by whichever assembler takes it.
class GpuGenerator {
 public:
  GpuGenerator(const kernel::KernelModule& kernels, const Target& target,
               const GenerateOptions& options)
      : kernels_(kernels), target_(target), options_(options) {}

  absl::StatusOr<GeneratedModule> Run() {
    absl::Status missing = Unimplemented("no assembler was named");
    bool asks_llvm = false;
    for (Assembler assembler : options_.assemblers) {
      asks_llvm |= assembler != Assembler::kNvrtc;
      absl::StatusOr<GeneratedModule> module =
          assembler == Assembler::kNvrtc ? ByNvrtc() : ByLlvm(assembler);
      if (!absl::IsUnimplemented(module.status())) return module;
      missing = module.status();
    }
    if (!asks_llvm) return missing;
    // The driver compiles it when it loads the program.
    absl::StatusOr<GeneratedModule> ptx = ByLlvm(Assembler::kNone);
    return absl::IsUnimplemented(ptx.status()) ? missing : std::move(ptx);
  }

 private:
  absl::StatusOr<GeneratedModule> ByNvrtc() const {
    const Nvrtc* nvrtc = Nvrtc::Get();
    if (nvrtc == nullptr) {
      return Unimplemented("libnvrtc was not found (CUDA_HOME, the library path, /usr/local/cuda)",
                           LlvmKnows(target_) ? "" : ", and LLVM does not know ",
                           LlvmKnows(target_) ? "" : target_.name);
    }
    INGOT_ASSIGN_OR_RETURN(CudaSource source, RenderCuda(kernels_, target_));
    INGOT_ASSIGN_OR_RETURN(Cubin cubin, nvrtc->Compile(source.text, target_.name));
    GeneratedModule module = OfCubin(std::move(cubin), source.entries);
    if (options_.keep_texts || options_.keep_ptx) {
      INGOT_ASSIGN_OR_RETURN(module.assembly, nvrtc->CompileToPtx(source.text, target_.name));
    }
    if (options_.keep_ptx) module.code.ptx = BytesOf(module.assembly);
    module.entries = std::move(source.entries);
    module.dynamic_shared_bytes = std::move(source.dynamic_shared_bytes);
    return module;
  }

  // kNone: PTX as it is.
  absl::StatusOr<GeneratedModule> ByLlvm(Assembler assembler) {
    std::unique_ptr<WaitingPtxas> ptxas;
    if (!ptx_.has_value()) {
      if (assembler == Assembler::kPtxas) ptxas = WaitingPtxas::Start(target_.name);
      CodegenOptions options;
      options.keep_texts = options_.keep_texts;
      ptx_ = CompileToPtx(kernels_, target_, options);
    }
    INGOT_RETURN_IF_ERROR(ptx_->status());
    const PtxCode& code = **ptx_;
    GeneratedModule module;
    if (assembler == Assembler::kNone) {
      module.code.format = runtime::CodeFormat::kPtx;
      module.code.bytes = BytesOf(code.ptx);
    } else {
      INGOT_ASSIGN_OR_RETURN(Cubin cubin, Assemble(assembler, code.ptx, ptxas.get()));
      module = OfCubin(std::move(cubin), NamesOf(kernels_));
      if (options_.keep_ptx) module.code.ptx = BytesOf(code.ptx);
    }
    module.entries = NamesOf(kernels_);
    module.dynamic_shared_bytes = code.dynamic_shared_bytes;
    module.llvm = code.texts.llvm;
    module.assembly = code.ptx;
    return module;
  }

  // By the ptxas that waits, if any; where it fails, anew, for the error.
  absl::StatusOr<Cubin> Assemble(Assembler assembler, const std::string& ptx,
                                 WaitingPtxas* waiting) const {
    if (waiting != nullptr) {
      absl::StatusOr<Cubin> cubin = waiting->Assemble(ptx);
      if (cubin.ok()) return cubin;
    }
    return PtxToCubinWith(assembler, ptx, target_.name);
  }

  GeneratedModule OfCubin(Cubin cubin, const std::vector<std::string>& entries) const {
    GeneratedModule module;
    module.code.format = runtime::CodeFormat::kCubin;
    module.code.bytes = runtime::SharedBytes::Own(std::move(cubin.bytes));
    module.reports = InOrder(kernels_, entries, std::move(cubin.reports));
    return module;
  }

  const kernel::KernelModule& kernels_;
  const Target& target_;
  const GenerateOptions& options_;
  std::optional<absl::StatusOr<PtxCode>> ptx_;
};

}  // namespace

absl::StatusOr<GeneratedModule> Generate(const kernel::KernelModule& kernels, const Target& target,
                                         const GenerateOptions& options) {
  GeneratedModule module;
  if (target.simulated) {
    module = GenerateForSimulator(kernels);
  } else if (target.platform == Platform::kHost) {
    CodegenOptions host;
    host.keep_texts = options.keep_texts;
    INGOT_ASSIGN_OR_RETURN(module, GenerateForHost(kernels, target, host));
  } else {
    INGOT_ASSIGN_OR_RETURN(module, GpuGenerator(kernels, target, options).Run());
  }
  module.code.architecture = std::string(target.name);
  return module;
}

}  // namespace ingot::codegen
