#include <cstring>

#include "ir/base/status.h"
#include "ir/io/arrays.h"
#include "nlohmann/json.hpp"

namespace ingot {
namespace {

struct TypeName {
  absl::string_view name;
  ElementType type;
};
constexpr TypeName kTypeNames[] = {
    {"BOOL", ElementType::kPred},         {"I8", ElementType::kS8},
    {"I16", ElementType::kS16},           {"I32", ElementType::kS32},
    {"I64", ElementType::kS64},           {"U8", ElementType::kU8},
    {"U16", ElementType::kU16},           {"U32", ElementType::kU32},
    {"U64", ElementType::kU64},           {"F16", ElementType::kF16},
    {"BF16", ElementType::kBF16},         {"F32", ElementType::kF32},
    {"F64", ElementType::kF64},           {"C64", ElementType::kC64},
    {"F8_E5M2", ElementType::kF8E5M2},    {"F8_E4M3", ElementType::kF8E4M3FN},
    {"F8_E8M0", ElementType::kF8E8M0FNU},
};

absl::StatusOr<ElementType> TypeOf(const std::string& name) {
  for (const TypeName& row : kTypeNames) {
    if (row.name == name) return row.type;
  }
  return Unimplemented("no element type for dtype '", name, "'");
}

// A header without depth, but for arrays in objects: deep nesting is refused before anything is
// built.
bool IsDeep(absl::string_view json) {
  int depth = 0;
  for (char c : json) {
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    if (depth > 8) return true;
  }
  return false;
}

absl::StatusOr<Literal> ParseEntry(const nlohmann::ordered_json& entry, absl::string_view data) {
  const bool well_formed = entry.is_object() && entry.contains("dtype") &&
                           entry["dtype"].is_string() && entry.contains("shape") &&
                           entry["shape"].is_array() && entry.contains("data_offsets") &&
                           entry["data_offsets"].is_array() && entry["data_offsets"].size() == 2;
  if (!well_formed) return InvalidArgument("needs dtype, shape and data_offsets");
  INGOT_ASSIGN_OR_RETURN(const ElementType type, TypeOf(entry["dtype"].get<std::string>()));
  std::vector<int64_t> dimensions;
  for (const nlohmann::ordered_json& size : entry["shape"]) {
    // Past 2^62 no array is; as an int64_t it could be negative, which means something else.
    if (!size.is_number_unsigned() || size.get<uint64_t>() >> 62 != 0) {
      return InvalidArgument("a dimension is not a whole number below 2^62");
    }
    dimensions.push_back(size.get<int64_t>());
  }
  const nlohmann::ordered_json& offsets = entry["data_offsets"];
  if (!offsets[0].is_number_unsigned() || !offsets[1].is_number_unsigned()) {
    return InvalidArgument("data_offsets are not whole numbers");
  }
  const uint64_t begin = offsets[0].get<uint64_t>(), end = offsets[1].get<uint64_t>();
  const Shape shape = Shape::Array(type, std::move(dimensions));
  INGOT_RETURN_IF_ERROR(shape.Validate());
  if (begin > end || end > data.size() || static_cast<int64_t>(end - begin) != shape.ByteSize()) {
    return InvalidArgument("data_offsets [", begin, ", ", end, ") for ", shape.ToString(), " of ",
                           shape.ByteSize(), " bytes, in ", data.size(), " bytes of data");
  }
  INGOT_ASSIGN_OR_RETURN(Literal literal, Literal::Zeros(shape));
  std::memcpy(literal.MutableBytes().data(), data.data() + begin, end - begin);
  return literal;
}

}  // namespace

absl::StatusOr<NamedLiterals> ParseSafetensors(absl::string_view bytes) {
  uint64_t header_size = 0;
  if (bytes.size() < 8) return InvalidArgument("safetensors: the file ends in its header");
  std::memcpy(&header_size, bytes.data(), 8);
  if (header_size > bytes.size() - 8)
    return InvalidArgument("safetensors: the file ends in its header");
  const absl::string_view header = bytes.substr(8, header_size);
  const absl::string_view data = bytes.substr(8 + header_size);
  if (IsDeep(header)) return InvalidArgument("safetensors: the header is nested too deeply");
  const auto json = nlohmann::ordered_json::parse(header.begin(), header.end(), nullptr,
                                                  /*allow_exceptions=*/false);
  if (!json.is_object()) return InvalidArgument("safetensors: the header is not a JSON object");
  NamedLiterals arrays;
  for (const auto& [name, entry] : json.items()) {
    if (name == "__metadata__") continue;
    absl::StatusOr<Literal> literal = ParseEntry(entry, data);
    if (!literal.ok()) return Annotate(literal.status(), "safetensors: ", name);
    arrays.emplace_back(name, *std::move(literal));
  }
  return arrays;
}

absl::StatusOr<NamedLiterals> ParseArrays(absl::string_view bytes, absl::string_view file_name) {
  absl::StatusOr<NamedLiterals> arrays;
  if (bytes.substr(0, 6) == absl::string_view("\x93NUMPY", 6)) {
    absl::StatusOr<Literal> literal = ParseNpy(bytes);
    if (!literal.ok()) return Annotate(literal.status(), file_name);
    return NamedLiterals{{"", *std::move(literal)}};
  }
  if (bytes.substr(0, 2) == "PK") {
    arrays = ParseNpz(bytes);
  } else if (bytes.size() > 8 && bytes[8] == '{') {
    arrays = ParseSafetensors(bytes);
  } else {
    arrays = InvalidArgument("neither .npy, .npz nor .safetensors");
  }
  if (!arrays.ok()) return Annotate(arrays.status(), file_name);
  return arrays;
}

}  // namespace ingot
