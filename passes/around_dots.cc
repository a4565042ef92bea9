#include "passes/around_dots.h"

#include <algorithm>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_map.h"
#include "ir/analysis/fusion_view.h"
#include "ir/analysis/op_facts.h"
#include "passes/fusion_util.h"

namespace ingot {
namespace {

// Whether the value's elements are those of its operand, at offsets that are sums over dimensions.
bool MovesByStrides(const Instruction& instruction) {
  return IsOneOf(instruction.opcode(),
                 {Opcode::kBroadcast, Opcode::kReshape, Opcode::kSlice, Opcode::kTranspose}) &&
         !IsFree(instruction);
}

bool KeepsElements(const Instruction& instruction) {
  return instruction.opcode() == Opcode::kReshape || instruction.opcode() == Opcode::kTranspose;
}

// Whether it is a product of matrices, as dots are: groups of few features are windows.
bool IsDenseConvolution(const Instruction& instruction) {
  if (instruction.opcode() != Opcode::kConvolution) return false;
  const auto& attributes = instruction.attributes<ConvolutionAttributes>();
  return attributes.feature_group_count == 1 && attributes.batch_group_count == 1;
}

// What is made of a value's elements alone, one after the other, while nobody else asks for them.
std::vector<const Instruction*> FollowersOf(const Instruction& value) {
  std::vector<const Instruction*> followers;
  for (const Instruction* last = &value; last->users().size() == 1;) {
    last = last->users()[0];
    if (!IsEpilogue(*last) || !last->control_predecessors().empty()) break;
    followers.push_back(last);
  }
  return followers;
}

// Whether a kernel stores the value, whoever makes it: a single reader that is no product may take
// it in.
bool IsStored(const Instruction& value) {
  if (value.users().size() != 1) return true;
  const Instruction& user = *value.users()[0];
  return !NeedsKernel(user) || user.kind() == OpKind::kContraction;
}

// Whether what is made of other arrays would come along, for nobody else asks for it.
bool BringOthers(absl::Span<const Instruction* const> followers) {
  return absl::c_any_of(followers, [&](const Instruction* follower) {
    return absl::c_any_of(follower->operands(), [&](const Instruction* operand) {
      return IsEpilogue(*operand) && operand->users().size() == 1 && !IsFree(*operand) &&
             operand->opcode() != Opcode::kBroadcast && !absl::c_linear_search(followers, operand);
    });
  });
}

// A product with what follows it, as a computation of its own.
class ProductWithFollowers {
 public:
  ProductWithFollowers(const Instruction& product, absl::Span<const Instruction* const> followers)
      : computation_(module_.AddComputation("product")) {
    Instruction* root = Copy(product);
    for (const Instruction* follower : followers) root = Copy(*follower);
    computation_->set_root(root);
    computation_->Normalize();
  }

  const Computation& computation() const { return *computation_; }

 private:
  // Broadcasts, and what is free, are part of it.
  Instruction* Input(const Instruction& value) {
    if (const auto found = copies_.find(&value); found != copies_.end()) return found->second;
    if (value.opcode() == Opcode::kBroadcast || IsFree(value)) return Copy(value);
    Instruction* parameter = computation_->AddParameter(parameters_++, value.shape());
    copies_[&value] = parameter;
    return parameter;
  }
  Instruction* Copy(const Instruction& value) {
    std::vector<Instruction*> operands;
    for (const Instruction* operand : value.operands()) operands.push_back(Input(*operand));
    return copies_[&value] = computation_->AddClone(value, std::move(operands));
  }

  Module module_{"product"};
  Computation* const computation_;
  int64_t parameters_ = 0;
  absl::flat_hash_map<const Instruction*, Instruction*> copies_;
};

// Whether a convolution's kernel had best make what follows it, too.
bool TakesFollowers(const Instruction& convolution, const PassContext& context) {
  if (static_cast<double>(convolution.shape().ByteSize()) <=
      context.launch_microseconds * context.bytes_per_microsecond) {
    return true;
  }
  // A pass over what L2 holds takes no longer than it makes the convolution's kernel.
  const bool in_l2 = context.target != nullptr && context.target->card != nullptr &&
                     convolution.shape().ByteSize() <= context.target->card->l2_bytes;
  if (in_l2) return false;
  const std::vector<const Instruction*> followers = FollowersOf(convolution);
  if (followers.empty() || !IsStored(*followers.back()) || BringOthers(followers)) return false;
  const double apart =
      context.launch_microseconds + context.fusion_cost(ViewOf(followers)).microseconds;
  const double alone = context.product_cost(ProductWithFollowers(convolution, {}).computation());
  return context.product_cost(ProductWithFollowers(convolution, followers).computation()) <
         alone + apart;
}

}  // namespace

bool IsEpilogue(const Instruction& instruction) {
  if (KeepsElements(instruction)) return true;
  return instruction.kind() == OpKind::kElementwise && instruction.opcode() != Opcode::kMap;
}

// Algorithm:
// 1. From the last instruction to the first: data movement for dots, or for such data movement, may
//    be read through; so that nobody needs it stored, other users are elementwise ops that had best
//    read it through as well.
// 2. From the first to the last: not so what a dot that nobody else asks for can store in this
//    order, nor a reshape of what is not read through, which is another name for the same bytes.
AroundDots::AroundDots(const Computation& computation, const PassContext& context)
    : enabled_(true) {
  int64_t last_id = -1;
  for (const Instruction* instruction : computation.instructions()) {
    last_id = std::max(last_id, instruction->id());
  }
  read_through_.assign(last_id + 1, false);
  is_convolution_.assign(last_id + 1, false);
  for (const Instruction* instruction : computation.instructions()) {
    is_convolution_[instruction->id()] = context.product_cost != nullptr &&
                                         IsDenseConvolution(*instruction) &&
                                         TakesFollowers(*instruction, context);
  }
  std::vector<bool> stored_by_dot(last_id + 1, false);
  const std::vector<Instruction*>& order = computation.instructions();
  for (auto it = order.rbegin(); it != order.rend(); ++it) {
    const Instruction& value = **it;
    if (!MovesByStrides(value) || &value == computation.root()) continue;
    const auto reads_through = [&](const Instruction* user) {
      return (user->opcode() == Opcode::kDot && IsDot(*user)) || IsReadThrough(*user);
    };
    const std::vector<Instruction*>& users = value.users();
    read_through_[value.id()] =
        std::any_of(users.begin(), users.end(), reads_through) &&
        std::all_of(users.begin(), users.end(), [&](const Instruction* user) {
          return reads_through(user) || (IsEpilogue(*user) && IsReadThroughBest(value));
        });
  }
  for (const Instruction* value : order) {
    stored_by_dot[value->id()] = IsDot(*value);
    if (!MovesByStrides(*value)) continue;
    const Instruction& operand = *value->operand(0);
    stored_by_dot[value->id()] =
        KeepsElements(*value) && stored_by_dot[operand.id()] && operand.users().size() == 1;
    const bool is_name = value->opcode() == Opcode::kReshape && !IsReadThrough(operand);
    if (stored_by_dot[value->id()] || is_name) read_through_[value->id()] = false;
  }
}

bool AroundDots::IsDot(const Instruction& instruction) const {
  if (!enabled_ || !instruction.control_predecessors().empty()) return false;
  return instruction.opcode() == Opcode::kDot ||
         (instruction.id() < static_cast<int64_t>(is_convolution_.size()) &&
          is_convolution_[instruction.id()]);
}

}  // namespace ingot
