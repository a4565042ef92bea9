#include "passes/pad_rows.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "ir/base/integers.h"
#include "passes/fusion_log.h"
#include "passes/fusion_util.h"

namespace ingot {
namespace {

constexpr int64_t kRowBytes = 16;
// What has to be saved, of what was: predictions are within a tenth.
constexpr double kLeastShare = 0.1;
constexpr absl::string_view kSideNames[] = {"left", "right"};

bool HasOddRows(const Shape& shape) {
  if (shape.rank() < 2 || BitWidth(shape.element_type()) < 8) return false;
  const int64_t row = shape.dimension(shape.rank() - 1);
  return row > 1 && row * ByteWidth(shape.element_type()) % kRowBytes != 0;
}

Shape Padded(const Shape& shape) {
  std::vector<int64_t> sizes = shape.dimensions();
  sizes.back() = RoundUp(sizes.back(), kRowBytes / ByteWidth(shape.element_type()));
  return Shape::ArrayWithDefaultLayout(shape.element_type(), std::move(sizes));
}

Instruction* PadOf(Instruction* value) {
  const Shape padded = Padded(value->shape());
  Padding padding;
  for (int64_t d = 0; d < padded.rank(); ++d) {
    padding.push_back({0, padded.dimension(d) - value->shape().dimension(d), 0});
  }
  return ZeroPadded(value, padding);
}

class Padder {
 public:
  explicit Padder(const PassContext& context) : context_(context) {}

  // Null where the dot stays.
  Instruction* Run(Computation& computation, const Instruction& dot) {
    if (!IsPlainDot(dot) || !dot.control_predecessors().empty()) return nullptr;
    int odd = 0;  // a bit for each side
    for (int side : {0, 1}) {
      const Shape& shape = dot.operand(side)->shape();
      if (shape.HasDynamicDimension() || shape.ElementCount() == 0) return nullptr;
      if (HasOddRows(shape)) odd |= 1 << side;
    }
    if (odd == 0 || dot.shape().ElementCount() == 0) return nullptr;
    LayoutDecision decision;
    decision.product = dot.name();
    decision.before = decision.after = Microseconds(dot, 0);
    int best = 0;
    for (int mask = 1; mask < 4; ++mask) {
      if ((mask & ~odd) != 0) continue;
      double moves = 0;
      for (int side : {0, 1}) {
        if ((mask >> side & 1) != 0) moves += CopyMicroseconds(dot.operand(side)->shape());
      }
      if (moves >= decision.after + decision.moves) continue;
      const double after = Microseconds(dot, mask);
      if (after + moves >= decision.after + decision.moves) continue;
      best = mask;
      decision.after = after;
      decision.moves = moves;
    }
    decision.taken =
        best != 0 && decision.after + decision.moves <= (1 - kLeastShare) * decision.before;
    for (int side : {0, 1}) {
      if ((best >> side & 1) == 0) continue;
      absl::StrAppend(&decision.sides, decision.sides.empty() ? "" : ", ", kSideNames[side],
                      " padded");
    }
    const bool taken = decision.taken;
    if (context_.fusion_log != nullptr) {
      context_.fusion_log->layouts.push_back(std::move(decision));
    }
    return taken ? Rewrite(computation, dot, best) : nullptr;
  }

 private:
  // Of the kernels of the dot alone, with the sides of `mask` in padded rows.
  double Microseconds(const Instruction& dot, int mask) {
    Module module("rows");
    Computation* computation = module.AddComputation("dot");
    std::array<Instruction*, 2> operands;
    for (int side : {0, 1}) {
      const Shape& shape = dot.operand(side)->shape();
      const bool padded = (mask >> side & 1) != 0;
      operands[side] = computation->AddParameter(side, padded ? Padded(shape) : shape);
      if (padded) operands[side] = FirstOf(operands[side], shape.dimensions());
    }
    computation->set_root(computation->AddClone(dot, {operands[0], operands[1]}));
    return context_.product_cost(*computation);
  }

  double CopyMicroseconds(const Shape& shape) {
    Module module("rows");
    Computation* computation = module.AddComputation("copy");
    const Instruction* pad = PadOf(computation->AddParameter(0, shape));
    return context_.launch_microseconds + context_.fusion_cost(ViewOf({&pad, 1})).microseconds;
  }

  Instruction* Rewrite(Computation& computation, const Instruction& dot, int mask) {
    std::array<Instruction*, 2> operands;
    for (int side : {0, 1}) {
      Instruction* value = dot.operands()[side];
      operands[side] = value;
      if ((mask >> side & 1) == 0) continue;
      // Dots that share a matrix share the copy.
      Instruction*& rows = rows_[value];
      if (rows == nullptr) {
        Instruction* padded = PadOf(value);
        padded = computation.Add(Opcode::kOptimizationBarrier, padded->shape(), {padded});
        rows = FirstOf(padded, value->shape().dimensions());
      }
      operands[side] = rows;
    }
    return computation.AddClone(dot, {operands[0], operands[1]});
  }

  const PassContext& context_;
  absl::flat_hash_map<const Instruction*, Instruction*> rows_;  // of a matrix, in padded rows
};

}  // namespace

absl::StatusOr<bool> PadRows(Module& module, const PassContext& context) {
  if (context.product_cost == nullptr) return false;
  Padder padder(context);
  return ReplaceEach(module, [&](Computation& computation, const Instruction& instruction) {
    return padder.Run(computation, instruction);
  });
}

}  // namespace ingot
