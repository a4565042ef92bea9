// Atomics and ordered accesses.  The host has them in LLVM.  On the GPU they are inline assembly:
// LLVM's NVPTX ignores most orders and scopes, and ends the process at others ("cannot select").
#include "absl/strings/str_cat.h"
#include "compiler/codegen/llvm/renderer.h"
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

absl::string_view PtxScope(MemoryScope scope) {
  switch (scope) {
    case MemoryScope::kBlock:
      return "cta";
    case MemoryScope::kCluster:
      return "cluster";
    case MemoryScope::kGpu:
      return "gpu";
    case MemoryScope::kSystem:
      return "sys";
  }
  return "";
}

absl::string_view PtxOrder(Order order) {
  switch (order) {
    case Order::kPlain:
    case Order::kRelaxed:
      return "relaxed";
    case Order::kAcquire:
      return "acquire";
    case Order::kRelease:
      return "release";
    case Order::kAcquireRelease:
      return "acq_rel";
  }
  return "";
}

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

// What `atom.add.u32` says after the scope, for what the card does in one instruction; empty else.
std::string PtxOperation(AtomicKind kind, ElementType element) {
  const int bits = BitWidth(element);
  const bool word = bits == 32 || bits == 64;
  switch (kind) {
    case AtomicKind::kAdd:
      if (element == ElementType::kF16) return "add.noftz.f16";
      if (IsFloat(element)) return word ? absl::StrCat("add.f", bits) : "";
      return word ? absl::StrCat("add.u", bits) : "";
    case AtomicKind::kMin:
    case AtomicKind::kMax:
      if (!word || IsFloat(element)) return "";
      return absl::StrCat(kernel::NameOf(kind), IsSigned(element) ? ".s" : ".u", bits);
    case AtomicKind::kAnd:
    case AtomicKind::kOr:
    case AtomicKind::kXor:
      return word ? absl::StrCat(kernel::NameOf(kind), ".b", bits) : "";
    case AtomicKind::kExchange:
      return word ? absl::StrCat("exch.b", bits) : "";
    case AtomicKind::kCompareExchange:
      return "";
  }
  return "";
}

// As for arithmetic: the lane-wise row.
kernel::Opcode CombineRow(AtomicKind kind) {
  switch (kind) {
    case AtomicKind::kAdd:
      return kernel::Opcode::kAdd;
    case AtomicKind::kMin:
      return kernel::Opcode::kMin;
    case AtomicKind::kMax:
      return kernel::Opcode::kMax;
    case AtomicKind::kAnd:
      return kernel::Opcode::kAnd;
    case AtomicKind::kOr:
      return kernel::Opcode::kOr;
    case AtomicKind::kXor:
      return kernel::Opcode::kXor;
    case AtomicKind::kExchange:
    case AtomicKind::kCompareExchange:
      break;
  }
  INGOT_UNREACHABLE() << kernel::NameOf(kind) << " combines nothing";
  return kernel::Opcode::kAdd;
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
  const std::string text = absl::StrCat(
      "ld.", PtxOrder(attributes.order), ".", PtxScope(attributes.scope), ".",
      kernel::NameOf(attributes.buffer->space), ".b", 8 * ByteWidth(element), " $0, [$1];");
  // A register of 16 bits takes a byte.
  llvm::Type* loaded = ByteWidth(element) == 1 ? b_.getInt16Ty() : BitsType(b_, element);
  Value* bits = Assembly(text, loaded, {address}, /*synchronizes=*/true, /*convergent=*/false);
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
  const std::string text = absl::StrCat(
      "st.", PtxOrder(attributes.order), ".", PtxScope(attributes.scope), ".",
      kernel::NameOf(attributes.buffer->space), ".b", 8 * ByteWidth(element), " [$0], $1;");
  Value* bits = b_.CreateBitCast(value, BitsType(b_, element));
  if (ByteWidth(element) == 1) bits = b_.CreateZExt(bits, b_.getInt16Ty());
  Assembly(text, b_.getVoidTy(), {address, bits}, /*synchronizes=*/true, /*convergent=*/false);
}

Value* Renderer::NativeAtomic(const Operation& op, Value* address, Value* value) {
  const AtomicAttributes& attributes = op.Get<AtomicAttributes>();
  const ElementType element = op.type.element;
  if (!is_gpu()) {
    const auto operation = IntegerOperation(attributes.kind, IsSigned(element));
    const bool bitwise = attributes.kind == AtomicKind::kExchange;
    if (!operation || (IsFloat(element) && !bitwise)) return nullptr;
    Value* bits = b_.CreateBitCast(value, BitsType(b_, element));
    Value* old = b_.CreateAtomicRMW(*operation, address, bits, llvm::Align(ByteWidth(element)),
                                    LlvmOrder(attributes.order));
    return b_.CreateBitCast(old, value->getType());
  }
  const std::string operation = PtxOperation(attributes.kind, element);
  if (operation.empty()) return nullptr;
  const std::string text =
      absl::StrCat("atom.", PtxOrder(attributes.order), ".", PtxScope(attributes.scope), ".",
                   kernel::NameOf(attributes.buffer->space), ".", operation, " $0, [$1], $2;");
  return Assembly(text, value->getType(), {address, value}, /*synchronizes=*/true,
                  /*convergent=*/false);
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
  if (width == 1) return CompareExchangeByte(op, address, expected, desired);
  const std::string text = absl::StrCat(
      "atom.", PtxOrder(attributes.order), ".", PtxScope(attributes.scope), ".",
      kernel::NameOf(attributes.buffer->space), ".cas.b", 8 * width, " $0, [$1], $2, $3;");
  return Assembly(text, expected->getType(), {address, expected, desired}, /*synchronizes=*/true,
                  /*convergent=*/false);
}

// The card's least compare-exchange is of 16 bits: the byte's neighbour goes along, as it was read.
// Another thread may change the neighbour in between; then it is tried again.
Value* Renderer::CompareExchangeByte(const Operation& op, Value* address, Value* expected,
                                     Value* desired) {
  const AtomicAttributes& attributes = op.Get<AtomicAttributes>();
  llvm::Type* half = b_.getInt16Ty();
  Value* number = b_.CreatePtrToInt(address, b_.getInt64Ty());
  Value* shift = b_.CreateShl(b_.CreateAnd(number, 1), 3);
  Value* pair = b_.CreateIntToPtr(b_.CreateAnd(number, ~uint64_t{1}), address->getType());
  shift = b_.CreateTrunc(shift, half);
  Value* keep = b_.CreateNot(b_.CreateShl(llvm::ConstantInt::get(half, 0xff), shift));
  const auto placed = [&](Value* byte) { return b_.CreateShl(b_.CreateZExt(byte, half), shift); };
  const std::string where =
      absl::StrCat(PtxScope(attributes.scope), ".", kernel::NameOf(attributes.buffer->space));
  Value* first = Assembly(absl::StrCat("ld.relaxed.", where, ".b16 $0, [$1];"), half, {pair},
                          /*synchronizes=*/true, /*convergent=*/false);
  const std::string swap =
      absl::StrCat("atom.", PtxOrder(attributes.order), ".", where, ".cas.b16 $0, [$1], $2, $3;");
  llvm::BasicBlock* before = b_.GetInsertBlock();
  llvm::BasicBlock* loop = NewBlock("exchange_byte");
  llvm::BasicBlock* after = NewBlock("end_exchange_byte");
  b_.CreateBr(loop);
  b_.SetInsertPoint(loop);
  llvm::PHINode* neighbour = b_.CreatePHI(half, 2);
  neighbour->addIncoming(first, before);
  Value* other = b_.CreateAnd(neighbour, keep);
  Value* wanted = b_.CreateOr(other, placed(expected));
  Value* seen = Assembly(swap, half, {pair, wanted, b_.CreateOr(other, placed(desired))},
                         /*synchronizes=*/true, /*convergent=*/false);
  neighbour->addIncoming(seen, loop);
  // Done, or the byte itself was not as expected.
  Value* byte = b_.CreateTrunc(b_.CreateLShr(seen, shift), b_.getInt8Ty());
  Value* done = b_.CreateOr(b_.CreateICmpEQ(seen, wanted), b_.CreateICmpNE(byte, expected));
  b_.CreateCondBr(done, after, loop);
  b_.SetInsertPoint(after);
  return byte;
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

Lanes Renderer::RenderAtomic(const Operation& op) {
  const AtomicAttributes& attributes = op.Get<AtomicAttributes>();
  const ElementType element = op.type.element;
  Value* address = Address(attributes.buffer, ScalarOf(op.operands[0]));
  Value* value = ScalarOf(op.operands[1]);
  Lanes result;
  if (attributes.kind == AtomicKind::kCompareExchange) {
    llvm::Type* bits = BitsType(b_, element);
    Value* old = CompareExchange(op, address, b_.CreateBitCast(value, bits),
                                 b_.CreateBitCast(ScalarOf(op.operands[2]), bits));
    result.parts = {b_.CreateBitCast(old, value->getType())};
  } else if (Value* old = NativeAtomic(op, address, value)) {
    result.parts = {old};
  } else {
    result.parts = {ExchangeLoop(op, address, [&](Value* before) {
      return attributes.kind == AtomicKind::kExchange
                 ? value
                 : elements_.Arithmetic(CombineRow(attributes.kind), element, {before, value});
    })};
  }
  return result;
}

}  // namespace ingot::codegen
