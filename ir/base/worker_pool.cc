#include "ir/base/worker_pool.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <thread>

namespace ingot {

struct WorkerPool::Loop {
  const std::function<void(int64_t)>& step;
  const int64_t count;
  std::atomic<int64_t> next{0};
  // Guarded by the pool's mutex.
  int64_t places;      // for workers that may still join
  int64_t inside = 0;  // workers that are at work on it
  std::condition_variable left = {};

  void TakeSteps() {
    for (int64_t i = next++; i < count; i = next++) step(i);
  }
};

WorkerPool& WorkerPool::OfProcess() {
  static WorkerPool* const pool = new WorkerPool;
  return *pool;
}

int WorkerPool::DefaultThreads() {
  return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

// Called with the mutex held.  Where the system gives no more threads, those that there are do.
void WorkerPool::StartWorkers(int64_t wanted) {
  const auto work = [](void* pool) -> void* {
    static_cast<WorkerPool*>(pool)->Work();
    return nullptr;
  };
  for (; workers_ < wanted; ++workers_) {
    pthread_t worker;
    if (pthread_create(&worker, nullptr, work, this) != 0) return;
    pthread_detach(worker);
  }
}

void WorkerPool::ParallelFor(int64_t count, int threads, const std::function<void(int64_t)>& step) {
  Loop loop{.step = step, .count = count, .places = std::min<int64_t>(threads, count) - 1};
  if (loop.places <= 0) return loop.TakeSteps();
  {
    std::lock_guard<std::mutex> lock(mutex_);
    StartWorkers(loop.places);
    open_.push_back(&loop);
    for (int64_t i = 0; i < loop.places; ++i) opened_.notify_one();
  }
  loop.TakeSteps();
  std::unique_lock<std::mutex> lock(mutex_);
  std::erase(open_, &loop);
  loop.left.wait(lock, [&] { return loop.inside == 0; });
}

void WorkerPool::Work() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    opened_.wait(lock, [this] { return !open_.empty(); });
    Loop& loop = *open_.front();
    open_.pop_front();
    // Loops take turns.
    if (--loop.places > 0) open_.push_back(&loop);
    ++loop.inside;
    lock.unlock();
    loop.TakeSteps();
    lock.lock();
    if (--loop.inside == 0) loop.left.notify_one();
  }
}

}  // namespace ingot
