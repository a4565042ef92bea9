// Every row × element type × width: on the host, against kernel/arithmetic.h; as PTX, that it
// assembles.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "compiler/codegen/cubin/cubin.h"
#include "compiler/codegen/llvm/llvm_codegen.h"
#include "runtime/host/kernel_abi.h"
#include "tests/compiler/codegen/row_kernels.h"

namespace ingot::test {
namespace {

using kernel::Opcode;

class Stopwatch {
 public:
  double Milliseconds() const {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start_)
        .count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// Runs a row's function on all its operands; counts and shows what is wrong.
void CheckOnHost(const RowCase& row, void* function,
                 const std::vector<std::vector<uint64_t>>& operands) {
  const int64_t count = static_cast<int64_t>(operands[0].size());
  const std::vector<uint64_t> expected = Expected(row, operands);
  // Aligned as the buffers of a program are.
  std::vector<std::vector<uint8_t>> memory;
  for (size_t i = 0; i < operands.size(); ++i) {
    memory.push_back(ToMemory(row.operands[i], operands[i]));
  }
  memory.emplace_back(expected.size() * ByteWidth(row.result), 0xaa);
  std::vector<std::unique_ptr<uint8_t, void (*)(void*)>> aligned;
  std::vector<uint64_t> arguments;
  for (const auto& bytes : memory) {
    aligned.emplace_back(
        static_cast<uint8_t*>(std::aligned_alloc(64, (bytes.size() + 63) / 64 * 64)), std::free);
    std::copy(bytes.begin(), bytes.end(), aligned.back().get());
    arguments.push_back(reinterpret_cast<uint64_t>(aligned.back().get()));
  }
  const int64_t tasks = count / row.lanes;
  const auto run = reinterpret_cast<runtime::HostKernel>(function);
  run(arguments.data(), 0, tasks / 2);
  run(arguments.data(), tasks / 2, tasks / 2);  // an empty range is none
  run(arguments.data(), tasks / 2, tasks);
  memory.back().assign(aligned.back().get(), aligned.back().get() + memory.back().size());

  int wrong = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    const uint64_t actual = FromMemory(row.result, memory.back(), i);
    if (SameValue(row.result, actual, expected[i])) continue;
    if (++wrong > 4) break;
    std::string inputs;
    for (const auto& operand : operands) absl::StrAppend(&inputs, " ", absl::Hex(operand[i]));
    ADD_FAILURE() << row.Name() << "(" << inputs << " ) element " << i << " is "
                  << absl::StrCat(absl::Hex(actual), ", not ", absl::Hex(expected[i]));
  }
}

void CheckOnHost(const std::vector<RowCase>& rows, const Target& target) {
  if (rows.empty()) return;
  kernel::KernelModule module;
  std::vector<std::vector<std::vector<uint64_t>>> operands;
  for (const RowCase& row : rows) {
    operands.push_back(Operands(row));
    module.kernels.push_back(MakeKernel(row, kernel::Machine::kHost, operands.back()[0].size()));
  }
  const Stopwatch watch;
  auto code = codegen::CompileForHost(module, target);
  ASSERT_TRUE(code.ok()) << code.status();
  std::printf("%-24s %4zu kernels, %.2f ms each\n", rows[0].Name().c_str(), rows.size(),
              watch.Milliseconds() / rows.size());
  auto jit = codegen::LoadWithOrc(*code, module);
  ASSERT_TRUE(jit.ok()) << jit.status();
  for (size_t i = 0; i < rows.size(); ++i) {
    CheckOnHost(rows[i], jit->functions[i].second, operands[i]);
  }
}

// Rows that were asked for on purpose may have a fused multiply-add; no other.
void CheckPtxText(const std::string& ptx, bool may_fuse, const std::string& name) {
  EXPECT_EQ(ptx.find(".ftz"), std::string::npos) << name;
  EXPECT_EQ(ptx.find("call"), std::string::npos) << name;
  EXPECT_EQ(ptx.find(".local"), std::string::npos) << name;
  EXPECT_EQ(ptx.find(".approx"), std::string::npos) << name;
  if (!may_fuse) {
    EXPECT_EQ(ptx.find("fma."), std::string::npos) << name;
    EXPECT_EQ(ptx.find("mul.f"), std::string::npos) << name << ": may be contracted by ptxas";
    EXPECT_EQ(ptx.find("add.f"), std::string::npos) << name << ": may be contracted by ptxas";
  }
}

void CheckAsPtx(const std::vector<RowCase>& rows, const char* architecture) {
  if (rows.empty()) return;
  kernel::KernelModule module;
  for (const RowCase& row : rows) {
    module.kernels.push_back(MakeKernel(row, kernel::Machine::kGpu, 4096));
  }
  const Target& target = **FindTarget(architecture);
  const Stopwatch watch;
  auto code = codegen::CompileToPtx(module, target);
  ASSERT_TRUE(code.ok()) << code.status();
  const double ptx_time = watch.Milliseconds();
  CheckPtxText(code->ptx, rows[0].opcode == Opcode::kFma, rows[0].Name());
  const auto cubin = codegen::PtxToCubin(code->ptx, target.name);
  ASSERT_TRUE(cubin.ok()) << rows[0].Name() << ": " << cubin.status();
  std::printf("%-24s %4zu kernels, PTX %.2f ms, cubin %.2f ms each\n", rows[0].Name().c_str(),
              rows.size(), ptx_time / rows.size(), (watch.Milliseconds() - ptx_time) / rows.size());
}

const Target& Host() { return *HostTarget(); }

TEST(HostRows, LaneWise) {
  for (Opcode opcode : LaneWiseOpcodes()) CheckOnHost(CasesOf(opcode, {1, 2, 4, 8, 16}), Host());
}

TEST(HostRows, OddAndWideVectors) {
  for (Opcode opcode : {Opcode::kAdd, Opcode::kMin, Opcode::kLt, Opcode::kDiv}) {
    CheckOnHost(CasesOf(opcode, {32, 64}), Host());
  }
}

TEST(HostRows, Horizontal) {
  for (Opcode opcode : HorizontalOpcodes()) CheckOnHost(CasesOf(opcode, {2, 4, 8, 16, 64}), Host());
}

TEST(HostRows, Conversions) {
  for (int i = 0; i < kElementTypeCount; ++i) {
    const auto from = static_cast<ElementType>(i);
    if (!IsComplex(from)) CheckOnHost(ConversionsFrom(from, {1, 4, 16}), Host());
  }
}

// The least host target has neither F16C nor FMA.
TEST(HostRows, LeastTarget) {
  const Target& target = **FindTarget("x86_64-v2");
  for (Opcode opcode : LaneWiseOpcodes()) {
    if (opcode != Opcode::kFma) CheckOnHost(CasesOf(opcode, {1, 4}), target);
  }
  CheckOnHost(ConversionsFrom(ElementType::kF16, {1, 8}), target);
  CheckOnHost(ConversionsFrom(ElementType::kF64, {1, 8}), target);
  kernel::KernelModule module;
  module.kernels.push_back(MakeKernel(CasesOf(Opcode::kFma, {1})[0], kernel::Machine::kHost, 64));
  EXPECT_EQ(codegen::CompileForHost(module, target).status().code(),
            absl::StatusCode::kUnimplemented);
}

class PtxRows : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (codegen::FindAssembler().kind == codegen::Assembler::kNone) {
      GTEST_SKIP() << "neither libnvJitLink nor ptxas was found";
    }
  }
};

TEST_P(PtxRows, LaneWise) {
  for (Opcode opcode : LaneWiseOpcodes()) CheckAsPtx(CasesOf(opcode, {1, 2, 4, 8, 16}), GetParam());
}

TEST_P(PtxRows, Horizontal) {
  for (Opcode opcode : HorizontalOpcodes()) CheckAsPtx(CasesOf(opcode, {2, 4, 8, 16}), GetParam());
}

TEST_P(PtxRows, Conversions) {
  for (int i = 0; i < kElementTypeCount; ++i) {
    const auto from = static_cast<ElementType>(i);
    if (!IsComplex(from)) CheckAsPtx(ConversionsFrom(from, {1, 4}), GetParam());
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, PtxRows, testing::Values("sm_80", "sm_90a"));

}  // namespace
}  // namespace ingot::test
