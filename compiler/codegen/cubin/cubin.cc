#include "compiler/codegen/cubin/cubin.h"

#include "absl/strings/match.h"
#include "compiler/codegen/cubin/nvjitlink.h"
#include "compiler/codegen/cubin/ptxas.h"
#include "ir/base/status.h"
#include "ir/base/target.h"

namespace ingot::codegen {
namespace {

// nvJitLink may leave setmaxnreg out (C7503 to C7508): registers that a kernel counts on are not
// there.  It says so in its log alone.
absl::Status CheckNothingIsDropped(const Cubin& cubin) {
  for (const KernelReport& report : cubin.reports) {
    for (const std::string& notice : report.notices) {
      if (!absl::StrContains(notice, "'setmaxnreg' ignored")) continue;
      return Unimplemented("nvJitLink, kernel ", report.kernel, ": ", notice);
    }
  }
  return absl::OkStatus();
}

}  // namespace

AssemblerInfo FindAssembler() {
  // ptxas first: it needs fewer registers, as it knows that nothing is linked to the kernels.
  const std::string program = FindPtxas();
  if (!program.empty()) return {Assembler::kPtxas, program, ""};
  if (const NvJitLink* library = NvJitLink::Get()) {
    return {Assembler::kNvJitLink, library->path(), library->Version()};
  }
  return {};
}

absl::StatusOr<Cubin> PtxToCubin(absl::string_view ptx, absl::string_view architecture) {
  for (Assembler assembler : kAssemblers) {
    absl::StatusOr<Cubin> cubin = PtxToCubinWith(assembler, ptx, architecture);
    if (!absl::IsUnimplemented(cubin.status())) return cubin;
  }
  return PtxToCubinWith(Assembler::kNone, ptx, architecture);
}

absl::StatusOr<Cubin> PtxToCubinWith(Assembler assembler, absl::string_view ptx,
                                     absl::string_view architecture) {
  // nvJitLink ends the process at a name that it does not know.
  INGOT_ASSIGN_OR_RETURN(const Target* target, FindTarget(architecture));
  if (target->platform != Platform::kCuda) return InvalidArgument(architecture, " is not a GPU");
  switch (assembler) {
    case Assembler::kNvJitLink: {
      const NvJitLink* library = NvJitLink::Get();
      if (library == nullptr) return Unimplemented("nvJitLink was not found");
      INGOT_ASSIGN_OR_RETURN(Cubin cubin, library->Assemble(ptx, architecture));
      INGOT_RETURN_IF_ERROR(CheckNothingIsDropped(cubin));
      return cubin;
    }
    case Assembler::kPtxas: {
      const std::string program = FindPtxas();
      if (program.empty()) return Unimplemented("ptxas was not found");
      return RunPtxas(program, ptx, architecture);
    }
    case Assembler::kNvrtc:
      return Unimplemented("NVRTC takes CUDA C++, not PTX");
    case Assembler::kNone:
      break;
  }
  return Unimplemented(
      "neither libnvJitLink nor ptxas was found (CUDA_HOME, /usr/local/cuda): the program keeps "
      "its "
      "PTX, which the driver compiles when it is loaded");
}

}  // namespace ingot::codegen
