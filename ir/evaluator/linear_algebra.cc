// Linear algebra, one matrix or line at a time, in c128 throughout.
#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "ir/base/status.h"
#include "ir/evaluator/context.h"
#include "ir/evaluator/scalar_functions.h"

namespace ingot::evaluator {
namespace {

std::vector<Complex> Load(const Literal& array) {
  std::vector<Complex> values(array.size());
  LoadAs(array.shape().element_type(), array.bytes().data(), 1, array.size(), values.data());
  return values;
}

absl::StatusOr<Literal> Store(const Shape& shape, const std::vector<Complex>& values) {
  INGOT_ASSIGN_OR_RETURN(Literal result, Literal::Zeros(shape));
  StoreFrom(shape.element_type(), values.data(), result.size(), result.MutableBytes().data(), 1);
  return result;
}

// The lower factor l of a = l l*, of a matrix whose element (i, j) is a(i, j) for i ≥ j, written to
// l(i, j); NaN throughout where `a` is not positive definite.
template <typename Get, typename Element>
void CholeskyFactor(int64_t n, const Get& a, const Element& l) {
  bool is_definite = true;
  for (int64_t j = 0; j < n; ++j) {
    for (int64_t i = j; i < n; ++i) {
      Complex sum = a(i, j);
      for (int64_t k = 0; k < j; ++k) sum -= l(i, k) * std::conj(l(j, k));
      if (i == j) is_definite = is_definite && sum.real() > 0;
      l(i, j) = i == j ? Complex(std::sqrt(sum.real())) : sum / l(j, j);
    }
  }
  if (is_definite) return;
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j <= i; ++j) l(i, j) = NAN;
  }
}

// Reads one triangle, and leaves zeros in the other.
absl::StatusOr<Literal> Cholesky(const Instruction& instruction, Operands& operands, Context&) {
  const bool lower = instruction.attributes<CholeskyAttributes>().lower;
  const Shape& shape = instruction.shape();
  const int64_t n = shape.dimensions().back();
  const std::vector<Complex> a = Load(operands[0]);
  std::vector<Complex> result(a.size());
  for (int64_t base = 0; base < static_cast<int64_t>(a.size()); base += n * n) {
    // The upper factor is the lower one's adjoint.
    const auto at = [&](int64_t i, int64_t j) { return base + (lower ? i * n + j : j * n + i); };
    CholeskyFactor(
        n, [&](int64_t i, int64_t j) { return lower ? a[at(i, j)] : std::conj(a[at(i, j)]); },
        [&](int64_t i, int64_t j) -> Complex& { return result[at(i, j)]; });
    if (lower) continue;
    for (int64_t i = 0; i < n * n; ++i) result[base + i] = std::conj(result[base + i]);
  }
  return Store(shape, result);
}

// op(a) x = b, or x op(a) = b, which is op(a)ᵀ xᵀ = bᵀ, by substitution.
absl::StatusOr<Literal> TriangularSolve(const Instruction& instruction, Operands& operands,
                                        Context&) {
  const auto& attributes = instruction.attributes<TriangularSolveAttributes>();
  const TransposeA op = attributes.transpose_a.value_or(TransposeA::kNoTranspose);
  const bool is_flipped = (op != TransposeA::kNoTranspose) == attributes.left_side;
  const bool is_lower = attributes.lower != is_flipped;
  const Shape& shape = instruction.shape();
  const int64_t rows = shape.dimension(shape.rank() - 2),
                columns = shape.dimension(shape.rank() - 1);
  const int64_t n = attributes.left_side ? rows : columns;
  const int64_t right_sides = attributes.left_side ? columns : rows;
  const std::vector<Complex> a = Load(operands[0]);
  std::vector<Complex> x = Load(operands[1]);
  const int64_t batches = shape.ElementCount() / std::max<int64_t>(rows * columns, 1);
  for (int64_t batch = 0; batch < batches; ++batch) {
    const auto matrix = [&](int64_t i, int64_t j) {
      if (i == j && attributes.unit_diagonal) return Complex(1);
      const Complex value = a[batch * n * n + (is_flipped ? j * n + i : i * n + j)];
      return op == TransposeA::kAdjoint ? std::conj(value) : value;
    };
    for (int64_t side = 0; side < right_sides; ++side) {
      const auto unknown = [&](int64_t i) -> Complex& {
        return x[batch * rows * columns +
                 (attributes.left_side ? i * columns + side : side * columns + i)];
      };
      for (int64_t step = 0; step < n; ++step) {
        const int64_t i = is_lower ? step : n - 1 - step;
        const int64_t first = is_lower ? 0 : i + 1, last = is_lower ? i : n;
        for (int64_t j = first; j < last; ++j) unknown(i) -= matrix(i, j) * unknown(j);
        unknown(i) /= matrix(i, i);
      }
    }
  }
  return Store(shape, x);
}

// ---- fft

// Σ_j x[j] e^(sign 2πi jk / n) for every k: halves for as long as n is even (Cooley and Tukey), by
// the formula from there.
std::vector<Complex> Transform(const std::vector<Complex>& x, double sign) {
  const int64_t n = static_cast<int64_t>(x.size());
  const auto root = [&](int64_t k) {
    return std::polar(
        1.0, sign * 2 * std::numbers::pi * static_cast<double>(k % n) / static_cast<double>(n));
  };
  std::vector<Complex> result(n);
  if (n % 2 == 0) {
    std::vector<Complex> even(n / 2), odd(n / 2);
    for (int64_t j = 0; j < n / 2; ++j) even[j] = x[2 * j], odd[j] = x[2 * j + 1];
    even = Transform(even, sign);
    odd = Transform(odd, sign);
    for (int64_t k = 0; k < n / 2; ++k) {
      result[k] = even[k] + root(k) * odd[k];
      result[k + n / 2] = even[k] - root(k) * odd[k];
    }
    return result;
  }
  std::vector<Complex> roots(n);
  for (int64_t k = 0; k < n; ++k) roots[k] = root(k);
  for (int64_t k = 0; k < n; ++k) {
    for (int64_t j = 0, at = 0; j < n; ++j, at = (at + k) % n) result[k] += x[j] * roots[at];
  }
  return result;
}

// Transforms every line of `length` elements that are `stride` apart.
void TransformLines(std::vector<Complex>& values, int64_t length, int64_t stride, bool inverse,
                    Context& context) {
  if (length == 0 || values.empty()) return;
  const int64_t lines = static_cast<int64_t>(values.size()) / length;
  context.ParallelFor(lines, length * 32, [&](int64_t begin, int64_t end) {
    std::vector<Complex> line(length);
    for (int64_t i = begin; i < end; ++i) {
      const int64_t base = i / stride * stride * length + i % stride;
      for (int64_t j = 0; j < length; ++j) line[j] = values[base + j * stride];
      const std::vector<Complex> result = Transform(line, inverse ? 1 : -1);
      const double scale = inverse ? 1.0 / static_cast<double>(length) : 1;
      for (int64_t j = 0; j < length; ++j) values[base + j * stride] = result[j] * scale;
    }
  });
}

// Lines of `from` elements as lines of `to`: cut off, or filled up as what a real signal's
// transform has there, the conjugates in reverse.
std::vector<Complex> Resized(const std::vector<Complex>& values, int64_t from, int64_t to) {
  if (from == to || from == 0) return values;
  const int64_t lines = static_cast<int64_t>(values.size()) / from;
  std::vector<Complex> result(lines * to);
  for (int64_t i = 0; i < lines; ++i) {
    for (int64_t j = 0; j < to; ++j) {
      result[i * to + j] = j < from ? values[i * from + j] : std::conj(values[i * from + to - j]);
    }
  }
  return result;
}

absl::StatusOr<Literal> Fft(const Instruction& instruction, Operands& operands, Context& context) {
  const FftAttributes& fft = instruction.attributes<FftAttributes>();
  const bool inverse = fft.fft_type == FftType::kIfft || fft.fft_type == FftType::kIrfft;
  std::vector<Complex> values = Load(operands[0]);
  const int64_t last_size = operands[0].shape().dimensions().back();
  const int64_t length = fft.fft_length.back();
  // An inverse real transform needs its outer dimensions done on the half that is there.
  const auto outer = [&](int64_t inner_size) {
    int64_t stride = inner_size;
    for (size_t d = fft.fft_length.size() - 1; d-- > 0;) {
      TransformLines(values, fft.fft_length[d], stride, inverse, context);
      stride *= fft.fft_length[d];
    }
  };
  if (inverse) outer(last_size);
  if (fft.fft_type == FftType::kIrfft) values = Resized(values, last_size, length);
  TransformLines(values, length, 1, inverse, context);
  if (fft.fft_type == FftType::kRfft) {
    values = Resized(values, length, instruction.shape().dimensions().back());
  }
  if (!inverse) outer(instruction.shape().dimensions().back());
  return Store(instruction.shape(), values);
}

constexpr Row kRows[] = {
    {Opcode::kCholesky, Cholesky},
    {Opcode::kFft, Fft},
    {Opcode::kTriangularSolve, TriangularSolve},
};
static_assert(IsTableOf(OpKind::kLinearAlgebra, kRows));

}  // namespace

absl::StatusOr<Literal> EvaluateLinearAlgebra(const Instruction& instruction, Operands& operands,
                                              Context& context) {
  if (instruction.shape().ElementCount() == 0) return Literal::Zeros(instruction.shape());
  // Operands and results, their transforms, and those cut to size.
  INGOT_RETURN_IF_ERROR(Context::CheckScratch(
      3 * std::max(operands.back().size(), instruction.shape().ElementCount())));
  return FunctionOf(kRows, instruction.opcode())(instruction, operands, context);
}

}  // namespace ingot::evaluator
