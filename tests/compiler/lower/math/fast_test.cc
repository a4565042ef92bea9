// The second expansions against libm, with approximating instructions as wrong as they may be.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <random>

#include "compiler/kernel/arithmetic.h"
#include "compiler/lower/math/division.h"
#include "compiler/lower/math/math.h"
#include "compiler/lower/math/rows.h"
#include "ir/base/float_bits.h"
#include "tests/compiler/lower/math/interpreter.h"
#include "tests/compiler/lower/math/references.h"

namespace ingot::test {
namespace {

using kernel::Builder;
using kernel::Value;
using lower::math::FastRow;
using Values = absl::Span<const Value>;
using Bits = std::vector<uint64_t>;

constexpr ElementType kNarrow[] = {ElementType::kBF16, ElementType::kF16};

double ExactOf(Opcode opcode, double x, double y) {
  if (opcode == Opcode::kDivide) return x / y;
  return opcode == Opcode::kSqrt ? std::sqrt(x) : FindReference(opcode)->of_f32(x, y);
}

// The largest error over all that the instructions may give, which must be within the bound.
void Check(const std::string& name, const Function& function, ElementType operand_type,
           ElementType element, Opcode opcode, const std::vector<Bits>& operands, double bound) {
  const FloatFormat& format = FormatOf(element);
  const size_t count = operands[0].size();
  std::vector<double> exact(count);
  const auto operand = [&](int k, size_t i) {
    return k < static_cast<int>(operands.size())
               ? DecodeFloat(FormatOf(operand_type), operands[k][i])
               : 0;
  };
  for (size_t i = 0; i < count; ++i) exact[i] = ExactOf(opcode, operand(0, i), operand(1, i));
  double worst = 0, without = 0;
  for (const Errors& errors : AllErrors(function.approximations())) {
    const bool is_exact = std::ranges::all_of(errors, [](int error) { return error == 0; });
    const Bits results = function.Run(operands, errors);
    size_t at = count;
    for (size_t i = 0; i < count; ++i) {
      const double error = UlpError(element, DecodeFloat(format, results[i]), exact[i]);
      if (is_exact) without = std::max(without, error);
      if (error <= worst) continue;
      worst = error;
      at = i;
    }
    ASSERT_LE(worst, bound) << name << " of " << std::hexfloat << operand(0, at) << ", "
                            << operand(1, at) << " is " << DecodeFloat(format, results[at])
                            << ", not " << exact[at] << " with errors "
                            << testing::PrintToString(errors);
  }
  std::printf("%-28s %.4f, with errors %.4f of %g units\n", name.c_str(), without, worst, bound);
}

Function FastFunction(const FastRow& row, ElementType element, bool loose = false) {
  const int arity = row.narrow_binary != nullptr ? 2 : 1;
  return Function(element, arity, [&](Builder& b, Values operands) {
    std::vector<Value> wide;
    for (const Value x : operands) wide.push_back(b.Convert(x, ElementType::kF32));
    return b.Convert(lower::EmitFast(b, row.opcode, wide, element, loose), element);
  });
}

// The expansions of f32 on these operands: the one that keeps the bound, and the loose one.
void CheckF32(const FastRow& row, const std::string& name, const Bits& x) {
  const ElementType f32 = ElementType::kF32;
  Check(name, FastFunction(row, f32), f32, f32, row.opcode, {x}, row.ulp_f32);
  if (row.loose_unary == nullptr) return;
  Check(name + ", loose", FastFunction(row, f32, true), f32, f32, row.opcode, {x}, row.loose_ulp);
}

Bits AllOf16Bits() {
  Bits all;
  for (uint64_t bits = 0; bits < 65536; ++bits) all.push_back(bits);
  return all;
}

TEST(FastMath, F32) {
  for (const FastRow& row : lower::math::FastRows()) {
    if (row.unary == nullptr) continue;
    Bits x = SamplePoints(ElementType::kF32, 1, 1 << 18).x;
    const Bits special = SpecialValues(ElementType::kF32);
    x.insert(x.end(), special.begin(), special.end());
    CheckF32(row, std::string(OpcodeName(row.opcode)), x);
  }
}

// A stretch of consecutive numbers at each place where an expansion changes its way or a function
// its end.
TEST(FastMath, F32NearTheEnds) {
  const std::map<Opcode, std::vector<float>> places = {
      {Opcode::kExp,
       {-103.97f, -103.28f, -87.68f, -87.34f, -87, 0.3466f, -0.3466f, 87, 88.38f, 88.7228f}},
      {Opcode::kLogistic, {-103.97f, -88.03f, -87.34f, -16.98f, -16.5f, -16.3f, 16.3f, 16.98f, 60}},
      {Opcode::kLog, {0, 0x1p-149f, 0x1p-126f, 2.0f / 3, 1, 4.0f / 3, 0x1.fff8p127f}},
      {Opcode::kLog1p, {-1, -0.5f, -1.0f / 3, -0x1p-126f, 0, 1.0f / 3, 1, 0x1.fff8p127f}},
      {Opcode::kSin, {0, 0.7854f, 3.1415927f, -6.2831853f, 355, 102943.7f, 0x1p17f, -0x1p17f}},
      {Opcode::kCos, {0, 0.7854f, 1.5707964f, -4.712389f, 102944.9f, 0x1p17f, -0x1p17f}},
      {Opcode::kTanh, {1.25f, -1.25f, 1.2f, 1.3f, 1, 0.01f, 2, 8.66f, 9.01f, 44.3f}},
      {Opcode::kRsqrt, {0x1p-126f, 0x1p-149f, 1, 2, 4, 0x1p126f, 0x1.fff8p127f}},
      {Opcode::kSqrt, {0, 0x1p-126f, 1, 2, 4, 0x1.fff8p127f}},
  };
  for (const FastRow& row : lower::math::FastRows()) {
    if (row.unary == nullptr) continue;
    ASSERT_TRUE(places.contains(row.opcode)) << OpcodeName(row.opcode);
    Bits x;
    for (float place : places.at(row.opcode)) {
      const auto middle = static_cast<int64_t>(EncodeFloat(FormatOf(ElementType::kF32), place));
      for (int64_t i = -4096; i < 4096; ++i) {
        x.push_back(std::clamp<int64_t>(middle + i, 0, 0xffffffff));
      }
    }
    CheckF32(row, std::string(OpcodeName(row.opcode)) + ", ends", x);
  }
}

double NarrowBoundOf(const FastRow& row, ElementType element) {
  return element == ElementType::kBF16 ? row.ulp_bf16 : row.ulp_f16;
}

// Every operand.
TEST(FastMath, Narrow) {
  for (const FastRow& row : lower::math::FastRows()) {
    if (row.narrow_unary == nullptr) continue;
    for (ElementType element : kNarrow) {
      Check(std::string(OpcodeName(row.opcode)) + " " + std::string(ElementTypeName(element)),
            FastFunction(row, element), element, element, row.opcode, {AllOf16Bits()},
            NarrowBoundOf(row, element));
    }
  }
}

// Operands of f32 whose result alone is rounded.
TEST(FastMath, NarrowResultOfF32) {
  for (const FastRow& row : lower::math::FastRows()) {
    if (row.narrow_unary == nullptr) continue;
    Bits x = SamplePoints(ElementType::kF32, 1, 1 << 17).x;
    const Bits special = SpecialValues(ElementType::kF32);
    x.insert(x.end(), special.begin(), special.end());
    for (ElementType element : kNarrow) {
      const Function function(ElementType::kF32, 1, [&](Builder& b, Values operands) {
        return b.Convert(lower::EmitFast(b, row.opcode, operands, element), element);
      });
      const std::string name =
          std::string(OpcodeName(row.opcode)) + " to " + std::string(ElementTypeName(element));
      Check(name, function, ElementType::kF32, element, row.opcode, {x},
            NarrowBoundOf(row, element));
    }
  }
}

// The sum with 1 or -1, of every operand; what is below 2^-25 of it nobody sees.
TEST(FastMath, ShiftedTanh) {
  Bits x = SamplePoints(ElementType::kF32, 1, 1 << 17).x;
  for (int i = -20000; i <= 20000; ++i) x.push_back(std::bit_cast<uint32_t>(i / 1000.0f));
  for (const uint64_t special : SpecialValues(ElementType::kF32)) x.push_back(special);
  const FloatFormat& format = FormatOf(ElementType::kF32);
  for (int shift : {1, -1}) {
    const Function function(ElementType::kF32, 1, [&](Builder& b, Values operands) {
      return b.Add(lower::EmitShiftedTanh(b, operands[0], shift), b.Float(kernel::kF32, shift));
    });
    double worst = 0;
    for (const Errors& errors : AllErrors(function.approximations())) {
      const Bits results = function.Run({x}, errors);
      for (size_t i = 0; i < x.size(); ++i) {
        const double at = DecodeFloat(format, x[i]), result = DecodeFloat(format, results[i]);
        if (std::isnan(at)) {
          EXPECT_TRUE(std::isnan(result));
          continue;
        }
        const double exact = shift * 2 / (1 + std::exp(-2 * shift * at));
        const double error = std::max(0.0, std::abs(result - exact) - 0x1p-25);
        const double unit = std::ldexp(1.0, std::ilogb(std::max(std::abs(exact), 0x1p-126)) - 23);
        worst = std::max(worst, error / unit);
        ASSERT_LE(error / unit, 12)
            << std::hexfloat << at << " with " << shift << " is " << result << ", not " << exact;
      }
    }
    std::printf("tanh %+d: %.4f of 12 units\n", shift, worst);
  }
}

// Random pairs, and every number with zeros, ones, the ends of the ranges, infinity and NaN.
TEST(FastMath, NarrowDivision) {
  for (const FastRow& row : lower::math::FastRows()) {
    if (row.narrow_binary == nullptr) continue;
    for (ElementType element : kNarrow) {
      const FloatFormat& format = FormatOf(element);
      const uint64_t infinity = EncodeFloat(format, INFINITY);
      const uint64_t least_normal = uint64_t{1} << format.mantissa_bits;
      std::vector<Bits> operands(2);
      for (uint64_t special :
           {uint64_t{0}, uint64_t{1}, least_normal - 1, least_normal, EncodeFloat(format, 1),
            EncodeFloat(format, -3), infinity - 1, infinity, infinity + 1, uint64_t{0x8000},
            EncodeFloat(format, 0x1p-60), EncodeFloat(format, 0x1p-61)}) {
        for (uint64_t bits = 0; bits < 65536; bits += 3) {
          operands[0].insert(operands[0].end(), {bits, special});
          operands[1].insert(operands[1].end(), {special, bits});
        }
      }
      std::mt19937 random(20261126);
      for (int i = 0; i < 400000; ++i) {
        operands[0].push_back(random() & 0xffff);
        operands[1].push_back(random() & 0xffff);
      }
      Check("divide " + std::string(ElementTypeName(element)), FastFunction(row, element), element,
            element, row.opcode, operands, NarrowBoundOf(row, element));
    }
  }
}

// What is known of operands spares what stands at the ends of the exponents.
TEST(FastMath, OperandsOfKnownRange) {
  const ElementType f32 = ElementType::kF32;
  Bits x;
  for (uint64_t bits : SamplePoints(f32, 1, 1 << 18).x) {
    const double number = DecodeFloat(FormatOf(f32), bits);
    if (number >= 0x1p-96 && number <= 0x1p96) x.push_back(bits);
  }
  for (uint64_t bits = 0x3f7ff000; bits < 0x40801000; bits += 7) x.push_back(bits);
  for (Opcode opcode : {Opcode::kLog, Opcode::kLog1p, Opcode::kSqrt}) {
    const absl::Span<const FastRow> rows = lower::math::FastRows();
    const auto row = std::find_if(rows.begin(), rows.end(),
                                  [&](const FastRow& each) { return each.opcode == opcode; });
    const Function function(f32, 1, [&](Builder& b, Values operands) {
      b.SetRange(operands[0], {0x1p-96, 0x1p96, /*nan=*/false});
      return lower::EmitFast(b, opcode, operands, f32);
    });
    Check(std::string(OpcodeName(opcode)) + ", known range", function, f32, f32, opcode, {x},
          row->ulp_f32);
  }
}

// ----- Division by a row's value

const Function& RowDivision() {
  static const auto* const kFunction =
      new Function(ElementType::kF32, 2, [](Builder& b, Values operands) {
        return lower::DivideByReciprocal(b, operands[0], lower::MakeDivisor(b, operands[1]));
      });
  return *kFunction;
}
const Function& RoughDivision() {
  static const auto* const kFunction =
      new Function(ElementType::kF32, 2, [](Builder& b, Values operands) {
        return lower::MultiplyByReciprocal(b, operands[0], lower::MakeDivisor(b, operands[1]));
      });
  return *kFunction;
}

struct Division {
  float x, y, quotient, rough;
};

std::vector<Division> Divide(const Bits& x, const Bits& y) {
  const Bits quotients = RowDivision().Run({x, y});
  const Bits rough = RoughDivision().Run({x, y});
  std::vector<Division> all;
  const auto number = [](uint64_t bits) {
    return static_cast<float>(kernel::FloatValue(ElementType::kF32, bits));
  };
  for (size_t i = 0; i < x.size(); ++i) {
    all.push_back({number(x[i]), number(y[i]), number(quotients[i]), number(rough[i])});
  }
  return all;
}

bool IsSpecial(float x) { return x == 0 || !std::isfinite(x); }

void CheckDivision(const Division& d) {
  const double exact = static_cast<double>(d.x) / d.y;
  const bool is_exact =
      IsSpecial(d.x) || IsSpecial(d.y) ||
      (std::fabs(d.x) >= 0x1p-100f && std::fabs(exact) >= 0x1p-126 && std::fabs(exact) < 0x1p127);
  EXPECT_LE(UlpError(ElementType::kF32, d.quotient, exact), is_exact ? 0.5 : 1.5)
      << std::hexfloat << d.x << " / " << d.y << " is " << d.quotient;
  EXPECT_LE(UlpError(ElementType::kF32, d.rough, exact), 2)
      << std::hexfloat << d.x << " / " << d.y << " is about " << d.rough;
}

TEST(DivideByReciprocal, SpecialValues) {
  const Bits special = SpecialValues(ElementType::kF32);
  Bits x, y;
  for (uint64_t a : special) {
    for (uint64_t b : special) {
      x.push_back(a);
      y.push_back(b);
    }
  }
  for (const Division& d : Divide(x, y)) CheckDivision(d);
}

TEST(DivideByReciprocal, ManyPoints) {
  const Points points = SamplePoints(ElementType::kF32, 2, 1 << 18);
  for (const Division& d : Divide(points.x, points.y)) CheckDivision(d);
}

// Significands near one and two, where quotients lie closest to the middle of two floats.
TEST(DivideByReciprocal, HardSignificands) {
  Bits x, y;
  std::mt19937 random(20261126);
  for (int i = 0; i < 1 << 18; ++i) {
    const uint64_t one = 0x3f800000;
    const uint64_t spread = uint64_t{1} << (1 + random() % 22);
    x.push_back(i & 1 ? one + random() % spread : one + 0x7fffff - random() % spread);
    y.push_back(i & 2 ? one + random() % spread : one + 0x7fffff - random() % spread);
  }
  for (const Division& d : Divide(x, y)) {
    ASSERT_EQ(d.quotient, d.x / d.y) << std::hexfloat << d.x << " / " << d.y;
  }
}

TEST(DivideByReciprocal, OneDivisorForAllLanes) {
  kernel::Kernel kernel("lanes");
  Builder b(&kernel);
  const Value x = b.Float(kernel::kF32.WithLanes(4), 7);
  const Value quotient =
      lower::DivideByReciprocal(b, x, lower::MakeDivisor(b, b.Float(kernel::kF32, 3)));
  EXPECT_EQ(quotient, b.Float(kernel::kF32.WithLanes(4), 7.0f / 3));
}

TEST(FastMath, VectorsAreDoneLaneByLane) {
  for (const FastRow& row : lower::math::FastRows()) {
    if (row.unary == nullptr) continue;
    kernel::Kernel kernel("lanes");
    Builder b(&kernel);
    const Value scalar = b.Float(kernel::kF32, 1.5);
    const Value vector = b.Float(kernel::kF32.WithLanes(4), 1.5);
    const Value one = lower::EmitFast(b, row.opcode, {scalar}, ElementType::kF32);
    const Value four = lower::EmitFast(b, row.opcode, {vector}, ElementType::kF32);
    EXPECT_EQ(b.Broadcast(one, 4), four) << OpcodeName(row.opcode);
  }
}

TEST(FastMath, OtherOpsHaveNone) {
  kernel::Kernel kernel("none");
  Builder b(&kernel);
  const Value one = b.Float(kernel::kF32, 1);
  EXPECT_EQ(lower::EmitFast(b, Opcode::kTan, {one}, ElementType::kF32), nullptr);
  // Equal operations are one: what hosts take is the same expansion.
  EXPECT_EQ(lower::EmitShorter(b, Opcode::kExp, {one}),
            lower::EmitFast(b, Opcode::kExp, {one}, ElementType::kF32));
  EXPECT_EQ(lower::EmitShorter(b, Opcode::kTanh, {one}), nullptr);
  EXPECT_EQ(lower::EmitFast(b, Opcode::kDivide, {one, one}, ElementType::kF32), nullptr);
}

}  // namespace
}  // namespace ingot::test
