// Machine: one launch while it runs.  Users include simulator.h.
#ifndef INGOT_COMPILER_KERNEL_SIMULATOR_MACHINE_H_
#define INGOT_COMPILER_KERNEL_SIMULATOR_MACHINE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "compiler/kernel/simulator/code.h"
#include "compiler/kernel/simulator/geometry.h"
#include "compiler/kernel/simulator/measure.h"
#include "compiler/kernel/simulator/memory.h"
#include "compiler/kernel/simulator/report.h"
#include "compiler/kernel/simulator/simulator.h"
#include "compiler/kernel/simulator/warp.h"

namespace ingot::kernel::simulator {

// An f32 to the nearest tf32, ties away from zero; the low 13 bits are zeros.
uint32_t RoundedToTf32(uint32_t bits);

class Machine {
 public:
  // All of them outlive it.
  Machine(const Code& code, Memory& memory, const Options& options);

  absl::StatusOr<Report> Run(absl::Span<const Argument> arguments);

 private:
  friend class IntrinsicRows;

  // ----- Blocks and warps (schedule.cc)

  std::vector<int64_t> BlocksInOrder();
  int64_t ResidentBlocks() const;
  absl::Status CheckBudget() const;
  // Runs these blocks, at most `resident` at once.
  void RunBlocks(absl::Span<const int64_t> blocks, int resident);
  void StartBlock(int64_t number);
  void StartWarp(BlockState& block, int index);
  void EndWarp(Warp& warp);
  void EndBlock(BlockState& block);
  void RunSample();
  void AddTickets(int64_t blocks_run);
  void FillReport(int64_t blocks_run);
  void MakeReady(Warp& warp);  // one that waited
  // The warp went around a `while` in which it polls: a deadlock when all that could change what it
  // waits for do the same.  Returns whether the loop is to end all the same (samples).
  bool GoesIdle(Warp& warp);
  void ReportStuck();
  // Goes on with what nobody runs: copies, and waits that may answer no.  False: there is nothing.
  bool HelpStuck() { return RunEngineWhereStuck() || WakeWaiting(); }
  std::string WaitText(const Warp& warp) const;

  // ----- Barriers and clusters (barriers.cc)

  // The warp comes to barrier `number`, which takes `threads` threads, and waits or goes on.
  void ArriveAtBarrier(Warp& warp, const Step& step, int number, int threads, bool waits);
  bool FitsBarrier(const Warp& warp, const Step& step, int number, int threads);
  static int ArrivedAt(const BarrierState& barrier);
  int BarrierNumber(Warp& warp, const Step& step);
  // Null, and a fault, where it is not resident.
  BlockState* BlockOfCluster(const Warp& warp, const Step& step, int lane, uint32_t rank);
  void ForEachRemote(Warp& warp, const Step& step, const uint32_t* ranks);
  void ArriveAtCluster(Warp& warp, const Step& step, bool releases);
  void CompleteCluster(int64_t number);
  void WaitForCluster(Warp& warp, const Step& step);
  void LeaveCluster(Warp& warp);

  // ----- mbarriers (mbarriers.cc)

  // Calls `use` with each active thread's place in shared memory, after the checks of an access.
  void ForEachMbarrier(Warp& warp, const Step& step, int number, bool write, bool strong,
                       absl::FunctionRef<void(int lane, int64_t place)> use);
  // Null, and a fault, where there is none.
  Mbarrier* FindMbarrier(BlockState& block, const Warp& warp, const Step& step, int lane,
                         int64_t place);
  void InitMbarriers(Warp& warp, const Step& step, int arrivals);
  void InvalidateMbarriers(Warp& warp, const Step& step);
  void ExpectBytes(BlockState& block, const Warp& warp, const Step& step, int lane, int64_t place,
                   int64_t bytes);
  void ArriveAt(BlockState& block, Warp& warp, const Step& step, int lane, int64_t place);
  void CompleteIfDone(BlockState& block, int64_t place, Mbarrier& bar);
  void TryWait(Warp& warp, const Step& step, MemoryScope scope);
  bool WakeWaiting();
  std::string AwaitedText(const Warp& warp) const;

  // ----- Steps (interpreter.cc)

  // Runs up to `quantum` steps; less when the warp waits, ends or gives way.
  void RunWarp(Warp& warp, int64_t quantum);
  bool Control(Warp& warp, const Step& step);
  void Vector(Warp& warp, const Step& step);
  void Bitcast(Warp& warp, const Step& step);
  void Vars(Warp& warp, const Step& step);
  Place ElementOffset(const Warp& warp, const Step& step) const;
  template <typename T>
  uint32_t Advance(Warp& warp, const Step& step, bool first);

  const uint8_t* At(const Warp& warp, Place place) const {
    return place >= 0 ? warp.registers.data() + place : constants_.data() + ~place;
  }
  uint8_t* Out(Warp& warp, Place place) const { return warp.registers.data() + place; }
  // Of an intrinsic: operand `i`, or var `i` less the operands.
  Place OperandPlace(const Step& step, int i) const { return code_.lanes[step.target][i]; }

  // ----- Memory (access.cc, synchronise.cc, copies.cc)

  // Where each thread's access goes: bytes from the beginning of the buffer.
  struct Accesses {
    BoundBuffer* buffer = nullptr;
    uint32_t threads = 0;  // that touch memory, faults taken out
    int lanes = 1;
    const uint8_t* mask = nullptr;  // by element; null: all
    std::array<int64_t, kWarpSize> offsets{};
    bool Takes(int lane, int thread) const {
      return mask == nullptr || mask[lane * kWarpSize + thread] != 0;
    }
  };
  // Reads indices, and looks at bounds and alignment.
  Accesses Resolve(Warp& warp, const Step& step, const MemoryPlace& place, int lanes,
                   int alignment);
  uint8_t* Address(Warp& warp, const BoundBuffer& buffer, int64_t offset) const;
  // 0 where nobody wrote; null where all is written, or nobody looks.
  uint8_t* Written(Warp& warp, const BoundBuffer& buffer, int64_t offset) const;
  uint8_t Mark(const BoundBuffer& buffer) const;  // what a write leaves in Written
  void CheckAccess(Warp& warp, const Step& step, const Accesses& accesses, const Claim& claim);
  void CheckWritten(Warp& warp, const Step& step, const BoundBuffer& buffer, int thread,
                    int64_t offset, int bytes);
  void Measure(const Accesses& accesses, int alignment, bool store);
  void Load(Warp& warp, const Step& step);
  // Each thread's 16 bytes at the step's place, in order of threads.
  void LoadRows(Warp& warp, const Step& step, uint8_t* rows);
  // The inverse, by those threads that name a row.
  void StoreRows(Warp& warp, const Step& step, uint32_t lanes_that_name, const uint8_t* rows);
  void Store(Warp& warp, const Step& step);
  void Atomic(Warp& warp, const Step& step);
  // The order of accesses by synchronisation, at `address`.
  void SyncRead(Warp& warp, int lane, const uint8_t* address, Order order, MemoryScope scope);
  void SyncWrite(Warp& warp, int lane, const uint8_t* address, Order order, MemoryScope scope,
                 bool read_too);
  void Fence(Warp& warp, MemoryScope scope);
  // copy_async.
  void BeginCopies(Warp& warp, const Step& step);
  void Land(Warp& warp, AsyncCopy& copy);
  void WaitForCopies(Warp& warp, int most_in_flight);
  void CommitCopies(Warp& warp);
  void EndCopies(Warp& warp);

  // ----- Bulk copies (bulk_copies.cc)

  void FenceProxy(Warp& warp, ProxyFences& fences);
  void BeginRun(Warp& warp, const Step& step, BulkCopy::Kind kind);
  // `multicast`: for each thread the blocks of the cluster that get the box; null: its own.
  void BeginBox(Warp& warp, const Step& step, BulkCopy::Kind kind, const uint16_t* multicast);
  std::vector<int32_t> Coordinates(const Warp& warp, const Step& step, int rank, int lane) const;
  std::vector<int32_t> OffsetsOf(const Warp& warp, const Step& step, const TensorMap& map,
                                 int lane) const;
  // `tile`: the allocation that the lines lie in.
  void Begin(Warp& warp, const Step& step, int lane, const BoundBuffer& tile, BulkCopy copy);
  bool NameMbarrier(Warp& warp, const Step& step, int lane, int number, BulkCopy& copy);
  bool CheckLine(Warp& warp, const Step& step, int lane, const BoundBuffer& tile,
                 const BulkCopy& copy, const Line& line, const Epoch& done);
  void MeasureLines(Warp& warp, const BulkCopy& copy);
  uint8_t* GlobalAddress(const BulkCopy& copy, int64_t offset) const;
  void EndLoad(const BulkCopy& copy);
  void ReadSource(BulkCopy& copy);
  void EndStore(BulkCopy& copy);
  void MarkShared(BlockState& block, int64_t offset, int bytes);
  const BoundBuffer* SharedBufferAt(int64_t offset) const;
  void RunEngine(size_t number);
  bool RunEngineWhereStuck();
  size_t RandomLoad();
  bool IsOf(const BulkCopy& copy, const Warp& warp, int lane) const;
  void CommitBulk(Warp& warp);
  void WaitForBulk(Warp& warp, int most_in_flight, bool reads_only);
  void EndBulk(Warp& warp);
  void EndBulk(BlockState& block);

  // ----- Products of a warpgroup (wgmma.cc)

  Place FragmentPlace(const Step& step) const;
  bool CheckOperand(Warp& warp, const Step& step, uint64_t bits, ElementType type, bool along_rows,
                    int first, int rows);
  void BeginProduct(Warp& warp, const Step& step);
  void Compute(Warp& warp, Product& product);
  void CommitProducts(Warp& warp);
  void WaitForProducts(Warp& warp, int most_in_flight);
  void TouchAccumulator(Warp& warp, const Step& step);
  void FenceAccumulators(Warp& warp);
  void EndProducts(Warp& warp);

  // ----- Bytes in flight (in_flight.cc)

  bool IsInFlight(const Warp& warp, Place place, int bytes) const;
  void MarkInFlight(Warp& warp, Place place, int bytes);
  void Use(Warp& warp);
  void TrackUse(Warp& warp, const Step& step);

  // ----- Faults (faults.cc)

  // `what` follows "@kernel: kind: statement (operation n, hlo n)".  `other`: of a race.
  void AddFault(FaultKind kind, const Operation* op, const std::string& what, int other = -1);
  std::string Who(const Warp& warp, int lane) const;
  // Whether all threads of the warp are here; a fault if not.
  bool WholeWarp(Warp& warp, const Step& step);
  void ReportConflict(const Warp& warp, const Step& step, const BoundBuffer& buffer, int lane,
                      int64_t offset, const Claim& claim, const Conflict& conflict);
  std::string OperationName(int id) const;

  const Code& code_;
  const Options& options_;
  Geometry geometry_;
  std::vector<BoundBuffer>& buffers_;
  const int64_t shared_bytes_;
  const int shared_granule_;
  std::vector<uint8_t> constants_;
  std::mt19937_64 random_;
  bool sampling_ = false;
  bool run_to_end_ = false;  // warps are not interrupted

  std::vector<std::unique_ptr<BlockState>> resident_;
  std::vector<std::unique_ptr<BlockState>> idle_;  // to be used again
  std::vector<Warp*> ready_;
  int64_t blocks_ended_ = 0;
  bool stop_ = false;             // after a fault that ends the launch
  int64_t changes_ = 0;           // of memory, barriers, warps: whatever a warp may wait for
  std::vector<BulkCopy> copies_;  // of all blocks, in the order in which they began
  ProxyFences global_fences_;
  uint32_t next_engine_ = kFirstEngine + 1;
  int64_t woken_at_ = -1;  // `changes_` when waits were last made to answer no
  std::map<int64_t, ClusterState> clusters_;
  // What was released with the value that is there now, by address.
  absl::flat_hash_map<const uint8_t*, std::vector<Release>> releases_;
  // Samples: sums of what blocks have added to integers in global memory, for the blocks that do
  // not run.
  struct Ticket {
    const BoundBuffer* buffer = nullptr;
    int64_t offset = 0;
    int64_t sum = 0;
  };
  absl::flat_hash_map<const uint8_t*, Ticket> tickets_;

  Report report_;
  std::set<std::tuple<FaultKind, int, int>> known_faults_;
  std::vector<int64_t> executed_;  // by step
  int64_t thread_operations_ = 0;
  int64_t shared_instructions_ = 0, shared_passes_ = 0, shared_least_ = 0, barriers_ = 0;
  double in_flight_sum_ = 0;  // over blocks
};

// The functions of intrinsics.def's rows, by name: a row without one does not link.
class IntrinsicRows {
 public:
  IntrinsicRows(Machine& machine, Warp& warp, const Step& step)
      : machine_(machine), warp_(warp), step_(step) {}
#define INGOT_KERNEL_INTRINSIC(Name, ...) void Name();
#include "compiler/kernel/intrinsics.def"

  // Runs the row of the step's operation.
  static void Call(Machine& machine, Warp& warp, const Step& step);

 private:
  int64_t Immediate(int i) const;
  template <typename Source>
  void Shuffle(const Source& source);
  template <typename T, typename Combine>
  void Redux(const Combine& combine);
  void Approximate();
  // matrix.cc
  void LoadMatrices(bool transposed);
  void StoreMatrices(int count, bool transposed);
  void MultiplyDoubles(int rows, int depth);
  template <typename Element, typename Sum>
  void MultiplyMatrices(Sum (*value)(Element));

  Machine& machine_;
  Warp& warp_;
  const Step& step_;
};

}  // namespace ingot::kernel::simulator

#endif  // INGOT_COMPILER_KERNEL_SIMULATOR_MACHINE_H_
