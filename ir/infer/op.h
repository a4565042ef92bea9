// What the files of this folder share: an operation as inference sees it, and the checks that
// several kinds make.  Only ir/infer includes this.
#ifndef INGOT_IR_INFER_OP_H_
#define INGOT_IR_INFER_OP_H_

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "ir/attributes.h"
#include "ir/base/check.h"
#include "ir/base/shape.h"
#include "ir/base/status.h"
#include "ir/infer/infer.h"
#include "ir/module.h"
#include "ir/op_table.h"

namespace ingot::infer {

struct Op {
  Opcode opcode;
  absl::Span<const Shape* const> operands;
  const Attributes& all_attributes;
  absl::Span<const Computation* const> called;
  const Shape* stated;  // may be null

  absl::string_view name() const { return OpcodeName(opcode); }
  int64_t operand_count() const { return static_cast<int64_t>(operands.size()); }
  const Shape& operand(int64_t i) const { return *operands[i]; }
  template <typename T>
  const T& attributes() const {
    const T* value = std::get_if<T>(&all_attributes);
    INGOT_CHECK(value != nullptr) << name() << " has other attributes than given";
    return *value;
  }
};

// One function for each kind; the operand count of a fixed arity and the number of called
// computations have been checked.
absl::StatusOr<Shape> InferElementwise(const Op& op);
absl::StatusOr<Shape> InferDataMovement(const Op& op);
absl::StatusOr<Shape> InferReduction(const Op& op);
absl::StatusOr<Shape> InferContraction(const Op& op);
absl::StatusOr<Shape> InferIndexing(const Op& op);
absl::StatusOr<Shape> InferSorting(const Op& op);
absl::StatusOr<Shape> InferRandom(const Op& op);
absl::StatusOr<Shape> InferLinearAlgebra(const Op& op);
absl::StatusOr<Shape> InferStructure(const Op& op);
absl::StatusOr<Shape> InferControlFlow(const Op& op);
absl::StatusOr<Shape> InferCollective(const Op& op);
absl::StatusOr<Shape> InferExternal(const Op& op);

// Each kind's file is a table of rules (ir/op_table.h).
using Rule = OpRow<absl::StatusOr<Shape>(const Op& op)>;

// The rule of an op whose rule is not written.
absl::StatusOr<Shape> NotInferable(const Op& op);
// The stated shape; an error where there is none.  StatedArray: and it must be an array.
absl::StatusOr<Shape> Stated(const Op& op);
absl::StatusOr<Shape> StatedArray(const Op& op);

// ---- text

// "f32[2,3]", without layout.
std::string Text(const Shape& shape);
// "{0,2,1}"
std::string Text(absl::Span<const int64_t> values);
inline absl::string_view Text(ElementType type) { return ElementTypeName(type); }

// ---- checks

// The tuple of `shapes`, or the one shape, has no negative size; Unimplemented for a size without a
// bound; and no more than 2^16 parts: tuples share values, so a few ops can state a billion.
absl::Status RequireKnownSizes(absl::Span<const Shape* const> shapes);
// Every operand (RequireArray: operand `i`) is an array.
absl::Status RequireArrays(const Op& op);
absl::Status RequireArray(const Op& op, int64_t i);
// `dimension` is in [0, rank); `what` names the attribute.
absl::Status RequireDimension(absl::string_view what, int64_t dimension, int64_t rank);
// The values are in [0, rank), each at most once.
absl::Status RequireDistinctDimensions(absl::string_view what, absl::Span<const int64_t> dimensions,
                                       int64_t rank);
// The values are strictly ascending.
absl::Status RequireAscending(absl::string_view what, absl::Span<const int64_t> dimensions);
// Operand `i` is a scalar of an integer type.
absl::Status RequireScalarInteger(const Op& op, int64_t i);

// Both arrays, with the same sizes; element types may differ.
bool SameSizes(const Shape& a, const Shape& b);
// Elements of `from` may be reduced in `to`: the same type, or a wider one of its category.  (Mixed
// precision that HLO allows elsewhere occurs in no dump that we know of, and is refused so that
// nobody else has to think of it.)
bool TypesMix(ElementType from, ElementType to);

// ---- results

// An array with the sizes and "<=" marks of `shape`, and no layout.
Shape ArrayLike(const Shape& shape, ElementType type);

// Sizes are computed in 128 bits: products of two 64-bit values fit.
using Wide = __int128;
// `size` as a dimension: refused when it is negative or past 2^62; `what` names it.
absl::StatusOr<int64_t> ToSize(absl::string_view what, Wide size);

// How many positions a window has along each dimension of `base`.  Window constraints:
//   (W1) as many window dimensions as sizes;
//   (W2) size, stride, base_dilation, window_dilation are at least 1.
// Padding may be negative.  With n' = (n - 1) * base_dilation + 1 (0 for n = 0) and
// w' = (size - 1) * window_dilation + 1:  positions = max(0, (n' + low + high - w') / stride + 1).
absl::StatusOr<std::vector<int64_t>> WindowPositions(const Window& window,
                                                     absl::Span<const int64_t> base);

// ---- called computations

// Called computation `i`, which has a root and takes `parameters` parameters; `role` names it.
absl::StatusOr<const Computation*> CalledWith(const Op& op, int64_t i, absl::string_view role,
                                              int64_t parameters);
// Parameter `i` of `computation` is a scalar of `type`.
absl::Status RequireScalarParameter(const Computation& computation, int64_t i, ElementType type);
// The element types of a reducer of `inputs` (called computation 0) and its checks, for reduce,
// reduce-window and scatter:
//   (R1) it takes 2N parameters, N accumulators then N inputs, all scalars;
//   (R2) it returns a scalar (N = 1) or a tuple of N scalars, the new accumulators;
//   (R3) the type of each accumulator parameter is the result's, and each input mixes with its
//        parameter (TypesMix).
absl::StatusOr<std::vector<ElementType>> ReducerTypes(const Op& op,
                                                      absl::Span<const ElementType> inputs);

// N = 1: the array; otherwise the tuple of them.
Shape OneOrTuple(std::vector<Shape> shapes);

}  // namespace ingot::infer

#endif  // INGOT_IR_INFER_OP_H_
