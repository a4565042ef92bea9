// random_graphs: any number of random graphs on a target, against the evaluator.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "compiler/tools/command_line.h"
#include "compiler/tools/compile_options.h"
#include "ir/base/status.h"
#include "tests/random_graphs/run.h"

namespace ingot::random_graphs {
namespace {

constexpr tools::Option kOptions[] = {
    {"seeds", "A..B", "the graphs of these seeds (1..1000)"},
    {"target", "T",
     "host, cuda, sim:sm_90a-tiny, or a row of `ingot targets`, for which graphs are compiled "
     "only"},
    tools::kCodegenOption,
    {"threads", "N", "graphs at once (as many as the machine has cores)"},
    {"max-ops", "N", "ops of one graph (16)"},
    {"max-elements", "N", "elements of one value (2048)"},
    {"failures", "N", "stop after this many (10)"},
    {"show", "", "print the graphs, and compile none"},
};

absl::StatusOr<Seeds> SeedsOf(const tools::CommandLine& line) {
  const std::vector<std::string> range =
      absl::StrSplit(line.Get("seeds", "1..1000"), absl::MaxSplits("..", 1));
  Seeds seeds;
  if (!absl::SimpleAtoi(range.front(), &seeds.first) ||
      !absl::SimpleAtoi(range.back(), &seeds.last) || seeds.last < seeds.first) {
    return tools::UsageError("--seeds takes A..B");
  }
  return seeds;
}

absl::Status Run(const tools::CommandLine& line) {
  INGOT_ASSIGN_OR_RETURN(const Seeds seeds, SeedsOf(line));
  RunOptions options;
  GeneratorOptions& generator = options.generator;
  INGOT_ASSIGN_OR_RETURN(generator.max_ops, line.GetInteger("max-ops", generator.max_ops, 1));
  INGOT_ASSIGN_OR_RETURN(generator.max_elements,
                         line.GetInteger("max-elements", generator.max_elements, 1));
  INGOT_ASSIGN_OR_RETURN(options.threads, line.GetInteger("threads", 0, 0));
  INGOT_ASSIGN_OR_RETURN(options.max_failures,
                         line.GetInteger("failures", options.max_failures, 1));
  if (line.Has("show")) {
    for (uint64_t seed = seeds.first; seed <= seeds.last; ++seed) {
      INGOT_ASSIGN_OR_RETURN(const Graph graph, Generate(seed, generator));
      absl::PrintF("// seed %d\n%s", seed, ToText(graph));
    }
    return absl::OkStatus();
  }
  const std::string target = line.Get("target", "host");
  INGOT_ASSIGN_OR_RETURN(const CompileOptions compile, tools::ReadCompileOptions(line));
  INGOT_ASSIGN_OR_RETURN(const auto checker, Checker::Make(target, compile.codegen));
  options.progress = isatty(STDERR_FILENO) == 1;
  options.report = [](uint64_t seed, const Verdict& verdict, const std::string& text) {
    absl::PrintF("seed %d: %s\n%s\n", seed, verdict.message, text);
    std::fflush(stdout);
  };
  const auto start = std::chrono::steady_clock::now();
  const Counts counts = Run(*checker, seeds, options);
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
  absl::PrintF("%d same, %d different, %d refused, %d broken on %s%s in %.1f s\n", counts.same,
               counts.different, counts.refused, counts.broken, target,
               checker->runs() ? "" : " (compiled only)", time.count());
  std::fflush(stdout);
  if (counts.different + counts.refused + counts.broken == 0) return absl::OkStatus();
  return absl::InternalError("not every graph gives what the evaluator gives");
}

int Main(int count, char** arguments) {
  const auto line = tools::CommandLine::Parse(
      absl::Span<const char* const>(arguments + 1, count > 0 ? count - 1 : 0), kOptions);
  const absl::Status status = line.ok() ? Run(*line) : line.status();
  if (status.ok()) return 0;
  absl::FPrintF(stderr, "error: %s\n", std::string(status.message()));
  return tools::IsUsageError(status) ? 2 : 1;
}

}  // namespace
}  // namespace ingot::random_graphs

int main(int count, char** arguments) { return ingot::random_graphs::Main(count, arguments); }
