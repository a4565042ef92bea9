#include "runtime/program.h"

#include <functional>
#include <string>

#include "gtest/gtest.h"
#include "tests/runtime/testing.h"

namespace ingot::runtime {
namespace {

// What Validate says of AddProgram(8) after a change.
std::string Complaint(const std::function<void(Program&)>& change) {
  Program program = AddProgram(8);
  change(program);
  return std::string(Validate(program).message());
}

Launch& FirstLaunch(Program& program) { return std::get<Launch>(program.commands[0].operation); }

template <typename T>
Command Make(T operation) {
  Command command;
  command.label = "c";
  command.operation = std::move(operation);
  return command;
}

TEST(ValidateTest, Accepts) {
  EXPECT_EQ(Complaint([](Program&) {}), "");
  EXPECT_EQ(Complaint([](Program& p) { p = LoopProgram(1, 5); }), "");
  EXPECT_EQ(Complaint([](Program& p) { p.commands.clear(); }), "");
}

TEST(ValidateTest, RefusesParts) {
  EXPECT_EQ(Complaint([](Program& p) { p.platform = "tpu"; }),
            "platform 'tpu' is none of host, cuda and sim");
  EXPECT_EQ(Complaint([](Program& p) { p.arena_size = -1; }), "arena of -1 bytes");
  EXPECT_EQ(Complaint([](Program& p) { p.modules[0].format = CodeFormat::kPtx; }),
            "module 0: a program for host holds ptx code");
  EXPECT_EQ(Complaint([](Program& p) { p.inputs[1].shape = Shape::Token(); }),
            "input 1: shape token[] is not an array");
  EXPECT_EQ(Complaint([](Program& p) { p.inputs[1].shape = F32({-3}); }),
            "input 1: shape f32[-3] has no bound");
  EXPECT_EQ(Complaint([](Program& p) {
              p.inputs[1].shape = F32({1 << 30, 1 << 30, 1 << 30});
            }),
            "input 1: the size of f32[1073741824,1073741824,1073741824] overflows 2^62 bytes");
  EXPECT_EQ(Complaint([](Program& p) { p.outputs[0].aliased_input = 2; }),
            "output 0 is aliased to input 2 of 2");
  EXPECT_EQ(Complaint([](Program& p) {
              p.outputs[0] = {"y", F32({9}), 1};
            }),
            "output 0 of 36 bytes is aliased to input 1 of 32 bytes");
  EXPECT_EQ(Complaint([](Program& p) {
              p.outputs[0].aliased_input = 1;
              p.outputs.push_back(p.outputs[0]);
            }),
            "two outputs are aliased to input 1");
}

TEST(ValidateTest, RefusesBuffers) {
  const auto with = [](BufferSlice slice, Access access = Access::kRead) {
    return Complaint([=](Program& p) {
      FirstLaunch(p).arguments[1] = BufferArgument{slice, access};
    });
  };
  const std::string where = "command 0 'add.1': argument 1: argument: ";
  EXPECT_EQ(with({Allocation::kInput, 2, 0, 4}), where + "no allocation input 2[0 +4]");
  EXPECT_EQ(with({Allocation::kConstant, -1, 0, 4}), where + "no allocation constant -1[0 +4]");
  EXPECT_EQ(with({Allocation::kArena, 0, 280, 9}),
            where + "9 bytes at 280 leave an allocation of 288 bytes: arena[280 +9]");
  const int64_t huge = std::numeric_limits<int64_t>::max();
  for (const BufferSlice& slice : std::vector<BufferSlice>{{Allocation::kArena, 0, -1, 4},
                                                           {Allocation::kArena, 0, 4, -1},
                                                           {Allocation::kArena, 0, huge, huge},
                                                           {Allocation::kArena, 0, 4, huge},
                                                           {Allocation::kArena, 1, 0, 4}}) {
    EXPECT_NE(with(slice), "");
  }
  EXPECT_EQ(with({Allocation::kInput, 1, 0, 32}, Access::kWrite), where + "writes input 1");
  EXPECT_EQ(with({Allocation::kConstant, 0, 0, 32}, Access::kReadWrite),
            where + "writes constant 0");
}

TEST(ValidateTest, RefusesCommands) {
  const auto with = [](auto operation) {
    return Complaint([&](Program& p) { p.commands = {Make(operation)}; });
  };
  EXPECT_EQ(Complaint([](Program& p) { FirstLaunch(p).module = 1; }),
            "command 0 'add.1': module 1 of 1");
  EXPECT_EQ(Complaint([](Program& p) { FirstLaunch(p).kernel = ""; }),
            "command 0 'add.1': a kernel without a name");
  EXPECT_EQ(Complaint([](Program& p) { FirstLaunch(p).tasks = -1; }),
            "command 0 'add.1': -1 tasks");
  EXPECT_EQ(Complaint([](Program& p) { FirstLaunch(p).resident = true; }),
            "command 0 'add.1': a host's launch has no resident blocks");
  EXPECT_EQ(Complaint([](Program& p) { FirstLaunch(p).arguments[0] = Scalar(256, 1); }),
            "command 0 'add.1': argument 0: scalar argument 0x100 of 1 bytes");
  EXPECT_EQ(Complaint([](Program& p) { FirstLaunch(p).arguments[0] = TensorMapArgument(); }),
            "command 0 'add.1': argument 0: tensor map argument on the host");
  EXPECT_EQ(with(Copy{ArenaSlice(0, 8), ArenaSlice(8, 16)}),
            "command 0 'c': copy of 8 bytes to 16");
  EXPECT_EQ(with(Copy{ArenaSlice(0, 8), ArenaSlice(4, 8)}),
            "command 0 'c': source arena[0 +8] overlaps destination arena[4 +8]");
  EXPECT_EQ(with(Fill{ArenaSlice(0, 6), 1, 4}),
            "command 0 'c': fill of arena[0 +6] with 0x1 of 4 bytes");
  EXPECT_EQ(with(Fill{ArenaSlice(0, 6), 1, 3}),
            "command 0 'c': fill of arena[0 +6] with 0x1 of 3 bytes");
  EXPECT_EQ(with(While{{}, ArenaSlice(0, 4), {}}), "command 0 'c': predicate of 4 bytes, not 1");
  EXPECT_EQ(with(Conditional{Selector::kPred, ArenaSlice(0, 1), {{}}}),
            "command 0 'c': 1 branches");
  EXPECT_EQ(with(Conditional{Selector::kIndex, ArenaSlice(0, 4), {}}), "command 0 'c': 0 branches");
  EXPECT_EQ(with(Conditional{Selector::kIndex, ArenaSlice(0, 1), {{}}}),
            "command 0 'c': index of 1 bytes, not 4");
}

TEST(ValidateTest, RefusesLibraryCalls) {
  DotCall dot;
  dot.m = dot.n = dot.k = 2;
  dot.lhs_strides = dot.rhs_strides = dot.output_strides = {4, 2, 1};
  LibraryCall call;
  call.operation = dot;
  call.inputs = {ArenaSlice(0, 16), ArenaSlice(16, 16)};
  call.output = ArenaSlice(32, 16);
  const auto with = [&](const std::function<void(LibraryCall&)>& change) {
    return Complaint([&](Program& p) {
      LibraryCall changed = call;
      changed.fallback = {p.commands[0]};
      change(changed);
      p.commands = {Make(changed)};
    });
  };
  EXPECT_EQ(with([](LibraryCall&) {}), "");
  EXPECT_EQ(with([](LibraryCall& c) { c.fallback.clear(); }),
            "command 0 'c': a library call without a fallback");
  EXPECT_EQ(with([](LibraryCall& c) { c.inputs.pop_back(); }),
            "command 0 'c': dot takes 2 inputs, not 1");
  EXPECT_EQ(with([](LibraryCall& c) { c.output.size = 15; }),
            "command 0 'c': dot operand 2 spans 16 bytes of a slice of 15");
  EXPECT_EQ(with([](LibraryCall& c) { std::get<DotCall>(c.operation).k = -1; }),
            "command 0 'c': lhs: dimension 2 has size -1 and stride 1");
  EXPECT_EQ(with([](LibraryCall& c) {
              std::get<DotCall>(c.operation).m = int64_t{1} << 40;
              std::get<DotCall>(c.operation).lhs_strides[1] = int64_t{1} << 40;
            }),
            "command 0 'c': lhs: the span overflows 2^62 elements");
  EXPECT_EQ(with([](LibraryCall& c) { c.operation = ConvolutionCall(); }),
            "command 0 'c': 0 spatial dimensions, not 1 to 3");
}

TEST(ValidateTest, BoundsNesting) {
  const auto nested = [](int depth) {
    Program program = AddProgram(8);
    for (int i = 1; i < depth; ++i) {
      While loop;
      loop.predicate = ArenaSlice(0, 1);
      loop.body = std::move(program.commands);
      program.commands.clear();
      program.commands.push_back(Make(std::move(loop)));
    }
    return Validate(program);
  };
  EXPECT_TRUE(nested(kMaxCommandDepth).ok());
  EXPECT_NE(nested(kMaxCommandDepth + 1).message().find("commands nest deeper than 64"),
            absl::string_view::npos);
}

TEST(ProgramTextTest, Prints) {
  Program program = LoopProgram(3, 10);
  program.modules[0].bytes = SharedBytes::Own(std::vector<uint8_t>(1234));
  program.modules[0].features = {"fma"};
  program.constants = {{"weights", SharedBytes::Own(std::vector<uint8_t>(1500000))}};
  program.arena_size = 512;
  program.commands.push_back(MakeLaunch("add", 128,
                                        {Read({Allocation::kConstant, 0, 64, 32}),
                                         Read(ArenaSlice(256, 32)), Write(ArenaSlice(0, 1))}));
  program.commands.back().bytes = 96;
  program.commands.back().flops = 2000000;
  ASSERT_TRUE(Validate(program).ok()) << Validate(program);
  EXPECT_EQ(ToString(program), R"(program loop for host

code
   0  kernels              x86_64-v1 elf-object, 1.2 KB, needs fma

inputs
   0  start                s32[], 4 B

outputs
   0  end                  s32[], 4 B, in place of input 0

constants
   0  weights              1.5 MB

arena 512 bytes
          offset            size  commands
               0               1  0..1  while.1
             256              32  1..1  add.1

commands
   0  while.1                  while arena[0 +1]
      condition
         0  less.1                   launch 0:less tasks 1 (output 0, 0xa:32, -> arena[0 +1])
      body
         0  count.1                  launch 0:count tasks 1 (<-> output 0, 0x3:32)
   1  add.1                    launch 0:add tasks 128 (constant 0[64 +32], arena[256 +32], -> arena[0 +1])  96 B  2.0 MFLOP
)");
}

}  // namespace
}  // namespace ingot::runtime
