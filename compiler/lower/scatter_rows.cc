// The scatter_rows skeleton (plan/scatter_rows.h).
#include "compiler/plan/scatter_rows.h"

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
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
// Rows that a thread walks through at a time, at the most, whose operands it copies four together,
// and updates that it loads together.
constexpr int kMostRowsOfWalk = 16;
constexpr int kRowsTogether = 4;
constexpr int kUpdatesTogether = 4;

// Whether its elements are known at any index, without memory.
bool ReadsNothing(const Instruction& instruction) {
  std::vector<const Instruction*> left = {&instruction};
  absl::flat_hash_set<const Instruction*> seen;
  while (!left.empty()) {
    const Instruction* const next = left.back();
    left.pop_back();
    const bool is_array = next->opcode() == Opcode::kConstant && !next->shape().IsScalar();
    if (next->opcode() == Opcode::kParameter || is_array) return false;
    for (const Instruction* operand : next->operands()) {
      if (seen.insert(operand).second) left.push_back(operand);
    }
  }
  return true;
}

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
        splits_(MaySplit()),
        begins_anew_(BeginsAnew()) {}

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
    if (!begins_anew_ && !IsInPlace()) e_.If(b_.Read(first_), [&] { CopyOperands(); });
    AddRows();
    AddToLongRows();
    b_.Write(first_, b_.False());
  }
  // Whether operands are known without being loaded, so that a row is stored once.
  bool BeginsAnew() const {
    if (IsInPlace()) return false;
    for (int i = 0; i < places_.count(); ++i) {
      if (!ReadsNothing(*places_.scatter().operand(i))) return false;
    }
    return true;
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

  // Where row `number` of the block is in the operands and results.
  Index RowAt(Value number) {
    return places_.OperandIndex(
        owned_, math_.Delinearize(b_.Add(math_.Mul(math_.Convert(number), RowBlocks()), row_block_),
                                  places_.scattered_sizes()));
  }
  Value BeginOf(Value row) { return b_.Load(ends_, row); }
  Value EndOf(Value row) { return b_.Load(ends_, b_.Add(row, b_.Index(1))); }

  // Update number `place` of the sorted list.
  Elements UpdateAt(Value place) {
    const Value number = math_.Convert(b_.Load(sorted_, place));
    return places_.Updates(
        places_.UpdateIndex(owned_, math_.Delinearize(number, places_.dims().batch),
                            std::vector<Value>(places_.dims().scattered.size(), math_.Const(0))));
  }

  // The rows of this thread's group, some beside each other at a time.
  void EachWalk(const std::function<void(Value first, Value past)>& body) {
    const Value rows = b_.Convert(RowsOfBlock(), ElementType::kS32);
    const int groups = threads_ / plan::ThreadsOfRow(plan_);
    const int64_t walk = std::clamp<int64_t>(CeilDiv(plan_.rows, groups), 1, kMostRowsOfWalk);
    e_.For(b_.Mul(group_, b_.Index(walk)), rows, groups * walk,
           [&](Value first) { body(first, b_.Min(b_.Add(first, b_.Index(walk)), rows)); });
  }

  void CopyOperands() {
    EachWalk([&](Value first, Value past) {
      e_.For(first, past, kRowsTogether, [&](Value base) {
        std::vector<Index> at;
        std::vector<Elements> operands;
        for (int k = 0; k < kRowsTogether; ++k) {
          at.push_back(RowAt(b_.Min(b_.Add(base, b_.Index(k)), b_.Sub(past, b_.Index(1)))));
          operands.push_back(places_.Operands(at[k]));
        }
        for (int k = 0; k < kRowsTogether; ++k) {
          const Value inside = b_.Lt(b_.Add(base, b_.Index(k)), past);
          e_.If(b_.And(inside, has_columns_), [&] { Store(at[k], operands[k]); });
        }
      });
    });
  }

  // The updates of rows beside each other are beside each other in the list: a thread loads some at
  // once, whichever rows they are of, and stores a row when it has its last.
  void AddRows() {
    EachWalk([&](Value first, Value past) {
      past_ = past;
      row_ = b_.DeclareVar("row", first);
      begin_ = b_.DeclareVar("begin", BeginOf(first));
      end_ = b_.DeclareVar("end", EndOf(first));
      sums_ = DeclareElements("row");
      BeginRow();
      kernel::Var* const at = b_.DeclareVar("place", b_.Read(begin_));
      const Value last = BeginOf(past);
      e_.While([&] { return b_.Lt(b_.Read(at), last); },
               [&] {
                 const Value place = b_.Read(at);
                 ForUpdates(place, last, [&](Value number, const Elements& update) {
                   e_.While([&] { return b_.Ge(number, b_.Read(end_)); }, [&] { NextRow(); });
                   e_.Write(sums_, places_.Combine(e_.Read(sums_), update));
                 });
                 const Value next = b_.Add(place, b_.Index(kUpdatesTogether));
                 const Value end = b_.Read(end_);
                 b_.Write(at, b_.Select(IsLong(b_.Read(begin_), end), b_.Max(next, end), next));
               });
      e_.While([&] { return b_.Lt(b_.Read(row_), past); }, [&] { NextRow(); });
    });
  }

  // Ends the row and goes to the next.
  void NextRow() {
    const Value row = b_.Read(row_), begin = b_.Read(begin_), end = b_.Read(end_);
    const Value is_new = begins_anew_ ? b_.Read(first_) : b_.False();
    const Value has = b_.And(b_.Or(is_new, b_.Lt(begin, end)), b_.Not(IsLong(begin, end)));
    e_.If(b_.And(has, has_columns_), [&] { Store(RowAt(row), e_.Read(sums_)); });
    const Value next = b_.Add(row, b_.Index(1));
    b_.Write(row_, next);
    b_.Write(begin_, end);
    b_.Write(end_, EndOf(b_.Min(next, b_.Index(plan_.rows - 1))));
    BeginRow();
  }
  // Behind the last row there is nothing to load.
  void BeginRow() {
    const Value row = b_.Read(row_);
    const auto results = [&] {
      const Value has = b_.And(b_.Lt(row, past_), b_.Lt(b_.Read(begin_), b_.Read(end_)));
      e_.If(b_.And(has, has_columns_), [&] { e_.Write(sums_, Results(RowAt(row))); });
    };
    ReadOld(sums_, row, results);
  }
  // What a row has before this list's updates: its operands, or what `results` writes.
  void ReadOld(const std::vector<ElementVar>& into, Value row,
               const std::function<void()>& results) {
    if (!begins_anew_) return results();
    e_.If(
        b_.Read(first_), [&] { e_.Write(into, places_.Operands(RowAt(row))); }, results);
  }

  // Zeros in the types of the operands, a thread's columns.
  std::vector<ElementVar> DeclareElements(const std::string& name) {
    std::vector<ElementVar> elements;
    for (int i = 0; i < places_.count(); ++i) {
      const Element zero = e_.Zero(places_.OperandShape(i).element_type());
      elements.push_back(e_.Declare(name, e_.Broadcast(zero, plan_.lanes)));
    }
    return elements;
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
  void AddToLongRows() {
    if (!splits_) return;
    // A long row has an update for each part.
    const int groups = threads_ / plan::ThreadsOfRow(plan_);
    const int parts = std::min<int>(groups, plan::kUpdatesOfThread);
    const Value count = b_.Load(long_rows_, b_.Index(0));
    kernel::AccessOptions options;
    options.alignment = plan_.lanes * ByteWidth(Type());
    e_.For(b_.Index(0), count, 1, [&](Value number) {
      const Value row = b_.Load(long_rows_, b_.Add(number, b_.Index(1)));
      const Value row_begin = BeginOf(row);
      const Value updates = b_.Sub(EndOf(row), row_begin);
      const auto part = [&](Value group) {
        return b_.Add(row_begin, Quotient(b_.Mul(updates, group), parts));
      };
      const auto add_part = [&] {
        const Elements sum = Sum(part(group_), part(b_.Add(group_, b_.Index(1))));
        b_.Store(parts_, b_.Mul(b_.ThreadId(), b_.Index(plan_.lanes)), sum[0].re, options);
      };
      if (groups == parts) {
        add_part();
      } else {
        e_.If(b_.Lt(group_, b_.Index(parts)), add_part);
      }
      b_.Barrier();
      e_.If(b_.And(b_.Eq(group_, b_.Index(0)), has_columns_), [&] {
        const Index at = RowAt(row);
        const std::vector<ElementVar> sums = DeclareElements("row");
        ReadOld(sums, row, [&] { e_.Write(sums, Results(at)); });
        Elements all = e_.Read(sums);
        for (int group = 0; group < parts; ++group) {
          const Value thread = b_.Add(b_.ThreadId(), b_.Index(group * plan::ThreadsOfRow(plan_)));
          const Value next =
              b_.Load(parts_, b_.Mul(thread, b_.Index(plan_.lanes)), plan_.lanes, options);
          all = places_.Combine(all, {{next, nullptr}});
        }
        Store(at, all);
      });
      b_.Barrier();
    });
  }

  // Some updates of the sorted list, from number `place` on and before `last`: they are loaded,
  // then `use` has them in order.
  void ForUpdates(Value place, Value last,
                  const std::function<void(Value number, const Elements& update)>& use) {
    std::vector<Value> numbers;
    std::vector<std::vector<ElementVar>> updates;
    for (int i = 0; i < kUpdatesTogether; ++i) {
      numbers.push_back(b_.Add(place, b_.Index(i)));
      updates.push_back(DeclareElements("update"));
      e_.If(b_.Lt(numbers[i], last), [&] { e_.Write(updates[i], UpdateAt(numbers[i])); });
    }
    for (int i = 0; i < kUpdatesTogether; ++i) {
      e_.If(b_.Lt(numbers[i], last), [&] { use(numbers[i], e_.Read(updates[i])); });
    }
  }

  // The updates of the sorted list from `begin` to `end`, one at least, in order.
  Elements Sum(Value begin, Value end) {
    const std::vector<ElementVar> sums = DeclareElements("part");
    e_.Write(sums, UpdateAt(begin));
    e_.For(b_.Add(begin, b_.Index(1)), end, kUpdatesTogether, [&](Value first) {
      ForUpdates(first, end, [&](Value, const Elements& update) {
        e_.Write(sums, places_.Combine(e_.Read(sums), update));
      });
    });
    return e_.Read(sums);
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
  const bool begins_anew_;
  kernel::Buffer *rows_ = nullptr, *numbers_ = nullptr, *sorted_ = nullptr;
  kernel::Buffer *ends_ = nullptr, *totals_ = nullptr;
  kernel::Buffer *long_rows_ = nullptr, *parts_ = nullptr;
  Value row_block_ = nullptr;    // number among RowBlocks
  Value group_ = nullptr;        // of threads that share a row
  Index owned_;                  // the thread's columns
  Value has_columns_ = nullptr;  // and whether there are such
  kernel::Var *at_ = nullptr, *first_ = nullptr, *listed_ = nullptr;
  // The row that a thread is at, which updates of the list are its own, and what they come to.
  kernel::Var *row_ = nullptr, *begin_ = nullptr, *end_ = nullptr;
  Value past_ = nullptr;  // the row behind the last one of its walk
  std::vector<ElementVar> sums_;
};

}  // namespace

void LowerScatterRows(Frame& frame) { ScatterRows(frame).Run(); }

}  // namespace ingot::lower
