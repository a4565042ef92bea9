#include "compiler/plan/tile_vectors.h"

#include <algorithm>

#include "compiler/plan/analysis.h"
#include "compiler/plan/tile_deal.h"

namespace ingot::plan {
namespace {

// Of one access.
constexpr int kAccessBytes = 16;
constexpr int kMostVector = 8;
// A warp has a thread for each element before and behind whole vectors.
constexpr int64_t kMostAlignment = 16;
// Of shared memory.
constexpr int64_t kBanks = 32;

// The arrays that have a class; where some of them have others too, only these.
std::vector<int> ArraysOfRows(const FusionInfo& info, int inner) {
  std::vector<int> all, rows;
  for (int v : ArraysInSpace(info)) {
    const absl::Span<const int> own = info.space().ClassesOf(v);
    if (!Contains(own, inner)) continue;
    all.push_back(v);
    if (own.size() > 1) rows.push_back(v);
  }
  return rows.empty() ? all : rows;
}

// The elements of an access of the widest of these arrays.
int64_t VectorOfAccess(const FusionInfo& info, absl::Span<const int> arrays) {
  int64_t vector = kMostVector;
  for (int v : arrays) {
    for (const Shape& leaf : Leaves(info.graph().value(v).shape())) {
      vector =
          std::min<int64_t>(vector, std::max(1, kAccessBytes / ByteWidth(leaf.element_type())));
    }
  }
  return vector;
}

}  // namespace

std::vector<int> ArraysInSpace(const FusionInfo& info) {
  std::vector<int> arrays;
  for (int v = 0; v < info.graph().input_count(); ++v) {
    if (info.uses().Of(v).in_space()) arrays.push_back(v);
  }
  for (const Instruction* root : info.graph().view().roots) {
    arrays.push_back(info.graph().NumberOf(*root));
  }
  return arrays;
}

int64_t HeldElements(const FusionInfo& info, absl::Span<const TileClass> classes, int input) {
  int64_t elements = 1;
  for (int c : info.space().ClassesOf(input)) {
    elements = SaturatingMultiply(elements, int64_t{classes[c].vector} * classes[c].registers);
  }
  return elements;
}

std::vector<int> SharedInputs(const FusionInfo& info, int inner) {
  std::vector<int> shared;
  const std::vector<int> rows = ArraysOfRows(info, inner);
  for (int v : ArraysInSpace(info)) {
    const bool along = info.space().ClassesOf(v) == absl::MakeConstSpan(&inner, 1);
    if (info.graph().IsInput(v) && along && !Contains(rows, v)) shared.push_back(v);
  }
  return shared;
}

std::vector<int> AlignedRows(const FusionInfo& info, int inner) {
  const FusionGraph& graph = info.graph();
  const IterationSpace& space = info.space();
  for (int v = 0; v < graph.value_count(); ++v) {
    const Shape& shape = graph.value(v).shape();
    for (const Shape& leaf : Leaves(shape)) {
      if (IsComplex(leaf.element_type())) return {};
    }
    // Lanes lie along one dimension.
    const int64_t rank = CommonDimensions(shape).size();
    for (int64_t d = 0; d < rank; ++d) {
      for (const ClassPart& part : space.PartsOf(v, d)) {
        const bool whole = part.size == space.classes()[inner].size;
        if (part.class_number == inner && (!whole || space.PartsOf(v, d).size() > 1)) return {};
      }
    }
  }
  for (int v : ArraysInSpace(info)) {
    for (const Shape& leaf : Leaves(graph.value(v).shape())) {
      if (Contains(space.ClassesOf(v), inner) && BitWidth(leaf.element_type()) < 8) return {};
    }
  }
  std::vector<int> rows;
  for (int v : ArraysOfRows(info, inner)) {
    const absl::Span<const int> own = space.ClassesOf(v);
    if (rows.empty()) rows.assign(own.begin(), own.end());
    if (own.back() != inner || own != absl::MakeConstSpan(rows)) return {};
  }
  return rows;
}

int AlignedVector(const FusionInfo& info, int inner) {
  if (AlignedRows(info, inner).empty()) return 1;
  return static_cast<int>(VectorOfAccess(info, ArraysOfRows(info, inner)));
}

int64_t RowAlignment(const FusionInfo& info, int inner) {
  int64_t elements = 1;
  for (int v : ArraysOfRows(info, inner)) {
    for (const Shape& leaf : Leaves(info.graph().value(v).shape())) {
      elements = std::max(elements, kSectorBytes / ByteWidth(leaf.element_type()));
    }
  }
  return std::min(elements, kMostAlignment);
}

int64_t MostEnds(const FusionInfo& info, int inner, int vector) {
  return RowAlignment(info, inner) - 1 + vector - 1;
}

int MostVector(const FusionInfo& info, int inner) {
  const FusionGraph& graph = info.graph();
  const IterationSpace& space = info.space();
  int64_t vector = kMostVector;
  for (int v = 0; v < graph.value_count(); ++v) {
    for (const Shape& leaf : Leaves(graph.value(v).shape())) {
      if (IsComplex(leaf.element_type())) vector = 1;
    }
    const int64_t rank = CommonDimensions(graph.value(v).shape()).size();
    for (int64_t d = 0; d < rank; ++d) {
      for (const ClassPart& part : space.PartsOf(v, d)) {
        if (part.class_number != inner || part.stride != 1) continue;
        while (part.size % vector != 0) vector /= 2;
      }
    }
  }
  std::vector<int> arrays = ArraysInSpace(info);
  std::erase_if(arrays, [&](int v) { return !Contains(space.ClassesOf(v), inner); });
  vector = std::min(vector, VectorOfAccess(info, arrays));
  while (space.classes()[inner].size % vector != 0) vector /= 2;
  return static_cast<int>(vector);
}

StagedLayout LayoutOfStaged(const FusionInfo& info, const TilePlan& tile, int input) {
  const int64_t count = info.graph().value(input).shape().ElementCount();
  const int inner = tile.order[0];
  const int64_t planes = tile.classes[inner].vector;
  if (!tile.aligned || planes == 1 || !Contains(SharedInputs(info, inner), input)) {
    return {1, count};
  }
  // Of the banks a plane has the next ones.
  const int64_t step = std::max<int64_t>(1, kBanks / planes);
  const int64_t steps = CeilDiv(CeilDiv(count, planes), step);
  return {planes, step * (steps + (steps % 2 == 0 ? 1 : 0))};
}

int64_t StagedBytes(const FusionInfo& info, const TilePlan& tile) {
  int64_t bytes = 0;
  for (int v : tile.staged) {
    const StagedLayout layout = LayoutOfStaged(info, tile, v);
    const int64_t elements = SaturatingMultiply(layout.planes, layout.elements);
    bytes = SaturatingAdd(bytes, ingot::BytesOf(info.graph().value(v).shape(), elements));
  }
  return bytes;
}

bool CopiesAhead(const FusionInfo& info, absl::Span<const TileClass> classes, int input) {
  const Shape& shape = info.graph().value(input).shape();
  if (!shape.IsArray() || IsComplex(shape.element_type()) || BitWidth(shape.element_type()) < 8) {
    return false;
  }
  const absl::Span<const int> own = info.space().ClassesOf(input);
  if (own.empty()) return false;
  // A thread holds vectors along memory, one place of the other classes.
  const int vector = classes[own.back()].vector;
  for (int c : own) {
    if (c != own.back() && classes[c].vector * classes[c].registers > 1) return false;
  }
  const int64_t bytes = int64_t{vector} * ByteWidth(shape.element_type());
  return bytes == 4 || bytes == 8 || bytes == 16;
}

int64_t BytesAhead(const FusionInfo& info, absl::Span<const TileClass> classes, bool rests,
                   int input) {
  int64_t elements = HeldElements(info, classes, input);
  if (rests) {
    elements = SaturatingMultiply(elements, classes[info.space().ClassesOf(input).back()].loop);
  }
  return ingot::BytesOf(info.graph().value(input).shape(), elements);
}

}  // namespace ingot::plan
