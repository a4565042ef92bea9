#include <dlfcn.h>

#include <cstdio>

#include "tests/runtime/cuda/stub/stub_driver.h"

namespace ingot::runtime::cuda {

const StubControl& OpenStub() {
  static const auto* const control = [] {
    // A library is found again by its soname.
    void* const library = dlopen("tests/runtime/cuda/stub/new/libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) std::fprintf(stderr, "%s\n", dlerror());
    return static_cast<const StubControl*>(
        library == nullptr ? nullptr : dlsym(library, "ingot_stub_control"));
  }();
  return *control;
}

}  // namespace ingot::runtime::cuda
