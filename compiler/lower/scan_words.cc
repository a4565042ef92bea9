#include "compiler/lower/scan_words.h"

#include <utility>

#include "ir/base/integers.h"

namespace ingot::lower {

using kernel::Type;
using kernel::Value;

namespace {

constexpr int kHalfBits = 32;
constexpr int64_t kIsThere = int64_t{1} << kHalfBits;
constexpr int64_t kHalf = kIsThere - 1;

int WordsOf(ElementType type) { return static_cast<int>(CeilDiv(ByteWidth(type), 4)); }

ElementType BitsOf(ElementType type) {
  switch (ByteWidth(type)) {
    case 1:
      return ElementType::kU8;
    case 2:
      return ElementType::kU16;
    case 4:
      return ElementType::kU32;
    default:
      return ElementType::kU64;
  }
}

kernel::AccessOptions Relaxed() {
  kernel::AccessOptions options;
  options.order = kernel::Order::kRelaxed;
  return options;
}

}  // namespace

PublishedWords::PublishedWords(ElementEmitter& e, kernel::Buffer* words,
                               std::vector<ElementType> types)
    : e_(e), b_(e.b()), math_(e.math()), words_(words), types_(std::move(types)) {}

Value PublishedWords::Word(int64_t value) const {
  return b_.Integer(Type::Scalar(ElementType::kU64), value);
}

Value PublishedWords::FirstWord(Value place) const {
  int words = 0;
  for (ElementType type : types_) words += WordsOf(type);
  return math_.Add(math_.Mul(place, words), 1);
}

Value PublishedWords::ToBits(Value value, ElementType type) const {
  if (type != ElementType::kPred) value = b_.Bitcast(value, Type::Scalar(BitsOf(type)));
  return b_.Convert(value, ElementType::kU64);
}

Value PublishedWords::FromBits(Value bits, ElementType type) const {
  if (type == ElementType::kPred) return b_.Ne(bits, Word(0));
  return b_.Bitcast(b_.Convert(bits, BitsOf(type)), Type::Scalar(type));
}

void PublishedWords::Publish(Value place, const Elements& values) const {
  b_.If(b_.Eq(b_.LaneId(), b_.Index(0)), [&] {
    Value at = FirstWord(place);
    for (size_t k = 0; k < types_.size(); ++k) {
      const Value bits = ToBits(values[k].re, types_[k]);
      for (int word = 0; word < WordsOf(types_[k]); ++word) {
        const Value half = b_.And(b_.Lshr(bits, Word(kHalfBits * word)), Word(kHalf));
        b_.Store(words_, at, b_.Or(half, Word(kIsThere)), Relaxed());
        at = math_.Add(at, 1);
      }
    }
  });
}

void PublishedWords::Await(Value place, const std::vector<ElementVar>& into) const {
  const Value first = FirstWord(place);
  kernel::Var* waits = b_.DeclareVar("waits", b_.True());
  const auto ask = [&] {
    Value at = first;
    Value all = Word(kIsThere);
    for (size_t k = 0; k < types_.size(); ++k) {
      Value bits = Word(0);
      for (int word = 0; word < WordsOf(types_[k]); ++word) {
        const Value found = b_.Load(words_, at, 1, Relaxed());
        all = b_.And(all, found);
        bits = b_.Or(bits, b_.Shl(b_.And(found, Word(kHalf)), Word(kHalfBits * word)));
        at = math_.Add(at, 1);
      }
      e_.Write(into[k], {FromBits(bits, types_[k]), nullptr});
    }
    b_.Write(waits, b_.Eq(all, Word(0)));
  };
  b_.While([&] { return b_.Read(waits); }, ask);
}

}  // namespace ingot::lower
