// Draws the ops of one computation of a random graph.  Internal to the generator.
#ifndef INGOT_TESTS_RANDOM_GRAPHS_DRAWER_H_
#define INGOT_TESTS_RANDOM_GRAPHS_DRAWER_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <random>
#include <vector>

#include "ir/builder/builder.h"
#include "tests/random_graphs/generator.h"

namespace ingot::random_graphs {

using Sizes = std::vector<int64_t>;

// An array under construction.
struct Known {
  Value value;
  Facts facts;

  const Shape& shape() const { return value.shape(); }
  const Sizes& sizes() const { return value.shape().dimensions(); }
  int64_t rank() const { return value.shape().rank(); }
  ElementType type() const { return value.element_type(); }
  // The same bits in every right answer.
  bool exact() const { return facts.error == 0; }
  // No infinities, no NaNs.
  bool finite() const { return facts.bound < std::numeric_limits<double>::infinity(); }
};

// What the computations of one graph share: few types and few sizes, so that values fit each other.
struct Style {
  std::vector<ElementType> types;
  Sizes sizes;
  GeneratorOptions options;
};

class Drawer {
 public:
  // `inputs` takes what the parameters of the entry hold; null for a called computation, which
  // starts from `arguments`.
  Drawer(GraphBuilder& builder, std::mt19937_64& random, const Style& style,
         std::vector<Literal>* inputs, std::vector<Known> arguments, int depth)
      : b_(builder),
        random_(random),
        style_(style),
        inputs_(inputs),
        pool_(std::move(arguments)),
        depth_(depth) {}

  // Draws until there are `count` more ops (a few of help to each not counted), or none fits.
  void Draw(int count);

  // Draws two ops, the second over the first: pair `number` of all, round and round.  Returns the
  // place of the second's result in the pool, the last place if the two do not suit each other.
  size_t DrawPair(uint64_t number);

  const std::vector<Known>& pool() const { return pool_; }
  // One of the values, a new one if there is none.
  Known Any();

 private:
  using Op = bool (Drawer::*)();
  struct Row {
    Op op;
    int weight;
  };
  static const Row kRows[35];

  // Each draws one op over values of the pool, or returns false where the drawn value does not suit
  // it.
  bool Unary();
  bool Binary();
  bool Compare();
  bool Select();
  bool Clamp();
  bool Convert();
  bool ReducePrecision();
  bool Complex();
  bool Map();

  bool BitcastConvert();
  bool Broadcast();
  bool Concatenate();
  bool Iota();
  bool Pad();
  bool Reshape();
  bool Reverse();
  bool Slice();
  bool Transpose();
  bool Copy();

  bool Reduce();
  bool ReduceMany();
  bool ReduceWindow();
  bool SelectAndScatter();
  bool Scan();
  bool Dot();
  bool Convolution();

  bool DynamicSlice();
  bool DynamicUpdateSlice();
  bool Gather();
  bool Scatter();
  bool Sort();

  bool While();
  bool Conditional();
  bool Call();
  bool TupleAndBarrier();

  // --- chance
  int64_t Below(int64_t n) { return static_cast<int64_t>(random_() % static_cast<uint64_t>(n)); }
  bool OneIn(int64_t n) { return Below(n) == 0; }
  template <typename List>
  auto OneOf(const List& list) {
    return *(std::begin(list) + Below(static_cast<int64_t>(std::size(list))));
  }
  Sizes Permutation(int64_t n);
  // Each of 0 … n-1 with chance 1/2, ascending.
  Sizes Subset(int64_t n);
  // A size, and sizes of a rank whose product is within the limit.
  int64_t Size() { return OneOf(style_.sizes); }
  Sizes SomeSizes(int64_t rank);
  bool Fits(const Sizes& sizes) const;

  // --- values
  bool Add(Value value, Facts facts);
  Known Constant(ElementType type, double value);
  // A new array: a parameter (of the entry), a constant, an iota or a broadcast scalar.
  Known Fresh(ElementType type, const Sizes& sizes);
  // Fresh, of small whole numbers.
  Known FreshWhole(ElementType type, const Sizes& sizes);
  // One of the pool of this type and these sizes, or a fresh one.
  Known Like(ElementType type, const Sizes& sizes);
  Known Like(const Known& x) { return Like(x.type(), x.sizes()); }
  Known Parameter(ElementType type, const Sizes& sizes, bool whole);
  Known FreshConstant(ElementType type, const Sizes& sizes, bool whole);
  // Adds a value that no op of interest made.
  Known Given(const Known& known);
  Known ConstantArray(ElementType type, const Sizes& sizes, bool whole);
  // x, where it is of floats with its magnitude at most `bound`, infinities and NaNs gone.
  Known Bounded(const Known& x, double bound);
  // Facts of a value that is one or the other.
  static Facts Either(const Facts& a, const Facts& b);
  // A result whose NaNs, infinities and great values are replaced; it may be off by `ulps`
  // roundings.
  bool AddRough(Value value, double ulps, double error = 0);
  // Of a sum of `count` products, each at most `bound` and off by `error`, accumulated in
  // AccumulatorType(type).
  static Facts SumFacts(ElementType type, double bound, bool whole, double error, double count);
  Literal RandomLiteral(ElementType type, const Sizes& sizes, bool whole, Facts* facts);

  bool FloatBinary(Opcode opcode, const Known& x, const Known& y);
  // A scalar of integers to start a dynamic slice at.
  Known StartIndex(ElementType type, int64_t size);
  // A window over some of x's dimensions; nullopt where it would be empty or too large.
  std::optional<Window> SomeWindow(const Known& x, bool dilate, Sizes* positions);
  int64_t FeatureCount() { return 1 + Below(5); }
  // The drawer of a called computation.
  std::vector<Value> DrawBody(Values parameters, const std::vector<Facts>& facts, int count,
                              const std::function<std::vector<Value>(Drawer&)>& finish);
  // A value of these sizes and type of this computation for the next round of a loop, where any
  // value that was not sent round before is as good as the last.
  Value NextRound(const Known& state);

  GraphBuilder& b_;
  std::mt19937_64& random_;
  const Style& style_;
  std::vector<Literal>* inputs_;
  std::vector<Known> pool_;
  int depth_;
  std::optional<Known> under_;  // what Any() gives while the second op of a pair is drawn
};

}  // namespace ingot::random_graphs

#endif  // INGOT_TESTS_RANDOM_GRAPHS_DRAWER_H_
