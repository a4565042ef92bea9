#include "tests/compiler/assembled.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "compiler/codegen/cubin/cubin.h"
#include "compiler/compile.h"
#include "compiler/plan/plan.h"
#include "compiler/program/fusion_table.h"
#include "tests/compiler/plans.h"

namespace ingot::test {
namespace {

std::string Complaint(const Assembled& given) {
  const std::unique_ptr<Module> module = Read(given.hlo);
  if (module == nullptr) return "does not parse";
  const Target& target = TargetOf("sm_90a");
  CompileOptions options;
  options.threads = 1;
  const auto compiled = Compile(*module, target, options);
  if (!compiled.ok()) return std::string(compiled.status().message());
  if (compiled->reports.empty()) return "the assembler reports nothing";
  for (const codegen::KernelReport& report : compiled->reports) {
    if (!report.notices.empty() || report.spill_store_bytes > given.spill_bytes) {
      return report.ToString();
    }
  }
  if (!given.matrix_units) return "";
  const std::unique_ptr<Module> fused = Fused(*module, target);
  const program::FusionTable fusions(*fused);
  for (const auto& entry : fusions.entries()) {
    const plan::FusionPlan plan = plan::MakePlan(*entry.fusion, target);
    const auto* contraction = std::get_if<plan::ContractionPlan>(&plan.kernels[0].work);
    if (contraction != nullptr && contraction->unit != plan::ProductUnit::kFma) return "";
  }
  return "matrix units do not multiply";
}

}  // namespace

std::vector<std::string> Complaints(const std::vector<Assembled>& modules) {
  std::vector<std::string> complaints(modules.size());
  std::atomic<size_t> next = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      for (size_t k = next++; k < modules.size(); k = next++) complaints[k] = Complaint(modules[k]);
    });
  }
  for (std::thread& thread : threads) thread.join();
  return complaints;
}

bool NoAssembler() { return codegen::FindAssembler().kind == codegen::Assembler::kNone; }

}  // namespace ingot::test
