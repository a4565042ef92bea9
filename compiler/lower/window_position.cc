#include "compiler/lower/window_position.h"

namespace ingot::lower {

using kernel::Value;

Value WindowPosition(IndexMath& math, const WindowDimension& window, Value output, Value tap) {
  return math.Add(
      math.b().Add(math.Mul(output, window.stride), math.Mul(tap, window.window_dilation)),
      -window.padding_low);
}

Value IsInside(IndexMath& math, const WindowDimension& window, int64_t base, Value position) {
  kernel::Builder& b = math.b();
  const int64_t span = (base - 1) * window.base_dilation + 1;
  Value inside = b.And(b.Ge(position, math.Const(0)), b.Lt(position, math.Const(span)));
  if (window.base_dilation > 1) {
    inside = b.And(inside, b.Eq(math.Rem(position, window.base_dilation), math.Const(0)));
  }
  return inside;
}

Value Nearest(IndexMath& math, Value position, int64_t size) {
  return math.b().Max(math.b().Min(position, math.Const(size - 1)), math.Const(0));
}

bool CountsPadding(const Instruction& convolution) {
  const ElementType type = convolution.shape().element_type();
  return IsFloat(type) || IsComplex(type);
}

}  // namespace ingot::lower
