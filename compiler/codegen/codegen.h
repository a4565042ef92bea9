// From kernels to a code module of a Program, whatever renders them.
#ifndef INGOT_COMPILER_CODEGEN_CODEGEN_H_
#define INGOT_COMPILER_CODEGEN_CODEGEN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "compiler/codegen/cubin/report.h"
#include "compiler/kernel/kernel.h"
#include "ir/base/target.h"
#include "runtime/program.h"

namespace ingot::codegen {

struct GeneratedModule {
  runtime::CodeModule code;
  std::vector<int64_t> dynamic_shared_bytes;  // that each kernel's launch must ask for
  // What the assembler says of each kernel, in order.  Empty where none was at hand, and for a
  // host.
  std::vector<KernelReport> reports;
  // Empty unless texts are kept (PTX is there in any case), and for a simulated GPU.
  std::string llvm;      // LLVM IR as it leaves the renderer
  std::string assembly;  // PTX, or the host's assembly
};

// Code for verified kernels: an ELF object for a host target; for a GPU a cubin where an assembler
// is at hand (compiler/codegen/cubin), else PTX, which the driver assembles when it loads the
// program; for a simulated GPU the text of the kernels.  Thread-safe.
// `keep_ptx`: a cubin has its PTX beside it.  The module has no name yet.
absl::StatusOr<GeneratedModule> Generate(const kernel::KernelModule& kernels, const Target& target,
                                         bool keep_texts, bool keep_ptx = false);

}  // namespace ingot::codegen

#endif  // INGOT_COMPILER_CODEGEN_CODEGEN_H_
