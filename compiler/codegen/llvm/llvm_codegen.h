// Kernel IR → machine code by LLVM: x86-64 objects for the host, PTX for the GPU.
//
// Arithmetic is IEEE, to the bit what compiler/kernel/README.md says, on both: nothing is
// contracted, reassociated or flushed to zero.  Host code calls nothing, not even memcpy.
//
// Kernels are expected to be right (kernel::Verify); each function may be called from several
// threads at once, and each call compiles its kernels one after another.
#ifndef INGOT_COMPILER_CODEGEN_LLVM_LLVM_CODEGEN_H_
#define INGOT_COMPILER_CODEGEN_LLVM_LLVM_CODEGEN_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "compiler/kernel/kernel.h"
#include "ir/base/target.h"

namespace ingot::codegen {

struct CodegenOptions {
  bool keep_texts = false;  // fill Texts; it costs a second run of LLVM's code generator
};

// What a person may want to see of the way; empty unless asked for.
struct Texts {
  std::string llvm;       // as rendered
  std::string optimized;  // as LLVM's code generator gets it
  std::string assembly;
};

struct HostCode {
  // A relocatable ELF object: position-independent, small code model, no undefined symbols.  Each
  // kernel is a global function of its name and of type runtime::HostKernel.
  std::string object;
  Texts texts;
};

// InvalidArgument for a target of another platform or a kernel for another machine; Unimplemented
// for what the target's instructions cannot do.
absl::StatusOr<HostCode> CompileForHost(const kernel::KernelModule& module, const Target& target,
                                        const CodegenOptions& options = {});

struct PtxCode {
  std::string ptx;
  // Of each kernel, in order: the dynamic shared memory that its launch must ask for.  Up to 48 KB
  // of shared allocations are static, more of them are dynamic; Launch::dynamic_shared_bytes is
  // added.
  std::vector<int64_t> dynamic_shared_bytes;
  Texts texts;  // no assembly: that is `ptx`
};

// Whether this LLVM has the target's processor.  CompileToPtx is for those that it has.
bool LlvmKnows(const Target& target);

// Each kernel is an entry of its name, its parameters in order: a buffer is a pointer, a scalar its
// value (pred as a byte).
absl::StatusOr<PtxCode> CompileToPtx(const kernel::KernelModule& module, const Target& target,
                                     const CodegenOptions& options = {});

// An object in this process's memory, through LLVM's ORC.
struct JitCode {
  std::vector<std::pair<std::string, void*>> functions;
  std::shared_ptr<const void> owner;  // the code is there as long as this is
};
absl::StatusOr<JitCode> LoadWithOrc(const HostCode& code, const kernel::KernelModule& module);

// "19.1.7".
absl::string_view LlvmVersion();

}  // namespace ingot::codegen

#endif  // INGOT_COMPILER_CODEGEN_LLVM_LLVM_CODEGEN_H_
