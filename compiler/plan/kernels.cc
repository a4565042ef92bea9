#include "compiler/plan/kernels.h"

#include "compiler/plan/analysis.h"
#include "compiler/plan/cost.h"
#include "compiler/plan/plan_text.h"
#include "ir/analysis/op_facts.h"
#include "ir/base/status.h"

namespace ingot::plan {

std::vector<BufferRole> AllBuffers(const Computation& fusion, size_t scratch) {
  std::vector<BufferRole> all;
  const auto add = [&](BufferRole::Kind kind, size_t count) {
    for (size_t i = 0; i < count; ++i) all.push_back({kind, static_cast<int>(i)});
  };
  add(BufferRole::Kind::kOperand, fusion.parameters().size());
  add(BufferRole::Kind::kResult, Leaves(fusion.root()->shape()).size());
  add(BufferRole::Kind::kScratch, scratch);
  return all;
}

int64_t FlopsOf(const Computation& fusion) {
  int64_t flops = 0;
  for (const Instruction* instruction : fusion.instructions()) {
    flops = SaturatingAdd(flops, FlopsOf(*instruction));
  }
  return flops;
}

absl::Status KernelsAgree(const FusionPlan& plan, const FusionPlan& expected) {
  INGOT_REQUIRE(plan.kernels.size() == expected.kernels.size(), plan.kernels.size(),
                " kernels; there must be ", expected.kernels.size());
  for (size_t i = 0; i < plan.kernels.size(); ++i) {
    KernelPlan same = expected.kernels[i];
    same.resident_blocks = plan.kernels[i].resident_blocks;
    INGOT_REQUIRE(plan.kernels[i] == same, "kernel ", i, ": ",
                  FirstDifference(plan.kernels[i], same));
  }
  INGOT_REQUIRE(plan.scratch == expected.scratch, "its scratch is not that of its kernels");
  return absl::OkStatus();
}

}  // namespace ingot::plan
