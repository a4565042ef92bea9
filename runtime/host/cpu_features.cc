#include "runtime/host/cpu_features.h"

#include <cpuid.h>

#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace ingot::runtime {
namespace {

struct Feature {
  absl::string_view name;
  int level;
  bool here;
};

const std::vector<Feature>& Features() {
  static const auto* features = new std::vector<Feature>{
#define INGOT_CPU_FEATURE(llvm_name, gcc_name, level) \
  {llvm_name, level, __builtin_cpu_supports(gcc_name) != 0},
#include "runtime/host/cpu_features.def"
  };
  return *features;
}

constexpr absl::string_view kLevels[] = {"x86_64-v1", "x86_64-v2", "x86_64-v3", "x86_64-v4"};

}  // namespace

std::string HostArchitecture() {
  int level = 4;
  for (const Feature& feature : Features()) {
    if (feature.level > 0 && feature.level <= level && !feature.here) level = feature.level - 1;
  }
  return std::string(kLevels[level > 0 ? level - 1 : 0]);
}

std::string HostProcessorName() {
  unsigned words[12] = {};
  for (unsigned i = 0; i < 3; ++i) {
    unsigned* w = words + 4 * i;
    if (__get_cpuid(0x80000002 + i, w, w + 1, w + 2, w + 3) == 0) return "this CPU";
  }
  char text[sizeof(words) + 1] = {};
  std::memcpy(text, words, sizeof(words));
  absl::string_view name = text;
  while (!name.empty() && name.front() == ' ') name.remove_prefix(1);
  while (!name.empty() && name.back() == ' ') name.remove_suffix(1);
  return std::string(name);
}

absl::Status CheckCpu(absl::string_view architecture, const std::vector<std::string>& features) {
  int level = 0;
  for (int i = 0; i < 4; ++i) {
    if (architecture == kLevels[i]) level = i + 1;
  }
  if (level == 0 && architecture != "host") {
    return absl::FailedPreconditionError(absl::StrCat(
        "the code is for '", architecture, "'; ", HostProcessorName(), " is ", HostArchitecture()));
  }
  std::vector<absl::string_view> missing;
  for (const Feature& feature : Features()) {
    if (feature.level > 0 && feature.level <= level && !feature.here)
      missing.push_back(feature.name);
  }
  for (const std::string& name : features) {
    bool here = false;
    for (const Feature& feature : Features()) here |= feature.here && feature.name == name;
    if (!here) missing.push_back(name);
  }
  if (missing.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("the code needs a CPU of ", architecture, features.empty() ? "" : " with ",
                   absl::StrJoin(features, ", "), "; ", HostProcessorName(), " is ",
                   HostArchitecture(), " and lacks ", absl::StrJoin(missing, ", ")));
}

}  // namespace ingot::runtime
