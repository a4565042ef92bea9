#include "runtime/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
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

// A file beside `path` that was not there before, with the rights that open() gives: its
// descriptor, and its name in `temporary`; less than 0 and errno when there can be none.
int OpenNew(const std::string& path, std::string& temporary) {
  static std::atomic<uint64_t> number{0};
  int file = -1;
  do {
    temporary = absl::StrCat(path, ".", getpid(), "-", number++);
    file = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (file < 0 && errno == EEXIST);
  return file;
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

absl::StatusOr<std::vector<uint8_t>> ReadFile(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return Failed(path, "cannot open", errno);
  struct stat info;
  absl::Status status;
  if (fstat(file, &info) != 0 || !S_ISREG(info.st_mode)) {
    status = InvalidArgument(path, ": not a regular file");
  }
  std::vector<uint8_t> bytes(status.ok() ? info.st_size : 0);
  size_t size = 0;
  while (size < bytes.size()) {
    const ssize_t count = read(file, bytes.data() + size, bytes.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) status = Failed(path, "cannot read", errno);
    if (count <= 0) break;
    size += count;
  }
  close(file);
  bytes.resize(size);
  if (!status.ok()) return status;
  return bytes;
}

absl::Status WriteFileAtomically(const std::string& path,
                                 absl::FunctionRef<absl::Status(FileSink)> write_contents,
                                 bool sync) {
  struct stat there;
  if (stat(path.c_str(), &there) == 0 && !S_ISREG(there.st_mode)) {
    return WriteInPlace(path, write_contents);
  }
  std::string temporary;
  const int file = OpenNew(path, temporary);
  if (file < 0) return Failed(path, "cannot write", errno);
  absl::Status status =
      write_contents([&](absl::Span<const uint8_t> bytes) { return WriteAll(file, path, bytes); });
  if (status.ok() && sync && fsync(file) != 0) status = Failed(path, "cannot write", errno);
  if (close(file) != 0 && status.ok()) status = Failed(path, "cannot write", errno);
  if (status.ok() && rename(temporary.c_str(), path.c_str()) != 0) {
    status = Failed(path, "cannot write", errno);
  }
  if (!status.ok()) unlink(temporary.c_str());
  return status;
}

}  // namespace ingot::runtime
