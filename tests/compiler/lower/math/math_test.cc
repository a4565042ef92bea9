// Each row of the table against libm in a wider type: at special values, and at many points by code
// that LLVM made of the expansion; scalar and vector code and constant folding agree to the bit.
#include "compiler/lower/math/math.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"
#include "compiler/codegen/llvm/llvm_codegen.h"
#include "compiler/lower/math/rows.h"
#include "ir/base/float_bits.h"
#include "runtime/host/kernel_abi.h"
#include "tests/compiler/lower/math/references.h"

namespace ingot::test {
namespace {

using kernel::Builder;
using kernel::Kernel;
using kernel::Type;
using kernel::Value;
using lower::math::Row;

constexpr ElementType kTypes[] = {ElementType::kF32, ElementType::kF64};

int ArityOf(const Row& row) { return row.unary != nullptr ? 1 : 2; }

double BoundOf(const Row& row, ElementType element) {
  return element == ElementType::kF64 ? row.ulp_f64 : row.ulp_f32;
}

// The expansion of constants folds to a constant: the table of kernel/README.md as an interpreter.
uint64_t Fold(const Row& row, Type type, uint64_t x, uint64_t y) {
  Kernel kernel("fold");
  Builder b(&kernel);
  std::vector<Value> operands{b.Constant(type, x)};
  if (ArityOf(row) == 2) operands.push_back(b.Constant(type, y));
  auto result = lower::EmitMath(b, row.opcode, operands);
  EXPECT_TRUE(result.ok()) << result.status();
  EXPECT_TRUE((*result)->IsConstant());
  EXPECT_EQ((*result)->type, type);
  return (*result)->Get<kernel::ConstantAttributes>().bits;
}

std::string Describe(const Row& row, ElementType element, uint64_t x, uint64_t y, uint64_t actual) {
  const FloatFormat& format = FormatOf(element);
  const Reference* reference = FindReference(row.opcode);
  const double a = DecodeFloat(format, x);
  const double b = DecodeFloat(format, y);
  char text[200];
  std::snprintf(text, sizeof(text), "%s of %s (%a, %a) is %a, not %La",
                std::string(OpcodeName(row.opcode)).c_str(),
                std::string(ElementTypeName(element)).c_str(), a, b, DecodeFloat(format, actual),
                reference->of_f64(a, b));
  return text;
}

// Error of one result.
double ErrorAt(const Row& row, ElementType element, uint64_t x, uint64_t y, uint64_t actual) {
  const FloatFormat& format = FormatOf(element);
  const Reference& reference = *FindReference(row.opcode);
  const double a = DecodeFloat(format, x);
  const double b = DecodeFloat(format, y);
  const long double exact =
      element == ElementType::kF64 ? reference.of_f64(a, b) : reference.of_f32(a, b);
  return UlpError(element, DecodeFloat(format, actual), exact);
}

TEST(Math, EveryRowHasAReference) {
  for (const Row& row : lower::math::Rows()) {
    EXPECT_TRUE(lower::HasMath(row.opcode));
    const Reference* reference = FindReference(row.opcode);
    ASSERT_NE(reference, nullptr) << OpcodeName(row.opcode);
    EXPECT_EQ(reference->arity, ArityOf(row));
  }
}

TEST(Math, SpecialValues) {
  for (const Row& row : lower::math::Rows()) {
    for (ElementType element : kTypes) {
      const std::vector<uint64_t> values = SpecialValues(element);
      for (uint64_t x : values) {
        for (uint64_t y : ArityOf(row) == 2 ? values : std::vector<uint64_t>{0}) {
          const uint64_t actual = Fold(row, Type::Scalar(element), x, y);
          EXPECT_LE(ErrorAt(row, element, x, y, actual), BoundOf(row, element))
              << Describe(row, element, x, y, actual);
        }
      }
    }
  }
}

TEST(Math, RefusesOtherTypesAndOps) {
  Kernel kernel("refuses");
  Builder b(&kernel);
  const Value half = b.Float(Type::Scalar(ElementType::kF16), 1);
  const auto of_half = lower::EmitMath(b, Opcode::kExp, {half});
  EXPECT_EQ(of_half.status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(of_half.status().message(), "exponential of f16, expected f32 or f64");
  const Value one = b.Float(kernel::kF32, 1);
  EXPECT_FALSE(lower::HasMath(Opcode::kAdd));
  EXPECT_EQ(lower::EmitMath(b, Opcode::kAdd, {one, one}).status().code(),
            absl::StatusCode::kUnimplemented);
}

// ----- At many points

constexpr int64_t kPoints = 1 << 17;

// y[i] = row(a[i], b[i]), `type.lanes` elements a task.
std::unique_ptr<Kernel> MakeKernel(const Row& row, Type type, const std::string& name) {
  auto kernel = std::make_unique<Kernel>(name);
  kernel->launch().machine = kernel::Machine::kHost;
  kernel->launch().tasks = kPoints / type.lanes;
  kernel::Buffer* a = kernel->AddBuffer("a", type.element, {kPoints});
  kernel::Buffer* b = kernel->AddBuffer("b", type.element, {kPoints});
  kernel::Buffer* y = kernel->AddBuffer("y", type.element, {kPoints});
  Builder builder(kernel.get());
  const Value task = builder.TaskId();
  const Value index = builder.Mul(task, builder.Integer(task->type, type.lanes));
  std::vector<Value> operands{builder.Load(a, index, type.lanes)};
  if (ArityOf(row) == 2) operands.push_back(builder.Load(b, index, type.lanes));
  builder.Store(y, index, *lower::EmitMath(builder, row.opcode, operands));
  return kernel;
}

// Elements in memory, aligned as the buffers of a program are.
class Array {
 public:
  explicit Array(ElementType element) : width_(ByteWidth(element)) {
    bytes_.reset(static_cast<uint8_t*>(std::aligned_alloc(64, kPoints * width_)));
  }
  uint64_t Get(int64_t i) const {
    uint64_t bits = 0;
    std::memcpy(&bits, bytes_.get() + i * width_, width_);
    return bits;
  }
  void Set(int64_t i, uint64_t bits) { std::memcpy(bytes_.get() + i * width_, &bits, width_); }
  uint64_t address() const { return reinterpret_cast<uint64_t>(bytes_.get()); }

 private:
  int width_;
  std::unique_ptr<uint8_t, void (*)(void*)> bytes_{nullptr, std::free};
};

void Run(void* function, Type type, const Array& a, const Array& b, Array& y) {
  const uint64_t arguments[] = {a.address(), b.address(), y.address()};
  reinterpret_cast<runtime::HostKernel>(function)(arguments, 0, kPoints / type.lanes);
}

// Rounds of new points; only the first is repeated with vectors and by folding.
void CheckRow(const Row& row, ElementType element, void* scalar, void* vector, int lanes) {
  const Points points = SamplePoints(element, ArityOf(row), kPoints);
  Array a(element), b(element), y(element), wide(element);
  for (int64_t i = 0; i < kPoints; ++i) {
    a.Set(i, points.x[i]);
    b.Set(i, points.y[i]);
  }
  Run(scalar, Type::Scalar(element), a, b, y);
  Run(vector, Type::Vector(element, lanes), a, b, wide);
  double worst = 0;
  int64_t at = 0;
  for (int64_t i = 0; i < kPoints; ++i) {
    const double error = ErrorAt(row, element, points.x[i], points.y[i], y.Get(i));
    if (!(error <= worst)) {
      worst = error;
      at = i;
    }
    const bool nan = std::isnan(DecodeFloat(FormatOf(element), y.Get(i)));
    const bool same =
        y.Get(i) == wide.Get(i) || (nan && std::isnan(DecodeFloat(FormatOf(element), wide.Get(i))));
    ASSERT_TRUE(same) << Describe(row, element, points.x[i], points.y[i], wide.Get(i))
                      << " in a vector";
    if (i % 1024 == 0 && !nan) {
      ASSERT_EQ(Fold(row, Type::Scalar(element), points.x[i], points.y[i]), y.Get(i))
          << Describe(row, element, points.x[i], points.y[i], y.Get(i)) << " by folding";
    }
  }
  std::printf("%-22s %s %.3f of %g units at %a\n", std::string(OpcodeName(row.opcode)).c_str(),
              std::string(ElementTypeName(element)).c_str(), worst, BoundOf(row, element),
              DecodeFloat(FormatOf(element), points.x[at]));
  EXPECT_LE(worst, BoundOf(row, element))
      << Describe(row, element, points.x[at], points.y[at], y.Get(at));
}

TEST(Math, ManyPoints) {
  constexpr int kLanes = 4;
  kernel::KernelModule module;
  int number = 0;
  for (const Row& row : lower::math::Rows()) {
    for (ElementType element : kTypes) {
      for (int lanes : {1, kLanes}) {
        const Type type = Type::Vector(element, lanes);
        module.kernels.push_back(MakeKernel(row, type, absl::StrCat("math_", number++)));
      }
    }
  }
  auto code = codegen::CompileForHost(module, *HostTarget());
  ASSERT_TRUE(code.ok()) << code.status();
  auto jit = codegen::LoadWithOrc(*code, module);
  ASSERT_TRUE(jit.ok()) << jit.status();
  auto function = jit->functions.begin();
  for (const Row& row : lower::math::Rows()) {
    for (ElementType element : kTypes) {
      void* scalar = (function++)->second;
      void* vector = (function++)->second;
      CheckRow(row, element, scalar, vector, kLanes);
    }
  }
}

}  // namespace
}  // namespace ingot::test
