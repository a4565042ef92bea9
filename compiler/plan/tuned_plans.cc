#include "compiler/plan/tuned_plans.h"

#include <cstdint>
#include <mutex>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "ir/base/status.h"

namespace ingot::plan {
namespace {

// File, target, text: what the BUILD file makes of the folder tuned/.
constexpr TunedText kShipped[] = {
#include "compiler/plan/tuned.inc"
};

}  // namespace

// Where each entry of a text stands.
class TunedPlans::Index {
 public:
  explicit Index(const TunedText& text) : text_(text) {}

  const TunedText& text() const { return text_; }

  std::vector<PlanEntry> EntriesFor(const Computation& fusion) {
    std::call_once(read_, [&] { Read(); });
    std::vector<PlanEntry> entries;
    // Keys take longer than everything else here.
    if (places_.empty()) return entries;
    const auto found = places_.find(FusionKey(fusion));
    if (found == places_.end()) return entries;
    for (const Place& place : found->second) {
      absl::StatusOr<PlanTable> table = PlanTable::Parse(place.text, text_.file);
      if (!table.ok() || table->size() != 1) continue;
      PlanEntry entry = table->entries()[0];
      entry.place = absl::StrCat(text_.file, ":", place.line, ":1");
      if (entry.target == text_.target) entries.push_back(std::move(entry));
    }
    return entries;
  }

 private:
  struct Place {
    absl::string_view text;
    int64_t line = 0;  // from 1
  };

  // An entry begins where a line begins with "fusion KEY", and reaches to the next one.
  void Read() {
    std::string key;
    Place place;
    size_t begin = 0;
    const auto finish = [&](size_t end) {
      if (key.empty()) return;
      place.text = text_.text.substr(begin, end - begin);
      places_[key].push_back(place);
    };
    int64_t number = 0;
    size_t at = 0;
    for (absl::string_view line : absl::StrSplit(text_.text, '\n')) {
      ++number;
      const size_t here = at;
      at += line.size() + 1;
      if (!absl::ConsumePrefix(&line, "fusion ")) continue;
      finish(here);
      key = std::string(line.substr(0, line.find(' ')));
      place.line = number;
      begin = here;
    }
    finish(text_.text.size());
  }

  const TunedText text_;
  std::once_flag read_;
  absl::flat_hash_map<std::string, std::vector<Place>> places_;  // by key
};

TunedPlans::TunedPlans(std::vector<TunedText> texts) {
  for (const TunedText& text : texts) indices_.push_back(std::make_unique<Index>(text));
}

TunedPlans::~TunedPlans() = default;

const TunedPlans& TunedPlans::Shipped() {
  static const auto& shipped =
      *new TunedPlans(std::vector<TunedText>(std::begin(kShipped), std::end(kShipped)));
  return shipped;
}

std::vector<PlanEntry> TunedPlans::EntriesFor(const Computation& fusion,
                                              const Target& target) const {
  const absl::string_view name = TableTarget(target);
  for (const auto& index : indices_) {
    if (index->text().target == name) return index->EntriesFor(fusion);
  }
  return {};
}

absl::StatusOr<std::vector<PlanEntry>> TunedPlans::AllEntries() const {
  std::vector<PlanEntry> all;
  for (const auto& index : indices_) {
    INGOT_ASSIGN_OR_RETURN(const PlanTable table,
                           PlanTable::Parse(index->text().text, index->text().file));
    all.insert(all.end(), table.entries().begin(), table.entries().end());
  }
  return all;
}

std::string TunedPlans::Digest() const {
  std::string texts;
  for (const auto& index : indices_) absl::StrAppend(&texts, index->text().text, "\n");
  return DigestOf(texts);
}

}  // namespace ingot::plan
