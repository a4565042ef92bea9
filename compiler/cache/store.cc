#include "compiler/cache/store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "ir/base/status.h"
#include "runtime/file.h"

namespace ingot::cache {
namespace {

constexpr int64_t kDefaultMegabytes = 1024;
constexpr absl::string_view kExtension = ".entry";
constexpr size_t kDigits = 2 * sizeof(Key);

// Whether a file of this name is an entry, or one that is being written, or was until its process
// died: nothing else in the folder is touched.
bool IsOurs(absl::string_view name) {
  return name.size() >= kDigits + kExtension.size() &&
         name.substr(kDigits, kExtension.size()) == kExtension &&
         name.find_first_not_of("0123456789abcdef") == kDigits;
}

// The variable's value; nullopt where it is not set.
std::optional<std::string> Variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) return std::nullopt;
  return value;
}

// Folder and limit as the environment says; an empty folder: no store.
struct Settings {
  std::string folder;
  bool named = false;  // by INGOT_CACHE
  int64_t megabytes = kDefaultMegabytes;
};

Settings ReadEnvironment(std::string* warning) {
  Settings settings;
  if (const auto folder = Variable("INGOT_CACHE"); folder.has_value()) {
    settings.named = true;
    if (*folder != "off") settings.folder = *folder;
  } else if (const auto caches = Variable("XDG_CACHE_HOME");
             caches.has_value() && absl::StartsWith(*caches, "/")) {
    settings.folder = *caches + "/ingot";
  } else if (const auto home = Variable("HOME"); home.has_value() && !home->empty()) {
    settings.folder = *home + "/.cache/ingot";
  }
  const auto megabytes = Variable("INGOT_CACHE_MB");
  if (megabytes.has_value() && (!absl::SimpleAtoi(*megabytes, &settings.megabytes) ||
                                settings.megabytes < 1 || settings.megabytes > (1 << 30))) {
    settings.megabytes = kDefaultMegabytes;
    *warning = absl::StrCat("INGOT_CACHE_MB: '", *megabytes, "' is no number of megabytes; ",
                            kDefaultMegabytes, " is taken");
  }
  return settings;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Store>> Store::Open(const std::string& folder,
                                                         int64_t limit_bytes) {
  std::error_code error;
  const std::filesystem::path parent = std::filesystem::path(folder).parent_path();
  if (!parent.empty()) std::filesystem::create_directories(parent, error);
  if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return InvalidArgument(folder, ": cannot make this folder: ", std::strerror(errno));
  }
  if (!std::filesystem::is_directory(folder, error)) {
    return InvalidArgument(folder, ": not a folder");
  }
  if (access(folder.c_str(), R_OK | W_OK | X_OK) != 0) {
    return InvalidArgument(folder, ": cannot use this folder: ", std::strerror(errno));
  }
  return std::shared_ptr<const Store>(new Store(folder, limit_bytes));
}

std::string Store::PathOf(const Key& key) const {
  const absl::string_view bytes(reinterpret_cast<const char*>(key.data()), key.size());
  return absl::StrCat(folder_, "/", absl::BytesToHexString(bytes), kExtension);
}

std::optional<std::vector<uint8_t>> Store::Get(const Key& key) const {
  const std::string path = PathOf(key);
  const absl::StatusOr<std::vector<uint8_t>> file = runtime::ReadFile(path);
  if (!file.ok()) return std::nullopt;
  const absl::StatusOr<runtime::Container> container = runtime::ReadContainer(*file);
  if (!container.ok() || container->sections.size() != 1) return std::nullopt;
  absl::StatusOr<std::vector<uint8_t>> bytes = runtime::ReadSection(container->sections[0]);
  if (!bytes.ok()) return std::nullopt;
  // Its time says when it was last of use.
  utimensat(AT_FDCWD, path.c_str(), nullptr, 0);
  return *std::move(bytes);
}

void Store::Put(const Key& key, absl::Span<const uint8_t> bytes) const {
  const std::vector<uint8_t> compressed = runtime::Compress(bytes);
  const auto size = static_cast<int64_t>(compressed.size());
  if (size > limit_bytes_ / 2) return;
  const runtime::SectionSource section = {runtime::SectionKind::kCode, true, compressed,
                                          static_cast<int64_t>(bytes.size())};
  const absl::Status written = runtime::WriteFileAtomically(
      PathOf(key),
      [&](runtime::FileSink sink) {
        return runtime::WriteContainer(absl::MakeConstSpan(&section, 1), nullptr, sink);
      },
      /*sync=*/false);
  if (!written.ok()) return;
  std::lock_guard<std::mutex> lock(mutex_);
  if (bytes_ >= 0) bytes_ += size;
  if (bytes_ < 0 || bytes_ > limit_bytes_) bytes_ = Shrink();
}

int64_t Store::Shrink() const {
  struct File {
    std::filesystem::path path;
    std::filesystem::file_time_type used;
    int64_t bytes;
  };
  std::vector<File> files;
  int64_t bytes = 0;
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder_, error), end; !error && it != end;
       it.increment(error)) {
    if (!IsOurs(it->path().filename().string())) continue;
    std::error_code gone;  // by another process
    File file = {it->path(), it->last_write_time(gone), 0};
    if (!gone) file.bytes = static_cast<int64_t>(it->file_size(gone));
    if (gone) continue;
    bytes += file.bytes;
    files.push_back(std::move(file));
  }
  if (bytes <= limit_bytes_) return bytes;
  std::sort(files.begin(), files.end(),
            [](const File& a, const File& b) { return a.used < b.used; });
  for (const File& file : files) {
    if (bytes <= limit_bytes_ / 4 * 3) break;
    std::filesystem::remove(file.path, error);
    bytes -= file.bytes;
  }
  return bytes;
}

std::shared_ptr<const Store> StoreOfProcess(std::string* warning) {
  struct Opened {
    std::shared_ptr<const Store> store;
    std::string warning;
  };
  static const Opened* const opened = [] {
    auto* result = new Opened;
    const Settings settings = ReadEnvironment(&result->warning);
    if (settings.folder.empty()) return result;
    auto store = Store::Open(settings.folder, settings.megabytes << 20);
    if (store.ok()) {
      result->store = *std::move(store);
    } else if (settings.named) {
      result->warning =
          absl::StrCat("INGOT_CACHE: ", store.status().message(), "; compiled code is not kept");
    }
    return result;
  }();
  *warning = opened->warning;
  return opened->store;
}

}  // namespace ingot::cache
