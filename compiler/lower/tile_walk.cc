#include "compiler/lower/tile_walk.h"

#include <algorithm>
#include <utility>

#include "compiler/plan/analysis.h"
#include "compiler/plan/tile_deal.h"
#include "compiler/plan/tile_turned.h"
#include "ir/base/check.h"

namespace ingot::lower {

using kernel::Value;

namespace {

const Shape& ArrayOf(const Shape& shape) {
  return shape.IsTuple() ? shape.tuple_shapes()[0] : shape;
}

std::vector<int> RowClasses(const FusionInfo& info, const plan::TilePlan& plan) {
  if (plan.aligned) return plan::AlignedRows(info, plan.order[0]);
  if (!plan.shifted) return {};
  const absl::Span<const int> rows = plan::ShiftedRows(info, plan.order[0]);
  return {rows.begin(), rows.end()};
}

}  // namespace

TileWalk::TileWalk(Frame& frame)
    : frame_(frame),
      plan_(frame.plan.tile()),
      info_(ViewOf(frame.fusion)),
      joins_(frame.fusion_plan.joined.empty() ? std::vector<plan::Join>{} : plan::FindJoins(info_)),
      levels_(info_, joins_),
      e_(frame.emitter),
      b_(frame.builder),
      math_(frame.context.math),
      is_task_(frame.target.platform == Platform::kHost),
      places_(math_, plan_, frame.plan, is_task_),
      staged_(frame, info_),
      class_count_(static_cast<int>(plan_.classes.size())),
      row_classes_(RowClasses(info_, plan_)) {
  for (int v = 0; plan_.shifted && v < info_.graph().input_count(); ++v) {
    reads_shifted_ =
        reads_shifted_ || (info_.uses().Of(v).in_space() && !plan::Contains(plan_.turned, v) &&
                           plan::Contains(info_.space().ClassesOf(v), plan_.order[0]));
  }
}

const Instruction* TileWalk::SourceOf(const Instruction& consumer, int64_t operand) const {
  const int number = info_.graph().NumberOf(consumer);
  if (number < 0 || info_.graph().IsInput(number)) return nullptr;
  const int edge = info_.graph().FirstEdgeOf(number) + static_cast<int>(operand);
  const EdgeAccess& access = info_.space().AccessOf(edge);
  if (access.access != Access::kInSpace) return nullptr;
  return &info_.graph().value(access.source);
}

int64_t TileWalk::PlacesThatShare(const Instruction& consumer, int64_t operand) const {
  const Instruction* source = SourceOf(consumer, operand);
  if (source == nullptr) return 1;
  const absl::Span<const int> own = info_.space().ClassesOf(info_.graph().NumberOf(*source));
  int64_t places = 1;
  for (int c : info_.space().ClassesOf(info_.graph().NumberOf(consumer))) {
    if (plan::Contains(own, c)) continue;
    places *= int64_t{plan_.classes[c].vector} * plan_.classes[c].registers;
  }
  return places;
}

std::optional<Element> TileWalk::Read(const Instruction& parameter, const Index& index) {
  if (!staged_.HasPlanes(parameter)) return std::nullopt;
  if (index.lanes() == 1 || index.point < 0 || points_[index.point].end) {
    return staged_.Read(parameter, index);
  }
  return staged_.ReadVector(parameter, points_[index.point].begin, points_[index.point].vector);
}

Index TileWalk::IndexAt(const Instruction& instruction, int point) {
  Index index;
  index.point = point;
  const int value = info_.graph().NumberOf(instruction);
  INGOT_CHECK(value >= 0) << instruction.name() << " is no value of the fusion";
  const std::vector<int64_t>& dimensions = ArrayOf(instruction.shape()).dimensions();
  if (dimensions.empty()) return index;
  const std::vector<Value>& at = points_[point].at;
  int64_t stride = 1;
  index.linear = math_.Const(0);
  const absl::Span<const int> classes = info_.space().ClassesOf(value);
  for (size_t i = classes.size(); i-- > 0;) {
    index.linear = b_.Add(math_.Mul(at[classes[i]], stride), index.linear);
    stride *= plan_.classes[classes[i]].size;
  }
  for (size_t d = 0; d < dimensions.size(); ++d) {
    AddDimension(value, static_cast<int64_t>(d), points_[point], index);
  }
  if (index.lanes() > 1 && classes == absl::MakeConstSpan(row_classes_)) {
    index.linear_align = index.lanes();
  }
  return index;
}

void TileWalk::AddDimension(int value, int64_t d, const Point& point, Index& index) {
  const absl::Span<const ClassPart> parts = info_.space().PartsOf(value, d);
  Value sum = math_.Const(0);
  int64_t stride = 1;
  for (size_t i = parts.size(); i-- > 0;) {
    const ClassPart& part = parts[i];
    const plan::TileClass& tile = plan_.classes[part.class_number];
    Value coordinate = math_.Div(point.at[part.class_number], part.stride);
    if (part.stride * part.size < tile.size) coordinate = math_.Rem(coordinate, part.size);
    sum = b_.Add(sum, math_.Mul(coordinate, stride));
    if (tile.vector > 1 && part.stride == 1 && !point.end) {
      const int64_t align = IsAlignedRow(part.class_number) ? 1 : tile.vector;
      index.lane = plan::Lanes{tile.vector, static_cast<int>(d), stride, align};
    }
    stride *= part.size;
  }
  index.dims.push_back(sum);
}

std::vector<int> TileWalk::KeptClasses() const {
  std::vector<int> kept;
  for (int c = 0; c < class_count_; ++c) {
    if (!IsReduced(c)) kept.push_back(c);
  }
  return kept;
}

std::vector<int> TileWalk::ReducedClasses(bool parts) const {
  std::vector<int> reduced;
  const int own = static_cast<int>(info_.space().classes().size());
  for (int c = 0; c < class_count_; ++c) {
    if (IsReduced(c) && (c >= own) == parts) reduced.push_back(c);
  }
  return reduced;
}

std::vector<int> TileWalk::ClassesBut(absl::Span<const int> classes) const {
  std::vector<int> others;
  for (int c = 0; c < class_count_; ++c) {
    if (!plan::Contains(classes, c)) others.push_back(c);
  }
  return others;
}

void TileWalk::Loops(const std::vector<int>& classes, size_t i, const std::function<void()>& body) {
  if (i == classes.size()) {
    body();
    return;
  }
  const int c = classes[i];
  if (plan_.classes[c].loop == 1) {
    Loops(classes, i + 1, body);
    return;
  }
  const std::pair<Value, Value> piece = std::exchange(piece_, {});
  const Value begin = piece.first == nullptr ? math_.Const(0) : piece.first;
  const Value end = piece.first == nullptr ? places_.EndOfTrips(c) : piece.second;
  e_.For(begin, end, 1, [&](Value trip) {
    places_.SetTrip(c, trip);
    Loops(classes, i + 1, body);
    places_.SetTrip(c, math_.Const(0));
  });
}

void TileWalk::ForRegisters(const std::vector<int>& classes,
                            const std::function<void(const std::vector<int>&)>& visit) {
  std::vector<int> registers(class_count_, 0);
  int64_t count = 1;
  for (int c : classes) count *= places_.Registers(c);
  for (int64_t n = 0; n < count; ++n) {
    visit(registers);
    for (size_t i = classes.size(); i-- > 0;) {
      if (++registers[classes[i]] < places_.Registers(classes[i])) break;
      registers[classes[i]] = 0;
    }
  }
}

int64_t TileWalk::NumberOf(const std::vector<int>& classes,
                           const std::vector<int>& registers) const {
  int64_t number = 0;
  for (int c : classes) number = number * plan_.classes[c].registers + registers[c];
  return number;
}

int64_t TileWalk::RegistersOf(const std::vector<int>& classes) const {
  int64_t count = 1;
  for (int c : classes) count *= plan_.classes[c].registers;
  return count;
}

void TileWalk::HoldOf(const std::vector<int>& classes, const std::function<void()>& body) {
  struct Held {
    const Instruction* instruction;
    Index index;
    Element element;
  };
  std::vector<Held> held;
  e_.Scoped([&] {
    body();
    for (int value : plan_.held) {
      ForRegisters(classes, [&](const std::vector<int>& registers) {
        const Instruction& instruction = info_.graph().value(value);
        const Index index = IndexAt(instruction, NewPoint(registers));
        if (const Element* element = e_.Find(instruction, index)) {
          held.push_back({&instruction, index, *element});
        }
      });
    }
  });
  for (const Held& each : held) e_.Provide(*each.instruction, each.index, 0, each.element);
}

void TileWalk::EmitAt(const std::vector<int>& values, const std::vector<int>& classes) {
  if (values.empty()) return;
  ForRegisters(classes, [&](const std::vector<int>& registers) {
    const int point = NewPoint(registers);
    for (int value : values) {
      const Instruction& instruction = info_.graph().value(value);
      e_.Emit(instruction, IndexAt(instruction, point));
    }
  });
}

Value TileWalk::Coordinate(int c, int r) {
  const plan::TileClass& tile = plan_.classes[c];
  const Value coordinate = places_.Coordinate(c, r);
  if (!places_.IsMasked(c, r)) return coordinate;
  // Of spread rows, one that begins alike.
  if (c == plan_.spread) return b_.Select(places_.Inside(c, r), coordinate, places_.block(c));
  return b_.Min(coordinate, math_.Const(tile.size - tile.vector));
}

int TileWalk::NewPoint(const std::vector<int>& registers) {
  Point point;
  for (int c = 0; c < class_count_; ++c) {
    if (IsShiftedRow(c)) {
      Value at = ShiftedCoordinate(registers);
      if (reads_shifted_ && !places_.IsInside(c)) {
        const Value last = math_.Const(plan_.classes[c].size - 1);
        at = b_.Max(b_.Min(at, last), math_.Const(0));
      }
      point.at.push_back(at);
      continue;
    }
    if (!IsAlignedRow(c)) {
      point.at.push_back(Coordinate(c, registers[c]));
      continue;
    }
    const Row row = RowOf(registers);
    const int64_t vector = plan_.classes[c].vector;
    point.begin = row.begin;
    point.vector = places_.Vector(c, registers[c]);
    if (InsideRow(registers) != nullptr) {
      const Value last = math_.Add(math_.Div(row.extent, vector), -1);
      point.vector = b_.Min(point.vector, last);
    }
    point.at.push_back(b_.Add(row.begin, math_.Mul(point.vector, vector)));
  }
  points_.push_back(std::move(point));
  return static_cast<int>(points_.size()) - 1;
}

int TileWalk::NewPointAt(int c, Value coordinate) {
  const int point = NewPoint(std::vector<int>(class_count_, 0));
  points_[point].at[c] = coordinate;
  return point;
}

int TileWalk::NewPlace(std::vector<Value> coordinates) {
  points_.push_back({std::move(coordinates)});
  return static_cast<int>(points_.size()) - 1;
}

Value TileWalk::Inside(const std::vector<int>& classes, const std::vector<int>& registers) {
  Value inside = nullptr;
  for (int c : classes) {
    if (places_.IsInside(c)) continue;
    Value in_class = nullptr;
    if (IsShiftedRow(c)) {
      in_class = math_.IsBelow(ShiftedCoordinate(registers), plan_.classes[c].size);
    } else {
      in_class = IsAlignedRow(c) ? InsideRow(registers) : places_.Inside(c, registers[c]);
    }
    if (in_class != nullptr) inside = inside == nullptr ? in_class : b_.And(inside, in_class);
  }
  return inside;
}

// The row-major number of the first element of a row, modulo `modulus`, in the arrays of
// row_classes_.
Value TileWalk::StartOfRow(const std::vector<int>& registers, int64_t modulus) {
  const int inner = plan_.order[0];
  Value start = math_.Const(0);
  int64_t stride = 1;
  for (size_t i = row_classes_.size(); i-- > 0;) {
    const int c = row_classes_[i];
    if (c != inner && stride % modulus != 0) {
      const Value row = c == plan_.spread ? places_.block(c) : Coordinate(c, registers[c]);
      start = b_.Add(start, math_.Mul(row, stride % modulus));
    }
    stride *= plan_.classes[c].size;
  }
  return math_.Rem(start, modulus);
}

TileWalk::Row TileWalk::RowOf(const std::vector<int>& registers) {
  const int inner = plan_.order[0];
  const int64_t vector = plan_.classes[inner].vector;
  const int64_t alignment = plan::RowAlignment(info_, inner);
  const Value past = StartOfRow(registers, alignment);
  const Value begin = math_.Rem(b_.Sub(math_.Const(alignment), past), alignment);
  const Value rest = b_.Sub(math_.Const(plan_.classes[inner].size), begin);
  return {begin, b_.Sub(rest, math_.Rem(rest, vector))};
}

Value TileWalk::ShiftAt(const std::vector<int>& registers) {
  if (!plan_.shifted) return nullptr;
  return StartOfRow(registers, plan::ShiftOf(info_, plan_.order[0]));
}

Value TileWalk::ShiftedCoordinate(const std::vector<int>& registers) {
  const int inner = plan_.order[0];
  const int64_t extent = int64_t{1} * plan_.classes[inner].lanes * plan_.classes[inner].warps;
  return math_.Add(b_.Sub(places_.Coordinate(inner, 0), ShiftAt(registers)),
                   registers[inner] * extent);
}

bool TileWalk::IsMasked(int c, int r) const {
  if (!IsAlignedRow(c)) return places_.IsMasked(c, r);
  const plan::TileClass& tile = plan_.classes[c];
  const int64_t register_extent = int64_t{1} * tile.vector * tile.lanes * tile.warps;
  const int64_t end =
      tile.block_extent() * tile.blocks - (tile.registers - 1 - r) * register_extent;
  const int64_t least = tile.size - plan::RowAlignment(info_, c) + 1;
  return end > least / tile.vector * tile.vector;
}

Value TileWalk::InsideRow(const std::vector<int>& registers) {
  const int inner = plan_.order[0];
  if (!IsMasked(inner, registers[inner])) return nullptr;
  return b_.Lt(places_.Coordinate(inner, registers[inner]), RowOf(registers).extent);
}

int TileWalk::NewEnd(const std::vector<int>& registers) {
  const int inner = plan_.order[0];
  Point point = points_[NewPoint(registers)];
  point.end = true;
  const Row row = RowOf(registers);
  // The first threads have what stands before the vectors, the next what stands behind.
  const Value thread = EndThread();
  const Value behind =
      b_.Min(b_.Add(thread, row.extent), math_.Const(plan_.classes[inner].size - 1));
  point.at[inner] = b_.Select(b_.Lt(thread, row.begin), thread, behind);
  points_.push_back(std::move(point));
  return static_cast<int>(points_.size()) - 1;
}

int TileWalk::NewElement(const std::vector<std::pair<int, Value>>& coordinates) {
  Point point = points_[NewPoint(std::vector<int>(class_count_, 0))];
  point.end = true;
  for (const auto& [c, coordinate] : coordinates) point.at[c] = coordinate;
  points_.push_back(std::move(point));
  return static_cast<int>(points_.size()) - 1;
}

Value TileWalk::EndThread() {
  const int inner = plan_.order[0];
  return b_.Add(places_.lane(inner), math_.Mul(places_.warp(inner), plan_.classes[inner].lanes));
}

Value TileWalk::InsideEnd(const std::vector<int>& registers) {
  const int inner = plan_.order[0];
  const plan::TileClass& tile = plan_.classes[inner];
  const Value ends = b_.Sub(math_.Const(tile.size), RowOf(registers).extent);
  const Value inside = b_.Lt(EndThread(), ends);
  if (tile.blocks == 1) return inside;
  return b_.And(inside, b_.Eq(places_.block(inner), math_.Const(0)));
}

}  // namespace ingot::lower
