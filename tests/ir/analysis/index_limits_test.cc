// Which inputs are indices, and of how many places.
#include "ir/analysis/index_limits.h"

#include <gtest/gtest.h>

#include "ir/text/parser.h"
#include "ir/verifier/verifier.h"

namespace ingot {
namespace {

std::vector<int64_t> LimitsOf(absl::string_view text) {
  auto module = ParseModule(text, "m");
  EXPECT_TRUE(module.ok()) << module.status();
  EXPECT_TRUE(Verify(**module).ok()) << Verify(**module);
  return IndexLimits(**module);
}

TEST(IndexLimitsTest, ByUse) {
  EXPECT_EQ(LimitsOf(R"(HloModule m

ENTRY e {
  table = f32[100,64] parameter(0)
  rows = s32[10,1] parameter(1)
  both = s32[7,2] parameter(2)
  at = s64[] parameter(3)
  zero = s64[] constant(0)
  update = f32[3,64] parameter(4)
  flags = pred[4] parameter(5)
  free = s32[9] parameter(6)
  g = f32[10,64] gather(table, rows), offset_dims={1}, collapsed_slice_dims={0}, start_index_map={0}, index_vector_dim=1, slice_sizes={1,64}
  h = f32[7,5] gather(table, both), offset_dims={1}, collapsed_slice_dims={0}, start_index_map={0,1}, index_vector_dim=1, slice_sizes={1,5}
  d = f32[20,64] dynamic-slice(table, at, zero), dynamic_slice_sizes={20,64}
  u = f32[100,64] dynamic-update-slice(table, update, at, zero)
  ROOT r = (f32[10,64], f32[7,5], f32[20,64], f32[100,64], pred[4], s32[9]) tuple(g, h, d, u, flags, free)
}
)"),
            (std::vector<int64_t>{0, 100, 60, 81, 0, 0, 0}));
}

// As JAX has it: negative indices are from the end, in a computation that is called.
TEST(IndexLimitsTest, BehindWhatMovesAndSelects) {
  EXPECT_EQ(LimitsOf(R"(HloModule m

add {
  a = f32[] parameter(0)
  b = f32[] parameter(1)
  ROOT s = f32[] add(a, b)
}

scattered {
  ids.1 = s32[32] parameter(0)
  g.1 = f32[32,16] parameter(1)
  zero = s32[] constant(0)
  zeros = s32[32] broadcast(zero), dimensions={}
  negative = pred[32] compare(ids.1, zeros), direction=LT
  n = s32[] constant(500)
  ns = s32[32] broadcast(n), dimensions={}
  shifted = s32[32] add(ids.1, ns)
  chosen = s32[32] select(negative, shifted, ids.1)
  indices = s32[32,1] reshape(chosen)
  f = f32[] constant(0)
  into = f32[500,16] broadcast(f), dimensions={}
  ROOT r = f32[500,16] scatter(into, indices, g.1), update_window_dims={1}, inserted_window_dims={0}, scatter_dims_to_operand_dims={0}, index_vector_dim=1, to_apply=add
}

ENTRY e {
  ids = u8[33] parameter(0)
  g = f32[32,16] parameter(1)
  some = u8[32] slice(ids), slice={[1:33]}
  wide = s32[32] convert(some)
  ROOT c = f32[500,16] call(wide, g), to_apply=scattered
}
)"),
            (std::vector<int64_t>{500, 0}));
}

// Labels as one-hot rows; two uses, of which the smaller counts; batches and windows of a scatter.
TEST(IndexLimitsTest, OneHotAndWindows) {
  EXPECT_EQ(LimitsOf(R"(HloModule m

replace {
  a = f32[] parameter(0)
  ROOT b = f32[] parameter(1)
}

ENTRY e {
  labels = s32[8] parameter(0)
  numbers = s32[8,40] iota(), iota_dimension=1
  wide = s32[8,40] broadcast(labels), dimensions={0}
  hot = pred[8,40] compare(wide, numbers), direction=EQ
  table = f32[30] parameter(1)
  places = s32[8,1] reshape(labels)
  g = f32[8] gather(table, places), offset_dims={}, collapsed_slice_dims={0}, start_index_map={0}, index_vector_dim=1, slice_sizes={1}
  into = f32[4,50,9] parameter(2)
  starts = s32[4,1] parameter(3)
  windows = f32[4,6,9] parameter(4)
  s = f32[4,50,9] scatter(into, starts, windows), update_window_dims={1,2}, inserted_window_dims={}, input_batching_dims={0}, scatter_indices_batching_dims={0}, scatter_dims_to_operand_dims={1}, index_vector_dim=1, to_apply=replace
  ROOT r = (pred[8,40], f32[8], f32[4,50,9]) tuple(hot, g, s)
}
)"),
            (std::vector<int64_t>{30, 0, 0, 45, 0}));
}

}  // namespace
}  // namespace ingot
