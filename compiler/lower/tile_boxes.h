// TileBoxes: tile kernels whose blocks have boxes of several classes.
#ifndef INGOT_COMPILER_LOWER_TILE_BOXES_H_
#define INGOT_COMPILER_LOWER_TILE_BOXES_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "compiler/lower/tile_tasks.h"
#include "compiler/plan/tile_box.h"

namespace ingot::lower {

class TileBoxes : public TileTasks {
 protected:
  explicit TileBoxes(Frame& frame);

  // Copies the boxes of the inputs to shared memory, and stores all roots from there.
  void EmitBoxes();

 private:
  // An input in shared memory.
  struct Box {
    const Instruction* parameter;
    plan::BoxSide side;
    plan::SharedBox shared;
    kernel::Buffer* memory;
    int parts = 1;  // of an element: a complex one has two
  };
  // Places in the box, by class; of a line those along its run are 0.
  using Places = std::vector<kernel::Value>;

  // A thread's place in a window of a line, the first of a word, and whether some of the word and
  // all of it are of the run.
  struct Window {
    kernel::Value at, inside, whole;
  };

  void Copy(const Box& box, kernel::Value length);
  void CopyLines(const Box& box, absl::Span<const Places> lines,
                 absl::Span<const kernel::Value> in_box, kernel::Value length);
  void CopyLast(const Box& box);
  kernel::Value LoadLines(const Box& box, const Places& line, kernel::Value at,
                          kernel::Value inside);
  void StoreFrom(const std::vector<int>& roots, const plan::BoxSide& side, kernel::Value length);
  void StoreWindow(const std::vector<int>& roots, const plan::BoxSide& side, const Places& line,
                   const Window& window, kernel::Value length);
  void StoreEnds(const std::vector<int>& roots, const plan::BoxSide& side, const Places& line,
                 kernel::Value shift, kernel::Value length);
  void StoreElement(const std::vector<int>& roots, const plan::BoxSide& side, const Places& line,
                    kernel::Value at, kernel::Value inside, kernel::Value length);
  void StoreWord(const std::vector<int>& roots, const plan::BoxSide& side, const Places& line,
                 kernel::Value at);
  int PlaceAt(const plan::BoxSide& side, const Places& line, kernel::Value at);
  kernel::Value LoadBox(const Box& box, const plan::BoxSide& side, const Places& line,
                        kernel::Value at);
  void ProvideAt(const Box& box, int point, kernel::Value loaded, int i);

  // Calls `body`, in a loop, with the lines of which a warp takes so many at a time, and whether
  // each is one of the box and of the space.
  void ForLines(
      const plan::BoxSide& side, int64_t several,
      const std::function<void(absl::Span<const Places>, absl::Span<const kernel::Value>)>& body);
  // Calls `body` with the windows of a line that begin `shift` before it: with all at once, or in
  // a loop, once for those inside of the run and once for others.
  void ForWindows(const plan::BoxSide& side, int64_t at_once, kernel::Value length,
                  kernel::Value shift, const std::function<void(absl::Span<const Window>)>& body);

  // Elements of the block's runs, which are fewer at the end of the space.
  kernel::Value LengthOf(const plan::BoxSide& side);
  void WithLength(const plan::BoxSide& side, const std::function<void(kernel::Value)>& body);
  // What the windows of a line begin before its run.
  kernel::Value ShiftOf(const plan::BoxSide& side, const Places& line);
  // The places of element `at` of a line's run.
  Places PlacesOf(const plan::BoxSide& side, Places line, kernel::Value at);
  kernel::Value CoordinateOf(int c, kernel::Value place);
  // The row-major number in an array that has these classes, innermost first.
  kernel::Value NumberAt(absl::Span<const int> classes, const Places& places);
  // Where shared memory has the first place of the box, and element `at` of a line's run.
  kernel::Value FrontOf(const Box& box);
  kernel::Value AddressOf(const Box& box, const plan::BoxSide& side, const Places& line,
                          kernel::Value at);

  std::vector<Box> boxes_;  // of TilePlan::turned
};

}  // namespace ingot::lower

#endif  // INGOT_COMPILER_LOWER_TILE_BOXES_H_
