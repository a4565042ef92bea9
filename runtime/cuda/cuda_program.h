// A Program made ready for a card: modules loaded, kernels resolved, commands grouped into the
// stretches that become graphs.  Used by cuda_device.cc and cuda_run.cc.
#ifndef INGOT_RUNTIME_CUDA_CUDA_PROGRAM_H_
#define INGOT_RUNTIME_CUDA_CUDA_PROGRAM_H_

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/address_table.h"
#include "runtime/cuda/driver.h"
#include "runtime/program.h"

namespace ingot::runtime::cuda {

// What a program is made ready for.
struct Card {
  int major = 0, minor = 0;  // compute capability
  int multiprocessors = 0;
  bool decides = true;  // on loops and conditionals, where it can
};

// A launch, copy or fill; in a graph in which the card decides, a loop or conditional too.  Its
// slots, from `slot` on: a launch's arguments; source and destination of a copy; destination of a
// fill; predicate or index of a loop or conditional.
struct Step {
  const Command* command = nullptr;
  int slot = 0;
  CUfunction function = nullptr;  // launches
  uint32_t grid_x = 0;            // launches
  int tensor_map = -1;            // launches: number of its first tensor map; -1: it has none
  // Launches: it may begin before the launch before it has ended, and waits for that itself.
  bool programmatic = false;
  std::vector<int> waits_for;  // steps of the same list (graph_order.h)
  // Of a loop or conditional.  While: its body, condition included.  Conditional: branches.  None:
  // this is the last step of a loop's body, which says whether there is another trip.
  std::vector<std::vector<Step>> bodies;
};

struct Stretch;

// Either steps that become one graph, or a loop or conditional, whose predicate or index the host
// reads.
struct Part {
  std::vector<Step> steps;
  int graph = -1;  // number of the graph; -1: control
  const Command* control = nullptr;
  int slot = 0;                // of the predicate or index
  std::vector<Stretch> lists;  // While: condition, body.  Conditional: branches.
};

// A list of commands.
struct Stretch {
  std::vector<Part> parts;
};

class LoadedModules {
 public:
  explicit LoadedModules(const Driver& driver) : driver_(driver) {}
  ~LoadedModules();  // requires: the context is current
  LoadedModules(const LoadedModules&) = delete;
  LoadedModules& operator=(const LoadedModules&) = delete;
  // Adds a module.  `image`: its machine code or PTX.
  absl::Status Load(const CodeModule& module, const SharedBytes& image);
  CUmodule operator[](int index) const { return modules_[index]; }

 private:
  const Driver& driver_;
  std::vector<CUmodule> modules_;
};

// Immutable once made, shared by the instances.
struct CudaProgram {
  explicit CudaProgram(const Driver& driver) : modules(driver) {}

  std::shared_ptr<const Program> program;
  LoadedModules modules;
  Stretch commands;
  // All commands as one graph in which the card decides on loops and conditionals.  Empty: there
  // is nothing to decide, or only the host can (why is in the log).
  std::vector<Step> on_card;
  CUfunction set_condition = nullptr;  // conditions.h; where `on_card` is not empty
  AddressTable addresses;
  std::vector<const TensorMapArgument*> tensor_maps;
  std::vector<int> tensor_map_slots;  // of each tensor map: the slot with its buffer's address
  int graphs = 0;
  std::vector<const void*> constants;  // addresses on the card

  // Library calls become their fallback's commands.  Requires: Validate(*program), for CUDA; the
  // context is current; `constants` are the addresses of the program's.
  static absl::StatusOr<std::unique_ptr<CudaProgram>> Create(std::shared_ptr<const Program> program,
                                                             const Driver& driver,
                                                             std::vector<const void*> constants,
                                                             const Card& card);

 private:
  // Fills `on_card` in, or says why not.
  absl::Status AddOnCard(const Driver& driver, const Card& card);
};

}  // namespace ingot::runtime::cuda

#endif  // INGOT_RUNTIME_CUDA_CUDA_PROGRAM_H_
