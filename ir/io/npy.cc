#include <cstring>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "ir/base/status.h"
#include "ir/io/arrays.h"

namespace ingot {
namespace {

constexpr absl::string_view kMagic("\x93NUMPY", 6);

struct TypeCode {
  absl::string_view code;  // kind and bytes, without the byte order
  ElementType type;
};
constexpr TypeCode kTypeCodes[] = {
    {"b1", ElementType::kPred}, {"i1", ElementType::kS8},    {"i2", ElementType::kS16},
    {"i4", ElementType::kS32},  {"i8", ElementType::kS64},   {"u1", ElementType::kU8},
    {"u2", ElementType::kU16},  {"u4", ElementType::kU32},   {"u8", ElementType::kU64},
    {"f2", ElementType::kF16},  {"f4", ElementType::kF32},   {"f8", ElementType::kF64},
    {"c8", ElementType::kC64},  {"c16", ElementType::kC128}, {"V1", ElementType::kU8},
    {"V2", ElementType::kU16},
};

// The text of `'key': ` up to the end of the header; empty where there is none.
absl::string_view ValueOf(absl::string_view header, absl::string_view key) {
  const size_t at = header.find(absl::StrCat("'", key, "':"));
  if (at == absl::string_view::npos) return "";
  return absl::StripLeadingAsciiWhitespace(header.substr(at + key.size() + 3));
}

absl::StatusOr<ElementType> ParseDescr(absl::string_view header) {
  absl::string_view value = ValueOf(header, "descr");
  if (!absl::ConsumePrefix(&value, "'")) return InvalidArgument("npy: structured or missing descr");
  const absl::string_view descr = value.substr(0, value.find('\''));
  if (descr.size() < 3) return InvalidArgument("npy: descr '", descr, "'");
  if (descr[0] == '>' && descr.substr(2) != "1")
    return Unimplemented("npy: big-endian data ('", descr, "')");
  for (const TypeCode& row : kTypeCodes) {
    if (row.code == descr.substr(1)) return row.type;
  }
  return Unimplemented("npy: no element type for descr '", descr, "'");
}

absl::StatusOr<std::vector<int64_t>> ParseShapeTuple(absl::string_view header) {
  absl::string_view value = ValueOf(header, "shape");
  const size_t end = value.find(')');
  if (!absl::ConsumePrefix(&value, "(") || end == absl::string_view::npos)
    return InvalidArgument("npy: no shape");
  std::vector<int64_t> dimensions;
  for (absl::string_view part :
       absl::StrSplit(value.substr(0, end - 1), ',', absl::SkipWhitespace())) {
    int64_t size;
    if (!absl::SimpleAtoi(part, &size) || size < 0)
      return InvalidArgument("npy: dimension '", part, "'");
    dimensions.push_back(size);
  }
  if (dimensions.size() > 64) return InvalidArgument("npy: ", dimensions.size(), " dimensions");
  return dimensions;
}

// Column-major elements of `source` to row-major elements of `literal`.
void CopyFortranOrder(absl::string_view source, Literal& literal) {
  const Shape& shape = literal.shape();
  const int width = ByteWidth(shape.element_type());
  Layout column_major;
  for (int64_t i = 0; i < shape.rank(); ++i) column_major.minor_to_major.push_back(i);
  const std::vector<int64_t> strides = StridesOf(shape.dimensions(), column_major);
  std::byte* to = literal.MutableBytes().data();
  std::vector<int64_t> index(shape.rank(), 0);
  int64_t offset = 0;
  for (int64_t count = literal.size(); count > 0; --count, to += width) {
    std::memcpy(to, source.data() + offset * width, width);
    for (int64_t i = shape.rank() - 1; i >= 0; --i) {
      offset += strides[i];
      if (++index[i] < shape.dimension(i)) break;
      offset -= strides[i] * index[i];
      index[i] = 0;
    }
  }
}

absl::string_view CodeOf(ElementType type) {
  // bf16 and f8 travel as the unsigned integer of their width; sub-byte types as the byte that
  // holds them.
  for (const TypeCode& row : kTypeCodes) {
    if (row.type == type) return row.code;
  }
  if (ByteWidth(type) == 2) return "u2";
  return IsSigned(type) ? "i1" : "u1";
}

}  // namespace

absl::StatusOr<Literal> ParseNpy(absl::string_view bytes) {
  if (!absl::ConsumePrefix(&bytes, kMagic) || bytes.size() < 4)
    return InvalidArgument("npy: no magic");
  const int major = static_cast<uint8_t>(bytes[0]);
  const size_t length_bytes = major == 1 ? 2 : 4;
  if (major < 1 || major > 3) return Unimplemented("npy: format version ", major);
  if (bytes.size() < 2 + length_bytes) return InvalidArgument("npy: the file ends in its header");
  uint32_t header_size = 0;
  std::memcpy(&header_size, bytes.data() + 2, length_bytes);
  bytes.remove_prefix(2 + length_bytes);
  if (bytes.size() < header_size) return InvalidArgument("npy: the file ends in its header");
  const absl::string_view header = bytes.substr(0, header_size);
  bytes.remove_prefix(header_size);
  INGOT_ASSIGN_OR_RETURN(const ElementType type, ParseDescr(header));
  INGOT_ASSIGN_OR_RETURN(std::vector<int64_t> dimensions, ParseShapeTuple(header));
  const Shape shape = Shape::Array(type, std::move(dimensions));
  INGOT_RETURN_IF_ERROR(shape.Validate());
  if (static_cast<int64_t>(bytes.size()) != shape.ByteSize()) {
    return InvalidArgument("npy: ", bytes.size(), " bytes of data, ", shape.ToString(), " has ",
                           shape.ByteSize());
  }
  INGOT_ASSIGN_OR_RETURN(Literal literal, Literal::Zeros(shape));
  const absl::string_view order = ValueOf(header, "fortran_order");
  if (order.substr(0, 4) == "True" && shape.rank() > 1) {
    CopyFortranOrder(bytes, literal);
  } else {
    std::memcpy(literal.MutableBytes().data(), bytes.data(), bytes.size());
  }
  return literal;
}

std::string ToNpy(const Literal& literal) {
  const Shape& shape = literal.shape();
  const bool one_byte = ByteWidth(shape.element_type()) == 1;
  std::string header =
      absl::StrCat("{'descr': '", one_byte ? "|" : "<", CodeOf(shape.element_type()),
                   "', 'fortran_order': False, 'shape': (");
  for (int64_t size : shape.dimensions()) absl::StrAppend(&header, size, ", ");
  absl::StrAppend(&header, "), }");
  // Magic, version, length, header and the newline together are a multiple of 64.
  header.append(64 - (10 + header.size() + 1) % 64, ' ');
  header += '\n';
  std::string npy(kMagic);
  npy += '\x01';
  npy += '\x00';
  npy += static_cast<char>(header.size() & 0xff);
  npy += static_cast<char>(header.size() >> 8);
  npy += header;
  npy.append(reinterpret_cast<const char*>(literal.bytes().data()), literal.bytes().size());
  return npy;
}

}  // namespace ingot
