// Who reads an array last.
#include "compiler/program/array_uses.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ir/text/parser.h"

namespace ingot::program {
namespace {

constexpr absl::string_view kComputations = R"(HloModule m
one { a = f32[8] parameter(0)  ROOT r = f32[8] negate(a) }
two { a = f32[8] parameter(0)  b = f32[8] parameter(1)  ROOT r = f32[8] add(a, b) }
both { a = f32[8] parameter(0)  n = f32[8] negate(a)  ROOT r = (f32[8], f32[8]) tuple(a, n) }
yes { s = (f32[8], f32[8]) parameter(0)  ROOT r = pred[] constant(true) }
second {
  s = (f32[8], f32[8]) parameter(0)
  x = f32[8] get-tuple-element(s), index=0
  y = f32[8] get-tuple-element(s), index=1
  n = f32[8] fusion(y), kind=kLoop, calls=one
  ROOT r = (f32[8], f32[8]) tuple(x, n)
}
swap {
  s = (f32[8], f32[8]) parameter(0)
  x = f32[8] get-tuple-element(s), index=0
  y = f32[8] get-tuple-element(s), index=1
  n = f32[8] fusion(x), kind=kLoop, calls=one
  m = f32[8] fusion(n), kind=kLoop, calls=one
  ROOT r = (f32[8], f32[8]) tuple(y, m)
}
)";

using Pairs = std::vector<std::pair<int, int>>;  // (result, operand)

// By the names of the fusions of computation `name`; `memories` are of its results.
template <typename Ask>
auto Asked(absl::string_view entry, absl::string_view name, const ResultMemories& memories,
           const Ask& ask) {
  const auto module = ParseModule(absl::StrCat(kComputations, "ENTRY e {", entry, "\n}\n"), "m");
  EXPECT_TRUE(module.ok()) << module.status();
  std::map<std::string, decltype(ask(std::declval<ArrayUses>(), std::declval<Instruction&>()))>
      answers;
  if (!module.ok()) return answers;
  for (const Computation* computation : (*module)->computations()) {
    if (computation->name() != name) continue;
    const ArrayUses uses(*computation, memories);
    for (const Instruction* instruction : computation->instructions()) {
      if (instruction->opcode() != Opcode::kFusion) continue;
      auto answer = ask(uses, *instruction);
      if (!answer.empty()) answers[instruction->name()] = std::move(answer);
    }
  }
  return answers;
}

std::map<std::string, std::vector<int>> ReadsOf(absl::string_view entry,
                                                absl::string_view name = "e",
                                                const ResultMemories& memories = {}) {
  return Asked(entry, name, memories, [](const ArrayUses& uses, const Instruction& fusion) {
    const absl::Span<const int> reads = uses.LastReadsOf(fusion);
    return std::vector<int>(reads.begin(), reads.end());
  });
}

std::map<std::string, Pairs> PairsOf(absl::string_view entry, absl::string_view name,
                                     const ResultMemories& memories) {
  return Asked(entry, name, memories, [](const ArrayUses& uses, const Instruction& fusion) {
    Pairs pairs;
    for (const plan::InPlacePair& pair : uses.PairsOf(fusion)) {
      pairs.push_back({pair.result, pair.operand});
    }
    return pairs;
  });
}

using Reads = std::map<std::string, std::vector<int>>;

TEST(LastReads, AnArrayDiesWhereItIsReadLast) {
  const Reads reads = ReadsOf(R"(
  x = f32[8] parameter(0)
  a = f32[8] fusion(x), kind=kLoop, calls=one
  b = f32[8] fusion(a), kind=kLoop, calls=one
  c = f32[8] fusion(b, a), kind=kLoop, calls=two
  ROOT d = f32[8] fusion(c, x), kind=kLoop, calls=two)");
  EXPECT_EQ(reads, (Reads{{"c", {0, 1}}, {"d", {0}}}));
}

TEST(LastReads, NotWhatTheFusionHasTwiceOrTheComputationLeaves) {
  const Reads reads = ReadsOf(R"(
  x = f32[8] parameter(0)
  k = f32[8] constant({1, 2, 3, 4, 5, 6, 7, 8})
  a = f32[8] fusion(x), kind=kLoop, calls=one
  b = f32[8] fusion(a, a), kind=kLoop, calls=two
  c = f32[8] fusion(b, k), kind=kLoop, calls=two
  d = f32[8] fusion(c), kind=kLoop, calls=one
  ROOT r = (f32[8], f32[8]) tuple(c, d))");
  EXPECT_EQ(reads, (Reads{{"c", {0}}}));
}

TEST(LastReads, ThroughTuplesAndReshapes) {
  const Reads reads = ReadsOf(R"(
  x = f32[8] parameter(0)
  a = (f32[8], f32[8]) fusion(x), kind=kLoop, calls=both
  y = f32[8] get-tuple-element(a), index=0
  z = f32[8] get-tuple-element(a), index=1
  w = f32[2,4] reshape(y)
  t = (f32[2,4], f32[8]) tuple(w, z)
  v = f32[2,4] get-tuple-element(t), index=0
  u = f32[8] reshape(v)
  b = f32[8] fusion(z), kind=kLoop, calls=one
  c = f32[8] fusion(u, b), kind=kLoop, calls=two
  ROOT d = f32[8] fusion(c, y), kind=kLoop, calls=two)");
  EXPECT_EQ(reads, (Reads{{"b", {0}}, {"c", {1}}, {"d", {0, 1}}}));
}

TEST(LastReads, StatesOfLoopsAreOwnBehindTheLoopOnly) {
  constexpr absl::string_view kLoop = R"(
  x = f32[8] parameter(0)
  a = f32[8] fusion(x), kind=kLoop, calls=one
  s = (f32[8], f32[8]) tuple(a, a)
  l = (f32[8], f32[8]) while(s), condition=yes, body=swap
  y = f32[8] get-tuple-element(l), index=0
  ROOT d = f32[8] fusion(y, a), kind=kLoop, calls=two)";
  EXPECT_EQ(ReadsOf(kLoop), (Reads{{"d", {0, 1}}}));
  EXPECT_EQ(ReadsOf(kLoop, "swap"), (Reads{{"m", {0}}}));
}

// Parameters whose memory results are to have: those that are given away, and a loop's state.
TEST(LastReads, ParametersThatAreGivenAway) {
  constexpr absl::string_view kStep = R"(
  x = f32[8] parameter(0)
  y = f32[8] parameter(1)
  a = f32[8] fusion(x, y), kind=kLoop, calls=two
  b = f32[8] fusion(a, y), kind=kLoop, calls=two
  ROOT r = (f32[8], f32[8]) tuple(b, a))";
  EXPECT_EQ(ReadsOf(kStep), (Reads{}));
  EXPECT_EQ(ReadsOf(kStep, "e", {-1, 0}), (Reads{{"a", {0}}}));
  EXPECT_EQ(ReadsOf(kStep, "e", {1, 0}), (Reads{{"a", {0}}, {"b", {1}}}));
  using AllPairs = std::map<std::string, Pairs>;
  EXPECT_EQ(PairsOf(kStep, "e", {1, 0}), (AllPairs{{"a", {{0, 0}}}, {"b", {{0, 1}}}}));
  EXPECT_EQ(PairsOf(kStep, "e", {0, 1}), (AllPairs{}));
}

TEST(LastReads, WhatTheBodyLeavesAsItIsStaysTheOperands) {
  constexpr absl::string_view kLoop = R"(
  s = (f32[8], f32[8]) parameter(0)
  x = f32[8] get-tuple-element(s), index=0
  y = f32[8] get-tuple-element(s), index=1
  a = f32[8] fusion(x), kind=kLoop, calls=one
  b = f32[8] fusion(y), kind=kLoop, calls=one
  t = (f32[8], f32[8]) tuple(a, b)
  l = (f32[8], f32[8]) while(t), condition=yes, body=second
  z = f32[8] get-tuple-element(l), index=0
  w = f32[8] get-tuple-element(l), index=1
  c = f32[8] fusion(w), kind=kLoop, calls=one
  d = f32[8] fusion(c, a), kind=kLoop, calls=two
  ROOT e2 = f32[8] fusion(d, z), kind=kLoop, calls=two)";
  EXPECT_EQ(ReadsOf(kLoop), (Reads{{"c", {0}}, {"d", {0}}, {"e2", {0, 1}}}));
}

}  // namespace
}  // namespace ingot::program
