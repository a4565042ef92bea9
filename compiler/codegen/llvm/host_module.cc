#include "absl/strings/str_cat.h"
#include "compiler/codegen/llvm/llvm_codegen.h"
#include "compiler/codegen/llvm/pipeline.h"
#include "compiler/codegen/llvm/renderer.h"
#include "ir/base/status.h"
#include "llvm/Object/ObjectFile.h"
#include "llvm/TargetParser/X86TargetParser.h"

namespace ingot::codegen {
namespace {

using llvm::Value;

MachineFeatures FeaturesOf(const Target& target) {
  llvm::SmallVector<llvm::StringRef> features;
  llvm::X86::getFeaturesForCPU(llvm::StringRef(target.llvm_cpu.data(), target.llvm_cpu.size()),
                               features);
  MachineFeatures result;
  result.half_conversions = llvm::is_contained(features, "f16c");
  result.fused_multiply_add = llvm::is_contained(features, "fma");
  return result;
}

absl::Status Check(const kernel::Kernel& kernel, const MachineFeatures& features,
                   const Target& target) {
  if (!kernel.IsHost()) {
    return InvalidArgument("kernel ", kernel.name(), " is for a GPU, not for ", target.name);
  }
  absl::Status status;
  kernel::ForEachOperation(*kernel.body(), [&](const kernel::Operation& op) {
    if (op.opcode == kernel::Opcode::kFma && !features.fused_multiply_add) {
      status.Update(
          Unimplemented("kernel ", kernel.name(), ": ", target.name, " has no fused multiply-add"));
    }
  });
  return status;
}

void AddAttributes(llvm::Function* function, const Target& target) {
  function->addFnAttr(llvm::Attribute::NoUnwind);
  function->addFnAttr("no-builtins");
  function->addFnAttr("target-cpu",
                      llvm::StringRef(target.llvm_cpu.data(), target.llvm_cpu.size()));
  // Vectors are as wide as the plan says, also where the processor's tuning would rather halve
  // them.
  function->addFnAttr("prefer-vector-width", absl::StrCat(8 * target.vector_bytes));
}

// Shared allocations are pieces of one array on the stack, which tasks have one after the other.
void PlaceTaskMemory(const kernel::Kernel& kernel, llvm::BasicBlock* entry, Renderer& renderer) {
  if (kernel.shared().empty()) return;
  const kernel::SharedPlacement placement = kernel::PlaceShared(kernel);
  llvm::IRBuilder<> b(entry);
  llvm::AllocaInst* memory = b.CreateAlloca(llvm::ArrayType::get(b.getInt8Ty(), placement.bytes));
  memory->setAlignment(llvm::Align(placement.alignment));
  for (size_t i = 0; i < kernel.shared().size(); ++i) {
    renderer.SetBase(kernel.shared()[i],
                     b.CreateConstGEP1_64(b.getInt8Ty(), memory, placement.offsets[i]));
  }
}

// Parameters of their own types, so that LLVM knows which pointers do not meet; then the tasks.
//
//   void kernel.tasks(parameters…, begin, end) { for (task = begin; task < end; ++task) body }
absl::StatusOr<llvm::Function*> RenderTasks(const kernel::Kernel& kernel, llvm::Module& module,
                                            const MachineFeatures& features, const Target& target) {
  llvm::LLVMContext& context = module.getContext();
  llvm::IRBuilder<> b(context);
  const Elements elements(&b, features);
  std::vector<llvm::Type*> types;
  for (const kernel::Parameter& parameter : kernel.parameters()) {
    types.push_back(parameter.kind == kernel::Parameter::Kind::kScalar
                        ? elements.Representation(parameter.value->type.element)
                        : b.getPtrTy());
  }
  types.push_back(b.getInt64Ty());
  types.push_back(b.getInt64Ty());
  auto* function =
      llvm::Function::Create(llvm::FunctionType::get(b.getVoidTy(), types, false),
                             llvm::GlobalValue::InternalLinkage, kernel.name() + ".tasks", module);
  AddAttributes(function, target);

  llvm::BasicBlock* entry = llvm::BasicBlock::Create(context, "entry", function);
  llvm::BasicBlock* loop = llvm::BasicBlock::Create(context, "task", function);
  Renderer renderer(kernel, function, features);
  const size_t count = kernel.parameters().size();
  for (size_t i = 0; i < count; ++i) {
    const kernel::Parameter& parameter = kernel.parameters()[i];
    llvm::Argument* argument = function->getArg(i);
    argument->setName(parameter.name());
    switch (parameter.kind) {
      case kernel::Parameter::Kind::kScalar:
        renderer.SetValue(parameter.value, argument);
        break;
      case kernel::Parameter::Kind::kTensorMap:
        return InvalidArgument("kernel ", kernel.name(), ": the host has no tensor maps");
      case kernel::Parameter::Kind::kBuffer:
        renderer.SetBase(parameter.buffer, argument);
        argument->addAttr(
            llvm::Attribute::getWithAlignment(context, llvm::Align(parameter.buffer->alignment)));
        if (parameter.buffer->noalias) argument->addAttr(llvm::Attribute::NoAlias);
        if (parameter.buffer->readonly) argument->addAttr(llvm::Attribute::ReadOnly);
        break;
    }
  }
  PlaceTaskMemory(kernel, entry, renderer);
  Value* begin = function->getArg(count);
  Value* end = function->getArg(count + 1);
  llvm::IRBuilder<>& body = renderer.builder();
  // The caller's range is not empty.
  body.SetInsertPoint(entry);
  body.CreateBr(loop);
  body.SetInsertPoint(loop);
  llvm::PHINode* task = body.CreatePHI(body.getInt64Ty(), 2, "task");
  task->addIncoming(begin, entry);
  renderer.SetTask(task);
  INGOT_RETURN_IF_ERROR(renderer.Render());
  Value* next = body.CreateNSWAdd(task, body.getInt64(1));
  task->addIncoming(next, body.GetInsertBlock());
  llvm::BasicBlock* done = llvm::BasicBlock::Create(context, "done", function);
  body.CreateCondBr(body.CreateICmpSLT(next, end), loop, done);
  body.SetInsertPoint(done);
  body.CreateRetVoid();
  return function;
}

// runtime::HostKernel: takes the arguments out of their slots.
void RenderEntry(const kernel::Kernel& kernel, llvm::Module& module, llvm::Function* tasks,
                 const Target& target) {
  llvm::LLVMContext& context = module.getContext();
  llvm::IRBuilder<> b(context);
  auto* type =
      llvm::FunctionType::get(b.getVoidTy(), {b.getPtrTy(), b.getInt64Ty(), b.getInt64Ty()}, false);
  auto* function =
      llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage, kernel.name(), module);
  AddAttributes(function, target);
  llvm::BasicBlock* entry = llvm::BasicBlock::Create(context, "entry", function);
  llvm::BasicBlock* call = llvm::BasicBlock::Create(context, "call", function);
  llvm::BasicBlock* done = llvm::BasicBlock::Create(context, "done", function);
  b.SetInsertPoint(entry);
  b.CreateCondBr(b.CreateICmpSLT(function->getArg(1), function->getArg(2)), call, done);
  b.SetInsertPoint(call);
  std::vector<Value*> arguments;
  for (size_t i = 0; i < kernel.parameters().size(); ++i) {
    Value* slot = b.CreateConstGEP1_64(b.getInt64Ty(), function->getArg(0), i);
    llvm::Type* wanted = tasks->getArg(i)->getType();
    if (wanted->isIntegerTy(1)) {
      Value* byte = b.CreateAlignedLoad(b.getInt8Ty(), slot, llvm::Align(8));
      arguments.push_back(b.CreateICmpNE(byte, b.getInt8(0)));
    } else {
      arguments.push_back(b.CreateAlignedLoad(wanted, slot, llvm::Align(8)));
    }
  }
  arguments.push_back(function->getArg(1));
  arguments.push_back(function->getArg(2));
  b.CreateCall(tasks, arguments)->setTailCall();
  b.CreateBr(done);
  b.SetInsertPoint(done);
  b.CreateRetVoid();
}

// A call that LLVM made up would show here, not when the object is loaded on another machine.
absl::Status CheckNothingUndefined(const std::string& object) {
  auto file = llvm::object::ObjectFile::createObjectFile(
      llvm::MemoryBufferRef(llvm::StringRef(object), "object"));
  if (!file) return absl::InternalError(llvm::toString(file.takeError()));
  for (const llvm::object::SymbolRef& symbol : (*file)->symbols()) {
    auto flags = symbol.getFlags();
    auto name = symbol.getName();
    if (!flags || !name) return absl::InternalError("unreadable symbol in LLVM's object");
    // The first symbol of an ELF object is the undefined one, without a name.
    if ((*flags & llvm::object::SymbolRef::SF_Undefined) && !name->empty()) {
      return absl::InternalError(absl::StrCat("LLVM made a reference to ", name->str(),
                                              ", which host code does not have"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<HostCode> CompileForHost(const kernel::KernelModule& kernels, const Target& target,
                                        const CodegenOptions& options) {
  if (target.platform != Platform::kHost) return InvalidArgument(target.name, " is not a host");
  Compilation compilation(kernels, target);
  const MachineFeatures features = FeaturesOf(target);
  for (const auto& kernel : kernels.kernels) {
    INGOT_RETURN_IF_ERROR(Check(*kernel, features, target));
    INGOT_ASSIGN_OR_RETURN(llvm::Function * tasks,
                           RenderTasks(*kernel, compilation.module(), features, target));
    RenderEntry(*kernel, compilation.module(), tasks, target);
  }
  HostCode code;
  INGOT_ASSIGN_OR_RETURN(code.object, compilation.Emit(llvm::CodeGenFileType::ObjectFile,
                                                       options.keep_texts ? &code.texts : nullptr));
  INGOT_RETURN_IF_ERROR(CheckNothingUndefined(code.object));
  return code;
}

}  // namespace ingot::codegen
