#ifndef INGOT_PASSES_SPLIT_CONCATENATES_H_
#define INGOT_PASSES_SPLIT_CONCATENATES_H_

#include "passes/pass.h"

namespace ingot {

// A concatenate of more operands than this is split, or has kernels of its own.
inline constexpr int64_t kMostPieces = 64;

// Makes a concatenate of many operands a tree of such that have at most kMostPieces.
//
//   ROOT %c = f32[900] concatenate(%0, …, %99)  ==>  %a = f32[450] concatenate(%0, …, %49)
//                                                    %b = f32[450] concatenate(%50, …, %99)
//                                                    ROOT %c = f32[900] concatenate(%a, %b)
//
// Each element of a concatenate looks for its operand among all of them, and a kernel has a
// parameter for each.  The elements are copied once for each level of the tree that is a kernel of
// its own: twice up to 4,096 operands.
//
// A GPU's plans copy pieces (HasCopiedPieces) with several kernels of one fusion: those stay.
//
// Ensures: no other concatenate in a computation that runs as commands has more than kMostPieces
// operands, dynamic shapes apart.
absl::StatusOr<bool> SplitConcatenates(Module& module, const PassContext& context);

}  // namespace ingot

#endif  // INGOT_PASSES_SPLIT_CONCATENATES_H_
