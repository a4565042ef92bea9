// The rows of intrinsics.def: their PTX template as inline assembly.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "compiler/codegen/llvm/renderer.h"
#include "compiler/codegen/ptx/instructions.h"
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

Lanes Renderer::Assembly(const std::string& text, llvm::ArrayRef<llvm::Type*> results,
                         llvm::ArrayRef<Value*> operands, bool synchronizes, bool convergent) {
  std::string constraints;
  std::vector<llvm::Type*> types;
  const auto add = [&](const std::string& constraint) {
    absl::StrAppend(&constraints, constraints.empty() ? "" : ",", constraint);
  };
  for (const llvm::Type* result : results) add(std::string{'=', RegisterLetter(result)});
  for (Value* operand : operands) {
    add(std::string{RegisterLetter(operand->getType())});
    types.push_back(operand->getType());
  }
  if (synchronizes) add("~{memory}");
  llvm::Type* result = b_.getVoidTy();
  if (results.size() == 1) result = results[0];
  if (results.size() > 1) result = llvm::StructType::get(b_.getContext(), results);
  auto* assembly = llvm::InlineAsm::get(llvm::FunctionType::get(result, types, false), text,
                                        constraints, /*hasSideEffects=*/synchronizes);
  llvm::CallInst* call = b_.CreateCall(assembly, operands);
  if (convergent) call->addFnAttr(llvm::Attribute::Convergent);
  call->addFnAttr(llvm::Attribute::NoUnwind);
  Lanes lanes;
  if (results.size() == 1) lanes.parts = {call};
  for (unsigned i = 0; results.size() > 1 && i < results.size(); ++i) {
    lanes.parts.push_back(b_.CreateExtractValue(call, i));
  }
  return lanes;
}

Lanes Renderer::RenderIntrinsic(const Operation& op) {
  const auto& attributes = op.Get<kernel::IntrinsicAttributes>();
  const kernel::IntrinsicInfo& info = kernel::InfoOf(attributes.intrinsic);

  // The template's numbers count constants and vectors; those of inline assembly count registers.
  int next = 0;
  const auto registers = [&](int count) {
    std::vector<std::string> names;
    for (int i = 0; i < count; ++i) names.push_back(absl::StrCat("$", next++));
    return count == 1 ? names[0] : absl::StrCat("{", absl::StrJoin(names, ", "), "}");
  };
  std::vector<std::string> shown;  // by slot of the template
  std::vector<Value*> arguments;
  ElementType free_type = ElementType::kS32;  // T
  size_t operand = 0, immediate = 0, place = 0;
  if (info.result) shown.push_back(registers(op.type.lanes));
  for (const IntrinsicArgument& argument : info.arguments) {
    switch (argument.kind) {
      case IntrinsicArgument::Kind::kImmediate:
        shown.push_back(absl::StrCat(attributes.immediates[immediate++]));
        break;
      case IntrinsicArgument::Kind::kPlace: {
        Value* address = Address(attributes.buffers[place++], ScalarOf(op.operands[operand++]));
        arguments.push_back(address);
        shown.push_back(registers(1));
        break;
      }
      case IntrinsicArgument::Kind::kTyped:
        free_type = op.operands[operand]->type.element;
        [[fallthrough]];
      case IntrinsicArgument::Kind::kValue: {
        const Operation* value = op.operands[operand++];
        for (Value* part : Split(ValueOf(value), value->type.lanes)) arguments.push_back(part);
        shown.push_back(registers(value->type.lanes));
        break;
      }
    }
  }
  const std::string text = FillTemplate(info.ptx, shown);

  const bool synchronizes = (info.effects & kernel::kSynchronizes) != 0;
  const bool convergent = info.scope != kernel::Scope::kThread;
  if (!info.result) return Assembly(text, {}, arguments, synchronizes, convergent);
  if (info.result->kind != IntrinsicArgument::Kind::kTyped) {
    const std::vector<llvm::Type*> results(info.result->type.lanes,
                                           elements_.Representation(info.result->type.element));
    return Assembly(text, results, arguments, synchronizes, convergent);
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
    return Assembly(text, {b_.getInt32Ty()}, words, synchronizes, convergent).parts[0];
  };
  Value* bits = b_.CreateZExtOrTrunc(run(0), b_.getIntNTy(width));
  if (width == 64) {
    bits = b_.CreateOr(bits, b_.CreateShl(b_.CreateZExt(run(1), b_.getInt64Ty()), 32));
  }
  Lanes result;
  result.parts = {b_.CreateBitCast(bits, elements_.Representation(free_type))};
  return result;
}

}  // namespace ingot::codegen
