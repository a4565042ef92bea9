// The programs of tests/runtime/testing.h for a card, over kernels in PTX: add, count, less, blocks
// (the number of its own), and fault, which reads what is not there.
#ifndef INGOT_TESTS_RUNTIME_CUDA_CARD_PROGRAMS_H_
#define INGOT_TESTS_RUNTIME_CUDA_CARD_PROGRAMS_H_

#include "runtime/program.h"

namespace ingot::runtime {

CodeModule PtxModule();

// AddProgram and LoopProgram.
Program CardAddProgram(int64_t n);
Program CardLoopProgram(int32_t step, int32_t limit);
// blocks, of 256 threads, from nothing to an s32[]: at most so many blocks along x, as many as the
// card holds at once.
Program CardResidentProgram(uint32_t most_blocks);
// A program that runs fault, from an s32[] to an s32[].
Program CardFaultProgram();

}  // namespace ingot::runtime

#endif  // INGOT_TESTS_RUNTIME_CUDA_CARD_PROGRAMS_H_
