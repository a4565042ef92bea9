// How faults are told.
#include <algorithm>
#include <bit>

#include "absl/strings/str_cat.h"
#include "compiler/kernel/simulator/machine.h"
#include "compiler/kernel/text.h"

namespace ingot::kernel::simulator {
namespace {

const Operation* FindOperation(const Kernel& kernel, int id) {
  const Operation* found = nullptr;
  ForEachOperation(*kernel.body(), [&](const Operation& op) {
    if (op.id == id) found = &op;
  });
  return found;
}

}  // namespace

std::string Machine::OperationName(int id) const {
  const Operation* const op = FindOperation(*code_.kernel, id);
  if (op == nullptr) return absl::StrCat("operation ", id);
  const std::string hlo = op->hlo < 0 ? "" : absl::StrCat(", hlo ", op->hlo);
  return absl::StrCat("`", StatementText(*code_.kernel, *op), "` (operation ", id, hlo, ")");
}

void Machine::AddFault(FaultKind kind, const Operation* op, const std::string& what, int other) {
  const int id = op == nullptr ? -1 : op->id;
  if (!known_faults_.insert({kind, id, other}).second) return;
  Fault fault;
  fault.kind = kind;
  fault.operation = id;
  fault.hlo = op == nullptr ? -1 : op->hlo;
  fault.other_operation = other;
  const std::string where = op == nullptr ? "" : absl::StrCat(OperationName(id), ": ");
  fault.message = absl::StrCat("@", report_.kernel, ": ", NameOf(kind), ": ", where, what);
  report_.faults.push_back(std::move(fault));
  if (static_cast<int>(report_.faults.size()) >= options_.most_faults) stop_ = true;
}

std::string Machine::Who(const Warp& warp, int lane) const {
  return geometry_.ThreadName(warp.block->number, warp.index * kWarpSize + lane);
}

bool Machine::WholeWarp(Warp& warp, const Step& step) {
  if (warp.active == warp.whole) return true;
  const uint32_t missing = warp.whole & ~warp.active;
  AddFault(FaultKind::kDivergence, step.op,
           absl::StrCat("only ", std::popcount(warp.active), " threads of warp ", warp.index,
                        " of ", geometry_.BlockName(warp.block->number), " are here, and ",
                        Who(warp, std::countr_zero(missing)),
                        " is not; a whole warp has to execute it together"));
  stop_ = true;
  return false;
}

void Machine::ReportConflict(const Warp& warp, const Step& step, const BoundBuffer& buffer,
                             int lane, int64_t offset, const Claim& claim,
                             const Conflict& conflict) {
  const std::string other = OperationName(conflict.operation);
  const int64_t element = offset / buffer.element_bytes;
  const std::string access = absl::StrCat(Who(warp, lane), claim.write ? " writes" : " reads",
                                          " element ", element, " of %", buffer.buffer->name);
  if (conflict.epoch.warp >= kFirstEngine) {
    AddFault(FaultKind::kRace, step.op,
             absl::StrCat(access, ", which ", other, conflict.write ? " writes" : " reads",
                          " by itself at any time until it has been waited for; a wait for it ",
                          "has to come before"),
             conflict.operation);
    return;
  }
  const int64_t other_block =
      sampling_ ? warp.block->number : conflict.epoch.warp / geometry_.warps();
  const int other_warp = static_cast<int>(conflict.epoch.warp % geometry_.warps());
  const int other_thread = other_warp * kWarpSize + conflict.epoch.lane;
  if (conflict.in_flight) {
    bool committed = false;
    const std::vector<AsyncCopy>& copies = warp.block->warps[other_warp]->copies;
    for (const AsyncCopy& copy : copies) {
      const bool same = copy.lane == conflict.epoch.lane && copy.op->id == conflict.operation;
      committed |= same && copy.group >= 0;
    }
    AddFault(FaultKind::kCopyInFlight, step.op,
             absl::StrCat(access, ", where ", other, " of ",
                          geometry_.ThreadName(other_block, other_thread), " is still copying: ",
                          committed ? "it is committed, but no copy_async_wait has waited for it"
                                    : "no copy_async_commit has followed it"),
             conflict.operation);
    return;
  }
  std::string advice;
  if (conflict.proxy) {
    advice = absl::StrCat("the async proxy does not see it: a fence_proxy_async_",
                          buffer.global ? "global" : "shared",
                          " of that thread, before the barrier between, would show it");
  } else if (conflict.scopes) {
    advice = "their scopes do not include one another: use a wider one";
  } else if (other_block != warp.block->number) {
    advice = "nothing orders the two blocks: release and acquire at scope gpu would, or atomics";
  } else if (other_warp == warp.index) {
    advice = "nothing orders the two threads of the warp: a warp_sync between would";
  } else {
    advice = "nothing orders the two warps: a barrier between would";
  }
  AddFault(FaultKind::kRace, step.op,
           absl::StrCat(access, ", which ", geometry_.ThreadName(other_block, other_thread),
                        conflict.write ? " wrote by " : " read by ", other, "; ", advice),
           conflict.operation);
}

}  // namespace ingot::kernel::simulator
