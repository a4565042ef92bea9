// The vocabulary of kernel IR: value types, address spaces, scopes, memory orders.
#ifndef INGOT_COMPILER_KERNEL_TYPES_H_
#define INGOT_COMPILER_KERNEL_TYPES_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "ir/base/element_type.h"

namespace ingot::kernel {

inline constexpr int kMaxLanes = 64;
inline constexpr int kWarpSize = 32;
inline constexpr int kWarpgroupSize = 128;

// The type of a value: `lanes` elements side by side.  A mask is a vector of pred.  The result of
// an operation that yields nothing has no lanes.  Complex elements never appear.
struct Type {
  ElementType element = ElementType::kPred;
  int lanes = 0;

  static constexpr Type None() { return Type{}; }
  static constexpr Type Scalar(ElementType element) { return Type{element, 1}; }
  static constexpr Type Vector(ElementType element, int lanes) { return Type{element, lanes}; }

  bool IsNone() const { return lanes == 0; }
  bool IsScalar() const { return lanes == 1; }
  bool IsVector() const { return lanes > 1; }
  Type WithElement(ElementType other) const { return Type{other, lanes}; }
  Type WithLanes(int other) const { return Type{element, other}; }
  // The mask that goes with this type: pred with as many lanes.
  Type Mask() const { return Type{ElementType::kPred, lanes}; }
  // Bytes in memory: lanes × ByteWidth(element).
  int ByteSize() const { return lanes * ByteWidth(element); }

  bool operator==(const Type&) const = default;
  template <typename H>
  friend H AbslHashValue(H h, const Type& t) {
    return H::combine(std::move(h), t.element, t.lanes);
  }

  // "f32", "f32x4", "none".
  std::string ToString() const;
};

inline constexpr Type kPred = Type::Scalar(ElementType::kPred);
inline constexpr Type kS32 = Type::Scalar(ElementType::kS32);
inline constexpr Type kS64 = Type::Scalar(ElementType::kS64);
inline constexpr Type kU32 = Type::Scalar(ElementType::kU32);
inline constexpr Type kU64 = Type::Scalar(ElementType::kU64);
inline constexpr Type kF32 = Type::Scalar(ElementType::kF32);
inline constexpr Type kF64 = Type::Scalar(ElementType::kF64);

// "f32x4" → {f32, 4}; nullopt for what is not a type of a value (c64, f32x65).
std::optional<Type> TypeFromName(absl::string_view name);

// Sets of element types, for the columns of ops.def and intrinsics.def.
enum TypeSet : uint8_t {
  kSetNone = 0,
  kSetPred = 1,
  kSetSigned = 2,    // s8 … s64
  kSetUnsigned = 4,  // u8 … u64
  kSetHalf = 8,      // f16, bf16
  kSetSingle = 16,   // f32
  kSetDouble = 32,   // f64
  kSetStorage = 64,  // sub-byte integers, f4, f6, f8: values that are only moved and converted
  kSetInteger = kSetSigned | kSetUnsigned,
  kSetWide = kSetSingle | kSetDouble,
  kSetFloat = kSetHalf | kSetWide,
  kSetNumber = kSetInteger | kSetFloat,
  kSetAny = kSetNumber | kSetPred | kSetStorage,
};
// The one-bit set that `type` belongs to; kSetNone for complex types.
TypeSet TypeSetOf(ElementType type);

// Each list below is an enumeration and its spelling in the text form; NameOf and <Enum>FromName
// come from it.
#define INGOT_KERNEL_SPACES(X)                               \
  X(kGlobal, "global")                                       \
  X(kShared, "shared")                                       \
  X(kCluster, "cluster") /* another block's shared memory */ \
  X(kConstant, "constant")                                   \
  X(kLocal, "local")

// Execution scopes, the smallest first; used for uniformity and for who must execute an operation
// together.
#define INGOT_KERNEL_SCOPES(X) \
  X(kThread, "thread")         \
  X(kWarp, "warp")             \
  X(kWarpgroup, "warpgroup")   \
  X(kBlock, "block")           \
  X(kCluster, "cluster")       \
  X(kGrid, "grid")

// Who sees an ordered memory access in its order.
#define INGOT_KERNEL_MEMORY_SCOPES(X) \
  X(kBlock, "block")                  \
  X(kCluster, "cluster")              \
  X(kGpu, "gpu")                      \
  X(kSystem, "system")

// kPlain is not atomic.  kAcquire is for loads, kRelease for stores, kAcquireRelease for atomics.
#define INGOT_KERNEL_ORDERS(X) \
  X(kPlain, "plain")           \
  X(kRelaxed, "relaxed")       \
  X(kAcquire, "acquire")       \
  X(kRelease, "release")       \
  X(kAcquireRelease, "acquire_release")

// Hints that change no result: kStream is read or written once, kKeep will be wanted again,
// kReadOnly may go through the read-only path (nobody writes the bytes while the kernel runs).
#define INGOT_KERNEL_CACHES(X) \
  X(kDefault, "default")       \
  X(kStream, "stream")         \
  X(kKeep, "keep")             \
  X(kReadOnly, "read_only")

#define INGOT_KERNEL_ATOMICS(X) \
  X(kAdd, "add")                \
  X(kMin, "min")                \
  X(kMax, "max")                \
  X(kAnd, "and")                \
  X(kOr, "or")                  \
  X(kXor, "xor")                \
  X(kExchange, "exchange")      \
  X(kCompareExchange, "compare_exchange")

#define INGOT_ENUMERATOR(enumerator, name) enumerator,
enum class Space : uint8_t { INGOT_KERNEL_SPACES(INGOT_ENUMERATOR) };
enum class Scope : uint8_t { INGOT_KERNEL_SCOPES(INGOT_ENUMERATOR) };
enum class MemoryScope : uint8_t { INGOT_KERNEL_MEMORY_SCOPES(INGOT_ENUMERATOR) };
enum class Order : uint8_t { INGOT_KERNEL_ORDERS(INGOT_ENUMERATOR) };
enum class Cache : uint8_t { INGOT_KERNEL_CACHES(INGOT_ENUMERATOR) };
enum class AtomicKind : uint8_t { INGOT_KERNEL_ATOMICS(INGOT_ENUMERATOR) };
#undef INGOT_ENUMERATOR

absl::string_view NameOf(Space space);
absl::string_view NameOf(Scope scope);
absl::string_view NameOf(MemoryScope scope);
absl::string_view NameOf(Order order);
absl::string_view NameOf(Cache cache);
absl::string_view NameOf(AtomicKind kind);
std::optional<MemoryScope> MemoryScopeFromName(absl::string_view name);
std::optional<Order> OrderFromName(absl::string_view name);
std::optional<Cache> CacheFromName(absl::string_view name);
std::optional<AtomicKind> AtomicKindFromName(absl::string_view name);

// What a machine a kernel is written for.
enum class Machine : uint8_t {
  kGpu,   // threads in blocks in a grid
  kHost,  // tasks of one thread each
};

}  // namespace ingot::kernel

#endif  // INGOT_COMPILER_KERNEL_TYPES_H_
