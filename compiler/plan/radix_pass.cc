#include "compiler/plan/radix_pass.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "compiler/plan/tile.h"
#include "compiler/plan/tile_deal.h"
#include "ir/base/integers.h"
#include "ir/base/status.h"

namespace ingot::plan {
namespace {

constexpr int64_t kCountBytes = 4;
constexpr int kMostCopies = 4;

int64_t CopyBytes(const RadixPasses& plan) { return plan.passes * plan.digits() * kCountBytes; }

// The time of so many instructions of warps.
double IssueMicroseconds(double instructions, double used, const Target& target) {
  const Card& card = *target.card;
  return instructions / (used * target.multiprocessors * card.issue_slots * card.clock_ghz * 1e3);
}

// Of the slots, what a pass uses, whose warps wait for one another: measured on an H200 with 24
// warps of a multiprocessor, by which registers most often bound it.
double UsedSlots(const RadixPasses& plan, const Target& target) {
  constexpr double kUsed = 0.38, kWarps = 24;
  constexpr double kRegisters = 28, kOfItem = 3.25;
  const double registers = (kRegisters + kOfItem * plan.items) * plan.threads;
  const double blocks =
      std::max(1.0, std::floor(std::min(target.card->registers / registers,
                                        static_cast<double>(target.threads) / plan.threads)));
  return kUsed * std::pow(blocks * plan.threads / kWarp / kWarps, 0.15);
}

// Instructions and bytes overlap in part.
double Together(double a, double b) { return std::max(a, b) + 0.3 * std::min(a, b); }

}  // namespace

RadixWords::RadixWords(const RadixPasses& plan, int64_t rows, int64_t size) {
  tiles_ = CeilDiv(size, plan.tile());
  first_count_ = plan.passes;
  first_state_ = first_count_ + rows * plan.passes * plan.digits();
  size_ = RoundUp(first_state_ + plan.passes * rows * tiles_ * plan.digits(), kClearLanes);
}

int64_t ClearBlocks(const RadixWords& words) {
  return CeilDiv(words.size(), int64_t{kClearThreads} * kClearLanes);
}

int64_t CountBlocks(const RadixPasses& plan, int64_t rows, int64_t size, const Target& target) {
  const int64_t bytes = plan.copies * CopyBytes(plan) + target.card->reserved_shared_bytes;
  const int64_t resident = std::max<int64_t>(
      1, std::min<int64_t>(target.card->shared_bytes / bytes, target.threads / plan.threads));
  const int64_t of_row = std::max<int64_t>(1, resident * target.multiprocessors / rows);
  return rows * std::min(of_row, CeilDiv(size, plan.tile()));
}

absl::Status RadixPassesFit(const RadixPasses& plan, int64_t rows, int64_t size, int widest,
                            const Target& target) {
  INGOT_REQUIRE(plan.digit_bits >= 1 && plan.digit_bits <= kMostDigitBits,
                "digit_bits=", plan.digit_bits, "; 1 to ", kMostDigitBits);
  INGOT_REQUIRE(plan.threads >= kWarp && plan.threads <= kMostBlockThreads &&
                    plan.threads % kWarp == 0 && plan.digits() <= plan.threads,
                "sort_threads=", plan.threads, "; whole warps, and one for each digit");
  INGOT_REQUIRE(plan.items >= 1 && plan.items <= kMostRadixItems, "sort_items=", plan.items,
                "; 1 to ", kMostRadixItems);
  INGOT_REQUIRE(plan.copies >= 1 && plan.copies <= kMostCopies &&
                    std::has_single_bit(static_cast<unsigned>(plan.copies)),
                "copies=", plan.copies, "; a power of two, at most ", kMostCopies);
  const int64_t warps = plan.threads / kWarp;
  // Counts of warps; where each digit goes; sums of warps, twice; the number of the tile.
  const int64_t bytes = RoundUp(plan.tile() * widest, 8) +
                        kCountBytes * (plan.digits() * warps + 2 * warps + 2) + 8 * plan.digits();
  INGOT_REQUIRE(bytes <= target.shared_bytes, "a tile of ", plan.tile(), " entries needs ", bytes,
                " bytes of shared memory");
  INGOT_REQUIRE(size < int64_t{1} << RadixWords::kCountBits, "rows of ", size, " entries");
  const RadixWords words(plan, rows, size);
  if (words.IsAlone()) return absl::OkStatus();
  INGOT_REQUIRE(plan.copies * CopyBytes(plan) <= target.shared_bytes, "counting needs ",
                plan.copies * CopyBytes(plan), " bytes of shared memory");
  INGOT_REQUIRE(words.size() < int64_t{1} << 31, "tiles of ", plan.tile(), " entries are too many");
  return absl::OkStatus();
}

int RadixCopies(const RadixPasses& plan, const Target& target) {
  int copies = kMostCopies;
  const int64_t room = target.card->shared_bytes * plan.threads / target.threads;
  while (copies > 1 && copies * CopyBytes(plan) + target.card->reserved_shared_bytes >
                           std::min<int64_t>(room, target.shared_bytes)) {
    copies /= 2;
  }
  return copies;
}

double RadixPassMicroseconds(const RadixPasses& plan, double entries, const RadixEntry& entry,
                             const Target& target) {
  // Of a warp, an entry of each lane: its loads and stores, its rank beside the bits of the digit;
  // each field's way through shared memory.
  constexpr double kEntry = 37, kBit = 4, kField = 14;
  // Of a thread, a count of its warp and digit; a sum of a warp, and other warps' sums.
  constexpr double kCount = 6, kSum = 30, kOfWarp = 6;
  // From the launch until a tile is stored.
  constexpr double kLatency = 4;
  const double run = static_cast<double>(plan.tile()) / static_cast<double>(plan.digits()) *
                     entry.written_bytes / entry.fields;
  // Runs of one digit begin anywhere; sectors that two tiles share are written by both.
  const double written = run > 0 ? entry.written_bytes * (1 + 0.5 * kSectorBytes / run) : 0;
  const double bytes = entries * (entry.read_bytes + written) / kBytesPerMicrosecond;
  const double warps = static_cast<double>(plan.threads) / kWarp;
  const double of_tile =
      kCount * static_cast<double>(plan.digits()) * warps / static_cast<double>(plan.tile()) +
      (kSum + kOfWarp * warps) / plan.items;
  const double instructions = entries / kWarp *
                              (kEntry + kBit * plan.digit_bits + 2 * entry.key_instructions +
                               kField * (entry.fields - 1) + of_tile);
  const double issue = IssueMicroseconds(instructions, UsedSlots(plan, target), target);
  return Together(bytes, issue) + kLaunchMicroseconds + kLatency;
}

double RadixCountMicroseconds(const RadixPasses& plan, double entries, double read_bytes,
                              double key_instructions, const RadixWords& words,
                              const Target& target) {
  // A shared atomic of 32 lanes takes about four turns.
  constexpr double kEntry = 6, kPass = 8;
  const double bytes = (entries * read_bytes + kCountBytes * static_cast<double>(words.size())) /
                       kBytesPerMicrosecond;
  const double instructions = entries / kWarp * (kEntry + key_instructions + kPass * plan.passes);
  constexpr double kUsed = 0.6;
  return Together(bytes, IssueMicroseconds(instructions, kUsed, target)) + 2 * kLaunchMicroseconds;
}

}  // namespace ingot::plan
