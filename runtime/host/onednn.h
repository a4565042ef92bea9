// Library calls through oneDNN, which is opened at run time (libdnnl.so.2) and may be absent.
#ifndef INGOT_RUNTIME_HOST_ONEDNN_H_
#define INGOT_RUNTIME_HOST_ONEDNN_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/types/span.h"
#include "runtime/host/thread_pool.h"
#include "runtime/library_call.h"

namespace ingot::runtime {

// One call site of one program instance: primitives, their memory descriptions and scratch memory.
// Not for several threads at once.
//
// The library's own threads (OpenMP) spin for milliseconds after each call, on the cores that the
// pool's threads want: alternating with kernels, that made both ten times slower.  So a call is
// split over the pool, and the library computes each part on the thread that asks for it.
class OnednnCall {
 public:
  virtual ~OnednnCall() = default;

  // Computes the operation.  False, with the output untouched or partly written, when the library
  // fails; the caller runs the fallback then.
  virtual bool Run(absl::Span<void* const> inputs, void* output) = 0;

  // Null where the library is absent, or this build knows nothing of it, or it declines the
  // operation.  `constant_filter`: the second input has the same contents in every call, so that
  // what is derived from it may be kept.
  static std::unique_ptr<OnednnCall> Create(const LibraryOperation& operation, ThreadPool& pool,
                                            bool constant_filter);
};

// "oneDNN 2.6.0", or why there is none: for `ingot targets` and logs.
std::string OnednnDescription();

}  // namespace ingot::runtime

#endif  // INGOT_RUNTIME_HOST_ONEDNN_H_
