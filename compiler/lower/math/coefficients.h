// Written by fit.py: change that and run it.
#ifndef INGOT_COMPILER_LOWER_MATH_COEFFICIENTS_H_
#define INGOT_COMPILER_LOWER_MATH_COEFFICIENTS_H_

#include <cstdint>

#include "absl/types/span.h"

namespace ingot::lower::math {

// A polynomial, the constant term first, for each type; exact in that type.
struct Coefficients {
  absl::Span<const double> f32;
  absl::Span<const double> f64;
};

// A constant as the sum of a high and a low part, for each type.
struct PairConstant {
  double high_f32;
  double low_f32;
  double high_f64;
  double low_f64;
};

// exp(r) = 1 + r + r^2 P(r), |r| <= ln(2) / 2, as good for exp(r) - 1
// f32: error 2^-28.2
inline constexpr double kExpF32[] = {
    0x1.0000000000000p-1, 0x1.55552c0000000p-3,  0x1.5555020000000p-5,
    0x1.1155a60000000p-7, 0x1.6d2e440000000p-10, 0x1.3b915c0000000p-13,
};
// f64: error 2^-56.8
inline constexpr double kExpF64[] = {
    0x1.0000000000000p-1,  0x1.5555555555559p-3,  0x1.555555555555bp-5,  0x1.111111110f6ffp-7,
    0x1.6c16c16c132e8p-10, 0x1.a01a01af20e28p-13, 0x1.a01a01af95d7ep-16, 0x1.71ddfd3d2d14fp-19,
    0x1.27e505c1de1acp-22, 0x1.af4fba6d984fep-26, 0x1.1e940239ce043p-29,
};
inline constexpr Coefficients kExp{kExpF32, kExpF64};

// exp(r) = 1 + r + r^2 P(r), |r| <= ln(2) / 2
// f32: error 2^-28.2
inline constexpr double kExpShortF32[] = {
    0x1.fffffc0000000p-2, 0x1.55548c0000000p-3,  0x1.55585a0000000p-5,
    0x1.123d6a0000000p-7, 0x1.6ab8140000000p-10,
};
inline constexpr Coefficients kExpShort{kExpShortF32, {}};

// log(1 + f) = f - f^2 / 2 + f^3 P(f), |f| <= 1/3
// f32: error 2^-30.0
inline constexpr double kLogF32[] = {
    0x1.5555560000000p-2,  -0x1.ffff020000000p-3, 0x1.99985e0000000p-3,
    -0x1.559bb00000000p-3, 0x1.24d7b20000000p-3,  -0x1.f336d20000000p-4,
    0x1.bb45800000000p-4,  -0x1.07d6780000000p-3, 0x1.e0648c0000000p-4,
};
// f64: error 2^-59.9
inline constexpr double kLogF64[] = {
    0x1.5555555555556p-2, -0x1.fffffffffff54p-3, 0x1.999999999964bp-3, -0x1.555555556379dp-3,
    0x1.24924924bb309p-3, -0x1.fffffff21325bp-4, 0x1.c71c71a8e661fp-4, -0x1.99999d24d07bep-4,
    0x1.745d1d9c3001dp-4, -0x1.5554cd30cdacbp-4, 0x1.3b12de50c4d6cp-4, -0x1.249f1ef7da1c4p-4,
    0x1.1122d3c306369p-4, -0x1.fe70d320d23fep-5, 0x1.dfea4f9099066p-5, -0x1.d6a338149a0b3p-5,
    0x1.c146d896be9aap-5, -0x1.3b0f16419bdd8p-5, 0x1.1ef7b055cd2f7p-5, -0x1.54f41d5faa6c0p-4,
    0x1.50ef6905ee610p-4,
};
inline constexpr Coefficients kLog{kLogF32, kLogF64};

// log(1 + f) = f + f^2 P(f), |f| <= 1/3
// f32: error 2^-27.6
inline constexpr double kLogShortF32[] = {
    -0x1.0000000000000p-1, 0x1.5554fa0000000p-2,  -0x1.ffff940000000p-3,
    0x1.99d58e0000000p-3,  -0x1.557e180000000p-3, 0x1.1e81f60000000p-3,
    -0x1.f6b9e40000000p-4, 0x1.1ff6fe0000000p-3,  -0x1.ff836e0000000p-4,
};
inline constexpr Coefficients kLogShort{kLogShortF32, {}};

// f32: log2((1 + s) / (1 - s)) = s (c0 + s^2 (c1 + s^2 P(s^2)))
// f32: error 2^-43.9
inline constexpr double kLog2Tail1F32[] = {
    0x1.2776c40000000p-1,
    0x1.a619500000000p-2,
    0x1.47b12e0000000p-2,
    0x1.2078bc0000000p-2,
};
inline constexpr Coefficients kLog2Tail1{kLog2Tail1F32, {}};

// f64: the same with one more exact term
// f64: error 2^-72.9
inline constexpr double kLog2Tail2F64[] = {
    0x1.a61762a7ae382p-2, 0x1.484b13d733f4ep-2, 0x1.0c9a85023ec27p-2, 0x1.c68f0448f9d51p-3,
    0x1.8a061250d63ddp-3, 0x1.594037ce3b806p-3, 0x1.5fed29b50d6f3p-3,
};
inline constexpr Coefficients kLog2Tail2{{}, kLog2Tail2F64};

// sin(r) = r + r^3 P(r^2), |r| <= pi / 4
// f32: error 2^-32.5
inline constexpr double kSinF32[] = {
    -0x1.5555560000000p-3,
    0x1.1111740000000p-7,
    -0x1.a059540000000p-13,
    0x1.7c2b420000000p-19,
};
// f64: error 2^-63.2
inline constexpr double kSinF64[] = {
    -0x1.5555555555555p-3,  0x1.1111111111069p-7,  -0x1.a01a019ffe523p-13, 0x1.71de3a33a57f4p-19,
    -0x1.ae642c51b21d7p-26, 0x1.6109bd7c4a704p-33, -0x1.9ffd803eebfe3p-41,
};
inline constexpr Coefficients kSin{kSinF32, kSinF64};

// cos(r) = 1 - r^2 / 2 + r^4 P(r^2), |r| <= pi / 4
// f32: error 2^-33.0
inline constexpr double kCosF32[] = {
    0x1.55554a0000000p-5,
    -0x1.6c0c280000000p-10,
    0x1.99e8020000000p-16,
};
// f64: error 2^-63.9
inline constexpr double kCosF64[] = {
    0x1.555555555554bp-5,   -0x1.6c16c16c15013p-10, 0x1.a01a019c8ed08p-16,
    -0x1.27e4f7f1409b2p-22, 0x1.1ee9db8d34f67p-29,  -0x1.8fa65d90d8090p-37,
};
inline constexpr Coefficients kCos{kCosF32, kCosF64};

// tan(r) = r + r^3 P(r^2), |r| <= pi / 4
// f32: error 2^-29.5
inline constexpr double kTanF32[] = {
    0x1.5555600000000p-2, 0x1.110d9e0000000p-3,  0x1.bad9ce0000000p-5, 0x1.5cbfd00000000p-6,
    0x1.62d30a0000000p-7, 0x1.958e2e0000000p-14, 0x1.1ea1620000000p-8,
};
// f64: error 2^-59.9
inline constexpr double kTanF64[] = {
    0x1.555555555555dp-2,  0x1.11111111106dbp-3,   0x1.ba1ba1bab263bp-5,  0x1.664f485fba388p-6,
    0x1.226e3a3125941p-7,  0x1.d6d2f46adebd0p-9,   0x1.7db0dd8c97427p-10, 0x1.34c2ec2e05ae1p-11,
    0x1.fece4d8c2625dp-13, 0x1.6061bdea2a3e1p-14,  0x1.167fa3f968e41p-14, -0x1.9cb7d0b7cd242p-16,
    0x1.90c8d6339fa41p-15, -0x1.90245f54fffefp-16, 0x1.45a6081552723p-17,
};
inline constexpr Coefficients kTan{kTanF32, kTanF64};

// tanh(x) = x + x^3 P(x^2), |x| <= 0.55
// f32: error 2^-29.7
inline constexpr double kTanhF32[] = {
    -0x1.55554a0000000p-2, 0x1.110cee0000000p-3,  -0x1.b91e7e0000000p-5,
    0x1.58e5180000000p-6,  -0x1.99219a0000000p-8,
};
// f64: error 2^-60.5
inline constexpr double kTanhF64[] = {
    -0x1.555555555554fp-2,  0x1.1111111110790p-3,  -0x1.ba1ba1b97cb0cp-5,  0x1.664f48593f239p-6,
    -0x1.226e2f0dfaeccp-7,  0x1.d6d29a8964cc7p-9,  -0x1.7d8fc5c46eeb7p-10, 0x1.3483392c790cep-11,
    -0x1.e96afd3ce401fp-13, 0x1.5d664e03052ecp-14, -0x1.46ed8799bf644p-16,
};
inline constexpr Coefficients kTanh{kTanhF32, kTanhF64};

// f32: tanh(x) = x + x^3 P(x^2), |x| <= 1.25
// f32: error 2^-26.3
inline constexpr double kTanhWideF32[] = {
    -0x1.5555280000000p-2, 0x1.1109820000000p-3, -0x1.b93b8a0000000p-5,  0x1.5fe45e0000000p-6,
    -0x1.0777e60000000p-7, 0x1.4a84a60000000p-9, -0x1.1f39a00000000p-11, 0x1.e77f640000000p-15,
};
inline constexpr Coefficients kTanhWide{kTanhWideF32, {}};

// erf(x) = x + x P(x^2), |x| <= 1
// f32: error 2^-29.1
inline constexpr double kErfF32[] = {
    0x1.06eba80000000p-3, -0x1.81273e0000000p-2,  0x1.ce2ce60000000p-4,  -0x1.b7f71a0000000p-6,
    0x1.53f22c0000000p-8, -0x1.a351ba0000000p-11, 0x1.47734a0000000p-14,
};
// f64: error 2^-56.3
inline constexpr double kErfF64[] = {
    0x1.06eba8214db69p-3,  -0x1.812746b037a25p-2,  0x1.ce2f21a0458d7p-4,  -0x1.b82ce31354c50p-6,
    0x1.565bcd2c60adfp-8,  -0x1.c02db9328a544p-11, 0x1.f9a3b93e63525p-14, -0x1.f4dcef7dcccc4p-17,
    0x1.ba68f9846882bp-20, -0x1.638fc880636a3p-23, 0x1.131ae99b08ae8p-26, -0x1.c49433b977e39p-30,
    0x1.3b6ada579e2bap-33,
};
inline constexpr Coefficients kErf{kErfF32, kErfF64};

// erf(x) = 1 - exp(-P(x - 1.5)), 1 <= x <= 3.95 (f32), 5.95 (f64)
// f32: error 2^-27.5
inline constexpr double kErfTailF32[] = {
    0x1.b1370a0000000p+1,  0x1.c120660000000p+1,  0x1.c908540000000p-1,   0x1.a7094c0000000p-6,
    -0x1.8a96620000000p-8, 0x1.4cfcac0000000p-10, -0x1.86dc820000000p-13,
};
// f64: error 2^-57.0
inline constexpr double kErfTailF64[] = {
    0x1.b137096b18e96p+1,   0x1.c1206279e92bdp+1,   0x1.c90827462a17ap-1,   0x1.a71a4bde01701p-6,
    -0x1.89a87b4900017p-8,  0x1.499262369bb43p-10,  -0x1.c4e86a9f4d6c4p-13, 0x1.790bc25e21ab2p-16,
    0x1.63408a3822378p-19,  -0x1.3e3583aafaa2dp-19, 0x1.b79284b0c530dp-21,  -0x1.9d9991dcf2e41p-23,
    0x1.de5b3d722b864p-26,  0x1.2deb1c1edfb6ap-30,  -0x1.467ccf5764bf5p-29, 0x1.ff2fd9cd948d9p-31,
    -0x1.fa039f8db2601p-33, 0x1.4ef8d9de3c118p-35,  -0x1.0e88e5b2e0363p-38, 0x1.91a6ff941b355p-43,
};
inline constexpr Coefficients kErfTail{kErfTailF32, kErfTailF64};

// asin(x) = x + x^3 P(x^2), |x| <= 1/2
// f32: error 2^-31.7
inline constexpr double kAsinF32[] = {
    0x1.55554c0000000p-3, 0x1.3338ac0000000p-4, 0x1.6ca7540000000p-5,
    0x1.04d3380000000p-5, 0x1.d5141a0000000p-7, 0x1.34cfb80000000p-5,
};
// f64: error 2^-63.7
inline constexpr double kAsinF64[] = {
    0x1.5555555555553p-3,  0x1.33333333339ecp-4, 0x1.6db6db6d4c001p-5,  0x1.f1c71ca70d312p-6,
    0x1.6e8b9b12ba43bp-6,  0x1.1c4f8317f9563p-6, 0x1.c9811d30a3ba9p-7,  0x1.7ba21b8277f38p-7,
    0x1.36d0336dc4b79p-7,  0x1.47ced22302b31p-7, 0x1.6ee5a16c92bc4p-11, 0x1.963068cf36a89p-6,
    -0x1.abc819bec1f60p-6, 0x1.137186417a346p-5,
};
inline constexpr Coefficients kAsin{kAsinF32, kAsinF64};

// atan(x) = x + x^3 P(x^2), |x| <= 1
// f32: error 2^-27.1
inline constexpr double kAtanF32[] = {
    -0x1.5555520000000p-2, 0x1.99981c0000000p-3,  -0x1.2476200000000p-3, 0x1.c511700000000p-4,
    -0x1.6953be0000000p-4, 0x1.150a080000000p-4,  -0x1.7080ce0000000p-5, 0x1.75305e0000000p-6,
    -0x1.e6a10e0000000p-8, 0x1.2968800000000p-10,
};
// f64: error 2^-55.9
inline constexpr double kAtanF64[] = {
    -0x1.555555555554dp-2,  0x1.9999999998c66p-3, -0x1.24924924576f1p-3,  0x1.c71c71b652537p-4,
    -0x1.745d15d2e8d41p-4,  0x1.3b139bedab8a3p-4, -0x1.1110336697a3fp-4,  0x1.e1d493208d17ap-5,
    -0x1.aeda897b7c16dp-5,  0x1.84b5162ecdab2p-5, -0x1.5f264d80b0672p-5,  0x1.39091d3c59eb5p-5,
    -0x1.0c9c7009bb58ap-5,  0x1.ac8f518a8ea65p-6, -0x1.3112e745af6a1p-6,  0x1.7305f3cb94a90p-7,
    -0x1.7006bc979b1b0p-8,  0x1.1a3668b312e3dp-9, -0x1.371afb6b81b35p-11, 0x1.b415773ea33edp-14,
    -0x1.22b1c791f6368p-17,
};
inline constexpr Coefficients kAtan{kAtanF32, kAtanF64};

// sinh(x) = x + x^3 P(x^2), |x| <= 1
// f32: error 2^-31.6
inline constexpr double kSinhF32[] = {
    0x1.5555560000000p-3,
    0x1.1110e00000000p-7,
    0x1.a022bc0000000p-13,
    0x1.756c120000000p-19,
};
// f64: error 2^-61.7
inline constexpr double kSinhF64[] = {
    0x1.5555555555556p-3,  0x1.111111111101ep-7,  0x1.a01a01a037269p-13, 0x1.71de3a3b06ee5p-19,
    0x1.ae646ff499492p-26, 0x1.6116f4f7d9268p-33, 0x1.b5c86badb9c67p-41,
};
inline constexpr Coefficients kSinh{kSinhF32, kSinhF64};

// asinh(x) = x + x^3 P(x^2), |x| <= 1/2
// f32: error 2^-29.6
inline constexpr double kAsinhF32[] = {
    -0x1.5555360000000p-3, 0x1.3324f20000000p-4,  -0x1.6b95c00000000p-5,
    0x1.cd62580000000p-6,  -0x1.b143220000000p-7,
};
// f64: error 2^-60.4
inline constexpr double kAsinhF64[] = {
    -0x1.5555555555541p-3, 0x1.3333333330749p-4, -0x1.6db6db6ba549dp-5, 0x1.f1c71ba9494b4p-6,
    -0x1.6e8b8c9bba5c3p-6, 0x1.1c4d2ef91414ap-6, -0x1.c972dcdbaf773p-7, 0x1.79418acef8af6p-7,
    -0x1.38688568f7dcbp-7, 0x1.e93a84040e4aep-8, -0x1.3712a80a92625p-8, 0x1.c23717ce3e3fbp-10,
};
inline constexpr Coefficients kAsinh{kAsinhF32, kAsinhF64};

// atanh(x) = x + x^3 P(x^2), |x| <= 1/2
// f32: error 2^-29.4
inline constexpr double kAtanhF32[] = {
    0x1.55553e0000000p-2, 0x1.99a7500000000p-3, 0x1.233dbc0000000p-3,
    0x1.e5076c0000000p-4, 0x1.9ee7220000000p-5, 0x1.6c026e0000000p-3,
};
// f64: error 2^-60.9
inline constexpr double kAtanhF64[] = {
    0x1.555555555554cp-2,  0x1.999999999b3b9p-3, 0x1.24924923c5a1cp-3,  0x1.c71c722c408bdp-4,
    0x1.745d087c32ff1p-4,  0x1.3b15167d8b418p-4, 0x1.10fa26c26ced1p-4,  0x1.e3f114003f516p-5,
    0x1.9e50aa3f08ae6p-5,  0x1.e824cb01c06e1p-5, -0x1.62bac4dc6d427p-8, 0x1.66a0cf65e62f1p-3,
    -0x1.921b3618d157dp-3, 0x1.ee17f8664b76fp-3,
};
inline constexpr Coefficients kAtanh{kAtanhF32, kAtanhF64};

// ln 2, the high part so short that its product with an exponent is exact
inline constexpr PairConstant kLn2{0x1.62e4000000000p-1, 0x1.7f7d1c0000000p-20,
                                   0x1.62e42fefa3800p-1, 0x1.ef35793c76730p-45};

// pi / 2
inline constexpr PairConstant kHalfPi{0x1.921fb40000000p+0, 0x1.4442d20000000p-24,
                                      0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54};

// log2((1 + s) / (1 - s)) = s (C0 + C1 s^2 + C2 s^4 + ...)
inline constexpr PairConstant kLog2C0{0x1.7154760000000p+1, 0x1.4ae0c00000000p-25,
                                      0x1.71547652b82fep+1, 0x1.777d0ffda0d24p-55};
inline constexpr PairConstant kLog2C1{0x1.ec709c0000000p-1, 0x1.c3a0400000000p-25,
                                      0x1.ec709dc3a03fdp-1, 0x1.d27f05548af0cp-55};
inline constexpr PairConstant kLog2C2{0x1.2776c40000000p-1, 0x1.0ef9c00000000p-25,
                                      0x1.2776c50ef9bfep-1, 0x1.e4b29ccc535d4p-55};

// pi / 2 less the two parts of kHalfPi.
inline constexpr double kHalfPiRestF32 = -0x1.ee59da0000000p-50;
inline constexpr double kHalfPiRestF64 = -0x1.f1976b7ed8fbcp-110;

// The binary digits of 2 / pi, a word of zeros before them.
inline constexpr uint32_t kTwoOverPiU32[] = {
    0, 0xa2f9836e, 0x4e441529, 0xfc2757d1, 0xf534ddc0, 0xdb629599, 0x3c439041, 0xfe5163ab,
};
inline constexpr uint64_t kTwoOverPiU64[] = {
    0,
    0xa2f9836e4e441529,
    0xfc2757d1f534ddc0,
    0xdb6295993c439041,
    0xfe5163abdebbc561,
    0xb7246e3a424dd2e0,
    0x06492eea09d1921c,
    0xfe1deb1cb129a73e,
    0xe88235f52ebb4484,
    0xe99c7026b45f7e41,
    0x3991d639835339f4,
    0x9c845f8bbdf9283b,
    0x1ff897ffde05980f,
    0xef2f118b5a0a6d1f,
    0x6d367ecf27cb09b7,
    0x4f463f669e5fea2d,
    0x7527bac7ebe5f17b,
    0x3d0739f78a5292ea,
    0x6bfb5fb11f8d5d08,
    0x56033046fc7b6bab,
};

}  // namespace ingot::lower::math

#endif  // INGOT_COMPILER_LOWER_MATH_COEFFICIENTS_H_
