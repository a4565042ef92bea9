// Radix passes: blocks of a GPU put the entries of rows in the order of their keys, by a digit a
// pass, the least significant one first.  Each pass is stable, so entries whose keys tie keep their
// order.  What an entry is, and its key, is the skeleton's own: radix_sort.h, scatter_updates.h.
//
// A pass reads and writes the entries once (Adinets and Merrill, "Onesweep: A Faster Least
// Significant Digit Radix Sort for GPUs", 2022).  One kernel counts the digits of all passes
// before.  A block of a pass has a tile of entries, ranks them by their digit and publishes how
// many of each digit there are; what tiles before it have of each digit it finds by looking back,
// until a tile says what it has together with all before it (Merrill and Garland, "Single-pass
// Parallel Prefix Scan with Decoupled Look-back", 2016).  Sums of integers are the same in any
// order.  Blocks take the numbers of tiles from a counter, so that those that a block waits for
// have begun.  A kernel first clears what blocks tell each other.  Rows that a tile holds need none
// of it.
#ifndef INGOT_COMPILER_PLAN_RADIX_PASS_H_
#define INGOT_COMPILER_PLAN_RADIX_PASS_H_

#include <cstdint>

#include "absl/status/status.h"
#include "ir/base/target.h"

namespace ingot::plan {

struct RadixPasses {
  int digit_bits = 0;  // a digit's most
  int passes = 0;
  int pass = 0;
  int threads = 32;
  int items = 1;  // entries of a thread, of a tile
  // Counts of each digit that a block has where it counts: lanes of a warp take turns, so that
  // those with one digit wait less for each other.
  int copies = 1;
  bool operator==(const RadixPasses&) const = default;
  // As INGOT_PLAN_FIELDS has it, for the structs that these are part of.
  template <typename Self, typename Visitor>
  static void VisitFields(Self& self, Visitor& visit) {
    visit("digit_bits", self.digit_bits);
    visit("passes", self.passes);
    visit("pass", self.pass);
    visit("sort_threads", self.threads);
    visit("sort_items", self.items);
    visit("copies", self.copies);
  }

  int64_t digits() const { return int64_t{1} << digit_bits; }
  int64_t tile() const { return int64_t{threads} * items; }
};

inline constexpr int kMostDigitBits = 10;
inline constexpr int kMostRadixItems = 32;

// What blocks tell each other, in an array of u32: for each pass a counter of tiles; for each
// row and pass the counts of its digits; for each pass, row and tile a word for each digit.  That
// word is 0, or a count and in its upper two bits kTileAlone (of the tile) or kTileAndBefore.
class RadixWords {
 public:
  static constexpr int64_t kTileAlone = 1, kTileAndBefore = 2;
  static constexpr int kCountBits = 30;

  // Of `rows` rows of `size` entries, fewer than 2^30.
  RadixWords(const RadixPasses& plan, int64_t rows, int64_t size);

  int64_t tiles() const { return tiles_; }  // of a row
  // Where counts begin, [rows, passes, digits]; and states, [passes, tiles, rows, digits].
  int64_t first_count() const { return first_count_; }
  int64_t first_state() const { return first_state_; }
  int64_t size() const { return size_; }
  // Rows that one tile holds: there are no words.
  bool IsAlone() const { return tiles_ == 1; }

 private:
  int64_t tiles_, first_count_, first_state_, size_;
};

// Threads and blocks of the kernels.
inline constexpr int kClearThreads = 256;
inline constexpr int kClearLanes = 4;  // words that a thread clears
int64_t ClearBlocks(const RadixWords& words);
// As many as the card holds, of which each row has some.
int64_t CountBlocks(const RadixPasses& plan, int64_t rows, int64_t size, const Target& target);

// Whether a block has the threads and the shared memory.  `widest`: bytes of the widest field of an
// entry.
absl::Status RadixPassesFit(const RadixPasses& plan, int64_t rows, int64_t size, int widest,
                            const Target& target);

// The most copies of counts that a block has room for.
int RadixCopies(const RadixPasses& plan, const Target& target);

// What a pass asks of an entry.
struct RadixEntry {
  double read_bytes = 4;
  double written_bytes = 4;
  int fields = 1;
  double key_instructions = 1;  // to make a digit of what is loaded
};
// Of one pass over `entries` entries of all rows; of the kernels that count and clear.
double RadixPassMicroseconds(const RadixPasses& plan, double entries, const RadixEntry& entry,
                             const Target& target);
double RadixCountMicroseconds(const RadixPasses& plan, double entries, double read_bytes,
                              double key_instructions, const RadixWords& words,
                              const Target& target);

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_RADIX_PASS_H_
