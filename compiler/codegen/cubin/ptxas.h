// The program ptxas of the CUDA toolkit.
#ifndef INGOT_COMPILER_CODEGEN_CUBIN_PTXAS_H_
#define INGOT_COMPILER_CODEGEN_CUBIN_PTXAS_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "compiler/codegen/cubin/cubin.h"

namespace ingot::codegen {

// Its path; empty where there is none.
std::string FindPtxas();

absl::StatusOr<Cubin> RunPtxas(const std::string& program, absl::string_view ptx,
                               absl::string_view architecture);

// A ptxas that starts, which takes it 10 to 20 ms, while its PTX is being made.
class WaitingPtxas {
 public:
  // Null where it is not here or does not start.
  static std::unique_ptr<WaitingPtxas> Start(absl::string_view architecture);
  ~WaitingPtxas();  // a ptxas that was given nothing ends
  WaitingPtxas(const WaitingPtxas&) = delete;
  WaitingPtxas& operator=(const WaitingPtxas&) = delete;

  // Once.  Any error: ask RunPtxas, which tells why.
  absl::StatusOr<Cubin> Assemble(absl::string_view ptx);

 private:
  struct Process;
  explicit WaitingPtxas(std::unique_ptr<Process> process);
  std::unique_ptr<Process> process_;
};

}  // namespace ingot::codegen

#endif  // INGOT_COMPILER_CODEGEN_CUBIN_PTXAS_H_
