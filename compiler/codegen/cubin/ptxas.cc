#include "compiler/codegen/cubin/ptxas.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>
#include <utility>
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

// The environment of a child that lives for a tenth of a second and fills memory: fresh pages are
// an eighth of its time, unless they are few large ones that it keeps (glibc, Memory Allocation
// Tunables).
std::vector<char*> EnvironmentOf() {
  static char tunables[] =
      "GLIBC_TUNABLES=glibc.malloc.hugetlb=1:glibc.malloc.top_pad=67108864:"
      "glibc.malloc.trim_threshold=1073741824:glibc.malloc.mmap_threshold=33554432";
  std::vector<char*> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) variables.push_back(*variable);
  if (std::getenv("GLIBC_TUNABLES") == nullptr) variables.push_back(tunables);
  variables.push_back(nullptr);
  return variables;
}

// Starts a program with its output in `log`, and its input from `input` where that is not negative;
// -1: it does not start.
pid_t Spawn(const std::vector<std::string>& command, const std::string& log, int input = -1) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  if (input >= 0) posix_spawn_file_actions_adddup2(&actions, input, 0);
  pid_t child = 0;
  const int spawned = posix_spawn(&child, command[0].c_str(), &actions, nullptr, arguments.data(),
                                  EnvironmentOf().data());
  posix_spawn_file_actions_destroy(&actions);
  return spawned == 0 ? child : -1;
}

// The exit status of a program that was started, or -1.
int Wait(pid_t child) {
  if (child < 0) return -1;
  int state = 0;
  while (waitpid(child, &state, 0) < 0) {
    if (errno != EINTR) return -1;
  }
  return WIFEXITED(state) ? WEXITSTATUS(state) : -1;
}

// False where nobody reads any more; that sends no signal.
bool WriteAll(int file, absl::string_view text) {
  sigset_t pipe, before;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, &before);
  bool broken = false;
  while (!text.empty() && !broken) {
    const ssize_t written = write(file, text.data(), text.size());
    if (written > 0) text.remove_prefix(static_cast<size_t>(written));
    broken = written < 0 && errno != EINTR;
  }
  if (broken && sigismember(&before, SIGPIPE) == 0) {
    // The signal is this thread's own, and pending.
    const timespec now{};
    while (sigtimedwait(&pipe, nullptr, &now) < 0 && errno == EINTR) {
    }
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return !broken;
}

std::vector<std::string> CommandOf(const std::string& program, absl::string_view architecture,
                                   const std::string& input, const std::string& output) {
  return {program, "-v", absl::StrCat("-arch=", architecture), input, "-o", output};
}

std::string LogOf(const ScratchFolder& folder) {
  const std::vector<uint8_t> bytes = ReadFile(folder.File("log"));
  return {bytes.begin(), bytes.end()};
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
  const int exit_status = Wait(Spawn(
      CommandOf(program, architecture, input, folder.File("kernels.cubin")), folder.File("log")));
  const std::string log = LogOf(folder);
  if (exit_status != 0) {
    return absl::InternalError(
        absl::StrCat(program, " failed (", exit_status, ") for ", architecture, ": ", log));
  }
  return Cubin{ReadFile(folder.File("kernels.cubin")), ParseAssemblerLog(log)};
}

struct WaitingPtxas::Process {
  ScratchFolder folder;
  pid_t child = -1;
  int input = -1;  // that it reads from

  int Finish() {
    if (input >= 0) close(std::exchange(input, -1));
    return Wait(std::exchange(child, -1));
  }
};

WaitingPtxas::WaitingPtxas(std::unique_ptr<Process> process) : process_(std::move(process)) {}
WaitingPtxas::~WaitingPtxas() { process_->Finish(); }

std::unique_ptr<WaitingPtxas> WaitingPtxas::Start(absl::string_view architecture) {
  const std::string program = FindPtxas();
  auto process = std::make_unique<Process>();
  int ends[2];
  // Other children do not hold it open.
  if (program.empty() || !process->folder.ok() || pipe2(ends, O_CLOEXEC) != 0) return nullptr;
  process->input = ends[1];
  process->child =
      Spawn(CommandOf(program, architecture, "/dev/stdin", process->folder.File("kernels.cubin")),
            process->folder.File("log"), ends[0]);
  close(ends[0]);
  auto waiting = std::unique_ptr<WaitingPtxas>(new WaitingPtxas(std::move(process)));
  return waiting->process_->child < 0 ? nullptr : std::move(waiting);
}

absl::StatusOr<Cubin> WaitingPtxas::Assemble(absl::string_view ptx) {
  const bool written = WriteAll(process_->input, ptx);
  if (process_->Finish() != 0 || !written)
    return absl::InternalError("ptxas did not take its input");
  return Cubin{ReadFile(process_->folder.File("kernels.cubin")),
               ParseAssemblerLog(LogOf(process_->folder))};
}

}  // namespace ingot::codegen
