// Products for wgmma, whose matrices come and whose results go in every way.
#ifndef INGOT_TESTS_COMPILER_PIPELINE_CASES_H_
#define INGOT_TESTS_COMPILER_PIPELINE_CASES_H_

#include "tests/compiler/plans.h"

namespace ingot::test {

// Depth along both, one or no matrix's memory; rows, columns and depths that tiles do not divide;
// batches of several dimensions; slices; every type; what is made of the sums.
inline constexpr Case kPipelineCases[] = {
    {"bf16_results", R"(
  x = bf16[200,136] parameter(0)
  y = bf16[152,136] parameter(1)
  ROOT r = bf16[200,152] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={1})"},
    {"s8_results", R"(
  x = bf16[200,136] parameter(0)
  y = bf16[160,136] parameter(1)
  d = f32[200,160] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={1}
  ROOT r = s8[200,160] convert(d))"},
    {"both_along", R"(
  x = bf16[200,136] parameter(0)
  y = bf16[152,136] parameter(1)
  ROOT r = f32[200,152] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={1})"},
    {"right_across", R"(
  x = bf16[200,136] parameter(0)
  y = bf16[136,152] parameter(1)
  ROOT r = f32[200,152] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={0})"},
    {"left_across", R"(
  x = f16[136,200] parameter(0)
  y = f16[152,136] parameter(1)
  ROOT r = f32[200,152] dot(x, y), lhs_contracting_dims={0}, rhs_contracting_dims={1})"},
    {"both_across", R"(
  x = bf16[136,200] parameter(0)
  y = bf16[136,152] parameter(1)
  ROOT r = f32[200,152] dot(x, y), lhs_contracting_dims={0}, rhs_contracting_dims={0})"},
    {"deep", R"(
  x = bf16[72,1000] parameter(0)
  y = bf16[1000,264] parameter(1)
  ROOT r = f32[72,264] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={0})"},
    {"heads", R"(
  x = bf16[3,72,2,64] parameter(0)
  y = bf16[3,80,2,64] parameter(1)
  ROOT r = f32[3,2,72,80] dot(x, y), lhs_batch_dims={0,2}, lhs_contracting_dims={3},
      rhs_batch_dims={0,2}, rhs_contracting_dims={3})"},
    {"slices", R"(
  x = bf16[100,256] parameter(0)
  y = bf16[192,128] parameter(1)
  s = bf16[90,128] slice(x), slice={[5:95],[128:256]}
  t = bf16[128,72] slice(y), slice={[64:192],[16:88]}
  ROOT r = f32[90,72] dot(s, t), lhs_contracting_dims={1}, rhs_contracting_dims={0})"},
    {"rows_of_two", R"(
  x = bf16[4,256,64] parameter(0)
  y = bf16[64,96] parameter(1)
  ROOT r = f32[4,256,96] dot(x, y), lhs_contracting_dims={2}, rhs_contracting_dims={0})"},
    {"depth_of_two", R"(
  x = bf16[3,40,64] parameter(0)
  y = bf16[3,64,96] parameter(1)
  ROOT r = f32[40,96] dot(x, y), lhs_contracting_dims={0,2}, rhs_contracting_dims={0,1})"},
    {"tf32", R"(
  x = f32[136,72] parameter(0)
  y = f32[72,72] parameter(1)
  ROOT r = f32[136,72] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={1})"},
    {"s8", R"(
  x = s8[136,144] parameter(0)
  y = s8[72,144] parameter(1)
  ROOT r = s32[136,72] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={1})"},
    {"u8", R"(
  x = u8[136,144] parameter(0)
  y = u8[72,144] parameter(1)
  ROOT r = u32[136,72] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={1})"},
    {"behind_it", R"(
  x = bf16[200,136] parameter(0)
  y = bf16[136,144] parameter(1)
  b = f32[144] parameter(2)
  z = f32[144,200] parameter(3)
  d = f32[200,144] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={0}
  c = f32[200,144] broadcast(b), dimensions={1}
  s = f32[200,144] add(d, c)
  t = f32[144,200] transpose(s), dimensions={1,0}
  u = f32[144,200] add(t, z)
  ROOT r = (f32[144,200], bf16[200,144]) tuple(u, v)
  v = bf16[200,144] convert(s))"},
    {"two_results", R"(
  x = bf16[200,136] parameter(0)
  y = bf16[136,144] parameter(1)
  b = f32[144] parameter(2)
  d = f32[200,144] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={0}
  c = f32[200,144] broadcast(b), dimensions={1}
  s = f32[200,144] add(d, c)
  ROOT r = (f32[200,144], f32[200,144]) tuple(s, v)
  v = f32[200,144] negate(s))"},
    {"residual", R"(
  x = bf16[200,136] parameter(0)
  y = bf16[136,152] parameter(1)
  z = bf16[200,152] parameter(2)
  d = f32[200,152] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={0}
  w = f32[200,152] convert(z)
  s = f32[200,152] add(d, w)
  ROOT r = bf16[200,152] convert(s))"},
    {"boxed_gate", R"(
  x = bf16[200,136] parameter(0)
  y = bf16[136,152] parameter(1)
  z = bf16[200,152] parameter(2)
  d = bf16[200,152] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={0}
  l = bf16[200,152] logistic(z)
  g = bf16[200,152] multiply(z, l)
  ROOT r = bf16[200,152] multiply(d, g))"},
    {"boxed_and_bias", R"(
  x = bf16[200,136] parameter(0)
  y = bf16[136,152] parameter(1)
  z = bf16[200,152] parameter(2)
  b = f32[152] parameter(3)
  d = f32[200,152] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={0}
  c = f32[200,152] broadcast(b), dimensions={1}
  s = f32[200,152] add(d, c)
  w = f32[200,152] convert(z)
  t = f32[200,152] add(s, w)
  u = f32[200,152] maximum(t, d)
  ROOT r = bf16[200,152] convert(u))"},
    {"boxed_two", R"(
  x = bf16[200,136] parameter(0)
  y = bf16[136,144] parameter(1)
  z = f32[200,144] parameter(2)
  a = f32[200,144] parameter(3)
  d = f32[200,144] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={0}
  s = f32[200,144] add(d, z)
  ROOT r = (f32[200,144], f32[200,144]) tuple(s, v)
  v = f32[200,144] multiply(s, a))"},
    {"boxed_turned", R"(
  x = bf16[3,48,64] parameter(0)
  y = bf16[136,64] parameter(1)
  z = bf16[48,3,136] parameter(2)
  d = bf16[3,48,136] dot(x, y), lhs_contracting_dims={2}, rhs_contracting_dims={1}
  t = bf16[48,3,136] transpose(d), dimensions={1,0,2}
  ROOT r = bf16[48,3,136] add(t, z))"},
    {"boxed_twice", R"(
  x = bf16[2,80,64] parameter(0)
  y = bf16[2,64,80] parameter(1)
  z = bf16[2,80,80] parameter(2)
  d = bf16[2,80,80] dot(x, y), lhs_batch_dims={0}, lhs_contracting_dims={2},
      rhs_batch_dims={0}, rhs_contracting_dims={1}
  s = bf16[2,80,80] add(d, z)
  t = bf16[160,80] reshape(s)
  w = bf16[160,80] reshape(z)
  ROOT r = bf16[160,80] multiply(t, w))"},
    {"boxed_left", R"(
  x = bf16[200,136] parameter(0)
  y = bf16[136,136] parameter(1)
  d = bf16[200,136] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={0}
  ROOT r = bf16[200,136] add(d, x))"},
    {"long_epilogue", R"(
  x = bf16[200,136] parameter(0)
  y = bf16[136,152] parameter(1)
  b = f32[152] parameter(2)
  a = f32[200] parameter(3)
  d = f32[200,152] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={0}
  c = f32[200,152] broadcast(b), dimensions={1}
  e = f32[200,152] broadcast(a), dimensions={0}
  s = f32[200,152] add(d, c)
  t = f32[200,152] multiply(s, e)
  u = f32[200,152] maximum(t, d)
  w = f32[200,152] subtract(u, c)
  ROOT r = bf16[200,152] convert(w))"},
    {"turned_result", R"(
  x = bf16[3,48,64] parameter(0)
  y = bf16[136,64] parameter(1)
  d = bf16[3,48,136] dot(x, y), lhs_contracting_dims={2}, rhs_contracting_dims={1}
  ROOT r = bf16[48,3,136] transpose(d), dimensions={1,0,2})"},
    {"odd_columns", R"(
  x = bf16[72,64] parameter(0)
  y = bf16[67,64] parameter(1)
  ROOT r = f32[72,67] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={1})"},
    {"odd_rows", R"(
  x = bf16[70,77] parameter(0)
  y = bf16[77,66] parameter(1)
  ROOT r = f32[70,66] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={0})"},
    {"rows_of_4_bytes", R"(
  x = bf16[70,78] parameter(0)
  y = bf16[66,78] parameter(1)
  ROOT r = f32[70,66] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={1})"},
    {"within_16_bytes", R"(
  x = bf16[64,128] parameter(0)
  y = bf16[72,124] parameter(1)
  s = bf16[64,124] slice(x), slice={[0:64],[4:128]}
  ROOT r = f32[64,72] dot(s, y), lhs_contracting_dims={1}, rhs_contracting_dims={1})"},
    {"convolution", R"(
  x = bf16[2,9,10,24] parameter(0)
  y = bf16[3,3,24,72] parameter(1)
  ROOT r = f32[2,9,5,72] convolution(x, y), window={size=3x3 stride=1x2 pad=1_1x1_1},
      dim_labels=b01f_01io->b01f)"},
    {"convolution_1x1", R"(
  x = bf16[2,9,10,24] parameter(0)
  y = bf16[1,1,24,72] parameter(1)
  ROOT r = f32[2,9,10,72] convolution(x, y), window={size=1x1}, dim_labels=b01f_01io->b01f)"},
    {"convolution_of_3", R"(
  x = bf16[1,12,13,3] parameter(0)
  y = bf16[5,5,3,64] parameter(1)
  ROOT r = f32[1,6,7,64] convolution(x, y), window={size=5x5 stride=2x2 pad=2_2x2_2},
      dim_labels=b01f_01io->b01f)"},
    {"data_gradient", R"(
  x = bf16[2,5,5,72] parameter(0)
  y = bf16[3,3,24,72] parameter(1)
  ROOT r = f32[2,10,10,24] convolution(x, y), window={size=3x3 pad=1_2x1_2 lhs_dilate=2x2
      rhs_reversal=1x1}, dim_labels=b01f_01oi->b01f)"},
    {"weights_gradient", R"(
  x = bf16[3,9,9,72] parameter(0)
  y = bf16[3,9,9,24] parameter(1)
  ROOT r = f32[3,3,72,24] convolution(x, y), window={size=9x9 pad=1_1x1_1},
      dim_labels=f01b_i01o->01bf)"},
    {"images", R"(
  x = bf16[2,9,10,64] parameter(0)
  y = bf16[3,3,64,72] parameter(1)
  ROOT r = bf16[2,9,10,72] convolution(x, y), window={size=3x3 pad=1_1x1_1},
      dim_labels=b01f_01io->b01f)"},
    {"images_strided", R"(
  x = bf16[3,12,13,128] parameter(0)
  y = bf16[3,2,128,72] parameter(1)
  ROOT r = f32[3,4,7,72] convolution(x, y), window={size=3x2 stride=2x2 pad=0_0x1_1
      rhs_dilate=2x1}, dim_labels=b01f_01io->b01f)"},
    {"images_1x1_strided", R"(
  x = f16[2,12,14,64] parameter(0)
  y = f16[1,1,64,72] parameter(1)
  ROOT r = f32[2,6,7,72] convolution(x, y), window={size=1x1 stride=2x2},
      dim_labels=b01f_01io->b01f)"},
    {"images_cropped", R"(
  x = bf16[2,11,12,64] parameter(0)
  y = bf16[2,2,64,72] parameter(1)
  ROOT r = f32[2,8,12,72] convolution(x, y), window={size=2x2 pad=-1_-1x2_-1},
      dim_labels=b01f_01io->b01f)"},
    {"images_reversed", R"(
  x = bf16[2,7,8,64] parameter(0)
  y = bf16[3,3,72,64] parameter(1)
  ROOT r = f32[2,7,8,72] convolution(x, y), window={size=3x3 pad=1_1x1_1 rhs_reversal=1x1},
      dim_labels=b01f_01oi->b01f)"},
    {"images_weights", R"(
  x = bf16[5,6,6,64] parameter(0)
  y = bf16[5,6,6,72] parameter(1)
  ROOT r = f32[3,3,64,72] convolution(x, y), window={size=6x6 pad=1_1x1_1},
      dim_labels=f01b_i01o->01bf)"},
    {"images_weights_strided", R"(
  x = bf16[3,9,9,64] parameter(0)
  y = bf16[3,4,4,72] parameter(1)
  ROOT r = f32[3,3,64,72] convolution(x, y), window={size=4x4 rhs_dilate=2x2},
      dim_labels=f01b_i01o->01bf)"},
    {"images_line", R"(
  x = bf16[3,40,64] parameter(0)
  y = bf16[5,64,72] parameter(1)
  ROOT r = f32[3,40,72] convolution(x, y), window={size=5 pad=2_2}, dim_labels=b0f_0io->b0f)"},
    {"images_solid", R"(
  x = bf16[2,4,5,6,64] parameter(0)
  y = bf16[2,3,2,64,72] parameter(1)
  ROOT r = f32[2,3,5,5,72] convolution(x, y), window={size=2x3x2 pad=0_0x1_1x0_0},
      dim_labels=b012f_012io->b012f)"},
    {"images_grouped", R"(
  x = bf16[1,8,8,128] parameter(0)
  y = bf16[3,3,64,144] parameter(1)
  ROOT r = f32[1,8,8,144] convolution(x, y), window={size=3x3 pad=1_1x1_1},
      dim_labels=b01f_01io->b01f, feature_group_count=2)"},
    {"images_tf32", R"(
  x = f32[2,9,10,32] parameter(0)
  y = f32[72,3,3,32] parameter(1)
  ROOT r = f32[2,9,10,72] convolution(x, y), window={size=3x3 pad=1_1x1_1},
      dim_labels=b01f_o01i->b01f)"},
    {"images_exchanged", R"(
  x = bf16[5,6,6,64] parameter(0)
  y = bf16[5,6,6,72] parameter(1)
  ROOT r = f32[72,3,3,64] convolution(x, y), window={size=6x6 pad=1_1x1_1},
      dim_labels=f01b_i01o->f01b)"},
    {"images_exchanged_forward", R"(
  x = bf16[2,9,12,64] parameter(0)
  y = bf16[72,3,3,64] parameter(1)
  ROOT r = f32[2,72,9,12] convolution(x, y), window={size=3x3 pad=1_1x1_1},
      dim_labels=b01f_o01i->bf01)"},
    {"exchanged", R"(
  x = bf16[2,72,136] parameter(0)
  y = bf16[2,136,80] parameter(1)
  b = f32[72] parameter(2)
  d = f32[2,72,80] dot(x, y), lhs_batch_dims={0}, rhs_batch_dims={0}, lhs_contracting_dims={2},
      rhs_contracting_dims={1}
  t = f32[2,80,72] transpose(d), dimensions={0,2,1}
  c = f32[2,80,72] broadcast(b), dimensions={2}
  ROOT r = f32[2,80,72] add(t, c))"},
    {"groups", R"(
  x = bf16[1,8,8,48] parameter(0)
  y = bf16[3,3,16,96] parameter(1)
  ROOT r = f32[1,8,8,96] convolution(x, y), window={size=3x3 pad=1_1x1_1},
      dim_labels=b01f_01io->b01f, feature_group_count=3)"},
    {"one_tile", R"(
  x = bf16[128,64] parameter(0)
  y = bf16[128,64] parameter(1)
  ROOT r = f32[128,128] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={1})"},
    {"one_tile_of_positions", R"(
  x = bf16[2,8,8,64] parameter(0)
  y = bf16[3,3,64,128] parameter(1)
  ROOT r = f32[2,8,8,128] convolution(x, y), window={size=3x3 pad=1_1x1_1},
      dim_labels=b01f_01io->b01f)"},
    {"few_rows", R"(
  x = bf16[9,64] parameter(0)
  y = bf16[40,64] parameter(1)
  ROOT r = f32[9,40] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={1})"},
};

}  // namespace ingot::test

#endif  // INGOT_TESTS_COMPILER_PIPELINE_CASES_H_
