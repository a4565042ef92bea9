// Facts about single instructions that plans and lowering both need.
#ifndef INGOT_COMPILER_PLAN_ANALYSIS_H_
#define INGOT_COMPILER_PLAN_ANALYSIS_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/types/span.h"
#include "ir/analysis/fusion_view.h"
#include "ir/module.h"

namespace ingot::plan {

// The op of a computation that is one commutative op of its two scalar parameters.
std::optional<Opcode> SimpleCombiner(const Computation& computation);

bool Contains(absl::Span<const int> list, int value);

// Whether an element of the result at a place of a tile's space is made of the operands' elements
// at this place, as far as they are in space.  Other ops ask for operands by their indices.
bool KeepsPlaces(const Instruction& instruction);

// The type that arithmetic on `type` is done in before its result is rounded back: f32 for narrower
// floats, 8 bits for narrower integers, else the type itself.
ElementType ComputeType(ElementType type);

// The type in which products of a result of `type` are summed.
ElementType SumType(ElementType type);

// Whether a scan's order is free: it says that it is associative, what it carries is what it gives,
// and its elements can be shuffled between lanes.
bool IsAssociative(const Instruction& scan);

// A bound of the positions that a window op, a convolution or a pad computes, holes and padding
// included; 0 for other ops.  Saturates.
int64_t WindowReach(const Instruction& instruction);
// Positions up to this have sums and products of two that are 64-bit integers.
inline constexpr int64_t kMostReach = int64_t{1} << 61;

// One element of the base is never padding or a hole of a window op with `outputs` positions.
bool AlwaysInside(const WindowDimension& window, int64_t base, int64_t outputs);

// The dimensions of a scatter's operand.
struct ScatterDimensions {
  // Where an update's coordinate is the operand's, ascending: windows that no index moves, and
  // batching dimensions.  Different positions along them never touch the same element.
  std::vector<int64_t> owned;
  std::vector<int64_t> scattered;   // the others, ascending
  std::vector<int64_t> update_dim;  // for each dimension the window dimension of the updates, or -1
  std::vector<int64_t> window;      // and the window's size along it
  std::vector<int64_t> batch;       // sizes of the indices' dimensions, their vectors left out
};
ScatterDimensions ScatterDimensionsOf(const Instruction& scatter);

// The most elements that indices of type s32 reach: with room for the sums that address a window or
// a loop's end.
inline constexpr int64_t kMostNarrowOffset = int64_t{1} << 30;

// The type of indices into the instruction's result: s64 where an offset does not fit s32.
ElementType IndexTypeOf(const Instruction& instruction);
// Of all instructions of the fusion.
ElementType IndexTypeOf(const Computation& fusion);

// The sizes of these dimensions, in this order.
std::vector<int64_t> SizesOf(const Shape& shape, absl::Span<const int64_t> dimensions);

// A shape's arrays: the elements of a tuple, or the shape itself.
std::vector<Shape> Leaves(const Shape& shape);

// The arrays that the roots of a view are.
int ResultCount(const FusionView& view);

// Every value is an array of a known size, or a tuple of such: what kernels compute.
bool HasArraysOnly(const Computation& fusion);

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_ANALYSIS_H_
