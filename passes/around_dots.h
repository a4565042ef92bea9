// What the kernel of a dot takes in besides the dot.
#ifndef INGOT_PASSES_AROUND_DOTS_H_
#define INGOT_PASSES_AROUND_DOTS_H_

#include <cstdint>
#include <vector>

#include "ir/module.h"

namespace ingot {

// Of a computation, the data movement that dots do themselves when they read their operands.
//
//   s = slice(qkv);  r = reshape(s);  t = transpose(r);  dot(t, u)  ⇒  one kernel, which reads qkv
//
// A dot addresses its operands by offsets and strides, so that slices, reshapes, transposes and
// broadcasts before it move no bytes.  They are read through where only dots ask for them.  What a
// dot before them can store in their order is left to it.
class AroundDots {
 public:
  // No dot takes in anything.
  AroundDots() = default;
  // Linear in the instructions and their operands.  Convolutions without groups whose results have
  // at most so many bytes are dots too (0: none is): what follows a larger one is a pass at the
  // speed of memory, which nothing in the convolution's kernel would hide.  They read nothing
  // through, for windows of what they read make addresses long.
  AroundDots(const Computation& computation, int64_t most_convolution_bytes);

  // Whether the instruction is a dot whose kernel may take in others.
  bool IsDot(const Instruction& instruction) const;
  // Whether every dot that asks for the value reads it through.
  bool IsReadThrough(const Instruction& instruction) const {
    return instruction.id() < static_cast<int64_t>(read_through_.size()) &&
           read_through_[instruction.id()];
  }

 private:
  bool enabled_ = false;
  int64_t most_convolution_bytes_ = 0;
  std::vector<bool> read_through_;  // by id
};

// Whether the op may stand between a dot and the result of its kernel: elementwise, or the same
// elements in another order.
bool IsEpilogue(const Instruction& instruction);

}  // namespace ingot

#endif  // INGOT_PASSES_AROUND_DOTS_H_
