// Sums of sorted updates, run by run.
#ifndef INGOT_COMPILER_LOWER_SCATTER_WALK_H_
#define INGOT_COMPILER_LOWER_SCATTER_WALK_H_

#include <functional>
#include <vector>

#include "compiler/lower/scatter_updates.h"

namespace ingot::lower {

// Goes along entries, each a key and what is to be combined with that row, and hands on the sum of
// each run of one key.
class SegmentWalk {
 public:
  // What becomes of a sum: of a run inside, and of the first (0) and last (1) one, whose row may
  // have more.
  struct Sinks {
    std::function<void(kernel::Value key, const Elements& sum)> whole;
    // Null: all are whole.
    std::function<void(int which, kernel::Value key, const Elements& sum)> partial;
  };

  SegmentWalk(ElementEmitter& e, const ScatterUpdates& updates, Sinks sinks);

  // Nothing where the key is negative.
  void Take(kernel::Value key, const Elements& values);
  // Of partial sums there are always two.
  void End();

 private:
  void EndRun();

  ElementEmitter& e_;
  kernel::Builder& b_;
  const ScatterUpdates& updates_;
  const Sinks sinks_;
  kernel::Var* key_ = nullptr;  // -1: there was none
  kernel::Var* is_first_ = nullptr;
  std::vector<ElementVar> sum_;
};

// The threads of a block walk a tile in shared memory, s32 keys and single elements, `span` entries
// each, and fewer of them what these leave, until one is left.  What is whole goes where `last`
// says, and so does what is left.  A barrier stands before.
void WalkTile(Frame& frame, const ScatterUpdates& updates, kernel::Buffer* keys,
              kernel::Buffer* values, const std::function<SegmentWalk::Sinks()>& last);

}  // namespace ingot::lower

#endif  // INGOT_COMPILER_LOWER_SCATTER_WALK_H_
