#include "compiler/lower/contraction_pipeline.h"

#include <utility>
#include <vector>

#include "compiler/kernel/expr.h"
#include "compiler/kernel/matrix_descriptor.h"
#include "compiler/lower/contraction_parts.h"
#include "compiler/lower/contraction_rings.h"
#include "compiler/lower/contraction_stores.h"
#include "compiler/plan/contraction.h"
#include "ir/base/check.h"
#include "ir/base/integers.h"

namespace ingot::lower {

using kernel::Expr;
using kernel::Intrinsic;
using kernel::MatrixDescriptor;
using kernel::Value;
using plan::ContractionPlan;
using plan::ProductUnit;

namespace {

constexpr int kLanes = 32;
constexpr int kWarpRows = 16;  // of wgmma's 64
// Of what a warp stores between two waits, in turns of a vector for each lane.
constexpr int kMostTurnsAtOnce = 4;

Intrinsic RowOf(ProductUnit unit) {
  switch (unit) {
    case ProductUnit::kBf16:
      return Intrinsic::kWgmmaBf16;
    case ProductUnit::kF16:
      return Intrinsic::kWgmmaF16;
    case ProductUnit::kTf32:
      return Intrinsic::kWgmmaTf32;
    case ProductUnit::kS8:
      return Intrinsic::kWgmmaS8;
    case ProductUnit::kU8:
      return Intrinsic::kWgmmaU8;
    case ProductUnit::kF64:
    case ProductUnit::kFma:
      break;
  }
  INGOT_UNREACHABLE();
  return Intrinsic::kWgmmaBf16;
}

class PipelineLowering {
 public:
  PipelineLowering(Frame& frame, const plan::ProductFusion& product)
      : frame_(frame),
        plan_(frame.plan.contraction()),
        product_(product.product),
        b_(frame.builder),
        e_(frame.emitter),
        consumers_(plan_.row_warps / kWarpgroupWarps),
        row_pieces_(plan_.rows / consumers_ / kUnitRows),
        passed_columns_(plan::PassedColumns(plan_)),
        passed_pitch_(plan::PassedPitch(plan_)),
        parts_(frame, product),
        rings_(frame, product_, parts_),
        stores_(frame, product, parts_) {}

  void Run() {
    if (!rings_.Declare(kWarpgroupWarps * consumers_)) return;
    const int warps = kWarpgroupWarps * consumers_;
    if (plan_.store_boxes == 0) {
      passed_ = frame_.kernel->AddShared("passed", product_.sum_type(),
                                         {warps, plan::kPassedRows, passed_pitch_});
    } else if (!stores_.Declare(warps)) {
      return;
    }
    rings_.Begin([&] { stores_.Begin(); });
    b_.Roles({{{0, kWarpgroupWarps - 1}, [&] { rings_.Produce(); }},
              {{kWarpgroupWarps, kWarpgroupWarps * (consumers_ + 1) - 1}, [&] { Consume(); }}});
    rings_.End();
  }

 private:
  // ----- consumers

  void Consume() {
    if (plan_.consumer_registers > 0) {
      b_.Call(Intrinsic::kSetMaxRegistersUp, {}, {plan_.consumer_registers});
    }
    const Value group = b_.Sub(Quotient({b_, b_.WarpId()}, kWarpgroupWarps).value(), b_.Index(1));
    const ProductRings::Turn turn = rings_.FirstTurn();
    const Value lhs =
        DescriptorOf(rings_.lhs(), b_.Mul(group, b_.Index(row_pieces_ * rings_.lhs().row_step())));
    const Value rhs = DescriptorOf(rings_.rhs(), b_.Index(0));
    const Value warp = b_.Sub(b_.WarpId(), b_.Index(kWarpgroupWarps));
    const Expr row = Expr(b_, group) * (row_pieces_ * kUnitRows) +
                     Remainder({b_, warp}, kWarpgroupWarps) * kWarpRows;
    if (plan_.store_boxes > 0) stores_.BeginWarp(warp);
    rings_.ForParts([&](const ProductPart& part) {
      sums_.clear();
      if (plan_.store_boxes > 0) stores_.Prefetch(part, row, kUnitRows, row_pieces_);
      const bool integer = IsInteger(product_.sum_type());
      for (int piece = 0; piece < row_pieces_; ++piece) {
        const Value zero = integer ? b_.Integer(kernel::kS32, 0) : b_.Float(kernel::kF32, 0);
        sums_.push_back(b_.DeclareVar("sums", zero, plan_.columns / 2));
      }
      Multiply(part, turn, lhs, rhs);
      if (plan_.store_boxes == 0) return StoreSums(part, group);
      stores_.Store(part, row, kUnitRows, sums_);
    });
    if (plan_.store_boxes > 0) stores_.End();
  }

  // Of stage 0, at an offset in units of the descriptor.
  Value DescriptorOf(const Ring& ring, Value offset) {
    MatrixDescriptor descriptor;
    descriptor.swizzle_bytes = plan::kTileLineBytes;
    descriptor.stride = kSwizzleLines * plan::kTileLineBytes;
    descriptor.leading =
        ring.depth_major ? kDescriptorUnit : ring.box_elements() * ByteWidth(ring.tiles->element);
    const Value address = b_.Call(Intrinsic::kSharedAddress, {b_.Index(0)}, {}, {ring.tiles});
    const Value unit = b_.Add(b_.Lshr(address, b_.Integer(kernel::kU32, 4)),
                              b_.Convert(offset, ElementType::kU32));
    return b_.Add(b_.Convert(unit, ElementType::kU64),
                  b_.Integer(kernel::kU64, static_cast<int64_t>(descriptor.Encode())));
  }

  void Multiply(const ProductPart& part, const ProductRings::Turn& turn, Value lhs, Value rhs) {
    kernel::Var* before = b_.DeclareVar("before", b_.Index(0));
    e_.For(part.first_step, part.end_step, 1, [&](Value step) {
      const Value stage = b_.Read(turn.stage);
      rings_.AwaitFull(turn);
      const Value a = b_.Add(lhs, Offset(stage, rings_.lhs().stage_step()));
      const Value b = b_.Add(rhs, Offset(stage, rings_.rhs().stage_step()));
      b_.Call(Intrinsic::kWgmmaFence);
      const int pieces = plan_.depth * ByteWidth(rings_.lhs().tiles->element) / kUnitDepthBytes;
      const Value is_later = b_.Ne(step, part.first_step);
      for (int piece = 0; piece < pieces; ++piece) {
        for (int row = 0; row < row_pieces_; ++row) {
          Call(sums_[row],
               Plus(a, piece * rings_.lhs().depth_step() + row * rings_.lhs().row_step()),
               Plus(b, piece * rings_.rhs().depth_step()), piece == 0 ? is_later : b_.True());
        }
      }
      b_.Call(Intrinsic::kWgmmaCommit);
      // The products of the stage before are complete.
      b_.Call(Intrinsic::kWgmmaWait, {}, {1});
      rings_.Release(b_.Read(before), is_later);
      b_.Write(before, stage);
      rings_.Advance(turn);
    });
    b_.Call(Intrinsic::kWgmmaWait, {}, {0});
    rings_.Release(b_.Read(before), b_.True());
  }
  Value Offset(Value stage, int64_t step) {
    return b_.Convert(b_.Mul(b_.Convert(stage, ElementType::kU32), b_.Integer(kernel::kU32, step)),
                      ElementType::kU64);
  }
  Value Plus(Value descriptor, int64_t offset) {
    return b_.Add(descriptor, b_.Integer(kernel::kU64, offset));
  }

  void Call(kernel::Var* sums, Value a, Value b, Value accumulates) {
    kernel::IntrinsicAttributes call;
    call.intrinsic = RowOf(plan_.unit);
    call.immediates = {plan_.columns};
    call.vars = {sums};
    if (ByteWidth(rings_.lhs().tiles->element) == 2) {
      call.immediates.push_back(rings_.lhs().depth_major ? 0 : 1);
      call.immediates.push_back(rings_.rhs().depth_major ? 0 : 1);
    }
    b_.Call(call, {a, b, accumulates});
  }

  // ----- results

  // The sums go through shared memory, some columns of half a warp's rows at a time, so that stores
  // are of whole lines.
  void StoreSums(const ProductPart& part, Value group) {
    constexpr int kHalves = kWarpRows / plan::kPassedRows;
    const int chunks = plan_.columns / passed_columns_, of_piece = kHalves * chunks;
    const Value warp = b_.Sub(b_.WarpId(), b_.Index(kWarpgroupWarps));
    const Value place = b_.Mul(warp, b_.Index(plan::kPassedRows * passed_pitch_));
    e_.For(b_.Index(0), b_.Index(row_pieces_ * of_piece), 1, [&](Value number) {
      for (int i = 0; i < row_pieces_ * of_piece; ++i) {
        e_.If(b_.Eq(number, b_.Index(i)),
              [&] { Pass(sums_[i / of_piece], i % of_piece / kHalves, i % kHalves, place); });
      }
      b_.Call(Intrinsic::kWarpSync);
      const Expr piece = Quotient({b_, number}, of_piece);
      const Expr in_piece = Remainder({b_, number}, of_piece);
      const Expr in_group = Remainder({b_, b_.WarpId()}, kWarpgroupWarps);
      const Expr row = (Expr(b_, group) * row_pieces_ + piece) * kUnitRows + in_group * kWarpRows +
                       Remainder(in_piece, kHalves) * plan::kPassedRows;
      StoreChunk(part, Expr(b_, place), row, Quotient(in_piece, kHalves) * passed_columns_);
      b_.Call(Intrinsic::kWarpSync);
    });
  }

  // Register i of a thread is row lane / 4 + 8 (i / 2 mod 2) of its warp's, column 8 (i / 4) +
  // 2 (lane mod 4) + i mod 2.
  void Pass(kernel::Var* sums, int chunk, int half, Value place) {
    const Expr lane(b_, b_.LaneId());
    const Expr row = Quotient(lane, 4), column = Remainder(lane, 4) * 2;
    const Expr line = Expr(b_, place) + row * passed_pitch_;
    kernel::AccessOptions options;
    options.alignment = 2 * ByteWidth(product_.sum_type());
    for (int i = 0; i < passed_columns_ / 8; ++i) {
      const int from = chunk * passed_columns_ / 2 + 4 * i + 2 * half;
      const Value pair =
          b_.Build({b_.Read(sums, b_.Index(from)), b_.Read(sums, b_.Index(from + 1))});
      b_.Store(passed_, (line + PlaceOf(column + 8 * i)).value(),
               b_.Bitcast(pair, kernel::Type(product_.sum_type()).WithLanes(2)), options);
    }
  }

  void StoreChunk(const ProductPart& part, Expr place, Expr row, Expr column) {
    const int lanes = plan_.lanes, pitch = passed_columns_ / lanes;
    const int vectors = plan::kPassedRows * pitch;
    const Expr lane(b_, b_.LaneId());
    const auto store_turn = [&](Value i) {
      const Expr number = Expr(b_, i) * kLanes + lane;
      const Expr in_row = Quotient(number, pitch), in_column = Remainder(number, pitch) * lanes;
      const auto store = [&] {
        parts_.Store(part, row + in_row, column + in_column,
                     [&] { return LoadSums(place + in_row * passed_pitch_, in_column); });
      };
      if (vectors % kLanes == 0) return store();
      e_.If((number < vectors).value(), store);
    };
    const int turns = static_cast<int>(CeilDiv(vectors, kLanes));
    // Written one after the other, turns wait once for what all of them load.
    if (stores_.epilogue().reads && turns <= kMostTurnsAtOnce) {
      for (int i = 0; i < turns; ++i) store_turn(b_.Index(i));
    } else {
      e_.For(b_.Index(0), b_.Index(turns), 1, store_turn);
    }
  }
  // Of a column of those that are passed, in its line (contraction.h).
  Expr PlaceOf(Expr column) {
    const int parts = plan::PassedParts(plan_);
    if (parts == 1) return column;
    const Expr part = Quotient(Remainder(column, plan_.lanes), 4);
    return part * (passed_columns_ / parts + plan::kPassedGap) + Quotient(column, plan_.lanes) * 4 +
           Remainder(column, 4);
  }
  Value LoadSums(Expr line, Expr column) {
    const int parts = plan::PassedParts(plan_);
    kernel::AccessOptions options = parts_.SumAccess();
    if (parts == 1) return b_.Load(passed_, (line + column).value(), plan_.lanes, options);
    std::vector<Value> lanes;
    for (int part = 0; part < parts; ++part) {
      const Value four = b_.Load(passed_, (line + PlaceOf(column + 4 * part)).value(), 4, options);
      for (int i = 0; i < 4; ++i) lanes.push_back(b_.Extract(four, i));
    }
    return b_.Build(lanes);
  }

  Frame& frame_;
  const ContractionPlan& plan_;
  const plan::Product& product_;
  kernel::Builder& b_;
  ElementEmitter& e_;
  const int consumers_;   // warpgroups that multiply
  const int row_pieces_;  // of each, 64 rows
  const int passed_columns_, passed_pitch_;
  ProductParts parts_;
  ProductRings rings_;
  EngineStores stores_;
  kernel::Buffer* passed_ = nullptr;
  std::vector<kernel::Var*> sums_;
};

}  // namespace

void LowerPipeline(Frame& frame, const plan::ProductFusion& product) {
  PipelineLowering(frame, product).Run();
}

}  // namespace ingot::lower
