// CHECK: our own faults.  An input's fault is an absl::Status, never a CHECK (docs/design.md,
// Faults).
#ifndef INGOT_IR_BASE_CHECK_H_
#define INGOT_IR_BASE_CHECK_H_

#include <sstream>
#include <string>
#include <type_traits>

#include "absl/strings/str_cat.h"

namespace ingot::internal {

// Collects a message and ends the process when it is destroyed.
class CheckFailure {
 public:
  CheckFailure(const char* file, int line, const char* condition);
  [[noreturn]] ~CheckFailure();

  // What StrCat takes, and else whatever has an operator<<.  The first needs no stream: the
  // runtime's library would be twice its size with the locales that streams bring.
  template <typename T>
  CheckFailure& operator<<(const T& value) {
    if constexpr (std::is_convertible_v<const T&, const absl::AlphaNum&>) {
      absl::StrAppend(&message_, value);
    } else {
      std::ostringstream stream;
      stream << value;
      message_ += stream.str();
    }
    return *this;
  }

 private:
  std::string message_;
};

// Lets the macro below be an expression of type void on both sides of `?:`.
struct Voidify {
  void operator&(const CheckFailure&) {}
};

}  // namespace ingot::internal

// Ends the process with the message when `condition` is false: INGOT_CHECK(n > 0) << "n is " << n;
#define INGOT_CHECK(condition)                 \
  (condition) ? (void)0                        \
              : ::ingot::internal::Voidify() & \
                    ::ingot::internal::CheckFailure(__FILE__, __LINE__, #condition)

#define INGOT_UNREACHABLE() INGOT_CHECK(false) << "unreachable: "

#endif  // INGOT_IR_BASE_CHECK_H_
