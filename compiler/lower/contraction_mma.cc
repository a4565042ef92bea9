// Products on a card's matrix units: mma.sync, ldmatrix.
#include "compiler/lower/contraction_block.h"
#include "compiler/plan/contraction.h"
#include "ir/base/check.h"

namespace ingot::lower {

using kernel::Expr;
using kernel::Intrinsic;
using kernel::Value;

namespace {

constexpr int kMmaRows = 16;
constexpr int kMmaColumns = 8;
constexpr int kMmaDepthBytes = 32, kDoubleDepthBytes = 128;

class MatrixUnit : public ProductUnitLowering {
 public:
  explicit MatrixUnit(const ProductBlock& block)
      : block_(block),
        b_(block.b()),
        elements_(block.elements()),
        unit_(block.plan().unit),
        row_pieces_(block.warp_rows() / kMmaRows),
        column_pieces_(block.warp_columns() / kMmaColumns) {
    const kernel::Type type = kernel::Type(block.sum_type()).WithLanes(4);
    const Value zero =
        IsInteger(block.type()) ? b_.Integer(kernel::kS32.WithLanes(4), 0) : b_.Float(type, 0);
    sums_ = b_.DeclareVar("sum", zero, row_pieces_ * column_pieces_);
  }

  void Multiply(Expr stage) override {
    const int piece_bytes = doubles() ? kDoubleDepthBytes : kMmaDepthBytes;
    const int pieces = block_.plan().depth * ByteWidth(block_.type()) / piece_bytes;
    for (int piece = 0; piece < pieces; ++piece) {
      std::vector<Value> lhs, rhs;
      for (int i = 0; i < row_pieces_; ++i) lhs.push_back(LoadRows(stage, i, piece));
      for (int j = 0; doubles() && j < column_pieces_; ++j) {
        const Expr first = block_.warp_column() + j * kMmaColumns;
        rhs.push_back(LoadDoubles(block_.rhs(), stage, first, piece, /*halves=*/1));
      }
      for (int j = 0; !doubles() && j < column_pieces_; j += 2) {
        const Value two = LoadColumns(stage, j, piece);
        rhs.push_back(b_.VectorShuffle(two, two, {0, 1}));
        rhs.push_back(b_.VectorShuffle(two, two, {2, 3}));
      }
      for (int i = 0; i < row_pieces_; ++i) {
        for (int j = 0; j < column_pieces_; ++j) {
          const Value at = b_.Index(i * column_pieces_ + j);
          b_.Write(sums_, b_.Call(MmaRow(), {lhs[i], rhs[j], b_.Read(sums_, at)}), at);
        }
      }
    }
  }
  void Pass(kernel::Buffer* to) override {
    const Expr lane = block_.Lane();
    const Expr row = block_.warp_row() + Quotient(lane, 4);
    const Expr column = block_.warp_column() + Remainder(lane, 4) * 2;
    const kernel::Type type = kernel::Type(block_.sum_type()).WithLanes(4);
    kernel::AccessOptions options;
    options.alignment = 2 * ByteWidth(block_.sum_type());
    for (int i = 0; i < row_pieces_; ++i) {
      for (int j = 0; j < column_pieces_; ++j) {
        const Value sums = b_.Bitcast(b_.Read(sums_, b_.Index(i * column_pieces_ + j)), type);
        for (int half = 0; half < 2; ++half) {
          const Expr place = (row + (i * kMmaRows + 8 * half)) *
                                 static_cast<double>(plan::SumPitch(block_.plan())) +
                             (column + j * kMmaColumns);
          b_.Store(to, place.value(), b_.VectorShuffle(sums, sums, {2 * half, 2 * half + 1}),
                   options);
        }
      }
    }
  }

 private:
  bool doubles() const { return unit_ == plan::ProductUnit::kF64; }

  Intrinsic MmaRow() const {
    switch (unit_) {
      case plan::ProductUnit::kBf16:
        return Intrinsic::kMmaBf16;
      case plan::ProductUnit::kF16:
        return Intrinsic::kMmaF16;
      case plan::ProductUnit::kTf32:
        return Intrinsic::kMmaTf32;
      case plan::ProductUnit::kS8:
        return Intrinsic::kMmaS8;
      case plan::ProductUnit::kU8:
        return Intrinsic::kMmaU8;
      case plan::ProductUnit::kF64:
        return Intrinsic::kMmaF64K16;
      case plan::ProductUnit::kFma:
        break;  // FmaLowering
    }
    INGOT_UNREACHABLE();
    return Intrinsic::kMmaBf16;
  }

  // 16 rows × 32 bytes of depth, the registers of mma's A: matrices (row, depth) (0, 0), (8, 0),
  // (0, 16 bytes), (8, 16 bytes).
  Value LoadRows(Expr stage, int piece, int depth_piece) {
    const Expr lane = block_.Lane();
    const Expr first = block_.warp_row() + piece * kMmaRows;
    if (doubles()) return LoadDoubles(block_.lhs(), stage, first, depth_piece, /*halves=*/2);
    if (block_.plan().lhs.depth_major) {
      return LoadMatrices(block_.lhs(), stage, first + Remainder(lane, 16),
                          Quotient(lane, 16) + 2 * depth_piece);
    }
    if (ByteWidth(block_.type()) != 2) {
      return LoadWords(block_.lhs(), stage, first, depth_piece, {{0, 0}, {8, 0}, {0, 4}, {8, 4}});
    }
    const Expr row = first + Remainder(Quotient(lane, 8), 2) * 8;
    const Expr depth = Remainder(lane, 8) + Quotient(lane, 16) * 8 + depth_piece * 16;
    return LoadMatrices(block_.lhs(), stage, depth, Quotient(row, elements_));
  }

  // 16 columns × 32 bytes of depth, the registers of mma's B for 8 columns and for the next 8:
  // matrices (column, depth) (0, 0), (0, 16 bytes), (8, 0), (8, 16 bytes).
  Value LoadColumns(Expr stage, int piece, int depth_piece) {
    const Expr lane = block_.Lane();
    const Expr first = block_.warp_column() + piece * kMmaColumns;
    if (block_.plan().rhs.depth_major) {
      return LoadMatrices(block_.rhs(), stage, first + Remainder(lane, 8) + Quotient(lane, 16) * 8,
                          Remainder(Quotient(lane, 8), 2) + 2 * depth_piece);
    }
    if (ByteWidth(block_.type()) != 2) {
      return LoadWords(block_.rhs(), stage, first, depth_piece, {{0, 0}, {0, 4}, {8, 0}, {8, 4}});
    }
    const Expr column = first + Quotient(lane, 16) * 8;
    return LoadMatrices(block_.rhs(), stage, Remainder(lane, 16) + depth_piece * 16,
                        Quotient(column, elements_));
  }

  // 16 of f64 along depth, of row lane / 4, and of the one 8 further where there are two halves.
  // What the unit takes for element l + 4 r of depth, l = lane mod 4, is element 2 v + r mod 2 of
  // vector v = 2 l + (l / 2 xor r / 2), on both sides: so no bank is met twice, whether lines are
  // rows, which are read by vectors, or depth.
  Value LoadDoubles(const ProductTile& tile, Expr stage, Expr first, int depth_piece, int halves) {
    const Expr lane = block_.Lane();
    const Expr in_four = Remainder(lane, 4);
    std::vector<Value> doubles(4 * halves);
    for (int half = 0; half < halves; ++half) {
      const Expr m = first + Quotient(lane, 4) + 8 * half;
      for (int pair = 0; pair < 2; ++pair) {
        const Expr vector =
            in_four * 2 + (Quotient(in_four, 2) ^ static_cast<double>(pair)) + 8 * depth_piece;
        Value* elements = &doubles[half + halves * 2 * pair];  // and `halves` further
        if (tile.plan->depth_major) {
          kernel::AccessOptions options;
          options.alignment = 16;
          const Expr place = block_.PlaceOf(tile, stage, m, vector);
          const Value two = b_.Load(block_.tiles(), place.value(), 2, options);
          for (int i = 0; i < 2; ++i) elements[halves * i] = b_.Extract(two, i);
          continue;
        }
        for (int i = 0; i < 2; ++i) {
          const Expr place = block_.PlaceOf(tile, stage, vector * 2 + i, Quotient(m, elements_));
          elements[halves * i] = b_.Load(block_.tiles(), (place + Remainder(m, elements_)).value());
        }
      }
    }
    return b_.Build(doubles);
  }

  Value LoadMatrices(const ProductTile& tile, Expr stage, Expr line, Expr vector) {
    const Intrinsic row =
        tile.plan->depth_major ? Intrinsic::kLdMatrixX4 : Intrinsic::kLdMatrixX4Trans;
    const Value words =
        b_.Call(row, {block_.PlaceOf(tile, stage, line, vector).value()}, {}, {block_.tiles()});
    if (unit_ != plan::ProductUnit::kTf32) return words;
    const Value values = b_.Bitcast(words, kernel::kF32.WithLanes(words->type.lanes));
    std::vector<Value> rounded;
    for (int i = 0; i < words->type.lanes; ++i) rounded.push_back(Round(b_.Extract(values, i)));
    return b_.Build(rounded);
  }
  Value Round(Value value) { return b_.Call(Intrinsic::kRoundTf32, {value}); }

  // The same registers where depth does not lie side by side and elements have 4 bytes or 1, which
  // ldmatrix does not turn: of (row, word of depth) from these places on, row lane / 4 and word
  // lane mod 4.
  Value LoadWords(const ProductTile& tile, Expr stage, Expr first, int depth_piece,
                  std::initializer_list<std::pair<int, int>> places) {
    const Expr lane = block_.Lane();
    const int elements = 4 / ByteWidth(block_.type());
    std::vector<Value> words;
    for (const auto& [row, word] : places) {
      const Expr m = first + Quotient(lane, 4) + row;
      const Expr k = (Remainder(lane, 4) + (word + 8 * depth_piece)) * elements;
      std::vector<Value> of_word;
      for (int i = 0; i < elements; ++i) {
        const Expr place =
            block_.PlaceOf(tile, stage, k + i, Quotient(m, elements_)) + Remainder(m, elements_);
        of_word.push_back(b_.Load(block_.tiles(), place.value()));
      }
      words.push_back(unit_ == plan::ProductUnit::kTf32
                          ? Round(of_word[0])
                          : b_.Bitcast(b_.Build(of_word), kernel::kU32));
    }
    return b_.Build(words);
  }

  const ProductBlock& block_;
  kernel::Builder& b_;
  const int elements_;  // of a vector
  const plan::ProductUnit unit_;
  const int row_pieces_, column_pieces_;  // of a warp
  kernel::Var* sums_ = nullptr;
};

}  // namespace

std::unique_ptr<ProductUnitLowering> MatrixUnitLowering(const ProductBlock& block) {
  return std::make_unique<MatrixUnit>(block);
}

}  // namespace ingot::lower
