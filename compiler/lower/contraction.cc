// dot and convolution: folds of products.
#include <algorithm>
#include <optional>

#include "compiler/lower/emitter.h"
#include "compiler/lower/fold.h"
#include "compiler/lower/scalar.h"
#include "compiler/lower/window_position.h"
#include "ir/analysis/op_facts.h"

namespace ingot::lower {

using kernel::Value;

namespace {

// A pair of elements to be multiplied, at the fold's coordinates.
struct Factors {
  Element lhs;
  Element rhs;
};

using FactorsAt = std::function<Factors(const std::vector<Value>& at, int lanes)>;

// The step of a sum of products of `instruction`'s operands.
decltype(Fold::step) AddProduct(ElementEmitter& e, const Instruction& instruction,
                                FactorsAt factors) {
  const ElementType sum = plan::SumType(instruction.shape().element_type());
  const ElementType lhs = instruction.operand(0)->shape().element_type();
  const ElementType rhs = instruction.operand(1)->shape().element_type();
  return [&e, sum, lhs, rhs, factors = std::move(factors)](
             const std::vector<ElementVar>& sums, const std::vector<Value>& at, int inner) {
    const Factors f = factors(at, inner);
    e.Write(sums[0], MultiplyAdd(e, sum, e.Convert(f.lhs, lhs, sum), e.Convert(f.rhs, rhs, sum),
                                 e.Read(sums[0])));
  };
}

// Sets up start, combine and step of a sum of products; the operands are of `instruction`.
void SetProducts(ElementEmitter& e, const Instruction& instruction, int lanes, FactorsAt factors,
                 Fold* fold) {
  const ElementType sum = plan::SumType(instruction.shape().element_type());
  fold->start = {e.Broadcast(e.Zero(sum), lanes)};
  fold->combine = [&e, sum](const Elements& a, const Elements& b) {
    return Elements{Combine(e, Opcode::kAdd, sum, a[0], b[0])};
  };
  fold->step = AddProduct(e, instruction, std::move(factors));
}

Elements Round(ElementEmitter& e, const Instruction& instruction, const Elements& sums) {
  const ElementType type = instruction.shape().element_type();
  return {e.Convert(sums[0], plan::SumType(type), type)};
}

// ----- dot

// With which lanes the two operands are read at one step.
using OperandLanes = std::optional<std::vector<plan::Lanes>>;

// One side of a dot: which of its dimensions is which, and where the output's free dimensions of it
// begin.
struct Side {
  const Instruction* operand;
  const std::vector<int64_t>* batch;
  const std::vector<int64_t>* contracting;
  std::vector<int64_t> free;
  int64_t first_free;  // dimension of the output

  Side(const Instruction* operand, const std::vector<int64_t>* batch,
       const std::vector<int64_t>* contracting, int64_t first_free)
      : operand(operand),
        batch(batch),
        contracting(contracting),
        free(FreeDimensions(operand->shape(), *batch, *contracting)),
        first_free(first_free) {}

  // The operand's index for output `index` and contracting coordinates `at`.
  Index At(const Index& index, const std::vector<Value>& at, const plan::Lanes& lanes) const {
    Index result;
    result.dims.assign(operand->shape().rank(), nullptr);
    for (size_t i = 0; i < batch->size(); ++i) result.dims[(*batch)[i]] = index.dims[i];
    for (size_t i = 0; i < free.size(); ++i) result.dims[free[i]] = index.dims[first_free + i];
    for (size_t i = 0; i < contracting->size(); ++i) result.dims[(*contracting)[i]] = at[i];
    result.lane = lanes;
    return result;
  }
};

Elements EmitDot(ElementEmitter& e, const Instruction& dot, const Index& index) {
  if (dot.operand_count() != 2) {
    e.Unsupported(dot, "sparse operands are not lowered");
    return {};
  }
  const DotAttributes& attributes = dot.attributes<DotAttributes>();
  const std::optional<Index> outer = e.math().WithDims(index, dot.shape().dimensions());
  const OperandLanes read = plan::OperandLanes(dot, index.lane);
  if (!outer.has_value() || !read.has_value()) return {};
  const int64_t batch = static_cast<int64_t>(attributes.lhs_batch_dims.size());
  const Side lhs(dot.operand(0), &attributes.lhs_batch_dims, &attributes.lhs_contracting_dims,
                 batch);
  const Side rhs(dot.operand(1), &attributes.rhs_batch_dims, &attributes.rhs_contracting_dims,
                 batch + static_cast<int64_t>(lhs.free.size()));
  Fold fold;
  for (int64_t d : attributes.lhs_contracting_dims) {
    fold.extents.push_back(dot.operand(0)->shape().dimension(d));
  }
  fold.Follow(e.context().PlanOf(dot), outer->lanes());
  SetProducts(
      e, dot, outer->lanes(),
      [&](const std::vector<Value>& at, int lanes) {
        const std::vector<plan::Lanes> lane = lanes > 1 ? *plan::InnerLanes(dot, lanes) : *read;
        return Factors{e.Emit(*lhs.operand, lhs.At(*outer, at, lane[0])),
                       e.Emit(*rhs.operand, rhs.At(*outer, at, lane[1]))};
      },
      &fold);
  return Round(e, dot, RunFold(e, fold));
}

// ----- convolution

class Convolution {
 public:
  Convolution(ElementEmitter* e, const Instruction& convolution, const Index& index)
      : e_(*e),
        instruction_(convolution),
        attributes_(convolution.attributes<ConvolutionAttributes>()),
        labels_(attributes_.dim_labels),
        input_(*convolution.operand(0)),
        kernel_(*convolution.operand(1)),
        index_(index) {
    const Shape& output = convolution.shape();
    outputs_per_feature_group_ =
        output.dimension(labels_.output_feature) / attributes_.feature_group_count;
    outputs_per_batch_group_ =
        output.dimension(labels_.output_feature) / attributes_.batch_group_count;
    inputs_per_group_ = kernel_.shape().dimension(labels_.kernel_input_feature);
    batches_per_group_ =
        input_.shape().dimension(labels_.input_batch) / attributes_.batch_group_count;
  }

  // Coordinates of the fold: the kernel's spatial dimensions, then its input features.
  Elements Emit(const std::vector<plan::Lanes>& read) {
    Fold fold;
    for (int64_t d : labels_.kernel_spatial) {
      fold.extents.push_back(kernel_.shape().dimension(d));
    }
    fold.extents.push_back(inputs_per_group_);
    fold.Follow(e_.context().PlanOf(instruction_), index_.lanes());
    fold.guard = [&](size_t level, const std::vector<Value>& at) -> Value {
      return level < labels_.kernel_spatial.size() ? Inside(level, at) : nullptr;
    };
    const auto lanes_of = [&](int lanes) {
      return lanes > 1 ? *plan::InnerLanes(instruction_, lanes) : read;
    };
    SetProducts(
        e_, instruction_, index_.lanes(),
        [&](const std::vector<Value>& at, int lanes) {
          const std::vector<plan::Lanes> lane = lanes_of(lanes);
          return Factors{e_.Emit(input_, InputIndex(at, lane[0])),
                         e_.Emit(kernel_, KernelIndex(at, lane[1]))};
        },
        &fold);
    if (CountsPadding(instruction_)) {
      fold.step_outside =
          AddProduct(e_, instruction_, [&](const std::vector<Value>& at, int lanes) {
            return Factors{e_.Zero(input_.shape().element_type()),
                           e_.Emit(kernel_, KernelIndex(at, lanes_of(lanes)[1]))};
          });
    }
    return Round(e_, instruction_, RunFold(e_, fold));
  }

 private:
  // Position in the dilated, padded input.
  Value Position(size_t s, const std::vector<Value>& at) {
    return WindowPosition(e_.math(), attributes_.window.dimensions[s],
                          index_.dims[labels_.output_spatial[s]], at[s]);
  }

  Value Inside(size_t s, const std::vector<Value>& at) {
    const WindowDimension& window = attributes_.window.dimensions[s];
    const int64_t size = input_.shape().dimension(labels_.input_spatial[s]);
    const int64_t outputs = instruction_.shape().dimension(labels_.output_spatial[s]);
    if (plan::AlwaysInside(window, size, outputs)) return nullptr;
    return IsInside(e_.math(), window, size, Position(s, at));
  }

  Index InputIndex(const std::vector<Value>& at, const plan::Lanes& lane) {
    IndexMath& math = e_.math();
    Index result;
    result.dims.assign(input_.shape().rank(), nullptr);
    for (size_t s = 0; s < labels_.input_spatial.size(); ++s) {
      result.dims[labels_.input_spatial[s]] =
          math.Div(Position(s, at), attributes_.window.dimensions[s].base_dilation);
    }
    const Value feature = index_.dims[labels_.output_feature];
    Value batch = index_.dims[labels_.output_batch];
    if (attributes_.batch_group_count > 1) {
      const Value group = math.Div(feature, outputs_per_batch_group_);
      batch = e_.b().Add(math.Mul(group, batches_per_group_), batch);
    }
    result.dims[labels_.input_batch] = batch;
    Value input_feature = at.back();
    if (attributes_.feature_group_count > 1) {
      const Value group = math.Div(feature, outputs_per_feature_group_);
      input_feature = e_.b().Add(math.Mul(group, inputs_per_group_), input_feature);
    }
    result.dims[labels_.input_feature] = input_feature;
    result.lane = lane;
    return result;
  }

  Index KernelIndex(const std::vector<Value>& at, const plan::Lanes& lane) {
    Index result;
    result.dims.assign(kernel_.shape().rank(), nullptr);
    for (size_t s = 0; s < labels_.kernel_spatial.size(); ++s) {
      const WindowDimension& window = attributes_.window.dimensions[s];
      result.dims[labels_.kernel_spatial[s]] =
          window.reversal ? e_.b().Sub(e_.math().Const(window.size - 1), at[s]) : at[s];
    }
    result.dims[labels_.kernel_input_feature] = at.back();
    result.dims[labels_.kernel_output_feature] = index_.dims[labels_.output_feature];
    result.lane = lane;
    return result;
  }

  ElementEmitter& e_;
  const Instruction& instruction_;
  const ConvolutionAttributes& attributes_;
  const ConvolutionDimensions& labels_;
  const Instruction& input_;
  const Instruction& kernel_;
  const Index& index_;
  int64_t outputs_per_feature_group_;
  int64_t outputs_per_batch_group_;
  int64_t inputs_per_group_;
  int64_t batches_per_group_;
};

Elements EmitConvolution(ElementEmitter& e, const Instruction& instruction, const Index& index) {
  const std::optional<Index> outer = e.math().WithDims(index, instruction.shape().dimensions());
  const OperandLanes read = plan::OperandLanes(instruction, index.lane);
  if (!outer.has_value() || !read.has_value()) return {};
  return Convolution(&e, instruction, *outer).Emit(*read);
}

constexpr OpTableRow kRows[] = {
    {Opcode::kConvolution, EmitConvolution},
    {Opcode::kDot, EmitDot},
    {Opcode::kRaggedDot, Unexpanded},
    {Opcode::kScaledDot, Unexpanded},
};
static_assert(IsTableOf(OpKind::kContraction, kRows));

}  // namespace

Elements EmitContraction(ElementEmitter& e, const Instruction& instruction, const Index& index) {
  return FunctionOf(kRows, instruction.opcode())(e, instruction, index);
}

}  // namespace ingot::lower
