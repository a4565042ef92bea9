#include "compiler/lower/tile_turned.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ir/base/integers.h"

namespace ingot::lower {

using kernel::Value;

namespace {

// Loads of a thread, of single elements and of vectors, before the first is stored.
constexpr int64_t kElementsAtOnce = 32;
constexpr int64_t kVectorsAtOnce = 4;
// Columns of a box that a turn of their loop stores.
constexpr int64_t kUnrollColumns = 4;
// Of boxes that a bulk copy swizzles, bytes.
constexpr int kSwizzleAlignment = 1024;

}  // namespace

TileTurned::TileTurned(Frame& frame, const FusionInfo& info, TilePlaces& places)
    : frame_(frame),
      info_(info),
      plan_(frame.plan.tile()),
      places_(places),
      b_(frame.builder),
      math_(frame.context.math) {
  // Hosts turn boxes in registers; boxes of several classes are TileBoxes'.
  if (frame.target.platform == Platform::kHost || plan_.box_threads > 0) return;
  for (int value : plan_.turned) {
    const Instruction& parameter = info.graph().value(value);
    const plan::TurnedBox box = plan::BoxOf(info, plan_, value);
    kernel::Buffer* shared =
        frame.kernel->AddShared(absl::StrCat("turned", parameter.parameter_number()),
                                parameter.shape().element_type(), {box.rows * box.pitch});
    boxes_.push_back({&parameter, box, shared, value});
    if (!plan_.bulk) continue;
    shared->alignment = kSwizzleAlignment;
    kernel::Buffer* memory = frame.memory.operands[parameter.parameter_number()];
    boxes_.back().map = frame.kernel->AddMap(absl::StrCat("map", parameter.parameter_number()),
                                             memory, plan::BulkMapOf(info, plan_, value));
  }
  if (plan_.bulk) landed_ = frame.kernel->AddShared("landed", ElementType::kU64, {1});
}

// One thread begins all copies, which count their bytes on one mbarrier.
void TileTurned::CopyBulk() {
  using kernel::Intrinsic;
  const Value zero = b_.Index(0);
  frame_.emitter.If(b_.Eq(b_.ThreadId(), b_.Index(0)), [&] {
    b_.Call(Intrinsic::kMbarrierInit, {zero}, {1}, {landed_});
    b_.Call(Intrinsic::kFenceMbarrierInit);
    int64_t bytes = 0;
    for (const Box& box : boxes_) bytes += box.map->recipe.BoxBytes();
    b_.Call(Intrinsic::kMbarrierArriveExpect, {zero, b_.Integer(kernel::kU32, bytes)}, {},
            {landed_});
    for (const Box& box : boxes_) {
      // Shared places, then coordinates: columns, rows in whole vectors, 0, the other classes.
      const plan::TileClass& rows = plan_.classes[box.box.row_class];
      std::vector<Value> operands = {zero, zero, FirstColumn(box)};
      operands.push_back(
          math_.Mul(places_.block(box.box.row_class), rows.block_extent() / rows.vector));
      operands.push_back(zero);
      const absl::Span<const int> classes = info_.space().ClassesOf(box.value);
      for (size_t i = classes.size(); i-- > 0;) {
        const bool is_side = classes[i] == box.box.row_class || classes[i] == box.box.column_class;
        if (!is_side) operands.push_back(places_.block(classes[i]));
      }
      for (Value& operand : operands) operand = b_.Convert(operand, ElementType::kS32);
      b_.Call({.intrinsic = Intrinsic::kTensorLoad,
               .buffers = {box.shared, landed_},
               .maps = {box.map}},
              operands);
    }
  });
}

void TileTurned::Wait() {
  if (!plan_.bulk) return;
  b_.While(
      [&] {
        return b_.Not(b_.Call(kernel::Intrinsic::kMbarrierTryWait,
                              {b_.Index(0), b_.Integer(kernel::kU32, 0)}, {}, {landed_}));
      },
      [] {});
}

void TileTurned::Copy() {
  if (plan_.bulk) return CopyBulk();
  for (const Box& box : boxes_) {
    if (plan_.shifted) {
      CopyElements(box);
    } else {
      CopyVectors(box);
    }
  }
}

Value TileTurned::FirstColumn(const Box& box) {
  const int c = box.box.column_class;
  return math_.Mul(places_.block(c), plan_.classes[c].block_extent());
}

TileTurned::Row TileTurned::RowAt(const Box& box, Value row) {
  Row result = {math_.Const(0)};
  int64_t stride = 1;
  const absl::Span<const int> classes = info_.space().ClassesOf(box.value);
  for (size_t i = classes.size(); i-- > 0;) {
    const int c = classes[i];
    const plan::TileClass& tile = plan_.classes[c];
    Value at = places_.block(c);
    if (c == box.box.column_class) {
      at = FirstColumn(box);
    } else if (c == box.box.row_class) {
      at = b_.Add(math_.Add(math_.Mul(at, tile.block_extent()), -box.box.rows_before), row);
      if (plan_.shifted) {
        result.inside = math_.IsBelow(at, tile.size);
      } else if (tile.size % tile.block_extent() != 0) {
        at = b_.Min(at, math_.Const(tile.size - 1));
      }
    }
    result.start = b_.Add(result.start, math_.Mul(at, stride));
    stride *= tile.size;
  }
  return result;
}

// Several rows at a time, for enough loads under way before the first is stored.
void TileTurned::ForRows(const Box& box, Value first, int64_t step, int64_t several,
                         const std::function<void(absl::Span<const Value> rows)>& body) {
  const int64_t trips = CeilDiv(box.box.rows, step * several);
  frame_.emitter.For(math_.Const(0), math_.Const(trips), 1, [&](Value number) {
    std::vector<Value> rows;
    for (int64_t i = 0; i < several; ++i) {
      rows.push_back(b_.Add(math_.Add(math_.Mul(number, step * several), i * step), first));
    }
    body(rows);
  });
}

// A row is kChunks accesses or a multiple.
void TileTurned::CopyVectors(const Box& box) {
  const int64_t chunk = box.box.chunk;
  const plan::TileClass& columns = plan_.classes[box.box.column_class];
  kernel::AccessOptions options;
  options.alignment = static_cast<int>(chunk * ByteWidth(box.shared->element));
  kernel::Buffer* memory = frame_.memory.operands[box.parameter->parameter_number()];
  const Value thread = math_.Convert(b_.ThreadId());
  const Value number = math_.Rem(thread, plan::kChunks);
  const int64_t vector = plan_.classes[box.box.row_class].vector;
  // What lies beyond the array is not asked for.
  const Value left = b_.Sub(math_.Const(columns.size - chunk), FirstColumn(box));
  const int64_t step = frame_.plan.block_threads / plan::kChunks;
  const bool whole = box.box.rows % step == 0;
  int64_t several = whole ? kVectorsAtOnce : 1;
  while (whole && box.box.rows % (step * several) != 0) several /= 2;
  const auto copy = [&](absl::Span<const Value> rows) {
    std::vector<std::pair<Value, Value>> loaded;  // and where they go
    for (const Value row : rows) {
      const Value start = RowAt(box, row).start;
      const Value order = math_.Rem(math_.Div(row, vector), plan::kChunks);
      for (int64_t k = 0; k < box.box.columns / chunk; k += plan::kChunks) {
        Value column = math_.Mul(math_.Add(number, k), chunk);
        if (columns.size % box.box.columns != 0) column = b_.Min(column, left);
        const Value place = math_.Mul(math_.Add(b_.Xor(number, order), k), chunk);
        loaded.emplace_back(
            b_.Load(memory, b_.Add(start, column), static_cast<int>(chunk), options),
            b_.Add(math_.Mul(row, box.box.pitch), place));
      }
    }
    for (const auto& [value, place] : loaded) b_.Store(box.shared, place, value, options);
  };
  ForRows(box, math_.Div(thread, plan::kChunks), step, several, [&](absl::Span<const Value> rows) {
    frame_.emitter.If(whole ? b_.True() : b_.Lt(rows[0], math_.Const(box.box.rows)),
                      [&] { copy(rows); });
  });
}

// A warp copies a row at a time, from the first element of a sector on.
void TileTurned::CopyElements(const Box& box) {
  const plan::TileClass& columns = plan_.classes[box.box.column_class];
  const Value left = b_.Sub(math_.Const(columns.size), FirstColumn(box));
  const Value all = math_.Const(box.box.columns);
  if (columns.size % box.box.columns == 0) {
    CopyElements(box, all);
  } else if (columns.blocks == 1) {
    CopyElements(box, left);
  } else {
    frame_.emitter.If(
        b_.Ge(left, all), [&] { CopyElements(box, all); }, [&] { CopyElements(box, left); });
  }
}

// Those behind `needed` elements of a row are not asked for.
void TileTurned::CopyElements(const Box& box, Value needed) {
  const int64_t before = box.box.columns_before;
  const int64_t copied = box.box.columns + before;
  const int64_t least = needed->IsConstant() ? needed->ConstantInteger() : 0;
  kernel::Buffer* memory = frame_.memory.operands[box.parameter->parameter_number()];
  const Value lane = math_.Convert(b_.LaneId());
  const int64_t warps = frame_.plan.block_threads / kernel::kWarpSize;
  const int64_t rows = box.box.rows;
  const int64_t several =
      std::clamp<int64_t>(kElementsAtOnce * kernel::kWarpSize / copied, 1, CeilDiv(rows, warps));
  const bool whole = rows % (warps * several) == 0;
  ForRows(box, math_.Convert(b_.WarpId()), warps, several, [&](absl::Span<const Value> turn) {
    std::vector<std::vector<std::pair<Value, Value>>> loaded;  // of each row, and where they go
    std::vector<Value> in_box;
    for (const Value row : turn) {
      const Row at = RowAt(box, row);
      in_box.push_back(whole ? b_.True() : b_.Lt(row, math_.Const(rows)));
      kernel::AccessOptions options;
      options.mask = b_.And(at.inside, in_box.back());
      const Value shift = math_.Rem(at.start, before);
      const Value last = b_.Add(math_.Add(needed, -1), shift);
      const Value begin = b_.Sub(at.start, shift);
      const Value place = b_.Sub(b_.Add(math_.Mul(row, box.box.pitch), lane), shift);
      loaded.emplace_back();
      for (int64_t k = 0; k < copied; k += kernel::kWarpSize) {
        Value column = math_.Add(lane, k);
        if (k + kernel::kWarpSize > least) column = b_.Min(column, last);
        loaded.back().emplace_back(b_.Load(memory, b_.Add(begin, column), 1, options),
                                   math_.Add(place, k + before));
      }
    }
    for (size_t i = 0; i < turn.size(); ++i) {
      frame_.emitter.If(in_box[i], [&] {
        for (const auto& [value, to] : loaded[i]) b_.Store(box.shared, to, value);
      });
    }
  });
}

void TileTurned::ForPlaces(const std::function<void()>& body) {
  if (!plan_.shifted) return body();
  const int c = plan_.order[0];
  const int64_t extent = plan_.classes[c].block_extent();
  const Value begin = math_.Mul(places_.block(c), extent);
  const Value inside = b_.And(b_.Ge(begin, math_.Const(plan::ShiftOf(info_, c) - 1)),
                              b_.Le(begin, math_.Const(plan_.classes[c].size - extent)));
  frame_.emitter.If(
      inside,
      [&] {
        places_.SetInside(c, true);
        ForColumns(body);
        places_.SetInside(c, false);
      },
      [&] { ForColumns(body); });
}

void TileTurned::ForColumns(const std::function<void()>& body) {
  const int c = boxes_[0].box.column_class;
  const auto column = [&](Value number) {
    places_.SetRegister(c, number);
    const Value inside = places_.Inside(c, 0);
    frame_.emitter.If(inside == nullptr ? b_.True() : inside, [&] {
      places_.SetInside(c, true);
      body();
      places_.SetInside(c, false);
    });
    places_.SetRegister(c, nullptr);
  };
  frame_.emitter.For(math_.Const(0), math_.Const(plan_.classes[c].registers), 1, column,
                     kUnrollColumns);
}

Value TileTurned::Read(size_t i, const std::vector<int>& registers, Value shift) {
  const Box& box = boxes_[i];
  const plan::TurnedBox& shape = box.box;
  Value row = places_.Local(shape.row_class, registers[shape.row_class]);
  const Value column = places_.Local(shape.column_class, registers[shape.column_class]);
  if (plan_.shifted) {
    row = b_.Sub(math_.Add(row, shape.rows_before), shift);
    const Value place =
        b_.Add(math_.Mul(row, shape.pitch), math_.Add(column, shape.columns_before));
    return b_.Load(box.shared, place);
  }
  const int vector = plan_.classes[shape.row_class].vector;
  const Value line = math_.Div(row, vector);
  const Value order = math_.Rem(line, plan::kChunks);
  const Value chunk = b_.Xor(math_.Div(column, shape.chunk), order);
  // The rows of a vector are neighbours, or, of bulk copies, lie in one part each.
  const Value first = plan_.bulk ? line : row;
  const int64_t step = plan_.bulk ? shape.pitch * (shape.rows / vector) : shape.pitch;
  const Value place = b_.Add(math_.Mul(first, shape.pitch),
                             b_.Add(math_.Mul(chunk, shape.chunk), math_.Rem(column, shape.chunk)));
  std::vector<Value> lanes;
  for (int lane = 0; lane < vector; ++lane) {
    lanes.push_back(b_.Load(box.shared, math_.Add(place, lane * step)));
  }
  return vector == 1 ? lanes[0] : b_.Build(lanes);
}

}  // namespace ingot::lower
