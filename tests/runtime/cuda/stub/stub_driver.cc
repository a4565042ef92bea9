// The functions of the stub's driver.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <type_traits>

#include "tests/runtime/cuda/stub/stub_state.h"

namespace ingot::runtime::cuda {
namespace {

constexpr int kMultiprocessors = 6;

int BlocksOnMultiprocessor(int block_threads, size_t shared_bytes) {
  constexpr int kThreads = 2048, kSharedBytes = 228 << 10;
  const auto by_memory = static_cast<int>(kSharedBytes / (shared_bytes + 1024));
  return std::min(kThreads / block_threads, by_memory);
}

CUresult CopyBytes(void* destination, const void* source, size_t bytes) {
  ++TheState().done;
  std::memcpy(destination, source, bytes);
  return CUDA_SUCCESS;
}

}  // namespace

extern "C" {

CUresult cuInit(unsigned) {
  STUB_ENTER(cuInit);
  return CUDA_SUCCESS;
}
CUresult cuDriverGetVersion(int* version) {
  STUB_ENTER(cuDriverGetVersion);
  *version = TheState().version;
  return CUDA_SUCCESS;
}
CUresult cuGetErrorName(CUresult error, const char** text) {
  STUB_ENTER(cuGetErrorName);
  *text = error == CUDA_ERROR_OUT_OF_MEMORY     ? "CUDA_ERROR_OUT_OF_MEMORY"
          : error == CUDA_ERROR_ILLEGAL_ADDRESS ? "CUDA_ERROR_ILLEGAL_ADDRESS"
                                                : "CUDA_ERROR_OF_THE_STUB";
  return CUDA_SUCCESS;
}
CUresult cuGetErrorString(CUresult, const char** text) {
  STUB_ENTER(cuGetErrorString);
  *text = "as the stub was told";
  return CUDA_SUCCESS;
}

CUresult cuDeviceGetCount(int* count) {
  STUB_ENTER(cuDeviceGetCount);
  *count = TheState().devices;
  return CUDA_SUCCESS;
}
CUresult cuDeviceGet(CUdevice* device, int ordinal) {
  STUB_ENTER(cuDeviceGet);
  *device = ordinal;
  return ordinal < TheState().devices ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}
CUresult cuDeviceGetName(char* name, int size, CUdevice) {
  STUB_ENTER(cuDeviceGetName);
  std::strncpy(name, "a card of the stub", size);
  return CUDA_SUCCESS;
}
CUresult cuDeviceGetAttribute(int* value, int attribute, CUdevice) {
  STUB_ENTER(cuDeviceGetAttribute);
  *value = 1;
  if (attribute == CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT) *value = kMultiprocessors;
  if (attribute == CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR) {
    *value = TheState().capability / 10;
  }
  if (attribute == CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR) {
    *value = TheState().capability % 10;
  }
  return CUDA_SUCCESS;
}
CUresult cuDeviceTotalMem_v2(size_t* bytes, CUdevice) {
  STUB_ENTER(cuDeviceTotalMem_v2);
  *bytes = TheState().memory;
  return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxRetain(CUcontext* context, CUdevice device) {
  STUB_ENTER(cuDevicePrimaryCtxRetain);
  CUcontext& primary = TheState().primary[device];
  if (primary == nullptr) {
    primary = MakeContext(device);
  } else {
    ++primary->retained;
  }
  *context = primary;
  return CUDA_SUCCESS;
}
CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device) {
  STUB_ENTER(cuDevicePrimaryCtxRelease_v2);
  const auto primary = TheState().primary.find(device);
  if (primary == TheState().primary.end()) return kInvalidContext;
  if (--primary->second->retained == 0) Destroy(primary->second);
  return CUDA_SUCCESS;
}
CUresult cuCtxPushCurrent_v2(CUcontext context) {
  STUB_ENTER(cuCtxPushCurrent_v2);
  if (TheState().contexts.count(context) == 0) return kContextIsDestroyed;
  pushed.push_back(context);
  return CUDA_SUCCESS;
}
CUresult cuCtxPopCurrent_v2(CUcontext* context) {
  STUB_ENTER(cuCtxPopCurrent_v2);
  if (pushed.empty()) return kInvalidContext;
  *context = pushed.back();
  pushed.pop_back();
  return CUDA_SUCCESS;
}
CUresult cuCtxGetDevice(CUdevice* device) {
  STUB_ENTER_CONTEXT(cuCtxGetDevice);
  *device = context->device;
  return CUDA_SUCCESS;
}

CUresult cuMemAlloc_v2(CUdeviceptr* address, size_t bytes) {
  STUB_ENTER_CONTEXT(cuMemAlloc_v2);
  if (bytes > TheState().memory || LiveBytes() > static_cast<int64_t>(TheState().memory - bytes)) {
    return CUDA_ERROR_OUT_OF_MEMORY;
  }
  void* const memory = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
  *address = reinterpret_cast<CUdeviceptr>(memory);
  context->memory[*address] = bytes;
  return CUDA_SUCCESS;
}
CUresult cuMemFree_v2(CUdeviceptr address) {
  STUB_ENTER_CONTEXT(cuMemFree_v2);
  if (context->memory.erase(address) == 0) return CUDA_ERROR_INVALID_VALUE;
  std::free(reinterpret_cast<void*>(address));
  return CUDA_SUCCESS;
}
CUresult cuMemHostAlloc(void** address, size_t bytes, unsigned) {
  STUB_ENTER_CONTEXT(cuMemHostAlloc);
  *address = std::malloc(bytes);
  context->host_memory.insert(*address);
  return CUDA_SUCCESS;
}
CUresult cuMemFreeHost(void* address) {
  STUB_ENTER_CONTEXT(cuMemFreeHost);
  if (context->host_memory.erase(address) == 0) return CUDA_ERROR_INVALID_VALUE;
  std::free(address);
  return CUDA_SUCCESS;
}
CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr destination, const void* source, size_t bytes, CUstream) {
  STUB_ENTER_CONTEXT(cuMemcpyHtoDAsync_v2);
  return CopyBytes(reinterpret_cast<void*>(destination), source, bytes);
}
CUresult cuMemcpyDtoHAsync_v2(void* destination, CUdeviceptr source, size_t bytes, CUstream) {
  STUB_ENTER_CONTEXT(cuMemcpyDtoHAsync_v2);
  return CopyBytes(destination, reinterpret_cast<void*>(source), bytes);
}
CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr destination, CUdeviceptr source, size_t bytes, CUstream) {
  STUB_ENTER_CONTEXT(cuMemcpyDtoDAsync_v2);
  return CopyBytes(reinterpret_cast<void*>(destination), reinterpret_cast<void*>(source), bytes);
}
CUresult cuMemsetD8Async(CUdeviceptr destination, unsigned char value, size_t count, CUstream) {
  STUB_ENTER_CONTEXT(cuMemsetD8Async);
  Fill(reinterpret_cast<void*>(destination), value, 1, count);
  return CUDA_SUCCESS;
}
CUresult cuMemsetD16Async(CUdeviceptr destination, unsigned short value, size_t count, CUstream) {
  STUB_ENTER_CONTEXT(cuMemsetD16Async);
  Fill(reinterpret_cast<void*>(destination), value, 2, count);
  return CUDA_SUCCESS;
}
CUresult cuMemsetD32Async(CUdeviceptr destination, unsigned value, size_t count, CUstream) {
  STUB_ENTER_CONTEXT(cuMemsetD32Async);
  Fill(reinterpret_cast<void*>(destination), value, 4, count);
  return CUDA_SUCCESS;
}

CUresult cuStreamCreate(CUstream* stream, unsigned) {
  STUB_ENTER_CONTEXT(cuStreamCreate);
  *stream = Make(context->streams);
  return CUDA_SUCCESS;
}
CUresult cuStreamDestroy_v2(CUstream stream) {
  STUB_ENTER_CONTEXT(cuStreamDestroy_v2);
  return context->streams.erase(stream) == 0 ? kInvalidHandle : CUDA_SUCCESS;
}
CUresult cuStreamSynchronize(CUstream stream) {
  STUB_ENTER_CONTEXT(cuStreamSynchronize);
  return context->streams.count(stream) == 0 ? kInvalidHandle : CUDA_SUCCESS;
}
CUresult cuEventCreate(CUevent* event, unsigned) {
  STUB_ENTER_CONTEXT(cuEventCreate);
  *event = Make(context->events);
  return CUDA_SUCCESS;
}
CUresult cuEventDestroy_v2(CUevent event) {
  STUB_ENTER_CONTEXT(cuEventDestroy_v2);
  return context->events.erase(event) == 0 ? kInvalidHandle : CUDA_SUCCESS;
}
CUresult cuEventRecord(CUevent event, CUstream stream) {
  STUB_ENTER_CONTEXT(cuEventRecord);
  const bool known = context->events.count(event) > 0 && context->streams.count(stream) > 0;
  return known ? CUDA_SUCCESS : kInvalidHandle;
}
CUresult cuEventQuery(CUevent event) {
  STUB_ENTER_CONTEXT(cuEventQuery);
  return context->events.count(event) == 0 ? kInvalidHandle : CUDA_SUCCESS;
}
CUresult cuEventSynchronize(CUevent event) {
  STUB_ENTER_CONTEXT(cuEventSynchronize);
  return context->events.count(event) == 0 ? kInvalidHandle : CUDA_SUCCESS;
}
CUresult cuEventElapsedTime(float* milliseconds, CUevent, CUevent) {
  STUB_ENTER_CONTEXT(cuEventElapsedTime);
  *milliseconds = 0.25f;
  return CUDA_SUCCESS;
}

CUresult cuModuleLoadDataEx(CUmodule* module, const void* image, unsigned, int*, void**) {
  STUB_ENTER_CONTEXT(cuModuleLoadDataEx);
  if (std::strncmp(static_cast<const char*>(image), "nonsense", 8) == 0) return kInvalidImage;
  *module = Make(context->modules);
  return CUDA_SUCCESS;
}
CUresult cuModuleUnload(CUmodule module) {
  STUB_ENTER_CONTEXT(cuModuleUnload);
  return context->modules.erase(module) == 0 ? kInvalidHandle : CUDA_SUCCESS;
}
CUresult cuModuleGetFunction(CUfunction* function, CUmodule module, const char* name) {
  STUB_ENTER_CONTEXT(cuModuleGetFunction);
  if (std::strcmp(name, "subtract") == 0) return CUDA_ERROR_NOT_FOUND;
  std::unique_ptr<Function>& made = module->functions[name];
  if (made == nullptr) made = std::make_unique<Function>(Function{name});
  *function = made.get();
  return CUDA_SUCCESS;
}
CUresult cuFuncSetAttribute(CUfunction, int, int) {
  STUB_ENTER_CONTEXT(cuFuncSetAttribute);
  return CUDA_SUCCESS;
}
#ifndef INGOT_STUB_OLD
CUresult cuFuncGetParamInfo(CUfunction function, size_t index, size_t* offset, size_t* bytes) {
  STUB_ENTER_CONTEXT(cuFuncGetParamInfo);
  const std::vector<size_t>* const all = ParametersOf(function->name);
  if (all == nullptr) return CUDA_ERROR_NOT_SUPPORTED;
  if (index >= all->size()) return CUDA_ERROR_INVALID_VALUE;
  *offset = 0;
  *bytes = (*all)[index];
  return CUDA_SUCCESS;
}
#endif
CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, CUfunction, int block_threads,
                                                     size_t shared_bytes) {
  STUB_ENTER_CONTEXT(cuOccupancyMaxActiveBlocksPerMultiprocessor);
  *blocks = BlocksOnMultiprocessor(block_threads, shared_bytes);
  return CUDA_SUCCESS;
}
CUresult cuOccupancyMaxActiveClusters(int* clusters, CUfunction, const LaunchConfig* config) {
  STUB_ENTER_CONTEXT(cuOccupancyMaxActiveClusters);
  if (config->attribute_count != 1 ||
      config->attributes->id != CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  const auto& cluster = config->attributes->value.cluster;
  const auto threads = static_cast<int>(config->block_x * config->block_y * config->block_z);
  *clusters = kMultiprocessors * BlocksOnMultiprocessor(threads, config->shared_bytes) /
              static_cast<int>(cluster.x * cluster.y * cluster.z);
  return CUDA_SUCCESS;
}
CUresult cuLaunchKernelEx(const LaunchConfig* config, CUfunction function, void** parameters,
                          void**) {
  STUB_ENTER_CONTEXT(cuLaunchKernelEx);
  if (context->streams.count(config->stream) == 0) return kInvalidHandle;
  ++config->stream->launches;
  for (unsigned i = 0; i < config->attribute_count; ++i) {
    const LaunchAttribute& attribute = config->attributes[i];
    if (attribute.value.flag == 0) return CUDA_ERROR_INVALID_VALUE;
    // Counted, for who asks.
    Enter(attribute.id == CU_LAUNCH_ATTRIBUTE_COOPERATIVE         ? "launch: cooperative"
          : attribute.id == CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION ? "launch: cluster"
          : attribute.id == CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION
              ? "launch: programmatic"
              : "launch: unknown");
  }
  RunKernel(context, function->name, ArgumentsOf(function, parameters), config->grid_x);
  return CUDA_SUCCESS;
}
// The limits of the driver's documentation.  What is encoded is the address, then the other fields,
// a word each, and the sizes.
CUresult cuTensorMapEncodeIm2col(TensorMap* map, int type, uint32_t rank, void* address,
                                 const uint64_t* sizes, const uint64_t* strides,
                                 const int* lower_corner, const int* upper_corner,
                                 uint32_t channels, uint32_t pixels,
                                 const uint32_t* element_strides, int interleave, int swizzle,
                                 int promotion, int fill) {
  STUB_ENTER(cuTensorMapEncodeIm2col);
  if (rank < 3 || rank > 5 || reinterpret_cast<uintptr_t>(address) % 16 != 0 || type < 0 ||
      interleave != 0 || swizzle < 0 || promotion < 0 || fill < 0 || channels < 1 ||
      channels > 256 || pixels < 1 || pixels > 1024) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  const int most = rank == 3 ? 1 << 15 : rank == 4 ? 1 << 7 : 1 << 4;
  for (uint32_t i = 0; i < rank; ++i) {
    const bool cornered = i == 0 || i + 1 == rank ||
                          (lower_corner[i - 1] >= -most && lower_corner[i - 1] < most &&
                           upper_corner[i - 1] >= -most && upper_corner[i - 1] < most);
    const bool strided = i == 0 || strides[i - 1] % 16 == 0;
    if (!cornered || !strided || element_strides[i] < 1 || element_strides[i] > 8) {
      return CUDA_ERROR_INVALID_VALUE;
    }
  }
  *map = {};
  const uint64_t words[] = {reinterpret_cast<uint64_t>(address),
                            static_cast<uint64_t>(type),
                            rank,
                            static_cast<uint64_t>(lower_corner[0]),
                            static_cast<uint64_t>(upper_corner[rank - 3]),
                            channels,
                            pixels,
                            element_strides[1]};
  std::copy(std::begin(words), std::end(words), map->words);
  std::copy(sizes, sizes + rank, map->words + std::size(words));
  return CUDA_SUCCESS;
}
CUresult cuTensorMapEncodeTiled(TensorMap* map, int type, uint32_t rank, void* address,
                                const uint64_t* sizes, const uint64_t* strides, const uint32_t* box,
                                const uint32_t* element_strides, int interleave, int swizzle,
                                int promotion, int fill) {
  STUB_ENTER(cuTensorMapEncodeTiled);
  constexpr int kTypes = 13, kSwizzles = 4, kPromotions = 4;
  if (rank < 1 || rank > 5 || reinterpret_cast<uintptr_t>(address) % 16 != 0 || type < 0 ||
      type >= kTypes || interleave != 0 || swizzle < 0 || swizzle >= kSwizzles || promotion < 0 ||
      promotion >= kPromotions || fill < 0 || fill > 1) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  for (uint32_t i = 0; i < rank; ++i) {
    const bool fits = sizes[i] >= 1 && sizes[i] <= uint64_t{1} << 32 && box[i] >= 1 &&
                      box[i] <= 256 && element_strides[i] >= 1 && element_strides[i] <= 8;
    const bool strided = i == 0 || (strides[i - 1] % 16 == 0 && strides[i - 1] < uint64_t{1} << 40);
    if (!fits || !strided) return CUDA_ERROR_INVALID_VALUE;
  }
  *map = {};
  const uint64_t words[] = {reinterpret_cast<uint64_t>(address),
                            static_cast<uint64_t>(type),
                            rank,
                            static_cast<uint64_t>(swizzle),
                            static_cast<uint64_t>(promotion),
                            static_cast<uint64_t>(fill),
                            box[0],
                            element_strides[0]};
  std::copy(std::begin(words), std::end(words), map->words);
  std::copy(sizes, sizes + rank, map->words + std::size(words));
  return CUDA_SUCCESS;
}

CUresult cuGraphCreate(CUgraph* graph, unsigned) {
  STUB_ENTER_CONTEXT(cuGraphCreate);
  *graph = Make(context->graphs);
  return CUDA_SUCCESS;
}
CUresult cuGraphDestroy(CUgraph graph) {
  STUB_ENTER_CONTEXT(cuGraphDestroy);
  return context->graphs.erase(graph) == 0 ? kInvalidHandle : CUDA_SUCCESS;
}
CUresult cuGraphAddKernelNode_v2(CUgraphNode* node, CUgraph graph, const CUgraphNode*, size_t,
                                 const KernelNode* parameters) {
  STUB_ENTER_CONTEXT(cuGraphAddKernelNode_v2);
  return AddNode(node, graph, NodeOf(*parameters));
}
CUresult cuGraphKernelNodeSetAttribute(CUgraphNode, int, const LaunchAttributeValue*) {
  STUB_ENTER_CONTEXT(cuGraphKernelNodeSetAttribute);
  return CUDA_SUCCESS;
}
CUresult cuGraphAddMemcpyNode(CUgraphNode* node, CUgraph graph, const CUgraphNode*, size_t,
                              const MemcpyNode* parameters, CUcontext) {
  STUB_ENTER_CONTEXT(cuGraphAddMemcpyNode);
  return AddNode(node, graph, NodeOf(*parameters));
}
CUresult cuGraphAddMemsetNode(CUgraphNode* node, CUgraph graph, const CUgraphNode*, size_t,
                              const MemsetNode* parameters, CUcontext) {
  STUB_ENTER_CONTEXT(cuGraphAddMemsetNode);
  return AddNode(node, graph, NodeOf(*parameters));
}
#ifndef INGOT_STUB_OLD
CUresult cuGraphConditionalHandleCreate(CUgraphConditionalHandle* handle, CUgraph, CUcontext,
                                        unsigned value, unsigned) {
  STUB_ENTER_CONTEXT(cuGraphConditionalHandleCreate);
  *handle = context->conditions.size() + 1;
  context->conditions[*handle] = value;
  return CUDA_SUCCESS;
}
CUresult cuGraphAddNode_v2(CUgraphNode* node, CUgraph graph, const CUgraphNode*, const EdgeData*,
                           size_t, ConditionalNode* parameters) {
  STUB_ENTER_CONTEXT(cuGraphAddNode_v2);
  std::unique_ptr<GraphNode> made = ConditionalNodeOf(*parameters);
  if (made == nullptr) return CUDA_ERROR_INVALID_VALUE;
  parameters->bodies = made->bodies->data();
  *node = made.get();
  graph->nodes.push_back(std::move(made));
  return CUDA_SUCCESS;
}
// Between kernels of the graph.
CUresult cuGraphAddDependencies_v2(CUgraph graph, const CUgraphNode* from, const CUgraphNode* to,
                                   const EdgeData* edges, size_t count) {
  STUB_ENTER_CONTEXT(cuGraphAddDependencies_v2);
  const auto is_kernel = [&](CUgraphNode node) {
    return node->kind == GraphNode::kKernel &&
           std::any_of(graph->nodes.begin(), graph->nodes.end(),
                       [&](const auto& one) { return one.get() == node; });
  };
  for (size_t i = 0; i < count; ++i) {
    const bool programmatic = edges[i].type == CU_GRAPH_DEPENDENCY_TYPE_PROGRAMMATIC;
    if (!is_kernel(from[i]) || !is_kernel(to[i]) || !programmatic ||
        edges[i].from_port != kPortProgrammatic || edges[i].to_port != 0) {
      return CUDA_ERROR_INVALID_VALUE;
    }
  }
  return CUDA_SUCCESS;
}
#endif
CUresult cuGraphInstantiateWithFlags(CUgraphExec* executable, CUgraph graph, unsigned long long) {
  STUB_ENTER_CONTEXT(cuGraphInstantiateWithFlags);
  *executable = Make(context->executables);
  Instantiate(*graph, **executable);
  for (const auto& node : graph->nodes) (*executable)->order.push_back(node.get());
  return CUDA_SUCCESS;
}
CUresult cuGraphExecDestroy(CUgraphExec executable) {
  STUB_ENTER_CONTEXT(cuGraphExecDestroy);
  return context->executables.erase(executable) == 0 ? kInvalidHandle : CUDA_SUCCESS;
}
CUresult cuGraphExecKernelNodeSetParams_v2(CUgraphExec executable, CUgraphNode node,
                                           const KernelNode* parameters) {
  STUB_ENTER_CONTEXT(cuGraphExecKernelNodeSetParams_v2);
  return SetNode(executable, node, NodeOf(*parameters));
}
CUresult cuGraphExecMemcpyNodeSetParams(CUgraphExec executable, CUgraphNode node,
                                        const MemcpyNode* parameters, CUcontext) {
  STUB_ENTER_CONTEXT(cuGraphExecMemcpyNodeSetParams);
  return SetNode(executable, node, NodeOf(*parameters));
}
CUresult cuGraphExecMemsetNodeSetParams(CUgraphExec executable, CUgraphNode node,
                                        const MemsetNode* parameters, CUcontext) {
  STUB_ENTER_CONTEXT(cuGraphExecMemsetNodeSetParams);
  return SetNode(executable, node, NodeOf(*parameters));
}
#ifndef INGOT_STUB_TOO_OLD
CUresult cuGraphLaunch(CUgraphExec executable, CUstream stream) {
  STUB_ENTER_CONTEXT(cuGraphLaunch);
  if (context->streams.count(stream) == 0) return kInvalidHandle;
  ++stream->launches;
  for (const CUgraphNode node : executable->order) {
    RunNode(context, *executable, executable->by_node[node]);
  }
  return CUDA_SUCCESS;
}
#endif

}  // extern "C"

// Every function that the runtime calls is here, with its prototype.
#if !defined(INGOT_STUB_OLD) && !defined(INGOT_STUB_TOO_OLD)
#define INGOT_CUDA_FUNCTION(symbol, parameters) \
  static_assert(std::is_same_v<decltype(&symbol), CUresult(*) parameters>);
#include "runtime/cuda/driver_entry_points.def"
#endif

}  // namespace ingot::runtime::cuda
