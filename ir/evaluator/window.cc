// reduce-window and select-and-scatter.
#include "ir/evaluator/window.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "ir/base/status.h"
#include "ir/evaluator/accumulators.h"
#include "ir/evaluator/context.h"
#include "ir/evaluator/reduction.h"
#include "ir/evaluator/strided_copy.h"

namespace ingot::evaluator {

int64_t InputPosition(const WindowDimension& window, int64_t size, int64_t result,
                      int64_t element) {
  if (window.reversal) element = window.size - 1 - element;
  const int64_t dilated =
      result * window.stride + element * window.window_dilation - window.padding_low;
  if (dilated < 0) return -1;
  if (window.base_dilation == 1) return dilated < size ? dilated : -1;
  const int64_t position = dilated / window.base_dilation;
  return position * window.base_dilation == dilated && position < size ? position : -1;
}

std::vector<int64_t> WindowSizes(const Window& window) {
  std::vector<int64_t> sizes;
  for (const WindowDimension& d : window.dimensions) sizes.push_back(d.size);
  return sizes;
}

absl::StatusOr<int64_t> WindowCount(const Window& window) {
  const std::optional<int64_t> count = CheckedProduct(WindowSizes(window));
  if (!count.has_value()) return InvalidArgument("its window has more than 2^62 elements");
  return *count;
}

namespace {

// Long loops ask now and then whether it is time to stop.
constexpr int64_t kCheckEvery = 4096;

// Σ strides[d] * position[d] over the first `rank` dimensions; -1 where one is outside.
int64_t InputOffset(const Window& window, const std::vector<int64_t>& sizes,
                    const std::vector<int64_t>& strides, const std::vector<int64_t>& result,
                    const std::vector<int64_t>& element, size_t rank) {
  int64_t offset = 0;
  for (size_t d = 0; d < rank; ++d) {
    const int64_t position = InputPosition(window.dimensions[d], sizes[d], result[d], element[d]);
    if (position < 0) return -1;
    offset += position * strides[d];
  }
  return offset;
}

// A window attribute that is left out is one of size 1 in every dimension.
Window WindowOf(const Instruction& instruction, int64_t rank) {
  Window window = instruction.attributes<WindowAttributes>().window;
  window.dimensions.resize(rank);
  return window;
}

}  // namespace

absl::StatusOr<Literal> ReduceWindow(const Instruction& instruction, Operands& operands,
                                     Context& context) {
  const size_t count = operands.size() / 2;
  const absl::Span<const Literal> inputs = absl::MakeSpan(operands).subspan(0, count);
  const absl::Span<const Literal> initial = absl::MakeSpan(operands).subspan(count);
  INGOT_ASSIGN_OR_RETURN(const ScalarProgram* program, context.ProgramOf(*instruction.to_apply()));
  INGOT_ASSIGN_OR_RETURN(std::vector<Literal> results, ZeroResults(instruction.shape()));
  const std::vector<std::byte*> targets = TargetsOf(results);

  // A last dimension makes a line of results even of a scalar.
  std::vector<int64_t> sizes = inputs[0].shape().dimensions();
  std::vector<int64_t> result_sizes = results[0].shape().dimensions();
  Window window = WindowOf(instruction, static_cast<int64_t>(sizes.size()));
  if (sizes.empty()) {
    sizes = result_sizes = {1};
    window.dimensions = {WindowDimension()};
  }
  const std::vector<int64_t> strides = RowMajorStrides(sizes);
  const size_t outer = sizes.size() - 1;
  const WindowDimension& last = window.dimensions[outer];
  const int64_t line = result_sizes[outer];
  const int64_t blocks = (line + kBlock - 1) / kBlock;
  const std::vector<int64_t> outer_sizes(result_sizes.begin(), result_sizes.begin() + outer);
  const std::vector<int64_t> window_sizes = WindowSizes(window);
  INGOT_ASSIGN_OR_RETURN(const int64_t window_count, WindowCount(window));
  // Adds what one window element sees to the block of results [first, first + n) of a line.  Its
  // input positions are first * stride + element … in steps of the stride, where they are inside.
  const auto add_element = [&](Accumulators& accumulators, int64_t offset, int64_t element,
                               int64_t first, int64_t n) {
    if (last.base_dilation != 1) {
      for (int64_t j = 0; j < n; ++j) {
        const int64_t position = InputPosition(last, sizes[outer], first + j, element);
        if (position >= 0) accumulators.Add(j, 1, offset + position, 0);
      }
      return;
    }
    int64_t from = 0, to = n;
    while (from < to && InputPosition(last, sizes[outer], first + from, element) < 0) ++from;
    while (from < to && InputPosition(last, sizes[outer], first + to - 1, element) < 0) --to;
    if (from == to) return;
    const int64_t position = InputPosition(last, sizes[outer], first + from, element);
    accumulators.Add(from, to - from, offset + position, last.stride);
  };
  const auto reduce_pieces = [&](int64_t begin, int64_t end) {
    const auto accumulators = MakeAccumulators(*program, inputs, initial, targets);
    for (int64_t piece = begin; piece < end; ++piece) {
      const int64_t row = piece / blocks, first = piece % blocks * kBlock;
      const int64_t n = std::min(kBlock, line - first);
      const Odometer result(outer_sizes, {}, row);
      accumulators->Start(n);
      Odometer element(window_sizes, {});
      for (int64_t i = 0; i < window_count; ++i, element.Next()) {
        if (i % kCheckEvery == kCheckEvery - 1 && !context.CheckInterrupt().ok()) return;
        const int64_t offset =
            InputOffset(window, sizes, strides, result.index(), element.index(), outer);
        if (offset >= 0) add_element(*accumulators, offset, element.index()[outer], first, n);
      }
      accumulators->Store(n, row * line + first);
    }
  };
  context.ParallelFor(Product(outer_sizes) * blocks, window_count * std::min(line, kBlock),
                      reduce_pieces);
  return JoinResults(instruction.shape(), std::move(results));
}

// For each element of the source: `select` walks over its window of the operand and keeps the
// element that it prefers (it is asked (kept, new), and false takes the new one); `scatter`
// combines the source's element into the result there.  Lines of the last dimension go together
// where the window is trivial in it.
absl::StatusOr<Literal> SelectAndScatter(const Instruction& instruction, Operands& operands,
                                         Context& context) {
  const Literal& operand = operands[0];
  const Literal& source = operands[1];
  INGOT_ASSIGN_OR_RETURN(const ScalarProgram* select,
                         context.ProgramOf(*instruction.called_computations()[0]));
  INGOT_ASSIGN_OR_RETURN(const ScalarProgram* scatter,
                         context.ProgramOf(*instruction.called_computations()[1]));
  INGOT_ASSIGN_OR_RETURN(Literal result, Literal::Zeros(instruction.shape()));
  const ElementType type = operand.shape().element_type();
  const int64_t width = ByteWidth(type);
  std::byte* target = result.MutableBytes().data();
  Run(StridedCopy{{result.size()}, width, target, 0, {1}, operands[2].bytes().data(), 0, {0}},
      context);

  const std::vector<int64_t>& sizes = operand.shape().dimensions();
  const std::vector<int64_t> strides = RowMajorStrides(sizes);
  const size_t rank = sizes.size();
  const Window window = WindowOf(instruction, static_cast<int64_t>(rank));
  const std::vector<int64_t> window_sizes = WindowSizes(window);
  INGOT_ASSIGN_OR_RETURN(const int64_t window_count, WindowCount(window));
  const bool has_lines =
      rank > 0 && window.dimensions[rank - 1] == WindowDimension() && sizes[rank - 1] <= kBlock;
  const int64_t line = has_lines ? sizes[rank - 1] : 1;
  std::vector<int64_t> source_sizes = source.shape().dimensions();
  if (has_lines) source_sizes.back() = 1;
  if (source.size() == 0) return result;

  ScalarProgram::Frame select_frame(*select), scatter_frame(*scatter);
  std::vector<int64_t> kept(line);
  const auto add_source = [&](const std::vector<int64_t>& at, int64_t source_offset) {
    std::fill(kept.begin(), kept.end(), -1);
    Odometer element(window_sizes, {});
    for (int64_t i = 0; i < window_count; ++i, element.Next()) {
      const int64_t offset = InputOffset(window, sizes, strides, at, element.index(), rank);
      if (offset < 0) continue;
      if (kept[0] < 0) {  // the first element inside is kept, in every lane
        for (int64_t j = 0; j < line; ++j) kept[j] = offset + j;
        LoadLanes(type, operand.bytes().data() + offset * width, 1, line,
                  select_frame.parameter(0));
        continue;
      }
      LoadLanes(type, operand.bytes().data() + offset * width, 1, line, select_frame.parameter(1));
      select_frame.Run(line);
      VisitLane(type, [&](auto tag) {
        using T = decltype(tag);
        const bool* keep = static_cast<const bool*>(select_frame.result(0));
        T* values = static_cast<T*>(select_frame.parameter(0));
        const T* news = static_cast<const T*>(select_frame.parameter(1));
        for (int64_t j = 0; j < line; ++j) {
          if (!keep[j]) {
            kept[j] = offset + j;
            values[j] = news[j];
          }
        }
      });
    }
    if (kept[0] < 0) return;
    for (int64_t j = 0; j < line; ++j) {
      std::byte* place = target + kept[j] * width;
      LoadLanes(type, place, 0, 1, scatter_frame.parameter(0));
      LoadLanes(type, source.bytes().data() + (source_offset + j) * width, 0, 1,
                scatter_frame.parameter(1));
      scatter_frame.Run(1);
      StoreLanes(type, scatter_frame.result(0), 1, place, 1);
    }
  };
  Odometer at(source_sizes, {RowMajorStrides(source.shape().dimensions())});
  for (int64_t i = 0; i < Product(source_sizes); ++i, at.Next()) {
    if (i % kCheckEvery == kCheckEvery - 1) INGOT_RETURN_IF_ERROR(context.CheckInterrupt());
    add_source(at.index(), at.offset(0));
  }
  return result;
}

}  // namespace ingot::evaluator
