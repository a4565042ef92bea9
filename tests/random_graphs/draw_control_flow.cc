// Loops, branches, calls, tuples.
#include <algorithm>

#include "tests/random_graphs/drawer.h"

namespace ingot::random_graphs {
namespace {

constexpr int kDeepest = 2;

// The facts of a loop's state: any exact value, whatever its magnitude.
constexpr Facts kAnyExact = {std::numeric_limits<double>::infinity(), false, 0, false};

}  // namespace

Value Drawer::NextRound(const Known& state) {
  std::vector<Value> suitable = {state.value};
  for (const Known& known : pool_) {
    if (known.exact() && known.type() == state.type() && known.sizes() == state.sizes()) {
      suitable.push_back(known.value);
    }
  }
  return suitable.size() > 1 && OneIn(2) ? suitable.back() : OneOf(suitable);
}

bool Drawer::While() {
  if (depth_ >= kDeepest) return false;
  std::vector<Known> states;
  for (int64_t i = 1 + Below(3); i > 0; --i) {
    const Known x = Any();
    if (x.exact() && !IsComplex(x.type())) states.push_back(x);
  }
  if (states.empty()) return false;
  std::vector<Value> state = {Constant(ElementType::kS32, 0).value};
  std::vector<Facts> facts = {Facts{}};
  for (const Known& known : states) {
    state.push_back(known.value);
    facts.push_back(Rounded(kAnyExact, known.type()));
  }
  const double rounds = static_cast<double>(Below(4));
  const std::vector<Value> results = ingot::While(
      state, [&](Values v) { return ingot::Compare(v[0], rounds, ComparisonDirection::kLt); },
      [&](Values v) {
        return DrawBody(v, facts, 1 + static_cast<int>(Below(4)), [&](Drawer& body) {
          std::vector<Value> next = {ingot::Add(v[0], 1)};
          for (size_t i = 1; i < v.size(); ++i) {
            next.push_back(body.NextRound({v[i], kAnyExact}));
          }
          return next;
        });
      });
  bool added = true;
  for (size_t i = 1; i < results.size(); ++i) {
    added = Add(results[i], Rounded(kAnyExact, results[i].element_type())) && added;
  }
  return added;
}

bool Drawer::Conditional() {
  if (depth_ >= kDeepest) return false;
  const bool by_index = OneIn(2);
  const Known selector = Like(by_index ? ElementType::kS32 : ElementType::kPred, {});
  std::vector<Value> operands;
  std::vector<Facts> facts;
  for (int64_t i = 1 + Below(3); i > 0; --i) {
    const Known x = Any();
    operands.push_back(x.value);
    facts.push_back(x.facts);
  }
  const Known like = {operands[0], facts[0]};
  Facts result = like.facts;
  // An inexact value is handed through; an exact one may become any exact value.
  if (like.exact()) result = Rounded(kAnyExact, like.type());
  const Function branch = [&](Values v) {
    return DrawBody(v, facts, 1 + static_cast<int>(Below(4)), [&](Drawer& body) {
      return std::vector<Value>{like.exact() ? body.NextRound({v[0], facts[0]}) : v[0]};
    })[0];
  };
  const std::vector<Function> branches(by_index ? 1 + Below(3) : 2, branch);
  return Add(ingot::Conditional(selector.value, operands, branches), result);
}

bool Drawer::Call() {
  if (depth_ >= kDeepest) return false;
  std::vector<Value> operands;
  std::vector<Facts> facts;
  for (int64_t i = 1 + Below(3); i > 0; --i) {
    const Known x = Any();
    operands.push_back(x.value);
    facts.push_back(x.facts);
  }
  Facts result;
  const Value called = ingot::Call(operands, [&](Values v) {
    return DrawBody(v, facts, 1 + static_cast<int>(Below(5)), [&](Drawer& body) {
      const Known last = body.pool().back();
      result = last.facts;
      return std::vector<Value>{last.value};
    })[0];
  });
  return Add(called, result);
}

bool Drawer::TupleAndBarrier() {
  std::vector<Known> elements;
  std::vector<Value> values;
  for (int64_t i = 1 + Below(3); i > 0; --i) {
    elements.push_back(Any());
    values.push_back(elements.back().value);
  }
  Value tuple = Tuple(values);
  if (OneIn(2)) tuple = b_.Apply(Opcode::kOptimizationBarrier, {tuple});
  const int64_t chosen = Below(static_cast<int64_t>(elements.size()));
  return Add(GetTupleElement(tuple, chosen), elements[chosen].facts);
}

}  // namespace ingot::random_graphs
