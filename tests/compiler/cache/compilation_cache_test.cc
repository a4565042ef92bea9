// Compilations that are found in a store: the same to the bit, and found when they should be.
#include "compiler/compilation_cache.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "ir/base/target.h"
#include "ir/text/parser.h"
#include "ir/verifier/verifier.h"
#include "runtime/ingot_file.h"

namespace ingot {
namespace {

namespace fs = std::filesystem;

constexpr absl::string_view kModule = R"(HloModule m

add {
  a = f32[] parameter(0)
  b = f32[] parameter(1)
  ROOT s = f32[] add(a, b)
}

ENTRY e {
  x = f32[64,300]{1,0} parameter(0)
  scale = f32[20] constant({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20})
  zero = f32[] constant(0)
  exponential = f32[64,300]{1,0} exponential(x)
  sums = f32[64]{0} reduce(exponential, zero), dimensions={1}, to_apply=add
  wide = f32[64,20]{1,0} broadcast(sums), dimensions={0}
  factors = f32[64,20]{1,0} broadcast(scale), dimensions={1}
  ROOT product = f32[64,20]{1,0} multiply(wide, factors)
}
)";

class CompilationCacheTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    folder_ = absl::StrCat(testing::TempDir(), "/compilations_", getpid());
    fs::remove_all(folder_);
    auto store = cache::Store::Open(folder_, 64 << 20);
    ASSERT_TRUE(store.ok()) << store.status();
    options_.cache = *store;
  }
  void TearDown() override { fs::remove_all(folder_); }

  Compilation Make(absl::string_view text) {
    auto module = ParseModule(text, "m");
    EXPECT_TRUE(module.ok()) << module.status();
    EXPECT_TRUE(Verify(**module).ok());
    auto compilation = Compile(**module, **FindTarget(GetParam()), options_);
    EXPECT_TRUE(compilation.ok()) << compilation.status();
    return *std::move(compilation);
  }
  static bool WasFound(const Compilation& compilation) {
    return compilation.phases.size() == 1 && compilation.phases[0].name == "cache";
  }
  static std::vector<uint8_t> File(const Compilation& compilation) {
    return runtime::SerializeIngot(*compilation.program).value();
  }
  // Number of each file: a file that is written again has another one.
  std::map<std::string, uint64_t> Entries() const {
    std::map<std::string, uint64_t> numbers;
    for (const auto& file : fs::directory_iterator(folder_)) {
      struct stat info;
      EXPECT_EQ(stat(file.path().c_str(), &info), 0);
      numbers[file.path().filename()] = info.st_ino;
    }
    return numbers;
  }

  std::string folder_;
  CompileOptions options_;
};

TEST_P(CompilationCacheTest, IsWhatWasCompiled) {
  const Compilation first = Make(kModule);
  EXPECT_FALSE(WasFound(first));
  const Compilation second = Make(kModule);
  EXPECT_TRUE(WasFound(second));
  EXPECT_EQ(File(first), File(second));
  EXPECT_EQ(first.launches, second.launches);
  EXPECT_EQ(first.kernels, second.kernels);
  EXPECT_EQ(first.arena.size, second.arena.size);
  EXPECT_EQ(first.arena.peak, second.arena.peak);
  ASSERT_EQ(first.arena.at_peak.size(), second.arena.at_peak.size());
  ASSERT_FALSE(first.arena.at_peak.empty());
  for (size_t i = 0; i < first.arena.at_peak.size(); ++i) {
    EXPECT_EQ(first.arena.at_peak[i].name, second.arena.at_peak[i].name);
    EXPECT_EQ(first.arena.at_peak[i].bytes, second.arena.at_peak[i].bytes);
  }
  ASSERT_EQ(first.reports.size(), second.reports.size());
  for (size_t i = 0; i < first.reports.size(); ++i) {
    EXPECT_EQ(first.reports[i].ToString(), second.reports[i].ToString());
  }
}

TEST_P(CompilationCacheTest, OtherModulesAndOptionsAreOthers) {
  Make(kModule);
  EXPECT_FALSE(WasFound(Make(absl::StrReplaceAll(kModule, {{"19, 20})", "19, 21})"}}))));
  EXPECT_FALSE(WasFound(Make(absl::StrReplaceAll(kModule, {{"300", "301"}}))));
  options_.numerics = Numerics::kStrict;
  EXPECT_FALSE(WasFound(Make(kModule)));
  EXPECT_TRUE(WasFound(Make(kModule)));
  options_.numerics = Numerics::kDefault;
  options_.fusion = FusionMode::kLoop;
  EXPECT_FALSE(WasFound(Make(kModule)));
  options_.fusion = FusionMode::kCost;
  options_.donated = {0};
  EXPECT_FALSE(WasFound(Make(kModule)));
  options_.donated = {};
  EXPECT_TRUE(WasFound(Make(kModule)));
}

// Kernels are found where the module is another one: other weights, other names.
TEST_P(CompilationCacheTest, CodeIsFoundByItself) {
  const Compilation first = Make(kModule);
  const auto before = Entries();
  const std::string renamed = absl::StrReplaceAll(kModule, {{"HloModule m", "HloModule other"}});
  const Compilation second = Make(renamed);
  EXPECT_FALSE(WasFound(second));
  const auto after = Entries();
  EXPECT_EQ(after.size(), before.size() + 1);  // the compilation
  for (const auto& [name, number] : before) EXPECT_EQ(after.at(name), number) << name;
  // As without a cache.
  options_.cache = nullptr;
  EXPECT_EQ(File(second), File(Make(renamed)));
}

TEST_P(CompilationCacheTest, DamagedEntriesAreCompiledAgain) {
  const Compilation first = Make(kModule);
  for (const auto& file : fs::directory_iterator(folder_)) {
    fs::resize_file(file.path(), fs::file_size(file.path()) / 2);
  }
  const Compilation second = Make(kModule);
  EXPECT_FALSE(WasFound(second));
  EXPECT_EQ(File(first), File(second));
  EXPECT_TRUE(WasFound(Make(kModule)));
}

TEST_P(CompilationCacheTest, TextsAreMadeAnew) {
  Make(kModule);
  int texts = 0;
  options_.stages = {Stage::kKernel, Stage::kAssembly};
  options_.observer = [&](Stage, absl::string_view, const std::string&) { ++texts; };
  Make(kModule);
  EXPECT_GE(texts, 2);
}

TEST_P(CompilationCacheTest, WarningsComeAgain) {
  std::string plans;
  options_.stages = {Stage::kPlan};
  options_.observer = [&](Stage, absl::string_view, const std::string& text) { plans += text; };
  Make(kModule);
  options_.stages.clear();
  options_.observer = nullptr;
  // Under the keys of the module's fusions, for arrays of other sizes.
  auto table =
      plan::PlanTable::Parse(absl::StrReplaceAll(plans, {{"size=64", "size=65"}}), "wrong");
  ASSERT_TRUE(table.ok()) << table.status() << plans;
  options_.plans = std::make_shared<const plan::PlanTable>(*std::move(table));
  int warnings = 0;
  options_.warning = [&](const std::string&) { ++warnings; };
  Make(kModule);
  const int first = warnings;
  EXPECT_GT(first, 0) << plans;
  Make(kModule);
  EXPECT_EQ(warnings, 2 * first);
}

INSTANTIATE_TEST_SUITE_P(Targets, CompilationCacheTest,
                         testing::Values("x86_64-v3", "sm_80", "sm_90a"), [](const auto& info) {
                           return absl::StrReplaceAll(info.param, {{"-", "_"}});
                         });

}  // namespace
}  // namespace ingot
