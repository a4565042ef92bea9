#include "compiler/tools/simulated_work.h"

#include <algorithm>
#include <set>
#include <utility>
#include <variant>

#include "absl/functional/function_ref.h"

namespace ingot::tools {
namespace {

using kernel::Kernel;
namespace simulator = kernel::simulator;

machine::Accesses AccessesOf(const simulator::GlobalAccesses& accesses) {
  return {static_cast<double>(accesses.sectors), static_cast<double>(accesses.useful_bytes)};
}

bool CopiesAsync(const Kernel& kernel) {
  bool copies = false;
  kernel::ForEachOperation(*kernel.body(), [&](const kernel::Operation& op) {
    const auto* call = std::get_if<kernel::IntrinsicAttributes>(&op.attributes);
    copies = copies || (call != nullptr && call->intrinsic == kernel::Intrinsic::kCopyAsync);
  });
  return copies;
}

// What stands for one block that ran.
double ScaleOf(const simulator::Report& report) {
  return static_cast<double>(report.blocks) /
         static_cast<double>(std::max<int64_t>(1, report.blocks_run));
}

// Calls `visit` with each buffer of the launch and the accesses to it.
void ForEachBuffer(
    const simulator::Report& report, const runtime::Command& command,
    absl::FunctionRef<void(const runtime::BufferArgument&, const simulator::BufferAccesses&)>
        visit) {
  auto accesses = report.counters.buffers.begin();
  for (const auto& argument : std::get<runtime::Launch>(command.operation).arguments) {
    const auto* buffer = std::get_if<runtime::BufferArgument>(&argument);
    if (buffer != nullptr) visit(*buffer, *accesses++);
  }
}

}  // namespace

int64_t FrameInstructions(const Kernel& kernel) {
  std::set<std::pair<kernel::Opcode, int>> ids;
  kernel::ForEachOperation(*kernel.body(), [&](const kernel::Operation& op) {
    const auto* id = std::get_if<kernel::IdAttributes>(&op.attributes);
    if (id != nullptr) ids.insert({op.opcode, id->axis});
  });
  return 3 + static_cast<int64_t>(kernel.parameters().size() + ids.size());
}

machine::KernelWork WorkOf(const Kernel& kernel, const simulator::Report& report) {
  static_assert(machine::kUnitCount == simulator::kUnitCount);
  const simulator::Counters& counters = report.counters;
  machine::KernelWork work;
  work.blocks = report.blocks;
  work.block.threads = static_cast<int>(kernel.launch().block_threads());
  work.block.shared_bytes = kernel::PlaceShared(kernel).bytes;
  work.loads = AccessesOf(counters.loads);
  work.stores = AccessesOf(counters.stores);
  work.block_bytes_in_flight = counters.bytes_in_flight;
  work.loads_before_stores = counters.barriers > 0 && counters.stores.sectors > 0;
  work.copies_ahead = CopiesAsync(kernel);
  for (int unit = 0; unit < machine::kUnitCount; ++unit) {
    work.instructions[unit] = static_cast<double>(counters.instructions[unit]);
  }
  work.matrix_flops = 4096 * work.instructions_of(machine::Unit::kMatrix);
  const int64_t warps = report.blocks * ((work.block.threads + 31) / 32);
  work.instructions[static_cast<int>(machine::Unit::kControl)] +=
      static_cast<double>(warps * FrameInstructions(kernel));
  work.shared_passes = static_cast<double>(counters.shared_passes);
  work.least_shared_passes = static_cast<double>(counters.shared_least_passes);
  work.stored_sectors = ScaleOf(report) * static_cast<double>(counters.stores.unique_sectors);
  return work;
}

void SetBytesMoved(const simulator::Report& report, const runtime::Command& command,
                   bool only_kernel, machine::KernelWork& work) {
  const simulator::Counters& counters = report.counters;
  if (report.blocks_run == report.blocks) {
    work.read_bytes = static_cast<double>(counters.loads.unique_bytes);
    work.written_bytes = static_cast<double>(counters.stores.unique_bytes);
    return;
  }
  const double scale = ScaleOf(report);
  int64_t written = 0;
  ForEachBuffer(report, command, [&](const auto& buffer, const auto& accesses) {
    const auto all = static_cast<double>(buffer.slice.size);
    work.read_bytes += std::min(all, scale * accesses.loads.unique_bytes);
    work.written_bytes += std::min(all, scale * accesses.stores.unique_bytes);
    if (buffer.access != runtime::Access::kRead) written += buffer.slice.size;
  });
  if (!only_kernel || command.bytes == 0) return;
  written = std::min(written, command.bytes);
  work.written_bytes = static_cast<double>(written);
  work.read_bytes = static_cast<double>(command.bytes - written);
}

void SetCachedSectors(const simulator::Report& report, const runtime::Command& command,
                      const Target& target, machine::KernelWork& work) {
  struct Reads {
    double bytes, sectors, unique;
  };
  const double scale = ScaleOf(report);
  std::vector<Reads> buffers;
  ForEachBuffer(report, command, [&](const auto& buffer, const auto& accesses) {
    buffers.push_back({static_cast<double>(buffer.slice.size),
                       static_cast<double>(accesses.loads.sectors),
                       scale * static_cast<double>(accesses.loads.unique_sectors)});
  });
  std::sort(buffers.begin(), buffers.end(),
            [](const Reads& a, const Reads& b) { return a.bytes < b.bytes; });
  // L1 and shared memory are one; what streams through needs its half.
  const double half =
      (target.card->shared_bytes - static_cast<double>(work.block.shared_bytes)) / 2;
  double room = half;
  const auto blocks = static_cast<double>(work.blocks);
  const double places = std::min<double>(blocks, target.multiprocessors);
  const double resident = target.threads / std::max(1.0, static_cast<double>(work.block.threads));
  for (const Reads& reads : buffers) {
    room -= reads.bytes;
    if (room >= 0) {
      work.cached_sectors += std::max(0.0, reads.sectors - places * reads.bytes / 32);
    } else if (resident * 32 * reads.unique / blocks <= half) {
      // A block comes back to sectors while it and its neighbours are there.
      work.cached_sectors += std::max(0.0, reads.sectors - reads.unique);
    }
  }
}

machine::KernelWork CopyWork(int64_t read_bytes, int64_t written_bytes) {
  constexpr int64_t kBlockBytes = 4096;
  machine::KernelWork work;
  work.blocks = (std::max(read_bytes, written_bytes) + kBlockBytes - 1) / kBlockBytes;
  work.block = {256, 32, 0};
  work.read_bytes = static_cast<double>(read_bytes);
  work.written_bytes = static_cast<double>(written_bytes);
  work.loads = {work.read_bytes / 32, work.read_bytes};
  work.stores = {work.written_bytes / 32, work.written_bytes};
  work.block_bytes_in_flight = read_bytes > 0 ? kBlockBytes : 0;
  return work;
}

}  // namespace ingot::tools
