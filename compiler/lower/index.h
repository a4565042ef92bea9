// Index: which element of an array, or which vector of elements, an emission is about.
#ifndef INGOT_COMPILER_LOWER_INDEX_H_
#define INGOT_COMPILER_LOWER_INDEX_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/types/span.h"
#include "compiler/kernel/builder.h"
#include "compiler/plan/lanes.h"
#include "ir/index_map/index_expr.h"

namespace ingot::lower {

// Element `dims` of an array, or a vector of elements that lie as `lane` says, `dims` being lane
// 0's. Either `dims` (one a dimension) or `linear` is there, or both; flat lanes have no dims.
struct Index {
  std::vector<kernel::Value> dims;  // of the index type
  kernel::Value linear = nullptr;   // row-major number of lane 0; nullptr: not known
  plan::Lanes lane;
  // A tile kernel's number for this place of its iteration space (TileSpace), or -1.  It says
  // nothing that the others do not, so that it takes no part in equality.
  int point = -1;
  // The row-major number of lane 0 is known to be a multiple of this, whatever `lane` says; no part
  // of equality either.
  int64_t linear_align = 1;

  int lanes() const { return lane.count; }
  bool flat() const { return lane.flat(); }
  bool has_dims(int64_t rank) const { return static_cast<int64_t>(dims.size()) == rank && !flat(); }

  bool operator==(const Index& other) const {
    return dims == other.dims && linear == other.linear && lane == other.lane;
  }
  template <typename H>
  friend H AbslHashValue(H h, const Index& i) {
    return H::combine(std::move(h), i.dims, i.linear, i.lane.count, i.lane.dim, i.lane.stride);
  }
};

// Arithmetic on indices: values of the plan's index type, never negative.
class IndexMath {
 public:
  IndexMath(kernel::Builder* b, ElementType type) : b_(*b), type_(type) {}

  kernel::Value Const(int64_t value);
  kernel::Value Convert(kernel::Value value) { return b_.Convert(value, type_); }
  kernel::Value Add(kernel::Value a, int64_t c) { return b_.Add(a, Const(c)); }
  kernel::Value Mul(kernel::Value a, int64_t c) { return b_.Mul(a, Const(c)); }
  // By shifts and masks where `divisor` is a power of two.
  kernel::Value Div(kernel::Value a, int64_t divisor);
  kernel::Value Rem(kernel::Value a, int64_t divisor);

  // 0 <= a < size, of a value that may be negative.
  kernel::Value IsBelow(kernel::Value a, int64_t size);

  // Σ dims[i] * strides[i].
  kernel::Value Dot(absl::Span<const kernel::Value> dims, absl::Span<const int64_t> strides);
  std::vector<kernel::Value> Delinearize(kernel::Value linear,
                                         absl::Span<const int64_t> dimensions);

  // Row-major number of lane 0 of `index` into an array of `dimensions`.
  kernel::Value Linear(const Index& index, absl::Span<const int64_t> dimensions);
  // `index` with dims; nullopt for a flat index whose lanes are not along one dimension.
  std::optional<Index> WithDims(const Index& index, absl::Span<const int64_t> dimensions);
  // Lane `lane` alone.
  Index Lane(const Index& index, int lane, absl::Span<const int64_t> dimensions);

  // The value of `expr` at lane 0's coordinates.
  kernel::Value Emit(const IndexExpr& expr, absl::Span<const kernel::Value> dims);

  ElementType type() const { return type_; }
  kernel::Builder& b() { return b_; }

 private:
  kernel::Builder& b_;
  ElementType type_;
};

}  // namespace ingot::lower

#endif  // INGOT_COMPILER_LOWER_INDEX_H_
