#include "compiler/kernel/simulator/device/simulated_run.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "ir/base/status.h"
#include "runtime/address_table.h"

namespace ingot::kernel::simulator {
namespace {

using runtime::Access;
using runtime::Allocation;

absl::Status Failed(const std::string& message) { return absl::FailedPreconditionError(message); }

// Whether a launch may see what is in `slice` before it.
bool Reads(const runtime::Launch& launch, const runtime::BufferSlice& slice) {
  return std::any_of(
      launch.arguments.begin(), launch.arguments.end(), [&](const runtime::Argument& argument) {
        const auto* buffer = std::get_if<runtime::BufferArgument>(&argument);
        return buffer != nullptr && buffer->access != Access::kWrite && buffer->slice == slice;
      });
}

}  // namespace

uint8_t* SimulatedRun::Address(const runtime::BufferSlice& slice) const {
  const void* base = arena_;
  if (slice.allocation == Allocation::kInput) base = arguments_.inputs[slice.index];
  if (slice.allocation == Allocation::kOutput) base = arguments_.outputs[slice.index];
  if (slice.allocation == Allocation::kConstant) base = program_.constants[slice.index];
  return static_cast<uint8_t*>(const_cast<void*>(base)) + slice.offset;
}

absl::Status SimulatedRun::Run() {
  std::vector<uint8_t> before, first;
  if (options_.schedules > 1) before = Outputs();  // donated inputs among them
  for (int schedule = 0; schedule < options_.schedules; ++schedule) {
    seed_ = static_cast<uint64_t>(schedule);
    if (schedule > 0) {
      size_t at = 0;
      for (size_t i = 0; i < arguments_.outputs.size(); ++i) {
        const int64_t bytes = program_.program->outputs[i].shape.ByteSize();
        if (bytes > 0) std::memcpy(arguments_.outputs[i], before.data() + at, bytes);
        at += bytes;
      }
    }
    const absl::Status status = RunOnce();
    if (!status.ok()) return schedule == 0 ? status : Annotate(status, "schedule ", schedule);
    if (options_.schedules == 1) continue;
    if (schedule == 0) {
      first = Outputs();
    } else {
      INGOT_RETURN_IF_ERROR(Annotate(CheckSame(first), "schedule ", schedule));
    }
  }
  return absl::OkStatus();
}

absl::Status SimulatedRun::RunOnce() {
  const runtime::Program& program = *program_.program;
  memory_.SetWritten(arena_, program.arena_size, false);
  std::vector<runtime::Donation> donations(program.outputs.size());
  runtime::BindDonations(program, arguments_, donations);
  for (size_t i = 0; i < program.outputs.size(); ++i) {
    const int64_t bytes = program.outputs[i].shape.ByteSize();
    if (program.outputs[i].aliased_input < 0) {
      memory_.SetWritten(arguments_.outputs[i], bytes, false);
    } else if (donations[i].source != nullptr && bytes > 0) {
      std::memcpy(donations[i].destination, donations[i].source, bytes);
      memory_.SetWritten(donations[i].destination, bytes, true);
    }
  }
  INGOT_RETURN_IF_ERROR(Commands(program.commands));
  return CheckOutputs();
}

absl::Status SimulatedRun::CheckOutputs() const {
  const runtime::Program& program = *program_.program;
  for (size_t i = 0; i < program.outputs.size(); ++i) {
    const Shape& shape = program.outputs[i].shape;
    const int64_t at = memory_.FindUnwritten(arguments_.outputs[i], shape.ByteSize());
    if (at < 0) continue;
    return Failed(absl::StrCat("output ", i, ", ", shape.ToString(false),
                               ": no command writes byte ", at, " (element ",
                               at / ByteWidth(shape.element_type()), " in the order of memory)"));
  }
  return absl::OkStatus();
}

std::vector<uint8_t> SimulatedRun::Outputs() const {
  std::vector<uint8_t> bytes;
  for (size_t i = 0; i < arguments_.outputs.size(); ++i) {
    const auto* const begin = static_cast<const uint8_t*>(arguments_.outputs[i]);
    bytes.insert(bytes.end(), begin, begin + program_.program->outputs[i].shape.ByteSize());
  }
  return bytes;
}

absl::Status SimulatedRun::CheckSame(const std::vector<uint8_t>& first) const {
  int64_t at = 0;
  for (size_t i = 0; i < arguments_.outputs.size(); ++i) {
    const Shape& shape = program_.program->outputs[i].shape;
    const auto* const bytes = static_cast<const uint8_t*>(arguments_.outputs[i]);
    const auto [mine, other] = std::mismatch(bytes, bytes + shape.ByteSize(), first.begin() + at);
    if (mine != bytes + shape.ByteSize()) {
      return Failed(absl::StrCat("output ", i, ", ", shape.ToString(false), ": element ",
                                 (mine - bytes) / ByteWidth(shape.element_type()),
                                 " in the order of memory is not what schedule 0 gives"));
    }
    at += shape.ByteSize();
  }
  return absl::OkStatus();
}

absl::Status SimulatedRun::Commands(const std::vector<runtime::Command>& commands) {
  using Clock = std::chrono::steady_clock;
  for (const runtime::Command& command : commands) {
    runtime::Profile* const profile = seed_ == 0 ? arguments_.profile : nullptr;
    const size_t before = profile == nullptr ? 0 : profile->size();
    const Clock::time_point start = Clock::now();
    if (command.label != label_) {
      label_ = command.label;
      forgotten_.clear();
    }
    INGOT_RETURN_IF_ERROR(Annotate(std::visit(*this, command.operation), "'", command.label, "'"));
    // Loops, conditionals and fallbacks have added the times of their own commands.
    if (profile == nullptr || profile->size() != before) continue;
    const std::chrono::nanoseconds time = Clock::now() - start;
    profile->push_back({&command, time.count()});
  }
  return absl::OkStatus();
}

// A tensor map has the recipe that the kernel was written for, and the memory of that buffer.
static absl::Status CheckMap(const runtime::Launch& launch, const Kernel& kernel, size_t number,
                             const runtime::TensorMapArgument& argument) {
  const Parameter& parameter = kernel.parameters()[number];
  bool same =
      parameter.kind == Parameter::Kind::kTensorMap && parameter.map->recipe == argument.map;
  for (size_t i = 0; same && i < number; ++i) {
    if (kernel.parameters()[i].buffer != parameter.map->buffer) continue;
    const auto* buffer = std::get_if<runtime::BufferArgument>(&launch.arguments[i]);
    same = buffer != nullptr && buffer->slice == argument.slice;
  }
  if (same) return absl::OkStatus();
  return InvalidArgument("@", kernel.name(), ": argument ", number,
                         " is not the tensor map that the kernel takes");
}

absl::Status SimulatedRun::Bind(const runtime::Launch& launch, const Kernel& kernel,
                                std::vector<Argument>& bound) {
  if (launch.arguments.size() != kernel.parameters().size()) {
    return InvalidArgument("@", kernel.name(), " has ", kernel.parameters().size(),
                           " parameters, and ", launch.arguments.size(), " arguments are given");
  }
  for (size_t i = 0; i < launch.arguments.size(); ++i) {
    const Parameter& parameter = kernel.parameters()[i];
    if (const auto* scalar = std::get_if<runtime::ScalarArgument>(&launch.arguments[i])) {
      if (parameter.kind != Parameter::Kind::kScalar) {
        return InvalidArgument("@", kernel.name(), ": argument ", i, " is a scalar");
      }
      bound.push_back(Argument::Scalar(scalar->bits));
      continue;
    }
    if (const auto* map = std::get_if<runtime::TensorMapArgument>(&launch.arguments[i])) {
      INGOT_RETURN_IF_ERROR(CheckMap(launch, kernel, i, *map));
      bound.emplace_back();
      continue;
    }
    const auto* buffer = std::get_if<runtime::BufferArgument>(&launch.arguments[i]);
    const runtime::BufferSlice& slice = buffer->slice;
    if (parameter.kind != Parameter::Kind::kBuffer || slice.size < parameter.buffer->ByteSize()) {
      return InvalidArgument("@", kernel.name(), ": argument ", i, " of ", slice.size,
                             " bytes is not what the kernel takes");
    }
    uint8_t* const address = Address(slice);
    if (buffer->access == Access::kWrite && !Reads(launch, slice)) ForgetOnce(slice);
    bound.push_back(Argument::Fresh(address, memory_.WrittenAt(address)));
  }
  return absl::OkStatus();
}

void SimulatedRun::ForgetOnce(const runtime::BufferSlice& slice) {
  const auto same = std::find(forgotten_.begin(), forgotten_.end(), slice);
  if (same != forgotten_.end()) return;
  forgotten_.push_back(slice);
  memory_.SetWritten(Address(slice), slice.size, false);
}

absl::Status SimulatedRun::operator()(const runtime::Launch& launch) {
  const SimulatedModule& module = program_.modules[launch.module];
  const auto found = module.by_name.find(launch.kernel);
  if (found == module.by_name.end()) {
    return InvalidArgument("there is no kernel '", launch.kernel, "'");
  }
  std::vector<Argument> arguments;
  INGOT_RETURN_IF_ERROR(Bind(launch, *found->second, arguments));
  Options options;
  options.target = module.target;
  options.seed = seed_;
  options.measure = false;
  options.most_thread_operations = options_.most_thread_operations;
  INGOT_ASSIGN_OR_RETURN(const Report report, Simulate(*found->second, arguments, options));
  return report.status();
}

absl::Status SimulatedRun::operator()(const runtime::Copy& copy) {
  const int64_t bytes = copy.source.size;
  if (bytes == 0) return absl::OkStatus();
  uint8_t* const from = Address(copy.source);
  uint8_t* const to = Address(copy.destination);
  std::memcpy(to, from, bytes);
  // What was not written is no better in its new place.
  const uint8_t* const written = memory_.WrittenAt(from);
  uint8_t* const marks = memory_.WrittenAt(to);
  if (marks == nullptr) return absl::OkStatus();
  if (written == nullptr) {
    std::memset(marks, 1, bytes);
  } else {
    std::memcpy(marks, written, bytes);
  }
  return absl::OkStatus();
}

absl::Status SimulatedRun::operator()(const runtime::Fill& fill) {
  uint8_t* const address = Address(fill.destination);
  for (int64_t i = 0; i < fill.destination.size; i += fill.pattern_bytes) {
    std::memcpy(address + i, &fill.pattern,
                std::min<int64_t>(fill.pattern_bytes, fill.destination.size - i));
  }
  memory_.SetWritten(address, fill.destination.size, true);
  return absl::OkStatus();
}

absl::Status SimulatedRun::CheckWritten(const runtime::BufferSlice& slice) const {
  if (memory_.FindUnwritten(Address(slice), slice.size) < 0) return absl::OkStatus();
  return Failed(absl::StrCat(runtime::ToString(*program_.program, slice),
                             ", which says where to go on, was not written"));
}

absl::Status SimulatedRun::operator()(const runtime::While& loop) {
  for (int64_t trips = 0;; ++trips) {
    INGOT_RETURN_IF_ERROR(Commands(loop.condition));
    INGOT_RETURN_IF_ERROR(CheckWritten(loop.predicate));
    const bool ends = *Address(loop.predicate) == 0;
    if (loop.trip_count >= 0 && ends != (trips == loop.trip_count)) {
      return Failed(absl::StrCat("the loop ", ends ? "ends after " : "goes on after ", trips,
                                 " times, and its trip count is ", loop.trip_count));
    }
    if (ends) return absl::OkStatus();
    INGOT_RETURN_IF_ERROR(Commands(loop.body));
  }
}

absl::Status SimulatedRun::operator()(const runtime::Conditional& conditional) {
  INGOT_RETURN_IF_ERROR(CheckWritten(conditional.index));
  const uint8_t* const address = Address(conditional.index);
  const size_t last = conditional.branches.size() - 1;
  size_t branch = 0;
  switch (conditional.selector) {
    case runtime::Selector::kPred:
      branch = *address != 0 ? 0 : 1;
      break;
    case runtime::Selector::kIndex: {
      int32_t index;
      std::memcpy(&index, address, sizeof(index));
      branch = index < 0 || static_cast<size_t>(index) > last ? last : index;
      break;
    }
  }
  return Commands(conditional.branches[branch]);
}

absl::Status SimulatedRun::operator()(const runtime::LibraryCall& call) {
  return Commands(call.fallback);
}

}  // namespace ingot::kernel::simulator
