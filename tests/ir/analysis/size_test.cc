// The work of building FusionInfo is linear in the fusion's size: it is counted, not timed.
#include <gtest/gtest.h>

#include <functional>

#include "ir/analysis/fusion_info.h"

namespace ingot {
namespace {

Shape F32(std::vector<int64_t> sizes) { return Shape::Array(ElementType::kF32, std::move(sizes)); }

// Adds about `size` instructions that use `x`, f32[24,16], and returns the last.
using Filler = std::function<Instruction*(Computation& fusion, Instruction* x, int size)>;

struct Family {
  const char* name;
  Filler fill;
};

Instruction* Unary(Computation& fusion, Instruction* x) {
  return fusion.Add(Opcode::kExp, x->shape(), {x});
}
Instruction* Sum(Computation& fusion, Instruction* x, Instruction* y) {
  return fusion.Add(Opcode::kAdd, x->shape(), {x, y});
}
Instruction* Reshaped(Computation& fusion, Instruction* x, std::vector<int64_t> sizes) {
  return fusion.Add(Opcode::kReshape, F32(std::move(sizes)), {x}, ReshapeAttributes{});
}

// Reshapes there and back with an op between any two.
Filler AlternateReshapes(std::vector<int64_t> there) {
  return [=](Computation& fusion, Instruction* x, int size) {
    for (int i = 0; i < size / 4; ++i) {
      x = Unary(fusion, Reshaped(fusion, x, there));
      x = Unary(fusion, Reshaped(fusion, x, {24, 16}));
    }
    return x;
  };
}

const std::vector<Family>& Families() {
  static const auto* families = new std::vector<Family>{
      {"Chain",
       [](Computation& fusion, Instruction* x, int size) {
         for (int i = 0; i < size; ++i) x = Unary(fusion, x);
         return x;
       }},
      {"WideSum",
       [](Computation& fusion, Instruction* x, int size) {
         Instruction* sum = x;
         for (int i = 0; i < size / 2; ++i) sum = Sum(fusion, sum, Unary(fusion, x));
         return sum;
       }},
      {"ReshapesThatSplit", AlternateReshapes({4, 6, 16})},
      {"ReshapesThatDoNotDivide", AlternateReshapes({16, 24})},
      {"ReshapesThatCancel",
       [](Computation& fusion, Instruction* x, int size) {
         for (int i = 0; i < size / 2; ++i) {
           x = Reshaped(fusion, Reshaped(fusion, x, {16, 24}), {24, 16});
         }
         return x;
       }},
      {"Transposes",
       [](Computation& fusion, Instruction* x, int size) {
         x = fusion.Add(Opcode::kBroadcast, F32({24, 24, 16}), {x}, DimensionsAttributes{{0, 2}});
         for (int i = 0; i < size / 2; ++i) {
           Instruction* t =
               fusion.Add(Opcode::kTranspose, x->shape(), {x}, DimensionsAttributes{{1, 0, 2}});
           x = Sum(fusion, x, t);
         }
         return x;
       }},
      {"Slices",
       [](Computation& fusion, Instruction* x, int size) {
         Instruction* sum = fusion.Add(Opcode::kBroadcast, F32({2, 16}),
                                       {x->parent()->parameters()[1]}, DimensionsAttributes{});
         for (int i = 0; i < size / 2; ++i) {
           SliceAttributes slice{{{i % 22, i % 22 + 2, 1}, {0, 16, 1}}};
           sum = Sum(fusion, sum, fusion.Add(Opcode::kSlice, F32({2, 16}), {x}, slice));
         }
         return sum;
       }},
      {"SlicesOfSlices",
       [](Computation& fusion, Instruction* x, int size) {
         x = fusion.Add(Opcode::kBroadcast, F32({30000, 16}), {x->parent()->parameters()[1]},
                        DimensionsAttributes{});
         x = Unary(fusion, x);
         for (int i = 0; i < size; ++i) {
           const int64_t rows = x->shape().dimension(0) - 1;
           SliceAttributes slice{{{1, rows + 1, 1}, {0, 16, 1}}};
           x = fusion.Add(Opcode::kSlice, F32({rows, 16}), {x}, slice);
         }
         return x;
       }},
      {"RowsOfManySizes",
       [](Computation& fusion, Instruction* x, int size) {
         // Every one shares the columns, and has rows of its own.
         std::vector<Instruction*> parts;
         int64_t rows = 0;
         for (int i = 0; i < size; ++i) {
           parts.push_back(fusion.Add(Opcode::kSlice, F32({1 + i % 20, 16}), {x},
                                      SliceAttributes{{{0, 1 + i % 20, 1}, {0, 16, 1}}}));
           rows += 1 + i % 20;
         }
         return fusion.Add(Opcode::kConcatenate, F32({rows, 16}), parts, DimensionsAttributes{{0}});
       }},
  };
  return *families;
}

int64_t StepsOf(const Family& family, int size) {
  Module module("size");
  Computation* fusion = module.AddComputation("fusion");
  module.set_entry(fusion);
  Instruction* x = fusion->AddParameter(0, F32({24, 16}));
  fusion->AddParameter(1, F32({}));
  fusion->set_root(family.fill(*fusion, x, size));
  const FusionInfo info(ViewOf(*fusion));
  return info.space().steps() + info.uses().steps();
}

class Size : public testing::TestWithParam<Family> {};

TEST_P(Size, StepsAreLinear) {
  const int64_t steps = StepsOf(GetParam(), 2000);
  EXPECT_GT(steps, 1000);
  EXPECT_LT(StepsOf(GetParam(), 4000), 2.1 * steps);
  EXPECT_LT(steps, 60 * 2000);
}

INSTANTIATE_TEST_SUITE_P(Families, Size, testing::ValuesIn(Families()),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace ingot
