#include "ir/analysis/fusion_view.h"

#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash.h"
#include "ir/base/check.h"
#include "ir/equality.h"

namespace ingot {
namespace {

bool IsResult(const Instruction& member, const absl::flat_hash_set<const Instruction*>& members) {
  if (member.users().empty() || member.parent()->root() == &member) return true;
  return std::any_of(member.users().begin(), member.users().end(),
                     [&](const Instruction* user) { return !members.contains(user); });
}

}  // namespace

FusionView ViewOf(const Computation& fusion) {
  FusionView view;
  view.inputs.assign(fusion.parameters().begin(), fusion.parameters().end());
  // Tuples at the root are unfolded, their elements in order; the last of `open` is the next.
  absl::flat_hash_set<const Instruction*> tuples;
  std::vector<const Instruction*> open = {fusion.root()};
  while (!open.empty()) {
    const Instruction* root = open.back();
    open.pop_back();
    if (root->opcode() == Opcode::kTuple) {
      tuples.insert(root);
      open.insert(open.end(), root->operands().rbegin(), root->operands().rend());
    } else {
      view.roots.push_back(root);
    }
  }
  for (const Instruction* instruction : fusion.instructions()) {
    if (instruction->opcode() == Opcode::kParameter || tuples.contains(instruction)) continue;
    view.members.push_back(instruction);
  }
  return view;
}

FusionView ViewOf(absl::Span<const Instruction* const> members) {
  FusionView view;
  view.members.assign(members.begin(), members.end());
  const absl::flat_hash_set<const Instruction*> all(members.begin(), members.end());
  INGOT_CHECK(all.size() == members.size()) << "a member is listed twice";
  absl::flat_hash_set<const Instruction*> seen;
  for (const Instruction* member : members) {
    for (const Instruction* operand : member->operands()) {
      if (!seen.insert(operand).second) continue;
      INGOT_CHECK(!all.contains(operand)) << operand->name() << " stands after its user";
      view.inputs.push_back(operand);
    }
    seen.insert(member);
    if (IsResult(*member, all)) view.roots.push_back(member);
  }
  return view;
}

size_t HashView(const FusionView& view) {
  absl::flat_hash_map<const Instruction*, size_t> numbers;
  size_t hash = absl::HashOf(view.inputs.size(), view.members.size());
  for (const Instruction* input : view.inputs) {
    hash = absl::HashOf(hash, input->opcode() == Opcode::kConstant ? HashOperation(*input)
                                                                   : HashShape(input->shape()));
    numbers.emplace(input, numbers.size());
  }
  for (const Instruction* member : view.members) {
    hash = absl::HashOf(hash, HashOperation(*member));
    for (const Instruction* operand : member->operands()) {
      hash = absl::HashOf(hash, numbers.at(operand));
    }
    numbers.emplace(member, numbers.size());
  }
  for (const Instruction* root : view.roots) hash = absl::HashOf(hash, numbers.at(root));
  return hash;
}

}  // namespace ingot
