// Sorts on simulated GPUs: whatever is compared, results have the evaluator's bits, and what ties
// keeps its order.
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "compiler/compile.h"
#include "compiler/executable.h"
#include "compiler/plan/fits.h"
#include "compiler/plan/merge_sort.h"
#include "compiler/plan/plan_table.h"
#include "compiler/plan/radix_sort.h"
#include "compiler/program/fusion_table.h"
#include "ir/analysis/sort_order.h"
#include "ir/evaluator/evaluator.h"
#include "runtime/executor.h"
#include "tests/compiler/plans.h"

namespace ingot::test {
namespace {

// How two elements are compared.  `text` is a computation's body, of x0 and y0 (and x1, y1, ...),
// whose root is r; T stands for the type of operand 0.
struct Order {
  const char* name;
  const char* text;
  bool by_key;
  bool has_nans;  // it is an order of data with NaNs too
};

// As JAX compares floats: zeros tie, and so do NaNs, behind all else.
constexpr char kCanonical[] =
    "  zero = T[] constant(0)\n  nan = T[] constant(nan)\n"
    "  x_nan = pred[] compare(x0, x0), direction=NE\n"
    "  x_zero = pred[] compare(x0, zero), direction=EQ\n"
    "  x.1 = T[] select(x_zero, zero, x0)\n  x = T[] select(x_nan, nan, x.1)\n"
    "  y_nan = pred[] compare(y0, y0), direction=NE\n"
    "  y_zero = pred[] compare(y0, zero), direction=EQ\n"
    "  y.1 = T[] select(y_zero, zero, y0)\n  y = T[] select(y_nan, nan, y.1)\n";

constexpr Order kLess = {"less", "  ROOT r = pred[] compare(x0, y0), direction=LT\n", true, false};
constexpr Order kGreater = {"greater", "  ROOT r = pred[] compare(x0, y0), direction=GT\n", true,
                            false};
constexpr Order kSwapped = {"swapped", "  ROOT r = pred[] compare(y0, x0), direction=LT\n", true,
                            false};
constexpr Order kTotal = {"total", "  ROOT r = pred[] compare(x0, y0), direction=LT, order=TOTAL\n",
                          true, true};
constexpr Order kTotalGreater = {
    "total_greater", "  ROOT r = pred[] compare(x0, y0), direction=GT, order=TOTAL\n", true, true};
constexpr Order kJax = {"jax", "  ROOT r = pred[] compare(x, y), direction=LT, order=TOTAL\n", true,
                        true};
constexpr Order kJaxGreater = {
    "jax_greater", "  ROOT r = pred[] compare(x, y), direction=GT, order=TOTAL\n", true, true};
constexpr Order kNansFirst = {
    "nans_first",
    "  nan = T[] constant(-nan)\n"
    "  x_nan = pred[] compare(x0, x0), direction=NE\n"
    "  y_nan = pred[] compare(y0, y0), direction=NE\n"
    "  x.2 = T[] select(x_nan, nan, x0)\n  y.2 = T[] select(y_nan, nan, y0)\n"
    "  ROOT r = pred[] compare(x.2, y.2), direction=LT, order=TOTAL\n",
    true, true};
// Two operands: the second is s32.
constexpr Order kPair = {"pair",
                         "  first = pred[] compare(x, y), direction=LT, order=TOTAL\n"
                         "  tie = pred[] compare(x, y), direction=EQ, order=TOTAL\n"
                         "  second = pred[] compare(x1, y1), direction=GT\n"
                         "  both = pred[] and(tie, second)\n  ROOT r = pred[] or(first, both)\n",
                         true, true};
constexpr Order kPairBySelect = {"pair_by_select",
                                 "  first = pred[] compare(x, y), direction=GT, order=TOTAL\n"
                                 "  differ = pred[] compare(y, x), direction=NE, order=TOTAL\n"
                                 "  second = pred[] compare(x1, y1), direction=LT\n"
                                 "  ROOT r = pred[] select(differ, first, second)\n",
                                 true, true};
constexpr Order kMagnitude = {"magnitude",
                              "  a = T[] abs(x0)\n  b = T[] abs(y0)\n"
                              "  ROOT r = pred[] compare(a, b), direction=LT\n",
                              false, false};
// Ties of another kind of zeros than the order's: not a lexicographic order of keys.
constexpr Order kMixed = {"mixed",
                          "  first = pred[] compare(x0, y0), direction=LT, order=TOTAL\n"
                          "  tie = pred[] compare(x0, y0), direction=EQ\n"
                          "  second = pred[] compare(x1, y1), direction=LT\n"
                          "  ROOT r = pred[] select(tie, second, first)\n",
                          false, false};
constexpr Order kConstant = {"constant", "  ROOT r = pred[] constant(false)\n", false, true};

struct SortCase {
  Order order;
  std::vector<std::string> types;
  std::string dimensions;
  int along = 0;
  bool stable = true;
};

std::string TextOf(const SortCase& c) {
  std::string less, entry, tuple;
  std::vector<std::string> names, shapes;
  for (size_t k = 0; k < c.types.size(); ++k) {
    absl::StrAppend(&less, "  x", k, " = ", c.types[k], "[] parameter(", 2 * k, ")\n  y", k, " = ",
                    c.types[k], "[] parameter(", 2 * k + 1, ")\n");
    shapes.push_back(absl::StrCat(c.types[k], "[", c.dimensions, "]"));
    absl::StrAppend(&entry, "  p", k, " = ", shapes[k], " parameter(", k, ")\n");
    names.push_back(absl::StrCat("p", k));
  }
  const std::string body = c.order.text;
  if (body.find("(x, y)") != std::string::npos) absl::StrAppend(&less, kCanonical);
  absl::StrAppend(&less, body);
  for (size_t at = less.find("T["); at != std::string::npos; at = less.find("T[", at + 1)) {
    less.replace(at, 1, c.types[0]);
  }
  std::string shape = absl::StrJoin(shapes, ", ");
  if (shapes.size() > 1) shape = absl::StrCat("(", shape, ")");
  return absl::StrCat("HloModule m\nless {\n", less, "}\nENTRY e {\n", entry, "  ROOT s = ", shape,
                      " sort(", absl::StrJoin(names, ", "), "), dimensions={", c.along,
                      "}, is_stable=", c.stable ? "true" : "false", ", to_apply=less\n}\n");
}

// Bit patterns of the type that are special: of floats zeros, infinities, NaNs of both signs and
// several payloads, none of which signals, the least and the largest numbers; of integers the ends.
std::vector<uint64_t> SpecialsOf(ElementType type, bool nans) {
  const int width = BitWidth(type);
  const uint64_t top = uint64_t{1} << (width - 1);
  if (!IsFloat(type)) return {0, 1, top, top - 1, top + 1, ~uint64_t{0}, 2};
  const int exponent = type == ElementType::kF16 ? 5 : width == 64 ? 11 : 8;
  const uint64_t infinity = ((uint64_t{1} << exponent) - 1) << (width - 1 - exponent);
  const uint64_t quiet = infinity | uint64_t{1} << (width - 2 - exponent);
  std::vector<uint64_t> bits = {0, 1, infinity, infinity - 1, infinity / 3};
  if (nans) bits.push_back(quiet);
  // The evaluator does not tell the payloads of f16 apart.
  if (nans && type != ElementType::kF16) {
    bits.push_back(quiet + 1);
    bits.push_back(top - 1);
  }
  const size_t positive = bits.size();
  for (size_t i = 0; i < positive; ++i) bits.push_back(bits[i] | top);
  return bits;
}

void SetBits(Literal& literal, int64_t i, uint64_t bits) {
  const int bytes = ByteWidth(literal.shape().element_type());
  std::memcpy(literal.MutableBytes().data() + i * bytes, &bits, bytes);
}

// Half of it are special values, which come again and again.
Literal InputOf(const Shape& shape, bool nans, uint64_t seed) {
  std::mt19937_64 random(seed);
  const ElementType type = shape.element_type();
  const std::vector<uint64_t> specials = SpecialsOf(type, nans);
  Literal literal = *Literal::Zeros(shape);
  for (int64_t i = 0; i < literal.size(); ++i) {
    if (type == ElementType::kPred) {
      SetBits(literal, i, random() & 1);
    } else if (random() % 2 == 0) {
      SetBits(literal, i, specials[random() % specials.size()]);
    } else if (IsFloat(type)) {
      literal.SetDouble(i, (static_cast<double>(random() % 2001) - 1000) / 8);
    } else {
      SetBits(literal, i, random());
    }
  }
  return literal;
}

void ExpectSorted(const Module& module, const Target& target, const std::vector<Literal>& inputs,
                  const std::string& table_text = "") {
  CompileOptions options;
  options.threads = 1;
  auto table = plan::PlanTable::Parse(table_text, "plans.txt");
  ASSERT_TRUE(table.ok()) << table.status();
  options.plans = std::make_shared<const plan::PlanTable>(*std::move(table));
  options.warning = [&](const std::string& warning) { ADD_FAILURE() << warning; };
  const auto compilation = Compile(module, target, options);
  ASSERT_TRUE(compilation.ok()) << compilation.status();
  const auto device = DeviceOf(target);
  ASSERT_TRUE(device.ok()) << device.status();
  const auto executable = Executable::Load(compilation->program, device->get());
  ASSERT_TRUE(executable.ok()) << executable.status();
  const auto expected = Evaluate(module, inputs);
  ASSERT_TRUE(expected.ok()) << expected.status();
  const auto results = (*executable)->Run(inputs);
  ASSERT_TRUE(results.ok()) << results.status();
  const std::vector<Literal> leaves =
      expected->shape().IsTuple() ? expected->tuple() : std::vector<Literal>{*expected};
  ASSERT_EQ(results->size(), leaves.size());
  for (size_t k = 0; k < leaves.size(); ++k) {
    const absl::Span<const std::byte> actual = (*results)[k].bytes(), wanted = leaves[k].bytes();
    ASSERT_EQ(actual.size(), wanted.size());
    for (size_t i = 0; i < wanted.size(); ++i) {
      ASSERT_EQ(actual[i], wanted[i])
          << "byte " << i << " of result " << k << " on " << target.name << "\n"
          << table_text;
    }
  }
}

std::vector<Literal> InputsOf(const Module& module, bool nans) {
  std::vector<Literal> inputs;
  for (const Instruction* parameter : module.entry()->parameters()) {
    inputs.push_back(InputOf(parameter->shape(), nans, inputs.size() + 1));
  }
  return inputs;
}

void ExpectRightSort(const SortCase& c) {
  SCOPED_TRACE(
      absl::StrCat(c.order.name, " ", absl::StrJoin(c.types, " "), "[", c.dimensions, "]"));
  const std::unique_ptr<Module> module = Read(TextOf(c));
  ASSERT_NE(module, nullptr);
  EXPECT_EQ(FindSortKeys(*module->entry()->root()).has_value(), c.order.by_key);
  for (const char* name : {"sim:sm_90a", "sim:sm_90a-tiny"}) {
    ExpectSorted(*module, TargetOf(name), InputsOf(*module, c.order.has_nans));
  }
}

TEST(Sort, EveryOrderOfEveryType) {
  for (const char* type : {"f32", "bf16", "f16", "f64"}) {
    for (const Order& order : {kLess, kGreater, kSwapped, kTotal, kTotalGreater, kJax, kJaxGreater,
                               kNansFirst, kMagnitude}) {
      ExpectRightSort({order, {type}, "3,70", 1});
      if (HasFailure()) return;
    }
    for (const Order& order : {kPair, kPairBySelect, kMixed}) {
      ExpectRightSort({order, {type, "s32", "c64"}, "3,70", 1});
      if (HasFailure()) return;
    }
  }
  for (const char* type : {"s8", "u8", "s16", "u16", "s32", "u32", "s64", "u64", "pred"}) {
    for (const Order& order : {kLess, kGreater, kSwapped}) {
      ExpectRightSort({order, {type}, "3,70", 1});
      ExpectRightSort({order, {type, "f32"}, "3,70", 1});
      if (HasFailure()) return;
    }
  }
}

// Of two elements, the one that the comparator puts first: all pairs of values that are special.
TEST(Sort, EveryPairOfSpecialValues) {
  for (const char* type : {"f32", "bf16", "f16", "f64", "s32", "u8", "s64"}) {
    const bool floats = type[0] == 'f' || type[0] == 'b';
    for (const Order& order :
         {kLess, kGreater, kTotal, kTotalGreater, kJax, kJaxGreater, kNansFirst}) {
      if (!floats && order.text != kLess.text && order.text != kGreater.text) continue;
      const std::vector<uint64_t> specials = SpecialsOf(*ElementTypeFromName(type), order.has_nans);
      const int64_t n = static_cast<int64_t>(specials.size());
      const SortCase c = {order, {type, "s32"}, absl::StrCat(n * n, ",2"), 1};
      const std::unique_ptr<Module> module = Read(TextOf(c));
      ASSERT_NE(module, nullptr);
      std::vector<Literal> inputs = InputsOf(*module, false);
      for (int64_t i = 0; i < n * n; ++i) {
        SetBits(inputs[0], 2 * i, specials[i / n]);
        SetBits(inputs[0], 2 * i + 1, specials[i % n]);
      }
      SCOPED_TRACE(absl::StrCat(order.name, " ", type));
      ExpectSorted(*module, TargetOf("sim:sm_90a"), inputs);
      if (HasFailure()) return;
    }
  }
}

TEST(Sort, EverySize) {
  for (const int size :
       {0,   1,   2,   3,   4,   5,   7,   8,   9,   16,  31,   32,   33,   63,   64,   65,  100,
        127, 128, 129, 255, 256, 257, 384, 511, 512, 513, 1000, 1023, 1024, 1025, 2047, 4099}) {
    for (const char* rows : {"1", "5", "37"}) {
      if (size > 600 && rows[0] == '3') continue;
      ExpectRightSort({kJax, {"f32"}, absl::StrCat(rows, ",", size), 1});
      ExpectRightSort({kLess, {"u16"}, absl::StrCat(rows, ",", size), 1});
      if (size < 300)
        ExpectRightSort({kMagnitude, {"f32", "s8"}, absl::StrCat(rows, ",", size), 1});
      if (HasFailure()) return;
    }
  }
  ExpectRightSort({kLess, {"u32"}, "0,7", 1});
}

TEST(Sort, EveryDimension) {
  for (int along = 0; along < 3; ++along) {
    for (const char* dimensions : {"5,6,7", "33,2,40", "1,65,1"}) {
      ExpectRightSort({kJax, {"f32", "s16", "f64"}, dimensions, along});
      ExpectRightSort({kGreater, {"s8"}, dimensions, along});
      ExpectRightSort({kMagnitude, {"f16"}, dimensions, along, false});
      if (HasFailure()) return;
    }
  }
}

TEST(Sort, LongRows) {
  ExpectRightSort({kJax, {"f32"}, "2,8192", 1});
  ExpectRightSort({kLess, {"u32"}, "2,8191", 1});
  ExpectRightSort({kMagnitude, {"f32"}, "1,3001", 1});
  ExpectRightSort({kConstant, {"s32"}, "3,300", 1});
}

// Rows that no block holds: tiles, and passes that merge them.
TEST(Sort, Passes) {
  for (const char* dimensions : {"20011", "32768", "70001", "100003"}) {
    ExpectRightSort({kJax, {"f32"}, dimensions, 0});
    ExpectRightSort({kLess, {"u32"}, dimensions, 0});
    if (HasFailure()) return;
  }
  ExpectRightSort({kPair, {"f16", "s32", "c64"}, "2,33333", 1});
  ExpectRightSort({kGreater, {"s64", "u8"}, "18001,2", 0});
  ExpectRightSort({kMagnitude, {"f32"}, "3,20001", 1});
  ExpectRightSort({kConstant, {"s16", "bf16"}, "1,20000", 1});
}

// What does no order is no reason to stop, to write elsewhere, or to read what is not there.
TEST(Sort, AnyComparatorEnds) {
  constexpr Order kNoOrders[] = {
      {"always", "  ROOT r = pred[] constant(true)\n", false, false},
      {"not_less", "  ROOT r = pred[] compare(x0, y0), direction=NE\n", false, false},
      {"odd",
       "  z = s32[] subtract(x0, y0)\n  one = s32[] constant(1)\n  o = s32[] and(z, one)\n"
       "  ROOT r = pred[] compare(o, one), direction=EQ\n",
       false, false},
  };
  for (const Order& order : kNoOrders) {
    for (const char* dimensions : {"3,70", "1,1000", "1,20000"}) {
      const std::unique_ptr<Module> module = Read(TextOf({order, {"s32"}, dimensions, 1}));
      ASSERT_NE(module, nullptr);
      for (const char* name : {"sim:sm_90a", "sim:sm_90a-tiny"}) {
        const auto compilation = Compile(*module, TargetOf(name), {});
        ASSERT_TRUE(compilation.ok()) << compilation.status();
        const auto device = DeviceOf(TargetOf(name));
        ASSERT_TRUE(device.ok()) << device.status();
        const auto executable = Executable::Load(compilation->program, device->get());
        ASSERT_TRUE(executable.ok()) << executable.status();
        const auto results = (*executable)->Run(InputsOf(*module, false));
        EXPECT_TRUE(results.ok()) << order.name << ": " << results.status();
      }
    }
  }
}

// Places in order, which a kernel that sorts makes itself, are there for others too.
TEST(Sort, PlacesOfOrder) {
  const std::unique_ptr<Module> module = Read(
      "HloModule m\nless {\n  x0 = f32[] parameter(0)\n  y0 = f32[] parameter(1)\n"
      "  x1 = s32[] parameter(2)\n  y1 = s32[] parameter(3)\n"
      "  ROOT r = pred[] compare(x0, y0), direction=LT, order=TOTAL\n}\nENTRY e {\n"
      "  p = f32[3,300] parameter(0)\n  i = s32[3,300] iota(), iota_dimension=1\n"
      "  s = (f32[3,300], s32[3,300]) sort(p, i), dimensions={1}, is_stable=true, to_apply=less\n"
      "  a = s32[3,300] get-tuple-element(s), index=1\n  d = s32[3,300] subtract(a, i)\n"
      "  ROOT r = (s32[3,300], s32[3,300], s32[3,300]) tuple(a, d, i)\n}\n");
  ASSERT_NE(module, nullptr);
  for (const char* name : {"sim:sm_90a", "sim:sm_90a-tiny", "host"}) {
    ExpectSorted(*module, TargetOf(name), InputsOf(*module, true));
  }
}

std::unique_ptr<Module> TopKOf(const std::string& type, const std::string& dimensions,
                               const std::string& others, int k, bool largest = true) {
  return Read(absl::StrCat("HloModule m\nENTRY e {\n  p = ", type, "[", dimensions,
                           "] parameter(0)\n  ROOT t = (", type, "[", others, k, "], s32[", others,
                           k, "]) topk(p), k=", k, ", largest=", largest ? "true" : "false",
                           "\n}\n"));
}

// On GPUs by blocks that keep the first of a row, or by a sort; on hosts by a sort.
TEST(TopK, EveryType) {
  for (const char* type :
       {"f32", "bf16", "f16", "f64", "s8", "u16", "s32", "u32", "s64", "u64", "pred"}) {
    for (const int k : {1, 5, 30, 70}) {
      for (const bool largest : {true, false}) {
        const std::unique_ptr<Module> module = TopKOf(type, "3,70", "3,", k, largest);
        ASSERT_NE(module, nullptr);
        SCOPED_TRACE(absl::StrCat(type, " ", k, " ", largest));
        for (const char* name : {"sim:sm_90a", "sim:sm_90a-tiny", "host"}) {
          ExpectSorted(*module, TargetOf(name), InputsOf(*module, true));
        }
        if (HasFailure()) return;
      }
    }
  }
}

TEST(TopK, EverySize) {
  struct Size {
    const char* dimensions;
    const char* others;
    int k;
  };
  for (const Size& size : {Size{"20000", "", 50},
                           {"2,5003", "2,", 100},
                           {"5,1", "5,", 1},
                           {"2,3,4096", "2,3,", 1000},
                           {"1,4099", "1,", 1024},
                           {"2,9", "2,", 2},
                           {"0,9", "0,", 2},
                           {"4,9", "4,", 0},
                           {"33,257", "33,", 64}}) {
    const std::unique_ptr<Module> module = TopKOf("f32", size.dimensions, size.others, size.k);
    ASSERT_NE(module, nullptr);
    SCOPED_TRACE(absl::StrCat(size.dimensions, " ", size.k));
    for (const char* name : {"sim:sm_90a", "sim:sm_90a-tiny"}) {
      ExpectSorted(*module, TargetOf(name), InputsOf(*module, true));
    }
    if (HasFailure()) return;
  }
}

// Every element stands before all that came before it: each chunk fills the tile.
TEST(TopK, RowsInTheWorstOrder) {
  const std::unique_ptr<Module> module = TopKOf("s32", "2,9000", "2,", 40);
  ASSERT_NE(module, nullptr);
  std::vector<Literal> inputs = InputsOf(*module, false);
  for (int64_t i = 0; i < inputs[0].size(); ++i) inputs[0].SetInteger(i, i / 2);
  for (const char* name : {"sim:sm_90a", "sim:sm_90a-tiny"}) {
    const Target& target = TargetOf(name);
    ExpectSorted(*module, target, inputs);
    const std::unique_ptr<Module> fused = Fused(*module, target);
    const program::FusionTable fusions(*fused);
    ASSERT_EQ(fusions.entries().size(), 1u);
    const Computation& fusion = *fusions.entries()[0].fusion;
    int selections = 0;
    for (const plan::FusionPlan& plan : plan::MakeCandidates(fusion, target)) {
      if (plan.kernels[0].skeleton != plan::Skeleton::kMergeSort) continue;
      ++selections;
      ExpectSorted(*module, target, inputs, plan::EntryText(plan, fusion, target, "candidate"));
      if (HasFailure()) return;
    }
    EXPECT_GE(selections, 2) << name;
  }
}

// Every plan that there is to choose from.
TEST(Sort, EveryCandidateIsRight) {
  const SortCase kCases[] = {
      {kJax, {"f32", "s32"}, "9,300", 1}, {kLess, {"u32"}, "5,900", 1},
      {kJax, {"bf16"}, "50,37", 0},       {kMagnitude, {"f32"}, "9,100", 1},
      {kPair, {"f32", "s32"}, "40,5", 1}, {kJax, {"f32"}, "2,20000", 1},
  };
  for (const SortCase& c : kCases) {
    const std::unique_ptr<Module> module = Read(TextOf(c));
    ASSERT_NE(module, nullptr);
    for (const char* name : {"sim:sm_90a", "sim:sm_90a-tiny"}) {
      const Target& target = TargetOf(name);
      const std::unique_ptr<Module> fused = Fused(*module, target);
      const program::FusionTable fusions(*fused);
      ASSERT_EQ(fusions.entries().size(), 1u);
      const Computation& fusion = *fusions.entries()[0].fusion;
      int sorts = 0;
      for (const plan::FusionPlan& plan : plan::MakeCandidates(fusion, target)) {
        sorts += plan.kernels[0].skeleton == plan::Skeleton::kMergeSort ? 1 : 0;
        ExpectSorted(*module, target, InputsOf(*module, c.order.has_nans),
                     plan::EntryText(plan, fusion, target, "candidate"));
        if (HasFailure()) return;
      }
      EXPECT_GE(sorts, 2) << name << " " << c.order.name;
    }
  }
}

// Any numbers, most of which fit.
plan::RadixSortPlan DrawRadixSort(const Instruction& sort, std::mt19937_64& random) {
  const auto below = [&](int n) { return static_cast<int>(random() % n); };
  plan::RadixSortPlan work;
  work.places = below(2) == 0;
  work.radix.threads = 32 << below(3);
  work.radix.items = 1 + below(6);
  work.radix.digit_bits = 1 + below(7);
  work.radix.passes = static_cast<int>(plan::RadixDigitsOf(sort, work.radix.digit_bits).size());
  work.radix.copies = 1 << below(3);
  return work;
}

// Rows of several tiles, and of one, under several orders of blocks and warps.
TEST(Sort, AnyRadixPlanIsRight) {
  const SortCase kCases[] = {
      {kJax, {"f32"}, "3001", 0},
      {kJaxGreater, {"bf16", "s32"}, "2,1500", 1},
      {kLess, {"u32"}, "4096", 0},
      {kGreater, {"s8", "f64", "c64"}, "1700,2", 0},
      {kNansFirst, {"f16"}, "3,900", 1},
      {kPair, {"f32", "s32", "c64"}, "700", 0},
      {kPairBySelect, {"f16", "s32"}, "901", 0},
      {kTotalGreater, {"f64"}, "2,515", 1},
      {kGreater, {"pred", "u16"}, "5,333", 1},
      {kSwapped, {"s64"}, "601", 0},
      {kLess, {"u8"}, "5000", 0},
  };
  std::mt19937_64 random(7);
  const Target& target = TargetOf("sim:sm_90a-tiny");
  for (const SortCase& c : kCases) {
    SCOPED_TRACE(absl::StrCat(c.order.name, " ", absl::StrJoin(c.types, " ")));
    const std::unique_ptr<Module> module = Read(TextOf(c));
    ASSERT_NE(module, nullptr);
    const std::unique_ptr<Module> fused = Fused(*module, target);
    const program::FusionTable fusions(*fused);
    ASSERT_EQ(fusions.entries().size(), 1u);
    const Computation& fusion = *fusions.entries()[0].fusion;
    int fitting = 0;
    for (int draw = 0; draw < 200 && fitting < 6; ++draw) {
      const auto plan = plan::MakeRadixSort(DrawRadixSort(*fusion.root(), random), fusion, target);
      if (!plan.ok()) continue;
      ++fitting;
      ExpectSorted(*module, target, InputsOf(*module, c.order.has_nans),
                   plan::EntryText(*plan, fusion, target, "drawn"));
      if (HasFailure()) return;
    }
    EXPECT_EQ(fitting, 6);
  }
}

// What blocks tell each other needs its order, and its waits.
TEST(Sort, RadixPassesWithPlantedFaults) {
  constexpr struct {
    const char* from;
    const char* to;
    const char* words;
  } kPlants[] = {
      {" relaxed gpu = or(", " relaxed gpu = or(", ""},
      {" relaxed gpu = or(", " = or(", "race"},
      {": u32 relaxed gpu", ": u32", "race"},
      {"  barrier", "  warp_sync", "nobody wrote"},
      {"yield %goes_on", "yield not(%goes_on)", "race"},
  };
  const Target& target = TargetOf("sim:sm_90a-tiny");
  const std::unique_ptr<Module> module = Read(TextOf({kLess, {"u16"}, "3001", 0}));
  ASSERT_NE(module, nullptr);
  const std::unique_ptr<Module> fused = Fused(*module, target);
  const program::FusionTable fusions(*fused);
  const Computation& fusion = *fusions.entries()[0].fusion;
  plan::RadixSortPlan work;
  work.radix = {.digit_bits = 4, .passes = 4, .threads = 64, .items = 4};
  const auto plan = plan::MakeRadixSort(work, fusion, target);
  ASSERT_TRUE(plan.ok()) << plan.status();
  for (const auto& plant : kPlants) {
    const std::string fault =
        FaultOf(*module, target, plan::EntryText(*plan, fusion, target, "p"), plant.from, plant.to);
    EXPECT_EQ(fault.empty(), *plant.words == 0) << plant.to << ": " << fault;
    EXPECT_NE(fault.find(plant.words), std::string::npos) << plant.to << ": " << fault;
  }
}

// Blocks hold short rows; long ones are moved by digits, where they are integers.
TEST(Sort, PlansByLength) {
  const auto skeleton_of = [](const SortCase& c) {
    const Target& target = TargetOf("sm_90a");
    const std::unique_ptr<Module> fused = Fused(*Read(TextOf(c)), target);
    const program::FusionTable fusions(*fused);
    return plan::MakePlan(*fusions.entries()[0].fusion, target).kernels[0].skeleton;
  };
  using plan::Skeleton;
  EXPECT_EQ(skeleton_of({kLess, {"u32"}, "16777216", 0}), Skeleton::kRadixSort);
  EXPECT_EQ(skeleton_of({kJax, {"f32", "s32"}, "4,1000000", 1}), Skeleton::kRadixSort);
  EXPECT_EQ(skeleton_of({kJax, {"f32"}, "4096,8192", 1}), Skeleton::kMergeSort);
  EXPECT_EQ(skeleton_of({kLess, {"u32"}, "30000", 0}), Skeleton::kMergeSort);
  EXPECT_EQ(skeleton_of({kMagnitude, {"f32"}, "16777216", 0}), Skeleton::kMergeSort);
}

}  // namespace
}  // namespace ingot::test
