// How large a box of several classes is.
#include <algorithm>
#include <cmath>

#include "compiler/plan/analysis.h"
#include "compiler/plan/tile_box.h"
#include "compiler/plan/tile_turned.h"
#include "compiler/plan/tile_vectors.h"
#include "ir/base/card.h"
#include "ir/base/integers.h"

namespace ingot::plan {
namespace {

// Bytes of memory that is the same run in two arrays and is long enough by itself.
constexpr int64_t kLongRun = 128;
// Sides of a box of two classes, in bytes, from which on it serves where rows begin anywhere; of
// whole sectors, runs that are long enough are.
constexpr int64_t kLongSide = 640;
// Runs that are tried, in bytes.
constexpr int64_t kRuns[] = {32, 64, 128, 256, 384, 512, 768, 1024, 1536, 2048};
// Instructions of a warp for a line and each of its classes, for a window that is copied, for one
// that is stored, and for each class of its run besides the first.
constexpr double kSlotsOfLine = 14;
constexpr double kSlotsOfLineClass = 12;
constexpr double kSlotsOfShift = 20;  // where lines begin anywhere
constexpr double kSlotsOfEnds = 20;   // besides those of an element, of words
constexpr double kSlotsOfCopy = 6;
constexpr double kSlotsOfStore = 9;
constexpr double kSlotsOfClass = 5;
// Loads of a thread that are under way.
constexpr int64_t kLoadsAhead = 8;
// The bound of memory and latency, as compiler/machine/prediction.h has it.
constexpr double kExponent = 2.5;
constexpr double kExponentAlone = 0.4;
constexpr double kNanoseconds = 1e3;  // of a microsecond

double Overlapped(double a, double b, double exponent) {
  return std::pow(std::pow(a, exponent) + std::pow(b, exponent), 1 / exponent);
}

class BoxDealer {
 public:
  BoxDealer(const FusionInfo& info, const Target& target, const std::vector<int>& order,
            const std::vector<int>& boxed)
      : info_(info), target_(target) {
    tile_.order = order;
    tile_.turned = boxed;
    tile_.classes.resize(info.space().classes().size());
    for (const std::vector<int>& roots : RootsByOrder(info)) {
      AddSide(info.graph().NumberOf(*info.graph().view().roots[roots[0]]));
    }
    results_ = sides_.size();
    for (int v : boxed) AddSide(v);
  }

  std::optional<TileDeal> Run() {
    std::optional<TileDeal> best;
    double least = 0;
    for (const int64_t of_results : kRuns) {
      for (const int64_t of_inputs : kRuns) {
        SetRuns(of_results, of_inputs);
        for (tile_.box_threads = 2 * kWarp; tile_.box_threads <= 2 * kBlockThreads;
             tile_.box_threads *= 2) {
          const double time = Time();
          if (time == 0 || (best.has_value() && time >= least) || !Fits()) continue;
          least = time;
          best.emplace();
          best->classes = tile_.classes;
          best->turned = tile_.turned;
          best->box_threads = tile_.box_threads;
        }
      }
    }
    return best;
  }

 private:
  struct Side {
    absl::Span<const int> classes;  // of the array, major to minor
    int64_t width;                  // bytes of an element
  };

  void AddSide(int value) {
    const int64_t width = ingot::BytesOf(info_.graph().value(value).shape(), 1);
    sides_.push_back({info_.space().ClassesOf(value), width});
  }

  // The smallest box whose runs have so many bytes, where the arrays have.
  void SetRuns(int64_t of_results, int64_t of_inputs) {
    for (size_t c = 0; c < tile_.classes.size(); ++c) {
      tile_.classes[c] = {.size = info_.space().classes()[c].size};
    }
    for (size_t i = 0; i < sides_.size(); ++i) {
      int64_t run = sides_[i].width;
      const int64_t wanted = i < results_ ? of_results : of_inputs;
      for (size_t k = sides_[i].classes.size(); k-- > 0 && run < wanted;) {
        TileClass& own = tile_.classes[sides_[i].classes[k]];
        own.loop = std::max(own.loop, std::min(own.size, CeilDiv(wanted, run)));
        own.loop = CeilDiv(own.size, CeilDiv(own.size, own.loop));
        if (own.loop < own.size) break;
        run *= own.size;
      }
    }
    for (TileClass& own : tile_.classes) own.blocks = CeilDiv(own.size, own.loop);
  }

  bool Fits() const {
    int64_t bytes = 0;
    for (int v : tile_.turned) bytes = SaturatingAdd(bytes, BytesOfSharedBox(info_, tile_, v));
    return bytes <= target_.shared_bytes;
  }

  // Nanoseconds; 0 where shared memory is too small.
  double Time() const {
    const Card& card = *target_.card;
    double places = 1, of_box = 1, blocks = 1;
    for (const TileClass& own : tile_.classes) {
      places *= static_cast<double>(own.loop * own.blocks);
      of_box *= static_cast<double>(own.loop);
      blocks *= static_cast<double>(own.blocks);
    }
    double box_bytes = 0, bytes = 0, slots = 0;
    for (size_t i = 0; i < sides_.size(); ++i) {
      const int word = sides_.size() == 2 ? WordOf(sides_[i].width) : 1;
      const BoxSide side = SideOf(tile_, sides_[i].classes, sides_[i].width, word);
      const auto length = static_cast<double>(side.length);
      bytes += static_cast<double>(sides_[i].width) * (length + side.most_shift) / length;
      slots += SlotsOf(side, i < results_);
      if (i >= results_) box_bytes += of_box * static_cast<double>(sides_[i].width);
    }
    if (box_bytes > static_cast<double>(target_.shared_bytes)) return 0;
    const double resident = std::floor(
        std::min({static_cast<double>(card.shared_bytes) / (box_bytes + card.reserved_shared_bytes),
                  static_cast<double>(target_.threads) / tile_.box_threads,
                  static_cast<double>(card.blocks)}));
    if (resident == 0) return 0;
    const double ahead = std::min<double>(
        box_bytes, static_cast<double>(tile_.box_threads * kLoadsAhead * sides_.back().width));
    const double stream = places * bytes / card.copy_gbps;
    const double wait =
        places * bytes * card.latency_ns / (resident * ahead * target_.multiprocessors);
    // Of the multiprocessor with the most blocks.
    const double all = static_cast<double>(target_.multiprocessors);
    const double share = std::ceil(blocks / all) * all / blocks;
    const double memory = share * Overlapped(stream, wait, kExponent);
    const double issue =
        share * blocks * slots / (card.issue_slots * card.clock_ghz * target_.multiprocessors);
    const double starts = kNanoseconds * blocks / card.blocks_per_us;
    return std::max(starts, Overlapped(memory, issue, resident + kExponentAlone));
  }

  // Instructions of all warps of a block.
  double SlotsOf(const BoxSide& side, bool stores) const {
    const auto further = static_cast<double>(std::max<size_t>(side.run.size(), 1) - 1);
    const double element = kSlotsOfStore + kSlotsOfClass * further;
    const double window = stores ? (1 + side.word) * element / 2 : kSlotsOfCopy;
    const auto windows = static_cast<double>(CeilDiv(side.windows, side.window_warps));
    const auto lines = static_cast<double>(side.groups * side.window_warps);
    const double of_line = kSlotsOfLine +
                           kSlotsOfLineClass * static_cast<double>(side.lines.size()) +
                           (side.most_shift > 0 ? kSlotsOfShift : 0);
    const bool ends = stores && side.word > 1 &&
                      (side.most_shift % side.word != 0 || side.length % side.word != 0);
    return lines * (of_line + windows * window) +
           (ends ? static_cast<double>(side.groups) * (kSlotsOfEnds + element) : 0);
  }

  const FusionInfo& info_;
  const Target& target_;
  TilePlan tile_;
  std::vector<Side> sides_;
  size_t results_ = 0;
};

// Bytes of memory that are a run of both arrays.
int64_t CommonRun(const FusionInfo& info, int a, int b) {
  const absl::Span<const int> x = info.space().ClassesOf(a), y = info.space().ClassesOf(b);
  int64_t run = ingot::BytesOf(info.graph().value(a).shape(), 1);
  for (size_t k = 1; k <= std::min(x.size(), y.size()) && x[x.size() - k] == y[y.size() - k]; ++k) {
    run = SaturatingMultiply(run, info.space().classes()[x[x.size() - k]].size);
  }
  return run;
}

bool LiesOtherwise(const FusionInfo& info, int a, int b) {
  const absl::Span<const int> x = info.space().ClassesOf(a), y = info.space().ClassesOf(b);
  // An array that lacks classes of the other may lie along it all the same.
  std::vector<int> common;
  for (int c : y) {
    if (Contains(x, c)) common.push_back(c);
  }
  std::vector<int> own;
  for (int c : x) {
    if (Contains(y, c)) own.push_back(c);
  }
  const int64_t run = CommonRun(info, a, b);
  return own != common && run < (run % kSectorBytes == 0 ? kLongRun : kLongSide);
}

// Whether boxes of two classes would be nearly full, and their rows long.
bool ServesInTwo(const FusionInfo& info, int result, absl::Span<const int> turned) {
  const int row = info.space().ClassesOf(result).back();
  const int64_t row_bytes =
      info.space().classes()[row].size * ingot::BytesOf(info.graph().value(result).shape(), 1);
  for (int v : turned) {
    const int column = info.space().ClassesOf(v).back();
    if (column == row || column != info.space().ClassesOf(turned[0]).back() ||
        !CanBeTurned(info, row, v)) {
      return false;
    }
    const int64_t bytes =
        info.space().classes()[column].size * ingot::BytesOf(info.graph().value(v).shape(), 1);
    const bool whole = row_bytes % kSectorBytes == 0 && bytes % kSectorBytes == 0;
    // Boxes of two classes have no words; words of bytes meet in no bank where rows are odd.
    const bool bytes_of_odd_rows = ingot::BytesOf(info.graph().value(v).shape(), 1) == 1 &&
                                   info.space().classes()[column].size % 2 == 1;
    if (!whole && bytes_of_odd_rows) return false;
    if (std::min(row_bytes, bytes) < (whole ? kLongRun : kLongSide)) return false;
  }
  return true;
}

}  // namespace

std::vector<int> BoxedInputs(const FusionInfo& info) {
  const FusionGraph& graph = info.graph();
  if (!HasBoxedResults(info)) return {};
  std::vector<int> results;
  for (const std::vector<int>& roots : RootsByOrder(info)) {
    results.push_back(graph.NumberOf(*graph.view().roots[roots[0]]));
  }
  std::vector<int> boxed;
  const int64_t elements = ElementsOf(graph.value(results[0]).shape());
  for (int v = 0; v < graph.input_count(); ++v) {
    if (!info.uses().Of(v).in_space() || ElementsOf(graph.value(v).shape()) <= elements / 8) {
      continue;
    }
    const bool otherwise = std::any_of(results.begin(), results.end(),
                                       [&](int r) { return LiesOtherwise(info, v, r); });
    if (!otherwise) continue;
    if (!CanBeBoxed(info, v)) return {};
    boxed.push_back(v);
  }
  if (boxed.empty() || (results.size() == 1 && ServesInTwo(info, results[0], boxed))) return {};
  return boxed;
}

std::optional<TileDeal> DealBox(const FusionInfo& info, const Target& target,
                                const std::vector<int>& order, const std::vector<int>& boxed) {
  return BoxDealer(info, target, order, boxed).Run();
}

}  // namespace ingot::plan
