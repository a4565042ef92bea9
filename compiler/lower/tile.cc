// The tile skeleton: one walk over the iteration space for whatever is elementwise, data movement
// and reduction.  plan::TilePlan says who computes which coordinates.
#include <algorithm>
#include <functional>

#include "absl/container/flat_hash_map.h"
#include "compiler/lower/combination.h"
#include "compiler/lower/frame.h"
#include "compiler/lower/tile_ahead.h"
#include "compiler/lower/tile_boxes.h"
#include "compiler/lower/tile_exchange.h"
#include "compiler/lower/tile_frontier.h"
#include "compiler/lower/tile_joined.h"
#include "compiler/lower/tile_parts.h"
#include "compiler/lower/tile_reduction.h"
#include "compiler/lower/tile_turned.h"
#include "compiler/plan/analysis.h"
#include "compiler/plan/tile_held.h"
#include "ir/analysis/fusion_info.h"

namespace ingot::lower {

using kernel::Value;

namespace {

class TileLowering : public TileBoxes {
 public:
  explicit TileLowering(Frame& frame)
      : TileBoxes(frame),
        ahead_(frame, info_, places_,
               {[this](const Instruction& parameter, int c, int r) {
                  std::vector<int> registers(class_count_, 0);
                  registers[c] = r;
                  return IndexAt(parameter, NewPoint(registers));
                },
                [this](int c, int r) { return IsMasked(c, r); },
                [this](const Instruction& parameter) {
                  const std::vector<int> first(class_count_, 0);
                  return std::pair{IndexAt(parameter, NewEnd(first)), InsideEnd(first)};
                }}),
        turned_(frame, info_, places_),
        parts_(frame, info_) {
    frame.context.tile = this;
  }
  ~TileLowering() override { frame_.context.tile = nullptr; }

  void Run() {
    SetLaunch();
    for (const plan::TileClass& c : plan_.classes)
      if (c.size == 0) return;
    for (const Reduction& found : info_.reductions()) {
      held_.insert(&info_.graph().value(found.value));
    }
    reductions_ = FindReductions(info_, joins_, levels_);
    for (TileReduction& reduction : reductions_) {
      reduction.combination = CombinationOf(e_, *reduction.instruction);
      reduction.product = ProductOf(e_, reduction);
      for (JoinedReduction& joined : reduction.joined) {
        joined.combination = CombinationOf(e_, *joined.instruction);
      }
    }
    const std::vector<int> kept = KeptClasses();
    for (int c : kept) in_loop_ = in_loop_ || plan_.classes[c].loop > 1;
    in_loop_ = in_loop_ && !HasOtherExchanges();
    staged_.Copy();
    if (!plan_.staged.empty() && plan_.packed < 0) b_.Barrier();
    if (!plan_.ahead.empty()) ahead_.Start();
    EmitAt(plan_.kept, ReducedClasses(/*parts=*/false));
    if (plan_.box_threads > 0) return EmitBoxes();
    if (!plan_.turned.empty()) return EmitTurned(kept);
    const auto across = StartAcross();
    Loops(kept, 0, [&] {
      if (!plan_.ahead.empty()) ahead_.Take();
      CopyPacked();
      EmitTile();
      StorePacked();
    });
    for (TileReduction* reduction : across) FinishAcross(*reduction);
    StoreGathered();
  }

  void SetLaunch() {
    if (!is_task_) return frame_.LaunchBlocks();
    kernel::Launch& launch = frame_.kernel->launch();
    launch.machine = kernel::Machine::kHost;
    launch.tasks = frame_.plan.tasks;
  }

  bool IsHeld(const Instruction& instruction) const override {
    return held_.contains(&instruction);
  }

 private:
  // Whether a tile has several exchanges: others' barriers stand between two uses of one's memory.
  bool HasOtherExchanges() const {
    if (plan_.known_level > 0 || (plan_.partial_level > 0 && levels_.across == 0)) return false;
    return std::count_if(reductions_.begin(), reductions_.end(), [&](const auto& reduction) {
             return !levels_.IsAcross(reduction.value);
           }) > 1;
  }

  // Boxes of turned inputs are copied, what lies along the results is loaded, and boxes are read.
  void EmitTurned(const std::vector<int>& kept) {
    if (is_task_) return Loops(kept, 0, [&] { EmitBox([&] { EmitTile(); }); });
    const auto is_ahead = [&](int value) { return IsLoadedAhead(value); };
    const std::vector<int> all = ClassesBut({});
    if (!plan_.shifted) EmitAt(Frontier(info_, FirstValues(), is_ahead), all);
    turned_.Copy();
    b_.Barrier();
    turned_.Wait();
    turned_.ForPlaces([&] { ReadTurned(all); });
  }

  // What the first pass computes.
  std::vector<int> FirstValues() {
    std::vector<int> values = ValuesOf({}, RootsOf(plan_.known_level));
    for (const TileReduction& reduction : reductions_) {
      if (reduction.level == plan_.known_level + 1) values.push_back(reduction.value);
    }
    return values;
  }

  void ReadTurned(const std::vector<int>& classes) {
    ForRegisters(classes, [&](const std::vector<int>& registers) {
      const int point = NewPoint(registers);
      for (size_t i = 0; i < plan_.turned.size(); ++i) {
        const Instruction& parameter = info_.graph().value(plan_.turned[i]);
        e_.Provide(parameter, IndexAt(parameter, point), 0,
                   {turned_.Read(i, registers, ShiftAt(registers)), nullptr});
      }
    });
    EmitTile();
  }

  void EmitTile() {
    if (levels_.across > 0) return EmitAcross();
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

  // A tile of a walk with reductions across it, or of what puts their parts together.
  void EmitAcross() {
    const int known = plan_.known_level;
    if (levels_.IsLate(plan_)) {
      Reduce(known, /*parts=*/true, {});
      Reduce(known + 1, /*parts=*/false, RootsOf(known));
      return;
    }
    for (int level = 0; level < levels_.across; ++level) {
      Reduce(level + 1, /*parts=*/false, RootsOf(level));
    }
  }

  // The reductions of which this kernel leaves parts, before any trip.
  std::vector<TileReduction*> StartAcross() {
    std::vector<TileReduction*> across;
    for (TileReduction& reduction : reductions_) {
      if (!levels_.IsAcross(reduction.value) || levels_.IsLate(plan_)) continue;
      const std::vector<int> apart = ClassesBut(reduction.classes);
      reduction.accumulators.assign(RegistersOf(apart), {});
      for (Accumulator& accumulator : reduction.accumulators) {
        accumulator.StartLoop(e_, reduction,
                              AccumulatorLanes(info_, plan_, reduction, /*parts=*/false));
      }
      if (plan_.aligned && HasReducedClass(info_.graph().EdgesOf(reduction.value)[0].operand)) {
        reduction.ends.resize(1);
        reduction.ends[0].StartLoop(e_, reduction, 1);
      }
      across.push_back(&reduction);
    }
    return across;
  }

  // Takes the place of these registers.
  void AccumulateAcross(TileReduction& reduction, const std::vector<int>& registers) {
    // Places that differ along other classes only are one place of what is reduced.
    const int operand = info_.graph().EdgesOf(reduction.value)[0].operand;
    const absl::Span<const int> own = info_.space().ClassesOf(operand);
    for (int c = 0; c < class_count_; ++c) {
      if (registers[c] != 0 && !plan::Contains(own, c)) return;
    }
    Accumulator& accumulator =
        reduction.accumulators[NumberOf(ClassesBut(reduction.classes), registers)];
    const Elements operands = OperandsAt(
        reduction, NewPoint(registers), AccumulatorLanes(info_, plan_, reduction, /*parts=*/false));
    const auto take = [&] { Take(accumulator, reduction, operands, nullptr); };
    const Value inside = Inside(reduction.classes, registers);
    inside == nullptr ? take() : e_.If(inside, take);
  }

  // After all trips: the block's part.
  void FinishAcross(TileReduction& reduction) {
    std::vector<Accumulator> ends;
    if (!plan::Contains(reduction.classes, plan_.order[0])) ends.swap(reduction.ends);
    CombineThreads(reduction, reduction.classes);
    const std::vector<int> apart = ClassesBut(reduction.classes);
    ForRegisters(apart, [&](const std::vector<int>& registers) {
      const Accumulator& accumulator = reduction.accumulators[NumberOf(apart, registers)];
      StorePart(reduction, accumulator.elements(), NewPoint(registers), registers,
                reduction.classes);
    });
    if (ends.empty()) return;
    reduction.accumulators = std::move(ends);
    CombineThreads(reduction, reduction.classes);
    const std::vector<int> first(class_count_, 0);
    StorePart(reduction, reduction.accumulators[0].elements(), NewEnd(first), first,
              reduction.classes, InsideEnd(first));
  }

  // One pass: computes the reductions of `level`, from partial results or from their operands, and
  // stores roots on the way.
  void Reduce(int level, bool parts, const std::vector<int>& roots) {
    const std::vector<int> kept = KeptClasses();
    const std::vector<int> reduced = ReducedClasses(parts);
    std::vector<TileReduction*> reductions;
    for (TileReduction& reduction : reductions_) {
      const bool is_across = levels_.IsAcross(reduction.value) && !parts;
      if (reduction.level == level && !is_across) reductions.push_back(&reduction);
    }
    std::vector<TileReduction*> across, narrow_across;
    if (!parts && !levels_.IsLate(plan_)) FindAcross(level - 1, across, narrow_across);
    std::vector<int> wide, narrow;
    for (int root : roots) {
      (HasReducedClass(ValueOfRoot(root)) ? wide : narrow).push_back(root);
    }
    const auto is_ahead = [&](int value) { return IsLoadedAhead(value); };
    if (levels_.last == 0 && !is_task_)
      EmitAt(Frontier(info_, ValuesOf({}, narrow), is_ahead), kept);
    std::vector<int> values = ValuesOf(reductions, wide);
    for (const TileReduction* reduction : across) values.push_back(reduction->value);
    bool loops = false;
    for (int c : reduced) loops = loops || plan_.classes[c].loop > 1;
    // What is the same in all trips, as far as it is known before the first.
    if (loops && !parts) {
      EmitAt(Frontier(info_, values,
                      [&](int value) {
                        return levels_.of[value] < level && !HasReducedClass(value) &&
                               info_.graph().value(value).opcode() != Opcode::kConstant;
                      }),
             kept);
    }
    ForRegisters(kept, [&](const std::vector<int>& registers) {
      for (TileReduction* reduction : narrow_across) AccumulateAcross(*reduction, registers);
      StoreRoots(narrow, registers);
    });
    if (reductions.empty() && wide.empty() && across.empty()) return;
    for (TileReduction* reduction : reductions) StartReduction(*reduction, parts, loops);
    if (plan_.aligned && !parts) {
      ForRegisters(kept, [&](const std::vector<int>& registers) {
        EmitEnd(reductions, across, wide, registers);
      });
    }
    if (HasRest(reduced)) EmitRest(level, reductions, wide, reduced);
    std::vector<int> walked = kept;
    walked.insert(walked.end(), reduced.begin(), reduced.end());
    // Before the first load is used all are under way.
    const std::vector<int> ahead = parts ? std::vector<int>{} : Frontier(info_, values, is_ahead);
    const auto body = [&] {
      EmitAt(ahead, walked);
      std::vector<Elements> loaded;
      if (parts) loaded = LoadParts(reductions, walked, reduced[0]);
      size_t next = 0;
      ForRegisters(walked, [&](const std::vector<int>& registers) {
        if (plan_.rests) ahead_.Read(registers[plan_.order[0]]);
        if (!parts) ReadBuffered(level - 1, NewPoint(registers));
        for (TileReduction* reduction : reductions) {
          if (!parts && !reduction->joined.empty()) continue;
          Accumulate(*reduction, parts,
                     parts ? loaded[next++]
                           : OperandsAt(*reduction, NewPoint(registers),
                                        AccumulatorLanes(info_, plan_, *reduction, parts)),
                     registers, reduced);
        }
        for (TileReduction* reduction : across) AccumulateAcross(*reduction, registers);
        StoreRoots(wide, registers);
        if (!parts) WriteBuffered(level - 1, NewPoint(registers));
      });
      if (plan_.rests && level == plan::LastWalk(info_, levels_, plan_)) ahead_.CopyNextTrip();
      for (TileReduction* reduction : reductions) {
        if (!parts && !reduction->joined.empty()) AccumulateTrips(*reduction, reduced);
      }
    };
    LoopsInPieces(reductions, parts, reduced, [&] { plan_.rests ? HoldOf(walked, body) : body(); });
    for (TileReduction* reduction : reductions) {
      FinishReduction(*reduction, parts, reduced);
    }
  }

  // The reductions across the walk whose operands are known behind the reductions of a level.
  void FindAcross(int level, std::vector<TileReduction*>& wide,
                  std::vector<TileReduction*>& narrow) {
    for (TileReduction& reduction : reductions_) {
      if (!levels_.IsAcross(reduction.value)) continue;
      int known = 0;
      bool is_wide = false;
      for (const FusionEdge& edge : info_.graph().EdgesOf(reduction.value)) {
        known = std::max(known, levels_.of[edge.operand]);
        is_wide = is_wide || HasReducedClass(edge.operand);
      }
      if (known == level) (is_wide ? wide : narrow).push_back(&reduction);
    }
  }

  bool IsLoadedAhead(int value) const {
    return info_.graph().IsInput(value) && !plan::Contains(plan_.staged, value) &&
           !plan::Contains(plan_.turned, value) &&
           !(plan_.rests && plan::Contains(plan_.ahead, value));
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
    for (int root : roots) values.push_back(ValueOfRoot(root));
    return values;
  }

  int64_t KeptNumber(const std::vector<int>& registers) const {
    return NumberOf(KeptClasses(), registers);
  }

  // The ends of an aligned row: their elements are accumulated and stored one by one.
  void EmitEnd(const std::vector<TileReduction*>& reductions,
               const std::vector<TileReduction*>& across, const std::vector<int>& roots,
               const std::vector<int>& registers) {
    const int point = NewEnd(registers);
    const Value inside = InsideEnd(registers);
    for (TileReduction* reduction : reductions) {
      const int64_t number = KeptNumber(registers);
      if (!reduction->joined.empty()) {
        AccumulateTrip(e_, *reduction, {{point, inside}}, 1, reduction->accumulators[number]);
      } else {
        Take(reduction->ends[number], *reduction, OperandsAt(*reduction, point, 1), inside);
      }
    }
    for (TileReduction* reduction : across) {
      const Value in_rows = Inside({plan_.spread}, registers);
      Take(reduction->ends[0], *reduction, OperandsAt(*reduction, point, 1),
           in_rows == nullptr ? inside : b_.And(inside, in_rows));
    }
    StoreRoots(roots, registers, point, inside);
  }

  // What a host's task walks one by one behind the vectors of a row.
  void EmitRest(int level, const std::vector<TileReduction*>& reductions,
                const std::vector<int>& roots, const std::vector<int>& reduced) {
    ForRest(reduced, [&](int point) {
      ReadBuffered(level - 1, point);
      for (TileReduction* reduction : reductions) {
        Take(reduction->ends[0], *reduction, OperandsAt(*reduction, point, 1), nullptr);
      }
      StoreRoots(roots, std::vector<int>(class_count_, 0), point, b_.True());
      WriteBuffered(level - 1, point);
    });
  }

  // A host's task adds up the trips of a piece by themselves, so that errors do not add up.
  void LoopsInPieces(const std::vector<TileReduction*>& reductions, bool parts,
                     const std::vector<int>& reduced, const std::function<void()>& body) {
    if (reductions.empty() || !HasPieces(reduced)) return Loops(reduced, 0, body);
    ForPieces(reduced, [&] {
      std::vector<std::vector<Accumulator>> sums;
      for (TileReduction* reduction : reductions) {
        sums.push_back(std::move(reduction->accumulators));
        StartAccumulators(*reduction, parts, /*loops=*/true);
      }
      Loops(reduced, 0, body);
      for (size_t i = 0; i < reductions.size(); ++i) {
        for (size_t k = 0; k < sums[i].size(); ++k) {
          Accumulator& piece = reductions[i]->accumulators[k];
          piece.FinishLoop(e_);
          sums[i][k].Take(e_, *reductions[i], piece.elements(), piece.valid());
        }
        reductions[i]->accumulators = std::move(sums[i]);
      }
    });
  }

  // What a reduction takes at a point, in so many lanes: its operands as accumulators, or the
  // factors of its products.
  Elements OperandsAt(const TileReduction& reduction, int point, int lanes) {
    const bool multiplies = reduction.product != nullptr;
    const Instruction& consumer = multiplies ? *reduction.product : *reduction.instruction;
    Index place;
    place.point = point;
    Elements elements;
    for (int64_t k = 0; k < (multiplies ? 2 : consumer.operand_count() / 2); ++k) {
      elements.push_back(e_.EmitOperand(consumer, k, place));
    }
    if (!multiplies) elements = reduction.combination.Accumulators(e_, std::move(elements));
    for (Element& element : elements) element = e_.Broadcast(element, lanes);
    return elements;
  }

  // Takes what OperandsAt gives.
  void Take(Accumulator& accumulator, const TileReduction& reduction, const Elements& operands,
            Value inside, bool one_lane = false) {
    if (reduction.product == nullptr) {
      Accumulator taken(operands, nullptr);
      if (one_lane) taken.CombineVector(e_, reduction);
      accumulator.Take(e_, reduction, taken.elements(), inside);
    } else if (one_lane) {
      accumulator.TakeProductOfLanes(e_, reduction, operands[0], operands[1], inside);
    } else {
      accumulator.TakeProduct(e_, reduction, operands[0], operands[1], inside);
    }
  }

  void StartReduction(TileReduction& reduction, bool parts, bool loops) {
    reduction.ends.assign(plan_.aligned && !parts ? RegistersOf(KeptClasses()) : 0, {});
    if (HasRest(ReducedClasses(parts))) {
      reduction.ends.resize(1);
      reduction.ends[0].StartLoop(e_, reduction, 1);
    }
    StartAccumulators(reduction, parts, loops);
  }

  void StartAccumulators(TileReduction& reduction, bool parts, bool loops) {
    reduction.accumulators.assign(RegistersOf(KeptClasses()), {});
    if (!loops) return;
    int lanes = AccumulatorLanes(info_, plan_, reduction, parts);
    if (!parts && !reduction.joined.empty() && EndedLanes(plan_, reduction) > 1) lanes = 1;
    for (Accumulator& accumulator : reduction.accumulators) {
      accumulator.StartLoop(e_, reduction, lanes);
    }
  }

  // Joined reductions take all places of a trip together: for each kept register its reduced ones.
  void AccumulateTrips(TileReduction& reduction, const std::vector<int>& reduced) {
    ForRegisters(KeptClasses(), [&](const std::vector<int>& kept) {
      std::vector<TripPlace> trip;
      ForRegisters(reduced, [&](std::vector<int> registers) {
        for (int c : KeptClasses()) registers[c] = kept[c];
        trip.push_back({NewPoint(registers), Inside(reduced, registers)});
      });
      AccumulateTrip(e_, reduction, trip, EndedLanes(plan_, reduction),
                     reduction.accumulators[KeptNumber(kept)]);
    });
  }

  void Accumulate(TileReduction& reduction, bool parts, Elements elements,
                  const std::vector<int>& registers, const std::vector<int>& reduced) {
    const Value inside = Inside(reduced, registers);
    Accumulator& accumulator = reduction.accumulators[KeptNumber(registers)];
    if (!parts) return Take(accumulator, reduction, elements, inside, TakesOneLane(plan_, reduced));
    for (size_t i = 0; i < elements.size(); ++i) {
      if (reduction.IsCount(i)) continue;
      elements[i] = e_.Broadcast(elements[i], AccumulatorLanes(info_, plan_, reduction, parts));
    }
    accumulator.Take(e_, reduction, std::move(elements), inside);
  }

  // The partial results of a trip, of class `c`: of each place those of each reduction in turn.
  std::vector<Elements> LoadParts(const std::vector<TileReduction*>& reductions,
                                  const std::vector<int>& walked, int c) {
    std::vector<Elements> loaded;
    ForRegisters(walked, [&](const std::vector<int>& registers) {
      const int point = NewPoint(registers);
      for (const TileReduction* reduction : reductions) {
        loaded.push_back(parts_.Load(*reduction, IndexAt(*reduction->instruction, point),
                                     CoordinateAt(point, c)));
      }
    });
    return loaded;
  }

  void FinishReduction(TileReduction& reduction, bool parts, const std::vector<int>& reduced) {
    if (reduction.joined.empty()) {
      CombineThreads(reduction, reduced);
    } else {
      CombineThreadsJoined(e_, reduction,
                           [&](TileReduction& leaf) { CombineThreads(leaf, reduced); });
    }
    const bool stores = plan_.combines() || (!parts && plan_.partial_level == reduction.level);
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
      if (!reduction.ends.empty()) {
        Accumulator& end = reduction.ends[&accumulator - reduction.accumulators.data()];
        end.FinishLoop(e_);
        accumulator.Merge(e_, reduction, end);
      }
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
        const Index index = IndexAt(*reduction.instruction, point);
        Provide(reduction, Accumulator(parts_.Load(reduction, index, CombinedPart()), nullptr),
                point);
      });
    }
  }

  void StorePart(const TileReduction& reduction, const Elements& elements, int point,
                 const std::vector<int>& registers, const std::vector<int>& reduced,
                 Value end = nullptr) {
    const Index index = IndexAt(*reduction.instruction, point);
    Value part = math_.Const(0);
    int64_t below = 1;
    for (int c : reduced) {
      part = b_.Add(part, math_.Mul(places_.block(c), below));
      below *= plan_.classes[c].blocks;
    }
    if (plan_.combines()) part = CombinedPart();
    const absl::Span<const int> own = info_.space().ClassesOf(reduction.value);
    e_.If(IsStored(own, registers, reduced, end),
          [&] { parts_.Store(reduction, index, part, elements); });
  }

  TileAhead ahead_;
  TileTurned turned_;
  TileParts parts_;
  std::vector<TileReduction> reductions_;
  absl::flat_hash_set<const Instruction*> held_;
  int exchanges_ = 0;
  bool in_loop_ = false;  // shared memory is used again by the next trip, with no barrier between
};

}  // namespace

void LowerTile(Frame& frame) { TileLowering(frame).Run(); }

}  // namespace ingot::lower
