#include "runtime/cuda/cuda_run.h"

#include <algorithm>
#include <utility>

#include "ir/base/check.h"
#include "ir/base/status.h"
#include "runtime/cuda/tensor_map.h"

namespace ingot::runtime::cuda {
namespace {

// Slots that a step has, for telling whether they changed.
int SlotCount(const Step& step) {
  if (const auto* launch = std::get_if<Launch>(&step.command->operation)) {
    return static_cast<int>(launch->arguments.size());
  }
  return std::holds_alternative<Copy>(step.command->operation) ? 2 : 1;
}

}  // namespace

CudaRun::CudaRun(const CudaProgram& program, const Driver& driver, CUcontext context, void* arena)
    : program_(program),
      driver_(driver),
      context_(context),
      arena_(arena),
      slots_(program.addresses.slots()),
      tensor_maps_(program.tensor_maps.size()),
      encoded_(program.tensor_maps.size()),
      donations_(program.program->outputs.size()),
      graphs_(program.graphs) {}

CudaRun::~CudaRun() {
  Wait().IgnoreError();
  for (const Graph& graph : graphs_) {
    if (graph.executable != nullptr) driver_.cuGraphExecDestroy(graph.executable);
    if (graph.graph != nullptr) driver_.cuGraphDestroy(graph.graph);
  }
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
  if (status.ok()) status = RunStretch(program_.commands);
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

absl::Status CudaRun::RunStretch(const Stretch& stretch) {
  for (const Part& part : stretch.parts) {
    if (part.graph < 0) {
      INGOT_RETURN_IF_ERROR(Annotate(RunControl(part), "command '", part.control->label, "'"));
    } else if (profile_ != nullptr) {
      INGOT_RETURN_IF_ERROR(RunProfiled(part));
    } else {
      INGOT_RETURN_IF_ERROR(RunGraph(part));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<int64_t> CudaRun::ReadBack(const Part& part, int64_t bytes) {
  *pinned_ = 0;
  INGOT_CUDA_RETURN_IF_ERROR(driver_,
                             cuMemcpyDtoHAsync_v2(pinned_, Address(part.slot), bytes, stream_));
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

absl::Status CudaRun::RunGraph(const Part& part) {
  Graph& graph = graphs_[part.graph];
  if (graph.executable == nullptr) {
    INGOT_RETURN_IF_ERROR(Build(part, graph));
  } else {
    INGOT_RETURN_IF_ERROR(Refresh(part, graph));
  }
  INGOT_CUDA_RETURN_IF_ERROR(driver_, cuGraphLaunch(graph.executable, stream_));
  return absl::OkStatus();
}

KernelNode CudaRun::NodeOf(const Step& step, const Launch& launch) {
  parameters_.clear();
  int tensor_map = step.tensor_map;
  for (size_t i = 0; i < launch.arguments.size(); ++i) {
    if (std::holds_alternative<TensorMapArgument>(launch.arguments[i])) {
      parameters_.push_back(&tensor_maps_[tensor_map++]);
    } else {
      parameters_.push_back(&slots_[step.slot + i]);
    }
  }
  KernelNode node = {};
  node.function = step.function;
  node.grid_x = launch.grid.x, node.grid_y = launch.grid.y, node.grid_z = launch.grid.z;
  node.block_x = launch.block.x, node.block_y = launch.block.y, node.block_z = launch.block.z;
  node.shared_bytes = launch.dynamic_shared_bytes;
  node.parameters = parameters_.data();
  return node;
}

MemcpyNode CudaRun::NodeOf(const Step& step, const Copy& copy) const {
  MemcpyNode node = {};
  node.source_type = node.destination_type = CU_MEMORYTYPE_DEVICE;
  node.source = Address(step.slot);
  node.destination = Address(step.slot + 1);
  node.width = node.source_pitch = node.destination_pitch = copy.source.size;
  node.height = node.depth = node.source_height = node.destination_height = 1;
  return node;
}

MemsetNode CudaRun::NodeOf(const Step& step, const Fill& fill) const {
  MemsetNode node = {};
  node.destination = Address(step.slot);
  node.value = fill.pattern;
  node.element_size = fill.pattern_bytes;
  node.width = fill.destination.size / fill.pattern_bytes;
  node.height = 1;
  return node;
}

// The graph, node by node.
absl::Status CudaRun::Build(const Part& part, Graph& graph) {
  if (graph.graph != nullptr) {  // left by a build that failed
    driver_.cuGraphDestroy(graph.graph);
    graph = {};
  }
  INGOT_CUDA_RETURN_IF_ERROR(driver_, cuGraphCreate(&graph.graph, 0));
  for (const Step& step : part.steps) {
    CUgraphNode node = nullptr;
    std::vector<CUgraphNode> waits_for;
    for (int earlier : step.waits_for) waits_for.push_back(graph.nodes[earlier]);
    const CUgraphNode* const before = waits_for.data();
    const size_t count = waits_for.size();
    const Operation& operation = step.command->operation;
    if (const auto* launch = std::get_if<Launch>(&operation)) {
      const KernelNode parameters = NodeOf(step, *launch);
      INGOT_CUDA_RETURN_IF_ERROR(
          driver_, cuGraphAddKernelNode_v2(&node, graph.graph, before, count, &parameters));
      LaunchAttributeValue value = {};
      if (launch->cluster != Dim3{}) {
        value.cluster = {launch->cluster.x, launch->cluster.y, launch->cluster.z};
        INGOT_CUDA_RETURN_IF_ERROR(
            driver_,
            cuGraphKernelNodeSetAttribute(node, CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION, &value));
      }
      if (launch->cooperative) {
        value = {};
        value.flag = 1;
        INGOT_CUDA_RETURN_IF_ERROR(
            driver_, cuGraphKernelNodeSetAttribute(node, CU_LAUNCH_ATTRIBUTE_COOPERATIVE, &value));
      }
    } else if (const auto* copy = std::get_if<Copy>(&operation)) {
      const MemcpyNode parameters = NodeOf(step, *copy);
      INGOT_CUDA_RETURN_IF_ERROR(
          driver_, cuGraphAddMemcpyNode(&node, graph.graph, before, count, &parameters, context_));
    } else {
      const MemsetNode parameters = NodeOf(step, std::get<Fill>(operation));
      INGOT_CUDA_RETURN_IF_ERROR(
          driver_, cuGraphAddMemsetNode(&node, graph.graph, before, count, &parameters, context_));
    }
    graph.nodes.push_back(node);
    graph.baked.insert(graph.baked.end(), slots_.begin() + step.slot,
                       slots_.begin() + step.slot + SlotCount(step));
  }
  INGOT_CUDA_RETURN_IF_ERROR(driver_,
                             cuGraphInstantiateWithFlags(&graph.executable, graph.graph, 0));
  return absl::OkStatus();
}

// Gives the nodes whose addresses have changed since the last launch their new ones.
absl::Status CudaRun::Refresh(const Part& part, Graph& graph) {
  auto baked = graph.baked.begin();
  for (size_t i = 0; i < part.steps.size(); ++i) {
    const Step& step = part.steps[i];
    const auto now = slots_.begin() + step.slot;
    const int count = SlotCount(step);
    const auto known = std::exchange(baked, baked + count);
    if (std::equal(now, now + count, known)) continue;
    const Operation& operation = step.command->operation;
    if (const auto* launch = std::get_if<Launch>(&operation)) {
      const KernelNode parameters = NodeOf(step, *launch);
      INGOT_CUDA_RETURN_IF_ERROR(driver_, cuGraphExecKernelNodeSetParams_v2(
                                              graph.executable, graph.nodes[i], &parameters));
    } else if (const auto* copy = std::get_if<Copy>(&operation)) {
      const MemcpyNode parameters = NodeOf(step, *copy);
      INGOT_CUDA_RETURN_IF_ERROR(
          driver_,
          cuGraphExecMemcpyNodeSetParams(graph.executable, graph.nodes[i], &parameters, context_));
    } else {
      const MemsetNode parameters = NodeOf(step, std::get<Fill>(operation));
      INGOT_CUDA_RETURN_IF_ERROR(
          driver_,
          cuGraphExecMemsetNodeSetParams(graph.executable, graph.nodes[i], &parameters, context_));
    }
    // Not before: a node that could not be changed has the addresses that it had.
    std::copy(now, now + count, known);
  }
  return absl::OkStatus();
}

absl::Status CudaRun::Issue(const Step& step) {
  const Operation& operation = step.command->operation;
  if (const auto* launch = std::get_if<Launch>(&operation)) {
    const KernelNode node = NodeOf(step, *launch);
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
    const LaunchConfig config = {node.grid_x,  node.grid_y,  node.grid_z,       node.block_x,
                                 node.block_y, node.block_z, node.shared_bytes, stream_,
                                 attributes,   count};
    INGOT_CUDA_RETURN_IF_ERROR(driver_,
                               cuLaunchKernelEx(&config, node.function, node.parameters, nullptr));
    return absl::OkStatus();
  }
  if (const auto* copy = std::get_if<Copy>(&operation)) {
    INGOT_CUDA_RETURN_IF_ERROR(
        driver_, cuMemcpyDtoDAsync_v2(Address(step.slot + 1), Address(step.slot), copy->source.size,
                                      stream_));
    return absl::OkStatus();
  }
  const MemsetNode node = NodeOf(step, std::get<Fill>(operation));
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
