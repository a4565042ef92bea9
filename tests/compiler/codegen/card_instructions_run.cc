// Runs what card_instructions_write compiled on the card, and compares with what the simulator left
// in every buffer: card_instructions_run FOLDER.  Both renderers' code, where it is there.  Floats
// that are NaN on both sides are the same.  Exit status 1 where a value is wrong.
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "compiler/codegen/cuda/cuda_codegen.h"
#include "compiler/codegen/ptx/instructions.h"
#include "ir/base/status.h"
#include "tests/compiler/codegen/card_instructions.h"
#include "tests/device/card.h"

namespace ingot::test {
namespace {

CardLaunch LaunchOf(const kernel::Kernel& kernel, const std::string& entry) {
  CardLaunch launch;
  launch.kernel = entry;
  launch.grid = kernel.launch().grid;
  launch.block = kernel.launch().block;
  launch.cluster = kernel.launch().cluster;
  const int64_t shared = kernel::PlaceShared(kernel).bytes;
  launch.dynamic_shared_bytes = shared > codegen::kStaticSharedBytes ? shared : 0;
  std::vector<const kernel::Buffer*> buffers;
  for (const kernel::Parameter& parameter : kernel.parameters()) {
    if (parameter.kind == kernel::Parameter::Kind::kBuffer) {
      launch.arguments.push_back({buffers.size()});
      buffers.push_back(parameter.buffer);
      continue;
    }
    const auto buffer = std::find(buffers.begin(), buffers.end(), parameter.map->buffer);
    launch.arguments.push_back(
        {static_cast<size_t>(buffer - buffers.begin()), &parameter.map->recipe});
  }
  return launch;
}

bool Same(uint32_t a, uint32_t b) {
  float x, y;
  std::memcpy(&x, &a, sizeof(x));
  std::memcpy(&y, &b, sizeof(y));
  return a == b || (std::isnan(x) && std::isnan(y));
}

absl::StatusOr<bool> IsRight(Card& card, const std::string& folder, const InstructionCase& one,
                             bool is_cuda) {
  INGOT_ASSIGN_OR_RETURN(const auto kernel, KernelOf(one));
  std::ifstream file(ExpectedPath(folder, one), std::ios::binary);
  const std::vector<char> expected{std::istreambuf_iterator<char>(file), {}};
  std::vector<std::vector<uint8_t>> buffers = BuffersOf(one, *kernel);
  const std::string entry = is_cuda ? codegen::CudaEntryName(one.name) : one.name;
  INGOT_RETURN_IF_ERROR(card.Run(LaunchOf(*kernel, entry), buffers));
  std::vector<uint8_t> all;
  for (const std::vector<uint8_t>& bytes : buffers)
    all.insert(all.end(), bytes.begin(), bytes.end());
  if (all.size() != expected.size()) return InvalidArgument("other buffers");
  int wrong = 0;
  for (size_t i = 0; i + 4 <= all.size(); i += 4) {
    uint32_t have, want;
    std::memcpy(&have, &all[i], sizeof(have));
    std::memcpy(&want, &expected[i], sizeof(want));
    if (Same(have, want)) continue;
    if (++wrong <= 3) {
      std::printf("%s: word %zu is %08x, the simulator's %08x\n", one.name.c_str(), i / 4, have,
                  want);
    }
  }
  return wrong == 0;
}

// The number of cases that are wrong.
absl::StatusOr<int> Run(Card& card, const std::string& folder, bool is_cuda) {
  const std::string path =
      absl::StrCat(folder, is_cuda ? "/instructions.nvrtc.cubin" : "/instructions.cubin");
  if (is_cuda && !std::filesystem::exists(path)) return 0;
  INGOT_RETURN_IF_ERROR(card.LoadModule(path));
  int wrong = 0, all = 0;
  for (const InstructionCase& one : InstructionCases()) {
    // The last name is that of a kernel that waits for ever.
    std::printf("%s\n", one.name.c_str());
    std::fflush(stdout);
    absl::StatusOr<bool> right = IsRight(card, folder, one, is_cuda);
    // A fault of the card ends its context: nothing that follows would run.
    INGOT_RETURN_IF_ERROR(Annotate(right.status(), one.name));
    wrong += *right ? 0 : 1;
    ++all;
  }
  std::printf("%d of %d kernels of %s are wrong\n", wrong, all, path.c_str());
  return wrong;
}

absl::StatusOr<int> Run(const std::string& folder) {
  INGOT_ASSIGN_OR_RETURN(Card card, Card::Open());
  INGOT_ASSIGN_OR_RETURN(const int of_llvm, Run(card, folder, /*is_cuda=*/false));
  INGOT_ASSIGN_OR_RETURN(const int of_nvrtc, Run(card, folder, /*is_cuda=*/true));
  return of_llvm + of_nvrtc;
}

}  // namespace
}  // namespace ingot::test

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: card_instructions_run FOLDER\n");
    return 2;
  }
  const absl::StatusOr<int> wrong = ingot::test::Run(argv[1]);
  if (!wrong.ok()) std::fprintf(stderr, "error: %s\n", wrong.status().ToString().c_str());
  return wrong.ok() && *wrong == 0 ? 0 : 1;
}
