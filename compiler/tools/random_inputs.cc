#include "compiler/tools/random_inputs.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "ir/base/status.h"
#include "ir/base/worker_pool.h"

namespace ingot::tools {
namespace {

constexpr int64_t kDefaultLimit = 8;
constexpr int64_t kWordsOfPiece = 1 << 17;  // a megabyte, for one thread

// The finaliser of splitmix64 (Steele, Lea, Flood 2014): a good 64-bit hash of a counter's
// multiples of kGolden.
constexpr uint64_t kGolden = 0x9e3779b97f4a7c15;
uint64_t Mix(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

// Numbers of places as far as the type can count them.
uint64_t LimitOf(ElementType type, int64_t index_limit) {
  if (type == ElementType::kPred) return 2;
  const int bits = BitWidth(type) - (IsSigned(type) ? 1 : 0);
  const uint64_t most = bits >= 63 ? std::numeric_limits<int64_t>::max() : uint64_t{1} << bits;
  return std::min<uint64_t>(index_limit > 0 ? index_limit : kDefaultLimit, most);
}

// Elements of a type of at most two bytes, by the bits that they are drawn from.
std::vector<std::byte> TableOf(ElementType type, uint64_t limit) {
  const int width = ByteWidth(type);
  const int64_t count = int64_t{1} << (8 * width);
  Literal table = Literal::Zeros(Shape::Array(type, {count})).value();
  for (int64_t i = 0; i < count; ++i) {
    if (IsFloat(type)) {
      table.SetDouble(i, static_cast<double>(2 * i + 1 - count) / static_cast<double>(count));
    } else {
      table.SetInteger(i, static_cast<int64_t>((i * limit) >> (8 * width)));
    }
  }
  return {table.bytes().begin(), table.bytes().end()};
}

// Sets words[begin..end) to what `make` makes of their hashes.
template <typename Make>
void MakeWords(uint64_t key, int64_t begin, int64_t end, std::byte* bytes, const Make& make) {
  uint64_t state = key + kGolden * static_cast<uint64_t>(begin);
  for (int64_t word = begin; word < end; ++word, state += kGolden) {
    const uint64_t made = make(Mix(state));
    std::memcpy(bytes + 8 * word, &made, 8);
  }
}

template <typename Element>
auto Narrow(const std::vector<std::byte>& table) {
  const auto* const elements = reinterpret_cast<const Element*>(table.data());
  return [elements](uint64_t bits) {
    uint64_t made = 0;
    for (size_t i = 0; i < 8 / sizeof(Element); ++i) {
      const int shift = static_cast<int>(8 * sizeof(Element) * i);
      made |= uint64_t{elements[static_cast<Element>(bits >> shift)]} << shift;
    }
    return made;
  };
}

uint64_t TwoFloats(uint64_t bits) {
  // Odd numbers of 32 bits, so none is zero.
  const auto low = static_cast<float>(static_cast<int32_t>(bits) | 1) * 0x1p-31f;
  const auto high = static_cast<float>(static_cast<int32_t>(bits >> 32) | 1) * 0x1p-31f;
  uint32_t parts[2];
  std::memcpy(&parts[0], &low, 4);
  std::memcpy(&parts[1], &high, 4);
  return parts[0] | uint64_t{parts[1]} << 32;
}

uint64_t OneDouble(uint64_t bits) {
  const double value = static_cast<double>(static_cast<int64_t>(bits) | 1) * 0x1p-63;
  uint64_t made;
  std::memcpy(&made, &value, 8);
  return made;
}

// How the elements of one input are made: from 8 bytes of hash 8 bytes of elements.
class Maker {
 public:
  Maker(ElementType type, int64_t index_limit)
      : element_(IsComplex(type) ? (ByteWidth(type) == 8 ? ElementType::kF32 : ElementType::kF64)
                                 : type),
        limit_(IsFloat(element_) ? 0 : LimitOf(element_, index_limit)) {
    if (ByteWidth(element_) <= 2) table_ = TableOf(element_, limit_);
  }

  void Make(uint64_t key, int64_t begin, int64_t end, std::byte* bytes) const {
    const auto make = [&](const auto& how) { MakeWords(key, begin, end, bytes, how); };
    switch (ByteWidth(element_)) {
      case 1:
        return make(Narrow<uint8_t>(table_));
      case 2:
        return make(Narrow<uint16_t>(table_));
      case 4:
        if (IsFloat(element_)) return make(TwoFloats);
        return make([limit = limit_](uint64_t bits) {
          const uint64_t low = ((bits & 0xffffffff) * limit) >> 32;
          return low | (((bits >> 32) * limit) >> 32) << 32;
        });
      default:
        if (IsFloat(element_)) return make(OneDouble);
        return make([limit = limit_](uint64_t bits) {
          return static_cast<uint64_t>((static_cast<unsigned __int128>(bits) * limit) >> 64);
        });
    }
  }

 private:
  const ElementType element_;
  const uint64_t limit_;  // integers
  std::vector<std::byte> table_;
};

}  // namespace

absl::StatusOr<std::vector<Literal>> RandomInputs(uint64_t seed,
                                                  absl::Span<const runtime::Input> inputs) {
  std::vector<Literal> values;
  for (size_t i = 0; i < inputs.size(); ++i) {
    Shape shape = inputs[i].shape;
    shape.set_layout(std::nullopt);
    INGOT_ASSIGN_OR_RETURN(Literal value, Literal::Zeros(shape));
    const Maker maker(shape.element_type(), inputs[i].index_limit);
    const uint64_t key = Mix(Mix(seed + kGolden) + i);
    const absl::Span<std::byte> bytes = value.MutableBytes();
    const auto words = static_cast<int64_t>(bytes.size() / 8);
    const int64_t pieces = (words + kWordsOfPiece - 1) / kWordsOfPiece;
    WorkerPool::OfProcess().ParallelFor(pieces, WorkerPool::DefaultThreads(), [&](int64_t piece) {
      const int64_t begin = piece * kWordsOfPiece;
      maker.Make(key, begin, std::min(words, begin + kWordsOfPiece), bytes.data());
    });
    if (const size_t rest = bytes.size() % 8; rest > 0) {
      std::byte last[8];
      maker.Make(key + kGolden * static_cast<uint64_t>(words), 0, 1, last);
      std::memcpy(bytes.data() + 8 * words, last, rest);
    }
    values.push_back(std::move(value));
  }
  return values;
}

}  // namespace ingot::tools
