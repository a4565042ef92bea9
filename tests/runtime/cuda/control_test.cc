// Loops and conditionals, decided by the card and by the host, on the stub of the driver.
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "runtime/cuda/conditions.h"
#include "runtime/cuda/cuda_device.h"
#include "runtime/executor.h"
#include "runtime/log.h"
#include "tests/runtime/cuda/card_programs.h"
#include "tests/runtime/cuda/control_programs.h"
#include "tests/runtime/cuda/stub/stub_driver.h"
#include "tests/runtime/testing.h"

namespace ingot::runtime {
namespace {

const cuda::StubControl& Stub() { return cuda::OpenStub(); }

class ControlTest : public testing::Test {
 protected:
  void SetUp() override {
    Stub().set_rules("");
    ASSERT_EQ(Stub().live(), 0);
    lines_.clear();
    SetLogSink([](void*, const char* line) { absl::StrAppend(&lines_, line, "\n"); }, nullptr);
  }
  void TearDown() override {
    SetLogSink(nullptr, nullptr);
    EXPECT_EQ(Stub().live(), 0);
  }

  // Runs every program on several inputs, three times each; graphs, kernels and copies that each
  // run put on the stream are one: no predicate is read.
  static void RunAll(Device* device, bool card_decides) {
    for (const ControlProgram& control : ControlPrograms()) {
      SCOPED_TRACE(control.name);
      auto executor = Executor::Create(std::make_shared<Program>(control.program), device);
      ASSERT_TRUE(executor.ok()) << executor.status();
      for (int32_t start : {0, 7, 9, 1000}) {
        for (int32_t index : {-5, 0, 1, 2, 3}) {
          const int64_t launches = Stub().calls("cuGraphLaunch");
          const int64_t reads = Stub().calls("cuMemcpyDtoHAsync_v2");
          const absl::Status status = RunControl(control, **executor, start, index);
          ASSERT_TRUE(status.ok()) << status;
          if (!card_decides) continue;
          EXPECT_EQ(Stub().calls("cuGraphLaunch") - launches, 1);
          EXPECT_EQ(Stub().calls("cuMemcpyDtoHAsync_v2") - reads, 1);  // the result
        }
      }
      Profile profile;
      EXPECT_TRUE(RunControl(control, **executor, 1, 0, {.profile = &profile}).ok());
      EXPECT_FALSE(profile.empty());
    }
  }

  static std::string lines_;  // of the log
};
std::string ControlTest::lines_;

TEST_F(ControlTest, TheCardDecides) {
  auto device = CreateCudaDevice();
  ASSERT_TRUE(device.ok()) << device.status();
  RunAll(device->get(), true);
  EXPECT_TRUE(absl::StrContains(
      lines_, "program 'loop in a loop': the card decides on loops and conditionals"))
      << lines_;
  EXPECT_FALSE(absl::StrContains(lines_, "the host decides")) << lines_;
  // Other addresses change nodes, those in bodies too; no graph is built anew.
  EXPECT_GT(Stub().calls("cuGraphExecKernelNodeSetParams_v2"), 0);
  EXPECT_EQ(Stub().calls("cuGraphInstantiateWithFlags"),
            static_cast<int64_t>(ControlPrograms().size()));
}

TEST_F(ControlTest, TheHostDecidesWhereItIsToldTo) {
  auto device = CreateCudaDevice({.card_decides = false});
  ASSERT_TRUE(device.ok()) << device.status();
  RunAll(device->get(), false);
  EXPECT_EQ(Stub().calls("cuGraphAddNode_v2"), 0);
  EXPECT_EQ(lines_, "");
}

// Whatever of it fails, the host decides, and the log says why.
TEST_F(ControlTest, TheHostDecidesWhereTheCardCannot) {
  for (const char* rules :
       {"cuGraphAddNode_v2=801", "cuGraphConditionalHandleCreate=801",
        "cuGraphInstantiateWithFlags@1=1", "cuGraphLaunch@1=801", "cuModuleLoadDataEx@2=218"}) {
    SCOPED_TRACE(rules);
    lines_.clear();
    Stub().set_rules(rules);
    auto device = CreateCudaDevice();
    ASSERT_TRUE(device.ok()) << device.status();
    RunAll(device->get(), false);
    const std::string function =
        std::string(rules).substr(0, std::string(rules).find_first_of("@="));
    EXPECT_TRUE(
        absl::StrContains(lines_, "program 'loop': the host decides on loops and conditionals: "))
        << lines_;
    EXPECT_TRUE(absl::StrContains(lines_, function.substr(0, function.find("_v2")))) << lines_;
  }
}

// A driver that does not change nodes of bodies gets a new graph.
TEST_F(ControlTest, ANodeThatCannotBeChanged) {
  Stub().set_rules("cuGraphExecKernelNodeSetParams_v2=801,cuGraphExecMemsetNodeSetParams=801");
  auto device = CreateCudaDevice();
  ASSERT_TRUE(device.ok()) << device.status();
  RunAll(device->get(), true);
  EXPECT_GT(Stub().calls("cuGraphInstantiateWithFlags"),
            static_cast<int64_t>(ControlPrograms().size()));
}

// A loop whose trip count is known asks nobody, and stays as it was.
TEST_F(ControlTest, LoopsThatAreCounted) {
  auto device = CreateCudaDevice();
  ASSERT_TRUE(device.ok()) << device.status();
  ControlProgram control = CountingLoop(5000);
  std::get<While>(control.program.commands[0].operation).trip_count = 5000;
  control.expected = [](int32_t x, int32_t) { return x + 5000; };
  auto executor = Executor::Create(std::make_shared<Program>(control.program), device->get());
  ASSERT_TRUE(executor.ok()) << executor.status();
  const absl::Status status = RunControl(control, **executor, 0, 0);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(Stub().calls("cuGraphAddNode_v2"), 0);
}

TEST_F(ControlTest, WhatADriverMustHave) {
  cuda::Driver driver;
  driver.version = 12030;
  const Program loop = CountingLoop(3).program;
  EXPECT_EQ(cuda::WhyHostDecides(loop, driver),
            "the driver is for CUDA 12.3, and 12.4 is the first with conditional nodes");
  driver.version = 12040;
  EXPECT_EQ(cuda::WhyHostDecides(loop, driver), "the driver has no conditional nodes");
  driver.cuGraphAddNode_v2 = [](cuda::CUgraphNode*, cuda::CUgraph, const cuda::CUgraphNode*,
                                const cuda::EdgeData*, size_t,
                                cuda::ConditionalNode*) { return cuda::CUDA_SUCCESS; };
  driver.cuGraphConditionalHandleCreate = [](cuda::CUgraphConditionalHandle*, cuda::CUgraph,
                                             cuda::CUcontext, unsigned,
                                             unsigned) { return cuda::CUDA_SUCCESS; };
  EXPECT_EQ(cuda::WhyHostDecides(loop, driver), "");
  for (const ControlProgram& control : ControlPrograms()) {
    if (!absl::StrContains(control.name, "conditional")) continue;
    driver.version = 12070;
    EXPECT_EQ(cuda::WhyHostDecides(control.program, driver),
              "the driver is for CUDA 12.7, and 12.8 is the first with else and switch nodes");
    driver.version = 12080;
    EXPECT_EQ(cuda::WhyHostDecides(control.program, driver), "");
  }
  EXPECT_TRUE(cuda::HasDecisions(loop));
  EXPECT_FALSE(cuda::HasDecisions(CardAddProgram(8)));
}

}  // namespace
}  // namespace ingot::runtime
