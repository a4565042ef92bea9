// Kernel IR → CUDA C++: the second renderer of a GPU, whose code a person can read, and which NVRTC
// compiles for cards that LLVM does not know.
//
// Arithmetic is IEEE, to the bit what compiler/kernel/README.md says, if the source is compiled as
// nvrtc.h does: nothing contracted, nothing flushed to zero.
#ifndef INGOT_COMPILER_CODEGEN_CUDA_CUDA_CODEGEN_H_
#define INGOT_COMPILER_CODEGEN_CUDA_CUDA_CODEGEN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "compiler/kernel/kernel.h"
#include "ir/base/target.h"

namespace ingot::codegen {

struct CudaSource {
  std::string text;  // complete: it includes nothing
  // Of each kernel, in order: the name of its entry, and the dynamic shared memory that its launch
  // must ask for, as PtxCode says.
  std::vector<std::string> entries;
  std::vector<int64_t> dynamic_shared_bytes;
};

// The entry of a kernel of that name, which may be a word of C++ or a function of CUDA.
std::string CudaEntryName(absl::string_view kernel);

// Each kernel is an entry with the parameters that CompileToPtx gives it.  Kernels are expected to
// be right (kernel::Verify).  Thread-safe.
//
// Errors: InvalidArgument for a target that is no GPU, for a kernel for another machine or with a
// name that C++ does not take.
absl::StatusOr<CudaSource> RenderCuda(const kernel::KernelModule& kernels, const Target& target);

}  // namespace ingot::codegen

#endif  // INGOT_COMPILER_CODEGEN_CUDA_CUDA_CODEGEN_H_
