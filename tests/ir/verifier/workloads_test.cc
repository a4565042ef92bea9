// The verifier and shape inference on every module of the shared suite.
#include <algorithm>
#include <filesystem>
#include <random>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "ir/infer/infer.h"
#include "ir/text/parser.h"
#include "ir/verifier/verifier.h"
#include "tests/paths/paths.h"

namespace ingot {
namespace {

std::vector<std::string> HloFiles(const std::string& folder) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".hlo") files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// Shapes that inference gives without seeing the stated one are the stated one's, up to the element
// type of a product.
void ExpectInferenceAgrees(const Module& module) {
  for (const Computation* computation : module.computations()) {
    for (const Instruction* instruction : computation->instructions()) {
      const absl::StatusOr<Shape> inferred = InferUnstatedShape(*instruction);
      if (!inferred.ok()) {
        EXPECT_EQ(inferred.status().message(),
                  "the result shape does not follow from the operands and has to be stated")
            << instruction->name();
        continue;
      }
      Shape expected = instruction->shape();
      if (instruction->kind() == OpKind::kContraction) {
        expected.set_element_type(inferred->element_type());
      }
      EXPECT_TRUE(ShapesAgree(*inferred, expected))
          << instruction->name() << ": " << inferred->ToString() << " is inferred, "
          << instruction->shape().ToString() << " stated";
    }
  }
}

class VerifySuite : public testing::TestWithParam<const char*> {};

TEST_P(VerifySuite, AcceptsEveryModule) {
  INGOT_SHARED_OR_SKIP(folder, GetParam());
  const std::vector<std::string> files = HloFiles(folder);
  EXPECT_FALSE(files.empty()) << folder;
  for (const std::string& file : files) {
    SCOPED_TRACE(file);
    const auto module = ParseModule(test::ReadFile(file), file);
    ASSERT_TRUE(module.ok()) << module.status();
    const absl::Status status = Verify(**module);
    EXPECT_TRUE(status.ok()) << status;
    ExpectInferenceAgrees(**module);
  }
}

INSTANTIATE_TEST_SUITE_P(Shared, VerifySuite,
                         testing::Values("workloads", "workloads_small", "workloads_medium",
                                         "models"),
                         [](const auto& info) { return std::string(info.param); });

// A few bytes of a module overwritten: what still parses is verified, whatever it then means.
TEST(VerifySuite, AnswersOnDamagedModules) {
  INGOT_SHARED_OR_SKIP(folder, "workloads_small");
  std::mt19937 random(7);
  int64_t parsed = 0;
  int64_t refused = 0;
  for (const std::string& file : HloFiles(folder)) {
    const std::string text = test::ReadFile(file);
    if (text.size() > 20000) continue;
    for (int i = 0; i < 150; ++i) {
      std::string damaged = text;
      for (int bytes = 1 + random() % 3; bytes > 0; --bytes) {
        constexpr absl::string_view kBytes = "0123456789-,{}[]";
        damaged[random() % damaged.size()] = kBytes[random() % kBytes.size()];
      }
      const auto module = ParseModule(damaged, file);
      if (!module.ok()) continue;
      ++parsed;
      refused += Verify(**module).ok() ? 0 : 1;
    }
  }
  // The damage does get past the parser, and the verifier does see it.
  EXPECT_GT(parsed, 100);
  EXPECT_GT(refused, 50);
}

}  // namespace
}  // namespace ingot
