// The addresses that a program's commands need, in numbered slots: a run fills them in with one
// pass over a table.
#ifndef INGOT_RUNTIME_ADDRESS_TABLE_H_
#define INGOT_RUNTIME_ADDRESS_TABLE_H_

#include <cstdint>
#include <vector>

#include "runtime/device.h"
#include "runtime/program.h"

namespace ingot::runtime {

// Built once for a program.  Slots also hold scalars, so that those of a launch are the values of
// its kernel's parameters, in order.
class AddressTable {
 public:
  // Each returns the number of the new slot.
  int AddSlice(const BufferSlice& slice);
  int AddScalar(uint64_t bits);

  int size() const { return static_cast<int>(slots_.size()); }

  // All slots: scalars in place, addresses to be filled in.
  const std::vector<uint64_t>& slots() const { return slots_; }
  // Fills in the addresses of a run.  `constants`: where each of the program's is.
  void Bind(const void* arena, absl::Span<const void* const> constants,
            const RunArguments& arguments, std::vector<uint64_t>& slots) const;

 private:
  struct Patch {
    int slot;
    BufferSlice slice;
  };
  std::vector<uint64_t> slots_;
  std::vector<Patch> patches_;
};

// Copies that a run begins with: outputs that are aliased to an input, where the caller binds other
// memory to the output.  Null sources: nothing to copy.
struct Donation {
  void* destination = nullptr;
  const void* source = nullptr;
  int64_t size = 0;
};
// `donations` has an element for each output.
void BindDonations(const Program& program, const RunArguments& arguments,
                   std::vector<Donation>& donations);

}  // namespace ingot::runtime

#endif  // INGOT_RUNTIME_ADDRESS_TABLE_H_
