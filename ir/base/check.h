// CHECK: our own faults.  An input's fault is an absl::Status, never a CHECK (docs/design.md,
// Faults).
#ifndef INGOT_IR_BASE_CHECK_H_
#define INGOT_IR_BASE_CHECK_H_

#include <sstream>

namespace ingot::internal {

// Collects a message and ends the process when it is destroyed.
class CheckFailure {
 public:
  CheckFailure(const char* file, int line, const char* condition);
  [[noreturn]] ~CheckFailure();
  std::ostream& stream() { return stream_; }

 private:
  std::ostringstream stream_;
};

// Lets the macro below be an expression of type void on both sides of `?:`.
struct Voidify {
  void operator&(std::ostream&) {}
};

}  // namespace ingot::internal

// Ends the process with the message when `condition` is false: INGOT_CHECK(n > 0) << "n is " << n;
#define INGOT_CHECK(condition)                 \
  (condition) ? (void)0                        \
              : ::ingot::internal::Voidify() & \
                    ::ingot::internal::CheckFailure(__FILE__, __LINE__, #condition).stream()

#define INGOT_UNREACHABLE() INGOT_CHECK(false) << "unreachable: "

#endif  // INGOT_IR_BASE_CHECK_H_
