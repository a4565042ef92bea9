// Kernels that apply one row to buffers, the values to try them on, and what has to come out.
#ifndef INGOT_TESTS_COMPILER_CODEGEN_ROW_KERNELS_H_
#define INGOT_TESTS_COMPILER_CODEGEN_ROW_KERNELS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "compiler/kernel/builder.h"

namespace ingot::test {

// One row for operands of some element types, `lanes` at a time.
struct RowCase {
  kernel::Opcode opcode;
  std::vector<ElementType> operands;
  ElementType result;
  int lanes;

  bool IsHorizontal() const;
  std::string Name() const;  // "add_f32x4"
};

// Every opcode of arithmetic (unary, binary, compare, ternary, select).
std::vector<kernel::Opcode> LaneWiseOpcodes();
std::vector<kernel::Opcode> HorizontalOpcodes();
// The row's cases for each element type that it takes.
std::vector<RowCase> CasesOf(kernel::Opcode opcode, const std::vector<int>& widths);
// `convert` from `from` to every type.
std::vector<RowCase> ConversionsFrom(ElementType from, const std::vector<int>& widths);

// Rows that are compiled as one module.
struct RowGroup {
  std::string name;
  std::vector<RowCase> rows;
};
// Every row × type × width: lane-wise, horizontal, and all conversions.
std::vector<RowGroup> AllRowGroups(const std::vector<int>& widths);

// The widths that card_rows_write and cuda_rows_write write.
const std::vector<int> kCardWidths = {1, 2, 4, 16};

// Parameters: a buffer an operand, then the result; each of `count` elements (the result of a
// horizontal row of count / lanes).  A thread or task takes `lanes` elements.
std::unique_ptr<kernel::Kernel> MakeKernel(const RowCase& row, kernel::Machine machine,
                                           int64_t count);

// Element patterns: all there are of small types; else extremes, special values and random ones.
std::vector<uint64_t> InterestingBits(ElementType type);
// Operand buffers, as bits: combinations of interesting values, the same number of elements each (a
// multiple of 64), all combinations for one or two operands.
std::vector<std::vector<uint64_t>> Operands(const RowCase& row);
// The bits that have to come out, by kernel/arithmetic.h.
std::vector<uint64_t> Expected(const RowCase& row,
                               const std::vector<std::vector<uint64_t>>& operands);

// Elements as they lie in memory.
std::vector<uint8_t> ToMemory(ElementType type, const std::vector<uint64_t>& bits);
uint64_t FromMemory(ElementType type, const std::vector<uint8_t>& memory, int64_t index);
// The same bits, or both NaN: which NaN is not specified.
bool SameValue(ElementType type, uint64_t a, uint64_t b);

}  // namespace ingot::test

#endif  // INGOT_TESTS_COMPILER_CODEGEN_ROW_KERNELS_H_
