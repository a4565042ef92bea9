// Decide: how a fusion runs on a target.  compiler/lower turns the decision into kernel IR.
//
// A fusion is a computation without calls, loops or tuple-typed values inside: its parameters are
// the buffers read, its root (an array, a tuple of arrays, or an op with several results) the
// buffers written, every layout row-major.
#ifndef INGOT_COMPILER_PLAN_PLAN_H_
#define INGOT_COMPILER_PLAN_PLAN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/string_view.h"
#include "compiler/plan/library.h"
#include "ir/base/shape.h"
#include "ir/base/target.h"
#include "ir/module.h"

namespace ingot::plan {

enum class Skeleton : uint8_t {
#define INGOT_PLAN_SKELETON(Name, text, Family) k##Name,
#include "compiler/plan/skeletons.def"
};

#define INGOT_PLAN_PLACEMENTS(X)                                                   \
  X(kUnused, "unused")       /* nothing asks for it */                             \
  X(kOperand, "operand")     /* a parameter: loaded where it is used */            \
  X(kInlined, "inlined")     /* computed where it is used, an element at a time */ \
  X(kRegisters, "registers") /* accumulated in registers over a loop of its own */ \
  X(kResult, "result")       /* as kInlined, and stored */                         \
  X(kInResult, "in result")  /* worked on in the result's memory (sort, scan, scatter) */

enum class Placement : uint8_t {
#define INGOT_ENUMERATOR(enumerator, name) enumerator,
  INGOT_PLAN_PLACEMENTS(INGOT_ENUMERATOR)
#undef INGOT_ENUMERATOR
};

absl::string_view NameOf(Skeleton skeleton);
absl::string_view NameOf(Placement placement);

struct InstructionPlan {
  Placement placement = Placement::kUnused;
  // A parameter: elements that one access moves (1 where they are used one at a time).  A
  // reduction, dot or convolution that has an output element at a time: elements that one step of
  // its innermost loop takes.
  int width = 1;
  // An accumulation: threads of a warp that share it, each taking every threads-th step.
  int threads = 1;
};

// A kernel that takes independent steps: loop, sort, scan, scatter.
struct StepPlan {
  // Iteration space: `rows` × `columns` elements of the root (for kSort and kScan: positions, the
  // worked dimension left out; for kScatter: the dimensions that updates cover whole).  A step is
  // `lanes` elements along the columns; what is left at the end of a row is done one by one.
  int64_t rows = 1;
  int64_t columns = 1;
  int lanes = 1;
  // The steps know elements by row-major number only: no instruction asks for coordinates.
  bool flat = false;
  // Dimensions of the root (of the positions) from this one on make up the columns.
  int64_t column_dimension = 0;
  // kScatter: each position is done by this many owners, each of an equal range of the first
  // scattered dimension of the operand.
  int64_t owners = 1;
  // Host: a task does task_rows × task_columns.
  int64_t task_rows = 1;
  int64_t task_columns = 1;
  // GPU: `step_threads` do one step together: one thread, or a warp that shares the accumulations
  // and of which the first thread stores.
  int step_threads = 1;
  std::vector<InstructionPlan> instructions;  // in the order of fusion.instructions()
};

// Which memory a parameter of a kernel is.
struct BufferRole {
  enum class Kind : uint8_t { kOperand, kResult, kScratch };
  Kind kind = Kind::kOperand;
  // Of the fusion's parameters, of the leaves of its root, or of FusionPlan::scratch.
  int number = 0;
  bool operator==(const BufferRole&) const = default;
};

struct KernelPlan {
  Skeleton skeleton = Skeleton::kLoop;
  std::vector<BufferRole> buffers;             // the kernel's parameters, in order
  ElementType index_type = ElementType::kS32;  // s64 where an offset does not fit
  int64_t tasks = 1;                           // host
  int block_threads = 1;                       // GPU
  int64_t blocks = 1;                          // GPU
  // What the kernel must move and compute, for runtime::Command.
  int64_t bytes = 0;
  int64_t flops = 0;
  std::variant<StepPlan> work;

  const StepPlan& steps() const { return std::get<StepPlan>(work); }
};

// Memory besides parameters and results that kernels of a fusion need while it runs.
struct Scratch {
  Shape shape;
};

// How a fusion runs: kernels that are launched in order.
struct FusionPlan {
  std::vector<KernelPlan> kernels;
  std::vector<Scratch> scratch;  // alive from the first kernel to the last
  // A library that computes the whole fusion; the kernels are what runs where it is absent.
  std::optional<LibraryMatch> library;
};

// Pure: the same fusion and target give the same plan.  Total: a fusion that cannot be lowered has
// a plan too, and Lower says what is missing.
FusionPlan MakePlan(const Computation& fusion, const Target& target);

// The plan as text: for each kernel a line for the space, the launch, each instruction and each
// scratch buffer.
std::string ToString(const FusionPlan& plan, const Computation& fusion);

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_PLAN_H_
