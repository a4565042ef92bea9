#include "compiler/codegen/cubin/library.h"

#include <dlfcn.h>

#include <cstdlib>

#include "absl/strings/str_cat.h"

namespace ingot::codegen {

std::vector<std::string> CudaLibraryPaths(absl::string_view name) {
  std::vector<std::string> folders;
  if (const char* home = std::getenv("CUDA_HOME"); home != nullptr && *home != '\0') {
    folders.push_back(absl::StrCat(home, "/lib64/"));
  }
  folders.push_back("");  // the library path
  folders.push_back("/usr/local/cuda/lib64/");
  std::vector<std::string> paths;
  for (const std::string& folder : folders) {
    for (const char* version : {"13", "12"}) {
      paths.push_back(absl::StrCat(folder, "lib", name, ".so.", version));
    }
  }
  return paths;
}

DynamicLibrary::DynamicLibrary(const std::string& path)
    : path_(path), handle_(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {}

DynamicLibrary::~DynamicLibrary() {
  if (handle_ != nullptr && !is_kept_) dlclose(handle_);
}

void* DynamicLibrary::Address(const char* name) const {
  return handle_ == nullptr ? nullptr : dlsym(handle_, name);
}

std::string DynamicLibrary::Keep(void* address) {
  is_kept_ = true;
  Dl_info info;
  return dladdr(address, &info) != 0 ? info.dli_fname : path_;
}

}  // namespace ingot::codegen
