// The verifier on modules that are right and on modules that are broken by hand.
#include "ir/verifier/verifier.h"

#include <functional>
#include <limits>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "ir/module.h"

namespace ingot {
namespace {

constexpr ElementType kF32 = ElementType::kF32;
const Shape kVector = Shape::Array(kF32, {4});

// add.1 = x + y on f32[4]; what the cases break.
struct Sum {
  Sum() : module("sum") {
    entry = module.AddComputation("main");
    module.set_entry(entry);
    x = entry->AddParameter(0, kVector, "x");
    y = entry->AddParameter(1, kVector, "y");
    sum = entry->Add(Opcode::kAdd, kVector, {x, y}, "add.1");
    entry->set_root(sum);
  }

  Module module;
  Computation* entry;
  Instruction* x;
  Instruction* y;
  Instruction* sum;
};

std::string ErrorOf(const Module& module) { return std::string(Verify(module).message()); }

// The error of the sum after `damage`.
std::string Broken(const std::function<void(Sum&)>& damage) {
  Sum s;
  damage(s);
  return ErrorOf(s.module);
}

TEST(Verifier, AcceptsWhatIsRight) {
  EXPECT_EQ(Broken([](Sum&) {}), "");
}

// ---- where and what

TEST(Verifier, SaysWhereAndWhichOp) {
  const auto damage = [](Sum& s) {
    s.module.file_name = "model.hlo";
    s.sum->set_source_position(7, 3);
    s.sum->set_shape(Shape::Array(kF32, {5}));
  };
  EXPECT_EQ(Broken(damage),
            "model.hlo:7:3: add.1: the result is stated as f32[5] when it must be f32[4]");
  EXPECT_EQ(Broken([&](Sum& s) {
              damage(s);
              s.sum->set_name("jit_relu_.4");
              s.module.file_name.clear();
            }),
            "jit_relu_.4 (add): the result is stated as f32[5] when it must be f32[4]");
}

TEST(Verifier, TransposePermutation) {
  EXPECT_EQ(
      Broken([](Sum& s) {
        const Shape cube = Shape::Array(kF32, {1, 2, 3});
        Instruction* x = s.entry->AddParameter(2, cube);
        s.entry->Add(Opcode::kTranspose, cube, {x}, DimensionsAttributes{{0, 0, 1}}, "transpose.3");
      }),
      "transpose.3: permutation {0,0,1} is not a permutation of 3 dimensions");
}

// ---- (V1) entry and roots

TEST(Verifier, EntryAndRoots) {
  EXPECT_EQ(ErrorOf(Module("empty")), "module empty has no entry computation");
  EXPECT_EQ(Broken([](Sum& s) { s.module.set_entry(nullptr); }),
            "module sum has no entry computation");
  EXPECT_EQ(Broken([](Sum& s) { s.entry->set_root(nullptr); }), "computation main has no root");
  Sum other;
  EXPECT_EQ(Broken([&](Sum& s) { s.entry->set_root(other.sum); }),
            "the root of computation main is not one of its instructions");
  EXPECT_EQ(Broken([&](Sum& s) { s.module.set_entry(other.entry); }),
            "the entry computation is not of module sum");
}

// ---- (V2) order, users, names

TEST(Verifier, Order) {
  EXPECT_EQ(Broken([](Sum& s) {
              Instruction* later = s.entry->Add(Opcode::kNegate, kVector, {s.x}, "negate.2");
              s.sum->ReplaceOperand(1, later);
            }),
            "add.1: operand negate.2 does not come before it");
  EXPECT_EQ(Broken([](Sum& s) { s.sum->ReplaceOperand(1, s.sum); }),
            "add.1: operand add.1 does not come before it");
  EXPECT_EQ(Broken([](Sum& s) {
              Instruction* later = s.entry->Add(Opcode::kNegate, kVector, {s.x}, "negate.2");
              s.sum->AddControlPredecessor(later);
            }),
            "add.1: control predecessor negate.2 does not come before it");
  EXPECT_EQ(Broken([](Sum& s) { s.sum->AddControlPredecessor(nullptr); }),
            "add.1: control predecessor is missing");
  Sum other;
  EXPECT_EQ(Broken([&](Sum& s) { s.sum->AddControlPredecessor(other.x); }),
            "add.1: control predecessor x is of another computation");
}

TEST(Verifier, NamesAreUnique) {
  EXPECT_EQ(Broken([](Sum& s) { s.y->set_name("x"); }),
            "x (parameter): another instruction of its computation has this name");
}

// ---- (V3) parameters

TEST(Verifier, ParameterNumbers) {
  EXPECT_EQ(Broken([](Sum& s) { s.entry->AddParameter(3, kVector, "z"); }),
            "z (parameter): has number 3 when the next of 3 parameters is 2");
  EXPECT_EQ(Broken([](Sum& s) { s.entry->AddParameter(1, kVector, "z"); }),
            "z (parameter): has number 1 when the next of 3 parameters is 2");
  EXPECT_EQ(Broken([](Sum& s) { s.entry->AddParameter(-1, kVector, "z"); }),
            "z (parameter): has number -1 when the next of 3 parameters is 0");
  EXPECT_EQ(Broken([](Sum& s) { s.entry->Add(Opcode::kParameter, kVector, {}, "z"); }),
            "computation main lists 2 parameters when it has 3");
}

// ---- (V4) calls

// A computation f32[4] → f32[4].
Computation* Identity(Module& module, absl::string_view name) {
  Computation* computation = module.AddComputation(name);
  computation->set_root(computation->AddParameter(0, kVector));
  return computation;
}

Instruction* Call(Computation* caller, Computation* callee, absl::string_view name) {
  Instruction* call = caller->Add(Opcode::kCall, kVector, {caller->parameters()[0]}, name);
  call->set_called_computations({callee});
  caller->set_root(call);
  return call;
}

TEST(Verifier, Recursion) {
  EXPECT_EQ(Broken([](Sum& s) {
              Computation* f = Identity(s.module, "f");
              Call(f, f, "call.f");
            }),
            "call.f: calls a computation that is calling it: recursion");
  EXPECT_EQ(Broken([](Sum& s) {
              Computation* f = Identity(s.module, "f");
              Computation* g = Identity(s.module, "g");
              Call(f, g, "call.g");
              Call(g, f, "call.f");
            }),
            "call.f: calls a computation that is calling it: recursion");
}

TEST(Verifier, CallsOfOthersAndOfTheWrongNumber) {
  Sum other;
  EXPECT_EQ(Broken([&](Sum& s) { Call(Identity(s.module, "f"), other.entry, "call.1"); }),
            "call.1: calls a computation that is not of this module");
  EXPECT_EQ(Broken([](Sum& s) { Call(Identity(s.module, "f"), nullptr, "call.1"); }),
            "call.1: calls a computation that is not of this module");
  EXPECT_EQ(Broken([](Sum& s) { s.sum->set_called_computations({Identity(s.module, "f")}); }),
            "add.1: calls 1 computations when it calls 0");
  EXPECT_EQ(Broken([](Sum& s) {
              Computation* f = Identity(s.module, "f");
              Call(f, Identity(s.module, "g"), "call.1")->set_called_computations({});
            }),
            "call.1: calls 0 computations when it calls 1");
}

TEST(Verifier, SignaturesOfCalledComputations) {
  EXPECT_EQ(Broken([](Sum& s) {
              Computation* g = s.module.AddComputation("g");
              g->set_root(g->AddParameter(0, Shape::Array(kF32, {5})));
              Call(Identity(s.module, "f"), g, "call.1");
            }),
            "call.1: parameter 0 of to_apply g is f32[5] when it is given f32[4]");
}

// A chain of `length` computations, each calling the one before `times` times.
std::string ChainOfCalls(int length, int times) {
  Sum s;
  Computation* callee = Identity(s.module, "f0");
  for (int i = 1; i <= length; ++i) {
    Computation* caller = Identity(s.module, absl::StrCat("f", i));
    for (int j = 0; j < times; ++j) Call(caller, callee, absl::StrCat("call.", i, ".", j));
    callee = caller;
  }
  return ErrorOf(s.module);
}

TEST(Verifier, CallsAreBounded) {
  EXPECT_EQ(ChainOfCalls(kMaxCallDepth, 1), "");
  EXPECT_EQ(ChainOfCalls(kMaxCallDepth + 1, 1), "call.257.0: calls nest deeper than 256");
  EXPECT_EQ(ChainOfCalls(20000, 1), "call.257.0: calls nest deeper than 256");
  EXPECT_EQ(ChainOfCalls(60, 2),
            "call.19.1: with its calls written out, computation f19 has more than 1048576 "
            "instructions");
}

// ---- (V5) shapes and constraints

TEST(Verifier, Shapes) {
  EXPECT_EQ(Broken([](Sum& s) { s.sum->set_shape(Shape::Array(ElementType::kS32, {4})); }),
            "add.1: the result is stated as s32[4] when it must be f32[4]");
  EXPECT_EQ(Broken([](Sum& s) { s.x->set_shape(Shape::Array(kF32, {-4})); }),
            "x (parameter): dimension 0 has the negative size -4");
  EXPECT_EQ(Broken([](Sum& s) {
              s.x->set_shape(Shape::Array(kF32, {std::numeric_limits<int64_t>::max(), 9}));
            }),
            "x (parameter): the size of f32[9223372036854775807,9] overflows 2^62 bytes");
  EXPECT_EQ(Broken([](Sum& s) {
              Shape shape = kVector;
              shape.set_layout(Layout{{1}, ""});
              s.sum->set_shape(shape);
            }),
            "add.1: layout {1} is not a permutation of the 1 dimensions of f32[4]");
  // Layouts and bounds are not compared.
  EXPECT_EQ(Broken([](Sum& s) {
              Shape shape = Shape::ArrayWithDefaultLayout(kF32, {4});
              shape.set_dynamic(0, true);
              s.sum->set_shape(shape);
            }),
            "");
}

TEST(Verifier, LiteralsHaveTheStatedShape) {
  EXPECT_EQ(Broken([](Sum& s) {
              s.entry->AddConstant(Literal::Scalar(kF32, 1), "c")->set_shape(kVector);
            }),
            "c (constant): the result is stated as f32[4] when it must be f32[]");
}

TEST(Verifier, ArityOfTheTable) {
  EXPECT_EQ(Broken([](Sum& s) { s.entry->Add(Opcode::kAdd, kVector, {s.x}, "add.2"); }),
            "add.2: has 1 operands when it takes 2");
}

// What inference has no rule for is trusted.
TEST(Verifier, TrustsOpsWithoutARule) {
  EXPECT_EQ(Broken([](Sum& s) {
              s.entry->Add(Opcode::kSend, Shape::Token(), {s.x, s.x}, "send.1");
            }),
            "");
}

// ---- (V6) attributes

TEST(Verifier, Attributes) {
  EXPECT_EQ(Broken([](Sum& s) { s.sum->all_attributes() = DimensionsAttributes{}; }),
            "add.1: has the attributes of another op");
  EXPECT_EQ(Broken([](Sum& s) {
              DotAttributes attributes;
              attributes.lhs_contracting_dims = attributes.rhs_contracting_dims = {0};
              attributes.operand_precision.resize(3);
              s.entry->Add(Opcode::kDot, Shape::Scalar(kF32), {s.x, s.y}, attributes, "dot.1");
            }),
            "dot.1: operand_precision has 3 entries when there are 2 operands");
}

// ---- (V7), (V8) the entry

TEST(Verifier, EntryLayouts) {
  const auto broken = [](std::vector<Shape> parameters, std::vector<Shape> result) {
    return Broken([&](Sum& s) {
      s.module.entry_parameter_layouts = parameters;
      s.module.entry_result_layout = result;
    });
  };
  EXPECT_EQ(broken({kVector, kVector}, {kVector}), "");
  EXPECT_EQ(broken({kVector}, {kVector}),
            "entry_computation_layout states 1 parameters when the entry main has 2");
  EXPECT_EQ(broken({}, {kVector}),
            "entry_computation_layout states 0 parameters when the entry main has 2");
  const Shape other = Shape::Array(kF32, {5});
  EXPECT_EQ(broken({kVector, other}, {kVector}),
            "entry_computation_layout states parameter 1 as f32[5] when it is f32[4]");
  EXPECT_EQ(broken({kVector, kVector}, {other}),
            "entry_computation_layout states the result as f32[5] when it is f32[4]");
  EXPECT_EQ(broken({kVector, kVector}, {kVector, kVector}),
            "there are 2 layouts of the entry's one result");
  Shape layout = kVector;
  layout.set_layout(Layout{{0, 1}, ""});
  EXPECT_EQ(broken({kVector, layout}, {kVector}),
            "entry_computation_layout, parameter 1: layout {0,1} is not a permutation of the 1 "
            "dimensions of f32[4]");
}

TEST(Verifier, Aliases) {
  const auto broken = [](std::vector<InputOutputAlias> aliases) {
    return Broken([&](Sum& s) { s.module.input_output_aliases = aliases; });
  };
  EXPECT_EQ(broken({{{}, 1, {}, false}}), "");
  EXPECT_EQ(broken({{{}, 2, {}, false}}), "input_output_alias: parameter 2 is not in [0, 2)");
  EXPECT_EQ(broken({{{}, -1, {}, false}}), "input_output_alias: parameter -1 is not in [0, 2)");
  EXPECT_EQ(broken({{{0}, 0, {}, false}}),
            "input_output_alias: the result f32[4] has nothing at {0}");
  EXPECT_EQ(broken({{{}, 0, {3}, false}}),
            "input_output_alias: parameter 0 f32[4] has nothing at {3}");
  EXPECT_EQ(broken({{{}, 0, {}, false}, {{}, 1, {}, false}}),
            "input_output_alias: output {} stands twice");
  EXPECT_EQ(Broken([](Sum& s) {
              s.entry->AddParameter(2, Shape::Array(kF32, {5}));
              s.module.input_output_aliases = {{{}, 2, {}, true}};
            }),
            "input_output_alias: output {} is f32[4] when parameter 2 at {} is f32[5]");
  EXPECT_EQ(Broken([](Sum& s) {
              s.entry->set_root(s.entry->Add(Opcode::kTuple, Shape::Tuple({kVector}), {s.sum}));
              s.module.input_output_aliases = {{{}, 0, {}, true}};
            }),
            "input_output_alias: the result at {} is (f32[4]), not an array");
  EXPECT_EQ(Broken([](Sum& s) {
              const Shape pair = Shape::Tuple({kVector, kVector});
              s.entry->set_root(s.entry->Add(Opcode::kTuple, pair, {s.sum, s.sum}));
              s.module.input_output_aliases = {{{0}, 1, {}, false}, {{1}, 1, {}, false}};
            }),
            "input_output_alias: parameter 1 at {} has two outputs");
}

TEST(Verifier, Donors) {
  const auto broken = [](std::vector<BufferDonor> donors) {
    return Broken([&](Sum& s) { s.module.buffer_donors = donors; });
  };
  EXPECT_EQ(broken({{1, {}}}), "");
  EXPECT_EQ(broken({{2, {}}}), "buffer_donor: parameter 2 is not in [0, 2)");
  EXPECT_EQ(broken({{0, {1}}}), "buffer_donor: parameter 0 f32[4] has nothing at {1}");
}

}  // namespace
}  // namespace ingot
