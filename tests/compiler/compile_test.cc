// Each module of cases/ compiled for the host, just in time, and for a card, in the simulator,
// against the evaluator, to the bit.
#include "compiler/compile.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <thread>

#include "absl/strings/str_cat.h"
#include "compiler/executable.h"
#include "ir/evaluator/evaluator.h"
#include "ir/text/parser.h"
#include "ir/verifier/verifier.h"
#include "tests/compiler/plans.h"
#include "tests/paths/paths.h"

namespace ingot {
namespace {

std::string CasesFolder() { return test::RepositoryRoot() + "/tests/compiler/cases"; }

std::unique_ptr<Module> Load(const std::string& path) {
  auto module = ParseModule(test::ReadFile(path), path);
  EXPECT_TRUE(module.ok()) << module.status();
  if (!module.ok()) return nullptr;
  EXPECT_TRUE(Verify(**module).ok()) << Verify(**module);
  return *std::move(module);
}

// Small whole numbers, so that every order of additions gives the same bits; ties among them.
Literal ValueOf(const Shape& shape) {
  if (shape.IsTuple()) {
    std::vector<Literal> elements;
    for (const Shape& element : shape.tuple_shapes()) elements.push_back(ValueOf(element));
    return Literal::Tuple(std::move(elements));
  }
  Literal literal = Literal::Zeros(shape).value();
  for (int64_t i = 0; i < literal.size(); ++i) literal.SetInteger(i, (i * 7 + 3) % 11 - 4);
  return literal;
}

class CompileTest : public testing::TestWithParam<std::string> {};

void ExpectWhatTheEvaluatorGives(const Module& module, const Target& target) {
  std::vector<Literal> parameters, inputs;
  for (const Instruction* parameter : module.entry()->parameters()) {
    parameters.push_back(ValueOf(parameter->shape()));
    for (Literal& leaf : Leaves(parameters.back())) inputs.push_back(std::move(leaf));
  }
  const auto expected = Evaluate(module, parameters);
  ASSERT_TRUE(expected.ok()) << expected.status();
  CompileOptions options;
  options.numerics = Numerics::kStrict;
  const auto compilation = Compile(module, target, options);
  ASSERT_TRUE(compilation.ok()) << compilation.status();
  const auto device = test::DeviceOf(target);
  ASSERT_TRUE(device.ok()) << device.status();
  const auto executable = Executable::Load(compilation->program, device->get());
  ASSERT_TRUE(executable.ok()) << executable.status();
  // Twice: nothing of the first run may be left in the arena's way.
  for (int run = 0; run < 2; ++run) {
    const auto results = (*executable)->Run(inputs);
    ASSERT_TRUE(results.ok()) << results.status();
    const std::vector<Literal> leaves = Leaves(*expected);
    ASSERT_EQ(results->size(), leaves.size());
    for (size_t i = 0; i < leaves.size(); ++i) {
      EXPECT_TRUE((*results)[i] == leaves[i]) << "result " << i << " of run " << run;
    }
  }
}

TEST_P(CompileTest, GivesWhatTheEvaluatorGives) {
  const std::unique_ptr<Module> module = Load(CasesFolder() + "/" + GetParam() + ".hlo");
  ASSERT_NE(module, nullptr);
  for (const char* target : {"host", "sim:sm_90a"}) {
    SCOPED_TRACE(target);
    ExpectWhatTheEvaluatorGives(*module, **FindTarget(target));
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, CompileTest,
                         testing::ValuesIn(test::FileStems(CasesFolder(), ".hlo")),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(Compile, NamesWhatItCannotCompile) {
  const auto module = ParseModule(
      "HloModule m\n\nENTRY e {\n  x = f32[3] parameter(0)\n"
      "  ROOT c = f32[3] custom-call(x), custom_call_target=\"f\"\n}\n",
      "m.hlo");
  ASSERT_TRUE(module.ok()) << module.status();
  const auto compilation = Compile(**module, **FindTarget("host"));
  ASSERT_EQ(compilation.status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_NE(compilation.status().message().find("c: custom-call"), absl::string_view::npos)
      << compilation.status();
}

// A quotient asks for no fused multiply-add, which shorter divisions have.
TEST(Compile, DividesWithoutFusedMultiplyAdd) {
  const auto module = ParseModule(
      "HloModule m\n\nENTRY e {\n  x = f32[64] parameter(0)\n  three = f32[] constant(3)\n"
      "  threes = f32[64] broadcast(three), dimensions={}\n"
      "  ROOT q = f32[64] divide(x, threes)\n}\n",
      "m.hlo");
  ASSERT_TRUE(module.ok()) << module.status();
  for (const char* target : {"x86_64-v2", "x86_64-v3"}) {
    const auto compilation = Compile(**module, **FindTarget(target));
    EXPECT_TRUE(compilation.ok()) << target << ": " << compilation.status();
  }
}

// Kernels apply a reducer as often as they please; the interpreter refuses it as well.
TEST(Compile, RefusesASideEffectInAReducer) {
  const auto module = ParseModule(
      "HloModule m\n\nshow {\n  x = f32[] parameter(0)\n  y = f32[] parameter(1)\n"
      "  t = token[] after-all()\n  o = token[] outfeed(x, t)\n  ROOT s = f32[] add(x, y)\n}\n\n"
      "ENTRY e {\n  p = f32[8] parameter(0)\n  z = f32[] constant(0)\n"
      "  ROOT r = f32[] reduce(p, z), dimensions={0}, to_apply=show\n}\n",
      "m.hlo");
  ASSERT_TRUE(module.ok()) << module.status();
  ASSERT_TRUE(Verify(**module).ok()) << Verify(**module);
  for (const char* target : {"host", "sm_90a"}) {
    const auto compilation = Compile(**module, **FindTarget(target));
    ASSERT_EQ(compilation.status().code(), absl::StatusCode::kUnimplemented) << target;
    EXPECT_NE(compilation.status().message().find("o: outfeed"), absl::string_view::npos)
        << compilation.status();
  }
  const std::vector<Literal> inputs = {
      Literal::Zeros(Shape::Array(ElementType::kF32, {8})).value()};
  EXPECT_FALSE(Evaluate(**module, inputs).ok());
}

// Sums, so that each of the arrays is asked for once: x0 + x1 + ….
std::unique_ptr<Module> SumOf(int arrays, int64_t size) {
  std::string text = "HloModule sum\n\nENTRY e {\n";
  const std::string type = absl::StrCat("f32[", size, "] ");
  for (int i = 0; i < arrays; ++i) {
    absl::StrAppend(&text, "  x", i, " = ", type, "parameter(", i, ")\n");
  }
  for (int i = 1; i < arrays; ++i) {
    const std::string before = i == 1 ? "x0" : absl::StrCat("s", i - 1);
    absl::StrAppend(&text, i + 1 == arrays ? "  ROOT s" : "  s", i, " = ", type, "add(", before,
                    ", x", i, ")\n");
  }
  auto module = ParseModule(text + "}\n", "sum.hlo");
  EXPECT_TRUE(module.ok()) << module.status();
  return module.ok() ? *std::move(module) : nullptr;
}

TEST(Compile, ASumOfManyArraysIsSeveralKernels) {
  const std::unique_ptr<Module> module = SumOf(600, 256);
  ASSERT_NE(module, nullptr);
  EXPECT_TRUE(Compile(*module, **FindTarget("host")).ok());
  const Target& target = **FindTarget("sm_90a");
  const auto compilation = Compile(*module, target);
  ASSERT_TRUE(compilation.ok()) << compilation.status();
  size_t parameters = 0;
  for (const runtime::Command& command : compilation->program->commands) {
    const auto& launch = std::get<runtime::Launch>(command.operation);
    EXPECT_LE(8 * launch.arguments.size(), static_cast<size_t>(target.parameter_bytes()));
    parameters += launch.arguments.size();
  }
  EXPECT_GE(parameters, 601u);
}

// A sort's operands are in one kernel, each with its result and scratch, where its comparator is no
// order of integers.
TEST(Compile, NamesTheLimitOfParameters) {
  std::string lines, operands, types, comparator;
  for (int i = 0; i < 200; ++i) {
    absl::StrAppend(&lines, "  x", i, " = f32[4] parameter(", i, ")\n");
    absl::StrAppend(&operands, i == 0 ? "x" : ", x", i);
    absl::StrAppend(&types, i == 0 ? "" : ", ", "f32[4]");
  }
  for (int i = 0; i < 400; ++i) {
    absl::StrAppend(&comparator, "  a", i, " = f32[] parameter(", i, ")\n");
  }
  const auto module =
      ParseModule(absl::StrCat("HloModule sort\n\nless {\n", comparator,
                               "  ROOT o = pred[] compare(a0, a2), direction=LT\n}\n\nENTRY e {\n",
                               lines, "  ROOT s = (", types, ") sort(", operands,
                               "), dimensions={0}, to_apply=less\n}\n"),
                  "sort.hlo");
  ASSERT_TRUE(module.ok()) << module.status();
  const absl::Status status = Compile(**module, **FindTarget("sm_90a")).status();
  ASSERT_EQ(status.code(), absl::StatusCode::kUnimplemented) << status;
  EXPECT_NE(status.message().find("600 buffers take 4800 bytes of parameters; sm_90a allows 4352"),
            absl::string_view::npos)
      << status;
}

TEST(Compile, KernelsThatAreOneCodeAreCompiledOnce) {
  const auto module = ParseModule(
      "HloModule two\n\nENTRY e {\n  a = f32[4096] parameter(0)\n  b = f32[8192] parameter(1)\n"
      "  x = f32[4096] multiply(a, a)\n  y = f32[8192] multiply(b, b)\n"
      "  ROOT r = (f32[4096], f32[8192]) tuple(x, y)\n}\n",
      "two.hlo");
  ASSERT_TRUE(module.ok()) << module.status();
  const auto compilation = Compile(**module, **FindTarget("sm_90a"));
  ASSERT_TRUE(compilation.ok()) << compilation.status();
  EXPECT_EQ(compilation->kernels, 1);
  const std::vector<runtime::Command>& commands = compilation->program->commands;
  ASSERT_EQ(commands.size(), 2u);
  const auto& first = std::get<runtime::Launch>(commands[0].operation);
  const auto& second = std::get<runtime::Launch>(commands[1].operation);
  EXPECT_EQ(first.kernel, second.kernel);
  EXPECT_EQ(2 * first.grid.x, second.grid.x);
}

// Their tensor maps differ, and what a tile's place is divided by.
TEST(Compile, ProductsOfTwoSizesShareAKernel) {
  const std::unique_ptr<Module> module =
      Load(test::RepositoryRoot() + "/tests/device/products/bf16_sizes.hlo");
  ASSERT_NE(module, nullptr);
  const auto compilation = Compile(*module, **FindTarget("sm_90a"));
  ASSERT_TRUE(compilation.ok()) << compilation.status();
  EXPECT_EQ(compilation->kernels, 1);
  EXPECT_EQ(compilation->launches, 2);
}

TEST(Compile, ConstantsOfOneCodeAreArguments) {
  const std::unique_ptr<Module> module = Load(CasesFolder() + "/one-code-of-two-shapes.hlo");
  ASSERT_NE(module, nullptr);
  for (const char* target : {"host", "sm_90a"}) {
    CompileOptions options;
    options.fusion = FusionMode::kLoop;  // the tuple's elements are not fused
    const auto compilation = Compile(*module, **FindTarget(target), options);
    ASSERT_TRUE(compilation.ok()) << compilation.status();
    EXPECT_EQ(compilation->kernels, 1) << target;
    const std::vector<runtime::Command>& commands = compilation->program->commands;
    ASSERT_EQ(commands.size(), 2u);
    for (const auto& [command, factor] : {std::pair(0, 0.5f), std::pair(1, 0.3333f)}) {
      const auto& launch = std::get<runtime::Launch>(commands[command].operation);
      std::vector<uint64_t> scalars;
      for (const runtime::Argument& argument : launch.arguments) {
        const auto* scalar = std::get_if<runtime::ScalarArgument>(&argument);
        if (scalar != nullptr) scalars.push_back(scalar->bits);
      }
      EXPECT_NE(std::find(scalars.begin(), scalars.end(), std::bit_cast<uint32_t>(factor)),
                scalars.end())
          << target;
    }
  }
}

TEST(Compile, ProgramsDoNotDependOnThreadsOrNeighbours) {
  const std::unique_ptr<Module> module = Load(CasesFolder() + "/conditional-by-index.hlo");
  ASSERT_NE(module, nullptr);
  std::vector<std::string> programs(6);
  std::vector<std::thread> callers;
  for (size_t i = 0; i < programs.size(); ++i) {
    callers.emplace_back([&, i] {
      CompileOptions options;
      options.threads = 1 + static_cast<int>(i) % 4;
      const auto compilation = Compile(*module, **FindTarget("host"), options);
      if (compilation.ok()) programs[i] = runtime::ToString(*compilation->program);
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_NE(programs[0], "");
  for (const std::string& program : programs) EXPECT_EQ(program, programs[0]);
}

TEST(Compile, StopsWhenCancelledOrLate) {
  const std::unique_ptr<Module> module = Load(CasesFolder() + "/conditional-by-index.hlo");
  ASSERT_NE(module, nullptr);
  std::atomic<bool> cancelled{true};
  CompileOptions options;
  options.cancelled = &cancelled;
  EXPECT_EQ(Compile(*module, **FindTarget("host"), options).status().code(),
            absl::StatusCode::kCancelled);
  CompileOptions late;
  late.deadline = std::chrono::steady_clock::now() - std::chrono::seconds(1);
  EXPECT_EQ(Compile(*module, **FindTarget("host"), late).status().code(),
            absl::StatusCode::kDeadlineExceeded);
}

}  // namespace
}  // namespace ingot
