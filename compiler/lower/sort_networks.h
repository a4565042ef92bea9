// Networks that sort or merge the values of one thread, whose exchanges are minima and maxima: for
// integers of which equal ones are the same.
#ifndef INGOT_COMPILER_LOWER_SORT_NETWORKS_H_
#define INGOT_COMPILER_LOWER_SORT_NETWORKS_H_

#include <vector>

#include "compiler/kernel/builder.h"

namespace ingot::lower {

// Sorts a power of two of values: Batcher's odd-even merge sort ("Sorting networks and their
// applications", 1968).
void SortByNetwork(kernel::Builder& b, std::vector<kernel::Value>& values);

// Sorts a power of two of values that ascend first and descend then: Batcher's bitonic merge.
void MergeByNetwork(kernel::Builder& b, std::vector<kernel::Value>& values);

}  // namespace ingot::lower

#endif  // INGOT_COMPILER_LOWER_SORT_NETWORKS_H_
