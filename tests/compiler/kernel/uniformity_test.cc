// Which threads agree on a value.
#include "compiler/kernel/uniformity.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "compiler/kernel/text.h"

namespace ingot::kernel {
namespace {

struct Case {
  const char* value;
  Scope scope;
};

void Expect(const std::string& header, const std::string& before, const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    const std::string text =
        absl::StrCat("kernel @k(", header, " {\n", before, "\n%result = ", c.value, "\n}");
    absl::StatusOr<std::unique_ptr<Kernel>> kernel = ParseKernel(text, "k");
    ASSERT_TRUE(kernel.ok()) << kernel.status();
    const Uniformity uniformity(**kernel);
    EXPECT_EQ(NameOf(uniformity.OfValue(*(*kernel)->body()->operations.back())), NameOf(c.scope))
        << c.value;
  }
}

TEST(Uniformity, Values) {
  Expect("%x: buffer<s32, 64>, %r: buffer<s32, 64, readonly>, %n: s32) grid 8 block 512", "",
         {{"%n + 1", Scope::kGrid},
          {"block*4", Scope::kBlock},
          {"thread", Scope::kThread},
          {"lane", Scope::kThread},
          {"warp + block", Scope::kWarp},
          {"thread.y", Scope::kGrid},
          {"div(thread, 32)", Scope::kWarp},
          {"div(thread, 256)", Scope::kWarpgroup},
          {"div(thread, 48)", Scope::kThread},
          {"lshr(thread, 5)", Scope::kWarp},
          {"ashr(thread, 7)", Scope::kWarpgroup},
          {"div(warp, 4)", Scope::kWarpgroup},
          {"div(warp, 3)", Scope::kWarp},
          {"div(f32(thread), 2)", Scope::kThread},
          {"rem(thread, 32)", Scope::kThread},
          {"load %r[%n] : s32", Scope::kGrid},
          {"load %x[%n] : s32", Scope::kBlock},
          {"load %x[warp] : s32", Scope::kWarp},
          {"load %x[%n] : s32 relaxed gpu", Scope::kThread},
          {"atomic add relaxed gpu %x[0], 1", Scope::kThread},
          {"ballot(lane == 0)", Scope::kWarp},
          {"redux_add_s32(lane)", Scope::kWarp},
          {"shuffle_xor(lane, 1)", Scope::kThread},
          {"shuffle_xor(block, 1)", Scope::kBlock},
          {"elect", Scope::kThread}});
}

TEST(Uniformity, ThreadsCountXFirst) {
  Expect(") grid 1 block 64x4x2", "",
         {{"thread.y", Scope::kWarp},
          {"thread.z", Scope::kWarpgroup},
          {"div(thread, 32)", Scope::kThread}});
  Expect(") grid 1 block 16x4x2", "", {{"thread.y", Scope::kThread}, {"thread.z", Scope::kWarp}});
}

TEST(Uniformity, Vars) {
  const std::string header = "%n: s32) grid 8 block 256";
  Expect(header, "var %v: s32 = 0 %v = %n", {{"%v + 0", Scope::kGrid}});
  Expect(header, "var %v: s32 = 0 %v = warp", {{"%v + 0", Scope::kWarp}});
  // Only some threads write.
  Expect(header, "var %v: s32 = 0 if lane == 0 { %v = 1 }", {{"%v + 0", Scope::kThread}});
  Expect(header, "var %v: s32 = 0 if block == 0 { %v = 1 }", {{"%v + 0", Scope::kBlock}});
  Expect(header, "var %v: s32 = 0 for %i = 0 to lane { %v = %v + 1 }",
         {{"%v + 0", Scope::kThread}});
  // What is known only a round later, around the loop.
  Expect(header, "var %a: s32 = 0 var %b: s32 = 0 for %i = 0 to 4 { %a = %b %b = %b + thread }",
         {{"%a + 0", Scope::kThread}});
}

}  // namespace
}  // namespace ingot::kernel
