#include "compiler/kernel/simulator/cost.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "compiler/kernel/arithmetic.h"

namespace ingot::kernel::simulator {
namespace {

// Instructions of what is no single one, for sm_90a.
constexpr int kFloatDivision = 9;  // with its check and branch, besides one reciprocal
constexpr int kFloatRoot = 7;      // besides one reciprocal root
constexpr int kDoubleDivision = 9;
constexpr int kIntegerDivision = 18;
constexpr int kConstantDivision = 4;  // high product, shifts
constexpr int kWideDivision = 70;     // 64 bits

bool IsMatrixProduct(Intrinsic intrinsic) {
  return intrinsic == Intrinsic::kMmaBf16 || intrinsic == Intrinsic::kMmaF16 ||
         intrinsic == Intrinsic::kMmaTf32 || intrinsic == Intrinsic::kMmaS8 ||
         intrinsic == Intrinsic::kMmaU8 || intrinsic == Intrinsic::kMmaF64 ||
         intrinsic == Intrinsic::kMmaF64K16;
}

class Coster {
 public:
  explicit Coster(const Kernel& kernel)
      : costs_(kernel.operation_count(), Cost{}),
        users_(kernel.operation_count()),
        static_(kernel.operation_count(), false),
        forms_(kernel.operation_count()) {
    std::vector<const Operation*> all;
    ForEachOperation(*kernel.body(), [&](const Operation& op) {
      all.push_back(&op);
      for (const Operation* operand : op.operands) users_[operand->id].push_back(&op);
    });
    // Users come later.
    index_only_.assign(kernel.operation_count(), false);
    for (size_t i = all.size(); i-- > 0;) index_only_[all[i]->id] = IsIndexOnly(*all[i]);
  }

  std::vector<Cost> Run(const Kernel& kernel) {
    ForEachOperation(*kernel.body(), [&](const Operation& op) {
      static_[op.id] = IsStatic(op);
      forms_[op.id] = FormOf(op);
      const int value = forms_[op.id].empty() ? 0 : forms_[op.id].begin()->first;
      if (op.opcode == Opcode::kLane) thread_[value] = 1;
      if (op.opcode == Opcode::kWarp) thread_[value] = kWarpSize;
      if (!static_[op.id]) Visit(op);
    });
    return std::move(costs_);
  }

 private:
  bool IsStatic(const Operation& op) const {
    if (op.IsConstant()) return true;
    if (op.opcode == Opcode::kFor) return StaticIterations(op).has_value();
    if (op.operands.empty() || op.effects() != kPure || !op.blocks.empty()) return false;
    return std::all_of(op.operands.begin(), op.operands.end(),
                       [&](const Operation* operand) { return static_[operand->id]; });
  }

  bool AllUsers(const Operation& op, bool (*holds)(const Operation& user, const Operation& op)) {
    const std::vector<const Operation*>& users = users_[op.id];
    return !users.empty() && std::all_of(users.begin(), users.end(),
                                         [&](const Operation* user) { return holds(*user, op); });
  }

  static bool IsAffine(const Operation& op) {
    return (op.opcode == Opcode::kAdd || op.opcode == Opcode::kSub || op.opcode == Opcode::kMul) &&
           op.type.lanes == 1 && !IsFloat(op.type.element);
  }
  // Wanted for indices alone.
  bool IsIndexOnly(const Operation& op) const {
    const std::vector<const Operation*>& users = users_[op.id];
    return !users.empty() && std::all_of(users.begin(), users.end(), [&](const Operation* user) {
      if (IsAffine(*user)) return static_cast<bool>(index_only_[user->id]);
      return user->index() == &op && user->value() != &op;
    });
  }

  // An integer as a sum of values of other kinds, by id, times constants; what is known where the
  // kernel is assembled is left out, because addresses have an offset for it.
  using Form = std::map<int, uint64_t>;
  Form FormOf(const Operation& op) {
    constexpr size_t kMostTerms = 8;
    if (static_[op.id]) return {};
    // An id is one register, however often a text names it.
    int value = op.id;
    if (const auto* id = std::get_if<IdAttributes>(&op.attributes)) {
      value = ids_.insert({{op.opcode, id->axis}, op.id}).first->second;
    }
    const Form itself = {{value, 1}};
    if (!IsAffine(op)) return itself;
    Form form = forms_[op.operands[0]->id];
    const Form& other = forms_[op.operands[1]->id];
    if (op.opcode == Opcode::kMul) {
      const Operation& right = *op.operands[1];
      if (!right.IsConstant()) return itself;
      const auto scale = static_cast<uint64_t>(
          IntegerValue(right.type.element, right.Get<ConstantAttributes>().bits));
      for (auto& [id, factor] : form) factor *= scale;
    } else {
      for (const auto& [id, factor] : other) {
        uint64_t& sum = form[id];
        sum += op.opcode == Opcode::kAdd ? factor : 0 - factor;
        if (sum == 0) form.erase(id);
      }
    }
    return form.size() > kMostTerms ? itself : form;
  }
  // Whether `op` is, but for a constant, what has been computed before it, or a value itself.
  bool IsOffset(const Operation& op) {
    if (!IsAffine(op) || !index_only_[op.id]) return false;
    const Form& form = forms_[op.id];
    if (form.size() == 1 && form.begin()->second == 1) return form.begin()->first != op.id;
    return form == thread_ || !computed_.insert(form).second;
  }
  bool IsPartOfSum(const Operation& op) {
    return op.opcode == Opcode::kMul && BitWidth(op.type.element) == 32 &&
           AllUsers(op, [](const Operation& user, const Operation&) {
             return user.opcode == Opcode::kAdd || user.opcode == Opcode::kSub;
           });
  }

  void Charge(const Operation& op, Unit unit, int count) {
    uint16_t& cost = costs_[op.id][static_cast<int>(unit)];
    cost = static_cast<uint16_t>(std::min(0xffff, cost + count));
  }

  void Visit(const Operation& op) {
    switch (InfoOf(op.opcode).op_class) {
      case OpClass::kUnary:
      case OpClass::kBinary:
      case OpClass::kCompare:
      case OpClass::kTernary:
      case OpClass::kSelect:
        return Arithmetic(op, op.opcode, op.operands.back()->type.element, op.type.lanes);
      case OpClass::kHorizontal:
        return Arithmetic(op, HorizontalStep(op.opcode), op.type.element,
                          op.operands[0]->type.lanes - 1);
      case OpClass::kConvert:
        return Convert(op);
      case OpClass::kMemory:
        return Memory(op);
      case OpClass::kControl:
        return Control(op);
      case OpClass::kIntrinsic:
        return Call(op);
      case OpClass::kVector:
      case OpClass::kOrigin:
      case OpClass::kId:
      case OpClass::kVar:
        return;
    }
  }

  void Arithmetic(const Operation& op, Opcode opcode, ElementType element, int lanes) {
    if (element == ElementType::kPred) return Charge(op, Unit::kInteger, lanes);
    if (!IsFloat(element)) return Integer(op, opcode, element, lanes);
    // Two halves share an instruction.
    const int count = BitWidth(element) == 16 ? (lanes + 1) / 2 : lanes;
    const Unit unit = element == ElementType::kF64 ? Unit::kDouble : Unit::kFloat;
    switch (opcode) {
      case Opcode::kNeg:
      case Opcode::kAbs:
        return;
      case Opcode::kDiv:
        Charge(op, unit, lanes * (unit == Unit::kDouble ? kDoubleDivision : kFloatDivision));
        return Charge(op, Unit::kSpecial, lanes);
      case Opcode::kSqrt:
        Charge(op, unit, lanes * kFloatRoot);
        return Charge(op, Unit::kSpecial, lanes);
      case Opcode::kFloor:
      case Opcode::kCeil:
      case Opcode::kTrunc:
      case Opcode::kRoundEven:
        return Charge(op, Unit::kConversion, lanes);
      case Opcode::kSelect:
        return Charge(op, Unit::kInteger, BitWidth(element) == 64 ? 2 * lanes : lanes);
      default:
        return Charge(op, unit, count);
    }
  }

  void Integer(const Operation& op, Opcode opcode, ElementType element, int lanes) {
    const bool wide = BitWidth(element) == 64;
    if (IsOffset(op) || IsPartOfSum(op)) return;
    if (opcode == Opcode::kDiv || opcode == Opcode::kRem) {
      const bool constant = op.operands.size() == 2 && static_[op.operands[1]->id];
      const int remainder = opcode == Opcode::kRem ? 1 : 0;
      const int division =
          constant ? (wide ? 3 : 1) * kConstantDivision : (wide ? kWideDivision : kIntegerDivision);
      return Charge(op, Unit::kInteger, lanes * (division + remainder));
    }
    const bool product = opcode == Opcode::kMul || opcode == Opcode::kMulhi;
    return Charge(op, Unit::kInteger, lanes * (wide ? (product ? 4 : 2) : 1));
  }

  void Convert(const Operation& op) {
    const ElementType from = op.operands[0]->type.element, to = op.type.element;
    if (op.opcode == Opcode::kBitcast || from == to) return;
    const int lanes = op.type.lanes;
    const bool to_half = TypeSetOf(to) == kSetHalf;
    if (IsFloat(from) && IsFloat(to)) {
      if (TypeSetOf(from) == kSetHalf) return Charge(op, Unit::kInteger, lanes);
      return Charge(op, Unit::kConversion, to_half ? (lanes + 1) / 2 : lanes);
    }
    if (IsFloat(from) != IsFloat(to) && to != ElementType::kPred && from != ElementType::kPred) {
      return Charge(op, Unit::kConversion, lanes);
    }
    // Between integers of up to 32 bits, registers stay as they are but for what they are cut to.
    const bool widens = !IsFloat(to) && BitWidth(to) >= 32 && BitWidth(from) >= 32;
    if (!widens || (BitWidth(to) == 64 && IsSigned(from))) Charge(op, Unit::kInteger, lanes);
  }

  void Memory(const Operation& op) {
    const bool atomic = op.opcode == Opcode::kAtomic;
    const Buffer& buffer =
        atomic ? *op.Get<AtomicAttributes>().buffer : *op.Get<MemoryAttributes>().buffer;
    const Type type = op.opcode == Opcode::kStore ? op.value()->type : op.type;
    const int alignment = atomic ? type.ByteSize() : op.Get<MemoryAttributes>().alignment;
    int instructions = 0;
    for (int offset = 0; offset < type.ByteSize(); ++instructions) {
      offset += ChunkBytes(type.ByteSize(), offset, alignment, ByteWidth(type.element));
    }
    Charge(op, buffer.space == Space::kShared ? Unit::kShared : Unit::kGlobal, instructions);
    Address(op, buffer, *op.index());
  }

  void Address(const Operation& op, const Buffer& buffer, const Operation& index) {
    if (!static_[index.id] && addresses_.insert({&buffer, forms_[index.id]}).second) {
      Charge(op, Unit::kInteger, 1);
    }
  }

  void Control(const Operation& op) {
    if (op.opcode == Opcode::kYield) return;
    if (op.opcode == Opcode::kFor) Charge(op, Unit::kInteger, 2);  // the variable, its comparison
    Charge(op, Unit::kControl, 1);
  }

  void Call(const Operation& op) {
    const auto& call = op.Get<IntrinsicAttributes>();
    const IntrinsicInfo& info = InfoOf(call.intrinsic);
    if (call.intrinsic == Intrinsic::kCopyAsync) {
      Charge(op, Unit::kShared, 1);
      Address(op, *call.buffers[0], *op.operands[0]);
      return Address(op, *call.buffers[1], *op.operands[1]);
    }
    if (call.intrinsic == Intrinsic::kLdMatrixX4 || call.intrinsic == Intrinsic::kLdMatrixX4Trans) {
      Charge(op, Unit::kShared, 1);
      return Address(op, *call.buffers[0], *op.operands[0]);
    }
    if (call.intrinsic == Intrinsic::kRoundTf32) return Charge(op, Unit::kConversion, 1);
    if (IsMatrixProduct(call.intrinsic)) return Charge(op, Unit::kMatrix, 1);
    // In units of 16 × 8 × 32 bytes, of a warp's 16 rows.
    const bool is_product = !call.vars.empty();
    if (is_product) return Charge(op, Unit::kMatrix, static_cast<int>(call.immediates[0] / 8));
    if (info.effects == kPure) return Charge(op, Unit::kSpecial, 1);
    const bool moves = info.result.has_value();
    const bool wide = !op.type.IsNone() && BitWidth(op.type.element) == 64;
    Charge(op, moves ? Unit::kShuffle : Unit::kBarrier, wide ? 2 : 1);
  }

  std::vector<Cost> costs_;                           // by operation id
  std::vector<std::vector<const Operation*>> users_;  // by operation id
  std::vector<bool> static_;                          // by operation id
  std::vector<bool> index_only_;                      // by operation id
  std::vector<Form> forms_;                           // by operation id
  std::map<std::pair<Opcode, int>, int> ids_;         // the first operation of each, by axis
  Form thread_;                                       // lane + 32 · warp: an id too
  std::set<Form> computed_;
  std::set<std::pair<const Buffer*, Form>> addresses_;
};

}  // namespace

std::vector<Cost> CostsOf(const Kernel& kernel) { return Coster(kernel).Run(kernel); }

int ChunkBytes(int bytes, int offset, int alignment, int element_bytes) {
  int chunk = 16;
  while (chunk > bytes - offset || chunk > alignment) chunk /= 2;
  return std::max(chunk, element_bytes);
}

}  // namespace ingot::kernel::simulator
