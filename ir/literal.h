// Literal: a constant value.  Shared, immutable once it is in a module; may be mapped from a file,
// or elided.
#ifndef INGOT_IR_LITERAL_H_
#define INGOT_IR_LITERAL_H_

#include <complex>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "ir/base/check.h"
#include "ir/base/shape.h"

namespace ingot {

// The elements of an array lie row-major by logical index, whatever the shape's layout says, each
// in ByteWidth(element type) bytes: sub-byte types and pred take one byte, the value in the low
// bits (two's complement, sign-extended to the byte for s2 and s4).  Copies share the bytes.
class Literal {
 public:
  // The empty tuple.
  Literal() = default;

  // An array of zeros.  `shape` is an array that Validate()s; ResourceExhausted when it is larger
  // than this machine's memory.
  static absl::StatusOr<Literal> Zeros(const Shape& shape);
  // An array over bytes that `owner` keeps alive; `bytes.size()` must be shape.ByteSize()
  // (CHECKed).
  static Literal View(Shape shape, absl::Span<const std::byte> bytes,
                      std::shared_ptr<const void> owner);
  static Literal Tuple(std::vector<Literal> elements);
  // A value that the text left out: constant({...}).  It has a shape and no bytes.
  static Literal Elided(Shape shape);

  // A scalar of `type`; the value is converted as EncodeDouble does.
  static Literal Scalar(ElementType type, double value);
  // A scalar of an integer type or pred, exactly (the low bits of `value`).
  static Literal ScalarInteger(ElementType type, int64_t value);

  const Shape& shape() const { return shape_; }
  bool is_elided() const { return elided_; }
  const std::vector<Literal>& tuple() const { return tuple_; }

  // Number of elements of an array.
  int64_t size() const { return shape_.ElementCount(); }
  absl::Span<const std::byte> bytes() const { return bytes_; }
  // Writable bytes, copied first when they are shared or mapped.  Arrays only.
  absl::Span<std::byte> MutableBytes();

  // The elements as the C++ type that has the same bytes: float for f32, uint16_t for bf16, int8_t
  // for s4 and s8.
  template <typename T>
  absl::Span<const T> data() const {
    INGOT_CHECK(sizeof(T) == static_cast<size_t>(ByteWidth(shape_.element_type())))
        << shape_.ToString();
    return absl::Span<const T>(reinterpret_cast<const T*>(bytes_.data()),
                               bytes_.size() / sizeof(T));
  }
  template <typename T>
  absl::Span<T> mutable_data() {
    INGOT_CHECK(sizeof(T) == static_cast<size_t>(ByteWidth(shape_.element_type())))
        << shape_.ToString();
    const absl::Span<std::byte> bytes = MutableBytes();
    return absl::Span<T>(reinterpret_cast<T*>(bytes.data()), bytes.size() / sizeof(T));
  }

  // Element `i` (row-major) as a number.  AsDouble: any real type.  AsInteger: integers and pred
  // (u64 wraps). AsComplex: any type.
  double AsDouble(int64_t i) const;
  int64_t AsInteger(int64_t i) const;
  std::complex<double> AsComplex(int64_t i) const;
  // Sets element `i`, rounding once to the element type.  Integers: truncated toward zero, then
  // saturated; NaN is 0.
  void SetDouble(int64_t i, double value);
  void SetInteger(int64_t i, int64_t value);
  void SetComplex(int64_t i, std::complex<double> value);

  // Every element has the same bits (false for empty arrays and tuples).
  bool IsSplat() const;
  // Same bytes under another shape of the same byte size, element type and count.
  Literal Reshaped(Shape shape) const;
  // Same shape with `layout` stated on it.
  void set_shape_layout(std::optional<Layout> layout) { shape_.set_layout(std::move(layout)); }

  // Same shape (layouts ignored) and the same bits.
  bool operator==(const Literal& other) const;
  // A hash of the shape without layout and of the bits.
  size_t Hash() const;

 private:
  Shape shape_;
  absl::Span<const std::byte> bytes_;
  std::shared_ptr<const void> owner_;
  bool owns_bytes_ = false;  // owner_ is a buffer that this class allocated
  bool elided_ = false;
  std::vector<Literal> tuple_;
};

}  // namespace ingot

#endif  // INGOT_IR_LITERAL_H_
