#include "ir/evaluator/strided_copy.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace ingot::evaluator {
namespace {

struct Bytes16 {
  uint64_t low, high;
};

template <typename T>
void CopyLine(std::byte* target, int64_t target_stride, const std::byte* source,
              int64_t source_stride, int64_t n) {
  T* to = reinterpret_cast<T*>(target);
  const T* from = reinterpret_cast<const T*>(source);
  if (target_stride == 1 && source_stride == 1) {
    std::memcpy(to, from, n * sizeof(T));
  } else if (target_stride == 1 && source_stride == 0) {
    for (int64_t i = 0; i < n; ++i) to[i] = *from;
  } else {
    for (int64_t i = 0; i < n; ++i) to[i * target_stride] = from[i * source_stride];
  }
}

auto LineCopier(int64_t width) {
  switch (width) {
    case 1:
      return &CopyLine<uint8_t>;
    case 2:
      return &CopyLine<uint16_t>;
    case 4:
      return &CopyLine<uint32_t>;
    case 8:
      return &CopyLine<uint64_t>;
    default:
      return &CopyLine<Bytes16>;
  }
}

}  // namespace

int64_t OffsetOf(int64_t number, const std::vector<int64_t>& sizes,
                 const std::vector<int64_t>& strides) {
  int64_t offset = 0;
  for (size_t d = sizes.size(); d-- > 0;) {
    const int64_t size =
        std::max<int64_t>(sizes[d], 1);  // of an empty space the start is asked too
    offset += number % size * strides[d];
    number /= size;
  }
  return offset;
}

Odometer::Odometer(std::vector<int64_t> sizes, std::vector<std::vector<int64_t>> strides,
                   int64_t first_number)
    : sizes_(std::move(sizes)), strides_(std::move(strides)), index_(sizes_.size(), 0) {
  for (const std::vector<int64_t>& of : strides_) {
    offsets_.push_back(OffsetOf(first_number, sizes_, of));
  }
  for (size_t d = sizes_.size(); d-- > 0;) {
    const int64_t size = std::max<int64_t>(sizes_[d], 1);
    index_[d] = first_number % size;
    first_number /= size;
  }
}

void Odometer::Next() {
  for (size_t d = sizes_.size(); d-- > 0;) {
    const bool carries = ++index_[d] == sizes_[d];
    for (size_t k = 0; k < strides_.size(); ++k) {
      offsets_[k] += carries ? strides_[k][d] * (1 - sizes_[d]) : strides_[k][d];
    }
    if (!carries) return;
    index_[d] = 0;
  }
}

// Drops dimensions of size 1, and joins neighbours that both sides step through as one.
StridedCopy Collapsed(const StridedCopy& copy) {
  StridedCopy result = copy;
  result.sizes.clear();
  result.target_strides.clear();
  result.source_strides.clear();
  for (size_t d = 0; d < copy.sizes.size(); ++d) {
    const int64_t size = copy.sizes[d];
    if (size == 1) continue;
    if (!result.sizes.empty() && result.target_strides.back() == copy.target_strides[d] * size &&
        result.source_strides.back() == copy.source_strides[d] * size) {
      result.sizes.back() *= size;
      result.target_strides.back() = copy.target_strides[d];
      result.source_strides.back() = copy.source_strides[d];
      continue;
    }
    result.sizes.push_back(size);
    result.target_strides.push_back(copy.target_strides[d]);
    result.source_strides.push_back(copy.source_strides[d]);
  }
  if (result.sizes.empty()) result.sizes = result.target_strides = result.source_strides = {1};
  return result;
}

namespace {

// Lines [begin, end) along the last dimension.
void RunLines(const StridedCopy& copy, int64_t begin, int64_t end) {
  const auto but_last = [](const std::vector<int64_t>& list) {
    return std::vector<int64_t>(list.begin(), list.end() - 1);
  };
  const auto copy_line = LineCopier(copy.width);
  Odometer at(but_last(copy.sizes), {but_last(copy.target_strides), but_last(copy.source_strides)},
              begin);
  for (int64_t i = begin; i < end; ++i, at.Next()) {
    copy_line(copy.target + (copy.target_offset + at.offset(0)) * copy.width,
              copy.target_strides.back(),
              copy.source + (copy.source_offset + at.offset(1)) * copy.width,
              copy.source_strides.back(), copy.sizes.back());
  }
}

}  // namespace

void RunCollapsed(const StridedCopy& copy) {
  const int64_t count = Product(copy.sizes);
  if (count > 0) RunLines(copy, 0, count / copy.sizes.back());
}

void Run(const StridedCopy& full, Context& context) {
  const StridedCopy copy = Collapsed(full);
  const int64_t count = Product(copy.sizes);
  if (count == 0) return;
  context.ParallelFor(count / copy.sizes.back(), copy.sizes.back(),
                      [&](int64_t begin, int64_t end) { RunLines(copy, begin, end); });
}

}  // namespace ingot::evaluator
