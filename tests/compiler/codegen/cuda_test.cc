// Kernels as CUDA C++: what it says, and that NVRTC takes it for each generation of cards.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "compiler/codegen/codegen.h"
#include "compiler/codegen/cuda/cuda_codegen.h"
#include "compiler/codegen/cuda/nvrtc.h"
#include "tests/compiler/codegen/parse.h"
#include "tests/compiler/codegen/row_kernels.h"

namespace ingot::test {
namespace {

using codegen::Assembler;
using codegen::Nvrtc;

#define INGOT_NVRTC_OR_SKIP() \
  if (Nvrtc::Get() == nullptr) GTEST_SKIP() << "libnvrtc was not found"

std::string Render(const std::string& text, const char* target = "sm_90a") {
  const Target& row = **FindTarget(target);
  const auto source = codegen::RenderCuda(Parse(text, &row), row);
  EXPECT_TRUE(source.ok()) << source.status();
  return source.ok() ? source->text : "";
}

// What stands behind the head.
std::string OwnPart(const std::string& source) {
  return source.substr(source.rfind("namespace kernel_ir {\n"));
}

// ----- The source.

TEST(CudaSource, IsReadable) {
  EXPECT_EQ(
      OwnPart(Render(
          R"(kernel @row_sum(%x: buffer<f32, 64x4096, readonly, noalias>, %y: buffer<f32, 64, noalias>)
    grid 64 block 256 min_blocks 2 shared %s: f32[8] {
  var %acc: f32 = 0
  for %i = 0 to 4 unroll 4 {
    %v = load %x[block * 4096 + %i * 1024 + thread * 4] : f32x4 stream !7:reduce.1
    %acc = add(%acc, sum_tree(%v))
  }
  for %d = 16, 8, 4, 2, 1 { %acc = add(%acc, shuffle_xor(%acc, %d)) }
  if lane == 0 { store %s[warp] = %acc }
  barrier
  if thread == 0 { store %y[block] = sum_tree(load %s[0] : f32x8) }
}
)")),
      R"(namespace kernel_ir {

using f32x4 = vec<f32, 4>;
using f32x8 = vec<f32, 8>;

INGOT_ROW u32 shuffle_xor_words(u32 a1, s32 a2) {
  u32 result;
  asm volatile("shfl.sync.bfly.b32 %0, %1, %2, 0x1f, 0xffffffff;" : "=r"(result) : "r"(a1), "r"(a2) : "memory");
  return result;
}
template <typename T>
INGOT_ROW T shuffle_xor(T a1, s32 a2) {
  u64 bits = shuffle_xor_words(u32(bits_of(a1)), a2);
  if (sizeof(T) == 8) bits |= u64(shuffle_xor_words(u32(u64(bits_of(a1)) >> 32), a2)) << 32;
  return from_bits<T>(bits);
}
INGOT_ROW void barrier() {
  asm volatile("bar.sync 0;" :  :  : "memory");
}

extern "C" __global__ void __launch_bounds__(256, 2)
row_sum_kernel(const f32* __restrict__ x, f32* __restrict__ y) {
  __shared__ __align__(16) u8 row_sum_shared[32];
  f32* const s = reinterpret_cast<f32*>(row_sum_shared + 0);  // 8 elements
  const s32 block = s32(blockIdx.x);
  const s32 thread = s32(threadIdx.x);
  const s32 lane = s32(threadIdx.x) % 32;
  const s32 warp = s32(threadIdx.x) / 32;
  f32 acc = 0.0f;
  #pragma unroll
  for (s32 i = 0; i < 4; ++i) {
    // HLO 7: reduce.1
    const f32x4 v = load<f32x4, 16>(x, add(add(mul(block, 4096), mul(i, 1024)), mul(thread, 4)));
    acc = acc + sum_tree(v);
  }
  constexpr s32 d_list[] = {16, 8, 4, 2, 1};
  #pragma unroll
  for (int d_at = 0; d_at < 5; ++d_at) {
    const s32 d = d_list[d_at];
    acc = acc + shuffle_xor(acc, d);
  }
  if (lane == 0) {
    store<f32, 4>(s, warp, acc);
  }
  barrier();
  if (thread == 0) {
    store<f32, 4>(y, block, sum_tree(load<f32x8, 16>(s, 0)));
  }
}

}  // namespace kernel_ir
)");
}

// Names that are words of C++, functions of CUDA or the head, types, or instructions.
constexpr char kBadNames[] = R"(kernel @exp(%int: buffer<f32, 64>, %min: buffer<f32, 64>, %n: s32)
    grid 1 block 64 shared %load: f32[64] {
  %lane = thread
  %barrier_1 = load %int[%lane] : f32
  var %f32x4: f32 = %barrier_1
  for %max = 0 to %n { %f32x4 = add(max(%f32x4, %barrier_1), 0.1) }
  %threadIdx = exp2_approx_ftz(%f32x4)
  store %load[thread] = %threadIdx
  barrier
  store %min[thread] = min(%threadIdx, load %load[63 - thread] : f32)
}
kernel @class(%T: buffer<f32, 64>) grid 1 block 64 { store %T[thread] = 1 }
)";

TEST(CudaSource, TakesAnyName) {
  INGOT_NVRTC_OR_SKIP();
  const std::string source = Render(kBadNames);
  const auto cubin = Nvrtc::Get()->Compile(source, "sm_90a");
  ASSERT_TRUE(cubin.ok()) << cubin.status() << "\n" << OwnPart(source);
  EXPECT_EQ(cubin->reports.size(), 2u);
}

// The bounds of a loop are what they were before it.
TEST(CudaSource, EvaluatesBoundsOnce) {
  const std::string source = OwnPart(Render(R"(kernel @k(%y: buffer<s32, 1>) grid 1 block 1 {
  var %n: s32 = 3
  for %i = 0 to %n { %n = %n + 1 }
  store %y[0] = %n
}
)"));
  EXPECT_NE(source.find("const s32 i_end = n;"), std::string::npos) << source;
  EXPECT_NE(source.find("i < i_end; ++i"), std::string::npos) << source;
}

TEST(CudaSource, ConstantsKeepTheirBits) {
  const std::string source = OwnPart(Render(R"(kernel @k(%f: buffer<f32, 8>, %d: buffer<f64, 4>,
    %i: buffer<s32, 4>, %l: buffer<s64, 4>, %h: buffer<bf16, 4>, %q: buffer<s4, 4>) grid 1 block 1 {
  store %f[0] = 0.1
  store %f[1] = -0
  store %f[2] = inf
  store %f[3] = #7fc00001:f32
  store %f[4] = 1e-45
  store %f[5] = 3
  store %d[0] = 0.1
  store %i[0] = -2147483648
  store %l[0] = -9223372036854775808
  store %h[0] = 1.5
  store %q[0] = -8
}
)"));
  for (const char* part :
       {"0, 0.1f)", "1, -0.0f)", "from_bits<f32>(0x7f800000)", "from_bits<f32>(0x7fc00001)",
        "4, 1e-45f)", "5, 3.0f)", "0, 0.1)", "s32(0x80000000u)", "s64(0x8000000000000000ull)",
        "bf16{0x3fc0 /* 1.5 */}", "s4{0x8 /* -8 */}"}) {
    EXPECT_NE(source.find(part), std::string::npos) << part << "\n" << source;
  }
}

TEST(CudaSource, Refusals) {
  const Target& host = *HostTarget();
  const Target& gpu = **FindTarget("sm_80");
  const kernel::KernelModule for_gpu = Parse("kernel @k() grid 1 block 32 { }\n", nullptr);
  const kernel::KernelModule for_host = Parse("kernel @k() tasks 1 { }\n", nullptr);
  EXPECT_EQ(codegen::RenderCuda(for_gpu, host).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(codegen::RenderCuda(for_host, gpu).status().code(), absl::StatusCode::kInvalidArgument);
  const kernel::KernelModule dotted = Parse("kernel @a.b() grid 1 block 32 { }\n", nullptr);
  EXPECT_EQ(codegen::RenderCuda(dotted, gpu).status().code(), absl::StatusCode::kInvalidArgument);
}

// ----- NVRTC.

class NvrtcTargets : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override { INGOT_NVRTC_OR_SKIP(); }
};

// As rows_test has it for LLVM's: only the row that is asked for is fused.
void CheckPtxText(const std::string& ptx, const std::string& group) {
  for (const char* part : {".ftz", "call", ".local", ".approx"}) {
    EXPECT_EQ(ptx.find(part), std::string::npos) << group << ": " << part;
  }
  if (group == "fma") return;
  for (const char* part : {"fma.", "mul.f", "add.f"}) {
    // mul.ftz is not there, and mul.f32 would be one that ptxas may contract.
    EXPECT_EQ(ptx.find(part), std::string::npos) << group << ": " << part;
  }
}

// The rows of a group as one source.
std::string RenderRows(const RowGroup& group, const Target& target) {
  kernel::KernelModule module;
  for (const RowCase& row : group.rows) {
    module.kernels.push_back(MakeKernel(row, kernel::Machine::kGpu, 4096));
  }
  const auto source = codegen::RenderCuda(module, target);
  EXPECT_TRUE(source.ok()) << source.status();
  return source.ok() ? source->text : "";
}

TEST_P(NvrtcTargets, EveryRowCompiles) {
  const Target& target = **FindTarget(GetParam());
  const auto start = std::chrono::steady_clock::now();
  size_t kernels = 0;
  // Wide vectors are the same functions of more lanes: once is enough.
  for (const RowGroup& group : AllRowGroups(target.specific ? kCardWidths : std::vector{1, 4})) {
    const auto cubin = Nvrtc::Get()->Compile(RenderRows(group, target), target.name);
    ASSERT_TRUE(cubin.ok()) << group.name << ": " << cubin.status();
    EXPECT_EQ(cubin->reports.size(), group.rows.size());
    for (const codegen::KernelReport& report : cubin->reports) {
      EXPECT_EQ(report.stack_bytes, 0) << report.ToString();
      EXPECT_TRUE(report.notices.empty()) << report.ToString();
    }
    kernels += group.rows.size();
  }
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
  std::printf("%zu kernels in %.1f s\n", kernels, time.count());
}

INSTANTIATE_TEST_SUITE_P(Targets, NvrtcTargets,
                         testing::Values("sm_80", "sm_90a", "sm_100", "sm_120"));

TEST(NvrtcTest, NothingIsContracted) {
  INGOT_NVRTC_OR_SKIP();
  for (const RowGroup& group : AllRowGroups({1})) {
    const auto ptx =
        Nvrtc::Get()->CompileToPtx(RenderRows(group, **FindTarget("sm_90a")), "sm_90a");
    ASSERT_TRUE(ptx.ok()) << ptx.status();
    CheckPtxText(*ptx, group.name);
  }
}

TEST(NvrtcTest, ErrorsHaveTheLog) {
  INGOT_NVRTC_OR_SKIP();
  const auto cubin = Nvrtc::Get()->Compile("void f() { nonsense; }", "sm_80");
  EXPECT_EQ(cubin.status().code(), absl::StatusCode::kInternal);
  EXPECT_NE(cubin.status().message().find("nonsense"), absl::string_view::npos) << cubin.status();
  EXPECT_EQ(Nvrtc::Get()->Compile("", "sm_1").status().code(), absl::StatusCode::kInvalidArgument);
}

// ----- Which assembler.

// Registers move from one warpgroup to two.
constexpr char kMovesRegisters[] = R"(kernel @moves(%y: buffer<f32, 384>)
    grid 1 block 384 max_registers 168 {
  roles {
    warps 0..3: { setmaxnreg_dec(40) }
    warps 4..11: {
      setmaxnreg_inc(232)
      store %y[thread] = 1
    }
  }
}
)";

absl::StatusOr<codegen::GeneratedModule> GenerateBy(absl::Span<const Assembler> assemblers,
                                                    const char* target = "sm_90a") {
  const Target& row = **FindTarget(target);
  return codegen::Generate(Parse(kMovesRegisters, &**FindTarget("sm_90a")), row,
                           {.assemblers = assemblers});
}

TEST(Assemblers, WhatNvJitLinkDropsGoesToTheNextOne) {
  const auto ptx = GenerateBy({Assembler::kNone});
  ASSERT_TRUE(ptx.ok()) << ptx.status();
  const auto dropped = codegen::PtxToCubinWith(Assembler::kNvJitLink, ptx->assembly, "sm_90a");
  if (absl::StrContains(dropped.status().message(), "not found")) GTEST_SKIP() << "no nvJitLink";
  EXPECT_EQ(dropped.status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_NE(dropped.status().message().find("C7504"), absl::string_view::npos) << dropped.status();

  // PTX, for the driver.
  const auto alone = GenerateBy({Assembler::kNvJitLink});
  ASSERT_TRUE(alone.ok()) << alone.status();
  EXPECT_EQ(alone->code.format, runtime::CodeFormat::kPtx);

  INGOT_NVRTC_OR_SKIP();
  const auto next = GenerateBy({Assembler::kNvJitLink, Assembler::kNvrtc});
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_EQ(next->code.format, runtime::CodeFormat::kCubin);
  EXPECT_EQ(next->entries, std::vector<std::string>{"moves_kernel"});
  ASSERT_EQ(next->reports.size(), 1u);
  EXPECT_EQ(next->reports[0].kernel, "moves");
  EXPECT_EQ(next->reports[0].registers, 168) << next->reports[0].ToString();
  EXPECT_TRUE(next->reports[0].notices.empty()) << next->reports[0].ToString();
}

// NVRTC's assembler says as much as the others: without a limit, registers at entry are not known.
TEST(Assemblers, NvrtcsNoticesAreKept) {
  INGOT_NVRTC_OR_SKIP();
  const auto cubin = Nvrtc::Get()->Compile(
      "extern \"C\" __global__ void drops() { asm volatile(\"setmaxnreg.dec.sync.aligned.u32 "
      "40;\"); }",
      "sm_90a");
  ASSERT_TRUE(cubin.ok()) << cubin.status();
  ASSERT_EQ(cubin->reports.size(), 1u);
  ASSERT_EQ(cubin->reports[0].notices.size(), 1u) << cubin->reports[0].ToString();
  EXPECT_NE(cubin->reports[0].notices[0].find("C7508"), std::string::npos);
}

TEST(Assemblers, ATargetThatLlvmDoesNotKnowIsNvrtcs) {
  const Target& target = **FindTarget("sm_100");
  const kernel::KernelModule kernels =
      Parse("kernel @k(%y: buffer<f32, 32>) grid 1 block 32 { store %y[thread] = 1 }\n", &target);
  const auto generated = codegen::Generate(kernels, target, {});
  if (Nvrtc::Get() == nullptr) {
    EXPECT_EQ(generated.status().code(), absl::StatusCode::kUnimplemented);
    return;
  }
  ASSERT_TRUE(generated.ok()) << generated.status();
  EXPECT_EQ(generated->code.format, runtime::CodeFormat::kCubin);
  // Where NVRTC is absent as well, the error says what is missing.
  const auto without = codegen::Generate(kernels, target, {.assemblers = {Assembler::kPtxas}});
  EXPECT_EQ(without.status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_NE(without.status().message().find("does not know sm_100"), absl::string_view::npos)
      << without.status();
}

}  // namespace
}  // namespace ingot::test
