#include "compiler/kernel/simulator/tensor_box.h"

#include <algorithm>
#include <limits>

#include "compiler/kernel/arithmetic.h"
#include "compiler/kernel/matrix_descriptor.h"

namespace ingot::kernel::simulator {
namespace {

constexpr int kLineBytes = 16;

// The rows of a box, in their order: where each begins, by the coordinates behind the first.
class Rows {
 public:
  Rows(const TensorMap& map, absl::Span<const int32_t> coordinates,
       absl::Span<const int32_t> offsets)
      : map_(map),
        first_(coordinates),
        offsets_(offsets),
        pixel_(coordinates.begin(), coordinates.end()) {}

  int64_t count() const {
    int64_t rows = 1;
    for (size_t i = 1; i < map_.box.size(); ++i) rows *= map_.BoxCount(static_cast<int>(i));
    return rows;
  }
  // Whether row `number` is one of the array, and then how far its bytes are from the map's
  // address. The numbers are asked for in their order.
  bool Find(int64_t number, int64_t& start) {
    if (map_.is_im2col() && number > 0) NextPixel();
    bool inside = true;
    start = 0;
    for (int i = 1; i < map_.rank(); ++i) {
      const int64_t at = map_.is_im2col() ? PixelAt(i) : first_[i] + TakeStep(i, number);
      inside &= at >= 0 && at < map_.dimensions[i];
      if (inside) start += at * map_.byte_strides[i - 1];
    }
    return inside;
  }

 private:
  int64_t StrideOf(int i) const {
    return map_.element_strides.empty() ? 1 : map_.element_strides[i];
  }
  int64_t TakeStep(int i, int64_t& rest) const {
    const int64_t step = rest % map_.BoxCount(i) * StrideOf(i);
    rest /= map_.BoxCount(i);
    return step;
  }
  int64_t PixelAt(int i) const {
    const bool of_image = i + 1 < map_.rank();
    return pixel_[i] + (of_image ? offsets_[i - 1] : 0);
  }
  void NextPixel() {
    for (int i = 1; i + 1 < map_.rank(); ++i) {
      pixel_[i] += StrideOf(i);
      if (pixel_[i] < map_.dimensions[i] + map_.upper_corner[i - 1]) return;
      pixel_[i] = map_.lower_corner[i - 1];
    }
    ++pixel_[map_.rank() - 1];
  }

  const TensorMap& map_;
  const absl::Span<const int32_t> first_, offsets_;
  std::vector<int64_t> pixel_;
};

}  // namespace

uint64_t FillOf(const TensorMap& map) {
  if (!map.fills_nan) return 0;
  return FloatBits(map.element_type, std::numeric_limits<double>::quiet_NaN());
}

std::vector<Line> LinesOfBox(const TensorMap& map, absl::Span<const int32_t> coordinates,
                             absl::Span<const int32_t> offsets, int64_t begin) {
  const int width = ByteWidth(map.element_type);
  const bool dense = map.element_strides.empty() || map.element_strides[0] == 1;
  const int a_line = dense ? kLineBytes / width : 1;  // elements
  const int64_t row = map.BoxCount(0);
  Rows rows(map, coordinates, offsets);
  std::vector<Line> lines;
  for (int64_t number = 0; number < rows.count(); ++number) {
    int64_t start = 0;
    const bool inside = rows.Find(number, start);
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
