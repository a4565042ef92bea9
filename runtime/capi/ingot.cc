// The C interface (runtime/ingot.h) over Executor.
#include "runtime/ingot.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "ir/base/status.h"
#include "runtime/capi/dlpack.h"
#include "runtime/choice.h"
#include "runtime/cuda/cuda_device.h"
#include "runtime/executor.h"
#include "runtime/host/host_device.h"
#include "runtime/ingot_file.h"
#include "runtime/log.h"

namespace rt = ingot::runtime;

struct ingot_device {
  std::unique_ptr<rt::Device> device;
};

// Arrays in the device's memory for ingot_run, kept for the next run.
struct Staging {
  std::vector<std::optional<rt::Buffer>> inputs, outputs;  // made when first needed
};

struct ingot_program {
  std::unique_ptr<rt::Executor> executor;
  std::string text;
  std::vector<std::vector<int64_t>> input_strides, output_strides;
  std::mutex mutex;
  std::vector<std::unique_ptr<Staging>> idle;  // guarded by mutex
};

struct ingot_buffer {
  rt::Device* device;
  void* address;
  size_t bytes;
  bool owned;
  DLManagedTensor* tensor = nullptr;  // whose memory it is; released with the buffer
};

struct ingot_execution {
  rt::Execution execution;
};

namespace {

using ::ingot::InvalidArgument;
using ::ingot::Shape;

thread_local std::string last_error;

ingot_status Report(const absl::Status& status) {
  if (status.ok()) return INGOT_OK;
  last_error = std::string(status.message());
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
      return INGOT_INVALID;
    case absl::StatusCode::kNotFound:
      return INGOT_NOT_FOUND;
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kUnimplemented:
      return INGOT_NOT_SUPPORTED;
    case absl::StatusCode::kResourceExhausted:
      return INGOT_NO_MEMORY;
    default:
      return INGOT_FAILED;
  }
}

absl::StatusOr<std::unique_ptr<rt::Device>> MakeDevice(absl::string_view kind) {
  rt::HostOptions options;
  absl::string_view threads = kind;
  if (absl::ConsumePrefix(&threads, "host:")) {
    if (!absl::SimpleAtoi(threads, &options.threads) || options.threads < 1) {
      return InvalidArgument("device '", kind, "': '", threads, "' is not a number of threads");
    }
    return rt::CreateHostDevice(options);
  }
  if (kind == "host") return rt::CreateHostDevice(options);
  rt::CudaOptions cuda;
  absl::string_view ordinal = kind;
  if (absl::ConsumePrefix(&ordinal, "cuda:") &&
      (!absl::SimpleAtoi(ordinal, &cuda.ordinal) || cuda.ordinal < 0)) {
    return InvalidArgument("device '", kind, "': '", ordinal, "' is not the number of a card");
  }
  if (kind == "cuda" || ordinal != kind) return rt::CreateCudaDevice(cuda);
  return InvalidArgument("unknown kind of device '", kind, "'");
}

std::vector<int64_t> Strides(const Shape& shape) {
  return ::ingot::StridesOf(shape.dimensions(), shape.LayoutOrDefault());
}

ingot_status Load(ingot_device* device, absl::StatusOr<std::vector<rt::Program>> loaded,
                  ingot_program** out) {
  if (!loaded.ok()) return Report(loaded.status());
  const auto choice = rt::ChooseProgram(*loaded, *device->device);
  if (!choice.ok()) return Report(choice.status());
  auto program = std::make_shared<const rt::Program>(std::move((*loaded)[*choice]));
  auto executor = rt::Executor::Create(program, device->device.get());
  if (!executor.ok()) return Report(executor.status());
  auto result = std::make_unique<ingot_program>();
  result->executor = *std::move(executor);
  result->text = rt::ToString(*program);
  for (const rt::Input& input : program->inputs) {
    result->input_strides.push_back(Strides(input.shape));
  }
  for (const rt::Output& output : program->outputs) {
    result->output_strides.push_back(Strides(output.shape));
  }
  rt::Log("loaded program '", program->name, "' on ", device->device->properties().name);
  *out = result.release();
  return INGOT_OK;
}

ingot_array Describe(const std::string& name, const Shape& shape,
                     const std::vector<int64_t>& strides, int32_t aliased_input) {
  ingot_array array = {};
  array.name = name.c_str();
  array.type = ::ingot::ElementTypeName(shape.element_type()).data();  // a literal of a table
  array.rank = static_cast<int32_t>(shape.rank());
  array.dimensions = shape.dimensions().data();
  array.strides = strides.data();
  array.bytes = static_cast<size_t>(shape.ByteSize());
  array.aliased_input = aliased_input;
  return array;
}

// `list`: the program's inputs or outputs.
template <typename List>
absl::Status CheckSizes(absl::string_view role, const List& list, const ingot_memory* memory,
                        int32_t count) {
  if (count < 0 || static_cast<size_t>(count) != list.size()) {
    return InvalidArgument("the program has ", list.size(), " ", role, "s, and ", count,
                           " were given");
  }
  for (int32_t i = 0; i < count; ++i) {
    const auto bytes = static_cast<size_t>(list[i].shape.ByteSize());
    if (memory[i].bytes != bytes) {
      return InvalidArgument(role, " ", i, " '", list[i].name, "': ", list[i].shape.ToString(),
                             " has ", bytes, " bytes, and ", memory[i].bytes, " were given");
    }
    if (memory[i].data == nullptr && bytes > 0) {
      return InvalidArgument(role, " ", i, " '", list[i].name, "': no memory given");
    }
  }
  return absl::OkStatus();
}

// Whether a run can use the caller's memory as it is.
bool InPlace(const rt::Device& device, const void* data) {
  return device.properties().platform == "host" &&
         reinterpret_cast<uintptr_t>(data) % rt::kParameterAlignment == 0;
}

absl::StatusOr<rt::BufferView> Stage(rt::Device* device, const Shape& shape, void* data,
                                     std::optional<rt::Buffer>& buffer) {
  if (InPlace(*device, data)) return rt::BufferView{data, shape};
  if (!buffer.has_value()) {
    INGOT_ASSIGN_OR_RETURN(buffer, rt::Buffer::Allocate(device, shape));
  }
  return buffer->view();
}

absl::Status RunStaged(rt::Executor& executor, Staging& staging, const ingot_memory* inputs,
                       const ingot_memory* outputs) {
  const rt::Program& program = executor.program();
  rt::Device* const device = executor.device();
  std::vector<rt::BufferView> input_views, output_views;
  for (size_t i = 0; i < program.inputs.size(); ++i) {
    INGOT_ASSIGN_OR_RETURN(rt::BufferView view, Stage(device, program.inputs[i].shape,
                                                      inputs[i].data, staging.inputs[i]));
    if (view.data != inputs[i].data) {
      INGOT_RETURN_IF_ERROR(device->CopyIn(view.data, inputs[i].data, inputs[i].bytes));
    }
    input_views.push_back(std::move(view));
  }
  for (size_t i = 0; i < program.outputs.size(); ++i) {
    INGOT_ASSIGN_OR_RETURN(rt::BufferView view, Stage(device, program.outputs[i].shape,
                                                      outputs[i].data, staging.outputs[i]));
    output_views.push_back(std::move(view));
  }
  INGOT_RETURN_IF_ERROR(executor.Run(input_views, output_views));
  for (size_t i = 0; i < program.outputs.size(); ++i) {
    if (output_views[i].data == outputs[i].data) continue;
    INGOT_RETURN_IF_ERROR(device->CopyOut(outputs[i].data, output_views[i].data, outputs[i].bytes));
  }
  return absl::OkStatus();
}

// Buffers are bytes; the shapes are the program's.
template <typename List>
absl::StatusOr<std::vector<rt::BufferView>> Views(absl::string_view role, const List& list,
                                                  ingot_buffer* const* buffers, int32_t count) {
  std::vector<ingot_memory> memory;
  for (int32_t i = 0; i < count; ++i) memory.push_back({buffers[i]->address, buffers[i]->bytes});
  INGOT_RETURN_IF_ERROR(CheckSizes(role, list, memory.data(), count));
  std::vector<rt::BufferView> views;
  for (int32_t i = 0; i < count; ++i) views.push_back({buffers[i]->address, list[i].shape});
  return views;
}

// Whether memory of DLPack's device is the device's.
bool IsOn(const rt::Device& device, int32_t type, int32_t id) {
  namespace dlpack = rt::dlpack;
  if (device.properties().platform == "host") {
    return type == dlpack::kCpu || type == dlpack::kCudaHost;
  }
  return (type == dlpack::kCuda || type == dlpack::kCudaManaged) &&
         id == device.properties().ordinal;
}

// Bytes of the tensor, which must be dense and row-major.
absl::StatusOr<size_t> BytesOf(const DLManagedTensor& managed) {
  const auto& tensor = managed.tensor;
  const int64_t element_bits = int64_t{tensor.type.bits} * tensor.type.lanes;
  if (element_bits == 0 || element_bits % 8 != 0) {
    return InvalidArgument("a tensor of elements of ", element_bits, " bits");
  }
  if (tensor.rank < 0 || (tensor.rank > 0 && tensor.shape == nullptr)) {
    return InvalidArgument("a tensor of rank ", tensor.rank, " without dimensions");
  }
  const bool empty =
      std::any_of(tensor.shape, tensor.shape + tensor.rank, [](int64_t size) { return size == 0; });
  int64_t elements = 1;
  for (int32_t d = tensor.rank - 1; d >= 0; --d) {
    const int64_t size = tensor.shape[d];
    if (size < 0) return InvalidArgument("dimension ", d, " of a tensor is ", size);
    // What has one element along a dimension never steps along it.
    if (!empty && size > 1 && tensor.strides != nullptr && tensor.strides[d] != elements) {
      return InvalidArgument("dimension ", d, " of a tensor has the stride ", tensor.strides[d],
                             ", not ", elements, ": it is not dense and row-major");
    }
    if (__builtin_mul_overflow(elements, size, &elements)) elements = -1;
    if (elements < 0) return InvalidArgument("a tensor too large for this machine");
  }
  int64_t bytes = 0;
  if (__builtin_mul_overflow(elements, element_bits / 8, &bytes)) {
    return InvalidArgument("a tensor too large for this machine");
  }
  return static_cast<size_t>(bytes);
}

// DLPack's code for an element type of HLO that it has; nullopt for others.
std::optional<uint8_t> CodeOf(::ingot::ElementType type) {
  namespace dlpack = rt::dlpack;
  if (type == ::ingot::ElementType::kPred) return dlpack::kBool;
  if (type == ::ingot::ElementType::kBF16) return dlpack::kBfloat;
  if (8 * ::ingot::ByteWidth(type) != ::ingot::BitWidth(type)) return std::nullopt;
  if (::ingot::IsComplex(type)) return dlpack::kComplex;
  if (::ingot::IsFloat(type)) {
    return ::ingot::BitWidth(type) < 16 ? std::nullopt : std::optional<uint8_t>(dlpack::kFloat);
  }
  return ::ingot::IsSigned(type) ? dlpack::kInt : dlpack::kUInt;
}

// A tensor that is given away, and what it points to.
struct GivenTensor {
  DLManagedTensor managed = {};
  ingot_buffer* buffer = nullptr;
  std::vector<int64_t> dimensions, strides;
};

}  // namespace

extern "C" {

const char* ingot_error_message(void) { return last_error.c_str(); }

const char* ingot_version(void) { return "0.1.0"; }

const char* ingot_format_version(void) {
  static const std::string version = absl::StrCat(rt::kIngotMajor, ".", rt::kIngotMinor);
  return version.c_str();
}

void ingot_set_log_sink(ingot_log_sink sink, void* context) { rt::SetLogSink(sink, context); }

ingot_status ingot_device_create(const char* kind, ingot_device** device) {
  auto made = MakeDevice(kind);
  if (!made.ok()) return Report(made.status());
  *device = new ingot_device{*std::move(made)};
  return INGOT_OK;
}

void ingot_device_destroy(ingot_device* device) { delete device; }

const char* ingot_device_name(const ingot_device* device) {
  return device->device->properties().name.c_str();
}

const char* ingot_device_architecture(const ingot_device* device) {
  return device->device->properties().architecture.c_str();
}

ingot_status ingot_device_synchronize(ingot_device* device) {
  return Report(device->device->Synchronize());
}

ingot_status ingot_load_file(ingot_device* device, const char* path, int flags,
                             ingot_program** program) {
  return Load(device, rt::LoadPrograms(path, {.verify = (flags & INGOT_VERIFY) != 0}), program);
}

ingot_status ingot_load_memory(ingot_device* device, const void* data, size_t bytes, int flags,
                               ingot_program** program) {
  const auto span = absl::MakeConstSpan(static_cast<const uint8_t*>(data), bytes);
  return Load(device, rt::ParsePrograms(span, {.verify = (flags & INGOT_VERIFY) != 0}), program);
}

ingot_status ingot_load_signed_file(ingot_device* device, const char* path,
                                    const uint8_t* public_key, ingot_program** program) {
  rt::PublicKey key;
  std::copy_n(public_key, key.size(), key.begin());
  return Load(device, rt::LoadPrograms(path, {.verify = true, .trusted_key = key}), program);
}

void ingot_program_destroy(ingot_program* program) { delete program; }

const char* ingot_program_name(const ingot_program* program) {
  return program->executor->program().name.c_str();
}

const char* ingot_program_text(const ingot_program* program) { return program->text.c_str(); }

int32_t ingot_program_input_count(const ingot_program* program) {
  return static_cast<int32_t>(program->executor->program().inputs.size());
}

int32_t ingot_program_output_count(const ingot_program* program) {
  return static_cast<int32_t>(program->executor->program().outputs.size());
}

ingot_status ingot_program_input(const ingot_program* program, int32_t index, ingot_array* array) {
  const std::vector<rt::Input>& inputs = program->executor->program().inputs;
  if (index < 0 || static_cast<size_t>(index) >= inputs.size()) {
    return Report(InvalidArgument("input ", index, " of ", inputs.size()));
  }
  *array = Describe(inputs[index].name, inputs[index].shape, program->input_strides[index], -1);
  return INGOT_OK;
}

ingot_status ingot_program_output(const ingot_program* program, int32_t index, ingot_array* array) {
  const std::vector<rt::Output>& outputs = program->executor->program().outputs;
  if (index < 0 || static_cast<size_t>(index) >= outputs.size()) {
    return Report(InvalidArgument("output ", index, " of ", outputs.size()));
  }
  *array = Describe(outputs[index].name, outputs[index].shape, program->output_strides[index],
                    outputs[index].aliased_input);
  return INGOT_OK;
}

ingot_status ingot_run(ingot_program* program, const ingot_memory* inputs, int32_t input_count,
                       const ingot_memory* outputs, int32_t output_count) {
  rt::Executor& executor = *program->executor;
  absl::Status status = CheckSizes("input", executor.program().inputs, inputs, input_count);
  if (!status.ok()) return Report(status);
  status = CheckSizes("output", executor.program().outputs, outputs, output_count);
  if (!status.ok()) return Report(status);
  std::unique_ptr<Staging> staging;
  {
    std::lock_guard<std::mutex> lock(program->mutex);
    if (!program->idle.empty()) {
      staging = std::move(program->idle.back());
      program->idle.pop_back();
    }
  }
  if (staging == nullptr) {
    staging = std::make_unique<Staging>();
    staging->inputs.resize(input_count);
    staging->outputs.resize(output_count);
  }
  status = RunStaged(executor, *staging, inputs, outputs);
  std::lock_guard<std::mutex> lock(program->mutex);
  program->idle.push_back(std::move(staging));
  return Report(status);
}

ingot_status ingot_buffer_create(ingot_device* device, size_t bytes, ingot_buffer** buffer) {
  auto address = device->device->Allocate(static_cast<int64_t>(bytes));
  if (!address.ok()) return Report(address.status());
  *buffer = new ingot_buffer{device->device.get(), *address, bytes, true};
  return INGOT_OK;
}

ingot_status ingot_buffer_wrap(ingot_device* device, void* address, size_t bytes,
                               ingot_buffer** buffer) {
  if (reinterpret_cast<uintptr_t>(address) % rt::kParameterAlignment != 0) {
    return Report(
        InvalidArgument("a buffer's address is not a multiple of ", rt::kParameterAlignment));
  }
  *buffer = new ingot_buffer{device->device.get(), address, bytes, false};
  return INGOT_OK;
}

void ingot_buffer_destroy(ingot_buffer* buffer) {
  if (buffer == nullptr) return;
  if (buffer->owned) buffer->device->Free(buffer->address);
  if (buffer->tensor != nullptr && buffer->tensor->deleter != nullptr) {
    buffer->tensor->deleter(buffer->tensor);
  }
  delete buffer;
}

ingot_status ingot_buffer_from_dlpack(ingot_device* device, DLManagedTensor* tensor,
                                      ingot_buffer** buffer) {
  const auto& from = tensor->tensor;
  if (!IsOn(*device->device, from.device.type, from.device.id)) {
    return Report(InvalidArgument("a tensor on DLPack's device ", from.device.type, ":",
                                  from.device.id, ", which is not ",
                                  device->device->properties().name));
  }
  const auto bytes = BytesOf(*tensor);
  if (!bytes.ok()) return Report(bytes.status());
  void* const address = static_cast<char*>(from.data) + from.byte_offset;
  const ingot_status status = ingot_buffer_wrap(device, address, *bytes, buffer);
  if (status == INGOT_OK) (*buffer)->tensor = tensor;
  return status;
}

ingot_status ingot_buffer_to_dlpack(ingot_buffer* buffer, const ingot_array* array,
                                    DLManagedTensor** tensor) {
  const std::optional<::ingot::ElementType> type = ::ingot::ElementTypeFromName(array->type);
  const std::optional<uint8_t> code = type.has_value() ? CodeOf(*type) : std::nullopt;
  if (!code.has_value()) {
    return Report(absl::UnimplementedError(absl::StrCat("DLPack has no type ", array->type)));
  }
  if (array->bytes != buffer->bytes) {
    return Report(
        InvalidArgument("an array of ", array->bytes, " bytes in a buffer of ", buffer->bytes));
  }
  auto given = std::make_unique<GivenTensor>();
  given->buffer = buffer;
  given->dimensions.assign(array->dimensions, array->dimensions + array->rank);
  given->strides.assign(array->strides, array->strides + array->rank);
  auto& to = given->managed.tensor;
  const rt::DeviceProperties& properties = buffer->device->properties();
  const bool host = properties.platform == "host";
  to.data = buffer->address;
  to.device = {host ? rt::dlpack::kCpu : rt::dlpack::kCuda, host ? 0 : properties.ordinal};
  to.rank = array->rank;
  to.type = {*code, static_cast<uint8_t>(8 * ::ingot::ByteWidth(*type)), 1};
  to.shape = given->dimensions.data();
  to.strides = given->strides.data();
  given->managed.owner = given.get();
  given->managed.deleter = [](DLManagedTensor* managed) {
    const std::unique_ptr<GivenTensor> owned(static_cast<GivenTensor*>(managed->owner));
    ingot_buffer_destroy(owned->buffer);
  };
  *tensor = &given.release()->managed;
  return INGOT_OK;
}

void* ingot_buffer_address(const ingot_buffer* buffer) { return buffer->address; }

size_t ingot_buffer_bytes(const ingot_buffer* buffer) { return buffer->bytes; }

ingot_status ingot_buffer_write(ingot_buffer* buffer, const void* source, size_t bytes) {
  if (bytes != buffer->bytes) {
    return Report(InvalidArgument(bytes, " bytes for a buffer of ", buffer->bytes));
  }
  return Report(buffer->device->CopyIn(buffer->address, source, static_cast<int64_t>(bytes)));
}

ingot_status ingot_buffer_read(const ingot_buffer* buffer, void* destination, size_t bytes) {
  if (bytes != buffer->bytes) {
    return Report(InvalidArgument(bytes, " bytes for a buffer of ", buffer->bytes));
  }
  return Report(buffer->device->CopyOut(destination, buffer->address, static_cast<int64_t>(bytes)));
}

ingot_status ingot_start(ingot_program* program, ingot_buffer* const* inputs, int32_t input_count,
                         ingot_buffer* const* outputs, int32_t output_count, void* stream,
                         ingot_execution** execution) {
  rt::Executor& executor = *program->executor;
  auto input_views = Views("input", executor.program().inputs, inputs, input_count);
  if (!input_views.ok()) return Report(input_views.status());
  auto output_views = Views("output", executor.program().outputs, outputs, output_count);
  if (!output_views.ok()) return Report(output_views.status());
  auto started = executor.Start(*input_views, *output_views, {.stream = stream});
  if (!started.ok()) return Report(started.status());
  *execution = new ingot_execution{*std::move(started)};
  return INGOT_OK;
}

ingot_status ingot_execution_wait(ingot_execution* execution) {
  return Report(execution->execution.Wait());
}

int32_t ingot_execution_is_done(const ingot_execution* execution) {
  return execution->execution.IsDone() ? 1 : 0;
}

void ingot_execution_destroy(ingot_execution* execution) { delete execution; }

}  // extern "C"
