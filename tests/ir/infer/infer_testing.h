// What the tests of shape inference share: shapes from text, signatures of called computations, and
// inference as text.
#ifndef INGOT_TESTS_IR_INFER_INFER_TESTING_H_
#define INGOT_TESTS_IR_INFER_INFER_TESTING_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "ir/infer/infer.h"
#include "ir/module.h"

namespace ingot {

// "f32[2,3]", "pred[]", "token[]", "(f32[2], s32[])", "f32[<=4]".
Shape ShapeFromText(absl::string_view text);

using Called = std::vector<Computation*>;

// Computations of which only the signature matters.
class Signatures {
 public:
  // Takes `parameters`, returns `result`.
  Computation* Of(const std::vector<std::string>& parameters, const std::string& result);
  // (T, T) → T
  Computation* Reducer(const std::string& type);
  // Has no root.
  Computation* Unfinished();

 private:
  Module module_{"signatures"};
};

// The inferred shape as text, or the error's message.  `stated` empty: none.
std::string Infer(Opcode opcode, const std::vector<std::string>& operands,
                  std::optional<Attributes> attributes = std::nullopt, const Called& called = {},
                  const std::string& stated = "");

}  // namespace ingot

#endif  // INGOT_TESTS_IR_INFER_INFER_TESTING_H_
