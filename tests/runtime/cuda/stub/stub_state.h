// What the stub's driver is made of: its handles, its state, and how kernels and nodes run.
#ifndef INGOT_TESTS_RUNTIME_CUDA_STUB_STUB_STATE_H_
#define INGOT_TESTS_RUNTIME_CUDA_STUB_STUB_STATE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "runtime/cuda/driver.h"

namespace ingot::runtime::cuda {

// The handles.
struct Function {
  std::string name;
};
struct Module {
  std::map<std::string, std::unique_ptr<Function>> functions;
};
struct Stream {
  int64_t launches = 0;  // of graphs and kernels
};
struct Event {};
struct GraphNode {
  KernelNode kernel = {};
  std::vector<uint64_t> arguments;
  MemcpyNode copy = {};
  MemsetNode fill = {};
  ConditionalNode conditional = {};
  std::shared_ptr<std::vector<CUgraph>> bodies;
  enum { kKernel, kCopy, kFill, kConditional } kind = kKernel;
};
// Bodies of conditional nodes are none of the context's graphs.
struct Graph {
  std::vector<std::unique_ptr<GraphNode>> nodes;
};
struct GraphExec {
  std::map<CUgraphNode, GraphNode> by_node;  // those of bodies too
  std::vector<CUgraphNode> order;
};
struct Context {
  CUdevice device = 0;
  int retained = 0;
  CUresult broken = CUDA_SUCCESS;
  std::map<CUdeviceptr, size_t> memory;
  std::set<void*> host_memory;
  std::map<CUstream, std::unique_ptr<Stream>> streams;
  std::map<CUevent, std::unique_ptr<Event>> events;
  std::map<CUmodule, std::unique_ptr<Module>> modules;
  std::map<CUgraph, std::unique_ptr<Graph>> graphs;
  std::map<CUgraphExec, std::unique_ptr<GraphExec>> executables;
  std::map<CUgraphConditionalHandle, unsigned> conditions;
};

inline constexpr CUresult kInvalidContext = 201, kInvalidHandle = 400, kInvalidImage = 200,
                          kContextIsDestroyed = 709;

struct Rule {
  int64_t call = 0;  // 0: every one
  CUresult error = CUDA_SUCCESS;
};

struct State {
  std::recursive_mutex mutex;
  std::multimap<std::string, Rule> rules;
  std::map<std::string, int64_t> calls;
  int version = 13000;
  int capability = 90;
  size_t memory = size_t{1} << 30;
  int devices = 1;
  std::atomic<int64_t> done{0};  // kernels, copies and fills
  std::map<CUdevice, CUcontext> primary;
  std::set<CUcontext> contexts;
};

State& TheState();

// That the calling thread has pushed.
extern thread_local std::vector<CUcontext> pushed;

// Counts a call; what a rule says that it returns.
CUresult Enter(const char* function);

// The current context, if it can be used.
CUresult Current(CUcontext& context);

// The beginning of a function of the driver: a call that is told to fail does nothing.
#define STUB_ENTER(function)                                                     \
  if (const CUresult told = Enter(#function); told != CUDA_SUCCESS) return told; \
  std::lock_guard<std::recursive_mutex> lock(TheState().mutex)
// The same for functions that want a context.
#define STUB_ENTER_CONTEXT(function) \
  STUB_ENTER(function);              \
  CUcontext context = nullptr;       \
  if (const CUresult bad = Current(context); bad != CUDA_SUCCESS) return bad

template <typename T>
T* Make(std::map<T*, std::unique_ptr<T>>& owners) {
  auto owned = std::make_unique<T>();
  T* const made = owned.get();
  owners[made] = std::move(owned);
  return made;
}

// Bytes of the kernel's parameters; null for one that is not known.
const std::vector<size_t>* ParametersOf(const std::string& kernel);
// Copies of what the parameters point to.
std::vector<uint64_t> ArgumentsOf(CUfunction function, void** parameters);

void RunKernel(CUcontext context, const std::string& name, const std::vector<uint64_t>& arguments,
               unsigned grid_x);
void RunNode(CUcontext context, const GraphExec& executable, const GraphNode& node);
// `count` times the low `width` bytes of `value`.
void Fill(void* destination, uint64_t value, size_t width, size_t count);

GraphNode NodeOf(const KernelNode& kernel);
GraphNode NodeOf(const MemcpyNode& copy);
GraphNode NodeOf(const MemsetNode& fill);
// With its bodies, which are empty.  Null: there is no such node in a driver of that version.
std::unique_ptr<GraphNode> ConditionalNodeOf(const ConditionalNode& conditional);
// Adds the nodes of a graph and of bodies in it.
void Instantiate(const Graph& graph, GraphExec& executable);
CUresult AddNode(CUgraphNode* out, CUgraph graph, GraphNode node);
CUresult SetNode(CUgraphExec executable, CUgraphNode node, GraphNode with);

// A context that is retained once.
CUcontext MakeContext(CUdevice device);
// The context and all that is in it.
void Destroy(CUcontext context);
// As StubControl has them.
int64_t Live();
int64_t LiveBytes();

}  // namespace ingot::runtime::cuda

#endif  // INGOT_TESTS_RUNTIME_CUDA_STUB_STUB_STATE_H_
