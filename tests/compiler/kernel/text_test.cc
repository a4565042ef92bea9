// The text form: golden kernels print back to themselves; what is wrong is refused, with its place.
#include "compiler/kernel/text.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "compiler/kernel/builder.h"
#include "compiler/kernel/verifier.h"
#include "tests/paths/paths.h"

namespace ingot::kernel {
namespace {

std::string Read(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::filesystem::path> GoldenFiles() {
  std::vector<std::filesystem::path> files;
  const std::string folder = test::RepositoryRoot() + "/tests/compiler/kernel/golden";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

TEST(Text, GoldenKernelsPrintBack) {
  ASSERT_GE(GoldenFiles().size(), 4u);
  for (const std::filesystem::path& path : GoldenFiles()) {
    const std::string text = Read(path);
    absl::StatusOr<KernelModule> module = ParseKernels(text, path.filename().string());
    ASSERT_TRUE(module.ok()) << module.status();
    EXPECT_EQ(module->ToString(), text) << path;
    EXPECT_EQ(VerifyModule(*module, nullptr), absl::OkStatus()) << path;
  }
}

// A file cut short anywhere, or with one byte changed, is read or refused: nothing else.
TEST(Text, DamagedFilesAreRefused) {
  for (const std::filesystem::path& path : GoldenFiles()) {
    const std::string text = Read(path);
    int refused = 0;
    for (size_t size = 0; size + 1 < text.size(); size += 3) {
      refused += !ParseKernels(text.substr(0, size), "cut").ok();
    }
    EXPECT_GT(refused, static_cast<int>(text.size() / 3) - 40) << path;
    for (size_t i = 0; i < text.size(); ++i) {
      std::string damaged = text;
      damaged[i] ^= 1 << (i % 8);
      absl::StatusOr<KernelModule> module = ParseKernels(damaged, "damaged");
      if (!module.ok()) continue;
      (void)VerifyModule(*module, nullptr);
      const std::string printed = module->ToString();
      absl::StatusOr<KernelModule> again = ParseKernels(printed, "again");
      ASSERT_TRUE(again.ok()) << again.status() << "\n" << printed;
      EXPECT_EQ(again->ToString(), printed);
    }
  }
}

struct Wrong {
  const char* body;
  const char* message;
};

TEST(Text, SaysWhatIsWrongAndWhere) {
  const Wrong kWrong[] = {
      {"%a = add(%x, 1)", "k:2:10: error: %x is a buffer: expected load"},
      {"%a = add(%b, 1)", "k:2:10: error: %b is not defined"},
      {"%a = frobnicate(1)", "k:2:6: error: unknown operation frobnicate"},
      {"frobnicate", "k:2:1: error: unknown statement frobnicate"},
      {"%a = 1 %a = 2", "k:2:8: error: %a is defined twice"},
      {"%a = thread %b = %a", "k:2:13: error: expected an operation, not another name"},
      {"%a = add(1, 1.5:f32)",
       "k:2:6: error: add: operands have types s32 and f32, expected one type"},
      {"%a = add(1, 1.5)", "k:2:13: error: 1.5 is no s32"},
      {"%a = 300:u8", "k:2:6: error: 300 is no u8"},
      {"%a = -1:u8", "k:2:7: error: -1 is no u8"},
      {"%a = 9223372036854775808:s64", "k:2:6: error: 9223372036854775808 is no s64"},
      {"%a = #1ffffffff:f32", "k:2:6: error: 1ffffffff is no f32"},
      {"%a = 1:c64", "k:2:8: error: c64 is no type of a value"},
      {"%a = 1:f32x65", "k:2:8: error: f32x65 is no type of a value"},
      {"%a = sqrt(1)", "k:2:6: error: sqrt: s32 is not allowed here"},
      {"%a = load %x[0] : f64", "k:2:6: error: load: %x: value has type f64, expected f32"},
      {"%a = load %x[1.5:f32] : f32",
       "k:2:6: error: load: index has type f32, expected s32 or s64"},
      {"%a = load %x[0] : f32 release gpu", "k:2:6: error: load: order release is not for a load"},
      {"%a = load %x[0] : f32x4 acquire gpu",
       "k:2:6: error: load: order acquire needs one lane and no mask"},
      {"%a = load %x[0] : f32 align 3",
       "k:2:6: error: load: alignment is 3, expected a power of two from 4 to 1024"},
      {"%a = load %x[0] : f32 acquire moon", "k:2:31: error: expected a memory scope"},
      {"%a = extract(load %x[0] : f32x4, 4)", "k:2:6: error: extract: lane 4 is outside 0 … 3"},
      {"%a = bitcast(1) : f64", "k:2:6: error: bitcast: s32 has 32 bits and f64 has 64"},
      {"%a = atomic min relaxed gpu %x[0], 1", "k:2:6: error: atomic: min of f32 is not allowed"},
      {"%a = shuffle_xor(true, 1)", "k:2:6: error: shuffle_xor: pred is not allowed here"},
      {"var %v: f32[4] = 0 %a = %v", "k:2:25: error: read: %v is an array: no index"},
      {"var %v: f32 = 0 %a = %v[0]", "k:2:22: error: read: %v is not an array"},
      {"for %i = 0 to 4 step 0 {}", "k:2:1: error: for: step is 0"},
      {"for %i = 0 to 4 {} %a = %i + 1", "k:2:25: error: %i is not visible here"},
      {"for %i = 0 to 4 { %b = %i + 1 } %a = %b + 1", "k:2:38: error: %b is not visible here"},
      {"for %i = thread, 2 {}", "k:2:16: error: expected 'to'"},
      {"if 1:s32 {}", "k:2:1: error: if: condition has type s32, expected pred"},
      {"while { yield true } {}", "k:2:22: error: expected 'do'"},
      {"roles { warps 4..3: {} }",
       "k:2:1: error: roles: warps 4..3 are not ascending, disjoint and at most 31"},
      {"%a = 1 !99999999999", "k:2:9: error: HLO id is 99999999999, expected 0 to 2147483647"},
      {"barrier_sync(1)", "k:2:15: error: expected ','"},
      {"copy_async(%s[0], %x[0], 12, 12)",
       "k:2:1: error: copy_async: bytes is 12, expected 4 or 8 or 16"},
      {"setmaxnreg_inc(100)",
       "k:2:1: error: setmaxnreg_inc: registers is 100, expected 24 to 256 in steps of 8"},
      {"var %d: s32[20] = 0 wgmma_s8(40, %d, 0, 0, true)",
       "k:2:21: error: wgmma_s8: n is 40, expected 8 to 32 in steps of 8 or 48 to 256 in steps of "
       "16"},
      {"var %d: f32[16] = 0 wgmma_bf16(16, %d, 0, 0, true, 0, 0)",
       "k:2:21: error: wgmma_bf16: %d has 16 elements of f32, expected 8 of f32"},
      {"var %d: s32[8] = 0 wgmma_bf16(16, %d, 0, 0, true, 0, 0)",
       "k:2:20: error: wgmma_bf16: %d has 8 elements of s32, expected 8 of f32"},
      {"wgmma_bf16(16, %x, 0, 0, true, 0, 0)", "k:2:16: error: %x is no var"},
      {"wgmma_wait(8)", "k:2:1: error: wgmma_wait: a constant is 8, expected 0 to 7"},
      {"tensor_load(%s[0], %x, %s[0], 0)", "k:2:20: error: %x is no tensor map"},
      {"tensor_load(%s[0], %m, %s[0], 0, 0, 0, 0, 0, 0)",
       "k:2:1: error: tensor_load: a list of 6 operands, expected 1 to 5"},
      {"tensor_store(%m, %x[0], 0)", "k:2:1: error: tensor_store: %x is global, expected shared"},
      {"%a = %m", "k:2:6: error: %m is a tensor map, which has no value"},
      {"%a = \"x\"", "k:2:6: error: unexpected '\"'"},
      {"%a = \x80", "k:2:6: error: unexpected byte 128"},
      {"%a = build()", "k:2:12: error: expected a value"},
      {"%a = add(1)", "k:2:6: error: add: 1 operands, expected 2"},
      {"%a = add(1, 2, 3)", "k:2:6: error: add: 3 operands, at most 2"},
  };
  for (const Wrong& wrong : kWrong) {
    const std::string text =
        absl::StrCat("kernel @k(%x: buffer<f32, 64>, %m: tensormap<%x, f32, 64, box 4>) grid 1 ",
                     "block 32 shared %s: u64[64] {\n", wrong.body, "\n}\n");
    EXPECT_EQ(ParseKernels(text, "k").status().message(), wrong.message) << wrong.body;
  }
}

TEST(Text, RefusesWrongHeaders) {
  const Wrong kWrong[] = {
      {"kernel @k(%x: buffer<f32, 4>, %x: s32) grid 1 {}", "k:1:31: error: %x is defined twice"},
      {"kernel @k(%x: buffer<f32x2, 4>) grid 1 {}",
       "k:1:22: error: a buffer has elements of a scalar type"},
      {"kernel @k(%x: buffer<f32, 99999999999x99999999999>) grid 1 {}",
       "k:1:27: error: the size of a buffer is too large: 99999999999x99999999999"},
      {"kernel @k() grid 0 {}", "k:1:18: error: grid: 0 is not in 1 … 2147483647"},
      {"kernel @k() grid 1x1x1x1 {}", "k:1:18: error: grid has at most 3 sizes"},
      {"kernel @k() grid 1 shared %s: f32[4] overlaps %t {}", "k:1:47: error: %t is not defined"},
      {"kernel @k() grid 1 {} kernel @k() grid 1 {}", "k:1:30: error: @k is defined twice"},
      {"kernel @k() grid 1 {", "k:1:21: error: expected '}'"},
      {"module @k", "k:1:1: error: expected 'kernel'"},
      {"kernel @k(%m: tensormap<%x, f32, 4, box 4>) grid 1 {}", "k:1:25: error: %x is not defined"},
      {"kernel @k(%x: buffer<f32, 4>, %m: tensormap<%x, f32, 4>) grid 1 {}",
       "k:1:45: error: tensor map of rank 1 with 0 strides, a box of rank 0, 0 element strides and "
       "corners of 0 and 0 dimensions"},
      {"kernel @k(%x: buffer<f32, 4>, %m: tensormap<%x, f32, 4, box 3>) grid 1 {}",
       "k:1:45: error: tensor map with a box of 12 bytes along its innermost dimension, which is "
       "no "
       "multiple of 16"},
      {"kernel @k(%x: buffer<f32, 64>, %m: tensormap<%x, f32, 64, box 64, swizzle 128>) grid 1 {}",
       "k:1:46: error: tensor map with a box of 256 bytes along its innermost dimension and a "
       "swizzle of 128"},
      {"kernel @k(%x: buffer<f32, 64>, %m: tensormap<%x, f32, 8x8, strides 40, box 4x4>) grid 1 {}",
       "k:1:46: error: tensor map dimension 1: size 8, stride 40 bytes, element stride 1"},
      {"kernel @k(%x: buffer<f32, 64>, %m: tensormap<%x, f32, 8x8, strides 32, box 4x4, "
       "im2col 0:0>) grid 1 {}",
       "k:1:46: error: tensor map of rank 2 with 1 strides, a box of rank 2, 0 element strides "
       "and corners of 1 and 1 dimensions"},
      {"kernel @k(%x: buffer<f32, 64>, %m: tensormap<%x, f32, 4x2x2x2, strides 16x32x64, "
       "box 4x4, im2col 0:0 -1:200>) grid 1 {}",
       "k:1:46: error: tensor map dimension 2: corners -1 and 200, expected -128 to 127 with a "
       "pixel between them"},
      {"kernel @k(%x: buffer<f32, 64>, %m: tensormap<%x, f32, 4x2x2x2, strides 16x32x64, "
       "box 4x4, im2col 0:0 2:-1>) grid 1 {}",
       "k:1:46: error: tensor map dimension 2: corners 2 and -1, expected -128 to 127 with a "
       "pixel between them"},
      {"kernel @k(%x: buffer<f32, 4>, %m: tensormap<%x, f32, 1x1x1x1x1x1, box 4>) grid 1 {}",
       "k:1:54: error: sizes: 1x1x1x1x1x1 is not five sizes up to 9223372036854775807 at most"},
  };
  for (const Wrong& wrong : kWrong) {
    EXPECT_EQ(ParseKernels(wrong.body, "k").status().message(), wrong.message) << wrong.body;
  }
}

TEST(Text, NestingIsBounded) {
  std::string expression(100000, '(');
  absl::Status status =
      ParseKernels(absl::StrCat("kernel @k() grid 1 {\n%a = ", expression), "k").status();
  EXPECT_EQ(status.message(), "k:2:133: error: nested deeper than 128");
  std::string blocks;
  for (int i = 0; i < 100000; ++i) absl::StrAppend(&blocks, "if true {");
  status = ParseKernels(absl::StrCat("kernel @k() grid 1 {\n", blocks), "k").status();
  EXPECT_TRUE(absl::EndsWith(status.message(), "error: nested deeper than 128")) << status;
}

// Every value of the narrow types, and floats that are hard to print, survive.
TEST(Text, ConstantsKeepTheirBits) {
  Kernel k("k");
  Builder b(&k, {.fold = false, .share = false});
  std::vector<uint64_t> bits;
  const auto add = [&](ElementType element, uint64_t pattern) {
    Named(b.Constant(Type::Scalar(element), pattern), "c");
    bits.push_back(pattern);
  };
  for (ElementType element : {ElementType::kF8E4M3FN, ElementType::kF8E5M2, ElementType::kS8,
                              ElementType::kF8E8M0FNU, ElementType::kF8E4M3FNUZ}) {
    for (uint64_t i = 0; i < 256; ++i) add(element, i);
  }
  for (uint64_t i = 0; i < 65536; i += 7) {
    add(ElementType::kF16, i);
    add(ElementType::kBF16, i);
  }
  for (uint64_t i = 0; i < 0x100000000; i += 999983) add(ElementType::kF32, i);
  for (uint64_t i = 1; i < uint64_t{1} << 62; i = i * 3 + 1) {
    for (uint64_t j : {i, ~i}) {
      add(ElementType::kF64, j);
      add(ElementType::kS64, j);
      add(ElementType::kU64, j);
    }
  }
  k.launch().block = {32, 1, 1};
  absl::StatusOr<std::unique_ptr<Kernel>> again = ParseKernel(k.ToString(), "k");
  ASSERT_TRUE(again.ok()) << again.status();
  const std::vector<Operation*>& ops = (*again)->body()->operations;
  ASSERT_EQ(ops.size(), bits.size());
  for (size_t i = 0; i < bits.size(); ++i) {
    EXPECT_EQ(ops[i]->Get<ConstantAttributes>().bits, bits[i]) << ops[i]->type.ToString();
  }
}

// A read moves into the expression that uses it only where nothing writes in between.
TEST(Text, ReadsStayBeforeWrites) {
  Kernel k("swap");
  Buffer* x = k.AddBuffer("x", ElementType::kF32, {2});
  Builder b(&k);
  Value first = b.Load(x, b.Index(0));
  Value second = b.Load(x, b.Index(1));
  b.Store(x, b.Index(0), second);
  b.Store(x, b.Index(1), first);
  EXPECT_EQ(k.ToString(),
            "kernel @swap(%x: buffer<f32, 2>)\n"
            "    grid 1 block 1 {\n"
            "  %0 = load %x[0] : f32\n"
            "  store %x[0] = load %x[1] : f32\n"
            "  store %x[1] = %0\n"
            "}\n");
}

TEST(Text, NamesAreMadeUniqueAndPrintable) {
  Kernel k("fused add-1");
  Buffer* x = k.AddBuffer("x", ElementType::kF32, {2});
  Builder b(&k);
  Named(b.Load(x, b.Index(0)), "x");
  Named(b.Load(x, b.Index(1)), "a b");
  const std::string text = k.ToString();
  EXPECT_EQ(text,
            "kernel @fused_add_1(%x: buffer<f32, 2>)\n"
            "    grid 1 block 1 {\n"
            "  %x.1 = load %x[0] : f32\n"
            "  %a_b = load %x[1] : f32\n"
            "}\n");
  EXPECT_EQ((*ParseKernel(text, "k"))->ToString(), text);
}

}  // namespace
}  // namespace ingot::kernel
