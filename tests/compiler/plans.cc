#include "tests/compiler/plans.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "compiler/compile.h"
#include "compiler/executable.h"
#include "compiler/kernel/simulator/device/device.h"
#include "compiler/plan/analysis.h"
#include "compiler/plan/plan_table.h"
#include "compiler/plan/tile.h"
#include "compiler/plan/tile_packed.h"
#include "compiler/plan/tile_parts.h"
#include "compiler/plan/tile_turned.h"
#include "ir/base/integers.h"
#include "ir/base/status.h"
#include "ir/evaluator/evaluator.h"
#include "ir/text/parser.h"
#include "ir/verifier/verifier.h"
#include "passes/pass_manager.h"
#include "runtime/host/host_device.h"

namespace ingot::test {

using plan::FusionPlan;
using plan::KernelPlan;
using plan::TileClass;
using plan::TilePlan;

std::unique_ptr<Module> Read(const std::string& text) {
  auto module = ParseModule(text, "m.hlo");
  EXPECT_TRUE(module.ok()) << module.status();
  if (!module.ok()) return nullptr;
  EXPECT_TRUE(Verify(**module).ok()) << Verify(**module);
  return *std::move(module);
}

const Target& TargetOf(absl::string_view name) { return **FindTarget(name); }

std::unique_ptr<Module> Fused(const Module& module, const Target& target) {
  std::unique_ptr<Module> fused = module.Clone();
  EXPECT_TRUE(RunPipeline(*fused, MakePassContext(target, FusionMode::kCost)).ok());
  return fused;
}

absl::StatusOr<std::unique_ptr<runtime::Device>> DeviceOf(const Target& target) {
  return target.platform == Platform::kHost
             ? runtime::CreateHostDevice()
             : kernel::simulator::CreateSimulatedDevice({.schedules = 2});
}

namespace {

// Small whole numbers, so that every order of additions gives the same bits.
Literal ValueOf(const Shape& shape, uint64_t seed) {
  std::mt19937_64 random(seed);
  Literal literal = Literal::Zeros(shape).value();
  for (int64_t i = 0; i < literal.size(); ++i) {
    literal.SetInteger(i, static_cast<int64_t>(random() % 11) - 4);
  }
  return literal;
}

// Of every eighth element along the first and the last dimension a kind: plain numbers, all or some
// of -inf or inf, a NaN, numbers beyond whose sum or difference is infinity.
void AddSpecials(Literal& literal) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const Shape& shape = literal.shape();
  if (shape.rank() < 2 || !IsFloat(shape.element_type())) return;
  const int64_t columns = shape.dimensions().back();
  const int64_t rows = literal.size() / columns;
  for (int64_t i = 0; i < literal.size(); ++i) {
    // The longer dimension is the one that is reduced.
    const int64_t row = columns > rows ? i / columns : i % columns;
    const int64_t place = columns > rows ? i % columns : i / columns;
    if (row % 8 == 1) literal.SetDouble(i, -kInfinity);
    if (row % 8 == 2 && place % 3 != 1) literal.SetDouble(i, -kInfinity);
    if (row % 8 == 3 && place == 77) literal.SetDouble(i, kInfinity);
    if (row % 8 == 4 && place == 100) literal.SetDouble(i, std::nan(""));
    if (row % 8 == 5) literal.SetDouble(i, kInfinity);
    if (row % 8 == 6 && place % 2 == 0) literal.SetDouble(i, place % 4 == 0 ? 3e38 : -3e38);
    if (row % 8 == 7 && place > 20) literal.SetDouble(i, -kInfinity);
  }
}

// Whether two arrays are the same, floats within the tolerance.
bool AreNear(const Literal& actual, const Literal& expected, double tolerance) {
  if (tolerance == 0 || !IsFloat(expected.shape().element_type())) return actual == expected;
  for (int64_t i = 0; i < expected.size(); ++i) {
    const double a = actual.AsDouble(i), b = expected.AsDouble(i);
    if (a == b || (std::isnan(a) && std::isnan(b))) continue;
    if (!(std::abs(a - b) <= tolerance * std::max(1.0, std::abs(b)))) return false;
  }
  return true;
}

}  // namespace

std::string FaultOf(const Module& module, const Target& target, const std::string& table_text,
                    const std::string& from, const std::string& to) {
  const auto run = [&]() -> absl::Status {
    CompileOptions options;
    INGOT_ASSIGN_OR_RETURN(auto table, plan::PlanTable::Parse(table_text, "t"));
    options.plans = std::make_shared<const plan::PlanTable>(std::move(table));
    INGOT_ASSIGN_OR_RETURN(const auto compiled, Compile(module, target, options));
    auto program = std::make_shared<runtime::Program>(*compiled.program);
    const auto bytes = program->modules[0].bytes.span();
    std::string text(bytes.begin(), bytes.end());
    const size_t at = text.find(from);
    if (at == std::string::npos) {
      ADD_FAILURE() << "no " << from << " in\n" << text;
      return absl::OkStatus();
    }
    text.replace(at, from.size(), to);
    program->modules[0].bytes = runtime::SharedBytes::Own({text.begin(), text.end()});
    INGOT_ASSIGN_OR_RETURN(const auto device, DeviceOf(target));
    INGOT_ASSIGN_OR_RETURN(const auto executable, Executable::Load(program, device.get()));
    std::vector<Literal> inputs;
    for (const Instruction* parameter : module.entry()->parameters()) {
      inputs.push_back(*Literal::Zeros(parameter->shape()));
    }
    return executable->Run(inputs).status();
  };
  return std::string(run().message());
}

void ExpectRight(const Module& module, const Target& target, const std::string& table_text,
                 const Case& c, FusionMode fusion) {
  CompileOptions options;
  options.threads = 1;
  options.fusion = fusion;
  auto table = plan::PlanTable::Parse(table_text, "plans.txt");
  ASSERT_TRUE(table.ok()) << table.status() << "\n" << table_text;
  options.plans = std::make_shared<const plan::PlanTable>(*std::move(table));
  options.warning = [&](const std::string& warning) {
    ADD_FAILURE() << warning << "\n" << table_text;
  };
  const auto compilation = Compile(module, target, options);
  ASSERT_TRUE(compilation.ok()) << compilation.status() << "\n" << table_text;
  const auto device = DeviceOf(target);
  ASSERT_TRUE(device.ok()) << device.status();
  const auto executable = Executable::Load(compilation->program, device->get());
  ASSERT_TRUE(executable.ok()) << executable.status();
  std::vector<Literal> inputs;
  for (const Instruction* parameter : module.entry()->parameters()) {
    inputs.push_back(ValueOf(parameter->shape(), inputs.size() + 1));
    if (c.specials && inputs.size() == 1) AddSpecials(inputs[0]);
  }
  const auto expected = Evaluate(module, inputs);
  ASSERT_TRUE(expected.ok()) << expected.status();
  const auto results = (*executable)->Run(inputs);
  ASSERT_TRUE(results.ok()) << results.status() << "\n" << table_text;
  const std::vector<Literal> leaves = Leaves(*expected);
  ASSERT_EQ(results->size(), leaves.size());
  for (size_t i = 0; i < leaves.size(); ++i) {
    EXPECT_TRUE(AreNear((*results)[i], leaves[i], c.tolerance)) << "result " << i << "\n"
                                                                << table_text;
  }
}

FusionPlan PlanDrawer::Draw() {
  FusionPlan drawn = plan::MakePlan(fusion_, target_);
  const bool turns = !drawn.kernels[0].tile().turned.empty();
  if (turns && (levels_.last == 0 || Below(2) == 0)) return DrawTurned(std::move(drawn));
  const int inner = drawn.kernels[0].tile().order[0];
  const int rows = plan::PackedRows(info_, levels_, inner);
  if (rows >= 0 && drawn.kernels.size() == 1 && Below(2) == 0) {
    return DrawPacked(std::move(drawn), rows, inner);
  }
  if (levels_.across > 0) return DrawAcross(std::move(drawn));
  std::vector<plan::Join> joins;
  if (Below(2) == 0) joins = plan::FindJoins(info_);
  drawn.joined.clear();
  for (const plan::Join& join : joins) drawn.joined.push_back({join.rule, join.reduction});
  const int levels = plan::PassLevels(info_, joins).last;
  const bool splits = levels > 0 && Below(2) == 0;
  const KernelPlan last = drawn.kernels.back();
  const std::vector<int> order(drawn.kernels[0].tile().order.begin(),
                               drawn.kernels[0].tile().order.begin() + Classes());
  const int64_t parts = splits ? 1 + Below(6) : 1;
  // Levels whose parts a kernel of its own puts together.
  const int combined = splits ? Below(levels + 1) : 0;
  drawn.kernels.clear();
  drawn.scratch.clear();
  TilePlan walk;
  walk.order = order;
  if (splits) {
    drawn.scratch = plan::PartsScratch(info_, joins, walk, parts + (combined > 0 ? 1 : 0));
  }
  std::vector<TilePlan> tiles;
  for (int level = 1; splits && level <= levels; ++level) {
    TilePlan& tile = tiles.emplace_back();
    tile.known_level = level - 1;
    tile.combined_level = std::min(combined, level - 1);
    tile.partial_level = level;
    if (level > combined) continue;
    TilePlan& together = tiles.emplace_back();
    together.known_level = together.partial_level = level;
    together.combined_level = level - 1;
  }
  TilePlan& all = tiles.emplace_back();
  all.known_level = splits ? levels : 0;
  all.combined_level = combined;
  for (TilePlan& tile : tiles) {
    KernelPlan kernel = last;
    kernel.buffers.erase(std::remove_if(kernel.buffers.begin(), kernel.buffers.end(),
                                        [](const plan::BufferRole& role) {
                                          return role.kind == plan::BufferRole::Kind::kScratch;
                                        }),
                         kernel.buffers.end());
    for (size_t i = 0; i < drawn.scratch.size(); ++i) {
      kernel.buffers.push_back({plan::BufferRole::Kind::kScratch, static_cast<int>(i)});
    }
    const bool is_last = &tile == &tiles.back();
    tile.order = order;
    tile.classes.resize(Classes() + (splits ? 1 : 0));
    if (splits) tile.order.push_back(Classes());
    if (!is_last) kernel.bytes = kernel.flops = 0;
    std::shuffle(tile.order.begin() + 1, tile.order.end(), random_);
    const bool partial = !is_last && !tile.combines();
    Deal(tile, order[0], parts, partial, splits && !partial);
    PlaceInputs(tile);
    if (!splits && tile.ahead.empty() && Below(2) == 0) tile.gathered = Below(Classes());
    if (Below(4) == 0) kernel.index_type = ElementType::kS64;
    kernel.resident_blocks = Below(3);
    plan::SetTile(kernel, tile);
    drawn.kernels.push_back(std::move(kernel));
  }
  return drawn;
}

void PlanDrawer::PlaceInputs(TilePlan& tile) {
  for (int v = 0; v < info_.graph().input_count(); ++v) {
    switch (Below(8)) {
      case 0:
      case 1:
        tile.staged.push_back(v);
        break;
      case 2:
      case 3:
        if (IsShared(v)) tile.kept.push_back(v);
        break;
      case 4:
        tile.ahead.push_back(v);
    }
  }
  if (tile.ahead.empty()) return;
  tile.trips_ahead = 1 + Below(3);
  tile.rests = Below(2) == 0;
  const FusionGraph& graph = info_.graph();
  if (tile.rests && Below(2) == 0) {
    tile.held.push_back(graph.input_count() + Below(graph.value_count() - graph.input_count()));
  }
}

FusionPlan PlanDrawer::DrawAcross(FusionPlan drawn) {
  const int inner = drawn.kernels[0].tile().order[0];
  int64_t parts = 1;
  for (KernelPlan& kernel : drawn.kernels) {
    TilePlan tile = kernel.tile();
    const bool walks = tile.partial_level > 0;
    const int count = static_cast<int>(tile.classes.size());
    for (TileClass& c : tile.classes) c = {.size = c.size};
    const bool spreads = tile.spread >= 0 && Below(2) == 0;
    if (!spreads) tile.spread = -1;
    tile.aligned = spreads;
    if (!walks) tile.classes.back().size = parts;
    for (int bit = 0; bit < 5; ++bit) tile.classes[spreads ? inner : Below(count)].lanes *= 2;
    for (int bit = Below(4); bit > 0; --bit) tile.classes[Below(count)].warps *= 2;
    const int most = spreads ? plan::AlignedVector(info_, inner) : plan::MostVector(info_, inner);
    tile.classes[inner].vector = std::max(1, most >> Below(4));
    for (int c = 0; c < count; ++c) {
      TileClass& own = tile.classes[c];
      const auto left = [&] { return CeilDiv(own.size, own.block_extent() * own.blocks); };
      const bool reduced = levels_.IsReduced(tile, c);
      own.registers = static_cast<int>(walks && reduced ? left() : 1 + Below(2) * Below(4));
      if (c == tile.spread) {
        own.registers = 1;
        own.blocks = 8 * (1 + Below(4));
      }
      if (walks ? plan::Contains(levels_.shared, c) : reduced) {
        own.loop = walks ? std::min<int64_t>(left(), 1 + Below(9)) : left();
      }
      if (!reduced && c != tile.spread) own.blocks = left();
      if (c == tile.spread) own.loop = CeilDiv(own.size, own.warps * own.blocks);
      if (walks && plan::Contains(levels_.shared, c)) parts *= own.blocks;
    }
    tile.staged.clear();
    tile.kept.clear();
    tile.ahead.clear();
    tile.trips_ahead = 1;
    tile.rests = false;
    tile.held.clear();
    PlaceInputs(tile);
    std::shuffle(tile.order.begin() + 1, tile.order.end(), random_);
    if (Below(4) == 0) kernel.index_type = ElementType::kS64;
    kernel.resident_blocks = Below(3);
    plan::SetTile(kernel, std::move(tile));
  }
  drawn.scratch = plan::PartsScratch(info_, {}, drawn.kernels[0].tile(), parts);
  return drawn;
}

FusionPlan PlanDrawer::DrawPacked(FusionPlan drawn, int rows_class, int inner_class) {
  KernelPlan& kernel = drawn.kernels[0];
  TilePlan tile;
  tile.order = kernel.tile().order;
  tile.classes = kernel.tile().classes;
  tile.packed = rows_class;
  TileClass& rows = tile.classes[rows_class];
  TileClass& inner = tile.classes[inner_class];
  rows = {.size = rows.size};
  inner = {.size = inner.size,
           .vector = std::max(1, plan::MostVector(info_, inner_class) >> Below(3))};
  inner.lanes = 1 << Below(6);
  inner.warps = 1 << Below(2);
  rows.lanes = 32 / inner.lanes;
  rows.warps = 1 << Below(4);
  rows.registers = 1 + Below(8);
  inner.registers = static_cast<int>(CeilDiv(inner.size, inner.block_extent()));
  rows.blocks = CeilDiv(rows.size, rows.block_extent());
  tile.gathered = Below(2) == 0 ? rows_class : -1;
  PlaceInputs(tile);
  if (Below(4) == 0) kernel.index_type = ElementType::kS64;
  kernel.resident_blocks = Below(3);
  plan::SetTile(kernel, std::move(tile));
  return drawn;
}

FusionPlan PlanDrawer::DrawTurned(FusionPlan drawn) {
  KernelPlan& kernel = drawn.kernels[0];
  TilePlan tile = kernel.tile();
  if (tile.box_threads > 0) {
    tile.box_threads = 32 << Below(6);
    for (TileClass& c : tile.classes) {
      c.loop = 1 + Below(static_cast<int>(std::min<int64_t>(c.size, 40)));
      c.blocks = CeilDiv(c.size, c.loop);
    }
    std::shuffle(tile.order.begin() + 1, tile.order.end(), random_);
    if (Below(4) == 0) kernel.index_type = ElementType::kS64;
    kernel.resident_blocks = Below(3);
    plan::SetTile(kernel, std::move(tile));
    return drawn;
  }
  const plan::TurnedBox box = plan::BoxOf(info_, tile, tile.turned[0]);
  tile.shifted = levels_.last == 0 && Below(2) == 0;
  for (int c = 0; c < Classes(); ++c) {
    tile.classes[c] = {.size = tile.classes[c].size, .blocks = tile.classes[c].size};
  }
  TileClass& rows = tile.classes[box.row_class];
  TileClass& columns = tile.classes[box.column_class];
  for (int bit = 0; bit < 5; ++bit) (Below(2) == 0 ? rows : columns).lanes *= 2;
  for (int bit = Below(5); bit > 0; --bit) (Below(2) == 0 ? rows : columns).warps *= 2;
  rows.registers = 1 + Below(4);
  columns.registers = 1 + Below(4);
  if (!tile.shifted) {
    rows.vector = std::max(1, plan::MostVector(info_, box.row_class) >> Below(4));
    int64_t columns_of_box = 1;
    for (int v : tile.turned) {
      columns_of_box = std::max(columns_of_box, plan::kChunks * plan::BoxOf(info_, tile, v).chunk);
    }
    columns.registers = 1;
    while (Below(16) != 0 && columns.block_extent() % columns_of_box != 0) ++columns.registers;
  }
  const int64_t before = tile.shifted ? plan::ShiftOf(info_, box.row_class) - 1 : 0;
  rows.blocks = CeilDiv(rows.size + before, rows.block_extent());
  columns.blocks = CeilDiv(columns.size, columns.block_extent());
  std::shuffle(tile.order.begin() + 1, tile.order.end(), random_);
  int64_t parts = 1;
  for (int c = 0; c < Classes(); ++c) {
    if (levels_.ended[c]) parts *= tile.classes[c].blocks;
  }
  if (Below(4) == 0) kernel.index_type = ElementType::kS64;
  kernel.resident_blocks = Below(3);
  plan::SetTile(kernel, std::move(tile));
  if (drawn.kernels.size() > 1) SetParts(parts, drawn);
  return drawn;
}

void PlanDrawer::SetParts(int64_t parts, FusionPlan& drawn) {
  drawn.scratch = plan::PartsScratch(info_, {}, drawn.kernels[0].tile(), parts);
  for (KernelPlan& kernel : drawn.kernels) {
    TilePlan tile = kernel.tile();
    TileClass& own = tile.classes.back();
    own.size = parts;
    own.loop = CeilDiv(parts, int64_t{1} * own.lanes * own.warps * own.registers);
    plan::SetTile(kernel, std::move(tile));
  }
}

bool PlanDrawer::IsShared(int input) const {
  const absl::Span<const int> own = info_.space().ClassesOf(input);
  return std::all_of(own.begin(), own.end(), [&](int c) { return levels_.ended[c]; });
}

void PlanDrawer::Deal(TilePlan& tile, int inner, int64_t parts, bool partial, bool last) {
  const int count = static_cast<int>(tile.classes.size());
  for (int c = 0; c < Classes(); ++c) tile.classes[c].size = info_.space().classes()[c].size;
  if (count > Classes()) tile.classes.back().size = parts;
  for (int bit = 0; bit < 5; ++bit) tile.classes[Below(count)].lanes *= 2;
  for (int bit = Below(4); bit > 0; --bit) tile.classes[Below(count)].warps *= 2;
  tile.aligned = !tile.combines() && plan::AlignedVector(info_, inner) > 1 && Below(2) == 0;
  const int most =
      tile.aligned ? plan::AlignedVector(info_, inner) : plan::MostVector(info_, inner);
  tile.classes[inner].vector = std::max(1, most >> Below(4));
  bool shared = false;
  for (int c = 0; c < count; ++c) {
    TileClass& own = tile.classes[c];
    own.registers = 1 + (Below(2) == 0 ? Below(4) : 0);
    const auto left = [&] { return CeilDiv(own.size, own.block_extent() * own.blocks); };
    const bool reduced = c >= Classes() || info_.space().classes()[c].reduced;
    if (!reduced || (last && c < Classes())) {
      own.loop = std::min<int64_t>(left(), 1 + Below(2));
      own.blocks = left();
    } else if (partial && c < Classes() && !shared) {
      shared = true;
      own.blocks = parts;
      own.loop = left();
    } else {
      own.loop = left();
    }
  }
  if (Below(4) != 0) return;
  // Any number at all; the product's consequences are drawn right, its faults stay.
  TileClass& spoilt = tile.classes[Below(count)];
  constexpr int kNumbers[] = {1, 2, 3, 4, 5, 8, 16, 32, 64, 100, 0, -1};
  const int number = kNumbers[Below(12)];
  switch (Below(6)) {
    case 0:
      spoilt.vector = number;
      break;
    case 1:
      spoilt.lanes = number;
      break;
    case 2:
      spoilt.warps = number;
      break;
    case 3:
      spoilt.registers = number;
      break;
    case 4:
      spoilt.blocks = number;
      break;
    default:
      spoilt.loop = number;
  }
}

}  // namespace ingot::test
