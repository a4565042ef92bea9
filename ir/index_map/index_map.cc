#include "ir/index_map/index_map.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ir/base/check.h"
#include "ir/op_table.h"

namespace ingot {
namespace {

std::vector<IndexExpr> Coordinates(int64_t rank) {
  std::vector<IndexExpr> coordinates;
  for (int64_t d = 0; d < rank; ++d) coordinates.push_back(IndexExpr::Dimension(d));
  return coordinates;
}

IndexExpr DotProduct(absl::Span<const IndexExpr> values, absl::Span<const int64_t> factors) {
  IndexExpr sum = IndexExpr::Constant(0);
  for (size_t k = 0; k < values.size(); ++k) {
    sum = IndexExpr::Add(sum, IndexExpr::Multiply(values[k], factors[k]));
  }
  return sum;
}

// The index of the element whose address is `address` in an array of these sizes and strides.
std::vector<IndexExpr> IndexAt(const IndexExpr& address, absl::Span<const int64_t> sizes,
                               absl::Span<const int64_t> strides) {
  std::vector<IndexExpr> index;
  for (size_t k = 0; k < sizes.size(); ++k) {
    index.push_back(
        sizes[k] <= 1
            ? IndexExpr::Constant(0)
            : IndexExpr::Modulo(IndexExpr::FloorDivide(address, std::max<int64_t>(strides[k], 1)),
                                sizes[k]));
  }
  return index;
}

IndexExpr Plus(const IndexExpr& expr, int64_t constant) {
  return IndexExpr::Add(expr, IndexExpr::Constant(constant));
}

// ---- maps of single ops, not simplified

// Each takes map.results from the coordinates of the instruction's result to those of the operand;
// false where the op is no data movement by index.
using MapOp = bool(const Instruction& instruction, int64_t operand, IndexMap& map);

bool NoMap(const Instruction&, int64_t, IndexMap&) { return false; }

bool Copy(const Instruction&, int64_t, IndexMap&) { return true; }

bool BitcastConvert(const Instruction& instruction, int64_t, IndexMap&) {
  return Shape::SameDimensions(instruction.shape(), instruction.operand(0)->shape());
}

bool Broadcast(const Instruction& instruction, int64_t, IndexMap& map) {
  const std::vector<IndexExpr> output = std::move(map.results);
  map.results.clear();
  for (int64_t d : instruction.dimensions()) map.results.push_back(output[d]);
  return true;
}

bool Transpose(const Instruction& instruction, int64_t, IndexMap& map) {
  const std::vector<IndexExpr> output = map.results;
  for (int64_t d = 0; d < map.rank(); ++d) map.results[instruction.dimensions()[d]] = output[d];
  return true;
}

bool Reverse(const Instruction& instruction, int64_t, IndexMap& map) {
  for (int64_t d : instruction.dimensions()) {
    map.results[d] = Plus(IndexExpr::Multiply(map.results[d], -1), map.sizes[d] - 1);
  }
  return true;
}

bool Slice(const Instruction& instruction, int64_t, IndexMap& map) {
  const SliceDimensions& slice = instruction.attributes<SliceAttributes>().slice;
  for (int64_t d = 0; d < map.rank(); ++d) {
    map.results[d] = Plus(IndexExpr::Multiply(map.results[d], slice[d].stride), slice[d].start);
  }
  return true;
}

bool Reshape(const Instruction& instruction, int64_t, IndexMap& map) {
  map = ReshapeMap(map.sizes, instruction.operand(0)->shape().dimensions());
  return true;
}

bool Bitcast(const Instruction& instruction, int64_t, IndexMap& map) {
  const Shape& result = instruction.shape();
  const Shape& operand = instruction.operand(0)->shape();
  if (BitWidth(result.element_type()) != BitWidth(operand.element_type())) return false;
  const IndexExpr address =
      DotProduct(map.results, StridesOf(result.dimensions(), result.LayoutOrDefault()));
  map.results = IndexAt(address, operand.dimensions(),
                        StridesOf(operand.dimensions(), operand.LayoutOrDefault()));
  return true;
}

bool Concatenate(const Instruction& concatenate, int64_t operand, IndexMap& map) {
  const int64_t d = concatenate.dimensions()[0];
  int64_t start = 0;
  for (int64_t k = 0; k < operand; ++k) start += concatenate.operand(k)->shape().dimension(d);
  map.results[d] = Plus(map.results[d], -start);
  map.conditions.push_back({map.results[d], 0, concatenate.operand(operand)->shape().dimension(d)});
  return true;
}

bool Pad(const Instruction& pad, int64_t operand, IndexMap& map) {
  if (operand == 1) {
    map.results.clear();
    return true;
  }
  const Padding& padding = pad.attributes<PadAttributes>().padding;
  for (int64_t d = 0; d < map.rank(); ++d) {
    const int64_t step = padding[d].interior + 1;
    const IndexExpr position = Plus(map.results[d], -padding[d].low);
    const int64_t size = pad.operand(0)->shape().dimension(d);
    map.conditions.push_back({position, 0, size == 0 ? 0 : (size - 1) * step + 1});
    if (step > 1) map.conditions.push_back({IndexExpr::Modulo(position, step), 0, 1});
    map.results[d] = IndexExpr::FloorDivide(position, step);
  }
  return true;
}

constexpr OpRow<MapOp> kRows[] = {
    {Opcode::kBitcast, Bitcast},
    {Opcode::kBitcastConvert, BitcastConvert},
    {Opcode::kBroadcast, Broadcast},
    {Opcode::kConcatenate, Concatenate},
    {Opcode::kCopy, Copy},
    {Opcode::kDynamicReshape, NoMap},  // sizes are data
    {Opcode::kGetDimensionSize, NoMap},
    {Opcode::kIota, NoMap},  // there is no operand
    {Opcode::kPad, Pad},
    {Opcode::kReshape, Reshape},
    {Opcode::kReverse, Reverse},
    {Opcode::kSetDimensionSize, NoMap},
    {Opcode::kSlice, Slice},
    {Opcode::kTranspose, Transpose},
};
static_assert(IsTableOf(OpKind::kDataMovement, kRows));

// ---- ContiguousRun

// Whether the inside of `condition` is a union of groups; `grouped` says which coordinates run
// within a group.
bool IsUniform(const IndexCondition& condition, absl::Span<const int64_t> sizes,
               const std::vector<bool>& grouped) {
  IndexSum inside, outside;
  for (const IndexSum::Term& term : SumOf(condition.value).terms) {
    bool varies = false;
    for (size_t d = 0; d < sizes.size(); ++d) varies |= grouped[d] && term.atom.DependsOn(d);
    (varies ? inside : outside).terms.push_back(term);
  }
  if (inside.terms.empty()) return true;
  const IndexRange within = RangeOf(ExprOf(inside), sizes);
  const IndexRange whole = RangeOf(condition.value, sizes);
  const int64_t base = SumOf(condition.value).constant + within.min;
  // Group number n covers base + step * n … + (within.max - within.min), for some integer n.
  int64_t step = 0;
  for (const IndexSum::Term& term : outside.terms) step = std::gcd(step, term.coefficient);
  const auto splits_no_group = [&](int64_t bound) {
    if (bound <= whole.min || bound > whole.max) return true;
    return step > within.max - within.min && (bound - base) % step == 0;
  };
  return splits_no_group(condition.lower) && splits_no_group(condition.limit);
}

// Whether moving by one along coordinate `dimension` moves the address by `stride`, whatever the
// other coordinates are.
bool HasStride(const IndexExpr& address, absl::Span<const int64_t> sizes, int64_t dimension,
               int64_t stride) {
  const IndexExpr rest = Simplify(
      IndexExpr::Add(address, IndexExpr::Multiply(IndexExpr::Dimension(dimension), -stride)),
      sizes);
  return !rest.DependsOn(dimension);
}

// The map with coordinate d written as group * d + (a new last coordinate).
IndexMap SplitCoordinate(const IndexMap& map, int64_t d, int64_t group) {
  IndexMap split;
  split.sizes = map.sizes;
  split.sizes[d] /= group;
  split.sizes.push_back(group);
  std::vector<IndexExpr> coordinates = Coordinates(map.rank());
  coordinates[d] =
      IndexExpr::Add(IndexExpr::Multiply(coordinates[d], group), IndexExpr::Dimension(map.rank()));
  for (const IndexExpr& result : map.results) {
    split.results.push_back(result.Substitute(coordinates));
  }
  for (const IndexCondition& condition : map.conditions) {
    split.conditions.push_back(
        {condition.value.Substitute(coordinates), condition.lower, condition.limit});
  }
  return Simplify(split);
}

// Divisors of n other than 1 and n, largest first.  Only those of the form i and n / i with
// i ≤ 2^16 are looked for.
std::vector<int64_t> ProperDivisors(int64_t n) {
  constexpr int64_t kMostTried = int64_t{1} << 16;
  std::vector<int64_t> divisors;
  for (int64_t i = 2; i <= kMostTried && i < n && i <= n / i; ++i) {
    if (n % i != 0) continue;
    divisors.push_back(i);
    if (n / i != i) divisors.push_back(n / i);
  }
  std::sort(divisors.rbegin(), divisors.rend());
  return divisors;
}

}  // namespace

// ---- IndexMap

IndexMap IndexMap::Identity(std::vector<int64_t> sizes) {
  IndexMap map;
  map.results = Coordinates(static_cast<int64_t>(sizes.size()));
  map.sizes = std::move(sizes);
  return map;
}

bool IndexMap::IsIdentity() const {
  if (!conditions.empty() || results.size() != sizes.size()) return false;
  for (int64_t d = 0; d < rank(); ++d) {
    const bool is_coordinate =
        results[d].kind() == IndexExpr::Kind::kDimension && results[d].value() == d;
    if (!is_coordinate && !(sizes[d] <= 1 && results[d].IsConstant(0))) return false;
  }
  return true;
}

std::optional<std::vector<int64_t>> IndexMap::Evaluate(absl::Span<const int64_t> index) const {
  for (const IndexCondition& condition : conditions) {
    if (!condition.Holds(index)) return std::nullopt;
  }
  std::vector<int64_t> result;
  for (const IndexExpr& expr : results) result.push_back(expr.Evaluate(index));
  return result;
}

bool IndexMap::DependsOn(int64_t dimension) const {
  return std::any_of(results.begin(), results.end(),
                     [&](const IndexExpr& e) { return e.DependsOn(dimension); }) ||
         std::any_of(conditions.begin(), conditions.end(),
                     [&](const IndexCondition& c) { return c.value.DependsOn(dimension); });
}

int64_t IndexMap::NodeCount() const {
  int64_t count = 0;
  for (const IndexExpr& result : results) count += result.NodeCount();
  for (const IndexCondition& condition : conditions) count += condition.value.NodeCount();
  return std::min(count, IndexExpr::kMaxNodes);
}

std::string IndexMap::ToString() const {
  const auto print_expr = [](std::string* out, const IndexExpr& e) {
    absl::StrAppend(out, e.ToString());
  };
  const auto print_condition = [](std::string* out, const IndexCondition& c) {
    absl::StrAppend(out, c.lower, " <= ", c.value.ToString(), " < ", c.limit);
  };
  std::string text = absl::StrCat("(", absl::StrJoin(Coordinates(rank()), ", ", print_expr), ")[",
                                  absl::StrJoin(sizes, ","), "] -> (",
                                  absl::StrJoin(results, ", ", print_expr), ")");
  if (!conditions.empty()) {
    absl::StrAppend(&text, " where ", absl::StrJoin(conditions, " and ", print_condition));
  }
  return text;
}

std::optional<IndexMap> IndexMapOf(const Instruction& instruction, int64_t operand) {
  if (instruction.kind() != OpKind::kDataMovement || operand >= instruction.operand_count() ||
      !instruction.shape().IsArray() || instruction.shape().HasDynamicDimension() ||
      instruction.operand(operand)->shape().HasDynamicDimension()) {
    return std::nullopt;
  }
  IndexMap map = IndexMap::Identity(instruction.shape().dimensions());
  if (!FunctionOf(kRows, instruction.opcode())(instruction, operand, map)) return std::nullopt;
  return Simplify(map);
}

IndexMap ReshapeMap(absl::Span<const int64_t> output_sizes, absl::Span<const int64_t> input_sizes) {
  IndexMap map = IndexMap::Identity(std::vector<int64_t>(output_sizes.begin(), output_sizes.end()));
  map.results = IndexAt(DotProduct(map.results, RowMajorStrides(output_sizes)), input_sizes,
                        RowMajorStrides(input_sizes));
  return Simplify(map);
}

IndexMap Compose(const IndexMap& a, const IndexMap& b) {
  IndexMap map{a.sizes, {}, a.conditions};
  for (const IndexExpr& result : b.results) map.results.push_back(result.Substitute(a.results));
  for (const IndexCondition& condition : b.conditions) {
    map.conditions.push_back(
        {condition.value.Substitute(a.results), condition.lower, condition.limit});
  }
  return Simplify(map);
}

IndexMap Simplify(const IndexMap& map) {
  IndexMap result;
  result.sizes = map.sizes;
  for (const IndexExpr& expr : map.results) result.results.push_back(Simplify(expr, map.sizes));
  for (const IndexCondition& condition : map.conditions) {
    IndexCondition simplified{Simplify(condition.value, map.sizes), condition.lower,
                              condition.limit};
    const IndexRange range = RangeOf(simplified.value, map.sizes);
    const bool always = simplified.lower <= range.min && range.max < simplified.limit;
    const bool known = std::find(result.conditions.begin(), result.conditions.end(), simplified) !=
                       result.conditions.end();
    if (!always && !known) result.conditions.push_back(std::move(simplified));
  }
  return result;
}

IndexExpr AddressOf(const IndexMap& map, absl::Span<const int64_t> strides) {
  return Simplify(DotProduct(map.results, strides), map.sizes);
}

int64_t ContiguousRun(const IndexMap& map, absl::Span<const int64_t> strides) {
  if (std::count(map.sizes.begin(), map.sizes.end(), 0) > 0) return 1;
  // Whole coordinates join the run from the last one on; of the first that cannot, a divisor may.
  const auto joins = [&](const IndexMap& of, const std::vector<bool>& grouped, int64_t dimension,
                         int64_t run) {
    return HasStride(AddressOf(of, strides), of.sizes, dimension, run) &&
           std::all_of(of.conditions.begin(), of.conditions.end(),
                       [&](const IndexCondition& c) { return IsUniform(c, of.sizes, grouped); });
  };
  const IndexMap simple = Simplify(map);
  std::vector<bool> grouped(map.rank(), false);
  int64_t run = 1;
  for (int64_t d = map.rank() - 1; d >= 0; --d) {
    if (map.sizes[d] == 1) continue;
    grouped[d] = true;
    if (joins(simple, grouped, d, run)) {
      run *= map.sizes[d];
      continue;
    }
    grouped[d] = false;
    grouped.push_back(true);
    const auto divides = [&](int64_t group) {
      return joins(SplitCoordinate(simple, d, group), grouped, map.rank(), run);
    };
    // A run of a number of elements is one of each of its divisors too: most sizes are done with
    // their few primes.
    const std::vector<int64_t> divisors = ProperDivisors(map.sizes[d]);
    std::vector<int64_t> refused;
    const auto is_refused = [&](int64_t group) {
      return std::any_of(refused.begin(), refused.end(),
                         [&](int64_t prime) { return group % prime == 0; });
    };
    for (auto it = divisors.rbegin(); it != divisors.rend(); ++it) {
      const bool is_prime =
          std::none_of(divisors.rbegin(), it, [&](int64_t smaller) { return *it % smaller == 0; });
      if (is_prime && !divides(*it)) refused.push_back(*it);
    }
    for (int64_t group : divisors) {
      if (!is_refused(group) && divides(group)) return run * group;
    }
    return run;
  }
  return run;
}

}  // namespace ingot
