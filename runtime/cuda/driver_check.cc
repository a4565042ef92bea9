// Holds driver.h against the toolkit's cuda.h, where there is one.  No code.
#if defined(INGOT_HAVE_CUDA_HEADERS)

#include <cuda.h>

#include "runtime/cuda/driver.h"

namespace ingot::runtime::cuda {

#define INGOT_SAME_VALUE(name) \
  static_assert(static_cast<long>(::ingot::runtime::cuda::name) == static_cast<long>(::name))
INGOT_SAME_VALUE(CUDA_SUCCESS);
INGOT_SAME_VALUE(CUDA_ERROR_OUT_OF_MEMORY);
INGOT_SAME_VALUE(CUDA_ERROR_NO_DEVICE);
INGOT_SAME_VALUE(CUDA_ERROR_NOT_FOUND);
INGOT_SAME_VALUE(CUDA_ERROR_INVALID_VALUE);
INGOT_SAME_VALUE(CUDA_ERROR_NOT_READY);
INGOT_SAME_VALUE(CUDA_ERROR_ILLEGAL_ADDRESS);
INGOT_SAME_VALUE(CUDA_ERROR_LAUNCH_TIMEOUT);
INGOT_SAME_VALUE(CUDA_ERROR_HARDWARE_STACK_ERROR);
INGOT_SAME_VALUE(CUDA_ERROR_LAUNCH_FAILED);
INGOT_SAME_VALUE(CUDA_ERROR_NOT_SUPPORTED);
INGOT_SAME_VALUE(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
INGOT_SAME_VALUE(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR);
INGOT_SAME_VALUE(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
INGOT_SAME_VALUE(CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES);
INGOT_SAME_VALUE(CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED);
INGOT_SAME_VALUE(CU_LAUNCH_ATTRIBUTE_COOPERATIVE);
INGOT_SAME_VALUE(CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION);
INGOT_SAME_VALUE(CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION);
INGOT_SAME_VALUE(CU_MEMORYTYPE_DEVICE);
INGOT_SAME_VALUE(CU_STREAM_NON_BLOCKING);
INGOT_SAME_VALUE(CU_EVENT_DEFAULT);
INGOT_SAME_VALUE(CU_EVENT_DISABLE_TIMING);
INGOT_SAME_VALUE(CU_GRAPH_COND_TYPE_IF);
INGOT_SAME_VALUE(CU_GRAPH_COND_TYPE_WHILE);
INGOT_SAME_VALUE(CU_GRAPH_COND_TYPE_SWITCH);
INGOT_SAME_VALUE(CU_GRAPH_DEPENDENCY_TYPE_PROGRAMMATIC);
static_assert(kPortProgrammatic == CU_GRAPH_KERNEL_NODE_PORT_PROGRAMMATIC);
INGOT_SAME_VALUE(CU_JIT_ERROR_LOG_BUFFER);
INGOT_SAME_VALUE(CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES);

#define INGOT_SAME_FIELD(ours, our_field, theirs, their_field) \
  static_assert(offsetof(ours, our_field) == offsetof(theirs, their_field))
static_assert(sizeof(LaunchAttributeValue) == sizeof(CUlaunchAttributeValue));
INGOT_SAME_FIELD(LaunchAttribute, value, CUlaunchAttribute, value);
static_assert(sizeof(LaunchAttribute) == sizeof(CUlaunchAttribute));
static_assert(sizeof(LaunchConfig) == sizeof(CUlaunchConfig));
INGOT_SAME_FIELD(LaunchConfig, shared_bytes, CUlaunchConfig, sharedMemBytes);
INGOT_SAME_FIELD(LaunchConfig, stream, CUlaunchConfig, hStream);
INGOT_SAME_FIELD(LaunchConfig, attributes, CUlaunchConfig, attrs);
INGOT_SAME_FIELD(LaunchConfig, attribute_count, CUlaunchConfig, numAttrs);
static_assert(sizeof(KernelNode) == sizeof(CUDA_KERNEL_NODE_PARAMS_v2));
INGOT_SAME_FIELD(KernelNode, shared_bytes, CUDA_KERNEL_NODE_PARAMS_v2, sharedMemBytes);
INGOT_SAME_FIELD(KernelNode, parameters, CUDA_KERNEL_NODE_PARAMS_v2, kernelParams);
INGOT_SAME_FIELD(KernelNode, context, CUDA_KERNEL_NODE_PARAMS_v2, ctx);
static_assert(sizeof(MemcpyNode) == sizeof(CUDA_MEMCPY3D_v2));
INGOT_SAME_FIELD(MemcpyNode, source_type, CUDA_MEMCPY3D_v2, srcMemoryType);
INGOT_SAME_FIELD(MemcpyNode, source, CUDA_MEMCPY3D_v2, srcDevice);
INGOT_SAME_FIELD(MemcpyNode, destination_type, CUDA_MEMCPY3D_v2, dstMemoryType);
INGOT_SAME_FIELD(MemcpyNode, destination, CUDA_MEMCPY3D_v2, dstDevice);
INGOT_SAME_FIELD(MemcpyNode, width, CUDA_MEMCPY3D_v2, WidthInBytes);
static_assert(sizeof(MemsetNode) == sizeof(CUDA_MEMSET_NODE_PARAMS_v1));
INGOT_SAME_FIELD(MemsetNode, element_size, CUDA_MEMSET_NODE_PARAMS_v1, elementSize);
INGOT_SAME_FIELD(MemsetNode, height, CUDA_MEMSET_NODE_PARAMS_v1, height);
static_assert(sizeof(ConditionalNode) == sizeof(CUgraphNodeParams));
static_assert(ConditionalNode{}.node_type == CU_GRAPH_NODE_TYPE_CONDITIONAL);
INGOT_SAME_FIELD(ConditionalNode, handle, CUgraphNodeParams, conditional.handle);
INGOT_SAME_FIELD(ConditionalNode, type, CUgraphNodeParams, conditional.type);
INGOT_SAME_FIELD(ConditionalNode, count, CUgraphNodeParams, conditional.size);
INGOT_SAME_FIELD(ConditionalNode, bodies, CUgraphNodeParams, conditional.phGraph_out);
INGOT_SAME_FIELD(ConditionalNode, context, CUgraphNodeParams, conditional.ctx);
INGOT_SAME_FIELD(ConditionalNode, reserved2, CUgraphNodeParams, reserved2);
static_assert(sizeof(EdgeData) == sizeof(CUgraphEdgeData));
INGOT_SAME_FIELD(EdgeData, from_port, CUgraphEdgeData, from_port);
INGOT_SAME_FIELD(EdgeData, to_port, CUgraphEdgeData, to_port);
INGOT_SAME_FIELD(EdgeData, type, CUgraphEdgeData, type);
static_assert(sizeof(TensorMap) == sizeof(CUtensorMap));

// The prototypes: as many parameters, of the same sizes.
template <typename... Ours, typename... Theirs>
constexpr bool SameParameters(CUresult (*)(Ours...), ::CUresult (*)(Theirs...)) {
  if constexpr (sizeof...(Ours) == sizeof...(Theirs)) {
    return ((sizeof(Ours) == sizeof(Theirs)) && ...);
  } else {
    return false;
  }
}
#define INGOT_CUDA_FUNCTION(symbol, parameters) \
  static_assert(SameParameters(decltype(Driver::symbol){}, decltype(&::symbol){}), #symbol);
#include "runtime/cuda/driver_entry_points.def"

}  // namespace ingot::runtime::cuda

#endif
