// The scatter_rows skeleton (plan/scatter_rows.h).
#include "compiler/plan/scatter_rows.h"

#include <algorithm>

#include "compiler/kernel/expr.h"
#include "compiler/lower/block_scan.h"
#include "compiler/lower/frame.h"
#include "compiler/lower/scatter.h"
#include "compiler/plan/scatter_space.h"
#include "ir/base/integers.h"

namespace ingot::lower {

using kernel::Expr;
using kernel::Intrinsic;
using kernel::Value;

namespace {

constexpr int kWarp = kernel::kWarpSize;
constexpr int kAccessBytes = 16;
// Rows whose operands and first updates a thread loads together, and further updates of a row.
constexpr int kRowsTogether = 4;
constexpr int kUpdatesTogether = 8;

class ScatterRows {
 public:
  explicit ScatterRows(Frame& frame)
      : frame_(frame),
        plan_(frame.plan.scatter_rows()),
        threads_(frame.plan.block_threads),
        e_(frame.emitter),
        b_(frame.builder),
        math_(frame.context.math),
        places_(e_, *frame.fusion.root()),
        size_(plan::RowsOf(*frame.fusion.root())),
        chunk_(threads_ * plan::IndicesOfThread(plan_, threads_)),
        splits_(MaySplit()) {}

  void Run() {
    frame_.LaunchBlocks();
    b_.set_hlo(static_cast<int32_t>(frame_.fusion.root()->id()));
    Declare();
    const Value count = math_.Const(size_.indices);
    b_.While([&] { return b_.Lt(b_.Read(at_), count); },
             [&] {
               b_.Write(listed_, b_.Index(0));
               b_.While(
                   [&] {
                     const Value room = b_.Le(b_.Read(listed_), b_.Index(plan_.list - chunk_));
                     return b_.And(b_.Lt(b_.Read(at_), count), room);
                   },
                   [&] { ListChunk(); });
               SortList();
               AddList();
               b_.Barrier();
             });
  }

 private:
  // The results are there already, but for the updates.
  bool IsInPlace() const { return !frame_.fusion_plan.updates.empty(); }

  // The first list begins with the operands, further ones with what there is of the results.
  void AddList() {
    const auto to_results = [&] {
      AddToResults();
      AddToLongRows(/*first=*/false);
    };
    if (IsInPlace()) return to_results();
    const auto to_operands = [&] {
      AddToOperands();
      AddToLongRows(/*first=*/true);
    };
    e_.If(b_.Read(first_), to_operands, to_results);
    b_.Write(first_, b_.False());
  }

  // Whether updates of a row may be combined with each other first.
  bool MaySplit() const {
    if (places_.count() > 1 || IsComplex(Type()) || Type() == ElementType::kPred) return false;
    return plan::ScatterCombinerOf(places_.scatter()).regroups;
  }

  ElementType Type() const { return places_.OperandShape(0).element_type(); }

  void Declare() {
    const auto shared = [&](const char* name, int64_t size) {
      return frame_.kernel->AddShared(name, ElementType::kS32, {size});
    };
    rows_ = shared("rows", plan_.list);
    numbers_ = shared("numbers", plan_.list);
    sorted_ = shared("sorted", plan_.list);
    ends_ = shared("ends", plan_.rows + 1);
    totals_ = shared("totals", threads_ / kWarp);
    if (splits_) {
      // The first is their number.
      long_rows_ = shared("long_rows", 1 + plan_.list / plan::kUpdatesOfThread);
      parts_ = frame_.kernel->AddShared("parts", Type(), {threads_ * plan_.lanes});
      parts_->alignment = kAccessBytes;
    }
    const int64_t tiles = CeilDiv(size_.columns, plan_.columns);
    const Value block = math_.Convert(b_.BlockId());
    row_block_ = math_.Div(block, tiles);
    const Value thread = b_.ThreadId();
    const int across = plan::ThreadsOfRow(plan_);
    const Value lane = Quotient(thread, across, /*remainder=*/true);
    group_ = Quotient(thread, across);
    const Value column = b_.Add(math_.Mul(math_.Rem(block, tiles), plan_.columns),
                                math_.Mul(math_.Convert(lane), plan_.lanes));
    const bool whole = size_.columns % plan_.columns == 0;
    has_columns_ = whole ? b_.True() : b_.Lt(column, math_.Const(size_.columns));
    const std::vector<int64_t> sizes = plan::SizesOf(places_.OperandShape(0), places_.dims().owned);
    owned_.dims = math_.Delinearize(
        whole ? column : b_.Min(column, math_.Const(size_.columns - plan_.lanes)), sizes);
    if (plan_.lanes > 1) {
      owned_.lane = {plan_.lanes, static_cast<int>(sizes.size()) - 1, 1, plan_.lanes};
    }
    at_ = b_.DeclareVar("at", math_.Const(0));
    first_ = b_.DeclareVar("first", b_.True());
    listed_ = b_.DeclareVar("listed", b_.Index(0));
  }

  Value Quotient(Value a, int64_t divisor, bool remainder = false) {
    IndexMath math(&b_, a->type.element);
    return remainder ? math.Rem(a, divisor) : math.Div(a, divisor);
  }
  // Blocks that share the rows, and the rows of this one: every RowBlocks-th.
  int64_t RowBlocks() const { return CeilDiv(size_.rows, plan_.rows); }
  Value RowsOfBlock() {
    const Value further = b_.Sub(math_.Const(size_.rows - 1), row_block_);
    return math_.Add(math_.Div(further, RowBlocks()), 1);
  }

  // ----- the list

  // The next indices, a run for each warp: those of the block's rows go to the list in order.
  void ListChunk() {
    const int each = static_cast<int>(chunk_ / threads_);
    const Value first =
        b_.Add(b_.Add(b_.Read(at_), math_.Mul(math_.Convert(b_.WarpId()), int64_t{each} * kWarp)),
               math_.Convert(b_.LaneId()));
    const Value rows = RowsOfBlock();
    std::vector<Value> row, mine, masks;
    Value total = b_.Index(0);
    for (int i = 0; i < each; ++i) row.push_back(RowOf(math_.Add(first, i * kWarp)));
    for (int i = 0; i < each; ++i) {
      // Unsigned: what is negative is beyond all rows.
      const Value number = Unsigned(row[i]);
      row[i] = Quotient(number, RowBlocks());
      mine.push_back(
          b_.And(b_.Eq(Quotient(number, RowBlocks(), /*remainder=*/true), Unsigned(row_block_)),
                 b_.Lt(row[i], Unsigned(rows))));
      masks.push_back(b_.Call(Intrinsic::kBallot, {mine[i]}));
      total = b_.Add(total, Bits(masks[i]));
    }
    e_.If(b_.Eq(b_.LaneId(), b_.Index(0)), [&] { b_.Store(totals_, b_.WarpId(), total); });
    b_.Barrier();
    const BlockSums sums = SumsOfWarps(b_, totals_, threads_ / kWarp);
    Value before = b_.Add(b_.Read(listed_), sums.before);
    const Value after = b_.Add(b_.Read(listed_), sums.all);
    for (int i = 0; i < each; ++i) {
      e_.If(mine[i], [&] {
        const Value place = b_.Add(before, Bits(b_.And(masks[i], LanesBelow())));
        b_.Store(rows_, place, b_.Convert(row[i], ElementType::kS32));
        b_.Store(numbers_, place, b_.Convert(math_.Add(first, i * kWarp), ElementType::kS32));
      });
      before = b_.Add(before, Bits(masks[i]));
    }
    b_.Write(listed_, after);
    b_.Write(at_, math_.Add(b_.Read(at_), chunk_));
    b_.Barrier();
  }

  // The row of an index; negative or beyond the operand's rows where there is none.
  Value RowOf(Value number) {
    const bool whole = size_.indices % chunk_ == 0;
    const Value last = math_.Const(size_.indices - 1);
    const std::vector<Value> starts = places_.Starts(
        math_.Delinearize(whole ? number : b_.Min(number, last), places_.dims().batch));
    Value inside = whole ? b_.True() : b_.Le(number, last);
    std::vector<Value> narrow;
    for (Value start : starts) narrow.push_back(math_.Convert(start));
    const Value row = math_.Dot(narrow, RowMajorStrides(places_.scattered_sizes()));
    // A single start of no more bits says by itself that it is outside of the operand.
    const int bits = BitWidth(IndicesType());
    if (starts.size() > 1 || bits > BitWidth(math_.type())) {
      inside = b_.And(inside, places_.IsInside(starts));
    }
    return b_.Select(inside, row, math_.Const(-1));
  }
  ElementType IndicesType() const {
    return places_.scatter().operand(places_.count())->shape().element_type();
  }
  Value Unsigned(Value value) {
    const bool wide = math_.type() == ElementType::kS64;
    return b_.Convert(value, wide ? ElementType::kU64 : ElementType::kU32);
  }

  Value Bits(Value mask) { return b_.Convert(b_.Popcnt(mask), ElementType::kS32); }
  Value LanesBelow() {
    const Value one = b_.Integer(kernel::kU32, 1);
    return b_.Sub(b_.Shl(one, b_.Convert(b_.LaneId(), ElementType::kU32)), one);
  }

  // ----- the list by rows

  // Counts the updates of each row, finds where each row begins, and puts the numbers there in
  // order: ends_[r + 1] goes from where row r begins to where it ends.
  void SortList() {
    const Value listed = b_.Read(listed_);
    const Value zero = b_.Index(0);
    const auto over = [&](Value size, const std::function<void(Value)>& body) {
      e_.For(b_.ThreadId(), size, threads_, body);
    };
    over(b_.Index(plan_.rows + 1), [&](Value i) { b_.Store(ends_, i, zero); });
    b_.Barrier();
    over(listed, [&](Value i) {
      b_.Atomic(kernel::AtomicKind::kAdd, ends_, b_.Add(b_.Load(rows_, i), b_.Index(1)),
                b_.Index(1), kernel::Order::kRelaxed, kernel::MemoryScope::kBlock);
    });
    b_.Barrier();
    CountsToBeginnings();
    e_.If(b_.Eq(b_.WarpId(), zero), [&] {
      PlaceNumbers(listed);
      if (splits_) e_.If(b_.Eq(b_.LaneId(), zero), [&] { b_.Store(long_rows_, zero, zero); });
    });
    b_.Barrier();
    if (!splits_) return;
    over(b_.Index(plan_.rows), [&](Value i) {
      e_.If(IsLong(b_.Load(ends_, i), b_.Load(ends_, b_.Add(i, b_.Index(1)))), [&] {
        const Value number = b_.Atomic(kernel::AtomicKind::kAdd, long_rows_, zero, b_.Index(1),
                                       kernel::Order::kRelaxed, kernel::MemoryScope::kBlock);
        b_.Store(long_rows_, b_.Add(number, b_.Index(1)), i);
      });
    });
    b_.Barrier();
  }
  Value IsLong(Value begin, Value end) {
    if (!splits_) return b_.False();
    return b_.Gt(b_.Sub(end, begin), b_.Index(plan::kUpdatesOfThread));
  }

  // Each thread has some rows one after the other.
  void CountsToBeginnings() {
    const int64_t each = CeilDiv(plan_.rows, threads_);
    const Expr first = Expr(b_, b_.ThreadId()) * static_cast<double>(each) + 1;
    const Expr past = Min(first + static_cast<double>(each), Expr(b_, b_.Index(plan_.rows + 1)));
    kernel::Var* sum = b_.DeclareVar("sum", b_.Index(0));
    e_.For(first.value(), past.value(), 1,
           [&](Value i) { b_.Write(sum, b_.Add(b_.Read(sum), b_.Load(ends_, i))); });
    const BlockSums sums = SumsOfThreads(b_, totals_, threads_ / kWarp, b_.Read(sum));
    kernel::Var* next = b_.DeclareVar("next", sums.before);
    e_.For(first.value(), past.value(), 1, [&](Value i) {
      const Value begin = b_.Read(next);
      b_.Write(next, b_.Add(begin, b_.Load(ends_, i)));
      b_.Store(ends_, i, begin);
    });
    b_.Barrier();
  }

  // One warp: 32 of the list at a time, so that the order within a row stays.
  void PlaceNumbers(Value listed) {
    const Value none = b_.Index(-1);
    e_.For(b_.Index(0), listed, kWarp, [&](Value first) {
      const Value i = b_.Add(first, b_.LaneId());
      const Value inside = b_.Lt(i, listed);
      const Value safe = b_.Select(inside, i, b_.Index(0));
      const Value row = b_.Select(inside, b_.Load(rows_, safe), none);
      const Value same = b_.Call(Intrinsic::kMatchAny, {b_.Convert(row, ElementType::kU32)});
      const Value end = b_.Add(row, b_.Index(1));
      const Value begin = b_.Load(ends_, end);
      const Value rank = Bits(b_.And(same, LanesBelow()));
      b_.Call(Intrinsic::kWarpSync);
      e_.If(inside, [&] {
        const Value count = Bits(same);
        b_.Store(sorted_, b_.Add(begin, rank), b_.Load(numbers_, i));
        e_.If(b_.Eq(rank, b_.Index(0)), [&] { b_.Store(ends_, end, b_.Add(begin, count)); });
      });
      b_.Call(Intrinsic::kWarpSync);
    });
  }

  // ----- the rows

  // A row of the block, and which updates of the sorted list are its own.
  struct Row {
    Value begin, end;
    Index at;  // of the operands and results
  };
  Row RowAt(Value number) {
    Row row;
    row.begin = b_.Load(ends_, number);
    row.end = b_.Load(ends_, b_.Add(number, b_.Index(1)));
    row.at = places_.OperandIndex(
        owned_, math_.Delinearize(b_.Add(math_.Mul(math_.Convert(number), RowBlocks()), row_block_),
                                  places_.scattered_sizes()));
    return row;
  }

  // Update number `place` of the sorted list.
  Elements UpdateAt(Value place) {
    const Value number = math_.Convert(b_.Load(sorted_, place));
    return UpdateOf(number);
  }
  Elements UpdateOf(Value number) {
    return places_.Updates(
        places_.UpdateIndex(owned_, math_.Delinearize(number, places_.dims().batch),
                            std::vector<Value>(places_.dims().scattered.size(), math_.Const(0))));
  }

  // All rows; of a few at once, so that loads of one do not wait for another's.
  void AddToOperands() {
    const Value rows = b_.Convert(RowsOfBlock(), ElementType::kS32);
    const int groups = threads_ / plan::ThreadsOfRow(plan_);
    const Value listed = b_.Read(listed_);
    kernel::AccessOptions where_any;
    where_any.mask = b_.Gt(listed, b_.Index(0));
    const Value last = b_.Max(b_.Sub(listed, b_.Index(1)), b_.Index(0));
    e_.For(b_.Mul(group_, b_.Index(kRowsTogether)), rows, groups * kRowsTogether, [&](Value base) {
      std::vector<Row> row;
      std::vector<Elements> sums;
      for (int k = 0; k < kRowsTogether; ++k) {
        row.push_back(RowAt(b_.Min(b_.Add(base, b_.Index(k)), b_.Sub(rows, b_.Index(1)))));
        const Elements old = places_.Operands(row[k].at);
        // Where a row has none, its neighbour's, which is loaded in any case.
        const Value number = b_.Load(sorted_, b_.Min(row[k].begin, last), 1, where_any);
        const Elements update = UpdateOf(math_.Convert(number));
        const Elements sum = places_.Combine(old, update);
        const Value has = b_.Lt(row[k].begin, row[k].end);
        sums.emplace_back();
        for (size_t i = 0; i < sum.size(); ++i) {
          sums[k].push_back(e_.Select(has, sum[i], old[i]));
        }
      }
      for (int k = 0; k < kRowsTogether; ++k) {
        const Value inside = b_.And(b_.Lt(b_.Add(base, b_.Index(k)), rows),
                                    b_.Not(IsLong(row[k].begin, row[k].end)));
        e_.If(b_.And(inside, has_columns_), [&] {
          Store(row[k].at, Sum(b_.Add(row[k].begin, b_.Index(1)), row[k].end, sums[k]));
        });
      }
    });
  }

  // Rows that have updates in this list, to what there is of them.
  void AddToResults() {
    const Value rows = b_.Convert(RowsOfBlock(), ElementType::kS32);
    e_.For(group_, rows, threads_ / plan::ThreadsOfRow(plan_), [&](Value number) {
      const Row row = RowAt(number);
      const Value has = b_.And(b_.Lt(row.begin, row.end), b_.Not(IsLong(row.begin, row.end)));
      e_.If(b_.And(has, has_columns_),
            [&] { Store(row.at, Sum(row.begin, row.end, Results(row.at))); });
    });
  }

  Elements Results(const Index& at) {
    Elements results;
    for (int i = 0; i < places_.count(); ++i) {
      results.push_back(e_.Broadcast(e_.Load(frame_.memory.results[i], places_.OperandShape(i), at),
                                     plan_.lanes));
    }
    return results;
  }
  void Store(const Index& at, const Elements& values) {
    for (int i = 0; i < places_.count(); ++i) {
      e_.Store(frame_.memory.results[i], places_.OperandShape(i), at, values[i]);
    }
  }

  // Rows of many updates, one after the other: each group of threads combines a part of them.
  void AddToLongRows(bool first) {
    if (!splits_) return;
    const int groups = threads_ / plan::ThreadsOfRow(plan_);
    const Value count = b_.Load(long_rows_, b_.Index(0));
    kernel::AccessOptions options;
    options.alignment = plan_.lanes * ByteWidth(Type());
    e_.For(b_.Index(0), count, 1, [&](Value number) {
      const Row row = RowAt(b_.Load(long_rows_, b_.Add(number, b_.Index(1))));
      const Value updates = b_.Sub(row.end, row.begin);
      const auto part = [&](Value group) {
        return b_.Add(row.begin, Quotient(b_.Mul(updates, group), groups));
      };
      const Value begin = part(group_), end = part(b_.Add(group_, b_.Index(1)));
      const Elements sum = Sum(b_.Add(begin, b_.Index(1)), end, UpdateAt(begin));
      b_.Store(parts_, b_.Mul(b_.ThreadId(), b_.Index(plan_.lanes)), sum[0].re, options);
      b_.Barrier();
      e_.If(b_.And(b_.Eq(group_, b_.Index(0)), has_columns_), [&] {
        Elements all = first ? places_.Operands(row.at) : Results(row.at);
        for (int group = 0; group < groups; ++group) {
          const Value thread = b_.Add(b_.ThreadId(), b_.Index(group * plan::ThreadsOfRow(plan_)));
          const Value next =
              b_.Load(parts_, b_.Mul(thread, b_.Index(plan_.lanes)), plan_.lanes, options);
          all = places_.Combine(all, {{next, nullptr}});
        }
        Store(row.at, all);
      });
      b_.Barrier();
    });
  }

  // `old` and the updates of the sorted list from `begin` to `end`, in order.
  Elements Sum(Value begin, Value end, const Elements& old) {
    std::vector<ElementVar> sums;
    for (const Element& element : old) sums.push_back(e_.Declare("row", element));
    const auto read = [&] {
      Elements values;
      for (const ElementVar& sum : sums) values.push_back(e_.Read(sum));
      return values;
    };
    const auto write = [&](const Elements& values) {
      for (size_t i = 0; i < sums.size(); ++i) e_.Write(sums[i], values[i]);
    };
    const Expr together = (Expr(b_, end) - Expr(b_, begin)) / kUpdatesTogether;
    const Expr middle = Expr(b_, begin) + Max(together, Expr(b_, b_.Index(0))) * kUpdatesTogether;
    e_.For(begin, middle.value(), kUpdatesTogether, [&](Value first) {
      std::vector<Elements> updates;
      for (int i = 0; i < kUpdatesTogether; ++i) {
        updates.push_back(UpdateAt(b_.Add(first, b_.Index(i))));
      }
      Elements values = read();
      for (const Elements& update : updates) values = places_.Combine(values, update);
      write(values);
    });
    e_.For(middle.value(), end, 1,
           [&](Value place) { write(places_.Combine(read(), UpdateAt(place))); });
    return read();
  }

  Frame& frame_;
  const plan::ScatterRowsPlan& plan_;
  const int threads_;
  ElementEmitter& e_;
  kernel::Builder& b_;
  IndexMath& math_;
  const ScatterPlaces places_;
  const plan::ScatteredRows size_;
  const int64_t chunk_;  // indices that the block looks at together
  const bool splits_;    // rows of many updates
  kernel::Buffer *rows_ = nullptr, *numbers_ = nullptr, *sorted_ = nullptr;
  kernel::Buffer *ends_ = nullptr, *totals_ = nullptr;
  kernel::Buffer *long_rows_ = nullptr, *parts_ = nullptr;
  Value row_block_ = nullptr;    // number among RowBlocks
  Value group_ = nullptr;        // of threads that share a row
  Index owned_;                  // the thread's columns
  Value has_columns_ = nullptr;  // and whether there are such
  kernel::Var *at_ = nullptr, *first_ = nullptr, *listed_ = nullptr;
};

}  // namespace

void LowerScatterRows(Frame& frame) { ScatterRows(frame).Run(); }

}  // namespace ingot::lower
