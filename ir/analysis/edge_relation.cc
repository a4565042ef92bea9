#include "ir/analysis/edge_relation.h"

#include <algorithm>

#include "ir/analysis/op_facts.h"
#include "ir/op_table.h"

namespace ingot {
namespace {

// Reshapes come after what keeps dimensions, transposes last.
constexpr int kReshapePriority = 1;
constexpr int kTransposePriority = 2;

bool Contains(const std::vector<int64_t>& list, int64_t value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

class RelationMaker {
 public:
  RelationMaker(const Instruction& consumer, int64_t operand, EdgeRelation& relation)
      : consumer_(consumer),
        number_(operand),
        to_(CommonDimensions(consumer.shape())),
        from_(CommonDimensions(consumer.operand(operand)->shape())),
        relation_(relation) {}

  void Make() {
    switch (consumer_.kind()) {
      case OpKind::kElementwise:
        if (!from_.empty()) Identity();
        return;
      case OpKind::kDataMovement:
        return DataMovement();
      case OpKind::kReduction:
        return consumer_.opcode() == Opcode::kReduce ? Reduce() : Opaque();
      case OpKind::kIndexing:
        return Indexing();
      case OpKind::kStructure:
        Opaque();
        if (to_ == from_) Identity();
        return;
      case OpKind::kContraction:
      case OpKind::kSorting:
      case OpKind::kRandom:
      case OpKind::kLinearAlgebra:
      case OpKind::kControlFlow:
      case OpKind::kCollective:
      case OpKind::kExternal:
        return Opaque();
    }
  }

 private:
  void Opaque() { relation_.opaque = true; }

  // Shapes of bounded size that disagree here are no op's: such a pair is left open.
  void Same(int64_t consumer, int64_t operand) {
    if (consumer >= static_cast<int64_t>(to_.size()) ||
        operand >= static_cast<int64_t>(from_.size()) || to_[consumer] != from_[operand]) {
      return;
    }
    relation_.same.push_back({static_cast<int>(consumer), static_cast<int>(operand)});
  }

  void Identity() {
    for (size_t d = 0; d < from_.size(); ++d) Same(d, d);
  }

  void SameNumber(const Layout& consumer, const Layout& operand) {
    relation_.same_number = true;
    relation_.priority = kReshapePriority;
    relation_.consumer_order.assign(consumer.minor_to_major.rbegin(),
                                    consumer.minor_to_major.rend());
    relation_.operand_order.assign(operand.minor_to_major.rbegin(), operand.minor_to_major.rend());
  }

  void DataMovement() {
    const Shape& to = consumer_.shape();
    const Shape& from = consumer_.operand(number_)->shape();
    if (!to.IsArray() || !from.IsArray() || to.HasDynamicDimension() ||
        from.HasDynamicDimension()) {
      return Opaque();
    }
    static constexpr OpRow<void(RelationMaker&)> kRows[] = {
        {Opcode::kBitcast, [](RelationMaker& m) { m.Bitcast(); }},
        {Opcode::kBitcastConvert, [](RelationMaker& m) { m.BitcastConvert(); }},
        {Opcode::kBroadcast, [](RelationMaker& m) { m.Broadcast(); }},
        {Opcode::kConcatenate, [](RelationMaker& m) { m.Concatenate(); }},
        {Opcode::kCopy, [](RelationMaker& m) { m.Identity(); }},
        {Opcode::kDynamicReshape, [](RelationMaker& m) { m.Opaque(); }},
        {Opcode::kGetDimensionSize, [](RelationMaker& m) { m.Opaque(); }},
        {Opcode::kIota, [](RelationMaker&) {}},
        {Opcode::kPad, [](RelationMaker& m) { m.Pad(); }},
        {Opcode::kReshape, [](RelationMaker& m) { m.Reshape(); }},
        {Opcode::kReverse, [](RelationMaker& m) { m.Reverse(); }},
        {Opcode::kSetDimensionSize, [](RelationMaker& m) { m.Opaque(); }},
        {Opcode::kSlice, [](RelationMaker& m) { m.Slice(); }},
        {Opcode::kTranspose, [](RelationMaker& m) { m.Transpose(); }},
    };
    static_assert(IsTableOf(OpKind::kDataMovement, kRows));
    FunctionOf(kRows, consumer_.opcode())(*this);
  }

  void BitcastConvert() {
    if (to_ != from_) Opaque();
    Identity();
  }

  void Broadcast() {
    for (size_t d = 0; d < from_.size(); ++d) Same(consumer_.dimensions()[d], d);
  }

  void Transpose() {
    relation_.priority = kTransposePriority;
    for (size_t d = 0; d < to_.size(); ++d) Same(d, consumer_.dimensions()[d]);
  }

  void Reverse() {
    IdentityBut([&](int64_t d) { return Contains(consumer_.dimensions(), d) && from_[d] > 1; });
  }

  void Concatenate() {
    IdentityBut([&](int64_t d) { return consumer_.dimensions()[0] == d && from_[d] != to_[d]; });
  }

  void Slice() {
    const SliceDimensions& slice = consumer_.attributes<SliceAttributes>().slice;
    IdentityBut([&](int64_t d) { return slice[d].start != 0 || slice[d].stride != 1; });
  }

  void Pad() {
    if (number_ != 0) return;
    const Padding& padding = consumer_.attributes<PadAttributes>().padding;
    IdentityBut([&](int64_t d) { return !(padding[d] == PaddingDimension{}); });
  }

  void Reshape() { SameNumber(Layout::Default(to_.size()), Layout::Default(from_.size())); }

  void Bitcast() {
    const Shape& to = consumer_.shape();
    const Shape& from = consumer_.operand(number_)->shape();
    if (BitWidth(to.element_type()) != BitWidth(from.element_type())) return Opaque();
    SameNumber(to.LayoutOrDefault(), from.LayoutOrDefault());
  }

  template <typename Predicate>
  void IdentityBut(const Predicate& changed) {
    for (int64_t d = 0; d < static_cast<int64_t>(from_.size()); ++d) {
      if (!changed(d)) Same(d, d);
    }
  }

  void Reduce() {
    if (2 * number_ >= consumer_.operand_count()) return;
    int64_t kept = 0;
    for (int64_t d = 0; d < static_cast<int64_t>(from_.size()); ++d) {
      if (Contains(consumer_.dimensions(), d)) {
        relation_.accumulated.push_back(static_cast<int>(d));
      } else {
        Same(kept++, d);
      }
    }
  }

  // A dimension that a slice covers whole is not moved by its start, which is clamped to 0.
  void Indexing() {
    Opaque();
    const Opcode opcode = consumer_.opcode();
    if (opcode == Opcode::kGather) return number_ == 0 ? GatherTable() : GatherIndices();
    if (opcode == Opcode::kScatter) return;
    if (number_ == 0 || (number_ == 1 && opcode == Opcode::kDynamicUpdateSlice)) Identity();
  }

  // Of a gather's result, the dimensions that are no offset, ascending.
  std::vector<int> BatchDimensions() const {
    std::vector<int> dimensions;
    for (int d = 0; d < static_cast<int>(to_.size()); ++d) {
      if (!Contains(consumer_.attributes<GatherAttributes>().offset_dims, d)) {
        dimensions.push_back(d);
      }
    }
    return dimensions;
  }

  void GatherTable() {
    const GatherAttributes& gather = consumer_.attributes<GatherAttributes>();
    relation_.choosing = BatchDimensions();
    size_t offset = 0;
    for (int64_t d = 0; d < static_cast<int64_t>(from_.size()); ++d) {
      const auto batching =
          std::find(gather.operand_batching_dims.begin(), gather.operand_batching_dims.end(), d);
      if (batching != gather.operand_batching_dims.end()) {
        // The batch dimension that runs over the same dimension of the indices.
        int64_t of_indices =
            gather.start_indices_batching_dims[batching - gather.operand_batching_dims.begin()];
        if (of_indices > gather.index_vector_dim) --of_indices;
        if (of_indices < static_cast<int64_t>(relation_.choosing.size())) {
          Same(relation_.choosing[of_indices], d);
        }
      } else if (!Contains(gather.collapsed_slice_dims, d)) {
        Same(gather.offset_dims[offset++], d);
      }
    }
  }

  void GatherIndices() {
    const GatherAttributes& gather = consumer_.attributes<GatherAttributes>();
    relation_.choosing.assign(gather.offset_dims.begin(), gather.offset_dims.end());
    const std::vector<int> batch = BatchDimensions();
    size_t next = 0;
    for (int64_t d = 0; d < static_cast<int64_t>(from_.size()); ++d) {
      if (d != gather.index_vector_dim && next < batch.size()) Same(batch[next++], d);
    }
  }

  const Instruction& consumer_;
  const int64_t number_;
  const absl::Span<const int64_t> to_;
  const absl::Span<const int64_t> from_;
  EdgeRelation& relation_;
};

}  // namespace

void GetRelation(const Instruction& consumer, int64_t operand, EdgeRelation& relation) {
  relation.same.clear();
  relation.accumulated.clear();
  relation.same_number = false;
  relation.consumer_order.clear();
  relation.operand_order.clear();
  relation.choosing.clear();
  relation.opaque = false;
  relation.priority = 0;
  RelationMaker(consumer, operand, relation).Make();
}

}  // namespace ingot
