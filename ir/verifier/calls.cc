// Who calls whom.
#include <algorithm>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "ir/base/status.h"
#include "ir/verifier/checks.h"
#include "ir/verifier/verifier.h"

namespace ingot::verifier {
namespace {

// One call: `instruction` of its computation calls computation `callee`, a position in
// Module::computations.
struct Call {
  const Instruction* instruction;
  size_t callee;
};
// The calls of each computation, by its position.
using CallGraph = std::vector<std::vector<Call>>;

absl::StatusOr<CallGraph> CallGraphOf(const Module& module) {
  absl::flat_hash_map<const Computation*, size_t> positions;
  for (const Computation* computation : module.computations()) {
    positions.emplace(computation, positions.size());
  }
  CallGraph graph(positions.size());
  for (size_t i = 0; i < graph.size(); ++i) {
    for (const Instruction* instruction : module.computations()[i]->instructions()) {
      if (instruction->is_removed()) continue;
      for (const Computation* callee : instruction->called_computations()) {
        const auto it = positions.find(callee);
        if (it == positions.end()) {
          return ErrorAt(*instruction, "calls a computation that is not of this module");
        }
        graph[i].push_back({instruction, it->second});
      }
    }
  }
  return graph;
}

// Callees before callers; an error where a computation calls itself.  Depth first with a stack of
// its own: text may nest calls as deep as it likes before this refuses it.
absl::StatusOr<std::vector<size_t>> CalleesFirst(const CallGraph& graph) {
  enum : uint8_t { kUnseen, kOpen, kDone };
  std::vector<uint8_t> state(graph.size(), kUnseen);
  std::vector<size_t> order;
  struct Frame {
    size_t computation;
    size_t next_call;
  };
  for (size_t start = 0; start < graph.size(); ++start) {
    if (state[start] != kUnseen) continue;
    std::vector<Frame> stack = {{start, 0}};
    state[start] = kOpen;
    while (!stack.empty()) {
      Frame& frame = stack.back();
      if (frame.next_call == graph[frame.computation].size()) {
        state[frame.computation] = kDone;
        order.push_back(frame.computation);
        stack.pop_back();
        continue;
      }
      const Call& call = graph[frame.computation][frame.next_call++];
      if (state[call.callee] == kOpen) {
        return ErrorAt(*call.instruction, "calls a computation that is calling it: recursion");
      }
      if (state[call.callee] == kUnseen) {
        state[call.callee] = kOpen;
        stack.push_back({call.callee, 0});
      }
    }
  }
  return order;
}

}  // namespace

absl::Status CheckCalls(const Module& module) {
  INGOT_ASSIGN_OR_RETURN(const CallGraph graph, CallGraphOf(module));
  INGOT_ASSIGN_OR_RETURN(const std::vector<size_t> order, CalleesFirst(graph));
  std::vector<int> depth(graph.size(), 0);
  std::vector<int64_t> inlined(graph.size(), 0);
  for (size_t i : order) {
    const Computation& computation = *module.computations()[i];
    inlined[i] = static_cast<int64_t>(computation.instructions().size());
    for (const Call& call : graph[i]) {
      depth[i] = std::max(depth[i], depth[call.callee] + 1);
      inlined[i] += inlined[call.callee];
      if (depth[i] > kMaxCallDepth) {
        return ErrorAt(*call.instruction, absl::StrCat("calls nest deeper than ", kMaxCallDepth));
      }
      if (inlined[i] > kMaxInlinedInstructions) {
        return ErrorAt(*call.instruction,
                       absl::StrCat("with its calls written out, computation ", computation.name(),
                                    " has more than ", kMaxInlinedInstructions, " instructions"));
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace ingot::verifier
