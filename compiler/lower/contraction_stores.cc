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
// With more operations, boxes are made in a loop, so that the code is there once.
constexpr int kMostUnrolledOperations = 2;

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
  return true;
}

void EngineStores::End() {
  First([&] { b_.Call(Intrinsic::kBulkWait, {}, {0}); });
}

void EngineStores::First(const std::function<void()>& body) {
  frame_.emitter.If(b_.Eq(b_.LaneId(), b_.Index(0)), body);
}

// Boxes are the lines of one variable's sums, then those of the next.
void EngineStores::Store(const ProductPart& part, Value warp, Expr row, int step,
                         absl::Span<kernel::Var* const> sums) {
  const int of_piece = plan_.columns / line_, groups = line_ / kGroupColumns;
  const int count = static_cast<int>(sums.size()) * of_piece;
  const Expr first = Expr(b_, warp) * (plan_.store_boxes * box_elements());
  // What the part before has stored.
  First([&] { b_.Call(Intrinsic::kBulkWaitRead, {}, {0}); });
  if (epilogue_.operations <= kMostUnrolledOperations) {
    for (int i = 0; i < count; ++i) {
      const Box box = {first + i % sets_ * set_elements(), row + i / of_piece * step,
                       Expr(b_, b_.Index(i % of_piece * line_))};
      StoreBox(part, box, /*turns=*/1, [&](const Rows& m) {
        for (int group = 0; group < groups; ++group) {
          Fill(part, box, m, Expr(b_, b_.Index(group)), sums[i / of_piece],
               kGroupSums * (i % of_piece * groups + group));
        }
      });
    }
    return;
  }
  // The code is there once, for some groups of columns, whose sums are copied to where it reads.
  const int at_once = std::min(groups, epilogue_.reads_matrix ? kManyGroups : kFewGroups);
  const int turns = groups / at_once;
  kernel::Var* passed =
      b_.DeclareVar("passed", b_.Read(sums[0], b_.Index(0)), at_once * kGroupSums);
  frame_.emitter.For(b_.Index(0), b_.Index(count), 1, [&](Value number) {
    const Expr i(b_, number);
    const Box box = {first + Remainder(i, sets_) * set_elements(),
                     row + Quotient(i, of_piece) * step, Remainder(i, of_piece) * line_};
    StoreBox(part, box, turns, [&](const Rows& m) {
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
  if (!epilogue_.reads) return at.value();
  const Value inside = Below(at, size, tile);
  return inside->IsConstant() ? at.value() : b_.Select(inside, at.value(), first.value());
}

void EngineStores::StoreBox(const ProductPart& part, const Box& box, int turns,
                            const std::function<void(const Rows&)>& fill) {
  const Expr m = RowOf(part, box), n = ColumnOf(part, box);
  // The engine stores nothing outside of the array.
  Value inside = b_.True();
  if (epilogue_.reads) {
    inside = b_.And(Below(m, product_.rows, plan_.cluster_rows()),
                    Below(n, product_.columns, plan_.columns));
  }
  frame_.emitter.If(inside, [&] {
    Rows rows;
    for (int half = 0; half < 2; ++half) {
      const Expr in_box = Quotient({b_, b_.LaneId()}, kGroupLanes) + half * kGroupRows;
      rows[half] = Within(m + parts_.Wide(in_box), m, product_.rows, plan_.cluster_rows());
    }
    if (turns == 1) fill(rows);
    // The engine has read what was in these boxes.
    First([&] { b_.Call(Intrinsic::kBulkWaitRead, {}, {sets_ - 1}); });
    b_.Call(Intrinsic::kWarpSync);
    if (turns > 1) fill(rows);
    StoreFilled();
    b_.Call(Intrinsic::kFenceProxyAsyncShared);
    b_.Call(Intrinsic::kWarpSync);
    First([&] {
      Value batch = part.batch;
      if (plan_.splits > 1) {
        const Expr split = Expr(b_, part.split) * static_cast<double>(product_.batch);
        batch = (split + Expr(b_, part.batch)).value();
      }
      for (size_t r = 0; r < results_.size(); ++r) {
        const Result& result = results_[r];
        std::vector<Value> operands = {(box.first + static_cast<int>(r) * box_elements()).value()};
        const std::vector<Value> places =
            parts_.PlacesOf(result.copy.digits, result.copy.sizes, {batch, m.value(), n.value()});
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
  const Value n = Within(first + parts_.Wide(column), first, product_.columns, plan_.columns);
  const kernel::Type pair_type = kernel::Type(boxes_->element).WithLanes(plan::kStoredLanes);
  const int unit = kDescriptorUnit / ByteWidth(boxes_->element);  // elements of 16 bytes
  const Expr in_line = (Quotient(column, unit) ^ row) * unit + Remainder(column, unit);
  for (int half = 0; half < 2; ++half) {
    const int from = first_sum + 2 * half;
    const Value pair = b_.Build({b_.Read(sums, b_.Index(from)), b_.Read(sums, b_.Index(from + 1))});
    const std::vector<Value> made = parts_.Make(
        part, rows[half], n,
        b_.Bitcast(pair, kernel::Type(product_.sum_type()).WithLanes(plan::kStoredLanes)));
    for (size_t r = 0; r < made.size(); ++r) {
      const Expr place = box.first + static_cast<int>(r) * box_elements() +
                         (row + half * kGroupRows) * line_ + in_line;
      filled_.emplace_back(place.value(), b_.Bitcast(made[r], pair_type));
    }
  }
}

}  // namespace ingot::lower
