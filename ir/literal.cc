#include "ir/literal.h"

#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>

#include "absl/hash/hash.h"
#include "ir/base/float_bits.h"
#include "ir/base/status.h"

namespace ingot {
namespace {

uint64_t LoadBits(const std::byte* at, int bytes) {
  uint64_t bits = 0;
  std::memcpy(&bits, at, bytes);
  return bits;
}

void StoreBits(std::byte* at, int bytes, uint64_t bits) { std::memcpy(at, &bits, bytes); }

int64_t SignExtend(uint64_t bits, int width) {
  const int shift = 64 - width;
  return static_cast<int64_t>(bits << shift) >> shift;
}

// `value` truncated toward zero and saturated to the type's range; NaN is 0.
int64_t SaturateToInteger(ElementType type, double value) {
  if (std::isnan(value)) return 0;
  const int width = BitWidth(type);
  const bool is_signed = IsSigned(type);
  const double upper = std::ldexp(1.0, is_signed ? width - 1 : width);  // first value out of range
  const double lower = is_signed ? -upper : 0.0;
  if (value >= upper) {
    return static_cast<int64_t>(is_signed ? (uint64_t{1} << (width - 1)) - 1
                                          : ~uint64_t{0} >> (64 - width));
  }
  if (value <= lower) return is_signed ? SignExtend(uint64_t{1} << (width - 1), width) : 0;
  return is_signed ? static_cast<int64_t>(value)
                   : static_cast<int64_t>(static_cast<uint64_t>(value));
}

std::shared_ptr<const void> AllocateZeros(size_t bytes) {
  void* memory = std::calloc(std::max<size_t>(bytes, 1), 1);
  return std::shared_ptr<const void>(memory,
                                     [](const void* p) { std::free(const_cast<void*>(p)); });
}

int64_t PhysicalMemoryBytes() {
  return static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGE_SIZE);
}

}  // namespace

absl::StatusOr<Literal> Literal::Zeros(const Shape& shape) {
  INGOT_RETURN_IF_ERROR(shape.Validate());
  const int64_t bytes = shape.ByteSize();
  if (bytes > PhysicalMemoryBytes()) {
    return absl::ResourceExhaustedError(absl::StrCat("a value of shape ", shape.ToString(false),
                                                     " takes ", bytes, " bytes; this machine has ",
                                                     PhysicalMemoryBytes()));
  }
  std::shared_ptr<const void> memory = AllocateZeros(bytes);
  if (memory == nullptr) {
    return absl::ResourceExhaustedError(
        absl::StrCat("out of memory: ", bytes, " bytes for ", shape.ToString(false)));
  }
  Literal literal;
  literal.shape_ = shape;
  literal.bytes_ = absl::Span<const std::byte>(static_cast<const std::byte*>(memory.get()), bytes);
  literal.owner_ = std::move(memory);
  literal.owns_bytes_ = true;
  return literal;
}

Literal Literal::View(Shape shape, absl::Span<const std::byte> bytes,
                      std::shared_ptr<const void> owner) {
  INGOT_CHECK(static_cast<int64_t>(bytes.size()) == shape.ByteSize())
      << bytes.size() << " bytes for " << shape.ToString();
  Literal literal;
  literal.shape_ = std::move(shape);
  literal.bytes_ = bytes;
  literal.owner_ = std::move(owner);
  return literal;
}

Literal Literal::Tuple(std::vector<Literal> elements) {
  std::vector<Shape> shapes;
  for (const Literal& element : elements) shapes.push_back(element.shape());
  Literal literal;
  literal.shape_ = Shape::Tuple(std::move(shapes));
  literal.tuple_ = std::move(elements);
  return literal;
}

Literal Literal::Elided(Shape shape) {
  Literal literal;
  literal.shape_ = std::move(shape);
  literal.elided_ = true;
  return literal;
}

Literal Literal::Scalar(ElementType type, double value) {
  Literal literal = Zeros(Shape::Scalar(type)).value();
  literal.SetDouble(0, value);
  return literal;
}

Literal Literal::ScalarInteger(ElementType type, int64_t value) {
  Literal literal = Zeros(Shape::Scalar(type)).value();
  literal.SetInteger(0, value);
  return literal;
}

absl::Span<std::byte> Literal::MutableBytes() {
  if (!owns_bytes_ || owner_.use_count() > 1) {
    std::shared_ptr<const void> copy = AllocateZeros(bytes_.size());
    INGOT_CHECK(copy != nullptr) << "out of memory: " << bytes_.size() << " bytes";
    std::memcpy(const_cast<void*>(copy.get()), bytes_.data(), bytes_.size());
    bytes_ = absl::Span<const std::byte>(static_cast<const std::byte*>(copy.get()), bytes_.size());
    owner_ = std::move(copy);
    owns_bytes_ = true;
  }
  return absl::Span<std::byte>(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

int64_t Literal::AsInteger(int64_t i) const {
  const ElementType type = shape_.element_type();
  const int bytes = ByteWidth(type);
  const uint64_t bits = LoadBits(bytes_.data() + i * bytes, bytes);
  if (type == ElementType::kPred) return bits != 0;
  INGOT_CHECK(IsInteger(type)) << shape_.ToString();
  return IsSigned(type) ? SignExtend(bits, BitWidth(type))
                        : static_cast<int64_t>(bits & (~uint64_t{0} >> (64 - BitWidth(type))));
}

double Literal::AsDouble(int64_t i) const {
  const ElementType type = shape_.element_type();
  if (IsFloat(type)) {
    const int bytes = ByteWidth(type);
    return DecodeFloat(FormatOf(type), LoadBits(bytes_.data() + i * bytes, bytes));
  }
  const int64_t value = AsInteger(i);
  return type == ElementType::kU64 ? static_cast<double>(static_cast<uint64_t>(value))
                                   : static_cast<double>(value);
}

std::complex<double> Literal::AsComplex(int64_t i) const {
  const ElementType type = shape_.element_type();
  if (type == ElementType::kC64) return std::complex<double>(data<std::complex<float>>()[i]);
  if (type == ElementType::kC128) return data<std::complex<double>>()[i];
  return AsDouble(i);
}

void Literal::SetInteger(int64_t i, int64_t value) {
  const ElementType type = shape_.element_type();
  if (!IsInteger(type) && type != ElementType::kPred)
    return SetDouble(i, static_cast<double>(value));
  const int bytes = ByteWidth(type);
  uint64_t bits = static_cast<uint64_t>(value);
  if (type == ElementType::kPred) {
    bits = value != 0;
  } else if (BitWidth(type) < 8) {
    bits = IsSigned(type) ? static_cast<uint64_t>(SignExtend(bits, BitWidth(type))) & 0xff
                          : bits & ((1u << BitWidth(type)) - 1);
  }
  StoreBits(MutableBytes().data() + i * bytes, bytes, bits);
}

void Literal::SetDouble(int64_t i, double value) {
  const ElementType type = shape_.element_type();
  if (IsComplex(type)) return SetComplex(i, value);
  if (type == ElementType::kPred) return SetInteger(i, value != 0);
  if (IsInteger(type)) return SetInteger(i, SaturateToInteger(type, value));
  const int bytes = ByteWidth(type);
  StoreBits(MutableBytes().data() + i * bytes, bytes, EncodeFloat(FormatOf(type), value));
}

void Literal::SetComplex(int64_t i, std::complex<double> value) {
  const ElementType type = shape_.element_type();
  if (type == ElementType::kC64) {
    mutable_data<std::complex<float>>()[i] = std::complex<float>(value);
  } else if (type == ElementType::kC128) {
    mutable_data<std::complex<double>>()[i] = value;
  } else {
    SetDouble(i, value.real());
  }
}

bool Literal::IsSplat() const {
  if (!shape_.IsArray() || elided_ || bytes_.empty()) return false;
  const size_t width = ByteWidth(shape_.element_type());
  return std::memcmp(bytes_.data(), bytes_.data() + width, bytes_.size() - width) == 0;
}

Literal Literal::Reshaped(Shape shape) const {
  INGOT_CHECK(shape.IsArray() && shape.element_type() == shape_.element_type() &&
              shape.ElementCount() == size())
      << shape_.ToString() << " as " << shape.ToString();
  Literal result = *this;
  result.shape_ = std::move(shape);
  return result;
}

bool Literal::operator==(const Literal& other) const {
  if (elided_ != other.elided_ || !Shape::SameIgnoringLayout(shape_, other.shape_)) return false;
  return std::equal(bytes_.begin(), bytes_.end(), other.bytes_.begin(), other.bytes_.end()) &&
         tuple_ == other.tuple_;
}

size_t Literal::Hash() const {
  size_t hash = absl::HashOf(shape_.ToString(/*with_layout=*/false), elided_);
  hash = absl::HashOf(
      hash, absl::string_view(reinterpret_cast<const char*>(bytes_.data()), bytes_.size()));
  for (const Literal& element : tuple_) hash = absl::HashOf(hash, element.Hash());
  return hash;
}

}  // namespace ingot
