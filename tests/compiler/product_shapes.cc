#include "tests/compiler/product_shapes.h"

#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ir/base/check.h"
#include "tests/paths/paths.h"

namespace ingot::test {

std::vector<ProductShape> ProductShapes() {
  std::ifstream file(RepositoryRoot() + "/tests/compiler/product_shapes.txt");
  std::vector<ProductShape> shapes;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    ProductShape s;
    words >> s.type >> s.batch >> s.rows >> s.columns >> s.depth >> s.layout;
    INGOT_CHECK(!words.fail()) << "product_shapes.txt: " << line;
    words >> s.spill_bytes;
    shapes.push_back(s);
  }
  INGOT_CHECK(!shapes.empty()) << "no product_shapes.txt in " << RepositoryRoot();
  return shapes;
}

std::string NameOf(const ProductShape& s) {
  return absl::StrCat(s.type, "_", s.batch, "x", s.rows, "x", s.columns, "x", s.depth, "_",
                      s.layout);
}

std::string HloOf(const ProductShape& s) {
  const auto sizes = [&](int64_t a, int64_t b, bool exchanged) {
    std::vector<int64_t> all;
    if (s.batch > 1) all.push_back(s.batch);
    all.push_back(exchanged ? b : a);
    all.push_back(exchanged ? a : b);
    return absl::StrCat("[", absl::StrJoin(all, ","), "]");
  };
  const bool left_across = s.layout[0] == 't', right_along = s.layout[1] == 't';
  const int first = s.batch > 1 ? 1 : 0;
  return absl::StrCat("HloModule m\nENTRY e {\n  x = ", s.type, sizes(s.rows, s.depth, left_across),
                      " parameter(0)\n  y = ", s.type, sizes(s.depth, s.columns, right_along),
                      " parameter(1)\n  ROOT d = ", s.type == "s8" ? "s32" : s.type,
                      sizes(s.rows, s.columns, false), " dot(x, y), ",
                      s.batch > 1 ? "lhs_batch_dims={0}, rhs_batch_dims={0}, " : "",
                      "lhs_contracting_dims={", first + (left_across ? 0 : 1),
                      "}, rhs_contracting_dims={", first + (right_along ? 1 : 0), "}\n}\n");
}

}  // namespace ingot::test
