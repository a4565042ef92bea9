#include "compiler/lower/tile_roots.h"

#include <algorithm>

#include "compiler/plan/analysis.h"

namespace ingot::lower {

using kernel::Value;

TileRoots::TileRoots(Frame& frame)
    : TileWalk(frame), packed_(frame, info_, places_), gathered_(frame, places_) {
  int results = 0;
  for (const Instruction* root : info_.graph().view().roots) {
    first_result_.push_back(results);
    results += static_cast<int>(plan::Leaves(root->shape()).size());
  }
}

std::vector<int> TileRoots::RootsOf(int level) const {
  std::vector<int> roots;
  for (size_t i = 0; i < info_.graph().view().roots.size(); ++i) {
    const int root = static_cast<int>(i);
    if (levels_.of[ValueOfRoot(root)] == level) roots.push_back(root);
  }
  return roots;
}

Value TileRoots::IsStored(absl::Span<const int> own, const std::vector<int>& registers,
                          const std::vector<int>& apart, Value end) {
  Value stores = b_.True();
  const bool in_range =
      plan_.packed >= 0 && plan::Contains(own, plan_.packed) && plan::Contains(own, plan_.order[0]);
  for (int c = 0; c < class_count_; ++c) {
    if (in_range && c == plan_.packed)
      continue;  // what lies beyond the last row stays in the range
    if (std::find(own.begin(), own.end(), c) != own.end()) {
      const bool is_end = end != nullptr && c == plan_.order[0];
      const Value inside = is_end ? end : Inside({c}, registers);
      if (inside != nullptr) stores = b_.And(stores, inside);
      continue;
    }
    stores = places_.IsFirst(c, stores);
    if (registers[c] != 0) stores = b_.False();
    const bool kept = !IsReduced(c);
    if (kept && plan_.classes[c].loop > 1) {
      stores = b_.And(stores, b_.Eq(places_.trip(c), math_.Const(0)));
    }
    const bool is_apart = std::find(apart.begin(), apart.end(), c) != apart.end();
    if (plan_.classes[c].blocks > 1 && !is_apart) {
      stores = b_.And(stores, b_.Eq(places_.block(c), math_.Const(0)));
    }
  }
  return stores;
}

void TileRoots::StoreRoots(const std::vector<int>& roots, const std::vector<int>& registers) {
  if (!roots.empty()) StoreRoots(roots, registers, NewPoint(registers), nullptr);
}

// All that is stored at a point is computed before any of it is stored: a result may be where an
// operand of another is (plan/in_place.h).  What has one condition is stored in one branch.
void TileRoots::StoreRoots(const std::vector<int>& roots, const std::vector<int>& registers,
                           int point, Value end) {
  std::vector<Index> indices;
  std::vector<Value> stores;
  std::vector<Elements> values(roots.size());
  // What few threads store, the others need not compute.
  std::vector<bool> computed_late(roots.size());
  for (size_t i = 0; i < roots.size(); ++i) {
    const int value = ValueOfRoot(roots[i]);
    indices.push_back(IndexAt(Root(roots[i]), point));
    stores.push_back(IsStored(info_.space().ClassesOf(value), registers, {}, end));
    if (stores[i]->IsConstant() && stores[i]->ConstantInteger() == 0) continue;
    computed_late[i] = !stores[i]->IsConstant() && levels_.last > 0 && !HasReducedClass(value);
    if (!computed_late[i]) values[i] = EmitRoot(roots[i], indices[i]);
  }
  std::vector<bool> stored(roots.size());
  for (size_t first = 0; first < roots.size(); ++first) {
    const Value condition = stores[first];
    if (stored[first] || (condition->IsConstant() && condition->ConstantInteger() == 0)) continue;
    std::vector<size_t> together;
    for (size_t i = first; i < roots.size(); ++i) {
      if (stores[i] == condition) together.push_back(i);
    }
    const auto store = [&] {
      for (size_t i : together) {
        if (computed_late[i]) values[i] = EmitRoot(roots[i], indices[i]);
      }
      for (size_t i : together) {
        StoreElements(roots[i], registers, indices[i], values[i]);
        stored[i] = true;
      }
    };
    condition->IsConstant() ? store() : e_.If(condition, store);
  }
}

// The leaves of a root.
Elements TileRoots::EmitRoot(int root, const Index& index) {
  Elements values;
  for (size_t i = 0; i < plan::Leaves(Root(root).shape()).size(); ++i) {
    values.push_back(e_.Emit(Root(root), index, static_cast<int>(i)));
  }
  return values;
}

void TileRoots::StoreElements(int root, const std::vector<int>& registers, const Index& index,
                              const Elements& values) {
  const std::vector<Shape> leaves = plan::Leaves(Root(root).shape());
  const bool gathers = plan_.gathered >= 0 && !HasReducedClass(ValueOfRoot(root));
  for (size_t i = 0; i < leaves.size(); ++i) {
    const size_t result = first_result_[root] + i;
    if (packed_.IsRange(result)) {
      const Element value = e_.Broadcast(values[i], index.lanes());
      packed_.Write(result, registers[plan_.packed], CoordinateAt(index.point, plan_.order[0]),
                    value.re);
    } else if (gathers) {
      const Value coordinate = CoordinateAt(index.point, plan_.gathered);
      gathered_.Keep(result, Root(root), leaves[i], coordinate, values[i].re);
    } else {
      e_.Store(frame_.memory.results[result], leaves[i], index, values[i]);
    }
  }
}

void TileRoots::CopyPacked() {
  if (plan_.packed < 0) return;
  packed_.Copy();
  b_.Barrier();
  ReadPacked();
  if (packed_.HasResults()) b_.Barrier();
}

void TileRoots::StorePacked() {
  if (!packed_.HasResults()) return;
  b_.Barrier();
  packed_.Store();
}

void TileRoots::ReadPacked() {
  ForRegisters(ClassesBut({}), [&](const std::vector<int>& registers) {
    const int point = NewPoint(registers);
    for (size_t i = 0; i < packed_.inputs().size(); ++i) {
      const Instruction& parameter = info_.graph().value(packed_.inputs()[i]);
      const Value elements =
          packed_.Read(i, registers[plan_.packed], CoordinateAt(point, plan_.order[0]));
      e_.Provide(parameter, IndexAt(parameter, point), 0, {elements, nullptr});
    }
  });
}

void TileRoots::StoreGathered() {
  if (plan_.gathered < 0) return;
  b_.Barrier();
  gathered_.Store([&](const Instruction& root, Value coordinate) {
    return IndexAt(root, NewPointAt(plan_.gathered, coordinate));
  });
}

}  // namespace ingot::lower
