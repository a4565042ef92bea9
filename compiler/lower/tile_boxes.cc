#include "compiler/lower/tile_boxes.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "compiler/plan/analysis.h"
#include "compiler/plan/tile_deal.h"
#include "ir/base/integers.h"

namespace ingot::lower {

using kernel::Value;

namespace {

// Loads of a thread before the first is stored, and windows of a line that are written out.
constexpr int64_t kLoadsAtOnce = 16;
constexpr int64_t kWindowsAtOnce = 8;

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
    CopyLast(box);
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

// Classes of a run that follow one another there too are one digit of `at`.
Value TileBoxes::AddressOf(const Box& box, const plan::BoxSide& side, const Places& line,
                           Value at) {
  const std::vector<int64_t>& strides = box.shared.strides;
  Value address = FrontOf(box);
  for (int c : side.lines) address = b_.Add(address, math_.Mul(line[c], strides[c]));
  for (size_t i = 0, past = 0; i < side.run.size(); i = past) {
    const int64_t stride = strides[side.run[i]];
    int64_t extent = 1;
    for (past = i; past < side.run.size(); ++past) {
      if (strides[side.run[past]] != stride * extent) break;
      extent *= plan_.classes[side.run[past]].loop;
    }
    const bool last = past == side.run.size();
    address = b_.Add(address, math_.Mul(last ? at : math_.Rem(at, extent), stride));
    if (!last) at = math_.Div(at, extent);
  }
  return math_.Mul(address, box.parts);
}

Value TileBoxes::FrontOf(const Box& box) {
  if (box.shared.input_word == 1) return math_.Const(0);
  const Value first = NumberAt(box.side.classes, Places(class_count_, math_.Const(0)));
  return math_.Add(math_.Rem(first, box.shared.input_word), box.shared.front);
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
      Value inside = whole ? b_.True() : b_.Lt(group, math_.Const(side.groups));
      Places& places = lines.emplace_back(class_count_, math_.Const(0));
      for (int c : side.lines) {
        const int vector = c == side.vector_class ? side.vector : 1;
        const int64_t count = plan_.classes[c].loop / vector;
        places[c] = math_.Mul(c == side.lines.back() ? group : math_.Rem(group, count), vector);
        group = math_.Div(group, count);
        const plan::TileClass& own = plan_.classes[c];
        if (own.size % own.loop == 0) continue;
        inside = b_.And(inside, b_.Lt(CoordinateOf(c, places[c]), math_.Const(own.size)));
      }
      in_box.push_back(inside);
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
  const auto below = [&](Value at, Value end) {
    return b_.Lt(b_.Bitcast(at, type), b_.Bitcast(end, type));
  };
  const int64_t extent = kernel::kWarpSize * side.word * side.window_warps;
  const auto windows = [&](Value chunk, bool inside) {
    std::vector<Window> list;
    for (int64_t i = 0; i < several; ++i) {
      const Value number = b_.Add(
          warp, math_.Add(math_.Mul(chunk, several * side.window_warps), i * side.window_warps));
      const Value place = b_.Add(math_.Mul(number, kernel::kWarpSize), lane);
      const Value at = b_.Sub(math_.Mul(place, side.word), shift);
      if (inside || (chunks == 1 && (i > 0 || side.most_shift == 0) && length->IsConstant() &&
                     (i + 1) * extent <= side.length)) {
        list.push_back({at, b_.True(), b_.True()});
        continue;
      }
      const Value any = below(math_.Add(at, side.word - 1), math_.Add(length, side.word - 1));
      const Value whole = side.word == 1 ? any
                                         : b_.And(b_.Ge(at, math_.Const(0)),
                                                  b_.Le(math_.Add(at, side.word), length));
      list.push_back({at, any, whole});
    }
    body(list);
  };
  if (chunks == 1) return windows(math_.Const(0), /*inside=*/false);
  frame_.emitter.For(math_.Const(0), math_.Const(chunks), 1, [&](Value chunk) {
    const int64_t all = several * extent;
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
  const int64_t elements = box.parameter->shape().ElementCount();
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
    const Value shift = ShiftOf(side, lines[i]);
    ForWindows(side, kLoadsAtOnce / side.vector, length, shift,
               [&](absl::Span<const Window> windows) {
                 for (const Window& window : windows) {
                   Value inside = b_.And(in_box[i], window.inside);
                   // The last elements of the array that are no word are CopyLast's.
                   if (!inside->IsConstant() && elements % side.word != 0) {
                     const Value number = b_.Add(NumberAt(side.classes, lines[i]), window.at);
                     inside = b_.And(inside, b_.Le(number, math_.Const(elements - side.word)));
                   }
                   loaded.push_back({LoadLines(box, lines[i], window.at, inside),
                                     AddressOf(box, side, lines[i], window.at), inside});
                 }
                 if (lines.size() == 1) store();
               });
  }
  store();
}

// Element `at` of the runs of the lines that are taken together, or a word of one.
Value TileBoxes::LoadLines(const Box& box, const Places& line, Value at, Value inside) {
  const int lanes = box.parts * box.side.word;
  kernel::AccessOptions options;
  options.alignment = lanes * ByteWidth(box.memory->element);
  if (!inside->IsConstant()) options.mask = b_.Broadcast(inside, lanes);
  std::vector<Value> parts;
  for (int i = 0; i < box.side.vector; ++i) {
    Places places = line;
    if (i > 0) {
      places[box.side.vector_class] = math_.Add(places[box.side.vector_class], i);
    }
    const Value number = b_.Add(NumberAt(box.side.classes, places), at);
    const Value value = b_.Load(frame_.memory.operands[box.parameter->parameter_number()],
                                math_.Mul(number, box.parts), lanes, options);
    if (box.side.vector == 1) return value;
    for (int part = 0; part < box.parts; ++part) parts.push_back(b_.Extract(value, part));
  }
  return b_.Build(parts);
}

void TileBoxes::StoreFrom(const std::vector<int>& roots, const plan::BoxSide& side, Value length) {
  const int64_t at_once = std::clamp<int64_t>(
      plan::ElementsOfTrip(info_, plan_.order[0]) / side.vector, 1, kWindowsAtOnce);
  ForLines(side, 1, [&](absl::Span<const Places> lines, absl::Span<const Value> in_box) {
    frame_.emitter.If(in_box[0], [&] {
      const Value shift = ShiftOf(side, lines[0]);
      ForWindows(side, at_once, length, shift, [&](absl::Span<const Window> windows) {
        for (const Window& window : windows) {
          StoreWindow(roots, side, lines[0], window, length);
        }
      });
      if (side.word > 1) StoreEnds(roots, side, lines[0], shift, length);
    });
  });
}

// The last elements of the array, where they are no word: by the first threads of the blocks that
// have them.
void TileBoxes::CopyLast(const Box& box) {
  const int64_t elements = box.parameter->shape().ElementCount();
  const int64_t rest = elements % box.side.word;
  if (rest == 0) return;
  const Value thread = math_.Convert(b_.ThreadId());
  frame_.emitter.If(b_.Lt(thread, math_.Const(rest)), [&] {
    const Value number = math_.Add(thread, elements - rest);
    Value left = number, address = FrontOf(box), inside = b_.True();
    for (int c : box.side.classes) {
      const plan::TileClass& own = plan_.classes[c];
      const Value place = b_.Sub(math_.Rem(left, own.size), math_.Mul(places_.block(c), own.loop));
      inside = b_.And(inside, math_.IsBelow(place, own.loop));
      address = b_.Add(address, math_.Mul(place, box.shared.strides[c]));
      left = math_.Div(left, own.size);
    }
    frame_.emitter.If(inside, [&] {
      b_.Store(box.memory, address,
               b_.Load(frame_.memory.operands[box.parameter->parameter_number()], number));
    });
  });
}

// The places of a thread in the results, and what boxes have there, which are provided.
int TileBoxes::PlaceAt(const plan::BoxSide& side, const Places& line, Value at) {
  Places places = PlacesOf(side, line, at);
  for (int c = 0; c < class_count_; ++c) places[c] = CoordinateOf(c, places[c]);
  return NewPlace(std::move(places));
}

Value TileBoxes::LoadBox(const Box& box, const plan::BoxSide& side, const Places& line, Value at) {
  const int lanes = side.vector * box.parts;
  kernel::AccessOptions options;
  options.alignment = lanes * ByteWidth(box.memory->element);
  return b_.Load(box.memory, AddressOf(box, side, line, at), lanes, options);
}

// Provides line number `i` of those that were loaded together.
void TileBoxes::ProvideAt(const Box& box, int point, Value loaded, int i) {
  const auto part = [&](int number) {
    return loaded->type.lanes == 1 ? loaded : b_.Extract(loaded, i * box.parts + number);
  };
  e_.Provide(*box.parameter, IndexAt(*box.parameter, point), 0,
             {part(0), box.parts == 2 ? part(1) : nullptr});
}

void TileBoxes::StoreWindow(const std::vector<int>& roots, const plan::BoxSide& side,
                            const Places& line, const Window& window, Value length) {
  if (side.word == 1) return StoreElement(roots, side, line, window.at, window.inside, length);
  frame_.emitter.If(window.whole, [&] { StoreWord(roots, side, line, window.at); });
}

// The elements of a line before its first whole word and behind its last: by the first threads of
// the warp that has its first window.
void TileBoxes::StoreEnds(const std::vector<int>& roots, const plan::BoxSide& side,
                          const Places& line, Value shift, Value length) {
  const int most = side.word - 1;
  if (side.most_shift % side.word == 0 && side.length % side.word == 0 && length->IsConstant()) {
    return;
  }
  const Value lane = math_.Convert(b_.LaneId());
  const Value before =
      b_.Min(math_.Rem(b_.Sub(math_.Const(side.sector), shift), side.word), length);
  const Value behind = math_.Rem(b_.Sub(length, before), side.word);
  const Value is_before = b_.Lt(lane, math_.Const(most));
  const Value at =
      b_.Select(is_before, lane, b_.Sub(b_.Add(math_.Add(lane, -most), length), behind));
  const Value inside =
      b_.And(b_.Lt(at, length), b_.Select(is_before, b_.Lt(lane, before), b_.True()));
  const Value warp = math_.Div(math_.Convert(b_.WarpId()), side.line_warps);
  frame_.emitter.If(b_.Eq(warp, math_.Const(0)),
                    [&] { StoreElement(roots, side, line, at, inside, length); });
}

void TileBoxes::StoreElement(const std::vector<int>& roots, const plan::BoxSide& side,
                             const Places& line, Value at, Value inside, Value length) {
  if (!inside->IsConstant()) {
    at = b_.Max(math_.Const(0), b_.Min(at, math_.Add(length, -1)));
  }
  std::vector<Value> loaded;
  for (const Box& box : boxes_) loaded.push_back(LoadBox(box, side, line, at));
  for (int i = 0; i < side.vector; ++i) {
    Places places = line;
    if (i > 0) places[side.vector_class] = math_.Add(places[side.vector_class], i);
    const int point = PlaceAt(side, places, at);
    for (size_t k = 0; k < boxes_.size(); ++k) ProvideAt(boxes_[k], point, loaded[k], i);
    StoreRoots(roots, std::vector<int>(class_count_, 0), point, inside);
  }
}

// Elements that lie one behind the other, with one access to each result.
void TileBoxes::StoreWord(const std::vector<int>& roots, const plan::BoxSide& side,
                          const Places& line, Value at) {
  std::vector<int> points;
  for (int i = 0; i < side.word; ++i) {
    const Value place = math_.Add(at, i);
    points.push_back(PlaceAt(side, line, place));
    for (const Box& box : boxes_) {
      ProvideAt(box, points[i], LoadBox(box, side, line, place), 0);
    }
  }
  for (int root : roots) {
    const std::vector<Shape> leaves = plan::Leaves(Root(root).shape());
    std::vector<std::vector<Value>> words(leaves.size());
    for (int point : points) {
      const Elements elements = EmitRoot(root, IndexAt(Root(root), point));
      for (size_t leaf = 0; leaf < leaves.size(); ++leaf) {
        words[leaf].push_back(elements[leaf].re);
      }
    }
    const Value number = b_.Add(NumberAt(side.classes, line), at);
    for (size_t leaf = 0; leaf < leaves.size(); ++leaf) {
      kernel::AccessOptions options;
      options.alignment = side.word * ByteWidth(leaves[leaf].element_type());
      b_.Store(frame_.memory.results[FirstResultOf(root) + leaf], number, b_.Build(words[leaf]),
               options);
    }
  }
}

}  // namespace ingot::lower
