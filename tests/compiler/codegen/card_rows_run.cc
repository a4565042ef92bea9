// Runs what card_rows_write compiled on the card, and compares with kernel/arithmetic.h:
// card_rows_run FOLDER.  Exit status 1 where a value is wrong.
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "ir/base/status.h"
#include "tests/compiler/codegen/row_kernels.h"
#include "tests/device/card.h"

namespace ingot::test {
namespace {

// The number of wrong elements; the first few are shown.
absl::StatusOr<int> Check(Card& card, const RowCase& row) {
  const std::vector<std::vector<uint64_t>> operands = Operands(row);
  const std::vector<uint64_t> expected = Expected(row, operands);
  std::vector<std::vector<uint8_t>> memory;
  for (size_t i = 0; i < operands.size(); ++i) {
    memory.push_back(ToMemory(row.operands[i], operands[i]));
  }
  std::vector<uint8_t> result(expected.size() * ByteWidth(row.result), 0xaa);
  const int64_t threads = operands[0].size() / row.lanes;
  INGOT_RETURN_IF_ERROR(card.Run(row.Name(), memory, threads / 4, 4, &result));
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
  INGOT_ASSIGN_OR_RETURN(Card card, Card::Open());
  int rows = 0;
  int wrong_rows = 0;
  for (const RowGroup& group : AllRowGroups(kCardWidths)) {
    INGOT_RETURN_IF_ERROR(card.LoadModule(absl::StrCat(folder, "/", group.name, ".cubin")));
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
