// Rows of a tile kernel that begin anywhere: a block's ranges of arrays in shared memory.
#ifndef INGOT_COMPILER_LOWER_TILE_PACKED_H_
#define INGOT_COMPILER_LOWER_TILE_PACKED_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "compiler/lower/frame.h"
#include "compiler/lower/tile_places.h"
#include "ir/analysis/fusion_info.h"

namespace ingot::lower {

// The ranges of TilePlan::packed, in words (plan::PackedWordBytes).
class TilePacked {
 public:
  TilePacked(Frame& frame, const FusionInfo& info, const TilePlaces& places);

  // Value numbers of the inputs that are ranges, and whether a result of the fusion is one.
  const std::vector<int>& inputs() const { return inputs_; }
  bool IsRange(size_t result) const { return results_[result].shared != nullptr; }
  bool HasResults() const;

  // Copies the inputs' ranges to shared memory, with zeros for rows beyond the last.  A barrier
  // behind it is the caller's.
  void Copy();
  // Elements of input number `i` of inputs(), a vector of the plan: at register `r` of the rows, at
  // this coordinate of the row.
  kernel::Value Read(size_t i, int r, kernel::Value coordinate);
  // Keeps what a thread has of a result there, whether the row is beyond the last or not.  Results
  // have the memory of inputs; a barrier before the first is the caller's.
  void Write(size_t result, int r, kernel::Value coordinate, kernel::Value value);
  // Stores the results' ranges, behind a barrier.
  void Store();

 private:
  struct Range {
    kernel::Buffer* memory = nullptr;
    kernel::Buffer* shared = nullptr;  // null: it is no range
  };
  enum class Direction : uint8_t { kToShared, kToMemory };
  // Of a thread: its first element in the range, and whether it lies there and in the array.
  struct Access {
    kernel::Value first, in_range, in_array;
  };

  void CopyRanges(absl::Span<const Range> ranges, Direction direction);
  // `left`: how many elements the array has from the range's first on, where they may be fewer;
  // else null.
  void CopyRange(const Range& range, Direction direction, kernel::Value left);
  void CopyEnd(const Range& range, Direction direction, kernel::Value left);
  void Move(const Range& range, Direction direction, absl::Span<const Access> accesses, int lanes);
  kernel::Value FirstElement();
  kernel::Value PlaceOf(int r, kernel::Value coordinate);

  Frame& frame_;
  const plan::TilePlan& plan_;
  const TilePlaces& places_;
  kernel::Builder& b_;
  IndexMath& math_;
  const int rows_, inner_;  // the classes
  int64_t row_elements_ = 0;
  int64_t elements_ = 0;  // of a range
  std::vector<int> inputs_;
  std::vector<Range> input_ranges_;  // of inputs_
  std::vector<Range> results_;       // of all results of the fusion
};

}  // namespace ingot::lower

#endif  // INGOT_COMPILER_LOWER_TILE_PACKED_H_
