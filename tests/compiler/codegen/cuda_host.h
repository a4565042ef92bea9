// What the sources of compiler/codegen/cuda need to run on the host: CUDA's words, ids and bit
// operations.  Only kernels without instructions of a card do.
#ifndef INGOT_TESTS_COMPILER_CODEGEN_CUDA_HOST_H_
#define INGOT_TESTS_COMPILER_CODEGEN_CUDA_HOST_H_

#include <bit>
#include <cmath>
#include <cstdint>

#define INGOT_CUDA_HOST
#define __device__
#define __global__
#define __forceinline__ inline
#define __launch_bounds__(...)

// The thread that runs.
struct CudaId {
  unsigned x = 0;
  unsigned y = 0;
  unsigned z = 0;
};
inline thread_local CudaId threadIdx;
inline thread_local CudaId blockIdx;

inline int __popc(unsigned x) { return std::popcount(x); }
inline int __popcll(unsigned long long x) { return std::popcount(x); }
inline int __clz(int x) { return std::countl_zero(static_cast<unsigned>(x)); }
inline int __clzll(long long x) { return std::countl_zero(static_cast<unsigned long long>(x)); }
inline long long __mul64hi(long long a, long long b) {
  return static_cast<long long>((static_cast<__int128>(a) * b) >> 64);
}
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
  return static_cast<unsigned long long>((static_cast<unsigned __int128>(a) * b) >> 64);
}

// A kernel whose parameters are buffers.
struct CudaKernel {
  const char* name;  // kernel IR's
  void* function;
};

#endif  // INGOT_TESTS_COMPILER_CODEGEN_CUDA_HOST_H_
