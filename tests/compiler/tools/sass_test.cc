#include "tests/compiler/tools/sass.h"

#include <gtest/gtest.h>

namespace ingot::test {
namespace {

// As nvdisasm 13 writes it.
constexpr char kListing[] = R"(	.target	sm_90a
//--------------------- .text.divide --------------------------
	.section	.text.divide,"ax",@progbits
	.align	128
        .global         divide
divide:
.text.divide:
        /*0000*/                   LDC R1, c[0x0][0x28] ;
        /*0010*/                   BSSY B0, `(.L_x_0) ;
        /*0020*/              @!P0 BRA `(.L_x_1) ;
        /*0030*/                   MOV R20, 0x8a0 ;
        /*0040*/                   CALL.REL.NOINC `($__internal_0_$slowpath) ;
.L_x_1:
        /*0050*/                   BSYNC B0 ;
.L_x_0:
        /*0060*/               @P1 EXIT ;
        /*0070*/                   EXIT ;
.L_x_4:
        /*0080*/                   BRA `(.L_x_4);
        /*0090*/                   NOP;
//--------------------- .text.divide_all --------------------------
	.section	.text.divide_all,"ax",@progbits
.text.divide_all:
.L_x_5:
        /*0000*/                   IADD3 R1, R1, 0x1, RZ ;
        /*0010*/               @P0 BRA `(.L_x_5) ;
        /*0020*/                   EXIT ;
)";

TEST(PathLength, SkipsSlowPathsAndWhatFollowsTheEnd) {
  // All but MOV and CALL.
  EXPECT_EQ(PathLength(kListing, "divide"), 6);
}

TEST(PathLength, RefusesLoopsAndKernelsThatAreNotThere) {
  EXPECT_EQ(PathLength(kListing, "divide_all"), std::nullopt);
  EXPECT_EQ(PathLength(kListing, "div"), std::nullopt);
}

}  // namespace
}  // namespace ingot::test
