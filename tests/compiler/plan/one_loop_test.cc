// Which fusions one loop computes at the speed of memory.
#include "compiler/plan/one_loop.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "ir/text/parser.h"

namespace ingot::plan {
namespace {

// Of the entry, with x and y of f32[64,96].
bool IsLoop(const std::string& body, const std::string& target = "sm_90a") {
  const auto module =
      ParseModule(absl::StrCat("HloModule m\nENTRY e {\n  x = f32[64,96] parameter(0)\n"
                               "  y = f32[64,96] parameter(1)\n  zero = f32[] constant(0)\n",
                               body, "}\n"),
                  "m.hlo");
  EXPECT_TRUE(module.ok()) << module.status();
  if (!module.ok()) return false;
  const FusionInfo info(ViewOf(*(*module)->entry()));
  return IsOneLoop(info, **FindTarget(target));
}

TEST(OneLoop, SlicesAndPads) {
  const std::string body =
      "a = f32[32,96] slice(x), slice={[0:64:2], [0:96]}\n"
      "  b = f32[32,96] slice(x), slice={[1:64:2], [0:96]}\n"
      "  m = f32[32,96] multiply(a, b)\n  n = f32[32,96] negate(b)\n"
      "  ROOT t = (f32[32,96], f32[32,96]) tuple(m, n)\n";
  EXPECT_TRUE(IsLoop(body));
  EXPECT_TRUE(IsLoop(body, "x86_64-v3"));
  const std::string pad =
      "p = f32[64,96] pad(x, zero), padding=3_-3x0_0\n  ROOT s = f32[64,96] add(p, y)\n";
  EXPECT_TRUE(IsLoop(pad));
  EXPECT_FALSE(IsLoop(pad, "x86_64-v3"));
}

TEST(OneLoop, CutsAlongMemoryPartNoVectors) {
  const auto pad = [](int edge) {
    return absl::StrCat("p = f32[64,", 96 + edge, "] pad(x, zero), padding=0_0x", edge, "_0\n",
                        "  ROOT s = f32[64,", 96 + edge, "] negate(p)\n");
  };
  EXPECT_TRUE(IsLoop(pad(32)));
  EXPECT_FALSE(IsLoop(pad(7)));
  EXPECT_FALSE(
      IsLoop("r = f32[64,96] reverse(x), dimensions={1}\n"
             "  ROOT s = f32[64,96] add(r, y)\n"));
  EXPECT_FALSE(
      IsLoop("t = f32[96,64] transpose(x), dimensions={1,0}\n"
             "  ROOT s = f32[96,32] slice(t), slice={[0:96], [16:48]}\n"));
}

TEST(OneLoop, ResultsOfOneShape) {
  EXPECT_FALSE(
      IsLoop("a = f32[32,96] slice(x), slice={[1:33], [0:96]}\n"
             "  ROOT t = (f32[32,96], f32[64,96]) tuple(a, y)\n"));
}

// What is cheap may be computed at several indices, what is dear may not.
TEST(OneLoop, FewOperationsMore) {
  const auto body = [](const std::string& chain) {
    return absl::StrCat(chain,
                        "  a = f32[61,96] slice(v), slice={[0:61], [0:96]}\n"
                        "  b = f32[61,96] slice(v), slice={[1:62], [0:96]}\n"
                        "  c = f32[61,96] slice(v), slice={[2:63], [0:96]}\n"
                        "  d = f32[61,96] slice(v), slice={[3:64], [0:96]}\n"
                        "  e = f32[61,96] add(a, b)\n  f = f32[61,96] add(c, d)\n"
                        "  ROOT g = f32[61,96] add(e, f)\n");
  };
  EXPECT_TRUE(IsLoop(body("v = f32[64,96] multiply(x, y)\n")));
  EXPECT_FALSE(
      IsLoop(body("s = f32[64,96] sine(x)\n  u = f32[64,96] cosine(y)\n"
                  "  v = f32[64,96] power(s, u)\n")));
}

}  // namespace
}  // namespace ingot::plan
