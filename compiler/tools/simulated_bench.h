// What the kernels of a model ask of a GPU, measured by the simulator: needs no card and no driver.
#ifndef INGOT_COMPILER_TOOLS_SIMULATED_BENCH_H_
#define INGOT_COMPILER_TOOLS_SIMULATED_BENCH_H_

#include <string>

#include "absl/status/statusor.h"
#include "compiler/compile.h"
#include "compiler/tools/work_table.h"
#include "ir/base/target.h"
#include "ir/module.h"

namespace ingot::tools {

// Compiles the graph and runs each distinct kernel once in the simulator: its first, its
// last and some other blocks, on memory that exists only where it is touched.  Loops of the program
// count as one trip, and every branch as taken.  Bytes moved are the plan's where not every block
// ran.
// `name` is the model's.
absl::StatusOr<ModelWork> SimulateModel(const Module& module, const std::string& name,
                                        const Target& target, CompileOptions options);

}  // namespace ingot::tools

#endif  // INGOT_COMPILER_TOOLS_SIMULATED_BENCH_H_
