#include "compiler/lower/contraction_parts.h"

#include <algorithm>

#include "ir/base/integers.h"

namespace ingot::lower {

using kernel::Expr;
using kernel::Value;

namespace {

constexpr int kVectorBytes = 16;
// Loads under way where parts of sums are added.
constexpr int kFewParts = 4, kManyParts = 16;

}  // namespace

ProductParts::ProductParts(Frame& frame, const plan::ProductFusion& product)
    : frame_(frame),
      plan_(frame.plan.contraction()),
      product_(product.product),
      b_(frame.builder),
      math_(frame.context.math),
      space_(frame, product) {}

Expr ProductParts::Number(int64_t value) { return {b_, math_.Const(value)}; }
Expr ProductParts::Wide(Expr value) { return {b_, math_.Convert(value.value())}; }

int64_t ProductParts::RowTiles() const { return CeilDiv(product_.rows, plan_.cluster_rows()); }
int64_t ProductParts::ColumnTiles() const {
  return CeilDiv(product_.columns, plan_.cluster_columns());
}
int64_t ProductParts::count() const {
  return RowTiles() * ColumnTiles() * product_.batch * plan_.splits;
}

// Of wgmma, whose code takes long to make, sizes are constants of the same operations whatever they
// are, so that products of other sizes are the same code (kernel/code_key.h).
ProductPart ProductParts::Find(Expr number) {
  if (!plan_.wgmma) return FindPart(number);
  ProductPart part;
  b_.AsWritten([&] { part = FindPart(number); });
  return part;
}

// Blocks of a cluster are numbered column by column.
Expr ProductParts::ClusterRow() { return Remainder({b_, b_.ClusterBlockId()}, plan_.cluster); }
Expr ProductParts::ClusterColumn() { return Quotient({b_, b_.ClusterBlockId()}, plan_.cluster); }

ProductPart ProductParts::FindPart(Expr number) {
  const int64_t row_tiles = RowTiles(), column_tiles = ColumnTiles();
  ProductPart part;
  Expr tile = number, rest = Number(0);
  if (product_.batch * plan_.splits > 1) {
    tile = number % Number(row_tiles * column_tiles);
    rest = number / Number(row_tiles * column_tiles);
  }
  const int64_t all = CeilDiv(product_.depth, plan_.depth);
  part.batch = rest.value();
  part.split = part.first_step = Number(0).value();
  part.end_step = Number(all).value();
  if (plan_.splits > 1) {
    const int64_t steps = CeilDiv(all, plan_.splits);
    const Expr split = rest % Number(plan_.splits);
    const Expr first = split * Number(steps);
    part.split = split.value();
    part.batch = (rest / Number(plan_.splits)).value();
    part.first_step = first.value();
    part.end_step = b_.Select(Eq(split, Number(plan_.splits - 1)).value(), part.end_step,
                              (first + Number(steps)).value());
  }
  // Of the last group there may be less.
  const int64_t group = std::min<int64_t>(plan_.group, row_tiles);
  const int64_t rows_left = row_tiles % group == 0 ? group : row_tiles % group;
  const Expr in_group = tile % Number(group * column_tiles);
  const Expr group_number = tile / Number(group * column_tiles);
  const Value is_whole = (group_number < Number(row_tiles / group)).value();
  const auto choose = [&](Expr whole, Expr last) {
    return Expr(b_, b_.Select(is_whole, whole.value(), last.value()));
  };
  Expr row_tile =
      group_number * Number(group) + choose(in_group % Number(group), in_group % Number(rows_left));
  Expr column_tile = choose(in_group / Number(group), in_group / Number(rows_left));
  if (plan_.cluster > 1) row_tile = row_tile * Number(plan_.cluster) + Wide(ClusterRow());
  if (plan_.cluster_across > 1) {
    column_tile = column_tile * Number(plan_.cluster_across) + Wide(ClusterColumn());
  }
  part.row = (row_tile * Number(plan_.rows)).value();
  part.column = (column_tile * Number(plan_.columns)).value();
  return part;
}

kernel::AccessOptions ProductParts::SumAccess() const {
  kernel::AccessOptions options;
  options.alignment = std::min<int>(kVectorBytes, plan_.lanes * ByteWidth(product_.sum_type()));
  return options;
}

void ProductParts::Store(const ProductPart& part, Expr row, Expr column,
                         const std::function<Value()>& load) {
  const Expr m = Expr(b_, part.row) + Wide(row), n = Expr(b_, part.column) + Wide(column);
  const Value inside = b_.And(Below(m, product_.rows, plan_.cluster_rows()),
                              Below(n, product_.columns, plan_.cluster_columns()));
  frame_.emitter.If(inside, [&] {
    const Value sums = load();
    if (plan_.splits == 1) return space_.Store(part.batch, m.value(), n.value(), sums);
    const Expr number =
        Expr(b_, part.split) * static_cast<double>(product_.batch) + Expr(b_, part.batch);
    const Expr place =
        (number * static_cast<double>(product_.rows) + m) * static_cast<double>(product_.columns) +
        n;
    b_.Store(frame_.memory.scratch[0], place.value(), sums, SumAccess());
  });
}

std::vector<Value> ProductParts::Make(const ProductPart& part, Value m, Value n, Value sums,
                                      const MatrixElements& elements) {
  if (plan_.splits > 1) return {sums};
  std::vector<Value> results;
  for (const Element& result : space_.Make(part.batch, m, n, sums, elements).values) {
    results.push_back(frame_.emitter.Broadcast(result, plan_.lanes).re);
  }
  return results;
}

std::vector<Value> ProductParts::PlacesOf(absl::Span<const plan::OperandDigit> digits,
                                          absl::Span<const int64_t> sizes,
                                          absl::Span<const Value> at) {
  std::vector<Value> places;
  for (const plan::OperandDigit& digit : digits) {
    Value place = math_.Div(at[digit.coordinate], digit.divisor);
    if (digit.divisor * digit.extent < sizes[digit.coordinate]) {
      place = math_.Rem(place, digit.extent);
    }
    places.push_back(b_.Convert(math_.Add(place, digit.offset), ElementType::kS32));
  }
  return places;
}

void ProductParts::Combine() {
  ElementEmitter& e = frame_.emitter;
  const int lanes = plan_.lanes;
  const int64_t elements = product_.batch * product_.rows * product_.columns;
  const Expr block = Wide({b_, b_.BlockId()});
  const Expr first = (block * frame_.plan.block_threads + Wide({b_, b_.ThreadId()})) * lanes;
  e.If((first < static_cast<double>(elements)).value(), [&] {
    const auto load = [&](Expr at) {
      return b_.Load(frame_.memory.scratch[0], at.value(), lanes, SumAccess());
    };
    kernel::Var* sum = b_.DeclareVar("sum", load(first));
    b_.For(
        b_.Index(1), b_.Index(plan_.splits), b_.Index(1),
        [&](Value part) {
          const Expr at = first + Wide({b_, part}) * static_cast<double>(elements);
          b_.Write(sum, b_.Add(b_.Read(sum), load(at)));
        },
        /*unroll=*/plan_.splits > kManyParts ? kManyParts : kFewParts);
    const Expr row = Quotient(first, product_.columns);
    const Expr n = Remainder(first, product_.columns), m = Remainder(row, product_.rows);
    space_.Store(Quotient(row, product_.rows).value(), m.value(), n.value(), b_.Read(sum));
  });
}

}  // namespace ingot::lower
