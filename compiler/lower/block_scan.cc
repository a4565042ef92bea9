#include "compiler/lower/block_scan.h"

namespace ingot::lower {

using kernel::Builder;
using kernel::Value;

BlockSums SumsOfWarps(Builder& b, kernel::Buffer* totals, int warps) {
  BlockSums sums{b.Index(0), b.Index(0)};
  for (int warp = 0; warp < warps; ++warp) {
    const Value found = b.Load(totals, b.Index(warp));
    const Value earlier = b.Select(b.Lt(b.Index(warp), b.WarpId()), found, b.Index(0));
    sums.before = b.Add(sums.before, earlier);
    sums.all = b.Add(sums.all, found);
  }
  return sums;
}

BlockSums SumsOfThreads(Builder& b, kernel::Buffer* totals, int warps, Value own) {
  constexpr int kWarp = kernel::kWarpSize;
  Value through = own;
  for (int by = 1; by < kWarp; by *= 2) {
    const Value other = b.Call(kernel::Intrinsic::kShuffleUp, {through, b.Index(by)});
    through = b.Add(through, b.Select(b.Ge(b.LaneId(), b.Index(by)), other, b.Index(0)));
  }
  b.If(b.Eq(b.LaneId(), b.Index(kWarp - 1)), [&] { b.Store(totals, b.WarpId(), through); });
  b.Barrier();
  BlockSums sums = SumsOfWarps(b, totals, warps);
  sums.before = b.Add(sums.before, b.Sub(through, own));
  return sums;
}

}  // namespace ingot::lower
