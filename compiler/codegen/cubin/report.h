// What an assembler says of each kernel: read from the log that ptxas -v writes, and nvJitLink when
// it is given -Xptxas=-v.
#ifndef INGOT_COMPILER_CODEGEN_CUBIN_REPORT_H_
#define INGOT_COMPILER_CODEGEN_CUBIN_REPORT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace ingot::codegen {

struct KernelReport {
  std::string kernel;  // the entry's name
  int registers = 0;   // of 32 bits, a thread
  int barriers = 0;    // of the 16 that a block has
  // Bytes of local memory a thread.
  int64_t stack_bytes = 0;
  // Bytes that spill instructions move a thread, each counted once wherever it stands.
  int64_t spill_store_bytes = 0;
  int64_t spill_load_bytes = 0;
  // Bytes a block, of allocations whose size is in the code; what a launch adds is not among them.
  int64_t shared_bytes = 0;
  // Lines that say none of this: warnings, and hints such as that wgmma is serialised.  A line that
  // names no kernel is in the report of each.
  std::vector<std::string> notices;

  bool spills() const { return spill_store_bytes > 0 || spill_load_bytes > 0; }
  // One line: "softmax: 24 registers, 2048 bytes shared", and a line for each notice.
  std::string ToString() const;
};

// One report for each kernel that the log speaks of, in the log's order.  Lines that are neither a
// resource nor "ptxas info : ..." of no interest are notices, so a log in another form loses no
// text.
std::vector<KernelReport> ParseAssemblerLog(absl::string_view log);

}  // namespace ingot::codegen

#endif  // INGOT_COMPILER_CODEGEN_CUBIN_REPORT_H_
