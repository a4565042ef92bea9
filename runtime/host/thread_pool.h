// A pool of threads for loops over tasks.
#ifndef INGOT_RUNTIME_HOST_THREAD_POOL_H_
#define INGOT_RUNTIME_HOST_THREAD_POOL_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace ingot::runtime {

// Threads wait for a loop by spinning for some microseconds, then sleeping.  A loop costs no
// allocation and no lock that anybody holds for long.
class ThreadPool {
 public:
  // Body of a loop: does tasks [begin, end).  Called from several threads at once.
  using Body = void (*)(const void* context, int64_t begin, int64_t end);

  // `threads` counts the caller of Run, so threads - 1 are started.  Requires: threads >= 1.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  // Calls body(context, begin, end) for ranges that cover [0, tasks) once, on the caller and on up
  // to `max_threads` - 1 others, and returns when all have returned.  When another loop is running,
  // this one runs on its caller alone: two threads that both run programs do not wait for each
  // other.  Requires: tasks <= 2^62.
  void Run(int64_t tasks, int max_threads, Body body, const void* context);

 private:
  struct Loop {
    Body body = nullptr;
    const void* context = nullptr;
    int64_t tasks = 0;
    int64_t chunk = 1;
    std::atomic<int64_t> next{0};  // first task that nobody has taken
  };

  void Work();
  bool Enter(uint32_t* seen);
  void Sleep(uint32_t seen);
  void TakeChunks();

  // While a loop is open workers may enter it; its fields change only when nobody is inside.
  static constexpr uint32_t kOpen = uint32_t{1} << 31;
  std::mutex running_;  // held by the caller whose loop it is
  Loop loop_;
  std::atomic<uint32_t> state_{0};       // kOpen | number of workers inside
  std::atomic<uint32_t> places_{0};      // workers that may still enter this loop
  std::atomic<uint32_t> generation_{0};  // of loops; workers sleep on it
  std::atomic<int> sleepers_{0};
  std::atomic<bool> stop_{false};
  std::vector<std::thread> workers_;
};

// Threads for `requested`: itself when positive, else INGOT_NUM_THREADS, else the cores that this
// process may run on; between 1 and 1024.
int ChooseThreadCount(int requested);

}  // namespace ingot::runtime

#endif  // INGOT_RUNTIME_HOST_THREAD_POOL_H_
