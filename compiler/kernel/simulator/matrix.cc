// ldmatrix and mma.
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <type_traits>
#include <utility>

#include "compiler/kernel/arithmetic.h"
#include "compiler/kernel/simulator/machine.h"

namespace ingot::kernel::simulator {
namespace {

constexpr int kRowBytes = 16;
constexpr int kMatrixRows = 8;

float Bf16Value(uint16_t bits) { return std::bit_cast<float>(uint32_t{bits} << 16); }
float F16Value(uint16_t bits) { return static_cast<float>(FloatValue(ElementType::kF16, bits)); }
// The unit ignores the low bits.
float Tf32Value(uint32_t bits) { return std::bit_cast<float>(bits & ~uint32_t{0x1fff}); }

template <typename Element>
int32_t Widened(Element value) {
  return value;
}

}  // namespace

uint32_t RoundedToTf32(uint32_t bits) {
  constexpr uint32_t kLow = 0x1fff;
  const bool finite = (bits & 0x7f800000) != 0x7f800000;
  const bool nan = !finite && (bits & 0x7fffff) != 0;
  return nan ? 0x7fffffff & ~kLow : (bits + (finite ? 0x1000 : 0)) & ~kLow;
}

void Machine::LoadRows(Warp& warp, const Step& step, uint8_t* rows) {
  const MemoryPlace& place = code_.places[step.extra];
  const int lanes = kRowBytes / buffers_[place.buffer].element_bytes;
  const Accesses accesses = Resolve(warp, step, place, lanes, kRowBytes);
  CheckAccess(warp, step, accesses, {step.op->id, /*write=*/false, false, MemoryScope::kBlock});
  std::memset(rows, 0, kWarpSize * kRowBytes);
  for (uint32_t threads = accesses.threads; threads != 0; threads &= threads - 1) {
    const int thread = std::countr_zero(threads);
    std::memcpy(rows + thread * kRowBytes,
                Address(warp, *accesses.buffer, accesses.offsets[thread]), kRowBytes);
  }
  Measure(accesses, kRowBytes, /*store=*/false);
}

void IntrinsicRows::LoadMatrices(bool transposed) {
  std::array<uint16_t, kWarpSize * kRowBytes / 2> elements;
  machine_.LoadRows(warp_, step_, reinterpret_cast<uint8_t*>(elements.data()));
  auto* const out = reinterpret_cast<uint32_t*>(machine_.Out(warp_, step_.out));
  for (int matrix = 0; matrix < 4; ++matrix) {
    const uint16_t* const base = elements.data() + matrix * kMatrixRows * kMatrixRows;
    for (int lane = 0; lane < kWarpSize; ++lane) {
      const int outer = lane / 4, inner = 2 * (lane % 4);
      const auto element = [&](int i) -> uint32_t {
        return transposed ? base[(inner + i) * kMatrixRows + outer]
                          : base[outer * kMatrixRows + inner + i];
      };
      out[matrix * kWarpSize + lane] = element(0) | element(1) << 16;
    }
  }
}

void Machine::StoreRows(Warp& warp, const Step& step, uint32_t lanes_that_name,
                        const uint8_t* rows) {
  const MemoryPlace& place = code_.places[step.extra];
  const int lanes = kRowBytes / buffers_[place.buffer].element_bytes;
  const uint32_t active = std::exchange(warp.active, warp.active & lanes_that_name);
  const Accesses accesses = Resolve(warp, step, place, lanes, kRowBytes);
  warp.active = active;
  CheckAccess(warp, step, accesses, {step.op->id, /*write=*/true, false, MemoryScope::kBlock});
  for (uint32_t threads = accesses.threads; threads != 0; threads &= threads - 1) {
    const int thread = std::countr_zero(threads);
    std::memcpy(Address(warp, *accesses.buffer, accesses.offsets[thread]),
                rows + thread * kRowBytes, kRowBytes);
  }
  ++changes_;
  Measure(accesses, kRowBytes, /*store=*/true);
}

// The inverse of LoadMatrices; only the lanes of `count` matrices name a row.
void IntrinsicRows::StoreMatrices(int count, bool transposed) {
  std::array<uint16_t, kWarpSize * kRowBytes / 2> elements{};
  const auto* const words =
      reinterpret_cast<const uint32_t*>(machine_.At(warp_, machine_.OperandPlace(step_, 1)));
  for (int matrix = 0; matrix < count; ++matrix) {
    uint16_t* const base = elements.data() + matrix * kMatrixRows * kMatrixRows;
    for (int lane = 0; lane < kWarpSize; ++lane) {
      const uint32_t word = words[matrix * kWarpSize + lane];
      const int outer = lane / 4, inner = 2 * (lane % 4);
      for (int i = 0; i < 2; ++i) {
        const int at =
            transposed ? (inner + i) * kMatrixRows + outer : outer * kMatrixRows + inner + i;
        base[at] = static_cast<uint16_t>(word >> (16 * i));
      }
    }
  }
  const uint32_t lanes = count == 4 ? ~uint32_t{0} : (uint32_t{1} << (kMatrixRows * count)) - 1;
  machine_.StoreRows(warp_, step_, lanes, reinterpret_cast<const uint8_t*>(elements.data()));
}

void IntrinsicRows::StMatrixX1() { StoreMatrices(1, /*transposed=*/false); }
void IntrinsicRows::StMatrixX2() { StoreMatrices(2, /*transposed=*/false); }
void IntrinsicRows::StMatrixX4() { StoreMatrices(4, /*transposed=*/false); }
void IntrinsicRows::StMatrixX1Trans() { StoreMatrices(1, /*transposed=*/true); }
void IntrinsicRows::StMatrixX2Trans() { StoreMatrices(2, /*transposed=*/true); }
void IntrinsicRows::StMatrixX4Trans() { StoreMatrices(4, /*transposed=*/true); }

void IntrinsicRows::LdMatrixX4() { LoadMatrices(/*transposed=*/false); }
void IntrinsicRows::LdMatrixX4Trans() { LoadMatrices(/*transposed=*/true); }

// Operands as fragments.h lays them out: of A, register r of lane l has row l / 4 + 8 (r mod 2),
// and the 4 bytes of k number l mod 4 + 4 (r / 2); of B, column l / 4 and 4 bytes l mod 4 + 4 r; of
// the sum, row l / 4 + 8 (i / 2) and column 2 (l mod 4) + i mod 2.  The products and their sum with
// the third operand are exact, and rounded once (f32) or taken modulo 2^32 (s32).
template <typename Element, typename Sum>
void IntrinsicRows::MultiplyMatrices(Sum (*value)(Element)) {
  using Exact = std::conditional_t<std::is_integral_v<Sum>, int64_t, double>;
  constexpr int kPerWord = 4 / sizeof(Element);
  constexpr int kDepth = 8 * kPerWord;
  constexpr int kRows = 16, kColumns = 8;
  const auto value_of = [&](const uint32_t* words, int reg, int lane, int i) {
    Element element;
    std::memcpy(
        &element,
        reinterpret_cast<const uint8_t*>(words + reg * kWarpSize + lane) + i * sizeof(Element),
        sizeof(Element));
    return value(element);
  };
  const auto* const a = reinterpret_cast<const uint32_t*>(machine_.At(warp_, step_.a));
  const auto* const b = reinterpret_cast<const uint32_t*>(machine_.At(warp_, step_.b));
  std::array<std::array<Sum, kDepth>, kRows> lhs;
  std::array<std::array<Sum, kDepth>, kColumns> rhs;
  for (int lane = 0; lane < kWarpSize; ++lane) {
    for (int word = 0; word < 2; ++word) {
      for (int i = 0; i < kPerWord; ++i) {
        const int k = (lane % 4 + 4 * word) * kPerWord + i;
        rhs[lane / 4][k] = value_of(b, word, lane, i);
        for (int half = 0; half < 2; ++half) {
          lhs[lane / 4 + 8 * half][k] = value_of(a, half + 2 * word, lane, i);
        }
      }
    }
  }
  std::array<Sum, 4 * kWarpSize> sums;
  std::memcpy(sums.data(), machine_.At(warp_, step_.c), sizeof(sums));
  for (int lane = 0; lane < kWarpSize; ++lane) {
    for (int i = 0; i < 4; ++i) {
      const auto& row = lhs[lane / 4 + 8 * (i / 2)];
      const auto& column = rhs[2 * (lane % 4) + i % 2];
      Exact sum = sums[i * kWarpSize + lane];
      for (int k = 0; k < kDepth; ++k) sum += Exact{row[k]} * column[k];
      sums[i * kWarpSize + lane] = static_cast<Sum>(sum);
    }
  }
  std::memcpy(machine_.Out(warp_, step_.out), sums.data(), sizeof(sums));
}

void IntrinsicRows::MmaBf16() { MultiplyMatrices<uint16_t>(Bf16Value); }
void IntrinsicRows::MmaF16() { MultiplyMatrices<uint16_t>(F16Value); }
void IntrinsicRows::MmaTf32() { MultiplyMatrices<uint32_t>(Tf32Value); }
void IntrinsicRows::MmaS8() { MultiplyMatrices<int8_t>(Widened<int8_t>); }
void IntrinsicRows::MmaU8() { MultiplyMatrices<uint8_t>(Widened<uint8_t>); }

// One fma after the other, in the order of k.
void IntrinsicRows::MultiplyDoubles(int rows, int depth) {
  const auto operand = [&](Place place) {
    return reinterpret_cast<const double*>(machine_.At(warp_, place));
  };
  const double *const a = operand(step_.a), *const b = operand(step_.b),
                      *const c = operand(step_.c);
  auto* const out = reinterpret_cast<double*>(machine_.Out(warp_, step_.out));
  const int halves = rows / kMatrixRows;
  std::array<double, 4 * kWarpSize> sums;
  for (int i = 0; i < 2 * halves; ++i) {
    for (int lane = 0; lane < kWarpSize; ++lane) {
      const int row = lane / 4, half = i / 2, column = 2 * (lane % 4) + i % 2;
      double sum = c[i * kWarpSize + lane];
      for (int k = 0; k < depth; ++k) {
        const int of_a = (half + halves * (k / 4)) * kWarpSize + 4 * row + k % 4;
        const int of_b = k / 4 * kWarpSize + 4 * column + k % 4;
        sum = std::fma(a[of_a], b[of_b], sum);
      }
      sums[i * kWarpSize + lane] = sum;
    }
  }
  std::memcpy(out, sums.data(), 2 * halves * kWarpSize * sizeof(double));
}

void IntrinsicRows::MmaF64() { MultiplyDoubles(8, 4); }
void IntrinsicRows::MmaF64K16() { MultiplyDoubles(16, 16); }

void IntrinsicRows::RoundTf32() {
  const auto* const values = reinterpret_cast<const uint32_t*>(machine_.At(warp_, step_.a));
  auto* const out = reinterpret_cast<uint32_t*>(machine_.Out(warp_, step_.out));
  for (int lane = 0; lane < kWarpSize; ++lane) out[lane] = RoundedToTf32(values[lane]);
}

}  // namespace ingot::kernel::simulator
