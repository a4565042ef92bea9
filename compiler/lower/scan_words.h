// Values that blocks publish for each other in words which say themselves that they are there.
#ifndef INGOT_COMPILER_LOWER_SCAN_WORDS_H_
#define INGOT_COMPILER_LOWER_SCAN_WORDS_H_

#include <vector>

#include "compiler/lower/emitter.h"

namespace ingot::lower {

// A place has a value of each type, none complex.  A word, u64, has up to 32 bits of one in its
// lower half, and in its upper half 1 once it is there: so neither who writes nor who reads needs
// an order between words.  Word 0 of the buffer is somebody else's; all are 0 at first.
class PublishedWords {
 public:
  PublishedWords(ElementEmitter& e, kernel::Buffer* words, std::vector<ElementType> types);

  // By the first lane of a warp.
  void Publish(kernel::Value place, const Elements& values) const;
  // Waits until all words of the place are there.
  void Await(kernel::Value place, const std::vector<ElementVar>& into) const;

 private:
  kernel::Value Word(int64_t value) const;
  kernel::Value FirstWord(kernel::Value place) const;
  // A value as a u64, and back.
  kernel::Value ToBits(kernel::Value value, ElementType type) const;
  kernel::Value FromBits(kernel::Value bits, ElementType type) const;

  ElementEmitter& e_;
  kernel::Builder& b_;
  IndexMath& math_;
  kernel::Buffer* words_;
  const std::vector<ElementType> types_;
};

}  // namespace ingot::lower

#endif  // INGOT_COMPILER_LOWER_SCAN_WORDS_H_
