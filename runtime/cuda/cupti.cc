#include "runtime/cuda/cupti.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <string>
#include <type_traits>

#include "absl/strings/str_cat.h"

namespace ingot::runtime::cuda {
namespace {

constexpr int kKinds[] = {CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL, CUPTI_ACTIVITY_KIND_MEMCPY,
                          CUPTI_ACTIVITY_KIND_MEMSET};
constexpr size_t kBufferBytes = 1 << 20;
constexpr uint32_t kFlushForced = 1;  // also of buffers that are not full

using RequestBuffer = void (*)(uint8_t** buffer, size_t* bytes, size_t* most_records);
using TakeBuffer = void (*)(struct Context* context, uint32_t stream, uint8_t* buffer, size_t bytes,
                            size_t filled);

// 0 is success.
struct Cupti {
  int (*cuptiActivityRegisterCallbacks)(RequestBuffer request, TakeBuffer take) = nullptr;
  int (*cuptiActivityEnable)(int kind) = nullptr;
  int (*cuptiActivityDisable)(int kind) = nullptr;
  int (*cuptiActivityFlushAll)(uint32_t flag) = nullptr;
  int (*cuptiActivityGetNextRecord)(uint8_t* buffer, size_t filled,
                                    ActivityRecord** record) = nullptr;

  bool Open(const std::string& path) {
    void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return false;
    const auto find = [&](auto& function, const char* name) {
      function = reinterpret_cast<std::decay_t<decltype(function)>>(dlsym(library, name));
      return function != nullptr;
    };
    return find(cuptiActivityRegisterCallbacks, "cuptiActivityRegisterCallbacks") &&
           find(cuptiActivityEnable, "cuptiActivityEnable") &&
           find(cuptiActivityDisable, "cuptiActivityDisable") &&
           find(cuptiActivityFlushAll, "cuptiActivityFlushAll") &&
           find(cuptiActivityGetNextRecord, "cuptiActivityGetNextRecord");
  }
};

// What CUPTI's threads and a recording share.
struct Records {
  std::mutex mutex;
  bool recording = false;
  std::vector<Activity> activities;
};
Records& TheRecords() {
  static auto* const records = new Records;
  return *records;
}

// On the library path, in $CUDA_HOME, in /usr/local/cuda.  Null where there is none.
const Cupti* OpenCupti() {
  static const Cupti* const opened = []() -> const Cupti* {
    std::vector<std::string> folders = {""};
    if (const char* home = std::getenv("CUDA_HOME"); home != nullptr && *home != '\0') {
      folders.push_back(absl::StrCat(home, "/lib64/"));
      folders.push_back(absl::StrCat(home, "/extras/CUPTI/lib64/"));
    }
    folders.push_back("/usr/local/cuda/lib64/");
    folders.push_back("/usr/local/cuda/extras/CUPTI/lib64/");
    auto* cupti = new Cupti;
    for (const std::string& folder : folders) {
      for (const char* name : {"libcupti.so.13", "libcupti.so.12"}) {
        if (cupti->Open(folder + name)) return cupti;
      }
    }
    delete cupti;
    return nullptr;
  }();
  return opened;
}

void Request(uint8_t** buffer, size_t* bytes, size_t* most_records) {
  *buffer = static_cast<uint8_t*>(std::aligned_alloc(8, kBufferBytes));
  *bytes = *buffer == nullptr ? 0 : kBufferBytes;
  *most_records = 0;  // as many as there is room for
}

void Collect(struct Context*, uint32_t, uint8_t* buffer, size_t, size_t filled) {
  Records& records = TheRecords();
  std::lock_guard<std::mutex> lock(records.mutex);
  ActivityRecord* record = nullptr;
  while (filled > 0 && OpenCupti()->cuptiActivityGetNextRecord(buffer, filled, &record) == 0) {
    const auto kind = static_cast<int>(record->kind);
    if (kind == CUPTI_ACTIVITY_KIND_KERNEL ||
        std::find(std::begin(kKinds), std::end(kKinds), kind) != std::end(kKinds)) {
      records.activities.push_back({record->start, record->end});
    }
  }
  std::free(buffer);
}

}  // namespace

std::unique_ptr<ActivityRecording> ActivityRecording::Begin() {
  const Cupti* const cupti = OpenCupti();
  if (cupti == nullptr) return nullptr;
  Records& records = TheRecords();
  {
    std::lock_guard<std::mutex> lock(records.mutex);
    if (records.recording) return nullptr;
    records.recording = true;
    records.activities.clear();
  }
  std::unique_ptr<ActivityRecording> recording(new ActivityRecording);
  if (cupti->cuptiActivityRegisterCallbacks(Request, Collect) != 0) return nullptr;
  for (int kind : kKinds) {
    if (cupti->cuptiActivityEnable(kind) != 0) return nullptr;
  }
  return recording;
}

ActivityRecording::~ActivityRecording() {
  for (int kind : kKinds) OpenCupti()->cuptiActivityDisable(kind);
  OpenCupti()->cuptiActivityFlushAll(kFlushForced);
  std::lock_guard<std::mutex> lock(TheRecords().mutex);
  TheRecords().recording = false;
}

std::vector<Activity> ActivityRecording::Take() {
  OpenCupti()->cuptiActivityFlushAll(kFlushForced);
  std::vector<Activity> activities;
  {
    std::lock_guard<std::mutex> lock(TheRecords().mutex);
    activities.swap(TheRecords().activities);
  }
  std::stable_sort(activities.begin(), activities.end(),
                   [](const Activity& a, const Activity& b) { return a.start < b.start; });
  return activities;
}

}  // namespace ingot::runtime::cuda
