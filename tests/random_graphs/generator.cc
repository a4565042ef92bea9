#include "tests/random_graphs/generator.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "ir/base/float_bits.h"
#include "ir/base/status.h"
#include "ir/verifier/verifier.h"
#include "tests/random_graphs/drawer.h"

namespace ingot::random_graphs {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// The greatest finite value of a float type.
double GreatestFinite(ElementType type) {
  const FloatFormat& format = FormatOf(type);
  if (format.bits == 64) return std::numeric_limits<double>::max();
  if (format.bits == 32) return std::numeric_limits<float>::max();
  double greatest = 0;
  for (uint64_t bits = 0; bits < uint64_t{1} << format.bits; ++bits) {
    const double value = DecodeFloat(format, bits);
    if (std::isfinite(value)) greatest = std::max(greatest, value);
  }
  return greatest;
}

Style DrawStyle(std::mt19937_64& random, const GeneratorOptions& options) {
  const auto below = [&](int64_t n) { return static_cast<int64_t>(random() % n); };
  Style style;
  style.options = options;
  static constexpr ElementType kCommon[] = {ElementType::kF32, ElementType::kS32, ElementType::kF32,
                                            ElementType::kBF16};
  for (int64_t i = 2 + below(3); i > 0; --i) {
    style.types.push_back(below(2) == 0 ? kCommon[below(4)]
                                        : static_cast<ElementType>(below(kElementTypeCount)));
  }
  static constexpr int64_t kSizes[] = {1,  2,  3,  4,  5,  7,  8,  11, 13,
                                       16, 17, 31, 32, 33, 64, 67, 128};
  style.sizes = {1};
  for (int64_t i = 1 + below(4); i > 0; --i) style.sizes.push_back(kSizes[below(17)]);
  if (below(12) == 0) style.sizes.push_back(0);
  if (below(8) == 0) style.sizes.push_back(options.max_elements - 1 - below(100));
  return style;
}

}  // namespace

double RoundingError(ElementType type) {
  const ElementType component = ComponentType(type);
  return IsFloat(component) ? std::ldexp(1.0, -1 - FormatOf(component).mantissa_bits) : 0;
}

Facts Rounded(Facts facts, ElementType type) {
  const ElementType component = ComponentType(type);
  if (!IsFloat(component)) {
    // Integers wrap and saturate; their bits are always defined.
    const int bits = BitWidth(component) - (IsSigned(component) ? 1 : 0);
    facts.bound = std::min(facts.bound, std::ldexp(1.0, bits));
    facts.whole = true;
    facts.error = 0;
    facts.signed_zero = true;
    return facts;
  }
  const FloatFormat& format = FormatOf(component);
  if (format.specials == FloatSpecials::kExponent) return Facts{kInfinity, false, 0, true};
  if (facts.bound > std::ldexp(1.0, format.mantissa_bits + 1)) facts.whole = false;
  const double greatest = GreatestFinite(component);
  if (!(facts.bound <= greatest)) {
    facts.bound = format.specials == FloatSpecials::kFinite ? greatest : kInfinity;
  }
  if (facts.error > 0) facts.error += facts.bound * RoundingError(component);
  return facts;
}

absl::StatusOr<Graph> Generate(uint64_t seed, const GeneratorOptions& options) {
  std::mt19937_64 random(seed * 0x9e3779b97f4a7c15 + 1);
  const Style style = DrawStyle(random, options);
  GraphBuilder builder("random");
  Graph graph;
  Drawer drawer(builder, random, style, &graph.inputs, {}, 0);
  // Few ops before and after a pair that the seed names, so that 1,225 seeds have every pair.
  const uint64_t ops = 1 + random() % static_cast<uint64_t>(options.max_ops);
  const int before = static_cast<int>(random() % ops);
  drawer.Draw(before);
  const size_t pair = drawer.DrawPair(seed);
  drawer.Draw(static_cast<int>(ops) - before);
  INGOT_RETURN_IF_ERROR(builder.status());
  // All values are results at first, so that their names are known.
  std::vector<Known> values = drawer.pool();
  std::vector<Value> results;
  for (const Known& value : values) results.push_back(value.value);
  INGOT_ASSIGN_OR_RETURN(graph.module, builder.Build(Tuple(results)));
  Computation* entry = graph.module->entry();
  Instruction* all = entry->root();
  const std::vector<Instruction*> operands = all->operands();
  for (size_t i = 0; i < operands.size(); ++i) graph.facts[operands[i]->name()] = values[i].facts;

  // The results: the last value and the pair's, or also others that nothing else uses, or any.
  std::vector<Instruction*> chosen = {operands.back()};
  if (pair + 1 < operands.size()) chosen.push_back(operands[pair]);
  if (random() % 3 != 0) {
    for (size_t i = 0; i + 1 < operands.size(); ++i) {
      const bool unused = operands[i]->users().size() == 1;  // the tuple of all
      if (operands[i]->opcode() == Opcode::kParameter) continue;
      if (chosen.size() < 8 && (unused || random() % 8 == 0)) chosen.push_back(operands[i]);
    }
  }
  if (chosen.size() == 1 && random() % 4 != 0) {
    entry->set_root(chosen[0]);
  } else {
    std::vector<Shape> shapes;
    for (const Instruction* result : chosen) shapes.push_back(result->shape());
    entry->set_root(entry->Add(Opcode::kTuple, Shape::Tuple(std::move(shapes)), chosen, "results"));
  }
  entry->RemoveDead();
  graph.module->RemoveUnreachableComputations();
  graph.module->Normalize();
  INGOT_RETURN_IF_ERROR(Verify(*graph.module));
  return graph;
}

}  // namespace ingot::random_graphs
