#include "passes/merge_groups.h"

#include <algorithm>
#include <map>
#include <optional>
#include <queue>
#include <tuple>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ir/analysis/op_facts.h"
#include "ir/base/check.h"
#include "passes/fusion_log.h"
#include "passes/fusion_util.h"

namespace ingot {
namespace {

using Verdict = FusionDecision::Verdict;

// Assemblers take long over kernels that hold many results at once.
constexpr size_t kMostSiblingRoots = 8;
// Of one value, by position, with how many of the next readers a group is tried as a sibling; and
// the most users that a value may have for that, those of its copies among them.
constexpr size_t kMostSiblings = 4;
constexpr size_t kMostUsers = 64;

class Merger {
 public:
  Merger(const Computation& computation, std::vector<FusionGroup> groups,
         const PassContext& context)
      : context_(context),
        computation_(computation),
        graph_(computation, std::move(groups)),
        facts_(graph_.size()) {}

  std::vector<FusionGroup> Run() {
    FusionLog::Part part;
    if (context_.fusion_log != nullptr) {
      part.chains = CountKernels(part);
      part.chain_microseconds = TotalCost();
    }
    if (context_.fusion_cost != nullptr) {
      for (int vertex = 0; vertex < graph_.size(); ++vertex) {
        AddEdgesInto(vertex);
        AddSiblings(vertex, /*behind_only=*/true);
      }
      MergeFromQueue();
      for (int consumer : graph_.InOrder()) {
        if (Reduces(consumer)) MoveUp(consumer);
      }
      MergeFromQueue();
    }
    if (context_.fusion_log != nullptr) {
      part.kernels = CountKernels(part);
      part.microseconds = TotalCost();
      LogApart();
      part.computation = computation_.name();
      part.decisions = std::move(taken_);
      context_.fusion_log->parts.push_back(std::move(part));
    }
    return graph_.Take();
  }

 private:
  // Two groups that may become one.  Of an edge, `first` is the producer.
  struct Candidate {
    double saved;  // microseconds: a guess until `cost` is known
    int first, second;
    bool siblings;
    int first_version, second_version;
    std::optional<double> cost;  // of the merged group

    // Whether `other` is taken first: edges before siblings.  A sibling pair merged early puts
    // paths around edges, in one layer of a model and not in the next, and like layers should
    // become like kernels.
    bool operator<(const Candidate& other) const {
      if (siblings != other.siblings) return siblings;
      if (saved != other.saved) return saved < other.saved;
      return std::tie(first, second, siblings) >
             std::tie(other.first, other.second, other.siblings);
    }
  };

  // What is known of a group without a plan, and its cost once it was asked for.
  struct Facts {
    int version = 0;  // counts the group's changes
    std::optional<FusionCostEstimate> cost;
    bool summarized = false;
    std::vector<const Instruction*> inputs;  // by id
    int64_t elements = 0;                    // of the largest value
    int64_t reduced = 1;                     // elements that a reduction makes one of; 1: none
  };

  struct Refusal {
    int first_version, second_version;
    std::optional<double> saved;
    std::string reason;
  };
  using Answer = std::optional<Refusal>;  // nullopt: not refused

  const Facts& FactsOf(int vertex) {
    Facts& facts = facts_[vertex];
    if (facts.summarized) return facts;
    facts.summarized = true;
    Instruction* closed = graph_.ClosedOf(vertex);
    const FusionView view = ViewOf(graph_.GroupOf(
        closed != nullptr ? std::vector<Instruction*>{closed} : graph_.OwnOf(vertex)));
    facts.inputs = view.inputs;
    std::sort(facts.inputs.begin(), facts.inputs.end(), ById);
    facts.elements = 0;
    facts.reduced = 1;
    for (const Instruction* member : view.members) {
      facts.elements = std::max(facts.elements, ElementsOf(member->shape()));
      if (AccumulationOf(*member) != Accumulation::kReduce) continue;
      const int64_t operand = ElementsOf(member->operand(0)->shape());
      facts.elements = std::max(facts.elements, operand);
      facts.reduced =
          std::max(facts.reduced, operand / std::max<int64_t>(1, ElementsOf(member->shape())));
    }
    return facts;
  }

  void Changed(int vertex) {
    ++facts_[vertex].version;
    facts_[vertex].summarized = false;
    facts_[vertex].cost.reset();
  }

  double CostOf(int vertex) {
    std::optional<FusionCostEstimate>& cost = facts_[vertex].cost;
    if (!cost.has_value()) {
      cost = context_.fusion_cost(ViewOf(graph_.GroupOf(graph_.OwnOf(vertex))));
    }
    return cost->microseconds;
  }

  // What the plans of two groups will about say that merging them saves: a launch, reading the
  // producer's values and what both read, and writing what nobody else asks for.
  double GuessSaved(int first, int second) {
    const std::vector<const Instruction*>&a = FactsOf(first).inputs, &b = FactsOf(second).inputs;
    int64_t bytes = 0;
    const auto add = [&](const Instruction* value) {
      bytes = SaturatingAdd(bytes, value->shape().ByteSize());
    };
    for (const Instruction* input : b) {
      if (graph_.VertexOf(input) == first) {
        add(input);
        if (input->users().size() == 1) add(input);
      } else if (std::binary_search(a.begin(), a.end(), input, ById)) {
        add(input);
      }
    }
    return context_.launch_microseconds +
           static_cast<double>(bytes) / context_.bytes_per_microsecond;
  }

  void Add(int first, int second, bool siblings) {
    queue_.push({GuessSaved(first, second), first, second, siblings, facts_[first].version,
                 facts_[second].version, std::nullopt});
  }

  void AddEdgesInto(int consumer) {
    if (!graph_.IsOpen(consumer)) return;
    for (int producer : ProducersOf(consumer)) {
      if (graph_.IsOpen(producer)) Add(producer, consumer, /*siblings=*/false);
    }
  }

  void AddEdgesFrom(int producer) {
    for (int consumer : graph_.ConsumersOf(producer)) {
      if (graph_.IsOpen(consumer)) Add(producer, consumer, /*siblings=*/false);
    }
  }

  // The vertices that compute inputs of the group, each once.
  std::vector<int> ProducersOf(int consumer) {
    std::vector<int> producers;
    for (const Instruction* input : FactsOf(consumer).inputs) {
      const int producer = graph_.VertexOf(input);
      if (std::find(producers.begin(), producers.end(), producer) == producers.end()) {
        producers.push_back(producer);
      }
    }
    return producers;
  }

  bool Reads(int consumer, int producer) {
    const std::vector<const Instruction*>& inputs = FactsOf(consumer).inputs;
    return std::any_of(inputs.begin(), inputs.end(), [&](const Instruction* input) {
      return graph_.VertexOf(input) == producer;
    });
  }

  // Adds the group with the nearest readers of each of its inputs.
  void AddSiblings(int vertex, bool behind_only) {
    if (!graph_.IsOpen(vertex)) return;
    std::vector<int> found = {vertex};
    for (const Instruction* input : FactsOf(vertex).inputs) {
      const int64_t elements = ElementsOf(input->shape());
      if (elements <= 1) continue;
      const std::vector<int> readers = graph_.ReadersOf(input, kMostUsers);
      const size_t at = std::find(readers.begin(), readers.end(), vertex) - readers.begin();
      const size_t first = behind_only ? at + 1 : at - std::min(at, kMostSiblings);
      for (size_t i = first; i < std::min(readers.size(), at + kMostSiblings + 1); ++i) {
        const int other = readers[i];
        if (std::min(FactsOf(vertex).elements, FactsOf(other).elements) > elements) continue;
        if (std::find(found.begin(), found.end(), other) != found.end()) continue;
        found.push_back(other);
        if (Reads(vertex, other) || Reads(other, vertex)) continue;
        Add(std::min(vertex, other), std::max(vertex, other), /*siblings=*/true);
      }
    }
  }

  // Algorithm:
  // 1. The candidate that saves most is taken, an edge if there is one.  If its plan was not made,
  // it is judged, and comes
  //    back to the queue with what its plan saves.
  // 2. Otherwise it is merged, and the candidates of the merged group are added; those of the two
  //    that it was made of are void.
  void MergeFromQueue() {
    while (!queue_.empty()) {
      Candidate candidate = queue_.top();
      queue_.pop();
      if (facts_[candidate.first].version != candidate.first_version ||
          facts_[candidate.second].version != candidate.second_version) {
        continue;
      }
      if (candidate.siblings &&
          graph_.PositionOf(candidate.first) > graph_.PositionOf(candidate.second)) {
        std::swap(candidate.first, candidate.second);
        std::swap(candidate.first_version, candidate.second_version);
      }
      const bool judged = candidate.cost.has_value();
      if (Answer refusal = judged ? TryMerge(candidate) : Judge(candidate)) {
        if (context_.fusion_log == nullptr) continue;
        refusal->first_version = candidate.first_version;
        refusal->second_version = candidate.second_version;
        refusals_[{candidate.first, candidate.second, candidate.siblings}] = *std::move(refusal);
      } else if (!judged) {
        queue_.push(candidate);
      }
    }
  }

  template <typename... Parts>
  static Answer Refuse(const Parts&... parts) {
    return Refusal{0, 0, std::nullopt, absl::StrCat(parts...)};
  }

  // What a summary of the two says against merging them.
  Answer JudgeSummary(int first, int second) {
    if (graph_.OwnOf(first).size() + graph_.OwnOf(second).size() > kMostMembers) {
      return Refuse("more than ", kMostMembers, " operations");
    }
    const int64_t a = FactsOf(first).reduced, b = FactsOf(second).reduced;
    // Rows and columns of one array can be reduced in one walk.
    const bool one_space = FactsOf(first).elements == FactsOf(second).elements;
    if (a > 1 && b > 1 && a != b && !one_space) {
      return Refuse("reductions of different lengths: ", a, " and ", b);
    }
    return std::nullopt;
  }

  Answer JudgePath(const GroupGraph::Path& path) const {
    switch (path.kind) {
      case GroupGraph::Path::Kind::kNone:
        return std::nullopt;
      case GroupGraph::Path::Kind::kFound:
        return Refuse("another path joins the two: through ", graph_.NameOf(path.through));
      case GroupGraph::Path::Kind::kTooFar:
        return Refuse("too far apart to look for another path: ", path.length, " groups");
    }
    return std::nullopt;
  }

  std::vector<Instruction*> Both(int first, int second) const {
    const std::vector<Instruction*>&a = graph_.OwnOf(first), &b = graph_.OwnOf(second);
    std::vector<Instruction*> both;
    std::merge(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both), ById);
    return both;
  }

  static Answer JudgeSize(const FusionGroup& group, const FusionView& view, size_t most_roots) {
    if (group.members.size() > kMostMembers) {
      return Refuse("more than ", kMostMembers, " operations");
    }
    if (group.roots.size() > most_roots) return Refuse("more than ", most_roots, " results");
    for (const Instruction* root : group.roots) {
      if (root->shape().IsTuple()) return Refuse("a result is a tuple: ", root->name());
    }
    if (view.inputs.size() + view.roots.size() > kMostBuffers) {
      return Refuse("more than ", kMostBuffers, " buffers");
    }
    return std::nullopt;
  }

  // The filters, the cheapest first; then the plan, of which the candidate gets the cost.
  Answer Judge(Candidate& candidate) {
    const int first = candidate.first, second = candidate.second;
    if (Answer refusal = JudgeSummary(first, second)) return refusal;
    if (Answer refusal = JudgePath(graph_.FindPath(first, second))) return refusal;
    const FusionGroup group = graph_.GroupOf(Both(first, second));
    const FusionView view = ViewOf(group);
    const size_t most_roots = candidate.siblings ? kMostSiblingRoots : kMostRoots;
    if (Answer refusal = JudgeSize(group, view, most_roots)) return refusal;
    const FusionCostEstimate cost = context_.fusion_cost(view);
    if (!cost.one_walk) return Refuse(cost.reason);
    candidate.saved = CostOf(first) + CostOf(second) - cost.microseconds;
    candidate.cost = cost.microseconds;
    if (candidate.saved > 0) return std::nullopt;
    return Refusal{0, 0, candidate.saved,
                   absl::StrCat("the plan saves no time: ", Compared(candidate))};
  }

  // "3.20 us against 1.60 + 1.70".
  std::string Compared(const Candidate& candidate) {
    return absl::StrFormat("%.2f us against %.2f + %.2f", *candidate.cost, CostOf(candidate.first),
                           CostOf(candidate.second));
  }

  // Merges a candidate that was judged, unless merges since then made a path.
  Answer TryMerge(const Candidate& candidate) {
    const int first = candidate.first, second = candidate.second;
    const GroupGraph::Path path = graph_.FindPath(first, second);
    if (Answer refusal = JudgePath(path)) return refusal;
    Log(first, second, candidate.siblings, Verdict::kFused, candidate.saved, [&] {
      return absl::StrCat(candidate.siblings ? "one walk reads for both: " : "one walk: ",
                          Compared(candidate));
    });
    graph_.Merge(first, second, Both(first, second), path);
    Changed(first);
    Changed(second);
    facts_[second].cost = FusionCostEstimate{*candidate.cost, /*one_walk=*/true, ""};
    AddCandidates(second);
    return std::nullopt;
  }

  void AddCandidates(int vertex) {
    AddEdgesInto(vertex);
    AddEdgesFrom(vertex);
    AddSiblings(vertex, /*behind_only=*/false);
  }

  bool Reduces(int vertex) {
    return graph_.IsOpen(vertex) &&
           std::any_of(graph_.OwnOf(vertex).begin(), graph_.OwnOf(vertex).end(),
                       [](const Instruction* member) {
                         return AccumulationOf(*member) == Accumulation::kReduce;
                       });
  }

  // Values of rows that stand between a producer and the reductions of a group that did not merge
  // with it go to the producer where that pays: it stores one value of each row for all those that
  // this one is made of.
  void MoveUp(int consumer) {
    for (int producer : ProducersOf(consumer)) {
      if (graph_.IsOpen(producer)) TryMove(producer, consumer);
    }
  }

  // Whether the instruction could be computed in the group, by what it reads: values of that group
  // or of `movable`, and of groups that come before it.
  bool CanMove(const Instruction* instruction, int to,
               const absl::flat_hash_set<const Instruction*>& movable) const {
    return std::all_of(instruction->operands().begin(), instruction->operands().end(),
                       [&](const Instruction* operand) {
                         const int vertex = graph_.VertexOf(operand);
                         if (vertex < 0) return CanMove(operand, to, movable);
                         return movable.contains(operand) ||
                                graph_.PositionOf(vertex) <= graph_.PositionOf(to);
                       });
  }

  static int64_t ElementsOfLargest(const std::vector<Instruction*>& members) {
    int64_t most = 0;
    for (const Instruction* member : members) most = std::max(most, ElementsOf(member->shape()));
    return most;
  }

  static int64_t BytesOfRoots(const FusionGroup& group) {
    int64_t bytes = 0;
    for (const Instruction* root : group.roots) {
      bytes = SaturatingAdd(bytes, root->shape().ByteSize());
    }
    return bytes;
  }

  void TryMove(int producer, int consumer) {
    const int64_t whole = ElementsOfLargest(graph_.OwnOf(producer));
    absl::flat_hash_set<const Instruction*> movable;
    std::vector<Instruction*> above = graph_.OwnOf(producer), below;
    for (Instruction* member : graph_.OwnOf(consumer)) {
      const bool moves = AccumulationOf(*member) == Accumulation::kNone &&
                         ElementsOf(member->shape()) < whole && CanMove(member, producer, movable);
      if (moves) movable.insert(member);
      (moves ? above : below).push_back(member);
    }
    if (movable.empty() || below.empty()) return;
    std::sort(above.begin(), above.end(), ById);
    const FusionGroup group = graph_.GroupOf(above);
    if (BytesOfRoots(group) > BytesOfRoots(graph_.GroupOf(graph_.OwnOf(producer)))) return;
    const FusionView view = ViewOf(group);
    if (JudgeSize(group, view, kMostRoots).has_value()) return;
    const FusionCostEstimate cost = context_.fusion_cost(view);
    if (!cost.one_walk) return;
    const FusionCostEstimate rest = context_.fusion_cost(ViewOf(graph_.GroupOf(below)));
    const double saved =
        CostOf(producer) + CostOf(consumer) - cost.microseconds - rest.microseconds;
    if (saved <= 0) return;
    Log(producer, consumer, /*siblings=*/false, Verdict::kMovedUp, saved, [&] {
      return absl::StrCat("values of rows are computed where the rows are: ", movable.size(),
                          " operations");
    });
    graph_.Move(consumer, producer, movable);
    Changed(producer);
    Changed(consumer);
    facts_[producer].cost = cost;
    facts_[consumer].cost = rest;
    AddCandidates(producer);
    AddCandidates(consumer);
  }

  template <typename Reason>
  void Log(int first, int second, bool siblings, Verdict verdict, std::optional<double> saved,
           const Reason& reason) {
    if (context_.fusion_log == nullptr) return;
    taken_.push_back(
        {graph_.NameOf(first), graph_.NameOf(second), siblings, verdict, saved, reason()});
  }

  // The groups and single instructions that kernels compute; sets how many instructions those hold.
  int64_t CountKernels(FusionLog::Part& part) const {
    int64_t kernels = 0;
    part.instructions = 0;
    for (int vertex = 0; vertex < graph_.size(); ++vertex) {
      const Instruction* closed = graph_.ClosedOf(vertex);
      const int64_t instructions = closed != nullptr
                                       ? NeedsKernel(*closed)
                                       : static_cast<int64_t>(graph_.OwnOf(vertex).size());
      part.instructions += instructions;
      kernels += instructions > 0;
    }
    return kernels;
  }

  // What the groups that could be merged cost together; 0 where nobody knows.
  double TotalCost() {
    double total = 0;
    if (context_.fusion_cost == nullptr) return total;
    for (int vertex = 0; vertex < graph_.size(); ++vertex) {
      if (graph_.IsOpen(vertex)) total += CostOf(vertex);
    }
    return total;
  }

  // Why a kernel of this vertex alone takes in no other.
  std::string WhyClosed(int vertex) const {
    const Instruction* why = graph_.ClosedOf(vertex);
    for (const Instruction* member : graph_.OwnOf(vertex)) {
      if (AccumulationOf(*member) == Accumulation::kOpaque) why = member;
    }
    return absl::StrCat("an op that has a kernel of its own: ", OpcodeName(why->opcode()));
  }

  // Whether a kernel computes the vertex.
  bool IsKernel(int vertex) const {
    const Instruction* closed = graph_.ClosedOf(vertex);
    return closed != nullptr ? NeedsKernel(*closed) : !graph_.OwnOf(vertex).empty();
  }

  bool IsCurrent(const Refusal& refusal, int first, int second) const {
    return refusal.first_version == facts_[first].version &&
           refusal.second_version == facts_[second].version;
  }

  void LogRefusal(int first, int second, bool siblings, const Refusal& refusal) {
    Log(first, second, siblings, Verdict::kApart, refusal.saved, [&] { return refusal.reason; });
  }

  // Logs the edges and siblings that are left, by the position of the later of the two.
  void LogApart() {
    std::map<std::pair<int, int>, const Refusal*> siblings;
    for (const auto& [key, refusal] : refusals_) {
      const auto& [first, second, are_siblings] = key;
      if (!are_siblings || !IsCurrent(refusal, first, second)) continue;
      const auto [before, behind] = std::minmax({first, second}, [&](int a, int b) {
        return graph_.PositionOf(a) < graph_.PositionOf(b);
      });
      siblings[{graph_.PositionOf(behind), before}] = &refusal;
    }
    for (int consumer : graph_.InOrder()) {
      if (!IsKernel(consumer)) continue;
      for (int producer : ProducersOf(consumer)) LogEdge(producer, consumer);
      const int position = graph_.PositionOf(consumer);
      for (auto at = siblings.lower_bound({position, 0});
           at != siblings.end() && at->first.first == position; ++at) {
        LogRefusal(at->first.second, consumer, /*siblings=*/true, *at->second);
      }
    }
  }

  void LogEdge(int producer, int consumer) {
    // The results of an op with several are structure.
    while (!IsKernel(producer) && graph_.ClosedOf(producer)->opcode() == Opcode::kGetTupleElement) {
      producer = graph_.VertexOf(graph_.ClosedOf(producer)->operand(0));
    }
    if (!IsKernel(producer)) return;
    const auto apart = [&](const std::string& why) {
      Log(producer, consumer, /*siblings=*/false, Verdict::kApart, std::nullopt,
          [&] { return why; });
    };
    if (!graph_.IsOpen(producer) || !graph_.IsOpen(consumer)) {
      return apart(WhyClosed(graph_.IsOpen(producer) ? consumer : producer));
    }
    if (context_.fusion_cost == nullptr) return apart("only chains are fused");
    const auto found = refusals_.find({producer, consumer, false});
    INGOT_CHECK(found != refusals_.end() && IsCurrent(found->second, producer, consumer))
        << graph_.NameOf(producer) << " and " << graph_.NameOf(consumer) << " were not judged";
    LogRefusal(producer, consumer, /*siblings=*/false, found->second);
  }

  const PassContext& context_;
  const Computation& computation_;
  GroupGraph graph_;
  std::vector<Facts> facts_;  // of each vertex
  std::priority_queue<Candidate> queue_;
  std::vector<FusionDecision> taken_;
  std::map<std::tuple<int, int, bool>, Refusal> refusals_;
};

}  // namespace

std::vector<FusionGroup> MergeGroups(const Computation& computation,
                                     std::vector<FusionGroup> groups, const PassContext& context) {
  return Merger(computation, std::move(groups), context).Run();
}

}  // namespace ingot
