#include "passes/pass.h"

namespace ingot {
namespace {

constexpr absl::string_view kFlatten[] = {"inline-calls", "normalize-layouts"};
constexpr absl::string_view kExpand[] = {"hoist-from-loops",           "dots-of-few-rows",
                                         "assign-convolution-layouts", "split-dilated-convolutions",
                                         "expand-select-and-scatter",  "expand-top-k",
                                         "scans-for-windows"};
constexpr absl::string_view kSimplify[] = {
    "simplify", "sink-transposes", "hoist-from-loops", "fold-constants", "cse", "dce"};
constexpr absl::string_view kFuse[] = {
    "assign-dot-layouts", "pad-rows", "hoist-from-loops", "expand-reducers",  "split-concatenates",
    "copy-results",       "fuse",     "wrap-in-fusions",  "join-elementwise", "dce"};

constexpr absl::string_view kSequence[] = {"sequence-for-memory"};

constexpr Phase kPipeline[] = {
    {"flatten", "later passes see one computation an execution context, and row-major arrays only",
     kFlatten, false},
    {"expand",
     "products of a loop's trips are one where that is faster; sums of products that no matrix "
     "unit makes faster are like other sums from here on, topk that no kernel selects are sorts, "
     "and cumulative windows are scans",
     kExpand, false},
    {"simplify", "fewer instructions before anything is decided; rules feed one another", kSimplify,
     true},
    {"fuse", "decides kernels, after ops too large for one; nothing may change the graph behind it",
     kFuse, false},
    {"sequence", "what is alive together depends on the order of the kernels that fusion decided",
     kSequence, false},
};

}  // namespace

absl::Span<const Phase> DefaultPipeline() { return kPipeline; }

}  // namespace ingot
