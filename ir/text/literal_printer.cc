#include "ir/text/literal_printer.h"

#include "absl/strings/str_cat.h"
#include "ir/text/numbers.h"

namespace ingot::text {
namespace {

// XLA's spacing: a vector is {1, 2}; rows of larger arrays are { 1, 2 }, but {1} and {}; from rank
// 4 on, each outer brace is followed by its index: { /*i0=0*/ { /*i1=0*/ { 1, 2 } } }.
class ArrayPrinter {
 public:
  ArrayPrinter(const Literal& literal, std::string& out)
      : shape_(literal.shape()),
        at_(literal.bytes().data()),
        width_(ByteWidth(shape_.element_type())),
        out_(out) {}

  // Everything from dimension `d` inwards, which is number `index` in the dimension around it.
  void Print(int64_t d, int64_t index) {
    if (d == shape_.rank()) {
      AppendElement(shape_.element_type(), at_, out_);
      at_ += width_;
      return;
    }
    const int64_t size = shape_.dimension(d);
    const bool is_row = d + 1 == shape_.rank();
    const bool tight = is_row && (d == 0 || size <= 1);
    out_ += tight ? "{" : "{ ";
    const bool commented = shape_.rank() >= 4 && d > 0 && !is_row;
    if (commented) absl::StrAppend(&out_, "/*i", d - 1, "=", index, "*/ ");
    for (int64_t i = 0; i < size; ++i) {
      if (i > 0) out_ += ", ";
      Print(d + 1, i);
    }
    // Nothing between the braces leaves both blanks, but the one behind a comment is enough.
    out_ += tight || (commented && size == 0) ? "}" : " }";
  }

 private:
  const Shape& shape_;
  const std::byte* at_;
  size_t width_;
  std::string& out_;
};

}  // namespace

void AppendLiteral(const Literal& literal, int64_t max_elements, std::string& out) {
  const Shape& shape = literal.shape();
  if (literal.is_elided() || (shape.IsArray() && literal.size() > max_elements)) {
    out += "{...}";
  } else if (shape.IsTuple()) {
    out += "( ";
    for (size_t i = 0; i < literal.tuple().size(); ++i) {
      if (i > 0) out += ", ";
      AppendLiteral(literal.tuple()[i], max_elements, out);
    }
    out += " )";
  } else if (shape.IsScalar() && shape.element_type() == ElementType::kPred) {
    out += literal.AsInteger(0) != 0 ? "true" : "false";
  } else {
    ArrayPrinter(literal, out).Print(0, 0);
  }
}

}  // namespace ingot::text
