#include "compiler/lower/radix_rank.h"

#include <algorithm>

#include "compiler/lower/block_scan.h"
#include "ir/base/integers.h"

namespace ingot::lower {

using kernel::Intrinsic;
using kernel::Value;

namespace {

constexpr int kWarp = kernel::kWarpSize;
// Of a rank in a warp's part of a tile.
constexpr int kRankBits = 16;

}  // namespace

RadixRank::RadixRank(Frame& frame, int bits, int threads, int items)
    : b_(frame.builder),
      e_(frame.emitter),
      bits_(bits),
      threads_(threads),
      items_(items),
      warps_(threads / kWarp),
      all_digits_(int64_t{1} << bits) {
  warp_counts_ = frame.kernel->AddShared("warp_counts", ElementType::kS32, {warps_ * all_digits_});
  sums_ = frame.kernel->AddShared("warp_sums", ElementType::kS32, {warps_});
  const int64_t each = CeilDiv(all_digits_, int64_t{threads});
  has_digits_ = b_.Lt(b_.ThreadId(), b_.Index(all_digits_ / each));
  const Value first = b_.Mul(b_.ThreadId(), b_.Index(each));
  for (int64_t j = 0; j < each; ++j) digits_.push_back(b_.Add(first, b_.Index(j)));
}

Value RadixRank::NumberOf(int item) const {
  const Value warp = b_.Mul(b_.WarpId(), b_.Index(items_ * kWarp));
  return b_.Add(b_.Add(warp, b_.LaneId()), b_.Index(item * kWarp));
}

void RadixRank::Run(const std::vector<Value>& digits, const std::vector<Value>& inside,
                    const std::function<void()>& counted) {
  b_.For(b_.ThreadId(), b_.Index(warps_ * all_digits_), b_.Index(threads_),
         [&](Value i) { b_.Store(warp_counts_, i, b_.Index(0)); });
  b_.Barrier();
  // Digit and rank in one register.
  const Value shift = b_.Index(kRankBits);
  std::vector<Value> ranks;
  for (int i = 0; i < items_; ++i) {
    const Value rank = Rank(digits[i], inside.empty() ? nullptr : inside[i]);
    ranks.push_back(b_.Or(rank, b_.Shl(digits[i], shift)));
  }
  b_.Barrier();
  FindPlaces(counted);
  b_.Barrier();
  for (int i = 0; i < items_; ++i) {
    const Value rank = b_.And(ranks[i], b_.Index((1 << kRankBits) - 1));
    const Value before = b_.Load(warp_counts_, OfWarp(b_.Ashr(ranks[i], shift)));
    places_.push_back(b_.Add(before, rank));
  }
}

Value RadixRank::SumBefore(Value own) { return SumsOfThreads(b_, sums_, warps_, own).before; }

int64_t RadixRank::SharedBytes(int bits, int threads) {
  const int64_t warps = threads / kWarp;
  return 4 * ((warps << bits) + warps);
}

Value RadixRank::OfWarp(Value digit) const {
  return b_.Add(b_.Mul(b_.WarpId(), b_.Index(all_digits_)), digit);
}

// How many entries of the warp with this digit are before it; they are counted.
Value RadixRank::Rank(Value digit, Value inside) {
  Value same = nullptr;
  if (inside != nullptr) same = b_.Call(Intrinsic::kBallot, {inside});
  for (int bit = 0; bit < bits_; ++bit) {
    const Value is_set = b_.Ne(b_.And(digit, b_.Index(int64_t{1} << bit)), b_.Index(0));
    const Value votes = b_.Call(Intrinsic::kBallot, {is_set});
    const Value alike = b_.Select(is_set, votes, b_.Not(votes));
    same = same == nullptr ? alike : b_.And(same, alike);
  }
  const Value one = b_.Integer(kernel::kU32, 1);
  const Value below = b_.Sub(b_.Shl(one, b_.Convert(b_.LaneId(), ElementType::kU32)), one);
  const auto bits = [&](Value votes) { return b_.Convert(b_.Popcnt(votes), ElementType::kS32); };
  const Value before = b_.Load(warp_counts_, OfWarp(digit));
  const Value earlier = bits(b_.And(same, below));
  Value counts = b_.Eq(earlier, b_.Index(0));
  if (inside != nullptr) counts = b_.And(inside, counts);
  b_.Call(Intrinsic::kWarpSync);
  e_.If(counts, [&] { b_.Store(warp_counts_, OfWarp(digit), b_.Add(before, bits(same))); });
  b_.Call(Intrinsic::kWarpSync);
  return b_.Add(before, earlier);
}

// Counts of the warps become places in the tile.
void RadixRank::FindPlaces(const std::function<void()>& counted) {
  const auto over_warps = [&](Value digit, const std::function<void(Value)>& body) {
    for (int warp = 0; warp < warps_; ++warp) {
      body(b_.Add(digit, b_.Index(warp * all_digits_)));
    }
  };
  Value own = b_.Index(0);
  for (Value digit : digits_) {
    kernel::Var* count = b_.DeclareVar("count", b_.Index(0));
    e_.If(has_digits_, [&] {
      over_warps(digit, [&](Value at) {
        b_.Write(count, b_.Add(b_.Read(count), b_.Load(warp_counts_, at)));
      });
    });
    counts_.push_back(b_.Read(count));
    own = b_.Add(own, counts_.back());
  }
  if (counted) counted();
  Value before = SumBefore(own);
  for (size_t j = 0; j < digits_.size(); ++j) {
    firsts_.push_back(before);
    kernel::Var* place = b_.DeclareVar("place", before);
    e_.If(has_digits_, [&] {
      over_warps(digits_[j], [&](Value at) {
        const Value first = b_.Read(place);
        b_.Write(place, b_.Add(first, b_.Load(warp_counts_, at)));
        b_.Store(warp_counts_, at, first);
      });
    });
    before = b_.Add(before, counts_[j]);
  }
}

}  // namespace ingot::lower
