#include "ir/analysis/op_facts.h"

#include <gtest/gtest.h>

#include "ir/module.h"
#include "ir/text/parser.h"

namespace ingot {
namespace {

// A row for each kind of answer: an instruction over the parameters below, for which of its
// operands ReadsOnce, and whether it is free.
struct Row {
  const char* text;
  std::vector<bool> reads_once;
  bool is_free;
};

constexpr char kHeader[] = R"(HloModule facts

sum {
  a = f32[] parameter(0)
  b = f32[] parameter(1)
  ROOT s = f32[] add(a, b)
}

ENTRY main {
  x = f32[4,6] parameter(0)
  y = f32[4,6] parameter(1)
  s = f32[] parameter(2)
  p = pred[] parameter(3)
  q = pred[4,6] parameter(4)
  i = s32[] parameter(5)
  v = s32[3,1] parameter(6)
  one = f32[] constant(1)
  many = f32[2] constant({1, 2})
  count = s32[8] iota(), iota_dimension=0
  ROOT op = )";

const std::vector<Row>& Rows() {
  static const auto* rows = new std::vector<Row>{
      {"f32[4,6] add(x, y)", {true, true}, false},
      {"f32[4,6] exponential(x)", {true}, false},
      {"f32[4,6] select(q, x, y)", {true, true, true}, false},
      {"f32[4,6] select(p, x, y)", {false, true, true}, false},
      {"f32[4,6] clamp(s, x, s)", {false, true, false}, false},
      {"f32[4,6] clamp(x, x, y)", {true, true, true}, false},
      {"f32[4,6,2] broadcast(x), dimensions={0,1}", {false}, false},
      {"f32[4,1,6] broadcast(x), dimensions={0,2}", {true}, false},
      {"f32[4] broadcast(one), dimensions={}", {false}, true},
      {"f32[4,2] broadcast(many), dimensions={1}", {false}, false},
      {"f32[1,1] reshape(one)", {true}, true},
      {"f32[24] reshape(x)", {true}, false},
      {"f32[8] convert(count)", {true}, true},
      {"s32[8,2] broadcast(count), dimensions={0}", {false}, true},
      {"s32[8] negate(count)", {true}, false},
      {"s32[8] copy(count)", {true}, false},
      {"f32[4] constant({1, 2, 3, 4})", {}, false},
      {"f32[4] constant({2, 2, 2, 2})", {}, true},
      {"f32[] constant(3)", {}, true},
      {"s32[4,4] iota(), iota_dimension=1", {}, true},
      {"f32[6,4] transpose(x), dimensions={1,0}", {true}, false},
      {"f32[8,6] concatenate(x, y), dimensions={0}", {true, true}, false},
      {"f32[6,6] pad(x, s), padding=1_1x0_0", {true, false}, false},
      {"f32[2,6] slice(x), slice={[0:2], [0:6]}", {true}, false},
      {"f32[4] reduce(x, s), dimensions={1}, to_apply=sum", {true, false}, false},
      {"f32[2,6] dynamic-slice(x, i, i), dynamic_slice_sizes={2,6}", {true, false, false}, false},
      {"f32[4,6] dynamic-update-slice(x, y, i, i)", {false, false, false, false}, false},
      {"f32[3,6] gather(x, v), offset_dims={1}, collapsed_slice_dims={0}, start_index_map={0}, "
       "index_vector_dim=1, slice_sizes={1,6}",
       {false, false},
       false},
  };
  return *rows;
}

TEST(OpFacts, ReadsOnceAndIsFree) {
  for (const Row& row : Rows()) {
    const auto module = ParseModule(std::string(kHeader) + row.text + "\n}\n", "row");
    ASSERT_TRUE(module.ok()) << row.text << ": " << module.status();
    const Instruction& op = *(*module)->entry()->root();
    std::vector<bool> reads_once;
    for (int64_t k = 0; k < op.operand_count(); ++k) reads_once.push_back(ReadsOnce(op, k));
    EXPECT_EQ(reads_once, row.reads_once) << row.text;
    EXPECT_EQ(IsFree(op), row.is_free) << row.text;
  }
}

TEST(OpFacts, EveryElementwiseOpHasAUnit) {
  Module module("units");
  Computation* computation = module.AddComputation("main");
  for (int i = 0; i < kOpcodeCount; ++i) {
    const Opcode opcode = static_cast<Opcode>(i);
    const int arity = InfoOf(opcode).arity == kVariadic ? 1 : InfoOf(opcode).arity;
    const Shape shape = Shape::Array(ElementType::kF32, {4});
    Instruction* x = computation->AddParameter(i, shape);
    const Instruction* op = computation->Add(opcode, shape, std::vector<Instruction*>(arity, x));
    const bool computes = KindOf(opcode) == OpKind::kElementwise ||
                          KindOf(opcode) == OpKind::kContraction ||
                          KindOf(opcode) == OpKind::kRandom || KindOf(opcode) == OpKind::kSorting;
    EXPECT_EQ(UnitOf(*op).has_value(), computes) << OpcodeName(opcode);
  }
}

TEST(OpFacts, CodeSizeCountsExpansionsAndCallees) {
  const auto size_of = [](const std::string& text) {
    const auto module = ParseModule(std::string(kHeader) + text + "\n}\n", "size");
    EXPECT_TRUE(module.ok()) << text << ": " << module.status();
    return CodeSize(*(*module)->entry()->root());
  };
  EXPECT_EQ(size_of("f32[4,6] add(x, y)"), 1);
  EXPECT_EQ(size_of("f32[24] reshape(x)"), 1);
  EXPECT_GE(size_of("f32[4,6] sine(x)"), 100);
  // The computation of a reduce is code, whatever the number of elements.
  const int64_t reduce = size_of("f32[4] reduce(x, s), dimensions={1}, to_apply=sum");
  EXPECT_GT(reduce, 1);
  EXPECT_LT(reduce, 100);
  EXPECT_GT(size_of("f32[4,12] concatenate(x, y), dimensions={1}"),
            size_of("f32[4,6] concatenate(x), dimensions={1}"));
}

// f0 calls f1 twice, f1 calls f2 twice, …: 2^100 calls.
TEST(OpFacts, CodeSizeLooksAtEachCalleeOnce) {
  Module module("nested");
  const Shape scalar = Shape::Scalar(ElementType::kF32);
  Computation* callee = nullptr;
  for (int i = 0; i <= 100; ++i) {
    Computation* computation = module.AddComputation("f");
    Instruction* x = computation->AddParameter(0, scalar);
    for (int k = 0; k < 2; ++k) {
      const Opcode opcode = callee == nullptr ? Opcode::kSin : Opcode::kMap;
      x = computation->Add(opcode, scalar, {x});
      if (callee != nullptr) x->set_called_computations({callee});
    }
    computation->set_root(x);
    callee = computation;
  }
  EXPECT_EQ(CodeSize(*callee->root()), std::numeric_limits<int64_t>::max());
}

TEST(OpFacts, CountsSaturate) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(SaturatingAdd(kMost - 1, 2), kMost);
  EXPECT_EQ(SaturatingMultiply(int64_t{1} << 40, int64_t{1} << 40), kMost);
  EXPECT_EQ(SaturatingMultiply(int64_t{1} << 31, int64_t{1} << 31), int64_t{1} << 62);
}

TEST(OpFacts, CommonDimensions) {
  const Shape row = Shape::Array(ElementType::kF32, {4, 6});
  const Shape counts = Shape::Array(ElementType::kS8, {4, 6});
  const Shape scalar = Shape::Scalar(ElementType::kF32);
  EXPECT_EQ(CommonDimensions(Shape::Tuple({row, counts})), absl::Span<const int64_t>({4, 6}));
  EXPECT_EQ(BytesOf(Shape::Tuple({row, counts}), 2), 10);
  EXPECT_FALSE(HasCommonDimensions(Shape::Tuple({row, scalar})));
  EXPECT_EQ(BytesOf(Shape::Tuple({row, scalar}), 1), 100);
  EXPECT_FALSE(HasCommonDimensions(Shape::Token()));
  EXPECT_FALSE(HasCommonDimensions(Shape::Array(ElementType::kF32, {4, kUnboundedSize})));
  std::vector<int64_t> many(100, 2);
  many[0] = 0;
  EXPECT_FALSE(HasCommonDimensions(Shape::Array(ElementType::kF32, many)));
  EXPECT_TRUE(HasCommonDimensions(Shape::Array(ElementType::kF32, std::vector<int64_t>(100, 1))));
}

}  // namespace
}  // namespace ingot
