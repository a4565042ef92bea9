#include "ir/analysis/index_limits.h"

#include <algorithm>
#include <limits>

#include "absl/container/flat_hash_map.h"

namespace ingot {
namespace {

constexpr int64_t kNone = std::numeric_limits<int64_t>::max();

bool Contains(const std::vector<int64_t>& list, int64_t value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

int64_t GatherLimit(const Instruction& gather) {
  const auto& attributes = gather.attributes<GatherAttributes>();
  const Shape& from = gather.operands()[0]->shape();
  int64_t limit = kNone;
  for (int64_t d : attributes.start_index_map) {
    limit = std::min(limit, from.dimensions()[d] - attributes.slice_sizes[d] + 1);
  }
  return limit;
}

int64_t ScatterLimit(const Instruction& scatter) {
  const auto& attributes = scatter.attributes<ScatterAttributes>();
  const Shape& into = scatter.operands()[0]->shape();
  const Shape& updates = scatter.operands().back()->shape();
  int64_t limit = kNone;
  size_t window = 0;  // of update_window_dims, the next
  for (int64_t d = 0; d < into.rank(); ++d) {
    int64_t size = 1;
    if (!Contains(attributes.inserted_window_dims, d) &&
        !Contains(attributes.input_batching_dims, d)) {
      size = updates.dimensions()[attributes.update_window_dims[window++]];
    }
    if (!Contains(attributes.scatter_dims_to_operand_dims, d)) continue;
    limit = std::min(limit, into.dimensions()[d] - size + 1);
  }
  return limit;
}

// Where the instruction's elements are the numbers of a dimension, and nothing else: its size.
int64_t IotaLimit(const Instruction& instruction) {
  const Instruction* source = &instruction;
  for (int steps = 0; steps < 4; ++steps) {
    if (source->opcode() != Opcode::kBroadcast && source->opcode() != Opcode::kReshape &&
        source->opcode() != Opcode::kConvert) {
      break;
    }
    source = source->operands()[0];
  }
  if (source->opcode() != Opcode::kIota) return kNone;
  return source->shape().dimensions()[source->attributes<IotaAttributes>().iota_dimension];
}

class Walk {
 public:
  // Limits of the computation's parameters; kNone: none.
  std::vector<int64_t> Run(const Computation& computation) {
    limits_.clear();
    const std::vector<Instruction*>& order = computation.instructions();
    for (auto it = order.rbegin(); it != order.rend(); ++it) {
      for (size_t k = 0; k < (*it)->operands().size(); ++k) {
        const Instruction* operand = (*it)->operands()[k];
        if (!operand->shape().IsArray() || !IsInteger(operand->shape().element_type())) continue;
        const int64_t limit = UseLimit(**it, k);
        if (limit == kNone) continue;
        int64_t& known = limits_.try_emplace(operand, kNone).first->second;
        known = std::min(known, std::max<int64_t>(limit, 1));
      }
    }
    std::vector<int64_t> limits;
    for (const Instruction* parameter : computation.parameters()) limits.push_back(Of(*parameter));
    parameters_[&computation] = limits;
    return limits;
  }

 private:
  int64_t Of(const Instruction& instruction) const {
    const auto it = limits_.find(&instruction);
    return it == limits_.end() ? kNone : it->second;
  }

  // What the user's use of its operand `k` says.
  int64_t UseLimit(const Instruction& user, size_t k) const {
    const Opcode opcode = user.opcode();
    if (opcode == Opcode::kGather && k == 1) return GatherLimit(user);
    if (opcode == Opcode::kScatter && k == user.operands().size() / 2) return ScatterLimit(user);
    if (opcode == Opcode::kDynamicSlice && k >= 1) {
      const Shape& from = user.operands()[0]->shape();
      return from.dimensions()[k - 1] - user.shape().dimensions()[k - 1] + 1;
    }
    if (opcode == Opcode::kDynamicUpdateSlice && k >= 2) {
      const Shape& update = user.operands()[1]->shape();
      return user.shape().dimensions()[k - 2] - update.dimensions()[k - 2] + 1;
    }
    if (opcode == Opcode::kCompare &&
        user.attributes<CompareAttributes>().direction == ComparisonDirection::kEq) {
      return IotaLimit(*user.operands()[1 - k]);
    }
    if (opcode == Opcode::kCall || opcode == Opcode::kFusion) {
      const auto called = parameters_.find(user.called_computations()[0]);
      return called == parameters_.end() ? kNone : called->second[k];
    }
    // Elements that go on as they are.
    const bool moves = (user.kind() == OpKind::kDataMovement && k == 0 &&
                        opcode != Opcode::kBitcastConvert && opcode != Opcode::kGetDimensionSize) ||
                       opcode == Opcode::kConcatenate || (opcode == Opcode::kSelect && k >= 1) ||
                       (opcode == Opcode::kClamp && k == 1) ||
                       (opcode == Opcode::kConvert && IsInteger(user.shape().element_type())) ||
                       ((opcode == Opcode::kGather || opcode == Opcode::kDynamicSlice) && k == 0);
    return moves ? Of(user) : kNone;
  }

  absl::flat_hash_map<const Instruction*, int64_t> limits_;  // of the current computation
  absl::flat_hash_map<const Computation*, std::vector<int64_t>> parameters_;
};

}  // namespace

std::vector<int64_t> IndexLimits(const Module& module) {
  Walk walk;
  // Computations stand before those that call them.
  std::vector<int64_t> limits;
  for (const Computation* computation : module.computations()) {
    std::vector<int64_t> of_parameters = walk.Run(*computation);
    if (computation == module.entry()) limits = std::move(of_parameters);
  }
  for (int64_t& limit : limits) limit = limit == kNone ? 0 : limit;
  return limits;
}

}  // namespace ingot
