#include "compiler/codegen/cuda/types.h"

#include "absl/strings/str_cat.h"

namespace ingot::codegen {
namespace {

absl::string_view SpecialsName(FloatSpecials specials) {
  switch (specials) {
    case FloatSpecials::kIeee:
      return "kIeee";
    case FloatSpecials::kFn:
      return "kFn";
    case FloatSpecials::kFnuz:
      return "kFnuz";
    case FloatSpecials::kFinite:
      return "kFinite";
    case FloatSpecials::kExponent:
      return "kExponent";
  }
  return "";
}

bool IsNative(ElementType element) {
  if (element == ElementType::kPred) return true;
  return BitWidth(element) >= (IsFloat(element) ? 32 : 8);
}

}  // namespace

std::string CudaTypes::Name(ElementType element) {
  if (!IsNative(element)) narrow_.insert(element);
  return std::string(ElementTypeName(element));
}

std::string CudaTypes::Name(kernel::Type type) {
  const std::string element = Name(type.element);
  if (type.lanes == 1) return element;
  vectors_.insert({type.element, type.lanes});
  return type.ToString();
}

std::string CudaTypes::Declarations() const {
  std::string text;
  for (ElementType element : narrow_) {
    absl::StrAppend(&text, "struct ", ElementTypeName(element), " : ");
    if (IsFloat(element)) {
      const FloatFormat& format = FormatOf(element);
      absl::StrAppend(&text, "NarrowFloat<u", 8 * ByteWidth(element), ", ", format.bits, ", ",
                      format.mantissa_bits, ", ", format.bias, ", ", SpecialsName(format.specials));
    } else {
      absl::StrAppend(&text, "NarrowInteger<", BitWidth(element), ", ",
                      IsSigned(element) ? "true" : "false");
    }
    absl::StrAppend(&text, "> {};\n");
  }
  for (const auto& [element, lanes] : vectors_) {
    absl::StrAppend(&text, "using ", kernel::Type{element, lanes}.ToString(), " = vec<",
                    ElementTypeName(element), ", ", lanes, ">;\n");
  }
  return text;
}

}  // namespace ingot::codegen
