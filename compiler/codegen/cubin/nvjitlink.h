// nvJitLink, opened at run time.  The prototypes are of CUDA's nvJitLink API reference.
#ifndef INGOT_COMPILER_CODEGEN_CUBIN_NVJITLINK_H_
#define INGOT_COMPILER_CODEGEN_CUBIN_NVJITLINK_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "compiler/codegen/cubin/cubin.h"

namespace ingot::codegen {

class NvJitLink {
 public:
  // The library, opened once; null where there is none.
  static const NvJitLink* Get();

  absl::StatusOr<Cubin> Assemble(absl::string_view ptx, absl::string_view architecture) const;
  const std::string& path() const { return path_; }
  std::string Version() const;

 private:
  using Handle = void*;
  using Result = int;  // 0: success

  bool Open(const std::string& path);
  // The text of a log; empty where there is none.
  static std::string Log(Handle handle, Result (*size_of)(Handle, size_t*),
                         Result (*copy)(Handle, char*));

  std::string path_;
  Result (*create_)(Handle*, uint32_t option_count, const char** options) = nullptr;
  Result (*destroy_)(Handle*) = nullptr;
  Result (*add_data_)(Handle, int input_type, const void* data, size_t size,
                      const char* name) = nullptr;
  Result (*complete_)(Handle) = nullptr;
  Result (*cubin_size_)(Handle, size_t*) = nullptr;
  Result (*cubin_)(Handle, void*) = nullptr;
  Result (*error_log_size_)(Handle, size_t*) = nullptr;
  Result (*error_log_)(Handle, char*) = nullptr;
  Result (*info_log_size_)(Handle, size_t*) = nullptr;
  Result (*info_log_)(Handle, char*) = nullptr;
  Result (*version_)(unsigned* major, unsigned* minor) = nullptr;
};

}  // namespace ingot::codegen

#endif  // INGOT_COMPILER_CODEGEN_CUBIN_NVJITLINK_H_
