#include "compiler/plan/cost.h"

#include <algorithm>
#include <cmath>

#include "compiler/plan/analysis.h"

namespace ingot::plan {
namespace {

constexpr double kMaxCount = 9e18;
constexpr double kRandomNumber = 20;

double ElementsOf(const Shape& shape) {
  double elements = 0;
  for (const Shape& leaf : Leaves(shape)) {
    if (leaf.IsArray()) elements += static_cast<double>(leaf.ElementCount());
  }
  return elements;
}

double WindowSize(const Instruction& instruction) {
  double size = 1;
  for (const WindowDimension& dimension :
       instruction.attributes<WindowAttributes>().window.dimensions) {
    size *= static_cast<double>(dimension.size);
  }
  return size;
}

double ReductionCost(const Instruction& instruction) {
  const double elements = ElementsOf(instruction.shape());
  if (instruction.opcode() == Opcode::kReduce || instruction.opcode() == Opcode::kScan) {
    return std::max(elements, ElementsOf(instruction.operand(0)->shape()));
  }
  if (instruction.opcode() == Opcode::kReduceWindow) return elements * WindowSize(instruction);
  if (instruction.opcode() == Opcode::kSelectAndScatter) {
    return elements * WindowSize(instruction) * WindowSize(instruction);
  }
  return elements;
}

double ContractionCost(const Instruction& instruction) {
  const double outputs = ElementsOf(instruction.shape());
  const Shape& rhs = instruction.operand(1)->shape();
  double terms = 1;
  if (instruction.opcode() == Opcode::kDot) {
    for (int64_t d : instruction.attributes<DotAttributes>().rhs_contracting_dims) {
      terms *= static_cast<double>(rhs.dimension(d));
    }
  } else if (instruction.opcode() == Opcode::kConvolution) {
    const auto& labels = instruction.attributes<ConvolutionAttributes>().dim_labels;
    const double features = static_cast<double>(rhs.dimension(labels.kernel_output_feature));
    terms = ElementsOf(rhs) / std::max(1.0, features);
  }
  return 2 * outputs * terms;
}

double SortCost(const Instruction& instruction) {
  const double elements = ElementsOf(instruction.operand(0)->shape());
  return 4 * elements * std::max(1.0, std::log2(std::max(1.0, elements)));
}

double Cost(const Instruction& instruction) {
  switch (instruction.kind()) {
    case OpKind::kElementwise:
      return ElementsOf(instruction.shape());
    case OpKind::kReduction:
      return ReductionCost(instruction);
    case OpKind::kContraction:
      return ContractionCost(instruction);
    case OpKind::kIndexing:
      return instruction.opcode() == Opcode::kScatter
                 ? ElementsOf(instruction.operands().back()->shape()) +
                       ElementsOf(instruction.shape())
                 : ElementsOf(instruction.shape());
    case OpKind::kSorting:
      return SortCost(instruction);
    case OpKind::kRandom:
      return ElementsOf(instruction.shape()) * kRandomNumber;
    case OpKind::kDataMovement:
    case OpKind::kLinearAlgebra:
    case OpKind::kStructure:
    case OpKind::kControlFlow:
    case OpKind::kCollective:
    case OpKind::kExternal:
      return 0;
  }
  return 0;
}

// Of a parameter; of one that only slices read, theirs.
double BytesRead(const Instruction& parameter) {
  const auto all = static_cast<double>(parameter.shape().ByteSize());
  double slices = 0;
  for (const Instruction* user : parameter.users()) {
    const bool is_slice =
        user->opcode() == Opcode::kSlice || user->opcode() == Opcode::kDynamicSlice;
    if (!is_slice || user->operand(0) != &parameter) return all;
    slices += static_cast<double>(user->shape().ByteSize());
  }
  return std::min(all, slices);
}

}  // namespace

int64_t FlopsOf(const Instruction& instruction) {
  return static_cast<int64_t>(std::min(kMaxCount, Cost(instruction)));
}

int64_t BytesOf(const Computation& fusion) {
  double bytes = static_cast<double>(fusion.root()->shape().ByteSize());
  for (const Instruction* parameter : fusion.parameters()) {
    bytes += BytesRead(*parameter);
  }
  return static_cast<int64_t>(std::min(kMaxCount, bytes));
}

}  // namespace ingot::plan
