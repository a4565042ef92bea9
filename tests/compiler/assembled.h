// What is wrong with a module's kernels for sm_90a, for tests over long lists of shapes.
#ifndef INGOT_TESTS_COMPILER_ASSEMBLED_H_
#define INGOT_TESTS_COMPILER_ASSEMBLED_H_

#include <cstdint>
#include <string>
#include <vector>

namespace ingot::test {

struct Assembled {
  std::string hlo;
  int64_t spill_bytes = 0;    // of a thread, at the most
  bool matrix_units = false;  // a product of the first kernels must be on them
};

// One text per module; empty: its kernels spill no more than that, the assembler has nothing to
// say, and matrix units multiply where they must.  Modules are compiled by two threads.
std::vector<std::string> Complaints(const std::vector<Assembled>& modules);

// True where neither ptxas nor nvJitLink is here, and nothing can be said.
bool NoAssembler();

}  // namespace ingot::test

#endif  // INGOT_TESTS_COMPILER_ASSEMBLED_H_
