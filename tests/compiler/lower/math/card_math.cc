#include "tests/compiler/lower/math/card_math.h"

#include <functional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "compiler/kernel/builder.h"
#include "compiler/lower/math/division.h"
#include "compiler/lower/math/math.h"
#include "compiler/lower/math/rows.h"

namespace ingot::test {
namespace {

using kernel::Builder;
using kernel::Expr;
using kernel::Value;
using lower::math::FastRow;

constexpr int kBlockThreads = 256;

// |y - exact| in units in the last place of the exact value, both f64.  Infinite where a sign, a
// zero, an infinity or a NaN is wrong; tests/compiler/lower/math/references.h has the same.
Expr Error(Expr y, Expr exact, const FloatFormat& format) {
  const double limit = std::ldexp(1.0, 1 << (format.exponent_bits - 1));
  const Expr infinity = y.Infinity();
  const Expr size = Min(Abs(exact), y.Number(limit));
  const Expr actual = Min(Abs(y), y.Number(limit));
  const Expr normal = Max(Min(size, y.Number(limit / 2)), y.Number(4 / limit));
  const Expr bits = normal.AsUnsigned();
  const Expr power = (bits & bits.Pattern(uint64_t{0x7ff} << 52)).AsFloat();
  Expr error = Abs(actual - size) / power * std::ldexp(1.0, format.mantissa_bits);
  const Expr signs = (y.AsSigned() ^ exact.AsSigned()) < 0;
  const Expr zeros = (exact == 0) & (y != 0);
  const Expr infinities = (Abs(exact) == infinity) & (Abs(y) != infinity);
  error = Select(signs | zeros | infinities, infinity, error);
  error = Select(IsNan(y) | IsNan(exact), infinity, error);
  return Select(IsNan(y) & IsNan(exact), y.Number(0), error);
}

// What is compared at a step of a thread: its operands as 32 bits, and the error as f64.
struct Step {
  Value number;
  Value error;
};
// `thread` and `step` are s32.
using Body = std::function<Step(Builder& b, Value thread, Value step)>;

std::unique_ptr<kernel::Kernel> Sweep(const std::string& name, int64_t threads, int64_t steps,
                                      const Body& body) {
  auto kernel = std::make_unique<kernel::Kernel>(name);
  kernel->launch().grid = {threads / kBlockThreads, 1, 1};
  kernel->launch().block = {kBlockThreads, 1, 1};
  kernel::Buffer* result = kernel->AddBuffer("worst", ElementType::kU64, {1});
  Builder b(kernel.get());
  const Value thread = b.Add(b.Mul(b.BlockId(), b.Index(kBlockThreads)), b.ThreadId());
  const kernel::Type wide = kernel::Type::Scalar(ElementType::kU64);
  kernel::Var* worst = b.DeclareVar("worst", b.Integer(wide, 0));
  b.For(b.Index(0), b.Index(steps), b.Index(1), [&](Value step) {
    const Step at = body(b, thread, step);
    const Value error =
        b.Bitcast(b.Convert(at.error, ElementType::kF32), kernel::Type::Scalar(ElementType::kU32));
    const Value high = b.Shl(b.Convert(error, ElementType::kU64), b.Integer(wide, 32));
    const Value packed = b.Or(high, b.Convert(at.number, ElementType::kU64));
    b.Write(worst, b.Max(b.Read(worst), packed));
  });
  b.Atomic(kernel::AtomicKind::kMax, result, b.Index(0), b.Read(worst));
  return kernel;
}

// thread × steps + step, as u32.
Value Number(Builder& b, Value thread, Value step, int64_t steps) {
  const Value number = b.Add(b.Mul(thread, b.Index(steps)), step);
  return b.Bitcast(number, kernel::Type::Scalar(ElementType::kU32));
}

// The low bits of `number` as a value of `type`.
Value FromBits(Builder& b, Value number, ElementType type) {
  const ElementType bits = BitWidth(type) == 16 ? ElementType::kU16 : ElementType::kU32;
  return b.Bitcast(b.Convert(number, bits), kernel::Type::Scalar(type));
}

// All operands of `operand_type`, in pairs where the function has two, with results of `type`.
CardCase FunctionCase(const FastRow& row, ElementType operand_type, ElementType type, double bound,
                      bool loose = false) {
  const bool binary = row.narrow_binary != nullptr;
  std::string name = absl::StrCat(OpcodeName(row.opcode), "_", ElementTypeName(operand_type));
  if (type != operand_type) absl::StrAppend(&name, "_", ElementTypeName(type));
  if (loose) absl::StrAppend(&name, "_loose");
  const int64_t steps = operand_type == ElementType::kF32 || binary ? 256 : 1;
  const int64_t operands = steps == 1 ? int64_t{1} << 16 : int64_t{1} << 32;
  const Body body = [&](Builder& b, Value thread, Value step) -> Step {
    const Value number = Number(b, thread, step, steps);
    std::vector<Value> narrow{FromBits(b, number, operand_type)};
    if (binary) {
      const Value high = b.Lshr(number, b.Integer(number->type, 16));
      narrow.insert(narrow.begin(), FromBits(b, high, operand_type));
    }
    std::vector<Value> operands, wide;
    for (const Value x : narrow) operands.push_back(b.Convert(x, ElementType::kF32));
    for (const Value x : narrow) wide.push_back(b.Convert(x, ElementType::kF64));
    const Value fast = b.Convert(lower::EmitFast(b, row.opcode, operands, type, loose), type);
    const Value exact = row.opcode == Opcode::kDivide ? b.Div(wide[0], wide[1])
                        : row.opcode == Opcode::kSqrt ? b.Sqrt(wide[0])
                                                      : *lower::EmitMath(b, row.opcode, wide);
    const Expr y(b, b.Convert(fast, ElementType::kF64));
    return {number, Error(y, Expr(b, exact), FormatOf(type)).value()};
  };
  return {name, bound, Sweep(name, operands / steps, steps, body)};
}

// A thread has a divisor's significand; `steps` significands of the other, all of them or such that
// all threads together try each.  An error is 1: correctly rounded or not.
CardCase DivisionCase(const std::string& name, int64_t steps) {
  const Body body = [](Builder& b, Value thread, Value step) -> Step {
    const auto significand = [&](Value number) {
      const Value low = b.And(number, b.Index(0x7fffff));
      return b.Bitcast(b.Add(low, b.Index(0x3f800000)), kernel::kF32);
    };
    const Value number = b.Add(b.Mul(step, b.Index(16411)), b.Mul(thread, b.Index(7919)));
    const Value x = significand(number);
    const Value y = significand(thread);
    const Value q = lower::DivideByReciprocal(b, x, lower::MakeDivisor(b, y));
    const kernel::Type wide = kernel::Type::Scalar(ElementType::kF64);
    const Value wrong = b.Select(b.Eq(q, b.Div(x, y)), b.Float(wide, 0), b.Float(wide, 1));
    return {b.Bitcast(x, kernel::Type::Scalar(ElementType::kU32)), wrong};
  };
  return {name, 0, Sweep(name, int64_t{1} << 23, steps, body)};
}

}  // namespace

std::vector<CardCase> CardCases(bool all_significands) {
  std::vector<CardCase> cases;
  for (const FastRow& row : lower::math::FastRows()) {
    const ElementType f32 = ElementType::kF32;
    if (row.unary != nullptr) {
      cases.push_back(FunctionCase(row, f32, f32, row.ulp_f32));
    }
    if (row.loose_unary != nullptr) {
      cases.push_back(FunctionCase(row, f32, f32, row.loose_ulp, /*loose=*/true));
    }
    for (const auto& [type, bound] :
         {std::pair<ElementType, double>{ElementType::kBF16, row.ulp_bf16},
          {ElementType::kF16, row.ulp_f16}}) {
      cases.push_back(FunctionCase(row, type, type, bound));
      if (row.narrow_unary != nullptr) cases.push_back(FunctionCase(row, f32, type, bound));
    }
  }
  cases.push_back(DivisionCase("divide_by_reciprocal", 512));
  if (all_significands) cases.push_back(DivisionCase("divide_by_reciprocal_all", 1 << 23));
  return cases;
}

}  // namespace ingot::test
