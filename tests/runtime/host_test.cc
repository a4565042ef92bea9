// The host's parts on their own: the thread pool, the ELF loader, the CPU's features.
#include <elf.h>

#include <atomic>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "runtime/host/cpu_features.h"
#include "runtime/host/elf_loader.h"
#include "runtime/host/thread_pool.h"
#include "tests/runtime/testing.h"

namespace ingot::runtime {
namespace {

// Counts how often each task was run.
struct Counts {
  explicit Counts(int64_t tasks) : of(tasks) {}
  std::vector<std::atomic<int>> of;
  static void Body(const void* context, int64_t begin, int64_t end) {
    auto* counts = const_cast<Counts*>(static_cast<const Counts*>(context));
    for (int64_t i = begin; i < end; ++i) counts->of[i].fetch_add(1);
  }
};

TEST(ThreadPoolTest, RunsEveryTaskOnce) {
  for (int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.threads(), threads);
    for (int64_t tasks : {0, 1, 2, 7, 64, 1000}) {
      for (int repeat = 0; repeat < 50; ++repeat) {
        Counts counts(tasks);
        pool.Run(tasks, threads, Counts::Body, &counts);
        for (int64_t i = 0; i < tasks; ++i) ASSERT_EQ(counts.of[i], 1) << tasks << " " << i;
      }
    }
  }
}

TEST(ThreadPoolTest, SleepingThreadsAreWoken) {
  ThreadPool pool(4);
  for (int repeat = 0; repeat < 20; ++repeat) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    Counts counts(16);
    pool.Run(16, 4, Counts::Body, &counts);
    for (const std::atomic<int>& count : counts.of) ASSERT_EQ(count, 1);
  }
}

TEST(ThreadPoolTest, ManyCallersAtOnce) {
  ThreadPool pool(3);
  std::vector<std::thread> callers;
  std::atomic<int> wrong{0};
  for (int c = 0; c < 4; ++c) {
    callers.emplace_back([&] {
      for (int repeat = 0; repeat < 500; ++repeat) {
        Counts counts(33);
        pool.Run(33, 3, Counts::Body, &counts);
        for (const std::atomic<int>& count : counts.of) wrong += count != 1;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(wrong, 0);
}

TEST(ThreadPoolTest, ThreadCount) {
  EXPECT_EQ(ChooseThreadCount(5), 5);
  EXPECT_EQ(ChooseThreadCount(1 << 20), 1024);
  setenv("INGOT_NUM_THREADS", "3", 1);
  EXPECT_EQ(ChooseThreadCount(0), 3);
  setenv("INGOT_NUM_THREADS", "many", 1);
  EXPECT_GE(ChooseThreadCount(0), 1);
  unsetenv("INGOT_NUM_THREADS");
}

TEST(ElfLoaderTest, RunsCode) {
  auto image = ElfImage::Load(ReadTestFile("kernels.o"));
  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_EQ((*image)->Find("nothing"), nullptr);
  const auto run = [&](const char* name, std::vector<uint64_t> arguments, int64_t tasks) {
    auto kernel = reinterpret_cast<HostKernel>((*image)->Find(name));
    ASSERT_NE(kernel, nullptr) << name;
    kernel(arguments.data(), 0, tasks);
  };
  float table[9];
  run("table", {reinterpret_cast<uint64_t>(table)}, 9);
  for (int i = 0; i < 9; ++i) EXPECT_EQ(table[i], 2 << (i % 8));
  int32_t chosen[7] = {0, 1, 2, 3, 4, 5, 6};
  run("choose", {reinterpret_cast<uint64_t>(chosen)}, 7);
  const int32_t expected[7] = {17, -4, 1234567, 0, 99, 25, -1};
  for (int i = 0; i < 7; ++i) EXPECT_EQ(chosen[i], expected[i]);
}

TEST(ElfLoaderTest, Refuses) {
  const auto message = [](const std::vector<uint8_t>& object) {
    return std::string(ElfImage::Load(object).status().message());
  };
  EXPECT_EQ(message(ReadTestFile("undefined.o")),
            "relocation 0 of section 1: undefined symbol 'g'");
  EXPECT_NE(message(ReadTestFile("writable.o")).find("4 bytes of writable data"),
            std::string::npos);
  EXPECT_EQ(message({}), "an ELF object of 0 bytes");
  EXPECT_EQ(message(std::vector<uint8_t>(100, 'x')), "not an ELF object");
  std::vector<uint8_t> other = ReadTestFile("kernels.o");
  other[18] = 183;  // e_machine: AArch64
  EXPECT_EQ(message(other), "not a relocatable x86-64 ELF object: class 2, machine 183, type 1");
}

// A damaged object is an error or loads; it does not crash, and nothing of it is run.
TEST(ElfLoaderTest, SurvivesDamage) {
  const std::vector<uint8_t> object = ReadTestFile("kernels.o");
  for (size_t size = 0; size < object.size(); ++size) {
    const absl::Span<const uint8_t> cut(object.data(), size);
    EXPECT_FALSE(ElfImage::Load(std::vector<uint8_t>(cut.begin(), cut.end())).ok()) << size;
  }
  int loaded = 0;
  for (size_t bit = 0; bit < 8 * object.size(); ++bit) {
    std::vector<uint8_t> damaged = object;
    damaged[bit / 8] ^= 1 << (bit % 8);
    loaded += ElfImage::Load(damaged).ok();
  }
  EXPECT_GT(loaded, 0);  // a flip in the code itself goes unseen here: the container hashes it
}

TEST(CpuFeaturesTest, SaysWhatIsMissing) {
  EXPECT_TRUE(CheckCpu("host", {}).ok());
  EXPECT_TRUE(CheckCpu(HostArchitecture(), {"sse2"}).ok());
  const absl::Status unknown = CheckCpu("x86_64-v1", {"antigravity"});
  EXPECT_EQ(unknown.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(unknown.message().find("lacks antigravity"), absl::string_view::npos) << unknown;
  EXPECT_FALSE(CheckCpu("sm_90a", {}).ok());
  EXPECT_FALSE(CheckCpu("x86_64-v9", {}).ok());
}

}  // namespace
}  // namespace ingot::runtime
