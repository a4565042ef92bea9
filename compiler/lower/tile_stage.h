// Inputs that the threads of a tile's block keep in shared memory.
#ifndef INGOT_COMPILER_LOWER_TILE_STAGE_H_
#define INGOT_COMPILER_LOWER_TILE_STAGE_H_

#include <vector>

#include "compiler/lower/frame.h"
#include "compiler/plan/tile_vectors.h"
#include "ir/analysis/fusion_info.h"

namespace ingot::lower {

// TilePlan::staged.
class TileStage {
 public:
  TileStage(Frame& frame, const FusionInfo& info);

  // Copies all of the inputs to shared memory, from where frame.emitter reads them from then on:
  // behind a barrier, which is the caller's.
  void Copy();

  // Whether the parameter lies in planes (plan::StagedLayout): then its elements are read here.
  bool HasPlanes(const Instruction& parameter) const;
  Element Read(const Instruction& parameter, const Index& index);
  // A vector of an aligned row: number `vector` of those of which the first begins at the element
  // `begin`.
  Element ReadVector(const Instruction& parameter, kernel::Value begin, kernel::Value vector);

 private:
  void CopyInput(const Instruction& parameter, const plan::StagedLayout& layout);
  kernel::Value PlaceOf(const plan::StagedLayout& layout, kernel::Value element);

  Frame& frame_;
  std::vector<const Instruction*> inputs_;
  std::vector<plan::StagedLayout>
      layouts_;  // of every parameter; those not staged have no elements
};

}  // namespace ingot::lower

#endif  // INGOT_COMPILER_LOWER_TILE_STAGE_H_
