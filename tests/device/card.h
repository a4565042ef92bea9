// The first card of this machine, and kernels compiled elsewhere that run on it.
#ifndef INGOT_TESTS_DEVICE_CARD_H_
#define INGOT_TESTS_DEVICE_CARD_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "runtime/cuda/driver.h"

namespace ingot::test {

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

 private:
  explicit Card(const runtime::cuda::Driver* driver) : driver_(driver) {}

  const runtime::cuda::Driver* driver_;
  runtime::cuda::CUmodule module_ = nullptr;
};

}  // namespace ingot::test

#endif  // INGOT_TESTS_DEVICE_CARD_H_
