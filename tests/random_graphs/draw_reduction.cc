// Reductions, windows, scans and contractions.
#include <algorithm>
#include <cmath>

#include "tests/random_graphs/drawer.h"

namespace ingot::random_graphs {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// x without its dimensions `dropped`.
Sizes Without(const Sizes& sizes, const Sizes& dropped) {
  Sizes kept;
  for (int64_t d = 0; d < static_cast<int64_t>(sizes.size()); ++d) {
    if (std::find(dropped.begin(), dropped.end(), d) == dropped.end()) kept.push_back(sizes[d]);
  }
  return kept;
}

int64_t Positions(int64_t size, const WindowDimension& w) {
  const int64_t base = size == 0 ? 0 : (size - 1) * w.base_dilation + 1;
  const int64_t room =
      base + w.padding_low + w.padding_high - ((w.size - 1) * w.window_dilation + 1);
  return room < 0 ? 0 : room / w.stride + 1;
}

}  // namespace

bool Drawer::Reduce() {
  Known x = Any();
  if (x.rank() == 0) return false;
  const Sizes dimensions = OneIn(4) ? Sizes{Below(x.rank())} : Subset(x.rank());
  const ElementType type = x.type();
  const Sizes kept = Without(x.sizes(), dimensions);
  int64_t count = 1;
  for (int64_t d : dimensions) count *= x.sizes()[d];
  const double terms = static_cast<double>(count);
  if (IsComplex(type)) {
    if (!x.facts.whole || !x.exact()) return false;
    return Add(ReduceSum(x.value, dimensions), SumFacts(type, x.facts.bound, true, 0, terms));
  }
  if (IsFloat(type)) {
    if (OneIn(2)) {
      const Value result =
          OneIn(2) ? ReduceMax(x.value, dimensions) : ReduceMin(x.value, dimensions);
      Facts facts = x.facts;
      if (count == 0) facts = {kInfinity, false, 0, true};
      // With no infinity the least value is what an empty reduction starts from.
      if (x.exact()) facts.bound = kInfinity;
      return Add(result, facts);
    }
    x = Bounded(x, 64);
    if (!x.finite()) return false;
    Known initial = Constant(type, static_cast<double>(Below(5)));
    if (!initial.finite()) return false;
    return Add(ingot::Reduce(x.value, initial.value, dimensions, Opcode::kAdd),
               SumFacts(type, std::max(x.facts.bound, initial.facts.bound),
                        x.facts.whole && initial.facts.whole, x.facts.error, terms + 1));
  }
  static constexpr Opcode kPredicates[] = {Opcode::kAnd, Opcode::kOr, Opcode::kXor,
                                           Opcode::kMaximum, Opcode::kMinimum};
  static constexpr Opcode kIntegers[] = {Opcode::kAdd,     Opcode::kMultiply, Opcode::kMaximum,
                                         Opcode::kMinimum, Opcode::kAnd,      Opcode::kOr,
                                         Opcode::kXor,     Opcode::kAdd};
  const Opcode opcode = type == ElementType::kPred ? OneOf(kPredicates) : OneOf(kIntegers);
  const Known initial = Like(type, {});
  return Add(ingot::Reduce(x.value, initial.value, dimensions, opcode), {});
}

// The greatest element and where it is; or a sum and a maximum of two inputs.
bool Drawer::ReduceMany() {
  const Known x = Any();
  if (x.rank() == 0 || IsComplex(x.type()) || !x.exact() || !x.finite()) return false;
  const Sizes dimensions = OneIn(2) ? Sizes{Below(x.rank())} : Subset(x.rank());
  if (OneIn(2)) {
    const Value places = b_.Iota(ElementType::kS32, x.sizes(), Below(x.rank()));
    const Known initial = Constant(x.type(), 0);
    if (!initial.finite()) return false;
    const Value place = b_.Constant(ElementType::kS32, 1000);
    const std::vector<Value> results = ingot::Reduce(
        {x.value, places}, {initial.value, place}, dimensions, [](Values v) -> std::vector<Value> {
          const Value greater = ingot::Compare(v[0], v[2], ComparisonDirection::kGt);
          const Value equal = ingot::Compare(v[0], v[2], ComparisonDirection::kEq);
          const Value before = ingot::Compare(v[1], v[3], ComparisonDirection::kLt);
          const Value first = Or(greater, And(equal, before));
          return {ingot::Select(first, v[0], v[2]), ingot::Select(first, v[1], v[3])};
        });
    Facts facts = x.facts;
    facts.signed_zero = false;
    const bool added = Add(results[0], facts);
    return Add(results[1], {}) && added;
  }
  const Known y = Like(ElementType::kS32, x.sizes());
  const Known zero = Constant(x.type(), 0);
  const Known least = Constant(ElementType::kS32, -1000);
  if (IsFloat(x.type()) && !zero.finite()) return false;
  const std::vector<Value> results =
      ingot::Reduce({y.value, x.value}, {least.value, zero.value}, dimensions, [](Values v) {
        return std::vector<Value>{ingot::Add(v[0], v[2]), Maximum(v[1], v[3])};
      });
  const bool added = Add(results[0], {});
  return Add(results[1], Either(x.facts, zero.facts)) && added;
}

std::optional<Window> Drawer::SomeWindow(const Known& x, bool dilate, Sizes* positions) {
  Window window;
  for (int64_t size : x.sizes()) {
    WindowDimension w;
    if (OneIn(2) && size > 0) {
      w.size = 1 + Below(std::min<int64_t>(size, 4));
      if (OneIn(6)) w.size = size;
      w.stride = 1 + Below(3);
      w.padding_low = Below(w.size);
      w.padding_high = Below(w.size);
      if (dilate) {
        w.base_dilation = OneIn(4) ? 2 : 1;
        w.window_dilation = OneIn(4) ? 2 : 1;
        if (OneIn(6)) w.padding_low = -1;
      }
    }
    positions->push_back(Positions(size, w));
    window.dimensions.push_back(w);
  }
  if (!Fits(*positions)) return std::nullopt;
  return window;
}

bool Drawer::ReduceWindow() {
  Known x = Any();
  if (x.rank() == 0 || IsComplex(x.type())) return false;
  Sizes positions;
  const std::optional<Window> window = SomeWindow(x, true, &positions);
  if (!window.has_value()) return false;
  double count = 2;
  for (const WindowDimension& w : window->dimensions) count *= static_cast<double>(w.size);
  const ElementType type = x.type();
  const Known initial = Constant(type, static_cast<double>(Below(3)));
  if (!IsFloat(type)) {
    static constexpr Opcode kIntegers[] = {Opcode::kAdd, Opcode::kMaximum, Opcode::kMinimum,
                                           Opcode::kXor};
    const Opcode opcode = type == ElementType::kPred ? Opcode::kOr : OneOf(kIntegers);
    return Add(ingot::ReduceWindow(x.value, initial.value, *window, opcode), {});
  }
  if (!initial.finite()) return false;
  if (OneIn(2)) {
    const Opcode opcode = OneIn(2) ? Opcode::kMaximum : Opcode::kMinimum;
    return Add(ingot::ReduceWindow(x.value, initial.value, *window, opcode),
               Either(x.facts, initial.facts));
  }
  x = Bounded(x, 16);
  if (!x.finite()) return false;
  return Add(ingot::ReduceWindow(x.value, initial.value, *window, Opcode::kAdd),
             SumFacts(type, std::max(x.facts.bound, initial.facts.bound), x.facts.whole,
                      x.facts.error, count));
}

bool Drawer::SelectAndScatter() {
  const Known x = Any();
  const ElementType type = x.type();
  if (x.rank() == 0 || IsComplex(type) || type == ElementType::kPred) return false;
  if (!x.exact() || !x.finite()) return false;
  Sizes positions;
  const std::optional<Window> window = SomeWindow(x, false, &positions);
  if (!window.has_value()) return false;
  const Known source = Bounded(Like(type, positions), 16);
  const Known initial = Constant(type, static_cast<double>(Below(3)));
  if (!source.exact() || (IsFloat(type) && (!source.finite() || !initial.finite()))) return false;
  double count = 2;
  for (const WindowDimension& w : window->dimensions) count *= static_cast<double>(w.size);
  // Each contribution may be rounded to the type as it is added.
  if (IsFloat(type) &&
      !(source.facts.whole && count * std::max(source.facts.bound, 2.0) <=
                                  std::ldexp(1.0, FormatOf(type).mantissa_bits + 1))) {
    return false;
  }
  return Add(SelectAndScatterMax(x.value, source.value, initial.value, *window),
             {count * std::max(source.facts.bound, 2.0), true, 0, false});
}

// Running sums or maxima.
bool Drawer::Scan() {
  Known x = Any();
  if (x.rank() == 0 || IsComplex(x.type()) || x.type() == ElementType::kPred) return false;
  const int64_t along = Below(x.rank());
  if (!Fits(Without(x.sizes(), {along}))) return false;
  Known carry = Like(x.type(), Without(x.sizes(), {along}));
  const bool sum = OneIn(2);
  Facts facts;
  if (IsFloat(x.type())) {
    if (sum) {
      x = Bounded(x, 16);
      carry = Bounded(carry, 16);
      if (!x.finite() || !carry.finite()) return false;
      const double bound = std::max(x.facts.bound, carry.facts.bound);
      const double count = static_cast<double>(x.sizes()[along]) + 1;
      // Whether a carry is rounded at each step is not defined.
      const bool whole = x.facts.whole && carry.facts.whole;
      if (!whole || bound * count > std::ldexp(1.0, FormatOf(x.type()).mantissa_bits + 1)) {
        return false;
      }
      facts = SumFacts(x.type(), bound, whole, std::max(x.facts.error, carry.facts.error), count);
    } else {
      facts = Either(x.facts, carry.facts);
    }
  }
  const std::vector<Value> results =
      ingot::Scan({x.value}, {carry.value}, along, OneIn(2), [&](Values v) -> std::vector<Value> {
        const Value next = sum ? ingot::Add(v[1], v[0]) : Maximum(v[1], v[0]);
        return {next, next};
      });
  const bool added = Add(results[0], facts);
  return Add(results[1], facts) && added;
}

bool Drawer::Dot() {
  Known x = Any();
  const ElementType type = x.type();
  if (type == ElementType::kPred) return false;
  DotAttributes attributes;
  Sizes sizes, kept;
  // Each dimension of x is contracted, shared or free.
  double count = 1;
  for (int64_t d : Permutation(x.rank())) {
    if (OneIn(2)) {
      attributes.lhs_contracting_dims.push_back(d);
      count *= static_cast<double>(x.sizes()[d]);
    } else if (OneIn(3)) {
      attributes.lhs_batch_dims.push_back(d);
    }
  }
  // y has them, and free ones of its own, in any order.
  struct Dimension {
    int64_t size;
    int64_t role;  // -1 free, else the number of the contracting or batch dimension
    bool contracting;
  };
  std::vector<Dimension> dimensions;
  for (size_t i = 0; i < attributes.lhs_contracting_dims.size(); ++i) {
    dimensions.push_back(
        {x.sizes()[attributes.lhs_contracting_dims[i]], static_cast<int64_t>(i), true});
  }
  for (size_t i = 0; i < attributes.lhs_batch_dims.size(); ++i) {
    dimensions.push_back({x.sizes()[attributes.lhs_batch_dims[i]], static_cast<int64_t>(i), false});
  }
  for (int64_t i = Below(3); i > 0; --i) dimensions.push_back({Size(), -1, false});
  attributes.rhs_contracting_dims.resize(attributes.lhs_contracting_dims.size());
  attributes.rhs_batch_dims.resize(attributes.lhs_batch_dims.size());
  Sizes result = {};
  for (int64_t at : Permutation(static_cast<int64_t>(dimensions.size()))) {
    const Dimension& dimension = dimensions[at];
    const int64_t place = static_cast<int64_t>(sizes.size());
    sizes.push_back(dimension.size);
    if (dimension.role < 0) {
      result.push_back(dimension.size);
    } else {
      (dimension.contracting ? attributes.rhs_contracting_dims
                             : attributes.rhs_batch_dims)[dimension.role] = place;
    }
  }
  if (sizes.size() > 6 || !Fits(sizes)) return false;
  for (int64_t d = 0; d < x.rank(); ++d) {
    const auto& contracted = attributes.lhs_contracting_dims;
    if (std::find(contracted.begin(), contracted.end(), d) == contracted.end()) {
      result.push_back(x.sizes()[d]);
    }
  }
  if (result.size() > 6 || !Fits(result)) return false;
  Known y = Like(type, sizes);
  if (IsInteger(type)) {
    std::optional<ElementType> to;
    if (OneIn(2) && BitWidth(type) < 32) to = ElementType::kS32;
    if (OneIn(4)) to = ElementType::kF32;
    const Facts facts = SumFacts(to.value_or(type), x.facts.bound * y.facts.bound, true, 0, count);
    return Add(ingot::Dot(x.value, y.value, attributes, to), facts);
  }
  if (IsComplex(type)) {
    if (!x.facts.whole || !y.facts.whole || !x.exact() || !y.exact()) return false;
    const Facts facts = SumFacts(type, 2 * x.facts.bound * y.facts.bound, true, 0, count);
    return facts.error == 0 && Add(ingot::Dot(x.value, y.value, attributes), facts);
  }
  x = Bounded(x, 16);
  y = Bounded(y, 16);
  if (!x.finite() || !y.finite()) return false;
  std::optional<ElementType> to;
  if (OneIn(2) && BitWidth(type) < 32) to = ElementType::kF32;
  const Facts& a = x.facts;
  const Facts& b = y.facts;
  return Add(ingot::Dot(x.value, y.value, attributes, to),
             SumFacts(to.value_or(type), a.bound * b.bound, a.whole && b.whole,
                      a.bound * b.error + b.bound * a.error + a.error * b.error, count));
}

bool Drawer::Convolution() {
  Known x = Any();
  const ElementType type = x.type();
  if (x.rank() < 2 || x.rank() > 4 || type == ElementType::kPred || IsComplex(type)) return false;
  const int64_t spatial = x.rank() - 2;
  ConvolutionAttributes attributes;
  ConvolutionDimensions& labels = attributes.dim_labels;
  const auto deal = [&](int64_t* first, int64_t* second, Sizes* rest) {
    const Sizes order = Permutation(x.rank());
    *first = order[0];
    *second = order[1];
    rest->assign(order.begin() + 2, order.end());
  };
  deal(&labels.input_batch, &labels.input_feature, &labels.input_spatial);
  deal(&labels.kernel_input_feature, &labels.kernel_output_feature, &labels.kernel_spatial);
  deal(&labels.output_batch, &labels.output_feature, &labels.output_spatial);
  const int64_t features = x.sizes()[labels.input_feature];
  const int64_t batch = x.sizes()[labels.input_batch];
  int64_t out_features = FeatureCount();
  if (OneIn(3) && features > 1) {
    const int64_t groups = OneIn(2) ? features : (features % 2 == 0 ? 2 : 1);
    attributes.feature_group_count = groups;
    out_features *= groups;
  } else if (OneIn(6) && batch > 1) {
    const int64_t groups = OneIn(2) ? batch : (batch % 2 == 0 ? 2 : 1);
    attributes.batch_group_count = groups;
    out_features *= groups;
  }
  Sizes kernel(x.rank()), result(x.rank());
  kernel[labels.kernel_input_feature] = features / attributes.feature_group_count;
  kernel[labels.kernel_output_feature] = out_features;
  result[labels.output_batch] = batch / attributes.batch_group_count;
  result[labels.output_feature] = out_features;
  double count = static_cast<double>(features);
  for (int64_t i = 0; i < spatial; ++i) {
    WindowDimension w;
    w.size = 1 + Below(4);
    w.stride = OneIn(2) ? 1 : 1 + Below(3);
    w.padding_low = Below(4) - 1;
    w.padding_high = Below(4) - 1;
    w.base_dilation = OneIn(4) ? 2 : 1;
    w.window_dilation = OneIn(4) ? 2 : 1;
    w.reversal = OneIn(6);
    kernel[labels.kernel_spatial[i]] = w.size;
    result[labels.output_spatial[i]] = Positions(x.sizes()[labels.input_spatial[i]], w);
    count *= static_cast<double>(w.size);
    attributes.window.dimensions.push_back(w);
  }
  if (!Fits(kernel) || !Fits(result)) return false;
  Known y = Like(type, kernel);
  if (IsInteger(type)) return Add(ingot::Convolution(x.value, y.value, attributes), {});
  x = Bounded(x, 16);
  y = Bounded(y, 16);
  if (!x.finite() || !y.finite()) return false;
  const Facts& a = x.facts;
  const Facts& b = y.facts;
  return Add(ingot::Convolution(x.value, y.value, attributes),
             SumFacts(type, a.bound * b.bound, a.whole && b.whole,
                      a.bound * b.error + b.bound * a.error + a.error * b.error, count));
}

}  // namespace ingot::random_graphs
