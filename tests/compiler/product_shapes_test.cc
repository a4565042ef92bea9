// Kernels of two hundred shapes of products for sm_90a: matrix units multiply wherever they have
// the type, the assembler has nothing to say, and registers hold what kernels have.
#include "tests/compiler/product_shapes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "tests/compiler/assembled.h"

namespace ingot::test {
namespace {

TEST(ProductShapes, MatrixUnitsMultiplyWithoutSpills) {
  if (NoAssembler()) GTEST_SKIP() << "neither ptxas nor nvJitLink is here";
  std::vector<Assembled> modules;
  for (const ProductShape& shape : ProductShapes()) {
    modules.push_back({HloOf(shape), shape.spill_bytes,
                       std::min({shape.rows, shape.columns, shape.depth}) >= 16});
  }
  ASSERT_EQ(modules.size(), 200);
  const std::vector<std::string> complaints = Complaints(modules);
  for (size_t k = 0; k < modules.size(); ++k) EXPECT_EQ(complaints[k], "") << modules[k].hlo;
}

TEST(ProductShapes, NamesTellThemApart) {
  std::set<std::string> names;
  for (const ProductShape& shape : ProductShapes()) names.insert(NameOf(shape));
  EXPECT_EQ(names.size(), ProductShapes().size());
  EXPECT_EQ(NameOf(ProductShapes()[0]), "bf16_1x1x4096x4096_nt");
}

}  // namespace
}  // namespace ingot::test
