#include "compiler/lower/contraction_parts.h"

#include <algorithm>

#include "ir/base/integers.h"

namespace ingot::lower {

using kernel::Expr;
using kernel::Value;

namespace {

constexpr int kVectorBytes = 16;

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
int64_t ProductParts::count() const {
  return RowTiles() * CeilDiv(product_.columns, plan_.columns) * product_.batch * plan_.splits;
}

ProductPart ProductParts::Find(Expr number) {
  const int64_t row_tiles = RowTiles();
  const int64_t column_tiles = CeilDiv(product_.columns, plan_.columns);
  const int64_t tiles = row_tiles * column_tiles;
  const Expr tile = Remainder(number, tiles);
  const Expr rest = Quotient(number, tiles);
  ProductPart part;
  part.split = Remainder(rest, plan_.splits).value();
  part.batch = Quotient(rest, plan_.splits).value();
  const int64_t group = std::min<int64_t>(plan_.group, row_tiles);
  const Expr in_group = Remainder(tile, group * column_tiles);
  const Expr first = Quotient(tile, group * column_tiles) * static_cast<double>(group);
  Expr row_tile = first, column_tile = first;
  if (row_tiles % group == 0) {
    row_tile = first + Remainder(in_group, group);
    column_tile = Quotient(in_group, group);
  } else {
    const Expr size = Min(Number(row_tiles) - first, Number(group));
    row_tile = first + in_group % size;
    column_tile = in_group / size;
  }
  if (plan_.cluster > 1) {
    row_tile = row_tile * plan_.cluster + Wide({b_, b_.ClusterBlockId()});
  }
  part.row = (row_tile * plan_.rows).value();
  part.column = (column_tile * plan_.columns).value();
  const int64_t all = CeilDiv(product_.depth, plan_.depth);
  const int64_t steps = CeilDiv(all, plan_.splits);
  part.first_step = (Expr(b_, part.split) * static_cast<double>(steps)).value();
  part.end_step = Min(Expr(b_, part.first_step) + static_cast<double>(steps), Number(all)).value();
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
                              Below(n, product_.columns, plan_.columns));
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

std::vector<Value> ProductParts::Make(const ProductPart& part, Value m, Value n, Value sums) {
  if (plan_.splits > 1) return {sums};
  std::vector<Value> results;
  for (const Element& result : space_.Make(part.batch, m, n, sums).values) {
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
        /*unroll=*/4);
    const Expr row = Quotient(first, product_.columns);
    const Expr n = Remainder(first, product_.columns), m = Remainder(row, product_.rows);
    space_.Store(Quotient(row, product_.rows).value(), m.value(), n.value(), b_.Read(sum));
  });
}

}  // namespace ingot::lower
