// Kernels of radix passes (plan/radix_pass.h), of whatever entries.
#ifndef INGOT_COMPILER_LOWER_RADIX_PASS_H_
#define INGOT_COMPILER_LOWER_RADIX_PASS_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "compiler/lower/frame.h"
#include "compiler/plan/radix_pass.h"

namespace ingot::lower {

// What is sorted: rows of entries, of a few fields each.  Numbers of rows and entries (of a row)
// are values of the kernel's index type.
struct RadixEntries {
  using Value = kernel::Value;

  plan::RadixPasses plan;
  int64_t rows = 1;
  int64_t size = 1;                 // of a row
  kernel::Buffer* words = nullptr;  // null where a tile holds a row

  // For the kernel that counts: the digits of an entry in all passes, s32.
  std::function<std::vector<Value>(Value row, Value number)> digits;

  // For a pass: the types of the fields, of which field 0 has the digit; what loads a field, and
  // stores it to place `to` of the row.
  std::vector<ElementType> types;
  int bits = 1;  // of this pass's digit
  std::function<Value(Value field)> digit_of;
  std::function<Value(size_t field, Value row, Value number)> load;
  std::function<void(size_t field, Value row, Value to, Value value)> store;

  // Loads what `digits`, or `load` of field 0, computes with; may be null.
  std::function<void(Value row, Value number)> touch;
};

// `shift` and so many bits of a key, u32 or u64, as s32.
kernel::Value RadixDigit(kernel::Builder& b, kernel::Value key, int shift, int bits);

// The three kernels.  The launch is the plan's already.
void LowerRadixClear(Frame& frame, kernel::Buffer* words);
void LowerRadixCount(Frame& frame, const RadixEntries& entries);
void LowerRadixPass(Frame& frame, const RadixEntries& entries);

}  // namespace ingot::lower

#endif  // INGOT_COMPILER_LOWER_RADIX_PASS_H_
