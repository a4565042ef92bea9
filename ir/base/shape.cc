#include "ir/base/shape.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ir/base/check.h"
#include "ir/base/status.h"

namespace ingot {
namespace {

constexpr int64_t kSizeLimit = int64_t{1} << 62;

absl::Status ValidateLayout(const Shape& shape) {
  if (!shape.layout().has_value()) return absl::OkStatus();
  const std::vector<int64_t>& order = shape.layout()->minor_to_major;
  std::vector<bool> seen(shape.rank(), false);
  bool permutation = static_cast<int64_t>(order.size()) == shape.rank();
  for (int64_t dimension : order) {
    if (!permutation) break;
    permutation = dimension >= 0 && dimension < shape.rank() && !seen[dimension];
    if (permutation) seen[dimension] = true;
  }
  if (permutation) return absl::OkStatus();
  return InvalidArgument("layout {", absl::StrJoin(order, ","), "} is not a permutation of the ",
                         shape.rank(), " dimensions of ", shape.ToString(/*with_layout=*/false));
}

// Adds the bytes of a valid shape; unbounded dimensions do not count.
absl::Status AddValidatedBytes(const Shape& shape, int64_t& total) {
  for (const Shape& element : shape.tuple_shapes()) {
    INGOT_RETURN_IF_ERROR(AddValidatedBytes(element, total));
  }
  if (!shape.IsArray()) return absl::OkStatus();
  std::vector<int64_t> bounds;
  for (int64_t i = 0; i < shape.rank(); ++i) {
    const int64_t size = shape.dimension(i);
    if (size == kUnboundedSize && shape.is_dynamic(i)) continue;
    if (size < 0) return InvalidArgument("dimension ", i, " has the negative size ", size);
    bounds.push_back(size);
  }
  const std::optional<int64_t> count = CheckedProduct(bounds);
  const int64_t width = ByteWidth(shape.element_type());
  if (!count.has_value() || *count > kSizeLimit / width) {
    return InvalidArgument("the size of ", shape.ToString(/*with_layout=*/false),
                           " overflows 2^62 bytes");
  }
  total += *count * width;  // both are at most 2^62
  if (total > kSizeLimit) return InvalidArgument("the size of a tuple overflows 2^62 bytes");
  return ValidateLayout(shape);
}

}  // namespace

Layout Layout::Default(int64_t rank) {
  Layout layout;
  for (int64_t i = rank - 1; i >= 0; --i) layout.minor_to_major.push_back(i);
  return layout;
}

bool Layout::IsDefault() const {
  for (size_t i = 0; i < minor_to_major.size(); ++i) {
    if (minor_to_major[i] != static_cast<int64_t>(minor_to_major.size() - 1 - i)) return false;
  }
  return true;
}

Shape Shape::Array(ElementType type, std::vector<int64_t> dimensions) {
  Shape shape;
  shape.kind_ = Kind::kArray;
  shape.element_type_ = type;
  shape.dimensions_ = std::move(dimensions);
  return shape;
}

Shape Shape::ArrayWithDefaultLayout(ElementType type, std::vector<int64_t> dimensions) {
  Shape shape = Array(type, std::move(dimensions));
  shape.layout_ = Layout::Default(shape.rank());
  return shape;
}

Shape Shape::Tuple(std::vector<Shape> elements) {
  Shape shape;
  shape.tuple_ = std::move(elements);
  return shape;
}

Shape Shape::Token() {
  Shape shape;
  shape.kind_ = Kind::kToken;
  return shape;
}

Shape Shape::Opaque() {
  Shape shape;
  shape.kind_ = Kind::kOpaque;
  return shape;
}

ElementType Shape::element_type() const {
  INGOT_CHECK(IsArray()) << "element type of " << ToString();
  return element_type_;
}

void Shape::set_dynamic(int64_t i, bool dynamic) {
  if (dynamic_.empty()) {
    if (!dynamic) return;
    dynamic_.resize(dimensions_.size(), false);
  }
  dynamic_[i] = dynamic;
  if (std::find(dynamic_.begin(), dynamic_.end(), true) == dynamic_.end()) dynamic_.clear();
}

bool Shape::HasDynamicDimension() const {
  if (!dynamic_.empty()) return true;
  return std::any_of(tuple_.begin(), tuple_.end(),
                     [](const Shape& s) { return s.HasDynamicDimension(); });
}

Layout Shape::LayoutOrDefault() const {
  return layout_.has_value() ? *layout_ : Layout::Default(rank());
}

int64_t Shape::ElementCount() const {
  INGOT_CHECK(IsArray()) << "element count of " << ToString();
  return Product(dimensions_);
}

int64_t Shape::ByteSize() const {
  if (IsArray()) return ElementCount() * ByteWidth(element_type_);
  int64_t total = 0;
  for (const Shape& element : tuple_) total += element.ByteSize();
  return total;
}

absl::Status Shape::Validate() const {
  int64_t bytes = 0;
  return AddValidatedBytes(*this, bytes);
}

std::string Shape::ToString(bool with_layout) const {
  switch (kind_) {
    case Kind::kToken:
      return "token[]";
    case Kind::kOpaque:
      return "opaque[]";
    case Kind::kTuple: {
      std::string text = "(";
      for (size_t i = 0; i < tuple_.size(); ++i) {
        if (i > 0) text += ", ";
        if (i > 0 && i % 5 == 0) absl::StrAppend(&text, "/*index=", i, "*/");
        text += tuple_[i].ToString(with_layout);
      }
      return text + ")";
    }
    case Kind::kArray:
      break;
  }
  std::string text = absl::StrCat(ElementTypeName(element_type_), "[");
  for (int64_t i = 0; i < rank(); ++i) {
    if (i > 0) text += ",";
    if (dimensions_[i] == kUnboundedSize) {
      text += "?";
    } else {
      absl::StrAppend(&text, is_dynamic(i) ? "<=" : "", dimensions_[i]);
    }
  }
  text += "]";
  if (with_layout && layout_.has_value() && (rank() > 0 || !layout_->extras.empty())) {
    absl::StrAppend(&text, "{", absl::StrJoin(layout_->minor_to_major, ","),
                    layout_->extras.empty() ? "" : ":", layout_->extras, "}");
  }
  return text;
}

bool Shape::SameDimensions(const Shape& a, const Shape& b) {
  if (a.kind_ != b.kind_ || a.dimensions_ != b.dimensions_ || a.dynamic_ != b.dynamic_)
    return false;
  return std::equal(a.tuple_.begin(), a.tuple_.end(), b.tuple_.begin(), b.tuple_.end(),
                    SameDimensions);
}

bool Shape::SameIgnoringLayout(const Shape& a, const Shape& b) {
  // Runs ask it of each input and output.
  if (a.kind_ != b.kind_ || a.dimensions_ != b.dimensions_) return false;
  const bool is_static = a.dynamic_.empty() && b.dynamic_.empty();
  if (!is_static && a.dynamic_ != b.dynamic_) return false;
  if (a.IsArray() && a.element_type_ != b.element_type_) return false;
  return std::equal(a.tuple_.begin(), a.tuple_.end(), b.tuple_.begin(), b.tuple_.end(),
                    SameIgnoringLayout);
}

std::vector<int64_t> RowMajorStrides(absl::Span<const int64_t> dimensions) {
  return StridesOf(dimensions, Layout::Default(static_cast<int64_t>(dimensions.size())));
}

std::vector<int64_t> StridesOf(absl::Span<const int64_t> dimensions, const Layout& layout) {
  std::vector<int64_t> strides(dimensions.size());
  int64_t stride = 1;
  for (int64_t dimension : layout.minor_to_major) {
    strides[dimension] = stride;
    stride *= dimensions[dimension];
  }
  return strides;
}

std::optional<int64_t> CheckedProduct(absl::Span<const int64_t> values) {
  int64_t product = 1;
  bool zero = false;
  for (int64_t value : values) {
    if (value < 0) return std::nullopt;
    if (value == 0) {
      zero = true;
    } else if (product > kSizeLimit / value) {
      return std::nullopt;
    } else {
      product *= value;
    }
  }
  return zero ? 0 : product;
}

int64_t Product(absl::Span<const int64_t> values) {
  const std::optional<int64_t> product = CheckedProduct(values);
  INGOT_CHECK(product.has_value())
      << "the product of {" << absl::StrJoin(values, ",") << "} overflows";
  return *product;
}

}  // namespace ingot
