// Integers that are ordered as a sort's elements are (ir/analysis/sort_order.h).
#ifndef INGOT_COMPILER_LOWER_SORT_KEYS_H_
#define INGOT_COMPILER_LOWER_SORT_KEYS_H_

#include <vector>

#include "compiler/kernel/expr.h"
#include "ir/analysis/sort_order.h"
#include "ir/base/element_type.h"

namespace ingot::lower {

// The key of an element of `type`: a u32, or a u64 where the type has 64 bits.  Elements are in the
// order of `key` as their keys are in that of integers.
kernel::Expr KeyOf(const SortKey& key, ElementType type, kernel::Expr element);

// KeyOf, as a number of as many bits as the type has (pred: 1), in the lower bits of that type.
kernel::Expr NarrowKeyOf(const SortKey& key, ElementType type, kernel::Expr element);

// The keys that elements of several bits have: of zeros, and of NaNs, where these tie.
std::vector<kernel::Expr> TiedKeys(kernel::Builder& builder, const SortKey& key, ElementType type);

// The element of which `value` is the key; one of those, if there are several.
kernel::Expr ElementOfKey(const SortKey& key, ElementType type, kernel::Expr value);

}  // namespace ingot::lower

#endif  // INGOT_COMPILER_LOWER_SORT_KEYS_H_
