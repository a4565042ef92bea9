#include "compiler/plan/in_place.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "compiler/plan/analysis.h"
#include "compiler/plan/pass_levels.h"
#include "compiler/plan/tile_packed.h"
#include "ir/base/status.h"

namespace ingot::plan {
namespace {

// One operand of a fusion as memory of one of its results.
class Proof {
 public:
  Proof(const FusionPlan& plan, const FusionInfo& info, int result, int operand)
      : plan_(plan), info_(info), levels_(info, {}), result_(result), operand_(operand) {
    accumulates_.assign(info.graph().value_count(), false);
    for (const Reduction& reduction : info.reductions()) accumulates_[reduction.value] = true;
  }

  absl::Status Run() {
    INGOT_RETURN_IF_ERROR(FindRoot());
    INGOT_RETURN_IF_ERROR(SizesAgree());
    const Skeleton skeleton = plan_.kernels[0].skeleton;
    if (skeleton == Skeleton::kScatter || skeleton == Skeleton::kScatterRows ||
        skeleton == Skeleton::kScatterUpdates || skeleton == Skeleton::kUpdate) {
      return InOwner();
    }
    INGOT_REQUIRE(skeleton != Skeleton::kContraction && skeleton != Skeleton::kScanTiles &&
                      skeleton != Skeleton::kRadixSort && skeleton != Skeleton::kWindow &&
                      skeleton != Skeleton::kWindowSums,
                  "blocks read operands of other blocks' tiles");
    INGOT_RETURN_IF_ERROR(IsReadInSpace());
    return plan_.kernels[0].skeleton == Skeleton::kTile ? InTile() : InLoop();
  }

 private:
  const FusionGraph& graph() const { return info_.graph(); }
  const std::vector<const Instruction*>& roots() const { return graph().view().roots; }
  int NumberOfRoot(size_t root) const { return graph().NumberOf(*roots()[root]); }

  // Sets root_ and root_value_.
  absl::Status FindRoot() {
    INGOT_REQUIRE(operand_ >= 0 && operand_ < graph().input_count(), "there are ",
                  graph().input_count(), " operands");
    int results = 0;
    for (size_t i = 0; i < roots().size(); ++i) {
      const int leaves = static_cast<int>(Leaves(roots()[i]->shape()).size());
      if (result_ >= results && result_ < results + leaves) {
        INGOT_REQUIRE(leaves == 1, "the result is one of several of an operation");
        root_ = i;
        root_value_ = NumberOfRoot(i);
      }
      results += leaves;
    }
    INGOT_REQUIRE(root_value_ >= 0, "there are ", results, " results");
    return absl::OkStatus();
  }

  absl::Status SizesAgree() const {
    const Shape& from = graph().value(operand_).shape();
    const Shape& to = graph().value(root_value_).shape();
    INGOT_REQUIRE(from.IsArray() && to.IsArray() && from.ElementCount() == to.ElementCount() &&
                      ByteWidth(from.element_type()) == ByteWidth(to.element_type()),
                  from.ToString(/*with_layout=*/false), " is not as large as ",
                  to.ToString(/*with_layout=*/false), ", element by element");
    return absl::OkStatus();
  }

  bool SamePlaces(int value) const {
    const absl::Span<const int> own = info_.space().ClassesOf(operand_);
    const absl::Span<const int> other = info_.space().ClassesOf(value);
    return own == other && (!own.empty() || graph().value(operand_).shape().ElementCount() == 1);
  }

  // At a point of the space, result and operand are at the same place of the memory, and no value
  // that depends on the operand is asked for elsewhere.  Sets depends_.
  absl::Status IsReadInSpace() {
    INGOT_REQUIRE(SamePlaces(root_value_), "operand and result lie along the space differently");
    depends_.assign(graph().value_count(), false);
    depends_[operand_] = true;
    const std::vector<FusionEdge>& edges = graph().edges();
    for (size_t i = 0; i < edges.size(); ++i) {
      if (!depends_[edges[i].operand]) continue;
      depends_[edges[i].consumer] = true;
      INGOT_REQUIRE(info_.space().AccessOf(static_cast<int>(i)).access == Access::kInSpace,
                    graph().value(edges[i].consumer).name(), " asks for ",
                    graph().value(edges[i].operand).name(), " elsewhere");
    }
    return absl::OkStatus();
  }

  // The result's elements are operand's but for what is written, by the thread that they belong to.
  absl::Status InOwner() const {
    const Instruction& root = *roots()[root_];
    const int64_t number = root_ == 0 ? result_ : 0;
    INGOT_REQUIRE(graph().NumberOf(*root.operand(number)) == operand_, root.name(),
                  " updates another value");
    int64_t reads = 0;
    for (const FusionEdge& edge : graph().edges()) reads += edge.operand == operand_ ? 1 : 0;
    INGOT_REQUIRE(reads == 1, root.name(), " reads the operand elsewhere, too");
    return absl::OkStatus();
  }

  // A step emits all values before any store; each is at the step's own index.
  absl::Status InLoop() const {
    const KernelPlan& kernel = plan_.kernels[0];
    INGOT_REQUIRE(plan_.kernels.size() == 1, "results have kernels of their own");
    INGOT_REQUIRE(kernel.skeleton == Skeleton::kLoop, NameOf(kernel.skeleton),
                  " kernels work in the result");
    INGOT_REQUIRE(kernel.steps().step_threads == 1, "several threads do a step");
    const int64_t threads = kernel.tasks * kernel.blocks * kernel.block_threads;
    const int64_t steps = kernel.steps().rows * kernel.steps().columns / kernel.steps().lanes;
    INGOT_REQUIRE(kernel.blocks == 1 || threads >= steps || steps % threads == 0,
                  "threads without a step compute the last one");
    for (int value = 0; value < graph().value_count(); ++value) {
      INGOT_REQUIRE(!depends_[value] || !accumulates_[value], graph().value(value).name(),
                    " reads the operand at many places in one step");
    }
    for (size_t i = 0; i < roots().size(); ++i) {
      const int root = NumberOfRoot(i);
      INGOT_REQUIRE(!depends_[root] || SamePlaces(root), roots()[i]->name(),
                    " lies along the space differently");
    }
    return absl::OkStatus();
  }

  // The kernel that stores results of a level.
  const KernelPlan& KernelOf(int level) const {
    const auto stores = [&](const KernelPlan& kernel) {
      const TilePlan& tile = kernel.tile();
      if (tile.combines()) return false;
      if (levels_.across > 0) return levels_.IsLate(tile) == (level == levels_.across);
      return tile.partial_level > 0 ? level == tile.known_level : level >= tile.known_level;
    };
    return *std::find_if(plan_.kernels.begin(), plan_.kernels.end() - 1, stores);
  }

  // What kernels before the one that stores the result read is behind it.  In it each place of a
  // thread is another point of the space, and each point another element of the operand.
  absl::Status InTile() const {
    INGOT_REQUIRE(plan_.joined.empty(), "reductions are joined, and passes are not levels");
    const KernelPlan& kernel = KernelOf(levels_.of[root_value_]);
    const TilePlan& tile = kernel.tile();
    INGOT_REQUIRE(!Contains(tile.staged, operand_), "all threads of a block read a staged operand");
    INGOT_REQUIRE(!Contains(tile.turned, operand_), "other blocks store what a box has");
    // A block has read all of a range before it stores any.
    if (IsPacked(info_, tile, operand_) && IsPacked(info_, tile, root_value_)) {
      return absl::OkStatus();
    }
    INGOT_REQUIRE(tile.gathered < 0 || levels_.HasEnded(info_, root_value_),
                  "other threads store what is gathered");
    if (levels_.last > 0 && !levels_.HasReduced(info_, tile, root_value_)) return IsReadLate(tile);
    // Partial results are put together before, in loops of their own.
    INGOT_REQUIRE(!tile.aligned, "threads at the ends of a row load elements that others store");
    int64_t places = kernel.tasks * kernel.blocks * kernel.block_threads;
    for (size_t c = 0; c < info_.space().classes().size(); ++c) {
      const TileClass& own = tile.classes[c];
      places *= own.loop * own.registers * own.vector;
    }
    const int64_t elements = graph().value(operand_).shape().ElementCount();
    INGOT_REQUIRE(places == elements, "threads have ", places, " places, and the operand has ",
                  elements, " elements");
    return IsStoredLast();
  }

  // Along the places of what is reduced a result without these classes has one thread that stores
  // its element, and this thread alone computes it, behind the reductions; so with all results
  // that have the same classes.  Kernels before may read the operand.
  absl::Status IsReadLate(const TilePlan& tile) const {
    INGOT_REQUIRE(!Contains(tile.kept, operand_) && !Contains(tile.ahead, operand_),
                  "all threads of a row load the operand before");
    for (int value = 0; value < graph().value_count(); ++value) {
      const bool is_before = levels_.of[value] <= tile.known_level;
      INGOT_REQUIRE(!depends_[value] || !accumulates_[value] || is_before,
                    graph().value(value).name(), " reads the operand, too");
    }
    for (size_t i = 0; i < roots().size(); ++i) {
      const int root = NumberOfRoot(i);
      if (i == root_ || !depends_[root] || levels_.of[root] < tile.known_level) continue;
      INGOT_REQUIRE(SamePlaces(root) && levels_.of[root] == levels_.of[root_value_],
                    roots()[i]->name(), " reads the operand elsewhere");
    }
    return absl::OkStatus();
  }

  // Pass n of a tile computes the reductions of level n, and takes places for those across the walk
  // whose operands wait for level n - 1; at each place, then, it stores the roots of level n - 1.
  // All of them are computed before one is stored.
  absl::Status IsStoredLast() const {
    const int pass = levels_.of[root_value_] + 1;
    std::vector<bool> reads(graph().value_count(), false);
    reads[operand_] = true;
    for (const FusionEdge& edge : graph().edges()) {
      // A reduction's value is held.
      if (reads[edge.operand] && !accumulates_[edge.operand]) reads[edge.consumer] = true;
    }
    for (const Reduction& reduction : info_.reductions()) {
      INGOT_REQUIRE(!reads[reduction.value] || reduction.level <= pass,
                    graph().value(reduction.value).name(), " reads the operand later");
    }
    for (size_t i = 0; i < roots().size(); ++i) {
      const int root = NumberOfRoot(i);
      if (i == root_ || !reads[root] || accumulates_[root]) continue;
      const int its_pass = levels_.of[root] + 1;
      INGOT_REQUIRE(its_pass <= pass, roots()[i]->name(), " reads the operand later");
    }
    return absl::OkStatus();
  }

  const FusionPlan& plan_;
  const FusionInfo& info_;
  const PassLevels levels_;
  const int result_, operand_;
  size_t root_ = 0;
  int root_value_ = -1;
  std::vector<bool> accumulates_, depends_;  // by value
};

}  // namespace

absl::Status CanBeInPlace(const InPlacePair& pair, const FusionPlan& plan, const FusionInfo& info) {
  return Annotate(Proof(plan, info, pair.result, pair.operand).Run(), "in_place r", pair.result,
                  "=p", pair.operand);
}

std::vector<InPlacePair> FindInPlace(const FusionPlan& plan, const FusionInfo& info,
                                     absl::Span<const int> last_reads,
                                     absl::Span<const InPlacePair> wanted) {
  const int results = ResultCount(info.graph().view());
  std::vector<InPlacePair> pairs;
  const auto try_pair = [&](const InPlacePair& pair) {
    for (const InPlacePair& other : pairs) {
      if (other.result == pair.result || other.operand == pair.operand) return;
    }
    if (CanBeInPlace(pair, plan, info).ok()) pairs.push_back(pair);
  };
  for (const InPlacePair& pair : wanted) try_pair(pair);
  for (int result = 0; result < results; ++result) {
    if (pairs.size() == last_reads.size()) break;
    for (int operand : last_reads) try_pair({result, operand});
  }
  std::sort(pairs.begin(), pairs.end(),
            [](const InPlacePair& a, const InPlacePair& b) { return a.result < b.result; });
  return pairs;
}

absl::Status InPlaceFits(const FusionPlan& plan, const FusionInfo& info) {
  for (size_t i = 0; i < plan.in_place.size(); ++i) {
    const InPlacePair& pair = plan.in_place[i];
    INGOT_RETURN_IF_ERROR(CanBeInPlace(pair, plan, info));
    for (size_t k = 0; k < i; ++k) {
      const InPlacePair& other = plan.in_place[k];
      INGOT_REQUIRE(pair.result != other.result && pair.operand != other.operand, "in_place r",
                    pair.result, "=p", pair.operand, " and r", other.result, "=p", other.operand,
                    ": one memory has one operand and one result");
    }
  }
  return absl::OkStatus();
}

}  // namespace ingot::plan
