#include "ir/index_map/index_expr.h"

#include <algorithm>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "ir/base/check.h"

namespace ingot {
namespace {

using Kind = IndexExpr::Kind;

int64_t FloorDivideInt(int64_t a, int64_t b) {
  const int64_t quotient = a / b;
  return quotient - (a % b < 0 ? 1 : 0);
}
int64_t ModuloInt(int64_t a, int64_t b) { return a - b * FloorDivideInt(a, b); }

}  // namespace

// ---- IndexExpr

IndexExpr IndexExpr::Make(Kind kind, int64_t value, std::vector<IndexExpr> operands) {
  int64_t count = 1;
  for (const IndexExpr& operand : operands) count += operand.NodeCount();
  return IndexExpr(std::make_shared<const Node>(
      Node{kind, value, std::move(operands), std::min(count, kMaxNodes)}));
}

IndexExpr IndexExpr::Constant(int64_t value) { return Make(Kind::kConstant, value, {}); }
IndexExpr IndexExpr::Dimension(int64_t number) { return Make(Kind::kDimension, number, {}); }

IndexExpr IndexExpr::Add(const IndexExpr& lhs, const IndexExpr& rhs) {
  if (lhs.kind() == Kind::kConstant && rhs.kind() == Kind::kConstant) {
    return Constant(lhs.value() + rhs.value());
  }
  if (lhs.IsConstant(0)) return rhs;
  if (rhs.IsConstant(0)) return lhs;
  return Make(Kind::kAdd, 0, {lhs, rhs});
}

IndexExpr IndexExpr::Multiply(const IndexExpr& lhs, int64_t factor) {
  if (lhs.kind() == Kind::kConstant) return Constant(lhs.value() * factor);
  if (factor == 0) return Constant(0);
  if (factor == 1) return lhs;
  return Make(Kind::kMultiply, factor, {lhs});
}

IndexExpr IndexExpr::FloorDivide(const IndexExpr& lhs, int64_t divisor) {
  INGOT_CHECK(divisor > 0) << lhs.ToString() << " floordiv " << divisor;
  if (lhs.kind() == Kind::kConstant) return Constant(FloorDivideInt(lhs.value(), divisor));
  if (divisor == 1) return lhs;
  return Make(Kind::kFloorDivide, divisor, {lhs});
}

IndexExpr IndexExpr::Modulo(const IndexExpr& lhs, int64_t divisor) {
  INGOT_CHECK(divisor > 0) << lhs.ToString() << " mod " << divisor;
  if (lhs.kind() == Kind::kConstant) return Constant(ModuloInt(lhs.value(), divisor));
  if (divisor == 1) return Constant(0);
  return Make(Kind::kModulo, divisor, {lhs});
}

int64_t IndexExpr::Evaluate(absl::Span<const int64_t> index) const {
  switch (kind()) {
    case Kind::kConstant:
      return value();
    case Kind::kDimension:
      return index[value()];
    case Kind::kAdd:
      return lhs().Evaluate(index) + rhs().Evaluate(index);
    case Kind::kMultiply:
      return lhs().Evaluate(index) * value();
    case Kind::kFloorDivide:
      return FloorDivideInt(lhs().Evaluate(index), value());
    case Kind::kModulo:
      return ModuloInt(lhs().Evaluate(index), value());
  }
  return 0;
}

IndexExpr IndexExpr::Substitute(absl::Span<const IndexExpr> coordinates) const {
  switch (kind()) {
    case Kind::kConstant:
      return *this;
    case Kind::kDimension:
      return coordinates[value()];
    case Kind::kAdd:
      return Add(lhs().Substitute(coordinates), rhs().Substitute(coordinates));
    case Kind::kMultiply:
      return Multiply(lhs().Substitute(coordinates), value());
    case Kind::kFloorDivide:
      return FloorDivide(lhs().Substitute(coordinates), value());
    case Kind::kModulo:
      return Modulo(lhs().Substitute(coordinates), value());
  }
  return *this;
}

bool IndexExpr::DependsOn(int64_t dimension) const {
  if (kind() == Kind::kDimension) return value() == dimension;
  return std::any_of(node_->operands.begin(), node_->operands.end(),
                     [&](const IndexExpr& operand) { return operand.DependsOn(dimension); });
}

std::string IndexExpr::ToString() const {
  const auto factor = [](const IndexExpr& e) {
    return e.kind() == Kind::kConstant || e.kind() == Kind::kDimension
               ? e.ToString()
               : absl::StrCat("(", e.ToString(), ")");
  };
  switch (kind()) {
    case Kind::kConstant:
      return absl::StrCat(value());
    case Kind::kDimension:
      return absl::StrCat("d", value());
    case Kind::kAdd:
      if (rhs().kind() == Kind::kConstant && rhs().value() < 0) {
        return absl::StrCat(lhs().ToString(), " - ", -rhs().value());
      }
      return absl::StrCat(lhs().ToString(), " + ", rhs().ToString());
    case Kind::kMultiply:
      return absl::StrCat(factor(lhs()), " * ", value());
    case Kind::kFloorDivide:
      return absl::StrCat(factor(lhs()), " floordiv ", value());
    case Kind::kModulo:
      return absl::StrCat(factor(lhs()), " mod ", value());
  }
  return "";
}

int IndexExpr::Compare(const IndexExpr& a, const IndexExpr& b) {
  if (a.node_ == b.node_) return 0;
  if (a.kind() != b.kind()) return a.kind() < b.kind() ? -1 : 1;
  for (size_t i = 0; i < a.node_->operands.size(); ++i) {
    const int order = Compare(a.node_->operands[i], b.node_->operands[i]);
    if (order != 0) return order;
  }
  if (a.value() != b.value()) return a.value() < b.value() ? -1 : 1;
  return 0;
}

IndexRange RangeOf(const IndexExpr& expr, absl::Span<const int64_t> sizes) {
  switch (expr.kind()) {
    case Kind::kConstant:
      return {expr.value(), expr.value()};
    case Kind::kDimension:
      return {0, std::max<int64_t>(sizes[expr.value()] - 1, 0)};
    case Kind::kAdd: {
      const IndexRange a = RangeOf(expr.lhs(), sizes), b = RangeOf(expr.rhs(), sizes);
      return {a.min + b.min, a.max + b.max};
    }
    case Kind::kMultiply: {
      const IndexRange a = RangeOf(expr.lhs(), sizes);
      if (expr.value() < 0) return {a.max * expr.value(), a.min * expr.value()};
      return {a.min * expr.value(), a.max * expr.value()};
    }
    case Kind::kFloorDivide: {
      const IndexRange a = RangeOf(expr.lhs(), sizes);
      return {FloorDivideInt(a.min, expr.value()), FloorDivideInt(a.max, expr.value())};
    }
    case Kind::kModulo: {
      const IndexRange a = RangeOf(expr.lhs(), sizes);
      const int64_t block = FloorDivideInt(a.min, expr.value());
      if (block != FloorDivideInt(a.max, expr.value())) return {0, expr.value() - 1};
      return {a.min - block * expr.value(), a.max - block * expr.value()};
    }
  }
  return {};
}

// ---- sums

namespace {

void AddTerm(IndexSum& sum, const IndexExpr& atom, int64_t coefficient) {
  const auto at = std::lower_bound(sum.terms.begin(), sum.terms.end(), atom,
                                   [](const IndexSum::Term& term, const IndexExpr& value) {
                                     return IndexExpr::Compare(term.atom, value) < 0;
                                   });
  if (at == sum.terms.end() || !(at->atom == atom)) {
    if (coefficient != 0) sum.terms.insert(at, {atom, coefficient});
    return;
  }
  at->coefficient += coefficient;
  if (at->coefficient == 0) sum.terms.erase(at);
}

// sum += factor * other
void AddSum(IndexSum& sum, const IndexSum& other, int64_t factor) {
  for (const IndexSum::Term& term : other.terms) {
    AddTerm(sum, term.atom, term.coefficient * factor);
  }
  sum.constant += other.constant * factor;
}

IndexSum Atom(const IndexExpr& atom) { return IndexSum{{{atom, 1}}, 0}; }
IndexSum ConstantSum(int64_t value) { return IndexSum{{}, value}; }

// The rules of Simplify.  Every function takes and returns sums that are simplified.
class Simplifier {
 public:
  explicit Simplifier(absl::Span<const int64_t> sizes) : sizes_(sizes) {}

  IndexSum Run(const IndexExpr& expr) const {
    switch (expr.kind()) {
      case Kind::kConstant:
        return ConstantSum(expr.value());
      case Kind::kDimension:
        return sizes_[expr.value()] <= 1 ? ConstantSum(0) : Atom(expr);
      case Kind::kAdd: {
        IndexSum sum = Run(expr.lhs());
        AddSum(sum, Run(expr.rhs()), 1);
        return Recombine(std::move(sum));
      }
      case Kind::kMultiply: {
        IndexSum sum;
        AddSum(sum, Run(expr.lhs()), expr.value());
        return sum;
      }
      case Kind::kFloorDivide:
        return Quotient(Run(expr.lhs()), expr.value());
      case Kind::kModulo:
        return Modulo(Run(expr.lhs()), expr.value());
    }
    return {};
  }

 private:
  struct Division {
    IndexSum quotient;
    IndexSum remainder;
  };

  IndexRange Range(const IndexSum& sum) const {
    IndexRange range{sum.constant, sum.constant};
    for (const IndexSum::Term& term : sum.terms) {
      const IndexRange of_term = RangeOf(IndexExpr::Multiply(term.atom, term.coefficient), sizes_);
      range.min += of_term.min;
      range.max += of_term.max;
    }
    return range;
  }

  enum class Take { kMultiples, kAll };

  // sum = quotient * divisor + remainder, the remainder's least value in [0, divisor): then a
  // remainder that stays below the divisor is the true one, and dividing it never sees a negative
  // number.  kMultiples takes only terms out that leave nothing behind: to take 20 * d out of
  // 24 * d saves no operation, and would hide from Recombine what belongs together.
  Division Split(const IndexSum& sum, int64_t divisor, Take take) const {
    Division result;
    for (const IndexSum::Term& term : sum.terms) {
      const bool whole = take == Take::kMultiples && term.coefficient % divisor != 0;
      const int64_t taken = whole ? 0 : term.coefficient / divisor;
      AddTerm(result.quotient, term.atom, taken);
      AddTerm(result.remainder, term.atom, term.coefficient - taken * divisor);
    }
    const int64_t least = Range(result.remainder).min + sum.constant;
    result.quotient.constant = FloorDivideInt(least, divisor);
    result.remainder.constant = sum.constant - result.quotient.constant * divisor;
    return result;
  }

  // As Split, either with a remainder in [0, divisor), `exact`, or with multiples taken out.
  Division BestSplit(const IndexSum& sum, int64_t divisor, bool& exact) const {
    Division split = Split(sum, divisor, Take::kAll);
    exact = Range(split.remainder).max < divisor;
    return exact ? split : Split(sum, divisor, Take::kMultiples);
  }

  // A factor g of divisor and a split sum = g * quotient + remainder with 0 ≤ remainder < g:
  //   sum floordiv divisor = quotient floordiv (divisor / g)
  //   sum mod divisor      = g * (quotient mod (divisor / g)) + remainder
  std::optional<std::pair<int64_t, Division>> CommonFactor(const IndexSum& sum,
                                                           int64_t divisor) const {
    for (const IndexSum::Term& candidate : sum.terms) {
      const int64_t g = std::gcd(candidate.coefficient, divisor);
      if (g == 1) continue;
      Division split = Split(sum, g, Take::kMultiples);
      if (Range(split.remainder).max < g) return std::make_pair(g, std::move(split));
    }
    return std::nullopt;
  }

  // rest floordiv divisor, where BestSplit has nothing left to take out.
  IndexSum DivideRest(const IndexSum& rest, int64_t divisor) const {
    if (const auto common = CommonFactor(rest, divisor)) {
      return Quotient(common->second.quotient, divisor / common->first);
    }
    for (const IndexSum::Term& term : rest.terms) {
      int64_t product;
      // (x floordiv a + y) floordiv b = (x + a * y) floordiv (a * b)
      if (term.atom.kind() == Kind::kFloorDivide && term.coefficient == 1 &&
          !__builtin_mul_overflow(term.atom.value(), divisor, &product)) {
        IndexSum others = rest;
        AddTerm(others, term.atom, -1);
        IndexSum sum = Run(term.atom.lhs());
        AddSum(sum, others, term.atom.value());
        return Quotient(Recombine(std::move(sum)), product);
      }
    }
    // (x mod (a * b)) floordiv b = (x floordiv b) mod a
    if (rest.terms.size() == 1 && rest.terms[0].coefficient == 1 && rest.constant == 0) {
      const IndexExpr& atom = rest.terms[0].atom;
      if (atom.kind() == Kind::kModulo && atom.value() % divisor == 0) {
        return Modulo(Quotient(Run(atom.lhs()), divisor), atom.value() / divisor);
      }
    }
    return Atom(IndexExpr::FloorDivide(ExprOf(rest), divisor));
  }

  IndexSum Quotient(const IndexSum& sum, int64_t divisor) const {
    bool exact;
    Division split = BestSplit(sum, divisor, exact);
    if (!exact) AddSum(split.quotient, DivideRest(split.remainder, divisor), 1);
    return Recombine(std::move(split.quotient));
  }

  IndexSum Modulo(const IndexSum& sum, int64_t divisor) const {
    bool exact;
    const IndexSum rest = BestSplit(sum, divisor, exact).remainder;
    return exact ? rest : ModuloRest(rest, divisor);
  }

  IndexSum ModuloRest(const IndexSum& rest, int64_t divisor) const {
    // c * (x mod a) = c * x modulo every divisor of c * a
    for (const IndexSum::Term& term : rest.terms) {
      int64_t period;
      if (term.atom.kind() != Kind::kModulo ||
          __builtin_mul_overflow(term.coefficient, term.atom.value(), &period) ||
          period % divisor != 0) {
        continue;
      }
      IndexSum sum = rest;
      AddTerm(sum, term.atom, -term.coefficient);
      AddSum(sum, Run(term.atom.lhs()), term.coefficient);
      return Modulo(Recombine(std::move(sum)), divisor);
    }
    if (const auto common = CommonFactor(rest, divisor)) {
      IndexSum sum = common->second.remainder;
      AddSum(sum, Modulo(common->second.quotient, divisor / common->first), common->first);
      return Recombine(std::move(sum));
    }
    return Atom(IndexExpr::Modulo(ExprOf(rest), divisor));
  }

  // c * (x mod m) + c * m * (x floordiv m)             → c * x
  // c * (x mod m) + c * m * ((x floordiv m + s) mod k) → c * ((x + m * s) mod (m * k))
  IndexSum Recombine(IndexSum sum) const {
    for (const IndexSum::Term& low : sum.terms) {
      int64_t coefficient;
      if (low.atom.kind() != Kind::kModulo ||
          __builtin_mul_overflow(low.coefficient, low.atom.value(), &coefficient)) {
        continue;
      }
      const IndexSum x = SumOf(low.atom.lhs());
      const IndexExpr quotient = ExprOf(DivideRest(x, low.atom.value()));
      for (const IndexSum::Term& high : sum.terms) {
        if (high.coefficient != coefficient) continue;
        const std::optional<IndexSum> both = Joined(x, low.atom.value(), quotient, high.atom);
        if (!both.has_value()) continue;
        IndexSum joined = sum;
        AddTerm(joined, low.atom, -low.coefficient);
        AddTerm(joined, high.atom, -coefficient);
        AddSum(joined, *both, low.coefficient);
        return Recombine(std::move(joined));
      }
    }
    return sum;
  }

  // x mod m + m * high, where high is `quotient` = x floordiv m, or (quotient + s) mod k.
  std::optional<IndexSum> Joined(const IndexSum& x, int64_t m, const IndexExpr& quotient,
                                 const IndexExpr& high) const {
    if (high == quotient) return x;
    int64_t product;
    if (high.kind() != Kind::kModulo || __builtin_mul_overflow(m, high.value(), &product)) {
      return std::nullopt;
    }
    IndexSum rest = SumOf(high.lhs());
    const bool has_quotient = std::any_of(
        rest.terms.begin(), rest.terms.end(),
        [&](const IndexSum::Term& term) { return term.coefficient == 1 && term.atom == quotient; });
    if (!has_quotient) return std::nullopt;
    AddTerm(rest, quotient, -1);
    IndexSum whole = x;
    AddSum(whole, rest, m);
    return Modulo(Recombine(std::move(whole)), product);
  }

  absl::Span<const int64_t> sizes_;
};

}  // namespace

IndexSum SumOf(const IndexExpr& expr) {
  IndexSum sum;
  switch (expr.kind()) {
    case Kind::kConstant:
      return ConstantSum(expr.value());
    case Kind::kAdd:
      sum = SumOf(expr.lhs());
      AddSum(sum, SumOf(expr.rhs()), 1);
      return sum;
    case Kind::kMultiply:
      AddSum(sum, SumOf(expr.lhs()), expr.value());
      return sum;
    case Kind::kDimension:
    case Kind::kFloorDivide:
    case Kind::kModulo:
      return Atom(expr);
  }
  return sum;
}

IndexExpr ExprOf(const IndexSum& sum) {
  IndexExpr result = IndexExpr::Constant(0);
  for (const IndexSum::Term& term : sum.terms) {
    result = IndexExpr::Add(result, IndexExpr::Multiply(term.atom, term.coefficient));
  }
  return IndexExpr::Add(result, IndexExpr::Constant(sum.constant));
}

IndexExpr Simplify(const IndexExpr& expr, absl::Span<const int64_t> sizes) {
  return ExprOf(Simplifier(sizes).Run(expr));
}

std::optional<AffineForm> AsAffine(const IndexExpr& expr, int64_t rank) {
  const IndexSum sum = SumOf(expr);
  AffineForm form{std::vector<int64_t>(rank, 0), sum.constant};
  for (const IndexSum::Term& term : sum.terms) {
    if (term.atom.kind() != Kind::kDimension) return std::nullopt;
    form.coefficients[term.atom.value()] = term.coefficient;
  }
  return form;
}

}  // namespace ingot
