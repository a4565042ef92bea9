#include "ir/analysis/atoms.h"

#include <gtest/gtest.h>

namespace ingot {
namespace {

class Atoms : public testing::Test {
 protected:
  // A value of these sizes: its atoms, which have met.
  std::vector<int> Value(std::initializer_list<int64_t> sizes) {
    std::vector<int> atoms;
    for (int64_t size : sizes) atoms.push_back(table_.Add(size));
    table_.Meet(atoms);
    return atoms;
  }
  std::vector<int> Leaves(const std::vector<int>& atoms) {
    std::vector<int> leaves;
    for (int atom : atoms) table_.Expand(atom, leaves);
    return leaves;
  }
  std::vector<int64_t> LeafSizes(const std::vector<int>& atoms) {
    std::vector<int64_t> sizes;
    for (int leaf : Leaves(atoms)) sizes.push_back(table_.size(leaf));
    return sizes;
  }
  using Sizes = std::vector<int64_t>;

  AtomTable table_;
};

TEST_F(Atoms, EqualSizesAreUnited) {
  const auto a = Value({8, 4});
  const auto b = Value({8, 4});
  EXPECT_TRUE(table_.Unify(a, b));
  EXPECT_EQ(Leaves(a), Leaves(b));
}

TEST_F(Atoms, SplitsReachEveryPlace) {
  const auto a = Value({8, 4});
  const auto b = Value({4, 8});
  const auto c = Value({8});
  EXPECT_TRUE(table_.Unify({&a[0], 1}, c));
  EXPECT_TRUE(table_.Unify(a, b));
  EXPECT_EQ(LeafSizes(a), (Sizes{4, 2, 4}));
  EXPECT_EQ(Leaves(a), Leaves(b));
  EXPECT_EQ(LeafSizes(c), (Sizes{4, 2}));
}

TEST_F(Atoms, SizesThatDoNotDivideStayWhole) {
  const auto a = Value({5, 6, 4, 7});
  const auto b = Value({5, 4, 6, 7});
  EXPECT_FALSE(table_.Unify(a, b));
  EXPECT_EQ(LeafSizes(a), (Sizes{5, 6, 4, 7}));
  EXPECT_EQ(LeafSizes(b), (Sizes{5, 4, 6, 7}));
  // What stands around them is united.
  EXPECT_EQ(Leaves(a)[0], Leaves(b)[0]);
  EXPECT_EQ(Leaves(a)[3], Leaves(b)[3]);
}

TEST_F(Atoms, WhatHasMetIsNotUnited) {
  const auto x = Value({6, 6});
  const auto t = Value({6, 6});
  EXPECT_TRUE(table_.Unify(x, t));
  EXPECT_FALSE(table_.Unify({&x[0], 1}, {&t[1], 1}));
  // Through a third one, and after a split.
  const auto y = Value({6});
  EXPECT_TRUE(table_.Unify(y, {&x[0], 1}));
  EXPECT_FALSE(table_.Unify(y, {&t[1], 1}));
  const auto parts = Value({2, 3});
  EXPECT_TRUE(table_.Unify(y, parts));
  EXPECT_FALSE(table_.Unify(parts, {&x[1], 1}));
  EXPECT_EQ(Leaves(x).size(), 4);
}

TEST_F(Atoms, WithoutElementsOnlySingleCoordinatesAgree) {
  const auto a = Value({0, 4});
  const auto b = Value({0, 7});
  EXPECT_FALSE(table_.Unify(a, b));
  EXPECT_TRUE(table_.Unify({&a[0], 1}, {&b[0], 1}));
}

}  // namespace
}  // namespace ingot
