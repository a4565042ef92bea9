// Ops that are not elementwise, in forms that models have and at edges: one fusion each.
#include <gtest/gtest.h>

#include <string>

#include "tests/compiler/lower/harness.h"

namespace ingot::test {
namespace {

// Computations that the cases below call.
constexpr const char* kCallees = R"(
add { x = f32[] parameter(0)  y = f32[] parameter(1)  ROOT r = f32[] add(x, y) }
add_bf16 { x = bf16[] parameter(0)  y = bf16[] parameter(1)  ROOT r = bf16[] add(x, y) }
add_f64 { x = f64[] parameter(0)  y = f64[] parameter(1)  ROOT r = f64[] add(x, y) }
add_s32 { x = s32[] parameter(0)  y = s32[] parameter(1)  ROOT r = s32[] add(x, y) }
add_s8 { x = s8[] parameter(0)  y = s8[] parameter(1)  ROOT r = s8[] add(x, y) }
add_c64 { x = c64[] parameter(0)  y = c64[] parameter(1)  ROOT r = c64[] add(x, y) }
mul { x = f32[] parameter(0)  y = f32[] parameter(1)  ROOT r = f32[] multiply(x, y) }
max { x = f32[] parameter(0)  y = f32[] parameter(1)  ROOT r = f32[] maximum(x, y) }
min_u8 { x = u8[] parameter(0)  y = u8[] parameter(1)  ROOT r = u8[] minimum(x, y) }
and { x = pred[] parameter(0)  y = pred[] parameter(1)  ROOT r = pred[] and(x, y) }
ge { x = f32[] parameter(0)  y = f32[] parameter(1)  ROOT r = pred[] compare(x, y), direction=GE }
lt { x = f32[] parameter(0)  y = f32[] parameter(1)  ROOT r = pred[] compare(x, y), direction=LT }
second { x = f32[] parameter(0)  y = f32[] parameter(1)  ROOT r = f32[] copy(y) }
odd { x = f32[] parameter(0)  y = f32[] parameter(1)  z = f32[] multiply(x, y)
  ROOT r = f32[] subtract(y, z) }
argmax {
  a = f32[] parameter(0)  i = s32[] parameter(1)  b = f32[] parameter(2)  j = s32[] parameter(3)
  gt = pred[] compare(a, b), direction=GE
  v = f32[] select(gt, a, b)
  k = s32[] select(gt, i, j)
  ROOT r = (f32[], s32[]) tuple(v, k)
}
lt_pair {
  a = f32[] parameter(0)  b = f32[] parameter(1)  i = s32[] parameter(2)  j = s32[] parameter(3)
  ROOT r = pred[] compare(a, b), direction=LT
}
scan_add { x = f32[7] parameter(0)  c = f32[7] parameter(1)  s = f32[7] add(x, c)
  ROOT r = (f32[7], f32[7]) tuple(s, s) }
scan_add2 { x = f32[3,40] parameter(0)  c = f32[3,40] parameter(1)  s = f32[3,40] add(x, c)
  ROOT r = (f32[3,40], f32[3,40]) tuple(s, s) }
)";

std::string Entry(const std::string& body) {
  return std::string("HloModule m\n") + kCallees + "\nENTRY e {\n" + body + "\n}\n";
}

CheckOptions Norm(double relative) {
  CheckOptions options;
  options.tolerance.relative_to_norm = relative;
  options.tolerance.ulps = 1;
  return options;
}

CheckOptions Limit(int64_t limit) {
  CheckOptions options;
  options.inputs.limit = limit;
  return options;
}

TEST(DataMovement, ExactlyMoves) {
  for (const char* body : {
           "p = f32[5] parameter(0)  ROOT r = f32[3,5,4] broadcast(p), dimensions={1}",
           "p = f32[3,4] parameter(0)  ROOT r = f32[3,16,4] broadcast(p), dimensions={0,2}",
           "p = bf16[3,16] parameter(0)  ROOT r = bf16[2,3,16] broadcast(p), dimensions={1,2}",
           "p = s8[] parameter(0)  ROOT r = s8[65] broadcast(p), dimensions={}",
           "p = f32[6,4] parameter(0)  ROOT r = f32[2,3,4] reshape(p)",
           "p = f32[6,32] parameter(0)  q = f32[2,3,32] reshape(p)  "
           "ROOT r = f32[2,96] reshape(q)",
           "p = f32[7,9] parameter(0)  ROOT r = f32[9,7] transpose(p), dimensions={1,0}",
           "p = f32[2,3,16] parameter(0)  ROOT r = f32[3,2,16] transpose(p), dimensions={1,0,2}",
           "p = c64[2,3,4] parameter(0)  ROOT r = c64[4,2,3] transpose(p), dimensions={2,0,1}",
           "p = f32[10,40] parameter(0)  ROOT r = f32[3,32] slice(p), slice={[1:9:3], [8:40]}",
           "p = f32[10,40] parameter(0)  ROOT r = f32[9,37] slice(p), slice={[1:10], [3:40]}",
           "p = u16[33] parameter(0)  ROOT r = u16[11] slice(p), slice={[1:33:3]}",
           "p = f32[5,16] parameter(0)  ROOT r = f32[5,16] reverse(p), dimensions={1}",
           "p = f32[5,16] parameter(0)  ROOT r = f32[5,16] reverse(p), dimensions={0}",
           "p = f32[5,16] parameter(0)  z = f32[] parameter(1)  "
           "ROOT r = f32[9,16] pad(p, z), padding=1_3x0_0",
           "p = f32[5,6] parameter(0)  z = f32[] parameter(1)  "
           "ROOT r = f32[12,4] pad(p, z), padding=1_2_1x-1_-1",
           "p = f32[5,16] parameter(0)  z = f32[] parameter(1)  "
           "ROOT r = f32[5,48] pad(p, z), padding=0_0x16_16",
           "p = f32[5,16] parameter(0)  q = f32[5,32] parameter(1)  "
           "ROOT r = f32[5,48] concatenate(p, q), dimensions={1}",
           "p = f32[5,3] parameter(0)  q = f32[5,1] parameter(1)  o = f32[5,9] parameter(2)  "
           "ROOT r = f32[5,13] concatenate(p, q, o), dimensions={1}",
           "p = pred[5,16] parameter(0)  q = pred[2,16] parameter(1)  "
           "ROOT r = pred[7,16] concatenate(p, q), dimensions={0}",
           "ROOT r = s32[5,17] iota(), iota_dimension=1",
           "ROOT r = f32[5,17] iota(), iota_dimension=0",
           "ROOT r = u8[70] iota(), iota_dimension=0",
           "ROOT r = bf16[6,32] iota(), iota_dimension=1",
           "ROOT r = c64[4,3] iota(), iota_dimension=0",
           "p = f32[33] parameter(0)  ROOT r = s32[33] bitcast-convert(p)",
           "p = u32[6] parameter(0)  ROOT r = u8[6,4] bitcast-convert(p)",
           "p = u8[6,4] parameter(0)  ROOT r = f32[6] bitcast-convert(p)",
           "p = f64[6] parameter(0)  ROOT r = f16[6,4] bitcast-convert(p)",
           "p = u8[6] parameter(0)  ROOT r = u4[6,2] bitcast-convert(p)",
           "p = s4[6,2] parameter(0)  ROOT r = s8[6] bitcast-convert(p)",
           "p = f32[0,4] parameter(0)  ROOT r = f32[4,0] transpose(p), dimensions={1,0}",
           "p = f32[3] parameter(0)  c = f32[3] constant({1, 2, 3})  ROOT r = f32[3] add(p, c)",
           "p = f32[4,16] parameter(0)  b = f32[16] parameter(1)  "
           "c = f32[4,16] broadcast(b), dimensions={1}  a = f32[4,16] add(p, c)  "
           "t = f32[16,4] transpose(a), dimensions={1,0}  ROOT r = f32[64] reshape(t)",
           "p = f32[4,16] parameter(0)  n = f32[4,16] negate(p)  ROOT r = (f32[4,16], f32[4,16]) "
           "tuple(p, n)",
       }) {
    ExpectMatchesEvaluator(Entry(body));
  }
}

// Each value is read at two places: 2 ** 24 of them, if nothing stopped it.
TEST(DataMovement, DoublingChainsAreRefused) {
  std::string body = "v0 = f32[2] parameter(0)\n";
  for (int i = 0; i < 24; ++i) {
    const std::string n = std::to_string(i);
    const std::string size = std::to_string(2 << i);
    const std::string twice = std::to_string(4 << i);
    body += "n" + n + " = f32[" + size + "] negate(v" + n + ")\nv" + std::to_string(i + 1) +
            " = f32[" + twice + "] concatenate(n" + n + ", v" + n + "), dimensions={0}\n";
  }
  const std::string text =
      PlanAndKernelText(Entry(body + "ROOT r = f32[33554432] negate(v24)"), "sm_90a");
  EXPECT_EQ(text.substr(0, 6), "error:") << text.substr(0, 200);
}

TEST(Reduction, Reduce) {
  for (const char* body : {
           "p = f32[5,33] parameter(0)  z = f32[] constant(0)  "
           "ROOT r = f32[5] reduce(p, z), dimensions={1}, to_apply=add",
           "p = f32[5,64] parameter(0)  z = f32[] constant(1)  "
           "ROOT r = f32[5] reduce(p, z), dimensions={1}, to_apply=add",
           "p = f32[33,48] parameter(0)  z = f32[] parameter(1)  "
           "ROOT r = f32[48] reduce(p, z), dimensions={0}, to_apply=add",
           "p = f32[4,5,6,7] parameter(0)  z = f32[] constant(0)  "
           "ROOT r = f32[5,7] reduce(p, z), dimensions={0,2}, to_apply=add",
           "p = f32[4,5,6,16] parameter(0)  z = f32[] constant(0)  "
           "ROOT r = f32[5,16] reduce(p, z), dimensions={2,0}, to_apply=add",
           "p = f32[3,4] parameter(0)  z = f32[] constant(0)  "
           "ROOT r = f32[] reduce(p, z), dimensions={0,1}, to_apply=add",
           "p = f32[100000] parameter(0)  z = f32[] constant(0)  "
           "ROOT r = f32[] reduce(p, z), dimensions={0}, to_apply=add",
           "p = f32[4,0] parameter(0)  z = f32[] constant(3)  "
           "ROOT r = f32[4] reduce(p, z), dimensions={1}, to_apply=add",
           "p = bf16[5,200] parameter(0)  z = bf16[] constant(0)  "
           "ROOT r = bf16[5] reduce(p, z), dimensions={1}, to_apply=add_bf16",
           "p = f64[5,200] parameter(0)  z = f64[] constant(0)  "
           "ROOT r = f64[5] reduce(p, z), dimensions={1}, to_apply=add_f64",
           "p = c64[5,20] parameter(0)  z = c64[] constant((0, 0))  "
           "ROOT r = c64[5] reduce(p, z), dimensions={1}, to_apply=add_c64",
           "p = f32[5,17] parameter(0)  z = f32[] constant(1)  "
           "ROOT r = f32[5] reduce(p, z), dimensions={1}, to_apply=mul",
           "p = f32[5,17] parameter(0)  z = f32[] constant(-inf)  "
           "ROOT r = f32[5] reduce(p, z), dimensions={1}, to_apply=max",
           "p = f32[5,17] parameter(0)  z = f32[] constant(0.5)  "
           "ROOT r = f32[5] reduce(p, z), dimensions={1}, to_apply=odd",
           "p = f32[5,33] parameter(0)  z = f32[] constant(0)  n = f32[5,33] multiply(p, p)  "
           "s = f32[5] reduce(n, z), dimensions={1}, to_apply=add  ROOT r = f32[5] sqrt(s)",
           "p = f32[5,32] parameter(0)  z = f32[] constant(0)  "
           "s = f32[5] reduce(p, z), dimensions={1}, to_apply=add  "
           "b = f32[5,32] broadcast(s), dimensions={0}  ROOT r = f32[5,32] subtract(p, b)",
       }) {
    ExpectMatchesEvaluator(Entry(body), Norm(1e-5));
  }
  for (const char* body : {
           "p = s32[5,33] parameter(0)  z = s32[] constant(7)  "
           "ROOT r = s32[5] reduce(p, z), dimensions={1}, to_apply=add_s32",
           "p = s8[5,133] parameter(0)  z = s8[] constant(7)  "
           "ROOT r = s8[5] reduce(p, z), dimensions={1}, to_apply=add_s8",
           "p = u8[40,33] parameter(0)  z = u8[] constant(255)  "
           "ROOT r = u8[33] reduce(p, z), dimensions={0}, to_apply=min_u8",
           "p = pred[5,33] parameter(0)  z = pred[] constant(true)  "
           "ROOT r = pred[5] reduce(p, z), dimensions={1}, to_apply=and",
           "p = f32[5,33] parameter(0)  i = s32[5,33] iota(), iota_dimension=1  "
           "z = f32[] constant(-inf)  k = s32[] constant(0)  "
           "ROOT r = (f32[5], s32[5]) reduce(p, i, z, k), dimensions={1}, to_apply=argmax",
           "p = f32[33,16] parameter(0)  i = s32[33,16] iota(), iota_dimension=0  "
           "z = f32[] constant(-inf)  k = s32[] constant(0)  "
           "ROOT r = (f32[16], s32[16]) reduce(p, i, z, k), dimensions={0}, to_apply=argmax",
       }) {
    ExpectMatchesEvaluator(Entry(body));
  }
}

TEST(Reduction, LongSumsStayAccurate) {
  CheckOptions options;
  options.tolerance.relative_to_norm = 1e-6;
  ExpectMatchesEvaluator(
      Entry("p = f32[3000000] parameter(0)  q = f32[3000000] abs(p)  z = f32[] constant(0)  "
            "ROOT r = f32[] reduce(q, z), dimensions={0}, to_apply=add"),
      options);
  ExpectMatchesEvaluator(
      Entry("p = f32[300000,8] parameter(0)  q = f32[300000,8] abs(p)  z = f32[] constant(0)  "
            "ROOT r = f32[8] reduce(q, z), dimensions={0}, to_apply=add"),
      options);
}

TEST(Reduction, Windows) {
  for (const char* body : {
           "p = f32[9,10] parameter(0)  z = f32[] constant(0)  ROOT r = f32[4,9] "
           "reduce-window(p, z), window={size=3x2 stride=2x1}, to_apply=add",
           "p = f32[9,10] parameter(0)  z = f32[] constant(-inf)  ROOT r = f32[5,10] "
           "reduce-window(p, z), window={size=3x3 stride=2x1 pad=1_1x1_1}, to_apply=max",
           "p = f32[9,10] parameter(0)  z = f32[] constant(0)  ROOT r = f32[14,8] reduce-window(p, "
           "z), window={size=4x2 pad=0_0x0_0 lhs_dilate=2x1 rhs_dilate=1x2}, to_apply=add",
           "p = f32[2,8,8,16] parameter(0)  z = f32[] constant(-inf)  ROOT r = f32[2,4,4,16] "
           "reduce-window(p, z), window={size=1x2x2x1 stride=1x2x2x1}, to_apply=max",
           "p = f32[30] parameter(0)  z = f32[] constant(0)  ROOT r = f32[30] "
           "reduce-window(p, z), window={size=30 pad=29_0}, to_apply=add",
           "p = f32[9,10] parameter(0)  z = f32[] constant(0)  ROOT r = f32[7,8] "
           "reduce-window(p, z), window={size=1x1 pad=-1_-1x-1_-1}, to_apply=add",
       }) {
    ExpectMatchesEvaluator(Entry(body), Norm(1e-5));
  }
}

TEST(Reduction, SelectAndScatter) {
  for (const char* body : {
           "p = f32[8,9] parameter(0)  s = f32[4,4] parameter(1)  z = f32[] constant(0)  ROOT r = "
           "f32[8,9] select-and-scatter(p, s, z), window={size=2x3 stride=2x2}, select=ge, "
           "scatter=add",
           "p = f32[8,9] parameter(0)  s = f32[4,5] parameter(1)  z = f32[] constant(1)  ROOT r = "
           "f32[8,9] select-and-scatter(p, s, z), window={size=3x3 stride=2x2 pad=1_0x1_1}, "
           "select=ge, scatter=add",
       }) {
    ExpectMatchesEvaluator(Entry(body), Norm(1e-6));
  }
}

TEST(Reduction, Scan) {
  for (const char* body : {
           "p = f32[7,100] parameter(0)  z = f32[] constant(0)  c = f32[7] broadcast(z), "
           "dimensions={}  ROOT r = (f32[7,100], f32[7]) scan(p, c), dimensions={1}, "
           "num_carries=1, is_associative=true, to_apply=scan_add",
           "p = f32[7,100] parameter(0)  c = f32[7] parameter(1)  ROOT r = (f32[7,100], f32[7]) "
           "scan(p, c), dimensions={1}, num_carries=1, is_reverse=true, to_apply=scan_add",
           "p = f32[3,20,40] parameter(0)  c = f32[3,40] parameter(1)  ROOT r = (f32[3,20,40], "
           "f32[3,40]) scan(p, c), dimensions={1}, num_carries=1, to_apply=scan_add2",
       }) {
    ExpectMatchesEvaluator(Entry(body), Norm(1e-5));
  }
}

TEST(Contraction, Dot) {
  for (const char* body : {
           "a = f32[5,33] parameter(0)  b = f32[33,48] parameter(1)  ROOT r = f32[5,48] dot(a, b), "
           "lhs_contracting_dims={1}, rhs_contracting_dims={0}",
           "a = f32[5,33] parameter(0)  b = f32[7,33] parameter(1)  ROOT r = f32[5,7] dot(a, b), "
           "lhs_contracting_dims={1}, rhs_contracting_dims={1}",
           "a = f32[33,5] parameter(0)  b = f32[33,7] parameter(1)  ROOT r = f32[5,7] dot(a, b), "
           "lhs_contracting_dims={0}, rhs_contracting_dims={0}",
           "a = f32[2,5,33] parameter(0)  b = f32[2,33,16] parameter(1)  ROOT r = f32[2,5,16] "
           "dot(a, b), lhs_batch_dims={0}, rhs_batch_dims={0}, lhs_contracting_dims={2}, "
           "rhs_contracting_dims={1}",
           "a = f32[5,2,3,4] parameter(0)  b = f32[4,6,2,3] parameter(1)  ROOT r = f32[2,5,6] "
           "dot(a, b), lhs_batch_dims={1}, rhs_batch_dims={2}, lhs_contracting_dims={2,3}, "
           "rhs_contracting_dims={3,0}",
           "a = f32[5] parameter(0)  b = f32[7] parameter(1)  ROOT r = f32[5,7] dot(a, b), "
           "lhs_contracting_dims={}, rhs_contracting_dims={}",
           "a = f32[512] parameter(0)  b = f32[512] parameter(1)  ROOT r = f32[] dot(a, b), "
           "lhs_contracting_dims={0}, rhs_contracting_dims={0}",
           "a = bf16[5,64] parameter(0)  b = bf16[64,32] parameter(1)  ROOT r = bf16[5,32] "
           "dot(a, b), lhs_contracting_dims={1}, rhs_contracting_dims={0}",
           "a = bf16[5,64] parameter(0)  b = bf16[9,64] parameter(1)  ROOT r = f32[5,9] "
           "dot(a, b), lhs_contracting_dims={1}, rhs_contracting_dims={1}",
           "a = c64[5,6] parameter(0)  b = c64[6,7] parameter(1)  ROOT r = c64[5,7] "
           "dot(a, b), lhs_contracting_dims={1}, rhs_contracting_dims={0}",
           "a = f64[5,6] parameter(0)  b = f64[6,7] parameter(1)  ROOT r = f64[5,7] "
           "dot(a, b), lhs_contracting_dims={1}, rhs_contracting_dims={0}",
           "a = f32[5,33] parameter(0)  b = f32[33,48] parameter(1)  c = f32[48] parameter(2)  "
           "d = f32[5,48] dot(a, b), lhs_contracting_dims={1}, rhs_contracting_dims={0}  "
           "e = f32[5,48] broadcast(c), dimensions={1}  f = f32[5,48] add(d, e)  "
           "z = f32[] constant(0)  g = f32[5,48] broadcast(z), dimensions={}  "
           "ROOT r = f32[5,48] maximum(f, g)",
       }) {
    ExpectMatchesEvaluator(Entry(body), Norm(1e-5));
  }
  ExpectMatchesEvaluator(
      Entry("a = s8[5,6] parameter(0)  b = s8[6,32] parameter(1)  ROOT r = s32[5,32] dot(a, b), "
            "lhs_contracting_dims={1}, rhs_contracting_dims={0}"));
  ExpectMatchesEvaluator(
      Entry("a = u32[5,6] parameter(0)  b = u32[6,3] parameter(1)  ROOT r = u32[5,3] dot(a, b), "
            "lhs_contracting_dims={1}, rhs_contracting_dims={0}"));
}

TEST(Contraction, Convolution) {
  for (const char* body : {
           "a = f32[2,9,9,4] parameter(0)  b = f32[3,3,4,16] parameter(1)  ROOT r = f32[2,7,7,16] "
           "convolution(a, b), window={size=3x3}, dim_labels=b01f_01io->b01f",
           "a = f32[2,9,9,4] parameter(0)  b = f32[3,3,4,6] parameter(1)  ROOT r = f32[2,5,5,6] "
           "convolution(a, b), window={size=3x3 stride=2x2 pad=1_1x1_1}, "
           "dim_labels=b01f_01io->b01f",
           "a = f32[2,16,6,7] parameter(0)  b = f32[5,16,3,3] parameter(1)  ROOT r = f32[2,5,6,7] "
           "convolution(a, b), window={size=3x3 pad=1_1x1_1}, dim_labels=bf01_oi01->bf01",
           "a = f32[2,5,5,4] parameter(0)  b = f32[3,3,4,6] parameter(1)  ROOT r = f32[2,11,9,6] "
           "convolution(a, b), window={size=3x3 pad=2_2x1_1 lhs_dilate=2x2 rhs_reversal=1x1}, "
           "dim_labels=b01f_01io->b01f",
           "a = f32[2,9,9,4] parameter(0)  b = f32[3,3,4,6] parameter(1)  ROOT r = f32[2,5,3,6] "
           "convolution(a, b), window={size=3x3 pad=0_0x-1_-1 rhs_dilate=2x2}, "
           "dim_labels=b01f_01io->b01f",
           "a = f32[2,9,9,8] parameter(0)  b = f32[3,3,2,32] parameter(1)  ROOT r = "
           "f32[2,7,7,32] convolution(a, b), window={size=3x3}, dim_labels=b01f_01io->b01f, "
           "feature_group_count=4",
           "a = f32[2,9,9,6] parameter(0)  b = f32[3,3,1,6] parameter(1)  ROOT r = "
           "f32[2,7,7,6] convolution(a, b), window={size=3x3}, dim_labels=b01f_01io->b01f, "
           "feature_group_count=6",
           "a = f32[6,9,4] parameter(0)  b = f32[3,4,9] parameter(1)  ROOT r = "
           "f32[2,7,9] convolution(a, b), window={size=3}, dim_labels=b0f_0io->b0f, "
           "batch_group_count=3",
           "a = f32[5,9,9,2] parameter(0)  b = f32[5,7,7,6] parameter(1)  ROOT r = "
           "f32[3,3,2,6] convolution(a, b), window={size=7x7}, dim_labels=f01b_i01o->01bf",
           "a = f32[5,4] parameter(0)  b = f32[4,6] parameter(1)  ROOT r = f32[5,6] "
           "convolution(a, b), dim_labels=bf_io->bf",
           "a = bf16[2,9,4] parameter(0)  b = bf16[3,4,8] parameter(1)  ROOT r = bf16[2,7,8] "
           "convolution(a, b), window={size=3}, dim_labels=b0f_0io->b0f",
       }) {
    ExpectMatchesEvaluator(Entry(body), Norm(1e-5));
  }
}

TEST(Indexing, GatherAndSlices) {
  for (const char* body : {
           "t = f32[50,24] parameter(0)  i = s32[7,1] parameter(1)  ROOT r = f32[7,24] gather(t, "
           "i), offset_dims={1}, collapsed_slice_dims={0}, start_index_map={0}, "
           "index_vector_dim=1, slice_sizes={1,24}",
           "t = f32[50,24] parameter(0)  i = s64[7] parameter(1)  ROOT r = f32[7,16] gather(t, "
           "i), offset_dims={1}, collapsed_slice_dims={0}, start_index_map={0}, "
           "index_vector_dim=1, slice_sizes={1,16}",
           "t = f32[9,8] parameter(0)  i = s8[5,2] parameter(1)  ROOT r = f32[5,3,2] gather(t, "
           "i), offset_dims={1,2}, collapsed_slice_dims={}, start_index_map={1,0}, "
           "index_vector_dim=1, slice_sizes={3,2}",
           "t = f32[3,9,4] parameter(0)  i = u32[3,5,1] parameter(1)  ROOT r = f32[3,5,4] "
           "gather(t, i), offset_dims={2}, collapsed_slice_dims={1}, start_index_map={1}, "
           "operand_batching_dims={0}, start_indices_batching_dims={0}, index_vector_dim=2, "
           "slice_sizes={1,1,4}",
           "t = f32[9,16] parameter(0)  i = s32[] parameter(1)  j = s32[] parameter(2)  ROOT r = "
           "f32[3,16] dynamic-slice(t, i, j), dynamic_slice_sizes={3,16}",
           "t = f32[9,40] parameter(0)  i = u64[] parameter(1)  j = u64[] parameter(2)  ROOT r = "
           "f32[3,16] dynamic-slice(t, i, j), dynamic_slice_sizes={3,16}",
           "t = f32[9,16] parameter(0)  u = f32[2,16] parameter(1)  i = s32[] parameter(2)  "
           "j = s32[] parameter(3)  ROOT r = f32[9,16] dynamic-update-slice(t, u, i, j)",
           "t = f32[9,16] parameter(0)  u = f32[2,5] parameter(1)  i = s32[] parameter(2)  "
           "j = s32[] parameter(3)  ROOT r = f32[9,16] dynamic-update-slice(t, u, i, j)",
       }) {
    ExpectMatchesEvaluator(Entry(body));
    ExpectMatchesEvaluator(Entry(body), Limit(9));
  }
}

TEST(Indexing, Scatter) {
  for (const char* body : {
           "t = f32[50,24] parameter(0)  i = s32[77,1] parameter(1)  u = f32[77,24] parameter(2)  "
           "ROOT r = f32[50,24] scatter(t, i, u), update_window_dims={1}, "
           "inserted_window_dims={0}, scatter_dims_to_operand_dims={0}, index_vector_dim=1, "
           "to_apply=add",
           "t = f32[50] parameter(0)  i = s32[77] parameter(1)  u = f32[77] parameter(2)  "
           "ROOT r = f32[50] scatter(t, i, u), update_window_dims={}, inserted_window_dims={0}, "
           "scatter_dims_to_operand_dims={0}, index_vector_dim=1, to_apply=second",
           "t = f32[9,8] parameter(0)  i = s32[5,2] parameter(1)  u = f32[5,3,2] parameter(2)  "
           "ROOT r = f32[9,8] scatter(t, i, u), update_window_dims={1,2}, "
           "inserted_window_dims={}, scatter_dims_to_operand_dims={1,0}, index_vector_dim=1, "
           "to_apply=add",
           "t = f32[3,9,4] parameter(0)  i = s32[3,5,1] parameter(1)  u = f32[3,5,4] parameter(2) "
           "ROOT r = f32[3,9,4] scatter(t, i, u), update_window_dims={2}, "
           "inserted_window_dims={1}, scatter_dims_to_operand_dims={1}, input_batching_dims={0}, "
           "scatter_indices_batching_dims={0}, index_vector_dim=2, to_apply=add",
           "t = f32[50,24] parameter(0)  i = s32[77,1] parameter(1)  u = f32[77,20] parameter(2)  "
           "ROOT r = f32[50,24] scatter(t, i, u), update_window_dims={1}, "
           "inserted_window_dims={0}, scatter_dims_to_operand_dims={0}, index_vector_dim=1, "
           "to_apply=add",
       }) {
    ExpectMatchesEvaluator(Entry(body), Norm(1e-5));
    CheckOptions options = Norm(1e-5);
    options.inputs.limit = 60;
    ExpectMatchesEvaluator(Entry(body), options);
  }
}

TEST(Sorting, Sort) {
  for (const char* body : {
           "p = f32[5,333] parameter(0)  ROOT r = f32[5,333] sort(p), dimensions={1}, "
           "is_stable=true, to_apply=lt",
           "p = f32[33,5] parameter(0)  ROOT r = f32[33,5] sort(p), dimensions={0}, "
           "is_stable=true, to_apply=lt",
           "p = f32[5,33] parameter(0)  q = f32[5,33] floor(p)  i = s32[5,33] iota(), "
           "iota_dimension=1  ROOT r = (f32[5,33], s32[5,33]) sort(q, i), dimensions={1}, "
           "is_stable=true, to_apply=lt_pair",
           "p = f32[5,1] parameter(0)  ROOT r = f32[5,1] sort(p), dimensions={1}, to_apply=lt",
       }) {
    ExpectMatchesEvaluator(Entry(body));
  }
}

}  // namespace
}  // namespace ingot::test
