// From kernels to a code module of a Program, whatever renders them.
#ifndef INGOT_COMPILER_CODEGEN_CODEGEN_H_
#define INGOT_COMPILER_CODEGEN_CODEGEN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "compiler/codegen/cubin/cubin.h"
#include "compiler/codegen/cubin/report.h"
#include "compiler/kernel/kernel.h"
#include "ir/base/target.h"
#include "runtime/program.h"

namespace ingot::codegen {

struct GenerateOptions {
  bool keep_texts = false;  // fill GeneratedModule's
  bool keep_ptx = false;    // a cubin has its PTX beside it
  // That may make a GPU's code, the best first.  NVRTC is given CUDA C++, the others LLVM's PTX.
  absl::Span<const Assembler> assemblers = kAssemblers;
};

struct GeneratedModule {
  runtime::CodeModule code;
  // Of each kernel, in order: its name in the code, and the dynamic shared memory that its launch
  // must ask for.
  std::vector<std::string> entries;
  std::vector<int64_t> dynamic_shared_bytes;
  // What the assembler says of each kernel, in order.  Empty where none was at hand, and for a
  // host.
  std::vector<KernelReport> reports;
  // Empty unless texts are kept (PTX is there in any case that LLVM wrote it), and for a simulated
  // GPU.
  std::string llvm;      // LLVM IR as it leaves the renderer; empty where NVRTC made the code
  std::string assembly;  // PTX, or the host's assembly
};

// Code for verified kernels: an ELF object for a host target; for a GPU the cubin of the first
// assembler that is here and takes the kernels, else PTX, which the driver assembles when it loads
// the program; for a simulated GPU the text of the kernels.  The module has no name yet.
// Thread-safe.
//
// Unimplemented, with what is missing, for a GPU that LLVM does not know where there is no NVRTC.
absl::StatusOr<GeneratedModule> Generate(const kernel::KernelModule& kernels, const Target& target,
                                         const GenerateOptions& options);

}  // namespace ingot::codegen

#endif  // INGOT_COMPILER_CODEGEN_CODEGEN_H_
