#include "compiler/codegen/cubin/report.h"

#include <gtest/gtest.h>

namespace ingot::codegen {
namespace {

// Of ptxas 13.0 -v.
constexpr char kPtxasLog[] =
    R"(ptxas warning : For entry w adjusting per thread register count of 16 to lower bound of 24
ptxas warning : Value of threads per SM for entry w is out of range. .minnctapersm will be ignored
ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'spilly' for 'sm_90a'
ptxas info    : Function properties for spilly
    464 bytes stack frame, 196 bytes spill stores, 200 bytes spill loads
ptxas info    : Used 24 registers, used 1 barriers, 464 bytes cumulative stack size, 2048 bytes smem
ptxas info    : Compile time = 15.566 ms
ptxas info    : Compiling entry function 'w' for 'sm_90a'
ptxas info    : Function properties for w
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 30 registers, used 0 barriers
ptxas info    : Compile time = 2.578 ms
)";

// Of nvJitLink 13.0 with -Xptxas=-v.
constexpr char kNvJitLinkLog[] =
    R"(ptxas info    : (C7517) warpgroup.wait is injected in around line 12 by compiler to allow use of registers defined by GMMA in function 'serial'
ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'serial' for 'sm_90a'
ptxas info    : Function properties for serial
ptxas         .     464 bytes stack frame, 196 bytes spill stores, 200 bytes spill loads
ptxas info    : Used 24 registers, used 1 barriers, 2048 bytes smem
ptxas info    : Compile time = 13.001 ms
)";

TEST(AssemblerLog, OfPtxas) {
  const auto reports = ParseAssemblerLog(kPtxasLog);
  ASSERT_EQ(reports.size(), 2u);
  EXPECT_EQ(reports[0].kernel, "spilly");
  EXPECT_EQ(reports[0].registers, 24);
  EXPECT_EQ(reports[0].barriers, 1);
  EXPECT_EQ(reports[0].stack_bytes, 464);
  EXPECT_EQ(reports[0].spill_store_bytes, 196);
  EXPECT_EQ(reports[0].spill_load_bytes, 200);
  EXPECT_EQ(reports[0].shared_bytes, 2048);
  EXPECT_TRUE(reports[0].notices.empty());
  EXPECT_EQ(reports[1].kernel, "w");
  EXPECT_EQ(reports[1].registers, 30);
  EXPECT_FALSE(reports[1].spills());
  EXPECT_EQ(reports[1].notices,
            (std::vector<std::string>{
                "For entry w adjusting per thread register count of 16 to lower bound of 24",
                "Value of threads per SM for entry w is out of range. .minnctapersm will be "
                "ignored"}));
}

TEST(AssemblerLog, OfNvJitLink) {
  const auto reports = ParseAssemblerLog(kNvJitLinkLog);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].ToString(),
            "serial: 24 registers, 2048 bytes shared, 464 bytes stack, 196 bytes spill stores, "
            "200 bytes spill loads, 1 barriers\n"
            "  (C7517) warpgroup.wait is injected in around line 12 by compiler to allow use of "
            "registers defined by GMMA in function 'serial'\n");
}

TEST(AssemblerLog, ANoticeOfNoKernelBelongsToEach) {
  const auto reports = ParseAssemblerLog(
      "ptxas warning : something is deprecated for add_1_2\n"
      "ptxas info    : Compiling entry function 'add_1' for 'sm_80'\n"
      "ptxas info    : Used 8 registers, 360 bytes cmem[0]\n"
      "ptxas info    : Compiling entry function 'add_2' for 'sm_80'\n"
      "ptxas info    : Used 9 registers, 360 bytes cmem[0]\n");
  ASSERT_EQ(reports.size(), 2u);
  for (const KernelReport& report : reports) {
    EXPECT_EQ(report.notices, std::vector<std::string>{"something is deprecated for add_1_2"});
  }
  EXPECT_EQ(reports[0].registers, 8);
  EXPECT_EQ(reports[1].registers, 9);
}

TEST(AssemblerLog, AnyTextIsTakenWithoutHarm) {
  EXPECT_TRUE(ParseAssemblerLog("").empty());
  EXPECT_TRUE(ParseAssemblerLog("ptxas").empty());
  const auto reports = ParseAssemblerLog(
      "ptxas info : Compiling entry function 'k\nUsed 99999999999999 registers, used x barriers, \n"
      "ptxas \n1 bytes stack frame");
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].kernel, "k");
  EXPECT_EQ(reports[0].registers, 0);
  EXPECT_EQ(reports[0].stack_bytes, 1);
}

}  // namespace
}  // namespace ingot::codegen
