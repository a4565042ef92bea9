// Windows, as reduce-window, select-and-scatter and convolution move them over an input.
#ifndef INGOT_IR_EVALUATOR_WINDOW_H_
#define INGOT_IR_EVALUATOR_WINDOW_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "ir/attributes.h"

namespace ingot::evaluator {

// The input position that window element `element` of result position `result` sees, along one
// dimension of `size` elements; -1 in padding and in holes.  Reversal turns the window around.
int64_t InputPosition(const WindowDimension& window, int64_t size, int64_t result, int64_t element);

// The window's size in each dimension.
std::vector<int64_t> WindowSizes(const Window& window);
// Their product; an error where it does not fit, as only padding can bring about.
absl::StatusOr<int64_t> WindowCount(const Window& window);

}  // namespace ingot::evaluator

#endif  // INGOT_IR_EVALUATOR_WINDOW_H_
