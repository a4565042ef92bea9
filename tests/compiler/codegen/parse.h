// Kernels of a test's text.
#ifndef INGOT_TESTS_COMPILER_CODEGEN_PARSE_H_
#define INGOT_TESTS_COMPILER_CODEGEN_PARSE_H_

#include <gtest/gtest.h>

#include <string>

#include "compiler/kernel/text.h"
#include "compiler/kernel/verifier.h"

namespace ingot::test {

// Expects the text to be right and fit for `target` (nullptr: any); an empty module where it is
// not.
inline kernel::KernelModule Parse(const std::string& text, const Target* target) {
  auto module = kernel::ParseKernels(text, "test");
  EXPECT_TRUE(module.ok()) << module.status();
  if (!module.ok()) return {};
  const absl::Status verified = kernel::VerifyModule(*module, target);
  EXPECT_TRUE(verified.ok()) << verified << "\n" << text;
  return *std::move(module);
}

}  // namespace ingot::test

#endif  // INGOT_TESTS_COMPILER_CODEGEN_PARSE_H_
