// Names of values of kernel IR as identifiers of CUDA C++.
#ifndef INGOT_COMPILER_CODEGEN_CUDA_NAMES_H_
#define INGOT_COMPILER_CODEGEN_CUDA_NAMES_H_

#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"

namespace ingot::codegen {

// elements.h, rows.h and memory.h: what every source begins with.
absl::string_view CudaHead();

// `row` as the head names it: words of C++ have a line behind them (not_).
std::string CudaRow(absl::string_view row);

// Identifiers of one kernel.
class CudaNames {
 public:
  // `wanted` with what C++ cannot hold replaced, and made unlike all others that were given, the
  // words of C++, and types and functions that sources use; a numbered one where nothing is wanted.
  std::string Unique(absl::string_view wanted);

 private:
  absl::flat_hash_set<std::string> used_;
  absl::flat_hash_map<std::string, int> suffixes_;
  int next_number_ = 0;
};

}  // namespace ingot::codegen

#endif  // INGOT_COMPILER_CODEGEN_CUDA_NAMES_H_
