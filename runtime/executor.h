// Executor: runs a Program on a Device, many times, from many threads.
#ifndef INGOT_RUNTIME_EXECUTOR_H_
#define INGOT_RUNTIME_EXECUTOR_H_

#include <memory>
#include <mutex>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "ir/base/shape.h"
#include "runtime/device.h"
#include "runtime/program.h"

namespace ingot::runtime {

// An array in a device's memory that somebody else owns.  On the host any memory of the process
// that is aligned to kParameterAlignment will do.
struct BufferView {
  void* data = nullptr;
  Shape shape;
};

// An array in a device's memory, owned.
class Buffer {
 public:
  static absl::StatusOr<Buffer> Allocate(Device* device, const Shape& shape);
  // Allocates and copies in shape.ByteSize() bytes.
  static absl::StatusOr<Buffer> FromHost(Device* device, const Shape& shape, const void* data);
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;
  ~Buffer();

  const BufferView& view() const { return view_; }
  const Shape& shape() const { return view_.shape; }
  void* data() const { return view_.data; }
  absl::Status CopyIn(const void* source) const;  // shape().ByteSize() bytes
  absl::Status CopyOut(void* destination) const;

 private:
  Buffer(Device* device, BufferView view) : device_(device), view_(std::move(view)) {}
  Device* device_ = nullptr;
  BufferView view_;
};

struct RunOptions {
  void* stream = nullptr;      // as RunArguments::stream
  Profile* profile = nullptr;  // as RunArguments::profile
};

class Executor;
struct RunState;

// A run that has been started.  Its destructor waits.
class Execution {
 public:
  Execution(Execution&& other) noexcept;
  Execution& operator=(Execution&& other) noexcept;
  ~Execution();
  // Waits, and says how the run went; the first call does, later ones return OK.
  absl::Status Wait();
  bool IsDone() const;

 private:
  friend class Executor;
  Execution(Executor* executor, std::unique_ptr<RunState> state);
  Executor* executor_ = nullptr;
  std::unique_ptr<RunState> state_;  // null once waited for
};

// Thread-safe.  Outlives its Executions; the device outlives it.
class Executor {
 public:
  // Validates the program and loads it.
  static absl::StatusOr<std::unique_ptr<Executor>> Create(std::shared_ptr<const Program> program,
                                                          Device* device);
  ~Executor();

  const Program& program() const { return *program_; }
  Device* device() const { return device_; }

  // Checks number, element type, dimensions, layout (where both state one) and alignment of inputs
  // and outputs against the program, and that outputs overlap nothing but the input that they are
  // aliased to (InvalidArgument names the parameter and both shapes), then runs.  Start returns at
  // once; the memory stays the run's until Wait.  An arena comes from the pool of those not in use.
  absl::Status Run(absl::Span<const BufferView> inputs, absl::Span<const BufferView> outputs,
                   const RunOptions& options = {});
  absl::StatusOr<Execution> Start(absl::Span<const BufferView> inputs,
                                  absl::Span<const BufferView> outputs,
                                  const RunOptions& options = {});
  // Runs and returns fresh outputs.
  absl::StatusOr<std::vector<Buffer>> Run(absl::Span<const BufferView> inputs,
                                          const RunOptions& options = {});

 private:
  friend class Execution;
  Executor(std::shared_ptr<const Program> program, Device* device,
           std::unique_ptr<LoadedProgram> loaded);
  absl::StatusOr<std::unique_ptr<RunState>> TakeState();
  void GiveBack(std::unique_ptr<RunState> state);

  const std::shared_ptr<const Program> program_;
  Device* const device_;
  const std::unique_ptr<LoadedProgram> loaded_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<RunState>> idle_;  // guarded by mutex_
};

}  // namespace ingot::runtime

#endif  // INGOT_RUNTIME_EXECUTOR_H_
