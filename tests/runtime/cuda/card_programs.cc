#include "tests/runtime/cuda/card_programs.h"

#include "tests/runtime/testing.h"

namespace ingot::runtime {
namespace {

constexpr char kPtx[] = R"(
.version 7.8
.target sm_80
.address_size 64

// out[i] = a[i] + b[i] for i < n
.visible .entry add(.param .u64 a, .param .u64 b, .param .u64 out, .param .u32 n)
{
  .reg .pred %p;
  .reg .u32 %i, %n, %t, %c;
  .reg .u64 %a, %b, %o, %d;
  .reg .f32 %x, %y;
  ld.param.u64 %a, [a];
  ld.param.u64 %b, [b];
  ld.param.u64 %o, [out];
  ld.param.u32 %n, [n];
  mov.u32 %t, %tid.x;
  mov.u32 %c, %ctaid.x;
  mad.lo.u32 %i, %c, 128, %t;
  setp.ge.u32 %p, %i, %n;
  @%p bra done;
  mul.wide.u32 %d, %i, 4;
  add.u64 %a, %a, %d;
  add.u64 %b, %b, %d;
  add.u64 %o, %o, %d;
  ld.global.f32 %x, [%a];
  ld.global.f32 %y, [%b];
  add.f32 %x, %x, %y;
  st.global.f32 [%o], %x;
done:
  ret;
}

// counter += step
.visible .entry count(.param .u64 counter, .param .u32 step)
{
  .reg .u32 %x, %s;
  .reg .u64 %a;
  ld.param.u64 %a, [counter];
  ld.param.u32 %s, [step];
  ld.global.u32 %x, [%a];
  add.u32 %x, %x, %s;
  st.global.u32 [%a], %x;
  ret;
}

// predicate = counter < limit
.visible .entry less(.param .u64 counter, .param .u32 limit, .param .u64 predicate)
{
  .reg .pred %p;
  .reg .u32 %x, %l;
  .reg .u64 %a, %r;
  ld.param.u64 %a, [counter];
  ld.param.u32 %l, [limit];
  ld.param.u64 %r, [predicate];
  ld.global.u32 %x, [%a];
  setp.lt.s32 %p, %x, %l;
  selp.u32 %x, 1, 0, %p;
  st.global.u8 [%r], %x;
  ret;
}

// out = blocks along x
.visible .entry blocks(.param .u64 out)
{
  .reg .u32 %x;
  .reg .u64 %a;
  ld.param.u64 %a, [out];
  mov.u32 %x, %nctaid.x;
  st.global.u32 [%a], %x;
  ret;
}

// Reads what is not there.
.visible .entry fault()
{
  .reg .u32 %x;
  .reg .u64 %a;
  mov.u64 %a, 8;
  ld.global.u32 %x, [%a];
  st.global.u32 [%a], %x;
  ret;
}
)";

}  // namespace

CodeModule PtxModule() {
  CodeModule module;
  module.name = "kernels";
  module.architecture = "sm_80";
  module.format = CodeFormat::kPtx;
  module.bytes = SharedBytes::Own(std::vector<uint8_t>(kPtx, kPtx + sizeof(kPtx) - 1));
  return module;
}

// A program for the host as the same for a card.
static Program OnCard(Program program) {
  program.platform = "cuda";
  for (Command& command : program.commands) {
    if (auto* launch = std::get_if<Launch>(&command.operation)) {
      launch->arguments.push_back(Scalar(static_cast<uint64_t>(launch->tasks), 4));
      launch->grid.x = static_cast<uint32_t>((launch->tasks + 127) / 128);
      launch->block.x = 128;
    }
  }
  return program;
}
Program CardAddProgram(int64_t n) { return OnCard(AddProgram(n, PtxModule())); }
Program CardLoopProgram(int32_t step, int32_t limit) {
  return OnCard(LoopProgram(step, limit, PtxModule()));
}

Program CardResidentProgram(uint32_t most_blocks) {
  Program program;
  program.name = "resident";
  program.platform = "cuda";
  program.modules = {PtxModule()};
  program.outputs = {{"blocks", Shape::Scalar(ElementType::kS32)}};
  program.commands = {MakeLaunch("blocks", 1, {Write(OutputSlice(program, 0))})};
  auto& launch = std::get<Launch>(program.commands[0].operation);
  launch.grid.x = most_blocks;
  launch.block.x = 256;
  launch.resident = true;
  return program;
}

Program CardFaultProgram() {
  Program program = CardLoopProgram(1, 2);
  program.commands = {MakeLaunch("fault", 1, {})};
  return program;
}

}  // namespace ingot::runtime
