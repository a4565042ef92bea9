// The merge_sort skeleton: blocks sort rows in shared memory (plan/merge_sort.h).
#include "compiler/plan/merge_sort.h"

#include <optional>
#include <utility>

#include "compiler/kernel/expr.h"
#include "compiler/lower/frame.h"
#include "compiler/lower/merge_tile.h"
#include "compiler/lower/sort_keys.h"
#include "compiler/lower/sort_ties.h"
#include "compiler/lower/top_k.h"
#include "ir/analysis/sort_order.h"
#include "ir/base/integers.h"

namespace ingot::lower {

using kernel::Expr;
using kernel::Value;
using plan::SortField;

namespace {

using Record = MergeTile::Record;

class MergeSortLowering {
 public:
  explicit MergeSortLowering(Frame& frame)
      : frame_(frame),
        plan_(frame.plan.merge_sort()),
        sort_(*frame.fusion.root()),
        b_(frame.builder),
        e_(frame.emitter),
        math_(frame.context.math),
        dimension_(sort_.attributes<SortAttributes>().dimensions[0]),
        size_(sort_.operand(0)->shape().dimension(dimension_)),
        positions_(sort_.operand(0)->shape().dimensions()),
        is_across_(dimension_ + 1 != sort_.operand(0)->shape().rank()) {
    positions_.erase(positions_.begin() + dimension_);
    for (int64_t size : positions_) rows_ *= size;
    tiles_ = CeilDiv(size_, plan_.tile());
    if (plan_.by_key) keys_ = *FindSortKeys(sort_);
  }

  void Run() {
    frame_.LaunchBlocks();
    b_.set_hlo(static_cast<int32_t>(sort_.id()));
    FindTile();
    DeclareFields();
    if (plan_.pass == 0) {
      LoadElements();
      b_.Barrier();
      if (ties_.has_value()) ties_->Vote();
      tile_->SortItems();
      tile_->MergeItems();
    } else {
      MergePartOfRuns();
    }
    StoreTile();
    if (ties_.has_value()) RestoreTies();
  }

 private:
  struct Field {
    SortField plan;
    kernel::Buffer* from = nullptr;  // scratch of the pass before
    kernel::Buffer* to = nullptr;    // of this one
  };

  Expr Small(int64_t value) { return {b_, b_.Index(value)}; }
  Expr Thread() { return {b_, b_.ThreadId()}; }
  // Of what is not negative.
  Expr Quotient(Expr a, int64_t divisor) {
    return {b_, IndexMath(&b_, a.element()).Div(a.value(), divisor)};
  }
  Expr Remainder(Expr a, int64_t divisor) {
    return {b_, IndexMath(&b_, a.element()).Rem(a.value(), divisor)};
  }
  ElementType ElementTypeOf(int64_t operand) const {
    return sort_.operand(operand)->shape().element_type();
  }
  bool HasPads() const { return tiles_ * plan_.tile() != size_; }
  Expr Number(int64_t value) { return {b_, math_.Const(value)}; }
  Expr Wide(Expr value) { return {b_, math_.Convert(value.value())}; }

  void FindTile() {
    const Value block = math_.Convert(b_.BlockId());
    first_row_ = math_.Mul(tiles_ == 1 ? block : math_.Div(block, tiles_), plan_.rows);
    first_ = tiles_ == 1 ? math_.Const(0) : math_.Mul(math_.Rem(block, tiles_), plan_.tile());
  }

  void DeclareFields() {
    MergeTile::Options options;
    const std::vector<SortField> fields = plan::FieldsOf(plan_, sort_);
    for (size_t f = 0; f < fields.size(); ++f) {
      Field field{fields[f]};
      const auto scratch = [&](int pass) {
        return frame_.memory.scratch[static_cast<size_t>(pass % 2) * fields.size() + f];
      };
      if (plan_.pass > 0) field.from = scratch(plan_.pass - 1);
      if (plan_.pass + 1 < plan_.passes) field.to = scratch(plan_.pass);
      fields_.push_back(field);
      options.types.push_back(fields[f].type);
    }
    // Comparators tell pads by their places.
    compared_ = fields_.size() - (plan_.places && (plan_.by_key || !HasPads()) ? 1 : 0);
    options.compared = compared_;
    options.less = [this](const Record& a, const Record& b) { return Less(a, b); };
    options.keys_alone = !plan_.places;
    options.items = plan_.items;
    options.row_threads = plan_.row_threads;
    options.rows = plan_.rows;
    tile_.emplace(frame_, std::move(options));
    if (!plan_.places && !keys_[0].IsInjective(ElementTypeOf(0))) {
      ties_.emplace(frame_, keys_[0], ElementTypeOf(0), size_);
    }
  }

  // ----- elements to shared memory, and back

  // Element number `number` of those that the block's threads load, or store, at once: which row of
  // the block, and which element of its tile.  Neighbouring threads have what lies side by side in
  // memory.
  struct Place {
    Expr row, element;
  };
  Place PlaceOf(int number) {
    const Expr all = Thread() + static_cast<double>(number) * plan_.threads();
    if (plan_.rows == 1) return {Small(0), all};
    if (is_across_) return {Remainder(all, plan_.rows), Quotient(all, plan_.rows)};
    return {Quotient(all, plan_.tile()), Remainder(all, plan_.tile())};
  }
  Expr SharedPlace(const Place& place) { return tile_->PlaceOf(place.row, place.element); }
  // Of the rows, and in the row.
  Value RowOf(const Place& place) { return b_.Add(first_row_, math_.Convert(place.row.value())); }
  Value ElementOf(const Place& place) {
    return b_.Add(first_, math_.Convert(place.element.value()));
  }
  Value IsElement(const Place& place) {
    if (!HasPads()) return b_.True();
    return b_.Lt(ElementOf(place), math_.Const(size_));
  }
  Index IndexOf(Value row, Value element) {
    Index index;
    index.dims = math_.Delinearize(row, positions_);
    index.dims.insert(index.dims.begin() + dimension_, element);
    return index;
  }

  // What is beyond the last row or the end of a row is read there.
  void LoadElements() {
    std::vector<std::pair<Expr, Record>> loaded;
    for (int i = 0; i < plan_.items; ++i) {
      const Place place = PlaceOf(i);
      Value row = RowOf(place), element = ElementOf(place);
      if (rows_ % plan_.rows != 0) row = b_.Min(row, math_.Const(rows_ - 1));
      if (HasPads()) element = b_.Min(element, math_.Const(size_ - 1));
      const Index index = IndexOf(row, element);
      Record record;
      for (const Field& field : fields_) record.push_back(FieldAt(field, index, place));
      loaded.emplace_back(SharedPlace(place), std::move(record));
    }
    for (const auto& [at, record] : loaded) tile_->Store(at, record);
    tile_->StoreEnds();
  }

  // What a field has of an element.  Keys of pads are the last ones there are.
  Value FieldAt(const Field& field, const Index& index, const Place& place) {
    const int64_t number = field.plan.number;
    switch (field.plan.kind) {
      case SortField::Kind::kPlace:
        return b_.Convert(ElementOf(place), field.plan.type);
      case SortField::Kind::kElement:
        return e_.Emit(*sort_.operand(number), index).re;
      case SortField::Kind::kKey: {
        const Instruction& operand = *sort_.operand(keys_[number].operand);
        const Expr value(b_, e_.Emit(operand, index).re);
        if (ties_.has_value()) ties_->Note(value);
        const Expr key = KeyOf(keys_[number], operand.shape().element_type(), value);
        return b_.Select(IsElement(place), key.value(), (!key.Number(0)).value());
      }
    }
    INGOT_UNREACHABLE();
    return nullptr;
  }

  // What the tile has in order: results, or records for the next pass.
  void StoreTile() {
    const bool is_last = plan_.pass + 1 == plan_.passes;
    b_.Barrier();
    tile_->WriteItems(is_last ? fields_.size() - 1 : 0);
    b_.Barrier();
    for (int i = 0; i < plan_.items; ++i) {
      const Place place = PlaceOf(i);
      Value inside = IsElement(place);
      if (rows_ % plan_.rows != 0) {
        inside = b_.And(inside, b_.Lt(RowOf(place), math_.Const(rows_)));
      }
      e_.If(inside, [&] {
        if (is_last) return StoreResults(place);
        const Value to = b_.Add(math_.Mul(RowOf(place), size_), ElementOf(place));
        for (size_t f = 0; f < fields_.size(); ++f) {
          b_.Store(fields_[f].to, to, tile_->Load(f, SharedPlace(place)));
        }
      });
    }
  }
  void StoreResults(const Place& place) {
    const Value row = RowOf(place);
    const Index to = IndexOf(row, ElementOf(place));
    const Expr shown(b_, tile_->Load(fields_.size() - 1, SharedPlace(place)));
    if (!plan_.places) {
      return StoreResult(to, ElementOfKey(keys_[0], ElementTypeOf(0), shown));
    }
    // A comparator that is no order may have lost elements, and kept pads.
    Value from = math_.Convert(shown.value());
    if (!plan_.by_key && HasPads()) from = b_.Min(from, math_.Const(size_ - 1));
    const Index source = IndexOf(row, from);
    for (int64_t k = 0; k < sort_.operand_count(); ++k) {
      const Instruction& operand = *sort_.operand(k);
      e_.Store(frame_.memory.results[k], operand.shape(), to, e_.Emit(operand, source));
    }
  }

  void StoreResult(const Index& to, Expr element) {
    e_.Store(frame_.memory.results[0], sort_.operand(0)->shape(), to, {element.value(), nullptr});
  }

  void RestoreTies() {
    b_.Barrier();
    const auto index_of = [&](Expr place) {
      return IndexOf(first_row_, math_.Convert(place.value()));
    };
    ties_->Restore(
        [&](Expr place) { return Expr(b_, e_.Emit(*sort_.operand(0), index_of(place)).re); },
        [&](Expr key) { return tile_->FirstOf(key); },
        [&](Expr place, Expr element) { StoreResult(index_of(place), element); });
  }

  // ----- records

  // Whether `a` stands before `b` in any case, if it is behind it now.
  Expr Less(const Record& a, const Record& b) {
    if (plan_.by_key) {
      Expr less(b_, b_.Lt(a[compared_ - 1], b[compared_ - 1]));
      for (size_t f = compared_ - 1; f-- > 0;) {
        less = Expr(b_, b_.Lt(a[f], b[f])) | (Expr(b_, b_.Eq(a[f], b[f])) & less);
      }
      return less;
    }
    Elements arguments;
    size_t field = 0;
    for (int64_t k = 0; k < sort_.operand_count(); ++k) {
      const bool is_compared =
          fields_[field].plan.kind == SortField::Kind::kElement && fields_[field].plan.number == k;
      if (is_compared) {
        arguments.push_back({a[field], nullptr});
        arguments.push_back({b[field], nullptr});
        field = std::min(field + 1, fields_.size() - 1);
      } else {
        const Element zero = e_.Zero(sort_.operand(k)->shape().element_type());
        arguments.push_back(zero);
        arguments.push_back(zero);
      }
    }
    const Expr less(b_, e_.Call(*sort_.to_apply(), arguments)[0].re);
    if (!HasPads()) return less;
    const auto is_pad = [&](const Record& record) {
      return Expr(b_, b_.Convert(record[fields_.size() - 1], ElementType::kU32)) >=
             static_cast<double>(size_);
    };
    return (!is_pad(a)) & (is_pad(b) | less);
  }

  // ----- runs

  // The block's tile of the run that is merged from two of the pass before.
  void MergePartOfRuns() {
    const int64_t run = plan_.tile() << (plan_.pass - 1);
    const Expr size = Number(size_);
    const Expr first(b_, first_);
    const Expr begin = Quotient(first, 2 * run) * static_cast<double>(2 * run);
    const Expr left_size = Min(Number(run), size - begin);
    const Expr right_size = Min(Number(run), size - begin - left_size);
    const Expr base = Expr(b_, math_.Mul(first_row_, size_)) + begin;
    const Expr count = first - begin;
    const Expr end = Min(count + static_cast<double>(plan_.tile()), left_size + right_size);
    kernel::Buffer* splits = frame_.kernel->AddShared("ends", ElementType::kS32, {2});
    const int warps = plan_.threads() / kernel::kWarpSize;
    for (int i = 0; i < 2; ++i) {
      e_.If(b_.Eq(b_.WarpId(), b_.Index(i % warps)), [&] {
        const Expr split = SearchByWarp(base, left_size, right_size, i == 0 ? count : end);
        e_.If(b_.Eq(b_.LaneId(), b_.Index(0)),
              [&] { b_.Store(splits, b_.Index(i), b_.Convert(split.value(), ElementType::kS32)); });
      });
    }
    b_.Barrier();
    const Expr left_first(b_, b_.Load(splits, b_.Index(0)));
    const Expr total = (end - count).To(ElementType::kS32);
    // Comparators that are no orders may find the end before the beginning.
    const Expr left_end(b_, b_.Load(splits, b_.Index(1)));
    const Expr left_count = Min(Max(left_end - left_first, Small(0)), total);
    const Expr left = base + Wide(left_first);
    const Expr right = base + left_size + (count - Wide(left_first));
    LoadParts(left, right, left_count, total);
    b_.Barrier();
    tile_->DeclareItems();
    // Keys behind the last one are the last ones there are.
    const Expr all = plan_.places ? total : Small(plan_.tile());
    tile_->MergeParts(Small(0), left_count, all, Min(tile_->First(), all),
                      Thread() == static_cast<double>(plan_.threads() - 1));
  }

  // `left_count` records from `left` on, behind them those from `right` on, `total` in all; the
  // rest is zeros, or, of keys, the last ones there are.
  void LoadParts(Expr left, Expr right, Expr left_count, Expr total) {
    std::vector<std::pair<Expr, Record>> loaded;
    for (int i = 0; i < plan_.items; ++i) {
      const Expr place = PlaceOf(i).element;
      const Expr from =
          Select(place < left_count, left + Wide(place), right + Wide(place - left_count));
      kernel::AccessOptions options;
      options.mask = (place < total).value();
      Record record;
      for (const Field& field : fields_) {
        const Expr value(b_, b_.Load(field.from, from.value(), 1, options));
        record.push_back(plan_.places
                             ? value.value()
                             : b_.Select(options.mask, value.value(), (!value.Number(0)).value()));
      }
      loaded.emplace_back(tile_->PlaceOf(Small(0), place), std::move(record));
    }
    for (const auto& [at, record] : loaded) tile_->Store(at, record);
    tile_->StoreEnds();
  }

  // How many of the first `count` records of the run that is merged of two in scratch, from `base`
  // on, are of the left one.  The lanes of a warp look at 32 places at once.
  Expr SearchByWarp(Expr base, Expr left_size, Expr right_size, Expr count) {
    constexpr int kLanes = kernel::kWarpSize;
    const Expr zero = Number(0);
    const Expr least = Max(count - right_size, zero);
    kernel::Var* low = b_.DeclareVar("low", least.value());
    kernel::Var* range = b_.DeclareVar("range", (Min(count, left_size) - least).value());
    int64_t most = plan_.tile() << (plan_.pass - 1);
    int turns = 0;
    for (; most > 0; ++turns) most = CeilDiv(most, int64_t{kLanes}) - 1;
    e_.For(math_.Const(0), math_.Const(turns), 1, [&](Value) {
      const Expr from(b_, b_.Read(low)), size(b_, b_.Read(range));
      const Expr step = Quotient(size + (kLanes - 1), kLanes);
      const Expr lane = Wide(Expr(b_, b_.LaneId()));
      const Expr place = from + (lane + 1) * step - 1;
      kernel::AccessOptions options;
      options.mask = ((size > 0) & (place < from + size)).value();
      Record a, c;
      for (size_t f = 0; f < compared_; ++f) {
        a.push_back(b_.Load(fields_[f].from, (base + place).value(), 1, options));
        c.push_back(
            b_.Load(fields_[f].from, (base + left_size + (count - 1 - place)).value(), 1, options));
      }
      const Expr takes_left = Expr(b_, options.mask) & !Less(c, a);
      const Expr votes(b_, b_.Call(kernel::Intrinsic::kBallot, {takes_left.value()}));
      const Expr passed = Expr(b_, math_.Convert(Popcnt(votes).value())) * step;
      b_.Write(low, (from + passed).value());
      b_.Write(range, Max(Min(size - passed, step - 1), zero).value());
    });
    return {b_, b_.Read(low)};
  }

  Frame& frame_;
  const plan::MergeSortPlan& plan_;
  const Instruction& sort_;
  kernel::Builder& b_;
  ElementEmitter& e_;
  IndexMath& math_;
  const int64_t dimension_;
  const int64_t size_;
  std::vector<int64_t> positions_;  // sizes of the other dimensions
  int64_t rows_ = 1;
  int64_t tiles_ = 1;          // of a row
  Value first_row_ = nullptr;  // of the block
  Value first_ = nullptr;      // element of its tile, in the row
  const bool is_across_;       // elements of a row are not side by side in memory
  std::vector<SortKey> keys_;
  std::vector<Field> fields_;
  size_t compared_ = 0;  // of the fields, those that Less reads
  std::optional<MergeTile> tile_;
  std::optional<SortTies> ties_;  // of keys that are not injective
};

}  // namespace

void LowerMergeSort(Frame& frame) {
  if (frame.fusion.root()->opcode() == Opcode::kTopK) return LowerTopK(frame);
  MergeSortLowering(frame).Run();
}

}  // namespace ingot::lower
