// "did you mean ...": the known name that is nearest to a wrong one.
#ifndef INGOT_IR_TEXT_NEAREST_H_
#define INGOT_IR_TEXT_NEAREST_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace ingot::text {

// The candidate with the least edit distance to `name`; empty when that is more than a third of the
// name, or the name is long.
absl::string_view Nearest(absl::string_view name, const std::vector<absl::string_view>& candidates);

absl::string_view NearestOpcode(absl::string_view name);
absl::string_view NearestElementType(absl::string_view name);

// ", did you mean 'nearest'?", or nothing for an empty name.
std::string DidYouMean(absl::string_view nearest);

}  // namespace ingot::text

#endif  // INGOT_IR_TEXT_NEAREST_H_
