// What `ingot bench --target=sim:…` prints: for each kernel of a model, what it asks of the card
// and how long that takes at least, and the sums over the model.
#ifndef INGOT_COMPILER_TOOLS_WORK_TABLE_H_
#define INGOT_COMPILER_TOOLS_WORK_TABLE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "compiler/codegen/cubin/report.h"
#include "compiler/machine/kernel_work.h"
#include "compiler/program/arena_use.h"
#include "ir/base/target.h"
#include "nlohmann/json.hpp"

namespace ingot::tools {

// One distinct kernel of a model, or a copy or fill of the program.
struct KernelRow {
  std::string name;
  bool is_kernel = true;
  int64_t launches = 1;  // in one run
  machine::KernelWork work;
  codegen::KernelReport report;  // of the assembler; no registers: there was none
};

struct ModelWork {
  std::string name;
  double floor_bytes = 0;  // of inputs and results
  // Of the largest input: issue slots are counted for one of them.
  double elements = 0;
  program::ArenaUse arena;
  std::vector<KernelRow> rows;
  // In which launches are under way beside other kernels (runtime/cuda/graph_order.h): the model's
  // prediction is so much less than the sum of its kernels'.
  double overlapped_us = 0;
};

// Of one kernel with all its launches, or of a model.
struct Figures {
  int64_t kernels = 0;  // launches of kernels
  // Over the model's floor_bytes.
  double moved = 0;  // different bytes that each launch reads and writes
  double asked = 0;  // 32 bytes for every sector of every warp's access
  // Useful bytes over bytes of sectors.
  double used_loads = 1;
  double used_stores = 1;
  // Bytes of loads under way on a multiprocessor, on average; 0 where nothing is loaded.
  double bytes_in_flight = 0;
  // How many ways accesses of shared memory conflict, on average; 1: they do not.
  double bank_conflict_ways = 1;
  double issue_slots = 0;  // instructions of threads for each of the model's elements
  double predicted_us = 0;
  // At the rate of copies: of a kernel, the bytes that it moves; of a model, floor_bytes.
  double floor_us = 0;
};

Figures FiguresOf(const KernelRow& row, const ModelWork& model, const Target& target);
// Sums over the rows, less what overlaps; of used_loads, used_stores and bytes_in_flight the least,
// of bank_conflict_ways the most.
Figures FiguresOf(const ModelWork& model, const Target& target);

// The names of the columns of WorkLines.
std::string WorkHeader();
// A line for the model and, below it, one for each kernel with what bounds it, its registers,
// conflicts in shared memory, if there are any, and the assembler's notices; then the arena.
std::string WorkLines(const ModelWork& model, const Target& target);

// [{"model": …, the fields of Figures, "arena": ArenaJson, "per_kernel": [{"kernel": …, the fields
// of Figures, "bound", "registers", "spill_bytes", "notices"}, …]}, …]
nlohmann::json WorkJson(absl::Span<const ModelWork> models, const Target& target);

}  // namespace ingot::tools

#endif  // INGOT_COMPILER_TOOLS_WORK_TABLE_H_
