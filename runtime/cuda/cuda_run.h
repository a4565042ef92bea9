// What one run at a time needs on a card: arguments, instantiated graphs, events.
#ifndef INGOT_RUNTIME_CUDA_CUDA_RUN_H_
#define INGOT_RUNTIME_CUDA_CUDA_RUN_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "runtime/address_table.h"
#include "runtime/cuda/cuda_program.h"
#include "runtime/cuda/cupti.h"
#include "runtime/cuda/driver.h"
#include "runtime/cuda/run_graph.h"
#include "runtime/device.h"

namespace ingot::runtime::cuda {

// All methods, the destructor too, want the context to be current.
class CudaRun {
 public:
  // `arena` outlives this.
  CudaRun(const CudaProgram& program, const Driver& driver, CUcontext context, void* arena);
  ~CudaRun();
  CudaRun(const CudaRun&) = delete;
  CudaRun& operator=(const CudaRun&) = delete;

  // Makes the events and the memory for predicates.
  absl::Status Prepare();
  // Puts the run on the stream.  Returns before it is done, unless the host decides on loops or
  // conditionals or there is a profile: then it waits for the card in between.
  absl::Status Start(const RunArguments& arguments, CUstream stream);
  absl::Status Wait();
  bool IsDone();

 private:
  absl::Status EncodeTensorMaps();
  absl::Status CopyDonations();
  absl::Status RunCommands();
  absl::Status RunStretch(const Stretch& stretch);
  absl::Status RunControl(const Part& part);
  absl::Status RunProfiled(const Part& part);
  // Records the mark of that number, which is made when it is first wanted.
  absl::Status Mark(size_t number);
  absl::StatusOr<int64_t> NanosecondsBetween(size_t from, size_t to);
  absl::StatusOr<int64_t> ReadBack(const Part& part, int64_t bytes);
  // Puts one command on the stream, outside of any graph.
  absl::Status Issue(const Step& step);

  const CudaProgram& program_;
  const Driver& driver_;
  const void* const arena_;
  std::vector<uint64_t> slots_;
  std::vector<TensorMap> tensor_maps_;
  std::vector<uint64_t> encoded_;  // the address in each tensor map; 0: none yet
  std::vector<Donation> donations_;
  StepNodes nodes_;
  std::vector<std::unique_ptr<RunGraph>> graphs_;  // by number
  std::unique_ptr<RunGraph> on_card_;              // of the program's `on_card`
  bool host_decides_;
  int32_t* pinned_ = nullptr;  // a predicate or index, read back
  CUevent done_ = nullptr;
  // Of runs with a profile; the recording where there is CUPTI, and of its clock what is 0 of the
  // marks'.
  std::vector<CUevent> marks_;
  std::unique_ptr<ActivityRecording> recording_;
  std::optional<int64_t> recording_base_;
  bool started_ = false;
  CUstream stream_ = nullptr;   // of the run
  Profile* profile_ = nullptr;  // of the run
};

}  // namespace ingot::runtime::cuda

#endif  // INGOT_RUNTIME_CUDA_CUDA_RUN_H_
