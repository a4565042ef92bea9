// Which kernels are one code.
#include "compiler/kernel/code_key.h"

#include <gtest/gtest.h>

#include "compiler/kernel/text.h"

namespace ingot::kernel {
namespace {

constexpr char kKernel[] =
    "kernel @k(%x: buffer<f32, 64, readonly>, %y: buffer<f32, 64>)\n"
    "    grid 8 block 64 shared %s: f32[64] {\n"
    "  %i = thread + block*64\n"
    "  var %sum: f32 = 0\n"
    "  for %n = 0 to 4 { %sum = add(%sum, load %x[%i] : f32) }\n"
    "  store %s[thread] = sub(%sum, 1)\n"
    "  store %y[%i] = sub(%sum, load %s[thread] : f32)\n"
    "}\n";

std::string KeyOf(const std::string& text) {
  const absl::StatusOr<std::unique_ptr<Kernel>> kernel = ParseKernel(text, "k");
  EXPECT_TRUE(kernel.ok()) << kernel.status() << "\n" << text;
  return kernel.ok() ? CodeKey(**kernel) : "";
}

// The kernel with the first `from` in it replaced.
std::string With(const std::string& from, const std::string& to) {
  std::string text = kKernel;
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  if (at != std::string::npos) text.replace(at, from.size(), to);
  return text;
}

TEST(CodeKey, NamesDimensionsAndGridHaveNoPart) {
  const std::string key = KeyOf(kKernel);
  EXPECT_EQ(KeyOf(With("@k", "@other")), key);
  EXPECT_EQ(KeyOf(With("f32, 64, readonly", "f32, 2x96, readonly")), key);
  EXPECT_EQ(KeyOf(With("grid 8", "grid 9")), key);
  EXPECT_EQ(KeyOf(With("sub(%sum, 1)", "sub(%sum, 1) !7     // why")), key);
  std::string renamed = kKernel;
  for (size_t at; (at = renamed.find("%sum")) != std::string::npos;) renamed.replace(at, 4, "%t");
  EXPECT_EQ(KeyOf(renamed), key);
}

TEST(CodeKey, AllElseHas) {
  const std::string key = KeyOf(kKernel);
  const std::vector<std::pair<std::string, std::string>> changes = {
      {"grid 8", "grid 1"},
      {"grid 8", "grid 8x2"},
      {"block 64", "block 32"},
      {"block 64", "block 64 min_blocks 2"},
      {"64, readonly>", "64>"},
      {"64, readonly>", "64, readonly, noalias>"},
      {"64, readonly>", "64, readonly, align 4>"},
      {"%s: f32[64]", "%s: f32[128]"},
      {"%s: f32[64]", "%s: f32[64] align 32"},
      {"block*64", "block*65"},
      {"thread + block*64", "block*64 + thread"},
      {"0 to 4", "0 to 5"},
      {"0 to 4", "0 to 4 unroll 2"},
      {"sub(%sum, 1)", "sub(1, %sum)"},
      {"sub(%sum, 1)", "add(%sum, 1)"},
      {"load %x[%i] : f32", "load %x[%i] : f32 align 8"},
      {"load %x[%i]", "load %y[%i]"},
      {"store %y[%i] = sub", "store %x[%i] = sub"},
  };
  for (const auto& [from, to] : changes) EXPECT_NE(KeyOf(With(from, to)), key) << to;
}

}  // namespace
}  // namespace ingot::kernel
