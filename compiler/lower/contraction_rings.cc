#include "compiler/lower/contraction_rings.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "compiler/plan/contraction.h"
#include "ir/base/integers.h"
#include "ir/base/status.h"

namespace ingot::lower {

using kernel::Expr;
using kernel::Intrinsic;
using kernel::Value;

namespace {

constexpr int kThreads = 128;    // of a warpgroup
constexpr int kStepsAhead = 2;   // of threads that copy, besides the one that they begin
constexpr int kLinesAtOnce = 2;  // of elements that a thread loads one by one

}  // namespace

int64_t Ring::depth_step() const {
  const int lines = kUnitDepthBytes / ByteWidth(tiles->element);
  return (depth_major ? kUnitDepthBytes : lines * plan::kTileLineBytes) / kDescriptorUnit;
}
int64_t Ring::row_step() const { return bytes() / outer * kUnitRows / kDescriptorUnit; }
int64_t Ring::stage_step() const { return bytes() / kDescriptorUnit; }

void Await(kernel::Builder& b, kernel::Buffer* barriers, Value number, Value parity,
           Intrinsic row) {
  b.While([&] { return b.Not(b.Call(row, {number, parity}, {}, {barriers})); }, [] {});
}

ProductRings::ProductRings(Frame& frame, const plan::Product& product, ProductParts& parts)
    : frame_(frame),
      plan_(frame.plan.contraction()),
      product_(product),
      b_(frame.builder),
      e_(frame.emitter),
      math_(frame.context.math),
      parts_(parts) {}

bool ProductRings::Declare(int consumer_warps) {
  consumer_warps_ = consumer_warps;
  if (!MakeRing("lhs", product_.lhs, plan_.lhs, plan_.rows, product_.rows, plan_.cluster_across,
                lhs_) ||
      !MakeRing("rhs", product_.rhs, plan_.rhs, plan_.columns, product_.columns, plan_.cluster,
                rhs_)) {
    return false;
  }
  frame_.kernel->launch().cluster = {plan_.cluster_blocks(), 1, 1};
  full_ = frame_.kernel->AddShared("full", ElementType::kU64, {plan_.stages});
  empty_ = frame_.kernel->AddShared("empty", ElementType::kU64, {plan_.stages});
  return true;
}

void ProductRings::Begin(const std::function<void()>& others) {
  e_.If(b_.Eq(b_.ThreadId(), b_.Index(0)), [&] {
    b_.For(b_.Index(0), b_.Index(plan_.stages), b_.Index(1), [&](Value stage) {
      b_.Call(Intrinsic::kMbarrierInit, {stage},
              {(EngineBytes() > 0 ? 1 : 0) + (ThreadsCopy() ? kWarpgroupWarps : 0)}, {full_});
      b_.Call(Intrinsic::kMbarrierInit, {stage}, {consumer_warps_ * plan_.cluster_blocks()},
              {empty_});
    });
    others();
    b_.Call(Intrinsic::kFenceMbarrierInit);
    for (const Ring* ring : {&lhs_, &rhs_}) {
      if (ring->map != nullptr) {
        b_.Call({.intrinsic = Intrinsic::kPrefetchMap, .maps = {ring->map}});
      }
    }
  });
  Meet(Intrinsic::kClusterArrive);
}

void ProductRings::End() {
  if (plan_.cluster_blocks() > 1) Meet(Intrinsic::kClusterArriveRelaxed);
}

void ProductRings::AwaitFull(const Turn& turn) {
  Await(b_, full_, b_.Read(turn.stage), b_.Read(turn.parity), Intrinsic::kMbarrierTryWait);
}

void ProductRings::Release(Value stage, Value condition) {
  const Value tells = b_.And(b_.Lt(b_.LaneId(), b_.Index(plan_.cluster_blocks())), condition);
  e_.If(tells, [&] {
    if (plan_.cluster_blocks() == 1) {
      b_.Call(Intrinsic::kMbarrierArrive, {stage}, {}, {empty_});
    } else {
      b_.Call(Intrinsic::kMbarrierArriveRemote, {stage, b_.Convert(b_.LaneId(), ElementType::kU32)},
              {}, {empty_});
    }
  });
}

// Each of `shares` blocks of the cluster brings a part of its tiles to all.
bool ProductRings::MakeRing(const char* name, const plan::ProductOperand& operand,
                            const plan::MatrixTile& tile, int outer, int64_t outer_size, int shares,
                            Ring& ring) {
  ring.outer = outer;
  ring.elements = int64_t{outer} * plan_.depth;
  ring.depth_major = tile.depth_major;
  ring.tiles = frame_.kernel->AddShared(name, operand.parameter->shape().element_type(),
                                        {plan_.stages * ring.elements});
  ring.tiles->alignment = kSwizzleLines * plan::kTileLineBytes;
  if (!tile.engine) {
    if (!ring.depth_major) ring.boxes = outer / LineElements(ring);
    // The last cluster's tiles may be partly or all outside.
    const int tiles = &ring == &lhs_ ? plan_.cluster_rows() : plan_.cluster_columns();
    ring.copies.emplace(frame_, operand, tile, tiles, outer_size, plan_.depth, product_.depth);
    return true;
  }
  TensorMap map;
  if (absl::Status status = UseMap(operand, shares, ring, map); !status.ok()) {
    frame_.context.Fail(std::move(status));
    return false;
  }
  ring.map = frame_.kernel->AddMap(absl::StrCat(name, "_map"),
                                   frame_.memory.operands[operand.parameter->parameter_number()],
                                   std::move(map));
  return true;
}

// As digits where that can be, else as images.
absl::Status ProductRings::UseMap(const plan::ProductOperand& operand, int shares, Ring& ring,
                                  TensorMap& map) const {
  ring.shares = shares;
  const absl::StatusOr<plan::OperandDigits> digits = plan::DigitsOf(operand);
  absl::StatusOr<plan::OperandCopy> copy =
      digits.ok() ? plan::CopyOf(*digits, ring.outer, plan_.depth, shares) : digits.status();
  if (copy.ok()) {
    ring.sizes = digits->sizes;
    ring.digits = std::move(copy->digits);
    ring.boxes = copy->boxes;
    map = std::move(copy->map);
    return absl::OkStatus();
  }
  if (&operand != &product_.first() || shares > 1) return copy.status();
  INGOT_ASSIGN_OR_RETURN(ring.images, plan::ImagesOf(product_));
  INGOT_ASSIGN_OR_RETURN(plan::ImageCopy pixels,
                         plan::CopyOf(*ring.images, ring.tiles->element, ring.outer, plan_.depth));
  ring.boxes = pixels.boxes;
  map = std::move(pixels.map);
  return absl::OkStatus();
}
int ProductRings::LineElements(const Ring& ring) {
  return plan::kTileLineBytes / ByteWidth(ring.tiles->element);
}

ProductRings::Turn ProductRings::FirstTurn() {
  return {b_.DeclareVar("stage", b_.Index(0)),
          b_.DeclareVar("parity", b_.Integer(kernel::kU32, 0))};
}
void ProductRings::Advance(const Turn& turn) {
  const Value next = b_.Add(b_.Read(turn.stage), b_.Index(1));
  const Value wraps = b_.Eq(next, b_.Index(plan_.stages));
  const Value parity = b_.Read(turn.parity);
  b_.Write(turn.stage, b_.Select(wraps, b_.Index(0), next));
  b_.Write(turn.parity, b_.Select(wraps, b_.Xor(parity, b_.Integer(kernel::kU32, 1)), parity));
}

void ProductRings::ForParts(const std::function<void(const ProductPart&)>& body) {
  const int64_t count = parts_.count(), clusters = frame_.plan.blocks / plan_.cluster_blocks();
  const Value cluster = math_.Div(math_.Convert(b_.BlockId()), plan_.cluster_blocks());
  e_.For(cluster, math_.Const(count), clusters, [&](Value number) {
    body(parts_.Find({b_, number}));
  });
}

void ProductRings::Produce() {
  if (plan_.producer_registers > 0) {
    b_.Call(Intrinsic::kSetMaxRegistersDown, {}, {plan_.producer_registers});
  }
  if (ThreadsCopy()) return ProduceByThreads();
  e_.If(b_.Eq(b_.ThreadId(), b_.Index(0)), [&] {
    const Turn turn = FirstTurn();
    ForParts([&](const ProductPart& part) {
      e_.For(part.first_step, part.end_step, 1, [&](Value step) {
        AwaitEmpty(turn);
        CopyByEngine(part, step, b_.Read(turn.stage));
        Advance(turn);
      });
    });
  });
}
bool ProductRings::ThreadsCopy() const {
  return lhs_.copies.has_value() || rhs_.copies.has_value();
}
int64_t ProductRings::EngineBytes() const {
  return (lhs_.copies.has_value() ? 0 : lhs_.bytes()) +
         (rhs_.copies.has_value() ? 0 : rhs_.bytes());
}
void ProductRings::AwaitEmpty(const Turn& turn) {
  Await(b_, empty_, b_.Read(turn.stage), b_.Xor(b_.Read(turn.parity), b_.Integer(kernel::kU32, 1)),
        plan_.cluster_blocks() > 1 ? Intrinsic::kMbarrierTryWaitCluster
                                   : Intrinsic::kMbarrierTryWait);
}

void ProductRings::CopyByEngine(const ProductPart& part, Value step, Value stage) {
  b_.Call(Intrinsic::kMbarrierArriveExpect, {stage, b_.Integer(kernel::kU32, EngineBytes())}, {},
          {full_});
  if (!lhs_.copies.has_value()) CopyBoxes(lhs_, part, part.row, step, stage);
  if (!rhs_.copies.has_value()) CopyBoxes(rhs_, part, part.column, step, stage);
}

// All threads copy; a stage is handed over when kStepsAhead later ones are under way.
void ProductRings::ProduceByThreads() {
  const Turn turn = FirstTurn(), landed = FirstTurn();
  kernel::Var* ahead = b_.DeclareVar("ahead", b_.Index(0));
  // Products hold on to a stage until those of the next are under way.
  const int most = std::min(kStepsAhead, plan_.stages - 2);
  ForParts([&](const ProductPart& part) {
    e_.For(part.first_step, part.end_step, 1, [&](Value step) {
      AwaitEmpty(turn);
      const Value stage = b_.Read(turn.stage);
      if (EngineBytes() > 0) {
        e_.If(b_.Eq(b_.ThreadId(), b_.Index(0)), [&] { CopyByEngine(part, step, stage); });
      }
      if (lhs_.copies.has_value()) CopyVectors(lhs_, part, part.row, step, stage);
      if (rhs_.copies.has_value()) CopyVectors(rhs_, part, part.column, step, stage);
      b_.Call(Intrinsic::kCopyAsyncCommit);
      Advance(turn);
      const Value is_full = b_.Eq(b_.Read(ahead), b_.Index(most));
      e_.If(
          is_full,
          [&] {
            b_.Call(Intrinsic::kCopyAsyncWait, {}, {most});
            HandOver(landed);
          },
          [&] { b_.Write(ahead, b_.Add(b_.Read(ahead), b_.Index(1))); });
    });
  });
  b_.Call(Intrinsic::kCopyAsyncWait, {}, {0});
  e_.For(b_.Index(0), b_.Read(ahead), 1, [&](Value) { HandOver(landed); });
}
// What this warp has copied is seen by products.
void ProductRings::HandOver(const Turn& landed) {
  b_.Call(Intrinsic::kFenceProxyAsyncShared);
  b_.Call(Intrinsic::kWarpSync);
  e_.If(b_.Eq(b_.LaneId(), b_.Index(0)),
        [&] { b_.Call(Intrinsic::kMbarrierArrive, {b_.Read(landed.stage)}, {}, {full_}); });
  Advance(landed);
}

void ProductRings::CopyVectors(const Ring& ring, const ProductPart& part, Value first, Value step,
                               Value stage) {
  const int elements = kDescriptorUnit / ByteWidth(ring.tiles->element);
  const int pieces = plan::kTileLineBytes / kDescriptorUnit;  // of a line
  const Expr thread(b_, b_.ThreadId());
  const Expr depth(b_, math_.Mul(step, plan_.depth));
  const Expr tile = Expr(b_, stage) * static_cast<double>(ring.elements / elements);
  const Expr piece = Remainder(thread, pieces);
  const int lines = static_cast<int>(ring.bytes() / plan::kTileLineBytes);
  const int together = kThreads / pieces;  // lines that the threads copy at once
  const auto copy_lines = [&](Expr at, bool all) {
    const Expr to = (tile + at * pieces + (piece ^ Remainder(at, kSwizzleLines))) * elements;
    Expr m = Expr(b_, first), k = depth;
    if (ring.depth_major) {
      m = m + parts_.Wide(at);
      k = k + parts_.Wide(piece * elements);
    } else {
      m = m + parts_.Wide(Quotient(at, plan_.depth) * LineElements(ring) + piece * elements);
      k = k + parts_.Wide(Remainder(at, plan_.depth));
    }
    const auto copy = [&] { ring.copies->CopyVector(part.batch, m, k, ring.tiles, to); };
    if (all) return copy();
    e_.If((at < lines).value(), copy);
  };
  const Expr own = Quotient(thread, pieces);
  if (ring.copies->one_by_one() && lines % together == 0) {
    // What addresses are made of does not fit registers for all lines.
    return e_.For(
        b_.Index(0), b_.Index(lines), together,
        [&](Value line) { copy_lines(own + Expr(b_, line), /*all=*/true); }, kLinesAtOnce);
  }
  for (int line = 0; line < lines; line += together) {
    copy_lines(own + line, line + together <= lines);
  }
}

void ProductRings::CopyBoxes(const Ring& ring, const ProductPart& part, Value first, Value step,
                             Value stage) {
  Value depth = math_.Mul(step, plan_.depth);
  if (ring.images.has_value()) return CopyPixels(ring, part, first, depth, stage);
  Value tile = b_.Mul(stage, b_.Index(ring.elements));
  if (ring.shares > 1) {
    // This block's lines of each box.
    const bool is_lhs = &ring == &lhs_;
    const Value rank = (is_lhs ? parts_.ClusterColumn() : parts_.ClusterRow()).value();
    const int64_t lines = ring.map->recipe.box[1];
    Value& side = ring.depth_major ? first : depth;
    side = b_.Add(side, math_.Convert(b_.Mul(rank, b_.Index(lines))));
    tile = b_.Add(tile, b_.Mul(rank, b_.Index(ring.box_elements() / ring.shares)));
  }
  for (int box = 0; box < ring.boxes; ++box) {
    const Value at[] = {part.batch, math_.Add(first, int64_t{box} * LineElements(ring)), depth};
    std::vector<Value> operands = {b_.Add(tile, b_.Index(box * ring.box_elements())), stage};
    if (ring.shares > 1) operands.push_back(Sharers(ring));
    const std::vector<Value> places = parts_.PlacesOf(ring.digits, ring.sizes, at);
    operands.insert(operands.end(), places.begin(), places.end());
    b_.Call(
        {.intrinsic = ring.shares > 1 ? Intrinsic::kTensorLoadMulticast : Intrinsic::kTensorLoad,
         .buffers = {ring.tiles, full_},
         .maps = {ring.map}},
        operands);
  }
}

// A bit for each block of the cluster that has the same tile.
Value ProductRings::Sharers(const Ring& ring) {
  const bool is_lhs = &ring == &lhs_;
  int64_t bits = 0;
  for (int i = 0; i < ring.shares; ++i) bits |= int64_t{1} << (is_lhs ? i * plan_.cluster : i);
  const auto number = [&](int64_t value) { return b_.Integer(kernel::kU32, value); };
  const Value first =
      is_lhs ? parts_.ClusterRow().value() : (parts_.ClusterColumn() * plan_.cluster).value();
  return b_.Convert(b_.Shl(number(bits), b_.Convert(first, ElementType::kU32)), ElementType::kU16);
}

// Boxes of pixels from one pixel on, at a place and from a channel on.
void ProductRings::CopyPixels(const Ring& ring, const ProductPart& part, Value first, Value depth,
                              Value stage) {
  const plan::ProductImages& images = *ring.images;
  const Value tile = b_.Mul(stage, b_.Index(ring.elements));
  const auto coordinate = [&](Value value) { return b_.Convert(value, ElementType::kS32); };
  std::vector<Value> pixel;
  Value pixels = ring.depth_major ? first : depth;
  for (const plan::ImageDimension& d : images.dimensions) {
    const Value at = math_.Mul(math_.Rem(pixels, d.pixels), d.step);
    pixel.push_back(coordinate(math_.Add(at, d.first)));
    pixels = math_.Div(pixels, d.pixels);
  }
  pixel.push_back(coordinate(pixels));
  constexpr Intrinsic kRows[] = {Intrinsic::kTensorLoadIm2col3d, Intrinsic::kTensorLoadIm2col4d,
                                 Intrinsic::kTensorLoadIm2col5d};
  for (int box = 0; box < ring.boxes; ++box) {
    Value places = ring.depth_major ? depth : math_.Add(first, int64_t{box} * LineElements(ring));
    const Value channel =
        b_.Add(math_.Rem(places, images.channels), math_.Mul(part.batch, images.channels));
    places = math_.Div(places, images.channels);
    std::vector<Value> operands = {b_.Add(tile, b_.Index(box * ring.box_elements())), stage};
    for (const plan::ImageDimension& d : images.dimensions) {
      Value place = math_.Rem(places, d.places);
      if (d.reversed) place = b_.Sub(math_.Const(d.places - 1), place);
      operands.push_back(b_.Convert(math_.Mul(place, d.place_step), ElementType::kU16));
      places = math_.Div(places, d.places);
    }
    operands.push_back(coordinate(channel));
    operands.insert(operands.end(), pixel.begin(), pixel.end());
    b_.Call({.intrinsic = kRows[images.dimensions.size() - 1],
             .buffers = {ring.tiles, full_},
             .maps = {ring.map}},
            operands);
  }
}

// Of the block, or of all blocks that bring it tiles.
void ProductRings::Meet(Intrinsic arrive) {
  if (plan_.cluster_blocks() == 1) return b_.Barrier();
  b_.Call(arrive);
  b_.Call(Intrinsic::kClusterWait);
}

}  // namespace ingot::lower
