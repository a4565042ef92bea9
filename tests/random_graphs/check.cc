#include "tests/random_graphs/check.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "compiler/executable.h"
#include "compiler/tools/model.h"
#include "ir/base/status.h"
#include "ir/evaluator/evaluator.h"
#include "passes/pass_manager.h"
#include "runtime/host/host_device.h"

namespace ingot::random_graphs {
namespace {

// Facts of the arrays that a module returns, in order.
std::vector<Facts> FactsOfResults(const Graph& graph) {
  const Instruction* root = graph.module->entry()->root();
  std::vector<Facts> facts;
  const auto add = [&](const Instruction* result) {
    const auto at = graph.facts.find(result->name());
    facts.push_back(at == graph.facts.end() ? Facts{} : at->second);
  };
  if (root->opcode() == Opcode::kTuple) {
    for (const Instruction* result : root->operands()) add(result);
  } else {
    add(root);
  }
  return facts;
}

bool SameNumber(double a, double b, const Facts& facts) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  if (facts.error > 0) return std::fabs(a - b) <= facts.error;
  return a == b && (a != 0 || !facts.signed_zero || std::signbit(a) == std::signbit(b));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Checker>> Checker::Make(const std::string& target, Codegen codegen) {
  auto checker = std::make_unique<Checker>();
  checker->codegen_ = codegen;
  INGOT_ASSIGN_OR_RETURN(checker->target_, tools::CompileTarget(target));
  if (target == "host") {
    for (int i = 0; i < 2; ++i) {
      INGOT_ASSIGN_OR_RETURN(checker->devices_[i],
                             runtime::CreateHostDevice({.threads = 1, .use_libraries = i == 0}));
    }
  } else if (target == "cuda" || checker->target_->simulated) {
    INGOT_ASSIGN_OR_RETURN(checker->devices_[0],
                           tools::OpenDevice(PlatformName(*checker->target_)));
  }
  return checker;
}

Verdict Checker::Check(const Graph& graph) const {
  const auto error = [](absl::string_view what, const absl::Status& status) {
    const bool refused = status.code() == absl::StatusCode::kUnimplemented;
    return Verdict{refused ? Outcome::kRefused : Outcome::kBroken,
                   absl::StrCat(what, ": ", status.message())};
  };
  CompileOptions options;
  options.threads = 1;
  options.codegen = codegen_;
  // Only strict results have the evaluator's bits.
  if (runs()) options.numerics = Numerics::kStrict;
  absl::StatusOr<Compilation> compilation = Compile(*graph.module, *target_, options);
  if (!compilation.ok()) return error("compile", compilation.status());
  if (!runs()) return {};
  const bool second = devices_[1] != nullptr && graph.inputs.size() % 2 == 1;
  auto executable = Executable::Load(compilation->program, devices_[second ? 1 : 0].get());
  if (!executable.ok()) return error("load", executable.status());
  const absl::StatusOr<std::vector<Literal>> results = (*executable)->Run(graph.inputs);
  if (!results.ok()) return error("run", results.status());
  EvaluatorOptions evaluator;
  evaluator.threads = 1;
  const absl::StatusOr<Literal> expected = Evaluate(*graph.module, graph.inputs, evaluator);
  if (!expected.ok()) return error("evaluate", expected.status());
  const std::string difference = Difference(*results, Leaves(*expected), graph);
  if (difference.empty()) return {};
  return {Outcome::kDifferent, difference};
}

bool Checker::PassesChange(const Graph& graph, const Target& target) {
  const absl::StatusOr<Literal> expected = Evaluate(*graph.module, graph.inputs);
  const std::unique_ptr<Module> optimized = graph.module->Clone();
  PassContext context;
  context.target = &target;
  if (!RunPipeline(*optimized, context, {}).ok() || !expected.ok()) return true;
  const absl::StatusOr<Literal> actual = Evaluate(*optimized, graph.inputs);
  return !actual.ok() || !Difference(Leaves(*actual), Leaves(*expected), graph).empty();
}

std::string Difference(const std::vector<Literal>& results, const std::vector<Literal>& expected,
                       const Graph& graph) {
  const std::vector<Facts> facts = FactsOfResults(graph);
  if (results.size() != expected.size() || results.size() != facts.size()) {
    return absl::StrCat(results.size(), " results, ", expected.size(), " expected");
  }
  for (size_t i = 0; i < results.size(); ++i) {
    const Literal& a = results[i];
    const Literal& b = expected[i];
    if (!Shape::SameIgnoringLayout(a.shape(), b.shape())) {
      return absl::StrCat("result ", i, " is ", a.shape().ToString(false), ", expected ",
                          b.shape().ToString(false));
    }
    const ElementType type = a.shape().element_type();
    const bool is_number = IsFloat(type) || IsComplex(type);
    for (int64_t at = 0; at < a.size(); ++at) {
      const auto where = [&] { return absl::StrCat("result ", i, ", element ", at, " is "); };
      if (!is_number) {
        if (a.AsInteger(at) == b.AsInteger(at)) continue;
        return absl::StrCat(where(), a.AsInteger(at), ", expected ", b.AsInteger(at));
      }
      const std::complex<double> x = a.AsComplex(at), y = b.AsComplex(at);
      if (SameNumber(x.real(), y.real(), facts[i]) && SameNumber(x.imag(), y.imag(), facts[i])) {
        continue;
      }
      return absl::StrCat(
          where(), x.real(), IsComplex(type) ? absl::StrCat("+", x.imag(), "i") : "",
          std::signbit(x.real()) && x.real() == 0 ? " (negative)" : "", ", expected ", y.real(),
          IsComplex(type) ? absl::StrCat("+", y.imag(), "i") : "",
          facts[i].error > 0 ? absl::StrCat(" to within ", facts[i].error) : "");
    }
  }
  return "";
}

}  // namespace ingot::random_graphs
