#include "tests/runtime/cuda/stub/stub_state.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "tests/runtime/cuda/stub/stub_driver.h"

namespace ingot::runtime::cuda {

static void SetRules(const char* text);

State& TheState() {
  static State* const state = new State;
  return *state;
}

// Rules of the environment, once.
static State& Loaded() {
  State& state = TheState();
  static const bool loaded = [] {
    if (const char* rules = std::getenv("INGOT_STUB_DRIVER")) SetRules(rules);
    return true;
  }();
  (void)loaded;
  return state;
}

thread_local std::vector<CUcontext> pushed;

static void SetRules(const char* text) {
  State& state = TheState();
  std::lock_guard<std::recursive_mutex> lock(state.mutex);
  state.rules.clear();
  state.calls.clear();
  state.version = 13000;
  state.capability = 90;
  state.devices = 1;
  state.memory = size_t{1} << 30;
  const std::string rules = text;
  for (size_t begin = 0; begin < rules.size();) {
    const size_t end = std::min(rules.find(',', begin), rules.size());
    const std::string rule = rules.substr(begin, end - begin);
    begin = end + 1;
    const size_t equals = rule.find('=');
    if (equals == std::string::npos) std::abort();
    std::string name = rule.substr(0, equals);
    const int64_t value = std::atoll(rule.c_str() + equals + 1);
    if (name == "version") {
      state.version = static_cast<int>(value);
    } else if (name == "capability") {
      state.capability = static_cast<int>(value);
    } else if (name == "devices") {
      state.devices = static_cast<int>(value);
    } else if (name == "memory") {
      state.memory = static_cast<size_t>(value);
    } else {
      const size_t at = name.find('@');
      const int64_t call = at == std::string::npos ? 0 : std::atoll(name.c_str() + at + 1);
      state.rules.insert({name.substr(0, at), {call, static_cast<CUresult>(value)}});
    }
  }
}

CUresult Enter(const char* function) {
  State& state = Loaded();
  std::lock_guard<std::recursive_mutex> lock(state.mutex);
  const int64_t call = ++state.calls[function];
  const auto [begin, end] = state.rules.equal_range(function);
  for (auto it = begin; it != end; ++it) {
    if (it->second.call == 0 || it->second.call == call) return it->second.error;
  }
  return CUDA_SUCCESS;
}

CUresult Current(CUcontext& context) {
  if (pushed.empty()) return kInvalidContext;
  context = pushed.back();
  if (TheState().contexts.count(context) == 0) return kContextIsDestroyed;
  return context->broken;
}

const std::vector<size_t>* ParametersOf(const std::string& kernel) {
  static const auto* const all = new std::map<std::string, std::vector<size_t>>{
      {"add", {8, 8, 8, 4}}, {"count", {8, 4}}, {"less", {8, 4, 8}},
      {"fault", {}},         {"blocks", {8}},   {"set_condition", {8, 8, 4}},
      {"box", {128, 8}}};
  const auto it = all->find(kernel);
  return it == all->end() ? nullptr : &it->second;
}

std::vector<uint64_t> ArgumentsOf(CUfunction function, void** parameters) {
  std::vector<uint64_t> arguments;
  const std::vector<size_t>* bytes = ParametersOf(function->name);
  for (size_t i = 0; bytes != nullptr && i < bytes->size(); ++i) {
    const size_t first = arguments.size();
    arguments.resize(first + ((*bytes)[i] + sizeof(uint64_t) - 1) / sizeof(uint64_t));
    std::memcpy(&arguments[first], parameters[i], (*bytes)[i]);
  }
  return arguments;
}

void RunKernel(CUcontext context, const std::string& name, const std::vector<uint64_t>& a,
               unsigned grid_x) {
  ++TheState().done;
  const auto floats = [&](int i) { return reinterpret_cast<float*>(a[i]); };
  const auto number = [&](int i) { return reinterpret_cast<int32_t*>(a[i]); };
  if (name == "add") {
    for (uint32_t i = 0; i < a[3]; ++i) floats(2)[i] = floats(0)[i] + floats(1)[i];
  } else if (name == "count") {
    *number(0) += static_cast<int32_t>(a[1]);
  } else if (name == "less") {
    *reinterpret_cast<uint8_t*>(a[2]) = *number(0) < static_cast<int32_t>(a[1]);
  } else if (name == "blocks") {
    *number(0) = static_cast<int32_t>(grid_x);
  } else if (name == "set_condition") {
    const auto condition = context->conditions.find(a[0]);
    const auto last = static_cast<int32_t>(a[2]);
    if (condition == context->conditions.end()) {
      context->broken = CUDA_ERROR_ILLEGAL_ADDRESS;
    } else if (last < 0) {
      condition->second = *reinterpret_cast<uint8_t*>(a[1]) != 0;
    } else {
      condition->second = *number(1) < 0 || *number(1) > last ? last : *number(1);
    }
  } else if (name == "box") {
    // What an encoding of a tensor map has written but for the address, then the first element
    // there.
    for (int i = 1; i < 16; ++i) number(16)[i - 1] = static_cast<int32_t>(a[i]);
    number(16)[15] = *number(0);
  } else if (name == "fault") {
    context->broken = CUDA_ERROR_ILLEGAL_ADDRESS;
  }
}

void Fill(void* destination, uint64_t value, size_t width, size_t count) {
  ++TheState().done;
  for (size_t i = 0; i < count; ++i) {
    std::memcpy(static_cast<char*>(destination) + i * width, &value, width);
  }
}

static void RunBody(CUcontext context, const GraphExec& executable, const Graph& body) {
  for (const auto& node : body.nodes) {
    RunNode(context, executable, executable.by_node.at(node.get()));
  }
}

void RunNode(CUcontext context, const GraphExec& executable, const GraphNode& node) {
  switch (node.kind) {
    case GraphNode::kKernel:
      return RunKernel(context, node.kernel.function->name, node.arguments, node.kernel.grid_x);
    case GraphNode::kCopy:
      ++TheState().done;
      std::memcpy(reinterpret_cast<void*>(node.copy.destination),
                  reinterpret_cast<void*>(node.copy.source), node.copy.width);
      return;
    case GraphNode::kFill:
      return Fill(reinterpret_cast<void*>(node.fill.destination), node.fill.value,
                  node.fill.element_size, node.fill.width);
    case GraphNode::kConditional: {
      const std::vector<CUgraph>& bodies = *node.bodies;
      const unsigned& value = context->conditions[node.conditional.handle];
      if (node.conditional.type == CU_GRAPH_COND_TYPE_WHILE) {
        while (value != 0) RunBody(context, executable, *bodies[0]);
        return;
      }
      const bool is_if = node.conditional.type == CU_GRAPH_COND_TYPE_IF;
      const unsigned body = is_if ? value == 0 : value;
      if (body < bodies.size()) RunBody(context, executable, *bodies[body]);
      return;
    }
  }
}

std::unique_ptr<GraphNode> ConditionalNodeOf(const ConditionalNode& conditional) {
  const int type = conditional.type;
  const bool second = type == CU_GRAPH_COND_TYPE_SWITCH || conditional.count > 1;
  const unsigned most = type == CU_GRAPH_COND_TYPE_WHILE ? 1
                        : type == CU_GRAPH_COND_TYPE_IF  ? 2
                                                         : ~0u;
  if (conditional.node_type != ConditionalNode{}.node_type || type < 0 ||
      type > CU_GRAPH_COND_TYPE_SWITCH || conditional.count == 0 || conditional.count > most ||
      (second && TheState().version < 12080)) {
    return nullptr;
  }
  auto node = std::make_unique<GraphNode>();
  node->kind = GraphNode::kConditional;
  node->conditional = conditional;
  node->bodies = std::shared_ptr<std::vector<CUgraph>>(new std::vector<CUgraph>,
                                                       [](std::vector<CUgraph>* bodies) {
                                                         for (const CUgraph body : *bodies)
                                                           delete body;
                                                         delete bodies;
                                                       });
  for (unsigned i = 0; i < conditional.count; ++i) node->bodies->push_back(new Graph);
  return node;
}

void Instantiate(const Graph& graph, GraphExec& executable) {
  for (const auto& node : graph.nodes) {
    executable.by_node[node.get()] = *node;
    if (node->bodies == nullptr) continue;
    for (const CUgraph body : *node->bodies) Instantiate(*body, executable);
  }
}

CUresult AddNode(CUgraphNode* out, CUgraph graph, GraphNode node) {
  graph->nodes.push_back(std::make_unique<GraphNode>(std::move(node)));
  *out = graph->nodes.back().get();
  return CUDA_SUCCESS;
}

CUresult SetNode(CUgraphExec executable, CUgraphNode node, GraphNode with) {
  const auto it = executable->by_node.find(node);
  if (it == executable->by_node.end()) return kInvalidHandle;
  it->second = std::move(with);
  return CUDA_SUCCESS;
}

GraphNode NodeOf(const KernelNode& kernel) {
  GraphNode node;
  node.kernel = kernel;
  node.arguments = ArgumentsOf(kernel.function, kernel.parameters);
  return node;
}
GraphNode NodeOf(const MemcpyNode& copy) {
  GraphNode node;
  node.kind = GraphNode::kCopy;
  node.copy = copy;
  return node;
}
GraphNode NodeOf(const MemsetNode& fill) {
  GraphNode node;
  node.kind = GraphNode::kFill;
  node.fill = fill;
  return node;
}

static size_t BytesOf(const Context& context) {
  size_t bytes = 0;
  for (const auto& [address, size] : context.memory) bytes += size;
  return bytes;
}

void Destroy(CUcontext context) {
  for (const auto& [address, size] : context->memory) std::free(reinterpret_cast<void*>(address));
  for (void* address : context->host_memory) std::free(address);
  TheState().contexts.erase(context);
  std::erase_if(TheState().primary, [&](const auto& one) { return one.second == context; });
  delete context;
}

CUcontext MakeContext(CUdevice device) {
  auto* context = new Context;
  context->device = device;
  context->retained = 1;
  TheState().contexts.insert(context);
  return context;
}

int64_t Live() {
  State& state = TheState();
  std::lock_guard<std::recursive_mutex> lock(state.mutex);
  int64_t live = 0;
  for (const CUcontext context : state.contexts) {
    live += context->retained + context->memory.size() + context->host_memory.size() +
            context->streams.size() + context->events.size() + context->modules.size() +
            context->graphs.size() + context->executables.size();
  }
  return live;
}

int64_t LiveBytes() {
  State& state = TheState();
  std::lock_guard<std::recursive_mutex> lock(state.mutex);
  size_t bytes = 0;
  for (const CUcontext context : state.contexts) bytes += BytesOf(*context);
  return static_cast<int64_t>(bytes);
}

extern "C" {

StubControl ingot_stub_control = {
    SetRules,
    [](const char* function) {
      State& state = TheState();
      std::lock_guard<std::recursive_mutex> guard(state.mutex);
      const auto it = state.calls.find(function);
      return it == state.calls.end() ? int64_t{0} : it->second;
    },
    Live,
    LiveBytes,
    [] { return static_cast<int64_t>(pushed.size()); },
    [] { return static_cast<void*>(MakeContext(0)); },
    [](void* context) { Destroy(static_cast<CUcontext>(context)); },
    [](void* context) -> void* { return Make(static_cast<CUcontext>(context)->streams); },
    [] { return TheState().done.load(); },
    [](const char* function) { return static_cast<int>(Enter(function)); },
    [](void* stream) { return static_cast<CUstream>(stream)->launches; },
};

}  // extern "C"

}  // namespace ingot::runtime::cuda
