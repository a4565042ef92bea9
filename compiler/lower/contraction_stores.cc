#include "compiler/lower/contraction_stores.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "compiler/lower/contraction_rings.h"
#include "compiler/plan/contraction.h"

namespace ingot::lower {

using kernel::Expr;
using kernel::Intrinsic;
using kernel::Value;

namespace {

// Of a warp's sums, a thread's four of two times 8 rows by 8 columns; four threads have a row.
constexpr int kGroupRows = 8, kGroupColumns = 8, kGroupSums = 4, kGroupLanes = 4;
// Groups whose results are made at once: few, so that registers hold them and the code is short;
// many where elements of another matrix are read, so that much is under way.
constexpr int kFewGroups = 2, kManyGroups = 4;
// Boxes of another matrix that are loaded before those that are made.
constexpr int kMostAhead = 2;

}  // namespace

EngineStores::EngineStores(Frame& frame, const plan::ProductFusion& product, ProductParts& parts)
    : frame_(frame),
      plan_(frame.plan.contraction()),
      product_(product.product),
      b_(frame.builder),
      parts_(parts),
      epilogue_(plan_.splits > 1 ? plan::Epilogue{} : plan::EpilogueOf(frame.fusion, product)) {}

bool EngineStores::Declare(int warps) {
  absl::StatusOr<std::vector<plan::ResultCopy>> copies =
      plan_.splits > 1 ? plan::PartialCopyOf(product_, plan_.splits)
                       : plan::ResultCopiesOf(frame_.fusion);
  if (!copies.ok()) {
    frame_.context.Fail(copies.status());
    return false;
  }
  for (size_t i = 0; i < copies->size(); ++i) {
    plan::ResultCopy& copy = (*copies)[i];
    kernel::Buffer* buffer = plan_.splits > 1 ? frame_.memory.scratch[0] : frame_.memory.results[i];
    kernel::MapParameter* map =
        frame_.kernel->AddMap(absl::StrCat("result", i, "_map"), buffer, copy.map);
    results_.push_back({std::move(copy), map});
  }
  const ElementType type = results_[0].copy.map.element_type;
  line_ = plan::kTileLineBytes / ByteWidth(type);
  sets_ = plan_.store_boxes / static_cast<int>(results_.size());
  boxes_ = frame_.kernel->AddShared("boxes", type,
                                    {warps * plan_.store_boxes, plan::kStoredRows, line_});
  boxes_->alignment = kSwizzleLines * plan::kTileLineBytes;
  reads_ = epilogue_.reads;
  if (!plan_.load_boxes) return true;
  absl::StatusOr<plan::MatrixRead> read = plan::MatrixReadOf(frame_.fusion);
  if (!read.ok()) {
    frame_.context.Fail(read.status());
    return false;
  }
  loaded_ = *std::move(read);
  reads_ = loaded_->others;
  loaded_map_ = frame_.kernel->AddMap(
      "loaded_map", frame_.memory.operands[loaded_->parameter->parameter_number()],
      loaded_->copy.map);
  arrived_ = frame_.kernel->AddShared("arrived", ElementType::kU64, {warps * sets_});
  ahead_ = std::min(kMostAhead, sets_ - 1);
  return true;
}

void EngineStores::Begin() {
  if (!loaded_.has_value()) return;
  b_.For(b_.Index(0), b_.Index(arrived_->count()), b_.Index(1),
         [&](Value box) { b_.Call(Intrinsic::kMbarrierInit, {box}, {1}, {arrived_}); });
}

void EngineStores::BeginWarp(Value warp) {
  warp_ = warp;
  if (loaded_.has_value()) {
    parities_ = b_.DeclareVar("parities", b_.Integer(kernel::kU32, 0));
  }
}

void EngineStores::End() {
  First([&] { b_.Call(Intrinsic::kBulkWait, {}, {0}); });
}

void EngineStores::First(const std::function<void()>& body) {
  frame_.emitter.If(b_.Eq(b_.LaneId(), b_.Index(0)), body);
}

EngineStores::Box EngineStores::BoxOf(Expr i, Expr row, int step) {
  const int of_piece = plan_.columns / line_;
  const Expr set = Remainder(i, sets_);
  return {set, Expr(b_, warp_) * (plan_.store_boxes * box_elements()) + set * set_elements(),
          row + Quotient(i, of_piece) * step, Remainder(i, of_piece) * line_};
}

void EngineStores::Prefetch(const ProductPart& part, Expr row, int step, int count) {
  if (!loaded_.has_value()) return;
  for (int i = 0; i < std::min(ahead_, count * plan_.columns / line_); ++i) {
    Load(part, BoxOf({b_, b_.Index(i)}, row, step), /*stores_under_way=*/0);
  }
}

void EngineStores::Load(const ProductPart& part, const Box& box, int stores_under_way) {
  First([&] {
    b_.Call(Intrinsic::kBulkWaitRead, {}, {stores_under_way});
    const Value barrier = (Expr(b_, warp_) * sets_ + box.set).value();
    b_.Call(Intrinsic::kMbarrierArriveExpect,
            {barrier, b_.Integer(kernel::kU32, plan::kStoredRows * plan::kTileLineBytes)}, {},
            {arrived_});
    std::vector<Value> operands = {box.first.value(), barrier};
    const std::vector<Value> places =
        PlacesOf(loaded_->copy, part, RowOf(part, box).value(), ColumnOf(part, box).value());
    operands.insert(operands.end(), places.begin(), places.end());
    b_.Call(
        {.intrinsic = Intrinsic::kTensorLoad, .buffers = {boxes_, arrived_}, .maps = {loaded_map_}},
        operands);
  });
}

void EngineStores::AwaitLoaded(const Box& box) {
  const Value set = b_.Convert(box.set.value(), ElementType::kU32);
  const Value one = b_.Integer(kernel::kU32, 1);
  const Value barrier = (Expr(b_, warp_) * sets_ + box.set).value();
  const Value parities = b_.Read(parities_);
  const Value parity = b_.And(b_.Lshr(parities, set), one);
  Await(b_, arrived_, barrier, parity, Intrinsic::kMbarrierTryWait);
  b_.Write(parities_, b_.Xor(parities, b_.Shl(one, set)));
}

std::vector<Value> EngineStores::PlacesOf(const plan::ResultCopy& copy, const ProductPart& part,
                                          Value m, Value n) {
  Value batch = part.batch;
  if (plan_.splits > 1) {
    const Expr split = Expr(b_, part.split) * static_cast<double>(product_.batch);
    batch = (split + Expr(b_, part.batch)).value();
  }
  return parts_.PlacesOf(copy.digits, copy.sizes, {batch, m, n});
}

void EngineStores::Store(const ProductPart& part, Expr row, int step,
                         absl::Span<kernel::Var* const> sums) {
  const int of_piece = plan_.columns / line_, groups = line_ / kGroupColumns;
  const int count = static_cast<int>(sums.size()) * of_piece;
  // What the part before has stored.
  if (!loaded_.has_value()) First([&] { b_.Call(Intrinsic::kBulkWaitRead, {}, {0}); });
  const auto load_ahead = [&](Expr i) {
    Load(part, BoxOf(i + ahead_, row, step), /*stores_under_way=*/sets_ - ahead_ - 1);
  };
  if (epilogue_.operations <= plan::kMostUnrolledOperations) {
    for (int i = 0; i < count; ++i) {
      const Expr number(b_, b_.Index(i));
      const Box box = BoxOf(number, row, step);
      const auto ahead = [&] {
        if (i + ahead_ < count) load_ahead(number);
      };
      StoreBox(part, box, /*turns=*/1, ahead, [&](const Rows& m) {
        for (int group = 0; group < groups; ++group) {
          Fill(part, box, m, Expr(b_, b_.Index(group)), sums[i / of_piece],
               kGroupSums * (i % of_piece * groups + group));
        }
      });
    }
    return;
  }
  // The code is there once, for some groups of columns, whose sums are copied to where it reads.
  const bool reads_matrix = epilogue_.reads_matrix && !loaded_.has_value();
  const int at_once = epilogue_.operations <= plan::kMostWideOperations
                          ? groups
                          : std::min(groups, reads_matrix ? kManyGroups : kFewGroups);
  const int turns = groups / at_once;
  kernel::Var* passed =
      b_.DeclareVar("passed", b_.Read(sums[0], b_.Index(0)), at_once * kGroupSums);
  frame_.emitter.For(b_.Index(0), b_.Index(count), 1, [&](Value number) {
    const Expr i(b_, number);
    const Box box = BoxOf(i, row, step);
    const auto ahead = [&] {
      frame_.emitter.If((i < static_cast<double>(count - ahead_)).value(), [&] { load_ahead(i); });
    };
    StoreBox(part, box, turns, ahead, [&](const Rows& m) {
      const auto fill = [&](Value turn) {
        const Value at = (i * turns + Expr(b_, turn)).value();
        for (int from = 0; from < count * turns; ++from) {
          frame_.emitter.If(b_.Eq(at, b_.Index(from)), [&] {
            CopySums(sums[from / (of_piece * turns)], from % (of_piece * turns),
                     at_once * kGroupSums, passed);
          });
        }
        for (int group = 0; group < at_once; ++group) {
          Fill(part, box, m, Expr(b_, turn) * at_once + group, passed, group * kGroupSums);
        }
      };
      if (turns == 1) return fill(b_.Index(0));
      frame_.emitter.For(b_.Index(0), b_.Index(turns), 1, [&](Value turn) {
        fill(turn);
        StoreFilled();
      });
    });
  });
}

void EngineStores::CopySums(kernel::Var* sums, int number, int count, kernel::Var* to) {
  for (int k = 0; k < count; ++k) {
    b_.Write(to, b_.Read(sums, b_.Index(number * count + k)), b_.Index(k));
  }
}

Expr EngineStores::RowOf(const ProductPart& part, const Box& box) {
  return Expr(b_, part.row) + parts_.Wide(box.row);
}
Expr EngineStores::ColumnOf(const ProductPart& part, const Box& box) {
  return Expr(b_, part.column) + parts_.Wide(box.column);
}

// What is outside of the product is not stored; where memory is read for it, it is made as if it
// were the box's first row or column: so a warp reads nothing that another stores.
Value EngineStores::Within(Expr at, Expr first, int64_t size, int tile) {
  if (!reads_) return at.value();
  const Value inside = Below(at, size, tile);
  return inside->IsConstant() ? at.value() : b_.Select(inside, at.value(), first.value());
}

void EngineStores::StoreBox(const ProductPart& part, const Box& box, int turns,
                            const std::function<void()>& load_ahead,
                            const std::function<void(const Rows&)>& fill) {
  const Expr m = RowOf(part, box), n = ColumnOf(part, box);
  // The engine stores nothing outside of the array.
  Value inside = b_.True();
  if (reads_) {
    inside = b_.And(Below(m, product_.rows, plan_.cluster_rows()),
                    Below(n, product_.columns, plan_.cluster_columns()));
  }
  if (loaded_.has_value()) AwaitLoaded(box);
  frame_.emitter.If(inside, [&] {
    Rows rows;
    for (int half = 0; half < 2; ++half) {
      const Expr in_box = Quotient({b_, b_.LaneId()}, kGroupLanes) + half * kGroupRows;
      rows[half] = Within(m + parts_.Wide(in_box), m, product_.rows, plan_.cluster_rows());
    }
    if (turns == 1) fill(rows);
    if (!loaded_.has_value()) {
      // The engine has read what was in these boxes.
      First([&] { b_.Call(Intrinsic::kBulkWaitRead, {}, {sets_ - 1}); });
      b_.Call(Intrinsic::kWarpSync);
    }
    if (turns > 1) fill(rows);
    StoreFilled();
  });
  if (loaded_.has_value()) load_ahead();
  frame_.emitter.If(inside, [&] {
    b_.Call(Intrinsic::kFenceProxyAsyncShared);
    b_.Call(Intrinsic::kWarpSync);
    First([&] {
      for (size_t r = 0; r < results_.size(); ++r) {
        const Result& result = results_[r];
        std::vector<Value> operands = {(box.first + static_cast<int>(r) * box_elements()).value()};
        const std::vector<Value> places = PlacesOf(result.copy, part, m.value(), n.value());
        operands.insert(operands.end(), places.begin(), places.end());
        b_.Call({.intrinsic = Intrinsic::kTensorStore, .buffers = {boxes_}, .maps = {result.map}},
                operands);
      }
    });
  });
  // A group of none where the box is outside, so that groups are boxes that take turns.
  First([&] { b_.Call(Intrinsic::kBulkCommit); });
}

void EngineStores::StoreFilled() {
  kernel::AccessOptions options;
  options.alignment = plan::kStoredLanes * ByteWidth(boxes_->element);
  for (const auto& [place, value] : filled_) b_.Store(boxes_, place, value, options);
  filled_.clear();
}

// Register i of a thread is row lane / 4 + 8 (i / 2 mod 2) of its warp's, column 8 (i / 4) +
// 2 (lane mod 4) + i mod 2.
void EngineStores::Fill(const ProductPart& part, const Box& box, const Rows& rows, Expr group,
                        kernel::Var* sums, int first_sum) {
  const Expr lane(b_, b_.LaneId());
  const Expr row = Quotient(lane, kGroupLanes);
  const Expr column = Remainder(lane, kGroupLanes) * plan::kStoredLanes + group * kGroupColumns;
  const Expr first = ColumnOf(part, box);
  const Value n =
      Within(first + parts_.Wide(column), first, product_.columns, plan_.cluster_columns());
  const kernel::Type pair_type = kernel::Type(boxes_->element).WithLanes(plan::kStoredLanes);
  const int unit = kDescriptorUnit / ByteWidth(boxes_->element);  // elements of 16 bytes
  const Expr in_line = (Quotient(column, unit) ^ row) * unit + Remainder(column, unit);
  for (int half = 0; half < 2; ++half) {
    const int from = first_sum + 2 * half;
    const Value pair = b_.Build({b_.Read(sums, b_.Index(from)), b_.Read(sums, b_.Index(from + 1))});
    const Expr place = box.first + (row + half * kGroupRows) * line_ + in_line;
    MatrixElements elements;
    if (loaded_.has_value()) {
      kernel::AccessOptions options;
      options.alignment = plan::kStoredLanes * ByteWidth(boxes_->element);
      const Value loaded = b_.Load(boxes_, place.value(), plan::kStoredLanes, options);
      const kernel::Type type = kernel::Type(loaded_->parameter->shape().element_type());
      elements = {loaded_->parameter, loaded_->consumer,
                  b_.Bitcast(loaded, type.WithLanes(plan::kStoredLanes))};
    }
    const std::vector<Value> made = parts_.Make(
        part, rows[half], n,
        b_.Bitcast(pair, kernel::Type(product_.sum_type()).WithLanes(plan::kStoredLanes)),
        elements);
    for (size_t r = 0; r < made.size(); ++r) {
      filled_.emplace_back((place + static_cast<int>(r) * box_elements()).value(),
                           b_.Bitcast(made[r], pair_type));
    }
  }
}

}  // namespace ingot::lower
