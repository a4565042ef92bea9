#include "ir/base/shape.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ingot {
namespace {

Shape WithLayout(Shape shape, std::vector<int64_t> minor_to_major, std::string extras = "") {
  shape.set_layout(Layout{std::move(minor_to_major), std::move(extras)});
  return shape;
}

Shape F32(std::vector<int64_t> dimensions) {
  return Shape::Array(ElementType::kF32, std::move(dimensions));
}

TEST(ShapeTest, ArraysPrintAsHloWritesThem) {
  EXPECT_EQ(F32({8, 16}).ToString(), "f32[8,16]");
  EXPECT_EQ(Shape::Scalar(ElementType::kPred).ToString(), "pred[]");
  EXPECT_EQ(Shape::ArrayWithDefaultLayout(ElementType::kBF16, {2, 3}).ToString(), "bf16[2,3]{1,0}");
  EXPECT_EQ(WithLayout(F32({8, 16}), {0, 1}, "T(8,128)S(1)").ToString(),
            "f32[8,16]{0,1:T(8,128)S(1)}");
  EXPECT_EQ(WithLayout(F32({8, 16}), {0, 1}).ToString(/*with_layout=*/false), "f32[8,16]");
  EXPECT_EQ(WithLayout(F32({}), {}).ToString(), "f32[]");
  EXPECT_EQ(WithLayout(F32({}), {}, "T(128)").ToString(), "f32[]{:T(128)}");
}

TEST(ShapeTest, DynamicDimensionsPrintTheirBound) {
  Shape shape = F32({8, kUnboundedSize, 4});
  shape.set_dynamic(0, true);
  shape.set_dynamic(1, true);
  EXPECT_EQ(shape.ToString(), "f32[<=8,?,4]");
  EXPECT_TRUE(shape.HasDynamicDimension());
  EXPECT_TRUE(shape.Validate().ok());
  shape.set_dynamic(0, false);
  shape.set_dynamic(1, false);
  EXPECT_FALSE(shape.HasDynamicDimension());
  EXPECT_FALSE(shape.Validate().ok());  // an unbounded size has to be dynamic
}

TEST(ShapeTest, TuplesAndTheRest) {
  EXPECT_EQ(Shape().ToString(), "()");
  EXPECT_EQ(Shape::Token().ToString(), "token[]");
  EXPECT_EQ(Shape::Opaque().ToString(), "opaque[]");
  const Shape pair = Shape::Tuple({Shape::Scalar(ElementType::kS32), F32({4})});
  EXPECT_EQ(Shape::Tuple({pair, Shape::Token()}).ToString(), "((s32[], f32[4]), token[])");
  EXPECT_EQ(Shape::Tuple(std::vector<Shape>(6, F32({}))).ToString(),
            "(f32[], f32[], f32[], f32[], f32[], /*index=5*/f32[])");
}

TEST(ShapeTest, Sizes) {
  EXPECT_EQ(F32({}).ElementCount(), 1);
  EXPECT_EQ(F32({3, 0, 5}).ElementCount(), 0);
  EXPECT_EQ(Shape::Array(ElementType::kS4, {3}).ByteSize(), 3);
  EXPECT_EQ(Shape::Tuple({F32({2, 3}), Shape::Token(), Shape::Tuple({F32({})})}).ByteSize(), 28);
}

TEST(ShapeTest, ValidateRefusesWhatHasNoSize) {
  EXPECT_TRUE(F32({2, 0}).Validate().ok());
  EXPECT_TRUE(F32({int64_t{1} << 60}).Validate().ok());
  EXPECT_FALSE(F32({int64_t{1} << 61}).Validate().ok());
  EXPECT_FALSE(F32({int64_t{1} << 40, int64_t{1} << 40}).Validate().ok());
  EXPECT_EQ(F32({2, -3}).Validate().message(), "dimension 1 has the negative size -3");
  EXPECT_FALSE(F32({kUnboundedSize}).Validate().ok());
  EXPECT_FALSE(Shape::Tuple({F32({}), F32({-3})}).Validate().ok());
}

TEST(ShapeTest, ValidateRefusesLayoutsThatAreNoPermutation) {
  EXPECT_TRUE(WithLayout(F32({2, 3}), {1, 0}).Validate().ok());
  EXPECT_TRUE(WithLayout(F32({}), {}).Validate().ok());
  for (const std::vector<int64_t>& order :
       {std::vector<int64_t>{0}, {0, 0}, {0, 2}, {-1, 0}, {1, 0, 2}, {}}) {
    EXPECT_FALSE(WithLayout(F32({2, 3}), order).Validate().ok());
  }
  EXPECT_EQ(WithLayout(F32({2, 3}), {0, 0}).Validate().message(),
            "layout {0,0} is not a permutation of the 2 dimensions of f32[2,3]");
}

TEST(ShapeTest, Comparisons) {
  const Shape rows = WithLayout(F32({2, 3}), {1, 0}), columns = WithLayout(F32({2, 3}), {0, 1});
  EXPECT_NE(rows, columns);
  EXPECT_TRUE(Shape::SameIgnoringLayout(rows, columns));
  EXPECT_FALSE(Shape::SameIgnoringLayout(rows, F32({3, 2})));
  const Shape integers = Shape::Array(ElementType::kS32, {2, 3});
  EXPECT_FALSE(Shape::SameIgnoringLayout(rows, integers));
  EXPECT_TRUE(Shape::SameDimensions(rows, integers));
  EXPECT_FALSE(Shape::SameIgnoringLayout(Shape::Tuple({rows}), Shape::Tuple({integers})));
  EXPECT_TRUE(Shape::SameDimensions(Shape::Tuple({rows}), Shape::Tuple({integers})));
  EXPECT_FALSE(Shape::SameDimensions(Shape::Tuple({rows}), Shape::Tuple({rows, rows})));
  EXPECT_FALSE(Shape::SameDimensions(Shape::Token(), Shape::Opaque()));
}

TEST(ShapeTest, Layouts) {
  EXPECT_EQ(Layout::Default(3).minor_to_major, (std::vector<int64_t>{2, 1, 0}));
  EXPECT_TRUE(Layout::Default(3).IsDefault());
  EXPECT_FALSE((Layout{{0, 1}, ""}).IsDefault());
  EXPECT_EQ(F32({2, 3}).LayoutOrDefault(), Layout::Default(2));
}

TEST(ShapeTest, Strides) {
  EXPECT_EQ(RowMajorStrides({2, 3, 4}), (std::vector<int64_t>{12, 4, 1}));
  EXPECT_EQ(StridesOf({2, 3, 4}, Layout{{0, 2, 1}, ""}), (std::vector<int64_t>{1, 8, 2}));
  EXPECT_EQ(RowMajorStrides({}), std::vector<int64_t>{});
}

TEST(ShapeTest, Products) {
  EXPECT_EQ(Product({}), 1);
  EXPECT_EQ(Product({2, 3, 7}), 42);
  EXPECT_EQ(CheckedProduct({int64_t{1} << 62}), int64_t{1} << 62);
  EXPECT_EQ(CheckedProduct({int64_t{1} << 62, 2}), std::nullopt);
  EXPECT_EQ(CheckedProduct({int64_t{1} << 62, 2, 0}), std::nullopt);  // in whatever order
  EXPECT_EQ(CheckedProduct({0, int64_t{1} << 62, 2}), std::nullopt);
  EXPECT_EQ(CheckedProduct({2, -1}), std::nullopt);
  EXPECT_DEATH(Product({int64_t{1} << 62, 4}), "overflows");
}

}  // namespace
}  // namespace ingot
