#include "runtime/executor.h"

#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "runtime/host/host_device.h"
#include "runtime/host/onednn.h"
#include "tests/runtime/testing.h"

namespace ingot::runtime {
namespace {

// Memory aligned as a run wants it.
struct alignas(64) Floats {
  float values[1024] = {};
};

class ExecutorTest : public testing::Test {
 protected:
  void SetUp() override {
    auto device = CreateHostDevice({.threads = 2});
    ASSERT_TRUE(device.ok()) << device.status();
    device_ = *std::move(device);
  }
  std::unique_ptr<Executor> Make(Program program) {
    auto executor = Executor::Create(std::make_shared<Program>(std::move(program)), device_.get());
    EXPECT_TRUE(executor.ok()) << executor.status();
    return executor.ok() ? *std::move(executor) : nullptr;
  }
  std::unique_ptr<Device> device_;
};

TEST_F(ExecutorTest, Adds) {
  const int64_t n = 1000;
  auto executor = Make(AddProgram(n));
  Floats a, b, y;
  for (int64_t i = 0; i < n; ++i) a.values[i] = 1, b.values[i] = 0.5f * i;
  const BufferView inputs[] = {{a.values, F32({n})}, {b.values, F32({n})}};
  const BufferView output = {y.values, F32({n})};
  for (int repeat = 0; repeat < 3; ++repeat) {
    y = {};
    ASSERT_TRUE(executor->Run(inputs, {output}).ok());
    for (int64_t i = 0; i < n; ++i) ASSERT_EQ(y.values[i], 1 + 1.5f * i);
  }
  auto fresh = executor->Run(inputs);
  ASSERT_TRUE(fresh.ok()) << fresh.status();
  ASSERT_EQ(fresh->size(), 1u);
  Floats copied;
  ASSERT_TRUE((*fresh)[0].CopyOut(copied.values).ok());
  EXPECT_EQ(std::memcmp(copied.values, y.values, 4 * n), 0);
}

TEST_F(ExecutorTest, AsynchronousRunsAreInOrder) {
  // Each run adds its first input to the result of the run before.
  const int64_t n = 1000;
  auto executor = Make(AddProgram(n));
  Floats one, states[9];
  for (float& value : one.values) value = 1;
  std::vector<Execution> executions;
  for (int i = 0; i < 8; ++i) {
    const BufferView inputs[] = {{one.values, F32({n})}, {states[i].values, F32({n})}};
    const BufferView output = {states[i + 1].values, F32({n})};
    auto execution = executor->Start(inputs, {output});
    ASSERT_TRUE(execution.ok()) << execution.status();
    executions.push_back(*std::move(execution));
  }
  ASSERT_TRUE(device_->Synchronize().ok());
  for (Execution& execution : executions) {
    EXPECT_TRUE(execution.IsDone());
    EXPECT_TRUE(execution.Wait().ok());
    EXPECT_TRUE(execution.Wait().ok());
  }
  for (int64_t i = 0; i < n; ++i) ASSERT_EQ(states[8].values[i], 8 + 8.0f * i);
}

TEST_F(ExecutorTest, ManyThreads) {
  const int64_t n = 1000;
  auto executor = Make(AddProgram(n));
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      Floats a, b, y;
      for (float& value : a.values) value = static_cast<float>(t);
      const BufferView inputs[] = {{a.values, F32({n})}, {b.values, F32({n})}};
      const BufferView output = {y.values, F32({n})};
      for (int repeat = 0; repeat < 100; ++repeat) {
        y = {};
        if (repeat % 2 == 0) {
          wrong += !executor->Run(inputs, {output}).ok();
        } else {
          auto execution = executor->Start(inputs, {output});
          wrong += !execution.ok() || !execution->Wait().ok();
        }
        for (int64_t i = 0; i < n; ++i) wrong += y.values[i] != static_cast<float>(t + i);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(ExecutorTest, LoopOverAnAliasedOutput) {
  auto executor = Make(LoopProgram(3, 10));
  const Shape shape = Shape::Scalar(ElementType::kS32);
  alignas(16) int32_t start = 1, end = 0;
  ASSERT_TRUE(executor->Run({{&start, shape}}, {{&end, shape}}).ok());
  EXPECT_EQ(start, 1);
  EXPECT_EQ(end, 10);
  ASSERT_TRUE(executor->Run({{&start, shape}}, {{&start, shape}}).ok());
  EXPECT_EQ(start, 10);
}

TEST_F(ExecutorTest, ConditionalCopyAndFill) {
  Program program;
  program.platform = "host";
  program.inputs = {{"index", Shape::Scalar(ElementType::kS32)}, {"x", F32({4})}};
  program.outputs = {{"y", F32({4})}};
  const BufferSlice output = OutputSlice(program, 0);
  Conditional conditional;
  conditional.selector = Selector::kIndex;
  conditional.index = InputSlice(program, 0);
  const auto command = [](Operation operation) {
    Command made;
    made.operation = std::move(operation);
    return made;
  };
  conditional.branches.push_back({command(Copy{InputSlice(program, 1), output})});
  conditional.branches.push_back({command(Fill{output, 0x3f800000, 4})});
  conditional.branches.push_back({command(Fill{output, 0x4040, 2})});
  program.commands = {command(conditional)};
  auto executor = Make(program);
  alignas(16) float x[4] = {5, 6, 7, 8};
  const auto run = [&](int32_t choice) {
    alignas(16) int32_t index = choice;
    alignas(16) float y[4] = {};
    const BufferView inputs[] = {{&index, program.inputs[0].shape}, {x, F32({4})}};
    EXPECT_TRUE(executor->Run(inputs, {{y, F32({4})}}).ok());
    return y[2];
  };
  uint32_t bits = 0x40404040;
  float pattern;
  std::memcpy(&pattern, &bits, 4);
  EXPECT_EQ(run(0), 7);
  EXPECT_EQ(run(1), 1);
  EXPECT_EQ(run(2), pattern);
  EXPECT_EQ(run(-1), pattern);
  EXPECT_EQ(run(77), pattern);
}

TEST_F(ExecutorTest, Profiles) {
  auto executor = Make(LoopProgram(1, 3));
  const Shape shape = Shape::Scalar(ElementType::kS32);
  alignas(16) int32_t start = 0, end = 0;
  Profile profile;
  ASSERT_TRUE(executor->Run({{&start, shape}}, {{&end, shape}}, {.profile = &profile}).ok());
  std::string labels;
  for (const CommandTime& time : profile) {
    labels += time.command->label + " ";
    EXPECT_GE(time.nanoseconds, 0);
  }
  EXPECT_EQ(labels, "less.1 count.1 less.1 count.1 less.1 count.1 less.1 ");
}

TEST_F(ExecutorTest, RefusesWrongArguments) {
  auto executor = Make(AddProgram(8));
  Floats a, b, y;
  const BufferView good = {a.values, F32({8})}, other = {b.values, F32({8})};
  const BufferView output = {y.values, F32({8})};
  const auto message = [&](std::vector<BufferView> inputs, std::vector<BufferView> outputs) {
    return std::string(executor->Run(inputs, outputs).message());
  };
  EXPECT_EQ(message({good, other}, {output}), "");
  EXPECT_EQ(message({good}, {output}), "the program has 2 inputs, and 1 were given");
  EXPECT_EQ(message({good, other}, {}), "the program has 1 outputs, and 0 were given");
  EXPECT_EQ(message({good, {b.values, F32({4, 2})}}, {output}),
            "input 1 'b': the program takes f32[8], not f32[4,2]");
  EXPECT_EQ(message({good, {b.values, Shape::Array(ElementType::kS32, {8})}}, {output}),
            "input 1 'b': the program takes f32[8], not s32[8]");
  EXPECT_EQ(message({{nullptr, F32({8})}, other}, {output}), "input 0 'a': no memory given");
  EXPECT_EQ(message({{a.values + 1, F32({8})}, other}, {output}),
            "input 0 'a': its address is not a multiple of 16");
  EXPECT_EQ(message({good, other}, {{a.values + 4, F32({8})}}),
            "input 0 'a' and output 0 'y' overlap in memory");
  EXPECT_EQ(message({good, good}, {output}), "");  // inputs may share memory
}

// Two results of one program: memory beside each other, in each other, the same, around both.
TEST_F(ExecutorTest, RefusesResultsThatOverlap) {
  Program program = AddProgram(8);
  program.outputs.push_back(program.outputs[0]);
  program.outputs[1].name = "z";
  program.commands.push_back(program.commands.back());
  auto executor = Make(program);
  alignas(64) float memory[64] = {};
  const auto view = [&](int first) { return BufferView{memory + first, F32({8})}; };
  const auto message = [&](int a, int b, int y, int z) {
    return std::string(executor->Run({view(a), view(b)}, {view(y), view(z)}).message());
  };
  EXPECT_EQ(message(0, 8, 16, 24), "");
  EXPECT_EQ(message(0, 24, 16, 8), "");
  EXPECT_EQ(message(0, 8, 16, 20), "output 0 'y' and output 1 'z' overlap in memory");
  EXPECT_EQ(message(0, 8, 20, 16), "output 1 'z' and output 0 'y' overlap in memory");
  EXPECT_EQ(message(0, 12, 16, 24), "input 1 'b' and output 0 'y' overlap in memory");
  EXPECT_EQ(message(0, 20, 16, 24), "input 1 'b' and output 0 'y' overlap in memory");
  EXPECT_EQ(message(28, 8, 16, 24), "input 0 'a' and output 1 'z' overlap in memory");
  EXPECT_EQ(message(32, 8, 16, 24), "");
  EXPECT_EQ(message(24, 8, 16, 24), "input 0 'a' and output 1 'z' overlap in memory");
}

TEST_F(ExecutorTest, RefusesWhatCannotRunHere) {
  const auto message = [&](Program program) {
    return std::string(
        Executor::Create(std::make_shared<Program>(std::move(program)), device_.get())
            .status()
            .message());
  };
  Program program = AddProgram(8);
  std::get<Launch>(program.commands[1].operation).kernel = "subtract";
  EXPECT_EQ(message(program), "command 1 'add.1': code 'kernels' has no kernel 'subtract'");
  program = AddProgram(8);
  program.modules[0].features = {"antigravity"};
  EXPECT_NE(message(program).find("antigravity"), std::string::npos);
  program = AddProgram(8);
  program.platform = "cuda";
  program.modules[0].format = CodeFormat::kCubin;
  EXPECT_EQ(message(program), "program 'add' is for cuda, and this device is the host");
}

// A dot with a fallback gives the same with the library and without it.
TEST_F(ExecutorTest, LibraryCall) {
  const int64_t m = 17, n = 9, k = 33;
  Program program;
  program.platform = "host";
  program.modules.push_back(KernelsModule());
  program.inputs = {{"a", F32({m, k})}, {"b", F32({k, n})}};
  program.outputs = {{"y", F32({m, n})}};
  DotCall dot;
  dot.m = m, dot.n = n, dot.k = k;
  dot.lhs_strides = {m * k, k, 1};
  dot.rhs_strides = {k * n, n, 1};
  dot.output_strides = {m * n, n, 1};
  EXPECT_TRUE(LibraryCallSupported(dot));
  LibraryCall call;
  call.operation = dot;
  call.inputs = {InputSlice(program, 0), InputSlice(program, 1)};
  call.output = OutputSlice(program, 0);
  call.fallback = {MakeLaunch(
      "dot", m,
      {Read(call.inputs[0]), Read(call.inputs[1]), Write(call.output), Scalar(n), Scalar(k)})};
  Command command;
  command.label = "dot.1";
  command.operation = call;
  program.commands = {command};

  Floats a, b;
  for (int i = 0; i < 1024; ++i) a.values[i] = i % 7 - 3, b.values[i] = i % 5 - 2;
  const BufferView inputs[] = {{a.values, F32({m, k})}, {b.values, F32({k, n})}};
  const auto run = [&](bool use_libraries, Floats& y) {
    auto device = CreateHostDevice({.threads = 2, .use_libraries = use_libraries});
    ASSERT_TRUE(device.ok());
    auto executor = Executor::Create(std::make_shared<Program>(program), device->get());
    ASSERT_TRUE(executor.ok()) << executor.status();
    Profile profile;
    ASSERT_TRUE((*executor)->Run(inputs, {{y.values, F32({m, n})}}, {.profile = &profile}).ok());
    ASSERT_EQ(profile.size(), 1u);
    if (!use_libraries) {
      EXPECT_EQ(profile[0].command->label, "dot.1");
      EXPECT_TRUE(std::holds_alternative<Launch>(profile[0].command->operation));
    }
  };
  Floats with, without;
  run(true, with);
  run(false, without);
  for (int i = 0; i < m * n; ++i) {
    float sum = 0;
    for (int j = 0; j < k; ++j) sum += a.values[i / n * k + j] * b.values[j * n + i % n];
    ASSERT_EQ(without.values[i], sum);
    ASSERT_EQ(with.values[i], sum);  // small integers: exact in any order
  }
}

}  // namespace
}  // namespace ingot::runtime
