// topk: a block goes through a row and keeps the first of what it has seen (plan/top_k.h).
#ifndef INGOT_COMPILER_LOWER_TOP_K_H_
#define INGOT_COMPILER_LOWER_TOP_K_H_

#include "compiler/lower/frame.h"

namespace ingot::lower {

// Of a kernel whose fusion's root is a topk.
void LowerTopK(Frame& frame);

}  // namespace ingot::lower

#endif  // INGOT_COMPILER_LOWER_TOP_K_H_
