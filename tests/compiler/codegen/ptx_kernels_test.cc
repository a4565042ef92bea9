// Whole kernels as PTX: what it says, and that it assembles.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "compiler/codegen/cubin/cubin.h"
#include "compiler/codegen/cuda/cuda_codegen.h"
#include "compiler/codegen/cuda/nvrtc.h"
#include "compiler/codegen/llvm/llvm_codegen.h"
#include "compiler/kernel/builder.h"
#include "tests/compiler/codegen/intrinsic_kernels.h"
#include "tests/compiler/codegen/parse.h"
#include "tests/paths/paths.h"

namespace ingot::test {
namespace {

void CompileCuda(const kernel::KernelModule& module, const Target& target) {
  const auto source = codegen::RenderCuda(module, target);
  ASSERT_TRUE(source.ok()) << source.status();
  if (codegen::Nvrtc::Get() == nullptr) return;
  const auto cubin = codegen::Nvrtc::Get()->Compile(source->text, target.name);
  ASSERT_TRUE(cubin.ok()) << cubin.status() << "\n" << source->text;
  for (const codegen::KernelReport& report : cubin->reports) {
    // (ptxas itself takes 8 bytes for a tensor load on sm_120, 16 where it has offsets.)
    const int allowed = target.capability < 120 ? 0 : 16;
    EXPECT_LE(report.stack_bytes, allowed) << report.ToString();
  }
}

class PtxKernels : public testing::TestWithParam<const char*> {
 protected:
  const Target& target() const { return **FindTarget(GetParam()); }
  // PTX that assembles, where there is an assembler.  The kernels as CUDA C++ compile as well,
  // where there is NVRTC.
  codegen::PtxCode Compile(const std::string& text) const {
    const kernel::KernelModule module = Parse(text, &target());
    auto code = codegen::CompileToPtx(module, target());
    EXPECT_TRUE(code.ok()) << code.status();
    if (!code.ok()) return {};
    CompileCuda(module, target());
    if (codegen::FindAssembler().kind != codegen::Assembler::kNone) {
      const auto cubin = codegen::PtxToCubin(code->ptx, target().name);
      EXPECT_TRUE(cubin.ok()) << cubin.status() << "\n" << code->ptx;
    }
    return *std::move(code);
  }
};

TEST_P(PtxKernels, GoldenKernelsAssemble) {
  const std::string folder = RepositoryRoot() + "/tests/compiler/kernel/golden";
  int compiled = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream file(entry.path());
    std::stringstream text;
    text << file.rdbuf();
    const auto module = kernel::ParseKernels(text.str(), entry.path().string());
    ASSERT_TRUE(module.ok()) << module.status();
    if (!kernel::VerifyModule(*module, &target()).ok()) continue;  // for other targets
    Compile(text.str());
    ++compiled;
  }
  EXPECT_GE(compiled, 2);
}

TEST_P(PtxKernels, RowSum) {
  const codegen::PtxCode code = Compile(
      R"(kernel @row_sum(%x: buffer<f32, 64x4096, readonly, noalias>, %y: buffer<f32, 64, noalias>)
    grid 64 block 256 min_blocks 2 shared %s: f32[8] {
  var %acc: f32 = 0
  for %i = 0 to 4 unroll 4 {
    %v = load %x[block * 4096 + %i * 1024 + thread * 4] : f32x4 stream
    %acc = add(%acc, sum_tree(%v))
  }
  for %d = 16, 8, 4, 2, 1 { %acc = add(%acc, shuffle_xor(%acc, %d)) }
  if lane == 0 { store %s[warp] = %acc }
  barrier
  if thread == 0 { store %y[block] = sum_tree(load %s[0] : f32x8) }
}
)");
  for (const char* part : {"ld.global", ".v4.", "shfl.sync.bfly.b32", "bar.sync", "add.rn.f32",
                           ".reqntid 256, 1, 1", ".minnctapersm 2", "st.shared.f32 \t[%r"}) {
    EXPECT_NE(code.ptx.find(part), std::string::npos) << part << "\n" << code.ptx;
  }
  for (const char* part : {".local", "fma", "call", "cvta"}) {
    EXPECT_EQ(code.ptx.find(part), std::string::npos) << part << "\n" << code.ptx;
  }
}

// Each row of intrinsics.def that the target has, for each type, list and sample of constants.
TEST(Intrinsics, EveryRowAssembles) {
  if (codegen::FindAssembler().kind == codegen::Assembler::kNone) {
    GTEST_SKIP() << "neither libnvJitLink nor ptxas was found";
  }
  for (const Target& target : AllTargets()) {
    if (target.platform != Platform::kCuda || target.simulated) continue;
    int rows = 0;
    for (kernel::Intrinsic intrinsic : AllIntrinsics()) {
      // One compilation a row, of all its cases.
      kernel::KernelModule module;
      for (const IntrinsicCase& row : CasesOf(intrinsic)) {
        module.kernels.push_back(MakeKernel(row));
        const absl::Status status = kernel::VerifyModule(module, &target);
        if (status.ok()) continue;
        EXPECT_NE(status.message().find("the target is"), std::string::npos) << status;
        module.kernels.clear();
        break;  // not on this target
      }
      rows += static_cast<int>(module.kernels.size());
      if (module.kernels.empty()) continue;
      CompileCuda(module, target);
      if (!codegen::LlvmKnows(target)) continue;
      const auto code = codegen::CompileToPtx(module, target);
      ASSERT_TRUE(code.ok()) << code.status();
      EXPECT_EQ(code->ptx.find(".local"), std::string::npos) << module.kernels[0]->name();
      const auto cubin = codegen::PtxToCubin(code->ptx, target.name);
      EXPECT_TRUE(cubin.ok()) << cubin.status() << "\n" << code->ptx;
    }
    EXPECT_GT(rows, 50) << target.name;
  }
}

// They are instructions without side effects: LLVM removes the one that nobody uses.
TEST_P(PtxKernels, Approximations) {
  const codegen::PtxCode code =
      Compile(R"(kernel @approximations(%x: buffer<f32, 64>, %y: buffer<f32, 64>) grid 1 block 64 {
  %v = load %x[thread] : f32
  %unused = rsqrt_approx(add(%v, 1))
  store %y[thread] = add(exp2_approx_ftz(%v), rcp_approx_ftz(%v))
  store %x[thread] = rsqrt_approx(%v)
}
)");
  for (const char* part :
       {"ex2.approx.ftz.f32 %f", "rcp.approx.ftz.f32 %f", "rsqrt.approx.f32 %f"}) {
    EXPECT_NE(code.ptx.find(part), std::string::npos) << part << "\n" << code.ptx;
  }
  EXPECT_EQ(code.ptx.find("rsqrt.approx"), code.ptx.rfind("rsqrt.approx")) << code.ptx;
}

TEST_P(PtxKernels, BigSharedMemoryIsDynamic) {
  const codegen::PtxCode code =
      Compile(R"(kernel @big(%y: buffer<f32, 64>) grid 1 block 32 dynamic_shared 16
    shared %a: f32[16384] shared %b: f32[64] overlaps %a {
  store %a[thread] = 1
  warp_sync
  store %y[thread] = load %b[thread] : f32
}
kernel @small(%y: buffer<f32, 64>) grid 1 block 32 shared %a: f32[32] {
  store %a[thread] = 1
  store %y[thread] = load %a[thread] : f32
}
)");
  EXPECT_EQ(code.dynamic_shared_bytes, (std::vector<int64_t>{65536 + 16, 0}));
  EXPECT_NE(code.ptx.find(".extern .shared"), std::string::npos) << code.ptx;
}

TEST_P(PtxKernels, Roles) {
  Compile(R"(kernel @roles(%y: buffer<s32, 512>) grid 2 block 256 shared %s: s32[128] {
  roles {
    warps 0..3: { store %s[thread] = thread }
    warps 4..7: { store %y[block * 256 + thread] = thread * 2 }
  }
  barrier
  if thread < 128 { store %y[block * 256 + thread] = load %s[127 - thread] : s32 }
}
)");
}

TEST_P(PtxKernels, MaskedVectors) {
  for (const char* type : {"f32", "bf16", "u8", "f64", "pred", "u4"}) {
    for (int lanes : {2, 3, 4, 8, 16}) {
      const std::string vector = absl::StrCat(type, "x", lanes);
      const codegen::PtxCode code = Compile(absl::StrCat(
          "kernel @masked(%x: buffer<", type, ", 1000, readonly>, %y: buffer<", type,
          ", 1000>) grid 8 block 32 {\n  %first = (block * 32 + thread) * ", lanes,
          "\n  %inside = lt(add(broadcast(%first) : s32x", lanes, ", iota : s32x", lanes,
          "), 1000)\n  store %y[%first] mask %inside = load %x[%first] : ", vector,
          " mask %inside\n}\n"));
      EXPECT_EQ(code.ptx.find(".local"), std::string::npos) << vector;
    }
  }
}

TEST_P(PtxKernels, Bitcasts) {
  for (const char* from : {"u8x8", "s16x4", "f32x2", "f64", "f16x4", "u4x16", "f4e2m1fnx16"}) {
    for (const char* to : {"u8x8", "u16x4", "s32x2", "u64", "bf16x4", "s4x16", "u2x32"}) {
      const codegen::PtxCode code = Compile(absl::StrCat(
          "kernel @cast(%x: buffer<u64, 32, readonly>, %y: buffer<u64, 32>) grid 1 block 32 {\n",
          "  %a = bitcast(load %x[thread] : u64) : ", from, "\n  %b = bitcast(%a) : ", to,
          "\n  store %y[thread] = bitcast(%b) : u64\n}\n"));
      EXPECT_EQ(code.ptx.find(".local"), std::string::npos) << from << " to " << to;
    }
  }
}

TEST_P(PtxKernels, AtomicsAndOrderedAccesses) {
  std::string body;
  int count = 0;
  const auto add = [&](auto... parts) { absl::StrAppend(&body, "  ", parts..., "\n"); };
  for (const char* scope : {"block", "gpu", "system", "cluster"}) {
    if (target().capability < 90 && absl::string_view(scope) == "cluster") continue;
    for (const char* type : {"s32", "u32", "s64", "u64", "f32", "f64", "f16", "bf16"}) {
      const bool half = type[1] == '1' || type[0] == 'b';
      for (const char* space : {"g", "s"}) {
        const std::string buffer = absl::StrCat("%", space, "_", type, "[0]");
        for (const char* order : {"relaxed", "acquire", "release", "acquire_release"}) {
          for (const char* kind : {"add", "min", "max", "and", "or", "xor", "exchange"}) {
            const bool is_add = absl::string_view(kind) == "add";
            if (half && !is_add) continue;
            if (type[0] == 'f' && !is_add && absl::string_view(kind) != "exchange") continue;
            add("%a", count++, " = atomic ", kind, " ", order, " ", scope, " ", buffer,
                ", 1:", type);
            if (half) {
              add("%a", count++, " = atomic ", kind, " ", order, " ", scope, " ", buffer,
                  ", 1:", type, "x2");
            }
          }
          if (half) continue;
          add("%a", count++, " = atomic compare_exchange ", order, " ", scope, " ", buffer,
              ", 1:", type, ", 2:", type);
        }
      }
    }
    for (const char* type : {"pred", "u8", "s16", "f32", "f64", "bf16", "f8e5m2", "u4"}) {
      for (const char* space : {"g", "s"}) {
        const std::string from = absl::StrCat("%", space, "_", type, "[1]");
        for (const char* order : {"relaxed", "acquire"}) {
          add("%a", count++, " = load ", from, " : ", type, " ", order, " ", scope);
        }
        for (const char* order : {"relaxed", "release"}) {
          add("store ", from, " ", order, " ", scope, " = %a", count - 1);
        }
      }
    }
  }
  std::string parameters, shared;
  for (const char* type : {"s32", "u32", "s64", "u64", "f32", "f64", "f16", "bf16", "pred", "u8",
                           "s16", "f8e5m2", "u4"}) {
    absl::StrAppend(&parameters, parameters.empty() ? "" : ", ", "%g_", type, ": buffer<", type,
                    ", 4>");
    absl::StrAppend(&shared, " shared %s_", type, ": ", type, "[4]");
  }
  Compile(absl::StrCat("kernel @atomics(", parameters, ")\n    grid 1 block 32", shared, " {\n",
                       body, "}\n"));
}

INSTANTIATE_TEST_SUITE_P(Targets, PtxKernels, testing::Values("sm_80", "sm_90a"));

}  // namespace
}  // namespace ingot::test
