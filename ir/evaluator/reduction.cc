// reduce, scan and batch normalisation; window.cc has the ops with windows.
#include "ir/evaluator/reduction.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "ir/base/status.h"
#include "ir/evaluator/accumulators.h"
#include "ir/evaluator/context.h"
#include "ir/evaluator/strided_copy.h"

namespace ingot::evaluator {

absl::StatusOr<std::vector<Literal>> ZeroResults(const Shape& shape) {
  std::vector<Literal> results;
  if (shape.IsArray()) {
    INGOT_ASSIGN_OR_RETURN(results.emplace_back(), Literal::Zeros(shape));
    return results;
  }
  for (const Shape& element : shape.tuple_shapes()) {
    INGOT_ASSIGN_OR_RETURN(results.emplace_back(), Literal::Zeros(element));
  }
  return results;
}

Literal JoinResults(const Shape& shape, std::vector<Literal> results) {
  return shape.IsTuple() ? Literal::Tuple(std::move(results)) : std::move(results[0]);
}

std::vector<std::byte*> TargetsOf(std::vector<Literal>& results) {
  std::vector<std::byte*> targets;
  for (Literal& result : results) targets.push_back(result.MutableBytes().data());
  return targets;
}

namespace {

// Dimensions of one array, with strides of it.
struct Dimensions {
  std::vector<int64_t> sizes;
  std::vector<int64_t> strides;

  void Add(int64_t size, int64_t stride) {
    if (size == 1) return;
    if (!sizes.empty() && strides.back() == stride * size) {
      sizes.back() *= size;
      strides.back() = stride;
      return;
    }
    sizes.push_back(size);
    strides.push_back(stride);
  }
  // Takes the last one out: {1, 0} where there is none.
  std::pair<int64_t, int64_t> PopLast() {
    if (sizes.empty()) return {1, 0};
    const std::pair<int64_t, int64_t> last = {sizes.back(), strides.back()};
    sizes.pop_back();
    strides.pop_back();
    return last;
  }
};

absl::StatusOr<Literal> Reduce(const Instruction& instruction, Operands& operands,
                               Context& context) {
  const size_t count = operands.size() / 2;
  const absl::Span<const Literal> inputs = absl::MakeSpan(operands).subspan(0, count);
  const absl::Span<const Literal> initial = absl::MakeSpan(operands).subspan(count);
  INGOT_ASSIGN_OR_RETURN(const ScalarProgram* program, context.ProgramOf(*instruction.to_apply()));
  INGOT_ASSIGN_OR_RETURN(std::vector<Literal> results, ZeroResults(instruction.shape()));
  const std::vector<std::byte*> targets = TargetsOf(results);

  const std::vector<int64_t>& sizes = inputs[0].shape().dimensions();
  const std::vector<int64_t> strides = RowMajorStrides(sizes);
  Dimensions kept, reduced;
  for (size_t d = 0; d < sizes.size(); ++d) {
    const auto& list = instruction.dimensions();
    const bool is_reduced = std::find(list.begin(), list.end(), d) != list.end();
    (is_reduced ? reduced : kept).Add(sizes[d], strides[d]);
  }
  // Innermost runs of the input are folded into one result each; else lines of results take lines
  // of the input.
  const bool has_runs = !reduced.sizes.empty() && reduced.strides.back() == 1;
  const auto [run, run_stride] = has_runs ? reduced.PopLast() : std::pair<int64_t, int64_t>(1, 0);
  const auto [line, line_stride] = has_runs ? std::pair<int64_t, int64_t>(1, 0) : kept.PopLast();
  const int64_t reduced_count = Product(reduced.sizes);
  const int64_t blocks = (line + kBlock - 1) / kBlock;
  const int64_t cost = reduced_count * (has_runs ? run : std::min(line, kBlock));
  context.ParallelFor(Product(kept.sizes) * blocks, cost, [&](int64_t begin, int64_t end) {
    const auto accumulators = MakeAccumulators(*program, inputs, initial, targets);
    for (int64_t piece = begin; piece < end; ++piece) {
      const int64_t row = piece / blocks, first = piece % blocks * kBlock;
      const int64_t n = std::min(kBlock, line - first);
      const int64_t base = OffsetOf(row, kept.sizes, kept.strides) + first * line_stride;
      accumulators->Start(n);
      Odometer at(reduced.sizes, {reduced.strides});
      for (int64_t i = 0; i < reduced_count; ++i, at.Next()) {
        if (has_runs) {
          accumulators->AddRun(base + at.offset(0), run);
        } else {
          accumulators->Add(0, n, base + at.offset(0), line_stride);
        }
      }
      accumulators->Store(n, row * line + first);
    }
  });
  return JoinResults(instruction.shape(), std::move(results));
}

// ---- scan

// Slice number `position` of dimension d as an array of one dimension less, or back.
StridedCopy SliceCopy(const Shape& whole, int64_t d, int64_t position) {
  StridedCopy copy;
  copy.width = ByteWidth(whole.element_type());
  copy.sizes = whole.dimensions();
  copy.sizes.erase(copy.sizes.begin() + d);
  copy.source_strides = RowMajorStrides(whole.dimensions());
  copy.source_offset = position * copy.source_strides[d];
  copy.source_strides.erase(copy.source_strides.begin() + d);
  copy.target_strides = RowMajorStrides(copy.sizes);
  return copy;
}

absl::StatusOr<Literal> Scan(const Instruction& instruction, Operands& operands, Context& context) {
  const ScanAttributes& scan = instruction.attributes<ScanAttributes>();
  const int64_t d = scan.dimensions[0];
  const size_t inputs = operands.size() - scan.num_carries;
  INGOT_ASSIGN_OR_RETURN(std::vector<Literal> results, ZeroResults(instruction.shape()));
  const size_t outputs = results.size() - scan.num_carries;
  if (inputs == 0 && outputs == 0) return NotEvaluated(instruction);
  const int64_t length =
      inputs > 0 ? operands[0].shape().dimension(d) : results[0].shape().dimension(d);
  std::vector<Literal> carries(operands.begin() + inputs, operands.end());
  for (int64_t step = 0; step < length; ++step) {
    INGOT_RETURN_IF_ERROR(context.CheckInterrupt());
    const int64_t position = scan.is_reverse ? length - 1 - step : step;
    std::vector<Literal> arguments;
    for (size_t k = 0; k < inputs; ++k) {
      StridedCopy copy = SliceCopy(operands[k].shape(), d, position);
      INGOT_ASSIGN_OR_RETURN(Literal slice, Literal::Zeros(Shape::Array(
                                                operands[k].shape().element_type(), copy.sizes)));
      copy.source = operands[k].bytes().data();
      copy.target = slice.MutableBytes().data();
      Run(copy, context);
      arguments.push_back(std::move(slice));
    }
    for (Literal& carry : carries) arguments.push_back(std::move(carry));
    INGOT_ASSIGN_OR_RETURN(const Literal returned,
                           context.Run(*instruction.to_apply(), std::move(arguments)));
    const std::vector<Literal> values =
        returned.shape().IsTuple() ? returned.tuple() : std::vector<Literal>{returned};
    for (size_t k = 0; k < outputs; ++k) {
      StridedCopy copy = SliceCopy(results[k].shape(), d, position);
      std::swap(copy.source_strides, copy.target_strides);
      std::swap(copy.source_offset, copy.target_offset);
      copy.source = values[k].bytes().data();
      copy.target = results[k].MutableBytes().data();
      Run(copy, context);
    }
    carries.assign(values.begin() + outputs, values.end());
  }
  std::move(carries.begin(), carries.end(), results.begin() + outputs);
  return JoinResults(instruction.shape(), std::move(results));
}

// ---- batch normalisation

// Calls visit(element number, feature) for every element of an array.
template <typename Visit>
void ForEachFeature(const Shape& shape, int64_t feature_index, Visit visit) {
  const int64_t features = shape.dimension(feature_index);
  const int64_t inner = RowMajorStrides(shape.dimensions())[feature_index];
  for (int64_t i = 0; i < shape.ElementCount(); ++i) visit(i, i / inner % features);
}

std::vector<double> Doubles(const Literal& literal) {
  std::vector<double> values(literal.size());
  LoadAs(literal.shape().element_type(), literal.bytes().data(), 1, literal.size(), values.data());
  return values;
}

void SetDoubles(const std::vector<double>& values, Literal& result) {
  StoreFrom(result.shape().element_type(), values.data(), result.size(),
            result.MutableBytes().data(), 1);
}

// y = (x - mean) / sqrt(variance + epsilon) * scale + offset
void Normalize(const Shape& shape, const BatchNormAttributes& attributes,
               const std::vector<double>& scale, const std::vector<double>& offset,
               const std::vector<double>& mean, const std::vector<double>& variance,
               std::vector<double>& x) {
  ForEachFeature(shape, attributes.feature_index, [&](int64_t i, int64_t f) {
    x[i] = (x[i] - mean[f]) / std::sqrt(variance[f] + attributes.epsilon) * scale[f] + offset[f];
  });
}

absl::StatusOr<Literal> BatchNormInference(const Instruction& instruction, Operands& operands,
                                           Context&) {
  INGOT_RETURN_IF_ERROR(Context::CheckScratch(operands[0].size()));
  INGOT_ASSIGN_OR_RETURN(Literal result, Literal::Zeros(instruction.shape()));
  std::vector<double> x = Doubles(operands[0]);
  Normalize(operands[0].shape(), instruction.attributes<BatchNormAttributes>(),
            Doubles(operands[1]), Doubles(operands[2]), Doubles(operands[3]), Doubles(operands[4]),
            x);
  SetDoubles(x, result);
  return result;
}

// (normalised, mean, variance) of each feature
absl::StatusOr<Literal> BatchNormTraining(const Instruction& instruction, Operands& operands,
                                          Context&) {
  INGOT_RETURN_IF_ERROR(Context::CheckScratch(operands[0].size()));
  const BatchNormAttributes& attributes = instruction.attributes<BatchNormAttributes>();
  INGOT_ASSIGN_OR_RETURN(std::vector<Literal> results, ZeroResults(instruction.shape()));
  const Shape& shape = operands[0].shape();
  const int64_t features = shape.dimension(attributes.feature_index);
  const double count = features == 0 ? 0 : static_cast<double>(shape.ElementCount()) / features;
  std::vector<double> x = Doubles(operands[0]);
  std::vector<double> mean(features), variance(features);
  const auto each = [&](auto visit) { ForEachFeature(shape, attributes.feature_index, visit); };
  each([&](int64_t i, int64_t f) { mean[f] += x[i] / count; });
  each([&](int64_t i, int64_t f) { variance[f] += (x[i] - mean[f]) * (x[i] - mean[f]) / count; });
  Normalize(shape, attributes, Doubles(operands[1]), Doubles(operands[2]), mean, variance, x);
  SetDoubles(x, results[0]);
  SetDoubles(mean, results[1]);
  SetDoubles(variance, results[2]);
  return Literal::Tuple(std::move(results));
}

// (gradient of the operand, of the scale, of the offset)
absl::StatusOr<Literal> BatchNormGrad(const Instruction& instruction, Operands& operands,
                                      Context&) {
  INGOT_RETURN_IF_ERROR(Context::CheckScratch(operands[0].size()));
  const BatchNormAttributes& attributes = instruction.attributes<BatchNormAttributes>();
  INGOT_ASSIGN_OR_RETURN(std::vector<Literal> results, ZeroResults(instruction.shape()));
  const Shape& shape = operands[0].shape();
  const int64_t features = shape.dimension(attributes.feature_index);
  const double count = features == 0 ? 0 : static_cast<double>(shape.ElementCount()) / features;
  std::vector<double> x = Doubles(operands[0]);
  const std::vector<double> scale = Doubles(operands[1]), mean = Doubles(operands[2]);
  const std::vector<double> variance = Doubles(operands[3]), dy = Doubles(operands[4]);
  std::vector<double> d_scale(features), d_offset(features);
  const auto deviation = [&](int64_t f) { return std::sqrt(variance[f] + attributes.epsilon); };
  const auto each = [&](auto visit) { ForEachFeature(shape, attributes.feature_index, visit); };
  each([&](int64_t i, int64_t f) {
    d_offset[f] += dy[i];
    d_scale[f] += dy[i] * (x[i] - mean[f]) / deviation(f);
  });
  each([&](int64_t i, int64_t f) {
    const double normalized = (x[i] - mean[f]) / deviation(f);
    x[i] =
        scale[f] / deviation(f) * (dy[i] - d_offset[f] / count - normalized * d_scale[f] / count);
  });
  SetDoubles(x, results[0]);
  SetDoubles(d_scale, results[1]);
  SetDoubles(d_offset, results[2]);
  return Literal::Tuple(std::move(results));
}

constexpr Row kRows[] = {
    {Opcode::kBatchNormGrad, BatchNormGrad},
    {Opcode::kBatchNormInference, BatchNormInference},
    {Opcode::kBatchNormTraining, BatchNormTraining},
    {Opcode::kReduce, Reduce},
    {Opcode::kReduceWindow, ReduceWindow},
    {Opcode::kScan, Scan},
    {Opcode::kSelectAndScatter, SelectAndScatter},
};
static_assert(IsTableOf(OpKind::kReduction, kRows));

}  // namespace

absl::StatusOr<Literal> EvaluateReduction(const Instruction& instruction, Operands& operands,
                                          Context& context) {
  return FunctionOf(kRows, instruction.opcode())(instruction, operands, context);
}

}  // namespace ingot::evaluator
