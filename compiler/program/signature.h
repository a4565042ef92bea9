// What callers of a program see, and whose memory they give away.
#ifndef INGOT_COMPILER_PROGRAM_SIGNATURE_H_
#define INGOT_COMPILER_PROGRAM_SIGNATURE_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "compiler/program/array_uses.h"
#include "ir/module.h"
#include "runtime/program.h"

namespace ingot::program {

// The entry's parameters and results as arrays, tuples taken apart in order, with the layouts that
// the module states.
struct Signature {
  std::vector<runtime::Input> inputs;
  std::vector<runtime::Output> outputs;
};

// Of the module as the user gave it, before passes.  Outputs are aliased to inputs as the module
// says (input_output_alias).  Inputs that it or the caller gives away without saying for which
// output (buffer_donor; `donated`, by number) go to the first output of their shape that has none;
// where there is none, nothing is done with them.
// Unimplemented for tokens, dynamic shapes, and for other layouts than row-major inside a tuple
// parameter.  InvalidArgument for a number in `donated` that is no input, or stands twice.
absl::StatusOr<Signature> SignatureOf(const Module& module, absl::Span<const int64_t> donated = {});

ResultMemories MemoriesOfResults(const Signature& signature);

}  // namespace ingot::program

#endif  // INGOT_COMPILER_PROGRAM_SIGNATURE_H_
