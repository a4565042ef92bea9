// Who reads an array last.
#include "compiler/program/last_reads.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
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
swap {
  s = (f32[8], f32[8]) parameter(0)
  x = f32[8] get-tuple-element(s), index=0
  y = f32[8] get-tuple-element(s), index=1
  n = f32[8] fusion(x), kind=kLoop, calls=one
  m = f32[8] fusion(n), kind=kLoop, calls=one
  ROOT r = (f32[8], f32[8]) tuple(y, m)
}
)";

// By the names of the fusions of computation `name`.
std::map<std::string, std::vector<int>> ReadsOf(absl::string_view entry,
                                                absl::string_view name = "e") {
  const auto module = ParseModule(absl::StrCat(kComputations, "ENTRY e {", entry, "\n}\n"), "m");
  EXPECT_TRUE(module.ok()) << module.status();
  std::map<std::string, std::vector<int>> reads;
  if (!module.ok()) return reads;
  for (const auto& computation : (*module)->computations()) {
    if (computation->name() != name) continue;
    for (const auto& [fusion, operands] : FindLastReads(*computation)) {
      reads[fusion->name()] = operands;
    }
  }
  return reads;
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

}  // namespace
}  // namespace ingot::program
