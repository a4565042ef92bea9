// CUPTI, opened at run time: when each kernel, copy and fill of this process began and ended on the
// card.  Our own prototypes; cupti_check.cc holds them against cupti.h where that is.
#ifndef INGOT_RUNTIME_CUDA_CUPTI_H_
#define INGOT_RUNTIME_CUDA_CUPTI_H_

#include <cstdint>
#include <memory>
#include <vector>

namespace ingot::runtime::cuda {

// In nanoseconds of CUPTI's clock.
struct Activity {
  uint64_t start = 0;
  uint64_t end = 0;
};

// The beginning of CUPTI's records of kernels, copies and fills, the same in all of its versions.
struct ActivityRecord {
  uint32_t kind;
  uint32_t of_kind[3];
  uint64_t start;
  uint64_t end;
};

inline constexpr int CUPTI_ACTIVITY_KIND_MEMCPY = 1;
inline constexpr int CUPTI_ACTIVITY_KIND_MEMSET = 2;
inline constexpr int CUPTI_ACTIVITY_KIND_KERNEL = 3;
inline constexpr int CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL = 10;

// Records what this process does on cards, while it lives.  One at a time.
class ActivityRecording {
 public:
  // Null where CUPTI is not found or refuses (another profiler has it), and while there is another.
  static std::unique_ptr<ActivityRecording> Begin();
  ~ActivityRecording();
  ActivityRecording(const ActivityRecording&) = delete;
  ActivityRecording& operator=(const ActivityRecording&) = delete;

  // What has been done since the last call, in the order of its beginning.  Requires: it has been
  // waited for.
  std::vector<Activity> Take();

 private:
  ActivityRecording() = default;
};

}  // namespace ingot::runtime::cuda

#endif  // INGOT_RUNTIME_CUDA_CUPTI_H_
