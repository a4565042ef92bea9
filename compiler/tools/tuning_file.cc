#include "compiler/tools/tuning_file.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "compiler/plan/plan_table.h"
#include "compiler/tools/model.h"
#include "ir/base/status.h"

namespace ingot::tools {
namespace {

constexpr absl::string_view kProse =
    "// Plans that `ingot tune` measured; --plans=FILE reads them.  A fusion has a plan here only "
    "if it was\n"
    "// faster than the one that the compiler chooses by itself.\n";
constexpr absl::string_view kFormat = "1";
constexpr absl::string_view kTuned = "// tuned ";

// The fields of a header, in order; `may_differ`: files of another value are read all the same.
struct HeaderField {
  absl::string_view name;
  std::string TuningHeader::*value;
  bool may_differ;
};
constexpr HeaderField kHeader[] = {{"target", &TuningHeader::target, false},
                                   {"card", &TuningHeader::card, false},
                                   {"options", &TuningHeader::options, false},
                                   {"compiler", &TuningHeader::compiler, true}};

// The numbers of a fusion, in order.
struct Count {
  absl::string_view name;
  int64_t TunedFusion::*value;
};
constexpr Count kCounts[] = {{"candidates", &TunedFusion::candidates},
                             {"measured", &TunedFusion::measured},
                             {"wrong", &TunedFusion::wrong},
                             {"near", &TunedFusion::near}};
struct Time {
  absl::string_view name;
  double TunedFusion::*value;
};
constexpr Time kTimes[] = {{"best_us", &TunedFusion::best_us},
                           {"best_predicted_us", &TunedFusion::best_predicted_us},
                           {"chosen_us", &TunedFusion::chosen_us},
                           {"chosen_predicted_us", &TunedFusion::chosen_predicted_us}};

std::string NumbersOf(const TunedFusion& fusion) {
  std::string text;
  for (const Count& count : kCounts) {
    absl::StrAppend(&text, " ", count.name, "=", fusion.*count.value);
  }
  for (const Time& time : kTimes) {
    absl::StrAppend(&text, " ", time.name, "=", absl::StrFormat("%.5g", fusion.*time.value));
  }
  return text;
}

// Reads what NumbersOf wrote; false for anything else.
bool ReadNumbers(absl::string_view text, TunedFusion& fusion) {
  std::map<std::string, std::string> values;
  for (absl::string_view word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    const std::pair<std::string, std::string> pair = absl::StrSplit(word, absl::MaxSplits('=', 1));
    values.insert(pair);
  }
  for (const Count& count : kCounts) {
    if (!absl::SimpleAtoi(values[std::string(count.name)], &(fusion.*count.value))) return false;
  }
  for (const Time& time : kTimes) {
    double& value = fusion.*time.value;
    if (!absl::SimpleAtod(values[std::string(time.name)], &value) || !(value >= 0)) return false;
  }
  return fusion.best_us > 0 && fusion.chosen_us > 0;
}

// Whether something stands in the text besides comments of whole lines.
bool HasEntries(absl::string_view text) {
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    line = absl::StripAsciiWhitespace(line);
    if (!line.empty() && !absl::StartsWith(line, "//")) return true;
  }
  return false;
}

constexpr absl::string_view kRemedy = "give another file, or remove it";

// The header is that of `expected`.
absl::Status CheckHeader(absl::string_view text, const std::string& path,
                         const TuningHeader& expected, std::string& note) {
  std::map<absl::string_view, absl::string_view> values;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (!absl::ConsumePrefix(&line, "// ")) continue;
    const size_t space = line.find(": ");
    if (space != absl::string_view::npos) values[line.substr(0, space)] = line.substr(space + 2);
  }
  if (values["format"] != kFormat) {
    return InvalidArgument(
        path,
        ": this is no file that this `ingot tune` writes: it has no line '// format: ", kFormat,
        "'; ", kRemedy);
  }
  for (const HeaderField& field : kHeader) {
    const std::string& own = expected.*field.value;
    const absl::string_view value = values[field.name];
    if (value == own) continue;
    if (!field.may_differ) {
      return InvalidArgument(path, ": its plans were measured for ", field.name, " '", value,
                             "', not '", own, "'; ", kRemedy);
    }
    note =
        absl::StrCat(path, ": what stands there was measured with another compiler and is kept; ",
                     "--again measures it anew");
  }
  return absl::OkStatus();
}

// "// tuned KEY DESCRIPTION", "// NUMBERS", and the entry, if there is one.
absl::StatusOr<TunedFusion> ReadFusion(absl::string_view text, const std::string& path,
                                       int64_t line) {
  TunedFusion fusion;
  const std::vector<absl::string_view> lines = absl::StrSplit(text, absl::MaxSplits('\n', 2));
  absl::string_view first = lines[0];
  absl::ConsumePrefix(&first, kTuned);
  const std::pair<absl::string_view, absl::string_view> words =
      absl::StrSplit(first, absl::MaxSplits(' ', 1));
  fusion.key = std::string(words.first);
  fusion.description = std::string(words.second);
  absl::string_view numbers = lines.size() > 1 ? lines[1] : "";
  if (!absl::ConsumePrefix(&numbers, "//") || !ReadNumbers(numbers, fusion)) {
    return InvalidArgument(path, ":", line + 1, ": here the line '// candidates=… measured=…' of ",
                           fusion.key,
                           " is expected; remove this fusion, and it is measured again");
  }
  if (lines.size() > 2) fusion.entry = std::string(absl::StripAsciiWhitespace(lines[2]));
  if (!fusion.entry.empty()) fusion.entry += "\n";
  if (HasEntries(fusion.entry) &&
      !absl::StartsWith(fusion.entry, absl::StrCat("fusion ", fusion.key, " "))) {
    return InvalidArgument(path, ":", line + 2, ": the plan is not for fusion ", fusion.key,
                           ", which was measured; remove both, and it is measured again");
  }
  return fusion;
}

}  // namespace

absl::StatusOr<TuningFile> TuningFile::Parse(absl::string_view text, const std::string& path,
                                             const TuningHeader& header, std::string& note) {
  INGOT_RETURN_IF_ERROR(plan::PlanTable::Parse(text, path).status());
  TuningFile file(path, header);
  const size_t first = absl::StartsWith(text, kTuned) ? 0 : text.find(absl::StrCat("\n", kTuned));
  const absl::string_view head = text.substr(0, first);
  const bool is_empty = first == absl::string_view::npos;
  if (HasEntries(head)) {
    return InvalidArgument(path, ": there are plans that no `ingot tune` wrote; ", kRemedy);
  }
  if (is_empty && !absl::StrContains(text, "// format: ")) return file;
  INGOT_RETURN_IF_ERROR(CheckHeader(head, path, header, note));
  int64_t number = 0, begin_number = 0;
  size_t at = 0, begin = absl::string_view::npos;
  const auto finish = [&](size_t end) -> absl::Status {
    if (begin == absl::string_view::npos) return absl::OkStatus();
    INGOT_ASSIGN_OR_RETURN(TunedFusion fusion,
                           ReadFusion(text.substr(begin, end - begin), path, begin_number));
    file.Put(std::move(fusion));
    return absl::OkStatus();
  };
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    if (absl::StartsWith(line, kTuned)) {
      INGOT_RETURN_IF_ERROR(finish(at));
      begin = at;
      begin_number = number;
    }
    at += line.size() + 1;
  }
  INGOT_RETURN_IF_ERROR(finish(text.size()));
  return file;
}

absl::StatusOr<TuningFile> TuningFile::Open(const std::string& path, const TuningHeader& header,
                                            std::string& note) {
  const absl::StatusOr<std::string> text = ReadFile(path);
  if (absl::IsNotFound(text.status())) return TuningFile(path, header);
  INGOT_RETURN_IF_ERROR(text.status());
  return Parse(*text, path, header, note);
}

void TuningFile::Put(TunedFusion fusion) {
  const auto same = std::find_if(fusions_.begin(), fusions_.end(),
                                 [&](const TunedFusion& other) { return other.key == fusion.key; });
  if (same != fusions_.end()) {
    *same = std::move(fusion);
  } else {
    fusions_.push_back(std::move(fusion));
  }
}

const TunedFusion* TuningFile::Find(absl::string_view key) const {
  const auto found = std::find_if(fusions_.begin(), fusions_.end(),
                                  [&](const TunedFusion& fusion) { return fusion.key == key; });
  return found == fusions_.end() ? nullptr : &*found;
}

std::string TuningFile::ToString() const {
  std::string text = absl::StrCat(kProse, "// format: ", kFormat, "\n");
  for (const HeaderField& field : kHeader) {
    absl::StrAppend(&text, "// ", field.name, ": ", header_.*field.value, "\n");
  }
  for (const TunedFusion& fusion : fusions_) {
    absl::StrAppend(&text, "\n", kTuned, fusion.key, " ", fusion.description, "\n//",
                    NumbersOf(fusion), "\n", fusion.entry);
  }
  return text;
}

absl::Status TuningFile::Write() const { return WriteFile(path_, ToString()); }

}  // namespace ingot::tools
