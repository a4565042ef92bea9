// TileWalk: the places of a tile kernel's iteration space, and walks over them.
#ifndef INGOT_COMPILER_LOWER_TILE_WALK_H_
#define INGOT_COMPILER_LOWER_TILE_WALK_H_

#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "compiler/lower/frame.h"
#include "compiler/lower/tile_places.h"
#include "compiler/lower/tile_stage.h"
#include "compiler/plan/joins.h"
#include "compiler/plan/pass_levels.h"
#include "ir/analysis/fusion_info.h"

namespace ingot::lower {

class TileWalk : public TileSpace {
 public:
  const Instruction* SourceOf(const Instruction& consumer, int64_t operand) const override;
  Index IndexAt(const Instruction& instruction, int point) override;
  int64_t PlacesThatShare(const Instruction& consumer, int64_t operand) const override;
  std::optional<Element> Read(const Instruction& parameter, const Index& index) override;

 protected:
  explicit TileWalk(Frame& frame);

  // The classes that blocks, lanes and registers share out but reductions end; that of partial
  // results is one.
  bool IsReduced(int c) const { return levels_.IsReduced(plan_, c); }
  bool HasReducedClass(int value) const { return levels_.HasReduced(info_, plan_, value); }
  std::vector<int> KeptClasses() const;
  // The classes that are walked besides the kept ones: those of partial results, or the fusion's.
  std::vector<int> ReducedClasses(bool parts) const;
  std::vector<int> ClassesBut(absl::Span<const int> classes) const;

  // Loops over the classes of the list that have them, from number `i` on, around `body`; the
  // outermost over the trips of piece_ only, if there is one.
  void Loops(const std::vector<int>& classes, size_t i, const std::function<void()>& body);
  // Calls `visit` with every combination of registers of these classes, the others at 0.
  void ForRegisters(const std::vector<int>& classes,
                    const std::function<void(const std::vector<int>&)>& visit);

  // The number of these registers among those of the classes, and how many there are.
  int64_t NumberOf(const std::vector<int>& classes, const std::vector<int>& registers) const;
  int64_t RegistersOf(const std::vector<int>& classes) const;
  // Of what `body` computes, only held values (TilePlan::held) at the registers of the classes are
  // there behind it; later passes compute the others again.
  void HoldOf(const std::vector<int>& classes, const std::function<void()>& body);
  // Emits values at all registers of the classes.
  void EmitAt(const std::vector<int>& values, const std::vector<int>& classes);

  // A place: for each class the coordinate of a register.  What is beyond the space reads its last
  // elements.
  int NewPoint(const std::vector<int>& registers);
  // The place of all first registers, but of this coordinate along class `c`.
  int NewPointAt(int c, kernel::Value coordinate);
  // The place with these coordinates, by class.
  int NewPlace(std::vector<kernel::Value> coordinates);
  kernel::Value CoordinateAt(int point, int c) const { return points_[point].at[c]; }
  // Whether places of register `r` may lie beyond the space along class `c`.
  bool IsMasked(int c, int r) const;
  // Whether a place lies in the space along these classes; null where it always does.
  kernel::Value Inside(const std::vector<int>& classes, const std::vector<int>& registers);

  // TilePlan::shifted: what the row of these registers is moved back by; null where rows are not.
  kernel::Value ShiftAt(const std::vector<int>& registers);

  // TilePlan::aligned: the place of the element at an end of the row that this thread takes, if
  // there is one for it.
  int NewEnd(const std::vector<int>& registers);
  // Hosts: the place of one element, whose coordinates of some classes are these.
  int NewElement(const std::vector<std::pair<int, kernel::Value>>& coordinates);
  kernel::Value InsideEnd(const std::vector<int>& registers);

  Frame& frame_;
  const plan::TilePlan& plan_;
  const FusionInfo info_;
  const std::vector<plan::Join> joins_;
  const plan::PassLevels levels_;
  ElementEmitter& e_;
  kernel::Builder& b_;
  IndexMath& math_;
  const bool is_task_;  // one thread runs a block, on a host
  TilePlaces places_;
  TileStage staged_;
  const int class_count_;
  std::pair<kernel::Value, kernel::Value> piece_;  // trips [first, second)

 private:
  struct Point {
    std::vector<kernel::Value> at;  // by class
    bool end = false;               // of one element, not of a vector
    // Of vectors of aligned rows: where in the row the first vector begins, and which of them it
    // is.
    kernel::Value begin = nullptr;
    kernel::Value vector = nullptr;
  };
  // Of an aligned row, in elements: where whole vectors begin, and how much all of them are.
  struct Row {
    kernel::Value begin;
    kernel::Value extent;
  };

  // The coordinate of a register, or the last one in the space where that is beyond.
  kernel::Value Coordinate(int c, int r);
  bool IsShiftedRow(int c) const { return plan_.shifted && c == plan_.order[0]; }
  kernel::Value ShiftedCoordinate(const std::vector<int>& registers);
  bool IsAlignedRow(int c) const { return plan_.aligned && c == plan_.order[0]; }
  kernel::Value StartOfRow(const std::vector<int>& registers, int64_t modulus);
  Row RowOf(const std::vector<int>& registers);
  kernel::Value EndThread();
  kernel::Value InsideRow(const std::vector<int>& registers);
  void AddDimension(int value, int64_t d, const Point& point, Index& index);

  const std::vector<int> row_classes_;  // of arrays with aligned or shifted rows
  bool reads_shifted_ = false;          // inputs are read from memory at the places of shifted rows
  std::vector<bool> inside_;            // by class
  std::vector<Point> points_;
};

}  // namespace ingot::lower

#endif  // INGOT_COMPILER_LOWER_TILE_WALK_H_
