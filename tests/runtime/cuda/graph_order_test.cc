// Which commands of a graph wait for which others.
#include "runtime/cuda/graph_order.h"

#include <algorithm>
#include <random>
#include <vector>

#include "gtest/gtest.h"
#include "tests/runtime/testing.h"

namespace ingot::runtime::cuda {
namespace {

using Edges = std::vector<std::vector<int>>;

Edges OrderOf(const Program& program) {
  std::vector<const Command*> commands;
  for (const Command& command : program.commands) commands.push_back(&command);
  return GraphOrder(program, commands);
}

Program OfLaunches(std::vector<std::vector<Argument>> launches) {
  Program program;
  for (std::vector<Argument>& arguments : launches) {
    program.commands.push_back(MakeLaunch("k", 1, std::move(arguments)));
  }
  return program;
}

TEST(GraphOrder, ReadersWaitForTheWriterAndTheNextWriterForThem) {
  const BufferSlice x = ArenaSlice(0, 64), y = ArenaSlice(64, 64), z = ArenaSlice(128, 64);
  EXPECT_EQ(OrderOf(OfLaunches({{Write(x)}, {Read(x), Write(y)}, {Read(x), Write(z)}, {Write(x)}})),
            (Edges{{}, {0}, {0}, {1, 2}}));
}

TEST(GraphOrder, WhatHasNothingInCommonWaitsForNothing) {
  std::vector<std::vector<Argument>> launches;
  for (int i = 0; i < kGraphLanes; ++i) launches.push_back({Write(ArenaSlice(64 * i, 64))});
  EXPECT_EQ(OrderOf(OfLaunches(launches)), Edges(kGraphLanes));
}

TEST(GraphOrder, BytesAndNotSlicesAreCompared) {
  EXPECT_EQ(OrderOf(OfLaunches({{Write(ArenaSlice(0, 64))},
                                {Write(ArenaSlice(128, 64))},
                                {Read(ArenaSlice(32, 64))},
                                {Read(ArenaSlice(64, 64))},
                                {Write(ArenaSlice(0, 256))}})),
            (Edges{{}, {}, {0}, {}, {1, 2, 3}}));
}

TEST(GraphOrder, CopiesAndFills) {
  Program program;
  program.commands.resize(3);
  program.commands[0].operation = Fill{ArenaSlice(0, 64)};
  program.commands[1].operation = Copy{ArenaSlice(0, 64), ArenaSlice(64, 64)};
  program.commands[2].operation = Fill{ArenaSlice(0, 64)};
  EXPECT_EQ(OrderOf(program), (Edges{{}, {0}, {1}}));
}

TEST(GraphOrder, LoopsAndConditionalsTouchWhatTheirCommandsDo) {
  const BufferSlice x = ArenaSlice(0, 64), y = ArenaSlice(64, 64), z = ArenaSlice(128, 64);
  const BufferSlice predicate = ArenaSlice(192, 1), index = ArenaSlice(256, 4);
  While loop;
  loop.predicate = predicate;
  loop.condition = {MakeLaunch("k", 1, {Read(x), Write(predicate)})};
  loop.body = {MakeLaunch("k", 1, {Update(x)})};
  Conditional conditional;
  conditional.selector = Selector::kIndex;
  conditional.index = index;
  Command inner;
  inner.operation = loop;
  conditional.branches = {{MakeLaunch("k", 1, {Write(y)})}, {inner}};
  Program program = OfLaunches({{Write(x)}, {Write(index)}, {Write(z)}, {}, {Read(x)}, {}, {}});
  program.commands[3].operation = loop;
  program.commands[5].operation = conditional;
  program.commands[6] = MakeLaunch("k", 1, {Write(predicate)});
  EXPECT_EQ(OrderOf(program), (Edges{{}, {}, {}, {0}, {3}, {1, 4}, {5}}));
}

TEST(GraphOrder, AnInputThatIsGivenAwayIsTheOutput) {
  Program program;
  program.inputs = {{"x", F32({16})}, {"y", F32({16})}};
  program.outputs = {{"x", F32({16}), /*aliased_input=*/0}};
  program.commands = {MakeLaunch("k", 1, {Read(InputSlice(program, 0)), Write(ArenaSlice(0, 64))}),
                      MakeLaunch("k", 1, {Read(InputSlice(program, 1)), Write(ArenaSlice(64, 64))}),
                      MakeLaunch("k", 1, {Write(OutputSlice(program, 0))})};
  EXPECT_EQ(OrderOf(program), (Edges{{}, {}, {0}}));
}

// ----- Random programs

bool Conflict(const Command& a, const Command& b) {
  for (const Argument& left : std::get<Launch>(a.operation).arguments) {
    for (const Argument& right : std::get<Launch>(b.operation).arguments) {
      const auto& l = std::get<BufferArgument>(left);
      const auto& r = std::get<BufferArgument>(right);
      if (l.access == Access::kRead && r.access == Access::kRead) continue;
      const int64_t begin = std::max(l.slice.offset, r.slice.offset);
      if (begin < std::min(l.slice.offset + l.slice.size, r.slice.offset + r.slice.size)) {
        return true;
      }
    }
  }
  return false;
}

TEST(GraphOrder, ConflictsStayInOrderInFewLanesWithNoEdgeTooMany) {
  std::mt19937 random(5);
  const auto draw = [&](int below) { return static_cast<int>(random() % below); };
  int side_by_side = 0;
  for (int n = 0; n < 200; ++n) {
    std::vector<std::vector<Argument>> launches(draw(60));
    const int places = 1 + draw(40);
    for (std::vector<Argument>& arguments : launches) {
      for (int k = draw(4); k >= 0; --k) {
        const BufferSlice slice = ArenaSlice(16 * draw(places), 16 * draw(5));
        arguments.push_back(draw(3) == 0   ? Write(slice)
                            : draw(2) == 0 ? Update(slice)
                                           : Read(slice));
      }
    }
    const Program program = OfLaunches(launches);
    const Edges edges = OrderOf(program);
    const int count = static_cast<int>(edges.size());
    std::vector<std::vector<bool>> before(count, std::vector<bool>(count));
    for (int i = 0; i < count; ++i) {
      EXPECT_TRUE(std::is_sorted(edges[i].begin(), edges[i].end()));
      for (int edge : edges[i]) {
        ASSERT_LT(edge, i);
        for (int other : edges[i]) EXPECT_FALSE(before[other][edge]) << "it follows from another";
      }
      for (int edge : edges[i]) {
        before[i][edge] = true;
        for (int k = 0; k < edge; ++k) before[i][k] = before[i][k] || before[edge][k];
      }
      // Of those so far some that are in no order, found greedily.
      std::vector<int> apart{i};
      for (int k = i - 1; k >= 0; --k) {
        if (Conflict(program.commands[k], program.commands[i])) {
          EXPECT_TRUE(before[i][k]) << k << " and " << i;
        }
        if (std::none_of(apart.begin(), apart.end(), [&](int other) { return before[other][k]; })) {
          apart.push_back(k);
        }
      }
      EXPECT_LE(apart.size(), kGraphLanes);
      side_by_side += static_cast<int>(apart.size()) - 1;
    }
  }
  EXPECT_GT(side_by_side, 1000);
}

}  // namespace
}  // namespace ingot::runtime::cuda
