#include "tests/runtime/testing.h"

#include <cstdio>
#include <cstring>
#include <utility>

#include "ir/base/check.h"

namespace ingot::runtime {

std::vector<uint8_t> ReadTestFile(const std::string& name) {
  const std::string path = "tests/runtime/" + name;
  std::FILE* file = std::fopen(path.c_str(), "rb");
  INGOT_CHECK(file != nullptr) << path;
  std::vector<uint8_t> bytes;
  for (int c; (c = std::fgetc(file)) != EOF;) bytes.push_back(static_cast<uint8_t>(c));
  std::fclose(file);
  return bytes;
}

Shape F32(std::vector<int64_t> dimensions) {
  return Shape::Array(ElementType::kF32, std::move(dimensions));
}

BufferSlice ArenaSlice(int64_t offset, int64_t size) {
  return {Allocation::kArena, 0, offset, size};
}
BufferSlice InputSlice(const Program& program, int32_t index) {
  return {Allocation::kInput, index, 0, program.inputs[index].shape.ByteSize()};
}
BufferSlice OutputSlice(const Program& program, int32_t index) {
  return {Allocation::kOutput, index, 0, program.outputs[index].shape.ByteSize()};
}
BufferSlice ConstantSlice(const Program& program, int32_t index) {
  return {Allocation::kConstant, index, 0, program.constants[index].bytes.size()};
}

Argument Read(const BufferSlice& slice) { return BufferArgument{slice, Access::kRead}; }
Argument Write(const BufferSlice& slice) { return BufferArgument{slice, Access::kWrite}; }
Argument Update(const BufferSlice& slice) { return BufferArgument{slice, Access::kReadWrite}; }
Argument Scalar(uint64_t bits, uint8_t bytes) { return ScalarArgument{bits, bytes}; }

Command MakeLaunch(const std::string& kernel, int64_t tasks, std::vector<Argument> arguments) {
  Launch launch;
  launch.kernel = kernel;
  launch.tasks = tasks;
  launch.arguments = std::move(arguments);
  Command command;
  command.label = kernel + ".1";
  command.operation = std::move(launch);
  return command;
}

CodeModule KernelsModule() {
  CodeModule module;
  module.name = "kernels";
  module.architecture = "x86_64-v1";
  module.format = CodeFormat::kElfObject;
  module.bytes = SharedBytes::Own(ReadTestFile("kernels.o"));
  return module;
}

Program AddProgram(int64_t n, CodeModule module) {
  Program program;
  program.name = "add";
  program.platform = "host";
  program.modules.push_back(std::move(module));
  program.inputs = {{"a", F32({n})}, {"b", F32({n})}};
  program.outputs = {{"y", F32({n})}};
  std::vector<uint8_t> weights(4 * n);
  for (int64_t i = 0; i < n; ++i) {
    const auto value = static_cast<float>(i);
    std::memcpy(weights.data() + 4 * i, &value, 4);
  }
  program.constants = {{"weights", SharedBytes::Own(std::move(weights))}};
  program.arena_size = 256 + 4 * n;
  const BufferSlice sum = ArenaSlice(256, 4 * n);
  program.commands = {
      MakeLaunch("add", n,
                 {Read(InputSlice(program, 0)), Read(InputSlice(program, 1)), Write(sum)}),
      MakeLaunch("add", n,
                 {Read(sum), Read(ConstantSlice(program, 0)), Write(OutputSlice(program, 0))})};
  program.commands[0].bytes = 12 * n;
  program.commands[0].flops = n;
  return program;
}

Program LoopProgram(int32_t step, int32_t limit, CodeModule module) {
  Program program;
  program.name = "loop";
  program.platform = "host";
  program.modules.push_back(std::move(module));
  program.inputs = {{"start", Shape::Scalar(ElementType::kS32)}};
  program.outputs = {{"end", Shape::Scalar(ElementType::kS32), 0}};
  program.arena_size = 1;
  const BufferSlice counter = OutputSlice(program, 0);
  While loop;
  loop.predicate = ArenaSlice(0, 1);
  loop.condition = {MakeLaunch(
      "less", 1, {Read(counter), Scalar(static_cast<uint32_t>(limit), 4), Write(loop.predicate)})};
  loop.body = {MakeLaunch("count", 1, {Update(counter), Scalar(static_cast<uint32_t>(step), 4)})};
  Command command;
  command.label = "while.1";
  command.operation = std::move(loop);
  program.commands = {std::move(command)};
  return program;
}

}  // namespace ingot::runtime
