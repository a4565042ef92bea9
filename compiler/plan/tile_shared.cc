#include "compiler/plan/tile_shared.h"

#include <algorithm>

#include "compiler/plan/analysis.h"
#include "compiler/plan/tile_turns.h"
#include "compiler/plan/tile_vectors.h"

namespace ingot::plan {
namespace {

// Registers of a thread for elements of a row, of TileKnobs::held_registers: no barrier makes it
// wait.
constexpr double kHeldShare = 1.5;
constexpr int64_t kLeastThreads = 128;  // of a block
// Rows that a multiprocessor has, at least: one is loaded while another is computed.
constexpr int64_t kLeastRows = 2;

class SharedDealer {
 public:
  SharedDealer(const FusionInfo& info, const PassLevels& levels, const Target& target,
               const std::vector<int>& order, const TileKnobs& knobs, TileDeal& deal)
      : info_(info), levels_(levels), target_(target), order_(order), knobs_(knobs), deal_(deal) {
    for (int c : order) {
      if (!levels.ended[c]) kept_.push_back(c);
    }
  }

  bool Run() {
    if (!knobs_.stages_aligned || !HasSharedRows()) return false;
    tile_.order = order_;
    tile_.classes = deal_.classes;
    tile_.aligned = true;
    tile_.staged = SharedInputs(info_, order_[0]);
    inner().vector = std::min(knobs_.most_vector, AlignedVector(info_, order_[0]));
    if (inner().vector <= deal_.classes[order_[0]].vector ||
        inner().size % RowAlignment(info_, order_[0]) == 0 ||
        inner().size < kVectorsOfAlignedRow * inner().vector || !DealRow() || !DealBlock() ||
        !TakeTurns()) {
      return false;
    }
    deal_.classes = tile_.classes;
    deal_.aligned = true;
    deal_.staged = tile_.staged;
    return true;
  }

 private:
  TileClass& inner() { return tile_.classes[order_[0]]; }
  TileClass& rows() { return tile_.classes[kept_[0]]; }

  // Whether the innermost class is all that is reduced.
  bool HasSharedRows() const {
    return !kept_.empty() && kept_.size() + 1 == order_.size() && levels_.ended[order_[0]] &&
           !SharedInputs(info_, order_[0]).empty();
  }

  // Registers for an element of what rows do not share; narrow ones are computed with in f32.
  int64_t WordsOfElement() const {
    int64_t words = 0;
    for (int v = 0; v < info_.graph().input_count(); ++v) {
      if (!info_.uses().Of(v).in_space() || !Contains(info_.space().ClassesOf(v), order_[0])) {
        continue;
      }
      if (Contains(tile_.staged, v)) continue;
      words += CeilDiv(ingot::BytesOf(info_.graph().value(v).shape(), 1), kRegisterBytes);
    }
    return std::max<int64_t>(1, words);
  }

  // As few threads as hold a row.
  bool DealRow() {
    const auto most = static_cast<int64_t>(kHeldShare * static_cast<double>(knobs_.held_registers));
    const int64_t units = CeilDiv(inner().size, int64_t{inner().vector});
    words_ = WordsOfElement();
    for (int64_t threads = kWarp; threads <= kMostBlockThreads; threads *= 2) {
      const int64_t vectors = CeilDiv(units, threads);
      if (vectors * inner().vector * words_ > most) continue;
      inner().lanes = kWarp;
      inner().warps = static_cast<int>(threads / kWarp);
      inner().registers = static_cast<int>(vectors);
      return threads >= MostEnds(info_, order_[0], inner().vector);
    }
    return false;
  }

  // As few rows of a block as leave a multiprocessor as many as it can hold.
  bool DealBlock() {
    const int64_t row_threads = int64_t{kWarp} * inner().warps;
    const int64_t held = int64_t{inner().vector} * inner().registers * words_;
    const int64_t bytes = StagedBytes(info_, tile_);
    int64_t most = 0;
    for (int64_t threads = std::max(kLeastThreads, row_threads); threads <= kMostBlockThreads;
         threads *= 2) {
      const int64_t resident = MostResident(target_, bytes, held, static_cast<int>(threads));
      if (resident * threads <= most) continue;
      most = resident * threads;
      resident_ = resident;
      rows().warps = static_cast<int>(threads / row_threads);
    }
    return most >= kLeastRows * row_threads;
  }

  // If there are enough rows for all blocks.
  bool TakeTurns() {
    for (int c : kept_) {
      tile_.classes[c].blocks = CeilDiv(tile_.classes[c].size, tile_.classes[c].block_extent());
    }
    return LoopOverRows(kept_, resident_ * target_.multiprocessors, tile_.classes);
  }

  const FusionInfo& info_;
  const PassLevels& levels_;
  const Target& target_;
  const std::vector<int>& order_;
  const TileKnobs& knobs_;
  TileDeal& deal_;
  TilePlan tile_;          // what is dealt so far
  std::vector<int> kept_;  // classes, innermost first
  int64_t words_ = 1, resident_ = 0;
};

}  // namespace

bool DealShared(const FusionInfo& info, const PassLevels& levels, const Target& target,
                const std::vector<int>& order, const TileKnobs& knobs, TileDeal& deal) {
  return SharedDealer(info, levels, target, order, knobs, deal).Run();
}

}  // namespace ingot::plan
