#include "compiler/tools/stages.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_format.h"
#include "compiler/tools/arena_text.h"
#include "compiler/tools/model.h"
#include "ir/base/status.h"

namespace ingot::tools {
namespace {

constexpr StageInfo kStages[] = {
    {Stage::kHlo, "hlo", "hlo"},    {Stage::kOptimized, "optimized", "hlo"},
    {Stage::kPlan, "plan", "plan"}, {Stage::kKernel, "kernel", "kernel"},
    {Stage::kLlvm, "llvm", "ll"},   {Stage::kCuda, "cuda", "cu"},
    {Stage::kAssembly, "asm", "s"}, {Stage::kProgram, "program", "txt"},
};

}  // namespace

absl::Span<const StageInfo> AllStages() { return kStages; }

void Dump::Attach(CompileOptions& options) {
  if (directory_.empty()) return;
  for (const StageInfo& info : kStages) options.stages.push_back(info.stage);
  options.observer = [this](Stage stage, absl::string_view name, const std::string& text) {
    Add(stage, name, text);
  };
}

void Dump::Add(Stage stage, absl::string_view name, const std::string& text) {
  const StageInfo& info = kStages[static_cast<int>(stage)];
  // Modules are a file each; the kernels of a stage share one.
  const auto same = std::find(stages_.begin(), stages_.end(), stage);
  if (stage != Stage::kHlo && same != stages_.end()) {
    absl::StrAppend(&files_[same - stages_.begin()].text, "\n", text);
    return;
  }
  const absl::string_view stem = stage == Stage::kHlo ? name : info.name;
  files_.push_back({absl::StrFormat("%02d-%s.%s", files_.size(), stem, info.extension), text});
  stages_.push_back(stage);
}

absl::Status Dump::Write(const Compilation* compilation) const {
  if (directory_.empty()) return absl::OkStatus();
  std::error_code error;
  std::filesystem::create_directories(directory_, error);
  if (error) return InvalidArgument(directory_, ": cannot make this directory: ", error.message());
  for (const File& file : files_)
    INGOT_RETURN_IF_ERROR(WriteFile(directory_ + "/" + file.name, file.text));
  if (compilation == nullptr) return absl::OkStatus();
  return WriteFile(directory_ + "/times.txt", TimesText(*compilation));
}

std::string TimesText(const Compilation& compilation) {
  std::string text;
  double sum = 0;
  for (const PhaseTime& phase : compilation.phases) {
    absl::StrAppendFormat(&text, "%-18s %10.2f ms\n", phase.name, phase.milliseconds);
    sum += phase.milliseconds;
  }
  absl::StrAppendFormat(&text, "%-18s %10.2f ms\n\n", "total", sum);
  absl::StrAppendFormat(&text, "%-18s %10d\n%-18s %10d\n", "launches", compilation.launches,
                        "distinct kernels", compilation.kernels);
  return text + ArenaText(compilation.arena);
}

}  // namespace ingot::tools
