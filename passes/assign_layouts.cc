#include "passes/assign_layouts.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "ir/analysis/op_facts.h"
#include "ir/analysis/trip_count.h"
#include "ir/analysis/windows.h"
#include "passes/fusion_log.h"
#include "passes/fusion_util.h"
#include "passes/loop_invariants.h"
#include "passes/sink_transposes.h"

namespace ingot {
namespace {

using Dimensions = std::vector<int64_t>;

// What has to be saved, of what was and in microseconds: predictions are within a tenth.
constexpr double kLeastShare = 0.1;
constexpr double kLeastMicroseconds = 1;
// Steps from a convolution to the next one, to see whether transposes can meet.
constexpr size_t kMostSteps = 64;

enum Side : int { kLhs = 0, kRhs = 1, kResult = 2 };
constexpr int kSides = 3;
constexpr absl::string_view kSideNames[] = {"left", "right", "result"};

// The wanted orders of the two operands and of the result: permutations as a transpose has them.
using Orders = std::array<Dimensions, kSides>;

Dimensions Identity(int64_t rank) {
  Dimensions dimensions;
  for (int64_t d = 0; d < rank; ++d) dimensions.push_back(d);
  return dimensions;
}

Dimensions Joined(std::initializer_list<Dimensions> parts) {
  Dimensions all;
  for (const Dimensions& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

// Whether the elements lie in another order in memory then.
bool MovesElements(const Shape& shape, const Dimensions& permutation) {
  Dimensions kept;
  for (int64_t d : permutation) {
    if (shape.dimension(d) != 1) kept.push_back(d);
  }
  return !std::is_sorted(kept.begin(), kept.end());
}

Shape Permuted(const Shape& shape, const Dimensions& permutation) {
  Dimensions sizes;
  for (int64_t d : permutation) sizes.push_back(shape.dimension(d));
  return Shape::ArrayWithDefaultLayout(shape.element_type(), std::move(sizes));
}

Orders OrdersOf(const Instruction& product) {
  const auto rank = [](const Shape& shape) { return Identity(shape.rank()); };
  if (product.opcode() == Opcode::kDot) {
    const auto& attributes = product.attributes<DotAttributes>();
    const auto side = [&](int operand, const Dimensions& batch, const Dimensions& contracting) {
      return Joined({batch, FreeDimensions(product.operand(operand)->shape(), batch, contracting),
                     contracting});
    };
    return {side(kLhs, attributes.lhs_batch_dims, attributes.lhs_contracting_dims),
            side(kRhs, attributes.rhs_batch_dims, attributes.rhs_contracting_dims),
            rank(product.shape())};
  }
  const auto& attributes = product.attributes<ConvolutionAttributes>();
  const ConvolutionDimensions& labels = attributes.dim_labels;
  // Of a depthwise convolution neighbouring results have weights of neighbouring output features.
  const bool depthwise = IsDepthwise(product);
  const Dimensions outputs = {labels.kernel_output_feature}, inputs = {labels.kernel_input_feature};
  return {
      Joined({{labels.input_batch}, labels.input_spatial, {labels.input_feature}}),
      Joined({depthwise ? inputs : outputs, labels.kernel_spatial, depthwise ? outputs : inputs}),
      Joined({{labels.output_batch}, labels.output_spatial, {labels.output_feature}})};
}

// Where the dimensions are in the new order.
void Move(const Dimensions& order, Dimensions& dimensions) {
  const Dimensions to = InverseOf(order);
  for (int64_t& d : dimensions) d = to[d];
}
void Move(const Dimensions& order, int64_t& dimension) { dimension = InverseOf(order)[dimension]; }

// A copy of the product in `computation`, of operands in the new orders, with its result in one.
Instruction* Copy(Computation& computation, const Instruction& product, Instruction* lhs,
                  Instruction* rhs, const Orders& orders) {
  Instruction* copy = computation.AddClone(product, {lhs, rhs});
  copy->set_shape(Permuted(product.shape(), orders[kResult]));
  if (product.opcode() == Opcode::kDot) {
    auto& attributes = copy->mutable_attributes<DotAttributes>();
    Move(orders[kLhs], attributes.lhs_batch_dims);
    Move(orders[kLhs], attributes.lhs_contracting_dims);
    Move(orders[kRhs], attributes.rhs_batch_dims);
    Move(orders[kRhs], attributes.rhs_contracting_dims);
    return copy;
  }
  ConvolutionDimensions& labels = copy->mutable_attributes<ConvolutionAttributes>().dim_labels;
  Move(orders[kLhs], labels.input_batch);
  Move(orders[kLhs], labels.input_spatial);
  Move(orders[kLhs], labels.input_feature);
  Move(orders[kRhs], labels.kernel_output_feature);
  Move(orders[kRhs], labels.kernel_spatial);
  Move(orders[kRhs], labels.kernel_input_feature);
  Move(orders[kResult], labels.output_batch);
  Move(orders[kResult], labels.output_spatial);
  Move(orders[kResult], labels.output_feature);
  return copy;
}

// Whether a walk from a value, through what transposes pass, meets a convolution or another
// transpose: up to what it is made of, or down to who reads it.
bool MeetsTranspose(const Instruction& value, bool up) {
  std::vector<const Instruction*> open;
  absl::flat_hash_set<const Instruction*> seen = {&value};
  const auto add = [&](const Instruction* next) {
    if (next->shape().IsArray() && next->shape().rank() == value.shape().rank() &&
        seen.insert(next).second) {
      open.push_back(next);
    }
  };
  if (up) {
    open.push_back(&value);
  } else {
    for (const Instruction* user : value.users()) add(user);
  }
  for (size_t i = 0; i < open.size() && i < kMostSteps; ++i) {
    const Instruction& at = *open[i];
    if (at.opcode() == Opcode::kConvolution || at.opcode() == Opcode::kTranspose) return true;
    if (!KeepsOrderOfDimensions(at)) continue;
    for (const Instruction* next : up ? at.operands() : at.users()) add(next);
  }
  return false;
}

class Assigner {
 public:
  Assigner(Opcode opcode, const Module& module, const PassContext& context)
      : opcode_(opcode), context_(context) {
    for (const Computation* computation : SequentialComputations(module)) {
      for (const Instruction* instruction : computation->instructions()) {
        if (instruction->opcode() == Opcode::kWhile) {
          loop_of_[instruction->while_body()] = instruction;
        }
      }
    }
  }

  // Null where the product stays.
  Instruction* Run(Computation& computation, const Instruction& product) {
    if (!IsCandidate(product)) return nullptr;
    const Orders wanted = OrdersOf(product);
    std::vector<int> sides;  // those that lie otherwise
    for (int side = 0; side < kSides; ++side) {
      if (MovesElements(ShapeOf(product, side), wanted[side])) sides.push_back(side);
    }
    if (sides.empty()) return nullptr;
    const double before = Microseconds(product, Kept(product));
    const double limit = before - std::max(kLeastMicroseconds, kLeastShare * before);
    // Where a side's transpose can meet that of another convolution it costs nothing, and each of
    // the two saves half of what is read and written.
    std::vector<double> moved, saved;
    double all_saved = 0;
    for (int side : sides) {
      const bool meets = MeetsConvolution(product, side);
      moved.push_back(meets ? 0 : TransposeMicroseconds(product, side, wanted[side]));
      const auto bytes = static_cast<double>(ShapeOf(product, side).ByteSize());
      saved.push_back(meets ? bytes / context_.bytes_per_microsecond : 0);
      all_saved += saved.back();
    }
    double best = before, best_moves = 0, best_lost = all_saved;
    Orders orders = Kept(product);
    int best_mask = 0;
    for (int mask = 1; mask < 1 << sides.size(); ++mask) {
      Orders tried = Kept(product);
      double moves = 0, lost = all_saved;
      for (size_t i = 0; i < sides.size(); ++i) {
        if ((mask >> i & 1) == 0) continue;
        tried[sides[i]] = wanted[sides[i]];
        moves += moved[i];
        lost -= saved[i];
      }
      if (moves + lost >= best + best_lost) continue;
      const double after = Microseconds(product, tried);
      if (after + moves + lost >= best + best_lost) continue;
      best = after + moves;
      best_moves = moves;
      best_lost = lost;
      best_mask = mask;
      orders = std::move(tried);
    }
    Log(product, sides, best_mask, before, best, best_moves, best <= limit);
    if (best > limit) return nullptr;
    return Rewrite(computation, product, orders);
  }

 private:
  bool IsCandidate(const Instruction& product) const {
    if (product.opcode() != opcode_ || !product.control_predecessors().empty()) return false;
    if (product.operand_count() != 2) return false;
    for (int side = 0; side < kSides; ++side) {
      const Shape& shape = ShapeOf(product, side);
      if (shape.HasDynamicDimension() || shape.ElementCount() == 0) return false;
    }
    return opcode_ != Opcode::kDot || IsPlainDot(product);
  }

  static const Shape& ShapeOf(const Instruction& product, int side) {
    return side == kResult ? product.shape() : product.operand(side)->shape();
  }

  static Orders Kept(const Instruction& product) {
    return {Identity(product.operand(kLhs)->shape().rank()),
            Identity(product.operand(kRhs)->shape().rank()), Identity(product.shape().rank())};
  }

  // Of the kernels of the product alone.
  double Microseconds(const Instruction& product, const Orders& orders) {
    Module module("layouts");
    Computation* computation = module.AddComputation("product");
    std::array<Instruction*, 2> operands;
    for (int side : {kLhs, kRhs}) {
      operands[side] =
          computation->AddParameter(side, Permuted(product.operand(side)->shape(), orders[side]));
    }
    computation->set_root(Copy(*computation, product, operands[kLhs], operands[kRhs], orders));
    return context_.product_cost(*computation);
  }

  static bool MeetsConvolution(const Instruction& product, int side) {
    return product.opcode() == Opcode::kConvolution && side != kRhs &&
           MeetsTranspose(side == kResult ? product : *product.operand(side), side != kResult);
  }

  // Of the transpose that the order takes.
  double TransposeMicroseconds(const Instruction& product, int side, const Dimensions& order) {
    Module module("layouts");
    Computation* computation = module.AddComputation("move");
    Instruction* value = computation->AddParameter(0, ShapeOf(product, side));
    const Instruction* transpose = TransposeOf(value, order);
    const double once =
        context_.launch_microseconds + context_.fusion_cost(ViewOf({&transpose, 1})).microseconds;
    return side == kResult ? once : once / TripsBehind(*product.operand(side));
  }

  // How often a value is needed that hoist-from-loops computes once.
  double TripsBehind(const Instruction& value) {
    const auto loop = loop_of_.find(value.parent());
    if (loop == loop_of_.end()) return 1;
    const auto [it, inserted] = invariants_.try_emplace(loop->second);
    if (inserted) it->second = std::make_unique<LoopInvariants>(*loop->second);
    if (!it->second->Contains(value)) return 1;
    return static_cast<double>(std::max<int64_t>(1, TripCountOf(*loop->second).value_or(1)));
  }

  Instruction* Rewrite(Computation& computation, const Instruction& product, const Orders& orders) {
    const auto operand = [&](int side) {
      Instruction* value = product.operands()[side];
      if (!MovesElements(value->shape(), orders[side])) return value;
      value = TransposeOf(value, orders[side]);
      if (product.opcode() != Opcode::kDot) return value;
      return computation.Add(Opcode::kOptimizationBarrier, value->shape(), {value});
    };
    Instruction* lhs = operand(kLhs);
    Instruction* rhs =
        product.operands()[kRhs] == product.operands()[kLhs] && orders[kLhs] == orders[kRhs]
            ? lhs
            : operand(kRhs);
    Instruction* result = Copy(computation, product, lhs, rhs, orders);
    const Dimensions back = InverseOf(orders[kResult]);
    return MovesElements(result->shape(), back) ? TransposeOf(result, back) : result;
  }

  void Log(const Instruction& product, const std::vector<int>& sides, int mask, double before,
           double best, double moves, bool taken) {
    if (context_.fusion_log == nullptr) return;
    LayoutDecision decision;
    decision.product = product.name();
    for (size_t i = 0; i < sides.size(); ++i) {
      if ((mask >> i & 1) == 0) continue;
      absl::StrAppend(&decision.sides, decision.sides.empty() ? "" : ", ", kSideNames[sides[i]]);
    }
    decision.before = before;
    decision.after = best - moves;
    decision.moves = moves;
    decision.taken = taken;
    context_.fusion_log->layouts.push_back(std::move(decision));
  }

  const Opcode opcode_;
  const PassContext& context_;
  absl::flat_hash_map<const Computation*, const Instruction*> loop_of_;  // by the body
  absl::flat_hash_map<const Instruction*, std::unique_ptr<LoopInvariants>> invariants_;
};

absl::StatusOr<bool> Assign(Opcode opcode, Module& module, const PassContext& context) {
  if (context.product_cost == nullptr) return false;
  Assigner assigner(opcode, module, context);
  return ReplaceEach(module, [&](Computation& computation, const Instruction& instruction) {
    return assigner.Run(computation, instruction);
  });
}

}  // namespace

absl::StatusOr<bool> AssignConvolutionLayouts(Module& module, const PassContext& context) {
  return Assign(Opcode::kConvolution, module, context);
}

absl::StatusOr<bool> AssignDotLayouts(Module& module, const PassContext& context) {
  return Assign(Opcode::kDot, module, context);
}

}  // namespace ingot
