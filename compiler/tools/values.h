// Inputs and results of the verbs, in files and as text.
#ifndef INGOT_COMPILER_TOOLS_VALUES_H_
#define INGOT_COMPILER_TOOLS_VALUES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "ir/literal.h"
#include "runtime/program.h"

namespace ingot::tools {

// The inputs of a program from `files`, a comma-separated list: arrays called as the parameter, or
// in0, in1, … by its position (or arr_0, … as numpy names them); arrays of other names, and .npy
// files, go to the parameters that are left, in order.  bf16 may travel as uint16.  An error names
// the parameter, its shape and what was found.
absl::StatusOr<std::vector<Literal>> ReadInputs(const std::string& files,
                                                absl::Span<const runtime::Input> inputs);

// NAME0.npy, NAME1.npy, … in `directory`, which is made when it is not there.
absl::Status WriteNumbered(const std::string& directory, absl::string_view name,
                           absl::Span<const Literal> values);

// Arrays out0, out1, … of an .npz file, or a lone .npy, for results of these shapes.
absl::StatusOr<std::vector<Literal>> ReadExpected(const std::string& file,
                                                  absl::Span<const Literal> results);

// The shape and first elements of each result, a line each, on standard output.
void PrintResults(absl::Span<const Literal> results);

}  // namespace ingot::tools

#endif  // INGOT_COMPILER_TOOLS_VALUES_H_
