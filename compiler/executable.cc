#include "compiler/executable.h"

#include <cstring>

#include "ir/base/status.h"
#include "runtime/host/host_device.h"

namespace ingot {
namespace {

// Copies elements of `width` bytes from `source` (strides by logical dimension, in elements) to
// `destination`.
void CopyStrided(absl::Span<const int64_t> sizes, absl::Span<const int64_t> source_strides,
                 absl::Span<const int64_t> destination_strides, int width, const std::byte* source,
                 std::byte* destination) {
  if (sizes.empty()) {
    std::memcpy(destination, source, width);
    return;
  }
  for (int64_t i = 0; i < sizes[0]; ++i) {
    CopyStrided(sizes.subspan(1), source_strides.subspan(1), destination_strides.subspan(1), width,
                source + i * source_strides[0] * width,
                destination + i * destination_strides[0] * width);
  }
}

// The elements of `literal` with the strides of one layout moved to those of another.
Literal Rearrange(const Literal& literal, const Shape& shape, const Layout& from,
                  const Layout& to) {
  Literal result = Literal::Zeros(shape).value();
  CopyStrided(shape.dimensions(), StridesOf(shape.dimensions(), from),
              StridesOf(shape.dimensions(), to), ByteWidth(shape.element_type()),
              literal.bytes().data(), result.MutableBytes().data());
  return result;
}

}  // namespace

Literal ToLayout(const Literal& literal, const Layout& layout) {
  if (layout.IsDefault()) return literal;
  return Rearrange(literal, literal.shape(), Layout::Default(literal.shape().rank()), layout);
}

Literal FromLayout(const Literal& physical, const Shape& shape) {
  const Layout layout = shape.LayoutOrDefault();
  if (layout.IsDefault()) return physical;
  return Rearrange(physical, shape, layout, Layout::Default(shape.rank()));
}

absl::StatusOr<std::unique_ptr<Executable>> Executable::Load(
    std::shared_ptr<const runtime::Program> program, runtime::Device* device) {
  INGOT_ASSIGN_OR_RETURN(auto executor, runtime::Executor::Create(std::move(program), device));
  return std::unique_ptr<Executable>(new Executable(nullptr, std::move(executor)));
}

absl::StatusOr<std::unique_ptr<Executable>> Executable::Compile(const Module& module,
                                                                const CompileOptions& options) {
  INGOT_ASSIGN_OR_RETURN(const Target* target, FindTarget("host"));
  INGOT_ASSIGN_OR_RETURN(Compilation compilation, ingot::Compile(module, *target, options));
  INGOT_ASSIGN_OR_RETURN(auto device, runtime::CreateHostDevice());
  INGOT_ASSIGN_OR_RETURN(auto executor,
                         runtime::Executor::Create(compilation.program, device.get()));
  return std::unique_ptr<Executable>(new Executable(std::move(device), std::move(executor)));
}

absl::StatusOr<std::vector<Literal>> Executable::Run(absl::Span<const Literal> inputs,
                                                     runtime::Profile* profile) {
  const runtime::Program& program = executor_->program();
  if (inputs.size() != program.inputs.size()) {
    return InvalidArgument("the program takes ", program.inputs.size(), " inputs, ", inputs.size(),
                           " were given");
  }
  std::vector<runtime::Buffer> buffers;
  std::vector<runtime::BufferView> views;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Shape& shape = program.inputs[i].shape;
    if (!Shape::SameIgnoringLayout(inputs[i].shape(), shape)) {
      return InvalidArgument("input ", i, " (", program.inputs[i].name, ") is ",
                             inputs[i].shape().ToString(false), ", the program takes ",
                             shape.ToString(false));
    }
    const Literal physical = ToLayout(inputs[i], shape.LayoutOrDefault());
    INGOT_ASSIGN_OR_RETURN(auto buffer, runtime::Buffer::FromHost(executor_->device(), shape,
                                                                  physical.bytes().data()));
    buffers.push_back(std::move(buffer));
    views.push_back(buffers.back().view());
  }
  runtime::RunOptions options;
  options.profile = profile;
  // The copies of donated inputs are given away.
  std::vector<runtime::Buffer> outputs;
  std::vector<runtime::BufferView> output_views;
  for (const runtime::Output& output : program.outputs) {
    if (output.aliased_input >= 0) {
      output_views.push_back({buffers[output.aliased_input].data(), output.shape});
      continue;
    }
    INGOT_ASSIGN_OR_RETURN(auto buffer,
                           runtime::Buffer::Allocate(executor_->device(), output.shape));
    outputs.push_back(std::move(buffer));
    output_views.push_back(outputs.back().view());
  }
  INGOT_RETURN_IF_ERROR(executor_->Run(views, output_views, options));
  std::vector<Literal> results;
  for (const runtime::BufferView& output : output_views) {
    INGOT_ASSIGN_OR_RETURN(Literal physical, Literal::Zeros(output.shape));
    INGOT_RETURN_IF_ERROR(executor_->device()->CopyOut(physical.MutableBytes().data(), output.data,
                                                       output.shape.ByteSize()));
    results.push_back(FromLayout(physical, output.shape));
  }
  return results;
}

}  // namespace ingot
