#include "compiler/codegen/cuda/nvrtc.h"

#include <dlfcn.h>

#include <type_traits>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "compiler/codegen/cubin/library.h"
#include "ir/base/status.h"
#include "ir/base/target.h"

namespace ingot::codegen {
namespace {

constexpr int kInvalidOption = 5;  // NVRTC_ERROR_INVALID_OPTION: an architecture, as ours are else

}  // namespace

const Nvrtc* Nvrtc::Get() {
  // Never closed: other threads may be in it when the process ends.
  static const Nvrtc* library = []() -> const Nvrtc* {
    auto* opened = new Nvrtc;
    for (const std::string& path : CudaLibraryPaths("nvrtc")) {
      if (opened->Open(path)) return opened;
    }
    delete opened;
    return nullptr;
  }();
  return library;
}

bool Nvrtc::Open(const std::string& path) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return false;
  const auto find = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::decay_t<decltype(function)>>(dlsym(library, name));
    return function != nullptr;
  };
  const bool complete =
      find(create_, "nvrtcCreateProgram") && find(destroy_, "nvrtcDestroyProgram") &&
      find(compile_, "nvrtcCompileProgram") && find(cubin_size_, "nvrtcGetCUBINSize") &&
      find(cubin_, "nvrtcGetCUBIN") && find(ptx_size_, "nvrtcGetPTXSize") &&
      find(ptx_, "nvrtcGetPTX") && find(log_size_, "nvrtcGetProgramLogSize") &&
      find(log_, "nvrtcGetProgramLog") && find(version_, "nvrtcVersion");
  if (!complete) {
    dlclose(library);
    return false;
  }
  Dl_info info;
  path_ = dladdr(reinterpret_cast<void*>(create_), &info) != 0 ? info.dli_fname : path;
  return true;
}

std::string Nvrtc::Version() const {
  int major = 0;
  int minor = 0;
  return version_(&major, &minor) == 0 ? absl::StrCat(major, ".", minor) : "";
}

std::string Nvrtc::Log(Program program) const {
  size_t size = 0;
  if (log_size_(program, &size) != 0 || size == 0) return "";
  std::string log(size, '\0');
  if (log_(program, log.data()) != 0) return "";
  log.resize(log.find_last_not_of(std::string("\0\n", 2)) + 1);
  return log;
}

absl::StatusOr<Nvrtc::Output> Nvrtc::Run(absl::string_view source, absl::string_view architecture,
                                         bool to_ptx) const {
  INGOT_ASSIGN_OR_RETURN(const Target* target, FindTarget(architecture));
  if (target->platform != Platform::kCuda) return InvalidArgument(architecture, " is not a GPU");
  const std::string arch = absl::StrCat("--gpu-architecture=", to_ptx ? "compute_" : "sm_",
                                        absl::StripPrefix(architecture, "sm_"));
  const char* const options[] = {
      arch.c_str(),          "--std=c++17",
      "--fmad=false",  // nothing is contracted
      "--ftz=false",         "--prec-div=true", "--prec-sqrt=true", "--ptxas-options=-v",
      "--diag-suppress=177",  // the head has more than a module uses
  };
  Program program = nullptr;
  const std::string text(source);
  if (const Result result = create_(&program, text.c_str(), "kernels.cu", 0, nullptr, nullptr);
      result != 0) {
    return absl::InternalError(absl::StrCat("NVRTC error ", result));
  }
  Output output;
  size_t size = 0;
  Result result = compile_(program, static_cast<int>(std::size(options)), options);
  output.log = Log(program);
  if (result == 0) result = to_ptx ? ptx_size_(program, &size) : cubin_size_(program, &size);
  if (result == 0) {
    output.bytes.resize(size);
    char* bytes = reinterpret_cast<char*>(output.bytes.data());
    result = to_ptx ? ptx_(program, bytes) : cubin_(program, bytes);
  }
  destroy_(&program);
  if (result == kInvalidOption) {
    return Unimplemented("NVRTC ", Version(), " does not know ", architecture, ": ", output.log);
  }
  if (result != 0) {
    return absl::InternalError(
        absl::StrCat("NVRTC error ", result, " for ", architecture, ": ", output.log));
  }
  return output;
}

absl::StatusOr<Cubin> Nvrtc::Compile(absl::string_view source,
                                     absl::string_view architecture) const {
  INGOT_ASSIGN_OR_RETURN(Output output, Run(source, architecture, /*to_ptx=*/false));
  return Cubin{std::move(output.bytes), ParseAssemblerLog(output.log)};
}

absl::StatusOr<std::string> Nvrtc::CompileToPtx(absl::string_view source,
                                                absl::string_view architecture) const {
  INGOT_ASSIGN_OR_RETURN(const Output output, Run(source, architecture, /*to_ptx=*/true));
  std::string ptx(output.bytes.begin(), output.bytes.end());
  ptx.resize(ptx.find_last_not_of(std::string("\0\n ", 3)) + 1);
  return ptx + "\n";
}

}  // namespace ingot::codegen
