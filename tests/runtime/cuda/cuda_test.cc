// The CUDA device, over kernels in PTX; skipped where there is no card.
#include <atomic>
#include <cstring>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "runtime/cuda/cuda_device.h"
#include "runtime/executor.h"
#include "runtime/ingot_file.h"
#include "tests/runtime/cuda/card_programs.h"
#include "tests/runtime/testing.h"

namespace ingot::runtime {
namespace {

TEST(CudaArchitectureTest, Checks) {
  const auto runs = [](const char* architecture, CodeFormat format, int major, int minor) {
    CodeModule module;
    module.architecture = architecture;
    module.format = format;
    return FitCudaCode(module, major, minor).ok();
  };
  EXPECT_TRUE(runs("sm_80", CodeFormat::kCubin, 8, 0));
  EXPECT_TRUE(runs("sm_80", CodeFormat::kCubin, 8, 6));
  EXPECT_FALSE(runs("sm_86", CodeFormat::kCubin, 8, 0));
  EXPECT_FALSE(runs("sm_80", CodeFormat::kCubin, 9, 0));
  EXPECT_TRUE(runs("sm_80", CodeFormat::kPtx, 9, 0));
  EXPECT_FALSE(runs("sm_90", CodeFormat::kPtx, 8, 9));
  EXPECT_TRUE(runs("sm_90a", CodeFormat::kCubin, 9, 0));
  EXPECT_FALSE(runs("sm_90a", CodeFormat::kPtx, 10, 0));
  EXPECT_FALSE(runs("x86_64-v3", CodeFormat::kPtx, 9, 0));
}

// Code for this card alone before machine code before PTX; of one sort the later one.
TEST(CudaArchitectureTest, Order) {
  struct Case {
    const char* architecture;
    CodeFormat format;
    bool ptx_beside;
  };
  // From the best to the worst on a card of 9.0, and whether PTX is what runs.
  const std::vector<std::pair<Case, bool>> cases = {
      {{"sm_90a", CodeFormat::kCubin, false}, false}, {{"sm_90a", CodeFormat::kPtx, false}, true},
      {{"sm_90", CodeFormat::kCubin, true}, false},   {{"sm_90", CodeFormat::kPtx, false}, true},
      {{"sm_86", CodeFormat::kCubin, true}, true},    {{"sm_80", CodeFormat::kCubin, true}, true}};
  int before = std::numeric_limits<int>::max();
  for (const auto& [one, ptx] : cases) {
    CodeModule module;
    module.architecture = one.architecture;
    module.format = one.format;
    if (one.ptx_beside) module.ptx = SharedBytes::Own({'/', '/'});
    const auto fit = FitCudaCode(module, 9, 0);
    ASSERT_TRUE(fit.ok()) << one.architecture << fit.status();
    EXPECT_LT(fit->number, before) << one.architecture;
    EXPECT_EQ(fit->ptx, ptx) << one.architecture;
    before = fit->number;
  }
}

class CudaTest : public testing::Test {
 protected:
  void SetUp() override {
    auto device = CreateCudaDevice();
    if (!device.ok()) GTEST_SKIP() << device.status().message();
    device_ = *std::move(device);
  }
  std::unique_ptr<Executor> Make(Program program) {
    auto executor = Executor::Create(std::make_shared<Program>(std::move(program)), device_.get());
    EXPECT_TRUE(executor.ok()) << executor.status();
    return executor.ok() ? *std::move(executor) : nullptr;
  }
  std::unique_ptr<Device> device_;
};

TEST_F(CudaTest, AddsThroughAGraphWithNewAddresses) {
  const int64_t n = 1000;
  auto executor = Make(CardAddProgram(n));
  ASSERT_NE(executor, nullptr);
  for (int repeat = 1; repeat <= 3; ++repeat) {
    const std::vector<float> a(n, static_cast<float>(repeat)), b(n, 0.5f);
    auto x = Buffer::FromHost(device_.get(), F32({n}), a.data());
    auto y = Buffer::FromHost(device_.get(), F32({n}), b.data());
    ASSERT_TRUE(x.ok() && y.ok()) << x.status() << y.status();
    auto outputs = executor->Run({x->view(), y->view()});
    ASSERT_TRUE(outputs.ok()) << outputs.status();
    std::vector<float> result(n);
    ASSERT_TRUE((*outputs)[0].CopyOut(result.data()).ok());
    for (int64_t i = 0; i < n; ++i) ASSERT_EQ(result[i], repeat + 0.5f + i);
  }
}

TEST_F(CudaTest, AsynchronousRunsAreInOrder) {
  const int64_t n = 1000;
  auto executor = Make(CardAddProgram(n));
  ASSERT_NE(executor, nullptr);
  const std::vector<float> ones(n, 1), zeros(n, 0);
  auto one = Buffer::FromHost(device_.get(), F32({n}), ones.data());
  std::vector<Buffer> states;
  for (int i = 0; i < 9; ++i) {
    auto state = Buffer::FromHost(device_.get(), F32({n}), zeros.data());
    ASSERT_TRUE(state.ok());
    states.push_back(*std::move(state));
  }
  std::vector<Execution> executions;
  for (int i = 0; i < 8; ++i) {
    auto execution = executor->Start({one->view(), states[i].view()}, {states[i + 1].view()});
    ASSERT_TRUE(execution.ok()) << execution.status();
    executions.push_back(*std::move(execution));
  }
  for (Execution& execution : executions) EXPECT_TRUE(execution.Wait().ok());
  std::vector<float> result(n);
  ASSERT_TRUE(states[8].CopyOut(result.data()).ok());
  for (int64_t i = 0; i < n; ++i) ASSERT_EQ(result[i], 8 + 8.0f * i);
}

TEST_F(CudaTest, ManyThreads) {
  const int64_t n = 1000;
  auto executor = Make(CardAddProgram(n));
  ASSERT_NE(executor, nullptr);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const std::vector<float> values(n, static_cast<float>(t));
      for (int repeat = 0; repeat < 20; ++repeat) {
        auto x = Buffer::FromHost(device_.get(), F32({n}), values.data());
        auto outputs = executor->Run({x->view(), x->view()});
        std::vector<float> result(n);
        if (!outputs.ok() || !(*outputs)[0].CopyOut(result.data()).ok()) {
          ++wrong;
          continue;
        }
        for (int64_t i = 0; i < n; ++i) wrong += result[i] != static_cast<float>(2 * t + i);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(CudaTest, LoopAndDonation) {
  auto executor = Make(CardLoopProgram(3, 10));
  ASSERT_NE(executor, nullptr);
  const Shape shape = Shape::Scalar(ElementType::kS32);
  const int32_t start = 1;
  auto input = Buffer::FromHost(device_.get(), shape, &start);
  ASSERT_TRUE(input.ok());
  int32_t end = 0;
  auto outputs = executor->Run({input->view()});
  ASSERT_TRUE(outputs.ok()) << outputs.status();
  ASSERT_TRUE((*outputs)[0].CopyOut(&end).ok());
  EXPECT_EQ(end, 10);
  ASSERT_TRUE(input->CopyOut(&end).ok());
  EXPECT_EQ(end, 1);
  ASSERT_TRUE(executor->Run({input->view()}, {input->view()}).ok());
  ASSERT_TRUE(input->CopyOut(&end).ok());
  EXPECT_EQ(end, 10);
}

TEST_F(CudaTest, FillCopyConditionalAndProfile) {
  Program program;
  program.platform = "cuda";
  program.inputs = {{"index", Shape::Scalar(ElementType::kS32)}, {"x", F32({4})}};
  program.outputs = {{"y", F32({4})}};
  const BufferSlice output = OutputSlice(program, 0);
  const auto command = [](Operation operation) {
    Command made;
    made.operation = std::move(operation);
    return made;
  };
  Conditional conditional;
  conditional.selector = Selector::kIndex;
  conditional.index = InputSlice(program, 0);
  conditional.branches.push_back({command(Copy{InputSlice(program, 1), output})});
  conditional.branches.push_back({command(Fill{output, 0x3f800000, 4})});
  conditional.branches.push_back({command(Fill{output, 0x4040, 2})});
  conditional.branches.push_back({command(Fill{output, 0x40, 1})});
  program.commands = {command(conditional)};
  auto executor = Make(program);
  ASSERT_NE(executor, nullptr);
  const float x[4] = {5, 6, 7, 8};
  auto x_buffer = Buffer::FromHost(device_.get(), F32({4}), x);
  for (bool profiled : {false, true}) {
    const auto run = [&](int32_t index) {
      auto index_buffer = Buffer::FromHost(device_.get(), program.inputs[0].shape, &index);
      Profile profile;
      auto outputs = executor->Run({index_buffer->view(), x_buffer->view()},
                                   {.profile = profiled ? &profile : nullptr});
      EXPECT_EQ(profile.size(), profiled ? 1u : 0u);
      float y[4] = {};
      EXPECT_TRUE(outputs.ok() && (*outputs)[0].CopyOut(y).ok()) << outputs.status();
      return y[2];
    };
    const uint32_t bits = 0x40404040;
    float pattern;
    std::memcpy(&pattern, &bits, 4);
    EXPECT_EQ(run(0), 7);
    EXPECT_EQ(run(1), 1);
    EXPECT_EQ(run(2), pattern);
    EXPECT_EQ(run(3), pattern);
    EXPECT_EQ(run(-5), pattern);
  }
}

TEST_F(CudaTest, AResidentGridIsWhatTheCardHolds) {
  const auto blocks = [&](uint32_t most) {
    auto executor = Make(CardResidentProgram(most));
    auto outputs = executor->Run({});
    int32_t count = 0;
    EXPECT_TRUE(outputs.ok() && (*outputs)[0].CopyOut(&count).ok()) << outputs.status();
    return count;
  };
  const auto processors = static_cast<int32_t>(device_->properties().processors);
  const int32_t count = blocks(1 << 20);
  EXPECT_EQ(count % processors, 0);
  EXPECT_GE(count, 4 * processors);  // 1,536 threads at the least
  EXPECT_LE(count, 8 * processors);
  EXPECT_EQ(blocks(3), 3);
}

TEST_F(CudaTest, FromAFile) {
  auto file = SerializeIngot(CardAddProgram(256));
  ASSERT_TRUE(file.ok());
  auto program = ParseIngot(*file);
  ASSERT_TRUE(program.ok()) << program.status();
  auto executor = Make(*program);
  ASSERT_NE(executor, nullptr);
  const std::vector<float> ones(256, 1);
  auto x = Buffer::FromHost(device_.get(), F32({256}), ones.data());
  auto outputs = executor->Run({x->view(), x->view()});
  ASSERT_TRUE(outputs.ok()) << outputs.status();
  std::vector<float> result(256);
  ASSERT_TRUE((*outputs)[0].CopyOut(result.data()).ok());
  EXPECT_EQ(result[255], 257);
}

TEST_F(CudaTest, SaysWhatIsWrong) {
  const auto message = [&](Program program) {
    return std::string(
        Executor::Create(std::make_shared<Program>(std::move(program)), device_.get())
            .status()
            .message());
  };
  Program program = CardAddProgram(8);
  std::get<Launch>(program.commands[1].operation).kernel = "subtract";
  EXPECT_EQ(message(program), "command 1 'add.1': code 'kernels' has no kernel 'subtract'");
  program = CardAddProgram(8);
  program.driver_version = 99010;
  EXPECT_NE(message(program).find("needs a driver for CUDA 99.1"), std::string::npos);
  program = CardAddProgram(8);
  program.modules[0].bytes = SharedBytes::Own({'n', 'o', 'n', 's', 'e', 'n', 's', 'e'});
  const std::string nonsense = message(program);
  EXPECT_NE(nonsense.find("code 'kernels' for sm_80: cuModuleLoadDataEx: CUDA_ERROR"),
            std::string::npos)
      << nonsense;
  EXPECT_EQ(device_->Allocate(int64_t{1} << 50).status().code(),
            absl::StatusCode::kResourceExhausted);
}

// The last test of this file: a fault ends the context, for every test after it too.
TEST_F(CudaTest, ZLastFaultIsReported) {
  auto executor = Make(CardFaultProgram());
  ASSERT_NE(executor, nullptr);
  const Shape shape = Shape::Scalar(ElementType::kS32);
  const int32_t start = 1;
  auto input = Buffer::FromHost(device_.get(), shape, &start);
  ASSERT_TRUE(input.ok());
  const absl::Status status = executor->Run({input->view()}).status();
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.message().find("CUDA_ERROR_"), absl::string_view::npos) << status;
}

}  // namespace
}  // namespace ingot::runtime
