#include "tests/compiler/lower/harness.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "compiler/codegen/llvm/llvm_codegen.h"
#include "compiler/kernel/verifier.h"
#include "compiler/lower/lower.h"
#include "compiler/plan/plan.h"
#include "compiler/plan/plan_text.h"
#include "ir/base/status.h"
#include "ir/evaluator/evaluator.h"
#include "ir/text/parser.h"
#include "ir/verifier/verifier.h"
#include "runtime/host/elf_loader.h"
#include "runtime/host/kernel_abi.h"

namespace ingot::test {
namespace {

constexpr int64_t kGuardBytes = 256;
constexpr uint8_t kGuard = 0xa5;

// Aligned memory with guards at both ends.
class GuardedBytes {
 public:
  explicit GuardedBytes(int64_t size) : size_(size), bytes_(size + 2 * kGuardBytes + 64, kGuard) {
    const uintptr_t base = reinterpret_cast<uintptr_t>(bytes_.data());
    offset_ = static_cast<int64_t>((base + kGuardBytes + 63) / 64 * 64 - base);
  }
  uint8_t* data() { return bytes_.data() + offset_; }
  int64_t size() const { return size_; }
  bool GuardsHold() const {
    for (int64_t i = 0; i < static_cast<int64_t>(bytes_.size()); ++i) {
      const bool inside = i >= offset_ && i < offset_ + size_;
      if (!inside && bytes_[i] != kGuard) return false;
    }
    return true;
  }

 private:
  int64_t size_;
  int64_t offset_;
  std::vector<uint8_t> bytes_;
};

std::vector<Shape> LeafShapes(const Shape& shape) {
  return shape.IsTuple() ? shape.tuple_shapes() : std::vector<Shape>{shape};
}

// A fusion's plan and its kernels, verified.
struct Lowered {
  plan::FusionPlan plan;
  std::vector<std::unique_ptr<kernel::Kernel>> kernels;

  std::string ToString(const Computation& fusion) const {
    std::string text = plan::ToString(plan, fusion);
    for (const auto& kernel : kernels) absl::StrAppend(&text, kernel->ToString());
    return text;
  }
};

absl::StatusOr<Lowered> LowerFor(const Computation& fusion, const Target& target,
                                 const plan::PlanOptions& options = {}) {
  Lowered lowered;
  lowered.plan = plan::MakePlan(fusion, target, options);
  std::vector<std::string> names;
  for (size_t i = 0; i < lowered.plan.kernels.size(); ++i) {
    names.push_back(i == 0 ? "kernel" : absl::StrCat("kernel_", i));
  }
  INGOT_ASSIGN_OR_RETURN(lowered.kernels, lower::Lower(fusion, lowered.plan, target, names));
  for (const auto& kernel : lowered.kernels) {
    const absl::Status verified = kernel::VerifyKernel(*kernel, &target);
    if (verified.ok()) continue;
    return absl::InternalError(absl::StrCat(verified.message(), "\n", lowered.ToString(fusion)));
  }
  return lowered;
}

double RandomDouble(std::mt19937_64& random, bool specials) {
  if (specials && random() % 8 == 0) {
    static constexpr double kSpecials[] = {0.0,
                                           -0.0,
                                           1.0,
                                           -1.0,
                                           0.5,
                                           2.5,
                                           -1.5,
                                           std::numeric_limits<double>::infinity(),
                                           -std::numeric_limits<double>::infinity(),
                                           std::numeric_limits<double>::quiet_NaN(),
                                           1e30,
                                           -1e-30};
    return kSpecials[random() % std::size(kSpecials)];
  }
  const double unit = static_cast<double>(random() >> 11) * 0x1p-53;
  return (unit - 0.5) * 8;
}

int64_t RandomInteger(std::mt19937_64& random, int64_t limit) {
  if (limit > 0) return static_cast<int64_t>(random() % static_cast<uint64_t>(limit));
  // Small ones as often as large ones.
  const int shift = static_cast<int>(random() % 64);
  return static_cast<int64_t>(random()) >> shift;
}

// The distance between neighbouring values of `type` at `value`.
double UnitInLastPlace(ElementType type, double value) {
  const FloatFormat& format = FormatOf(ComponentType(type));
  const double magnitude = std::fabs(value);
  const int least = 1 - format.bias;
  const int exponent = magnitude == 0 ? least : std::max(least, std::ilogb(magnitude));
  return std::ldexp(1.0, exponent - format.mantissa_bits);
}

bool IsNear(ElementType type, double actual, double expected, double norm,
            const Tolerance& tolerance) {
  if (std::isnan(expected) || std::isnan(actual)) return std::isnan(expected) && std::isnan(actual);
  if (std::isinf(expected) || std::isinf(actual)) return expected == actual;
  return std::fabs(actual - expected) <=
         tolerance.ulps * UnitInLastPlace(type, expected) + tolerance.relative_to_norm * norm;
}

}  // namespace

std::unique_ptr<Module> Parse(const std::string& text) {
  absl::StatusOr<std::unique_ptr<Module>> module = ParseModule(text, "test");
  if (!module.ok()) {
    ADD_FAILURE() << module.status().message() << "\n" << text;
    return nullptr;
  }
  const absl::Status verified = Verify(**module);
  if (!verified.ok()) ADD_FAILURE() << verified.message() << "\n" << text;
  return std::move(module).value();
}

absl::StatusOr<std::vector<Literal>> RunOnHost(const Computation& fusion,
                                               absl::Span<const Literal> inputs,
                                               const Target& target,
                                               const plan::PlanOptions& options) {
  INGOT_ASSIGN_OR_RETURN(Lowered lowered, LowerFor(fusion, target, options));
  std::vector<int64_t> tasks;
  for (const auto& kernel : lowered.kernels) tasks.push_back(kernel->launch().tasks);
  kernel::KernelModule module;
  module.kernels = std::move(lowered.kernels);
  INGOT_ASSIGN_OR_RETURN(codegen::HostCode code, codegen::CompileForHost(module, target));
  INGOT_ASSIGN_OR_RETURN(
      std::unique_ptr<runtime::ElfImage> image,
      runtime::ElfImage::Load(absl::MakeConstSpan(
          reinterpret_cast<const uint8_t*>(code.object.data()), code.object.size())));

  // Operands, then results, then scratch.
  std::vector<GuardedBytes> memory;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const int64_t size = static_cast<int64_t>(inputs[i].bytes().size());
    memory.emplace_back(size);
    if (size > 0) std::memcpy(memory[i].data(), inputs[i].bytes().data(), size);
  }
  const std::vector<Shape> leaves = LeafShapes(fusion.root()->shape());
  for (const Shape& leaf : leaves) memory.emplace_back(leaf.ByteSize());
  for (const plan::Scratch& scratch : lowered.plan.scratch) {
    memory.emplace_back(scratch.shape.ByteSize());
  }
  for (const plan::InPlacePair& update : lowered.plan.updates) {
    const auto operand = inputs[update.operand].bytes();
    if (!operand.empty()) {
      std::memcpy(memory[inputs.size() + update.result].data(), operand.data(), operand.size());
    }
  }
  const size_t firsts[] = {0, inputs.size(), inputs.size() + leaves.size()};
  for (size_t k = 0; k < tasks.size(); ++k) {
    const std::string& name = module.kernels[k]->name();
    auto* function = reinterpret_cast<runtime::HostKernel>(image->Find(name));
    if (function == nullptr) return absl::InternalError(absl::StrCat("no function named ", name));
    std::vector<uint64_t> arguments;
    for (const plan::BufferRole& role : lowered.plan.kernels[k].buffers) {
      GuardedBytes& bytes = memory[firsts[static_cast<int>(role.kind)] + role.number];
      arguments.push_back(reinterpret_cast<uint64_t>(bytes.data()));
    }
    function(arguments.data(), tasks[k] / 2, tasks[k]);
    function(arguments.data(), 0, tasks[k] / 2);
  }

  std::vector<Literal> results;
  for (size_t i = 0; i < memory.size(); ++i) {
    if (!memory[i].GuardsHold()) {
      return absl::InternalError(absl::StrCat("buffer ", i, " was written out of bounds"));
    }
  }
  for (size_t i = 0; i < leaves.size(); ++i) {
    INGOT_ASSIGN_OR_RETURN(Literal literal, Literal::Zeros(leaves[i]));
    const int64_t size = leaves[i].ByteSize();
    if (size > 0) std::memcpy(literal.MutableBytes().data(), memory[firsts[1] + i].data(), size);
    results.push_back(std::move(literal));
  }
  return results;
}

Literal RandomLiteral(const Shape& shape, const InputOptions& options) {
  std::mt19937_64 random(options.seed);
  absl::StatusOr<Literal> literal = Literal::Zeros(shape);
  INGOT_CHECK(literal.ok()) << literal.status().message();
  const ElementType type = shape.element_type();
  for (int64_t i = 0; i < literal->size(); ++i) {
    if (IsComplex(type)) {
      literal->SetComplex(i, {RandomDouble(random, false), RandomDouble(random, false)});
    } else if (IsFloat(type)) {
      literal->SetDouble(i, RandomDouble(random, options.specials));
    } else {
      const int64_t value = RandomInteger(random, options.limit);
      literal->SetInteger(i, type == ElementType::kPred ? value & 1 : value);
    }
  }
  return *std::move(literal);
}

void ExpectNear(const Literal& actual, const Literal& expected, const Tolerance& tolerance,
                const std::string& what) {
  const ElementType type = expected.shape().element_type();
  if (!IsFloat(type) && !IsComplex(type)) {
    for (int64_t i = 0; i < expected.size(); ++i) {
      ASSERT_EQ(actual.AsInteger(i), expected.AsInteger(i)) << "element " << i << "\n" << what;
    }
    return;
  }
  double norm = 0;
  for (int64_t i = 0; i < expected.size(); ++i) {
    const double magnitude = std::abs(expected.AsComplex(i));
    if (std::isfinite(magnitude)) norm = std::max(norm, magnitude);
  }
  for (int64_t i = 0; i < expected.size(); ++i) {
    const std::complex<double> x = actual.AsComplex(i);
    const std::complex<double> y = expected.AsComplex(i);
    ASSERT_TRUE(IsNear(type, x.real(), y.real(), norm, tolerance) &&
                IsNear(type, x.imag(), y.imag(), norm, tolerance))
        << "element " << i << " is " << x << ", expected " << y << "\n"
        << what;
  }
}

void ExpectMatchesEvaluator(const Module& module, const CheckOptions& options,
                            const std::string& what) {
  const Computation& fusion = *module.entry();
  std::vector<Literal> inputs;
  InputOptions input_options = options.inputs;
  for (const Instruction* parameter : fusion.parameters()) {
    ++input_options.seed;
    inputs.push_back(RandomLiteral(parameter->shape(), input_options));
  }
  const absl::StatusOr<Literal> expected = Evaluate(module, inputs);
  ASSERT_TRUE(expected.ok()) << expected.status().message() << "\n" << what;
  const std::vector<Literal> leaves = Leaves(*expected);
  for (const Target& target : AllTargets()) {
    // x86_64-v2 has no fused multiply-add, which contractions and elementary functions are made of.
    if (target.platform != Platform::kHost || target.vector_bytes < 32) continue;
    const absl::StatusOr<std::vector<Literal>> actual = RunOnHost(fusion, inputs, target);
    ASSERT_TRUE(actual.ok()) << target.name << ": " << actual.status().message() << "\n" << what;
    ASSERT_EQ(actual->size(), leaves.size());
    for (size_t i = 0; i < leaves.size(); ++i) {
      ExpectNear((*actual)[i], leaves[i], options.tolerance,
                 absl::StrCat(target.name, ", result ", i, "\n", what));
    }
    if (&target == HostTarget()) break;  // what comes after it does not run here
  }
  const absl::StatusOr<const Target*> gpu = FindTarget("sm_90a");
  ASSERT_TRUE(gpu.ok());
  const absl::Status lowered = LowerFor(fusion, **gpu).status();
  EXPECT_TRUE(lowered.ok()) << lowered.message() << "\n" << what;
}

void ExpectMatchesEvaluator(const std::string& text, const CheckOptions& options) {
  const std::unique_ptr<Module> module = Parse(text);
  if (module == nullptr) return;
  ExpectMatchesEvaluator(*module, options, text);
}

std::string PlanAndKernelText(const std::string& hlo, const std::string& target_name) {
  const std::unique_ptr<Module> module = Parse(hlo);
  if (module == nullptr) return "";
  absl::string_view name = target_name;
  plan::PlanOptions options;
  if (absl::ConsumeSuffix(&name, " strict")) options.numerics = Numerics::kStrict;
  options.tiles = !absl::ConsumeSuffix(&name, " loop");
  const absl::StatusOr<const Target*> target = FindTarget(name);
  if (!target.ok()) return std::string(target.status().message());
  const Computation& fusion = *module->entry();
  if (options.numerics == Numerics::kDefault) {
    options.seen = plan::FindSeenDigits(plan::FusionMembers(*module, {{&fusion}}))[0];
  }
  const absl::StatusOr<Lowered> lowered = LowerFor(fusion, **target, options);
  if (!lowered.ok()) return absl::StrCat("error: ", lowered.status().message(), "\n");
  return lowered->ToString(fusion);
}

}  // namespace ingot::test
