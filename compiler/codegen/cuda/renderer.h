// CudaRenderer: one kernel as a function of CUDA C++.
#ifndef INGOT_COMPILER_CODEGEN_CUDA_RENDERER_H_
#define INGOT_COMPILER_CODEGEN_CUDA_RENDERER_H_

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "compiler/codegen/cuda/assembly.h"
#include "compiler/codegen/cuda/names.h"
#include "compiler/codegen/cuda/types.h"
#include "compiler/kernel/inliner.h"
#include "compiler/kernel/kernel.h"

namespace ingot::codegen {

class CudaRenderer {
 public:
  // What is used of `types` and `assembly` is declared before the function; both outlive this.
  CudaRenderer(const kernel::Kernel& kernel, CudaTypes* types, CudaAssembly* assembly);

  // The function, whose name is CudaEntryName's.
  std::string Render();
  // That the launch must give; after Render.
  int64_t dynamic_shared_bytes() const { return dynamic_shared_bytes_; }

 private:
  // A piece of an expression, and whether it needs parentheses beside an operator.
  struct Expression {
    std::string text;
    bool is_infix = false;
  };

  // --- the head
  std::string ParameterText(const kernel::Parameter& parameter);
  std::string LaunchText() const;
  void RenderShared();
  void RenderIds();

  // --- expressions.cc
  bool IsInlined(const kernel::Operation& op) const;
  std::string Operand(const kernel::Operation* value);
  // An operand of an operator.
  std::string Primary(const kernel::Operation* value);
  std::string Operands(const kernel::Operation& op, size_t first = 0);
  Expression ExpressionOf(const kernel::Operation& op);
  Expression RowText(const kernel::Operation& op);
  std::string ConstantText(kernel::Type type, uint64_t bits);
  std::string VectorText(const kernel::Operation& op);
  std::string LoadText(const kernel::Operation& op);
  std::string StoreText(const kernel::Operation& op);
  std::string AtomicOperation(const kernel::Operation& op);
  std::string IntrinsicCall(const kernel::Operation& op);
  std::string Place(const kernel::Buffer* buffer, const kernel::Operation* index);
  std::string VarText(const kernel::Operation& op);

  // --- statements
  void RenderBlock(const kernel::Block& block);
  void RenderStatement(const kernel::Operation& op);
  void RenderFor(const kernel::Operation& op);
  void RenderWhile(const kernel::Operation& op);
  void RenderIf(const kernel::Operation& op);
  void RenderRoles(const kernel::Operation& op);
  void Body(const kernel::Block& block);
  // The operand as a name or a number that stays what it is now.
  std::string Bound(const kernel::Operation* value, absl::string_view name);
  // A line at the present depth, broken where it is too long.
  void Line(absl::string_view text);
  void Comment(const kernel::Operation& op);

  // --- names
  static std::string IdKey(const kernel::Operation& op);
  const std::string& NameOf(const kernel::Operation& op);
  const std::string& NameOf(const kernel::Buffer* buffer);
  const std::string& NameOf(const kernel::Var* var);
  const std::string& NameOf(const kernel::MapParameter* map);

  const kernel::Kernel& kernel_;
  CudaTypes& types_;
  CudaAssembly& assembly_;
  kernel::Inliner inliner_;
  CudaNames names_;
  std::vector<std::string> values_;  // names, by operation id
  absl::flat_hash_map<const kernel::Buffer*, std::string> buffers_;
  absl::flat_hash_map<const kernel::Var*, std::string> vars_;
  absl::flat_hash_map<const kernel::MapParameter*, std::string> maps_;
  absl::flat_hash_map<std::string, std::string> ids_;  // IdKey → its name
  absl::flat_hash_set<int32_t> named_hlos_;
  int32_t hlo_ = -1;  // of the last comment
  int depth_ = 1;
  int64_t dynamic_shared_bytes_ = 0;
  std::string out_;
};

}  // namespace ingot::codegen

#endif  // INGOT_COMPILER_CODEGEN_CUDA_RENDERER_H_
