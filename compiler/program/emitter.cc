#include "compiler/program/emitter.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "compiler/buffers/buffers.h"
#include "ir/analysis/leaves.h"
#include "ir/base/check.h"
#include "ir/base/status.h"

namespace ingot::program {
namespace {

using runtime::Allocation;
using runtime::BufferSlice;
using runtime::Command;

// Where the arrays of a value are.
using Leaves = std::vector<BufferSlice>;
using Values = LeafValues<BufferSlice>;

// Constants up to this size share one allocation.
constexpr int64_t kSmallConstantBytes = 4096;
constexpr int64_t kSmallConstantAlignment = 64;

// Of ArenaUse::at_peak.
constexpr size_t kPeakValues = 5;

// A launch of the kernel, without arguments.
runtime::Launch LaunchOf(const KernelEntry& kernel) {
  const auto dim3 = [](const auto& extents) {
    return runtime::Dim3{static_cast<uint32_t>(extents[0]), static_cast<uint32_t>(extents[1]),
                         static_cast<uint32_t>(extents[2])};
  };
  runtime::Launch launch;
  launch.module = kernel.module;
  launch.kernel = kernel.name;
  launch.tasks = kernel.launch.tasks;
  launch.grid = dim3(kernel.launch.grid);
  launch.block = dim3(kernel.launch.block);
  launch.cluster = dim3(kernel.launch.cluster);
  launch.dynamic_shared_bytes = static_cast<uint32_t>(kernel.launch.dynamic_shared_bytes);
  launch.cooperative = kernel.launch.cooperative;
  launch.programmatic = kernel.launch.programmatic;
  return launch;
}

// While a program is put together, a slice of the arena names a virtual buffer by its index and an
// offset into it.
class Emitter {
 public:
  Emitter(const Signature& signature, const FusionTable& fusions, const Target& target)
      : target_(target), fusions_(fusions) {
    program_.inputs = signature.inputs;
    program_.outputs = signature.outputs;
    program_.platform = std::string(PlatformName(target));
  }

  absl::StatusOr<EmittedProgram> Run(const Module& module);

 private:
  struct VirtualBuffer {
    std::string name;  // as ArenaUse::Value
    buffers::Lifetime lifetime;
    bool used = false;
    int32_t output = -1;  // lives in this output rather than in the arena
  };

  absl::Status EmitComputation(const Computation& computation, Values& values,
                               std::vector<Command>& commands);
  absl::StatusOr<Leaves> EmitInstruction(const Instruction& instruction, const Values& values,
                                         std::vector<Command>& commands);
  absl::StatusOr<Leaves> EmitFusion(const Instruction& fusion, const Values& values,
                                    std::vector<Command>& commands);
  // The memory that a fusion's kernels work on.
  struct FusionBuffers {
    Leaves operands, results, scratch;
  };
  void EmitLaunches(const Instruction& fusion, const FusionEntry& entry,
                    const FusionBuffers& buffers, std::vector<Command>& commands);
  absl::StatusOr<Leaves> EmitWhile(const Instruction& loop, const Values& values,
                                   std::vector<Command>& commands);
  absl::StatusOr<Leaves> EmitConditional(const Instruction& conditional, const Values& values,
                                         std::vector<Command>& commands);
  absl::StatusOr<Leaves> EmitConstant(const Literal& literal, absl::string_view name);
  void EmitOutputs(const Leaves& results, std::vector<Command>& commands);

  // The leaves that a computation leaves behind when its parameters are `arguments`, one list a
  // parameter.
  absl::StatusOr<Leaves> EmitCallee(const Computation& callee, absl::Span<const Leaves> arguments,
                                    std::vector<Command>& commands);

  BufferSlice NewBuffer(int64_t size, std::string name);
  // For leaf `leaf` of what the instruction computes, or for all of them.
  BufferSlice NewLeaf(const Instruction& instruction, const std::vector<Shape>& leaves,
                      size_t leaf);
  Leaves NewLeaves(const Instruction& instruction);
  // For what a fusion computes; some are buffers of operands that nobody reads any more.
  Leaves ResultBuffers(const Instruction& fusion, const plan::FusionPlan& plan,
                       const Leaves& operands);
  void Touch(const BufferSlice& slice);
  void AddCommand(std::vector<Command>& commands, Command command,
                  absl::Span<const BufferSlice> touched);
  void EmitCopy(std::vector<Command>& commands, absl::string_view label, const BufferSlice& from,
                const BufferSlice& to);
  void EmitCopies(std::vector<Command>& commands, absl::string_view label, const Leaves& from,
                  const Leaves& to);
  // Where a loop starts: the commands and the touches before it.
  struct LoopStart {
    int64_t position;
    size_t touches;
  };
  LoopStart OpenLoop() const { return {position_, touches_.size()}; }
  // Keeps what lived before the loop and was used in it alive to its end.
  void CloseLoop(const LoopStart& start);

  void PlaceBuffers();
  void Place(BufferSlice& slice) const;
  void PlaceCommands(std::vector<Command>& commands) const;

  const Target& target_;
  runtime::Program program_;
  const FusionTable& fusions_;
  std::vector<VirtualBuffer> buffers_;
  std::vector<int64_t> offsets_;
  std::vector<uint8_t> small_constants_;
  std::vector<int32_t> touches_;  // virtual buffers in the order of their uses
  LeafBegins leaf_begins_;
  ArenaUse arena_;
  int64_t position_ = 0;  // commands emitted so far, nested ones included
};

BufferSlice Emitter::NewBuffer(int64_t size, std::string name) {
  buffers_.emplace_back();
  buffers_.back().name = std::move(name);
  buffers_.back().lifetime.size = size;
  return {Allocation::kArena, static_cast<int32_t>(buffers_.size() - 1), 0, size};
}

BufferSlice Emitter::NewLeaf(const Instruction& instruction, const std::vector<Shape>& leaves,
                             size_t leaf) {
  const Shape& shape = leaves[leaf];
  const std::string index = instruction.shape().IsTuple() ? absl::StrCat("{", leaf, "}") : "";
  return NewBuffer(shape.ByteSize(), absl::StrCat(instruction.name(), index, " ",
                                                  shape.ToString(/*with_layout=*/false)));
}

Leaves Emitter::NewLeaves(const Instruction& instruction) {
  const std::vector<Shape> shapes = LeafShapes(instruction.shape());
  Leaves leaves;
  for (size_t i = 0; i < shapes.size(); ++i) leaves.push_back(NewLeaf(instruction, shapes, i));
  return leaves;
}

void Emitter::Touch(const BufferSlice& slice) {
  if (slice.allocation != Allocation::kArena) return;
  VirtualBuffer& buffer = buffers_[slice.index];
  if (!buffer.used) buffer.lifetime.first = position_;
  buffer.used = true;
  buffer.lifetime.last = position_;
  touches_.push_back(slice.index);
}

void Emitter::AddCommand(std::vector<Command>& commands, Command command,
                         absl::Span<const BufferSlice> touched) {
  for (const BufferSlice& slice : touched) Touch(slice);
  ++position_;
  commands.push_back(std::move(command));
}

void Emitter::EmitCopy(std::vector<Command>& commands, absl::string_view label,
                       const BufferSlice& from, const BufferSlice& to) {
  if (from == to) return;
  AddCommand(commands, {std::string(label), runtime::Copy{from, to}, 2 * from.size, 0}, {from, to});
}

// The copies happen as if at once: what is overwritten and still needed goes through a buffer of
// its own first.
void Emitter::EmitCopies(std::vector<Command>& commands, absl::string_view label,
                         const Leaves& from, const Leaves& to) {
  Leaves sources = from;
  for (size_t i = 0; i < sources.size(); ++i) {
    if (sources[i] == to[i] || std::find(to.begin(), to.end(), sources[i]) == to.end()) continue;
    const BufferSlice aside = NewBuffer(sources[i].size, absl::StrCat(label, " aside"));
    EmitCopy(commands, label, sources[i], aside);
    sources[i] = aside;
  }
  for (size_t i = 0; i < sources.size(); ++i) EmitCopy(commands, label, sources[i], to[i]);
}

void Emitter::CloseLoop(const LoopStart& start) {
  for (size_t i = start.touches; i < touches_.size(); ++i) {
    buffers::Lifetime& lifetime = buffers_[touches_[i]].lifetime;
    if (lifetime.first < start.position) lifetime.last = position_;
  }
}

absl::Status Emitter::EmitComputation(const Computation& computation, Values& values,
                                      std::vector<Command>& commands) {
  for (const Instruction* instruction : computation.instructions()) {
    if (instruction->opcode() == Opcode::kParameter) continue;
    INGOT_ASSIGN_OR_RETURN(Leaves leaves, EmitInstruction(*instruction, values, commands));
    values[instruction] = std::move(leaves);
  }
  return absl::OkStatus();
}

absl::StatusOr<Leaves> Emitter::EmitCallee(const Computation& callee,
                                           absl::Span<const Leaves> arguments,
                                           std::vector<Command>& commands) {
  Values values;
  for (size_t i = 0; i < callee.parameters().size(); ++i)
    values[callee.parameters()[i]] = arguments[i];
  INGOT_RETURN_IF_ERROR(EmitComputation(callee, values, commands));
  return values.at(callee.root());
}

absl::StatusOr<Leaves> Emitter::EmitInstruction(const Instruction& instruction,
                                                const Values& values,
                                                std::vector<Command>& commands) {
  if (auto passed_on = PassedOnLeaves(instruction, values, leaf_begins_)) {
    return *std::move(passed_on);
  }
  switch (instruction.opcode()) {
    case Opcode::kConstant:
      return EmitConstant(instruction.literal(), instruction.name());
    case Opcode::kFusion:
      return EmitFusion(instruction, values, commands);
    case Opcode::kWhile:
      return EmitWhile(instruction, values, commands);
    case Opcode::kConditional:
      return EmitConditional(instruction, values, commands);
    default:
      return Unimplemented(instruction.name(), ": ", OpcodeName(instruction.opcode()),
                           " cannot be compiled for ", target_.name);
  }
}

absl::StatusOr<Leaves> Emitter::EmitConstant(const Literal& literal, absl::string_view name) {
  Leaves leaves;
  if (literal.shape().IsTuple()) {
    for (const Literal& element : literal.tuple()) {
      INGOT_ASSIGN_OR_RETURN(Leaves part, EmitConstant(element, name));
      leaves.insert(leaves.end(), part.begin(), part.end());
    }
    return leaves;
  }
  if (literal.is_elided()) {
    return InvalidArgument(name, ": the value of this constant was left out of the text ({...})");
  }
  const auto* data = reinterpret_cast<const uint8_t*>(literal.bytes().data());
  const int64_t size = static_cast<int64_t>(literal.bytes().size());
  if (size <= kSmallConstantBytes) {
    // Constant 0 holds the small ones; its bytes are set when all are known.
    const int64_t offset =
        (static_cast<int64_t>(small_constants_.size()) + kSmallConstantAlignment - 1) &
        -kSmallConstantAlignment;
    small_constants_.resize(offset + size);
    std::copy(data, data + size, small_constants_.begin() + offset);
    return Leaves{{Allocation::kConstant, 0, offset, size}};
  }
  auto owner = std::make_shared<Literal>(literal);
  program_.constants.push_back(
      {std::string(name), runtime::SharedBytes(owner, absl::MakeSpan(data, size))});
  return Leaves{
      {Allocation::kConstant, static_cast<int32_t>(program_.constants.size() - 1), 0, size}};
}

Leaves Emitter::ResultBuffers(const Instruction& fusion, const plan::FusionPlan& plan,
                              const Leaves& operands) {
  const absl::Span<const int> last = fusions_.LastReadsOf(fusion);
  const std::vector<Shape> shapes = LeafShapes(fusion.shape());
  Leaves results;
  for (size_t i = 0; i < shapes.size(); ++i) {
    const auto pair = std::find_if(
        plan.in_place.begin(), plan.in_place.end(), [&](const plan::InPlacePair& in_place) {
          return in_place.result == static_cast<int>(i) &&
                 std::binary_search(last.begin(), last.end(), in_place.operand);
        });
    if (pair == plan.in_place.end()) {
      results.push_back(NewLeaf(fusion, shapes, i));
      continue;
    }
    const BufferSlice& memory = operands[pair->operand];
    INGOT_CHECK(memory.allocation == Allocation::kArena && memory.offset == 0 &&
                memory.size == shapes[i].ByteSize() &&
                memory.size == buffers_[memory.index].lifetime.size)
        << fusion.name() << ": result " << i << " is not as large as operand " << pair->operand;
    results.push_back(memory);
  }
  return results;
}

absl::StatusOr<Leaves> Emitter::EmitFusion(const Instruction& fusion, const Values& values,
                                           std::vector<Command>& commands) {
  const FusionEntry& entry = fusions_.EntryOf(*fusion.called_computations()[0]);
  FusionBuffers buffers;
  for (const Instruction* operand : fusion.operands()) {
    const Leaves& leaves = values.at(operand);
    if (leaves.size() != 1)
      return Unimplemented(fusion.name(), ": a fusion with a tuple for a parameter");
    buffers.operands.push_back(leaves[0]);
  }
  buffers.results = ResultBuffers(fusion, entry.plan, buffers.operands);
  for (const plan::Scratch& scratch : entry.plan.scratch) {
    buffers.scratch.push_back(
        NewBuffer(scratch.shape.ByteSize(), absl::StrCat(fusion.name(), " scratch")));
  }
  if (!entry.plan.library.has_value()) {
    EmitLaunches(fusion, entry, buffers, commands);
    return buffers.results;
  }
  runtime::LibraryCall call;
  call.operation = entry.plan.library->operation;
  for (int64_t parameter : entry.plan.library->parameters) {
    call.inputs.push_back(buffers.operands[parameter]);
  }
  call.output = buffers.results[0];
  const int64_t bytes = entry.plan.kernels[0].bytes;
  const int64_t flops = entry.plan.kernels[0].flops;
  std::vector<BufferSlice> touched = call.inputs;
  touched.push_back(call.output);
  EmitLaunches(fusion, entry, buffers, call.fallback);
  AddCommand(commands, {fusion.name(), std::move(call), bytes, flops}, touched);
  return buffers.results;
}

void Emitter::EmitLaunches(const Instruction& fusion, const FusionEntry& entry,
                           const FusionBuffers& buffers, std::vector<Command>& commands) {
  for (size_t i = 0; i < entry.kernels.size(); ++i) {
    const plan::KernelPlan& plan = entry.plan.kernels[i];
    runtime::Launch launch = LaunchOf(entry.kernels[i]);
    std::vector<BufferSlice> touched;
    const auto add_argument = [&](const BufferSlice& slice, runtime::Access access) {
      launch.arguments.push_back(runtime::BufferArgument{slice, access});
      touched.push_back(slice);
    };
    for (const plan::BufferRole& role : plan.buffers) {
      switch (role.kind) {
        case plan::BufferRole::Kind::kOperand:
          add_argument(buffers.operands[role.number], runtime::Access::kRead);
          break;
        case plan::BufferRole::Kind::kResult:
          add_argument(buffers.results[role.number], runtime::Access::kWrite);
          break;
        case plan::BufferRole::Kind::kScratch:
          add_argument(buffers.scratch[role.number], runtime::Access::kReadWrite);
          break;
      }
    }
    for (const runtime::ScalarArgument& scalar : entry.kernels[i].scalars) {
      launch.arguments.push_back(scalar);
    }
    AddCommand(commands, {fusion.name(), std::move(launch), plan.bytes, plan.flops}, touched);
  }
}

absl::StatusOr<Leaves> Emitter::EmitWhile(const Instruction& loop, const Values& values,
                                          std::vector<Command>& commands) {
  const Leaves state = NewLeaves(loop);
  EmitCopies(commands, loop.name(), values.at(loop.operand(0)), state);
  const LoopStart start = OpenLoop();
  runtime::While operation;
  INGOT_ASSIGN_OR_RETURN(Leaves predicate,
                         EmitCallee(*loop.while_condition(), {state}, operation.condition));
  operation.predicate = predicate[0];
  if (predicate[0].allocation != Allocation::kArena) {
    operation.predicate = NewBuffer(predicate[0].size, absl::StrCat(loop.name(), " predicate"));
    EmitCopy(operation.condition, loop.name(), predicate[0], operation.predicate);
  }
  Touch(operation.predicate);
  INGOT_ASSIGN_OR_RETURN(Leaves next, EmitCallee(*loop.while_body(), {state}, operation.body));
  EmitCopies(operation.body, loop.name(), next, state);
  const BufferSlice condition_result = operation.predicate;
  AddCommand(commands, {loop.name(), std::move(operation)}, state);
  Touch(condition_result);
  CloseLoop(start);
  return state;
}

absl::StatusOr<Leaves> Emitter::EmitConditional(const Instruction& conditional,
                                                const Values& values,
                                                std::vector<Command>& commands) {
  runtime::Conditional operation;
  operation.index = values.at(conditional.operand(0))[0];
  operation.selector = conditional.operand(0)->shape().element_type() == ElementType::kPred
                           ? runtime::Selector::kPred
                           : runtime::Selector::kIndex;
  Touch(operation.index);
  const Leaves results = NewLeaves(conditional);
  for (size_t i = 0; i < conditional.called_computations().size(); ++i) {
    std::vector<Command> branch;
    INGOT_ASSIGN_OR_RETURN(
        Leaves leaves,
        EmitCallee(*conditional.called_computations()[i],
                   {values.at(conditional.operand(static_cast<int64_t>(i) + 1))}, branch));
    EmitCopies(branch, conditional.name(), leaves, results);
    operation.branches.push_back(std::move(branch));
  }
  std::vector<BufferSlice> touched = results;
  touched.push_back(operation.index);
  AddCommand(commands, {conditional.name(), std::move(operation)}, touched);
  return results;
}

void Emitter::EmitOutputs(const Leaves& results, std::vector<Command>& commands) {
  for (size_t i = 0; i < results.size(); ++i) {
    const BufferSlice& result = results[i];
    const bool whole = result.allocation == Allocation::kArena && result.offset == 0 &&
                       result.size == buffers_[result.index].lifetime.size;
    if (whole && buffers_[result.index].output < 0) {
      buffers_[result.index].output = static_cast<int32_t>(i);
      continue;
    }
    EmitCopy(commands, program_.outputs[i].name, result,
             {Allocation::kOutput, static_cast<int32_t>(i), 0, result.size});
  }
}

void Emitter::PlaceBuffers() {
  std::vector<buffers::Lifetime> lifetimes;
  std::vector<size_t> in_arena;
  for (size_t i = 0; i < buffers_.size(); ++i) {
    if (buffers_[i].output >= 0 || !buffers_[i].used) continue;
    lifetimes.push_back(buffers_[i].lifetime);
    in_arena.push_back(i);
  }
  const buffers::ArenaPlan plan = buffers::PlanArena(lifetimes, runtime::kArenaAlignment);
  offsets_.assign(buffers_.size(), 0);
  for (size_t i = 0; i < in_arena.size(); ++i) offsets_[in_arena[i]] = plan.offsets[i];
  program_.arena_size = arena_.size = plan.size;
  arena_.peak = plan.peak;
  for (size_t i = 0; i < std::min(kPeakValues, plan.at_peak.size()); ++i) {
    const VirtualBuffer& buffer = buffers_[in_arena[plan.at_peak[i]]];
    arena_.at_peak.push_back({buffer.name, buffer.lifetime.size});
  }
}

void Emitter::Place(BufferSlice& slice) const {
  if (slice.allocation != Allocation::kArena) return;
  const VirtualBuffer& buffer = buffers_[slice.index];
  if (buffer.output >= 0) {
    slice.allocation = Allocation::kOutput;
    slice.index = buffer.output;
  } else {
    slice.offset += offsets_[slice.index];
    slice.index = 0;
  }
}

void Emitter::PlaceCommands(std::vector<Command>& commands) const {
  struct Visitor {
    const Emitter& emitter;
    void operator()(runtime::Launch& launch) const {
      for (runtime::Argument& argument : launch.arguments) {
        if (auto* buffer = std::get_if<runtime::BufferArgument>(&argument))
          emitter.Place(buffer->slice);
      }
    }
    void operator()(runtime::Copy& copy) const {
      emitter.Place(copy.source);
      emitter.Place(copy.destination);
    }
    void operator()(runtime::Fill& fill) const { emitter.Place(fill.destination); }
    void operator()(runtime::While& loop) const {
      emitter.PlaceCommands(loop.condition);
      emitter.Place(loop.predicate);
      emitter.PlaceCommands(loop.body);
    }
    void operator()(runtime::Conditional& conditional) const {
      emitter.Place(conditional.index);
      for (std::vector<Command>& branch : conditional.branches) emitter.PlaceCommands(branch);
    }
    void operator()(runtime::LibraryCall& call) const {
      for (BufferSlice& input : call.inputs) emitter.Place(input);
      emitter.Place(call.output);
      emitter.PlaceCommands(call.fallback);
    }
  };
  for (Command& command : commands) std::visit(Visitor{*this}, command.operation);
}

// Algorithm:
// 1. Walk the entry in order, and the computations of control flow where they are called; each
// kernel is a launch,
//    each value a list of slices of virtual buffers, inputs and constants. Uses extend a buffer's
//    life.
// 2. A result that fills a buffer of its own makes that buffer the output; other results are
// copied.
// 3. Place the other buffers in the arena and rewrite the slices.
absl::StatusOr<EmittedProgram> Emitter::Run(const Module& module) {
  program_.name = module.name();
  program_.constants.push_back({"small constants", {}});
  const Computation& entry = *module.entry();
  Values values;
  int32_t input = 0;
  for (const Instruction* parameter : entry.parameters()) {
    Leaves& leaves = values[parameter];
    for (const Shape& leaf : LeafShapes(parameter->shape())) {
      leaves.push_back({Allocation::kInput, input++, 0, leaf.ByteSize()});
    }
  }
  INGOT_RETURN_IF_ERROR(EmitComputation(entry, values, program_.commands));
  EmitOutputs(values.at(entry.root()), program_.commands);
  PlaceBuffers();
  PlaceCommands(program_.commands);
  program_.constants[0].bytes = runtime::SharedBytes::Own(std::move(small_constants_));
  return EmittedProgram{std::move(program_), std::move(arena_)};
}

// "x" for an array, "x.0", "x.1", … for the elements of a tuple.
absl::Status AppendInputs(const Shape& shape, const std::string& name,
                          std::vector<runtime::Input>& inputs) {
  if (shape.IsArray()) {
    if (shape.HasDynamicDimension())
      return Unimplemented(name, ": dynamic dimensions: ", shape.ToString());
    inputs.push_back({name, shape});
    return absl::OkStatus();
  }
  if (!shape.IsTuple()) return Unimplemented("parameter ", name, " is a ", shape.ToString());
  for (size_t i = 0; i < shape.tuple_shapes().size(); ++i) {
    const Shape& element = shape.tuple_shapes()[i];
    if (element.IsArray() && !element.LayoutOrDefault().IsDefault()) {
      return Unimplemented("parameter ", name, ": the layout of ", element.ToString(),
                           " inside a tuple");
    }
    INGOT_RETURN_IF_ERROR(AppendInputs(element, absl::StrCat(name, ".", i), inputs));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Signature> SignatureOf(const Module& module) {
  const Computation& entry = *module.entry();
  Signature signature;
  for (size_t i = 0; i < entry.parameters().size(); ++i) {
    const Instruction* parameter = entry.parameters()[i];
    const Shape& shape = i < module.entry_parameter_layouts.size()
                             ? module.entry_parameter_layouts[i]
                             : parameter->shape();
    INGOT_RETURN_IF_ERROR(AppendInputs(shape, parameter->name(), signature.inputs));
  }
  const Shape& result =
      module.entry_result_layout.empty() ? entry.root()->shape() : module.entry_result_layout[0];
  for (const Shape& leaf : LeafShapes(result)) {
    if (leaf.HasDynamicDimension())
      return Unimplemented("result: dynamic dimensions: ", leaf.ToString());
    signature.outputs.push_back({absl::StrCat("out", signature.outputs.size()), leaf});
  }
  return signature;
}

absl::StatusOr<EmittedProgram> EmitProgram(const Module& module, const Signature& signature,
                                           const FusionTable& fusions, const Target& target) {
  return Emitter(signature, fusions, target).Run(module);
}

}  // namespace ingot::program
