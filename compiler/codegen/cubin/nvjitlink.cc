#include "compiler/codegen/cubin/nvjitlink.h"

#include "absl/strings/str_cat.h"
#include "compiler/codegen/cubin/library.h"
#include "ir/base/status.h"

namespace ingot::codegen {
namespace {

constexpr int kInputPtx = 2;  // NVJITLINK_INPUT_PTX

}  // namespace

const NvJitLink* NvJitLink::Get() {
  static const NvJitLink* library = FirstCudaLibrary<NvJitLink>(
      "nvJitLink", [](auto& opened, const std::string& path) { return opened.Open(path); });
  return library;
}

bool NvJitLink::Open(const std::string& path) {
  DynamicLibrary library(path);
  const bool complete =
      library.Find(create_, "nvJitLinkCreate") && library.Find(destroy_, "nvJitLinkDestroy") &&
      library.Find(add_data_, "nvJitLinkAddData") && library.Find(complete_, "nvJitLinkComplete") &&
      library.Find(cubin_size_, "nvJitLinkGetLinkedCubinSize") &&
      library.Find(cubin_, "nvJitLinkGetLinkedCubin") &&
      library.Find(error_log_size_, "nvJitLinkGetErrorLogSize") &&
      library.Find(error_log_, "nvJitLinkGetErrorLog") &&
      library.Find(info_log_size_, "nvJitLinkGetInfoLogSize") &&
      library.Find(info_log_, "nvJitLinkGetInfoLog");
  if (!complete) return false;
  library.Find(version_, "nvJitLinkVersion");  // since 12.3
  path_ = library.Keep(create_);
  return true;
}

std::string NvJitLink::Version() const {
  unsigned major = 0;
  unsigned minor = 0;
  if (version_ == nullptr || version_(&major, &minor) != 0) return "";
  return absl::StrCat(major, ".", minor);
}

std::string NvJitLink::Log(Handle handle, Result (*size_of)(Handle, size_t*),
                           Result (*copy)(Handle, char*)) {
  return LogOf([&](size_t* size) { return size_of(handle, size); },
               [&](char* log) { return copy(handle, log); });
}

absl::StatusOr<Cubin> NvJitLink::Assemble(absl::string_view ptx,
                                          absl::string_view architecture) const {
  const std::string arch = absl::StrCat("-arch=", architecture);
  const char* options[] = {arch.c_str(), "-Xptxas=-v"};
  Handle handle = nullptr;
  if (const Result result = create_(&handle, 2, options); result != 0) {
    return InvalidArgument("nvJitLink does not know ", architecture, " (error ", result, ")");
  }
  // The text is to end in a zero, which counts.
  const std::string text(ptx);
  Cubin cubin;
  size_t size = 0;
  Result result = add_data_(handle, kInputPtx, text.c_str(), text.size() + 1, "kernels.ptx");
  if (result == 0) result = complete_(handle);
  if (result == 0) result = cubin_size_(handle, &size);
  if (result == 0) {
    cubin.bytes.resize(size);
    result = cubin_(handle, cubin.bytes.data());
  }
  absl::Status status;
  if (result != 0) {
    status = absl::InternalError(absl::StrCat("nvJitLink error ", result, " for ", architecture,
                                              ": ", Log(handle, error_log_size_, error_log_)));
  }
  cubin.reports = ParseAssemblerLog(Log(handle, info_log_size_, info_log_));
  destroy_(&handle);
  INGOT_RETURN_IF_ERROR(status);
  return cubin;
}

}  // namespace ingot::codegen
