#include <gtest/gtest.h>

#include <cmath>

#include "tests/ir/evaluator/testing.h"

namespace ingot {
namespace {

using test::Array;
using test::Evaluated;
using test::Integers;
using test::Numbers;
using test::ToDoubles;

TEST(ReductionTest, SumsAndMaximaOverAnyDimensions) {
  for (ElementType type :
       {ElementType::kS8, ElementType::kU16, ElementType::kS64, ElementType::kU64,
        ElementType::kF16, ElementType::kBF16, ElementType::kF32, ElementType::kF64}) {
    // numbers so small that every type holds every sum
    const Literal x = Numbers(type, {3, 4, 5});
    for (const std::vector<int64_t>& dimensions :
         {std::vector<int64_t>{0}, {1}, {2}, {0, 1}, {0, 2}, {1, 2}, {0, 1, 2}, {}}) {
      std::vector<double> sums, maxima;
      std::vector<int64_t> kept_sizes;
      for (int64_t d = 0; d < 3; ++d) {
        if (std::count(dimensions.begin(), dimensions.end(), d) == 0) {
          kept_sizes.push_back(x.shape().dimension(d));
        }
      }
      sums.resize(Product(kept_sizes), 0);
      maxima.resize(Product(kept_sizes), -100);
      for (int64_t i = 0; i < 60; ++i) {
        const int64_t index[] = {i / 20, i / 5 % 4, i % 5};
        int64_t at = 0;
        for (int64_t d = 0; d < 3; ++d) {
          if (std::count(dimensions.begin(), dimensions.end(), d) == 0) {
            at = at * x.shape().dimension(d) + index[d];
          }
        }
        sums[at] += x.AsDouble(i);
        maxima[at] = std::max(maxima[at], x.AsDouble(i));
      }
      if (IsUnsigned(type)) {
        for (double& sum : sums) sum = std::fmod(sum, std::ldexp(1.0, BitWidth(type)));
      }
      EXPECT_EQ(ToDoubles(Evaluated(
                    [&](GraphBuilder&, Values v) { return ReduceSum(v[0], dimensions); }, {x})),
                sums)
          << ElementTypeName(type);
      EXPECT_EQ(ToDoubles(Evaluated(
                    [&](GraphBuilder&, Values v) { return ReduceMax(v[0], dimensions); }, {x})),
                maxima)
          << ElementTypeName(type);
    }
  }
}

TEST(ReductionTest, LongSumsRoundOnce) {
  // 1 + 2^-12 a million times: f32 that adds one at a time would be off by far more
  const int64_t n = 1 << 20;
  Literal x = Literal::Zeros(Shape::Array(ElementType::kF32, {n})).value();
  for (float& value : x.mutable_data<float>()) value = 1 + std::ldexp(1.0f, -12);
  const Literal sum = Evaluated([](GraphBuilder&, Values v) { return ReduceSum(v[0], {0}); }, {x});
  EXPECT_EQ(sum.AsDouble(0), n * (1 + std::ldexp(1.0, -12)));
  // bf16: 300 ones are 300, where adding in bf16 would stop at 256
  Literal ones = Literal::Zeros(Shape::Array(ElementType::kBF16, {300})).value();
  for (int i = 0; i < 300; ++i) ones.SetDouble(i, 1);
  EXPECT_EQ(
      Evaluated([](GraphBuilder&, Values v) { return ReduceSum(v[0], {0}); }, {ones}).AsDouble(0),
      300);
}

TEST(ReductionTest, NanSurvivesMaxima) {
  const Literal x = Array(ElementType::kF32, {2, 3}, {1, NAN, 2, 3, 4, 5});
  const Literal most = Evaluated([](GraphBuilder&, Values v) { return ReduceMax(v[0], {1}); }, {x});
  EXPECT_TRUE(std::isnan(most.AsDouble(0)));
  EXPECT_EQ(most.AsDouble(1), 5);
}

TEST(ReductionTest, ArgmaxIsAVariadicReduce) {
  const Literal x = Array(ElementType::kF32, {2, 4}, {1, 7, 7, 3, -1, -5, -1, -9});
  const Literal result = Evaluated(
      [](GraphBuilder& b, Values v) {
        const Value positions = b.Iota(ElementType::kS32, {2, 4}, 1);
        const std::vector<Value> best =
            Reduce({v[0], positions},
                   {b.Constant(ElementType::kF32, -INFINITY), b.Constant(ElementType::kS32, 0)},
                   {1}, [](Values a) {
                     const Value keep = Compare(a[0], a[2], ComparisonDirection::kGe);
                     return std::vector<Value>{Select(keep, a[0], a[2]), Select(keep, a[1], a[3])};
                   });
        return Tuple(best);
      },
      {x});
  EXPECT_EQ(ToDoubles(result.tuple()[0]), (std::vector<double>{7, -1}));
  EXPECT_EQ(ToDoubles(result.tuple()[1]), (std::vector<double>{1, 0}));
}

// reduce-window by its definition, over [a, b].
std::vector<double> NaiveWindowSum(const Literal& x, const Window& window,
                                   const std::vector<int64_t>& sizes) {
  std::vector<double> result;
  const auto& [rows, columns] = std::pair(window.dimensions[0], window.dimensions[1]);
  const auto position = [](const WindowDimension& w, int64_t o, int64_t e, int64_t size) {
    const int64_t at = o * w.stride + e * w.window_dilation - w.padding_low;
    if (at < 0 || at > (size - 1) * w.base_dilation || at % w.base_dilation != 0)
      return int64_t{-1};
    return at / w.base_dilation;
  };
  for (int64_t i = 0; i < sizes[0]; ++i) {
    for (int64_t j = 0; j < sizes[1]; ++j) {
      double sum = 0;
      for (int64_t p = 0; p < rows.size; ++p) {
        for (int64_t q = 0; q < columns.size; ++q) {
          const int64_t r = position(rows, i, p, x.shape().dimension(0));
          const int64_t c = position(columns, j, q, x.shape().dimension(1));
          if (r >= 0 && c >= 0) sum += x.AsDouble(r * x.shape().dimension(1) + c);
        }
      }
      result.push_back(sum);
    }
  }
  return result;
}

TEST(ReductionTest, WindowsHaveStridesPaddingAndDilation) {
  const Literal x = Numbers(ElementType::kF32, {6, 7});
  const std::vector<Window> windows = {
      {{{.size = 2}, {.size = 3}}},
      {{{.size = 3, .stride = 2, .padding_low = 1, .padding_high = 1}, {.size = 2, .stride = 3}}},
      {{{.size = 2, .window_dilation = 2}, {.size = 2, .padding_low = 2, .window_dilation = 3}}},
      {{{.size = 3, .base_dilation = 2},
        {.size = 2, .stride = 2, .padding_low = 1, .base_dilation = 3}}},
      {{{.size = 2, .padding_low = -1, .padding_high = -1}, {.size = 7, .padding_low = 6}}},
  };
  for (const Window& window : windows) {
    const Literal result = Evaluated(
        [&](GraphBuilder&, Values v) { return ReduceWindow(v[0], 0, window, Opcode::kAdd); }, {x});
    EXPECT_EQ(ToDoubles(result), NaiveWindowSum(x, window, result.shape().dimensions()));
  }
}

TEST(ReductionTest, SelectAndScatterSendsToTheGreatest) {
  const Literal x = Array(ElementType::kF32, {4, 5}, {7, 2, 5, 3,  8,  //
                                                      3, 8, 9, 3,  4,  //
                                                      1, 5, 7, 5,  6,  //
                                                      0, 6, 2, 10, 2});
  const Literal source = Array(ElementType::kF32, {2, 2}, {2, 6, 3, 1});
  const Window window = {{{.size = 2, .stride = 2}, {.size = 3, .stride = 2}}};
  const Literal result =
      Evaluated([&](GraphBuilder&, Values v) { return SelectAndScatterMax(v[0], v[1], 0, window); },
                {x, source});
  EXPECT_EQ(ToDoubles(result), (std::vector<double>{0, 0, 0, 0, 0,  //
                                                    0, 0, 8, 0, 0,  //
                                                    0, 0, 3, 0, 0,  //
                                                    0, 0, 0, 1, 0}));
  // The same, with lines: a trailing dimension that the window leaves alone.
  const auto lined = [](const Literal& a) {
    std::vector<int64_t> sizes = a.shape().dimensions();
    sizes.push_back(2);
    Literal out = Literal::Zeros(Shape::Array(ElementType::kF32, sizes)).value();
    for (int64_t i = 0; i < a.size(); ++i) {
      out.SetDouble(2 * i, a.AsDouble(i));
      out.SetDouble(2 * i + 1, -a.AsDouble(i));
    }
    return out;
  };
  Window lined_window = window;
  lined_window.dimensions.push_back({});
  const Literal lines = Evaluated(
      [&](GraphBuilder&, Values v) { return SelectAndScatterMax(v[0], v[1], 0, lined_window); },
      {lined(x), lined(source)});
  for (int64_t i = 0; i < 20; ++i) EXPECT_EQ(lines.AsDouble(2 * i), result.AsDouble(i));
  // The greatest of the negated: the least.  2 at (0, 1), 3 at (1, 3), 0 at (3, 0), 2 at (3, 2).
  EXPECT_EQ(lines.AsDouble(2 * 1 + 1), -2);
  EXPECT_EQ(lines.AsDouble(2 * 3 + 1), -6);
  EXPECT_EQ(lines.AsDouble(2 * 15 + 1), -3);
  EXPECT_EQ(lines.AsDouble(2 * 17 + 1), -1);
}

TEST(ReductionTest, ScanGoesEitherWay) {
  const Literal x = Array(ElementType::kF32, {2, 3}, {1, 2, 3, 10, 20, 30});
  for (bool is_reverse : {false, true}) {
    const Literal result = Evaluated(
        [&](GraphBuilder& b, Values v) {
          const Value zero = Broadcast(b.Constant(ElementType::kF32, 0), {2}, {});
          return Tuple(Scan({v[0]}, {zero}, 1, is_reverse, [](Values a) {
            const Value sum = a[0] + a[1];
            return std::vector<Value>{sum, sum};
          }));
        },
        {x});
    EXPECT_EQ(ToDoubles(result.tuple()[0]), is_reverse
                                                ? (std::vector<double>{6, 5, 3, 60, 50, 30})
                                                : (std::vector<double>{1, 3, 6, 10, 30, 60}));
    EXPECT_EQ(ToDoubles(result.tuple()[1]), (std::vector<double>{6, 60}));
  }
}

TEST(ReductionTest, BatchNormalisation) {
  const Literal x = Numbers(ElementType::kF64, {4, 2, 3});
  const Literal scale = Array(ElementType::kF64, {2}, {2, 0.5});
  const Literal offset = Array(ElementType::kF64, {2}, {1, -1});
  BatchNormAttributes attributes;
  attributes.epsilon = 0.25;
  attributes.feature_index = 1;
  const Literal training = Evaluated(
      [&](GraphBuilder& b, Values v) { return b.Apply(Opcode::kBatchNormTraining, v, attributes); },
      {x, scale, offset});
  double mean[2] = {}, variance[2] = {};
  for (int64_t i = 0; i < 24; ++i) mean[i / 3 % 2] += x.AsDouble(i) / 12;
  for (int64_t i = 0; i < 24; ++i) {
    variance[i / 3 % 2] += std::pow(x.AsDouble(i) - mean[i / 3 % 2], 2) / 12;
  }
  for (int64_t i = 0; i < 24; ++i) {
    const int64_t f = i / 3 % 2;
    const double expected =
        (x.AsDouble(i) - mean[f]) / std::sqrt(variance[f] + 0.25) * scale.AsDouble(f) +
        offset.AsDouble(f);
    EXPECT_NEAR(training.tuple()[0].AsDouble(i), expected, 1e-12);
  }
  EXPECT_NEAR(training.tuple()[1].AsDouble(1), mean[1], 1e-12);
  EXPECT_NEAR(training.tuple()[2].AsDouble(0), variance[0], 1e-12);
  const Literal inference =
      Evaluated([&](GraphBuilder& b,
                    Values v) { return b.Apply(Opcode::kBatchNormInference, v, attributes); },
                {x, scale, offset, training.tuple()[1], training.tuple()[2]});
  for (int64_t i = 0; i < 24; ++i) {
    EXPECT_NEAR(inference.AsDouble(i), training.tuple()[0].AsDouble(i), 1e-12);
  }
  // The gradient, by differences of Σ dy * y.
  const Literal dy = Numbers(ElementType::kF64, {4, 2, 3}, 4);
  const Literal gradient = Evaluated(
      [&](GraphBuilder& b, Values v) { return b.Apply(Opcode::kBatchNormGrad, v, attributes); },
      {x, scale, training.tuple()[1], training.tuple()[2], dy});
  const auto loss = [&](const Literal& at, const Literal& with_scale) {
    const Literal y =
        Evaluated([&](GraphBuilder& b,
                      Values v) { return b.Apply(Opcode::kBatchNormTraining, v, attributes); },
                  {at, with_scale, offset});
    double sum = 0;
    for (int64_t i = 0; i < 24; ++i) sum += dy.AsDouble(i) * y.tuple()[0].AsDouble(i);
    return sum;
  };
  const double h = 1e-5;
  for (int64_t i : {0, 7, 23}) {
    Literal up = x, down = x;
    up.SetDouble(i, x.AsDouble(i) + h);
    down.SetDouble(i, x.AsDouble(i) - h);
    EXPECT_NEAR(gradient.tuple()[0].AsDouble(i), (loss(up, scale) - loss(down, scale)) / (2 * h),
                1e-7);
  }
  Literal up = scale, down = scale;
  up.SetDouble(1, 0.5 + h);
  down.SetDouble(1, 0.5 - h);
  EXPECT_NEAR(gradient.tuple()[1].AsDouble(1), (loss(x, up) - loss(x, down)) / (2 * h), 1e-7);
}

}  // namespace
}  // namespace ingot
