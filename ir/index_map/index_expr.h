// IndexExpr: an integer expression over the coordinates of an index.
#ifndef INGOT_IR_INDEX_MAP_INDEX_EXPR_H_
#define INGOT_IR_INDEX_MAP_INDEX_EXPR_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/types/span.h"

namespace ingot {

// An immutable integer expression over the coordinates d0, d1, … of an index.  A value: copies
// share their nodes.  Built only by the functions below, which fold constants; Simplify does more.
class IndexExpr {
 public:
  enum class Kind : uint8_t {
    kConstant,     // value()
    kDimension,    // coordinate number value()
    kAdd,          // lhs() + rhs()
    kMultiply,     // lhs() * value()
    kFloorDivide,  // floor(lhs() / value()), value() > 1
    kModulo,       // lhs() - value() * floor(lhs() / value()): never negative; value() > 1
  };

  static IndexExpr Constant(int64_t value);
  static IndexExpr Dimension(int64_t number);
  static IndexExpr Add(const IndexExpr& lhs, const IndexExpr& rhs);
  static IndexExpr Multiply(const IndexExpr& lhs, int64_t factor);
  // `divisor` > 0 (CHECKed), here and in Modulo.
  static IndexExpr FloorDivide(const IndexExpr& lhs, int64_t divisor);
  static IndexExpr Modulo(const IndexExpr& lhs, int64_t divisor);

  Kind kind() const { return node_->kind; }
  int64_t value() const { return node_->value; }
  const IndexExpr& lhs() const { return node_->operands[0]; }
  const IndexExpr& rhs() const { return node_->operands[1]; }
  bool IsConstant(int64_t value) const {
    return kind() == Kind::kConstant && node_->value == value;
  }

  // The expression's value at `index`.
  int64_t Evaluate(absl::Span<const int64_t> index) const;
  // Every coordinate d replaced by coordinates[d].
  IndexExpr Substitute(absl::Span<const IndexExpr> coordinates) const;
  bool DependsOn(int64_t dimension) const;
  // Nodes of the expression as a tree: what computing it costs.  At most kMaxNodes (saturates).
  int64_t NodeCount() const { return node_->count; }
  static constexpr int64_t kMaxNodes = int64_t{1} << 40;

  // "d0 * 4 + d1 mod 4 + (d2 + 1) floordiv 3"
  std::string ToString() const;
  // Same tree.  Equal values may have different trees; Simplify brings most to one.
  bool operator==(const IndexExpr& other) const { return Compare(*this, other) == 0; }
  // A total order of trees: <0, 0, >0.
  static int Compare(const IndexExpr& a, const IndexExpr& b);

 private:
  struct Node {
    Kind kind;
    int64_t value;
    std::vector<IndexExpr> operands;
    int64_t count;
  };
  static IndexExpr Make(Kind kind, int64_t value, std::vector<IndexExpr> operands);
  explicit IndexExpr(std::shared_ptr<const Node> node) : node_(std::move(node)) {}

  std::shared_ptr<const Node> node_;
};

// min ≤ value ≤ max.
struct IndexRange {
  int64_t min = 0;
  int64_t max = 0;
};
// Bounds of the expression for 0 ≤ d_k < sizes[k].  They hold, and need not be tight; a dimension
// of size 0 counts as of size 1.
IndexRange RangeOf(const IndexExpr& expr, absl::Span<const int64_t> sizes);

// The same value at every index 0 ≤ d_k < sizes[k], in fewer operations: sums are flattened and
// ordered, divisions and remainders that the ranges decide go away, (x floordiv m) * m + x mod m
// becomes x.
IndexExpr Simplify(const IndexExpr& expr, absl::Span<const int64_t> sizes);

// constant + Σ coefficient * atom; an atom is a coordinate, a division or a remainder.
struct IndexSum {
  struct Term {
    IndexExpr atom;
    int64_t coefficient;
  };
  std::vector<Term> terms;  // of different atoms, in the order of IndexExpr::Compare; none is 0
  int64_t constant = 0;
};
// The expression as a sum; what stands inside divisions and remainders is left as it is.
IndexSum SumOf(const IndexExpr& expr);
IndexExpr ExprOf(const IndexSum& sum);

// constant + Σ coefficients[k] * d_k.
struct AffineForm {
  std::vector<int64_t> coefficients;
  int64_t constant = 0;
};
// nullopt where a division or remainder is left in the expression.
std::optional<AffineForm> AsAffine(const IndexExpr& expr, int64_t rank);

}  // namespace ingot

#endif  // INGOT_IR_INDEX_MAP_INDEX_EXPR_H_
