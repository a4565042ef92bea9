#include "compiler/kernel/simulator/simulator.h"

#include <memory>

#include "compiler/kernel/simulator/code.h"
#include "compiler/kernel/simulator/machine.h"
#include "compiler/kernel/simulator/memory.h"
#include "ir/base/status.h"

namespace ingot::kernel::simulator {

absl::StatusOr<Report> Simulate(const Kernel& kernel, absl::Span<const Argument> arguments,
                                const Options& options) {
  const Code code = Decode(kernel);
  const bool races = options.check && options.sample_thread_operations == 0;
  INGOT_ASSIGN_OR_RETURN(const std::unique_ptr<Memory> memory,
                         Memory::Bind(code, arguments, races));
  return Machine(code, *memory, options).Run(arguments);
}

}  // namespace ingot::kernel::simulator
