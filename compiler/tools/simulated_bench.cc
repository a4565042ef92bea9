#include "compiler/tools/simulated_bench.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "compiler/codegen/cubin/report.h"
#include "compiler/compile.h"
#include "compiler/kernel/simulator/simulator.h"
#include "compiler/kernel/text.h"
#include "compiler/machine/prediction.h"
#include "compiler/tools/simulated_work.h"
#include "ir/base/status.h"
#include "runtime/cuda/graph_order.h"
#include "runtime/program.h"

namespace ingot::tools {
namespace {

using kernel::Kernel;
namespace simulator = kernel::simulator;

// Thread operations that the simulator does for one kernel at the most, and for a whole model.
constexpr int64_t kKernelOperations = 50'000'000;
constexpr int64_t kModelOperations = 1'000'000'000;

// The commands of one kind: a kernel, or all copies (or fills) of one size.
struct Work {
  int64_t count = 0;
  const runtime::Command* first = nullptr;
  int32_t instruction = 0;  // of `first`, by its label
};

// Commands by what they do, in the order in which they are first run.
class Commands {
 public:
  explicit Commands(const std::vector<runtime::Command>& commands) { Add(commands); }

  const std::vector<std::pair<std::string, Work>>& all() const { return works_; }
  // Whether the command is a launch, a copy or a fill; then its number in `all`.
  bool Has(const runtime::Command& command) const { return numbers_.contains(&command); }
  size_t NumberOf(const runtime::Command& command) const { return numbers_.at(&command); }
  // Whether nothing else of `all` is of the same instruction.
  bool IsOnly(const Work& work) const { return kinds_[work.instruction] == 1; }

 private:
  void Add(const std::vector<runtime::Command>& commands) {
    for (const runtime::Command& command : commands) {
      std::visit([&](const auto& operation) { Add(command, operation); }, command.operation);
    }
  }
  void Add(const runtime::Command& command, const runtime::Launch& launch) {
    Count(launch.kernel, command);
  }
  void Add(const runtime::Command& command, const runtime::Copy& copy) {
    Count(absl::StrCat("copy of ", copy.source.size, " bytes"), command);
  }
  void Add(const runtime::Command& command, const runtime::Fill& fill) {
    Count(absl::StrCat("fill of ", fill.destination.size, " bytes"), command);
  }
  void Add(const runtime::Command&, const runtime::While& loop) {
    Add(loop.condition);
    Add(loop.body);
  }
  void Add(const runtime::Command&, const runtime::Conditional& conditional) {
    for (const auto& branch : conditional.branches) Add(branch);
  }
  void Add(const runtime::Command&, const runtime::LibraryCall& call) { Add(call.fallback); }

  void Count(const std::string& what, const runtime::Command& command) {
    const auto [found, added] = index_.try_emplace(what, works_.size());
    if (added) {
      const auto label =
          labels_.try_emplace(command.label, static_cast<int32_t>(kinds_.size())).first;
      kinds_.resize(labels_.size());
      ++kinds_[label->second];
      works_.push_back({what, {0, &command, label->second}});
    }
    ++works_[found->second].second.count;
    numbers_[&command] = found->second;
  }

  std::vector<std::pair<std::string, Work>> works_;
  absl::flat_hash_map<std::string, size_t> index_;
  absl::flat_hash_map<const runtime::Command*, size_t> numbers_;
  absl::flat_hash_map<std::string, int32_t> labels_;
  std::vector<int32_t> kinds_;  // by label: how many of works_ have it
};

// Whether blocks of the kernel count or mark in the buffer, which a kernel before has cleared.
bool IsCountedIn(const Kernel& kernel, const kernel::Buffer& buffer) {
  bool counted = false;
  kernel::ForEachOperation(*kernel.body(), [&](const kernel::Operation& operation) {
    counted = counted || (operation.opcode == kernel::Opcode::kAtomic &&
                          operation.Get<kernel::AtomicAttributes>().buffer == &buffer);
  });
  return counted;
}

// Small integers, which every use of an operand can take: as numbers, as indices, as truth.
simulator::Contents ContentsOf(const Kernel& kernel, const kernel::Buffer& buffer,
                               uint64_t stream) {
  if (IsCountedIn(kernel, buffer)) return {stream, 0, 0};
  if (buffer.element == ElementType::kPred) return {stream, 0, 1};
  if (IsFloat(buffer.element)) return {stream, 1, 7};
  return {stream, 0, 7};
}

std::vector<simulator::Argument> ArgumentsOf(const Kernel& kernel, const runtime::Launch& launch,
                                             const runtime::Program& program) {
  std::vector<simulator::Argument> arguments;
  for (size_t i = 0; i < kernel.parameters().size(); ++i) {
    const kernel::Buffer* buffer = kernel.parameters()[i].buffer;
    if (buffer == nullptr) {
      const auto* scalar = std::get_if<runtime::ScalarArgument>(&launch.arguments[i]);
      arguments.push_back(simulator::Argument::Scalar(scalar != nullptr ? scalar->bits : 0));
      continue;
    }
    const auto& slice = std::get<runtime::BufferArgument>(launch.arguments[i]).slice;
    if (slice.allocation == runtime::Allocation::kConstant) {
      // Kernels do not write constants, which Validate holds.
      const uint8_t* bytes = program.constants[slice.index].bytes.data() + slice.offset;
      arguments.push_back(simulator::Argument::Initialised(const_cast<uint8_t*>(bytes)));
    } else {
      arguments.push_back(simulator::Argument::Virtual(ContentsOf(kernel, *buffer, i)));
    }
  }
  return arguments;
}

using Reports = absl::flat_hash_map<std::string, codegen::KernelReport>;

// What the assembler says of each kernel; nothing where there is no assembler.
absl::StatusOr<Reports> Assemble(const Module& module, const Target& target,
                                 CompileOptions options) {
  // Simulated cards have the instructions of a row that is assembled for.
  INGOT_ASSIGN_OR_RETURN(const Target* row, FindTarget(target.llvm_cpu));
  options.stages.clear();
  options.observer = nullptr;
  INGOT_ASSIGN_OR_RETURN(Compilation compilation, Compile(module, *row, options));
  Reports reports;
  for (codegen::KernelReport& report : compilation.reports) {
    std::string name = report.kernel;
    reports.emplace(std::move(name), std::move(report));
  }
  return reports;
}

// Of commands in the order of a graph, how much sooner all are done than one after the other. Their
// launches overlap, but not the work itself: kernels share the card.
double OverlappedMicroseconds(const runtime::Program& program,
                              absl::Span<const runtime::Command* const> commands,
                              absl::Span<const machine::Prediction> predictions) {
  const std::vector<std::vector<int>> order = runtime::cuda::GraphOrder(program, commands);
  std::vector<double> done(commands.size());
  double last = 0, in_turn = 0, work = 0;
  for (size_t i = 0; i < commands.size(); ++i) {
    for (int before : order[i]) done[i] = std::max(done[i], done[before]);
    done[i] += predictions[i].us;
    last = std::max(last, done[i]);
    in_turn += predictions[i].us;
    work += predictions[i].card_us;
  }
  return in_turn - std::max(last, work);
}

}  // namespace

absl::StatusOr<ModelWork> SimulateModel(const Module& module, const std::string& name,
                                        const Target& target, CompileOptions options) {
  std::string text;
  options.stages = {Stage::kKernel};
  options.observer = [&](Stage, absl::string_view, const std::string& kernel) {
    absl::StrAppend(&text, kernel, "\n");
  };
  INGOT_ASSIGN_OR_RETURN(const Compilation compilation, Compile(module, target, options));
  const runtime::Program& program = *compilation.program;
  INGOT_ASSIGN_OR_RETURN(kernel::KernelModule kernels, kernel::ParseKernels(text, name));
  INGOT_ASSIGN_OR_RETURN(const auto reports, Assemble(module, target, options));
  absl::flat_hash_map<std::string, size_t> kernel_number;
  for (size_t i = 0; i < kernels.kernels.size(); ++i) kernel_number[kernels.kernels[i]->name()] = i;

  ModelWork model;
  model.name = name;
  model.arena = compilation.arena;
  for (const runtime::Input& input : program.inputs) {
    model.floor_bytes += static_cast<double>(input.shape.ByteSize());
    model.elements = std::max(model.elements, static_cast<double>(input.shape.ElementCount()));
  }
  for (const runtime::Output& output : program.outputs) {
    model.floor_bytes += static_cast<double>(output.shape.ByteSize());
  }
  simulator::Options simulation;
  simulation.target = &target;
  simulation.check = false;
  simulation.sample_thread_operations = std::min(
      kKernelOperations,
      kModelOperations / std::max<int64_t>(1, static_cast<int64_t>(kernels.kernels.size())));
  const Commands commands(program.commands);
  for (const auto& [command, work] : commands.all()) {
    KernelRow row;
    row.name = command;
    row.launches = work.count;
    if (const auto* copy = std::get_if<runtime::Copy>(&work.first->operation)) {
      row.is_kernel = false;
      row.work = CopyWork(copy->source.size, copy->source.size);
    } else if (const auto* fill = std::get_if<runtime::Fill>(&work.first->operation)) {
      row.is_kernel = false;
      row.work = CopyWork(0, fill->destination.size);
    } else {
      const auto& launch = std::get<runtime::Launch>(work.first->operation);
      const size_t number = kernel_number.at(command);
      const Kernel& kernel = *kernels.kernels[number];
      INGOT_ASSIGN_OR_RETURN(
          const simulator::Report report,
          simulator::Simulate(kernel, ArgumentsOf(kernel, launch, program), simulation));
      INGOT_RETURN_IF_ERROR(Annotate(report.status(), name));
      if (const auto said = reports.find(command); said != reports.end()) row.report = said->second;
      row.work = WorkOf(kernel, report);
      SetBytesMoved(report, *work.first, commands.IsOnly(work), row.work);
      SetCachedSectors(report, *work.first, target, row.work);
      row.work.block.shared_bytes =
          std::max<int64_t>(row.work.block.shared_bytes, launch.dynamic_shared_bytes);
      row.work.block.registers = row.report.registers;
    }
    model.rows.push_back(std::move(row));
  }
  std::vector<const runtime::Command*> stretch;
  std::vector<machine::Prediction> predictions;
  for (size_t i = 0; i <= program.commands.size(); ++i) {
    const bool is_graph = i < program.commands.size() && commands.Has(program.commands[i]);
    if (is_graph) {
      stretch.push_back(&program.commands[i]);
      const KernelRow& row = model.rows[commands.NumberOf(program.commands[i])];
      predictions.push_back(machine::PredictTime(row.work, target));
    } else if (!stretch.empty()) {
      model.overlapped_us += OverlappedMicroseconds(program, stretch, predictions);
      stretch.clear();
      predictions.clear();
    }
  }
  return model;
}

}  // namespace ingot::tools
