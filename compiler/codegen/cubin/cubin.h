// PTX → cubin: machine code for one architecture, without a card.
//
// The program ptxas is looked for in $CUDA_HOME/bin, on the PATH and in /usr/local/cuda/bin; where
// it is absent, nvJitLink (CUDA 12 and 13) is opened from $CUDA_HOME/lib64, /usr/local/cuda/lib64
// or the library path.  Both say the same of a kernel; ptxas is asked first because it needs fewer
// registers: it knows that nothing is linked to the kernels.
#ifndef INGOT_COMPILER_CODEGEN_CUBIN_CUBIN_H_
#define INGOT_COMPILER_CODEGEN_CUBIN_CUBIN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "compiler/codegen/cubin/report.h"

namespace ingot::codegen {

struct Cubin {
  std::vector<uint8_t> bytes;
  std::vector<KernelReport> reports;  // of every kernel, in no order
};

// `architecture` as in targets.def: "sm_90a".  Thread-safe.
//
// Errors: InvalidArgument for an architecture that is no row there; Unimplemented where there is
// neither library nor program: store the PTX, the driver compiles it when the program is loaded.
// Internal, with the assembler's log, where the PTX is not accepted: PTX is ours.
absl::StatusOr<Cubin> PtxToCubin(absl::string_view ptx, absl::string_view architecture);

// kNvrtc takes CUDA C++ (compiler/codegen/cuda), not PTX.
enum class Assembler : uint8_t { kPtxas, kNvJitLink, kNvrtc, kNone };

// In the order in which they are asked.  ptxas knows that nothing is linked to the kernels;
// nvJitLink drops `setmaxnreg`; NVRTC has a compiler of its own before its assembler.
inline constexpr Assembler kAssemblers[] = {Assembler::kPtxas, Assembler::kNvJitLink,
                                            Assembler::kNvrtc};

// What PtxToCubin uses on this machine: ptxas, nvJitLink or none.
struct AssemblerInfo {
  Assembler kind = Assembler::kNone;
  std::string path;     // of the library or the program
  std::string version;  // "13.0"; empty where it is not known
};
AssemblerInfo FindAssembler();

// Assembles with one of them.  Unimplemented where it is not here, where it takes no PTX, and where
// nvJitLink has dropped an instruction, which its notices say.
absl::StatusOr<Cubin> PtxToCubinWith(Assembler assembler, absl::string_view ptx,
                                     absl::string_view architecture);

}  // namespace ingot::codegen

#endif  // INGOT_COMPILER_CODEGEN_CUBIN_CUBIN_H_
