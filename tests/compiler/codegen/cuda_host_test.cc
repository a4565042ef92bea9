// Every row × type of CUDA C++, run by the host: the second renderer against kernel/arithmetic.h.
// The sources are compiled with the sanitizer of undefined behaviour, for what C++ leaves undefined
// a compiler for a card may use.
#include "tests/compiler/codegen/cuda_host.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <memory>

#include "absl/strings/str_cat.h"
#include "tests/compiler/codegen/row_kernels.h"

// Written by cuda_rows_write; the last one of each has no name.
extern const CudaKernel kCudaKernels0[];
extern const CudaKernel kCudaKernels1[];
extern const CudaKernel kCudaKernels2[];
extern const CudaKernel kCudaKernels3[];

namespace ingot::test {
namespace {

std::map<std::string, void*> Kernels() {
  std::map<std::string, void*> kernels;
  for (const CudaKernel* part : {kCudaKernels0, kCudaKernels1, kCudaKernels2, kCudaKernels3}) {
    for (; part->name != nullptr; ++part) kernels[part->name] = part->function;
  }
  return kernels;
}

using Memory = std::unique_ptr<uint8_t, void (*)(void*)>;

Memory Aligned(const std::vector<uint8_t>& bytes) {
  Memory memory(static_cast<uint8_t*>(std::aligned_alloc(64, (bytes.size() + 63) / 64 * 64)),
                std::free);
  std::copy(bytes.begin(), bytes.end(), memory.get());
  return memory;
}

// One thread's call.
void Call(void* function, const std::vector<Memory>& buffers) {
  using Pointer = void*;
  if (buffers.size() == 2) {
    reinterpret_cast<void (*)(Pointer, Pointer)>(function)(buffers[0].get(), buffers[1].get());
  } else if (buffers.size() == 3) {
    reinterpret_cast<void (*)(Pointer, Pointer, Pointer)>(function)(
        buffers[0].get(), buffers[1].get(), buffers[2].get());
  } else {
    ASSERT_EQ(buffers.size(), 4u);
    reinterpret_cast<void (*)(Pointer, Pointer, Pointer, Pointer)>(function)(
        buffers[0].get(), buffers[1].get(), buffers[2].get(), buffers[3].get());
  }
}

void Check(const RowCase& row, void* function) {
  const std::vector<std::vector<uint64_t>> operands = Operands(row);
  const std::vector<uint64_t> expected = Expected(row, operands);
  std::vector<Memory> buffers;
  for (size_t i = 0; i < operands.size(); ++i) {
    buffers.push_back(Aligned(ToMemory(row.operands[i], operands[i])));
  }
  const std::vector<uint8_t> untouched(expected.size() * ByteWidth(row.result), 0xaa);
  buffers.push_back(Aligned(untouched));
  const auto threads = static_cast<unsigned>(operands[0].size() / row.lanes);
  for (unsigned i = 0; i < threads; ++i) {
    blockIdx.x = i / 4;  // blocks of MakeKernel
    threadIdx.x = i % 4;
    Call(function, buffers);
  }
  const std::vector<uint8_t> result(buffers.back().get(), buffers.back().get() + untouched.size());
  int wrong = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    const uint64_t actual = FromMemory(row.result, result, i);
    if (SameValue(row.result, actual, expected[i])) continue;
    if (++wrong > 4) break;
    std::string inputs;
    for (const auto& operand : operands) {
      absl::StrAppend(&inputs, " ", absl::Hex(operand[row.IsHorizontal() ? i * row.lanes : i]));
    }
    ADD_FAILURE() << row.Name() << "(" << inputs << " ) element " << i << " is "
                  << absl::StrCat(absl::Hex(actual), ", not ", absl::Hex(expected[i]));
  }
}

TEST(CudaHost, EveryRowGivesTheBitsOfArithmetic) {
  const std::map<std::string, void*> kernels = Kernels();
  size_t rows = 0;
  for (const RowGroup& group : AllRowGroups(kCardWidths)) {
    for (const RowCase& row : group.rows) {
      const auto found = kernels.find(row.Name());
      ASSERT_NE(found, kernels.end()) << row.Name();
      Check(row, found->second);
      ++rows;
    }
  }
  EXPECT_EQ(rows, kernels.size());
}

}  // namespace
}  // namespace ingot::test
