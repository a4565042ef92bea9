#include "compiler/codegen/llvm/renderer.h"
#include "compiler/kernel/arithmetic.h"
#include "llvm/IR/MDBuilder.h"

namespace ingot::codegen {

using kernel::Operation;
using llvm::Value;

namespace {

// What LoopUnroll is told at a loop's back edge: `count` copies of the body, or none.
llvm::MDNode* UnrollMetadata(llvm::LLVMContext& context, int64_t count) {
  llvm::Metadata* hint =
      count > 1
          ? llvm::MDNode::get(context, {llvm::MDString::get(context, "llvm.loop.unroll.count"),
                                        llvm::ConstantAsMetadata::get(llvm::ConstantInt::get(
                                            llvm::Type::getInt32Ty(context), count))})
          : llvm::MDNode::get(context, {llvm::MDString::get(context, "llvm.loop.unroll.disable")});
  llvm::MDNode* loop = llvm::MDNode::getDistinct(context, {nullptr, hint});
  loop->replaceOperandWith(0, loop);
  return loop;
}

}  // namespace

llvm::BasicBlock* Renderer::NewBlock(const char* name) {
  return llvm::BasicBlock::Create(b_.getContext(), name, function_);
}

void Renderer::RenderUnrolled(const Operation& op, absl::Span<const int64_t> iterations) {
  for (int64_t i : iterations) {
    SetValue(&op, elements_.Constant(op.type.element, kernel::IntegerBits(op.type.element, i)));
    RenderBlock(*op.blocks[0]);
  }
}

// if (begin < end) { i = begin; do { body; i += step } while (i < end) }
void Renderer::RenderFor(const Operation& op) {
  if (auto iterations = kernel::StaticIterations(op)) {
    RenderUnrolled(op, *iterations);
    return;
  }
  Value* begin = ScalarOf(op.operands[0]);
  Value* end = ScalarOf(op.operands[1]);
  Value* step = ScalarOf(op.operands[2]);
  const bool down = op.operands[2]->IsConstant() && op.operands[2]->ConstantInteger() < 0;
  const auto goes_on = [&](Value* i) {
    return down ? b_.CreateICmpSGT(i, end) : b_.CreateICmpSLT(i, end);
  };
  llvm::BasicBlock* body = NewBlock("for");
  llvm::BasicBlock* after = NewBlock("end_for");
  llvm::BasicBlock* before = b_.GetInsertBlock();
  b_.CreateCondBr(goes_on(begin), body, after);

  b_.SetInsertPoint(body);
  llvm::PHINode* variable = b_.CreatePHI(begin->getType(), 2);
  variable->addIncoming(begin, before);
  SetValue(&op, variable);
  RenderBlock(*op.blocks[0]);
  // A loop's variable does not overflow (README.md).
  Value* next = b_.CreateNSWAdd(variable, step);
  variable->addIncoming(next, b_.GetInsertBlock());
  llvm::BranchInst* back = b_.CreateCondBr(goes_on(next), body, after);
  back->setMetadata(llvm::LLVMContext::MD_loop,
                    UnrollMetadata(b_.getContext(), op.Get<kernel::ForAttributes>().unroll));
  b_.SetInsertPoint(after);
}

void Renderer::RenderWhile(const Operation& op) {
  llvm::BasicBlock* condition = NewBlock("while");
  llvm::BasicBlock* body = NewBlock("do");
  llvm::BasicBlock* after = NewBlock("end_while");
  b_.CreateBr(condition);
  b_.SetInsertPoint(condition);
  RenderBlock(*op.blocks[0]);
  const Operation* yield = op.blocks[0]->operations.back();
  b_.CreateCondBr(ScalarOf(yield->operands[0]), body, after);
  b_.SetInsertPoint(body);
  RenderBlock(*op.blocks[1]);
  llvm::BranchInst* back = b_.CreateBr(condition);
  back->setMetadata(llvm::LLVMContext::MD_loop, UnrollMetadata(b_.getContext(), 1));
  b_.SetInsertPoint(after);
}

void Renderer::RenderIf(const Operation& op) {
  const bool has_else = op.blocks.size() > 1 && !op.blocks[1]->operations.empty();
  llvm::BasicBlock* then = NewBlock("then");
  llvm::BasicBlock* otherwise = has_else ? NewBlock("else") : nullptr;
  llvm::BasicBlock* after = NewBlock("end_if");
  b_.CreateCondBr(ScalarOf(op.operands[0]), then, has_else ? otherwise : after);
  b_.SetInsertPoint(then);
  RenderBlock(*op.blocks[0]);
  b_.CreateBr(after);
  if (has_else) {
    b_.SetInsertPoint(otherwise);
    RenderBlock(*op.blocks[1]);
    b_.CreateBr(after);
  }
  b_.SetInsertPoint(after);
}

void Renderer::RenderRoles(const Operation& op) {
  Value* warp = b_.CreateLShr(LinearThreadId(), b_.getInt32(5));
  const auto& ranges = op.Get<kernel::RolesAttributes>().warps;
  for (size_t i = 0; i < ranges.size(); ++i) {
    Value* from_first = b_.CreateSub(warp, b_.getInt32(ranges[i].first));
    Value* inside = b_.CreateICmpULE(from_first, b_.getInt32(ranges[i].last - ranges[i].first));
    OnlyIf(inside, [&] { RenderBlock(*op.blocks[i]); });
  }
}

}  // namespace ingot::codegen
