// From kernels to a code module of a Program, whatever renders them.
#ifndef INGOT_COMPILER_CODEGEN_CODEGEN_H_
#define INGOT_COMPILER_CODEGEN_CODEGEN_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "compiler/kernel/kernel.h"
#include "ir/base/target.h"
#include "runtime/program.h"

namespace ingot::codegen {

// Which texts to make along the way; each costs time.
struct TextRequest {
  bool llvm = false;
  bool assembly = false;
};

struct GeneratedModule {
  runtime::CodeModule code;
  std::string llvm;      // LLVM IR as it leaves the renderer; empty unless asked for
  std::string assembly;  // PTX or the host's assembly; empty unless asked for
};

// Code for verified kernels: an ELF object for a host target; for a GPU a cubin where an assembler
// is at hand (compiler/codegen/cubin), else PTX, which the driver assembles when it loads the
// program.  Thread-safe.
absl::StatusOr<GeneratedModule> Generate(const kernel::KernelModule& kernels, const Target& target,
                                         absl::string_view name, const TextRequest& wanted);

}  // namespace ingot::codegen

#endif  // INGOT_COMPILER_CODEGEN_CODEGEN_H_
