#include "compiler/plan/concatenate.h"

#include <algorithm>
#include <limits>

#include "compiler/plan/analysis.h"
#include "compiler/plan/plan_text.h"
#include "compiler/plan/tile_box.h"
#include "compiler/plan/tile_deal.h"
#include "ir/analysis/op_facts.h"
#include "ir/base/integers.h"
#include "ir/base/status.h"

namespace ingot::plan {
namespace {

constexpr int64_t kAccessBytes = 16;
constexpr int kMostColumnsOfAccess = 8;
// More pieces than this have kernels of their own.
constexpr int64_t kManyPieces = 64;
// What a kernel has at the most: bytes of a row in shared memory, bytes of all rows where each
// piece has enough elements for a warp, pieces of rows, and pieces whose elements go one by one,
// which have more code.
constexpr int64_t kMostRowBytes = 6 << 10;
constexpr int64_t kMostBytes = 48 << 10;
constexpr int64_t kMostPiecesOfKernel = 400;
constexpr int64_t kMostCopiesOfKernel = 100;
// Threads of a block that has rows in shared memory: many, for their loads are few.
constexpr int kThreadsOfRows = 2 * kBlockThreads;
// Elements of a piece in a block, as far as shared memory has room.
constexpr int64_t kWantedElements = 4 * kWarp;
// Loads of a thread before the first is stored.
constexpr int64_t kLoadsOfGroup = 8;
constexpr size_t kSampledPieces = 16;
// Between rows in shared memory: those of all banks.
constexpr int64_t kMostPadBytes = kWarp * kRegisterBytes;

class ConcatenatePlanner {
 public:
  ConcatenatePlanner(const Computation& fusion, const Target& target)
      : fusion_(fusion), target_(target), pieces_(PiecesOf(fusion)) {}

  // Whether the loop, which looks for the piece of each vector, would take longer.
  bool IsWorthwhile() const {
    const auto count = static_cast<int64_t>(pieces_.list.size());
    return count > kManyPieces || (count > 1 && GoThroughShared() && !HasWholeSectors());
  }

  FusionPlan Make() {
    FusionPlan plan;
    const bool through_shared = GoThroughShared();
    const auto count = static_cast<int64_t>(pieces_.list.size());
    for (int64_t first = 0; first < count;) {
      ConcatenatePlan part;
      part.first = first;
      part.count = through_shared ? CountOfRow(first) : CountOfCopies(first);
      if (through_shared) ChooseRows(part);
      plan.kernels.push_back(Kernel(part));
      first += part.count;
    }
    return plan;
  }

 private:
  bool GoThroughShared() const {
    return HasShortPieces(*fusion_.root()) && WidestPiece() * pieces_.width <= MostRowBytes();
  }

  bool HasWholeSectors() const {
    return std::all_of(pieces_.list.begin(), pieces_.list.end(), [&](const Piece& piece) {
      return piece.columns * pieces_.width % kSectorBytes == 0;
    });
  }

  // Pieces from this one on, at least one, whose part of a row is not too long.
  int64_t CountOfRow(int64_t first) const {
    int64_t count = 0, bytes = 0;
    while (first + count < static_cast<int64_t>(pieces_.list.size()) &&
           count < kMostPiecesOfKernel) {
      bytes += pieces_.list[first + count].columns * pieces_.width;
      if (count > 0 && bytes > RowBytesOfKernel()) break;
      ++count;
    }
    return count;
  }

  // As few kernels as there must be, of which all have about as much.
  int64_t RowBytesOfKernel() const {
    const int64_t bytes = pieces_.columns * pieces_.width;
    const int64_t even = CeilDiv(bytes, CeilDiv(bytes, MostRowBytes()));
    return std::min(MostRowBytes(), even + WidestPiece() * pieces_.width);
  }

  // Whose fewest rows fit shared memory.
  int64_t MostRowBytes() const {
    return std::min(kMostRowBytes, target_.shared_bytes / FewestRows() - kMostPadBytes);
  }
  // Each operand's begin at a sector.
  int64_t FewestRows() const { return CeilDiv(kSectorBytes, pieces_.width); }

  int64_t WidestPiece() const {
    int64_t most = 0;
    for (const Piece& piece : pieces_.list) most = std::max(most, piece.columns);
    return most;
  }

  int64_t CountOfCopies(int64_t first) const {
    return std::min(kMostCopiesOfKernel, static_cast<int64_t>(pieces_.list.size()) - first);
  }

  int64_t ColumnsOf(const ConcatenatePlan& part) const {
    const Piece& last = pieces_.list[part.first + part.count - 1];
    return last.first_column + last.columns - pieces_.list[part.first].first_column;
  }

  // Enough rows, and the pitch that has the fewest conflicts of banks.
  void ChooseRows(ConcatenatePlan& part) const {
    const int64_t columns = ColumnsOf(part);
    const int64_t wanted = CeilDiv(kWantedElements * part.count, columns);
    const int64_t most = std::min<int64_t>(kMostBytes, target_.shared_bytes) /
                         (columns * pieces_.width + kMostPadBytes);
    const int64_t rows = std::min({wanted, most, pieces_.rows});
    part.rows = FewestRows() * std::max<int64_t>(1, rows / FewestRows());
    double fewest = std::numeric_limits<double>::infinity();
    for (int64_t pad = 0; pad * pieces_.width < kMostPadBytes && fewest > 1; ++pad) {
      const double ways = WaysOf(part, columns + pad);
      if (ways >= fewest) continue;
      fewest = ways;
      part.pitch = columns + pad;
    }
  }

  double WaysOf(const ConcatenatePlan& part, int64_t pitch) const {
    int64_t passes = 0, least = 0;
    const auto count = static_cast<size_t>(part.count);
    for (size_t i = 0; i < std::min(count, kSampledPieces); ++i) {
      const Piece& piece = pieces_.list[part.first + i * count / std::min(count, kSampledPieces)];
      if (piece.columns == 0) continue;
      std::vector<int64_t> offsets;
      for (int64_t e = 0; e < std::min<int64_t>(kWarp, part.rows * piece.columns); ++e) {
        const int64_t place = e / piece.columns * pitch + e % piece.columns;
        offsets.push_back((piece.first_column + place) * pieces_.width);
      }
      const auto [own, own_least] = BankPasses(offsets, pieces_.width);
      passes += own;
      least += own_least;
    }
    return least == 0 ? 1 : static_cast<double>(passes) / static_cast<double>(least);
  }

  KernelPlan Kernel(const ConcatenatePlan& part) const {
    KernelPlan kernel;
    kernel.skeleton = Skeleton::kConcatenate;
    kernel.block_threads = part.rows > 0 ? kThreadsOfRows : kBlockThreads;
    kernel.index_type = IndexTypeOf(fusion_);
    int64_t blocks = 0;
    std::vector<int> parameters;
    for (int64_t i = part.first; i < part.first + part.count; ++i) {
      const Piece& piece = pieces_.list[i];
      blocks += BlocksOfPiece(pieces_, piece, kernel.block_threads);
      kernel.bytes += 2 * pieces_.rows * piece.columns * pieces_.width;
      parameters.push_back(static_cast<int>(piece.parameter));
    }
    kernel.blocks = part.rows > 0 ? CeilDiv(pieces_.rows, part.rows) : std::max<int64_t>(1, blocks);
    std::sort(parameters.begin(), parameters.end());
    parameters.erase(std::unique(parameters.begin(), parameters.end()), parameters.end());
    for (int parameter : parameters) {
      kernel.buffers.push_back({BufferRole::Kind::kOperand, parameter});
    }
    kernel.buffers.push_back({BufferRole::Kind::kResult, 0});
    kernel.work = part;
    return kernel;
  }

  const Computation& fusion_;
  const Target& target_;
  const Pieces pieces_;
};

bool IsConcatenateOfParameters(const Computation& fusion) {
  const Instruction& root = *fusion.root();
  return root.opcode() == Opcode::kConcatenate && HasCopiedPieces(root) &&
         std::all_of(root.operands().begin(), root.operands().end(), [](const Instruction* piece) {
           return piece->opcode() == Opcode::kParameter;
         });
}

}  // namespace

Pieces PiecesOf(const Computation& fusion) {
  const Instruction& root = *fusion.root();
  const Shape& shape = root.shape();
  const int64_t parts = IsComplex(shape.element_type()) ? 2 : 1;
  const auto along = static_cast<size_t>(root.dimensions()[0]);
  Pieces pieces;
  pieces.width = ByteWidth(ComponentType(shape.element_type()));
  int64_t inner = parts;
  for (size_t d = 0; d < shape.dimensions().size(); ++d) {
    if (d < along) pieces.rows *= shape.dimension(d);
    if (d > along) inner *= shape.dimension(d);
  }
  for (const Instruction* operand : root.operands()) {
    const int64_t columns = operand->shape().dimension(along) * inner;
    pieces.list.push_back({operand->parameter_number(), pieces.columns, columns});
    pieces.columns += columns;
  }
  return pieces;
}

int ColumnsOfAccess(const Pieces& pieces, const Piece& piece) {
  int64_t columns = std::min<int64_t>(kMostColumnsOfAccess, kAccessBytes / pieces.width);
  while (piece.columns % columns != 0 || piece.first_column % columns != 0 ||
         (pieces.rows > 1 && pieces.columns % columns != 0)) {
    columns /= 2;
  }
  return static_cast<int>(columns);
}

int64_t BlocksOfPiece(const Pieces& pieces, const Piece& piece, int block_threads) {
  const int64_t of_block = kPieceAccesses * block_threads * ColumnsOfAccess(pieces, piece);
  return CeilDiv(pieces.rows * piece.columns, of_block);
}

std::vector<std::pair<int64_t, int64_t>> GroupsOf(const Pieces& pieces,
                                                  const ConcatenatePlan& plan) {
  std::vector<std::pair<int64_t, int64_t>> groups;
  int64_t loads = 0;
  for (int64_t i = plan.first; i < plan.first + plan.count; ++i) {
    const int64_t own = CeilDiv(plan.rows * pieces.list[i].columns, int64_t{kWarp});
    if (groups.empty() || loads + own > kLoadsOfGroup) {
      groups.emplace_back(i, i);
      loads = 0;
    }
    loads += own;
    groups.back().second = i + 1;
  }
  return groups;
}

void ProposeConcatenate(Skeleton, const Computation& fusion, const FusionInfo&,
                        const Target& target, Numerics, std::vector<FusionPlan>& candidates) {
  if (target.platform != Platform::kCuda || !IsConcatenateOfParameters(fusion)) return;
  ConcatenatePlanner planner(fusion, target);
  if (planner.IsWorthwhile()) candidates.push_back(planner.Make());
}

absl::Status ConcatenateFits(const FusionPlan& plan, const Computation& fusion,
                             const Target& target) {
  std::vector<FusionPlan> proposed;
  ProposeConcatenate(Skeleton::kConcatenate, fusion, FusionInfo(ViewOf(fusion)), target,
                     plan.numerics, proposed);
  INGOT_REQUIRE(!proposed.empty(),
                "the concatenate skeleton cannot compute this fusion, or has no use for it");
  INGOT_REQUIRE(plan.kernels.size() == proposed[0].kernels.size(), plan.kernels.size(),
                " kernels; there must be ", proposed[0].kernels.size());
  INGOT_REQUIRE(plan.scratch.empty() && plan.in_place.empty() && plan.updates.empty(),
                "scratch, in_place, updates: a concatenate has none");
  for (size_t i = 0; i < plan.kernels.size(); ++i) {
    INGOT_REQUIRE(plan.kernels[i] == proposed[0].kernels[i], "kernel ", i, ": ",
                  FirstDifference(plan.kernels[i], proposed[0].kernels[i]));
  }
  return absl::OkStatus();
}

}  // namespace ingot::plan
