#include "compiler/plan/tile_box.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <numeric>
#include <utility>

#include "compiler/plan/analysis.h"
#include "compiler/plan/tile_turned.h"
#include "compiler/plan/tile_vectors.h"
#include "ir/base/integers.h"
#include "ir/base/status.h"

namespace ingot::plan {
namespace {

constexpr int64_t kBankBytes = 4;
constexpr int64_t kBanks = 32;
// Windows of a line that are looked at for conflicts, and conflicts that are none.
constexpr int64_t kSampledWindows = 12;
constexpr double kNoConflict = 1.01;
// What a warp does for a line, in windows of it.
constexpr int64_t kWindowsOfLine = 2;

int64_t WidthOf(const FusionInfo& info, int value) {
  int64_t width = kSectorBytes;
  for (const Shape& leaf : Leaves(info.graph().value(value).shape())) {
    width = std::min<int64_t>(width, std::max(1, ByteWidth(leaf.element_type())));
  }
  return width;
}

int64_t WidthOfResults(const FusionInfo& info, absl::Span<const int> classes) {
  int64_t width = kSectorBytes;
  for (const Instruction* root : info.graph().view().roots) {
    const int value = info.graph().NumberOf(*root);
    if (info.space().ClassesOf(value) == classes) width = std::min(width, WidthOf(info, value));
  }
  return width;
}

// Divides the warps so that the longest work of one is shortest.
void ShareOut(int warps, BoxSide& side) {
  int64_t least = std::numeric_limits<int64_t>::max();
  for (int line_warps = 1; line_warps <= warps; line_warps *= 2) {
    const int64_t windows = CeilDiv(side.windows, warps / line_warps);
    const int64_t work = CeilDiv(side.groups, line_warps) * (windows + kWindowsOfLine);
    if (work > least) continue;
    least = work;
    side.line_warps = line_warps;
    side.window_warps = warps / line_warps;
  }
}

int64_t StrideOf(const BoxSide& side, const TilePlan& tile, int c) {
  int64_t stride = 1;
  for (int inner : side.classes) {
    if (inner == c) break;
    stride = SaturatingMultiply(stride, tile.classes[inner].size);
  }
  return stride;
}

void TakeVectors(const TilePlan& tile, const SharedBox& box, BoxSide& side) {
  side.vector = box.vector;
  side.vector_class = box.vector_class;
  side.groups /= box.vector;
  ShareOut(tile.box_threads / kWarp, side);
}

// Turns that banks take for a window's accesses of so many bytes, and without conflicts.
std::pair<int64_t, int64_t> Passes(absl::Span<const int64_t> offsets, int64_t bytes) {
  const int64_t words = std::max<int64_t>(1, bytes / kBankBytes);
  const size_t together = kWarp / words;
  int64_t passes = 0, least = 0;
  for (size_t first = 0; first < offsets.size(); first += together) {
    std::array<std::vector<int64_t>, kBanks> wanted;
    size_t most = 0;
    for (size_t i = first; i < std::min(offsets.size(), first + together); ++i) {
      for (int64_t k = 0; k < words; ++k) {
        const int64_t word = offsets[i] / kBankBytes + k;
        std::vector<int64_t>& bank = wanted[word % kBanks];
        if (std::find(bank.begin(), bank.end(), word) == bank.end()) bank.push_back(word);
        most = std::max(most, bank.size());
      }
    }
    passes += static_cast<int64_t>(most);
    ++least;
  }
  return {passes, least};
}

// Chooses where an input's elements are, so that neither side meets itself in a bank.
class SharedChooser {
 public:
  SharedChooser(const FusionInfo& info, const TilePlan& tile, int input)
      : tile_(tile),
        width_(WidthOf(info, input)),
        own_(info.space().ClassesOf(input)),
        in_(SideOf(tile, own_, width_)),
        class_count_(info.space().classes().size()) {
    for (const std::vector<int>& roots : RootsByOrder(info)) {
      const Instruction& root = *info.graph().view().roots[roots[0]];
      const absl::Span<const int> classes = info.space().ClassesOf(info.graph().NumberOf(root));
      outs_.push_back(SideOf(tile, classes, WidthOfResults(info, classes)));
    }
  }

  SharedBox Run() {
    for (const bool along_results : {false, true}) {
      for (int vector = 1; vector * width_ <= kChunkBytes; vector *= 2) {
        if (Try(along_results, vector)) return best_;
      }
    }
    return best_;
  }

 private:
  // The results whose order is not the input's, if there are some.
  const BoxSide& Other() const {
    for (const BoxSide& out : outs_) {
      if (out.run != in_.run) return out;
    }
    return outs_[0];
  }

  // The classes in the order of their strides; the first so many are a run.
  std::pair<std::vector<int>, size_t> Sequence(bool along_results) const {
    const BoxSide& linear = along_results ? Other() : in_;
    const BoxSide& other = along_results ? in_ : Other();
    std::vector<int> sequence;
    const auto add = [&](absl::Span<const int> classes) {
      for (int c : classes) {
        if (tile_.classes[c].loop > 1 && Contains(own_, c) && !Contains(sequence, c)) {
          sequence.push_back(c);
        }
      }
    };
    add(linear.run);
    const size_t run = sequence.size();
    add(other.classes);
    return {sequence, run};
  }

  // Lines that are taken together begin at the same place of a sector, and are all there.
  bool AllowsVector(const BoxSide& side, int c, int vector) const {
    if (vector == 1) return true;
    const TileClass& own = tile_.classes[c];
    return outs_.size() == 1 && tile_.turned.size() == 1 && Contains(side.lines, c) &&
           own.loop % vector == 0 && own.size % vector == 0 &&
           (side.most_shift == 0 || StrideOf(side, tile_, c) % side.sector == 0);
  }

  // Whether a box without conflicts is found.
  bool Try(bool along_results, int vector) {
    const auto [sequence, run] = Sequence(along_results);
    if (sequence.empty() || !AllowsVector(along_results ? in_ : Other(), sequence[0], vector)) {
      return vector == 1 && sequence.empty() && Keep(BoxAlong(sequence, 0, 0));
    }
    // What is no run has room before it; else the last class of the run.
    const size_t padded = run < sequence.size() ? run : sequence.size() - 1;
    const int64_t most = padded == 0 ? 0 : kBanks * kBankBytes / std::min(width_, kBankBytes);
    for (int64_t pad = 0; pad <= most; pad += vector) {
      SharedBox box = BoxAlong(sequence, padded, pad);
      box.vector = vector;
      box.vector_class = vector > 1 ? sequence[0] : -1;
      box.along_results = along_results;
      if (Keep(std::move(box))) return true;
    }
    return false;
  }

  SharedBox BoxAlong(absl::Span<const int> sequence, size_t padded, int64_t pad) const {
    SharedBox box;
    box.strides.assign(class_count_, 0);
    int64_t stride = 1;
    for (size_t i = 0; i < sequence.size(); ++i) {
      if (i == padded && i > 0) stride += pad;
      box.strides[sequence[i]] = stride;
      stride = SaturatingMultiply(stride, tile_.classes[sequence[i]].loop);
    }
    box.elements = stride;
    return box;
  }

  bool Keep(SharedBox box) {
    std::pair<int64_t, int64_t> all = {0, 0};
    const auto add = [&](const BoxSide& side, bool vectors) {
      const auto [passes, least] = PassesOf(side, box, vectors ? box.vector : 1);
      all.first += passes;
      all.second += least;
    };
    add(in_, box.along_results);
    for (const BoxSide& out : outs_) add(out, !box.along_results);
    const double ways = static_cast<double>(all.first) / static_cast<double>(all.second);
    if (fewest_ == 0 || ways < fewest_ - kNoConflict + 1) {
      fewest_ = ways;
      best_ = std::move(box);
    }
    return fewest_ <= kNoConflict;
  }

  std::pair<int64_t, int64_t> PassesOf(const BoxSide& side, const SharedBox& box,
                                       int vector) const {
    const int64_t apart = std::max<int64_t>(1, (side.length - kWarp) / (kSampledWindows - 1));
    std::pair<int64_t, int64_t> sum = {0, 0};
    for (int64_t n = 0; n < kSampledWindows && (n == 0 || n * apart + kWarp <= side.length); ++n) {
      std::vector<int64_t> offsets;
      for (int64_t i = 0; i < std::min<int64_t>(kWarp, side.length); ++i) {
        int64_t place = n * apart + i, offset = 0;
        for (int c : side.run) {
          offset += place % tile_.classes[c].loop * box.strides[c];
          place /= tile_.classes[c].loop;
        }
        offsets.push_back(offset * width_);
      }
      const auto [passes, least] = Passes(offsets, vector * width_);
      sum.first += passes;
      sum.second += least;
    }
    return sum;
  }

  const TilePlan& tile_;
  const int64_t width_;
  const absl::Span<const int> own_;
  const BoxSide in_;
  const size_t class_count_;
  std::vector<BoxSide> outs_;
  SharedBox best_;
  double fewest_ = 0;  // ways of best_
};

// The vectors of the one input's box, where that side takes them.
SharedBox VectorsOf(const FusionInfo& info, const TilePlan& tile, bool by_results) {
  if (tile.turned.size() != 1) return {};
  SharedBox box = SharedBoxOf(info, tile, tile.turned[0]);
  return box.along_results == by_results ? SharedBox{} : box;
}

}  // namespace

BoxSide SideOf(const TilePlan& tile, absl::Span<const int> classes, int64_t width) {
  BoxSide side;
  side.classes.assign(classes.rbegin(), classes.rend());
  side.sector = std::max<int64_t>(1, kSectorBytes / PowerOfTwoCeil(width));
  bool in_run = true;
  int64_t stride = 1, begins = side.sector;  // runs begin at multiples
  for (int c : side.classes) {
    const TileClass& own = tile.classes[c];
    if (own.loop > 1) (in_run ? side.run : side.lines).push_back(c);
    if (in_run) {
      side.length *= own.loop;
      in_run = own.loop == own.size;
      if (!in_run) begins = std::gcd(begins, stride * own.loop);
    } else {
      side.groups *= own.loop;
      begins = std::gcd(begins, stride);
    }
    stride = SaturatingMultiply(stride, own.size);
  }
  side.most_shift = side.sector - begins;
  side.windows = CeilDiv(side.length + side.most_shift, kWarp);
  ShareOut(tile.box_threads / kWarp, side);
  return side;
}

BoxSide SideOfInput(const FusionInfo& info, const TilePlan& tile, int input) {
  BoxSide side = SideOf(tile, info.space().ClassesOf(input), WidthOf(info, input));
  TakeVectors(tile, VectorsOf(info, tile, /*by_results=*/false), side);
  return side;
}

BoxSide SideOfResults(const FusionInfo& info, const TilePlan& tile, absl::Span<const int> classes) {
  BoxSide side = SideOf(tile, classes, WidthOfResults(info, classes));
  TakeVectors(tile, VectorsOf(info, tile, /*by_results=*/true), side);
  return side;
}

SharedBox SharedBoxOf(const FusionInfo& info, const TilePlan& tile, int input) {
  return SharedChooser(info, tile, input).Run();
}

int64_t BytesOfSharedBox(const FusionInfo& info, const TilePlan& tile, int input) {
  return SaturatingMultiply(SharedBoxOf(info, tile, input).elements, WidthOf(info, input));
}

std::vector<std::vector<int>> RootsByOrder(const FusionInfo& info) {
  const auto classes_of = [&](int root) {
    return info.space().ClassesOf(info.graph().NumberOf(*info.graph().view().roots[root]));
  };
  std::vector<std::vector<int>> orders;
  for (int root = 0; root < static_cast<int>(info.graph().view().roots.size()); ++root) {
    const auto same = [&](const std::vector<int>& others) {
      return classes_of(others[0]) == classes_of(root);
    };
    const auto it = std::find_if(orders.begin(), orders.end(), same);
    (it == orders.end() ? orders.emplace_back() : *it).push_back(root);
  }
  return orders;
}

bool HasBoxedResults(const FusionInfo& info) {
  for (const Instruction* root : info.graph().view().roots) {
    const int value = info.graph().NumberOf(*root);
    if (info.space().ClassesOf(value).size() != info.space().classes().size()) return false;
    for (const Shape& leaf : Leaves(root->shape())) {
      const ElementType type = leaf.element_type();
      if (BitWidth(type) < 8 && type != ElementType::kPred) return false;
    }
  }
  return true;
}

absl::Status BoxFits(const FusionInfo& info, const TilePlan& tile) {
  INGOT_REQUIRE(!tile.shifted, "shifted: boxes of several classes are not");
  INGOT_REQUIRE(HasBoxedResults(info), "box_threads: a result lacks a class, or bytes");
  const auto threads = static_cast<unsigned>(tile.box_threads);
  INGOT_REQUIRE(std::has_single_bit(threads) && threads >= kWarp && threads <= kMostBlockThreads,
                "box_threads=", tile.box_threads, "; it must be a power of two, of whole warps");
  for (int v : tile.turned) {
    INGOT_REQUIRE(CanBeBoxed(info, v), "turned: input ", v, " has no box");
  }
  for (size_t c = 0; c < tile.classes.size(); ++c) {
    const TileClass& own = tile.classes[c];
    INGOT_REQUIRE(own.vector == 1 && own.lanes == 1 && own.warps == 1 && own.registers == 1,
                  "vector, lanes, warps or registers of d", c, "; a box has a loop alone");
    INGOT_REQUIRE(own.loop <= own.size && own.blocks == CeilDiv(own.size, own.loop),
                  "blocks=", own.blocks, " loop=", own.loop, " of d", c,
                  "; boxes must cover it, each in part");
  }
  return absl::OkStatus();
}

bool CanBeBoxed(const FusionInfo& info, int input) {
  return CanBeCopied(info, input) && !info.space().ClassesOf(input).empty();
}

}  // namespace ingot::plan
