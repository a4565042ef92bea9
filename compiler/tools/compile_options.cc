#include "compiler/tools/compile_options.h"

#include <cstdio>
#include <memory>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "compiler/cache/store.h"
#include "compiler/plan/plan_table.h"
#include "compiler/tools/model.h"
#include "ir/base/status.h"

namespace ingot::tools {
namespace {

template <typename Value>
absl::Status Read(const CommandLine& line, absl::string_view option,
                  absl::StatusOr<Value> (*find)(absl::string_view), Value& value) {
  if (!line.Has(option)) return absl::OkStatus();
  const absl::StatusOr<Value> found = find(line.Get(option));
  if (!found.ok()) return UsageError(absl::StrCat("--", option, ": ", found.status().message()));
  value = *found;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<CompileOptions> ReadCompileOptions(const CommandLine& line) {
  CompileOptions options;
  absl::Status status = Read(line, kFusionOption.name, FindFusionMode, options.fusion);
  status.Update(Read(line, kNumericsOption.name, FindNumerics, options.numerics));
  status.Update(Read(line, kCodegenOption.name, FindCodegen, options.codegen));
  if (!status.ok()) return status;
  options.warning = [](const std::string& warning) {
    absl::FPrintF(stderr, "warning: %s\n", warning);
  };
  std::string no_cache;
  options.cache = cache::StoreOfProcess(&no_cache);
  if (!no_cache.empty()) options.warning(no_cache);
  if (line.Has(kDonateOption.name)) {
    for (absl::string_view number : absl::StrSplit(line.Get(kDonateOption.name), ',')) {
      options.donated.emplace_back();
      if (!absl::SimpleAtoi(number, &options.donated.back())) {
        return UsageError(absl::StrCat("--donate: '", number, "' is no number"));
      }
    }
  }
  const std::string tuned = line.Get(kTunedOption.name, "on");
  if (tuned == "off") {
    options.tuned = nullptr;
  } else if (tuned != "on") {
    return UsageError(absl::StrCat("--tuned=", tuned, ": there is on, off"));
  }
  if (!line.Has(kPlansOption.name)) return options;
  const std::string path = line.Get(kPlansOption.name);
  INGOT_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  INGOT_ASSIGN_OR_RETURN(plan::PlanTable table, plan::PlanTable::Parse(text, path));
  options.plans = std::make_shared<const plan::PlanTable>(std::move(table));
  return options;
}

}  // namespace ingot::tools
