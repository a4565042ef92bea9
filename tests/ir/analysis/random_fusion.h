// Random fusions for the laws of iteration spaces.
#ifndef INGOT_TESTS_IR_ANALYSIS_RANDOM_FUSION_H_
#define INGOT_TESTS_IR_ANALYSIS_RANDOM_FUSION_H_

#include <cstdint>
#include <memory>

#include "ir/module.h"

namespace ingot::test {

// A module whose entry is a fusion of about `ops` ops on small arrays, drawn from `seed`:
// elementwise ops between values of one shape, all data movement ops, reductions of one and two
// operands, gathers and dynamic slices.  Sizes have common divisors, and some do not.
std::unique_ptr<Module> RandomFusion(uint32_t seed, int ops);

}  // namespace ingot::test

#endif  // INGOT_TESTS_IR_ANALYSIS_RANDOM_FUSION_H_
