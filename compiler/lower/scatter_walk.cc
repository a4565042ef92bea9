#include "compiler/lower/scatter_walk.h"

#include <utility>

#include "ir/base/integers.h"

namespace ingot::lower {

using kernel::Value;

SegmentWalk::SegmentWalk(ElementEmitter& e, const ScatterUpdates& updates, Sinks sinks)
    : e_(e), b_(e.b()), updates_(updates), sinks_(std::move(sinks)) {
  key_ = b_.DeclareVar("row", b_.Index(-1));
  if (sinks_.partial) is_first_ = b_.DeclareVar("is_first", b_.True());
  for (int i = 0; i < updates.count(); ++i) {
    sum_.push_back(
        e_.Declare("sum", e_.Broadcast(e_.Zero(updates.TypeOf(i)), updates.plan().lanes)));
  }
}

void SegmentWalk::Take(Value key, const Elements& values) {
  e_.If(b_.Ge(key, b_.Index(0)), [&] {
    e_.If(
        b_.Eq(key, b_.Read(key_)),
        [&] { e_.Write(sum_, updates_.places().Combine(e_.Read(sum_), values)); },
        [&] {
          EndRun();
          b_.Write(key_, key);
          e_.Write(sum_, values);
        });
  });
}

void SegmentWalk::End() {
  const Value key = b_.Read(key_);
  if (!sinks_.partial)
    return e_.If(b_.Ge(key, b_.Index(0)), [&] { sinks_.whole(key, e_.Read(sum_)); });
  e_.If(
      b_.Read(is_first_),
      [&] {
        sinks_.partial(0, key, e_.Read(sum_));
        sinks_.partial(1, b_.Index(-1), e_.Read(sum_));
      },
      [&] { sinks_.partial(1, key, e_.Read(sum_)); });
}

void SegmentWalk::EndRun() {
  const Value key = b_.Read(key_);
  e_.If(b_.Ge(key, b_.Index(0)), [&] {
    if (!sinks_.partial) return sinks_.whole(key, e_.Read(sum_));
    e_.If(
        b_.Read(is_first_),
        [&] {
          sinks_.partial(0, key, e_.Read(sum_));
          b_.Write(is_first_, b_.False());
        },
        [&] { sinks_.whole(key, e_.Read(sum_)); });
  });
}

void WalkTile(Frame& frame, const ScatterUpdates& updates, kernel::Buffer* keys,
              kernel::Buffer* values, const std::function<SegmentWalk::Sinks()>& last) {
  kernel::Builder& b = frame.builder;
  ElementEmitter& e = frame.emitter;
  const int64_t threads = updates.plan().walk_threads, span = updates.plan().span;
  const auto walk = [&](kernel::Buffer* from_keys, kernel::Buffer* from_values, Value begin,
                        Value end, SegmentWalk::Sinks sinks) {
    SegmentWalk segments(e, updates, std::move(sinks));
    b.For(begin, end, b.Index(1), [&](Value i) {
      e.Scoped([&] { segments.Take(b.Load(from_keys, i), {{b.Load(from_values, i), nullptr}}); });
    });
    segments.End();
  };
  int64_t left = 2 * threads;
  int64_t size = 0;
  for (int64_t n = left; n > 2; n = 2 * CeilDiv(n, int64_t{plan::kScatterFanIn})) size += n;
  kernel::Buffer* left_keys = frame.kernel->AddShared("left_keys", ElementType::kS32, {size});
  kernel::Buffer* left_values = frame.kernel->AddShared("left_values", updates.TypeOf(0), {size});
  const auto leave_at = [&](int64_t first) {
    SegmentWalk::Sinks sinks = last();
    sinks.partial = [=, &b](int which, Value key, const Elements& sum) {
      const Value to = b.Add(b.Mul(b.ThreadId(), b.Index(2)), b.Index(first + which));
      b.Store(left_keys, to, key);
      b.Store(left_values, to, sum[0].re);
    };
    return sinks;
  };
  const Value part = b.Mul(b.ThreadId(), b.Index(span));
  walk(keys, values, part, b.Add(part, b.Index(span)), leave_at(0));
  for (int64_t first = 0; left > 2;) {
    b.Barrier();
    const int64_t walkers = CeilDiv(left, int64_t{plan::kScatterFanIn});
    const int64_t next = first + left;
    e.If(b.Lt(b.ThreadId(), b.Index(walkers)), [&] {
      const Value begin = b.Add(b.Mul(b.ThreadId(), b.Index(plan::kScatterFanIn)), b.Index(first));
      const Value end = b.Min(b.Add(begin, b.Index(plan::kScatterFanIn)), b.Index(next));
      walk(left_keys, left_values, begin, end, walkers == 1 ? last() : leave_at(next));
    });
    first = next;
    left = 2 * walkers;
  }
}

}  // namespace ingot::lower
