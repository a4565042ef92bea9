#include "runtime/host/elf_loader.h"

#include <elf.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

#include "ir/base/integers.h"
#include "ir/base/status.h"

namespace ingot::runtime {
namespace {

constexpr int64_t kPage = 4096;
// PC-relative references reach 2 GB; no kernel comes near this.
constexpr int64_t kMostBytes = int64_t{1} << 30;

}  // namespace

// One load.  Steps in the order of Load(); what each leaves behind is in the members.
class ElfReader {
 public:
  explicit ElfReader(absl::Span<const uint8_t> object) : object_(object) {}

  absl::StatusOr<std::unique_ptr<ElfImage>> Load() {
    INGOT_RETURN_IF_ERROR(ReadHeader());
    INGOT_RETURN_IF_ERROR(ReadSymbolTable());
    INGOT_RETURN_IF_ERROR(PlaceSections());
    INGOT_RETURN_IF_ERROR(Map());
    for (const Elf64_Shdr& section : sections_) {
      if (section.sh_type == SHT_RELA) INGOT_RETURN_IF_ERROR(Relocate(section));
      if (section.sh_type == SHT_REL) return InvalidArgument("relocations without addends");
    }
    INGOT_RETURN_IF_ERROR(Protect());
    INGOT_RETURN_IF_ERROR(CollectFunctions());
    return std::move(image_);
  }

 private:
  // A copy of the T at `offset`, which must be in bounds.
  template <typename T>
  T At(uint64_t offset) const {
    T value;
    std::memcpy(&value, object_.data() + offset, sizeof(T));
    return value;
  }
  bool InBounds(uint64_t offset, uint64_t size) const {
    return offset <= object_.size() && size <= object_.size() - offset;
  }

  absl::Status ReadHeader();
  absl::Status ReadSymbolTable();
  absl::Status CheckSection(size_t index) const;
  absl::Status PlaceSections();
  absl::Status Map();
  absl::Status Relocate(const Elf64_Shdr& table);
  absl::Status Apply(const Elf64_Rela& entry, size_t target);
  absl::StatusOr<uint64_t> AddressOf(uint32_t symbol) const;
  uint64_t GotSlot(uint32_t symbol) const;
  absl::Status Protect();
  absl::Status CollectFunctions();
  std::string NameOf(uint32_t offset) const;
  bool IsRelRo(const Elf64_Shdr& section) const;

  const absl::Span<const uint8_t> object_;
  std::vector<Elf64_Shdr> sections_;
  std::vector<int64_t> places_;  // of each section in the image; -1: not loaded
  uint64_t symbols_ = 0, symbol_count_ = 0;
  uint64_t strings_ = 0, strings_size_ = 0;
  int64_t code_size_ = 0;           // the image's first bytes: executable
  int64_t got_ = 0;                 // place of the table of addresses
  std::vector<uint32_t> got_used_;  // symbols that have a slot in it, in order
  std::unique_ptr<ElfImage> image_;
};

absl::Status ElfReader::ReadHeader() {
  if (object_.size() < sizeof(Elf64_Ehdr)) {
    return InvalidArgument("an ELF object of ", object_.size(), " bytes");
  }
  const auto header = At<Elf64_Ehdr>(0);
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
    return InvalidArgument("not an ELF object");
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
      header.e_machine != EM_X86_64 || header.e_type != ET_REL) {
    return InvalidArgument("not a relocatable x86-64 ELF object: class ",
                           header.e_ident[EI_CLASS] + 0, ", machine ", header.e_machine, ", type ",
                           header.e_type);
  }
  if (header.e_shentsize != sizeof(Elf64_Shdr) ||
      !InBounds(header.e_shoff, uint64_t{header.e_shnum} * sizeof(Elf64_Shdr))) {
    return InvalidArgument("the section table (", header.e_shnum, " entries of ",
                           header.e_shentsize, " bytes at ", header.e_shoff, ") is not in the ",
                           object_.size(), " bytes of the object");
  }
  for (uint64_t i = 0; i < header.e_shnum; ++i) {
    sections_.push_back(At<Elf64_Shdr>(header.e_shoff + i * sizeof(Elf64_Shdr)));
    INGOT_RETURN_IF_ERROR(CheckSection(i));
  }
  return absl::OkStatus();
}

absl::Status ElfReader::CheckSection(size_t index) const {
  const Elf64_Shdr& section = sections_[index];
  if (section.sh_type != SHT_NOBITS && section.sh_type != SHT_NULL &&
      !InBounds(section.sh_offset, section.sh_size)) {
    return InvalidArgument("section ", index, ": ", section.sh_size, " bytes at ",
                           section.sh_offset, " leave the ", object_.size(),
                           " bytes of the object");
  }
  return absl::OkStatus();
}

absl::Status ElfReader::ReadSymbolTable() {
  for (size_t i = 0; i < sections_.size(); ++i) {
    const Elf64_Shdr& section = sections_[i];
    if (section.sh_type != SHT_SYMTAB) continue;
    if (symbol_count_ != 0) return InvalidArgument("two symbol tables");
    if (section.sh_entsize != sizeof(Elf64_Sym) || section.sh_link >= sections_.size() ||
        sections_[section.sh_link].sh_type != SHT_STRTAB) {
      return InvalidArgument("section ", i, ": a symbol table with entries of ", section.sh_entsize,
                             " bytes and its strings in section ", section.sh_link);
    }
    symbols_ = section.sh_offset;
    symbol_count_ = section.sh_size / sizeof(Elf64_Sym);
    strings_ = sections_[section.sh_link].sh_offset;
    strings_size_ = sections_[section.sh_link].sh_size;
  }
  return symbol_count_ == 0 ? InvalidArgument("no symbol table") : absl::OkStatus();
}

std::string ElfReader::NameOf(uint32_t offset) const {
  if (offset >= strings_size_) return "";
  const char* text = reinterpret_cast<const char*>(object_.data() + strings_ + offset);
  return std::string(text, strnlen(text, strings_size_ - offset));
}

// Whether it is .data.rel.ro or a part of it: constant but for the addresses in it.
bool ElfReader::IsRelRo(const Elf64_Shdr& section) const {
  const auto header = At<Elf64_Ehdr>(0);
  if (header.e_shstrndx >= sections_.size()) return false;
  const Elf64_Shdr& names = sections_[header.e_shstrndx];
  constexpr absl::string_view kName = ".data.rel.ro";
  return names.sh_type == SHT_STRTAB && section.sh_name < names.sh_size &&
         names.sh_size - section.sh_name >= kName.size() &&
         std::memcmp(object_.data() + names.sh_offset + section.sh_name, kName.data(),
                     kName.size()) == 0;
}

// Code first, from a page's start, then read-only data from another page's, then addresses (GOT).
absl::Status ElfReader::PlaceSections() {
  places_.assign(sections_.size(), -1);
  int64_t end = 0;
  uint64_t loaded = 0;
  for (const bool code : {true, false}) {
    for (size_t i = 0; i < sections_.size(); ++i) {
      const Elf64_Shdr& section = sections_[i];
      if ((section.sh_flags & SHF_ALLOC) == 0 || section.sh_size == 0) continue;
      if (((section.sh_flags & SHF_EXECINSTR) != 0) != code) continue;
      // Unwind tables: no kernel throws.
      if (section.sh_type == SHT_X86_64_UNWIND || section.sh_type == SHT_NOTE) continue;
      if (section.sh_type != SHT_PROGBITS) {
        return InvalidArgument("section ", i, ": type ", section.sh_type, " cannot be loaded");
      }
      if ((section.sh_flags & (SHF_TLS | SHF_COMPRESSED)) != 0) {
        return InvalidArgument("section ", i, ": thread-local or compressed data");
      }
      const bool relocated_only = (section.sh_flags & SHF_WRITE) != 0 && !code && IsRelRo(section);
      if ((section.sh_flags & SHF_WRITE) != 0 && !relocated_only) {
        return InvalidArgument("section ", i, ": ", section.sh_size, " bytes of writable data");
      }
      const uint64_t alignment = std::max<uint64_t>(section.sh_addralign, 1);
      if (alignment > kPage || (alignment & (alignment - 1)) != 0) {
        return InvalidArgument("section ", i, ": aligned to ", alignment, " bytes");
      }
      // Sections may share bytes of the file; loading no more than the file's size bounds memory.
      loaded += section.sh_size;
      if (loaded > object_.size() || loaded > kMostBytes) {
        return InvalidArgument("the sections to load hold more than ",
                               std::min<uint64_t>(object_.size(), kMostBytes), " bytes");
      }
      places_[i] = RoundUp(end, static_cast<int64_t>(alignment));
      end = places_[i] + static_cast<int64_t>(section.sh_size);
    }
    end = RoundUp(end, kPage);
    if (code) code_size_ = end;
  }
  if (code_size_ == 0) return InvalidArgument("no code");
  got_ = end;
  return absl::OkStatus();
}

absl::Status ElfReader::Map() {
  // A slot for every relocation that could want one.
  for (const Elf64_Shdr& section : sections_) {
    if (section.sh_type != SHT_RELA || section.sh_info >= sections_.size() ||
        places_[section.sh_info] < 0) {
      continue;
    }
    for (uint64_t i = 0; i < section.sh_size / sizeof(Elf64_Rela); ++i) {
      const auto entry = At<Elf64_Rela>(section.sh_offset + i * sizeof(Elf64_Rela));
      const uint32_t type = ELF64_R_TYPE(entry.r_info);
      if (type == R_X86_64_GOTPCREL || type == R_X86_64_GOTPCRELX ||
          type == R_X86_64_REX_GOTPCRELX) {
        got_used_.push_back(ELF64_R_SYM(entry.r_info));
      }
    }
  }
  std::sort(got_used_.begin(), got_used_.end());
  got_used_.erase(std::unique(got_used_.begin(), got_used_.end()), got_used_.end());

  image_.reset(new ElfImage);
  const int64_t size = got_ + RoundUp(8 * static_cast<int64_t>(got_used_.size()), kPage);
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    return absl::ResourceExhaustedError(
        absl::StrCat("no memory for ", size, " bytes of code: ", std::strerror(errno)));
  }
  image_->memory_ = static_cast<uint8_t*>(memory);
  image_->size_ = size;
  for (size_t i = 0; i < sections_.size(); ++i) {
    if (places_[i] < 0) continue;
    std::memcpy(image_->memory_ + places_[i], object_.data() + sections_[i].sh_offset,
                sections_[i].sh_size);
  }
  for (size_t i = 0; i < got_used_.size(); ++i) {
    INGOT_ASSIGN_OR_RETURN(const uint64_t address, AddressOf(got_used_[i]));
    std::memcpy(image_->memory_ + got_ + 8 * i, &address, 8);
  }
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> ElfReader::AddressOf(uint32_t symbol) const {
  if (symbol >= symbol_count_) {
    return InvalidArgument("symbol ", symbol, " of ", symbol_count_);
  }
  const auto entry = At<Elf64_Sym>(symbols_ + symbol * sizeof(Elf64_Sym));
  if (entry.st_shndx == SHN_UNDEF) {
    return InvalidArgument("undefined symbol '", NameOf(entry.st_name), "'");
  }
  if (entry.st_shndx >= sections_.size() || places_[entry.st_shndx] < 0 ||
      entry.st_value > sections_[entry.st_shndx].sh_size) {
    return InvalidArgument("symbol '", NameOf(entry.st_name), "' is at ", entry.st_value,
                           " of section ", entry.st_shndx, ", which is not loaded or ends before");
  }
  return reinterpret_cast<uint64_t>(image_->memory_) + places_[entry.st_shndx] + entry.st_value;
}

// The address of the slot that holds `symbol`'s address; Map has made one.
uint64_t ElfReader::GotSlot(uint32_t symbol) const {
  const auto slot = std::lower_bound(got_used_.begin(), got_used_.end(), symbol);
  return reinterpret_cast<uint64_t>(image_->memory_) + got_ + 8 * (slot - got_used_.begin());
}

absl::Status ElfReader::Relocate(const Elf64_Shdr& table) {
  if (table.sh_info >= sections_.size()) {
    return InvalidArgument("relocations of section ", table.sh_info, " of ", sections_.size());
  }
  if (places_[table.sh_info] < 0) return absl::OkStatus();  // debugging or unwind information
  if (table.sh_entsize != sizeof(Elf64_Rela)) {
    return InvalidArgument("relocations of ", table.sh_entsize, " bytes");
  }
  for (uint64_t i = 0; i < table.sh_size / sizeof(Elf64_Rela); ++i) {
    const auto entry = At<Elf64_Rela>(table.sh_offset + i * sizeof(Elf64_Rela));
    INGOT_RETURN_IF_ERROR(
        Annotate(Apply(entry, table.sh_info), "relocation ", i, " of section ", table.sh_info));
  }
  return absl::OkStatus();
}

// psABI 4.4.1: S the symbol's address, A the addend, P the place, G the slot that holds S.
absl::Status ElfReader::Apply(const Elf64_Rela& entry, size_t target) {
  const uint32_t type = ELF64_R_TYPE(entry.r_info);
  if (type == R_X86_64_NONE) return absl::OkStatus();
  const uint64_t width = type == R_X86_64_64 || type == R_X86_64_PC64 ? 8 : 4;
  const uint64_t size = sections_[target].sh_size;
  if (entry.r_offset > size || width > size - entry.r_offset) {
    return InvalidArgument("offset ", entry.r_offset, " is outside the section's ", size, " bytes");
  }
  const uint32_t symbol = ELF64_R_SYM(entry.r_info);
  INGOT_ASSIGN_OR_RETURN(const uint64_t s, AddressOf(symbol));
  uint8_t* const place = image_->memory_ + places_[target] + entry.r_offset;
  const auto p = reinterpret_cast<uint64_t>(place);
  const auto a = static_cast<uint64_t>(entry.r_addend);
  const auto fits = [&](int64_t value, int64_t least, int64_t most) {
    if (value < least || value > most) return false;
    const auto low = static_cast<uint32_t>(value);
    std::memcpy(place, &low, 4);
    return true;
  };
  constexpr int64_t kLeast = std::numeric_limits<int32_t>::min();
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  bool ok = true;
  switch (type) {
    case R_X86_64_64:
    case R_X86_64_PC64: {
      const uint64_t value = type == R_X86_64_64 ? s + a : s + a - p;
      std::memcpy(place, &value, 8);
      break;
    }
    case R_X86_64_PC32:
    case R_X86_64_PLT32:
      ok = fits(static_cast<int64_t>(s + a - p), kLeast, kMost);
      break;
    case R_X86_64_32:
      ok = fits(static_cast<int64_t>(s + a), 0, std::numeric_limits<uint32_t>::max());
      break;
    case R_X86_64_32S:
      ok = fits(static_cast<int64_t>(s + a), kLeast, kMost);
      break;
    case R_X86_64_GOTPCREL:
    case R_X86_64_GOTPCRELX:
    case R_X86_64_REX_GOTPCRELX:
      ok = fits(static_cast<int64_t>(GotSlot(symbol) + a - p), kLeast, kMost);
      break;
    default:
      return InvalidArgument("type ", type, " is not known");
  }
  if (ok) return absl::OkStatus();
  return InvalidArgument("type ", type, ": the address does not fit 32 bits; the object is not ",
                         "position-independent");
}

absl::Status ElfReader::Protect() {
  ElfImage& image = *image_;
  if (mprotect(image.memory_, code_size_, PROT_READ | PROT_EXEC) == 0 &&
      (image.size_ == code_size_ ||
       mprotect(image.memory_ + code_size_, image.size_ - code_size_, PROT_READ) == 0)) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      absl::StrCat("this system does not let code be made executable: ", std::strerror(errno)));
}

absl::Status ElfReader::CollectFunctions() {
  for (uint64_t i = 0; i < symbol_count_; ++i) {
    const auto entry = At<Elf64_Sym>(symbols_ + i * sizeof(Elf64_Sym));
    if (ELF64_ST_TYPE(entry.st_info) != STT_FUNC || ELF64_ST_BIND(entry.st_info) == STB_LOCAL ||
        entry.st_shndx == SHN_UNDEF) {
      continue;
    }
    INGOT_ASSIGN_OR_RETURN(const uint64_t address, AddressOf(static_cast<uint32_t>(i)));
    if (address - reinterpret_cast<uint64_t>(image_->memory_) >=
        static_cast<uint64_t>(code_size_)) {
      return InvalidArgument("function '", NameOf(entry.st_name), "' is not in code");
    }
    image_->functions_.emplace_back(NameOf(entry.st_name), reinterpret_cast<void*>(address));
  }
  std::sort(image_->functions_.begin(), image_->functions_.end());
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<ElfImage>> ElfImage::Load(absl::Span<const uint8_t> object) {
  return ElfReader(object).Load();
}

ElfImage::~ElfImage() {
  if (memory_ != nullptr) munmap(memory_, size_);
}

void* ElfImage::Find(absl::string_view name) const {
  const auto found = std::lower_bound(
      functions_.begin(), functions_.end(), name,
      [](const std::pair<std::string, void*>& f, absl::string_view n) { return f.first < n; });
  return found != functions_.end() && found->first == name ? found->second : nullptr;
}

}  // namespace ingot::runtime
