// x = q pi / 2 + r, |r| <= pi / 4, for every finite x.  Where |x| is below Limit: Cody and Waite,
// with pi / 2 in three parts.  Beyond: Payne and Hanek, the product of the significand of x with
// those three words of the binary digits of 2 / pi that reach from whole turns, which do not
// matter, to far below the last digit of r.  That is behind a branch, which vectors take where a
// lane does.  A sine and a cosine of one x share all of that.
#include <vector>

#include "absl/strings/string_view.h"
#include "compiler/lower/math/families.h"

namespace ingot::lower::math {
namespace {

constexpr double kTwoOverPi = 0x1.45f306dc9c883p-1;

// The words at index, index + 1, ..., `wanted` of them, of the digits of 2 / pi; `index` is less
// than 2^bits.  Halves the choice bit by bit, the highest first.
std::vector<Expr> DigitsAt(Expr index, int bits, int wanted) {
  std::vector<Expr> words;
  if (index.IsF64()) {
    for (uint64_t word : kTwoOverPiU64) words.push_back(index.Pattern(word));
  } else {
    for (uint32_t word : kTwoOverPiU32) words.push_back(index.Pattern(word));
  }
  for (int bit = bits - 1; bit >= 0; --bit) {
    const size_t step = size_t{1} << bit;
    const Expr up = (index & static_cast<double>(step)) != 0;
    std::vector<Expr> chosen;
    for (size_t i = 0; i < wanted + step - 1 && i < words.size(); ++i) {
      const size_t other = i + step;
      chosen.push_back(other < words.size() ? Select(up, words[other], words[i]) : words[i]);
    }
    words = chosen;
  }
  return words;
}

// |x| = (4 i + quadrant) pi / 2 + r.  `r` is a pair.
struct Reduced {
  Expr quadrant;  // unsigned, its last two bits
  Pair r;
};

// A quadrant's number below it times the second part of pi / 2 is less than 2^-7 (f64: 2^-23).
Expr Limit(Expr like) { return like.Number(0x1p17, 0x1p30); }

// For |x| < Limit.  n times the first part of pi / 2 leaves a multiple of 2^-24 (f64: 2^-53) below
// 1: the first difference is exact, and a multiple of the last digit of n times the second part, so
// that a fast sum with that one has no error either.
Reduced ReduceSmall(Expr size) {
  const Expr middle = size.Number(0x1.8p23, 0x1.8p52);
  const Expr shifted = Fma(size, size.Number(kTwoOverPi), middle);
  const Expr n = shifted - middle;
  const Pair half_pi = PairNumber(size, kHalfPi);
  const Pair second = TwoProduct(n, half_pi.lo);
  const Pair r = FastTwoSum(Fma(n, -half_pi.hi, size), -second.hi);
  const Expr rest = size.Number(kHalfPiRestF32, kHalfPiRestF64);
  return {shifted.AsUnsigned(), {r.hi, Fma(n, -rest, r.lo - second.lo)}};
}

// For |x| >= 1/2: |x| = M 2^E with an integer M of `precision` bits.  The fixed-point number
// high:low is |x| 2 / pi mod 4, two bits before the point.
Reduced ReduceLarge(Expr size) {
  const int width = size.width();
  const int field = size.precision() - 1;
  const Expr bits = size.AsUnsigned();
  const Expr significand =
      (bits & bits.Pattern((uint64_t{1} << field) - 1)) | bits.Pattern(uint64_t{1} << field);
  // E + width - 2, where E = exponent - bias - field.  The word of zeros begins at 2^(width - 1).
  const Expr offset = (bits >> field) - (size.bias() + field - width + 2);
  const Expr index = offset >> (size.IsF64() ? 6 : 5);
  const Expr shift = offset & (width - 1);
  const std::vector<Expr> words = DigitsAt(index, size.IsF64() ? 5 : 3, 4);
  std::vector<Expr> digits;
  for (int i = 0; i < 3; ++i) {
    digits.push_back((words[i] << shift) | ((words[i + 1] >> 1) >> ((width - 1) - shift)));
  }
  const Expr middle = significand * digits[1];
  const Expr low = middle + Mulhi(significand, digits[2]);
  const Expr carry = Select(low < middle, low.Number(1), low.Number(0));
  const Expr high = significand * digits[0] + Mulhi(significand, digits[1]) + carry;

  // Rounded to a quadrant, the rest is a signed fraction of one: after the point a signed word and
  // an unsigned one.  A float holds the first bits, one the next as many, one what is left.
  const Expr quadrant = ((high >> (width - 3)) + 1) >> 1;
  const Expr fraction = (high << 2) | (low >> (width - 2));
  const Expr below = low << 2;
  const int p = size.precision();
  const Expr first = (fraction.AsSigned() >> (width - p)).ToFloat();
  const Expr next = (((fraction << p) | (below >> (width - p))) >> (width - p)).ToFloat();
  const Expr last = (below << (2 * p - width)).ToFloat();

  const Pair turn =
      FastTwoSum(first * size.Number(0x1p-24, 0x1p-53), next * size.Number(0x1p-48, 0x1p-106));
  const Expr rest = Fma(last, size.Number(0x1p-80, 0x1p-170), turn.lo);
  return {quadrant, Product({turn.hi, rest}, PairNumber(size, kHalfPi))};
}

// What `small` and `large` make of |x|: `large` behind a branch, which is taken where x is not
// below Limit in some lane.  Once for all functions of one x.
using Values = std::vector<Expr>;
Values BySize(absl::string_view name, Expr x, Values (*small)(Expr), Values (*large)(Expr)) {
  const Expr size = Abs(x);
  kernel::Builder& b = x.builder();
  const auto make = [&]() -> std::vector<kernel::Value> {
    const Expr is_small = size < Limit(size);
    const Values smalls = small(size);
    const kernel::Value all_small =
        x.type().lanes > 1 ? b.AndTree(is_small.value()) : is_small.value();
    const auto chosen = [&] {
      const Values larges = large(size);
      std::vector<kernel::Value> all;
      for (size_t i = 0; i < smalls.size(); ++i) {
        all.push_back(Select(is_small, smalls[i], larges[i]).value());
      }
      return all;
    };
    if (all_small->IsConstant()) return chosen();
    std::vector<kernel::Var*> vars;
    for (const Expr& value : smalls) vars.push_back(b.DeclareVar("reduced", value.value()));
    b.If(b.Not(all_small), [&] {
      const std::vector<kernel::Value> all = chosen();
      for (size_t i = 0; i < vars.size(); ++i) b.Write(vars[i], all[i]);
    });
    std::vector<kernel::Value> read;
    for (kernel::Var* var : vars) read.push_back(b.Read(var));
    return read;
  };
  Values values;
  for (kernel::Value value : b.Once(name, size.value(), make)) values.emplace_back(b, value);
  return values;
}

Values Listed(const Reduced& a) { return {a.quadrant, a.r.hi, a.r.lo}; }

// Of infinity and NaN, r is NaN.
Reduced ReduceLargeOrNan(Expr size) {
  Reduced large = ReduceLarge(size);
  large.r.hi = Select(size < size.Infinity(), large.r.hi, size.Nan());
  return large;
}

Reduced Reduce(Expr x) {
  const Values values = BySize(
      "reduced angle", x, [](Expr size) { return Listed(ReduceSmall(size)); },
      [](Expr size) { return Listed(ReduceLargeOrNan(size)); });
  return {values[0], {values[1], values[2]}};
}

Expr Square(Pair r) { return Fma(r.hi, r.hi, (r.hi + r.hi) * r.lo); }

// sin r = r + (r^3 P(r^2) + low).
Expr SinNear(Pair r) {
  const Expr square = Square(r);
  return r.hi + Fma(square * r.hi, Polynomial(square, kSin), r.lo);
}

// cos r = 1 + r^2 (r^2 P(r^2) - 1 / 2), rounded once at the end.
Expr CosNear(Pair r) {
  const Expr square = Square(r);
  const Expr slope = Fma(square, Polynomial(square, kCos), square.Number(-0.5));
  return Fma(square, slope, square.Number(1));
}

// ----- The second expansions, of f32: r is one float, within a unit in its last place.

struct FastReduced {
  Expr quadrant;
  Expr r;
};

// n times each part is exact, and so is the first difference.
FastReduced FastReduce(Expr x) {
  const Values values = BySize(
      "rough reduced angle", x,
      [](Expr size) -> Values {
        const Expr middle = size.Number(0x1.8p23);
        const Expr shifted = Fma(size, size.Number(kTwoOverPi), middle);
        const Expr n = shifted - middle;
        const Pair half_pi = PairNumber(size, kHalfPi);
        const Expr r = Fma(n, -half_pi.lo, Fma(n, -half_pi.hi, size));
        return {shifted.AsUnsigned(), Fma(n, size.Number(-kHalfPiRestF32), r)};
      },
      [](Expr size) -> Values {
        const Reduced large = ReduceLargeOrNan(size);
        return {large.quadrant, large.r.hi + large.r.lo};
      });
  return {values[0], values[1]};
}

Expr FastSinNear(Expr r) {
  const Expr square = r * r;
  return Fma(square * r, Polynomial(square, kSin), r);
}
Expr FastCosNear(Expr r) {
  const Expr square = r * r;
  const Expr slope = Fma(square, Polynomial(square, kCos), square.Number(-0.5));
  return Fma(square, slope, square.Number(1));
}

// Its sign changed where the top bit of `sign` is set.
Expr Signed(Expr value, Expr sign) {
  return (value.AsUnsigned() ^ (sign & sign.Pattern(0x80000000))).AsFloat();
}

Expr Negated(Expr value, Expr negative) { return Select(negative, -value, value); }

}  // namespace

Expr Sin(Expr x) {
  const Reduced a = Reduce(x);
  const Expr value = Select((a.quadrant & 1) != 0, CosNear(a.r), SinNear(a.r));
  const Expr negative = (x.AsSigned() < 0) ^ ((a.quadrant & 2) != 0);
  return Negated(value, negative);
}

Expr Cos(Expr x) {
  const Reduced a = Reduce(x);
  const Expr value = Select((a.quadrant & 1) != 0, SinNear(a.r), CosNear(a.r));
  return Negated(value, ((a.quadrant + 1) & 2) != 0);
}

// tan r as a pair for even quadrants, -1 / tan r for odd ones: the reciprocal w of the high part,
// and what it and the low part want.
Expr Tan(Expr x) {
  const Reduced a = Reduce(x);
  const Expr square = a.r.hi * a.r.hi;
  const Expr tail = Fma(square * a.r.hi, Polynomial(square, kTan), a.r.lo);
  const Pair t = FastTwoSum(a.r.hi, tail);
  const Expr w = -1 / t.hi;
  const Expr reciprocal = Fma(w, Fma(t.hi, w, x.Number(1)) + t.lo * w, w);
  const Expr value = Select((a.quadrant & 1) != 0, reciprocal, t.hi);
  return Negated(value, x.AsSigned() < 0);
}

// Two bits of the quadrant are the sign of the sine and whether it is a cosine; a quadrant on,
// those of the cosine.
Expr FastSin(Expr x) {
  const FastReduced a = FastReduce(x);
  const Expr value = Select((a.quadrant & 1) != 0, FastCosNear(a.r), FastSinNear(a.r));
  return Signed(value, (a.quadrant << 30) ^ x.AsUnsigned());
}

Expr FastCos(Expr x) {
  const FastReduced a = FastReduce(x);
  const Expr value = Select((a.quadrant & 1) != 0, FastSinNear(a.r), FastCosNear(a.r));
  return Signed(value, (a.quadrant + 1) << 30);
}

}  // namespace ingot::lower::math
