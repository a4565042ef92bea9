// ProductSpace: the places of a product's result, for what is made of its elements.
#ifndef INGOT_COMPILER_LOWER_CONTRACTION_SPACE_H_
#define INGOT_COMPILER_LOWER_CONTRACTION_SPACE_H_

#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "compiler/lower/frame.h"
#include "compiler/plan/product.h"

namespace ingot::lower {

// What `consumer` reads of a parameter at its own place, where that has been read; null: it has
// not.
struct MatrixElements {
  const Instruction* parameter = nullptr;
  const Instruction* consumer = nullptr;
  kernel::Value values = nullptr;
};

// A point is `lanes` elements of one row of the product's result, or one element.
class ProductSpace : public TileSpace {
 public:
  ProductSpace(Frame& frame, const plan::ProductFusion& product);
  ~ProductSpace() override { frame_.context.tile = nullptr; }

  // The results at row `m` and columns from `n` on of batch `b`, whose products, `sums` in the
  // product's type of sums, are in so many lanes.
  struct Results {
    int point;
    Elements values;  // in order
  };
  Results Make(kernel::Value b, kernel::Value m, kernel::Value n, kernel::Value sums,
               const MatrixElements& elements = {});
  // The same, stored.
  void Store(kernel::Value b, kernel::Value m, kernel::Value n, kernel::Value sums);

  const Instruction* SourceOf(const Instruction& consumer, int64_t operand) const override;
  Index IndexAt(const Instruction& instruction, int point) override;
  int64_t PlacesThatShare(const Instruction&, int64_t) const override { return 1; }
  std::optional<Element> Read(const Instruction&, const Index&) override { return std::nullopt; }
  bool IsHeld(const Instruction& instruction) const override {
    return &instruction == product_.product.instruction;
  }

 private:
  const std::optional<plan::ProductValue>& Of(const Instruction& instruction) const {
    return product_.values[number_.at(&instruction)];
  }

  Frame& frame_;
  const plan::ProductFusion& product_;
  absl::flat_hash_map<const Instruction*, size_t> number_;
  const std::vector<const Instruction*> results_;
  std::vector<std::vector<kernel::Value>> points_;  // indices of the product's result
};

}  // namespace ingot::lower

#endif  // INGOT_COMPILER_LOWER_CONTRACTION_SPACE_H_
