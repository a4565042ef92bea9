// scatter_updates: sorted updates are combined, those of each row in order.
#include <functional>
#include <utility>
#include <vector>

#include "compiler/lower/scatter_updates.h"
#include "compiler/lower/scatter_walk.h"
#include "ir/base/integers.h"

namespace ingot::lower {

using kernel::Value;

namespace {

// Updates of a row whose loads do not wait for one another, and registers that have them.
constexpr int kUpdatesTogether = 8;
constexpr int kRegistersTogether = 32;

class ScatterCombine {
 public:
  explicit ScatterCombine(Frame& frame)
      : frame_(frame),
        b_(frame.builder),
        e_(frame.emitter),
        math_(frame.context.math),
        updates_(frame),
        plan_(updates_.plan()),
        entries_(plan::ScatterEntries(plan_, updates_.space().updates, plan_.level)),
        groups_(plan::ScatterGroups(plan_, updates_.space().updates, plan_.level)),
        is_last_(plan_.level + 1 == plan_.levels) {}

  void Run() {
    if (plan_.staged) return RunStaged();
    const int together = plan_.walk_threads / plan_.row_threads;
    const int64_t tiles = plan::ScatterColumnTiles(plan_, updates_.space().columns);
    const Value block = math_.Convert(b_.BlockId());
    const Value thread = math_.Convert(b_.ThreadId());
    const Value tile = math_.Rem(block, tiles);
    group_ =
        b_.Add(math_.Mul(math_.Div(block, tiles), together), math_.Div(thread, plan_.row_threads));
    const Value lane = math_.Rem(thread, plan_.row_threads);
    column_ = math_.Mul(b_.Add(math_.Mul(tile, plan_.row_threads), lane), plan_.lanes);
    const Value inside = b_.And(b_.Lt(group_, math_.Const(groups_)),
                                b_.Lt(column_, math_.Const(updates_.space().columns)));
    e_.If(inside, [&] { updates_.combiner().regroups ? WalkRows() : WalkWhole(); });
  }

 private:
  const plan::ScatterScratch& scratch() const { return updates_.scratch(); }

  // ----- entries

  Value KeyAt(Value entry) {
    if (plan_.level > 0) {
      return b_.Load(updates_.Scratch(scratch().level_keys[plan_.level - 1]), entry);
    }
    if (plan_.radix.passes == 0) return updates_.KeyOf(entry);
    return b_.Load(updates_.Scratch(scratch().keys[(plan_.radix.passes - 1) % 2]), entry);
  }
  // Loads what KeyAt computes with.
  void TouchKey(Value entry) {
    if (plan_.level == 0 && plan_.radix.passes == 0) updates_.LoadIndices(entry);
  }
  Elements ValuesAt(Value entry) {
    if (plan_.level > 0) {
      const std::vector<int>& values = scratch().level_values[plan_.level - 1];
      Elements loaded;
      for (int i = 0; i < updates_.count(); ++i) {
        loaded.push_back(e_.Broadcast(
            e_.Load(updates_.Scratch(values[i]), LevelShape(i, entries_), LevelIndex(entry)),
            plan_.lanes));
      }
      return loaded;
    }
    if (plan_.radix.passes == 0) return updates_.UpdatesAt(entry, column_);
    const Value payload =
        b_.Load(updates_.Scratch(scratch().payload[(plan_.radix.passes - 1) % 2]), entry);
    if (plan_.staged) return {{payload, nullptr}};
    return updates_.UpdatesAt(math_.Convert(payload), column_);
  }
  Shape LevelShape(int operand, int64_t entries) const {
    return Shape::ArrayWithDefaultLayout(updates_.TypeOf(operand),
                                         {entries, updates_.space().columns});
  }
  Index LevelIndex(Value entry) const {
    Index index;
    index.dims = {entry, column_};
    if (plan_.lanes > 1) index.lane = {plan_.lanes, 1, 1, plan_.lanes};
    return index;
  }

  // ----- sums

  void Apply(Value key, const Elements& sum) { updates_.Apply(key, column_, sum); }

  // For the next level.
  void Leave(int which, Value key, const Elements& sum) {
    const Value entry = math_.Add(math_.Mul(group_, 2), which);
    e_.If(b_.Eq(column_, math_.Const(0)),
          [&] { b_.Store(updates_.Scratch(scratch().level_keys[plan_.level]), entry, key); });
    for (int i = 0; i < updates_.count(); ++i) {
      e_.Store(updates_.Scratch(scratch().level_values[plan_.level][i]), LevelShape(i, 2 * groups_),
               LevelIndex(entry), sum[i]);
    }
  }
  SegmentWalk::Sinks LastSinks() {
    SegmentWalk::Sinks sinks;
    sinks.whole = [this](Value key, const Elements& sum) { Apply(key, sum); };
    if (!is_last_) {
      sinks.partial = [this](int which, Value key, const Elements& sum) { Leave(which, key, sum); };
    }
    return sinks;
  }

  // ----- rows

  void WalkRows() {
    SegmentWalk walk(e_, updates_, LastSinks());
    const Value first = math_.Mul(group_, plan_.span);
    const Value end = b_.Min(math_.Add(first, plan_.span), math_.Const(entries_));
    int together = kUpdatesTogether;
    while (together > 1 && together * plan_.lanes * updates_.count() > kRegistersTogether) {
      together /= 2;
    }
    e_.For(first, end, together, [&](Value base) {
      std::vector<Value> safe, keys;
      std::vector<Elements> values;
      for (int i = 0; i < together; ++i) {
        const Value entry = math_.Add(base, i);
        safe.push_back(b_.Select(b_.Lt(entry, end), entry, base));
        TouchKey(safe[i]);
      }
      for (Value entry : safe) keys.push_back(KeyAt(entry));
      for (Value entry : safe) values.push_back(ValuesAt(entry));
      for (int i = 0; i < together; ++i) {
        const Value inside = b_.Lt(math_.Add(base, i), end);
        walk.Take(b_.Select(inside, keys[i], b_.Index(-1)), values[i]);
      }
    });
    walk.End();
  }

  // Rows whose first update is in the group's part, with all of their updates, one after the other.
  void WalkWhole() {
    const Value first = math_.Mul(group_, plan_.span);
    const Value end = b_.Min(math_.Add(first, plan_.span), math_.Const(entries_));
    const Value zero = math_.Const(0);
    const Value is_first = b_.Eq(first, zero);
    const Value before = KeyAt(b_.Select(is_first, zero, math_.Add(first, -1)));
    kernel::Var* key = b_.DeclareVar("row", b_.Select(is_first, b_.Index(-1), before));
    kernel::Var* has = b_.DeclareVar("has", b_.False());
    kernel::Var* at = b_.DeclareVar("at", first);
    std::vector<ElementVar> row;
    for (int i = 0; i < updates_.count(); ++i) {
      row.push_back(e_.Declare("sum", e_.Broadcast(e_.Zero(updates_.TypeOf(i)), plan_.lanes)));
    }
    const auto store = [&] {
      e_.If(b_.And(b_.Read(has), updates_.IsRow(b_.Read(key))),
            [&] { updates_.Store(Place(b_.Read(key)), e_.Read(row)); });
    };
    const Value last = math_.Const(entries_ - 1);
    e_.While(
        [&] {
          const Value entry = b_.Read(at);
          const Value goes_on =
              b_.And(b_.Read(has), b_.Eq(KeyAt(b_.Min(entry, last)), b_.Read(key)));
          return b_.And(b_.Le(entry, last), b_.Or(b_.Lt(entry, end), goes_on));
        },
        [&] {
          const Value entry = b_.Read(at);
          const Value next = KeyAt(entry);
          e_.If(b_.Ne(next, b_.Read(key)), [&] {
            store();
            b_.Write(key, next);
            b_.Write(has, b_.True());
            e_.If(updates_.IsRow(next), [&] { e_.Write(row, updates_.Old(Place(next))); });
          });
          e_.If(b_.And(b_.Read(has), updates_.IsRow(next)),
                [&] { e_.Write(row, updates_.places().Combine(e_.Read(row), ValuesAt(entry))); });
          b_.Write(at, math_.Add(entry, 1));
        });
    store();
  }
  Index Place(Value key) { return updates_.OperandAt(math_.Convert(key), column_); }

  // ----- single elements through shared memory

  void RunStaged() {
    column_ = math_.Const(0);
    group_ = math_.Convert(b_.BlockId());
    StageEntries();
    b_.Barrier();
    WalkTile(frame_, updates_, keys_, values_, [this] { return LastSinks(); });
  }

  void StageEntries() {
    const int64_t tile = plan_.span * plan_.walk_threads;
    keys_ = frame_.kernel->AddShared("keys", ElementType::kS32, {tile});
    values_ = frame_.kernel->AddShared("values", updates_.TypeOf(0), {tile});
    int together = kUpdatesTogether;
    while (plan_.span % together != 0) --together;
    const Value first = math_.Mul(group_, tile);
    const Value last = math_.Const(entries_ - 1);
    b_.For(b_.ThreadId(), b_.Index(tile), b_.Index(int64_t{plan_.walk_threads} * together),
           [&](Value base) {
             e_.Scoped([&] {
               std::vector<Value> places, entries, keys, values;
               for (int i = 0; i < together; ++i) {
                 places.push_back(b_.Add(base, b_.Index(int64_t{i} * plan_.walk_threads)));
                 entries.push_back(b_.Add(first, math_.Convert(places[i])));
                 TouchKey(b_.Min(entries[i], last));
               }
               for (Value entry : entries) values.push_back(ValuesAt(b_.Min(entry, last))[0].re);
               for (Value entry : entries) {
                 const Value key = KeyAt(b_.Min(entry, last));
                 keys.push_back(b_.Select(b_.Le(entry, last), key, b_.Index(-1)));
               }
               for (int i = 0; i < together; ++i) {
                 b_.Store(keys_, places[i], keys[i]);
                 b_.Store(values_, places[i], values[i]);
               }
             });
           });
  }

  Frame& frame_;
  kernel::Builder& b_;
  ElementEmitter& e_;
  IndexMath& math_;
  const ScatterUpdates updates_;
  const plan::ScatterUpdatesPlan& plan_;
  const int64_t entries_, groups_;
  const bool is_last_;  // level
  Value group_ = nullptr, column_ = nullptr;
  kernel::Buffer *keys_ = nullptr, *values_ = nullptr;  // of a staged block's entries
};

}  // namespace

void LowerScatterCombine(Frame& frame) { ScatterCombine(frame).Run(); }

}  // namespace ingot::lower
