// The container of an .ingot file: a header, a table of sections, the sections.  It knows nothing
// of what is in them.
//
//   bytes     header, 64 bytes
//   0..7      magic: 89 'I' 'N' 'G' 'O' 'T' 0d 0a
//   8..11     version: major, minor (u16 each)
//   12..15    number of sections (u32)
//   16..23    size of the file (u64)
//   24..31    zero
//   32..63    BLAKE2b-256 of bytes 0..31 and of the section table
//
//   bytes     entry of the section table, 64 bytes; the table follows the header
//   0..3      kind (SectionKind)
//   4..7      compression: 0 none, 1 zstd
//   8..15     offset in the file, a multiple of 64
//   16..23    size in the file
//   24..31    size when decompressed
//   32..63    BLAKE2b-256 of the bytes in the file; of a signature: zero
//
// Numbers are little-endian.  Sections are in the order of their offsets and do not overlap; fewer
// than 4096 bytes, all zero, lie between them.  A
// signature is the last section: 32 bytes of Ed25519 public key, then 64 of signature of bytes
// 0..63 of the header and of the table, which holds the hash of everything else.
#ifndef INGOT_RUNTIME_CONTAINER_H_
#define INGOT_RUNTIME_CONTAINER_H_

#include <array>
#include <cstdint>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "runtime/program.h"

namespace ingot::runtime {

inline constexpr int kIngotMajor = 1;
inline constexpr int kIngotMinor = 1;  // 1: several programs, PTX beside machine code

using Hash = std::array<uint8_t, 32>;
using PublicKey = std::array<uint8_t, 32>;
using SecretKey = std::array<uint8_t, 64>;  // the seed, then the public key

Hash HashOf(absl::Span<const uint8_t> bytes);

// Numbers in the file.  Readers skip kinds that they do not know.
enum class SectionKind : uint32_t { kMetadata = 1, kCode = 2, kConstant = 3, kSignature = 4 };

// A section to write.  `bytes` must live until it is written.
struct SectionSource {
  SectionKind kind = SectionKind::kMetadata;
  bool compressed = false;
  absl::Span<const uint8_t> bytes;  // as they are in the file
  int64_t raw_size = 0;
  int64_t alignment = 64;  // 64 or 4096
};

// Gives the whole file to `sink`, piece by piece, signed with `key` unless that is null.
absl::Status WriteContainer(absl::Span<const SectionSource> sections, const SecretKey* key,
                            absl::FunctionRef<absl::Status(absl::Span<const uint8_t>)> sink);

struct Section {
  uint32_t kind = 0;  // a SectionKind, or one of a later version
  bool compressed = false;
  absl::Span<const uint8_t> bytes;  // in the file
  int64_t raw_size = 0;
  Hash hash{};
};

// A file whose header and table have been checked: magic, version, sizes, offsets, their hash, and
// the signature when there is one.  Contents of sections have not.
struct Container {
  std::vector<Section> sections;
  bool is_signed = false;
  PublicKey signer{};
};

// InvalidArgument or, for a newer major version, FailedPrecondition.
absl::StatusOr<Container> ReadContainer(absl::Span<const uint8_t> file);

// Whether the bytes begin as every version of the format does: for telling formats apart.
bool LooksLikeIngot(absl::Span<const uint8_t> file);

// A copy of the section's bytes whose hash is the one in the table, decompressed.
absl::StatusOr<std::vector<uint8_t>> ReadSection(const Section& section);

// `bytes` compressed with zstd.
std::vector<uint8_t> Compress(absl::Span<const uint8_t> bytes);

}  // namespace ingot::runtime

#endif  // INGOT_RUNTIME_CONTAINER_H_
