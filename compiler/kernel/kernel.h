// Kernel IR: what one GPU thread, or one CPU task, does.  docs/kernel_ir.md is the contract.
//
// A Kernel owns its buffers, vars, blocks and operations; pointers to them are stable for its life.
// An Operation is a value (SSA: it is seen after it in its block and in blocks nested there) and a
// statement at once.  State across control flow is in a Var.
#ifndef INGOT_COMPILER_KERNEL_KERNEL_H_
#define INGOT_COMPILER_KERNEL_KERNEL_H_

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "compiler/kernel/ops.h"
#include "compiler/kernel/types.h"
#include "ir/base/check.h"
#include "ir/base/tensor_map.h"

namespace ingot::kernel {

struct Operation;

// Memory that loads, stores and atomics name: a buffer parameter (kGlobal) or a shared allocation
// (kShared).  Elements take ByteWidth(element) bytes each: sub-byte types one byte, the value in
// the low bits (a store fills the others with zeros, or with the sign of s2 and s4; a load ignores
// them), pred one byte that is 0 or 1.
struct Buffer {
  std::string name;
  Space space = Space::kGlobal;
  ElementType element = ElementType::kF32;
  // The element count is the product; more than one dimension is for the reader only.
  std::vector<int64_t> dimensions;
  int alignment = 16;     // bytes, of the first element; a power of two, at most 1024
  bool readonly = false;  // nobody writes these bytes while the kernel runs
  bool noalias = false;   // no other parameter reaches these bytes
  // Shared only: this allocation begins where `overlaps` does.
  const Buffer* overlaps = nullptr;

  int64_t count() const;
  int64_t ByteSize() const { return count() * ByteWidth(element); }
};

// A parameter through which the copy engine reads and writes `buffer`, which is an earlier
// parameter: it is encoded anew, from the recipe, for each address of the buffer.
struct MapParameter {
  std::string name;
  const Buffer* buffer = nullptr;
  TensorMap recipe;
};

struct Parameter {
  enum class Kind : uint8_t { kBuffer, kScalar, kTensorMap };
  Kind kind = Kind::kBuffer;
  Buffer* buffer = nullptr;     // kBuffer
  Operation* value = nullptr;   // kScalar: the operation (in no block) that is its value
  MapParameter* map = nullptr;  // kTensorMap
  const std::string& name() const;
};

// A cell: a scalar, a vector, or an array of `array_size` of them (a fragment).  It lives from its
// `var` operation to the end of that block; each time that operation runs the cell starts anew.
struct Var {
  std::string name;
  Type type;
  int array_size = 0;  // 0: not an array
};

struct Launch {
  Machine machine = Machine::kGpu;
  int64_t tasks = 1;                     // host: tasks 0 … tasks - 1, in any order, at once
  std::array<int64_t, 3> grid{1, 1, 1};  // blocks, in units of blocks (not of clusters)
  std::array<int, 3> block{1, 1, 1};     // threads
  std::array<int, 3> cluster{1, 1, 1};   // blocks
  int64_t dynamic_shared_bytes = 0;      // besides the shared allocations
  int max_registers = 0;                 // a thread; 0: no limit stated
  int min_blocks = 0;                    // a multiprocessor; 0: not stated
  // Along x as many blocks as the card holds at once, at most the grid's: the kernel asks `blocks`.
  bool resident = false;
  bool cooperative = false;
  bool programmatic = false;

  int64_t block_threads() const { return int64_t{1} * block[0] * block[1] * block[2]; }
  int cluster_blocks() const { return cluster[0] * cluster[1] * cluster[2]; }
  bool operator==(const Launch&) const = default;
};

// A sequence of operations, in the order in which they run.
struct Block {
  std::vector<Operation*> operations;
  Operation* owner = nullptr;  // nullptr: the kernel's body
};

// ----- Attributes: what an operation has besides operands and blocks; which row has which stands
// in ops.def.

// The bits of one element in the low bits; in every lane of a vector.
struct ConstantAttributes {
  uint64_t bits = 0;
  bool operator==(const ConstantAttributes&) const = default;
};
struct IdAttributes {
  int axis = 0;  // x, y, z
  bool operator==(const IdAttributes&) const = default;
};
// extract, insert: the one lane.  vector_shuffle: for each lane of the result a lane of a (0 …) or
// b (a's lanes …).
struct LaneAttributes {
  std::vector<int> lanes;
  bool operator==(const LaneAttributes&) const = default;
};
struct VarAttributes {
  Var* var = nullptr;
  bool operator==(const VarAttributes&) const = default;
};
// load, store.  The access is to elements index … index + lanes - 1.  Lanes whose mask is false
// touch nothing; a load gives zero for them.
struct MemoryAttributes {
  Buffer* buffer = nullptr;
  int alignment = 0;  // bytes, of the address of lane 0; a power of two, never 0
  Cache cache = Cache::kDefault;
  Order order = Order::kPlain;  // others: one lane only
  MemoryScope scope = MemoryScope::kGpu;
  bool operator==(const MemoryAttributes&) const = default;
};
struct AtomicAttributes {
  AtomicKind kind = AtomicKind::kAdd;
  Buffer* buffer = nullptr;
  Order order = Order::kRelaxed;
  MemoryScope scope = MemoryScope::kGpu;
  bool operator==(const AtomicAttributes&) const = default;
};
// A `for` over a static list has no operands and is always unrolled.  Else the body runs for begin,
// begin + step, … while less than end (greater than, for a constant negative step); `unroll` is a
// hint, but for a loop with constant bounds whose `unroll` is at least its trip count: that loop is
// always unrolled, and its variable is a static index.
struct ForAttributes {
  int64_t unroll = 1;
  bool is_list = false;
  std::vector<int64_t> list;
  bool operator==(const ForAttributes&) const = default;
};
struct WarpRange {
  int first = 0;
  int last = 0;  // inclusive
  bool operator==(const WarpRange&) const = default;
};
struct RolesAttributes {
  std::vector<WarpRange> warps;  // a block each; a warp in none of them does nothing
  bool operator==(const RolesAttributes&) const = default;
};
// Operands: the arguments that are values and the index of each place, in order.
struct IntrinsicAttributes {
  Intrinsic intrinsic = Intrinsic::kBarrier;
  std::vector<int64_t> immediates = {};  // in order
  std::vector<Buffer*> buffers = {};     // of the places, in order
  std::vector<MapParameter*> maps = {};  // in order
  std::vector<Var*> vars = {};           // of the fragments, in order
  bool operator==(const IntrinsicAttributes&) const = default;
};

using Attributes = std::variant<std::monostate, ConstantAttributes, IdAttributes, LaneAttributes,
                                VarAttributes, MemoryAttributes, AtomicAttributes, ForAttributes,
                                RolesAttributes, IntrinsicAttributes>;

struct Operation {
  int id = 0;  // dense in its kernel, in order of creation: index side tables with it
  Opcode opcode = Opcode::kConstant;
  Type type;  // of the result; IsNone() where there is none
  std::vector<Operation*> operands;
  Attributes attributes;
  std::vector<Block*> blocks;
  std::string name;     // without %; empty: the printer inlines it or numbers it
  int32_t hlo = -1;     // id of the HLO instruction that it came from; -1: none
  std::string comment;  // printed after it, for the reader

  template <typename T>
  const T& Get() const {
    INGOT_CHECK(std::holds_alternative<T>(attributes)) << NameOf(opcode) << " has other attributes";
    return *std::get_if<T>(&attributes);
  }
  template <typename T>
  T& Get() {
    INGOT_CHECK(std::holds_alternative<T>(attributes)) << NameOf(opcode) << " has other attributes";
    return *std::get_if<T>(&attributes);
  }

  bool IsConstant() const { return opcode == Opcode::kConstant; }
  // Element 0 of a constant, sign- or zero-extended by its type.  Integer or pred constants only.
  int64_t ConstantInteger() const;
  // Effect bits, of the intrinsic's row for an intrinsic.
  uint8_t effects() const;
  // Effect bits of this operation and everything in its blocks.
  uint8_t DeepEffects() const;
  // Who must execute it together: kThread but for intrinsics.
  Scope scope() const;

  // Named views of operands, so that no one counts them: nullptr where absent.
  Operation* index() const;  // load, store, atomic, read, write
  Operation* mask() const;   // load, store
  Operation* value() const;  // store, write, var (initial), atomic (but compare_exchange)
};

using Value = Operation*;

class Kernel {
 public:
  explicit Kernel(std::string name) : name_(std::move(name)), body_(NewBlock(nullptr)) {}
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;

  const std::string& name() const { return name_; }
  void set_name(std::string name) { name_ = std::move(name); }
  Launch& launch() { return launch_; }
  const Launch& launch() const { return launch_; }
  bool IsHost() const { return launch_.machine == Machine::kHost; }
  const std::vector<Parameter>& parameters() const { return parameters_; }
  // In order of declaration.
  const std::vector<Buffer*>& shared() const { return shared_; }
  Block* body() { return body_; }
  const Block* body() const { return body_; }
  // Operation ids are less than this.
  int operation_count() const { return static_cast<int>(operations_.size()); }
  // Operations on one element that a processor is given: a GPU has no vectors to compute with.
  int64_t ScalarOperations() const { return IsHost() ? operation_count() : lanes_; }

  // The first two are made const or otherwise adjusted through the pointer returned.
  Buffer* AddBuffer(std::string name, ElementType element, std::vector<int64_t> dimensions);
  Buffer* AddShared(std::string name, ElementType element, std::vector<int64_t> dimensions);
  Operation* AddScalar(std::string name, Type type);
  MapParameter* AddMap(std::string name, const Buffer* buffer, TensorMap recipe);

  // For Builder, the parser and transformations: a thing owned by this kernel, in no block yet.
  Operation* NewOperation(Opcode opcode, Type type);
  Block* NewBlock(Operation* owner);
  Var* NewVar(std::string name, Type type, int array_size);

  // The name of the HLO instruction with the id, for the reader of the text; empty where unknown.
  void NameHlo(int32_t hlo, std::string name) { hlo_names_[hlo] = std::move(name); }
  absl::string_view HloName(int32_t hlo) const {
    const auto found = hlo_names_.find(hlo);
    return found == hlo_names_.end() ? "" : absl::string_view(found->second);
  }

  std::string ToString() const;

 private:
  std::string name_;
  std::map<int32_t, std::string> hlo_names_;
  Launch launch_;
  std::vector<Parameter> parameters_;
  std::vector<Buffer*> shared_;
  std::deque<Buffer> buffers_;
  std::deque<MapParameter> maps_;
  std::deque<Var> vars_;
  std::deque<Block> blocks_;
  std::deque<Operation> operations_;
  int64_t lanes_ = 0;  // of all operations
  Block* body_;
};

struct KernelModule {
  std::vector<std::unique_ptr<Kernel>> kernels;
  // The kernels' text, an empty line between them.
  std::string ToString() const;
};

// Where shared allocations lie: offset in bytes of each of kernel.shared(), in order; overlapping
// ones share their first byte.
struct SharedPlacement {
  std::vector<int64_t> offsets;
  int64_t bytes = 0;
  int alignment = 1;  // of the first byte
};
SharedPlacement PlaceShared(const Kernel& kernel);

// Calls `visit` on each operation of `block`, then those of its blocks, in order.
void ForEachOperation(const Block& block, const std::function<void(const Operation&)>& visit);
void ForEachOperation(Block& block, const std::function<void(Operation&)>& visit);

// The alignment that `load … : type` has when nothing is said: the whole access if its size is a
// power of two (at most 16 bytes), else one element.
int NaturalAlignment(Type type);

// Iterations of a `for` that renderers unroll fully, in order; nullopt for other loops.
std::optional<std::vector<int64_t>> StaticIterations(const Operation& loop);

}  // namespace ingot::kernel

#endif  // INGOT_COMPILER_KERNEL_KERNEL_H_
