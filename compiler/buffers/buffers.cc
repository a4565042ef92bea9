#include "compiler/buffers/buffers.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <queue>
#include <set>
#include <utility>

#include "ir/base/check.h"
#include "ir/base/integers.h"

namespace ingot::buffers {
namespace {

// The free ranges of the arena below its top.
class FreeList {
 public:
  // The offset of `size` bytes: the smallest free range that holds them, the lowest among equals,
  // or the top.
  int64_t Take(int64_t size) {
    const auto fit = by_size_.lower_bound({size, 0});
    if (fit == by_size_.end()) return TakeAtTop(size);
    const auto [range_size, offset] = *fit;
    Erase(offset, range_size);
    if (range_size > size) Insert(offset + size, range_size - size);
    return offset;
  }

  void Give(int64_t offset, int64_t size) {
    const auto next = by_offset_.lower_bound(offset);
    if (next != by_offset_.end() && next->first == offset + size) {
      size += next->second;
      Erase(next->first, next->second);
    }
    const auto after = by_offset_.lower_bound(offset);
    if (after != by_offset_.begin()) {
      const auto before = std::prev(after);
      if (before->first + before->second == offset) {
        offset = before->first;
        size += before->second;
        Erase(before->first, before->second);
      }
    }
    Insert(offset, size);
  }

  int64_t top() const { return top_; }

 private:
  // A free range that ends at the top grows rather than being left below.
  int64_t TakeAtTop(int64_t size) {
    int64_t offset = top_;
    if (!by_offset_.empty()) {
      const auto [last, last_size] = *by_offset_.rbegin();
      if (last + last_size == top_) {
        offset = last;
        Erase(last, last_size);
      }
    }
    top_ = offset + size;
    return offset;
  }
  void Insert(int64_t offset, int64_t size) {
    by_offset_[offset] = size;
    by_size_.insert({size, offset});
  }
  void Erase(int64_t offset, int64_t size) {
    by_offset_.erase(offset);
    by_size_.erase({size, offset});
  }

  std::map<int64_t, int64_t> by_offset_;           // offset → size
  std::set<std::pair<int64_t, int64_t>> by_size_;  // (size, offset)
  int64_t top_ = 0;
};

int64_t Aligned(int64_t size, int64_t alignment) {
  return RoundUp(std::max<int64_t>(size, 1), alignment);
}

// The buffers' numbers, by `key` of each.
template <typename Key>
std::vector<int64_t> OrderedBy(absl::Span<const Lifetime> lifetimes, const Key& key) {
  std::vector<int64_t> order(lifetimes.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return key(lifetimes[a]) < key(lifetimes[b]); });
  return order;
}

// Best fit over the free ranges, in order of birth, larger buffers first among those born together.
// Sets all of the plan.
ArenaPlan PlanByBirth(absl::Span<const Lifetime> lifetimes, int64_t alignment) {
  const std::vector<int64_t> order = OrderedBy(lifetimes, [](const Lifetime& lifetime) {
    return std::make_pair(lifetime.first, -lifetime.size);
  });
  ArenaPlan plan;
  plan.offsets.resize(lifetimes.size());
  FreeList free;
  using Death = std::pair<int64_t, int64_t>;  // (last command, buffer)
  std::priority_queue<Death, std::vector<Death>, std::greater<Death>> alive;
  int64_t bytes_alive = 0, peak_command = 0;
  for (int64_t buffer : order) {
    const Lifetime& lifetime = lifetimes[buffer];
    INGOT_CHECK(lifetime.first <= lifetime.last)
        << "buffer " << buffer << " dies before it is born";
    while (!alive.empty() && alive.top().first < lifetime.first) {
      const int64_t dead = alive.top().second;
      alive.pop();
      const int64_t size = Aligned(lifetimes[dead].size, alignment);
      free.Give(plan.offsets[dead], size);
      bytes_alive -= size;
    }
    const int64_t size = Aligned(lifetime.size, alignment);
    plan.offsets[buffer] = free.Take(size);
    alive.push({lifetime.last, buffer});
    bytes_alive += size;
    if (bytes_alive > plan.peak) {
      plan.peak = bytes_alive;
      peak_command = lifetime.first;
    }
  }
  plan.size = free.top();
  for (int64_t buffer : OrderedBy(lifetimes, [](const auto& lifetime) { return -lifetime.size; })) {
    const Lifetime& lifetime = lifetimes[buffer];
    if (lifetime.first <= peak_command && peak_command <= lifetime.last) {
      plan.at_peak.push_back(buffer);
    }
  }
  return plan;
}

// The largest buffers first, each in the smallest gap that those placed before and alive with it
// leave.  Sets offsets and size.
class BySize {
 public:
  BySize(absl::Span<const Lifetime> lifetimes, int64_t alignment)
      : lifetimes_(lifetimes), alignment_(alignment) {}

  // Those beyond the kMostBySize largest lie above all others, in order of birth.
  ArenaPlan Run() {
    plan_.offsets.resize(lifetimes_.size());
    const std::vector<int64_t> order = OrderedBy(lifetimes_, [](const Lifetime& lifetime) {
      return std::make_tuple(-lifetime.size, lifetime.first - lifetime.last, lifetime.first);
    });
    const size_t by_size = std::min(order.size(), kMostBySize);
    for (size_t i = 0; i < by_size; ++i) Place(order[i]);
    std::vector<Lifetime> small;
    for (size_t i = by_size; i < order.size(); ++i) small.push_back(lifetimes_[order[i]]);
    const ArenaPlan above = PlanByBirth(small, alignment_);
    for (size_t i = by_size; i < order.size(); ++i) {
      plan_.offsets[order[i]] = plan_.size + above.offsets[i - by_size];
    }
    plan_.size += above.size;
    return std::move(plan_);
  }

 private:
  static constexpr size_t kMostBySize = 4096;

  struct Placed {
    int64_t begin, end;  // bytes
    int64_t first, last;
  };

  void Place(int64_t buffer) {
    const Lifetime& lifetime = lifetimes_[buffer];
    const int64_t size = Aligned(lifetime.size, alignment_);
    int64_t top = 0;  // of what is alive with the buffer, so far
    int64_t best = -1, best_gap = 0;
    for (const Placed& other : placed_) {
      if (other.last < lifetime.first || lifetime.last < other.first) continue;
      const int64_t gap = other.begin - top;
      if (gap >= size && (best < 0 || gap < best_gap)) {
        best = top;
        best_gap = gap;
      }
      top = std::max(top, other.end);
    }
    const int64_t offset = best < 0 ? top : best;
    plan_.offsets[buffer] = offset;
    plan_.size = std::max(plan_.size, offset + size);
    const auto at =
        std::upper_bound(placed_.begin(), placed_.end(), offset,
                         [](int64_t begin, const Placed& other) { return begin < other.begin; });
    placed_.insert(at, {offset, offset + size, lifetime.first, lifetime.last});
  }

  const absl::Span<const Lifetime> lifetimes_;
  const int64_t alignment_;
  std::vector<Placed> placed_;  // by begin
  ArenaPlan plan_;
};

}  // namespace

ArenaPlan PlanArena(absl::Span<const Lifetime> lifetimes, int64_t alignment) {
  ArenaPlan plan = PlanByBirth(lifetimes, alignment);
  if (plan.size == plan.peak) return plan;
  ArenaPlan other = BySize(lifetimes, alignment).Run();
  if (other.size >= plan.size) return plan;
  plan.offsets = std::move(other.offsets);
  plan.size = other.size;
  return plan;
}

}  // namespace ingot::buffers
