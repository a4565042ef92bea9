// What the tests of the runtime share: small programs over the kernels of kernels.c.
#ifndef INGOT_TESTS_RUNTIME_TESTING_H_
#define INGOT_TESTS_RUNTIME_TESTING_H_

#include <string>
#include <vector>

#include "runtime/host/kernel_abi.h"
#include "runtime/program.h"

namespace ingot::runtime {

// A file that a genrule of tests/runtime made.
std::vector<uint8_t> ReadTestFile(const std::string& name);

Shape F32(std::vector<int64_t> dimensions);

BufferSlice ArenaSlice(int64_t offset, int64_t size);
BufferSlice InputSlice(const Program& program, int32_t index);
BufferSlice OutputSlice(const Program& program, int32_t index);
BufferSlice ConstantSlice(const Program& program, int32_t index);

Argument Read(const BufferSlice& slice);
Argument Write(const BufferSlice& slice);
Argument Update(const BufferSlice& slice);
Argument Scalar(uint64_t bits, uint8_t bytes = 8);

Command MakeLaunch(const std::string& kernel, int64_t tasks, std::vector<Argument> arguments);

// A module of kernels.c's object.
CodeModule KernelsModule();

// y = (a + b) + weights, all f32[n]: inputs a and b, the constant weights (weights[i] = i), the
// arena for the sum in between.
Program AddProgram(int64_t n, CodeModule module = KernelsModule());

// count up from the input s32[] by `step` until it is not less than `limit`; output s32[].
Program LoopProgram(int32_t step, int32_t limit, CodeModule module = KernelsModule());

}  // namespace ingot::runtime

#endif  // INGOT_TESTS_RUNTIME_TESTING_H_
