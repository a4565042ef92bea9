// Runs what card_rows_write compiled on the card, and compares with kernel/arithmetic.h:
// card_rows_run FOLDER.  Both renderers' code, where it is there.  Exit status 1 where a value is
// wrong.
#include <cstdio>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "compiler/codegen/cuda/cuda_codegen.h"
#include "ir/base/status.h"
#include "tests/compiler/codegen/row_kernels.h"
#include "tests/device/card.h"

namespace ingot::test {
namespace {

// The number of wrong elements; the first few are shown.
absl::StatusOr<int> Check(Card& card, const RowCase& row, const std::string& entry) {
  const std::vector<std::vector<uint64_t>> operands = Operands(row);
  const std::vector<uint64_t> expected = Expected(row, operands);
  std::vector<std::vector<uint8_t>> memory;
  for (size_t i = 0; i < operands.size(); ++i) {
    memory.push_back(ToMemory(row.operands[i], operands[i]));
  }
  std::vector<uint8_t> result(expected.size() * ByteWidth(row.result), 0xaa);
  const int64_t threads = operands[0].size() / row.lanes;
  INGOT_RETURN_IF_ERROR(card.Run(entry, memory, threads / 4, 4, &result));
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

// The number of rows that are wrong in the files GROUP + `suffix`; those that are not there are
// passed over.
absl::StatusOr<int> Run(Card& card, const std::string& folder, const std::string& suffix,
                        bool is_cuda) {
  int rows = 0;
  int wrong_rows = 0;
  for (const RowGroup& group : AllRowGroups(kCardWidths)) {
    const std::string path = absl::StrCat(folder, "/", group.name, suffix);
    if (is_cuda && !std::filesystem::exists(path)) continue;
    INGOT_RETURN_IF_ERROR(card.LoadModule(path));
    for (const RowCase& row : group.rows) {
      const std::string entry = is_cuda ? codegen::CudaEntryName(row.Name()) : row.Name();
      INGOT_ASSIGN_OR_RETURN(const int wrong, Check(card, row, entry));
      ++rows;
      wrong_rows += wrong > 0;
    }
  }
  std::printf("%d of %d rows of %s are wrong\n", wrong_rows, rows, suffix.c_str());
  return wrong_rows;
}

absl::StatusOr<int> Run(const std::string& folder) {
  INGOT_ASSIGN_OR_RETURN(Card card, Card::Open());
  INGOT_ASSIGN_OR_RETURN(const int of_llvm, Run(card, folder, ".cubin", /*is_cuda=*/false));
  INGOT_ASSIGN_OR_RETURN(const int of_nvrtc, Run(card, folder, ".nvrtc.cubin", /*is_cuda=*/true));
  return of_llvm + of_nvrtc;
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
