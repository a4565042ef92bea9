// The arithmetic rows of kernel IR as CUDA C++, behind elements.h.  compiler/kernel/README.md says
// what each computes, to the bit.  Signed numbers wrap: sums and products are of unsigned ones.
#ifndef INGOT_COMPILER_CODEGEN_CUDA_ROWS_H_
#define INGOT_COMPILER_CODEGEN_CUDA_ROWS_H_

namespace kernel_ir {

// ----- Arithmetic.  f16 and bf16 are computed in f32 and rounded once, which is one rounding.

#define INGOT_NARROW_UNARY(row) \
  if constexpr (Of<T>::kKind == kNarrowFloat) return from_single<T>(row(to_single(a)))
#define INGOT_NARROW_BINARY(row) \
  if constexpr (Of<T>::kKind == kNarrowFloat) return from_single<T>(row(to_single(a), to_single(b)))
#define INGOT_NARROW_COMPARE(row) \
  if constexpr (Of<T>::kKind == kNarrowFloat) return row(to_single(a), to_single(b))

template <typename T>
INGOT_ROW T neg(T a) {
  if constexpr (Of<T>::kKind == kNarrowFloat || Of<T>::kKind == kFloat) {
    return from_bits<T>(u64(bits_of(a)) ^ (u64(1) << (Of<T>::kBits - 1)));
  } else {
    return T(Word<T>(0) - Word<T>(a));
  }
}
template <typename T>
INGOT_ROW T abs(T a) {
  if constexpr (Of<T>::kKind == kNarrowFloat || Of<T>::kKind == kFloat) {
    return from_bits<T>(u64(bits_of(a)) & ~(u64(1) << (Of<T>::kBits - 1)));
  } else {
    return a < 0 ? neg(a) : a;
  }
}

// f32 and f64 by the card's instructions, correctly rounded.
#define INGOT_FLOAT_UNARY(row, single, wide)             \
  template <typename T>                                  \
  INGOT_ROW T row(T a) {                                 \
    INGOT_NARROW_UNARY(row);                             \
    else if constexpr (sizeof(T) == 4) return single(a); \
    else return wide(a);                                 \
  }
INGOT_FLOAT_UNARY(sqrt, ::sqrtf, ::sqrt)
INGOT_FLOAT_UNARY(floor, ::floorf, ::floor)
INGOT_FLOAT_UNARY(ceil, ::ceilf, ::ceil)
INGOT_FLOAT_UNARY(trunc, ::truncf, ::trunc)
INGOT_FLOAT_UNARY(round_even, ::rintf, ::rint)

template <typename T>
INGOT_ROW T fma(T a, T b, T c) {
  if constexpr (sizeof(T) == 4)
    return ::fmaf(a, b, c);
  else
    return ::fma(a, b, c);
}

#define INGOT_SUM(row, sign)                                    \
  template <typename T>                                         \
  INGOT_ROW T row(T a, T b) {                                   \
    INGOT_NARROW_BINARY(row);                                   \
    else if constexpr (Of<T>::kKind == kFloat) return a sign b; \
    else return T(Word<T>(a) sign Word<T>(b));                  \
  }
INGOT_SUM(add, +)
INGOT_SUM(sub, -)
INGOT_SUM(mul, *)

// x / 0 is all ones, the least value by -1 itself.
template <typename T>
INGOT_ROW T div(T a, T b) {
  INGOT_NARROW_BINARY(div);
  else if constexpr (Of<T>::kKind == kFloat) return a / b;
  else {
    const bool is_minus_one = Of<T>::kKind == kSigned && b == T(-1);
    const T quotient = T(a / (b == 0 || is_minus_one ? T(1) : b));
    return b == 0 ? T(-1) : is_minus_one ? neg(a) : quotient;
  }
}
template <typename T>
INGOT_ROW T rem(T a, T b) {
  const bool is_minus_one = Of<T>::kKind == kSigned && b == T(-1);
  const T rest = T(a % (b == 0 || is_minus_one ? T(1) : b));
  return b == 0 ? a : rest;
}

// NaN if either is, -0 below +0.  a < b ? a : b differs from its mirror only where both are zeros
// or one is NaN: or-ing the two gives -0 if there is one, and-ing them +0.
template <typename T>
INGOT_ROW T min(T a, T b) {
  INGOT_NARROW_BINARY(min);
#ifndef INGOT_CUDA_HOST
  else if constexpr (Of<T>::kKind == kFloat && sizeof(T) == 4) {
    f32 result;
    asm("min.NaN.f32 %0, %1, %2;" : "=f"(result) : "f"(a), "f"(b));
    return result;
  }
#endif
  else if constexpr (Of<T>::kKind == kFloat) {
    return from_bits<T>(bits_of(a < b ? a : b) | bits_of(b < a ? b : a));
  }
  else {
    return a < b ? a : b;
  }
}
template <typename T>
INGOT_ROW T max(T a, T b) {
  INGOT_NARROW_BINARY(max);
#ifndef INGOT_CUDA_HOST
  else if constexpr (Of<T>::kKind == kFloat && sizeof(T) == 4) {
    f32 result;
    asm("max.NaN.f32 %0, %1, %2;" : "=f"(result) : "f"(a), "f"(b));
    return result;
  }
#endif
  else if constexpr (Of<T>::kKind == kFloat) {
    if (a != a || b != b) return from_bits<T>(~u64(0));
    return from_bits<T>(bits_of(a > b ? a : b) & bits_of(b > a ? b : a));
  }
  else {
    return a > b ? a : b;
  }
}

template <typename T>
INGOT_ROW T not_(T a) {
  if constexpr (Of<T>::kKind == kPred)
    return !a;
  else
    return T(~Word<T>(a));
}
#define INGOT_BITWISE(row, sign)          \
  template <typename T>                   \
  INGOT_ROW T row(T a, T b) {             \
    return T(Word<T>(a) sign Word<T>(b)); \
  }
INGOT_BITWISE(and_, &)
INGOT_BITWISE(or_, |)
INGOT_BITWISE(xor_, ^)

template <typename T>
INGOT_ROW T popcnt(T a) {
  if constexpr (sizeof(T) == 8)
    return ::__popcll(u64(a));
  else
    return T(::__popc(int(bits_of(a))));
}
template <typename T>
INGOT_ROW T clz(T a) {
  if constexpr (sizeof(T) == 8)
    return ::__clzll(s64(a));
  else
    return T(::__clz(int(bits_of(a))) - (32 - Of<T>::kBits));
}

// An amount of the width or more, unsigned, shifts everything out.
template <typename T>
INGOT_ROW T shl(T a, T b) {
  return bits_of(b) < Of<T>::kBits ? T(Word<T>(a) << bits_of(b)) : T(0);
}
template <typename T>
INGOT_ROW T lshr(T a, T b) {
  return bits_of(b) < Of<T>::kBits ? T(Word<T>(bits_of(a)) >> bits_of(b)) : T(0);
}
template <typename T>
INGOT_ROW T ashr(T a, T b) {
  using Signed = typename Either<sizeof(T) == 8, s64, s32>::Type;
  constexpr int kSpare = 8 * sizeof(Signed) - Of<T>::kBits;
  const Signed shifted = Signed(Word<T>(a) << kSpare) >> kSpare;
  return T(shifted >> (bits_of(b) < Of<T>::kBits ? int(bits_of(b)) : Of<T>::kBits - 1));
}
template <typename T>
INGOT_ROW T mulhi(T a, T b) {
  if constexpr (Of<T>::kKind == kSigned) {
    if constexpr (sizeof(T) == 8)
      return ::__mul64hi(a, b);
    else
      return T((s64(a) * s64(b)) >> Of<T>::kBits);
  } else {
    if constexpr (sizeof(T) == 8)
      return ::__umul64hi(a, b);
    else
      return T((u64(a) * u64(b)) >> Of<T>::kBits);
  }
}
// Nibble i of the selector picks byte i of the result from the eight bytes of b:a; its top bit
// gives that byte's sign instead.
INGOT_ROW u32 permute(u32 a, u32 b, u32 selector) {
  u32 result = 0;
#ifdef INGOT_CUDA_HOST
  for (int i = 0; i < 4; ++i) {
    const u32 nibble = selector >> (4 * i);
    u32 byte = (((u64(b) << 32) | a) >> (8 * (nibble & 7))) & 0xff;
    if (nibble & 8) byte = byte & 0x80 ? 0xff : 0;
    result |= byte << (8 * i);
  }
#else
  asm("prmt.b32 %0, %1, %2, %3;" : "=r"(result) : "r"(a), "r"(b), "r"(selector));
#endif
  return result;
}

#define INGOT_ORDER(row, sign)   \
  template <typename T>          \
  INGOT_ROW pred row(T a, T b) { \
    INGOT_NARROW_COMPARE(row);   \
    else return a sign b;        \
  }
INGOT_ORDER(eq, ==)
INGOT_ORDER(ne, !=)
INGOT_ORDER(lt, <)
INGOT_ORDER(le, <=)
INGOT_ORDER(gt, >)
INGOT_ORDER(ge, >=)

template <typename T>
INGOT_ROW T select(pred mask, T a, T b) {
  return mask ? a : b;
}
template <typename T, int lanes_>
INGOT_ROW vec<T, lanes_> select(vec<pred, lanes_> mask, vec<T, lanes_> a, vec<T, lanes_> b) {
  INGOT_UNROLL for (int i = 0; i < lanes_; ++i) a.lane[i] = mask.lane[i] ? a.lane[i] : b.lane[i];
  return a;
}

INGOT_UNARY(neg)
INGOT_UNARY(abs)
INGOT_UNARY(sqrt)
INGOT_UNARY(floor)
INGOT_UNARY(ceil)
INGOT_UNARY(trunc)
INGOT_UNARY(round_even)
INGOT_UNARY(not_)
INGOT_UNARY(popcnt)
INGOT_UNARY(clz)
INGOT_BINARY(add)
INGOT_BINARY(sub)
INGOT_BINARY(mul)
INGOT_BINARY(div)
INGOT_BINARY(rem)
INGOT_BINARY(min)
INGOT_BINARY(max)
INGOT_BINARY(and_)
INGOT_BINARY(or_)
INGOT_BINARY(xor_)
INGOT_BINARY(shl)
INGOT_BINARY(lshr)
INGOT_BINARY(ashr)
INGOT_BINARY(mulhi)
INGOT_COMPARE(eq)
INGOT_COMPARE(ne)
INGOT_COMPARE(lt)
INGOT_COMPARE(le)
INGOT_COMPARE(gt)
INGOT_COMPARE(ge)
INGOT_TERNARY(fma)
INGOT_TERNARY(permute)
INGOT_HORIZONTAL(sum_tree, add)
INGOT_HORIZONTAL(prod_tree, mul)
INGOT_HORIZONTAL(min_tree, min)
INGOT_HORIZONTAL(max_tree, max)
INGOT_HORIZONTAL(and_tree, and_)
INGOT_HORIZONTAL(or_tree, or_)

}  // namespace kernel_ir

#endif  // INGOT_COMPILER_CODEGEN_CUDA_ROWS_H_
