// The matrix of a convolution that is its input as the copy engine reads it: pixels of images,
// whose channels lie side by side (im2col maps, ir/base/tensor_map.h).
#ifndef INGOT_COMPILER_PLAN_PRODUCT_IMAGES_H_
#define INGOT_COMPILER_PLAN_PRODUCT_IMAGES_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "compiler/plan/product.h"
#include "ir/base/tensor_map.h"

namespace ingot::plan {

// Pixel p and place q of one dimension of an image are its element first + p · step + q ·
// place_step, zero where there is none.
struct ImageDimension {
  int64_t size = 1;
  int64_t pixels = 1, step = 1, first = 0;
  int64_t places = 1, place_step = 1;
  bool reversed = false;  // the last place is the first one
};

// One coordinate of the matrix is the number of an image and pixels, the other places and then the
// channel of a group; in both the last one is the fastest, and so the last dimension.
struct ProductImages {
  std::vector<ImageDimension> dimensions;  // one to three, the innermost first
  int64_t images = 1;
  int64_t channels = 1;  // of a group
  int64_t groups = 1;
  // Rows of the matrix are pixels, and depth places and channels; or, of the gradient of weights,
  // depth is pixels, and rows are places and channels.  Of exchanged matrices rows are columns.
  bool pixels_are_rows = true;
};
// InvalidArgument says why the matrix is no such images.
absl::StatusOr<ProductImages> ImagesOf(const Product& product);

// How a tile of `outer` rows by `depth` elements is copied: boxes of `map`, one behind the other,
// each kTileLineBytes of rows further where lines lie along rows.
struct ImageCopy {
  TensorMap map;
  bool depth_major = true;
  int boxes = 1;
};
// InvalidArgument: no im2col map brings such tiles.
absl::StatusOr<ImageCopy> CopyOf(const ProductImages& images, ElementType type, int outer,
                                 int depth);

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_PRODUCT_IMAGES_H_
