// Programs on the simulated device: what it makes of commands, and which faults it finds between
// launches.
#include "compiler/kernel/simulator/device/device.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "runtime/executor.h"
#include "runtime/ingot_file.h"

namespace ingot::kernel::simulator {
namespace {

using runtime::Access;
using runtime::Allocation;
using runtime::BufferArgument;
using runtime::BufferSlice;

constexpr int64_t kElements = 64;
constexpr int64_t kBytes = 4 * kElements;
constexpr BufferSlice kInput = {Allocation::kInput, 0, 0, kBytes};
constexpr BufferSlice kArena = {Allocation::kArena, 0, 0, kBytes};
constexpr BufferSlice kOutput = {Allocation::kOutput, 0, 0, kBytes};

// y[0..63] = x + 1; the same for the first half only; y = how many blocks came before; y = x + how
// many blocks there are.
constexpr char kKernels[] = R"(
kernel @plus_one(%x: buffer<s32, 64, readonly>, %y: buffer<s32, 64>) grid 2 block 32 {
  %i = block*32 + thread
  store %y[%i] = load %x[%i] : s32 + 1
}
kernel @half(%x: buffer<s32, 64, readonly>, %y: buffer<s32, 64>) grid 1 block 32 {
  store %y[thread] = load %x[thread] : s32 + 1
}
kernel @order(%n: buffer<s32, 64>, %y: buffer<s32, 64>) grid 64 block 1 {
  store %y[block] = atomic add relaxed gpu %n[0], 1
}
kernel @persistent(%x: buffer<s32, 64, readonly>, %y: buffer<s32, 64>) grid 64 block 1024 resident {
  for %i = block to 64 step blocks {
    if thread == 0 { store %y[%i] = load %x[%i] : s32 + blocks }
  }
}
)";

runtime::Command Launch(const std::string& kernel, const BufferSlice& from, const BufferSlice& to,
                        Access access = Access::kRead) {
  runtime::Launch launch;
  launch.kernel = kernel;
  launch.arguments = {BufferArgument{from, access}, BufferArgument{to, Access::kWrite}};
  return {kernel, launch};
}

std::shared_ptr<runtime::Program> MakeProgram(std::vector<runtime::Command> commands) {
  auto program = std::make_shared<runtime::Program>();
  program->platform = "sim";
  runtime::CodeModule code;
  code.name = "kernels";
  code.architecture = "sim:sm_90a-tiny";
  code.format = runtime::CodeFormat::kKernelText;
  code.bytes =
      runtime::SharedBytes::Own(std::vector<uint8_t>(kKernels, kKernels + sizeof(kKernels) - 1));
  program->modules.push_back(std::move(code));
  const Shape shape = Shape::ArrayWithDefaultLayout(ElementType::kS32, {kElements});
  program->inputs.push_back({"x", shape});
  program->outputs.push_back({"y", shape});
  program->arena_size = kBytes;
  program->commands = std::move(commands);
  return program;
}

// What the program makes of 0, 1, …, 63.
absl::StatusOr<std::vector<int32_t>> RunProgram(std::shared_ptr<const runtime::Program> program,
                                                int schedules = 1) {
  auto device = CreateSimulatedDevice({.schedules = schedules});
  if (!device.ok()) return device.status();
  auto executor = runtime::Executor::Create(program, device->get());
  if (!executor.ok()) return executor.status();
  std::vector<int32_t> values(kElements);
  for (int i = 0; i < kElements; ++i) values[i] = i;
  auto input = runtime::Buffer::FromHost(device->get(), program->inputs[0].shape, values.data());
  if (!input.ok()) return input.status();
  auto outputs = (*executor)->Run({input->view()});
  if (!outputs.ok()) return outputs.status();
  const absl::Status copied = (*outputs)[0].CopyOut(values.data());
  if (!copied.ok()) return copied;
  return values;
}

std::string ErrorOf(std::vector<runtime::Command> commands, int schedules = 1) {
  return std::string(RunProgram(MakeProgram(std::move(commands)), schedules).status().message());
}

TEST(SimulatedDevice, RunsCommandsInOrder) {
  const auto values = RunProgram(
      MakeProgram({Launch("plus_one", kInput, kArena), Launch("plus_one", kArena, kOutput)}), 4);
  ASSERT_TRUE(values.ok()) << values.status();
  for (int i = 0; i < kElements; ++i) EXPECT_EQ((*values)[i], i + 2);
}

TEST(SimulatedDevice, RunsAFile) {
  const std::string path = testing::TempDir() + "/simulated.ingot";
  ASSERT_TRUE(runtime::SaveIngot(*MakeProgram({Launch("plus_one", kInput, kOutput)}), path).ok());
  auto loaded = runtime::LoadIngot(path);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  const auto values = RunProgram(std::make_shared<runtime::Program>(*std::move(loaded)));
  ASSERT_TRUE(values.ok()) << values.status();
  EXPECT_EQ((*values)[5], 6);
}

// 4 multiprocessors of 2,048 threads hold 8 blocks.
TEST(SimulatedDevice, RunsAsManyBlocksOfAResidentLaunchAsTheMachineHolds) {
  const auto values = RunProgram(MakeProgram({Launch("persistent", kInput, kOutput)}));
  ASSERT_TRUE(values.ok()) << values.status();
  for (int i = 0; i < kElements; ++i) EXPECT_EQ((*values)[i], i + 8);
}

TEST(SimulatedDevice, FindsAReadOfTheArenaThatNobodyWrote) {
  const std::string error = ErrorOf({Launch("plus_one", kArena, kOutput)});
  EXPECT_TRUE(absl::StrContains(error, "unwritten")) << error;
}

// A copy takes along what was not written.
TEST(SimulatedDevice, FindsAReadOfACopyOfWhatNobodyWrote) {
  const BufferSlice half = {Allocation::kArena, 0, 0, kBytes / 2};
  runtime::Command copy = {"copy", runtime::Copy{half, {Allocation::kOutput, 0, 0, kBytes / 2}}};
  const std::string error = ErrorOf({copy});
  EXPECT_TRUE(absl::StrContains(error, "output 0, s32[64]: no command writes byte 0")) << error;
}

TEST(SimulatedDevice, FindsAResultThatIsNotWhole) {
  const std::string error = ErrorOf({Launch("half", kInput, kOutput)});
  EXPECT_TRUE(absl::StrContains(error, "no command writes byte 128 (element 32")) << error;
}

// The second launch leaves half of its result as the first one wrote it, in other words unwritten.
TEST(SimulatedDevice, FindsAReadOfAnotherResultsBytes) {
  const std::string error =
      ErrorOf({Launch("plus_one", kInput, kArena), Launch("half", kInput, kArena),
               Launch("plus_one", kArena, kOutput)});
  EXPECT_TRUE(absl::StrContains(error, "reads element 32 of %x, which nobody wrote")) << error;
}

TEST(SimulatedDevice, FindsAResultThatDependsOnTheOrderOfBlocks) {
  const std::vector<runtime::Command> commands = {
      {"fill", runtime::Fill{kArena, 0, 1}}, Launch("order", kArena, kOutput, Access::kReadWrite)};
  EXPECT_EQ(ErrorOf(commands), "");
  const std::string error = ErrorOf(commands, 2);
  EXPECT_TRUE(absl::StrContains(error, "is not what schedule 0 gives")) << error;
}

TEST(SimulatedDevice, RefusesWhatIsNotForIt) {
  auto program = MakeProgram({Launch("plus_one", kInput, kOutput)});
  program->modules[0].architecture = "sm_90a";
  EXPECT_TRUE(absl::StrContains(RunProgram(program).status().message(), "is not simulated"));
  program->modules[0].architecture = "sim:sm_90a";
  std::get<runtime::Launch>(program->commands[0].operation).kernel = "minus_one";
  EXPECT_TRUE(absl::StrContains(RunProgram(program).status().message(), "no kernel 'minus_one'"));
  program = MakeProgram({Launch("plus_one", {Allocation::kInput, 0, 0, 16}, kOutput)});
  EXPECT_TRUE(absl::StrContains(RunProgram(program).status().message(), "argument 0 of 16 bytes"));
}

}  // namespace
}  // namespace ingot::kernel::simulator
