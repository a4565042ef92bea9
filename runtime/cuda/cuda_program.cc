#include "runtime/cuda/cuda_program.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "ir/base/status.h"
#include "runtime/cuda/conditions.h"
#include "runtime/cuda/cuda_device.h"
#include "runtime/cuda/graph_order.h"
#include "runtime/log.h"

namespace ingot::runtime::cuda {
namespace {

// Compute capability, its major version, from which on a launch may overlap the one before.
constexpr int kProgrammaticMajor = 9;
// The largest cluster that every card takes without being asked to.
constexpr uint32_t kPortableCluster = 8;
// Dynamic shared memory that a kernel gets without being asked for.
constexpr uint32_t kDefaultSharedBytes = 48 << 10;

// Bytes of the parameter that the argument is for.
size_t ParameterBytes(const Argument& argument) {
  if (const auto* scalar = std::get_if<ScalarArgument>(&argument)) return scalar->bytes;
  return std::holds_alternative<TensorMapArgument>(argument) ? sizeof(TensorMap)
                                                             : sizeof(CUdeviceptr);
}

// Whether the loaded kernel takes what the launch gives, where the driver can tell: less would have
// it read past the arguments.
absl::Status CheckParameters(const Driver& driver, CUfunction function, const Launch& launch) {
  if (driver.cuFuncGetParamInfo == nullptr) return absl::OkStatus();
  const size_t count = launch.arguments.size();
  for (size_t i = 0; i <= count; ++i) {
    size_t offset = 0, bytes = 0;
    const CUresult result = driver.cuFuncGetParamInfo(function, i, &offset, &bytes);
    if (result == CUDA_ERROR_NOT_SUPPORTED) return absl::OkStatus();
    // There is none of that number.
    if (result == CUDA_ERROR_INVALID_VALUE) {
      if (i == count) return absl::OkStatus();
      return InvalidArgument("kernel '", launch.kernel, "' has ", i, " parameters, and ", count,
                             " arguments are given");
    }
    INGOT_RETURN_IF_ERROR(driver.Check(result, "cuFuncGetParamInfo"));
    if (i == count) {
      return InvalidArgument("kernel '", launch.kernel, "' has more than the ", count,
                             " parameters that arguments are given for");
    }
    if (const size_t given = ParameterBytes(launch.arguments[i]); given != bytes) {
      return InvalidArgument("parameter ", i, " of kernel '", launch.kernel, "' has ", bytes,
                             " bytes, and an argument of ", given, " is given");
    }
  }
  return absl::OkStatus();
}

// Blocks along x, of which the card holds all at once while nothing else runs.
absl::StatusOr<uint32_t> ResidentGrid(const Driver& driver, const Card& card, CUfunction function,
                                      const Launch& launch) {
  const Dim3 &grid = launch.grid, &block = launch.block, &cluster = launch.cluster;
  int64_t blocks = 0;
  int count = 0;
  if (cluster == Dim3{}) {
    INGOT_CUDA_RETURN_IF_ERROR(driver,
                               cuOccupancyMaxActiveBlocksPerMultiprocessor(
                                   &count, function, static_cast<int>(block.x * block.y * block.z),
                                   launch.dynamic_shared_bytes));
    blocks = int64_t{count} * card.multiprocessors;
  } else {
    LaunchAttribute attribute = {};
    attribute.id = CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION;
    attribute.value.cluster = {cluster.x, cluster.y, cluster.z};
    const LaunchConfig config = {
        grid.x,  grid.y,     grid.z, block.x, block.y, block.z, launch.dynamic_shared_bytes,
        nullptr, &attribute, 1};
    INGOT_CUDA_RETURN_IF_ERROR(driver, cuOccupancyMaxActiveClusters(&count, function, &config));
    blocks = int64_t{count} * cluster.x * cluster.y * cluster.z;
  }
  if (blocks <= 0) {
    return InvalidArgument("the card has no room for a block of kernel '", launch.kernel, "'");
  }
  const int64_t along = blocks / (int64_t{grid.y} * grid.z) / cluster.x * cluster.x;
  return std::min(grid.x, static_cast<uint32_t>(std::max<int64_t>(along, cluster.x)));
}

// Commands of a loop that becomes a part of the graph around it.
constexpr int64_t kMostUnrolledSteps = 4096;

// Of a list and of the lists in it, as often as they are known to run; no more than is of interest.
int64_t CountOf(const std::vector<Command>& commands) {
  int64_t count = 0;
  for (const Command& command : commands) {
    ++count;
    if (const auto* loop = std::get_if<While>(&command.operation)) {
      count += CountOf(loop->condition) +
               CountOf(loop->body) * std::clamp<int64_t>(loop->trip_count, 1, kMostUnrolledSteps);
    } else if (const auto* conditional = std::get_if<Conditional>(&command.operation)) {
      for (const std::vector<Command>& branch : conditional->branches) count += CountOf(branch);
    } else if (const auto* call = std::get_if<LibraryCall>(&command.operation)) {
      count += CountOf(call->fallback);
    }
  }
  return std::min(count, kMostUnrolledSteps + 1);
}

// Of a stretch in which the card decides.
std::vector<Step> StepsOf(Stretch stretch) {
  if (stretch.parts.empty()) return {};
  return std::move(stretch.parts.front().steps);
}

class Builder {
 public:
  // `card_decides`: loops and conditionals become steps, and all steps of a stretch one part.
  Builder(CudaProgram& out, const Driver& driver, const Card& card, bool card_decides)
      : out_(out), driver_(driver), card_(card), card_decides_(card_decides) {}

  // Appends the commands to `stretch`.
  absl::Status Add(const std::vector<Command>& commands, Stretch& stretch);

  absl::Status operator()(const Launch& launch);
  absl::Status operator()(const Copy& copy) {
    if (copy.source.size == 0) return absl::OkStatus();
    Step& step = NewStep();
    step.slot = out_.addresses.AddSlice(copy.source);
    out_.addresses.AddSlice(copy.destination);
    return absl::OkStatus();
  }
  absl::Status operator()(const Fill& fill) {
    if (fill.destination.size == 0) return absl::OkStatus();
    NewStep().slot = out_.addresses.AddSlice(fill.destination);
    return absl::OkStatus();
  }
  absl::Status operator()(const While& loop) {
    if (loop.trip_count >= 0 &&
        CountOf(loop.body) <= kMostUnrolledSteps / std::max<int64_t>(1, loop.trip_count)) {
      for (int64_t i = 0; i < loop.trip_count; ++i) {
        INGOT_RETURN_IF_ERROR(Add(loop.body, *stretch_));
      }
      return absl::OkStatus();
    }
    if (card_decides_) {
      INGOT_RETURN_IF_ERROR(Add(loop.condition, *stretch_));
      INGOT_ASSIGN_OR_RETURN(std::vector<Step> body, StepsOfTrip(loop));
      NewControlStep(loop.predicate).bodies.push_back(std::move(body));
      return absl::OkStatus();
    }
    Part part = NewControl(loop.predicate);
    INGOT_RETURN_IF_ERROR(AddList(loop.condition, part));
    INGOT_RETURN_IF_ERROR(AddList(loop.body, part));
    stretch_->parts.push_back(std::move(part));
    return absl::OkStatus();
  }
  absl::Status operator()(const Conditional& conditional) {
    if (card_decides_) {
      std::vector<std::vector<Step>> bodies;
      for (const std::vector<Command>& branch : conditional.branches) {
        Stretch list;
        INGOT_RETURN_IF_ERROR(Add(branch, list));
        bodies.push_back(StepsOf(std::move(list)));
      }
      NewControlStep(conditional.index).bodies = std::move(bodies);
      return absl::OkStatus();
    }
    Part part = NewControl(conditional.index);
    for (const std::vector<Command>& branch : conditional.branches) {
      INGOT_RETURN_IF_ERROR(AddList(branch, part));
    }
    stretch_->parts.push_back(std::move(part));
    return absl::OkStatus();
  }
  absl::Status operator()(const LibraryCall& call) { return Add(call.fallback, *stretch_); }

  void operator()(const BufferArgument& argument) { out_.addresses.AddSlice(argument.slice); }
  void operator()(const ScalarArgument& argument) { out_.addresses.AddScalar(argument.bits); }
  void operator()(const TensorMapArgument& argument) {
    out_.tensor_maps.push_back(&argument);
    out_.tensor_map_slots.push_back(out_.addresses.AddSlice(argument.slice));
  }

 private:
  // A step at the end of the current stretch, for the current command.
  Step& NewStep() {
    if (card_decides_) {
      if (stretch_->parts.empty()) stretch_->parts.emplace_back();
    } else if (stretch_->parts.empty() || stretch_->parts.back().graph < 0) {
      stretch_->parts.emplace_back().graph = out_.graphs++;
    }
    Step& step = stretch_->parts.back().steps.emplace_back();
    step.command = command_;
    return step;
  }
  Step& NewControlStep(const BufferSlice& slice) {
    Step& step = NewStep();
    step.slot = out_.addresses.AddSlice(slice);
    return step;
  }
  // Of a loop: its body, its condition, and whether there is another trip.
  absl::StatusOr<std::vector<Step>> StepsOfTrip(const While& loop) {
    Stretch trip;
    INGOT_RETURN_IF_ERROR(Add(loop.body, trip));
    INGOT_RETURN_IF_ERROR(Add(loop.condition, trip));
    Stretch* const outer = std::exchange(stretch_, &trip);
    NewControlStep(loop.predicate);
    stretch_ = outer;
    return StepsOf(std::move(trip));
  }
  Part NewControl(const BufferSlice& slice) {
    Part part;
    part.control = command_;
    part.slot = out_.addresses.AddSlice(slice);
    return part;
  }
  absl::Status AddList(const std::vector<Command>& commands, Part& part) {
    Stretch list;
    INGOT_RETURN_IF_ERROR(Add(commands, list));
    part.lists.push_back(std::move(list));
    return absl::OkStatus();
  }

  CudaProgram& out_;
  const Driver& driver_;
  const Card card_;
  const bool card_decides_;
  const Command* command_ = nullptr;
  Stretch* stretch_ = nullptr;  // that commands are appended to
};

absl::Status Builder::Add(const std::vector<Command>& commands, Stretch& stretch) {
  Stretch* const outer_stretch = stretch_;
  const Command* const outer_command = command_;
  stretch_ = &stretch;
  for (size_t i = 0; i < commands.size(); ++i) {
    command_ = &commands[i];
    INGOT_RETURN_IF_ERROR(Annotate(std::visit(*this, commands[i].operation), "command ", i, " '",
                                   commands[i].label, "'"));
  }
  stretch_ = outer_stretch;
  command_ = outer_command;
  return absl::OkStatus();
}

absl::Status Builder::operator()(const Launch& launch) {
  Step& step = NewStep();
  const CodeModule& module = out_.program->modules[launch.module];
  const CUresult found = driver_.cuModuleGetFunction(&step.function, out_.modules[launch.module],
                                                     launch.kernel.c_str());
  if (found == CUDA_ERROR_NOT_FOUND) {
    return InvalidArgument("code '", module.name, "' has no kernel '", launch.kernel, "'");
  }
  INGOT_RETURN_IF_ERROR(driver_.Check(found, "cuModuleGetFunction"));
  INGOT_RETURN_IF_ERROR(CheckParameters(driver_, step.function, launch));
  if (launch.dynamic_shared_bytes > kDefaultSharedBytes) {
    INGOT_RETURN_IF_ERROR(Annotate(
        driver_.Check(driver_.cuFuncSetAttribute(step.function,
                                                 CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                                                 static_cast<int>(launch.dynamic_shared_bytes)),
                      "cuFuncSetAttribute"),
        launch.dynamic_shared_bytes, " bytes of shared memory for '", launch.kernel, "'"));
  }
  if (launch.cluster.x * launch.cluster.y * launch.cluster.z > kPortableCluster) {
    INGOT_CUDA_RETURN_IF_ERROR(
        driver_,
        cuFuncSetAttribute(step.function, CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED, 1));
  }
  step.grid_x = launch.grid.x;
  if (launch.resident) {
    INGOT_ASSIGN_OR_RETURN(step.grid_x, ResidentGrid(driver_, card_, step.function, launch));
  }
  step.programmatic = launch.programmatic && card_.major >= kProgrammaticMajor;
  step.slot = out_.addresses.size();
  const int first_map = static_cast<int>(out_.tensor_maps.size());
  for (const Argument& argument : launch.arguments) std::visit(*this, argument);
  if (static_cast<int>(out_.tensor_maps.size()) > first_map) step.tensor_map = first_map;
  return absl::OkStatus();
}

// Says of each step which steps of its list it waits for.
void SetOrder(const Program& program, std::vector<Step>& steps) {
  std::vector<const Command*> commands;
  for (Step& step : steps) {
    commands.push_back(step.command);
    for (std::vector<Step>& body : step.bodies) SetOrder(program, body);
  }
  std::vector<std::vector<int>> order = GraphOrder(program, commands);
  for (size_t i = 0; i < order.size(); ++i) steps[i].waits_for = std::move(order[i]);
}
void SetOrder(const Program& program, Stretch& stretch) {
  for (Part& part : stretch.parts) {
    for (Stretch& list : part.lists) SetOrder(program, list);
    SetOrder(program, part.steps);
  }
}

}  // namespace

LoadedModules::~LoadedModules() {
  for (CUmodule module : modules_) driver_.cuModuleUnload(module);
}

absl::Status LoadedModules::Load(const CodeModule& module, const SharedBytes& bytes) {
  // PTX is text that ends with a zero; machine code does not mind one.
  std::string image(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  char log[2048] = {};
  int options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
  void* values[] = {log, reinterpret_cast<void*>(sizeof(log) - 1)};
  CUmodule loaded = nullptr;
  const absl::Status status = driver_.Check(
      driver_.cuModuleLoadDataEx(&loaded, image.c_str(), 2, options, values), "cuModuleLoadDataEx");
  if (status.ok()) {
    modules_.push_back(loaded);
    return absl::OkStatus();
  }
  // One line of the assembler's log.
  const absl::string_view line(log, std::strcspn(log, "\n"));
  return absl::Status(status.code(),
                      absl::StrCat("code '", module.name, "' for ", module.architecture, ": ",
                                   status.message(), line.empty() ? "" : ": ", line));
}

absl::StatusOr<std::unique_ptr<CudaProgram>> CudaProgram::Create(
    std::shared_ptr<const Program> program, const Driver& driver,
    std::vector<const void*> constants, const Card& card) {
  auto result = std::make_unique<CudaProgram>(driver);
  result->program = std::move(program);
  result->constants = std::move(constants);
  for (const CodeModule& module : result->program->modules) {
    INGOT_ASSIGN_OR_RETURN(const CudaFit fit, FitCudaCode(module, card.major, card.minor));
    const bool beside = fit.ptx && module.format != CodeFormat::kPtx;
    INGOT_RETURN_IF_ERROR(result->modules.Load(module, beside ? module.ptx : module.bytes));
  }
  INGOT_RETURN_IF_ERROR(
      Builder(*result, driver, card, false).Add(result->program->commands, result->commands));
  SetOrder(*result->program, result->commands);
  if (card.decides && HasDecisions(*result->program)) {
    const absl::Status status = result->AddOnCard(driver, card);
    if (status.ok()) {
      Log("program '", result->program->name, "': the card decides on loops and conditionals");
    } else {
      Log("program '", result->program->name,
          "': the host decides on loops and conditionals: ", status.message());
    }
  }
  return result;
}

absl::Status CudaProgram::AddOnCard(const Driver& driver, const Card& card) {
  if (std::string why = WhyHostDecides(*program, driver); !why.empty()) {
    return absl::UnavailableError(why);
  }
  // The kernel stays loaded as long as the program's own.
  CodeModule setter;
  setter.name = kSetCondition;
  setter.architecture = "every card";
  const auto* text = reinterpret_cast<const uint8_t*>(kSetConditionPtx);
  INGOT_RETURN_IF_ERROR(
      modules.Load(setter, SharedBytes(nullptr, {text, std::strlen(kSetConditionPtx)})));
  INGOT_CUDA_RETURN_IF_ERROR(
      driver, cuModuleGetFunction(&set_condition, modules[program->modules.size()], kSetCondition));
  Stretch all;
  INGOT_RETURN_IF_ERROR(Builder(*this, driver, card, true).Add(program->commands, all));
  on_card = StepsOf(std::move(all));
  SetOrder(*program, on_card);
  return absl::OkStatus();
}

}  // namespace ingot::runtime::cuda
