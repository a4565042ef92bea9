// Kernels of the tests, in the calling convention of runtime/host/kernel_abi.h.  Compiled by a
// genrule to the kind of object that a program file holds.
#include <stdint.h>

#define BUFFER(type, i) ((type*)(uintptr_t)arguments[i])

// out[i] = a[i] + b[i], one element a task.
void add(const uint64_t* arguments, int64_t begin, int64_t end) {
  const float *a = BUFFER(const float, 0), *b = BUFFER(const float, 1);
  float* out = BUFFER(float, 2);
  for (int64_t i = begin; i < end; ++i) out[i] = a[i] + b[i];
}

// Read-only data and a call: relocations into another section and within one.
static const float kTable[8] = {1, 2, 4, 8, 16, 32, 64, 128};
float twice(float x) __attribute__((noinline, visibility("hidden")));
float twice(float x) { return 2 * x; }

// out[i] = 2 * table[i % 8]
void table(const uint64_t* arguments, int64_t begin, int64_t end) {
  float* out = BUFFER(float, 0);
  for (int64_t i = begin; i < end; ++i) out[i] = twice(kTable[i % 8]);
}

// A switch that becomes a table of addresses.
void choose(const uint64_t* arguments, int64_t begin, int64_t end) {
  int32_t* out = BUFFER(int32_t, 0);
  for (int64_t i = begin; i < end; ++i) {
    switch (out[i]) {
      case 0:
        out[i] = 17;
        break;
      case 1:
        out[i] = -4;
        break;
      case 2:
        out[i] = 1234567;
        break;
      case 3:
        out[i] = 0;
        break;
      case 4:
        out[i] = 99;
        break;
      case 5:
        out[i] = 5 * (int32_t)i;
        break;
      default:
        out[i] = -1;
        break;
    }
  }
}

// counter (s32) += scalar; predicate (u8) = counter < limit
void count(const uint64_t* arguments, int64_t begin, int64_t end) {
  if (begin >= end) return;
  *BUFFER(int32_t, 0) += (int32_t)arguments[1];
}
void less(const uint64_t* arguments, int64_t begin, int64_t end) {
  if (begin >= end) return;
  *BUFFER(uint8_t, 2) = *BUFFER(int32_t, 0) < (int32_t)arguments[1];
}

// Plain dot, the fallback of a library call: out[m, n] = a[m, k] b[k, n]; sizes are scalars.
void dot(const uint64_t* arguments, int64_t begin, int64_t end) {
  const float *a = BUFFER(const float, 0), *b = BUFFER(const float, 1);
  float* out = BUFFER(float, 2);
  const int64_t n = (int64_t)arguments[3], k = (int64_t)arguments[4];
  for (int64_t row = begin; row < end; ++row) {
    for (int64_t column = 0; column < n; ++column) {
      float sum = 0;
      for (int64_t i = 0; i < k; ++i) sum += a[row * k + i] * b[i * n + column];
      out[row * n + column] = sum;
    }
  }
}
