// Random numbers: none is lowered yet.
#include "compiler/lower/emitter.h"

namespace ingot::lower {

Elements EmitRandom(ElementEmitter& e, const Instruction& instruction, const Index&) {
  e.Unsupported(instruction, "random numbers are not lowered");
  return {};
}

}  // namespace ingot::lower
