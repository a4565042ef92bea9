// Bytes of loads that a warp has asked for when it first uses one of them.
#include <algorithm>

#include "compiler/kernel/simulator/machine.h"

namespace ingot::kernel::simulator {
namespace {

// Registers are told apart by 32 bytes: no value has less.
constexpr int kMarkBytes = 32;

}  // namespace

void Machine::MarkInFlight(Warp& warp, Place place, int bytes) {
  for (int i = place / kMarkBytes; i < (place + bytes) / kMarkBytes; ++i) {
    warp.in_flight.loaded[i] = warp.in_flight.generation;
  }
}

bool Machine::IsInFlight(const Warp& warp, Place place, int bytes) const {
  if (place < 0 || place == kNowhere) return false;
  const InFlight& flight = warp.in_flight;
  const auto begin = flight.loaded.begin() + place / kMarkBytes;
  return std::find(begin, begin + bytes / kMarkBytes, flight.generation) !=
         begin + bytes / kMarkBytes;
}

void Machine::Use(Warp& warp) {
  InFlight& flight = warp.in_flight;
  flight.weighted += static_cast<double>(flight.bytes) * static_cast<double>(flight.bytes);
  flight.total += flight.bytes;
  flight.bytes = 0;
  ++flight.generation;
}

// Moves carry what is in flight along; anything else that reads it uses it.
void Machine::TrackUse(Warp& warp, const Step& step) {
  const auto one_row = [&](Place place) { return IsInFlight(warp, place, kMarkBytes); };
  switch (step.action) {
    case Action::kVectorLanes: {
      const std::vector<Place>& lanes = code_.lanes[step.extra];
      if (std::any_of(lanes.begin(), lanes.end(), one_row)) {
        MarkInFlight(warp, step.out, step.bytes);
      }
      return;
    }
    case Action::kCopy:
    case Action::kBitcast:
    case Action::kBroadcast:
    case Action::kInsert:
    case Action::kVarSet:
      if (one_row(step.a) || (step.action == Action::kInsert && one_row(step.b))) {
        MarkInFlight(warp, step.out, step.bytes);
      }
      return;
    case Action::kVarWrite:
      if (one_row(step.a)) MarkInFlight(warp, step.out + ElementOffset(warp, step), step.bytes);
      return;
    case Action::kVarRead:
      if (one_row(step.a + ElementOffset(warp, step))) MarkInFlight(warp, step.out, step.bytes);
      return;
    default:
      if (one_row(step.a) || one_row(step.b) || one_row(step.c)) Use(warp);
  }
}

}  // namespace ingot::kernel::simulator
