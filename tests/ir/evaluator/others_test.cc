// Sorting, random numbers, linear algebra, control flow, and what evaluation as a whole promises.
#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <limits>
#include <numbers>

#include "tests/ir/evaluator/testing.h"

namespace ingot {
namespace {

using test::Array;
using test::Doubles;
using test::Evaluated;
using test::Integers;
using test::Numbers;
using test::ToDoubles;
using test::TryEvaluated;

TEST(SortingTest, IsStableAlongAnyDimension) {
  const Literal keys = Array(ElementType::kS32, {4, 2}, {3, 0, 1, 9, 3, 0, 1, 9});
  const Literal result = Evaluated(
      [](GraphBuilder& b, Values v) {
        return Tuple(Sort({v[0], b.Iota(ElementType::kU8, {4, 2}, 0)}, 0));
      },
      {keys});
  EXPECT_EQ(ToDoubles(result.tuple()[0]), (std::vector<double>{1, 0, 1, 0, 3, 9, 3, 9}));
  EXPECT_EQ(ToDoubles(result.tuple()[1]), (std::vector<double>{1, 0, 3, 2, 0, 1, 2, 3}));
}

TEST(SortingTest, AnyComparatorIsSafe) {
  const Literal x = Numbers(ElementType::kF32, {1000});
  for (ComparisonDirection direction : {ComparisonDirection::kEq, ComparisonDirection::kNe,
                                        ComparisonDirection::kGe, ComparisonDirection::kGt}) {
    const Literal result = Evaluated(
        [&](GraphBuilder&, Values v) {
          return Sort({v[0]}, 0, [&](Values a) { return Compare(a[0], a[1], direction); })[0];
        },
        {x});
    double sum = 0;
    for (int i = 0; i < 1000; ++i) sum += result.AsDouble(i) - x.AsDouble(i);
    EXPECT_EQ(sum, 0) << "a permutation";
    if (direction != ComparisonDirection::kGt) continue;
    for (int i = 1; i < 1000; ++i) EXPECT_GE(result.AsDouble(i - 1), result.AsDouble(i));
  }
}

TEST(SortingTest, TopK) {
  TopKAttributes top;
  top.k = 2;
  top.largest = true;
  const Shape stated = Shape::Tuple(
      {Shape::Array(ElementType::kF32, {2, 2}), Shape::Array(ElementType::kS32, {2, 2})});
  const Literal result = Evaluated(
      [&](GraphBuilder& b, Values v) { return b.Apply(Opcode::kTopK, v, top, {}, &stated); },
      {Array(ElementType::kF32, {2, 4}, {5, 7, 5, 7, -1, -2, -3, -1})});
  EXPECT_EQ(ToDoubles(result.tuple()[0]), (std::vector<double>{7, 7, -1, -1}));
  EXPECT_EQ(ToDoubles(result.tuple()[1]), (std::vector<double>{1, 3, 0, 3}));
}

// Known answers of the Random123 library's tests.
TEST(RandomTest, ThreeFryAndPhiloxGiveTheirKnownAnswers) {
  const auto generate = [](const std::vector<int64_t>& state, RngAlgorithm algorithm, int64_t n) {
    return Evaluated(
        [&](GraphBuilder&, Values v) {
          const auto [next, bits] = RngBitGenerator(v[0], ElementType::kU32, {n}, algorithm);
          return Tuple({next, bits});
        },
        {Integers(ElementType::kU64, state)});
  };
  const Literal zeros = generate({0, 0}, RngAlgorithm::kThreeFry, 2);
  EXPECT_EQ(zeros.tuple()[1].AsInteger(0), 0x6b200159);
  EXPECT_EQ(zeros.tuple()[1].AsInteger(1), 0x99ba4efe);
  EXPECT_EQ(zeros.tuple()[0].AsInteger(1), 1);
  const Literal pi = generate({0x0370734413198a2e, static_cast<int64_t>(0x85a308d3243f6a88)},
                              RngAlgorithm::kThreeFry, 2);
  EXPECT_EQ(pi.tuple()[1].AsInteger(0), 0xc4923a9c);
  EXPECT_EQ(pi.tuple()[1].AsInteger(1), 0x483df7a0);
  const Literal philox = generate({0, 0, 0}, RngAlgorithm::kPhilox, 5);
  EXPECT_EQ(philox.tuple()[1].AsInteger(0), 0x6627e8d5);
  EXPECT_EQ(philox.tuple()[1].AsInteger(1), 0xe169c58d);
  EXPECT_EQ(philox.tuple()[1].AsInteger(2), 0xbc57ac4c);
  EXPECT_EQ(philox.tuple()[1].AsInteger(3), 0x9b00dbd8);
  EXPECT_EQ(philox.tuple()[0].AsInteger(1), 2);
  const Literal ones = generate({-1, -1, -1}, RngAlgorithm::kPhilox, 4);
  EXPECT_EQ(ones.tuple()[1].AsInteger(0), 0x408f276d);
  EXPECT_EQ(ones.tuple()[1].AsInteger(3), 0x6d5451fd);
  EXPECT_EQ(ones.tuple()[0].AsInteger(1), 0) << "the counter carries";
  EXPECT_EQ(ones.tuple()[0].AsInteger(2), 0);
}

// What XLA's CPU gives (jaxlib 0.10.2): the key is the counter's high half too.
TEST(RandomTest, PhiloxOfTwoWordsCountsAboveItsKey) {
  const auto generate = [](const std::vector<int64_t>& state) {
    return Evaluated(
        [&](GraphBuilder&, Values v) {
          const auto [next, bits] =
              RngBitGenerator(v[0], ElementType::kU32, {5}, RngAlgorithm::kPhilox);
          return Tuple({next, bits});
        },
        {Integers(ElementType::kU64, state)});
  };
  const auto expect = [](const Literal& result, const std::vector<int64_t>& state,
                         const std::vector<int64_t>& bits) {
    for (size_t i = 0; i < state.size(); ++i) EXPECT_EQ(result.tuple()[0].AsInteger(i), state[i]);
    for (size_t i = 0; i < bits.size(); ++i) EXPECT_EQ(result.tuple()[1].AsInteger(i), bits[i]);
  };
  expect(generate({5, 7}), {5, 9}, {1957188081, 3299040168, 2189429415, 2942269241, 4036186172});
  const int64_t key = std::numeric_limits<int64_t>::min() + 5;
  expect(generate({key, -2}), {key, 0}, {911437490, 932094173, 4121853611, 1078865787, 3729030871});
}

TEST(RandomTest, RngKeepsToItsDistribution) {
  const Shape shape = Shape::Array(ElementType::kF32, {10000});
  const Shape integers = Shape::Array(ElementType::kS8, {10000});
  const Literal result = Evaluated(
      [&](GraphBuilder& b, Values v) {
        const auto rng = [&](Value x, Value y, RngDistribution distribution, const Shape& of) {
          return b.Apply(Opcode::kRng, {x, y}, RngAttributes{distribution}, {}, &of);
        };
        return Tuple({rng(v[0], v[1], RngDistribution::kUniform, shape),
                      rng(v[0], v[1], RngDistribution::kNormal, shape),
                      rng(v[2], v[3], RngDistribution::kUniform, integers)});
      },
      {Literal::Scalar(ElementType::kF32, -1), Literal::Scalar(ElementType::kF32, 3),
       Literal::Scalar(ElementType::kS8, -2), Literal::Scalar(ElementType::kS8, 2)});
  double mean[3] = {}, square[3] = {};
  for (int k = 0; k < 3; ++k) {
    for (double x : ToDoubles(result.tuple()[k])) {
      mean[k] += x / 10000;
      square[k] += x * x / 10000;
      EXPECT_TRUE(k == 1 || ((k == 0 ? -1 : -2) <= x && x < (k == 0 ? 3 : 2))) << k << " " << x;
    }
  }
  // means and variances, to about five standard errors
  EXPECT_NEAR(mean[0], 1, 0.06);
  EXPECT_NEAR(square[0] - mean[0] * mean[0], 16.0 / 12, 0.06);
  EXPECT_NEAR(mean[1], -1, 0.15);
  EXPECT_NEAR(square[1] - mean[1] * mean[1], 9, 0.7);
  EXPECT_NEAR(mean[2], -0.5, 0.06);
}

TEST(LinearAlgebraTest, CholeskyAndTriangularSolve) {
  // l lᵀ, and an upper triangle that is not read
  const Literal l = Array(ElementType::kF64, {1, 3, 3}, {2, 0, 0, 1, 3, 0, -1, 0.5, 1});
  Literal a = Array(ElementType::kF64, {1, 3, 3}, std::vector<double>(9));
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j <= i; ++j) {
      double sum = 0;
      for (int k = 0; k < 3; ++k) sum += l.AsDouble(i * 3 + k) * l.AsDouble(j * 3 + k);
      a.SetDouble(i * 3 + j, sum);
      if (i != j) a.SetDouble(j * 3 + i, 99);
    }
  }
  const Literal factor =
      Evaluated([](GraphBuilder&, Values v) { return Cholesky(v[0], true); }, {a});
  for (int i = 0; i < 9; ++i) EXPECT_NEAR(factor.AsDouble(i), l.AsDouble(i), 1e-12) << i;
  const Literal negative = Array(ElementType::kF64, {1, 1}, {-1});
  EXPECT_TRUE(
      std::isnan(Evaluated([](GraphBuilder&, Values v) { return Cholesky(v[0], true); }, {negative})
                     .AsDouble(0)));

  const Literal b = Numbers(ElementType::kF64, {1, 3, 3});
  for (bool left : {false, true}) {
    for (TransposeA transpose : {TransposeA::kNoTranspose, TransposeA::kTranspose}) {
      const Literal x = Evaluated(
          [&](GraphBuilder&, Values v) {
            return TriangularSolve(v[0], v[1], left, true, false, transpose);
          },
          {l, b});
      const auto op = [&](int i, int j) {
        return l.AsDouble(transpose == TransposeA::kTranspose ? j * 3 + i : i * 3 + j);
      };
      for (int i = 0; i < 3; ++i) {
        for (int j = 0; j < 3; ++j) {
          double sum = 0;
          for (int k = 0; k < 3; ++k) {
            sum += left ? op(i, k) * x.AsDouble(k * 3 + j) : x.AsDouble(i * 3 + k) * op(k, j);
          }
          EXPECT_NEAR(sum, b.AsDouble(i * 3 + j), 1e-12) << left << " " << i << " " << j;
        }
      }
    }
  }
}

TEST(LinearAlgebraTest, FftAndBack) {
  const std::vector<int64_t> lengths = {3, 12};
  const Literal x = Numbers(ElementType::kF64, {2, 3, 12});
  const Literal result = Evaluated(
      [&](GraphBuilder&, Values v) {
        const Value half = Fft(v[0], FftType::kRfft, lengths);
        return Tuple(
            {half, Fft(half, FftType::kIrfft, lengths),
             Fft(Fft(Complex(v[0], v[0]), FftType::kFft, lengths), FftType::kIfft, lengths)});
      },
      {x});
  for (int64_t i = 0; i < 72; ++i) {
    EXPECT_NEAR(result.tuple()[1].AsDouble(i), x.AsDouble(i), 1e-12);
    EXPECT_NEAR(result.tuple()[2].AsComplex(i).imag(), x.AsDouble(i), 1e-12);
  }
  // element (1, 2, 5), by the formula
  std::complex<double> sum = 0;
  for (int64_t i = 0; i < 3; ++i) {
    for (int64_t j = 0; j < 12; ++j) {
      sum += x.AsDouble(36 + i * 12 + j) *
             std::polar(1.0, -2 * std::numbers::pi * (2.0 * i / 3 + 5.0 * j / 12));
    }
  }
  EXPECT_LT(std::abs(result.tuple()[0].AsComplex(21 + 2 * 7 + 5) - sum), 1e-10);
}

TEST(ControlFlowTest, WhileConditionalCall) {
  const Literal result = Evaluated(
      [](GraphBuilder& b, Values v) {
        const std::vector<Value> state = While(
            {b.Constant(ElementType::kS32, 0), v[0]},
            [](Values s) { return Compare(s[0], 5, ComparisonDirection::kLt); },
            [](Values s) {
              return std::vector<Value>{s[0] + 1, Multiply(s[1], 2.0)};
            });
        const std::vector<Function> branches = {
            [](Values a) { return Negate(a[0]); }, [](Values a) { return a[0] + 1.0; },
            [](Values a) { return Call({a[0]}, [](Values c) { return c[0] * 10.0; }); }};
        std::vector<Value> results = {state[1]};
        for (int selector : {0, 1, 2, -1, 7}) {
          results.push_back(
              Conditional(b.Constant(ElementType::kS32, selector), {v[0], v[0], v[0]}, branches));
        }
        return Tuple(results);
      },
      {Literal::Scalar(ElementType::kF32, 3)});
  const std::vector<double> expected = {96, -3, 4, 30, 30, 30};
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(result.tuple()[i].AsDouble(0), expected[i]) << i;
  }
}

std::unique_ptr<Module> EndlessLoop() {
  GraphBuilder b("endless");
  const Value x = b.Parameter(ElementType::kS32, {});
  const std::vector<Value> state = While(
      {x}, [](Values s) { return Compare(s[0], s[0], ComparisonDirection::kEq); },
      [](Values s) { return std::vector<Value>{s[0] + 1}; });
  return b.Build(state[0]).value();
}

TEST(EvaluatorTest, StopsWhenTold) {
  const std::unique_ptr<Module> module = EndlessLoop();
  const std::vector<Literal> inputs = {Literal::ScalarInteger(ElementType::kS32, 0)};
  EvaluatorOptions options;
  options.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
  EXPECT_EQ(Evaluate(*module, inputs, options).status().code(),
            absl::StatusCode::kDeadlineExceeded);
  const std::atomic<bool> cancelled = true;
  EvaluatorOptions with_flag;
  with_flag.cancelled = &cancelled;
  EXPECT_EQ(Evaluate(*module, inputs, with_flag).status().code(), absl::StatusCode::kCancelled);
}

TEST(EvaluatorTest, StopsInTheMiddleOfAnOp) {
  // half a minute of work in one instruction
  const Literal x = Numbers(ElementType::kF32, {4096, 4096});
  GraphBuilder b("long");
  const Value v = b.Parameter(x.shape());
  const std::unique_ptr<Module> module = b.Build(MatMul(v, v)).value();
  EvaluatorOptions options;
  options.threads = 1;
  options.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
  EXPECT_EQ(Evaluate(*module, {x}, options).status().code(), absl::StatusCode::kDeadlineExceeded);
}

TEST(EvaluatorTest, SaysWhatIsWrongWithInputs) {
  const std::unique_ptr<Module> module = EndlessLoop();
  EXPECT_EQ(Evaluate(*module, {}).status().message(), "main takes 1 inputs, not 0");
  EXPECT_EQ(Evaluate(*module, {Literal::Scalar(ElementType::kF32, 0)}).status().message(),
            "main: input 0 is f32[]; the parameter is s32[]");
}

TEST(EvaluatorTest, RefusesWhatMemoryCannotHold) {
  const absl::StatusOr<Literal> result = TryEvaluated(
      [](GraphBuilder& b, Values) { return b.Iota(ElementType::kF64, {int64_t{1} << 50}, 0); }, {});
  EXPECT_EQ(result.status().code(), absl::StatusCode::kResourceExhausted) << result.status();
}

TEST(EvaluatorTest, DeepGraphsNeedNoStack) {
  const Literal result = Evaluated(
      [](GraphBuilder&, Values v) {
        Value x = v[0];
        for (int i = 0; i < 50000; ++i) x = x + v[0];
        return x;
      },
      {Literal::ScalarInteger(ElementType::kS64, 3)});
  EXPECT_EQ(result.AsInteger(0), 150003);
}

TEST(EvaluatorTest, ThreadsDoNotChangeResults) {
  const Literal x = Numbers(ElementType::kF32, {257, 513}),
                y = Numbers(ElementType::kF32, {513, 65});
  GraphBuilder b("threads");
  const Value a = b.Parameter(x.shape()), c = b.Parameter(y.shape());
  const Value product = MatMul(Sin(a), Exp(c));
  const std::unique_ptr<Module> module =
      b.Build(Tuple({product, ReduceSum(product, {0}), ReduceSum(product, {0, 1})})).value();
  EvaluatorOptions one, many;
  one.threads = 1;
  many.threads = 7;
  EXPECT_EQ(Evaluate(*module, {x, y}, one).value(), Evaluate(*module, {x, y}, many).value());
}

TEST(EvaluatorTest, UnimplementedNamesTheOp) {
  const absl::StatusOr<Literal> result = TryEvaluated(
      [](GraphBuilder& b, Values v) {
        CustomCallAttributes attributes;
        attributes.custom_call_target = "secret";
        return b.Apply(Opcode::kCustomCall, v, attributes, {}, &v[0].shape());
      },
      {Literal::Scalar(ElementType::kF32, 0)});
  EXPECT_EQ(result.status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_NE(std::string(result.status().message()).find("custom-call \"secret\""),
            std::string::npos)
      << result.status();
}

}  // namespace
}  // namespace ingot
