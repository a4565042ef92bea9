// The metadata section: a Program without its code and constants, as a FlatBuffer (program.fbs).
#ifndef INGOT_RUNTIME_METADATA_H_
#define INGOT_RUNTIME_METADATA_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "runtime/program.h"

namespace ingot::runtime {

// Where the bytes of modules and constants are: numbers in the section table.
struct SectionNumbers {
  std::vector<uint32_t> modules;
  std::vector<uint32_t> ptx;  // of each module; 0: it has none
  std::vector<uint32_t> constants;
};

// Requires: modules, PTX and constants of `numbers` are as many as the program's; no kFunctions
// module.
std::vector<uint8_t> WriteMetadata(const Program& program, const SectionNumbers& numbers);

// Fills everything but the bytes of modules and constants.  `bytes` are not trusted: what comes
// back is bounded by their size, and well-formed, but not yet Validated.  Requires: `bytes` are
// aligned to 16.
absl::StatusOr<Program> ReadMetadata(absl::Span<const uint8_t> bytes, SectionNumbers& numbers);

}  // namespace ingot::runtime

#endif  // INGOT_RUNTIME_METADATA_H_
