// What a launch asks of the driver, on the stub of it.
#include <memory>
#include <vector>

#include "gtest/gtest.h"
#include "runtime/cuda/cuda_device.h"
#include "runtime/executor.h"
#include "tests/runtime/cuda/card_programs.h"
#include "tests/runtime/cuda/stub/stub_driver.h"
#include "tests/runtime/testing.h"

namespace ingot::runtime {
namespace {

const cuda::StubControl& Stub() { return cuda::OpenStub(); }

class LaunchTest : public testing::Test {
 protected:
  void SetUp() override { Stub().set_rules(""); }

  // Runs a program from nothing to s32[]; the result.
  static int32_t Run(const Program& program, Profile* profile = nullptr) {
    auto device = CreateCudaDevice();
    EXPECT_TRUE(device.ok()) << device.status();
    auto executor = Executor::Create(std::make_shared<Program>(program), device->get());
    EXPECT_TRUE(executor.ok()) << executor.status();
    if (!executor.ok()) return -1;
    auto outputs = (*executor)->Run({}, {.profile = profile});
    EXPECT_TRUE(outputs.ok()) << outputs.status();
    int32_t result = -1;
    if (outputs.ok()) {
      EXPECT_TRUE((*outputs)[0].CopyOut(&result).ok());
    }
    return result;
  }

  // A fill of the result with zeros, then launches that count by one.
  static Program Counting(int launches) {
    Program program;
    program.name = "counting";
    program.platform = "cuda";
    program.modules = {PtxModule()};
    program.outputs = {{"count", Shape::Scalar(ElementType::kS32)}};
    Command fill;
    fill.label = "fill";
    fill.operation = Fill{OutputSlice(program, 0), 0, 4};
    program.commands = {fill};
    for (int i = 0; i < launches; ++i) {
      program.commands.push_back(
          MakeLaunch("count", 1, {Update(OutputSlice(program, 0)), Scalar(1, 4)}));
    }
    return program;
  }
  static Launch& LaunchOf(Program& program, int command) {
    return std::get<Launch>(program.commands[command].operation);
  }
};

TEST_F(LaunchTest, AProgrammaticLaunchOverlapsTheLaunchBefore) {
  Program program = Counting(3);
  EXPECT_EQ(Run(program), 3);
  EXPECT_EQ(Stub().calls("cuGraphAddDependencies_v2"), 0);
  LaunchOf(program, 3).programmatic = true;
  EXPECT_EQ(Run(program), 3);
  EXPECT_EQ(Stub().calls("cuGraphAddDependencies_v2"), 1);
  // A fill is waited for.
  LaunchOf(program, 1).programmatic = true;
  EXPECT_EQ(Run(program), 3);
  EXPECT_EQ(Stub().calls("cuGraphAddDependencies_v2"), 2);
  EXPECT_EQ(Stub().calls("launch: programmatic"), 0);
  // On a stream it is an attribute.
  Profile profile;
  EXPECT_EQ(Run(program, &profile), 3);
  EXPECT_EQ(Stub().calls("launch: programmatic"), 2);
  EXPECT_EQ(Stub().calls("cuGraphAddDependencies_v2"), 2);
}

TEST_F(LaunchTest, ACardThatKnowsNoProgrammaticLaunches) {
  Stub().set_rules("capability=86");
  Program program = Counting(2);
  LaunchOf(program, 2).programmatic = true;
  Profile profile;
  EXPECT_EQ(Run(program), 2);
  EXPECT_EQ(Run(program, &profile), 2);
  EXPECT_EQ(Stub().calls("cuGraphAddDependencies_v2"), 0);
  EXPECT_EQ(Stub().calls("launch: programmatic"), 0);
}

TEST_F(LaunchTest, ClusterAndCooperativeOnAStream) {
  Program program = Counting(2);
  LaunchOf(program, 1).cooperative = true;
  LaunchOf(program, 2).grid.x = LaunchOf(program, 2).cluster.x = 2;
  Profile profile;
  EXPECT_EQ(Run(program, &profile), 2);
  EXPECT_EQ(Stub().calls("launch: cooperative"), 1);
  EXPECT_EQ(Stub().calls("launch: cluster"), 1);
}

// The stub's card has 6 multiprocessors of 2,048 threads and 228 KB of shared memory.
TEST_F(LaunchTest, AResidentGridHasAsManyBlocksAsTheCardHolds) {
  Program program = CardResidentProgram(1000);
  EXPECT_EQ(Run(program), 48);
  Profile profile;
  EXPECT_EQ(Run(program, &profile), 48);
  EXPECT_EQ(Run(CardResidentProgram(47)), 47);
  LaunchOf(program, 0).dynamic_shared_bytes = 100 << 10;
  EXPECT_EQ(Run(program), 12);
  LaunchOf(program, 0).grid.y = 5;
  EXPECT_EQ(Run(program), 2);
  LaunchOf(program, 0).grid.y = 30;
  EXPECT_EQ(Run(program), 1);
  LaunchOf(program, 0).resident = false;
  EXPECT_EQ(Run(program), 1000);
}

TEST_F(LaunchTest, AResidentGridOfClusters) {
  Program program = CardResidentProgram(1000);
  Launch& launch = LaunchOf(program, 0);
  launch.cluster.x = 4;
  EXPECT_EQ(Run(program), 48);
  // 48 blocks are 16 rows of 3.
  launch.grid.y = 16;
  EXPECT_EQ(Run(program), 4);
  launch.grid.y = 5;
  EXPECT_EQ(Run(program), 8);
  launch.dynamic_shared_bytes = 400 << 10;
  auto device = CreateCudaDevice();
  ASSERT_TRUE(device.ok());
  EXPECT_EQ(Executor::Create(std::make_shared<Program>(program), device->get()).status().message(),
            "command 0 'blocks.1': the card has no room for a block of kernel 'blocks'");
}

}  // namespace
}  // namespace ingot::runtime
