#include "absl/strings/str_cat.h"
#include "ir/base/status.h"
#include "passes/assign_layouts.h"
#include "passes/copy_results.h"
#include "passes/cse.h"
#include "passes/dce.h"
#include "passes/dots_of_few_rows.h"
#include "passes/expand_reducers.h"
#include "passes/expand_select_and_scatter.h"
#include "passes/expand_top_k.h"
#include "passes/fold_constants.h"
#include "passes/fuse.h"
#include "passes/hoist_from_loops.h"
#include "passes/inline_calls.h"
#include "passes/join_elementwise.h"
#include "passes/normalize_layouts.h"
#include "passes/pad_rows.h"
#include "passes/pass.h"
#include "passes/scans_for_windows.h"
#include "passes/sequence_for_memory.h"
#include "passes/simplify/simplify.h"
#include "passes/sink_transposes.h"
#include "passes/split_concatenates.h"
#include "passes/split_dilated_convolutions.h"
#include "passes/wrap_in_fusions.h"

namespace ingot {
namespace {

// Alphabetical.
constexpr Pass kPasses[] = {
    {"assign-convolution-layouts", AssignConvolutionLayouts,
     "features of convolutions last, where that is faster"},
    {"assign-dot-layouts", AssignDotLayouts, "matrices along depth, where that is faster"},
    {"copy-results", CopyResults, "a kernel for large results of a GPU that are parameters"},
    {"cse", EliminateCommonSubexpressions, "one instruction for each value"},
    {"dce", EliminateDeadCode, "removes what nothing needs"},
    {"dots-of-few-rows", DotsOfFewRows, "sums of products for dots that memory bounds"},
    {"expand-reducers", ExpandReducers, "a loop for a reduce that applies very much code"},
    {"expand-select-and-scatter", ExpandSelectAndScatter,
     "windows for the gradient of a max pooling"},
    {"expand-top-k", ExpandTopK, "sorts for topk that no kernel selects"},
    {"fold-constants", FoldConstants, "evaluates small instructions of constants"},
    {"fuse", Fuse, "puts elementwise chains and what feeds them into one kernel"},
    {"hoist-from-loops", HoistFromLoops, "what each trip of a loop would compute alike"},
    {"inline-calls", InlineCalls, "replaces call, fusion and map by the body of what they call"},
    {"join-elementwise", JoinElementwise, "one kernel for small ones of parameters alone"},
    {"normalize-layouts", NormalizeLayouts, "makes every layout row-major"},
    {"pad-rows", PadRows, "rows of whole 16 bytes for matrices of dots, where that is faster"},
    {"scans-for-windows", ScansForWindows, "a scan for a window that reaches to an end"},
    {"sequence-for-memory", SequenceForMemory, "orders commands for the least memory alive"},
    {"simplify", Simplify, "algebraic rules that never change a result's bits"},
    {"sink-transposes", SinkTransposes, "transposes go behind what can be had without them"},
    {"split-concatenates", SplitConcatenates, "a tree for a concatenate of many operands"},
    {"split-dilated-convolutions", SplitDilatedConvolutions,
     "convolutions without holes for one with holes, where that is faster"},
    {"wrap-in-fusions", WrapInFusions, "a fusion for each instruction that needs a kernel"},
};

}  // namespace

absl::Span<const Pass> AllPasses() { return kPasses; }

absl::StatusOr<const Pass*> FindPass(absl::string_view name) {
  std::string names;
  for (const Pass& pass : kPasses) {
    if (pass.name == name) return &pass;
    absl::StrAppend(&names, names.empty() ? "" : ", ", pass.name);
  }
  return InvalidArgument("unknown pass '", name, "'; the passes are ", names);
}

}  // namespace ingot
