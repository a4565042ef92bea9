// Random graphs of elementwise ops and data movement, exact on integers.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tests/compiler/lower/harness.h"

namespace ingot::test {
namespace {

struct Node {
  std::string name;
  std::vector<int64_t> sizes;
};

// Writes a module an instruction at a time; every value is s32.
class GraphWriter {
 public:
  explicit GraphWriter(uint64_t seed) : random_(seed) {}

  std::string Write(int instructions) {
    Parameter({4, 16});
    Parameter({3, 5});
    Parameter({32});
    scalar_ = Parameter({});
    for (int i = 0; i < instructions; ++i) One();
    return absl::StrCat("HloModule m\nENTRY e {\n", text_, "  ROOT root = ", Type(nodes_.back()),
                        " negate(", nodes_.back().name, ")\n}\n");
  }

 private:
  int64_t Below(int64_t n) { return static_cast<int64_t>(random_() % static_cast<uint64_t>(n)); }
  static std::string Type(const Node& node) {
    return absl::StrCat("s32[", absl::StrJoin(node.sizes, ","), "]");
  }
  // One of the newest values, so that graphs are deep.
  const Node& Any() {
    const int64_t n = static_cast<int64_t>(nodes_.size());
    return nodes_[n - 1 - Below(std::min<int64_t>(n, 5))];
  }

  Node Parameter(std::vector<int64_t> sizes) {
    Node node{absl::StrCat("p", parameters_), std::move(sizes)};
    absl::StrAppend(&text_, "  ", node.name, " = ", Type(node), " parameter(", parameters_++,
                    ")\n");
    nodes_.push_back(node);
    return node;
  }

  void Add(std::vector<int64_t> sizes, const std::string& operation) {
    Node node{absl::StrCat("v", nodes_.size()), std::move(sizes)};
    absl::StrAppend(&text_, "  ", node.name, " = ", Type(node), " ", operation, "\n");
    nodes_.push_back(node);
  }

  void One() {
    const Node x = Any();
    const int64_t rank = static_cast<int64_t>(x.sizes.size());
    switch (Below(9)) {
      case 0:
      case 1:
        return Binary(x);
      case 2:
        return Broadcast(x);
      case 3:
        return Reshape(x);
      case 4:
        return rank > 1 ? Transpose(x) : Binary(x);
      case 5:
        return rank > 0 ? Slice(x) : Broadcast(x);
      case 6:
        return rank > 0 ? Pad(x) : Broadcast(x);
      case 7:
        return rank > 0 ? Concatenate(x) : Broadcast(x);
      default:
        return rank > 0 ? Reverse(x) : Broadcast(x);
    }
  }

  void Binary(const Node& x) {
    std::vector<const Node*> same;
    for (const Node& node : nodes_) {
      if (node.sizes == x.sizes) same.push_back(&node);
    }
    static constexpr const char* kOps[] = {"add", "subtract", "multiply", "maximum", "xor"};
    const std::string y = same[Below(static_cast<int64_t>(same.size()))]->name;
    Add(x.sizes, absl::StrCat(kOps[Below(5)], "(", x.name, ", ", y, ")"));
  }

  void Broadcast(const Node& x) {
    int64_t count = 1;
    for (int64_t size : x.sizes) count *= size;
    if (count > 4000) return Binary(x);
    static constexpr int64_t kSizes[] = {1, 2, 3, 16};
    std::vector<int64_t> sizes = x.sizes;
    std::vector<int64_t> dimensions;
    const int64_t at = Below(static_cast<int64_t>(sizes.size()) + 1);
    for (int64_t d = 0; d < static_cast<int64_t>(sizes.size()); ++d) {
      dimensions.push_back(d < at ? d : d + 1);
    }
    sizes.insert(sizes.begin() + at, kSizes[Below(4)]);
    Add(sizes,
        absl::StrCat("broadcast(", x.name, "), dimensions={", absl::StrJoin(dimensions, ","), "}"));
  }

  // Merges two neighbouring dimensions, or splits one by 2.
  void Reshape(const Node& x) {
    std::vector<int64_t> sizes = x.sizes;
    const int64_t rank = static_cast<int64_t>(sizes.size());
    if (rank > 1 && Below(2) == 0) {
      const int64_t d = Below(rank - 1);
      sizes[d] *= sizes[d + 1];
      sizes.erase(sizes.begin() + d + 1);
    } else if (rank > 0) {
      const int64_t d = Below(rank);
      const int64_t factor = sizes[d] % 2 == 0 ? 2 : 1;
      sizes[d] /= factor;
      sizes.insert(sizes.begin() + d, factor);
    } else {
      sizes = {1};
    }
    Add(sizes, absl::StrCat("reshape(", x.name, ")"));
  }

  void Transpose(const Node& x) {
    std::vector<int64_t> order;
    for (size_t d = 0; d < x.sizes.size(); ++d) order.push_back(static_cast<int64_t>(d));
    std::shuffle(order.begin(), order.end(), random_);
    std::vector<int64_t> sizes;
    for (int64_t d : order) sizes.push_back(x.sizes[d]);
    Add(sizes,
        absl::StrCat("transpose(", x.name, "), dimensions={", absl::StrJoin(order, ","), "}"));
  }

  void Slice(const Node& x) {
    std::vector<int64_t> sizes;
    std::vector<std::string> parts;
    for (int64_t size : x.sizes) {
      const int64_t start = Below(2) == 0 ? 0 : Below(size);
      const int64_t stride = 1 + Below(2);
      parts.push_back(absl::StrCat("[", start, ":", size, ":", stride, "]"));
      sizes.push_back((size - start + stride - 1) / stride);
    }
    Add(sizes, absl::StrCat("slice(", x.name, "), slice={", absl::StrJoin(parts, ", "), "}"));
  }

  void Pad(const Node& x) {
    std::vector<int64_t> sizes;
    std::vector<std::string> parts;
    for (int64_t size : x.sizes) {
      const int64_t low = Below(3) - 1;
      const int64_t high = Below(2) * 16;
      const int64_t interior = Below(4) == 0 ? 1 : 0;
      const int64_t padded = size + (size - 1) * interior + low + high;
      if (padded < 1) return Binary(x);
      sizes.push_back(padded);
      parts.push_back(absl::StrCat(low, "_", high, "_", interior));
    }
    int64_t count = 1;
    for (int64_t size : sizes) count *= size;
    if (count > 100000) return Binary(x);
    Add(sizes,
        absl::StrCat("pad(", x.name, ", ", scalar_.name, "), padding=", absl::StrJoin(parts, "x")));
  }

  void Concatenate(const Node& x) {
    const int64_t d = Below(static_cast<int64_t>(x.sizes.size()));
    std::vector<int64_t> sizes = x.sizes;
    sizes[d] *= 2;
    if (sizes[d] > 200) return Binary(x);
    Add(sizes, absl::StrCat("concatenate(", x.name, ", ", x.name, "), dimensions={", d, "}"));
  }

  void Reverse(const Node& x) {
    const int64_t d = Below(static_cast<int64_t>(x.sizes.size()));
    Add(x.sizes, absl::StrCat("reverse(", x.name, "), dimensions={", d, "}"));
  }

  std::mt19937_64 random_;
  std::string text_;
  std::vector<Node> nodes_;
  Node scalar_;
  int parameters_ = 0;
};

TEST(RandomGraphs, MatchTheEvaluator) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    ExpectMatchesEvaluator(GraphWriter(seed).Write(3 + static_cast<int>(seed % 10)));
    if (testing::Test::HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace ingot::test
