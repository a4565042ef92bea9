#include "compiler/codegen/cubin/ptxas.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "ir/base/status.h"

extern char** environ;

namespace ingot::codegen {
namespace {

// A folder of our own, removed with what is in it.
class ScratchFolder {
 public:
  ScratchFolder() {
    const char* parent = std::getenv("TMPDIR");
    path_ = absl::StrCat(parent != nullptr && *parent != '\0' ? parent : "/tmp", "/ingot-XXXXXX");
    if (mkdtemp(path_.data()) == nullptr) path_.clear();
  }
  ~ScratchFolder() {
    if (path_.empty()) return;
    for (const char* name : {"kernels.ptx", "kernels.cubin", "log"}) unlink(File(name).c_str());
    rmdir(path_.c_str());
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  bool ok() const { return !path_.empty(); }
  std::string File(const char* name) const { return absl::StrCat(path_, "/", name); }

 private:
  std::string path_;
};

std::vector<uint8_t> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// Runs a program with its output in `log`; its exit status, or -1.
int Run(const std::vector<std::string>& command, const std::string& log) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  pid_t child = 0;
  const int spawned =
      posix_spawn(&child, command[0].c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (spawned != 0) return -1;
  int state = 0;
  while (waitpid(child, &state, 0) < 0) {
    if (errno != EINTR) return -1;
  }
  return WIFEXITED(state) ? WEXITSTATUS(state) : -1;
}

}  // namespace

std::string FindPtxas() {
  std::vector<std::string> folders;
  if (const char* home = std::getenv("CUDA_HOME"); home != nullptr && *home != '\0') {
    folders.push_back(absl::StrCat(home, "/bin"));
  }
  if (const char* path = std::getenv("PATH"); path != nullptr) {
    for (absl::string_view folder : absl::StrSplit(path, ':', absl::SkipEmpty())) {
      folders.emplace_back(folder);
    }
  }
  folders.push_back("/usr/local/cuda/bin");
  for (const std::string& folder : folders) {
    const std::string program = folder + "/ptxas";
    if (access(program.c_str(), X_OK) == 0) return program;
  }
  return "";
}

absl::StatusOr<Cubin> RunPtxas(const std::string& program, absl::string_view ptx,
                               absl::string_view architecture) {
  const ScratchFolder folder;
  if (!folder.ok()) {
    return absl::InternalError(absl::StrCat("no temporary folder: ", std::strerror(errno)));
  }
  const std::string input = folder.File("kernels.ptx");
  {
    std::ofstream file(input, std::ios::binary);
    file.write(ptx.data(), static_cast<std::streamsize>(ptx.size()));
    if (!file.flush()) return absl::InternalError(absl::StrCat("cannot write ", input));
  }
  const int exit_status = Run({program, "-v", absl::StrCat("-arch=", architecture), input, "-o",
                               folder.File("kernels.cubin")},
                              folder.File("log"));
  const std::vector<uint8_t> bytes = ReadFile(folder.File("log"));
  const std::string log(bytes.begin(), bytes.end());
  if (exit_status != 0) {
    return absl::InternalError(
        absl::StrCat(program, " failed (", exit_status, ") for ", architecture, ": ", log));
  }
  return Cubin{ReadFile(folder.File("kernels.cubin")), ParseAssemblerLog(log)};
}

}  // namespace ingot::codegen
