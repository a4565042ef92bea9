#include "compiler/plan/contraction_cost.h"

#include <algorithm>
#include <cmath>

#include "compiler/plan/contraction.h"
#include "compiler/plan/contraction_shapes.h"
#include "compiler/plan/cost.h"
#include "compiler/plan/product_map.h"
#include "compiler/plan/tile.h"
#include "ir/base/integers.h"

namespace ingot::plan {
namespace {

constexpr int kVectorBytes = 16;

// What mma.sync reaches of the units' rate, which is that of wgmma on Hopper.
double MatrixShare(const Target& target) { return target.capability >= 90 ? 0.42 : 0.9; }

// Multiply-adds of a multiprocessor in a cycle.
double FmaLanes(ElementType type, const Card& card) {
  if (type == ElementType::kF32) return card.float_lanes;
  if (type == ElementType::kF64) return card.double_lanes;
  return ByteWidth(type) > 4 ? card.float_lanes / 8.0 : card.float_lanes / 2.0;
}

}  // namespace

ContractionCost::ContractionCost(const Product& product, const Epilogue& epilogue, int64_t bytes,
                                 bool is_gathered, const Target& target)
    : product_{product.batch, product.rows, product.columns, product.depth},
      epilogue_(epilogue),
      bytes_(bytes),
      target_(target),
      sum_type_(product.sum_type()),
      is_gathered_(is_gathered),
      element_bytes_(ByteWidth(product.instruction->operand(0)->shape().element_type())),
      sum_bytes_(ByteWidth(product.sum_type())) {}

int64_t ContractionCost::Steps(const ContractionPlan& tile) const {
  return CeilDiv(CeilDiv(product_.depth, tile.depth), tile.splits);
}
int64_t ContractionCost::Tiles(const ContractionPlan& tile) const {
  return SaturatingMultiply(product_.batch, CeilDiv(product_.rows, tile.cluster_rows()) *
                                                CeilDiv(product_.columns, tile.cluster_columns()) *
                                                tile.cluster_blocks());
}
int64_t ContractionCost::Places(const ContractionPlan& tile) const {
  // A cluster is on one GPC, of whose multiprocessors large ones leave some idle.
  const int64_t multiprocessors = target_.multiprocessors;
  const int64_t usable = tile.cluster_blocks() > 2 ? multiprocessors * 10 / 11 : multiprocessors;
  const int blocks = tile.cluster_blocks();
  return std::max<int64_t>(1, usable * ResidentBlocks(tile) / blocks) * blocks;
}
int ContractionCost::ResidentBlocks(const ContractionPlan& tile) const {
  const Card& card = *target_.card;
  // Registers are dealt out for so many: {128, 1, 2} of kPipelineShapes.
  if (tile.wgmma) return tile.row_warps == 4 && tile.consumer_registers > 0 ? 2 : 1;
  const int threads = tile.threads();
  // Sums, and what is under way to the units.
  const int registers = std::min(card.thread_registers,
                                 80 + tile.rows * tile.columns / threads * ((sum_bytes_ + 3) / 4));
  const int64_t shared =
      SharedBytesOf(tile, element_bytes_, sum_bytes_) + card.reserved_shared_bytes;
  return static_cast<int>(
      std::min<int64_t>({card.shared_bytes / shared, card.registers / (registers * threads),
                         target_.threads / threads, card.blocks}));
}

// The share that counts of what hides behind something else: of computing, memory and L2.  Of few
// rows none, as tiles of more rows than there are have more loads under way.
double ContractionCost::Seen() const { return product_.rows < kUnitRows ? 0 : 0.13; }

// Of sums of parts of depth, all together.
double ContractionCost::PartialBytes(const ContractionPlan& tile) const {
  if (tile.splits == 1) return 0;
  return 1.0 * sum_bytes_ * tile.splits * product_.batch * product_.rows * product_.columns;
}
// Of a sum, by what is made of it where that is more than a few operations.
double ContractionCost::EpilogueCycles(const ContractionPlan& tile) const {
  // An element of another matrix is read by the thread, or comes in a box.
  constexpr double kOperationCycles = 0.03, kReadCycles = 0.45, kLoadedCycles = 0.25;
  if (tile.splits > 1) return 0;
  const bool few = epilogue_.operations <= kMostUnrolledOperations;
  const double read = tile.load_boxes ? kLoadedCycles : kReadCycles;
  return (few ? 0 : kOperationCycles * epilogue_.operations) + (epilogue_.reads_matrix ? read : 0);
}
// Of a multiprocessor in a cycle, in bf16.
double ContractionCost::UnitFlops(double share) const {
  const Card& card = *target_.card;
  return card.bf16_tflops * 1e12 * share / (card.clock_ghz * 1e9 * target_.multiprocessors);
}

double ContractionCost::PipelineMicroseconds(const ContractionPlan& tile) const {
  // Fitted to 1,900 plans of 200 products that `ingot tune` measured on an H200.
  // Cycles: until the first tile has come and the last sums have left; of a part, and of a sum
  // that is passed through shared memory; of one that is stored while nothing else goes on.
  constexpr double kBlockOverhead = 1270, kPartCycles = 340;
  const double kPassCycles = (tile.store_boxes > 0 ? 0.135 : 0.195) + EpilogueCycles(tile);
  const double kSumCycles = (tile.store_boxes > 0 ? 0.11 : 0.12) + EpilogueCycles(tile);
  // Of the first kernel, whose barriers and maps are made first, and of the one that combines.
  constexpr double kFirstMicroseconds = 2.3, kCombiningMicroseconds = 1.8;
  constexpr double kPartMicroseconds = 0.03;  // of adding one more part to each sum
  constexpr double kSharedBytesPerCycle = 128;
  constexpr double kFilledBytesPerCycle = 70;  // that come to a multiprocessor
  constexpr double kFillShare = 1.04;          // of what L2 gives
  constexpr double kShownFill = 0.16;     // the share of it that does not hide behind multiplying
  constexpr double kShownPass = 0.5;      // of passing sums on behind another block's multiplying
  constexpr double kAcrossFactor = 1.03;  // of a step of blocks side by side
  // Of the units' rate is lost where they are busy for long: the clock falls.
  constexpr double kLongFlops = 5e11, kLongLoss = 0.14;
  constexpr double kSeen = 0.075;  // the share of what hides behind something else that counts
  constexpr int64_t kManyRows = 48;
  constexpr double kFewRows = 1.27;  // tiles of more rows than there are, which memory holds up
  const Card& card = *target_.card;
  const double cycles_per_us = card.clock_ghz * 1e3;
  const double steps = static_cast<double>(Steps(tile));
  const auto parts = static_cast<double>(Tiles(tile) * tile.splits);
  const double resident = ResidentBlocks(tile);
  const double products = double(tile.rows) / kUnitRows * kTileLineBytes / 32;  // of a step
  const double flops =
      2.0 * product_.batch * product_.rows * product_.columns * static_cast<double>(product_.depth);
  const double share = 1 - kLongLoss * std::min(1.0, flops / kLongFlops);
  const double multiply = kUnitRows * tile.columns * 32.0 / UnitFlops(share);
  const double read = 32.0 * (kUnitRows + tile.columns) / kSharedBytesPerCycle;
  const double tile_bytes = kTileLineBytes * (double(tile.rows) / tile.cluster_across +
                                              double(tile.columns) / tile.cluster);
  const double fill =
      tile_bytes * card.clock_ghz * target_.multiprocessors / (card.l2_gbps * kFillShare);
  const double come = kTileLineBytes / kFilledBytesPerCycle * (tile.rows + tile.columns);
  // Cycles of a vector that a thread copies, whose address is some instructions, and of an
  // element that it loads; of convolutions part of these are waits that another block's hide
  // behind.
  constexpr double kCopyCycles = 24, kElementCycles = 60;
  constexpr double kGatheredCycles = 51, kGatheredWait = 22;
  const auto copies = [&](const MatrixTile& side, int outer, double of_element) {
    if (side.engine) return 0.0;
    const double each = side.copy_bytes == 0 ? element_bytes_ : side.copy_bytes;
    const double cycles = side.copy_bytes == 0 ? of_element : kCopyCycles;
    return outer * kTileLineBytes / each / 128 * cycles;
  };
  const auto step_of = [&](double of_element) {
    const double longest = std::max(
        {products * std::max(multiply, read), fill, come,
         copies(tile.lhs, tile.rows, of_element) + copies(tile.rhs, tile.columns, of_element)});
    return longest * (tile.cluster_across > 1 ? kAcrossFactor : 1) + kShownFill * fill;
  };
  const double step = step_of(is_gathered_ ? kGatheredCycles : kElementCycles);
  const double alone = is_gathered_ ? step_of(kGatheredCycles + kGatheredWait) : step;
  const double elements = double(tile.rows) * tile.columns;
  const double turns = std::ceil(parts / static_cast<double>(Places(tile)));
  const double pass = kPassCycles * elements;
  const double shown = resident > 1 ? kShownPass * resident * pass : 0;
  const double compute =
      turns * std::max({resident * steps * step + shown, resident * (kPartCycles + pass),
                        steps * alone + kSumCycles * elements});
  const double partial = PartialBytes(tile);
  const double bytes = static_cast<double>(bytes_) + partial;
  const auto [less, more] =
      std::minmax({(compute + kBlockOverhead) / cycles_per_us, bytes / kBytesPerMicrosecond});
  const double l2 = parts * steps * tile_bytes / (card.l2_gbps * 1e3 * kFillShare);
  const double longest = product_.rows < kManyRows ? kFewRows * more : more + kSeen * (less + l2);
  return longest + kFirstMicroseconds +
         (tile.splits > 1 ? kCombiningMicroseconds + kPartMicroseconds * tile.splits +
                                partial / kBytesPerMicrosecond
                          : 0);
}

double ContractionCost::Microseconds(const ContractionPlan& tile) const {
  if (tile.wgmma) return PipelineMicroseconds(tile);
  constexpr double kStepLatency = 700;  // cycles of a step of one block alone
  // Cycles: the first tiles come; of each sum, which is passed on and stored.
  constexpr double kBlockOverhead = 1500;
  const double kSumCycles = 0.06 + EpilogueCycles(tile);
  constexpr double kSharedBytesPerCycle = 128;
  constexpr double kL2Share = 0.55;  // of what L2 gives where all of it is reused
  const Card& card = *target_.card;
  const double cycles_per_us = card.clock_ghz * 1e3;
  const double steps = static_cast<double>(Steps(tile));
  const auto blocks = static_cast<double>(Tiles(tile) * tile.splits);
  const double resident = std::max(1, ResidentBlocks(tile));
  const double depth_bytes = tile.depth * element_bytes_;
  const double tile_bytes = depth_bytes * (tile.rows + tile.columns);
  const double matrix = UnitCycles(tile);
  const int warps = tile.row_warps * tile.column_warps;
  const double read =
      depth_bytes * warps *
      (double(tile.rows) / tile.row_warps + double(tile.columns) / tile.column_warps);
  const double shared = (read + tile_bytes) / kSharedBytesPerCycle;
  const double loads = CopyCycles(tile);
  const double step = std::max({matrix, shared, loads});
  const double share = std::ceil(blocks / target_.multiprocessors);
  const double waves = std::ceil(share / resident);
  const double compute =
      std::max(share * steps * step, waves * steps * std::max(step, kStepLatency)) +
      waves * (kBlockOverhead + kSumCycles * tile.rows * tile.columns);
  // Partial results are written while others are computed, and read by a kernel of their own.
  const double partial = PartialBytes(tile);
  const double bytes = static_cast<double>(bytes_) + partial;
  const double l2 = blocks * steps * tile_bytes / (card.l2_gbps * 1e3 * kL2Share);
  const double times[] = {compute / cycles_per_us, bytes / kBytesPerMicrosecond, l2};
  const double longest = *std::max_element(std::begin(times), std::end(times));
  const double all = longest + Seen() * (times[0] + times[1] + times[2] - longest) +
                     partial / kBytesPerMicrosecond +
                     kLaunchMicroseconds * (tile.splits > 1 ? 2 : 1);
  // What H200s took longer: of plain matrices by the numbers of `ingot tune`, and for convolutions,
  // of whose elements threads compute the addresses.
  constexpr double kWholeFactor = 1.2, kSplitFactor = 1.1, kGatheredFactor = 1.3;
  constexpr int64_t kUnitLeastRows = 16;
  if (tile.unit == ProductUnit::kFma || tile.unit == ProductUnit::kF64) return all;
  if (is_gathered_) return all * kGatheredFactor;
  if (product_.rows < kUnitLeastRows) return all;
  return all * (tile.splits > 1 ? kSplitFactor : kWholeFactor);
}

// Of one step of a block.
double ContractionCost::UnitCycles(const ContractionPlan& tile) const {
  constexpr double kFmaShare = 0.85, kDoubleShare = 0.5;
  constexpr double kLoadSlots = 2.5;  // instructions that a vector of elements takes
  const Card& card = *target_.card;
  const double elements = double(tile.rows) * tile.columns * tile.depth;
  if (tile.unit == ProductUnit::kFma) {
    const double sums = double(tile.rows) * tile.columns / tile.threads();
    const double vectors =
        (tile.rows / (4.0 * tile.row_warps) + tile.columns / (8.0 * tile.column_warps)) /
        std::min(kVectorBytes / element_bytes_, kFmaVector);
    return elements / (FmaLanes(sum_type_, card) * kFmaShare) +
           elements / sums * vectors * kLoadSlots / card.float_lanes;
  }
  if (tile.unit == ProductUnit::kF64) return elements / (kDoubleShare * 2 * card.double_lanes);
  // Units take 32 bytes along depth at a time, whatever the elements are.
  return elements * element_bytes_ / UnitFlops(MatrixShare(target_));
}

// Of one step of a block, by threads' instructions: what they bring to shared memory in less than
// 16 bytes at a time, and bytes across depth from there (lower/contraction_mma.cc).
double ContractionCost::CopyCycles(const ContractionPlan& tile) const {
  constexpr double kVectorCycles = 0.6, kElementCycles = 0.75, kByteCycles = 1.0 / 32;
  const double depth = tile.depth;
  const double bytes = element_bytes_ == 1 && tile.unit != ProductUnit::kFma ? depth : 0;
  const auto cycles = [&](const MatrixTile& matrix, int outer, int sharing_warps) {
    double copies = 0;
    if (matrix.copy_bytes == 0) {
      copies = outer * depth * kElementCycles;
    } else if (matrix.copy_bytes < kVectorBytes) {
      copies = outer * depth * element_bytes_ / matrix.copy_bytes * kVectorCycles;
    }
    return copies + (matrix.depth_major ? 0 : outer * sharing_warps * bytes * kByteCycles);
  };
  return cycles(tile.lhs, tile.rows, tile.column_warps) +
         cycles(tile.rhs, tile.columns, tile.row_warps);
}

}  // namespace ingot::plan
