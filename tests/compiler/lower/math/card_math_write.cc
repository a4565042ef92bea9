// Compiles the kernels of card_math.h for card_math_run: card_math_write FILE TARGET
#include <cstdio>
#include <fstream>

#include "compiler/codegen/cubin/cubin.h"
#include "compiler/codegen/llvm/llvm_codegen.h"
#include "compiler/kernel/verifier.h"
#include "ir/base/status.h"
#include "tests/compiler/lower/math/card_math.h"

namespace ingot::test {
namespace {

absl::Status Run(const std::string& path, const std::string& target_name) {
  INGOT_ASSIGN_OR_RETURN(const Target* target, FindTarget(target_name));
  kernel::KernelModule module;
  for (CardCase& test : CardCases(/*all_significands=*/true)) {
    module.kernels.push_back(std::move(test.kernel));
  }
  INGOT_RETURN_IF_ERROR(kernel::VerifyModule(module, target));
  INGOT_ASSIGN_OR_RETURN(const codegen::PtxCode code, codegen::CompileToPtx(module, *target));
  INGOT_ASSIGN_OR_RETURN(const codegen::Cubin cubin, codegen::PtxToCubin(code.ptx, target->name));
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(cubin.bytes.data()), cubin.bytes.size());
  return file.flush() ? absl::OkStatus() : absl::InternalError("cannot write");
}

}  // namespace
}  // namespace ingot::test

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: card_math_write FILE TARGET\n");
    return 2;
  }
  const absl::Status status = ingot::test::Run(argv[1], argv[2]);
  if (!status.ok()) std::fprintf(stderr, "error: %s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
