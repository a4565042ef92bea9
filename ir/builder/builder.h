// Builds graphs from C++:
//
//   GraphBuilder b("mlp");
//   Value x = b.Parameter(ElementType::kF32, {32, 784}, "x");
//   Value w = b.Parameter(ElementType::kF32, {784, 10}, "w");
//   Value logits = MatMul(x, w);
//   Value shifted = logits - BroadcastOver(ReduceMax(logits, {1}), logits, {1});
//   absl::StatusOr<std::unique_ptr<Module>> module = b.Build(Exp(shifted));
//
// Values remember their builder, so ops are free functions; those with no operand are the
// builder's. Result shapes come from ir/infer.  The first error sticks and is what Build returns;
// until then every op gives a Value that is safe to use and means nothing.
//
// Broadcasting is explicit (Broadcast, BroadcastOver), but for scalars and C++ numbers among the
// operands of elementwise ops: Maximum(x, 0.0), x * scale.
//
// Functions that become called computations (of While, Reduce, Sort, ...) are C++ lambdas.  While
// one runs, the builder adds to that computation: it sees its arguments and constants that it
// makes, and no values from outside, which While and Conditional take as operands.
#ifndef INGOT_IR_BUILDER_BUILDER_H_
#define INGOT_IR_BUILDER_BUILDER_H_

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "ir/attributes.h"
#include "ir/base/shape.h"
#include "ir/literal.h"
#include "ir/module.h"
#include "ir/opcode.h"

namespace ingot {

class GraphBuilder;

// A value of a graph under construction.  Copied freely; lives as long as its builder and not past
// Build.
class Value {
 public:
  Value() = default;
  // False for a default Value and what came of an error.
  bool ok() const { return instruction_ != nullptr; }
  GraphBuilder* builder() const { return builder_; }
  // The empty tuple where not ok().
  const Shape& shape() const;
  // An array's; pred and 0 where it is none or has no such dimension.
  ElementType element_type() const;
  int64_t dimension(int64_t i) const;

 private:
  friend class GraphBuilder;
  Value(GraphBuilder* builder, Instruction* instruction)
      : builder_(builder), instruction_(instruction) {}

  GraphBuilder* builder_ = nullptr;
  Instruction* instruction_ = nullptr;
};

// An operand of an elementwise op: a value, or a number that becomes a constant of the other
// operand's type.
struct Term {
  Term(Value v) : value(v) {}  // NOLINT: implicit on purpose
  template <typename Number, typename = std::enable_if_t<std::is_arithmetic_v<Number>>>
  Term(Number n) : number(static_cast<double>(n)) {}  // NOLINT
  Value value;
  std::optional<double> number;
};

using Values = absl::Span<const Value>;
// What a called computation does with its parameters.
using Function = std::function<Value(Values)>;
using FunctionOfMany = std::function<std::vector<Value>(Values)>;

class GraphBuilder {
 public:
  explicit GraphBuilder(absl::string_view name);
  GraphBuilder(const GraphBuilder&) = delete;
  GraphBuilder& operator=(const GraphBuilder&) = delete;

  // The next parameter of the computation.
  Value Parameter(Shape shape, absl::string_view name = "");
  Value Parameter(ElementType type, std::vector<int64_t> sizes, absl::string_view name = "");
  Value Constant(Literal literal);
  // A scalar, converted as Literal::Scalar does.
  Value Constant(ElementType type, double value);
  // An array, row-major.
  Value Constant(ElementType type, std::vector<int64_t> sizes, absl::Span<const double> values);
  Value Iota(ElementType type, std::vector<int64_t> sizes, int64_t dimension);

  // Any op: what the functions below are made of, and what does those that have none.  `attributes`
  // default to the op's defaults; `stated` is the result's shape where it does not follow from the
  // operands (ir/infer/infer.h).
  Value Apply(Opcode opcode, Values operands, std::optional<Attributes> attributes = std::nullopt,
              std::vector<Computation*> called = {}, const Shape* stated = nullptr);

  // A computation for Apply's `called`; null after an error.
  Computation* Define(absl::string_view name, absl::Span<const Shape> parameters,
                      const Function& body);

  // The first error so far.
  const absl::Status& status() const { return status_; }
  // Makes `error` the builder's, unless it has one.  Returns a Value that is not ok().
  Value Fail(absl::Status error);

  // The module with `root` as its result (of many: their tuple), verified.  The builder and its
  // values are spent.
  absl::StatusOr<std::unique_ptr<Module>> Build(Value root);
  absl::StatusOr<std::unique_ptr<Module>> Build(std::initializer_list<Value> results);

  // x op y on scalars of `type`, one computation for each op and type.
  Computation* ScalarComputation(Opcode opcode, ElementType type);

 private:
  absl::StatusOr<Instruction*> Add(Opcode opcode, Values operands, Attributes attributes,
                                   std::vector<Computation*> called, const Shape* stated);

  absl::Status status_;
  std::unique_ptr<Module> module_;
  Computation* current_;
  std::map<std::pair<Opcode, ElementType>, Computation*> scalar_computations_;
};

// ---- elementwise

// `opcode` with scalars and numbers broadcast to the operand that is no scalar.
Value Elementwise(Opcode opcode, std::vector<Term> operands,
                  std::optional<Attributes> attributes = std::nullopt);

// Abs(x), Add(x, y), ...: one function for each op that has operands only.
#define INGOT_OPCODE(...)
#define INGOT_ELEMENTWISE(...)
#define INGOT_UNARY(Name, ...) \
  inline Value Name(Value x) { return Elementwise(Opcode::k##Name, {x}); }
#define INGOT_BINARY(Name, ...) \
  inline Value Name(Term x, Term y) { return Elementwise(Opcode::k##Name, {x, y}); }
#include "ir/opcodes.def"

inline Value operator-(Value x) { return Negate(x); }
inline Value operator+(Term x, Term y) { return Add(x, y); }
inline Value operator-(Term x, Term y) { return Subtract(x, y); }
inline Value operator*(Term x, Term y) { return Multiply(x, y); }
inline Value operator/(Term x, Term y) { return Divide(x, y); }

Value Compare(Term x, Term y, ComparisonDirection direction);
Value Select(Value predicate, Term on_true, Term on_false);
Value Clamp(Term low, Value x, Term high);
Value Convert(Value x, ElementType type);
Value BitcastConvert(Value x, ElementType type);
Value ReducePrecision(Value x, int64_t exponent_bits, int64_t mantissa_bits);

// ---- data movement

// Operand dimension i becomes dimension dimensions[i] of the result.
Value Broadcast(Value x, std::vector<int64_t> sizes, std::vector<int64_t> dimensions);
// x, which a reduction over `dimensions` gave, with the sizes of `like`, which was reduced.
Value BroadcastOver(Value x, Value like, absl::Span<const int64_t> dimensions);
Value Concatenate(Values operands, int64_t dimension);
Value Pad(Value x, Term value, Padding padding);
Value Reshape(Value x, std::vector<int64_t> sizes);
Value Reverse(Value x, std::vector<int64_t> dimensions);
Value Slice(Value x, SliceDimensions slice);
Value Transpose(Value x, std::vector<int64_t> permutation);

// ---- reductions

// Reduces `dimensions` by `opcode`, an op of two scalars (kAdd, kMaximum, kAnd, ...), from
// `initial`.
Value Reduce(Value x, Term initial, std::vector<int64_t> dimensions, Opcode opcode);
// N inputs at once; `reducer` takes N accumulators and N elements and returns N accumulators.
std::vector<Value> Reduce(Values inputs, Values initial, std::vector<int64_t> dimensions,
                          const FunctionOfMany& reducer);
// From the op's identity: 0, the least value of the type, the greatest.
Value ReduceSum(Value x, std::vector<int64_t> dimensions);
Value ReduceMax(Value x, std::vector<int64_t> dimensions);
Value ReduceMin(Value x, std::vector<int64_t> dimensions);
Value ReduceWindow(Value x, Term initial, Window window, Opcode opcode);
// The gradient of a maximum over windows: `source` goes to the greatest element of each.
Value SelectAndScatterMax(Value x, Value source, Term initial, Window window);
// (outputs..., last carries...) of step(slices..., carries...) = (output slices..., carries...).
std::vector<Value> Scan(Values inputs, Values carries, int64_t dimension, bool is_reverse,
                        const FunctionOfMany& step);

// ---- contractions; `type` is the result's, by default the operands'.

Value Dot(Value lhs, Value rhs, DotAttributes attributes,
          std::optional<ElementType> type = std::nullopt);
// [..., m, k] times [..., k, n], or [..., k] times [k, n] where rhs has two dimensions.
Value MatMul(Value lhs, Value rhs, std::optional<ElementType> type = std::nullopt);
Value Convolution(Value input, Value kernel, ConvolutionAttributes attributes,
                  std::optional<ElementType> type = std::nullopt);
// NHWC input (any number of spatial dimensions), HWIO kernel; `padding` has (low, high) for each
// spatial dimension.
Value ConvolutionNhwc(Value input, Value kernel, absl::Span<const int64_t> strides,
                      absl::Span<const std::pair<int64_t, int64_t>> padding,
                      int64_t feature_group_count = 1);

// ---- indexing, sorting, random numbers, linear algebra

Value DynamicSlice(Value x, Values starts, std::vector<int64_t> sizes);
Value DynamicUpdateSlice(Value x, Value update, Values starts);
Value Gather(Value x, Value indices, GatherAttributes attributes);
// Combines by `opcode`, an op of two scalars.
Value Scatter(Value x, Value indices, Value updates, ScatterAttributes attributes, Opcode opcode);
// Ascending by the first operand, or by less(a0, b0, a1, b1, ...); stable.
std::vector<Value> Sort(Values operands, int64_t dimension, const Function& less = nullptr);
// (new state, bits)
std::pair<Value, Value> RngBitGenerator(Value state, ElementType type, std::vector<int64_t> sizes,
                                        RngAlgorithm algorithm = RngAlgorithm::kDefault);
Value Cholesky(Value a, bool lower);
// x with a x = b (left_side) or x a = b, `a` being lower or upper triangular.
Value TriangularSolve(Value a, Value b, bool left_side, bool lower, bool unit_diagonal = false,
                      TransposeA transpose_a = TransposeA::kNoTranspose);
Value Fft(Value x, FftType type, std::vector<int64_t> lengths);

// ---- structure and control flow

Value Tuple(Values elements);
Value GetTupleElement(Value tuple, int64_t index);
// body(arguments...), as a computation that is called.
Value Call(Values arguments, const Function& body);
// state = body(state) for as long as condition(state).
std::vector<Value> While(Values state, const Function& condition, const FunctionOfMany& body);
// One of the branches, of the operands: by a pred[] (true, false) or an s32[].
Value Conditional(Value selector, Values operands, absl::Span<const Function> branches);

}  // namespace ingot

#endif  // INGOT_IR_BUILDER_BUILDER_H_
