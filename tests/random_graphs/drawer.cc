#include "tests/random_graphs/drawer.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <utility>

#include "ir/base/float_bits.h"

namespace ingot::random_graphs {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr int kMostParameters = 10;
constexpr int64_t kMostConstantElements = 200;

// The least number above zero of a float type.
double SmallestStep(ElementType type) {
  const FloatFormat& format = FormatOf(type);
  return std::ldexp(1.0, 1 - format.bias - format.mantissa_bits);
}

// What the elements say of themselves.
Facts FactsOf(const Literal& literal) {
  const ElementType type = literal.shape().element_type();
  Facts facts{0, true, 0, true};
  for (int64_t i = 0; i < literal.size(); ++i) {
    const std::complex<double> element = literal.AsComplex(i);
    for (double x : {element.real(), element.imag()}) {
      facts.bound = std::isfinite(x) ? std::max(facts.bound, std::fabs(x)) : kInfinity;
      facts.whole = facts.whole && std::isfinite(x) && x == std::floor(x);
    }
  }
  return Rounded(facts, type);
}

}  // namespace

constexpr Drawer::Row Drawer::kRows[] = {
    {&Drawer::Unary, 4},
    {&Drawer::Binary, 6},
    {&Drawer::Compare, 2},
    {&Drawer::Select, 2},
    {&Drawer::Clamp, 1},
    {&Drawer::Convert, 3},
    {&Drawer::ReducePrecision, 1},
    {&Drawer::Complex, 1},
    {&Drawer::Map, 1},
    {&Drawer::BitcastConvert, 2},
    {&Drawer::Broadcast, 4},
    {&Drawer::Concatenate, 4},
    {&Drawer::Iota, 1},
    {&Drawer::Pad, 4},
    {&Drawer::Reshape, 4},
    {&Drawer::Reverse, 3},
    {&Drawer::Slice, 4},
    {&Drawer::Transpose, 4},
    {&Drawer::Copy, 1},
    {&Drawer::Reduce, 4},
    {&Drawer::ReduceMany, 2},
    {&Drawer::ReduceWindow, 2},
    {&Drawer::SelectAndScatter, 1},
    {&Drawer::Scan, 1},
    {&Drawer::Dot, 3},
    {&Drawer::Convolution, 2},
    {&Drawer::DynamicSlice, 3},
    {&Drawer::DynamicUpdateSlice, 3},
    {&Drawer::Gather, 3},
    {&Drawer::Scatter, 3},
    {&Drawer::Sort, 2},
    {&Drawer::TupleAndBarrier, 1},
    {&Drawer::While, 1},
    {&Drawer::Conditional, 1},
    {&Drawer::Call, 1},
};

void Drawer::Draw(int count) {
  static const int kTotal =
      std::accumulate(std::begin(kRows), std::end(kRows), 0,
                      [](int sum, const Row& row) { return sum + row.weight; });
  if (!b_.status().ok()) return;
  if (pool_.empty()) Any();
  // An op that does not suit the drawn value is drawn again, a bounded number of times.
  for (int tries = 20 * count; count > 0 && tries > 0 && b_.status().ok(); --tries) {
    int64_t at = Below(kTotal);
    const Row* row = kRows;
    while (at >= row->weight) at -= (row++)->weight;
    if ((this->*row->op)()) --count;
  }
}

size_t Drawer::DrawPair(uint64_t number) {
  const Op first = kRows[number % std::size(kRows)].op;
  const Op second = kRows[number / std::size(kRows) % std::size(kRows)].op;
  for (int tries = 0; tries < 100 && b_.status().ok(); ++tries) {
    // What most ops suit, where the values so far do not.
    if (tries % 10 == 9) Fresh(ElementType::kF32, SomeSizes(1 + Below(4)));
    if (!(this->*first)()) continue;
    under_ = pool_.back();
    bool done = false;
    for (int i = 0; i < 20 && !done && b_.status().ok(); ++i) done = (this->*second)();
    under_.reset();
    if (done) break;
  }
  return pool_.size() - 1;
}

Sizes Drawer::Permutation(int64_t n) {
  Sizes order(n);
  std::iota(order.begin(), order.end(), 0);
  for (int64_t i = n - 1; i > 0; --i) std::swap(order[i], order[Below(i + 1)]);
  return order;
}

Sizes Drawer::Subset(int64_t n) {
  Sizes subset;
  for (int64_t i = 0; i < n; ++i) {
    if (OneIn(2)) subset.push_back(i);
  }
  return subset;
}

bool Drawer::Fits(const Sizes& sizes) const {
  const std::optional<int64_t> count = CheckedProduct(sizes);
  return count.has_value() && *count <= style_.options.max_elements;
}

Sizes Drawer::SomeSizes(int64_t rank) {
  Sizes sizes;
  for (int64_t i = 0; i < rank; ++i) {
    sizes.push_back(Size());
    if (!Fits(sizes)) sizes.back() = 1;
  }
  return sizes;
}

bool Drawer::Add(Value value, Facts facts) {
  if (!value.ok() || !Fits(value.shape().dimensions())) return false;
  const ElementType type = value.element_type();
  // An absolute error says nothing of powers of two.
  const bool powers = IsFloat(type) && FormatOf(type).specials == FloatSpecials::kExponent;
  if (facts.error > 0 && powers) return false;
  facts = Rounded(facts, type);
  if (facts.error > 0 && facts.bound == kInfinity) return false;
  pool_.push_back({value, facts});
  return true;
}

Known Drawer::Any() {
  if (under_.has_value()) return *under_;
  if (pool_.empty()) {
    static constexpr int64_t kRanks[] = {0, 1, 1, 2, 2, 2, 3, 3, 4, 5, 6};
    return Fresh(OneOf(style_.types), SomeSizes(OneOf(kRanks)));
  }
  const int64_t count = static_cast<int64_t>(pool_.size());
  const int64_t newest = OneIn(3) ? count : std::min<int64_t>(count, 4);
  return pool_[count - 1 - Below(newest)];
}

Known Drawer::Constant(ElementType type, double value) {
  const Literal literal = Literal::Scalar(type, value);
  return {b_.Constant(literal), FactsOf(literal)};
}

Literal Drawer::RandomLiteral(ElementType type, const Sizes& sizes, bool whole, Facts* facts) {
  Literal literal = Literal::Zeros(Shape::Array(type, sizes)).value();
  const ElementType component = ComponentType(type);
  const int64_t kind = whole ? 0 : Below(4);
  const auto number = [&]() -> double {
    const double small = static_cast<double>(Below(17) - 8);
    if (kind <= 1) return small;
    if (kind == 2) return small / 4;
    static constexpr double kSpecials[] = {
        0.0,  -0.0,   1.0,       -1.0,       0.5,
        2.5,  -1.5,   kInfinity, -kInfinity, std::numeric_limits<double>::quiet_NaN(),
        1e30, -1e-30, 1e-40,     65504,      3e38,
        448};
    if (OneIn(2)) return kSpecials[Below(std::size(kSpecials))];
    return DecodeFloat(FormatOf(ElementType::kF32), random_() & 0xffffffff);
  };
  for (int64_t i = 0; i < literal.size(); ++i) {
    if (IsComplex(type)) {
      // Infinite components are multiplied in as many ways as there are implementations.
      const double re = static_cast<double>(Below(17) - 8);
      literal.SetComplex(i, {re, static_cast<double>(Below(17) - 8)});
    } else if (IsFloat(component)) {
      literal.SetDouble(i, number());
    } else if (type == ElementType::kPred) {
      literal.SetInteger(i, Below(2));
    } else if (kind <= 1) {
      literal.SetInteger(i, IsSigned(type) ? Below(17) - 8 : Below(9));
    } else {
      // Small ones as often as large ones.
      literal.SetInteger(i, static_cast<int64_t>(random_()) >> (random_() % 64));
    }
  }
  *facts = FactsOf(literal);
  return literal;
}

Known Drawer::Parameter(ElementType type, const Sizes& sizes, bool whole) {
  Known known;
  inputs_->push_back(RandomLiteral(type, sizes, whole, &known.facts));
  Shape shape = Shape::Array(type, sizes);
  if (sizes.size() > 1 && OneIn(8)) {
    shape.set_layout(Layout{Permutation(static_cast<int64_t>(sizes.size())), ""});
  }
  known.value = b_.Parameter(std::move(shape));
  return Given(known);
}

Known Drawer::ConstantArray(ElementType type, const Sizes& sizes, bool whole) {
  Facts facts;
  const Literal literal = RandomLiteral(type, sizes, whole, &facts);
  return {b_.Constant(literal), facts};
}

Known Drawer::Fresh(ElementType type, const Sizes& sizes) {
  const int64_t rank = static_cast<int64_t>(sizes.size());
  const bool may_be_parameter =
      inputs_ != nullptr && static_cast<int>(inputs_->size()) < kMostParameters;
  if (may_be_parameter && !OneIn(4)) return Parameter(type, sizes, false);
  const int64_t kind = Below(3);
  if (kind == 0 && rank > 0 && type != ElementType::kPred) {
    const int64_t dimension = Below(rank);
    const double greatest = static_cast<double>(sizes[dimension]);
    return Given({b_.Iota(type, sizes, dimension), Rounded({greatest, true, 0, true}, type)});
  }
  return FreshConstant(type, sizes, OneIn(2));
}

Known Drawer::FreshWhole(ElementType type, const Sizes& sizes) {
  if (inputs_ != nullptr && static_cast<int>(inputs_->size()) < kMostParameters) {
    return Parameter(type, sizes, true);
  }
  return FreshConstant(type, sizes, true);
}

// All elements alike where there are many.
Known Drawer::FreshConstant(ElementType type, const Sizes& sizes, bool whole) {
  if (Product(sizes) <= kMostConstantElements && !OneIn(3)) {
    return Given(ConstantArray(type, sizes, whole));
  }
  const Known scalar = ConstantArray(type, {}, whole);
  if (sizes.empty()) return Given(scalar);
  return Given({ingot::Broadcast(scalar.value, sizes, {}), scalar.facts});
}

Known Drawer::Given(const Known& known) {
  pool_.push_back(known);
  return known;
}

Known Drawer::Like(ElementType type, const Sizes& sizes) {
  std::vector<const Known*> same;
  for (const Known& known : pool_) {
    if (known.type() == type && known.sizes() == sizes) same.push_back(&known);
  }
  if (same.empty() || OneIn(6)) return Fresh(type, sizes);
  return *OneOf(same);
}

Known Drawer::Bounded(const Known& x, double bound) {
  const ElementType type = x.type();
  Known result = x;
  if (!IsFloat(type) || x.facts.bound <= bound) return result;
  if (!x.finite()) {
    result.value = ingot::Select(IsFinite(result.value), result.value, Term(0));
  }
  result.value = ingot::Clamp(-bound, result.value, bound);
  result.facts.bound = bound;
  result.facts = Rounded(result.facts, type);
  return result;
}

Facts Drawer::Either(const Facts& a, const Facts& b) {
  return {std::max(a.bound, b.bound), a.whole && b.whole, std::max(a.error, b.error),
          a.signed_zero && b.signed_zero};
}

bool Drawer::AddRough(Value value, double ulps, double error) {
  constexpr double kMost = 64;
  const ElementType type = value.element_type();
  Value safe = ingot::Select(IsFinite(value), value, Term(0));
  safe = ingot::Clamp(-kMost, safe, kMost);
  return Add(safe, {kMost, false, error + kMost * 2 * ulps * RoundingError(type), false});
}

Facts Drawer::SumFacts(ElementType type, double bound, bool whole, double error, double count) {
  const ElementType component = ComponentType(type);
  if (!IsFloat(component)) return Facts{};
  const ElementType accumulator = AccumulatorType(component);
  const double total = bound * std::max(count, 1.0);
  Facts facts{total, whole, 0, false};
  if (count == 0) facts.bound = 0;
  const bool exact =
      error == 0 && whole && total <= std::ldexp(1.0, FormatOf(accumulator).mantissa_bits + 1);
  if (!exact) {
    facts.whole = false;
    // Equal summands all round the same way: the error grows with the count, not with its root.
    facts.error = error * count + total * RoundingError(accumulator) * (8 + count);
    // Below the format's normal numbers roundings are of one size.
    facts.error = std::max(facts.error, count * SmallestStep(accumulator));
  }
  return facts;
}

std::vector<Value> Drawer::DrawBody(Values parameters, const std::vector<Facts>& facts, int count,
                                    const std::function<std::vector<Value>(Drawer&)>& finish) {
  std::vector<Known> arguments;
  for (size_t i = 0; i < parameters.size(); ++i) arguments.push_back({parameters[i], facts[i]});
  Drawer body(b_, random_, style_, nullptr, std::move(arguments), depth_ + 1);
  body.Draw(count);
  return finish(body);
}

}  // namespace ingot::random_graphs
