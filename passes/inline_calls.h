#ifndef INGOT_PASSES_INLINE_CALLS_H_
#define INGOT_PASSES_INLINE_CALLS_H_

#include "passes/pass.h"

namespace ingot {

// Replaces call by the body of what it calls, fusion too (kernels are decided later, and anew), and
// map by its body on whole arrays.
//
//   relu { p = f32[8] parameter(0) ...             ROOT %m = f32[8] maximum(%x, %zeros)
//          ROOT m = f32[8] maximum(p, zeros) }  ==>
//   ROOT %c = f32[8] call(%x), to_apply=relu
//
// Composites (is_composite=true) are inlined too: we have no better form of them.
// Ensures: no computation that runs as commands contains call or fusion, nor map of an elementwise
// body.
absl::StatusOr<bool> InlineCalls(Module& module, const PassContext& context);

}  // namespace ingot

#endif  // INGOT_PASSES_INLINE_CALLS_H_
