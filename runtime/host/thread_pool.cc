#include "runtime/host/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <cstdlib>

namespace ingot::runtime {
namespace {

// A pause is 10 to 50 ns: about 30 microseconds, the gap between two launches of a program, before
// a thread goes to sleep, from where it takes 50 to come back.
constexpr int kSpins = 1000;
// Ranges for each thread: enough that a late thread does not hold up the loop.
constexpr int64_t kChunksPerThread = 4;

void Pause() { __builtin_ia32_pause(); }

}  // namespace

ThreadPool::ThreadPool(int threads) {
  workers_.reserve(threads - 1);
  for (int i = 1; i < threads; ++i) workers_.emplace_back([this] { Work(); });
}

ThreadPool::~ThreadPool() {
  stop_.store(true);
  generation_.fetch_add(1);
  generation_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::Run(int64_t tasks, int max_threads, Body body, const void* context) {
  if (tasks <= 0) return;
  const int threads = static_cast<int>(std::min<int64_t>(
      tasks, std::min<int64_t>(max_threads, static_cast<int64_t>(this->threads()))));
  if (threads <= 1 || !running_.try_lock()) return body(context, 0, tasks);

  loop_.body = body;
  loop_.context = context;
  loop_.tasks = tasks;
  loop_.chunk = std::max<int64_t>(1, tasks / (threads * kChunksPerThread));
  loop_.next.store(0, std::memory_order_relaxed);
  places_.store(threads - 1, std::memory_order_relaxed);
  state_.store(kOpen, std::memory_order_release);
  // The order of these two against Sleep's two: either the sleeper sees the new generation or we
  // see the sleeper.
  generation_.fetch_add(1);
  if (const int sleepers = sleepers_.load(); sleepers > 0) {
    if (sleepers <= threads - 1) {
      generation_.notify_all();
    } else {
      for (int i = 1; i < threads; ++i) generation_.notify_one();
    }
  }
  TakeChunks();
  // Closed: nobody enters any more; wait for those inside to finish their last range.
  state_.fetch_and(~kOpen, std::memory_order_acq_rel);
  for (int spins = 0; state_.load(std::memory_order_acquire) != 0; ++spins) {
    if (spins < kSpins) {
      Pause();
    } else {
      std::this_thread::yield();
    }
  }
  running_.unlock();
}

void ThreadPool::TakeChunks() {
  while (true) {
    const int64_t begin = loop_.next.fetch_add(loop_.chunk, std::memory_order_relaxed);
    if (begin >= loop_.tasks) return;
    loop_.body(loop_.context, begin, std::min(begin + loop_.chunk, loop_.tasks));
  }
}

// Enters the open loop unless this worker has seen it already or it has all the threads it wants.
bool ThreadPool::Enter(uint32_t* seen) {
  const uint32_t generation = generation_.load(std::memory_order_acquire);
  if (generation == *seen) return false;
  uint32_t state = state_.load(std::memory_order_relaxed);
  do {
    if ((state & kOpen) == 0) {
      *seen = generation;
      return false;
    }
  } while (!state_.compare_exchange_weak(state, state + 1, std::memory_order_acq_rel,
                                         std::memory_order_relaxed));
  // The loop that is open now may be a later one than `generation`; entering it again does no harm.
  *seen = generation;
  uint32_t places = places_.load(std::memory_order_relaxed);
  while (places > 0 &&
         !places_.compare_exchange_weak(places, places - 1, std::memory_order_relaxed)) {
  }
  if (places > 0) return true;
  state_.fetch_sub(1, std::memory_order_acq_rel);
  return false;
}

void ThreadPool::Sleep(uint32_t seen) {
  sleepers_.fetch_add(1);
  if (generation_.load() == seen) generation_.wait(seen);
  sleepers_.fetch_sub(1);
}

void ThreadPool::Work() {
  uint32_t seen = 0;
  int spins = 0;
  while (!stop_.load(std::memory_order_relaxed)) {
    if (Enter(&seen)) {
      TakeChunks();
      state_.fetch_sub(1, std::memory_order_acq_rel);
      spins = 0;
    } else if (generation_.load(std::memory_order_relaxed) != seen) {
      continue;
    } else if (++spins < kSpins) {
      Pause();
    } else {
      Sleep(seen);
      spins = 0;
    }
  }
}

int ChooseThreadCount(int requested) {
  constexpr int kMost = 1024;
  if (requested <= 0) {
    if (const char* text = std::getenv("INGOT_NUM_THREADS")) requested = std::atoi(text);
  }
  if (requested <= 0) {
    cpu_set_t cpus;
    requested = sched_getaffinity(0, sizeof(cpus), &cpus) == 0
                    ? CPU_COUNT(&cpus)
                    : static_cast<int>(std::thread::hardware_concurrency());
  }
  return std::clamp(requested, 1, kMost);
}

}  // namespace ingot::runtime
