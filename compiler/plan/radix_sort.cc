#include "compiler/plan/radix_sort.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "compiler/plan/analysis.h"
#include "compiler/plan/cost.h"
#include "compiler/plan/kernels.h"
#include "compiler/plan/merge_sort.h"
#include "compiler/plan/tile.h"
#include "compiler/plan/tile_deal.h"
#include "ir/analysis/sort_order.h"
#include "ir/base/integers.h"
#include "ir/base/status.h"

namespace ingot::plan {
namespace {

// Threads of a block, entries of each: tiles as large as registers and shared memory hold, for a
// tile's runs of one digit are what is stored together.
struct Deal {
  int threads, items;
};
constexpr Deal kDeals[] = {{256, 16}, {512, 16}, {512, 12}, {512, 8}, {256, 8},
                           {128, 8},  {64, 8},   {64, 4},   {32, 4}};
constexpr int kLeastDigitBits = 4;
constexpr size_t kMostCandidates = 8;

int KeyBits(ElementType type) { return type == ElementType::kPred ? 1 : BitWidth(type); }

// Elements that registers and shared memory have as they are in memory.
bool CanMove(ElementType type) {
  return type == ElementType::kPred || (IsInteger(type) && BitWidth(type) >= 8) ||
         (IsFloat(type) && BitWidth(type) >= 16 && BitWidth(type) <= 64);
}

class Planner {
 public:
  Planner(const Computation& fusion, const Target& target)
      : fusion_(fusion),
        sort_(*fusion.root()),
        target_(target),
        rows_(SortedRowsOf(sort_)),
        bytes_(BytesOf(fusion)) {}

  absl::Status Can() const {
    INGOT_REQUIRE(target_.platform == Platform::kCuda, "it is a GPU's");
    INGOT_REQUIRE(sort_.opcode() == Opcode::kSort && FindSortKeys(sort_).has_value(),
                  "its root is no sort by keys");
    INGOT_REQUIRE(rows_.size >= 2 && rows_.rows >= 1, "there is nothing to sort");
    return absl::OkStatus();
  }

  // The cheapest first.
  std::vector<std::pair<double, RadixSortPlan>> All() const {
    std::vector<std::pair<double, RadixSortPlan>> found;
    for (const bool places : {false, true}) {
      for (const Deal& deal : kDeals) {
        RadixSortPlan plan;
        plan.places = places;
        plan.radix.threads = deal.threads;
        plan.radix.items = deal.items;
        for (int bits = kLeastDigitBits; bits <= kMostDigitBits; ++bits) {
          plan.radix.digit_bits = bits;
          plan.radix.passes = static_cast<int>(RadixDigitsOf(sort_, bits).size());
          plan.radix.copies = RadixCopies(plan.radix, target_);
          if (Fits(plan).ok()) found.emplace_back(Microseconds(plan), plan);
        }
      }
    }
    KeepCheapest(kMostCandidates, found);
    return found;
  }

  absl::Status Fits(const RadixSortPlan& plan) const {
    INGOT_REQUIRE(plan.radix.digit_bits >= 1, "digit_bits=", plan.radix.digit_bits);
    const size_t passes = RadixDigitsOf(sort_, plan.radix.digit_bits).size();
    INGOT_REQUIRE(plan.radix.passes == static_cast<int>(passes), "passes=", plan.radix.passes,
                  "; its keys have ", passes, " digits of ", plan.radix.digit_bits, " bits");
    for (int64_t k = 0; k < sort_.operand_count(); ++k) {
      const ElementType type = sort_.operand(k)->shape().element_type();
      INGOT_REQUIRE(plan.places || CanMove(type), "places=false; elements of ",
                    ElementTypeName(type), " do not move");
    }
    INGOT_REQUIRE(!plan.places ||
                      static_cast<int64_t>(ComparedOperands(sort_).size()) < sort_.operand_count(),
                  "places=true; every operand is compared");
    int widest = 1;
    for (const RadixField& field : RadixFieldsOf(plan, sort_)) {
      widest = std::max(widest, ByteWidth(field.type));
    }
    return RadixPassesFit(plan.radix, rows_.rows, rows_.size, widest, target_);
  }

  FusionPlan Make(const RadixSortPlan& work) const {
    FusionPlan plan;
    const RadixWords words(work.radix, rows_.rows, rows_.size);
    if (!words.IsAlone()) {
      plan.scratch.push_back({Shape::ArrayWithDefaultLayout(ElementType::kU32, {words.size()})});
    }
    for (int set = 0; set < std::min(work.radix.passes - 1, 2); ++set) {
      for (const RadixField& field : RadixFieldsOf(work, sort_)) {
        plan.scratch.push_back(
            {Shape::ArrayWithDefaultLayout(field.type, {rows_.rows, rows_.size})});
      }
    }
    if (!words.IsAlone()) {
      plan.kernels.push_back(Kernel(work, RadixStage::kClear, 0, plan.scratch.size()));
      plan.kernels.push_back(Kernel(work, RadixStage::kCount, 0, plan.scratch.size()));
    }
    for (int pass = 0; pass < work.radix.passes; ++pass) {
      plan.kernels.push_back(Kernel(work, RadixStage::kPartition, pass, plan.scratch.size()));
    }
    plan.kernels.back().bytes = bytes_;
    plan.kernels.back().flops = FlopsOf(fusion_);
    plan.cost = Microseconds(work);
    return plan;
  }

 private:
  KernelPlan Kernel(RadixSortPlan work, RadixStage stage, int pass, size_t scratch) const {
    KernelPlan kernel;
    kernel.skeleton = Skeleton::kRadixSort;
    work.stage = stage;
    work.radix.pass = pass;
    const RadixWords words(work.radix, rows_.rows, rows_.size);
    kernel.block_threads = work.radix.threads;
    kernel.index_type = IndexTypeOf(fusion_);
    kernel.buffers = AllBuffers(fusion_, scratch);
    switch (stage) {
      case RadixStage::kClear:
        kernel.block_threads = kClearThreads;
        kernel.blocks = ClearBlocks(words);
        kernel.buffers = {{BufferRole::Kind::kScratch, 0}};
        break;
      case RadixStage::kCount:
        kernel.blocks = CountBlocks(work.radix, rows_.rows, rows_.size, target_);
        break;
      case RadixStage::kPartition:
        kernel.blocks = rows_.rows * words.tiles();
        break;
    }
    kernel.work = work;
    return kernel;
  }

  bool IsComputed(int64_t operand) const {
    return sort_.operand(operand)->opcode() == Opcode::kIota;
  }

  double Microseconds(const RadixSortPlan& plan) const {
    const double entries = static_cast<double>(rows_.rows) * static_cast<double>(rows_.size);
    const std::vector<RadixField> fields = RadixFieldsOf(plan, sort_);
    const RadixWords words(plan.radix, rows_.rows, rows_.size);
    // Rows that lie across memory have each element in a sector of its own.
    const auto in_memory = [&](int64_t k) {
      const double bytes = ByteWidth(sort_.operand(k)->shape().element_type());
      return rows_.inner > 1 ? std::max<double>(bytes, kSectorBytes) : bytes;
    };
    double all = 0, read = 0, compared = 0, stored = 0;
    for (const RadixField& field : fields) {
      all += ByteWidth(field.type);
      if (!field.is_place && !IsComputed(field.number)) read += in_memory(field.number);
    }
    for (int64_t k = 0; k < sort_.operand_count(); ++k) stored += in_memory(k);
    double gathered = 0;
    for (int64_t k = 0; plan.places && k < sort_.operand_count(); ++k) {
      const bool moves = std::any_of(fields.begin(), fields.end(), [&](const RadixField& field) {
        return !field.is_place && field.number == k;
      });
      if (!moves && !IsComputed(k)) gathered += kSectorBytes;
    }
    double key_instructions = 0;
    const std::vector<SortKey> keys = *FindSortKeys(sort_);
    for (const SortKey& key : keys) {
      key_instructions += InstructionsOf(key);
      compared += in_memory(key.operand);
    }
    double sum = words.IsAlone() ? 0
                                 : RadixCountMicroseconds(plan.radix, entries, compared,
                                                          key_instructions, words, target_);
    const int last = plan.radix.passes - 1;
    for (int pass = 0; pass <= last; ++pass) {
      RadixEntry entry;
      entry.fields = static_cast<int>(fields.size());
      entry.read_bytes = (pass == 0 ? read : all) + (pass == last ? gathered : 0);
      entry.written_bytes = pass == last ? stored : all;
      entry.key_instructions = key_instructions / static_cast<double>(keys.size());
      sum += RadixPassMicroseconds(plan.radix, entries, entry, target_);
    }
    return sum;
  }

  // To make a key of an element.
  double InstructionsOf(const SortKey& key) const {
    const ElementType type = sort_.operand(key.operand)->shape().element_type();
    double instructions = 2 + (key.descending ? 1 : 0);
    if (IsFloat(type)) {
      instructions += 2 + (key.zeros_tie ? 2 : 0) + (key.nans != NanOrder::kByBits ? 2 : 0);
    }
    return instructions * (BitWidth(type) > 32 ? 2 : 1);
  }

  const Computation& fusion_;
  const Instruction& sort_;
  const Target& target_;
  const SortedRows rows_;
  const int64_t bytes_;
};

}  // namespace

SortedRows SortedRowsOf(const Instruction& sort) {
  SortedRows rows;
  if (sort.opcode() != Opcode::kSort) return rows;
  const Shape& shape = sort.operand(0)->shape();
  const int64_t along = sort.attributes<SortAttributes>().dimensions[0];
  rows.size = shape.dimension(along);
  for (int64_t d = 0; d < shape.rank(); ++d) {
    if (d != along) rows.rows = SaturatingMultiply(rows.rows, shape.dimension(d));
    if (d > along) rows.inner = SaturatingMultiply(rows.inner, shape.dimension(d));
  }
  return rows;
}

std::vector<RadixField> RadixFieldsOf(const RadixSortPlan& plan, const Instruction& sort) {
  std::vector<RadixField> fields;
  const auto add = [&](int64_t operand) {
    fields.push_back({false, operand, sort.operand(operand)->shape().element_type()});
  };
  if (plan.places) {
    for (int64_t operand : ComparedOperands(sort)) add(operand);
    fields.push_back({true, 0, ElementType::kU32});
  } else {
    for (int64_t k = 0; k < sort.operand_count(); ++k) add(k);
  }
  return fields;
}

RadixScratch RadixScratchOf(const RadixSortPlan& plan, const Instruction& sort) {
  const SortedRows rows = SortedRowsOf(sort);
  return {!RadixWords(plan.radix, rows.rows, rows.size).IsAlone(),
          static_cast<int>(RadixFieldsOf(plan, sort).size())};
}

std::vector<RadixDigitOf> RadixDigitsOf(const Instruction& sort, int digit_bits) {
  std::vector<RadixDigitOf> digits;
  const std::vector<SortKey> keys = *FindSortKeys(sort);
  for (int k = static_cast<int>(keys.size()) - 1; k >= 0; --k) {
    const int bits = KeyBits(sort.operand(keys[k].operand)->shape().element_type());
    for (int shift = 0; shift < bits; shift += digit_bits) {
      digits.push_back({k, shift, std::min(digit_bits, bits - shift)});
    }
  }
  return digits;
}

void ProposeRadixSort(Skeleton, const Computation& fusion, const FusionInfo& info,
                      const Target& target, Numerics numerics,
                      std::vector<FusionPlan>& candidates) {
  const Planner planner(fusion, target);
  if (!planner.Can().ok()) return;
  const std::vector<std::pair<double, RadixSortPlan>> found = planner.All();
  if (found.empty()) return;
  std::vector<FusionPlan> merges;
  ProposeMergeSort(Skeleton::kMergeSort, fusion, info, target, numerics, merges);
  if (!merges.empty() && merges[0].cost <= found[0].first) return;
  for (const auto& [cost, work] : found) candidates.push_back(planner.Make(work));
}

absl::StatusOr<FusionPlan> MakeRadixSort(const RadixSortPlan& work, const Computation& fusion,
                                         const Target& target) {
  const Planner planner(fusion, target);
  INGOT_RETURN_IF_ERROR(planner.Can());
  INGOT_RETURN_IF_ERROR(planner.Fits(work));
  return planner.Make(work);
}

absl::Status RadixSortFits(const FusionPlan& plan, const Computation& fusion,
                           const Target& target) {
  RadixSortPlan work = plan.kernels.back().radix_sort();
  work.stage = RadixStage::kPartition;
  work.radix.pass = 0;
  INGOT_ASSIGN_OR_RETURN(const FusionPlan own, MakeRadixSort(work, fusion, target));
  return KernelsAgree(plan, own);
}

}  // namespace ingot::plan
