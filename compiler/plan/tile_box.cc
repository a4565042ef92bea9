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

// Chooses where an input's elements are, so that neither side meets itself in a bank.
class SharedChooser {
 public:
  SharedChooser(const FusionInfo& info, const TilePlan& tile, int input)
      : info_(info),
        tile_(tile),
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
    if (const int word = WordOf(width_); word > 1 && HasWords()) {
      for (const int result_word : {WordOfResults(), 1}) {
        if (Try({.input_word = word, .result_word = result_word})) return best_;
      }
    }
    for (const bool along_results : {false, true}) {
      for (int vector = 1; vector * width_ <= kChunkBytes; vector *= 2) {
        if (Try({.vector = vector, .along_results = along_results})) return best_;
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

  // One input's box is stored in one order, and no element is a pair.
  bool HasWords() const {
    return outs_.size() == 1 && tile_.turned.size() == 1 && WordOfResults() > 0;
  }
  int WordOfResults() const {
    int64_t narrowest = kSectorBytes, widest = 1;
    for (const Instruction* root : info_.graph().view().roots) {
      for (const Shape& leaf : Leaves(root->shape())) {
        const ElementType type = leaf.element_type();
        narrowest = std::min<int64_t>(narrowest, ByteWidth(type));
        widest = std::max<int64_t>(widest, IsComplex(type) ? kSectorBytes : ByteWidth(type));
      }
    }
    const int word = WordOf(narrowest);
    return word * widest <= kChunkBytes ? word : 0;
  }

  // Whether a box of that kind is found that has no conflicts.
  bool Try(const SharedBox& kind) {
    const auto [sequence, run] = Sequence(kind.along_results);
    if (sequence.empty()) return Keep(BoxAlong(kind, sequence, 0, 0));
    if (!AllowsVector(kind.along_results ? in_ : Other(), sequence[0], kind.vector)) return false;
    // What is no run has room before it; else the last class of the run, if words need no run.
    const size_t padded = run < sequence.size() ? run : sequence.size() - 1;
    const bool pads = padded > 0 && (run < sequence.size() || kind.input_word == 1);
    const int64_t most = pads ? kBanks * kBankBytes / std::min(width_, kBankBytes) : 0;
    for (int64_t pad = 0; pad <= most; pad += kind.vector * kind.input_word) {
      if (Keep(BoxAlong(kind, sequence, padded, pad))) return true;
    }
    return false;
  }

  SharedBox BoxAlong(const SharedBox& kind, absl::Span<const int> sequence, size_t padded,
                     int64_t pad) const {
    SharedBox box = kind;
    if (box.vector > 1) box.vector_class = sequence[0];
    box.strides.assign(class_count_, 0);
    const int64_t word = box.input_word;
    if (word > 1) box.front = word;
    int64_t stride = 1;
    for (size_t i = 0; i < sequence.size(); ++i) {
      const int c = sequence[i];
      if (i == padded && i > 0) stride += pad + (Contains(in_.run, c) ? 0 : 2 * (word - 1));
      // Words of a line are words of the array's memory.
      const int64_t past = StrideOf(in_, tile_, c) % word;
      stride += (past + word - stride % word) % word;
      box.strides[c] = stride;
      stride = SaturatingMultiply(stride, tile_.classes[c].loop);
    }
    box.elements = SaturatingAdd(stride, box.front + 2 * word - 2);
    return box;
  }

  bool Keep(SharedBox box) {
    std::pair<int64_t, int64_t> all = {0, 0};
    // Words of the input are one access, those of the results several.
    const auto add = [&](const BoxSide& side, int apart, int vector, int times) {
      const auto [passes, least] = PassesOf(side, box, apart, vector);
      all.first += passes * times;
      all.second += least * times;
    };
    add(in_, box.input_word, box.input_word * (box.along_results ? box.vector : 1),
        std::max(1, box.result_word / box.input_word));
    for (const BoxSide& out : outs_) {
      add(out, box.result_word, box.along_results ? 1 : box.vector, std::max(1, box.input_word));
    }
    const double ways = static_cast<double>(all.first) / static_cast<double>(all.second);
    if (fewest_ == 0 || ways < fewest_ - kNoConflict + 1) {
      fewest_ = ways;
      best_ = std::move(box);
    }
    return fewest_ <= kNoConflict;
  }

  // Of accesses of so many elements whose threads are so many elements of the run apart.
  std::pair<int64_t, int64_t> PassesOf(const BoxSide& side, const SharedBox& box, int64_t apart,
                                       int64_t elements) const {
    const int64_t window = kWarp * apart;
    const int64_t step = std::max<int64_t>(1, (side.length - window) / (kSampledWindows - 1));
    std::pair<int64_t, int64_t> sum = {0, 0};
    for (int64_t n = 0; n < kSampledWindows && (n == 0 || n * step + window <= side.length); ++n) {
      std::vector<int64_t> offsets;
      for (int64_t i = 0; i < kWarp && i * apart < side.length; ++i) {
        int64_t place = n * step + i * apart, offset = 0;
        if (apart > 1) place -= place % elements;
        for (int c : side.run) {
          offset += place % tile_.classes[c].loop * box.strides[c];
          place /= tile_.classes[c].loop;
        }
        offsets.push_back(offset * width_);
      }
      const auto [passes, least] = BankPasses(offsets, elements * width_);
      sum.first += passes;
      sum.second += least;
    }
    return sum;
  }

  const FusionInfo& info_;
  const TilePlan& tile_;
  const int64_t width_;
  const absl::Span<const int> own_;
  const BoxSide in_;
  const size_t class_count_;
  std::vector<BoxSide> outs_;
  SharedBox best_;
  double fewest_ = 0;  // ways of best_
};

// The one input's box, if there is one: of others, lines and elements are taken one by one.
SharedBox OnlyBox(const FusionInfo& info, const TilePlan& tile) {
  return tile.turned.size() == 1 ? SharedBoxOf(info, tile, tile.turned[0]) : SharedBox{};
}

}  // namespace

std::pair<int64_t, int64_t> BankPasses(absl::Span<const int64_t> offsets, int64_t bytes) {
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

int WordOf(int64_t width) { return static_cast<int>(std::max<int64_t>(1, kBankBytes / width)); }

BoxSide SideOf(const TilePlan& tile, absl::Span<const int> classes, int64_t width, int word) {
  BoxSide side;
  side.word = word;
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
  side.windows = CeilDiv(side.length + side.most_shift, int64_t{kWarp} * word);
  ShareOut(tile.box_threads / kWarp, side);
  return side;
}

BoxSide SideOfInput(const FusionInfo& info, const TilePlan& tile, int input) {
  const SharedBox box = OnlyBox(info, tile);
  BoxSide side = SideOf(tile, info.space().ClassesOf(input), WidthOf(info, input), box.input_word);
  if (box.along_results) TakeVectors(tile, box, side);
  return side;
}

BoxSide SideOfResults(const FusionInfo& info, const TilePlan& tile, absl::Span<const int> classes) {
  const SharedBox box = OnlyBox(info, tile);
  BoxSide side = SideOf(tile, classes, WidthOfResults(info, classes), box.result_word);
  if (!box.along_results) TakeVectors(tile, box, side);
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
