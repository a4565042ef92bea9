// The laws of IterationSpace and FusionUses, on random fusions.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "ir/analysis/fusion_info.h"
#include "ir/text/printer.h"
#include "ir/verifier/verifier.h"
#include "tests/ir/analysis/random_fusion.h"

namespace ingot {
namespace {

using Index = std::vector<int64_t>;

int64_t RowMajorNumber(const Index& index, absl::Span<const int64_t> sizes) {
  int64_t number = 0;
  for (size_t d = 0; d < sizes.size(); ++d) number = number * sizes[d] + index[d];
  return number;
}

class Laws {
 public:
  Laws(const Computation& fusion, uint32_t seed)
      : info_(ViewOf(fusion)), graph_(info_.graph()), space_(info_.space()), random_(seed) {}

  void Check() {
    for (int v = 0; v < graph_.value_count(); ++v) CheckClasses(v);
    for (int i = 0; i < 20; ++i) {
      const Index point = RandomIndex(ClassSizes());
      for (int v = 0; v < graph_.value_count(); ++v) CheckIndex(v, point);
      for (size_t e = 0; e < graph_.edges().size(); ++e) CheckEdge(static_cast<int>(e), point);
    }
    for (int v = 0; v < graph_.value_count(); ++v) CheckUses(v);
  }

  int edges_in_space() const { return edges_in_space_; }
  int maps() const { return maps_; }
  int cancelled() const { return cancelled_; }

 private:
  Index ClassSizes() const {
    Index sizes;
    for (const IterationClass& c : space_.classes()) sizes.push_back(c.size);
    return sizes;
  }

  Index RandomIndex(absl::Span<const int64_t> sizes) {
    Index index;
    for (int64_t size : sizes) {
      index.push_back(std::uniform_int_distribution<int64_t>(0, size - 1)(random_));
    }
    return index;
  }

  absl::Span<const int64_t> SizesOf(int v) const {
    return CommonDimensions(graph_.value(v).shape());
  }

  // No class twice; together they have the value's elements.
  void CheckClasses(int v) {
    const auto classes = space_.ClassesOf(v);
    EXPECT_EQ(std::set<int>(classes.begin(), classes.end()).size(), classes.size());
    int64_t elements = 1;
    for (int c : classes) elements *= space_.classes()[c].size;
    EXPECT_EQ(elements, ElementsOf(graph_.value(v).shape()));
  }

  // The index is in bounds, and its number is that of the classes' coordinates.
  void CheckIndex(int v, const Index& point) {
    const Index index = space_.IndexAt(v, point);
    ASSERT_EQ(index.size(), SizesOf(v).size());
    for (size_t d = 0; d < index.size(); ++d) {
      EXPECT_GE(index[d], 0);
      EXPECT_LT(index[d], SizesOf(v)[d]);
    }
    Index coordinates, sizes;
    for (int c : space_.ClassesOf(v)) {
      coordinates.push_back(point[c]);
      sizes.push_back(space_.classes()[c].size);
    }
    EXPECT_EQ(RowMajorNumber(index, SizesOf(v)), RowMajorNumber(coordinates, sizes));
    EXPECT_EQ(space_.MapFromSpace(v).Evaluate(point), index);
  }

  void CheckEdge(int e, const Index& point) {
    const FusionEdge& edge = graph_.edges()[e];
    const EdgeAccess access = space_.AccessOf(e);
    const Instruction& consumer = graph_.value(edge.consumer);
    if (access.access != Access::kInSpace) {
      EXPECT_EQ(access.source, edge.operand);
      EXPECT_EQ(access.access == Access::kMapped,
                ElementMapOf(consumer, edge.operand_number).has_value());
      return;
    }
    ++edges_in_space_;
    if (access.source != edge.operand) ++cancelled_;
    const Index at = space_.IndexAt(edge.consumer, point);
    const Index found = space_.IndexAt(access.source, point);
    if (access.source == edge.operand && consumer.opcode() == Opcode::kReduce) {
      return CheckReduce(edge, at, found);
    }
    if (access.source != edge.operand) {
      EXPECT_EQ(ElementOf(consumer, at), ElementOf(graph_.value(access.source), found));
      return;
    }
    const std::optional<Index> expected = IndexOfOperand(consumer, edge.operand_number, at);
    if (!expected.has_value()) return;
    EXPECT_EQ(found, *expected) << consumer.name();
  }

  // Kept coordinates are the result's; the classes that the reduce ends make up the others, and are
  // none of the result's.
  void CheckReduce(const FusionEdge& edge, const Index& at, const Index& found) {
    const Instruction& reduce = graph_.value(edge.consumer);
    if (2 * edge.operand_number >= reduce.operand_count()) {
      EXPECT_TRUE(found.empty());
      return;
    }
    Index kept;
    int64_t reduced = 1;
    for (size_t d = 0; d < found.size(); ++d) {
      const std::vector<int64_t>& dimensions = reduce.dimensions();
      if (std::count(dimensions.begin(), dimensions.end(), d) == 0) {
        kept.push_back(found[d]);
      } else {
        reduced *= SizesOf(edge.operand)[d];
      }
    }
    EXPECT_EQ(kept, at);
    const auto classes = space_.ClassesOf(edge.consumer);
    for (int c : space_.EndedBy(edge.consumer)) {
      reduced /= space_.classes()[c].size;
      EXPECT_TRUE(space_.classes()[c].reduced);
      EXPECT_EQ(std::count(classes.begin(), classes.end(), c), 0);
    }
    EXPECT_EQ(reduced, 1);
  }

  // The value that reshapes made this one of, and the index in it.
  std::pair<const Instruction*, Index> ElementOf(const Instruction& reshaped, Index index) {
    const Instruction* value = &reshaped;
    while (value->opcode() == Opcode::kReshape) {
      index = *IndexMapOf(*value, 0)->Evaluate(index);
      value = value->operand(0);
    }
    return {value, index};
  }

  // By the op itself; nullopt where the consumer reads another operand.
  std::optional<Index> IndexOfOperand(const Instruction& consumer, int64_t operand,
                                      const Index& at) {
    if (consumer.operand(operand)->shape().IsScalar()) return Index{};
    switch (consumer.kind()) {
      case OpKind::kDataMovement:
        return IndexMapOf(consumer, operand)->Evaluate(at);
      case OpKind::kIndexing:
        if (consumer.opcode() != Opcode::kGather) return at;
        return IndexOfGathered(consumer, operand, at);
      default:
        return at;
    }
  }

  // Indices of which each element of the result has one; or whole slices of single rows.
  Index IndexOfGathered(const Instruction& gather, int64_t operand, const Index& at) {
    if (operand == 1) return {at[0], at[1]};
    const GatherAttributes& attributes = gather.attributes<GatherAttributes>();
    Index index(gather.operand(0)->shape().rank(), 0);
    for (size_t d = 1; d < index.size(); ++d) index[d] = at[attributes.offset_dims[d - 1]];
    return index;
  }

  // Each map leads to an index that data movement reaches from the consumer's operand.
  void CheckUses(int v) {
    const ValueUses& uses = info_.uses().Of(v);
    EXPECT_LE(info_.uses().ElementsNeeded(v), ElementsOf(graph_.value(v).shape()));
    for (const BoundaryUse& use : uses.boundary) {
      if (!use.map.has_value()) continue;
      for (int i = 0; i < 5; ++i) {
        const Index at = RandomIndex(use.map->sizes);
        const std::optional<Index> index = use.map->Evaluate(at);
        if (!index.has_value()) continue;
        ++maps_;
        EXPECT_TRUE(
            Reaches(graph_.value(use.consumer), use.operand_number, at, graph_.value(v), *index))
            << graph_.value(v).name() << " by " << graph_.value(use.consumer).name() << ": "
            << use.map->ToString();
      }
    }
  }

  bool Reaches(const Instruction& consumer, int64_t operand, const Index& at,
               const Instruction& target, const Index& target_index) {
    const int number = graph_.NumberOf(consumer);
    const int source =
        space_.AccessOf(graph_.FirstEdgeOf(number) + static_cast<int>(operand)).source;
    const Instruction* value = &graph_.value(source);
    std::optional<Index> index = at;
    if (value == consumer.operand(operand)) {
      const std::optional<IndexMap> map = ElementMapOf(consumer, operand);
      index = map.has_value() ? map->Evaluate(at) : std::nullopt;
    }
    if (!index.has_value()) return false;
    if (value == &target && *index == target_index) return true;
    if (value->kind() != OpKind::kDataMovement) return false;
    for (int64_t k = 0; k < value->operand_count(); ++k) {
      if (Reaches(*value, k, *index, target, target_index)) return true;
    }
    return false;
  }

  const FusionInfo info_;
  const FusionGraph& graph_;
  const IterationSpace& space_;
  std::mt19937 random_;
  int edges_in_space_ = 0;
  int maps_ = 0;
  int cancelled_ = 0;
};

TEST(Laws, HoldForRandomFusions) {
  int in_space = 0, maps = 0, cancelled = 0;
  for (uint32_t seed = 1; seed <= 2000; ++seed) {
    const std::unique_ptr<Module> module = test::RandomFusion(seed, 4 + seed % 20);
    ASSERT_TRUE(Verify(*module).ok()) << Verify(*module) << ToString(*module);
    Laws laws(*module->entry(), seed);
    laws.Check();
    in_space += laws.edges_in_space();
    maps += laws.maps();
    cancelled += laws.cancelled();
    if (testing::Test::HasFailure()) {
      FAIL() << "seed " << seed << "\n"
             << ToString(*module) << ToString(FusionInfo(ViewOf(*module->entry())));
    }
  }
  // The fusions are such that every law has been asked many times.
  EXPECT_GT(in_space, 100000);
  EXPECT_GT(maps, 10000);
  EXPECT_GT(cancelled, 50);
}

}  // namespace
}  // namespace ingot
