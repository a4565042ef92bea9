// The program ptxas of the CUDA toolkit.
#ifndef INGOT_COMPILER_CODEGEN_CUBIN_PTXAS_H_
#define INGOT_COMPILER_CODEGEN_CUBIN_PTXAS_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "compiler/codegen/cubin/cubin.h"

namespace ingot::codegen {

// Its path; empty where there is none.
std::string FindPtxas();

absl::StatusOr<Cubin> RunPtxas(const std::string& program, absl::string_view ptx,
                               absl::string_view architecture);

}  // namespace ingot::codegen

#endif  // INGOT_COMPILER_CODEGEN_CUBIN_PTXAS_H_
