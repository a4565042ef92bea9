// Lanes: how the elements of a vector lie in the array that they are elements of.
#ifndef INGOT_COMPILER_PLAN_LANES_H_
#define INGOT_COMPILER_PLAN_LANES_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "ir/index_map/index_map.h"
#include "ir/instruction.h"

namespace ingot::plan {

// Lane l is the element whose coordinate `dim` is l * stride more than lane 0's; with dim < 0 and
// count > 1 ("flat") it is the element whose row-major number is l more.
struct Lanes {
  int count = 1;
  int dim = -1;
  int64_t stride = 1;
  // Lane 0's coordinate (flat: row-major number) is known to be a multiple of this.
  int64_t align = 1;

  bool flat() const { return count > 1 && dim < 0; }
  bool operator==(const Lanes&) const = default;
};

// What is known of a coordinate that no lane changes: a multiple of everything that matters.
inline constexpr int64_t kAnyAlign = int64_t{1} << 20;

// `lanes` of an array of these dimensions, along one of them; nullopt for flat lanes that go over
// several dimensions.
std::optional<Lanes> LanesAlongDimension(const Lanes& lanes, absl::Span<const int64_t> dimensions);

// The lanes of map(index) for an index with `lanes`, which are not flat; count is 1 when all lanes
// read one element.  nullopt when the lanes do not lie evenly along one dimension, or when some
// lanes are in the map's domain and some may not be.
std::optional<Lanes> MapLanes(const IndexMap& map, const Lanes& lanes);

// With which lanes each operand is read when `lanes` of the result are computed (of every result,
// where there are several: they have the same dimensions); nullopt when the lanes must be computed
// one by one.  Scalars, and operands that all lanes read at one place, have one lane.  For a
// reduction or contraction: its operands at one step of the accumulation.
std::optional<std::vector<Lanes>> OperandLanes(const Instruction& instruction, const Lanes& lanes);

// With which lanes each operand is read when one element of the result is computed, `count` steps
// of the innermost accumulation at a time; nullopt when the op does not accumulate, or its order is
// not ours to choose.
std::optional<std::vector<Lanes>> InnerLanes(const Instruction& instruction, int count);

// Where the op is a concatenate along the last dimension of operands that have one element each
// there, and the lanes are whole rows of it, side by side: the lanes of each operand, whose
// elements the result has by turns.  nullopt otherwise.
std::optional<Lanes> InterleavedLanes(const Instruction& instruction, const Lanes& lanes);

// Whether the op keeps the row-major order of the elements: copy, reshape, bitcast.
bool KeepsOrder(const Instruction& instruction);

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_LANES_H_
