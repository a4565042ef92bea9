#include <string>

#include "runtime/metadata.h"
#include "runtime/program_generated.h"

namespace ingot::runtime {
namespace {

namespace fb = ::flatbuffers;

template <typename T>
using Vector = fb::Offset<fb::Vector<T>>;

format::Slice ToFormat(const BufferSlice& slice) {
  return format::Slice(slice.offset, slice.size, slice.index,
                       static_cast<format::Allocation>(slice.allocation));
}

format::Dim3 ToFormat(const Dim3& dim) { return format::Dim3(dim.x, dim.y, dim.z); }

// The numbers of format::CodeFormat; kFunctions has none and is refused before.
format::CodeFormat ToFormat(CodeFormat code_format) {
  return static_cast<format::CodeFormat>(code_format);
}

static_assert(static_cast<int>(CodeFormat::kKernelText) ==
              static_cast<int>(format::CodeFormat::KernelText));
static_assert(static_cast<int>(Allocation::kConstant) ==
              static_cast<int>(format::Allocation::Constant));
static_assert(static_cast<int>(Access::kReadWrite) == static_cast<int>(format::Access::ReadWrite));
static_assert(static_cast<int>(Selector::kIndex) == static_cast<int>(format::Selector::Index));

// Writes children before parents, as FlatBuffers wants.  The operations return what a union's
// member is: its type and its table.
class Writer {
 public:
  std::vector<uint8_t> Run(const Program& program, const SectionNumbers& numbers);

  template <typename Enum>
  struct Member {
    Enum type;
    fb::Offset<void> table;
  };
  using Op = Member<format::Operation>;
  using LibraryOp = Member<format::LibraryOperation>;

  Op operator()(const Launch& launch);
  Op operator()(const Copy& copy) {
    const format::Slice source = ToFormat(copy.source), destination = ToFormat(copy.destination);
    const auto reason = builder_.CreateSharedString(copy.reason);
    return {format::Operation::Copy,
            format::CreateCopy(builder_, &source, &destination, reason).Union()};
  }
  Op operator()(const Fill& fill) {
    const format::Slice destination = ToFormat(fill.destination);
    return {format::Operation::Fill,
            format::CreateFill(builder_, &destination, fill.pattern, fill.pattern_bytes).Union()};
  }
  Op operator()(const While& loop) {
    const auto condition = Commands(loop.condition);
    const auto body = Commands(loop.body);
    const format::Slice predicate = ToFormat(loop.predicate);
    return {format::Operation::While,
            format::CreateWhile(builder_, condition, &predicate, body, loop.trip_count).Union()};
  }
  Op operator()(const Conditional& conditional);
  Op operator()(const LibraryCall& call);

  LibraryOp operator()(const DotCall& dot);
  LibraryOp operator()(const ConvolutionCall& conv);

  fb::Offset<format::Argument> operator()(const BufferArgument& argument) {
    const format::Slice slice = ToFormat(argument.slice);
    return format::CreateArgument(builder_, format::ArgumentKind::Buffer, &slice,
                                  static_cast<format::Access>(argument.access));
  }
  fb::Offset<format::Argument> operator()(const ScalarArgument& argument) {
    return format::CreateArgument(builder_, format::ArgumentKind::Scalar, nullptr,
                                  format::Access::Read, argument.bits, argument.bytes);
  }
  fb::Offset<format::Argument> operator()(const TensorMapArgument& argument);

 private:
  // Strings are never shared: a reader bounds what it unpacks by the file's size.
  fb::Offset<fb::String> Text(absl::string_view text) {
    return builder_.CreateString(text.data(), text.size());
  }
  fb::Offset<fb::String> TypeName(ElementType type) { return Text(ElementTypeName(type)); }
  template <typename List>
  auto Numbers(const List& values) {
    return builder_.CreateVector(values.data(), values.size());
  }
  fb::Offset<format::Shape> ToTable(const Shape& shape);
  Vector<fb::Offset<format::Command>> Commands(const std::vector<Command>& commands);
  Vector<fb::Offset<format::Module>> Modules(const Program& program, const SectionNumbers& numbers);
  Vector<fb::Offset<format::Constant>> Constants(const Program& program,
                                                 const std::vector<uint32_t>& sections);

  fb::FlatBufferBuilder builder_;
};

fb::Offset<format::Shape> Writer::ToTable(const Shape& shape) {
  const auto type = TypeName(shape.element_type());
  const auto dimensions = Numbers(shape.dimensions());
  std::vector<uint8_t> dynamic;
  if (shape.HasDynamicDimension()) {
    for (int64_t i = 0; i < shape.rank(); ++i) dynamic.push_back(shape.is_dynamic(i));
  }
  const auto dynamic_flags = Numbers(dynamic);
  const bool has_layout = shape.layout().has_value();
  const auto layout = Numbers(has_layout ? shape.layout()->minor_to_major : std::vector<int64_t>());
  return format::CreateShape(builder_, type, dimensions, dynamic_flags, has_layout, layout);
}

fb::Offset<format::Argument> Writer::operator()(const TensorMapArgument& argument) {
  const TensorMap& map = argument.map;
  const auto type = TypeName(map.element_type);
  const auto dimensions = Numbers(map.dimensions);
  const auto byte_strides = Numbers(map.byte_strides);
  const auto box = Numbers(map.box);
  const auto element_strides = Numbers(map.element_strides);
  const auto lower_corner = Numbers(map.lower_corner);
  const auto upper_corner = Numbers(map.upper_corner);
  const auto recipe = format::CreateTensorMap(
      builder_, type, dimensions, byte_strides, box, element_strides, map.swizzle_bytes,
      map.l2_promotion_bytes, map.rounds_to_tf32, map.fills_nan, lower_corner, upper_corner);
  const format::Slice slice = ToFormat(argument.slice);
  return format::CreateArgument(builder_, format::ArgumentKind::TensorMap, &slice,
                                static_cast<format::Access>(argument.access), 0, 0, recipe);
}

Writer::Op Writer::operator()(const Launch& launch) {
  std::vector<fb::Offset<format::Argument>> arguments;
  for (const Argument& argument : launch.arguments) {
    arguments.push_back(std::visit(*this, argument));
  }
  const auto list = Numbers(arguments);
  const auto kernel = Text(launch.kernel);
  const format::Dim3 grid = ToFormat(launch.grid), block = ToFormat(launch.block),
                     cluster = ToFormat(launch.cluster);
  return {format::Operation::Launch,
          format::CreateLaunch(builder_, launch.module, kernel, list, launch.tasks, &grid, &block,
                               &cluster, launch.dynamic_shared_bytes, launch.cooperative,
                               launch.programmatic, launch.resident)
              .Union()};
}

Writer::Op Writer::operator()(const Conditional& conditional) {
  std::vector<fb::Offset<format::Branch>> branches;
  for (const std::vector<Command>& branch : conditional.branches) {
    branches.push_back(format::CreateBranch(builder_, Commands(branch)));
  }
  const auto list = Numbers(branches);
  const format::Slice index = ToFormat(conditional.index);
  return {format::Operation::Conditional,
          format::CreateConditional(builder_, static_cast<format::Selector>(conditional.selector),
                                    &index, list)
              .Union()};
}

Writer::Op Writer::operator()(const LibraryCall& call) {
  const LibraryOp operation = std::visit(*this, call.operation);
  std::vector<format::Slice> inputs;
  for (const BufferSlice& input : call.inputs) inputs.push_back(ToFormat(input));
  const auto input_list = builder_.CreateVectorOfStructs(inputs);
  const auto fallback = Commands(call.fallback);
  const format::Slice output = ToFormat(call.output);
  return {format::Operation::LibraryCall,
          format::CreateLibraryCall(builder_, operation.type, operation.table, input_list, &output,
                                    fallback)
              .Union()};
}

Writer::LibraryOp Writer::operator()(const DotCall& dot) {
  const auto lhs_type = TypeName(dot.lhs_type), rhs_type = TypeName(dot.rhs_type),
             output_type = TypeName(dot.output_type);
  const auto sizes = Numbers(std::vector<int64_t>{dot.batch, dot.m, dot.n, dot.k});
  const auto lhs = Numbers(dot.lhs_strides), rhs = Numbers(dot.rhs_strides),
             output = Numbers(dot.output_strides);
  return {format::LibraryOperation::Dot,
          format::CreateDot(builder_, lhs_type, rhs_type, output_type, sizes, lhs, rhs, output)
              .Union()};
}

Writer::LibraryOp Writer::operator()(const ConvolutionCall& conv) {
  const auto input_type = TypeName(conv.input_type), filter_type = TypeName(conv.filter_type),
             output_type = TypeName(conv.output_type);
  const auto sizes = Numbers(
      std::vector<int64_t>{conv.batch, conv.groups, conv.input_channels, conv.output_channels});
  const auto input_spatial = Numbers(conv.input_spatial);
  const auto filter_spatial = Numbers(conv.filter_spatial);
  const auto output_spatial = Numbers(conv.output_spatial);
  const auto input_strides = Numbers(conv.input_strides);
  const auto filter_strides = Numbers(conv.filter_strides);
  const auto output_strides = Numbers(conv.output_strides);
  const auto window_strides = Numbers(conv.window_strides);
  const auto window_dilation = Numbers(conv.window_dilation);
  const auto padding_low = Numbers(conv.padding_low);
  const auto padding_high = Numbers(conv.padding_high);
  return {format::LibraryOperation::Convolution,
          format::CreateConvolution(builder_, input_type, filter_type, output_type, sizes,
                                    input_spatial, filter_spatial, output_spatial, input_strides,
                                    filter_strides, output_strides, window_strides, window_dilation,
                                    padding_low, padding_high)
              .Union()};
}

Vector<fb::Offset<format::Command>> Writer::Commands(const std::vector<Command>& commands) {
  std::vector<fb::Offset<format::Command>> list;
  for (const Command& command : commands) {
    const auto label = Text(command.label);
    const Op operation = std::visit(*this, command.operation);
    list.push_back(format::CreateCommand(builder_, label, operation.type, operation.table,
                                         command.bytes, command.flops));
  }
  return Numbers(list);
}

Vector<fb::Offset<format::Module>> Writer::Modules(const Program& program,
                                                   const SectionNumbers& numbers) {
  std::vector<fb::Offset<format::Module>> list;
  for (size_t i = 0; i < program.modules.size(); ++i) {
    const CodeModule& module = program.modules[i];
    std::vector<fb::Offset<fb::String>> features;
    for (const std::string& feature : module.features) features.push_back(Text(feature));
    const auto name = Text(module.name);
    const auto architecture = Text(module.architecture);
    const auto feature_list = Numbers(features);
    list.push_back(format::CreateModule(builder_, name, architecture, feature_list,
                                        ToFormat(module.format), numbers.modules[i],
                                        numbers.ptx[i]));
  }
  return Numbers(list);
}

Vector<fb::Offset<format::Constant>> Writer::Constants(const Program& program,
                                                       const std::vector<uint32_t>& sections) {
  std::vector<fb::Offset<format::Constant>> list;
  for (size_t i = 0; i < program.constants.size(); ++i) {
    const auto name = Text(program.constants[i].name);
    list.push_back(format::CreateConstant(builder_, name, sections[i]));
  }
  return Numbers(list);
}

std::vector<uint8_t> Writer::Run(const Program& program, const SectionNumbers& numbers) {
  std::vector<fb::Offset<format::Input>> inputs;
  for (const Input& input : program.inputs) {
    const auto name = Text(input.name);
    inputs.push_back(format::CreateInput(builder_, name, ToTable(input.shape), input.index_limit));
  }
  std::vector<fb::Offset<format::Output>> outputs;
  for (const Output& output : program.outputs) {
    const auto name = Text(output.name);
    outputs.push_back(
        format::CreateOutput(builder_, name, ToTable(output.shape), output.aliased_input));
  }
  const auto name = Text(program.name);
  const auto platform = Text(program.platform);
  const auto options = Text(program.options);
  const auto modules = Modules(program, numbers);
  const auto constants = Constants(program, numbers.constants);
  const auto input_list = Numbers(inputs);
  const auto output_list = Numbers(outputs);
  const auto commands = Commands(program.commands);
  format::FinishProgramBuffer(
      builder_,
      format::CreateProgram(builder_, name, platform, program.driver_version, modules, constants,
                            input_list, output_list, program.arena_size, commands, options));
  const uint8_t* bytes = builder_.GetBufferPointer();
  return std::vector<uint8_t>(bytes, bytes + builder_.GetSize());
}

}  // namespace

std::vector<uint8_t> WriteMetadata(const Program& program, const SectionNumbers& numbers) {
  return Writer().Run(program, numbers);
}

}  // namespace ingot::runtime
