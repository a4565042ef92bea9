// reduce, reduce-window, select-and-scatter: folds of an operand's elements.
#include <algorithm>
#include <optional>

#include "compiler/lower/combination.h"
#include "compiler/lower/emitter.h"
#include "compiler/lower/fold.h"
#include "compiler/lower/scalar.h"
#include "compiler/lower/window_position.h"

namespace ingot::lower {

using kernel::Value;

namespace {

// Sets up fold.start, combine and step, for accumulators of `lanes` lanes; `values` gives the
// operands' elements at the fold's coordinates.
using Values = std::function<Elements(const std::vector<Value>& at, int lanes)>;
void SetCombination(ElementEmitter& e, const Instruction& instruction,
                    const Combination& combination, int lanes, const Values& values, Fold* fold) {
  if (combination.simple.has_value()) {
    const Opcode opcode = *combination.simple;
    const ElementType type = combination.types[0];
    const ElementType compute = ComputeType(type);
    fold->start = {e.Broadcast(*IdentityOf(e, opcode, compute), lanes)};
    fold->combine = [&e, opcode, compute](const Elements& a, const Elements& b) {
      return Elements{Combine(e, opcode, compute, a[0], b[0])};
    };
    fold->step = [&e, opcode, type, compute, values](const std::vector<ElementVar>& sums,
                                                     const std::vector<Value>& at, int inner) {
      const Element value = e.Convert(values(at, inner)[0], type, compute);
      e.Write(sums[0], Combine(e, opcode, compute, e.Read(sums[0]), value));
    };
    return;
  }
  for (const Element& initial : combination.initial) {
    fold->start.push_back(e.Broadcast(initial, lanes));
  }
  fold->step = [&e, &instruction, &combination, values](const std::vector<ElementVar>& sums,
                                                        const std::vector<Value>& at, int inner) {
    const Elements arguments = e.Read(sums);
    e.Write(sums, combination.Apply(e, instruction, arguments, values(at, inner)));
  };
}

Elements EmitReduce(ElementEmitter& e, const Instruction& reduce, const Index& index) {
  const Shape& operand = reduce.operand(0)->shape();
  const int64_t inputs = reduce.operand_count() / 2;
  std::vector<int64_t> reduced = reduce.dimensions();
  std::sort(reduced.begin(), reduced.end());
  std::vector<int64_t> kept;
  std::vector<int64_t> kept_sizes;
  for (int64_t d = 0; d < operand.rank(); ++d) {
    if (std::binary_search(reduced.begin(), reduced.end(), d)) continue;
    kept.push_back(d);
    kept_sizes.push_back(operand.dimension(d));
  }
  const std::optional<Index> outer = e.math().WithDims(index, kept_sizes);
  const auto read = plan::OperandLanes(reduce, index.lane);
  if (!outer.has_value() || !read.has_value()) return {};
  const Combination combination = CombinationOf(e, reduce);
  const auto values = [&](const std::vector<Value>& at, int lanes) {
    Index inner;
    inner.dims.assign(operand.rank(), nullptr);
    for (size_t i = 0; i < kept.size(); ++i) inner.dims[kept[i]] = outer->dims[i];
    for (size_t i = 0; i < reduced.size(); ++i) inner.dims[reduced[i]] = at[i];
    inner.lane = lanes > 1 ? (*plan::InnerLanes(reduce, lanes))[0] : (*read)[0];
    Elements result;
    for (int64_t i = 0; i < inputs; ++i) result.push_back(e.Emit(*reduce.operand(i), inner));
    return result;
  };
  Fold fold;
  for (int64_t d : reduced) fold.extents.push_back(operand.dimension(d));
  fold.Follow(e.context().PlanOf(reduce), outer->lanes());
  SetCombination(e, reduce, combination, outer->lanes(), values, &fold);
  return combination.Finish(e, RunFold(e, fold));
}

}  // namespace

Elements EmitReduceOfOne(ElementEmitter& e, const Instruction& reduce, const Index& index) {
  const Combination combination = CombinationOf(e, reduce);
  Elements elements;
  for (int64_t i = 0; i < reduce.operand_count() / 2; ++i) {
    elements.push_back(e.EmitOperand(reduce, i, index));
  }
  elements = combination.Accumulators(e, std::move(elements));
  if (combination.simple.has_value()) return combination.Finish(e, std::move(elements));
  return combination.Apply(e, reduce, combination.initial, elements);
}

namespace {

// ----- Windows

Elements EmitReduceWindow(ElementEmitter& e, const Instruction& instruction, const Index& index) {
  const std::vector<WindowDimension>& window =
      instruction.attributes<WindowAttributes>().window.dimensions;
  const Shape& operand = instruction.operand(0)->shape();
  const Shape& result =
      instruction.shape().IsTuple() ? instruction.shape().tuple_shapes()[0] : instruction.shape();
  const int64_t inputs = instruction.operand_count() / 2;
  const std::optional<Index> outer = e.math().WithDims(index, result.dimensions());
  const auto read = plan::OperandLanes(instruction, index.lane);
  if (!outer.has_value() || !read.has_value()) return {};
  const Combination combination = CombinationOf(e, instruction);
  const auto position = [&](size_t d, const std::vector<Value>& at) {
    const Value tap =
        window[d].reversal ? e.b().Sub(e.math().Const(window[d].size - 1), at[d]) : at[d];
    return WindowPosition(e.math(), window[d], outer->dims[d], tap);
  };
  const auto values = [&](const std::vector<Value>& at, int) {
    Index inner;
    for (int64_t d = 0; d < operand.rank(); ++d) {
      inner.dims.push_back(e.math().Div(position(d, at), window[d].base_dilation));
    }
    inner.lane = (*read)[0];
    Elements elements;
    for (int64_t i = 0; i < inputs; ++i) {
      elements.push_back(e.Emit(*instruction.operand(i), inner));
    }
    return elements;
  };
  Fold fold;
  for (const WindowDimension& dimension : window) fold.extents.push_back(dimension.size);
  fold.guard = [&](size_t d, const std::vector<Value>& at) -> Value {
    if (plan::AlwaysInside(window[d], operand.dimension(d), result.dimension(d))) return nullptr;
    return IsInside(e.math(), window[d], operand.dimension(d), position(d, at));
  };
  SetCombination(e, instruction, combination, outer->lanes(), values, &fold);
  return combination.Finish(e, RunFold(e, fold));
}

// ----- select-and-scatter

// For each element of the operand, the windows that it lies in are walked in the order of the
// source; it takes the source's element of those windows that select it.
class SelectAndScatter {
 public:
  SelectAndScatter(ElementEmitter* e, const Instruction& instruction, const Index& index)
      : e_(*e),
        instruction_(instruction),
        operand_(*instruction.operand(0)),
        source_(*instruction.operand(1)),
        window_(instruction.attributes<WindowAttributes>().window.dimensions),
        index_(index) {}

  Elements Emit() {
    const int64_t rank = operand_.shape().rank();
    Fold fold;
    for (const WindowDimension& dimension : window_) fold.extents.push_back(dimension.size);
    fold.start = {e_.EmitScalar(*instruction_.operand(2))};
    fold.guard = [&](size_t d, const std::vector<Value>& at) { return WindowExists(d, at); };
    fold.step = [&](const std::vector<ElementVar>& sums, const std::vector<Value>& at, int) {
      Index window;
      for (int64_t d = 0; d < rank; ++d) {
        window.dims.push_back(e_.math().Div(Start(d, at), window_[d].stride));
      }
      e_.If(Selects(window), [&] {
        const Element source = e_.Emit(source_, window);
        e_.Write(sums[0],
                 e_.Call(*instruction_.called_computations()[1], {e_.Read(sums[0]), source})[0]);
      });
    };
    return RunFold(e_, fold);
  }

 private:
  // stride * (number of the window in which the element is at offset size - 1 - at[d]); the offset
  // goes down so that the windows go up.
  Value Start(size_t d, const std::vector<Value>& at) {
    const Value offset = e_.b().Sub(e_.math().Const(window_[d].size - 1), at[d]);
    return e_.b().Sub(e_.math().Add(index_.dims[d], window_[d].padding_low), offset);
  }

  Value WindowExists(size_t d, const std::vector<Value>& at) {
    kernel::Builder& b = e_.b();
    const Value start = Start(d, at);
    const int64_t windows = source_.shape().dimension(d);
    Value exists = b.And(b.Ge(start, e_.math().Const(0)),
                         b.Lt(start, e_.math().Const(windows * window_[d].stride)));
    if (window_[d].stride > 1) {
      exists = b.And(exists, b.Eq(e_.math().Rem(start, window_[d].stride), e_.math().Const(0)));
    }
    return exists;
  }

  // Whether `window` selects this element: the first element stays selected as long as
  // select(selected, next) holds.
  Value Selects(const Index& window) {
    kernel::Builder& b = e_.b();
    const Shape& shape = operand_.shape();
    const ElementVar selected = e_.Declare("selected", e_.Zero(shape.element_type()));
    const ElementVar number = e_.Declare("number", {e_.math().Const(-1), nullptr});
    Fold scan;
    for (const WindowDimension& dimension : window_) scan.extents.push_back(dimension.size);
    const auto position = [&](size_t d, const std::vector<Value>& at) {
      return WindowPosition(e_.math(), window_[d], window.dims[d], at[d]);
    };
    scan.guard = [&](size_t d, const std::vector<Value>& at) {
      return IsInside(e_.math(), window_[d], shape.dimension(d), position(d, at));
    };
    scan.step = [&](const std::vector<ElementVar>&, const std::vector<Value>& at, int) {
      Index next;
      for (size_t d = 0; d < window_.size(); ++d) next.dims.push_back(position(d, at));
      const Element value = e_.Emit(operand_, next);
      const Value keep =
          e_.Call(*instruction_.called_computations()[0], {e_.Read(selected), value})[0].re;
      const Value none = b.Lt(e_.Read(number).re, e_.math().Const(0));
      e_.If(b.Or(none, b.Not(keep)), [&] {
        e_.Write(selected, value);
        e_.Write(number, {e_.math().Linear(next, shape.dimensions()), nullptr});
      });
    };
    RunFold(e_, scan);
    Index self;
    self.dims = index_.dims;
    return b.Eq(e_.Read(number).re, e_.math().Linear(self, shape.dimensions()));
  }

  ElementEmitter& e_;
  const Instruction& instruction_;
  const Instruction& operand_;
  const Instruction& source_;
  const std::vector<WindowDimension>& window_;
  const Index& index_;
};

Elements EmitSelectAndScatter(ElementEmitter& e, const Instruction& instruction,
                              const Index& index) {
  if (index.lanes() > 1) return {};
  const Index with_dims = *e.math().WithDims(index, instruction.shape().dimensions());
  return SelectAndScatter(&e, instruction, with_dims).Emit();
}

constexpr OpTableRow kRows[] = {
    {Opcode::kBatchNormGrad, Unexpanded},
    {Opcode::kBatchNormInference, Unexpanded},
    {Opcode::kBatchNormTraining, Unexpanded},
    {Opcode::kReduce, EmitReduce},
    {Opcode::kReduceWindow, EmitReduceWindow},
    {Opcode::kScan, OnlyAsRoot},
    {Opcode::kSelectAndScatter, EmitSelectAndScatter},
};
static_assert(IsTableOf(OpKind::kReduction, kRows));

}  // namespace

Elements EmitReduction(ElementEmitter& e, const Instruction& instruction, const Index& index) {
  return FunctionOf(kRows, instruction.opcode())(e, instruction, index);
}

}  // namespace ingot::lower
