#include "ir/index_map/index_map.h"

#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "ir/module.h"

namespace ingot {
namespace {

using Index = std::vector<int64_t>;

// Calls visit(index) for every index of `sizes`, in row-major order.
void ForEachIndex(const std::vector<int64_t>& sizes,
                  const std::function<void(const Index&)>& visit) {
  if (Product(sizes) == 0) return;
  Index index(sizes.size(), 0);
  while (true) {
    visit(index);
    int64_t d = static_cast<int64_t>(sizes.size()) - 1;
    while (d >= 0 && ++index[d] == sizes[d]) index[d--] = 0;
    if (d < 0) return;
  }
}

int64_t Number(const Index& index, const std::vector<int64_t>& sizes) {
  int64_t number = 0;
  for (size_t d = 0; d < sizes.size(); ++d) number = number * sizes[d] + index[d];
  return number;
}

constexpr int64_t kPadding = -1;  // what pad writes outside

// An array of row-major numbers of elements of some first array.
struct Tracked {
  std::vector<int64_t> sizes;
  std::vector<int64_t> elements;
};

Tracked Numbered(std::vector<int64_t> sizes) {
  Tracked array{sizes, std::vector<int64_t>(Product(sizes))};
  for (size_t i = 0; i < array.elements.size(); ++i) array.elements[i] = i;
  return array;
}

// A computation with one op on a parameter.
struct OneOp {
  Module module{"test"};
  Computation* computation = module.AddComputation("main");
  Instruction* op = nullptr;

  OneOp(Opcode opcode, const std::vector<int64_t>& from, const std::vector<int64_t>& to,
        Attributes attributes) {
    Instruction* x = computation->AddParameter(0, Shape::Array(ElementType::kF32, from));
    std::vector<Instruction*> operands = {x};
    if (opcode == Opcode::kPad) {
      operands.push_back(computation->AddParameter(1, Shape::Scalar(ElementType::kF32)));
    }
    op = computation->Add(opcode, Shape::Array(ElementType::kF32, to), operands,
                          std::move(attributes));
  }
};

// A random op on an array of `from` sizes: its map by IndexMapOf, and what it does to a tracked
// array by the op's definition, walking over the input where the map walks over the output.
struct RandomOp {
  IndexMap map;
  std::function<Tracked(const Tracked&)> apply;
};

class OpMaker {
 public:
  explicit OpMaker(uint32_t seed) : random_(seed) {}

  int64_t Pick(int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random_);
  }

  std::vector<int64_t> Sizes(int64_t most) {
    std::vector<int64_t> sizes(Pick(0, 4));
    for (int64_t& size : sizes) size = Pick(1, most);
    return sizes;
  }

  RandomOp Make(const std::vector<int64_t>& from) {
    switch (Pick(0, 5)) {
      case 0:
        return Transpose(from);
      case 1:
        return Reverse(from);
      case 2:
        return Slice(from);
      case 3:
        return Pad(from);
      case 4:
        return Broadcast(from);
      default:
        return Reshape(from);
    }
  }

  RandomOp Transpose(const std::vector<int64_t>& from) {
    std::vector<int64_t> permutation(from.size());
    for (size_t i = 0; i < from.size(); ++i) permutation[i] = i;
    std::shuffle(permutation.begin(), permutation.end(), random_);
    std::vector<int64_t> to;
    for (int64_t p : permutation) to.push_back(from[p]);
    return Finish(Opcode::kTranspose, from, to, DimensionsAttributes{permutation},
                  [=](const Index& in) -> std::optional<Index> {
                    Index out;
                    for (int64_t p : permutation) out.push_back(in[p]);
                    return out;
                  });
  }

  RandomOp Reverse(const std::vector<int64_t>& from) {
    std::vector<int64_t> dimensions;
    for (size_t d = 0; d < from.size(); ++d) {
      if (Pick(0, 1)) dimensions.push_back(d);
    }
    return Finish(Opcode::kReverse, from, from, DimensionsAttributes{dimensions},
                  [=](const Index& in) -> std::optional<Index> {
                    Index out = in;
                    for (int64_t d : dimensions) out[d] = from[d] - 1 - in[d];
                    return out;
                  });
  }

  RandomOp Slice(const std::vector<int64_t>& from) {
    SliceDimensions slice;
    std::vector<int64_t> to;
    for (int64_t size : from) {
      const int64_t start = Pick(0, size - 1), limit = Pick(start + 1, size), stride = Pick(1, 3);
      slice.push_back({start, limit, stride});
      to.push_back((limit - start + stride - 1) / stride);
    }
    return Finish(Opcode::kSlice, from, to, SliceAttributes{slice},
                  [=](const Index& in) -> std::optional<Index> {
                    Index out(in.size());
                    for (size_t d = 0; d < in.size(); ++d) {
                      const int64_t at = in[d] - slice[d].start;
                      if (at < 0 || in[d] >= slice[d].limit || at % slice[d].stride != 0) {
                        return std::nullopt;
                      }
                      out[d] = at / slice[d].stride;
                    }
                    return out;
                  });
  }

  RandomOp Pad(const std::vector<int64_t>& from) {
    Padding padding;
    std::vector<int64_t> to;
    for (int64_t size : from) {
      PaddingDimension p{Pick(-1, 2), Pick(-1, 2), Pick(0, 2) / 2};
      const int64_t full = size + (size - 1) * p.interior;
      if (full + p.low + p.high < 1) p.low = p.high = 0;
      padding.push_back(p);
      to.push_back(full + p.low + p.high);
    }
    return Finish(Opcode::kPad, from, to, PadAttributes{padding},
                  [=](const Index& in) -> std::optional<Index> {
                    Index out(in.size());
                    for (size_t d = 0; d < in.size(); ++d) {
                      out[d] = padding[d].low + in[d] * (padding[d].interior + 1);
                      if (out[d] < 0 || out[d] >= to[d]) return std::nullopt;
                    }
                    return out;
                  });
  }

  RandomOp Broadcast(const std::vector<int64_t>& from) {
    if (from.size() > 3) return Reverse(from);
    const int64_t at = Pick(0, from.size());
    std::vector<int64_t> to = from, dimensions;
    to.insert(to.begin() + at, Pick(1, 3));
    for (int64_t d = 0; d < static_cast<int64_t>(from.size()); ++d) {
      dimensions.push_back(d + (d >= at));
    }
    RandomOp op;
    op.map = MapOf(Opcode::kBroadcast, from, to, DimensionsAttributes{dimensions});
    op.apply = [=](const Tracked& in) {
      Tracked out{to, {}};
      ForEachIndex(to, [&](const Index& index) {
        Index source = index;
        source.erase(source.begin() + at);
        out.elements.push_back(in.elements[Number(source, from)]);
      });
      return out;
    };
    return op;
  }

  RandomOp Reshape(const std::vector<int64_t>& from) {
    std::vector<int64_t> to;
    int64_t rest = Product(from);
    while (to.size() < 4 && Pick(0, 3) != 0) {
      std::vector<int64_t> divisors;
      for (int64_t i = 1; i <= rest; ++i) {
        if (rest % i == 0) divisors.push_back(i);
      }
      to.push_back(divisors[Pick(0, divisors.size() - 1)]);
      rest /= to.back();
    }
    if (rest > 1) to.insert(to.begin() + Pick(0, to.size()), rest);
    RandomOp op;
    op.map = MapOf(Opcode::kReshape, from, to, ReshapeAttributes{});
    op.apply = [=](const Tracked& in) { return Tracked{to, in.elements}; };
    return op;
  }

 private:
  static IndexMap MapOf(Opcode opcode, const std::vector<int64_t>& from,
                        const std::vector<int64_t>& to, Attributes attributes) {
    const OneOp graph(opcode, from, to, std::move(attributes));
    return IndexMapOf(*graph.op, 0).value();
  }

  static RandomOp Finish(Opcode opcode, const std::vector<int64_t>& from,
                         const std::vector<int64_t>& to, Attributes attributes,
                         std::function<std::optional<Index>(const Index&)> output_of) {
    RandomOp op;
    op.map = MapOf(opcode, from, to, std::move(attributes));
    op.apply = [=](const Tracked& in) {
      Tracked out{to, std::vector<int64_t>(Product(to), kPadding)};
      ForEachIndex(from, [&](const Index& index) {
        if (const std::optional<Index> target = output_of(index)) {
          out.elements[Number(*target, to)] = in.elements[Number(index, from)];
        }
      });
      return out;
    };
    return op;
  }

  std::mt19937 random_;
};

// The tracked array that `map` describes of an array of `from` sizes.
Tracked Read(const IndexMap& map, const std::vector<int64_t>& from) {
  Tracked out{map.sizes, {}};
  ForEachIndex(map.sizes, [&](const Index& index) {
    const auto source = map.Evaluate(index);
    out.elements.push_back(source.has_value() ? Number(*source, from) : kPadding);
  });
  return out;
}

void ExpectContiguousRunHolds(const IndexMap& map, const std::vector<int64_t>& from) {
  const int64_t run = ContiguousRun(map, RowMajorStrides(from));
  const Tracked read = Read(map, from);
  ASSERT_GE(run, 1);
  if (read.elements.empty()) return;
  ASSERT_EQ(read.elements.size() % run, 0u) << map.ToString();
  for (size_t i = 0; i < read.elements.size(); ++i) {
    const int64_t first = read.elements[i - i % run];
    ASSERT_EQ(read.elements[i], first == kPadding ? kPadding : first + int64_t(i % run))
        << map.ToString() << " run " << run << " at " << i;
  }
}

TEST(IndexMapTest, EveryOpReadsWhatItsDefinitionWrites) {
  OpMaker make(1);
  for (int trial = 0; trial < 3000; ++trial) {
    const std::vector<int64_t> from = make.Sizes(5);
    const RandomOp op = make.Make(from);
    ASSERT_EQ(Read(op.map, from).elements, op.apply(Numbered(from)).elements) << op.map.ToString();
    ExpectContiguousRunHolds(op.map, from);
  }
}

TEST(IndexMapTest, ComposedChainsReadWhatTheStepsWrite) {
  OpMaker make(2);
  for (int trial = 0; trial < 1500; ++trial) {
    const std::vector<int64_t> from = make.Sizes(4);
    Tracked array = Numbered(from);
    IndexMap map = IndexMap::Identity(from);
    for (int64_t length = make.Pick(2, 5); length > 0; --length) {
      const RandomOp op = make.Make(array.sizes);
      array = op.apply(array);
      map = Compose(op.map, map);
      if (array.elements.size() > 2000) break;
    }
    ASSERT_EQ(Read(map, from).elements, array.elements) << map.ToString();
    ExpectContiguousRunHolds(map, from);
  }
}

TEST(IndexMapTest, ReshapesAgainAndBackCancel) {
  OpMaker make(3);
  for (int trial = 0; trial < 500; ++trial) {
    const std::vector<int64_t> from = make.Sizes(6);
    const RandomOp there = make.Reshape(from);
    const IndexMap back = ReshapeMap(from, there.map.sizes);
    EXPECT_TRUE(Compose(back, there.map).IsIdentity())
        << there.map.ToString() << " then " << back.ToString() << " = "
        << Compose(back, there.map).ToString();
  }
}

// A random expression over three coordinates.
IndexExpr RandomExpr(OpMaker& make, int depth) {
  if (depth == 0) {
    return make.Pick(0, 3) == 0 ? IndexExpr::Constant(make.Pick(-5, 5))
                                : IndexExpr::Dimension(make.Pick(0, 2));
  }
  const IndexExpr a = RandomExpr(make, depth - 1);
  switch (make.Pick(0, 3)) {
    case 0:
      return IndexExpr::Add(a, RandomExpr(make, depth - 1));
    case 1:
      return IndexExpr::Multiply(a, make.Pick(-4, 6));
    case 2:
      return IndexExpr::FloorDivide(a, make.Pick(1, 8));
    default:
      return IndexExpr::Modulo(a, make.Pick(1, 8));
  }
}

TEST(IndexExprTest, SimplifyAndRangeHoldAtEveryIndex) {
  OpMaker make(4);
  for (int trial = 0; trial < 5000; ++trial) {
    const std::vector<int64_t> sizes = {make.Pick(1, 6), make.Pick(1, 4), make.Pick(1, 5)};
    const IndexExpr expr = RandomExpr(make, make.Pick(1, 4));
    const IndexExpr simple = Simplify(expr, sizes);
    const IndexRange range = RangeOf(expr, sizes), simple_range = RangeOf(simple, sizes);
    ForEachIndex(sizes, [&](const Index& index) {
      const int64_t value = expr.Evaluate(index);
      ASSERT_EQ(simple.Evaluate(index), value) << expr.ToString() << " => " << simple.ToString();
      ASSERT_TRUE(range.min <= value && value <= range.max) << expr.ToString();
      ASSERT_TRUE(simple_range.min <= value && value <= simple_range.max) << simple.ToString();
    });
    ASSERT_TRUE(Simplify(simple, sizes).NodeCount() <= simple.NodeCount()) << simple.ToString();
  }
}

TEST(IndexExprTest, DivisionsOfSimplifiedMapsSeeNoNegativeNumber) {
  OpMaker make(5);
  const std::function<void(const IndexExpr&, const std::vector<int64_t>&)> check =
      [&](const IndexExpr& e, const std::vector<int64_t>& sizes) {
        switch (e.kind()) {
          case IndexExpr::Kind::kConstant:
          case IndexExpr::Kind::kDimension:
            return;
          case IndexExpr::Kind::kAdd:
            check(e.lhs(), sizes);
            check(e.rhs(), sizes);
            return;
          case IndexExpr::Kind::kMultiply:
            check(e.lhs(), sizes);
            return;
          case IndexExpr::Kind::kFloorDivide:
          case IndexExpr::Kind::kModulo:
            EXPECT_GE(RangeOf(e.lhs(), sizes).min, 0) << e.ToString();
            check(e.lhs(), sizes);
            return;
        }
      };
  for (int trial = 0; trial < 1000; ++trial) {
    const std::vector<int64_t> sizes = {make.Pick(1, 6), make.Pick(1, 4), make.Pick(1, 5)};
    check(Simplify(RandomExpr(make, 4), sizes), sizes);
  }
}

TEST(IndexMapTest, ReshapesAreAsPlainAsTheyCanBe) {
  // merge: affine
  EXPECT_EQ(ReshapeMap({24}, {2, 3, 4}).ToString(),
            "(d0)[24] -> (d0 floordiv 12, (d0 floordiv 4) mod 3, d0 mod 4)");
  EXPECT_EQ(ReshapeMap({2, 3, 4}, {24}).ToString(),
            "(d0, d1, d2)[2,3,4] -> (d0 * 12 + d1 * 4 + d2)");
  EXPECT_EQ(ReshapeMap({2, 12}, {6, 4}).ToString(),
            "(d0, d1)[2,12] -> (d0 * 3 + d1 floordiv 4, d1 mod 4)");
  EXPECT_EQ(ReshapeMap({5, 1, 7}, {1, 5, 7}).ToString(), "(d0, d1, d2)[5,1,7] -> (0, d0, d2)");
}

TEST(IndexMapTest, PadAndConcatenateAreConditions) {
  const OneOp pad(Opcode::kPad, {3}, {9}, PadAttributes{{{2, 2, 1}}});
  EXPECT_EQ(IndexMapOf(*pad.op, 0)->ToString(),
            "(d0)[9] -> (d0 floordiv 2 - 1) where 0 <= d0 - 2 < 5 and 0 <= d0 mod 2 < 1");
  EXPECT_EQ(IndexMapOf(*pad.op, 1)->ToString(), "(d0)[9] -> ()");

  Module module("test");
  Computation* c = module.AddComputation("main");
  Instruction* a = c->AddParameter(0, Shape::Array(ElementType::kF32, {2, 8}));
  Instruction* b = c->AddParameter(1, Shape::Array(ElementType::kF32, {2, 4}));
  Instruction* both = c->Add(Opcode::kConcatenate, Shape::Array(ElementType::kF32, {2, 12}), {a, b},
                             DimensionsAttributes{{1}});
  EXPECT_EQ(IndexMapOf(*both, 0)->ToString(), "(d0, d1)[2,12] -> (d0, d1) where 0 <= d1 < 8");
  EXPECT_EQ(IndexMapOf(*both, 1)->ToString(),
            "(d0, d1)[2,12] -> (d0, d1 - 8) where 0 <= d1 - 8 < 4");
  EXPECT_EQ(ContiguousRun(*IndexMapOf(*both, 0), RowMajorStrides({2, 8})), 4);
  EXPECT_EQ(ContiguousRun(*IndexMapOf(*both, 1), RowMajorStrides({2, 4})), 4);
}

TEST(IndexMapTest, BitcastFollowsTheLayouts) {
  Module module("test");
  Computation* c = module.AddComputation("main");
  Shape from = Shape::Array(ElementType::kF32, {3, 4});
  from.set_layout(Layout{{0, 1}, ""});  // column-major
  Instruction* x = c->AddParameter(0, from);
  Instruction* y =
      c->Add(Opcode::kBitcast, Shape::ArrayWithDefaultLayout(ElementType::kF32, {4, 3}), {x});
  EXPECT_EQ(IndexMapOf(*y, 0)->ToString(), "(d0, d1)[4,3] -> (d1, d0)");
}

TEST(IndexMapTest, ContiguousRunsAreFound) {
  // [8,6] transposed: no two neighbours
  const OneOp transpose(Opcode::kTranspose, {8, 6}, {6, 8}, DimensionsAttributes{{1, 0}});
  EXPECT_EQ(ContiguousRun(*IndexMapOf(*transpose.op, 0), RowMajorStrides({8, 6})), 1);
  // … of the same array in column-major order: all
  EXPECT_EQ(ContiguousRun(*IndexMapOf(*transpose.op, 0), std::vector<int64_t>{1, 8}), 48);
  // [2,3,4] → [3,2,4]: rows of 4
  const OneOp swap(Opcode::kTranspose, {2, 3, 4}, {3, 2, 4}, DimensionsAttributes{{1, 0, 2}});
  EXPECT_EQ(ContiguousRun(*IndexMapOf(*swap.op, 0), RowMajorStrides({2, 3, 4})), 4);
  // … and then flattened
  EXPECT_EQ(ContiguousRun(Compose(ReshapeMap({24}, {3, 2, 4}), *IndexMapOf(*swap.op, 0)),
                          RowMajorStrides({2, 3, 4})),
            4);
  EXPECT_EQ(ContiguousRun(ReshapeMap({24}, {2, 3, 4}), RowMajorStrides({2, 3, 4})), 24);
}

TEST(IndexMapTest, OtherOpsHaveNone) {
  Module module("test");
  Computation* c = module.AddComputation("main");
  const Shape shape = Shape::Array(ElementType::kF32, {3});
  Instruction* x = c->AddParameter(0, shape);
  EXPECT_EQ(IndexMapOf(*c->Add(Opcode::kAbs, shape, {x}), 0), std::nullopt);
  EXPECT_EQ(
      IndexMapOf(*c->Add(Opcode::kBitcastConvert, Shape::Array(ElementType::kU8, {3, 4}), {x}), 0),
      std::nullopt);
  EXPECT_EQ(IndexMapOf(*c->Add(Opcode::kIota, shape, {}), 0), std::nullopt);
}

}  // namespace
}  // namespace ingot
