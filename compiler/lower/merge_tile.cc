#include "compiler/lower/merge_tile.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "compiler/lower/sort_networks.h"
#include "compiler/plan/merge_sort.h"

namespace ingot::lower {

using kernel::Expr;
using kernel::Value;

MergeTile::MergeTile(Frame& frame, Options options)
    : b_(frame.builder),
      e_(frame.emitter),
      options_(std::move(options)),
      pitch_(static_cast<int>(plan::PitchOf(tile(), options_.keys_alone))) {
  for (size_t f = 0; f < options_.types.size(); ++f) {
    shared_.push_back(frame.kernel->AddShared(absl::StrCat("field", f), options_.types[f],
                                              {options_.rows, pitch_}));
  }
  if (options_.keys_alone) {
    splits_ = frame.kernel->AddShared("splits", ElementType::kS32,
                                      {options_.rows * options_.row_threads + 1});
  }
}

// ----- shared memory

Expr MergeTile::InTile(Expr element) {
  if (!options_.keys_alone) return element;
  return element + Quotient(element, plan::kElementsOfPad);
}

Expr MergeTile::PlaceOf(Expr row, Expr element) { return row * pitch_ + InTile(element); }

void MergeTile::Store(Expr place, const Record& record) {
  for (size_t f = 0; f < shared_.size(); ++f) b_.Store(shared_[f], place.value(), record[f]);
}

Value MergeTile::Load(size_t field, Expr place) { return b_.Load(shared_[field], place.value()); }

void MergeTile::StoreEnds() {
  e_.If((Thread() < options_.rows).value(), [&] {
    Record zeros;
    for (size_t f = 0; f < shared_.size(); ++f) zeros.push_back(Zero(f));
    Store(Thread() * pitch_ + (pitch_ - 1), zeros);
  });
}

MergeTile::Record MergeTile::Compared(Expr element) {
  const Expr place = RowBase() + InTile(element);
  Record record;
  for (size_t f = 0; f < options_.compared; ++f) record.push_back(Load(f, place));
  return record;
}

MergeTile::Record MergeTile::Choose(Expr condition, const Record& on_true, const Record& on_false) {
  Record chosen;
  for (size_t f = 0; f < on_true.size(); ++f) {
    chosen.push_back(b_.Select(condition.value(), on_true[f], on_false[f]));
  }
  return chosen;
}

// ----- a thread's items

Expr MergeTile::First() { return Remainder(Thread(), options_.row_threads) * options_.items; }

Value MergeTile::Item(size_t field, int number) { return b_.Read(items_[field], b_.Index(number)); }

void MergeTile::WriteItems(size_t first) {
  const Expr at = RowBase() + InTile(First());
  for (int i = 0; i < options_.items; ++i) {
    for (size_t f = first; f < shared_.size(); ++f) {
      b_.Store(shared_[f], (at + i).value(), Item(f, i));
    }
  }
}

void MergeTile::DeclareItems() {
  items_.clear();
  for (size_t f = 0; f < shared_.size(); ++f) {
    items_.push_back(b_.DeclareVar(absl::StrCat("items", f), Zero(f), options_.items));
  }
}

void MergeTile::SetKeys(const std::vector<Value>& keys) {
  for (int i = 0; i < options_.items; ++i) b_.Write(items_[0], keys[i], b_.Index(i));
}

void MergeTile::SortItems() {
  const Expr at = RowBase() + InTile(First());
  std::vector<Record> items(options_.items);
  for (int i = 0; i < options_.items; ++i) {
    for (size_t f = 0; f < shared_.size(); ++f) items[i].push_back(Load(f, at + i));
  }
  DeclareItems();
  if (options_.keys_alone) {
    std::vector<Value> keys;
    for (const Record& record : items) keys.push_back(record[0]);
    SortByNetwork(b_, keys);
    return SetKeys(keys);
  }
  // By exchanges of neighbours, which keep what ties in order.
  for (int turn = 0; turn < options_.items; ++turn) {
    for (int i = turn % 2; i + 1 < options_.items; i += 2) {
      const Expr exchange = options_.less(items[i + 1], items[i]);
      const Record first = Choose(exchange, items[i + 1], items[i]);
      items[i + 1] = Choose(exchange, items[i], items[i + 1]);
      items[i] = first;
    }
  }
  for (size_t f = 0; f < shared_.size(); ++f) {
    for (int i = 0; i < options_.items; ++i) b_.Write(items_[f], items[i][f], b_.Index(i));
  }
}

// ----- merges

void MergeTile::MergeItems() {
  int rounds = 0;
  while ((1 << rounds) < options_.row_threads) ++rounds;
  if (rounds == 0) return;
  b_.For(b_.Index(0), b_.Index(rounds), b_.Index(1), [&](Value round) {
    b_.Barrier();
    WriteItems();
    b_.Barrier();
    e_.Scoped([&] { MergeRuns(Small(1) << Expr(b_, round)); });
  });
}

// The thread's part of the run that is merged from two, each of so many threads' items.
void MergeTile::MergeRuns(Expr run_threads) {
  const Expr thread = Remainder(Thread(), options_.row_threads);
  const Expr both = run_threads + run_threads;
  const Expr place = thread & (both - 1);  // of the thread in the run
  const Expr begin = (thread - place) * options_.items;
  const Expr size = run_threads * options_.items;
  const Expr middle = Min(begin + size, Small(tile()));
  const Expr end = Min(middle + size, Small(tile()));
  const Expr is_last = (place + 1 == both) | (thread == options_.row_threads - 1);
  MergeParts(begin, middle, end, place * options_.items, is_last);
}

void MergeTile::MergeParts(Expr begin, Expr middle, Expr end, Expr count, Expr is_last) {
  const Expr left = Search(begin, middle, middle - begin, end - middle, count);
  const Expr right = middle + (count - left);
  if (!options_.keys_alone) return Merge(begin + left, middle, right, end);
  // What the thread takes of the left run ends where the next thread's begins.
  b_.Store(splits_, Thread().value(), left.value());
  e_.If((Thread() == 0.0).value(),
        [&] { b_.Store(splits_, b_.Index(options_.rows * options_.row_threads), b_.Index(0)); });
  b_.Barrier();
  const Expr next(b_, b_.Load(splits_, (Thread() + 1).value()));
  MergeKeys(begin + left, Select(is_last, middle - begin, next) - left, right);
}

// How many of the first `count` elements of the merged run are of the left one.
Expr MergeTile::Search(Expr left, Expr right, Expr left_size, Expr right_size, Expr count) {
  kernel::Var* low = b_.DeclareVar("low", Max(count - right_size, Small(0)).value());
  kernel::Var* high = b_.DeclareVar("high", Min(count, left_size).value());
  e_.While([&] { return b_.Lt(b_.Read(low), b_.Read(high)); },
           [&] {
             const Expr from(b_, b_.Read(low)), to(b_, b_.Read(high));
             const Expr middle = (from + to) >> 1;
             const Record a = Compared(left + middle);
             const Record c = Compared(right + (count - middle - 1));
             const Expr right_first = options_.less(c, a);
             b_.Write(low, Select(right_first, from, middle + 1).value());
             b_.Write(high, Select(right_first, middle, to).value());
           });
  return {b_, b_.Read(low)};
}

// Items from the left run, from `left` on, and the right one, that are next in order.
void MergeTile::Merge(Expr left, Expr left_end, Expr right, Expr right_end) {
  Record a = Compared(left), c = Compared(right);
  for (int i = 0; i < options_.items; ++i) {
    const Expr takes_right = (right < right_end) & ((left >= left_end) | options_.less(c, a));
    const Record next = Choose(takes_right, c, a);
    const Expr from = Select(takes_right, right, left);
    for (size_t f = 0; f < shared_.size(); ++f) {
      const Value value = f < options_.compared ? next[f] : Load(f, RowBase() + InTile(from));
      b_.Write(items_[f], value, b_.Index(i));
    }
    if (i + 1 == options_.items) break;
    const Expr behind = from + 1;
    const Record loaded = Compared(behind);
    left = Select(takes_right, left, behind);
    right = Select(takes_right, behind, right);
    a = Choose(takes_right, a, loaded);
    c = Choose(takes_right, loaded, c);
  }
}

// Of keys, which are the same where they tie: `count` of the left run, ascending, and the others of
// the right one, descending.
void MergeTile::MergeKeys(Expr left, Expr count, Expr right) {
  std::vector<Value> keys;
  const Expr last = right + (options_.items - 1);
  for (int i = 0; i < options_.items; ++i) {
    keys.push_back(Compared(Select(Small(i) < count, left + i, last - i))[0]);
  }
  MergeByNetwork(b_, keys);
  SetKeys(keys);
}

Expr MergeTile::FirstOf(Expr key) {
  kernel::Var* low = b_.DeclareVar("low", b_.Index(0));
  kernel::Var* high = b_.DeclareVar("high", b_.Index(tile()));
  e_.While([&] { return b_.Lt(b_.Read(low), b_.Read(high)); },
           [&] {
             const Expr from(b_, b_.Read(low)), to(b_, b_.Read(high));
             const Expr middle = (from + to) >> 1;
             const Expr less = Expr(b_, Compared(middle)[0]) < key;
             b_.Write(low, Select(less, middle + 1, from).value());
             b_.Write(high, Select(less, to, middle).value());
           });
  return {b_, b_.Read(low)};
}

}  // namespace ingot::lower
