#include "compiler/lower/tile_tasks.h"

#include <algorithm>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "compiler/plan/analysis.h"
#include "compiler/plan/tile_held.h"

namespace ingot::lower {

using kernel::Value;

namespace {

// Steps that one accumulator takes in a row before it is added to the next level's.
constexpr int64_t kStepsOfPiece = 512;
// Of memory of a task.
constexpr int kRowAlignment = 64;

// Vectors that are rows of a square matrix, a power of two in number; each step rotates the bits of
// (number among these, element) by one, and all steps together by as many as the number has.
std::vector<Value> RotateBits(kernel::Builder& b, std::vector<Value> rows) {
  const int count = static_cast<int>(rows.size());
  const int lanes = rows[0]->type.lanes;
  std::vector<int> low, high;
  for (int i = 0; i < lanes / 2; ++i) {
    for (const int lane : {i, lanes + i}) low.push_back(lane);
    for (const int lane : {lanes / 2 + i, lanes + lanes / 2 + i}) high.push_back(lane);
  }
  for (int step = 1; step < count; step *= 2) {
    std::vector<Value> next;
    for (int i = 0; i < count / 2; ++i) {
      next.push_back(b.VectorShuffle(rows[i], rows[i + count / 2], low));
      next.push_back(b.VectorShuffle(rows[i], rows[i + count / 2], high));
    }
    rows = std::move(next);
  }
  return rows;
}

}  // namespace

TileTasks::TileTasks(Frame& frame) : TileRoots(frame) {
  if (!is_task_) return;
  const plan::TileClass& inner = plan_.classes[plan_.order[0]];
  const auto add = [&](absl::string_view name, int value, int64_t elements) {
    const Shape& shape = info_.graph().value(value).shape();
    kernel::Buffer* memory =
        frame.kernel->AddShared(absl::StrCat(name, value), shape.element_type(), {elements});
    memory->alignment = kRowAlignment;
    return memory;
  };
  const int64_t square = int64_t{inner.vector} * inner.vector;
  for (int value : plan_.turned) {
    rows_.push_back({value, add("turned", value, square), 0, add("half", value, square)});
  }
  if (plan_.buffered.empty()) return;
  needed_ = plan::NeededInPass(info_, plan_.order[0], plan_.buffered);
  for (int value : plan_.buffered) {
    int first_pass = 0;
    while (!needed_[first_pass][value]) ++first_pass;
    rows_.push_back({value, add("row", value, inner.size), first_pass});
  }
}

bool TileTasks::HasRest(const std::vector<int>& reduced) const {
  const int inner = plan_.order[0];
  const plan::TileClass& tile = plan_.classes[inner];
  return is_task_ && plan::Contains(reduced, inner) && tile.size % tile.vector != 0;
}

void TileTasks::ForRest(const std::vector<int>& reduced,
                        const std::function<void(int point)>& body) {
  const int inner = plan_.order[0];
  const plan::TileClass& tile = plan_.classes[inner];
  std::vector<int> others;
  for (int c : reduced) {
    if (c != inner) others.push_back(c);
  }
  const Value end = math_.Const(tile.size);
  Value begin = math_.Const(tile.size - tile.size % tile.vector);
  // The last block of a row has its end.
  if (tile.blocks > 1) {
    const Value is_last = b_.Eq(places_.block(inner), math_.Const(tile.blocks - 1));
    begin = b_.Select(is_last, begin, end);
  }
  Loops(others, 0, [&] {
    e_.For(begin, end, 1, [&](Value at) { body(NewElement({{inner, at}})); });
  });
}

int TileTasks::OutermostLoop(const std::vector<int>& reduced) const {
  for (int c : reduced) {
    if (plan_.classes[c].loop > 1) return c;
  }
  return -1;
}

int64_t TileTasks::TripsOfPiece(const std::vector<int>& reduced) const {
  int64_t steps = 1;
  for (int c : reduced) {
    if (c != OutermostLoop(reduced)) steps *= plan_.classes[c].loop;
  }
  return std::max<int64_t>(1, kStepsOfPiece / steps);
}

bool TileTasks::HasPieces(const std::vector<int>& reduced) const {
  const int outermost = OutermostLoop(reduced);
  return is_task_ && outermost >= 0 && plan_.classes[outermost].loop > TripsOfPiece(reduced);
}

void TileTasks::ForPieces(const std::vector<int>& reduced, const std::function<void()>& body) {
  const int c = OutermostLoop(reduced);
  const int64_t trips = TripsOfPiece(reduced);
  const Value end = places_.EndOfTrips(c);
  e_.For(math_.Const(0), end, trips, [&](Value begin) {
    piece_ = {begin, b_.Min(math_.Add(begin, trips), end)};
    body();
    piece_ = {};
  });
}

kernel::AccessOptions TileTasks::OptionsOf(const Row& row, int lanes) {
  kernel::AccessOptions options;
  const int bytes = lanes * ByteWidth(row.memory->element);
  options.alignment = std::min(kRowAlignment, bytes & -bytes);
  return options;
}

void TileTasks::ReadBuffered(int pass, int point) {
  if (plan_.buffered.empty()) return;
  for (const Row& row : rows_) {
    if (pass <= row.first_pass || !needed_[pass][row.value]) continue;
    const Instruction& instruction = info_.graph().value(row.value);
    const Index index = IndexAt(instruction, point);
    const Value at = CoordinateAt(point, plan_.order[0]);
    e_.Provide(instruction, index, 0,
               {b_.Load(row.memory, at, index.lanes(), OptionsOf(row, index.lanes())), nullptr});
  }
}

void TileTasks::WriteBuffered(int pass, int point) {
  if (plan_.buffered.empty()) return;
  for (const Row& row : rows_) {
    if (pass != row.first_pass) continue;
    const Instruction& instruction = info_.graph().value(row.value);
    const Index index = IndexAt(instruction, point);
    const Element element = e_.Broadcast(e_.Emit(instruction, index), index.lanes());
    b_.Store(row.memory, CoordinateAt(point, plan_.order[0]), element.re,
             OptionsOf(row, index.lanes()));
  }
}

Value TileTasks::LoadAcross(int input, Value row, Value column, int lanes) {
  const Instruction& parameter = info_.graph().value(input);
  Value linear = math_.Const(0);
  int64_t stride = 1;
  const absl::Span<const int> classes = info_.space().ClassesOf(input);
  for (size_t i = classes.size(); i-- > 0;) {
    const int c = classes[i];
    Value at = places_.block(c);
    if (c == plan_.order[0]) at = row;
    if (c == classes.back()) at = column;
    linear = b_.Add(linear, math_.Mul(at, stride));
    stride *= plan_.classes[c].size;
  }
  kernel::AccessOptions options;
  kernel::Buffer* memory = frame_.memory.operands[parameter.parameter_number()];
  const int64_t bytes =
      std::gcd(int64_t{lanes}, plan_.classes[classes.back()].size) * ByteWidth(memory->element);
  options.alignment = static_cast<int>(std::min<int64_t>(bytes & -bytes, memory->alignment));
  return b_.Load(memory, linear, lanes, options);
}

// Rotating the bits of (row, element) by those of a row makes rows of columns.  Half of the bits
// are rotated by groups of rows that differ in these, then the other half: few vectors at a time,
// and short code, which compilers of shuffles want.
void TileTasks::Turn(const Row& turned, Value row, Value column) {
  const int size = plan_.classes[plan_.order[0]].vector;
  int several = 1;
  while (several * several < size) several *= 2;
  const auto rotate = [&](kernel::Buffer* to, int count, const auto& load) {
    e_.For(math_.Const(0), math_.Const(size / count), 1, [&](Value group) {
      std::vector<Value> rows;
      for (int i = 0; i < count; ++i) rows.push_back(load(math_.Add(group, i * (size / count))));
      rows = RotateBits(b_, std::move(rows));
      for (int i = 0; i < count; ++i) {
        const Value number = math_.Add(math_.Mul(group, count), i);
        b_.Store(to, math_.Mul(number, size), rows[i], OptionsOf(turned, size));
      }
    });
  };
  rotate(turned.half, several,
         [&](Value number) { return LoadAcross(turned.value, b_.Add(row, number), column, size); });
  rotate(turned.memory, size / several, [&](Value number) {
    return b_.Load(turned.half, math_.Mul(number, size), size, OptionsOf(turned, size));
  });
}

void TileTasks::EmitBox(const std::function<void()>& body) {
  const int row_class = plan_.order[0];
  const int column_class = info_.space().ClassesOf(plan_.turned[0]).back();
  const plan::TileClass& rows = plan_.classes[row_class];
  const plan::TileClass& columns = plan_.classes[column_class];
  const Value row = places_.Coordinate(row_class, 0);
  const Value column = places_.Coordinate(column_class, 0);
  const Value row_end = math_.Add(row, rows.vector);
  const Value column_end = math_.Add(column, columns.registers);
  const Value row_size = math_.Const(rows.size), column_size = math_.Const(columns.size);
  Value whole = b_.True();
  if (rows.size % rows.vector != 0) whole = b_.Le(row_end, row_size);
  if (columns.size % columns.registers != 0) whole = b_.And(whole, b_.Le(column_end, column_size));
  const auto turn = [&] {
    for (const Row& turned : rows_) Turn(turned, row, column);
    // A loop over what was stored keeps the code short.
    e_.For(math_.Const(0), math_.Const(columns.registers), 1, [&](Value number) {
      places_.SetRegister(column_class, number);
      const int point = NewPoint(std::vector<int>(class_count_, 0));
      const Value at = math_.Mul(number, rows.vector);
      for (const Row& turned : rows_) {
        const Instruction& parameter = info_.graph().value(turned.value);
        e_.Provide(
            parameter, IndexAt(parameter, point), 0,
            {b_.Load(turned.memory, at, rows.vector, OptionsOf(turned, rows.vector)), nullptr});
      }
      body();
      places_.SetRegister(column_class, nullptr);
    });
  };
  e_.If(whole, turn, [&] {
    e_.For(row, b_.Min(row_end, row_size), 1, [&](Value r) {
      e_.For(column, b_.Min(column_end, column_size), 1, [&](Value c) {
        const int point = NewElement({{row_class, r}, {column_class, c}});
        StoreRoots(RootsOf(0), std::vector<int>(class_count_, 0), point, b_.True());
      });
    });
  });
}

}  // namespace ingot::lower
