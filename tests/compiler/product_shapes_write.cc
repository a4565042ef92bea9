// product_shapes_write FOLDER [TYPE]: a module for each shape of product_shapes.txt, NAME.hlo, for
// `ingot tune` and for whoever compares products with a library.  With a type, bf16 say, all
// products are of that.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/compiler/product_shapes.h"

int main(int count, char** arguments) {
  if (count != 2 && count != 3) {
    std::fprintf(stderr, "usage: product_shapes_write FOLDER [TYPE]\n");
    return 2;
  }
  const std::filesystem::path folder = arguments[1];
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  for (ingot::test::ProductShape shape : ingot::test::ProductShapes()) {
    if (count == 3) shape.type = arguments[2];
    const std::filesystem::path path = folder / (ingot::test::NameOf(shape) + ".hlo");
    std::ofstream file(path);
    file << ingot::test::HloOf(shape);
    file.close();
    if (!file) {
      std::fprintf(stderr, "error: %s: cannot write this file\n", path.c_str());
      return 1;
    }
  }
  return 0;
}
