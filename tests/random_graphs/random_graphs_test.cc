#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "compiler/codegen/cuda/nvrtc.h"
#include "ir/text/printer.h"
#include "tests/random_graphs/check.h"
#include "tests/random_graphs/generator.h"
#include "tests/random_graphs/run.h"

namespace ingot::random_graphs {
namespace {

constexpr Seeds kSeeds = {1, 2000};

void ExpectAllSame(const std::string& target, Seeds seeds = kSeeds) {
  const auto checker = Checker::Make(target);
  ASSERT_TRUE(checker.ok()) << checker.status();
  RunOptions options;
  options.report = [](uint64_t seed, const Verdict& verdict, const std::string& text) {
    ADD_FAILURE() << "seed " << seed << ": " << verdict.message << "\n" << text;
  };
  const Counts counts = Run(**checker, seeds, options);
  EXPECT_EQ(counts.same, seeds.last - seeds.first + 1);
}

TEST(RandomGraphs, GiveOnTheHostWhatTheEvaluatorGives) { ExpectAllSame("host"); }

TEST(RandomGraphs, CompileForAGpu) { ExpectAllSame("sm_90a"); }

// LLVM does not know it: CUDA C++, through NVRTC.
TEST(RandomGraphs, CompileForAGpuByNvrtc) {
  if (codegen::Nvrtc::Get() == nullptr) GTEST_SKIP() << "libnvrtc was not found";
  ExpectAllSame("sm_120", {1, 100});
}

// With every check of the simulator: races, bounds, unwritten reads.
TEST(RandomGraphs, GiveInTheSimulatorWhatTheEvaluatorGives) { ExpectAllSame("sim:sm_90a-tiny"); }

TEST(Generator, GivesTheSameGraphForTheSameSeed) {
  for (uint64_t seed : {1, 17, 400}) {
    const auto first = Generate(seed), second = Generate(seed);
    ASSERT_TRUE(first.ok() && second.ok());
    EXPECT_EQ(ToString(*first->module), ToString(*second->module));
    EXPECT_TRUE(first->inputs == second->inputs);
  }
}

// What the graphs of kSeeds are made of, results that nothing needs left out.
struct Coverage {
  std::set<ElementType> types;
  std::set<int64_t> ranks, sizes;
  std::map<Opcode, int> ops;
  std::set<std::pair<Opcode, Opcode>> pairs;  // producer, consumer
  int several_results = 0;
};

// Ops that are drawn alike count as one: the elementwise ones of one operand, and those of two.
Opcode Group(Opcode opcode) {
  if (KindOf(opcode) != OpKind::kElementwise) return opcode;
  if (opcode == Opcode::kConvert || opcode == Opcode::kCompare) return opcode;
  if (InfoOf(opcode).arity == 1) return Opcode::kNegate;
  return InfoOf(opcode).arity == 2 ? Opcode::kAdd : opcode;
}

void Add(const Computation& computation, Coverage& coverage) {
  for (const Instruction* instruction : computation.instructions()) {
    ++coverage.ops[instruction->opcode()];
    for (const Instruction* operand : instruction->operands()) {
      coverage.pairs.insert({Group(operand->opcode()), Group(instruction->opcode())});
    }
    if (!instruction->shape().IsArray()) continue;
    coverage.types.insert(instruction->shape().element_type());
    coverage.ranks.insert(instruction->shape().rank());
    for (int64_t size : instruction->shape().dimensions()) coverage.sizes.insert(size);
  }
}

TEST(Generator, CoversSizesTypesAndPairsOfOps) {
  Coverage coverage;
  for (uint64_t seed = kSeeds.first; seed <= kSeeds.last; ++seed) {
    const auto graph = Generate(seed);
    ASSERT_TRUE(graph.ok()) << seed << ": " << graph.status();
    for (const Computation* computation : graph->module->computations()) {
      Add(*computation, coverage);
    }
    coverage.several_results += graph->module->entry()->root()->opcode() == Opcode::kTuple;
  }
  EXPECT_EQ(coverage.types.size(), kElementTypeCount);
  for (int64_t rank = 0; rank <= 6; ++rank) EXPECT_EQ(coverage.ranks.count(rank), 1) << rank;
  for (int64_t size : {0, 1, 2, 3, 5, 7, 8, 13, 16, 17, 31, 32, 64, 67, 128}) {
    EXPECT_EQ(coverage.sizes.count(size), 1) << size;
  }
  EXPECT_GT(coverage.several_results, 500);
  for (Opcode opcode : {Opcode::kWhile, Opcode::kConditional, Opcode::kCall, Opcode::kTuple,
                        Opcode::kOptimizationBarrier, Opcode::kSort, Opcode::kScan, Opcode::kGather,
                        Opcode::kScatter, Opcode::kSelectAndScatter}) {
    EXPECT_GE(coverage.ops[opcode], 20) << OpcodeName(opcode);
  }
  // Data movement under and over every kind of op.
  static constexpr Opcode kMovement[] = {
      Opcode::kBroadcast, Opcode::kConcatenate, Opcode::kCopy,  Opcode::kIota,     Opcode::kPad,
      Opcode::kReshape,   Opcode::kReverse,     Opcode::kSlice, Opcode::kTranspose};
  static constexpr Opcode kOthers[] = {
      Opcode::kNegate,      Opcode::kAdd,          Opcode::kCompare,
      Opcode::kSelect,      Opcode::kClamp,        Opcode::kConvert,
      Opcode::kMap,         Opcode::kBroadcast,    Opcode::kConcatenate,
      Opcode::kPad,         Opcode::kReshape,      Opcode::kReverse,
      Opcode::kSlice,       Opcode::kTranspose,    Opcode::kCopy,
      Opcode::kReduce,      Opcode::kReduceWindow, Opcode::kDot,
      Opcode::kConvolution, Opcode::kDynamicSlice, Opcode::kDynamicUpdateSlice,
      Opcode::kGather,      Opcode::kScatter,      Opcode::kSort,
      Opcode::kCall};
  for (Opcode movement : kMovement) {
    for (Opcode other : kOthers) {
      EXPECT_EQ(coverage.pairs.count({movement, other}), 1)
          << OpcodeName(other) << " over " << OpcodeName(movement);
      // Results of these are taken from a tuple, mostly.
      if (other == Opcode::kSort || movement == Opcode::kIota) continue;
      EXPECT_EQ(coverage.pairs.count({other, movement}), 1)
          << OpcodeName(movement) << " over " << OpcodeName(other);
    }
  }
}

int CountOps(const Graph& graph, Opcode opcode) {
  const auto& all = graph.module->entry()->instructions();
  return static_cast<int>(std::count_if(
      all.begin(), all.end(), [&](const Instruction* i) { return i->opcode() == opcode; }));
}

int CountComputed(const Graph& graph) {
  const auto& all = graph.module->entry()->instructions();
  return static_cast<int>(std::count_if(all.begin(), all.end(), [](const Instruction* i) {
    return i->opcode() != Opcode::kParameter && i->opcode() != Opcode::kConstant;
  }));
}

// A fault that any transpose shows: what is left is one transpose of a parameter.
TEST(CutDown, LeavesWhatFails) {
  int cut = 0;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    const auto graph = Generate(seed);
    ASSERT_TRUE(graph.ok());
    const auto fails = [](const Graph& g) { return CountOps(g, Opcode::kTranspose) > 0; };
    if (!fails(*graph)) continue;
    const Graph small = CutDown(*graph, fails);
    EXPECT_EQ(CountOps(small, Opcode::kTranspose), 1) << ToText(small);
    EXPECT_EQ(CountComputed(small), 1) << ToText(small);
    EXPECT_LE(small.inputs.size(), 1) << ToText(small);
    ++cut;
  }
  EXPECT_GT(cut, 20);
}

// A fault that takes two ops: both stay, one over the other.
TEST(CutDown, KeepsWhatIsNeeded) {
  int cut = 0;
  for (uint64_t seed = 1; seed <= 1000; ++seed) {
    const auto graph = Generate(seed);
    ASSERT_TRUE(graph.ok());
    const auto fails = [](const Graph& g) {
      for (const Instruction* i : g.module->entry()->instructions()) {
        if (i->opcode() != Opcode::kReshape) continue;
        for (const Instruction* operand : i->operands()) {
          if (operand->opcode() == Opcode::kBroadcast) return true;
        }
      }
      return false;
    };
    if (!fails(*graph)) continue;
    const Graph small = CutDown(*graph, fails);
    EXPECT_TRUE(fails(small));
    EXPECT_EQ(CountComputed(small), 2) << ToText(small);
    ++cut;
  }
  EXPECT_GT(cut, 5);
}

Graph OneResult(const Literal& expected, const Facts& facts) {
  Graph graph;
  graph.module = std::make_unique<Module>("m");
  Computation* entry = graph.module->AddComputation("entry");
  entry->set_root(entry->AddParameter(0, expected.shape(), "p"));
  graph.module->set_entry(entry);
  graph.facts["p"] = facts;
  return graph;
}

TEST(Difference, IsByFacts) {
  const auto differs = [](double a, double b, const Facts& facts) {
    const Literal expected = Literal::Scalar(ElementType::kF32, b);
    return !Difference({Literal::Scalar(ElementType::kF32, a)}, {expected},
                       OneResult(expected, facts))
                .empty();
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(differs(1.5, 1.5, {}));
  EXPECT_TRUE(differs(1.5, 1.5000001, {}));
  EXPECT_TRUE(differs(0.0, -0.0, {}));
  EXPECT_FALSE(differs(0.0, -0.0, {1, false, 0, false}));
  EXPECT_FALSE(differs(nan, nan, {}));
  EXPECT_TRUE(differs(nan, 1, {2, false, 0.5, true}));
  EXPECT_FALSE(differs(1.25, 1, {2, false, 0.5, true}));
  EXPECT_TRUE(differs(1.75, 1, {2, false, 0.5, true}));
  const Literal three = Literal::ScalarInteger(ElementType::kS32, 3);
  const Literal four = Literal::ScalarInteger(ElementType::kS32, 4);
  EXPECT_TRUE(Difference({three}, {three}, OneResult(three, {})).empty());
  EXPECT_FALSE(Difference({three}, {four}, OneResult(three, {})).empty());
}

}  // namespace
}  // namespace ingot::random_graphs
