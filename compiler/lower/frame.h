// Frame: one kernel in the making, as the skeletons' lowerings see it.
#ifndef INGOT_COMPILER_LOWER_FRAME_H_
#define INGOT_COMPILER_LOWER_FRAME_H_

#include <memory>

#include "absl/strings/string_view.h"
#include "compiler/kernel/builder.h"
#include "compiler/kernel/kernel.h"
#include "compiler/lower/emitter.h"
#include "compiler/plan/plan.h"
#include "ir/base/target.h"
#include "ir/module.h"

namespace ingot::lower {

struct Frame {
  // Kernel `number` of the plan, with its parameters and without a body.
  Frame(const Computation& fusion, const plan::FusionPlan& fusion_plan, int number,
        const Target& target, absl::string_view name);
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;

  // Gives the kernel the plan's blocks and threads, on a GPU.
  void LaunchBlocks();

  const Computation& fusion;
  const plan::FusionPlan& fusion_plan;
  const plan::KernelPlan& plan;
  const Target& target;
  std::unique_ptr<kernel::Kernel> kernel;
  kernel::Builder builder;
  Context context;
  Memory memory;  // null for what this kernel has no parameter for
  ElementEmitter emitter;
};

// One function for each family of skeletons.def: writes the kernel's launch and body; what cannot
// be lowered goes to frame.context.
#define INGOT_PLAN_SKELETON(Name, text, Family) void Lower##Family(Frame& frame);
#include "compiler/plan/skeletons.def"

}  // namespace ingot::lower

#endif  // INGOT_COMPILER_LOWER_FRAME_H_
