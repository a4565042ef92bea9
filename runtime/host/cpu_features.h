// What this CPU can do, against what a module of code needs.
#ifndef INGOT_RUNTIME_HOST_CPU_FEATURES_H_
#define INGOT_RUNTIME_HOST_CPU_FEATURES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace ingot::runtime {

// The highest psABI level that this CPU and its operating system provide: "x86_64-v3".
std::string HostArchitecture();

// "AMD EPYC 9654": as the processor calls itself.
std::string HostProcessorName();

// OK when code for `architecture` ("x86_64-v1" to "x86_64-v4", or "host": this very machine) with
// `features` beyond it runs here; otherwise FailedPrecondition: "the code needs a x86_64-v4 CPU;
// AMD EPYC 7543 is x86_64-v3 and lacks avx512f, avx512bw".
absl::Status CheckCpu(absl::string_view architecture, const std::vector<std::string>& features);

}  // namespace ingot::runtime

#endif  // INGOT_RUNTIME_HOST_CPU_FEATURES_H_
