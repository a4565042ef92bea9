#include "passes/normalize_layouts.h"

#include <algorithm>

#include "ir/base/status.h"
#include "passes/fusion_util.h"

namespace ingot {
namespace {

// Logical dimensions in major-to-minor order: the permutation from logical to physical dimensions.
std::vector<int64_t> MajorToMinor(const Layout& layout) {
  return std::vector<int64_t>(layout.minor_to_major.rbegin(), layout.minor_to_major.rend());
}

bool HasOtherLayout(const Shape& shape) {
  return shape.IsArray() && shape.layout().has_value() && !shape.layout()->IsDefault();
}

Shape WithDefaultLayout(const Shape& shape) {
  if (shape.IsTuple()) {
    std::vector<Shape> elements;
    for (const Shape& element : shape.tuple_shapes())
      elements.push_back(WithDefaultLayout(element));
    return Shape::Tuple(std::move(elements));
  }
  Shape result = shape;
  if (shape.IsArray()) result.set_layout(Layout::Default(shape.rank()));
  return result;
}

// The shape whose row-major bytes are those of `shape` under its layout.
Shape Physical(const Shape& shape) {
  std::vector<int64_t> dimensions;
  for (int64_t dimension : MajorToMinor(shape.LayoutOrDefault()))
    dimensions.push_back(shape.dimension(dimension));
  return Shape::ArrayWithDefaultLayout(shape.element_type(), std::move(dimensions));
}

Instruction* Transpose(Instruction* x, const std::vector<int64_t>& permutation) {
  std::vector<int64_t> dimensions;
  for (int64_t dimension : permutation) dimensions.push_back(x->shape().dimension(dimension));
  return x->parent()->Add(
      Opcode::kTranspose,
      Shape::ArrayWithDefaultLayout(x->shape().element_type(), std::move(dimensions)), {x},
      DimensionsAttributes{permutation});
}

// The array in its physical order, as a row-major array.
Instruction* ToPhysical(Instruction* x, const Layout& layout) {
  return layout.IsDefault() ? x : Transpose(x, MajorToMinor(layout));
}

Instruction* FromPhysical(Instruction* x, const Layout& layout) {
  return layout.IsDefault() ? x : Transpose(x, InverseOf(MajorToMinor(layout)));
}

// bitcast: the same bytes under another shape and layout.
absl::Status ReplaceBitcast(Instruction* bitcast) {
  Computation* computation = bitcast->parent();
  Instruction* x = bitcast->operand(0);
  if (!x->shape().IsArray() || !bitcast->shape().IsArray() ||
      x->shape().element_type() != bitcast->shape().element_type() ||
      x->shape().ElementCount() != bitcast->shape().ElementCount()) {
    return Unimplemented(bitcast->name(), ": bitcast from ", x->shape().ToString(), " to ",
                         bitcast->shape().ToString(), " changes more than the shape");
  }
  Instruction* bytes = ToPhysical(x, x->shape().LayoutOrDefault());
  const Shape physical = Physical(bitcast->shape());
  Instruction* reshaped = computation->Add(Opcode::kReshape, physical, {bytes});
  computation->ReplaceAllUses(bitcast, FromPhysical(reshaped, bitcast->shape().LayoutOrDefault()));
  computation->Remove(bitcast);
  return absl::OkStatus();
}

bool NormalizeParameter(Instruction* parameter) {
  const Shape shape = parameter->shape();
  if (!HasOtherLayout(shape)) return false;
  parameter->set_shape(Physical(shape));
  // The uses move first: the transpose is itself a use of the parameter.
  Computation* computation = parameter->parent();
  Instruction* logical = FromPhysical(parameter, *shape.layout());
  computation->ReplaceAllUses(parameter, logical);
  return true;
}

bool NormalizeRoot(Computation* entry, const Shape& wanted) {
  Instruction* root = entry->root();
  if (HasOtherLayout(wanted)) {
    entry->set_root(ToPhysical(root, *wanted.layout()));
    return true;
  }
  if (!wanted.IsTuple()) return false;
  std::vector<Instruction*> elements;
  std::vector<Shape> shapes;
  bool changed = false;
  for (size_t i = 0; i < wanted.tuple_shapes().size(); ++i) {
    const Shape& element_shape = wanted.tuple_shapes()[i];
    Instruction* element =
        root->opcode() == Opcode::kTuple
            ? root->operand(static_cast<int64_t>(i))
            : entry->Add(Opcode::kGetTupleElement, root->shape().tuple_shapes()[i], {root},
                         TupleIndexAttributes{static_cast<int64_t>(i)});
    if (HasOtherLayout(element_shape)) {
      element = ToPhysical(element, *element_shape.layout());
      changed = true;
    }
    elements.push_back(element);
    shapes.push_back(element->shape());
  }
  if (changed)
    entry->set_root(
        entry->Add(Opcode::kTuple, Shape::Tuple(std::move(shapes)), std::move(elements)));
  return changed;
}

}  // namespace

// Algorithm:
// 1. Replace every bitcast, while the layouts that it speaks of are still there.
// 2. Give the entry's parameters and result their physical shapes.
// 3. State the row-major layout everywhere.
absl::StatusOr<bool> NormalizeLayouts(Module& module, const PassContext&) {
  bool changed = false;
  for (Computation* computation : module.computations()) {
    const std::vector<Instruction*> instructions = computation->instructions();
    for (Instruction* instruction : instructions) {
      if (instruction->opcode() != Opcode::kBitcast) continue;
      INGOT_RETURN_IF_ERROR(ReplaceBitcast(instruction));
      changed = true;
    }
  }
  Computation* entry = module.entry();
  const Shape result =
      module.entry_result_layout.empty() ? entry->root()->shape() : module.entry_result_layout[0];
  for (size_t i = 0; i < entry->parameters().size(); ++i) {
    Instruction* parameter = entry->parameters()[i];
    if (i < module.entry_parameter_layouts.size())
      parameter->set_shape(module.entry_parameter_layouts[i]);
    changed |= NormalizeParameter(parameter);
  }
  changed |= NormalizeRoot(entry, result);
  for (Computation* computation : module.computations()) {
    for (Instruction* instruction : computation->instructions()) {
      Shape shape = WithDefaultLayout(instruction->shape());
      if (shape == instruction->shape()) continue;
      instruction->set_shape(std::move(shape));
      changed = true;
    }
  }
  module.entry_parameter_layouts.clear();
  module.entry_result_layout.clear();
  return changed;
}

}  // namespace ingot
