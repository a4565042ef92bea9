#include "absl/strings/str_cat.h"
#include "compiler/codegen/llvm/llvm_codegen.h"
#include "compiler/codegen/llvm/pipeline.h"
#include "compiler/codegen/llvm/renderer.h"
#include "compiler/codegen/ptx/instructions.h"
#include "ir/base/status.h"

namespace ingot::codegen {
namespace {

using llvm::Value;

constexpr unsigned kGlobalSpace = 1;
constexpr unsigned kSharedSpace = 3;
// CUtensorMap (CUDA driver API).
constexpr int kTensorMapBytes = 128;
constexpr int kTensorMapAlignment = 64;

class KernelAnnotations {
 public:
  explicit KernelAnnotations(llvm::Function* function) : function_(function) {}
  void Add(llvm::StringRef name, int64_t value) {
    llvm::LLVMContext& context = function_->getContext();
    function_->getParent()
        ->getOrInsertNamedMetadata("nvvm.annotations")
        ->addOperand(llvm::MDNode::get(
            context, {llvm::ValueAsMetadata::get(function_), llvm::MDString::get(context, name),
                      llvm::ConstantAsMetadata::get(
                          llvm::ConstantInt::get(llvm::Type::getInt32Ty(context), value))}));
  }

 private:
  llvm::Function* function_;
};

// `parameters` from 1: what the kernel reads where it lies, so that nothing copies it.
void AnnotateMaps(llvm::Function* function, absl::Span<const int> parameters) {
  if (parameters.empty()) return;
  llvm::LLVMContext& context = function->getContext();
  std::vector<llvm::Metadata*> numbers;
  for (int parameter : parameters) {
    numbers.push_back(llvm::ConstantAsMetadata::get(
        llvm::ConstantInt::get(llvm::Type::getInt32Ty(context), parameter)));
  }
  function->getParent()
      ->getOrInsertNamedMetadata("nvvm.annotations")
      ->addOperand(llvm::MDNode::get(context, {llvm::ValueAsMetadata::get(function),
                                               llvm::MDString::get(context, "grid_constant"),
                                               llvm::MDNode::get(context, numbers)}));
}

void Annotate(llvm::Function* function, const kernel::Launch& launch) {
  KernelAnnotations annotations(function);
  annotations.Add("kernel", 1);
  annotations.Add("reqntidx", launch.block[0]);
  annotations.Add("reqntidy", launch.block[1]);
  annotations.Add("reqntidz", launch.block[2]);
  if (launch.min_blocks > 0) annotations.Add("minctasm", launch.min_blocks);
  if (launch.max_registers > 0) annotations.Add("maxnreg", launch.max_registers);
  if (launch.cluster_blocks() > 1) {
    annotations.Add("cluster_dim_x", launch.cluster[0]);
    annotations.Add("cluster_dim_y", launch.cluster[1]);
    annotations.Add("cluster_dim_z", launch.cluster[2]);
  }
}

// Shared allocations are pieces of one array, so that they lie where PlaceShared says.  Returns the
// bytes that the launch must give.
int64_t PlaceSharedBuffers(const kernel::Kernel& kernel, llvm::Module& module, Renderer& renderer) {
  const kernel::SharedPlacement placement = kernel::PlaceShared(kernel);
  if (placement.bytes == 0) return 0;
  const bool dynamic = placement.bytes > kStaticSharedBytes;
  auto* type = llvm::ArrayType::get(llvm::Type::getInt8Ty(module.getContext()),
                                    dynamic ? 0 : placement.bytes);
  auto* array = new llvm::GlobalVariable(
      module, type, /*isConstant=*/false,
      dynamic ? llvm::GlobalValue::ExternalLinkage : llvm::GlobalValue::InternalLinkage,
      dynamic ? nullptr : llvm::UndefValue::get(type), kernel.name() + "_shared", nullptr,
      llvm::GlobalValue::NotThreadLocal, kSharedSpace);
  array->setAlignment(llvm::Align(std::max(16, placement.alignment)));
  llvm::IRBuilder<>& b = renderer.builder();
  for (size_t i = 0; i < kernel.shared().size(); ++i) {
    renderer.SetBase(kernel.shared()[i],
                     b.CreateConstGEP1_64(b.getInt8Ty(), array, placement.offsets[i]));
  }
  return dynamic ? placement.bytes : 0;
}

absl::StatusOr<int64_t> RenderKernel(const kernel::Kernel& kernel, llvm::Module& module,
                                     const Target& target) {
  llvm::LLVMContext& context = module.getContext();
  llvm::IRBuilder<> b(context);
  MachineFeatures features;
  features.nvptx = true;
  features.capability = target.capability;
  const Elements elements(&b, features);
  std::vector<llvm::Type*> types;
  std::vector<int> maps;
  for (const kernel::Parameter& parameter : kernel.parameters()) {
    switch (parameter.kind) {
      case kernel::Parameter::Kind::kBuffer:
        types.push_back(b.getPtrTy(kGlobalSpace));
        break;
      case kernel::Parameter::Kind::kScalar: {
        llvm::Type* type = elements.Representation(parameter.value->type.element);
        types.push_back(type->isIntegerTy(1) ? b.getInt8Ty() : type);
        break;
      }
      case kernel::Parameter::Kind::kTensorMap:
        maps.push_back(static_cast<int>(types.size()) + 1);
        types.push_back(b.getPtrTy());
        break;
    }
  }
  auto* function =
      llvm::Function::Create(llvm::FunctionType::get(b.getVoidTy(), types, false),
                             llvm::GlobalValue::ExternalLinkage, kernel.name(), module);
  function->setCallingConv(llvm::CallingConv::PTX_Kernel);
  function->addFnAttr(llvm::Attribute::NoUnwind);
  function->addFnAttr(llvm::Attribute::Convergent);
  function->addFnAttr("no-builtins");
  Annotate(function, kernel.launch());
  AnnotateMaps(function, maps);

  llvm::BasicBlock::Create(context, "entry", function);
  Renderer renderer(kernel, function, features);
  for (size_t i = 0; i < types.size(); ++i) {
    const kernel::Parameter& parameter = kernel.parameters()[i];
    llvm::Argument* argument = function->getArg(i);
    argument->setName(parameter.name());
    if (parameter.kind == kernel::Parameter::Kind::kScalar) {
      const bool is_pred = parameter.value->type.element == ElementType::kPred;
      renderer.SetValue(parameter.value,
                        is_pred ? renderer.builder().CreateICmpNE(argument, b.getInt8(0))
                                : static_cast<Value*>(argument));
      continue;
    }
    if (parameter.kind == kernel::Parameter::Kind::kTensorMap) {
      auto* bytes = llvm::ArrayType::get(b.getInt8Ty(), kTensorMapBytes);
      argument->addAttr(llvm::Attribute::getWithByValType(context, bytes));
      argument->addAttr(
          llvm::Attribute::getWithAlignment(context, llvm::Align(kTensorMapAlignment)));
      renderer.SetMap(parameter.map, argument);
      continue;
    }
    const kernel::Buffer& buffer = *parameter.buffer;
    renderer.SetBase(&buffer, argument);
    argument->addAttr(llvm::Attribute::getWithAlignment(context, llvm::Align(buffer.alignment)));
    if (buffer.noalias) argument->addAttr(llvm::Attribute::NoAlias);
    if (buffer.readonly) argument->addAttr(llvm::Attribute::ReadOnly);
  }
  const int64_t shared = PlaceSharedBuffers(kernel, module, renderer);
  INGOT_RETURN_IF_ERROR(renderer.Render());
  renderer.builder().CreateRetVoid();
  return shared + kernel.launch().dynamic_shared_bytes;
}

}  // namespace

absl::StatusOr<PtxCode> CompileToPtx(const kernel::KernelModule& kernels, const Target& target,
                                     const CodegenOptions& options) {
  if (target.platform != Platform::kCuda) return InvalidArgument(target.name, " is not a GPU");
  if (!LlvmKnows(target)) {
    return Unimplemented("LLVM ", LlvmVersion(), " does not know ", target.name);
  }
  Compilation compilation(kernels, target);
  PtxCode code;
  for (const auto& kernel : kernels.kernels) {
    if (kernel->IsHost()) {
      return InvalidArgument("kernel ", kernel->name(), " is for the host, not for ", target.name);
    }
    INGOT_ASSIGN_OR_RETURN(const int64_t shared,
                           RenderKernel(*kernel, compilation.module(), target));
    code.dynamic_shared_bytes.push_back(shared);
  }
  INGOT_ASSIGN_OR_RETURN(code.ptx, compilation.Emit(llvm::CodeGenFileType::AssemblyFile,
                                                    options.keep_texts ? &code.texts : nullptr));
  return code;
}

}  // namespace ingot::codegen
