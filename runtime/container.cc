#include "runtime/container.h"

#include <sodium/crypto_generichash.h>
#include <sodium/crypto_sign_ed25519.h>
#include <zstd.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "ir/base/check.h"
#include "ir/base/integers.h"
#include "ir/base/status.h"

namespace ingot::runtime {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr uint8_t kMagic[8] = {0x89, 'I', 'N', 'G', 'O', 'T', 0x0d, 0x0a};
constexpr int64_t kSignatureBytes = sizeof(PublicKey) + crypto_sign_ed25519_BYTES;
// Code is not compressed more than this, and a file that says so wants to fill our memory.
constexpr int64_t kMostExpansion = 256;
constexpr int64_t kMostRawBytes = int64_t{1} << 30;

struct Header {
  uint8_t magic[8];
  uint16_t major, minor;
  uint32_t sections;
  uint64_t file_size;
  uint64_t zero;
  Hash hash;
};
static_assert(sizeof(Header) == 64);

struct Entry {
  uint32_t kind;
  uint32_t compression;
  uint64_t offset, size, raw_size;
  Hash hash;
};
static_assert(sizeof(Entry) == 64);

// Of the header but for its hash, and of the table.
Hash HeaderHash(const Header& header, absl::Span<const Entry> table) {
  Hash hash;
  crypto_generichash_state state;
  crypto_generichash_init(&state, nullptr, 0, hash.size());
  crypto_generichash_update(&state, reinterpret_cast<const uint8_t*>(&header),
                            offsetof(Header, hash));
  crypto_generichash_update(&state, reinterpret_cast<const uint8_t*>(table.data()),
                            table.size() * sizeof(Entry));
  crypto_generichash_final(&state, hash.data(), hash.size());
  return hash;
}

// What a signature signs.
std::vector<uint8_t> SignedBytes(const Header& header, absl::Span<const Entry> table) {
  std::vector<uint8_t> bytes(sizeof(Header) + table.size() * sizeof(Entry));
  std::memcpy(bytes.data(), &header, sizeof(Header));
  std::memcpy(bytes.data() + sizeof(Header), table.data(), table.size() * sizeof(Entry));
  return bytes;
}

template <typename T>
absl::Span<const uint8_t> BytesOf(const T& value) {
  return absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(&value), sizeof(T));
}

absl::Status CheckHeader(absl::Span<const uint8_t> file, Header& header) {
  if (!LooksLikeIngot(file)) return InvalidArgument("not an ingot file");
  std::memcpy(&header, file.data(), std::min(file.size(), sizeof(Header)));
  // The version before all else: what follows may differ in another one.
  if (file.size() >= offsetof(Header, sections) && header.major != kIngotMajor) {
    return absl::FailedPreconditionError(
        absl::StrCat("the file's format is version ", header.major, ".", header.minor,
                     "; this runtime reads version ", kIngotMajor));
  }
  if (file.size() < sizeof(Header) || file.size() < header.file_size) {
    return InvalidArgument(
        "the file is cut short: ", file.size(), " bytes",
        file.size() < sizeof(Header) ? std::string() : absl::StrCat(" of ", header.file_size));
  }
  if (file.size() > header.file_size) {
    return InvalidArgument("the file has ", file.size() - header.file_size,
                           " bytes too many after its ", header.file_size);
  }
  return absl::OkStatus();
}

absl::Status CheckEntry(const Entry& entry, uint64_t end_before, absl::Span<const uint8_t> file) {
  const uint64_t file_size = file.size();
  if (entry.offset % 64 != 0 || entry.offset < end_before || entry.offset - end_before >= 4096 ||
      entry.offset > file_size || entry.size > file_size - entry.offset) {
    return InvalidArgument(entry.size, " bytes at ", entry.offset, " of a file of ", file_size,
                           ", after a section that ends at ", end_before);
  }
  // At most 4095 of them: zero, so that no bit of a file goes unchecked.
  for (uint64_t i = end_before; i < entry.offset; ++i) {
    if (file[i] != 0) return InvalidArgument("the byte before it, at ", i, ", is not zero");
  }
  const bool compressed = entry.compression == 1;
  if (entry.compression > 1 || (!compressed && entry.raw_size != entry.size)) {
    return InvalidArgument("compression ", entry.compression, " of ", entry.raw_size, " bytes to ",
                           entry.size);
  }
  if (compressed && (entry.raw_size > static_cast<uint64_t>(kMostRawBytes) ||
                     entry.raw_size > entry.size * kMostExpansion + (1 << 20))) {
    return InvalidArgument(entry.size, " compressed bytes that would become ", entry.raw_size);
  }
  return absl::OkStatus();
}

absl::Status CheckSignature(absl::Span<const uint8_t> bytes, const Header& header,
                            absl::Span<const Entry> table, Container& container) {
  if (bytes.size() != static_cast<size_t>(kSignatureBytes)) {
    return InvalidArgument("a signature of ", bytes.size(), " bytes");
  }
  std::copy_n(bytes.begin(), container.signer.size(), container.signer.begin());
  const std::vector<uint8_t> message = SignedBytes(header, table);
  if (crypto_sign_ed25519_verify_detached(bytes.data() + container.signer.size(), message.data(),
                                          message.size(), container.signer.data()) != 0) {
    return InvalidArgument("the signature does not match the file");
  }
  container.is_signed = true;
  return absl::OkStatus();
}

}  // namespace

Hash HashOf(absl::Span<const uint8_t> bytes) {
  Hash hash;
  crypto_generichash(hash.data(), hash.size(), bytes.data(), bytes.size(), nullptr, 0);
  return hash;
}

bool LooksLikeIngot(absl::Span<const uint8_t> file) {
  return file.size() >= sizeof(kMagic) && std::equal(kMagic, kMagic + 8, file.begin());
}

absl::Status WriteContainer(absl::Span<const SectionSource> sections, const SecretKey* key,
                            absl::FunctionRef<absl::Status(absl::Span<const uint8_t>)> sink) {
  std::vector<Entry> table;
  const size_t count = sections.size() + (key != nullptr ? 1 : 0);
  int64_t end = static_cast<int64_t>(sizeof(Header) + count * sizeof(Entry));
  for (const SectionSource& section : sections) {
    Entry entry = {static_cast<uint32_t>(section.kind),
                   section.compressed ? 1u : 0u,
                   static_cast<uint64_t>(RoundUp(end, section.alignment)),
                   section.bytes.size(),
                   static_cast<uint64_t>(section.raw_size),
                   HashOf(section.bytes)};
    end = static_cast<int64_t>(entry.offset + entry.size);
    table.push_back(entry);
  }
  if (key != nullptr) {
    const auto offset = static_cast<uint64_t>(RoundUp(end, 64));
    table.push_back({static_cast<uint32_t>(SectionKind::kSignature), 0, offset, kSignatureBytes,
                     kSignatureBytes, Hash{}});
    end = static_cast<int64_t>(offset) + kSignatureBytes;
  }
  Header header = {
      {}, kIngotMajor, kIngotMinor, static_cast<uint32_t>(count), static_cast<uint64_t>(end),
      0,  {}};
  std::copy_n(kMagic, 8, header.magic);
  header.hash = HeaderHash(header, table);

  INGOT_RETURN_IF_ERROR(sink(BytesOf(header)));
  uint64_t written = sizeof(Header);
  for (const Entry& entry : table) INGOT_RETURN_IF_ERROR(sink(BytesOf(entry)));
  written += table.size() * sizeof(Entry);
  const auto put = [&](const Entry& entry, absl::Span<const uint8_t> bytes) {
    static constexpr uint8_t kZeros[4096] = {};
    const absl::Status status = sink(absl::MakeConstSpan(kZeros, entry.offset - written));
    written = entry.offset + entry.size;
    return status.ok() ? sink(bytes) : status;
  };
  for (size_t i = 0; i < sections.size(); ++i) {
    INGOT_RETURN_IF_ERROR(put(table[i], sections[i].bytes));
  }
  if (key == nullptr) return absl::OkStatus();
  uint8_t signature[kSignatureBytes];
  std::copy_n(key->data() + 32, 32, signature);
  const std::vector<uint8_t> message = SignedBytes(header, table);
  crypto_sign_ed25519_detached(signature + 32, nullptr, message.data(), message.size(),
                               key->data());
  return put(table.back(), signature);
}

absl::StatusOr<Container> ReadContainer(absl::Span<const uint8_t> file) {
  Header header;
  INGOT_RETURN_IF_ERROR(CheckHeader(file, header));
  const uint64_t table_bytes = uint64_t{header.sections} * sizeof(Entry);
  if (table_bytes > file.size() - sizeof(Header)) {
    return InvalidArgument("a table of ", header.sections, " sections in a file of ", file.size(),
                           " bytes");
  }
  std::vector<Entry> table(header.sections);
  std::memcpy(table.data(), file.data() + sizeof(Header), table_bytes);
  if (header.zero != 0 || HeaderHash(header, table) != header.hash) {
    return InvalidArgument("the file is damaged: its header and section table do not match their ",
                           "hash");
  }
  Container container;
  uint64_t end = sizeof(Header) + table_bytes;
  for (size_t i = 0; i < table.size(); ++i) {
    const Entry& entry = table[i];
    INGOT_RETURN_IF_ERROR(Annotate(CheckEntry(entry, end, file), "section ", i));
    end = entry.offset + entry.size;
    const absl::Span<const uint8_t> bytes = file.subspan(entry.offset, entry.size);
    if (entry.kind == static_cast<uint32_t>(SectionKind::kSignature)) {
      INGOT_RETURN_IF_ERROR(CheckSignature(bytes, header, table, container));
    }
    container.sections.push_back({entry.kind, entry.compression == 1, bytes,
                                  static_cast<int64_t>(entry.raw_size), entry.hash});
  }
  if (end != file.size()) {
    return InvalidArgument("the last section ends at ", end, " of ", file.size(), " bytes");
  }
  return container;
}

absl::StatusOr<std::vector<uint8_t>> ReadSection(const Section& section) {
  // The hash is of the copy: the file may be mapped, and change under us.
  std::vector<uint8_t> bytes(section.bytes.begin(), section.bytes.end());
  if (HashOf(bytes) != section.hash) {
    return InvalidArgument("the file is damaged: the section's ", bytes.size(),
                           " bytes do not match their hash");
  }
  if (!section.compressed) return bytes;
  std::vector<uint8_t> raw(section.raw_size);
  const size_t size = ZSTD_decompress(raw.data(), raw.size(), bytes.data(), bytes.size());
  if (ZSTD_isError(size)) return InvalidArgument("zstd: ", ZSTD_getErrorName(size));
  if (size != raw.size()) {
    return InvalidArgument(size, " bytes came out of the compressed ", bytes.size(), ", not ",
                           raw.size());
  }
  return raw;
}

std::vector<uint8_t> Compress(absl::Span<const uint8_t> bytes) {
  constexpr int kLevel = 6;  // 100 MB/s; level 12 takes ten times as long for 4 % less
  std::vector<uint8_t> compressed(ZSTD_compressBound(bytes.size()));
  const size_t size =
      ZSTD_compress(compressed.data(), compressed.size(), bytes.data(), bytes.size(), kLevel);
  INGOT_CHECK(!ZSTD_isError(size)) << ZSTD_getErrorName(size);
  compressed.resize(size);
  return compressed;
}

}  // namespace ingot::runtime
