// sort and topk.
#include <algorithm>
#include <memory>
#include <numeric>
#include <utility>

#include "ir/base/status.h"
#include "ir/evaluator/context.h"
#include "ir/evaluator/reduction.h"
#include "ir/evaluator/strided_copy.h"

namespace ingot::evaluator {
namespace {

// Sorts `order` stably, by merging.  `less` may be any function at all, so std::stable_sort, which
// trusts it to be an order, will not do.
template <typename Less>
void MergeSort(std::vector<int64_t>& order, const Less& less) {
  const int64_t n = static_cast<int64_t>(order.size());
  std::vector<int64_t> other(n);
  for (int64_t width = 1; width < n; width *= 2) {
    for (int64_t begin = 0; begin < n; begin += 2 * width) {
      const int64_t middle = std::min(n, begin + width), end = std::min(n, begin + 2 * width);
      int64_t left = begin, right = middle;
      for (int64_t i = begin; i < end; ++i) {
        const bool takes_right = left == middle || (right < end && less(order[right], order[left]));
        other[i] = takes_right ? order[right++] : order[left++];
      }
    }
    std::swap(order, other);
  }
}

// The lines of an array along one dimension: where each begins, and how its elements follow.
struct Lines {
  Lines(const Shape& shape, int64_t dimension)
      : length(shape.dimension(dimension)),
        stride(RowMajorStrides(shape.dimensions())[dimension]),
        count(length == 0 ? 0 : shape.ElementCount() / length) {}
  int64_t Begin(int64_t line) const { return line / stride * stride * length + line % stride; }

  int64_t length, stride, count;
};

// All elements of a line as lanes, at any number of which a program can read.
std::unique_ptr<std::byte[]> LoadLine(const Literal& array, const Lines& lines, int64_t line) {
  const ElementType type = array.shape().element_type();
  const int64_t lane = VisitLane(type, [](auto tag) -> int64_t { return sizeof(tag); });
  auto lanes = std::make_unique<std::byte[]>(lines.length * lane);
  LoadLanes(type, array.bytes().data() + lines.Begin(line) * ByteWidth(type), lines.stride,
            lines.length, lanes.get());
  return lanes;
}

absl::StatusOr<Literal> Sort(const Instruction& instruction, Operands& operands, Context& context) {
  INGOT_ASSIGN_OR_RETURN(const ScalarProgram* program, context.ProgramOf(*instruction.to_apply()));
  INGOT_ASSIGN_OR_RETURN(std::vector<Literal> results, ZeroResults(instruction.shape()));
  const Lines lines(operands[0].shape(), instruction.attributes<SortAttributes>().dimensions[0]);
  const std::vector<std::byte*> targets = TargetsOf(results);
  context.ParallelFor(lines.count, lines.length * 64, [&](int64_t begin, int64_t end) {
    ScalarProgram::Frame frame(*program);
    std::vector<int64_t> order(lines.length);
    for (int64_t line = begin; line < end; ++line) {
      std::vector<std::unique_ptr<std::byte[]>> lanes;
      std::vector<int64_t> lane_bytes;
      for (const Literal& operand : operands) {
        lanes.push_back(LoadLine(operand, lines, line));
        lane_bytes.push_back(VisitLane(operand.shape().element_type(),
                                       [](auto tag) -> int64_t { return sizeof(tag); }));
      }
      std::iota(order.begin(), order.end(), 0);
      MergeSort(order, [&](int64_t a, int64_t b) {
        for (size_t k = 0; k < lanes.size(); ++k) {
          frame.set_parameter(2 * k, lanes[k].get() + a * lane_bytes[k]);
          frame.set_parameter(2 * k + 1, lanes[k].get() + b * lane_bytes[k]);
        }
        frame.Run(1);
        return *static_cast<const bool*>(frame.result(0));
      });
      for (size_t k = 0; k < lanes.size(); ++k) {
        const int64_t width = ByteWidth(operands[k].shape().element_type());
        const std::byte* from = operands[k].bytes().data() + lines.Begin(line) * width;
        std::byte* to = targets[k] + lines.Begin(line) * width;
        for (int64_t i = 0; i < lines.length; ++i) {
          std::copy_n(from + order[i] * lines.stride * width, width, to + i * lines.stride * width);
        }
      }
    }
  });
  return JoinResults(instruction.shape(), std::move(results));
}

// x before y: NaN is larger than all numbers.
template <typename T>
bool IsLarger(T x, T y) {
  if constexpr (std::is_floating_point_v<T>) {
    if (x != x) return y == y;
  }
  return x > y;
}

// (values, indices) of the k largest (or smallest) elements of each line of the last dimension, in
// order, the first among equals first.
absl::StatusOr<Literal> TopK(const Instruction& instruction, Operands& operands, Context& context) {
  const TopKAttributes& top = instruction.attributes<TopKAttributes>();
  INGOT_ASSIGN_OR_RETURN(std::vector<Literal> results, ZeroResults(instruction.shape()));
  const Literal& operand = operands[0];
  const ElementType type = operand.shape().element_type();
  if (IsComplex(type)) return NotEvaluated(instruction);
  const Lines lines(operand.shape(), operand.shape().rank() - 1);
  const int64_t width = ByteWidth(type);
  const ElementType index_type = results[1].shape().element_type();
  const std::vector<std::byte*> targets = TargetsOf(results);
  context.ParallelFor(lines.count, lines.length * 16, [&](int64_t begin, int64_t end) {
    std::vector<int64_t> order(lines.length);
    for (int64_t line = begin; line < end; ++line) {
      const auto lanes = LoadLine(operand, lines, line);
      std::iota(order.begin(), order.end(), 0);
      VisitLane(type, [&](auto tag) {
        using T = decltype(tag);
        if constexpr (std::is_arithmetic_v<T>) {
          const T* values = reinterpret_cast<const T*>(lanes.get());
          MergeSort(order, [&](int64_t a, int64_t b) {
            return top.largest ? IsLarger(values[a], values[b]) : IsLarger(values[b], values[a]);
          });
        }
      });
      for (int64_t i = 0; i < top.k; ++i) {
        std::copy_n(operand.bytes().data() + (line * lines.length + order[i]) * width, width,
                    targets[0] + (line * top.k + i) * width);
      }
      StoreFrom(index_type, order.data(), top.k, targets[1] + line * top.k * ByteWidth(index_type),
                1);
    }
  });
  return JoinResults(instruction.shape(), std::move(results));
}

constexpr Row kRows[] = {
    {Opcode::kSort, Sort},
    {Opcode::kTopK, TopK},
};
static_assert(IsTableOf(OpKind::kSorting, kRows));

}  // namespace

absl::StatusOr<Literal> EvaluateSorting(const Instruction& instruction, Operands& operands,
                                        Context& context) {
  return FunctionOf(kRows, instruction.opcode())(instruction, operands, context);
}

}  // namespace ingot::evaluator
