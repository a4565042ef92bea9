// Tables and traces of profiles.
#include "compiler/tools/profile.h"

#include <gtest/gtest.h>

#include <iterator>
#include <sstream>

namespace ingot::tools {
namespace {

using runtime::Command;

Command MakeLaunch(const char* label, int64_t bytes, int64_t flops) {
  Command command;
  command.label = label;
  runtime::Launch launch;
  launch.kernel = std::string(label) + "_kernel";
  launch.grid = {7, 2, 1};
  command.operation = launch;
  command.bytes = bytes;
  command.flops = flops;
  return command;
}

TEST(ProfileTest, TextAndTrace) {
  const Command sum = MakeLaunch("sum.1", 4000000, 1000);
  const Command product = MakeLaunch("dot.2", 1000, 8000000000);
  Command copy;
  copy.label = "copy.3";
  copy.operation = runtime::Copy{{.size = 500000}, {.size = 500000}};
  // The body of a loop ran twice.
  const runtime::Profile profile = {
      {&copy, 1000, 0}, {&sum, 2000, 5000}, {&product, 16000, 9000}, {&sum, 3000, 30000}};
  const ProfileContext context = {"a card", 2000, 1e6, 40};
  const std::string text = ProfileText(profile, context);
  std::istringstream lines(text);
  std::vector<std::vector<std::string>> rows;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    rows.push_back({std::istream_iterator<std::string>(words), {}});
  }
  ASSERT_EQ(rows.size(), 6u) << text;
  // The dearest first; floors by operations, by bytes of two runs, by bytes read and written.
  EXPECT_EQ(rows[1], (std::vector<std::string>{"dot.2", "dot.2_kernel", "1", "16.00", "72.7",
                                               "8000.00", "0.00", "0.06", "500000.00"}));
  EXPECT_EQ(rows[2], (std::vector<std::string>{"sum.1", "sum.1_kernel", "2", "5.00", "22.7",
                                               "4000.00", "0.00", "1600.00", "0.40"}));
  EXPECT_EQ(rows[3], (std::vector<std::string>{"copy.3", "copy", "1", "1.00", "4.5", "500.00",
                                               "0.00", "1000.00", "-"}));
  EXPECT_NE(text.find("3 commands run 4 times take 22.00 us one by one"), std::string::npos);
  EXPECT_NE(text.find("an ordinary run takes 40.00 us, 18.00 us more than its commands"),
            std::string::npos)
      << text;
  // Nothing is made up where rates are not known.
  const std::string bare = ProfileText(profile, {});
  EXPECT_NE(bare.find("take 22.00 us one by one, - times their floor"), std::string::npos) << bare;
  EXPECT_EQ(bare.find("ordinary"), std::string::npos);

  const nlohmann::json events = TraceJson(profile, context)["traceEvents"];
  std::vector<std::pair<double, double>> spans;
  for (const nlohmann::json& event : events) {
    if (event["ph"] == "X") spans.emplace_back(event["ts"], event["dur"]);
  }
  EXPECT_EQ(spans, (std::vector<std::pair<double, double>>{{0, 1}, {5, 2}, {9, 16}, {30, 3}}));
  EXPECT_EQ(events[3]["name"], "sum.1");
  EXPECT_EQ(events[3]["args"]["kernel"], "sum.1_kernel");
  EXPECT_EQ(events[3]["args"]["grid"], nlohmann::json({7, 2, 1}));
  EXPECT_EQ(events[3]["args"]["floor_us"], 2000);
}

}  // namespace
}  // namespace ingot::tools
