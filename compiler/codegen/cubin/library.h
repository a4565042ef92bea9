// Where NVIDIA's libraries are: they are opened at run time, so nothing of CUDA is needed to build.
#ifndef INGOT_COMPILER_CODEGEN_CUBIN_LIBRARY_H_
#define INGOT_COMPILER_CODEGEN_CUBIN_LIBRARY_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace ingot::codegen {

// Paths for dlopen, the best first: of libNAME.so.13 and .12 in $CUDA_HOME/lib64, on the library
// path and in /usr/local/cuda/lib64.
std::vector<std::string> CudaLibraryPaths(absl::string_view name);

}  // namespace ingot::codegen

#endif  // INGOT_COMPILER_CODEGEN_CUBIN_LIBRARY_H_
