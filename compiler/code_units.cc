#include "compiler/code_units.h"

#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <utility>

namespace ingot {
namespace {

// A kernel with more parameters for its constants would rather be code of its own.
constexpr size_t kMostParameters = 32;
constexpr int64_t kMostBytesOfParameter = 8;

// A module has at most so much code, but for a kernel that is larger: some 0.2 s of one thread, of
// which starting the assembler is a tenth.  More would be a wait for the last one where there are
// many threads, less a cost where there are few.
constexpr int64_t kMostCodeOfModule = 1600;
// What a kernel costs besides its operations.
constexpr int64_t kCodeOfEveryKernel = 50;
// What an element of a fragment costs that an instruction works on in place: ptxas takes some 20 ms
// for a wgmma of 128 sums.
constexpr int64_t kCodeOfFragmentElement = 3;

// About how much code a kernel is: its operations, on a GPU one for each lane.
int64_t SizeOf(const kernel::Kernel& kernel) {
  int64_t size = kCodeOfEveryKernel;
  kernel::ForEachOperation(*kernel.body(), [&](const kernel::Operation& op) {
    if (!op.IsConstant()) size += kernel.IsHost() ? 1 : std::max<int64_t>(1, op.type.lanes);
    if (op.opcode != kernel::Opcode::kIntrinsic) return;
    for (const kernel::Var* fragment : op.Get<kernel::IntrinsicAttributes>().vars) {
      size += kCodeOfFragmentElement * std::max(1, fragment->array_size);
    }
  });
  return size;
}

// At the most, whatever stands before a tensor map.
int64_t BytesOfParameters(const kernel::Kernel& kernel) {
  constexpr int64_t kAddress = 8, kTensorMap = 128 + 64 - 8;
  int64_t bytes = 0;
  for (const kernel::Parameter& parameter : kernel.parameters()) {
    bytes += parameter.kind == kernel::Parameter::Kind::kTensorMap ? kTensorMap : kAddress;
  }
  return bytes;
}

}  // namespace

void CodeUnits::Add(std::unique_ptr<kernel::Kernel> kernel, program::KernelEntry& entry) {
  if (target_.simulated) {
    families_.emplace_back().push_back({std::move(kernel), {}, &entry});
    return;
  }
  kernel::Code code = kernel::CodeOf(*kernel);
  const auto [it, is_new] = family_of_key_.try_emplace(std::move(code.key), families_.size());
  if (is_new) families_.emplace_back();
  families_[it->second].push_back({std::move(kernel), std::move(code), &entry});
}

// The first member's kernel, for all members.
CodeUnit CodeUnits::UnitOf(Family members) {
  CodeUnit unit;
  for (Member& member : members) {
    unit.names.push_back(member.kernel->name());
    unit.entries.push_back(member.entry);
    if (unit.kernel == nullptr) {
      unit.kernel = std::move(member.kernel);
      continue;
    }
    std::array<int64_t, 3>& grid = unit.kernel->launch().grid;
    for (int axis = 0; axis < 3; ++axis) {
      grid[axis] = std::max(grid[axis], member.kernel->launch().grid[axis]);
    }
    member.entry->name = unit.kernel->name();
  }
  return unit;
}

std::vector<CodeUnit> CodeUnits::UnitsOf(Family members) const {
  std::vector<CodeUnit> units;
  std::vector<std::vector<uint64_t>> constants;
  for (const Member& member : members) constants.push_back(member.code.ConstantBits());
  const kernel::Code& code = members[0].code;
  const std::vector<kernel::DifferingConstant> differing =
      kernel::DifferingConstants(code, constants);
  const size_t parameters = kernel::CountParameters(differing);
  const bool fit = target_.platform != Platform::kCuda ||
                   BytesOfParameters(*members[0].kernel) +
                           kMostBytesOfParameter * static_cast<int64_t>(parameters) <=
                       target_.parameter_bytes();
  if (parameters > kMostParameters || !fit) {
    std::map<std::vector<uint64_t>, Family> by_constants;
    for (size_t i = 0; i < members.size(); ++i) {
      by_constants[std::move(constants[i])].push_back(std::move(members[i]));
    }
    for (auto& [values, same] : by_constants) units.push_back(UnitOf(std::move(same)));
    return units;
  }
  for (size_t i = 0; i < members.size(); ++i) {
    for (const kernel::ParameterValue& value :
         kernel::ParameterValues(code, differing, constants[i])) {
      members[i].entry->scalars.push_back(
          {value.bits, static_cast<uint8_t>(ByteWidth(value.type))});
    }
  }
  kernel::MakeParameters(*members[0].kernel, code, differing);
  units.push_back(UnitOf(std::move(members)));
  return units;
}

std::vector<CodeUnit> CodeUnits::Finish() {
  std::vector<CodeUnit> units;
  for (Family& family : families_) {
    for (CodeUnit& unit : UnitsOf(std::move(family))) units.push_back(std::move(unit));
  }
  return units;
}

// The largest first; within a module units are in order.
std::vector<std::vector<int64_t>> ShareOut(const std::vector<CodeUnit>& units) {
  std::vector<int64_t> sizes;
  for (const CodeUnit& unit : units) sizes.push_back(SizeOf(*unit.kernel));
  std::vector<int64_t> order(sizes.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return sizes[a] > sizes[b]; });
  int64_t room = 0;
  std::vector<std::vector<int64_t>> modules;
  for (int64_t i : order) {
    if (modules.empty() || room < sizes[i]) {
      modules.emplace_back();
      room = kMostCodeOfModule;
    }
    modules.back().push_back(i);
    room -= sizes[i];
  }
  for (std::vector<int64_t>& module : modules) std::sort(module.begin(), module.end());
  return modules;
}

}  // namespace ingot
