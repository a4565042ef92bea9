// The number of times that a loop's body runs, beside what comes of running it.
#include "ir/analysis/trip_count.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "ir/text/parser.h"

namespace ingot {
namespace {

struct Loop {
  int64_t first, limit, step;
  const char* direction;
};

std::string TextOf(const Loop& loop, const char* type, bool turned, bool subtracts) {
  return absl::StrReplaceAll(
      R"(HloModule m

condition {
  p = (TYPE[], f32[4]) parameter(0)
  i = TYPE[] get-tuple-element(p), index=0
  limit = TYPE[] constant(LIMIT)
  ROOT c = pred[] compare(COMPARED), direction=DIRECTION
}

body {
  p = (TYPE[], f32[4]) parameter(0)
  i = TYPE[] get-tuple-element(p), index=0
  x = f32[4] get-tuple-element(p), index=1
  step = TYPE[] constant(STEP)
  next = TYPE[] OP(i, step)
  y = f32[4] add(x, x)
  ROOT t = (TYPE[], f32[4]) tuple(next, y)
}

ENTRY e {
  x = f32[4] parameter(0)
  i = TYPE[] constant(FIRST)
  s = (TYPE[], f32[4]) tuple(i, x)
  ROOT w = (TYPE[], f32[4]) while(s), condition=condition, body=body
}
)",
      {{"TYPE", type},
       {"LIMIT", absl::StrCat(loop.limit)},
       {"STEP", absl::StrCat(subtracts ? -loop.step : loop.step)},
       {"FIRST", absl::StrCat(loop.first)},
       {"OP", subtracts ? "subtract" : "add"},
       {"COMPARED", turned ? "limit, i" : "i, limit"},
       {"DIRECTION", loop.direction}});
}

bool Holds(const std::string& direction, int64_t x, int64_t y) {
  if (direction == "LT") return x < y;
  if (direction == "LE") return x <= y;
  if (direction == "GT") return x > y;
  if (direction == "GE") return x >= y;
  if (direction == "NE") return x != y;
  return x == y;
}

// nullopt: it runs for long.
template <typename T>
std::optional<int64_t> Run(const Loop& loop, bool turned) {
  constexpr int64_t kMost = 100000;
  T at = static_cast<T>(loop.first);
  for (int64_t count = 0; count < kMost; ++count) {
    const bool goes_on =
        turned ? Holds(loop.direction, loop.limit, at) : Holds(loop.direction, at, loop.limit);
    if (!goes_on) return count;
    at = static_cast<T>(static_cast<int64_t>(at) + loop.step);
  }
  return std::nullopt;
}

template <typename T>
void ExpectRight(const char* type, const Loop& loop, bool is_known) {
  for (const bool turned : {false, true}) {
    for (const bool subtracts : {false, true}) {
      const bool is_signed = type[0] == 's';
      if (!is_signed && (subtracts == (loop.step > 0))) continue;
      const auto module = ParseModule(TextOf(loop, type, turned, subtracts), "loop");
      ASSERT_TRUE(module.ok()) << module.status();
      const std::optional<int64_t> count = TripCountOf(*(*module)->entry()->root());
      const std::string what = absl::StrCat(type, " ", loop.first, " ", loop.direction, " ",
                                            loop.limit, " by ", loop.step, turned ? " turned" : "");
      if (count.has_value()) {
        EXPECT_EQ(count, (Run<T>(loop, turned))) << what;
      }
      if (is_known && !turned) {
        EXPECT_TRUE(count.has_value()) << what;
      }
    }
  }
}

TEST(TripCount, IsWhatRunningGives) {
  int known = 0;
  for (const char* direction : {"LT", "LE", "GT", "GE", "NE", "EQ"}) {
    for (int64_t first : {-7, -1, 0, 1, 5, 100, 127}) {
      for (int64_t limit : {-8, -1, 0, 1, 5, 10, 99, 126, 127}) {
        for (int64_t step : {-3, -1, 1, 2, 7}) {
          const Loop loop = {first, limit, step, direction};
          ExpectRight<int32_t>("s32", loop, false);
          ExpectRight<int8_t>("s8", loop, false);
          if (first >= 0 && limit >= 0) ExpectRight<uint8_t>("u8", loop, false);
          ++known;
        }
      }
    }
  }
  EXPECT_GT(known, 1000);
}

TEST(TripCount, KnowsCountedLoops) {
  ExpectRight<int32_t>("s32", {0, 128, 1, "LT"}, true);
  ExpectRight<int32_t>("s32", {0, 128, 1, "NE"}, true);
  ExpectRight<int32_t>("s32", {3, 100, 7, "LE"}, true);
  ExpectRight<int32_t>("s32", {50, 0, -1, "GT"}, true);
  ExpectRight<int32_t>("s32", {50, 0, -3, "GE"}, true);
  ExpectRight<uint32_t>("u32", {0, 9, 1, "LT"}, true);
}

// A sum that wraps before the condition fails, an equality, a step away from the limit.
TEST(TripCount, KnowsNoOthers) {
  for (const Loop& loop : {Loop{0, 127, 100, "LE"}, Loop{0, 0, 1, "EQ"}, Loop{5, 9, -1, "LT"}}) {
    const auto module = ParseModule(TextOf(loop, "s8", false, false), "loop");
    ASSERT_TRUE(module.ok()) << module.status();
    EXPECT_EQ(TripCountOf(*(*module)->entry()->root()), std::nullopt) << loop.direction;
  }
}

}  // namespace
}  // namespace ingot
