#include "tests/compiler/plans.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "compiler/compile.h"
#include "compiler/executable.h"
#include "compiler/kernel/simulator/device/device.h"
#include "compiler/plan/plan_table.h"
#include "compiler/plan/tile.h"
#include "ir/evaluator/evaluator.h"
#include "ir/text/parser.h"
#include "ir/verifier/verifier.h"
#include "passes/pass_manager.h"
#include "runtime/host/host_device.h"

namespace ingot::test {

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

}  // namespace

void ExpectRight(const Module& module, const Target& target, const std::string& table_text,
                 FusionMode fusion) {
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
  const auto device = target.platform == Platform::kHost
                          ? runtime::CreateHostDevice()
                          : kernel::simulator::CreateSimulatedDevice({.schedules = 2});
  ASSERT_TRUE(device.ok()) << device.status();
  const auto executable = Executable::Load(compilation->program, device->get());
  ASSERT_TRUE(executable.ok()) << executable.status();
  std::vector<Literal> inputs;
  for (const Instruction* parameter : module.entry()->parameters()) {
    inputs.push_back(ValueOf(parameter->shape(), inputs.size() + 1));
  }
  const auto expected = Evaluate(module, inputs);
  ASSERT_TRUE(expected.ok()) << expected.status();
  const auto results = (*executable)->Run(inputs);
  ASSERT_TRUE(results.ok()) << results.status() << "\n" << table_text;
  const std::vector<Literal> leaves = Leaves(*expected);
  ASSERT_EQ(results->size(), leaves.size());
  for (size_t i = 0; i < leaves.size(); ++i) {
    EXPECT_TRUE((*results)[i] == leaves[i]) << "result " << i << "\n" << table_text;
  }
}

plan::FusionPlan PlanDrawer::Draw() {
  plan::FusionPlan drawn = plan::MakePlan(fusion_, target_);
  const bool splits = levels_ > 0 && Below(2) == 0;
  const plan::KernelPlan last = drawn.kernels.back();
  const std::vector<int> order(drawn.kernels[0].tile().order.begin(),
                               drawn.kernels[0].tile().order.begin() + Classes());
  const int64_t parts = splits ? 1 + Below(6) : 1;
  drawn.kernels.clear();
  drawn.scratch.clear();
  if (splits) drawn.scratch = plan::PartsScratch(info_, parts);
  for (int k = 0; k <= (splits ? levels_ : 0); ++k) {
    plan::KernelPlan kernel = last;
    kernel.buffers.erase(std::remove_if(kernel.buffers.begin(), kernel.buffers.end(),
                                        [](const plan::BufferRole& role) {
                                          return role.kind == plan::BufferRole::Kind::kScratch;
                                        }),
                         kernel.buffers.end());
    for (size_t i = 0; i < drawn.scratch.size(); ++i) {
      kernel.buffers.push_back({plan::BufferRole::Kind::kScratch, static_cast<int>(i)});
    }
    plan::TilePlan tile;
    tile.order = order;
    tile.classes.resize(Classes() + (splits ? 1 : 0));
    if (splits) {
      tile.order.push_back(Classes());
      tile.known_level = k;
      tile.partial_level = k < levels_ ? k + 1 : 0;
      if (k < levels_) kernel.bytes = kernel.flops = 0;
    }
    std::shuffle(tile.order.begin() + 1, tile.order.end(), random_);
    Deal(tile, order[0], parts, splits && k < levels_, splits && k == levels_);
    for (int v = 0; v < info_.graph().input_count(); ++v) {
      if (Below(4) == 0) tile.staged.push_back(v);
    }
    if (Below(4) == 0) kernel.index_type = ElementType::kS64;
    kernel.resident_blocks = Below(3);
    kernel.block_threads = 1;
    kernel.blocks = 1;
    for (const plan::TileClass& c : tile.classes) {
      kernel.block_threads *= c.lanes * c.warps;
      kernel.blocks *= c.blocks;
    }
    kernel.work = tile;
    drawn.kernels.push_back(std::move(kernel));
  }
  return drawn;
}

void PlanDrawer::Deal(plan::TilePlan& tile, int inner, int64_t parts, bool partial, bool last) {
  const int count = static_cast<int>(tile.classes.size());
  for (int c = 0; c < Classes(); ++c) tile.classes[c].size = info_.space().classes()[c].size;
  if (count > Classes()) tile.classes.back().size = parts;
  for (int bit = 0; bit < 5; ++bit) tile.classes[Below(count)].lanes *= 2;
  for (int bit = Below(4); bit > 0; --bit) tile.classes[Below(count)].warps *= 2;
  const int most = plan::MostVector(info_, inner);
  tile.classes[inner].vector = std::max(1, most >> Below(4));
  bool shared = false;
  for (int c = 0; c < count; ++c) {
    plan::TileClass& own = tile.classes[c];
    own.registers = 1 + (Below(2) == 0 ? Below(4) : 0);
    const auto left = [&] { return plan::CeilDiv(own.size, own.block_extent() * own.blocks); };
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
  plan::TileClass& spoilt = tile.classes[Below(count)];
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
