#include "ir/module.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "ir/base/check.h"

namespace ingot {
namespace {

// "add.12" → "add": the part that a new suffix is put to.
absl::string_view Stem(absl::string_view name) {
  const size_t dot = name.rfind('.');
  if (dot == absl::string_view::npos || dot == 0 || dot + 1 == name.size()) return name;
  const absl::string_view suffix = name.substr(dot + 1);
  const bool digits = std::all_of(suffix.begin(), suffix.end(), absl::ascii_isdigit);
  return digits ? name.substr(0, dot) : name;
}

// What becomes of instruction names in a copy.
enum class CloneNames { kMadeUnique, kKept };

using CloneMap = absl::flat_hash_map<const Computation*, Computation*>;

// Copies `source` into `module`; callees are copied first, each once.
Computation* CloneInto(const Computation& source, absl::string_view name, Module& module,
                       CloneMap& clones, CloneNames names) {
  absl::flat_hash_map<const Instruction*, Instruction*> map;
  std::vector<std::vector<Computation*>> called;
  for (const Instruction* instruction : source.instructions()) {
    std::vector<Computation*> mapped;
    for (const Computation* callee : instruction->called_computations()) {
      const auto it = clones.find(callee);
      mapped.push_back(it != clones.end()
                           ? it->second
                           : CloneInto(*callee, callee->name(), module, clones, names));
    }
    called.push_back(std::move(mapped));
  }
  Computation* clone = module.AddComputation(name);
  clone->attributes_text = source.attributes_text;
  clone->printed_inline = source.printed_inline;
  size_t i = 0;
  for (const Instruction* instruction : source.instructions()) {
    std::vector<Instruction*> operands;
    for (const Instruction* operand : instruction->operands()) operands.push_back(map.at(operand));
    Instruction* copy = clone->AddClone(*instruction, std::move(operands));
    if (names == CloneNames::kKept) copy->set_name(instruction->name());
    copy->set_called_computations(std::move(called[i++]));
    for (const Instruction* predecessor : instruction->control_predecessors()) {
      copy->AddControlPredecessor(map.at(predecessor));
    }
    map[instruction] = copy;
  }
  if (source.root() != nullptr) clone->set_root(map.at(source.root()));
  clones[&source] = clone;
  return clone;
}

}  // namespace

Instruction* Computation::Add(Opcode opcode, Shape shape, std::vector<Instruction*> operands,
                              absl::string_view name) {
  const std::string unique =
      parent_->UniqueInstructionName(name.empty() ? OpcodeName(opcode) : name);
  return AddExactlyNamed(opcode, std::move(shape), std::move(operands), unique);
}

Instruction* Computation::AddExactlyNamed(Opcode opcode, Shape shape,
                                          std::vector<Instruction*> operands,
                                          absl::string_view name) {
  parent_->instruction_names_.taken.emplace(name);
  storage_.push_back(std::unique_ptr<Instruction>(
      new Instruction(opcode, std::move(shape), std::string(name), this)));
  Instruction* instruction = storage_.back().get();
  instruction->id_ = static_cast<int64_t>(storage_.size()) - 1;
  for (Instruction* operand : operands) {
    INGOT_CHECK(operand->parent() == this)
        << operand->name() << " is of another computation than " << name_;
    operand->AddUser(instruction);
  }
  instruction->operands_ = std::move(operands);
  order_.push_back(instruction);
  return instruction;
}

Instruction* Computation::Add(Opcode opcode, Shape shape, std::vector<Instruction*> operands,
                              Attributes attributes, absl::string_view name) {
  Instruction* instruction = Add(opcode, std::move(shape), std::move(operands), name);
  INGOT_CHECK(attributes.index() == instruction->attributes_.index())
      << OpcodeName(opcode) << " has other attributes than those given";
  instruction->attributes_ = std::move(attributes);
  return instruction;
}

Instruction* Computation::AddParameter(int64_t number, Shape shape, absl::string_view name) {
  Instruction* parameter = Add(Opcode::kParameter, std::move(shape), {},
                               name.empty() ? absl::string_view("param") : name);
  parameter->mutable_attributes<ParameterAttributes>().number = number;
  const auto at =
      std::upper_bound(parameters_.begin(), parameters_.end(), number,
                       [](int64_t n, const Instruction* p) { return n < p->parameter_number(); });
  parameters_.insert(at, parameter);
  return parameter;
}

void Computation::SortParameters() {
  parameters_.clear();
  for (Instruction* instruction : order_) {
    if (!instruction->removed_ && instruction->opcode() == Opcode::kParameter) {
      parameters_.push_back(instruction);
    }
  }
  std::stable_sort(parameters_.begin(), parameters_.end(),
                   [](const Instruction* a, const Instruction* b) {
                     return a->parameter_number() < b->parameter_number();
                   });
}

Instruction* Computation::AddConstant(Literal literal, absl::string_view name) {
  Shape shape = literal.shape();
  return Add(Opcode::kConstant, std::move(shape), {}, ConstantAttributes{std::move(literal)}, name);
}

Instruction* Computation::AddClone(const Instruction& source, std::vector<Instruction*> operands) {
  Instruction* copy;
  if (source.opcode() == Opcode::kParameter) {
    copy = AddParameter(source.parameter_number(), source.shape(), source.name());
  } else {
    copy = Add(source.opcode(), source.shape(), std::move(operands), source.name());
  }
  copy->attributes_ = source.attributes_;
  copy->called_ = source.called_;
  copy->annotations_ = source.annotations_;
  copy->source_line_ = source.source_line_;
  copy->source_column_ = source.source_column_;
  return copy;
}

void Computation::ReplaceAllUses(Instruction* old_value, Instruction* new_value) {
  if (old_value == new_value) return;
  // A user may be `new_value` itself (wrapping the old one): that use stays.
  std::vector<Instruction*> kept;
  for (Instruction* user : old_value->users_) {
    if (user == new_value) {
      kept.push_back(user);
      continue;
    }
    if (!user->Uses(new_value)) new_value->users_.push_back(user);
    std::replace(user->operands_.begin(), user->operands_.end(), old_value, new_value);
  }
  old_value->users_ = std::move(kept);
  if (root_ == old_value) root_ = new_value;
}

void Computation::Remove(Instruction* instruction) {
  INGOT_CHECK(instruction->users_.empty() && instruction != root_ && !instruction->removed_)
      << instruction->name() << " is still in use";
  for (Instruction* operand : instruction->operands_) operand->RemoveUser(instruction);
  if (instruction->opcode() == Opcode::kParameter) {
    parameters_.erase(std::find(parameters_.begin(), parameters_.end(), instruction));
  }
  instruction->operands_.clear();
  instruction->removed_ = true;
  has_removed_ = true;
}

bool Computation::HasSideEffect() const {
  return std::any_of(order_.begin(), order_.end(), [](const Instruction* instruction) {
    return !instruction->removed_ && instruction->HasSideEffect();
  });
}

bool Computation::RemoveDead() {
  absl::flat_hash_set<const Instruction*> live;
  std::vector<const Instruction*> work;
  const auto mark = [&](const Instruction* instruction) {
    if (live.insert(instruction).second) work.push_back(instruction);
  };
  if (root_ != nullptr) mark(root_);
  for (const Instruction* instruction : order_) {
    if (instruction->removed_) continue;
    if (instruction->opcode() == Opcode::kParameter || instruction->HasSideEffect())
      mark(instruction);
  }
  while (!work.empty()) {
    const Instruction* instruction = work.back();
    work.pop_back();
    for (const Instruction* operand : instruction->operands_) mark(operand);
    for (const Instruction* predecessor : instruction->control_predecessors_) mark(predecessor);
  }
  bool changed = false;
  for (Instruction* instruction : order_) {
    if (instruction->removed_ || live.contains(instruction)) continue;
    instruction->operands_.clear();
    instruction->removed_ = true;
    changed = true;
  }
  if (!changed) return false;
  for (Instruction* instruction : order_) {
    std::vector<Instruction*>& users = instruction->users_;
    users.erase(std::remove_if(users.begin(), users.end(),
                               [](const Instruction* u) { return u->removed_; }),
                users.end());
  }
  has_removed_ = true;
  return true;
}

void Computation::SetOrder(std::vector<Instruction*> order) {
  INGOT_CHECK(order.size() == order_.size()) << "another order of other instructions";
  order_ = std::move(order);
}

void Computation::Normalize() {
  // Stable topological order: depth first from each instruction in the old order, with an explicit
  // stack so that long chains do not overflow the machine's.
  enum : uint8_t { kUnseen, kOpen, kDone };
  const auto removed = [](const auto& instruction) { return instruction->removed_; };
  for (size_t i = 0; i < storage_.size(); ++i) {
    storage_[i]->id_ = static_cast<int64_t>(i);
    std::vector<Instruction*>& before = storage_[i]->control_predecessors_;
    before.erase(std::remove_if(before.begin(), before.end(), removed), before.end());
  }
  std::vector<uint8_t> state(storage_.size(), kUnseen);
  std::vector<Instruction*> order;
  order.reserve(order_.size());
  std::vector<Instruction*> stack;
  for (Instruction* start : order_) {
    if (start->removed_) continue;
    stack.push_back(start);
    while (!stack.empty()) {
      Instruction* instruction = stack.back();
      uint8_t& mark = state[instruction->id_];
      if (mark == kDone) {
        stack.pop_back();
        continue;
      }
      if (mark == kOpen) {
        mark = kDone;
        order.push_back(instruction);
        stack.pop_back();
        continue;
      }
      mark = kOpen;
      const auto visit = [&](Instruction* before) {
        INGOT_CHECK(state[before->id_] != kOpen || before == instruction)
            << "cycle through " << before->name();
        if (state[before->id_] == kUnseen) stack.push_back(before);
      };
      for (auto it = instruction->control_predecessors_.rbegin();
           it != instruction->control_predecessors_.rend(); ++it)
        visit(*it);
      for (auto it = instruction->operands_.rbegin(); it != instruction->operands_.rend(); ++it)
        visit(*it);
    }
  }
  order_ = std::move(order);
  if (has_removed_) {
    storage_.erase(std::remove_if(storage_.begin(), storage_.end(), removed), storage_.end());
    has_removed_ = false;
  }
  for (size_t i = 0; i < order_.size(); ++i) order_[i]->id_ = static_cast<int64_t>(i);
  std::sort(storage_.begin(), storage_.end(),
            [](const auto& a, const auto& b) { return a->id_ < b->id_; });
}

Computation* Module::FindComputation(absl::string_view name) const {
  for (Computation* computation : order_) {
    if (computation->name() == name) return computation;
  }
  return nullptr;
}

std::string Module::NameTable::Unique(absl::string_view stem) {
  std::string name(stem);
  if (taken.insert(name).second) return name;
  const std::string base(Stem(stem));
  int64_t& suffix = next_suffix[base];
  do {
    name = absl::StrCat(base, ".", ++suffix);
  } while (!taken.insert(name).second);
  return name;
}

std::string Module::UniqueInstructionName(absl::string_view stem) {
  return instruction_names_.Unique(stem);
}

std::string Module::UniqueComputationName(absl::string_view stem) {
  return computation_names_.Unique(stem);
}

Computation* Module::AddComputation(absl::string_view name) {
  storage_.push_back(std::unique_ptr<Computation>(new Computation(
      this, computation_names_.Unique(name), static_cast<int64_t>(storage_.size()))));
  order_.push_back(storage_.back().get());
  return order_.back();
}

Computation* Module::CloneComputation(const Computation& source, absl::string_view name) {
  CloneMap clones;
  return CloneInto(source, name, *this, clones, CloneNames::kMadeUnique);
}

void Module::Normalize() {
  std::vector<Computation*> order;
  absl::flat_hash_set<const Computation*> done;
  // Callees before callers.  The verifier has refused recursion, and nesting is bounded by the
  // parser.
  const auto visit = [&](auto& self, Computation* computation) -> void {
    if (!done.insert(computation).second) return;
    computation->Normalize();
    for (const Instruction* instruction : computation->instructions()) {
      for (Computation* callee : instruction->called_computations()) self(self, callee);
    }
    order.push_back(computation);
  };
  for (Computation* computation : order_) visit(visit, computation);
  order_ = std::move(order);
  for (size_t i = 0; i < order_.size(); ++i) order_[i]->id_ = static_cast<int64_t>(i);
}

bool Module::RemoveUnreachableComputations() {
  absl::flat_hash_set<const Computation*> reached;
  std::vector<const Computation*> work = {entry_};
  while (!work.empty()) {
    const Computation* computation = work.back();
    work.pop_back();
    if (computation == nullptr || !reached.insert(computation).second) continue;
    for (const Instruction* instruction : computation->instructions()) {
      for (const Computation* callee : instruction->called_computations()) work.push_back(callee);
    }
  }
  if (reached.size() == order_.size()) return false;
  const auto gone = [&](const auto& computation) { return !reached.contains(&*computation); };
  order_.erase(std::remove_if(order_.begin(), order_.end(), gone), order_.end());
  storage_.erase(std::remove_if(storage_.begin(), storage_.end(), gone), storage_.end());
  return true;
}

std::unique_ptr<Module> Module::Clone() const {
  auto clone = std::make_unique<Module>(name_);
  clone->text_form = text_form;
  clone->file_name = file_name;
  clone->is_scheduled = is_scheduled;
  clone->input_output_aliases = input_output_aliases;
  clone->buffer_donors = buffer_donors;
  clone->entry_parameter_layouts = entry_parameter_layouts;
  clone->entry_result_layout = entry_result_layout;
  clone->attributes = attributes;
  clone->stack_frame_text = stack_frame_text;
  CloneMap clones;
  for (const Computation* computation : order_) {
    if (!clones.contains(computation)) {
      CloneInto(*computation, computation->name(), *clone, clones, CloneNames::kKept);
    }
  }
  if (entry_ != nullptr) clone->set_entry(clones.at(entry_));
  return clone;
}

}  // namespace ingot
