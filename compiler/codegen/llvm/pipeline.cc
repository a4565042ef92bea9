#include "compiler/codegen/llvm/pipeline.h"

#include <cstdio>
#include <map>
#include <mutex>

#include "absl/strings/str_cat.h"
#include "ir/base/check.h"
#include "ir/base/status.h"
#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/DiagnosticPrinter.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Verifier.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/SmallVectorMemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Transforms/InstCombine/InstCombine.h"
#include "llvm/Transforms/Scalar/ADCE.h"
#include "llvm/Transforms/Scalar/EarlyCSE.h"
#include "llvm/Transforms/Scalar/LICM.h"
#include "llvm/Transforms/Scalar/LoopPassManager.h"
#include "llvm/Transforms/Scalar/LoopUnrollPass.h"
#include "llvm/Transforms/Scalar/SROA.h"
#include "llvm/Transforms/Scalar/SimplifyCFG.h"
#include "llvm/Transforms/Utils/Cloning.h"

// LLVM's initialisers of one target; its umbrella functions would pull in every target there is.
extern "C" {
void LLVMInitializeNVPTXTargetInfo();
void LLVMInitializeNVPTXTarget();
void LLVMInitializeNVPTXTargetMC();
void LLVMInitializeNVPTXAsmPrinter();
}

namespace ingot::codegen {
namespace {

struct Current {
  const kernel::KernelModule* module = nullptr;
  const Target* target = nullptr;
};
thread_local Current current;

// LLVM ends the process when this returns.
void OnFatalError(void*, const char* reason, bool) {
  std::fprintf(stderr, "error: LLVM gave up: %s\n", reason);
  if (current.module == nullptr) return;
  std::fprintf(stderr,
               "while compiling for %.*s; with the text below in FAILED.kernel, replay it by\n"
               "  ingot emit FAILED.kernel --stage=llvm --target=%.*s\n%s\n",
               static_cast<int>(current.target->name.size()), current.target->name.data(),
               static_cast<int>(current.target->name.size()), current.target->name.data(),
               current.module->ToString().c_str());
}

void InitializeOnce() {
  static std::once_flag once;
  std::call_once(once, [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    LLVMInitializeNVPTXTargetInfo();
    LLVMInitializeNVPTXTarget();
    LLVMInitializeNVPTXTargetMC();
    LLVMInitializeNVPTXAsmPrinter();
    llvm::install_fatal_error_handler(OnFatalError);
    // Addresses of shared memory take 32 bits; LLVM has no other way to say it.
    const char* options[] = {"ingot", "-nvptx-short-ptr"};
    llvm::cl::ParseCommandLineOptions(2, options);
  });
}

const char* TripleOf(const Target& target) {
  return target.platform == Platform::kHost ? "x86_64-unknown-linux-gnu" : "nvptx64-nvidia-cuda";
}

std::unique_ptr<llvm::TargetMachine> CreateMachine(const Target& target) {
  const bool host = target.platform == Platform::kHost;
  const std::string triple = TripleOf(target);
  std::string error;
  const llvm::Target* row = llvm::TargetRegistry::lookupTarget(triple, error);
  INGOT_CHECK(row != nullptr) << error;
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict;
  const std::string features = host ? "" : absl::StrCat("+ptx", target.ptx_version);
  return std::unique_ptr<llvm::TargetMachine>(row->createTargetMachine(
      triple, llvm::StringRef(target.llvm_cpu.data(), target.llvm_cpu.size()), features, options,
      llvm::Reloc::PIC_, llvm::CodeModel::Small, llvm::CodeGenOptLevel::Default));
}

llvm::TargetMachine* MachineOf(const Target& target) {
  thread_local std::map<std::string, std::unique_ptr<llvm::TargetMachine>> machines;
  auto& machine = machines[std::string(target.name)];
  if (machine == nullptr) machine = CreateMachine(target);
  return machine.get();
}

// Keeps what LLVM reports as errors (an inline assembly operand that does not fit, say).
struct ErrorCollector : llvm::DiagnosticHandler {
  explicit ErrorCollector(std::string* errors) : errors(errors) {}
  bool handleDiagnostics(const llvm::DiagnosticInfo& info) override {
    if (info.getSeverity() != llvm::DS_Error) return true;
    llvm::raw_string_ostream out(*errors);
    llvm::DiagnosticPrinterRawOStream printer(out);
    info.print(printer);
    out << "\n";
    return true;
  }
  std::string* errors;
};

// No function of the C library may be assumed: LLVM would make calls of loops and idioms.
llvm::TargetLibraryInfoImpl NoLibrary(const llvm::Module& module) {
  llvm::TargetLibraryInfoImpl library(llvm::Triple(module.getTargetTriple()));
  library.disableAllFunctions();
  return library;
}

std::string Print(const llvm::Module& module) {
  std::string text;
  llvm::raw_string_ostream out(text);
  module.print(out, nullptr);
  return text;
}

}  // namespace

absl::string_view LlvmVersion() { return LLVM_VERSION_STRING; }

bool LlvmKnows(const Target& target) {
  InitializeOnce();
  // The machine of a generation that is there knows the names of all.
  std::string error;
  const llvm::Triple triple(TripleOf(target));
  const llvm::Target* row = llvm::TargetRegistry::lookupTarget(triple.str(), error);
  INGOT_CHECK(row != nullptr) << error;
  const std::unique_ptr<llvm::MCSubtargetInfo> processors(
      row->createMCSubtargetInfo(triple.str(), "", ""));
  return processors->isCPUStringValid(
      llvm::StringRef(target.llvm_cpu.data(), target.llvm_cpu.size()));
}

Compilation::Compilation(const kernel::KernelModule& module, const Target& target) {
  InitializeOnce();
  current = {&module, &target};
  context_.setDiagnosticHandler(std::make_unique<ErrorCollector>(&errors_));
  machine_ = MachineOf(target);
  module_ = std::make_unique<llvm::Module>("kernels", context_);
  module_->setTargetTriple(machine_->getTargetTriple().str());
  module_->setDataLayout(machine_->createDataLayout());
}

Compilation::~Compilation() { current = {}; }

// Lowering writes what it means, so a few passes do: registers for vars, common subexpressions,
// peepholes, invariant code out of loops, and the unrolling that the kernel asks for.
void Compilation::Optimize() {
  llvm::LoopAnalysisManager loop_analyses;
  llvm::FunctionAnalysisManager function_analyses;
  llvm::CGSCCAnalysisManager call_graph_analyses;
  llvm::ModuleAnalysisManager module_analyses;
  function_analyses.registerPass([&] { return llvm::TargetLibraryAnalysis(NoLibrary(*module_)); });
  llvm::PassBuilder builder(machine_);
  builder.registerModuleAnalyses(module_analyses);
  builder.registerCGSCCAnalyses(call_graph_analyses);
  builder.registerFunctionAnalyses(function_analyses);
  builder.registerLoopAnalyses(loop_analyses);
  builder.crossRegisterProxies(loop_analyses, function_analyses, call_graph_analyses,
                               module_analyses);

  llvm::FunctionPassManager passes;
  passes.addPass(llvm::SROAPass(llvm::SROAOptions::ModifyCFG));
  passes.addPass(llvm::EarlyCSEPass(/*UseMemorySSA=*/true));
  passes.addPass(llvm::InstCombinePass());
  passes.addPass(llvm::SimplifyCFGPass());
  passes.addPass(llvm::createFunctionToLoopPassAdaptor(llvm::LICMPass(llvm::LICMOptions()),
                                                       /*UseMemorySSA=*/true));
  passes.addPass(
      llvm::LoopUnrollPass(llvm::LoopUnrollOptions(/*OptLevel=*/2, /*OnlyWhenForced=*/true)));
  passes.addPass(llvm::EarlyCSEPass(/*UseMemorySSA=*/true));
  passes.addPass(llvm::InstCombinePass());
  passes.addPass(llvm::SimplifyCFGPass());
  passes.addPass(llvm::ADCEPass());
  for (llvm::Function& function : *module_) {
    if (!function.isDeclaration()) passes.run(function, function_analyses);
  }
}

absl::StatusOr<std::string> Compilation::Generate(llvm::Module& module,
                                                  llvm::CodeGenFileType type) {
  llvm::SmallString<0> bytes;
  llvm::raw_svector_ostream out(bytes);
  llvm::legacy::PassManager passes;
  passes.add(new llvm::TargetLibraryInfoWrapperPass(NoLibrary(module)));
  INGOT_CHECK(!machine_->addPassesToEmitFile(passes, out, nullptr, type))
      << "the target writes no such file";
  passes.run(module);
  if (!errors_.empty()) return absl::InternalError(absl::StrCat("LLVM: ", errors_));
  return std::string(bytes.data(), bytes.size());
}

absl::StatusOr<std::string> Compilation::Emit(llvm::CodeGenFileType type, Texts* texts) {
  std::string faults;
  llvm::raw_string_ostream out(faults);
  if (llvm::verifyModule(*module_, &out)) {
    return absl::InternalError(absl::StrCat("rendered LLVM IR is wrong: ", faults));
  }
  if (texts != nullptr) texts->llvm = Print(*module_);
  Optimize();
  if (texts != nullptr) {
    texts->optimized = Print(*module_);
    if (type == llvm::CodeGenFileType::ObjectFile) {
      // The code generator changes the module that it is given.
      std::unique_ptr<llvm::Module> copy = llvm::CloneModule(*module_);
      INGOT_ASSIGN_OR_RETURN(texts->assembly, Generate(*copy, llvm::CodeGenFileType::AssemblyFile));
    }
  }
  return Generate(*module_, type);
}

}  // namespace ingot::codegen
