#ifndef INGOT_PASSES_NORMALIZE_LAYOUTS_H_
#define INGOT_PASSES_NORMALIZE_LAYOUTS_H_

#include "passes/pass.h"

namespace ingot {

// Makes every layout row-major, so that nothing after it needs to ask.  An entry parameter or
// result whose layout is another keeps its bytes: its shape becomes the physical one (dimensions in
// major-to-minor order), and a transpose stands between it and the graph.
//
//   ENTRY e { ROOT p = f32[2,3]{0,1} parameter(0) }
//     ==>
//   ENTRY e { p = f32[3,2]{1,0} parameter(0)
//             t = f32[2,3]{1,0} transpose(p), dimensions={1,0}
//             ROOT r = f32[3,2]{1,0} transpose(t), dimensions={1,0} }
//
// Layouts inside the graph are hints and are dropped; bitcast, whose meaning depends on them,
// becomes the transposes and the reshape that it stands for.  Tiles and memory spaces are dropped
// too. Ensures: every array shape has the row-major layout; no bitcast is left.
absl::StatusOr<bool> NormalizeLayouts(Module& module, const PassContext& context);

}  // namespace ingot

#endif  // INGOT_PASSES_NORMALIZE_LAYOUTS_H_
