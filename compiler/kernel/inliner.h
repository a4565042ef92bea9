// Which values of a kernel are written inside the expression that uses them: what a printer for
// people asks.
#ifndef INGOT_COMPILER_KERNEL_INLINER_H_
#define INGOT_COMPILER_KERNEL_INLINER_H_

#include <vector>

#include "compiler/kernel/kernel.h"

namespace ingot::kernel {

// Constants, scalar parameters and ids.
bool IsLeaf(const Operation& op);

// A value without a name and a comment that is used once, in its own block, is written there where
// nothing between can change it; leaves without a name always are.
class Inliner {
 public:
  explicit Inliner(const Kernel& kernel);

  bool IsInlined(const Operation& op) const {
    return (IsLeaf(op) && op.name.empty()) || facts_[op.id].inlined;
  }
  int Uses(const Operation& op) const { return facts_[op.id].uses; }
  // The statement that the operation is written in; null for leaves, which are in many.
  const Operation* StatementOf(const Operation& op) const { return facts_[op.id].root; }

 private:
  struct Fact {
    const Block* block = nullptr;
    int uses = 0;
    const Operation* user = nullptr;
    const Operation* root = nullptr;  // the statement that it is written in
    int changes = 0;        // operations before it in its block that may change what a read gives
    int loads = 0;          // operations before it in its block that read memory
    int load_uses = 0;      // operations before it in its block that use what those give
    int inlined_loads = 0;  // that are written in this statement
    int depth = 0;
    bool inlined = false;
  };

  void Scan(const Block& block);
  bool KeepsOrder(const Operation& op, const Fact& fact) const;
  void Decide(const Block& block);

  std::vector<Fact> facts_;  // by operation id
};

}  // namespace ingot::kernel

#endif  // INGOT_COMPILER_KERNEL_INLINER_H_
