#include "compiler/kernel/kernel.h"

#include <algorithm>

#include "ir/base/integers.h"
#include "ir/base/shape.h"

namespace ingot::kernel {

int64_t Buffer::count() const { return Product(dimensions); }

const std::string& Parameter::name() const {
  if (kind == Kind::kTensorMap) return map->name;
  return kind == Kind::kScalar ? value->name : buffer->name;
}

int64_t Operation::ConstantInteger() const {
  const uint64_t bits = Get<ConstantAttributes>().bits;
  INGOT_CHECK(!IsFloat(type.element)) << "integer value of a " << type.ToString();
  const int width = BitWidth(type.element);
  if (!IsSigned(type.element) || width == 64) return static_cast<int64_t>(bits);
  return static_cast<int64_t>(bits << (64 - width)) >> (64 - width);
}

uint8_t Operation::effects() const {
  if (opcode == Opcode::kIntrinsic) return InfoOf(Get<IntrinsicAttributes>().intrinsic).effects;
  return InfoOf(opcode).effects;
}

uint8_t Operation::DeepEffects() const {
  uint8_t all = effects();
  for (const Block* block : blocks) {
    ForEachOperation(*block, [&](const Operation& op) { all |= op.effects(); });
  }
  return all;
}

Scope Operation::scope() const {
  if (opcode != Opcode::kIntrinsic) return Scope::kThread;
  return InfoOf(Get<IntrinsicAttributes>().intrinsic).scope;
}

namespace {
Operation* OperandOrNull(const Operation& op, size_t i) {
  return i < op.operands.size() ? op.operands[i] : nullptr;
}
}  // namespace

Operation* Operation::index() const {
  const bool index_first =
      opcode == Opcode::kLoad || opcode == Opcode::kAtomic || opcode == Opcode::kVarRead;
  if (index_first) return OperandOrNull(*this, 0);
  const bool index_second = opcode == Opcode::kStore || opcode == Opcode::kVarWrite;
  return index_second ? OperandOrNull(*this, 1) : nullptr;
}

Operation* Operation::mask() const {
  if (opcode == Opcode::kLoad) return OperandOrNull(*this, 1);
  return opcode == Opcode::kStore ? OperandOrNull(*this, 2) : nullptr;
}

Operation* Operation::value() const {
  if (opcode == Opcode::kAtomic) {
    return Get<AtomicAttributes>().kind == AtomicKind::kCompareExchange ? nullptr
                                                                        : OperandOrNull(*this, 1);
  }
  const bool has_value =
      opcode == Opcode::kStore || opcode == Opcode::kVarWrite || opcode == Opcode::kVar;
  return has_value ? OperandOrNull(*this, 0) : nullptr;
}

Buffer* Kernel::AddBuffer(std::string name, ElementType element, std::vector<int64_t> dimensions) {
  Buffer& buffer = buffers_.emplace_back();
  buffer.name = std::move(name);
  buffer.element = element;
  buffer.dimensions = std::move(dimensions);
  parameters_.push_back({Parameter::Kind::kBuffer, &buffer, nullptr, nullptr});
  return &buffer;
}

Buffer* Kernel::AddShared(std::string name, ElementType element, std::vector<int64_t> dimensions) {
  Buffer& buffer = buffers_.emplace_back();
  buffer.name = std::move(name);
  buffer.space = Space::kShared;
  buffer.element = element;
  buffer.dimensions = std::move(dimensions);
  shared_.push_back(&buffer);
  return &buffer;
}

Operation* Kernel::AddScalar(std::string name, Type type) {
  Operation* value = NewOperation(Opcode::kParameter, type);
  value->name = std::move(name);
  parameters_.push_back({Parameter::Kind::kScalar, nullptr, value, nullptr});
  return value;
}

MapParameter* Kernel::AddMap(std::string name, const Buffer* buffer, TensorMap recipe) {
  MapParameter& map = maps_.emplace_back(MapParameter{std::move(name), buffer, std::move(recipe)});
  parameters_.push_back({Parameter::Kind::kTensorMap, nullptr, nullptr, &map});
  return &map;
}

Operation* Kernel::NewOperation(Opcode opcode, Type type) {
  const int id = operation_count();
  Operation& op = operations_.emplace_back();
  op.id = id;
  op.opcode = opcode;
  op.type = type;
  lanes_ += type.lanes;
  return &op;
}

Block* Kernel::NewBlock(Operation* owner) {
  Block& block = blocks_.emplace_back();
  block.owner = owner;
  return &block;
}

Var* Kernel::NewVar(std::string name, Type type, int array_size) {
  return &vars_.emplace_back(Var{std::move(name), type, array_size});
}

SharedPlacement PlaceShared(const Kernel& kernel) {
  SharedPlacement placement;
  const std::vector<Buffer*>& shared = kernel.shared();
  for (size_t i = 0; i < shared.size(); ++i) {
    int64_t offset;
    if (shared[i]->overlaps != nullptr) {
      const auto other = std::find(shared.begin(), shared.begin() + i, shared[i]->overlaps);
      INGOT_CHECK(other != shared.begin() + i) << shared[i]->name << " overlaps a later allocation";
      offset = placement.offsets[other - shared.begin()];
    } else {
      const int64_t alignment = shared[i]->alignment;
      offset = RoundUp(placement.bytes, alignment);
    }
    placement.offsets.push_back(offset);
    placement.bytes = std::max(placement.bytes, offset + shared[i]->ByteSize());
    placement.alignment = std::max(placement.alignment, shared[i]->alignment);
  }
  return placement;
}

void ForEachOperation(const Block& block, const std::function<void(const Operation&)>& visit) {
  for (const Operation* op : block.operations) {
    visit(*op);
    for (const Block* nested : op->blocks) ForEachOperation(*nested, visit);
  }
}

void ForEachOperation(Block& block, const std::function<void(Operation&)>& visit) {
  for (Operation* op : block.operations) {
    visit(*op);
    for (Block* nested : op->blocks) ForEachOperation(*nested, visit);
  }
}

int NaturalAlignment(Type type) {
  const int bytes = type.ByteSize();
  if ((bytes & (bytes - 1)) != 0) return ByteWidth(type.element);
  return std::min(bytes, std::max(16, ByteWidth(type.element)));
}

std::optional<std::vector<int64_t>> StaticIterations(const Operation& loop) {
  const auto& attributes = loop.Get<ForAttributes>();
  if (attributes.is_list) return attributes.list;
  for (const Operation* operand : loop.operands) {
    if (!operand->IsConstant()) return std::nullopt;
  }
  const __int128 begin = loop.operands[0]->ConstantInteger();
  const __int128 end = loop.operands[1]->ConstantInteger();
  const __int128 step = loop.operands[2]->ConstantInteger();
  if (step == 0) return std::nullopt;
  std::vector<int64_t> iterations;
  for (__int128 i = begin; step > 0 ? i < end : i > end; i += step) {
    if (static_cast<int64_t>(iterations.size()) >= attributes.unroll) return std::nullopt;
    iterations.push_back(static_cast<int64_t>(i));
  }
  return iterations;
}

}  // namespace ingot::kernel
