#include "compiler/machine/prediction.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "ir/base/check.h"

namespace ingot::machine {
namespace {

constexpr double kNsPerUs = 1e3;

double Sum(const std::array<double, kUnitCount>& values) {
  double sum = 0;
  for (double value : values) sum += value;
  return sum;
}

// Blocks resident on a multiprocessor, on average over the waves.
double ResidentBlocks(const KernelWork& work, const Target& target) {
  const double most = OccupancyOf(work.block, target).blocks;
  if (most == 0 || work.blocks == 0) return 0;
  const double waves = std::ceil(work.blocks / (most * target.multiprocessors));
  return work.blocks / (waves * target.multiprocessors);
}

// Phases of a block that barriers part do not overlap; those of other blocks do.  The time of two
// kinds of work together is their norm of this exponent: 1 is their sum, infinity the larger one.
// With r blocks resident r + 0.4, one more where the next loads are under way while it computes:
// softmax of 8,192 to 40,000 columns and a cross entropy of 50,304, on an H200.
constexpr double kExponentAlone = 0.4;
constexpr double kExponentAhead = 1.4;

double Overlapped(double a, double b, double exponent) {
  const double longer = std::max(a, b);
  if (longer == 0) return 0;
  // Divided by the longer one, so that no power overflows.
  return longer *
         std::pow(std::pow(a / longer, exponent) + std::pow(b / longer, exponent), 1 / exponent);
}

// All in nanoseconds: 1 GB/s is a byte a nanosecond.

double StreamTime(const KernelWork& work, const Card& card) {
  const double write_cost = 2 / card.copy_gbps - 1 / card.read_gbps;
  return work.read_bytes / card.read_gbps + work.written_bytes * write_cost;
}

double MemoryTime(const KernelWork& work, double bytes_in_flight, const Target& target) {
  constexpr double kExponent = 2.5;
  const Card& card = *target.card;
  const double stream = StreamTime(work, card);
  const double cached_bytes = 32 * work.cached_sectors;
  const double again = std::max(0.0, work.loads.useful_bytes - cached_bytes - work.read_bytes);
  double wait = work.read_bytes * card.latency_ns + again * card.l2_latency_ns;
  if (wait == 0 || bytes_in_flight == 0) return stream;
  if (work.loads_before_stores && !work.copies_ahead) wait *= 2;
  return Overlapped(stream, wait / (bytes_in_flight * target.multiprocessors), kExponent);
}

double SectorTime(const Accesses& accesses, const Card& card) {
  const double used = std::min(1.0, accesses.used());
  return accesses.sector_bytes() * (used / card.l2_gbps + (1 - used) / card.l2_scattered_gbps);
}

}  // namespace

double KernelWork::issue_slots() const { return Sum(instructions); }

absl::string_view NameOf(Bound bound) {
  switch (bound) {
    case Bound::kMemory:
      return "memory";
    case Bound::kSectors:
      return "sectors";
    case Bound::kIssue:
      return "issue";
    case Bound::kFloat:
      return "float";
    case Bound::kDouble:
      return "double";
    case Bound::kSpecial:
      return "special";
    case Bound::kConversion:
      return "conversion";
    case Bound::kMemoryLanes:
      return "memory lanes";
    case Bound::kShuffle:
      return "shuffle";
    case Bound::kBlocks:
      return "blocks";
    case Bound::kMatrix:
      return "matrix";
  }
  INGOT_UNREACHABLE();
  return "";
}

Prediction PredictTime(const KernelWork& work, const Target& target) {
  INGOT_CHECK(target.card != nullptr) << target.name << " is not a GPU";
  const Card& card = *target.card;
  Prediction prediction;
  if (work.blocks == 0) return prediction;
  const double resident = ResidentBlocks(work, target);
  if (resident == 0) {
    prediction.us = std::numeric_limits<double>::infinity();
    return prediction;
  }
  prediction.bytes_in_flight = resident * work.block_bytes_in_flight;

  // Of the multiprocessor with the most blocks, for each instruction of the whole launch.
  const double share = std::ceil(double(work.blocks) / target.multiprocessors) / work.blocks;
  const double cycle = share / card.clock_ghz;
  const auto set = [&](Bound bound, double ns) {
    prediction.terms[static_cast<int>(bound)] = ns / kNsPerUs;
  };
  const auto set_unit = [&](Bound bound, double instructions, int lanes) {
    set(bound, cycle * instructions * 32 / lanes);
  };
  set(Bound::kMemory, MemoryTime(work, prediction.bytes_in_flight, target));
  Accesses beyond_l1 = work.loads;
  beyond_l1.sectors -= work.cached_sectors;
  beyond_l1.useful_bytes -= work.loads.used() * 32 * work.cached_sectors;
  Accesses stores = work.stores;
  if (work.stored_sectors > 0) stores.sectors = std::min(stores.sectors, work.stored_sectors);
  set(Bound::kSectors, SectorTime(beyond_l1, card) + SectorTime(stores, card));
  set(Bound::kIssue, cycle * work.issue_slots() / card.issue_slots);
  set_unit(Bound::kFloat, work.instructions_of(Unit::kFloat), card.float_lanes);
  set_unit(Bound::kDouble, work.instructions_of(Unit::kDouble), card.double_lanes);
  set_unit(Bound::kSpecial, work.instructions_of(Unit::kSpecial), card.special_lanes);
  set_unit(Bound::kConversion, work.instructions_of(Unit::kConversion), card.conversion_lanes);
  const double shared = std::max(work.instructions_of(Unit::kShared), work.shared_passes);
  set_unit(Bound::kMemoryLanes, work.instructions_of(Unit::kGlobal) + shared, card.memory_lanes);
  set_unit(Bound::kShuffle, work.instructions_of(Unit::kShuffle), card.shuffle_lanes);
  set(Bound::kBlocks, work.blocks / card.blocks_per_us * kNsPerUs);
  set(Bound::kMatrix,
      share * target.multiprocessors * work.matrix_flops / (card.bf16_tflops * 1e3));

  const auto largest = std::max_element(prediction.terms.begin(), prediction.terms.end());
  prediction.bound = static_cast<Bound>(largest - prediction.terms.begin());
  prediction.overhead_us = card.launch_us;
  if (work.loads.useful_bytes > 0) prediction.overhead_us += card.latency_ns / kNsPerUs;
  if (work.loads_before_stores) {
    const double issue = prediction.term(Bound::kIssue);
    const double memory = prediction.term(Bound::kMemory);
    const double exponent = resident + (work.copies_ahead ? kExponentAhead : kExponentAlone);
    prediction.waits_us = std::max(0.0, Overlapped(issue, memory, exponent) - *largest);
  }
  prediction.us = prediction.overhead_us + *largest + prediction.waits_us;
  const double most = OccupancyOf(work.block, target).blocks * target.multiprocessors;
  prediction.card_us =
      std::max(StreamTime(work, card) / kNsPerUs,
               std::min(1.0, work.blocks / most) * (*largest + prediction.waits_us));
  return prediction;
}

double BytesInFlight(const KernelWork& work, const Target& target) {
  return ResidentBlocks(work, target) * work.block_bytes_in_flight;
}

double FloorTime(double bytes, const Target& target) {
  INGOT_CHECK(target.card != nullptr) << target.name << " is not a GPU";
  return bytes / target.card->copy_gbps / kNsPerUs;
}

}  // namespace ingot::machine
