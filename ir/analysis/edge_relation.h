// EdgeRelation: what an op says of the coordinates of its result and of an operand.
#ifndef INGOT_IR_ANALYSIS_EDGE_RELATION_H_
#define INGOT_IR_ANALYSIS_EDGE_RELATION_H_

#include <cstdint>
#include <vector>

#include "ir/instruction.h"

namespace ingot {

struct EdgeRelation {
  struct Pair {
    int consumer;
    int operand;
  };
  // Dimensions in which an element of the result and the element that it is made of have the same
  // coordinate.  Their sizes are equal.
  std::vector<Pair> same;
  // Dimensions of the operand of which an element of the result needs all coordinates, ascending.
  std::vector<int> accumulated;
  // Instead of `same`: the two elements have the same number, counted over the dimensions in these
  // orders, major to minor.
  bool same_number = false;
  std::vector<int> consumer_order;
  std::vector<int> operand_order;
  // Dimensions of the result that are no coordinate of the operand's: they choose, by data, where
  // to read, or do not matter.
  std::vector<int> choosing;
  // What is left open by the above is data, or many elements; if not, ElementMapOf says it.
  bool opaque = false;
  // Of edges that cannot all be in space, those with a smaller number come first.
  int priority = 0;
};

// Makes `relation`, whose storage is used again, that of operand `operand` of `consumer`, an
// instruction that the verifier lets pass.  An opaque relation may hold for no dimension at all.
void GetRelation(const Instruction& consumer, int64_t operand, EdgeRelation& relation);

}  // namespace ingot

#endif  // INGOT_IR_ANALYSIS_EDGE_RELATION_H_
