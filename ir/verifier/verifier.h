// The verifier: whether a module means something, so that whoever takes it need not ask again.
#ifndef INGOT_IR_VERIFIER_VERIFIER_H_
#define INGOT_IR_VERIFIER_VERIFIER_H_

#include "absl/status/status.h"
#include "ir/module.h"

namespace ingot {

// With every call written out a module has at most so many instructions: passes may inline calls.
inline constexpr int64_t kMaxInlinedInstructions = int64_t{1} << 20;

// OK, or the first thing that is wrong.  What OK promises:
//
//   (V1) there is an entry; every computation has a root, its own and not removed;
//   (V2) operands and control predecessors belong to the computation and come before their users;
//        users() lists who uses a value, each user once; names are unique in a computation;
//   (V3) parameters() are the parameter instructions, numbered 0, 1, ... without gaps;
//   (V4) called computations are the module's; no computation calls itself, however indirectly;
//        kMaxCallDepth and kMaxInlinedInstructions hold;
//   (V5) every shape Validate()s, and every instruction meets its op's constraints (ir/infer) and
//        states the shape that inference gives; layouts and "<=" marks are not compared.  Ops that
//        inference does not know (Unimplemented) are trusted;
//   (V6) attributes that inference does not read: no more operand_precisions than operands;
//   (V7) the entry's stated parameter and result layouts are of its shapes;
//   (V8) each alias leads from an output to a parameter of the same size, and no output has two.
//
// InvalidArgument names the instruction, after FILE:LINE:COLUMN where the module was read from a
// file, and its op where the name does not say it:
//   model.hlo:7:3: transpose.3: permutation {0,0,1} is not a permutation of 3 dimensions
//   model.hlo:9:3: jit_relu_.4 (maximum): operand 1 is f32[3] when operand 0 is f32[4]
//
// Safe on any module that the API can build.  Near linear in instructions and operands.
absl::Status Verify(const Module& module);

}  // namespace ingot

#endif  // INGOT_IR_VERIFIER_VERIFIER_H_
