// How much memory a program's arena takes, and for what, for people.
#ifndef INGOT_COMPILER_PROGRAM_ARENA_USE_H_
#define INGOT_COMPILER_PROGRAM_ARENA_USE_H_

#include <cstdint>
#include <string>
#include <vector>

namespace ingot::program {

struct ArenaUse {
  struct Value {
    std::string name;  // "add.3 f32[8,4]", "fusion.2{1} bf16[64]" of a tuple, "dot.4 scratch"
    int64_t bytes = 0;
  };
  int64_t size = 0;            // bytes of the arena
  int64_t peak = 0;            // most bytes of it that hold values at one time
  std::vector<Value> at_peak;  // the largest of the values that are then alive, five at the most
};

}  // namespace ingot::program

#endif  // INGOT_COMPILER_PROGRAM_ARENA_USE_H_
