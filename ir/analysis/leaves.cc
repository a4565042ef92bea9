#include "ir/analysis/leaves.h"

namespace ingot {
namespace {

void AppendLeafShapes(const Shape& shape, std::vector<Shape>& leaves) {
  if (shape.IsArray()) leaves.push_back(shape);
  for (const Shape& element : shape.tuple_shapes()) AppendLeafShapes(element, leaves);
}

int64_t LeafCount(const Shape& shape) {
  if (shape.IsArray()) return 1;
  int64_t count = 0;
  for (const Shape& element : shape.tuple_shapes()) count += LeafCount(element);
  return count;
}

}  // namespace

std::vector<Shape> LeafShapes(const Shape& shape) {
  std::vector<Shape> leaves;
  AppendLeafShapes(shape, leaves);
  return leaves;
}

const std::vector<int64_t>& LeafBegins::Of(const Instruction& tuple) {
  std::vector<int64_t>& begins = begins_[&tuple];
  if (begins.empty()) {
    begins.push_back(0);
    for (const Shape& element : tuple.shape().tuple_shapes()) {
      begins.push_back(begins.back() + LeafCount(element));
    }
  }
  return begins;
}

}  // namespace ingot
