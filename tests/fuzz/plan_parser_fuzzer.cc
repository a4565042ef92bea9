// Plans and tables of plans: whatever the bytes, the parsers say where the first fault is or give
// plans, what is printed of a plan reads back as the same, and Fits looks at it without a fault.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "compiler/plan/fits.h"
#include "compiler/plan/plan_table.h"
#include "compiler/plan/plan_text.h"
#include "ir/base/check.h"
#include "ir/base/target.h"
#include "ir/text/parser.h"

namespace {

constexpr absl::string_view kFusions[] = {
    R"(HloModule rows
add { x = f32[] parameter(0)  y = f32[] parameter(1)  ROOT r = f32[] add(x, y) }
ENTRY e {
  x = f32[64,256] parameter(0)  z = f32[] constant(0)
  s = f32[64] reduce(x, z), dimensions={1}, to_apply=add
  b = f32[64,256] broadcast(s), dimensions={0}
  ROOT r = f32[64,256] subtract(x, b)
})",
    R"(HloModule sort
less { x = f32[] parameter(0)  y = f32[] parameter(1)  ROOT r = pred[] compare(x, y), direction=LT }
ENTRY e { x = f32[8,16] parameter(0)  ROOT r = f32[8,16] sort(x), dimensions={1}, to_apply=less })",
};

std::vector<std::unique_ptr<ingot::Module>> Fusions() {
  std::vector<std::unique_ptr<ingot::Module>> modules;
  for (absl::string_view text : kFusions) {
    modules.push_back(ingot::ParseModule(text, "fusion.hlo").value());
  }
  return modules;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto& modules = *new std::vector<std::unique_ptr<ingot::Module>>(Fusions());
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const auto expect_place = [](const absl::Status& status) {
    INGOT_CHECK(status.message().substr(0, 10) == "plans.txt:") << std::string(status.message());
  };
  const auto table = ingot::plan::PlanTable::Parse(text, "plans.txt");
  if (!table.ok()) expect_place(table.status());
  const auto plan = ingot::plan::ParsePlan(text, "plans.txt");
  if (!plan.ok()) {
    expect_place(plan.status());
    return 0;
  }
  const ingot::Computation& fusion = *modules[0]->entry();
  const std::string printed = ingot::plan::ToString(*plan, fusion);
  const auto again = ingot::plan::ParsePlan(printed, "printed.txt");
  INGOT_CHECK(again.ok()) << std::string(again.status().message()) << "\n" << printed;
  INGOT_CHECK(*again == *plan) << printed;
  INGOT_CHECK(ingot::plan::ToString(*again, fusion) == printed) << printed;
  for (const auto& module : modules) {
    for (const char* target : {"sm_90a", "sim:sm_90a-tiny", "x86_64-v3"}) {
      ingot::plan::Fits(*plan, *module->entry(), **ingot::FindTarget(target)).IgnoreError();
    }
  }
  return 0;
}
