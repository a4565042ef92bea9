// Inputs that lie across the results of a tile kernel: boxes of them in shared memory.
#ifndef INGOT_COMPILER_LOWER_TILE_TURNED_H_
#define INGOT_COMPILER_LOWER_TILE_TURNED_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "compiler/lower/frame.h"
#include "compiler/lower/tile_places.h"
#include "compiler/plan/tile_turned.h"
#include "ir/analysis/fusion_info.h"

namespace ingot::lower {

// The inputs of TilePlan::turned.
class TileTurned {
 public:
  TileTurned(Frame& frame, const FusionInfo& info, TilePlaces& places);

  // Copies the boxes of the block to shared memory.  A barrier behind it is the caller's, and then
  // Wait.
  void Copy();
  // Waits for bulk copies.
  void Wait();
  // Calls `body` for the thread's places in the boxes: for all at once, or, of single elements, in
  // a loop over the columns, once for blocks inside the rows and once for the others.
  void ForPlaces(const std::function<void()>& body);
  // What input number `i` of TilePlan::turned has at the thread's place with these registers: a
  // vector along the rows' class.  `shift`: what rows are moved back by, null where they are not.
  kernel::Value Read(size_t i, const std::vector<int>& registers, kernel::Value shift);

 private:
  struct Box {
    const Instruction* parameter;
    plan::TurnedBox box;
    kernel::Buffer* shared;
    int value;
    kernel::MapParameter* map = nullptr;  // TilePlan::bulk
  };

  // The number of the first element that a block copies of row `row` of the box, and whether that
  // row is one of the array; of rows of vectors, the last is taken for those behind it.
  struct Row {
    kernel::Value start;
    kernel::Value inside = nullptr;  // null: it is
  };
  Row RowAt(const Box& box, kernel::Value row);
  void ForColumns(const std::function<void()>& body);
  kernel::Value FirstColumn(const Box& box);
  void CopyBulk();
  void CopyVectors(const Box& box);
  void CopyElements(const Box& box);
  void CopyElements(const Box& box, kernel::Value needed);
  // The loop over the rows of a box of which `step` are copied side by side, the thread's first
  // from `first` on; `several` of a thread's rows at a time, whether they are in the box or not.
  void ForRows(const Box& box, kernel::Value first, int64_t step, int64_t several,
               const std::function<void(absl::Span<const kernel::Value> rows)>& body);

  Frame& frame_;
  const FusionInfo& info_;
  const plan::TilePlan& plan_;
  TilePlaces& places_;
  kernel::Builder& b_;
  IndexMath& math_;
  std::vector<Box> boxes_;
  kernel::Buffer* landed_ = nullptr;  // the mbarrier of all bulk copies
};

}  // namespace ingot::lower

#endif  // INGOT_COMPILER_LOWER_TILE_TURNED_H_
