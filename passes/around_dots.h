// What the kernel of a dot takes in besides the dot.
#ifndef INGOT_PASSES_AROUND_DOTS_H_
#define INGOT_PASSES_AROUND_DOTS_H_

#include <cstdint>
#include <vector>

#include "ir/module.h"
#include "passes/pass.h"

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
  // Linear in the instructions and their operands.  Convolutions without groups are dots too, where
  // the context tells what products cost: those with so small a result that a pass over it takes no
  // longer than a launch, and those whose result L2 does not hold and whose kernel takes less
  // longer, by its plans, for what follows than that would take.  They read nothing through, for
  // windows of what they read make addresses long.
  AroundDots(const Computation& computation, const PassContext& context);

  // Whether the instruction is a dot whose kernel may take in others.
  bool IsDot(const Instruction& instruction) const;
  // Whether every dot that asks for the value reads it through.
  bool IsReadThrough(const Instruction& instruction) const {
    return instruction.id() < static_cast<int64_t>(read_through_.size()) &&
           read_through_[instruction.id()];
  }

 private:
  bool enabled_ = false;
  std::vector<bool> read_through_, is_convolution_;  // by id; a convolution that is a dot
};

// Whether the op may stand between a dot and the result of its kernel: elementwise, or the same
// elements in another order.
bool IsEpilogue(const Instruction& instruction);

}  // namespace ingot

#endif  // INGOT_PASSES_AROUND_DOTS_H_
