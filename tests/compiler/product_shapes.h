// The shapes of product_shapes.txt, and modules of them.
#ifndef INGOT_TESTS_COMPILER_PRODUCT_SHAPES_H_
#define INGOT_TESTS_COMPILER_PRODUCT_SHAPES_H_

#include <cstdint>
#include <string>
#include <vector>

namespace ingot::test {

// A product of two matrices, rows × depth and depth × columns, or of a batch of them.
struct ProductShape {
  std::string type;  // "bf16"
  int64_t batch = 1, rows = 1, columns = 1, depth = 1;
  std::string layout;       // of the left and of the right matrix: "nt"
  int64_t spill_bytes = 0;  // of a thread, at the most
};

// In the file's order.  A line that is none ends the process.
std::vector<ProductShape> ProductShapes();

// "bf16_1x128x256x512_nt": type, batch, rows, columns, depth, layout.
std::string NameOf(const ProductShape& shape);

// A module of one dot, as HLO text.
std::string HloOf(const ProductShape& shape);

}  // namespace ingot::test

#endif  // INGOT_TESTS_COMPILER_PRODUCT_SHAPES_H_
