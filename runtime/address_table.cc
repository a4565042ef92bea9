#include "runtime/address_table.h"

namespace ingot::runtime {

int AddressTable::AddSlice(const BufferSlice& slice) {
  patches_.push_back({size(), slice});
  slots_.push_back(0);
  return size() - 1;
}

int AddressTable::AddScalar(uint64_t bits) {
  slots_.push_back(bits);
  return size() - 1;
}

void AddressTable::Bind(const void* arena, absl::Span<const void* const> constants,
                        const RunArguments& arguments, std::vector<uint64_t>& slots) const {
  for (const Patch& patch : patches_) {
    const void* base = nullptr;
    switch (patch.slice.allocation) {
      case Allocation::kArena:
        base = arena;
        break;
      case Allocation::kInput:
        base = arguments.inputs[patch.slice.index];
        break;
      case Allocation::kOutput:
        base = arguments.outputs[patch.slice.index];
        break;
      case Allocation::kConstant:
        base = constants[patch.slice.index];
        break;
    }
    slots[patch.slot] = reinterpret_cast<uint64_t>(base) + patch.slice.offset;
  }
}

void BindDonations(const Program& program, const RunArguments& arguments,
                   std::vector<Donation>& donations) {
  for (size_t i = 0; i < program.outputs.size(); ++i) {
    const int32_t alias = program.outputs[i].aliased_input;
    donations[i] = {};
    if (alias < 0 || arguments.inputs[alias] == arguments.outputs[i]) continue;
    donations[i] = {arguments.outputs[i], arguments.inputs[alias],
                    program.outputs[i].shape.ByteSize()};
  }
}

}  // namespace ingot::runtime
