// Kernel IR without loops on arrays, with approximating rows as wrong as they may be.
#ifndef INGOT_TESTS_COMPILER_LOWER_MATH_INTERPRETER_H_
#define INGOT_TESTS_COMPILER_LOWER_MATH_INTERPRETER_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "compiler/kernel/builder.h"

namespace ingot::test {

// What approximating rows give, beside the correctly rounded value: by the number of the row's
// operation among them, -1, 0 or 1 times its documented error; kRandom draws for each element.
constexpr int kRandom = 2;
using Errors = std::vector<int>;

// A function of scalars of `type`, written once.  `emit` gets the operands.
class Function {
 public:
  using Emit = std::function<kernel::Value(kernel::Builder&, absl::Span<const kernel::Value>)>;
  Function(ElementType type, int arity, const Emit& emit);

  int approximations() const { return approximations_; }

  // Bits in, bits out; as many elements in each operand.  An operation that `errors` has no entry
  // for is correctly rounded.
  std::vector<uint64_t> Run(const std::vector<std::vector<uint64_t>>& operands,
                            const Errors& errors = {}) const;

 private:
  kernel::Kernel kernel_;
  const kernel::Operation* result_;
  int approximations_ = 0;
};

// Each row's error -1, 0 and 1, in all combinations, and random ones.
std::vector<Errors> AllErrors(int approximations);

}  // namespace ingot::test

#endif  // INGOT_TESTS_COMPILER_LOWER_MATH_INTERPRETER_H_
