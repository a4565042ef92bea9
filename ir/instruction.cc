#include "ir/instruction.h"

#include <algorithm>

#include "ir/module.h"

namespace ingot {

void Instruction::set_name(absl::string_view name) {
  name_ = std::string(name);
  parent_->parent()->instruction_names_.taken.insert(name_);
}

void Instruction::AddUser(Instruction* user) {
  // The uses by one instruction are added one after the other, so a repeat is the last entry.
  if (users_.empty() || users_.back() != user) users_.push_back(user);
}

void Instruction::RemoveUser(Instruction* user) {
  // From the back: passes mostly undo what they did last.
  const auto it = std::find(users_.rbegin(), users_.rend(), user);
  if (it != users_.rend()) users_.erase(std::next(it).base());
}

bool Instruction::Uses(const Instruction* value) const {
  return std::find(operands_.begin(), operands_.end(), value) != operands_.end();
}

void Instruction::ReplaceOperand(int64_t i, Instruction* value) {
  INGOT_CHECK(value->parent_ == parent_)
      << value->name() << " is of another computation than " << name_;
  Instruction* old_value = operands_[i];
  if (old_value == value) return;
  if (!Uses(value)) value->users_.push_back(this);
  operands_[i] = value;
  if (!Uses(old_value)) old_value->RemoveUser(this);
}

bool Instruction::HasSideEffect() const {
  if (HasFact(opcode_, kSideEffect)) return true;
  if (opcode_ == Opcode::kCustomCall) {
    return attributes<CustomCallAttributes>().custom_call_has_side_effect;
  }
  // A caller has the effects of what it calls.
  return std::any_of(called_.begin(), called_.end(),
                     [](const Computation* computation) { return computation->HasSideEffect(); });
}

}  // namespace ingot
