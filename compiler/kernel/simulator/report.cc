#include "compiler/kernel/simulator/report.h"

#include <numeric>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace ingot::kernel::simulator {

absl::string_view NameOf(FaultKind kind) {
  switch (kind) {
    case FaultKind::kRace:
      return "race";
    case FaultKind::kOutOfBounds:
      return "out of bounds";
    case FaultKind::kMisaligned:
      return "misaligned";
    case FaultKind::kUnwritten:
      return "unwritten";
    case FaultKind::kReadonly:
      return "readonly";
    case FaultKind::kDivergence:
      return "divergence";
    case FaultKind::kBarrier:
      return "barrier count";
    case FaultKind::kCopyInFlight:
      return "copy in flight";
    case FaultKind::kDeadlock:
      return "deadlock";
  }
  return "";
}

absl::string_view NameOf(Unit unit) {
  switch (unit) {
    case Unit::kInteger:
      return "integer";
    case Unit::kFloat:
      return "float";
    case Unit::kDouble:
      return "double";
    case Unit::kSpecial:
      return "special";
    case Unit::kConversion:
      return "conversion";
    case Unit::kGlobal:
      return "global";
    case Unit::kShared:
      return "shared";
    case Unit::kShuffle:
      return "shuffle";
    case Unit::kControl:
      return "control";
    case Unit::kBarrier:
      return "barrier";
    case Unit::kMatrix:
      return "matrix";
  }
  return "";
}

int64_t Counters::issue_slots() const {
  return std::accumulate(instructions.begin(), instructions.end(), int64_t{0});
}

absl::Status Report::status() const {
  if (faults.empty()) return absl::OkStatus();
  const size_t more = faults.size() - 1;
  return absl::FailedPreconditionError(
      absl::StrCat(faults[0].message, more == 0 ? "" : absl::StrCat(" (and ", more, " more)")));
}

std::string Report::ToString() const {
  std::string text;
  for (const Fault& fault : faults) absl::StrAppend(&text, "fault: ", fault.message, "\n");
  absl::StrAppendFormat(&text, "@%s: %d of %d blocks, %d thread operations\n", kernel, blocks_run,
                        blocks, counters.thread_operations);
  absl::StrAppendFormat(&text, "  %-16s %12s %12s %14s %14s %6s\n", "memory", "instructions",
                        "sectors", "useful bytes", "unique bytes", "used");
  const auto row = [&](absl::string_view name, const GlobalAccesses& accesses) {
    if (accesses.instructions == 0) return;
    absl::StrAppendFormat(&text, "  %-16s %12d %12d %14d %14d %5.1f%%\n", name,
                          accesses.instructions, accesses.sectors, accesses.useful_bytes,
                          accesses.unique_bytes, 100 * accesses.used());
  };
  for (const BufferAccesses& buffer : counters.buffers) {
    row(absl::StrCat("load %", buffer.name), buffer.loads);
    row(absl::StrCat("store %", buffer.name), buffer.stores);
  }
  absl::StrAppendFormat(&text, "  issue slots %d:", counters.issue_slots());
  for (int unit = 0; unit < kUnitCount; ++unit) {
    if (counters.instructions[unit] == 0) continue;
    absl::StrAppendFormat(&text, " %s %d", NameOf(static_cast<Unit>(unit)),
                          counters.instructions[unit]);
  }
  absl::StrAppendFormat(&text,
                        "\n  barriers %d; shared memory: %d instructions, %.2f ways; in flight a "
                        "block: %.0f bytes\n",
                        counters.barriers, counters.shared_instructions,
                        counters.bank_conflict_ways(), counters.bytes_in_flight);
  return text;
}

}  // namespace ingot::kernel::simulator
