// Files: mapped for reading, written whole or not at all.
#ifndef INGOT_RUNTIME_FILE_H_
#define INGOT_RUNTIME_FILE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "runtime/program.h"

namespace ingot::runtime {

// The contents of a regular file, mapped and read-only.  NotFound, InvalidArgument: "PATH: why".
absl::StatusOr<SharedBytes> MapFile(const std::string& path);

// A copy of the contents, for files that may be cut while they are read.  As MapFile.
absl::StatusOr<std::vector<uint8_t>> ReadFile(const std::string& path);

using FileSink = absl::FunctionRef<absl::Status(absl::Span<const uint8_t>)>;

// Makes the file `path` of what `write` gives to its sink.  Until that has succeeded nothing at
// `path` changes; when it fails nothing is left behind.  What is there and no regular file, a
// device or a pipe, stays and is written to.  Without `sync` a machine that stops soon after may
// have a broken file there.  Thread-safe.
absl::Status WriteFileAtomically(const std::string& path,
                                 absl::FunctionRef<absl::Status(FileSink)> write, bool sync = true);

}  // namespace ingot::runtime

#endif  // INGOT_RUNTIME_FILE_H_
