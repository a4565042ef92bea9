// Lanes: elements of any type, loaded as one of seven C++ types that loops compute in.
#ifndef INGOT_IR_EVALUATOR_LANES_H_
#define INGOT_IR_EVALUATOR_LANES_H_

#include <complex>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "ir/base/check.h"
#include "ir/base/element_type.h"

namespace ingot::evaluator {

// Elements that a loop holds as lanes at once.
inline constexpr int64_t kBlock = 512;

// Calls f(T()) with the lane type of `type`:
//   pred → bool; s2 … s64 → int64_t; u2 … u64 → uint64_t; f4 … f32 → float; f64 → double;
//   c64 → std::complex<float>; c128 → std::complex<double>
// An integer lane always holds a value of its element type, a float lane one that its type has.
template <typename F>
auto VisitLane(ElementType type, F&& f) {
  switch (Category(type)) {
    case TypeCategory::kPred:
      return f(bool());
    case TypeCategory::kSigned:
      return f(int64_t());
    case TypeCategory::kUnsigned:
      return f(uint64_t());
    case TypeCategory::kFloat:
      if (type == ElementType::kF64) return f(double());
      return f(float());
    case TypeCategory::kComplex:
      if (type == ElementType::kC64) return f(std::complex<float>());
      return f(std::complex<double>());
  }
  INGOT_UNREACHABLE() << static_cast<int>(type);
  return f(bool());
}

// The lane of `type` lies in memory as the element does: no loading is needed.
bool LaneIsStorage(ElementType type);

// lanes[i] = element number i * stride from `source` on.
void LoadLanes(ElementType type, const std::byte* source, int64_t stride, int64_t n, void* lanes);
// Element number i * stride from `target` on = lanes[i], rounded to nearest where the lane holds
// what the type does not.
void StoreLanes(ElementType type, const void* lanes, int64_t n, std::byte* target, int64_t stride);

// As LoadLanes, in a type that accumulates: double (of real types; the real part of complex ones),
// int64_t (integers, pred; u64 wraps) or std::complex<double> (every type).
template <typename T>
void LoadAs(ElementType type, const std::byte* source, int64_t stride, int64_t n, T* values);
// As StoreLanes.  Rounds once; to integers as HLO's convert does; int64_t to integers wraps.
template <typename T>
void StoreFrom(ElementType type, const T* values, int64_t n, std::byte* target, int64_t stride);

// Lanes of type `to` from lanes of type `from`, as HLO's convert: float to integer truncates and
// saturates, NaN is 0; anything to pred is x != 0; complex to real drops the imaginary part.
void ConvertLanes(ElementType from, const void* lanes, ElementType to, int64_t n, void* result);

// Brings lanes that an operation wrote back to values of `type`: wraps integers, rounds floats.
void NormalizeLanes(ElementType type, int64_t n, void* lanes);
// lanes[i] = values[i] rounded once to the float or complex type.
void RoundLanes(ElementType type, const double* values, int64_t n, void* lanes);
void RoundLanes(ElementType type, const std::complex<double>* values, int64_t n, void* lanes);

}  // namespace ingot::evaluator

#endif  // INGOT_IR_EVALUATOR_LANES_H_
