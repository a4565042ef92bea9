// Random graphs that are well defined to the bit, or to a stated error.
//
// Ops are drawn one after another over the values that are there, newest first, so that every op
// comes to stand over and under every other.  Sizes are 0, 1, 2, primes and powers of two, ranks 0
// to 6, element types all of element_types.def.  `Facts` of each value say how far a right answer
// may be from the evaluator's: mostly not at all.
#ifndef INGOT_TESTS_RANDOM_GRAPHS_GENERATOR_H_
#define INGOT_TESTS_RANDOM_GRAPHS_GENERATOR_H_

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "ir/base/element_type.h"
#include "ir/literal.h"
#include "ir/module.h"

namespace ingot::random_graphs {

// What is known of every element of an array; of complex ones, of every component.
struct Facts {
  // Its magnitude is at most this; infinity where infinities and NaNs may be among them.
  double bound = std::numeric_limits<double>::infinity();
  // Whole numbers only.
  bool whole = false;
  // How far a right answer may be from the evaluator's.  0: the same bits, but for NaNs, which are
  // all one.  Where it is not 0, `bound` is finite.
  double error = 0;
  // A zero has a defined sign: sums may give either, as their order is not defined.
  bool signed_zero = true;
};

struct Graph {
  std::unique_ptr<Module> module;
  std::vector<Literal> inputs;         // the entry's parameters by number
  std::map<std::string, Facts> facts;  // of the entry's arrays, by instruction
};

struct GeneratorOptions {
  int64_t max_elements = 2048;  // of one value, about
  int max_ops = 16;
};

// The graph of a seed: the same for the same seed and options.  Verified.  An error is the
// generator's fault.
absl::StatusOr<Graph> Generate(uint64_t seed, const GeneratorOptions& options = {});

// The facts of results that are rounded to `type`: a bound past its finite values is none.
Facts Rounded(Facts facts, ElementType type);
// Half a unit in the last place at 1, which is the relative error of one rounding; 0 for integers.
double RoundingError(ElementType type);

}  // namespace ingot::random_graphs

#endif  // INGOT_TESTS_RANDOM_GRAPHS_GENERATOR_H_
