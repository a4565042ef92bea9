#include "compiler/kernel/simulator/tensor_box.h"

#include <algorithm>
#include <limits>

#include "compiler/kernel/arithmetic.h"
#include "compiler/kernel/matrix_descriptor.h"

namespace ingot::kernel::simulator {
namespace {

constexpr int kLineBytes = 16;

}  // namespace

uint64_t FillOf(const TensorMap& map) {
  if (!map.fills_nan) return 0;
  return FloatBits(map.element_type, std::numeric_limits<double>::quiet_NaN());
}

std::vector<Line> LinesOfBox(const TensorMap& map, absl::Span<const int32_t> coordinates,
                             int64_t begin) {
  const int width = ByteWidth(map.element_type);
  const bool dense = map.element_strides.empty() || map.element_strides[0] == 1;
  const int a_line = dense ? kLineBytes / width : 1;  // elements
  const int64_t row = map.BoxCount(0);
  int64_t rows = 1;
  for (int i = 1; i < map.rank(); ++i) rows *= map.BoxCount(i);
  std::vector<Line> lines;
  for (int64_t number = 0; number < rows; ++number) {
    // The row's place in the array, and whether it has one.
    bool inside = true;
    int64_t start = 0, rest = number;
    for (int i = 1; i < map.rank(); ++i) {
      const int64_t step = map.element_strides.empty() ? 1 : map.element_strides[i];
      const int64_t at = coordinates[i] + rest % map.BoxCount(i) * step;
      rest /= map.BoxCount(i);
      inside &= at >= 0 && at < map.dimensions[i];
      start += at * map.byte_strides[i - 1];
    }
    for (int64_t i = 0; i < row; i += a_line) {
      const int64_t at = coordinates[0] + (dense ? i : i * map.element_strides[0]);
      const int64_t first = std::clamp<int64_t>(-at, 0, a_line);
      const int64_t last = std::clamp<int64_t>(map.dimensions[0] - at, first, a_line);
      Line line;
      line.shared = static_cast<int32_t>(
          SwizzledAddress(begin + (number * row + i) * width, map.swizzle_bytes));
      line.bytes = a_line * width;
      if (inside && last > first) {
        line.skip = static_cast<int32_t>(first * width);
        line.taken = static_cast<int32_t>((last - first) * width);
        line.global = start + (at + first) * width;
      }
      lines.push_back(line);
    }
  }
  return lines;
}

}  // namespace ingot::kernel::simulator
