#include "compiler/plan/contraction.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "compiler/plan/analysis.h"
#include "compiler/plan/cost.h"
#include "compiler/plan/kernels.h"
#include "compiler/plan/product.h"
#include "compiler/plan/tile.h"
#include "ir/analysis/op_facts.h"
#include "ir/base/integers.h"
#include "ir/base/status.h"

namespace ingot::plan {
namespace {

// Of a tile along depth, the first of which two stages fit: a matrix unit's step is 32 bytes, and
// 128 are what all banks hold.
constexpr int kDepthBytes[] = {128, 64, 32};
// Threads that multiply want blocks beside each other more than tiles ahead.
constexpr int kFmaDepthBytes[] = {64, 32, 128};
constexpr int kMostFmaStages = 3;
constexpr int kVectorBytes = 16;
constexpr int kLeastCapability = 80;
constexpr int kMostStages = 4;
constexpr int kMostSplits = 64;
constexpr size_t kMostCandidates = 12;

struct TileShape {
  int rows, columns, row_warps, column_warps;
};
// A warp has at least 16 × 16.
constexpr TileShape kTileShapes[] = {
    {128, 256, 2, 4}, {128, 128, 2, 2}, {128, 64, 2, 2}, {64, 128, 2, 2}, {64, 64, 2, 2},
    {32, 128, 1, 4},  {128, 32, 4, 1},  {16, 128, 1, 4}, {16, 256, 1, 4}, {128, 16, 4, 1},
    {32, 64, 1, 4},   {64, 32, 2, 2},   {32, 32, 2, 2},  {16, 32, 1, 2},  {16, 16, 1, 1},
};

// Of multiply-adds of threads: a warp has at least 4 × 8 vectors of four elements.
constexpr TileShape kFmaShapes[] = {
    {128, 128, 4, 2}, {64, 128, 2, 2}, {128, 64, 4, 1}, {64, 64, 2, 2},
    {128, 32, 4, 1},  {16, 128, 1, 4}, {64, 32, 2, 1},  {32, 64, 1, 2},
    {16, 64, 1, 2},   {32, 32, 1, 1},  {16, 32, 1, 1},
};

absl::Span<const TileShape> ShapesOf(ProductUnit unit) {
  if (unit == ProductUnit::kFma) return kFmaShapes;
  return kTileShapes;
}

// What mma.sync reaches of the units' rate, which is that of wgmma on Hopper.
double MatrixShare(const Target& target) { return target.capability >= 90 ? 0.62 : 0.9; }

class Planner {
 public:
  Planner(const Computation& fusion, const Target& target, ProductUnit unit,
          ProductFusion product_fusion)
      : fusion_(fusion),
        target_(target),
        product_fusion_(std::move(product_fusion)),
        element_bytes_(
            ByteWidth(product_fusion_.product.instruction->operand(0)->shape().element_type())),
        sum_bytes_(ByteWidth(product_fusion_.product.sum_type())),
        bytes_(BytesOf(fusion)) {
    base_.unit = unit;
    base_.lhs = TileOf(product().lhs);
    base_.rhs = TileOf(product().rhs);
    base_.lanes = product_fusion_.lanes;
  }

  void Propose(std::vector<FusionPlan>& plans) const {
    std::vector<std::pair<double, ContractionPlan>> tiles;
    for (const TileShape& shape : ShapesOf(base_.unit)) {
      for (int splits = 1; splits <= kMostSplits; splits = NextSplits(splits)) {
        ContractionPlan tile = base_;
        tile.rows = shape.rows;
        tile.columns = shape.columns;
        tile.row_warps = shape.row_warps;
        tile.column_warps = shape.column_warps;
        tile.splits = splits;
        SetDepth(tile);
        if (!SplitsWell(tile) || tile.stages < 2) break;
        tiles.emplace_back(Microseconds(tile), tile);
      }
    }
    KeepCheapest(kMostCandidates, tiles);
    for (const auto& [cost, tile] : tiles) plans.push_back(Make(tile));
  }

  FusionPlan Make(const ContractionPlan& tile) const {
    FusionPlan plan;
    plan.kernels.push_back(Kernel(tile));
    plan.kernels[0].blocks = Tiles(tile) * tile.splits;
    plan.kernels[0].block_threads = tile.threads();
    plan.kernels[0].flops = FlopsOf(fusion_);
    if (tile.splits > 1) AddCombination(tile, plan);
    plan.kernels.back().bytes = bytes_;
    plan.cost = Microseconds(tile);
    return plan;
  }

  absl::Status TileFits(const ContractionPlan& tile) const {
    const absl::Span<const TileShape> shapes = ShapesOf(base_.unit);
    const bool known = std::any_of(shapes.begin(), shapes.end(), [&](const TileShape& s) {
      return s.rows == tile.rows && s.columns == tile.columns && s.row_warps == tile.row_warps &&
             s.column_warps == tile.column_warps;
    });
    INGOT_REQUIRE(known, "no tile has rows=", tile.rows, " columns=", tile.columns,
                  " row_warps=", tile.row_warps, " column_warps=", tile.column_warps);
    INGOT_REQUIRE(std::find(std::begin(kDepthBytes), std::end(kDepthBytes),
                            tile.depth * element_bytes_) != std::end(kDepthBytes),
                  "depth=", tile.depth, "; a tile is 32, 64 or 128 bytes deep");
    INGOT_REQUIRE(tile.stages >= 2 && tile.stages <= MostStages(tile), "stages=", tile.stages,
                  "; 2 to ", MostStages(tile), " fit");
    INGOT_REQUIRE(tile.splits >= 1 && tile.splits <= kMostSplits && SplitsWell(tile),
                  "splits=", tile.splits, "; a part would be empty");
    INGOT_REQUIRE(tile.group >= 1 && tile.group <= 64, "group=", tile.group);
    return absl::OkStatus();
  }

  const ContractionPlan& base() const { return base_; }

 private:
  const Product& product() const { return product_fusion_.product; }

  // The kernel that puts parts together, and their memory.
  void AddCombination(const ContractionPlan& tile, FusionPlan& plan) const {
    constexpr int kThreads = 128;
    const int64_t elements = product().batch * product().rows * product().columns;
    plan.scratch.push_back({Shape::ArrayWithDefaultLayout(
        product().sum_type(), {tile.splits, product().batch, product().rows, product().columns})});
    ContractionPlan combination = tile;
    combination.combines = true;
    KernelPlan last = Kernel(combination);
    last.block_threads = kThreads;
    last.blocks = CeilDiv(elements, int64_t{tile.lanes} * kThreads);
    plan.kernels.push_back(std::move(last));
    for (KernelPlan& kernel : plan.kernels) {
      kernel.buffers.push_back({BufferRole::Kind::kScratch, 0});
    }
  }

  void SetDepth(ContractionPlan& tile) const {
    const bool fma = tile.unit == ProductUnit::kFma;
    for (int bytes : fma ? kFmaDepthBytes : kDepthBytes) {
      tile.depth = bytes / element_bytes_;
      tile.stages = MostStages(tile);
      if (tile.stages >= 2) return;
    }
  }

  static int NextSplits(int splits) { return splits < 4 ? splits + 1 : splits * 3 / 2; }

  MatrixTile TileOf(const ProductOperand& operand) const {
    const int most = kVectorBytes / element_bytes_;
    const int along_depth = ProductRun(operand, 2, most), along_rows = ProductRun(operand, 1, most);
    const int bytes = std::max(along_depth, along_rows) * element_bytes_;
    return {along_depth >= along_rows, bytes < 4 ? 0 : bytes};
  }

  int64_t Steps(const ContractionPlan& tile) const {
    return CeilDiv(CeilDiv(product().depth, tile.depth), tile.splits);
  }
  // No part is empty.
  bool SplitsWell(const ContractionPlan& tile) const {
    return Steps(tile) * (tile.splits - 1) < CeilDiv(product().depth, tile.depth);
  }
  int64_t Tiles(const ContractionPlan& tile) const {
    return SaturatingMultiply(product().batch, CeilDiv(product().rows, tile.rows) *
                                                   CeilDiv(product().columns, tile.columns));
  }
  int MostStages(ContractionPlan tile) const {
    const int64_t steps = Steps(tile);
    tile.stages = tile.unit == ProductUnit::kFma ? kMostFmaStages : kMostStages;
    for (; tile.stages >= 2; --tile.stages) {
      if (tile.stages > 2 && tile.stages > steps) continue;
      if (SharedBytesOf(tile, element_bytes_, sum_bytes_) <= target_.shared_bytes) break;
    }
    return tile.stages;
  }

  KernelPlan Kernel(const ContractionPlan& tile) const {
    KernelPlan kernel;
    kernel.skeleton = Skeleton::kContraction;
    kernel.work = tile;
    const int64_t sums =
        SaturatingMultiply(tile.splits, product().batch * product().rows * product().columns);
    kernel.index_type = sums > kMostNarrowOffset ? ElementType::kS64 : IndexTypeOf(fusion_);
    kernel.buffers = AllBuffers(fusion_, 0);
    return kernel;
  }

  // ----- the time of a tile

  int ResidentBlocks(const ContractionPlan& tile) const {
    const Card& card = *target_.card;
    const int threads = tile.threads();
    // Sums, and what is under way to the units.
    const int registers = std::min(
        card.thread_registers, 80 + tile.rows * tile.columns / threads * ((sum_bytes_ + 3) / 4));
    const int64_t shared =
        SharedBytesOf(tile, element_bytes_, sum_bytes_) + card.reserved_shared_bytes;
    return static_cast<int>(
        std::min<int64_t>({card.shared_bytes / shared, card.registers / (registers * threads),
                           target_.threads / threads, card.blocks}));
  }

  double Microseconds(const ContractionPlan& tile) const {
    constexpr double kStepLatency = 700;  // cycles of a step of one block alone
    // Cycles: the first tiles come; of each sum, which is passed on and stored.
    constexpr double kBlockOverhead = 1500, kSumCycles = 0.06;
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
    // Elements one by one are instructions of threads.
    const double loads = ElementLoads(tile) / 32;
    const double step = std::max({matrix, shared, loads});
    const double share = std::ceil(blocks / target_.multiprocessors);
    const double waves = std::ceil(share / resident);
    const double compute =
        std::max(share * steps * step, waves * steps * std::max(step, kStepLatency)) +
        waves * (kBlockOverhead + kSumCycles * tile.rows * tile.columns);
    // Partial results are written while others are computed, and read by a kernel of their own.
    const double partial = tile.splits == 1 ? 0
                                            : 1.0 * sum_bytes_ * tile.splits * product().batch *
                                                  product().rows * product().columns;
    const double bytes = static_cast<double>(bytes_) + partial;
    const double l2 = blocks * steps * tile_bytes / (card.l2_gbps * 1e3 * kL2Share);
    return std::max({compute / cycles_per_us, bytes / kBytesPerMicrosecond, l2}) +
           partial / kBytesPerMicrosecond + kLaunchMicroseconds * (tile.splits > 1 ? 2 : 1);
  }

  // Of one step of a block.
  double UnitCycles(const ContractionPlan& tile) const {
    constexpr double kFmaShare = 0.85;
    constexpr double kLoadSlots = 2.5;  // instructions that a vector of elements takes
    const Card& card = *target_.card;
    const double elements = double(tile.rows) * tile.columns * tile.depth;
    if (tile.unit == ProductUnit::kFma) {
      const double sums = double(tile.rows) * tile.columns / tile.threads();
      const double vectors =
          (tile.rows / (4.0 * tile.row_warps) + tile.columns / (8.0 * tile.column_warps)) /
          std::min(kVectorBytes / element_bytes_, kFmaVector);
      return elements / (FmaLanes(product().sum_type(), card) * kFmaShare) +
             elements / sums * vectors * kLoadSlots / card.float_lanes;
    }
    const double flops_per_cycle = card.bf16_tflops * 1e12 * MatrixShare(target_) /
                                   (card.clock_ghz * 1e9 * target_.multiprocessors);
    // Units take 32 bytes along depth at a time, whatever the elements are.
    return elements * element_bytes_ / flops_per_cycle;
  }
  // Multiply-adds of a multiprocessor in a cycle.
  static double FmaLanes(ElementType type, const Card& card) {
    if (type == ElementType::kF32) return card.float_lanes;
    if (type == ElementType::kF64) return card.double_lanes;
    return ByteWidth(type) > 4 ? card.float_lanes / 8.0 : card.float_lanes / 2.0;
  }

  // Of one step of a block, element by element: to shared memory, and of bytes across depth from
  // there (lower/contraction_mma.cc).
  double ElementLoads(const ContractionPlan& tile) const {
    const double depth = tile.depth;
    const double bytes = element_bytes_ == 1 && tile.unit != ProductUnit::kFma ? depth : 0;
    const auto loads = [&](const MatrixTile& matrix, int outer, int sharing_warps) {
      return (matrix.copy_bytes == 0 ? outer * depth : 0) +
             (matrix.depth_major ? 0 : outer * sharing_warps * bytes);
    };
    return loads(tile.lhs, tile.rows, tile.column_warps) +
           loads(tile.rhs, tile.columns, tile.row_warps);
  }

  const Computation& fusion_;
  const Target& target_;
  ProductFusion product_fusion_;
  const int element_bytes_;
  const int sum_bytes_;
  const int64_t bytes_;
  ContractionPlan base_;
};

// Whether results may be those of operands of 10 bits, which is what XLA makes of them too.
bool AllowsTf32(const Instruction& product, Numerics numerics) {
  const bool dot = product.opcode() == Opcode::kDot;
  const Precisions& precisions =
      dot ? product.attributes<DotAttributes>().operand_precision
          : product.attributes<ConvolutionAttributes>().operand_precision;
  const bool named = dot && !product.attributes<DotAttributes>().algorithm.text.empty();
  return numerics == Numerics::kDefault && !named &&
         std::all_of(precisions.begin(), precisions.end(),
                     [](Precision precision) { return precision == Precision::kDefault; });
}

absl::StatusOr<ProductUnit> UnitFor(const Instruction& product, Numerics numerics) {
  const ElementType lhs = product.operand(0)->shape().element_type();
  const ElementType rhs = product.operand(1)->shape().element_type();
  const ElementType type = product.shape().element_type();
  INGOT_REQUIRE(lhs == rhs, "operands of two types");
  for (ElementType each : {lhs, type}) {
    INGOT_REQUIRE((IsFloat(each) || IsInteger(each)) && BitWidth(each) >= 8, "no unit multiplies ",
                  ElementTypeName(each));
  }
  if (lhs == ElementType::kS8 && type == ElementType::kS32) return ProductUnit::kS8;
  if (lhs == ElementType::kU8 && type == ElementType::kU32) return ProductUnit::kU8;
  if (type != lhs && type != ElementType::kF32) return ProductUnit::kFma;
  if (lhs == ElementType::kBF16) return ProductUnit::kBf16;
  if (lhs == ElementType::kF16) return ProductUnit::kF16;
  if (lhs == ElementType::kF32 && AllowsTf32(product, numerics)) return ProductUnit::kTf32;
  return ProductUnit::kFma;
}

absl::StatusOr<Planner> PlannerFor(const Computation& fusion, const Target& target,
                                   Numerics numerics) {
  INGOT_REQUIRE(target.platform == Platform::kCuda && target.capability >= kLeastCapability,
                target.name, " has no such matrix units");
  INGOT_ASSIGN_OR_RETURN(ProductFusion product, MakeProductFusion(fusion));
  INGOT_ASSIGN_OR_RETURN(const ProductUnit unit, UnitFor(*product.product.instruction, numerics));
  return Planner(fusion, target, unit, std::move(product));
}

}  // namespace

int64_t SharedBytesOf(const ContractionPlan& plan, int element_bytes, int sum_bytes) {
  const int64_t tiles =
      int64_t{1} * plan.stages * (plan.rows + plan.columns) * plan.depth * element_bytes;
  return std::max(tiles, plan.rows * SumPitch(plan) * int64_t{sum_bytes});
}

void ProposeContraction(Skeleton, const Computation& fusion, const FusionInfo&,
                        const Target& target, Numerics numerics, std::vector<FusionPlan>& plans) {
  const absl::StatusOr<Planner> planner = PlannerFor(fusion, target, numerics);
  if (!planner.ok()) return;
  const size_t before = plans.size();
  planner->Propose(plans);
  // The unit depends on them, and so does whether the plan fits.
  for (size_t i = before; i < plans.size(); ++i) plans[i].numerics = numerics;
}

absl::Status ContractionFits(const FusionPlan& plan, const Computation& fusion,
                             const Target& target) {
  INGOT_ASSIGN_OR_RETURN(const Planner planner, PlannerFor(fusion, target, plan.numerics));
  const ContractionPlan& tile = plan.kernels[0].contraction();
  INGOT_RETURN_IF_ERROR(planner.TileFits(tile));
  ContractionPlan own = planner.base();
  own.rows = tile.rows;
  own.columns = tile.columns;
  own.depth = tile.depth;
  own.row_warps = tile.row_warps;
  own.column_warps = tile.column_warps;
  own.stages = tile.stages;
  own.splits = tile.splits;
  own.group = tile.group;
  return KernelsAgree(plan, planner.Make(own));
}

}  // namespace ingot::plan
