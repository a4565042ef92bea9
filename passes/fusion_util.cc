#include "passes/fusion_util.h"

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"

namespace ingot {

bool NeedsKernel(const Instruction& instruction) {
  switch (instruction.kind()) {
    case OpKind::kElementwise:
    case OpKind::kReduction:
    case OpKind::kContraction:
    case OpKind::kIndexing:
    case OpKind::kSorting:
    case OpKind::kRandom:
    case OpKind::kLinearAlgebra:
      return true;
    case OpKind::kDataMovement:
      // Row-major reshapes are another name for the same bytes.
      return instruction.opcode() != Opcode::kReshape;
    case OpKind::kStructure:
    case OpKind::kControlFlow:
    case OpKind::kCollective:
    case OpKind::kExternal:
      return false;
  }
  return false;
}

std::vector<Computation*> SequentialComputations(const Module& module) {
  std::vector<Computation*> found = {module.entry()};
  absl::flat_hash_set<const Computation*> seen = {module.entry()};
  for (size_t i = 0; i < found.size(); ++i) {
    for (const Instruction* instruction : found[i]->instructions()) {
      const Opcode opcode = instruction->opcode();
      if (opcode != Opcode::kWhile && opcode != Opcode::kConditional && opcode != Opcode::kCall)
        continue;
      for (Computation* callee : instruction->called_computations()) {
        if (seen.insert(callee).second) found.push_back(callee);
      }
    }
  }
  return found;
}

Instruction* Fuse(Computation& computation, absl::Span<Instruction* const> members,
                  absl::string_view name) {
  Instruction* root = members.back();
  Computation* body = computation.parent()->AddComputation(name);
  absl::flat_hash_map<const Instruction*, Instruction*> map;
  std::vector<Instruction*> inputs;
  for (Instruction* member : members) {
    std::vector<Instruction*> operands;
    for (Instruction* operand : member->operands()) {
      Instruction*& inside = map[operand];
      if (inside == nullptr) {
        inside = body->AddParameter(static_cast<int64_t>(inputs.size()), operand->shape(),
                                    absl::StrCat("param_", inputs.size()));
        inputs.push_back(operand);
      }
      operands.push_back(inside);
    }
    map[member] = body->AddClone(*member, std::move(operands));
  }
  body->set_root(map.at(root));
  body->Normalize();
  Instruction* fusion =
      computation.Add(Opcode::kFusion, root->shape(), std::move(inputs), root->name());
  fusion->set_called_computations({body});
  fusion->mutable_annotations().metadata = root->annotations().metadata;
  computation.ReplaceAllUses(root, fusion);
  for (auto it = members.rbegin(); it != members.rend(); ++it) {
    if ((*it)->users().empty()) computation.Remove(*it);
  }
  return fusion;
}

}  // namespace ingot
