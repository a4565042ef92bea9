// TileTasks: what only the tasks of a host do with the places of a tile kernel.
#ifndef INGOT_COMPILER_LOWER_TILE_TASKS_H_
#define INGOT_COMPILER_LOWER_TILE_TASKS_H_

#include <functional>
#include <vector>

#include "compiler/lower/tile_roots.h"

namespace ingot::lower {

class TileTasks : public TileRoots {
 protected:
  explicit TileTasks(Frame& frame);

  // Whether elements of a row are left behind its vectors, which a pass walks one by one; and calls
  // `body` with the place of each, in loops over them and the other classes.
  bool HasRest(const std::vector<int>& reduced) const;
  void ForRest(const std::vector<int>& reduced, const std::function<void(int point)>& body);

  // Whether the loops over the classes take so many steps that sums are made of pieces; and calls
  // `body`, in a loop over the pieces, where Loops walks one.
  bool HasPieces(const std::vector<int>& reduced) const;
  void ForPieces(const std::vector<int>& reduced, const std::function<void()>& body);

  // At a place of pass `pass` over a row: provides what earlier passes have buffered, and stores
  // what it is the first to need.
  void ReadBuffered(int pass, int point);
  void WriteBuffered(int pass, int point);

  // At the first place of a box of turned inputs: provides what they have there and calls `body`,
  // or, where the box is not whole, stores all roots one by one.
  void EmitBox(const std::function<void()>& body);

 private:
  // Memory of the task for a value; the first pass that needs it.
  struct Row {
    int value;
    kernel::Buffer* memory;
    int first_pass;
    kernel::Buffer* half = nullptr;  // of a box that is half turned
  };
  static kernel::AccessOptions OptionsOf(const Row& row, int lanes);

  // The trips of a piece of the outermost class that loops, which is the first.
  int OutermostLoop(const std::vector<int>& reduced) const;
  int64_t TripsOfPiece(const std::vector<int>& reduced) const;
  // The element (row, column) of a turned input, and so many behind it along the input's memory.
  kernel::Value LoadAcross(int input, kernel::Value row, kernel::Value column, int lanes);
  // Stores a box of a turned input, whose first element is (row, column), as vectors along the
  // results.
  void Turn(const Row& turned, kernel::Value row, kernel::Value column);

  std::vector<std::vector<bool>> needed_;  // plan::NeededInPass
  std::vector<Row> rows_;                  // of TilePlan::buffered, or boxes of TilePlan::turned
};

}  // namespace ingot::lower

#endif  // INGOT_COMPILER_LOWER_TILE_TASKS_H_
