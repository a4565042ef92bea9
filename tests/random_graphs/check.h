// A random graph compiled for a target, against the evaluator.
#ifndef INGOT_TESTS_RANDOM_GRAPHS_CHECK_H_
#define INGOT_TESTS_RANDOM_GRAPHS_CHECK_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "compiler/options.h"
#include "ir/base/target.h"
#include "runtime/device.h"
#include "tests/random_graphs/generator.h"

namespace ingot::random_graphs {

enum class Outcome {
  kSame,
  kDifferent,
  kRefused,  // the target says that it cannot do an op
  kBroken,   // any other error
};

struct Verdict {
  Outcome outcome = Outcome::kSame;
  std::string message;  // which result, which element; or the error
};

// May be asked from several threads.
class Checker {
 public:
  // `target`: "host", "cuda" (the card that is here), or a row of `ingot targets`: graphs are run
  // where it is simulated, else compiled only.
  static absl::StatusOr<std::unique_ptr<Checker>> Make(const std::string& target,
                                                       Codegen codegen = Codegen::kLlvm);

  Verdict Check(const Graph& graph) const;
  // Whether passes alone change what the graph computes: where a difference comes from.
  static bool PassesChange(const Graph& graph, const Target& target);
  const Target& target() const { return *target_; }
  bool runs() const { return devices_[0] != nullptr; }

 private:
  const Target* target_ = nullptr;
  Codegen codegen_ = Codegen::kLlvm;
  // Host: with library calls, and without, by turns.  Both null where graphs are compiled only.
  std::unique_ptr<runtime::Device> devices_[2];
};

// Names the first element that is further from the evaluator's than the facts of `names[i]` allow;
// empty where none is.
std::string Difference(const std::vector<Literal>& results, const std::vector<Literal>& expected,
                       const Graph& graph);

// `graph` with results, instructions and parameters dropped for as long as `fails` says yes of what
// is left.  What is dropped is replaced by parameters that hold the evaluator's values.
Graph CutDown(const Graph& graph, const std::function<bool(const Graph&)>& fails);

// The graph as text, with the values of small inputs.
std::string ToText(const Graph& graph);

}  // namespace ingot::random_graphs

#endif  // INGOT_TESTS_RANDOM_GRAPHS_CHECK_H_
