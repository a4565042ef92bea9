// Planted faults, each found, with a message that says what, who, where, and what would mend it.
#include "absl/strings/str_cat.h"
#include "tests/compiler/kernel/simulator/harness.h"

namespace ingot::kernel::simulator {
namespace {

// A block turns 64 numbers round through shared memory; `%s` has what stands between.
std::string Reverse(const std::string& between) {
  return "kernel @reverse(%y: buffer<s32, 64>) grid 1 block 64 shared %s: s32[64] {\n"
         "  store %s[thread] = thread !3\n" +
         between + "  store %y[thread] = load %s[63 - thread] : s32 !4\n}\n";
}

TEST(Faults, RaceInSharedMemoryWithoutABarrier) {
  Launched(Reverse("  barrier\n")).RunWell();
  Launched(Reverse(""))
      .RunToFault(FaultKind::kRace,
                  {"@reverse: race: `", "`store %y[thread] = load %s[63 - thread] : s32`", "hlo 4",
                   "`store %s[thread] = thread`", "hlo 3", " of block 0 ", " element ",
                   " of %s, which thread ", "a barrier between would"});
}

TEST(Faults, RaceIsFoundInEveryOrder) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Launched(Reverse("")).RunToFault(FaultKind::kRace, {"%s"}, seed);
    Options options;
    options.seed = seed;
    Launched(Reverse("  barrier\n")).RunWell(options);
  }
}

TEST(Faults, RaceInsideAWarp) {
  const auto text = [](const std::string& between) {
    return "kernel @k(%y: buffer<s32, 32>) grid 1 block 32 shared %s: s32[32] {\n"
           "  store %s[thread] = thread\n" +
           between + "  store %y[thread] = load %s[31 - thread] : s32\n}\n";
  };
  Launched(text("  warp_sync\n")).RunWell();
  Launched(text("  barrier\n")).RunWell();
  Launched(text("")).RunToFault(FaultKind::kRace, {"a warp_sync between would"});
}

TEST(Faults, RaceOfAWriteAfterARead) {
  const auto text = [](const std::string& between) {
    return "kernel @k(%y: buffer<s32, 64>) grid 1 block 64 shared %s: s32[64] {\n"
           "  store %s[thread] = thread\n  barrier\n"
           "  %v = load %s[63 - thread] : s32\n" +
           between +
           "  store %s[thread] = %v\n  barrier\n"
           "  store %y[thread] = load %s[thread] : s32\n}\n";
  };
  Launched(text("  barrier\n")).RunWell();
  Launched(text("")).RunToFault(FaultKind::kRace, {"writes element", "read by `"});
}

TEST(Faults, RaceOfBlocksInGlobalMemory) {
  Launched("kernel @k(%y: buffer<s32, 1>) grid 4 block 1 { store %y[0] = block }")
      .RunToFault(FaultKind::kRace,
                  {"thread 0 of block 1 writes element 0 of %y", "thread 0 of block 0 wrote",
                   "release and acquire at scope gpu would"});
  Launched(
      "kernel @k(%y: buffer<s32, 1>) grid 4 block 1 {\n"
      "  if thread == 0 { atomic add relaxed gpu %y[0], 1 }\n}")
      .Set<int32_t>("y", {0})
      .RunWell();
}

TEST(Faults, RaceOfAtomicsWhoseScopeIsTooSmall) {
  Launched("kernel @k(%y: buffer<s32, 1>) grid 4 block 1 { atomic add relaxed block %y[0], 1 }")
      .Set<int32_t>("y", {0})
      .RunToFault(FaultKind::kRace, {"their scopes do not include one another"});
}

TEST(Faults, RaceWithinOneInstruction) {
  Launched("kernel @k(%y: buffer<s32, 16>) grid 1 block 32 { store %y[div(thread, 2)] = thread }")
      .RunToFault(FaultKind::kRace,
                  {"thread 1 of block 0 writes element 0 of %y", "thread 0 of block 0 wrote"});
}

// Block 0 writes %x, then a flag; block 1 waits for the flag, then reads %x.
std::string Message(const std::string& write_flag, const std::string& read_flag,
                    const std::string& after = "") {
  return "kernel @k(%x: buffer<s32, 1>, %flag: buffer<u32, 1>, %y: buffer<s32, 1>)\n"
         "    grid 2 block 1 {\n"
         "  if block == 0 {\n    store %x[0] = 42\n" +
         write_flag + "  } else {\n    while { yield eq(" + read_flag +
         ", 0) } do { nanosleep(20) }\n" + after + "    store %y[0] = load %x[0] : s32\n  }\n}\n";
}

TEST(Faults, MessagesThroughFlags) {
  const std::string release = "    store %flag[0] release gpu = 1:u32\n";
  const std::string acquire = "load %flag[0] : u32 acquire gpu";
  const std::string relaxed_store = "    store %flag[0] relaxed gpu = 1:u32\n";
  const std::string relaxed_load = "load %flag[0] : u32 relaxed gpu";
  const auto run = [](const std::string& text, bool races) {
    for (uint64_t seed = 0; seed < 10; ++seed) {
      Launched launched(text);
      launched.Set<uint32_t>("flag", {0});
      if (races) {
        launched.RunToFault(FaultKind::kRace, {"reads element 0 of %x", "block 0 wrote"}, seed);
        continue;
      }
      Options options;
      options.seed = seed;
      launched.RunWell(options);
      EXPECT_EQ(launched.Get<int32_t>("y")[0], 42);
    }
  };
  run(Message(release, acquire), false);
  run(Message("    fence_gpu\n" + relaxed_store, relaxed_load, "    fence_gpu\n"), false);
  run(Message("    fence_gpu\n    atomic add relaxed gpu %flag[0], 1\n", acquire), false);
  run(Message(relaxed_store, acquire), true);
  run(Message(release, relaxed_load), true);
  run(Message("    fence_block\n" + relaxed_store, acquire), true);
  run(Message("    store %flag[0] release block = 1:u32\n", acquire), true);
}

// The block that takes the last ticket adds up what all blocks left.
TEST(Faults, TicketsAcrossBlocks) {
  const auto text = [](const std::string& order, const std::string& fence) {
    return "kernel @k(%part: buffer<s32, 8>, %ticket: buffer<u32, 1>, %y: buffer<s32, 1>)\n"
           "    grid 8 block 64 shared %last: u32[1] {\n"
           "  if thread == 63 { store %part[block] = block }\n  barrier\n"
           "  if thread == 0 {\n" +
           fence + "    store %last[0] = atomic add " + order + " gpu %ticket[0], 1\n" + fence +
           "  }\n  barrier\n"
           "  if eq(load %last[0] : u32, 7) {\n"
           "    if thread == 5 {\n      var %sum: s32 = 0\n"
           "      for %i = 0 to 8 { %sum = %sum + load %part[%i] : s32 }\n"
           "      store %y[0] = %sum\n    }\n  }\n}\n";
  };
  for (uint64_t seed = 0; seed < 10; ++seed) {
    Options options;
    options.seed = seed;
    Launched by_order(text("acquire_release", ""));
    by_order.Set<uint32_t>("ticket", {0}).RunWell(options);
    EXPECT_EQ(by_order.Get<int32_t>("y")[0], 28);
    Launched by_fence(text("relaxed", "    fence_gpu\n"));
    by_fence.Set<uint32_t>("ticket", {0}).RunWell(options);
    EXPECT_EQ(by_fence.Get<int32_t>("y")[0], 28);
    Launched wrong(text("relaxed", ""));
    wrong.Set<uint32_t>("ticket", {0}).RunToFault(FaultKind::kRace, {"%part"}, seed);
  }
}

TEST(Faults, NamedBarriersOrderTheirWarps) {
  const auto text = [](const std::string& count, const std::string& other) {
    return "kernel @k(%y: buffer<s32, 64>) grid 1 block 96 shared %s: s32[64] {\n"
           "  roles {\n    warps 0..1: {\n      store %s[thread] = thread\n"
           "      barrier_sync(1, " +
           count +
           ")\n"
           "      store %y[thread] = load %s[63 - thread] : s32\n    }\n"
           "    warps 2..2: {" +
           other + "}\n  }\n}\n";
  };
  Launched(text("64", "")).RunWell();
  Launched(text("96", " barrier_sync(1, 96) ")).RunWell();
  Launched(text("96", ""))
      .RunToFault(FaultKind::kDeadlock,
                  {"waits at barrier 1 for 96 threads, of which 64 have come"});
  Launched(text("96", " barrier_sync(1, 64) "))
      .RunToFault(FaultKind::kBarrier, {"all have to name the same number"});
  Launched(text("32", "")).RunToFault(FaultKind::kRace, {"%s"});
}

TEST(Faults, OutOfBounds) {
  Launched("kernel @k(%y: buffer<s32, 40>) grid 1 block 64 { store %y[thread] = thread }")
      .RunToFault(FaultKind::kOutOfBounds,
                  {"thread 40 of block 0 asks for element 40 of %y, which has 40"});
  Launched(
      "kernel @k(%y: buffer<s32, 40>) grid 1 block 32 shared %s: s32[30] {\n"
      "  store %s[thread] = thread\n}")
      .RunToFault(FaultKind::kOutOfBounds, {"element 30 of %s, which has 30"});
  Launched vector(
      "kernel @k(%x: buffer<f32, 6>, %y: buffer<f32, 8>) grid 1 block 2 {\n"
      "  store %y[thread*4] = load %x[thread*4] : f32x4\n}");
  vector.Set<float>("x", {1, 2, 3, 4, 5, 6})
      .RunToFault(FaultKind::kOutOfBounds, {"element 7 of %x, which has 6"});
  Launched masked(
      "kernel @k(%x: buffer<f32, 6>, %y: buffer<f32, 8>) grid 1 block 2 {\n"
      "  %i = thread*4\n"
      "  %m = lt(add(broadcast(%i) : s32x4, iota : s32x4), 6)\n"
      "  store %y[%i] = load %x[%i] : f32x4 mask %m\n}");
  masked.Set<float>("x", {1, 2, 3, 4, 5, 6}).RunWell();
  EXPECT_EQ(masked.Get<float>("y"), (std::vector<float>{1, 2, 3, 4, 5, 6, 0, 0}));
}

TEST(Faults, Misaligned) {
  Launched launched(
      "kernel @k(%x: buffer<f32, 64>, %y: buffer<f32, 64>) grid 1 block 8 {\n"
      "  %v = load %x[thread*3] : f32x2\n  store %y[thread*2] = %v\n}");
  launched.Set<float>("x", std::vector<float>(64, 1));
  launched.RunToFault(FaultKind::kMisaligned,
                      {"thread 1 of block 0 asks for element 3 of %x, at byte 12", "aligned to 8"});
}

TEST(Faults, UnwrittenReads) {
  Launched(
      "kernel @k(%y: buffer<s32, 32>) grid 1 block 32 shared %s: s32[32] {\n"
      "  if thread < 31 { store %s[thread] = thread }\n  barrier\n"
      "  store %y[thread] = load %s[thread] : s32\n}")
      .RunToFault(FaultKind::kUnwritten,
                  {"thread 31 of block 0 reads element 31 of %s, which nobody wrote"});
  Launched(
      "kernel @k(%x: buffer<s32, 4>, %y: buffer<s32, 4>) grid 1 block 4 {\n"
      "  store %y[thread] = load %x[thread] : s32\n}")
      .Set<int32_t>("x", {1, 2})
      .RunToFault(FaultKind::kUnwritten, {"element 2 of %x"});
  Launched("kernel @k(%x: buffer<s32, 1>) grid 1 block 1 { atomic add relaxed gpu %x[0], 1 }")
      .RunToFault(FaultKind::kUnwritten, {"%x"});
}

TEST(Faults, OverlappingAllocations) {
  const auto text = [](const std::string& last) {
    return "kernel @k(%y: buffer<s32, 32>) grid 1 block 32\n"
           "    shared %s: s32[32] shared %t: s32[32] overlaps %s {\n"
           "  store %s[thread] = thread\n  %v = load %s[thread] : s32\n"
           "  store %t[thread] = %v\n  store %y[thread] = load " +
           last + "[thread] : s32\n}";
  };
  Launched(text("%t")).RunWell();
  Launched(text("%s"))
      .RunToFault(FaultKind::kUnwritten,
                  {"element 0 of %s, which overlaps %t, and was last written as that"});
}

TEST(Faults, DivergentBarriers) {
  // The verifier sees these; here they are met as they run.
  Launched("kernel @k() grid 1 block 64 { if thread < 40 { barrier } }", false)
      .RunToFault(FaultKind::kDivergence,
                  {"only 8 threads of warp 1 of block 0 are here", "thread 40 of block 0 is not"});
  Launched("kernel @k() grid 1 block 64 { if warp == 0 { barrier } }", false)
      .RunToFault(FaultKind::kDivergence,
                  {"warp 0 of block 0 waits at barrier 0 for 64 threads, of which 32 have come",
                   "1 warps of block 0 have ended"});
  Launched("kernel @k() grid 1 block 64 { if warp == 0 { barrier } else { barrier } }", false)
      .RunToFault(FaultKind::kDivergence, {"all warps of a block have to come to the same one"});
}

TEST(Faults, DivergentWarpRows) {
  for (const char* row : {"%a = shuffle_xor(thread, 1)", "%a = ballot(thread == 1)", "warp_sync",
                          "%a = redux_add_s32(thread)", "barrier_sync(1, 32)"}) {
    Launched(absl::StrCat("kernel @k() grid 1 block 32 { if thread < 16 { ", row, " } }"), false)
        .RunToFault(FaultKind::kDivergence,
                    {"only 16 threads of warp 0 of block 0 are here", "thread 16 of block 0"});
  }
}

std::string Copy(const std::string& after_copy, const std::string& wait) {
  return "kernel @k(%x: buffer<s32, 128, readonly>, %y: buffer<s32, 128>) grid 1 block 32\n"
         "    shared %s: s32[128] {\n"
         "  copy_async(%s[thread*4], %x[thread*4], 16, 16)\n" +
         after_copy + wait + "  %v = load %s[thread*4] : s32x4\n  store %y[thread*4] = %v\n}\n";
}

TEST(Faults, AsynchronousCopies) {
  std::vector<int32_t> numbers(128);
  for (int i = 0; i < 128; ++i) numbers[i] = i * 3;
  for (uint64_t seed = 0; seed < 8; ++seed) {
    Options options;
    options.seed = seed;
    Launched right(Copy("  copy_async_commit\n", "  copy_async_wait(0)\n"));
    right.Set("x", numbers).RunWell(options);
    EXPECT_EQ(right.Get<int32_t>("y"), numbers);
    Launched(Copy("  copy_async_commit\n", ""))
        .Set("x", numbers)
        .RunToFault(FaultKind::kCopyInFlight, {"no copy_async_wait has waited for it"}, seed);
    Launched(Copy("", "  copy_async_wait(0)\n"))
        .Set("x", numbers)
        .RunToFault(FaultKind::kCopyInFlight, {"no copy_async_commit has followed it"}, seed);
    Launched(Copy("  copy_async_commit\n", "  copy_async_wait(1)\n"))
        .Set("x", numbers)
        .RunToFault(FaultKind::kCopyInFlight, {"no copy_async_wait has waited for it"}, seed);
  }
}

TEST(Faults, CopiesOfOtherThreadsNeedABarrierToo) {
  const auto text = [](const std::string& between) {
    return "kernel @k(%x: buffer<s32, 256, readonly>, %y: buffer<s32, 64>) grid 1 block 64\n"
           "    shared %s: s32[256] {\n"
           "  copy_async(%s[thread*4], %x[thread*4], 16, 16)\n  copy_async_commit\n"
           "  copy_async_wait(0)\n" +
           between + "  store %y[thread] = load %s[252 - thread*4] : s32\n}\n";
  };
  const std::vector<int32_t> numbers(256, 7);
  Launched(text("  barrier\n")).Set("x", numbers).RunWell();
  Launched(text("")).Set("x", numbers).RunToFault(FaultKind::kRace, {"%s", "copy_async"});
}

TEST(Faults, CopiesThatNobodyWaitsFor) {
  Launched(
      "kernel @k(%x: buffer<s32, 4, readonly>) grid 1 block 1 shared %s: s32[4] {\n"
      "  copy_async(%s[0], %x[0], 16, 16)\n  copy_async_commit\n}")
      .Set<int32_t>("x", {1, 2, 3, 4})
      .RunToFault(FaultKind::kCopyInFlight, {"ends with a copy that it has not waited for"});
}

TEST(Faults, Deadlock) {
  Launched spin(
      "kernel @k(%flag: buffer<u32, 1>) grid 2 block 32 {\n"
      "  while { yield eq(load %flag[0] : u32 acquire gpu, 0) } do { nanosleep(20) }\n}");
  spin.Set<uint32_t>("flag", {0})
      .RunToFault(FaultKind::kDeadlock,
                  {"warp 0 of block 0 polls by", "load %flag[0]", "warp 0 of block 1"});
  // Block 0 waits for one that begins when block 0 ends: more blocks than are resident.
  Launched(
      "kernel @k(%flag: buffer<u32, 1>) grid 100000 block 1024 {\n"
      "  if thread == 0 {\n"
      "    if block == 99999 { store %flag[0] release gpu = 1:u32 }\n"
      "    while { yield eq(load %flag[0] : u32 acquire gpu, 0) } do { nanosleep(20) }\n"
      "  }\n}")
      .Set<uint32_t>("flag", {0})
      .RunToFault(FaultKind::kDeadlock, {"blocks can begin only when others end"});
}

TEST(Faults, WritesToReadonlyBytes) {
  auto kernel = ParseKernel(
      "kernel @k(%x: buffer<s32, 8, readonly>, %y: buffer<s32, 8>) grid 1 block 8 {\n"
      "  store %y[thread] = load %x[thread] : s32\n}",
      "test");
  ASSERT_TRUE(kernel.ok()) << kernel.status();
  alignas(16) int32_t memory[12] = {};
  const Argument arguments[] = {Argument::Initialised(memory), Argument::Initialised(memory + 4)};
  const auto report = Simulate(**kernel, arguments, {});
  ASSERT_TRUE(report.ok()) << report.status();
  ASSERT_FALSE(report->faults.empty());
  EXPECT_EQ(report->faults[0].kind, FaultKind::kReadonly) << report->faults[0].message;
}

TEST(Faults, TheBudgetEndsALaunch) {
  Launched launched("kernel @k() grid 1 block 32 { while { yield true } do { } }");
  Options options;
  options.most_thread_operations = 1 << 20;
  EXPECT_TRUE(absl::IsResourceExhausted(launched.Run(options).status()));
}

}  // namespace
}  // namespace ingot::kernel::simulator
