// Kernels of two hundred shapes of products for sm_90a: matrix units multiply wherever they have
// the type, the assembler has nothing to say, and registers hold what kernels have.
#include "tests/compiler/product_shapes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "compiler/compile.h"
#include "compiler/plan/plan.h"
#include "compiler/program/fusion_table.h"
#include "tests/compiler/plans.h"

namespace ingot::test {
namespace {

constexpr const char* kNoReport = "no assembler";

// What is wrong with the kernels of the shape; empty: nothing.
std::string Complaint(const ProductShape& shape) {
  const std::unique_ptr<Module> module = Read(HloOf(shape));
  if (module == nullptr) return "does not parse";
  const Target& target = TargetOf("sm_90a");
  CompileOptions options;
  options.threads = 1;
  const auto compiled = Compile(*module, target, options);
  if (!compiled.ok()) return std::string(compiled.status().message());
  if (compiled->reports.empty()) return kNoReport;
  for (const codegen::KernelReport& report : compiled->reports) {
    if (!report.notices.empty() || report.spill_store_bytes > shape.spill_bytes) {
      return report.ToString();
    }
  }
  if (std::min({shape.rows, shape.columns, shape.depth}) < 16) return "";
  const std::unique_ptr<Module> fused = Fused(*module, target);
  const program::FusionTable fusions(*fused);
  for (const auto& entry : fusions.entries()) {
    const plan::FusionPlan plan = plan::MakePlan(*entry.fusion, target);
    const auto* contraction = std::get_if<plan::ContractionPlan>(&plan.kernels[0].work);
    if (contraction != nullptr && contraction->unit != plan::ProductUnit::kFma) return "";
  }
  return "matrix units do not multiply";
}

TEST(ProductShapes, MatrixUnitsMultiplyWithoutSpills) {
  const std::vector<ProductShape> shapes = ProductShapes();
  ASSERT_EQ(shapes.size(), 200);
  if (Complaint(shapes[0]) == kNoReport) GTEST_SKIP() << "neither ptxas nor nvJitLink is here";
  std::vector<std::string> complaints(shapes.size());
  std::atomic<size_t> next = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      for (size_t k = next++; k < shapes.size(); k = next++) complaints[k] = Complaint(shapes[k]);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (size_t k = 0; k < shapes.size(); ++k) {
    EXPECT_EQ(complaints[k], "") << HloOf(shapes[k]);
  }
}

TEST(ProductShapes, NamesTellThemApart) {
  std::set<std::string> names;
  for (const ProductShape& shape : ProductShapes()) names.insert(NameOf(shape));
  EXPECT_EQ(names.size(), ProductShapes().size());
  EXPECT_EQ(NameOf(ProductShapes()[0]), "bf16_1x1x4096x4096_nt");
}

}  // namespace
}  // namespace ingot::test
