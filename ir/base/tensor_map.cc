#include "ir/base/tensor_map.h"

#include <algorithm>
#include <initializer_list>

#include "absl/strings/str_join.h"
#include "ir/base/integers.h"
#include "ir/base/status.h"

namespace ingot {
namespace {

constexpr int64_t kMostSpan = int64_t{1} << 62;
constexpr int64_t kMostBoxBytes = (int64_t{1} << 20) - 1;
constexpr int kLineBytes = 16;  // that the engine moves at once

bool IsOneOf(int32_t value, std::initializer_list<int32_t> values) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

absl::Status CheckRank(const TensorMap& map) {
  const size_t rank = map.dimensions.size();
  const bool strided = map.element_strides.empty() || map.element_strides.size() == rank;
  const bool cornered = map.upper_corner.size() == map.lower_corner.size() &&
                        (!map.is_im2col() || (rank >= 3 && map.lower_corner.size() == rank - 2));
  if (rank >= 1 && rank <= 5 && map.byte_strides.size() == rank - 1 &&
      map.box.size() == (map.is_im2col() ? 2 : rank) && strided && cornered) {
    return absl::OkStatus();
  }
  return InvalidArgument("tensor map of rank ", rank, " with ", map.byte_strides.size(),
                         " strides, a box of rank ", map.box.size(), ", ",
                         map.element_strides.size(), " element strides and corners of ",
                         map.lower_corner.size(), " and ", map.upper_corner.size(), " dimensions");
}

absl::Status CheckDimension(const TensorMap& map, int i) {
  const int64_t size = map.dimensions[i];
  const int64_t stride = i == 0 ? ByteWidth(map.element_type) : map.byte_strides[i - 1];
  const int32_t step = map.element_strides.empty() ? 1 : map.element_strides[i];
  if (size >= 1 && size <= int64_t{1} << 32 && stride >= 1 && stride < int64_t{1} << 40 &&
      (i == 0 || stride % kLineBytes == 0) && step >= 1 && step <= (i == 0 ? 1 : 8)) {
    return absl::OkStatus();
  }
  return InvalidArgument("tensor map dimension ", i, ": size ", size, ", stride ", stride,
                         " bytes, element stride ", step);
}

// Dimension `i` of an image, 1 to rank - 2, of an im2col map.
absl::Status CheckCorners(const TensorMap& map, int i) {
  const int32_t most = (map.MostOffset() + 1) / 2;
  const int32_t lower = map.lower_corner[i - 1], upper = map.upper_corner[i - 1];
  if (lower >= -most && lower < most && upper >= -most && upper < most &&
      map.dimensions[i] + upper - lower >= 1) {
    return absl::OkStatus();
  }
  return InvalidArgument("tensor map dimension ", i, ": corners ", lower, " and ", upper,
                         ", expected ", -most, " to ", most - 1, " with a pixel between them");
}

absl::Status CheckElements(const TensorMap& map) {
  const ElementType type = map.element_type;
  // Sub-byte types lie packed where the engine has a type for them.
  if (IsComplex(type) || BitWidth(type) < 8) {
    return InvalidArgument("tensor map of ", ElementTypeName(type));
  }
  if (map.rounds_to_tf32 && type != ElementType::kF32) {
    return InvalidArgument("tensor map of ", ElementTypeName(type), " rounded to tf32");
  }
  const bool has_nan =
      IsOneOf(static_cast<int32_t>(type),
              {static_cast<int32_t>(ElementType::kF16), static_cast<int32_t>(ElementType::kBF16),
               static_cast<int32_t>(ElementType::kF32), static_cast<int32_t>(ElementType::kF64)});
  if (map.fills_nan && !has_nan) {
    return InvalidArgument("tensor map of ", ElementTypeName(type), " filled with NaN");
  }
  return absl::OkStatus();
}

absl::Status CheckBox(const TensorMap& map) {
  for (size_t i = 0; i < map.box.size(); ++i) {
    const int32_t most = map.is_im2col() && i == 1 ? 1024 : 256;
    if (map.box[i] >= 1 && map.box[i] <= most) continue;
    return InvalidArgument("tensor map dimension ", i, ": box ", map.box[i], ", expected 1 to ",
                           most);
  }
  const int64_t inner = map.BoxCount(0) * ByteWidth(map.element_type);
  if (inner % kLineBytes != 0) {
    return InvalidArgument("tensor map with a box of ", inner,
                           " bytes along its innermost dimension, which is no multiple of ",
                           kLineBytes);
  }
  if (map.swizzle_bytes != 0 && inner > map.swizzle_bytes) {
    return InvalidArgument("tensor map with a box of ", inner,
                           " bytes along its innermost dimension and a swizzle of ",
                           map.swizzle_bytes);
  }
  // Sides are at most 256, so the product of five and 8 bytes fits.
  if (map.BoxBytes() > kMostBoxBytes) {
    return InvalidArgument("tensor map with a box of ", map.BoxBytes(), " bytes, at most ",
                           kMostBoxBytes);
  }
  return absl::OkStatus();
}

}  // namespace

int64_t TensorMap::BoxCount(int i) const {
  return is_im2col() || element_strides.empty() ? box[i] : CeilDiv(box[i], element_strides[i]);
}

int64_t TensorMap::BoxBytes() const {
  int64_t bytes = ByteWidth(element_type);
  for (size_t i = 0; i < box.size(); ++i) bytes *= BoxCount(static_cast<int>(i));
  return bytes;
}

int32_t TensorMap::MostOffset() const {
  constexpr int kBits[] = {16, 8, 5};  // by the dimensions of an image
  return (1 << kBits[rank() - 3]) - 1;
}

int64_t TensorMap::SpanBytes() const {
  int64_t last = 0;
  for (int i = 0; i < rank(); ++i) {
    last += (dimensions[i] - 1) * (i == 0 ? ByteWidth(element_type) : byte_strides[i - 1]);
  }
  return last + ByteWidth(element_type);
}

std::string TensorMap::ToString() const {
  std::string text =
      absl::StrCat(ElementTypeName(element_type), ", ", absl::StrJoin(dimensions, "x"));
  if (!byte_strides.empty()) {
    absl::StrAppend(&text, ", strides ", absl::StrJoin(byte_strides, "x"));
  }
  absl::StrAppend(&text, ", box ", absl::StrJoin(box, "x"));
  const bool strided = std::any_of(element_strides.begin(), element_strides.end(),
                                   [](int32_t stride) { return stride != 1; });
  if (strided) {
    absl::StrAppend(&text, ", element_strides ", absl::StrJoin(element_strides, "x"));
  }
  if (is_im2col()) absl::StrAppend(&text, ", im2col");
  for (size_t i = 0; i < lower_corner.size(); ++i) {
    absl::StrAppend(&text, " ", lower_corner[i], ":", upper_corner[i]);
  }
  if (swizzle_bytes != 0) absl::StrAppend(&text, ", swizzle ", swizzle_bytes);
  if (l2_promotion_bytes != 0) absl::StrAppend(&text, ", promotion ", l2_promotion_bytes);
  if (rounds_to_tf32) absl::StrAppend(&text, ", tf32");
  if (fills_nan) absl::StrAppend(&text, ", nan");
  return text;
}

absl::Status CheckTensorMap(const TensorMap& map) {
  INGOT_RETURN_IF_ERROR(CheckRank(map));
  int64_t last = 0;  // byte offset of the last element
  for (int i = 0; i < map.rank(); ++i) {
    INGOT_RETURN_IF_ERROR(CheckDimension(map, i));
    const int64_t stride = i == 0 ? ByteWidth(map.element_type) : map.byte_strides[i - 1];
    if (map.dimensions[i] > 1 && stride > (kMostSpan - last) / (map.dimensions[i] - 1)) {
      return InvalidArgument("tensor map dimension ", i, ": the span overflows 2^62 bytes");
    }
    last += stride * (map.dimensions[i] - 1);
  }
  for (int i = 1; map.is_im2col() && i + 1 < map.rank(); ++i) {
    INGOT_RETURN_IF_ERROR(CheckCorners(map, i));
  }
  if (map.is_im2col() && !map.element_strides.empty() && map.element_strides.back() != 1) {
    return InvalidArgument("tensor map dimension ", map.rank() - 1, ": images with element stride ",
                           map.element_strides.back());
  }
  if (!IsOneOf(map.swizzle_bytes, {0, 32, 64, 128}) ||
      !IsOneOf(map.l2_promotion_bytes, {0, 64, 128, 256})) {
    return InvalidArgument("tensor map with a swizzle of ", map.swizzle_bytes,
                           " bytes and a promotion of ", map.l2_promotion_bytes);
  }
  INGOT_RETURN_IF_ERROR(CheckElements(map));
  return CheckBox(map);
}

}  // namespace ingot
