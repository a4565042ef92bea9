#include "compiler/codegen/cuda/nvrtc.h"

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
  static const Nvrtc* library = FirstCudaLibrary<Nvrtc>(
      "nvrtc", [](auto& opened, const std::string& path) { return opened.Open(path); });
  return library;
}

bool Nvrtc::Open(const std::string& path) {
  DynamicLibrary library(path);
  const bool complete =
      library.Find(create_, "nvrtcCreateProgram") &&
      library.Find(destroy_, "nvrtcDestroyProgram") &&
      library.Find(compile_, "nvrtcCompileProgram") &&
      library.Find(cubin_size_, "nvrtcGetCUBINSize") && library.Find(cubin_, "nvrtcGetCUBIN") &&
      library.Find(ptx_size_, "nvrtcGetPTXSize") && library.Find(ptx_, "nvrtcGetPTX") &&
      library.Find(log_size_, "nvrtcGetProgramLogSize") &&
      library.Find(log_, "nvrtcGetProgramLog") && library.Find(version_, "nvrtcVersion");
  if (!complete) return false;
  path_ = library.Keep(create_);
  return true;
}

std::string Nvrtc::Version() const {
  int major = 0;
  int minor = 0;
  return version_(&major, &minor) == 0 ? absl::StrCat(major, ".", minor) : "";
}

std::string Nvrtc::Log(Program program) const {
  return LogOf([&](size_t* size) { return log_size_(program, size); },
               [&](char* log) { return log_(program, log); });
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
