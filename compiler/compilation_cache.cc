#include "compiler/compilation_cache.h"

#include <sys/stat.h>

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "compiler/cache/version.h"
#include "compiler/cache_entry_generated.h"
#include "compiler/codegen/cubin/cubin.h"
#include "compiler/codegen/cuda/nvrtc.h"
#include "compiler/codegen/llvm/llvm_codegen.h"
#include "ir/text/printer.h"
#include "runtime/ingot_file.h"

namespace ingot {
namespace {

namespace fb = ::flatbuffers;

constexpr int64_t kMostConstantBytes = 16 << 20;
// Larger constants are in keys as the hash of their bytes, not as text.
constexpr int64_t kMostPrintedElements = 16;

// The assembler that makes the code, so that another one makes other keys: ptxas does not say its
// version without being started.
std::string FileText(const std::string& path, absl::string_view version) {
  struct stat file = {};
  if (!path.empty()) stat(path.c_str(), &file);
  return absl::StrCat(path, " ", version, " ", file.st_size, " ", file.st_mtim.tv_sec, ".",
                      file.st_mtim.tv_nsec);
}
std::string AssemblerText(const Target& target, Codegen codegen) {
  const codegen::AssemblerInfo assembler = codegen::FindAssembler();
  std::string text = absl::StrCat("assembler=", FileText(assembler.path, assembler.version));
  // NVRTC takes a tenth of a second to open: only where it may be asked.
  const bool is_cuda = codegen == Codegen::kCuda;
  const bool asks_nvrtc =
      is_cuda || assembler.kind != codegen::Assembler::kPtxas || !codegen::LlvmKnows(target);
  if (const codegen::Nvrtc* nvrtc = asks_nvrtc ? codegen::Nvrtc::Get() : nullptr) {
    absl::StrAppend(&text, is_cuda ? "\nonly" : "",
                    "\nnvrtc=", FileText(nvrtc->path(), nvrtc->Version()));
  }
  return text;
}

cache::Key Hash(absl::string_view text) {
  return runtime::HashOf(
      absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(text.data()), text.size()));
}

// Calls visit(literal) for the arrays of every constant.
template <typename Visit>
void ForEachConstant(const Literal& literal, const Visit& visit) {
  for (const Literal& element : literal.tuple()) ForEachConstant(element, visit);
  if (literal.shape().IsArray()) visit(literal);
}
template <typename Visit>
void ForEachConstant(const Module& module, const Visit& visit) {
  for (const Computation* computation : module.computations()) {
    for (const Instruction* instruction : computation->instructions()) {
      if (instruction->opcode() != Opcode::kConstant) continue;
      ForEachConstant(instruction->literal(), visit);
    }
  }
}

cache_format::ReportT ToFormat(const codegen::KernelReport& report) {
  cache_format::ReportT out;
  out.kernel = report.kernel;
  out.registers = report.registers;
  out.barriers = report.barriers;
  out.stack_bytes = report.stack_bytes;
  out.spill_store_bytes = report.spill_store_bytes;
  out.spill_load_bytes = report.spill_load_bytes;
  out.shared_bytes = report.shared_bytes;
  out.notices = report.notices;
  return out;
}

codegen::KernelReport FromFormat(cache_format::ReportT& report) {
  return {.kernel = std::move(report.kernel),
          .registers = report.registers,
          .barriers = report.barriers,
          .stack_bytes = report.stack_bytes,
          .spill_store_bytes = report.spill_store_bytes,
          .spill_load_bytes = report.spill_load_bytes,
          .shared_bytes = report.shared_bytes,
          .notices = std::move(report.notices)};
}

using ReportsT = std::vector<std::unique_ptr<cache_format::ReportT>>;

ReportsT ToFormat(const std::vector<codegen::KernelReport>& reports) {
  ReportsT out;
  for (const codegen::KernelReport& report : reports) {
    out.push_back(std::make_unique<cache_format::ReportT>(ToFormat(report)));
  }
  return out;
}

std::vector<codegen::KernelReport> FromFormat(ReportsT& reports) {
  std::vector<codegen::KernelReport> out;
  for (auto& report : reports) out.push_back(FromFormat(*report));
  return out;
}

void Put(const cache::Store& store, const cache::Key& key, const cache_format::EntryT& entry) {
  fb::FlatBufferBuilder builder;
  builder.Finish(cache_format::Entry::Pack(builder, &entry));
  store.Put(key, absl::MakeConstSpan(builder.GetBufferPointer(), builder.GetSize()));
}

std::optional<cache_format::EntryT> Get(const cache::Store& store, const cache::Key& key) {
  const std::optional<std::vector<uint8_t>> bytes = store.Get(key);
  if (!bytes.has_value()) return std::nullopt;
  fb::Verifier verifier(bytes->data(), bytes->size());
  if (!verifier.VerifyBuffer<cache_format::Entry>()) return std::nullopt;
  cache_format::EntryT entry;
  fb::GetRoot<cache_format::Entry>(bytes->data())->UnPackTo(&entry);
  return entry;
}

}  // namespace

CompilationCache::CompilationCache(const Target& target, const CompileOptions& options)
    : target_(target), options_(options) {
  const bool texts = options.observer != nullptr && !options.stages.empty();
  if (options.cache == nullptr || texts || target.simulated || cache::CompilerVersion().empty()) {
    return;
  }
  store_ = options.cache.get();
  context_ = absl::StrCat(
      "compiler=", cache::CompilerVersion(), "\ntarget=", target.name,
      options.keep_ptx ? " and PTX" : "", "\n",
      target.platform == Platform::kCuda ? AssemblerText(target, options.codegen) : "", "\n");
}

std::optional<cache::Key> CompilationCache::KeyOf(const Module& module) const {
  if (store_ == nullptr) return std::nullopt;
  int64_t bytes = 0;
  ForEachConstant(module, [&](const Literal& literal) { bytes += literal.bytes().size(); });
  if (bytes > kMostConstantBytes) return std::nullopt;
  PrintOptions print;
  print.max_constant_elements = kMostPrintedElements;
  std::string text = absl::StrCat("compilation\n", context_,
                                  OptionsText(options_.fusion, options_.numerics, options_.codegen,
                                              options_.plans.get(), options_.tuned),
                                  "\ndonated=", absl::StrJoin(options_.donated, ","), "\n",
                                  ToString(module, print), "\n");
  ForEachConstant(module, [&](const Literal& literal) {
    if (literal.size() <= kMostPrintedElements) return;
    const cache::Key hash = runtime::HashOf(absl::MakeConstSpan(
        reinterpret_cast<const uint8_t*>(literal.bytes().data()), literal.bytes().size()));
    text.append(reinterpret_cast<const char*>(hash.data()), hash.size());
  });
  return Hash(text);
}

std::optional<cache::Key> CompilationCache::KeyOf(const kernel::KernelModule& kernels) const {
  if (store_ == nullptr) return std::nullopt;
  return Hash(absl::StrCat("code\n", context_, kernels.ToString()));
}

std::optional<Compilation> CompilationCache::FindCompilation(
    const std::optional<cache::Key>& key) const {
  if (!key.has_value()) return std::nullopt;
  std::optional<cache_format::EntryT> entry = Get(*store_, *key);
  if (!entry.has_value() || entry->program == nullptr) return std::nullopt;
  cache_format::ProgramT& source = *entry->program;
  absl::StatusOr<runtime::Program> program = runtime::ParseIngot(source.file);
  if (!program.ok()) return std::nullopt;
  Compilation compilation;
  compilation.program = std::make_shared<runtime::Program>(*std::move(program));
  compilation.launches = source.launches;
  compilation.kernels = source.kernels;
  compilation.arena.size = source.arena_size;
  compilation.arena.peak = source.arena_peak;
  for (auto& value : source.at_peak) {
    compilation.arena.at_peak.push_back({std::move(value->name), value->bytes});
  }
  compilation.reports = FromFormat(source.reports);
  return compilation;
}

std::optional<std::vector<CodeOfUnits>> CompilationCache::FindCode(
    const std::optional<cache::Key>& key) const {
  if (!key.has_value()) return std::nullopt;
  std::optional<cache_format::EntryT> entry = Get(*store_, *key);
  if (!entry.has_value() || entry->code.empty()) return std::nullopt;
  std::vector<CodeOfUnits> all;
  for (auto& source : entry->code) {
    CodeOfUnits& one = all.emplace_back();
    one.units = std::move(source->units);
    one.module.code.architecture = std::string(target_.name);
    one.module.code.format = static_cast<runtime::CodeFormat>(source->format);
    one.module.code.bytes = runtime::SharedBytes::Own(std::move(source->bytes));
    if (!source->ptx.empty()) {
      one.module.code.ptx = runtime::SharedBytes::Own(std::move(source->ptx));
    }
    one.module.entries = std::move(source->entries);
    one.module.dynamic_shared_bytes = std::move(source->dynamic_shared_bytes);
    one.module.reports = FromFormat(source->reports);
  }
  return all;
}

void CompilationCache::Keep(const std::optional<cache::Key>& key,
                            const Compilation& compilation) const {
  if (!key.has_value()) return;
  absl::StatusOr<std::vector<uint8_t>> file = runtime::SerializeIngot(*compilation.program);
  if (!file.ok()) return;
  cache_format::EntryT entry;
  entry.program = std::make_unique<cache_format::ProgramT>();
  cache_format::ProgramT& out = *entry.program;
  out.file = *std::move(file);
  out.launches = compilation.launches;
  out.kernels = compilation.kernels;
  out.arena_size = compilation.arena.size;
  out.arena_peak = compilation.arena.peak;
  for (const program::ArenaUse::Value& value : compilation.arena.at_peak) {
    out.at_peak.push_back(std::make_unique<cache_format::ValueT>());
    out.at_peak.back()->name = value.name;
    out.at_peak.back()->bytes = value.bytes;
  }
  out.reports = ToFormat(compilation.reports);
  Put(*store_, *key, entry);
}

void CompilationCache::Keep(const std::optional<cache::Key>& key,
                            const std::vector<CodeOfUnits>& code) const {
  if (!key.has_value()) return;
  cache_format::EntryT entry;
  for (const CodeOfUnits& one : code) {
    entry.code.push_back(std::make_unique<cache_format::CodeT>());
    cache_format::CodeT& out = *entry.code.back();
    const absl::Span<const uint8_t> bytes = one.module.code.bytes.span();
    const absl::Span<const uint8_t> ptx = one.module.code.ptx.span();
    out.units = one.units;
    out.format = static_cast<uint8_t>(one.module.code.format);
    out.bytes.assign(bytes.begin(), bytes.end());
    out.ptx.assign(ptx.begin(), ptx.end());
    out.entries = one.module.entries;
    out.dynamic_shared_bytes = one.module.dynamic_shared_bytes;
    out.reports = ToFormat(one.module.reports);
  }
  Put(*store_, *key, entry);
}

}  // namespace ingot
