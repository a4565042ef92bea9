#include "ir/text/nearest.h"

#include <algorithm>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "ir/base/element_type.h"
#include "ir/opcode.h"

namespace ingot::text {
namespace {

constexpr size_t kMaxLength = 64;

// Levenshtein's distance, a row at a time.
size_t EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substitute = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substitute});
    }
  }
  return row.back();
}

}  // namespace

absl::string_view Nearest(absl::string_view name,
                          const std::vector<absl::string_view>& candidates) {
  if (name.size() > kMaxLength) return {};
  size_t best = std::max<size_t>(name.size() / 3, 1) + 1;
  absl::string_view nearest;
  for (absl::string_view candidate : candidates) {
    const size_t distance = EditDistance(name, candidate);
    if (distance < best) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

absl::string_view NearestOpcode(absl::string_view name) {
  std::vector<absl::string_view> names;
  for (int i = 0; i < kOpcodeCount; ++i) names.push_back(OpcodeName(static_cast<Opcode>(i)));
  return Nearest(name, names);
}

absl::string_view NearestElementType(absl::string_view name) {
  std::vector<absl::string_view> names;
  for (int i = 0; i < kElementTypeCount; ++i) {
    names.push_back(ElementTypeName(static_cast<ElementType>(i)));
  }
  return Nearest(name, names);
}

std::string DidYouMean(absl::string_view nearest) {
  return nearest.empty() ? "" : absl::StrCat(", did you mean '", nearest, "'?");
}

}  // namespace ingot::text
