#include "compiler/lower/sort_networks.h"

#include <algorithm>

namespace ingot::lower {

using kernel::Builder;
using kernel::Value;

namespace {

// The lesser one first.
void Exchange(Builder& b, Value& first, Value& second) {
  const Value least = b.Min(first, second);
  second = b.Max(first, second);
  first = least;
}

}  // namespace

void SortByNetwork(Builder& b, std::vector<Value>& values) {
  const size_t n = values.size();
  for (size_t sorted = 1; sorted < n; sorted *= 2) {
    for (size_t step = sorted; step >= 1; step /= 2) {
      for (size_t begin = step % sorted; begin + step < n; begin += 2 * step) {
        for (size_t i = begin; i < std::min(begin + step, n - step); ++i) {
          // Of one pair of sorted pieces.
          if (i / (2 * sorted) == (i + step) / (2 * sorted)) {
            Exchange(b, values[i], values[i + step]);
          }
        }
      }
    }
  }
}

void MergeByNetwork(Builder& b, std::vector<Value>& values) {
  for (size_t step = values.size() / 2; step >= 1; step /= 2) {
    for (size_t i = 0; i < values.size(); ++i) {
      if ((i & step) == 0) Exchange(b, values[i], values[i + step]);
    }
  }
}

}  // namespace ingot::lower
