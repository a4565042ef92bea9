// The program ptxas of the CUDA toolkit.
#ifndef INGOT_COMPILER_CODEGEN_CUBIN_PTXAS_H_
#define INGOT_COMPILER_CODEGEN_CUBIN_PTXAS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ingot::codegen {

// Its path; empty where there is none.
std::string FindPtxas();

absl::StatusOr<std::vector<uint8_t>> RunPtxas(const std::string& program, absl::string_view ptx,
                                              absl::string_view architecture);

}  // namespace ingot::codegen

#endif  // INGOT_COMPILER_CODEGEN_CUBIN_PTXAS_H_
