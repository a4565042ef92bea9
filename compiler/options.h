// The options of a compilation that decide what the program is.
#ifndef INGOT_COMPILER_OPTIONS_H_
#define INGOT_COMPILER_OPTIONS_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "compiler/plan/plan_table.h"
#include "compiler/plan/tuned_plans.h"
#include "ir/base/numerics.h"
#include "ir/base/target.h"
#include "passes/pass.h"

namespace ingot {

// How it is decided what becomes one kernel, and by which plans.
#define INGOT_FUSION_MODES(X)                                             \
  /* By what plans would cost; tiles where they can be used. */           \
  X(kCost, "cost")                                                        \
  /* Chains only, each kernel by the universal loop and its relatives. */ \
  X(kLoop, "loop")

enum class FusionMode : uint8_t {
#define INGOT_ENUMERATOR(enumerator, name) enumerator,
  INGOT_FUSION_MODES(INGOT_ENUMERATOR)
#undef INGOT_ENUMERATOR
};

// What makes a GPU's code.
#define INGOT_CODEGENS(X)                                                                   \
  /* LLVM, and the first assembler that is here; CUDA C++ where LLVM has no such target. */ \
  X(kLlvm, "llvm")                                                                          \
  /* CUDA C++ through NVRTC. */                                                             \
  X(kCuda, "cuda")

enum class Codegen : uint8_t {
#define INGOT_ENUMERATOR(enumerator, name) enumerator,
  INGOT_CODEGENS(INGOT_ENUMERATOR)
#undef INGOT_ENUMERATOR
};

// By the names of the tables; InvalidArgument lists them when there is none of that name.
absl::StatusOr<FusionMode> FindFusionMode(absl::string_view name);
absl::StatusOr<Numerics> FindNumerics(absl::string_view name);
absl::StatusOr<Codegen> FindCodegen(absl::string_view name);

// "fusion=cost numerics=default", " codegen=cuda" where it is not LLVM, " plans=DIGEST" where a
// table is given (null: none), and " tuned=off" (null) or " tuned=DIGEST" where the tuned plans are
// not those that ship.  What keeps compiled code for later has this in its key;
// Program::options records it.
std::string OptionsText(FusionMode fusion, Numerics numerics, Codegen codegen,
                        const plan::PlanTable* plans, const plan::TunedPlans* tuned);

// What passes may ask of when they run for this target, which must outlive the context.
PassContext MakePassContext(const Target& target, FusionMode fusion,
                            Numerics numerics = Numerics::kDefault);

}  // namespace ingot

#endif  // INGOT_COMPILER_OPTIONS_H_
