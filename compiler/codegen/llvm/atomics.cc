// Atomics and ordered accesses.  The host has them in LLVM.  On the GPU they are inline assembly:
// LLVM's NVPTX ignores most orders and scopes, and ends the process at others ("cannot select").
#include "compiler/codegen/llvm/renderer.h"
#include "compiler/codegen/ptx/instructions.h"
#include "ir/base/status.h"

namespace ingot::codegen {

using kernel::AtomicAttributes;
using kernel::AtomicKind;
using kernel::MemoryAttributes;
using kernel::MemoryScope;
using kernel::Operation;
using kernel::Order;
using llvm::Value;

namespace {

llvm::AtomicOrdering LlvmOrder(Order order) {
  switch (order) {
    case Order::kPlain:
    case Order::kRelaxed:
      return llvm::AtomicOrdering::Monotonic;
    case Order::kAcquire:
      return llvm::AtomicOrdering::Acquire;
    case Order::kRelease:
      return llvm::AtomicOrdering::Release;
    case Order::kAcquireRelease:
      return llvm::AtomicOrdering::AcquireRelease;
  }
  return llvm::AtomicOrdering::Monotonic;
}

// A compare-exchange that fails only reads.
llvm::AtomicOrdering FailureOrder(Order order) {
  return order == Order::kAcquire || order == Order::kAcquireRelease
             ? llvm::AtomicOrdering::Acquire
             : llvm::AtomicOrdering::Monotonic;
}

// The kernel's operation as LLVM's; the rows without one go through compare-exchange.
std::optional<llvm::AtomicRMWInst::BinOp> IntegerOperation(AtomicKind kind, bool is_signed) {
  switch (kind) {
    case AtomicKind::kAdd:
      return llvm::AtomicRMWInst::Add;
    case AtomicKind::kMin:
      return is_signed ? llvm::AtomicRMWInst::Min : llvm::AtomicRMWInst::UMin;
    case AtomicKind::kMax:
      return is_signed ? llvm::AtomicRMWInst::Max : llvm::AtomicRMWInst::UMax;
    case AtomicKind::kAnd:
      return llvm::AtomicRMWInst::And;
    case AtomicKind::kOr:
      return llvm::AtomicRMWInst::Or;
    case AtomicKind::kXor:
      return llvm::AtomicRMWInst::Xor;
    case AtomicKind::kExchange:
      return llvm::AtomicRMWInst::Xchg;
    case AtomicKind::kCompareExchange:
      return std::nullopt;
  }
  return std::nullopt;
}

// An integer as wide as the element in memory.
llvm::Type* BitsType(llvm::IRBuilder<>& b, ElementType element) {
  return b.getIntNTy(8 * ByteWidth(element));
}

}  // namespace

Value* Renderer::OrderedLoad(const Operation& op, Value* address) {
  const MemoryAttributes& attributes = op.Get<MemoryAttributes>();
  const ElementType element = op.type.element;
  llvm::Type* type = MemoryType(element);
  if (!is_gpu()) {
    llvm::LoadInst* load = b_.CreateAlignedLoad(type, address, llvm::Align(attributes.alignment));
    load->setAtomic(LlvmOrder(attributes.order));
    return load;
  }
  // A register of 16 bits takes a byte.
  llvm::Type* loaded = ByteWidth(element) == 1 ? b_.getInt16Ty() : BitsType(b_, element);
  Value* bits = Assembly(OrderedLoadText(attributes), {loaded}, {address}, /*synchronizes=*/true,
                         /*convergent=*/false)
                    .parts[0];
  return b_.CreateBitCast(b_.CreateTrunc(bits, BitsType(b_, element)), type);
}

void Renderer::OrderedStore(const Operation& op, Value* address, Value* value) {
  const MemoryAttributes& attributes = op.Get<MemoryAttributes>();
  const ElementType element = op.value()->type.element;
  if (!is_gpu()) {
    b_.CreateAlignedStore(value, address, llvm::Align(attributes.alignment))
        ->setAtomic(LlvmOrder(attributes.order));
    return;
  }
  Value* bits = b_.CreateBitCast(value, BitsType(b_, element));
  if (ByteWidth(element) == 1) bits = b_.CreateZExt(bits, b_.getInt16Ty());
  Assembly(OrderedStoreText(attributes), {}, {address, bits}, /*synchronizes=*/true,
           /*convergent=*/false);
}

Value* Renderer::NativeAtomic(const Operation& op, Value* address, Value* value) {
  const AtomicAttributes& attributes = op.Get<AtomicAttributes>();
  if (!is_gpu()) {
    const ElementType element = op.type.element;
    const auto operation = IntegerOperation(attributes.kind, IsSigned(element));
    const bool moves = attributes.kind == AtomicKind::kExchange;
    if (!operation || (IsFloat(element) && !moves)) return nullptr;
    Value* bits = b_.CreateBitCast(value, BitsType(b_, element));
    Value* old = b_.CreateAtomicRMW(*operation, address, bits, llvm::Align(ByteWidth(element)),
                                    LlvmOrder(attributes.order));
    return b_.CreateBitCast(old, value->getType());
  }
  const std::string text = AtomicText(attributes, op.type, elements_.features().capability);
  if (text.empty()) return nullptr;
  return Assembly(text, {value->getType()}, {address, value}, /*synchronizes=*/true,
                  /*convergent=*/false)
      .parts[0];
}

// Operands and result are bits, as wide as the element.
Value* Renderer::CompareExchange(const Operation& op, Value* address, Value* expected,
                                 Value* desired) {
  const AtomicAttributes& attributes = op.Get<AtomicAttributes>();
  const int width = ByteWidth(op.type.element);
  if (!is_gpu()) {
    Value* pair =
        b_.CreateAtomicCmpXchg(address, expected, desired, llvm::Align(width),
                               LlvmOrder(attributes.order), FailureOrder(attributes.order));
    return b_.CreateExtractValue(pair, 0);
  }
  return Assembly(CompareExchangeText(attributes), {expected->getType()},
                  {address, expected, desired}, /*synchronizes=*/true,
                  /*convergent=*/false)
      .parts[0];
}

Value* Renderer::ExchangeLoop(const Operation& op, Value* address,
                              absl::FunctionRef<Value*(Value*)> combine) {
  const ElementType element = op.type.element;
  llvm::Type* bits = BitsType(b_, element);
  llvm::Type* representation = elements_.Representation(element);
  // What is read first is a guess that the exchange checks: any value will do, also a torn one.
  llvm::LoadInst* first = b_.CreateAlignedLoad(bits, address, llvm::Align(ByteWidth(element)));
  if (!is_gpu()) first->setAtomic(llvm::AtomicOrdering::Monotonic);
  llvm::BasicBlock* before = b_.GetInsertBlock();
  llvm::BasicBlock* loop = NewBlock("exchange");
  llvm::BasicBlock* after = NewBlock("end_exchange");
  b_.CreateBr(loop);
  b_.SetInsertPoint(loop);
  llvm::PHINode* old = b_.CreatePHI(bits, 2);
  old->addIncoming(first, before);
  Value* desired = b_.CreateBitCast(combine(b_.CreateBitCast(old, representation)), bits);
  Value* seen = CompareExchange(op, address, old, desired);
  old->addIncoming(seen, b_.GetInsertBlock());
  b_.CreateCondBr(b_.CreateICmpEQ(seen, old), after, loop);
  b_.SetInsertPoint(after);
  return b_.CreateBitCast(old, representation);
}

// Only sums are left to the loop: what else LLVM and the card lack, kernels may not say (rules.h).
Value* Renderer::AtomicLane(const Operation& op, Value* address, Value* value) {
  if (Value* old = NativeAtomic(op, address, value)) return old;
  INGOT_CHECK(op.Get<AtomicAttributes>().kind == AtomicKind::kAdd)
      << "atomic " << kernel::NameOf(op.Get<AtomicAttributes>().kind) << " of "
      << op.type.ToString();
  return ExchangeLoop(op, address, [&](Value* before) {
    return elements_.Arithmetic(kernel::Opcode::kAdd, op.type.element, {before, value});
  });
}

Lanes Renderer::RenderAtomic(const Operation& op) {
  const AtomicAttributes& attributes = op.Get<AtomicAttributes>();
  const ElementType element = op.type.element;
  Value* address = Address(attributes.buffer, ScalarOf(op.operands[0]));
  Lanes result;
  if (attributes.kind == AtomicKind::kCompareExchange) {
    Value* expected = ScalarOf(op.operands[1]);
    llvm::Type* bits = BitsType(b_, element);
    Value* old = CompareExchange(op, address, b_.CreateBitCast(expected, bits),
                                 b_.CreateBitCast(ScalarOf(op.operands[2]), bits));
    result.parts = {b_.CreateBitCast(old, expected->getType())};
    return result;
  }
  const std::vector<Value*> lanes = Split(ValueOf(op.operands[1]), op.type.lanes);
  if (lanes.size() == 1) {
    result.parts = {AtomicLane(op, address, lanes[0])};
    return result;
  }
  // A pair of halves: each is atomic by itself, on the card in one instruction.
  if (is_gpu()) {
    if (Value* old = NativeAtomic(op, address, MakeWord(lanes))) {
      return Join(op.type, CutWord(old, 16));
    }
  }
  std::vector<Value*> old;
  for (size_t i = 0; i < lanes.size(); ++i) {
    old.push_back(AtomicLane(op, b_.CreateConstGEP1_64(MemoryType(element), address, i), lanes[i]));
  }
  return Join(op.type, old);
}

}  // namespace ingot::codegen
