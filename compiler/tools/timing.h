// Runs of compiled programs on the clock, over buffers of the device.
#ifndef INGOT_COMPILER_TOOLS_TIMING_H_
#define INGOT_COMPILER_TOOLS_TIMING_H_

#include <chrono>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "ir/literal.h"
#include "runtime/executor.h"

namespace ingot::tools {

using Clock = std::chrono::steady_clock;
double MicrosecondsSince(Clock::time_point start);

// Requires: there is a value.
double Median(std::vector<double> values);

// Buffers on the device for a run: inputs filled, outputs of the right sizes.
struct BoundRun {
  std::vector<runtime::Buffer> buffers;
  std::vector<runtime::BufferView> inputs, outputs;
};

// Results that are aliased to inputs are in their memory.
absl::StatusOr<BoundRun> Bind(runtime::Executor& executor, absl::Span<const Literal> inputs);

// The median of runs for about `seconds`, at least five after two to warm up, in microseconds.
absl::StatusOr<double> MedianRun(runtime::Executor& executor, const BoundRun& run, double seconds,
                                 int64_t* runs);

// Microseconds a run where the next ones are started before it ends, as a program that serves many
// requests does: the median of batches, over about `seconds`.  The host runs one at a time:
// `latency_us`, which MedianRun says, is returned.
absl::StatusOr<double> SteadyRun(runtime::Executor& executor, const BoundRun& run, double seconds,
                                 double latency_us);

// Bytes a microsecond that the device copies, read and written counted: a program of one copy of
// 256 MB.
absl::StatusOr<double> CopyBandwidth(runtime::Device* device);

}  // namespace ingot::tools

#endif  // INGOT_COMPILER_TOOLS_TIMING_H_
