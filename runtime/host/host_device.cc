#include "runtime/host/host_device.h"

#include <sys/mman.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <thread>

#include "ir/base/status.h"
#include "runtime/host/cpu_features.h"
#include "runtime/host/host_program.h"
#include "runtime/host/thread_pool.h"

namespace ingot::runtime {
namespace {

class HostInstance;

// Runs that were started, in order, on one thread of their own.
class HostQueue {
 public:
  ~HostQueue();
  void Start(HostInstance* instance);
  void Wait(HostInstance* instance);
  bool IsDone(HostInstance* instance);
  // Waits for all.
  void Drain();
  bool IsIdle();

 private:
  void Work();

  std::mutex mutex_;
  std::condition_variable changed_;
  HostInstance* first_ = nullptr;  // the one that is running, then those that wait
  HostInstance* last_ = nullptr;
  bool stop_ = false;
  std::thread thread_;  // made by the first Start
};

class HostInstance final : public ProgramInstance {
 public:
  HostInstance(Device& device, HostQueue& queue, const HostProgram& program, ThreadPool& pool,
               void* arena, bool use_libraries)
      : device_(device), queue_(queue), arena_(arena), run_(program, pool, arena, use_libraries) {}
  ~HostInstance() override {
    queue_.Wait(this);
    device_.Free(arena_);
  }

  absl::Status Start(const RunArguments& arguments) override {
    run_.Bind(arguments);
    queue_.Start(this);
    return absl::OkStatus();
  }
  absl::Status Wait() override {
    queue_.Wait(this);
    return absl::OkStatus();
  }
  bool IsDone() override { return queue_.IsDone(this); }
  absl::Status Run(const RunArguments& arguments) override {
    if (!queue_.IsIdle()) {
      INGOT_RETURN_IF_ERROR(Start(arguments));
      return Wait();
    }
    run_.Bind(arguments);
    run_.Execute();
    return absl::OkStatus();
  }

 private:
  friend class HostQueue;
  Device& device_;
  HostQueue& queue_;
  void* const arena_;
  HostRun run_;
  // The queue's, under its mutex.
  HostInstance* next_ = nullptr;
  bool pending_ = false;
};

HostQueue::~HostQueue() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void HostQueue::Start(HostInstance* instance) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    instance->next_ = nullptr;
    instance->pending_ = true;
    (first_ == nullptr ? first_ : last_->next_) = instance;
    last_ = instance;
    if (!thread_.joinable()) thread_ = std::thread([this] { Work(); });
  }
  changed_.notify_all();
}

void HostQueue::Work() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stop_ || first_ != nullptr; });
    if (first_ == nullptr) return;
    HostInstance* const instance = first_;
    lock.unlock();
    instance->run_.Execute();
    lock.lock();
    first_ = instance->next_;
    instance->pending_ = false;
    changed_.notify_all();
  }
}

void HostQueue::Wait(HostInstance* instance) {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [instance] { return !instance->pending_; });
}

bool HostQueue::IsDone(HostInstance* instance) {
  std::lock_guard<std::mutex> lock(mutex_);
  return !instance->pending_;
}

void HostQueue::Drain() {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [this] { return first_ == nullptr; });
}

bool HostQueue::IsIdle() {
  std::lock_guard<std::mutex> lock(mutex_);
  return first_ == nullptr;
}

class HostLoadedProgram final : public LoadedProgram {
 public:
  HostLoadedProgram(Device& device, HostQueue& queue, ThreadPool& pool, bool use_libraries,
                    std::unique_ptr<HostProgram> program)
      : device_(device),
        queue_(queue),
        pool_(pool),
        use_libraries_(use_libraries),
        program_(std::move(program)) {}

  absl::StatusOr<std::unique_ptr<ProgramInstance>> CreateInstance() override {
    INGOT_ASSIGN_OR_RETURN(void* const arena, device_.Allocate(program_->program->arena_size));
    return std::make_unique<HostInstance>(device_, queue_, *program_, pool_, arena, use_libraries_);
  }

 private:
  Device& device_;
  HostQueue& queue_;
  ThreadPool& pool_;
  const bool use_libraries_;
  const std::unique_ptr<HostProgram> program_;
};

class HostDevice final : public Device {
 public:
  explicit HostDevice(const HostOptions& options)
      : use_libraries_(options.use_libraries), pool_(ChooseThreadCount(options.threads)) {
    properties_.platform = "host";
    properties_.name = HostProcessorName();
    properties_.architecture = HostArchitecture();
    properties_.memory_bytes = int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE);
    properties_.processors = pool_.threads();
  }

  const DeviceProperties& properties() const override { return properties_; }

  absl::StatusOr<void*> Allocate(int64_t bytes) override {
    // Large allocations begin at a huge page: weights and arenas are walked from end to end.
    constexpr int64_t kHugePage = 2 << 20;
    constexpr int64_t kMost = int64_t{1} << 46;
    const int64_t alignment = bytes >= 2 * kHugePage ? kHugePage : kArenaAlignment;
    void* address = nullptr;
    if (bytes < 0 || bytes > kMost ||
        posix_memalign(&address, alignment, bytes == 0 ? 1 : bytes) != 0) {
      return absl::ResourceExhaustedError(absl::StrCat("no memory for ", bytes, " bytes"));
    }
    if (alignment == kHugePage) madvise(address, bytes, MADV_HUGEPAGE);
    return address;
  }
  void Free(void* address) override { std::free(address); }

  absl::Status CopyIn(void* destination, const void* source, int64_t bytes, void*) override {
    queue_.Drain();
    if (bytes > 0) std::memcpy(destination, source, bytes);
    return absl::OkStatus();
  }
  absl::Status CopyOut(void* destination, const void* source, int64_t bytes,
                       void* stream) override {
    return CopyIn(destination, source, bytes, stream);
  }
  absl::Status Synchronize(void*) override {
    queue_.Drain();
    return absl::OkStatus();
  }

  absl::StatusOr<int> Fit(const Program& program) const override {
    if (program.platform != "host") {
      return absl::FailedPreconditionError(absl::StrCat("program '", program.name, "' is for ",
                                                        program.platform,
                                                        ", and this device is the host"));
    }
    // "x86_64-v3" is 3; code of this very machine is what fits best.
    int fit = 0;
    for (const CodeModule& module : program.modules) {
      INGOT_RETURN_IF_ERROR(CheckCpu(module.architecture, module.features));
      const char level = module.architecture.back();
      fit = std::max(fit, level >= '1' && level <= '9' ? level - '0' : 10);
    }
    return fit;
  }

  absl::StatusOr<std::unique_ptr<LoadedProgram>> Load(
      std::shared_ptr<const Program> program) override {
    INGOT_RETURN_IF_ERROR(Fit(*program).status());
    INGOT_ASSIGN_OR_RETURN(std::unique_ptr<HostProgram> loaded,
                           HostProgram::Create(std::move(program), pool_.threads()));
    return std::make_unique<HostLoadedProgram>(*this, queue_, pool_, use_libraries_,
                                               std::move(loaded));
  }

 private:
  const bool use_libraries_;
  DeviceProperties properties_;
  ThreadPool pool_;
  HostQueue queue_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Device>> CreateHostDevice(const HostOptions& options) {
  return std::make_unique<HostDevice>(options);
}

}  // namespace ingot::runtime
