// Module and Computation: a program as HLO sees it.
#ifndef INGOT_IR_MODULE_H_
#define INGOT_IR_MODULE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ir/instruction.h"

namespace ingot {

// Computations call each other at most this deep; the parser and the verifier refuse more, so that
// passes may recurse over calls.
inline constexpr int kMaxCallDepth = 256;

// Owns its instructions.  The order of instructions() is a topological order of operands and
// control predecessors whenever no pass is in the middle of changing it; text is printed in it.
class Computation {
 public:
  const std::string& name() const { return name_; }
  // Takes exactly this name, which is free: the caller sees to that.
  void set_name(absl::string_view name) { name_ = std::string(name); }
  Module* parent() const { return parent_; }
  int64_t id() const { return id_; }

  const std::vector<Instruction*>& instructions() const { return order_; }
  // Parameters by number.
  const std::vector<Instruction*>& parameters() const { return parameters_; }
  Instruction* root() const { return root_; }
  void set_root(Instruction* root) { root_ = root; }

  // Appends an instruction.  `name` is made unique in the module by a numeric suffix; empty: the
  // opcode's name is the stem.  The operands belong to this computation (CHECKed).  Attributes
  // start at their defaults: set them next.
  Instruction* Add(Opcode opcode, Shape shape, std::vector<Instruction*> operands,
                   absl::string_view name = "");
  // As Add with a given attribute struct.
  Instruction* Add(Opcode opcode, Shape shape, std::vector<Instruction*> operands,
                   Attributes attributes, absl::string_view name = "");
  // As Add, but the name is exactly `name`, which the caller knows to be free in this computation:
  // what the parser does.  After parameters were added so, SortParameters.
  Instruction* AddExactlyNamed(Opcode opcode, Shape shape, std::vector<Instruction*> operands,
                               absl::string_view name);
  // Collects parameters() anew, in the order of their numbers.
  void SortParameters();
  // parameter(number); numbers come in order from 0 unless the text says otherwise: gaps are the
  // verifier's matter.
  Instruction* AddParameter(int64_t number, Shape shape, absl::string_view name = "");
  Instruction* AddConstant(Literal literal, absl::string_view name = "");
  // The same operation with other operands: attributes, called computations (shared, not copied)
  // and annotations are copied.  `source` may be of another computation or module (then map the
  // called computations yourself).
  Instruction* AddClone(const Instruction& source, std::vector<Instruction*> operands);

  // Every use of `old_value` (root included) becomes a use of `new_value`.
  void ReplaceAllUses(Instruction* old_value, Instruction* new_value);
  // Removes an instruction that has no users and is not the root (CHECKed).  The pointer stays
  // valid until Normalize.
  void Remove(Instruction* instruction);
  // Removes what the root does not need and what has no side effect; parameters stay.  Returns
  // whether any went.
  bool RemoveDead();
  // Takes another order of instructions(), which is topological.
  void SetOrder(std::vector<Instruction*> order);
  // Drops removed instructions (as control predecessors too), restores topological order (stable:
  // an order that is already topological stays), renumbers ids.  Linear.  Passes need not call it:
  // the pass manager does.
  void Normalize();

  // Some instruction in it has a side effect.
  bool HasSideEffect() const;

  // Text after the closing brace's place: ", execution_thread=\"host\"" and the like, kept as read.
  std::string attributes_text;
  // Text writes it inside of its caller: the computation of an asynchronous op whose text names the
  // wrapped op, `custom-call-start(...)`.  Its root then is that op, applied to its parameters.
  bool printed_inline = false;

 private:
  friend class Module;
  Computation(Module* parent, std::string name, int64_t id)
      : parent_(parent), name_(std::move(name)), id_(id) {}

  Module* parent_;
  std::string name_;
  int64_t id_;
  std::vector<std::unique_ptr<Instruction>> storage_;
  std::vector<Instruction*> order_;
  std::vector<Instruction*> parameters_;
  Instruction* root_ = nullptr;
  bool has_removed_ = false;
};

// An input whose buffer an output may reuse (input_output_alias).
struct InputOutputAlias {
  std::vector<int64_t> output_index;  // path into the result tuple
  int64_t parameter = 0;
  std::vector<int64_t> parameter_index;
  bool must_alias = false;  // "must-alias", else "may-alias"
  bool operator==(const InputOutputAlias&) const = default;
};

// An input whose buffer any output may reuse (buffer_donor).
struct BufferDonor {
  int64_t parameter = 0;
  std::vector<int64_t> parameter_index;
  bool operator==(const BufferDonor&) const = default;
};

// How the text of a module looks: what the parser saw, and what the printer does when not told
// otherwise.  The default is the short form, which JAX's as_hlo_text() prints.
struct TextForm {
  bool percent = false;                 // %name
  bool signatures = false;              // name (p: f32[2]) -> f32[2] {
  bool operand_shapes = false;          // add(f32[2] a, f32[2] b)
  bool operand_index_comments = false;  // /*index=5*/ in front of each fifth operand
  int final_newlines = 2;               // after the last closing brace
  bool operator==(const TextForm&) const = default;
};

class Module {
 public:
  explicit Module(absl::string_view name) : name_(name) {}
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  const std::string& name() const { return name_; }
  void set_name(absl::string_view name) { name_ = std::string(name); }

  // In the order that text prints them: callees before callers.
  const std::vector<Computation*>& computations() const { return order_; }
  Computation* entry() const { return entry_; }
  void set_entry(Computation* computation) { entry_ = computation; }
  Computation* FindComputation(absl::string_view name) const;

  // Appends a computation; the name is made unique among computations by a numeric suffix.
  Computation* AddComputation(absl::string_view name);
  // A deep copy of `source`, which may belong to another module, and of every computation that it
  // calls.
  Computation* CloneComputation(const Computation& source, absl::string_view name);
  // Removes computations that nothing reachable from the entry calls.  Returns whether any went.
  bool RemoveUnreachableComputations();
  // Normalize()s every computation and orders computations callees first (stable).
  void Normalize();
  std::unique_ptr<Module> Clone() const;

  // A name that no instruction of the module has, which is now taken: `stem`, or "stem.N".
  // Computations have names of their own: a computation and an instruction may share one.
  std::string UniqueInstructionName(absl::string_view stem);
  // Likewise among computations.
  std::string UniqueComputationName(absl::string_view stem);

  TextForm text_form;
  // The file that it was read from; empty where it was not.  Error messages start with it.
  std::string file_name;

  bool is_scheduled = false;
  std::vector<InputOutputAlias> input_output_aliases;
  std::vector<BufferDonor> buffer_donors;
  // Layouts of the entry's parameters and result as HloModule states them; empty where it does not.
  std::vector<Shape> entry_parameter_layouts;
  std::vector<Shape> entry_result_layout;  // none or one
  // Other attributes of the HloModule line, by name in the order read, values verbatim
  // (replica_count, …).
  std::vector<std::pair<std::string, std::string>> attributes;
  // FileNames, FunctionNames, FileLocations, StackFrames tables, verbatim.
  std::string stack_frame_text;

 private:
  friend class Computation;
  friend class Instruction;

  // Names in use, and for each stem the next suffix to try.
  struct NameTable {
    absl::flat_hash_set<std::string> taken;
    absl::flat_hash_map<std::string, int64_t> next_suffix;
    std::string Unique(absl::string_view stem);
  };

  std::string name_;
  std::vector<std::unique_ptr<Computation>> storage_;
  std::vector<Computation*> order_;
  Computation* entry_ = nullptr;
  NameTable instruction_names_;
  NameTable computation_names_;
};

}  // namespace ingot

#endif  // INGOT_IR_MODULE_H_
