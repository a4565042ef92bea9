// Reductions of a tile that are computed in the pass of another one: plan/joins.h has the rules.
//
// Beside its base, an accumulator has the partial result of each joined reduction relative to a
// reference, which is a function of the base's accumulator (and of the count).
#ifndef INGOT_COMPILER_LOWER_TILE_JOINED_H_
#define INGOT_COMPILER_LOWER_TILE_JOINED_H_

#include <functional>

#include "absl/types/span.h"
#include "compiler/lower/tile_reduction.h"

namespace ingot::lower {

// A place of what is reduced, by TileSpace's number; `inside`: whether it lies in the space, null
// where it does.
struct TripPlace {
  int point;
  kernel::Value inside;
};

// Takes the elements of all places into `accumulator`: first those of the base, then, relative to
// what the base is then, those of the joined ones.  `elements`: how many are reduced at a place.
void AccumulateTrip(ElementEmitter& e, const TileReduction& reduction,
                    absl::Span<const TripPlace> trip, int elements, Accumulator& accumulator);

// Both accumulators together.
Elements CombineJoined(ElementEmitter& e, const TileReduction& reduction, const Elements& a,
                       const Elements& b);

// Leaves in each accumulator what threads have together.  `combine_threads` does that for a
// reduction that joins no others: first for the base and the count, then, relative to what these
// are for all threads, for each of the joined ones.
void CombineThreadsJoined(ElementEmitter& e, TileReduction& reduction,
                          const std::function<void(TileReduction&)>& combine_threads);

// Provides the results of the joined reductions at a point at which the base's is provided.
void ProvideJoined(ElementEmitter& e, const TileReduction& reduction, const Elements& accumulator,
                   int point);

}  // namespace ingot::lower

#endif  // INGOT_COMPILER_LOWER_TILE_JOINED_H_
