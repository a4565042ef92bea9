// Inputs that are given away, and loops: results are right whether memory is shared or not, and
// copies are made where two values that want one memory live at once, and there only.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "compiler/compile.h"
#include "compiler/kernel/simulator/device/device.h"
#include "ir/evaluator/evaluator.h"
#include "ir/text/parser.h"
#include "ir/verifier/verifier.h"
#include "runtime/executor.h"
#include "runtime/host/host_device.h"

namespace ingot {
namespace {

struct Case {
  const char* name;
  const char* header;   // attributes of the module
  const char* modules;  // computations
  // Bytes that copies move with memory given away, on each call, and the reasons of copies.
  int64_t copied;
  std::vector<const char*> reasons;
  std::vector<int64_t> donated = {};
};

constexpr char kUpdate[] = R"(
ENTRY e {
  cache = f32[64,32] parameter(0)
  new = f32[1,32] parameter(1)
  at = s32[] parameter(2)
  zero = s32[] constant(0)
  two = f32[1,32] add(new, new)
  next = f32[64,32] dynamic-update-slice(cache, two, at, zero)
  sorted = f32[64,32] sort(next), dimensions={0}, to_apply=less
  ROOT r = (f32[64,32], f32[64,32]) tuple(sorted, next)
})";

constexpr char kLoop[] = R"(
condition {
  s = (s32[], f32[32,16], f32[16]) parameter(0)
  i = s32[] get-tuple-element(s), index=0
  n = s32[] constant(32)
  ROOT less = pred[] compare(i, n), direction=LT
}
body {
  s = (s32[], f32[32,16], f32[16]) parameter(0)
  i = s32[] get-tuple-element(s), index=0
  rows = f32[32,16] get-tuple-element(s), index=1
  y = f32[16] get-tuple-element(s), index=2
  one = s32[] constant(1)
  zero = s32[] constant(0)
  f = f32[] convert(i)
  fs = f32[16] broadcast(f), dimensions={}
  row = f32[16] multiply(y, fs)
  update = f32[1,16] reshape(row)
  next_rows = f32[32,16] dynamic-update-slice(rows, update, i, zero)
  next = s32[] add(i, one)
  ROOT t = (s32[], f32[32,16], f32[16]) tuple(next, next_rows, y)
}
ENTRY e {
  x = f32[32,16] parameter(0)
  y = f32[16] parameter(1)
  zero = s32[] constant(0)
  init = (s32[], f32[32,16], f32[16]) tuple(zero, x, y)
  w = (s32[], f32[32,16], f32[16]) while(init), condition=condition, body=body
  ROOT rows = f32[32,16] get-tuple-element(w), index=1
})";

// An optimiser's step: arrays that begin and end anywhere, and a scale beside its gradient.
constexpr char kStep[] = R"(
ENTRY e {
  p = f32[1001] parameter(0)
  m = f32[1001] parameter(1)
  v = f32[1001] parameter(2)
  g = f32[1001] parameter(3)
  scale = f32[33] parameter(4)
  x = f32[47,33] parameter(5)
  half = f32[] constant(0.5)
  halves = f32[1001] broadcast(half), dimensions={}
  m.1 = f32[1001] multiply(m, halves)
  m.2 = f32[1001] add(m.1, g)
  v.1 = f32[1001] multiply(v, halves)
  g.2 = f32[1001] multiply(g, g)
  v.2 = f32[1001] add(v.1, g.2)
  d = f32[1001] multiply(m.2, v.2)
  p.2 = f32[1001] subtract(p, d)
  zero = f32[] constant(0)
  scales = f32[47,33] broadcast(scale), dimensions={1}
  y = f32[47,33] multiply(x, scales)
  of_rows = f32[47] reduce(y, zero), dimensions={1}, to_apply=add
  all_rows = f32[47,33] broadcast(of_rows), dimensions={0}
  z = f32[47,33] subtract(y, all_rows)
  w = f32[47,33] multiply(z, x)
  of_columns = f32[33] reduce(w, zero), dimensions={0}, to_apply=add
  scale.2 = f32[33] subtract(scale, of_columns)
  ROOT r = (f32[1001], f32[1001], f32[1001], f32[33], f32[47,33]) tuple(p.2, m.2, v.2, scale.2, z)
})";

const Case kCases[] = {
    {"update", "input_output_alias={ {1}: (0, {}, may-alias) }", kUpdate, 0, {}},
    {"update_by_donor",
     "buffer_donor={ (0, {}) }",
     kUpdate,
     64 * 32 * 4,
     {"what is updated is read later"}},
    {"update_not_donated", "", kUpdate, 64 * 32 * 4, {"input 0 is not donated"}},
    {"read_after_the_update",
     "input_output_alias={ {0}: (0, {}, must-alias) }",
     R"(
ENTRY e {
  x = f32[64] parameter(0)
  y = f32[4] parameter(1)
  at = s32[] parameter(2)
  next = f32[64] dynamic-update-slice(x, y, at)
  sorted = f32[64] sort(next), dimensions={0}, to_apply=less
  later = f32[64] add(sorted, x)
  ROOT r = (f32[64], f32[64]) tuple(next, later)
})",
     2 * 64 * 4,
     {"what is updated is read later", "what was in its place is read later"}},
    {"swapped",
     "input_output_alias={ {0}: (0, {}), {1}: (1, {}) }",
     R"(
ENTRY e {
  x = f32[64] parameter(0)
  y = f32[64] parameter(1)
  ROOT r = (f32[64], f32[64]) tuple(y, x)
})",
     4 * 64 * 4,
     {"overwritten before it is copied"}},
    {"swapped_sums",
     "input_output_alias={ {0}: (0, {}), {1}: (1, {}) }",
     R"(
ENTRY e {
  x = f32[64] parameter(0)
  y = f32[64] parameter(1)
  sx = f32[64] sort(x), dimensions={0}, to_apply=less
  sy = f32[64] sort(y), dimensions={0}, to_apply=less
  a = f32[64] add(sx, y)
  b = f32[64] multiply(sy, x)
  ROOT r = (f32[64], f32[64]) tuple(b, a)
})",
     -1,
     {}},
    {"elements",
     "",
     R"(
ENTRY e {
  p = f32[4096] parameter(0)
  m = f32[4096] parameter(1)
  g = f32[4096] parameter(2)
  half = f32[] constant(0.5)
  halves = f32[4096] broadcast(half), dimensions={}
  kept = f32[4096] multiply(m, halves)
  m2 = f32[4096] add(kept, g)
  p2 = f32[4096] subtract(p, g)
  ROOT r = (f32[4096], f32[4096]) tuple(p2, m2)
})",
     0,
     {},
     {0, 1}},
    {"scatter",
     "input_output_alias={ {}: (0, {}) }",
     R"(
ENTRY e {
  x = f32[40] parameter(0)
  at = s32[8,1] parameter(1)
  y = f32[8] parameter(2)
  ROOT r = f32[40] scatter(x, at, y), update_window_dims={}, inserted_window_dims={0}, scatter_dims_to_operand_dims={0}, index_vector_dim=1, to_apply=add
})",
     0,
     {}},
    {"loop", "input_output_alias={ {}: (0, {}) }", kLoop, 4, {"a constant"}},
    {"loop_not_donated", "", kLoop, 32 * 16 * 4 + 4, {"input 0 is not donated", "a constant"}},
    {"state_read_behind",
     "",
     R"(
condition {
  s = (s32[], f32[64]) parameter(0)
  i = s32[] get-tuple-element(s), index=0
  n = s32[] constant(3)
  ROOT less = pred[] compare(i, n), direction=LT
}
body {
  s = (s32[], f32[64]) parameter(0)
  i = s32[] get-tuple-element(s), index=0
  x = f32[64] get-tuple-element(s), index=1
  one = s32[] constant(1)
  next = s32[] add(i, one)
  y = f32[64] sort(x), dimensions={0}, to_apply=less
  z = f32[64] add(y, x)
  ROOT t = (s32[], f32[64]) tuple(next, z)
}
ENTRY e {
  p = f32[64] parameter(0)
  x = f32[64] sort(p), dimensions={0}, to_apply=less
  zero = s32[] constant(0)
  init = (s32[], f32[64]) tuple(zero, x)
  w = (s32[], f32[64]) while(init), condition=condition, body=body
  v = (s32[], f32[64]) while(w), condition=condition, body=body
  y = f32[64] get-tuple-element(w), index=1
  z = f32[64] get-tuple-element(v), index=1
  a = f32[64] add(y, z)
  ROOT r = f32[64] add(a, x)
})",
     -1,
     {"read beside the loop"}},
    {"conditional",
     "input_output_alias={ {0}: (1, {}) }",
     R"(
yes { x = f32[64] parameter(0)  ROOT n = f32[64] negate(x) }
no { x = f32[64] parameter(0)  ROOT r = f32[64] sort(x), dimensions={0}, to_apply=less }
same { x = f32[64] parameter(0)  ROOT r = f32[64] reshape(x) }
ENTRY e {
  i = s32[] parameter(0)
  x = f32[64] parameter(1)
  c = f32[64] conditional(i, x, x, x), branch_computations={yes, no, same}
  ROOT r = (f32[64], f32[64]) tuple(c, x)
})",
     -1,
     {}},
    {"step", "", kStep, 0, {}, {0, 1, 2, 4}},
};

constexpr char kReducers[] = R"(
add { a = f32[] parameter(0)  b = f32[] parameter(1)  ROOT s = f32[] add(a, b) }
less { c = f32[] parameter(0)  d = f32[] parameter(1)  ROOT l = pred[] compare(c, d), direction=LT }
)";

std::unique_ptr<Module> Parse(const Case& test) {
  const std::string comma = *test.header == '\0' ? "" : ", ";
  auto module = ParseModule(
      absl::StrCat("HloModule m", comma, test.header, "\n", kReducers, test.modules, "\n"), "m");
  EXPECT_TRUE(module.ok()) << module.status();
  if (!module.ok()) return nullptr;
  EXPECT_TRUE(Verify(**module).ok()) << Verify(**module);
  return *std::move(module);
}

void CollectCopies(const std::vector<runtime::Command>& commands,
                   std::vector<const runtime::Copy*>& copies) {
  for (const runtime::Command& command : commands) {
    if (const auto* copy = std::get_if<runtime::Copy>(&command.operation)) copies.push_back(copy);
    if (const auto* loop = std::get_if<runtime::While>(&command.operation)) {
      CollectCopies(loop->condition, copies);
      CollectCopies(loop->body, copies);
    }
    if (const auto* conditional = std::get_if<runtime::Conditional>(&command.operation)) {
      for (const auto& branch : conditional->branches) CollectCopies(branch, copies);
    }
  }
}

void ExpectCopies(const Case& test, const runtime::Program& program) {
  std::vector<const runtime::Copy*> copies;
  CollectCopies(program.commands, copies);
  int64_t bytes = 0;
  for (const runtime::Copy* copy : copies) {
    bytes += copy->source.size;
    EXPECT_FALSE(copy->reason.empty()) << ToString(program);
  }
  if (test.copied >= 0) {
    EXPECT_EQ(bytes, test.copied) << ToString(program);
  }
  for (const char* reason : test.reasons) {
    EXPECT_TRUE(
        std::any_of(copies.begin(), copies.end(),
                    [&](const auto* copy) { return absl::StartsWith(copy->reason, reason); }))
        << reason << "\n"
        << ToString(program);
  }
}

std::vector<Literal> InputsOf(const std::vector<runtime::Input>& inputs) {
  std::vector<Literal> values;
  for (const runtime::Input& input : inputs) {
    values.push_back(Literal::Zeros(input.shape).value());
    for (int64_t i = 0; i < values.back().size(); ++i) {
      values.back().SetInteger(i, (i * 7 + static_cast<int64_t>(values.size())) % 13);
    }
  }
  return values;
}

// Runs with each donated input's memory for its output too, or with memory apart.
void ExpectRun(runtime::Executor& executor, const std::vector<Literal>& inputs,
               const std::vector<Literal>& expected, bool give_away) {
  std::vector<runtime::Buffer> buffers;
  std::vector<runtime::BufferView> in, out;
  for (const Literal& input : inputs) {
    auto buffer = runtime::Buffer::FromHost(executor.device(), input.shape(), input.bytes().data());
    ASSERT_TRUE(buffer.ok()) << buffer.status();
    in.push_back(buffer->view());
    buffers.push_back(*std::move(buffer));
  }
  for (const runtime::Output& output : executor.program().outputs) {
    if (output.aliased_input >= 0 && give_away) {
      out.push_back({in[output.aliased_input].data, output.shape});
      continue;
    }
    auto buffer = runtime::Buffer::Allocate(executor.device(), output.shape);
    ASSERT_TRUE(buffer.ok()) << buffer.status();
    out.push_back(buffer->view());
    buffers.push_back(*std::move(buffer));
  }
  const absl::Status status = executor.Run(in, out);
  ASSERT_TRUE(status.ok()) << status;
  const auto is = [&](const runtime::BufferView& view, const Literal& value) {
    Literal found = Literal::Zeros(value.shape()).value();
    EXPECT_TRUE(executor.device()
                    ->CopyOut(found.MutableBytes().data(), view.data, view.shape.ByteSize())
                    .ok());
    return found == value;
  };
  for (size_t i = 0; i < out.size(); ++i) {
    EXPECT_TRUE(is(out[i], expected[i])) << "output " << i << ", given away: " << give_away;
  }
  for (size_t i = 0; i < in.size(); ++i) {
    const bool given = std::any_of(out.begin(), out.end(), [&](const runtime::BufferView& view) {
      return view.data == in[i].data;
    });
    EXPECT_TRUE(given || is(in[i], inputs[i])) << "input " << i << " was overwritten";
  }
}

class DonationTest : public testing::TestWithParam<Case> {};

INSTANTIATE_TEST_SUITE_P(Cases, DonationTest, testing::ValuesIn(kCases),
                         [](const auto& info) { return info.param.name; });

TEST_P(DonationTest, IsRightAndCopiesOnlyWhatLivesOn) {
  const std::unique_ptr<Module> module = Parse(GetParam());
  ASSERT_NE(module, nullptr);
  for (const char* name : {"host", "sim:sm_90a-tiny"}) {
    SCOPED_TRACE(name);
    CompileOptions options;
    options.donated = GetParam().donated;
    const auto compilation = Compile(*module, **FindTarget(name), options);
    ASSERT_TRUE(compilation.ok()) << compilation.status();
    ExpectCopies(GetParam(), *compilation->program);
    const bool host = absl::string_view(name) == "host";
    auto device = host ? runtime::CreateHostDevice() : kernel::simulator::CreateSimulatedDevice({});
    ASSERT_TRUE(device.ok()) << device.status();
    auto executor = runtime::Executor::Create(compilation->program, device->get());
    ASSERT_TRUE(executor.ok()) << executor.status();
    const std::vector<Literal> inputs = InputsOf(compilation->program->inputs);
    const auto result = Evaluate(*module, inputs);
    ASSERT_TRUE(result.ok()) << result.status();
    const std::vector<Literal> expected =
        result->shape().IsTuple() ? result->tuple() : std::vector<Literal>{*result};
    ExpectRun(**executor, inputs, expected, /*give_away=*/true);
    ExpectRun(**executor, inputs, expected, /*give_away=*/false);
  }
}

TEST(Donation, RefusesWhatIsNoInputOrStandsTwice) {
  const std::unique_ptr<Module> module = Parse(kCases[0]);
  ASSERT_NE(module, nullptr);
  const auto complaint = [&](std::vector<int64_t> donated) {
    CompileOptions options;
    options.donated = std::move(donated);
    return std::string(Compile(*module, **FindTarget("host"), options).status().message());
  };
  EXPECT_EQ(complaint({3}), "donated input 3 is not in [0, 3)");
  EXPECT_EQ(complaint({-1}), "donated input -1 is not in [0, 3)");
  EXPECT_EQ(complaint({1, 1}), "input 1 is donated twice");
}

TEST(Donation, MemoryThatIsNotAlignedIsRefusedAndLeftAlone) {
  const std::unique_ptr<Module> module = Parse(kCases[0]);
  ASSERT_NE(module, nullptr);
  const auto compilation = Compile(*module, **FindTarget("host"));
  ASSERT_TRUE(compilation.ok()) << compilation.status();
  auto device = runtime::CreateHostDevice();
  ASSERT_TRUE(device.ok()) << device.status();
  auto executor = runtime::Executor::Create(compilation->program, device->get());
  ASSERT_TRUE(executor.ok()) << executor.status();
  alignas(64) static uint8_t memory[4 * 64 * 32 * 4];
  std::memset(memory, 7, sizeof memory);
  const std::vector<runtime::Input>& inputs = compilation->program->inputs;
  const std::vector<runtime::Output>& outputs = compilation->program->outputs;
  uint8_t* const cache = memory + 4;  // not a multiple of 16
  const std::vector<runtime::BufferView> in = {{cache, inputs[0].shape},
                                               {memory + 16384, inputs[1].shape},
                                               {memory + 20480, inputs[2].shape}};
  const std::vector<runtime::BufferView> out = {{memory + 8208, outputs[0].shape},
                                                {cache, outputs[1].shape}};
  const absl::Status status = (*executor)->Run(in, out);
  EXPECT_EQ(status.message(), "input 0 'cache': its address is not a multiple of 16");
  EXPECT_TRUE(std::all_of(std::begin(memory), std::end(memory), [](uint8_t b) { return b == 7; }));
}

}  // namespace
}  // namespace ingot
