#include "compiler/codegen/cubin/cubin.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "compiler/codegen/cubin/ptxas.h"

namespace ingot::codegen {
namespace {

constexpr char kPtx[] = R"(
.version 7.0
.target sm_80
.address_size 64
.visible .entry nothing() { ret; }
)";

class EachAssembler : public testing::TestWithParam<Assembler> {
 protected:
  // Skips where this machine has not that assembler.
  void SetUp() override {
    if (absl::IsUnimplemented(PtxToCubinWith(GetParam(), kPtx, "sm_80").status())) {
      GTEST_SKIP() << "not on this machine";
    }
  }
};

TEST_P(EachAssembler, AssemblesToAnElfFile) {
  const auto cubin = PtxToCubinWith(GetParam(), kPtx, "sm_90a");
  ASSERT_TRUE(cubin.ok()) << cubin.status();
  ASSERT_GT(cubin->bytes.size(), 4u);
  EXPECT_EQ(std::string(cubin->bytes.begin(), cubin->bytes.begin() + 4), "\177ELF");
}

// 40 values alive at once in `registers` registers, and a barrier on 2,048 bytes.
std::string Crowded(int registers) {
  std::string ptx = absl::StrCat(
      ".version 8.0\n.target sm_90a\n.address_size 64\n"
      ".visible .entry crowded(.param .u64 p) .maxntid 128,1,1 .maxnreg ",
      registers,
      " {\n.reg .b64 %p;\n.reg .f32 %f<40>;\n.shared .align 16 .b8 s[2048];\n"
      "ld.param.u64 %p, [p];\n");
  for (int i = 0; i < 40; ++i)
    absl::StrAppend(&ptx, "ld.global.f32 %f", i, ", [%p+", i * 4, "];\n");
  absl::StrAppend(&ptx, "st.shared.f32 [s], %f0;\nbar.sync 0;\n");
  for (int i = 0; i < 40; ++i)
    absl::StrAppend(&ptx, "st.global.f32 [%p+", i * 4, "], %f", 39 - i, ";\n");
  return ptx + "ret;\n}\n.visible .entry nothing() { ret; }\n";
}

const KernelReport& ReportOf(const Cubin& cubin, absl::string_view kernel) {
  for (const KernelReport& report : cubin.reports) {
    if (report.kernel == kernel) return report;
  }
  static const KernelReport kNone;
  return kNone;
}

TEST_P(EachAssembler, ReportsEachKernel) {
  const auto roomy = PtxToCubinWith(GetParam(), Crowded(128), "sm_90a");
  ASSERT_TRUE(roomy.ok()) << roomy.status();
  EXPECT_EQ(roomy->reports.size(), 2u);
  const KernelReport& report = ReportOf(*roomy, "crowded");
  EXPECT_GE(report.registers, 40);
  EXPECT_LE(report.registers, 128);
  EXPECT_EQ(report.barriers, 1);
  EXPECT_EQ(report.shared_bytes, 2048);
  EXPECT_FALSE(report.spills());
  EXPECT_TRUE(report.notices.empty()) << report.ToString();
  EXPECT_GT(ReportOf(*roomy, "nothing").registers, 0);
}

TEST_P(EachAssembler, ReportsSpillsAndNotices) {
  const auto tight = PtxToCubinWith(GetParam(), Crowded(16), "sm_90a");
  ASSERT_TRUE(tight.ok()) << tight.status();
  const KernelReport& report = ReportOf(*tight, "crowded");
  EXPECT_TRUE(report.spills()) << report.ToString();
  EXPECT_GT(report.stack_bytes, 0);
  // 16 registers are fewer than an entry's least, which the assembler says.
  ASSERT_EQ(report.notices.size(), 1u) << report.ToString();
  EXPECT_NE(report.notices[0].find("register count of 16"), std::string::npos);
  EXPECT_TRUE(ReportOf(*tight, "nothing").notices.empty());
}

TEST_P(EachAssembler, ErrorsHaveTheLog) {
  const auto cubin = PtxToCubinWith(
      GetParam(), ".version 7.0\n.target sm_80\n.visible .entry f() { nonsense; }", "sm_80");
  EXPECT_EQ(cubin.status().code(), absl::StatusCode::kInternal);
  EXPECT_NE(cubin.status().message().find("'nonsense'"), absl::string_view::npos) << cubin.status();
}

TEST_P(EachAssembler, UnknownArchitecture) {
  EXPECT_FALSE(PtxToCubinWith(GetParam(), kPtx, "sm_1").ok());
}

INSTANTIATE_TEST_SUITE_P(Assemblers, EachAssembler,
                         testing::Values(Assembler::kNvJitLink, Assembler::kPtxas));

// The same code as from a file; more PTX than a pipe holds.
TEST(WaitingPtxas, AssemblesWhatItIsGivenLater) {
  if (FindPtxas().empty()) GTEST_SKIP() << "no ptxas on this machine";
  std::string ptx = Crowded(128);
  absl::StrAppend(&ptx, "//", std::string(size_t{1} << 18, '.'), "\n");
  const std::unique_ptr<WaitingPtxas> first = WaitingPtxas::Start("sm_90a");
  const std::unique_ptr<WaitingPtxas> second = WaitingPtxas::Start("sm_90a");
  ASSERT_TRUE(first != nullptr && second != nullptr);
  const auto expected = PtxToCubinWith(Assembler::kPtxas, ptx, "sm_90a");
  ASSERT_TRUE(expected.ok()) << expected.status();
  for (WaitingPtxas* waiting : {second.get(), first.get()}) {
    const auto cubin = waiting->Assemble(ptx);
    ASSERT_TRUE(cubin.ok()) << cubin.status();
    EXPECT_EQ(cubin->bytes, expected->bytes);
    EXPECT_EQ(ReportOf(*cubin, "crowded").ToString(), ReportOf(*expected, "crowded").ToString());
  }
}

// Input that it refuses, an end before there is any, and no reader: an error, and no signal.
TEST(WaitingPtxas, EndsWhateverItIsGiven) {
  if (FindPtxas().empty()) GTEST_SKIP() << "no ptxas on this machine";
  EXPECT_FALSE(WaitingPtxas::Start("sm_90a")->Assemble("nonsense").ok());
  WaitingPtxas::Start("sm_90a").reset();
  const std::unique_ptr<WaitingPtxas> unknown = WaitingPtxas::Start("sm_1");
  ASSERT_NE(unknown, nullptr);
  EXPECT_FALSE(unknown->Assemble(std::string(size_t{1} << 20, '.')).ok());
}

TEST(Assembler, NoneSaysWhatHappensToPtx) {
  const auto cubin = PtxToCubinWith(Assembler::kNone, kPtx, "sm_80");
  EXPECT_EQ(cubin.status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_NE(cubin.status().message().find("PTX"), absl::string_view::npos);
}

TEST(Assembler, IsDescribed) {
  const AssemblerInfo info = FindAssembler();
  EXPECT_EQ(info.kind == Assembler::kNone, info.path.empty());
}

}  // namespace
}  // namespace ingot::codegen
