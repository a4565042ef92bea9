#include "compiler/plan/contraction.h"

#include <algorithm>
#include <cmath>

#include "absl/algorithm/container.h"
#include "absl/strings/str_join.h"
#include "compiler/plan/analysis.h"
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
constexpr int kMostSplits = 64;
constexpr size_t kMostCandidates = 12;
// Boxes of a warp's results, in all and of each result; steps along depth that stores do not hide
// behind; operations besides which a box's elements of another matrix fit in registers.
constexpr int kMostStoreBoxes = 4, kBoxesOfResult = 2, kFewSteps = 4, kMostReading = 4;

// What mma.sync reaches of the units' rate, which is that of wgmma on Hopper.
double MatrixShare(const Target& target) { return target.capability >= 90 ? 0.42 : 0.9; }

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
        epilogue_(EpilogueOf(fusion, product_fusion_)) {
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
    const int64_t parts = Tiles(tile) * tile.splits;
    plan.kernels[0].blocks = parts;
    plan.kernels[0].block_threads = tile.threads();
    if (tile.wgmma) {
      const int resident = ResidentBlocks(tile);
      const int64_t clusters = target_.multiprocessors * resident / tile.cluster;
      plan.kernels[0].blocks = std::min(parts / tile.cluster, clusters) * tile.cluster;
      plan.kernels[0].resident_blocks = resident;
    }
    plan.kernels[0].flops = FlopsOf(fusion_);
    if (tile.splits > 1) AddCombination(tile, plan);
    plan.kernels.back().bytes = bytes_;
    plan.cost = Microseconds(tile);
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
    if (tile.lhs.engine || !images_.ok()) return;
    const ElementType type = product().lhs.parameter->shape().element_type();
    const absl::StatusOr<ImageCopy> copy = CopyOf(*images_, type, tile.rows, tile.depth);
    if (copy.ok() && CanTurn(copy->depth_major)) tile.lhs = {copy->depth_major, kVectorBytes, true};
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
        for (; tile.splits <= kMostSplits && SplitsWell(tile);
             tile.splits = NextSplits(tile.splits)) {
          if (tile.splits > 1) SetStores(shape, tile);
          found.emplace_back(PipelineMicroseconds(tile), tile);
        }
      }
    }
    KeepCheapest(kMostCandidates, found);
    for (const auto& [cost, tile] : found) tiles.emplace_back(Microseconds(tile), tile);
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
    tile.cluster = shape.cluster;
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
    if (epilogue_.reads_matrix && epilogue_.operations > kMostReading) return 0;
    if (ByteWidth((*stored_)[0].map.element_type) > 2 && Steps(tile) <= kFewSteps) return 0;
    const int results = static_cast<int>(stored_->size());
    return std::min(kBoxesOfResult, kMostStoreBoxes / results) * results;
  }
  // 128 threads of each kind share what a multiprocessor has.
  static void SetRegisters(const PipelineShape& shape, ContractionPlan& tile) {
    tile.producer_registers = tile.consumer_registers = 0;
    if (shape.consumers + shape.resident_blocks == 2) return;
    const int all = shape.consumers == 2 ? 504 : 256;
    tile.producer_registers =
        tile.lhs.engine && tile.rhs.engine ? kProducerRegisters : kCopyingRegisters;
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
                 tile.column_warps == 1 && s.cluster == tile.cluster &&
                 own.consumer_registers == tile.consumer_registers &&
                 own.producer_registers == tile.producer_registers;
        });
    INGOT_REQUIRE(shape != std::end(kPipelineShapes), "no tile has rows=", tile.rows,
                  " row_warps=", tile.row_warps, " cluster=", tile.cluster,
                  " producer_registers=", tile.producer_registers,
                  " consumer_registers=", tile.consumer_registers);
    const int sums = tile.rows / shape->consumers / kUnitRows * tile.columns / 2;
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
    return CanMultiply(tile);
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
    INGOT_REQUIRE(tile.cluster == 1 || tile.rhs.engine, "cluster=", tile.cluster,
                  ": threads bring the right matrix");
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
    return SaturatingMultiply(product().batch, CeilDiv(product().rows, tile.cluster_rows()) *
                                                   tile.cluster *
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
    // Registers are dealt out for so many: {128, 1, 2} of kPipelineShapes.
    if (tile.wgmma) return tile.row_warps == 4 && tile.consumer_registers > 0 ? 2 : 1;
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

  // The share that counts of what hides behind something else: of computing, memory and L2.  Of few
  // rows none, as tiles of more rows than there are have more loads under way.
  double Seen() const { return product().rows < kUnitRows ? 0 : 0.13; }

  // Of sums of parts of depth, all together.
  double PartialBytes(const ContractionPlan& tile) const {
    if (tile.splits == 1) return 0;
    return 1.0 * sum_bytes_ * tile.splits * product().batch * product().rows * product().columns;
  }
  // Of a multiprocessor in a cycle, in bf16.
  double UnitFlops(double share) const {
    const Card& card = *target_.card;
    return card.bf16_tflops * 1e12 * share / (card.clock_ghz * 1e9 * target_.multiprocessors);
  }

  double PipelineMicroseconds(const ContractionPlan& tile) const {
    // Cycles: until the first tile has come and the last sums have left; of a part, and of a sum
    // that is passed through shared memory; of one that is stored while nothing else goes on.
    constexpr double kBlockOverhead = 2500, kPartCycles = 340;
    const double kPassCycles = tile.store_boxes > 0 ? 0.05 : 0.195;
    const double kSumCycles = tile.store_boxes > 0 ? 0.04 : 0.12;
    constexpr double kSharedBytesPerCycle = 128;
    constexpr double kUnitShare = 0.82;  // of the data sheet's rate: the clock falls
    constexpr double kFillShare = 0.8;   // of what L2 gives
    const Card& card = *target_.card;
    const double cycles_per_us = card.clock_ghz * 1e3;
    const double steps = static_cast<double>(Steps(tile));
    const auto parts = static_cast<double>(Tiles(tile) * tile.splits);
    const double resident = ResidentBlocks(tile);
    const double products = double(tile.rows) / kUnitRows * kTileLineBytes / 32;  // of a step
    const double multiply = kUnitRows * tile.columns * 32.0 / UnitFlops(kUnitShare);
    const double read = 32.0 * (kUnitRows + tile.columns) / kSharedBytesPerCycle;
    const double tile_bytes = kTileLineBytes * (tile.rows + double(tile.columns) / tile.cluster);
    const double fill =
        tile_bytes * card.clock_ghz * target_.multiprocessors / (card.l2_gbps * kFillShare);
    // Cycles of a vector that a thread copies, whose address is some instructions, and of an
    // element that it loads.
    constexpr double kCopyCycles = 24, kElementCycles = 60;
    const auto copies = [&](const MatrixTile& side, int outer) {
      if (side.engine) return 0.0;
      const double each = side.copy_bytes == 0 ? element_bytes_ : side.copy_bytes;
      const double cycles = side.copy_bytes == 0 ? kElementCycles : kCopyCycles;
      return outer * kTileLineBytes / each / 128 * cycles;
    };
    const double step = std::max({products * std::max(multiply, read), fill,
                                  copies(tile.lhs, tile.rows) + copies(tile.rhs, tile.columns)});
    const double elements = double(tile.rows) * tile.columns;
    const double turns = std::ceil(parts / (target_.multiprocessors * resident));
    const double compute = turns * std::max({resident * steps * step,
                                             resident * (kPartCycles + kPassCycles * elements),
                                             steps * step + kSumCycles * elements});
    const double partial = PartialBytes(tile);
    const double bytes = static_cast<double>(bytes_) + partial;
    const auto [less, more] =
        std::minmax({(compute + kBlockOverhead) / cycles_per_us, bytes / kBytesPerMicrosecond});
    const double l2 = parts * steps * tile_bytes / (card.l2_gbps * 1e3 * kFillShare);
    return more + Seen() * (less + l2) + partial / kBytesPerMicrosecond +
           kLaunchMicroseconds * (tile.splits > 1 ? 2 : 1);
  }

  double Microseconds(const ContractionPlan& tile) const {
    if (tile.wgmma) return PipelineMicroseconds(tile);
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
    return longest + Seen() * (times[0] + times[1] + times[2] - longest) +
           partial / kBytesPerMicrosecond + kLaunchMicroseconds * (tile.splits > 1 ? 2 : 1);
  }

  // Of one step of a block.
  double UnitCycles(const ContractionPlan& tile) const {
    constexpr double kFmaShare = 0.85, kDoubleShare = 0.5;
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
    if (tile.unit == ProductUnit::kF64) return elements / (kDoubleShare * 2 * card.double_lanes);
    // Units take 32 bytes along depth at a time, whatever the elements are.
    return elements * element_bytes_ / UnitFlops(MatrixShare(target_));
  }
  // Multiply-adds of a multiprocessor in a cycle.
  static double FmaLanes(ElementType type, const Card& card) {
    if (type == ElementType::kF32) return card.float_lanes;
    if (type == ElementType::kF64) return card.double_lanes;
    return ByteWidth(type) > 4 ? card.float_lanes / 8.0 : card.float_lanes / 2.0;
  }

  // Of one step of a block, by threads' instructions: what they bring to shared memory in less than
  // 16 bytes at a time, and bytes across depth from there (lower/contraction_mma.cc).
  double CopyCycles(const ContractionPlan& tile) const {
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

  const Computation& fusion_;
  const Target& target_;
  ProductFusion product_fusion_;
  const int element_bytes_;
  const int sum_bytes_;
  const int64_t bytes_;
  const absl::StatusOr<OperandDigits> lhs_, rhs_;
  const absl::StatusOr<ProductImages> images_;
  const absl::StatusOr<std::vector<ResultCopy>> stored_;
  const Epilogue epilogue_;
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
            ? int64_t{plan.store_boxes} * plan.row_warps * kStoredRows * kTileLineBytes
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
