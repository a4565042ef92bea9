// What launches cost on a card, of compiled files: from the file to the first result, many runs
// that are waited for once beside the time between events around them, and runs that are waited
// for.
//
//   card_launch_run FILE.ingot...
//
// A line for each file; exit status 1 when one does not run.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "ir/base/element_type.h"
#include "ir/base/status.h"
#include "runtime/choice.h"
#include "runtime/cuda/cuda_device.h"
#include "runtime/cuda/driver.h"
#include "runtime/executor.h"
#include "runtime/ingot_file.h"

namespace ingot::runtime {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kRuns = 100;

double MicrosecondsSince(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// Small numbers of every type, not all alike: integers from 0 to 4, floats of some bits at 1.
std::vector<uint8_t> Values(const Shape& shape) {
  const int width = std::max(1, ByteWidth(shape.element_type()));
  std::vector<uint8_t> bytes(shape.ByteSize());
  for (size_t i = 0; i < bytes.size(); ++i) {
    const size_t element = i / width, byte = i % width;
    const bool last = byte + 1 == static_cast<size_t>(width);
    if (IsFloat(shape.element_type())) {
      bytes[i] = last ? 0x3e : static_cast<uint8_t>(element * 0x9e3779b1u >> 24);
    } else {
      bytes[i] = byte == 0 ? element % (width == 1 ? 2 : 5) : 0;
    }
  }
  return bytes;
}

struct Bound {
  std::vector<Buffer> buffers;
  std::vector<BufferView> inputs, outputs;
};

absl::StatusOr<Bound> Bind(Device* device, const Program& program) {
  Bound bound;
  for (const Input& input : program.inputs) {
    const std::vector<uint8_t> bytes = Values(input.shape);
    INGOT_ASSIGN_OR_RETURN(Buffer buffer, Buffer::FromHost(device, input.shape, bytes.data()));
    bound.inputs.push_back(buffer.view());
    bound.buffers.push_back(std::move(buffer));
  }
  for (const Output& output : program.outputs) {
    INGOT_ASSIGN_OR_RETURN(Buffer buffer, Buffer::Allocate(device, output.shape));
    bound.outputs.push_back(buffer.view());
    bound.buffers.push_back(std::move(buffer));
  }
  return bound;
}

struct Launches {
  double wall = 0, events = 0, waited = 0;  // microseconds a run
};

absl::StatusOr<Launches> TimeLaunches(const cuda::Driver& driver, Executor& executor,
                                      const Bound& bound) {
  cuda::CUstream stream = nullptr;
  cuda::CUevent begin = nullptr, end = nullptr;
  constexpr unsigned kNonBlocking = 1;
  INGOT_CUDA_RETURN_IF_ERROR(driver, cuStreamCreate(&stream, kNonBlocking));
  INGOT_CUDA_RETURN_IF_ERROR(driver, cuEventCreate(&begin, 0));
  INGOT_CUDA_RETURN_IF_ERROR(driver, cuEventCreate(&end, 0));
  RunOptions options;
  options.stream = stream;
  std::vector<double> walls, events, waits;
  for (int round = 0; round < 6; ++round) {
    std::vector<Execution> executions;
    const Clock::time_point start = Clock::now();
    INGOT_CUDA_RETURN_IF_ERROR(driver, cuEventRecord(begin, stream));
    for (int i = 0; i < kRuns; ++i) {
      INGOT_ASSIGN_OR_RETURN(Execution run, executor.Start(bound.inputs, bound.outputs, options));
      executions.push_back(std::move(run));
    }
    INGOT_CUDA_RETURN_IF_ERROR(driver, cuEventRecord(end, stream));
    INGOT_RETURN_IF_ERROR(executions.back().Wait());
    const double wall = MicrosecondsSince(start) / kRuns;
    for (Execution& run : executions) INGOT_RETURN_IF_ERROR(run.Wait());
    float milliseconds = 0;
    INGOT_CUDA_RETURN_IF_ERROR(driver, cuEventSynchronize(end));
    INGOT_CUDA_RETURN_IF_ERROR(driver, cuEventElapsedTime(&milliseconds, begin, end));
    if (round == 0) continue;  // makes the states of so many runs
    walls.push_back(wall);
    events.push_back(milliseconds * 1e3 / kRuns);
  }
  for (int i = 0; i < kRuns; ++i) {
    const Clock::time_point start = Clock::now();
    INGOT_RETURN_IF_ERROR(executor.Run(bound.inputs, bound.outputs, options));
    waits.push_back(MicrosecondsSince(start));
  }
  return Launches{Median(walls), Median(events), Median(waits)};
}

// Makes the card's context this thread's, in which the events are.
absl::Status EnterContext(const cuda::Driver& driver) {
  cuda::CUdevice device = 0;
  cuda::CUcontext context = nullptr;
  INGOT_CUDA_RETURN_IF_ERROR(driver, cuDeviceGet(&device, 0));
  INGOT_CUDA_RETURN_IF_ERROR(driver, cuDevicePrimaryCtxRetain(&context, device));
  INGOT_CUDA_RETURN_IF_ERROR(driver, cuCtxPushCurrent_v2(context));
  return absl::OkStatus();
}

absl::Status Measure(const cuda::Driver& driver, Device* device, const std::string& path) {
  const Clock::time_point start = Clock::now();
  INGOT_ASSIGN_OR_RETURN(std::vector<Program> programs, LoadPrograms(path));
  INGOT_ASSIGN_OR_RETURN(const size_t choice, ChooseProgram(programs, *device));
  const auto program = std::make_shared<const Program>(std::move(programs[choice]));
  INGOT_ASSIGN_OR_RETURN(const std::unique_ptr<Executor> executor,
                         Executor::Create(program, device));
  const double load = MicrosecondsSince(start);
  INGOT_ASSIGN_OR_RETURN(const Bound bound, Bind(device, *program));
  const Clock::time_point first = Clock::now();
  INGOT_RETURN_IF_ERROR(executor->Run(bound.inputs, bound.outputs));
  const double run = MicrosecondsSince(first);
  INGOT_ASSIGN_OR_RETURN(const Launches launches, TimeLaunches(driver, *executor, bound));
  std::printf(
      "%-36s load %8.2f ms, first run %8.2f ms; of %d runs %9.2f us each, by events %9.2f "
      "(+%.2f us, x%.3f); waited for %9.2f (+%.2f)\n",
      path.substr(path.rfind('/') + 1).c_str(), load / 1e3, run / 1e3, kRuns, launches.wall,
      launches.events, launches.wall - launches.events, launches.wall / launches.events,
      launches.waited, launches.waited - launches.wall);
  return absl::OkStatus();
}

int Run(int count, char** paths) {
  const Clock::time_point start = Clock::now();
  auto device = CreateCudaDevice();
  const auto driver = cuda::OpenDriver();
  if (!device.ok() || !driver.ok()) {
    const absl::Status& status = device.ok() ? driver.status() : device.status();
    std::printf("error: %s\n", std::string(status.message()).c_str());
    return 1;
  }
  std::printf("context %.1f ms\n", MicrosecondsSince(start) / 1e3);
  if (const absl::Status entered = EnterContext(**driver); !entered.ok()) {
    std::printf("error: %s\n", std::string(entered.message()).c_str());
    return 1;
  }
  int failed = 0;
  for (int i = 0; i < count; ++i) {
    const absl::Status status = Measure(**driver, device->get(), paths[i]);
    if (status.ok()) continue;
    std::printf("FAILED %s: %s\n", paths[i], std::string(status.message()).c_str());
    failed = 1;
  }
  return failed;
}

}  // namespace
}  // namespace ingot::runtime

int main(int count, char** arguments) { return ingot::runtime::Run(count - 1, arguments + 1); }
