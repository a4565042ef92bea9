#ifndef INGOT_PASSES_COPY_RESULTS_H_
#define INGOT_PASSES_COPY_RESULTS_H_

#include "passes/pass.h"

namespace ingot {

// A large result of a GPU that is a parameter, under whatever name, is copied by a kernel: a
// kernel's loads and stores move half as much again in a time as the driver's copies do.
//
//   ENTRY e { p = f32[4096,4096] parameter(0)  ==>  ENTRY e { p = f32[4096,4096] parameter(0)
//             ROOT r = f32[16777216] reshape(p) }             r = f32[16777216] reshape(p)
//                                                             ROOT c = f32[16777216] copy(r) }
//
// A parameter that is donated stays, for its memory may be the result's.
//
// Requires: row-major layouts; nothing behind it removes copies.
absl::StatusOr<bool> CopyResults(Module& module, const PassContext& context);

}  // namespace ingot

#endif  // INGOT_PASSES_COPY_RESULTS_H_
