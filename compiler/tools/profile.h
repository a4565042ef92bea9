// The time of each command of a run: as a table, and as a trace.
#ifndef INGOT_COMPILER_TOOLS_PROFILE_H_
#define INGOT_COMPILER_TOOLS_PROFILE_H_

#include <string>

#include "absl/types/span.h"
#include "nlohmann/json.hpp"
#include "runtime/device.h"

namespace ingot::tools {

// What a profile is read against.
struct ProfileContext {
  std::string device;            // its name
  double copy_bytes_per_us = 0;  // that the device copies, read and written counted; 0: not known
  double operations_per_us = 0;  // of its fastest unit; 0: not known
  double run_us = 0;             // of an ordinary run, as one graph on a card; 0: not known
};

// A row for each command, the dearest first: the HLO instruction that it is of, its kernel, how
// often it ran, microseconds in all, their share, its floor (the larger of its bytes at the rate of
// a copy and its operations at that of the fastest unit), the ratio to that, GB/s, GFLOP/s.  Then
// what an ordinary run takes besides its commands.
std::string ProfileText(const runtime::Profile& profile, const ProfileContext& context);

// The commands on a time line, in the format of Chrome's trace events, which Perfetto reads.
nlohmann::json TraceJson(const runtime::Profile& profile, const ProfileContext& context);

}  // namespace ingot::tools

#endif  // INGOT_COMPILER_TOOLS_PROFILE_H_
