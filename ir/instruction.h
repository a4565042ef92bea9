// Instruction: one node of a computation.
#ifndef INGOT_IR_INSTRUCTION_H_
#define INGOT_IR_INSTRUCTION_H_

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/types/span.h"
#include "ir/attributes.h"
#include "ir/base/check.h"
#include "ir/base/shape.h"
#include "ir/opcode.h"

namespace ingot {

class Computation;
class Module;

// Attributes that any instruction may carry and that mean nothing to what it computes.  Text is
// kept as it was read, brackets and quotes included; empty where absent.
struct Annotations {
  std::string sharding;             // {devices=[2,1]<=[2]}
  std::string frontend_attributes;  // {key="value"}
  std::string metadata;             // {op_type="add" op_name="jit(f)/add" ...}
  std::string backend_config;       // "text" or raw JSON {...}
  // Others, by name in the order read: statistics, result_accuracy, origin, … and whatever is not
  // known.
  std::vector<std::pair<std::string, std::string>> others;
  // Names of all attributes in the order that the text had them; empty where that is the order in
  // which we print them.
  std::vector<std::string> order;
  bool operator==(const Annotations&) const = default;
};

// Operands and users are kept in step by Computation and by the setters here.  A user stands in
// users() once, however often it uses the value.  Instructions are made and removed through
// Computation.
class Instruction {
 public:
  Opcode opcode() const { return opcode_; }
  OpKind kind() const { return KindOf(opcode_); }
  const std::string& name() const { return name_; }
  // Takes exactly this name: what the parser does.  Names are unique in a computation; the caller
  // sees to that.
  void set_name(absl::string_view name);
  // Dense within the computation after Computation::Normalize; the key for ordered containers.
  int64_t id() const { return id_; }
  Computation* parent() const { return parent_; }

  const Shape& shape() const { return shape_; }
  void set_shape(Shape shape) { shape_ = std::move(shape); }

  const std::vector<Instruction*>& operands() const { return operands_; }
  int64_t operand_count() const { return static_cast<int64_t>(operands_.size()); }
  Instruction* operand(int64_t i) const { return operands_[i]; }
  // Whether `value` is an operand.
  bool Uses(const Instruction* value) const;
  void ReplaceOperand(int64_t i, Instruction* value);
  const std::vector<Instruction*>& users() const { return users_; }

  // The opcode's own attributes; T must be the struct that opcodes.def names (CHECKed).
  template <typename T>
  const T& attributes() const {
    const T* value = std::get_if<T>(&attributes_);
    INGOT_CHECK(value != nullptr) << OpcodeName(opcode_) << " has other attributes than asked for";
    return *value;
  }
  template <typename T>
  T& mutable_attributes() {
    return const_cast<T&>(attributes<T>());
  }
  const Attributes& all_attributes() const { return attributes_; }
  Attributes& all_attributes() { return attributes_; }

  // Shorthands for the commonest attributes.
  const std::vector<int64_t>& dimensions() const {
    return attributes<DimensionsAttributes>().dimensions;
  }
  const Literal& literal() const { return attributes<ConstantAttributes>().literal; }
  int64_t parameter_number() const { return attributes<ParameterAttributes>().number; }
  int64_t tuple_index() const { return attributes<TupleIndexAttributes>().index; }

  // Called computations in the order of their roles: to_apply | calls | condition, body |
  // branches... | select, scatter.
  const std::vector<Computation*>& called_computations() const { return called_; }
  void set_called_computations(std::vector<Computation*> called) { called_ = std::move(called); }
  Computation* to_apply() const { return Called(0); }
  Computation* while_condition() const { return Called(0); }
  Computation* while_body() const { return Called(1); }

  // Must run before this one, though no value flows.
  const std::vector<Instruction*>& control_predecessors() const { return control_predecessors_; }
  void AddControlPredecessor(Instruction* predecessor) {
    control_predecessors_.push_back(predecessor);
  }
  void ClearControlPredecessors() { control_predecessors_.clear(); }

  const Annotations& annotations() const { return annotations_; }
  Annotations& mutable_annotations() { return annotations_; }

  // Where the text that this was read from says it, 1-based; 0 where it was not read.  The file is
  // Module::file_name.
  int32_t source_line() const { return source_line_; }
  int32_t source_column() const { return source_column_; }
  void set_source_position(int32_t line, int32_t column) {
    source_line_ = line;
    source_column_ = column;
  }

  bool HasSideEffect() const;
  // Removed, and gone at the next Normalize: a pass that walks a list it removes from skips these.
  bool is_removed() const { return removed_; }

 private:
  friend class Computation;
  Instruction(Opcode opcode, Shape shape, std::string name, Computation* parent)
      : opcode_(opcode),
        name_(std::move(name)),
        parent_(parent),
        shape_(std::move(shape)),
        attributes_(DefaultAttributes(opcode)) {}

  Computation* Called(size_t i) const {
    INGOT_CHECK(i < called_.size()) << name_ << " calls " << called_.size() << " computations";
    return called_[i];
  }
  void AddUser(Instruction* user);
  void RemoveUser(Instruction* user);

  Opcode opcode_;
  bool removed_ = false;
  int32_t source_line_ = 0;
  int32_t source_column_ = 0;
  std::string name_;
  int64_t id_ = -1;
  Computation* parent_;
  Shape shape_;
  std::vector<Instruction*> operands_;
  std::vector<Instruction*> users_;
  Attributes attributes_;
  std::vector<Computation*> called_;
  std::vector<Instruction*> control_predecessors_;
  Annotations annotations_;
};

}  // namespace ingot

#endif  // INGOT_IR_INSTRUCTION_H_
