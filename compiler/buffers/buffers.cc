#include "compiler/buffers/buffers.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <queue>
#include <set>
#include <utility>

#include "ir/base/check.h"

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

int64_t RoundUp(int64_t size, int64_t alignment) {
  return (std::max<int64_t>(size, 1) + alignment - 1) / alignment * alignment;
}

}  // namespace

ArenaPlan PlanArena(absl::Span<const Lifetime> lifetimes, int64_t alignment) {
  std::vector<int64_t> order(lifetimes.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    const Lifetime& x = lifetimes[a];
    const Lifetime& y = lifetimes[b];
    return std::make_tuple(x.first, -x.size, a) < std::make_tuple(y.first, -y.size, b);
  });
  ArenaPlan plan;
  plan.offsets.resize(lifetimes.size());
  FreeList free;
  using Death = std::pair<int64_t, int64_t>;  // (last command, buffer)
  std::priority_queue<Death, std::vector<Death>, std::greater<Death>> alive;
  int64_t bytes_alive = 0;
  for (int64_t buffer : order) {
    const Lifetime& lifetime = lifetimes[buffer];
    INGOT_CHECK(lifetime.first <= lifetime.last)
        << "buffer " << buffer << " dies before it is born";
    while (!alive.empty() && alive.top().first < lifetime.first) {
      const int64_t dead = alive.top().second;
      alive.pop();
      const int64_t size = RoundUp(lifetimes[dead].size, alignment);
      free.Give(plan.offsets[dead], size);
      bytes_alive -= size;
    }
    const int64_t size = RoundUp(lifetime.size, alignment);
    plan.offsets[buffer] = free.Take(size);
    alive.push({lifetime.last, buffer});
    bytes_alive += size;
    plan.lower_bound = std::max(plan.lower_bound, bytes_alive);
  }
  plan.size = free.top();
  return plan;
}

}  // namespace ingot::buffers
