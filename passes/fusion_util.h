// What passes share.
#ifndef INGOT_PASSES_FUSION_UTIL_H_
#define INGOT_PASSES_FUSION_UTIL_H_

#include <functional>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "ir/module.h"

namespace ingot {

// Whether a kernel computes this instruction (it is not structure, control flow, a transfer, or
// another name for its operand's bytes).
bool NeedsKernel(const Instruction& instruction);

// Whether every kernel that asks for the value had best read the operand in its place, whoever else
// does: a broadcast, a slice of at least a quarter of the elements, reshapes of these.
bool IsReadThroughBest(const Instruction& instruction);

// x with its dimensions in the order of the permutation, as a transpose has it; x itself where that
// is the order they are in.
Instruction* TransposeOf(Instruction* x, std::vector<int64_t> permutation);

// The first elements of each dimension of x, so many; x itself where those are all.
Instruction* FirstOf(Instruction* x, const std::vector<int64_t>& sizes);

// x with zeros before and behind it, none between its elements; x itself where the padding is none.
Instruction* ZeroPadded(Instruction* x, const Padding& padding);

// The permutation that undoes another.
std::vector<int64_t> InverseOf(const std::vector<int64_t>& permutation);

// Whether it is a dot of two dense operands whose algorithm is the compiler's choice.
bool IsPlainDot(const Instruction& instruction);

// Whether the computation runs as commands, one after the other: the entry, and the bodies,
// conditions and branches of control flow in such computations.  Bodies of fusions and reductions
// are inside a kernel.
std::vector<Computation*> SequentialComputations(const Module& module);

// Replaces each instruction of the module's sequential computations for which `replacement` makes
// another one, in the same computation; nullptr: it stays.  Says whether there was any.
bool ReplaceEach(Module& module,
                 const std::function<Instruction*(Computation&, const Instruction&)>& replacement);

// Moves `members` into a new fusion whose results replace `roots`: its own value where there is
// one, else the elements of its tuple.  `members` is in topological order and holds the roots, and
// no other member has a user outside; operands that are not members become parameters: several of
// one that is read in several orders, where nothing accumulates, so that plans see an array for
// each (x and the other x of x + transpose(x)).  Members
// that other users still need are the caller's matter: they are copied, and removed here only when
// nobody uses them any more.  Members, results and parameters are in an order of their own, which
// does not depend on where they stood, so that equal fusions are the same computation.
Instruction* Outline(Computation& computation, absl::Span<Instruction* const> members,
                     absl::Span<Instruction* const> roots, absl::string_view name);

}  // namespace ingot

#endif  // INGOT_PASSES_FUSION_UTIL_H_
