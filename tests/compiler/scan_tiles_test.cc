// Associative scans by tiles on simulated GPUs: any threads and items, so that tiles, groups of
// them and groups of those are passed.
#include "compiler/plan/scan_tiles.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "compiler/plan/plan_table.h"
#include "compiler/program/fusion_table.h"
#include "tests/compiler/plans.h"

namespace ingot::test {
namespace {

// A body "step" and an entry; sums of small whole numbers are the same in any order.
constexpr struct {
  const char* step;
  Case module;
} kScans[] = {
    {"v = f32[3] parameter(0)\n  c = f32[3] parameter(1)\n  s = f32[3] add(c, v)\n"
     "  ROOT t = (f32[3], f32[3]) tuple(s, s)",
     {"rows",
      "\n  x = f32[3,1500] parameter(0)\n  i = f32[3] parameter(1)\n  y = f32[3,1500] add(x, x)\n"
      "  ROOT r = (f32[3,1500], f32[3]) scan(y, i), dimensions={1}, num_carries=1, "
      "is_associative=true, to_apply=step"}},
    {"v = s32[1] parameter(0)\n  c = s32[1] parameter(1)\n  s = s32[1] add(c, v)\n"
     "  ROOT t = (s32[1], s32[1]) tuple(s, s)",
     {"long_row",
      "\n  x = s32[1,40003] parameter(0)\n  i = s32[1] parameter(1)\n"
      "  ROOT r = (s32[1,40003], s32[1]) scan(x, i), dimensions={1}, num_carries=1, "
      "is_associative=true, to_apply=step"}},
    {"v = bf16[2,3] parameter(0)\n  c = bf16[2,3] parameter(1)\n  s = bf16[2,3] maximum(c, v)\n"
     "  ROOT t = (bf16[2,3], bf16[2,3]) tuple(s, s)",
     {"reverse_rows",
      "\n  x = bf16[2,3,264] parameter(0)\n  i = bf16[2,3] parameter(1)\n"
      "  ROOT r = (bf16[2,3,264], bf16[2,3]) scan(x, i), dimensions={2}, num_carries=1, "
      "is_reverse=true, is_associative=true, to_apply=step"}},
    {"v = f32[36] parameter(0)\n  c = f32[36] parameter(1)\n  s = f32[36] add(c, v)\n"
     "  ROOT t = (f32[36], f32[36]) tuple(s, s)",
     {"columns",
      "\n  x = f32[1100,36] parameter(0)\n  i = f32[36] parameter(1)\n"
      "  ROOT r = (f32[1100,36], f32[36]) scan(x, i), dimensions={0}, num_carries=1, "
      "is_associative=true, to_apply=step"}},
    {"v = s32[2,7] parameter(0)\n  c = s32[2,7] parameter(1)\n  s = s32[2,7] add(c, v)\n"
     "  ROOT t = (s32[2,7], s32[2,7]) tuple(s, s)",
     {"reverse_columns",
      "\n  x = s32[2,101,7] parameter(0)\n  i = s32[2,7] parameter(1)\n"
      "  ROOT r = (s32[2,101,7], s32[2,7]) scan(x, i), dimensions={1}, num_carries=1, "
      "is_reverse=true, is_associative=true, to_apply=step"}},
    // An affine map after another: neither commutative nor of one value.
    {"b = s32[3] parameter(0)\n  a = s32[3] parameter(1)\n  d = s32[3] parameter(2)\n"
     "  c = s32[3] parameter(3)\n  m = s32[3] multiply(a, c)\n  n = s32[3] multiply(a, d)\n"
     "  o = s32[3] add(n, b)\n"
     "  ROOT t = (s32[3], s32[3], s32[3], s32[3]) tuple(o, m, o, m)",
     {"affine_rows",
      "\n  x = s32[3,700] parameter(0)\n  y = s32[3,700] parameter(1)\n  z = s32[] constant(0)\n"
      "  o = s32[] constant(1)\n  i = s32[3] broadcast(z), dimensions={}\n"
      "  j = s32[3] broadcast(o), dimensions={}\n"
      "  ROOT r = (s32[3,700], s32[3,700], s32[3], s32[3]) scan(x, y, i, j), dimensions={1}, "
      "num_carries=2, is_associative=true, to_apply=step"}},
    {"b = s32[5] parameter(0)\n  a = s32[5] parameter(1)\n  d = s32[5] parameter(2)\n"
     "  c = s32[5] parameter(3)\n  m = s32[5] multiply(a, c)\n  n = s32[5] multiply(a, d)\n"
     "  o = s32[5] add(n, b)\n"
     "  ROOT t = (s32[5], s32[5], s32[5], s32[5]) tuple(o, m, o, m)",
     {"affine_columns",
      "\n  x = s32[211,5] parameter(0)\n  y = s32[211,5] parameter(1)\n  z = s32[] constant(0)\n"
      "  o = s32[] constant(1)\n  i = s32[5] broadcast(z), dimensions={}\n"
      "  j = s32[5] broadcast(o), dimensions={}\n"
      "  ROOT r = (s32[211,5], s32[211,5], s32[5], s32[5]) scan(x, y, i, j), dimensions={0}, "
      "num_carries=2, is_associative=true, to_apply=step"}},
};

TEST(ScanTiles, AnyPlanIsRight) {
  std::mt19937_64 random(11);
  const Target& target = TargetOf("sim:sm_90a-tiny");
  for (const auto& scan : kScans) {
    const Case& c = scan.module;
    const std::unique_ptr<Module> module = Read(
        absl::StrCat("HloModule m\nstep {\n  ", scan.step, "\n}\nENTRY e {", c.entry, "\n}\n"));
    ASSERT_NE(module, nullptr) << c.name;
    const std::unique_ptr<Module> fused = Fused(*module, target);
    const program::FusionTable fusions(*fused);
    int fitting = 0;
    int64_t most_tiles = 0;
    for (const auto& entry : fusions.entries()) {
      const Computation& fusion = *entry.fusion;
      if (fusion.root()->opcode() != Opcode::kScan) continue;
      const plan::ScannedRows rows = plan::ScannedRowsOf(*fusion.root());
      for (int i = 0; i < 100 && fitting < 8; ++i) {
        plan::ScanTilesPlan tiles;
        tiles.lanes = 1 << random() % 3;
        tiles.across = rows.along_memory ? 32 : 1 << random() % 6;
        // The first plan has the least tile.
        tiles.groups = fitting == 0 ? 32 / tiles.across : 1 << random() % 4;
        tiles.items = fitting == 0 ? 1 : static_cast<int>(1 + random() % 3);
        if (fitting == 0) tiles.lanes = 1;
        const auto drawn = plan::MakeScanTiles(tiles, fusion, target);
        if (!drawn.ok()) continue;
        ++fitting;
        most_tiles = std::max(most_tiles, plan::DivisionOf(tiles, rows).tiles);
        ExpectRight(*module, target, plan::EntryText(*drawn, fusion, target, c.name), c);
        if (HasFailure()) return;
      }
    }
    EXPECT_EQ(fitting, 8) << c.name;
    EXPECT_GT(most_tiles, 3) << c.name;
  }
}

TEST(ScanTiles, GroupsOfGroups) {
  plan::ScanTilesPlan plan;
  plan.groups = 1;
  plan.items = 1;
  const plan::ScanDivision division = plan::DivisionOf(plan, {1, 40003, 1, true});
  EXPECT_EQ(division.tiles, 1251);
  EXPECT_EQ(division.groups, 40);
  EXPECT_EQ(division.supers, 2);
}

}  // namespace
}  // namespace ingot::test
