#include "ir/analysis/iteration_space.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "ir/analysis/iteration_space_builder.h"
#include "ir/analysis/op_facts.h"

namespace ingot {

IterationSpace::IterationSpace(const FusionGraph& graph) : graph_(&graph) {
  IterationSpaceBuilder(graph, *this).Build();
}

std::string IterationSpace::ClassName(int class_number) const {
  return absl::StrCat(classes_[class_number].reduced ? "c" : "r", class_number);
}

std::vector<int> IterationSpace::EndedBy(int reduce) const {
  std::vector<int> ended;
  const int operand = graph_->EdgesOf(reduce)[0].operand;
  std::vector<int64_t> dimensions = graph_->value(reduce).dimensions();
  std::sort(dimensions.begin(), dimensions.end());
  for (int64_t d : dimensions) {
    for (const ClassPart& part : PartsOf(operand, d)) {
      if (ended.empty() || ended.back() != part.class_number) ended.push_back(part.class_number);
    }
  }
  return ended;
}

std::vector<int64_t> IterationSpace::IndexAt(int value, absl::Span<const int64_t> point) const {
  std::vector<int64_t> index;
  const size_t rank = CommonDimensions(graph_->value(value).shape()).size();
  for (size_t d = 0; d < rank; ++d) {
    int64_t coordinate = 0;
    for (const ClassPart& part : PartsOf(value, d)) {
      coordinate = coordinate * part.size + point[part.class_number] / part.stride % part.size;
    }
    index.push_back(coordinate);
  }
  return index;
}

IndexMap IterationSpace::MapFromSpace(int value) const {
  IndexMap map;
  for (const IterationClass& c : classes_) map.sizes.push_back(c.size);
  const size_t rank = CommonDimensions(graph_->value(value).shape()).size();
  for (size_t d = 0; d < rank; ++d) {
    IndexExpr coordinate = IndexExpr::Constant(0);
    for (const ClassPart& part : PartsOf(value, d)) {
      const IndexExpr of_class = IndexExpr::Dimension(part.class_number);
      coordinate = IndexExpr::Multiply(coordinate, part.size);
      if (part.size > 0) {
        const IndexExpr digit =
            IndexExpr::Modulo(IndexExpr::FloorDivide(of_class, part.stride), part.size);
        coordinate = IndexExpr::Add(coordinate, digit);
      }
    }
    map.results.push_back(coordinate);
  }
  return Simplify(map);
}

}  // namespace ingot
