#include "compiler/tools/profile.h"

#include <algorithm>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace ingot::tools {
namespace {

using runtime::Command;

// "copy", "fill", or a launch's kernel.
std::string KernelOf(const Command& command) {
  if (const auto* launch = std::get_if<runtime::Launch>(&command.operation)) return launch->kernel;
  if (std::holds_alternative<runtime::Copy>(command.operation)) return "copy";
  if (std::holds_alternative<runtime::Fill>(command.operation)) return "fill";
  return "library";
}

// Bytes that a command moves, where the compiler does not say so.
int64_t BytesOf(const Command& command) {
  if (command.bytes > 0) return command.bytes;
  if (const auto* copy = std::get_if<runtime::Copy>(&command.operation)) {
    return 2 * copy->source.size;
  }
  if (const auto* fill = std::get_if<runtime::Fill>(&command.operation)) {
    return fill->destination.size;
  }
  return 0;
}

// All runs of one command.
struct Row {
  const Command* command = nullptr;
  int64_t runs = 0;
  double us = 0;

  double Bytes() const { return static_cast<double>(runs * BytesOf(*command)); }
  double Operations() const { return static_cast<double>(runs * command->flops); }
  double FloorUs(const ProfileContext& context) const {
    double floor = 0;
    if (context.copy_bytes_per_us > 0) floor = Bytes() / context.copy_bytes_per_us;
    if (context.operations_per_us > 0) {
      floor = std::max(floor, Operations() / context.operations_per_us);
    }
    return floor;
  }
};

std::vector<Row> RowsOf(const runtime::Profile& profile) {
  std::vector<Row> rows;
  absl::flat_hash_map<const Command*, size_t> row_of;
  for (const runtime::CommandTime& time : profile) {
    const auto [it, is_new] = row_of.try_emplace(time.command, rows.size());
    if (is_new) rows.push_back({time.command, 0, 0});
    Row& row = rows[it->second];
    ++row.runs;
    row.us += static_cast<double>(time.nanoseconds) / 1e3;
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [](const Row& a, const Row& b) { return a.us > b.us; });
  return rows;
}

// "-" where there is nothing to say.
std::string Number(double value, int digits) {
  return value > 0 ? absl::StrFormat("%.*f", digits, value) : "-";
}

}  // namespace

std::string ProfileText(const runtime::Profile& profile, const ProfileContext& context) {
  const std::vector<Row> rows = RowsOf(profile);
  double total_us = 0, total_floor = 0;
  for (const Row& row : rows) {
    total_us += row.us;
    total_floor += row.FloorUs(context);
  }
  std::string text =
      absl::StrFormat("%-32s %-32s %6s %12s %6s %12s %8s %10s %10s\n", "command", "kernel", "runs",
                      "us", "%", "floor us", "x floor", "GB/s", "GFLOP/s");
  for (const Row& row : rows) {
    // A clock may say 0 of what takes less than its tick.
    const double us = std::max(row.us, 1e-3);
    const double floor = row.FloorUs(context);
    absl::StrAppendFormat(
        &text, "%-32s %-32s %6d %12.2f %6.1f %12s %8s %10s %10s\n", row.command->label,
        KernelOf(*row.command), row.runs, row.us, 100 * row.us / std::max(total_us, 1e-3),
        Number(floor, 2), floor > 0 ? Number(us / floor, 2) : "-",
        Number(row.Bytes() / us / 1e3, 2), Number(row.Operations() / us / 1e3, 2));
  }
  absl::StrAppendFormat(&text,
                        "%d commands run %d times take %.2f us one by one, %s times their floor\n",
                        rows.size(), profile.size(), total_us,
                        total_floor > 0 ? Number(total_us / total_floor, 2) : "-");
  if (context.run_us > 0) {
    const double besides = context.run_us - total_us;
    absl::StrAppendFormat(&text, "an ordinary run takes %.2f us, %.2f us %s its commands\n",
                          context.run_us, std::abs(besides),
                          besides >= 0 ? "more than" : "less than the sum of");
  }
  return text;
}

nlohmann::json TraceJson(const runtime::Profile& profile, const ProfileContext& context) {
  nlohmann::json events = nlohmann::json::array();
  events.push_back({{"ph", "M"},
                    {"name", "process_name"},
                    {"pid", 1},
                    {"tid", 1},
                    {"args", {{"name", context.device}}}});
  events.push_back({{"ph", "M"},
                    {"name", "thread_name"},
                    {"pid", 1},
                    {"tid", 1},
                    {"args", {{"name", "commands"}}}});
  for (const runtime::CommandTime& time : profile) {
    const Row row = {time.command, 1, static_cast<double>(time.nanoseconds) / 1e3};
    nlohmann::json arguments = {{"kernel", KernelOf(*time.command)},
                                {"bytes", row.Bytes()},
                                {"operations", row.Operations()}};
    if (const double floor = row.FloorUs(context); floor > 0) arguments["floor_us"] = floor;
    if (const auto* launch = std::get_if<runtime::Launch>(&time.command->operation)) {
      arguments["tasks"] = launch->tasks;
      arguments["grid"] = {launch->grid.x, launch->grid.y, launch->grid.z};
      arguments["block"] = {launch->block.x, launch->block.y, launch->block.z};
    }
    events.push_back({{"ph", "X"},
                      {"name", time.command->label},
                      {"cat", KernelOf(*time.command)},
                      {"pid", 1},
                      {"tid", 1},
                      {"ts", static_cast<double>(time.start) / 1e3},
                      {"dur", row.us},
                      {"args", std::move(arguments)}});
  }
  return {{"displayTimeUnit", "ns"}, {"traceEvents", std::move(events)}};
}

}  // namespace ingot::tools
