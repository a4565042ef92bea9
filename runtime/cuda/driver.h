// The CUDA driver interface, opened at run time: our own prototypes, so that neither building nor
// starting a program needs CUDA.  driver_check.cc holds them against cuda.h where that is.
#ifndef INGOT_RUNTIME_CUDA_DRIVER_H_
#define INGOT_RUNTIME_CUDA_DRIVER_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace ingot::runtime::cuda {

// Types and structs of cuda.h, by its names where they are handles.
using CUresult = int;
using CUdevice = int;
using CUdeviceptr = unsigned long long;
using CUcontext = struct Context*;
using CUmodule = struct Module*;
using CUfunction = struct Function*;
using CUstream = struct Stream*;
using CUevent = struct Event*;
using CUgraph = struct Graph*;
using CUgraphNode = struct GraphNode*;
using CUgraphExec = struct GraphExec*;

// CUlaunchAttributeValue.
union LaunchAttributeValue {
  char padding[64];
  struct {
    unsigned x, y, z;
  } cluster;
  int flag;  // cooperative, programmatic serialization
};

// CUlaunchAttribute.
struct LaunchAttribute {
  int id;
  int padding;
  LaunchAttributeValue value;
};

// CUlaunchConfig.
struct LaunchConfig {
  unsigned grid_x, grid_y, grid_z, block_x, block_y, block_z, shared_bytes;
  CUstream stream;
  LaunchAttribute* attributes;
  unsigned attribute_count;
};

// CUDA_KERNEL_NODE_PARAMS_v2.
struct KernelNode {
  CUfunction function;
  unsigned grid_x, grid_y, grid_z, block_x, block_y, block_z, shared_bytes;
  void** parameters;
  void** extra;
  void* kernel;  // a CUkernel, where `function` is null
  CUcontext context;
};

// CUDA_MEMCPY3D_v2.
struct MemcpyNode {
  size_t source_x, source_y, source_z, source_lod;
  int source_type;
  const void* source_host;
  CUdeviceptr source;
  void* source_array;
  void* reserved0;
  size_t source_pitch, source_height;
  size_t destination_x, destination_y, destination_z, destination_lod;
  int destination_type;
  void* destination_host;
  CUdeviceptr destination;
  void* destination_array;
  void* reserved1;
  size_t destination_pitch, destination_height;
  size_t width, height, depth;
};

// CUDA_MEMSET_NODE_PARAMS.
struct MemsetNode {
  CUdeviceptr destination;
  size_t pitch;
  unsigned value;
  unsigned element_size;
  size_t width, height;
};

using CUgraphConditionalHandle = uint64_t;

// CUgraphNodeParams of a conditional node.
struct ConditionalNode {
  int node_type = 13;  // CU_GRAPH_NODE_TYPE_CONDITIONAL
  int reserved0[3] = {};
  CUgraphConditionalHandle handle = 0;
  int type = 0;
  unsigned count = 0;         // of bodies
  CUgraph* bodies = nullptr;  // an array of the driver's, which lives as long as the node
  CUcontext context = nullptr;
  long long reserved1[25] = {};
  long long reserved2 = 0;
};

// CUgraphEdgeData.
struct EdgeData {
  unsigned char from_port, to_port, type, reserved[5];
};

// CUtensorMap.
struct alignas(64) TensorMap {
  uint64_t words[16];
};

// Enumerators, by cuda.h's names.
inline constexpr CUresult CUDA_SUCCESS = 0;
inline constexpr CUresult CUDA_ERROR_INVALID_VALUE = 1;
inline constexpr CUresult CUDA_ERROR_OUT_OF_MEMORY = 2;
inline constexpr CUresult CUDA_ERROR_NO_DEVICE = 100;
inline constexpr CUresult CUDA_ERROR_NOT_FOUND = 500;
inline constexpr CUresult CUDA_ERROR_NOT_READY = 600;
inline constexpr CUresult CUDA_ERROR_ILLEGAL_ADDRESS = 700;
inline constexpr CUresult CUDA_ERROR_LAUNCH_TIMEOUT = 702;
inline constexpr CUresult CUDA_ERROR_HARDWARE_STACK_ERROR = 714;
inline constexpr CUresult CUDA_ERROR_LAUNCH_FAILED = 719;
inline constexpr CUresult CUDA_ERROR_NOT_SUPPORTED = 801;
inline constexpr int CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT = 16;
inline constexpr int CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR = 75;
inline constexpr int CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR = 76;
inline constexpr int CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES = 8;
inline constexpr int CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED = 14;
inline constexpr int CU_LAUNCH_ATTRIBUTE_COOPERATIVE = 2;
inline constexpr int CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION = 4;
inline constexpr int CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION = 6;
inline constexpr int CU_MEMORYTYPE_DEVICE = 2;
inline constexpr unsigned CU_STREAM_NON_BLOCKING = 1;
inline constexpr unsigned CU_EVENT_DEFAULT = 0;
inline constexpr unsigned CU_EVENT_DISABLE_TIMING = 2;
inline constexpr int CU_GRAPH_COND_TYPE_IF = 0;
inline constexpr int CU_GRAPH_COND_TYPE_WHILE = 1;
inline constexpr int CU_GRAPH_COND_TYPE_SWITCH = 2;
inline constexpr unsigned char CU_GRAPH_DEPENDENCY_TYPE_PROGRAMMATIC = 1;
inline constexpr int CU_JIT_ERROR_LOG_BUFFER = 5;
inline constexpr int CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES = 6;

// CU_GRAPH_KERNEL_NODE_PORT_PROGRAMMATIC, which is a macro there.
inline constexpr unsigned char kPortProgrammatic = 1;

struct Driver {
#define INGOT_CUDA_FUNCTION(symbol, parameters) CUresult(*symbol) parameters = nullptr;
#include "runtime/cuda/driver_entry_points.def"
  int version = 0;  // 12040 is 12.4

  // OK for CUDA_SUCCESS; else "CALL: CUDA_ERROR_X: what it means", ResourceExhausted when memory
  // ran out.
  absl::Status Check(CUresult result, const char* call) const;
};

// Opened and initialised by the first that asks, never closed.  FailedPrecondition says why there
// is none: no library, one that is too old, no card.
absl::StatusOr<const Driver*> OpenDriver();

// Returns from the enclosing function unless the call of a driver function succeeded:
// INGOT_CUDA_RETURN_IF_ERROR(driver, cuStreamSynchronize(stream)).
#define INGOT_CUDA_RETURN_IF_ERROR(driver, ...) \
  INGOT_RETURN_IF_ERROR((driver).Check((driver).__VA_ARGS__, #__VA_ARGS__))

}  // namespace ingot::runtime::cuda

#endif  // INGOT_RUNTIME_CUDA_DRIVER_H_
