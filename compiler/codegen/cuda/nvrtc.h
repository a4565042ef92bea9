// NVRTC, opened at run time: CUDA C++ → cubin, in this process and without a card.  The prototypes
// are of NVIDIA's NVRTC documentation.
#ifndef INGOT_COMPILER_CODEGEN_CUDA_NVRTC_H_
#define INGOT_COMPILER_CODEGEN_CUDA_NVRTC_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "compiler/codegen/cubin/cubin.h"

namespace ingot::codegen {

class Nvrtc {
 public:
  // The library, opened once; null where there is none.
  static const Nvrtc* Get();

  // `source` is complete: there is no include path.  `architecture` as in targets.def. Thread-safe.
  //
  // Errors: Unimplemented for an architecture that this NVRTC does not know; Internal, with its
  // log, where it does not accept the source: sources are ours.
  absl::StatusOr<Cubin> Compile(absl::string_view source, absl::string_view architecture) const;
  // For the reader: what Compile assembles.
  absl::StatusOr<std::string> CompileToPtx(absl::string_view source,
                                           absl::string_view architecture) const;
  const std::string& path() const { return path_; }
  std::string Version() const;

 private:
  using Program = void*;
  using Result = int;  // 0: success

  struct Output {
    std::vector<uint8_t> bytes;
    std::string log;
  };

  bool Open(const std::string& path);
  absl::StatusOr<Output> Run(absl::string_view source, absl::string_view architecture,
                             bool to_ptx) const;
  std::string Log(Program program) const;

  std::string path_;
  Result (*create_)(Program*, const char* source, const char* name, int header_count,
                    const char* const* headers, const char* const* include_names) = nullptr;
  Result (*destroy_)(Program*) = nullptr;
  Result (*compile_)(Program, int option_count, const char* const* options) = nullptr;
  Result (*cubin_size_)(Program, size_t*) = nullptr;
  Result (*cubin_)(Program, char*) = nullptr;
  Result (*ptx_size_)(Program, size_t*) = nullptr;
  Result (*ptx_)(Program, char*) = nullptr;
  Result (*log_size_)(Program, size_t*) = nullptr;
  Result (*log_)(Program, char*) = nullptr;
  Result (*version_)(int* major, int* minor) = nullptr;
};

}  // namespace ingot::codegen

#endif  // INGOT_COMPILER_CODEGEN_CUDA_NVRTC_H_
