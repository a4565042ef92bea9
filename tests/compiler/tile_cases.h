// Fusions that tile plans compute, for tests that draw plans.
#ifndef INGOT_TESTS_COMPILER_TILE_CASES_H_
#define INGOT_TESTS_COMPILER_TILE_CASES_H_

#include <cstddef>

#include "absl/strings/string_view.h"

namespace ingot::test {

inline constexpr absl::string_view kReducers = R"(HloModule m
add { x = f32[] parameter(0)  y = f32[] parameter(1)  ROOT r = f32[] add(x, y) }
less { x = f32[] parameter(0)  y = f32[] parameter(1)  ROOT r = pred[] compare(x, y), direction=LT }
max { x = f32[] parameter(0)  y = f32[] parameter(1)  ROOT r = f32[] maximum(x, y) }
min { x = s32[] parameter(0)  y = s32[] parameter(1)  ROOT r = s32[] minimum(x, y) }
first {
  x = f32[] parameter(0)  i = s32[] parameter(1)  y = f32[] parameter(2)  j = s32[] parameter(3)
  after = pred[] compare(y, x), direction=GT
  equal = pred[] compare(y, x), direction=EQ
  less = pred[] compare(j, i), direction=LT
  tie = pred[] and(equal, less)
  take = pred[] or(after, tie)
  v = f32[] select(take, y, x)
  n = s32[] select(take, j, i)
  ROOT r = (f32[], s32[]) tuple(v, n)
}
)";

struct Case {
  const char* name;
  const char* entry;
  double tolerance = 0;   // of results, relative to 1 or their size; 0: the same bits
  bool specials = false;  // infinities, NaN and very large numbers among the inputs
  size_t joins = 0;       // reductions that can be joined
  const char* target = "sim:sm_90a-tiny";  // on which a tile plan computes it
};

// Reductions that are joined round a little more often.
inline constexpr double kJoinedTolerance = 4e-6;

// Rows, short ones too, columns, both, transposes of vectors and of rows that begin anywhere,
// reductions and norms of what is turned,
// several results, a combiner without identity, vectors that do not divide, two levels of
// reductions, values that rows share, reductions that can be joined, reductions across a walk.
inline constexpr Case kCases[] = {
    {"elements", R"(
  x = f32[36,7,50] parameter(0)  y = f32[7,36,50] parameter(1)
  t = f32[36,7,50] transpose(y), dimensions={1,0,2}
  ROOT r = f32[36,7,50] add(x, t))"},
    {"transpose", R"(
  x = f32[24,3,40] parameter(0)
  ROOT r = f32[40,3,24] transpose(x), dimensions={2,1,0})"},
    {"odd_transposes", R"(
  x = bf16[45,83] parameter(0)  y = u8[45,83] parameter(1)  z = bf16[83,45] parameter(2)
  t = bf16[83,45] transpose(x), dimensions={1,0}
  u = u8[83,45] transpose(y), dimensions={1,0}  v = bf16[83,45] convert(u)
  s = bf16[83,45] multiply(t, v)
  ROOT r = bf16[83,45] add(s, z))",
     0, false, 0, "sim:sm_90a"},
    {"box", R"(
  x = f32[5,9,6,10] parameter(0)  y = bf16[10,5,6,9] parameter(1)
  t = f32[10,6,5,9] transpose(x), dimensions={3,2,0,1}
  u = bf16[10,6,5,9] transpose(y), dimensions={0,2,1,3}  v = f32[10,6,5,9] convert(u)
  ROOT r = f32[10,6,5,9] subtract(t, v))",
     0, false, 0, "sim:sm_90a"},
    {"box_of_vectors", R"(
  x = f32[6,3,28,4] parameter(0)  b = f32[4] parameter(1)
  t = f32[4,6,28,3] transpose(x), dimensions={3,0,2,1}
  c = f32[4,6,28,3] broadcast(b), dimensions={0}
  ROOT r = f32[4,6,28,3] add(t, c))"},
    {"box_of_pairs", R"(
  x = c64[7,11,5] parameter(0)
  ROOT r = c64[5,7,11] transpose(x), dimensions={2,0,1})"},
    {"sum_of_turned", R"(
  x = f32[264,200] parameter(0)  y = f32[200,264] parameter(1)  z = f32[] constant(0)
  t = f32[200,264] transpose(x), dimensions={1,0}
  p = f32[200,264] multiply(t, y)
  ROOT r = f32[200] reduce(p, z), dimensions={1}, to_apply=add)",
     0, false, 0, "sim:sm_90a"},
    {"sum_down_turned", R"(
  x = bf16[3,272,208] parameter(0)  y = bf16[3,208,272] parameter(1)  z = f32[] constant(0)
  t = bf16[3,208,272] transpose(x), dimensions={0,2,1}
  p = bf16[3,208,272] maximum(t, y)  f = f32[3,208,272] convert(p)
  a = f32[3,272] reduce(f, z), dimensions={1}, to_apply=add
  b = f32[3,272] reduce(f, z), dimensions={1}, to_apply=max
  ROOT r = (f32[3,272], f32[3,272]) tuple(a, b))",
     0, false, 0, "sim:sm_90a"},
    {"turned_softmax", R"(
  x = f32[2,96,104] parameter(0)  z = f32[] constant(0)  n = f32[] constant(-inf)
  m = f32[2,104] reduce(x, n), dimensions={1}, to_apply=max
  b = f32[2,96,104] broadcast(m), dimensions={0,2}
  d = f32[2,96,104] subtract(x, b)
  p = f32[2,96,104] exponential(d)
  s = f32[2,104] reduce(p, z), dimensions={1}, to_apply=add
  t = f32[2,96,104] broadcast(s), dimensions={0,2}
  q = f32[2,96,104] divide(p, t)
  ROOT r = f32[2,104,96] transpose(q), dimensions={0,2,1})",
     kJoinedTolerance, true, 1, "sim:sm_90a"},
    {"results_across", R"(
  x = f32[13,50] parameter(0)
  y = f32[13,50] multiply(x, x)  t = f32[50,13] transpose(y), dimensions={1,0}
  u = f32[50,13] negate(t)
  ROOT r = (f32[13,50], f32[50,13]) tuple(y, u))"},
    {"bias", R"(
  x = f32[6,7,40] parameter(0)  y = f32[40] parameter(1)
  b = f32[6,7,40] broadcast(y), dimensions={2}
  ROOT r = f32[6,7,40] multiply(x, b))"},
    {"rows", R"(
  x = f32[37,200] parameter(0)  z = f32[] constant(3)
  ROOT r = f32[37] reduce(x, z), dimensions={1}, to_apply=add)"},
    // Short rows that begin anywhere, of several types, with what all rows and what each row has.
    {"short_rows", R"(
  x = bf16[333,7] parameter(0)  k = u8[333,7] parameter(1)  g = f32[7] parameter(2)
  w = f32[333] parameter(3)
  z = f32[] constant(0)
  c = f32[333,7] convert(x)  f = f32[333,7] convert(k)
  v = f32[333,7] multiply(c, f)
  a = f32[333] reduce(v, z), dimensions={1}, to_apply=add
  s = f32[333] add(a, w)
  b = f32[333,7] broadcast(s), dimensions={0}
  d = f32[333,7] broadcast(g), dimensions={1}
  y = f32[333,7] add(b, d)
  p = pred[333,7] compare(y, c), direction=GT
  q = f32[333,7] multiply(y, f)
  u = s32[333,7] convert(q)
  ROOT r = (pred[333,7], s32[333,7], f32[333]) tuple(p, u, a))"},
    {"rows_of_pairs", R"(
  x = f64[600,6] parameter(0)  y = f16[600,6] parameter(1)
  h = f32[600,6] convert(y)  z = f32[] constant(0)
  c = f32[600,6] convert(x)  v = f32[600,6] add(c, h)
  a = f32[600] reduce(v, z), dimensions={1}, to_apply=add
  b = f32[600,6] broadcast(a), dimensions={0}
  d = f32[600,6] subtract(v, b)
  ROOT r = f64[600,6] convert(d))"},
    {"columns", R"(
  x = bf16[300,24] parameter(0)  c = f32[300,24] convert(x)  z = f32[] constant(0)
  ROOT r = f32[24] reduce(c, z), dimensions={0}, to_apply=add)"},
    {"middle", R"(
  x = f32[5,60,12] parameter(0)  z = f32[] constant(0)
  ROOT r = f32[5,12] reduce(x, z), dimensions={1}, to_apply=add)"},
    {"all", R"(
  x = f32[30,1000] parameter(0)  z = f32[] constant(0)
  ROOT r = f32[] reduce(x, z), dimensions={0,1}, to_apply=add)"},
    {"argmax", R"(
  x = f32[9,333] parameter(0)  i = s32[9,333] iota(), iota_dimension=1
  m = f32[] constant(-inf)  n = s32[] constant(0)
  ROOT r = (f32[9], s32[9]) reduce(x, i, m, n), dimensions={1}, to_apply=first)"},
    {"argmax_of_infinities", R"(
  x = f32[9,333] parameter(0)  i = s32[9,333] iota(), iota_dimension=1
  row = s32[9,333] iota(), iota_dimension=0  five = s32[] constant(5)
  m = f32[] constant(-inf)  n = s32[] constant(0)  z = f32[] constant(0)
  fives = s32[9,333] broadcast(five), dimensions={}  zeros = f32[9,333] broadcast(z), dimensions={}
  least = f32[9,333] broadcast(m), dimensions={}
  above = pred[9,333] compare(x, zeros), direction=GT
  some = f32[9,333] select(above, least, x)
  early = pred[9,333] compare(row, fives), direction=LT
  y = f32[9,333] select(early, some, least)
  ROOT r = (f32[9], s32[9]) reduce(y, i, m, n), dimensions={1}, to_apply=first)"},
    {"centred", R"(
  x = f32[17,256] parameter(0)  y = f32[256] parameter(1)
  z = f32[] constant(0)  m = f32[] constant(-inf)
  a = f32[17] reduce(x, m), dimensions={1}, to_apply=max
  b = f32[17,256] broadcast(a), dimensions={0}
  d = f32[17,256] subtract(x, b)
  s = f32[17] reduce(d, z), dimensions={1}, to_apply=add
  t = f32[17,256] broadcast(s), dimensions={0}
  u = f32[17,256] add(d, t)
  v = f32[17,256] broadcast(y), dimensions={1}
  w = f32[17,256] add(u, v)
  ROOT r = (f32[17,256], f32[17]) tuple(w, s))"},
    // Long rows that begin anywhere and share a scale, enough for blocks to take them by turns.
    {"scaled_rows", R"(
  x0 = bf16[650,519] parameter(0)  w = f32[519] parameter(1)  u = bf16[519] parameter(2)
  x = f32[650,519] convert(x0)
  z = f32[] constant(0)
  s = f32[650] reduce(x, z), dimensions={1}, to_apply=add
  b = f32[650,519] broadcast(s), dimensions={0}
  d = f32[650,519] subtract(x, b)
  v = f32[519] convert(u)
  h = f32[650,519] broadcast(v), dimensions={1}
  g = f32[650,519] broadcast(w), dimensions={1}
  dh = f32[650,519] add(d, h)
  m = f32[650,519] multiply(dh, g)
  r0 = bf16[650,519] convert(m)
  ROOT r = (bf16[650,519], f32[650]) tuple(r0, s))",
     0, false, 0, "sim:sm_90a-tiny"},
    {"softmax", R"(
  x = f32[24,203] parameter(0)  z = f32[] constant(0)  n = f32[] constant(-inf)
  m = f32[24] reduce(x, n), dimensions={1}, to_apply=max
  b = f32[24,203] broadcast(m), dimensions={0}
  d = f32[24,203] subtract(x, b)
  p = f32[24,203] exponential(d)
  s = f32[24] reduce(p, z), dimensions={1}, to_apply=add
  t = f32[24,203] broadcast(s), dimensions={0}
  ROOT r = f32[24,203] divide(p, t))",
     kJoinedTolerance, true, 1},
    // Guarded as jax.nn.logsumexp is, with a factor in the exponent; the weighted sum beside it is
    // not joined.
    {"logsumexp", R"(
  x = f32[24,200] parameter(0)  w = f32[24,200] parameter(1)
  z = f32[] constant(0)  n = f32[] constant(-inf)  half = f32[] constant(0.5)
  m = f32[24] reduce(x, n), dimensions={1}, to_apply=max
  f = pred[24] is-finite(m)
  zs = f32[24] broadcast(z), dimensions={}
  g = f32[24] select(f, m, zs)
  b = f32[24,200] broadcast(g), dimensions={0}
  d = f32[24,200] subtract(x, b)
  h = f32[24,200] broadcast(half), dimensions={}
  u = f32[24,200] multiply(d, h)
  p = f32[24,200] exponential(u)
  v = f32[24,200] multiply(p, w)
  s = f32[24] reduce(p, z), dimensions={1}, to_apply=add
  q = f32[24] reduce(v, z), dimensions={1}, to_apply=add
  l = f32[24] log(s)
  ROOT r = (f32[24], f32[24], f32[24]) tuple(l, q, m))",
     kJoinedTolerance, true, 1},
    // As jax.nn.softmax is with a mask, guarded; the second sum has a mask that the maximum has
    // not.
    {"masked", R"(
  x = f32[24,203] parameter(0)  y = f32[24,203] parameter(1)
  z = f32[] constant(0)  n = f32[] constant(-inf)
  zw = f32[24,203] broadcast(z), dimensions={}
  nw = f32[24,203] broadcast(n), dimensions={}
  k = pred[24,203] compare(y, zw), direction=GT
  v = f32[24,203] select(k, x, nw)
  m = f32[24] reduce(v, n), dimensions={1}, to_apply=max
  f = pred[24] is-finite(m)
  zs = f32[24] broadcast(z), dimensions={}
  g = f32[24] select(f, m, zs)
  b = f32[24,203] broadcast(g), dimensions={0}
  d = f32[24,203] subtract(x, b)
  e = f32[24,203] exponential(d)
  p = f32[24,203] select(k, e, zw)
  s = f32[24] reduce(p, z), dimensions={1}, to_apply=add
  t = f32[24] reduce(e, z), dimensions={1}, to_apply=add
  ROOT r = (f32[24], f32[24]) tuple(s, t))",
     kJoinedTolerance, true, 1},
    {"columns_softmax", R"(
  x = f32[190,24] parameter(0)  z = f32[] constant(0)  n = f32[] constant(-inf)
  m = f32[24] reduce(x, n), dimensions={0}, to_apply=max
  b = f32[190,24] broadcast(m), dimensions={1}
  d = f32[190,24] subtract(x, b)
  p = f32[190,24] exponential(d)
  s = f32[24] reduce(p, z), dimensions={0}, to_apply=add
  ROOT r = (f32[24], f32[24]) tuple(m, s))",
     kJoinedTolerance, true, 1},
    {"variance", R"(
  x = f32[24,200] parameter(0)  z = f32[] constant(0)  i = f32[] constant(0.005)
  a = f32[24] reduce(x, z), dimensions={1}, to_apply=add
  ib = f32[24] broadcast(i), dimensions={}
  m = f32[24] multiply(a, ib)
  b = f32[24,200] broadcast(m), dimensions={0}
  d = f32[24,200] subtract(x, b)
  q = f32[24,200] multiply(d, d)
  s = f32[24] reduce(q, z), dimensions={1}, to_apply=add
  t = f32[24,200] broadcast(s), dimensions={0}
  y = f32[24,200] add(d, t)
  ROOT r = (f32[24,200], f32[24], f32[24]) tuple(y, a, s))",
     kJoinedTolerance, false, 1},
    {"batch_norm", R"(
  x = f32[3,49,24] parameter(0)  z = f32[] constant(0)  i = f32[] constant(147)
  a = f32[24] reduce(x, z), dimensions={0,1}, to_apply=add
  ib = f32[24] broadcast(i), dimensions={}
  m = f32[24] divide(a, ib)
  b = f32[3,49,24] broadcast(m), dimensions={2}
  d = f32[3,49,24] subtract(x, b)
  q = f32[3,49,24] multiply(d, d)
  s = f32[24] reduce(q, z), dimensions={0,1}, to_apply=add
  t = f32[3,49,24] broadcast(s), dimensions={2}
  ROOT y = f32[3,49,24] add(d, t))",
     kJoinedTolerance, false, 1},
    // How many elements are the maximum, and the first of them.
    {"ties", R"(
  x = f32[24,200] parameter(0)  z = f32[] constant(0)  n = f32[] constant(-inf)
  k = s32[] constant(2147483647)  l = s32[] constant(2147483647)
  m = f32[24] reduce(x, n), dimensions={1}, to_apply=max
  b = f32[24,200] broadcast(m), dimensions={0}
  e = pred[24,200] compare(x, b), direction=EQ
  c = f32[24,200] convert(e)
  s = f32[24] reduce(c, z), dimensions={1}, to_apply=add
  i = s32[24,200] iota(), iota_dimension=1
  kb = s32[24,200] broadcast(k), dimensions={}
  f = s32[24,200] select(e, i, kb)
  g = s32[24] reduce(f, l), dimensions={1}, to_apply=min
  ROOT r = (f32[24], s32[24], f32[24]) tuple(s, g, m))",
     0, true, 2},
    // What looks like the rules and is not: a constant that is not neutral, a mask that the maximum
    // has not, a reference that is not the maximum.
    {"no_joins", R"(
  x = f32[24,200] parameter(0)  w = f32[24,200] parameter(1)
  z = f32[] constant(0)  n = f32[] constant(-inf)  half = f32[] constant(0.5)
  k = s32[] constant(200)  l = s32[] constant(2147483647)
  m = f32[24] reduce(x, n), dimensions={1}, to_apply=max
  b = f32[24,200] broadcast(m), dimensions={0}
  e = pred[24,200] compare(x, b), direction=EQ
  i = s32[24,200] iota(), iota_dimension=1
  kb = s32[24,200] broadcast(k), dimensions={}
  f = s32[24,200] select(e, i, kb)
  g = s32[24] reduce(f, l), dimensions={1}, to_apply=min
  zw = f32[24,200] broadcast(z), dimensions={}
  o = pred[24,200] compare(w, zw), direction=GT
  d = f32[24,200] subtract(x, b)
  p = f32[24,200] exponential(d)
  v = f32[24,200] select(o, p, zw)
  s = f32[24] reduce(v, z), dimensions={1}, to_apply=add
  hs = f32[24] broadcast(half), dimensions={}
  mh = f32[24] multiply(m, hs)
  bh = f32[24,200] broadcast(mh), dimensions={0}
  dh = f32[24,200] subtract(x, bh)
  ph = f32[24,200] exponential(dh)
  sh = f32[24] reduce(ph, z), dimensions={1}, to_apply=add
  ROOT r = (s32[24], f32[24], f32[24]) tuple(g, s, sh))",
     kJoinedTolerance, true, 0},
    // Gradients of a norm: of rows, in whole numbers, and across them, with what depends on those.
    {"norm_gradient", R"(
  x = f32[6,37,56] parameter(0)  y = f32[6,37,56] parameter(1)  g = f32[56] parameter(2)
  w = f32[6,37] parameter(3)
  z = f32[] constant(0)  two = f32[] constant(2)
  gb = f32[6,37,56] broadcast(g), dimensions={2}
  wb = f32[6,37,56] broadcast(w), dimensions={0,1}
  p = f32[6,37,56] multiply(y, gb)
  q = f32[6,37,56] subtract(x, wb)
  a = f32[6,37] reduce(p, z), dimensions={2}, to_apply=add
  ab = f32[6,37,56] broadcast(a), dimensions={0,1}
  u = f32[6,37,56] subtract(p, ab)
  b = f32[6,37] reduce(u, z), dimensions={2}, to_apply=add
  bb = f32[6,37,56] broadcast(b), dimensions={0,1}
  dx = f32[6,37,56] add(u, bb)
  v = f32[6,37,56] multiply(q, y)
  dg = f32[56] reduce(v, z), dimensions={0,1}, to_apply=add
  c = f32[56] reduce(y, z), dimensions={0,1}, to_apply=add
  n = f32[56] broadcast(two), dimensions={}
  o = f32[56] multiply(c, n)
  db = f32[56] subtract(g, o)
  ROOT r = (f32[6,37,56], f32[56], f32[56], f32[6,37]) tuple(dx, dg, db, a))"},
    // The same of long rows that begin anywhere.
    {"odd_norm_gradient", R"(
  x = bf16[131,259] parameter(0)  y = f32[131,259] parameter(1)  g = f32[259] parameter(2)
  z = f32[] constant(0)  two = f32[] constant(2)
  gb = f32[131,259] broadcast(g), dimensions={1}
  p = f32[131,259] multiply(y, gb)
  q = f32[131,259] convert(x)
  a = f32[131] reduce(p, z), dimensions={1}, to_apply=add
  ab = f32[131,259] broadcast(a), dimensions={0}
  u = f32[131,259] subtract(q, ab)
  v = f32[131,259] multiply(q, y)
  dg = f32[259] reduce(v, z), dimensions={0}, to_apply=add
  c = f32[259] reduce(y, z), dimensions={0}, to_apply=add
  n = f32[259] broadcast(two), dimensions={}
  o = f32[259] multiply(c, n)
  db = f32[259] subtract(g, o)
  all = f32[] reduce(y, z), dimensions={0,1}, to_apply=add
  ROOT r = (f32[131,259], f32[259], f32[259], f32[131], f32[]) tuple(u, dg, db, a, all))",
     0, false, 0, "sim:sm_90a"},
    // One read for sums and maxima over rows, columns and both.
    {"both_ways", R"(
  x = f32[70,83] parameter(0)  k = u8[70,83] parameter(1)
  z = f32[] constant(0)  m = f32[] constant(-inf)
  f = f32[70,83] convert(k)
  v = f32[70,83] multiply(x, f)
  a = f32[70] reduce(v, z), dimensions={1}, to_apply=add
  b = f32[83] reduce(v, z), dimensions={0}, to_apply=add
  c = f32[] reduce(f, z), dimensions={0,1}, to_apply=add
  e = f32[83] reduce(x, m), dimensions={0}, to_apply=max
  ROOT r = (f32[70], f32[83], f32[], f32[83]) tuple(a, b, c, e))"},
    // Reductions across that leave a part of the rows' dimensions.
    {"groups", R"(
  x = f32[9,20,5,12] parameter(0)  z = f32[] constant(0)
  a = f32[9,5] reduce(x, z), dimensions={1,3}, to_apply=add
  ab = f32[9,20,5,12] broadcast(a), dimensions={0,2}
  d = f32[9,20,5,12] subtract(x, ab)
  b = f32[5,12] reduce(d, z), dimensions={0,1}, to_apply=add
  c = f32[5] reduce(x, z), dimensions={0,1,3}, to_apply=add
  ROOT r = (f32[9,20,5,12], f32[5,12], f32[5]) tuple(d, b, c))"},
};

}  // namespace ingot::test

#endif  // INGOT_TESTS_COMPILER_TILE_CASES_H_
