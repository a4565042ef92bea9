#include <algorithm>
#include <string>

#include "ir/base/status.h"
#include "runtime/metadata.h"
#include "runtime/program_generated.h"

namespace ingot::runtime {
namespace {

namespace fb = ::flatbuffers;

// A command is a table, its operation another, a branch a third.
constexpr int kMostTableDepth = 3 * kMaxCommandDepth + 8;

// Reads a verified FlatBuffer: offsets and sizes are right, fields may be absent, enums and unions
// may hold anything.  A buffer may name the same string or vector many times, so that it unpacks to
// far more than its size; `budget_` refuses what no writer of ours makes.
class Reader {
 public:
  Reader(int64_t bytes, SectionNumbers& numbers) : budget_(bytes), numbers_(numbers) {}

  absl::StatusOr<Program> Run(const format::Program& source);

 private:
  absl::Status Charge(int64_t bytes) {
    budget_ -= bytes;
    return budget_ >= 0 ? absl::OkStatus() : InvalidArgument("parts of the metadata are shared");
  }

  // The verifier lets a damaged buffer have them anywhere.
  static absl::Status CheckAligned(const void* address, size_t alignment) {
    return reinterpret_cast<uintptr_t>(address) % alignment == 0
               ? absl::OkStatus()
               : InvalidArgument("the metadata is not aligned");
  }

  absl::Status Text(const fb::String* source, std::string& out) {
    if (source == nullptr) return absl::OkStatus();
    INGOT_RETURN_IF_ERROR(Charge(source->size()));
    out.assign(source->c_str(), source->size());
    return absl::OkStatus();
  }
  absl::Status Type(const fb::String* source, ElementType& out);
  template <typename T, typename List>
  absl::Status Numbers(const fb::Vector<T>* source, List& out) {
    if (source == nullptr || source->size() == 0) return absl::OkStatus();
    INGOT_RETURN_IF_ERROR(Charge(int64_t{source->size()} * sizeof(T)));
    INGOT_RETURN_IF_ERROR(CheckAligned(source->Data(), sizeof(T)));
    out.assign(source->begin(), source->end());
    return absl::OkStatus();
  }
  template <size_t kSize>
  absl::Status Numbers(const fb::Vector<int64_t>* source, std::array<int64_t, kSize>& out) {
    if (source == nullptr || source->size() != kSize) {
      return InvalidArgument("a list of ", source == nullptr ? 0 : source->size(), " numbers, not ",
                             kSize);
    }
    INGOT_RETURN_IF_ERROR(CheckAligned(source->Data(), sizeof(int64_t)));
    std::copy(source->begin(), source->end(), out.begin());
    return absl::OkStatus();
  }
  // Calls read(element, out) for each element of a vector of tables; the tables are charged too.
  template <typename T, typename Out, typename Read>
  absl::Status List(const fb::Vector<fb::Offset<T>>* source, std::vector<Out>& out, Read read) {
    if (source == nullptr) return absl::OkStatus();
    INGOT_RETURN_IF_ERROR(Charge(int64_t{source->size()} * 8));  // the offset, and the table's own
    out.resize(source->size());
    for (uint32_t i = 0; i < source->size(); ++i) {
      INGOT_RETURN_IF_ERROR(read(*source->Get(i), out[i]));
    }
    return absl::OkStatus();
  }

  absl::Status Read(const format::Slice* source, BufferSlice& out);
  absl::Status Read(const format::Shape* source, Shape& out);
  absl::Status Read(const format::Module& source, CodeModule& out);
  absl::Status Read(const format::Argument& source, Argument& out);
  absl::Status Read(const format::TensorMap* source, TensorMap& out);
  absl::Status Read(const format::Launch& source, Operation& out);
  absl::Status Read(const format::Copy& source, Operation& out);
  absl::Status Read(const format::Fill& source, Operation& out);
  absl::Status Read(const format::While& source, Operation& out);
  absl::Status Read(const format::Conditional& source, Operation& out);
  absl::Status Read(const format::LibraryCall& source, Operation& out);
  absl::Status Read(const format::Dot& source, LibraryOperation& out);
  absl::Status Read(const format::Convolution& source, LibraryOperation& out);
  absl::Status Read(const format::Command& source, Command& out);
  absl::Status Commands(const fb::Vector<fb::Offset<format::Command>>* source,
                        std::vector<Command>& out) {
    return List(source, out,
                [this](const format::Command& from, Command& to) { return Read(from, to); });
  }

  int64_t budget_;
  SectionNumbers& numbers_;
};

Dim3 ToDim3(const format::Dim3* source) {
  return source == nullptr ? Dim3{} : Dim3{source->x(), source->y(), source->z()};
}

// The enums share their numbers with the format's, which metadata_write.cc asserts.
template <typename To, typename From>
absl::Status Enum(From value, From last, To& out) {
  if (value > last) {
    return InvalidArgument("an unknown value, ", static_cast<int>(value), ", of an enum");
  }
  out = static_cast<To>(value);
  return absl::OkStatus();
}

absl::Status Reader::Type(const fb::String* source, ElementType& out) {
  std::string name;
  INGOT_RETURN_IF_ERROR(Text(source, name));
  const std::optional<ElementType> type = ElementTypeFromName(name);
  if (!type.has_value()) return InvalidArgument("unknown element type '", name, "'");
  out = *type;
  return absl::OkStatus();
}

absl::Status Reader::Read(const format::Slice* source, BufferSlice& out) {
  if (source == nullptr) return InvalidArgument("a buffer is missing");
  INGOT_RETURN_IF_ERROR(CheckAligned(source, alignof(format::Slice)));
  out.offset = source->offset();
  out.size = source->size();
  out.index = source->index();
  return Enum(source->allocation(), format::Allocation::MAX, out.allocation);
}

absl::Status Reader::Read(const format::Shape* source, Shape& out) {
  if (source == nullptr) return InvalidArgument("a shape is missing");
  ElementType type;
  std::vector<int64_t> dimensions;
  std::vector<uint8_t> dynamic;
  INGOT_RETURN_IF_ERROR(Type(source->element_type(), type));
  INGOT_RETURN_IF_ERROR(Numbers(source->dimensions(), dimensions));
  INGOT_RETURN_IF_ERROR(Numbers(source->dynamic(), dynamic));
  if (!dynamic.empty() && dynamic.size() != dimensions.size()) {
    return InvalidArgument(dimensions.size(), " dimensions with ", dynamic.size(), " flags");
  }
  out = Shape::Array(type, std::move(dimensions));
  for (size_t i = 0; i < dynamic.size(); ++i) {
    out.set_dynamic(static_cast<int64_t>(i), dynamic[i] != 0);
  }
  if (source->has_layout()) {
    Layout layout;
    INGOT_RETURN_IF_ERROR(Numbers(source->minor_to_major(), layout.minor_to_major));
    out.set_layout(std::move(layout));
  }
  return absl::OkStatus();
}

absl::Status Reader::Read(const format::Module& source, CodeModule& out) {
  INGOT_RETURN_IF_ERROR(Text(source.name(), out.name));
  INGOT_RETURN_IF_ERROR(Text(source.architecture(), out.architecture));
  INGOT_RETURN_IF_ERROR(
      List(source.features(), out.features,
           [this](const fb::String& from, std::string& to) { return Text(&from, to); }));
  numbers_.modules.push_back(source.section());
  numbers_.ptx.push_back(source.ptx_section());
  return Enum(source.format(), format::CodeFormat::MAX, out.format);
}

absl::Status Reader::Read(const format::TensorMap* source, TensorMap& out) {
  if (source == nullptr) return InvalidArgument("a tensor map is missing");
  INGOT_RETURN_IF_ERROR(Type(source->element_type(), out.element_type));
  INGOT_RETURN_IF_ERROR(Numbers(source->dimensions(), out.dimensions));
  INGOT_RETURN_IF_ERROR(Numbers(source->byte_strides(), out.byte_strides));
  INGOT_RETURN_IF_ERROR(Numbers(source->box(), out.box));
  INGOT_RETURN_IF_ERROR(Numbers(source->element_strides(), out.element_strides));
  out.swizzle_bytes = source->swizzle_bytes();
  out.l2_promotion_bytes = source->l2_promotion_bytes();
  out.rounds_to_tf32 = source->rounds_to_tf32();
  out.fills_nan = source->fills_nan();
  INGOT_RETURN_IF_ERROR(Numbers(source->lower_corner(), out.lower_corner));
  INGOT_RETURN_IF_ERROR(Numbers(source->upper_corner(), out.upper_corner));
  return absl::OkStatus();
}

absl::Status Reader::Read(const format::Argument& source, Argument& out) {
  switch (source.kind()) {
    case format::ArgumentKind::Buffer: {
      BufferArgument argument;
      INGOT_RETURN_IF_ERROR(Read(source.slice(), argument.slice));
      INGOT_RETURN_IF_ERROR(Enum(source.access(), format::Access::MAX, argument.access));
      out = argument;
      return absl::OkStatus();
    }
    case format::ArgumentKind::Scalar:
      out = ScalarArgument{source.scalar_bits(), source.scalar_bytes()};
      return absl::OkStatus();
    case format::ArgumentKind::TensorMap: {
      TensorMapArgument argument;
      INGOT_RETURN_IF_ERROR(Read(source.slice(), argument.slice));
      INGOT_RETURN_IF_ERROR(Enum(source.access(), format::Access::MAX, argument.access));
      INGOT_RETURN_IF_ERROR(Read(source.tensor_map(), argument.map));
      out = std::move(argument);
      return absl::OkStatus();
    }
  }
  return InvalidArgument("an argument of unknown kind ", static_cast<int>(source.kind()));
}

absl::Status Reader::Read(const format::Launch& source, Operation& out) {
  Launch launch;
  launch.module = source.module_();
  launch.tasks = source.tasks();
  launch.grid = ToDim3(source.grid());
  launch.block = ToDim3(source.block());
  launch.cluster = ToDim3(source.cluster());
  launch.dynamic_shared_bytes = source.dynamic_shared_bytes();
  launch.cooperative = source.cooperative();
  launch.programmatic = source.programmatic();
  launch.resident = source.resident();
  INGOT_RETURN_IF_ERROR(Text(source.kernel(), launch.kernel));
  INGOT_RETURN_IF_ERROR(
      List(source.arguments(), launch.arguments,
           [this](const format::Argument& from, Argument& to) { return Read(from, to); }));
  out = std::move(launch);
  return absl::OkStatus();
}

absl::Status Reader::Read(const format::Copy& source, Operation& out) {
  Copy copy;
  INGOT_RETURN_IF_ERROR(Read(source.source(), copy.source));
  INGOT_RETURN_IF_ERROR(Read(source.destination(), copy.destination));
  INGOT_RETURN_IF_ERROR(Text(source.reason(), copy.reason));
  out = std::move(copy);
  return absl::OkStatus();
}

absl::Status Reader::Read(const format::Fill& source, Operation& out) {
  Fill fill;
  fill.pattern = source.pattern();
  fill.pattern_bytes = source.pattern_bytes();
  INGOT_RETURN_IF_ERROR(Read(source.destination(), fill.destination));
  out = fill;
  return absl::OkStatus();
}

absl::Status Reader::Read(const format::While& source, Operation& out) {
  While loop;
  INGOT_RETURN_IF_ERROR(Commands(source.condition(), loop.condition));
  INGOT_RETURN_IF_ERROR(Read(source.predicate(), loop.predicate));
  INGOT_RETURN_IF_ERROR(Commands(source.body(), loop.body));
  loop.trip_count = source.trip_count();
  out = std::move(loop);
  return absl::OkStatus();
}

absl::Status Reader::Read(const format::Conditional& source, Operation& out) {
  Conditional conditional;
  INGOT_RETURN_IF_ERROR(Enum(source.selector(), format::Selector::MAX, conditional.selector));
  INGOT_RETURN_IF_ERROR(Read(source.index(), conditional.index));
  INGOT_RETURN_IF_ERROR(List(source.branches(), conditional.branches,
                             [this](const format::Branch& from, std::vector<Command>& to) {
                               return Commands(from.commands(), to);
                             }));
  out = std::move(conditional);
  return absl::OkStatus();
}

absl::Status Reader::Read(const format::Dot& source, LibraryOperation& out) {
  DotCall dot;
  std::array<int64_t, 4> sizes;
  INGOT_RETURN_IF_ERROR(Type(source.lhs_type(), dot.lhs_type));
  INGOT_RETURN_IF_ERROR(Type(source.rhs_type(), dot.rhs_type));
  INGOT_RETURN_IF_ERROR(Type(source.output_type(), dot.output_type));
  INGOT_RETURN_IF_ERROR(Numbers(source.sizes(), sizes));
  INGOT_RETURN_IF_ERROR(Numbers(source.lhs_strides(), dot.lhs_strides));
  INGOT_RETURN_IF_ERROR(Numbers(source.rhs_strides(), dot.rhs_strides));
  INGOT_RETURN_IF_ERROR(Numbers(source.output_strides(), dot.output_strides));
  dot.batch = sizes[0], dot.m = sizes[1], dot.n = sizes[2], dot.k = sizes[3];
  out = dot;
  return absl::OkStatus();
}

absl::Status Reader::Read(const format::Convolution& source, LibraryOperation& out) {
  ConvolutionCall conv;
  std::array<int64_t, 4> sizes;
  INGOT_RETURN_IF_ERROR(Type(source.input_type(), conv.input_type));
  INGOT_RETURN_IF_ERROR(Type(source.filter_type(), conv.filter_type));
  INGOT_RETURN_IF_ERROR(Type(source.output_type(), conv.output_type));
  INGOT_RETURN_IF_ERROR(Numbers(source.sizes(), sizes));
  conv.batch = sizes[0], conv.groups = sizes[1];
  conv.input_channels = sizes[2], conv.output_channels = sizes[3];
  INGOT_RETURN_IF_ERROR(Numbers(source.input_spatial(), conv.input_spatial));
  INGOT_RETURN_IF_ERROR(Numbers(source.filter_spatial(), conv.filter_spatial));
  INGOT_RETURN_IF_ERROR(Numbers(source.output_spatial(), conv.output_spatial));
  INGOT_RETURN_IF_ERROR(Numbers(source.input_strides(), conv.input_strides));
  INGOT_RETURN_IF_ERROR(Numbers(source.filter_strides(), conv.filter_strides));
  INGOT_RETURN_IF_ERROR(Numbers(source.output_strides(), conv.output_strides));
  INGOT_RETURN_IF_ERROR(Numbers(source.window_strides(), conv.window_strides));
  INGOT_RETURN_IF_ERROR(Numbers(source.window_dilation(), conv.window_dilation));
  INGOT_RETURN_IF_ERROR(Numbers(source.padding_low(), conv.padding_low));
  INGOT_RETURN_IF_ERROR(Numbers(source.padding_high(), conv.padding_high));
  out = std::move(conv);
  return absl::OkStatus();
}

absl::Status Reader::Read(const format::LibraryCall& source, Operation& out) {
  LibraryCall call;
  if (const format::Dot* dot = source.operation_as_Dot()) {
    INGOT_RETURN_IF_ERROR(Read(*dot, call.operation));
  } else if (const format::Convolution* conv = source.operation_as_Convolution()) {
    INGOT_RETURN_IF_ERROR(Read(*conv, call.operation));
  } else {
    return InvalidArgument("a library operation of unknown kind ",
                           static_cast<int>(source.operation_type()));
  }
  if (source.inputs() != nullptr) {
    INGOT_RETURN_IF_ERROR(Charge(int64_t{source.inputs()->size()} * sizeof(format::Slice)));
    for (const format::Slice* slice : *source.inputs()) {
      INGOT_RETURN_IF_ERROR(Read(slice, call.inputs.emplace_back()));
    }
  }
  INGOT_RETURN_IF_ERROR(Read(source.output(), call.output));
  INGOT_RETURN_IF_ERROR(Commands(source.fallback(), call.fallback));
  out = std::move(call);
  return absl::OkStatus();
}

absl::Status Reader::Read(const format::Command& source, Command& out) {
  INGOT_RETURN_IF_ERROR(Text(source.label(), out.label));
  out.bytes = source.bytes();
  out.flops = source.flops();
  if (source.operation() != nullptr) {
    switch (source.operation_type()) {
      case format::Operation::NONE:
        break;
      case format::Operation::Launch:
        return Read(*source.operation_as_Launch(), out.operation);
      case format::Operation::Copy:
        return Read(*source.operation_as_Copy(), out.operation);
      case format::Operation::Fill:
        return Read(*source.operation_as_Fill(), out.operation);
      case format::Operation::While:
        return Read(*source.operation_as_While(), out.operation);
      case format::Operation::Conditional:
        return Read(*source.operation_as_Conditional(), out.operation);
      case format::Operation::LibraryCall:
        return Read(*source.operation_as_LibraryCall(), out.operation);
    }
  }
  return InvalidArgument("command '", out.label, "' of unknown kind ",
                         static_cast<int>(source.operation_type()));
}

absl::StatusOr<Program> Reader::Run(const format::Program& source) {
  Program program;
  INGOT_RETURN_IF_ERROR(Text(source.name(), program.name));
  INGOT_RETURN_IF_ERROR(Text(source.platform(), program.platform));
  INGOT_RETURN_IF_ERROR(Text(source.options(), program.options));
  program.driver_version = source.driver_version();
  program.arena_size = source.arena_size();
  INGOT_RETURN_IF_ERROR(
      List(source.modules(), program.modules,
           [this](const format::Module& from, CodeModule& to) { return Read(from, to); }));
  INGOT_RETURN_IF_ERROR(List(source.constants(), program.constants,
                             [this](const format::Constant& from, Constant& to) {
                               numbers_.constants.push_back(from.section());
                               return Text(from.name(), to.name);
                             }));
  INGOT_RETURN_IF_ERROR(
      List(source.inputs(), program.inputs, [this](const format::Input& from, Input& to) {
        INGOT_RETURN_IF_ERROR(Text(from.name(), to.name));
        to.index_limit = from.index_limit();
        return Read(from.shape(), to.shape);
      }));
  INGOT_RETURN_IF_ERROR(
      List(source.outputs(), program.outputs, [this](const format::Output& from, Output& to) {
        INGOT_RETURN_IF_ERROR(Text(from.name(), to.name));
        to.aliased_input = from.aliased_input();
        return Read(from.shape(), to.shape);
      }));
  INGOT_RETURN_IF_ERROR(Commands(source.commands(), program.commands));
  return program;
}

}  // namespace

absl::StatusOr<Program> ReadMetadata(absl::Span<const uint8_t> bytes, SectionNumbers& numbers) {
  // A table takes at least four bytes.
  const auto most_tables = static_cast<fb::uoffset_t>(bytes.size() / 4 + 1);
  fb::Verifier verifier(bytes.data(), bytes.size(), kMostTableDepth, most_tables);
  if (bytes.size() < 8 || !format::ProgramBufferHasIdentifier(bytes.data()) ||
      !format::VerifyProgramBuffer(verifier)) {
    return InvalidArgument("the metadata is not well-formed");
  }
  return Reader(static_cast<int64_t>(bytes.size()), numbers).Run(*format::GetProgram(bytes.data()));
}

}  // namespace ingot::runtime
