// What plans of kernels share, whatever their skeleton is.
#ifndef INGOT_COMPILER_PLAN_KERNELS_H_
#define INGOT_COMPILER_PLAN_KERNELS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "compiler/plan/plan.h"
#include "ir/module.h"

namespace ingot::plan {

// Every operand and result of the fusion and so many scratch buffers once, in order.
std::vector<BufferRole> AllBuffers(const Computation& fusion, size_t scratch);

// Operations of all instructions of the fusion (cost.h).
int64_t FlopsOf(const Computation& fusion);

// Whether kernels and scratch are those of `expected`; how many blocks should be resident is free.
absl::Status KernelsAgree(const FusionPlan& plan, const FusionPlan& expected);

// Leaves the `most` cheapest of pairs of a cost and what it is of, the cheapest first; of equal
// ones the earlier first.
template <typename Work>
void KeepCheapest(size_t most, std::vector<std::pair<double, Work>>& found) {
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  if (found.size() > most) found.resize(most);
}

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_KERNELS_H_
