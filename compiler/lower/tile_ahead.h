// Inputs that a thread copies to shared memory trips before it computes with them.
#ifndef INGOT_COMPILER_LOWER_TILE_AHEAD_H_
#define INGOT_COMPILER_LOWER_TILE_AHEAD_H_

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "compiler/lower/frame.h"
#include "compiler/lower/tile_places.h"
#include "ir/analysis/fusion_info.h"

namespace ingot::lower {

// The inputs of TilePlan::ahead.  Each thread has places of its own, one for each vector that it
// holds, and reads only those: a copy needs to be waited for, and no barrier.
class TileAhead {
 public:
  // The places of the thread.
  struct Walk {
    // The index of a parameter, with register `r` of the class `c`.
    std::function<Index(const Instruction& parameter, int c, int r)> index_of;
    // Whether what it has there may lie beyond the space, and is then read at the last place in it.
    std::function<bool(int c, int r)> is_masked;
    // Where rows are aligned: the index of the element at an end of its row, and whether there is
    // one for the thread.
    std::function<std::pair<Index, kernel::Value>(const Instruction& parameter)> end_of;
  };

  TileAhead(Frame& frame, const FusionInfo& info, TilePlaces& places, Walk walk)
      : frame_(frame), info_(info), places_(places), walk_(std::move(walk)) {}

  // Before the loop: makes room, and starts the copies of the first trips.
  void Start();
  // In the loop: waits for this trip's elements.  Unless they rest (TilePlan::rests), provides them
  // and starts copies of a trip to come.
  void Take();
  // What rests, in each pass and trip of the innermost class: provides vector number `r`.
  void Read(int r);
  // In the last pass, behind that: starts the trip's copies of a row to come.
  void CopyNextTrip();

 private:
  struct Input {
    const Instruction* parameter;
    int inner;    // its class along memory
    int vectors;  // that a thread holds of a trip, registers of that class
    int lanes;    // of a vector
    kernel::Buffer* shared;
    ElementVar end;  // of the next trip's row, loaded a trip ahead, where rows are aligned
  };

  // Whether passes walk the class, and rows rest meanwhile.
  bool IsWalked(int c) const;
  // The trip of the class that loops over rows, if one does.
  kernel::Value Row();
  void SetRow(kernel::Value row);
  // Start copies of a row, or of the trip of it where the walk is, and are at this row then.
  void CopyRow(kernel::Value row);
  void CopyTrip(kernel::Value row);
  // Calls `copy` with the row that takes this one's place, if there is one.
  void CopyNext(const std::function<void(kernel::Value row)>& copy);
  void LoadEnd(const Input& input);
  // Provides the end of the row, and loads that of the next.
  void TakeEnd(const Input& input);
  // Provides vector number `r` of the trip.
  void Provide(const Input& input, int r);
  // Where the thread keeps the first vector of the trip that it is at, and so vector `number`.
  kernel::Value FirstPlaceOf(const Input& input);
  kernel::Value PlaceOf(const Input& input, kernel::Value first, kernel::Value number);

  Frame& frame_;
  const FusionInfo& info_;
  TilePlaces& places_;
  Walk walk_;
  std::vector<Input> inputs_;
  int rows_ = -1;  // the class that loops over rows
};

}  // namespace ingot::lower

#endif  // INGOT_COMPILER_LOWER_TILE_AHEAD_H_
