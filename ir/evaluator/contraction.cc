// dot and convolution: one blocked loop over rows that each op loads in its way.
#include <algorithm>
#include <functional>
#include <utility>

#include "ir/base/integers.h"
#include "ir/base/status.h"
#include "ir/evaluator/context.h"
#include "ir/evaluator/scalar_functions.h"
#include "ir/evaluator/strided_copy.h"
#include "ir/evaluator/window.h"

namespace ingot::evaluator {
namespace {

// result[b, i, j] = Σ_k lhs[b, i, k] * rhs[b, j, k], accumulated in T.
template <typename T>
struct Contraction {
  int64_t batch, rows, columns, depth;
  // Elements k … k + count - 1 of a row.
  std::function<void(int64_t b, int64_t row, int64_t k, int64_t count, T* values)> load_lhs;
  std::function<void(int64_t b, int64_t row, int64_t k, int64_t count, T* values)> load_rhs;
  // Results (b, row, column … column + count - 1).
  std::function<void(int64_t b, int64_t row, int64_t column, int64_t count, const T* values)> store;
};

// A tile of results is kept in registers, a block of tiles in the cache.
constexpr int64_t kTileRows = 4, kTileColumns = 8;
constexpr int64_t kBlockRows = 64, kBlockColumns = 128, kBlockDepth = 256;

// sums[r][c] += Σ_k lhs[k][r] * rhs[k][c]
template <typename T>
void AddTile(const T* lhs, const T* rhs, int64_t depth, T (&sums)[kTileRows][kTileColumns]) {
  for (int64_t k = 0; k < depth; ++k) {
    for (int64_t r = 0; r < kTileRows; ++r) {
      for (int64_t c = 0; c < kTileColumns; ++c) {
        sums[r][c] += lhs[k * kTileRows + r] * rhs[k * kTileColumns + c];
      }
    }
  }
}

// Packs `count` rows from `first` on into panels of `tile` rows, k-major; missing rows are zero.
template <typename T, typename Load>
void Pack(const Load& load, int64_t b, int64_t first, int64_t count, int64_t k, int64_t depth,
          int64_t tile, std::vector<T>& panel) {
  std::vector<T> row(depth);
  const int64_t padded = RoundUp(count, tile);
  for (int64_t i = 0; i < padded; ++i) {
    if (i < count) {
      load(b, first + i, k, depth, row.data());
    } else {
      std::fill(row.begin(), row.end(), T());
    }
    T* target = panel.data() + i / tile * tile * depth + i % tile;
    for (int64_t j = 0; j < depth; ++j) target[j * tile] = row[j];
  }
}

template <typename T>
void ContractBlock(const Contraction<T>& op, int64_t b, int64_t row, int64_t column) {
  const int64_t rows = std::min(kBlockRows, op.rows - row);
  const int64_t columns = std::min(kBlockColumns, op.columns - column);
  std::vector<T> lhs(kBlockRows * kBlockDepth), rhs(kBlockColumns * kBlockDepth);
  std::vector<T> sums(kBlockRows * kBlockColumns);
  for (int64_t k = 0; k < op.depth; k += kBlockDepth) {
    const int64_t depth = std::min(kBlockDepth, op.depth - k);
    Pack(op.load_lhs, b, row, rows, k, depth, kTileRows, lhs);
    Pack(op.load_rhs, b, column, columns, k, depth, kTileColumns, rhs);
    for (int64_t i = 0; i < rows; i += kTileRows) {
      for (int64_t j = 0; j < columns; j += kTileColumns) {
        T tile[kTileRows][kTileColumns] = {};
        AddTile(lhs.data() + i * depth, rhs.data() + j * depth, depth, tile);
        for (int64_t r = 0; r < kTileRows; ++r) {
          T* target = sums.data() + (i + r) * kBlockColumns + j;
          for (int64_t c = 0; c < kTileColumns; ++c) target[c] += tile[r][c];
        }
      }
    }
  }
  for (int64_t i = 0; i < rows; ++i) {
    op.store(b, row + i, column, columns, sums.data() + i * kBlockColumns);
  }
}

template <typename T>
void Contract(const Contraction<T>& op, Context& context) {
  const int64_t row_blocks = (op.rows + kBlockRows - 1) / kBlockRows;
  const int64_t column_blocks = (op.columns + kBlockColumns - 1) / kBlockColumns;
  const int64_t cost = std::min(op.rows, kBlockRows) * std::min(op.columns, kBlockColumns);
  context.ParallelFor(op.batch * row_blocks * column_blocks,
                      cost * std::max<int64_t>(op.depth / 4, 1), [&](int64_t begin, int64_t end) {
                        for (int64_t i = begin; i < end; ++i) {
                          ContractBlock(op, i / (row_blocks * column_blocks),
                                        i / column_blocks % row_blocks * kBlockRows,
                                        i % column_blocks * kBlockColumns);
                        }
                      });
}

// Calls f(T()) with the type that products of `type` accumulate in.
template <typename F>
auto VisitAccumulator(ElementType type, F&& f) {
  if (IsComplex(type)) return f(Complex());
  if (IsFloat(type)) return f(double());
  return f(int64_t());
}

// The array with its dimensions in the given order.
absl::StatusOr<Literal> Transposed(const Literal& array, const std::vector<int64_t>& order,
                                   Context& context) {
  std::vector<int64_t> sizes, strides;
  const std::vector<int64_t> all = RowMajorStrides(array.shape().dimensions());
  for (int64_t d : order) {
    sizes.push_back(array.shape().dimension(d));
    strides.push_back(all[d]);
  }
  const ElementType type = array.shape().element_type();
  if (std::is_sorted(order.begin(), order.end())) {
    return array.Reshaped(Shape::Array(type, std::move(sizes)));
  }
  INGOT_ASSIGN_OR_RETURN(Literal result, Literal::Zeros(Shape::Array(type, sizes)));
  Run(StridedCopy{sizes, ByteWidth(type), result.MutableBytes().data(), 0, RowMajorStrides(sizes),
                  array.bytes().data(), 0, strides},
      context);
  return result;
}

std::vector<int64_t> OtherDimensions(int64_t rank, const std::vector<int64_t>& some,
                                     const std::vector<int64_t>& more) {
  std::vector<int64_t> others;
  for (int64_t d = 0; d < rank; ++d) {
    if (std::count(some.begin(), some.end(), d) + std::count(more.begin(), more.end(), d) == 0) {
      others.push_back(d);
    }
  }
  return others;
}

int64_t SizeOf(const Literal& array, const std::vector<int64_t>& dimensions) {
  int64_t size = 1;
  for (int64_t d : dimensions) size *= array.shape().dimension(d);
  return size;
}

std::vector<int64_t> Join(std::initializer_list<std::vector<int64_t>> lists) {
  std::vector<int64_t> all;
  for (const std::vector<int64_t>& list : lists) all.insert(all.end(), list.begin(), list.end());
  return all;
}

// [batch..., free..., contracting...] of both sides; the result is [batch..., lhs free, rhs free].
absl::StatusOr<Literal> Dot(const Instruction& instruction, Operands& operands, Context& context) {
  const DotAttributes& dot = instruction.attributes<DotAttributes>();
  if (operands.size() != 2 || !dot.sparsity.text.empty()) {
    return Unimplemented("the evaluator does not do sparse dot");
  }
  const auto lhs_free =
      OtherDimensions(operands[0].shape().rank(), dot.lhs_batch_dims, dot.lhs_contracting_dims);
  const auto rhs_free =
      OtherDimensions(operands[1].shape().rank(), dot.rhs_batch_dims, dot.rhs_contracting_dims);
  const int64_t batch = SizeOf(operands[0], dot.lhs_batch_dims);
  const int64_t depth = SizeOf(operands[0], dot.lhs_contracting_dims);
  const int64_t rows = SizeOf(operands[0], lhs_free), columns = SizeOf(operands[1], rhs_free);
  INGOT_ASSIGN_OR_RETURN(
      const Literal lhs,
      Transposed(operands[0], Join({dot.lhs_batch_dims, lhs_free, dot.lhs_contracting_dims}),
                 context));
  INGOT_ASSIGN_OR_RETURN(
      const Literal rhs,
      Transposed(operands[1], Join({dot.rhs_batch_dims, rhs_free, dot.rhs_contracting_dims}),
                 context));
  INGOT_ASSIGN_OR_RETURN(Literal result, Literal::Zeros(instruction.shape()));
  const ElementType type = instruction.shape().element_type();
  std::byte* target = result.MutableBytes().data();
  VisitAccumulator(type, [&](auto tag) {
    using T = decltype(tag);
    const auto loader = [depth](const Literal& side, int64_t count) {
      const ElementType side_type = side.shape().element_type();
      return [=, bytes = side.bytes().data()](int64_t b, int64_t row, int64_t k, int64_t n,
                                              T* values) {
        LoadAs(side_type, bytes + ((b * count + row) * depth + k) * ByteWidth(side_type), 1, n,
               values);
      };
    };
    Contract(
        Contraction<T>{batch, rows, columns, depth, loader(lhs, rows), loader(rhs, columns),
                       [&](int64_t b, int64_t row, int64_t column, int64_t n, const T* values) {
                         StoreFrom(type, values, n,
                                   target + ((b * rows + row) * columns + column) * ByteWidth(type),
                                   1);
                       }},
        context);
  });
  return result;
}

// ---- convolution

// A convolution as a contraction: a row of the left side is the patch of one result position, zero
// in padding and holes; a row of the right side one output feature's kernel.  Both run over
// (window position, input feature).  Groups are the batch.
class Convolution {
 public:
  // `input` is [batch, spatial..., feature], `kernel` [output feature, spatial..., input feature],
  // the result [batch, spatial..., output feature].
  Convolution(const ConvolutionAttributes& attributes, const Window& window, const Literal& input,
              const Literal& kernel, const std::vector<int64_t>& result_sizes)
      : attributes_(attributes),
        window_(window),
        input_(input),
        kernel_(kernel),
        result_sizes_(result_sizes),
        spatial_(window.dimensions.size()),
        features_(kernel.shape().dimensions().back()),
        input_strides_(RowMajorStrides(input.shape().dimensions())),
        window_sizes_(WindowSizes(window)) {
    groups_ = attributes.feature_group_count * attributes.batch_group_count;
    columns_ = result_sizes.back() / groups_;
    rows_ = Product(result_sizes) / std::max<int64_t>(result_sizes.back(), 1);
  }

  template <typename T>
  void Run(Literal& result, Context& context) const {
    const ElementType type = result.shape().element_type();
    std::byte* target = result.MutableBytes().data();
    Contract(
        Contraction<T>{groups_, rows_, columns_, Product(window_sizes_) * features_,
                       [this](int64_t group, int64_t row, int64_t k, int64_t n, T* values) {
                         LoadPatch(group, row, k, n, values);
                       },
                       [this](int64_t group, int64_t row, int64_t k, int64_t n, T* values) {
                         LoadKernel(group, row, k, n, values);
                       },
                       [&](int64_t group, int64_t row, int64_t column, int64_t n, const T* values) {
                         const int64_t at = (row * groups_ + group) * columns_ + column;
                         StoreFrom(type, values, n, target + at * ByteWidth(type), 1);
                       }},
        context);
  }

 private:
  template <typename T>
  void LoadKernel(int64_t group, int64_t row, int64_t k, int64_t n, T* values) const {
    const ElementType type = kernel_.shape().element_type();
    const int64_t at = (group * columns_ + row) * Product(window_sizes_) * features_ + k;
    LoadAs(type, kernel_.bytes().data() + at * ByteWidth(type), 1, n, values);
  }

  template <typename T>
  void LoadPatch(int64_t group, int64_t row, int64_t k, int64_t n, T* values) const {
    const ElementType type = input_.shape().element_type();
    const std::vector<int64_t> row_sizes(result_sizes_.begin(), result_sizes_.end() - 1);
    const Odometer result(row_sizes, {}, row);
    // Groups of batches take batch rows apart; groups of features, features.
    int64_t base = result.index()[0] * input_strides_[0];
    if (attributes_.batch_group_count > 1) {
      base += group * result_sizes_[0] * input_strides_[0];
    } else {
      base += group * features_;
    }
    Odometer element(window_sizes_, {}, k / features_);
    for (int64_t feature = k % features_; n > 0; feature = 0, element.Next()) {
      const int64_t count = std::min(n, features_ - feature);
      const int64_t offset = SpatialOffset(result.index(), element.index());
      if (offset < 0) {
        std::fill_n(values, count, T());
      } else {
        LoadAs(type, input_.bytes().data() + (base + offset + feature) * ByteWidth(type), 1, count,
               values);
      }
      values += count;
      n -= count;
    }
  }

  // -1 in padding and holes
  int64_t SpatialOffset(const std::vector<int64_t>& result,
                        const std::vector<int64_t>& element) const {
    int64_t offset = 0;
    for (size_t d = 0; d < spatial_; ++d) {
      const int64_t position = InputPosition(window_.dimensions[d], input_.shape().dimension(d + 1),
                                             result[d + 1], element[d]);
      if (position < 0) return -1;
      offset += position * input_strides_[d + 1];
    }
    return offset;
  }

  const ConvolutionAttributes& attributes_;
  const Window& window_;
  const Literal& input_;
  const Literal& kernel_;
  const std::vector<int64_t>& result_sizes_;
  const size_t spatial_;
  const int64_t features_;  // of the input, in one group
  const std::vector<int64_t> input_strides_;
  const std::vector<int64_t> window_sizes_;
  int64_t groups_, columns_, rows_;
};

absl::StatusOr<Literal> EvaluateConvolution(const Instruction& instruction, Operands& operands,
                                            Context& context) {
  const auto& attributes = instruction.attributes<ConvolutionAttributes>();
  const ConvolutionDimensions& labels = attributes.dim_labels;
  if (operands.size() != 2 || !attributes.sparsity_config.text.empty()) {
    return Unimplemented("the evaluator does not do sparse convolution");
  }
  INGOT_ASSIGN_OR_RETURN(
      const Literal input,
      Transposed(operands[0],
                 Join({{labels.input_batch}, labels.input_spatial, {labels.input_feature}}),
                 context));
  INGOT_ASSIGN_OR_RETURN(const Literal kernel, Transposed(operands[1],
                                                          Join({{labels.kernel_output_feature},
                                                                labels.kernel_spatial,
                                                                {labels.kernel_input_feature}}),
                                                          context));
  const std::vector<int64_t> order =
      Join({{labels.output_batch}, labels.output_spatial, {labels.output_feature}});
  const Shape& shape = instruction.shape();
  std::vector<int64_t> sizes;
  for (int64_t d : order) sizes.push_back(shape.dimension(d));
  INGOT_ASSIGN_OR_RETURN(Literal result, Literal::Zeros(Shape::Array(shape.element_type(), sizes)));
  Window window = attributes.window;
  window.dimensions.resize(labels.input_spatial.size());
  if (result.size() > 0) {
    const Convolution convolution(attributes, window, input, kernel, sizes);
    VisitAccumulator(shape.element_type(),
                     [&](auto tag) { convolution.Run<decltype(tag)>(result, context); });
  }
  std::vector<int64_t> back(order.size());
  for (size_t i = 0; i < order.size(); ++i) back[order[i]] = static_cast<int64_t>(i);
  INGOT_ASSIGN_OR_RETURN(result, Transposed(result, back, context));
  return result.Reshaped(shape);
}

constexpr Row kRows[] = {
    {Opcode::kConvolution, EvaluateConvolution},
    {Opcode::kDot, Dot},
    {Opcode::kRaggedDot, Refuse},
    {Opcode::kScaledDot, Refuse},
};
static_assert(IsTableOf(OpKind::kContraction, kRows));

}  // namespace

absl::StatusOr<Literal> EvaluateContraction(const Instruction& instruction, Operands& operands,
                                            Context& context) {
  return FunctionOf(kRows, instruction.opcode())(instruction, operands, context);
}

}  // namespace ingot::evaluator
