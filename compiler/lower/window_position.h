// Where the elements of a window lie.
#ifndef INGOT_COMPILER_LOWER_WINDOW_POSITION_H_
#define INGOT_COMPILER_LOWER_WINDOW_POSITION_H_

#include "compiler/lower/index.h"
#include "ir/attributes.h"
#include "ir/module.h"

namespace ingot::lower {

// Where the window's element `tap` lies in the (dilated, padded) base for output `output`:
// output * stride + tap * window_dilation - padding_low, in holes and all.
kernel::Value WindowPosition(IndexMath& math, const WindowDimension& window, kernel::Value output,
                             kernel::Value tap);

// Whether the position is an element of a base of `base` elements, not padding nor a hole.
kernel::Value IsInside(IndexMath& math, const WindowDimension& window, int64_t base,
                       kernel::Value position);

// The position of the elements 0 to size - 1 that is nearest to one which may be none of them: what
// is loaded there stands in.
kernel::Value Nearest(IndexMath& math, kernel::Value position, int64_t size);

// Whether padding and holes count in a convolution: they are zeros, whose product with a weight
// that is infinite or NaN is NaN.
bool CountsPadding(const Instruction& convolution);

}  // namespace ingot::lower

#endif  // INGOT_COMPILER_LOWER_WINDOW_POSITION_H_
