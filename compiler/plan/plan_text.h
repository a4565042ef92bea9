// Plans as text: printed for people, and read back.
//
//   plan cost=7.25 {
//     scratch f32[64,1024]
//     tile index=s32 blocks=32 block_threads=128 buffers={p0, r0} order={1, 0} {
//       class size=128 warps=4 blocks=32                  // d0
//       class size=1024 vector=4 lanes=32 registers=8     // d1
//     }
//   }
//
// A struct is a word, its values as NAME=VALUE, and in braces the structs that it is made of.
// Values that are the default are left out.  The lists of fields in plan.h say what there is:
// printing and reading follow them.  Comments (// and /* */) and the division into lines mean
// nothing.
#ifndef INGOT_COMPILER_PLAN_PLAN_TEXT_H_
#define INGOT_COMPILER_PLAN_PLAN_TEXT_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "compiler/plan/plan.h"
#include "ir/module.h"
#include "ir/text/lexer.h"

namespace ingot::plan {

// `plan` as text, with the names of the fusion's instructions as comments; it ends with a newline.
std::string ToString(const FusionPlan& plan, const Computation& fusion);

// The plan that `text` says, equal to the one that was printed.  The plan may be no fusion's: see
// Fits.  InvalidArgument "FILE:LINE:COLUMN: what is wrong; what there is instead".
absl::StatusOr<FusionPlan> ParsePlan(absl::string_view text, absl::string_view file);
// As ParsePlan, of a text in which more may follow.
absl::StatusOr<FusionPlan> ReadPlan(text::Lexer& lexer);

// Where two kernels first say different things, for messages: "columns=8, not columns=16"; `actual`
// comes first.  Empty where they are equal.
std::string FirstDifference(const KernelPlan& actual, const KernelPlan& expected);

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_PLAN_TEXT_H_
