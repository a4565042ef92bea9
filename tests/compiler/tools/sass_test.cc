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
//--------------------- .text.rows --------------------------
	.section	.text.rows,"ax",@progbits
.text.rows:
        /*0000*/                   IADD3 R1, R1, 0x1, RZ ;
.L_x_6:
        /*0010*/                   IADD3 R1, R1, 0x1, RZ ;
        /*0020*/               @P0 BRA `(.L_x_8) ;
.L_x_7:
        /*0030*/                   LDGSTS.E [R1], [R2] ;
        /*0040*/              @!P1 BRA `(.L_x_7) ;
.L_x_8:
        /*0050*/                   BRA.DIV ~URZ, `(.L_x_9) ;
        /*0060*/               @P0 EXIT ;
        /*0070*/                   BRA `(.L_x_6) ;
.L_x_9:
        /*0080*/                   WARPSYNC.ALL ;
        /*0090*/                   BRA `(.L_x_9);
)";

TEST(PathLength, SkipsSlowPathsAndWhatFollowsTheEnd) {
  // All but MOV and CALL.
  EXPECT_EQ(PathLength(kListing, "divide"), 6);
}

TEST(PathLength, RefusesLoopsAndKernelsThatAreNotThere) {
  EXPECT_EQ(PathLength(kListing, "divide_all"), std::nullopt);
  EXPECT_EQ(PathLength(kListing, "div"), std::nullopt);
  EXPECT_EQ(PathLength(kListing, "rows"), std::nullopt);
}

TEST(PathLength, TakesLoopsOfStatedTrips) {
  EXPECT_EQ(PathLength(kListing, "divide_all", {5}), 11);
  // One before, five of the outer loop's own, two of the inner loop's.
  EXPECT_EQ(PathLength(kListing, "rows", {4, 1.5}), 1 + 4 * (5 + 1.5 * 2));
}

TEST(PathLength, RefusesOtherNumbersOfLoops) {
  EXPECT_EQ(PathLength(kListing, "divide", {4}), std::nullopt);
  EXPECT_EQ(PathLength(kListing, "rows", {4}), std::nullopt);
  EXPECT_EQ(PathLength(kListing, "rows", {4, 1.5, 1}), std::nullopt);
}

}  // namespace
}  // namespace ingot::test
