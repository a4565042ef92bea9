// The concatenate skeleton: blocks copy operands to their places in the result.
#include "compiler/plan/concatenate.h"

#include <algorithm>
#include <functional>
#include <numeric>

#include "compiler/lower/frame.h"
#include "compiler/plan/tile_deal.h"
#include "ir/base/integers.h"

namespace ingot::lower {

using kernel::Value;

namespace {

// Words of a row that a turn of the loop over them stores.
constexpr int64_t kUnrollWords = 4;

class ConcatenateLowering {
 public:
  explicit ConcatenateLowering(Frame& frame)
      : frame_(frame),
        plan_(frame.plan.concatenate()),
        pieces_(plan::PiecesOf(frame.fusion)),
        e_(frame.emitter),
        b_(frame.builder),
        math_(frame.context.math),
        result_(frame.memory.results[0]) {}

  void Run() {
    frame_.LaunchBlocks();
    plan_.rows > 0 ? CopyRows() : CopyElements();
  }

 private:
  // An element that a thread has loaded, and where it goes.
  struct Loaded {
    Value value, place;
    kernel::AccessOptions options;
  };

  kernel::Buffer* OperandOf(const plan::Piece& piece) const {
    return frame_.memory.operands[piece.parameter];
  }
  int64_t Warps() const { return frame_.plan.block_threads / kernel::kWarpSize; }
  int64_t FirstColumn() const { return pieces_.list[plan_.first].first_column; }
  int64_t Columns() const {
    const plan::Piece& last = pieces_.list[plan_.first + plan_.count - 1];
    return last.first_column + last.columns - FirstColumn();
  }

  // Calls `take` with the number of the range that has `at`, found by halves; `ends` are what
  // stands behind each.
  void Find(Value at, absl::Span<const int64_t> ends, size_t first, size_t past,
            const std::function<void(size_t)>& take) {
    if (past - first == 1) return take(first);
    const size_t middle = first + (past - first) / 2;
    e_.If(
        b_.Lt(at, math_.Const(ends[middle - 1])), [&] { Find(at, ends, first, middle, take); },
        [&] { Find(at, ends, middle, past, take); });
  }

  // Each thread of a block has accesses of one operand.
  void CopyElements() {
    std::vector<int64_t> ends;
    for (int64_t i = plan_.first; i < plan_.first + plan_.count; ++i) {
      const int64_t before = ends.empty() ? 0 : ends.back();
      ends.push_back(before +
                     plan::BlocksOfPiece(pieces_, pieces_.list[i], frame_.plan.block_threads));
    }
    const Value block = math_.Convert(b_.BlockId());
    Find(block, ends, 0, ends.size(), [&](size_t i) {
      CopyPiece(pieces_.list[plan_.first + i], math_.Add(block, i == 0 ? 0 : -ends[i - 1]));
    });
  }

  // Blocks but the last of a piece have all their elements: their code has no branches.
  void CopyPiece(const plan::Piece& piece, Value block) {
    if (piece.columns == 0) return;
    const int lanes = plan::ColumnsOfAccess(pieces_, piece);
    const int64_t elements = pieces_.rows * piece.columns;
    const int64_t of_turn = int64_t{lanes} * frame_.plan.block_threads;
    const Value thread = math_.Mul(math_.Convert(b_.ThreadId()), lanes);
    const Value first = b_.Add(math_.Mul(block, plan::kPieceAccesses * of_turn), thread);
    const Value left = b_.Sub(math_.Const(elements - (plan::kPieceAccesses - 1) * of_turn), first);
    e_.If(
        b_.Gt(left, math_.Const(0)),
        [&] {
          std::vector<Loaded> loaded;
          for (int64_t i = 0; i < plan::kPieceAccesses; ++i) {
            loaded.push_back(LoadPiece(piece, math_.Add(first, i * of_turn), lanes));
          }
          for (const Loaded& each : loaded) b_.Store(result_, each.place, each.value, each.options);
        },
        [&] {
          for (int64_t i = 0; i < plan::kPieceAccesses; ++i) {
            const Value at = math_.Add(first, i * of_turn);
            e_.If(b_.Lt(at, math_.Const(elements)), [&] {
              const Loaded each = LoadPiece(piece, at, lanes);
              b_.Store(result_, each.place, each.value, each.options);
            });
          }
        });
  }

  Loaded LoadPiece(const plan::Piece& piece, Value at, int lanes) {
    kernel::AccessOptions options;
    options.alignment = static_cast<int>(lanes * pieces_.width);
    Value place = math_.Add(at, piece.first_column);
    if (pieces_.rows > 1) {
      const Value row = math_.Div(at, piece.columns);
      place = b_.Add(place, math_.Mul(row, pieces_.columns - piece.columns));
    }
    return {b_.Load(OperandOf(piece), at, lanes, options), place, options};
  }

  // Warps copy the block's rows of some operands each to shared memory, then whole rows.
  void CopyRows() {
    shared_ = frame_.kernel->AddShared("rows", result_->element, {plan_.rows * plan_.pitch});
    first_row_ = math_.Mul(math_.Convert(b_.BlockId()), plan_.rows);
    const Value warp = math_.Convert(b_.WarpId());
    CopyGroups(warp);
    b_.Barrier();
    ForShare(warp, plan_.rows, [&](Value row) {
      const Value inside = b_.Lt(b_.Add(first_row_, row), math_.Const(pieces_.rows));
      e_.If(pieces_.rows % plan_.rows == 0 ? b_.True() : inside, [&] { StoreRow(row); });
    });
  }

  // Turns are written out: of a loop, what depends on the lane alone would be computed for all
  // operands before it.
  void CopyGroups(Value warp) {
    const auto groups = plan::GroupsOf(pieces_, plan_);
    for (size_t begin = 0; begin < groups.size(); begin += Warps()) {
      const size_t count = std::min<size_t>(groups.size() - begin, Warps());
      std::vector<int64_t> ends(count);
      std::iota(ends.begin(), ends.end(), 1);
      // Warps beyond the last group have nothing to copy.
      ends.push_back(Warps());
      Find(warp, ends, 0, count < static_cast<size_t>(Warps()) ? count + 1 : count, [&](size_t i) {
        if (i < count) CopyGroup(groups[begin + i]);
      });
    }
  }

  // Calls `body` with the numbers below `count` that are this warp's.
  void ForShare(Value warp, int64_t count, const std::function<void(Value)>& body) {
    e_.For(math_.Const(0), math_.Const(CeilDiv(count, Warps())), 1, [&](Value turn) {
      const Value number = b_.Add(math_.Mul(turn, Warps()), warp);
      e_.If(count % Warps() == 0 ? b_.True() : b_.Lt(number, math_.Const(count)),
            [&] { body(number); });
    });
  }

  void CopyGroup(const std::pair<int64_t, int64_t>& group) {
    const Value lane = math_.Convert(b_.LaneId());
    std::vector<Loaded> loaded;
    for (int64_t i = group.first; i < group.second; ++i) {
      const plan::Piece& piece = pieces_.list[i];
      const int64_t elements = plan_.rows * piece.columns;
      const Value begin = math_.Mul(first_row_, piece.columns);
      const Value left = b_.Sub(math_.Const(pieces_.rows * piece.columns), begin);
      for (int64_t first = 0; first < elements; first += kernel::kWarpSize) {
        const Value at = math_.Add(lane, first);
        kernel::AccessOptions options;
        if (pieces_.rows % plan_.rows != 0) {
          options.mask = b_.Lt(at, b_.Min(left, math_.Const(elements)));
        } else if (first + kernel::kWarpSize > elements) {
          options.mask = b_.Lt(at, math_.Const(elements));
        }
        const Value row = math_.Div(at, piece.columns);
        const Value column =
            math_.Add(math_.Rem(at, piece.columns), piece.first_column - FirstColumn());
        loaded.push_back({b_.Load(OperandOf(piece), b_.Add(begin, at), 1, options),
                          b_.Add(math_.Mul(row, plan_.pitch), column), options});
      }
    }
    for (const Loaded& each : loaded) b_.Store(shared_, each.place, each.value, each.options);
  }

  // A warp stores words of a row, the first of which begins at a sector.
  void StoreRow(Value row) {
    const int64_t columns = Columns();
    const int64_t sector = std::max<int64_t>(1, plan::kSectorBytes / pieces_.width);
    const int64_t word = std::max<int64_t>(1, plan::kRegisterBytes / pieces_.width);
    const Value start =
        math_.Add(math_.Mul(b_.Add(first_row_, row), pieces_.columns), FirstColumn());
    const bool shifts = pieces_.columns % sector != 0 || FirstColumn() % sector != 0;
    const Value shift = shifts ? math_.Rem(start, sector) : math_.Const(0);
    const int64_t extent = word * kernel::kWarpSize;
    const int64_t windows = CeilDiv(columns + (shifts ? sector - 1 : 0), extent);
    const Value from = math_.Mul(row, plan_.pitch);
    e_.For(
        math_.Const(0), math_.Const(windows), 1,
        [&](Value window) {
          const Value lane = math_.Mul(math_.Convert(b_.LaneId()), word);
          const Value at = b_.Sub(b_.Add(math_.Mul(window, extent), lane), shift);
          const Value whole =
              b_.And(b_.Ge(at, math_.Const(0)), b_.Le(math_.Add(at, word), math_.Const(columns)));
          e_.If(
              whole, [&] { StoreWord(from, start, at, static_cast<int>(word)); },
              [&] { StoreEnds(from, start, at, word); });
        },
        kUnrollWords);
  }

  void StoreWord(Value from, Value to, Value at, int word) {
    std::vector<Value> lanes;
    for (int i = 0; i < word; ++i) {
      lanes.push_back(b_.Load(shared_, b_.Add(from, math_.Add(at, i))));
    }
    kernel::AccessOptions options;
    options.alignment = static_cast<int>(word * pieces_.width);
    b_.Store(result_, b_.Add(to, at), word == 1 ? lanes[0] : b_.Build(lanes), options);
  }

  void StoreEnds(Value from, Value to, Value at, int64_t word) {
    for (int64_t i = 0; word > 1 && i < word; ++i) {
      const Value column = math_.Add(at, i);
      e_.If(math_.IsBelow(column, Columns()),
            [&] { b_.Store(result_, b_.Add(to, column), b_.Load(shared_, b_.Add(from, column))); });
    }
  }

  Frame& frame_;
  const plan::ConcatenatePlan& plan_;
  const plan::Pieces pieces_;
  ElementEmitter& e_;
  kernel::Builder& b_;
  IndexMath& math_;
  kernel::Buffer* result_;
  kernel::Buffer* shared_ = nullptr;
  Value first_row_ = nullptr;
};

}  // namespace

void LowerConcatenate(Frame& frame) { ConcatenateLowering(frame).Run(); }

}  // namespace ingot::lower
