// Layout: which element of a tile a register of a lane of a warp has, or where in shared memory an
// element lies.
//
// A map of integers whose bits are linear over GF(2): the image of an index is the exclusive or of
// the images of its bits.  Extents are powers of two.  Distributions over registers, lanes, warps
// and blocks, fragments of matrix instructions, transposes, broadcasts and XOR swizzles are such
// maps, and composition, inverse and quotient of two of them are such maps again (Zhou et al. 2025,
// "Linear Layouts: Robust Code Generation of Efficient Tensor Computation Using F2",
// arXiv:2505.23819).
//
//   register: (0,1); lane: (0,2) (0,4) (1,0) (2,0) (4,0) -> row: 8, column: 8
//
// Register 1 of lane 9, which is 1 + 8, has (0,1) ^ (0,2) ^ (2,0): row 2, column 3.
#ifndef INGOT_COMPILER_LAYOUT_LAYOUT_H_
#define INGOT_COMPILER_LAYOUT_LAYOUT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace ingot::layout {

// Bits of all inputs together, and of all outputs.
inline constexpr int kMaxBits = 62;

// The names of inputs that this folder knows.
inline constexpr absl::string_view kRegister = "register";
inline constexpr absl::string_view kLane = "lane";
inline constexpr absl::string_view kWarp = "warp";
inline constexpr absl::string_view kBlock = "block";

// An index of 2^bits values.
struct Dimension {
  std::string name;  // letters, digits and _
  int bits = 0;
  bool operator==(const Dimension&) const = default;
};

// All indices of one side as one number: the first dimension has the lowest bits.
class Layout {
 public:
  // images[i]: of bit i of the inputs, as bits of the outputs.  Names differ within a side.
  Layout(std::vector<Dimension> inputs, std::vector<Dimension> outputs,
         std::vector<uint64_t> images);
  // One dimension to one: bit i to bit i.
  static Layout Identity(absl::string_view input, absl::string_view output, int bits);
  // Every index to 0 of an output of one value: a broadcast.
  static Layout Zero(absl::string_view input, absl::string_view output, int bits);

  const std::vector<Dimension>& inputs() const { return inputs_; }
  const std::vector<Dimension>& outputs() const { return outputs_; }
  int input_bits() const { return static_cast<int>(images_.size()); }
  int output_bits() const;
  absl::Span<const uint64_t> images() const { return images_; }
  // Of one input's bits; none where there is no such input.
  absl::Span<const uint64_t> ImagesOf(absl::string_view input) const;

  uint64_t Map(uint64_t input) const;
  // One index a dimension.
  std::vector<int64_t> At(absl::Span<const int64_t> indices) const;

  // No two inputs have one image; every output has an input.
  bool IsInjective() const;
  bool IsSurjective() const;

  // The same map with its output or input bits grouped otherwise: as many bits in all.
  Layout WithOutputs(std::vector<Dimension> outputs) const;
  Layout WithInputs(std::vector<Dimension> inputs) const;

  // Dimensions and images.
  bool operator==(const Layout&) const = default;

 private:
  std::vector<Dimension> inputs_;
  std::vector<Dimension> outputs_;
  std::vector<uint64_t> images_;
};

// x → outer(inner(x)).  Inner's outputs are outer's inputs, by name, order and bits.
Layout Compose(const Layout& outer, const Layout& inner);

// R with Compose(layout, R) the identity; where `layout` is injective too, the inverse.  Of several
// inputs with one image it takes the one that is made of the first bits.  nullopt where `layout` is
// not surjective.
std::optional<Layout> Invert(const Layout& layout);

// `low` for the low bits of each dimension, `high` for those above: an input or output that both
// have gets the bits of both.  (high × low is the Kronecker product of index maps.)
Layout Product(const Layout& low, const Layout& high);

// H such that Product(low, H) is `layout`, but for the order of dimensions; nullopt where there is
// none.  It has all dimensions of `layout`, in their order.
std::optional<Layout> Divide(const Layout& layout, const Layout& low);

// The text above, and back.  InvalidArgument, with the place, for what is no layout.
std::string ToString(const Layout& layout);
absl::StatusOr<Layout> ParseLayout(absl::string_view text);

}  // namespace ingot::layout

#endif  // INGOT_COMPILER_LAYOUT_LAYOUT_H_
