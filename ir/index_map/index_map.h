// IndexMap: which element of an operand an element of the result is.
//
// Every data movement op is a map from output index to input index: affine, with floor division and
// remainder where a reshape asks for them, and with conditions where the op is piecewise (pad,
// concatenate).  The evaluator, iteration spaces, access widths and code generation ask this value;
// for which dimensions stay the same, fusion asks ir/analysis/edge_relation.h, which is quicker.
#ifndef INGOT_IR_INDEX_MAP_INDEX_MAP_H_
#define INGOT_IR_INDEX_MAP_INDEX_MAP_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "ir/index_map/index_expr.h"
#include "ir/instruction.h"

namespace ingot {

// lower ≤ value < limit.
struct IndexCondition {
  IndexExpr value;
  int64_t lower;
  int64_t limit;
  bool Holds(absl::Span<const int64_t> index) const {
    const int64_t v = value.Evaluate(index);
    return lower <= v && v < limit;
  }
  bool operator==(const IndexCondition&) const = default;
};

// A map from indices 0 ≤ d_k < sizes[k] to indices of another array, one expression for each of its
// dimensions.  It is defined where all conditions hold; elsewhere the expressions mean nothing
// (they may be out of the array's bounds).
struct IndexMap {
  std::vector<int64_t> sizes;
  std::vector<IndexExpr> results;
  std::vector<IndexCondition> conditions;

  static IndexMap Identity(std::vector<int64_t> sizes);

  int64_t rank() const { return static_cast<int64_t>(sizes.size()); }
  bool IsTotal() const { return conditions.empty(); }
  bool IsIdentity() const;
  // The input index of output `index`; nullopt where the map is not defined.
  std::optional<std::vector<int64_t>> Evaluate(absl::Span<const int64_t> index) const;
  bool DependsOn(int64_t dimension) const;
  // Of all expressions, conditions included.
  int64_t NodeCount() const;

  // "(d0, d1)[8,3] -> (d1, d0 + 1) where 0 <= d0 - 2 < 5"
  std::string ToString() const;
  bool operator==(const IndexMap&) const = default;
};

// Where result index i of `instruction` reads operand number `operand`:
//   result[i] = operand k[map_k(i)], k the first operand whose map is defined at i.
// So broadcast, reshape, transpose, slice, reverse, copy, bitcast (through the layouts that the
// shapes state), and bitcast-convert between types of one width have one total map; concatenate's
// maps have a condition each; pad is operand 0 where the conditions hold, else operand 1, a scalar.
// Already simplified.  nullopt for every other op and for dynamic shapes.  `instruction` is one
// that the verifier lets pass.
std::optional<IndexMap> IndexMapOf(const Instruction& instruction, int64_t operand);

// The reshape from `output_sizes` to `input_sizes`, which have as many elements, both row-major.
IndexMap ReshapeMap(absl::Span<const int64_t> output_sizes, absl::Span<const int64_t> input_sizes);

// Compose(a, b)(i) = b(a(i)), defined where a is at i and b at a(i).  Simplified.
// a: output → middle; b: middle → input.  b.sizes are the sizes of the middle array.
// The cost of a chain of reshapes that do not cancel can grow with every one: ask NodeCount().
IndexMap Compose(const IndexMap& a, const IndexMap& b);

// Every expression simplified; conditions that always hold dropped.  Defined at the same indices,
// with the same values there.
IndexMap Simplify(const IndexMap& map);

// The address of map(i) in an array with these strides: Σ strides[k] * results[k], simplified.
IndexExpr AddressOf(const IndexMap& map, absl::Span<const int64_t> strides);

// The largest run r found for which: r divides the element count of the domain, and for every
// multiple m of r, the r indices with row-major numbers m … m + r - 1 are either all outside the
// map, or all inside and their addresses under `strides` are A, A + 1, …, A + r - 1.  At least 1.
// A vector access of any width that divides r is one contiguous access.
int64_t ContiguousRun(const IndexMap& map, absl::Span<const int64_t> strides);

}  // namespace ingot

#endif  // INGOT_IR_INDEX_MAP_INDEX_MAP_H_
