#include "compiler/program/last_reads.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "ir/analysis/leaves.h"

namespace ingot::program {
namespace {

// An array with a buffer of its own, by number; or none.
using Array = int32_t;
constexpr Array kNotOwn = -1;

// Who reads an array last.
struct Reader {
  const Instruction* instruction = nullptr;
  int64_t operand = 0;
  bool once = false;  // it has the array once among its operands
};

// Whether the program makes buffers for what the instruction computes.
bool HasBuffers(const Instruction& instruction) {
  return instruction.opcode() == Opcode::kFusion || instruction.opcode() == Opcode::kWhile ||
         instruction.opcode() == Opcode::kConditional;
}

}  // namespace

LastReads FindLastReads(const Computation& computation) {
  LeafValues<Array> arrays;
  LeafBegins begins;
  std::vector<Reader> last;  // by array
  for (const Instruction* instruction : computation.instructions()) {
    if (auto passed_on = PassedOnLeaves(*instruction, arrays, begins)) {
      arrays[instruction] = *std::move(passed_on);
      continue;
    }
    for (int64_t k = 0; k < instruction->operand_count(); ++k) {
      for (const Array array : arrays.at(instruction->operand(k))) {
        if (array == kNotOwn) continue;
        last[array] = {instruction, k, last[array].instruction != instruction};
      }
    }
    std::vector<Array>& own = arrays[instruction];
    own.assign(LeafShapes(instruction->shape()).size(), kNotOwn);
    if (!HasBuffers(*instruction)) continue;
    for (Array& array : own) {
      array = static_cast<Array>(last.size());
      last.emplace_back();
    }
  }
  for (const Array array : arrays.at(computation.root())) {
    if (array != kNotOwn) last[array] = {};
  }
  LastReads reads;
  for (const Reader& reader : last) {
    if (reader.instruction == nullptr || reader.instruction->opcode() != Opcode::kFusion) continue;
    if (reader.once) reads[reader.instruction].push_back(static_cast<int>(reader.operand));
  }
  for (auto& [fusion, operands] : reads) std::sort(operands.begin(), operands.end());
  return reads;
}

}  // namespace ingot::program
