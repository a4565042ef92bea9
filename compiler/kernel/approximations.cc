#include "compiler/kernel/approximations.h"

#include <cmath>

#include "compiler/kernel/arithmetic.h"

namespace ingot::kernel {
namespace {

constexpr ApproximateRow kApproximateRows[] = {
    {Intrinsic::kExp2ApproxFtz, [](double x) { return std::exp2(x); }, true, 2, 0},
    {Intrinsic::kRcpApproxFtz, [](double x) { return 1 / x; }, true, 1, 0},
    // 2^-22.9
    {Intrinsic::kRsqrtApprox, [](double x) { return 1 / std::sqrt(x); }, false, 0, 1.2776535e-7},
};

double Flush(double x) { return std::fabs(x) < 0x1p-126 ? std::copysign(0.0, x) : x; }

}  // namespace

absl::Span<const ApproximateRow> ApproximateRows() { return kApproximateRows; }

const ApproximateRow* FindApproximateRow(Intrinsic intrinsic) {
  for (const ApproximateRow& row : kApproximateRows) {
    if (row.intrinsic == intrinsic) return &row;
  }
  return nullptr;
}

uint64_t EvaluateApproximateRow(const ApproximateRow& row, uint64_t bits) {
  const double x = FloatValue(ElementType::kF32, bits);
  const double value = row.function(row.flushes ? Flush(x) : x);
  const uint64_t rounded = FloatBits(ElementType::kF32, value);
  if (!row.flushes) return rounded;
  return FloatBits(ElementType::kF32, Flush(FloatValue(ElementType::kF32, rounded)));
}

}  // namespace ingot::kernel
