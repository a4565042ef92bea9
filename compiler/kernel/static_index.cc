#include "compiler/kernel/static_index.h"

#include <algorithm>
#include <vector>

#include "compiler/kernel/arithmetic.h"
#include "ir/base/status.h"

namespace ingot::kernel {
namespace {

// Iterations of all loops together that CheckStaticIndex looks at, and operations in an index.
constexpr int64_t kMaxCombinations = 4096;
constexpr int kMaxOperations = 64;

bool IsArithmetic(const Operation& op) {
  const OpClass op_class = InfoOf(op.opcode).op_class;
  const bool integer = op.type.IsScalar() && IsInteger(op.type.element);
  return integer &&
         (op_class == OpClass::kUnary || op_class == OpClass::kBinary ||
          op.opcode == Opcode::kConvert) &&
         IsInteger(op.operands[0]->type.element);
}

std::optional<uint64_t> StaticBits(const Operation& op, const LoopValues& loops, int& budget) {
  if (--budget < 0) return std::nullopt;
  if (op.IsConstant()) return op.Get<ConstantAttributes>().bits;
  if (op.opcode == Opcode::kFor) {
    const auto found = loops.find(&op);
    if (found == loops.end()) return std::nullopt;
    return IntegerBits(op.type.element, found->second);
  }
  if (!IsArithmetic(op)) return std::nullopt;
  std::vector<uint64_t> bits;
  for (const Operation* operand : op.operands) {
    const std::optional<uint64_t> value = StaticBits(*operand, loops, budget);
    if (!value.has_value()) return std::nullopt;
    bits.push_back(*value);
  }
  if (op.opcode == Opcode::kConvert) {
    return ConvertLane(op.operands[0]->type.element, op.type.element, bits[0]);
  }
  return EvaluateLane(op.opcode, op.type.element, bits);
}

struct StaticLoop {
  const Operation* loop;
  std::vector<int64_t> iterations;
};

// The unrolled loops that `op` depends on.  False if it depends on something that is not static.
bool CollectLoops(const Operation& op, std::vector<StaticLoop>& loops, int& budget) {
  if (--budget < 0) return false;
  if (op.IsConstant()) return true;
  if (op.opcode == Opcode::kFor) {
    const auto is_this = [&](const StaticLoop& known) { return known.loop == &op; };
    if (std::any_of(loops.begin(), loops.end(), is_this)) return true;
    std::optional<std::vector<int64_t>> iterations = StaticIterations(op);
    if (!iterations.has_value()) return false;
    loops.push_back({&op, *std::move(iterations)});
    return true;
  }
  if (!IsArithmetic(op)) return false;
  return std::all_of(op.operands.begin(), op.operands.end(), [&](const Operation* operand) {
    return CollectLoops(*operand, loops, budget);
  });
}

}  // namespace

std::optional<int64_t> StaticValue(const Operation& index, const LoopValues& loops) {
  int budget = kMaxOperations;
  const std::optional<uint64_t> bits = StaticBits(index, loops, budget);
  if (!bits.has_value()) return std::nullopt;
  return IntegerValue(index.type.element, *bits);
}

absl::Status CheckStaticIndex(const Operation& index, int64_t limit) {
  int budget = kMaxOperations;
  std::vector<StaticLoop> loops;
  if (!CollectLoops(index, loops, budget)) return InvalidArgument("index is not static");
  int64_t combinations = 1;
  for (const StaticLoop& loop : loops) {
    combinations *= static_cast<int64_t>(loop.iterations.size());
    if (combinations > kMaxCombinations) {
      return InvalidArgument("index depends on more than ", kMaxCombinations, " iterations");
    }
  }
  for (int64_t i = 0; i < combinations; ++i) {
    LoopValues values;
    int64_t rest = i;
    for (const StaticLoop& loop : loops) {
      const int64_t count = static_cast<int64_t>(loop.iterations.size());
      values[loop.loop] = loop.iterations[rest % count];
      rest /= count;
    }
    const std::optional<int64_t> value = StaticValue(index, values);
    INGOT_CHECK(value.has_value()) << "an index of static loops has no value";
    if (*value < 0 || *value >= limit) {
      return InvalidArgument("index ", *value, " is outside 0 … ", limit - 1);
    }
  }
  return absl::OkStatus();
}

}  // namespace ingot::kernel
