#include "runtime/executor.h"

#include <algorithm>
#include <utility>

#include "ir/base/check.h"
#include "ir/base/status.h"

namespace ingot::runtime {

// What one run at a time uses, kept for the next one.
struct RunState {
  std::unique_ptr<ProgramInstance> instance;
  std::vector<void*> inputs, outputs;
  std::vector<int64_t> input_bytes, output_bytes;  // by the program
  // For CheckOverlap: the inputs that are their outputs' memory, and the memory of outputs.
  std::vector<uint8_t> donated;
  struct Range {
    uintptr_t begin, end;
    int32_t output;
  };
  std::vector<Range> ranges;
};

namespace {

absl::Status CheckOne(absl::string_view role, size_t index, absl::string_view name,
                      const Shape& expected, int64_t bytes, const BufferView& actual) {
  const auto what = [&] { return absl::StrCat(role, " ", index, " '", name, "'"); };
  const auto same_layout = [&] {
    return !expected.layout().has_value() || !actual.shape.layout().has_value() ||
           expected.layout()->minor_to_major == actual.shape.layout()->minor_to_major;
  };
  if (!Shape::SameIgnoringLayout(expected, actual.shape) || !same_layout()) {
    return InvalidArgument(what(), ": the program takes ", expected.ToString(), ", not ",
                           actual.shape.ToString());
  }
  if (bytes == 0) return absl::OkStatus();
  if (actual.data == nullptr) return InvalidArgument(what(), ": no memory given");
  if (reinterpret_cast<uintptr_t>(actual.data) % kParameterAlignment != 0) {
    return InvalidArgument(what(), ": its address is not a multiple of ", kParameterAlignment);
  }
  return absl::OkStatus();
}

// `list` is the program's inputs or outputs.
template <typename List>
absl::Status CheckAll(absl::string_view role, const List& list, absl::Span<const int64_t> bytes,
                      absl::Span<const BufferView> actual) {
  if (list.size() != actual.size()) {
    return InvalidArgument("the program has ", list.size(), " ", role, "s, and ", actual.size(),
                           " were given");
  }
  for (size_t i = 0; i < list.size(); ++i) {
    INGOT_RETURN_IF_ERROR(CheckOne(role, i, list[i].name, list[i].shape, bytes[i], actual[i]));
  }
  return absl::OkStatus();
}

// Outputs may overlap nothing, but be the very memory of the input that they are aliased to.  O((n
// + m) log m) for n inputs and m outputs.
absl::Status CheckOverlap(const Program& program, RunState& state) {
  using Range = RunState::Range;
  const auto output = [&](const Range& range) {
    return absl::StrCat("output ", range.output, " '", program.outputs[range.output].name, "'");
  };
  state.ranges.clear();
  state.donated.assign(state.inputs.size(), false);
  for (size_t i = 0; i < state.outputs.size(); ++i) {
    const int32_t alias = program.outputs[i].aliased_input;
    if (alias >= 0 && state.inputs[alias] == state.outputs[i]) state.donated[alias] = true;
    const auto begin = reinterpret_cast<uintptr_t>(state.outputs[i]);
    if (state.output_bytes[i] == 0) continue;
    state.ranges.push_back({begin, begin + state.output_bytes[i], static_cast<int32_t>(i)});
  }
  std::sort(state.ranges.begin(), state.ranges.end(),
            [](const Range& a, const Range& b) { return a.begin < b.begin; });
  for (size_t i = 1; i < state.ranges.size(); ++i) {
    const Range &one = state.ranges[i - 1], &next = state.ranges[i];
    if (one.end <= next.begin) continue;
    return InvalidArgument(output(one), " and ", output(next), " overlap in memory");
  }
  for (size_t i = 0; i < state.inputs.size(); ++i) {
    if (state.donated[i] || state.input_bytes[i] == 0) continue;
    const auto begin = reinterpret_cast<uintptr_t>(state.inputs[i]);
    // The first that ends behind where the input begins.
    const auto range =
        std::upper_bound(state.ranges.begin(), state.ranges.end(), begin,
                         [](uintptr_t at, const Range& one) { return at < one.end; });
    if (range == state.ranges.end() || range->begin >= begin + state.input_bytes[i]) continue;
    return InvalidArgument("input ", i, " '", program.inputs[i].name, "' and ", output(*range),
                           " overlap in memory");
  }
  return absl::OkStatus();
}

absl::Status Prepare(const Program& program, absl::Span<const BufferView> inputs,
                     absl::Span<const BufferView> outputs, RunState& state) {
  INGOT_RETURN_IF_ERROR(CheckAll("input", program.inputs, state.input_bytes, inputs));
  INGOT_RETURN_IF_ERROR(CheckAll("output", program.outputs, state.output_bytes, outputs));
  state.inputs.clear();
  for (const BufferView& view : inputs) state.inputs.push_back(view.data);
  state.outputs.clear();
  for (const BufferView& view : outputs) state.outputs.push_back(view.data);
  return CheckOverlap(program, state);
}

RunArguments ArgumentsOf(const RunState& state, const RunOptions& options) {
  return {state.inputs, state.outputs, options.stream, options.profile};
}

}  // namespace

absl::StatusOr<Buffer> Buffer::Allocate(Device* device, const Shape& shape) {
  INGOT_ASSIGN_OR_RETURN(void* const data, device->Allocate(shape.ByteSize()));
  return Buffer(device, {data, shape});
}

absl::StatusOr<Buffer> Buffer::FromHost(Device* device, const Shape& shape, const void* data) {
  INGOT_ASSIGN_OR_RETURN(Buffer buffer, Allocate(device, shape));
  INGOT_RETURN_IF_ERROR(buffer.CopyIn(data));
  return buffer;
}

Buffer::Buffer(Buffer&& other) noexcept
    : device_(std::exchange(other.device_, nullptr)), view_(std::move(other.view_)) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  std::swap(device_, other.device_);
  std::swap(view_, other.view_);
  return *this;
}

Buffer::~Buffer() {
  if (device_ != nullptr) device_->Free(view_.data);
}

absl::Status Buffer::CopyIn(const void* source) const {
  return device_->CopyIn(view_.data, source, view_.shape.ByteSize());
}

absl::Status Buffer::CopyOut(void* destination) const {
  return device_->CopyOut(destination, view_.data, view_.shape.ByteSize());
}

Execution::Execution(Executor* executor, std::unique_ptr<RunState> state)
    : executor_(executor), state_(std::move(state)) {}

Execution::Execution(Execution&& other) noexcept = default;

Execution& Execution::operator=(Execution&& other) noexcept {
  std::swap(executor_, other.executor_);
  std::swap(state_, other.state_);
  return *this;
}

Execution::~Execution() { Wait().IgnoreError(); }

absl::Status Execution::Wait() {
  if (state_ == nullptr) return absl::OkStatus();
  const absl::Status status = state_->instance->Wait();
  executor_->GiveBack(std::move(state_));
  return status;
}

bool Execution::IsDone() const { return state_ == nullptr || state_->instance->IsDone(); }

Executor::Executor(std::shared_ptr<const Program> program, Device* device,
                   std::unique_ptr<LoadedProgram> loaded)
    : program_(std::move(program)), device_(device), loaded_(std::move(loaded)) {}

Executor::~Executor() = default;

absl::StatusOr<std::unique_ptr<Executor>> Executor::Create(std::shared_ptr<const Program> program,
                                                           Device* device) {
  INGOT_RETURN_IF_ERROR(Annotate(Validate(*program), "program '", program->name, "'"));
  INGOT_ASSIGN_OR_RETURN(std::unique_ptr<LoadedProgram> loaded, device->Load(program));
  return std::unique_ptr<Executor>(new Executor(std::move(program), device, std::move(loaded)));
}

absl::StatusOr<std::unique_ptr<RunState>> Executor::TakeState() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<RunState> state = std::move(idle_.back());
      idle_.pop_back();
      return state;
    }
  }
  auto state = std::make_unique<RunState>();
  for (const Input& input : program_->inputs) state->input_bytes.push_back(input.shape.ByteSize());
  for (const Output& output : program_->outputs) {
    state->output_bytes.push_back(output.shape.ByteSize());
  }
  INGOT_ASSIGN_OR_RETURN(state->instance, loaded_->CreateInstance());
  return state;
}

void Executor::GiveBack(std::unique_ptr<RunState> state) {
  std::lock_guard<std::mutex> lock(mutex_);
  idle_.push_back(std::move(state));
}

absl::StatusOr<Execution> Executor::Start(absl::Span<const BufferView> inputs,
                                          absl::Span<const BufferView> outputs,
                                          const RunOptions& options) {
  INGOT_ASSIGN_OR_RETURN(std::unique_ptr<RunState> state, TakeState());
  absl::Status status = Prepare(*program_, inputs, outputs, *state);
  if (status.ok()) status = state->instance->Start(ArgumentsOf(*state, options));
  if (!status.ok()) {
    GiveBack(std::move(state));
    return status;
  }
  return Execution(this, std::move(state));
}

absl::Status Executor::Run(absl::Span<const BufferView> inputs,
                           absl::Span<const BufferView> outputs, const RunOptions& options) {
  INGOT_ASSIGN_OR_RETURN(std::unique_ptr<RunState> state, TakeState());
  absl::Status status = Prepare(*program_, inputs, outputs, *state);
  if (status.ok()) status = state->instance->Run(ArgumentsOf(*state, options));
  GiveBack(std::move(state));
  return status;
}

absl::StatusOr<std::vector<Buffer>> Executor::Run(absl::Span<const BufferView> inputs,
                                                  const RunOptions& options) {
  std::vector<Buffer> outputs;
  std::vector<BufferView> views;
  for (const Output& output : program_->outputs) {
    INGOT_ASSIGN_OR_RETURN(Buffer buffer, Buffer::Allocate(device_, output.shape));
    views.push_back(buffer.view());
    outputs.push_back(std::move(buffer));
  }
  INGOT_RETURN_IF_ERROR(Run(inputs, views, options));
  return outputs;
}

}  // namespace ingot::runtime
