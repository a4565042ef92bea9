#include "runtime/cuda/cuda_device.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "ir/base/status.h"
#include "runtime/cuda/cuda_program.h"
#include "runtime/cuda/cuda_run.h"
#include "runtime/cuda/driver.h"

namespace ingot::runtime {
namespace {

using cuda::Driver;

// Makes a context the calling thread's, while it lives.
class ScopedContext {
 public:
  ScopedContext(const Driver& driver, cuda::CUcontext context)
      : driver_(driver),
        status_(driver.Check(driver.cuCtxPushCurrent_v2(context), "cuCtxPushCurrent")) {}
  ~ScopedContext() {
    cuda::CUcontext popped;
    if (status_.ok()) driver_.cuCtxPopCurrent_v2(&popped);
  }
  ScopedContext(const ScopedContext&) = delete;
  ScopedContext& operator=(const ScopedContext&) = delete;
  const absl::Status& status() const { return status_; }

 private:
  const Driver& driver_;
  const absl::Status status_;
};

absl::StatusOr<DeviceProperties> Describe(const Driver& driver, cuda::CUdevice device, int* major,
                                          int* minor) {
  DeviceProperties properties;
  properties.platform = "cuda";
  char name[256] = {};
  size_t bytes = 0;
  int processors = 0;
  INGOT_CUDA_RETURN_IF_ERROR(driver, cuDeviceGetName(name, sizeof(name) - 1, device));
  INGOT_CUDA_RETURN_IF_ERROR(driver, cuDeviceTotalMem_v2(&bytes, device));
  INGOT_CUDA_RETURN_IF_ERROR(
      driver,
      cuDeviceGetAttribute(&processors, cuda::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, device));
  INGOT_CUDA_RETURN_IF_ERROR(
      driver,
      cuDeviceGetAttribute(major, cuda::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, device));
  INGOT_CUDA_RETURN_IF_ERROR(
      driver,
      cuDeviceGetAttribute(minor, cuda::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, device));
  properties.name = name;
  // From 9.0 on cards have features of their own, which code for "sm_90a" uses.
  properties.architecture = absl::StrCat("sm_", *major * 10 + *minor, *major >= 9 ? "a" : "");
  properties.memory_bytes = static_cast<int64_t>(bytes);
  properties.processors = processors;
  properties.driver_version = driver.version;
  properties.ordinal = device;
  return properties;
}

class CudaDevice;

// The device's context and queue, and what is done with them from several classes.
struct Shared {
  const Driver& driver;
  cuda::CUcontext context = nullptr;
  cuda::CUstream stream = nullptr;  // the device's queue

  cuda::CUstream StreamOf(void* stream_or_null) const {
    return stream_or_null == nullptr ? stream : static_cast<cuda::CUstream>(stream_or_null);
  }

  absl::StatusOr<void*> Allocate(int64_t bytes) const {
    ScopedContext scope(driver, context);
    INGOT_RETURN_IF_ERROR(scope.status());
    cuda::CUdeviceptr address = 0;
    if (bytes < 0) return InvalidArgument("an allocation of ", bytes, " bytes");
    // Addresses are multiples of 256 at the least, and nothing may be allocated as 0 bytes.
    INGOT_RETURN_IF_ERROR(Annotate(
        driver.Check(driver.cuMemAlloc_v2(&address, std::max<int64_t>(bytes, 256)), "cuMemAlloc"),
        bytes, " bytes on the card"));
    return reinterpret_cast<void*>(address);
  }
  void Free(const void* address) const {
    ScopedContext scope(driver, context);
    if (address != nullptr) driver.cuMemFree_v2(reinterpret_cast<cuda::CUdeviceptr>(address));
  }
};

class CudaInstance final : public ProgramInstance {
 public:
  CudaInstance(const Shared& shared, const cuda::CudaProgram& program, void* arena)
      : shared_(shared),
        arena_(arena),
        run_(std::make_unique<cuda::CudaRun>(program, shared.driver, shared.context, arena)) {}
  ~CudaInstance() override {
    {
      ScopedContext scope(shared_.driver, shared_.context);
      run_.reset();
    }
    shared_.Free(arena_);
  }

  absl::Status Prepare() {
    ScopedContext scope(shared_.driver, shared_.context);
    INGOT_RETURN_IF_ERROR(scope.status());
    return run_->Prepare();
  }
  absl::Status Start(const RunArguments& arguments) override {
    ScopedContext scope(shared_.driver, shared_.context);
    INGOT_RETURN_IF_ERROR(scope.status());
    return run_->Start(arguments, shared_.StreamOf(arguments.stream));
  }
  absl::Status Wait() override {
    ScopedContext scope(shared_.driver, shared_.context);
    INGOT_RETURN_IF_ERROR(scope.status());
    return run_->Wait();
  }
  bool IsDone() override {
    ScopedContext scope(shared_.driver, shared_.context);
    return !scope.status().ok() || run_->IsDone();
  }
  absl::Status Run(const RunArguments& arguments) override {
    INGOT_RETURN_IF_ERROR(Start(arguments));
    return Wait();
  }

 private:
  const Shared& shared_;
  void* const arena_;
  std::unique_ptr<cuda::CudaRun> run_;
};

class CudaLoadedProgram final : public LoadedProgram {
 public:
  CudaLoadedProgram(const Shared& shared, std::vector<const void*> constants,
                    std::unique_ptr<cuda::CudaProgram> program)
      : shared_(shared), constants_(std::move(constants)), program_(std::move(program)) {}
  ~CudaLoadedProgram() override {
    {
      ScopedContext scope(shared_.driver, shared_.context);
      program_.reset();
    }
    for (const void* constant : constants_) shared_.Free(constant);
  }

  absl::StatusOr<std::unique_ptr<ProgramInstance>> CreateInstance() override {
    INGOT_ASSIGN_OR_RETURN(void* const arena, shared_.Allocate(program_->program->arena_size));
    auto instance = std::make_unique<CudaInstance>(shared_, *program_, arena);
    INGOT_RETURN_IF_ERROR(instance->Prepare());
    return instance;
  }

 private:
  const Shared& shared_;
  const std::vector<const void*> constants_;
  std::unique_ptr<cuda::CudaProgram> program_;
};

class CudaDevice final : public Device {
 public:
  CudaDevice(const Driver& driver, cuda::CUdevice device, bool card_decides)
      : shared_{driver}, device_(device), card_decides_(card_decides) {}
  ~CudaDevice() override {
    if (shared_.stream != nullptr) {
      ScopedContext scope(shared_.driver, shared_.context);
      shared_.driver.cuStreamDestroy_v2(shared_.stream);
    }
    if (owns_context_) shared_.driver.cuDevicePrimaryCtxRelease_v2(device_);
  }

  // `borrowed`: the caller's context, or null.
  absl::Status Prepare(cuda::CUcontext borrowed) {
    const Driver& driver = shared_.driver;
    shared_.context = borrowed;
    if (borrowed == nullptr) {
      INGOT_CUDA_RETURN_IF_ERROR(driver, cuDevicePrimaryCtxRetain(&shared_.context, device_));
      owns_context_ = true;
    }
    ScopedContext scope(driver, shared_.context);
    INGOT_RETURN_IF_ERROR(scope.status());
    if (borrowed != nullptr) INGOT_CUDA_RETURN_IF_ERROR(driver, cuCtxGetDevice(&device_));
    INGOT_ASSIGN_OR_RETURN(properties_, Describe(driver, device_, &major_, &minor_));
    INGOT_CUDA_RETURN_IF_ERROR(driver,
                               cuStreamCreate(&shared_.stream, cuda::CU_STREAM_NON_BLOCKING));
    return absl::OkStatus();
  }

  const DeviceProperties& properties() const override { return properties_; }
  absl::StatusOr<void*> Allocate(int64_t bytes) override { return shared_.Allocate(bytes); }
  void Free(void* address) override { shared_.Free(address); }

  absl::Status CopyIn(void* destination, const void* source, int64_t bytes, void* stream) override {
    if (bytes == 0) return absl::OkStatus();
    ScopedContext scope(shared_.driver, shared_.context);
    INGOT_RETURN_IF_ERROR(scope.status());
    INGOT_CUDA_RETURN_IF_ERROR(
        shared_.driver, cuMemcpyHtoDAsync_v2(reinterpret_cast<cuda::CUdeviceptr>(destination),
                                             source, bytes, shared_.StreamOf(stream)));
    return Synchronize(stream);
  }
  absl::Status CopyOut(void* destination, const void* source, int64_t bytes,
                       void* stream) override {
    if (bytes == 0) return absl::OkStatus();
    ScopedContext scope(shared_.driver, shared_.context);
    INGOT_RETURN_IF_ERROR(scope.status());
    INGOT_CUDA_RETURN_IF_ERROR(
        shared_.driver,
        cuMemcpyDtoHAsync_v2(destination, reinterpret_cast<cuda::CUdeviceptr>(source), bytes,
                             shared_.StreamOf(stream)));
    return Synchronize(stream);
  }
  absl::Status Synchronize(void* stream) override {
    ScopedContext scope(shared_.driver, shared_.context);
    INGOT_RETURN_IF_ERROR(scope.status());
    INGOT_CUDA_RETURN_IF_ERROR(shared_.driver, cuStreamSynchronize(shared_.StreamOf(stream)));
    return absl::OkStatus();
  }

  absl::StatusOr<int> Fit(const Program& program) const override;
  absl::StatusOr<std::unique_ptr<LoadedProgram>> Load(
      std::shared_ptr<const Program> program) override;

 private:
  absl::StatusOr<std::vector<const void*>> PlaceConstants(const Program& program);

  Shared shared_;
  cuda::CUdevice device_;
  const bool card_decides_;
  bool owns_context_ = false;
  int major_ = 0, minor_ = 0;  // compute capability
  DeviceProperties properties_;
};

absl::StatusOr<int> CudaDevice::Fit(const Program& program) const {
  if (program.platform != "cuda") {
    return absl::FailedPreconditionError(absl::StrCat("program '", program.name, "' is for the ",
                                                      program.platform,
                                                      ", and this device is a card"));
  }
  if (program.driver_version > shared_.driver.version) {
    const auto text = [](int version) {
      return absl::StrCat(version / 1000, ".", version % 1000 / 10);
    };
    return absl::FailedPreconditionError(
        absl::StrCat("the program needs a driver for CUDA ", text(program.driver_version),
                     ", and this machine's is for ", text(shared_.driver.version)));
  }
  int fit = std::numeric_limits<int>::max();
  for (const CodeModule& module : program.modules) {
    INGOT_ASSIGN_OR_RETURN(const CudaFit one, FitCudaCode(module, major_, minor_));
    fit = std::min(fit, one.number);
  }
  return fit;
}

absl::StatusOr<std::vector<const void*>> CudaDevice::PlaceConstants(const Program& program) {
  std::vector<const void*> places;
  absl::Status status;
  for (const Constant& constant : program.constants) {
    absl::StatusOr<void*> place = Allocate(constant.bytes.size());
    status = place.status();
    if (!status.ok()) break;
    places.push_back(*place);
    status = CopyIn(*place, constant.bytes.data(), constant.bytes.size(), nullptr);
    if (!status.ok()) break;
  }
  if (status.ok()) return places;
  for (const void* place : places) shared_.Free(place);
  return status;
}

absl::StatusOr<std::unique_ptr<LoadedProgram>> CudaDevice::Load(
    std::shared_ptr<const Program> program) {
  INGOT_RETURN_IF_ERROR(Fit(*program).status());
  INGOT_ASSIGN_OR_RETURN(std::vector<const void*> constants, PlaceConstants(*program));
  ScopedContext scope(shared_.driver, shared_.context);
  INGOT_RETURN_IF_ERROR(scope.status());
  const cuda::Card card = {major_, minor_, static_cast<int>(properties_.processors), card_decides_};
  absl::StatusOr<std::unique_ptr<cuda::CudaProgram>> loaded =
      cuda::CudaProgram::Create(std::move(program), shared_.driver, constants, card);
  if (!loaded.ok()) {
    for (const void* constant : constants) shared_.Free(constant);
    return loaded.status();
  }
  return std::make_unique<CudaLoadedProgram>(shared_, std::move(constants), *std::move(loaded));
}

}  // namespace

absl::StatusOr<CudaFit> FitCudaCode(const CodeModule& module, int major, int minor) {
  absl::string_view text = module.architecture;
  const bool own_card = absl::ConsumeSuffix(&text, "a");
  int number = 0;
  if (!absl::ConsumePrefix(&text, "sm_") || !absl::SimpleAtoi(text, &number) || number < 10 ||
      number > 999) {
    return InvalidArgument("code '", module.name, "' is for '", module.architecture,
                           "', which is no architecture of a card");
  }
  const int here = major * 10 + minor;
  const bool is_ptx = module.format == CodeFormat::kPtx;
  const bool has_ptx = is_ptx || module.ptx.size() > 0;
  if (own_card && number == here) return CudaFit{is_ptx ? 3000 : 4000, is_ptx};
  if (!own_card && !is_ptx && number / 10 == major && number <= here) {
    return CudaFit{2000 + number, false};
  }
  if (!own_card && has_ptx && number <= here) return CudaFit{1000 + number, true};
  return absl::FailedPreconditionError(
      absl::StrCat("the code is for ", module.architecture, ", and this card is sm_", here));
}

absl::StatusOr<std::unique_ptr<Device>> CreateCudaDevice(const CudaOptions& options) {
  INGOT_ASSIGN_OR_RETURN(const Driver* const driver, cuda::OpenDriver());
  int count = 0;
  INGOT_CUDA_RETURN_IF_ERROR(*driver, cuDeviceGetCount(&count));
  if (options.ordinal < 0 || options.ordinal >= count) {
    return absl::FailedPreconditionError(
        absl::StrCat("no card ", options.ordinal, ": the driver knows ", count));
  }
  cuda::CUdevice ordinal = 0;
  INGOT_CUDA_RETURN_IF_ERROR(*driver, cuDeviceGet(&ordinal, options.ordinal));
  auto device = std::make_unique<CudaDevice>(*driver, ordinal, options.card_decides);
  INGOT_RETURN_IF_ERROR(device->Prepare(static_cast<cuda::CUcontext>(options.context)));
  return device;
}

absl::StatusOr<std::vector<DeviceProperties>> ListCudaDevices() {
  INGOT_ASSIGN_OR_RETURN(const Driver* const driver, cuda::OpenDriver());
  int count = 0;
  INGOT_CUDA_RETURN_IF_ERROR(*driver, cuDeviceGetCount(&count));
  std::vector<DeviceProperties> all;
  for (int i = 0; i < count; ++i) {
    cuda::CUdevice device = 0;
    int major = 0, minor = 0;
    INGOT_CUDA_RETURN_IF_ERROR(*driver, cuDeviceGet(&device, i));
    INGOT_ASSIGN_OR_RETURN(DeviceProperties properties, Describe(*driver, device, &major, &minor));
    all.push_back(std::move(properties));
  }
  return all;
}

}  // namespace ingot::runtime
