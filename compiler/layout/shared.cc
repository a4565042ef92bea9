#include "compiler/layout/shared.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "compiler/layout/subspace.h"
#include "ir/base/check.h"

namespace ingot::layout {
namespace {

constexpr int kWordBits = 2;    // of a byte's address: its place in the word
constexpr int kRowBits = 7;     // its place in the 32 banks
constexpr int kVectorBits = 4;  // the widest vector has 16 bytes

int Log2(int bytes) {
  INGOT_CHECK(bytes >= 1 && bytes <= 16 && std::has_single_bit(static_cast<unsigned>(bytes)))
      << bytes << " bytes";
  return std::countr_zero(static_cast<unsigned>(bytes));
}

// Of a warp's lanes, the images of those that access memory at once, in vectors of 2^vector bytes.
absl::Span<const uint64_t> LanesAtOnce(const Layout& layout, int vector) {
  const absl::Span<const uint64_t> lanes = layout.ImagesOf(kLane);
  const size_t at_once = std::min(5, kRowBits - vector);
  return lanes.subspan(0, std::min(lanes.size(), at_once));
}

// Adds vectors of the space of `bits` bits until it has `dimension`.
void Extend(Subspace& space, int dimension, int bits) {
  for (int bit = 0; bit < bits && space.dimension() < dimension; ++bit) {
    space.Add(uint64_t{1} << bit);
  }
}

// What a vector of `access` and lanes that go at once span, filled up to a row of all banks.
Subspace RowOf(const Layout& access, const Subspace& low, int vector, int element, int bits) {
  Subspace row = low;
  for (uint64_t image : LanesAtOnce(access, vector)) row.Add(image);
  Extend(row, std::min(bits, kRowBits - element), bits);
  return row;
}

// Of the registers' images in `from`, as many as fit a vector are added.
void AddVector(Subspace& low, absl::Span<const uint64_t> from, int most) {
  for (uint64_t image : from) {
    if (low.dimension() < most) low.Add(image);
  }
}

}  // namespace

int VectorBytes(const Layout& access, int element_bytes) {
  const Subspace registers(access.ImagesOf(kRegister));
  int bits = Log2(element_bytes);
  const int element = bits;
  while (bits < kVectorBits && registers.Contains(uint64_t{1} << (bits - element))) ++bits;
  return 1 << bits;
}

// What lanes and vectors span, in bytes: it has 2^(rank of the words) words, as many in each of the
// 2^(rank of the banks) banks.
int BankConflicts(const Layout& access, int element_bytes, int vector_bytes) {
  INGOT_CHECK(vector_bytes >= element_bytes && vector_bytes <= VectorBytes(access, element_bytes))
      << "vectors of " << vector_bytes << " bytes of " << ToString(access);
  const int vector = Log2(vector_bytes);
  Subspace words, banks;
  const auto add = [&](uint64_t byte) {
    words.Add(byte >> kWordBits);
    banks.Add((byte & ((1 << kRowBits) - 1)) >> kWordBits);
  };
  for (uint64_t image : LanesAtOnce(access, vector)) add(image * element_bytes);
  for (int bit = kWordBits; bit < vector; ++bit) add(uint64_t{1} << bit);
  return 1 << (words.dimension() - banks.dimension());
}

SharedLayout ChooseSwizzle(const Layout& write, const Layout& read, int element_bytes) {
  INGOT_CHECK(write.outputs() == read.outputs())
      << ToString(write) << " and " << ToString(read) << " are of different tiles";
  const int bits = write.output_bits();
  const int element = Log2(element_bytes);
  const int most = std::min(bits, kVectorBits - element);

  // Vectors: what both have, then what one has.
  const absl::Span<const uint64_t> written = write.ImagesOf(kRegister);
  const absl::Span<const uint64_t> taken = read.ImagesOf(kRegister);
  Subspace common;
  AddVector(common, Intersection(Subspace(written), Subspace(taken)).basis(), most);
  Subspace low_of_write = common, low_of_read = common;
  AddVector(low_of_write, written, most);
  AddVector(low_of_read, taken, most);
  const bool widens_write = low_of_write.dimension() > low_of_read.dimension();
  (widens_write ? low_of_read : low_of_write) = common;
  Subspace low = widens_write ? low_of_write : low_of_read;
  const int write_vector = element + low_of_write.dimension();
  const int read_vector = element + low_of_read.dimension();
  // A word is in one bank whatever is in it.
  Extend(low, std::min(bits, kWordBits - element), bits);

  const auto row_of = [&](const Layout& access, const Subspace& vector, int vector_bits) {
    Subspace start = vector;
    for (uint64_t image : low.basis()) {
      if (start.dimension() < kWordBits - element) start.Add(image);
    }
    return RowOf(access, start, vector_bits, element, bits);
  };
  const Subspace rows = CommonComplement(row_of(write, low_of_write, write_vector),
                                         row_of(read, low_of_read, read_vector), bits);

  // Offset → coordinates: vectors, then banks, then rows.
  Subspace all = low;
  for (uint64_t vector : rows.basis()) all.Add(vector);
  std::vector<uint64_t> images = low.basis();
  for (int bit = 0; bit < bits; ++bit) {
    const uint64_t unit = uint64_t{1} << bit;
    if (all.Add(unit)) images.push_back(unit);
  }
  images.insert(images.end(), rows.basis().begin(), rows.basis().end());
  const std::optional<Layout> layout =
      Invert(Layout({{"offset", bits}}, write.outputs(), std::move(images)));
  INGOT_CHECK(layout.has_value()) << ToString(write) << " and " << ToString(read);
  return {*layout, 1 << write_vector, 1 << read_vector};
}

}  // namespace ingot::layout
