#include "compiler/plan/joins.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>

#include "compiler/plan/analysis.h"

namespace ingot::plan {
namespace {

// What a value that goes into a reduction is made of, walked from the reduction to what does not
// depend on the level that the reference has.
class JoinFinder {
 public:
  explicit JoinFinder(const FusionInfo& info)
      : info_(info), levels_(info.graph().value_count(), 0) {}

  std::vector<Join> Run() {
    for (int v = graph().input_count(); v < graph().value_count(); ++v) {
      for (const FusionEdge& edge : graph().EdgesOf(v)) {
        levels_[v] = std::max(levels_[v], levels_[edge.operand]);
      }
      if (!IsReduction(info_, v)) continue;
      if (std::optional<Join> join = FindJoin(v)) {
        joins_.push_back(*join);
      } else {
        ++levels_[v];
      }
    }
    return std::move(joins_);
  }

 private:
  const FusionGraph& graph() const { return info_.graph(); }
  const Instruction& At(int value) const { return graph().value(value); }
  Opcode OpOf(int value) const { return At(value).opcode(); }

  bool IsJoined(int value) const {
    return std::any_of(joins_.begin(), joins_.end(),
                       [&](const Join& join) { return join.reduction == value; });
  }

  // The op of a reduction of one operand of real numbers; nothing for others.
  std::optional<Opcode> CombinerOf(int reduction) const {
    const Instruction& reduce = At(reduction);
    if (reduce.opcode() != Opcode::kReduce || reduce.operand_count() != 2) return std::nullopt;
    const ElementType type = reduce.shape().element_type();
    if (IsComplex(type) || reduce.to_apply()->root()->shape().element_type() != type) {
      return std::nullopt;
    }
    return SimpleCombiner(*reduce.to_apply());
  }

  // What `value` reads as operand `k` at the same point of the space; -1 where it reads elsewhere.
  int Source(int value, int k) const {
    const EdgeAccess& access = info_.space().AccessOf(graph().FirstEdgeOf(value) + k);
    return access.access == Access::kInSpace ? access.source : -1;
  }

  bool IsMove(int value) const {
    return !graph().IsInput(value) && At(value).kind() == OpKind::kDataMovement &&
           At(value).operand_count() == 1 && OpOf(value) != Opcode::kBitcastConvert &&
           Source(value, 0) >= 0;
  }
  bool IsFloatConvert(int value) const {
    return !graph().IsInput(value) && OpOf(value) == Opcode::kConvert &&
           IsFloat(At(value).shape().element_type()) &&
           IsFloat(At(value).operand(0)->shape().element_type()) && Source(value, 0) >= 0;
  }
  int BehindMoves(int value) const {
    while (value >= 0 && IsMove(value)) value = Source(value, 0);
    return value;
  }
  int BehindConverts(int value) const {
    while (value >= 0 && (IsMove(value) || IsFloatConvert(value))) value = Source(value, 0);
    return value;
  }
  // Behind conversions that change no value.
  int BehindExactConverts(int value) const {
    const auto is_exact = [&](int v) {
      return IsFloatConvert(v) && BitWidth(At(v).shape().element_type()) >
                                      BitWidth(At(v).operand(0)->shape().element_type());
    };
    while (value >= 0 && (IsMove(value) || is_exact(value))) value = Source(value, 0);
    return value;
  }

  // The number that all elements of a value are.
  std::optional<double> NumberOf(int value) const {
    value = BehindConverts(value);
    if (value < 0 || OpOf(value) != Opcode::kConstant) return std::nullopt;
    const Literal& literal = At(value).literal();
    const bool one = !literal.is_elided() && literal.size() > 0 && literal.IsSplat();
    if (!one || IsComplex(literal.shape().element_type())) return std::nullopt;
    return literal.AsDouble(0);
  }

  // Whether a value is one for all that is reduced.
  bool IsNarrow(int value) const {
    const absl::Span<const int> own = info_.space().ClassesOf(value);
    return std::none_of(own.begin(), own.end(),
                        [&](int c) { return info_.space().classes()[c].reduced; });
  }

  // The only reduction of level `level` that a narrow value depends on, or -1.
  int BaseOf(int reference, int level) const {
    int base = -1;
    std::vector<bool> seen(graph().value_count(), false);
    std::vector<int> left = {reference};
    while (!left.empty()) {
      const int value = left.back();
      left.pop_back();
      if (seen[value] || levels_[value] < level) continue;
      seen[value] = true;
      if (IsReduction(info_, value)) {
        if (base >= 0) return -1;
        base = value;
        continue;
      }
      for (const FusionEdge& edge : graph().EdgesOf(value)) left.push_back(edge.operand);
    }
    return base >= 0 && !IsJoined(base) ? base : -1;
  }

  // Operand `k` of `value`, where its other operand does not depend on level `level` and it does;
  // -1 where that is not so.
  int Dependent(int value, int k, int level) const {
    const int own = Source(value, k);
    const int other = Source(value, 1 - k);
    return own >= 0 && other >= 0 && levels_[own] == level && levels_[other] < level ? own : -1;
  }

  std::optional<Join> FindJoin(int reduction) const {
    const std::optional<Opcode> combiner = CombinerOf(reduction);
    const int level = levels_[reduction];
    if (!combiner.has_value() || level == 0) return std::nullopt;
    const int term = Source(reduction, 0);
    if (term < 0 || levels_[term] != level) return std::nullopt;
    std::optional<Join> join = FindTies(term, *combiner, level);
    if (!join.has_value() && *combiner == Opcode::kAdd &&
        IsFloat(At(reduction).shape().element_type())) {
      join = FindSquares(term, level);
      if (!join.has_value()) join = FindExponentials(term, level);
    }
    if (join.has_value()) join->reduction = reduction;
    return join;
  }

  // The reference of `op`, a subtraction or comparison: which operand it is, narrow behind moves.
  // `same`: whether the other one is, as far as it matters, what the base reduces.
  std::optional<Join> FindReference(int op, int level, absl::Span<const Opcode> combiners,
                                    const std::function<bool(int term, int reduced)>& same) const {
    for (int k : {0, 1}) {
      const int reference = Dependent(op, k, level);
      if (reference < 0) continue;
      const int narrow = BehindMoves(reference);
      if (narrow < 0 || !IsNarrow(narrow)) continue;
      const int base = BaseOf(narrow, level);
      if (base < 0) continue;
      const std::optional<Opcode> combiner = CombinerOf(base);
      if (!combiner.has_value() ||
          std::find(combiners.begin(), combiners.end(), *combiner) == combiners.end()) {
        continue;
      }
      const int term = Source(op, 1 - k);
      const int reduced = Source(base, 0);
      if (reduced < 0 || !same(term, reduced)) continue;
      Join join;
      join.base = base;
      join.reference = reference;
      return join;
    }
    return std::nullopt;
  }

  // select(mask, x, number), or with the number first.
  struct Masked {
    int x = -1;
    int mask = -1;
    int operand = 0;  // that x is
    double number = 0;
  };
  std::optional<Masked> MaskOf(int value) const {
    if (value < 0 || graph().IsInput(value) || OpOf(value) != Opcode::kSelect) return std::nullopt;
    for (int k : {1, 2}) {
      const std::optional<double> number = NumberOf(Source(value, 3 - k));
      if (!number.has_value() || Source(value, k) < 0) continue;
      return Masked{Source(value, k), BehindMoves(Source(value, 0)), k, *number};
    }
    return std::nullopt;
  }

  // Whether a value is the base's, or one that does not depend on it where that is larger or the
  // base is not finite: a term that is small relative to the base is not larger relative to it.
  bool StandsFor(int value, int base) const {
    value = BehindConverts(value);
    if (value < 0 || value == base) return value == base;
    if (graph().IsInput(value)) return false;
    const auto is_free = [&](int k) {
      const int other = Source(value, k);
      return other >= 0 && levels_[other] < levels_[value];
    };
    const auto stands = [&](int k) { return StandsFor(Source(value, k), base); };
    if (OpOf(value) == Opcode::kMaximum) {
      return (stands(0) && is_free(1)) || (stands(1) && is_free(0));
    }
    if (OpOf(value) != Opcode::kSelect || !stands(1) || !is_free(2)) return false;
    const int mask = BehindMoves(Source(value, 0));
    return mask >= 0 && !graph().IsInput(mask) && OpOf(mask) == Opcode::kIsFinite &&
           StandsFor(Source(mask, 0), base);
  }

  std::optional<Join> FindExponentials(int term, int level) const {
    // Down to the exponential, through what is linear.
    std::optional<Masked> masked;
    while (term >= 0 && !graph().IsInput(term) && OpOf(term) != Opcode::kExp) {
      if (OpOf(term) == Opcode::kSelect) masked = MaskOf(term);
      term = LinearIn(term, level);
    }
    if (term < 0 || graph().IsInput(term)) return std::nullopt;
    // Down to the difference.
    double scale = 1;
    int exponent = Source(term, 0);
    while (exponent >= 0 && !graph().IsInput(exponent) && OpOf(exponent) != Opcode::kSubtract) {
      if (IsMove(exponent) || IsFloatConvert(exponent)) {
        exponent = Source(exponent, 0);
        continue;
      }
      const bool divides = OpOf(exponent) == Opcode::kDivide;
      if (OpOf(exponent) != Opcode::kMultiply && !divides) return std::nullopt;
      int next = Dependent(exponent, 0, level);
      std::optional<double> factor;
      if (next >= 0) {
        factor = NumberOf(Source(exponent, 1));
      } else if (!divides) {
        next = Dependent(exponent, 1, level);
        if (next >= 0) factor = NumberOf(Source(exponent, 0));
      }
      if (!factor.has_value() || !(*factor > 0) || std::isinf(*factor)) return std::nullopt;
      scale = divides ? scale / *factor : scale * *factor;
      exponent = next;
    }
    if (exponent < 0 || graph().IsInput(exponent) || levels_[exponent] != level) {
      return std::nullopt;
    }
    // No term is larger than exp(0), for the reference is the largest x that goes into a term: both
    // have the same mask, or none.
    std::optional<Join> join =
        FindReference(exponent, level, {Opcode::kMaximum}, [&](int x, int reduced) {
          const int own = BehindConverts(x);
          if (own == BehindConverts(reduced)) return !masked.has_value();
          const std::optional<Masked> other = MaskOf(BehindConverts(reduced));
          return other.has_value() && masked.has_value() && own == BehindConverts(other->x) &&
                 other->mask >= 0 && other->mask == masked->mask &&
                 other->operand == masked->operand &&
                 other->number < std::numeric_limits<double>::infinity();
        });
    if (!join.has_value() || !StandsFor(join->reference, join->base)) return std::nullopt;
    // s is a number of the type that the difference has.
    if (!std::isnormal(static_cast<float>(scale))) return std::nullopt;
    // x - G, not G - x.
    if (Source(exponent, 1) != join->reference) return std::nullopt;
    // Where the mask leaves nothing of a row, its sum is 0: 0 · exp(s · (r - G)) must not be NaN.
    const int guard = BehindConverts(join->reference);
    if (masked.has_value() && (guard < 0 || OpOf(guard) != Opcode::kSelect)) return std::nullopt;
    join->rule = JoinRule::kExponentials;
    join->scale = scale;
    return join;
  }

  // The operand that `value` is, or its negative, or 0 in its place; -1 for other values.  A factor
  // may overflow beside a term that is only small once the largest x is known.
  int LinearIn(int value, int level) const {
    if (IsMove(value) || IsFloatConvert(value)) return Source(value, 0);
    if (OpOf(value) == Opcode::kNegate) return Source(value, 0);
    if (OpOf(value) != Opcode::kSelect) return -1;
    const std::optional<Masked> masked = MaskOf(value);
    const bool is_linear = masked.has_value() && masked->number == 0 && masked->mask >= 0 &&
                           levels_[masked->mask] < level;
    return is_linear ? masked->x : -1;
  }

  std::optional<Join> FindSquares(int term, int level) const {
    term = BehindConverts(term);
    if (term < 0 || graph().IsInput(term)) return std::nullopt;
    const bool product = OpOf(term) == Opcode::kMultiply && Source(term, 0) == Source(term, 1);
    const bool power =
        OpOf(term) == Opcode::kPower && Source(term, 1) >= 0 && NumberOf(Source(term, 1)) == 2.0;
    if (!product && !power) return std::nullopt;
    const int difference = BehindExactConverts(Source(term, 0));
    if (difference < 0 || graph().IsInput(difference) || OpOf(difference) != Opcode::kSubtract) {
      return std::nullopt;
    }
    std::optional<Join> join = FindReference(
        difference, level, {Opcode::kAdd},
        [&](int x, int reduced) { return BehindExactConverts(x) == BehindExactConverts(reduced); });
    if (join.has_value()) join->rule = JoinRule::kSquares;
    return join;
  }

  // What changes no value of the type under the combiner; NaN: no double is that.
  static double NeutralOf(Opcode combiner, ElementType type) {
    if (combiner == Opcode::kAdd || (combiner == Opcode::kOr && !IsFloat(type))) return 0;
    const double infinity = std::numeric_limits<double>::infinity();
    if (IsFloat(type)) return combiner == Opcode::kMaximum ? -infinity : infinity;
    if (BitWidth(type) > 32) return std::nan("");
    if (type == ElementType::kPred) return combiner == Opcode::kMaximum ? 0 : 1;
    const double values = std::ldexp(1.0, BitWidth(type));
    if (combiner == Opcode::kAnd) return IsSigned(type) ? -1 : values - 1;
    const double least = IsSigned(type) ? -values / 2 : 0;
    return combiner == Opcode::kMaximum ? least : least + values - 1;
  }

  // select(x = G, value, constant), or x = G as a number.
  std::optional<Join> FindTies(int term, Opcode combiner, int level) const {
    constexpr Opcode kIdempotent[] = {Opcode::kMaximum, Opcode::kMinimum, Opcode::kAnd,
                                      Opcode::kOr};
    const bool idempotent = std::find(std::begin(kIdempotent), std::end(kIdempotent), combiner) !=
                            std::end(kIdempotent);
    if (!idempotent && combiner != Opcode::kAdd) return std::nullopt;
    term = BehindMoves(term);
    if (term < 0 || graph().IsInput(term)) return std::nullopt;
    const bool selects = OpOf(term) == Opcode::kSelect;
    // As a number, where there is no tie it is 0.
    if (!selects && (OpOf(term) != Opcode::kConvert || combiner != Opcode::kAdd)) {
      return std::nullopt;
    }
    const int mask = BehindMoves(Source(term, 0));
    if (mask < 0 || graph().IsInput(mask) || OpOf(mask) != Opcode::kCompare) return std::nullopt;
    const auto& compare = At(mask).attributes<CompareAttributes>();
    if (compare.direction != ComparisonDirection::kEq || compare.order == ComparisonOrder::kTotal ||
        compare.type == ComparisonType::kTotalOrder) {
      return std::nullopt;
    }
    int otherwise = -1;
    if (selects) {
      const int value = Source(term, 1);
      otherwise = BehindMoves(Source(term, 2));
      if (value < 0 || levels_[value] >= level || otherwise < 0) return std::nullopt;
      const std::optional<double> number = NumberOf(otherwise);
      if (!number.has_value() || !At(otherwise).shape().IsScalar()) return std::nullopt;
      // Parts without elements have it too.
      if (*number != NeutralOf(combiner, At(otherwise).shape().element_type())) {
        return std::nullopt;
      }
    }
    constexpr Opcode kExtremes[] = {Opcode::kMaximum, Opcode::kMinimum};
    std::optional<Join> join = FindReference(mask, level, kExtremes, [&](int x, int reduced) {
      return BehindMoves(x) == BehindMoves(reduced);
    });
    // The reference is the base itself.
    if (!join.has_value() || BehindMoves(join->reference) != join->base) return std::nullopt;
    join->rule = JoinRule::kTies;
    join->otherwise = otherwise;
    return join;
  }

  const FusionInfo& info_;
  std::vector<int> levels_;  // PassLevels', as far as the walk is
  std::vector<Join> joins_;
};

}  // namespace

std::vector<Join> FindJoins(const FusionInfo& info) { return JoinFinder(info).Run(); }

bool IsReduction(const FusionInfo& info, int value) {
  return std::any_of(info.reductions().begin(), info.reductions().end(),
                     [&](const Reduction& reduction) { return reduction.value == value; });
}

std::vector<int> CountedBases(const std::vector<Join>& joins) {
  std::vector<int> bases;
  for (const Join& join : joins) {
    if (join.rule == JoinRule::kSquares &&
        std::find(bases.begin(), bases.end(), join.base) == bases.end()) {
      bases.push_back(join.base);
    }
  }
  return bases;
}

}  // namespace ingot::plan
