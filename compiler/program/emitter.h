// From a module whose kernels are fusions to a Program without code: buffers, commands, inputs and
// outputs.
#ifndef INGOT_COMPILER_PROGRAM_EMITTER_H_
#define INGOT_COMPILER_PROGRAM_EMITTER_H_

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "compiler/kernel/kernel.h"
#include "compiler/program/kernel_table.h"
#include "ir/base/target.h"
#include "ir/module.h"
#include "runtime/program.h"

namespace ingot::program {

// What callers see: the entry's parameters and results as arrays, tuples taken apart in order, with
// the layouts that the module states.
struct Signature {
  std::vector<runtime::Input> inputs;
  std::vector<runtime::Output> outputs;
};

// Of the module as the user gave it, before passes.  Unimplemented for tokens, dynamic shapes, and
// for other layouts than row-major inside a tuple parameter.
absl::StatusOr<Signature> SignatureOf(const Module& module);

// Kernels in one code module; fixed, so that a program does not depend on how many threads compiled
// it.
inline constexpr int64_t kKernelsPerModule = 16;

struct EmittedProgram {
  runtime::Program
      program;  // modules are empty; launches name kernels of `kernels` and lack their launch shape
  KernelTable kernels;
  int64_t arena_lower_bound = 0;  // bytes alive at once, at the most
};

// `module` is what DefaultPipeline() leaves.  Unimplemented names the instruction that has no
// commands.
absl::StatusOr<EmittedProgram> EmitProgram(const Module& module, const Signature& signature,
                                           const Target& target);

// Gives every launch the shape of its kernel: launches[i] is that of the table's entry i.
void SetLaunchShapes(absl::Span<const kernel::Launch> launches, const KernelTable& table,
                     std::vector<runtime::Command>& commands);

}  // namespace ingot::program

#endif  // INGOT_COMPILER_PROGRAM_EMITTER_H_
