#include "compiler/tools/values.h"

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "compiler/tools/model.h"
#include "ir/base/status.h"
#include "ir/io/arrays.h"

namespace ingot::tools {
namespace {

absl::StatusOr<NamedLiterals> ReadArrays(const std::string& file) {
  INGOT_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(file));
  return ParseArrays(bytes, file);
}

// The array as one of `shape`, where only the name of its type differs: bf16 and f8 travel as
// unsigned integers.
absl::StatusOr<Literal> AsShape(const Literal& literal, const Shape& shape,
                                absl::string_view what) {
  const Shape& found = literal.shape();
  Shape plain = shape;
  plain.set_layout(std::nullopt);
  if (Shape::SameIgnoringLayout(found, shape)) return literal.Reshaped(plain);
  const bool same_bits = Shape::SameDimensions(found, shape) && IsUnsigned(found.element_type()) &&
                         ByteWidth(found.element_type()) == ByteWidth(shape.element_type());
  if (!same_bits) {
    return InvalidArgument(what, " is ", found.ToString(false), ", ", shape.ToString(false),
                           " is wanted");
  }
  auto owner = std::make_shared<Literal>(literal);
  return Literal::View(std::move(plain), owner->bytes(), owner);
}

}  // namespace

absl::StatusOr<std::vector<Literal>> ReadInputs(const std::string& files,
                                                absl::Span<const runtime::Input> inputs) {
  absl::flat_hash_map<std::string, size_t> positions;
  for (size_t i = 0; i < inputs.size(); ++i) {
    for (const std::string& name :
         {inputs[i].name, absl::StrCat("in", i), absl::StrCat("arr_", i)}) {
      positions.emplace(name, i);
    }
  }
  std::vector<std::optional<Literal>> found(inputs.size());
  std::vector<Literal> in_order;  // arrays whose names say nothing
  for (absl::string_view file : absl::StrSplit(files, ',', absl::SkipEmpty())) {
    INGOT_ASSIGN_OR_RETURN(NamedLiterals arrays, ReadArrays(std::string(file)));
    for (auto& [name, literal] : arrays) {
      const auto position = positions.find(name);
      if (position == positions.end()) {
        in_order.push_back(std::move(literal));
      } else if (found[position->second].has_value()) {
        return InvalidArgument(file, ": the array ", name, " was given before");
      } else {
        found[position->second] = std::move(literal);
      }
    }
  }
  std::vector<Literal> values;
  size_t next = 0;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const std::string what = absl::StrCat("input ", i, " (", inputs[i].name, ")");
    if (!found[i].has_value() && next < in_order.size()) found[i] = std::move(in_order[next++]);
    if (!found[i].has_value()) {
      return InvalidArgument(what, ", ", inputs[i].shape.ToString(false),
                             ": no array of that name or called in", i,
                             ", and no other array left in ", files);
    }
    INGOT_ASSIGN_OR_RETURN(Literal value, AsShape(*found[i], inputs[i].shape, what));
    values.push_back(std::move(value));
  }
  return values;
}

absl::Status WriteNumbered(const std::string& directory, absl::string_view name,
                           absl::Span<const Literal> values) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return InvalidArgument(directory, ": cannot make this directory: ", error.message());
  for (size_t i = 0; i < values.size(); ++i) {
    INGOT_RETURN_IF_ERROR(
        WriteFile(absl::StrCat(directory, "/", name, i, ".npy"), ToNpy(values[i])));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Literal>> ReadExpected(const std::string& file,
                                                  absl::Span<const Literal> results) {
  INGOT_ASSIGN_OR_RETURN(const NamedLiterals arrays, ReadArrays(file));
  std::vector<Literal> expected;
  for (size_t i = 0; i < results.size(); ++i) {
    const std::string name = absl::StrCat("out", i);
    // A lone .npy has no name: it is the first result.
    const auto it = std::find_if(arrays.begin(), arrays.end(), [&](const auto& array) {
      return array.first == name || (array.first.empty() && i == 0);
    });
    if (it == arrays.end()) return InvalidArgument(file, ": no array ", name);
    INGOT_ASSIGN_OR_RETURN(Literal value,
                           AsShape(it->second, results[i].shape(), absl::StrCat(file, ": ", name)));
    expected.push_back(std::move(value));
  }
  return expected;
}

void PrintResults(absl::Span<const Literal> results) {
  constexpr int64_t kShown = 8;
  for (size_t i = 0; i < results.size(); ++i) {
    const Literal& result = results[i];
    std::string values;
    for (int64_t k = 0; k < std::min(result.size(), kShown); ++k) {
      const std::complex<double> value = result.AsComplex(k);
      absl::StrAppend(&values, k > 0 ? " " : "", value.real());
      if (value.imag() != 0) absl::StrAppendFormat(&values, "%+gi", value.imag());
    }
    absl::PrintF("out%-3d %-24s %s%s\n", i, result.shape().ToString(false), values,
                 result.size() > kShown ? " ..." : "");
  }
}

}  // namespace ingot::tools
