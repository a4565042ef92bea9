#include "absl/strings/str_cat.h"
#include "compiler/codegen/llvm/llvm_codegen.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Support/TargetSelect.h"

namespace ingot::codegen {
namespace {

absl::Status ToStatus(llvm::Error error) {
  return absl::InternalError(absl::StrCat("ORC: ", llvm::toString(std::move(error))));
}

}  // namespace

absl::StatusOr<JitCode> LoadWithOrc(const HostCode& code, const kernel::KernelModule& module) {
  llvm::InitializeNativeTarget();
  auto jit = llvm::orc::LLJITBuilder().create();
  if (!jit) return ToStatus(jit.takeError());
  llvm::Error added = (*jit)->addObjectFile(
      llvm::MemoryBuffer::getMemBufferCopy(llvm::StringRef(code.object), "kernels"));
  if (added) return ToStatus(std::move(added));
  JitCode result;
  for (const auto& kernel : module.kernels) {
    auto address = (*jit)->lookup(kernel->name());
    if (!address) return ToStatus(address.takeError());
    result.functions.emplace_back(kernel->name(), address->toPtr<void*>());
  }
  result.owner = std::shared_ptr<const void>(jit->release(), [](const void* owned) {
    delete static_cast<const llvm::orc::LLJIT*>(owned);
  });
  return result;
}

}  // namespace ingot::codegen
