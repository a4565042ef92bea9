// The simulator: runs a kernel on this processor as a GPU would, looks for faults, and measures.
//
//   std::vector<uint8_t> written(4096, 0);
//   Argument arguments[] = {Argument::Initialised(x, 4096), Argument::Fresh(y, 4096,
//   written.data())}; INGOT_ASSIGN_OR_RETURN(Report report, Simulate(kernel,
//   absl::MakeSpan(arguments), {})); INGOT_RETURN_IF_ERROR(report.status());
//
// Values are those of kernel/arithmetic.h, to the bit.  Warps run on their own, in an order that
// the seed gives; threads of one warp that take different branches run one branch after the other.
#ifndef INGOT_COMPILER_KERNEL_SIMULATOR_SIMULATOR_H_
#define INGOT_COMPILER_KERNEL_SIMULATOR_SIMULATOR_H_

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "compiler/kernel/kernel.h"
#include "compiler/kernel/simulator/report.h"
#include "ir/base/target.h"

namespace ingot::kernel::simulator {

// Contents of memory that exists only where it is touched: element i is an integer from `least` to
// `most`, a function of `stream` and i alone, converted to the buffer's type.
struct Contents {
  uint64_t stream = 0;
  int64_t least = 0;
  int64_t most = 0;
};

// The argument of one parameter; of a tensor map nothing, for it has the memory of its buffer.
struct Argument {
  // A buffer: memory of the caller, at least the parameter's bytes.
  void* data = nullptr;
  // One byte for each byte of `data`: 0 where nobody wrote yet.  Reads of such bytes are faults;
  // writes set them to 1.  Null: all is written.
  uint8_t* written = nullptr;
  // A buffer that exists only where it is touched, instead of `data`.  Writes to it are seen by
  // later reads of the same launch, and then forgotten.
  std::optional<Contents> contents;
  // A scalar: its bits.
  uint64_t bits = 0;

  static Argument Initialised(void* data) { return {data, nullptr, std::nullopt, 0}; }
  static Argument Fresh(void* data, uint8_t* written) { return {data, written, std::nullopt, 0}; }
  static Argument Virtual(Contents contents) { return {nullptr, nullptr, contents, 0}; }
  static Argument Scalar(uint64_t bits) { return {nullptr, nullptr, std::nullopt, bits}; }
};

struct Options {
  // How many blocks are resident at once, and the limits of the machine.  Null: 132
  // multiprocessors of 2,048 threads.
  const Target* target = nullptr;
  // Order of blocks, warps and lanes of atomics, and when asynchronous copies land.  Seed 0 starts
  // blocks in order and lands copies as late as their wait allows.
  uint64_t seed = 0;
  // Races, unwritten reads, copies in flight.  Bounds, alignment, divergence and deadlock are
  // looked for always.
  bool check = true;
  bool measure = true;  // sectors, bank conflicts, bytes in flight, instructions by unit
  // 0: all blocks run.  Else blocks 0, the last, and others spread evenly, until they have made
  // this many thread operations.  Races between blocks are not looked for then.
  int64_t sample_thread_operations = 0;
  // ResourceExhausted after this many.
  int64_t most_thread_operations = int64_t{1} << 42;
  int most_faults = 16;  // the launch ends there
};

// Runs `kernel`, which obeys the rules of each row and the verifier's (VerifyKernel) but those on
// uniformity, which are looked at as it runs.  The arguments are those of its parameters, in order.
// InvalidArgument: arguments that do not fit; ResourceExhausted: the budget.  Faults of the kernel
// are in the report, and the launch goes on after one where it can.
absl::StatusOr<Report> Simulate(const Kernel& kernel, absl::Span<const Argument> arguments,
                                const Options& options);

}  // namespace ingot::kernel::simulator

#endif  // INGOT_COMPILER_KERNEL_SIMULATOR_SIMULATOR_H_
