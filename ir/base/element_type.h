// Element types: what one element of an array is.  The list is element_types.def.
#ifndef INGOT_IR_BASE_ELEMENT_TYPE_H_
#define INGOT_IR_BASE_ELEMENT_TYPE_H_

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"

namespace ingot {

enum class ElementType : uint8_t {
#define INGOT_INTEGER_TYPE(enumerator, ...) enumerator,
#define INGOT_FLOAT_TYPE(enumerator, ...) enumerator,
#define INGOT_COMPLEX_TYPE(enumerator, ...) enumerator,
#include "ir/base/element_types.def"
};

inline constexpr int kElementTypeCount = 0
#define INGOT_INTEGER_TYPE(...) +1
#define INGOT_FLOAT_TYPE(...) +1
#define INGOT_COMPLEX_TYPE(...) +1
#include "ir/base/element_types.def"
    ;

enum class TypeCategory : uint8_t { kPred, kSigned, kUnsigned, kFloat, kComplex };

// How a float type spends its extreme bit patterns; see element_types.def.
enum class FloatSpecials : uint8_t { kIeee, kFn, kFnuz, kFinite, kExponent };

struct FloatFormat {
  int bits;
  int exponent_bits;
  int mantissa_bits;
  int bias;
  FloatSpecials specials;
};

absl::string_view ElementTypeName(ElementType type);
std::optional<ElementType> ElementTypeFromName(absl::string_view name);

TypeCategory Category(ElementType type);
// Bits of information in one element: 1 for pred, 4 for s4, 64 for c64.
int BitWidth(ElementType type);
// Bytes of one element where elements are addressed one at a time, in literals and device buffers
// alike: sub-byte types (and pred) take a byte each, the value in the low bits, s2 and s4
// sign-extended.
int ByteWidth(ElementType type);
// The format of a float type.  CHECK-fails on other categories.
const FloatFormat& FormatOf(ElementType type);
// c64 → f32, c128 → f64; other types are their own component.
ElementType ComponentType(ElementType type);
// f32 → c64, f64 → c128; nullopt for other types.
std::optional<ElementType> ComplexTypeOf(ElementType component);

inline bool IsFloat(ElementType type) { return Category(type) == TypeCategory::kFloat; }
inline bool IsComplex(ElementType type) { return Category(type) == TypeCategory::kComplex; }
inline bool IsSigned(ElementType type) { return Category(type) == TypeCategory::kSigned; }
inline bool IsUnsigned(ElementType type) { return Category(type) == TypeCategory::kUnsigned; }
// Signed or unsigned, not pred.
inline bool IsInteger(ElementType type) { return IsSigned(type) || IsUnsigned(type); }

// Sums, products and dots of this type are accumulated in the returned type and rounded once:
// f32 for floats narrower than it, otherwise the type itself.
ElementType AccumulatorType(ElementType type);

}  // namespace ingot

#endif  // INGOT_IR_BASE_ELEMENT_TYPE_H_
