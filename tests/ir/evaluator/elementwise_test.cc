// Elementwise ops on every element type, against formulas written anew here.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "ir/base/float_bits.h"
#include "tests/ir/evaluator/testing.h"

namespace ingot {
namespace {

using test::Array;
using test::Doubles;
using test::Evaluated;
using test::Integers;

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Literal Unary(Opcode opcode, const Literal& x) {
  return Evaluated([&](GraphBuilder& b, Values v) { return b.Apply(opcode, v); }, {x});
}
Literal Binary(Opcode opcode, const Literal& x, const Literal& y) {
  return Evaluated([&](GraphBuilder& b, Values v) { return b.Apply(opcode, v); }, {x, y});
}

std::vector<ElementType> TypesOf(TypeCategory category) {
  std::vector<ElementType> types;
  for (int i = 0; i < kElementTypeCount; ++i) {
    if (Category(static_cast<ElementType>(i)) == category) {
      types.push_back(static_cast<ElementType>(i));
    }
  }
  return types;
}

int64_t Least(ElementType type) {
  return IsSigned(type) ? -(int64_t{1} << (BitWidth(type) - 2)) * 2 : 0;
}
int64_t Most(ElementType type) {
  const int bits = BitWidth(type);
  return IsSigned(type) ? static_cast<int64_t>(~uint64_t{0} >> (65 - bits))
                        : static_cast<int64_t>(~uint64_t{0} >> (64 - bits));
}
// The value of the low bits of x in the type.
int64_t Wrap(ElementType type, int64_t x) {
  const int unused = 64 - BitWidth(type);
  const uint64_t shifted = static_cast<uint64_t>(x) << unused;
  return IsSigned(type) ? static_cast<int64_t>(shifted) >> unused
                        : static_cast<int64_t>(shifted >> unused);
}

TEST(ElementwiseTest, IntegerArithmeticWrapsInEveryType) {
  for (TypeCategory category : {TypeCategory::kSigned, TypeCategory::kUnsigned}) {
    for (ElementType type : TypesOf(category)) {
      std::vector<int64_t> xs, ys;
      const std::vector<int64_t> edges = {Least(type), Most(type),     0,
                                          1,           Wrap(type, -1), Wrap(type, 5)};
      for (int64_t x : edges) {
        for (int64_t y : edges) {
          xs.push_back(x);
          ys.push_back(y);
        }
      }
      const Literal x = Integers(type, xs), y = Integers(type, ys);
      const auto check = [&](Opcode opcode, auto formula) {
        const Literal result = Binary(opcode, x, y);
        for (size_t i = 0; i < xs.size(); ++i) {
          EXPECT_EQ(result.AsInteger(i), Wrap(type, formula(xs[i], ys[i])))
              << ElementTypeName(type) << " " << OpcodeName(opcode) << " " << xs[i] << " " << ys[i];
        }
      };
      using U = uint64_t;
      check(Opcode::kAdd, [](U a, U b) { return a + b; });
      check(Opcode::kSubtract, [](U a, U b) { return a - b; });
      check(Opcode::kMultiply, [](U a, U b) { return a * b; });
      check(Opcode::kAnd, [](U a, U b) { return a & b; });
      check(Opcode::kOr, [](U a, U b) { return a | b; });
      check(Opcode::kXor, [](U a, U b) { return a ^ b; });
      const bool is_signed = IsSigned(type);
      const auto below = [is_signed](int64_t a, int64_t b) {
        return is_signed ? a < b : static_cast<U>(a) < static_cast<U>(b);
      };
      check(Opcode::kMaximum, [&](int64_t a, int64_t b) { return below(a, b) ? b : a; });
      check(Opcode::kMinimum, [&](int64_t a, int64_t b) { return below(a, b) ? a : b; });
      check(Opcode::kDivide, [&](int64_t a, int64_t b) -> int64_t {
        if (b == 0) return -1;
        if (!is_signed) return static_cast<U>(a) / static_cast<U>(b);
        return b == -1 ? static_cast<int64_t>(-static_cast<U>(a)) : a / b;
      });
      check(Opcode::kRemainder, [&](int64_t a, int64_t b) -> int64_t {
        if (b == 0) return a;
        if (!is_signed) return static_cast<U>(a) % static_cast<U>(b);
        return b == -1 ? 0 : a % b;
      });
      const int bits = BitWidth(type);
      const auto low = [bits](int64_t a) { return static_cast<U>(a) & (~U{0} >> (64 - bits)); };
      check(Opcode::kShiftLeft, [&](int64_t a, int64_t b) -> int64_t {
        return low(b) >= static_cast<U>(bits) ? 0 : static_cast<int64_t>(low(a) << low(b));
      });
      check(Opcode::kShiftRightLogical, [&](int64_t a, int64_t b) -> int64_t {
        return low(b) >= static_cast<U>(bits) ? 0 : static_cast<int64_t>(low(a) >> low(b));
      });
      check(Opcode::kShiftRightArithmetic, [&](int64_t a, int64_t b) -> int64_t {
        const bool negative = (low(a) >> (bits - 1)) != 0;
        U value = low(a);
        for (U i = 0; i < low(b) && i < 64; ++i) {
          value = value >> 1 | static_cast<U>(negative) << (bits - 1);
        }
        return static_cast<int64_t>(value);
      });
      const auto mulhi = [&](int64_t a, int64_t b) -> int64_t {
        if (is_signed) return static_cast<int64_t>(static_cast<__int128>(a) * b >> bits);
        return static_cast<int64_t>(static_cast<unsigned __int128>(low(a)) * low(b) >> bits);
      };
      check(Opcode::kMulhi, mulhi);
    }
  }
}

TEST(ElementwiseTest, IntegerBitCountsKnowTheWidth) {
  for (TypeCategory category : {TypeCategory::kSigned, TypeCategory::kUnsigned}) {
    for (ElementType type : TypesOf(category)) {
      const int bits = BitWidth(type);
      const Literal x = Integers(type, {0, 1, Wrap(type, -1), Least(type)});
      const Literal ones = Unary(Opcode::kPopulationCount, x);
      EXPECT_EQ(ones.AsInteger(0), 0);
      EXPECT_EQ(ones.AsInteger(1), 1);
      EXPECT_EQ(ones.AsInteger(2), Wrap(type, bits)) << ElementTypeName(type);
      EXPECT_EQ(ones.AsInteger(3), IsSigned(type) ? 1 : 0);
      const Literal zeros = Unary(Opcode::kClz, x);
      EXPECT_EQ(zeros.AsInteger(0), Wrap(type, bits)) << ElementTypeName(type);
      EXPECT_EQ(zeros.AsInteger(1), bits - 1 == Most(type) + 1 ? Wrap(type, bits - 1) : bits - 1);
      EXPECT_EQ(zeros.AsInteger(2), 0);
      EXPECT_EQ(Unary(Opcode::kNot, x).AsInteger(0), Wrap(type, -1));
      EXPECT_EQ(Unary(Opcode::kNegate, x).AsInteger(1), Wrap(type, -1));
    }
  }
}

TEST(ElementwiseTest, IntegerPower) {
  const Literal x = Integers(ElementType::kS32, {2, -3, 0, 0, 1, -1, -1, 2, 7});
  const Literal y = Integers(ElementType::kS32, {10, 3, 0, -2, -5, -5, -4, -1, 20});
  const Literal power = Binary(Opcode::kPower, x, y);
  const std::vector<int64_t> expected = {
      1024, -27, 1, 0, 1, -1, 1, 0, Wrap(ElementType::kS32, 79792266297612001)};
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(power.AsInteger(i), expected[i]) << i;
}

TEST(ElementwiseTest, PredIsLogic) {
  const Literal x = Integers(ElementType::kPred, {0, 0, 1, 1});
  const Literal y = Integers(ElementType::kPred, {0, 1, 0, 1});
  const auto check = [&](Opcode opcode, const std::vector<int64_t>& expected) {
    const Literal result = Binary(opcode, x, y);
    for (int i = 0; i < 4; ++i) EXPECT_EQ(result.AsInteger(i), expected[i]) << OpcodeName(opcode);
  };
  check(Opcode::kAdd, {0, 1, 1, 1});
  check(Opcode::kMultiply, {0, 0, 0, 1});
  check(Opcode::kAnd, {0, 0, 0, 1});
  check(Opcode::kOr, {0, 1, 1, 1});
  check(Opcode::kXor, {0, 1, 1, 0});
  check(Opcode::kMaximum, {0, 1, 1, 1});
  check(Opcode::kMinimum, {0, 0, 0, 1});
  EXPECT_EQ(Unary(Opcode::kNot, x).AsInteger(0), 1);
  EXPECT_EQ(Unary(Opcode::kNot, x).AsInteger(2), 0);
}

// Each float type's values, few enough to pair up.
std::vector<double> FloatValues(ElementType type) {
  std::vector<double> values;
  const FloatFormat& format = FormatOf(type);
  const uint64_t count = uint64_t{1} << std::min(format.bits, 62);
  const uint64_t step = format.bits <= 8 ? 1 : count / 61 + (format.bits > 62 ? 3 : 1);
  for (uint64_t bits = 0; bits < count; bits += step) values.push_back(DecodeFloat(format, bits));
  return values;
}

// The value of `x` rounded once to the type.
double Rounded(ElementType type, double x) {
  return DecodeFloat(FormatOf(type), EncodeFloat(FormatOf(type), x));
}

void ExpectSame(double actual, double expected, const std::string& what) {
  if (std::isnan(expected)) {
    EXPECT_TRUE(std::isnan(actual)) << what << ": " << actual;
  } else {
    EXPECT_EQ(actual, expected) << what;
    EXPECT_EQ(std::signbit(actual), std::signbit(expected)) << what;
  }
}

TEST(ElementwiseTest, FloatArithmeticRoundsOnceInEveryType) {
  for (ElementType type : TypesOf(TypeCategory::kFloat)) {
    if (type == ElementType::kF64) continue;  // no wider type to compute in
    std::vector<double> xs, ys;
    for (double x : FloatValues(type)) {
      for (double y : FloatValues(type)) {
        xs.push_back(x);
        ys.push_back(y);
      }
    }
    const Literal x = Doubles(type, xs), y = Doubles(type, ys);
    const auto check = [&](Opcode opcode, auto formula) {
      const Literal result = Binary(opcode, x, y);
      for (size_t i = 0; i < xs.size(); ++i) {
        // long double holds sums and products of f32 exactly, and rounds quotients innocuously
        const long double exact = formula(static_cast<long double>(xs[i]), ys[i]);
        const double in_f32 = static_cast<double>(static_cast<float>(exact));
        // f8e8m0fnu has the range of f32, in which its products are computed: some underflow to
        // zero, which it does not have.
        const double expected = type == ElementType::kF32 ? in_f32
                                : type == ElementType::kF8E8M0FNU
                                    ? Rounded(type, in_f32)
                                    : Rounded(type, static_cast<double>(exact));
        ExpectSame(
            result.AsDouble(i), expected,
            absl::StrCat(ElementTypeName(type), " ", OpcodeName(opcode), " ", xs[i], " ", ys[i]));
        if (testing::Test::HasFailure()) return;
      }
    };
    check(Opcode::kAdd, [](long double a, long double b) { return a + b; });
    check(Opcode::kSubtract, [](long double a, long double b) { return a - b; });
    check(Opcode::kMultiply, [](long double a, long double b) { return a * b; });
    check(Opcode::kDivide, [](long double a, long double b) { return a / b; });
  }
}

TEST(ElementwiseTest, MaximumAndMinimumPropagateNanAndOrderZeros) {
  for (ElementType type :
       {ElementType::kF16, ElementType::kBF16, ElementType::kF32, ElementType::kF64}) {
    const Literal x = Doubles(type, {1, kNan, 1, -0.0, 0.0, kInf, -kInf});
    const Literal y = Doubles(type, {2, 1, kNan, 0.0, -0.0, 1, 1});
    const Literal maximum = Binary(Opcode::kMaximum, x, y);
    const Literal minimum = Binary(Opcode::kMinimum, x, y);
    const std::vector<double> most = {2, kNan, kNan, 0.0, 0.0, kInf, 1};
    const std::vector<double> least = {1, kNan, kNan, -0.0, -0.0, 1, -kInf};
    for (int i = 0; i < 7; ++i) {
      ExpectSame(maximum.AsDouble(i), most[i], "maximum");
      ExpectSame(minimum.AsDouble(i), least[i], "minimum");
    }
  }
}

TEST(ElementwiseTest, ElementaryFunctionsRoundOnce) {
  const std::vector<double> xs = {0.0, -0.0, 0.25, -0.5, 1,    -1,    2.5,
                                  -3,  30,   -30,  1e-3, kInf, -kInf, kNan};
  const std::vector<std::pair<Opcode, double (*)(double)>> functions = {
      {Opcode::kAcos, [](double x) { return std::acos(x); }},
      {Opcode::kAcosh, [](double x) { return std::acosh(x); }},
      {Opcode::kAsin, [](double x) { return std::asin(x); }},
      {Opcode::kAsinh, [](double x) { return std::asinh(x); }},
      {Opcode::kAtanh, [](double x) { return std::atanh(x); }},
      {Opcode::kCbrt, [](double x) { return std::cbrt(x); }},
      {Opcode::kCos, [](double x) { return std::cos(x); }},
      {Opcode::kCosh, [](double x) { return std::cosh(x); }},
      {Opcode::kErf, [](double x) { return std::erf(x); }},
      {Opcode::kExp, [](double x) { return std::exp(x); }},
      {Opcode::kExpm1, [](double x) { return std::expm1(x); }},
      {Opcode::kLog, [](double x) { return std::log(x); }},
      {Opcode::kLog1p, [](double x) { return std::log1p(x); }},
      {Opcode::kLogistic, [](double x) { return 1 / (1 + std::exp(-x)); }},
      {Opcode::kRsqrt, [](double x) { return 1 / std::sqrt(x); }},
      {Opcode::kSin, [](double x) { return std::sin(x); }},
      {Opcode::kSinh, [](double x) { return std::sinh(x); }},
      {Opcode::kSqrt, [](double x) { return std::sqrt(x); }},
      {Opcode::kTan, [](double x) { return std::tan(x); }},
      {Opcode::kTanh, [](double x) { return std::tanh(x); }},
      {Opcode::kCeil, [](double x) { return std::ceil(x); }},
      {Opcode::kFloor, [](double x) { return std::floor(x); }},
      {Opcode::kRoundNearestAfz, [](double x) { return std::round(x); }},
      {Opcode::kRoundNearestEven, [](double x) { return std::rint(x); }},
      {Opcode::kAbs, [](double x) { return std::fabs(x); }},
      {Opcode::kNegate, [](double x) { return -x; }},
      {Opcode::kSign, [](double x) { return std::isnan(x) || x == 0 ? x : std::copysign(1.0, x); }},
  };
  for (ElementType type : {ElementType::kF8E4M3, ElementType::kF8E5M2, ElementType::kF16,
                           ElementType::kBF16, ElementType::kF32, ElementType::kF64}) {
    const Literal x = Doubles(type, xs);
    for (const auto& [opcode, formula] : functions) {
      const Literal result = Unary(opcode, x);
      for (size_t i = 0; i < xs.size(); ++i) {
        const double expected = Rounded(type, formula(x.AsDouble(i)));
        ExpectSame(result.AsDouble(i), expected,
                   absl::StrCat(ElementTypeName(type), " ", OpcodeName(opcode), " ", xs[i]));
      }
    }
  }
}

TEST(ElementwiseTest, PowerAndAtan2FollowC) {
  const std::vector<double> xs = {0, -0.0, 2, -2, -2, 1, kNan, -1, 0, -8, kInf, 3};
  const std::vector<double> ys = {0, -3, 0.5, 3, 0.5, kNan, 0, kInf, -2, 1.0 / 3, -1, -kInf};
  const Literal x = Doubles(ElementType::kF64, xs), y = Doubles(ElementType::kF64, ys);
  const Literal power = Binary(Opcode::kPower, x, y), angle = Binary(Opcode::kAtan2, x, y);
  const Literal rest = Binary(Opcode::kRemainder, x, y);
  for (size_t i = 0; i < xs.size(); ++i) {
    ExpectSame(power.AsDouble(i), std::pow(xs[i], ys[i]), absl::StrCat("power ", i));
    ExpectSame(angle.AsDouble(i), std::atan2(xs[i], ys[i]), absl::StrCat("atan2 ", i));
    ExpectSame(rest.AsDouble(i), std::fmod(xs[i], ys[i]), absl::StrCat("remainder ", i));
  }
}

TEST(ElementwiseTest, ConvertSaturatesAndRoundsOnce) {
  const auto convert = [](const Literal& x, ElementType to) {
    return Evaluated([&](GraphBuilder&, Values v) { return Convert(v[0], to); }, {x});
  };
  const Literal x = Doubles(ElementType::kF32, {kNan, kInf, -kInf, 1e10, -1e10, 2.9, -2.9, 0, 300});
  const std::vector<int64_t> s8 = {0, 127, -128, 127, -128, 2, -2, 0, 127};
  const std::vector<int64_t> u8 = {0, 255, 0, 255, 0, 2, 0, 0, 255};
  const std::vector<int64_t> pred = {1, 1, 1, 1, 1, 1, 1, 0, 1};
  for (int i = 0; i < 9; ++i) {
    EXPECT_EQ(convert(x, ElementType::kS8).AsInteger(i), s8[i]) << i;
    EXPECT_EQ(convert(x, ElementType::kU8).AsInteger(i), u8[i]) << i;
    EXPECT_EQ(convert(x, ElementType::kPred).AsInteger(i), pred[i]) << i;
  }
  EXPECT_EQ(convert(x, ElementType::kS64).AsInteger(1), std::numeric_limits<int64_t>::max());
  EXPECT_EQ(convert(x, ElementType::kU64).AsInteger(1), -1);
  EXPECT_EQ(convert(x, ElementType::kS32).AsInteger(4), std::numeric_limits<int32_t>::min());
  // 2^24 + 1 has no f32, and 2^62 + 2^54 + 1 lies just above a tie of bf16
  EXPECT_EQ(convert(Integers(ElementType::kS32, {16777217}), ElementType::kF32).AsDouble(0),
            16777216);
  EXPECT_EQ(convert(Integers(ElementType::kS64, {(int64_t{1} << 62) + (int64_t{1} << 54) + 1}),
                    ElementType::kBF16)
                .AsDouble(0),
            std::ldexp(1.0, 62) + std::ldexp(1.0, 55));
  EXPECT_EQ(convert(Integers(ElementType::kU64, {-1}), ElementType::kF32).AsDouble(0),
            std::ldexp(1.0, 64));
  // integers wrap
  EXPECT_EQ(convert(Integers(ElementType::kS32, {300, -1}), ElementType::kU8).AsInteger(0), 44);
  EXPECT_EQ(convert(Integers(ElementType::kS32, {300, -1}), ElementType::kU8).AsInteger(1), 255);
  EXPECT_EQ(convert(Integers(ElementType::kS32, {9}), ElementType::kS4).AsInteger(0), -7);
  // f64 to bf16 once: through f32 this would meet a tie
  const double above_tie = 1 + std::ldexp(1.0, -8) + std::ldexp(1.0, -40);
  EXPECT_EQ(convert(Doubles(ElementType::kF64, {above_tie}), ElementType::kBF16).AsDouble(0),
            1 + std::ldexp(1.0, -7));
}

TEST(ElementwiseTest, EveryFloatTypeConvertsToEveryOther) {
  for (ElementType from : TypesOf(TypeCategory::kFloat)) {
    const std::vector<double> values = FloatValues(from);
    const Literal x = Doubles(from, values);
    for (ElementType to : TypesOf(TypeCategory::kFloat)) {
      const Literal result =
          Evaluated([&](GraphBuilder&, Values v) { return Convert(v[0], to); }, {x});
      for (size_t i = 0; i < values.size(); ++i) {
        ExpectSame(
            result.AsDouble(i), Rounded(to, x.AsDouble(i)),
            absl::StrCat(ElementTypeName(from), " to ", ElementTypeName(to), " ", values[i]));
      }
      if (testing::Test::HasFailure()) return;
    }
  }
}

TEST(ElementwiseTest, CompareIsPartialOrTotal) {
  const std::vector<double> xs = {1, 2, kNan, -0.0, -kNan};
  const std::vector<double> ys = {2, 1, kNan, 0.0, -kInf};
  for (ElementType type : {ElementType::kBF16, ElementType::kF32, ElementType::kF64}) {
    const Literal x = Doubles(type, xs), y = Doubles(type, ys);
    const auto compare = [&](ComparisonDirection direction, ComparisonOrder order) {
      return Evaluated(
          [&](GraphBuilder& b, Values v) {
            CompareAttributes attributes;
            attributes.direction = direction;
            attributes.order = order;
            return b.Apply(Opcode::kCompare, v, attributes);
          },
          {x, y});
    };
    const auto expect = [&](ComparisonDirection direction, ComparisonOrder order,
                            const std::vector<int64_t>& expected) {
      const Literal result = compare(direction, order);
      for (size_t i = 0; i < xs.size(); ++i) {
        EXPECT_EQ(result.AsInteger(i), expected[i]) << ElementTypeName(type) << " " << i;
      }
    };
    using D = ComparisonDirection;
    expect(D::kEq, ComparisonOrder::kPartial, {0, 0, 0, 1, 0});
    expect(D::kNe, ComparisonOrder::kPartial, {1, 1, 1, 0, 1});
    expect(D::kLt, ComparisonOrder::kPartial, {1, 0, 0, 0, 0});
    expect(D::kLe, ComparisonOrder::kPartial, {1, 0, 0, 1, 0});
    expect(D::kGt, ComparisonOrder::kPartial, {0, 1, 0, 0, 0});
    expect(D::kGe, ComparisonOrder::kPartial, {0, 1, 0, 1, 0});
    expect(D::kEq, ComparisonOrder::kTotal, {0, 0, 1, 0, 0});
    expect(D::kLt, ComparisonOrder::kTotal, {1, 0, 0, 1, 1});
    expect(D::kGe, ComparisonOrder::kTotal, {0, 1, 1, 0, 0});
  }
}

TEST(ElementwiseTest, SelectAndClampTakeScalars) {
  const Literal x = Doubles(ElementType::kF32, {-5, 0.5, 5, kNan});
  const Literal clamped = Evaluated(
      [](GraphBuilder& b, Values v) {
        return b.Apply(Opcode::kClamp, {v[1], v[0], v[2]});
      },
      {x, Literal::Scalar(ElementType::kF32, -1), Literal::Scalar(ElementType::kF32, 1)});
  const std::vector<double> expected = {-1, 0.5, 1, kNan};
  for (int i = 0; i < 4; ++i) ExpectSame(clamped.AsDouble(i), expected[i], "clamp");
  const Literal chosen = Evaluated(
      [](GraphBuilder& b, Values v) {
        return b.Apply(Opcode::kSelect, {v[1], v[0], v[0]});
      },
      {x, Literal::ScalarInteger(ElementType::kPred, 1)});
  EXPECT_EQ(chosen.AsDouble(2), 5);
}

TEST(ElementwiseTest, ReducePrecision) {
  const auto reduce = [](double x, int64_t exponent, int64_t mantissa) {
    return Evaluated(
               [&](GraphBuilder&, Values v) { return ReducePrecision(v[0], exponent, mantissa); },
               {Doubles(ElementType::kF32, {x})})
        .AsDouble(0);
  };
  EXPECT_EQ(reduce(1 + std::ldexp(1.0, -11), 5, 10), 1);                         // tie to even
  EXPECT_EQ(reduce(1 + std::ldexp(3.0, -11), 5, 10), 1 + std::ldexp(2.0, -10));  // tie to even
  EXPECT_EQ(reduce(70000, 5, 10), kInf);
  EXPECT_EQ(reduce(-65520, 5, 10), -kInf);  // rounds up past the largest
  EXPECT_EQ(reduce(1e-7, 5, 10), 0);        // a denormal of f16 is flushed
  EXPECT_TRUE(std::isnan(reduce(kNan, 5, 10)));
  EXPECT_EQ(reduce(1e-40, 8, 23), Rounded(ElementType::kF32, 1e-40));
}

TEST(ElementwiseTest, ComplexArithmetic) {
  using C = std::complex<double>;
  const std::vector<C> xs = {{1, 2}, {-0.5, 0.25}, {0, 0}, {3, -4}};
  const std::vector<C> ys = {{0.5, -1}, {2, 2}, {1, 1}, {-1, 0}};
  for (ElementType type : {ElementType::kC64, ElementType::kC128}) {
    Literal x = Literal::Zeros(Shape::Array(type, {4})).value();
    Literal y = x;
    for (int i = 0; i < 4; ++i) {
      x.SetComplex(i, xs[i]);
      y.SetComplex(i, ys[i]);
    }
    const double tolerance = type == ElementType::kC64 ? 1e-6 : 1e-14;
    const auto check = [&](Opcode opcode, auto formula, std::vector<Literal> operands) {
      const Literal result =
          Evaluated([&](GraphBuilder& b, Values v) { return b.Apply(opcode, v); }, operands);
      for (int i = 0; i < 4; ++i) {
        const C expected = formula(xs[i], ys[i]);
        EXPECT_LE(std::abs(result.AsComplex(i) - expected), tolerance * (1 + std::abs(expected)))
            << OpcodeName(opcode) << " " << i << ": " << result.AsComplex(i) << " " << expected;
      }
    };
    check(Opcode::kAdd, [](C a, C b) { return a + b; }, {x, y});
    check(Opcode::kMultiply, [](C a, C b) { return a * b; }, {x, y});
    check(Opcode::kDivide, [](C a, C b) { return a / b; }, {x, y});
    const auto less = [](C a, C b) {
      return std::pair(a.real(), a.imag()) < std::pair(b.real(), b.imag());
    };
    check(Opcode::kMaximum, [&](C a, C b) { return less(a, b) ? b : a; }, {x, y});
    check(Opcode::kMinimum, [&](C a, C b) { return less(a, b) ? a : b; }, {x, y});
    check(Opcode::kExp, [](C a, C) { return std::exp(a); }, {x});
    check(Opcode::kExpm1, [](C a, C) { return std::exp(a) - 1.0; }, {x});
    check(Opcode::kLog1p, [](C a, C) { return std::log(1.0 + a); }, {x});
    check(Opcode::kTanh, [](C a, C) { return std::tanh(a); }, {x});
    check(Opcode::kSqrt, [](C a, C) { return std::sqrt(a); }, {x});
    check(Opcode::kLogistic, [](C a, C) { return 1.0 / (1.0 + std::exp(-a)); }, {x});
    check(Opcode::kSign, [](C a, C) { return a == C() ? C() : a / std::abs(a); }, {x});
    check(Opcode::kReal, [](C a, C) { return C(a.real()); }, {x});
    check(Opcode::kImag, [](C a, C) { return C(a.imag()); }, {x});
    check(Opcode::kAbs, [](C a, C) { return C(std::abs(a)); }, {x});
  }
}

TEST(ElementwiseTest, LargeArraysUseThreads) {
  // more elements than one block, and than one piece of work
  const int64_t n = 300001;
  Literal x = Literal::Zeros(Shape::Array(ElementType::kF32, {n})).value();
  for (int64_t i = 0; i < n; ++i) x.mutable_data<float>()[i] = static_cast<float>(i);
  const Literal sum = Binary(Opcode::kAdd, x, x);
  for (int64_t i = 0; i < n; ++i) ASSERT_EQ(sum.data<float>()[i], 2.0f * i);
}

}  // namespace
}  // namespace ingot
