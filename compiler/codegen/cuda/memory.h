// Loads and stores of kernel IR as CUDA C++, behind rows.h.
#ifndef INGOT_COMPILER_CODEGEN_CUDA_MEMORY_H_
#define INGOT_COMPILER_CODEGEN_CUDA_MEMORY_H_

namespace kernel_ir {

// ----- Memory.  Accesses are of up to 16 bytes, of whatever type the other ones are.

template <int bytes_>
struct Access;
// clang-format off
template <> struct INGOT_ACCESS(1) Access<1> { u8 word[1]; };
template <> struct INGOT_ACCESS(2) Access<2> { u16 word[1]; };
template <> struct INGOT_ACCESS(4) Access<4> { u32 word[1]; };
template <> struct INGOT_ACCESS(8) Access<8> { u32 word[2]; };
template <> struct INGOT_ACCESS(16) Access<16> { u32 word[4]; };
// clang-format on
// Of the next access: the largest power of two that fits what is left and the alignment.
static __device__ constexpr int access_bytes(int left, int alignment) {
  int bytes = 16;
  while (bytes > left || bytes > alignment) bytes /= 2;
  return bytes;
}
template <int left_, int alignment_>
INGOT_ROW void copy(u8* to, const u8* from) {
  if constexpr (left_ > 0) {
    constexpr int kBytes = access_bytes(left_, alignment_);
    using Unit = Access<kBytes>;
    *reinterpret_cast<Unit*>(to) = *reinterpret_cast<const Unit*>(from);
    copy<left_ - kBytes, alignment_>(to + kBytes, from + kBytes);
  }
}
// An element's bytes: pred is 0 or 1; sub-byte values have zeros above, or their sign.
template <typename T>
using Stored = typename Either<Of<T>::kKind == kPred, u8, T>::Type;
template <typename T>
INGOT_ROW T from_memory(Stored<T> stored) {
  if constexpr (Of<T>::kKind == kPred)
    return stored != 0;
  else if constexpr (Of<T>::kBits < 8)
    return from_bits<T>(stored.bits);
  else
    return stored;
}
template <typename T>
INGOT_ROW Stored<T> to_memory(T value) {
  if constexpr (Of<T>::kKind == kNarrowInteger) value.bits = u8(widen(value));
  return value;
}

// Elements i … of `from`, whose address has the alignment.
template <typename V, int alignment_>
INGOT_ROW V load(const Element<V>* from, s64 i) {
  using T = Element<V>;
  constexpr int kCount = Lanes<V>::kCount;
  struct alignas(16) {
    Stored<T> lane[kCount];
  } memory;
  copy<kCount * sizeof(T), alignment_>(reinterpret_cast<u8*>(memory.lane),
                                       reinterpret_cast<const u8*>(from + i));
  V value;
  INGOT_UNROLL for (int k = 0; k < kCount; ++k) lane_of(value, k) = from_memory<T>(memory.lane[k]);
  return value;
}
template <typename V, int alignment_>
INGOT_ROW void store(Element<V>* to, s64 i, V value) {
  using T = Element<V>;
  constexpr int kCount = Lanes<V>::kCount;
  struct alignas(16) {
    Stored<T> lane[kCount];
  } memory;
  INGOT_UNROLL for (int k = 0; k < kCount; ++k) memory.lane[k] = to_memory<T>(lane_of(value, k));
  copy<kCount * sizeof(T), alignment_>(reinterpret_cast<u8*>(to + i),
                                       reinterpret_cast<const u8*>(memory.lane));
}
// Lanes whose mask is false touch nothing and are zero.  Nearly always every lane is active, or
// none.
template <typename V, int alignment_>
INGOT_ROW V load(const Element<V>* from, s64 i, pred mask) {
  if (mask) return load<V, alignment_>(from, i);
  return V{};
}
template <typename V, int alignment_, int lanes_>
INGOT_ROW V load(const Element<V>* from, s64 i, vec<pred, lanes_> mask) {
  if (and_tree(mask)) return load<V, alignment_>(from, i);
  V value{};
  INGOT_UNROLL for (int k = 0; k < lanes_; ++k) {
    if (mask.lane[k]) value.lane[k] = load<Element<V>, sizeof(Element<V>)>(from, i + k);
  }
  return value;
}
template <typename V, int alignment_>
INGOT_ROW void store(Element<V>* to, s64 i, V value, pred mask) {
  if (mask) store<V, alignment_>(to, i, value);
}
template <typename V, int alignment_, int lanes_>
INGOT_ROW void store(Element<V>* to, s64 i, V value, vec<pred, lanes_> mask) {
  if (and_tree(mask)) {
    store<V, alignment_>(to, i, value);
    return;
  }
  INGOT_UNROLL for (int k = 0; k < lanes_; ++k) {
    if (mask.lane[k]) store<Element<V>, sizeof(Element<V>)>(to, i + k, value.lane[k]);
  }
}

#ifndef INGOT_CUDA_HOST
// As instructions take addresses.
INGOT_ROW u32 address_in_shared(const void* place) {
  return u32(::__cvta_generic_to_shared(place));
}
INGOT_ROW u64 address_in_global(const void* place) { return ::__cvta_generic_to_global(place); }
INGOT_ROW s32 cluster_rank() {
  s32 rank;
  asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  return rank;
}
// CUtensorMap: nobody but the copy engine reads it.
struct alignas(64) tensor_map {
  u64 words[16];
};
#endif

}  // namespace kernel_ir

#endif  // INGOT_COMPILER_CODEGEN_CUDA_MEMORY_H_
