// Sums over the threads of a block.
#ifndef INGOT_COMPILER_LOWER_BLOCK_SCAN_H_
#define INGOT_COMPILER_LOWER_BLOCK_SCAN_H_

#include "compiler/kernel/builder.h"

namespace ingot::lower {

// s32 values: what the warps (threads) before this one have together, and all of them.
struct BlockSums {
  kernel::Value before;
  kernel::Value all;
};

// Of what each warp has in `totals`, s32[warps] in shared memory.  A barrier stands before.
BlockSums SumsOfWarps(kernel::Builder& b, kernel::Buffer* totals, int warps);

// Of what each thread has, through `totals`.  All threads come here; between two calls a barrier
// stands.
BlockSums SumsOfThreads(kernel::Builder& b, kernel::Buffer* totals, int warps, kernel::Value own);

}  // namespace ingot::lower

#endif  // INGOT_COMPILER_LOWER_BLOCK_SCAN_H_
