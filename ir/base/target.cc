#include "ir/base/target.h"

#include "absl/strings/str_cat.h"
#include "ir/base/status.h"

namespace ingot {
namespace {

#define INGOT_CARD(identifier, ...) constexpr Card identifier = {__VA_ARGS__};
#include "ir/base/cards.def"

constexpr Target kTargets[] = {
#define INGOT_HOST_TARGET(name, cpu, vector_bytes, fused, task_bytes)               \
  {name, Platform::kHost, cpu,  vector_bytes, fused, 0, false, 0, 0, task_bytes, 0, \
   0,    nullptr,         false},
#define INGOT_GPU_ROW(simulated, name, cpu, capability, specific, ptx, multiprocessors, shared, \
                      threads, cluster, card)                                                   \
  {name, Platform::kCuda, cpu,    0,       true,    capability, specific,                       \
   ptx,  multiprocessors, shared, threads, cluster, &card,      simulated},
#define INGOT_GPU_TARGET(...) INGOT_GPU_ROW(false, __VA_ARGS__)
#include "ir/base/targets.def"
#define INGOT_GPU_TARGET(...) INGOT_GPU_ROW(true, "sim:" __VA_ARGS__)
#define INGOT_SIMULATED_TARGET(...) INGOT_GPU_ROW(true, "sim:" __VA_ARGS__)
#include "ir/base/targets.def"
#undef INGOT_GPU_ROW
};

const Target* Row(absl::string_view name) {
  for (const Target& target : kTargets) {
    if (target.name == name) return &target;
  }
  return nullptr;
}

}  // namespace

absl::string_view PlatformName(const Target& target) {
  if (target.platform == Platform::kHost) return "host";
  return target.simulated ? "sim" : "cuda";
}

absl::Span<const Target> AllTargets() { return kTargets; }

const Target* HostTarget() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("x86-64-v4")) return Row("x86_64-v4");
  if (__builtin_cpu_supports("x86-64-v3")) return Row("x86_64-v3");
  if (__builtin_cpu_supports("x86-64-v2")) return Row("x86_64-v2");
#endif
  return nullptr;
}

absl::StatusOr<const Target*> FindTarget(absl::string_view name) {
  if (name == "host") {
    const Target* host = HostTarget();
    if (host == nullptr)
      return Unimplemented("this machine's processor has no row among the targets");
    return host;
  }
  if (const Target* target = Row(name)) return target;
  std::string names = "host";
  for (const Target& target : kTargets) absl::StrAppend(&names, ", ", target.name);
  return InvalidArgument("unknown target '", name, "'; the targets are ", names);
}

}  // namespace ingot
