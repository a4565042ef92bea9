// ElementEmitter: the one way by which graph operations become kernel IR.
#ifndef INGOT_COMPILER_LOWER_EMITTER_H_
#define INGOT_COMPILER_LOWER_EMITTER_H_

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/types/span.h"
#include "compiler/kernel/builder.h"
#include "compiler/lower/index.h"
#include "compiler/lower/math/math.h"
#include "compiler/plan/plan.h"
#include "ir/module.h"
#include "ir/op_table.h"

namespace ingot::lower {

// The value of one element, or of one element for each lane.  Its kernel type is the element type
// of the HLO value itself, narrow types included, or f32 where the plan leaves it unrounded; a
// complex element is a pair of components.  An element that is the same in all lanes may have one
// lane only: consumers broadcast.
struct Element {
  kernel::Value re = nullptr;
  kernel::Value im = nullptr;  // complex only

  int lanes() const { return re->type.lanes; }
  bool is_complex() const { return im != nullptr; }
};

// A cell that holds an Element.
struct ElementVar {
  kernel::Var* re = nullptr;
  kernel::Var* im = nullptr;
};

// What a tile kernel tells the emitter of its iteration space, whose places have numbers.  In
// space, operands are read at coordinates that are there already, whatever reshapes and transposes
// stand between; and what is held (reductions) is provided, never computed where it is asked for.
class TileSpace {
 public:
  virtual ~TileSpace() = default;
  // The value that `consumer` reads as operand `operand` at the same place; null where it reads it
  // elsewhere.
  virtual const Instruction* SourceOf(const Instruction& consumer, int64_t operand) const = 0;
  // The place as an index of `instruction`'s result.
  virtual Index IndexAt(const Instruction& instruction, int point) = 0;
  // How many places of a thread, each of another element of the consumer, read the same element of
  // its operand.
  virtual int64_t PlacesThatShare(const Instruction& consumer, int64_t operand) const = 0;
  // An element of a parameter that is not read from memory; nullopt: it is.
  virtual std::optional<Element> Read(const Instruction& parameter, const Index& index) = 0;
  // The plan holds the instruction's value.
  virtual bool IsHeld(const Instruction& instruction) const = 0;
};

// What all emitters of one kernel share.
struct Context {
  kernel::Builder& b;
  IndexMath math;
  // Widths by instruction of the fusion; an instruction of a called computation has none.
  const plan::KernelPlan& plan;
  const Computation& fusion;
  // The first failure; emission goes on with zeros after it, and Lower reports it.
  absl::Status status;
  TileSpace* tile = nullptr;  // of a tile kernel
  // Which expansions elementwise operations take.
  Approximation approximation = Approximation::kNone;
  // FusionPlan's: the instructions whose elements, of bf16 or f16, are f32 values.
  absl::Span<const int64_t> unrounded = {};
  // FusionPlan's: the instructions of whose f32 values not all digits are seen.
  absl::Span<const int64_t> loose = {};
  absl::Span<const int64_t> narrow = {};
  absl::Span<const int64_t> plus_one = {}, minus_one = {};
  // FusionPlan's: the sums that take a product without rounding it.
  absl::Span<const int64_t> contracted = {};

  void Fail(absl::Status failure) {
    if (status.ok()) status = std::move(failure);
  }
  bool IsUnrounded(const Instruction& instruction) const {
    return IsListed(instruction, unrounded);
  }
  bool IsLoose(const Instruction& instruction) const { return IsListed(instruction, loose); }
  bool IsContracted(const Instruction& instruction) const {
    return IsListed(instruction, contracted);
  }
  bool IsSeenNarrow(const Instruction& instruction) const { return IsListed(instruction, narrow); }
  // What is added to its value before anyone sees it: 1, -1 or nothing.
  int ShiftOf(const Instruction& instruction) const {
    return IsListed(instruction, plus_one) ? 1 : IsListed(instruction, minus_one) ? -1 : 0;
  }
  bool IsListed(const Instruction& instruction, absl::Span<const int64_t> ids) const {
    return instruction.parent() == &fusion &&
           std::binary_search(ids.begin(), ids.end(), instruction.id());
  }
  // What the plan says of `instruction`; the defaults for one of a called computation.
  plan::InstructionPlan PlanOf(const Instruction& instruction) const;
};

class ElementEmitter {
 public:
  // The value of a parameter of the computation at an index.
  using ParameterSource = std::function<Element(const Instruction& parameter, const Index& index)>;

  ElementEmitter(Context* context, ParameterSource parameters)
      : context_(*context), parameters_(std::move(parameters)), scopes_(1) {}
  ElementEmitter(const ElementEmitter&) = delete;
  ElementEmitter& operator=(const ElementEmitter&) = delete;

  // Element `index` of `instruction`'s result, or of leaf `leaf` of a result of several arrays. The
  // same element asked for twice in one block scope is computed once.  On failure: zero, and
  // context().status says why.
  Element Emit(const Instruction& instruction, const Index& index, int leaf = 0);
  // Operand `operand` of `consumer`, which is asked for at `index`, where it reads it at the same
  // coordinates or at the same place of a tile kernel's space.
  Element EmitOperand(const Instruction& consumer, int64_t operand, const Index& index);
  // Where EmitOperand reads the operand, an instruction that computes.
  Index IndexOfOperand(const Instruction& consumer, int64_t operand, const Index& index) const;
  // Makes `element` the value of the instruction at `index` in this block scope.
  void Provide(const Instruction& instruction, const Index& index, int leaf, Element element) {
    scopes_.back()[Key{&instruction, leaf, index}] = element;
  }
  // What has been emitted or provided of the instruction at `index`, if it is still known; else
  // null.
  const Element* Find(const Instruction& instruction, const Index& index, int leaf = 0) const;
  // The element of a scalar.
  Element EmitScalar(const Instruction& instruction) { return Emit(instruction, Index{}); }

  // The results (leaves of the root) of a computation for one value of each parameter, in all their
  // lanes.  A computation on arrays (of a scan) is done at index `at`; its parameters cannot be
  // read elsewhere.
  std::vector<Element> Call(const Computation& computation, absl::Span<const Element> arguments,
                            const Index& at = Index{});

  // Elements of memory.
  Element Load(kernel::Buffer* buffer, const Shape& shape, const Index& index);
  void Store(kernel::Buffer* buffer, const Shape& shape, const Index& index, Element value);

  // Control flow: as the builder's, and what is emitted inside is forgotten at the end.
  void For(kernel::Value begin, kernel::Value end, int64_t step,
           const std::function<void(kernel::Value)>& body, int64_t unroll = 1);
  void If(kernel::Value condition, const std::function<void()>& then,
          const std::function<void()>& otherwise = nullptr);
  void While(const std::function<kernel::Value()>& condition, const std::function<void()>& body);
  // What `body` emits and provides is forgotten at its end.
  void Scoped(const std::function<void()>& body);

  ElementVar Declare(const std::string& name, Element initial);
  Element Read(const ElementVar& var);
  void Write(const ElementVar& var, Element value);
  // Of each in turn.  There are as many values as cells, or more.
  std::vector<Element> Read(const std::vector<ElementVar>& vars);
  void Write(const std::vector<ElementVar>& vars, const std::vector<Element>& values);

  // Elements.
  Element Zero(ElementType type);
  Element FromDouble(ElementType type, double value);
  Element Broadcast(Element value, int lanes);
  Element Select(kernel::Value mask, Element on_true, Element on_false);
  Element Convert(Element value, ElementType from, ElementType to);
  // Lane by lane.
  Element Build(absl::Span<const Element> lanes);

  Context& context() { return context_; }
  kernel::Builder& b() { return context_.b; }
  IndexMath& math() { return context_.math; }
  // Records that `instruction` cannot be lowered, and why.
  void Unsupported(const Instruction& instruction, absl::string_view why);

 private:
  struct Key {
    const Instruction* instruction;
    int leaf;
    Index index;
    bool operator==(const Key&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const Key& k) {
      return H::combine(std::move(h), k.instruction, k.leaf, k.index);
    }
  };

  // The leaves of `instruction`; empty when it cannot be done with this index's lanes at once.
  std::vector<Element> Dispatch(const Instruction& instruction, const Index& index);
  // Whether a reduce's operands lie at the points of the tile's space.
  bool AsksInSpace(const Instruction& reduce) const;
  std::vector<Element> EmitStructure(const Instruction& instruction, const Index& index);
  std::vector<Element> LaneByLane(const Instruction& instruction, const Index& index);
  int64_t MemoryAlignment(const kernel::Buffer& buffer, const Shape& shape, const Index& index);

  Context& context_;
  ParameterSource parameters_;
  std::vector<absl::flat_hash_map<Key, Element>> scopes_;
};

// ----- One function for each op kind.  Each gives the leaves of the instruction's result at
// `index`, or nothing when this index's lanes cannot be done at once (the emitter then does them
// one by one).
using Elements = std::vector<Element>;

// Each of them is a table of the kind's ops (ir/op_table.h), but for data movement, which is the
// index maps of ir/index_map.
using OpTableRow = OpRow<Elements(ElementEmitter&, const Instruction&, const Index&)>;

Elements EmitElementwise(ElementEmitter& e, const Instruction& instruction, const Index& index);
Elements EmitDataMovement(ElementEmitter& e, const Instruction& instruction, const Index& index);
Elements EmitReduction(ElementEmitter& e, const Instruction& instruction, const Index& index);
// A reduce that ends no class of the tile's space, at one of its points.
Elements EmitReduceOfOne(ElementEmitter& e, const Instruction& reduce, const Index& index);
Elements EmitContraction(ElementEmitter& e, const Instruction& instruction, const Index& index);
Elements EmitIndexing(ElementEmitter& e, const Instruction& instruction, const Index& index);
Elements EmitRandom(ElementEmitter& e, const Instruction& instruction, const Index& index);

// A start index, whose element type is any integer type, as an s64 that no bound is lost in.
kernel::Value WideStart(ElementEmitter& e, Element start, ElementType type);

// The rows of ops that are refused: what only the root of a kernel is, and what passes expand.
Elements OnlyAsRoot(ElementEmitter& e, const Instruction& instruction, const Index& index);
Elements Unexpanded(ElementEmitter& e, const Instruction& instruction, const Index& index);

// ----- Skeletons whose work is not element by element: they fill the results themselves.
// `position` is an index into the positions (see KernelPlan); results and scratch are the buffers.
struct Memory {
  std::vector<kernel::Buffer*> operands;
  std::vector<kernel::Buffer*> results;
  std::vector<kernel::Buffer*> scratch;
};

void EmitSort(ElementEmitter& e, const Instruction& sort, const Memory& memory,
              const Index& position);
void EmitScan(ElementEmitter& e, const Instruction& scan, const Memory& memory,
              const Index& position);
// A dynamic-update-slice's update at `position`, stored where it goes in the result.
void EmitUpdate(ElementEmitter& e, const Instruction& instruction, const Memory& memory,
                const Index& position);
void EmitScatter(ElementEmitter& e, const Instruction& scatter, const Memory& memory,
                 const Index& position, kernel::Value owner);

}  // namespace ingot::lower

#endif  // INGOT_COMPILER_LOWER_EMITTER_H_
