// The tile skeleton: one walk over the iteration space for whatever is elementwise, data movement
// and reduction.  plan::TilePlan says who computes which coordinates.
#include <algorithm>
#include <functional>
#include <numeric>

#include "absl/container/flat_hash_map.h"
#include "compiler/lower/combination.h"
#include "compiler/lower/frame.h"
#include "compiler/lower/tile_exchange.h"
#include "compiler/lower/tile_frontier.h"
#include "compiler/lower/tile_joined.h"
#include "compiler/lower/tile_places.h"
#include "compiler/lower/tile_reduction.h"
#include "compiler/lower/tile_stage.h"
#include "compiler/plan/analysis.h"
#include "ir/analysis/fusion_info.h"

namespace ingot::lower {

using kernel::Value;

namespace {

constexpr int64_t kManyVectors = 16;

class TileLowering : public TileSpace {
 public:
  explicit TileLowering(Frame& frame)
      : frame_(frame),
        plan_(frame.plan.tile()),
        info_(ViewOf(frame.fusion)),
        joins_(frame.fusion_plan.joined.empty() ? std::vector<plan::Join>{}
                                                : plan::FindJoins(info_)),
        levels_(info_, joins_),
        e_(frame.emitter),
        b_(frame.builder),
        math_(frame.context.math),
        places_(math_, plan_, frame.plan.block_threads, frame.plan.blocks),
        class_count_(static_cast<int>(plan_.classes.size())) {
    frame.context.tile = this;
  }
  ~TileLowering() override { frame_.context.tile = nullptr; }

  void Run() {
    frame_.kernel->launch().machine = kernel::Machine::kGpu;
    frame_.kernel->launch().grid = {frame_.plan.blocks, 1, 1};
    frame_.kernel->launch().block = {frame_.plan.block_threads, 1, 1};
    frame_.kernel->launch().min_blocks = frame_.plan.resident_blocks;
    for (const plan::TileClass& c : plan_.classes) {
      if (c.size == 0) return;
    }
    int results = 0;
    for (const Instruction* root : info_.graph().view().roots) {
      first_result_.push_back(results);
      results += static_cast<int>(plan::Leaves(root->shape()).size());
    }
    for (const Reduction& found : info_.reductions()) {
      held_.insert(&info_.graph().value(found.value));
    }
    reductions_ = FindReductions(info_, joins_, levels_);
    for (TileReduction& reduction : reductions_) {
      reduction.combination = CombinationOf(e_, *reduction.instruction);
      for (JoinedReduction& joined : reduction.joined) {
        joined.combination = CombinationOf(e_, *joined.instruction);
      }
    }
    const std::vector<int> kept = KeptClasses();
    for (int c : kept) in_loop_ = in_loop_ || plan_.classes[c].loop > 1;
    for (int input : plan_.staged) StageInput(frame_, info_.graph().value(input));
    if (!plan_.staged.empty()) b_.Barrier();
    Loops(kept, 0, [&] { EmitTile(); });
  }

  // ----- TileSpace

  const Instruction* SourceOf(const Instruction& consumer, int64_t operand) const override {
    const int number = info_.graph().NumberOf(consumer);
    if (number < 0 || info_.graph().IsInput(number)) return nullptr;
    const int edge = info_.graph().FirstEdgeOf(number) + static_cast<int>(operand);
    const EdgeAccess& access = info_.space().AccessOf(edge);
    if (access.access != Access::kInSpace) return nullptr;
    return &info_.graph().value(access.source);
  }

  Index IndexAt(const Instruction& instruction, int point) override {
    Index index;
    index.point = point;
    const int value = info_.graph().NumberOf(instruction);
    INGOT_CHECK(value >= 0) << instruction.name() << " is no value of the fusion";
    const std::vector<int64_t>& dimensions = ArrayOf(instruction.shape()).dimensions();
    if (dimensions.empty()) return index;
    const std::vector<Value>& at = points_[point];
    int64_t stride = 1;
    index.linear = math_.Const(0);
    const absl::Span<const int> classes = info_.space().ClassesOf(value);
    for (size_t i = classes.size(); i-- > 0;) {
      index.linear = b_.Add(math_.Mul(at[classes[i]], stride), index.linear);
      stride *= plan_.classes[classes[i]].size;
    }
    for (size_t d = 0; d < dimensions.size(); ++d) {
      AddDimension(value, static_cast<int64_t>(d), at, index);
    }
    return index;
  }

  bool IsHeld(const Instruction& instruction) const override {
    return held_.contains(&instruction);
  }

 private:
  static const Shape& ArrayOf(const Shape& shape) {
    return shape.IsTuple() ? shape.tuple_shapes()[0] : shape;
  }

  // The classes that blocks, lanes and registers share out but reductions end.
  bool IsReduced(int c) const {
    return c >= static_cast<int>(info_.space().classes().size()) ||
           info_.space().classes()[c].reduced;
  }

  // A place: for each class the coordinate of a register.  What is beyond the space reads its last
  // elements.
  int NewPoint(const std::vector<int>& registers) {
    std::vector<Value> at;
    for (int c = 0; c < class_count_; ++c) {
      const plan::TileClass& tile = plan_.classes[c];
      Value coordinate = places_.Coordinate(c, registers[c]);
      if (places_.IsMasked(c, registers[c]))
        coordinate = b_.Min(coordinate, math_.Const(tile.size - tile.vector));
      at.push_back(coordinate);
    }
    points_.push_back(std::move(at));
    return static_cast<int>(points_.size()) - 1;
  }

  void AddDimension(int value, int64_t d, const std::vector<Value>& at, Index& index) {
    const absl::Span<const ClassPart> parts = info_.space().PartsOf(value, d);
    Value sum = math_.Const(0);
    int64_t stride = 1;
    for (size_t i = parts.size(); i-- > 0;) {
      const ClassPart& part = parts[i];
      const plan::TileClass& tile = plan_.classes[part.class_number];
      Value coordinate = math_.Div(at[part.class_number], part.stride);
      if (part.stride * part.size < tile.size) coordinate = math_.Rem(coordinate, part.size);
      sum = b_.Add(sum, math_.Mul(coordinate, stride));
      if (tile.vector > 1 && part.stride == 1) {
        index.lane = plan::Lanes{tile.vector, static_cast<int>(d), stride, tile.vector};
      }
      stride *= part.size;
    }
    index.dims.push_back(sum);
  }

  // ----- Walks

  // Loops over the classes of the list that have them, from number `i` on, around `body`.
  void Loops(const std::vector<int>& classes, size_t i, const std::function<void()>& body) {
    if (i == classes.size()) {
      body();
      return;
    }
    const int c = classes[i];
    if (plan_.classes[c].loop == 1) {
      Loops(classes, i + 1, body);
      return;
    }
    e_.For(math_.Const(0), math_.Const(plan_.classes[c].loop), 1, [&](Value trip) {
      places_.SetTrip(c, trip);
      Loops(classes, i + 1, body);
      places_.SetTrip(c, math_.Const(0));
    });
  }

  // Calls `visit` with every combination of registers of these classes, the others at 0.
  void ForRegisters(const std::vector<int>& classes,
                    const std::function<void(const std::vector<int>&)>& visit) {
    std::vector<int> registers(class_count_, 0);
    int64_t count = 1;
    for (int c : classes) count *= plan_.classes[c].registers;
    for (int64_t n = 0; n < count; ++n) {
      visit(registers);
      for (size_t i = classes.size(); i-- > 0;) {
        if (++registers[classes[i]] < plan_.classes[classes[i]].registers) break;
        registers[classes[i]] = 0;
      }
    }
  }

  std::vector<int> KeptClasses() const {
    std::vector<int> kept;
    for (int c = 0; c < class_count_; ++c) {
      if (!IsReduced(c)) kept.push_back(c);
    }
    return kept;
  }

  // The classes that are walked besides the kept ones: those of partial results, or the fusion's.
  std::vector<int> ReducedClasses(bool parts) const {
    std::vector<int> reduced;
    const int own = static_cast<int>(info_.space().classes().size());
    for (int c = 0; c < class_count_; ++c) {
      if (IsReduced(c) && (c >= own) == parts) reduced.push_back(c);
    }
    return reduced;
  }

  void EmitTile() {
    const int first = plan_.combines() ? plan_.known_level : plan_.combined_level + 1;
    for (int level = 1; level < first && !plan_.combines(); ++level) ReadCombined(level);
    for (int level = first; level <= plan_.known_level; ++level) Reduce(level, /*parts=*/true, {});
    if (plan_.combines()) return;
    if (plan_.partial_level > 0) {
      Reduce(plan_.partial_level, /*parts=*/false, RootsOf(plan_.known_level));
      return;
    }
    for (int level = plan_.known_level; level <= levels_.last; ++level) {
      Reduce(level + 1, /*parts=*/false, RootsOf(level));
    }
  }

  // The numbers of the roots of a level.
  std::vector<int> RootsOf(int level) const {
    std::vector<int> roots;
    for (size_t i = 0; i < info_.graph().view().roots.size(); ++i) {
      const int value = info_.graph().NumberOf(*info_.graph().view().roots[i]);
      if (levels_.of[value] == level) roots.push_back(static_cast<int>(i));
    }
    return roots;
  }

  bool HasReducedClass(int value) const {
    for (int c : info_.space().ClassesOf(value)) {
      if (IsReduced(c)) return true;
    }
    return false;
  }

  // One pass: computes the reductions of `level`, from partial results or from their operands, and
  // stores roots on the way.
  void Reduce(int level, bool parts, const std::vector<int>& roots) {
    const std::vector<int> kept = KeptClasses();
    const std::vector<int> reduced = ReducedClasses(parts);
    std::vector<TileReduction*> reductions;
    for (TileReduction& reduction : reductions_) {
      if (reduction.level == level) reductions.push_back(&reduction);
    }
    std::vector<int> wide, narrow;
    for (int root : roots) {
      const int value = info_.graph().NumberOf(*info_.graph().view().roots[root]);
      (HasReducedClass(value) ? wide : narrow).push_back(root);
    }
    const auto is_ahead = [&](int value) { return IsLoadedAhead(value); };
    if (levels_.last == 0) EmitAt(Frontier(info_, ValuesOf({}, narrow), is_ahead), kept);
    ForRegisters(kept, [&](const std::vector<int>& registers) {
      for (int root : narrow) StoreRoot(root, registers);
    });
    if (reductions.empty() && wide.empty()) return;
    bool loops = false;
    for (int c : reduced) loops = loops || plan_.classes[c].loop > 1;
    for (TileReduction* reduction : reductions) StartReduction(*reduction, parts, loops);
    std::vector<int> walked = kept;
    walked.insert(walked.end(), reduced.begin(), reduced.end());
    const std::vector<int> values = ValuesOf(reductions, wide);
    // What is the same in all trips, as far as it is known before the first.
    if (loops && !parts) {
      EmitAt(Frontier(info_, values,
                      [&](int value) {
                        return levels_.of[value] < level && !HasReducedClass(value) &&
                               info_.graph().value(value).opcode() != Opcode::kConstant;
                      }),
             kept);
    }
    // Before the first load is used all are under way.
    const std::vector<int> ahead = parts ? std::vector<int>{} : Frontier(info_, values, is_ahead);
    const auto body = [&] {
      EmitAt(ahead, walked);
      ForRegisters(walked, [&](const std::vector<int>& registers) {
        for (TileReduction* reduction : reductions) {
          if (parts || reduction->joined.empty()) Accumulate(*reduction, parts, registers, reduced);
        }
        for (int root : wide) StoreRoot(root, registers);
      });
      for (TileReduction* reduction : reductions) {
        if (!parts && !reduction->joined.empty()) AccumulateTrips(*reduction, reduced);
      }
    };
    Loops(reduced, 0, body);
    for (TileReduction* reduction : reductions) {
      FinishReduction(*reduction, parts, reduced);
    }
  }

  bool IsLoadedAhead(int value) const {
    return info_.graph().IsInput(value) &&
           std::find(plan_.staged.begin(), plan_.staged.end(), value) == plan_.staged.end();
  }

  // The values of these reductions and roots.
  std::vector<int> ValuesOf(absl::Span<TileReduction* const> reductions,
                            const std::vector<int>& roots) const {
    std::vector<int> values;
    for (const TileReduction* reduction : reductions) {
      values.push_back(reduction->value);
      for (const JoinedReduction& joined : reduction->joined) {
        values.push_back(joined.join.reduction);
      }
    }
    for (int root : roots) {
      values.push_back(info_.graph().NumberOf(*info_.graph().view().roots[root]));
    }
    return values;
  }

  // Emits values at all registers of the classes.
  void EmitAt(const std::vector<int>& values, const std::vector<int>& classes) {
    if (values.empty()) return;
    ForRegisters(classes, [&](const std::vector<int>& registers) {
      const int point = NewPoint(registers);
      for (int value : values) {
        const Instruction& instruction = info_.graph().value(value);
        e_.Emit(instruction, IndexAt(instruction, point));
      }
    });
  }

  int64_t KeptNumber(const std::vector<int>& registers) const {
    int64_t number = 0;
    for (int c = 0; c < class_count_; ++c) {
      if (!IsReduced(c)) number = number * plan_.classes[c].registers + registers[c];
    }
    return number;
  }

  int64_t KeptRegisters() const {
    int64_t count = 1;
    for (int c : KeptClasses()) count *= plan_.classes[c].registers;
    return count;
  }

  // The lanes of the vectors that a reduction's accumulators are; all of them have as many.
  int AccumulatorLanes(const TileReduction& reduction, bool parts) const {
    for (int c = 0; c < class_count_; ++c) {
      const bool own = c < static_cast<int>(info_.space().classes().size());
      if (plan_.classes[c].vector == 1 || !own) continue;
      const bool ended = std::find(reduction.classes.begin(), reduction.classes.end(), c) !=
                         reduction.classes.end();
      const absl::Span<const int> kept = info_.space().ClassesOf(reduction.value);
      if ((ended && !parts) || std::find(kept.begin(), kept.end(), c) != kept.end()) {
        return plan_.classes[c].vector;
      }
    }
    return 1;
  }

  void StartReduction(TileReduction& reduction, bool parts, bool loops) {
    reduction.accumulators.assign(KeptRegisters(), {});
    if (!loops) return;
    int lanes = AccumulatorLanes(reduction, parts);
    if (!parts && !reduction.joined.empty() && EndedLanes(reduction) > 1) lanes = 1;
    for (Accumulator& accumulator : reduction.accumulators) {
      accumulator.StartLoop(e_, reduction, lanes, parts ? lanes : 1);
    }
  }

  // Elements of a vector that a reduction ends.
  int EndedLanes(const TileReduction& reduction) const {
    int lanes = 1;
    for (int c : reduction.classes) lanes *= plan_.classes[c].vector;
    return lanes;
  }

  // Joined reductions take all places of a trip together: for each kept register its reduced ones.
  void AccumulateTrips(TileReduction& reduction, const std::vector<int>& reduced) {
    ForRegisters(KeptClasses(), [&](const std::vector<int>& kept) {
      std::vector<TripPlace> trip;
      ForRegisters(reduced, [&](std::vector<int> registers) {
        for (int c : KeptClasses()) registers[c] = kept[c];
        trip.push_back({NewPoint(registers), Inside(reduced, registers)});
      });
      AccumulateTrip(e_, reduction, trip, EndedLanes(reduction),
                     reduction.accumulators[KeptNumber(kept)]);
    });
  }

  // Whether a place lies in the space along these classes; null where it always does.
  Value Inside(const std::vector<int>& classes, const std::vector<int>& registers) {
    Value inside = nullptr;
    for (int c : classes) {
      const Value in_class = places_.Inside(c, registers[c]);
      if (in_class != nullptr) inside = inside == nullptr ? in_class : b_.And(inside, in_class);
    }
    return inside;
  }

  void Accumulate(TileReduction& reduction, bool parts, const std::vector<int>& registers,
                  const std::vector<int>& reduced) {
    const int point = NewPoint(registers);
    const Value inside = Inside(reduced, registers);
    Elements elements;
    if (parts) {
      elements = LoadParts(reduction, point, points_[point][reduced[0]]);
    } else {
      const Instruction& reduce = *reduction.instruction;
      Index place;
      place.point = point;
      for (int64_t k = 0; k < reduce.operand_count() / 2; ++k) {
        elements.push_back(e_.EmitOperand(reduce, k, place));
      }
      elements = reduction.combination.Accumulators(e_, elements);
    }
    for (Element& element : elements) {
      element = e_.Broadcast(element, AccumulatorLanes(reduction, parts));
    }
    Accumulator taken(std::move(elements), nullptr);
    if (TakesOneLane(reduced)) taken.CombineVector(e_, reduction);
    reduction.accumulators[KeptNumber(registers)].Take(e_, reduction, taken.elements(), inside);
  }

  // Threads that hold many vectors of a row have no registers for accumulators of vectors.
  bool TakesOneLane(const std::vector<int>& reduced) const {
    int64_t registers = 1;
    bool ends = false;
    for (int c : reduced) {
      if (plan_.classes[c].loop > 1) return false;
      registers *= plan_.classes[c].registers;
      ends = ends || plan_.classes[c].vector > 1;
    }
    return ends && registers >= kManyVectors;
  }

  // Partial result number `part` of every leaf.
  Elements LoadParts(const TileReduction& reduction, int point, Value part) {
    const Index index = IndexAt(*reduction.instruction, point);
    Elements elements;
    for (int number : reduction.scratch) {
      elements.push_back(e_.Load(frame_.memory.scratch[number], ScratchShape(number),
                                 PartIndex(reduction, index, part)));
    }
    return elements;
  }

  // The element of a scratch buffer [parts, kept elements] for the reduction's `index`.
  Index PartIndex(const TileReduction& reduction, const Index& index, Value part) {
    const Shape& shape = ArrayOf(reduction.instruction->shape());
    Index result;
    const Value linear = index.linear == nullptr ? math_.Const(0) : index.linear;
    result.dims = {part, linear};
    result.linear = b_.Add(math_.Mul(part, shape.ElementCount()), linear);
    result.lane = index.lane;
    if (result.lane.count > 1) {
      result.lane.stride *= RowMajorStrides(shape.dimensions())[index.lane.dim];
      result.lane.dim = 1;
    }
    return result;
  }

  const Shape& ScratchShape(int number) const { return frame_.fusion_plan.scratch[number].shape; }

  void FinishReduction(TileReduction& reduction, bool parts, const std::vector<int>& reduced) {
    if (reduction.joined.empty()) {
      CombineThreads(reduction, reduced);
    } else {
      CombineThreadsJoined(e_, reduction,
                           [&](TileReduction& leaf) { CombineThreads(leaf, reduced); });
    }
    const bool stores = plan_.combines() || (!parts && plan_.partial_level > 0);
    ForRegisters(KeptClasses(), [&](const std::vector<int>& registers) {
      const Accumulator& accumulator = reduction.accumulators[KeptNumber(registers)];
      const int point = NewPoint(registers);
      if (stores) {
        StorePart(reduction, accumulator.elements(), point, registers, reduced);
      } else {
        Provide(reduction, accumulator, point);
      }
    });
  }

  // Leaves in each accumulator what the threads have together that share these classes.
  void CombineThreads(TileReduction& reduction, const std::vector<int>& reduced) {
    std::vector<int> lane_masks;
    int64_t warps = 1;
    for (int c : reduced) {
      for (int l = 1; l < plan_.classes[c].lanes; l *= 2)
        lane_masks.push_back(places_.LaneMask(c) * l);
      warps *= plan_.classes[c].warps;
    }
    bool vector_ended = false;
    for (int c : reduced) vector_ended = vector_ended || plan_.classes[c].vector > 1;
    for (Accumulator& accumulator : reduction.accumulators) {
      accumulator.FinishLoop(e_);
      if (vector_ended) accumulator.CombineVector(e_, reduction);
      accumulator.CombineLanes(e_, reduction, lane_masks);
    }
    if (warps > 1) {
      CombineWarps({e_, plan_, places_, frame_.plan.block_threads / kernel::kWarpSize,
                    absl::StrCat("parts", exchanges_++), in_loop_},
                   reduction, reduced);
    }
  }

  void Provide(const TileReduction& reduction, const Accumulator& accumulator, int point) {
    const Index index = IndexAt(*reduction.instruction, point);
    const Elements results = accumulator.Result(e_, reduction);
    for (size_t i = 0; i < results.size(); ++i) {
      e_.Provide(*reduction.instruction, index, static_cast<int>(i), results[i]);
    }
    ProvideJoined(e_, reduction, accumulator.elements(), point);
  }

  // What a kernel before has put together lies behind the parts.
  Value CombinedPart() { return math_.Const(plan_.classes.back().size); }

  void ReadCombined(int level) {
    for (TileReduction& reduction : reductions_) {
      if (reduction.level != level) continue;
      ForRegisters(KeptClasses(), [&](const std::vector<int>& registers) {
        const int point = NewPoint(registers);
        Provide(reduction, Accumulator(LoadParts(reduction, point, CombinedPart()), nullptr),
                point);
      });
    }
  }

  void StorePart(const TileReduction& reduction, const Elements& elements, int point,
                 const std::vector<int>& registers, const std::vector<int>& reduced) {
    const Index index = IndexAt(*reduction.instruction, point);
    Value part = math_.Const(0);
    int64_t below = 1;
    for (int c : reduced) {
      part = b_.Add(part, math_.Mul(places_.block(c), below));
      below *= plan_.classes[c].blocks;
    }
    if (plan_.combines()) part = CombinedPart();
    const absl::Span<const int> own = info_.space().ClassesOf(reduction.value);
    const Value stores = IsStored(own, registers, reduced);
    e_.If(stores, [&] {
      for (size_t i = 0; i < elements.size(); ++i) {
        e_.Store(frame_.memory.scratch[reduction.scratch[i]], ScratchShape(reduction.scratch[i]),
                 PartIndex(reduction, index, part), elements[i]);
      }
    });
  }

  // Whether this thread stores the element that has the classes `own`: it lies in the space, and no
  // other thread has it too.  Blocks of the classes `apart` have elements of their own.
  Value IsStored(absl::Span<const int> own, const std::vector<int>& registers,
                 const std::vector<int>& apart) {
    Value stores = b_.True();
    for (int c = 0; c < class_count_; ++c) {
      if (std::find(own.begin(), own.end(), c) != own.end()) {
        const Value inside = places_.Inside(c, registers[c]);
        if (inside != nullptr) stores = b_.And(stores, inside);
        continue;
      }
      stores = places_.IsFirst(c, stores);
      if (registers[c] != 0) stores = b_.False();
      const bool kept = !IsReduced(c);
      if (kept && plan_.classes[c].loop > 1) {
        stores = b_.And(stores, b_.Eq(places_.trip(c), math_.Const(0)));
      }
      const bool is_apart = std::find(apart.begin(), apart.end(), c) != apart.end();
      if (plan_.classes[c].blocks > 1 && !is_apart) {
        stores = b_.And(stores, b_.Eq(places_.block(c), math_.Const(0)));
      }
    }
    return stores;
  }

  void StoreRoot(int root, const std::vector<int>& registers) {
    const Instruction& instruction = *info_.graph().view().roots[root];
    const int value = info_.graph().NumberOf(instruction);
    const Index index = IndexAt(instruction, NewPoint(registers));
    const Value stores = IsStored(info_.space().ClassesOf(value), registers, {});
    if (stores->IsConstant() && stores->ConstantInteger() == 0) return;
    const std::vector<Shape> leaves = plan::Leaves(instruction.shape());
    Elements values;
    const auto compute = [&] {
      for (size_t i = 0; i < leaves.size(); ++i) {
        values.push_back(e_.Emit(instruction, index, static_cast<int>(i)));
      }
    };
    // What few threads store, the others need not compute.
    const bool narrow = levels_.last > 0 && !HasReducedClass(value);
    if (!narrow) compute();
    e_.If(stores, [&] {
      if (narrow) compute();
      for (size_t i = 0; i < leaves.size(); ++i) {
        e_.Store(frame_.memory.results[first_result_[root] + i], leaves[i], index, values[i]);
      }
    });
  }

  Frame& frame_;
  const plan::TilePlan& plan_;
  const FusionInfo info_;
  const std::vector<plan::Join> joins_;
  const plan::PassLevels levels_;
  ElementEmitter& e_;
  kernel::Builder& b_;
  IndexMath& math_;
  TilePlaces places_;
  const int class_count_;
  std::vector<TileReduction> reductions_;
  absl::flat_hash_set<const Instruction*> held_;
  std::vector<int> first_result_;  // of each root, among the fusion's results
  std::vector<std::vector<Value>> points_;
  int exchanges_ = 0;
  bool in_loop_ = false;  // shared memory is used again by the next trip
};

}  // namespace

void LowerTile(Frame& frame) { TileLowering(frame).Run(); }

}  // namespace ingot::lower
