// Text that is read and printed comes out as it went in.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "ir/text/parser.h"
#include "ir/text/printer.h"
#include "tests/paths/paths.h"

namespace ingot {
namespace {

// The .hlo files of a folder, sorted.
std::vector<std::string> HloFiles(const std::string& folder) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".hlo") files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

void ExpectRoundTrip(const std::string& path) {
  const std::string text = test::ReadFile(path);
  const auto module = ParseModule(text, path);
  ASSERT_TRUE(module.ok()) << module.status();
  EXPECT_EQ(ToString(**module), text) << path;
  EXPECT_EQ(ToString(*(*module)->Clone()), text) << "a clone of " << path;
}

void ExpectRoundTrips(const std::string& folder, size_t at_least) {
  const std::vector<std::string> files = HloFiles(folder);
  EXPECT_GE(files.size(), at_least) << folder;
  for (const std::string& file : files) ExpectRoundTrip(file);
}

// What XLA printed of modules that hold every op, every type of constant, XLA's optimised text for
// CPUs and GPUs, collectives and asynchronous pairs.
TEST(RoundTrip, Golden) { ExpectRoundTrips(test::RepositoryRoot() + "/tests/ir/text/golden", 10); }

TEST(RoundTrip, Workloads) {
  INGOT_SHARED_OR_SKIP(folder, "workloads");
  ExpectRoundTrips(folder, 33);
}

TEST(RoundTrip, SmallWorkloads) {
  INGOT_SHARED_OR_SKIP(folder, "workloads_small");
  ExpectRoundTrips(folder, 33);
}

TEST(RoundTrip, MediumWorkloads) {
  INGOT_SHARED_OR_SKIP(folder, "workloads_medium");
  ExpectRoundTrips(folder, 33);
}

TEST(RoundTrip, Model) {
  INGOT_SHARED_OR_SKIP(folder, "models/fashion_cnn");
  ExpectRoundTrips(folder, 1);
}

// One module, in the form asked for.
TEST(Forms, AreConverted) {
  const std::string golden = test::RepositoryRoot() + "/tests/ir/text/golden/every_op_";
  const auto module = ParseModule(test::ReadFile(golden + "short.hlo"), "short.hlo");
  ASSERT_TRUE(module.ok()) << module.status();
  TextForm with_shapes = LongForm();
  with_shapes.operand_shapes = true;
  for (const auto& [name, form] :
       {std::pair{"long.hlo", LongForm()}, std::pair{"operand_shapes.hlo", with_shapes}}) {
    const auto other = ParseModule(test::ReadFile(golden + name), name);
    ASSERT_TRUE(other.ok()) << other.status();
    PrintOptions options;
    options.form = form;
    // The short form that XLA prints has no metadata and no control dependencies.
    (*module)->text_form = ShortForm();
    for (Computation* computation : (*other)->computations()) {
      for (Instruction* instruction : computation->instructions()) {
        instruction->mutable_annotations().metadata.clear();
        instruction->ClearControlPredecessors();
      }
    }
    EXPECT_EQ(ToString(**module, options), ToString(**other)) << name;
  }
}

TEST(Forms, AnnotationsAreLeftOut) {
  const auto module = ParseModule(
      "HloModule m\n\nENTRY e {\n"
      "  a = f32[] parameter(0), sharding={replicated}, metadata={op_name=\"a\"}\n"
      "  b = f32[] negate(a)\n"
      "  ROOT c = f32[] negate(a), control-predecessors={b}, backend_config=\"x\"\n}\n",
      "m.hlo");
  ASSERT_TRUE(module.ok()) << module.status();
  PrintOptions options;
  options.annotations = false;
  EXPECT_EQ(ToString(**module, options),
            "HloModule m\n\nENTRY e {\n  a = f32[] parameter(0)\n  b = f32[] negate(a)\n"
            "  ROOT c = f32[] negate(a), control-predecessors={b}\n}\n");
}

TEST(Forms, LargeConstantsAreElided) {
  const auto module = ParseModule(
      "HloModule m\n\nENTRY e {\n  a = s32[3]{0} constant({1, 2, 3})\n"
      "  ROOT b = s32[2]{0} constant({1, 2})\n}\n",
      "m.hlo");
  ASSERT_TRUE(module.ok()) << module.status();
  PrintOptions options;
  options.max_constant_elements = 2;
  EXPECT_EQ(ToString(**module, options),
            "HloModule m\n\nENTRY e {\n  a = s32[3]{0} constant({...})\n"
            "  ROOT b = s32[2]{0} constant({1, 2})\n}\n");
}

}  // namespace
}  // namespace ingot
