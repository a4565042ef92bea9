#include "compiler/tools/arena_text.h"

#include "absl/strings/str_format.h"

namespace ingot::tools {

std::string ArenaText(const program::ArenaUse& arena) {
  std::string text = absl::StrFormat("  arena of %d bytes, %d alive at once%s\n", arena.size,
                                     arena.peak, arena.at_peak.empty() ? "" : "; the largest:");
  for (const program::ArenaUse::Value& value : arena.at_peak) {
    absl::StrAppendFormat(&text, "%16d  %s\n", value.bytes, value.name);
  }
  return text;
}

nlohmann::json ArenaJson(const program::ArenaUse& arena) {
  nlohmann::json at_peak = nlohmann::json::array();
  for (const program::ArenaUse::Value& value : arena.at_peak) {
    at_peak.push_back({{"value", value.name}, {"bytes", value.bytes}});
  }
  return {{"bytes", arena.size}, {"peak_bytes", arena.peak}, {"at_peak", std::move(at_peak)}};
}

}  // namespace ingot::tools
