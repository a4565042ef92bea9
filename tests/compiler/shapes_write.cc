// shapes_write products FOLDER [TYPE]: a module for each shape of product_shapes.txt, NAME.hlo, for
// `ingot tune` and for whoever compares products with a library.  With a type, bf16 say, all
// products are of that.
// shapes_write convolutions FOLDER: three for each convolution of convolution_shapes.txt.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/compiler/convolution_shapes.h"
#include "tests/compiler/product_shapes.h"

int main(int count, char** arguments) {
  using ingot::test::ConvolutionPass;
  const std::string kind = count > 1 ? arguments[1] : "";
  std::vector<std::pair<std::string, std::string>> modules;  // the name, the text
  if (kind == "products" && (count == 3 || count == 4)) {
    for (ingot::test::ProductShape shape : ingot::test::ProductShapes()) {
      if (count == 4) shape.type = arguments[3];
      modules.push_back({NameOf(shape), HloOf(shape)});
    }
  } else if (kind == "convolutions" && count == 3) {
    for (const ingot::test::ConvolutionShape& shape : ingot::test::ConvolutionShapes()) {
      for (const ConvolutionPass pass : {ConvolutionPass::kForward, ConvolutionPass::kDataGradient,
                                         ConvolutionPass::kWeightGradient}) {
        modules.push_back({NameOf(shape, pass), HloOf(shape, pass)});
      }
    }
  } else {
    std::fprintf(stderr,
                 "usage: shapes_write products FOLDER [TYPE]\n"
                 "       shapes_write convolutions FOLDER\n");
    return 2;
  }
  const std::filesystem::path folder = arguments[2];
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  for (const auto& [name, text] : modules) {
    const std::filesystem::path path = folder / (name + ".hlo");
    std::ofstream file(path);
    file << text;
    file.close();
    if (!file) {
      std::fprintf(stderr, "error: %s: cannot write this file\n", path.c_str());
      return 1;
    }
  }
  return 0;
}
