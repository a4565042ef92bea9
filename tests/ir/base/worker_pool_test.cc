#include "ir/base/worker_pool.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace ingot {
namespace {

TEST(WorkerPoolTest, EachStepRunsOnce) {
  for (const int threads : {1, 2, 5}) {
    for (const int64_t count : {0, 1, 3, 1000}) {
      std::vector<std::atomic<int>> runs(count);
      WorkerPool::OfProcess().ParallelFor(count, threads, [&](int64_t i) { ++runs[i]; });
      for (const std::atomic<int>& times : runs) EXPECT_EQ(times, 1);
    }
  }
}

TEST(WorkerPoolTest, OneThreadIsTheCaller) {
  const std::thread::id caller = std::this_thread::get_id();
  WorkerPool::OfProcess().ParallelFor(
      100, 1, [&](int64_t) { EXPECT_EQ(std::this_thread::get_id(), caller); });
}

// Waits until `wanted` threads have come.
class Meeting {
 public:
  explicit Meeting(int wanted) : missing_(wanted) {}
  void Come() {
    std::unique_lock<std::mutex> lock(mutex_);
    if (--missing_ == 0) all_.notify_all();
    all_.wait(lock, [this] { return missing_ <= 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable all_;
  int missing_;
};

// Steps that wait for one another end only if each has a thread.
TEST(WorkerPoolTest, AsManyThreadsAsAskedForWorkAtOnce) {
  constexpr int kThreads = 4;
  Meeting meeting(kThreads);
  std::mutex mutex;
  std::set<std::thread::id> seen;
  WorkerPool::OfProcess().ParallelFor(kThreads, kThreads, [&](int64_t) {
    meeting.Come();
    std::lock_guard<std::mutex> lock(mutex);
    seen.insert(std::this_thread::get_id());
  });
  EXPECT_EQ(seen.size(), kThreads);
}

TEST(WorkerPoolTest, NoMoreThreadsThanAskedFor) {
  WorkerPool::OfProcess().ParallelFor(8, 8, [](int64_t) {});  // so many there are
  std::mutex mutex;
  std::set<std::thread::id> seen;
  WorkerPool::OfProcess().ParallelFor(200, 3, [&](int64_t) {
    std::this_thread::yield();
    std::lock_guard<std::mutex> lock(mutex);
    seen.insert(std::this_thread::get_id());
  });
  EXPECT_LE(seen.size(), 3);
}

TEST(WorkerPoolTest, LoopsInLoopsAndManyCallers) {
  std::atomic<int64_t> sum{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&] {
      for (int round = 0; round < 50; ++round) {
        WorkerPool::OfProcess().ParallelFor(4, 3, [&](int64_t i) {
          WorkerPool::OfProcess().ParallelFor(5, 3, [&](int64_t j) { sum += 10 * i + j; });
        });
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(sum, 4 * 50 * (5 * (0 + 10 + 20 + 30) + 4 * (0 + 1 + 2 + 3 + 4)));
}

}  // namespace
}  // namespace ingot
