#include "compiler/plan/steps.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "compiler/plan/analysis.h"
#include "compiler/plan/cost.h"
#include "compiler/plan/kernels.h"
#include "compiler/plan/lane_walk.h"
#include "compiler/plan/lanes.h"
#include "compiler/plan/tile_deal.h"
#include "ir/base/integers.h"

namespace ingot::plan {
namespace {

// Operations that make a task long enough for the thread pool, and short enough to balance.
constexpr int64_t kTaskCost = 32 * 1024;
// Blocks that are left where threads take several steps.
constexpr int64_t kBlocksOfMultiprocessor = 16;
// Bytes of one access on a GPU, and the most lanes that are worth their registers.
constexpr int kGpuAccessBytes = 16;
constexpr int kMostGpuLanes = 8;
// With more results than this a contraction fills the card with a thread each.
constexpr int64_t kMostSharedContractions = 64 * 1024;
constexpr int kMostHostLanes = 32;
constexpr int kHostRegisters = 4;
constexpr int kMostHostAccumulators = 64;
constexpr int64_t kLongCode = 24;
// Rows and columns of a task whose reads go across the rows: what it reads stays in the cache.
constexpr int64_t kTile = 64;

Skeleton SkeletonOf(const Computation& fusion) {
  const Opcode root = fusion.root()->opcode();
  if (root == Opcode::kSort) return Skeleton::kSort;
  if (root == Opcode::kScan) {
    const int64_t carries = fusion.root()->attributes<ScanAttributes>().num_carries;
    return fusion.root()->operand_count() > carries ? Skeleton::kScan : Skeleton::kLoop;
  }
  if (root == Opcode::kScatter) return Skeleton::kScatter;
  const bool of_parameter = root == Opcode::kDynamicUpdateSlice &&
                            fusion.root()->operand(0)->opcode() == Opcode::kParameter;
  if (of_parameter && UpdatesFew(*fusion.root())) return Skeleton::kUpdate;
  return Skeleton::kLoop;
}

// The instructions whose elements the results are: elements of a tuple at the root, or the root.
std::vector<const Instruction*> RootsOf(const Computation& fusion,
                                        const std::vector<int>& results) {
  const Instruction& root = *fusion.root();
  if (root.opcode() != Opcode::kTuple) return {&root};
  std::vector<const Instruction*> roots;
  for (int result : results) roots.push_back(root.operand(result));
  return roots;
}

// The instructions that the roots ask for, in the order of the computation.
std::vector<bool> Reachable(const Computation& fusion,
                            const std::vector<const Instruction*>& roots) {
  const std::vector<Instruction*>& order = fusion.instructions();
  absl::flat_hash_map<const Instruction*, size_t> number;
  for (size_t i = 0; i < order.size(); ++i) number[order[i]] = i;
  std::vector<bool> reachable(order.size(), false);
  for (const Instruction* root : roots) reachable[number[root]] = true;
  for (size_t i = order.size(); i-- > 0;) {
    if (!reachable[i]) continue;
    for (const Instruction* operand : order[i]->operands()) reachable[number[operand]] = true;
  }
  return reachable;
}

class Planner {
 public:
  // A kernel that stores these results.
  Planner(const Computation& fusion, const Target& target, std::vector<int> results)
      : fusion_(fusion),
        target_(target),
        roots_(RootsOf(fusion, results)),
        reachable_(Reachable(fusion, roots_)) {
    steps_.results = std::move(results);
  }

  KernelPlan Make(Skeleton skeleton) {
    plan_.skeleton = skeleton;
    positions_ = PositionDimensions(fusion_, plan_.skeleton, steps_.results[0]);
    for (size_t i = 0; i < reachable_.size(); ++i) {
      if (!reachable_[i]) continue;
      const int64_t flops = FlopsOf(*fusion_.instructions()[i]);
      plan_.flops += std::min(flops, std::numeric_limits<int64_t>::max() - plan_.flops);
    }
    plan_.bytes = BytesOf(fusion_);
    if (skeleton == Skeleton::kUpdate) {
      const Instruction& root = *fusion_.root();
      // The operand and the result are not moved, but for the update.
      plan_.bytes -= 2 * root.shape().ByteSize() - root.operand(1)->shape().ByteSize();
      plan_.bytes = std::max<int64_t>(0, plan_.bytes);
      plan_.flops -= FlopsOf(root);
    }
    for (const Instruction* instruction : fusion_.instructions()) {
      if (IndexTypeOf(*instruction) == ElementType::kS64) plan_.index_type = ElementType::kS64;
    }
    ChooseLanes();
    ChooseStepThreads();
    ChooseSpace();
    Place();
    ChooseOwners();
    if (target_.platform == Platform::kHost) {
      DivideIntoTasks();
    } else {
      DivideIntoThreads();
    }
    plan_.work = std::move(steps_);
    return std::move(plan_);
  }

 private:
  bool IsRoot(const Instruction& instruction) const {
    return std::find(roots_.begin(), roots_.end(), &instruction) != roots_.end();
  }

  // Bytes of the widest element that takes part in vectors.  In memory, and beside a contraction,
  // of arrays no smaller than the result: a bias comes from a cache, in several accesses.
  int WidestElement(bool in_registers) const {
    const bool contracts = Has(OpKind::kContraction);
    int widest = 1;
    for (size_t i = 0; i < reachable_.size(); ++i) {
      const Instruction& instruction = *fusion_.instructions()[i];
      if (!reachable_[i] || instruction.shape().IsScalar()) continue;
      if (!in_registers && instruction.opcode() != Opcode::kParameter && !IsRoot(instruction)) {
        continue;
      }
      if (!in_registers && contracts && ElementsOf(instruction.shape()) < Product(positions_)) {
        continue;
      }
      for (const Shape& leaf : Leaves(instruction.shape())) {
        if (!leaf.IsArray()) continue;
        const ElementType type = leaf.element_type();
        const bool computed = in_registers && instruction.kind() == OpKind::kElementwise;
        widest = std::max(widest, ByteWidth(computed ? ComputeType(type) : type));
      }
    }
    return widest;
  }

  int FullLanes() const {
    if (target_.platform == Platform::kHost) {
      return std::min(kMostHostLanes, target_.vector_bytes / WidestElement(true));
    }
    return std::min(kMostGpuLanes, kGpuAccessBytes / WidestElement(false));
  }

  // Whether a step can take `lanes` elements of the iteration space's innermost dimension.
  bool TakesLanes(const Lanes& lanes) {
    LaneWalk walk(fusion_);
    bool takes = true;
    if (plan_.skeleton == Skeleton::kLoop) {
      for (const Instruction* root : roots_) takes = takes && walk.Vectorizes(*root, lanes);
    } else {
      takes = SkeletonTakesLanes(walk, lanes);
    }
    if (takes) widths_ = walk.widths();
    return takes;
  }

  // kScan and kScatter: the operands are read at positions with the worked dimensions put in.
  bool SkeletonTakesLanes(LaneWalk& walk, const Lanes& lanes) {
    const Instruction& root = *fusion_.root();
    if (lanes.flat() || plan_.skeleton == Skeleton::kSort) return false;
    // Where an update goes has no alignment.
    if (plan_.skeleton == Skeleton::kUpdate) return false;
    const std::vector<Shape> results = Leaves(root.shape());
    for (const Shape& result : results) {
      if (IsComplex(result.element_type())) return false;
    }
    Lanes read = lanes;
    if (plan_.skeleton == Skeleton::kScan) {
      const ScanAttributes& attributes = root.attributes<ScanAttributes>();
      const int64_t inputs = root.operand_count() - attributes.num_carries;
      if (read.dim >= attributes.dimensions[0]) ++read.dim;
      if (read.dim + 1 != results[0].rank()) return false;
      for (int64_t k = 0; k < root.operand_count(); ++k) {
        if (!walk.Vectorizes(*root.operand(k), k < inputs ? read : lanes)) return false;
      }
      return true;
    }
    const ScatterDimensions dims = ScatterDimensionsOf(root);
    const int64_t d = dims.owned[lanes.dim];
    read.dim = static_cast<int>(d);
    const int64_t update_dim = dims.update_dim[d];
    const int64_t count = root.operand_count() / 2;
    if (d + 1 != results[0].rank() || update_dim < 0) return false;
    // All lanes are in the update's window, or none.
    if (root.operand(count + 1)->shape().dimension(update_dim) != results[0].dimension(d)) {
      return false;
    }
    for (int64_t k = 0; k < count; ++k) {
      Lanes update = lanes;
      update.dim = static_cast<int>(update_dim);
      if (!walk.Vectorizes(*root.operand(k), read)) return false;
      if (!walk.Vectorizes(*root.operand(count + 1 + k), update)) return false;
    }
    return true;
  }

  bool Has(OpKind kind) const {
    for (size_t i = 0; i < reachable_.size(); ++i) {
      if (reachable_[i] && fusion_.instructions()[i]->kind() == kind) return true;
    }
    return false;
  }

  bool Accumulates() const { return Has(OpKind::kReduction) || Has(OpKind::kContraction); }

  void ChooseLanes() {
    widths_.assign(reachable_.size(), 1);
    const int full = FullLanes();
    const int64_t total = Product(positions_);
    for (int lanes = std::min(kMostHostAccumulators, RegistersOfStep() * full); lanes > 1;
         lanes /= 2) {
      if (lanes > total) continue;
      if (lanes > full && (positions_.back() % lanes != 0 || total / lanes < kHostRegisters)) {
        continue;
      }
      if (TakesLanes(Lanes{lanes, -1, 1, lanes})) {
        steps_.flat = true;
        steps_.lanes = lanes;
        return;
      }
      if (positions_.empty() || positions_.back() < lanes) continue;
      // Neighbouring threads take elements of rows that begin anywhere, not pieces of vectors.
      if (target_.platform == Platform::kCuda && plan_.skeleton == Skeleton::kLoop &&
          !Accumulates() && positions_.back() % lanes != 0) {
        continue;
      }
      // Nothing but the last elements of a row may be left over.
      if (TakesLanes(Lanes{lanes, static_cast<int>(positions_.size()) - 1, 1, lanes})) {
        steps_.lanes = lanes;
        return;
      }
    }
    ChooseInnerLanes(full);
  }

  // Vector registers whose elements a step computes.  Several accumulators hide the latency of an
  // addition, and read more of a row.  Long chains of operations are two at once: a processor looks
  // ahead over a few hundred instructions, which are little more than one chain.
  int RegistersOfStep() const {
    if (target_.platform != Platform::kHost) return 1;
    if (Accumulates()) return kHostRegisters;
    int64_t code = 0;
    for (size_t i = 0; i < reachable_.size(); ++i) {
      const Instruction& instruction = *fusion_.instructions()[i];
      if (!reachable_[i] || instruction.kind() != OpKind::kElementwise) continue;
      code = SaturatingAdd(code, CodeSize(instruction));
    }
    return code >= kLongCode ? 2 : 1;
  }

  // One element at a time: then reductions may take several elements a step.
  void ChooseInnerLanes(int full) {
    for (size_t i = 0; i < reachable_.size(); ++i) {
      const Instruction& instruction = *fusion_.instructions()[i];
      if (!reachable_[i] || plan_.skeleton != Skeleton::kLoop) continue;
      if (instruction.shape().IsTuple() || IsComplex(instruction.shape().element_type())) continue;
      for (int lanes = full; lanes > 1; lanes /= 2) {
        const std::optional<std::vector<Lanes>> operands = InnerLanes(instruction, lanes);
        if (!operands.has_value()) break;
        LaneWalk walk(fusion_);
        bool takes = true;
        for (size_t k = 0; k < operands->size(); ++k) {
          const Instruction& operand = *instruction.operand(static_cast<int64_t>(k));
          const Lanes& read = (*operands)[k];
          takes = takes && (read.count == 1 || operand.shape().dimension(read.dim) >= lanes) &&
                  walk.Vectorizes(operand, read);
        }
        if (!takes) continue;
        for (size_t k = 0; k < widths_.size(); ++k) {
          widths_[k] = std::max(widths_[k], walk.widths()[k]);
        }
        widths_[i] = lanes;
        break;
      }
    }
  }

  // An accumulation along memory, at an element a thread, would read a row a thread: let a warp
  // read each row together.  All threads must come to it at once, so that nothing but elementwise
  // ops stands between it and the root, and no other accumulation is in its own loop.
  void ChooseStepThreads() {
    if (target_.platform == Platform::kCuda && plan_.skeleton == Skeleton::kScan) {
      return ChooseScanThreads();
    }
    if (target_.platform != Platform::kCuda || plan_.skeleton != Skeleton::kLoop) return;
    if (steps_.lanes > 1) return;
    threads_.assign(reachable_.size(), 1);
    int accumulations = 0;
    for (size_t i = 0; i < reachable_.size(); ++i) {
      const OpKind kind = fusion_.instructions()[i]->kind();
      if (!reachable_[i] || (kind != OpKind::kReduction && kind != OpKind::kContraction)) continue;
      ++accumulations;
      if (!IsShared(*fusion_.instructions()[i], widths_[i])) return;
      threads_[i] = kWarp;
    }
    if (accumulations == 0 || !AccumulatesBelowElementwise()) {
      threads_.clear();
      return;
    }
    for (size_t i = 0; i < reachable_.size(); ++i) {
      if (threads_[i] == 1) continue;
      // Rows that are no multiple of the width would not be aligned.
      if (RowLength(*fusion_.instructions()[i]) % widths_[i] != 0) widths_[i] = 1;
    }
    steps_.step_threads = kWarp;
  }

  // An associative scan along memory: a warp goes along a row, with a vector a thread.
  void ChooseScanThreads() {
    const Instruction& scan = *fusion_.root();
    const int64_t rank = scan.operand(0)->shape().rank();
    const bool along_memory = scan.attributes<ScanAttributes>().dimensions[0] + 1 == rank;
    if (steps_.lanes > 1 || !along_memory || !IsAssociative(scan)) return;
    const int64_t size = scan.operand(0)->shape().dimension(rank - 1);
    const int64_t inputs = scan.attributes<ScanAttributes>().num_carries;
    int width = FullLanes();
    const auto vectorizes = [&] {
      const Lanes lanes{width, static_cast<int>(rank - 1), 1, width};
      LaneWalk walk(fusion_);
      for (int64_t k = 0; k < inputs; ++k) {
        if (!walk.Vectorizes(*scan.operand(k), lanes)) return false;
      }
      widths_ = walk.widths();
      return true;
    };
    while (width > 1 && (size % width != 0 || !vectorizes())) width /= 2;
    if (size < int64_t{width} * kWarp) return;
    if (width == 1) widths_.assign(reachable_.size(), 1);
    widths_[IndexOfRoot()] = width;
    steps_.step_threads = kWarp;
  }
  size_t IndexOfRoot() const {
    const std::vector<Instruction*>& order = fusion_.instructions();
    return std::find(order.begin(), order.end(), fusion_.root()) - order.begin();
  }

  // Steps of the innermost loop of an op that InnerLanes knows.
  static int64_t RowLength(const Instruction& instruction) {
    const Lanes read = (*InnerLanes(instruction, 2))[0];
    return instruction.operand(0)->shape().dimension(read.dim);
  }

  // Worth a warp: a row is long enough, along memory (it has a width), and of a type that shuffles.
  bool IsShared(const Instruction& instruction, int width) const {
    if (width == 1 || !InnerLanes(instruction, 2).has_value()) return false;
    if (instruction.shape().element_type() == ElementType::kPred) return false;
    const bool few = instruction.shape().ElementCount() <= kMostSharedContractions;
    if (instruction.kind() == OpKind::kContraction && !few) return false;
    return RowLength(instruction) >= kWarp;
  }

  // From the root one comes to accumulations through elementwise ops and ops that every element
  // goes through, and from an accumulation to no other.
  bool AccumulatesBelowElementwise() const {
    std::vector<const Instruction*> pending = roots_;
    absl::flat_hash_set<const Instruction*> seen;
    std::vector<const Instruction*> inside;
    while (!pending.empty()) {
      const Instruction* next = pending.back();
      pending.pop_back();
      if (!seen.insert(next).second) continue;
      const bool accumulates =
          next->kind() == OpKind::kReduction || next->kind() == OpKind::kContraction;
      if (!accumulates && next->kind() != OpKind::kElementwise && next->operand_count() > 0 &&
          !KeepsOrder(*next) && next->opcode() != Opcode::kBroadcast &&
          next->opcode() != Opcode::kTranspose) {
        // What stands behind it may be reached under conditions.
        inside.push_back(next);
        continue;
      }
      for (const Instruction* operand : next->operands()) {
        (accumulates ? inside : pending).push_back(operand);
      }
    }
    seen.clear();
    while (!inside.empty()) {
      const Instruction* next = inside.back();
      inside.pop_back();
      if (!seen.insert(next).second) continue;
      if (next->kind() == OpKind::kReduction || next->kind() == OpKind::kContraction) return false;
      for (const Instruction* operand : next->operands()) inside.push_back(operand);
    }
    return true;
  }

  void ChooseSpace() {
    const int64_t rank = static_cast<int64_t>(positions_.size());
    steps_.column_dimension = steps_.flat || rank == 0 ? 0 : rank - 1;
    // Without lanes nothing is gained from rows: number the elements through.
    const bool numbered = steps_.lanes == 1 && target_.platform == Platform::kCuda;
    if (numbered) steps_.column_dimension = 0;
    const absl::Span<const int64_t> all(positions_);
    steps_.rows = Product(all.subspan(0, steps_.column_dimension));
    steps_.columns = Product(all.subspan(steps_.column_dimension));
  }

  void Place() {
    for (size_t i = 0; i < reachable_.size(); ++i) {
      const Instruction& instruction = *fusion_.instructions()[i];
      InstructionPlan placed;
      if (reachable_[i]) {
        placed.placement = PlacementOf(instruction);
        const bool scans = plan_.skeleton == Skeleton::kScan && steps_.step_threads > 1;
        if (scans && IsRoot(instruction)) placed.width = widths_[i];
        if (placed.placement == Placement::kOperand || placed.placement == Placement::kRegisters ||
            InnerLanes(instruction, 2).has_value()) {
          placed.width = widths_[i];
          if (steps_.step_threads > 1 && !threads_.empty()) placed.threads = threads_[i];
        }
      }
      steps_.instructions.push_back(placed);
    }
  }

  Placement PlacementOf(const Instruction& instruction) const {
    if (instruction.opcode() == Opcode::kParameter) return Placement::kOperand;
    if (IsRoot(instruction)) {
      return plan_.skeleton == Skeleton::kLoop ? Placement::kResult : Placement::kInResult;
    }
    const bool accumulates =
        instruction.kind() == OpKind::kReduction || instruction.kind() == OpKind::kContraction;
    return accumulates ? Placement::kRegisters : Placement::kInlined;
  }

  // Operations for one element of the iteration space.
  int64_t CostOfPosition() const {
    const int64_t positions = std::max<int64_t>(1, steps_.rows * steps_.columns * steps_.owners);
    return std::max<int64_t>(1, (plan_.flops / 2 + plan_.bytes / 4) / positions);
  }

  // As many as make enough work for the machine; each looks at all indices.
  void ChooseOwners() {
    if (plan_.skeleton != Skeleton::kScatter) return;
    const ScatterDimensions dims = ScatterDimensionsOf(*fusion_.root());
    if (dims.scattered.empty()) return;
    const int64_t size = fusion_.root()->operand(0)->shape().dimension(dims.scattered[0]);
    const int64_t steps = steps_.rows * CeilDiv(steps_.columns, steps_.lanes);
    int64_t owners = 1;
    if (target_.platform == Platform::kCuda) {
      owners = int64_t{target_.multiprocessors} * 512 / std::max<int64_t>(1, steps);
    } else if (plan_.bytes > kTaskCost) {
      owners = 16;
    }
    steps_.owners = std::max<int64_t>(1, std::min(owners, size));
  }

  void DivideIntoTasks() {
    const int64_t cost = CostOfPosition();
    const int64_t wanted = std::max<int64_t>(1, kTaskCost / cost);  // positions of a task
    if (plan_.skeleton == Skeleton::kLoop && steps_.lanes == 1 && FullLanes() > 1 &&
        !Accumulates() && steps_.rows > kTile && steps_.columns > kTile) {
      steps_.task_rows = kTile;
      steps_.task_columns = kTile;
    } else if (plan_.skeleton == Skeleton::kScatter) {
      // Positions of one owner go together.
      steps_.task_rows = 1;
      steps_.task_columns = std::max<int64_t>(1, steps_.columns);
    } else if (wanted >= steps_.columns) {
      steps_.task_columns = std::max<int64_t>(1, steps_.columns);
      steps_.task_rows = std::max<int64_t>(
          1, std::min(steps_.rows, wanted / std::max<int64_t>(1, steps_.columns)));
    } else {
      steps_.task_rows = 1;
      steps_.task_columns = std::min(steps_.columns, CeilDiv(wanted, steps_.lanes) * steps_.lanes);
    }
    plan_.tasks = std::max<int64_t>(1, steps_.owners * CeilDiv(steps_.rows, steps_.task_rows) *
                                           CeilDiv(steps_.columns, steps_.task_columns));
  }

  void DivideIntoThreads() {
    const int64_t threads =
        steps_.step_threads * steps_.owners * steps_.rows * CeilDiv(steps_.columns, steps_.lanes);
    plan_.block_threads = kBlockThreads;
    // Few steps: spread them over the multiprocessors.
    while (plan_.block_threads > kWarp &&
           CeilDiv(threads, plan_.block_threads) < target_.multiprocessors) {
      plan_.block_threads /= 2;
    }
    plan_.blocks = std::max<int64_t>(1, CeilDiv(threads, plan_.block_threads));
    // Blocks start at a rate of their own, which threads that store few bytes are bound by.
    if (plan_.skeleton != Skeleton::kLoop || Accumulates()) return;
    if (steps_.lanes > 1 && steps_.columns % steps_.lanes != 0) return;
    const int64_t several =
        std::min<int64_t>(kGpuAccessBytes / (steps_.lanes * WidestElement(false)),
                          plan_.blocks / (kBlocksOfMultiprocessor * target_.multiprocessors));
    if (several > 1) plan_.blocks = CeilDiv(plan_.blocks, PowerOfTwoFloor(several));
  }

  const Computation& fusion_;
  const Target& target_;
  const std::vector<const Instruction*> roots_;
  const std::vector<bool> reachable_;
  KernelPlan plan_;
  StepPlan steps_;
  std::vector<int64_t> positions_;
  std::vector<int> widths_;
  std::vector<int> threads_;
};

}  // namespace

std::vector<int64_t> PositionDimensions(const Computation& fusion, Skeleton skeleton, int result) {
  const Instruction& root = *fusion.root();
  std::vector<int64_t> dimensions = Leaves(root.shape())[result].dimensions();
  switch (skeleton) {
    case Skeleton::kTile:
    case Skeleton::kConcatenate:
    case Skeleton::kContraction:
    case Skeleton::kScatterRows:
    case Skeleton::kScatterUpdates:
    case Skeleton::kMergeSort:
    case Skeleton::kScanTiles:
    case Skeleton::kWindow:
    case Skeleton::kWindowSums:
    case Skeleton::kLoop:
      break;
    case Skeleton::kSort:
      dimensions.erase(dimensions.begin() + root.attributes<SortAttributes>().dimensions[0]);
      break;
    case Skeleton::kScan: {
      const ScanAttributes& attributes = root.attributes<ScanAttributes>();
      dimensions = root.operand(0)->shape().dimensions();
      dimensions.erase(dimensions.begin() + attributes.dimensions[0]);
      break;
    }
    case Skeleton::kUpdate:
      return root.operand(1)->shape().dimensions();
    case Skeleton::kScatter: {
      std::vector<int64_t> owned;
      for (int64_t d : ScatterDimensionsOf(root).owned) owned.push_back(dimensions[d]);
      return owned;
    }
  }
  return dimensions;
}

void ProposeSteps(Skeleton skeleton, const Computation& fusion, const FusionInfo&,
                  const Target& target, Numerics, std::vector<FusionPlan>& candidates) {
  if (SkeletonOf(fusion) != skeleton) return;
  // A kernel for the results of each size; a fusion without results has none.
  const std::vector<Shape> leaves = Leaves(fusion.root()->shape());
  std::vector<std::vector<int>> groups;
  for (int i = 0; i < static_cast<int>(leaves.size()); ++i) {
    // A scan stores all that it comes to.
    if (skeleton == Skeleton::kScan && i > 0) {
      groups[0].push_back(i);
      continue;
    }
    const auto same =
        std::find_if(groups.begin(), groups.end(), [&](const std::vector<int>& group) {
          return Shape::SameDimensions(leaves[i], leaves[group[0]]);
        });
    if (same == groups.end()) {
      groups.push_back({i});
    } else {
      same->push_back(i);
    }
  }
  FusionPlan plan;
  if (skeleton == Skeleton::kSort) {
    for (const Instruction* operand : fusion.root()->operands()) {
      plan.scratch.push_back({Shape::ArrayWithDefaultLayout(operand->shape().element_type(),
                                                            operand->shape().dimensions())});
    }
  }
  if (skeleton == Skeleton::kUpdate) {
    plan.updates = {{0, static_cast<int>(fusion.root()->operand(0)->parameter_number())}};
  }
  for (std::vector<int>& group : groups) {
    KernelPlan kernel = Planner(fusion, target, std::move(group)).Make(skeleton);
    kernel.buffers = AllBuffers(fusion, plan.scratch.size());
    plan.kernels.push_back(std::move(kernel));
  }
  candidates.push_back(std::move(plan));
}

}  // namespace ingot::plan
