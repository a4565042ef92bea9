// Tables with one row for each op of a kind.
//
// An aspect (infer, evaluate, lower) has one switch over the op kinds, and in each kind's file a
// table of functions.  That a table has exactly the ops of its kind is checked when it is compiled,
// so that a new op is an error wherever it has to be thought of:
//
//   constexpr OpRow<Evaluate> kRows[] = {{Opcode::kSort, Sort}, {Opcode::kTopK, TopK}};
//   static_assert(IsTableOf(OpKind::kSorting, kRows));
#ifndef INGOT_IR_OP_TABLE_H_
#define INGOT_IR_OP_TABLE_H_

#include <cstddef>

#include "ir/base/check.h"
#include "ir/opcode.h"

namespace ingot {

// `Function` is a function's type.
template <typename Function>
struct OpRow {
  Opcode opcode;
  Function* function;
};

template <typename Function, size_t n>
constexpr bool IsTableOf(OpKind kind, const OpRow<Function> (&rows)[n]) {
  for (int opcode = 0; opcode < kOpcodeCount; ++opcode) {
    int found = 0;
    for (const OpRow<Function>& row : rows) found += static_cast<int>(row.opcode) == opcode ? 1 : 0;
    if (found != (KindOf(static_cast<Opcode>(opcode)) == kind ? 1 : 0)) return false;
  }
  return true;
}

// The function of an op of the table's kind.
template <typename Function, size_t n>
Function* FunctionOf(const OpRow<Function> (&rows)[n], Opcode opcode) {
  for (const OpRow<Function>& row : rows) {
    if (row.opcode == opcode) return row.function;
  }
  INGOT_UNREACHABLE() << OpcodeName(opcode) << " is of another kind";
  return nullptr;
}

}  // namespace ingot

#endif  // INGOT_IR_OP_TABLE_H_
