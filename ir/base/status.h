// Helpers over absl::Status: the way an input's fault travels (docs/design.md, Faults).
#ifndef INGOT_IR_BASE_STATUS_H_
#define INGOT_IR_BASE_STATUS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

namespace ingot {

// InvalidArgumentError(StrCat(parts...)): the input is wrong.
template <typename... Parts>
absl::Status InvalidArgument(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

// UnimplementedError(StrCat(parts...)): the input is right and we cannot do it (yet).
template <typename... Parts>
absl::Status Unimplemented(const Parts&... parts) {
  return absl::UnimplementedError(absl::StrCat(parts...));
}

// The same code with "`context`: " put before the message; OK stays OK.
template <typename... Parts>
absl::Status Annotate(const absl::Status& status, const Parts&... context) {
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat(context..., ": ", status.message()));
}

}  // namespace ingot

// Returns from the enclosing function when `expression`, an absl::Status, is not OK.
#define INGOT_RETURN_IF_ERROR(expression)                                                     \
  do {                                                                                        \
    if (absl::Status ingot_status_ = (expression); !ingot_status_.ok()) return ingot_status_; \
  } while (false)

// Returns InvalidArgument(parts...) from the enclosing function when `condition` is false; the
// parts are only evaluated then.
#define INGOT_REQUIRE(condition, ...)                               \
  do {                                                              \
    if (!(condition)) return ::ingot::InvalidArgument(__VA_ARGS__); \
  } while (false)

#define INGOT_CONCAT_INNER_(a, b) a##b
#define INGOT_CONCAT_(a, b) INGOT_CONCAT_INNER_(a, b)
#define INGOT_ASSIGN_OR_RETURN_IMPL_(result, target, expression) \
  auto result = (expression);                                    \
  if (!result.ok()) return std::move(result).status();           \
  target = std::move(result).value()

// `target = value` of an absl::StatusOr, or returns its status: INGOT_ASSIGN_OR_RETURN(auto x,
// F());
#define INGOT_ASSIGN_OR_RETURN(target, ...) \
  INGOT_ASSIGN_OR_RETURN_IMPL_(INGOT_CONCAT_(ingot_result_, __LINE__), target, (__VA_ARGS__))

#endif  // INGOT_IR_BASE_STATUS_H_
