#include "compiler/program/program_emitter.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "compiler/buffers/buffers.h"
#include "compiler/program/array_uses.h"
#include "compiler/program/commands.h"
#include "compiler/program/scope.h"
#include "ir/analysis/leaves.h"
#include "ir/analysis/trip_count.h"
#include "ir/base/check.h"
#include "ir/base/status.h"

namespace ingot::program {
namespace {

using runtime::Allocation;
using runtime::BufferSlice;
using runtime::Command;

// Constants up to this size share one allocation.
constexpr int64_t kSmallConstantBytes = 4096;
constexpr int64_t kSmallConstantAlignment = 64;

// Of ArenaUse::at_peak.
constexpr size_t kPeakValues = 5;

// While a program is put together, a slice of the arena names a virtual buffer by its index and an
// offset into it.
class ProgramEmitter {
 public:
  ProgramEmitter(const Signature& signature, const FusionTable& fusions, const Target& target)
      : target_(target), memories_(MemoriesOfResults(signature)), fusions_(fusions) {
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

  absl::Status EmitComputation(const Computation& computation, Scope& scope,
                               std::vector<Command>& commands);
  absl::StatusOr<Leaves> EmitInstruction(const Instruction& instruction, Scope& scope,
                                         std::vector<Command>& commands);
  absl::StatusOr<Leaves> EmitFusion(const Instruction& fusion, Scope& scope,
                                    std::vector<Command>& commands);
  // The memory that a fusion's kernels work on.
  struct FusionBuffers {
    Leaves operands, results, scratch;
  };
  void EmitLaunches(const Instruction& fusion, const FusionEntry& entry,
                    const FusionBuffers& buffers, std::vector<Command>& commands);
  absl::StatusOr<Leaves> EmitWhile(const Instruction& loop, Scope& scope,
                                   std::vector<Command>& commands);
  absl::StatusOr<Leaves> EmitConditional(const Instruction& conditional, Scope& scope,
                                         std::vector<Command>& commands);
  absl::StatusOr<Leaves> EmitConstant(const Literal& literal, absl::string_view name);
  // Has a buffer that holds a result be the output, where the output is untouched.
  void BecomeOutput(BufferSlice& made, const BufferSlice& output);
  // Where the entry's results are to be: the outputs.
  Leaves NewOutputs();

  // Emits a computation whose parameters are `arguments`, one list a parameter, and leaves its
  // results in `results`: by copies where they are not made there.  `memories`: which arguments are
  // those results' memory.
  absl::Status EmitInto(const Leaves& results, const Computation& callee,
                        const ResultMemories& memories, absl::Span<const Leaves> arguments,
                        absl::string_view label, std::vector<Command>& commands);
  // Without places for its results.
  absl::StatusOr<Leaves> EmitCallee(const Computation& callee, absl::Span<const Leaves> arguments,
                                    std::vector<Command>& commands);

  BufferSlice NewBuffer(int64_t size, std::string name);
  // For leaf `leaf` of what the instruction computes.
  BufferSlice NewLeaf(const Instruction& instruction, const std::vector<Shape>& leaves,
                      size_t leaf);
  // An output in which nothing was put yet: any buffer can become it.
  bool IsUntouched(const BufferSlice& output) const {
    const VirtualBuffer& buffer = buffers_[output.index];
    return buffer.output >= 0 && !buffer.used && memories_[buffer.output] < 0;
  }
  // Scope::OwnPlace, else as NewLeaf.
  BufferSlice ResultLeaf(const Instruction& instruction, const std::vector<Shape>& leaves,
                         size_t leaf, Scope& scope);
  Leaves ResultLeaves(const Instruction& instruction, Scope& scope);
  // For what a fusion computes; some are buffers of operands that nobody reads any more.
  Leaves ResultBuffers(const Instruction& fusion, const plan::FusionPlan& plan,
                       const Leaves& operands, Scope& scope);
  // Where a loop has its state: where its operand is, if nobody else reads that.
  Leaves StateBuffers(const Instruction& loop, const Leaves& operand, Scope& scope);
  void Touch(const BufferSlice& slice);
  void AddCommand(std::vector<Command>& commands, Command command,
                  absl::Span<const BufferSlice> touched);
  void EmitCopy(std::vector<Command>& commands, absl::string_view label, const BufferSlice& from,
                const BufferSlice& to, std::string reason);
  // `why`: what is copied though the program may write in its memory.
  void EmitCopies(std::vector<Command>& commands, absl::string_view label, const Leaves& from,
                  const Leaves& to, absl::string_view why);
  // Why a value was not made where it is copied to: by whose memory it is in, else `other`.
  std::string WhyCopied(const BufferSlice& from, absl::string_view other) const;
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

  const Target& target_;
  const ResultMemories memories_;
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

BufferSlice ProgramEmitter::NewBuffer(int64_t size, std::string name) {
  buffers_.emplace_back();
  buffers_.back().name = std::move(name);
  buffers_.back().lifetime.size = size;
  return {Allocation::kArena, static_cast<int32_t>(buffers_.size() - 1), 0, size};
}

BufferSlice ProgramEmitter::NewLeaf(const Instruction& instruction,
                                    const std::vector<Shape>& leaves, size_t leaf) {
  const Shape& shape = leaves[leaf];
  const std::string index = instruction.shape().IsTuple() ? absl::StrCat("{", leaf, "}") : "";
  return NewBuffer(shape.ByteSize(), absl::StrCat(instruction.name(), index, " ",
                                                  shape.ToString(/*with_layout=*/false)));
}

BufferSlice ProgramEmitter::ResultLeaf(const Instruction& instruction,
                                       const std::vector<Shape>& leaves, size_t leaf,
                                       Scope& scope) {
  const BufferSlice* own = scope.OwnPlace(instruction, leaf);
  if (own == nullptr) return NewLeaf(instruction, leaves, leaf);
  scope.Occupy(*own, *scope.uses.Of(instruction, static_cast<int64_t>(leaf)));
  return *own;
}

Leaves ProgramEmitter::ResultLeaves(const Instruction& instruction, Scope& scope) {
  const std::vector<Shape> shapes = LeafShapes(instruction.shape());
  Leaves leaves;
  for (size_t i = 0; i < shapes.size(); ++i) {
    leaves.push_back(ResultLeaf(instruction, shapes, i, scope));
  }
  return leaves;
}

void ProgramEmitter::Touch(const BufferSlice& slice) {
  if (slice.allocation != Allocation::kArena) return;
  VirtualBuffer& buffer = buffers_[slice.index];
  if (!buffer.used) buffer.lifetime.first = position_;
  buffer.used = true;
  buffer.lifetime.last = position_;
  touches_.push_back(slice.index);
}

void ProgramEmitter::AddCommand(std::vector<Command>& commands, Command command,
                                absl::Span<const BufferSlice> touched) {
  for (const BufferSlice& slice : touched) Touch(slice);
  ++position_;
  commands.push_back(std::move(command));
}

void ProgramEmitter::EmitCopy(std::vector<Command>& commands, absl::string_view label,
                              const BufferSlice& from, const BufferSlice& to, std::string reason) {
  if (from == to) return;
  AddCommand(commands,
             {std::string(label), runtime::Copy{from, to, std::move(reason)}, 2 * from.size, 0},
             {from, to});
}

// The copies happen as if at once: what is overwritten and still needed goes through a buffer of
// its own first.
void ProgramEmitter::EmitCopies(std::vector<Command>& commands, absl::string_view label,
                                const Leaves& from, const Leaves& to, absl::string_view why) {
  absl::flat_hash_set<int32_t> overwritten;       // virtual buffers
  absl::flat_hash_map<int32_t, size_t> first_of;  // what is in a buffer, by number
  for (size_t i = 0; i < from.size(); ++i) {
    if (from[i] != to[i]) overwritten.insert(to[i].index);  // always a buffer
    if (from[i].allocation == Allocation::kArena) first_of.try_emplace(from[i].index, i);
  }
  Leaves sources = from;
  for (size_t i = 0; i < sources.size(); ++i) {
    const bool is_buffer = sources[i].allocation == Allocation::kArena;
    if (from[i] == to[i] || !is_buffer || !overwritten.contains(sources[i].index)) continue;
    const BufferSlice aside = NewBuffer(sources[i].size, absl::StrCat(label, " aside"));
    EmitCopy(commands, label, sources[i], aside, "overwritten before it is copied");
    sources[i] = aside;
  }
  for (size_t i = 0; i < sources.size(); ++i) {
    if (from[i] == to[i]) continue;
    const auto first = first_of.find(from[i].index);
    const bool again = from[i].allocation == Allocation::kArena && first->second != i;
    EmitCopy(commands, label, sources[i], to[i],
             again ? absl::StrCat("value ", first->second, " again") : WhyCopied(from[i], why));
  }
}

std::string ProgramEmitter::WhyCopied(const BufferSlice& from, absl::string_view other) const {
  if (from.allocation == Allocation::kConstant) return "a constant";
  if (from.allocation != Allocation::kInput) return std::string(other);
  return absl::StrCat("input ", from.index, " is not donated");
}

void ProgramEmitter::CloseLoop(const LoopStart& start) {
  for (size_t i = start.touches; i < touches_.size(); ++i) {
    buffers::Lifetime& lifetime = buffers_[touches_[i]].lifetime;
    if (lifetime.first < start.position) lifetime.last = position_;
  }
}

absl::Status ProgramEmitter::EmitComputation(const Computation& computation, Scope& scope,
                                             std::vector<Command>& commands) {
  for (const Instruction* instruction : computation.instructions()) {
    if (instruction->opcode() == Opcode::kParameter) continue;
    INGOT_ASSIGN_OR_RETURN(Leaves leaves, EmitInstruction(*instruction, scope, commands));
    scope.values[instruction] = std::move(leaves);
  }
  return absl::OkStatus();
}

absl::StatusOr<Leaves> ProgramEmitter::EmitCallee(const Computation& callee,
                                                  absl::Span<const Leaves> arguments,
                                                  std::vector<Command>& commands) {
  Scope scope = {ArrayUses(callee, {}), {}};
  for (size_t i = 0; i < callee.parameters().size(); ++i)
    scope.values[callee.parameters()[i]] = arguments[i];
  INGOT_RETURN_IF_ERROR(EmitComputation(callee, scope, commands));
  return scope.values.at(callee.root());
}

absl::Status ProgramEmitter::EmitInto(const Leaves& results, const Computation& callee,
                                      const ResultMemories& memories,
                                      absl::Span<const Leaves> arguments, absl::string_view label,
                                      std::vector<Command>& commands) {
  Scope scope = {ArrayUses(callee, memories), results,
                 /*is_entry=*/callee.parent()->entry() == &callee};
  for (size_t i = 0; i < callee.parameters().size(); ++i) {
    const Instruction* parameter = callee.parameters()[i];
    scope.values[parameter] = arguments[i];
    for (size_t leaf = 0; leaf < arguments[i].size(); ++leaf) {
      const ArrayUses::Use* use = scope.uses.Of(*parameter, static_cast<int64_t>(leaf));
      if (use != nullptr) scope.Occupy(arguments[i][leaf], *use);
    }
  }
  INGOT_RETURN_IF_ERROR(EmitComputation(callee, scope, commands));
  Leaves& made = scope.values.at(callee.root());
  for (size_t i = 0; i < made.size() && scope.is_entry; ++i) BecomeOutput(made[i], results[i]);
  EmitCopies(commands, label, made, results, "what was in its place is read later");
  return absl::OkStatus();
}

absl::StatusOr<Leaves> ProgramEmitter::EmitInstruction(const Instruction& instruction, Scope& scope,
                                                       std::vector<Command>& commands) {
  if (auto passed_on = PassedOnLeaves(instruction, scope.values, leaf_begins_)) {
    return *std::move(passed_on);
  }
  const Opcode opcode = instruction.opcode();
  if (opcode == Opcode::kConstant) return EmitConstant(instruction.literal(), instruction.name());
  if (opcode == Opcode::kFusion) return EmitFusion(instruction, scope, commands);
  if (opcode == Opcode::kWhile) return EmitWhile(instruction, scope, commands);
  if (opcode == Opcode::kConditional) return EmitConditional(instruction, scope, commands);
  return Unimplemented(instruction.name(), ": ", OpcodeName(opcode), " cannot be compiled for ",
                       target_.name);
}

absl::StatusOr<Leaves> ProgramEmitter::EmitConstant(const Literal& literal,
                                                    absl::string_view name) {
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

// In the place of an operand where that costs no copy later: where it is the result's own place, or
// may become that.
Leaves ProgramEmitter::ResultBuffers(const Instruction& fusion, const plan::FusionPlan& plan,
                                     const Leaves& operands, Scope& scope) {
  const absl::Span<const int> last = scope.uses.LastReadsOf(fusion);
  const std::vector<Shape> shapes = LeafShapes(fusion.shape());
  Leaves results;
  for (size_t i = 0; i < shapes.size(); ++i) {
    const auto pair = std::find_if(
        plan.in_place.begin(), plan.in_place.end(), [&](const plan::InPlacePair& in_place) {
          return in_place.result == static_cast<int>(i) &&
                 std::binary_search(last.begin(), last.end(), in_place.operand);
        });
    const BufferSlice* memory = pair == plan.in_place.end() ? nullptr : &operands[pair->operand];
    const BufferSlice* own = scope.OwnPlace(fusion, i);
    const bool apart = memory != nullptr && own != nullptr && own->index != memory->index;
    if (memory == nullptr ||
        (apart && (scope.busy.contains(memory->index) || !scope.is_entry || !IsUntouched(*own)))) {
      results.push_back(ResultLeaf(fusion, shapes, i, scope));
      continue;
    }
    INGOT_CHECK(memory->allocation == Allocation::kArena && memory->offset == 0 &&
                memory->size == shapes[i].ByteSize() &&
                memory->size == buffers_[memory->index].lifetime.size)
        << fusion.name() << ": result " << i << " is not as large as operand " << pair->operand;
    scope.Occupy(*memory, *scope.uses.Of(fusion, static_cast<int64_t>(i)));
    results.push_back(*memory);
  }
  return results;
}

absl::StatusOr<Leaves> ProgramEmitter::EmitFusion(const Instruction& fusion, Scope& scope,
                                                  std::vector<Command>& commands) {
  const FusionEntry& entry = fusions_.EntryOf(*fusion.called_computations()[0]);
  FusionBuffers buffers;
  for (const Instruction* operand : fusion.operands()) {
    const Leaves& leaves = scope.values.at(operand);
    if (leaves.size() != 1)
      return Unimplemented(fusion.name(), ": a fusion with a tuple for a parameter");
    buffers.operands.push_back(leaves[0]);
  }
  buffers.results = ResultBuffers(fusion, entry.plan, buffers.operands, scope);
  for (const plan::InPlacePair& update : entry.plan.updates) {
    const BufferSlice& operand = buffers.operands[update.operand];
    EmitCopy(commands, fusion.name(), operand, buffers.results[update.result],
             WhyCopied(operand, "what is updated is read later, or has another place"));
  }
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

void ProgramEmitter::EmitLaunches(const Instruction& fusion, const FusionEntry& entry,
                                  const FusionBuffers& buffers, std::vector<Command>& commands) {
  const auto is_updated = [&](int result) {
    return std::any_of(entry.plan.updates.begin(), entry.plan.updates.end(),
                       [&](const plan::InPlacePair& pair) { return pair.result == result; });
  };
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
          add_argument(buffers.results[role.number], is_updated(role.number)
                                                         ? runtime::Access::kReadWrite
                                                         : runtime::Access::kWrite);
          break;
        case plan::BufferRole::Kind::kScratch:
          add_argument(buffers.scratch[role.number], runtime::Access::kReadWrite);
          break;
      }
    }
    for (const MapArgument& map : entry.kernels[i].maps) {
      const auto& buffer = std::get<runtime::BufferArgument>(launch.arguments[map.buffer]);
      launch.arguments.push_back(runtime::TensorMapArgument{buffer.slice, buffer.access, map.map});
    }
    for (const runtime::ScalarArgument& scalar : entry.kernels[i].scalars) {
      launch.arguments.push_back(scalar);
    }
    AddCommand(commands, {fusion.name(), std::move(launch), plan.bytes, plan.flops}, touched);
  }
}

Leaves ProgramEmitter::StateBuffers(const Instruction& loop, const Leaves& operand, Scope& scope) {
  const std::vector<Shape> shapes = LeafShapes(loop.shape());
  Leaves state;
  for (size_t i = 0; i < shapes.size(); ++i) {
    if (scope.uses.IsKept(loop, static_cast<int>(i))) {
      state.push_back(operand[i]);
    } else if (scope.uses.MakesInPlace(loop, static_cast<int>(i))) {
      state.push_back(operand[i]);
      scope.Occupy(operand[i], *scope.uses.Of(loop, static_cast<int64_t>(i)));
    } else {
      state.push_back(ResultLeaf(loop, shapes, i, scope));
    }
  }
  return state;
}

absl::StatusOr<Leaves> ProgramEmitter::EmitWhile(const Instruction& loop, Scope& scope,
                                                 std::vector<Command>& commands) {
  const Leaves& operand = scope.values.at(loop.operand(0));
  const Leaves state = StateBuffers(loop, operand, scope);
  EmitCopies(commands, loop.name(), operand, state, "read beside the loop");
  const LoopStart start = OpenLoop();
  runtime::While operation;
  INGOT_ASSIGN_OR_RETURN(Leaves predicate,
                         EmitCallee(*loop.while_condition(), {state}, operation.condition));
  operation.predicate = predicate[0];
  if (predicate[0].allocation != Allocation::kArena) {
    operation.predicate = NewBuffer(predicate[0].size, absl::StrCat(loop.name(), " predicate"));
    EmitCopies(operation.condition, loop.name(), predicate, {operation.predicate}, "given");
  }
  Touch(operation.predicate);
  INGOT_RETURN_IF_ERROR(EmitInto(state, *loop.while_body(), MemoriesOfState(*loop.while_body()),
                                 {state}, loop.name(), operation.body));
  operation.trip_count = TripCountOf(loop).value_or(-1);
  const BufferSlice condition_result = operation.predicate;
  AddCommand(commands, {loop.name(), std::move(operation)}, state);
  Touch(condition_result);
  CloseLoop(start);
  return state;
}

absl::StatusOr<Leaves> ProgramEmitter::EmitConditional(const Instruction& conditional, Scope& scope,
                                                       std::vector<Command>& commands) {
  runtime::Conditional operation;
  operation.index = scope.values.at(conditional.operand(0))[0];
  operation.selector = conditional.operand(0)->shape().element_type() == ElementType::kPred
                           ? runtime::Selector::kPred
                           : runtime::Selector::kIndex;
  Touch(operation.index);
  const Leaves results = ResultLeaves(conditional, scope);
  for (size_t i = 0; i < conditional.called_computations().size(); ++i) {
    std::vector<Command> branch;
    const Instruction* argument = conditional.operand(static_cast<int64_t>(i) + 1);
    INGOT_RETURN_IF_ERROR(EmitInto(results, *conditional.called_computations()[i], {},
                                   {scope.values.at(argument)}, conditional.name(), branch));
    operation.branches.push_back(std::move(branch));
  }
  std::vector<BufferSlice> touched = results;
  touched.push_back(operation.index);
  AddCommand(commands, {conditional.name(), std::move(operation)}, touched);
  return results;
}

void ProgramEmitter::BecomeOutput(BufferSlice& made, const BufferSlice& output) {
  if (made.allocation != Allocation::kArena || !IsUntouched(output)) return;
  VirtualBuffer& buffer = buffers_[made.index];
  if (buffer.output >= 0 || made.size != buffer.lifetime.size) return;
  std::swap(buffer.output, buffers_[output.index].output);
  made = output;
}

Leaves ProgramEmitter::NewOutputs() {
  Leaves outputs;
  for (const runtime::Output& output : program_.outputs) {
    const auto number = static_cast<int32_t>(outputs.size());
    outputs.push_back(NewBuffer(output.shape.ByteSize(), output.name));
    buffers_.back().output = number;
  }
  return outputs;
}

// Commands that touch the same memory wait for one another.  On a GPU, where others run side by
// side, small memory is not used again at once: no more than 1 MB rests for each buffer that a
// command makes.
void Rest(buffers::Lifetime& lifetime) {
  constexpr int64_t kRestingBytes = 1 << 20, kMostCommands = 256;
  lifetime.last += std::min(kMostCommands, kRestingBytes / std::max<int64_t>(lifetime.size, 1));
}

void ProgramEmitter::PlaceBuffers() {
  std::vector<buffers::Lifetime> lifetimes;
  std::vector<size_t> in_arena;
  for (size_t i = 0; i < buffers_.size(); ++i) {
    if (buffers_[i].output >= 0 || !buffers_[i].used) continue;
    lifetimes.push_back(buffers_[i].lifetime);
    if (target_.platform == Platform::kCuda) Rest(lifetimes.back());
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

void ProgramEmitter::Place(BufferSlice& slice) const {
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

// Algorithm:
// 1. Walk the entry in order, and the computations of control flow where they are called; each
// kernel is a launch, each value a list of slices of virtual buffers, inputs and constants. Uses
// extend a buffer's life.
// 2. A value that is a result is made where the result is to be, if nothing there is read any more;
// what is not is copied at the end. The entry's results are to be in the outputs, in which donated
// inputs are at first.
// 3. Place the other buffers in the arena and rewrite the slices.
absl::StatusOr<EmittedProgram> ProgramEmitter::Run(const Module& module) {
  program_.name = module.name();
  program_.constants.push_back({"small constants", {}});
  const Computation& entry = *module.entry();
  const Leaves outputs = NewOutputs();
  Leaves inputs;
  for (const runtime::Input& input : program_.inputs) {
    inputs.push_back(
        {Allocation::kInput, static_cast<int32_t>(inputs.size()), 0, input.shape.ByteSize()});
  }
  for (size_t i = 0; i < outputs.size(); ++i) {
    const int32_t donated = program_.outputs[i].aliased_input;
    if (donated >= 0) inputs[donated] = outputs[i];
  }
  std::vector<Leaves> arguments;
  auto begin = inputs.begin();
  for (const Instruction* parameter : entry.parameters()) {
    const auto end = begin + static_cast<int64_t>(LeafShapes(parameter->shape()).size());
    arguments.emplace_back(std::exchange(begin, end), end);
  }
  INGOT_RETURN_IF_ERROR(
      EmitInto(outputs, entry, memories_, arguments, "results", program_.commands));
  PlaceBuffers();
  ForEachSlice(program_.commands, [this](BufferSlice& slice) { Place(slice); });
  program_.constants[0].bytes = runtime::SharedBytes::Own(std::move(small_constants_));
  return EmittedProgram{std::move(program_), std::move(arena_)};
}

}  // namespace

absl::StatusOr<EmittedProgram> EmitProgram(const Module& module, const Signature& signature,
                                           const FusionTable& fusions, const Target& target) {
  return ProgramEmitter(signature, fusions, target).Run(module);
}

}  // namespace ingot::program
