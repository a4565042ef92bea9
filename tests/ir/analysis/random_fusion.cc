#include "tests/ir/analysis/random_fusion.h"

#include <algorithm>
#include <random>
#include <utility>
#include <vector>

namespace ingot::test {
namespace {

using Sizes = std::vector<int64_t>;

Shape F32(Sizes sizes) { return Shape::Array(ElementType::kF32, std::move(sizes)); }

class Drawer {
 public:
  Drawer(uint32_t seed, Module& module) : random_(seed), module_(module) {
    for (int count : {1, 2}) {
      Computation* combine = module.AddComputation("combine");
      std::vector<Instruction*> parameters;
      for (int i = 0; i < 2 * count; ++i) {
        parameters.push_back(combine->AddParameter(i, F32({})));
      }
      std::vector<Instruction*> sums;
      for (int i = 0; i < count; ++i) {
        sums.push_back(combine->Add(Opcode::kAdd, F32({}), {parameters[i], parameters[count + i]}));
      }
      combine->set_root(count == 1 ? sums[0]
                                   : combine->Add(Opcode::kTuple, Shape::Tuple({F32({}), F32({})}),
                                                  {sums[0], sums[1]}));
      combiners_.push_back(combine);
    }
    fusion_ = module.AddComputation("fusion");
    module.set_entry(fusion_);
  }

  void Draw(int ops) {
    zero_ = fusion_->AddConstant(Literal::Scalar(ElementType::kF32, 0));
    start_ = fusion_->AddConstant(Literal::Scalar(ElementType::kS32, 0));
    const int inputs = Pick(1, 3);
    // Squares invite conflicts.
    const Sizes sizes = Pick(0, 1) == 0 ? DrawnSizes() : Sizes{6, 6, 2};
    for (int i = 0; i < inputs; ++i) {
      values_.push_back(fusion_->AddParameter(i, F32(Pick(0, 2) == 0 ? DrawnSizes() : sizes)));
    }
    indices_ = fusion_->AddParameter(inputs, Shape::Array(ElementType::kS32, {4, 3}));
    for (int i = 0; i < ops; ++i) {
      if (Instruction* op = DrawOp(); op != nullptr) values_.push_back(op);
    }
    std::vector<Instruction*> roots;
    std::vector<Shape> shapes;
    for (Instruction* value : values_) {
      if (!value->users().empty()) continue;
      roots.push_back(value);
      shapes.push_back(value->shape());
    }
    fusion_->set_root(fusion_->Add(Opcode::kTuple, Shape::Tuple(shapes), roots));
    module_.Normalize();
  }

 private:
  int64_t Pick(int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random_);
  }

  Sizes DrawnSizes() {
    constexpr int64_t kSizes[] = {1, 2, 3, 4, 6, 8, 12};
    Sizes sizes(Pick(1, 3));
    for (int64_t& size : sizes) size = kSizes[Pick(0, 6)];
    return sizes;
  }

  // The later, the likelier.
  Instruction* Any() {
    const int64_t last = static_cast<int64_t>(values_.size()) - 1;
    return values_[std::max(Pick(0, last), Pick(0, last))];
  }

  Instruction* Add(Opcode opcode, Sizes sizes, std::vector<Instruction*> operands) {
    return fusion_->Add(opcode, F32(std::move(sizes)), std::move(operands));
  }
  Instruction* Add(Opcode opcode, Sizes sizes, std::vector<Instruction*> operands,
                   Attributes attributes) {
    return fusion_->Add(opcode, F32(std::move(sizes)), std::move(operands), std::move(attributes));
  }

  Instruction* DrawOp() {
    Instruction* x = Any();
    if (x->shape().ElementCount() > 20000) return Reduce(x);
    switch (Pick(0, 14)) {
      case 0:
        return Add(Opcode::kExp, x->shape().dimensions(), {x});
      case 1:
      case 2:
      case 3:
        return Binary(x);
      case 4:
        return Broadcast(x);
      case 5:
      case 6:
        return Reshape(x);
      case 7:
        return Transpose(x);
      case 8:
        return Reduce(x);
      case 9:
        return Slice(x);
      case 10:
        return Pad(x);
      case 11:
        return Reverse(x);
      case 12:
        return Concatenate(x);
      case 13:
        return Gather(x);
      default:
        return DynamicSlice(x);
    }
  }

  // With any other value of the same sizes, or with x itself.
  Instruction* Binary(Instruction* x) {
    std::vector<Instruction*> alike;
    for (Instruction* value : values_) {
      if (value->shape().dimensions() == x->shape().dimensions()) alike.push_back(value);
    }
    return Add(Opcode::kAdd, x->shape().dimensions(), {x, alike[Pick(0, alike.size() - 1)]});
  }

  Instruction* Broadcast(Instruction* x) {
    Sizes sizes = x->shape().dimensions();
    std::vector<int64_t> dimensions;
    const int64_t at = Pick(0, sizes.size());
    for (int64_t d = 0; d < static_cast<int64_t>(sizes.size()); ++d) {
      dimensions.push_back(d < at ? d : d + 1);
    }
    sizes.insert(sizes.begin() + at, Pick(0, 1) == 0 ? 6 : Pick(1, 5));
    return Add(Opcode::kBroadcast, sizes, {x}, DimensionsAttributes{dimensions});
  }

  Instruction* Reshape(Instruction* x) {
    int64_t left = x->shape().ElementCount();
    Sizes sizes;
    while (left > 1 && sizes.size() < 4) {
      std::vector<int64_t> divisors;
      for (int64_t i = 2; i <= left; ++i) {
        if (left % i == 0) divisors.push_back(i);
      }
      sizes.push_back(sizes.size() == 3 ? left : divisors[Pick(0, divisors.size() - 1)]);
      left /= sizes.back();
    }
    std::shuffle(sizes.begin(), sizes.end(), random_);
    return Add(Opcode::kReshape, sizes, {x}, ReshapeAttributes{});
  }

  Instruction* Transpose(Instruction* x) {
    std::vector<int64_t> permutation(x->shape().rank());
    for (size_t i = 0; i < permutation.size(); ++i) permutation[i] = i;
    std::shuffle(permutation.begin(), permutation.end(), random_);
    Sizes sizes;
    for (int64_t p : permutation) sizes.push_back(x->shape().dimension(p));
    return Add(Opcode::kTranspose, sizes, {x}, DimensionsAttributes{permutation});
  }

  Instruction* Reduce(Instruction* x) {
    std::vector<int64_t> reduced;
    Sizes kept;
    for (int64_t d = 0; d < x->shape().rank(); ++d) {
      if (Pick(0, 1) == 0) {
        reduced.push_back(d);
      } else {
        kept.push_back(x->shape().dimension(d));
      }
    }
    std::shuffle(reduced.begin(), reduced.end(), random_);
    Instruction* other = Pick(0, 2) == 0 ? Binary(x) : nullptr;
    std::vector<Instruction*> operands = {x, zero_};
    if (other != nullptr) operands = {x, other, zero_, zero_};
    Instruction* reduce = fusion_->Add(
        Opcode::kReduce, other == nullptr ? F32(kept) : Shape::Tuple({F32(kept), F32(kept)}),
        operands, DimensionsAttributes{reduced});
    reduce->set_called_computations({combiners_[other == nullptr ? 0 : 1]});
    if (other == nullptr) return reduce;
    return fusion_->Add(Opcode::kGetTupleElement, F32(kept), {reduce}, TupleIndexAttributes{1});
  }

  Instruction* Slice(Instruction* x) {
    Sizes sizes;
    SliceAttributes attributes;
    for (int64_t size : x->shape().dimensions()) {
      SliceDimension slice{0, size, 1};
      if (Pick(0, 1) == 0) slice = {Pick(0, size - 1), size, Pick(1, 2)};
      sizes.push_back((slice.limit - slice.start + slice.stride - 1) / slice.stride);
      attributes.slice.push_back(slice);
    }
    return Add(Opcode::kSlice, sizes, {x}, attributes);
  }

  Instruction* Pad(Instruction* x) {
    Sizes sizes;
    PadAttributes attributes;
    for (int64_t size : x->shape().dimensions()) {
      PaddingDimension padding;
      if (Pick(0, 1) == 0) padding = {Pick(0, 2), Pick(0, 2), Pick(0, 1)};
      sizes.push_back(size + padding.low + padding.high + (size - 1) * padding.interior);
      attributes.padding.push_back(padding);
    }
    return Add(Opcode::kPad, sizes, {x, zero_}, attributes);
  }

  Instruction* Reverse(Instruction* x) {
    std::vector<int64_t> dimensions;
    for (int64_t d = 0; d < x->shape().rank(); ++d) {
      if (Pick(0, 1) == 0) dimensions.push_back(d);
    }
    return Add(Opcode::kReverse, x->shape().dimensions(), {x}, DimensionsAttributes{dimensions});
  }

  Instruction* Concatenate(Instruction* x) {
    if (x->shape().rank() == 0) return nullptr;
    Sizes sizes = x->shape().dimensions();
    const int64_t d = Pick(0, sizes.size() - 1);
    sizes[d] *= 2;
    return Add(Opcode::kConcatenate, sizes, {x, x}, DimensionsAttributes{{d}});
  }

  // Rows of x, by one index each, or by as many as the indices' second dimension.
  Instruction* Gather(Instruction* x) {
    if (x->shape().rank() == 0) return nullptr;
    GatherAttributes gather;
    const bool of_vectors = x->shape().rank() >= 3 && Pick(0, 1) == 0;
    gather.index_vector_dim = of_vectors ? 1 : 2;
    gather.start_index_map = of_vectors ? std::vector<int64_t>{0, 1, 2} : std::vector<int64_t>{0};
    gather.slice_sizes = x->shape().dimensions();
    Sizes sizes = of_vectors ? Sizes{4} : Sizes{4, 3};
    gather.slice_sizes[0] = 1;
    gather.collapsed_slice_dims = {0};
    for (int64_t d = 1; d < x->shape().rank(); ++d) {
      gather.offset_dims.push_back(static_cast<int64_t>(sizes.size()));
      sizes.push_back(x->shape().dimension(d));
    }
    return Add(Opcode::kGather, sizes, {x, indices_}, gather);
  }

  Instruction* DynamicSlice(Instruction* x) {
    Sizes sizes = x->shape().dimensions();
    for (int64_t& size : sizes) {
      if (Pick(0, 1) == 0) size = Pick(1, size);
    }
    std::vector<Instruction*> operands(sizes.size() + 1, start_);
    operands[0] = x;
    return Add(Opcode::kDynamicSlice, sizes, operands, DynamicSliceAttributes{sizes});
  }

  std::mt19937 random_;
  Module& module_;
  std::vector<Computation*> combiners_;  // of one and of two values
  Computation* fusion_ = nullptr;
  Instruction* zero_ = nullptr;
  Instruction* start_ = nullptr;
  Instruction* indices_ = nullptr;
  std::vector<Instruction*> values_;
};

}  // namespace

std::unique_ptr<Module> RandomFusion(uint32_t seed, int ops) {
  auto module = std::make_unique<Module>("random");
  Drawer(seed, *module).Draw(ops);
  return module;
}

}  // namespace ingot::test
