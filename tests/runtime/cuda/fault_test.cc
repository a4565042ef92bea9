// Faults of a card and its driver, by the stub of the driver (stub/stub_driver.h): each is an
// error, leaves nothing behind, and lets later runs be right where CUDA does.
#include <dlfcn.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "runtime/cuda/cuda_device.h"
#include "runtime/executor.h"
#include "tests/runtime/cuda/card_programs.h"
#include "tests/runtime/cuda/stub/stub_driver.h"
#include "tests/runtime/testing.h"

namespace ingot::runtime {
namespace {

const cuda::StubControl& Stub() {
  // CUPTI's stub too: the real one would not know what to do with this driver.
  static void* const cupti =
      dlopen("tests/runtime/cuda/stub/new/libcupti.so.13", RTLD_NOW | RTLD_LOCAL);
  EXPECT_NE(cupti, nullptr);
  return cuda::OpenStub();
}

// The functions that the runtime calls.
std::vector<std::string> Functions() {
  return {
#define INGOT_CUDA_FUNCTION(symbol, parameters) #symbol,
#include "runtime/cuda/driver_entry_points.def"
  };
}

constexpr int64_t kCount = 100;

class FaultTest : public testing::Test {
 protected:
  void SetUp() override {
    Stub().set_rules("");
    ASSERT_EQ(Stub().live(), 0);
  }
  void TearDown() override {
    EXPECT_EQ(Stub().live(), 0);
    EXPECT_EQ(Stub().pushed(), 0);
  }

  // Runs CardAddProgram once; OK only if the results are right.
  static absl::Status Add(Executor& executor, float a) {
    Device* const device = executor.device();
    const std::vector<float> x(kCount, a), y(kCount, 0.5f);
    std::vector<float> result(kCount);
    auto first = Buffer::FromHost(device, F32({kCount}), x.data());
    if (!first.ok()) return first.status();
    auto second = Buffer::FromHost(device, F32({kCount}), y.data());
    if (!second.ok()) return second.status();
    auto outputs = executor.Run({first->view(), second->view()});
    if (!outputs.ok()) return outputs.status();
    if (absl::Status status = (*outputs)[0].CopyOut(result.data()); !status.ok()) return status;
    for (int64_t i = 0; i < kCount; ++i) {
      if (result[i] != a + 0.5f + static_cast<float>(i)) {
        return absl::DataLossError(absl::StrCat("element ", i, " is ", result[i]));
      }
    }
    return absl::OkStatus();
  }

  // Counts from 1 by 3 to 10, in a loop, with the input given away or not.
  static absl::Status Loop(Executor& executor, bool donate, Profile* profile) {
    Device* const device = executor.device();
    const Shape shape = Shape::Scalar(ElementType::kS32);
    const int32_t start = 1;
    int32_t end = 0;
    auto input = Buffer::FromHost(device, shape, &start);
    if (!input.ok()) return input.status();
    auto output = Buffer::Allocate(device, shape);
    if (!output.ok()) return output.status();
    const BufferView to = donate ? input->view() : output->view();
    absl::Status status = executor.Run({input->view()}, {to}, {.profile = profile});
    if (!status.ok()) return status;
    status = device->CopyOut(&end, to.data, sizeof(end));
    if (status.ok() && end != 10) status = absl::DataLossError(absl::StrCat("the end is ", end));
    return status;
  }

  static absl::StatusOr<std::unique_ptr<Executor>> Make(Device* device, Program program) {
    return Executor::Create(std::make_shared<Program>(std::move(program)), device);
  }
};

// Whatever call fails, with an error that leaves the context alone, is an error of what was being
// done or of no consequence; the next run on the same device is right; in the end nothing is left.
// A program of one kernel with a tensor map of its input, from an s32[64,64] to an s32[16].
Program BoxProgram() {
  Program program = CardAddProgram(kCount);
  program.inputs = {{"x", Shape::ArrayWithDefaultLayout(ElementType::kS32, {64, 64})}};
  program.outputs = {{"y", Shape::ArrayWithDefaultLayout(ElementType::kS32, {16})}};
  program.constants.clear();
  program.arena_size = 0;
  TensorMapArgument argument;
  argument.slice = InputSlice(program, 0);
  argument.map.element_type = ElementType::kF32;
  argument.map.dimensions = {60, 64};
  argument.map.byte_strides = {256};
  argument.map.box = {32, 8};
  argument.map.swizzle_bytes = 128;
  argument.map.l2_promotion_bytes = 256;
  argument.map.rounds_to_tf32 = argument.map.fills_nan = true;
  program.commands = {MakeLaunch("box", 1, {argument, Write(OutputSlice(program, 0))})};
  return program;
}

TEST_F(FaultTest, Im2colMapsAreEncodedToo) {
  auto device = CreateCudaDevice();
  ASSERT_TRUE(device.ok()) << device.status();
  Program program = BoxProgram();
  auto& argument =
      std::get<TensorMapArgument>(std::get<Launch>(program.commands[0].operation).arguments[0]);
  argument.map = {};
  argument.map.dimensions = {16, 7, 5, 4};
  argument.map.byte_strides = {64, 448, 2240};
  argument.map.box = {8, 96};
  argument.map.element_strides = {1, 2, 1, 1};
  argument.map.lower_corner = {-1, -2};
  argument.map.upper_corner = {0, -3};
  auto executor = Executor::Create(std::make_shared<Program>(program), device->get());
  ASSERT_TRUE(executor.ok()) << executor.status();
  const std::vector<int32_t> values(64 * 64, 9);
  auto input = Buffer::FromHost(
      device->get(), Shape::ArrayWithDefaultLayout(ElementType::kS32, {64, 64}), values.data());
  ASSERT_TRUE(input.ok());
  auto outputs = (*executor)->Run({input->view()});
  ASSERT_TRUE(outputs.ok()) << outputs.status();
  std::vector<int32_t> y(16);
  ASSERT_TRUE((*outputs)[0].CopyOut(y.data()).ok());
  // f32, rank 4, the first lower and the last upper corner, channels, pixels, stride, sizes.
  EXPECT_EQ(y, (std::vector<int32_t>{7, 4, -1, -3, 8, 96, 2, 16, 7, 5, 4, 0, 0, 0, 0, 9}));
}

TEST_F(FaultTest, TensorMapsAreEncodedForTheirAddresses) {
  auto device = CreateCudaDevice();
  ASSERT_TRUE(device.ok()) << device.status();
  auto executor = Executor::Create(std::make_shared<Program>(BoxProgram()), device->get());
  ASSERT_TRUE(executor.ok()) << executor.status();
  std::vector<Buffer> inputs;  // all alive, at different addresses
  for (int32_t run = 0; run < 3; ++run) {
    const std::vector<int32_t> values(64 * 64, 100 + run);
    auto input = Buffer::FromHost(
        device->get(), Shape::ArrayWithDefaultLayout(ElementType::kS32, {64, 64}), values.data());
    ASSERT_TRUE(input.ok()) << input.status();
    inputs.push_back(*std::move(input));
    auto outputs = (*executor)->Run({inputs.back().view()});
    ASSERT_TRUE(outputs.ok()) << outputs.status();
    std::vector<int32_t> y(16);
    ASSERT_TRUE((*outputs)[0].CopyOut(y.data()).ok());
    // tf32, rank 2, swizzle 128, promotion 256, NaN, box 32, element stride 1, sizes.
    EXPECT_EQ(y,
              (std::vector<int32_t>{11, 2, 3, 3, 1, 32, 1, 60, 64, 0, 0, 0, 0, 0, 0, 100 + run}));
  }
  // What the driver refuses is an error of the run.
  Stub().set_rules("cuTensorMapEncodeTiled@0=1");
  const std::vector<int32_t> values(64 * 64);
  auto other = Buffer::FromHost(
      device->get(), Shape::ArrayWithDefaultLayout(ElementType::kS32, {64, 64}), values.data());
  ASSERT_TRUE(other.ok());
  const auto outputs = (*executor)->Run({other->view()});
  EXPECT_TRUE(absl::StrContains(outputs.status().message(), "cuTensorMapEncodeTiled"))
      << outputs.status();
}

TEST_F(FaultTest, EachCallFails) {
  // What is done: a device, two programs, runs with new addresses, a profile.  The first error.
  const auto scenario = [](bool faultless) {
    auto device = CreateCudaDevice();
    if (!device.ok()) return device.status();
    auto add = Make(device->get(), CardAddProgram(kCount));
    if (!add.ok()) return add.status();
    auto loop = Make(device->get(), CardLoopProgram(3, 10));
    if (!loop.ok()) return loop.status();
    Profile profile;
    absl::Status status = Add(**add, 1);
    status.Update(Add(**add, 2));
    // Other addresses than before.
    auto between = Buffer::Allocate(device->get(), F32({1000}));
    status.Update(between.status());
    status.Update(Add(**add, 3));
    status.Update(Loop(**loop, false, nullptr));
    status.Update(Loop(**loop, true, nullptr));
    status.Update(Loop(**loop, false, &profile));
    if (status.ok() || faultless) return status;
    // There is one fault; it is over.
    EXPECT_TRUE(Add(**add, 4).ok()) << status;
    EXPECT_TRUE(Loop(**loop, false, nullptr).ok()) << status;
    EXPECT_TRUE(Loop(**loop, true, nullptr).ok()) << status;
    return status;
  };
  ASSERT_TRUE(scenario(true).ok()) << scenario(true);
  ASSERT_EQ(Stub().live(), 0);
  int failed = 0, called = 0;
  for (const std::string& function : Functions()) {
    Stub().set_rules("");
    ASSERT_TRUE(scenario(true).ok());
    const int64_t calls = Stub().calls(function.c_str());
    // The driver is opened once.
    if (function == "cuInit" || function == "cuDriverGetVersion") continue;
    called += calls > 0;
    // What releases is not asked whether it did.
    const bool releases =
        absl::StrContains(function, "Destroy") || absl::StrContains(function, "Free") ||
        absl::StrContains(function, "Release") || absl::StrContains(function, "Unload") ||
        absl::StrContains(function, "PopCurrent");
    if (releases) continue;
    for (int64_t call = 1; call <= calls; ++call) {
      for (int error : {2, 999}) {
        Stub().set_rules(absl::StrCat(function, "@", call, "=", error).c_str());
        const absl::Status status = scenario(false);
        SCOPED_TRACE(absl::StrCat(function, " ", call, " fails: ", status.ToString()));
        failed += !status.ok();
        EXPECT_FALSE(absl::IsDataLoss(status));
        const bool says = absl::StrContains(status.message(), "CUDA_ERROR_");
        EXPECT_TRUE(status.ok() || says);
        EXPECT_EQ(absl::IsResourceExhausted(status), !status.ok() && error == 2);
        ASSERT_EQ(Stub().live(), 0);
        ASSERT_EQ(Stub().pushed(), 0);
      }
    }
  }
  EXPECT_GT(called, 30);
  EXPECT_GT(failed, 200);
}

TEST_F(FaultTest, MemoryThatRunsOutComesBack) {
  Stub().set_rules("memory=20000");
  auto device = CreateCudaDevice();
  ASSERT_TRUE(device.ok()) << device.status();
  const absl::Status too_large = Make(device->get(), CardAddProgram(100000)).status();
  EXPECT_TRUE(absl::IsResourceExhausted(too_large)) << too_large;
  EXPECT_TRUE(absl::StrContains(too_large.message(), "400000 bytes on the card")) << too_large;
  auto add = Make(device->get(), CardAddProgram(kCount));
  ASSERT_TRUE(add.ok()) << add.status();
  const int64_t before = Stub().live_bytes();
  {
    // Little is left, and an arena does not fit.
    auto most = (*device)->Allocate(20000 - before - 900);
    ASSERT_TRUE(most.ok());
    EXPECT_TRUE(absl::IsResourceExhausted(Add(**add, 1)));
    (*device)->Free(*most);
  }
  EXPECT_EQ(Stub().live_bytes(), before);
  EXPECT_TRUE(Add(**add, 2).ok());
}

TEST_F(FaultTest, AKernelThatTraps) {
  {
    auto device = CreateCudaDevice();
    ASSERT_TRUE(device.ok());
    auto add = Make(device->get(), CardAddProgram(kCount));
    auto fault = Make(device->get(), CardFaultProgram());
    ASSERT_TRUE(add.ok() && fault.ok()) << fault.status();
    ASSERT_TRUE(Add(**add, 1).ok());
    const absl::Status status = Loop(**fault, false, nullptr);
    EXPECT_TRUE(absl::StrContains(status.message(), "CUDA_ERROR_ILLEGAL_ADDRESS")) << status;
    EXPECT_TRUE(absl::StrContains(status.message(), "the card's context is lost")) << status;
    // Every later run says so too.
    for (int i = 0; i < 3; ++i) EXPECT_FALSE(Add(**add, 2).ok());
  }
  EXPECT_EQ(Stub().live(), 0);
  auto device = CreateCudaDevice();
  ASSERT_TRUE(device.ok()) << device.status();
  auto add = Make(device->get(), CardAddProgram(kCount));
  ASSERT_TRUE(add.ok()) << add.status();
  EXPECT_TRUE(Add(**add, 3).ok());
}

TEST_F(FaultTest, AContextOfSomebodyElse) {
  void* const context = Stub().make_context();
  auto device = CreateCudaDevice({.context = context});
  ASSERT_TRUE(device.ok()) << device.status();
  auto add = Make(device->get(), CardAddProgram(kCount));
  ASSERT_TRUE(add.ok()) << add.status();
  EXPECT_TRUE(Add(**add, 1).ok());
  // Its owner does not wait for us.
  Stub().destroy_context(context);
  EXPECT_FALSE(Add(**add, 2).ok());
  EXPECT_FALSE(CreateCudaDevice({.context = context}).ok());
}

TEST_F(FaultTest, WhatIsNotForThisMachine) {
  Stub().set_rules("capability=75");
  auto device = CreateCudaDevice();
  ASSERT_TRUE(device.ok());
  EXPECT_EQ(Make(device->get(), CardAddProgram(8)).status().message(),
            "the code is for sm_80, and this card is sm_75");
  EXPECT_EQ(CreateCudaDevice({.ordinal = 1}).status().message(), "no card 1: the driver knows 1");
  device = CreateCudaDevice();
  Program program = CardAddProgram(8);
  program.driver_version = 99010;
  EXPECT_TRUE(absl::StrContains(Make(device->get(), program).status().message(),
                                "needs a driver for CUDA 99.1"));
}

// Code and launches that do not go together.
TEST_F(FaultTest, ParametersAreCompared) {
  auto device = CreateCudaDevice();
  ASSERT_TRUE(device.ok());
  const auto message = [&](const std::function<void(std::vector<Argument>&)>& change) {
    Program program = CardAddProgram(8);
    change(std::get<Launch>(program.commands[1].operation).arguments);
    return std::string(Make(device->get(), program).status().message());
  };
  EXPECT_EQ(message([](std::vector<Argument>&) {}), "");
  EXPECT_EQ(message([](std::vector<Argument>& a) { a.pop_back(); }),
            "command 1 'add.1': kernel 'add' has more than the 3 parameters that arguments are "
            "given for");
  EXPECT_EQ(message([](std::vector<Argument>& a) { a.push_back(Scalar(1, 4)); }),
            "command 1 'add.1': kernel 'add' has 4 parameters, and 5 arguments are given");
  EXPECT_EQ(message([](std::vector<Argument>& a) { a[3] = Scalar(1, 8); }),
            "command 1 'add.1': parameter 3 of kernel 'add' has 4 bytes, and an argument of 8 is "
            "given");
}

// Pages of memory that the process has.
int64_t ResidentPages() {
  int64_t size = 0, resident = 0;
  std::FILE* const file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr) return 0;
  if (std::fscanf(file, "%ld %ld", &size, &resident) != 2) resident = 0;
  std::fclose(file);
  return resident;
}

TEST_F(FaultTest, TenThousandRunsLeaveNothing) {
  auto device = CreateCudaDevice();
  ASSERT_TRUE(device.ok());
  auto add = Make(device->get(), CardAddProgram(kCount));
  auto loop = Make(device->get(), CardLoopProgram(3, 10));
  ASSERT_TRUE(add.ok() && loop.ok());
  int64_t live = 0, bytes = 0, pages = 0;
  int failed = 0;
  for (int i = 0; i < 10000; ++i) {
    // Now and then a run fails, each time elsewhere.
    const char* const faults[] = {"cuGraphLaunch@1=2", "cuEventRecord@1=999", "cuMemAlloc_v2@2=2",
                                  "cuGraphExecKernelNodeSetParams_v2@2=999",
                                  "cuMemcpyDtoHAsync_v2@1=2"};
    Stub().set_rules(i % 7 == 3 ? faults[i / 7 % 5] : "");
    const absl::Status status =
        i % 2 == 0 ? Add(**add, static_cast<float>(i)) : Loop(**loop, i % 4 == 1, nullptr);
    ASSERT_FALSE(absl::IsDataLoss(status)) << i << ": " << status;
    ASSERT_TRUE(status.ok() || i % 7 == 3) << i << ": " << status;
    failed += !status.ok();
    if (i == 500) live = Stub().live(), bytes = Stub().live_bytes(), pages = ResidentPages();
  }
  EXPECT_GT(failed, 500);
  EXPECT_EQ(Stub().live(), live);
  EXPECT_EQ(Stub().live_bytes(), bytes);
  EXPECT_LE(ResidentPages(), pages + 16);
}

TEST_F(FaultTest, ProgramsComeAndGo) {
  auto device = CreateCudaDevice();
  ASSERT_TRUE(device.ok());
  const int64_t live = Stub().live();
  for (int i = 0; i < 1000; ++i) {
    Stub().set_rules(i % 3 == 0 ? absl::StrCat("cuModuleGetFunction@", i % 4, "=2").c_str() : "");
    auto add = Make(device->get(), CardAddProgram(kCount));
    if (add.ok()) {
      EXPECT_TRUE(Add(**add, 1).ok());
    }
    add = absl::CancelledError();
    ASSERT_EQ(Stub().live(), live) << i;
  }
}

TEST_F(FaultTest, TwoCards) {
  Stub().set_rules("devices=2");
  auto first = CreateCudaDevice({.ordinal = 0}), second = CreateCudaDevice({.ordinal = 1});
  ASSERT_TRUE(first.ok() && second.ok()) << second.status();
  EXPECT_EQ((*second)->properties().ordinal, 1);
  EXPECT_EQ(ListCudaDevices()->size(), 2u);
  auto here = Make(first->get(), CardAddProgram(kCount));
  auto there = Make(second->get(), CardAddProgram(kCount));
  ASSERT_TRUE(here.ok() && there.ok());
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (Executor* executor : {here->get(), there->get(), here->get()}) {
    threads.emplace_back([executor, &wrong] {
      for (int i = 0; i < 200; ++i) wrong += !Add(*executor, static_cast<float>(i)).ok();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  // One card's trap is not the other's.
  auto fault = Make(first->get(), CardFaultProgram());
  ASSERT_TRUE(fault.ok());
  EXPECT_FALSE(Loop(**fault, false, nullptr).ok());
  EXPECT_FALSE(Add(**here, 1).ok());
  EXPECT_TRUE(Add(**there, 1).ok());
}

// Everything of a run is on the stream that the caller gives.
TEST_F(FaultTest, TheCallersStream) {
  auto device = CreateCudaDevice();
  ASSERT_TRUE(device.ok());
  auto add = Make(device->get(), CardAddProgram(kCount));
  ASSERT_TRUE(add.ok());
  void* const context = Stub().make_context();
  {
    auto borrowed = CreateCudaDevice({.context = context});
    ASSERT_TRUE(borrowed.ok());
    auto other = Make(borrowed->get(), CardAddProgram(kCount));
    ASSERT_TRUE(other.ok());
    void* const stream = Stub().make_stream(context);
    const std::vector<float> ones(kCount, 1);
    auto x = Buffer::FromHost(borrowed->get(), F32({kCount}), ones.data());
    auto y = Buffer::Allocate(borrowed->get(), F32({kCount}));
    ASSERT_TRUE(x.ok() && y.ok());
    for (int i = 0; i < 3; ++i) {
      auto execution = (*other)->Start({x->view(), x->view()}, {y->view()}, {.stream = stream});
      ASSERT_TRUE(execution.ok()) << execution.status();
      EXPECT_TRUE(execution->Wait().ok());
      EXPECT_EQ(Stub().launches(stream), i + 1);
    }
    std::vector<float> result(kCount);
    ASSERT_TRUE(y->CopyOut(result.data()).ok());
    EXPECT_EQ(result[7], 9);
    // A stream that is none of this context's.
    EXPECT_FALSE((*add)->Run({x->view(), x->view()}, {y->view()}, {.stream = stream}).ok());
  }
  Stub().destroy_context(context);
}

// Times are CUPTI's where it counts as many kernels and copies as were run, else those of events.
TEST_F(FaultTest, TimesOfAProfile) {
  auto device = CreateCudaDevice();
  ASSERT_TRUE(device.ok());
  Program program = CardLoopProgram(3, 10);
  // A copy before the loop, and what the host reads between its parts, are no commands of theirs.
  auto loop = Make(device->get(), program);
  ASSERT_TRUE(loop.ok());
  for (const char* rules : {"", "cuptiActivityEnable=999"}) {
    Stub().set_rules(rules);
    Profile profile;
    ASSERT_TRUE(Loop(**loop, false, &profile).ok());
    // less, then count and less three times.
    ASSERT_EQ(profile.size(), 7u);
    int64_t before = 0;
    for (size_t i = 0; i < profile.size(); ++i) {
      if (*rules != '\0') {
        EXPECT_EQ(profile[i].nanoseconds, 250000);
        continue;
      }
      // The stub's n-th activity began at 10,000 n and took 100 + n; n grows by what is done
      // between.
      EXPECT_GT(profile[i].nanoseconds, before);
      EXPECT_EQ(profile[i].start - profile[0].start,
                10000 * (profile[i].nanoseconds - profile[0].nanoseconds));
      before = profile[i].nanoseconds;
    }
  }
}

}  // namespace
}  // namespace ingot::runtime
