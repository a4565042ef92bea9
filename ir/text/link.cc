#include "ir/text/link.h"

#include <algorithm>
#include <vector>

#include "ir/base/status.h"
#include "ir/text/nearest.h"

namespace ingot::text {
namespace {

absl::Status UnknownComputation(const ParseState& state, const CallTarget& target) {
  std::vector<absl::string_view> names;
  // The text's size bounds what is compared: suggestions are for people.
  constexpr size_t kMaxCandidates = 1000;
  if (state.computations.size() <= kMaxCandidates) {
    for (const auto& [name, computation] : state.computations) names.push_back(name);
    std::sort(names.begin(), names.end());
  }
  return state.lexer.ErrorAt(target.position, "there is no computation '",
                             target.name.substr(0, 60), "'",
                             DidYouMean(Nearest(target.name, names)));
}

// One call: from the computation that holds it to another.
struct Edge {
  const Computation* callee;
  size_t position;
};

// Walks the calls depth first, without recursion, and finds how deep they nest.
class CallGraph {
 public:
  explicit CallGraph(const ParseState& state) : lexer_(state.lexer) {
    const size_t count = state.module->computations().size();
    edges_.resize(count);
    for (const CallSite& site : state.calls) {
      for (const CallTarget& target : site.targets) {
        edges_[site.caller->parent()->id()].push_back({target.computation, target.position});
      }
    }
    marks_.resize(count, Mark::kUnseen);
    depths_.resize(count, 1);
  }

  absl::Status Check(const Computation* start) {
    if (marks_[start->id()] != Mark::kUnseen) return absl::OkStatus();
    Enter(start);
    while (!stack_.empty()) {
      Frame& frame = stack_.back();
      const int64_t caller = frame.computation->id();
      if (frame.next == edges_[caller].size()) {
        marks_[caller] = Mark::kDone;
        stack_.pop_back();
        continue;
      }
      const Edge edge = edges_[caller][frame.next];
      switch (marks_[edge.callee->id()]) {
        case Mark::kUnseen:
          Enter(edge.callee);
          continue;  // this edge is looked at again when the callee is done
        case Mark::kOpen:
          return lexer_.ErrorAt(edge.position, "computation ", edge.callee->name(), " calls itself",
                                Through(edge.callee));
        case Mark::kDone:
          break;
      }
      depths_[caller] = std::max(depths_[caller], depths_[edge.callee->id()] + 1);
      if (depths_[caller] > kMaxCallDepth) {
        return lexer_.ErrorAt(edge.position, "calls nest deeper than ", kMaxCallDepth);
      }
      ++frame.next;
    }
    return absl::OkStatus();
  }

 private:
  enum class Mark : uint8_t { kUnseen, kOpen, kDone };
  struct Frame {
    const Computation* computation;
    size_t next = 0;
  };

  void Enter(const Computation* computation) {
    marks_[computation->id()] = Mark::kOpen;
    stack_.push_back({computation});
  }

  // ", through a, b" for the computations between two visits of `callee`.
  std::string Through(const Computation* callee) const {
    constexpr size_t kShown = 5;
    auto it = std::find_if(stack_.begin(), stack_.end(),
                           [&](const Frame& frame) { return frame.computation == callee; });
    std::string text;
    for (size_t shown = 0; ++it != stack_.end() && shown < kShown; ++shown) {
      absl::StrAppend(&text, shown == 0 ? ", through " : ", ", it->computation->name());
    }
    return text;
  }

  const Lexer& lexer_;
  std::vector<std::vector<Edge>> edges_;
  std::vector<Mark> marks_;
  std::vector<int> depths_;
  std::vector<Frame> stack_;
};

}  // namespace

bool ParseState::TryResolve(CallSite& site) const {
  std::vector<Computation*> called;
  for (CallTarget& target : site.targets) {
    if (target.computation == nullptr) {
      const auto it = computations.find(target.name);
      if (it == computations.end()) return false;
      target.computation = it->second;
    }
    called.push_back(target.computation);
  }
  site.caller->set_called_computations(std::move(called));
  return true;
}

absl::Status LinkCalls(ParseState& state) {
  for (CallSite& site : state.calls) {
    if (state.TryResolve(site)) continue;
    for (const CallTarget& target : site.targets) {
      if (target.computation == nullptr) return UnknownComputation(state, target);
    }
  }
  CallGraph graph(state);
  for (const Computation* computation : state.module->computations()) {
    INGOT_RETURN_IF_ERROR(graph.Check(computation));
  }
  return absl::OkStatus();
}

}  // namespace ingot::text
