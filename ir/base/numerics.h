// How closely compiled code follows the graph's arithmetic.
#ifndef INGOT_IR_BASE_NUMERICS_H_
#define INGOT_IR_BASE_NUMERICS_H_

#include <cstdint>

namespace ingot {

#define INGOT_NUMERICS(X)                                                                          \
  /* On GPUs: within each operation's bound, by approximate instructions where they keep it;       \
     bf16 and f16 values stay in f32 inside a kernel where nobody can tell.  On hosts: as          \
     kStrict. */                                                                                   \
  X(kDefault, "default")                                                                           \
  /* Each operation is rounded as the interpreter does; elementary functions and quotients are the \
     same bits on every target. */                                                                 \
  X(kStrict, "strict")

enum class Numerics : uint8_t {
#define INGOT_ENUMERATOR(enumerator, name) enumerator,
  INGOT_NUMERICS(INGOT_ENUMERATOR)
#undef INGOT_ENUMERATOR
};

}  // namespace ingot

#endif  // INGOT_IR_BASE_NUMERICS_H_
