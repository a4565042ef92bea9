#include "ir/base/element_type.h"

#include "ir/base/check.h"

namespace ingot {
namespace {

struct Row {
  absl::string_view name;
  int bits;
  TypeCategory category;
  FloatFormat format;     // floats only
  ElementType component;  // complex only
};

constexpr ElementType kNone = ElementType::kPred;

constexpr Row kRows[] = {
#define INGOT_INTEGER_TYPE(enumerator, name, bits, category) \
  {name, bits, TypeCategory::category, {}, kNone},
#define INGOT_FLOAT_TYPE(enumerator, name, bits, exponent, mantissa, bias, specials) \
  {name,                                                                             \
   bits,                                                                             \
   TypeCategory::kFloat,                                                             \
   {bits, exponent, mantissa, bias, FloatSpecials::specials},                        \
   kNone},
#define INGOT_COMPLEX_TYPE(enumerator, name, bits, component) \
  {name, bits, TypeCategory::kComplex, {}, ElementType::component},
#include "ir/base/element_types.def"
};

const Row& RowOf(ElementType type) { return kRows[static_cast<int>(type)]; }

}  // namespace

absl::string_view ElementTypeName(ElementType type) { return RowOf(type).name; }

std::optional<ElementType> ElementTypeFromName(absl::string_view name) {
  for (int i = 0; i < kElementTypeCount; ++i) {
    if (kRows[i].name == name) return static_cast<ElementType>(i);
  }
  return std::nullopt;
}

TypeCategory Category(ElementType type) { return RowOf(type).category; }

int BitWidth(ElementType type) { return RowOf(type).bits; }

int ByteWidth(ElementType type) { return (BitWidth(type) + 7) / 8; }

const FloatFormat& FormatOf(ElementType type) {
  INGOT_CHECK(IsFloat(type)) << ElementTypeName(type) << " is not a float type";
  return RowOf(type).format;
}

ElementType ComponentType(ElementType type) {
  return IsComplex(type) ? RowOf(type).component : type;
}

std::optional<ElementType> ComplexTypeOf(ElementType component) {
  for (int i = 0; i < kElementTypeCount; ++i) {
    if (kRows[i].category == TypeCategory::kComplex && kRows[i].component == component) {
      return static_cast<ElementType>(i);
    }
  }
  return std::nullopt;
}

ElementType AccumulatorType(ElementType type) {
  return IsFloat(type) && BitWidth(type) < 32 ? ElementType::kF32 : type;
}

}  // namespace ingot
