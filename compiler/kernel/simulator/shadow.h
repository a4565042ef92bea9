// Shadow: for each granule of a piece of memory, who wrote it last and who read it since.
#ifndef INGOT_COMPILER_KERNEL_SIMULATOR_SHADOW_H_
#define INGOT_COMPILER_KERNEL_SIMULATOR_SHADOW_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "compiler/kernel/simulator/clocks.h"

namespace ingot::kernel::simulator {

// The fences between what threads do and the async proxy (copies in bulk, wgmma): what a thread
// wrote before its fence, that proxy reads.
class ProxyFences {
 public:
  void Clear() { clocks_.clear(); }
  // The thread has fenced; its warp's clock has to advance after it.
  void Add(const Epoch& now) { clocks_[now.thread()].push_back(now.clock); }
  // Whether a fence of the writer follows the write, and `lane` of this warp knows of that fence.
  bool Covers(const Epoch& write, const Knowledge& knowledge, int lane) const;

 private:
  absl::flat_hash_map<uint64_t, std::vector<uint32_t>> clocks_;  // by thread, ascending
};

// What an access claims of itself.
struct Claim {
  int32_t operation = -1;
  bool write = false;
  bool strong = false;                       // an atomic or an ordered load or store
  MemoryScope scope = MemoryScope::kSystem;  // of a strong one
  // By the async proxy: what wrote the bytes before has to be fenced here.  Null: by a thread.
  const ProxyFences* fences = nullptr;
  Epoch engine = {};  // of an access by the async proxy: when it is done
};

// An access that was there before, and that nothing orders before the new one.
struct Conflict {
  Epoch epoch;
  int32_t operation = -1;
  bool write = false;
  bool in_flight = false;  // bytes of an asynchronous copy that has not been waited for
  bool scopes = false;     // both strong, but a scope is too small
  bool proxy = false;      // it is ordered, but for a proxy fence
};

class Shadow {
 public:
  // `granule`: bytes of a cell, a power of two.
  Shadow(int64_t bytes, int granule);

  // Forgets everything.
  void Clear();

  // An access by thread `lane` of a warp to [offset, offset + bytes), multiples of the granule.
  // Returns whether it conflicts with one before, and which; it is recorded in any case.
  bool Access(const Knowledge& knowledge, int lane, int64_t offset, int bytes, const Claim& claim,
              Conflict& conflict);

  // An asynchronous copy to these bytes begins (a write that nobody may see, not even its own
  // thread), or has been waited for (a write at this time).
  bool BeginCopy(const Knowledge& knowledge, int lane, int64_t offset, int bytes, int32_t operation,
                 Conflict& conflict);
  void EndCopy(const Knowledge& knowledge, int lane, int64_t offset, int bytes);

 private:
  struct Reader {
    uint32_t warp = 0;
    uint32_t clock = 0;  // 0: nobody
    uint32_t lanes = 0;  // a bit each
    int32_t operation = -1;
    bool strong = false;
    MemoryScope scope = MemoryScope::kSystem;
  };
  struct Cell {
    uint32_t warp = 0;
    uint32_t clock = 0;  // 0: nobody wrote
    int32_t operation = -1;
    uint8_t lane = 0;
    bool strong = false;
    bool in_flight = false;
    bool async = false;  // written by the async proxy
    MemoryScope scope = MemoryScope::kSystem;
    bool more_readers = false;  // in more_
    Reader reader;
  };
  static constexpr int kPageCells = 512;

  Cell* Page(int64_t cell);
  bool ConflictsWithWrite(const Knowledge& knowledge, int lane, const Cell& cell,
                          const Claim& claim, Conflict& conflict) const;
  bool ConflictsWithReader(const Knowledge& knowledge, int lane, const Reader& reader,
                           const Claim& claim, Conflict& conflict) const;
  void AddReader(const Knowledge& knowledge, int lane, int64_t number, Cell& cell,
                 const Claim& claim);
  bool Exempt(const Knowledge& knowledge, const Claim& claim, bool strong, MemoryScope scope,
              uint32_t warp) const;

  const int granule_shift_;
  std::vector<std::unique_ptr<Cell[]>> pages_;
  std::vector<int32_t> used_;  // pages that exist, for Clear
  absl::flat_hash_map<int64_t, std::vector<Reader>> more_;
};

}  // namespace ingot::kernel::simulator

#endif  // INGOT_COMPILER_KERNEL_SIMULATOR_SHADOW_H_
