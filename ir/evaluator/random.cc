// Random bits, as XLA generates them (xla/hlo/builder/lib/prng.cc): counter-based generators of
// Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numbers>
#include <utility>

#include "ir/base/status.h"
#include "ir/evaluator/context.h"
#include "ir/evaluator/strided_copy.h"

namespace ingot::evaluator {
namespace {

using Pair = std::array<uint32_t, 2>;
using Quad = std::array<uint32_t, 4>;

Pair Halves(uint64_t x) { return {static_cast<uint32_t>(x), static_cast<uint32_t>(x >> 32)}; }

Pair ThreeFry2x32(Pair x, Pair key) {
  constexpr int kRotations[2][4] = {{13, 15, 26, 6}, {17, 29, 16, 24}};
  const std::array<uint32_t, 3> keys = {key[0], key[1], 0x1BD11BDA ^ key[0] ^ key[1]};
  x = {x[0] + keys[0], x[1] + keys[1]};
  for (uint32_t group = 0; group < 5; ++group) {
    for (int rotation : kRotations[group % 2]) {
      x[0] += x[1];
      x[1] = std::rotl(x[1], rotation) ^ x[0];
    }
    x[0] += keys[(group + 1) % 3];
    x[1] += keys[(group + 2) % 3] + group + 1;
  }
  return x;
}

Quad Philox4x32(Quad x, Pair key) {
  for (int round = 0; round < 10; ++round) {
    const Pair a = Halves(uint64_t{x[0]} * 0xD2511F53), b = Halves(uint64_t{x[2]} * 0xCD9E8D57);
    x = {b[1] ^ x[1] ^ key[0], b[0], a[1] ^ x[3] ^ key[1], a[0]};
    key = {key[0] + 0x9E3779B9, key[1] + 0xBB67AE85};
  }
  return x;
}

// Writes the low bits of each value as an element of the (unsigned, signed or float) type.
void StoreBits(const std::vector<uint64_t>& values, Literal& result) {
  const int64_t width = ByteWidth(result.shape().element_type());
  const int bits = BitWidth(result.shape().element_type());
  std::byte* target = result.MutableBytes().data();
  for (int64_t i = 0; i < result.size(); ++i) {
    const uint64_t value = values[i] & (~uint64_t{0} >> (64 - bits));
    std::copy_n(reinterpret_cast<const std::byte*>(&value), width, target + i * width);
  }
}

// 32 bits: counters number the elements of one half of the array, split in the first even dimension
// (else the largest); a generated pair fills neighbours there.  Returns how far the counter moves.
uint64_t ThreeFry(uint64_t key, uint64_t counter, int bits, const std::vector<int64_t>& sizes,
                  std::vector<uint64_t>& values) {
  const Pair keys = Halves(key);
  if (bits == 64) {
    for (size_t i = 0; i < values.size(); ++i) {
      const Pair out = ThreeFry2x32(Halves(counter + i), keys);
      values[i] = out[0] | uint64_t{out[1]} << 32;
    }
    return values.size();
  }
  if (sizes.empty()) {
    values[0] = ThreeFry2x32(Halves(counter), keys)[0];
    return 1;
  }
  auto split = std::find_if(sizes.begin(), sizes.end(), [](int64_t n) { return n % 2 == 0; });
  if (split == sizes.end()) split = std::max_element(sizes.begin(), sizes.end());
  const size_t d = split - sizes.begin();
  std::vector<int64_t> half = sizes;
  half[d] = (half[d] + 1) / 2;
  std::vector<int64_t> strides = RowMajorStrides(sizes);
  const int64_t step = strides[d];
  strides[d] *= 2;
  const int64_t count = Product(half);
  Odometer at(half, {strides});
  for (int64_t i = 0; i < count; ++i, at.Next()) {
    const Pair out = ThreeFry2x32(Halves(counter + i), keys);
    values[at.offset(0)] = out[0];
    if (2 * at.index()[d] + 1 < sizes[d]) values[at.offset(0) + step] = out[1];
  }
  return count;
}

// The counter has 128 bits; one count gives 128 random bits.
uint64_t Philox(uint64_t key, uint64_t low, uint64_t high, int bits,
                std::vector<uint64_t>& values) {
  const size_t each = bits == 64 ? 2 : 4;
  const uint64_t count = (values.size() + each - 1) / each;
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t sum = low + i;
    const Pair a = Halves(sum), b = Halves(high + (sum < low));
    const Quad out = Philox4x32({a[0], a[1], b[0], b[1]}, Halves(key));
    for (size_t j = 0; j < each && i * each + j < values.size(); ++j) {
      values[i * each + j] = each == 4 ? out[j] : out[2 * j] | uint64_t{out[2 * j + 1]} << 32;
    }
  }
  return count;
}

// (new state, bits); the state is (key, counter…) in 64-bit words.
absl::StatusOr<Literal> RngBitGenerator(const Instruction& instruction, Operands& operands,
                                        Context&) {
  const Shape& shape = instruction.shape().tuple_shapes()[1];
  const ElementType type = shape.element_type();
  Literal state = std::move(operands[0]);
  if (state.shape().element_type() != ElementType::kU64 || state.size() < 2) {
    return Unimplemented(
        "the evaluator does rng-bit-generator with a state of u64[2] or u64[3], not ",
        state.shape().ToString(false));
  }
  if (Category(type) == TypeCategory::kPred || IsComplex(type)) {
    return Unimplemented("the evaluator does not do rng-bit-generator of ", ElementTypeName(type));
  }
  INGOT_ASSIGN_OR_RETURN(Literal result, Literal::Zeros(shape));
  INGOT_RETURN_IF_ERROR(Context::CheckScratch(result.size()));
  std::vector<uint64_t> values(result.size());
  const int bits = BitWidth(type) == 64 ? 64 : 32;
  const absl::Span<uint64_t> words = state.mutable_data<uint64_t>();
  switch (instruction.attributes<RngBitGeneratorAttributes>().algorithm) {
    case RngAlgorithm::kThreeFry:
      if (!values.empty())
        words[1] += ThreeFry(words[0], words[1], bits, shape.dimensions(), values);
      break;
    case RngAlgorithm::kDefault:
    case RngAlgorithm::kPhilox: {
      // A state of two words has no place for the counter's high half: the key stands in.
      const uint64_t low = words[1];
      const uint64_t high = words.size() > 2 ? words[2] : words[0];
      words[1] += Philox(words[0], low, high, bits, values);
      if (words.size() > 2) words[2] = high + (words[1] < low);
      break;
    }
  }
  StoreBits(values, result);
  return Literal::Tuple({std::move(state), std::move(result)});
}

// rng(low, high), uniform in [low, high), or rng(mean, deviation), normal: any numbers will do, and
// these are the same from run to run.
absl::StatusOr<Literal> Rng(const Instruction& instruction, Operands& operands, Context& context) {
  const ElementType type = instruction.shape().element_type();
  if (IsComplex(type) || operands.size() != 2) return NotEvaluated(instruction);
  INGOT_ASSIGN_OR_RETURN(Literal result, Literal::Zeros(instruction.shape()));
  INGOT_RETURN_IF_ERROR(Context::CheckScratch(result.size()));
  std::vector<uint64_t> words(2 * result.size());
  Philox(context.NextRandomKey(), 0, 0, 64, words);
  const bool is_normal =
      instruction.attributes<RngAttributes>().distribution == RngDistribution::kNormal;
  const double a = operands[0].AsDouble(0), b = operands[1].AsDouble(0);
  for (int64_t i = 0; i < result.size(); ++i) {
    // in [0, 1), and in (0, 1]
    const double u = std::ldexp(static_cast<double>(words[2 * i] >> 11), -53);
    const double v = 1 - std::ldexp(static_cast<double>(words[2 * i + 1] >> 11), -53);
    if (is_normal) {  // Box and Muller
      result.SetDouble(i, a + b * std::sqrt(-2 * std::log(v)) * std::cos(2 * std::numbers::pi * u));
    } else if (IsFloat(type)) {
      result.SetDouble(i, a + (b - a) * u);
    } else {
      const int64_t low = operands[0].AsInteger(0);
      const uint64_t range = static_cast<uint64_t>(operands[1].AsInteger(0) - low);
      result.SetInteger(i, low + static_cast<int64_t>(range == 0 ? 0 : words[2 * i] % range));
    }
  }
  return result;
}

constexpr Row kRows[] = {
    {Opcode::kRng, Rng},
    {Opcode::kRngBitGenerator, RngBitGenerator},
    {Opcode::kRngGetAndUpdateState, Refuse},
};
static_assert(IsTableOf(OpKind::kRandom, kRows));

}  // namespace

absl::StatusOr<Literal> EvaluateRandom(const Instruction& instruction, Operands& operands,
                                       Context& context) {
  return FunctionOf(kRows, instruction.opcode())(instruction, operands, context);
}

}  // namespace ingot::evaluator
