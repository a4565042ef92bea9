// The graphs of a range of seeds, checked on all cores.
#ifndef INGOT_TESTS_RANDOM_GRAPHS_RUN_H_
#define INGOT_TESTS_RANDOM_GRAPHS_RUN_H_

#include <cstdint>
#include <functional>
#include <string>

#include "tests/random_graphs/check.h"
#include "tests/random_graphs/generator.h"

namespace ingot::random_graphs {

struct Seeds {
  uint64_t first = 1;
  uint64_t last = 1000;
};

struct RunOptions {
  GeneratorOptions generator;
  int threads = 0;            // graphs at once; 0: as many as the machine has cores
  int64_t max_failures = 10;  // stop after this many
  bool progress = false;      // on standard error
  // Called for each graph that is not the same, one call at a time: its seed, what is wrong, and
  // the graph cut down, as text.
  std::function<void(uint64_t seed, const Verdict& verdict, const std::string& text)> report;
};

struct Counts {
  int64_t same = 0;
  int64_t different = 0;
  int64_t refused = 0;
  int64_t broken = 0;
};

// A crash names the seed of its graph on standard error before it ends the process.
Counts Run(const Checker& checker, const Seeds& seeds, const RunOptions& options);

}  // namespace ingot::random_graphs

#endif  // INGOT_TESTS_RANDOM_GRAPHS_RUN_H_
