// The options of the command that decide what a model is compiled to: every verb that compiles has
// them.
#ifndef INGOT_COMPILER_TOOLS_COMPILE_OPTIONS_H_
#define INGOT_COMPILER_TOOLS_COMPILE_OPTIONS_H_

#include "absl/status/statusor.h"
#include "compiler/compile.h"
#include "compiler/tools/command_line.h"

namespace ingot::tools {

inline constexpr Option kFusionOption = {
    "fusion", "F", "cost: kernels by what plans would cost (default); loop: chains and loops only"};
inline constexpr Option kNumericsOption = {
    "numerics", "N",
    "default: a card's approximate instructions where they keep the bounds; strict: the same bits "
    "everywhere"};

inline constexpr Option kCodegenOption = {
    "codegen", "C",
    "llvm: LLVM and an assembler, or NVRTC where LLVM has no such GPU (default); cuda: CUDA C++ "
    "through NVRTC"};

inline constexpr Option kPlansOption = {
    "plans", "FILE", "plans of single fusions that go first, as `emit --stage=plan` prints them"};

inline constexpr Option kTunedOption = {
    "tuned", "on|off", "whether the measured plans that ship go before the compiler's own (on)"};

inline constexpr Option kDonateOption = {
    "donate", "N,...", "inputs, by number from 0, whose memory the results may have"};

// As --fusion, --numerics, --codegen, --plans, --tuned and --donate say, with the store of the
// process (compiler/cache/store.h); warnings go to standard error.  A usage error for a value that
// there is not; for a table that cannot be read its file, line and column.
absl::StatusOr<CompileOptions> ReadCompileOptions(const CommandLine& line);

}  // namespace ingot::tools

#endif  // INGOT_COMPILER_TOOLS_COMPILE_OPTIONS_H_
