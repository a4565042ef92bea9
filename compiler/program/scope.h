// A computation whose commands are being emitted: where its values are, and where its results are
// to be.
#ifndef INGOT_COMPILER_PROGRAM_SCOPE_H_
#define INGOT_COMPILER_PROGRAM_SCOPE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "compiler/program/array_uses.h"
#include "ir/analysis/leaves.h"
#include "ir/module.h"
#include "runtime/program.h"

namespace ingot::program {

// Where the arrays of a value are.
using Leaves = std::vector<runtime::BufferSlice>;

struct Scope {
  const ArrayUses uses;
  const Leaves results;  // where each leaf of its result is to be; none: anywhere
  const bool is_entry = false;
  LeafValues<runtime::BufferSlice> values = {};
  // Of memories among `results`, by virtual buffer: the position of the last reader of what was
  // put there.
  absl::flat_hash_map<int32_t, int64_t> busy = {};

  // Notes that the leaf is in this memory.
  void Occupy(const runtime::BufferSlice& memory, const ArrayUses::Use& use);
  // Where the leaf of what the instruction computes is to be at last, if nothing there is read any
  // more; else null.
  const runtime::BufferSlice* OwnPlace(const Instruction& instruction, size_t leaf) const;
};

}  // namespace ingot::program

#endif  // INGOT_COMPILER_PROGRAM_SCOPE_H_
