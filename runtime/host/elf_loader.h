// Loads x86-64 code from a relocatable ELF object, without a linker.
#ifndef INGOT_RUNTIME_HOST_ELF_LOADER_H_
#define INGOT_RUNTIME_HOST_ELF_LOADER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace ingot::runtime {

// What it takes: ET_REL for x86-64 (ELF gABI chapter 4, psABI section 4.4), position-independent,
// small code model, every symbol defined in it.  Code and read-only data; data that is only written
// by relocation (.data.rel.ro) is read-only once loaded.  Relocations: 64, PC32, PLT32, PC64, 32,
// 32S, and GOTPCREL, GOTPCRELX, REX_GOTPCRELX through a table of its own.  Anything else, writable
// data and thread-local data among it, is refused by name.
//
// The bytes are not trusted: every offset in them is checked.  The code is: it runs with all the
// rights of the process.
class ElfImage {
 public:
  // Copies the sections into memory, relocates them, and makes code executable and all of it
  // read-only.  The object's bytes are not needed afterwards.
  static absl::StatusOr<std::unique_ptr<ElfImage>> Load(absl::Span<const uint8_t> object);
  ~ElfImage();
  ElfImage(const ElfImage&) = delete;
  ElfImage& operator=(const ElfImage&) = delete;

  // The global function `name`, or null.
  void* Find(absl::string_view name) const;

 private:
  friend class ElfReader;
  ElfImage() = default;

  uint8_t* memory_ = nullptr;
  int64_t size_ = 0;
  std::vector<std::pair<std::string, void*>> functions_;  // sorted by name
};

}  // namespace ingot::runtime

#endif  // INGOT_RUNTIME_HOST_ELF_LOADER_H_
