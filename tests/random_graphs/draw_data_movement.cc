// Data movement.
#include <algorithm>

#include "tests/random_graphs/drawer.h"

namespace ingot::random_graphs {

bool Drawer::BitcastConvert() {
  const Known x = Any();
  if (IsComplex(x.type()) || x.type() == ElementType::kPred || !x.exact()) return false;
  // NaNs have many bits, and so has a zero whose sign is not known.
  if (IsFloat(x.type()) && (!x.finite() || !x.facts.signed_zero)) return false;
  const ElementType to = static_cast<ElementType>(Below(kElementTypeCount));
  if (IsComplex(to) || to == ElementType::kPred) return false;
  // Types of 6 bits are compiled neither from nor to others of their width.
  if (BitWidth(x.type()) == 6 || BitWidth(to) == 6) return false;
  const int from_bits = BitWidth(x.type()), to_bits = BitWidth(to);
  Sizes sizes = x.sizes();
  if (to_bits > from_bits) {
    if (to_bits % from_bits != 0 || sizes.empty() || sizes.back() != to_bits / from_bits) {
      return false;
    }
    sizes.pop_back();
  } else if (to_bits < from_bits) {
    if (from_bits % to_bits != 0 || sizes.size() >= 6) return false;
    sizes.push_back(from_bits / to_bits);
  }
  const Shape stated = Shape::Array(to, sizes);
  return Add(b_.Apply(Opcode::kBitcastConvert, {x.value}, NoAttributes{}, {}, &stated), {});
}

bool Drawer::Broadcast() {
  const Known x = Any();
  const int64_t added = 1 + Below(2);
  if (x.rank() + added > 6) return false;
  // Which dimensions of the result are new.
  std::vector<bool> is_new(x.rank() + added, false);
  for (int64_t i = 0; i < added; ++i) is_new[Below(x.rank() + added)] = true;
  Sizes sizes, dimensions;
  const int64_t news = std::count(is_new.begin(), is_new.end(), true);
  is_new.resize(x.rank() + news);
  int64_t from = 0;
  for (size_t d = 0; d < is_new.size(); ++d) {
    if (is_new[d] || from == x.rank()) {
      sizes.push_back(Size());
    } else {
      dimensions.push_back(static_cast<int64_t>(d));
      sizes.push_back(x.sizes()[from++]);
    }
  }
  if (from != x.rank() || !Fits(sizes)) return false;
  return Add(ingot::Broadcast(x.value, sizes, dimensions), x.facts);
}

bool Drawer::Concatenate() {
  const Known x = Any();
  if (x.rank() == 0) {  // as jnp.stack does
    const int64_t count = 1 + Below(OneIn(4) ? 40 : 4);
    std::vector<Value> parts;
    Facts facts = x.facts;
    for (int64_t i = 0; i < count; ++i) {
      const Known part = OneIn(2) ? x : Like(x);
      facts = Either(facts, part.facts);
      parts.push_back(ingot::Reshape(part.value, {1}));
    }
    return Add(ingot::Concatenate(parts, 0), facts);
  }
  const int64_t along = Below(x.rank());
  const int64_t count = 1 + Below(OneIn(8) ? 30 : 4);
  std::vector<Value> parts;
  Facts facts = x.facts;
  Sizes total = x.sizes();
  total[along] = 0;
  const int64_t place = Below(count);
  for (int64_t i = 0; i < count; ++i) {
    Sizes sizes = x.sizes();
    sizes[along] = OneIn(3) ? x.sizes()[along] : Size();
    const Known part = i == place || OneIn(4) || !Fits(sizes) ? x : Like(x.type(), sizes);
    facts = Either(facts, part.facts);
    total[along] += part.sizes()[along];
    if (!Fits(total)) return false;
    parts.push_back(part.value);
  }
  return Add(ingot::Concatenate(parts, along), facts);
}

bool Drawer::Iota() {
  const ElementType type = OneOf(style_.types);
  const Sizes sizes = SomeSizes(1 + Below(4));
  if (type == ElementType::kPred) return false;
  const int64_t dimension = Below(static_cast<int64_t>(sizes.size()));
  return Add(b_.Iota(type, sizes, dimension),
             {static_cast<double>(sizes[dimension]), true, 0, true});
}

bool Drawer::Pad() {
  const Known x = Any();
  const Known filler = Like(x.type(), {});
  Padding padding;
  Sizes sizes;
  for (int64_t size : x.sizes()) {
    PaddingDimension d;
    static constexpr int64_t kEdges[] = {0, 0, 0, 1, 1, 2, 5, 16, -1, -2};
    d.low = OneOf(kEdges);
    d.high = OneOf(kEdges);
    d.interior = OneIn(4) ? 1 + Below(2) : 0;
    int64_t padded = size + std::max<int64_t>(size - 1, 0) * d.interior + d.low + d.high;
    if (padded < 0) {
      d = {};
      padded = size;
    }
    padding.push_back(d);
    sizes.push_back(padded);
  }
  if (!Fits(sizes)) return false;
  return Add(ingot::Pad(x.value, filler.value, padding), Either(x.facts, filler.facts));
}

bool Drawer::Reshape() {
  const Known x = Any();
  const int64_t count = x.shape().ElementCount();
  Sizes sizes;
  if (count == 0) {
    sizes = SomeSizes(1 + Below(3));
    sizes[Below(static_cast<int64_t>(sizes.size()))] = 0;
  } else if (OneIn(3)) {  // one dimension
    sizes = {count};
  } else {
    // Prime factors, dealt out anew; ones among them.
    Sizes factors;
    int64_t rest = count;
    for (int64_t p = 2; rest > 1; ++p) {
      while (rest % p == 0) {
        factors.push_back(p);
        rest /= p;
      }
    }
    const int64_t rank = 1 + Below(6);
    sizes.assign(rank, 1);
    // Neighbouring factors mostly stay together, as when dimensions are split and merged.
    int64_t at = 0;
    for (int64_t factor : factors) {
      if (OneIn(2)) at = OneIn(4) ? Below(rank) : std::min(at + 1, rank - 1);
      sizes[at] *= factor;
    }
    if (OneIn(8) && count == 1) sizes = {};
  }
  const Shape stated = Shape::Array(x.type(), sizes);
  if (OneIn(6)) {
    return Add(b_.Apply(Opcode::kBitcast, {x.value}, BitcastAttributes{}, {}, &stated), x.facts);
  }
  return Add(ingot::Reshape(x.value, sizes), x.facts);
}

bool Drawer::Reverse() {
  const Known x = Any();
  if (x.rank() == 0) return false;
  return Add(ingot::Reverse(x.value, Subset(x.rank())), x.facts);
}

bool Drawer::Slice() {
  const Known x = Any();
  if (x.rank() == 0) return false;
  SliceDimensions slice;
  for (int64_t size : x.sizes()) {
    SliceDimension d{0, size, 1};
    if (size > 0 && !OneIn(3)) {
      d.start = OneIn(3) ? 0 : Below(size);
      d.limit = OneIn(2) ? size : d.start + Below(size - d.start + 1);
      if (OneIn(3)) d.limit = std::min(size, d.start + 1);
      if (OneIn(3)) d.stride = 1 + Below(4);
    }
    slice.push_back(d);
  }
  return Add(ingot::Slice(x.value, slice), x.facts);
}

bool Drawer::Transpose() {
  const Known x = Any();
  if (x.rank() == 0) return false;
  return Add(ingot::Transpose(x.value, Permutation(x.rank())), x.facts);
}

bool Drawer::Copy() {
  const Known x = Any();
  return Add(b_.Apply(Opcode::kCopy, {x.value}), x.facts);
}

}  // namespace ingot::random_graphs
