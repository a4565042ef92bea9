#include "compiler/tools/timing.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "compiler/executable.h"
#include "compiler/tools/random_inputs.h"
#include "ir/base/status.h"

namespace ingot::tools {

double MicrosecondsSince(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

absl::StatusOr<BoundRun> Bind(runtime::Executor& executor, absl::Span<const Literal> inputs) {
  BoundRun run;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Shape& shape = executor.program().inputs[i].shape;
    const Literal physical = ToLayout(inputs[i], shape.LayoutOrDefault());
    INGOT_ASSIGN_OR_RETURN(
        auto buffer, runtime::Buffer::FromHost(executor.device(), shape, physical.bytes().data()));
    run.inputs.push_back(buffer.view());
    run.buffers.push_back(std::move(buffer));
  }
  for (const runtime::Output& output : executor.program().outputs) {
    if (output.aliased_input >= 0) {
      run.outputs.push_back({run.inputs[output.aliased_input].data, output.shape});
      continue;
    }
    INGOT_ASSIGN_OR_RETURN(auto buffer, runtime::Buffer::Allocate(executor.device(), output.shape));
    run.outputs.push_back(buffer.view());
    run.buffers.push_back(std::move(buffer));
  }
  return run;
}

absl::StatusOr<double> MedianRun(runtime::Executor& executor, const BoundRun& run, double seconds,
                                 int64_t* runs) {
  std::vector<double> times;
  const Clock::time_point start = Clock::now();
  for (int64_t i = 0; i < 7 || MicrosecondsSince(start) < seconds * 1e6; ++i) {
    const Clock::time_point begin = Clock::now();
    INGOT_RETURN_IF_ERROR(executor.Run(run.inputs, run.outputs));
    if (i >= 2) times.push_back(MicrosecondsSince(begin));
  }
  *runs = static_cast<int64_t>(times.size());
  return Median(std::move(times));
}

absl::StatusOr<double> SteadyRun(runtime::Executor& executor, const BoundRun& run, double seconds,
                                 double latency_us) {
  constexpr size_t kInFlight = 4;
  constexpr double kBatchMicroseconds = 20000;
  if (executor.device()->properties().platform == "host") return latency_us;
  const int64_t batch =
      std::clamp<int64_t>(static_cast<int64_t>(kBatchMicroseconds / latency_us), 4, 256);
  std::vector<double> times;
  const Clock::time_point start = Clock::now();
  while (times.size() < 3 || MicrosecondsSince(start) < seconds * 1e6) {
    const Clock::time_point begin = Clock::now();
    std::deque<runtime::Execution> executions;
    for (int64_t i = 0; i < batch; ++i) {
      if (executions.size() == kInFlight) {
        INGOT_RETURN_IF_ERROR(executions.front().Wait());
        executions.pop_front();
      }
      INGOT_ASSIGN_OR_RETURN(auto execution, executor.Start(run.inputs, run.outputs));
      executions.push_back(std::move(execution));
    }
    for (runtime::Execution& execution : executions) INGOT_RETURN_IF_ERROR(execution.Wait());
    times.push_back(MicrosecondsSince(begin) / static_cast<double>(batch));
  }
  return Median(std::move(times));
}

absl::StatusOr<double> CopyBandwidth(runtime::Device* device) {
  constexpr int64_t kBytes = int64_t{256} << 20;
  auto program = std::make_shared<runtime::Program>();
  program->platform = device->properties().platform;
  const Shape shape = Shape::ArrayWithDefaultLayout(ElementType::kU8, {kBytes});
  program->inputs.push_back({"from", shape});
  program->outputs.push_back({"to", shape});
  program->commands.push_back(
      {"copy", runtime::Copy{{runtime::Allocation::kInput, 0, 0, kBytes},
                             {runtime::Allocation::kOutput, 0, 0, kBytes}}});
  INGOT_ASSIGN_OR_RETURN(auto executor, runtime::Executor::Create(program, device));
  INGOT_ASSIGN_OR_RETURN(const std::vector<Literal> inputs, RandomInputs(1, program->inputs));
  INGOT_ASSIGN_OR_RETURN(const BoundRun run, Bind(*executor, inputs));
  int64_t runs;
  INGOT_ASSIGN_OR_RETURN(const double time, MedianRun(*executor, run, 0.2, &runs));
  return 2.0 * kBytes / time;
}

}  // namespace ingot::tools
