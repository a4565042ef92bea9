// Where NVIDIA's libraries are: they are opened at run time, so nothing of CUDA is needed to build.
#ifndef INGOT_COMPILER_CODEGEN_CUBIN_LIBRARY_H_
#define INGOT_COMPILER_CODEGEN_CUBIN_LIBRARY_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace ingot::codegen {

// Paths for dlopen, the best first: of libNAME.so.13 and .12 in $CUDA_HOME/lib64, on the library
// path and in /usr/local/cuda/lib64.
std::vector<std::string> CudaLibraryPaths(absl::string_view name);

// One opened library, which is closed again unless Keep says that its functions are used.
class DynamicLibrary {
 public:
  explicit DynamicLibrary(const std::string& path);
  ~DynamicLibrary();
  DynamicLibrary(const DynamicLibrary&) = delete;
  DynamicLibrary& operator=(const DynamicLibrary&) = delete;

  // Whether there is such a library and a function of that name, which `function` points to then.
  template <typename Function>
  bool Find(Function*& function, const char* name) const {
    function = reinterpret_cast<Function*>(Address(name));
    return function != nullptr;
  }
  // Gives the path of the file that has `function`, one of this library.
  template <typename Function>
  std::string Keep(Function* function) {
    return Keep(reinterpret_cast<void*>(function));
  }

 private:
  void* Address(const char* name) const;
  std::string Keep(void* address);

  const std::string path_;
  void* handle_;
  bool is_kept_ = false;
};

// The first of CudaLibraryPaths(name) that Library::Open takes; null where there is none.  It is
// never closed: other threads may be in it when the process ends.
template <typename Library, typename Open>
const Library* FirstCudaLibrary(absl::string_view name, Open open) {
  auto* opened = new Library;
  for (const std::string& path : CudaLibraryPaths(name)) {
    if (open(*opened, path)) return opened;
  }
  delete opened;
  return nullptr;
}

// A log as such libraries give it: `size_of` with the closing zero, `copy` to so many bytes;
// without what ends it, and empty where either fails.
template <typename SizeOf, typename Copy>
std::string LogOf(SizeOf size_of, Copy copy) {
  size_t size = 0;
  if (size_of(&size) != 0 || size == 0) return "";
  std::string log(size, '\0');
  if (copy(log.data()) != 0) return "";
  log.resize(log.find_last_not_of(std::string("\0\n", 2)) + 1);
  return log;
}

}  // namespace ingot::codegen

#endif  // INGOT_COMPILER_CODEGEN_CUBIN_LIBRARY_H_
