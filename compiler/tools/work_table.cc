#include "compiler/tools/work_table.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "compiler/machine/prediction.h"
#include "compiler/tools/arena_text.h"

namespace ingot::tools {
namespace {

// Ways from which on conflicts are printed.
constexpr double kLeastConflict = 1.01;

double Ratio(double value, double over) { return over == 0 ? 0 : value / over; }

nlohmann::json ToJson(const Figures& figures) {
  return {{"kernels", figures.kernels},
          {"moved", figures.moved},
          {"asked", figures.asked},
          {"used_loads", figures.used_loads},
          {"used_stores", figures.used_stores},
          {"bytes_in_flight", figures.bytes_in_flight},
          {"bank_conflict_ways", figures.bank_conflict_ways},
          {"issue_slots", figures.issue_slots},
          {"predicted_us", figures.predicted_us},
          {"floor_us", figures.floor_us}};
}

std::string Line(absl::string_view name, const Figures& figures) {
  return absl::StrFormat("%-30s %7d %7.3f %7.3f %5.1f %5.1f %8.1f %7.2f %11.2f %10.2f %7.2f", name,
                         figures.kernels, figures.moved, figures.asked, 100 * figures.used_loads,
                         100 * figures.used_stores, figures.bytes_in_flight / 1024,
                         figures.issue_slots, figures.predicted_us, figures.floor_us,
                         Ratio(figures.predicted_us, figures.floor_us));
}

std::string Resources(const codegen::KernelReport& report) {
  if (report.registers == 0) return "";
  std::string text = absl::StrCat(", ", report.registers, " registers");
  if (report.spills()) {
    absl::StrAppend(&text, ", SPILLS ", report.spill_store_bytes + report.spill_load_bytes,
                    " bytes");
  }
  return text;
}

std::string Conflicts(double ways) {
  return ways < kLeastConflict ? "" : absl::StrFormat(", BANK CONFLICTS of %.2f ways", ways);
}

}  // namespace

Figures FiguresOf(const KernelRow& row, const ModelWork& model, const Target& target) {
  const machine::KernelWork& work = row.work;
  const double launches = static_cast<double>(row.launches);
  const double moved = work.read_bytes + work.written_bytes;
  Figures figures;
  figures.kernels = row.is_kernel ? row.launches : 0;
  figures.moved = launches * Ratio(moved, model.floor_bytes);
  figures.asked =
      launches * Ratio(work.loads.sector_bytes() + work.stores.sector_bytes(), model.floor_bytes);
  figures.used_loads = work.loads.used();
  figures.used_stores = work.stores.used();
  figures.bytes_in_flight = machine::BytesInFlight(work, target);
  if (work.least_shared_passes > 0) {
    figures.bank_conflict_ways = work.shared_passes / work.least_shared_passes;
  }
  figures.issue_slots = launches * Ratio(32 * work.issue_slots(), model.elements);
  figures.predicted_us = launches * machine::PredictTime(work, target).us;
  figures.floor_us = launches * machine::FloorTime(moved, target);
  return figures;
}

Figures FiguresOf(const ModelWork& model, const Target& target) {
  Figures sum;
  for (const KernelRow& row : model.rows) {
    const Figures figures = FiguresOf(row, model, target);
    sum.kernels += figures.kernels;
    sum.moved += figures.moved;
    sum.asked += figures.asked;
    sum.used_loads = std::min(sum.used_loads, figures.used_loads);
    sum.used_stores = std::min(sum.used_stores, figures.used_stores);
    if (row.work.loads.sectors > 0 &&
        (sum.bytes_in_flight == 0 || figures.bytes_in_flight < sum.bytes_in_flight)) {
      sum.bytes_in_flight = figures.bytes_in_flight;
    }
    sum.bank_conflict_ways = std::max(sum.bank_conflict_ways, figures.bank_conflict_ways);
    sum.issue_slots += figures.issue_slots;
    sum.predicted_us += figures.predicted_us;
  }
  sum.predicted_us -= model.overlapped_us;
  sum.floor_us = machine::FloorTime(model.floor_bytes, target);
  return sum;
}

std::string WorkHeader() {
  return absl::StrFormat("%-30s %7s %7s %7s %5s %5s %8s %7s %11s %10s %7s\n",
                         "model and its kernels", "kernels", "moved", "asked", "ld %", "st %",
                         "KB ahead", "slots", "predict us", "floor us", "x floor");
}

std::string WorkLines(const ModelWork& model, const Target& target) {
  std::string text = Line(model.name, FiguresOf(model, target)) + "\n";
  for (const KernelRow& row : model.rows) {
    const machine::Prediction prediction = machine::PredictTime(row.work, target);
    const Figures figures = FiguresOf(row, model, target);
    absl::StrAppend(&text, Line("  " + row.name, figures), "  ", machine::NameOf(prediction.bound),
                    Resources(row.report), Conflicts(figures.bank_conflict_ways), "\n");
    for (const std::string& notice : row.report.notices) {
      absl::StrAppend(&text, "    ", notice, "\n");
    }
  }
  return text + ArenaText(model.arena);
}

nlohmann::json WorkJson(absl::Span<const ModelWork> models, const Target& target) {
  nlohmann::json list = nlohmann::json::array();
  for (const ModelWork& model : models) {
    nlohmann::json entry = ToJson(FiguresOf(model, target));
    entry["model"] = model.name;
    entry["arena"] = ArenaJson(model.arena);
    entry["per_kernel"] = nlohmann::json::array();
    for (const KernelRow& row : model.rows) {
      nlohmann::json kernel = ToJson(FiguresOf(row, model, target));
      const codegen::KernelReport& report = row.report;
      kernel["kernel"] = row.name;
      kernel["bound"] = std::string(machine::NameOf(machine::PredictTime(row.work, target).bound));
      kernel["registers"] = report.registers;
      kernel["spill_bytes"] = report.spill_store_bytes + report.spill_load_bytes;
      kernel["notices"] = report.notices;
      entry["per_kernel"].push_back(std::move(kernel));
    }
    list.push_back(std::move(entry));
  }
  return list;
}

}  // namespace ingot::tools
