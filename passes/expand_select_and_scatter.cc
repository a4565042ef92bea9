#include "passes/expand_select_and_scatter.h"

#include <limits>
#include <utility>
#include <vector>

#include "ir/analysis/op_facts.h"
#include "passes/fusion_util.h"
#include "passes/inline_body.h"

namespace ingot {
namespace {

constexpr int64_t kMostTerms = 32;
constexpr int64_t kMostStride = 1 << 20;

class Expansion {
 public:
  Expansion(Module& module, Computation& computation, const Instruction& instruction)
      : module_(module),
        computation_(computation),
        instruction_(instruction),
        window_(instruction.attributes<WindowAttributes>().window) {
    for (size_t d = 0; d < window_.dimensions.size(); ++d) {
      const WindowDimension& along = window_.dimensions[d];
      terms_ = SaturatingMultiply(terms_, along.size);
      const bool moves = along.size > 1 || along.stride > 1 || along.padding_low != 0;
      if (!moves) continue;
      moved_.push_back(static_cast<int64_t>(d));
      moved_sizes_.push_back(sizes()[d]);
      places_ = SaturatingMultiply(places_, sizes()[d]);
    }
  }

  bool Can() const {
    const Shape& operand = instruction_.operand(0)->shape();
    const Shape& source = instruction_.operand(1)->shape();
    for (const WindowDimension& along : window_.dimensions) {
      if (along.base_dilation > 1 || along.window_dilation > 1 || along.reversal) return false;
      if (along.stride > kMostStride) return false;
    }
    return terms_ <= kMostTerms && !operand.HasDynamicDimension() && operand.ElementCount() > 0 &&
           source.ElementCount() > 0 && !moved_.empty() &&
           places_ <= std::numeric_limits<int32_t>::max() &&
           IsElementwiseBody(*instruction_.called_computations()[0]) &&
           IsElementwiseBody(*instruction_.called_computations()[1]);
  }

  Instruction* Make() {
    Instruction* selected = Selected();
    Instruction* numbers = Numbers();
    Instruction* sum = Splat(instruction_.operand(2), sizes());
    // Windows are taken in order, so that the last place in one goes first.
    std::vector<int64_t> at;
    for (const WindowDimension& along : window_.dimensions) at.push_back(along.size - 1);
    for (int64_t term = 0; term < terms_; ++term) {
      sum = AddTerm(at, selected, numbers, sum);
      for (size_t d = at.size(); d-- > 0;) {
        if (--at[d] >= 0) break;
        at[d] = window_.dimensions[d].size - 1;
      }
    }
    return sum;
  }

 private:
  const std::vector<int64_t>& sizes() const { return instruction_.shape().dimensions(); }
  ElementType type() const { return instruction_.shape().element_type(); }

  Instruction* Constant(int64_t value) {
    return computation_.AddConstant(Literal::ScalarInteger(ElementType::kS32, value));
  }
  Instruction* Splat(Instruction* scalar, const std::vector<int64_t>& sizes) {
    return computation_.Add(Opcode::kBroadcast,
                            Shape::ArrayWithDefaultLayout(scalar->shape().element_type(), sizes),
                            {scalar}, DimensionsAttributes{});
  }

  // The row-major number of each element along the dimensions in which windows move.
  Instruction* Numbers() {
    const ElementType s32 = ElementType::kS32;
    Instruction* flat = computation_.Add(
        Opcode::kIota, Shape::ArrayWithDefaultLayout(s32, {places_}), {}, IotaAttributes{0});
    Instruction* box = computation_.Add(Opcode::kReshape,
                                        Shape::ArrayWithDefaultLayout(s32, moved_sizes_), {flat});
    return computation_.Add(Opcode::kBroadcast, Shape::ArrayWithDefaultLayout(s32, sizes()), {box},
                            DimensionsAttributes{moved_});
  }

  // (selected, its number, next, its number) -> (selected, its number): the first stays as long as
  // select(selected, next) holds.
  Computation* Select() {
    const Shape element = Shape::ArrayWithDefaultLayout(type(), {});
    const Shape number = Shape::ArrayWithDefaultLayout(ElementType::kS32, {});
    const Shape pred = Shape::ArrayWithDefaultLayout(ElementType::kPred, {});
    Computation* body = module_.AddComputation("selected");
    Instruction* kept = body->AddParameter(0, element, "kept");
    Instruction* at = body->AddParameter(1, number, "at");
    Instruction* next = body->AddParameter(2, element, "next");
    Instruction* next_at = body->AddParameter(3, number, "next_at");
    Instruction* keeps = InlineBody(*body, *instruction_.called_computations()[0], {kept, next});
    Instruction* zero = body->AddConstant(Literal::ScalarInteger(ElementType::kS32, 0));
    Instruction* has =
        body->Add(Opcode::kCompare, pred, {at, zero}, CompareAttributes{ComparisonDirection::kGe});
    Instruction* stays = body->Add(Opcode::kAnd, pred, {has, keeps});
    Instruction* value = body->Add(Opcode::kSelect, element, {stays, kept, next});
    Instruction* place = body->Add(Opcode::kSelect, number, {stays, at, next_at});
    body->set_root(body->Add(Opcode::kTuple, Shape::Tuple({element, number}), {value, place}));
    return body;
  }

  // For each position of the window the number of the element that it selects; -1: none.
  Instruction* Selected() {
    Instruction* first = computation_.AddConstant(Literal::Scalar(type(), 0));
    const Shape& source = instruction_.operand(1)->shape();
    const Shape places = Shape::ArrayWithDefaultLayout(ElementType::kS32, source.dimensions());
    const Shape values = Shape::ArrayWithDefaultLayout(type(), source.dimensions());
    Instruction* found = computation_.Add(Opcode::kReduceWindow, Shape::Tuple({values, places}),
                                          {instruction_.operand(0), Numbers(), first, Constant(-1)},
                                          WindowAttributes{window_}, instruction_.name());
    found->set_called_computations({Select()});
    found->mutable_annotations().metadata = instruction_.annotations().metadata;
    return computation_.Add(Opcode::kGetTupleElement, places, {found}, TupleIndexAttributes{1});
  }

  // The value of each window where its place `at` lies in the operand, `padding` elsewhere.
  Instruction* AtPlace(const std::vector<int64_t>& at, Instruction* value, Instruction* padding) {
    PadAttributes attributes;
    for (size_t d = 0; d < at.size(); ++d) {
      const WindowDimension& along = window_.dimensions[d];
      const int64_t span = (value->shape().dimension(d) - 1) * along.stride + 1;
      const int64_t low = at[d] - along.padding_low;
      attributes.padding.push_back({low, sizes()[d] - low - span, along.stride - 1});
    }
    return computation_.Add(Opcode::kPad,
                            Shape::ArrayWithDefaultLayout(value->shape().element_type(), sizes()),
                            {value, padding}, std::move(attributes));
  }

  Instruction* AddTerm(const std::vector<int64_t>& at, Instruction* selected, Instruction* numbers,
                       Instruction* sum) {
    Instruction* hit = computation_.Add(Opcode::kCompare,
                                        Shape::ArrayWithDefaultLayout(ElementType::kPred, sizes()),
                                        {AtPlace(at, selected, Constant(-1)), numbers},
                                        CompareAttributes{ComparisonDirection::kEq});
    Instruction* zero = computation_.AddConstant(Literal::Scalar(type(), 0));
    Instruction* term = AtPlace(at, instruction_.operand(1), zero);
    Instruction* added =
        InlineBody(computation_, *instruction_.called_computations()[1], {sum, term}, &sizes());
    return computation_.Add(Opcode::kSelect, instruction_.shape(), {hit, added, sum});
  }

  Module& module_;
  Computation& computation_;
  const Instruction& instruction_;
  const Window& window_;
  int64_t terms_ = 1;
  // Dimensions in which windows have or leave out elements.
  std::vector<int64_t> moved_, moved_sizes_;
  int64_t places_ = 1;
};

}  // namespace

absl::StatusOr<bool> ExpandSelectAndScatter(Module& module, const PassContext&) {
  return ReplaceEach(module,
                     [&](Computation& computation, const Instruction& instruction) -> Instruction* {
                       if (instruction.opcode() != Opcode::kSelectAndScatter) return nullptr;
                       Expansion expansion(module, computation, instruction);
                       return expansion.Can() ? expansion.Make() : nullptr;
                     });
}

}  // namespace ingot
