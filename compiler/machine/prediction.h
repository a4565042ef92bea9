// PredictTime: a bound on a kernel's time, from what it asks of the GPU.  Its use is to rank plans.
//
// The time is the launch, the first load's latency, and the largest of these (N multiprocessors,
// clock f; Williams, Waterman, Patterson: "Roofline", CACM 52(4), 2009, with more roofs):
//
//   memory        (S^p + L^p)^(1/p) with p = 2.5.
//                 S: bytes over the rate of their mix.  A byte read takes 1/read, a byte written
//                 2/copy - 1/read, so that reads alone run at `read` and copies at `copy`.
//                 L, Little's law: bytes loaded × latency / bytes under way.  What is loaded again
//                 comes from L2 and has its latency.  Where a block stores after all its loads and
//                 a barrier, it has loads under way half of the time, and L is doubled.
//   sectors       sector bytes × (used/l2 + (1 - used)/l2_scattered), loads and stores each
//   issue         instructions / (N × issue slots × f)
//   unit          instructions of one unit × 32 / (N × its lanes × f); memory instructions and
//                 passes of shared memory share their lanes
//   blocks        blocks of the grid over the rate at which they start
//   matrix        operations over the matrix units' rate
//
// Waves: a grid of B blocks, R resident on a multiprocessor, runs in w = ceil(B / (N R)) waves;
// B / (N w) blocks are resident on average, which is what L is made from.  Issue, unit and matrix
// count as long as the multiprocessor with the most blocks, ceil(B / N), takes.
//
// The exponent is fitted to loads of 2 GB on an H200 (TB/s by KB under way a multiprocessor):
//
//     KB            2     4     8    16    32    64
//     measured   0.67  1.31  2.42  3.87  4.45  4.55
//     the model  0.69  1.36  2.51  3.77  4.38  4.54
//
// What it does not know: hits in L1 (their sectors count as L2's), inputs that an earlier kernel
// left in L2, latencies of dependent arithmetic and of barriers.
#ifndef INGOT_COMPILER_MACHINE_PREDICTION_H_
#define INGOT_COMPILER_MACHINE_PREDICTION_H_

#include <array>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "compiler/machine/kernel_work.h"
#include "ir/base/target.h"

namespace ingot::machine {

enum class Bound : uint8_t {
  kMemory,
  kSectors,
  kIssue,
  kFloat,
  kDouble,
  kSpecial,
  kConversion,
  kMemoryLanes,
  kShuffle,
  kBlocks,
  kMatrix,
};
inline constexpr int kBoundCount = 11;
absl::string_view NameOf(Bound bound);

struct Prediction {
  double us = 0;           // all together
  double overhead_us = 0;  // launch and the first load's latency
  double waits_us = 0;     // in which resident blocks wait and none works in their place
  // Without overhead, of the whole card: as much as kernels that run beside it cannot have.  Less
  // than the time of a kernel that is no wave of blocks.
  double card_us = 0;
  std::array<double, kBoundCount> terms{};  // in microseconds
  Bound bound = Bound::kMemory;             // the largest of them
  double bytes_in_flight = 0;               // on average a multiprocessor

  double term(Bound bound) const { return terms[static_cast<int>(bound)]; }
};

// `target` is a GPU.  Infinite where not one block fits on a multiprocessor.
Prediction PredictTime(const KernelWork& work, const Target& target);

// Bytes of loads under way on a multiprocessor, on average over the waves of the grid.
double BytesInFlight(const KernelWork& work, const Target& target);

// The time, in microseconds, in which the card copies so many bytes, read and written counted: what
// a kernel with these inputs and results cannot beat.
double FloorTime(double bytes, const Target& target);

}  // namespace ingot::machine

#endif  // INGOT_COMPILER_MACHINE_PREDICTION_H_
