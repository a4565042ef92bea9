#include "compiler/program/scope.h"

#include <algorithm>

namespace ingot::program {

void Scope::Occupy(const runtime::BufferSlice& memory, const ArrayUses::Use& use) {
  if (memory.allocation != runtime::Allocation::kArena) return;
  int64_t& last = busy.try_emplace(memory.index, ArrayUses::kNever).first->second;
  last = std::max(last, use.last);
}

const runtime::BufferSlice* Scope::OwnPlace(const Instruction& instruction, size_t leaf) const {
  if (results.empty()) return nullptr;
  for (int result : uses.Of(instruction, static_cast<int64_t>(leaf))->results) {
    const auto last = busy.find(results[result].index);
    if (last == busy.end() || last->second < uses.PositionOf(instruction)) {
      return &results[result];
    }
  }
  return nullptr;
}

}  // namespace ingot::program
