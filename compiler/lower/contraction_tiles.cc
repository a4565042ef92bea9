// The contraction skeleton: products of matrices, whose tiles cp.async brings to shared memory.
// plan::ContractionPlan says which tile a block has, and what multiplies.
#include "compiler/lower/contraction_block.h"
#include "compiler/lower/contraction_parts.h"
#include "compiler/lower/contraction_pipeline.h"
#include "compiler/plan/contraction.h"

namespace ingot::lower {

using kernel::Expr;
using kernel::Intrinsic;
using kernel::Value;
using plan::ContractionPlan;

namespace {

class ContractionLowering {
 public:
  ContractionLowering(Frame& frame, const plan::ProductFusion& product)
      : frame_(frame),
        plan_(frame.plan.contraction()),
        b_(frame.builder),
        e_(frame.emitter),
        block_(frame, product.product),
        elements_(block_.elements()),
        parts_(frame, product) {}

  void Run() {
    part_ = parts_.Find(parts_.Wide({b_, b_.BlockId()}));
    Declare();
    Multiply();
    unit_->Pass(pass_);
    b_.Barrier();
    StoreTile();
  }

 private:
  Expr Small(int64_t value) { return {b_, b_.Index(value)}; }
  Expr Thread() { return {b_, b_.ThreadId()}; }

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
    const Expr first(b_, part_.first_step), end(b_, part_.end_step);
    for (int stage = 0; stage + 1 < plan_.stages; ++stage) {
      Copy(first + stage, end, Small(stage));
    }
    e_.For(part_.first_step, part_.end_step, 1, [&](Value at) {
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
      CopyTile(block_.lhs(), part_.row, step, stage);
      CopyTile(block_.rhs(), part_.column, step, stage);
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
    const Expr along = parts_.Wide(vector) * elements_;
    const Expr depth = step * plan_.depth;
    const Expr m = Expr(b_, outer) + (tile.plan->depth_major ? parts_.Wide(line) : along);
    const Expr k = depth + (tile.plan->depth_major ? along : parts_.Wide(line));
    tile.copies.CopyVector(part_.batch, m, k, block_.tiles(),
                           block_.PlaceOf(tile, stage, line, vector));
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
        parts_.Store(part_, row, column, [&] {
          const Expr place = row * static_cast<double>(plan::SumPitch(plan_)) + column;
          return b_.Load(pass_, place.value(), lanes, parts_.SumAccess());
        });
      });
    });
  }

  Frame& frame_;
  const ContractionPlan& plan_;
  kernel::Builder& b_;
  ElementEmitter& e_;
  ProductBlock block_;
  const int elements_;  // of a vector
  ProductParts parts_;
  std::unique_ptr<ProductUnitLowering> unit_;
  kernel::Buffer* pass_ = nullptr;
  ProductPart part_;
};

}  // namespace

void LowerContraction(Frame& frame) {
  const absl::StatusOr<plan::ProductFusion> product =
      plan::MakeProductFusion(frame.fusion, frame.plan.contraction().lanes);
  if (!product.ok()) return frame.context.Fail(product.status());
  frame.LaunchBlocks();
  frame.builder.set_hlo(static_cast<int32_t>(product->product.instruction->id()));
  const plan::ContractionPlan& plan = frame.plan.contraction();
  if (plan.combines) {
    ProductParts(frame, *product).Combine();
  } else if (plan.wgmma) {
    LowerPipeline(frame, *product);
  } else {
    ContractionLowering(frame, *product).Run();
  }
}

}  // namespace ingot::lower
