#include "compiler/cache/version.h"

#include <elf.h>
#include <link.h>

#include <cstdint>
#include <cstring>

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"

namespace ingot::cache {
namespace {

// The build ID among the notes of a segment; empty where it is not there.
std::string FindBuildId(absl::string_view notes) {
  const auto padded = [](size_t size) { return (size + 3) & ~size_t{3}; };
  while (notes.size() >= sizeof(ElfW(Nhdr))) {
    ElfW(Nhdr) header;
    std::memcpy(&header, notes.data(), sizeof(header));
    notes.remove_prefix(sizeof(header));
    const size_t name = padded(header.n_namesz), contents = padded(header.n_descsz);
    if (name > notes.size() || contents > notes.size() - name) break;
    if (header.n_type == NT_GNU_BUILD_ID &&
        notes.substr(0, header.n_namesz) == absl::string_view("GNU", 4)) {
      return absl::BytesToHexString(notes.substr(name, header.n_descsz));
    }
    notes.remove_prefix(name + contents);
  }
  return "";
}

struct Search {
  uintptr_t code;  // an address of ours
  std::string found;
};

int LookAt(dl_phdr_info* object, size_t, void* data) {
  auto* search = static_cast<Search*>(data);
  const auto address = [&](const ElfW(Phdr) & segment) {
    return static_cast<uintptr_t>(object->dlpi_addr + segment.p_vaddr);
  };
  bool ours = false;
  std::string id;
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = object->dlpi_phdr[i];
    if (segment.p_type == PT_LOAD && search->code >= address(segment) &&
        search->code - address(segment) < segment.p_memsz) {
      ours = true;
    }
    if (segment.p_type == PT_NOTE && id.empty()) {
      id = FindBuildId({reinterpret_cast<const char*>(address(segment)), segment.p_memsz});
    }
  }
  if (ours) search->found = std::move(id);
  return ours ? 1 : 0;
}

}  // namespace

const std::string& CompilerVersion() {
  static const std::string* const version = [] {
    Search search = {reinterpret_cast<uintptr_t>(&CompilerVersion), ""};
    dl_iterate_phdr(LookAt, &search);
    return new std::string(std::move(search.found));
  }();
  return *version;
}

}  // namespace ingot::cache
