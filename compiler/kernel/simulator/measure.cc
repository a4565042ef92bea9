#include "compiler/kernel/simulator/measure.h"

#include <algorithm>
#include <bit>

namespace ingot::kernel::simulator {
namespace {

constexpr int kSectorBytes = 32;
constexpr int kBanks = 32;
constexpr int kBankBytes = 4;

}  // namespace

void CountGlobal(const WarpAccess& access, GlobalAccesses& accesses, TouchMap& touched) {
  std::array<int64_t, kWarpSize> offsets;
  int count = 0;
  bool sorted = true;
  for (uint32_t threads = access.threads; threads != 0; threads &= threads - 1) {
    const int64_t offset = access.offsets[std::countr_zero(threads)];
    sorted = sorted && (count == 0 || offsets[count - 1] <= offset);
    offsets[count++] = offset;
  }
  if (count == 0) return;
  if (!sorted) std::sort(offsets.begin(), offsets.begin() + count);
  ++accesses.instructions;
  int64_t last = -1, sector = -1;
  for (int i = 0; i < count; ++i) {
    const int64_t offset = offsets[i];
    if (offset == last) continue;
    last = offset;
    accesses.useful_bytes += access.bytes;
    touched.Add(offset, access.bytes);
    if (offset / kSectorBytes == sector) continue;
    sector = offset / kSectorBytes;
    ++accesses.sectors;
  }
}

int SharedPasses(const WarpAccess& access, int& least) {
  const int words = std::max(1, access.bytes / kBankBytes);
  const int group = kWarpSize / words;  // threads served together
  int passes = 0;
  least = 0;
  for (int first = 0; first < kWarpSize; first += group) {
    // The different words of each bank.
    std::array<std::array<int64_t, kWarpSize>, kBanks> wanted;
    std::array<int, kBanks> counts{};
    int most = 0;
    for (int thread = first; thread < first + group; ++thread) {
      if ((access.threads >> thread & 1) == 0) continue;
      for (int k = 0; k < words; ++k) {
        const int64_t word = access.offsets[thread] / kBankBytes + k;
        const int bank = static_cast<int>(word % kBanks);
        const auto end = wanted[bank].begin() + counts[bank];
        if (std::find(wanted[bank].begin(), end, word) != end) continue;
        *end = word;
        most = std::max(most, ++counts[bank]);
      }
    }
    passes += most;
    least += most > 0;
  }
  return passes;
}

}  // namespace ingot::kernel::simulator
