#include "compiler/codegen/cubin/nvjitlink.h"

#include <dlfcn.h>

#include "absl/strings/str_cat.h"
#include "compiler/codegen/cubin/library.h"
#include "ir/base/status.h"

namespace ingot::codegen {
namespace {

constexpr int kInputPtx = 2;  // NVJITLINK_INPUT_PTX

}  // namespace

const NvJitLink* NvJitLink::Get() {
  // Never closed: other threads may be in it when the process ends.
  static const NvJitLink* library = []() -> const NvJitLink* {
    auto* opened = new NvJitLink;
    for (const std::string& path : CudaLibraryPaths("nvJitLink")) {
      if (opened->Open(path)) return opened;
    }
    delete opened;
    return nullptr;
  }();
  return library;
}

bool NvJitLink::Open(const std::string& path) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return false;
  const auto find = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::decay_t<decltype(function)>>(dlsym(library, name));
    return function != nullptr;
  };
  const bool complete =
      find(create_, "nvJitLinkCreate") && find(destroy_, "nvJitLinkDestroy") &&
      find(add_data_, "nvJitLinkAddData") && find(complete_, "nvJitLinkComplete") &&
      find(cubin_size_, "nvJitLinkGetLinkedCubinSize") && find(cubin_, "nvJitLinkGetLinkedCubin") &&
      find(error_log_size_, "nvJitLinkGetErrorLogSize") &&
      find(error_log_, "nvJitLinkGetErrorLog") && find(info_log_size_, "nvJitLinkGetInfoLogSize") &&
      find(info_log_, "nvJitLinkGetInfoLog");
  if (!complete) {
    dlclose(library);
    return false;
  }
  find(version_, "nvJitLinkVersion");  // since 12.3
  Dl_info info;
  path_ = dladdr(reinterpret_cast<void*>(create_), &info) != 0 ? info.dli_fname : path;
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
  size_t size = 0;
  if (size_of(handle, &size) != 0 || size == 0) return "";
  std::string log(size, '\0');
  if (copy(handle, log.data()) != 0) return "";
  log.resize(log.find_last_not_of(std::string("\0\n", 2)) + 1);
  return log;
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
