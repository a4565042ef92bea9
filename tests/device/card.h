// The first card of this machine, and kernels compiled elsewhere that run on it.
#ifndef INGOT_TESTS_DEVICE_CARD_H_
#define INGOT_TESTS_DEVICE_CARD_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "ir/base/tensor_map.h"
#include "runtime/cuda/driver.h"

namespace ingot::test {

// A parameter of a kernel: buffer number `buffer`, or a tensor map of it.
struct CardArgument {
  size_t buffer = 0;
  const TensorMap* map = nullptr;
};

struct CardLaunch {
  std::string kernel;
  std::array<int64_t, 3> grid{1, 1, 1};
  std::array<int, 3> block{1, 1, 1};
  std::array<int, 3> cluster{1, 1, 1};
  int64_t dynamic_shared_bytes = 0;
  std::vector<CardArgument> arguments;
};

class Card {
 public:
  // FailedPrecondition or Unimplemented where there is no driver or no card.
  static absl::StatusOr<Card> Open();

  // The cubin in a file; its kernels replace those of the one before.
  absl::Status LoadModule(const std::string& path);

  // Runs a kernel whose parameters are the operands, then the result.  `result` is what its buffer
  // holds before, then what the kernel leaves in it.
  absl::Status Run(const std::string& kernel, const std::vector<std::vector<uint8_t>>& operands,
                   int64_t blocks, int block_threads, std::vector<uint8_t>* result);
  // The same, of any launch; `buffers` are what they hold before, then after.
  absl::Status Run(const CardLaunch& launch, std::vector<std::vector<uint8_t>>& buffers);

 private:
  explicit Card(const runtime::cuda::Driver* driver) : driver_(driver) {}

  const runtime::cuda::Driver* driver_;
  runtime::cuda::CUmodule module_ = nullptr;
};

}  // namespace ingot::test

#endif  // INGOT_TESTS_DEVICE_CARD_H_
