// Facts about single instructions that fusion, plans and lowering ask for.
#ifndef INGOT_IR_ANALYSIS_OP_FACTS_H_
#define INGOT_IR_ANALYSIS_OP_FACTS_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "ir/index_map/index_map.h"
#include "ir/instruction.h"

namespace ingot {

// Whether each element of operand `operand` is read at most once for all elements of `consumer`, so
// that computing the operand in place repeats no work.
bool ReadsOnce(const Instruction& consumer, int64_t operand);

// Whether the value costs nothing to compute again and reads no memory: iota, constants of one
// value, and broadcasts, reshapes and conversions of such.
bool IsFree(const Instruction& instruction);
// A constant that is a scalar, or an array, not a large one, whose elements are all the same.
bool IsConstantOfOneValue(const Instruction& instruction);
// Whether the value is free if its operand is: one step of IsFree.
bool KeepsFree(const Instruction& instruction);

// Whether it is a dynamic-update-slice of so little that the rest had best stay where it is: a
// quarter of the elements at the most.
bool UpdatesFew(const Instruction& instruction);

// What an element of the result is made of.
enum class Accumulation : uint8_t {
  kNone,    // one element of each operand, or a few by an index that is data
  kReduce,  // reduce: all elements along the reduced dimensions
  kOpaque,  // many elements in a way that iteration spaces do not describe: windows, scans,
            // contractions, scatter, sorting, linear algebra, batch normalisation; and updates of
            // few elements
};
Accumulation AccumulationOf(const Instruction& instruction);

// The unit of a processor that does an operation.
enum class Unit : uint8_t { kAlu, kFma, kSpecial, kConversion, kMatrix };
inline constexpr int kUnitCount = 5;
absl::string_view UnitName(Unit unit);

// The unit that does the elementwise op, by its opcode and its operand's type: float sums and
// products are kFma; divisions, roots and elementary functions kSpecial; changes of type
// kConversion; the rest kAlu.  nullopt for an op that computes nothing (data movement, structure).
std::optional<Unit> UnitOf(const Instruction& instruction);

// About how many operations of a kernel compute one element of the instruction, its operands'
// aside: what elementary functions expand to and what called computations hold is counted, loops
// once. Saturates.
//
// Compiling a kernel takes more than linear time in its operations, so that what passes put into
// one fusion is bounded by the sum over its instructions: kMostCodeOfFusion, but for a single
// instruction that has more.
int64_t CodeSize(const Instruction& instruction);
inline constexpr int64_t kMostCodeOfFusion = 1000;

// Whether the shape is an array, or a tuple whose elements are arrays of the same dimensions, of
// bounded size.  Not so with more than 64 dimensions of sizes other than 1: only arrays of no
// elements have as many.
bool HasCommonDimensions(const Shape& shape);
// Those dimensions; empty where there are none.
absl::Span<const int64_t> CommonDimensions(const Shape& shape);
// Elements of CommonDimensions: 1 where there are none.  Saturates.
int64_t ElementsOf(const Shape& shape);
// Bytes that `elements` elements of CommonDimensions take, in all arrays of a tuple; of a shape
// that has no common dimensions, all bytes of its arrays of bounded size.  Saturates.
int64_t BytesOf(const Shape& shape, int64_t elements);

// Sums and products of counts: not negative, and at most INT64_MAX.
int64_t SaturatingAdd(int64_t a, int64_t b);
int64_t SaturatingMultiply(int64_t a, int64_t b);

// The dimensions of one operand of a dot that are no batch and not contracted, ascending: the order
// in which the result has them.
std::vector<int64_t> FreeDimensions(const Shape& operand, absl::Span<const int64_t> batch,
                                    absl::Span<const int64_t> contracting);

// Whether the parts of a row of a concatenate of fixed sizes are short, and its rows many.
bool HasShortPieces(const Instruction& concatenate);
// Whether kernels may copy the operands of a concatenate to their places: bytes of arrays of fixed
// sizes, none of which is free.  Of operands whose parts of a row are long there are few enough.
bool HasCopiedPieces(const Instruction& concatenate);

// Which element of operand `operand` an element of `consumer` is computed from.
//   data movement: IndexMapOf.
//   elementwise: the identity; a scalar operand has no coordinates.
//   reduce: from (coordinates of the result, coordinates along the reduced dimensions in ascending
//     order) to the operand's; an initial value has no coordinates.
// nullopt where the index is data, where an element needs many, and for dynamic shapes.
std::optional<IndexMap> ElementMapOf(const Instruction& consumer, int64_t operand);

}  // namespace ingot

#endif  // INGOT_IR_ANALYSIS_OP_FACTS_H_
