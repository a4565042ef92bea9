// Instructions of an assembled kernel on the path that a warp takes, by nvdisasm.
#ifndef INGOT_TESTS_COMPILER_TOOLS_SASS_H_
#define INGOT_TESTS_COMPILER_TOOLS_SASS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace ingot::test {

// $INGOT_NVDISASM, or the program nvdisasm in $CUDA_HOME/bin, on the PATH or in
// /usr/local/cuda/bin; empty where it is nowhere.
std::string FindNvdisasm();

// The listing of a cubin (nvdisasm -c).
absl::StatusOr<std::string> Disassemble(const std::string& nvdisasm,
                                        const std::vector<uint8_t>& cubin);

// Instructions from the kernel's first to the EXIT or the loop's branch that ends it.  A branch
// forward over a call is taken: the call is the slow path of a division or a root.  `trips` are the
// times that the loops of the assembled kernel run whenever the loop around them does, in the order
// of their first instructions; where there are any, what else is branched over counts as done.
// nullopt for a kernel that has other loops, branches in any other way, or is not in the listing.
std::optional<double> PathLength(absl::string_view listing, absl::string_view kernel,
                                 absl::Span<const double> trips = {});

}  // namespace ingot::test

#endif  // INGOT_TESTS_COMPILER_TOOLS_SASS_H_
