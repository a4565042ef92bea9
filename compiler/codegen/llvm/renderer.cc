#include "compiler/codegen/llvm/renderer.h"

#include <bit>

#include "ir/base/status.h"
#include "llvm/IR/Intrinsics.h"
#include "llvm/IR/IntrinsicsNVPTX.h"
#include "llvm/IR/MDBuilder.h"

namespace ingot::codegen {

using kernel::OpClass;
using kernel::Opcode;
using kernel::Operation;
using llvm::Value;

Renderer::Renderer(const kernel::Kernel& kernel, llvm::Function* function, MachineFeatures features)
    : kernel_(kernel),
      function_(function),
      b_(&function->back()),
      elements_(&b_, features),
      values_(kernel.operation_count()) {}

void Renderer::SetValue(const Operation* op, Value* value) { values_[op->id].parts = {value}; }

absl::Status Renderer::Render() {
  RenderBlock(*kernel_.body());
  return Annotate(status_, "kernel ", kernel_.name());
}

void Renderer::RenderBlock(const kernel::Block& block) {
  for (const Operation* op : block.operations) RenderOperation(*op);
}

void Renderer::RenderOperation(const Operation& op) {
  Lanes& result = values_[op.id];
  switch (kernel::InfoOf(op.opcode).op_class) {
    case OpClass::kUnary:
    case OpClass::kBinary:
    case OpClass::kCompare:
    case OpClass::kTernary:
    case OpClass::kSelect:
      result = RenderLaneWise(op);
      break;
    case OpClass::kConvert:
      result = op.opcode == Opcode::kBitcast ? RenderBitcast(op) : RenderConvert(op);
      break;
    case OpClass::kVector:
      result = RenderVector(op);
      break;
    case OpClass::kHorizontal:
      result = RenderHorizontal(op);
      break;
    case OpClass::kOrigin:
      // Parameters have their value before the body.
      if (op.IsConstant()) {
        Value* lane =
            elements_.Constant(op.type.element, op.Get<kernel::ConstantAttributes>().bits);
        result = Join(op.type, std::vector<Value*>(op.type.lanes, lane));
      }
      break;
    case OpClass::kId:
      result = RenderId(op);
      break;
    case OpClass::kVar:
      RenderVar(op);
      break;
    case OpClass::kMemory:
      if (op.opcode == Opcode::kLoad) {
        result = RenderLoad(op);
      } else if (op.opcode == Opcode::kStore) {
        RenderStore(op);
      } else {
        result = RenderAtomic(op);
      }
      break;
    case OpClass::kControl:
      if (op.opcode == Opcode::kFor) {
        RenderFor(op);
      } else if (op.opcode == Opcode::kWhile) {
        RenderWhile(op);
      } else if (op.opcode == Opcode::kIf) {
        RenderIf(op);
      } else if (op.opcode == Opcode::kRoles) {
        RenderRoles(op);
      }  // a yield's value is taken by its while
      break;
    case OpClass::kIntrinsic:
      result = RenderIntrinsic(op);
      break;
  }
}

// ----- Values.

llvm::Type* Renderer::PartType(kernel::Type type) const {
  llvm::Type* scalar = elements_.Representation(type.element);
  return is_gpu() || type.lanes == 1 ? scalar : llvm::FixedVectorType::get(scalar, type.lanes);
}

Lanes Renderer::Undefined(kernel::Type type) const {
  Lanes result;
  result.parts.assign(is_gpu() ? type.lanes : 1, llvm::PoisonValue::get(PartType(type)));
  return result;
}

std::vector<Value*> Renderer::Split(const Lanes& value, int lanes) {
  if (is_gpu() || lanes == 1) return {value.parts.begin(), value.parts.end()};
  std::vector<Value*> result;
  for (int i = 0; i < lanes; ++i) {
    result.push_back(b_.CreateExtractElement(value.parts[0], uint64_t{static_cast<uint64_t>(i)}));
  }
  return result;
}

Lanes Renderer::Join(kernel::Type type, absl::Span<Value* const> lanes) {
  Lanes result;
  if (is_gpu() || type.lanes == 1) {
    result.parts.assign(lanes.begin(), lanes.end());
    return result;
  }
  bool equal = true;
  for (Value* lane : lanes) equal &= lane == lanes[0];
  if (equal) {
    result.parts = {b_.CreateVectorSplat(type.lanes, lanes[0])};
    return result;
  }
  Value* vector = llvm::PoisonValue::get(PartType(type));
  for (int i = 0; i < type.lanes; ++i) {
    vector = b_.CreateInsertElement(vector, lanes[i], static_cast<uint64_t>(i));
  }
  result.parts = {vector};
  return result;
}

// ----- Pure rows.

Lanes Renderer::RenderLaneWise(const Operation& op) {
  Lanes result;
  const size_t parts = ValueOf(op.operands[0]).parts.size();
  for (size_t i = 0; i < parts; ++i) {
    llvm::SmallVector<Value*, 3> operands;
    for (const Operation* operand : op.operands) operands.push_back(ValueOf(operand).parts[i]);
    result.parts.push_back(
        op.opcode == Opcode::kSelect
            ? b_.CreateSelect(operands[0], operands[1], operands[2])
            : elements_.Arithmetic(op.opcode, op.operands[0]->type.element, operands));
  }
  return result;
}

Lanes Renderer::RenderConvert(const Operation& op) {
  const Lanes& from = ValueOf(op.operands[0]);
  const ElementType element = op.operands[0]->type.element;
  Lanes result;
  // The card rounds pairs of f32 in one instruction.
  const bool pairs =
      is_gpu() && element == ElementType::kF32 && from.parts.size() % 2 == 0 &&
      (op.type.element == ElementType::kBF16 || op.type.element == ElementType::kF16);
  if (pairs) {
    const llvm::Intrinsic::ID id = op.type.element == ElementType::kBF16
                                       ? llvm::Intrinsic::nvvm_ff2bf16x2_rn
                                       : llvm::Intrinsic::nvvm_ff2f16x2_rn;
    llvm::Type* two = llvm::FixedVectorType::get(b_.getInt16Ty(), 2);
    for (size_t i = 0; i < from.parts.size(); i += 2) {
      Value* pair = b_.CreateIntrinsic(id, {}, {from.parts[i + 1], from.parts[i]});  // high, low
      pair = b_.CreateBitCast(pair, two);
      result.parts.push_back(b_.CreateExtractElement(pair, uint64_t{0}));
      result.parts.push_back(b_.CreateExtractElement(pair, uint64_t{1}));
    }
    return result;
  }
  for (Value* part : from.parts) {
    result.parts.push_back(elements_.Convert(part, element, op.type.element));
  }
  return result;
}

// The bits of all lanes in a row, lane 0 lowest, cut anew.
Lanes Renderer::RenderBitcast(const Operation& op) {
  const kernel::Type from = op.operands[0]->type;
  const kernel::Type to = op.type;
  const Lanes& value = ValueOf(op.operands[0]);
  const int from_bits = BitWidth(from.element);
  const int to_bits = BitWidth(to.element);
  if (from_bits == to_bits) {
    Lanes result;
    for (Value* part : value.parts) {
      result.parts.push_back(elements_.FromBits(elements_.ToBits(part, from.element), to.element));
    }
    return result;
  }
  if (!is_gpu() && from_bits % 8 == 0 && to_bits % 8 == 0) {
    Lanes result;
    result.parts = {b_.CreateBitCast(value.parts[0], PartType(to))};
    return result;
  }
  std::vector<Value*> cut;
  const std::vector<Value*> lanes = Split(value, from.lanes);
  if (from_bits < to_bits) {
    const int pieces = to_bits / from_bits;
    for (int i = 0; i < to.lanes; ++i) {
      Value* whole = nullptr;
      for (int j = 0; j < pieces; ++j) {
        Value* piece = b_.CreateZExt(elements_.ToBits(lanes[i * pieces + j], from.element),
                                     b_.getIntNTy(to_bits));
        piece = b_.CreateShl(piece, j * from_bits);
        whole = whole ? b_.CreateOr(whole, piece) : piece;
      }
      cut.push_back(elements_.FromBits(whole, to.element));
    }
  } else {
    for (Value* lane : lanes) {
      Value* whole = elements_.ToBits(lane, from.element);
      for (int j = 0; j < from_bits / to_bits; ++j) {
        Value* piece = b_.CreateTrunc(b_.CreateLShr(whole, j * to_bits), b_.getIntNTy(to_bits));
        cut.push_back(elements_.FromBits(piece, to.element));
      }
    }
  }
  return Join(to, cut);
}

Lanes Renderer::RenderVector(const Operation& op) {
  const kernel::Type type = op.type;
  std::vector<Value*> lanes;
  if (op.opcode == Opcode::kIota) {
    for (int i = 0; i < type.lanes; ++i) lanes.push_back(elements_.Constant(type.element, i));
    return Join(type, lanes);
  }
  if (op.opcode == Opcode::kBuild) {
    for (const Operation* operand : op.operands) lanes.push_back(ScalarOf(operand));
    return Join(type, lanes);
  }
  const Operation& first = *op.operands[0];
  if (op.opcode == Opcode::kBroadcast) {
    return Join(type, std::vector<Value*>(type.lanes, ScalarOf(&first)));
  }
  const std::vector<int>& chosen = op.Get<kernel::LaneAttributes>().lanes;
  if (op.opcode == Opcode::kVectorShuffle && !is_gpu() && first.type.lanes > 1 && type.lanes > 1) {
    Lanes result;
    result.parts = {b_.CreateShuffleVector(ScalarOf(&first), ScalarOf(op.operands[1]), chosen)};
    return result;
  }
  lanes = Split(ValueOf(&first), first.type.lanes);
  if (op.opcode == Opcode::kExtract) return Join(type, {lanes[chosen[0]]});
  if (op.opcode == Opcode::kInsert) {
    lanes[chosen[0]] = ScalarOf(op.operands[1]);
    return Join(type, lanes);
  }
  INGOT_CHECK(op.opcode == Opcode::kVectorShuffle) << kernel::NameOf(op.opcode);
  const std::vector<Value*> second = Split(ValueOf(op.operands[1]), op.operands[1]->type.lanes);
  lanes.insert(lanes.end(), second.begin(), second.end());
  std::vector<Value*> picked;
  for (int lane : chosen) picked.push_back(lanes[lane]);
  return Join(type, picked);
}

// The fixed tree: lane i with lane i + half, half the next power of two, until one is left.
Lanes Renderer::RenderHorizontal(const Operation& op) {
  const Operation& operand = *op.operands[0];
  const Opcode step = kernel::HorizontalStep(op.opcode);
  const ElementType element = operand.type.element;
  unsigned lanes = operand.type.lanes;
  if (!is_gpu() && std::has_single_bit(lanes)) {
    // Halves of vectors.
    Value* value = ScalarOf(&operand);
    while (lanes > 1) {
      lanes /= 2;
      if (lanes == 1) {
        Value* low = b_.CreateExtractElement(value, uint64_t{0});
        value =
            elements_.Arithmetic(step, element, {low, b_.CreateExtractElement(value, uint64_t{1})});
        break;
      }
      std::vector<int> low(lanes), high(lanes);
      for (unsigned i = 0; i < lanes; ++i) {
        low[i] = i;
        high[i] = i + lanes;
      }
      value = elements_.Arithmetic(
          step, element, {b_.CreateShuffleVector(value, low), b_.CreateShuffleVector(value, high)});
    }
    Lanes result;
    result.parts = {value};
    return result;
  }
  std::vector<Value*> values = Split(ValueOf(&operand), lanes);
  while (values.size() > 1) {
    const size_t half = std::bit_ceil(values.size()) / 2;
    for (size_t i = 0; i + half < values.size(); ++i) {
      values[i] = elements_.Arithmetic(step, element, {values[i], values[i + half]});
    }
    values.resize(half);
  }
  return Join(op.type, values);
}

// ----- Vars: memory of the stack, which SROA turns into registers.

void Renderer::RenderVar(const Operation& op) {
  const kernel::Var* var = op.Get<kernel::VarAttributes>().var;
  const int parts = is_gpu() ? var->type.lanes : 1;
  if (op.opcode == Opcode::kVar) {
    const int count = std::max(1, var->array_size);
    llvm::IRBuilder<> entry(&function_->getEntryBlock(), function_->getEntryBlock().begin());
    llvm::AllocaInst* cell = entry.CreateAlloca(
        llvm::ArrayType::get(PartType(var->type), int64_t{1} * count * parts), nullptr, var->name);
    vars_[var] = cell;
    for (int i = 0; i < count * parts; ++i) {
      Value* address = b_.CreateConstInBoundsGEP2_64(cell->getAllocatedType(), cell, 0, i);
      b_.CreateStore(ValueOf(op.value()).parts[i % parts], address);
    }
    return;
  }
  Lanes& result = values_[op.id];
  result.parts.clear();
  for (int i = 0; i < parts; ++i) {
    Value* address = VarElement(op, i);
    if (op.opcode == Opcode::kVarRead) {
      result.parts.push_back(b_.CreateLoad(PartType(var->type), address));
    } else {
      b_.CreateStore(ValueOf(op.value()).parts[i], address);
    }
  }
}

Value* Renderer::VarElement(const Operation& op, int part) {
  const kernel::Var* var = op.Get<kernel::VarAttributes>().var;
  llvm::AllocaInst* cell = vars_[var];
  int64_t element = 0;
  if (op.index() != nullptr) {
    const auto* index = llvm::dyn_cast<llvm::ConstantInt>(ScalarOf(op.index()));
    if (index == nullptr || index->getSExtValue() < 0 ||
        index->getSExtValue() >= std::max(1, var->array_size)) {
      Fail(InvalidArgument("the index of array var %", var->name, " is not a constant below ",
                           var->array_size));
    } else {
      element = index->getSExtValue();
    }
  }
  const int64_t parts = is_gpu() ? var->type.lanes : 1;
  return b_.CreateConstInBoundsGEP2_64(cell->getAllocatedType(), cell, 0, element * parts + part);
}

// ----- Ids.

namespace {
// A register that is read-only and less than `limit`.
Value* ReadRegister(llvm::IRBuilder<>& b, llvm::Intrinsic::ID id, int64_t limit) {
  llvm::CallInst* value = b.CreateIntrinsic(id, {}, {});
  llvm::MDBuilder metadata(b.getContext());
  value->setMetadata(llvm::LLVMContext::MD_range,
                     metadata.createRange(llvm::APInt(32, 0), llvm::APInt(32, limit)));
  return value;
}
}  // namespace

Value* Renderer::ThreadId(int axis) {
  static constexpr llvm::Intrinsic::ID kIds[] = {llvm::Intrinsic::nvvm_read_ptx_sreg_tid_x,
                                                 llvm::Intrinsic::nvvm_read_ptx_sreg_tid_y,
                                                 llvm::Intrinsic::nvvm_read_ptx_sreg_tid_z};
  const int threads = kernel_.launch().block[axis];
  return threads == 1 ? b_.getInt32(0) : ReadRegister(b_, kIds[axis], threads);
}

Value* Renderer::LinearThreadId() {
  const auto& block = kernel_.launch().block;
  Value* rows = b_.CreateAdd(ThreadId(1), b_.CreateMul(ThreadId(2), b_.getInt32(block[1])));
  return b_.CreateAdd(ThreadId(0), b_.CreateMul(rows, b_.getInt32(block[0])));
}

Lanes Renderer::RenderId(const Operation& op) {
  static constexpr llvm::Intrinsic::ID kBlocks[] = {llvm::Intrinsic::nvvm_read_ptx_sreg_ctaid_x,
                                                    llvm::Intrinsic::nvvm_read_ptx_sreg_ctaid_y,
                                                    llvm::Intrinsic::nvvm_read_ptx_sreg_ctaid_z};
  Value* value = nullptr;
  if (op.opcode == Opcode::kTask) {
    value = task_;
  } else if (op.opcode == Opcode::kBlock) {
    const int axis = op.Get<kernel::IdAttributes>().axis;
    const int64_t blocks = kernel_.launch().grid[axis];
    value = blocks == 1 ? b_.getInt32(0) : ReadRegister(b_, kBlocks[axis], blocks);
  } else if (op.opcode == Opcode::kBlocks) {
    static constexpr llvm::Intrinsic::ID kGrids[] = {llvm::Intrinsic::nvvm_read_ptx_sreg_nctaid_x,
                                                     llvm::Intrinsic::nvvm_read_ptx_sreg_nctaid_y,
                                                     llvm::Intrinsic::nvvm_read_ptx_sreg_nctaid_z};
    const int axis = op.Get<kernel::IdAttributes>().axis;
    value = kernel_.launch().grid[axis] == 1 ? static_cast<Value*>(b_.getInt32(1))
                                             : b_.CreateIntrinsic(kGrids[axis], {}, {});
  } else if (op.opcode == Opcode::kClusterBlock) {
    const int blocks = kernel_.launch().cluster_blocks();
    value = blocks == 1 ? static_cast<Value*>(b_.getInt32(0))
                        : Assembly("mov.u32 $0, %cluster_ctarank;", {b_.getInt32Ty()}, {},
                                   /*synchronizes=*/false, /*convergent=*/false)
                              .parts[0];
  } else if (op.opcode == Opcode::kThread) {
    value = ThreadId(op.Get<kernel::IdAttributes>().axis);
  } else if (op.opcode == Opcode::kLane) {
    value = b_.CreateAnd(LinearThreadId(), b_.getInt32(kernel::kWarpSize - 1));
  } else {
    INGOT_CHECK(op.opcode == Opcode::kWarp) << kernel::NameOf(op.opcode);
    value = b_.CreateLShr(LinearThreadId(), b_.getInt32(std::countr_zero(uint32_t{32})));
  }
  Lanes result;
  result.parts = {value};
  return result;
}

}  // namespace ingot::codegen
