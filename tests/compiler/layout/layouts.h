// Layouts to try laws on.
#ifndef INGOT_TESTS_COMPILER_LAYOUT_LAYOUTS_H_
#define INGOT_TESTS_COMPILER_LAYOUT_LAYOUTS_H_

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "compiler/layout/layout.h"
#include "ir/base/check.h"

namespace ingot::layout {

inline Layout Parse(absl::string_view text) {
  absl::StatusOr<Layout> layout = ParseLayout(text);
  INGOT_CHECK(layout.ok()) << std::string(layout.status().message());
  return *std::move(layout);
}

// Any images.
inline Layout RandomLayout(std::mt19937& random, std::vector<Dimension> inputs,
                           std::vector<Dimension> outputs) {
  int input_bits = 0, output_bits = 0;
  for (const Dimension& input : inputs) input_bits += input.bits;
  for (const Dimension& output : outputs) output_bits += output.bits;
  std::vector<uint64_t> images;
  for (int i = 0; i < input_bits; ++i) {
    images.push_back(random() & ((uint64_t{1} << output_bits) - 1));
  }
  return Layout(std::move(inputs), std::move(outputs), std::move(images));
}

// Every element of the outputs has a place: units in random order, each with random earlier ones
// added, and `extra` bits of the inputs that give what others give.
inline Layout RandomSurjection(std::mt19937& random, std::vector<Dimension> inputs,
                               std::vector<Dimension> outputs, int extra) {
  int bits = 0;
  for (const Dimension& output : outputs) bits += output.bits;
  std::vector<uint64_t> images;
  for (int i = 0; i < bits; ++i) {
    images.push_back((uint64_t{1} << i) ^ (random() & ((uint64_t{1} << i) - 1)));
  }
  for (int i = 0; i < extra; ++i) images.push_back(random() & ((uint64_t{1} << bits) - 1));
  std::shuffle(images.begin(), images.end(), random);
  return Layout(std::move(inputs), std::move(outputs), std::move(images));
}

}  // namespace ingot::layout

#endif  // INGOT_TESTS_COMPILER_LAYOUT_LAYOUTS_H_
