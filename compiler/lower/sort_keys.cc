#include "compiler/lower/sort_keys.h"

#include "compiler/plan/top_k.h"
#include "ir/base/integers.h"

namespace ingot::lower {

using kernel::Expr;
using kernel::Type;

namespace {

Expr Constant(Expr like, uint64_t bits) {
  return {like.builder(), like.builder().Constant(like.type(), bits)};
}

// The top bit of keys of `width` bits.
uint64_t Top(int width) { return uint64_t{1} << (width - 1); }

// Of a float type: bits of its exponent.
int ExponentBits(ElementType type) {
  switch (type) {
    case ElementType::kF16:
      return 5;
    case ElementType::kF64:
      return 11;
    default:
      return 8;  // bf16, f32
  }
}

// Of the key's type, the bits of the infinity of a float type, and of the NaN that stands for all.
uint64_t InfinityBits(ElementType type, int width) {
  return ((uint64_t{1} << ExponentBits(type)) - 1) << (width - 1 - ExponentBits(type));
}
// The rest of the order's bits are ones, as in the NaNs that a GPU's arithmetic makes.
uint64_t NanBits(ElementType type, NanOrder order) {
  const int width = BitWidth(type) > 32 ? 64 : 32;
  const uint64_t unused =
      BitWidth(type) < width && width == 32 ? (uint64_t{1} << (32 - BitWidth(type))) - 1 : 0;
  return ((Top(width) - 1) & ~unused) | (order == NanOrder::kFirst ? Top(width) : 0);
}

// What orders floats by their bits: negative numbers from the largest magnitude to the least, then
// the others.
Expr OrderedBits(Expr bits) {
  const Expr sign = (bits.AsSigned() >> (bits.width() - 1)).AsUnsigned();
  return bits ^ (sign | Constant(bits, Top(bits.width())));
}

// The bits of a float, in the upper bits of its key's type.
Expr UpperBits(ElementType type, Expr element) {
  const int width = BitWidth(type);
  if (width > 16) return element.AsUnsigned();
  kernel::Builder& b = element.builder();
  const Expr bits(b, b.Bitcast(element.value(), Type::Scalar(ElementType::kU16)));
  return bits.To(ElementType::kU32) << Constant(bits.To(ElementType::kU32), 16);
}

}  // namespace

Expr KeyOf(const SortKey& key, ElementType type, Expr element) {
  const ElementType key_type = plan::KeyTypeOf(type);
  Expr bits = element;
  if (!IsFloat(type)) {
    const ElementType wide =
        IsSigned(type) ? (BitWidth(type) > 32 ? ElementType::kS64 : ElementType::kS32) : key_type;
    bits = element.To(wide).As(key_type);
    if (IsSigned(type)) bits = bits ^ Constant(bits, Top(bits.width()));
  } else {
    bits = UpperBits(type, element);
    const Expr magnitude = bits & Constant(bits, Top(bits.width()) - 1);
    if (key.zeros_tie) {
      bits = Select(magnitude == Constant(bits, 0), Constant(bits, 0), bits);
    }
    if (key.nans != NanOrder::kByBits) {
      const Expr is_nan = magnitude > Constant(bits, InfinityBits(type, bits.width()));
      bits = Select(is_nan, Constant(bits, NanBits(type, key.nans)), bits);
    }
    bits = OrderedBits(bits);
  }
  return key.descending ? !bits : bits;
}

Expr NarrowKeyOf(const SortKey& key, ElementType type, Expr element) {
  const Expr wide = KeyOf(key, type, element);
  const int width = type == ElementType::kPred ? 1 : BitWidth(type);
  if (width == wide.width()) return wide;
  if (IsFloat(type)) return wide >> Constant(wide, wide.width() - width);
  // From the least key on; there are 2^width.
  const uint64_t half = uint64_t{1} << (width - 1);
  if (IsSigned(type)) return wide - Constant(wide, Top(wide.width()) - half);
  return key.descending ? wide + Constant(wide, 2 * half) : wide;
}

std::vector<Expr> TiedKeys(kernel::Builder& builder, const SortKey& key, ElementType type) {
  std::vector<uint64_t> bits;
  if (IsFloat(type) && key.zeros_tie) bits.push_back(0);
  if (IsFloat(type) && key.nans != NanOrder::kByBits) bits.push_back(NanBits(type, key.nans));
  std::vector<Expr> keys;
  for (uint64_t pattern : bits) {
    const Expr ordered =
        OrderedBits({builder, builder.Constant(Type::Scalar(plan::KeyTypeOf(type)), pattern)});
    keys.push_back(key.descending ? !ordered : ordered);
  }
  return keys;
}

Expr ElementOfKey(const SortKey& key, ElementType type, Expr value) {
  Expr bits = key.descending ? !value : value;
  kernel::Builder& b = bits.builder();
  if (!IsFloat(type)) {
    if (IsSigned(type)) bits = bits ^ Constant(bits, Top(bits.width()));
    if (type == ElementType::kPred) return bits != Constant(bits, 0);
    return bits.To(type);  // the low bits
  }
  const Expr sign = (bits.AsSigned() >> (bits.width() - 1)).AsUnsigned();
  bits = bits ^ ((!sign) | Constant(bits, Top(bits.width())));
  if (BitWidth(type) > 16) return bits.AsFloat();
  const Expr narrow = (bits >> 16.0).To(ElementType::kU16);
  return {b, b.Bitcast(narrow.value(), Type::Scalar(type))};
}

}  // namespace ingot::lower
