#include "compiler/lower/sort_ties.h"

#include "compiler/lower/sort_keys.h"
#include "ir/base/integers.h"

namespace ingot::lower {

using kernel::Expr;
using kernel::Intrinsic;
using kernel::Value;

SortTies::SortTies(Frame& frame, const SortKey& key, ElementType type, int64_t size)
    : frame_(frame),
      b_(frame.builder),
      key_(key),
      type_(type),
      size_(size),
      warps_(frame.plan.block_threads / kernel::kWarpSize),
      classes_(TiedKeys(b_, key, type)),
      differ_(frame.kernel->AddShared("differ", ElementType::kU32, {1})),
      counts_(frame.kernel->AddShared("counts", ElementType::kS32,
                                      {static_cast<int64_t>(classes_.size()), warps_})),
      differs_(b_.False()) {
  frame.emitter.If(b_.Eq(b_.ThreadId(), b_.Index(0)),
                   [&] { b_.Store(differ_, b_.Index(0), b_.Integer(kernel::kU32, 0)); });
}

Expr SortTies::KeyOfElement(Expr element) const { return KeyOf(key_, type_, element); }

void SortTies::Note(Expr element) {
  SortKey by_bits = key_;
  by_bits.zeros_tie = false;
  by_bits.nans = NanOrder::kByBits;
  const Expr differs = KeyOf(by_bits, type_, element) != KeyOfElement(element);
  differs_ = b_.Or(differs_, differs.value());
}

Expr SortTies::Ballot(Expr votes) { return {b_, b_.Call(Intrinsic::kBallot, {votes.value()})}; }

void SortTies::Vote() {
  const Expr votes = Ballot({b_, differs_});
  frame_.emitter.If(b_.And((votes != 0).value(), b_.Eq(b_.LaneId(), b_.Index(0))), [&] {
    b_.Atomic(kernel::AtomicKind::kOr, differ_, b_.Index(0), b_.Integer(kernel::kU32, 1),
              kernel::Order::kRelaxed, kernel::MemoryScope::kBlock);
  });
}

void SortTies::ForOwn(const ElementAt& element_at,
                      const std::function<void(Expr element, Expr is_there)>& visit) {
  const int64_t turns = CeilDiv(size_, int64_t{warps_} * kernel::kWarpSize);
  const Expr first = Expr(b_, b_.WarpId()) * static_cast<double>(turns * kernel::kWarpSize) +
                     Expr(b_, b_.LaneId());
  b_.For(b_.Index(0), b_.Index(turns), b_.Index(1), [&](Value turn) {
    frame_.emitter.Scoped([&] {
      const Expr place = first + Expr(b_, turn) * kernel::kWarpSize;
      const Expr is_there = place < static_cast<double>(size_);
      visit(element_at(Min(place, Expr(b_, b_.Index(size_ - 1)))), is_there);
    });
  });
}

void SortTies::Restore(const ElementAt& element_at, const std::function<Expr(Expr key)>& first_of,
                       const std::function<void(Expr place, Expr element)>& store) {
  const Expr differ(b_, b_.Load(differ_, b_.Index(0)));
  const Value restores = (Ballot(differ != 0) != 0).value();
  const Expr warp(b_, b_.WarpId()), lane(b_, b_.LaneId());
  const auto each_class = [&](const std::function<void(int number, Expr key)>& visit) {
    for (size_t i = 0; i < classes_.size(); ++i) visit(static_cast<int>(i), classes_[i]);
  };
  frame_.emitter.If(restores, [&] {
    each_class([&](int number, Expr key) {
      kernel::Var* count = b_.DeclareVar("count", b_.Index(0));
      ForOwn(element_at, [&](Expr element, Expr is_there) {
        const Expr own = Popcnt(Ballot(is_there & (KeyOfElement(element) == key)));
        b_.Write(count, b_.Add(b_.Read(count), own.To(ElementType::kS32).value()));
      });
      frame_.emitter.If(b_.Eq(lane.value(), b_.Index(0)), [&] {
        b_.Store(counts_, (warp + number * warps_).value(), b_.Read(count));
      });
    });
  });
  b_.Barrier();
  frame_.emitter.If(restores, [&] {
    each_class([&](int number, Expr key) {
      // Behind those of warps before.
      kernel::AccessOptions options;
      options.mask = (lane < warp).value();
      const Value before =
          b_.Call(Intrinsic::kReduxAddS32,
                  {b_.Load(counts_, (lane + number * warps_).value(), 1, options)});
      kernel::Var* next = b_.DeclareVar("next", b_.Add(first_of(key).value(), before));
      ForOwn(element_at, [&](Expr element, Expr is_there) {
        const Expr is_own = is_there & (KeyOfElement(element) == key);
        const Expr own = Ballot(is_own);
        const Expr lower =
            (Expr(b_, b_.Integer(kernel::kU32, 1)) << lane.To(ElementType::kU32)) - 1;
        const Expr rank = Popcnt(own & lower).To(ElementType::kS32);
        frame_.emitter.If(is_own.value(), [&] { store(Expr(b_, b_.Read(next)) + rank, element); });
        b_.Write(next, b_.Add(b_.Read(next), Popcnt(own).To(ElementType::kS32).value()));
      });
    });
  });
}

}  // namespace ingot::lower
