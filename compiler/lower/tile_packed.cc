#include "compiler/lower/tile_packed.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "compiler/lower/scalar.h"
#include "compiler/plan/analysis.h"
#include "compiler/plan/tile_deal.h"
#include "compiler/plan/tile_packed.h"
#include "ir/base/integers.h"

namespace ingot::lower {

using kernel::Value;

namespace {

// Accesses of a thread that are under way before the first is waited for.
constexpr int64_t kAtOnce = 12;

}  // namespace

TilePacked::TilePacked(Frame& frame, const FusionInfo& info, const TilePlaces& places)
    : frame_(frame),
      plan_(frame.plan.tile()),
      places_(places),
      b_(frame.builder),
      math_(frame.context.math),
      rows_(plan_.packed),
      inner_(plan_.order[0]) {
  results_.resize(frame.memory.results.size());
  if (rows_ < 0) return;
  row_elements_ = plan_.classes[inner_].size;
  elements_ = plan_.classes[rows_].block_extent() * row_elements_;
  const plan::PackedRanges ranges = plan::PackedRangesOf(info, plan_);
  std::vector<kernel::Buffer*> memories;
  for (const int64_t bytes : ranges.word_bytes) {
    const ElementType word = bytes == 4 ? ElementType::kU32 : ElementType::kU64;
    memories.push_back(
        frame.kernel->AddShared(absl::StrCat("rows", memories.size()), word, {elements_}));
  }
  for (const auto& [value, memory] : ranges.inputs) {
    const int64_t number = info.graph().value(value).parameter_number();
    inputs_.push_back(value);
    input_ranges_.push_back({frame.memory.operands[number], memories[memory]});
  }
  size_t result = 0, next = 0;
  for (const Instruction* root : info.graph().view().roots) {
    if (plan::IsPacked(info, plan_, info.graph().NumberOf(*root))) {
      results_[result] = {frame.memory.results[result], memories[ranges.results[next++].memory]};
    }
    result += plan::Leaves(root->shape()).size();
  }
}

bool TilePacked::HasResults() const {
  return std::any_of(results_.begin(), results_.end(),
                     [](const Range& range) { return range.shared != nullptr; });
}

void TilePacked::Copy() { CopyRanges(input_ranges_, Direction::kToShared); }

void TilePacked::Store() { CopyRanges(results_, Direction::kToMemory); }

// The number of the range's first element in its array.
Value TilePacked::FirstElement() { return math_.Mul(places_.FirstOfBlock(rows_), row_elements_); }

void TilePacked::CopyRanges(absl::Span<const Range> ranges, Direction direction) {
  const plan::TileClass& rows = plan_.classes[rows_];
  const auto copy = [&](Value left) {
    for (const Range& range : ranges) {
      if (range.shared != nullptr) CopyRange(range, direction, left);
    }
  };
  if (rows.size % (rows.block_extent() * rows.blocks) == 0) return copy(nullptr);
  const Value left = b_.Sub(math_.Const(rows.size * row_elements_), FirstElement());
  frame_.emitter.If(
      b_.Ge(left, math_.Const(elements_)), [&] { copy(nullptr); }, [&] { copy(left); });
}

void TilePacked::CopyRange(const Range& range, Direction direction, Value left) {
  const int64_t chunk = plan::PackedChunk(range.memory->element);
  // Accesses of a warp begin at a sector.
  const int64_t sector =
      std::max<int64_t>(1, plan::kSectorBytes / (chunk * ByteWidth(range.memory->element)));
  const bool is_aligned = elements_ / chunk % sector == 0;
  const int64_t count = elements_ / chunk, threads = frame_.plan.block_threads;
  const int64_t most = is_aligned ? count : count + sector - 1;
  const int64_t trips = CeilDiv(most, threads * kAtOnce);
  const int64_t several = CeilDiv(most, threads * trips);
  const Value before =
      is_aligned ? math_.Const(0) : math_.Rem(math_.Div(FirstElement(), chunk), sector);
  const Value thread = b_.Sub(math_.Convert(b_.ThreadId()), before);
  frame_.emitter.For(math_.Const(0), math_.Const(trips), 1, [&](Value trip) {
    std::vector<Access> accesses;
    for (int64_t k = 0; k < several; ++k) {
      const Value number =
          b_.Add(math_.Add(thread, k * threads), math_.Mul(trip, several * threads));
      Access access = {math_.Mul(number, chunk), b_.True(), b_.True()};
      const bool whole = ((trips - 1) * several + k + 1) * threads <= count;
      if (!is_aligned && (k == 0 || !whole)) {
        access.in_range = math_.IsBelow(number, count);
      } else if (!whole) {
        access.in_range = b_.Lt(number, math_.Const(count));
      }
      access.in_array = access.in_range;
      if (left != nullptr) {
        const Value wholes = math_.Div(left, chunk);
        access.in_array = b_.And(access.in_range, b_.Lt(number, wholes));
        // The end has an access of its own.
        access.in_range = b_.And(access.in_range, b_.Ne(number, wholes));
      }
      accesses.push_back(access);
    }
    Move(range, direction, accesses, static_cast<int>(chunk));
  });
  if (left != nullptr) CopyEnd(range, direction, left);
}

// The elements of the array's last access, which is no whole one.
void TilePacked::CopyEnd(const Range& range, Direction direction, Value left) {
  const int64_t chunk = plan::PackedChunk(range.memory->element);
  const int64_t all = plan_.classes[rows_].size * row_elements_;
  const Value thread = math_.Convert(b_.ThreadId());
  const Value first = b_.Add(b_.Sub(left, math_.Const(all % chunk)), thread);
  const Access access = {first, b_.Lt(thread, math_.Const(chunk)),
                         b_.Lt(thread, math_.Const(all % chunk))};
  frame_.emitter.If(b_.Gt(left, math_.Const(0)), [&] { Move(range, direction, {access}, 1); });
}

// All loads are under way before the first store.
void TilePacked::Move(const Range& range, Direction direction, absl::Span<const Access> accesses,
                      int lanes) {
  const auto options = [&](Value mask, const kernel::Buffer* buffer) {
    kernel::AccessOptions result;
    if (!mask->IsConstant()) result.mask = b_.Broadcast(mask, lanes);
    result.alignment = lanes * ByteWidth(buffer->element);
    return result;
  };
  const Value begin = FirstElement();
  std::vector<Value> loaded;
  for (const Access& access : accesses) {
    loaded.push_back(
        direction == Direction::kToShared
            ? b_.Load(range.memory, b_.Add(begin, access.first), lanes,
                      options(access.in_array, range.memory))
            : b_.Load(range.shared, access.first, lanes, options(access.in_array, range.shared)));
  }
  for (size_t i = 0; i < accesses.size(); ++i) {
    const Access& access = accesses[i];
    if (direction == Direction::kToShared) {
      b_.Store(range.shared, access.first, b_.Convert(BitsOf(b_, loaded[i]), range.shared->element),
               options(access.in_range, range.shared));
    } else {
      b_.Store(range.memory, b_.Add(begin, access.first),
               FromBits(b_, loaded[i], range.memory->element),
               options(access.in_array, range.memory));
    }
  }
}

// The element of a range at register `r` of the rows and a coordinate of the row.
Value TilePacked::PlaceOf(int r, Value coordinate) {
  return b_.Add(math_.Mul(places_.Local(rows_, r), row_elements_), coordinate);
}

Value TilePacked::Read(size_t i, int r, Value coordinate) {
  const Range& range = input_ranges_[i];
  const int lanes = plan_.classes[inner_].vector;
  kernel::AccessOptions options;
  options.alignment = lanes * ByteWidth(range.shared->element);
  const Value words = b_.Load(range.shared, PlaceOf(r, coordinate), lanes, options);
  return FromBits(b_, words, range.memory->element);
}

void TilePacked::Write(size_t result, int r, Value coordinate, Value value) {
  const Range& range = results_[result];
  const Value words = b_.Convert(BitsOf(b_, value), range.shared->element);
  kernel::AccessOptions options;
  options.alignment = words->type.lanes * ByteWidth(range.shared->element);
  b_.Store(range.shared, PlaceOf(r, coordinate), words, options);
}

}  // namespace ingot::lower
