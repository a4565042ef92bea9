// mbarriers, bulk copies, named barriers with ids in registers, clusters: what they do under many
// schedules, and that what is left out is found.
#include <random>

#include "absl/strings/str_cat.h"
#include "tests/compiler/kernel/asynchronous_kernels.h"
#include "tests/compiler/kernel/simulator/harness.h"

namespace ingot::kernel::simulator {
namespace {

using test::BoxKernel;
using test::kBulkLoad;
using test::kBulkStore;
using test::kCluster;
using test::kRing;
using test::kTensorStore;

constexpr uint64_t kSchedules = 12;

Options Seeded(uint64_t seed) {
  Options options;
  options.seed = seed;
  return options;
}

std::vector<float> Numbers(int count, float first = 0) {
  std::vector<float> values(count);
  for (int i = 0; i < count; ++i) values[i] = first + static_cast<float>(i);
  return values;
}

// `text` with `from` replaced, which has to be there.
std::string Planted(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

// ----- Loads

TEST(Bulk, Loads) {
  for (uint64_t seed = 0; seed < kSchedules; ++seed) {
    Launched launched(kBulkLoad);
    launched.Set("x", Numbers(256)).RunWell(Seeded(seed));
    const std::vector<float> y = launched.Get<float>("y");
    for (int i = 0; i < 256; ++i) ASSERT_EQ(y[i], i / 64 * 64 + 63 - i % 64) << i;
  }
}

TEST(Bulk, WhatALoadLacks) {
  struct Case {
    const char* from;
    const char* to;
    FaultKind kind;
    std::vector<std::string> words;
  };
  const Case kCases[] = {
      // Nobody waits.
      {"  while { yield not(mbarrier_try_wait(%bar[0], 0)) } do {}\n",
       "",
       FaultKind::kRace,
       {"%s", "bulk_load"}},
      // The wrong phase: parity 1 counts as complete.
      {"(%bar[0], 0))", "(%bar[0], 1))", FaultKind::kRace, {"%s", "bulk_load"}},
      // Too few bytes, or too early: what comes is not what is missing.
      {"expect(%bar[0], 256)",
       "expect(%bar[0], 128)",
       FaultKind::kDeadlock,
       {"in phase 0, 0 of 1 arrivals and -128 bytes are missing"}},
      {"expect(%bar[0], 256)", "expect(%bar[0], 0)", FaultKind::kRace, {"%s", "bulk_load"}},
      // Too many, too many arrivals: it never ends.
      {"expect(%bar[0], 256)",
       "expect(%bar[0], 272)",
       FaultKind::kDeadlock,
       {"waits for the phase of parity 0", "in phase 0, 0 of 1 arrivals and 16 bytes are missing"}},
      {"init(%bar[0], 1)",
       "init(%bar[0], 2)",
       FaultKind::kDeadlock,
       {"1 of 2 arrivals and 0 bytes are missing"}},
      // Nobody sees the mbarrier, or nobody made it.
      {"    fence_mbarrier_init\n", "", FaultKind::kRace, {"fence_mbarrier_init and a barrier"}},
      {"  barrier\n", "", FaultKind::kRace, {"%bar", "mbarrier_init"}},
      {"    mbarrier_init(%bar[0], 1)\n", "", FaultKind::kBarrier, {"mbarrier_init has to come"}},
      // Copies that the engine refuses.
      {"%x[block * 64], 256", "%x[block * 64], 252", FaultKind::kMisaligned, {"252 bytes"}},
      {"%x[block * 64], 256", "%x[block * 64 + 1], 240", FaultKind::kMisaligned, {"%x"}},
      {"%x[block * 64], 256", "%x[block * 68], 256", FaultKind::kOutOfBounds, {"%x"}},
      // The block is gone before its bytes come.
      {"  while { yield not(mbarrier_try_wait(%bar[0], 0)) } do {}\n  store %y[block * 64 + "
       "thread] "
       "= load %s[63 - thread] : f32\n",
       "",
       FaultKind::kCopyInFlight,
       {"ends while 256 bytes"}},
      // Written while it is filled.
      {"  while {", "  store %s[thread] = 1\n  while {", FaultKind::kRace, {"%s"}},
      // A generic write that the engine does not see before its own.
      {"    mbarrier_arrive_expect",
       "    store %s[3] = 1\n    mbarrier_arrive_expect",
       FaultKind::kRace,
       {"the async proxy does not see it", "fence_proxy_async_shared"}},
      {"    mbarrier_init(%bar[0], 1)\n",
       "    mbarrier_init(%bar[0], 1)\n    "
       "mbarrier_init(%bar[0], 1)\n",
       FaultKind::kBarrier,
       {"one already"}},
      {"    mbarrier_arrive_expect",
       "    mbarrier_arrive(%bar[0])\n"
       "    mbarrier_arrive_expect",
       FaultKind::kRace,
       {"%s"}},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.to);
    for (uint64_t seed : {uint64_t{0}, uint64_t{3}}) {
      Launched launched(Planted(kBulkLoad, c.from, c.to));
      launched.Set("x", Numbers(256)).RunToFault(c.kind, c.words, seed);
    }
  }
}

TEST(Bulk, AFencedWriteBeforeALoad) {
  Launched launched(Planted(kBulkLoad, "    mbarrier_arrive_expect",
                            "    store %s[3] = 1\n    fence_proxy_async_shared\n"
                            "    mbarrier_arrive_expect"));
  launched.Set("x", Numbers(256)).RunWell();
}

// A ring of two stages: a producer warp fills, a consumer warp empties; 7 tiles, so that phases
// wrap.

TEST(Bulk, ARingOfStages) {
  for (uint64_t seed = 0; seed < 3 * kSchedules; ++seed) {
    Launched launched(kRing);
    launched.Set("x", Numbers(224)).RunWell(Seeded(seed));
    EXPECT_EQ(launched.Get<float>("y"), Numbers(224, 1)) << seed;
  }
}

TEST(Bulk, WhatARingLacks) {
  struct Case {
    const char* from;
    const char* to;
    FaultKind kind;
    std::vector<std::string> words;
  };
  const Case kCases[] = {
      // The producer does not wait for an empty stage, or for the wrong phase of it.
      {"xor(%parity, 1))) } do {}\n          mbarrier_arrive_expect",
       "1)) } do {}\n          mbarrier_arrive_expect",
       FaultKind::kDeadlock,
       {"of the mbarrier", "missing"}},
      {"          while { yield not(mbarrier_try_wait(%empty[%stage], xor(%parity, 1))) } do {}\n",
       "",
       FaultKind::kRace,
       {"%s"}},
      // The consumer gives a stage back before it has read it, or never.
      {"        store %y[%j * 32 + lane] = add(load %s[%slot * 32 + lane] : f32, 1)\n"
       "        mbarrier_arrive(%empty[%slot])\n",
       "        mbarrier_arrive(%empty[%slot])\n"
       "        store %y[%j * 32 + lane] = add(load %s[%slot * 32 + lane] : f32, 1)\n",
       FaultKind::kRace,
       {"%s"}},
      {"        mbarrier_arrive(%empty[%slot])\n",
       "",
       FaultKind::kDeadlock,
       {"warp 0 of block 0 waits for the phase of parity 0", "32 of 32 arrivals"}},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.to);
    Launched launched(Planted(kRing, c.from, c.to));
    launched.Set("x", Numbers(224)).RunToFault(c.kind, c.words);
  }
}

// ----- Stores

TEST(Bulk, Stores) {
  for (uint64_t seed = 0; seed < kSchedules; ++seed) {
    Launched launched(kBulkStore);
    launched.RunWell(Seeded(seed));
    EXPECT_EQ(launched.Get<float>("y"), Numbers(128, 1));
  }
}

TEST(Bulk, WhatAStoreLacks) {
  struct Case {
    const char* from;
    const char* to;
    FaultKind kind;
    std::vector<std::string> words;
  };
  const Case kCases[] = {
      {"    fence_proxy_async_shared\n",
       "",
       FaultKind::kRace,
       {"%s", "the async proxy does not see it"}},
      // A fence that the writer does before it writes.
      {"    store %s[thread] = f32(block * 64 + thread + %i)\n    fence_proxy_async_shared\n",
       "    fence_proxy_async_shared\n    store %s[thread] = f32(block * 64 + thread + %i)\n",
       FaultKind::kRace,
       {"%s"}},
      {"      bulk_wait(0)\n", "", FaultKind::kRace, {"%s", "bulk_store", "waited for"}},
      {"      bulk_commit\n", "", FaultKind::kRace, {"%s"}},
      // The source is read: it may be written again; but the two writes of %y are in no order.
      {"bulk_wait(0)", "bulk_wait_read(0)", FaultKind::kRace, {"%y"}},
      {"bulk_wait(0)", "bulk_wait(1)", FaultKind::kRace, {"%s"}},
      {"    barrier\n    if", "    if", FaultKind::kRace, {"%s"}},
      {"%y[block * 64]", "%y[block * 65]", FaultKind::kOutOfBounds, {"%y"}},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.to);
    for (uint64_t seed : {uint64_t{0}, uint64_t{5}}) {
      Launched(Planted(kBulkStore, c.from, c.to)).RunToFault(c.kind, c.words, seed);
    }
  }
}

TEST(Bulk, AStoreHasToHaveReadItsSourceWhenItsWarpEnds) {
  const std::string text =
      "kernel @k(%y: buffer<f32, 32>) grid 1 block 32 shared %s: f32[32] align 128 {\n"
      "  store %s[thread] = f32(thread)\n  fence_proxy_async_shared\n  warp_sync\n"
      "  if thread == 0 {\n    bulk_store(%y[0], %s[0], 128)\n    bulk_commit\n"
      "    bulk_wait_read(0)\n  }\n}\n";
  Launched launched(text);
  launched.RunWell();
  EXPECT_EQ(launched.Get<float>("y"), Numbers(32));
  Launched(Planted(text, "    bulk_wait_read(0)\n", ""))
      .RunToFault(FaultKind::kCopyInFlight, {"source may not have been read"});
}

TEST(Bulk, ReductionsOfBlocksAddUp) {
  for (uint64_t seed = 0; seed < kSchedules; ++seed) {
    Launched launched(
        "kernel @k(%y: buffer<f32, 32>) grid 5 block 32 shared %s: f32[32] align 128 {\n"
        "  store %s[thread] = f32(thread)\n  fence_proxy_async_shared\n  warp_sync\n"
        "  if thread == 0 {\n    bulk_reduce_add_f32(%y[0], %s[0], 128)\n    bulk_commit\n"
        "    bulk_wait(0)\n  }\n}\n");
    launched.Set("y", std::vector<float>(32, 1)).RunWell(Seeded(seed));
    const std::vector<float> y = launched.Get<float>("y");
    for (int i = 0; i < 32; ++i) ASSERT_EQ(y[i], 1 + 5 * i);
  }
}

// ----- Tensor maps

TEST(Tensor, ABoxInsideAndOutside) {
  // 40 × 24 of rows of 48; boxes of 8 × 4.
  for (const auto& [column, row] : {std::pair{0, 0},
                                    {4, 3},
                                    {36, 22},
                                    {-4, -2},
                                    {40, 0},
                                    {0, 24},
                                    {-100, 5},
                                    {36, -1},
                                    {-4, 23}}) {
    for (uint64_t seed = 0; seed < 4; ++seed) {
      Launched launched(
          BoxKernel("f32, 40x24, strides 192, box 8x4", 32, absl::StrCat(column, ", ", row)));
      launched.Set("x", Numbers(4096, 1)).RunWell(Seeded(seed));
      const std::vector<float> y = launched.Get<float>("y");
      for (int i = 0; i < 32; ++i) {
        const int c = column + i % 8, r = row + i / 8;
        const bool inside = c >= 0 && c < 40 && r >= 0 && r < 24;
        ASSERT_EQ(y[i], inside ? 1 + r * 48 + c : 0) << column << ", " << row << " at " << i;
      }
    }
  }
}

// A card traps there.
TEST(Tensor, ABoxBeginsAtWholePieces) {
  Launched launched(BoxKernel("f32, 40x24, strides 192, box 8x4", 32, "5, 3"));
  launched.Set("x", Numbers(4096, 1))
      .RunToFault(FaultKind::kMisaligned, {"a box from element 5 of its rows on", "16 bytes"});
}

TEST(Tensor, EveryRank) {
  Launched one(BoxKernel("f32, 100, box 32", 32, "80"));
  one.Set("x", Numbers(4096, 1)).RunWell();
  for (int i = 0; i < 32; ++i) ASSERT_EQ(one.Get<float>("y")[i], i < 20 ? 81 + i : 0);
  Launched five(
      BoxKernel("f32, 7x3x3x3x3, strides 32x96x288x864, box 4x2x2x2x2", 64, "4, 2, 1, 0, 2"));
  five.Set("x", Numbers(4096, 1)).RunWell();
  const std::vector<float> y = five.Get<float>("y");
  for (int i = 0; i < 64; ++i) {
    const int at[] = {4 + i % 4, 2 + i / 4 % 2, 1 + i / 8 % 2, i / 16 % 2, 2 + i / 32};
    const bool inside = at[0] < 7 && at[1] < 3 && at[4] < 3;
    const int element = at[0] + 8 * at[1] + 24 * at[2] + 72 * at[3] + 216 * at[4];
    ASSERT_EQ(y[i], inside ? 1 + element : 0) << i;
  }
}

TEST(Tensor, FillsNanRoundsToTf32AndSteps) {
  Launched nan(BoxKernel("f32, 40x24, strides 192, box 8x4, nan", 32, "36, 0"));
  nan.Set("x", Numbers(4096, 1)).RunWell();
  EXPECT_EQ(nan.Get<float>("y")[3], 40);
  EXPECT_NE(nan.Get<float>("y")[4], nan.Get<float>("y")[4]);
  std::vector<float> values(4096, 1.0f);
  values[0] = 1 + 0x1p-10f + 0x1p-11f;  // a tie, away from zero
  values[1] = 1 + 0x1p-12f;
  Launched tf32(BoxKernel("f32, 40x24, strides 192, box 8x4, tf32", 32, "0, 0"));
  tf32.Set("x", values).RunWell();
  EXPECT_EQ(tf32.Get<float>("y")[0], 1 + 0x1p-9f);
  EXPECT_EQ(tf32.Get<float>("y")[1], 1);
  Launched steps(BoxKernel("f32, 40x24, strides 192, box 8x8, element_strides 1x2", 32, "4, 3"));
  steps.Set("x", Numbers(4096, 1)).RunWell();
  const std::vector<float> y = steps.Get<float>("y");
  for (int i = 0; i < 32; ++i) ASSERT_EQ(y[i], 1 + (3 + 2 * (i / 8)) * 48 + 4 + i % 8) << i;
}

// Element (row, column) of a swizzled tile: bits 4 … of its place are XORed with bits 7 ….
TEST(Tensor, Swizzles) {
  for (int width : {32, 64, 128}) {
    const int columns = width / 4, words = 16 * columns;
    Launched launched(BoxKernel(absl::StrCat("f32, ", columns, "x16, strides ", width, ", box ",
                                             columns, "x16, swizzle ", width),
                                words, "0, 0"));
    launched.Set("x", Numbers(4096)).RunWell();
    const std::vector<float> y = launched.Get<float>("y");
    for (int i = 0; i < words; ++i) {
      const int place = 4 * i;
      const int swizzled = place ^ (place / 128 % (width / 16)) * 16;
      ASSERT_EQ(y[swizzled / 4], i) << "swizzle " << width;
    }
  }
}

// A 3 × 2 filter's view of images of 4 channels, 7 × 5 pixels: strides 2 and 1, one pixel of
// padding before and none behind, tap (x, y); 40 pixels from the middle of the second image on.
TEST(Tensor, Im2colGoesThroughImages) {
  constexpr int kWidth = 7, kHeight = 5, kImages = 3, kPixels = 40;
  constexpr int kAcross = 3, kDown = 5;  // places of the filter
  for (const auto& [x, y] : {std::pair{0, 0}, {2, 0}, {1, 1}, {2, 1}}) {
    const int first = kAcross * kDown + 2 * kAcross + 1;
    const int w = first % kAcross * 2 - 1, h = first / kAcross % kDown - 1;
    Launched launched(
        BoxKernel("f32, 4x7x5x3, strides 16x112x560, box 4x40, element_strides "
                  "1x2x1x1, im2col -1:-2 -1:-1",
                  4 * kPixels, absl::StrCat(x, ", ", y, ", 0, ", w, ", ", h, ", 1"),
                  "tensor_load_im2col_4d"));
    launched.Set("x", Numbers(4096, 1)).RunWell();
    const std::vector<float> read = launched.Get<float>("y");
    for (int i = 0; i < 4 * kPixels; ++i) {
      const int pixel = first + i / 4;
      const int at_x = pixel % kAcross * 2 - 1 + x, at_y = pixel / kAcross % kDown - 1 + y;
      const int image = pixel / (kAcross * kDown);
      const bool inside =
          at_x >= 0 && at_x < kWidth && at_y >= 0 && at_y < kHeight && image < kImages;
      const int element = ((image * kHeight + at_y) * kWidth + at_x) * 4 + i % 4;
      ASSERT_EQ(read[i], inside ? 1 + element : 0) << "tap " << x << ", " << y << " at " << i;
    }
  }
}

// What a card's instruction has no bits for.
TEST(Tensor, Im2colReadsNearItsPixels) {
  Launched launched(BoxKernel("f32, 4x7x5x3, strides 16x112x560, box 4x8, im2col 0:0 0:0", 32,
                              "3, 256, 0, 0, 0, 0", "tensor_load_im2col_4d"));
  launched.Set("x", Numbers(4096, 1)).RunToFault(FaultKind::kOutOfBounds, {"256", "at most 255"});
}

TEST(Tensor, StoresClip) {
  for (uint64_t seed = 0; seed < kSchedules; ++seed) {
    Launched launched(kTensorStore);
    launched.Set("y", std::vector<float>(960, -1)).RunWell(Seeded(seed));
    const std::vector<float> y = launched.Get<float>("y");
    for (int i = 0; i < 960; ++i) {
      ASSERT_EQ(y[i], i % 40 < 36 ? i / 40 * 100 + i % 40 : -1) << i;
    }
  }
}

TEST(Tensor, ReductionsAdd) {
  Launched launched(Planted(kTensorStore, "tensor_store", "tensor_reduce_add"));
  launched.Set("y", std::vector<float>(960, 1)).RunWell();
  EXPECT_EQ(launched.Get<float>("y")[41], 102);
}

TEST(Tensor, TilesHaveToBeAligned) {
  Launched launched(
      "kernel @k(%y: buffer<f32, 64>, %m: tensormap<%y, f32, 64, box 32>) grid 1 block 32 "
      "shared %s: f32[64] align 128 {\n  store %s[thread] = 1\n  store %s[thread + 32] = 1\n"
      "  fence_proxy_async_shared\n  warp_sync\n  if thread == 0 {\n"
      "    tensor_store(%m, %s[8], 0)\n    bulk_commit\n    bulk_wait(0)\n  }\n}\n");
  launched.RunToFault(FaultKind::kMisaligned, {"%s", "128"});
}

TEST(Tensor, CountsBytesOfLoadsAndStores) {
  Launched launched(BoxKernel("f32, 64x64, strides 256, box 32x32", 1024, "0, 0"));
  launched.Set("x", Numbers(4096));
  const Report report = launched.RunWell();
  EXPECT_EQ(report.counters.loads.unique_bytes, 4096);
  EXPECT_EQ(report.counters.loads.sectors, 128);
  EXPECT_EQ(report.counters.loads.used(), 1);
}

// ----- Named barriers with ids in registers

TEST(NamedBarriers, IdsInRegistersAndArrivals) {
  // Warps 0 and 1 make, each under its own id; warps 2 and 3 take.
  const std::string text =
      R"(kernel @k(%y: buffer<s32, 128>) grid 1 block 128 shared %s: s32[64] {
  roles {
    warps 0..1: {
      for %i = 0 to 3 {
        store %s[thread] = thread + %i
        barrier_arrive(warp + 1, 64)
        barrier_sync(warp + 3, 64)
      }
    }
    warps 2..3: {
      var %sum: s32 = 0
      for %j = 0 to 3 {
        barrier_sync(warp - 1, 64)
        %sum = add(%sum, load %s[thread - 64] : s32)
        barrier_arrive(warp + 1, 64)
      }
      store %y[thread] = %sum
    }
  }
}
)";
  for (uint64_t seed = 0; seed < kSchedules; ++seed) {
    Launched launched(text);
    launched.RunWell(Seeded(seed));
    for (int i = 64; i < 128; ++i) {
      ASSERT_EQ(launched.Get<int32_t>("y")[i], 3 * (i - 64) + 3);
    }
  }
  Launched(Planted(text, "        barrier_sync(warp + 3, 64)\n", ""))
      .RunToFault(FaultKind::kRace, {"%s"});
  Launched(Planted(text, "        barrier_arrive(warp + 1, 64)\n        barrier_sync",
                   "        barrier_sync"))
      .RunToFault(FaultKind::kDeadlock, {"waits at barrier 1 for 64 threads, of which 32"});
  Launched(Planted(text, "barrier_arrive(warp + 1, 64)", "barrier_arrive(warp + 1, 96)"))
      .RunToFault(FaultKind::kBarrier, {"all have to name the same number"});
  Launched(Planted(text, "barrier_sync(warp + 3", "barrier_sync(warp + 16"))
      .RunToFault(FaultKind::kBarrier, {"expected one from 1 to 15"});
}

// ----- Clusters

TEST(Clusters, Multicast) {
  for (uint64_t seed = 0; seed < kSchedules; ++seed) {
    Launched launched(kCluster);
    launched.Set("x", Numbers(256)).RunWell(Seeded(seed));
    const std::vector<float> y = launched.Get<float>("y");
    for (int i = 0; i < 512; ++i) ASSERT_EQ(y[i], i / 128 * 64 + i % 64) << i;
  }
}

TEST(Clusters, WhatMulticastLacks) {
  Launched early(Planted(kCluster, "  cluster_arrive\n  cluster_wait\n", ""));
  early.Set("x", Numbers(256)).RunToFault(FaultKind::kBarrier, {"where no mbarrier is"});
  Launched few(Planted(kCluster, "expect(%bar[0], 256)", "expect(%bar[0], 128)"));
  few.Set("x", Numbers(256)).RunToFault(FaultKind::kCopyInFlight, {"completes while"});
  Launched lonely(Planted(kCluster, "%bar[0], 3, %first", "%bar[0], 1, %first"));
  lonely.Set("x", Numbers(256)).RunToFault(FaultKind::kDeadlock, {"bytes are missing"});
  Launched outside(Planted(kCluster, "%bar[0], 3, %first", "%bar[0], 7, %first"));
  outside.Set("x", Numbers(256)).RunToFault(FaultKind::kOutOfBounds, {"block 2 of its cluster"});
  Launched unasked(Planted(kCluster, "  cluster_arrive\n  cluster_wait\n", "  cluster_wait\n"));
  unasked.Set("x", Numbers(256)).RunToFault(FaultKind::kBarrier, {"without having arrived"});
  Launched twice(Planted(kCluster, "  cluster_arrive\n  cluster_wait\n",
                         "  cluster_arrive\n  cluster_arrive\n"));
  twice.Set("x", Numbers(256)).RunToFault(FaultKind::kBarrier, {"before it has waited"});
}

TEST(Clusters, RemoteArrivals) {
  // Block 0 of each pair waits for both; blocks count their cluster and the grid.
  const std::string text =
      R"(kernel @k(%y: buffer<s32, 6>) grid 6 block 32 cluster 2 shared %bar: u64[1] {
  if thread == 0 {
    mbarrier_init(%bar[0], 2)
    fence_mbarrier_init
  }
  cluster_arrive
  cluster_wait
  if thread == 0 { mbarrier_arrive_remote(%bar[0], 0) }
  if cluster_block == 0 { while { yield not(mbarrier_try_wait_cluster(%bar[0], 0)) } do {} }
  if thread == 0 { store %y[block] = cluster_block * 10 + blocks }
  cluster_arrive
  cluster_wait
}
)";
  for (uint64_t seed = 0; seed < kSchedules; ++seed) {
    Launched launched(text);
    launched.RunWell(Seeded(seed));
    EXPECT_EQ(launched.Get<int32_t>("y"), (std::vector<int32_t>{6, 16, 6, 16, 6, 16}));
  }
  Launched(Planted(text, "remote(%bar[0], 0)", "remote(%bar[0], 1)"))
      .RunToFault(FaultKind::kDeadlock, {"2 of 2 arrivals"});
}

}  // namespace
}  // namespace ingot::kernel::simulator
