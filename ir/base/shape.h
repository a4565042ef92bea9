// Shape: the type of an instruction's result, as HLO writes it: f32[8,16]{1,0:T(8,128)},
// (s32[], f32[4]), token[], opaque[].
#ifndef INGOT_IR_BASE_SHAPE_H_
#define INGOT_IR_BASE_SHAPE_H_

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "ir/base/element_type.h"

namespace ingot {

// How the elements of an array lie in memory.  Only `minor_to_major` has a meaning to us; the rest
// is what XLA's dumps carry (tiles, element size, memory space, …), kept and printed back.
struct Layout {
  // dimension numbers, fastest varying first: {1,0} is row-major for rank 2.
  std::vector<int64_t> minor_to_major;
  // What stood after the colon, verbatim and in the order read: "T(8,128)(2,1)E(4)S(1)".  Empty if
  // nothing did.
  std::string extras;

  // Row-major: {rank-1, ..., 0}.
  static Layout Default(int64_t rank);
  bool IsDefault() const;
  bool operator==(const Layout&) const = default;
};

// Size of a dimension that is not known at all ("?").
inline constexpr int64_t kUnboundedSize = -1;
// Tuples nest at most this deep; the parser refuses more.
inline constexpr int kMaxTupleDepth = 64;

class Shape {
 public:
  enum class Kind : uint8_t { kArray, kTuple, kToken, kOpaque };

  // The empty tuple, as XLA's default is.
  Shape() : kind_(Kind::kTuple) {}

  // An array with no layout stated.
  static Shape Array(ElementType type, std::vector<int64_t> dimensions);
  // An array with the row-major layout.
  static Shape ArrayWithDefaultLayout(ElementType type, std::vector<int64_t> dimensions);
  static Shape Scalar(ElementType type) { return Array(type, {}); }
  static Shape Tuple(std::vector<Shape> elements);
  static Shape Token();
  static Shape Opaque();

  Kind kind() const { return kind_; }
  bool IsArray() const { return kind_ == Kind::kArray; }
  bool IsTuple() const { return kind_ == Kind::kTuple; }
  bool IsToken() const { return kind_ == Kind::kToken; }
  bool IsOpaque() const { return kind_ == Kind::kOpaque; }
  bool IsScalar() const { return IsArray() && dimensions_.empty(); }

  // Arrays only (CHECKed): element type, dimensions, layout.
  ElementType element_type() const;
  void set_element_type(ElementType type) { element_type_ = type; }
  int64_t rank() const { return static_cast<int64_t>(dimensions_.size()); }
  const std::vector<int64_t>& dimensions() const { return dimensions_; }
  int64_t dimension(int64_t i) const { return dimensions_[i]; }
  void set_dimension(int64_t i, int64_t size) { dimensions_[i] = size; }
  // "<=8": the size is a bound.  "?" (kUnboundedSize) is dynamic too.
  bool is_dynamic(int64_t i) const {
    return i < static_cast<int64_t>(dynamic_.size()) && dynamic_[i];
  }
  void set_dynamic(int64_t i, bool dynamic);
  bool HasDynamicDimension() const;
  const std::optional<Layout>& layout() const { return layout_; }
  void set_layout(std::optional<Layout> layout) { layout_ = std::move(layout); }
  // The layout, or row-major where none is stated.
  Layout LayoutOrDefault() const;

  // Tuples only: elements.
  const std::vector<Shape>& tuple_shapes() const { return tuple_; }
  std::vector<Shape>& mutable_tuple_shapes() { return tuple_; }

  // Elements of an array, dynamic sizes at their bound; 1 for a scalar.  CHECK-fails on what
  // Validate refuses.
  int64_t ElementCount() const;
  // Bytes of an array in memory, one ByteWidth(element type) an element; of a tuple the sum over
  // its elements; 0 for tokens and opaques.
  int64_t ByteSize() const;

  // An error when a dimension is negative (but for kUnboundedSize), when the bytes do not fit 2^62,
  // or when the layout is not a permutation of the dimensions.
  absl::Status Validate() const;

  // Text as HLO writes it.  `with_layout`: a stated layout is printed, {0} and {} rules as in XLA's
  // dumps (a scalar's empty layout is not printed).
  std::string ToString(bool with_layout = true) const;

  // Same kind, types, dimensions and dynamic flags; layouts are ignored.
  static bool SameIgnoringLayout(const Shape& a, const Shape& b);
  // As SameIgnoringLayout, and the element types are ignored too.
  static bool SameDimensions(const Shape& a, const Shape& b);
  // Exact equality, layouts and all.
  bool operator==(const Shape& other) const = default;

 private:
  Kind kind_;
  ElementType element_type_ = ElementType::kPred;
  std::vector<int64_t> dimensions_;
  std::vector<bool> dynamic_;  // empty when nothing is dynamic
  std::optional<Layout> layout_;
  std::vector<Shape> tuple_;
};

// Row-major strides of `dimensions`, in elements: {12, 4, 1} for {2, 3, 4}.
std::vector<int64_t> RowMajorStrides(absl::Span<const int64_t> dimensions);
// Strides of each logical dimension, in elements, under `layout`.
std::vector<int64_t> StridesOf(absl::Span<const int64_t> dimensions, const Layout& layout);
// The product, 1 for none.  CHECK-fails on overflow.
int64_t Product(absl::Span<const int64_t> values);
// nullopt on overflow past 2^62 or on a negative value.
std::optional<int64_t> CheckedProduct(absl::Span<const int64_t> values);

}  // namespace ingot

#endif  // INGOT_IR_BASE_SHAPE_H_
