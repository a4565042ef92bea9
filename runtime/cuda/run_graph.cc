#include "runtime/cuda/run_graph.h"

#include <algorithm>

#include "ir/base/status.h"

namespace ingot::runtime::cuda {

absl::Span<const uint64_t> StepNodes::SlotsOf(const Step& step) const {
  const Operation& operation = step.command->operation;
  size_t count = 1;
  if (const auto* launch = std::get_if<Launch>(&operation)) count = launch->arguments.size();
  if (std::holds_alternative<Copy>(operation)) count = 2;
  return absl::MakeConstSpan(slots_).subspan(step.slot, count);
}

// The driver's parameters are pointers to what is only read.
static void* Pointer(const void* address) { return const_cast<void*>(address); }

KernelNode StepNodes::Of(const Step& step, const Launch& launch) {
  parameters_.clear();
  int tensor_map = step.tensor_map;
  for (size_t i = 0; i < launch.arguments.size(); ++i) {
    if (std::holds_alternative<TensorMapArgument>(launch.arguments[i])) {
      parameters_.push_back(Pointer(&tensor_maps_[tensor_map++]));
    } else {
      parameters_.push_back(Pointer(&slots_[step.slot + i]));
    }
  }
  KernelNode node = {};
  node.function = step.function;
  node.grid_x = step.grid_x, node.grid_y = launch.grid.y, node.grid_z = launch.grid.z;
  node.block_x = launch.block.x, node.block_y = launch.block.y, node.block_z = launch.block.z;
  node.shared_bytes = launch.dynamic_shared_bytes;
  node.parameters = parameters_.data();
  return node;
}

MemcpyNode StepNodes::Of(const Step& step, const Copy& copy) const {
  MemcpyNode node = {};
  node.source_type = node.destination_type = CU_MEMORYTYPE_DEVICE;
  node.source = slots_[step.slot];
  node.destination = slots_[step.slot + 1];
  node.width = node.source_pitch = node.destination_pitch = copy.source.size;
  node.height = node.depth = node.source_height = node.destination_height = 1;
  return node;
}

MemsetNode StepNodes::Of(const Step& step, const Fill& fill) const {
  MemsetNode node = {};
  node.destination = slots_[step.slot];
  node.value = fill.pattern;
  node.element_size = fill.pattern_bytes;
  node.width = fill.destination.size / fill.pattern_bytes;
  node.height = 1;
  return node;
}

KernelNode StepNodes::Setter(const Step& step, CUgraphConditionalHandle handle) {
  const auto* conditional = std::get_if<Conditional>(&step.command->operation);
  const bool index = conditional != nullptr && conditional->selector == Selector::kIndex;
  handle_ = handle;
  last_ = index ? static_cast<int32_t>(conditional->branches.size()) - 1 : -1;
  parameters_ = {&handle_, Pointer(&slots_[step.slot]), &last_};
  KernelNode node = {};
  node.function = program_.set_condition;
  node.grid_x = node.grid_y = node.grid_z = node.block_x = node.block_y = node.block_z = 1;
  node.parameters = parameters_.data();
  return node;
}

void RunGraph::Reset() {
  if (executable_ != nullptr) driver_.cuGraphExecDestroy(executable_);
  if (graph_ != nullptr) driver_.cuGraphDestroy(graph_);
  executable_ = nullptr;
  graph_ = nullptr;
  has_bodies_ = false;
  built_.clear();
  baked_.clear();
}

absl::Status RunGraph::Launch(const std::vector<Step>& steps, CUstream stream) {
  absl::Status status = is_built() ? Refresh() : Build(steps);
  if (!status.ok() && is_built() && has_bodies_) {
    // A node in a body that the driver does not change.
    status = Build(steps);
  }
  INGOT_RETURN_IF_ERROR(status);
  INGOT_CUDA_RETURN_IF_ERROR(driver_, cuGraphLaunch(executable_, stream));
  return absl::OkStatus();
}

absl::Status RunGraph::Build(const std::vector<Step>& steps) {
  Reset();  // what a build that failed may have left
  INGOT_CUDA_RETURN_IF_ERROR(driver_, cuGraphCreate(&graph_, 0));
  INGOT_RETURN_IF_ERROR(AddSteps(steps, graph_, 0));
  INGOT_CUDA_RETURN_IF_ERROR(driver_, cuGraphInstantiateWithFlags(&executable_, graph_, 0));
  return absl::OkStatus();
}

absl::Status RunGraph::AddSteps(const std::vector<Step>& steps, CUgraph graph,
                                CUgraphConditionalHandle enclosing) {
  std::vector<CUgraphNode> added, waits_for;
  for (const Step& step : steps) {
    waits_for.clear();
    for (int earlier : step.waits_for) waits_for.push_back(added[earlier]);
    const bool overlaps = Overlaps(step, steps);
    if (overlaps) waits_for.pop_back();
    INGOT_ASSIGN_OR_RETURN(const CUgraphNode node, AddStep(step, graph, waits_for, enclosing));
    added.push_back(node);
    if (overlaps) {
      // From where the blocks of the one before say that the next may begin, or end.
      EdgeData edge = {};
      edge.from_port = kPortProgrammatic;
      edge.type = CU_GRAPH_DEPENDENCY_TYPE_PROGRAMMATIC;
      INGOT_CUDA_RETURN_IF_ERROR(
          driver_,
          cuGraphAddDependencies_v2(graph, &added[step.waits_for.back()], &node, &edge, 1));
    }
  }
  return absl::OkStatus();
}

bool RunGraph::Overlaps(const Step& step, const std::vector<Step>& steps) const {
  if (!step.programmatic || step.waits_for.empty()) return false;
  const Step& before = steps[step.waits_for.back()];
  return driver_.cuGraphAddDependencies_v2 != nullptr &&
         std::holds_alternative<runtime::Launch>(before.command->operation);
}

void RunGraph::Remember(const Step& step, CUgraphNode node, CUgraphConditionalHandle handle) {
  const absl::Span<const uint64_t> slots = nodes_.SlotsOf(step);
  built_.push_back({&step, node, handle});
  baked_.insert(baked_.end(), slots.begin(), slots.end());
}

absl::StatusOr<CUgraphNode> RunGraph::AddStep(const Step& step, CUgraph graph,
                                              absl::Span<const CUgraphNode> waits_for,
                                              CUgraphConditionalHandle enclosing) {
  const Operation& operation = step.command->operation;
  if (const auto* launch = std::get_if<runtime::Launch>(&operation)) {
    return AddLaunch(step, *launch, graph, waits_for);
  }
  CUgraphNode node = nullptr;
  if (const auto* copy = std::get_if<Copy>(&operation)) {
    const MemcpyNode parameters = nodes_.Of(step, *copy);
    INGOT_CUDA_RETURN_IF_ERROR(
        driver_, cuGraphAddMemcpyNode(&node, graph, waits_for.data(), waits_for.size(), &parameters,
                                      context_));
  } else if (const auto* fill = std::get_if<Fill>(&operation)) {
    const MemsetNode parameters = nodes_.Of(step, *fill);
    INGOT_CUDA_RETURN_IF_ERROR(
        driver_, cuGraphAddMemsetNode(&node, graph, waits_for.data(), waits_for.size(), &parameters,
                                      context_));
  } else if (step.bodies.empty()) {
    return AddSetter(step, graph, waits_for, enclosing);
  } else {
    return AddControl(step, graph, waits_for);
  }
  Remember(step, node);
  return node;
}

absl::StatusOr<CUgraphNode> RunGraph::AddLaunch(const Step& step, const runtime::Launch& launch,
                                                CUgraph graph,
                                                absl::Span<const CUgraphNode> waits_for) {
  const KernelNode parameters = nodes_.Of(step, launch);
  CUgraphNode node = nullptr;
  INGOT_CUDA_RETURN_IF_ERROR(driver_, cuGraphAddKernelNode_v2(&node, graph, waits_for.data(),
                                                              waits_for.size(), &parameters));
  LaunchAttributeValue value = {};
  if (launch.cluster != Dim3{}) {
    value.cluster = {launch.cluster.x, launch.cluster.y, launch.cluster.z};
    INGOT_CUDA_RETURN_IF_ERROR(driver_, cuGraphKernelNodeSetAttribute(
                                            node, CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION, &value));
  }
  if (launch.cooperative) {
    value = {};
    value.flag = 1;
    INGOT_CUDA_RETURN_IF_ERROR(
        driver_, cuGraphKernelNodeSetAttribute(node, CU_LAUNCH_ATTRIBUTE_COOPERATIVE, &value));
  }
  Remember(step, node);
  return node;
}

absl::StatusOr<CUgraphNode> RunGraph::AddSetter(const Step& step, CUgraph graph,
                                                absl::Span<const CUgraphNode> waits_for,
                                                CUgraphConditionalHandle handle) {
  const KernelNode parameters = nodes_.Setter(step, handle);
  CUgraphNode node = nullptr;
  INGOT_CUDA_RETURN_IF_ERROR(driver_, cuGraphAddKernelNode_v2(&node, graph, waits_for.data(),
                                                              waits_for.size(), &parameters));
  Remember(step, node, handle);
  return node;
}

// The kernel that looks at the predicate or index, and behind it the node with the bodies.
absl::StatusOr<CUgraphNode> RunGraph::AddControl(const Step& step, CUgraph graph,
                                                 absl::Span<const CUgraphNode> waits_for) {
  has_bodies_ = true;
  CUgraphConditionalHandle handle = 0;
  INGOT_CUDA_RETURN_IF_ERROR(driver_,
                             cuGraphConditionalHandleCreate(&handle, graph, context_, 0, 0));
  INGOT_ASSIGN_OR_RETURN(const CUgraphNode setter, AddSetter(step, graph, waits_for, handle));
  const auto* conditional = std::get_if<Conditional>(&step.command->operation);
  ConditionalNode parameters;
  parameters.handle = handle;
  parameters.type = conditional == nullptr                     ? CU_GRAPH_COND_TYPE_WHILE
                    : conditional->selector == Selector::kPred ? CU_GRAPH_COND_TYPE_IF
                                                               : CU_GRAPH_COND_TYPE_SWITCH;
  parameters.count = static_cast<unsigned>(step.bodies.size());
  parameters.context = context_;
  CUgraphNode node = nullptr;
  INGOT_CUDA_RETURN_IF_ERROR(driver_,
                             cuGraphAddNode_v2(&node, graph, &setter, nullptr, 1, &parameters));
  for (size_t i = 0; i < step.bodies.size(); ++i) {
    INGOT_RETURN_IF_ERROR(AddSteps(step.bodies[i], parameters.bodies[i], handle));
  }
  return node;
}

// Gives the nodes whose addresses have changed since the last launch their new ones.
absl::Status RunGraph::Refresh() {
  auto known = baked_.begin();
  for (const Node& node : built_) {
    const absl::Span<const uint64_t> now = nodes_.SlotsOf(*node.step);
    if (!std::equal(now.begin(), now.end(), known)) {
      INGOT_RETURN_IF_ERROR(Change(node));
      // Not before: a node that could not be changed has the addresses that it had.
      std::copy(now.begin(), now.end(), known);
    }
    known += static_cast<ptrdiff_t>(now.size());
  }
  return absl::OkStatus();
}

absl::Status RunGraph::Change(const Node& node) {
  const Operation& operation = node.step->command->operation;
  if (const auto* copy = std::get_if<Copy>(&operation)) {
    const MemcpyNode parameters = nodes_.Of(*node.step, *copy);
    INGOT_CUDA_RETURN_IF_ERROR(
        driver_, cuGraphExecMemcpyNodeSetParams(executable_, node.node, &parameters, context_));
    return absl::OkStatus();
  }
  if (const auto* fill = std::get_if<Fill>(&operation)) {
    const MemsetNode parameters = nodes_.Of(*node.step, *fill);
    INGOT_CUDA_RETURN_IF_ERROR(
        driver_, cuGraphExecMemsetNodeSetParams(executable_, node.node, &parameters, context_));
    return absl::OkStatus();
  }
  const auto* launch = std::get_if<runtime::Launch>(&operation);
  const KernelNode parameters =
      launch != nullptr ? nodes_.Of(*node.step, *launch) : nodes_.Setter(*node.step, node.handle);
  INGOT_CUDA_RETURN_IF_ERROR(
      driver_, cuGraphExecKernelNodeSetParams_v2(executable_, node.node, &parameters));
  return absl::OkStatus();
}

}  // namespace ingot::runtime::cuda
