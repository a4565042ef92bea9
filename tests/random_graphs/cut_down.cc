// Cutting a failing graph down, and showing it.
#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ir/base/check.h"
#include "ir/evaluator/evaluator.h"
#include "ir/text/printer.h"
#include "tests/random_graphs/check.h"

namespace ingot::random_graphs {
namespace {

Graph Copy(const Graph& graph) { return {graph.module->Clone(), graph.inputs, graph.facts}; }

Instruction* Find(const Module& module, const std::string& name) {
  for (Instruction* instruction : module.entry()->instructions()) {
    if (instruction->name() == name) return instruction;
  }
  return nullptr;
}

void Tidy(Module& module) {
  module.entry()->RemoveDead();
  module.RemoveUnreachableComputations();
  module.Normalize();
}

// Names of the entry's arrays that some op computes, in order.
std::vector<std::string> Computed(const Module& module) {
  std::vector<std::string> names;
  for (const Instruction* instruction : module.entry()->instructions()) {
    const bool given =
        instruction->opcode() == Opcode::kParameter || instruction->opcode() == Opcode::kConstant;
    if (instruction->shape().IsArray() && !given) names.push_back(instruction->name());
  }
  return names;
}

Graph WithRoot(const Graph& graph, const std::string& name) {
  Graph result = Copy(graph);
  result.module->entry()->set_root(Find(*result.module, name));
  Tidy(*result.module);
  return result;
}

Graph WithParameter(const Graph& graph, const std::string& name, const Literal& value) {
  Graph result = Copy(graph);
  Computation* entry = result.module->entry();
  Instruction* parameter =
      entry->AddParameter(static_cast<int64_t>(result.inputs.size()), value.shape());
  result.inputs.push_back(value);
  result.facts[parameter->name()] = result.facts[name];
  entry->ReplaceAllUses(Find(*result.module, name), parameter);
  Tidy(*result.module);
  return result;
}

// Without the parameters that nothing uses: a new module, since numbers are dense.
Graph WithoutUnusedParameters(const Graph& graph) {
  Graph result = Copy(graph);
  Computation* entry = result.module->entry();
  Computation* fewer = result.module->AddComputation("entry");
  std::map<const Instruction*, Instruction*> copies;
  std::vector<Literal> inputs;
  for (const Instruction* instruction : entry->instructions()) {
    const bool parameter = instruction->opcode() == Opcode::kParameter;
    if (parameter && instruction->users().empty() && entry->root() != instruction) continue;
    std::vector<Instruction*> operands;
    for (const Instruction* operand : instruction->operands()) operands.push_back(copies[operand]);
    Instruction* copy =
        parameter ? fewer->AddParameter(static_cast<int64_t>(inputs.size()), instruction->shape())
                  : fewer->AddClone(*instruction, std::move(operands));
    if (parameter) inputs.push_back(graph.inputs[instruction->parameter_number()]);
    copies[instruction] = copy;
    const auto facts = graph.facts.find(instruction->name());
    if (facts != graph.facts.end()) result.facts[copy->name()] = facts->second;
  }
  fewer->set_root(copies[entry->root()]);
  result.module->set_entry(fewer);
  result.inputs = std::move(inputs);
  result.module->RemoveUnreachableComputations();
  result.module->Normalize();
  return result;
}

// The evaluator's value of every array of the entry.
std::map<std::string, Literal> Values(const Graph& graph) {
  Graph all = Copy(graph);
  const std::vector<std::string> names = Computed(*all.module);
  std::vector<Instruction*> results;
  std::vector<Shape> shapes;
  for (const std::string& name : names) {
    results.push_back(Find(*all.module, name));
    shapes.push_back(results.back()->shape());
  }
  Computation* entry = all.module->entry();
  entry->set_root(entry->Add(Opcode::kTuple, Shape::Tuple(shapes), results));
  std::map<std::string, Literal> values;
  const absl::StatusOr<Literal> evaluated = Evaluate(*all.module, all.inputs);
  if (!evaluated.ok()) return values;
  for (size_t i = 0; i < names.size(); ++i) values[names[i]] = evaluated->tuple()[i];
  return values;
}

}  // namespace

Graph CutDown(const Graph& graph, const std::function<bool(const Graph&)>& fails) {
  Graph best = Copy(graph);
  const auto accept = [&](Graph candidate) {
    if (!fails(candidate)) return false;
    best = std::move(candidate);
    return true;
  };
  const std::map<std::string, Literal> values = Values(graph);
  // The first value that is wrong by itself.
  for (const std::string& name : Computed(*graph.module)) {
    if (graph.facts.count(name) > 0 && accept(WithRoot(graph, name))) break;
  }
  // What stands before it, given.  The last first: it takes the most with it.
  for (bool progress = true; progress;) {
    progress = false;
    std::vector<std::string> names = Computed(*best.module);
    std::reverse(names.begin(), names.end());
    for (const std::string& name : names) {
      const Instruction* instruction = Find(*best.module, name);
      const auto value = values.find(name);
      if (instruction == nullptr || instruction == best.module->entry()->root()) continue;
      if (value == values.end() || best.facts.count(name) == 0) continue;
      // A value that is off may not be handed on as if it were the only right one, but the
      // evaluator's is right.
      progress = accept(WithParameter(best, name, value->second)) || progress;
    }
  }
  accept(WithoutUnusedParameters(best));
  return best;
}

std::string ToText(const Graph& graph) {
  std::string text = ToString(*graph.module);
  for (size_t i = 0; i < graph.inputs.size(); ++i) {
    const Literal& input = graph.inputs[i];
    if (input.size() > 16) continue;
    std::vector<std::string> elements;
    for (int64_t at = 0; at < input.size(); ++at) {
      const std::complex<double> x = input.AsComplex(at);
      elements.push_back(IsComplex(input.shape().element_type())
                             ? absl::StrCat("(", x.real(), ", ", x.imag(), ")")
                             : absl::StrCat(x.real()));
    }
    absl::StrAppend(&text, "// parameter ", i, ": ", absl::StrJoin(elements, ", "), "\n");
  }
  return text;
}

}  // namespace ingot::random_graphs
