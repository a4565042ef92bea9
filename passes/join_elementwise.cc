#include "passes/join_elementwise.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "ir/analysis/op_facts.h"
#include "passes/fusion_util.h"

namespace ingot {
namespace {

// Of a kernel: its results, and the bytes of each, so that all are in a card's L2 when they are
// read.
constexpr size_t kMostResults = 8;
constexpr int64_t kMostBytes = 8 << 20;
// Kernels from the first reader of a result to the first reader of the next.
constexpr int kMostApart = 2;

// An elementwise op of arrays of the root's dimensions and of scalars, whatever those dimensions
// are.
bool IsOfAnyShape(const Instruction& instruction, const Shape& root) {
  if (instruction.shape().IsScalar()) {
    return instruction.opcode() == Opcode::kConstant || instruction.opcode() == Opcode::kParameter;
  }
  if (!Shape::SameDimensions(instruction.shape(), root)) return false;
  if (instruction.opcode() == Opcode::kParameter) return true;
  if (instruction.opcode() == Opcode::kBroadcast) return instruction.operand(0)->shape().IsScalar();
  return instruction.kind() == OpKind::kElementwise && instruction.opcode() != Opcode::kMap;
}

bool CanJoin(const Instruction& instruction) {
  if (instruction.opcode() != Opcode::kFusion || !instruction.shape().IsArray()) return false;
  if (!instruction.control_predecessors().empty()) return false;
  const Shape& shape = instruction.shape();
  if (shape.rank() == 0 || shape.HasDynamicDimension() || shape.ByteSize() > kMostBytes)
    return false;
  const std::vector<Instruction*>& body = instruction.called_computations()[0]->instructions();
  return std::all_of(instruction.operands().begin(), instruction.operands().end(),
                     [](const Instruction* operand) {
                       return operand->opcode() == Opcode::kParameter ||
                              operand->opcode() == Opcode::kConstant;
                     }) &&
         std::all_of(body.begin(), body.end(),
                     [&](const Instruction* inner) { return IsOfAnyShape(*inner, shape); });
}

struct Candidate {
  Instruction* fusion;
  int first_reader;  // in kernels
};

// The candidates of a computation by their first readers.
std::vector<Candidate> FindCandidates(const Computation& computation) {
  std::vector<Candidate> found;
  absl::flat_hash_map<const Instruction*, size_t> number;
  int kernels = 0;
  for (Instruction* instruction : computation.instructions()) {
    for (const Instruction* operand : instruction->operands()) {
      const auto at = number.find(operand);
      if (at != number.end() && found[at->second].first_reader < 0) {
        found[at->second].first_reader = kernels;
      }
    }
    const bool is_candidate = CanJoin(*instruction);
    if (is_candidate) {
      number[instruction] = found.size();
      found.push_back({instruction, -1});
    }
    // What can be computed at any time stands between no two readers.
    if (instruction->opcode() == Opcode::kFusion && !is_candidate) ++kernels;
  }
  std::erase_if(found, [](const Candidate& candidate) { return candidate.first_reader < 0; });
  std::stable_sort(found.begin(), found.end(), [](const Candidate& a, const Candidate& b) {
    return a.first_reader < b.first_reader;
  });
  return found;
}

Instruction* Reshaped(Computation& computation, Instruction* value,
                      const std::vector<int64_t>& dimensions) {
  if (value->shape().IsScalar() || value->shape().dimensions() == dimensions) return value;
  return computation.Add(Opcode::kReshape,
                         Shape::ArrayWithDefaultLayout(value->shape().element_type(), dimensions),
                         {value});
}

// Makes one fusion of several, whose arrays have these dimensions in it.
void Join(Computation& computation, absl::Span<const Candidate> candidates,
          const std::vector<int64_t>& dimensions) {
  Computation* body = computation.parent()->AddComputation("joined");
  std::vector<Instruction*> inputs, results;
  std::vector<Shape> shapes;
  absl::flat_hash_map<const Instruction*, Instruction*> parameters;  // of the operands
  for (const Candidate& candidate : candidates) {
    absl::flat_hash_map<const Instruction*, Instruction*> inside;
    const Computation& old = *candidate.fusion->called_computations()[0];
    for (const Instruction* instruction : old.instructions()) {
      Shape shape = instruction->shape();
      if (!shape.IsScalar()) {
        shape = Shape::ArrayWithDefaultLayout(shape.element_type(), dimensions);
      }
      if (instruction->opcode() == Opcode::kParameter) {
        Instruction* operand = candidate.fusion->operand(instruction->parameter_number());
        Instruction*& parameter = parameters[operand];
        if (parameter == nullptr) {
          parameter = body->AddParameter(static_cast<int64_t>(inputs.size()), std::move(shape),
                                         absl::StrCat("param_", inputs.size()));
          inputs.push_back(Reshaped(computation, operand, dimensions));
        }
        inside[instruction] = parameter;
        continue;
      }
      std::vector<Instruction*> operands;
      for (const Instruction* operand : instruction->operands()) {
        operands.push_back(inside.at(operand));
      }
      inside[instruction] = body->AddClone(*instruction, std::move(operands));
      inside[instruction]->set_shape(std::move(shape));
    }
    results.push_back(inside.at(old.root()));
    shapes.push_back(results.back()->shape());
  }
  body->set_root(body->Add(Opcode::kTuple, Shape::Tuple(std::move(shapes)), results));
  body->Normalize();
  const Instruction& last = *candidates.back().fusion;
  Instruction* fusion =
      computation.Add(Opcode::kFusion, body->root()->shape(), std::move(inputs), last.name());
  fusion->set_called_computations({body});
  fusion->mutable_annotations().metadata = last.annotations().metadata;
  for (size_t i = 0; i < candidates.size(); ++i) {
    Instruction* old = candidates[i].fusion;
    Instruction* result = computation.Add(Opcode::kGetTupleElement, results[i]->shape(), {fusion},
                                          TupleIndexAttributes{static_cast<int64_t>(i)});
    computation.ReplaceAllUses(old, Reshaped(computation, result, old->shape().dimensions()));
    computation.Remove(old);
  }
}

}  // namespace

// Algorithm: of the candidates by their first readers, take runs of one number of elements whose
// readers follow one another closely, and join each run.
absl::StatusOr<bool> JoinElementwise(Module& module, const PassContext& context) {
  if (context.fusion_cost == nullptr) return false;
  bool changed = false;
  for (Computation* computation : SequentialComputations(module)) {
    const std::vector<Candidate> candidates = FindCandidates(*computation);
    for (size_t begin = 0, end; begin < candidates.size(); begin = end) {
      const Shape& shape = candidates[begin].fusion->shape();
      bool same_dimensions = true;
      for (end = begin + 1; end < candidates.size() && end - begin < kMostResults; ++end) {
        const Shape& next = candidates[end].fusion->shape();
        if (next.ElementCount() != shape.ElementCount() ||
            candidates[end].first_reader - candidates[end - 1].first_reader > kMostApart) {
          break;
        }
        same_dimensions = same_dimensions && Shape::SameDimensions(shape, next);
      }
      if (end - begin == 1) continue;
      Join(*computation, absl::MakeSpan(candidates).subspan(begin, end - begin),
           same_dimensions ? shape.dimensions() : std::vector<int64_t>{shape.ElementCount()});
      changed = true;
    }
  }
  return changed;
}

}  // namespace ingot
