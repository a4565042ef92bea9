#include <algorithm>
#include <limits>
#include <optional>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "passes/inline_body.h"
#include "passes/simplify/simplify.h"

namespace ingot {
namespace {

// The position of `value` in the list; -1 where it is not there.
int64_t Find(const std::vector<int64_t>& list, int64_t value) {
  const auto at = std::find(list.begin(), list.end(), value);
  return at == list.end() ? -1 : at - list.begin();
}

// Dimensions of an array that go along dimensions of a scatter's operand.
struct Along {
  std::vector<int64_t> sizes;
  std::vector<int64_t> dimensions;
  void Add(int64_t size, int64_t dimension) {
    sizes.push_back(size);
    dimensions.push_back(dimension);
  }
};

// Rewrites a scatter whose windows do not overlap: there is one a batch row.
class ScatterToSelect {
 public:
  explicit ScatterToSelect(Instruction* scatter)
      : scatter_(*scatter), attributes_(scatter->attributes<ScatterAttributes>()) {}

  // Null where it is not so, or where the place of an update in its window would be data.
  Instruction* Make() {
    const Instruction* to = scatter_.operand(0);
    if (scatter_.operand_count() != 3 || ScalarOf(*to) == nullptr) return nullptr;
    if (!IsElementwiseBody(*scatter_.to_apply())) return nullptr;
    for (const Instruction* operand : scatter_.operands()) {
      if (operand->shape().HasDynamicDimension()) return nullptr;
    }
    if (!HasOneIndexARow() || !ReadUpdate()) return nullptr;
    Instruction* combined =
        InlineBody(*scatter_.parent(), *scatter_.to_apply(),
                   {scatter_.operand(0), Place(scatter_.operand(2), update_)}, &sizes());
    Instruction* named = IsNamed();
    if (named == nullptr) return combined;
    return Add(Opcode::kSelect, scatter_.shape(), {named, combined, scatter_.operand(0)});
  }

 private:
  const std::vector<int64_t>& sizes() const { return scatter_.shape().dimensions(); }
  const Shape& indices() const { return scatter_.operand(1)->shape(); }

  Instruction* Add(Opcode opcode, Shape shape, std::vector<Instruction*> operands) const {
    return scatter_.parent()->Add(opcode, std::move(shape), std::move(operands));
  }
  Instruction* Add(Opcode opcode, Shape shape, std::vector<Instruction*> operands,
                   Attributes attributes) const {
    return scatter_.parent()->Add(opcode, std::move(shape), std::move(operands),
                                  std::move(attributes));
  }
  Shape ResultOf(ElementType type) const { return Shape::ArrayWithDefaultLayout(type, sizes()); }

  // Whether the indices have batching dimensions only.
  bool HasOneIndexARow() {
    const std::vector<int64_t>& batching = attributes_.scatter_indices_batching_dims;
    for (int64_t d = 0; d < indices().rank(); ++d) {
      if (d == attributes_.index_vector_dim) continue;
      const int64_t partner = Find(batching, d);
      if (partner >= 0) {
        row_.Add(indices().dimension(d), attributes_.input_batching_dims[partner]);
      } else if (indices().dimension(d) != 1) {
        return false;
      }
    }
    return true;
  }

  // Whether a window is one element along a dimension that the index chooses, and all of another.
  bool ReadUpdate() {
    const Shape& update = scatter_.operand(2)->shape();
    std::vector<int64_t> window;  // the operand's dimensions that a window has
    for (int64_t d = 0; d < static_cast<int64_t>(sizes().size()); ++d) {
      const bool chosen = Find(attributes_.scatter_dims_to_operand_dims, d) >= 0;
      if (Find(attributes_.inserted_window_dims, d) >= 0) {
        if (!chosen && sizes()[d] != 1) return false;
      } else if (Find(attributes_.input_batching_dims, d) < 0) {
        const int64_t extent = update.dimension(attributes_.update_window_dims[window.size()]);
        if (extent != (chosen ? 1 : sizes()[d])) return false;
        window.push_back(d);
      }
    }
    int64_t of_indices = 0;
    for (int64_t d = 0; d < update.rank(); ++d) {
      const int64_t in_window = Find(attributes_.update_window_dims, d);
      if (in_window >= 0) {
        if (Find(attributes_.scatter_dims_to_operand_dims, window[in_window]) < 0) {
          update_.Add(update.dimension(d), window[in_window]);
        }
        continue;
      }
      if (of_indices == attributes_.index_vector_dim) ++of_indices;
      const int64_t partner = Find(attributes_.scatter_indices_batching_dims, of_indices++);
      if (partner >= 0) {
        update_.Add(update.dimension(d), attributes_.input_batching_dims[partner]);
      }
    }
    return true;
  }

  // The array, whose other dimensions are of size 1, along the result's.
  Instruction* Place(Instruction* array, const Along& along) const {
    const ElementType type = array->shape().element_type();
    Instruction* rows =
        Add(Opcode::kReshape, Shape::ArrayWithDefaultLayout(type, along.sizes), {array});
    return Add(Opcode::kBroadcast, ResultOf(type), {rows}, DimensionsAttributes{along.dimensions});
  }

  // Component `k` of the indices as `type`, along the result's dimensions.
  Instruction* Component(int64_t k, ElementType type) const {
    Instruction* array = scatter_.operand(1);
    const int64_t along = attributes_.index_vector_dim;
    if (along < indices().rank()) {
      SliceAttributes slice;
      for (int64_t size : indices().dimensions()) slice.slice.push_back({0, size, 1});
      slice.slice[along] = {k, k + 1, 1};
      std::vector<int64_t> sizes = indices().dimensions();
      sizes[along] = 1;
      array = Add(Opcode::kSlice,
                  Shape::ArrayWithDefaultLayout(indices().element_type(), std::move(sizes)),
                  {array}, std::move(slice));
    }
    const Shape converted = Shape::ArrayWithDefaultLayout(type, array->shape().dimensions());
    return Place(Add(Opcode::kConvert, converted, {array}), row_);
  }

  // A type that has every coordinate below `size` and every index: the index's own where it can be.
  ElementType TypeToCompare(int64_t size) const {
    const ElementType type = indices().element_type();
    const int bits = BitWidth(type) - (IsSigned(type) ? 1 : 0);
    const bool holds = bits >= 63 || size - 1 < int64_t{1} << bits;
    if (holds && BitWidth(type) >= 32) return type;
    const bool narrow = size - 1 <= std::numeric_limits<int32_t>::max();
    return narrow ? ElementType::kS32 : ElementType::kS64;
  }

  // Whether the index names the element; null: always.  An index outside names none.
  Instruction* IsNamed() const {
    Instruction* named = nullptr;
    for (size_t k = 0; k < attributes_.scatter_dims_to_operand_dims.size(); ++k) {
      const int64_t d = attributes_.scatter_dims_to_operand_dims[k];
      const ElementType type = TypeToCompare(sizes()[d]);
      Instruction* index = Component(k, type);
      Instruction* coordinate = Add(Opcode::kIota, ResultOf(type), {}, IotaAttributes{d});
      Instruction* equal = Add(Opcode::kCompare, ResultOf(ElementType::kPred), {index, coordinate},
                               CompareAttributes{ComparisonDirection::kEq});
      named = named == nullptr ? equal
                               : Add(Opcode::kAnd, ResultOf(ElementType::kPred), {named, equal});
    }
    return named;
  }

  const Instruction& scatter_;
  const ScatterAttributes& attributes_;
  Along row_;     // of one component of the indices
  Along update_;  // without the dimensions along which a window is one element
};

// scatter(splat, indices, update) with one index a batch row
//   →  select(index == iota, combiner(splat, update), splat)
Instruction* ScatterOfOneIndexARow(Instruction* scatter) { return ScatterToSelect(scatter).Make(); }

// Takes a gather's producers behind it.
class GatherFirst {
 public:
  explicit GatherFirst(Instruction* gather)
      : gather_(*gather), attributes_(gather->attributes<GatherAttributes>()) {
    const int64_t elements = gather->shape().ElementCount();
    const int64_t all = gather->operand(0)->shape().ElementCount();
    is_fewer_ = elements <= all;
    is_few_ = elements <= all / kFewOf;
  }

  // Null where no producer can be taken, where computing after the gather would be more work, or
  // where too many producers would be.
  Instruction* Make() {
    for (const Instruction* operand : gather_.operands()) {
      if (operand->shape().HasDynamicDimension()) return nullptr;
    }
    if (gather_.operand(0)->shape().rank() == 0 || !is_fewer_) return nullptr;
    if (!IsTaken(*gather_.operand(0)) || !Collect(*gather_.operand(0))) return nullptr;
    return Gathered(gather_.operand(0));
  }

 private:
  static constexpr size_t kMostTaken = 32;
  // What others ask for too is computed again where it is at most one element of so many.
  static constexpr int64_t kFewOf = 8;

  bool IsTaken(const Instruction& value) const {
    if (!value.control_predecessors().empty() || value.opcode() == Opcode::kMap) return false;
    if (value.opcode() == Opcode::kBroadcast) return DimensionsAfter(value).has_value();
    return value.kind() == OpKind::kElementwise && (is_few_ || value.users().size() == 1);
  }

  // Finds the producers that are taken; false where they are too many.
  bool Collect(const Instruction& value) {
    if (value.shape().rank() == 0 || !IsTaken(value) || !taken_.insert(&value).second) return true;
    if (taken_.size() > kMostTaken) return false;
    if (value.opcode() == Opcode::kBroadcast) return true;
    return std::all_of(value.operands().begin(), value.operands().end(),
                       [&](const Instruction* operand) { return Collect(*operand); });
  }

  // Where a broadcast's operand lies in the gather's result, if the index does not choose there.
  std::optional<std::vector<int64_t>> DimensionsAfter(const Instruction& broadcast) const {
    const Shape& from = gather_.operand(0)->shape();
    // Dimensions of the result that are no offsets, in the order of the indices' own.
    std::vector<int64_t> batch;
    for (int64_t d = 0; d < gather_.shape().rank(); ++d) {
      if (Find(attributes_.offset_dims, d) < 0) batch.push_back(d);
    }
    std::vector<int64_t> after(from.rank(), -1);
    size_t offset = 0;
    for (int64_t d = 0; d < from.rank(); ++d) {
      const int64_t partner = Find(attributes_.operand_batching_dims, d);
      if (partner >= 0) {
        const int64_t of_indices = attributes_.start_indices_batching_dims[partner];
        after[d] = batch[of_indices - (of_indices > attributes_.index_vector_dim ? 1 : 0)];
      } else if (Find(attributes_.collapsed_slice_dims, d) < 0) {
        const int64_t in_result = attributes_.offset_dims[offset++];
        if (attributes_.slice_sizes[d] == from.dimension(d)) after[d] = in_result;
      }
    }
    std::vector<int64_t> dimensions;
    for (int64_t d : broadcast.dimensions()) {
      if (after[d] < 0) return std::nullopt;
      dimensions.push_back(after[d]);
    }
    return dimensions;
  }

  // The value that the gather would have of `value`.
  Instruction* Gathered(Instruction* value) {
    if (value->shape().rank() == 0) return value;
    if (const auto at = made_.find(value); at != made_.end()) return at->second;
    Instruction* made = nullptr;
    Computation& computation = *gather_.parent();
    const Shape shape =
        Shape::ArrayWithDefaultLayout(value->shape().element_type(), gather_.shape().dimensions());
    if (!taken_.contains(value)) {
      made = computation.AddClone(gather_, {value, gather_.operand(1)});
    } else if (value->opcode() == Opcode::kBroadcast) {
      made = computation.Add(Opcode::kBroadcast, shape, {value->operand(0)},
                             DimensionsAttributes{*DimensionsAfter(*value)});
    } else {
      std::vector<Instruction*> operands;
      for (Instruction* operand : value->operands()) operands.push_back(Gathered(operand));
      made = computation.AddClone(*value, std::move(operands));
    }
    made->set_shape(shape);
    return made_[value] = made;
  }

  const Instruction& gather_;
  const GatherAttributes& attributes_;
  bool is_fewer_, is_few_;
  absl::flat_hash_set<const Instruction*> taken_;
  absl::flat_hash_map<const Instruction*, Instruction*> made_;
};

// gather(f(x, y), indices)  →  f(gather(x, indices), gather(y, indices)), with f elementwise;
// gather(broadcast(x), indices)  →  broadcast(x), where the index does not choose along x
Instruction* GatherOfElementwise(Instruction* gather) { return GatherFirst(gather).Make(); }

// gather(x, reshape(indices)), where the reshape adds a last dimension for coordinates of one
//   →  gather(x, indices)
Instruction* GatherOfReshape(Instruction* gather) {
  const Instruction& reshape = *gather->operand(1);
  GatherAttributes attributes = gather->attributes<GatherAttributes>();
  const int64_t last = reshape.shape().rank() - 1;
  if (reshape.opcode() != Opcode::kReshape || attributes.index_vector_dim != last ||
      reshape.shape().dimension(last) != 1 || reshape.shape().HasDynamicDimension()) {
    return nullptr;
  }
  std::vector<int64_t> sizes = reshape.shape().dimensions();
  sizes.pop_back();
  if (reshape.operand(0)->shape().dimensions() != sizes) return nullptr;
  Instruction* made = gather->parent()->Add(Opcode::kGather, gather->shape(),
                                            {gather->operand(0), reshape.operand(0)},
                                            std::move(attributes), gather->name());
  made->mutable_annotations().metadata = gather->annotations().metadata;
  return made;
}

constexpr SimplifyRule kRules[] = {
    {Opcode::kGather, "gather-of-elementwise", GatherOfElementwise},
    {Opcode::kGather, "gather-of-reshape", GatherOfReshape},
    {Opcode::kScatter, "scatter-of-one-index-a-row", ScatterOfOneIndexARow},
};

}  // namespace

absl::Span<const SimplifyRule> IndexingRules() { return kRules; }

}  // namespace ingot
