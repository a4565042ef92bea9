#include "compiler/lower/math/expression.h"

#include <vector>

namespace ingot::lower::math {

// Instructions take scalars.
Expr Approximate(kernel::Intrinsic intrinsic, Expr a) {
  kernel::Builder& builder = a.builder();
  std::vector<kernel::Value> lanes;
  for (int i = 0; i < a.type().lanes; ++i) {
    lanes.push_back(builder.Call(intrinsic, {builder.Extract(a.value(), i)}));
  }
  return {builder, builder.Build(lanes)};
}

Pair TwoSum(Expr a, Expr b) {
  const Expr hi = a + b;
  const Expr b_part = hi - a;
  return {hi, (a - (hi - b_part)) + (b - b_part)};
}

Pair FastTwoSum(Expr a, Expr b) {
  const Expr hi = a + b;
  return {hi, b - (hi - a)};
}

Pair TwoProduct(Expr a, Expr b) {
  const Expr hi = a * b;
  return {hi, Fma(a, b, -hi)};
}

Pair Product(Pair a, Pair b) {
  const Pair p = TwoProduct(a.hi, b.hi);
  return FastTwoSum(p.hi, p.lo + Fma(a.hi, b.lo, a.lo * b.hi));
}

Pair Sum(Pair a, Pair b) {
  const Pair s = FastTwoSum(a.hi, b.hi);
  return FastTwoSum(s.hi, s.lo + (a.lo + b.lo));
}

Pair SqrtPair(Pair a) {
  const Expr root = Sqrt(a.hi);
  const Expr low = (Fma(-root, root, a.hi) + a.lo) * (0.5 / root);
  return {root, Select(a.hi > 0, low, a.hi.Number(0))};
}

Expr Polynomial(Expr x, const Coefficients& coefficients) {
  const absl::Span<const double> numbers = x.IsF64() ? coefficients.f64 : coefficients.f32;
  Expr sum = x.Number(numbers.back());
  for (size_t i = numbers.size() - 1; i-- > 0;) sum = Fma(sum, x, x.Number(numbers[i]));
  return sum;
}

// In [2^(p-1), 2^p) the unit in the last place is 1; the middle of it leaves room to both sides.
Rounded RoundToInteger(Expr x) {
  const Expr middle = x.Number(0x1.8p23, 0x1.8p52);
  const Expr shifted = x + middle;
  return {shifted - middle, shifted.AsSigned() - middle.AsSigned()};
}

Expr PowerOfTwo(Expr n) {
  const Expr like = n.AsFloat();
  return ((n + like.bias()) << (like.precision() - 1)).AsFloat();
}

Expr Scale(Expr x, Expr n) {
  const Expr half = n >> 1;
  return x * PowerOfTwo(half) * PowerOfTwo(n - half);
}

Expr CopySign(Expr magnitude, Expr sign) {
  const Expr bits = sign.AsUnsigned();
  return (magnitude.AsUnsigned() | (bits & bits.Pattern(uint64_t{1} << (sign.width() - 1))))
      .AsFloat();
}

// Less `least`, the bits of x hold the exponent above the significand's field, and in that field
// what `least` has to be raised by.
Parts SplitNormal(Expr x, double least) {
  const Expr offset = x.Number(least).AsSigned();
  const Expr above = x.AsSigned() - offset;
  const int field = x.precision() - 1;
  return {((above & above.Pattern((uint64_t{1} << field) - 1)) + offset).AsFloat(), above >> field};
}

Parts Split(Expr x, double least) {
  const Expr small = x < x.Number(0x1p-126, 0x1p-1022);
  const Parts parts = SplitNormal(Select(small, x * x.Number(0x1p24, 0x1p53), x), least);
  const Expr zero = parts.exponent.Number(0);
  return {parts.significand, parts.exponent - Select(small, zero + x.precision(), zero)};
}

Pair PairNumber(Expr like, const PairConstant& constant) {
  return {like.Number(constant.high_f32, constant.high_f64),
          like.Number(constant.low_f32, constant.low_f64)};
}

}  // namespace ingot::lower::math
