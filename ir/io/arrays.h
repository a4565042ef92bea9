// Arrays in files: .npy, .npz and .safetensors.  Every file is untrusted.
#ifndef INGOT_IR_IO_ARRAYS_H_
#define INGOT_IR_IO_ARRAYS_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ir/literal.h"

namespace ingot {

// Arrays by name, in the order of the file.
using NamedLiterals = std::vector<std::pair<std::string, Literal>>;

// NumPy's format 1.0 to 3.0 (numpy.org/devdocs/reference/generated/numpy.lib.format.html):
// little-endian numbers of any kind that has an element type, C or Fortran order.  bool is pred; a
// descr of "|V1" or "|V2" (how NumPy writes types that it does not know: ml_dtypes' bfloat16) is
// read as u8 or u16.
absl::StatusOr<Literal> ParseNpy(absl::string_view bytes);
std::string ToNpy(const Literal& literal);

// A zip archive of .npy members, stored or deflated, without encryption; zip64 where sizes need it.
// Names lose ".npy".
absl::StatusOr<NamedLiterals> ParseNpz(absl::string_view bytes);

// huggingface.co/docs/safetensors: a JSON header, then the arrays.
absl::StatusOr<NamedLiterals> ParseSafetensors(absl::string_view bytes);

// Any of the three, told by its content.  A lone .npy has the empty name.  Errors begin with
// `file_name`.
absl::StatusOr<NamedLiterals> ParseArrays(absl::string_view bytes, absl::string_view file_name);

}  // namespace ingot

#endif  // INGOT_IR_IO_ARRAYS_H_
