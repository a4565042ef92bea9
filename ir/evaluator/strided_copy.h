// Copies between strided views of two arrays: all of data movement but its edges.
#ifndef INGOT_IR_EVALUATOR_STRIDED_COPY_H_
#define INGOT_IR_EVALUATOR_STRIDED_COPY_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ir/evaluator/context.h"

namespace ingot::evaluator {

// For every index i of `sizes`:
//   target[target_offset + Σ target_strides[d] * i[d]] = source[source_offset + Σ source_strides[d]
//   * i[d]]
// Offsets and strides count elements of `width` bytes: 1, 2, 4, 8 or 16.
struct StridedCopy {
  std::vector<int64_t> sizes;
  int64_t width = 0;
  std::byte* target = nullptr;
  int64_t target_offset = 0;
  std::vector<int64_t> target_strides;
  const std::byte* source = nullptr;
  int64_t source_offset = 0;
  std::vector<int64_t> source_strides;
};
void Run(const StridedCopy& copy, Context& context);

// The same copy in as few dimensions as do, at least one; offsets may be changed afterwards.
StridedCopy Collapsed(const StridedCopy& copy);
// Runs what Collapsed returned, on this thread.
void RunCollapsed(const StridedCopy& copy);

// The offset of index `number`, counted in row-major order of `sizes`: Σ strides[d] * index[d].
int64_t OffsetOf(int64_t number, const std::vector<int64_t>& sizes,
                 const std::vector<int64_t>& strides);

// Steps through the indices of `sizes` in row-major order, and keeps Σ strides[d] * index[d] for
// each of a few stride vectors.
class Odometer {
 public:
  Odometer(std::vector<int64_t> sizes, std::vector<std::vector<int64_t>> strides,
           int64_t first_number = 0);

  const std::vector<int64_t>& index() const { return index_; }
  int64_t offset(int k) const { return offsets_[k]; }
  // To the next index; after the last one to the first.
  void Next();

 private:
  std::vector<int64_t> sizes_;
  std::vector<std::vector<int64_t>> strides_;
  std::vector<int64_t> index_;
  std::vector<int64_t> offsets_;
};

}  // namespace ingot::evaluator

#endif  // INGOT_IR_EVALUATOR_STRIDED_COPY_H_
