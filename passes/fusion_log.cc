#include "passes/fusion_log.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"

namespace ingot {
namespace {

using Verdict = FusionDecision::Verdict;

absl::string_view VerdictText(const FusionDecision& decision) {
  switch (decision.verdict) {
    case Verdict::kFused:
      return decision.siblings ? "siblings fused" : "fused";
    case Verdict::kMovedUp:
      return "moved up";
    case Verdict::kRecomputed:
      return "recomputed";
    case Verdict::kApart:
      return decision.siblings ? "siblings apart" : "apart";
  }
  return "";
}

// The kind of a reason: what stands before its details.
absl::string_view KindOf(absl::string_view reason) { return reason.substr(0, reason.find(": ")); }

void AppendSummary(const FusionLog& log, std::string& text) {
  // By kind: how many, and what they save together.
  struct Count {
    int64_t decisions = 0;
    double saved = 0;
  };
  std::map<std::pair<absl::string_view, absl::string_view>, Count> counts;
  int64_t instructions = 0, chains = 0, kernels = 0;
  double before = 0, after = 0;
  for (const FusionLog::Part& part : log.parts) {
    instructions += part.instructions;
    chains += part.chains;
    kernels += part.kernels;
    before += part.chain_microseconds;
    after += part.microseconds;
    for (const FusionDecision& decision : part.decisions) {
      Count& count = counts[{VerdictText(decision), KindOf(decision.reason)}];
      ++count.decisions;
      if (decision.verdict != Verdict::kApart) count.saved += decision.saved.value_or(0);
    }
  }
  absl::StrAppendFormat(&text,
                        "%d instructions, %d groups of chains, %d groups after merging\n"
                        "what can be merged takes %.1f us before it and %.1f us after it\n\n",
                        instructions, chains, kernels, before, after);
  std::vector<std::pair<std::pair<absl::string_view, absl::string_view>, Count>> rows(
      counts.begin(), counts.end());
  std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
    if (a.first.first != b.first.first) return a.first.first < b.first.first;
    return a.second.decisions > b.second.decisions;
  });
  absl::StrAppendFormat(&text, "%8s  %10s  %-14s  %s\n", "pairs", "saved us", "verdict", "reason");
  for (const auto& [key, count] : rows) {
    const std::string saved = count.saved > 0 ? absl::StrFormat("%.1f", count.saved) : "-";
    absl::StrAppendFormat(&text, "%8d  %10s  %-14s  %s\n", count.decisions, saved, key.first,
                          key.second);
  }
}

void AppendLayouts(const FusionLog& log, std::string& text) {
  if (log.layouts.empty()) return;
  size_t width = 7;
  for (const LayoutDecision& decision : log.layouts) {
    width = std::max(width, decision.product.size());
  }
  absl::StrAppendFormat(&text, "\nlayouts of products, in us\n%-*s  %8s  %8s  %10s  %-6s  %s\n",
                        width, "product", "as it is", "turned", "transposes", "taken", "sides");
  for (const LayoutDecision& decision : log.layouts) {
    absl::StrAppendFormat(&text, "%-*s  %8.1f  %8.1f  %10.1f  %-6s  %s\n", width, decision.product,
                          decision.before, decision.after, decision.moves,
                          decision.taken ? "yes" : "no",
                          decision.sides.empty() ? "none is faster" : decision.sides);
  }
}

}  // namespace

std::string ToString(const FusionLog& log) {
  std::string text;
  AppendSummary(log, text);
  AppendLayouts(log, text);
  size_t producer = 8, consumer = 8;  // the widths of the columns
  for (const FusionLog::Part& part : log.parts) {
    for (const FusionDecision& decision : part.decisions) {
      producer = std::max(producer, decision.producer.size());
      consumer = std::max(consumer, decision.consumer.size());
    }
  }
  const auto row = [&](absl::string_view a, absl::string_view b, absl::string_view verdict,
                       absl::string_view saved, absl::string_view reason) {
    absl::StrAppendFormat(&text, "%-*s  %-*s  %-14s  %10s  %s\n", producer, a, consumer, b, verdict,
                          saved, reason);
  };
  for (const FusionLog::Part& part : log.parts) {
    absl::StrAppendFormat(&text, "\n%s: %d instructions, %d groups of chains, %d after merging\n",
                          part.computation, part.instructions, part.chains, part.kernels);
    if (!part.decisions.empty()) row("producer", "consumer", "verdict", "saved us", "reason");
    for (const FusionDecision& decision : part.decisions) {
      const std::string saved =
          decision.saved.has_value() ? absl::StrFormat("%.2f", *decision.saved) : "-";
      row(decision.producer, decision.consumer, VerdictText(decision), saved, decision.reason);
    }
  }
  return text;
}

}  // namespace ingot
