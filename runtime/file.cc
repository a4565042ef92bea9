#include "runtime/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "ir/base/status.h"

namespace ingot::runtime {
namespace {

absl::Status Failed(const std::string& path, absl::string_view what, int error) {
  const std::string message = absl::StrCat(path, ": ", what, ": ", std::strerror(error));
  if (error == ENOENT) return absl::NotFoundError(message);
  if (error == EACCES || error == EPERM || error == EROFS) {
    return absl::PermissionDeniedError(message);
  }
  return absl::UnavailableError(message);
}

absl::Status WriteAll(int file, const std::string& path, absl::Span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Failed(path, "cannot write", errno);
    bytes.remove_prefix(written);
  }
  return absl::OkStatus();
}

absl::Status WriteInPlace(const std::string& path,
                          absl::FunctionRef<absl::Status(FileSink)> write_contents) {
  const int file = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (file < 0) return Failed(path, "cannot write", errno);
  absl::Status status =
      write_contents([&](absl::Span<const uint8_t> bytes) { return WriteAll(file, path, bytes); });
  if (close(file) != 0 && status.ok()) status = Failed(path, "cannot write", errno);
  return status;
}

}  // namespace

absl::StatusOr<SharedBytes> MapFile(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return Failed(path, "cannot open", errno);
  struct stat info;
  if (fstat(file, &info) != 0 || !S_ISREG(info.st_mode)) {
    close(file);
    return InvalidArgument(path, ": not a regular file");
  }
  if (info.st_size == 0) {
    close(file);
    return SharedBytes();
  }
  const size_t size = info.st_size;
  void* memory = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0);
  const int error = errno;
  close(file);
  if (memory == MAP_FAILED) return Failed(path, "cannot map", error);
  std::shared_ptr<const void> owner(memory, [size](void* mapped) { munmap(mapped, size); });
  return SharedBytes(std::move(owner),
                     absl::MakeConstSpan(static_cast<const uint8_t*>(memory), size));
}

absl::Status WriteFileAtomically(const std::string& path,
                                 absl::FunctionRef<absl::Status(FileSink)> write_contents) {
  struct stat there;
  if (stat(path.c_str(), &there) == 0 && !S_ISREG(there.st_mode)) {
    return WriteInPlace(path, write_contents);
  }
  std::string temporary = path + ".XXXXXX";
  const int file = mkostemp(temporary.data(), O_CLOEXEC);
  if (file < 0) return Failed(path, "cannot write", errno);
  absl::Status status =
      write_contents([&](absl::Span<const uint8_t> bytes) { return WriteAll(file, path, bytes); });
  // As open() would have made it: mkostemp lets only the owner in.
  const mode_t mask = umask(0);
  umask(mask);
  if (status.ok() && fchmod(file, 0666 & ~mask) != 0) status = Failed(path, "cannot write", errno);
  if (status.ok() && fsync(file) != 0) status = Failed(path, "cannot write", errno);
  if (close(file) != 0 && status.ok()) status = Failed(path, "cannot write", errno);
  if (status.ok() && rename(temporary.c_str(), path.c_str()) != 0) {
    status = Failed(path, "cannot write", errno);
  }
  if (!status.ok()) unlink(temporary.c_str());
  return status;
}

}  // namespace ingot::runtime
