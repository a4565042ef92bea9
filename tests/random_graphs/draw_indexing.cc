// Dynamic slices, gathers, scatters and sorts.
#include <algorithm>
#include <cmath>

#include "tests/random_graphs/drawer.h"

namespace ingot::random_graphs {
namespace {

constexpr ElementType kIndexTypes[] = {ElementType::kS32, ElementType::kS32, ElementType::kS64,
                                       ElementType::kU32, ElementType::kU8,  ElementType::kS8,
                                       ElementType::kU64, ElementType::kS16};

bool Contains(const Sizes& list, int64_t value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

// How windows into an array are found: what gather and scatter have in common.
struct Windows {
  Sizes index_map;
  Sizes dropped;
  Sizes array_batching;
  Sizes indices_batching;
  int64_t index_vector_dim = 0;
  Sizes sizes;        // of the window, in every dimension of the array
  Sizes window_dims;  // of the other side
  Sizes indices;      // sizes of the indices
  Sizes other;        // sizes of the other side
};

}  // namespace

Known Drawer::StartIndex(ElementType type, int64_t size) {
  // In range mostly, and also far beyond both ends.
  if (OneIn(4)) return Like(type, {});
  const int64_t least = IsSigned(type) ? -2 : 0;
  if (inputs_ == nullptr || OneIn(2)) {
    return Constant(type, static_cast<double>(least + Below(std::min<int64_t>(size, 60) + 4)));
  }
  return Parameter(type, {}, true);
}

bool Drawer::DynamicSlice() {
  const Known x = Any();
  if (x.rank() == 0) return false;
  const ElementType type = OneOf(kIndexTypes);
  std::vector<Value> starts;
  Sizes sizes;
  for (int64_t size : x.sizes()) {
    starts.push_back(StartIndex(type, size).value);
    sizes.push_back(OneIn(3) ? size : OneIn(3) ? std::min<int64_t>(size, 1) : Below(size + 1));
  }
  return Add(ingot::DynamicSlice(x.value, starts, sizes), x.facts);
}

bool Drawer::DynamicUpdateSlice() {
  const Known x = Any();
  if (x.rank() == 0) return false;
  const ElementType type = OneOf(kIndexTypes);
  std::vector<Value> starts;
  Sizes sizes;
  for (int64_t size : x.sizes()) {
    starts.push_back(StartIndex(type, size).value);
    sizes.push_back(OneIn(3) ? size : OneIn(3) ? std::min<int64_t>(size, 1) : Below(size + 1));
  }
  const Known update = Like(x.type(), sizes);
  return Add(ingot::DynamicUpdateSlice(x.value, update.value, starts),
             Either(x.facts, update.facts));
}

// `whole_windows`: of scatter, whose windows should mostly be inside the array.
static std::optional<Windows> SomeWindows(std::mt19937_64& random, const Sizes& array,
                                          const Sizes& batch_sizes) {
  const auto below = [&](int64_t n) {
    return static_cast<int64_t>(random() % static_cast<uint64_t>(n));
  };
  const int64_t rank = static_cast<int64_t>(array.size());
  Windows w;
  Sizes batch = batch_sizes;
  for (int64_t d = 0; d < rank; ++d) {
    // At most one dimension goes along with one of the indices.
    if (array[d] > 0 && w.array_batching.empty() && below(6) == 0) {
      w.array_batching.push_back(d);
      continue;
    }
    if (array[d] > 0 && below(2) == 0) w.dropped.push_back(d);
  }
  int64_t batch_place = -1;
  if (!w.array_batching.empty()) {
    batch_place = below(static_cast<int64_t>(batch.size()) + 1);
    batch.insert(batch.begin() + batch_place, array[w.array_batching[0]]);
  }
  for (int64_t d = 0; d < rank; ++d) {
    if (!Contains(w.array_batching, d) && below(3) != 0) w.index_map.push_back(d);
  }
  for (int64_t i = static_cast<int64_t>(w.index_map.size()) - 1; i > 0; --i) {
    std::swap(w.index_map[i], w.index_map[below(i + 1)]);
  }
  const int64_t components = static_cast<int64_t>(w.index_map.size());
  // The vector's dimension may be left out where it has size 1.
  const int64_t batch_rank = static_cast<int64_t>(batch.size());
  w.indices = batch;
  if (components == 1 && below(2) == 0) {
    w.index_vector_dim = batch_rank;
  } else {
    w.index_vector_dim = below(batch_rank + 1);
    w.indices.insert(w.indices.begin() + w.index_vector_dim, components);
    if (batch_place >= w.index_vector_dim) ++batch_place;
  }
  if (!w.array_batching.empty()) w.indices_batching = {batch_place};
  Sizes kept;
  for (int64_t d = 0; d < rank; ++d) {
    const bool single = Contains(w.dropped, d) || Contains(w.array_batching, d);
    const int64_t size = single ? 1 : below(3) == 0 ? below(array[d] + 1) : array[d];
    w.sizes.push_back(size);
    if (!single) kept.push_back(size);
  }
  const int64_t other_rank = batch_rank + static_cast<int64_t>(kept.size());
  if (other_rank > 6) return std::nullopt;
  // Which dimensions of the other side are the window's.
  std::vector<bool> is_window(other_rank, false);
  for (size_t i = 0; i < kept.size(); ++i) is_window[i] = true;
  for (int64_t i = other_rank - 1; i > 0; --i) {
    const int64_t j = below(i + 1);
    const bool at_i = is_window[i];
    is_window[i] = is_window[j];
    is_window[j] = at_i;
  }
  size_t next_kept = 0, next_batch = 0;
  for (int64_t d = 0; d < other_rank; ++d) {
    if (is_window[d]) w.window_dims.push_back(d);
    w.other.push_back(is_window[d] ? kept[next_kept++] : batch[next_batch++]);
  }
  return w;
}

bool Drawer::Gather() {
  const Known x = Any();
  if (x.rank() == 0) return false;
  const std::optional<Windows> w = SomeWindows(random_, x.sizes(), SomeSizes(Below(3)));
  if (!w.has_value() || !Fits(w->indices) || !Fits(w->other)) return false;
  const Known indices =
      OneIn(2) ? Like(OneOf(kIndexTypes), w->indices) : FreshWhole(OneOf(kIndexTypes), w->indices);
  GatherAttributes attributes;
  attributes.offset_dims = w->window_dims;
  attributes.collapsed_slice_dims = w->dropped;
  attributes.start_index_map = w->index_map;
  attributes.operand_batching_dims = w->array_batching;
  attributes.start_indices_batching_dims = w->indices_batching;
  attributes.index_vector_dim = w->index_vector_dim;
  attributes.slice_sizes = w->sizes;
  return Add(ingot::Gather(x.value, indices.value, attributes), x.facts);
}

bool Drawer::Scatter() {
  Known x = Any();
  const ElementType type = x.type();
  if (x.rank() == 0) return false;
  // One index a row, into a scalar everywhere: a select on iota.
  const bool is_select = OneIn(3);
  if (is_select) {
    const Known scalar = Like(type, {});
    x = Given({ingot::Broadcast(scalar.value, x.sizes(), {}), scalar.facts});
  }
  const Sizes batch = is_select ? Sizes(Below(2), 1) : SomeSizes(Below(3));
  const std::optional<Windows> w = SomeWindows(random_, x.sizes(), batch);
  if (!w.has_value() || !Fits(w->indices) || !Fits(w->other)) return false;
  const Known indices =
      OneIn(2) ? Like(OneOf(kIndexTypes), w->indices) : FreshWhole(OneOf(kIndexTypes), w->indices);
  Known updates = Like(type, w->other);
  ScatterAttributes attributes;
  attributes.update_window_dims = w->window_dims;
  attributes.inserted_window_dims = w->dropped;
  attributes.scatter_dims_to_operand_dims = w->index_map;
  attributes.input_batching_dims = w->array_batching;
  attributes.scatter_indices_batching_dims = w->indices_batching;
  attributes.index_vector_dim = w->index_vector_dim;
  const auto scatter = [&](Opcode opcode) {
    return ingot::Scatter(x.value, indices.value, updates.value, attributes, opcode);
  };
  if (OneIn(3)) {  // the last update wins
    const Shape scalar = Shape::Scalar(type);
    Computation* second = b_.Define("second", {scalar, scalar}, [](Values v) { return v[1]; });
    return Add(
        b_.Apply(Opcode::kScatter, {x.value, indices.value, updates.value}, attributes, {second}),
        Either(x.facts, updates.facts));
  }
  if (IsComplex(type)) return false;
  if (type == ElementType::kPred) {
    return Add(scatter(OneIn(2) ? Opcode::kOr : Opcode::kAnd), {});
  }
  if (IsInteger(type)) {
    static constexpr Opcode kOps[] = {Opcode::kAdd, Opcode::kMultiply, Opcode::kMaximum,
                                      Opcode::kMinimum, Opcode::kXor};
    return Add(scatter(OneOf(kOps)), {});
  }
  if (OneIn(2)) {
    return Add(scatter(OneIn(2) ? Opcode::kMaximum : Opcode::kMinimum),
               Either(x.facts, updates.facts));
  }
  x = Bounded(x, 16);
  updates = Bounded(updates, 16);
  if (!x.finite() || !updates.finite() || !x.exact() || !updates.exact()) return false;
  // Each update may be rounded to the type as it is added.
  const double bound = std::max(x.facts.bound, updates.facts.bound);
  const double total = bound * static_cast<double>(Product(w->other) + 1);
  if (!x.facts.whole || !updates.facts.whole ||
      total > std::ldexp(1.0, FormatOf(type).mantissa_bits + 1)) {
    return false;
  }
  return Add(scatter(Opcode::kAdd), {total, true, 0, false});
}

bool Drawer::Sort() {
  const Known x = Any();
  if (x.rank() == 0 || IsComplex(x.type()) || !x.finite()) return false;
  const int64_t along = Below(x.rank());
  std::vector<Known> operands = {x};
  // Values that are known but for an error may change places: they are sorted alone.
  const int64_t others = x.exact() ? Below(3) : 0;
  for (int64_t i = 0; i < others; ++i) {
    operands.push_back(Like(OneOf(style_.types), x.sizes()));
  }
  std::vector<Value> values;
  for (const Known& operand : operands) values.push_back(operand.value);
  const ComparisonDirection direction =
      OneIn(2) ? ComparisonDirection::kLt : ComparisonDirection::kGt;
  const std::vector<Value> results =
      ingot::Sort(values, along, [&](Values v) { return ingot::Compare(v[0], v[1], direction); });
  bool added = true;
  for (size_t i = 0; i < results.size(); ++i) {
    added = Add(results[i], operands[i].facts) && added;
  }
  return added;
}

}  // namespace ingot::random_graphs
