// Which kernels are one code.
#include "compiler/kernel/code_key.h"

#include <gtest/gtest.h>

#include <random>

#include "absl/strings/str_cat.h"
#include "compiler/kernel/dead_code.h"
#include "compiler/kernel/text.h"
#include "compiler/kernel/verifier.h"

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

std::unique_ptr<Kernel> Parse(const std::string& text) {
  absl::StatusOr<std::unique_ptr<Kernel>> kernel = ParseKernel(text, "k");
  EXPECT_TRUE(kernel.ok()) << kernel.status() << "\n" << text;
  return kernel.ok() ? *std::move(kernel) : nullptr;
}

std::string KeyOf(const std::string& text) {
  const std::unique_ptr<Kernel> kernel = Parse(text);
  return kernel == nullptr ? "" : CodeOf(*kernel).key;
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
      {"thread + block*64", "block*64 + thread"},
      {"0 to 4", "0 to 4 step 2"},
      {"0 to 4", "0 to 4 unroll 2"},
      {"sub(%sum, 1)", "sub(1, %sum)"},
      {"sub(%sum, 1)", "add(%sum, 1)"},
      {"load %x[%i] : f32", "load %x[%i] : f32 align 8"},
      {"load %x[%i]", "load %y[%i]"},
      {"store %y[%i] = sub", "store %x[%i] = sub"},
  };
  for (const auto& [from, to] : changes) EXPECT_NE(KeyOf(With(from, to)), key) << to;
}

TEST(CodeKey, ConstantsHaveNoPart) {
  const std::string key = KeyOf(kKernel);
  EXPECT_EQ(KeyOf(With("block*64", "block*65")), key);
  EXPECT_EQ(KeyOf(With("0 to 4", "0 to 5")), key);
  EXPECT_EQ(KeyOf(With("sub(%sum, 1)", "sub(%sum, 2)")), key);
}

// `body` in a kernel.
std::string KernelOf(const std::string& body) {
  return "kernel @k(%x: buffer<s32, 64, readonly>, %y: buffer<s32, 64>) grid 8 block 64 {\n" +
         body + "}\n";
}

TEST(CodeKey, SomeConstantsHave) {
  const std::vector<std::pair<std::string, std::string>> pairs = {
      {"store %y[thread] = div(thread, 3)", "store %y[thread] = div(thread, 5)"},
      {"store %y[thread] = rem(thread, 3)", "store %y[thread] = rem(thread, 5)"},
      {"for %i = 0 to 4 unroll 4 { store %y[%i] = thread }",
       "for %i = 0 to 3 unroll 4 { store %y[%i] = thread }"},
      {"var %v: s32[4] = 0\n%v[1] = thread\nstore %y[thread] = %v[1]",
       "var %v: s32[4] = 0\n%v[2] = thread\nstore %y[thread] = %v[2]"},
      {"var %v: s32[8] = 0\nfor %i = 0 to 4 unroll 4 { %v[%i + 1] = thread }\nstore %y[thread] = "
       "%v[1]",
       "var %v: s32[8] = 0\nfor %i = 0 to 4 unroll 4 { %v[%i + 2] = thread }\nstore %y[thread] = "
       "%v[1]"},
  };
  for (const auto& [a, b] : pairs) EXPECT_NE(KeyOf(KernelOf(a)), KeyOf(KernelOf(b))) << a;
}

TEST(CodeKey, ConstantsThatDifferBecomeParameters) {
  const auto text = [](int stride, int offset, const std::string& scale) {
    return absl::StrCat(
        "kernel @k(%x: buffer<f32, 4096>) grid 8 block 64 {\n  %i = (thread + block*", stride,
        ")*4 + ", offset, "\n  if thread < ", stride, " { store %x[%i] = mul(load %x[%i] : f32x4, ",
        scale, ") }\n}\n");
  };
  const std::unique_ptr<Kernel> a = Parse(text(64, 7, "0.5"));
  const std::unique_ptr<Kernel> b = Parse(text(32, 7, "0.25"));
  ASSERT_TRUE(a != nullptr && b != nullptr);
  const Code code = CodeOf(*a);
  const Code other = CodeOf(*b);
  ASSERT_EQ(code.key, other.key);
  const auto differing = DifferingConstants(code, {code.ConstantBits(), other.ConstantBits()});
  ASSERT_EQ(differing.size(), 2);
  EXPECT_EQ(code.constants[differing[0].places[0]].constant()->ConstantInteger(), 64);
  EXPECT_EQ(other.constants[differing[0].places[0]].constant()->ConstantInteger(), 32);
  EXPECT_EQ(differing[0].places.size(), 2) << "the stride stands twice";
  MakeParameters(*a, code, differing);
  RemoveDeadCode(*a);
  EXPECT_EQ(VerifyKernel(*a, nullptr), absl::OkStatus());
  EXPECT_EQ(a->ToString(),
            "kernel @k(%x: buffer<f32, 4096>, %c0: s32, %c1: f32)\n"
            "    grid 8 block 64 {\n"
            "  %0 = broadcast(%c1) : f32x4\n"
            "  %i = (thread + block*%c0)*4 + 7\n"
            "  if thread < %c0 { store %x[%i] = mul(load %x[%i] : f32x4, %0) }\n"
            "}\n");
}

// A kernel of wgmma that copies a box of an array so wide, at the tile of its block.
std::string ProductOf(int width, int tiles, const std::string& first = "block") {
  return absl::StrCat("kernel @k(%x: buffer<f32, 64x", width,
                      ">, %y: buffer<s32, 64>, %z: tensormap<%x, f32, ", width, "x64, strides ",
                      4 * width,
                      ", box 32x64>)\n    grid 8 block 128 shared %s: f32[2048] align 128 {\n"
                      "  var %sums: f32[8] = 0\n"
                      "  %d = u64(lshr(shared_address(%s[0]), 4))\n"
                      "  wgmma_tf32(16, %sums, %d, %d, true)\n"
                      "  for %n = ",
                      first, " to ", 8 * tiles, " step 8 { store %y[%n] = rem(%n, ", tiles, ")*",
                      tiles, " + div(%n, ", tiles, ") }\n}\n");
}

TEST(CodeKey, DivisorsOfProductsAndTensorMapsHaveNoPart) {
  const std::unique_ptr<Kernel> a = Parse(ProductOf(64, 6)), b = Parse(ProductOf(32, 1));
  ASSERT_TRUE(a != nullptr && b != nullptr);
  const Code code = CodeOf(*a);
  const Code other = CodeOf(*b);
  ASSERT_EQ(code.key, other.key);
  const auto differing = DifferingConstants(code, {code.ConstantBits(), other.ConstantBits()});
  ASSERT_EQ(differing.size(), 2) << "the tiles, and eight times as many";
  EXPECT_EQ(CountParameters(differing), 4);
  const std::vector<ParameterValue> values = ParameterValues(code, differing, other.ConstantBits());
  ASSERT_EQ(values.size(), 4);
  EXPECT_EQ(values[0].bits, 8);
  EXPECT_EQ(values[1].bits, 1);
  EXPECT_EQ(values[2].bits, 0x80000001);
  EXPECT_EQ(values[3].bits, 0);
  MakeParameters(*a, code, differing);
  RemoveDeadCode(*a);
  EXPECT_EQ(VerifyKernel(*a, nullptr), absl::OkStatus());
  EXPECT_NE(a->ToString().find("mulhi("), std::string::npos) << a->ToString();
  EXPECT_EQ(a->ToString().find("div("), std::string::npos) << a->ToString();
  EXPECT_EQ(a->ToString().find("rem("), std::string::npos) << a->ToString();
  EXPECT_NE(KeyOf(ProductOf(64, 6, "load %y[block] : s32")),
            KeyOf(ProductOf(64, 7, "load %y[block] : s32")))
      << "the dividend may be negative";
}

TEST(Reciprocals, AreExact) {
  std::mt19937 random(7);
  const auto check = [](uint32_t d, uint32_t n) {
    const Reciprocal r = ReciprocalOf(d);
    const auto high = static_cast<uint32_t>((uint64_t{2 * n} * r.multiplier) >> 32);
    ASSERT_EQ(high >> r.shift, n / d) << n << " / " << d;
  };
  constexpr uint32_t kMost = 0x7fffffff;
  for (int i = 0; i < 200000; ++i) {
    const auto number = static_cast<uint32_t>(random()) & kMost;
    const uint32_t d = std::max(1u, number >> (random() % 31));
    const uint32_t multiple = kMost / d * d;
    for (uint32_t n : {number, kMost, multiple, multiple - 1, d - 1, d, 0u}) check(d, n);
  }
  for (int bit = 0; bit < 31; ++bit) {
    for (uint32_t d : {1u << bit, (1u << bit) + 1}) check(d, kMost);
  }
}

}  // namespace
}  // namespace ingot::kernel
