// Control, vars, vectors, memory and intrinsics: values of kernels written by hand.
#include <chrono>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "tests/compiler/kernel/simulator/harness.h"

namespace ingot::kernel::simulator {
namespace {

template <typename Function>
std::vector<int32_t> Numbers(int count, const Function& function) {
  std::vector<int32_t> numbers;
  for (int i = 0; i < count; ++i) numbers.push_back(function(i));
  return numbers;
}

TEST(Values, ThreadsTakeTheirOwnBranches) {
  Launched launched(
      "kernel @k(%y: buffer<s32, 96>) grid 2 block 48 {\n"
      "  %i = block*48 + thread\n"
      "  var %v: s32 = 5\n"
      "  if rem(%i, 3) == 0 {\n"
      "    if rem(%i, 2) == 0 { %v = %i } else { %v = %v + 100 }\n"
      "  } else { %v = %v - %i }\n"
      "  store %y[%i] = %v\n}");
  launched.RunWell();
  EXPECT_EQ(launched.Get<int32_t>("y"), Numbers(96, [](int i) {
              return i % 3 != 0 ? 5 - i : i % 2 == 0 ? i : 105;
            }));
}

TEST(Values, ThreadsLeaveLoopsOneByOne) {
  Launched launched(
      "kernel @k(%y: buffer<s32, 64>) grid 1 block 64 {\n"
      "  var %sum: s32 = 0\n"
      "  for %i = rem(thread, 5) to thread step 3 { %sum = %sum + %i }\n"
      "  for %j = thread to 60 step -2 { %sum = %sum + 1000 }\n"
      "  var %n: s32 = thread\n"
      "  while { yield %n > 1 } do {\n"
      "    if rem(%n, 2) == 0 { %n = div(%n, 2) } else { %n = %n*3 + 1 }\n"
      "    %sum = %sum + 1\n  }\n"
      "  store %y[thread] = %sum\n}");
  launched.RunWell();
  EXPECT_EQ(launched.Get<int32_t>("y"), Numbers(64, [](int thread) {
              int sum = 0;
              for (int i = thread % 5; i < thread; i += 3) sum += i;
              for (int j = thread; j > 60; j -= 2) sum += 1000;
              for (int n = thread; n > 1; ++sum) n = n % 2 == 0 ? n / 2 : n * 3 + 1;
              return sum;
            }));
}

TEST(Values, Fragments) {
  Launched launched(
      "kernel @k(%y: buffer<s32, 64>) grid 1 block 32 {\n"
      "  var %frag: s32x2[4] = broadcast(thread) : s32x2\n"
      "  for %i = 0 to 4 unroll 4 {\n"
      "    %frag[3 - %i] = add(%frag[%i], broadcast(%i) : s32x2)\n  }\n"
      "  for %d: s64 = 2, 0 { %frag[%d] = mul(%frag[%d], build(2, 3)) }\n"
      "  if thread < 7 { %frag[0] = 0 }\n"
      "  store %y[thread*2] = add(%frag[0], mul(%frag[2], 100))\n}");
  launched.RunWell();
  EXPECT_EQ(launched.Get<int32_t>("y"), Numbers(64, [](int i) {
              const int thread = i / 2, lane = i % 2;
              int frag[4] = {thread, thread, thread, thread};
              for (int k = 0; k < 4; ++k) frag[3 - k] = frag[k] + k;
              for (int k : {2, 0}) frag[k] *= lane == 0 ? 2 : 3;
              if (thread < 7) frag[0] = 0;
              return frag[0] + 100 * frag[2];
            }));
}

TEST(Values, VectorRows) {
  Launched launched(
      "kernel @k(%x: buffer<s32, 4, readonly>, %y: buffer<s32, 24>) grid 1 block 1 {\n"
      "  %v = load %x[0] : s32x4\n  %w = build(extract(%v, 3), 9, extract(%v, 1))\n"
      "  store %y[0] = %w\n  store %y[3] align 4 = insert(%w, 5, 1)\n"
      "  store %y[6] align 4 = vector_shuffle(%v, iota : s32x4, [7, 0, 0, 4, 3, 2])\n"
      "  store %y[12] align 4 = extract(vector_shuffle(%w, %w, [5, 0]), 0)\n"
      "  store %y[13] align 4 = broadcast(extract(%v, 2)) : s32x2\n}");
  launched.Set<int32_t>("x", {10, 11, 12, 13}).RunWell();
  EXPECT_EQ(launched.Get<int32_t>("y"),
            (std::vector<int32_t>{13, 9,  11, 13, 5, 11, 3, 10, 10, 0, 13, 12,
                                  11, 12, 12, 0,  0, 0,  0, 0,  0,  0, 0,  0}));
}

TEST(Values, BitcastsOfAllWidths) {
  for (const char* from : {"u8x8", "s16x4", "f32x2", "f64", "f16x4", "u4x16", "f4e2m1fnx16"}) {
    for (const char* to : {"u8x8", "u16x4", "s32x2", "u64", "bf16x4", "s4x16", "u2x32"}) {
      Launched launched(absl::StrCat(
          "kernel @cast(%x: buffer<u64, 32, readonly>, %y: buffer<u64, 32>) grid 1 block 32 {\n",
          "  %a = bitcast(load %x[thread] : u64) : ", from, "\n  %b = bitcast(%a) : ", to,
          "\n  store %y[thread] = bitcast(%b) : u64\n}\n"));
      std::vector<uint64_t> values;
      for (uint64_t i = 0; i < 32; ++i) values.push_back(0x0123456789abcdef * (2 * i + 1));
      launched.Set("x", values).RunWell();
      EXPECT_EQ(launched.Get<uint64_t>("y"), values) << from << " to " << to;
    }
  }
}

TEST(Values, NarrowElementsInMemory) {
  Launched launched(
      "kernel @k(%x: buffer<s4, 32, readonly>, %p: buffer<pred, 32>, %y: buffer<s4, 32>)\n"
      "    grid 1 block 32 {\n"
      "  %v = load %x[thread] : s4\n  store %y[thread] = %v\n"
      "  store %p[thread] = lt(s32(%v), 0)\n}");
  std::vector<int8_t> numbers;
  for (int i = 0; i < 32; ++i) numbers.push_back(static_cast<int8_t>(i % 16 - 8));
  launched.Set("x", numbers).RunWell();
  EXPECT_EQ(launched.Get<int8_t>("y"), numbers);
  for (int i = 0; i < 32; ++i) EXPECT_EQ(launched.Get<uint8_t>("p")[i], numbers[i] < 0) << i;
}

TEST(Values, BetweenLanes) {
  Launched launched(
      "kernel @k(%y: buffer<s32, 320>, %z: buffer<f64, 32>) grid 1 block 32 {\n"
      "  store %y[thread] = shuffle_xor(thread, 5)\n"
      "  store %y[32 + thread] = shuffle_up(thread, 3)\n"
      "  store %y[64 + thread] = shuffle_down(thread, 3)\n"
      "  store %y[96 + thread] = shuffle_idx(thread, thread*7)\n"
      "  store %y[128 + thread] = bitcast(ballot(thread < 5)) : s32\n"
      "  store %y[160 + thread] = redux_add_s32(thread)\n"
      "  store %y[192 + thread] = redux_min_s32(thread - 9)\n"
      "  store %y[224 + thread] = bitcast(redux_xor_u32(bitcast(thread) : u32)) : s32\n"
      "  store %y[256 + thread] = bitcast(redux_or_u32(bitcast(thread) : u32)) : s32\n"
      "  store %y[288 + thread] = select(elect, 1, 0)\n"
      "  store %z[thread] = shuffle_xor(f64(thread), 1)\n}");
  launched.RunWell();
  const std::vector<int32_t> y = launched.Get<int32_t>("y");
  int elected = 0;
  for (int i = 0; i < 32; ++i) {
    EXPECT_EQ(y[i], i ^ 5);
    EXPECT_EQ(y[32 + i], i < 3 ? i : i - 3);
    EXPECT_EQ(y[64 + i], i > 28 ? i : i + 3);
    EXPECT_EQ(y[96 + i], i * 7 % 32);
    EXPECT_EQ(y[128 + i], 31);
    EXPECT_EQ(y[160 + i], 496);
    EXPECT_EQ(y[192 + i], -9);
    EXPECT_EQ(y[224 + i], 0);
    EXPECT_EQ(y[256 + i], 31);
    elected += y[288 + i];
    EXPECT_EQ(launched.Get<double>("z")[i], i ^ 1);
  }
  EXPECT_EQ(elected, 1);
}

TEST(Values, IdsScalarsAndThreeAxes) {
  Launched launched(
      "kernel @k(%n: s32, %y: buffer<s32, 192>) grid 2x2x1 block 4x3x4 {\n"
      "  %i = ((block.y*2 + block)*4 + thread.z)*12 + thread.y*4 + thread\n"
      "  store %y[%i] = warp*1000 + lane + %n\n}");
  launched.SetScalar("n", static_cast<uint64_t>(-7) & 0xffffffff).RunWell();
  EXPECT_EQ(launched.Get<int32_t>("y"),
            Numbers(192, [](int i) { return i % 48 / 32 * 1000 + i % 48 % 32 - 7; }));
}

TEST(Values, Tasks) {
  Launched launched("kernel @k(%y: buffer<s64, 70>) tasks 70 { store %y[69 - task] = task*task }");
  launched.RunWell();
  for (int64_t i = 0; i < 70; ++i) EXPECT_EQ(launched.Get<int64_t>("y")[69 - i], i * i);
}

TEST(Values, AtomicsOfAllKinds) {
  Launched launched(
      "kernel @k(%c: buffer<s32, 8>, %f: buffer<f32, 1>, %h: buffer<bf16, 2>, %old: buffer<s32, "
      "64>)\n"
      "    grid 2 block 32 {\n"
      "  %t = block*32 + thread\n"
      "  atomic add relaxed gpu %c[0], %t\n  atomic min relaxed gpu %c[1], %t\n"
      "  atomic max relaxed gpu %c[2], %t\n  atomic and relaxed gpu %c[3], -1 - %t\n"
      "  atomic or relaxed gpu %c[4], %t\n  atomic xor relaxed gpu %c[5], %t\n"
      "  atomic compare_exchange relaxed gpu %c[6], %t, %t + 1\n"
      "  atomic exchange relaxed gpu %c[7], %t\n"
      "  atomic add relaxed gpu %f[0], 0.5\n"
      "  atomic add relaxed gpu %h[0], build(1:bf16, 2:bf16)\n"
      "  store %old[%t] = atomic add relaxed gpu %c[0], 0\n}");
  launched.Set<int32_t>("c", {1, 50, -1, -1, 0, 0, 0, -1}).Set<float>("f", {1});
  launched.Set<uint16_t>("h", {0, 0x3f80}).RunWell();
  const std::vector<int32_t> c = launched.Get<int32_t>("c");
  EXPECT_EQ(c[0], 1 + 2016);
  EXPECT_EQ(c[1], 0);
  EXPECT_EQ(c[2], 63);
  EXPECT_EQ(c[3], -64);
  EXPECT_EQ(c[4], 63);
  EXPECT_EQ(c[5], 0);
  EXPECT_EQ(c[6], 64);
  EXPECT_EQ(launched.Get<float>("f")[0], 33);
  EXPECT_EQ(launched.Get<uint16_t>("h"), (std::vector<uint16_t>{0x4280, 0x4301}));  // 64, 129
}

TEST(Values, ARowSumOfTheDocs) {
  const char* const text =
      "kernel @row_sum(%x: buffer<f32, 8x512, readonly>, %y: buffer<f32, 8>)\n"
      "    grid 8 block 128 shared %s: f32[4] {\n"
      "  %v = load %x[block*512 + thread*4] : f32x4 stream\n"
      "  var %acc: f32 = sum_tree(%v)\n"
      "  for %d = 16, 8, 4, 2, 1 { %acc = add(%acc, shuffle_xor(%acc, %d)) }\n"
      "  if lane == 0 { store %s[warp] = %acc }\n  barrier\n"
      "  if thread == 0 { store %y[block] = sum_tree(load %s[0] : f32x4) }\n}";
  std::vector<float> x;
  for (int i = 0; i < 8 * 512; ++i) x.push_back(static_cast<float>(i % 512 + i / 512));
  for (uint64_t seed = 0; seed < 10; ++seed) {
    Launched launched(text);
    Options options;
    options.seed = seed;
    launched.Set("x", x).RunWell(options);
    for (int row = 0; row < 8; ++row) {
      EXPECT_EQ(launched.Get<float>("y")[row], 512 * 511 / 2 + 512 * row);
    }
  }
}

// Not a test of time: prints what a core does a second, with all checks.
TEST(Values, Speed) {
  Launched launched(
      "kernel @k(%x: buffer<f32, 1048576, readonly>, %y: buffer<f32, 1048576>)\n"
      "    grid 1024 block 256 shared %s: f32[1024] {\n"
      "  %i = block*1024 + thread*4\n"
      "  %v = load %x[%i] : f32x4\n"
      "  store %s[thread*4] = mul(%v, 2)\n  barrier\n"
      "  %w = load %s[(255 - thread)*4] : f32x4\n"
      "  var %acc: f32x4 = %w\n"
      "  for %k = 0 to 16 { %acc = fma(%acc, %v, add(%w, f32x4(broadcast(%k) : s32x4))) "
      "}\n"
      "  store %y[%i] = %acc\n}");
  launched.Set("x", std::vector<float>(1 << 20, 0.5f));
  const auto start = std::chrono::steady_clock::now();
  const Report report = launched.RunWell();
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
  std::printf("%.0f million thread operations a second\n",
              report.counters.thread_operations / time.count() / 1e6);
}

}  // namespace
}  // namespace ingot::kernel::simulator
