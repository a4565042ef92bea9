#include "passes/split_dilated_convolutions.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "ir/base/integers.h"
#include "passes/fusion_log.h"
#include "passes/fusion_util.h"

namespace ingot {
namespace {

using Sizes = std::vector<int64_t>;

// What has to be saved, of what was: predictions are within a tenth.
constexpr double kLeastShare = 0.1;
// Remainders of all dimensions together, at the most.
constexpr int64_t kMostRemainders = 64;

// The elements of one dimension of the window that positions of one remainder see: `count` of them
// from `first` on, a dilation apart, over the inputs from `offset` behind the position's number on.
struct Part {
  int64_t first = 0, count = 0, offset = 0;
};

// One dimension of the convolution without holes.  Remainders are those from `begin` on that see
// something; the others are zeros.
struct Dimension {
  int64_t dilation = 1;
  int64_t positions = 1;  // of the result, for each remainder
  int64_t begin = 0;
  std::vector<Part> parts;
  WindowDimension window;
};

// Position dilation * q + remainder of the result sees element k of the window over place
// dilation * q + remainder - low + k of the input with its holes.  That is an element of the input
// where it is a multiple of the dilation: for k = first + dilation * m, element q + offset + m.
Part PartOf(const WindowDimension& window, int64_t remainder) {
  const int64_t shift = remainder - window.padding_low;
  Part part;
  part.first = ((-shift % window.base_dilation) + window.base_dilation) % window.base_dilation;
  part.count =
      part.first < window.size ? CeilDiv(window.size - part.first, window.base_dilation) : 0;
  part.offset = (shift + part.first) / window.base_dilation;
  return part;
}

Dimension DimensionOf(const WindowDimension& window, int64_t input, int64_t output) {
  Dimension d;
  d.dilation = window.base_dilation;
  d.positions = CeilDiv(output, d.dilation);
  d.window = window;
  if (d.dilation == 1) {
    d.parts.push_back({0, window.size, 0});
    return d;
  }
  int64_t end = 0;
  for (int64_t r = 0; r < d.dilation; ++r) {
    d.parts.push_back(PartOf(window, r));
    if (d.parts.back().count > 0) end = r + 1;
  }
  while (d.begin < end && d.parts[d.begin].count == 0) ++d.begin;
  d.parts.erase(d.parts.begin() + end, d.parts.end());
  d.parts.erase(d.parts.begin(), d.parts.begin() + d.begin);
  // All parts in one window.
  int64_t low = d.parts[0].offset, high = low;
  for (const Part& part : d.parts) {
    if (part.count == 0) continue;
    low = std::min(low, part.offset);
    high = std::max(high, part.offset + part.count);
  }
  d.window = WindowDimension{};
  d.window.size = high - low;
  d.window.padding_low = -low;
  d.window.padding_high = d.positions + d.window.size - 1 - input + low;
  d.window.reversal = window.reversal;
  return d;
}

bool MayBeSplit(const Instruction& convolution) {
  if (convolution.opcode() != Opcode::kConvolution || !convolution.shape().IsArray() ||
      !convolution.control_predecessors().empty() || convolution.shape().HasDynamicDimension() ||
      convolution.shape().ElementCount() == 0) {
    return false;
  }
  const auto& attributes = convolution.attributes<ConvolutionAttributes>();
  if (attributes.feature_group_count != 1 || attributes.batch_group_count != 1) return false;
  for (const Instruction* operand : convolution.operands()) {
    if (operand->shape().HasDynamicDimension() || operand->shape().ElementCount() == 0) {
      return false;
    }
  }
  int64_t remainders = 1;
  for (const WindowDimension& d : attributes.window.dimensions) {
    if (d.base_dilation == 1) continue;
    if (d.base_dilation > kMostRemainders || d.stride != 1 || d.window_dilation != 1) return false;
    remainders *= d.base_dilation;
    if (remainders > kMostRemainders) return false;
  }
  return remainders > 1;
}

// Writes the convolution without holes into a computation.
class Writer {
 public:
  Writer(Computation& computation, const Instruction& convolution)
      : computation_(computation),
        convolution_(convolution),
        attributes_(convolution.attributes<ConvolutionAttributes>()),
        labels_(attributes_.dim_labels) {
    for (size_t i = 0; i < attributes_.window.dimensions.size(); ++i) {
      dimensions_.push_back(
          DimensionOf(attributes_.window.dimensions[i],
                      convolution.operand(0)->shape().dimension(labels_.input_spatial[i]),
                      convolution.shape().dimension(labels_.output_spatial[i])));
    }
  }

  // Of each remainder that sees something, in row-major order, its part of w as output features.
  Instruction* Weights(Instruction* w) {
    std::vector<Instruction*> parts;
    std::vector<size_t> at(dimensions_.size(), 0);
    while (true) {
      parts.push_back(PartOfWeights(w, at));
      int64_t d = static_cast<int64_t>(at.size()) - 1;
      while (d >= 0 && ++at[d] == dimensions_[d].parts.size()) at[d--] = 0;
      if (d < 0) break;
    }
    if (parts.size() == 1) return parts[0];
    return computation_.Add(Opcode::kConcatenate, WeightsShape(), std::move(parts),
                            DimensionsAttributes{{labels_.kernel_output_feature}});
  }
  Shape WeightsShape() const {
    Sizes sizes = PartSizes();
    for (const Dimension& each : dimensions_) {
      sizes[labels_.kernel_output_feature] *= static_cast<int64_t>(each.parts.size());
    }
    return Array(convolution_.operand(1)->shape(), std::move(sizes));
  }

  // Positions of a remainder side by side, its features apart.
  Instruction* Convolution(Instruction* x, Instruction* weights) {
    Instruction* result = computation_.AddClone(convolution_, {x, weights});
    Sizes sizes = convolution_.shape().dimensions();
    Window& window = result->mutable_attributes<ConvolutionAttributes>().window;
    for (size_t i = 0; i < dimensions_.size(); ++i) {
      sizes[labels_.output_spatial[i]] = dimensions_[i].positions;
      sizes[labels_.output_feature] *= static_cast<int64_t>(dimensions_[i].parts.size());
      window.dimensions[i] = dimensions_[i].window;
    }
    result->set_shape(Array(convolution_.shape(), std::move(sizes)));
    return result;
  }

  // The elements of that in the order of the result.
  Instruction* InOrder(Instruction* result) {
    // features → (remainders of each dimension, features)
    const int64_t rank = result->shape().rank(), f = labels_.output_feature;
    const auto count = static_cast<int64_t>(dimensions_.size());
    Sizes sizes;
    for (int64_t d = 0; d < rank; ++d) {
      if (d == f) {
        for (const Dimension& each : dimensions_) {
          sizes.push_back(static_cast<int64_t>(each.parts.size()));
        }
      }
      sizes.push_back(d == f ? convolution_.shape().dimension(f) : result->shape().dimension(d));
    }
    result = Reshape(result, sizes);
    // Each remainder behind its positions.
    Sizes permutation, merged;
    Padding padding;
    for (int64_t d = 0; d < rank; ++d) {
      permutation.push_back(d < f ? d : d + count);
      padding.push_back({0, 0, 0});
      merged.push_back(sizes[permutation.back()]);
      for (int64_t i = 0; i < count; ++i) {
        if (labels_.output_spatial[i] != d) continue;
        const Dimension& dimension = dimensions_[i];
        const auto parts = static_cast<int64_t>(dimension.parts.size());
        permutation.push_back(f + i);
        padding.push_back({dimension.begin, dimension.dilation - dimension.begin - parts, 0});
        merged.back() *= dimension.dilation;
      }
    }
    result = ZeroPadded(TransposeOf(result, permutation), padding);
    return FirstOf(Reshape(result, std::move(merged)), convolution_.shape().dimensions());
  }

 private:
  static Shape Array(const Shape& like, Sizes sizes) {
    return Shape::ArrayWithDefaultLayout(like.element_type(), std::move(sizes));
  }
  Instruction* Reshape(Instruction* x, Sizes sizes) {
    return computation_.Add(Opcode::kReshape, Array(x->shape(), std::move(sizes)), {x});
  }

  // The elements of w that one part of each dimension sees, zeros around them where other parts
  // see more.  Of a window that is turned around the last element comes first.
  Instruction* PartOfWeights(Instruction* w, const std::vector<size_t>& at) {
    SliceAttributes slice;
    Padding padding(w->shape().rank());
    Sizes sizes = w->shape().dimensions();
    for (int64_t size : sizes) slice.slice.push_back({0, size, 1});
    for (size_t i = 0; i < dimensions_.size(); ++i) {
      const Dimension& dimension = dimensions_[i];
      const Part& part = dimension.parts[at[i]];
      const int64_t d = labels_.kernel_spatial[i], s = dimension.dilation;
      if (s == 1) continue;
      if (part.count == 0) return Zeros();
      const int64_t length = s * (part.count - 1) + 1;
      const int64_t begin = dimension.window.reversal ? sizes[d] - part.first - length : part.first;
      slice.slice[d] = {begin, begin + length, s};
      sizes[d] = part.count;
      const int64_t before = part.offset + dimension.window.padding_low;
      const int64_t after = dimension.window.size - part.count - before;
      padding[d] = dimension.window.reversal ? PaddingDimension{after, before, 0}
                                             : PaddingDimension{before, after, 0};
    }
    if (sizes != w->shape().dimensions()) {
      w = computation_.Add(Opcode::kSlice, Array(w->shape(), std::move(sizes)), {w},
                           std::move(slice));
    }
    return ZeroPadded(w, padding);
  }
  // Of one part's weights.
  Sizes PartSizes() const {
    Sizes sizes = convolution_.operand(1)->shape().dimensions();
    for (size_t i = 0; i < dimensions_.size(); ++i) {
      sizes[labels_.kernel_spatial[i]] = dimensions_[i].window.size;
    }
    return sizes;
  }
  // The weights of a part that sees nothing.
  Instruction* Zeros() {
    const Shape& like = convolution_.operand(1)->shape();
    Instruction* zero = computation_.AddConstant(Literal::Scalar(like.element_type(), 0));
    return computation_.Add(Opcode::kBroadcast, Array(like, PartSizes()), {zero},
                            DimensionsAttributes{});
  }

  Computation& computation_;
  const Instruction& convolution_;
  const ConvolutionAttributes attributes_;
  const ConvolutionDimensions& labels_;
  std::vector<Dimension> dimensions_;
};

class Splitter {
 public:
  explicit Splitter(const PassContext& context) : context_(context) {}

  // Null where the convolution stays.
  Instruction* Run(Computation& computation, const Instruction& convolution) {
    if (!MayBeSplit(convolution)) return nullptr;
    LayoutDecision decision;
    decision.product = convolution.name();
    decision.sides = "holes left out";
    decision.before = Microseconds([&](Computation& alone) {
      return alone.AddClone(convolution, {alone.AddParameter(0, convolution.operand(0)->shape()),
                                          alone.AddParameter(1, convolution.operand(1)->shape())});
    });
    decision.after = Microseconds([&](Computation& alone) {
      Writer writer(alone, convolution);
      return writer.Convolution(alone.AddParameter(0, convolution.operand(0)->shape()),
                                alone.AddParameter(1, writer.WeightsShape()));
    });
    // Two launches: of weights, and of the result where the product's kernel cannot order it.
    decision.moves = 2 * (static_cast<double>(convolution.shape().ByteSize() +
                                              convolution.operand(1)->shape().ByteSize()) /
                              context_.bytes_per_microsecond +
                          context_.launch_microseconds);
    decision.taken = decision.after + decision.moves <= (1 - kLeastShare) * decision.before;
    const bool taken = decision.taken;
    if (context_.fusion_log != nullptr) {
      context_.fusion_log->layouts.push_back(std::move(decision));
    }
    if (!taken) return nullptr;
    Writer writer(computation, convolution);
    return writer.InOrder(
        writer.Convolution(convolution.operands()[0], writer.Weights(convolution.operands()[1])));
  }

 private:
  // Of the kernels of the product that `write` makes.
  template <typename Write>
  double Microseconds(const Write& write) {
    Module module("holes");
    Computation* computation = module.AddComputation("convolution");
    computation->set_root(write(*computation));
    return context_.product_cost(*computation);
  }

  const PassContext& context_;
};

}  // namespace

absl::StatusOr<bool> SplitDilatedConvolutions(Module& module, const PassContext& context) {
  if (context.product_cost == nullptr || !context.holes_are_zeros) return false;
  Splitter splitter(context);
  return ReplaceEach(module, [&](Computation& computation, const Instruction& instruction) {
    return splitter.Run(computation, instruction);
  });
}

}  // namespace ingot
