#include "runtime/program.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace ingot::runtime {
namespace {

// "512 B", "4.0 KB", "1.2 MB": decimal units.
std::string Bytes(int64_t bytes) {
  constexpr const char* kUnits[] = {"KB", "MB", "GB", "TB", "PB", "EB"};
  if (bytes < 1000) return absl::StrCat(bytes, " B");
  double value = static_cast<double>(bytes) / 1000;
  int unit = 0;
  while (value >= 999.95) {
    value /= 1000;
    ++unit;
  }
  const auto tenths = static_cast<int64_t>(value * 10 + 0.5);
  return absl::StrCat(tenths / 10, ".", tenths % 10, " ", kUnits[unit]);
}

// `value` in `width` columns or more; not with StrFormat, which a shared library cannot link
// (Debian's archive of it is not position-independent).
std::string Right(int width, int64_t value) {
  const std::string text = absl::StrCat(value);
  return std::string(std::max<int>(0, width - static_cast<int>(text.size())), ' ') + text;
}
std::string Left(int width, const std::string& text) {
  return text + std::string(std::max<int>(0, width - static_cast<int>(text.size())), ' ');
}

// "1.2 M": decimal, for counts of operations.
std::string Count(int64_t count) {
  std::string text = Bytes(count);
  text.pop_back();
  return text;
}

std::string Text(const Dim3& dim) {
  return dim.y == 1 && dim.z == 1 ? absl::StrCat(dim.x)
                                  : absl::StrCat(dim.x, "x", dim.y, "x", dim.z);
}

// Every slice that a command names, in the order of its text.
template <typename F>
struct SliceVisitor {
  const F& f;
  void operator()(const BufferArgument& argument) const { f(argument.slice); }
  void operator()(const ScalarArgument&) const {}
  void operator()(const TensorMapArgument& argument) const { f(argument.slice); }

  void operator()(const Launch& launch) const {
    for (const Argument& argument : launch.arguments) std::visit(*this, argument);
  }
  void operator()(const Copy& copy) const {
    f(copy.source);
    f(copy.destination);
  }
  void operator()(const Fill& fill) const { f(fill.destination); }
  void operator()(const While& loop) const {
    All(loop.condition);
    f(loop.predicate);
    All(loop.body);
  }
  void operator()(const Conditional& conditional) const {
    f(conditional.index);
    for (const std::vector<Command>& branch : conditional.branches) All(branch);
  }
  void operator()(const LibraryCall& call) const {
    for (const BufferSlice& slice : call.inputs) f(slice);
    f(call.output);
    All(call.fallback);
  }
  void All(const std::vector<Command>& commands) const {
    for (const Command& command : commands) std::visit(*this, command.operation);
  }
};

class Printer {
 public:
  explicit Printer(const Program& program) : program_(program) {}

  std::string Run() {
    absl::StrAppend(&text_, "program ", program_.name, " for ", program_.platform);
    if (program_.driver_version > 0) {
      absl::StrAppend(&text_, ", driver ", program_.driver_version / 1000, ".",
                      program_.driver_version % 1000 / 10);
    }
    if (!program_.options.empty()) absl::StrAppend(&text_, ", ", program_.options);
    text_ += "\n";
    Modules();
    Inputs();
    Outputs();
    Constants();
    Arena();
    text_ += "\ncommands\n";
    Commands(program_.commands, 1);
    return std::move(text_);
  }

  void operator()(const Launch& launch);
  void operator()(const Copy& copy) {
    absl::StrAppend(&text_, "copy ", Slice(copy.destination), " <- ", Slice(copy.source));
    if (!copy.reason.empty()) absl::StrAppend(&text_, " (", copy.reason, ")");
  }
  void operator()(const Fill& fill) {
    absl::StrAppend(&text_, "fill ", Slice(fill.destination), " <- 0x",
                    absl::Hex(fill.pattern, absl::kZeroPad2));
  }
  void operator()(const While& loop) {
    absl::StrAppend(&text_, "while ", Slice(loop.predicate));
    if (loop.trip_count >= 0) absl::StrAppend(&text_, ", ", loop.trip_count, " times");
  }
  void operator()(const Conditional& conditional) {
    absl::StrAppend(&text_, conditional.selector == Selector::kPred ? "if " : "switch ",
                    Slice(conditional.index));
  }
  void operator()(const LibraryCall& call) {
    absl::StrAppend(
        &text_, "library ", Slice(call.output), " <- ", ToString(call.operation), " (",
        absl::StrJoin(call.inputs, ", ",
                      [this](std::string* out, const BufferSlice& slice) { *out += Slice(slice); }),
        ")");
  }

  std::string operator()(const BufferArgument& argument) const {
    constexpr const char* kMarks[] = {"", "-> ", "<-> "};
    return absl::StrCat(kMarks[static_cast<int>(argument.access)], Slice(argument.slice));
  }
  std::string operator()(const ScalarArgument& argument) const {
    return absl::StrCat("0x", absl::Hex(argument.bits), ":", 8 * argument.bytes);
  }
  std::string operator()(const TensorMapArgument& argument) const {
    constexpr const char* kMarks[] = {"", "-> ", "<-> "};
    return absl::StrCat(kMarks[static_cast<int>(argument.access)], "tensormap<",
                        Slice(argument.slice), ", ", argument.map.ToString(), ">");
  }

 private:
  std::string Slice(const BufferSlice& slice) const { return ToString(program_, slice); }
  void Modules();
  void Inputs();
  void Outputs();
  void Constants();
  void Arena();
  void Commands(const std::vector<Command>& commands, int depth);
  void Block(absl::string_view title, const std::vector<Command>& commands, int depth) {
    absl::StrAppend(&text_, std::string(2 * depth + 4, ' '), title, "\n");
    Commands(commands, depth + 3);
  }
  void Nested(const Operation& operation, int depth);

  const Program& program_;
  std::string text_;
};

void Printer::Modules() {
  if (!program_.modules.empty()) text_ += "\ncode\n";
  for (size_t i = 0; i < program_.modules.size(); ++i) {
    const CodeModule& module = program_.modules[i];
    absl::StrAppend(&text_, Right(4, i), "  ", Left(20, module.name), " ", module.architecture, " ",
                    CodeFormatName(module.format), ", ");
    text_ += module.format == CodeFormat::kFunctions
                 ? absl::StrCat(module.functions.size(), " functions")
                 : Bytes(module.bytes.size());
    if (module.ptx.size() > 0) absl::StrAppend(&text_, ", PTX of ", Bytes(module.ptx.size()));
    if (!module.features.empty()) {
      absl::StrAppend(&text_, ", needs ", absl::StrJoin(module.features, " "));
    }
    text_ += "\n";
  }
}

std::string ShapeSize(const Shape& shape) {
  return shape.Validate().ok() && !shape.HasDynamicDimension() ? Bytes(shape.ByteSize()) : "?";
}

void Printer::Inputs() {
  if (!program_.inputs.empty()) text_ += "\ninputs\n";
  for (size_t i = 0; i < program_.inputs.size(); ++i) {
    const Input& input = program_.inputs[i];
    absl::StrAppend(&text_, Right(4, i), "  ", Left(20, input.name), " ", input.shape.ToString(),
                    ", ", ShapeSize(input.shape), "\n");
  }
}

void Printer::Outputs() {
  if (!program_.outputs.empty()) text_ += "\noutputs\n";
  for (size_t i = 0; i < program_.outputs.size(); ++i) {
    const Output& output = program_.outputs[i];
    absl::StrAppend(&text_, Right(4, i), "  ", Left(20, output.name), " ", output.shape.ToString(),
                    ", ", ShapeSize(output.shape));
    if (output.aliased_input >= 0) {
      absl::StrAppend(&text_, ", in place of input ", output.aliased_input);
    }
    text_ += "\n";
  }
}

void Printer::Constants() {
  if (!program_.constants.empty()) text_ += "\nconstants\n";
  for (size_t i = 0; i < program_.constants.size(); ++i) {
    const Constant& constant = program_.constants[i];
    absl::StrAppend(&text_, Right(4, i), "  ", Left(20, constant.name), " ",
                    Bytes(constant.bytes.size()), "\n");
  }
}

// Which bytes of the arena are in use from which command to which: each distinct slice, by offset.
void Printer::Arena() {
  struct Use {
    BufferSlice slice;
    size_t first, last;
  };
  std::vector<Use> uses;
  for (size_t i = 0; i < program_.commands.size(); ++i) {
    const auto note = [&](const BufferSlice& slice) {
      if (slice.allocation == Allocation::kArena) uses.push_back({slice, i, i});
    };
    std::visit(SliceVisitor<decltype(note)>{note}, program_.commands[i].operation);
  }
  std::sort(uses.begin(), uses.end(), [](const Use& a, const Use& b) {
    return std::tie(a.slice.offset, a.slice.size, a.first) <
           std::tie(b.slice.offset, b.slice.size, b.first);
  });
  absl::StrAppend(&text_, "\narena ", program_.arena_size, " bytes\n");
  if (!uses.empty()) text_ += "          offset            size  commands\n";
  for (size_t i = 0; i < uses.size();) {
    Use use = uses[i];
    for (; i < uses.size() && uses[i].slice == use.slice; ++i) use.last = uses[i].last;
    absl::StrAppend(&text_, Right(16, use.slice.offset), Right(16, use.slice.size), "  ", use.first,
                    "..", use.last, "  ", program_.commands[use.first].label, "\n");
  }
}

void Printer::operator()(const Launch& launch) {
  absl::StrAppend(&text_, "launch ", launch.module, ":", launch.kernel);
  if (program_.platform == "host") {
    absl::StrAppend(&text_, " tasks ", launch.tasks);
  } else {
    absl::StrAppend(&text_, " grid ", Text(launch.grid), " block ", Text(launch.block));
    if (launch.cluster != Dim3{}) absl::StrAppend(&text_, " cluster ", Text(launch.cluster));
    if (launch.dynamic_shared_bytes > 0) {
      absl::StrAppend(&text_, " shared ", launch.dynamic_shared_bytes);
    }
    if (launch.resident) text_ += " resident";
    if (launch.cooperative) text_ += " cooperative";
    if (launch.programmatic) text_ += " programmatic";
  }
  absl::StrAppend(&text_, " (",
                  absl::StrJoin(launch.arguments, ", ",
                                [this](std::string* out, const Argument& argument) {
                                  *out += std::visit(std::as_const(*this), argument);
                                }),
                  ")");
}

void Printer::Commands(const std::vector<Command>& commands, int depth) {
  if (depth > 3 * kMaxCommandDepth) return;  // Validate refuses such a program
  for (size_t i = 0; i < commands.size(); ++i) {
    const Command& command = commands[i];
    absl::StrAppend(&text_, Right(2 * depth + 2, i), "  ", Left(24, command.label), " ");
    std::visit(*this, command.operation);
    if (command.bytes > 0) absl::StrAppend(&text_, "  ", Bytes(command.bytes));
    if (command.flops > 0) absl::StrAppend(&text_, "  ", Count(command.flops), "FLOP");
    text_ += "\n";
    Nested(command.operation, depth);
  }
}

void Printer::Nested(const Operation& operation, int depth) {
  if (const auto* loop = std::get_if<While>(&operation)) {
    Block("condition", loop->condition, depth);
    Block("body", loop->body, depth);
  } else if (const auto* conditional = std::get_if<Conditional>(&operation)) {
    for (size_t i = 0; i < conditional->branches.size(); ++i) {
      Block(absl::StrCat("branch ", i), conditional->branches[i], depth);
    }
  } else if (const auto* call = std::get_if<LibraryCall>(&operation)) {
    Block("fallback", call->fallback, depth);
  }
}

}  // namespace

SharedBytes SharedBytes::Own(std::vector<uint8_t> bytes) {
  auto owner = std::make_shared<std::vector<uint8_t>>(std::move(bytes));
  return SharedBytes(owner, *owner);
}

absl::string_view CodeFormatName(CodeFormat format) {
  switch (format) {
    case CodeFormat::kElfObject:
      return "elf-object";
    case CodeFormat::kCubin:
      return "cubin";
    case CodeFormat::kPtx:
      return "ptx";
    case CodeFormat::kKernelText:
      return "kernel-text";
    case CodeFormat::kFunctions:
      return "functions";
  }
  return "unknown";
}

std::optional<int64_t> AllocationSize(const Program& program, const BufferSlice& slice) {
  const auto in = [&](const auto& list) {
    return slice.index >= 0 && slice.index < static_cast<int64_t>(list.size());
  };
  switch (slice.allocation) {
    case Allocation::kArena:
      if (slice.index == 0) return program.arena_size;
      break;
    case Allocation::kInput:
      if (in(program.inputs)) return program.inputs[slice.index].shape.ByteSize();
      break;
    case Allocation::kOutput:
      if (in(program.outputs)) return program.outputs[slice.index].shape.ByteSize();
      break;
    case Allocation::kConstant:
      if (in(program.constants)) return program.constants[slice.index].bytes.size();
      break;
  }
  return std::nullopt;
}

std::string ToString(const Program& program, const BufferSlice& slice) {
  constexpr const char* kNames[] = {"arena", "input ", "output ", "constant "};
  std::string text = kNames[static_cast<int>(slice.allocation)];
  if (slice.allocation != Allocation::kArena) absl::StrAppend(&text, slice.index);
  const std::optional<int64_t> bytes = AllocationSize(program, slice);
  if (slice.allocation != Allocation::kArena && slice.offset == 0 && slice.size == bytes) {
    return text;
  }
  return absl::StrCat(text, "[", slice.offset, " +", slice.size, "]");
}

std::string ToString(const Program& program) { return Printer(program).Run(); }

}  // namespace ingot::runtime
