// Target: what a program is compiled for.  The list is targets.def; no other place compares
// architectures.
#ifndef INGOT_IR_BASE_TARGET_H_
#define INGOT_IR_BASE_TARGET_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "ir/base/card.h"

namespace ingot {

enum class Platform : uint8_t { kHost, kCuda };

// A row of targets.def, or what the simulator makes of one.
struct Target {
  absl::string_view
      name;  // "x86_64-v3", "sm_90a": CodeModule::architecture of what is compiled for it
  Platform platform;
  absl::string_view llvm_cpu;  // as LLVM's -mcpu takes it
  int vector_bytes;            // host
  bool fused;                  // has a fused multiply-add
  // GPU.
  int capability;   // times 10
  bool specific;    // has what is promised for this architecture only
  int ptx_version;  // times 10
  int multiprocessors;
  int shared_bytes;  // that one block may have; of a host: that one task may have
  int threads;
  int cluster_blocks;
  const Card* card;  // null for the host
  // There is no such machine here: code is the text of kernels, which the simulator runs.
  bool simulated;

  // GPU: bytes of parameters that a kernel may have, by the PTX ISA's notes on .param.
  int parameter_bytes() const { return ptx_version < 81 ? 4352 : 32764; }
};

// What runs programs for `target`, as Program::platform: "host", "cuda" or "sim".
absl::string_view PlatformName(const Target& target);

// Every target, in the order of the table; those that are simulated behind all others.
absl::Span<const Target> AllTargets();

// The target of that name; "host" is the best row for the processor that is here.  InvalidArgument
// lists the names.
absl::StatusOr<const Target*> FindTarget(absl::string_view name);

// The most that this processor can run, as a row of the table; null where there is none (not an
// x86-64 machine).
const Target* HostTarget();

}  // namespace ingot

#endif  // INGOT_IR_BASE_TARGET_H_
