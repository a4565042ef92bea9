// Dot and convolution.
#include <algorithm>

#include "ir/infer/op.h"

namespace ingot::infer {
namespace {

// The element type of a product of `lhs` and `rhs`.  Mixed precision is legal in HLO: the operands
// may differ within floats, complex or integers, and so may the result, which for integers may also
// be of floats; without a stated result it is the wider operand's.
absl::StatusOr<ElementType> ProductType(const Op& op) {
  const ElementType lhs = op.operand(0).element_type();
  const ElementType rhs = op.operand(1).element_type();
  const auto of_a_kind = [](ElementType a, ElementType b) {
    return Category(a) == Category(b) || (IsInteger(a) && IsInteger(b));
  };
  INGOT_REQUIRE(of_a_kind(lhs, rhs), "does not multiply ", Text(lhs), " with ", Text(rhs));
  const ElementType wider = BitWidth(rhs) > BitWidth(lhs) ? rhs : lhs;
  if (op.stated == nullptr || !op.stated->IsArray()) return wider;
  const ElementType stated = op.stated->element_type();
  // Products of pred may be counted in integers, and those of integers in floats.
  const bool counts =
      (wider == ElementType::kPred && IsInteger(stated)) || (IsInteger(wider) && IsFloat(stated));
  INGOT_REQUIRE(of_a_kind(wider, stated) || counts, "a product of ", Text(lhs), " and ", Text(rhs),
                " is not ", Text(stated));
  return stated;
}

// dot(lhs, rhs): the result's dimensions are the batch dimensions, lhs's others, rhs's others.
//   (C1) both are arrays, whose types may be multiplied;
//   (C2) the batch and contracting dimensions are distinct ones of their operand;
//   (C3) there are as many of each in lhs as in rhs;
//   (C4) and they have the same sizes.
absl::StatusOr<Shape> Dot(const Op& op) {
  const auto& attributes = op.attributes<DotAttributes>();
  if (!attributes.sparsity.text.empty()) return Unimplemented("sparse dot is not supported");
  INGOT_REQUIRE(op.operand_count() == 2, "has ", op.operand_count(), " operands when it takes 2");
  INGOT_RETURN_IF_ERROR(RequireArrays(op));
  INGOT_ASSIGN_OR_RETURN(const ElementType type, ProductType(op));  // (C1)
  struct Side {
    const Shape& shape;
    const std::vector<int64_t>& batch;
    const std::vector<int64_t>& contracting;
  };
  const Side lhs{op.operand(0), attributes.lhs_batch_dims, attributes.lhs_contracting_dims};
  const Side rhs{op.operand(1), attributes.rhs_batch_dims, attributes.rhs_contracting_dims};
  for (const Side* side : {&lhs, &rhs}) {
    std::vector<int64_t> all = side->batch;
    all.insert(all.end(), side->contracting.begin(), side->contracting.end());
    INGOT_RETURN_IF_ERROR(RequireDistinctDimensions(side == &lhs
                                                        ? "lhs batch and contracting dimensions"
                                                        : "rhs batch and contracting dimensions",
                                                    all, side->shape.rank()));  // (C2)
  }
  const auto require_same = [&](absl::string_view what, const std::vector<int64_t>& l,
                                const std::vector<int64_t>& r) -> absl::Status {
    INGOT_REQUIRE(l.size() == r.size(), "lhs has ", l.size(), " ", what, " dimensions and rhs ",
                  r.size());  // (C3)
    for (size_t i = 0; i < l.size(); ++i) {
      INGOT_REQUIRE(lhs.shape.dimension(l[i]) == rhs.shape.dimension(r[i]), what,
                    " dimensions differ: lhs dimension ", l[i], " has size ",
                    lhs.shape.dimension(l[i]), " and rhs dimension ", r[i], " has ",
                    rhs.shape.dimension(r[i]));  // (C4)
    }
    return absl::OkStatus();
  };
  INGOT_RETURN_IF_ERROR(require_same("batch", lhs.batch, rhs.batch));
  INGOT_RETURN_IF_ERROR(require_same("contracting", lhs.contracting, rhs.contracting));

  std::vector<int64_t> sizes;
  for (int64_t d : lhs.batch) sizes.push_back(lhs.shape.dimension(d));
  for (const Side* side : {&lhs, &rhs}) {
    std::vector<bool> taken(side->shape.rank(), false);
    for (int64_t d : side->batch) taken[d] = true;
    for (int64_t d : side->contracting) taken[d] = true;
    for (int64_t d = 0; d < side->shape.rank(); ++d) {
      if (!taken[d]) sizes.push_back(side->shape.dimension(d));
    }
  }
  return Shape::Array(type, std::move(sizes));
}

// The roles of one of input, kernel and output are a permutation of its dimensions.
absl::Status RequireLabels(absl::string_view what, int64_t rank, int64_t first, int64_t second,
                           const std::vector<int64_t>& spatial) {
  std::vector<int64_t> all = {first, second};
  all.insert(all.end(), spatial.begin(), spatial.end());
  INGOT_REQUIRE(static_cast<int64_t>(all.size()) == rank, "dim_labels give the ", what, " ",
                all.size(), " dimensions when it has ", rank);
  return RequireDistinctDimensions(absl::StrCat(what, " dimensions of dim_labels"), all, rank);
}

// convolution(input, kernel): n spatial dimensions, n >= 0; b = input batch, i = input features,
// kernel features ki (in) and ko (out), groups f = feature_group_count, g = batch_group_count.
//   (C1) both are arrays of n + 2 dimensions, whose types may be multiplied;
//   (C2) dim_labels gives each dimension of input, kernel and output one role;
//   (C3) the window has n dimensions, whose sizes are the kernel's, and fits (W1), (W2);
//   (C4) f and g are at least 1, and one of them is 1;
//   (C5) i = ki * f;  (C6) f divides ko;  (C7) g divides b and ko.
// The result has b / g, ko and the window's positions.
absl::StatusOr<Shape> Convolution(const Op& op) {
  const auto& attributes = op.attributes<ConvolutionAttributes>();
  const ConvolutionDimensions& labels = attributes.dim_labels;
  INGOT_RETURN_IF_ERROR(RequireArrays(op));
  INGOT_ASSIGN_OR_RETURN(const ElementType type, ProductType(op));  // (C1)
  const Shape& input = op.operand(0);
  const Shape& kernel = op.operand(1);
  INGOT_REQUIRE(input.rank() == kernel.rank(), "the input ", Text(input), " has ", input.rank(),
                " dimensions when the kernel ", Text(kernel), " has ", kernel.rank());
  INGOT_RETURN_IF_ERROR(RequireLabels("input", input.rank(), labels.input_batch,
                                      labels.input_feature, labels.input_spatial));
  INGOT_RETURN_IF_ERROR(RequireLabels("kernel", kernel.rank(), labels.kernel_input_feature,
                                      labels.kernel_output_feature, labels.kernel_spatial));
  INGOT_RETURN_IF_ERROR(RequireLabels("output", input.rank(), labels.output_batch,
                                      labels.output_feature, labels.output_spatial));  // (C2)

  std::vector<int64_t> base;
  for (int64_t d : labels.input_spatial) base.push_back(input.dimension(d));
  const std::vector<WindowDimension>& window = attributes.window.dimensions;
  for (size_t i = 0; i < std::min(window.size(), base.size()); ++i) {
    const int64_t size = kernel.dimension(labels.kernel_spatial[i]);
    INGOT_REQUIRE(window[i].size == size, "window dimension ", i, " has size ", window[i].size,
                  " when the kernel's is ", size);  // (C3)
  }
  INGOT_ASSIGN_OR_RETURN(const std::vector<int64_t> positions,
                         WindowPositions(attributes.window, base));

  const int64_t f = attributes.feature_group_count;
  const int64_t g = attributes.batch_group_count;
  INGOT_REQUIRE(f >= 1 && g >= 1 && (f == 1 || g == 1), "feature_group_count ", f,
                " and batch_group_count ", g, " must be at least 1 and one of them 1");  // (C4)
  const int64_t batch = input.dimension(labels.input_batch);
  const int64_t features = input.dimension(labels.input_feature);
  const int64_t kernel_in = kernel.dimension(labels.kernel_input_feature);
  const int64_t kernel_out = kernel.dimension(labels.kernel_output_feature);
  INGOT_REQUIRE(Wide{kernel_in} * f == features, "the input has ", features,
                " features when the kernel takes ", kernel_in, " in each of ", f,
                " groups");  // (C5)
  INGOT_REQUIRE(kernel_out % f == 0, "feature_group_count ", f, " does not divide the kernel's ",
                kernel_out, " output features");  // (C6)
  INGOT_REQUIRE(batch % g == 0 && kernel_out % g == 0, "batch_group_count ", g,
                " does not divide the input's batch of ", batch, " and the kernel's ", kernel_out,
                " output features");  // (C7)

  std::vector<int64_t> sizes(input.rank());
  sizes[labels.output_batch] = batch / g;
  sizes[labels.output_feature] = kernel_out;
  for (size_t i = 0; i < positions.size(); ++i) sizes[labels.output_spatial[i]] = positions[i];
  return Shape::Array(type, std::move(sizes));
}

constexpr Rule kRules[] = {
    {Opcode::kConvolution, Convolution},
    {Opcode::kDot, Dot},
    {Opcode::kRaggedDot, NotInferable},
    {Opcode::kScaledDot, NotInferable},
};
static_assert(IsTableOf(OpKind::kContraction, kRules));

}  // namespace

absl::StatusOr<Shape> InferContraction(const Op& op) { return FunctionOf(kRules, op.opcode)(op); }

}  // namespace ingot::infer
