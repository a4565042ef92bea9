#include "compiler/plan/tile_tasks.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "compiler/plan/analysis.h"
#include "compiler/plan/tile_held.h"

namespace ingot::plan {
namespace {

// Vector registers of a row that a task computes with at once, and of columns that it accumulates:
// several hide the latency of an addition, and more of what is accumulated reads longer pieces.
constexpr int kRegistersOfRow = 2;
constexpr int kRegistersOfColumns = 4;
constexpr int kMostRegistersOfTrip = 4;
constexpr int kMostLanes = 64;
// Rows of fewer elements in a vector are a loop's.
constexpr int kLeastLanes = 4;
// Long code is compiled slowly, and hides the latency of its operations itself.
constexpr int64_t kMostOperationsOfTrip = 128;
// Places that make a task long enough for the thread pool, and short enough to balance; and tasks
// that are enough for any processor.
constexpr int64_t kPlacesOfTask = 32 * 1024;
constexpr int64_t kEnoughTasks = 16;

bool HasClass(const FusionInfo& info, int value, int c) {
  return Contains(info.space().ClassesOf(value), c);
}

class TaskDealer {
 public:
  TaskDealer(const FusionInfo& info, const Target& target, const std::vector<int>& order,
             const std::vector<int>& turned)
      : info_(info), target_(target), order_(order), inner_(order[0]) {
    deal_.turned = turned;
    for (const IterationClass& c : info.space().classes()) {
      deal_.classes.emplace_back();
      deal_.classes.back().size = c.size;
      (c.reduced ? deal_.classes.back().loop : deal_.classes.back().blocks) = c.size;
    }
  }

  absl::StatusOr<TileDeal> Run() {
    if (FullLanes() == 1) return absl::FailedPreconditionError("values are no vectors' elements");
    // Each task with columns would repeat what has none.
    for (const Reduction& reduction : info_.reductions()) {
      if (IsReduced(inner_) || HasClass(info_, reduction.value, inner_)) continue;
      return absl::FailedPreconditionError("a reduction's result does not lie along memory");
    }
    const bool dealt = !deal_.turned.empty() ? DealBoxes()
                       : IsReduced(inner_)   ? DealRows()
                                             : DealColumns();
    if (!dealt) {
      return absl::FailedPreconditionError(
          absl::StrCat("rows are too short for vectors: ", inner().size, " elements"));
    }
    if (deal_.turned.empty()) Split();
    if (deal_.splits == 1) ChooseBuffered();
    return std::move(deal_);
  }

 private:
  bool IsReduced(int c) const { return info_.space().classes()[c].reduced; }
  TileClass& inner() { return deal_.classes[inner_]; }

  // Elements of the widest type that takes part in vectors, in one register.
  int FullLanes() const {
    int widest = 1;
    for (int v = 0; v < info_.graph().value_count(); ++v) {
      if (!HasClass(info_, v, inner_)) continue;
      for (const Shape& leaf : Leaves(info_.graph().value(v).shape())) {
        if (IsComplex(leaf.element_type())) return 1;
        widest = std::max(widest, ByteWidth(ComputeType(leaf.element_type())));
      }
    }
    return target_.vector_bytes / widest;
  }

  // The most of `lanes` that no value's dimension cuts.
  int UncutLanes(int lanes) const {
    const IterationSpace& space = info_.space();
    for (int v = 0; v < info_.graph().value_count(); ++v) {
      const int64_t rank = CommonDimensions(info_.graph().value(v).shape()).size();
      for (int64_t d = 0; d < rank; ++d) {
        const absl::Span<const ClassPart> parts = space.PartsOf(v, d);
        for (const ClassPart& part : parts) {
          const bool whole = part.size == space.classes()[inner_].size && parts.size() == 1;
          if (part.class_number != inner_ || part.stride != 1 || whole) continue;
          while (part.size % lanes != 0) lanes /= 2;
        }
      }
    }
    return lanes;
  }

  // Vectors of a row, one after the other; what is left is walked one by one.
  bool DealRows() {
    int lanes = std::min(kMostLanes, kRegistersOfRow * FullLanes());
    while (lanes > inner().size) lanes /= 2;
    inner().vector = UncutLanes(lanes);
    while (inner().vector > FullLanes() && OperationsOfTrip() > kMostOperationsOfTrip) {
      inner().vector /= 2;
    }
    inner().loop = inner().size / inner().vector;
    return inner().vector >= kLeastLanes;
  }

  // Operations on vector registers in the code of a trip.
  int64_t OperationsOfTrip() const {
    int64_t code = 0;
    for (int v = info_.graph().input_count(); v < info_.graph().value_count(); ++v) {
      if (HasClass(info_, v, inner_)) code = SaturatingAdd(code, CodeSize(info_.graph().value(v)));
    }
    const TileClass& own = deal_.classes[inner_];
    const int64_t registers = own.registers * CeilDiv(int64_t{own.vector}, FullLanes());
    return SaturatingMultiply(code, registers);
  }

  // Columns are vectors in registers while a task walks what is reduced.
  bool DealColumns() {
    int lanes = std::min(kMostLanes, kRegistersOfColumns * FullLanes());
    while (inner().size % lanes != 0) lanes /= 2;
    inner().vector = UncutLanes(lanes);
    while (inner().vector > FullLanes() && OperationsOfTrip() > kMostOperationsOfTrip) {
      inner().vector /= 2;
    }
    const int64_t vectors = inner().size / inner().vector;
    inner().registers = kMostRegistersOfTrip;
    while (inner().registers > 1 &&
           (vectors % inner().registers != 0 || OperationsOfTrip() > kMostOperationsOfTrip)) {
      inner().registers /= 2;
    }
    inner().blocks = vectors / inner().registers;
    return inner().vector >= kLeastLanes;
  }

  // Boxes of a vector along the results and as many elements along the inputs that lie across.
  bool DealBoxes() {
    int64_t width = 1;
    for (int v : deal_.turned) {
      width = std::max<int64_t>(width, ByteWidth(info_.graph().value(v).shape().element_type()));
    }
    const int lanes = UncutLanes(static_cast<int>(target_.vector_bytes / width));
    TileClass& columns = deal_.classes[info_.space().ClassesOf(deal_.turned[0]).back()];
    inner().vector = lanes;
    inner().blocks = CeilDiv(inner().size, lanes);
    columns.registers = lanes;
    const int64_t boxes = CeilDiv(columns.size, lanes);
    columns.loop = std::min(boxes, std::max<int64_t>(1, kPlacesOfTask / (lanes * lanes)));
    columns.blocks = CeilDiv(boxes, columns.loop);
    // Boxes, and boxes that are half turned.
    const auto bytes = 2 * width * lanes * lanes * static_cast<int64_t>(deal_.turned.size());
    return lanes >= kLeastLanes && inner().size >= lanes && columns.size >= lanes &&
           bytes <= target_.shared_bytes;
  }

  // Where there would be few tasks, several share the outermost class that is reduced.
  void Split() {
    int64_t tasks = 1, places = 1;
    int outer = -1;
    for (int c : order_) {
      tasks = SaturatingMultiply(tasks, deal_.classes[c].blocks);
      places = SaturatingMultiply(places, deal_.classes[c].size);
      if (IsReduced(c)) outer = c;
    }
    if (tasks >= kEnoughTasks || places < 2 * kPlacesOfTask) return;
    TileClass& own = deal_.classes[outer];
    const int64_t wanted = CeilDiv(places, SaturatingMultiply(tasks, kPlacesOfTask));
    own.loop = CeilDiv(own.loop, std::min(own.loop, wanted));
    const int64_t trips = own.size / own.vector;
    own.blocks = CeilDiv(trips, own.loop);
    deal_.splits = own.blocks;
  }

  // Rows that one task holds, and nothing else that is reduced.
  void ChooseBuffered() {
    for (int c : order_) {
      if (IsReduced(c) != (c == inner_)) return;
    }
    deal_.buffered = ValuesToHandOn(info_, inner_, inner().size, target_.shared_bytes);
  }

  const FusionInfo& info_;
  const Target& target_;
  const std::vector<int>& order_;
  const int inner_;  // the class along memory
  TileDeal deal_;
};

}  // namespace

absl::StatusOr<TileDeal> DealTasks(const FusionInfo& info, const Target& target,
                                   const std::vector<int>& order, const std::vector<int>& turned) {
  return TaskDealer(info, target, order, turned).Run();
}

}  // namespace ingot::plan
