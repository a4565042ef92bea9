#include "compiler/kernel/simulator/device/device.h"

#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "compiler/kernel/simulator/device/device_memory.h"
#include "compiler/kernel/simulator/device/simulated_run.h"
#include "compiler/kernel/text.h"
#include "compiler/kernel/verifier.h"
#include "ir/base/status.h"
#include "ir/base/target.h"

namespace ingot::kernel::simulator {
namespace {

class SimulatedInstance final : public runtime::ProgramInstance {
 public:
  SimulatedInstance(const SimulatedProgram& program, DeviceMemory& memory, void* arena,
                    const DeviceOptions& options)
      : program_(program), memory_(memory), arena_(arena), options_(options) {}
  ~SimulatedInstance() override { memory_.Free(arena_); }

  absl::Status Start(const runtime::RunArguments& arguments) override {
    status_ = Run(arguments);
    return absl::OkStatus();
  }
  absl::Status Wait() override { return std::exchange(status_, absl::OkStatus()); }
  bool IsDone() override { return true; }
  absl::Status Run(const runtime::RunArguments& arguments) override {
    return SimulatedRun(program_, memory_, arena_, options_, arguments).Run();
  }

 private:
  const SimulatedProgram& program_;
  DeviceMemory& memory_;
  void* const arena_;
  const DeviceOptions& options_;
  absl::Status status_;
};

class SimulatedLoadedProgram final : public runtime::LoadedProgram {
 public:
  SimulatedLoadedProgram(DeviceMemory& memory, const DeviceOptions& options)
      : memory_(memory), options_(options) {}
  ~SimulatedLoadedProgram() override {
    for (void* constant : program_.constants) memory_.Free(constant);
  }

  absl::Status Load(std::shared_ptr<const runtime::Program> program);

  absl::StatusOr<std::unique_ptr<runtime::ProgramInstance>> CreateInstance() override {
    INGOT_ASSIGN_OR_RETURN(void* const arena, memory_.Allocate(program_.program->arena_size));
    return std::make_unique<SimulatedInstance>(program_, memory_, arena, options_);
  }

 private:
  DeviceMemory& memory_;
  const DeviceOptions& options_;
  SimulatedProgram program_;
};

absl::StatusOr<SimulatedModule> LoadModule(const runtime::CodeModule& code) {
  SimulatedModule module;
  INGOT_ASSIGN_OR_RETURN(module.target, FindTarget(code.architecture));
  if (!module.target->simulated) {
    return absl::FailedPreconditionError(
        absl::StrCat("kernels for ", code.architecture, ", which is not simulated"));
  }
  const absl::string_view text(reinterpret_cast<const char*>(code.bytes.data()), code.bytes.size());
  INGOT_ASSIGN_OR_RETURN(module.kernels, ParseKernels(text, code.name));
  INGOT_RETURN_IF_ERROR(VerifyModule(module.kernels, module.target));
  for (const auto& kernel : module.kernels.kernels) {
    module.by_name[kernel->name()] = kernel.get();
  }
  return module;
}

absl::Status SimulatedLoadedProgram::Load(std::shared_ptr<const runtime::Program> program) {
  program_.program = std::move(program);
  for (const runtime::CodeModule& code : program_.program->modules) {
    absl::StatusOr<SimulatedModule> module = LoadModule(code);
    if (!module.ok()) return Annotate(module.status(), "code '", code.name, "'");
    program_.modules.push_back(*std::move(module));
  }
  for (const runtime::Constant& constant : program_.program->constants) {
    const int64_t bytes = constant.bytes.size();
    INGOT_ASSIGN_OR_RETURN(void* const address, memory_.Allocate(bytes));
    program_.constants.push_back(address);
    if (bytes > 0) std::memcpy(address, constant.bytes.data(), bytes);
    memory_.SetWritten(address, bytes, true);
  }
  return absl::OkStatus();
}

class SimulatedDevice final : public runtime::Device {
 public:
  explicit SimulatedDevice(const DeviceOptions& options) : options_(options) {
    properties_.platform = "sim";
    properties_.name = "the simulator";
    properties_.architecture = "sim";
    properties_.processors = 1;
  }

  const runtime::DeviceProperties& properties() const override { return properties_; }

  absl::StatusOr<void*> Allocate(int64_t bytes) override { return memory_.Allocate(bytes); }
  void Free(void* address) override { memory_.Free(address); }
  absl::Status CopyIn(void* destination, const void* source, int64_t bytes, void*) override {
    if (bytes > 0) std::memcpy(destination, source, bytes);
    memory_.SetWritten(destination, bytes, true);
    return absl::OkStatus();
  }
  absl::Status CopyOut(void* destination, const void* source, int64_t bytes, void*) override {
    if (bytes > 0) std::memcpy(destination, source, bytes);
    return absl::OkStatus();
  }
  absl::Status Synchronize(void*) override { return absl::OkStatus(); }

  absl::StatusOr<int> Fit(const runtime::Program& program) const override {
    if (program.platform == "sim") return 0;
    return absl::FailedPreconditionError(absl::StrCat("program '", program.name, "' is for ",
                                                      program.platform,
                                                      ", and this device is the simulator"));
  }

  absl::StatusOr<std::unique_ptr<runtime::LoadedProgram>> Load(
      std::shared_ptr<const runtime::Program> program) override {
    INGOT_RETURN_IF_ERROR(Fit(*program).status());
    auto loaded = std::make_unique<SimulatedLoadedProgram>(memory_, options_);
    INGOT_RETURN_IF_ERROR(loaded->Load(std::move(program)));
    return loaded;
  }

 private:
  const DeviceOptions options_;
  runtime::DeviceProperties properties_;
  DeviceMemory memory_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<runtime::Device>> CreateSimulatedDevice(
    const DeviceOptions& options) {
  DeviceOptions resolved = options;
  if (resolved.schedules == 0) {
    resolved.schedules = 1;
    const char* const text = std::getenv("INGOT_SIM_SCHEDULES");
    if (text != nullptr &&
        (!absl::SimpleAtoi(text, &resolved.schedules) || resolved.schedules < 1)) {
      return InvalidArgument("INGOT_SIM_SCHEDULES is '", text, "', not a number from 1 on");
    }
  }
  return std::make_unique<SimulatedDevice>(resolved);
}

}  // namespace ingot::kernel::simulator
