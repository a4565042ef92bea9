// Files: mapped for reading, written whole or not at all.
#ifndef INGOT_RUNTIME_FILE_H_
#define INGOT_RUNTIME_FILE_H_

#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "runtime/program.h"

namespace ingot::runtime {

// The contents of a regular file, mapped and read-only.  NotFound, InvalidArgument: "PATH: why".
absl::StatusOr<SharedBytes> MapFile(const std::string& path);

using FileSink = absl::FunctionRef<absl::Status(absl::Span<const uint8_t>)>;

// Makes the file `path` of what `write` gives to its sink.  Until that has succeeded nothing at
// `path` changes; when it fails nothing is left behind.  What is there and no regular file, a
// device or a pipe, stays and is written to.
absl::Status WriteFileAtomically(const std::string& path,
                                 absl::FunctionRef<absl::Status(FileSink)> write);

}  // namespace ingot::runtime

#endif  // INGOT_RUNTIME_FILE_H_
