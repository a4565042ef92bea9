#include "ir/base/element_type.h"

#include <gtest/gtest.h>

namespace ingot {
namespace {

TEST(ElementTypeTest, EveryNameIsReadBack) {
  for (int i = 0; i < kElementTypeCount; ++i) {
    const ElementType type = static_cast<ElementType>(i);
    EXPECT_EQ(ElementTypeFromName(ElementTypeName(type)), type) << ElementTypeName(type);
  }
  EXPECT_EQ(ElementTypeFromName("f33"), std::nullopt);
  EXPECT_EQ(ElementTypeFromName(""), std::nullopt);
}

}  // namespace
}  // namespace ingot
