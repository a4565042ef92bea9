// FusionView: a set of instructions that is, or is to become, one fusion.
#ifndef INGOT_IR_ANALYSIS_FUSION_VIEW_H_
#define INGOT_IR_ANALYSIS_FUSION_VIEW_H_

#include <cstddef>
#include <vector>

#include "absl/types/span.h"
#include "ir/module.h"

namespace ingot {

struct FusionView {
  // In topological order.  Scalar constants are members where they are listed.
  std::vector<const Instruction*> members;
  // What the members read and do not compute, each once.
  std::vector<const Instruction*> inputs;
  // The results in their order.  A result may be an input, and may be named twice.
  std::vector<const Instruction*> roots;
};

// The view of a fusion's computation.  The inputs are its parameters by number, used or not.  The
// elements of a tuple at the root are the results; that tuple is no member, and neither are tuples
// inside of it.
FusionView ViewOf(const Computation& fusion);

// The view of instructions that are not outlined.  `members` are of one computation, different, and
// in topological order (CHECKed).  The inputs are the operands outside, in the order of first use.
// The results are the members that an instruction outside uses, that are their computation's root,
// or that nobody uses.
FusionView ViewOf(absl::Span<const Instruction* const> members);

// Equal for views that are one another's copies: the same operations on values of the same shapes.
// A value that is read counts by its shape, and a constant by its elements too.
size_t HashView(const FusionView& view);

}  // namespace ingot

#endif  // INGOT_IR_ANALYSIS_FUSION_VIEW_H_
