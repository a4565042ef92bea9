// Builder: what it writes, what it folds and shares, what it refuses; and what simplify removes.
#include "compiler/kernel/builder.h"

#include <gtest/gtest.h>

#include "compiler/kernel/dead_code.h"
#include "compiler/kernel/text.h"
#include "compiler/kernel/verifier.h"

namespace ingot::kernel {
namespace {

// Exactly what the text of docs/kernel_ir.md says.
TEST(Builder, WritesTheRowSum) {
  Kernel k("row_sum");
  Buffer* x = k.AddBuffer("x", ElementType::kF32, {65536, 4096});
  x->readonly = true;
  Buffer* y = k.AddBuffer("y", ElementType::kF32, {65536});
  k.launch().grid = {65536, 1, 1};
  k.launch().block = {256, 1, 1};
  Buffer* s = k.AddShared("s", ElementType::kF32, {8});
  Builder b(&k);
  Var* acc = b.DeclareVar("acc", b.Float(kF32, 0));
  b.For(
      b.Index(0), b.Index(4), b.Index(1),
      [&](Value i) {
        Named(i, "i");
        Value index = b.Add(b.Add(b.Mul(b.BlockId(), b.Index(4096)), b.Mul(i, b.Index(1024))),
                            b.Mul(b.ThreadId(), b.Index(4)));
        b.set_comment("reduce.7, operand 0");
        Value v = Named(b.Load(x, index, 4, {.alignment = 16, .cache = Cache::kStream}), "v");
        b.Write(acc, b.Add(b.Read(acc), b.SumTree(v)));
      },
      4);
  b.ForList({16, 8, 4, 2, 1}, [&](Value d) {
    Named(d, "d");
    Value mine = b.Read(acc);
    Value other = b.Call(Intrinsic::kShuffleXor, {b.Read(acc), d});
    b.Write(acc, b.Add(mine, other));
  });
  b.If(b.Eq(b.LaneId(), b.Index(0)), [&] { b.Store(s, b.WarpId(), b.Read(acc)); });
  b.Barrier();
  b.If(b.Eq(b.ThreadId(), b.Index(0)),
       [&] { b.Store(y, b.BlockId(), b.SumTree(b.Load(s, b.Index(0), 8, {.alignment = 16}))); });
  EXPECT_EQ(VerifyKernel(k, nullptr), absl::OkStatus());
  EXPECT_EQ(k.ToString(),
            R"(kernel @row_sum(%x: buffer<f32, 65536x4096, readonly>, %y: buffer<f32, 65536>)
    grid 65536 block 256 shared %s: f32[8] {
  var %acc: f32 = 0
  for %i = 0 to 4 unroll 4 {
    %v = load %x[block*4096 + %i*1024 + thread*4] : f32x4 stream     // reduce.7, operand 0
    %acc = add(%acc, sum_tree(%v))
  }
  for %d = 16, 8, 4, 2, 1 { %acc = add(%acc, shuffle_xor(%acc, %d)) }
  if lane == 0 { store %s[warp] = %acc }
  barrier
  if thread == 0 { store %y[block] = sum_tree(load %s[0] : f32x8) }
}
)");
}

TEST(Builder, Folds) {
  Kernel k("k");
  Operation* n = k.AddScalar("n", kS32);
  Operation* p = k.AddScalar("p", kPred);
  Operation* f = k.AddScalar("f", kF32);
  Builder b(&k);
  const Value zero = b.Index(0), one = b.Index(1);
  // x + 0, x * 1, x / 1, x << 0, …: x
  for (Value same :
       {b.Add(n, zero), b.Add(zero, n), b.Sub(n, zero), b.Mul(n, one), b.Mul(one, n), b.Div(n, one),
        b.Or(n, zero), b.Xor(n, zero), b.Shl(n, zero), b.And(n, b.Index(-1)), b.Bitcast(n, kS32),
        b.Convert(n, ElementType::kS32), b.Select(b.True(), n, zero), b.Select(p, n, n),
        b.Broadcast(n, 1), b.Extract(n, 0), b.Extract(b.Broadcast(n, 4), 3), b.SumTree(n),
        b.Extract(b.Build({zero, n}), 1)}) {
    EXPECT_EQ(same, n);
  }
  // x * 0, x & 0, x rem 1: 0
  for (Value nothing :
       {b.Mul(n, zero), b.And(n, zero), b.Rem(n, one), b.Select(b.False(), n, zero)}) {
    EXPECT_EQ(nothing, zero);
  }
  EXPECT_EQ(b.Or(p, b.True()), b.True());
  EXPECT_EQ(b.And(p, b.True()), p);
  // Floats keep their operations: x + 0 is not x for -0, x * 0 is not 0 for NaN.
  const Value float_zero = b.Float(kF32, 0), float_one = b.Float(kF32, 1);
  EXPECT_NE(b.Add(f, float_zero), f);
  EXPECT_NE(b.Mul(f, float_zero), float_zero);
  EXPECT_NE(b.Mul(f, float_one), f);
  // Constants
  EXPECT_EQ(b.Add(b.Mul(b.Index(3), b.Index(4)), b.Index(5)), b.Index(17));
  EXPECT_EQ(b.Add(b.Float(kF32, 1.5), b.Float(kF32, 2)), b.Float(kF32, 3.5));
  EXPECT_EQ(b.Lt(b.Index(3), b.Index(4)), b.True());
  EXPECT_EQ(b.SumTree(b.Integer(kS32.WithLanes(8), 3)), b.Index(24));
  EXPECT_EQ(b.Extract(b.Iota(kS32.WithLanes(4)), 2), b.Index(2));
  EXPECT_EQ(b.Bitcast(b.Float(kF32, 1), kU32), b.Integer(kU32, 0x3f800000));
  // (x + 3) + 4 = x + 7, (x * 3) * 4 = x * 12
  EXPECT_EQ(b.Add(b.Add(n, b.Index(3)), b.Index(4)), b.Add(n, b.Index(7)));
  EXPECT_EQ(b.Mul(b.Mul(n, b.Index(3)), b.Index(4)), b.Mul(n, b.Index(12)));
}

TEST(Builder, ComparesACountWithOneSubtraction) {
  auto kernel = std::make_unique<Kernel>("k");
  Builder b(kernel.get());
  const Value x = b.ThreadId();
  const Value y = b.LaneId();
  const auto count = [&](int64_t scaled, int64_t more) {
    const Value from = b.Add(b.Mul(b.Add(y, b.Index(scaled)), b.Index(8)), b.Index(more));
    return b.Add(b.Broadcast(from, 4), b.Iota(kS32.WithLanes(4)));
  };
  // x == 8 (y + 3) + 1 + iota → x - 8 y == 25 + iota, on either side.
  const Value difference = b.Broadcast(b.Sub(x, b.Mul(y, b.Index(8))), 4);
  const Value sum = b.Add(b.Iota(kS32.WithLanes(4)), b.Integer(kS32.WithLanes(4), 25));
  EXPECT_EQ(b.Eq(b.Broadcast(x, 4), count(3, 1)), b.Eq(difference, sum));
  EXPECT_EQ(b.Ne(count(3, 1), b.Broadcast(x, 4)), b.Ne(difference, sum));
  EXPECT_EQ(b.Eq(b.Broadcast(x, 4), count(-2, 16)), b.Eq(difference, b.Iota(kS32.WithLanes(4))));
  // Not where order counts: a difference may wrap.
  EXPECT_EQ(b.Lt(b.Broadcast(x, 4), count(3, 1))->operands[0], b.Broadcast(x, 4));
}

TEST(Builder, SharesWhatIsVisible) {
  Kernel k("k");
  Operation* n = k.AddScalar("n", kS32);
  Operation* m = k.AddScalar("m", kS32);
  Builder b(&k);
  const Value sum = b.Add(n, m);
  EXPECT_EQ(b.Add(n, m), sum);
  EXPECT_EQ(b.Add(m, n), sum);
  EXPECT_NE(b.Sub(n, m), b.Sub(m, n));
  Value inside = nullptr;
  b.If(b.Lt(n, m), [&] {
    EXPECT_EQ(b.Add(n, m), sum);
    inside = b.Mul(n, m);
  });
  // What was made in a block is not visible after it.
  EXPECT_NE(b.Mul(n, m), inside);
  Buffer* x = k.AddBuffer("x", ElementType::kF32, {4});
  EXPECT_NE(b.Load(x, n), b.Load(x, n));
  EXPECT_EQ(VerifyKernel(k, nullptr), absl::OkStatus());
}

TEST(Builder, ApproximationsAreSharedAndFolded) {
  Kernel k("k");
  Buffer* x = k.AddBuffer("x", ElementType::kF32, {32});
  Builder b(&k);
  const Value v = b.Load(x, b.ThreadId());
  const Value root = b.Call(Intrinsic::kRsqrtApprox, {v});
  EXPECT_EQ(b.Call(Intrinsic::kRsqrtApprox, {v}), root);
  EXPECT_NE(b.Call(Intrinsic::kRcpApproxFtz, {v}), root);
  EXPECT_EQ(b.Call(Intrinsic::kRsqrtApprox, {b.Float(kF32, 4)}), b.Float(kF32, 0.5));
  const Value vote = b.Call(Intrinsic::kBallot, {b.Lt(v, b.Float(kF32, 0))});
  EXPECT_NE(b.Call(Intrinsic::kBallot, {b.Lt(v, b.Float(kF32, 0))}), vote);
}

TEST(BuilderDeathTest, RefusesWhatDoesNotFit) {
  Kernel k("k");
  Operation* n = k.AddScalar("n", kS32);
  Operation* f = k.AddScalar("f", kF32);
  Buffer* x = k.AddBuffer("x", ElementType::kF32, {4});
  Builder b(&k);
  EXPECT_DEATH(b.Add(n, f), "add: operands have types s32 and f32, expected one type");
  EXPECT_DEATH(b.Sqrt(n), "sqrt: s32 is not allowed here");
  EXPECT_DEATH(b.Store(x, n, n), "store: %x: value has type s32, expected f32");
  EXPECT_DEATH(b.Select(n, f, f), "select: mask has type s32, expected pred");
  EXPECT_DEATH(b.Call(Intrinsic::kBarrierSync), "barrier_sync: too few operands");
  EXPECT_DEATH(b.Append(Opcode::kAdd, kS32, {n, nullptr}), "add has no operand");
}

std::string WithoutDeadCode(const char* text) {
  absl::StatusOr<std::unique_ptr<Kernel>> kernel = ParseKernel(text, "k");
  if (!kernel.ok()) return std::string(kernel.status().message());
  RemoveDeadCode(**kernel);
  EXPECT_FALSE(RemoveDeadCode(**kernel));
  EXPECT_EQ(VerifyKernel(**kernel, nullptr), absl::OkStatus());
  return (*kernel)->ToString();
}

TEST(DeadCode, RemovesWhatHasNoEffect) {
  EXPECT_EQ(WithoutDeadCode(R"(kernel @k(%x: buffer<f32, 64>)
    grid 1 block 32 {
  %unused = load %x[thread] : f32
  var %dead: f32 = 0
  %dead = add(%dead, 1)
  var %live: f32 = 0
  var %behind: f32 = 1
  for %i = 0 to 2 {
    %live = add(%live, %behind)
    %behind = load %x[%i] : f32
  }
  for %j = 0 to 8 { %k = %j + 1 }
  if thread == 0 { %dead = 2 } else { %z = %live }
  if thread < 4 { store %x[17] = %live }
  while { yield true } do {}
  barrier
}
)"),
            R"(kernel @k(%x: buffer<f32, 64>)
    grid 1 block 32 {
  var %live: f32 = 0
  var %behind: f32 = 1
  for %i = 0 to 2 {
    %live = add(%live, %behind)
    %behind = load %x[%i] : f32
  }
  if thread < 4 { store %x[17] = %live }
  while { yield true } do {}
  barrier
}
)");
}

TEST(Kernel, SharedAllocationsAreAlignedAndOverlap) {
  Kernel k("k");
  Buffer* a = k.AddShared("a", ElementType::kF32, {3});
  k.AddShared("b", ElementType::kU8, {5})->alignment = 128;
  Buffer* c = k.AddShared("c", ElementType::kF64, {100});
  c->overlaps = a;
  k.AddShared("d", ElementType::kS32, {1});
  const SharedPlacement placement = PlaceShared(k);
  EXPECT_EQ(placement.offsets, (std::vector<int64_t>{0, 128, 0, 800}));
  EXPECT_EQ(placement.bytes, 804);
  EXPECT_EQ(placement.alignment, 128);
}

TEST(Kernel, StaticIterations) {
  Kernel k("k");
  Builder b(&k);
  const auto iterations = [&](int64_t begin, int64_t end, int64_t step, int64_t unroll) {
    b.For(
        b.Index(begin), b.Index(end), b.Index(step), [](Value) {}, unroll);
    return StaticIterations(*k.body()->operations.back());
  };
  EXPECT_EQ(iterations(0, 5, 2, 3), (std::vector<int64_t>{0, 2, 4}));
  EXPECT_EQ(iterations(0, 5, 2, 2), std::nullopt);
  EXPECT_EQ(iterations(4, 0, -2, 8), (std::vector<int64_t>{4, 2}));
  EXPECT_EQ(iterations(3, 3, 1, 1), std::vector<int64_t>{});
}

// What has control flow is made once where it is visible.
TEST(Builder, OnceWhereItIsVisible) {
  Kernel k("once");
  Builder b(&k);
  const Value x = b.Load(k.AddBuffer("x", ElementType::kF32, {1}), b.Index(0));
  int made = 0;
  const auto absolute = [&](Value of) {
    return b.Once("absolute", of, [&]() -> std::vector<Value> {
      ++made;
      Var* result = b.DeclareVar("result", of);
      b.If(b.Lt(of, b.Float(kF32, 0)), [&] { b.Write(result, b.Neg(of)); });
      return {b.Read(result)};
    })[0];
  };
  b.If(b.Gt(x, b.Float(kF32, 1)), [&] { absolute(x); });
  const Value outside = absolute(x);  // what is inside the branch is not seen here
  EXPECT_EQ(made, 2);
  EXPECT_EQ(absolute(x), outside);
  b.If(b.Gt(x, b.Float(kF32, 2)), [&] { EXPECT_EQ(absolute(x), outside); });
  EXPECT_EQ(made, 2);
  EXPECT_NE(absolute(b.Neg(x)), outside);
  EXPECT_EQ(made, 3);
}

// A step of a polynomial with chosen coefficients chooses behind it.
TEST(Builder, ChoosesBehindMultiplyAdds) {
  Kernel k("choice");
  Builder b(&k);
  const Value x = b.Load(k.AddBuffer("x", ElementType::kF32, {1}), b.Index(0));
  const Value mask = b.Lt(x, b.Float(kF32, 5));
  const auto number = [&](double value) { return b.Float(kF32, value); };
  const auto chosen = [&](double low, double high) {
    return b.Select(mask, number(low), number(high));
  };
  EXPECT_EQ(b.Fma(chosen(2, 3), x, chosen(4, 5)),
            b.Select(mask, b.Fma(number(2), x, number(4)), b.Fma(number(3), x, number(5))));
  const Value other = b.Select(b.Gt(x, number(1)), number(4), number(5));
  const Value step = b.Fma(chosen(2, 3), x, other);
  EXPECT_EQ(step->opcode, Opcode::kFma);
}

// What is known of a value's range spares a bound.
TEST(Builder, BoundsThatHold) {
  Kernel k("bounds");
  Builder b(&k);
  const Value x = b.Load(k.AddBuffer("x", ElementType::kU8, {1}), b.Index(0));
  const Value y = b.Convert(x, ElementType::kF32);
  EXPECT_EQ(b.Min(y, b.Float(kF32, 255)), y);
  EXPECT_EQ(b.Max(y, b.Float(kF32, -1)), y);
  EXPECT_NE(b.Max(y, b.Float(kF32, 0)), y);  // zeros have signs
  EXPECT_NE(b.Min(y, b.Float(kF32, 254)), y);
}

}  // namespace
}  // namespace ingot::kernel
