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
                         llvm::ArrayRef<Value*> operands, bool synchronizes, bool convergent,
                         llvm::ArrayRef<Value*> tied) {
  std::string constraints;
  std::vector<llvm::Type*> types;
  std::vector<Value*> inputs(operands.begin(), operands.end());
  inputs.insert(inputs.end(), tied.begin(), tied.end());
  const auto add = [&](const std::string& constraint) {
    absl::StrAppend(&constraints, constraints.empty() ? "" : ",", constraint);
  };
  for (const llvm::Type* result : results) add(std::string{'=', RegisterLetter(result)});
  for (Value* operand : operands) add(std::string{RegisterLetter(operand->getType())});
  for (size_t i = 0; i < tied.size(); ++i) add(absl::StrCat(results.size() - tied.size() + i));
  for (Value* input : inputs) types.push_back(input->getType());
  if (synchronizes) add("~{memory}");
  llvm::Type* result = b_.getVoidTy();
  if (results.size() == 1) result = results[0];
  if (results.size() > 1) result = llvm::StructType::get(b_.getContext(), results);
  auto* assembly = llvm::InlineAsm::get(llvm::FunctionType::get(result, types, false), text,
                                        constraints, /*hasSideEffects=*/synchronizes);
  llvm::CallInst* call = b_.CreateCall(assembly, inputs);
  if (convergent) call->addFnAttr(llvm::Attribute::Convergent);
  call->addFnAttr(llvm::Attribute::NoUnwind);
  Lanes lanes;
  if (results.size() == 1) lanes.parts = {call};
  for (unsigned i = 0; results.size() > 1 && i < results.size(); ++i) {
    lanes.parts.push_back(b_.CreateExtractValue(call, i));
  }
  return lanes;
}

// The template's slots with the numbers of their registers, which inline assembly counts through
// results, fragments and operands.
struct Renderer::Row {
  std::vector<TemplateSlot> slots;
  std::vector<llvm::Type*> results;  // of the row, then of its fragments
  std::vector<Value*> operands;
  std::vector<bool> is_free;  // by operand: it is a T
  std::vector<Value*> cells;  // addresses of the fragments' elements
  ElementType free_type = ElementType::kS32;
};

// Registers `next` …, which it moves on.
static std::string Registers(int count, bool braces, int& next) {
  std::vector<std::string> names;
  for (int i = 0; i < count; ++i) names.push_back(absl::StrCat("$", next++));
  return braces ? absl::StrCat("{", absl::StrJoin(names, ", "), "}") : names[0];
}

void Renderer::AddFragment(const kernel::Var* var, Row& row) {
  llvm::AllocaInst* cell = vars_[var];
  const int count = std::max(1, var->array_size) * var->type.lanes;
  for (int i = 0; i < count; ++i) {
    row.cells.push_back(b_.CreateConstInBoundsGEP2_64(cell->getAllocatedType(), cell, 0, i));
    row.results.push_back(PartType(var->type));
  }
}

Renderer::Row Renderer::MakeRow(const Operation& op, const kernel::IntrinsicInfo& info) {
  const auto& call = op.Get<kernel::IntrinsicAttributes>();
  Row row;
  using Kind = IntrinsicArgument::Kind;
  int next_result = 0;
  if (info.result) {
    row.slots.push_back({Registers(op.type.lanes, op.type.lanes > 1, next_result)});
    const bool is_free = info.result->kind == Kind::kTyped;
    row.results.assign(op.type.lanes,
                       is_free ? b_.getInt32Ty() : elements_.Representation(op.type.element));
  }
  for (const kernel::Var* var : call.vars) AddFragment(var, row);
  int next = static_cast<int>(row.results.size());
  size_t operand = 0, immediate = 0, place = 0, map = 0, var = 0;
  for (size_t i = 0; i < info.arguments.size(); ++i) {
    const IntrinsicArgument& argument = info.arguments[i];
    TemplateSlot slot{"", argument.slot, info.OperandCount(i, op.operands.size())};
    const size_t first = row.operands.size();
    if (argument.kind == Kind::kImmediate) {
      slot.text = absl::StrCat(call.immediates[immediate++]);
    } else if (argument.kind == Kind::kFragment) {
      const kernel::Var* cell = call.vars[var++];
      slot.text =
          Registers(std::max(1, cell->array_size) * cell->type.lanes, /*braces=*/true, next_result);
    } else if (argument.kind == Kind::kMap) {
      row.operands.push_back(maps_[call.maps[map++]]);
    } else if (argument.kind == Kind::kPlace) {
      row.operands.push_back(Address(call.buffers[place++], ScalarOf(op.operands[operand++])));
    } else {
      for (int k = 0; k < slot.count; ++k) {
        const Operation* value = op.operands[operand++];
        if (argument.kind == Kind::kTyped) row.free_type = value->type.element;
        for (Value* part : Split(ValueOf(value), value->type.lanes)) row.operands.push_back(part);
      }
    }
    const int registers = static_cast<int>(row.operands.size() - first);
    row.is_free.resize(row.operands.size(), argument.kind == Kind::kTyped);
    if (registers > 0) slot.text = Registers(registers, registers > 1 || argument.IsList(), next);
    row.slots.push_back(std::move(slot));
  }
  return row;
}

Lanes Renderer::RenderIntrinsic(const Operation& op) {
  const kernel::IntrinsicInfo& info =
      kernel::InfoOf(op.Get<kernel::IntrinsicAttributes>().intrinsic);
  const Row row = MakeRow(op, info);
  const std::string text = FillTemplate(info.ptx, row.slots);
  const bool synchronizes = (info.effects & kernel::kSynchronizes) != 0;
  const bool convergent = info.scope != kernel::Scope::kThread;
  if (!row.cells.empty()) {
    std::vector<Value*> before;
    for (size_t i = 0; i < row.cells.size(); ++i) {
      before.push_back(b_.CreateLoad(row.results[i], row.cells[i]));
    }
    const Lanes after = Assembly(text, row.results, row.operands, synchronizes, convergent, before);
    for (size_t i = 0; i < row.cells.size(); ++i) b_.CreateStore(after.parts[i], row.cells[i]);
    return {};
  }
  if (!info.result || info.result->kind != IntrinsicArgument::Kind::kTyped) {
    return Assembly(text, row.results, row.operands, synchronizes, convergent);
  }
  // T goes through 32-bit registers: widened, or as two words.
  const int width = 8 * ByteWidth(row.free_type);
  const auto run = [&](int word) {
    std::vector<Value*> words = row.operands;
    for (size_t i = 0; i < words.size(); ++i) {
      if (!row.is_free[i]) continue;
      Value* bits = b_.CreateBitCast(words[i], b_.getIntNTy(width));
      words[i] = b_.CreateZExtOrTrunc(b_.CreateLShr(bits, 32 * word), b_.getInt32Ty());
    }
    return Assembly(text, {b_.getInt32Ty()}, words, synchronizes, convergent).parts[0];
  };
  Value* bits = b_.CreateZExtOrTrunc(run(0), b_.getIntNTy(width));
  if (width == 64) {
    bits = b_.CreateOr(bits, b_.CreateShl(b_.CreateZExt(run(1), b_.getInt64Ty()), 32));
  }
  Lanes result;
  result.parts = {b_.CreateBitCast(bits, elements_.Representation(row.free_type))};
  return result;
}

}  // namespace ingot::codegen
