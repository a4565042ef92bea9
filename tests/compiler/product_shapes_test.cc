// Kernels of two hundred shapes of products for sm_90a: matrix units multiply wherever they have
// the type, the assembler has nothing to say, and registers hold what kernels have.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "compiler/compile.h"
#include "compiler/plan/plan.h"
#include "compiler/program/fusion_table.h"
#include "tests/compiler/plans.h"
#include "tests/paths/paths.h"

namespace ingot::test {
namespace {

struct Shape {
  std::string type;
  int64_t batch, rows, columns, depth;
  std::string layout;       // of the left and of the right matrix
  int64_t spill_bytes = 0;  // of a thread, at the most
};

std::vector<Shape> Shapes() {
  std::ifstream file(RepositoryRoot() + "/tests/compiler/product_shapes.txt");
  std::vector<Shape> shapes;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    Shape s;
    words >> s.type >> s.batch >> s.rows >> s.columns >> s.depth >> s.layout;
    EXPECT_TRUE(words) << line;
    words >> s.spill_bytes;
    shapes.push_back(s);
  }
  return shapes;
}

std::string TextOf(const Shape& s) {
  const auto sizes = [&](int64_t a, int64_t b, bool exchanged) {
    std::vector<int64_t> all;
    if (s.batch > 1) all.push_back(s.batch);
    all.push_back(exchanged ? b : a);
    all.push_back(exchanged ? a : b);
    return absl::StrCat("[", absl::StrJoin(all, ","), "]");
  };
  const bool left_across = s.layout[0] == 't', right_along = s.layout[1] == 't';
  const int first = s.batch > 1 ? 1 : 0;
  return absl::StrCat("HloModule m\nENTRY e {\n  x = ", s.type, sizes(s.rows, s.depth, left_across),
                      " parameter(0)\n  y = ", s.type, sizes(s.depth, s.columns, right_along),
                      " parameter(1)\n  ROOT d = ", s.type == "s8" ? "s32" : s.type,
                      sizes(s.rows, s.columns, false), " dot(x, y), ",
                      s.batch > 1 ? "lhs_batch_dims={0}, rhs_batch_dims={0}, " : "",
                      "lhs_contracting_dims={", first + (left_across ? 0 : 1),
                      "}, rhs_contracting_dims={", first + (right_along ? 1 : 0), "}\n}\n");
}

constexpr const char* kNoReport = "no assembler";

// What is wrong with the kernels of the shape; empty: nothing.
std::string Complaint(const Shape& shape) {
  const std::unique_ptr<Module> module = Read(TextOf(shape));
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
  const std::vector<Shape> shapes = Shapes();
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
    EXPECT_EQ(complaints[k], "") << TextOf(shapes[k]);
  }
}

}  // namespace
}  // namespace ingot::test
