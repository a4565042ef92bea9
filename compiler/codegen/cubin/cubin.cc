#include "compiler/codegen/cubin/cubin.h"

#include "compiler/codegen/cubin/nvjitlink.h"
#include "compiler/codegen/cubin/ptxas.h"
#include "ir/base/status.h"
#include "ir/base/target.h"

namespace ingot::codegen {

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
  return PtxToCubinWith(FindAssembler().kind, ptx, architecture);
}

absl::StatusOr<Cubin> PtxToCubinWith(Assembler assembler, absl::string_view ptx,
                                     absl::string_view architecture) {
  // nvJitLink ends the process at a name that it does not know.
  INGOT_ASSIGN_OR_RETURN(const Target* target, FindTarget(architecture));
  if (target->platform != Platform::kCuda) return InvalidArgument(architecture, " is not a GPU");
  switch (assembler) {
    case Assembler::kNvJitLink:
      if (const NvJitLink* library = NvJitLink::Get()) return library->Assemble(ptx, architecture);
      return Unimplemented("nvJitLink was not found");
    case Assembler::kPtxas: {
      const std::string program = FindPtxas();
      if (program.empty()) return Unimplemented("ptxas was not found");
      return RunPtxas(program, ptx, architecture);
    }
    case Assembler::kNone:
      break;
  }
  return Unimplemented(
      "neither libnvJitLink nor ptxas was found (CUDA_HOME, /usr/local/cuda): the program keeps "
      "its "
      "PTX, which the driver compiles when it is loaded");
}

}  // namespace ingot::codegen
