#include <gtest/gtest.h>

#include <cmath>

#include "tests/ir/evaluator/testing.h"

namespace ingot {
namespace {

using test::Array;
using test::Evaluated;
using test::Numbers;
using test::ToDoubles;

TEST(ContractionTest, DotInEveryType) {
  // [b, k, m] · [n, b, k], more than one tile and block of each
  const int64_t b = 2, k = 300, m = 70, n = 9;
  DotAttributes dot;
  dot.lhs_batch_dims = {0};
  dot.lhs_contracting_dims = {1};
  dot.rhs_batch_dims = {1};
  dot.rhs_contracting_dims = {2};
  for (ElementType type :
       {ElementType::kS8, ElementType::kU32, ElementType::kS64, ElementType::kBF16,
        ElementType::kF32, ElementType::kF64, ElementType::kC64}) {
    const Literal x = Numbers(type, {b, k, m}), y = Numbers(type, {n, b, k}, 2);
    const Literal result =
        Evaluated([&](GraphBuilder&, Values v) { return Dot(v[0], v[1], dot); }, {x, y});
    ASSERT_EQ(result.shape().dimensions(), (std::vector<int64_t>{b, m, n}));
    Literal expected = Literal::Zeros(result.shape()).value();
    for (int64_t batch = 0; batch < b; ++batch) {
      for (int64_t i = 0; i < m; ++i) {
        for (int64_t j = 0; j < n; ++j) {
          const int64_t at = (batch * m + i) * n + j;
          if (IsInteger(type)) {
            uint64_t sum = 0;
            for (int64_t p = 0; p < k; ++p) {
              sum += static_cast<uint64_t>(x.AsInteger((batch * k + p) * m + i)) *
                     static_cast<uint64_t>(y.AsInteger((j * b + batch) * k + p));
            }
            expected.SetInteger(at, static_cast<int64_t>(sum));
          } else {
            std::complex<double> sum = 0;
            for (int64_t p = 0; p < k; ++p) {
              sum += x.AsComplex((batch * k + p) * m + i) * y.AsComplex((j * b + batch) * k + p);
            }
            expected.SetComplex(at, sum);
          }
        }
      }
    }
    EXPECT_EQ(result, expected) << ElementTypeName(type);
  }
}

TEST(ContractionTest, DotWidensAndKeepsEmptySums) {
  const Literal x = Array(ElementType::kS8, {1, 2}, {100, 100});
  const Literal y = Array(ElementType::kS8, {2, 1}, {100, 100});
  EXPECT_EQ(Evaluated([](GraphBuilder&, Values v) { return MatMul(v[0], v[1], ElementType::kS32); },
                      {x, y})
                .AsInteger(0),
            20000);
  const Literal none = Array(ElementType::kF32, {2, 0}, {});
  const Literal also_none = Array(ElementType::kF32, {0, 3}, {});
  EXPECT_EQ(ToDoubles(Evaluated([](GraphBuilder&, Values v) { return MatMul(v[0], v[1]); },
                                {none, also_none})),
            std::vector<double>(6, 0));
}

struct Case {
  WindowDimension window[2];
  int64_t feature_groups = 1;
  int64_t batch_groups = 1;
};

// Convolution by its definition: input [n, c, h, w], kernel [o, i, h, w], result [n, o, h, w].
std::vector<double> NaiveConvolution(const Literal& x, const Literal& kernel, const Case& c,
                                     const std::vector<int64_t>& sizes) {
  const auto& in = x.shape().dimensions();
  const auto& k = kernel.shape().dimensions();
  const auto position = [](const WindowDimension& w, int64_t o, int64_t e, int64_t size) {
    if (w.reversal) e = w.size - 1 - e;
    const int64_t at = o * w.stride + e * w.window_dilation - w.padding_low;
    if (at < 0 || at > (size - 1) * w.base_dilation || at % w.base_dilation != 0)
      return int64_t{-1};
    return at / w.base_dilation;
  };
  std::vector<double> result;
  for (int64_t n = 0; n < sizes[0]; ++n) {
    for (int64_t o = 0; o < sizes[1]; ++o) {
      const int64_t group = o / (sizes[1] / (c.feature_groups * c.batch_groups));
      for (int64_t i = 0; i < sizes[2]; ++i) {
        for (int64_t j = 0; j < sizes[3]; ++j) {
          double sum = 0;
          for (int64_t f = 0; f < k[1]; ++f) {
            for (int64_t p = 0; p < k[2]; ++p) {
              for (int64_t q = 0; q < k[3]; ++q) {
                const int64_t r = position(c.window[0], i, p, in[2]);
                const int64_t s = position(c.window[1], j, q, in[3]);
                if (r < 0 || s < 0) continue;
                const int64_t batch = c.batch_groups > 1 ? group * sizes[0] + n : n;
                const int64_t channel = c.feature_groups > 1 ? group * k[1] + f : f;
                sum += x.AsDouble(((batch * in[1] + channel) * in[2] + r) * in[3] + s) *
                       kernel.AsDouble(((o * k[1] + f) * k[2] + p) * k[3] + q);
              }
            }
          }
          result.push_back(sum);
        }
      }
    }
  }
  return result;
}

TEST(ContractionTest, ConvolutionWithEveryAttribute) {
  const std::vector<Case> cases = {
      {{{.size = 3}, {.size = 2}}},
      {{{.size = 3, .stride = 2, .padding_low = 1, .padding_high = 2},
        {.size = 2, .stride = 3, .padding_low = 2}}},
      {{{.size = 3, .window_dilation = 2}, {.size = 2, .padding_low = 1, .window_dilation = 3}}},
      {{{.size = 3, .padding_low = 2, .padding_high = 2, .base_dilation = 2},
        {.size = 2, .stride = 2, .base_dilation = 3}}},
      {{{.size = 3, .padding_low = -1, .padding_high = -1}, {.size = 2, .padding_low = -2}}},
      {{{.size = 3, .reversal = true}, {.size = 2, .padding_low = 1, .reversal = true}}},
      {{{.size = 3, .padding_low = 1}, {.size = 2}}, 2},
      {{{.size = 3, .padding_low = 1}, {.size = 2}}, 4},
      {{{.size = 3, .padding_low = 1}, {.size = 2}}, 1, 2},
  };
  for (size_t number = 0; number < cases.size(); ++number) {
    const Case& c = cases[number];
    const Literal x = Numbers(ElementType::kF32, {4, 4, 6, 7});
    const Literal kernel = Numbers(ElementType::kF32, {8, 4 / c.feature_groups, 3, 2}, 1);
    ConvolutionAttributes attributes;
    attributes.window.dimensions = {c.window[0], c.window[1]};
    attributes.dim_labels = {0, 1, {2, 3}, 1, 0, {2, 3}, 0, 1, {2, 3}};
    attributes.feature_group_count = c.feature_groups;
    attributes.batch_group_count = c.batch_groups;
    const Literal result = Evaluated(
        [&](GraphBuilder&, Values v) { return Convolution(v[0], v[1], attributes); }, {x, kernel});
    const std::vector<double> expected =
        NaiveConvolution(x, kernel, c, result.shape().dimensions());
    EXPECT_EQ(ToDoubles(result), expected) << "case " << number;

    // The same in another order of dimensions: input [h, n, w, c], kernel [h, i, w, o], result
    // [n, w, h, o].
    attributes.dim_labels = {1, 3, {0, 2}, 1, 3, {0, 2}, 0, 3, {2, 1}};
    const Literal turned = Evaluated(
        [&](GraphBuilder&, Values v) {
          return Transpose(
              Convolution(Transpose(v[0], {2, 0, 3, 1}), Transpose(v[1], {2, 1, 3, 0}), attributes),
              {0, 3, 2, 1});
        },
        {x, kernel});
    EXPECT_EQ(ToDoubles(turned), expected) << "case " << number;
  }
}

}  // namespace
}  // namespace ingot
