// The verifier: each kernel is refused with exactly this message, or accepted.
#include "compiler/kernel/verifier.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "compiler/kernel/builder.h"
#include "compiler/kernel/text.h"

namespace ingot::kernel {
namespace {

const Target* TargetOf(const char* name) { return *FindTarget(name); }

std::string Verify(const std::string& text, const Target* target = nullptr) {
  absl::StatusOr<std::unique_ptr<Kernel>> kernel = ParseKernel(text, "k");
  if (!kernel.ok()) return absl::StrCat("does not parse: ", kernel.status().message());
  return std::string(VerifyKernel(**kernel, target).message());
}

struct Case {
  const char* text;
  const char* message;  // "" if it is right
};

TEST(Verifier, WhoExecutesTogether) {
  const Case kCases[] = {
      {"barrier", ""},
      {"if block == 0 { barrier }", ""},
      {"if thread == 0 { barrier }",
       "@k: operation 4: barrier: a whole block has to execute it, the conditions around it are "
       "uniform over a thread only"},
      {"if warp == 0 { barrier }",
       "@k: operation 4: barrier: a whole block has to execute it, the conditions around it are "
       "uniform over a warp only"},
      {"if warp == 0 { barrier_sync(1, 32) }", ""},
      {"if div(thread, 32) == 1 { %b = ballot(true) }", ""},
      {"if div(thread, 31) == 1 { %b = ballot(true) }",
       "@k: %b: ballot: a whole warp has to execute it, the conditions around it are uniform over "
       "a "
       "thread only"},
      {"if lshr(thread, 7) == 1 { setmaxnreg_inc(240) }", ""},
      {"if lshr(thread, 6) == 1 { setmaxnreg_inc(240) }",
       "@k: operation 6: setmaxnreg_inc: a whole warpgroup has to execute it, the conditions "
       "around "
       "it are uniform over a warp only"},
      {"for %i = 0 to thread { barrier }",
       "@k: operation 4: barrier: a whole block has to execute it, the conditions around it are "
       "uniform over a thread only"},
      {"for %i = 0 to block { barrier }", ""},
      {"var %go: pred = true while { yield %go } do { %go = lane == 0 barrier }",
       "@k: operation 9: barrier: a whole block has to execute it, the conditions around it are "
       "uniform over a thread only"},
      {"var %n: s32 = 0 while { yield %n < 4 } do { %n = %n + 1 barrier }", ""},
      {"var %n: s32 = 0 if lane == 0 { %n = 1 } if %n == 0 { barrier }",
       "@k: operation 12: barrier: a whole block has to execute it, the conditions around it are "
       "uniform over a thread only"},
      {"if ballot(lane == 0) == 1 { %v = shuffle_xor(1:f32, 1) }", ""},
      {"if gt(load %x[0] : f32, 0) { barrier }", ""},
      {"if gt(load %x[0] : f32 acquire gpu, 0) { barrier }",
       "@k: operation 5: barrier: a whole block has to execute it, the conditions around it are "
       "uniform over a thread only"},
      {"roles { warps 0..3: { setmaxnreg_inc(240) } warps 4..7: { setmaxnreg_dec(24) } }", ""},
      {"roles { warps 0..3: { setmaxnreg_dec(240) } warps 4..7: { setmaxnreg_dec(240) } }", ""},
      {"roles { warps 0..2: { setmaxnreg_inc(240) } }",
       "@k: operation 1: setmaxnreg_inc: a whole warpgroup has to execute it, the conditions "
       "around "
       "it are uniform over a warp only"},
      {"roles { warps 0..3: { barrier } }",
       "@k: operation 1: barrier: a whole block has to execute it, the conditions around it are "
       "uniform over a warpgroup only"},
  };
  for (const Case& c : kCases) {
    const std::string text =
        absl::StrCat("kernel @k(%x: buffer<f32, 64>) grid 4 block 256 {\n", c.text, "\n}");
    std::string message = Verify(text);
    EXPECT_EQ(message, c.message) << c.text;
  }
}

TEST(Verifier, Operations) {
  const Case kCases[] = {
      {"yield true", "@k: operation 1: yield: does not end the condition of a while"},
      {"while { yield true %a = thread } do {}",
       "@k: operation 2: yield: does not end the condition of a while"},
      {"while { } do {}", "@k: operation 0: while: the condition does not end in yield"},
      {"store %x[0] = 1", "@k: operation 2: store: %x is readonly"},
      {"%a = load %y[64] : f32", "@k: %a: load: elements 64 … 64 of %y, which has 64"},
      {"%a = load %y[61] : f32x4 align 4", "@k: %a: load: elements 61 … 64 of %y, which has 64"},
      {"%a = load %y[-1] : f32", "@k: %a: load: elements -1 … -1 of %y, which has 64"},
      {"%a = load %y[2] : f32x4", "@k: %a: load: element 2 of %y is not aligned to 16 bytes"},
      {"%a = load %y[thread] : f32x4 align 32",
       "@k: %a: load: alignment 32 in %y, which has alignment 16"},
      {"%a = task", "@k: %a: task: not on the GPU"},
      {"barrier_sync(0, 32)", "@k: operation 1: barrier_sync: id is 0, expected 1 to 15"},
      {"barrier_sync(1, 512)",
       "@k: operation 1: barrier_sync: count is 512, expected a multiple of 32 up to 256"},
      {"barrier_arrive(thread, 32)",
       "@k: operation 1: barrier_arrive: operand 0 has to be the same over a warp, it is over a "
       "thread only"},
      {"barrier_sync(warp + 1, 32)", ""},
      {"var %d: f32[4] = 0 wgmma_bf16(8, %d, u64(warp), 0, true, 0, 0)",
       "@k: operation 6: wgmma_bf16: operand 0 has to be the same over a warpgroup, it is over a "
       "warp only"},
      {"var %d: f32[4] = 0 wgmma_bf16(8, %d, u64(div(warp, 4)), 0, true, 0, 0)", ""},
      {"if warp == 0 { wgmma_fence }",
       "@k: operation 4: wgmma_fence: a whole warpgroup has to execute it, the conditions around "
       "it are uniform over a warp only"},
      {"while { yield not(mbarrier_try_wait(%s[0], 0)) } do { wgmma_fence }",
       "@k: operation 6: wgmma_fence: a whole warpgroup has to execute it, the conditions around "
       "it are uniform over a thread only"},
      {"roles { warps 0..8: {} }", "@k: operation 0: roles: warp 8 of a block of 8 warps"},
  };
  for (const Case& c : kCases) {
    const std::string text = absl::StrCat(
        "kernel @k(%x: buffer<f32, 64, readonly>, %y: buffer<f32, 64>) grid 4 block 256 shared %s: "
        "f32[64] {\n",
        c.text, "\n}");
    EXPECT_EQ(Verify(text), c.message) << c.text;
  }
}

TEST(Verifier, StaticIndices) {
  const Case kCases[] = {
      {"for %i = 0 to 4 unroll 4 { %f[%i] = 0 }", ""},
      {"for %i = 0 to 4 unroll 2 { %f[%i] = 0 }", "@k: operation 6: write %f: index is not static"},
      {"for %i = 0 to 5 unroll 5 { %f[%i] = 0 }",
       "@k: operation 6: write %f: index 4 is outside 0 … 3"},
      {"for %i = 3, 1 { %f[%i*2 - 2] = 0 }", "@k: operation 8: write %f: index 4 is outside 0 … 3"},
      {"for %i = 0, 1 { for %j = 0, 2 { %f[%i + %j] = 0 } }", ""},
      {"%f[thread] = 0", "@k: operation 4: write %f: index is not static"},
      {"%f[4] = 0", "@k: operation 4: write %f: index 4 is outside 0 … 3"},
  };
  for (const Case& c : kCases) {
    const std::string text =
        absl::StrCat("kernel @k() grid 1 block 32 {\nvar %f: f32[4] = 0\n", c.text, "\n}");
    std::string message = Verify(text);
    // Ids of operations are of no interest here.
    const auto strip = [](std::string s) {
      const size_t at = s.find("operation ");
      return at == std::string::npos ? s : s.substr(s.find(':', at));
    };
    EXPECT_EQ(strip(message), strip(c.message)) << c.text;
  }
}

TEST(Verifier, Launch) {
  const Case kCases[] = {
      {"kernel @k() grid 1 block 1024x2 {}", "@k: a block has 2048 threads, at most 1024"},
      {"kernel @k() grid 1x65536 block 1 {}", "@k: grid.y is 65536, expected 1 to 65535"},
      {"kernel @k() grid 3 block 1 cluster 2 {}",
       "@k: cluster.x is 2, expected a divisor of 3 up to 16"},
      {"kernel @k() grid 64x64 block 1 cluster 8x4 {}", "@k: a cluster has 32 blocks, at most 16"},
      {"kernel @k() grid 1 block 1024 max_registers 65 {}",
       "@k: 1024 threads of 65 registers, at most 65536 registers"},
      {"kernel @k() grid 1 block 1024 min_blocks 3 {}",
       "@k: 3 blocks of 1024 threads on a multiprocessor, which holds 2048"},
      {"kernel @k() grid 1 block 1 shared %s: f32[58113] {}",
       "@k: 232452 bytes of shared memory, at most 232448"},
      {"kernel @k() grid 1 block 1 dynamic_shared 232441 shared %s: f32[2] {}",
       "@k: 232449 bytes of shared memory, at most 232448"},
      {"kernel @k() grid 1 block 1 shared %s: f32[58112] shared %t: s32[4] overlaps %s {}", ""},
      {"kernel @k() grid 1 block 1 shared %s: f32[4] shared %t: s32[4] align 32 overlaps %s {}",
       "@k: %t overlaps %s, whose alignment is 16, less than 32"},
      {"kernel @k(%x: buffer<f64, 4, align 4>) grid 1 block 1 {}",
       "@k: %x: alignment is 4, expected a power of two from 8 to 1024"},
      {"kernel @k() grid 1 block 48 { %a = ballot(true) }",
       "@k: %a: ballot: a block of 48 threads is not whole warps"},
      {"kernel @k() grid 1 block 32 programmatic {}",
       "@k: a programmatic launch without a grid_dependency_wait in its body"},
      {"kernel @k() grid 1 block 32 programmatic { if thread < 4 { grid_dependency_wait } }",
       "@k: a programmatic launch without a grid_dependency_wait in its body"},
      {"kernel @k() grid 1 block 32 programmatic { grid_dependency_wait }", ""},
      {"kernel @k() grid 8 block 32 resident { %a = blocks.y }",
       "@k: a resident launch that does not ask for the number of its blocks"},
      {"kernel @k() grid 8 block 32 resident { %a = blocks }", ""},
      {"kernel @k() tasks 4 shared %s: f32[8192] {}", ""},
      {"kernel @k() tasks 4 shared %s: f32[8193] {}",
       "@k: 32772 bytes of memory of a task, at most 32768"},
      {"kernel @k() tasks 4 block 2 {}", "@k: a host kernel is launched by tasks only"},
      {"kernel @k() tasks 4 { barrier }", "@k: operation 0: barrier: not on the host"},
      {"kernel @k() tasks 4 { %a = thread }", "@k: %a: thread: not on the host"},
      {"kernel @k() tasks 4 { %a = task }", ""},
  };
  for (const Case& c : kCases) EXPECT_EQ(Verify(c.text), c.message) << c.text;
}

// Three warpgroups are launched with 168 registers a thread each.
TEST(Verifier, RegistersComeFromThePool) {
  const auto kernel = [](int dec, int inc) {
    return absl::StrCat(
        "kernel @k() grid 1 block 384 min_blocks 1 { roles { warps 0..3: { setmaxnreg_dec(", dec,
        ") } warps 4..11: { setmaxnreg_inc(", inc, ") } } }");
  };
  EXPECT_EQ(Verify(kernel(40, 232)), "");
  EXPECT_EQ(Verify(kernel(24, 240)), "");
  EXPECT_EQ(
      Verify(kernel(48, 232)),
      "@k: operation 0: roles: setmaxnreg asks for 65536 registers of the 64512 of a block of "
      "384 threads");
}

TEST(Verifier, Targets) {
  const char* kElect = "kernel @k() grid 1 block 128 { %a = elect }";
  EXPECT_EQ(Verify(kElect, TargetOf("sm_80")), "@k: %a: elect: needs sm_90, the target is sm_80");
  EXPECT_EQ(Verify(kElect, TargetOf("sm_90")), "");
  const char* kRegisters = "kernel @k() grid 1 block 128 { setmaxnreg_inc(240) }";
  EXPECT_EQ(Verify(kRegisters, TargetOf("sm_90")),
            "@k: operation 0: setmaxnreg_inc: needs sm_90a, the target is sm_90");
  EXPECT_EQ(Verify(kRegisters, TargetOf("sm_90a")), "");
  EXPECT_EQ(Verify("kernel @k() grid 1 block 1 shared %s: f32[32768] {}", TargetOf("sm_86")),
            "@k: 131072 bytes of shared memory, at most 101376");
  EXPECT_EQ(Verify("kernel @k() tasks 1 {}", TargetOf("sm_80")),
            "@k: written for the host, not for sm_80");
  EXPECT_EQ(Verify("kernel @k() grid 1 block 1 {}", TargetOf("x86_64-v3")),
            "@k: written for a GPU, not for x86_64-v3");
}

// What the parser cannot write.
TEST(Verifier, RefusesWhatIsNotVisible) {
  Kernel k("k");
  Builder b(&k);
  Value inside = nullptr;
  Var* var = nullptr;
  b.ForStatic(0, 2, [&](Value i) {
    inside = b.Add(i, b.ThreadId());
    var = b.DeclareVar("v", b.Index(0));
  });
  Operation* use = b.Add(inside, inside);
  EXPECT_EQ(VerifyKernel(k, nullptr).message(),
            absl::StrCat("@k: operation ", use->id, ": add: an operand is not visible here"));
  k.body()->operations.pop_back();
  EXPECT_EQ(VerifyKernel(k, nullptr), absl::OkStatus());
  Operation* read = b.Read(var);
  EXPECT_EQ(VerifyKernel(k, nullptr).message(),
            absl::StrCat("@k: operation ", read->id, ": read: %v is not visible here"));
}

}  // namespace
}  // namespace ingot::kernel
