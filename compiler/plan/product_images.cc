#include "compiler/plan/product_images.h"

#include <algorithm>
#include <limits>

#include "absl/algorithm/container.h"
#include "compiler/plan/product_map.h"
#include "ir/base/status.h"

namespace ingot::plan {
namespace {

constexpr int kMostDimensions = 3;

bool Ascend(absl::Span<const int64_t> dimensions) {
  return std::adjacent_find(dimensions.begin(), dimensions.end(), std::greater_equal<>()) ==
         dimensions.end();
}

}  // namespace

absl::StatusOr<ProductImages> ImagesOf(const Product& product) {
  const Instruction& convolution = *product.instruction;
  INGOT_REQUIRE(convolution.opcode() == Opcode::kConvolution, "it is no convolution");
  INGOT_REQUIRE(convolution.operand(0) == product.first().parameter,
                "its input is made of another");
  const auto& attributes = convolution.attributes<ConvolutionAttributes>();
  const ConvolutionDimensions& labels = attributes.dim_labels;
  const Shape& input = convolution.operand(0)->shape();
  const Shape& output = convolution.shape();
  const auto last = static_cast<int64_t>(input.rank()) - 1;
  const auto count = static_cast<int>(labels.input_spatial.size());
  INGOT_REQUIRE(count >= 1 && count <= kMostDimensions, "images of ", count, " dimensions");
  INGOT_REQUIRE(attributes.batch_group_count == 1, "it has groups of batches");
  for (int s = 0; s < count; ++s) {
    INGOT_REQUIRE(labels.input_spatial[s] == s + 1, "its pixels do not lie in order");
    INGOT_REQUIRE(attributes.window.dimensions[s].base_dilation == 1, "its input is dilated");
  }
  INGOT_REQUIRE(Ascend(labels.output_spatial), "its result's positions do not lie in order");
  ProductImages result;
  result.groups = product.batch;
  result.pixels_are_rows = labels.input_batch == 0 && labels.input_feature == last;
  if (result.pixels_are_rows) {
    INGOT_REQUIRE(labels.output_batch < labels.output_spatial[0], "images of its result lie apart");
    result.images = input.dimension(labels.input_batch);
    result.channels = input.dimension(last) / product.batch;
  } else {
    INGOT_REQUIRE(labels.input_feature == 0 && labels.input_batch == last && product.batch == 1,
                  "its channels do not lie side by side");
    INGOT_REQUIRE(labels.output_batch > labels.output_spatial[count - 1],
                  "channels of its result lie apart");
    INGOT_REQUIRE(labels.kernel_input_feature <
                      *std::min_element(labels.kernel_spatial.begin(), labels.kernel_spatial.end()),
                  "images of its window lie apart");
    result.images = input.dimension(0);
    result.channels = input.dimension(last);
  }
  for (int s = count - 1; s >= 0; --s) {
    const WindowDimension& window = attributes.window.dimensions[s];
    ImageDimension dimension;
    dimension.size = input.dimension(s + 1);
    dimension.first = -window.padding_low;
    dimension.pixels = output.dimension(labels.output_spatial[s]);
    dimension.step = window.stride;
    dimension.places = window.size;
    dimension.place_step = window.window_dilation;
    dimension.reversed = window.reversal;
    if (!result.pixels_are_rows) {
      INGOT_REQUIRE(!window.reversal, "its pixels are read backwards");
      std::swap(dimension.pixels, dimension.places);
      std::swap(dimension.step, dimension.place_step);
    }
    result.dimensions.push_back(dimension);
  }
  return result;
}

absl::StatusOr<ImageCopy> CopyOf(const ProductImages& images, ElementType type, int outer,
                                 int depth) {
  const int width = ByteWidth(type), line = kTileLineBytes / width;
  INGOT_REQUIRE(images.channels % line == 0, images.channels, " channels are no lines of ", line);
  ImageCopy copy;
  copy.depth_major = images.pixels_are_rows;
  INGOT_REQUIRE(copy.depth_major ? depth == line : outer % line == 0, "tiles of ", outer, " by ",
                depth, " are no lines of ", kTileLineBytes, " bytes");
  copy.boxes = copy.depth_major ? 1 : outer / line;
  TensorMap& map = copy.map;
  map = TileMapOf(type);
  map.dimensions = {images.channels * images.groups};
  map.box = {line, copy.depth_major ? outer : depth};
  map.element_strides = {1};
  int64_t stride = map.dimensions[0] * width;
  for (const ImageDimension& d : images.dimensions) {
    map.dimensions.push_back(d.size);
    map.byte_strides.push_back(stride);
    stride *= d.size;
    const int64_t upper = d.first + (d.pixels - 1) * d.step - (d.size - 1);
    constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
    INGOT_REQUIRE(std::max({d.size, std::abs(d.first), std::abs(upper), d.step}) <= kMost,
                  "its images are longer than 2^31");
    map.element_strides.push_back(static_cast<int32_t>(d.step));
    map.lower_corner.push_back(static_cast<int32_t>(d.first));
    map.upper_corner.push_back(static_cast<int32_t>(upper));
  }
  map.dimensions.push_back(images.images);
  map.byte_strides.push_back(stride);
  map.element_strides.push_back(1);
  for (const ImageDimension& d : images.dimensions) {
    INGOT_REQUIRE((d.places - 1) * d.place_step <= map.MostOffset(), "its window has ", d.places,
                  " places ", d.place_step, " apart");
  }
  // Steps of one element are not said.
  if (absl::c_all_of(map.element_strides, [](int32_t step) { return step == 1; })) {
    map.element_strides.clear();
  }
  INGOT_RETURN_IF_ERROR(CheckTensorMap(map));
  return copy;
}

}  // namespace ingot::plan
