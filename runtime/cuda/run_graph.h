// A list of steps as a CUDA graph, with the addresses of a run.
#ifndef INGOT_RUNTIME_CUDA_RUN_GRAPH_H_
#define INGOT_RUNTIME_CUDA_RUN_GRAPH_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "runtime/cuda/cuda_program.h"
#include "runtime/cuda/driver.h"

namespace ingot::runtime::cuda {

// Steps as the driver takes them, with the addresses of the moment.
class StepNodes {
 public:
  // All outlive this.
  StepNodes(const CudaProgram& program, const std::vector<uint64_t>& slots,
            const std::vector<TensorMap>& tensor_maps)
      : program_(program), slots_(slots), tensor_maps_(tensor_maps) {}

  // What a kernel's node points to is right until the next call.
  KernelNode Of(const Step& step, const Launch& launch);
  MemcpyNode Of(const Step& step, const Copy& copy) const;
  MemsetNode Of(const Step& step, const Fill& fill) const;
  // The kernel that gives the handle of a loop or conditional its value.
  KernelNode Setter(const Step& step, CUgraphConditionalHandle handle);
  // The slots of a step.
  absl::Span<const uint64_t> SlotsOf(const Step& step) const;

 private:
  const CudaProgram& program_;
  const std::vector<uint64_t>& slots_;
  const std::vector<TensorMap>& tensor_maps_;
  std::vector<void*> parameters_;
  CUgraphConditionalHandle handle_ = 0;
  int32_t last_ = 0;
};

// All methods, the destructor too, want the context to be current.
class RunGraph {
 public:
  // All outlive this.
  RunGraph(const Driver& driver, CUcontext context, StepNodes& nodes)
      : driver_(driver), context_(context), nodes_(nodes) {}
  ~RunGraph() { Reset(); }
  RunGraph(const RunGraph&) = delete;
  RunGraph& operator=(const RunGraph&) = delete;

  // Launches the steps, which are the same each time, with the addresses of the moment.
  absl::Status Launch(const std::vector<Step>& steps, CUstream stream);
  // Whether the next launch finds a graph of an earlier one.
  bool is_built() const { return executable_ != nullptr; }
  void Reset();

 private:
  // What has slots.
  struct Node {
    const Step* step;
    CUgraphNode node;
    CUgraphConditionalHandle handle;  // setters
  };

  absl::Status Build(const std::vector<Step>& steps);
  // `enclosing`: the handle of the loop whose body the steps are.
  absl::Status AddSteps(const std::vector<Step>& steps, CUgraph graph,
                        CUgraphConditionalHandle enclosing);
  // Whether a step need not wait for the end of the last step that it waits for.
  bool Overlaps(const Step& step, const std::vector<Step>& steps) const;
  absl::StatusOr<CUgraphNode> AddStep(const Step& step, CUgraph graph,
                                      absl::Span<const CUgraphNode> waits_for,
                                      CUgraphConditionalHandle enclosing);
  absl::StatusOr<CUgraphNode> AddLaunch(const Step& step, const runtime::Launch& launch,
                                        CUgraph graph, absl::Span<const CUgraphNode> waits_for);
  absl::StatusOr<CUgraphNode> AddControl(const Step& step, CUgraph graph,
                                         absl::Span<const CUgraphNode> waits_for);
  absl::StatusOr<CUgraphNode> AddSetter(const Step& step, CUgraph graph,
                                        absl::Span<const CUgraphNode> waits_for,
                                        CUgraphConditionalHandle handle);
  void Remember(const Step& step, CUgraphNode node, CUgraphConditionalHandle handle = 0);
  absl::Status Refresh();
  absl::Status Change(const Node& node);

  const Driver& driver_;
  const CUcontext context_;
  StepNodes& nodes_;
  CUgraph graph_ = nullptr;
  CUgraphExec executable_ = nullptr;
  bool has_bodies_ = false;
  std::vector<Node> built_;
  std::vector<uint64_t> baked_;  // the slots of `built_` when each was last brought up to date
};

}  // namespace ingot::runtime::cuda

#endif  // INGOT_RUNTIME_CUDA_RUN_GRAPH_H_
