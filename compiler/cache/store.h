// A folder of files by key, which survives the process and may be used by many at once.
#ifndef INGOT_COMPILER_CACHE_STORE_H_
#define INGOT_COMPILER_CACHE_STORE_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "runtime/container.h"

namespace ingot::cache {

// What an entry is found by: a hash of all that its contents depend on.
using Key = runtime::Hash;

// Each entry is a file HEX.entry, a container (runtime/container.h) of one compressed section, so
// that whatever befell it is noticed.  Entries appear whole, by a rename.  Thread-safe.
class Store {
 public:
  // Makes the folder, for its owner alone, where it is not there.  Errors name it and say why it
  // cannot be used.
  static absl::StatusOr<std::shared_ptr<const Store>> Open(const std::string& folder,
                                                           int64_t limit_bytes);

  // The entry's bytes; nullopt where there is none, or none that can be read and is whole.
  std::optional<std::vector<uint8_t>> Get(const Key& key) const;

  // Keeps the bytes, unless they would take half of the limit, or cannot be written.  Where entries
  // then take more bytes than the limit, those that have not been used for longest go, until they
  // take three quarters of it.
  void Put(const Key& key, absl::Span<const uint8_t> bytes) const;

 private:
  Store(std::string folder, int64_t limit_bytes)
      : folder_(std::move(folder)), limit_bytes_(limit_bytes) {}
  std::string PathOf(const Key& key) const;
  // Bytes of what is left of the folder's entries.
  int64_t Shrink() const;

  const std::string folder_;
  const int64_t limit_bytes_;
  mutable std::mutex mutex_;
  // Bytes in the folder, as far as this process knows; less than 0: not yet counted.
  mutable int64_t bytes_ = -1;
};

// The store of this process, opened once: $INGOT_CACHE, or ingot in $XDG_CACHE_HOME or ~/.cache;
// at most $INGOT_CACHE_MB megabytes (1,024).  Null where INGOT_CACHE is "off" or empty, where no
// variable names a folder, and where the folder cannot be used; if INGOT_CACHE names it then
// `warning` says why.
std::shared_ptr<const Store> StoreOfProcess(std::string* warning);

}  // namespace ingot::cache

#endif  // INGOT_COMPILER_CACHE_STORE_H_
