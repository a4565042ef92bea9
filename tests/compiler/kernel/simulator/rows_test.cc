// Every row × element type × width on the simulator gives the bits of kernel/arithmetic.h, also as
// a kernel for the host; and the functions of rows.h that it uses are there for every row.
#include "compiler/kernel/simulator/rows.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "compiler/kernel/simulator/simulator.h"
#include "tests/compiler/codegen/row_kernels.h"

namespace ingot::kernel::simulator {
namespace {

using test::RowCase;

void CheckRow(const RowCase& row, Machine machine) {
  const std::vector<std::vector<uint64_t>> operands = test::Operands(row);
  const std::vector<uint64_t> expected = test::Expected(row, operands);
  const int64_t count = static_cast<int64_t>(operands[0].size());
  const auto kernel = test::MakeKernel(row, machine, count);
  std::vector<std::vector<uint8_t>> memory;
  for (size_t i = 0; i < operands.size(); ++i) {
    memory.push_back(test::ToMemory(row.operands[i], operands[i]));
  }
  memory.emplace_back(expected.size() * ByteWidth(row.result), 0xaa);
  std::vector<uint8_t> written(memory.back().size(), 0);
  std::vector<std::vector<uint8_t>> aligned;
  std::vector<Argument> arguments;
  std::vector<uint8_t*> data;
  for (const auto& bytes : memory) {
    aligned.emplace_back(bytes.size() + 64);
    uint8_t* const start = aligned.back().data();
    data.push_back(start + (64 - reinterpret_cast<uintptr_t>(start) % 64) % 64);
    std::copy(bytes.begin(), bytes.end(), data.back());
    arguments.push_back(Argument::Initialised(data.back()));
  }
  arguments.back().written = written.data();
  const auto report = Simulate(*kernel, arguments, {});
  ASSERT_TRUE(report.ok()) << report.status();
  ASSERT_TRUE(report->status().ok()) << report->ToString();
  memory.back().assign(data.back(), data.back() + memory.back().size());
  int wrong = 0;
  for (size_t i = 0; i < expected.size() && wrong < 3; ++i) {
    const uint64_t actual = test::FromMemory(row.result, memory.back(), i);
    if (actual == expected[i]) continue;
    ++wrong;
    std::string inputs;
    for (const auto& operand : operands) absl::StrAppend(&inputs, " ", absl::Hex(operand[i]));
    ADD_FAILURE() << row.Name() << "(" << inputs << " ) element " << i << " is "
                  << absl::StrCat(absl::Hex(actual), ", not ", absl::Hex(expected[i]));
  }
}

TEST(Rows, EveryRowTypeAndWidthGivesWhatFoldGives) {
  int rows = 0;
  for (const test::RowGroup& group : test::AllRowGroups({1, 4, 16})) {
    for (const RowCase& row : group.rows) {
      CheckRow(row, Machine::kGpu);
      ++rows;
    }
  }
  EXPECT_GT(rows, 3000);
}

TEST(Rows, OnTheHostToo) {
  for (const test::RowGroup& group : test::AllRowGroups({8})) {
    CheckRow(group.rows[0], Machine::kHost);
  }
}

}  // namespace
}  // namespace ingot::kernel::simulator
