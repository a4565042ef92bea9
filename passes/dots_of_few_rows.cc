#include "passes/dots_of_few_rows.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "ir/analysis/op_facts.h"
#include "passes/fusion_util.h"

namespace ingot {
namespace {

// As many rows or columns as a GPU's ordinary units multiply by a matrix while it is read.
constexpr int64_t kMostRows = 8;
// Matrix units multiply 16-bit floats by as many columns of a matrix as fast as it is read.
constexpr int64_t kMatrixColumns = 64;
constexpr int kMatrixCapability = 80;

bool Contains(const std::vector<int64_t>& list, int64_t d) {
  return std::find(list.begin(), list.end(), d) != list.end();
}

// An operand of a dot.
struct Side {
  Instruction* value;
  std::vector<int64_t> batch, contracting;

  const Shape& shape() const { return value->shape(); }
  bool IsFree(int64_t d) const { return !Contains(batch, d) && !Contains(contracting, d); }
  // Rows that it multiplies the other side by.
  int64_t FreeElements() const {
    int64_t elements = 1;
    for (int64_t d = 0; d < shape().rank(); ++d) {
      if (IsFree(d)) elements = SaturatingMultiply(elements, shape().dimension(d));
    }
    return elements;
  }
};

class Expansion {
 public:
  Expansion(Module& module, const Target& target) : module_(module), target_(target) {}

  // Null where the dot stays.
  Instruction* Run(Computation& computation, const Instruction& dot) {
    if (!IsPlainDot(dot)) return nullptr;
    const auto& attributes = dot.attributes<DotAttributes>();
    Side matrix{dot.operands()[0], attributes.lhs_batch_dims, attributes.lhs_contracting_dims};
    Side rows{dot.operands()[1], attributes.rhs_batch_dims, attributes.rhs_contracting_dims};
    const bool rows_first = rows.FreeElements() > matrix.FreeElements();
    if (rows_first) std::swap(matrix, rows);
    if (rows.FreeElements() > kMostRows || dot.shape().HasDynamicDimension()) return nullptr;
    if (HasMatrixUnit(dot) && matrix.FreeElements() >= kMatrixColumns) return nullptr;
    const ElementType sum_type = SumType(dot);
    if (sum_type == ElementType::kPred) return nullptr;
    computation_ = &computation;
    Place(matrix, rows);
    const Shape shape = Shape::ArrayWithDefaultLayout(sum_type, sizes_);
    Instruction* product =
        computation.Add(Opcode::kMultiply, shape,
                        {Along(Convert(matrix.value, sum_type), of_matrix_, shape),
                         Along(Convert(rows.value, sum_type), of_rows_, shape)});
    Instruction* sum = InOrder(Sum(product, matrix.contracting), matrix, rows, rows_first);
    sum = Reshape(Convert(sum, dot.shape().element_type()), dot.shape().dimensions());
    sum->mutable_annotations().metadata = dot.annotations().metadata;
    return sum;
  }

 private:
  bool HasMatrixUnit(const Instruction& dot) const {
    const ElementType type = dot.operand(0)->shape().element_type();
    return target_.capability >= kMatrixCapability && BitWidth(type) == 16 && IsFloat(type) &&
           dot.operand(1)->shape().element_type() == type;
  }

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

  // The dimensions of the product: the matrix's, with those of the rows behind the batches that the
  // matrix begins with.  Sets sizes_, of_matrix_ and of_rows_.
  void Place(const Side& matrix, const Side& rows) {
    const int64_t rank = matrix.shape().rank();
    int64_t batches = 0;
    while (batches < rank && Contains(matrix.batch, batches)) ++batches;
    sizes_.assign(matrix.shape().dimensions().begin(),
                  matrix.shape().dimensions().begin() + batches);
    of_rows_.assign(rows.shape().rank(), -1);
    for (int64_t d = 0; d < rows.shape().rank(); ++d) {
      if (!rows.IsFree(d)) continue;
      of_rows_[d] = static_cast<int64_t>(sizes_.size());
      sizes_.push_back(rows.shape().dimension(d));
    }
    const int64_t inserted = static_cast<int64_t>(sizes_.size()) - batches;
    of_matrix_.clear();
    for (int64_t d = 0; d < rank; ++d) {
      of_matrix_.push_back(d < batches ? d : d + inserted);
      if (d >= batches) sizes_.push_back(matrix.shape().dimension(d));
    }
    for (size_t i = 0; i < rows.batch.size(); ++i) {
      of_rows_[rows.batch[i]] = of_matrix_[matrix.batch[i]];
    }
    for (size_t i = 0; i < rows.contracting.size(); ++i) {
      of_rows_[rows.contracting[i]] = of_matrix_[matrix.contracting[i]];
    }
  }

  // A side at the places of the product, `to` of each of its dimensions.
  Instruction* Along(Instruction* value, const std::vector<int64_t>& to, const Shape& shape) {
    std::vector<int64_t> permutation(to.size());
    std::iota(permutation.begin(), permutation.end(), 0);
    std::sort(permutation.begin(), permutation.end(),
              [&](int64_t a, int64_t b) { return to[a] < to[b]; });
    std::vector<int64_t> along = to;
    std::sort(along.begin(), along.end());
    value = TransposeOf(value, std::move(permutation));
    if (value->shape().dimensions() == shape.dimensions()) return value;
    return computation_->Add(Opcode::kBroadcast, shape, {value},
                             DimensionsAttributes{std::move(along)});
  }

  Instruction* Sum(Instruction* product, const std::vector<int64_t>& contracting) {
    if (contracting.empty()) return product;
    const Shape& shape = product->shape();
    std::vector<int64_t> sizes, reduced;
    for (int64_t d : contracting) reduced.push_back(of_matrix_[d]);
    std::sort(reduced.begin(), reduced.end());
    for (int64_t d = 0; d < shape.rank(); ++d) {
      if (!Contains(reduced, d)) sizes.push_back(shape.dimension(d));
    }
    Instruction* zero = computation_->AddConstant(Literal::Scalar(shape.element_type(), 0));
    Instruction* sum = computation_->Add(
        Opcode::kReduce, Shape::ArrayWithDefaultLayout(shape.element_type(), std::move(sizes)),
        {product, zero}, DimensionsAttributes{std::move(reduced)});
    sum->set_called_computations({Adder(shape.element_type())});
    return sum;
  }

  // Batches in the dot's order, then what is free of the left side, then of the right.
  Instruction* InOrder(Instruction* sum, const Side& matrix, const Side& rows, bool rows_first) {
    std::vector<int64_t> place(sizes_.size(), -1);  // in the sum, by dimension of the product
    int64_t next = 0;
    for (size_t d = 0; d < sizes_.size(); ++d) {
      const bool is_summed = std::any_of(matrix.contracting.begin(), matrix.contracting.end(),
                                         [&](int64_t c) { return of_matrix_[c] == int64_t(d); });
      if (!is_summed) place[d] = next++;
    }
    std::vector<int64_t> permutation;
    for (int64_t d : matrix.batch) permutation.push_back(place[of_matrix_[d]]);
    const auto add_free = [&](const Side& side, const std::vector<int64_t>& of_side) {
      for (int64_t d = 0; d < side.shape().rank(); ++d) {
        if (side.IsFree(d)) permutation.push_back(place[of_side[d]]);
      }
    };
    if (rows_first) add_free(rows, of_rows_);
    add_free(matrix, of_matrix_);
    if (!rows_first) add_free(rows, of_rows_);
    return TransposeOf(sum, std::move(permutation));
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
  const Target& target_;
  Computation* computation_ = nullptr;
  std::vector<int64_t> sizes_;                // of the product's dimensions
  std::vector<int64_t> of_matrix_, of_rows_;  // of each side's dimensions: the product's
  absl::flat_hash_map<ElementType, Computation*> adders_;
};

}  // namespace

absl::StatusOr<bool> DotsOfFewRows(Module& module, const PassContext& context) {
  if (context.target == nullptr || context.target->platform != Platform::kCuda) return false;
  Expansion expansion(module, *context.target);
  return ReplaceEach(module, [&](Computation& computation, const Instruction& instruction) {
    return expansion.Run(computation, instruction);
  });
}

}  // namespace ingot
