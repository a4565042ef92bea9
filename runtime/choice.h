// Which of a file's programs runs on a device.
#ifndef INGOT_RUNTIME_CHOICE_H_
#define INGOT_RUNTIME_CHOICE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "runtime/device.h"
#include "runtime/program.h"

namespace ingot::runtime {

// What the program's code is for: "sm_90a"; its platform where it has no code.
std::string ArchitectureOf(const Program& program);

// The number of the program that fits the device best (Device::Fit), the first of equals.
// FailedPrecondition, where none does, says of each why not.
absl::StatusOr<size_t> ChooseProgram(absl::Span<const Program> programs, const Device& device);

}  // namespace ingot::runtime

#endif  // INGOT_RUNTIME_CHOICE_H_
