// Runs what card_rows_write compiled on the card, and compares with kernel/fold.h:
// card_rows_run FOLDER.  Exit status 1 where a value is wrong.
#include <cstdio>
#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "ir/base/status.h"
#include "runtime/cuda/driver.h"
#include "tests/compiler/codegen/row_kernels.h"

namespace ingot::test {
namespace {

using namespace runtime::cuda;  // the driver's names

class Card {
 public:
  explicit Card(const Driver* driver) : driver_(*driver) {}

  absl::Status Open() {
    CUdevice device;
    CUcontext context;
    INGOT_CUDA_RETURN_IF_ERROR(driver_, cuDeviceGet(&device, 0));
    INGOT_CUDA_RETURN_IF_ERROR(driver_, cuDevicePrimaryCtxRetain(&context, device));
    INGOT_CUDA_RETURN_IF_ERROR(driver_, cuCtxPushCurrent_v2(context));
    return absl::OkStatus();
  }

  absl::Status LoadModule(const std::vector<char>& cubin) {
    INGOT_CUDA_RETURN_IF_ERROR(driver_,
                               cuModuleLoadDataEx(&module_, cubin.data(), 0, nullptr, nullptr));
    return absl::OkStatus();
  }

  // Runs a row; `result` has its size and becomes what the card wrote.
  absl::Status Run(const RowCase& row, const std::vector<std::vector<uint8_t>>& operands,
                   int64_t threads, std::vector<uint8_t>* result) {
    CUfunction function;
    INGOT_CUDA_RETURN_IF_ERROR(driver_,
                               cuModuleGetFunction(&function, module_, row.Name().c_str()));
    std::vector<CUdeviceptr> addresses(operands.size() + 1);
    for (size_t i = 0; i < operands.size(); ++i) {
      INGOT_CUDA_RETURN_IF_ERROR(driver_, cuMemAlloc_v2(&addresses[i], operands[i].size()));
      INGOT_CUDA_RETURN_IF_ERROR(driver_, cuMemcpyHtoDAsync_v2(addresses[i], operands[i].data(),
                                                               operands[i].size(), nullptr));
    }
    INGOT_CUDA_RETURN_IF_ERROR(driver_, cuMemAlloc_v2(&addresses.back(), result->size()));
    INGOT_CUDA_RETURN_IF_ERROR(driver_,
                               cuMemsetD8Async(addresses.back(), 0xaa, result->size(), nullptr));
    std::vector<void*> parameters;
    for (CUdeviceptr& address : addresses) parameters.push_back(&address);
    LaunchConfig config = {};
    config.grid_x = threads / 4;
    config.grid_y = config.grid_z = config.block_y = config.block_z = 1;
    config.block_x = 4;
    INGOT_CUDA_RETURN_IF_ERROR(driver_,
                               cuLaunchKernelEx(&config, function, parameters.data(), nullptr));
    INGOT_CUDA_RETURN_IF_ERROR(
        driver_, cuMemcpyDtoHAsync_v2(result->data(), addresses.back(), result->size(), nullptr));
    INGOT_CUDA_RETURN_IF_ERROR(driver_, cuStreamSynchronize(nullptr));
    for (CUdeviceptr address : addresses) {
      INGOT_CUDA_RETURN_IF_ERROR(driver_, cuMemFree_v2(address));
    }
    return absl::OkStatus();
  }

 private:
  const Driver& driver_;
  CUmodule module_ = nullptr;
};

// The number of wrong elements; the first few are shown.
absl::StatusOr<int> Check(Card& card, const RowCase& row) {
  const std::vector<std::vector<uint64_t>> operands = Operands(row);
  const std::vector<uint64_t> expected = Expected(row, operands);
  std::vector<std::vector<uint8_t>> memory;
  for (size_t i = 0; i < operands.size(); ++i) {
    memory.push_back(ToMemory(row.operands[i], operands[i]));
  }
  std::vector<uint8_t> result(expected.size() * ByteWidth(row.result));
  INGOT_RETURN_IF_ERROR(card.Run(row, memory, operands[0].size() / row.lanes, &result));
  int wrong = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    const uint64_t actual = FromMemory(row.result, result, i);
    if (SameValue(row.result, actual, expected[i])) continue;
    if (++wrong > 3) continue;
    std::string inputs;
    for (const auto& operand : operands) absl::StrAppend(&inputs, " ", absl::Hex(operand[i]));
    std::printf("%s(%s ) element %zu is %s\n", row.Name().c_str(), inputs.c_str(), i,
                absl::StrCat(absl::Hex(actual), ", not ", absl::Hex(expected[i])).c_str());
  }
  return wrong;
}

absl::StatusOr<int> Run(const std::string& folder) {
  INGOT_ASSIGN_OR_RETURN(const Driver* driver, OpenDriver());
  Card card(driver);
  INGOT_RETURN_IF_ERROR(card.Open());
  int rows = 0;
  int wrong_rows = 0;
  for (const RowGroup& group : AllRowGroups(kCardWidths)) {
    std::ifstream file(absl::StrCat(folder, "/", group.name, ".cubin"), std::ios::binary);
    const std::vector<char> cubin{std::istreambuf_iterator<char>(file), {}};
    if (cubin.empty()) return InvalidArgument("no ", group.name, ".cubin in ", folder);
    INGOT_RETURN_IF_ERROR(card.LoadModule(cubin));
    for (const RowCase& row : group.rows) {
      INGOT_ASSIGN_OR_RETURN(const int wrong, Check(card, row));
      ++rows;
      wrong_rows += wrong > 0;
    }
  }
  std::printf("%d of %d rows are wrong\n", wrong_rows, rows);
  return wrong_rows;
}

}  // namespace
}  // namespace ingot::test

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: card_rows_run FOLDER\n");
    return 2;
  }
  const absl::StatusOr<int> wrong = ingot::test::Run(argv[1]);
  if (!wrong.ok()) std::fprintf(stderr, "error: %s\n", wrong.status().ToString().c_str());
  return wrong.ok() && *wrong == 0 ? 0 : 1;
}
