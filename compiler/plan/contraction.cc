#include "compiler/plan/contraction.h"

#include <algorithm>
#include <cmath>

#include "absl/algorithm/container.h"
#include "absl/strings/str_join.h"
#include "compiler/plan/analysis.h"
#include "compiler/plan/contraction_cost.h"
#include "compiler/plan/contraction_shapes.h"
#include "compiler/plan/cost.h"
#include "compiler/plan/kernels.h"
#include "compiler/plan/product.h"
#include "compiler/plan/product_images.h"
#include "compiler/plan/product_map.h"
#include "compiler/plan/tile.h"
#include "ir/analysis/op_facts.h"
#include "ir/base/integers.h"
#include "ir/base/status.h"

namespace ingot::plan {
namespace {

constexpr int kMostFmaStages = 3;
constexpr int kVectorBytes = 16;
constexpr int kLeastCapability = 80;
constexpr int kMostStages = 4;
constexpr int kMostSplits = 256, kMostUnitSplits = 64;  // of any plan; of a choice but for wgmma's
constexpr size_t kMostCandidates = 12;
// Boxes of a warp's results, in all and of each result; steps along depth that stores do not hide
// behind; operations besides which a box's elements of another matrix fit in registers.
constexpr int kMostStoreBoxes = 4, kBoxesOfResult = 2, kFewSteps = 4, kMostReading = 4;

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
        bytes_(BytesOf(fusion)),
        lhs_(DigitsOf(product().lhs)),
        rhs_(DigitsOf(product().rhs)),
        images_(ImagesOf(product())),
        stored_(ResultCopiesOf(fusion)),
        boxed_(MatrixReadOf(fusion)),
        epilogue_(EpilogueOf(fusion, product_fusion_)),
        cost_(product(), epilogue_, bytes_,
              /*is_gathered=*/!(product().exchanged ? rhs_ : lhs_).ok(), target) {
    base_.unit = unit;
    base_.lhs = TileOf(product().lhs);
    base_.rhs = TileOf(product().rhs);
    base_.lanes = product_fusion_.lanes;
  }

  void Propose(std::vector<FusionPlan>& plans) const {
    std::vector<std::pair<double, ContractionPlan>> tiles;
    for (const TileShape& shape : ShapesOf(base_.unit)) {
      ContractionPlan tile = base_;
      tile.rows = shape.rows;
      tile.columns = shape.columns;
      tile.row_warps = shape.row_warps;
      tile.column_warps = shape.column_warps;
      for (; tile.splits <= kMostUnitSplits; tile.splits = NextSplits(tile)) {
        SetDepth(tile);
        if (!SplitsWell(tile) || tile.stages < 2) break;
        tiles.emplace_back(cost_.Microseconds(tile), tile);
      }
    }
    const auto warps = static_cast<ptrdiff_t>(tiles.size());
    // Of plans that memory holds up alike, those that waste no rows of wgmma come first.
    AddPipelines(tiles);
    if (product().rows >= kUnitRows) {
      std::rotate(tiles.begin(), tiles.begin() + warps, tiles.end());
    }
    KeepCheapest(kMostCandidates, tiles);
    for (const auto& [cost, tile] : tiles) plans.push_back(Make(tile));
  }

  FusionPlan Make(const ContractionPlan& tile) const {
    FusionPlan plan;
    plan.kernels.push_back(Kernel(tile));
    const int64_t parts = cost_.Tiles(tile) * tile.splits;
    plan.kernels[0].blocks = parts;
    plan.kernels[0].block_threads = tile.threads();
    if (tile.wgmma) {
      plan.kernels[0].blocks = std::min(parts, cost_.Places(tile));
      plan.kernels[0].resident_blocks = cost_.ResidentBlocks(tile);
    }
    plan.kernels[0].flops = FlopsOf(fusion_);
    if (tile.splits > 1) AddCombination(tile, plan);
    plan.kernels.back().bytes = bytes_;
    plan.cost = cost_.Microseconds(tile);
    return plan;
  }

  // Of a tile whose sides are set.
  absl::Status TileFits(const ContractionPlan& tile) const {
    if (tile.wgmma) return PipelineFits(tile);
    INGOT_REQUIRE(tile.store_boxes == 0, "store_boxes=", tile.store_boxes, "; without wgmma");
    const absl::Span<const TileShape> shapes = ShapesOf(base_.unit);
    const bool known = std::any_of(shapes.begin(), shapes.end(), [&](const TileShape& s) {
      return s.rows == tile.rows && s.columns == tile.columns && s.row_warps == tile.row_warps &&
             s.column_warps == tile.column_warps;
    });
    INGOT_REQUIRE(known, "no tile has rows=", tile.rows, " columns=", tile.columns,
                  " row_warps=", tile.row_warps, " column_warps=", tile.column_warps);
    const absl::Span<const int> depths = DepthBytesOf(base_.unit);
    INGOT_REQUIRE(absl::c_linear_search(depths, tile.depth * element_bytes_), "depth=", tile.depth,
                  "; a tile is ", absl::StrJoin(depths, " or "), " bytes deep");
    INGOT_REQUIRE(tile.stages >= 2 && tile.stages <= MostStages(tile), "stages=", tile.stages,
                  "; 2 to ", MostStages(tile), " fit");
    INGOT_REQUIRE(tile.splits >= 1 && tile.splits <= kMostSplits && SplitsWell(tile),
                  "splits=", tile.splits, "; a part would be empty");
    INGOT_REQUIRE(tile.group >= 1 && tile.group <= 64, "group=", tile.group);
    return absl::OkStatus();
  }

  const ContractionPlan& base() const { return base_; }

  void SetStores(int boxes, ContractionPlan& tile) const {
    tile.store_boxes = boxes;
    tile.load_boxes = boxed_.ok() && tile.splits == 1 && boxes >= 2 * std::ssize(*stored_);
    tile.lanes = boxes > 0 ? kStoredLanes : base_.lanes;
  }

  // How tiles of this size come: by the copy engine where a tensor map reads the matrix so.
  void SetSides(ContractionPlan& tile) const {
    const auto side = [&](const absl::StatusOr<OperandDigits>& digits, int outer,
                          const MatrixTile& base) {
      MatrixTile result = base;
      if (!digits.ok()) return result;
      const absl::StatusOr<OperandCopy> copy = CopyOf(*digits, outer, tile.depth);
      if (copy.ok() && CanTurn(copy->depth_major)) result = {copy->depth_major, kVectorBytes, true};
      return result;
    };
    tile.lhs = side(lhs_, tile.rows, base_.lhs);
    tile.rhs = side(rhs_, tile.columns, base_.rhs);
    MatrixTile& input = product().exchanged ? tile.rhs : tile.lhs;
    if (input.engine || !images_.ok()) return;
    const ElementType type = product().first().parameter->shape().element_type();
    const int outer = product().exchanged ? tile.columns : tile.rows;
    const absl::StatusOr<ImageCopy> copy = CopyOf(*images_, type, outer, tile.depth);
    if (copy.ok() && CanTurn(copy->depth_major)) input = {copy->depth_major, kVectorBytes, true};
  }

 private:
  const Product& product() const { return product_fusion_.product; }

  // ----- wgmma

  bool CanTurn(bool depth_major) const { return depth_major || element_bytes_ == 2; }

  void AddPipelines(std::vector<std::pair<double, ContractionPlan>>& tiles) const {
    if (!HasWgmma().ok()) return;
    std::vector<std::pair<double, ContractionPlan>> found;
    for (const PipelineShape& shape : kPipelineShapes) {
      for (int columns = kLeastPassedColumns; columns <= kMostColumns;
           columns += kLeastPassedColumns) {
        ContractionPlan tile = Pipeline(shape, columns);
        if (!PipelineFits(tile).ok()) continue;
        std::vector<ClusterShape> clusters;
        for (const ClusterShape& cluster : kClusterShapes) {
          SetCluster(cluster, tile);
          if (ClusterFits(tile).ok()) clusters.push_back(cluster);
        }
        SetCluster({1, 1}, tile);
        for (; tile.splits <= kMostSplits && SplitsWell(tile); tile.splits = NextSplits(tile)) {
          if (tile.splits > 1) {
            if (cost_.Tiles(tile) > target_.multiprocessors) break;
            SetStores(shape, tile);
          }
          for (const ClusterShape& cluster : clusters) {
            SetCluster(cluster, tile);
            found.emplace_back(cost_.Microseconds(tile), tile);
          }
          SetCluster({1, 1}, tile);
        }
      }
    }
    KeepCheapest(kMostCandidates, found);
    tiles.insert(tiles.end(), found.begin(), found.end());
  }

  static void SetCluster(const ClusterShape& cluster, ContractionPlan& tile) {
    tile.cluster = cluster.rows;
    tile.cluster_across = cluster.across;
  }

  absl::Status HasWgmma() const {
    INGOT_REQUIRE(target_.specific && target_.capability == kWgmmaCapability,
                  "wgmma: ", target_.name, " has none");
    INGOT_REQUIRE(base_.unit != ProductUnit::kFma && base_.unit != ProductUnit::kF64,
                  "wgmma: it has no unit ", NameOf(base_.unit));
    return absl::OkStatus();
  }

  ContractionPlan Pipeline(const PipelineShape& shape, int columns) const {
    ContractionPlan tile = base_;
    tile.wgmma = true;
    tile.rows = shape.rows;
    tile.columns = columns;
    tile.row_warps = 4 * shape.consumers;
    tile.column_warps = 1;
    tile.depth = kTileLineBytes / element_bytes_;
    SetSides(tile);
    SetRegisters(shape, tile);
    SetStores(shape, tile);
    return tile;
  }
  // How results are stored, and as many stages as fit besides.
  void SetStores(const PipelineShape& shape, ContractionPlan& tile) const {
    SetStores(StoreBoxes(tile), tile);
    SetStages(shape, tile);
    if (!tile.load_boxes || std::ssize(*stored_) > 1) return;
    // More of the other matrix is under way, unless that takes stages which steps would use.
    ContractionPlan more = tile;
    SetStores(kMostStoreBoxes, more);
    SetStages(shape, more);
    if (more.stages >= std::min<int64_t>(tile.stages, cost_.Steps(tile))) tile = more;
  }
  void SetStages(const PipelineShape& shape, ContractionPlan& tile) const {
    for (tile.stages = kMostPipelineStages; tile.stages > kLeastPipelineStages; --tile.stages) {
      if (SharedBytesOf(tile, element_bytes_, sum_bytes_) <= SharedShare(shape.resident_blocks)) {
        break;
      }
    }
  }
  // Whether all results, or sums of parts of depth, are stored by the copy engine.
  absl::Status StoresByEngine(const ContractionPlan& tile) const {
    INGOT_REQUIRE(tile.wgmma, "threads of other units store their results");
    INGOT_RETURN_IF_ERROR(stored_.status());
    const int width = tile.splits > 1 ? sum_bytes_ : ByteWidth((*stored_)[0].map.element_type);
    INGOT_REQUIRE(tile.columns % (kTileLineBytes / width) == 0, "columns=", tile.columns,
                  " are no lines of ", kTileLineBytes / width);
    return absl::OkStatus();
  }
  int StoreBoxes(const ContractionPlan& tile) const {
    if (!StoresByEngine(tile).ok()) return 0;
    if (tile.splits > 1) return kBoxesOfResult;
    // Registers do not hold a box's elements of another matrix besides long computations; where
    // little is multiplied, threads store whole sectors of wide elements sooner.
    if (epilogue_.reads_matrix && !boxed_.ok() && epilogue_.operations > kMostReading) return 0;
    if (ByteWidth((*stored_)[0].map.element_type) > 2 && cost_.Steps(tile) <= kFewSteps) return 0;
    const int results = static_cast<int>(stored_->size());
    return std::min(kBoxesOfResult, kMostStoreBoxes / results) * results;
  }
  // Of one that multiplies.
  static int SumsOfThread(const PipelineShape& shape, const ContractionPlan& tile) {
    return tile.rows / shape.consumers / kUnitRows * tile.columns / 2;
  }
  // 128 threads of each kind share what a multiprocessor has.
  static void SetRegisters(const PipelineShape& shape, ContractionPlan& tile) {
    tile.producer_registers = tile.consumer_registers = 0;
    if (shape.consumers + shape.resident_blocks == 2) return;
    const int all = shape.consumers == 2 ? 504 : 256;
    const int sums = SumsOfThread(shape, tile);
    const int elements = kElementRegisters[shape.consumers - 1];
    const bool leaves_enough = sums + kLeastFreeRegisters <= (all - elements) / shape.consumers;
    const auto registers = [&](const MatrixTile& side) {
      if (side.engine) return kProducerRegisters;
      return side.copy_bytes == 0 && leaves_enough ? elements : kCopyingRegisters;
    };
    tile.producer_registers = std::max(registers(tile.lhs), registers(tile.rhs));
    tile.consumer_registers = (all - tile.producer_registers) / shape.consumers;
  }
  // Of a block, where so many are resident.
  int64_t SharedShare(int blocks) const {
    const Card& card = *target_.card;
    return std::min<int64_t>(target_.shared_bytes,
                             card.shared_bytes / blocks - card.reserved_shared_bytes);
  }

  absl::Status PipelineFits(const ContractionPlan& tile) const {
    INGOT_RETURN_IF_ERROR(HasWgmma());
    ContractionPlan own = tile;
    const auto* shape = std::find_if(
        std::begin(kPipelineShapes), std::end(kPipelineShapes), [&](const PipelineShape& s) {
          SetRegisters(s, own);
          return s.rows == tile.rows && 4 * s.consumers == tile.row_warps &&
                 tile.column_warps == 1 && own.consumer_registers == tile.consumer_registers &&
                 own.producer_registers == tile.producer_registers;
        });
    INGOT_REQUIRE(shape != std::end(kPipelineShapes), "no tile has rows=", tile.rows,
                  " row_warps=", tile.row_warps, " producer_registers=", tile.producer_registers,
                  " consumer_registers=", tile.consumer_registers);
    const int sums = SumsOfThread(*shape, tile);
    INGOT_REQUIRE(tile.columns % kLeastPassedColumns == 0 && tile.columns > 0 &&
                      tile.columns <= kMostColumns && sums <= kMostThreadSums,
                  "columns=", tile.columns, "; a thread has at most ", kMostThreadSums, " sums");
    // Threads are launched with what one product needs (ptxas, C7602).
    const int launched = target_.card->registers / (tile.threads() * shape->resident_blocks);
    const int registers = tile.consumer_registers > 0 ? tile.consumer_registers : launched;
    INGOT_REQUIRE(
        sums + kLeastFreeRegisters <= registers && tile.columns / 2 + kUnitRegisters <= launched,
        "columns=", tile.columns, "; ", sums, " sums leave too few of ", registers, " registers");
    INGOT_REQUIRE(tile.depth == kTileLineBytes / element_bytes_, "depth=", tile.depth,
                  "; a tile is ", kTileLineBytes, " bytes deep");
    INGOT_REQUIRE(tile.stages >= 2 && SharedBytesOf(tile, element_bytes_, sum_bytes_) <=
                                          SharedShare(shape->resident_blocks),
                  "stages=", tile.stages, " do not fit");
    INGOT_REQUIRE(tile.splits >= 1 && tile.splits <= kMostSplits && SplitsWell(tile),
                  "splits=", tile.splits, "; a part would be empty");
    INGOT_REQUIRE(tile.group >= 1 && tile.group <= 64, "group=", tile.group);
    INGOT_RETURN_IF_ERROR(ClusterFits(tile));
    return CanMultiply(tile);
  }

  // Whether blocks can bring parts of what they share.
  absl::Status ClusterFits(const ContractionPlan& tile) const {
    const bool known = absl::c_any_of(kClusterShapes, [&](const ClusterShape& s) {
      return s.rows == tile.cluster && s.across == tile.cluster_across;
    });
    INGOT_REQUIRE(known, "no cluster has cluster=", tile.cluster,
                  " cluster_across=", tile.cluster_across);
    INGOT_REQUIRE(tile.cluster == 1 || IsShared(tile.rhs, rhs_, tile.columns, tile, tile.cluster),
                  "cluster=", tile.cluster, ": the right matrix does not come in parts");
    INGOT_REQUIRE(
        tile.cluster_across == 1 || IsShared(tile.lhs, lhs_, tile.rows, tile, tile.cluster_across),
        "cluster_across=", tile.cluster_across, ": the left matrix does not come in parts");
    return absl::OkStatus();
  }
  // Whether each block that shares a matrix can bring a part of it: images come whole.
  bool IsShared(const MatrixTile& side, const absl::StatusOr<OperandDigits>& digits, int outer,
                const ContractionPlan& tile, int shares) const {
    if (!side.engine || !digits.ok()) return false;
    return !images_.ok() || CopyOf(*digits, outer, tile.depth, shares).ok();
  }

  // Whether wgmma takes both matrices as they come.
  absl::Status CanMultiply(const ContractionPlan& tile) const {
    const int line = kTileLineBytes / element_bytes_;
    for (const auto& [side, outer] :
         {std::pair(&tile.lhs, tile.rows), std::pair(&tile.rhs, tile.columns)}) {
      INGOT_REQUIRE(CanTurn(side->depth_major), "wgmma turns elements of 2 bytes only");
      INGOT_REQUIRE(side->engine || base_.unit != ProductUnit::kTf32,
                    "threads' copies round no f32 to tf32");
      INGOT_REQUIRE(side->depth_major || outer % line == 0, "tiles of ", outer, " are no lines of ",
                    line);
    }
    if (tile.store_boxes == 0) return absl::OkStatus();
    INGOT_RETURN_IF_ERROR(StoresByEngine(tile));
    const int64_t results = tile.splits > 1 ? 1 : std::ssize(*stored_);
    INGOT_REQUIRE(tile.store_boxes > 0 && tile.store_boxes <= kMostStoreBoxes &&
                      tile.store_boxes % results == 0,
                  "store_boxes=", tile.store_boxes, " of ", results, " results");
    return absl::OkStatus();
  }

  // The kernel that puts parts together, and their memory.
  void AddCombination(const ContractionPlan& tile, FusionPlan& plan) const {
    constexpr int kThreads = 128;
    const int64_t elements = product().batch * product().rows * product().columns;
    plan.scratch.push_back({Shape::ArrayWithDefaultLayout(
        product().sum_type(), {tile.splits, product().batch, product().rows, product().columns})});
    ContractionPlan combination = tile;
    combination.combines = true;
    SetStores(0, combination);
    KernelPlan last = Kernel(combination);
    last.block_threads = kThreads;
    last.blocks = CeilDiv(elements, int64_t{combination.lanes} * kThreads);
    plan.kernels.push_back(std::move(last));
    for (KernelPlan& kernel : plan.kernels) {
      kernel.buffers.push_back({BufferRole::Kind::kScratch, 0});
    }
  }

  void SetDepth(ContractionPlan& tile) const {
    for (int bytes : DepthBytesOf(tile.unit)) {
      tile.depth = bytes / element_bytes_;
      tile.stages = MostStages(tile);
      if (tile.stages >= 2) return;
    }
  }

  // Of wgmma as many as give each multiprocessor a block are among them.
  int NextSplits(const ContractionPlan& tile) const {
    const int next = tile.splits < 4 ? tile.splits + 1 : tile.splits * 3 / 2;
    if (!tile.wgmma) return next;
    const auto full = static_cast<int>(target_.multiprocessors / cost_.Tiles(tile));
    return tile.splits < full && full < next ? full : next;
  }

  MatrixTile TileOf(const ProductOperand& operand) const {
    const int most = kVectorBytes / element_bytes_;
    const int along_depth = ProductRun(operand, 2, most), along_rows = ProductRun(operand, 1, most);
    const int bytes = std::max(along_depth, along_rows) * element_bytes_;
    return {along_depth >= along_rows, bytes < 4 ? 0 : bytes};
  }

  // No part is empty.
  bool SplitsWell(const ContractionPlan& tile) const {
    return cost_.Steps(tile) * (tile.splits - 1) < CeilDiv(product().depth, tile.depth);
  }
  int MostStages(ContractionPlan tile) const {
    const int64_t steps = cost_.Steps(tile);
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

  const Computation& fusion_;
  const Target& target_;
  ProductFusion product_fusion_;
  const int element_bytes_;
  const int sum_bytes_;
  const int64_t bytes_;
  const absl::StatusOr<OperandDigits> lhs_, rhs_;
  const absl::StatusOr<ProductImages> images_;
  const absl::StatusOr<std::vector<ResultCopy>> stored_;
  const absl::StatusOr<MatrixRead> boxed_;
  const Epilogue epilogue_;
  const ContractionCost cost_;
  ContractionPlan base_;
};

absl::StatusOr<Planner> PlannerFor(const Computation& fusion, const Target& target,
                                   Numerics numerics) {
  INGOT_REQUIRE(target.platform == Platform::kCuda && target.capability >= kLeastCapability,
                target.name, " has no such matrix units");
  INGOT_ASSIGN_OR_RETURN(ProductFusion product, MakeProductFusion(fusion));
  INGOT_ASSIGN_OR_RETURN(const ProductUnit unit,
                         UnitFor(*product.product.instruction, target, numerics));
  return Planner(fusion, target, unit, std::move(product));
}

}  // namespace

int64_t SharedBytesOf(const ContractionPlan& plan, int element_bytes, int sum_bytes) {
  if (plan.wgmma) {
    constexpr int kBarrierBytes = 16;
    const int64_t passed =
        plan.store_boxes > 0
            ? int64_t{plan.store_boxes} * plan.row_warps * (kStoredRows * kTileLineBytes + 8)
            : int64_t{kPassedRows} * plan.row_warps * PassedPitch(plan) * sum_bytes;
    return plan.stages * ((plan.rows + plan.columns) * int64_t{kTileLineBytes} + kBarrierBytes) +
           passed;
  }
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

absl::StatusOr<FusionPlan> PlanOfTile(const ContractionPlan& tile, const Computation& fusion,
                                      const Target& target, Numerics numerics) {
  INGOT_ASSIGN_OR_RETURN(const Planner planner, PlannerFor(fusion, target, numerics));
  ContractionPlan own = planner.base();
  own.rows = tile.rows;
  own.columns = tile.columns;
  own.depth = tile.depth;
  own.row_warps = tile.row_warps;
  own.column_warps = tile.column_warps;
  own.wgmma = tile.wgmma;
  own.cluster = tile.cluster;
  own.cluster_across = tile.cluster_across;
  own.producer_registers = tile.producer_registers;
  own.consumer_registers = tile.consumer_registers;
  own.stages = tile.stages;
  own.splits = tile.splits;
  own.group = tile.group;
  if (own.wgmma) planner.SetSides(own);
  planner.SetStores(tile.store_boxes, own);
  INGOT_RETURN_IF_ERROR(planner.TileFits(own));
  FusionPlan plan = planner.Make(own);
  plan.numerics = numerics;
  return plan;
}

absl::Status ContractionFits(const FusionPlan& plan, const Computation& fusion,
                             const Target& target) {
  INGOT_ASSIGN_OR_RETURN(const FusionPlan own,
                         PlanOfTile(plan.kernels[0].contraction(), fusion, target, plan.numerics));
  return KernelsAgree(plan, own);
}

}  // namespace ingot::plan
