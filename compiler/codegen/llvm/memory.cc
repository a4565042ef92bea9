#include "compiler/codegen/llvm/renderer.h"
#include "llvm/IR/MDBuilder.h"

namespace ingot::codegen {

using kernel::MemoryAttributes;
using kernel::Operation;
using llvm::Value;

namespace {

// Operations of an index that are looked through for constants, and the most elements that become
// an offset of the access.
constexpr int kOperationsOfOffset = 8;
constexpr int64_t kMostOffset = int64_t{1} << 20;

// Bytes of the next access of a vector: the largest power of two of at most 16 that fits what is
// left and the alignment.
int64_t ChunkBytes(int64_t left, int64_t alignment) {
  int64_t bytes = 16;
  while (bytes > left || bytes > alignment) bytes /= 2;
  return bytes;
}

}  // namespace

// ----- Elements in memory take whole bytes: pred is 0 or 1; sub-byte values have zeros above, or
// their sign, as literals do.

llvm::Type* Renderer::MemoryType(ElementType element) const {
  return element == ElementType::kPred ? llvm::Type::getInt8Ty(function_->getContext())
                                       : elements_.Representation(element);
}

Value* Renderer::FromMemory(Value* value, ElementType element) {
  if (element == ElementType::kPred) return b_.CreateICmpNE(value, elements_.Int(value, 0));
  const int bits = BitWidth(element);
  return bits < 8 ? b_.CreateAnd(value, elements_.Int(value, (1u << bits) - 1)) : value;
}

Value* Renderer::ToMemory(Value* value, ElementType element) {
  if (element == ElementType::kPred) {
    return b_.CreateZExt(value, elements_.Shaped(b_.getInt8Ty(), value));
  }
  const int bits = BitWidth(element);
  if (bits >= 8 || !IsSigned(element)) return value;
  Value* unused = elements_.Int(value, 8 - bits);
  return b_.CreateAShr(b_.CreateShl(value, unused), unused);
}

// An integer as another one plus a constant, which wraps, through at most so many operations.
std::pair<Value*, int64_t> Renderer::SplitConstant(Value* value, int operations) {
  if (const auto* constant = llvm::dyn_cast<llvm::ConstantInt>(value)) {
    return {llvm::ConstantInt::get(value->getType(), 0), constant->getSExtValue()};
  }
  const auto* made = llvm::dyn_cast<llvm::BinaryOperator>(value);
  if (made == nullptr || operations == 0) return {value, 0};
  const auto wrapped = [](uint64_t bits) { return static_cast<int64_t>(bits); };
  const auto [left, a] = SplitConstant(made->getOperand(0), operations - 1);
  const auto x = static_cast<uint64_t>(a);
  const auto* factor = llvm::dyn_cast<llvm::ConstantInt>(made->getOperand(1));
  switch (made->getOpcode()) {
    case llvm::Instruction::Mul:
      if (factor == nullptr || a == 0) return {value, 0};
      return {b_.CreateMul(left, made->getOperand(1)),
              wrapped(x * static_cast<uint64_t>(factor->getSExtValue()))};
    case llvm::Instruction::Shl:
      if (factor == nullptr || a == 0) return {value, 0};
      return {b_.CreateShl(left, made->getOperand(1)), wrapped(x << factor->getZExtValue())};
    case llvm::Instruction::Add:
    case llvm::Instruction::Sub: {
      const auto [right, b] = SplitConstant(made->getOperand(1), operations - 1);
      if (a == 0 && b == 0) return {value, 0};
      const auto y = static_cast<uint64_t>(b);
      if (made->getOpcode() == llvm::Instruction::Sub) {
        return {b_.CreateSub(left, right), wrapped(x - y)};
      }
      return {b_.CreateAdd(left, right), wrapped(x + y)};
    }
    default:
      return {value, 0};
  }
}

Value* Renderer::Address(const kernel::Buffer* buffer, Value* index) {
  Value* base = bases_[buffer];
  INGOT_CHECK(base != nullptr) << "buffer " << buffer->name << " has no address";
  llvm::Type* type = MemoryType(buffer->element);
  // A GPU's access adds a constant to its address.  The number of an element is not negative, so
  // less a positive constant it is still a number of its type.
  if (is_gpu()) {
    const auto [rest, constant] = SplitConstant(index, kOperationsOfOffset);
    if (constant > 0 && constant <= kMostOffset && !llvm::isa<llvm::ConstantInt>(rest)) {
      Value* start = b_.CreateGEP(type, base, b_.CreateSExt(rest, b_.getInt64Ty()));
      return b_.CreateConstGEP1_64(type, start, static_cast<uint64_t>(constant));
    }
  }
  return b_.CreateGEP(type, base, b_.CreateSExt(index, b_.getInt64Ty()));
}

llvm::LoadInst* Renderer::PlainLoad(const Operation& op, llvm::Type* type, Value* address,
                                    int64_t alignment) {
  llvm::LoadInst* load = b_.CreateAlignedLoad(type, address, llvm::Align(alignment));
  if (op.Get<MemoryAttributes>().buffer->readonly) {
    load->setMetadata(llvm::LLVMContext::MD_invariant_load, llvm::MDNode::get(b_.getContext(), {}));
  }
  return load;
}

// ----- Whole vectors.

Lanes Renderer::LoadAll(const Operation& op, Value* address) {
  if (is_gpu() && op.type.lanes > 1) return LoadChunks(op, address);
  const ElementType element = op.type.element;
  llvm::Type* type = MemoryType(element);
  if (op.type.lanes > 1) type = llvm::FixedVectorType::get(type, op.type.lanes);
  Lanes result;
  result.parts = {
      FromMemory(PlainLoad(op, type, address, op.Get<MemoryAttributes>().alignment), element)};
  return result;
}

void Renderer::StoreAll(const Operation& op, Value* address, const Lanes& value) {
  if (value.parts.size() > 1) return StoreChunks(op, address, value);
  b_.CreateAlignedStore(ToMemory(value.parts[0], op.value()->type.element), address,
                        llvm::Align(op.Get<MemoryAttributes>().alignment));
}

// A word's parts, the lowest first.  Halves of 32 bits are one instruction as an LLVM vector;
// vectors of bytes would go through memory.
std::vector<Value*> Renderer::CutWord(Value* word, int bits) {
  const int count = static_cast<int>(word->getType()->getIntegerBitWidth()) / bits;
  std::vector<Value*> parts;
  if (bits == 16 && count == 2) {
    word = b_.CreateBitCast(word, llvm::FixedVectorType::get(b_.getInt16Ty(), 2));
    return {b_.CreateExtractElement(word, uint64_t{0}), b_.CreateExtractElement(word, uint64_t{1})};
  }
  for (int i = 0; i < count; ++i) {
    parts.push_back(b_.CreateTrunc(b_.CreateLShr(word, i * bits), b_.getIntNTy(bits)));
  }
  return parts;
}

Value* Renderer::MakeWord(absl::Span<Value* const> parts) {
  const int bits = static_cast<int>(parts[0]->getType()->getIntegerBitWidth());
  llvm::Type* type = b_.getIntNTy(bits * parts.size());
  if (bits == 16 && parts.size() == 2) {
    Value* pair = llvm::PoisonValue::get(llvm::FixedVectorType::get(b_.getInt16Ty(), 2));
    pair = b_.CreateInsertElement(pair, parts[0], uint64_t{0});
    return b_.CreateBitCast(b_.CreateInsertElement(pair, parts[1], uint64_t{1}), type);
  }
  Value* word = b_.CreateZExt(parts[0], type);
  for (size_t i = 1; i < parts.size(); ++i) {
    word = b_.CreateOr(word, b_.CreateShl(b_.CreateZExt(parts[i], type), i * bits));
  }
  return word;
}

// The GPU: accesses of up to 16 bytes, of 32-bit words where elements are smaller.
Lanes Renderer::LoadChunks(const Operation& op, Value* address) {
  const ElementType element = op.type.element;
  const int64_t width = ByteWidth(element);
  const int64_t bytes = width * op.type.lanes;
  const int64_t alignment = op.Get<MemoryAttributes>().alignment;
  Lanes result;
  for (int64_t offset = 0; offset < bytes;) {
    const int64_t chunk = std::max(width, ChunkBytes(bytes - offset, alignment));
    Value* place = b_.CreateConstGEP1_64(b_.getInt8Ty(), address, offset);
    offset += chunk;
    if (chunk == width) {
      result.parts.push_back(FromMemory(
          PlainLoad(op, MemoryType(element), place, std::min(chunk, alignment)), element));
      continue;
    }
    if (width >= 4) {
      Value* loaded = PlainLoad(op, llvm::FixedVectorType::get(MemoryType(element), chunk / width),
                                place, chunk);
      for (int64_t i = 0; i < chunk / width; ++i) {
        result.parts.push_back(b_.CreateExtractElement(loaded, static_cast<uint64_t>(i)));
      }
      continue;
    }
    const int64_t word = std::min<int64_t>(4, chunk);
    llvm::Type* word_type = b_.getIntNTy(8 * word);
    llvm::Type* type =
        chunk == word ? word_type : llvm::FixedVectorType::get(word_type, chunk / word);
    Value* loaded = PlainLoad(op, type, place, chunk);
    for (int64_t i = 0; i < chunk / word; ++i) {
      Value* piece =
          chunk == word ? loaded : b_.CreateExtractElement(loaded, static_cast<uint64_t>(i));
      for (Value* lane : CutWord(piece, 8 * width)) {
        result.parts.push_back(FromMemory(lane, element));
      }
    }
  }
  return result;
}

void Renderer::StoreChunks(const Operation& op, Value* address, const Lanes& value) {
  const ElementType element = op.value()->type.element;
  const int64_t width = ByteWidth(element);
  const int64_t bytes = width * static_cast<int64_t>(value.parts.size());
  const int64_t alignment = op.Get<MemoryAttributes>().alignment;
  size_t lane = 0;
  const auto next = [&] { return ToMemory(value.parts[lane++], element); };
  for (int64_t offset = 0; offset < bytes;) {
    const int64_t chunk = std::max(width, ChunkBytes(bytes - offset, alignment));
    Value* place = b_.CreateConstGEP1_64(b_.getInt8Ty(), address, offset);
    offset += chunk;
    const llvm::Align align(std::min(chunk, alignment));
    if (chunk == width) {
      b_.CreateAlignedStore(next(), place, align);
      continue;
    }
    // A vector of elements, or of words of elements.
    const int64_t word = std::max(width, std::min<int64_t>(4, chunk));
    llvm::Type* word_type = width >= 4 ? MemoryType(element) : b_.getIntNTy(8 * word);
    Value* whole = llvm::PoisonValue::get(llvm::FixedVectorType::get(word_type, chunk / word));
    Value* piece = nullptr;
    for (int64_t i = 0; i < chunk / word; ++i) {
      if (width >= 4) {
        piece = next();
      } else {
        std::vector<Value*> lanes;
        for (int64_t j = 0; j < word / width; ++j) lanes.push_back(next());
        piece = MakeWord(lanes);
      }
      whole = b_.CreateInsertElement(whole, piece, static_cast<uint64_t>(i));
    }
    b_.CreateAlignedStore(chunk == word ? piece : whole, place, align);
  }
}

// ----- Masks.

Value* Renderer::AllOf(const Lanes& mask) {
  if (!is_gpu()) {
    Value* all = mask.parts[0];
    if (all->getType()->isVectorTy()) all = b_.CreateAndReduce(all);
    return all;
  }
  Value* all = mask.parts[0];
  for (Value* lane : llvm::ArrayRef(mask.parts).drop_front()) {
    if (lane != mask.parts[0]) all = b_.CreateAnd(all, lane);
  }
  return all;
}

Lanes Renderer::Either(Value* condition, absl::FunctionRef<Lanes()> then,
                       absl::FunctionRef<Lanes()> otherwise) {
  llvm::BasicBlock* then_block = NewBlock("then");
  llvm::BasicBlock* else_block = NewBlock("else");
  llvm::BasicBlock* after = NewBlock("after");
  b_.CreateCondBr(condition, then_block, else_block);
  b_.SetInsertPoint(then_block);
  const Lanes first = then();
  then_block = b_.GetInsertBlock();
  b_.CreateBr(after);
  b_.SetInsertPoint(else_block);
  const Lanes second = otherwise();
  else_block = b_.GetInsertBlock();
  b_.CreateBr(after);
  b_.SetInsertPoint(after);
  Lanes result;
  for (size_t i = 0; i < first.parts.size(); ++i) {
    llvm::PHINode* phi = b_.CreatePHI(first.parts[i]->getType(), 2);
    phi->addIncoming(first.parts[i], then_block);
    phi->addIncoming(second.parts[i], else_block);
    result.parts.push_back(phi);
  }
  return result;
}

void Renderer::OnlyIf(Value* condition, absl::FunctionRef<void()> then) {
  llvm::BasicBlock* then_block = NewBlock("then");
  llvm::BasicBlock* after = NewBlock("after");
  b_.CreateCondBr(condition, then_block, after);
  b_.SetInsertPoint(then_block);
  then();
  b_.CreateBr(after);
  b_.SetInsertPoint(after);
}

// Each lane by itself.
Lanes Renderer::LoadLanes(const Operation& op, Value* address, const Lanes& mask) {
  const ElementType element = op.type.element;
  const std::vector<Value*> active = Split(mask, op.type.lanes);
  const int64_t alignment =
      std::min<int64_t>(ByteWidth(element), op.Get<MemoryAttributes>().alignment);
  std::vector<Value*> lanes;
  for (int i = 0; i < op.type.lanes; ++i) {
    const Lanes lane = Either(
        active[i],
        [&] {
          Value* place = b_.CreateConstGEP1_64(MemoryType(element), address, i);
          Lanes loaded;
          loaded.parts = {
              FromMemory(PlainLoad(op, MemoryType(element), place, alignment), element)};
          return loaded;
        },
        [&] {
          Lanes zero;
          zero.parts = {elements_.Constant(element, 0)};
          return zero;
        });
    lanes.push_back(lane.parts[0]);
  }
  return Join(op.type, lanes);
}

void Renderer::StoreLanes(const Operation& op, Value* address, const Lanes& value,
                          const Lanes& mask) {
  const kernel::Type type = op.value()->type;
  const std::vector<Value*> active = Split(mask, type.lanes);
  const std::vector<Value*> lanes = Split(value, type.lanes);
  const int64_t alignment =
      std::min<int64_t>(ByteWidth(type.element), op.Get<MemoryAttributes>().alignment);
  for (int i = 0; i < type.lanes; ++i) {
    OnlyIf(active[i], [&] {
      Value* place = b_.CreateConstGEP1_64(MemoryType(type.element), address, i);
      b_.CreateAlignedStore(ToMemory(lanes[i], type.element), place, llvm::Align(alignment));
    });
  }
}

Lanes Renderer::RenderLoad(const Operation& op) {
  const MemoryAttributes& attributes = op.Get<MemoryAttributes>();
  Value* address = Address(attributes.buffer, ScalarOf(op.index()));
  const auto load = [&] {
    if (attributes.order == kernel::Order::kPlain) return LoadAll(op, address);
    Lanes result;
    result.parts = {FromMemory(OrderedLoad(op, address), op.type.element)};
    return result;
  };
  if (op.mask() == nullptr) return load();
  const Lanes& mask = ValueOf(op.mask());
  // Nearly always every lane is active, or none; the lanes one by one are for the edge.
  Lanes zero =
      Join(op.type, std::vector<Value*>(op.type.lanes, elements_.Constant(op.type.element, 0)));
  const bool uniform = op.type.lanes == 1 || op.mask()->opcode == kernel::Opcode::kBroadcast;
  return Either(AllOf(mask), load, [&] { return uniform ? zero : LoadLanes(op, address, mask); });
}

void Renderer::RenderStore(const Operation& op) {
  const MemoryAttributes& attributes = op.Get<MemoryAttributes>();
  Value* address = Address(attributes.buffer, ScalarOf(op.index()));
  const Lanes& value = ValueOf(op.value());
  const auto store = [&] {
    if (attributes.order == kernel::Order::kPlain) return StoreAll(op, address, value);
    OrderedStore(op, address, ToMemory(value.parts[0], op.value()->type.element));
  };
  if (op.mask() == nullptr) return store();
  const Lanes& mask = ValueOf(op.mask());
  if (op.value()->type.lanes == 1 || op.mask()->opcode == kernel::Opcode::kBroadcast) {
    OnlyIf(AllOf(mask), store);
    return;
  }
  Either(
      AllOf(mask),
      [&] {
        store();
        return Lanes{};
      },
      [&] {
        StoreLanes(op, address, value, mask);
        return Lanes{};
      });
}

}  // namespace ingot::codegen
