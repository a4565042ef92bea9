#include "compiler/plan/tile_held.h"

#include <algorithm>

#include "compiler/plan/analysis.h"
#include "compiler/plan/tile_turns.h"
#include "ir/base/status.h"

namespace ingot::plan {
namespace {

// Operations from which on a value is handed on to the next pass, not computed again.
constexpr int64_t kOperationsOfHandedOn = 8;
// Elements of a vector where most registers are held.
constexpr int kVectorBesideHeld = 4;

bool HasClass(const FusionInfo& info, int value, int c) {
  return Contains(info.space().ClassesOf(value), c);
}

// By value: whether it is made of inputs' elements along the class.
std::vector<bool> MadeOfRow(const FusionInfo& info, int inner) {
  std::vector<bool> made(info.graph().value_count(), false);
  for (int v = 0; v < info.graph().value_count(); ++v) {
    if (!HasClass(info, v, inner)) continue;
    const std::vector<int> operands = OperandsAtPlace(info, v);
    made[v] = info.graph().IsInput(v) ||
              std::any_of(operands.begin(), operands.end(), [&](int o) { return made[o]; });
  }
  return made;
}

int64_t BytesOfHeld(const FusionInfo& info, int value) {
  int64_t bytes = 0;
  for (const Shape& leaf : Leaves(info.graph().value(value).shape())) {
    const ElementType type = leaf.element_type();
    bytes += info.graph().IsInput(value) || IsComplex(type) ? ByteWidth(type)
                                                            : ByteWidth(ComputeType(type));
  }
  return bytes;
}

// What an element of the value costs from inputs and reductions on.
int64_t OperationsBelow(const FusionInfo& info, int inner, int value) {
  int64_t operations = 0;
  std::vector<bool> seen(info.graph().value_count(), false);
  std::vector<int> pending = {value};
  seen[value] = true;
  while (!pending.empty()) {
    const int next = pending.back();
    pending.pop_back();
    operations = SaturatingAdd(operations, CodeSize(info.graph().value(next)));
    for (int operand : OperandsAtPlace(info, next)) {
      if (seen[operand] || info.graph().IsInput(operand)) continue;
      if (!HasClass(info, operand, inner)) continue;
      seen[operand] = true;
      pending.push_back(operand);
    }
  }
  return operations;
}

// Registers and trips for so many vectors: those that take the least, where a trip takes as long as
// half a vector.
void DealTrips(int64_t vectors, int64_t most_registers, TileClass& tile) {
  int64_t least = 0;
  for (int64_t registers = 1; registers <= most_registers; ++registers) {
    const int64_t trips = CeilDiv(vectors, registers);
    const int64_t halves = trips * (2 * registers + 1);
    if (least != 0 && halves > least) continue;
    least = halves;
    tile.registers = static_cast<int>(registers);
    tile.loop = trips;
  }
}

// Whether L2 gives what all rows read, which L1 has no room for beside rows that rest, while memory
// moves what the rows are.
bool HasTimeForShared(const FusionInfo& info, int inner, const Card& card) {
  int64_t rows = 0, shared = 0;  // bytes of an element
  for (int v : ArraysInSpace(info)) {
    const absl::Span<const int> own = info.space().ClassesOf(v);
    if (!Contains(own, inner)) continue;
    const bool is_shared = info.graph().IsInput(v) && own.size() == 1;
    (is_shared ? shared : rows) += ingot::BytesOf(info.graph().value(v).shape(), 1);
  }
  const auto all = static_cast<double>(rows + shared);
  return all / card.l2_gbps <= static_cast<double>(rows) / card.copy_gbps;
}

}  // namespace

std::vector<int> OperandsAtPlace(const FusionInfo& info, int value) {
  std::vector<int> operands;
  if (info.graph().IsInput(value)) return operands;
  for (int64_t k = 0; k < info.graph().value(value).operand_count(); ++k) {
    const int edge = info.graph().FirstEdgeOf(value) + static_cast<int>(k);
    const EdgeAccess& access = info.space().AccessOf(edge);
    if (access.access == Access::kInSpace) operands.push_back(access.source);
  }
  return operands;
}

std::vector<std::vector<bool>> NeededInPass(const FusionInfo& info, int inner,
                                            const std::vector<int>& handed_on) {
  const FusionGraph& graph = info.graph();
  int last = 0;
  for (const Reduction& reduction : info.reductions()) last = std::max(last, reduction.level);
  std::vector<std::vector<bool>> needed(last + 1, std::vector<bool>(graph.value_count(), false));
  std::vector<bool> is_reduction(graph.value_count(), false), is_there(graph.value_count(), false);
  for (const Reduction& reduction : info.reductions()) is_reduction[reduction.value] = true;
  for (int pass = 0; pass <= last; ++pass) {
    std::vector<int> pending;
    const auto need = [&](int value) {
      if (is_reduction[value] || needed[pass][value] || !HasClass(info, value, inner)) return;
      needed[pass][value] = true;
      if (!is_there[value]) pending.push_back(value);
    };
    for (const Reduction& reduction : info.reductions()) {
      if (reduction.level != pass + 1) continue;
      for (int operand : OperandsAtPlace(info, reduction.value)) need(operand);
    }
    for (const Instruction* root : graph.view().roots) {
      if (info.LevelOf(graph.NumberOf(*root)) == pass) need(graph.NumberOf(*root));
    }
    while (!pending.empty()) {
      const int value = pending.back();
      pending.pop_back();
      for (int operand : OperandsAtPlace(info, value)) need(operand);
    }
    for (int value : handed_on) is_there[value] = is_there[value] || needed[pass][value];
  }
  return needed;
}

int64_t BytesHeldBetweenPasses(const FusionInfo& info, int inner) {
  const int values = info.graph().value_count();
  std::vector<int> all(values);
  for (int v = 0; v < values; ++v) all[v] = v;
  const std::vector<std::vector<bool>> needed = NeededInPass(info, inner, all);
  const std::vector<bool> made = MadeOfRow(info, inner);
  int64_t most = 0;
  for (size_t pass = 1; pass < needed.size(); ++pass) {
    int64_t bytes = 0;
    for (int v = 0; v < values; ++v) {
      const auto needs = [&](const std::vector<bool>& one) { return bool{one[v]}; };
      const bool before = std::any_of(needed.begin(), needed.begin() + pass, needs);
      const bool behind = std::any_of(needed.begin() + pass, needed.end(), needs);
      if (made[v] && before && behind) bytes += BytesOfHeld(info, v);
    }
    most = std::max(most, bytes);
  }
  return most;
}

absl::Status RestsFit(const FusionInfo& info, const TilePlan& tile) {
  const FusionGraph& graph = info.graph();
  INGOT_REQUIRE(tile.rests || tile.held.empty(), "held: nothing rests");
  if (!tile.rests) return absl::OkStatus();
  const int inner = tile.order[0];
  for (int v : tile.ahead) {
    const absl::Span<const int> own = info.space().ClassesOf(v);
    INGOT_REQUIRE(!own.empty() && own.back() == inner, "rests: input ", v,
                  " does not lie along the rows");
  }
  for (int v : tile.held) {
    INGOT_REQUIRE(v >= graph.input_count() && v < graph.value_count() &&
                      graph.value(v).shape().IsArray() && tile.classes[inner].loop == 1,
                  "held: value ", v, " is no array that a pass computes in one trip");
  }
  return absl::OkStatus();
}

int LastWalk(const FusionInfo& info, const PassLevels& levels, const TilePlan& tile) {
  int last = 0;
  const auto walk = [&](int value) {
    const bool is_late = levels.across > 0 && levels.of[value] == levels.across;
    if (!is_late && levels.HasReduced(info, tile, value)) {
      last = std::max(last, levels.of[value] + 1);
    }
  };
  for (const Reduction& reduction : info.reductions()) {
    if (!levels.IsAcross(reduction.value)) last = std::max(last, levels.of[reduction.value]);
    for (int operand : OperandsAtPlace(info, reduction.value)) walk(operand);
  }
  for (const Instruction* root : info.graph().view().roots) walk(info.graph().NumberOf(*root));
  return last;
}

std::vector<int> ValuesToHandOn(const FusionInfo& info, int inner, int64_t elements,
                                int64_t bytes) {
  std::vector<int> values;
  std::vector<std::vector<bool>> needed = NeededInPass(info, inner, {});
  // What the last values are made of need not be there again.
  for (int v = info.graph().value_count(); v-- > info.graph().input_count();) {
    const auto passes = std::count_if(needed.begin(), needed.end(),
                                      [&](const std::vector<bool>& pass) { return pass[v]; });
    const Shape& shape = info.graph().value(v).shape();
    if (passes < 2 || !shape.IsArray() || IsComplex(shape.element_type())) continue;
    if (OperationsBelow(info, inner, v) < kOperationsOfHandedOn) continue;
    const int64_t own = SaturatingMultiply(elements, ByteWidth(shape.element_type()));
    if (own > bytes) continue;
    bytes -= own;
    values.insert(values.begin(), v);
    needed = NeededInPass(info, inner, values);
  }
  return values;
}

bool RestRows(const FusionInfo& info, const PassLevels& levels, const Target& target,
              const std::vector<int>& order, const TileKnobs& knobs, TileDeal& deal) {
  const int inner = order[0];
  if (!knobs.copies_ahead || !(levels.last > 1 || HasWideRoot(info, levels))) return false;
  int64_t rows = 1;
  for (int c : order) {
    if (c != inner && levels.ended[c]) return false;
    if (c != inner) rows *= deal.classes[c].size;
  }
  if (rows < target.multiprocessors || !HasTimeForShared(info, inner, *target.card)) return false;
  std::vector<TileClass> classes = deal.classes;
  TileClass& tile = classes[inner];
  tile.lanes = kWarp;
  tile.warps = kMostBlockThreads / kWarp;
  const int64_t elements = UnitsLeft(tile) * tile.vector;
  const int64_t room = target.card->registers / kMostBlockThreads - kLeastOtherRegisters;
  std::vector<int> held = ValuesToHandOn(info, inner, elements, room * kRegisterBytes);
  if (!held.empty()) {
    // Few are computed at once.
    tile.vector = std::min(tile.vector, kVectorBesideHeld);
    tile.registers = static_cast<int>(UnitsLeft(tile));
  } else {
    tile.warps = knobs.long_row_threads / kWarp;
    DealTrips(UnitsLeft(tile), knobs.loads_of_trip, tile);
  }
  std::vector<int> ahead;
  int64_t bytes = 0;
  for (int v = 0; v < info.graph().input_count(); ++v) {
    const absl::Span<const int> own = info.space().ClassesOf(v);
    if (!info.uses().Of(v).in_space() || !Contains(own, inner) || own.size() == 1) continue;
    if (own.back() != inner || !CopiesAhead(info, classes, v)) return false;
    ahead.push_back(v);
    bytes += int64_t{tile.lanes} * tile.warps * BytesAhead(info, classes, /*rests=*/true, v);
  }
  if (ahead.empty() || bytes > target.shared_bytes - kOtherSharedBytes) return false;
  deal.classes = std::move(classes);
  deal.ahead = std::move(ahead);
  deal.held = std::move(held);
  deal.rests = true;
  return true;
}

}  // namespace ingot::plan
