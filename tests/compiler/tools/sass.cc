#include "tests/compiler/tools/sass.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <numeric>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace ingot::test {
namespace {

struct Listing {
  std::vector<std::string> instructions;
  std::map<std::string, size_t> labels;  // which instruction they stand before
};

// "        /*0860*/              @!P0 BRA `(.L_x_1) ;" → "@!P0 BRA `(.L_x_1) ;".
std::optional<std::string> InstructionOf(absl::string_view line) {
  line = absl::StripAsciiWhitespace(line);
  if (!absl::StartsWith(line, "/*")) return std::nullopt;
  const size_t end = line.find("*/");
  if (end == absl::string_view::npos) return std::nullopt;
  const absl::string_view text = absl::StripAsciiWhitespace(line.substr(end + 2));
  // Lines of the encoding's second half have no text.
  if (text.empty() || absl::StartsWith(text, "/*")) return std::nullopt;
  return std::string(text);
}

Listing ReadSection(absl::string_view text, absl::string_view kernel) {
  Listing listing;
  bool inside = false;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (absl::StartsWith(line, "\t.section\t")) {
      inside = absl::StrContains(line, absl::StrCat(".text.", kernel, ","));
    }
    if (!inside) continue;
    if (absl::StartsWith(line, ".L_") && absl::EndsWith(line, ":")) {
      listing.labels[std::string(line.substr(0, line.size() - 1))] = listing.instructions.size();
    } else if (auto instruction = InstructionOf(line)) {
      listing.instructions.push_back(*std::move(instruction));
    }
  }
  return listing;
}

// Where `(.L_x_1) is.
std::optional<size_t> TargetOf(const Listing& listing, const std::string& branch) {
  const size_t begin = branch.find("(.L_");
  const size_t end = branch.find(')');
  if (begin == std::string::npos || end == std::string::npos) return std::nullopt;
  const auto label = listing.labels.find(branch.substr(begin + 1, end - begin - 1));
  if (label == listing.labels.end()) return std::nullopt;
  return label->second;
}

}  // namespace

std::string FindNvdisasm() {
  if (const char* stated = std::getenv("INGOT_NVDISASM"); stated != nullptr && *stated != '\0') {
    return stated;
  }
  std::vector<std::string> folders;
  if (const char* home = std::getenv("CUDA_HOME")) folders.push_back(absl::StrCat(home, "/bin"));
  if (const char* path = std::getenv("PATH")) {
    for (absl::string_view folder : absl::StrSplit(path, ':')) folders.emplace_back(folder);
  }
  folders.push_back("/usr/local/cuda/bin");
  for (const std::string& folder : folders) {
    const std::string program = folder + "/nvdisasm";
    if (access(program.c_str(), X_OK) == 0) return program;
  }
  return "";
}

absl::StatusOr<std::string> Disassemble(const std::string& nvdisasm,
                                        const std::vector<uint8_t>& cubin) {
  std::string path = absl::StrCat(std::getenv("TEST_TMPDIR"), "/cubin-XXXXXX");
  const int file = mkstemp(path.data());
  if (file < 0) return absl::InternalError("no temporary file");
  const bool written =
      write(file, cubin.data(), cubin.size()) == static_cast<ssize_t>(cubin.size());
  close(file);
  std::string listing;
  int status = -1;
  if (std::FILE* pipe = popen(absl::StrCat("'", nvdisasm, "' -c '", path, "'").c_str(), "r")) {
    char block[1 << 14];
    while (const size_t count = std::fread(block, 1, sizeof(block), pipe)) {
      listing.append(block, count);
    }
    status = pclose(pipe);
  }
  unlink(path.c_str());
  if (!written || status != 0) return absl::InternalError(absl::StrCat(nvdisasm, " failed"));
  return listing;
}

std::optional<double> PathLength(absl::string_view text, absl::string_view kernel,
                                 absl::Span<const double> trips) {
  const Listing listing = ReadSection(text, kernel);
  std::vector<double> times(listing.instructions.size(), 1);
  std::map<size_t, size_t> loops;  // from the first instruction to the last
  size_t end = 0;
  for (bool ended = false; !ended; ++end) {
    if (end == listing.instructions.size()) return std::nullopt;
    const std::string& instruction = listing.instructions[end];
    const bool guarded = instruction[0] == '@';
    ended = absl::StrContains(instruction, "EXIT") && !guarded;
    // BRA.DIV leaves only where lanes of a warp have parted.
    if (!absl::StrContains(instruction, "BRA ")) continue;
    const std::optional<size_t> target = TargetOf(listing, instruction);
    if (!target.has_value()) return std::nullopt;
    if (*target <= end) {
      if (!loops.emplace(*target, end).second) return std::nullopt;
      ended = !guarded;
      continue;
    }
    if (!guarded) return std::nullopt;
    bool over_call = false;
    for (size_t i = end + 1; i < *target; ++i) {
      over_call |= absl::StrContains(listing.instructions[i], "CALL");
    }
    if (over_call) {
      std::fill(times.begin() + end + 1, times.begin() + *target, 0);
      end = *target - 1;
    } else if (trips.empty()) {
      return std::nullopt;
    }
  }
  if (loops.size() != trips.size()) return std::nullopt;
  size_t number = 0;
  for (const auto& [first, last] : loops) {
    for (size_t i = first; i <= last; ++i) times[i] *= trips[number];
    ++number;
  }
  return std::accumulate(times.begin(), times.begin() + end, 0.0);
}

}  // namespace ingot::test
