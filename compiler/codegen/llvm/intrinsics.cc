// The rows of intrinsics.def: their PTX template as inline assembly.
#include "absl/strings/str_cat.h"
#include "compiler/codegen/llvm/renderer.h"
#include "ir/base/status.h"
#include "llvm/IR/InlineAsm.h"

namespace ingot::codegen {

using kernel::IntrinsicArgument;
using kernel::Operation;
using llvm::Value;

namespace {

// NVPTX's letter for a register of that type.
char RegisterLetter(const llvm::Type* type) {
  if (type->isPointerTy()) return type->getPointerAddressSpace() == 3 ? 'r' : 'l';
  if (type->isFloatTy()) return 'f';
  if (type->isDoubleTy()) return 'd';
  switch (type->getIntegerBitWidth()) {
    case 1:
      return 'b';
    case 16:
      return 'h';
    case 64:
      return 'l';
    default:
      return 'r';
  }
}

}  // namespace

Value* Renderer::Assembly(const std::string& text, llvm::Type* result,
                          llvm::ArrayRef<Value*> operands, bool synchronizes, bool convergent) {
  std::string constraints;
  std::vector<llvm::Type*> types;
  if (!result->isVoidTy())
    absl::StrAppend(&constraints, "=", std::string(1, RegisterLetter(result)));
  for (Value* operand : operands) {
    absl::StrAppend(&constraints, constraints.empty() ? "" : ",",
                    std::string(1, RegisterLetter(operand->getType())));
    types.push_back(operand->getType());
  }
  if (synchronizes) absl::StrAppend(&constraints, constraints.empty() ? "" : ",", "~{memory}");
  auto* assembly = llvm::InlineAsm::get(llvm::FunctionType::get(result, types, false), text,
                                        constraints, /*hasSideEffects=*/synchronizes);
  llvm::CallInst* call = b_.CreateCall(assembly, operands);
  if (convergent) call->addFnAttr(llvm::Attribute::Convergent);
  call->addFnAttr(llvm::Attribute::NoUnwind);
  return call;
}

Lanes Renderer::RenderIntrinsic(const Operation& op) {
  const auto& attributes = op.Get<kernel::IntrinsicAttributes>();
  const kernel::IntrinsicInfo& info = kernel::InfoOf(attributes.intrinsic);
  std::string text(info.ptx);
  const auto number = [](int i) { return absl::StrCat("$", i); };

  // The template's numbers count constants; those of inline assembly count registers.
  std::vector<Value*> arguments;
  ElementType free_type = ElementType::kS32;  // T
  size_t operand = 0, immediate = 0, place = 0;
  int slot = info.result ? 1 : 0, next = slot;
  for (const IntrinsicArgument& argument : info.arguments) {
    std::string shown = absl::StrCat("$", next);
    switch (argument.kind) {
      case IntrinsicArgument::Kind::kImmediate:
        shown = absl::StrCat(attributes.immediates[immediate++]);
        break;
      case IntrinsicArgument::Kind::kPlace: {
        Value* address = Address(attributes.buffers[place++], ScalarOf(op.operands[operand++]));
        arguments.push_back(address);
        ++next;
        break;
      }
      case IntrinsicArgument::Kind::kTyped:
        free_type = op.operands[operand]->type.element;
        [[fallthrough]];
      case IntrinsicArgument::Kind::kValue:
        arguments.push_back(ScalarOf(op.operands[operand++]));
        ++next;
        break;
    }
    // Slots only ever move down, so what was replaced is not met again.
    const std::string from = number(slot++);
    for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + 1)) {
      text.replace(at, from.size(), shown);
    }
  }

  const bool synchronizes = (info.effects & kernel::kSynchronizes) != 0;
  const bool convergent = info.scope != kernel::Scope::kThread;
  Lanes result;
  if (!info.result) {
    Assembly(text, b_.getVoidTy(), arguments, synchronizes, convergent);
    return result;
  }
  if (info.result->kind != IntrinsicArgument::Kind::kTyped) {
    result.parts = {Assembly(text, elements_.Representation(info.result->type.element), arguments,
                             synchronizes, convergent)};
    return result;
  }
  // T goes through 32-bit registers: widened, or as two words.
  const int width = 8 * ByteWidth(free_type);
  const auto run = [&](int word) {
    std::vector<Value*> words = arguments;
    size_t i = 0;
    for (const IntrinsicArgument& argument : info.arguments) {
      if (argument.kind == IntrinsicArgument::Kind::kImmediate) continue;
      if (argument.kind == IntrinsicArgument::Kind::kTyped) {
        Value* bits = b_.CreateBitCast(words[i], b_.getIntNTy(width));
        words[i] = b_.CreateZExtOrTrunc(b_.CreateLShr(bits, 32 * word), b_.getInt32Ty());
      }
      ++i;
    }
    return Assembly(text, b_.getInt32Ty(), words, synchronizes, convergent);
  };
  Value* bits = b_.CreateZExtOrTrunc(run(0), b_.getIntNTy(width));
  if (width == 64) {
    bits = b_.CreateOr(bits, b_.CreateShl(b_.CreateZExt(run(1), b_.getInt64Ty()), 32));
  }
  result.parts = {b_.CreateBitCast(bits, elements_.Representation(free_type))};
  return result;
}

}  // namespace ingot::codegen
