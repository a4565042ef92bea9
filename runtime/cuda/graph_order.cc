#include "runtime/cuda/graph_order.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

namespace ingot::runtime::cuda {
namespace {

// Of each lane the last of some commands, or -1.
using ByLane = std::array<int, kGraphLanes>;

constexpr ByLane kNone = [] {
  ByLane none{};
  none.fill(-1);
  return none;
}();

void TakeLater(ByLane& all, const ByLane& other) {
  for (int lane = 0; lane < kGraphLanes; ++lane) all[lane] = std::max(all[lane], other[lane]);
}

// Bytes that the same commands touched: who wrote them last, and who has read them since.
struct Bytes {
  int64_t end = 0;
  int writer = -1;
  ByLane readers = kNone;
};

// By the first byte.
using Memory = std::map<int64_t, Bytes>;

// No range lies on both sides of `at` any more.
void SplitAt(Memory& memory, int64_t at) {
  auto next = memory.lower_bound(at);
  if (next == memory.begin()) return;
  Bytes& before = std::prev(next)->second;
  if (before.end <= at) return;
  Bytes behind = before;
  before.end = at;
  memory.emplace_hint(next, at, behind);
}

class Order {
 public:
  Order(const Program& program, absl::Span<const Command* const> commands) : commands_(commands) {
    for (size_t i = 0; i < program.outputs.size(); ++i) {
      donated_to_[program.outputs[i].aliased_input] = static_cast<int32_t>(i);
    }
  }

  std::vector<std::vector<int>> Run() {
    std::vector<std::vector<int>> waits_for(commands_.size());
    lane_of_.resize(commands_.size());
    done_before_.resize(commands_.size());
    for (size_t i = 0; i < commands_.size(); ++i) {
      accesses_.clear();
      CollectAccesses(commands_[i]->operation);
      waits_for[i] = Place(static_cast<int>(i));
    }
    return waits_for;
  }

 private:
  void CollectAccesses(const std::vector<Command>& commands) {
    for (const Command& command : commands) CollectAccesses(command.operation);
  }
  void CollectAccesses(const Operation& operation) {
    if (const auto* launch = std::get_if<Launch>(&operation)) {
      for (const Argument& argument : launch->arguments) {
        if (const auto* buffer = std::get_if<BufferArgument>(&argument)) {
          accesses_.push_back(*buffer);
        } else if (const auto* map = std::get_if<TensorMapArgument>(&argument)) {
          accesses_.push_back({map->slice, map->access});
        }
      }
    } else if (const auto* copy = std::get_if<Copy>(&operation)) {
      accesses_.push_back({copy->source, Access::kRead});
      accesses_.push_back({copy->destination, Access::kWrite});
    } else if (const auto* fill = std::get_if<Fill>(&operation)) {
      accesses_.push_back({fill->destination, Access::kWrite});
    } else if (const auto* loop = std::get_if<While>(&operation)) {
      CollectAccesses(loop->condition);
      CollectAccesses(loop->body);
      accesses_.push_back({loop->predicate, Access::kRead});
    } else if (const auto* conditional = std::get_if<Conditional>(&operation)) {
      accesses_.push_back({conditional->index, Access::kRead});
      for (const std::vector<Command>& branch : conditional->branches) CollectAccesses(branch);
    } else if (const auto* call = std::get_if<LibraryCall>(&operation)) {
      CollectAccesses(call->fallback);
    }
  }

  // An input that is given away is the output's memory.
  Memory& MemoryOf(const BufferSlice& slice) {
    if (slice.allocation == Allocation::kInput) {
      const auto output = donated_to_.find(slice.index);
      if (output != donated_to_.end()) return memories_[{Allocation::kOutput, output->second}];
    }
    return memories_[{slice.allocation, slice.index}];
  }

  // Adds what an access waits for.
  void Require(const BufferArgument& access, ByLane& required) {
    Memory& memory = MemoryOf(access.slice);
    const int64_t begin = access.slice.offset, end = begin + access.slice.size;
    SplitAt(memory, begin);
    for (auto it = memory.lower_bound(begin); it != memory.end() && it->first < end; ++it) {
      const int writer = it->second.writer;
      if (writer >= 0) required[lane_of_[writer]] = std::max(required[lane_of_[writer]], writer);
      if (access.access != Access::kRead) TakeLater(required, it->second.readers);
    }
  }

  void Record(const BufferArgument& access, int command) {
    Memory& memory = MemoryOf(access.slice);
    const int64_t begin = access.slice.offset, end = begin + access.slice.size;
    if (begin == end) return;
    SplitAt(memory, begin);
    SplitAt(memory, end);
    auto it = memory.lower_bound(begin);
    if (access.access != Access::kRead) {
      while (it != memory.end() && it->first < end) it = memory.erase(it);
      memory[begin] = {end, command, kNone};
      return;
    }
    for (int64_t at = begin; at < end; at = it->second.end, ++it) {
      if (it == memory.end() || it->first > at) {
        const int64_t gap_end = it == memory.end() ? end : std::min(end, it->first);
        it = memory.emplace_hint(it, at, Bytes{gap_end, -1, kNone});
      }
      int& reader = it->second.readers[lane_of_[command]];
      reader = std::max(reader, command);
    }
  }

  // Gives the command a lane; what it waits for.
  std::vector<int> Place(int command) {
    ByLane required = kNone;
    for (const BufferArgument& access : accesses_) Require(access, required);
    ByLane done = required;
    for (int before : required) {
      if (before >= 0) TakeLater(done, done_before_[before]);
    }
    const int lane = ChooseLane(done);
    lane_of_[command] = lane;
    if (last_[lane] > done[lane]) {
      required[lane] = last_[lane];
      done[lane] = last_[lane];
      TakeLater(done, done_before_[last_[lane]]);
    }
    last_[lane] = command;
    done_before_[command] = done;
    for (const BufferArgument& access : accesses_) Record(access, command);
    std::vector<int> waits_for;
    for (int before : required) {
      if (before >= 0 && !IsImplied(before, required)) waits_for.push_back(before);
    }
    std::sort(waits_for.begin(), waits_for.end());
    return waits_for;
  }

  // The lane whose last command is done by then, the latest of those; else the one whose last
  // command has been there longest.
  int ChooseLane(const ByLane& done) const {
    int best = -1;
    for (int lane = 0; lane < kGraphLanes; ++lane) {
      if (last_[lane] <= done[lane] && (best < 0 || last_[lane] > last_[best])) best = lane;
    }
    if (best >= 0) return best;
    return static_cast<int>(std::min_element(last_.begin(), last_.end()) - last_.begin());
  }

  // Whether another one that is required waits for it.
  bool IsImplied(int command, const ByLane& required) const {
    return std::any_of(required.begin(), required.end(), [&](int other) {
      return other > command && done_before_[other][lane_of_[command]] >= command;
    });
  }

  const absl::Span<const Command* const> commands_;
  std::vector<BufferArgument> accesses_;  // of the current command
  std::map<std::pair<Allocation, int32_t>, Memory> memories_;
  std::map<int32_t, int32_t> donated_to_;  // by input that is given away: the output
  std::vector<int> lane_of_;
  std::vector<ByLane> done_before_;  // what is done when the command begins
  ByLane last_ = kNone;
};

}  // namespace

std::vector<std::vector<int>> GraphOrder(const Program& program,
                                         absl::Span<const Command* const> commands) {
  return Order(program, commands).Run();
}

}  // namespace ingot::runtime::cuda
