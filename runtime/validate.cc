// Validate: what a Program from an untrusted file must satisfy before anything runs it.
#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "ir/base/status.h"
#include "runtime/program.h"

namespace ingot::runtime {
namespace {

constexpr int64_t kSizeLimit = int64_t{1} << 62;

absl::Status CheckShape(const Shape& shape) {
  if (!shape.IsArray()) return InvalidArgument("shape ", shape.ToString(), " is not an array");
  for (int64_t size : shape.dimensions()) {
    if (size < 0) return InvalidArgument("shape ", shape.ToString(), " has no bound");
  }
  return shape.Validate();
}

class Validator {
 public:
  explicit Validator(const Program& program)
      : program_(program), host_(program.platform == "host") {}

  absl::Status Run() {
    if (!host_ && program_.platform != "cuda" && program_.platform != "sim") {
      return InvalidArgument("platform '", program_.platform, "' is none of host, cuda and sim");
    }
    if (program_.arena_size < 0 || program_.arena_size > kSizeLimit) {
      return InvalidArgument("arena of ", program_.arena_size, " bytes");
    }
    INGOT_RETURN_IF_ERROR(Modules());
    INGOT_RETURN_IF_ERROR(Constants());
    INGOT_RETURN_IF_ERROR(Parameters());
    return Commands(program_.commands, 1);
  }

  absl::Status operator()(const Launch& launch);
  absl::Status operator()(const Copy& copy);
  absl::Status operator()(const Fill& fill);
  absl::Status operator()(const While& loop);
  absl::Status operator()(const Conditional& conditional);
  absl::Status operator()(const LibraryCall& call);

  absl::Status operator()(const BufferArgument& argument) {
    return Slice("argument", argument.slice, argument.access);
  }
  absl::Status operator()(const ScalarArgument& argument);
  absl::Status operator()(const TensorMapArgument& argument);

 private:
  absl::Status Modules();
  absl::Status Constants();
  absl::Status Parameters();
  absl::Status Commands(const std::vector<Command>& commands, int depth);
  absl::Status Grid(const Launch& launch);
  absl::Status Slice(absl::string_view role, const BufferSlice& slice, Access access);

  const Program& program_;
  const bool host_;
  int depth_ = 0;  // of the command being looked at
};

absl::Status Validator::Modules() {
  for (size_t i = 0; i < program_.modules.size(); ++i) {
    const CodeModule& module = program_.modules[i];
    bool fits = false;
    switch (module.format) {
      case CodeFormat::kElfObject:
      case CodeFormat::kFunctions:
        fits = host_;
        break;
      case CodeFormat::kCubin:
      case CodeFormat::kPtx:
        fits = program_.platform == "cuda";
        break;
      case CodeFormat::kKernelText:
        fits = program_.platform == "sim";
        break;
    }
    if (module.ptx.size() > 0 && module.format != CodeFormat::kCubin) {
      return InvalidArgument("module ", i, ": PTX beside ", CodeFormatName(module.format), " code");
    }
    if (!fits) {
      return InvalidArgument("module ", i, ": a program for ", program_.platform, " holds ",
                             CodeFormatName(module.format), " code");
    }
  }
  return absl::OkStatus();
}

absl::Status Validator::Constants() {
  for (size_t i = 0; i < program_.constants.size(); ++i) {
    const auto address = reinterpret_cast<uintptr_t>(program_.constants[i].bytes.data());
    if (host_ && address % kParameterAlignment != 0) {
      return InvalidArgument("constant ", i, " is not aligned to ", kParameterAlignment, " bytes");
    }
  }
  return absl::OkStatus();
}

absl::Status Validator::Parameters() {
  for (size_t i = 0; i < program_.inputs.size(); ++i) {
    INGOT_RETURN_IF_ERROR(Annotate(CheckShape(program_.inputs[i].shape), "input ", i));
  }
  std::vector<bool> taken(program_.inputs.size(), false);
  for (size_t i = 0; i < program_.outputs.size(); ++i) {
    const Output& output = program_.outputs[i];
    INGOT_RETURN_IF_ERROR(Annotate(CheckShape(output.shape), "output ", i));
    const int64_t alias = output.aliased_input;
    if (alias == -1) continue;
    if (alias < 0 || alias >= static_cast<int64_t>(program_.inputs.size())) {
      return InvalidArgument("output ", i, " is aliased to input ", alias, " of ",
                             program_.inputs.size());
    }
    if (taken[alias]) return InvalidArgument("two outputs are aliased to input ", alias);
    taken[alias] = true;
    const int64_t bytes = program_.inputs[alias].shape.ByteSize();
    if (output.shape.ByteSize() != bytes) {
      return InvalidArgument("output ", i, " of ", output.shape.ByteSize(),
                             " bytes is aliased to input ", alias, " of ", bytes, " bytes");
    }
  }
  return absl::OkStatus();
}

absl::Status Validator::Commands(const std::vector<Command>& commands, int depth) {
  if (depth > kMaxCommandDepth) {
    return InvalidArgument("commands nest deeper than ", kMaxCommandDepth);
  }
  for (size_t i = 0; i < commands.size(); ++i) {
    depth_ = depth;
    if (commands[i].bytes < 0 || commands[i].flops < 0) {
      return InvalidArgument("command ", i, " '", commands[i].label, "': ", commands[i].bytes,
                             " bytes and ", commands[i].flops, " operations");
    }
    const absl::Status status = std::visit(*this, commands[i].operation);
    INGOT_RETURN_IF_ERROR(Annotate(status, "command ", i, " '", commands[i].label, "'"));
  }
  return absl::OkStatus();
}

absl::Status Validator::Slice(absl::string_view role, const BufferSlice& slice, Access access) {
  const std::optional<int64_t> bytes = AllocationSize(program_, slice);
  if (!bytes.has_value()) {
    return InvalidArgument(role, ": no allocation ", ToString(program_, slice));
  }
  if (slice.offset < 0 || slice.size < 0 || slice.offset > *bytes ||
      slice.size > *bytes - slice.offset) {
    return InvalidArgument(role, ": ", slice.size, " bytes at ", slice.offset,
                           " leave an allocation of ", *bytes,
                           " bytes: ", ToString(program_, slice));
  }
  if (access != Access::kRead &&
      (slice.allocation == Allocation::kInput || slice.allocation == Allocation::kConstant)) {
    return InvalidArgument(role, ": writes ", ToString(program_, slice));
  }
  return absl::OkStatus();
}

absl::Status Validator::operator()(const ScalarArgument& argument) {
  const int bytes = argument.bytes;
  if (bytes == 8 || ((bytes == 1 || bytes == 2 || bytes == 4) && argument.bits >> (8 * bytes) == 0))
    return absl::OkStatus();
  return InvalidArgument("scalar argument 0x", absl::Hex(argument.bits), " of ", bytes, " bytes");
}

absl::Status Validator::operator()(const TensorMapArgument& argument) {
  if (host_) return InvalidArgument("tensor map argument on the host");
  INGOT_RETURN_IF_ERROR(Slice("tensor map", argument.slice, argument.access));
  INGOT_RETURN_IF_ERROR(CheckTensorMap(argument.map));
  if (argument.map.SpanBytes() > argument.slice.size) {
    return InvalidArgument("tensor map spans ", argument.map.SpanBytes(), " bytes of a slice of ",
                           argument.slice.size);
  }
  return absl::OkStatus();
}

absl::Status Validator::Grid(const Launch& launch) {
  const Dim3 &grid = launch.grid, &block = launch.block, &cluster = launch.cluster;
  if (grid.x < 1 || grid.y < 1 || grid.z < 1 || grid.x > 0x7fffffff || grid.y > 65535 ||
      grid.z > 65535) {
    return InvalidArgument("grid ", grid.x, "x", grid.y, "x", grid.z);
  }
  if (block.x < 1 || block.y < 1 || block.z < 1 || block.x > 1024 || block.y > 1024 ||
      block.z > 64 || uint64_t{block.x} * block.y * block.z > 1024) {
    return InvalidArgument("block ", block.x, "x", block.y, "x", block.z);
  }
  if (cluster.x < 1 || cluster.y < 1 || cluster.z < 1 || cluster.x > 16 || cluster.y > 16 ||
      cluster.z > 16 || cluster.x * cluster.y * cluster.z > 16 || grid.x % cluster.x != 0 ||
      grid.y % cluster.y != 0 || grid.z % cluster.z != 0) {
    return InvalidArgument("cluster ", cluster.x, "x", cluster.y, "x", cluster.z, " of grid ",
                           grid.x, "x", grid.y, "x", grid.z);
  }
  return absl::OkStatus();
}

absl::Status Validator::operator()(const Launch& launch) {
  if (launch.module < 0 || launch.module >= static_cast<int64_t>(program_.modules.size())) {
    return InvalidArgument("module ", launch.module, " of ", program_.modules.size());
  }
  if (launch.kernel.empty()) return InvalidArgument("a kernel without a name");
  if (launch.tasks < 0 || launch.tasks > kSizeLimit) {
    return InvalidArgument(launch.tasks, " tasks");
  }
  if (host_ && launch.resident) return InvalidArgument("a host's launch has no resident blocks");
  if (!host_) INGOT_RETURN_IF_ERROR(Grid(launch));
  for (size_t i = 0; i < launch.arguments.size(); ++i) {
    INGOT_RETURN_IF_ERROR(Annotate(std::visit(*this, launch.arguments[i]), "argument ", i));
  }
  return absl::OkStatus();
}

absl::Status Validator::operator()(const Copy& copy) {
  INGOT_RETURN_IF_ERROR(Slice("source", copy.source, Access::kRead));
  INGOT_RETURN_IF_ERROR(Slice("destination", copy.destination, Access::kWrite));
  if (copy.source.size != copy.destination.size) {
    return InvalidArgument("copy of ", copy.source.size, " bytes to ", copy.destination.size);
  }
  if (copy.source.allocation == copy.destination.allocation &&
      copy.source.index == copy.destination.index && copy.source.size > 0 &&
      copy.source.offset < copy.destination.offset + copy.destination.size &&
      copy.destination.offset < copy.source.offset + copy.source.size) {
    return InvalidArgument("source ", ToString(program_, copy.source), " overlaps destination ",
                           ToString(program_, copy.destination));
  }
  return absl::OkStatus();
}

absl::Status Validator::operator()(const Fill& fill) {
  INGOT_RETURN_IF_ERROR(Slice("destination", fill.destination, Access::kWrite));
  const int bytes = fill.pattern_bytes;
  const bool fits = bytes == 4 || ((bytes == 1 || bytes == 2) && fill.pattern >> (8 * bytes) == 0);
  if (fits && fill.destination.size % bytes == 0 && fill.destination.offset % bytes == 0) {
    return absl::OkStatus();
  }
  return InvalidArgument("fill of ", ToString(program_, fill.destination), " with 0x",
                         absl::Hex(fill.pattern), " of ", bytes, " bytes");
}

absl::Status Validator::operator()(const While& loop) {
  const int depth = depth_;
  INGOT_RETURN_IF_ERROR(Slice("predicate", loop.predicate, Access::kRead));
  if (loop.predicate.size != 1) {
    return InvalidArgument("predicate of ", loop.predicate.size, " bytes, not 1");
  }
  if (loop.trip_count < -1) return InvalidArgument("a trip count of ", loop.trip_count);
  INGOT_RETURN_IF_ERROR(Annotate(Commands(loop.condition, depth + 1), "condition"));
  return Annotate(Commands(loop.body, depth + 1), "body");
}

absl::Status Validator::operator()(const Conditional& conditional) {
  const int depth = depth_;
  const bool pred = conditional.selector == Selector::kPred;
  INGOT_RETURN_IF_ERROR(Slice("index", conditional.index, Access::kRead));
  if (conditional.index.size != (pred ? 1 : 4)) {
    return InvalidArgument("index of ", conditional.index.size, " bytes, not ", pred ? 1 : 4);
  }
  if (conditional.branches.empty() || (pred && conditional.branches.size() != 2)) {
    return InvalidArgument(conditional.branches.size(), " branches");
  }
  for (size_t i = 0; i < conditional.branches.size(); ++i) {
    INGOT_RETURN_IF_ERROR(Annotate(Commands(conditional.branches[i], depth + 1), "branch ", i));
  }
  return absl::OkStatus();
}

absl::Status Validator::operator()(const LibraryCall& call) {
  const int depth = depth_;
  INGOT_ASSIGN_OR_RETURN(const std::vector<int64_t> spans, OperandSpans(call.operation));
  if (call.inputs.size() + 1 != spans.size()) {
    return InvalidArgument(LibraryOperationName(call.operation), " takes ", spans.size() - 1,
                           " inputs, not ", call.inputs.size());
  }
  for (size_t i = 0; i < spans.size(); ++i) {
    const bool output = i == call.inputs.size();
    const BufferSlice& slice = output ? call.output : call.inputs[i];
    INGOT_RETURN_IF_ERROR(
        Slice(output ? "output" : "input", slice, output ? Access::kWrite : Access::kRead));
    if (spans[i] > slice.size) {
      return InvalidArgument(LibraryOperationName(call.operation), " operand ", i, " spans ",
                             spans[i], " bytes of a slice of ", slice.size);
    }
  }
  if (call.fallback.empty()) return InvalidArgument("a library call without a fallback");
  return Annotate(Commands(call.fallback, depth + 1), "fallback");
}

}  // namespace

absl::Status Validate(const Program& program) { return Validator(program).Run(); }

}  // namespace ingot::runtime
