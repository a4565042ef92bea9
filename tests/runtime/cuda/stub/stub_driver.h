// A driver for tests without a card: a library called libcuda.so.1 whose card is this process's
// memory, and whose calls fail when they are told to.
//
// It runs copies, fills, graphs, and the kernels that tests/runtime/cuda has as PTX, by their
// names; other kernels do nothing.  Launches are done when they return; what a kernel did wrong is
// said by later calls, in its context, as on a card.
//
// INGOT_STUB_DRIVER=RULE,... in the environment gives it rules when it is loaded:
//   FUNCTION=ERROR      every call of the driver's function returns this CUresult, and does nothing
//   FUNCTION@N=ERROR    the Nth call does, counted from 1
//   version=N           the driver's version (13000: 12040 is 12.4)
//   capability=N        the card's, times 10 (90)
//   memory=N            bytes of the card's memory (1 GB)
//   devices=N           how many cards there are (1)
#ifndef INGOT_TESTS_RUNTIME_CUDA_STUB_STUB_DRIVER_H_
#define INGOT_TESTS_RUNTIME_CUDA_STUB_STUB_DRIVER_H_

#include <cstdint>

namespace ingot::runtime::cuda {

// What the library exports as `ingot_stub_control`, for tests that open it themselves.
struct StubControl {
  // Forgets rules and counts, and takes rules as INGOT_STUB_DRIVER has them.
  void (*set_rules)(const char* rules);
  // Calls of the function since then.  Also "launch: cooperative", "launch: cluster" and "launch:
  // programmatic": attributes that cuLaunchKernelEx was given.
  int64_t (*calls)(const char* function);
  // What was made and not yet released: allocations, streams, events, modules, graphs, contexts.
  int64_t (*live)();
  int64_t (*live_bytes)();  // of them, of the card's memory
  // Contexts that the calling thread has pushed and not popped.
  int64_t (*pushed)();
  // A context of somebody else's: made, and destroyed with all that is in it.
  void* (*make_context)();
  void (*destroy_context)(void* context);
  // A stream in it, that its owner made.
  void* (*make_stream)(void* context);
  // Kernels, copies and fills that were done.
  int64_t (*done)();
  // Counts a call of a function that is none of the driver's, and says what a rule has it return.
  int (*enter)(const char* function);
  // Graphs and kernels that were launched on a CUstream.
  int64_t (*launches)(void* stream);
};

// The stub, opened from the tests' data: whoever asks for libcuda.so.1 later has it.
const StubControl& OpenStub();

}  // namespace ingot::runtime::cuda

#endif  // INGOT_TESTS_RUNTIME_CUDA_STUB_STUB_DRIVER_H_
