// Whole kernels on the host, by their results: control flow, vars, masks, atomics, vectors.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cmath>
#include <cstring>
#include <thread>

#include "absl/strings/str_cat.h"
#include "compiler/codegen/llvm/llvm_codegen.h"
#include "compiler/kernel/arithmetic.h"
#include "runtime/host/elf_loader.h"
#include "runtime/host/kernel_abi.h"
#include "tests/compiler/codegen/parse.h"

namespace ingot::test {
namespace {

// A host kernel in memory, by the runtime's loader.
class HostKernel {
 public:
  explicit HostKernel(const std::string& text) {
    const Target& target = *HostTarget();
    const kernel::KernelModule module = Parse(text, &target);
    if (module.kernels.size() != 1) return;
    tasks_ = module.kernels[0]->launch().tasks;
    auto code = codegen::CompileForHost(module, target);
    EXPECT_TRUE(code.ok()) << code.status();
    if (!code.ok()) return;
    auto image = runtime::ElfImage::Load(
        {reinterpret_cast<const uint8_t*>(code->object.data()), code->object.size()});
    EXPECT_TRUE(image.ok()) << image.status();
    if (!image.ok()) return;
    image_ = *std::move(image);
    function_ = reinterpret_cast<runtime::HostKernel>(image_->Find(module.kernels[0]->name()));
  }

  // Every task; an argument is a pointer or a scalar of 8 bytes.
  template <typename... Arguments>
  void Run(Arguments... arguments) const {
    ASSERT_NE(function_, nullptr);
    const std::vector<uint64_t> slots = {Slot(arguments)...};
    function_(slots.data(), 0, tasks_);
  }
  runtime::HostKernel function() const { return function_; }
  int64_t tasks() const { return tasks_; }

 private:
  template <typename T>
  static uint64_t Slot(T* pointer) {
    return reinterpret_cast<uint64_t>(pointer);
  }
  template <typename T>
  static uint64_t Slot(T scalar) {
    uint64_t slot = 0;
    std::memcpy(&slot, &scalar, sizeof(scalar));
    return slot;
  }

  std::unique_ptr<runtime::ElfImage> image_;
  runtime::HostKernel function_ = nullptr;
  int64_t tasks_ = 0;
};

TEST(HostKernels, WhileAndIfOverVars) {
  const HostKernel kernel(R"(kernel @collatz(%x: buffer<s32, 100, readonly>, %y: buffer<s32, 100>)
    tasks 100 {
  var %n: s32 = load %x[task] : s32
  var %steps: s32 = 0
  while { yield %n != 1 } do {
    if and(%n, 1) == 1 { %n = %n * 3 + 1 } else { %n = div(%n, 2) }
    %steps = %steps + 1
  }
  store %y[task] = %steps
}
)");
  std::vector<int32_t> x(100), y(100);
  for (int i = 0; i < 100; ++i) x[i] = i + 1;
  kernel.Run(x.data(), y.data());
  for (int i = 0; i < 100; ++i) {
    int steps = 0;
    for (int64_t n = i + 1; n != 1; ++steps) n = n % 2 == 1 ? 3 * n + 1 : n / 2;
    EXPECT_EQ(y[i], steps) << i + 1;
  }
}

TEST(HostKernels, LoopsOfAllSorts) {
  // Trips: none, up, down, by steps that do not divide, nested, in a variable's bounds.
  const HostKernel kernel(R"(kernel @loops(%n: s32, %y: buffer<s32, 6>) tasks 1 {
  var %count: s32 = 0
  for %a = 0 to 0 - %n { %count = %count + 1 }
  store %y[0] = %count
  for %b = 0 to %n step 3 unroll 4 { %count = %count + %b }
  store %y[1] = %count
  %count = 0
  for %c = %n to 0 step -2 { %count = %count * 3 + %c }
  store %y[2] = %count
  %count = 0
  for %i = 0 to %n { for %j = %i to %n { for %k = 5, 7 { %count = %count + %j * %k } } }
  store %y[3] = %count
  var %sum: s64 = 0
  for %d: s64 = 0 to 3 unroll 3 { %sum = %sum * 10 + %d }
  store %y[4] = s32(%sum)
  %count = 0
  for %e = 0 to 100 step 7 { if %e > %n { %count = %count + %e } }
  store %y[5] = %count
}
)");
  constexpr int kN = 11;
  std::vector<int32_t> y(6), expected(6);
  kernel.Run(int32_t{kN}, y.data());
  for (int i = 0; i < kN; i += 3) expected[1] += i;
  for (int i = kN; i > 0; i -= 2) expected[2] = expected[2] * 3 + i;
  for (int i = 0; i < kN; ++i) {
    for (int j = i; j < kN; ++j) expected[3] += 12 * j;
  }
  expected[4] = 12;
  for (int i = 0; i < 100; i += 7) expected[5] += i > kN ? i : 0;
  EXPECT_EQ(y, expected);
}

TEST(HostKernels, ArraysOfVectors) {
  // Prefix sums of the rows in a fragment; a cell in a loop starts anew each time.
  const HostKernel kernel(R"(kernel @prefix(%x: buffer<f32, 16, readonly>, %y: buffer<f32, 16>)
    tasks 1 {
  var %rows: f32x4[4] = 0
  for %i = 0 to 4 unroll 4 { %rows[%i] = load %x[%i * 4] : f32x4 }
  for %k = 0 to 3 unroll 3 {
    var %twice: f32x4 = 0
    for %j = 1, 0 { %twice = add(%twice, %rows[%k + %j]) }
    %rows[%k + 1] = %twice
  }
  for %last = 3, 2, 1, 0 { store %y[12 - %last * 4] = %rows[%last] }
}
)");
  std::vector<float> x(16), y(16);
  for (int i = 0; i < 16; ++i) x[i] = i * i;
  kernel.Run(x.data(), y.data());
  for (int i = 0; i < 4; ++i) {
    float sum = 0;
    for (int row = 0; row < 4; ++row) {
      sum += x[4 * row + i];
      EXPECT_EQ(y[12 - 4 * row + i], sum) << row << " " << i;
    }
  }
}

// Memory that ends where no page follows: what is masked must not be touched.
class EdgeMemory {
 public:
  explicit EdgeMemory(size_t bytes) : bytes_(bytes) {
    pages_ = static_cast<char*>(
        mmap(nullptr, 2 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(pages_ + kPage, kPage, PROT_NONE);
  }
  ~EdgeMemory() { munmap(pages_, 2 * kPage); }
  template <typename T>
  T* data() const {
    return reinterpret_cast<T*>(pages_ + kPage - bytes_);
  }

 private:
  static constexpr size_t kPage = 4096;
  size_t bytes_;
  char* pages_;
};

template <typename T>
void CheckMasks(const char* type, int lanes) {
  constexpr int kCount = 37;
  const HostKernel kernel(absl::StrCat("kernel @masked(%x: buffer<", type, ", 37, readonly, align ",
                                       sizeof(T), ">, %y: buffer<", type, ", 37, align ", sizeof(T),
                                       ">) tasks ", kCount / lanes + 2, " {\n",
                                       "  %task = s32(task)\n  %first = %task * ", lanes, R"(
  %at = add(broadcast(%first) : s32x)",
                                       lanes, ", iota : s32x", lanes, R"()
  %inside = lt(%at, 37)
  %some = and(%inside, ne(rem(%at, 5), 2))
  %v = load %x[%first] : )",
                                       type, "x", lanes, " align ", sizeof(T), R"( mask %inside
  store %y[%first] align )",
                                       sizeof(T), R"( mask %some = %v
}
)"));
  const EdgeMemory x(kCount * sizeof(T)), y(kCount * sizeof(T));
  for (int i = 0; i < kCount; ++i) {
    x.data<T>()[i] = static_cast<T>(i + 1);
    y.data<T>()[i] = 99;
  }
  kernel.Run(x.data<T>(), y.data<T>());
  for (int i = 0; i < kCount; ++i) {
    EXPECT_EQ(y.data<T>()[i], static_cast<T>(i % 5 == 2 ? 99 : i + 1)) << type << " " << i;
  }
}

TEST(HostKernels, MaskedLanesTouchNothing) {
  for (int lanes : {2, 4, 8, 16, 32}) {
    CheckMasks<float>("f32", lanes);
    CheckMasks<double>("f64", lanes);
    CheckMasks<int8_t>("s8", lanes);
    CheckMasks<uint16_t>("u16", lanes);
    CheckMasks<int64_t>("s64", lanes);
  }
}

TEST(HostKernels, MaskedLanesAreZero) {
  const HostKernel kernel(
      R"(kernel @zeros(%x: buffer<f32, 8, readonly>, %n: s32, %y: buffer<f32, 8>)
    tasks 1 {
  store %y[0] = load %x[0] : f32x8 mask lt(iota : s32x8, broadcast(%n) : s32x8)
}
)");
  std::vector<float> x = {1, 2, 3, 4, 5, 6, 7, 8}, y(8);
  for (int n = 0; n <= 8; ++n) {
    kernel.Run(x.data(), int32_t{n}, y.data());
    for (int i = 0; i < 8; ++i) EXPECT_EQ(y[i], i < n ? i + 1 : 0) << n;
  }
}

TEST(HostKernels, ScalarParameters) {
  const HostKernel kernel(R"(kernel @scalars(%p: pred, %a: f16, %b: s8, %c: f64, %y: buffer<f64, 1>)
    tasks 1 {
  %sum = add(add(f64(%a), f64(%b)), %c)
  store %y[0] = select(%p, %sum, neg(%sum))
}
)");
  std::vector<double> y(1);
  kernel.Run(uint64_t{1}, uint16_t{0x3e00}, int8_t{-3}, 10.25, y.data());
  EXPECT_EQ(y[0], 8.75);
  kernel.Run(uint64_t{0}, uint16_t{0x3e00}, int8_t{-3}, 10.25, y.data());
  EXPECT_EQ(y[0], -8.75);
}

TEST(HostKernels, VectorRows) {
  const HostKernel kernel(R"(kernel @vectors(%x: buffer<s32, 4, readonly>, %y: buffer<s32, 24>)
    tasks 1 {
  %v = load %x[0] : s32x4
  %w = build(extract(%v, 3), 9, extract(%v, 1))
  store %y[0] = %w
  store %y[3] align 4 = insert(%w, 5, 1)
  store %y[6] align 4 = vector_shuffle(%v, iota : s32x4, [7, 0, 0, 4, 3, 2])
  store %y[12] align 4 = extract(vector_shuffle(%w, %w, [5, 0]), 0)
  store %y[13] align 4 = broadcast(extract(%v, 2)) : s32x2
}
)");
  const std::vector<int32_t> x = {10, 11, 12, 13};
  std::vector<int32_t> y(24);
  kernel.Run(x.data(), y.data());
  const std::vector<int32_t> expected = {13, 9,  11, 13, 5, 11, 3, 10, 10, 0, 13, 12,
                                         11, 12, 12, 0,  0, 0,  0, 0,  0,  0, 0,  0};
  EXPECT_EQ(y, expected);
}

// bitcast from 8 bytes of any type to 8 bytes of any other.
TEST(HostKernels, Bitcasts) {
  for (const char* from : {"u8x8", "s16x4", "f32x2", "f64", "f16x4", "u4x16", "f4e2m1fnx16"}) {
    for (const char* to : {"u8x8", "u16x4", "s32x2", "u64", "bf16x4", "s4x16", "u2x32"}) {
      const HostKernel kernel(absl::StrCat("kernel @cast(%x: buffer<u64, 1, readonly>, ",
                                           "%y: buffer<u64, 1>) tasks 1 {\n  %a = bitcast(load ",
                                           "%x[0] : u64) : ", from, "\n  %b = bitcast(%a) : ", to,
                                           "\n  store %y[0] = bitcast(%b) : u64\n}\n"));
      uint64_t x = 0x0123456789abcdef, y = 0;
      kernel.Run(&x, &y);
      EXPECT_EQ(y, x) << from << " to " << to;
    }
  }
}

// Four threads run the tasks of one launch.
void RunInThreads(const HostKernel& kernel, std::vector<uint64_t> arguments) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      kernel.function()(arguments.data(), kernel.tasks() * i / 4, kernel.tasks() * (i + 1) / 4);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(HostKernels, Atomics) {
  const HostKernel kernel(R"(kernel @atomics(%i: buffer<s32, 8>, %l: buffer<u64, 8>,
    %f: buffer<f32, 2>, %d: buffer<f64, 2>, %h: buffer<bf16, 4>) tasks 4096 {
  %t = s32(task)
  %u = u64(task)
  %a0 = atomic add relaxed system %i[0], 1
  %a1 = atomic min relaxed system %i[1], 0 - %t
  %a2 = atomic max acquire system %i[2], %t
  %a3 = atomic xor release system %i[3], %t
  %b0 = atomic add relaxed system %l[0], %u
  %b1 = atomic min relaxed system %l[1], %u
  %b2 = atomic or acquire_release system %l[2], %u
  %b3 = atomic and relaxed system %l[3], not(%u)
  %c0 = atomic add relaxed system %f[0], 0.5
  %d0 = atomic add relaxed system %d[0], 0.25
  %h0 = atomic add relaxed system %h[0], select(lt(%t, 100), 1:bf16, 0:bf16)
  %h1 = atomic add relaxed system %h[2], broadcast(select(lt(%t, 64), 2:bf16, 0:bf16)) : bf16x2
  while { 
    %seen = atomic compare_exchange acquire system %i[4], 0, 1
    yield %seen != 0
  } do { }
  %before = load %i[5] : s32
  store %i[5] = %before + 1
  store %i[4] release system = 0
}
)");
  std::vector<int32_t> i(8);
  std::vector<uint64_t> l = {0, ~uint64_t{0}, 0, ~uint64_t{0}, 0, 0, 0, 0};
  std::vector<float> f(2);
  std::vector<double> d(2);
  std::vector<uint16_t> h(4);
  ASSERT_NE(kernel.function(), nullptr);
  RunInThreads(kernel, {reinterpret_cast<uint64_t>(i.data()), reinterpret_cast<uint64_t>(l.data()),
                        reinterpret_cast<uint64_t>(f.data()), reinterpret_cast<uint64_t>(d.data()),
                        reinterpret_cast<uint64_t>(h.data())});
  EXPECT_EQ(i, (std::vector<int32_t>{4096, -4095, 4095, 0, 0, 4096, 0, 0}));
  EXPECT_EQ(l, (std::vector<uint64_t>{4096 * 4095 / 2, 0, 4095, ~uint64_t{4095}, 0, 0, 0, 0}));
  EXPECT_EQ(f[0], 2048);
  EXPECT_EQ(d[0], 1024);
  const auto bf16 = [](double value) {
    return static_cast<uint16_t>(kernel::FloatBits(ElementType::kBF16, value));
  };
  EXPECT_EQ(h, (std::vector<uint16_t>{bf16(100), 0, bf16(128), bf16(128)}));
}

// Threads compile at once, for both kinds of target.
TEST(HostKernels, CompileInThreads) {
  const std::string host = "kernel @k(%y: buffer<f32, 8>) tasks 8 { store %y[task] = f32(task) }\n";
  const std::string gpu =
      "kernel @k(%y: buffer<f32, 8>) grid 1 block 8 { store %y[thread] = 1.5 }\n";
  const codegen::HostCode object =
      *codegen::CompileForHost(Parse(host, HostTarget()), *HostTarget());
  const codegen::PtxCode ptx = *codegen::CompileToPtx(Parse(gpu, nullptr), **FindTarget("sm_80"));
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 10; ++j) {
        const kernel::KernelModule on_host = Parse(host, HostTarget());
        const kernel::KernelModule on_gpu = Parse(gpu, nullptr);
        EXPECT_EQ(codegen::CompileForHost(on_host, *HostTarget())->object, object.object);
        EXPECT_EQ(codegen::CompileToPtx(on_gpu, **FindTarget("sm_80"))->ptx, ptx.ptx);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(HostKernels, Refusals) {
  const Target& host = *HostTarget();
  const Target& gpu = **FindTarget("sm_80");
  const kernel::KernelModule for_gpu = Parse("kernel @k() grid 1 block 32 { }\n", nullptr);
  const kernel::KernelModule for_host = Parse("kernel @k() tasks 1 { }\n", nullptr);
  EXPECT_EQ(codegen::CompileForHost(for_gpu, host).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(codegen::CompileForHost(for_host, gpu).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(codegen::CompileToPtx(for_gpu, host).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(codegen::CompileToPtx(for_host, gpu).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(HostKernels, TextsOnDemand) {
  const kernel::KernelModule module =
      Parse("kernel @k(%y: buffer<f32, 1>) tasks 1 { store %y[0] = 1.5 }\n", nullptr);
  codegen::CodegenOptions options;
  EXPECT_TRUE(codegen::CompileForHost(module, *HostTarget(), options)->texts.llvm.empty());
  options.keep_texts = true;
  const auto code = codegen::CompileForHost(module, *HostTarget(), options);
  ASSERT_TRUE(code.ok()) << code.status();
  EXPECT_NE(code->texts.llvm.find("define void @k("), std::string::npos);
  EXPECT_NE(code->texts.optimized.find("define void @k("), std::string::npos);
  EXPECT_NE(code->texts.assembly.find("k:"), std::string::npos);
}

}  // namespace
}  // namespace ingot::test
