// Device: where a Program runs.  runtime/host (a thread pool) and runtime/cuda (the driver, opened
// at run time); the compiler has a third kind, its simulator.  Most callers want
// runtime/executor.h, which sits on top.
#ifndef INGOT_RUNTIME_DEVICE_H_
#define INGOT_RUNTIME_DEVICE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "runtime/program.h"

namespace ingot::runtime {

struct DeviceProperties {
  std::string platform;      // "host", "cuda" or "sim", as Program::platform
  std::string name;          // "AMD EPYC 9654", "NVIDIA H200"
  std::string architecture;  // "x86_64-v4", "sm_90a"
  int64_t memory_bytes = 0;
  int32_t processors = 0;      // threads of the pool, or multiprocessors
  int32_t driver_version = 0;  // as Program::driver_version; 0 on the host
  int32_t ordinal = 0;         // which of the machine's cards
};

// Time of one executed command, in the order of execution.  Commands of a loop's body appear once
// for each trip, a library call that ran its fallback as the fallback's commands.
struct CommandTime {
  const Command* command = nullptr;
  int64_t nanoseconds = 0;
  int64_t start = 0;  // nanoseconds after the run began
};
using Profile = std::vector<CommandTime>;

// The addresses of one run, on the device.  Sizes have been checked by the caller (Executor).
struct RunArguments {
  absl::Span<void* const> inputs;
  absl::Span<void* const> outputs;
  // The device's own handle of the queue to run on (a CUstream), or null for the device's queue.
  // Runs on one queue start in the order of the calls.  The host has one queue and ignores it.
  void* stream = nullptr;
  // When set, commands run one at a time and their times are appended.  Lives until Wait returns.
  Profile* profile = nullptr;
};

// The working memory of one run at a time: arena, argument lists, events, instantiated graphs.
// Start allocates nothing once an instance has run.  Not for several threads at once.
class ProgramInstance {
 public:
  virtual ~ProgramInstance() = default;  // waits for the run that was started

  // Starts a run and returns.  Requires: the run before has been waited for.  The memory named by
  // `arguments` stays until Wait; the spans themselves need not.
  virtual absl::Status Start(const RunArguments& arguments) = 0;
  // Waits for the run that Start began, and says how it went.
  virtual absl::Status Wait() = 0;
  // Whether Wait would return at once.
  virtual bool IsDone() = 0;
  // Start and Wait; the host runs it on the calling thread when its queue is empty.
  virtual absl::Status Run(const RunArguments& arguments) = 0;
};

// A Program with its code and constants on a device.  Thread-safe.
class LoadedProgram {
 public:
  virtual ~LoadedProgram() = default;
  // Allocates the arena and whatever else a run needs.  Must not outlive the LoadedProgram.
  virtual absl::StatusOr<std::unique_ptr<ProgramInstance>> CreateInstance() = 0;
};

// Thread-safe.  Must outlive what it makes.
class Device {
 public:
  virtual ~Device() = default;

  virtual const DeviceProperties& properties() const = 0;

  // Memory aligned to kArenaAlignment; 0 bytes give an address too.  ResourceExhausted with the
  // number of bytes when there is none.
  virtual absl::StatusOr<void*> Allocate(int64_t bytes) = 0;
  virtual void Free(void* address) = 0;

  // Copies between the caller's memory and the device's; the caller's is free on return.  Ordered
  // with runs on `stream`, as RunArguments::stream.
  virtual absl::Status CopyIn(void* destination, const void* source, int64_t bytes,
                              void* stream = nullptr) = 0;
  virtual absl::Status CopyOut(void* destination, const void* source, int64_t bytes,
                               void* stream = nullptr) = 0;

  // Waits for everything that was started on `stream`.
  virtual absl::Status Synchronize(void* stream = nullptr) = 0;

  // How well the program's code fits: of the programs of one model the one of the highest number
  // makes the most of this device.  FailedPrecondition says in one sentence why it does not run
  // here.  Requires: Validate(program).
  virtual absl::StatusOr<int> Fit(const Program& program) const = 0;

  // Checks that the program fits, loads its code, resolves its kernels, and places its constants.
  // Requires: Validate(*program).
  virtual absl::StatusOr<std::unique_ptr<LoadedProgram>> Load(
      std::shared_ptr<const Program> program) = 0;
};

}  // namespace ingot::runtime

#endif  // INGOT_RUNTIME_DEVICE_H_
