// The contraction skeleton: products of matrices on a card's matrix units, by mma.sync, ldmatrix
// and cp.async.  plan::ContractionPlan says which tile a block has.
#include <algorithm>

#include "compiler/kernel/expr.h"
#include "compiler/lower/contraction_space.h"
#include "compiler/plan/contraction.h"
#include "ir/base/integers.h"

namespace ingot::lower {

using kernel::Expr;
using kernel::Intrinsic;
using kernel::Value;
using plan::ContractionPlan;

namespace {

constexpr int kVectorBytes = 16;
constexpr int kBankVectors = 8;  // vectors that all banks hold side by side
constexpr int kMmaRows = 16;
constexpr int kMmaColumns = 8;
constexpr int kMmaDepthBytes = 32;

// Shared memory of one matrix's tile: rows of vectors of 16 bytes, whose places are exchanged so
// that neither a row nor eight rows' vectors of one number meet in a bank.
struct Tile {
  const plan::ProductOperand* operand;
  const plan::MatrixTile* plan;
  int outer;                       // rows or columns of the tile
  int lines, pitch;                // rows in memory, vectors in each
  int64_t first;                   // vector of stage 0
  int64_t outer_size, depth_size;  // of the matrix
  IndexExpr address;               // in the parameter, of the coordinates of the operand's map

  int64_t vectors() const { return int64_t{lines} * pitch; }
};

class ContractionLowering {
 public:
  ContractionLowering(Frame& frame, const plan::ProductFusion& product)
      : frame_(frame),
        plan_(frame.plan.contraction()),
        product_(product.product),
        b_(frame.builder),
        e_(frame.emitter),
        math_(frame.context.math),
        type_(product_.instruction->operand(0)->shape().element_type()),
        elements_(kVectorBytes / ByteWidth(type_)),
        space_(frame, product),
        lhs_(MakeTile(product_.lhs, plan_.lhs, plan_.rows, product_.rows, 0)),
        rhs_(MakeTile(product_.rhs, plan_.rhs, plan_.columns, product_.columns,
                      plan_.stages * lhs_.vectors())) {}

  void Run() {
    kernel::Launch& launch = frame_.kernel->launch();
    launch.machine = kernel::Machine::kGpu;
    launch.grid = {frame_.plan.blocks, 1, 1};
    launch.block = {frame_.plan.block_threads, 1, 1};
    launch.min_blocks = frame_.plan.resident_blocks;
    b_.set_hlo(static_cast<int32_t>(product_.instruction->id()));
    if (plan_.combines) return Combine();
    FindPlace();
    Declare();
    Multiply();
    PassSums();
    StoreTile();
  }

 private:
  Tile MakeTile(const plan::ProductOperand& operand, const plan::MatrixTile& plan, int outer,
                int64_t outer_size, int64_t first) const {
    const std::vector<int64_t> strides = RowMajorStrides(operand.parameter->shape().dimensions());
    const int lines = plan.depth_major ? outer : plan_.depth;
    const int pitch = (plan.depth_major ? plan_.depth : outer) / elements_;
    return {&operand,   &plan,          outer,
            lines,      pitch,          first,
            outer_size, product_.depth, ingot::AddressOf(operand.map, strides)};
  }

  Expr Number(int64_t value) { return {b_, math_.Const(value)}; }
  Expr Small(int64_t value) { return {b_, b_.Index(value)}; }
  Expr Wide(Expr value) { return {b_, math_.Convert(value.value())}; }
  Expr Thread() { return {b_, b_.ThreadId()}; }
  Expr LaneOfWarp() { return {b_, b_.LaneId()}; }

  // Of what is not negative.
  Expr Quotient(Expr a, int64_t divisor) {
    return {b_, IndexMath(&b_, a.element()).Div(a.value(), divisor)};
  }
  Expr Remainder(Expr a, int64_t divisor) {
    return {b_, IndexMath(&b_, a.element()).Rem(a.value(), divisor)};
  }

  // ----- where the block is

  // Blocks go through the tiles of rows of a group, then to the next tile of columns, then to the
  // next group; then through parts of depth and batches.
  void FindPlace() {
    const int64_t row_tiles = CeilDiv(product_.rows, plan_.rows);
    const int64_t column_tiles = CeilDiv(product_.columns, plan_.columns);
    const int64_t tiles = row_tiles * column_tiles;
    const Expr block = Wide({b_, b_.BlockId()});
    const Expr tile = Remainder(block, tiles);
    const Expr part = Quotient(block, tiles);
    split_ = Remainder(part, plan_.splits).value();
    batch_ = Quotient(part, plan_.splits).value();
    const int64_t group = std::min<int64_t>(plan_.group, row_tiles);
    const Expr in_group = Remainder(tile, group * column_tiles);
    const Expr first = Quotient(tile, group * column_tiles) * static_cast<double>(group);
    Expr row_tile = first, column_tile = first;
    if (row_tiles % group == 0) {
      row_tile = first + Remainder(in_group, group);
      column_tile = Quotient(in_group, group);
    } else {
      const Expr size = Min(Number(row_tiles) - first, Number(group));
      row_tile = first + in_group % size;
      column_tile = in_group / size;
    }
    row_ = (row_tile * plan_.rows).value();
    column_ = (column_tile * plan_.columns).value();
    const int64_t all = CeilDiv(product_.depth, plan_.depth);
    steps_ = CeilDiv(all, plan_.splits);
    // Steps of this part, from number first_step_ on.
    first_step_ = (Expr(b_, split_) * static_cast<double>(steps_)).value();
    end_step_ = Min(Expr(b_, first_step_) + static_cast<double>(steps_), Number(all)).value();
  }

  void Declare() {
    tiles_ = frame_.kernel->AddShared(
        "tiles", type_, {plan_.stages * (lhs_.vectors() + rhs_.vectors()) * elements_});
    tiles_->alignment = 128;
    pass_ =
        frame_.kernel->AddShared("sums", ElementType::kF32, {plan_.rows, plan::SumPitch(plan_)});
    pass_->overlaps = tiles_;
    pass_->alignment = 128;
    const kernel::Type type = kernel::kF32.WithLanes(4);
    sums_ = b_.DeclareVar("sum", b_.Float(type, 0), RowPieces() * ColumnPieces());
    const Expr warp(b_, b_.WarpId());
    warp_row_ = (Quotient(warp, plan_.column_warps) * WarpRows()).value();
    warp_column_ = (Remainder(warp, plan_.column_warps) * WarpColumns()).value();
  }
  int WarpRows() const { return plan_.rows / plan_.row_warps; }
  int WarpColumns() const { return plan_.columns / plan_.column_warps; }
  int RowPieces() const { return WarpRows() / kMmaRows; }
  int ColumnPieces() const { return WarpColumns() / kMmaColumns; }

  // ----- the loop along depth

  void Multiply() {
    const Expr first(b_, first_step_), end(b_, end_step_);
    for (int stage = 0; stage + 1 < plan_.stages; ++stage) {
      Copy(first + stage, end, Small(stage));
    }
    e_.For(first_step_, end_step_, 1, [&](Value at) {
      const Expr step(b_, at);
      b_.Call(Intrinsic::kCopyAsyncWait, {}, {plan_.stages - 2});
      b_.Barrier();
      const Expr number = step - first;
      Copy(step + (plan_.stages - 1), end, StageOf(number + (plan_.stages - 1)));
      MultiplyTiles(StageOf(number));
    });
    b_.Call(Intrinsic::kCopyAsyncWait, {}, {0});
    b_.Barrier();
  }
  Expr StageOf(Expr number) {
    return {b_, b_.Convert(Remainder(number, plan_.stages).value(), ElementType::kS32)};
  }

  // Both tiles of a step, where there is one, and the end of a group of copies.
  void Copy(Expr step, Expr end, Expr stage) {
    e_.If((step < end).value(), [&] {
      CopyTile(lhs_, row_, step, stage);
      CopyTile(rhs_, column_, step, stage);
    });
    b_.Call(Intrinsic::kCopyAsyncCommit);
  }

  void CopyTile(const Tile& tile, Value outer, Expr step, Expr stage) {
    const int threads = plan_.threads();
    for (int64_t i = 0; i * threads < tile.vectors(); ++i) {
      const Expr number = Thread() + static_cast<double>(i * threads);
      const auto copy = [&] { CopyVector(tile, number, outer, step, stage); };
      if ((i + 1) * threads <= tile.vectors()) {
        copy();
      } else {
        e_.If((number < static_cast<double>(tile.vectors())).value(), copy);
      }
    }
  }

  void CopyVector(const Tile& tile, Expr number, Value outer, Expr step, Expr stage) {
    const Expr line = Quotient(number, tile.pitch), vector = Remainder(number, tile.pitch);
    const Expr along = Wide(vector) * elements_;
    const Expr depth = step * plan_.depth;
    const Expr m = Expr(b_, outer) + (tile.plan->depth_major ? Wide(line) : along);
    const Expr k = depth + (tile.plan->depth_major ? along : Wide(line));
    const Expr to = PlaceOf(tile, stage, line, vector);
    const int bytes = tile.plan->copy_bytes;
    if (bytes == 0) return LoadElements(tile, m, k, to);
    const int elements = bytes / ByteWidth(type_);
    for (int i = 0; i < elements_; i += elements) {
      const bool down = tile.plan->depth_major;
      const auto [address, inside] = AddressOf(tile, down ? m : m + i, down ? k + i : k);
      const Value wanted =
          b_.Select(inside, b_.Integer(kernel::kU32, bytes), b_.Integer(kernel::kU32, 0));
      b_.Call(Intrinsic::kCopyAsync,
              {(to + i).value(), b_.Select(inside, address, math_.Const(0)), wanted}, {bytes},
              {tiles_, frame_.memory.operands[tile.operand->parameter->parameter_number()]});
    }
  }

  void LoadElements(const Tile& tile, Expr m, Expr k, Expr to) {
    kernel::Buffer* from = frame_.memory.operands[tile.operand->parameter->parameter_number()];
    std::vector<Value> lanes;
    for (int i = 0; i < elements_; ++i) {
      const bool down = tile.plan->depth_major;
      const auto [address, inside] = AddressOf(tile, down ? m : m + i, down ? k + i : k);
      kernel::AccessOptions options;
      options.mask = inside;
      lanes.push_back(b_.Load(from, b_.Select(inside, address, math_.Const(0)), 1, options));
    }
    kernel::AccessOptions options;
    options.alignment = kVectorBytes;
    b_.Store(tiles_, to.value(), b_.Build(lanes), options);
  }

  // Where element (batch, m, k) is, and whether there is one.
  std::pair<Value, Value> AddressOf(const Tile& tile, Expr m, Expr k) {
    const std::vector<Value> at = {batch_, m.value(), k.value()};
    Value inside =
        b_.And(Below(m, tile.outer_size, tile.outer), Below(k, tile.depth_size, plan_.depth));
    for (const IndexCondition& condition : tile.operand->map.conditions) {
      const Value value = math_.Emit(condition.value, at);
      inside = b_.And(inside, b_.And(b_.Ge(value, math_.Const(condition.lower)),
                                     b_.Lt(value, math_.Const(condition.limit))));
    }
    return {math_.Emit(tile.address, at), inside};
  }
  Value Below(Expr coordinate, int64_t size, int tile) {
    if (size % tile == 0) return b_.True();
    return (coordinate < static_cast<double>(size)).value();
  }

  // The element at which a vector of a line begins.
  Expr PlaceOf(const Tile& tile, Expr stage, Expr line, Expr vector) {
    const int lines = std::max(1, kBankVectors / tile.pitch);  // that all banks hold
    // Four lines of 8 elements of 4 bytes are read together (LoadWords), or 8 lines of a vector.
    const bool words = !tile.plan->depth_major && ByteWidth(type_) == 4;
    const Expr turn =
        Remainder(Quotient(line, lines) * (words ? 2 : 1), std::min(tile.pitch, kBankVectors));
    const Expr number = line * tile.pitch + (vector ^ turn) + static_cast<double>(tile.first);
    return (number + stage * static_cast<double>(tile.vectors())) * elements_;
  }

  void MultiplyTiles(Expr stage) {
    const int pieces = plan_.depth * ByteWidth(type_) / kMmaDepthBytes;
    for (int piece = 0; piece < pieces; ++piece) {
      std::vector<Value> lhs, rhs;
      for (int i = 0; i < RowPieces(); ++i) lhs.push_back(LoadRows(stage, i, piece));
      for (int j = 0; j < ColumnPieces(); j += 2) {
        const Value two = LoadColumns(stage, j, piece);
        rhs.push_back(b_.VectorShuffle(two, two, {0, 1}));
        rhs.push_back(b_.VectorShuffle(two, two, {2, 3}));
      }
      for (int i = 0; i < RowPieces(); ++i) {
        for (int j = 0; j < ColumnPieces(); ++j) {
          const Value at = b_.Index(i * ColumnPieces() + j);
          b_.Write(sums_, b_.Call(MmaRow(), {lhs[i], rhs[j], b_.Read(sums_, at)}), at);
        }
      }
    }
  }
  Intrinsic MmaRow() const {
    switch (plan_.unit) {
      case plan::MatrixUnit::kBf16:
        return Intrinsic::kMmaBf16;
      case plan::MatrixUnit::kF16:
        return Intrinsic::kMmaF16;
      case plan::MatrixUnit::kTf32:
        return Intrinsic::kMmaTf32;
    }
    INGOT_UNREACHABLE();
    return Intrinsic::kMmaBf16;
  }

  // 16 rows × 32 bytes of depth, the registers of mma's A: matrices (row, depth) (0, 0), (8, 0),
  // (0, 16 bytes), (8, 16 bytes).
  Value LoadRows(Expr stage, int piece, int depth_piece) {
    const Expr lane = LaneOfWarp();
    const Expr first = Expr(b_, warp_row_) + piece * kMmaRows;
    if (plan_.lhs.depth_major) {
      return LoadMatrices(lhs_, stage, first + Remainder(lane, 16),
                          Quotient(lane, 16) + 2 * depth_piece);
    }
    if (plan_.unit == plan::MatrixUnit::kTf32) {
      return LoadWords(lhs_, stage, first, depth_piece, {{0, 0}, {8, 0}, {0, 4}, {8, 4}});
    }
    const Expr row = first + Remainder(Quotient(lane, 8), 2) * 8;
    const Expr depth = Remainder(lane, 8) + Quotient(lane, 16) * 8 + depth_piece * 16;
    return LoadMatrices(lhs_, stage, depth, Quotient(row, elements_));
  }

  // 16 columns × 32 bytes of depth, the registers of mma's B for 8 columns and for the next 8:
  // matrices (column, depth) (0, 0), (0, 16 bytes), (8, 0), (8, 16 bytes).
  Value LoadColumns(Expr stage, int piece, int depth_piece) {
    const Expr lane = LaneOfWarp();
    const Expr first = Expr(b_, warp_column_) + piece * kMmaColumns;
    if (plan_.rhs.depth_major) {
      return LoadMatrices(rhs_, stage, first + Remainder(lane, 8) + Quotient(lane, 16) * 8,
                          Remainder(Quotient(lane, 8), 2) + 2 * depth_piece);
    }
    if (plan_.unit == plan::MatrixUnit::kTf32) {
      return LoadWords(rhs_, stage, first, depth_piece, {{0, 0}, {0, 4}, {8, 0}, {8, 4}});
    }
    const Expr column = first + Quotient(lane, 16) * 8;
    return LoadMatrices(rhs_, stage, Remainder(lane, 16) + depth_piece * 16,
                        Quotient(column, elements_));
  }

  Value LoadMatrices(const Tile& tile, Expr stage, Expr line, Expr vector) {
    const Intrinsic row =
        tile.plan->depth_major ? Intrinsic::kLdMatrixX4 : Intrinsic::kLdMatrixX4Trans;
    const Value words = b_.Call(row, {PlaceOf(tile, stage, line, vector).value()}, {}, {tiles_});
    if (plan_.unit != plan::MatrixUnit::kTf32) return words;
    const Value values = b_.Bitcast(words, kernel::kF32.WithLanes(words->type.lanes));
    std::vector<Value> rounded;
    for (int i = 0; i < words->type.lanes; ++i) rounded.push_back(Round(b_.Extract(values, i)));
    return b_.Build(rounded);
  }
  Value Round(Value value) { return b_.Call(Intrinsic::kRoundTf32, {value}); }

  // The same registers where depth does not lie side by side and elements have 4 bytes, which
  // ldmatrix does not turn: of (row, depth) from these places on, row lane / 4 and depth lane
  // mod 4.
  Value LoadWords(const Tile& tile, Expr stage, Expr first, int depth_piece,
                  std::initializer_list<std::pair<int, int>> places) {
    const Expr lane = LaneOfWarp();
    std::vector<Value> words;
    for (const auto& [row, depth] : places) {
      const Expr m = first + Quotient(lane, 4) + row;
      const Expr k = Remainder(lane, 4) + (depth + 8 * depth_piece);
      const Expr place = PlaceOf(tile, stage, k, Quotient(m, elements_)) + Remainder(m, elements_);
      words.push_back(Round(b_.Load(tiles_, place.value())));
    }
    return b_.Build(words);
  }

  // ----- results

  // Lanes' sums to shared memory, in rows.
  void PassSums() {
    const Expr lane = LaneOfWarp();
    const Expr row = Expr(b_, warp_row_) + Quotient(lane, 4);
    const Expr column = Expr(b_, warp_column_) + Remainder(lane, 4) * 2;
    kernel::AccessOptions options;
    options.alignment = 2 * sizeof(float);
    for (int i = 0; i < RowPieces(); ++i) {
      for (int j = 0; j < ColumnPieces(); ++j) {
        const Value sums = b_.Read(sums_, b_.Index(i * ColumnPieces() + j));
        for (int half = 0; half < 2; ++half) {
          const Expr place =
              (row + (i * kMmaRows + 8 * half)) * static_cast<double>(plan::SumPitch(plan_)) +
              (column + j * kMmaColumns);
          b_.Store(pass_, place.value(), b_.VectorShuffle(sums, sums, {2 * half, 2 * half + 1}),
                   options);
        }
      }
    }
    b_.Barrier();
  }

  void StoreTile() {
    const int lanes = plan_.lanes, pitch = plan_.columns / lanes;
    const int threads = plan_.threads();
    const Value each = b_.Index(int64_t{1} * plan_.rows * pitch / threads);
    b_.For(b_.Index(0), each, b_.Index(1), [&](Value i) {
      e_.Scoped([&] {
        const Expr number = Expr(b_, i) * threads + Thread();
        const Expr row = Quotient(number, pitch), column = Remainder(number, pitch) * lanes;
        const Expr m = Expr(b_, row_) + Wide(row), n = Expr(b_, column_) + Wide(column);
        const Value inside =
            b_.And(Below(m, product_.rows, plan_.rows), Below(n, product_.columns, plan_.columns));
        e_.If(inside, [&] {
          const Expr place = row * static_cast<double>(plan::SumPitch(plan_)) + column;
          StoreSums(m, n, b_.Load(pass_, place.value(), lanes, SumAccess()));
        });
      });
    });
  }

  // Of the sums that are stored together.
  kernel::AccessOptions SumAccess() const {
    kernel::AccessOptions options;
    options.alignment = std::min<int>(kVectorBytes, plan_.lanes * sizeof(float));
    return options;
  }

  void StoreSums(Expr m, Expr n, Value sums) {
    if (plan_.splits == 1) return space_.Store(batch_, m.value(), n.value(), sums);
    const Expr part = Expr(b_, split_) * static_cast<double>(product_.batch) + Expr(b_, batch_);
    const Expr row = part * static_cast<double>(product_.rows) + m;
    b_.Store(frame_.memory.scratch[0], (row * static_cast<double>(product_.columns) + n).value(),
             sums, SumAccess());
  }

  // The second kernel of a product that is split: a thread puts together what it stores.
  void Combine() {
    const int lanes = plan_.lanes;
    const int64_t elements = product_.batch * product_.rows * product_.columns;
    const Expr block = Wide({b_, b_.BlockId()});
    const Expr first = (block * frame_.plan.block_threads + Wide(Thread())) * lanes;
    e_.If((first < static_cast<double>(elements)).value(), [&] {
      const auto load = [&](Expr at) {
        return b_.Load(frame_.memory.scratch[0], at.value(), lanes, SumAccess());
      };
      kernel::Var* sum = b_.DeclareVar("sum", load(first));
      b_.For(
          b_.Index(1), b_.Index(plan_.splits), b_.Index(1),
          [&](Value part) {
            const Expr at = first + Wide({b_, part}) * static_cast<double>(elements);
            b_.Write(sum, b_.Add(b_.Read(sum), load(at)));
          },
          /*unroll=*/4);
      const Expr row = Quotient(first, product_.columns);
      const Expr n = Remainder(first, product_.columns), m = Remainder(row, product_.rows);
      space_.Store(Quotient(row, product_.rows).value(), m.value(), n.value(), b_.Read(sum));
    });
  }

  Frame& frame_;
  const ContractionPlan& plan_;
  const plan::Product& product_;
  kernel::Builder& b_;
  ElementEmitter& e_;
  IndexMath& math_;
  const ElementType type_;  // of the matrices
  const int elements_;      // of a vector
  ProductSpace space_;
  const Tile lhs_, rhs_;
  kernel::Buffer* tiles_ = nullptr;
  kernel::Buffer* pass_ = nullptr;
  kernel::Var* sums_ = nullptr;
  int64_t steps_ = 0;
  // Of the block: its part of depth, batch, first row and column; of the warp: in the tile.
  Value split_ = nullptr, batch_ = nullptr, row_ = nullptr, column_ = nullptr;
  Value first_step_ = nullptr, end_step_ = nullptr;
  Value warp_row_ = nullptr, warp_column_ = nullptr;
};

}  // namespace

void LowerContraction(Frame& frame) {
  const absl::StatusOr<plan::ProductFusion> product = plan::MakeProductFusion(frame.fusion);
  if (!product.ok()) return frame.context.Fail(product.status());
  ContractionLowering(frame, *product).Run();
}

}  // namespace ingot::lower
