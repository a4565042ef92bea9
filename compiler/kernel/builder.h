// Builder: the way to write kernel IR.
//
//   Kernel k("scale");
//   Buffer* x = k.AddBuffer("x", ElementType::kF32, {1024});
//   Buffer* y = k.AddBuffer("y", ElementType::kF32, {1024});
//   k.launch().grid = {4, 1, 1};
//   k.launch().block = {256, 1, 1};
//   Builder b(&k);
//   Value i = b.Add(b.Mul(b.BlockId(), b.Index(256)), b.ThreadId());
//   b.Store(y, i, b.Mul(b.Load(x, i), b.Float(kF32, 2.0)));
//
// Operands that do not fit a row are our own fault: CHECKed here, with the row and the types.
// Pure operations with constant operands are folded (arithmetic.h says how: to the bit), x + 0, x *
// 1, x * 0 of integers and the like are simplified, and a pure operation that is already visible is
// returned again.  Names and comments go to the operation that is made, so name after making:
// Named(b.Add(x, y), "sum").
#ifndef INGOT_COMPILER_KERNEL_BUILDER_H_
#define INGOT_COMPILER_KERNEL_BUILDER_H_

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "compiler/kernel/kernel.h"
#include "compiler/kernel/value_range.h"

namespace ingot::kernel {

struct AccessOptions {
  Value mask = nullptr;
  int alignment = 0;  // bytes; 0: one element
  Cache cache = Cache::kDefault;
  Order order = Order::kPlain;
  MemoryScope scope = MemoryScope::kGpu;
};

struct BuilderOptions {
  bool fold = true;   // constants and identities
  bool share = true;  // return an equal pure operation that is visible
};

class Builder {
 public:
  // Appends to the kernel's body.
  explicit Builder(Kernel* kernel, BuilderOptions options = {});
  Builder(const Builder&) = delete;
  Builder& operator=(const Builder&) = delete;

  Kernel& kernel() { return *kernel_; }

  // Recorded in every operation made from now on.
  void set_hlo(int32_t hlo) { hlo_ = hlo; }
  int32_t hlo() const { return hlo_; }
  // The comment of the next operation that is made.
  void set_comment(std::string comment) { comment_ = std::move(comment); }

  // Constants: in every lane of `type`.
  Value Constant(Type type, uint64_t bits);
  Value Integer(Type type, int64_t value);  // wraps to the width; also pred (0, 1)
  Value Float(Type type, double value);     // rounded once to the type
  Value Index(int64_t value) { return Integer(kS32, value); }
  Value True(int lanes = 1) { return Integer(kPred.WithLanes(lanes), 1); }
  Value False(int lanes = 1) { return Integer(kPred.WithLanes(lanes), 0); }

  // Ids, s32 (Task: s64).  `axis` 0, 1, 2 is x, y, z.
  Value BlockId(int axis = 0) { return Id(Opcode::kBlock, axis); }
  Value GridBlocks(int axis = 0) { return Id(Opcode::kBlocks, axis); }
  Value ClusterBlockId() { return Id(Opcode::kClusterBlock, 0); }
  Value ThreadId(int axis = 0) { return Id(Opcode::kThread, axis); }
  Value LaneId() { return Id(Opcode::kLane, 0); }
  Value WarpId() { return Id(Opcode::kWarp, 0); }
  Value TaskId() { return Id(Opcode::kTask, 0); }

  // One method for each row: Value Neg(Value), Value Add(Value, Value), Value Lt(Value, Value),
  // Value SumTree(Value), …
#define INGOT_KERNEL_UNARY(Name, ...) \
  Value Name(Value a) { return Unary(Opcode::k##Name, a); }
#define INGOT_KERNEL_BINARY(Name, ...) \
  Value Name(Value a, Value b) { return Binary(Opcode::k##Name, a, b); }
#define INGOT_KERNEL_COMPARE(Name, ...) \
  Value Name(Value a, Value b) { return Compare(Opcode::k##Name, a, b); }
#define INGOT_KERNEL_HORIZONTAL(Name, ...) \
  Value Name(Value vector) { return Horizontal(Opcode::k##Name, vector); }
#include "compiler/kernel/ops.def"
  Value Unary(Opcode opcode, Value a);
  Value Binary(Opcode opcode, Value a, Value b);
  Value Compare(Opcode opcode, Value a, Value b);
  // An integer as another one plus a constant, which wraps.
  std::pair<Value, int64_t> SplitConstant(Value value);
  Value Horizontal(Opcode opcode, Value vector);
  Value Fma(Value a, Value b, Value c);
  Value Permute(Value a, Value b, Value selector);
  // `mask` has as many lanes as the values.
  Value Select(Value mask, Value on_true, Value on_false);
  // To `element`, lane by lane; returns `a` where it has that type.
  Value Convert(Value a, ElementType element);
  // To a type of as many bits in all; returns `a` where it has that type.
  Value Bitcast(Value a, Type type);

  Value Build(absl::Span<const Value> lanes);
  // A scalar to every lane; returns `scalar` when lanes is 1.
  Value Broadcast(Value scalar, int lanes);
  Value Iota(Type type);
  // A lane; `vector` may be a scalar (lane 0 of 1).
  Value Extract(Value vector, int lane);
  Value Insert(Value vector, Value scalar, int lane);
  // Lane i of the result is lane lanes[i] of a followed by b.
  Value VectorShuffle(Value a, Value b, std::vector<int> lanes);

  // The initial value has the type of the var; it goes to every element of an array.
  Var* DeclareVar(std::string name, Value initial, int array_size = 0);
  Value Read(Var* var, Value static_index = nullptr);
  void Write(Var* var, Value value, Value static_index = nullptr);

  // `index` is in elements, s32 or s64.
  Value Load(Buffer* buffer, Value index, int lanes = 1, const AccessOptions& options = {});
  void Store(Buffer* buffer, Value index, Value value, const AccessOptions& options = {});
  // The old value.
  Value Atomic(AtomicKind kind, Buffer* buffer, Value index, Value value,
               Order order = Order::kRelaxed, MemoryScope scope = MemoryScope::kGpu);
  Value CompareExchange(Buffer* buffer, Value index, Value expected, Value desired,
                        Order order = Order::kRelaxed, MemoryScope scope = MemoryScope::kGpu);

  // A row of intrinsics.def: `operands` are the values and the indices of places in order.
  Value Call(Intrinsic intrinsic, absl::Span<const Value> operands = {},
             std::vector<int64_t> immediates = {}, std::vector<Buffer*> buffers = {});
  // The same, of a row with tensor maps or fragments.
  Value Call(IntrinsicAttributes call, absl::Span<const Value> operands = {});
  void Barrier() { Call(Intrinsic::kBarrier); }

  // Control: the functions fill the blocks.
  void For(Value begin, Value end, Value step, const std::function<void(Value)>& body,
           int64_t unroll = 1);
  // begin … end, step 1, s32, always unrolled.
  void ForStatic(int64_t begin, int64_t end, const std::function<void(Value)>& body);
  void ForList(std::vector<int64_t> list, const std::function<void(Value)>& body);
  void If(Value condition, const std::function<void()>& then,
          const std::function<void()>& otherwise = nullptr);
  // `condition` returns a pred.
  void While(const std::function<Value()>& condition, const std::function<void()>& body);
  void Roles(const std::vector<std::pair<WarpRange, std::function<void()>>>& roles);

  // What the function `name` makes of `operand`, control flow included: the same values again where
  // they are visible.  `make` may depend on nothing else; `name` outlives the builder.
  std::vector<Value> Once(absl::string_view name, Value operand,
                          const std::function<std::vector<Value>()>& make);

  // Between which numbers a value lies; and what else is known of it.
  ValueRange RangeOf(Value value) { return ranges_.Of(*value); }
  void SetRange(Value value, const ValueRange& range) { ranges_.Set(*value, range); }

  // Any operation, as given: no folding, no sharing, no checks but on a nullptr operand.  The
  // parser and transformations use it; blocks are the caller's.
  Operation* Append(Opcode opcode, Type type, std::vector<Operation*> operands,
                    Attributes attributes = {});
  // Runs `make`, whose operations stay as they are: nothing is folded or shared, so that other
  // constants make the same operations.
  void AsWritten(const std::function<void()>& make);
  // Runs `fill` with `block` as the place where operations are appended.
  void InBlock(Block* block, const std::function<void()>& fill);

 private:
  struct Key {
    Opcode opcode;
    Type type;
    std::vector<Operation*> operands;
    std::vector<int64_t> attributes;
    bool operator==(const Key&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const Key& k) {
      return H::combine(std::move(h), k.opcode, k.type, k.operands, k.attributes);
    }
  };
  struct Level {
    Block* block;
    absl::flat_hash_map<Key, Operation*> values;
    absl::flat_hash_map<std::pair<absl::string_view, Value>, std::vector<Value>> made;  // Once
  };

  Value Id(Opcode opcode, int axis);
  // Folds and shares a pure operation.
  Value Pure(Opcode opcode, Type type, std::vector<Operation*> operands,
             Attributes attributes = {});
  Operation* Visible(const Key& key) const;

  Kernel* kernel_;
  BuilderOptions options_;
  int32_t hlo_ = -1;
  std::string comment_;
  ValueRanges ranges_;
  std::vector<Level> levels_;  // the block being filled is the last
};

// Gives `value` a name for the text form, unless it has one; returns it.
Value Named(Value value, std::string name);

}  // namespace ingot::kernel

#endif  // INGOT_COMPILER_KERNEL_BUILDER_H_
