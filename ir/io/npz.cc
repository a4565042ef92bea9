#include <zlib.h>

#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "ir/base/status.h"
#include "ir/io/arrays.h"

namespace ingot {
namespace {

constexpr uint32_t kEndOfDirectory = 0x06054b50;
constexpr uint32_t kDirectoryEntry = 0x02014b50;
constexpr uint32_t kLocalHeader = 0x04034b50;
constexpr uint64_t kInZip64Field = 0xffffffff;
// One member decompresses to no more than this.
constexpr uint64_t kMaxMemberBytes = uint64_t{1} << 36;

// Little-endian numbers; zero past the end, so that a caller checks sizes once.
template <typename T>
T Read(absl::string_view bytes, size_t offset) {
  T value = 0;
  if (offset <= bytes.size() && bytes.size() - offset >= sizeof(T)) {
    std::memcpy(&value, bytes.data() + offset, sizeof(T));
  }
  return value;
}

struct Member {
  std::string name;
  uint16_t method = 0;  // 0 stored, 8 deflated
  uint64_t compressed_size = 0;
  uint64_t size = 0;
  uint32_t crc = 0;
  uint64_t header_offset = 0;
};

// Sizes and offset that did not fit 32 bits, from the zip64 extra field (APPNOTE 4.5.3).
void ReadZip64(absl::string_view extra, Member& member) {
  while (extra.size() >= 4) {
    const uint16_t id = Read<uint16_t>(extra, 0), size = Read<uint16_t>(extra, 2);
    extra.remove_prefix(4);
    if (id == 1) {
      size_t at = 0;
      for (uint64_t* field : {&member.size, &member.compressed_size, &member.header_offset}) {
        if (*field != kInZip64Field) continue;
        *field = Read<uint64_t>(extra, at);
        at += 8;
      }
      return;
    }
    extra.remove_prefix(std::min<size_t>(size, extra.size()));
  }
}

absl::StatusOr<std::vector<Member>> ReadDirectory(absl::string_view zip) {
  // The end record is the last 22 bytes, but for a comment of at most 64 KB.
  size_t end = absl::string_view::npos;
  for (size_t back = 22; back <= std::min<size_t>(zip.size(), 22 + 65535); ++back) {
    if (Read<uint32_t>(zip, zip.size() - back) == kEndOfDirectory) {
      end = zip.size() - back;
      break;
    }
  }
  if (end == absl::string_view::npos)
    return InvalidArgument("npz: no end of the zip directory; is the file whole?");
  const uint16_t count = Read<uint16_t>(zip, end + 10);
  size_t at = Read<uint32_t>(zip, end + 16);
  std::vector<Member> members;
  uint64_t compressed = 0;
  for (uint16_t i = 0; i < count; ++i) {
    if (at > zip.size() || zip.size() - at < 46 || Read<uint32_t>(zip, at) != kDirectoryEntry) {
      return InvalidArgument("npz: entry ", i, " of the zip directory is damaged");
    }
    const size_t name_size = Read<uint16_t>(zip, at + 28),
                 extra_size = Read<uint16_t>(zip, at + 30),
                 comment_size = Read<uint16_t>(zip, at + 32);
    if (zip.size() - at - 46 < name_size + extra_size + comment_size) {
      return InvalidArgument("npz: entry ", i, " of the zip directory is cut short");
    }
    Member member;
    member.method = Read<uint16_t>(zip, at + 10);
    member.crc = Read<uint32_t>(zip, at + 16);
    member.compressed_size = Read<uint32_t>(zip, at + 20);
    member.size = Read<uint32_t>(zip, at + 24);
    member.header_offset = Read<uint32_t>(zip, at + 42);
    member.name = std::string(zip.substr(at + 46, name_size));
    if (Read<uint16_t>(zip, at + 8) & 1)
      return Unimplemented("npz: ", member.name, " is encrypted");
    ReadZip64(zip.substr(at + 46 + name_size, extra_size), member);
    // Members that share their bytes would unpack to far more than a file of this size can hold.
    if (member.compressed_size > zip.size() - compressed) {
      return InvalidArgument("npz: ", member.name, ": members have more bytes than the file");
    }
    compressed += member.compressed_size;
    members.push_back(std::move(member));
    at += 46 + name_size + extra_size + comment_size;
  }
  return members;
}

absl::StatusOr<Literal> Inflate(absl::string_view data, const Member& member) {
  // A deflated stream is at most about 1032 times smaller than what it holds.
  if (member.size / 1040 > data.size() + 1)
    return InvalidArgument("npz: ", member.name, ": impossible sizes");
  absl::StatusOr<Literal> memory =
      Literal::Zeros(Shape::Array(ElementType::kU8, {static_cast<int64_t>(member.size)}));
  if (!memory.ok()) return Annotate(memory.status(), "npz: ", member.name);
  const absl::Span<std::byte> out = memory->MutableBytes();
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return absl::InternalError("zlib cannot start");
  size_t in_at = 0, out_at = 0;
  int code = Z_OK;
  constexpr size_t kStep = size_t{1} << 30;  // zlib counts in 32 bits
  while (code == Z_OK) {
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data() + in_at));
    stream.avail_in = static_cast<uInt>(std::min(data.size() - in_at, kStep));
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + out_at);
    stream.avail_out = static_cast<uInt>(std::min(out.size() - out_at, kStep));
    const uInt in_before = stream.avail_in, out_before = stream.avail_out;
    code = inflate(&stream, Z_NO_FLUSH);
    in_at += in_before - stream.avail_in;
    out_at += out_before - stream.avail_out;
    if (code == Z_BUF_ERROR || (in_before == stream.avail_in && out_before == stream.avail_out))
      break;
  }
  inflateEnd(&stream);
  if (code != Z_STREAM_END || out_at != out.size())
    return InvalidArgument("npz: ", member.name, " is damaged");
  return memory;
}

// The bytes of a member, in the file or in `unpacked`.
absl::StatusOr<absl::string_view> ReadMember(absl::string_view zip, const Member& member,
                                             Literal& unpacked) {
  const uint64_t at = member.header_offset;
  if (at > zip.size() || zip.size() - at < 30 || Read<uint32_t>(zip, at) != kLocalHeader) {
    return InvalidArgument("npz: ", member.name, ": no header at its offset");
  }
  const uint64_t data_at = at + 30 + Read<uint16_t>(zip, at + 26) + Read<uint16_t>(zip, at + 28);
  if (data_at > zip.size() || zip.size() - data_at < member.compressed_size) {
    return InvalidArgument("npz: ", member.name, " is cut short");
  }
  if (member.size > kMaxMemberBytes)
    return InvalidArgument("npz: ", member.name, " has ", member.size, " bytes");
  const absl::string_view data = zip.substr(data_at, member.compressed_size);
  absl::string_view bytes = data;
  if (member.method == 0) {
    if (member.size != member.compressed_size)
      return InvalidArgument("npz: ", member.name, ": sizes disagree");
  } else if (member.method == 8) {
    INGOT_ASSIGN_OR_RETURN(unpacked, Inflate(data, member));
    bytes = absl::string_view(reinterpret_cast<const char*>(unpacked.bytes().data()),
                              unpacked.bytes().size());
  } else {
    return Unimplemented("npz: ", member.name, ": compression method ", member.method);
  }
  const uLong crc = crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
  if (crc != member.crc)
    return InvalidArgument("npz: ", member.name, " is damaged (its checksum differs)");
  return bytes;
}

}  // namespace

absl::StatusOr<NamedLiterals> ParseNpz(absl::string_view bytes) {
  INGOT_ASSIGN_OR_RETURN(const std::vector<Member> members, ReadDirectory(bytes));
  NamedLiterals arrays;
  for (const Member& member : members) {
    Literal unpacked;
    INGOT_ASSIGN_OR_RETURN(const absl::string_view npy, ReadMember(bytes, member, unpacked));
    absl::StatusOr<Literal> literal = ParseNpy(npy);
    if (!literal.ok()) return Annotate(literal.status(), member.name);
    arrays.emplace_back(std::string(absl::StripSuffix(member.name, ".npy")), *std::move(literal));
  }
  return arrays;
}

}  // namespace ingot
