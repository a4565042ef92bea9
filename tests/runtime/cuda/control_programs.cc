#include "tests/runtime/cuda/control_programs.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "ir/base/status.h"
#include "tests/runtime/cuda/card_programs.h"
#include "tests/runtime/testing.h"

namespace ingot::runtime {
namespace {

using Commands = std::vector<Command>;

// Predicates and a second counter, at addresses of their own.
BufferSlice Predicate(int number) { return ArenaSlice(256 * int64_t{number}, 1); }
BufferSlice Counter() { return ArenaSlice(256 * 8, 4); }

Command Named(std::string label, Operation operation) {
  Command command;
  command.label = std::move(label);
  command.operation = std::move(operation);
  return command;
}
Command Count(const BufferSlice& counter, int32_t step) {
  return MakeLaunch("count", 1, {Update(counter), Scalar(static_cast<uint32_t>(step), 4)});
}
Command Less(const BufferSlice& counter, int32_t limit, int predicate) {
  return MakeLaunch(
      "less", 1,
      {Read(counter), Scalar(static_cast<uint32_t>(limit), 4), Write(Predicate(predicate))});
}
Command Loop(const BufferSlice& counter, int32_t limit, int predicate, Commands body) {
  While loop;
  loop.condition = {Less(counter, limit, predicate)};
  loop.predicate = Predicate(predicate);
  loop.body = std::move(body);
  return Named("while.1", std::move(loop));
}
Command If(int predicate, Commands then, Commands otherwise) {
  Conditional conditional;
  conditional.index = Predicate(predicate);
  conditional.branches = {std::move(then), std::move(otherwise)};
  return Named("conditional.1", std::move(conditional));
}

Program Empty() {
  Program program;
  program.name = "control";
  program.platform = "cuda";
  program.modules = {PtxModule()};
  const Shape number = Shape::Scalar(ElementType::kS32);
  program.inputs = {{"start", number}, {"index", number}};
  program.outputs = {{"end", number, 0}};
  program.arena_size = 256 * 9;
  return program;
}

}  // namespace

ControlProgram CountingLoop(int32_t limit) {
  Program program = Empty();
  const BufferSlice end = OutputSlice(program, 0);
  program.commands = {Loop(end, limit, 0, {Count(end, 1)})};
  return {"counting loop", std::move(program), nullptr};
}

std::vector<ControlProgram> ControlPrograms() {
  const Program empty = Empty();
  const BufferSlice end = OutputSlice(empty, 0);
  const Command zero = Named("zero", Fill{Counter(), 0, 4});
  std::vector<ControlProgram> all;
  const auto add = [&](const char* name, Commands commands, int32_t (*expected)(int32_t, int32_t)) {
    all.push_back({name, empty, expected});
    all.back().program.name = name;
    all.back().program.commands = std::move(commands);
  };
  add("loop", {Count(end, 1), Loop(end, 10, 0, {Count(end, 3)}), Count(end, 100)},
      [](int32_t x, int32_t) {
        for (++x; x < 10;) x += 3;
        return x + 100;
      });
  add("loop in a loop",
      {Loop(end, 20, 0,
            {zero, Loop(Counter(), 4, 1, {Count(Counter(), 1), Count(end, 2)}), Count(end, -1)})},
      [](int32_t x, int32_t) {
        while (x < 20) x += 7;
        return x;
      });
  add("conditional in a loop",
      {Loop(end, 100, 0, {Less(end, 10, 1), If(1, {Count(end, 1)}, {Count(end, 50)})})},
      [](int32_t x, int32_t) {
        while (x < 100) x += x < 10 ? 1 : 50;
        return x;
      });
  add("loop in a conditional",
      {Less(end, 10, 0), If(0, {Loop(end, 10, 1, {Count(end, 3)})}, {Count(end, 1000)}),
       Count(end, 1)},
      [](int32_t x, int32_t) {
        if (x >= 10) return x + 1001;
        while (x < 10) x += 3;
        return x + 1;
      });
  Conditional three;
  three.selector = Selector::kIndex;
  three.index = InputSlice(empty, 1);
  three.branches = {{Count(end, 7)}, {}, {Loop(end, 30, 0, {Count(end, 4)}), Count(end, 1)}};
  add("three branches", {Named("conditional.3", three), Count(end, 2)},
      [](int32_t x, int32_t index) {
        if (index == 0) return x + 9;
        if (index == 1) return x + 2;
        while (x < 30) x += 4;
        return x + 3;
      });
  // Two loops that touch none of one another's memory, in two lanes.
  add("loops side by side",
      {zero, Loop(Counter(), 5, 1, {Count(Counter(), 1)}), Loop(end, 8, 0, {Count(end, 1)}),
       Less(Counter(), 6, 2), If(2, {Count(end, 1)}, {})},
      [](int32_t x, int32_t) {
        while (x < 8) ++x;
        return x + 1;
      });
  return all;
}

absl::Status RunControl(const ControlProgram& control, Executor& executor, int32_t start,
                        int32_t index, const RunOptions& options) {
  const Shape number = Shape::Scalar(ElementType::kS32);
  Device* const device = executor.device();
  INGOT_ASSIGN_OR_RETURN(const Buffer x, Buffer::FromHost(device, number, &start));
  INGOT_ASSIGN_OR_RETURN(const Buffer i, Buffer::FromHost(device, number, &index));
  INGOT_ASSIGN_OR_RETURN(const Buffer y, Buffer::Allocate(device, number));
  INGOT_RETURN_IF_ERROR(executor.Run({x.view(), i.view()}, {y.view()}, options));
  int32_t end = 0;
  INGOT_RETURN_IF_ERROR(y.CopyOut(&end));
  const int32_t expected = control.expected(start, index);
  if (end == expected) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(control.name, " from ", start, " with index ", index,
                                          ": ", end, ", not ", expected));
}

}  // namespace ingot::runtime
