// From a module whose kernels are fusions, and what is known of them, to a Program without code:
// buffers, commands, inputs and outputs.
#ifndef INGOT_COMPILER_PROGRAM_PROGRAM_EMITTER_H_
#define INGOT_COMPILER_PROGRAM_PROGRAM_EMITTER_H_

#include "absl/status/statusor.h"
#include "compiler/program/arena_use.h"
#include "compiler/program/fusion_table.h"
#include "compiler/program/signature.h"
#include "ir/base/target.h"
#include "ir/module.h"
#include "runtime/program.h"

namespace ingot::program {

struct EmittedProgram {
  runtime::Program program;  // modules are empty
  ArenaUse arena;
};

// `module` is what DefaultPipeline() leaves, `fusions` its fusions with all that launches say of
// their kernels.  Unimplemented names the instruction that has no commands.
absl::StatusOr<EmittedProgram> EmitProgram(const Module& module, const Signature& signature,
                                           const FusionTable& fusions, const Target& target);

}  // namespace ingot::program

#endif  // INGOT_COMPILER_PROGRAM_PROGRAM_EMITTER_H_
