// Groups of equal fusions, as tests name them.
#ifndef INGOT_TESTS_COMPILER_PLAN_GROUPS_H_
#define INGOT_TESTS_COMPILER_PLAN_GROUPS_H_

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "compiler/plan/value_numbers.h"
#include "ir/module.h"

namespace ingot::plan {

// For each element of `names`, the computations of these names.
inline std::vector<EqualFusions> GroupsOf(const Module& module,
                                          const std::vector<std::vector<std::string>>& names) {
  std::vector<EqualFusions> groups(names.size());
  for (size_t g = 0; g < names.size(); ++g) {
    for (const std::string& name : names[g]) {
      for (const Computation* computation : module.computations()) {
        if (computation->name() == name) groups[g].push_back(computation);
      }
    }
    EXPECT_EQ(groups[g].size(), names[g].size());
  }
  return groups;
}

}  // namespace ingot::plan

#endif  // INGOT_TESTS_COMPILER_PLAN_GROUPS_H_
