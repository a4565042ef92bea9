// Cholesky, triangular solve, Fourier transforms.
#include "ir/infer/op.h"

namespace ingot::infer {
namespace {

// Operand `i` is a stack of square matrices of floats or complex numbers.
absl::Status RequireSquares(const Op& op, int64_t i) {
  INGOT_RETURN_IF_ERROR(RequireArray(op, i));
  const Shape& shape = op.operand(i);
  const int64_t rank = shape.rank();
  INGOT_REQUIRE(rank >= 2 && shape.dimension(rank - 1) == shape.dimension(rank - 2) &&
                    (IsFloat(shape.element_type()) || IsComplex(shape.element_type())),
                "operand ", i, " is ", Text(shape),
                ", not square matrices of floats or complex numbers");
  return absl::OkStatus();
}

// cholesky:  (C1) the operand is square matrices.
absl::StatusOr<Shape> Cholesky(const Op& op) {
  INGOT_RETURN_IF_ERROR(RequireSquares(op, 0));  // (C1)
  return ArrayLike(op.operand(0), op.operand(0).element_type());
}

// triangular-solve(a, b): x with a x = b (left_side) or x a = b.
//   (C1) a is square matrices;
//   (C2) b has a's type, rank and batch sizes;
//   (C3) b has a's size in its second last dimension (left_side) or its last.
absl::StatusOr<Shape> TriangularSolve(const Op& op) {
  INGOT_RETURN_IF_ERROR(RequireSquares(op, 0));  // (C1)
  INGOT_RETURN_IF_ERROR(RequireArray(op, 1));
  const Shape& a = op.operand(0);
  const Shape& b = op.operand(1);
  bool fits = a.element_type() == b.element_type() && a.rank() == b.rank();
  for (int64_t d = 0; fits && d < a.rank() - 2; ++d) fits = a.dimension(d) == b.dimension(d);
  const bool left = op.attributes<TriangularSolveAttributes>().left_side;
  const int64_t shared = a.rank() - (left ? 2 : 1);
  fits = fits && b.dimension(shared) == a.dimension(shared);
  INGOT_REQUIRE(fits, "operand 1 is ", Text(b), ", which does not fit ", Text(a), " on the ",
                left ? "left" : "right");  // (C2), (C3)
  return ArrayLike(b, b.element_type());
}

// fft: transforms the last dimensions.
//   (C1) fft_length has 1 to 3 sizes, no more than the operand has dimensions;
//   (C2) the operand is of f32 or f64 for RFFT and complex otherwise;
//   (C3) its last sizes are fft_length; but for IRFFT the very last is fft_length / 2 + 1.
// RFFT's result has a last size of fft_length / 2 + 1; IRFFT's that of fft_length.  (Of an
// fft_length of 0 both are 0.)
absl::StatusOr<Shape> Fft(const Op& op) {
  INGOT_RETURN_IF_ERROR(RequireArray(op, 0));
  const Shape& operand = op.operand(0);
  const ElementType type = operand.element_type();
  const auto& attributes = op.attributes<FftAttributes>();
  const std::vector<int64_t>& lengths = attributes.fft_length;
  const int64_t count = static_cast<int64_t>(lengths.size());
  INGOT_REQUIRE(count >= 1 && count <= 3 && count <= operand.rank(), "fft_length ", Text(lengths),
                " does not fit ", Text(operand));  // (C1)
  const bool to_complex = attributes.fft_type == FftType::kRfft;
  const bool to_real = attributes.fft_type == FftType::kIrfft;
  INGOT_REQUIRE(to_complex ? ComplexTypeOf(type).has_value() : IsComplex(type), "takes ",
                to_complex ? "f32 or f64" : "complex numbers", ", not ", Text(type));  // (C2)
  const int64_t half = lengths.back() <= 0 ? 0 : lengths.back() / 2 + 1;
  const int64_t first = operand.rank() - count;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t expected = to_real && i == count - 1 ? half : lengths[i];
    INGOT_REQUIRE(operand.dimension(first + i) == expected, "dimension ", first + i, " of ",
                  Text(operand), " must have size ", expected, " for fft_length ",
                  Text(lengths));  // (C3)
  }
  Shape result = ArrayLike(operand, type);
  if (to_complex) {
    result.set_element_type(*ComplexTypeOf(type));
    result.set_dimension(operand.rank() - 1, half);
  } else if (to_real) {
    INGOT_REQUIRE(lengths.back() >= 0, "fft_length ", Text(lengths), " has a negative size");
    result.set_element_type(ComponentType(type));
    result.set_dimension(operand.rank() - 1, lengths.back());
  }
  return result;
}

constexpr Rule kRules[] = {
    {Opcode::kCholesky, Cholesky},
    {Opcode::kFft, Fft},
    {Opcode::kTriangularSolve, TriangularSolve},
};
static_assert(IsTableOf(OpKind::kLinearAlgebra, kRules));

}  // namespace

absl::StatusOr<Shape> InferLinearAlgebra(const Op& op) { return FunctionOf(kRules, op.opcode)(op); }

}  // namespace ingot::infer
