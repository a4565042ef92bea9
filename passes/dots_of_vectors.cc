#include "passes/dots_of_vectors.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "passes/fusion_util.h"

namespace ingot {
namespace {

// An operand of a dot.
struct Side {
  Instruction* value;
  std::vector<int64_t> batch, contracting;

  bool IsFree(int64_t d) const {
    return std::find(batch.begin(), batch.end(), d) == batch.end() &&
           std::find(contracting.begin(), contracting.end(), d) == contracting.end();
  }
  bool IsVector() const {
    const Shape& shape = value->shape();
    for (int64_t d = 0; d < shape.rank(); ++d) {
      if (IsFree(d) && shape.dimension(d) != 1) return false;
    }
    return true;
  }
};

class Expansion {
 public:
  explicit Expansion(Module& module) : module_(module) {}

  // Null where the dot stays.
  Instruction* Run(Computation& computation, const Instruction& dot) {
    if (dot.opcode() != Opcode::kDot || dot.operand_count() != 2) return nullptr;
    const auto& attributes = dot.attributes<DotAttributes>();
    if (!attributes.sparsity.text.empty() || !attributes.algorithm.text.empty()) return nullptr;
    Side matrix{dot.operands()[0], attributes.lhs_batch_dims, attributes.lhs_contracting_dims};
    Side vector{dot.operands()[1], attributes.rhs_batch_dims, attributes.rhs_contracting_dims};
    if (!vector.IsVector()) std::swap(matrix, vector);
    if (!vector.IsVector() || dot.shape().HasDynamicDimension()) return nullptr;
    const ElementType type = dot.shape().element_type();
    const ElementType sum_type = SumType(dot);
    if (sum_type == ElementType::kPred) return nullptr;
    computation_ = &computation;
    const Shape product_shape =
        Shape::ArrayWithDefaultLayout(sum_type, matrix.value->shape().dimensions());
    Instruction* product = computation.Add(
        Opcode::kMultiply, product_shape,
        {Convert(matrix.value, sum_type),
         AlongMatrix(Convert(vector.value, sum_type), vector, matrix, product_shape)});
    Instruction* sum = InOrder(Sum(product, matrix.contracting), matrix);
    sum = Reshape(Convert(sum, type), dot.shape().dimensions());
    sum->mutable_annotations().metadata = dot.annotations().metadata;
    return sum;
  }

 private:
  static ElementType SumType(const Instruction& dot) {
    const ElementType type = dot.shape().element_type();
    if (!IsFloat(type)) return type;
    const auto is_wide = [](const Shape& shape) {
      return shape.element_type() == ElementType::kF64;
    };
    const bool wide = is_wide(dot.shape()) || is_wide(dot.operand(0)->shape()) ||
                      is_wide(dot.operand(1)->shape());
    return wide ? ElementType::kF64 : ElementType::kF32;
  }

  Instruction* Convert(Instruction* value, ElementType type) {
    if (value->shape().element_type() == type) return value;
    return computation_->Add(Opcode::kConvert,
                             Shape::ArrayWithDefaultLayout(type, value->shape().dimensions()),
                             {value});
  }

  Instruction* Reshape(Instruction* value, const std::vector<int64_t>& sizes) {
    if (value->shape().dimensions() == sizes) return value;
    return computation_->Add(Opcode::kReshape,
                             Shape::ArrayWithDefaultLayout(value->shape().element_type(), sizes),
                             {value});
  }

  Instruction* Transpose(Instruction* value, std::vector<int64_t> permutation) {
    if (std::is_sorted(permutation.begin(), permutation.end())) return value;
    std::vector<int64_t> sizes;
    for (int64_t d : permutation) sizes.push_back(value->shape().dimension(d));
    return computation_->Add(
        Opcode::kTranspose,
        Shape::ArrayWithDefaultLayout(value->shape().element_type(), std::move(sizes)), {value},
        DimensionsAttributes{std::move(permutation)});
  }

  // The vector's elements at the places of the matrix.
  Instruction* AlongMatrix(Instruction* value, const Side& vector, const Side& matrix,
                           const Shape& shape) {
    // Of each dimension that is batch or contracted, which one of the matrix it is.
    std::vector<std::pair<int64_t, int64_t>> dimensions;
    std::vector<int64_t> sizes;
    for (int64_t d = 0; d < value->shape().rank(); ++d) {
      if (vector.IsFree(d)) continue;
      sizes.push_back(value->shape().dimension(d));
      const auto of_list = [&](const std::vector<int64_t>& from, const std::vector<int64_t>& to) {
        const auto found = std::find(from.begin(), from.end(), d);
        if (found == from.end()) return;
        dimensions.push_back({to[found - from.begin()], static_cast<int64_t>(sizes.size()) - 1});
      };
      of_list(vector.batch, matrix.batch);
      of_list(vector.contracting, matrix.contracting);
    }
    value = Reshape(value, sizes);
    std::sort(dimensions.begin(), dimensions.end());
    std::vector<int64_t> permutation, along;
    for (const auto& [to, from] : dimensions) {
      permutation.push_back(from);
      along.push_back(to);
    }
    value = Transpose(value, std::move(permutation));
    if (value->shape().dimensions() == shape.dimensions()) return value;
    return computation_->Add(Opcode::kBroadcast, shape, {value},
                             DimensionsAttributes{std::move(along)});
  }

  Instruction* Sum(Instruction* product, const std::vector<int64_t>& contracting) {
    if (contracting.empty()) return product;
    const Shape& shape = product->shape();
    std::vector<int64_t> sizes, reduced = contracting;
    std::sort(reduced.begin(), reduced.end());
    for (int64_t d = 0; d < shape.rank(); ++d) {
      if (!std::binary_search(reduced.begin(), reduced.end(), d))
        sizes.push_back(shape.dimension(d));
    }
    Instruction* zero = computation_->AddConstant(Literal::Scalar(shape.element_type(), 0));
    Instruction* sum = computation_->Add(
        Opcode::kReduce, Shape::ArrayWithDefaultLayout(shape.element_type(), std::move(sizes)),
        {product, zero}, DimensionsAttributes{std::move(reduced)});
    sum->set_called_computations({Adder(shape.element_type())});
    return sum;
  }

  // Batch dimensions first, in the dot's order; then what is free.
  Instruction* InOrder(Instruction* sum, const Side& matrix) {
    std::vector<int64_t> place(matrix.value->shape().rank(), -1);
    int64_t next = 0;
    for (int64_t d = 0; d < matrix.value->shape().rank(); ++d) {
      if (std::find(matrix.contracting.begin(), matrix.contracting.end(), d) ==
          matrix.contracting.end()) {
        place[d] = next++;
      }
    }
    std::vector<int64_t> permutation;
    for (int64_t d : matrix.batch) permutation.push_back(place[d]);
    for (int64_t d = 0; d < matrix.value->shape().rank(); ++d) {
      if (matrix.IsFree(d)) permutation.push_back(place[d]);
    }
    return Transpose(sum, std::move(permutation));
  }

  Computation* Adder(ElementType type) {
    Computation*& adder = adders_[type];
    if (adder == nullptr) {
      const Shape scalar = Shape::ArrayWithDefaultLayout(type, {});
      adder = module_.AddComputation("add_products");
      Instruction* left = adder->AddParameter(0, scalar, "left");
      Instruction* right = adder->AddParameter(1, scalar, "right");
      adder->set_root(adder->Add(Opcode::kAdd, scalar, {left, right}));
    }
    return adder;
  }

  Module& module_;
  Computation* computation_ = nullptr;
  absl::flat_hash_map<ElementType, Computation*> adders_;
};

}  // namespace

absl::StatusOr<bool> DotsOfVectors(Module& module, const PassContext& context) {
  if (context.target == nullptr || context.target->platform != Platform::kCuda) return false;
  Expansion expansion(module);
  return ReplaceEach(module, [&](Computation& computation, const Instruction& instruction) {
    return expansion.Run(computation, instruction);
  });
}

}  // namespace ingot
