#include "compiler/layout/layout.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "compiler/layout/subspace.h"
#include "ir/base/check.h"

namespace ingot::layout {
namespace {

int BitsOf(absl::Span<const Dimension> dimensions) {
  int bits = 0;
  for (const Dimension& dimension : dimensions) bits += dimension.bits;
  return bits;
}

uint64_t LowBits(int bits) { return (uint64_t{1} << bits) - 1; }

void CheckDimensions(absl::Span<const Dimension> dimensions) {
  for (size_t i = 0; i < dimensions.size(); ++i) {
    INGOT_CHECK(dimensions[i].bits >= 0) << dimensions[i].name << ": " << dimensions[i].bits;
    for (size_t k = 0; k < i; ++k) {
      INGOT_CHECK(dimensions[i].name != dimensions[k].name) << dimensions[i].name << " twice";
    }
  }
  INGOT_CHECK(BitsOf(dimensions) <= kMaxBits) << BitsOf(dimensions) << " bits";
}

// The bits of the dimension called `name` in a number: {0, 0} where there is none.
struct Field {
  int first = 0;
  int bits = 0;
};
Field FieldOf(absl::Span<const Dimension> dimensions, absl::string_view name) {
  int first = 0;
  for (const Dimension& dimension : dimensions) {
    if (dimension.name == name) return {first, dimension.bits};
    first += dimension.bits;
  }
  return {};
}

// low's dimensions, then those that only high has; bits added.
std::vector<Dimension> Joined(absl::Span<const Dimension> low, absl::Span<const Dimension> high) {
  std::vector<Dimension> joined(low.begin(), low.end());
  for (const Dimension& dimension : high) {
    const auto found = std::ranges::find(joined, dimension.name, &Dimension::name);
    if (found == joined.end()) {
      joined.push_back(dimension);
    } else {
      found->bits += dimension.bits;
    }
  }
  return joined;
}

// A number over `from`, moved to the places of those dimensions in `to`, above their first
// skip(name) bits.
template <typename Skip>
uint64_t Moved(uint64_t value, absl::Span<const Dimension> from, absl::Span<const Dimension> to,
               const Skip& skip) {
  uint64_t moved = 0;
  for (const Dimension& dimension : from) {
    const uint64_t index = value & LowBits(dimension.bits);
    value >>= dimension.bits;
    moved |= index << (FieldOf(to, dimension.name).first + skip(dimension.name));
  }
  return moved;
}

}  // namespace

Layout::Layout(std::vector<Dimension> inputs, std::vector<Dimension> outputs,
               std::vector<uint64_t> images)
    : inputs_(std::move(inputs)), outputs_(std::move(outputs)), images_(std::move(images)) {
  CheckDimensions(inputs_);
  CheckDimensions(outputs_);
  INGOT_CHECK(BitsOf(inputs_) == input_bits())
      << input_bits() << " images of " << BitsOf(inputs_) << " bits";
  for (uint64_t image : images_) {
    INGOT_CHECK((image >> output_bits()) == 0)
        << "image " << image << " in " << output_bits() << " bits";
  }
}

Layout Layout::Identity(absl::string_view input, absl::string_view output, int bits) {
  std::vector<uint64_t> images;
  for (int bit = 0; bit < bits; ++bit) images.push_back(uint64_t{1} << bit);
  return Layout({{std::string(input), bits}}, {{std::string(output), bits}}, std::move(images));
}

Layout Layout::Zero(absl::string_view input, absl::string_view output, int bits) {
  return Layout({{std::string(input), bits}}, {{std::string(output), 0}},
                std::vector<uint64_t>(bits, 0));
}

int Layout::output_bits() const { return BitsOf(outputs_); }

absl::Span<const uint64_t> Layout::ImagesOf(absl::string_view input) const {
  const Field field = FieldOf(inputs_, input);
  return images().subspan(field.first, field.bits);
}

uint64_t Layout::Map(uint64_t input) const {
  INGOT_CHECK((input >> input_bits()) == 0) << input;
  uint64_t output = 0;
  for (; input != 0; input &= input - 1) output ^= images_[std::countr_zero(input)];
  return output;
}

std::vector<int64_t> Layout::At(absl::Span<const int64_t> indices) const {
  INGOT_CHECK(indices.size() == inputs_.size()) << indices.size() << " indices";
  uint64_t input = 0;
  int first = 0;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    const auto index = static_cast<uint64_t>(indices[i]);
    INGOT_CHECK((index >> inputs_[i].bits) == 0) << inputs_[i].name << " " << indices[i];
    input |= index << first;
    first += inputs_[i].bits;
  }
  uint64_t output = Map(input);
  std::vector<int64_t> result;
  for (const Dimension& dimension : outputs_) {
    result.push_back(static_cast<int64_t>(output & LowBits(dimension.bits)));
    output >>= dimension.bits;
  }
  return result;
}

bool Layout::IsInjective() const { return Subspace(images_).dimension() == input_bits(); }
bool Layout::IsSurjective() const { return Subspace(images_).dimension() == output_bits(); }

Layout Layout::WithOutputs(std::vector<Dimension> outputs) const {
  INGOT_CHECK(BitsOf(outputs) == output_bits()) << BitsOf(outputs) << " bits";
  return Layout(inputs_, std::move(outputs), images_);
}

Layout Layout::WithInputs(std::vector<Dimension> inputs) const {
  return Layout(std::move(inputs), outputs_, images_);
}

Layout Compose(const Layout& outer, const Layout& inner) {
  INGOT_CHECK(outer.inputs() == inner.outputs())
      << ToString(outer) << " does not take what " << ToString(inner) << " gives";
  std::vector<uint64_t> images;
  for (uint64_t image : inner.images()) images.push_back(outer.Map(image));
  return Layout(inner.inputs(), outer.outputs(), std::move(images));
}

std::optional<Layout> Invert(const Layout& layout) {
  Subspace span;
  std::vector<uint64_t> bits;  // of the inputs, those whose images are the basis of the span
  for (int bit = 0; bit < layout.input_bits(); ++bit) {
    if (span.Add(layout.images()[bit])) bits.push_back(uint64_t{1} << bit);
  }
  std::vector<uint64_t> images;
  for (int bit = 0; bit < layout.output_bits(); ++bit) {
    const std::optional<uint64_t> sum = span.Solve(uint64_t{1} << bit);
    if (!sum.has_value()) return std::nullopt;
    uint64_t image = 0;
    for (size_t i = 0; i < bits.size(); ++i) {
      if ((*sum >> i) & 1) image |= bits[i];
    }
    images.push_back(image);
  }
  return Layout(layout.outputs(), layout.inputs(), std::move(images));
}

Layout Product(const Layout& low, const Layout& high) {
  std::vector<Dimension> inputs = Joined(low.inputs(), high.inputs());
  std::vector<Dimension> outputs = Joined(low.outputs(), high.outputs());
  const auto nothing = [](absl::string_view) { return 0; };
  const auto above = [&](absl::string_view name) { return FieldOf(low.outputs(), name).bits; };
  std::vector<uint64_t> images;
  for (const Dimension& input : inputs) {
    for (uint64_t image : low.ImagesOf(input.name)) {
      images.push_back(Moved(image, low.outputs(), outputs, nothing));
    }
    for (uint64_t image : high.ImagesOf(input.name)) {
      images.push_back(Moved(image, high.outputs(), outputs, above));
    }
  }
  return Layout(std::move(inputs), std::move(outputs), std::move(images));
}

// Each dimension's bits are low's, then the quotient's: each part must map to its own.
std::optional<Layout> Divide(const Layout& layout, const Layout& low) {
  const auto rest = [](absl::Span<const Dimension> all,
                       absl::Span<const Dimension> taken) -> std::optional<std::vector<Dimension>> {
    for (const Dimension& dimension : taken) {
      if (FieldOf(all, dimension.name).bits < dimension.bits) return std::nullopt;
    }
    std::vector<Dimension> left(all.begin(), all.end());
    for (Dimension& dimension : left) dimension.bits -= FieldOf(taken, dimension.name).bits;
    return left;
  };
  const auto inputs = rest(layout.inputs(), low.inputs());
  const auto outputs = rest(layout.outputs(), low.outputs());
  if (!inputs.has_value() || !outputs.has_value()) return std::nullopt;
  const auto nothing = [](absl::string_view) { return 0; };
  const auto above = [&](absl::string_view name) { return FieldOf(low.outputs(), name).bits; };
  std::vector<uint64_t> images;
  for (const Dimension& input : *inputs) {
    const absl::Span<const uint64_t> all = layout.ImagesOf(input.name);
    const absl::Span<const uint64_t> of_low = low.ImagesOf(input.name);
    for (size_t bit = 0; bit < of_low.size(); ++bit) {
      if (all[bit] != Moved(of_low[bit], low.outputs(), layout.outputs(), nothing)) {
        return std::nullopt;
      }
    }
    for (uint64_t image : all.subspan(of_low.size())) {
      uint64_t part = 0;
      for (const Dimension& output : *outputs) {
        const Field whole = FieldOf(layout.outputs(), output.name);
        const uint64_t index = (image >> whole.first) & LowBits(whole.bits);
        part |= (index >> (whole.bits - output.bits)) << FieldOf(*outputs, output.name).first;
      }
      if (image != Moved(part, *outputs, layout.outputs(), above)) return std::nullopt;
      images.push_back(part);
    }
  }
  return Layout(*inputs, *outputs, std::move(images));
}

}  // namespace ingot::layout
