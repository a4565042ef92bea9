// Card: limits and rates of one GPU.  Plans and the model of a machine (compiler/machine) read them
// here and nowhere else.  The rows are cards.def.
#ifndef INGOT_IR_BASE_CARD_H_
#define INGOT_IR_BASE_CARD_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace ingot {

struct Card {
  absl::string_view name;

  // Limits of one multiprocessor.
  int blocks;                 // resident at once
  int registers;              // of 32 bits
  int register_unit;          // a warp is given a multiple of so many registers
  int thread_registers;       // of one thread, at most
  int shared_bytes;           // of all its blocks together
  int shared_unit;            // a block is given a multiple of so many bytes
  int reserved_shared_bytes;  // that each block takes besides its own

  // Rates of one multiprocessor.
  int issue_slots;  // warp instructions a cycle
  // Results a cycle.  An instruction of a warp takes 32 of them.  Integers have no row: the
  // assembler spreads them over two pipes, which together are as fast as instructions are issued.
  int float_lanes;       // f32 fma
  int double_lanes;      // f64 fma
  int special_lanes;     // reciprocal, square root, ex2; rounding to an integral float
  int conversion_lanes;  // between f32 and 16-bit floats or 32-bit integers
  int memory_lanes;      // addresses of loads and stores, global or shared
  int shuffle_lanes;     // shuffles and votes

  // Rates of the card.  1 GB/s is 1e9 bytes a second, which is one byte a nanosecond.
  double clock_ghz;          // while memory is what limits
  int64_t l2_bytes;          // capacity
  double copy_gbps;          // device memory, as many bytes read as written, both counted
  double read_gbps;          // device memory, read only
  double l2_gbps;            // sectors of 32 bytes whose bytes are all used
  double l2_scattered_gbps;  // sectors of which one 4-byte element is used
  double latency_ns;         // of a load from device memory, when few are under way
  double l2_latency_ns;      // of a load that finds its data in L2
  double bf16_tflops;        // matrix units, dense, 1e12 operations a second
  double launch_us;          // of one kernel after another in a CUDA graph
  double blocks_per_us;      // started, of 256 threads
};

}  // namespace ingot

#endif  // INGOT_IR_BASE_CARD_H_
