#include "compiler/kernel/code_key.h"

#include <map>
#include <type_traits>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"

namespace ingot::kernel {
namespace {

class KeyWriter {
 public:
  explicit KeyWriter(Kernel& kernel)
      : kernel_(kernel),
        numbers_(kernel.operation_count(), -1),
        in_index_(kernel.operation_count(), false) {
    ForEachOperation(*std::as_const(kernel).body(), [&](const Operation& op) {
      if (IsFragmentAccess(op) && op.index() != nullptr) MarkIndex(*op.index());
    });
  }

  Code Write() {
    Add(kernel_.launch());
    Add(kernel_.parameters().size());
    for (const Parameter& parameter : kernel_.parameters()) {
      Add(parameter.kind);
      if (parameter.buffer != nullptr) Declare(*parameter.buffer);
      if (parameter.map != nullptr) Declare(*parameter.map);
      if (parameter.value != nullptr) {
        Add(parameter.value->type);
        Number(*parameter.value);
      }
    }
    Add(kernel_.shared().size());
    for (const Buffer* buffer : kernel_.shared()) Declare(*buffer);
    Add(*kernel_.body());
    return std::move(code_);
  }

 private:
  template <typename Number>
  requires(std::is_integral_v<Number> || std::is_enum_v<Number>) void Add(Number value) {
    const auto bits = static_cast<uint64_t>(value);
    // Most are small.
    if (bits < 0xff) {
      code_.key += static_cast<char>(bits);
      return;
    }
    code_.key += '\xff';
    code_.key.append(reinterpret_cast<const char*>(&bits), sizeof(bits));
  }
  template <typename T>
  void Add(const std::vector<T>& values) {
    Add(values.size());
    for (const T& value : values) Add(value);
  }
  void Add(Type type) {
    Add(type.element);
    Add(type.lanes);
  }
  void Add(const WarpRange& warps) {
    Add(warps.first);
    Add(warps.last);
  }
  void Add(const Launch& launch) {
    Add(launch.machine);
    for (int axis = 0; axis < 3; ++axis) {
      Add(launch.grid[axis] == 1);
      Add(launch.block[axis]);
      Add(launch.cluster[axis]);
    }
    Add(launch.dynamic_shared_bytes);
    Add(launch.max_registers);
    Add(launch.min_blocks);
    Add(launch.resident);
    Add(launch.cooperative);
    Add(launch.programmatic);
  }

  // Buffers and vars are numbered as they are declared.
  void Declare(const Buffer& buffer) {
    buffers_.try_emplace(&buffer, buffers_.size());
    Add(buffer.space);
    Add(buffer.element);
    Add(buffer.alignment);
    Add(buffer.readonly);
    Add(buffer.noalias);
    if (buffer.space != Space::kShared) return;
    Add(buffer.count());
    Add(buffer.overlaps != nullptr);
    if (buffer.overlaps != nullptr) Add(buffer.overlaps);
  }
  // The code does not depend on the recipe but through the bytes that it counts; a launch has it
  // from the kernel, so kernels of one code have one recipe.
  void Declare(const MapParameter& map) {
    maps_.try_emplace(&map, maps_.size());
    Add(map.buffer);
    const std::string recipe = map.recipe.ToString();
    Add(recipe.size());
    code_.key += recipe;
  }
  void Add(MapParameter* map) { Add(maps_.at(map)); }
  void Add(Var* var) { Add(static_cast<const Var*>(var)); }
  void Add(const Buffer* buffer) { Add(buffers_.at(buffer)); }
  void Add(Buffer* buffer) { Add(buffers_.at(buffer)); }
  void Add(const Var* var) {
    const auto [it, is_new] = vars_.try_emplace(var, vars_.size());
    Add(it->second);
    if (!is_new) return;
    Add(var->type);
    Add(var->array_size);
  }
  void Number(const Operation& op) { numbers_[op.id] = next_number_++; }

  void Add(const std::monostate&) {}
  void Add(const ConstantAttributes& a) { Add(a.bits); }
  void Add(const IdAttributes& a) { Add(a.axis); }
  void Add(const LaneAttributes& a) { Add(a.lanes); }
  void Add(const VarAttributes& a) { Add(static_cast<const Var*>(a.var)); }
  void Add(const MemoryAttributes& a) {
    Add(a.buffer);
    Add(a.alignment);
    Add(a.cache);
    Add(a.order);
    Add(a.scope);
  }
  void Add(const AtomicAttributes& a) {
    Add(a.kind);
    Add(a.buffer);
    Add(a.order);
    Add(a.scope);
  }
  void Add(const ForAttributes& a) {
    Add(a.unroll);
    Add(a.is_list);
    Add(a.list);
  }
  void Add(const RolesAttributes& a) { Add(a.warps); }
  void Add(const IntrinsicAttributes& a) {
    Add(a.intrinsic);
    Add(a.immediates);
    Add(a.buffers);
    Add(a.maps);
    Add(a.vars);
  }

  static bool IsFragmentAccess(const Operation& op) {
    return op.opcode == Opcode::kVarRead || op.opcode == Opcode::kVarWrite;
  }

  // Indices of fragments are static: so is all that they are computed from.
  void MarkIndex(const Operation& op) {
    if (in_index_[op.id]) return;
    in_index_[op.id] = true;
    for (const Operation* operand : op.operands) MarkIndex(*operand);
  }

  // Whether the operation could as well be given a scalar parameter for this constant operand.
  bool MayVary(const Operation& op, size_t operand) const {
    const ElementType element = op.operands[operand]->type.element;
    if (in_index_[op.id]) return false;
    switch (element) {
      case ElementType::kS32:
      case ElementType::kS64:
      case ElementType::kU32:
      case ElementType::kU64:
      case ElementType::kF32:
      case ElementType::kF64:
        break;
      default:
        return false;
    }
    switch (op.opcode) {
      case Opcode::kDiv:
      case Opcode::kRem:
        return IsFloat(element);
      case Opcode::kFor:
        return operand < 2 && op.Get<ForAttributes>().unroll == 1 &&
               !StaticIterations(op).has_value();
      case Opcode::kVarRead:
        return false;
      case Opcode::kVarWrite:
        return op.operands[operand] != op.index();
      case Opcode::kIntrinsic:
        return false;
      default:
        return true;
    }
  }

  enum OperandKind { kConstantOperand, kParameterOperand, kFirstNumber };

  void AddOperand(Operation& op, size_t i) {
    const Operation& operand = *op.operands[i];
    if (!operand.IsConstant()) return Add(kFirstNumber + numbers_[operand.id]);
    const bool varies = MayVary(op, i);
    Add(varies ? kParameterOperand : kConstantOperand);
    Add(operand.type);
    if (varies) {
      code_.constants.push_back({&op, i});
    } else {
      Add(operand.Get<ConstantAttributes>());
    }
  }

  // Constants stand where they are used.
  void Add(Operation* op) {
    if (op->IsConstant()) return;
    Add(op->opcode);
    Add(op->type);
    Add(op->operands.size());
    for (size_t i = 0; i < op->operands.size(); ++i) AddOperand(*op, i);
    std::visit([&](const auto& attributes) { Add(attributes); }, op->attributes);
    Number(*op);
    Add(op->blocks.size());
    for (const Block* block : op->blocks) Add(*block);
  }
  void Add(const Block& block) {
    for (Operation* op : block.operations) Add(op);
    Add(kEndOfBlock);
  }

  static constexpr int kEndOfBlock = 254;  // no opcode

  Kernel& kernel_;
  std::vector<int> numbers_;  // by operation id: in the order in which they stand
  int next_number_ = 0;
  std::vector<bool> in_index_;  // by operation id: an index of a fragment depends on it
  absl::flat_hash_map<const Buffer*, size_t> buffers_;
  absl::flat_hash_map<const Var*, size_t> vars_;
  absl::flat_hash_map<const MapParameter*, size_t> maps_;
  Code code_;
};

}  // namespace

std::vector<uint64_t> Code::ConstantBits() const {
  std::vector<uint64_t> bits;
  bits.reserve(constants.size());
  for (const ConstantUse& use : constants) bits.push_back(use.bits());
  return bits;
}

Code CodeOf(Kernel& kernel) { return KeyWriter(kernel).Write(); }

std::vector<std::vector<size_t>> DifferingConstants(
    const Code& code, absl::Span<const std::vector<uint64_t>> kernels) {
  std::vector<std::vector<size_t>> lists;
  std::map<std::pair<ElementType, std::vector<uint64_t>>, size_t> list_of;
  for (size_t place = 0; place < code.constants.size(); ++place) {
    std::vector<uint64_t> values;
    bool differ = false;
    for (const std::vector<uint64_t>& kernel : kernels) {
      values.push_back(kernel[place]);
      differ = differ || values.back() != values.front();
    }
    if (!differ) continue;
    const ElementType type = code.constants[place].constant()->type.element;
    const auto [it, is_new] = list_of.try_emplace({type, std::move(values)}, lists.size());
    if (is_new) lists.emplace_back();
    lists[it->second].push_back(place);
  }
  return lists;
}

void MakeParameters(Kernel& kernel, const Code& code,
                    absl::Span<const std::vector<size_t>> places) {
  std::vector<Operation*> vectors;
  for (size_t i = 0; i < places.size(); ++i) {
    const ElementType element = code.constants[places[i][0]].constant()->type.element;
    std::map<int, Operation*> of_lanes;
    of_lanes[1] = kernel.AddScalar(absl::StrCat("c", i), Type::Scalar(element));
    for (size_t place : places[i]) {
      const ConstantUse& use = code.constants[place];
      Operation*& value = of_lanes[use.constant()->type.lanes];
      if (value == nullptr) {
        value = kernel.NewOperation(Opcode::kBroadcast, use.constant()->type);
        value->operands = {of_lanes[1]};
        vectors.push_back(value);
      }
      use.user->operands[use.operand] = value;
    }
  }
  std::vector<Operation*>& body = kernel.body()->operations;
  body.insert(body.begin(), vectors.begin(), vectors.end());
}

}  // namespace ingot::kernel
