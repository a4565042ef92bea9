// The process's threads for loops whose steps take milliseconds: compilation and evaluation.
#ifndef INGOT_IR_BASE_WORKER_POOL_H_
#define INGOT_IR_BASE_WORKER_POOL_H_

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>

namespace ingot {

// Any number of loops may run at once, from any threads, inside one another too: whoever calls
// ParallelFor works on its loop, so each loop ends even if all workers are busy elsewhere.
class WorkerPool {
 public:
  // The pool of the process.  It starts a worker when a loop wants more than there are, and ends
  // none: idle ones sleep.  It is never destroyed, as the process may end while a worker works.
  static WorkerPool& OfProcess();

  // Calls step(0), …, step(count - 1), each once and in any order, on the caller and on up to
  // `threads` - 1 workers; returns when all have returned.
  void ParallelFor(int64_t count, int threads, const std::function<void(int64_t)>& step);

  // As many threads as this process has cores.
  static int DefaultThreads();

 private:
  struct Loop;

  WorkerPool() = default;
  void StartWorkers(int64_t wanted);
  void Work();

  std::mutex mutex_;
  std::condition_variable opened_;  // a loop
  std::deque<Loop*> open_;          // that take workers, the one that waited longest first
  int64_t workers_ = 0;
};

}  // namespace ingot

#endif  // INGOT_IR_BASE_WORKER_POOL_H_
