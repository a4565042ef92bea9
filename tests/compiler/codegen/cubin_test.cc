#include "compiler/codegen/cubin/cubin.h"

#include <gtest/gtest.h>

namespace ingot::codegen {
namespace {

constexpr char kPtx[] = R"(
.version 7.0
.target sm_80
.address_size 64
.visible .entry nothing() { ret; }
)";

class Cubin : public testing::TestWithParam<Assembler> {
 protected:
  // Skips where this machine has not that assembler.
  void SetUp() override {
    if (absl::IsUnimplemented(PtxToCubinWith(GetParam(), kPtx, "sm_80").status())) {
      GTEST_SKIP() << "not on this machine";
    }
  }
};

TEST_P(Cubin, AssemblesToAnElfFile) {
  const auto cubin = PtxToCubinWith(GetParam(), kPtx, "sm_90a");
  ASSERT_TRUE(cubin.ok()) << cubin.status();
  ASSERT_GT(cubin->size(), 4u);
  EXPECT_EQ(std::string(cubin->begin(), cubin->begin() + 4), "\177ELF");
}

TEST_P(Cubin, ErrorsHaveTheLog) {
  const auto cubin = PtxToCubinWith(
      GetParam(), ".version 7.0\n.target sm_80\n.visible .entry f() { nonsense; }", "sm_80");
  EXPECT_EQ(cubin.status().code(), absl::StatusCode::kInternal);
  EXPECT_NE(cubin.status().message().find("'nonsense'"), absl::string_view::npos) << cubin.status();
}

TEST_P(Cubin, UnknownArchitecture) { EXPECT_FALSE(PtxToCubinWith(GetParam(), kPtx, "sm_1").ok()); }

INSTANTIATE_TEST_SUITE_P(Assemblers, Cubin,
                         testing::Values(Assembler::kNvJitLink, Assembler::kPtxas));

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
