// Executable: a program on a device, with literals in and out.  What the command and the C++ API
// run; a program that embeds the runtime alone uses runtime/executor.h.
#ifndef INGOT_COMPILER_EXECUTABLE_H_
#define INGOT_COMPILER_EXECUTABLE_H_

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "compiler/compile.h"
#include "ir/literal.h"
#include "runtime/executor.h"

namespace ingot {

// Bytes of `literal`, row-major, in the order that `layout` asks for; and back.  No copy where the
// layout is row-major.
Literal ToLayout(const Literal& literal, const Layout& layout);
Literal FromLayout(const Literal& physical, const Shape& shape);

// May be run from several threads.
class Executable {
 public:
  // Loads the program on a device that lives longer.
  static absl::StatusOr<std::unique_ptr<Executable>> Load(
      std::shared_ptr<const runtime::Program> program, runtime::Device* device);
  // Compiles just in time for the machine that is here, and loads.
  static absl::StatusOr<std::unique_ptr<Executable>> Compile(const Module& module,
                                                             const CompileOptions& options = {});

  const runtime::Program& program() const { return executor_->program(); }
  runtime::Executor& executor() { return *executor_; }

  // Runs once and waits.  Inputs in the order of program().inputs, by logical index (layouts are
  // seen to here); results in the order of program().outputs.
  absl::StatusOr<std::vector<Literal>> Run(absl::Span<const Literal> inputs,
                                           runtime::Profile* profile = nullptr);

 private:
  Executable(std::unique_ptr<runtime::Device> device, std::unique_ptr<runtime::Executor> executor)
      : owned_device_(std::move(device)), executor_(std::move(executor)) {}

  std::unique_ptr<runtime::Device> owned_device_;  // null where the caller gave the device
  std::unique_ptr<runtime::Executor> executor_;
};

}  // namespace ingot

#endif  // INGOT_COMPILER_EXECUTABLE_H_
