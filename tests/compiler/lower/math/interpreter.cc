#include "tests/compiler/lower/math/interpreter.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <map>
#include <random>

#include "compiler/kernel/approximations.h"
#include "compiler/kernel/arithmetic.h"
#include "ir/base/check.h"

namespace ingot::test {

using kernel::OpClass;
using kernel::Operation;

namespace {

// `bits`, the correctly rounded result for `operand`, moved by `share` of the row's error, and not
// past it.  Zeros, infinities and NaN stay: they are exact.
uint64_t Disturb(const kernel::ApproximateRow& row, uint64_t operand, uint64_t bits, double share) {
  const float value = std::bit_cast<float>(static_cast<uint32_t>(bits));
  if (value == 0 || !std::isfinite(value)) return bits;
  const double exact = row.function(std::bit_cast<float>(static_cast<uint32_t>(operand)));
  const double unit = std::nextafter(std::fabs(value), INFINITY) - std::fabs(value);
  const double room = row.ulps * unit + row.relative * std::fabs(exact);
  const double base = row.relative == 0 ? value : exact;
  float moved = static_cast<float>(base + share * room);
  while (std::fabs(moved - base) > room) moved = std::nextafterf(moved, value);
  if (row.flushes && std::fabs(moved) < 0x1p-126f) moved = value;
  return std::bit_cast<uint32_t>(moved);
}

}  // namespace

Function::Function(ElementType type, int arity, const Emit& emit) : kernel_("function") {
  kernel::Buffer* buffer = kernel_.AddBuffer("x", type, {arity});
  kernel::Builder b(&kernel_);
  std::vector<kernel::Value> operands;
  for (int i = 0; i < arity; ++i) operands.push_back(b.Load(buffer, b.Index(i)));
  result_ = emit(b, operands);
  for (const Operation* op : kernel_.body()->operations) {
    approximations_ += op->opcode == kernel::Opcode::kIntrinsic;
  }
}

std::vector<uint64_t> Function::Run(const std::vector<std::vector<uint64_t>>& operands,
                                    const Errors& errors) const {
  const size_t count = operands[0].size();
  std::vector<std::vector<uint64_t>> values(kernel_.operation_count());
  std::mt19937 random(20261126);
  size_t load = 0, call = 0;
  std::map<const kernel::Var*, std::vector<uint64_t>> vars;
  std::vector<uint64_t> here(count, 1);  // elements that take the branch, by the innermost `if`
  const std::function<void(const Operation*)> run = [&](const Operation* op) {
    std::vector<uint64_t>& out = values[op->id];
    out.resize(count);
    std::vector<uint64_t> lane(op->operands.size());
    const auto for_each = [&](const auto& compute) {
      for (size_t i = 0; i < count; ++i) {
        for (size_t k = 0; k < lane.size(); ++k) lane[k] = values[op->operands[k]->id][i];
        out[i] = compute();
      }
    };
    switch (kernel::InfoOf(op->opcode).op_class) {
      case OpClass::kOrigin:
        std::fill(out.begin(), out.end(), op->Get<kernel::ConstantAttributes>().bits);
        break;
      case OpClass::kMemory:
        out = operands[load++];
        break;
      case OpClass::kVar: {
        const kernel::Var* var = op->Get<kernel::VarAttributes>().var;
        if (op->opcode == kernel::Opcode::kVarRead) {
          out = vars[var];
          break;
        }
        std::vector<uint64_t>& cell = vars[var];
        const std::vector<uint64_t>& value = values[op->value()->id];
        cell.resize(count);
        for (size_t i = 0; i < count; ++i) {
          if (here[i] != 0) cell[i] = value[i];
        }
        break;
      }
      case OpClass::kControl: {
        INGOT_CHECK(op->opcode == kernel::Opcode::kIf && op->blocks[1]->operations.empty())
            << "of control flow, only `if` without `else`";
        const std::vector<uint64_t> outside = here;
        const std::vector<uint64_t>& condition = values[op->operands[0]->id];
        for (size_t i = 0; i < count; ++i) here[i] &= condition[i];
        for (const Operation* inner : op->blocks[0]->operations) run(inner);
        here = outside;
        break;
      }
      case OpClass::kConvert:
        if (op->opcode == kernel::Opcode::kBitcast) {
          out = values[op->operands[0]->id];
        } else {
          for_each([&] {
            return kernel::ConvertLane(op->operands[0]->type.element, op->type.element, lane[0]);
          });
        }
        break;
      case OpClass::kIntrinsic: {
        const auto& row =
            *kernel::FindApproximateRow(op->Get<kernel::IntrinsicAttributes>().intrinsic);
        const int error = call < errors.size() ? errors[call] : 0;
        ++call;
        std::uniform_real_distribution<double> share(-1, 1);
        for_each([&] {
          const uint64_t bits = kernel::EvaluateApproximateRow(row, lane[0]);
          if (error == 0) return bits;
          return Disturb(row, lane[0], bits, error == kRandom ? share(random) : error);
        });
        break;
      }
      default: {
        const bool is_select = op->opcode == kernel::Opcode::kSelect;
        const ElementType element = is_select ? op->type.element : op->operands[0]->type.element;
        for_each([&] { return kernel::EvaluateLane(op->opcode, element, lane); });
      }
    }
  };
  for (const Operation* op : kernel_.body()->operations) run(op);
  return values[result_->id];
}

std::vector<Errors> AllErrors(int approximations) {
  std::vector<Errors> all = {{}};
  for (int i = 0; i < approximations; ++i) {
    std::vector<Errors> longer;
    for (const Errors& errors : all) {
      for (int error : {-1, 0, 1}) {
        longer.push_back(errors);
        longer.back().push_back(error);
      }
    }
    all = longer;
  }
  if (approximations > 0) all.push_back(Errors(approximations, kRandom));
  return all;
}

}  // namespace ingot::test
