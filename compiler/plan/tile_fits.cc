// What is asked of a tile plan from outside, so that compiler/lower may rely on it.
#include <algorithm>
#include <bit>
#include <limits>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "compiler/plan/analysis.h"
#include "compiler/plan/fits.h"
#include "compiler/plan/pass_levels.h"
#include "compiler/plan/plan_text.h"
#include "compiler/plan/tile.h"
#include "compiler/plan/tile_across.h"
#include "compiler/plan/tile_box.h"
#include "compiler/plan/tile_deal.h"
#include "compiler/plan/tile_held.h"
#include "compiler/plan/tile_packed.h"
#include "compiler/plan/tile_parts.h"
#include "compiler/plan/tile_turned.h"
#include "compiler/plan/tile_turns.h"
#include "ir/base/status.h"

namespace ingot::plan {
namespace {

constexpr int64_t kMostBlocks = std::numeric_limits<int32_t>::max();
// Places of a thread that are written out: what is beyond only makes kernels long.
constexpr int64_t kMostRegisters = 512;

class Checker {
 public:
  Checker(const FusionPlan& plan, const FusionPlan& guess, const FusionInfo& info,
          const Target& target)
      : plan_(plan),
        guess_(guess),
        info_(info),
        target_(target),
        joins_(plan.joined.empty() ? std::vector<Join>{} : FindJoins(info)),
        levels_(info, joins_) {
    own_classes_ = static_cast<int>(info.space().classes().size());
    inner_ = guess.kernels[0].tile().order[0];
    splits_ = plan.kernels.size() > 1;
  }

  absl::Status Run() const {
    INGOT_RETURN_IF_ERROR(JoinedFit());
    if (!splits_) {
      INGOT_REQUIRE(plan_.scratch.empty(), "one kernel needs no scratch; leave it out");
    }
    if (levels_.across > 0) {
      INGOT_REQUIRE(plan_.kernels.size() == 2 && plan_.joined.empty(), plan_.kernels.size(),
                    " kernels; a walk with reductions across it and one that puts parts together, "
                    "which joins none, are two");
    }
    for (size_t i = 0; i < plan_.kernels.size(); ++i) {
      INGOT_RETURN_IF_ERROR(Annotate(KernelFits(static_cast<int>(i)), "kernel ", i));
    }
    return absl::OkStatus();
  }

  // What is staged, gathered, packed or copied ahead, and what warps exchange for each reduction.
  int64_t SharedBytes(int number) const {
    const TilePlan& tile = plan_.kernels[number].tile();
    int64_t bytes = 0;
    for (const Instruction* root : info_.graph().view().roots) {
      if (tile.gathered < 0) break;
      for (const Shape& leaf : Leaves(root->shape())) {
        const int64_t elements = tile.classes[tile.gathered].block_extent();
        bytes = SaturatingAdd(bytes, ingot::BytesOf(leaf, elements));
      }
    }
    bytes = SaturatingAdd(bytes, StagedBytes(info_, tile));
    if (tile.packed >= 0) bytes = SaturatingAdd(bytes, PackedBytes(info_, tile));
    for (int v : tile.turned) {
      bytes = SaturatingAdd(bytes, tile.box_threads > 0 ? BytesOfSharedBox(info_, tile, v)
                                                        : BoxOf(info_, tile, v).bytes);
    }
    // Each box begins at a multiple of its swizzle, and the first has an mbarrier.
    if (tile.bulk) bytes = SaturatingAdd(bytes, kMbarrierBytes);
    for (int v : tile.ahead) {
      const int64_t rows = int64_t{tile.trips_ahead} * plan_.kernels[number].block_threads;
      const int64_t row = BytesAhead(info_, tile.classes, tile.rests, v);
      bytes = SaturatingAdd(bytes, SaturatingMultiply(rows, row));
    }
    for (const Reduction& reduction : info_.reductions()) {
      const int level = levels_.of[reduction.value];
      if (level <= tile.combined_level) continue;
      if (level <= tile.known_level) {
        if (!levels_.HasParts(reduction.value)) continue;
        bytes = SaturatingAdd(bytes, ExchangeBytes(number, reduction, /*parts=*/true));
      } else if (tile.partial_level == 0 || level == tile.partial_level || WalksAcross(number)) {
        bytes = SaturatingAdd(bytes, ExchangeBytes(number, reduction, /*parts=*/false));
      }
    }
    return bytes;
  }

 private:
  bool IsLast(int number) const { return number + 1 == static_cast<int>(plan_.kernels.size()); }
  // In the places of a kernel.
  bool IsReduced(int number, int c) const {
    return levels_.IsReduced(plan_.kernels[number].tile(), c);
  }
  // Its blocks walk rows and leave parts of reductions across them.
  bool WalksAcross(int number) const {
    return levels_.across > 0 && plan_.kernels[number].tile().partial_level > 0;
  }

  absl::Status KernelFits(int number) const {
    const KernelPlan& kernel = plan_.kernels[number];
    const TilePlan& tile = kernel.tile();
    INGOT_RETURN_IF_ERROR(LevelsFit(number, tile));
    INGOT_RETURN_IF_ERROR(OrderFits(number));
    const KernelPlan& last = guess_.kernels.back();
    INGOT_REQUIRE(kernel.index_type == last.index_type || kernel.index_type == ElementType::kS64,
                  "index=", ElementTypeName(kernel.index_type), "; it must be ",
                  ElementTypeName(last.index_type));
    INGOT_REQUIRE(kernel.tasks == 1, "tasks=", kernel.tasks, "; a GPU has none");
    INGOT_REQUIRE(kernel.bytes == (IsLast(number) ? last.bytes : 0) &&
                      kernel.flops == (IsLast(number) ? last.flops : 0),
                  "bytes=", kernel.bytes, " flops=", kernel.flops,
                  "; what the fusion moves and computes is bytes=", last.bytes,
                  " flops=", last.flops, " of the last kernel");
    for (int c = 0; c < static_cast<int>(tile.classes.size()); ++c) {
      INGOT_RETURN_IF_ERROR(Annotate(ClassFits(number, c), "class d", c));
    }
    INGOT_RETURN_IF_ERROR(LaunchFits(kernel));
    if (tile.aligned) INGOT_RETURN_IF_ERROR(AlignedFit(number));
    INGOT_RETURN_IF_ERROR(SpreadFits(info_, levels_, tile));
    if (splits_) INGOT_RETURN_IF_ERROR(PartsFit(number));
    INGOT_RETURN_IF_ERROR(StagedFit(tile));
    INGOT_RETURN_IF_ERROR(TurnedFit(number));
    INGOT_RETURN_IF_ERROR(KeptFit(number));
    INGOT_RETURN_IF_ERROR(GatheredFit(tile));
    INGOT_RETURN_IF_ERROR(PackedFits(info_, levels_, tile));
    INGOT_RETURN_IF_ERROR(AheadFit(number));
    return MemoryFits(number);
  }

  // All that can be joined, or nothing.
  absl::Status JoinedFit() const {
    if (plan_.joined.empty()) return absl::OkStatus();
    INGOT_REQUIRE(plan_.numerics == Numerics::kDefault,
                  "reductions are joined, which --numerics=strict has none of");
    bool same = plan_.joined.size() == joins_.size();
    for (size_t i = 0; same && i < joins_.size(); ++i) {
      same = plan_.joined[i] == Joined{joins_[i].rule, joins_[i].reduction};
    }
    INGOT_REQUIRE(same, "joined: there must be none, or all ", joins_.size(),
                  " that the rules find");
    return absl::OkStatus();
  }

  // The kernels of a split leave parts of one level after the other; behind each may stand one that
  // puts these together, if there is one for all levels below.  The last has all levels.
  absl::Status LevelsFit(int number, const TilePlan& tile) const {
    if (levels_.across > 0) {
      const bool walks = number == 0;
      INGOT_REQUIRE(tile.known_level == (walks ? 0 : levels_.across) && tile.combined_level == 0 &&
                        tile.partial_level == (walks ? levels_.across : 0),
                    "known_level=", tile.known_level, " partial_level=", tile.partial_level,
                    " combined_level=", tile.combined_level, "; the first kernel leaves parts of ",
                    "level ", levels_.across, ", which the second knows");
      return absl::OkStatus();
    }
    int known = 0, combined = 0;
    for (int i = 0; i < number; ++i) {
      ++(plan_.kernels[i].tile().combines() ? combined : known);
    }
    if (tile.combines()) {
      INGOT_REQUIRE(!IsLast(number) && tile.known_level == known && combined == known - 1 &&
                        tile.combined_level == combined,
                    "known_level=", tile.known_level, " combined_level=", tile.combined_level,
                    "; kernels before it left parts of ", known, " levels and put ", combined,
                    " together");
      return absl::OkStatus();
    }
    const int partial = IsLast(number) ? 0 : known + 1;
    INGOT_REQUIRE(tile.known_level == known && tile.partial_level == partial &&
                      tile.combined_level == combined && partial <= levels_.last,
                  "known_level=", tile.known_level, " partial_level=", tile.partial_level,
                  " combined_level=", tile.combined_level, "; here they are ", known, ", ", partial,
                  " and ", combined);
    INGOT_REQUIRE(!IsLast(number) || !splits_ || known == levels_.last, "the last kernel has ",
                  known, " of ", levels_.last, " levels");
    return absl::OkStatus();
  }

  absl::Status OrderFits(int number) const {
    const TilePlan& tile = plan_.kernels[number].tile();
    const bool has_parts = splits_ && !WalksAcross(number);
    const size_t wanted = own_classes_ + (has_parts ? 1 : 0);
    INGOT_REQUIRE(tile.classes.size() == wanted, tile.classes.size(), " classes; there are ",
                  wanted, has_parts ? ", with that of the parts" : "");
    std::vector<int> sorted = tile.order;
    std::sort(sorted.begin(), sorted.end());
    bool permutation = sorted.size() == wanted;
    for (size_t i = 0; permutation && i < wanted; ++i) {
      permutation = sorted[i] == static_cast<int>(i);
    }
    INGOT_REQUIRE(permutation, "order={", absl::StrJoin(tile.order, ", "),
                  "} must name each of the ", wanted, " classes once");
    INGOT_REQUIRE(tile.order[0] == inner_, "order begins with d", tile.order[0], ", but d", inner_,
                  " lies along memory");
    return absl::OkStatus();
  }

  // The last kernel of a split has nothing to do along what is reduced if no result lies there, and
  // neither has one that puts parts together.
  bool Walks(int number, int c) const {
    if (!IsReduced(number, c) || !splits_ || c >= own_classes_) return true;
    if (levels_.across > 0) return WalksAcross(number);
    if (plan_.kernels[number].tile().combines()) return false;
    return !IsLast(number) || HasWideRoot(info_, levels_);
  }

  absl::Status ClassFits(int number, int c) const {
    const KernelPlan& kernel = plan_.kernels[number];
    const TileClass& own = kernel.tile().classes[c];
    for (const int64_t digit : {int64_t{own.vector}, int64_t{own.lanes}, int64_t{own.warps},
                                int64_t{own.registers}, own.blocks, own.loop}) {
      INGOT_REQUIRE(digit >= 1, "no number of it may be less than 1, and one is ", digit);
    }
    const int64_t size = c < own_classes_ ? info_.space().classes()[c].size : Splits();
    INGOT_REQUIRE(own.size == size, "size=", own.size, "; ",
                  c < own_classes_ ? "the fusion's is " : "the blocks that share make ", size);
    const int most = c != inner_             ? 1
                     : kernel.tile().aligned ? AlignedVector(info_, inner_)
                                             : MostVector(info_, inner_);
    INGOT_REQUIRE(most % own.vector == 0, "vector=", own.vector, "; it must divide ", most);
    INGOT_REQUIRE(std::has_single_bit(static_cast<unsigned>(own.lanes)) && own.lanes <= kWarp,
                  "lanes=", own.lanes, "; it must be a power of two, at most ", kWarp);
    INGOT_REQUIRE(std::has_single_bit(static_cast<unsigned>(own.warps)) &&
                      own.warps <= kMostBlockThreads / kWarp,
                  "warps=", own.warps, "; it must be a power of two, at most ",
                  kMostBlockThreads / kWarp);
    INGOT_REQUIRE(own.registers <= kMostRegisters, "registers=", own.registers, "; at most ",
                  kMostRegisters, " are written out");
    if (kernel.tile().box_threads > 0) return absl::OkStatus();  // BoxFits
    INGOT_RETURN_IF_ERROR(CoverageFits(kernel, own, Places(kernel.tile(), c), Walks(number, c)));
    // Who completes a reduction has all that it reduces.
    const bool completes =
        c >= own_classes_ ||
        (IsReduced(number, c) && (WalksAcross(number) || (!splits_ && levels_.last > 0)));
    // Accumulators are of one trip's places, but for the classes that they are accumulated over.
    INGOT_REQUIRE(!WalksAcross(number) || own.loop == 1 || Contains(levels_.shared, c),
                  "loop=", own.loop, "; reductions across the walk have accumulators of one trip");
    INGOT_REQUIRE(!completes || own.blocks == 1, "blocks=", own.blocks,
                  "; the blocks of one kernel cannot share what is reduced");
    return absl::OkStatus();
  }

  // The coordinates of a class, and those before the first where rows are moved back.
  int64_t Places(const TilePlan& tile, int c) const {
    const int64_t size = tile.classes[c].size;
    return tile.shifted && c == inner_ ? size + ShiftOf(info_, inner_) - 1 : size;
  }

  // Every coordinate is somebody's, each block and each trip has some, and all are numbers of the
  // index type.
  static absl::Status CoverageFits(const KernelPlan& kernel, const TileClass& own, int64_t size,
                                   bool walked) {
    const int64_t block = int64_t{1} * own.vector * own.lanes * own.warps * own.registers;
    const int64_t trip = SaturatingMultiply(block, own.blocks);
    const int64_t all = SaturatingMultiply(trip, own.loop);
    const int64_t most = kernel.index_type == ElementType::kS32
                             ? int64_t{std::numeric_limits<int32_t>::max()}
                             : std::numeric_limits<int64_t>::max() / 4;
    INGOT_REQUIRE(all <= most, "its numbers multiply to more than an index can hold");
    INGOT_REQUIRE(!walked || all >= size, "its numbers multiply to ", all,
                  ", which does not cover its size ", size);
    INGOT_REQUIRE((own.blocks - 1) * block < size, "blocks=", own.blocks,
                  "; the last would have nothing to do, for ", CeilDiv(size, block), " cover it");
    INGOT_REQUIRE((own.loop - 1) * trip < size, "loop=", own.loop,
                  "; the last would have nothing to do, for ", CeilDiv(size, trip), " cover it");
    return absl::OkStatus();
  }

  absl::Status LaunchFits(const KernelPlan& kernel) const {
    int64_t lanes = 1, warps = 1, registers = 1, blocks = 1;
    for (const TileClass& own : kernel.tile().classes) {
      lanes = SaturatingMultiply(lanes, own.lanes);
      warps = SaturatingMultiply(warps, own.warps);
      registers = SaturatingMultiply(registers, own.registers);
      blocks = SaturatingMultiply(blocks, own.blocks);
    }
    const int box_threads = kernel.tile().box_threads;
    INGOT_REQUIRE(box_threads > 0 || lanes == kWarp, "the lanes of the classes multiply to ", lanes,
                  "; a warp has ", kWarp);
    const int64_t threads = box_threads > 0 ? box_threads : SaturatingMultiply(warps, kWarp);
    INGOT_REQUIRE(threads <= kMostBlockThreads, threads, " threads a block; at most ",
                  kMostBlockThreads, " are possible");
    INGOT_REQUIRE(kernel.block_threads == threads, "block_threads=", kernel.block_threads,
                  "; the lanes and warps of the classes make ", threads);
    INGOT_REQUIRE(blocks <= kMostBlocks, blocks, " blocks; a grid has at most ", kMostBlocks);
    INGOT_REQUIRE(kernel.blocks == blocks, "blocks=", kernel.blocks, "; those of the classes make ",
                  blocks);
    INGOT_REQUIRE(registers <= kMostRegisters, "the registers of the classes multiply to ",
                  registers, "; at most ", kMostRegisters, " are written out");
    const int64_t resident = kernel.resident_blocks;
    INGOT_REQUIRE(
        resident >= 0 && resident <= target_.card->blocks && resident * threads <= target_.threads,
        "resident_blocks=", resident, "; a multiprocessor holds ", target_.card->blocks,
        " blocks and ", target_.threads, " threads");
    return absl::OkStatus();
  }

  // Aligned rows are all that is reduced, and their ends have a thread for each element.
  absl::Status AlignedFit(int number) const {
    const TileClass& inner = plan_.kernels[number].tile().classes[inner_];
    for (int c = 0; c < own_classes_; ++c) {
      INGOT_REQUIRE(IsReduced(number, c) == (c == inner_), "aligned: d", c,
                    IsReduced(number, c) ? " is reduced too" : " is not reduced");
    }
    INGOT_REQUIRE(Walks(number, inner_), "aligned: no row is walked");
    INGOT_REQUIRE(levels_.across == 0 || plan_.kernels[number].tile().spread >= 0,
                  "aligned: columns are accumulated over rows that are not spread");
    INGOT_REQUIRE(inner.vector > 1, "aligned: vector=1 always is");
    const int64_t ends = MostEnds(info_, inner_, inner.vector);
    INGOT_REQUIRE(inner.lanes * inner.warps >= ends && inner.size > ends,
                  "aligned: the ends of a row may be ", ends, " elements, of ", inner.size,
                  ", for ", inner.lanes * inner.warps, " threads");
    return absl::OkStatus();
  }

  // The blocks that share what is reduced: those of the first kernel.
  int64_t Splits() const {
    int64_t splits = 1;
    const std::vector<TileClass>& classes = plan_.kernels[0].tile().classes;
    for (int c = 0; c < std::min<int>(own_classes_, static_cast<int>(classes.size())); ++c) {
      if (levels_.across > 0 ? Contains(levels_.shared, c) : levels_.ended[c])
        splits = SaturatingMultiply(splits, classes[c].blocks);
    }
    return splits;
  }

  absl::Status PartsFit(int number) const {
    const int64_t splits = Splits();
    if (!IsLast(number) && !WalksAcross(number) && !plan_.kernels[number].tile().combines()) {
      int64_t own = 1;
      for (int c = 0; c < own_classes_; ++c) {
        if (!IsReduced(number, c)) continue;
        own = SaturatingMultiply(own, plan_.kernels[number].tile().classes[c].blocks);
      }
      INGOT_REQUIRE(own == splits, "its blocks make ", own, " parts, those of kernel 0 ", splits);
    }
    const bool combined = std::any_of(plan_.kernels.begin(), plan_.kernels.end(),
                                      [](const KernelPlan& k) { return k.tile().combines(); });
    const std::vector<Scratch> wanted =
        PartsScratch(info_, joins_, plan_.kernels[0].tile(), splits + (combined ? 1 : 0));
    INGOT_REQUIRE(plan_.scratch.size() == wanted.size(), plan_.scratch.size(),
                  " scratch buffers; the parts of the reductions need ", wanted.size());
    for (size_t i = 0; i < wanted.size(); ++i) {
      const Shape& shape = wanted[i].shape;
      INGOT_REQUIRE(plan_.scratch[i] == wanted[i], "scratch ", i, " is ",
                    plan_.scratch[i].shape.ToString(false), "; it must be ", shape.ToString(false));
      INGOT_REQUIRE(plan_.kernels[number].index_type == ElementType::kS64 ||
                        shape.ElementCount() <= kMostNarrowOffset,
                    "index=s32 does not reach the elements of scratch ", i);
    }
    return absl::OkStatus();
  }

  // That the numbers are inputs, none twice.
  absl::Status InputsFit(absl::string_view what, const std::vector<int>& inputs) const {
    std::vector<int> sorted = inputs;
    std::sort(sorted.begin(), sorted.end());
    INGOT_REQUIRE(std::unique(sorted.begin(), sorted.end()) == sorted.end(), what, "={",
                  absl::StrJoin(inputs, ", "), "} names an input twice");
    for (int v : inputs) {
      INGOT_REQUIRE(v >= 0 && v < info_.graph().input_count(), what, ": there is no input ", v,
                    "; the fusion has ", info_.graph().input_count());
    }
    return absl::OkStatus();
  }

  absl::Status StagedFit(const TilePlan& tile) const {
    INGOT_RETURN_IF_ERROR(InputsFit("staged", tile.staged));
    for (int v : tile.staged) {
      const Shape& shape = info_.graph().value(v).shape();
      INGOT_REQUIRE(!shape.IsTuple() && !IsComplex(shape.element_type()) &&
                        BitWidth(shape.element_type()) >= 8 && shape.ElementCount() > 0,
                    "staged: input ", v, ", ", shape.ToString(false), ", cannot be");
    }
    return absl::OkStatus();
  }

  // Blocks have boxes of two classes, and single places of the others.
  absl::Status TurnedFit(int number) const {
    const TilePlan& tile = plan_.kernels[number].tile();
    INGOT_REQUIRE(!tile.turned.empty() || (!tile.shifted && tile.box_threads == 0 && !tile.bulk),
                  "shifted, box_threads, bulk: no input is turned");
    if (tile.turned.empty()) return absl::OkStatus();
    INGOT_RETURN_IF_ERROR(InputsFit("turned", tile.turned));
    INGOT_REQUIRE(levels_.last == 0 || (!tile.shifted && tile.box_threads == 0 && !tile.bulk),
                  "shifted, box_threads, bulk: the fusion reduces");
    INGOT_REQUIRE(levels_.across == 0 && Walks(number, inner_),
                  "turned: reductions lie across the walk, or the kernel has none");
    INGOT_REQUIRE(!tile.aligned && tile.staged.empty() && tile.kept.empty() && tile.ahead.empty(),
                  "turned: aligned, staged, kept and ahead are for rows");
    INGOT_REQUIRE(tile.box_threads == 0 || !tile.bulk, "bulk: boxes have several classes");
    if (tile.box_threads > 0) return BoxFits(info_, tile);
    for (int v : tile.turned) {
      INGOT_REQUIRE(CanBeTurned(info_, inner_, v), "turned: input ", v,
                    " does not lie across the results");
      const TurnedBox box = BoxOf(info_, tile, v);
      INGOT_REQUIRE(box.column_class == BoxOf(info_, tile, tile.turned[0]).column_class,
                    "turned: inputs ", tile.turned[0], " and ", v, " lie along different classes");
      if (tile.bulk) INGOT_RETURN_IF_ERROR(BulkFits(info_, tile, v, target_));
      const TileClass& columns = tile.classes[box.column_class];
      INGOT_REQUIRE(box.chunk == 1 || (box.columns % (kChunks * box.chunk) == 0 &&
                                       columns.size % box.chunk == 0 && columns.size >= box.chunk),
                    "turned: rows of input ", v, " are not made of ", kChunks, " times ", box.chunk,
                    " elements");
      for (int c = 0; c < own_classes_; ++c) {
        const TileClass& other = tile.classes[c];
        INGOT_REQUIRE(other.loop == 1, "turned: d", c, " loops");
        INGOT_REQUIRE(c == inner_ || c == box.column_class || other.block_extent() == 1,
                      "turned: a block has more than one place of d", c);
      }
    }
    INGOT_REQUIRE(!tile.shifted || tile.classes[inner_].vector == 1,
                  "shifted: vectors begin anywhere");
    return absl::OkStatus();
  }

  absl::Status KeptFit(int number) const {
    const TilePlan& tile = plan_.kernels[number].tile();
    if (tile.kept.empty()) return absl::OkStatus();
    INGOT_RETURN_IF_ERROR(InputsFit("kept", tile.kept));
    INGOT_REQUIRE(!tile.aligned, "kept: rows are aligned");
    for (int v : tile.kept) {
      const absl::Span<const int> own = info_.space().ClassesOf(v);
      const bool same = std::all_of(own.begin(), own.end(), [&](int c) {
        return tile.classes[c].loop == 1 && IsReduced(number, c);
      });
      INGOT_REQUIRE(info_.uses().Of(v).in_space() && same && !Contains(tile.staged, v),
                    "kept: input ", v, " is not the same in all trips");
    }
    return absl::OkStatus();
  }

  absl::Status AheadFit(int number) const {
    const TilePlan& tile = plan_.kernels[number].tile();
    INGOT_REQUIRE(!tile.ahead.empty() || (tile.trips_ahead == 1 && !tile.rests),
                  "trips_ahead, rests: nothing is ahead");
    INGOT_RETURN_IF_ERROR(InputsFit("ahead", tile.ahead));
    INGOT_RETURN_IF_ERROR(RestsFit(info_, tile));
    if (tile.ahead.empty()) return absl::OkStatus();
    int rows = -1;
    for (int c = 0; c < static_cast<int>(tile.classes.size()); ++c) {
      if (tile.classes[c].loop == 1 || (tile.rests && c == inner_)) continue;
      INGOT_REQUIRE(rows < 0 && !IsReduced(number, c),
                    "ahead: one class loops, and no reduction ends it");
      rows = c;
    }
    INGOT_REQUIRE(rows >= 0 || tile.rests, "ahead: no class loops");
    INGOT_REQUIRE(!tile.rests || (IsReduced(number, inner_) && plan_.joined.empty()),
                  "rests: rows are not reduced, or reductions are joined");
    const int64_t trips = rows >= 0 ? tile.classes[rows].loop : 1;
    INGOT_REQUIRE(tile.trips_ahead >= 1 && tile.trips_ahead <= trips,
                  "trips_ahead=", tile.trips_ahead, "; of ", trips, " trips");
    INGOT_REQUIRE(tile.known_level == 0 && (tile.partial_level == 0 || WalksAcross(number)),
                  "ahead: the kernel is one of several");
    for (int v : tile.ahead) {
      const absl::Span<const int> own = info_.space().ClassesOf(v);
      INGOT_REQUIRE(info_.uses().Of(v).in_space() && (rows < 0 || Contains(own, rows)) &&
                        !Contains(tile.staged, v),
                    "ahead: input ", v, " does not change from trip to trip");
      INGOT_REQUIRE(CopiesAhead(info_, tile.classes, v), "ahead: input ", v,
                    " has no vectors of 4, 8 or 16 bytes");
    }
    return absl::OkStatus();
  }

  // A block has several places along one class, and stores all results without reduced classes
  // together.
  absl::Status GatheredFit(const TilePlan& tile) const {
    const int c = tile.gathered;
    if (c < 0) return absl::OkStatus();
    INGOT_REQUIRE(c < own_classes_ && !levels_.ended[c], "gathered: d", c,
                  " is no class that is kept");
    INGOT_REQUIRE(!splits_ && tile.turned.empty() && tile.ahead.empty(),
                  "gathered: the kernel is one of several, or copies ahead, or turns inputs");
    INGOT_REQUIRE(tile.classes[c].vector == 1, "gathered: vector=", tile.classes[c].vector, " of d",
                  c);
    for (int other = 0; other < own_classes_; ++other) {
      INGOT_REQUIRE(levels_.ended[other] || other == c || tile.classes[other].block_extent() == 1,
                    "gathered: a block has several places of d", other, " too");
    }
    bool any = false;
    for (const Instruction* root : info_.graph().view().roots) {
      const int value = info_.graph().NumberOf(*root);
      if (levels_.HasEnded(info_, value)) continue;
      INGOT_REQUIRE(CanBeGathered(info_, levels_, c, value), "gathered: ", root->name(),
                    " cannot be");
      any = true;
    }
    INGOT_REQUIRE(any, "gathered: every result has a reduced class");
    return absl::OkStatus();
  }

  // Registers for what one value needs, and shared memory.
  absl::Status MemoryFits(int number) const {
    const KernelPlan& kernel = plan_.kernels[number];
    const TilePlan& tile = kernel.tile();
    for (int v = 0; v < info_.graph().input_count(); ++v) {
      if (!info_.uses().Of(v).in_space()) continue;
      const int64_t elements = HeldElements(info_, tile.classes, v);
      const int64_t words =
          CeilDiv(ingot::BytesOf(info_.graph().value(v).shape(), elements), kRegisterBytes);
      INGOT_REQUIRE(words <= target_.card->thread_registers &&
                        words * kernel.block_threads <= target_.card->registers,
                    "a thread would hold ", words, " registers of input ", v, "; a thread has ",
                    target_.card->thread_registers, " and a multiprocessor ",
                    target_.card->registers);
    }
    const int64_t shared = SharedBytes(number);
    INGOT_REQUIRE(shared <= target_.shared_bytes, shared, " bytes of shared memory; a block of ",
                  target_.name, " has ", target_.shared_bytes);
    return absl::OkStatus();
  }

  // An accumulator of each warp, kept register and kept lane, where warps share what is reduced.
  int64_t ExchangeBytes(int number, const Reduction& reduction, bool parts) const {
    const TilePlan& tile = plan_.kernels[number].tile();
    int64_t exchanging = 1, slots = plan_.kernels[number].block_threads / kWarp, lanes = 1;
    for (int c = 0; c < static_cast<int>(tile.classes.size()); ++c) {
      const TileClass& own = tile.classes[c];
      const bool across = levels_.IsAcross(reduction.value) && !parts;
      const bool ends = across ? Contains(reduction.classes, c) : IsReduced(number, c);
      if (ends && (c >= own_classes_) == parts) {
        exchanging *= own.warps;
        continue;
      }
      slots *= own.lanes;
      if (!ends) slots *= own.registers;
      lanes = std::max(lanes, int64_t{own.vector});
    }
    if (exchanging == 1) return 0;
    const Instruction& reduce = info_.graph().value(reduction.value);
    const bool simple =
        reduce.operand_count() == 2 && SimpleCombiner(*reduce.to_apply()).has_value();
    int64_t bytes = simple ? 0 : 1;  // without an identity: whether it is valid
    for (const Shape& leaf : Leaves(reduce.shape())) {
      const ElementType type = simple ? ComputeType(leaf.element_type()) : leaf.element_type();
      bytes += lanes * ByteWidth(type);
      // The ends of aligned rows are exchanged by themselves.
      if (tile.spread >= 0) bytes += ByteWidth(type);
    }
    for (int base : CountedBases(joins_)) {
      if (base == reduction.value) {
        bytes += lanes * ByteWidth(ComputeType(reduce.shape().element_type()));
      }
    }
    return slots * bytes;
  }

  const FusionPlan& plan_;
  const FusionPlan& guess_;
  const FusionInfo& info_;
  const Target& target_;
  std::vector<Join> joins_;
  PassLevels levels_;
  int own_classes_ = 0;
  int inner_ = 0;  // the class along memory
  bool splits_ = false;
};

absl::Status IsGuess(const FusionPlan& plan, const FusionPlan& guess) {
  INGOT_REQUIRE(plan.joined.empty(), "joined: a host joins no reductions");
  INGOT_REQUIRE(plan.scratch == guess.scratch, "its ", plan.scratch.size(),
                " scratch buffers are not the ", guess.scratch.size(), " that this fusion needs");
  INGOT_REQUIRE(plan.kernels.size() == guess.kernels.size(), plan.kernels.size(),
                " kernels; there must be ", guess.kernels.size());
  for (size_t i = 0; i < plan.kernels.size(); ++i) {
    INGOT_REQUIRE(plan.kernels[i] == guess.kernels[i], "kernel ", i, ": ",
                  FirstDifference(plan.kernels[i], guess.kernels[i]));
  }
  return absl::OkStatus();
}

}  // namespace

int64_t SharedBytesOfTile(const FusionPlan& plan, int number, const FusionInfo& info,
                          const Target& target) {
  return Checker(plan, plan, info, target).SharedBytes(number);
}

absl::Status TileFits(const FusionPlan& plan, const FusionInfo& info, const Target& target) {
  const absl::StatusOr<FusionPlan> guess = MakeTilePlan(info, target, plan.numerics);
  INGOT_REQUIRE(guess.ok(), "the tile skeleton cannot compute this fusion on ", target.name);
  // There is one deal for a host.
  if (target.platform == Platform::kHost) return IsGuess(plan, *guess);
  return Checker(plan, *guess, info, target).Run();
}

}  // namespace ingot::plan
