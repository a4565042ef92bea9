#include "compiler/codegen/cubin/report.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace ingot::codegen {
namespace {

// The text after "ptxas info    : ", "ptxas warning : " or "ptxas         .     ".
absl::string_view Message(absl::string_view line) {
  if (!absl::ConsumePrefix(&line, "ptxas ")) return absl::StripAsciiWhitespace(line);
  const size_t end = line.find_first_of(":.");
  if (end != absl::string_view::npos) line.remove_prefix(end + 1);
  return absl::StripAsciiWhitespace(line);
}

// "2048 bytes smem" → 2048 for the unit "bytes smem"; "used 1 barriers" → 1 for "barriers".
template <typename Number>
void ReadAmount(absl::string_view part, absl::string_view unit, Number* value) {
  part = absl::StripAsciiWhitespace(part);
  if (!absl::ConsumeSuffix(&part, unit)) return;
  part = absl::StripAsciiWhitespace(part);
  if (!absl::ConsumePrefix(&part, "Used ")) absl::ConsumePrefix(&part, "used ");
  Number number;
  if (absl::SimpleAtoi(part, &number)) *value = number;
}

bool IsWordCharacter(char c) { return absl::ascii_isalnum(c) || c == '_' || c == '$' || c == '.'; }

// Whether `name` stands in `text` and is not part of a longer name.
bool Mentions(absl::string_view text, absl::string_view name) {
  for (size_t at = text.find(name); at != absl::string_view::npos; at = text.find(name, at + 1)) {
    const size_t end = at + name.size();
    if ((at == 0 || !IsWordCharacter(text[at - 1])) &&
        (end == text.size() || !IsWordCharacter(text[end]))) {
      return true;
    }
  }
  return false;
}

// "Compiling entry function 'k' for 'sm_90a'" → k.
bool BeginsKernel(absl::string_view message, absl::string_view* name) {
  if (!absl::ConsumePrefix(&message, "Compiling entry function '")) return false;
  *name = message.substr(0, message.find('\''));
  return true;
}

// Takes the line in where it states resources of the kernel.
bool ReadResources(absl::string_view message, KernelReport& report) {
  const bool is_frame = absl::StrContains(message, "bytes stack frame");
  if (!is_frame && !absl::StartsWith(message, "Used ")) return false;
  for (absl::string_view part : absl::StrSplit(message, ',')) {
    ReadAmount(part, "registers", &report.registers);
    ReadAmount(part, "barriers", &report.barriers);
    ReadAmount(part, "bytes stack frame", &report.stack_bytes);
    ReadAmount(part, "bytes spill stores", &report.spill_store_bytes);
    ReadAmount(part, "bytes spill loads", &report.spill_load_bytes);
    ReadAmount(part, "bytes smem", &report.shared_bytes);
  }
  return true;
}

// Lines that say nothing that anyone acts on.
bool IsIdle(absl::string_view message) {
  return message.empty() || absl::StartsWith(message, "Function properties for ") ||
         absl::StartsWith(message, "Compile time = ") || absl::StrContains(message, "bytes gmem");
}

}  // namespace

std::vector<KernelReport> ParseAssemblerLog(absl::string_view log) {
  std::vector<KernelReport> reports;
  std::vector<absl::string_view> notices;
  for (absl::string_view line : absl::StrSplit(log, '\n')) {
    const absl::string_view message = Message(line);
    absl::string_view name;
    if (BeginsKernel(message, &name)) {
      reports.emplace_back().kernel = std::string(name);
    } else if (!IsIdle(message) && (reports.empty() || !ReadResources(message, reports.back()))) {
      notices.push_back(message);
    }
  }
  for (absl::string_view notice : notices) {
    bool mentioned = false;
    for (KernelReport& report : reports) {
      if (!Mentions(notice, report.kernel)) continue;
      report.notices.emplace_back(notice);
      mentioned = true;
    }
    if (mentioned) continue;
    for (KernelReport& report : reports) report.notices.emplace_back(notice);
  }
  return reports;
}

std::string KernelReport::ToString() const {
  std::string text = absl::StrCat(kernel, ": ", registers, " registers");
  const auto add = [&](int64_t bytes, absl::string_view what) {
    if (bytes > 0) absl::StrAppend(&text, ", ", bytes, " bytes ", what);
  };
  add(shared_bytes, "shared");
  add(stack_bytes, "stack");
  add(spill_store_bytes, "spill stores");
  add(spill_load_bytes, "spill loads");
  if (barriers > 0) absl::StrAppend(&text, ", ", barriers, " barriers");
  for (const std::string& notice : notices) absl::StrAppend(&text, "\n  ", notice);
  return text + "\n";
}

}  // namespace ingot::codegen
