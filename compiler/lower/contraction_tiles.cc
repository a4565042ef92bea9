// The contraction skeleton: products of matrices, whose tiles cp.async brings to shared memory.
// plan::ContractionPlan says which tile a block has, and what multiplies.
#include <algorithm>

#include "compiler/lower/contraction_block.h"
#include "compiler/lower/contraction_space.h"
#include "compiler/plan/contraction.h"
#include "ir/base/integers.h"

namespace ingot::lower {

using kernel::Expr;
using kernel::Intrinsic;
using kernel::Value;
using plan::ContractionPlan;

namespace {

constexpr int kVectorBytes = 16;

class ContractionLowering {
 public:
  ContractionLowering(Frame& frame, const plan::ProductFusion& product)
      : frame_(frame),
        plan_(frame.plan.contraction()),
        product_(product.product),
        b_(frame.builder),
        e_(frame.emitter),
        math_(frame.context.math),
        block_(frame, product_),
        type_(block_.type()),
        elements_(block_.elements()),
        space_(frame, product) {}

  void Run() {
    frame_.LaunchBlocks();
    b_.set_hlo(static_cast<int32_t>(product_.instruction->id()));
    if (plan_.combines) return Combine();
    FindPlace();
    Declare();
    Multiply();
    unit_->Pass(pass_);
    b_.Barrier();
    StoreTile();
  }

 private:
  Expr Number(int64_t value) { return {b_, math_.Const(value)}; }
  Expr Small(int64_t value) { return {b_, b_.Index(value)}; }
  Expr Wide(Expr value) { return {b_, math_.Convert(value.value())}; }
  Expr Thread() { return {b_, b_.ThreadId()}; }
  Expr Quotient(Expr a, int64_t divisor) { return block_.Quotient(a, divisor); }
  Expr Remainder(Expr a, int64_t divisor) { return block_.Remainder(a, divisor); }

  // ----- where the block is

  // Blocks go through the tiles of rows of a group, then to the next tile of columns, then to the
  // next group; then through parts of depth and batches.
  void FindPlace() {
    const int64_t row_tiles = CeilDiv(product_.rows, plan_.rows);
    const int64_t column_tiles = CeilDiv(product_.columns, plan_.columns);
    const int64_t tiles = row_tiles * column_tiles;
    const Expr block = Wide({b_, b_.BlockId()});
    const Expr tile = Remainder(block, tiles);
    const Expr part = Quotient(block, tiles);
    split_ = Remainder(part, plan_.splits).value();
    batch_ = Quotient(part, plan_.splits).value();
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
    row_ = (row_tile * plan_.rows).value();
    column_ = (column_tile * plan_.columns).value();
    const int64_t all = CeilDiv(product_.depth, plan_.depth);
    steps_ = CeilDiv(all, plan_.splits);
    // Steps of this part, from number first_step_ on.
    first_step_ = (Expr(b_, split_) * static_cast<double>(steps_)).value();
    end_step_ = Min(Expr(b_, first_step_) + static_cast<double>(steps_), Number(all)).value();
  }

  void Declare() {
    block_.Declare();
    pass_ =
        frame_.kernel->AddShared("sums", block_.sum_type(), {plan_.rows, plan::SumPitch(plan_)});
    pass_->overlaps = block_.tiles();
    pass_->alignment = 128;
    unit_ =
        plan_.unit == plan::ProductUnit::kFma ? FmaLowering(block_) : MatrixUnitLowering(block_);
  }

  // ----- the loop along depth

  void Multiply() {
    const Expr first(b_, first_step_), end(b_, end_step_);
    for (int stage = 0; stage + 1 < plan_.stages; ++stage) {
      Copy(first + stage, end, Small(stage));
    }
    e_.For(first_step_, end_step_, 1, [&](Value at) {
      const Expr step(b_, at);
      b_.Call(Intrinsic::kCopyAsyncWait, {}, {plan_.stages - 2});
      b_.Barrier();
      const Expr number = step - first;
      Copy(step + (plan_.stages - 1), end, StageOf(number + (plan_.stages - 1)));
      unit_->Multiply(StageOf(number));
    });
    b_.Call(Intrinsic::kCopyAsyncWait, {}, {0});
    b_.Barrier();
  }
  Expr StageOf(Expr number) {
    return {b_, b_.Convert(Remainder(number, plan_.stages).value(), ElementType::kS32)};
  }

  // Both tiles of a step, where there is one, and the end of a group of copies.
  void Copy(Expr step, Expr end, Expr stage) {
    e_.If((step < end).value(), [&] {
      CopyTile(block_.lhs(), row_, step, stage);
      CopyTile(block_.rhs(), column_, step, stage);
    });
    b_.Call(Intrinsic::kCopyAsyncCommit);
  }

  void CopyTile(const ProductTile& tile, Value outer, Expr step, Expr stage) {
    const int threads = plan_.threads();
    for (int64_t i = 0; i * threads < tile.vectors(); ++i) {
      const Expr number = Thread() + static_cast<double>(i * threads);
      const auto copy = [&] { CopyVector(tile, number, outer, step, stage); };
      if ((i + 1) * threads <= tile.vectors()) {
        copy();
      } else {
        e_.If((number < static_cast<double>(tile.vectors())).value(), copy);
      }
    }
  }

  void CopyVector(const ProductTile& tile, Expr number, Value outer, Expr step, Expr stage) {
    const Expr line = Quotient(number, tile.pitch), vector = Remainder(number, tile.pitch);
    const Expr along = Wide(vector) * elements_;
    const Expr depth = step * plan_.depth;
    const Expr m = Expr(b_, outer) + (tile.plan->depth_major ? Wide(line) : along);
    const Expr k = depth + (tile.plan->depth_major ? along : Wide(line));
    const Expr to = block_.PlaceOf(tile, stage, line, vector);
    const int bytes = tile.plan->copy_bytes;
    if (bytes == 0) return LoadElements(tile, m, k, to);
    const int elements = bytes / ByteWidth(type_);
    for (int i = 0; i < elements_; i += elements) {
      const bool down = tile.plan->depth_major;
      const auto [address, inside] = AddressOf(tile, down ? m : m + i, down ? k + i : k);
      const Value wanted =
          b_.Select(inside, b_.Integer(kernel::kU32, bytes), b_.Integer(kernel::kU32, 0));
      b_.Call(
          Intrinsic::kCopyAsync,
          {(to + i).value(), b_.Select(inside, address, math_.Const(0)), wanted}, {bytes},
          {block_.tiles(), frame_.memory.operands[tile.operand->parameter->parameter_number()]});
    }
  }

  void LoadElements(const ProductTile& tile, Expr m, Expr k, Expr to) {
    kernel::Buffer* from = frame_.memory.operands[tile.operand->parameter->parameter_number()];
    std::vector<Value> lanes;
    for (int i = 0; i < elements_; ++i) {
      const bool down = tile.plan->depth_major;
      const auto [address, inside] = AddressOf(tile, down ? m : m + i, down ? k + i : k);
      kernel::AccessOptions options;
      options.mask = inside;
      lanes.push_back(b_.Load(from, b_.Select(inside, address, math_.Const(0)), 1, options));
    }
    kernel::AccessOptions options;
    options.alignment = kVectorBytes;
    b_.Store(block_.tiles(), to.value(), b_.Build(lanes), options);
  }

  // Where element (batch, m, k) is, and whether there is one.
  std::pair<Value, Value> AddressOf(const ProductTile& tile, Expr m, Expr k) {
    const std::vector<Value> at = {batch_, m.value(), k.value()};
    Value inside =
        b_.And(Below(m, tile.outer_size, tile.outer), Below(k, tile.depth_size, plan_.depth));
    for (const IndexCondition& condition : tile.operand->map.conditions) {
      const Value value = math_.Emit(condition.value, at);
      inside = b_.And(inside, b_.And(b_.Ge(value, math_.Const(condition.lower)),
                                     b_.Lt(value, math_.Const(condition.limit))));
    }
    return {math_.Emit(tile.address, at), inside};
  }
  Value Below(Expr coordinate, int64_t size, int tile) {
    if (size % tile == 0) return b_.True();
    return (coordinate < static_cast<double>(size)).value();
  }

  // ----- results

  void StoreTile() {
    const int lanes = plan_.lanes, pitch = plan_.columns / lanes;
    const int threads = plan_.threads();
    const Value each = b_.Index(int64_t{1} * plan_.rows * pitch / threads);
    b_.For(b_.Index(0), each, b_.Index(1), [&](Value i) {
      e_.Scoped([&] {
        const Expr number = Expr(b_, i) * threads + Thread();
        const Expr row = Quotient(number, pitch), column = Remainder(number, pitch) * lanes;
        const Expr m = Expr(b_, row_) + Wide(row), n = Expr(b_, column_) + Wide(column);
        const Value inside =
            b_.And(Below(m, product_.rows, plan_.rows), Below(n, product_.columns, plan_.columns));
        e_.If(inside, [&] {
          const Expr place = row * static_cast<double>(plan::SumPitch(plan_)) + column;
          StoreSums(m, n, b_.Load(pass_, place.value(), lanes, SumAccess()));
        });
      });
    });
  }

  // Of the sums that are stored together.
  kernel::AccessOptions SumAccess() const {
    kernel::AccessOptions options;
    options.alignment = std::min<int>(kVectorBytes, plan_.lanes * ByteWidth(block_.sum_type()));
    return options;
  }

  void StoreSums(Expr m, Expr n, Value sums) {
    if (plan_.splits == 1) return space_.Store(batch_, m.value(), n.value(), sums);
    const Expr part = Expr(b_, split_) * static_cast<double>(product_.batch) + Expr(b_, batch_);
    const Expr row = part * static_cast<double>(product_.rows) + m;
    b_.Store(frame_.memory.scratch[0], (row * static_cast<double>(product_.columns) + n).value(),
             sums, SumAccess());
  }

  // The second kernel of a product that is split: a thread puts together what it stores.
  void Combine() {
    const int lanes = plan_.lanes;
    const int64_t elements = product_.batch * product_.rows * product_.columns;
    const Expr block = Wide({b_, b_.BlockId()});
    const Expr first = (block * frame_.plan.block_threads + Wide(Thread())) * lanes;
    e_.If((first < static_cast<double>(elements)).value(), [&] {
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

  Frame& frame_;
  const ContractionPlan& plan_;
  const plan::Product& product_;
  kernel::Builder& b_;
  ElementEmitter& e_;
  IndexMath& math_;
  ProductBlock block_;
  const ElementType type_;  // of the matrices
  const int elements_;      // of a vector
  ProductSpace space_;
  std::unique_ptr<ProductUnitLowering> unit_;
  kernel::Buffer* pass_ = nullptr;
  int64_t steps_ = 0;
  // Of the block: its part of depth, batch, first row and column.
  Value split_ = nullptr, batch_ = nullptr, row_ = nullptr, column_ = nullptr;
  Value first_step_ = nullptr, end_step_ = nullptr;
};

}  // namespace

void LowerContraction(Frame& frame) {
  const absl::StatusOr<plan::ProductFusion> product = plan::MakeProductFusion(frame.fusion);
  if (!product.ok()) return frame.context.Fail(product.status());
  ContractionLowering(frame, *product).Run();
}

}  // namespace ingot::lower
