// f16 and bf16 as the rows compute with them: through f32, which has more than twice their bits and
// two, so that a sum, product, quotient or root that is rounded twice is rounded rightly.
#ifndef INGOT_COMPILER_KERNEL_SIMULATOR_HALF_H_
#define INGOT_COMPILER_KERNEL_SIMULATOR_HALF_H_

#include <bit>
#include <cstdint>

namespace ingot::kernel::simulator {

struct F16 {
  uint16_t bits;
};
struct BF16 {
  uint16_t bits;
};

// Exact; a NaN becomes a quiet one of the same sign.
inline float ToFloat(F16 half) {
  const uint32_t sign = (half.bits & 0x8000u) << 16;
  const uint32_t magnitude = half.bits & 0x7fffu;
  if (magnitude > 0x7c00u) return std::bit_cast<float>(sign | 0x7fc00000u);
  if (magnitude == 0x7c00u) return std::bit_cast<float>(sign | 0x7f800000u);
  // The exponent's bias is 112 less: a product with 2^112, exact for subnormal values too.
  const float scaled = std::bit_cast<float>(magnitude << 13) * 0x1p112f;
  return std::bit_cast<float>(std::bit_cast<uint32_t>(scaled) | sign);
}
inline float ToFloat(BF16 half) {
  const uint32_t bits = uint32_t{half.bits} << 16;
  const bool nan = (bits & 0x7fffffffu) > 0x7f800000u;
  return std::bit_cast<float>(nan ? (bits & 0x80000000u) | 0x7fc00000u : bits);
}

// Rounded once to nearest, ties to even; a NaN becomes the quiet one of the same sign.
inline F16 ToF16(float value) {
  const uint32_t all = std::bit_cast<uint32_t>(value);
  const uint32_t sign = (all & 0x80000000u) >> 16;
  uint32_t bits = all & 0x7fffffffu;
  uint32_t result;
  if (bits >= 0x47800000u) {  // 65536 and more
    result = bits > 0x7f800000u ? 0x7e00u : 0x7c00u;
  } else if (bits < 0x38800000u) {  // subnormal: the sum with 1/2 rounds at the right bit
    result = std::bit_cast<uint32_t>(std::bit_cast<float>(bits) + 0.5f) - 0x3f000000u;
  } else {
    const uint32_t odd = (bits >> 13) & 1;
    result = (bits - 0x38000000u + 0xfffu + odd) >> 13;
  }
  return {static_cast<uint16_t>(result | sign)};
}
inline BF16 ToBF16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const bool nan = (bits & 0x7fffffffu) > 0x7f800000u;
  const uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1)) >> 16;
  return {static_cast<uint16_t>(nan ? ((bits >> 16) & 0x8000u) | 0x7fc0u : rounded)};
}

}  // namespace ingot::kernel::simulator

#endif  // INGOT_COMPILER_KERNEL_SIMULATOR_HALF_H_
