#include "compiler/kernel/code_key.h"

#include <bit>
#include <map>
#include <type_traits>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "compiler/kernel/value_range.h"

namespace ingot::kernel {
namespace {

constexpr double kMostDividend = 0x1p31 - 1;

bool IsIntegerDivision(const Operation& op) {
  return (op.opcode == Opcode::kDiv || op.opcode == Opcode::kRem) && IsInteger(op.type.element);
}

class KeyWriter {
 public:
  explicit KeyWriter(Kernel& kernel)
      : kernel_(kernel),
        numbers_(kernel.operation_count(), -1),
        in_index_(kernel.operation_count(), false) {
    ForEachOperation(*std::as_const(kernel).body(), [&](const Operation& op) {
      if (IsFragmentAccess(op) && op.index() != nullptr) MarkIndex(*op.index());
      // ptxas takes a hundred times as long for them as for other instructions.
      if (op.opcode == Opcode::kIntrinsic && !op.Get<IntrinsicAttributes>().vars.empty()) {
        takes_long_ = true;
      }
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
  // The code does not depend on the recipe, but through what stands in operations.
  void Declare(const MapParameter& map) {
    maps_.try_emplace(&map, maps_.size());
    Add(map.buffer);
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

  // Whether the division could be a multiplication by what is not known when code is made.
  bool MayMultiply(const Operation& op) {
    const Type type = op.type;
    if (!takes_long_ || type.lanes != 1 || BitWidth(type.element) != 32) return false;
    const ValueRange dividend = ranges_.Of(*op.operands[0]);
    return op.operands[1]->ConstantInteger() > 0 && dividend.low >= 0 &&
           dividend.high <= kMostDividend;
  }

  // Whether the operation could as well be given a scalar parameter for this constant operand.
  bool MayVary(const Operation& op, size_t operand) {
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
        return IsFloat(element) || (operand == 1 && MayMultiply(op));
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
  bool takes_long_ = false;     // to make code of the kernel
  ValueRanges ranges_;
  absl::flat_hash_map<const Buffer*, size_t> buffers_;
  absl::flat_hash_map<const Var*, size_t> vars_;
  absl::flat_hash_map<const MapParameter*, size_t> maps_;
  Code code_;
};

// The value that stands in for a constant, and what divides by it.
struct Parameters {
  Operation* value = nullptr;
  Operation* multiplier = nullptr;
  Operation* shift = nullptr;
};

// Makes divisions multiplications.
class DivisionRewriter {
 public:
  DivisionRewriter(Kernel& kernel, absl::flat_hash_map<const Operation*, Parameters> divisors)
      : kernel_(kernel), divisors_(std::move(divisors)) {}

  void Rewrite(Block& block) {
    std::vector<Operation*> operations = std::exchange(block.operations, {});
    for (Operation* op : operations) {
      if (const auto divisor = divisors_.find(op); divisor != divisors_.end()) {
        Rewrite(*op, divisor->second, block.operations);
      }
      block.operations.push_back(op);
      for (Block* inner : op->blocks) Rewrite(*inner);
    }
  }

 private:
  void Rewrite(Operation& division, const Parameters& by, std::vector<Operation*>& before) {
    const Type type = division.type;
    const Type word = Type::Scalar(ElementType::kU32);
    const auto make = [&](Opcode opcode, Type of, std::vector<Operation*> operands) {
      Operation* op = kernel_.NewOperation(opcode, of);
      op->operands = std::move(operands);
      op->hlo = division.hlo;
      before.push_back(op);
      return op;
    };
    const auto as = [&](Operation* op, Type to) {
      return op->type == to ? op : make(Opcode::kConvert, to, {op});
    };
    Operation* one = make(Opcode::kConstant, word, {});
    one->attributes = ConstantAttributes{1};
    Operation* dividend = division.operands[0];
    Operation* twice = make(Opcode::kShl, word, {as(dividend, word), one});
    Operation* high = make(Opcode::kMulhi, word, {twice, by.multiplier});
    Operation* quotient = make(Opcode::kLshr, word, {high, by.shift});
    if (division.opcode == Opcode::kDiv) {
      division.opcode = type == word ? Opcode::kBitcast : Opcode::kConvert;
      division.operands = {quotient};
    } else {
      Operation* whole = make(Opcode::kMul, type, {as(quotient, type), by.value});
      division.opcode = Opcode::kSub;
      division.operands = {dividend, whole};
    }
  }

  Kernel& kernel_;
  const absl::flat_hash_map<const Operation*, Parameters> divisors_;
};

}  // namespace

bool ConstantUse::IsDivisor() const { return operand == 1 && IsIntegerDivision(*user); }

std::vector<uint64_t> Code::ConstantBits() const {
  std::vector<uint64_t> bits;
  bits.reserve(constants.size());
  for (const ConstantUse& use : constants) bits.push_back(use.bits());
  return bits;
}

Code CodeOf(Kernel& kernel) { return KeyWriter(kernel).Write(); }

std::vector<DifferingConstant> DifferingConstants(const Code& code,
                                                  absl::Span<const std::vector<uint64_t>> kernels) {
  std::vector<DifferingConstant> all;
  std::map<std::pair<ElementType, std::vector<uint64_t>>, size_t> number_of;
  for (size_t place = 0; place < code.constants.size(); ++place) {
    std::vector<uint64_t> values;
    bool differ = false;
    for (const std::vector<uint64_t>& kernel : kernels) {
      values.push_back(kernel[place]);
      differ = differ || values.back() != values.front();
    }
    if (!differ) continue;
    const ConstantUse& use = code.constants[place];
    const auto [it, is_new] =
        number_of.try_emplace({use.constant()->type.element, std::move(values)}, all.size());
    if (is_new) all.emplace_back();
    DifferingConstant& constant = all[it->second];
    constant.places.push_back(place);
    constant.is_divisor = constant.is_divisor || use.IsDivisor();
    // A remainder is what the quotient times the divisor leaves.
    constant.is_value = constant.is_value || !use.IsDivisor() || use.user->opcode == Opcode::kRem;
  }
  return all;
}

size_t CountParameters(absl::Span<const DifferingConstant> differing) {
  size_t count = 0;
  for (const DifferingConstant& constant : differing) {
    count += (constant.is_value ? 1 : 0) + (constant.is_divisor ? 2 : 0);
  }
  return count;
}

void MakeParameters(Kernel& kernel, const Code& code,
                    absl::Span<const DifferingConstant> differing) {
  std::vector<Operation*> vectors;
  absl::flat_hash_map<const Operation*, Parameters> divisors;
  for (size_t i = 0; i < differing.size(); ++i) {
    const DifferingConstant& constant = differing[i];
    const ElementType element = code.constants[constant.places[0]].constant()->type.element;
    const std::string name = absl::StrCat("c", i);
    Parameters parameters;
    if (constant.is_value) parameters.value = kernel.AddScalar(name, Type::Scalar(element));
    if (constant.is_divisor) {
      const Type word = Type::Scalar(ElementType::kU32);
      parameters.multiplier = kernel.AddScalar(absl::StrCat(name, "_multiplier"), word);
      parameters.shift = kernel.AddScalar(absl::StrCat(name, "_shift"), word);
    }
    std::map<int, Operation*> of_lanes = {{1, parameters.value}};
    for (size_t place : constant.places) {
      const ConstantUse& use = code.constants[place];
      if (use.IsDivisor()) {
        divisors[use.user] = parameters;
        continue;
      }
      Operation*& value = of_lanes[use.constant()->type.lanes];
      if (value == nullptr) {
        value = kernel.NewOperation(Opcode::kBroadcast, use.constant()->type);
        value->operands = {parameters.value};
        vectors.push_back(value);
      }
      use.user->operands[use.operand] = value;
    }
  }
  if (!divisors.empty()) DivisionRewriter(kernel, std::move(divisors)).Rewrite(*kernel.body());
  std::vector<Operation*>& body = kernel.body()->operations;
  body.insert(body.begin(), vectors.begin(), vectors.end());
}

std::vector<ParameterValue> ParameterValues(const Code& code,
                                            absl::Span<const DifferingConstant> differing,
                                            const std::vector<uint64_t>& bits) {
  std::vector<ParameterValue> values;
  for (const DifferingConstant& constant : differing) {
    const size_t place = constant.places[0];
    const uint64_t value = bits[place];
    if (constant.is_value) {
      values.push_back({code.constants[place].constant()->type.element, value});
    }
    if (constant.is_divisor) {
      const Reciprocal reciprocal = ReciprocalOf(static_cast<uint32_t>(value));
      values.push_back({ElementType::kU32, reciprocal.multiplier});
      values.push_back({ElementType::kU32, reciprocal.shift});
    }
  }
  return values;
}

// With 2^(s - 1) < d <= 2^s and m = floor(2^(31 + s) / d) + 1 < 2^32, m d - 2^(31 + s) is from 1 to
// 2^s, so n m / 2^(31 + s) is at least n / d and less than 1 / d above it.
Reciprocal ReciprocalOf(uint32_t d) {
  const auto shift = static_cast<uint32_t>(std::bit_width(d - 1));
  const uint64_t multiplier = (uint64_t{1} << (31 + shift)) / d + 1;
  return {static_cast<uint32_t>(multiplier), shift};
}

}  // namespace ingot::kernel
