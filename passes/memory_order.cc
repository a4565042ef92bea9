#include "passes/memory_order.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <set>
#include <utility>

namespace ingot {
namespace {

using Numbers = std::vector<int>;

int CountOf(const MemoryGraph& graph) { return static_cast<int>(graph.commands.size()); }

// For each command those that it comes before.
std::vector<Numbers> BehindEach(const MemoryGraph& graph) {
  std::vector<Numbers> behind(graph.commands.size());
  for (int c = 0; c < CountOf(graph); ++c) {
    for (int before : graph.commands[c].before) behind[before].push_back(c);
  }
  return behind;
}

// For each array the commands that read it.
std::vector<Numbers> ReadersOfEach(const MemoryGraph& graph) {
  std::vector<Numbers> readers(graph.arrays.size());
  for (int c = 0; c < CountOf(graph); ++c) {
    for (int array : graph.commands[c].reads) readers[array].push_back(c);
  }
  return readers;
}

// Commands that may be next, the one with the highest score first, among equals the first.
class Ready {
 public:
  explicit Ready(int count) : score_(count), ready_(count, false) {}

  void Score(int command, int64_t score) {
    if (ready_[command]) queue_.erase({-score_[command], command});
    score_[command] = score;
    if (ready_[command]) queue_.insert({-score, command});
  }
  void Add(int command, int64_t bytes) { Score(command, score_[command] + bytes); }
  void Enter(int command) {
    ready_[command] = true;
    queue_.insert({-score_[command], command});
  }
  bool empty() const { return queue_.empty(); }
  int Take() {
    const int command = queue_.begin()->second;
    queue_.erase(queue_.begin());
    ready_[command] = false;
    return command;
  }

 private:
  std::vector<int64_t> score_;
  std::vector<bool> ready_;
  std::set<std::pair<int64_t, int>> queue_;
};

// Higher than what any arrays weigh: such commands run as soon as they can.
constexpr int64_t kAtOnce = std::numeric_limits<int64_t>::max() / 2;

// What runs next frees most, less what it defines.
Numbers Forwards(const MemoryGraph& graph) {
  const std::vector<Numbers> behind = BehindEach(graph), readers = ReadersOfEach(graph);
  Ready ready(CountOf(graph));
  std::vector<size_t> waits(graph.commands.size()), unread(graph.arrays.size());
  std::vector<bool> done(graph.commands.size(), false);
  // The array's only reader left is to free it.
  const auto frees = [&](int array) {
    if (unread[array] != 1 || graph.arrays[array].kept) return;
    for (int reader : readers[array]) {
      if (!done[reader]) ready.Add(reader, graph.arrays[array].bytes);
    }
  };
  for (int c = 0; c < CountOf(graph); ++c) {
    const MemoryGraph::Command& command = graph.commands[c];
    waits[c] = command.before.size();
    int64_t score = command.only_names ? kAtOnce : 0;
    for (int array : command.defines) score -= graph.arrays[array].bytes;
    ready.Score(c, score);
  }
  for (size_t a = 0; a < graph.arrays.size(); ++a) {
    unread[a] = readers[a].size();
    frees(static_cast<int>(a));
  }
  for (int c = 0; c < CountOf(graph); ++c) {
    if (waits[c] == 0) ready.Enter(c);
  }
  Numbers order;
  while (!ready.empty()) {
    const int next = ready.Take();
    order.push_back(next);
    done[next] = true;
    for (int array : graph.commands[next].reads) {
      --unread[array];
      frees(array);
    }
    for (int c : behind[next]) {
      if (--waits[c] == 0) ready.Enter(c);
    }
  }
  return order;
}

// What runs last of those left defines most of what is alive, less what it needs alive for itself.
Numbers Backwards(const MemoryGraph& graph) {
  const std::vector<Numbers> behind = BehindEach(graph), readers = ReadersOfEach(graph);
  // Counted from the last, so that of equals the last is taken.
  const int last = CountOf(graph) - 1;
  Ready ready(CountOf(graph));
  std::vector<size_t> waits(graph.commands.size());
  std::vector<bool> alive(graph.arrays.size());
  for (size_t a = 0; a < graph.arrays.size(); ++a) alive[a] = graph.arrays[a].kept;
  for (int c = 0; c < CountOf(graph); ++c) {
    const MemoryGraph::Command& command = graph.commands[c];
    waits[c] = behind[c].size();
    int64_t score = command.only_names ? kAtOnce : 0;
    for (int array : command.defines) {
      if (!readers[array].empty() || alive[array]) score += graph.arrays[array].bytes;
    }
    for (int array : command.reads) {
      if (!alive[array]) score -= graph.arrays[array].bytes;
    }
    ready.Score(last - c, score);
  }
  for (int c = 0; c < CountOf(graph); ++c) {
    if (waits[c] == 0) ready.Enter(last - c);
  }
  Numbers order;
  while (!ready.empty()) {
    const int next = last - ready.Take();
    order.push_back(next);
    for (int array : graph.commands[next].reads) {
      if (alive[array]) continue;
      alive[array] = true;
      for (int reader : readers[array]) ready.Add(last - reader, graph.arrays[array].bytes);
    }
    for (int c : graph.commands[next].before) {
      if (--waits[c] == 0) ready.Enter(last - c);
    }
  }
  std::reverse(order.begin(), order.end());
  return order;
}

// For each command those before it, in the order in which they are to be computed: by what is
// needed beyond what is left, as if no value were read twice.
std::vector<Numbers> ByNeed(const MemoryGraph& graph) {
  std::vector<int64_t> need(graph.commands.size()), left(graph.commands.size(), 0);
  std::vector<Numbers> before(graph.commands.size());
  for (int c = 0; c < CountOf(graph); ++c) {
    const MemoryGraph::Command& command = graph.commands[c];
    before[c] = command.before;
    std::stable_sort(before[c].begin(), before[c].end(),
                     [&](int a, int b) { return need[a] - left[a] > need[b] - left[b]; });
    int64_t held = 0;
    for (int operand : before[c]) {
      need[c] = std::max(need[c], held + need[operand]);
      held += left[operand];
    }
    for (int array : command.defines) left[c] += graph.arrays[array].bytes;
    // What only names passes on what it was given.
    if (command.only_names) left[c] = held;
    need[c] = std::max(need[c], held + left[c]);
  }
  return before;
}

Numbers DepthFirst(const MemoryGraph& graph) {
  const std::vector<Numbers> before = ByNeed(graph), behind = BehindEach(graph);
  std::vector<bool> seen(graph.commands.size(), false);
  Numbers order;
  for (int start = 0; start < CountOf(graph); ++start) {
    if (!behind[start].empty() || seen[start]) continue;
    std::vector<std::pair<int, size_t>> path = {{start, 0}};
    seen[start] = true;
    while (!path.empty()) {
      auto& [command, next] = path.back();
      if (next == before[command].size()) {
        order.push_back(command);
        path.pop_back();
        continue;
      }
      const int operand = before[command][next++];
      if (seen[operand]) continue;
      seen[operand] = true;
      path.push_back({operand, 0});
    }
  }
  return order;
}

}  // namespace

int64_t PeakOf(const MemoryGraph& graph, absl::Span<const int> order) {
  std::vector<size_t> unread(graph.arrays.size(), 0);
  for (const MemoryGraph::Command& command : graph.commands) {
    for (int array : command.reads) ++unread[array];
  }
  int64_t alive = 0, peak = 0;
  const auto free = [&](int array) {
    if (unread[array] == 0 && !graph.arrays[array].kept) alive -= graph.arrays[array].bytes;
  };
  for (int c : order) {
    const MemoryGraph::Command& command = graph.commands[c];
    for (int array : command.defines) alive += graph.arrays[array].bytes;
    peak = std::max(peak, alive + command.bytes);
    for (int array : command.reads) {
      --unread[array];
      free(array);
    }
    for (int array : command.defines) free(array);
  }
  return peak;
}

std::vector<int> OrderForMemory(const MemoryGraph& graph) {
  Numbers best(graph.commands.size());
  std::iota(best.begin(), best.end(), 0);
  int64_t least = PeakOf(graph, best);
  for (Numbers (*order_of)(const MemoryGraph&) : {DepthFirst, Forwards, Backwards}) {
    Numbers order = order_of(graph);
    const int64_t peak = PeakOf(graph, order);
    if (peak >= least) continue;
    least = peak;
    best = std::move(order);
  }
  return best;
}

}  // namespace ingot
