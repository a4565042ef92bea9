#include "compiler/lower/tile_boxes.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "compiler/plan/tile_deal.h"
#include "ir/base/integers.h"

namespace ingot::lower {

using kernel::Value;

namespace {

// Loads of a thread before the first is stored, and windows of a line that are written out.
constexpr int64_t kLoadsAtOnce = 16;
constexpr int64_t kWindowsAtOnce = 8;
static_assert(kLoadsAtOnce / 2 <= kWindowsAtOnce, "several lines have all windows written out");

}  // namespace

TileBoxes::TileBoxes(Frame& frame) : TileTasks(frame) {
  if (plan_.box_threads == 0) return;
  for (int value : plan_.turned) {
    const Instruction& parameter = info_.graph().value(value);
    const ElementType type = parameter.shape().element_type();
    Box box = {&parameter, plan::SideOfInput(info_, plan_, value),
               plan::SharedBoxOf(info_, plan_, value), nullptr};
    box.parts = IsComplex(type) ? 2 : 1;
    box.memory = frame.kernel->AddShared(absl::StrCat("turned", parameter.parameter_number()),
                                         ComponentType(type), {box.shared.elements * box.parts});
    boxes_.push_back(std::move(box));
  }
}

void TileBoxes::EmitBoxes() {
  for (const Box& box : boxes_) {
    WithLength(box.side, [&](Value length) { Copy(box, length); });
  }
  b_.Barrier();
  for (int c = 0; c < class_count_; ++c) places_.SetInside(c, true);
  for (const std::vector<int>& roots : plan::RootsByOrder(info_)) {
    const plan::BoxSide side =
        plan::SideOfResults(info_, plan_, info_.space().ClassesOf(ValueOfRoot(roots[0])));
    WithLength(side, [&](Value length) { StoreFrom(roots, side, length); });
  }
}

Value TileBoxes::CoordinateOf(int c, Value place) {
  return b_.Add(math_.Mul(places_.block(c), plan_.classes[c].loop), place);
}

Value TileBoxes::LengthOf(const plan::BoxSide& side) {
  if (side.run.empty()) return math_.Const(1);
  const int c = side.run.back();
  const plan::TileClass& own = plan_.classes[c];
  if (own.size % own.loop == 0) return math_.Const(side.length);
  const Value left = b_.Sub(math_.Const(own.size), math_.Mul(places_.block(c), own.loop));
  return math_.Mul(b_.Min(left, math_.Const(own.loop)), side.length / own.loop);
}

TileBoxes::Places TileBoxes::PlacesOf(const plan::BoxSide& side, Places line, Value at) {
  for (size_t i = 0; i < side.run.size(); ++i) {
    const int c = side.run[i];
    const bool last = i + 1 == side.run.size();
    line[c] = last ? at : math_.Rem(at, plan_.classes[c].loop);
    if (!last) at = math_.Div(at, plan_.classes[c].loop);
  }
  return line;
}

Value TileBoxes::NumberAt(absl::Span<const int> classes, const Places& places) {
  Value number = math_.Const(0);
  int64_t stride = 1;
  for (int c : classes) {
    number = b_.Add(number, math_.Mul(CoordinateOf(c, places[c]), stride));
    stride *= plan_.classes[c].size;
  }
  return number;
}

// Along a run whose elements lie one behind the other there too, no places are needed.
Value TileBoxes::AddressOf(const Box& box, const plan::BoxSide& side, const Places& line,
                           Value at) {
  const std::vector<int64_t>& strides = box.shared.strides;
  Value address = math_.Const(0);
  for (int c : side.lines) address = b_.Add(address, math_.Mul(line[c], strides[c]));
  bool linear = true;
  for (size_t i = 1; i < side.run.size(); ++i) {
    const int inner = side.run[i - 1];
    linear = linear && strides[side.run[i]] == strides[inner] * plan_.classes[inner].loop;
  }
  if (linear && !side.run.empty()) {
    address = b_.Add(address, math_.Mul(at, strides[side.run[0]]));
  } else {
    const Places places = PlacesOf(side, line, at);
    for (int c : side.run) address = b_.Add(address, math_.Mul(places[c], strides[c]));
  }
  return math_.Mul(address, box.parts);
}

void TileBoxes::ForLines(
    const plan::BoxSide& side, int64_t several,
    const std::function<void(absl::Span<const Places>, absl::Span<const Value>)>& body) {
  const int64_t step = side.line_warps * several;
  const bool whole = side.groups % step == 0;
  const Value first = math_.Rem(math_.Convert(b_.WarpId()), side.line_warps);
  frame_.emitter.For(math_.Const(0), math_.Const(CeilDiv(side.groups, step)), 1, [&](Value trip) {
    std::vector<Places> lines;
    std::vector<Value> in_box;
    for (int64_t i = 0; i < several; ++i) {
      Value group = b_.Add(math_.Add(math_.Mul(trip, step), i * side.line_warps), first);
      in_box.push_back(whole ? b_.True() : b_.Lt(group, math_.Const(side.groups)));
      if (!whole) group = b_.Min(group, math_.Const(side.groups - 1));
      Places& places = lines.emplace_back(class_count_, math_.Const(0));
      for (int c : side.lines) {
        const int vector = c == side.vector_class ? side.vector : 1;
        const int64_t count = plan_.classes[c].loop / vector;
        places[c] = math_.Mul(c == side.lines.back() ? group : math_.Rem(group, count), vector);
        group = math_.Div(group, count);
      }
    }
    body(lines, in_box);
  });
}

void TileBoxes::ForWindows(const plan::BoxSide& side, int64_t at_once, Value length, Value shift,
                           const std::function<void(absl::Span<const Window>)>& body) {
  const int64_t count = CeilDiv(side.windows, side.window_warps);
  const int64_t chunks = CeilDiv(count, at_once);
  const int64_t several = CeilDiv(count, chunks);
  const Value warp = math_.Div(math_.Convert(b_.WarpId()), side.line_warps);
  const Value lane = math_.Convert(b_.LaneId());
  const auto type =
      kernel::Type::Scalar(BitWidth(math_.type()) == 64 ? ElementType::kU64 : ElementType::kU32);
  const auto windows = [&](Value chunk, bool inside) {
    std::vector<Window> list;
    for (int64_t i = 0; i < several; ++i) {
      const Value number = b_.Add(
          warp, math_.Add(math_.Mul(chunk, several * side.window_warps), i * side.window_warps));
      const Value at = b_.Sub(b_.Add(math_.Mul(number, kernel::kWarpSize), lane), shift);
      const int64_t past = (i + 1) * side.window_warps * kernel::kWarpSize;
      const bool known = inside || (chunks == 1 && (i > 0 || side.most_shift == 0) &&
                                    length->IsConstant() && past <= side.length);
      list.push_back(
          {at, known ? b_.True() : b_.Lt(b_.Bitcast(at, type), b_.Bitcast(length, type))});
    }
    body(list);
  };
  if (chunks == 1) return windows(math_.Const(0), /*inside=*/false);
  frame_.emitter.For(math_.Const(0), math_.Const(chunks), 1, [&](Value chunk) {
    const int64_t all = several * side.window_warps * kernel::kWarpSize;
    const Value first = b_.Sub(math_.Mul(chunk, all), shift);
    const Value inside = b_.And(b_.Ge(first, math_.Const(0)), b_.Le(math_.Add(first, all), length));
    frame_.emitter.If(
        inside, [&] { windows(chunk, true); }, [&] { windows(chunk, false); });
  });
}

Value TileBoxes::ShiftOf(const plan::BoxSide& side, const Places& line) {
  if (side.most_shift == 0) return math_.Const(0);
  Value start = math_.Const(0);
  int64_t stride = 1;
  for (int c : side.classes) {
    const int64_t past = stride % side.sector;
    if (past != 0) start = b_.Add(start, math_.Mul(CoordinateOf(c, line[c]), past));
    stride *= plan_.classes[c].size;
  }
  return math_.Rem(start, side.sector);
}

// Calls `body` with the length of the block's runs, once for whole ones and once for others.
void TileBoxes::WithLength(const plan::BoxSide& side, const std::function<void(Value)>& body) {
  const Value length = LengthOf(side);
  const Value whole = math_.Const(side.length);
  frame_.emitter.If(
      b_.Eq(length, whole), [&] { body(whole); }, [&] { body(length); });
}

// Loads of all windows and lines that a warp takes together are under way before the first store.
void TileBoxes::Copy(const Box& box, Value length) {
  const plan::BoxSide& side = box.side;
  const int64_t windows = CeilDiv(side.windows, side.window_warps);
  const int64_t several = std::clamp<int64_t>(kLoadsAtOnce / (windows * side.vector), 1,
                                              CeilDiv(side.groups, side.line_warps));
  ForLines(side, several, [&](absl::Span<const Places> lines, absl::Span<const Value> in_box) {
    if (several > 1) return CopyLines(box, lines, in_box, length);
    frame_.emitter.If(in_box[0], [&] { CopyLines(box, lines, {b_.True()}, length); });
  });
}

void TileBoxes::CopyLines(const Box& box, absl::Span<const Places> lines,
                          absl::Span<const Value> in_box, Value length) {
  const plan::BoxSide& side = box.side;
  struct Loaded {
    Value value, address, inside;
  };
  std::vector<Loaded> loaded;
  const auto store = [&] {
    for (const Loaded& each : loaded) {
      kernel::AccessOptions options;
      options.alignment = each.value->type.lanes * ByteWidth(box.memory->element);
      if (!each.inside->IsConstant()) {
        options.mask = b_.Broadcast(each.inside, each.value->type.lanes);
      }
      b_.Store(box.memory, each.address, each.value, options);
    }
    loaded.clear();
  };
  for (size_t i = 0; i < lines.size(); ++i) {
    const Value shift = ShiftOf(side, Clamped(side, lines[i]));
    ForWindows(side, kWindowsAtOnce, length, shift, [&](absl::Span<const Window> windows) {
      for (const Window& window : windows) {
        const Value inside = b_.And(in_box[i], window.inside);
        loaded.push_back({LoadLines(box, lines[i], window.at, inside),
                          AddressOf(box, side, lines[i], window.at), inside});
      }
      if (lines.size() == 1) store();
    });
  }
  store();
}

// The places of a line of the array: beyond it, the last ones.
TileBoxes::Places TileBoxes::Clamped(const plan::BoxSide& side, Places line) {
  for (int c : side.lines) {
    const plan::TileClass& own = plan_.classes[c];
    if (own.size % own.loop == 0) continue;
    const Value last = b_.Sub(math_.Const(own.size - 1), math_.Mul(places_.block(c), own.loop));
    line[c] = b_.Min(line[c], last);
  }
  return line;
}

// Element `at` of the runs of the lines that are taken together.
Value TileBoxes::LoadLines(const Box& box, const Places& line, Value at, Value inside) {
  kernel::AccessOptions options;
  options.alignment = box.parts * ByteWidth(box.memory->element);
  if (!inside->IsConstant()) options.mask = b_.Broadcast(inside, box.parts);
  std::vector<Value> parts;
  for (int i = 0; i < box.side.vector; ++i) {
    Places places = line;
    if (i > 0) {
      places[box.side.vector_class] = math_.Add(places[box.side.vector_class], i);
    }
    const Value number =
        b_.Add(NumberAt(box.side.classes, Clamped(box.side, std::move(places))), at);
    const Value value = b_.Load(frame_.memory.operands[box.parameter->parameter_number()],
                                math_.Mul(number, box.parts), box.parts, options);
    if (box.side.vector == 1) return value;
    for (int part = 0; part < box.parts; ++part) parts.push_back(b_.Extract(value, part));
  }
  return b_.Build(parts);
}

void TileBoxes::StoreFrom(const std::vector<int>& roots, const plan::BoxSide& side, Value length) {
  const int64_t at_once = std::clamp<int64_t>(
      plan::ElementsOfTrip(info_, plan_.order[0]) / side.vector, 1, kWindowsAtOnce);
  ForLines(side, 1, [&](absl::Span<const Places> lines, absl::Span<const Value> in_box) {
    const Places& line = lines[0];
    Value in_space = in_box[0];
    for (int c : side.lines) {
      const plan::TileClass& own = plan_.classes[c];
      if (own.size % own.loop == 0) continue;
      in_space = b_.And(in_space, b_.Lt(CoordinateOf(c, line[c]), math_.Const(own.size)));
    }
    frame_.emitter.If(in_space, [&] {
      ForWindows(side, at_once, length, ShiftOf(side, line), [&](absl::Span<const Window> windows) {
        for (const Window& window : windows) {
          StoreWindow(roots, side, line, window, length);
        }
      });
    });
  });
}

void TileBoxes::StoreWindow(const std::vector<int>& roots, const plan::BoxSide& side,
                            const Places& line, const Window& window, Value length) {
  Value at = window.at;
  if (!window.inside->IsConstant()) {
    at = b_.Max(math_.Const(0), b_.Min(at, math_.Add(length, -1)));
  }
  std::vector<Value> loaded;
  for (const Box& box : boxes_) {
    const int lanes = side.vector * box.parts;
    kernel::AccessOptions options;
    options.alignment = lanes * ByteWidth(box.memory->element);
    loaded.push_back(b_.Load(box.memory, AddressOf(box, side, line, at), lanes, options));
  }
  const Places first = PlacesOf(side, line, at);
  for (int i = 0; i < side.vector; ++i) {
    Places places = first;
    if (i > 0) places[side.vector_class] = math_.Add(places[side.vector_class], i);
    for (int c = 0; c < class_count_; ++c) places[c] = CoordinateOf(c, places[c]);
    const int point = NewPlace(std::move(places));
    for (size_t k = 0; k < boxes_.size(); ++k) {
      const auto part = [&](int number) {
        const int lane = i * boxes_[k].parts + number;
        return loaded[k]->type.lanes == 1 ? loaded[k] : b_.Extract(loaded[k], lane);
      };
      const Instruction& parameter = *boxes_[k].parameter;
      e_.Provide(parameter, IndexAt(parameter, point), 0,
                 {part(0), boxes_[k].parts == 2 ? part(1) : nullptr});
    }
    StoreRoots(roots, std::vector<int>(class_count_, 0), point, window.inside);
  }
}

}  // namespace ingot::lower
