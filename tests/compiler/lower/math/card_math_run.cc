// Runs the kernels that card_math_write compiled on the card: card_math_run FILE [all].  With
// "all", the pairs of all significands too.  Exit status 1 where a bound does not hold.
#include <bit>
#include <cstdio>
#include <cstring>
#include <string>

#include "ir/base/status.h"
#include "tests/compiler/lower/math/card_math.h"
#include "tests/device/card.h"

namespace ingot::test {
namespace {

absl::StatusOr<int> Run(const std::string& path, bool all) {
  INGOT_ASSIGN_OR_RETURN(Card card, Card::Open());
  INGOT_RETURN_IF_ERROR(card.LoadModule(path));
  int wrong = 0;
  for (const CardCase& test : CardCases(all)) {
    std::vector<uint8_t> result(8, 0);
    const kernel::Launch& launch = test.kernel->launch();
    INGOT_RETURN_IF_ERROR(card.Run(test.name, {}, launch.grid[0], launch.block[0], &result));
    uint64_t worst;
    std::memcpy(&worst, result.data(), sizeof(worst));
    const float error = std::bit_cast<float>(static_cast<uint32_t>(worst >> 32));
    const bool holds = error <= test.bound;
    wrong += !holds;
    std::printf("%-26s %.4f of %g units, at %08x%s\n", test.name.c_str(), error, test.bound,
                static_cast<uint32_t>(worst), holds ? "" : "  WRONG");
  }
  return wrong;
}

}  // namespace
}  // namespace ingot::test

int main(int argc, char** argv) {
  const bool all = argc == 3 && std::string(argv[2]) == "all";
  if (argc != 2 && !all) {
    std::fprintf(stderr, "usage: card_math_run FILE [all]\n");
    return 2;
  }
  const absl::StatusOr<int> wrong = ingot::test::Run(argv[1], all);
  if (!wrong.ok()) std::fprintf(stderr, "error: %s\n", wrong.status().ToString().c_str());
  return wrong.ok() && *wrong == 0 ? 0 : 1;
}
