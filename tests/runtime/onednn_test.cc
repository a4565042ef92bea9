// oneDNN against the formulas of library_call.h; skipped where the library is absent.
#include "runtime/host/onednn.h"

#include <cmath>
#include <cstring>
#include <vector>

#include "gtest/gtest.h"
#include "ir/base/shape.h"

namespace ingot::runtime {
namespace {

// Values k/8, k in [0, 8]: sums of a few thousand products are exact in f32.
std::vector<float> Values(int64_t count, uint32_t seed) {
  std::vector<float> values(count);
  for (float& value : values) {
    seed = seed * 1664525 + 1013904223;
    value = static_cast<float>(static_cast<int>(seed >> 16) % 9) / 8;
  }
  return values;
}

uint16_t ToBf16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  return static_cast<uint16_t>(bits >> 16);  // exact for Values
}

class OnednnTest : public testing::Test {
 protected:
  void SetUp() override {
    if (OnednnDescription().rfind("oneDNN", 0) != 0) GTEST_SKIP() << OnednnDescription();
  }
  ThreadPool pool_{3};
};

std::vector<float> Naive(const DotCall& dot, const std::vector<float>& lhs,
                         const std::vector<float>& rhs, int64_t size) {
  std::vector<float> output(size);
  for (int64_t b = 0; b < dot.batch; ++b) {
    for (int64_t m = 0; m < dot.m; ++m) {
      for (int64_t n = 0; n < dot.n; ++n) {
        float sum = 0;
        for (int64_t k = 0; k < dot.k; ++k) {
          sum += lhs[b * dot.lhs_strides[0] + m * dot.lhs_strides[1] + k * dot.lhs_strides[2]] *
                 rhs[b * dot.rhs_strides[0] + k * dot.rhs_strides[1] + n * dot.rhs_strides[2]];
        }
        output[b * dot.output_strides[0] + m * dot.output_strides[1] + n * dot.output_strides[2]] =
            sum;
      }
    }
  }
  return output;
}

TEST_F(OnednnTest, Dot) {
  struct Case {
    int64_t batch, m, n, k;
  };
  for (const Case& c : std::vector<Case>{{1, 17, 9, 33},
                                         {3, 8, 16, 24},
                                         {1, 1, 10, 64},
                                         {1, 64, 1, 10},
                                         {2, 1, 1, 5},
                                         {1, 5, 7, 1}}) {
    for (int transposed = 0; transposed < 4; ++transposed) {
      DotCall dot;
      dot.batch = c.batch, dot.m = c.m, dot.n = c.n, dot.k = c.k;
      dot.lhs_strides = {c.m * c.k, c.k, 1};
      if (transposed & 1) dot.lhs_strides = {c.m * c.k, 1, c.m};
      dot.rhs_strides = {c.k * c.n, c.n, 1};
      if (transposed & 2) dot.rhs_strides = {c.k * c.n, 1, c.k};
      dot.output_strides = {c.m * c.n, c.n, 1};
      ASSERT_TRUE(LibraryCallSupported(dot)) << ToString(dot);
      auto call = OnednnCall::Create(dot, pool_, false);
      ASSERT_NE(call, nullptr) << ToString(dot);
      for (uint32_t seed : {1u, 2u}) {
        std::vector<float> lhs = Values(c.batch * c.m * c.k, seed);
        std::vector<float> rhs = Values(c.batch * c.k * c.n, seed + 7);
        std::vector<float> output(c.batch * c.m * c.n);
        void* const inputs[] = {lhs.data(), rhs.data()};
        ASSERT_TRUE(call->Run(inputs, output.data())) << ToString(dot);
        ASSERT_EQ(output, Naive(dot, lhs, rhs, c.batch * c.m * c.n)) << ToString(dot);
      }
    }
  }
}

TEST_F(OnednnTest, DotOfBf16SumsInF32) {
  const int64_t m = 8, n = 16, k = 256;
  DotCall dot;
  dot.lhs_type = dot.rhs_type = ElementType::kBF16;
  dot.m = m, dot.n = n, dot.k = k;
  dot.lhs_strides = {m * k, k, 1};
  dot.rhs_strides = {k * n, n, 1};
  dot.output_strides = {m * n, n, 1};
  auto call = OnednnCall::Create(dot, pool_, false);
  if (call == nullptr) GTEST_SKIP() << "this CPU has no bf16 in " << OnednnDescription();
  const std::vector<float> lhs = Values(m * k, 3), rhs = Values(k * n, 4);
  std::vector<uint16_t> lhs_bits, rhs_bits;
  for (float value : lhs) lhs_bits.push_back(ToBf16(value));
  for (float value : rhs) rhs_bits.push_back(ToBf16(value));
  std::vector<float> output(m * n);
  void* const inputs[] = {lhs_bits.data(), rhs_bits.data()};
  ASSERT_TRUE(call->Run(inputs, output.data()));
  EXPECT_EQ(output, Naive(dot, lhs, rhs, m * n));
}

struct Window {
  int64_t stride, dilation, low, high;
};

// Two spatial dimensions.  `channels_last`: NHWC with an HWIO filter, else NCHW with OIHW.
ConvolutionCall Convolution(int64_t groups, int64_t in, int64_t out, int64_t size, int64_t filter,
                            const Window& window, bool channels_last) {
  ConvolutionCall conv;
  conv.batch = 2, conv.groups = groups, conv.input_channels = in, conv.output_channels = out;
  const int64_t padded = size + window.low + window.high;
  const int64_t positions = (padded - (filter - 1) * window.dilation - 1) / window.stride + 1;
  conv.input_spatial = {size, size};
  conv.filter_spatial = {filter, filter};
  conv.output_spatial = {positions, positions};
  conv.window_strides = {window.stride, window.stride};
  conv.window_dilation = {window.dilation, window.dilation};
  conv.padding_low = {window.low, window.low};
  conv.padding_high = {window.high, window.high};
  const auto image = [&](int64_t channels, int64_t side) -> std::vector<int64_t> {
    if (channels_last) return {side * side * channels, 1, side * channels, channels};
    return {side * side * channels, side * side, side, 1};
  };
  conv.input_strides = image(in, size);
  conv.output_strides = image(out, positions);
  const int64_t per_group = in / groups;
  if (channels_last) {
    conv.filter_strides = {1, out, filter * per_group * out, per_group * out};
  } else {
    conv.filter_strides = {per_group * filter * filter, filter * filter, filter, 1};
  }
  return conv;
}

std::vector<float> Naive(const ConvolutionCall& conv, const std::vector<float>& input,
                         const std::vector<float>& filter, int64_t size) {
  std::vector<float> output(size);
  const int64_t per_in = conv.input_channels / conv.groups;
  const int64_t per_out = conv.output_channels / conv.groups;
  for (int64_t b = 0; b < conv.batch; ++b) {
    for (int64_t o = 0; o < conv.output_channels; ++o) {
      for (int64_t y = 0; y < conv.output_spatial[0]; ++y) {
        for (int64_t x = 0; x < conv.output_spatial[1]; ++x) {
          float sum = 0;
          for (int64_t i = 0; i < per_in; ++i) {
            for (int64_t v = 0; v < conv.filter_spatial[0]; ++v) {
              for (int64_t u = 0; u < conv.filter_spatial[1]; ++u) {
                const int64_t row =
                    y * conv.window_strides[0] + v * conv.window_dilation[0] - conv.padding_low[0];
                const int64_t column =
                    x * conv.window_strides[1] + u * conv.window_dilation[1] - conv.padding_low[1];
                if (row < 0 || row >= conv.input_spatial[0] || column < 0 ||
                    column >= conv.input_spatial[1]) {
                  continue;
                }
                const int64_t channel = o / per_out * per_in + i;
                sum += input[b * conv.input_strides[0] + channel * conv.input_strides[1] +
                             row * conv.input_strides[2] + column * conv.input_strides[3]] *
                       filter[o * conv.filter_strides[0] + i * conv.filter_strides[1] +
                              v * conv.filter_strides[2] + u * conv.filter_strides[3]];
              }
            }
          }
          output[b * conv.output_strides[0] + o * conv.output_strides[1] +
                 y * conv.output_strides[2] + x * conv.output_strides[3]] = sum;
        }
      }
    }
  }
  return output;
}

TEST_F(OnednnTest, Convolution) {
  struct Case {
    int64_t groups, in, out, size, filter;
    Window window;
  };
  const std::vector<Case> cases = {
      {1, 1, 32, 12, 3, {1, 1, 1, 1}},  {1, 32, 16, 8, 3, {1, 1, 1, 1}},
      {1, 3, 8, 11, 5, {2, 1, 2, 1}},   {1, 16, 16, 9, 1, {1, 1, 0, 0}},
      {1, 8, 8, 13, 3, {1, 2, 2, 2}},   {2, 8, 12, 7, 3, {1, 1, 1, 1}},
      {16, 16, 16, 8, 3, {1, 1, 1, 1}}, {1, 5, 7, 10, 3, {3, 1, 0, 2}},
      {1, 32, 80, 14, 3, {1, 1, 1, 1}}, {4, 64, 64, 14, 3, {1, 1, 1, 1}},
  };
  for (const Case& c : cases) {
    for (bool channels_last : {true, false}) {
      for (bool constant_filter : {true, false}) {
        const ConvolutionCall conv =
            Convolution(c.groups, c.in, c.out, c.size, c.filter, c.window, channels_last);
        ASSERT_TRUE(LibraryCallSupported(conv)) << ToString(conv);
        auto call = OnednnCall::Create(conv, pool_, constant_filter);
        ASSERT_NE(call, nullptr) << ToString(conv);
        auto spans = OperandSpans(conv);
        ASSERT_TRUE(spans.ok());
        std::vector<float> filter = Values((*spans)[1] / 4, 5);
        for (uint32_t seed : {1u, 2u}) {
          std::vector<float> input = Values((*spans)[0] / 4, seed);
          if (!constant_filter) filter = Values((*spans)[1] / 4, seed + 9);
          std::vector<float> output((*spans)[2] / 4);
          void* const inputs[] = {input.data(), filter.data()};
          ASSERT_TRUE(call->Run(inputs, output.data())) << ToString(conv);
          const std::vector<float> expected =
              Naive(conv, input, filter, static_cast<int64_t>(output.size()));
          for (size_t i = 0; i < output.size(); ++i) {
            ASSERT_EQ(output[i], expected[i]) << ToString(conv) << " element " << i;
          }
        }
      }
    }
  }
}

TEST(LibraryCallTest, SaysWhatIsNotSupported) {
  DotCall dot;
  dot.m = dot.n = dot.k = 4;
  dot.lhs_strides = dot.rhs_strides = dot.output_strides = {16, 4, 1};
  EXPECT_TRUE(LibraryCallSupported(dot));
  DotCall changed = dot;
  changed.lhs_type = ElementType::kS32;
  EXPECT_FALSE(LibraryCallSupported(changed));
  changed = dot;
  changed.k = 0;
  EXPECT_FALSE(LibraryCallSupported(changed));
  changed = dot;
  changed.lhs_strides = {16, 8, 2};
  EXPECT_FALSE(LibraryCallSupported(changed));
  changed = dot;
  changed.output_strides = {16, 4, 0};
  EXPECT_FALSE(LibraryCallSupported(changed));
  ConvolutionCall conv = Convolution(1, 2, 2, 5, 3, {1, 1, 1, 1}, true);
  EXPECT_TRUE(LibraryCallSupported(conv));
  EXPECT_FALSE(LibraryCallSupported(Convolution(1, 2, 2, 6, 3, {1, 1, 1, -1}, true)));
  conv.output_spatial[0] = 6;
  EXPECT_FALSE(LibraryCallSupported(conv));
}

}  // namespace
}  // namespace ingot::runtime
