#include "runtime/cuda/cuda_run.h"

#include <algorithm>
#include <utility>

#include "ir/base/check.h"
#include "ir/base/status.h"
#include "runtime/cuda/tensor_map.h"
#include "runtime/log.h"

namespace ingot::runtime::cuda {
CudaRun::CudaRun(const CudaProgram& program, const Driver& driver, CUcontext context, void* arena)
    : program_(program),
      driver_(driver),
      arena_(arena),
      slots_(program.addresses.slots()),
      tensor_maps_(program.tensor_maps.size()),
      encoded_(program.tensor_maps.size()),
      donations_(program.program->outputs.size()),
      nodes_(program, slots_, tensor_maps_),
      host_decides_(program.on_card.empty()) {
  for (int i = 0; i < program.graphs; ++i) {
    graphs_.push_back(std::make_unique<RunGraph>(driver, context, nodes_));
  }
  on_card_ = std::make_unique<RunGraph>(driver, context, nodes_);
}

CudaRun::~CudaRun() {
  Wait().IgnoreError();
  if (done_ != nullptr) driver_.cuEventDestroy_v2(done_);
  for (CUevent mark : marks_) driver_.cuEventDestroy_v2(mark);
  if (pinned_ != nullptr) driver_.cuMemFreeHost(pinned_);
}

absl::Status CudaRun::Prepare() {
  void* pinned = nullptr;
  INGOT_CUDA_RETURN_IF_ERROR(driver_, cuMemHostAlloc(&pinned, sizeof(int32_t), 0));
  pinned_ = static_cast<int32_t*>(pinned);
  INGOT_CUDA_RETURN_IF_ERROR(driver_, cuEventCreate(&done_, CU_EVENT_DISABLE_TIMING));
  return absl::OkStatus();
}

absl::Status CudaRun::Start(const RunArguments& arguments, CUstream stream) {
  stream_ = stream;
  profile_ = arguments.profile;
  program_.addresses.Bind(arena_, program_.constants, arguments, slots_);
  BindDonations(*program_.program, arguments, donations_);
  absl::Status status = EncodeTensorMaps();
  if (status.ok()) status = CopyDonations();
  if (status.ok() && profile_ != nullptr) {
    recording_ = ActivityRecording::Begin();
    recording_base_.reset();
    status = Mark(0);
  }
  if (status.ok()) status = RunCommands();
  if (status.ok()) {
    status = driver_.Check(driver_.cuEventRecord(done_, stream_), "cuEventRecord");
  }
  started_ = status.ok();
  // What is on the stream already uses the caller's memory.
  if (!status.ok()) driver_.cuStreamSynchronize(stream_);
  recording_.reset();
  return status;
}

absl::Status CudaRun::Wait() {
  if (!started_) return absl::OkStatus();
  started_ = false;
  INGOT_CUDA_RETURN_IF_ERROR(driver_, cuEventSynchronize(done_));
  return absl::OkStatus();
}

bool CudaRun::IsDone() { return !started_ || driver_.cuEventQuery(done_) != CUDA_ERROR_NOT_READY; }

absl::Status CudaRun::CopyDonations() {
  for (const Donation& donation : donations_) {
    if (donation.source == nullptr || donation.size == 0) continue;
    INGOT_CUDA_RETURN_IF_ERROR(
        driver_, cuMemcpyDtoDAsync_v2(reinterpret_cast<CUdeviceptr>(donation.destination),
                                      reinterpret_cast<CUdeviceptr>(donation.source), donation.size,
                                      stream_));
  }
  return absl::OkStatus();
}

absl::Status CudaRun::EncodeTensorMaps() {
  for (size_t i = 0; i < tensor_maps_.size(); ++i) {
    const uint64_t address = slots_[program_.tensor_map_slots[i]];
    if (encoded_[i] == address) continue;
    INGOT_RETURN_IF_ERROR(
        EncodeTensorMap(driver_, program_.tensor_maps[i]->map, address, tensor_maps_[i]));
    encoded_[i] = address;
  }
  return absl::OkStatus();
}

absl::Status CudaRun::RunCommands() {
  // A profile times commands one by one.
  if (host_decides_ || profile_ != nullptr) return RunStretch(program_.commands);
  const bool is_built = on_card_->is_built();
  absl::Status status = on_card_->Launch(program_.on_card, stream_);
  if (status.ok() || is_built) return status;
  // Nothing of it is on the stream.
  Log("program '", program_.program->name,
      "': the host decides on loops and conditionals: ", status.message());
  on_card_->Reset();
  host_decides_ = true;
  return RunStretch(program_.commands);
}

absl::Status CudaRun::RunStretch(const Stretch& stretch) {
  for (const Part& part : stretch.parts) {
    if (part.graph < 0) {
      INGOT_RETURN_IF_ERROR(Annotate(RunControl(part), "command '", part.control->label, "'"));
    } else if (profile_ != nullptr) {
      INGOT_RETURN_IF_ERROR(RunProfiled(part));
    } else {
      INGOT_RETURN_IF_ERROR(graphs_[part.graph]->Launch(part.steps, stream_));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<int64_t> CudaRun::ReadBack(const Part& part, int64_t bytes) {
  *pinned_ = 0;
  INGOT_CUDA_RETURN_IF_ERROR(driver_,
                             cuMemcpyDtoHAsync_v2(pinned_, slots_[part.slot], bytes, stream_));
  INGOT_CUDA_RETURN_IF_ERROR(driver_, cuStreamSynchronize(stream_));
  return *pinned_;
}

absl::Status CudaRun::RunControl(const Part& part) {
  if (const auto* loop = std::get_if<While>(&part.control->operation)) {
    for (int64_t i = 0; i < loop->trip_count; ++i) {
      INGOT_RETURN_IF_ERROR(RunStretch(part.lists[1]));
    }
    if (loop->trip_count >= 0) return absl::OkStatus();
    while (true) {
      INGOT_RETURN_IF_ERROR(RunStretch(part.lists[0]));
      INGOT_ASSIGN_OR_RETURN(const int64_t predicate, ReadBack(part, 1));
      if (predicate == 0) return absl::OkStatus();
      INGOT_RETURN_IF_ERROR(RunStretch(part.lists[1]));
    }
  }
  const auto* conditional = std::get_if<Conditional>(&part.control->operation);
  INGOT_CHECK(conditional != nullptr) << part.control->label;
  const auto last = static_cast<int64_t>(part.lists.size()) - 1;
  int64_t branch = 0;
  switch (conditional->selector) {
    case Selector::kPred: {
      INGOT_ASSIGN_OR_RETURN(const int64_t predicate, ReadBack(part, 1));
      branch = predicate != 0 ? 0 : 1;
      break;
    }
    case Selector::kIndex: {
      INGOT_ASSIGN_OR_RETURN(branch, ReadBack(part, 4));
      if (branch < 0 || branch > last) branch = last;
      break;
    }
  }
  return RunStretch(part.lists[branch]);
}

absl::Status CudaRun::Issue(const Step& step) {
  const Operation& operation = step.command->operation;
  if (const auto* launch = std::get_if<Launch>(&operation)) {
    const KernelNode node = nodes_.Of(step, *launch);
    LaunchAttribute attributes[3] = {};
    unsigned count = 0;
    if (launch->cluster != Dim3{}) {
      attributes[count].id = CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION;
      attributes[count++].value.cluster = {launch->cluster.x, launch->cluster.y, launch->cluster.z};
    }
    if (launch->cooperative) {
      attributes[count].id = CU_LAUNCH_ATTRIBUTE_COOPERATIVE;
      attributes[count++].value.flag = 1;
    }
    if (step.programmatic) {
      attributes[count].id = CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION;
      attributes[count++].value.flag = 1;
    }
    const LaunchConfig config = {node.grid_x,  node.grid_y,  node.grid_z,       node.block_x,
                                 node.block_y, node.block_z, node.shared_bytes, stream_,
                                 attributes,   count};
    INGOT_CUDA_RETURN_IF_ERROR(driver_,
                               cuLaunchKernelEx(&config, node.function, node.parameters, nullptr));
    return absl::OkStatus();
  }
  if (const auto* copy = std::get_if<Copy>(&operation)) {
    INGOT_CUDA_RETURN_IF_ERROR(
        driver_,
        cuMemcpyDtoDAsync_v2(slots_[step.slot + 1], slots_[step.slot], copy->source.size, stream_));
    return absl::OkStatus();
  }
  const MemsetNode node = nodes_.Of(step, std::get<Fill>(operation));
  if (node.element_size == 1) {
    INGOT_CUDA_RETURN_IF_ERROR(
        driver_, cuMemsetD8Async(node.destination, static_cast<unsigned char>(node.value),
                                 node.width, stream_));
  } else if (node.element_size == 2) {
    INGOT_CUDA_RETURN_IF_ERROR(
        driver_, cuMemsetD16Async(node.destination, static_cast<unsigned short>(node.value),
                                  node.width, stream_));
  } else {
    INGOT_CUDA_RETURN_IF_ERROR(driver_,
                               cuMemsetD32Async(node.destination, node.value, node.width, stream_));
  }
  return absl::OkStatus();
}

absl::Status CudaRun::Mark(size_t number) {
  while (marks_.size() <= number) {
    CUevent mark = nullptr;
    INGOT_CUDA_RETURN_IF_ERROR(driver_, cuEventCreate(&mark, CU_EVENT_DEFAULT));
    marks_.push_back(mark);
  }
  INGOT_CUDA_RETURN_IF_ERROR(driver_, cuEventRecord(marks_[number], stream_));
  return absl::OkStatus();
}

absl::StatusOr<int64_t> CudaRun::NanosecondsBetween(size_t from, size_t to) {
  float milliseconds = 0;
  INGOT_CUDA_RETURN_IF_ERROR(driver_, cuEventElapsedTime(&milliseconds, marks_[from], marks_[to]));
  return static_cast<int64_t>(static_cast<double>(milliseconds) * 1e6);
}

// One by one on the stream, each between two marks; nothing waits for the host in between.  CUPTI
// knows their times better, if nothing else ran in this process meanwhile.
absl::Status CudaRun::RunProfiled(const Part& part) {
  if (part.steps.empty()) return absl::OkStatus();
  if (recording_ != nullptr) {
    INGOT_CUDA_RETURN_IF_ERROR(driver_, cuStreamSynchronize(stream_));
    recording_->Take();
  }
  size_t mark = 0;  // 0 is the beginning of the run
  for (const Step& step : part.steps) {
    INGOT_RETURN_IF_ERROR(Mark(++mark));
    INGOT_RETURN_IF_ERROR(Annotate(Issue(step), "command '", step.command->label, "'"));
    INGOT_RETURN_IF_ERROR(Mark(++mark));
  }
  INGOT_RETURN_IF_ERROR(Annotate(
      driver_.Check(driver_.cuEventSynchronize(marks_[mark]), "cuEventSynchronize"), "commands '",
      part.steps.front().command->label, "' to '", part.steps.back().command->label, "'"));
  std::vector<Activity> activities;
  if (recording_ != nullptr) activities = recording_->Take();
  const bool recorded = activities.size() == part.steps.size();
  for (size_t i = 0; i < part.steps.size(); ++i) {
    const size_t from = 2 * i + 1, to = from + 1;
    INGOT_ASSIGN_OR_RETURN(int64_t time, NanosecondsBetween(from, to));
    INGOT_ASSIGN_OR_RETURN(int64_t start, NanosecondsBetween(0, from));
    if (recorded) {
      const auto began = static_cast<int64_t>(activities[i].start);
      time = static_cast<int64_t>(activities[i].end) - began;
      if (!recording_base_.has_value()) recording_base_ = began - start;
      start = began - *recording_base_;
    }
    profile_->push_back({part.steps[i].command, time, start});
  }
  return absl::OkStatus();
}

}  // namespace ingot::runtime::cuda
