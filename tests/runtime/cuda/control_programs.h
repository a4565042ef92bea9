// Programs of loops and conditionals over the kernels of card_programs.h: for a card, and for its
// stand-in.
#ifndef INGOT_TESTS_RUNTIME_CUDA_CONTROL_PROGRAMS_H_
#define INGOT_TESTS_RUNTIME_CUDA_CONTROL_PROGRAMS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "runtime/executor.h"
#include "runtime/program.h"

namespace ingot::runtime {

// A program from `start` and `index` to `end`, s32 all; `end` begins as `start`.
struct ControlProgram {
  std::string name;
  Program program;
  int32_t (*expected)(int32_t start, int32_t index);
};

// A loop, a loop in a loop, a conditional in a loop, a loop in a conditional, three branches by an
// index with loops in one of them and nothing in another, and loops beside one another.
std::vector<ControlProgram> ControlPrograms();

// Counts by one while the counter is less than `limit`.
ControlProgram CountingLoop(int32_t limit);

// Runs it once, with memory of its own; DataLoss: the result is not what is expected.
absl::Status RunControl(const ControlProgram& control, Executor& executor, int32_t start,
                        int32_t index, const RunOptions& options = {});

}  // namespace ingot::runtime

#endif  // INGOT_TESTS_RUNTIME_CUDA_CONTROL_PROGRAMS_H_
