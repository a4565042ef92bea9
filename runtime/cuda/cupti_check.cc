// Holds cupti.h's record against the toolkit's, where there is one.  No code.
#if defined(INGOT_HAVE_CUDA_HEADERS) && __has_include(<cupti_activity.h>)

#include <cupti.h>

#include "runtime/cuda/cupti.h"

namespace ingot::runtime::cuda {

#define INGOT_SAME_KIND(name) static_assert(cuda::name == static_cast<int>(::name))
INGOT_SAME_KIND(CUPTI_ACTIVITY_KIND_MEMCPY);
INGOT_SAME_KIND(CUPTI_ACTIVITY_KIND_MEMSET);
INGOT_SAME_KIND(CUPTI_ACTIVITY_KIND_KERNEL);
INGOT_SAME_KIND(CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL);

#define INGOT_SAME_TIMES(theirs)                                             \
  static_assert(offsetof(ActivityRecord, kind) == offsetof(theirs, kind));   \
  static_assert(offsetof(ActivityRecord, start) == offsetof(theirs, start)); \
  static_assert(offsetof(ActivityRecord, end) == offsetof(theirs, end))
INGOT_SAME_TIMES(CUpti_ActivityKernel9);
INGOT_SAME_TIMES(CUpti_ActivityMemcpy5);
INGOT_SAME_TIMES(CUpti_ActivityMemset4);

}  // namespace ingot::runtime::cuda

#endif
