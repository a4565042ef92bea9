#include "compiler/lower/lower.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "compiler/kernel/dead_code.h"
#include "compiler/lower/frame.h"
#include "compiler/plan/analysis.h"
#include "ir/base/status.h"

namespace ingot::lower {

namespace {

// Emission recurses along operands: longer chains than this are refused, not run out of stack.
constexpr int kMaxDepth = 2000;
// Of the first cards that have programmatic launches.
constexpr int kEarlyCapability = 90;

using Depths = absl::flat_hash_map<const Computation*, int>;

// Instructions on the longest path from a parameter to the root, those of called computations
// included.  `known` has the computations that were looked at.
int DepthOf(const Computation& computation, Depths& known) {
  absl::flat_hash_map<const Instruction*, int> depth;
  int most = 0;
  for (const Instruction* instruction : computation.instructions()) {
    int deepest = 0;
    for (const Instruction* operand : instruction->operands()) {
      deepest = std::max(deepest, depth[operand]);
    }
    for (const Computation* called : instruction->called_computations()) {
      if (!known.contains(called)) known[called] = DepthOf(*called, known);
      deepest = std::max(deepest, known[called]);
    }
    depth[instruction] = deepest + 1;
    most = std::max(most, deepest + 1);
  }
  return most;
}

// Kernels go along all inputs and outputs together.
absl::Status CheckScan(const Instruction& scan) {
  const int64_t carries = scan.attributes<ScanAttributes>().num_carries;
  const int64_t inputs = scan.operand_count() - carries;
  const auto& results = scan.shape().tuple_shapes();
  std::vector<const Shape*> stacked;
  for (int64_t i = 0; i < inputs; ++i) stacked.push_back(&scan.operand(i)->shape());
  for (size_t i = 0; i + carries < results.size(); ++i) stacked.push_back(&results[i]);
  for (const Shape* shape : stacked) {
    if (!Shape::SameDimensions(*shape, *stacked[0])) {
      return Unimplemented(scan.name(), ": a scan of ", shape->ToString(), " beside ",
                           stacked[0]->ToString(), "; give them one size");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckShapes(const Computation& fusion) {
  for (const Instruction* instruction : fusion.instructions()) {
    for (const Shape& leaf : plan::Leaves(instruction->shape())) {
      if (!leaf.IsArray() || leaf.HasDynamicDimension()) {
        return Unimplemented(instruction->name(), ": ", OpcodeName(instruction->opcode()), ": ",
                             leaf.ToString(), " is not a value that a kernel computes");
      }
    }
  }
  for (const Instruction* instruction : fusion.instructions()) {
    if (plan::WindowReach(*instruction) > plan::kMostReach) {
      return Unimplemented(instruction->name(), ": ", OpcodeName(instruction->opcode()),
                           ": its positions are beyond 2^61");
    }
    if (instruction->opcode() != Opcode::kSelectAndScatter) continue;
    for (const WindowDimension& along :
         instruction->attributes<WindowAttributes>().window.dimensions) {
      if (along.base_dilation > 1 || along.window_dilation > 1 || along.reversal) {
        return Unimplemented(instruction->name(),
                             ": a select-and-scatter of a window with holes, "
                             "or one that is taken backwards");
      }
    }
  }
  const Instruction& root = *fusion.root();
  if (root.opcode() == Opcode::kScan) INGOT_RETURN_IF_ERROR(CheckScan(root));
  Depths known;
  if (const int depth = DepthOf(fusion, known); depth > kMaxDepth) {
    return Unimplemented(fusion.name(), ": a chain of ", depth,
                         " instructions in one kernel; at most ", kMaxDepth, " are lowered");
  }
  return absl::OkStatus();
}

kernel::Buffer* AddBuffer(kernel::Kernel& kernel, absl::string_view kind, int number,
                          const Shape& shape) {
  std::vector<int64_t> dimensions = shape.dimensions();
  if (IsComplex(shape.element_type())) dimensions.push_back(2);
  return kernel.AddBuffer(absl::StrCat(kind, number), ComponentType(shape.element_type()),
                          std::move(dimensions));
}

kernel::Buffer* AddBuffer(kernel::Kernel& kernel, const plan::BufferRole& role,
                          const plan::FusionPlan& plan, const Computation& fusion) {
  switch (role.kind) {
    case plan::BufferRole::Kind::kOperand:
      return AddBuffer(kernel, "p", role.number, fusion.parameters()[role.number]->shape());
    case plan::BufferRole::Kind::kResult:
      return AddBuffer(kernel, "r", role.number, plan::Leaves(fusion.root()->shape())[role.number]);
    case plan::BufferRole::Kind::kScratch:
      return AddBuffer(kernel, "s", role.number, plan.scratch[role.number].shape);
  }
  return nullptr;
}

// Whether the buffer may be another one's memory too.
bool SharesMemory(const plan::FusionPlan& plan, const plan::BufferRole& role) {
  return std::any_of(
      plan.in_place.begin(), plan.in_place.end(), [&](const plan::InPlacePair& pair) {
        return (role.kind == plan::BufferRole::Kind::kOperand && role.number == pair.operand) ||
               (role.kind == plan::BufferRole::Kind::kResult && role.number == pair.result);
      });
}

void LowerWork(Frame& frame) {
  switch (frame.plan.skeleton) {
#define INGOT_PLAN_SKELETON(Name, text, Family) \
  case plan::Skeleton::k##Name:                 \
    Lower##Family(frame);                       \
    return;
#include "compiler/plan/skeletons.def"
  }
}

// The kernel may be on the card while those that it waits for end (CUDA programming guide,
// "Programmatic Dependent Launch").  That its own dependents may come is said by its end alone:
// told earlier, their blocks take the places of kernels beside it (docs/performance.md).
bool BeginEarly(Frame& frame) {
  if (frame.target.platform != Platform::kCuda || frame.target.capability < kEarlyCapability) {
    return false;
  }
  frame.builder.Call(kernel::Intrinsic::kGridDependencyWait);
  return true;
}

}  // namespace

void Frame::LaunchBlocks() {
  kernel::Launch& launch = kernel->launch();
  launch.machine = kernel::Machine::kGpu;
  launch.grid = {plan.blocks, 1, 1};
  launch.block = {plan.block_threads, 1, 1};
  launch.min_blocks = plan.resident_blocks;
}

Frame::Frame(const Computation& fusion, const plan::FusionPlan& fusion_plan, int number,
             const Target& target, absl::string_view name)
    : fusion(fusion),
      fusion_plan(fusion_plan),
      plan(fusion_plan.kernels[number]),
      target(target),
      kernel(std::make_unique<kernel::Kernel>(std::string(name))),
      builder(kernel.get()),
      context{builder, IndexMath(&builder, plan.index_type), plan, fusion, absl::OkStatus()},
      emitter(&context, [this](const Instruction& parameter, const Index& index) {
        std::optional<Element> element;
        if (context.tile != nullptr) element = context.tile->Read(parameter, index);
        if (element.has_value()) return *element;
        return emitter.Load(memory.operands[parameter.parameter_number()], parameter.shape(),
                            index);
      }) {
  if (fusion_plan.numerics == Numerics::kDefault && target.fused) {
    context.approximation =
        target.platform == Platform::kHost ? Approximation::kShorter : Approximation::kFast;
  }
  context.unrounded = fusion_plan.unrounded;
  context.loose = fusion_plan.loose;
  context.narrow = fusion_plan.narrow;
  context.plus_one = fusion_plan.plus_one;
  context.minus_one = fusion_plan.minus_one;
  context.contracted = fusion_plan.contracted;
  memory.operands.resize(fusion.parameters().size());
  memory.results.resize(plan::Leaves(fusion.root()->shape()).size());
  memory.scratch.resize(fusion_plan.scratch.size());
  for (const plan::BufferRole& role : plan.buffers) {
    kernel::Buffer* buffer = AddBuffer(*kernel, role, fusion_plan, fusion);
    buffer->noalias = !SharesMemory(fusion_plan, role);
    switch (role.kind) {
      case plan::BufferRole::Kind::kOperand:
        buffer->readonly = buffer->noalias;
        memory.operands[role.number] = buffer;
        break;
      case plan::BufferRole::Kind::kResult:
        memory.results[role.number] = buffer;
        break;
      case plan::BufferRole::Kind::kScratch:
        memory.scratch[role.number] = buffer;
        break;
    }
  }
}

absl::StatusOr<std::vector<std::unique_ptr<kernel::Kernel>>> Lower(
    const Computation& fusion, const plan::FusionPlan& plan, const Target& target,
    absl::Span<const std::string> names) {
  INGOT_CHECK(names.size() == plan.kernels.size()) << names.size() << " names";
  INGOT_RETURN_IF_ERROR(CheckShapes(fusion));
  std::vector<std::unique_ptr<kernel::Kernel>> kernels;
  for (size_t i = 0; i < names.size(); ++i) {
    Frame frame(fusion, plan, static_cast<int>(i), target, names[i]);
    const bool early = BeginEarly(frame);
    LowerWork(frame);
    frame.kernel->launch().programmatic = early;
    INGOT_RETURN_IF_ERROR(frame.context.status);
    kernel::RemoveDeadCode(*frame.kernel);
    for (const Instruction* instruction : fusion.instructions()) {
      frame.kernel->NameHlo(static_cast<int32_t>(instruction->id()),
                            std::string(instruction->name()));
    }
    kernels.push_back(std::move(frame.kernel));
  }
  return kernels;
}

}  // namespace ingot::lower
