// Kernels of the convolutions of four networks, forward and both gradients, for sm_90a: matrix
// units multiply but where each feature has its own window, the assembler has nothing to say, and
// registers hold what kernels have.
#include "tests/compiler/convolution_shapes.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "tests/compiler/assembled.h"

namespace ingot::test {
namespace {

constexpr ConvolutionPass kPasses[] = {ConvolutionPass::kForward, ConvolutionPass::kDataGradient,
                                       ConvolutionPass::kWeightGradient};

TEST(ConvolutionShapes, MatrixUnitsMultiplyWithoutSpills) {
  if (NoAssembler()) GTEST_SKIP() << "neither ptxas nor nvJitLink is here";
  std::vector<Assembled> modules;
  for (const ConvolutionShape& shape : ConvolutionShapes()) {
    for (const ConvolutionPass pass : kPasses) {
      modules.push_back({HloOf(shape, pass), 0, shape.groups == 1});
    }
  }
  const std::vector<std::string> complaints = Complaints(modules);
  for (size_t k = 0; k < modules.size(); ++k) EXPECT_EQ(complaints[k], "") << modules[k].hlo;
}

TEST(ConvolutionShapes, NamesTellThemApart) {
  std::set<std::string> names;
  for (const ConvolutionShape& shape : ConvolutionShapes()) {
    for (const ConvolutionPass pass : kPasses) names.insert(NameOf(shape, pass));
  }
  EXPECT_EQ(names.size(), 3 * ConvolutionShapes().size());
  EXPECT_EQ(NameOf(ConvolutionShapes()[0], ConvolutionPass::kForward),
            "1x224x3_64_w7s2p3g1_forward");
}

}  // namespace
}  // namespace ingot::test
