#include "tests/random_graphs/run.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <vector>

namespace ingot::random_graphs {
namespace {

thread_local uint64_t current_seed = 0;

void OnCrash(int signal) {
  char line[64];
  const int length = std::snprintf(line, sizeof(line), "\ncrash in the graph of seed %llu\n",
                                   static_cast<unsigned long long>(current_seed));
  if (write(STDERR_FILENO, line, length) < 0) std::_Exit(1);
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

int64_t& CountOf(Counts& counts, Outcome outcome) {
  switch (outcome) {
    case Outcome::kSame:
      return counts.same;
    case Outcome::kDifferent:
      return counts.different;
    case Outcome::kRefused:
      return counts.refused;
    case Outcome::kBroken:
      return counts.broken;
  }
  return counts.broken;
}

class Runner {
 public:
  Runner(const Checker& checker, const Seeds& seeds, const RunOptions& options)
      : checker_(checker), seeds_(seeds), options_(options), next_(seeds.first) {}

  Counts Run() {
    for (int signal : {SIGSEGV, SIGABRT, SIGFPE, SIGILL, SIGBUS}) std::signal(signal, OnCrash);
    const int threads = options_.threads > 0
                            ? options_.threads
                            : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
    std::vector<std::thread> workers;
    for (int i = 1; i < threads; ++i) workers.emplace_back([this] { Work(); });
    Work();
    for (std::thread& worker : workers) worker.join();
    if (options_.progress) std::fprintf(stderr, "\r");
    return counts_;
  }

 private:
  void Work() {
    for (uint64_t seed = next_++; seed <= seeds_.last; seed = next_++) {
      current_seed = seed;
      if (failures_ >= options_.max_failures) return;
      const absl::StatusOr<Graph> graph = Generate(seed, options_.generator);
      const Verdict verdict =
          graph.ok() ? checker_.Check(*graph)
                     : Verdict{Outcome::kBroken, std::string(graph.status().message())};
      {
        const std::lock_guard<std::mutex> lock(mutex_);
        ++CountOf(counts_, verdict.outcome);
        if (options_.progress && seed % 16 == 0) {
          std::fprintf(stderr, "\r%llu of %llu graphs",
                       static_cast<unsigned long long>(seed - seeds_.first),
                       static_cast<unsigned long long>(seeds_.last - seeds_.first + 1));
        }
      }
      if (verdict.outcome == Outcome::kSame) continue;
      ++failures_;
      if (options_.report) Report(seed, verdict, graph.ok() ? &*graph : nullptr);
    }
  }

  void Report(uint64_t seed, Verdict verdict, const Graph* graph) {
    std::string text;
    if (graph != nullptr) {
      const Graph small = CutDown(*graph, [&](const Graph& candidate) {
        return checker_.Check(candidate).outcome == verdict.outcome;
      });
      verdict = checker_.Check(small);
      text = ToText(small);
      if (verdict.outcome == Outcome::kDifferent &&
          Checker::PassesChange(small, checker_.target())) {
        text += "// a pass changes the result\n";
      }
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    options_.report(seed, verdict, text);
  }

  const Checker& checker_;
  const Seeds seeds_;
  const RunOptions& options_;
  std::atomic<uint64_t> next_;
  std::atomic<int64_t> failures_{0};
  std::mutex mutex_;
  Counts counts_;
};

}  // namespace

Counts Run(const Checker& checker, const Seeds& seeds, const RunOptions& options) {
  return Runner(checker, seeds, options).Run();
}

}  // namespace ingot::random_graphs
