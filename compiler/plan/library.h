// Which fusions a math library can compute, and how they look to it.
#ifndef INGOT_COMPILER_PLAN_LIBRARY_H_
#define INGOT_COMPILER_PLAN_LIBRARY_H_

#include <optional>
#include <vector>

#include "ir/module.h"
#include "runtime/library_call.h"

namespace ingot::plan {

struct LibraryMatch {
  runtime::LibraryOperation operation;
  // The fusion's parameter that is each of the operation's inputs, in its order.
  std::vector<int64_t> parameters;
  bool operator==(const LibraryMatch&) const = default;
};

// The library operation that computes all of `fusion`: a computation that is one dot or one
// convolution of its parameters, row-major, in a form and type that runtime::LibraryCallSupported
// accepts.  nullopt otherwise.  Pure.
std::optional<LibraryMatch> MatchLibraryCall(const Computation& fusion);

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_LIBRARY_H_
