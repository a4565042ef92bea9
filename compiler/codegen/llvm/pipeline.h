// The way from a rendered llvm::Module to text or object code, and what is set up once in a
// process.
#ifndef INGOT_COMPILER_CODEGEN_LLVM_PIPELINE_H_
#define INGOT_COMPILER_CODEGEN_LLVM_PIPELINE_H_

#include <string>

#include "absl/status/statusor.h"
#include "compiler/codegen/llvm/llvm_codegen.h"
#include "llvm/IR/Module.h"
#include "llvm/Target/TargetMachine.h"

namespace ingot::codegen {

// One compilation: a context whose errors are kept, and the kernels' text for LLVM's fatal-error
// handler, which LLVM calls where it cannot go on.
class Compilation {
 public:
  Compilation(const kernel::KernelModule& module, const Target& target);
  ~Compilation();
  Compilation(const Compilation&) = delete;
  Compilation& operator=(const Compilation&) = delete;

  llvm::Module& module() { return *module_; }
  // Of this thread: building one takes longer than compiling a small kernel.
  llvm::TargetMachine& machine() { return *machine_; }

  // Runs the passes and the code generator; fills `texts` when it is not null.
  absl::StatusOr<std::string> Emit(llvm::CodeGenFileType type, Texts* texts);

 private:
  void Optimize();
  absl::StatusOr<std::string> Generate(llvm::Module& module, llvm::CodeGenFileType type);

  llvm::LLVMContext context_;
  std::unique_ptr<llvm::Module> module_;
  llvm::TargetMachine* machine_;
  std::string errors_;  // what LLVM reported through the context
};

}  // namespace ingot::codegen

#endif  // INGOT_COMPILER_CODEGEN_LLVM_PIPELINE_H_
