// Kernels of mbarriers, bulk copies, clusters and wgmma, and what their buffers hold before: for
// the simulator's tests, and to be compared with a card.
#ifndef INGOT_TESTS_COMPILER_KERNEL_ASYNCHRONOUS_KERNELS_H_
#define INGOT_TESTS_COMPILER_KERNEL_ASYNCHRONOUS_KERNELS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "ir/base/element_type.h"

namespace ingot::test {

// Each block of 64 threads copies its part of %x (f32[256]) to %y, turned around.
extern const char* const kBulkLoad;
// %y (f32[224]) is %x + 1: a producer and a consumer warp with a ring of two stages.
extern const char* const kRing;
// %y (f32[128]) is 1, 2, …: two blocks store twice.
extern const char* const kBulkStore;
// %y (f32[24,40]): element (row, column) is 100 row + column for columns below 37.
extern const char* const kTensorStore;
// %y (f32[512]): pairs of blocks bring halves of a tile of %x (f32[256]) to one another.
extern const char* const kCluster;
// %y (u32[128]): what is beyond 18 bits of addresses in shared memory, in clusters of two: nothing.
extern const char* const kSharedAddresses;

// Loads the box at (x, y, …) of %x (f32[4096]), and stores its bytes in their order in shared
// memory to %y, of `words` words, a multiple of 32.  `map`: what follows the buffer in its text.
std::string BoxKernel(const std::string& map, int words, const std::string& at,
                      const std::string& row = "tensor_load");

// A product of a warpgroup: its row, but for _a, and how its operands lie.
struct ProductCase {
  const char* row;
  ElementType a, b;
  int n;
  int a_swizzle = 0, b_swizzle = 0;
  bool a_along_rows = false, b_along_rows = false;
  bool a_in_registers = false;

  std::string Name() const;
};
// Every type with that n, where it has it.
std::vector<ProductCase> ProductsOf(int n, int swizzle, bool in_registers);

// A kernel that computes twice the product of small integers: %y [64, n] from %x, the bytes of
// shared memory, and %r, the first operand in registers.
class Product {
 public:
  Product(const ProductCase& c, uint64_t seed);

  std::string Text() const;
  std::vector<uint32_t> SharedWords() const;
  std::vector<uint32_t> Registers() const;
  double Expected(int row, int column) const;

 private:
  const ProductCase c_;
  std::vector<uint64_t> a_, b_;  // bits, k fastest
};

// A kernel @k, and its buffers where they are not zeros.
struct InstructionCase {
  std::string name;
  std::string text;
  std::map<std::string, std::vector<uint8_t>> inputs;
};
// All of them, with boxes of every rank, swizzle and fill.
std::vector<InstructionCase> InstructionCases();

}  // namespace ingot::test

#endif  // INGOT_TESTS_COMPILER_KERNEL_ASYNCHRONOUS_KERNELS_H_
