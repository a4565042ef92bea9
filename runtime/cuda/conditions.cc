#include "runtime/cuda/conditions.h"

#include <algorithm>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"

namespace ingot::runtime::cuda {

const char kSetConditionPtx[] = R"(
.version 7.0
.target sm_70
.address_size 64
.extern .func cudaGraphSetConditional(.param .b64 handle, .param .b32 value);
.visible .entry set_condition(.param .u64 handle, .param .u64 at, .param .s32 last)
{
  .reg .pred %p;
  .reg .u64 %handle, %at;
  .reg .u32 %value, %last;
  ld.param.u64 %handle, [handle];
  ld.param.u64 %at, [at];
  ld.param.u32 %last, [last];
  cvta.to.global.u64 %at, %at;
  setp.ge.s32 %p, %last, 0;
  @%p bra index;
  ld.global.u8 %value, [%at];
  setp.ne.u32 %p, %value, 0;
  selp.u32 %value, 1, 0, %p;
  bra set;
index:
  ld.global.u32 %value, [%at];
  min.u32 %value, %value, %last;
set:
  {
    .param .b64 h;
    .param .b32 v;
    st.param.b64 [h], %handle;
    st.param.b32 [v], %value;
    call.uni cudaGraphSetConditional, (h, v);
  }
  ret;
}
)";

namespace {

// Least versions of the driver's interface.
constexpr int kConditionalNodes = 12040;
constexpr int kElseAndSwitch = 12080;

// Whether `of` holds for a command of the list or of a list in it.
template <typename F>
bool Any(const std::vector<Command>& commands, const F& of) {
  return std::any_of(commands.begin(), commands.end(), [&](const Command& command) {
    if (of(command.operation)) return true;
    if (const auto* loop = std::get_if<While>(&command.operation)) {
      return Any(loop->condition, of) || Any(loop->body, of);
    }
    if (const auto* conditional = std::get_if<Conditional>(&command.operation)) {
      return std::any_of(conditional->branches.begin(), conditional->branches.end(),
                         [&](const std::vector<Command>& branch) { return Any(branch, of); });
    }
    const auto* call = std::get_if<LibraryCall>(&command.operation);
    return call != nullptr && Any(call->fallback, of);
  });
}

}  // namespace

bool HasDecisions(const Program& program) {
  return Any(program.commands, [](const Operation& operation) {
    const auto* loop = std::get_if<While>(&operation);
    return loop != nullptr ? loop->trip_count < 0 : std::holds_alternative<Conditional>(operation);
  });
}

std::string WhyHostDecides(const Program& program, const Driver& driver) {
  const bool conditional = Any(program.commands, [](const Operation& operation) {
    return std::holds_alternative<Conditional>(operation);
  });
  const int least = conditional ? kElseAndSwitch : kConditionalNodes;
  if (driver.version < least) {
    return absl::StrCat("the driver is for CUDA ", driver.version / 1000, ".",
                        driver.version % 1000 / 10, ", and ", least / 1000, ".", least % 1000 / 10,
                        " is the first with ",
                        conditional ? "else and switch nodes" : "conditional nodes");
  }
  if (driver.cuGraphConditionalHandleCreate == nullptr || driver.cuGraphAddNode_v2 == nullptr) {
    return "the driver has no conditional nodes";
  }
  return "";
}

}  // namespace ingot::runtime::cuda
