// TensorMap: how the copy engine of a GPU is told of an array in global memory, so that it moves
// boxes of it to and from shared memory.  (CUDA driver API, Tensor Map Object Management; PTX ISA,
// Tensors.)
#ifndef INGOT_IR_BASE_TENSOR_MAP_H_
#define INGOT_IR_BASE_TENSOR_MAP_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "ir/base/element_type.h"

namespace ingot {

// The innermost dimension comes first.  Coordinate (i0, i1, …) of the map is the element
// i0 · width + i1 · byte_strides[0] + … bytes behind the map's address.  A copy moves the elements
// of a box; those outside of the map read as `fills_nan` says, count their bytes, and are not
// written.
//
// A map with corners is an im2col map, which is loaded only: its dimensions are channels, one to
// three of an image (innermost first), and images.  A load moves box[0] channels of box[1] pixels,
// a row for each pixel.  It begins at the pixel of its coordinates, and goes on through the image's
// dimensions, innermost first, and through the images: in dimension i from lower_corner[i - 1] on
// by element_strides[i] up to dimensions[i] - 1 + upper_corner[i - 1].  What it reads lies
// `offsets` further, which the load gives for each dimension of an image: 0 to MostOffset.
struct TensorMap {
  ElementType element_type = ElementType::kF32;
  std::vector<int64_t> dimensions;       // rank 1 to 5, elements, 1 to 2^32
  std::vector<int64_t> byte_strides;     // rank - 1, multiples of 16 below 2^40
  std::vector<int32_t> box;              // rank, 1 to 256 elements; im2col: 2, up to 1024 pixels
  std::vector<int32_t> element_strides;  // rank, 1, then 1 to 8; empty: all are 1
  std::vector<int32_t> lower_corner;     // im2col: rank - 2, of the pixels that loads go through
  std::vector<int32_t> upper_corner;     // im2col: rank - 2, from the last element of a dimension
  int32_t swizzle_bytes = 0;             // 0, 32, 64, 128
  int32_t l2_promotion_bytes = 0;        // 0, 64, 128, 256
  bool rounds_to_tf32 = false;           // f32 only: elements are rounded to tf32 on their way in
  bool fills_nan = false;                // floats only: what is outside is NaN, not zero

  int rank() const { return static_cast<int>(dimensions.size()); }
  bool is_im2col() const { return !lower_corner.empty(); }
  // Bytes that one copy moves, and so counts on its mbarrier.  The box steps over elements where an
  // element stride is more than 1.
  int64_t BoxBytes() const;
  // Elements of the box in its dimension `i`.
  int64_t BoxCount(int i) const;
  // im2col: 65,535, 255 and 31 for images of one, two and three dimensions.
  int32_t MostOffset() const;
  // Bytes from the map's address to behind its last element.
  int64_t SpanBytes() const;
  // "f32, 64x32, strides 256, box 32x32, swizzle 128": what differs from the default only.
  std::string ToString() const;

  bool operator==(const TensorMap&) const = default;
};

// InvalidArgument where the driver would not encode it, by the limits above and these: the box's
// innermost side is a multiple of 16 bytes, and at most the swizzle's width; the whole span is at
// most 2^62 bytes; the box is at most 2^20 - 1 bytes, which an mbarrier can count; corners have 16,
// 8 and 5 bits for images of one, two and three dimensions, and hold a pixel; images have element
// stride 1.
absl::Status CheckTensorMap(const TensorMap& map);

}  // namespace ingot

#endif  // INGOT_IR_BASE_TENSOR_MAP_H_
