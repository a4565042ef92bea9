// What the arithmetic rows compute, bit for bit, on constants: the reference of README.md's table.
#ifndef INGOT_COMPILER_KERNEL_ARITHMETIC_H_
#define INGOT_COMPILER_KERNEL_ARITHMETIC_H_

#include <cstdint>
#include <optional>

#include "absl/types/span.h"
#include "compiler/kernel/kernel.h"

namespace ingot::kernel {

// Elements are bit patterns in the low BitWidth(element) bits, zeros above.

// The low BitWidth(element) bits.
uint64_t TruncateBits(ElementType element, uint64_t bits);
// `value` wrapped to an integer type or pred.
uint64_t IntegerBits(ElementType element, int64_t value);
// Sign- or zero-extended by the type (integers and pred).
int64_t IntegerValue(ElementType element, uint64_t bits);
// Rounded once.
uint64_t FloatBits(ElementType element, double value);
double FloatValue(ElementType element, uint64_t bits);

// One lane of a lane-wise row (unary, binary, compare, fma, permute, select) whose operands have
// the element type `element` (of a select: its values).  CHECK-fails on other rows.
uint64_t EvaluateLane(Opcode opcode, ElementType element, absl::Span<const uint64_t> operands);

// One lane of `convert`.
uint64_t ConvertLane(ElementType from, ElementType to, uint64_t bits);

// The tree of a horizontal row over the lanes.
uint64_t EvaluateHorizontal(Opcode opcode, ElementType element, absl::Span<const uint64_t> lanes);

// The bits in every lane of `op`'s result when all its operands are constants and the row is pure;
// nullopt when the result is not one value in all lanes or an operand is not constant.
std::optional<uint64_t> FoldToConstant(const Operation& op);

}  // namespace ingot::kernel

#endif  // INGOT_COMPILER_KERNEL_ARITHMETIC_H_
