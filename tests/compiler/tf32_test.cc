// Products of f32 in the default numerics, whose operands matrix units round to tf32: each result
// is within 2^-10 of the sum of its products' magnitudes.
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "compiler/compile.h"
#include "compiler/executable.h"
#include "ir/evaluator/evaluator.h"
#include "tests/compiler/plans.h"

namespace ingot {
namespace {

using test::DeviceOf;
using test::Read;
using test::TargetOf;

struct Product {
  const char* name;
  const char* lhs;
  const char* rhs;
  const char* operation;  // of x and y
};

constexpr Product kProducts[] = {
    {"rows", "f32[37,71]", "f32[71,53]",
     "f32[37,53] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={0}"},
    {"turned", "f32[200,100]", "f32[72,200]",
     "f32[100,72] dot(x, y), lhs_contracting_dims={0}, rhs_contracting_dims={1}"},
    {"deep", "f32[16,3000]", "f32[3000,64]",
     "f32[16,64] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={0}"},
    {"batches", "f32[3,40,24]", "f32[3,24,40]",
     "f32[3,40,40] dot(x, y), lhs_batch_dims={0}, rhs_batch_dims={0}, lhs_contracting_dims={2}, "
     "rhs_contracting_dims={1}"},
    {"convolution", "f32[2,9,9,8]", "f32[3,3,8,24]",
     "f32[2,9,9,24] convolution(x, y), window={size=3x3 pad=1_1x1_1}, dim_labels=b01f_01io->b01f"},
};

class Tf32Test : public testing::TestWithParam<Product> {};

INSTANTIATE_TEST_SUITE_P(Products, Tf32Test, testing::ValuesIn(kProducts),
                         [](const auto& info) { return info.param.name; });

std::unique_ptr<Module> ModuleOf(const Product& product, bool magnitudes,
                                 const std::string& precision) {
  const char* operands =
      magnitudes ? "  x = $L abs(p)\n  y = $R abs(q)\n" : "  x = $L copy(p)\n  y = $R copy(q)\n";
  return Read(absl::StrReplaceAll(
      absl::StrCat("HloModule m\n\nENTRY e {\n  p = $L parameter(0)\n  q = $R parameter(1)\n",
                   operands, "  ROOT r = ", product.operation, precision, "\n}\n"),
      {{"$L", product.lhs}, {"$R", product.rhs}}));
}

// The largest distance from the evaluator's results, over the sum of the products' magnitudes.
double ErrorOf(const Product& product, const Target& target, Numerics numerics,
               const std::string& precision = "") {
  const std::unique_ptr<Module> module = ModuleOf(product, /*magnitudes=*/false, precision);
  const std::unique_ptr<Module> magnitudes = ModuleOf(product, /*magnitudes=*/true, precision);
  if (module == nullptr || magnitudes == nullptr) return NAN;
  std::mt19937_64 random(5);
  std::normal_distribution<double> normal;
  std::vector<Literal> inputs;
  for (const Instruction* parameter : module->entry()->parameters()) {
    inputs.push_back(Literal::Zeros(parameter->shape()).value());
    for (int64_t i = 0; i < inputs.back().size(); ++i) inputs.back().SetDouble(i, normal(random));
  }
  CompileOptions options;
  options.numerics = numerics;
  const auto compilation = Compile(*module, target, options);
  const auto device = DeviceOf(target);
  EXPECT_TRUE(compilation.ok() && device.ok()) << compilation.status();
  if (!compilation.ok() || !device.ok()) return NAN;
  const auto executable = Executable::Load(compilation->program, device->get());
  EXPECT_TRUE(executable.ok()) << executable.status();
  if (!executable.ok()) return NAN;
  const auto results = (*executable)->Run(inputs);
  const auto expected = Evaluate(*module, inputs), sums = Evaluate(*magnitudes, inputs);
  EXPECT_TRUE(results.ok() && expected.ok() && sums.ok()) << results.status();
  if (!results.ok() || !expected.ok() || !sums.ok()) return NAN;
  double error = 0;
  for (int64_t i = 0; i < expected->size(); ++i) {
    error = std::max(
        error, std::abs((*results)[0].AsDouble(i) - expected->AsDouble(i)) / sums->AsDouble(i));
  }
  return error;
}

TEST_P(Tf32Test, IsWithinTheBound) {
  for (const char* name : {"sim:sm_90a-tiny", "sim:sm_90a"}) {
    const double error = ErrorOf(GetParam(), TargetOf(name), Numerics::kDefault);
    EXPECT_LE(error, 0x1p-10) << name;
    EXPECT_GT(error, 0x1p-16) << name << ": operands were not rounded, so that nothing is tested";
  }
}

TEST_P(Tf32Test, OnlyWhereNobodyAsksForMore) {
  const Target& target = TargetOf("sim:sm_90a");
  EXPECT_LE(ErrorOf(GetParam(), target, Numerics::kStrict), 0x1p-20);
  for (const char* precision : {"highest,highest", "default,highest", "high,high"}) {
    EXPECT_LE(ErrorOf(GetParam(), target, Numerics::kDefault,
                      absl::StrCat(", operand_precision={", precision, "}")),
              0x1p-20)
        << precision;
  }
}

}  // namespace
}  // namespace ingot
