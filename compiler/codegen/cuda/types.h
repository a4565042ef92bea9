// The names of kernel IR's types in CUDA C++, and declarations of those that are used.
#ifndef INGOT_COMPILER_CODEGEN_CUDA_TYPES_H_
#define INGOT_COMPILER_CODEGEN_CUDA_TYPES_H_

#include <set>
#include <string>

#include "compiler/kernel/types.h"
#include "ir/base/element_type.h"

namespace ingot::codegen {

// Names are kernel IR's: "f32", "bf16x8".  elements.h has the native element types; what else is
// named is remembered.
class CudaTypes {
 public:
  std::string Name(ElementType element);
  std::string Name(kernel::Type type);

  // A line for each type that was named and is not native: elements first.
  std::string Declarations() const;

 private:
  std::set<ElementType> narrow_;
  std::set<std::pair<ElementType, int>> vectors_;  // element, lanes
};

}  // namespace ingot::codegen

#endif  // INGOT_COMPILER_CODEGEN_CUDA_TYPES_H_
