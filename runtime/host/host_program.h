// A Program made ready for the host: kernels resolved, every address that a command needs in a
// numbered slot.  Used by host_device.cc alone.
#ifndef INGOT_RUNTIME_HOST_HOST_PROGRAM_H_
#define INGOT_RUNTIME_HOST_HOST_PROGRAM_H_

#include <chrono>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/address_table.h"
#include "runtime/device.h"
#include "runtime/host/elf_loader.h"
#include "runtime/host/kernel_abi.h"
#include "runtime/host/onednn.h"
#include "runtime/host/thread_pool.h"
#include "runtime/program.h"

namespace ingot::runtime {

// A command and what the host adds to it.  Its slots, from `slot` on: a launch's arguments (the
// array that its kernel is called with); source and destination of a copy; destination of a fill;
// predicate of a loop; index of a conditional; inputs and output of a library call.
struct HostStep {
  const Command* command = nullptr;
  int slot = 0;
  HostKernel kernel = nullptr;  // launches
  int threads = 1;              // how many it is worth
  int call = -1;                // library calls: index into HostRun's
  // While: condition, body.  Conditional: branches.  Library call: fallback.
  std::vector<std::vector<HostStep>> lists;
};

// Immutable once made, shared by the instances.
struct HostProgram {
  std::shared_ptr<const Program> program;
  std::vector<std::unique_ptr<ElfImage>> images;  // by module; null where it is not ELF
  std::vector<HostStep> steps;
  AddressTable addresses;
  std::vector<const void*> constants;
  std::vector<const LibraryCall*> calls;

  // Loads the modules and resolves the kernels.  Requires: Validate(*program), and code that fits
  // this processor.
  static absl::StatusOr<std::unique_ptr<HostProgram>> Create(std::shared_ptr<const Program> program,
                                                             int threads);
};

// What one run at a time writes to: the arena and the slots.
class HostRun {
 public:
  // `arena` is program.arena_size bytes and outlives this.
  HostRun(const HostProgram& program, ThreadPool& pool, void* arena, bool use_libraries);

  // Copies the addresses of a run into the slots.
  void Bind(const RunArguments& arguments);
  // Runs the commands on this thread and the pool.
  void Execute();

 private:
  // The operations, in host_program.cc: each is given its step.
  struct Visitor;
  void Steps(const std::vector<HostStep>& steps);
  void* Address(int slot) const { return reinterpret_cast<void*>(slots_[slot]); }

  const HostProgram& program_;
  ThreadPool& pool_;
  void* const arena_;
  std::vector<uint64_t> slots_;
  std::vector<std::unique_ptr<OnednnCall>> calls_;  // null: the fallback is run
  std::vector<Donation> donations_;
  Profile* profile_ = nullptr;
  std::chrono::steady_clock::time_point began_;  // of a run with a profile
};

}  // namespace ingot::runtime

#endif  // INGOT_RUNTIME_HOST_HOST_PROGRAM_H_
