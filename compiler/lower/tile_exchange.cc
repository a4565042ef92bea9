#include "compiler/lower/tile_exchange.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace ingot::lower {

using kernel::Value;

namespace {

// Parts of other warps from which on a thread does not read all of them.
constexpr int64_t kManyParts = 8;

// Accumulators in shared memory.
class TileExchange {
 public:
  // Room for `slots` accumulators of vectors of `lanes`; `masked`: with a flag whether each is
  // valid.
  TileExchange(ElementEmitter& e, const std::vector<ElementType>& types, int64_t slots, int lanes,
               bool masked, const std::string& name);

  void Write(ElementEmitter& e, kernel::Value slot, const Accumulator& accumulator);
  Accumulator Read(ElementEmitter& e, kernel::Value slot);

 private:
  int lanes_;
  std::vector<kernel::Buffer*> re_, im_;  // a leaf each; im_: null for real types
  kernel::Buffer* valid_ = nullptr;
};

TileExchange::TileExchange(ElementEmitter& e, const std::vector<ElementType>& types, int64_t slots,
                           int lanes, bool masked, const std::string& name)
    : lanes_(lanes) {
  kernel::Kernel& kernel = e.b().kernel();
  for (size_t i = 0; i < types.size(); ++i) {
    const ElementType component = ComponentType(types[i]);
    const std::string leaf = types.size() == 1 ? name : absl::StrCat(name, "_", i);
    re_.push_back(kernel.AddShared(leaf, component, {slots, lanes}));
    im_.push_back(IsComplex(types[i])
                      ? kernel.AddShared(absl::StrCat(leaf, "_im"), component, {slots, lanes})
                      : nullptr);
  }
  if (masked) valid_ = kernel.AddShared(absl::StrCat(name, "_valid"), ElementType::kPred, {slots});
}

void TileExchange::Write(ElementEmitter& e, Value slot, const Accumulator& accumulator) {
  const Value at = e.math().Mul(slot, lanes_);
  kernel::AccessOptions options;
  for (size_t i = 0; i < re_.size(); ++i) {
    const Element element = e.Broadcast(accumulator.elements()[i], lanes_);
    options.alignment = kernel::NaturalAlignment(element.re->type);
    e.b().Store(re_[i], at, element.re, options);
    if (im_[i] != nullptr) e.b().Store(im_[i], at, element.im, options);
  }
  if (valid_ != nullptr) {
    e.b().Store(valid_, slot, accumulator.valid() == nullptr ? e.b().True() : accumulator.valid());
  }
}

Accumulator TileExchange::Read(ElementEmitter& e, Value slot) {
  const Value at = e.math().Mul(slot, lanes_);
  Elements elements;
  kernel::AccessOptions options;
  for (size_t i = 0; i < re_.size(); ++i) {
    options.alignment = kernel::NaturalAlignment(kernel::Type::Vector(re_[i]->element, lanes_));
    elements.push_back({e.b().Load(re_[i], at, lanes_, options),
                        im_[i] == nullptr ? nullptr : e.b().Load(im_[i], at, lanes_, options)});
  }
  return Accumulator(std::move(elements), valid_ == nullptr ? nullptr : e.b().Load(valid_, slot));
}

}  // namespace

void CombineWarps(const WarpExchange& exchange, TileReduction& reduction,
                  const std::vector<int>& reduced) {
  ElementEmitter& e = exchange.e;
  kernel::Builder& b = e.b();
  IndexMath& math = e.math();
  const plan::TilePlan& plan = exchange.plan;
  const TilePlaces& places = exchange.places;
  const std::vector<ElementType> types = reduction.AccumulatorTypes();
  int lanes = 1;
  bool masked = false;
  for (const Accumulator& accumulator : reduction.accumulators) {
    for (const Element& element : accumulator.elements()) lanes = std::max(lanes, element.lanes());
    masked = masked || accumulator.valid() != nullptr;
  }
  const auto count = static_cast<int64_t>(reduction.accumulators.size());
  int64_t kept_lanes = 1;
  Value kept_lane = math.Const(0);
  for (int c : plan.order) {
    if (std::find(reduced.begin(), reduced.end(), c) != reduced.end()) continue;
    kept_lane = b.Add(kept_lane, math.Mul(places.lane(c), kept_lanes));
    kept_lanes *= plan.classes[c].lanes;
  }
  TileExchange memory(e, types, exchange.warps * count * kept_lanes, lanes, masked, exchange.name);
  const auto slot = [&](Value warp, int64_t number) {
    return b.Add(math.Mul(math.Add(warp, number * exchange.warps), kept_lanes), kept_lane);
  };
  if (exchange.again) b.Barrier();
  const Value own = math.Convert(b.WarpId());
  Value writes = b.True();
  for (int c : reduced) writes = b.And(writes, b.Eq(places.lane(c), math.Const(0)));
  e.If(writes, [&] {
    for (int64_t n = 0; n < count; ++n) memory.Write(e, slot(own, n), reduction.accumulators[n]);
  });
  b.Barrier();
  // The number of the warp that has this thread's kept digits and digit 0 of the reduced ones.
  Value first = math.Const(0);
  std::vector<int64_t> offsets = {0};
  int64_t below = 1;
  for (int c : plan.order) {
    const int size = plan.classes[c].warps;
    if (std::find(reduced.begin(), reduced.end(), c) == reduced.end()) {
      first = b.Add(first, math.Mul(places.warp(c), below));
    } else {
      std::vector<int64_t> more;
      for (int d = 0; d < size; ++d) {
        for (int64_t offset : offsets) more.push_back(offset + d * below);
      }
      offsets = more;
    }
    below *= size;
  }
  // Many parts: a lane reads one of them, or where they are vectors a loop keeps the code short.
  const auto parts = static_cast<int64_t>(offsets.size());
  bool many = parts >= kManyParts;
  for (int64_t i = 0; many && i < parts; ++i) many = offsets[i] == i * offsets[1];
  if (many && kept_lanes == 1 && lanes == 1) {
    const Value part = math.Rem(math.Convert(b.LaneId()), parts);
    std::vector<int> masks;
    for (int mask = 1; mask < parts; mask *= 2) masks.push_back(mask);
    for (int64_t n = 0; n < count; ++n) {
      const Value from = b.Add(first, math.Mul(part, offsets[1]));
      reduction.accumulators[n] = memory.Read(e, slot(from, n));
      reduction.accumulators[n].CombineLanes(e, reduction, masks);
    }
    return;
  }
  if (many && lanes > 1) {
    for (Accumulator& accumulator : reduction.accumulators) {
      accumulator = Accumulator();
      accumulator.StartLoop(e, reduction, lanes);
    }
    e.For(math.Const(0), math.Const(parts), 1, [&](Value part) {
      const Value from = b.Add(first, math.Mul(part, offsets[1]));
      for (int64_t n = 0; n < count; ++n) {
        const Accumulator read = memory.Read(e, slot(from, n));
        reduction.accumulators[n].Take(e, reduction, read.elements(), read.valid());
      }
    });
    for (Accumulator& accumulator : reduction.accumulators) accumulator.FinishLoop(e);
    return;
  }
  for (int64_t n = 0; n < count; ++n) {
    std::vector<Accumulator> read;
    for (int64_t offset : offsets) {
      read.push_back(memory.Read(e, slot(math.Add(first, offset), n)));
    }
    reduction.accumulators[n] = CombineTree(e, reduction, std::move(read));
  }
}

}  // namespace ingot::lower
